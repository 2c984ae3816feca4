//! Shops for the bench: the demo, loaded once for each database, grown to any size, and served.

use crate::run::{output, program, say};
use crate::serve::{ask, demo_progress};
use crate::{root, runtime, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LOADING: Duration = Duration::from_secs(1800);
const INDEXING: Duration = Duration::from_secs(1800);

#[derive(Clone, Copy)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Where the bench keeps its shops: in the target folder, because a temporary folder may lie in memory.
pub(super) fn folder() -> PathBuf {
    target().join("bench-web")
}

/// The address of a database of this name on the PostgreSQL of the bench.
pub(super) fn address(name: &str) -> Result<String> {
    let admin = std::env::var("SEEDMARK_TEST_POSTGRES").context("no PostgreSQL")?;
    let (server, _) = admin
        .rsplit_once('/')
        .context("no database in the address")?;
    Ok(format!("{server}/{name}"))
}

/// Runs statements as the administrator, each by itself.
pub(super) fn administer(statements: &[&str]) -> Result<()> {
    let admin = std::env::var("SEEDMARK_TEST_POSTGRES").context("no PostgreSQL")?;
    for sql in statements {
        program(
            "psql",
            &["--no-psqlrc", "--quiet", "--command", sql, &admin],
        )?;
    }
    Ok(())
}

/// A shop's place: its data folder and, on PostgreSQL, its database.
struct Place {
    data: PathBuf,
    url: Option<String>,
}

impl Place {
    fn of(database: Database, name: &str) -> Result<Self> {
        let data = folder().join(format!("{}-{name}", database.name().to_lowercase()));
        let url = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(address(&format!("seedmark_web_{name}"))?),
        };
        Ok(Self { data, url })
    }

    fn serve(&self) -> Result<(Child, String)> {
        let mut command = Command::new(target().join("release/seedmark-server"));
        command
            .current_dir(root())
            .env("ORT_DYLIB_PATH", runtime::ensure(true)?)
            .env("SEEDMARK_LOG", "error")
            .args(["serve", "--port", "0", "--site"])
            .arg(target().join("site"))
            .arg("--data")
            .arg(&self.data)
            .stdout(Stdio::piped());
        if let Some(url) = &self.url {
            command.args(["--database-url", url]);
        }
        let mut child = command.spawn().context("cannot start the server")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the server has no output")?)
            .read_line(&mut line)?;
        let address = line
            .trim()
            .trim_start_matches("listening on http://")
            .to_owned();
        Ok((child, address))
    }
}

/// Waits until something is so, and says how long it took.
pub(super) fn wait_until(is_so: impl Fn() -> bool, at_most: Duration) -> Result<Duration> {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > at_most {
            bail!("a server is not ready after {} s", at_most.as_secs());
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    Ok(begun.elapsed())
}

fn stop(child: &mut Child) -> Result<()> {
    // With a signal, so that the log and the database are closed as they are in service.
    program("kill", &["-TERM", &child.id().to_string()])?;
    child.wait()?;
    Ok(())
}

/// Loads the demo, unless an earlier run did.
pub(super) fn load_demo(database: Database) -> Result<()> {
    let place = Place::of(database, "demo")?;
    let loaded = place.data.join("loaded");
    if loaded.is_file() {
        return Ok(());
    }
    let _older = std::fs::remove_dir_all(&place.data);
    std::fs::create_dir_all(&place.data)?;
    if place.url.is_some() {
        administer(&[
            "drop database if exists seedmark_web_demo with (force)",
            "create database seedmark_web_demo template template0 locale 'C' encoding 'UTF8'",
        ])?;
    }
    let (mut child, address) = place.serve()?;
    let is_loaded =
        || demo_progress(&address).is_some_and(|(loaded, total)| total > 0 && loaded == total);
    let took = wait_until(is_loaded, LOADING)?;
    stop(&mut child)?;
    std::fs::write(loaded, "")?;
    say(&format!(
        "the demo loads in {:.0} s on {}",
        took.as_secs_f64(),
        database.name()
    ));
    Ok(())
}

/// A shop with many listings; stopped and removed when dropped.
pub(super) struct Shop {
    place: Place,
    name: String,
    pub(super) listings: u64,
    running: Option<(Child, String)>,
}

impl Shop {
    pub(super) fn grow(database: Database, listings: u64, orders: u64) -> Result<Self> {
        let name = listings.to_string();
        let (demo, place) = (Place::of(database, "demo")?, Place::of(database, &name)?);
        let _older = std::fs::remove_dir_all(&place.data);
        program(
            "cp",
            &[
                "--recursive",
                &demo.data.to_string_lossy(),
                &place.data.to_string_lossy(),
            ],
        )?;
        let _index = std::fs::remove_dir_all(place.data.join("search"));
        if place.url.is_some() {
            administer(&[
                &format!("drop database if exists seedmark_web_{name} with (force)"),
                &format!("create database seedmark_web_{name} template seedmark_web_demo"),
            ])?;
        }
        let file = place
            .data
            .join("seedmark.sqlite")
            .to_string_lossy()
            .into_owned();
        let begun = Instant::now();
        let grow = target().join("release/examples/grow_shop");
        let database_there = place.url.as_deref().unwrap_or(&file);
        program(
            &grow.to_string_lossy(),
            &[database_there, &name, &orders.to_string()],
        )?;
        say(&format!(
            "{}: grown to {listings} listings and {orders} orders in {:.0} s",
            database.name(),
            begun.elapsed().as_secs_f64()
        ));
        Ok(Self {
            place,
            name,
            listings,
            running: None,
        })
    }

    /// Serves it, and waits until what was grown can be found.
    pub(super) fn start(&mut self) -> Result<()> {
        let begun = Instant::now();
        let (child, address) = self.place.serve()?;
        self.running = Some((child, address.clone()));
        // Before that the page shows what is new, and says so.
        let is_found = || {
            let answer = ask(&address, "/explore?q=quokka").unwrap_or_default();
            answer.contains("/listings/grown-") && !answer.contains("being prepared")
        };
        wait_until(is_found, INDEXING)?;
        let megabytes = size_mb(&self.place.data.join("search"));
        say(&format!(
            "{} listings are indexed {:.0} s after the start: {megabytes} MB",
            self.listings,
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    pub(super) fn url(&self) -> String {
        let address = self.running.as_ref().map_or("", |(_, address)| address);
        format!("http://{address}")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
        let _left = std::fs::remove_dir_all(&self.place.data);
        if self.place.url.is_some() {
            let _left = administer(&[&format!(
                "drop database if exists seedmark_web_{} with (force)",
                self.name
            )]);
        }
    }
}

fn size_mb(folder: &Path) -> String {
    let told = output(
        "du",
        &["--summarize", "--block-size=1M", &folder.to_string_lossy()],
    );
    told.and_then(|told| Some(told.split_whitespace().next()?.to_owned()))
        .unwrap_or_else(|| "?".into())
}
