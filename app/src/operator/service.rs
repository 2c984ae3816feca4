//! Rules of the operator's desk.

use crate::books::service as books;
use crate::catalog::service::{self as catalog, Listing};
use crate::checkout::service::ending::{self, EndReason, Holding};
use crate::checkout::service::refund;
use crate::db::{self, Tx};
use crate::provider::inbox::{self, Row};
use crate::provider::outbound::{self, Operation};
use crate::provider::sandbox;
use crate::web::state::AppState;
use crate::{checkout, jobs, library, moderation, payouts};
use schema::digest::Digest;
use schema::pixels::PixelDigest;
use schema::statement::{WithdrawalReason, WithdrawalStatement};

/// The ticker and the operator's buttons take turns: a payout that two of them plan at once would be planned twice.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The setting that holds the sandbox clock's offset.
pub const CLOCK_SETTING: &str = "clock_offset_ms";
/// One move of the clock goes at most so far, so that a typing error does not skip a year.
pub const MAX_DAYS: i64 = 60;

/// So many operations and events stand on the desk.
const SHOWN: i64 = 12;

/// What the desk shows.
pub struct Desk {
    pub now_ms: i64,
    pub offset_ms: i64,
    pub books: Option<BooksCheck>,
    pub operations: Vec<Operation>,
    pub events: Vec<Row>,
    pub jobs_open: i64,
    pub jobs_dead: i64,
    pub log_audit: Option<LogAudit>,
    /// Near copies that wait for a person.
    pub copies_open: i64,
    /// Versions on sale, and how many of them this release of the engine regenerated here.
    pub rerun: (i64, i64),
}

/// How the last full check of the public log ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogAudit {
    /// When it ended, real time.
    pub at_ms: i64,
    /// Entries that fit.
    pub size: u64,
    /// What did not.
    pub error: Option<String>,
}

/// The setting that holds the last [`LogAudit`].
const LOG_AUDIT_SETTING: &str = "log_audit";

/// Checks the whole public log and notes how it ended; what does not fit is an error of the process, for whoever is on call.
///
/// # Errors
/// When the database fails.
pub async fn audit_log(state: &AppState) -> anyhow::Result<()> {
    let log = state.log.clone();
    let result = tokio::task::spawn_blocking(move || log.audit()).await?;
    if let Err(error) = &result {
        tracing::error!(error = %error, "the public log does not hold");
    }
    let audit = LogAudit {
        at_ms: crate::random::real_now_ms(),
        size: result.as_ref().copied().unwrap_or(0),
        error: result.err().map(|error| error.to_string()),
    };
    let mut tx = state.db.write().await?;
    db::write_setting(&mut tx, LOG_AUDIT_SETTING, &serde_json::to_string(&audit)?).await?;
    tx.commit().await?;
    Ok(())
}

/// How the last check of the books ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BooksCheck {
    /// When it ended, real time.
    pub at_ms: i64,
    /// How many entries add up, or the first that does not.
    pub audit: Result<i64, String>,
    /// How many of the provider's objects agree, or the first that does not.
    pub reconciliation: Result<usize, String>,
}

/// The setting that holds the last [`BooksCheck`].
const BOOKS_CHECK_SETTING: &str = "books_check";

