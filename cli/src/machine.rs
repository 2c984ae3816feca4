//! What a command takes from the machine: the clock, randomness, the runtime, a passphrase.

use crate::input;
use anyhow::{Context as _, Result, anyhow};
use engine::executor::Executor;
use engine::import::folder::Store;
use engine::model::{MANIFEST, Model, Source};
use engine::onnx_runtime::OnnxRuntime;
use engine::picture::Picture;
use engine::pipeline::Request;
use engine::{embedded, profile, workers};
use ledger::bundle::Report;
use ledger::policy::Policy;
use schema::Error;
use schema::bundle::{self, Bundle};
use schema::error::ErrorKind;
use schema::key::SecretKey;
use schema::key_file::{self, KeyFile};
use schema::passphrase::Passphrase;
use schema::recipe::{ModelDigest, Recipe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How a PNG file begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// This machine's clock, seconds since 1970. One that stands before 1970 believes no witness.
pub(crate) fn now_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// Fresh bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system's random source failed: {error}"))?;
    Ok(bytes)
}

const PASSPHRASE: &str = "SEEDMARK_PASSPHRASE";

/// The passphrase for a new key, from `SEEDMARK_PASSPHRASE` or twice from the terminal.
pub(crate) fn new_passphrase() -> Result<Passphrase> {
    passphrase("Passphrase: ", Some("The same again: "))
}

/// Opens a key file with the passphrase from `SEEDMARK_PASSPHRASE` or the terminal.
pub(crate) fn open_key(path: &Path) -> Result<SecretKey> {
    let bytes = input::read(path, "key file", key_file::MAX_BYTES)?;
    let in_file = || path.display().to_string();
    let file = KeyFile::parse(&bytes).with_context(in_file)?;
    let question = format!(
        "Passphrase of {}: ",
        schema::invisible::Shown(path.display())
    );
    let opened = file.open(&passphrase(&question, None)?);
    opened.with_context(in_file)
}

fn passphrase(question: &str, again: Option<&str>) -> Result<Passphrase> {
    if let Some(text) = std::env::var_os(PASSPHRASE) {
        let text = text
            .into_string()
            .map_err(|_| anyhow!("{PASSPHRASE} is not UTF-8"))?;
        return Ok(Passphrase::new(&text));
    }
    let ask = |question: &str| {
        crate::prompt::passphrase(question)
            .with_context(|| format!("cannot read a passphrase; set {PASSPHRASE} instead"))
    };
    let typed = Passphrase::new(&ask(question)?);
    if let Some(question) = again
        && Passphrase::new(&ask(question)?).composed() != typed.composed()
    {
        return Err(anyhow!("the two passphrases differ"));
    }
    Ok(typed)
}

/// Loads a model and a self-tested runtime: the one that is named, else the one that a recipe names, else the embedded one.
pub(crate) fn engine(
    named: Option<&Path>,
    recipe: Option<&Recipe>,
) -> Result<(Arc<Model>, OnnxRuntime)> {
    engine_in(&store(None)?, named, recipe.map(|recipe| recipe.model))
}

/// As [`engine`], with a store of one's own.
pub(crate) fn engine_in(
    store: &Store,
    named: Option<&Path>,
    wanted: Option<ModelDigest>,
) -> Result<(Arc<Model>, OnnxRuntime)> {
    profile::check_cpu()?;
    let model = model_in(store, named, wanted)?;
    let runtime = runtime()?;
    profile::self_test(&runtime)?;
    Ok((Arc::new(model), runtime))
}

/// The model inside this program.
pub(crate) fn embedded() -> Result<Model> {
    Ok(Model::load(&embedded::DEFAULT)?)
}

/// A model: a folder, or one of the store by name or digest; left out, the one that is wanted.
pub(crate) fn model_in(
    store: &Store,
    named: Option<&Path>,
    wanted: Option<ModelDigest>,
) -> Result<Model> {
    let Some(named) = named else {
        let usual = embedded()?;
        return match wanted {
            Some(digest) if digest != usual.digest => {
                let kept = store.find(&digest.to_string()).map_err(|_| {
                    engine::Error::new(
                        engine::ErrorKind::Missing,
                        format!(
                            "the recipe needs the model {digest}, which is not here ({}); add it with `seedmark model add`",
                            store.path().display()
                        ),
                    )
                })?;
                Ok(Model::load(&Source::Folder(kept.path))?)
            }
            _ => Ok(usual),
        };
    };
    let is_folder = named.join(MANIFEST).is_file() || named.components().count() > 1;
    if is_folder {
        return Ok(Model::load(&Source::Folder(named.to_owned()))?);
    }
    let name = named.to_string_lossy();
    let usual = embedded()?;
    if *name == usual.manifest.name {
        return Ok(usual);
    }
    let kept = store.find(&name)?;
    Ok(Model::load(&Source::Folder(kept.path))?)
}

const STORE: &str = "SEEDMARK_MODELS";

/// Where added models lie: as the command says, else `SEEDMARK_MODELS`, else in the folder for data.
pub(crate) fn store(named: Option<&Path>) -> Result<Store> {
    let set = || std::env::var_os(STORE).filter(|value| !value.is_empty());
    let place = named
        .map(Path::to_owned)
        .or_else(|| set().map(PathBuf::from))
        .or_else(|| folder("XDG_DATA_HOME", ".local/share").map(|at| at.join("seedmark/models")));
    let place = place.ok_or_else(|| anyhow!("there is no home folder; set {STORE} to a folder"))?;
    Ok(Store::at(&place))
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
    let bytes = input::read(file, "bundle", bundle::MAX_BYTES)?;
    if bytes.starts_with(PNG) {
        let why = "is a picture; what is checked is the .seedmark file of its recipe";
        return Err(Error::new(ErrorKind::Malformed, file.display().to_string(), why).into());
    }
    let bundle = Bundle::parse(&bytes)?;
    let saved = folder("XDG_CONFIG_HOME", ".config")
        .map(|folder| folder.join("seedmark/policy"))
        .filter(|path| path.is_file());
    let policy = match (policy.map(Path::to_owned).or(saved), &bundle.log_key) {
        (Some(path), _) => {
            let text = input::read_text(&path, "policy")?;
            Policy::parse(&text).with_context(|| path.display().to_string())?
        }
        (None, Some(key)) => Policy::first_use(key)?,
        (None, None) => Policy::none(),
    };
    Ok((bundle, policy))
}

/// Everything of a bundle but the pixels that it is for.
pub(crate) fn check(bundle: &Bundle, policy: &Policy) -> Report {
    let mut report = ledger::bundle::check(bundle, policy, now_seconds());
    crate::command::starting::note(bundle, &mut report);
    report
}

/// Makes pictures side by side, with progress on a terminal; as many at once as there are cores, or as `workers` says.
pub(crate) fn generate(
    model: &Arc<Model>,
    runtime: &dyn Executor,
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
