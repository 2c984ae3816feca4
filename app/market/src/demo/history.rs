//! The demo's past: what twelve buyers did between the first listing and today.
//!
//! The one rule: it is lived through, not written down. The business clock of a new demo stands half a year back and moves to
//! today day by day; orders, openings, re-runs, returns and payouts of each day go through the services that people use. What
//! happens is drawn from the day's number, so that every demo has the same past.

use super::people::{self, BUYERS, key_of};
use super::shop;
use crate::catalog::service::{self as catalog, Card};
use crate::checkout::service::{self as checkout, Seen, cart};
use crate::library::RunState;
use crate::library::service as library;
use crate::offers::coupon;
use crate::orders::{self, Line, OrderState};
use crate::payouts::service::provider_account;
use crate::sales::refund;
use crate::settlement::clockwork;
use crate::shop::Shop;
use crate::verify::attest;
use anyhow::{Context as _, Result, bail};
use base::clock::DAY_MS;
use money::Error;
use money::provider::sandbox;
use schema::attestation::Attestation;
use schema::id::{LineId, OrderId, PersonId};
use std::time::Duration;

/// How many days lie between the first listing and today.
pub(super) const DAYS: i64 = 180;
/// Creators are paid on every so many days.
const PAYOUT_EVERY: i64 = 30;
/// The sandbox's card that pays at once.
const CARD: &str = "4242424242424242";
/// A bank account of the sandbox that takes what is sent.
const BANK: &str = "000123456789";
/// How long it is waited before looking again whether the workers are done.
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// Who answered the bank's questions, and when. The others' earnings wait, and their pages say for what.
const ONBOARDED: &[(i64, &str)] = &[(12, "mira-makes"), (25, "otto-formt"), (70, "tilde-studio")];

/// A number below `bound` that is the same in every demo.
fn draw(day: i64, turn: u64, what: &str, bound: u64) -> u64 {
    let hash = blake3::hash(format!("seedmark demo, {what}, day {day}, {turn}").as_bytes());
    let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(bytes) % bound
}

/// The day that the business clock shows: [`DAYS`] is today.
fn day_of(state: &Shop) -> i64 {
    DAYS + state.clock.offset_ms().div_euclid(DAY_MS)
}

/// Lives through the days up to `day`.
///
/// # Errors
/// When a rule is broken, or the database fails.
pub(super) async fn live_until(state: &Shop, day: i64) -> Result<()> {
    // Another provider knows no past.
    if state.provider.name() != sandbox::NAME {
        return Ok(());
    }
    while state.clock.offset_ms() < 0 && day_of(state) < day {
        let today = day_of(state);
        sell(state, today).await?;
        for (since, handle) in ONBOARDED {
            if *since == today {
                let person = people::member(state, handle).await?;
                let (db, now) = (&state.db, state.clock.now_ms());
                provider_account::onboard(db, person.as_str(), handle, BANK, now).await?;
            }
        }
        clockwork::advance(state, 1).await?;
        if today % PAYOUT_EVERY == PAYOUT_EVERY - 1 {
            clockwork::sweep(state).await?;
        }
    }
    Ok(())
}

/// The orders of one day: more of them as the shop grows.
async fn sell(state: &Shop, day: i64) -> Result<()> {
    let most = 4 + u64::try_from(day / 20).unwrap_or(0);
    for turn in 0..draw(day, 0, "orders", most) {
        let mut tx = state.db.read().await?;
        let cards = catalog::list_newest(&mut tx, 100).await?;
        drop(tx);
        if cards.is_empty() {
            return Ok(());
        }
        let buyer = BUYERS[draw(day, turn, "buyer", BUYERS.len() as u64) as usize];
        let wanted = choose(day, turn, cards);
        buy(state, day, turn, buyer, &wanted).await?;
    }
    Ok(())
}

/// One listing, sometimes two: of two that were drawn the one that people like better.
fn choose(day: i64, turn: u64, mut cards: Vec<Card>) -> Vec<Card> {
    cards.sort_by(|left, right| left.title.cmp(&right.title));
    let liking = |card: &Card| *blake3::hash(card.title.as_bytes()).as_bytes();
    let mut wanted = Vec::new();
    for item in 0..=u64::from(draw(day, turn, "second", 5) == 0) {
        let of = |word: &str| {
            let index = draw(day, turn * 8 + item, word, cards.len() as u64) as usize;
            cards[index].clone()
        };
        let (one, other) = (of("one"), of("other"));
        let better = if liking(&one) > liking(&other) {
            one
        } else {
            other
        };
        if wanted.iter().all(|card: &Card| card.id != better.id) {
            wanted.push(better);
        }
    }
    wanted
}

