//! What we answer a bank: that the recipe was sealed and logged before the sale, that its pictures were regenerated, and when the
//! buyer opened it.
//!
//! The one rule: the answer is made of records alone, and holds no word of the recipe and no secret.

use crate::catalog::service as catalog;
use crate::library::service as library;
use crate::log::service as log;
use crate::orders::{self, Line};
use crate::people::service as people;
use crate::sales::dispute::{self, Dispute};
use crate::shop::Shop;
use anyhow::Result;
use base::db::Tx;
use schema::money::decimal;
use schema::time::utc;
use std::fmt::Write as _;

/// An unanswered dispute is answered by itself when so much time is left.
const LAST_CALL_MS: i64 = base::clock::DAY_MS;
/// Providers take so many characters.
const MAX_CHARS: usize = 18_000;

/// The answer to a dispute, from the order's records, and what a person adds.
///
/// # Errors
/// When the database fails.
pub async fn text(state: &Shop, tx: &mut Tx, dispute: &Dispute, remark: &str) -> Result<String> {
    let buyer = orders::buyer_of(tx, &dispute.purchase_id).await?;
    let (order, lines) = orders::get_own(tx, &buyer, &dispute.purchase_id).await?;
    let person = people::get_person(tx, &buyer).await?;
    let mut text = String::new();
    let base = &state.public_url;
    writeln!(
        text,
        "Order {} of {}",
        order.id,
        utc(order.paid_ms.unwrap_or(order.created_ms))
    )?;
    writeln!(text, "Buyer: {} ({})", person.email, person.handle)?;
    writeln!(
        text,
        "Paid: {} USD, of which tax {}, card ending in {}",
        decimal(order.total_minor + order.tax_minor),
        decimal(order.tax_minor),
        order.card_last4.as_deref().unwrap_or("unknown")
    )?;
    writeln!(text, "Receipt: {base}/orders/{}", order.id)?;
    writeln!(
        text,
        "Terms: what was not opened can be returned within 14 days; what does not regenerate its pictures on our own machine is refunded at once."
    )?;
    for line in &lines {
        write_line(state, tx, &mut text, line).await?;
    }
    if !remark.trim().is_empty() {
        writeln!(text, "\n{}", remark.trim())?;
    }
    Ok(text.chars().take(MAX_CHARS).collect())
}

async fn write_line(state: &Shop, tx: &mut Tx, text: &mut String, line: &Line) -> Result<()> {
    let base = &state.public_url;
    let listing = catalog::get_version(tx, &line.version_id).await?;
    let leaf = log::get_leaf(tx, &listing.leaf_hash).await?;
    writeln!(text, "\n{} ({} USD)", line.title, decimal(line.price_minor))?;
    writeln!(text, "Listing: {base}/listings/{}", line.slug)?;
    writeln!(
        text,
        "Sealed and signed before the sale, entry {} of the public log {}: {base}/proofs/{}",
        leaf.log_index
            .map_or_else(|| "(waiting)".into(), |index| index.to_string()),
        state.log.origin,
        listing.leaf_hash
    )?;
    if let Some(certification) = &listing.certification_leaf_hash {
        writeln!(
            text,
            "Regenerated bit for bit by us before it was for sale; our signed statement: {base}/proofs/{certification}"
        )?;
    }
    if let Some(licence) = &line.licence_leaf_hash {
        writeln!(
            text,
            "Licence {} granted and logged: {base}/proofs/{licence}",
            line.licence
        )?;
    }
    match line.opened_ms {
        Some(opened) => writeln!(
            text,
            "The buyer opened the recipe at {}, after agreeing that this ends the right to return it.",
            utc(opened)
        )?,
        None => writeln!(
            text,
            "The buyer has not opened the recipe, and could have returned it."
        )?,
    }
    for (reason, at) in state
        .vault
        .openings(tx, &listing.secret_id, &line.buyer_id)
        .await?
    {
        writeln!(text, "Access by the buyer: {reason}, {}", utc(at))?;
    }
    for run in library::list_runs(tx, &line.id).await? {
        writeln!(
            text,
            "Regenerated for the buyer at {}: {}",
            utc(run.created_ms),
            run.outcome.as_deref().unwrap_or(run.state.name())
        )?;
    }
    if line.refunded_cash() > 0 {
        writeln!(text, "Refunded: {} USD", decimal(line.refunded_cash()))?;
    }
    Ok(())
}

/// Answers what nobody answered and is due within a day. Whoever was warned of fraud loses anyway, and is answered all the same.
pub(super) async fn submit_due(state: &Shop, now_ms: i64) -> Result<()> {
    let mut tx = state.db.read().await?;
    let due = dispute::list_due(&mut tx, now_ms + LAST_CALL_MS).await?;
    drop(tx);
    for open in due {
        let mut tx = state.db.write().await?;
        let text = text(state, &mut tx, &open, "").await?;
        dispute::submit(&mut tx, &open, &text, now_ms).await?;
        tx.commit().await?;
        tracing::info!(dispute.id = %open.id, "answered a dispute before its deadline");
    }
    Ok(())
}
