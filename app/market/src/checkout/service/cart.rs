//! Carts: what is in them, what it costs this buyer today, and the order that is made of one.
//!
//! The one rule: the page and the order price a cart with the same function, and an order whose total is not the one that the buyer
//! saw is refused. Whatever lowers a price is decided here, once; nothing later asks about coupons or sets.

use super::super::store;
use crate::catalog::{self, ListingState};
use crate::machines::{self, Here};
use crate::offers::ending::{self, EndReason, Holding};
use crate::offers::{self, CartLine, PricedLine, coupon};
use crate::orders::{self, Asker, NewLine, NewOrder, Order};
use crate::people::{guest, service as people};
use crate::sales::sale;
use crate::till::Till;
use base::db::{self, Db, Tx};
use base::{limits, random};
use money::Error;
use money::books::Booking;
use money::provider::{CallOutcome, Checkout, CheckoutLine};
use schema::id::{LineId, ListingId, OrderId};
use schema::money::allocate;
use std::collections::BTreeMap;

/// An order that is not paid by then is given up, and what it reserved is free again.
const ORDER_LIFE_MS: i64 = base::clock::DAY_MS;

/// A cart is kept for so long.
pub const CART_LIFE_MS: i64 = 30 * base::clock::DAY_MS;

/// A cart with what it costs this buyer now.
#[derive(Clone, Debug, Default)]
pub struct Priced {
    pub lines: Vec<PricedLine>,
    /// Lines of sets that this buyer owns already: left out of the order and of the set's price.
    pub owned: Vec<CartLine>,
    /// The coupon that counts.
    pub coupon: Option<coupon::Coupon>,
    /// What was typed.
    pub code: Option<String>,
    /// Why it does not count.
    pub coupon_refusal: Option<&'static str>,
}

impl Priced {
    /// The listings' own prices.
    #[must_use]
    pub fn list_minor(&self) -> i64 {
        self.lines.iter().map(|line| line.line.price_minor).sum()
    }

    /// What is to be paid, tax aside.
    #[must_use]
    pub fn total_minor(&self) -> i64 {
        self.lines.iter().map(PricedLine::cash).sum()
    }
}

/// Lines in a cart.
///
/// # Errors
/// When the database fails.
pub async fn count_cart(db: &Db, cart: &str) -> db::Result<i64> {
    let mut tx = db.read().await?;
    store::count_cart(&mut tx, cart).await
}

/// Whether a listing lies in a cart.
///
/// # Errors
/// When the database fails.
pub async fn is_in_cart(tx: &mut Tx, cart: &str, listing: &ListingId) -> db::Result<bool> {
    store::is_in_cart(tx, cart, listing).await
}

/// Puts a live listing into a cart.
///
/// # Errors
/// [`Error::NotFound`] for anything that is not for sale.
pub async fn add_to_cart(
    db: &Db,
    cart: &str,
    listing: &ListingId,
    now_ms: i64,
) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let found = catalog::service::get(&mut tx, listing).await;
    match found {
        Ok(found) if found.state == ListingState::Live => {
            store::add_to_cart(&mut tx, cart, listing, None, now_ms).await?
        }
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    }
    tx.commit().await?;
    Ok(())
}

