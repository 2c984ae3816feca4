//! The daily checks of the public log and of the books, and how the last of each ended.

use super::{PAUSES, reconcile_settled};
use crate::payouts::service as payouts;
use crate::shop::Shop;
use base::db::{self, Tx};
use money::Error;
use money::books::service as books;

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
pub const LOG_AUDIT_SETTING: &str = "log_audit";

/// Checks the whole public log and notes how it ended; what does not fit is an error of the process, for whoever is on call.
///
/// # Errors
/// When the database fails.
pub async fn audit_log(state: &Shop) -> anyhow::Result<()> {
    let log = state.log.clone();
    let result = tokio::task::spawn_blocking(move || log.audit()).await?;
    if let Err(error) = &result {
        tracing::error!(error = %error, "the public log does not hold");
    }
    let audit = LogAudit {
        at_ms: base::random::real_now_ms(),
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
pub const BOOKS_CHECK_SETTING: &str = "books_check";

/// Books the platform's own movements at the provider, re-derives every balance, compares with the provider, and notes how that ended;
/// what does not fit is an error of the process, for whoever is on call.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn check_books(state: &Shop) -> Result<(), Error> {
    let provider = state.provider.as_ref();
    payouts::movements::book_own(&state.db, provider, state.clock.now_ms()).await?;
    let check = BooksCheck {
        audit: books::audit(&mut state.db.read().await?).await?,
        reconciliation: reconcile_settled(&state.db, provider, &PAUSES)
            .await?
            .verdict(),
        at_ms: base::random::real_now_ms(),
    };
    let differences = [
        check.audit.as_ref().err(),
        check.reconciliation.as_ref().err(),
    ];
    for error in differences.into_iter().flatten() {
        tracing::error!(error, "the books do not hold");
    }
    let mut tx = state.db.write().await?;
    let text = serde_json::to_string(&check).map_err(|error| Error::Internal(error.to_string()))?;
    db::write_setting(&mut tx, BOOKS_CHECK_SETTING, &text).await?;
    tx.commit().await?;
    Ok(())
}

/// What a check noted last.
///
/// # Errors
/// When the database fails.
pub async fn read_check<T: serde::de::DeserializeOwned>(
    tx: &mut Tx,
    setting: &str,
) -> db::Result<Option<T>> {
    let text = db::read_setting(tx, setting).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
