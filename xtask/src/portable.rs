//! `cargo xtask portable`: the fixed pictures on four CPUs, native and emulated, and the table of their digests.
//!
//! The one rule: every column runs the same `seedmark model check`; Arm64 runs an Arm64 build with the Arm64 library. An x86 CPU
//! without fused multiply-add must be refused. Emulation is qemu-user, whose floating point is exact IEEE arithmetic in software.

use crate::run::{cargo_with, debian, has, output, program, say};
use crate::{root, runtime, target};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

const ARM: &str = "aarch64-unknown-linux-gnu";
/// Where Debian's cross packages keep the Arm64 system libraries.
const ARM_LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
const REFUSAL: &str = "this CPU has no fused multiply-add; portable-1 needs one";
const SHORT: usize = 4;
/// The reference model that is added once more for tiles, with a picture of two tiles by two, one row and one column of them cut.
const TILED: &str = "sd15";
const TILES: &[&str] = &["--size", "56x40", "--tile", "32", "--tiles-only"];

/// One column of the table.
struct Machine {
    name: &'static str,
    /// Emulator and its options; empty for this machine itself.
    emulator: Vec<String>,
    program: PathBuf,
    library: PathBuf,
}

impl Machine {
    fn command(&self, pictures: usize) -> Command {
        let count = pictures.to_string();
        self.tool(&[
            "model",
            "check",
            "--json",
            "--pictures",
            &count,
            "--workers",
            "1",
        ])
    }

    /// The command line tool on this machine's CPU.
    fn tool(&self, arguments: &[&str]) -> Command {
        let program = self.program.to_string_lossy().into_owned();
        let mut words = self.emulator.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(arguments)
            .env("ORT_DYLIB_PATH", &self.library)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }
}

/// What a picture depends on, from the root: files and folders.
const DEPENDS: [&str; 14] = [
    "Cargo.lock",
    "Cargo.toml",
    "cli/Cargo.toml",
    "engine/model/digests.txt",
    "schema/Cargo.toml",
    "cli/src",
    "engine/Cargo.toml",
    "engine/model/files",
    "engine/selftest",
    "engine/tests/reference/models",
    "engine/src",
    "schema/src",
    "xtask/src/portable.rs",
    "xtask/src/runtime.rs",
];

/// Makes four pictures, unless nothing that a picture depends on changed since they were equal here; says which of the two it did.
pub(crate) fn check(install: bool) -> Result<()> {
    let mut files = Vec::new();
    for place in DEPENDS {
        list(&root().join(place), &mut files)?;
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    let compiler = output("rustc", &["-vV"]).context("rustc does not say what it is")?;
    hasher.update(compiler.as_bytes());
    for path in files {
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let name = path.strip_prefix(root()).unwrap_or(&path);
        hasher.update(name.to_string_lossy().as_bytes());
        hasher.update(blake3::hash(&bytes).as_bytes());
    }
    let stamp = hasher.finalize().to_hex().to_string();
    let proven = target().join("portable.proven");
    if std::fs::read_to_string(&proven).ok().as_deref() == Some(stamp.as_str()) {
        say("nothing that a picture depends on changed since four of them were equal here");
        return Ok(());
    }
    run(&["--short".to_owned()], install)?;
    std::fs::write(&proven, stamp).with_context(|| proven.display().to_string())
}

fn list(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
        list(&entry?.path(), found)?;
    }
    Ok(())
}

/// `--short` makes four pictures; `--write` publishes this machine's digests first.
pub(crate) fn run(arguments: &[String], install: bool) -> Result<()> {
    let short = arguments.iter().any(|argument| argument == "--short");
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the comparison of CPUs needs an x86-64 Linux machine");
    }
    let machines = machines(install)?;
    if arguments.iter().any(|argument| argument == "--write") {
        publish(&machines[0])?;
        return Ok(());
    }
    let pictures = if short { SHORT } else { 32 };
    let columns = digests(&machines, pictures)?;
    print_table(&machines, &columns);
    refused(&machines)?;
    let first = &columns[0];
    if let Some(odd) = columns
        .iter()
        .position(|column| column["pictures"] != first["pictures"])
    {
        bail!(
            "{} gives other digests than {}",
            machines[odd].name,
            machines[0].name
        );
    }
    if first["equal"] != pictures {
        bail!(
            "the digests are not the published ones; after a new model run `cargo xtask portable --write`"
        );
    }
    let models = families(&machines)?;
    say(&format!(
        "{pictures} pictures and two of each of {models} added models are equal on {} CPUs, and a CPU without FMA is refused",
        machines.len()
    ));
    Ok(())
}

