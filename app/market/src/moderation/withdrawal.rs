//! Taking a listing off sale for cause.
//!
//! The one rule: the log says that it is gone and why, open orders of it end, and every owner gets the money back, in one transaction.

use crate::catalog::service::{self as catalog, Listing};
use crate::offers::ending::{self, EndReason, Holding};
use crate::sales::refund;
use crate::shop::Shop;
use base::db::Tx;
use money::Error;
use schema::digest::Digest;
use schema::pixels::PixelDigest;
use schema::statement::{WithdrawalReason, WithdrawalStatement};

/// Takes a listing off sale for cause, says so in the public log, and refunds every owner at our cost. Returns how many; `None` when
/// there is no such listing.
///
/// # Errors
/// When the database or the books fail; nothing is done then.
pub async fn withdraw(
    state: &Shop,
    slug: &str,
    reason: WithdrawalReason,
) -> Result<Option<usize>, Error> {
    let mut tx = money::books::begin(&state.db).await?;
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
    tracing::warn!(listing.slug = %listing.slug, refunded, "a listing was withdrawn for cause");
    Ok(Some(refunded))
}

/// The log says that it is gone and why, as it says that it was there.
async fn log_withdrawal(
    state: &Shop,
    tx: &mut Tx,
    listing: &Listing,
    reason: WithdrawalReason,
) -> Result<(), Error> {
    let internal = |error: String| Error::Internal(error);
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
