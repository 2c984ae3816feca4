//! A PostgreSQL for tests and benches: one of our own where its programs are, else the one on loopback when it lets us in.
//!
//! The one rule: ours waits for no disk and leaves nothing behind; somebody else's server is only borrowed.

use crate::run::{debian, output, program};
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const LOOPBACK: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// A PostgreSQL server of our own, stopped when the run ends.
pub(crate) struct Private {
    server: Child,
    folder: PathBuf,
}

impl Drop for Private {
    fn drop(&mut self) {
        let _stopped = self.server.kill();
        let _reaped = self.server.wait();
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

/// Starts a server of our own where its programs are, or borrows the one on loopback, or installs the programs. Its address goes to
/// `SEEDMARK_TEST_POSTGRES`.
pub(crate) fn ensure(install: bool) -> Result<Option<Private>> {
    if std::env::var_os("SEEDMARK_TEST_POSTGRES").is_some() {
        return Ok(None);
    }
    let set = |url: &str| {
        // SAFETY: this program has one thread here; nothing reads the environment at the same time.
        unsafe { std::env::set_var("SEEDMARK_TEST_POSTGRES", url) };
    };
    let find = || {
        let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        folders
            .filter_map(Result::ok)
            .map(|entry| entry.path().join("bin"))
            .filter(|path| path.join("initdb").is_file())
            .max()
    };
    let programs = match find() {
        Some(path) => path,
        None if output("psql", &["--no-psqlrc", "--command", "select 1", LOOPBACK]).is_some() => {
            set(LOOPBACK);
            return Ok(None);
        }
        None if install => {
            debian(&["postgresql"])?;
            find().context("the package postgresql has no initdb")?
        }
        None => bail!("there is no PostgreSQL on loopback, and --no-install was given"),
    };
    let folder = std::env::temp_dir().join(format!("seedmark-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let data = folder.to_string_lossy().into_owned();
    // The server refuses to run as root; Debian's package brings a user for it.
    let root_user = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    let as_user = |program: &str, arguments: &[&str]| {
        let mut command = if root_user {
            Command::new("setpriv")
        } else {
            Command::new(program)
        };
        if root_user {
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                program,
            ]);
        }
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    if root_user {
        program("chown", &["postgres", &data])?;
    }
    let initdb = programs.join("initdb").to_string_lossy().into_owned();
    let made = as_user(
        &initdb,
        &[
            "--pgdata",
            &data,
            "--username=postgres",
            "--auth=trust",
            "--locale=C",
            "--encoding=UTF8",
        ],
    )
    .status()?;
    if !made.success() {
        bail!("initdb failed");
    }
    let server = programs.join("postgres").to_string_lossy().into_owned();
    let child = as_user(
        &server,
        &[
            "-D",
            &data,
            "-p",
            "5463",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            &format!("unix_socket_directories={data}"),
            "-c",
            "fsync=off",
        ],
    )
    .spawn()?;
    let url = "postgres://postgres@127.0.0.1:5463/postgres";
    for _ in 0..100 {
        if output("psql", &["--no-psqlrc", "--command", "select 1", url]).is_some() {
            set(url);
            return Ok(Some(Private {
                server: child,
                folder,
            }));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bail!("the private PostgreSQL did not start")
}
