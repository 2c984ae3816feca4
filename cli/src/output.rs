//! Printing: results to standard output, everything else to standard error. The only file that writes to either.
//!
//! The one rule: a line that cannot be written ends nothing. The loss is noted, the verdict is reached all the same, and
//! [`finish`] decides the exit code: a reader that left changes nothing; results that are lost are an error unless the verdict is
//! worse. Every text is escaped on its way: what stands in a foreign file moves no cursor and begins no line.

use crate::exit::Exit;
use indicatif::{ProgressBar, ProgressStyle};
use schema::invisible::{Class, Shown, ShownLines, class};
use std::fmt::Display;
use std::io::{Error, ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The first failure of standard output. Held for a moment, never while writing.
static LOST: Mutex<Option<Error>> = Mutex::new(None);
/// Whether a file goes to standard output, so that the report must not.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn note(written: Result<(), Error>) {
    if let Err(error) = written {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert(error);
    }
}

/// Whether anybody can still read what is printed; what runs for ever ends when nobody can.
pub(crate) fn is_open() -> bool {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.is_none()
}

/// Fails when what was printed is lost, but for a reader that left.
///
/// # Errors
/// With what the system said.
pub(crate) fn check() -> anyhow::Result<()> {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*lost {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            anyhow::bail!("standard output cannot be written: {error}")
        }
        _ => Ok(()),
    }
}

fn put(bytes: &[u8]) {
    if is_open() {
        let mut out = std::io::stdout().lock();
        note(out.write_all(bytes).and_then(|()| out.flush()));
    }
}

/// Leaves standard output to a file; the report goes to standard error from now on.
pub(crate) fn leave_to_file() {
    TAKEN.store(true, Ordering::Relaxed);
}

/// Writes a file to standard output, which [`leave_to_file`] freed.
pub(crate) fn file(bytes: &[u8]) {
    put(bytes);
}

/// Prints one line of results.
pub(crate) fn line(text: impl Display) {
    if TAKEN.load(Ordering::Relaxed) {
        hint(text);
    } else {
        put(format!("{}\n", Shown(text)).as_bytes());
    }
}

/// Prints a text of several lines that was checked, such as a proof.
pub(crate) fn document(text: &str) {
    put(format!("{}\n", ShownLines(text.trim_end())).as_bytes());
}

/// Prints one JSON object. What a terminal would obey is escaped as JSON escapes it, so readers get the same text.
pub(crate) fn json(value: &serde_json::Value) {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match class(character) {
            None | Some(Class::Joiner | Class::Variation | Class::Unassigned) => {
                text.push(character);
            }
            Some(_) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    put(format!("{text}\n").as_bytes());
}

/// Prints a hint that is no result; whether it can be written changes nothing.
pub(crate) fn hint(text: impl Display) {
    let _unread = writeln!(std::io::stderr(), "{}", Shown(text));
}

/// Prints an error with its causes; for machines as an object on standard output, too.
pub(crate) fn error(error: &anyhow::Error, exit: Exit, as_json: bool) {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let chain = chain.join(": ");
    if as_json && !TAKEN.load(Ordering::Relaxed) {
        json(&serde_json::json!({ "error": chain, "exit": exit as u8 }));
    }
    hint(format!("error: {chain}"));
}

/// Prints what the command line's parser says: help and version to standard output, mistakes to standard error.
pub(crate) fn usage(said: &clap::Error, as_json: bool) -> Exit {
    let exit = if said.use_stderr() {
        Exit::Usage
    } else {
        Exit::Success
    };
    if exit == Exit::Usage && as_json {
        let text = said.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        json(&serde_json::json!({ "error": text, "exit": exit as u8 }));
    }
    let printed = said.print();
    if exit == Exit::Success {
        note(printed);
    }
    exit
}

/// The exit code of the program: the verdict, unless it is good news that could not be told.
pub(crate) fn finish(verdict: Exit) -> ExitCode {
    note(std::io::stdout().flush());
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    match lost {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            hint(format!("error: the results cannot be written: {error}"));
            match verdict {
                Exit::Success => Exit::Usage.code(),
                worse => worse.code(),
            }
        }
        _ => verdict.code(),
    }
}

/// What is done now, on a terminal; nothing elsewhere.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
    let bar = ProgressBar::new_spinner()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        .with_message(what.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) fn progress(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} {elapsed}");
    ProgressBar::new(length)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what.to_owned())
}
