//! A running shop whose database's file cannot be written for a moment, again and again, by strace: each time the next form is taken,
//! without a restart.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};
use std::process::{Child, Command, Stdio};

/// Which call on the database's files fails, how, and how often: none may be so often that no form can go through.
const FAULTS: [(&str, &str, u32); 3] = [
    ("pwrite64", "EIO", 29),
    ("pwrite64", "ENOSPC", 31),
    ("fsync,fdatasync", "EIO", 5),
];
/// So many points of each.
const POINTS: usize = 34;

/// The server under strace, which fails what touches the database's files and nothing else.
struct Failing {
    strace: Child,
    log: std::path::PathBuf,
}

impl Failing {
    fn begin(server: &Server, (call, error, every): (&str, &str, u32)) -> Self {
        let data = server.folder.path();
        let log = data.join(format!("trace-{error}-{}", call.len()));
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-p", &server.process().to_string(), "-o"]);
        command.arg(&log);
        for file in ["seedmark.sqlite", "seedmark.sqlite-wal"] {
            command.arg("-P").arg(data.join(file));
        }
        let inject = format!("inject={call}:error={error}:when={every}+{every}");
        let strace = command
            .args(["-e", &format!("trace={call}"), "-e", &inject])
            .stderr(Stdio::null())
            .spawn()
            .expect("strace");
        Self { strace, log }
    }

    fn points(&self) -> usize {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.matches("(INJECTED)").count()
    }

    /// Lets go of the server, which goes on.
    fn end(mut self) {
        let stop = Command::new("kill")
            .args(["-INT", &self.strace.id().to_string()])
            .status()
            .expect("kill");
        assert!(stop.success());
        self.strace.wait().expect("reaped");
    }
}

/// A form that writes, however often: a new draft.
async fn writes(member: &Client) -> u16 {
    member.post("/studio/drafts", &[]).await.status
}

#[tokio::test]
async fn a_database_that_cannot_be_written_for_a_moment_needs_no_restart() {
    let mut server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    let member = Client::member(server.url(""), "ada").await;
    assert_eq!(writes(&member).await, 303);
    let (mut all, mut refused) = (0, 0);
    for fault in FAULTS {
        let failing = Failing::begin(&server, fault);
        let mut forms = 0;
        while failing.points() < POINTS {
            forms += 1;
            assert!(forms < 4000, "{fault:?}: strace fails nothing");
            let mut tries = 0;
            while writes(&member).await != 303 {
                (tries, refused) = (tries + 1, refused + 1);
                assert!(tries < 20, "{fault:?}: no form goes through any more");
                assert!(!server.has_ended(), "{fault:?}");
            }
        }
        all += failing.points();
        failing.end();
        for number in 0..20 {
            assert_eq!(writes(&member).await, 303, "{fault:?}: {number} afterwards");
        }
    }
    assert!(
        all >= 100 && refused > 20,
        "{all} points, {refused} refused"
    );
    until(PATIENCE, async || {
        let health = visitor.get("/healthz").await;
        is_so(health.status == 200, health.body)
    })
    .await;
    assert!(!server.has_ended());
    server.stop();
    let audit = server.command(&["books", "audit"]);
    assert!(audit.status.success(), "{audit:?}");
    let check = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone()[0])";
    let database = server.folder.path().join("seedmark.sqlite");
    let checked = Command::new("python3")
        .args(["-c", check])
        .arg(database)
        .output()
        .expect("python3");
    assert_eq!(String::from_utf8_lossy(&checked.stdout).trim(), "ok");
    println!("{all} points, {refused} forms refused");
}
