//! Printing: results to standard output, everything else to standard error.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write as _;

/// Prints a line of results. A closed pipe ends the program quietly, as readers of pipes expect.
pub(crate) fn line(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Prints one JSON object.
pub(crate) fn json(value: &serde_json::Value) {
    line(&value.to_string());
}

/// Prints a hint that is no result.
pub(crate) fn hint(text: &str) {
    let _closed = writeln!(std::io::stderr(), "{text}");
}

/// Prints an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    hint(&format!("error: {}", chain.join(": ")));
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) fn progress(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} {elapsed}");
    ProgressBar::new(length)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what.to_owned())
}
