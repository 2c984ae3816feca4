//! What visitors bought with an address, once its owner has an account.
//!
//! The one rule: it changes hands in the transaction in which a mailed link was opened, and by nothing else.

use super::super::store;
use super::{Bearer, Error, plan_refund};
use crate::books::Booking;

/// Gives an account what visitors paid for with its address. What the account owns already goes back to the card. Returns how many
/// orders changed hands.
///
/// # Errors
/// When the books refuse or the database fails.
pub async fn hand_over(tx: &mut Booking, owner: &str, now_ms: i64) -> Result<usize, Error> {
    let orders = store::list_visitors_orders(tx, owner).await?;
    for order in &orders {
        for line in store::list_lines(tx, order).await? {
            if line.state == "owned" && store::count_owned(tx, owner, &line.version_id).await? > 0 {
                plan_refund(tx, &line, Bearer::Creator, "duplicate", now_ms).await?;
            }
        }
        store::give_order_to(tx, order, owner).await?;
    }
    Ok(orders.len())
}
