//! The tool on a terminal: what it leaves behind.

use crate::harness::server::program;
use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn ctrl_c_at_a_passphrase_leaves_a_terminal_that_shows_what_is_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("a.key");
    let tool = program("seedmark");
    // The shell goes on after the interrupt, as a script with a trap does, and says how the terminal is; an interrupt that comes late ends
    // nothing any more.
    let script = format!(
        "trap : INT; env -u SEEDMARK_PASSPHRASE {} keygen --out {}; echo ended-$?; trap \"\" INT; stty -a",
        tool.display(),
        key.display()
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--command"])
        // Whoever started the tests in the background left Ctrl-C ignored, which programs inherit.
        .arg(format!("env --default-signal=INT sh -c '{script}'"))
        .arg("/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut typing = child.stdin.take().expect("an input");
    let mut shown = std::io::BufReader::new(child.stdout.take().expect("an output"));
    let mut text = Vec::new();
    // The question is asked first, or the interrupt would meet a program that only begins.
    while !String::from_utf8_lossy(&text).contains("assphrase") {
        let read = std::io::BufRead::read_until(&mut shown, b' ', &mut text).expect("output");
        assert!(read > 0, "{}", String::from_utf8_lossy(&text));
    }
    let mut said = String::new();
    while !said.contains("ended-") {
        // Until the question has silenced the terminal the byte is only a byte. One that finds nobody left to read it came after the end,
        // which is still to be read here.
        match typing.write_all(&[3]).and_then(|()| typing.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                panic!("Ctrl-C: {error}")
            }
            _ => {}
        }
        let mut piece = Vec::new();
        let read = std::io::BufRead::read_until(&mut shown, b'\n', &mut piece).expect("output");
        said.push_str(&String::from_utf8_lossy(&piece));
        assert!(read > 0, "{said}");
    }
    drop(typing);
    std::io::Read::read_to_string(&mut shown, &mut said).expect("the rest");
    child.wait().expect("ended");
    assert!(said.contains("ended-130"), "{said}");
    let modes: Vec<&str> = said.split_whitespace().collect();
    assert!(modes.contains(&"echo") && modes.contains(&"isig"), "{said}");
    assert!(!key.exists());
}
