//! A disk that is full or breaks while the tool writes, by strace: what was there stays, and nothing half-written is left.

use crate::harness::server::{program, seedmark};
use std::path::Path;
use std::process::{Command, Output};

const PICTURE: [&str; 6] = ["generate", "--prompt", "apple", "--steps", "1", "--out"];

/// Runs the tool with the n-th call of one kind failing.
fn failing(folder: &Path, arguments: &[&str], fault: &str) -> Output {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={fault}"))
        .arg(program("seedmark"))
        .args(arguments)
        .env("XDG_CONFIG_HOME", folder)
        .env("SEEDMARK_PASSPHRASE", "correct horse")
        .current_dir(folder);
    command.output().expect("strace")
}

#[test]
fn a_full_disk_leaves_what_was_there_and_blocks_no_second_try() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let place = at("a.png").display().to_string();
    let old = seedmark(&[&PICTURE[..], &[&place]].concat(), folder.path());
    assert!(old.status.success(), "{}", told(&old));
    let old = std::fs::read(at("a.png")).expect("a picture");
    let keygen = ["keygen", "--out", "a.key"];
    let picture = [&PICTURE[..], &["a.png"]].concat();
    for fault in [
        "fsync:error=ENOSPC:when=1",
        "fsync:error=EIO:when=1",
        "rename,renameat,renameat2,linkat,link:error=EIO:when=1",
    ] {
        for arguments in [&keygen[..], &picture] {
            let output = failing(folder.path(), arguments, fault);
            assert_eq!(output.status.code(), Some(2), "{fault}: {}", told(&output));
        }
        assert!(!at("a.key").exists(), "{fault}");
        assert_eq!(
            std::fs::read(at("a.png")).expect("a picture"),
            old,
            "{fault}"
        );
        let names = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(names.count(), 1, "{fault}: nothing is left beside");
    }
    let again = failing(folder.path(), &keygen, "fsync:error=EIO:when=99");
    assert!(again.status.success(), "{}", told(&again));
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
