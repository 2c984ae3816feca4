//! What visitors bought with an address, once its owner is known.
//!
//! The one rule: it changes hands in the transaction in which a mailed link was opened, and by nothing else.

use crate::orders;
use crate::payouts::service::provider_account as payee;
use crate::people::guest::{self, Chosen};
use crate::people::service::Error as AccountError;
use crate::sales::{Bearer, plan_refund};
use base::db::Db;
use money::Error;
use money::books::{self, Booking};

/// Opens the account of a mailed link's address, with what visitors bought with it and without a stranger's bank. Returns whose it is.
///
/// # Errors
/// As [`guest::claim`].
pub async fn take_account(
    db: &Db,
    token: &str,
    chosen: &Chosen,
    now_ms: i64,
) -> Result<String, AccountError> {
    let mut tx = books::begin(db).await?;
    let claimed = guest::claim(&mut tx, token, chosen).await?;
    if claimed.first {
        payee::forget(&mut tx, &claimed.person).await?;
    }
    hand_over(&mut tx, &claimed.person, now_ms).await?;
    tx.commit().await?;
    Ok(claimed.person)
}

/// Notes that an account's address is its owner's, and gives it what visitors bought with it meanwhile. `false` for a link that is used,
/// over or another account's.
///
/// # Errors
/// When the books refuse or the database fails.
pub async fn prove(db: &Db, token: &str, person: &str, now_ms: i64) -> Result<bool, AccountError> {
    let mut tx = books::begin(db).await?;
    if !guest::prove(&mut tx, token, person).await? {
        return Ok(false);
    }
    hand_over(&mut tx, person, now_ms).await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives an account what visitors paid for with its address. What the account owns already goes back to the card.
async fn hand_over(tx: &mut Booking, owner: &str, now_ms: i64) -> Result<(), Error> {
    for order in orders::list_visitors_orders(tx, owner).await? {
        for line in orders::list_lines(tx, &order).await? {
            if line.state == orders::LineState::Owned
                && orders::count_owned(tx, owner, &line.listing_id).await? > 0
            {
                plan_refund(tx, &line, Bearer::Creator, "duplicate", now_ms).await?;
            }
        }
        orders::give_order_to(tx, &order, owner).await?;
    }
    Ok(())
}
