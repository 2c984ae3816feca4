//! Coupons: percent or amount, of a creator or of the platform, with limits and dates.
//!
//! The one rule: a creator's coupon lowers what the creator sells for; one of the platform lowers only what the buyer pays, and the
//! creator earns as if there were none. A use is reserved with the order and given back when the order is given up.

use super::ending::{self, EndReason, Holding};
pub use super::store::{Coupon, NewCoupon};
use super::{PricedLine, store};
use base::db::{self, Tx};
use base::random;
use money::Error;
use schema::id::OrderId;
use schema::money::allocate;

/// A code as it is kept and compared: letters, digits and marks that can be seen, in their plain width, upper case.
#[must_use]
pub fn fold(code: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let plain = code.chars().take(80).nfkc();
    let seen = plain.filter(|c| c.is_alphanumeric() || c.is_ascii_punctuation());
    seen.take(40).flat_map(char::to_uppercase).collect()
}

/// Lowers the lines' prices by a coupon; the inner error is a code that says why it does not count, and then nothing is changed.
///
/// # Errors
/// When the database fails.
pub async fn apply(
    tx: &mut Tx,
    code: &str,
    buyer: Option<&str>,
    lines: &mut [PricedLine],
    now_ms: i64,
) -> db::Result<Result<Coupon, &'static str>> {
    let Some(coupon) = store::find_coupon(tx, code).await? else {
        return Ok(Err("coupon-unknown"));
    };
    if coupon.starts_ms > now_ms || coupon.ends_ms.is_some_and(|ends| ends <= now_ms) {
        return Ok(Err("coupon-over"));
    }
    if coupon.uses_left == Some(0) {
        return Ok(Err("coupon-used-up"));
    }
    if coupon.once_per_buyer {
        let Some(buyer) = buyer else {
            return Ok(Err("coupon-account"));
        };
        if store::count_coupon_uses(tx, &coupon.id, buyer).await? > 0 {
            return Ok(Err("coupon-used"));
        }
    }
    let counts = |line: &PricedLine| {
        line.price_minor > 0
            && coupon
                .person_id
                .as_ref()
                .is_none_or(|person| *person == line.line.person_id)
    };
    let prices: Vec<i64> = lines
        .iter()
        .map(|line| if counts(line) { line.price_minor } else { 0 })
        .collect();
    let sum: i64 = prices.iter().sum();
    if sum == 0 {
        return Ok(Err("coupon-elsewhere"));
    }
    if sum < coupon.minimum_minor {
        return Ok(Err("coupon-minimum"));
    }
    let off = match (coupon.percent, coupon.amount_minor) {
        (Some(percent), _) => sum * percent / 100,
        (None, Some(amount)) => amount.min(sum),
        (None, None) => 0,
    };
    for (line, off) in lines.iter_mut().zip(allocate(off, &prices)) {
        if coupon.person_id.is_some() {
            line.price_minor -= off;
        } else {
            line.promotion_minor += off;
        }
    }
    Ok(Ok(coupon))
}

/// Takes one use for an order.
///
/// # Errors
/// [`Error::Refused`] when another order took the last one a moment ago.
pub async fn reserve(
    tx: &mut Tx,
    coupon: &Coupon,
    order: &OrderId,
    buyer: &str,
    now_ms: i64,
) -> Result<(), Error> {
    if coupon.uses_left.is_some() && !store::take_coupon_use(tx, &coupon.id).await? {
        return Err(Error::Refused("coupon-used-up"));
    }
    store::insert_coupon_use(tx, &coupon.id, order, buyer, now_ms).await?;
    Ok(())
}

/// The coupons of a creator, or of the platform, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, person: Option<&str>) -> db::Result<Vec<Coupon>> {
    store::list_coupons(tx, person.unwrap_or_default()).await
}

/// Makes a coupon.
///
/// # Errors
/// [`Error::Refused`] with what is wrong with it.
pub async fn create(
    tx: &mut Tx,
    person: Option<&str>,
    new: &NewCoupon,
    now_ms: i64,
) -> Result<String, Error> {
    let code = fold(&new.code);
    if code.chars().count() < 3 {
        return Err(Error::Refused("coupon-code"));
    }
    let amount_fits = match (new.percent, new.amount_minor) {
        (Some(percent), None) => (1..=100).contains(&percent),
        (None, Some(amount)) => amount > 0,
        _ => false,
    };
    if !amount_fits {
        return Err(Error::Refused("coupon-amount"));
    }
    if new.uses.is_some_and(|uses| uses < 1) {
        return Err(Error::Refused("coupon-uses"));
    }
    if new.ends_ms.is_some_and(|ends| ends <= now_ms) {
        return Err(Error::Refused("coupon-ends"));
    }
    if store::find_coupon(tx, &code).await?.is_some() {
        return Err(Error::Refused("coupon-taken"));
    }
    let id = random::id();
    store::insert_coupon(tx, &id, &code, person, new, now_ms).await?;
    Ok(id)
}

/// Ends a coupon of one's own. `false` for another's.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, person: Option<&str>, id: &str, now_ms: i64) -> db::Result<bool> {
    let ended = store::end_coupon(tx, id, person.unwrap_or_default(), now_ms).await?;
    if ended {
        ending::end_open(tx, Holding::Coupon(id), EndReason::OfferEnded).await?;
    }
    Ok(ended)
}

/// Notes that the use which a paid order reserved is used up.
///
/// # Errors
/// When the database fails.
pub async fn note_used(tx: &mut Tx, order: &OrderId) -> db::Result<()> {
    store::use_coupon(tx, order).await
}