/// Puts every live listing of a set into a cart, for the set's price.
///
/// # Errors
/// [`Error::NotFound`] for a set that is not for sale.
pub async fn add_set_to_cart(db: &Db, cart: &str, set: &str, now_ms: i64) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let items = offers::list_live_of_set(&mut tx, set).await?;
    if items.is_empty() {
        return Err(Error::NotFound);
    }
    for listing in items {
        store::add_to_cart(&mut tx, cart, &listing, Some(set), now_ms).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a listing out of a cart. What came with its set stays, at its own price.
///
/// # Errors
/// When the database fails.
pub async fn remove_from_cart(db: &Db, cart: &str, listing: &ListingId) -> Result<(), Error> {
    let mut tx = db.write().await?;
    store::split_set(&mut tx, cart, listing).await?;
    store::remove_from_cart(&mut tx, cart, listing).await?;
    if store::count_cart(&mut tx, cart).await? == 0 {
        store::drop_code(&mut tx, cart).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Keeps what the visitor typed as a coupon with the cart, as long as its cookie lasts.
///
/// # Errors
/// [`Error::TooMany`] wrong ones from one block of network addresses.
pub async fn set_code(db: &Db, cart: &str, code: &str, address: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let guess = !code.is_empty()
        && offers::find_coupon(&mut tx, &coupon::fold(code))
            .await?
            .is_none();
    // Past the limit right codes are refused, too: an answer would be what is guessed for.
    let (limit, block) = (limits::COUPON_GUESSES, limits::block(address));
    if !limits::allow_many(&mut tx, limit, &block, i64::from(guess)).await? && !code.is_empty() {
        tx.commit().await?;
        return Err(Error::TooMany);
    }
    match code.is_empty() {
        true => store::drop_code(&mut tx, cart).await?,
        false => store::set_code(&mut tx, cart, &coupon::fold(code)).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// Forgets what was put into carts whose cookie is over.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> db::Result<()> {
    store::forget_codes(tx, random::real_now_ms() - CART_LIFE_MS).await?;
    store::forget_carts(tx, now_ms - CART_LIFE_MS).await
}

/// A cart's lines.
///
/// # Errors
/// When the database fails.
pub async fn list_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<CartLine>> {
    store::list_cart(tx, cart).await
}

/// Listings of a cart that cannot be bought now, each with the name of the model that no machine of the shop holds.
///
/// # Errors
/// When the database fails.
pub async fn list_away(
    tx: &mut Tx,
    here: &Here,
    priced: &Priced,
) -> db::Result<BTreeMap<ListingId, String>> {
    let mut away = BTreeMap::new();
    for PricedLine { line, .. } in &priced.lines {
        if let Some(model) = machines::find_absent(tx, here, &line.model).await? {
            away.insert(line.id.clone(), model);
        }
    }
    Ok(away)
}

/// What a cart costs a buyer now, or a visitor who is nobody yet.
///
/// # Errors
/// When the database fails.
pub async fn price(
    tx: &mut Tx,
    cart: &str,
    buyer: Option<&str>,
    now_ms: i64,
) -> Result<Priced, Error> {
    let mut priced = Priced::default();
    let lines = store::list_cart(tx, cart).await?;
    let parts = set_parts(tx, cart, &lines).await?;
    for mut line in lines {
        let owned = match (buyer, &line.set_id) {
            (Some(buyer), Some(_)) => orders::count_owned(tx, buyer, &line.id).await? > 0,
            _ => false,
        };
        if owned {
            priced.owned.push(line);
            continue;
        }
        let part = line
            .set_id
            .as_ref()
            .and_then(|set| parts.get(&(set.clone(), line.id.to_string())));
        let price_minor = part.copied().unwrap_or(line.price_minor);
        if part.is_none() {
            // What is left of a set is no set: neither its price nor its end is this line's business.
            line.set_id = None;
        }
        priced.lines.push(PricedLine {
            line,
            price_minor,
            promotion_minor: 0,
        });
    }
    priced.code = store::find_code(tx, cart)
        .await?
        .filter(|code| !code.is_empty());
    if let Some(code) = &priced.code {
        // Whether an address used a coupon is told to nobody who only typed it.
        let known = match buyer {
            Some(buyer) if !guest::is_unproven(tx, buyer).await? => Some(buyer),
            _ => None,
        };
        match coupon::apply(tx, code, known, &mut priced.lines, now_ms).await? {
            Ok(coupon) => priced.coupon = Some(coupon),
            Err(refusal) => priced.coupon_refusal = Some(refusal),
        }
    }
    Ok(priced)
}

/// The part of its set's price that each line of a set costs, by set and listing: by the listings' own prices, over the whole set, so that
/// what a buyer owns already takes its own part away with it. Only of sets that lie whole in the cart: a listing that another set took
/// with it, or that was taken out, leaves the others at their own prices.
async fn set_parts(
    tx: &mut Tx,
    cart: &str,
    lines: &[CartLine],
) -> Result<BTreeMap<(String, String), i64>, Error> {
    let mut parts = BTreeMap::new();
    for (set, price_minor) in store::list_sets_in_cart(tx, cart).await? {
        let lies_here = |item: &ListingId| {
            let mut own = lines
                .iter()
                .filter(|line| line.set_id.as_ref() == Some(&set));
            own.any(|line| line.id == *item)
        };
        let live = offers::list_live_of_set(tx, &set).await?;
        if !live.iter().all(lies_here) {
            continue;
        }
        let items = offers::list_set_prices(tx, &set).await?;
        let weights: Vec<i64> = items.iter().map(|(_, price)| *price).collect();
        for ((listing, own), part) in items.into_iter().zip(allocate(price_minor, &weights)) {
            // A set never costs more than its parts.
            parts.insert((set.clone(), listing), part.min(own));
        }
    }
    Ok(parts)
}

/// What the page showed that an order is placed from; nothing for whoever saw none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub total_minor: Option<i64>,
    /// [`Priced::seen`] of the page.
    pub lines: Option<String>,
}

impl Priced {
    /// Which listings a page shows and what each costs, in a word that its form sends back: another tab may change the cart meanwhile, to
    /// the same total.
    #[must_use]
    pub fn seen(&self) -> String {
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| format!("{}:{}", line.line.id, line.cash()))
            .collect();
        lines.sort();
        blake3::hash(lines.join("\n").as_bytes()).to_hex()[..32].to_owned()
    }
}

/// Makes an order of a cart. An order that costs nothing is fulfilled at once; the caller opens a payment for the others
/// after the commit.
///
/// # Errors
/// [`Error::Refused`] with what is in the way: empty, below the minimum, withdrawn, of a model that no machine of the shop holds now, one's own, owned already, or another price than
/// the buyer saw.
pub async fn place(
    till: &Till,
    tx: &mut Booking,
    buyer: &str,
    cart: &str,
    seen: &Seen,
    now_ms: i64,
) -> Result<Order, Error> {
    if !limits::allow(tx, limits::ORDERS, buyer).await? {
        return Err(Error::TooMany);
    }
    // The cart is kept until it is paid for, so a second order of it takes the first one's place, and its coupon.
    ending::end_open(tx, Holding::Cart(cart), EndReason::Superseded).await?;
    let mut priced = price(tx, cart, Some(buyer), now_ms).await?;
    if priced.coupon_refusal == Some("coupon-used") && free_coupon(tx, &priced, buyer).await? {
        priced = price(tx, cart, Some(buyer), now_ms).await?;
    }
    check(till, tx, &priced, buyer).await?;
    let total = priced.total_minor();
    let other_lines = seen
        .lines
        .as_ref()
        .is_some_and(|seen| *seen != priced.seen());
    if other_lines || seen.total_minor.is_some_and(|seen| seen != total) {
        return Err(Error::Refused("cart-changed"));
    }
    // Whoever saw the total without the coupon, and why it does not count, may go on without it.
    if let (Some(refusal), None) = (priced.coupon_refusal, seen.total_minor) {
        return Err(Error::Refused(refusal));
    }
    if total == 0 && !limits::allow(tx, limits::GIFTS, buyer).await? {
        return Err(Error::TooMany);
    }
    if total > 0 && total < till.minimum_order_minor {
        return Err(Error::Refused("cart-minimum"));
    }
    let order = NewOrder {
        id: random::id_of(),
        buyer: buyer.into(),
        total_minor: total,
        discount_minor: priced.list_minor() - total,
        coupon: priced.coupon.as_ref().map(|coupon| coupon.id.clone()),
        provider: till.provider.name(),
        now_ms,
        cart: (!cart.is_empty()).then(|| cart.to_owned()),
        by_visitor: guest::is_unproven(tx, buyer).await?,
    };
    orders::insert_order(tx, &order).await?;
    for line in &priced.lines {
        let new = NewLine {
            id: &random::id_of(),
            listing: &line.line.id,
            version: &line.line.version_id,
            payee: &line.line.person_id,
            list_minor: line.line.price_minor,
            price_minor: line.price_minor,
            promotion_minor: line.promotion_minor,
            licence: &line.line.licence,
            set: line.line.set_id.as_deref(),
            fee: till.fee,
        };
        orders::insert_line(tx, &order, &new).await?;
    }
    if let Some(coupon) = &priced.coupon {
        coupon::reserve(tx, coupon, &order.id, buyer, now_ms).await?;
    }
    if total == 0 {
        sale::fulfil(till, tx, &order.id, None, now_ms).await?;
    }
    Ok(orders::get_order(tx, &order.id).await?)
}

/// Hands over a listing that costs nothing, without a way through a cart, and returns its line: the same one to whoever has it already.
///
/// # Errors
/// [`Error::NotFound`] for what is not for sale; [`Error::Refused`] for one's own, and for what has a price by now.
pub async fn take_free(
    till: &Till,
    tx: &mut Booking,
    buyer: &str,
    slug: &str,
    now_ms: i64,
) -> Result<LineId, Error> {
    let listing = catalog::service::find(tx, slug).await?;
    let listing = listing.filter(|listing| listing.state == ListingState::Live);
    let listing = listing.ok_or(Error::NotFound)?;
    if let Some(line) = orders::find_owned(tx, buyer, &listing.id).await? {
        return Ok(line);
    }
    // A cart of its own, for one listing and one order.
    let cart = random::id();
    store::add_to_cart(tx, &cart, &listing.id, None, now_ms).await?;
    let seen = Seen {
        total_minor: Some(0),
        lines: None,
    };
    place(till, tx, buyer, &cart, &seen, now_ms).await?;
    // Of two forms at once the second one's line goes back, and the first one's is the answer to both.
    let owned = orders::find_owned(tx, buyer, &listing.id).await?;
    owned.ok_or(Error::NotFound)
}

/// Ends the open order with which a buyer reserved the coupon that they typed again elsewhere.
async fn free_coupon(tx: &mut Tx, priced: &Priced, buyer: &str) -> Result<bool, Error> {
    let code = priced.code.as_deref().unwrap_or_default();
    let Some(coupon) = offers::find_coupon(tx, code).await? else {
        return Ok(false);
    };
    let held = Holding::CouponOf(&coupon.id, buyer);
    Ok(ending::end_open(tx, held, EndReason::Superseded).await? > 0)
}

async fn check(till: &Till, tx: &mut Tx, priced: &Priced, buyer: &str) -> Result<(), Error> {
    if priced.lines.is_empty() {
        let owned = !priced.owned.is_empty();
        return Err(Error::Refused(if owned {
            "cart-owned"
        } else {
            "cart-empty"
        }));
    }
    for PricedLine { line, .. } in &priced.lines {
        if line.state != ListingState::Live {
            return Err(Error::Refused("cart-withdrawn"));
        }
        // Nobody could regenerate it here, and that is what is sold.
        if !machines::is_held(tx, &till.here, &line.model).await? {
            return Err(Error::Refused("cart-model-away"));
        }
        if line.person_id == buyer {
            return Err(Error::Refused("cart-own"));
        }
        if orders::count_owned(tx, buyer, &line.id).await? > 0 {
            return Err(Error::Refused("cart-owned"));
        }
    }
    Ok(())
}

/// Opens the order's checkout at the provider and notes it; returns where the buyer pays. The same order gets the same checkout.
///
/// # Errors
/// [`Error::Provider`] when the provider refuses or does not answer: nothing was charged, and the buyer may try again.
/// [`Error::Refused`] when the order ended meanwhile.
pub async fn open_payment(till: &Till, order: &Order, now_ms: i64) -> Result<String, Error> {
    let mut tx = till.db.read().await?;
    let lines = orders::list_lines(&mut tx, &order.id).await?;
    let email = people::find_email(&mut tx, &order.person_id).await?;
    drop(tx);
    let billed = lines.iter().filter(|line| line.parts().cash() > 0);
    let checkout = Checkout {
        order: order.id.to_string(),
        attempt: order.attempts,
        lines: billed
            .map(|line| CheckoutLine {
                line: line.id.to_string(),
                title: line.title.clone(),
                amount_minor: line.price_minor - line.promotion_minor,
            })
            .collect(),
        email,
        return_url: format!("{}/orders/{}", till.public_url, order.id),
        now_ms,
    };
    let opened = match till.provider.open_checkout(&checkout).await {
        CallOutcome::Done(opened) => opened,
        CallOutcome::Rejected(why)
        | CallOutcome::Later(why)
        | CallOutcome::Denied(why)
        | CallOutcome::Unknown(why) => return Err(Error::Provider(why)),
    };
    let mut tx = till.db.write().await?;
    let noted = orders::set_payment(&mut tx, &order.id, &opened.id).await?;
    tx.commit().await?;
    if !noted {
        // The order ended meanwhile, and nothing knows of its checkout.
        let closed = till.provider.expire_checkout(&opened.id).await;
        if closed != CallOutcome::Done(()) {
            tracing::warn!(order.id = %order.id, "the checkout of an order that ended stays open");
        }
        return Err(Error::Refused("order-ended"));
    }
    Ok(opened.url)
}

/// Ends an order that its buyer does not want any more, and closes its checkout; `false` when it is not open any more.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn give_up(till: &Till, asker: Asker<'_>, id: &OrderId) -> Result<bool, Error> {
    let mut tx = till.db.write().await?;
    let (order, _) = orders::show(&mut tx, asker, id).await?;
    end(till, tx, &order, EndReason::GivenUp).await
}

/// Ends an open order if its buyer has got something in it meanwhile: nobody pays for what could only go back. Returns whether it ended.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn end_if_owned(till: &Till, asker: Asker<'_>, id: &OrderId) -> Result<bool, Error> {
    let mut tx = till.db.write().await?;
    let (order, lines) = orders::show(&mut tx, asker, id).await?;
    let mut owned = 0;
    for line in &lines {
        owned += orders::count_owned(&mut tx, &order.person_id, &line.listing_id).await?;
    }
    match owned {
        0 => Ok(false),
        _ => end(till, tx, &order, EndReason::Owned).await,
    }
}

