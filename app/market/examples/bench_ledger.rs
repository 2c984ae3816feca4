//! What the shop's log takes: durable, public appends by many clients at once, then proofs. One JSON object a line.
//!
//! Arguments: a fresh data folder, clients, leaves per client, and a PostgreSQL address for that database instead of SQLite.
//! Every leaf is distinct, signed, checked for duplicates by the unique index, fsynced, and answered from the public checkpoint.

use base::db::Db;
use ledger::note::Verifier;
use ledger::tree::leaf_hash;
use market::log::Sequencer;
use market::log::intake::intake;
use market::log::service::PublicLog;
use schema::digest::Digest;
use schema::key::SecretKey;
use schema::leaf::{Leaf, LeafKind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

const ORIGIN: &str = "bench.example/log";

fn milliseconds(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * share) as usize).min(times.len() - 1);
    times[at].as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, clients, each, rest @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: bench_ledger FOLDER CLIENTS LEAVES [POSTGRES]");
    };
    let (folder, clients, each) = (PathBuf::from(folder), clients.parse()?, each.parse()?);
    std::fs::create_dir_all(&folder)?;
    let db = Db::open(rest.first().map(String::as_str), &folder).await?;
    db.migrate().await?;
    let secret = [5; 32];
    let verifier = Verifier::new(ORIGIN, SecretKey::from_bytes(secret).public())?;
    let place = folder.join("log");
    let log = PublicLog::new(
        ORIGIN.into(),
        verifier,
        place.clone(),
        SecretKey::from_bytes(secret),
        None,
    )?;
    let (entry, storing) = intake(ORIGIN);
    let (stop, stopped) = watch::channel(false);
    let storing = tokio::spawn(storing.run(db.clone(), stopped.clone()));
    let sequencer = Sequencer {
        db: db.clone(),
        origin: ORIGIN.into(),
        secret,
        folder: place,
        may_begin: true,
        begun_note: folder.join("log-begun"),
        policy: None,
        settled: entry.settled(),
        reporter: log.reporter(),
    };
    let (ready, opened) = oneshot::channel();
    let sequencing = tokio::task::spawn_blocking(move || sequencer.run(ready, stopped));
    opened.await?;

    let start = Instant::now();
    let mut running = Vec::new();
    for client in 0..clients {
        let entry = entry.clone();
        running.push(tokio::spawn(
            async move { append(client, each, &entry).await },
        ));
    }
    let mut times = Vec::new();
    for task in running {
        times.extend(task.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    let count = times.len();
    let (middle, p95, p99) = (
        milliseconds(&mut times, 0.5),
        milliseconds(&mut times, 0.95),
        milliseconds(&mut times, 0.99),
    );
    let (proofs, verifications) = prove(&db, &log, count).await?;
    // The one line of results that `cargo xtask bench ledger` reads.
    println!(
        "{}",
        serde_json::json!({
            "database": if db.is_postgres() { "postgres" } else { "sqlite" }, "clients": clients, "leaves": count,
            "appends_a_second": count as f64 / seconds, "p50_ms": middle, "p95_ms": p95, "p99_ms": p99,
            "proofs_a_second": proofs, "verifications_a_second": verifications,
        })
    );
    stop.send(true)?;
    db.bells().leaves.ring();
    sequencing.await??;
    drop(entry);
    storing.await?;
    Ok(())
}

/// Appends leaves one after another, as one client would, and returns how long each took.
async fn append(
    client: u64,
    each: u64,
    entry: &market::log::intake::Intake,
) -> anyhow::Result<Vec<Duration>> {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&client.to_be_bytes());
    let secret = SecretKey::from_bytes(key);
    let mut times = Vec::new();
    for number in 0..each {
        let digest = Digest::sha256(format!("{client} {number}").as_bytes());
        let leaf = Leaf::sign(ORIGIN, LeafKind::Reproduction, digest, &secret);
        let start = Instant::now();
        entry.submit(ORIGIN, leaf, secret.public(), None).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// Proofs built from tiles and checked again, in one thread: both rates.
async fn prove(db: &Db, log: &PublicLog, count: usize) -> anyhow::Result<(f64, f64)> {
    let mut rows = Vec::new();
    let mut tx = db.read().await?;
    for number in 0..1000 {
        let index = i64::try_from(number * 7919 % count)?;
        rows.push(market::log::service::get_leaf_by_index(&mut tx, ORIGIN, index).await?);
    }
    let start = Instant::now();
    let mut proofs = Vec::new();
    for row in &rows {
        proofs.push((log.prove(&mut tx, row).await?, row.parse()?));
    }
    drop(tx);
    let built = rows.len() as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    for (proof, leaf) in &proofs {
        let checkpoint = proof.open_checkpoint(&log.verifier)?;
        proof.verify(&leaf_hash(&leaf.to_bytes()), &checkpoint)?;
    }
    Ok((built, rows.len() as f64 / start.elapsed().as_secs_f64()))
}
