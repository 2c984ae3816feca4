//! What our programs do not do: call anybody, or write outside their own folders. Watched by strace, as on a person's machine and
//! not as on a build server, where some libraries keep quiet by themselves.

use crate::harness::server::{program, root, target};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// A program under strace, with a home of its own and without the variables by which libraries know a build server.
fn watched(name: &str, home: &Path, trace: &Path) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-s", "256", "-o"])
        .arg(trace)
        .args([
            "-e",
            "trace=network,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2",
        ])
        .arg(program(name))
        .env("HOME", home)
        .current_dir(home);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let build_server = [
            "CI",
            "TF_BUILD",
            "BUILD_",
            "GITHUB_",
            "JENKINS_",
            "ORT_DISABLE",
        ]
        .iter()
        .any(|begin| text.starts_with(begin));
        if build_server || text.starts_with("XDG_") {
            command.env_remove(name);
        }
    }
    command
}

/// Every call in a trace that reaches another machine, or that makes or changes a file outside `own`.
fn strays(trace: &Path, own: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("a trace");
    assert!(text.lines().count() > 20, "strace saw nothing:\n{text}");
    let own = own.to_string_lossy();
    let stray = |line: &&str| {
        let call = line
            .split_once(' ')
            .map_or(*line, |(_, call)| call.trim_start());
        let begins = |names: &[&str]| names.iter().any(|name| call.starts_with(name));
        if begins(&["connect(", "sendto(", "sendmsg(", "sendmmsg("]) {
            return call.contains("AF_INET");
        }
        let writes = begins(&["mkdir", "rename", "creat("])
            || (begins(&["open(", "openat("])
                && ["O_WRONLY", "O_RDWR", "O_CREAT"]
                    .iter()
                    .any(|flag| call.contains(flag)));
        let names: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
        writes
            && !names.iter().all(|name| {
                name.starts_with(&*own) || !name.starts_with('/') || *name == "/dev/null"
            })
    };
    text.lines().filter(stray).map(str::to_owned).collect()
}

#[test]
fn making_pictures_calls_nobody_and_leaves_nothing_in_the_home() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, work) = (folder.path().join("home"), folder.path().join("work"));
    for place in [&home, &work] {
        std::fs::create_dir(place).expect("a folder");
    }
    let trace = folder.path().join("trace");
    let out = work.join("sheet.png");
    // Long enough for whoever waits some seconds before they call.
    let status = watched("seedmark", &home, &trace)
        .args([
            "generate",
            "--prompt",
            "x",
            "--steps",
            "200",
            "--explore",
            "12",
            "--workers",
            "1",
        ])
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("strace").success());
    assert_eq!(strays(&trace, &work), [""; 0]);
    let socket = std::fs::read_to_string(&trace).expect("a trace");
    assert!(!socket.contains("AF_INET"), "{socket}");
    assert_eq!(std::fs::read_dir(&home).expect("a home").count(), 0);
}

#[test]
fn a_server_that_starts_calls_nobody_and_writes_into_its_data_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, data) = (folder.path().join("home"), folder.path().join("data"));
    for place in [&home, &data] {
        std::fs::create_dir(place).expect("a folder");
    }
    let trace = folder.path().join("trace");
    let mut child = watched("seedmark-server", &home, &trace)
        .args(["serve", "--no-demo", "--port", "0", "--data"])
        .arg(&data)
        .arg("--site")
        .arg(target().join("site"))
        .arg("--public")
        .arg(root().join("public"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("strace");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("an output"))
        .read_line(&mut line)
        .expect("a first line");
    let text = std::fs::read_to_string(&trace).expect("a trace");
    // The first call is the program's own; strace would leave it running.
    let process = text.split(' ').next().expect("a process").to_owned();
    let stopped = Command::new("kill").args(["-TERM", &process]).status();
    assert!(stopped.expect("kill").success());
    child.wait().expect("reaped");
    assert!(line.starts_with("listening"), "{line}");
    assert_eq!(strays(&trace, &data), [""; 0]);
    assert_eq!(std::fs::read_dir(&home).expect("a home").count(), 0);
}