/// Ends one order, and closes its checkout, which may be open in another tab. What cannot be closed now is closed with the others.
async fn end(till: &Till, mut tx: Tx, order: &Order, reason: EndReason) -> Result<bool, Error> {
    let ended = ending::end_order(&mut tx, &order.id, reason).await?;
    tx.commit().await?;
    if let (true, Some(payment)) = (ended, &order.payment_id) {
        close(till, &order.id, payment).await?;
    }
    Ok(ended)
}

/// Closes the checkout of an order that ended; `false` when the provider did not do it.
async fn close(till: &Till, order: &OrderId, payment: &str) -> db::Result<bool> {
    if till.provider.expire_checkout(payment).await != CallOutcome::Done(()) {
        return Ok(false);
    }
    let mut tx = till.db.write().await?;
    orders::note_closed(&mut tx, order, payment).await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives up orders that nobody paid for a day: closes their checkouts first, so that none is paid afterwards. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn give_up_stale(till: &Till, now_ms: i64) -> Result<usize, Error> {
    let mut tx = till.db.read().await?;
    let stale = orders::list_stale_orders(&mut tx, now_ms - ORDER_LIFE_MS).await?;
    drop(tx);
    let mut given_up = 0;
    for order in stale {
        let closed = match &order.payment_id {
            Some(payment) => till.provider.expire_checkout(payment).await == CallOutcome::Done(()),
            None => true,
        };
        if !closed {
            continue;
        }
        let mut tx = till.db.write().await?;
        given_up += usize::from(ending::end_order(&mut tx, &order.id, EndReason::Unpaid).await?);
        tx.commit().await?;
    }
    Ok(given_up)
}

/// Closes the checkouts of orders that ended meanwhile, so that nobody pays what would only go back. One that was paid a moment ago
/// stays, and its event says so. Returns how many were closed.
///
/// # Errors
/// When the database fails.
pub async fn close_ended(till: &Till) -> Result<usize, Error> {
    let mut tx = till.db.read().await?;
    let unclosed = orders::list_unclosed(&mut tx).await?;
    drop(tx);
    let mut closed = 0;
    for order in unclosed {
        let Some(payment) = &order.payment_id else {
            continue;
        };
        closed += usize::from(close(till, &order.id, payment).await?);
    }
    Ok(closed)
}
