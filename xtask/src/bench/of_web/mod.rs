//! `cargo xtask bench web`: what pages and purchases cost in a small shop, in a large one and in a very large one, on both databases, beside
//! django-oscar with as many products as the large one.
//!
//! The one rule: the shops that are compared run at the same time and are asked in turns, so that what else the machine does happens to
//! all of them.

mod peer;
mod shop;

use super::{ROUNDS, measured, median};
use crate::run::say;
use crate::{built, postgres, runtime, target};
use anyhow::{Context as _, Result};
use peer::Peer;
use serde_json::Value;
use shop::{Database, Shop};
use std::collections::BTreeMap;

/// Listings of the shops; orders are twice as many and at most [`MOST_ORDERS`].
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
const MOST_ORDERS: u64 = 200_000;
/// The size that goals are set for, and that the peer has, too.
const LARGE: u64 = 100_000;
const BUYERS: u64 = 20;
const READERS: u64 = 64;
const SECONDS: u64 = 15;

/// `sizes` instead of [`SIZES`]; the first is what the others are compared with.
pub(super) fn run(sizes: &[&str]) -> Result<()> {
    let sizes = match sizes {
        [] => SIZES.to_vec(),
        _ => sizes
            .iter()
            .map(|size| {
                size.parse()
                    .with_context(|| format!("{size} is no number of listings"))
            })
            .collect::<Result<_>>()?,
    };
    let _private = postgres::ensure(true)?;
    runtime::ensure(true)?;
    built::web()?;
    built::bench()?;
    let peer = Peer::start(LARGE)?;
    for database in Database::ALL {
        of_database(database, &sizes, &peer)?;
    }
    Ok(())
}

fn load(arguments: &[&str]) -> Result<Value> {
    let program = target().join("release/examples/load");
    measured(&program.to_string_lossy(), arguments, &[])
}

fn of_database(database: Database, sizes: &[u64], peer: &Peer) -> Result<()> {
    shop::load_demo(database)?;
    let mut shops = Vec::new();
    for size in sizes {
        shops.push(Shop::grow(database, *size, (2 * size).min(MOST_ORDERS))?);
    }
    for shop in &mut shops {
        shop.start()?;
    }
    let mut rounds: Vec<Vec<Value>> = vec![Vec::new(); shops.len()];
    let mut peers = Vec::new();
    for _ in 0..ROUNDS {
        for (shop, rounds) in shops.iter().zip(&mut rounds) {
            rounds.push(load(&[&shop.url(), "pages", &shop.listings.to_string()])?);
        }
        peers.push(load(&[&peer.url(), "peer", &peer.products.to_string()])?);
    }
    show(database, sizes, &rounds);
    if let Some(large) = sizes.iter().position(|size| *size == peer.products) {
        show_peer(database, &rounds[large], &peers);
    }
    // In a small one the buyers would soon own everything.
    for shop in shops.iter().filter(|shop| shop.listings >= LARGE) {
        buy(database, shop)?;
    }
    Ok(())
}

/// The rounds of one page.
fn of_page(rounds: &[Value], page: &str) -> Vec<Value> {
    rounds.iter().map(|round| round[page].clone()).collect()
}

fn show(database: Database, sizes: &[u64], rounds: &[Vec<Value>]) {
    say(&format!(
        "\n{}, milliseconds to the first byte (p50 / p95 / p99) and pages a second for eight at once\n",
        database.name()
    ));
    let heads: Vec<String> = sizes
        .iter()
        .map(|size| format!(" {size} listings | a second |"))
        .collect();
    let ratios: Vec<String> = sizes[1..]
        .iter()
        .map(|size| format!(" {size} : {} |", sizes[0]))
        .collect();
    say(&format!("| page |{}{}", heads.concat(), ratios.concat()));
    say(&format!(
        "| --- |{}{}",
        " --- | --- |".repeat(sizes.len()),
        " --- |".repeat(sizes.len() - 1)
    ));
    let names: BTreeMap<String, ()> = rounds[0][0]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| (name.clone(), ()))
        .collect();
    for page in names.keys() {
        let mut line = format!("| {page} |");
        let mut middles = Vec::new();
        for rounds in rounds {
            let rounds = of_page(rounds, page);
            let of = |name: &str| median(&rounds, name);
            middles.push(of("p50_ms"));
            let errors = match of("errors") {
                0.0 => String::new(),
                errors => format!(" ({errors} errors)"),
            };
            line += &format!(
                " {:.1} / {:.1} / {:.1} | {:.0}{errors} |",
                of("p50_ms"),
                of("p95_ms"),
                of("p99_ms"),
                of("a_second")
            );
        }
        for middle in &middles[1..] {
            line += &format!(" {:.2} |", middle / middles[0]);
        }
        say(&line);
    }
}

fn show_peer(database: Database, ours: &[Value], peers: &[Value]) {
    say(&format!(
        "\n{} beside django-oscar with as many products, in the same rounds: p50 ms, pages a second for eight at once\n",
        database.name()
    ));
    say(
        "| page | Seedmark | a second | django-oscar | a second | quicker by | more by |\n| --- | --- | --- | --- | --- | --- | --- |",
    );
    for page in ["browse", "search, rare", "listing"] {
        let (ours, theirs) = (of_page(ours, page), of_page(peers, page));
        let (time, time_there) = (median(&ours, "p50_ms"), median(&theirs, "p50_ms"));
        let (many, many_there) = (median(&ours, "a_second"), median(&theirs, "a_second"));
        say(&format!(
            "| {page} | {time:.1} | {many:.0} | {time_there:.1} | {many_there:.0} | {:.1} | {:.1} |",
            time_there / time,
            many / many_there
        ));
    }
}

/// Purchases of twenty buyers, alone and beside readers.
fn buy(database: Database, shop: &Shop) -> Result<()> {
    let (buyers, seconds, listings) = (
        BUYERS.to_string(),
        SECONDS.to_string(),
        shop.listings.to_string(),
    );
    let mut rounds: [Vec<Value>; 2] = Default::default();
    let mut from = 0;
    for _ in 0..ROUNDS {
        for (rounds, readers) in rounds.iter_mut().zip([0, READERS]) {
            let (readers, first) = (readers.to_string(), from.to_string());
            rounds.push(load(&[
                &shop.url(),
                "buyers",
                &buyers,
                &readers,
                &listings,
                &first,
                &seconds,
            ])?);
            // Nobody buys what somebody bought in this run.
            from += 700 * BUYERS;
        }
    }
    say(&format!(
        "\n{}, {} listings: {BUYERS} buyers at once, from cart to a paid order\n",
        database.name(),
        shop.listings
    ));
    say(
        "| beside | purchases a second | p50 s | p95 s | pages read a second | errors |\n| --- | --- | --- | --- | --- | --- |",
    );
    for (rounds, beside) in rounds.iter().zip(["nobody", "64 readers of every page"]) {
        let of = |name: &str| median(rounds, name);
        say(&format!(
            "| {beside} | {:.1} | {:.2} | {:.2} | {:.0} | {} |",
            of("purchases_a_second"),
            of("p50_s"),
            of("p95_s"),
            of("reads_a_second"),
            rounds
                .iter()
                .filter_map(|round| round["errors"].as_u64())
                .sum::<u64>()
        ));
        for round in rounds.iter().filter(|round| round["errors"] != 0) {
            say(&format!("first errors: {}", round["first_errors"]));
        }
    }
    Ok(())
}
