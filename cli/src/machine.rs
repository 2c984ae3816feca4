//! What a command takes from the machine: files, randomness, the runtime, a passphrase.

use anyhow::{Context as _, Result, anyhow};
use engine::model::{Model, Source};
use engine::onnx_runtime::OnnxRuntime;
use engine::picture::Picture;
use engine::pipeline::Request;
use engine::{embedded, profile, workers};
use ledger::policy::Policy;
use schema::bundle::Bundle;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads an input file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes an output file; `secret` files are for their owner only.
pub(crate) fn write(path: &Path, bytes: &[u8], secret: bool) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if secret {
        options.create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    } else {
        options.create(true).truncate(true);
    }
    let mut file = options.open(path).with_context(cannot)?;
    std::io::Write::write_all(&mut file, bytes).with_context(cannot)
}

/// Fresh bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system's random source failed: {error}"))?;
    Ok(bytes)
}

/// The passphrase, from `SEEDMARK_PASSPHRASE` or the terminal.
pub(crate) fn passphrase(twice: bool) -> Result<String> {
    if let Ok(text) = std::env::var("SEEDMARK_PASSPHRASE") {
        return Ok(text);
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .context("cannot read a passphrase; set SEEDMARK_PASSPHRASE instead")
    };
    let text = ask("Passphrase: ")?;
    if twice && ask("The same again: ")? != text {
        return Err(anyhow!("the two passphrases differ"));
    }
    Ok(text)
}

/// The passphrase of one of several key files, from `SEEDMARK_PASSPHRASE` or the terminal.
pub(crate) fn passphrase_of(file: &Path) -> Result<String> {
    if let Ok(text) = std::env::var("SEEDMARK_PASSPHRASE") {
        return Ok(text);
    }
    rpassword::prompt_password(format!("Passphrase of {}: ", file.display()))
        .context("cannot read a passphrase; set SEEDMARK_PASSPHRASE instead")
}

/// Loads a model and a self-tested runtime.
pub(crate) fn engine(folder: Option<&Path>) -> Result<(Arc<Model>, OnnxRuntime)> {
    profile::check_cpu()?;
    let model = model(folder)?;
    let runtime = runtime()?;
    profile::self_test(&runtime)?;
    Ok((Arc::new(model), runtime))
}

pub(crate) fn model(folder: Option<&Path>) -> Result<Model> {
    Ok(match folder {
        Some(folder) => Model::load(&Source::Folder(folder.to_owned()))?,
        None => Model::load(&embedded::DEFAULT)?,
    })
}

pub(crate) fn runtime() -> Result<OnnxRuntime> {
    let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let cache = folder("XDG_CACHE_HOME", ".cache");
    let path = OnnxRuntime::find(configured, program.as_deref(), cache.as_deref())?;
    Ok(OnnxRuntime::load(&path)?)
}

fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    set.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(below_home)))
}

/// Reads a bundle and the policy to check it by.
pub(crate) fn bundle_and_policy(file: &Path, policy: Option<&Path>) -> Result<(Bundle, Policy)> {
    let bundle = Bundle::parse(&read(file)?)?;
    let saved = folder("XDG_CONFIG_HOME", ".config")
        .map(|folder| folder.join("seedmark/policy"))
        .filter(|path| path.is_file());
    let policy = match (policy.map(Path::to_owned).or(saved), &bundle.log_key) {
        (Some(path), _) => {
            let text = String::from_utf8(read(&path)?)
                .map_err(|_| anyhow!("{} is not text", path.display()))?;
            Policy::parse(&text).with_context(|| path.display().to_string())?
        }
        (None, Some(key)) => Policy::first_use(key)?,
        (None, None) => Policy::none(),
    };
    Ok((bundle, policy))
}

/// Makes pictures side by side, with progress on a terminal; as many at once as there are cores, or as `workers` says.
pub(crate) fn generate(
    model: &Arc<Model>,
    runtime: &OnnxRuntime,
    requests: &[Request],
    workers: Option<u16>,
) -> Result<Vec<Picture>> {
    let steps = requests
        .iter()
        .map(|request| u64::from(request.steps))
        .sum();
    let bar = crate::output::progress(steps, "generating");
    let workers = workers.map_or_else(workers::available, usize::from);
    let pictures = workers::generate_all(model, runtime, requests, workers, &|| bar.inc(1))?;
    bar.finish_and_clear();
    Ok(pictures)
}
