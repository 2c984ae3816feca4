//! Reading: files and standard input, never more of them than the format allows.
//!
//! The one rule: a file of three gigabytes, or one without an end, costs what the largest good one costs.

use anyhow::{Context as _, Result, bail};
use schema::Error;
use schema::error::ErrorKind;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest policy, state or witness key.
pub(crate) const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Whether standard input was read already: it comes once.
static STDIN_READ: AtomicBool = AtomicBool::new(false);

/// Reads a file of at most `most` bytes and its line end; `-` is standard input. `what` names it in a refusal.
///
/// # Errors
/// A `schema::Error` for a longer one.
pub(crate) fn read(path: &Path, what: &str, most: usize) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    // Room for a byte order mark and a line end, and for one byte too many.
    let room = most as u64 + 6;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        if STDIN_READ.swap(true, Ordering::Relaxed) {
            bail!("standard input can be read once; name a file for the {what}");
        }
        std::io::stdin()
            .lock()
            .take(room)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(room).read_to_end(&mut bytes))
            .with_context(cannot)?;
    }
    if schema::canonical::body(&bytes).len() > most {
        let why = format!("is longer than {most} bytes, the limit of a {what}");
        return Err(Error::new(ErrorKind::Malformed, path.display().to_string(), why).into());
    }
    Ok(bytes)
}

/// Reads a text file without its byte order mark.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let bytes = read(path, what, MAX_TEXT_BYTES)?;
    match std::str::from_utf8(schema::canonical::body(&bytes)) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => bail!("{} is not text", path.display()),
    }
}
