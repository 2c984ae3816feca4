//! What an administrator's command hands over, on standard output or in a file, and the exit code that follows.
//!
//! The one rule: 0 all holds, 1 it failed, 2 wrong command or results that could not be written. A reader that left is no error.
//! A serving process prints its address; everything else that the program says is logged to standard error.

use anyhow::{Context as _, Result};
use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Results that could not be written.
#[derive(Debug)]
struct Lost(std::io::Error);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the results cannot be written: {}", self.0)
    }
}

impl std::error::Error for Lost {}

/// Writes results to standard output.
///
/// # Errors
/// When they are lost, but for a reader that left.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Lost(error).into()),
        _ => Ok(()),
    }
}

/// Refuses a place where no file can lie, before the work for it is done.
///
/// # Errors
/// Names the place.
pub(crate) fn check_place(path: &Path) -> Result<()> {
    anyhow::ensure!(
        !path.is_dir(),
        "{} is a folder; name a file in it",
        path.display()
    );
    let folder = folder_of(path);
    anyhow::ensure!(folder.is_dir(), "{} is no folder", folder.display());
    Ok(())
}

/// Writes results to a file, whole or not at all.
///
/// # Errors
/// When they are lost; what was there before is there still.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        if path.exists() && !path.is_file() {
            return std::fs::write(path, bytes);
        }
        let folder = folder_of(path);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write()
        .map_err(Lost)
        .with_context(|| path.display().to_string())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Prints what the parser of the command line says.
pub(crate) fn usage(said: &clap::Error) -> ExitCode {
    let text = said.render();
    if said.use_stderr() {
        let _unread = write!(std::io::stderr(), "{text}");
        return ExitCode::from(2);
    }
    end(print(text.to_string().as_bytes()))
}

/// The exit code of the program. The log takes the error; whether it can be written changes no code.
pub(crate) fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.downcast_ref::<Lost>().is_some() {
                return ExitCode::from(2);
            }
            ExitCode::FAILURE
        }
    }
}