/// Places an order and pays for it. What a rule refuses, such as a thing that is owned already, is not bought.
async fn buy(
    state: &Shop,
    day: i64,
    turn: u64,
    (handle, country): (&str, &str),
    wanted: &[Card],
) -> Result<()> {
    let buyer = people::member(state, handle).await?;
    let (till, now) = (state.till(), state.clock.now_ms());
    let basket = format!("demo-{day}-{turn}");
    for card in wanted {
        checkout::add_to_cart(&state.db, &basket, &card.id, now).await?;
    }
    if draw(day, turn, "coupon", 6) == 0 {
        let offers = shop::offers()?;
        let which = draw(day, turn, "code", offers.coupons.len().max(1) as u64) as usize;
        if let Some(coupon) = offers.coupons.get(which) {
            cart::set_code(&state.db, &basket, &coupon.code, handle).await?;
        }
    }
    let mut tx = money::books::begin(&state.db).await?;
    let placed = checkout::place(
        &till,
        &mut tx,
        buyer.as_str(),
        &basket,
        &Seen::default(),
        now,
    )
    .await;
    let order = match placed {
        Ok(order) => order,
        Err(Error::Refused(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    if order.total_minor > 0 {
        let url = checkout::open_payment(&till, &order, now).await?;
        let payment = url.rsplit('/').next().unwrap_or_default();
        sandbox::charge(&state.db, payment, CARD, country, now).await?;
        wait_until_paid(state, &order.id).await?;
    }
    let mut tx = state.db.read().await?;
    let lines = orders::list_lines(&mut tx, &order.id).await?;
    drop(tx);
    for (item, line) in (0..).zip(&lines) {
        use_line(state, day, turn * 8 + item, &buyer, handle, line).await?;
    }
    Ok(())
}

/// What becomes of a line: most are opened, some of those run again and signed for, and few of the others given back.
async fn use_line(
    state: &Shop,
    day: i64,
    turn: u64,
    buyer: &PersonId,
    handle: &str,
    line: &Line,
) -> Result<()> {
    if draw(day, turn, "open", 10) < 7 {
        library::open(state, buyer, &line.id).await?;
        if draw(day, turn, "run", 10) == 0 {
            reproduce(state, buyer, handle, &line.id).await?;
        }
    } else if line.price_minor > 0 && draw(day, turn, "return", 8) == 0 {
        let mut tx = money::books::begin(&state.db).await?;
        let now = state.clock.now_ms();
        refund::cancel_unopened(&mut tx, buyer.as_str(), &line.id, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Regenerates an owner's pictures, and publishes the outcome under the owner's key.
async fn reproduce(state: &Shop, buyer: &PersonId, handle: &str, line: &LineId) -> Result<()> {
    let id = library::start_run(state, buyer, line).await?;
    let run = loop {
        let mut tx = state.db.read().await?;
        let run = library::get_run(&mut tx, buyer, &id).await?;
        match run.state {
            RunState::Done => break run,
            RunState::Failed => bail!("a re-run failed: {}", run.error.unwrap_or_default()),
            RunState::Waiting | RunState::Running => {}
        }
        drop(tx);
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    let mut tx = state.db.write().await?;
    let line = library::get_opened(&mut tx, buyer, line).await?;
    let attestable = library::attestable(state, &mut tx, &line, &run).await?;
    tx.commit().await?;
    let attestable = attestable.context("a run whose outcome cannot be signed")?;
    let statement = serde_json::from_str(&attestable.statement)?;
    let (document, salt) = attestable.licence;
    let (origin, secret) = (&state.log.origin, key_of(handle));
    let signed = Attestation::sign(&statement, origin, &secret, document, salt)?;
    attest::attest(&state.db, &state.log, &state.intake, &signed.to_bytes()?).await?;
    Ok(())
}

/// Waits for the worker that reads the provider's answer.
async fn wait_until_paid(state: &Shop, order: &OrderId) -> Result<()> {
    loop {
        let mut tx = state.db.read().await?;
        let order = orders::get_order(&mut tx, order).await?;
        drop(tx);
        match order.state {
            OrderState::Paid => return Ok(()),
            OrderState::Open => tokio::time::sleep(LOOK_AGAIN).await,
            OrderState::Cancelled => bail!("an order of the demo's past ended unpaid"),
        }
    }
}

/// Makes the creators' discounts, those that are not there yet.
///
/// # Errors
/// When a rule is broken, or the database fails.
pub(super) async fn offer_coupons(state: &Shop) -> Result<()> {
    for offered in shop::offers()?.coupons {
        let person = people::member(state, &offered.creator).await?;
        let new = coupon::NewCoupon {
            code: offered.code,
            percent: Some(offered.percent),
            amount_minor: None,
            minimum_minor: 0,
            uses: None,
            once_per_buyer: false,
            ends_ms: None,
        };
        let mut tx = state.db.write().await?;
        let now = state.clock.now_ms();
        match coupon::create(&mut tx, Some(person.as_str()), &new, now).await {
            Ok(_) => tx.commit().await?,
            Err(Error::Refused("coupon-taken")) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn what_is_drawn_is_the_same_every_time_and_below_its_bound() {
        for day in 0..200 {
            let drawn = draw(day, 3, "orders", 7);
            assert!(drawn < 7);
            assert_eq!(drawn, draw(day, 3, "orders", 7));
        }
        let all: std::collections::BTreeSet<u64> =
            (0..100).map(|day| draw(day, 0, "buyer", 12)).collect();
        assert_eq!(all.len(), 12, "some buyer never buys");
    }
}
