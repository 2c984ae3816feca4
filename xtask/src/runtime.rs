//! The ONNX Runtime library: `ORT_DYLIB_PATH`, the cached copy, the PyPI wheel, the npm package, in this order.
//!
//! The one rule: what is fetched has a pinned version and a known digest, or it is not used.

use crate::run::{output, say};
use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

const PYPI_VERSION: &str = "1.32.0";
const NPM_VERSION: &str = "1.30.0";
const LIBRARY: &str = "libonnxruntime.so";

/// SHA-256 of the libraries that were tested, by where they come from.
const KNOWN: &[(&str, &str)] = &[
    (
        "PyPI 1.32.0, Linux x86_64",
        "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
    ),
    (
        "PyPI 1.32.0, Linux aarch64",
        "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
    ),
    (
        "npm 1.30.0, Linux x64",
        "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
    ),
    (
        "npm 1.30.0, Linux arm64",
        "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76",
    ),
];

fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join(format!("seedmark/onnxruntime-{PYPI_VERSION}")))
}

fn digest(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn known(path: &Path) -> Result<&'static str> {
    let found = digest(path)?;
    let name = KNOWN
        .iter()
        .find(|(_, digest)| *digest == found)
        .map(|(name, _)| *name);
    name.with_context(|| {
        format!(
            "{} has the SHA-256 {found}, which is none of the tested libraries'",
            path.display()
        )
    })
}

/// The library's path for this machine; fetches it when `fetch` and nothing else has it.
pub(crate) fn ensure(fetch: bool) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from) {
        if !path.is_file() {
            bail!("ORT_DYLIB_PATH is {}, where no file lies", path.display());
        }
        return Ok(path);
    }
    ensure_for(std::env::consts::ARCH, fetch)
}

/// The cached library for an architecture, as Rust names it.
pub(crate) fn ensure_for(architecture: &str, fetch: bool) -> Result<PathBuf> {
    let folder = if architecture == std::env::consts::ARCH {
        cache()?
    } else {
        cache()?.join(architecture)
    };
    let cached = folder.join(LIBRARY);
    if cached.is_file() && known(&cached).is_ok() {
        return Ok(cached);
    }
    if !fetch {
        bail!("the ONNX Runtime library is missing; run `cargo xtask runtime`");
    }
    if !cfg!(target_os = "linux") {
        bail!(
            "only Linux libraries are fetched; take one of version {PYPI_VERSION} and set ORT_DYLIB_PATH"
        );
    }
    say("fetching ONNX Runtime (28 MB, once)");
    let place = std::env::temp_dir().join(format!("seedmark-runtime-{}", std::process::id()));
    std::fs::create_dir_all(&place)?;
    let found = from_pypi(&place, architecture).or_else(|first| {
        from_npm(&place, architecture).with_context(|| format!("PyPI: {first:#}"))
    });
    let result = found.and_then(|path| {
        let name = known(&path)?;
        std::fs::create_dir_all(&folder)?;
        // Copy beside, then rename: a killed copy must not look like a library.
        let partial = cached.with_extension("partial");
        std::fs::copy(&path, &partial)?;
        std::fs::rename(&partial, &cached)?;
        say(&format!("ONNX Runtime from {name}"));
        Ok(cached)
    });
    let _left = std::fs::remove_dir_all(&place);
    result
}

fn from_pypi(folder: &Path, architecture: &str) -> Result<PathBuf> {
    let place = folder.to_string_lossy().into_owned();
    let package = format!("onnxruntime=={PYPI_VERSION}");
    let platform = format!("manylinux_2_28_{architecture}");
    let arguments = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--python-version",
        "311",
        "--platform",
        &platform,
        "--dest",
        &place,
        &package,
    ];
    output("python3", &arguments)
        .context("python3 with pip could not download the package onnxruntime")?;
    let wheel = find(folder, &|name| name.ends_with(".whl")).context("pip downloaded no wheel")?;
    let unpacked = folder.join("wheel").to_string_lossy().into_owned();
    output(
        "python3",
        &["-m", "zipfile", "-e", &wheel.to_string_lossy(), &unpacked],
    )
    .context("the wheel cannot be unpacked")?;
    find(&folder.join("wheel/onnxruntime/capi"), &|name| {
        name.starts_with("libonnxruntime.so")
    })
    .context("the wheel holds no library")
}

fn from_npm(folder: &Path, architecture: &str) -> Result<PathBuf> {
    let place = folder.to_string_lossy().into_owned();
    // Scripts stay off: this package's would fetch another library.
    let package = format!("onnxruntime-node@{NPM_VERSION}");
    output(
        "npm",
        &[
            "pack",
            "--silent",
            "--ignore-scripts",
            "--pack-destination",
            &place,
            &package,
        ],
    )
    .context("npm could not download the package onnxruntime-node")?;
    let archive =
        find(folder, &|name| name.ends_with(".tgz")).context("npm downloaded no archive")?;
    output("tar", &["-xzf", &archive.to_string_lossy(), "-C", &place])
        .context("the archive cannot be unpacked")?;
    let arch = if architecture == "aarch64" {
        "arm64"
    } else {
        "x64"
    };
    find(
        &folder.join(format!("package/bin/napi-v6/linux/{arch}")),
        &|name| name.starts_with("libonnxruntime.so"),
    )
    .context("the archive holds no library")
}

fn find(folder: &Path, fits: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(Result::ok)
        .find(|entry| fits(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
}