/// Adds the reference model of every family here, and makes two pictures of each on every CPU; how many models there are.
fn families(machines: &[Machine]) -> Result<usize> {
    let store = target().join("portable").join("models");
    if store.exists() {
        std::fs::remove_dir_all(&store).with_context(|| store.display().to_string())?;
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root().join("engine/tests/reference/models"))? {
        folders.push(entry?.path());
    }
    folders.retain(|path| path.is_dir());
    folders.sort();
    let mut models: Vec<(String, &Path, &[&str])> = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        models.push((name.clone().into_owned(), folder, &[]));
        if name == TILED {
            models.push((format!("{name} in tiles"), folder, TILES));
        }
    }
    let names: Vec<&str> = machines.iter().map(|machine| machine.name).collect();
    say(&format!(
        "\n| model | picture | {} |\n|{}",
        names.join(" | "),
        " --- |".repeat(names.len() + 2)
    ));
    for (name, folder, more) in &models {
        let words = ["model", "add", "--json", "--licence", "MIT", "--name", name];
        let mut add = machines[0].tool(&[&words[..], more].concat());
        let done = add.arg(folder).env("SEEDMARK_MODELS", &store).output()?;
        if !done.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let mut columns = Vec::new();
        for machine in machines {
            let words = [
                "model",
                "check",
                "--json",
                "--pictures",
                "2",
                "--workers",
                "1",
                name,
            ];
            let done = machine
                .tool(&words)
                .env("SEEDMARK_MODELS", &store)
                .output()?;
            let told = String::from_utf8_lossy(&done.stderr).into_owned();
            let value: Value = serde_json::from_slice(&done.stdout)
                .with_context(|| format!("{name} on {}: {told}", machine.name))?;
            let digests = value["pictures"].as_array().into_iter().flatten();
            let digests = digests.map(|row| row["blake3"].as_str().unwrap_or("?").to_owned());
            columns.push(digests.collect::<Vec<_>>());
        }
        for picture in 0..columns[0].len() {
            let row: Vec<&str> = columns
                .iter()
                .map(|column| {
                    column
                        .get(picture)
                        .map_or("?", |digest| &digest[..16.min(digest.len())])
                })
                .collect();
            say(&format!(
                "| {name} | {} | {} |",
                picture + 1,
                row.join(" | ")
            ));
        }
        if columns[0].is_empty() || columns.iter().any(|column| *column != columns[0]) {
            bail!("pictures of {name} are not equal on every CPU");
        }
    }
    Ok(models.len())
}

fn machines(install: bool) -> Result<Vec<Machine>> {
    let missing = !has("qemu-aarch64-static")
        || !has("aarch64-linux-gnu-gcc")
        || !Path::new(ARM_LIBRARIES).join("libstdc++.so.6").exists();
    if missing {
        if !install {
            bail!(
                "qemu-user-static, gcc-aarch64-linux-gnu or libstdc++6-arm64-cross is missing and --no-install was given"
            );
        }
        debian(&[
            "qemu-user-static",
            "gcc-aarch64-linux-gnu",
            "libc6-dev-arm64-cross",
            "libstdc++6-arm64-cross",
        ])?;
    }
    if let Some(list) = output("rustup", &["target", "list", "--installed"])
        && !list.lines().any(|line| line == ARM)
    {
        program("rustup", &["target", "add", ARM])?;
    }
    let build = ["build", "--quiet", "--package", "seedmark-cli"];
    cargo_with(&build, &[])?;
    let linker = [(
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
        "aarch64-linux-gnu-gcc",
    )];
    cargo_with(&[&build[..], &["--target", ARM]].concat(), &linker)?;
    let target = target();
    let sysroot = arm_sysroot(&target.join("portable"))?
        .to_string_lossy()
        .into_owned();
    let (x86, arm) = (
        target.join("debug/seedmark"),
        target.join(ARM).join("debug/seedmark"),
    );
    let (x86_library, arm_library) = (
        runtime::ensure(install)?,
        runtime::ensure_for("aarch64", install)?,
    );
    let emulated =
        |name, emulator: &str, cpu: &str, more: &[&str], program: &Path, library: &Path| Machine {
            name,
            emulator: [emulator, "-cpu", cpu]
                .iter()
                .chain(more)
                .map(|word| (*word).to_owned())
                .collect(),
            program: program.to_owned(),
            library: library.to_owned(),
        };
    let prefix = ["-L", sysroot.as_str()];
    Ok(vec![
        Machine {
            name: "this machine",
            emulator: vec![],
            program: x86.clone(),
            library: x86_library.clone(),
        },
        emulated(
            "Haswell (AVX2)",
            "qemu-x86_64-static",
            "Haswell",
            &[],
            &x86,
            &x86_library,
        ),
        emulated(
            "Cortex-A57",
            "qemu-aarch64-static",
            "cortex-a57",
            &prefix,
            &arm,
            &arm_library,
        ),
        emulated(
            "Neoverse-N1",
            "qemu-aarch64-static",
            "neoverse-n1",
            &prefix,
            &arm,
            &arm_library,
        ),
    ])
}

