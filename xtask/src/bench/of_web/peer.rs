//! The peer: django-oscar from the Python package index, with as many products, served as its documents say.

use super::shop::{address, administer, folder, wait_until};
use crate::root;
use crate::run::{program, python, say};
use crate::serve::ask;
use anyhow::{Context as _, Result};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const PORT: &str = "4699";
const DATABASE: &str = "seedmark_web_peer";
const STARTING: Duration = Duration::from_secs(60);

/// A running shop; stopped, and its database dropped, when this is.
pub(super) struct Peer {
    server: Child,
    pub(super) products: u64,
}

impl Peer {
    pub(super) fn start(products: u64) -> Result<Self> {
        let sources = root().join("tests/peers/oscar");
        let requirements = sources.join("requirements.txt");
        let packages = ["--requirement", &requirements.to_string_lossy()];
        let python = python(&folder().join("peer"), &packages)?;
        administer(&[&format!("drop database if exists {DATABASE} with (force)")])?;
        let begun = Instant::now();
        let run = |script: &str, argument: &str| {
            let mut command = Command::new(&python);
            command.current_dir(&sources).arg(script).arg(argument);
            command
                .env("PEER_POSTGRES", address(DATABASE)?)
                .env("PYTHONDONTWRITEBYTECODE", "1");
            Ok::<_, anyhow::Error>(command)
        };
        let status = run("fill.py", &products.to_string())?
            .status()
            .context("cannot run fill.py")?;
        anyhow::ensure!(status.success(), "fill.py failed ({status})");
        say(&format!(
            "django-oscar: filled with {products} products in {:.0} s",
            begun.elapsed().as_secs_f64()
        ));
        let server = run("serve.py", PORT)?
            .spawn()
            .context("cannot run serve.py")?;
        let peer = Self { server, products };
        let is_served =
            || ask(&peer.place(), "/catalogue/").is_some_and(|answer| answer.contains("200 OK"));
        wait_until(is_served, STARTING)?;
        Ok(peer)
    }

    fn place(&self) -> String {
        format!("127.0.0.1:{PORT}")
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.place())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // With a signal: it has workers of its own to stop.
        let _stopped = program("kill", &["-TERM", &self.server.id().to_string()]);
        let _reaped = self.server.wait();
        let _left = administer(&[&format!("drop database if exists {DATABASE} with (force)")]);
    }
}
