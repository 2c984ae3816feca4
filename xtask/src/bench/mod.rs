//! `cargo xtask bench`: what is fast and what is not, measured in turns within one run.
//!
//! The one rule: a number is a median over rounds, and what is compared is a ratio; an absolute number belongs to its machine.

mod of_engine;
mod of_ledger;
mod of_money;
mod of_shapes;
mod of_web;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::process::Command;

const ROUNDS: usize = 3;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => of_engine::run()
            .and_then(|()| of_ledger::run())
            .and_then(|()| of_money::run())
            .and_then(|()| of_web::run(&[])),
        ["engine"] => of_engine::run(),
        ["engine", "--shapes", name] => of_shapes::run(name),
        ["ledger"] => of_ledger::run(),
        ["money"] => of_money::run(),
        ["web", sizes @ ..] => of_web::run(sizes),
        _ => bail!("the benches are engine, engine --shapes NAME, ledger, money and web"),
    }
}

/// Runs a program that prints one JSON object.
fn measured(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Value> {
    let done = Command::new(name)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    if !done.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    serde_json::from_slice(&done.stdout).with_context(|| format!("{name} printed no JSON"))
}

/// The median of a number over rounds.
fn median(list: &[Value], name: &str) -> f64 {
    let mut numbers: Vec<f64> = list
        .iter()
        .filter_map(|round| round[name].as_f64())
        .collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
