//! Who hears what happened in the shop: one table, read by the worker that brings facts.
//!
//! The one rule: a subscriber reads how things stand now and may hear a fact twice; one that fails keeps no other from hearing.

use base::jobs::Outcome;
use market::facts;
use market::library::figures;
use market::shop::Shop;

/// Brings a job's fact to everybody who subscribed; it is brought again when one failed.
pub(super) async fn bring(shop: &Shop, payload: &str) -> anyhow::Result<Outcome> {
    let fact = facts::read(payload)?;
    let mut failed = Vec::new();
    // The table. Each line is a name for the log and what hears.
    for (name, heard) in [("figures", figures::hear(&shop.db, &fact).await)] {
        if let Err(error) = heard {
            failed.push(format!("{name}: {error}"));
        }
    }
    match failed.is_empty() {
        true => Ok(Outcome::Done),
        false => Ok(Outcome::Failed(failed.join("; "))),
    }
}
