//! A server of one's own, on a free port, with an empty data folder; and the command line tool.

use super::postgres::Postgres;
use super::{PATIENCE, until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const NEEDS_POSTGRES: &str =
    "rows are written and read with SQL in PostgreSQL alone: Server::start(Database::Postgres)";

/// Which database a server keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    database: Option<Postgres>,
    settings: Vec<(String, String)>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Cargo's folder of build outputs: where this test lies, so that it may be anywhere.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the test's own program");
    program
        .ancestors()
        .nth(3)
        .expect("target/debug/deps")
        .to_owned()
}

pub(crate) fn program(name: &str) -> PathBuf {
    let path = target().join("debug").join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo xtask test`",
        path.display()
    );
    path
}

impl Server {
    /// Starts an empty shop.
    pub(crate) fn start(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = (database == Database::Postgres).then(Postgres::fresh);
        let (child, port) = launch(folder.path(), database.as_ref(), &[]);
        Self {
            child,
            folder,
            port,
            database,
            settings: Vec::new(),
        }
    }

    /// Starts on a data folder that is there already, with SQLite.
    pub(crate) fn start_on(folder: TempDir) -> Self {
        let (child, port) = launch(folder.path(), None, &[]);
        Self {
            child,
            folder,
            port,
            database: None,
            settings: Vec::new(),
        }
    }

    /// Sets a variable of the environment, from the next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.into(), value.into()));
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether its process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a process").is_some()
    }

    /// Kills the server without warning.
    pub(crate) fn stop(&mut self) {
        let _gone = self.child.kill();
        self.child.wait().expect("reaped");
    }

    /// What a server says that does not start with a setting.
    pub(crate) fn refuses_to_start_with(&mut self, name: &str, value: &str) -> String {
        self.stop();
        let output = serve(self.folder.path(), self.database.as_ref())
            .env(name, value)
            .stderr(Stdio::piped())
            .output()
            .expect("the server program");
        assert!(!output.status.success(), "it started");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Kills the server without warning and starts it again on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Changes a stopped server's PostgreSQL database.
    pub(crate) fn sql(&self, sql: &str) {
        self.database.as_ref().expect(NEEDS_POSTGRES).run(sql);
    }

    /// Whether a condition holds in the PostgreSQL database.
    pub(crate) fn holds(&self, condition: &str) -> bool {
        self.database
            .as_ref()
            .expect(NEEDS_POSTGRES)
            .holds(condition)
    }

    /// The path of a link of this kind, `claim` or `prove`, in a mail that the shop wrote.
    pub(crate) async fn mailed(&self, kind: &str) -> String {
        let pattern = format!("/account/{kind}/[A-Za-z0-9_-]+");
        let pattern = regex::Regex::new(&pattern).expect("a pattern");
        until(PATIENCE, async || {
            let folder = std::fs::read_dir(self.folder.path().join("mail"));
            let found = folder.into_iter().flatten().find_map(|file| {
                let path = file.expect("a file").path();
                let text = std::fs::read_to_string(path).unwrap_or_default();
                // Quoted-printable breaks long lines softly.
                let mut text = text.replace("=\r\n", "").replace("=\n", "");
                // What is mostly not ASCII is sent as base64.
                for part in text.clone().replace("\r\n", "\n").split("\n\n") {
                    let decoded = STANDARD.decode(part.replace('\n', ""));
                    text.push_str(&String::from_utf8_lossy(&decoded.unwrap_or_default()));
                }
                Some(pattern.find(&text)?.as_str().to_owned())
            });
            found.ok_or_else(|| format!("no mail with a link to {kind}"))
        })
        .await
    }

    /// Starts a stopped server on the same data.
    pub(crate) fn start_again(&mut self) {
        let (child, port) = launch(self.folder.path(), self.database.as_ref(), &self.settings);
        self.child = child;
        self.port = port;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Runs another command of the server program on the same data.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program("seedmark-server"));
        command
            .args(arguments)
            .arg("--data")
            .arg(self.folder.path())
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        if let Some(database) = &self.database {
            command.args(["--database-url", &database.url]);
        }
        command.output().expect("the server program")
    }
}

impl Drop for Server {
    /// Its database goes behind it, with the field that holds it.
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn serve(folder: &Path, database: Option<&Postgres>) -> Command {
    let mut command = Command::new(program("seedmark-server"));
    command
        .current_dir(root())
        .env("SEEDMARK_LOG", "warn")
        // Nobody waits hours for a test's listing; a test of the wait sets it by name.
        .env("SEEDMARK_REVIEW_WAIT_MINUTES", "0")
        .args(["serve", "--no-demo", "--port", "0", "--site"])
        .arg(target().join("site"))
        .arg("--data")
        .arg(folder)
        .stdout(Stdio::piped());
    if let Some(database) = database {
        command.args(["--database-url", &database.url]);
    }
    command
}

fn launch(
    folder: &Path,
    database: Option<&Postgres>,
    settings: &[(String, String)],
) -> (Child, u16) {
    let mut child = serve(folder, database)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("an output"))
        .read_line(&mut line)
        .expect("a first line");
    let port = line
        .trim()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    (
        child,
        port.unwrap_or_else(|| panic!("the server did not start: {line:?}")),
    )
}

/// Runs `seedmark`.
pub(crate) fn seedmark(arguments: &[&str], config: &Path) -> Output {
    Command::new(program("seedmark"))
        .args(arguments)
        .env("XDG_CONFIG_HOME", config)
        .env("SEEDMARK_PASSPHRASE", "correct horse")
        .output()
        .expect("the command line tool")
}

/// Standard output as text.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
