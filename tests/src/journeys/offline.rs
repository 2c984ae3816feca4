//! A sceptic without account, who trusts nobody: a free recipe's public bundle and the log's key from two places, then everything at
//! home without a network; and what a paid recipe's public bundle holds.

use super::sceptic::tamper;
use super::{another, publish};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server, program, text};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the command line tool where there is no network at all.
fn offline(arguments: &[&str], folder: &Path) -> Output {
    Command::new("unshare")
        .args(["--net", "--"])
        .arg(program("seedmark"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder)
        .output()
        .expect("unshare of util-linux, which takes the network away")
}

/// A listing's public bundle, as anybody downloads it, after their browser found that it holds.
async fn bundle_of(visitor: &Browser, base: &str, listing: &str) -> String {
    visitor.goto(&format!("{base}{listing}")).await;
    visitor
        .follow(".listing__evidence a[href*='/proofs/']")
        .await;
    visitor.see("#own-check[data-state=holds]").await;
    visitor.download("#public-bundle").await
}

fn free(bundle: &str, vkey: &str, folder: &Path) {
    std::fs::write(folder.join("free.seedmark"), bundle).expect("written");
    std::fs::write(folder.join("policy"), format!("log {vkey}\nquorum none\n")).expect("written");
    let with = ["verify", "free.seedmark", "--policy", "policy"];
    let verified = offline(&with, folder);
    let told = text(&verified);
    assert!(verified.status.success(), "{told}");
    for part in [
        "log key",
        "leaf",
        "checkpoint",
        "inclusion",
        "listing statement",
        "certification",
        "recipe",
        "commitment",
    ] {
        let line = format!("✓ {part}");
        assert!(
            told.lines().any(|known| known.starts_with(&line)),
            "{part}: {told}"
        );
    }
    assert!(
        told.contains("pixels") && told.contains("not checked"),
        "{told}"
    );
    let reproduced = offline(
        &["reproduce", "free.seedmark", "--policy", "policy"],
        folder,
    );
    let told = text(&reproduced);
    assert!(
        reproduced.status.success() && told.contains("equal, bit for bit"),
        "{told}"
    );
    let parsed: Value = serde_json::from_str(bundle).expect("a bundle");
    let policy = folder.join("policy").to_string_lossy().into_owned();
    tamper(&parsed, &policy, folder, false);
}

fn paid(bundle: &str, folder: &Path) {
    assert!(!bundle.contains("grinning"));
    let parsed: Value = serde_json::from_str(bundle).expect("a bundle");
    assert!(
        parsed.pointer("/owner").is_none_or(Value::is_null),
        "an owner's part"
    );
    std::fs::write(folder.join("paid.seedmark"), bundle).expect("written");
    let verified = offline(&["verify", "paid.seedmark", "--policy", "policy"], folder);
    let told = text(&verified);
    assert!(
        verified.status.success() && told.contains("– commitment"),
        "{told}"
    );
    let reproduced = offline(&["reproduce", "paid.seedmark"], folder);
    assert_eq!(reproduced.status.code(), Some(2), "{}", text(&reproduced));
}

async fn trusts_nobody(database: Database) {
    let server = Server::start(database);
    let base = server.url("");
    let visitor = Browser::open(true).await;
    let mut bundles = Vec::new();
    for (name, price) in [("ada", "0"), ("eve", "4.00")] {
        let creator = Browser::open(true).await;
        let listing = match name {
            "ada" => publish(&creator, &base, name, price).await,
            _ => another(&creator, &base, name, price).await,
        };
        creator.close().await;
        bundles.push(bundle_of(&visitor, &base, &listing).await);
    }
    visitor.close().await;
    // The key from the shop, and from where its operator keeps it.
    let shop = ledger::client::Remote::new(&base).expect("an address");
    let vkey = shop.text("log/vkey").expect("the log's key");
    let parsed: Value = serde_json::from_str(&bundles[0]).expect("a bundle");
    assert_eq!(parsed["log_key"].as_str(), Some(vkey.trim()));
    let folder = tempfile::tempdir().expect("a folder");
    free(&bundles[0], vkey.trim(), folder.path());
    paid(&bundles[1], folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sceptic_checks_a_free_recipe_without_account_and_network_on_sqlite() {
    trusts_nobody(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sceptic_checks_a_free_recipe_without_account_and_network_on_postgres() {
    trusts_nobody(Database::Postgres).await;
}
