//! A passphrase from the terminal, without showing it.
//!
//! The one rule: the terminal is as before whatever ends the question, Ctrl-C too: a shell script that goes on afterwards must not find
//! a terminal that shows nothing.

use anyhow::Result;

/// Asks on the terminal itself, whatever standard input is.
///
/// # Errors
/// When there is no terminal, or the passphrase is no text.
#[cfg(unix)]
pub(crate) fn passphrase(question: &str) -> Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    use std::io::{Read as _, Write as _};

    /// The byte of Ctrl-C.
    const INTERRUPT: u8 = 3;
    let mut terminal = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Ctrl-C comes as a byte that ends the line, so that it is seen here before it ends the program.
    silent
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ISIG);
    silent.local_modes.insert(LocalModes::ECHONL);
    silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let mut typed = zeroize::Zeroizing::new(Vec::with_capacity(1024));
    let mut byte = [0];
    let read = loop {
        match terminal.read(&mut byte) {
            Ok(0) => break Ok(()),
            Ok(_) if byte == [b'\n'] || byte == [INTERRUPT] => break Ok(()),
            Ok(_) => typed.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    tcsetattr(&terminal, OptionalActions::Now, &before)?;
    read?;
    if byte == [INTERRUPT] {
        terminal.write_all(b"\n")?;
        // As if it had come by itself: whoever waits for this program sees what ended it.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT)?;
        anyhow::bail!("interrupted");
    }
    let text = std::str::from_utf8(&typed).map_err(|_| anyhow::anyhow!("it is not UTF-8"))?;
    Ok(text.trim_end_matches('\r').to_owned())
}

/// Asks on the terminal.
///
/// # Errors
/// When there is no terminal.
#[cfg(not(unix))]
pub(crate) fn passphrase(question: &str) -> Result<String> {
    Ok(rpassword::prompt_password(question)?)
}