/// A folder that the Arm64 programs see as `/`: the system libraries, and a description of an Arm64 CPU, since ONNX Runtime
/// reads `/proc/cpuinfo` while it loads and crashes on an x86 one.
fn arm_sysroot(folder: &Path) -> Result<PathBuf> {
    let sysroot = folder.join("arm64");
    std::fs::create_dir_all(sysroot.join("proc"))?;
    let link = sysroot.join("lib");
    if !link.exists() {
        #[cfg(unix)]
        std::os::unix::fs::symlink(ARM_LIBRARIES, &link)
            .context("the Arm64 libraries cannot be linked")?;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let block = |core: usize| {
        format!(
            "processor\t: {core}\nBogoMIPS\t: 100.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n\
             CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd07\nCPU revision\t: 0\n\n"
        )
    };
    std::fs::write(
        sysroot.join("proc/cpuinfo"),
        (0..cores).map(block).collect::<String>(),
    )?;
    Ok(sysroot)
}

/// Runs every machine, as many at a time as there are cores: emulation is slow, and each run has one thread.
fn digests(machines: &[Machine], pictures: usize) -> Result<Vec<Value>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match machines.get(at) {
                Some(machine) => found.push((at, one(machine, pictures))),
                None => return found,
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut found: Vec<(usize, Result<Value>)> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        started
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    if found.len() < machines.len() {
        bail!("a run was lost");
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, value)| value).collect()
}

/// One column. A finished one is kept below `target/portable`, for as long as program, model and count stay the same: a column
/// takes from ten minutes to over an hour, and a cut run goes on with the next.
fn one(machine: &Machine, pictures: usize) -> Result<Value> {
    let digests = std::fs::read(root().join("engine/model/digests.txt"))?;
    let program = std::fs::metadata(&machine.program)?;
    let built = program
        .modified()?
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let stamp = serde_json::json!({
        "pictures": pictures, "digests": String::from_utf8_lossy(&digests),
        "program": [program.len(), built], "library": machine.library,
    });
    let kept = target().join("portable").join(format!(
        "{}-{pictures}.json",
        machine.name.replace(' ', "-")
    ));
    if let Ok(bytes) = std::fs::read(&kept)
        && let Ok(Value::Array(pair)) = serde_json::from_slice::<Value>(&bytes)
        && pair.first() == Some(&stamp)
        && let Some(value) = pair.into_iter().nth(1)
    {
        say(&format!("{} was done before", machine.name));
        return Ok(value);
    }
    let value = measure(machine, pictures)?;
    if pictures > SHORT {
        std::fs::write(&kept, serde_json::to_vec(&[stamp, value.clone()])?)?;
    }
    Ok(value)
}

fn measure(machine: &Machine, pictures: usize) -> Result<Value> {
    let done = machine
        .command(pictures)
        .output()
        .with_context(|| format!("{} cannot be started", machine.name))?;
    // The tool's exit code says whether the digests are the published ones; that is judged over all columns.
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    let value = serde_json::from_slice(&done.stdout)
        .with_context(|| format!("{} ({}): {told}", machine.name, done.status))?;
    say(&format!("{} is done", machine.name));
    Ok(value)
}

fn print_table(machines: &[Machine], columns: &[Value]) {
    let names: Vec<&str> = machines.iter().map(|machine| machine.name).collect();
    say(&format!(
        "\n| picture | {} |\n|{}",
        names.join(" | "),
        " --- |".repeat(names.len() + 1)
    ));
    let rows = columns[0]["pictures"].as_array().map_or(0, Vec::len);
    for row in 0..rows {
        let short = |column: &Value| {
            column["pictures"][row]["blake3"]
                .as_str()
                .unwrap_or("?")
                .chars()
                .take(16)
                .collect::<String>()
        };
        let digests: Vec<String> = columns.iter().map(short).collect();
        let prompt = columns[0]["pictures"][row]["prompt"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        say(&format!("| {prompt} | {} |", digests.join(" | ")));
    }
    for (machine, column) in machines.iter().zip(columns) {
        let text = |name: &str| column[name].as_str().unwrap_or("?").to_owned();
        say(&format!(
            "\n{}: {}, {}",
            machine.name,
            text("cpu"),
            text("runtime")
        ));
    }
    say("");
}

/// This CPU has AVX and no FMA: it must be turned away before any picture is made.
fn refused(machines: &[Machine]) -> Result<()> {
    let old = Machine {
        name: "SandyBridge",
        emulator: ["qemu-x86_64-static", "-cpu", "SandyBridge"]
            .map(str::to_owned)
            .to_vec(),
        program: machines[0].program.clone(),
        library: machines[0].library.clone(),
    };
    let done = old
        .command(1)
        .output()
        .context("SandyBridge cannot be started")?;
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    if done.status.success() || !told.contains(REFUSAL) {
        bail!("a CPU without FMA is not refused with {REFUSAL:?}; it said: {told}");
    }
    Ok(())
}

/// Writes this machine's digests as the published ones, for the model that is embedded now.
fn publish(machine: &Machine) -> Result<()> {
    let done = machine.command(32).output()?;
    let value: Value = serde_json::from_slice(&done.stdout).context("the check printed no JSON")?;
    let mut text = format!("{}\n", value["model"].as_str().context("no model")?);
    for picture in value["pictures"].as_array().context("no pictures")? {
        text.push_str(picture["blake3"].as_str().context("no digest")?);
        text.push('\n');
    }
    std::fs::write(root().join("engine/model/digests.txt"), text)?;
    say("engine/model/digests.txt is written; now run `cargo xtask portable`");
    Ok(())
}