/// Books the platform's own movements at the provider, re-derives every balance, compares with the provider, and notes how that ended;
/// what does not fit is an error of the process, for whoever is on call.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn check_books(state: &AppState) -> Result<(), payouts::service::Error> {
    let provider = state.provider.as_ref();
    payouts::service::own::book_own(&state.db, provider, state.clock.now_ms()).await?;
    let check = BooksCheck {
        audit: books::audit(&mut state.db.read().await?).await?,
        reconciliation: payouts::service::reconcile_settled(
            &state.db,
            provider,
            &payouts::service::PAUSES,
        )
        .await?
        .verdict(),
        at_ms: crate::random::real_now_ms(),
    };
    let differences = [
        check.audit.as_ref().err(),
        check.reconciliation.as_ref().err(),
    ];
    for error in differences.into_iter().flatten() {
        tracing::error!(error, "the books do not hold");
    }
    let mut tx = state.db.write().await?;
    let text = serde_json::to_string(&check)
        .map_err(|error| payouts::service::Error::Internal(error.to_string()))?;
    db::write_setting(&mut tx, BOOKS_CHECK_SETTING, &text).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn read_check<T: serde::de::DeserializeOwned>(
    tx: &mut Tx,
    setting: &str,
) -> db::Result<Option<T>> {
    let text = db::read_setting(tx, setting).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Gathers the desk.
///
/// # Errors
/// When the database fails.
pub async fn desk(state: &AppState, tx: &mut Tx) -> db::Result<Desk> {
    let operations = outbound::list(tx, "", SHOWN).await?;
    let events = inbox::list(tx, "", SHOWN).await?;
    let (jobs_open, jobs_dead) = jobs::counts(tx).await?;
    Ok(Desk {
        log_audit: read_check(tx, LOG_AUDIT_SETTING).await?,
        rerun: library::reruns::counted(state, tx).await?,
        copies_open: moderation::service::count_open(tx).await?,
        now_ms: state.clock.now_ms(),
        offset_ms: state.clock.offset_ms(),
        books: read_check(tx, BOOKS_CHECK_SETTING).await?,
        operations,
        events,
        jobs_open,
        jobs_dead,
    })
}

/// Moves the business clock forward, and lets what became due happen.
///
/// # Errors
/// When the database or the books fail.
pub async fn advance(state: &AppState, days: i64) -> Result<(), payouts::service::Error> {
    let offset = state.clock.offset_ms() + days.clamp(0, MAX_DAYS) * crate::clock::DAY_MS;
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
pub async fn settle(state: &AppState) -> Result<(), payouts::service::Error> {
    let _turn = TURN.lock().await;
    let now = state.clock.now_ms();
    super::evidence::submit_due(state, now)
        .await
        .map_err(|error| payouts::service::Error::Internal(format!("{error:#}")))?;
    payouts::service::release(&state.db, now).await?;
    if state.provider.name() == sandbox::NAME {
        sandbox::tick(&state.db, now).await?;
    }
    state.jobs.ring();
    Ok(())
}

/// Fetches events that were lost on the way, and gives up what nobody pays.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn catch_up(state: &AppState) -> anyhow::Result<()> {
    let (provider, now) = (state.provider.as_ref(), state.clock.now_ms());
    let lost = inbox::sweep(&state.db, provider).await?;
    payouts::service::account::catch_up(&state.db, provider, now).await?;
    let till = state.till();
    let given_up = checkout::service::cart::give_up_stale(&till, now).await?
        + ending::close_ended(&till).await?;
    let mut tx = state.db.write().await?;
    let erased = inbox::erase_bodies(&mut tx, crate::random::real_now_ms()).await?;
    tx.commit().await?;
    if lost + given_up > 0 || erased > 0 {
        tracing::info!(
            lost,
            given_up,
            erased,
            "events that were lost, orders that nobody paid, old bodies"
        );
    }
    state.jobs.ring();
    Ok(())
}

/// Takes a listing off sale for cause, says so in the public log, and refunds every owner at our cost. Returns how many; `None` when
/// there is no such listing.
///
/// # Errors
/// When the database or the books fail; nothing is done then.
pub async fn withdraw(
    state: &AppState,
    slug: &str,
    reason: WithdrawalReason,
) -> Result<Option<usize>, checkout::service::Error> {
    let mut tx = crate::books::begin(&state.db).await?;
    let Some(listing) = catalog::find(&mut tx, slug.trim()).await? else {
        return Ok(None);
    };
    if catalog::withdraw(&mut tx, &listing.id).await? {
        log_withdrawal(state, &mut tx, &listing, reason).await?;
    }
    ending::end_open(&mut tx, Holding::Listing(&listing.id), EndReason::Withdrawn).await?;
    let now = state.clock.now_ms();
    let refunded = refund::refund_owners(&mut tx, &listing.id, "withdrawn-for-cause", now).await?;
    tx.commit().await?;
    state.jobs.ring();
    state.leaves.ring();
    tracing::warn!(listing.slug = %listing.slug, refunded, "a listing was withdrawn for cause");
    Ok(Some(refunded))
}

/// The log says that it is gone and why, as it says that it was there.
async fn log_withdrawal(
    state: &AppState,
    tx: &mut Tx,
    listing: &Listing,
    reason: WithdrawalReason,
) -> Result<(), checkout::service::Error> {
    let internal = |error: String| checkout::service::Error::Internal(error);
    let digest =
        |text: &str| Digest::parse(text, "digest").map_err(|error| internal(error.to_string()));
    let mut pictures = Vec::new();
    for anchor in catalog::list_anchors(tx, &listing.version_id).await? {
        pictures.push(PixelDigest {
            blake3: digest(&anchor.pixel_blake3)?,
            sha256: digest(&anchor.pixel_sha256)?,
        });
    }
    let statement = WithdrawalStatement {
        leaf: digest(&listing.leaf_hash)?,
        reason,
    };
    let queued = state.log.withdraw(tx, &statement, &pictures).await;
    queued.map_err(|error| internal(error.to_string()))?;
    Ok(())
}

/// Runs the payout sweep now.
///
/// # Errors
/// When the database or the books fail.
pub async fn sweep(state: &AppState) -> Result<usize, payouts::service::Error> {
    settle(state).await?;
    let _turn = TURN.lock().await;
    let paid = payouts::service::sweep(
        &state.db,
        state.provider.name(),
        state.config.minimum_payout_minor,
        state.clock.now_ms(),
    )
    .await?;
    state.jobs.ring();
    Ok(paid)
}
