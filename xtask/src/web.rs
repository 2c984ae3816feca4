//! The browser build: WebAssembly library, glue, styles and boot script, with hashed names and compressed copies.

use crate::run::{cargo, ensure_wasm_target, say};
use crate::{root, target};
use anyhow::{Context as _, Result, anyhow, bail};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// Wasm and glue together, as Brotli: more fails the build. docs/decisions/012 says what keeps it below.
const MAX_LIBRARY_BYTES: usize = 150_000;

pub(crate) fn build() -> Result<()> {
    ensure_wasm_target()?;
    cargo(&[
        "build",
        "--quiet",
        "--package",
        "seedmark-islands",
        "--lib",
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        "wasm-release",
    ])?;
    let site = target().join("site");
    let wasm = target().join("wasm32-unknown-unknown/wasm-release/islands.wasm");
    let stamp = stamp(&wasm)?;
    let stamp_file = site.join("stamp");
    if fs::read_to_string(&stamp_file).ok().as_deref() == Some(stamp.as_str()) {
        return Ok(());
    }
    let assets = site.join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets)?;
    }
    fs::create_dir_all(&assets)?;
    let mut names = BTreeMap::new();
    let bound = bind(&wasm, &site)?;
    let library = fs::read(&bound.1)?;
    let wasm_name = write(&assets, "app.wasm", &library, &mut names)?;
    let glue = fs::read(&bound.0)?;
    let glue_name = write(&assets, "app.js", &glue, &mut names)?;
    let boot = fs::read_to_string(root().join("app/islands/src/boot.js"))?;
    let studio = fs::read(root().join("app/islands/src/studio.js"))?;
    let studio_name = write(&assets, "studio.js", &studio, &mut names)?;
    let boot = boot
        .replace("STUDIO_URL", &format!("/assets/{studio_name}"))
        .replace("GLUE_URL", &format!("/assets/{glue_name}"))
        .replace("WASM_URL", &format!("/assets/{wasm_name}"));
    write(&assets, "boot.js", boot.as_bytes(), &mut names)?;
    let style = styles()?;
    write(&assets, "style.css", style.as_bytes(), &mut names)?;
    let (library, glue) = (brotli(&library)?.len(), brotli(&glue)?.len());
    let size = library + glue;
    say(&format!(
        "browser library {size} bytes ({library} and its glue {glue}) and styles {} bytes as Brotli",
        brotli(style.as_bytes())?.len()
    ));
    if size > MAX_LIBRARY_BYTES {
        bail!("the browser library has {size} bytes as Brotli, the limit is {MAX_LIBRARY_BYTES}");
    }
    fs::write(site.join("manifest.json"), serde_json::to_vec(&names)?)?;
    // Last, so that an interrupted build is not taken for a finished one.
    fs::write(stamp_file, stamp)?;
    Ok(())
}

/// Digest of all inputs.
fn stamp(wasm: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fs::read(wasm).with_context(|| wasm.display().to_string())?);
    for script in ["boot.js", "studio.js"] {
        hasher.update(&fs::read(root().join("app/islands/src").join(script))?);
    }
    let mut styles: Vec<PathBuf> = fs::read_dir(root().join("app/site/style"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    styles.sort();
    for path in styles {
        hasher.update(&fs::read(path)?);
    }
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

/// Runs wasm-bindgen. Returns glue and library.
fn bind(wasm: &Path, site: &Path) -> Result<(PathBuf, PathBuf)> {
    let out = site.join("bound");
    fs::create_dir_all(&out)?;
    Bindgen::new()
        .input_path(wasm)
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                .remove_name_section(true)
                .remove_producers_section(true)
                .out_name("app")
                .generate(&out)
        })
        .map_err(|error| anyhow!("wasm-bindgen: {error:#}"))?;
    Ok((out.join("app.js"), out.join("app_bg.wasm")))
}

fn styles() -> Result<String> {
    let provider = FileProvider::new();
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    let mut sheet = bundler
        .bundle(&root().join("app/site/style/main.css"))
        .map_err(|error| anyhow!("styles: {error}"))?;
    sheet
        .minify(MinifyOptions::default())
        .map_err(|error| anyhow!("styles: {error}"))?;
    let printed = sheet
        .to_css(PrinterOptions {
            minify: true,
            ..PrinterOptions::default()
        })
        .map_err(|error| anyhow!("styles: {error}"))?;
    Ok(printed.code)
}

/// Writes a file under a name that holds its digest, with Brotli and gzip copies beside it.
fn write(
    assets: &Path,
    name: &str,
    bytes: &[u8],
    names: &mut BTreeMap<String, String>,
) -> Result<String> {
    let (stem, extension) = name
        .split_once('.')
        .context("asset names have an extension")?;
    let hashed = format!("{stem}.{}.{extension}", &blake3::hash(bytes).to_hex()[..12]);
    fs::write(assets.join(&hashed), bytes)?;
    fs::write(assets.join(format!("{hashed}.br")), brotli(bytes)?)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes)?;
    fs::write(assets.join(format!("{hashed}.gz")), gzip.finish()?)?;
    names.insert(name.to_owned(), hashed.clone());
    Ok(hashed)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &parameters)?;
    Ok(out)
}
