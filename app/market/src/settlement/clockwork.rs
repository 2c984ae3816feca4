//! What happens because time passed: holds end, answers to banks fall due, lost events are fetched, creators are paid.

use super::evidence;
use crate::checkout::service::cart;
use crate::payouts::service as payouts;
use crate::shop::Shop;
use base::db;
use money::Error;
use money::provider::{inbox, sandbox};

/// The setting that holds the sandbox clock's offset.
pub const CLOCK_SETTING: &str = "clock_offset_ms";
/// One move of the clock goes at most so far, so that a typing error does not skip a year.
pub const MAX_DAYS: i64 = 60;

/// Moves the business clock forward, and lets what became due happen.
///
/// # Errors
/// When the database or the books fail.
pub async fn advance(state: &Shop, days: i64) -> Result<(), Error> {
    let offset = state.clock.offset_ms() + days.clamp(0, MAX_DAYS) * base::clock::DAY_MS;
    let mut tx = state.db.write().await?;
    db::write_setting(&mut tx, CLOCK_SETTING, &offset.to_string()).await?;
    tx.commit().await?;
    state.clock.set_offset_ms(offset);
    settle(state).await
}

/// Lets time that passed have its effect: holds end, the provider's funds and payouts move.
///
/// # Errors
/// When the database or the books fail.
pub async fn settle(state: &Shop) -> Result<(), Error> {
    let _turn = state.turn.lock().await;
    let now = state.clock.now_ms();
    evidence::submit_due(state, now)
        .await
        .map_err(|error| Error::Internal(format!("{error:#}")))?;
    payouts::release(&state.db, now).await?;
    if state.provider.name() == sandbox::NAME {
        sandbox::tick(&state.db, now).await?;
    }
    Ok(())
}

/// Fetches events that were lost on the way, and gives up what nobody pays.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn catch_up(state: &Shop) -> anyhow::Result<()> {
    let (provider, now) = (state.provider.as_ref(), state.clock.now_ms());
    let lost = inbox::sweep(&state.db, provider).await?;
    payouts::provider_account::catch_up(&state.db, provider, now).await?;
    let till = state.till();
    let given_up = cart::give_up_stale(&till, now).await? + cart::close_ended(&till).await?;
    let mut tx = state.db.write().await?;
    let erased = inbox::erase_bodies(&mut tx, base::random::real_now_ms()).await?;
    tx.commit().await?;
    if lost + given_up > 0 || erased > 0 {
        tracing::info!(
            lost,
            given_up,
            erased,
            "events that were lost, orders that nobody paid, old bodies"
        );
    }
    Ok(())
}

/// Runs the payout sweep now.
///
/// # Errors
/// When the database or the books fail.
pub async fn sweep(state: &Shop) -> Result<usize, Error> {
    settle(state).await?;
    let _turn = state.turn.lock().await;
    let paid = payouts::sweep(
        &state.db,
        state.provider.name(),
        state.minimum_payout_minor,
        state.clock.now_ms(),
    )
    .await?;
    Ok(paid)
}
