//! Rules of the operator's desk.

use base::db::{self, Tx};
use base::jobs;
use market::settlement::checks::{
    BOOKS_CHECK_SETTING, BooksCheck, LOG_AUDIT_SETTING, LogAudit, read_check,
};
use market::shop::Shop;
use market::{library, moderation};
use money::provider::inbox::{self, EventRow};
use money::provider::outbound::{self, Operation};

/// So many operations and events stand on the desk.
const SHOWN: i64 = 12;

/// What the desk shows.
pub struct Desk {
    pub now_ms: i64,
    pub offset_ms: i64,
    pub books: Option<BooksCheck>,
    pub operations: Vec<Operation>,
    pub events: Vec<EventRow>,
    pub jobs_open: i64,
    pub jobs_dead: i64,
    pub log_audit: Option<LogAudit>,
    /// Near copies that wait for a person.
    pub copies_open: i64,
    /// Versions on sale, and how many of them this release of the engine regenerated here.
    pub rerun: (i64, i64),
}

/// Gathers the desk.
///
/// # Errors
/// When the database fails.
pub async fn desk(state: &Shop, tx: &mut Tx) -> db::Result<Desk> {
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
