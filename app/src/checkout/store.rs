//! SQL of carts, orders, their lines, and disputes.

use super::coupon::{Coupon, NewCoupon};
use super::service::cart::{CartLine, PricedLine};
use super::service::dispute::Dispute;
use super::service::ending::Holding;
use super::service::{Line, Order};
use super::sets::{Item, Set};
use crate::db::{self, Tx, execute, fetch, statements};
use crate::provider::{Dispute as DisputeFact, Payment};
use schema::money::{FeeSchedule, Parts};

macro_rules! lines {
    ($where:literal) => {
        concat!(
            "select purchase_line.id, purchase_line.purchase_id, purchase_line.listing_id, purchase_line.version_id, purchase_line.buyer_id,
                purchase_line.payee_id, purchase_line.list_minor, purchase_line.price_minor, purchase_line.share_minor, purchase_line.payee_minor,
                purchase_line.promotion_minor, purchase_line.tax_minor, purchase_line.licence, purchase_line.state, purchase_line.earning,
                purchase_line.paid_ms, purchase_line.opened_ms, purchase_line.refunded_minor, purchase_line.refunded_tax_minor,
                purchase_line.refunded_promotion_minor, purchase_line.payee_borne_minor, purchase_line.frozen_minor, purchase_line.dispute_id,
                purchase_line.refund_reason, purchase_line.licence_secret_id, purchase_line.licence_leaf_hash, listing.title, listing.slug
            from purchase_line join listing on listing.id = purchase_line.listing_id
            where ",
            $where
        )
    };
}

macro_rules! orders {
    ($where:literal) => {
        concat!(
            "select id, person_id, state, total_minor, tax_minor, discount_minor, coupon_id, provider, payment_id, charge_id, card_last4, country, tax_basis_points,
                attempts,
                invoice_number, created_ms, paid_ms, cart, by_visitor, end_reason
            from purchase where ",
            $where
        )
    };
}

macro_rules! disputes {
    ($rest:literal) => {
        concat!(
            "select id, purchase_id, charge_id, amount_minor, fee_minor, reason, state, bearer, due_ms, evidence, submitted_ms, opened_ms, closed_ms
            from dispute ",
            $rest
        )
    };
}

macro_rules! coupons {
    ($where:literal) => {
        concat!(
            "select coupon.id, coupon.code, coupon.person_id, coupon.percent, coupon.amount_minor, coupon.minimum_minor, coupon.uses_left,
                coupon.once_per_buyer, coupon.starts_ms, coupon.ends_ms, coupon.ended_ms,
                (select count(*) from coupon_use where coupon_use.coupon_id = coupon.id and coupon_use.state = 'used') as used
            from coupon where ",
            $where
        )
    };
}

macro_rules! sets {
    ($rest:literal) => {
        concat!(
            "select listing_set.id, listing_set.slug, listing_set.person_id, person.handle, listing_set.title, listing_set.price_minor, listing_set.state
            from listing_set join person on person.id = listing_set.person_id ",
            $rest
        )
    };
}

macro_rules! items {
    ($rest:literal) => {
        concat!(
            "select listing.id, listing.slug, listing.title, listing.price_minor, listing.state, anchor.labelled_blob as blob
            from listing
            join version on version.listing_id = listing.id
            join anchor on anchor.version_id = version.id and anchor.idx = 0 ",
            $rest
        )
    };
}

statements! {
    INSERT_SET = "insert into listing_set (id, slug, person_id, title, price_minor, state, created_ms) values ($1, $2, $3, $4, $5, 'live', $6)";
    INSERT_SET_ITEM = "insert into listing_set_item (set_id, listing_id, idx) values ($1, $2, $3)";
    FIND_SET = sets!("where listing_set.slug = $1");
    LIST_SETS = sets!("where listing_set.person_id = $1 order by listing_set.created_ms desc, listing_set.id");
    LIST_SETS_OF_LISTING = sets!("join listing_set_item on listing_set_item.set_id = listing_set.id
            where listing_set_item.listing_id = $1 and listing_set.state = 'live' order by listing_set.created_ms desc, listing_set.id");
    LIST_SET_ITEMS = items!("join listing_set_item on listing_set_item.listing_id = listing.id where listing_set_item.set_id = $1 order by listing_set_item.idx");
    LIST_OWN_LIVE = items!("where listing.person_id = $1 and listing.state = 'live' and listing.price_minor > 0 order by listing.created_ms desc, listing.id");
    END_SET = "update listing_set set state = 'ended' where id = $1 and person_id = $2 and state = 'live'";
    ADD_TO_CART = "insert into cart_line (cart, listing_id, set_id, added_ms) values ($1, $2, $3, $4)
        on conflict (cart, listing_id) do update set set_id = coalesce(excluded.set_id, cart_line.set_id)";
    REMOVE_FROM_CART = "delete from cart_line where cart = $1 and listing_id = $2";
    SPLIT_SET = "update cart_line set set_id = null
        where cart = $1 and set_id = (select other.set_id from cart_line other where other.cart = $1 and other.listing_id = $2)";
    EMPTY_CODE = "delete from cart_coupon where cart = $1";
    IN_CART = "select count(*) from cart_line where cart = $1 and listing_id = $2";
    COUNT_CART = "select count(*) from cart_line where cart = $1";
    LIST_CART = "select listing.id, listing.slug, listing.title, listing.price_minor, listing.licence, listing.state, listing.person_id,
            person.handle, version.id as version_id, anchor.labelled_blob as blob,
            cart_line.set_id, listing_set.title as set_title, listing_set.price_minor as set_price_minor, listing_set.state as set_state
        from cart_line
        join listing on listing.id = cart_line.listing_id
        join person on person.id = listing.person_id
        join version on version.listing_id = listing.id
        join anchor on anchor.version_id = version.id and anchor.idx = 0
        left join listing_set on listing_set.id = cart_line.set_id
        where cart_line.cart = $1 order by cart_line.added_ms, listing.id";
    SET_CODE = "insert into cart_coupon (cart, code) values ($1, $2) on conflict (cart) do update set code = excluded.code";
    FIND_CODE = "select code from cart_coupon where cart = $1";
    LIST_SETS_IN_CART = "select distinct listing_set.id, listing_set.price_minor from cart_line
        join listing_set on listing_set.id = cart_line.set_id and listing_set.state = 'live'
        where cart_line.cart = $1 order by listing_set.id";
    LIST_SET_PRICES = "select listing.id, listing.price_minor from listing_set_item join listing on listing.id = listing_set_item.listing_id
        where listing_set_item.set_id = $1 order by listing_set_item.idx, listing.id";
    LIST_LIVE_OF_SET = "select listing.id from listing_set_item
        join listing on listing.id = listing_set_item.listing_id and listing.state = 'live'
        join listing_set on listing_set.id = listing_set_item.set_id and listing_set.state = 'live'
        where listing_set_item.set_id = $1 order by listing_set_item.idx, listing.id";
    EMPTY_CART_OF_ORDER = "delete from cart_line where cart = $2
        and listing_id in (select purchase_line.listing_id from purchase_line where purchase_line.purchase_id = $1)";
    INSERT_ORDER = "insert into purchase (id, person_id, state, total_minor, currency, discount_minor, coupon_id, provider, created_ms, cart, by_visitor)
        values ($1, $2, 'open', $3, 'USD', $4, $5, $6, $7, $8, $9)";
    GIVE_ORDER_TO = "update purchase set person_id = $2 where id = $1";
    GIVE_LINES_TO = "update purchase_line set buyer_id = $2 where purchase_id = $1";
    GIVE_COUPON_USE_TO = "update coupon_use set person_id = $2 where purchase_id = $1";
    /// What visitors paid for with the address of an account.
    LIST_VISITORS_ORDERS = "select purchase.id from person owner
        join person visitor on visitor.address_folded = owner.email_folded and visitor.guest and visitor.email_folded <> visitor.address_folded
        join purchase on purchase.person_id = visitor.id and purchase.state = 'paid'
        where owner.id = $1";
    LIST_OPEN_OF_CART = "select id from purchase where cart = $1 and state = 'open' order by id";
    LIST_OPEN_OF_BUYER = orders!("person_id = $1 and state = 'open' order by created_ms desc limit 20");
    LIST_OPEN_OF_LISTING = "select distinct purchase.id from purchase_line join purchase on purchase.id = purchase_line.purchase_id
        where purchase_line.listing_id = $1 and purchase_line.state = 'open' and purchase.state = 'open' order by purchase.id";
    LIST_OPEN_OF_SET = "select distinct purchase.id from purchase_line join purchase on purchase.id = purchase_line.purchase_id
        where purchase_line.set_id = $1 and purchase_line.state = 'open' and purchase.state = 'open' order by purchase.id";
    LIST_OPEN_OF_COUPON = "select purchase.id from coupon_use join purchase on purchase.id = coupon_use.purchase_id
        where coupon_use.coupon_id = $1 and coupon_use.state = 'reserved' and purchase.state = 'open' order by purchase.id";
    LIST_RESERVING = "select purchase.id from coupon_use join purchase on purchase.id = coupon_use.purchase_id
        where coupon_use.coupon_id = $1 and coupon_use.person_id = $2 and coupon_use.state = 'reserved' and purchase.state = 'open' order by purchase.id";
    LIST_OPEN_OF_VISITOR = orders!("cart = $1 and by_visitor and state = 'open' order by created_ms desc limit 20");
    REOPEN_ORDER = "update purchase set state = 'open' where id = $1 and state = 'cancelled'";
    REOPEN_LINES = "update purchase_line set state = 'open' where purchase_id = $1 and state = 'cancelled'";
    GET_ORDER = orders!("id = $1");
    FIND_ORDER_OF_CHARGE = orders!("charge_id = $1");
    FIND_ORDER_OF_PAYMENT = orders!("payment_id = $1");
    SET_PAYMENT = "update purchase set payment_id = $2 where id = $1 and state = 'open'";
    NOTE_EXPIRED = "update purchase set payment_id = null, attempts = attempts + 1 where id = $1 and payment_id = $2 and state = 'open'";
    FIND_EMAIL = "select email from person where id = $1";
    LIST_STALE_ORDERS = "select id, payment_id from purchase where state = 'open' and created_ms < $1 order by created_ms limit 200";
    CANCEL_ORDER = "update purchase set state = 'cancelled', end_reason = $2 where id = $1 and state = 'open'";
    LIST_UNCLOSED = "select id, payment_id from purchase
        where state = 'cancelled' and payment_id is not null and end_reason <> 'unpaid' order by created_ms limit 200";
    NOTE_CLOSED = "update purchase set payment_id = null where id = $1 and payment_id = $2 and state = 'cancelled'";
    FORGET_CARTS = "delete from cart_line where added_ms < $1";
    CANCEL_LINES = "update purchase_line set state = 'cancelled' where purchase_id = $1 and state = 'open'";
    NEXT_INVOICE = "update counter set value = value + 1 where name = 'invoice' returning value";
    SET_ORDER_PAID = "update purchase set state = 'paid', paid_ms = $2, invoice_number = $3, charge_id = $4, tax_minor = $5, card_last4 = $6, country = $7,
            payment_id = coalesce($8, payment_id), tax_basis_points = $9
        where id = $1 and state = 'open'";
    INSERT_LINE = "insert into purchase_line (id, purchase_id, listing_id, version_id, buyer_id, payee_id, price_minor, share_bp, share_minor, payee_minor,
            licence, state, earning, created_ms, share_fixed_minor, refunded_minor, list_minor, promotion_minor, set_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', 'none', $12, $13, 0, $14, $15, $16)";
    LIST_LINES = lines!("purchase_line.purchase_id = $1 order by purchase_line.id");
    GET_LINE = lines!("purchase_line.id = $1");
    LIST_OWNED_OF_LISTING = lines!("purchase_line.listing_id = $1 and purchase_line.state = 'owned' order by purchase_line.id");
    LIST_FAILED_REFUNDS = "select failed.source from journal failed
        where failed.kind = 'refund failed' and not exists (select 1 from journal paid where paid.idem_key = 'op:' || failed.source || ':by-hand')
        order by failed.occurred_ms, failed.id";
    SET_LINE_TAX = "update purchase_line set tax_minor = $2 where id = $1";
    SET_LINE_OWNED = "update purchase_line set state = 'owned', earning = $2, paid_ms = $3, licence_secret_id = $4, licence_leaf_hash = $5 where id = $1 and state = 'open'";
    COUNT_OWNED = "select count(*) from purchase_line where buyer_id = $1 and version_id = $2 and state = 'owned'";
    CHANGE_LINE = "update purchase_line set state = $2, earning = $3, refunded_minor = $4, refunded_tax_minor = $5, refunded_promotion_minor = $6, payee_borne_minor = $7,
            frozen_minor = $8, refund_reason = $9, paid_ms = coalesce(paid_ms, $10)
        where id = $1 and state = $11 and (earning = $12 or state = 'open') and refunded_minor = $13 and payee_borne_minor = $14 and frozen_minor = $15
            and coalesce(opened_ms, 0) = $16";
    END_OWNERSHIP = "update purchase_line set state = 'refunded', refund_reason = $2 where id = $1 and state = 'owned'";
    FREEZE_LINE = "update purchase_line set frozen_minor = $2 where id = $1 and earning = $3 and frozen_minor = $4 and payee_borne_minor = $5";
    COUNT_FROZEN = "select count(*) from journal where kind = 'dispute frozen' and source = $1";
    SET_LINE_DISPUTE = "update purchase_line set dispute_id = $2 where id = $1";
    LIST_DISPUTED = lines!("purchase_line.dispute_id = $1 order by purchase_line.id");
    LIST_DISPUTED_OF_CREATOR = lines!("purchase_line.payee_id = $1 and exists (select 1 from dispute where dispute.purchase_id = purchase_line.purchase_id) order by purchase_line.paid_ms desc, purchase_line.id limit 50");
    INSERT_DISPUTE = "insert into dispute (id, purchase_id, charge_id, amount_minor, fee_minor, reason, state, bearer, due_ms, opened_ms)
        values ($1, $2, $3, $4, 0, $5, 'inquiry', $6, $7, $8) on conflict (id) do nothing";
    GET_DISPUTE = disputes!("where id = $1");
    FIND_WITHDRAWN = disputes!("where purchase_id = $1 and state = 'withdrawn' order by opened_ms limit 1");
    LIST_DISPUTES_OF_ORDER = disputes!("where purchase_id = $1 order by opened_ms desc, id");
    LIST_DISPUTES = disputes!("order by case when closed_ms is null then 0 else 1 end, opened_ms desc, id limit $1");
    LIST_DUE_DISPUTES = disputes!("where closed_ms is null and submitted_ms is null and due_ms < $1 order by due_ms, id");
    SET_DISPUTE_DUE = "update dispute set due_ms = $2 where id = $1";
    SET_DISPUTE_WITHDRAWN = "update dispute set state = 'withdrawn', amount_minor = $2, fee_minor = $3, evidence = null, submitted_ms = null where id = $1 and state = 'inquiry'";
    SET_DISPUTE_BEARER = "update dispute set bearer = $2, submitted_ms = coalesce(submitted_ms, opened_ms) where id = $1 and bearer <> $2 and closed_ms is null";
    SET_DISPUTE_EVIDENCE = "update dispute set evidence = $2, submitted_ms = $3 where id = $1 and submitted_ms is null and closed_ms is null";
    END_DISPUTE = "update dispute set state = $2, closed_ms = $3 where id = $1 and closed_ms is null";
    FIND_COUPON = coupons!("coupon.code = $1 and coupon.ended_ms is null");
    LIST_COUPONS = coupons!("coalesce(coupon.person_id, '') = $1 order by coupon.created_ms desc, coupon.id");
    INSERT_COUPON = "insert into coupon (id, code, person_id, percent, amount_minor, minimum_minor, uses_left, once_per_buyer, starts_ms, ends_ms, created_ms)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)";
    END_COUPON = "update coupon set ended_ms = $3 where id = $1 and coalesce(person_id, '') = $2 and ended_ms is null";
    /// Of a buyer, and of whoever paid with the same address; that somebody typed it takes no use away from its owner.
    COUNT_COUPON_USES = "select count(*) from coupon_use join person on person.id = coupon_use.person_id
        where coupon_use.coupon_id = $1 and coupon_use.state <> 'released' and (coupon_use.person_id = $2 or coupon_use.state = 'used')
            and person.address_folded = (select buyer.address_folded from person buyer where buyer.id = $2)";
    TAKE_COUPON_USE = "update coupon set uses_left = uses_left - 1 where id = $1 and uses_left > 0";
    GIVE_COUPON_USE = "update coupon set uses_left = uses_left + 1 where id = $1 and uses_left is not null";
    INSERT_COUPON_USE = "insert into coupon_use (coupon_id, purchase_id, person_id, state, created_ms) values ($1, $2, $3, 'reserved', $4)";
    USE_COUPON = "update coupon_use set state = 'used' where purchase_id = $1 and state = 'reserved'";
    RELEASE_COUPON_USE = "update coupon_use set state = 'released' where purchase_id = $1 and state = 'reserved' returning coupon_id";
}

pub(super) async fn add_to_cart(
    tx: &mut Tx,
    cart: &str,
    listing: &str,
    set: Option<&str>,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, ADD_TO_CART, cart, listing, set, now_ms).map(|_| ())
}

pub(super) async fn remove_from_cart(tx: &mut Tx, cart: &str, listing: &str) -> db::Result<()> {
    execute!(tx, REMOVE_FROM_CART, cart, listing).map(|_| ())
}

pub(super) async fn split_set(tx: &mut Tx, cart: &str, listing: &str) -> db::Result<()> {
    execute!(tx, SPLIT_SET, cart, listing).map(|_| ())
}

pub(super) async fn count_cart(tx: &mut Tx, cart: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_CART, cart).map(|row| row.0)
}

pub(super) async fn is_in_cart(tx: &mut Tx, cart: &str, listing: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), IN_CART, cart, listing).map(|row| row.0 > 0)
}

pub(super) async fn list_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<CartLine>> {
    fetch!(tx, fetch_all, CartLine, LIST_CART, cart)
}

pub(super) async fn set_code(tx: &mut Tx, cart: &str, code: &str) -> db::Result<()> {
    execute!(tx, SET_CODE, cart, code).map(|_| ())
}

pub(super) async fn find_code(tx: &mut Tx, cart: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_CODE, cart)?.map(|row| row.0))
}

pub(super) async fn list_sets_in_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_SETS_IN_CART, cart)
}

pub(super) async fn list_set_prices(tx: &mut Tx, set: &str) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_SET_PRICES, set)
}

pub(super) async fn list_live_of_set(tx: &mut Tx, set: &str) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_LIVE_OF_SET, set)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// What an order is made with.
pub(super) struct NewOrder {
    pub(super) id: String,
    pub(super) buyer: String,
    pub(super) total_minor: i64,
    pub(super) discount_minor: i64,
    pub(super) coupon: Option<String>,
    pub(super) provider: &'static str,
    pub(super) now_ms: i64,
    /// The cart that it is made of; empty where there is none.
    pub(super) cart: Option<String>,
    pub(super) by_visitor: bool,
}

pub(super) async fn insert_order(tx: &mut Tx, order: &NewOrder) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ORDER,
        &order.id,
        &order.buyer,
        order.total_minor,
        order.discount_minor,
        &order.coupon,
        order.provider,
        order.now_ms,
        &order.cart,
        order.by_visitor
    )
    .map(|_| ())
}

pub(super) async fn get_order(tx: &mut Tx, id: &str) -> db::Result<Order> {
    fetch!(tx, fetch_one, Order, GET_ORDER, id)
}

pub(super) async fn find_order_of_charge(tx: &mut Tx, charge: &str) -> db::Result<Option<Order>> {
    let found = fetch!(tx, fetch_optional, Order, FIND_ORDER_OF_CHARGE, charge)?;
    match found {
        Some(order) => Ok(Some(order)),
        // Earlier releases kept the payment alone.
        None => fetch!(tx, fetch_optional, Order, FIND_ORDER_OF_PAYMENT, charge),
    }
}

pub(super) async fn find_payment_of_charge(
    tx: &mut Tx,
    charge: &str,
) -> db::Result<Option<String>> {
    Ok(find_order_of_charge(tx, charge)
        .await?
        .and_then(|order| order.payment_id))
}

pub(super) async fn set_payment(tx: &mut Tx, order: &str, payment: &str) -> db::Result<()> {
    execute!(tx, SET_PAYMENT, order, payment).map(|_| ())
}

pub(super) async fn note_expired(tx: &mut Tx, order: &str, payment: &str) -> db::Result<bool> {
    execute!(tx, NOTE_EXPIRED, order, payment).map(|rows| rows == 1)
}

pub(super) async fn find_email(tx: &mut Tx, person: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_EMAIL, person)?.map(|row| row.0))
}

pub(super) async fn list_stale_orders(
    tx: &mut Tx,
    before_ms: i64,
) -> db::Result<Vec<(String, Option<String>)>> {
    fetch!(
        tx,
        fetch_all,
        (String, Option<String>),
        LIST_STALE_ORDERS,
        before_ms
    )
}

/// Ends an order that is not paid; `reason` is a code that its buyer is told.
pub(super) async fn cancel_order(tx: &mut Tx, order: &str, reason: &str) -> db::Result<bool> {
    if execute!(tx, CANCEL_ORDER, order, reason)? == 0 {
        return Ok(false);
    }
    execute!(tx, CANCEL_LINES, order)?;
    Ok(true)
}

/// Takes the end of an order back, because it was paid all the same: it is booked, and goes back, as any other.
pub(super) async fn reopen_order(tx: &mut Tx, order: &str) -> db::Result<()> {
    execute!(tx, REOPEN_ORDER, order)?;
    execute!(tx, REOPEN_LINES, order).map(|_| ())
}

/// Makes an order somebody else's, before anything of it is owned.
pub(super) async fn give_order_to(tx: &mut Tx, order: &str, person: &str) -> db::Result<()> {
    execute!(tx, GIVE_ORDER_TO, order, person)?;
    execute!(tx, GIVE_LINES_TO, order, person)?;
    execute!(tx, GIVE_COUPON_USE_TO, order, person).map(|_| ())
}

pub(super) async fn list_visitors_orders(tx: &mut Tx, owner: &str) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_VISITORS_ORDERS, owner)?;
    let mut orders: Vec<String> = rows.into_iter().map(|row| row.0).collect();
    orders.sort();
    Ok(orders)
}

/// Takes out of a cart what an order of it bought.
pub(super) async fn empty_cart_of(tx: &mut Tx, order: &str, cart: &str) -> db::Result<()> {
    execute!(tx, EMPTY_CODE, cart)?;
    execute!(tx, EMPTY_CART_OF_ORDER, order, cart).map(|_| ())
}

/// Open orders that hold something.
pub(super) async fn list_open_of(tx: &mut Tx, what: Holding<'_>) -> db::Result<Vec<String>> {
    let rows = match what {
        Holding::Cart(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_CART, id),
        Holding::Listing(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_LISTING, id),
        Holding::Set(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_SET, id),
        Holding::Coupon(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_COUPON, id),
        Holding::CouponOf(id, buyer) => {
            fetch!(tx, fetch_all, (String,), LIST_RESERVING, id, buyer)
        }
    };
    Ok(rows?.into_iter().map(|row| row.0).collect())
}

pub(super) async fn list_open_of_buyer(tx: &mut Tx, person: &str) -> db::Result<Vec<Order>> {
    fetch!(tx, fetch_all, Order, LIST_OPEN_OF_BUYER, person)
}

pub(super) async fn list_open_of_visitor(tx: &mut Tx, cart: &str) -> db::Result<Vec<Order>> {
    fetch!(tx, fetch_all, Order, LIST_OPEN_OF_VISITOR, cart)
}

/// Orders that ended while a checkout of theirs was open.
pub(super) async fn list_unclosed(tx: &mut Tx) -> db::Result<Vec<(String, String)>> {
    fetch!(tx, fetch_all, (String, String), LIST_UNCLOSED)
}

pub(super) async fn note_closed(tx: &mut Tx, order: &str, payment: &str) -> db::Result<()> {
    execute!(tx, NOTE_CLOSED, order, payment).map(|_| ())
}

pub(super) async fn forget_carts(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_CARTS, before_ms).map(|_| ())
}

/// The next number of an invoice. The row is locked until the commit, so that a number that is given back leaves no gap.
pub(super) async fn next_invoice(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), NEXT_INVOICE).map(|row| row.0)
}

pub(super) async fn set_order_paid(
    tx: &mut Tx,
    order: &str,
    payment: Option<&Payment>,
    invoice: i64,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(
        tx,
        SET_ORDER_PAID,
        order,
        now_ms,
        invoice,
        payment.and_then(|payment| payment.charge.as_deref()),
        payment.map_or(0, |payment| payment.tax_minor),
        payment.and_then(|payment| payment.card_last4.as_deref()),
        payment.and_then(|payment| payment.country.as_deref()),
        payment.map(|payment| payment.id.as_str()),
        payment.and_then(|payment| payment.tax_basis_points)
    )
    .map(|rows| rows == 1)
}

pub(super) async fn insert_line(
    tx: &mut Tx,
    id: &str,
    order: &NewOrder,
    priced: &PricedLine,
    fee: FeeSchedule,
) -> db::Result<()> {
    let share = fee.share(priced.price_minor);
    let line = &priced.line;
    execute!(
        tx,
        INSERT_LINE,
        id,
        &order.id,
        &line.id,
        &line.version_id,
        &order.buyer,
        &line.person_id,
        priced.price_minor,
        fee.basis_points,
        share,
        priced.price_minor - share,
        &line.licence,
        order.now_ms,
        fee.fixed_minor,
        line.price_minor,
        priced.promotion_minor,
        &line.set_id
    )
    .map(|_| ())
}

pub(super) async fn list_lines(tx: &mut Tx, order: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_LINES, order)
}

pub(super) async fn get_line(tx: &mut Tx, id: &str) -> db::Result<Line> {
    fetch!(tx, fetch_one, Line, GET_LINE, id)
}

pub(super) async fn list_owned_of_listing(tx: &mut Tx, listing: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_OWNED_OF_LISTING, listing)
}

pub(super) async fn set_line_tax(tx: &mut Tx, line: &str, tax: i64) -> db::Result<()> {
    execute!(tx, SET_LINE_TAX, line, tax).map(|_| ())
}

pub(super) async fn set_line_owned(
    tx: &mut Tx,
    id: &str,
    earning: &str,
    now_ms: i64,
    secret: &str,
    leaf: &str,
) -> db::Result<bool> {
    execute!(tx, SET_LINE_OWNED, id, earning, now_ms, secret, leaf).map(|rows| rows == 1)
}

pub(super) async fn count_owned(tx: &mut Tx, buyer: &str, version: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OWNED, buyer, version).map(|row| row.0)
}

/// What a refund, or its undoing, makes of a line.
pub(super) struct LineChange<'a> {
    pub(super) state: &'a str,
    pub(super) earning: &'a str,
    /// What went back of each part so far; payee and share together are what went back of the price.
    pub(super) refunded: Parts,
    pub(super) payee_borne_minor: i64,
    pub(super) frozen_minor: i64,
    pub(super) reason: Option<&'a str>,
    pub(super) now_ms: i64,
}

/// Changes a line as long as it is what the caller read. `false` when something else came first.
pub(super) async fn change_line(
    tx: &mut Tx,
    line: &Line,
    change: &LineChange<'_>,
) -> db::Result<bool> {
    execute!(
        tx,
        CHANGE_LINE,
        &line.id,
        change.state,
        change.earning,
        change.refunded.payee + change.refunded.share,
        change.refunded.tax,
        change.refunded.promotion,
        change.payee_borne_minor,
        change.frozen_minor,
        change.reason,
        change.now_ms,
        &line.state,
        &line.earning,
        line.refunded_minor,
        line.payee_borne_minor,
        line.frozen_minor,
        line.opened_ms.unwrap_or(0)
    )
    .map(|rows| rows == 1)
}

pub(super) async fn end_ownership(tx: &mut Tx, line: &str, reason: &str) -> db::Result<bool> {
    execute!(tx, END_OWNERSHIP, line, reason).map(|rows| rows == 1)
}

/// Notes what is frozen of a line, as long as it is what the caller read. `false` when something else came first.
pub(super) async fn freeze_line(tx: &mut Tx, line: &Line, frozen_minor: i64) -> db::Result<bool> {
    execute!(
        tx,
        FREEZE_LINE,
        &line.id,
        frozen_minor,
        &line.earning,
        line.frozen_minor,
        line.payee_borne_minor
    )
    .map(|rows| rows == 1)
}

pub(super) async fn count_frozen(tx: &mut Tx, dispute: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_FROZEN, dispute).map(|row| row.0)
}

pub(super) async fn set_line_dispute(
    tx: &mut Tx,
    line: &str,
    dispute: Option<&str>,
) -> db::Result<()> {
    execute!(tx, SET_LINE_DISPUTE, line, dispute).map(|_| ())
}

pub(super) async fn list_disputed(tx: &mut Tx, dispute: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_DISPUTED, dispute)
}

pub(super) async fn list_disputes_of_order(tx: &mut Tx, order: &str) -> db::Result<Vec<Dispute>> {
    fetch!(tx, fetch_all, Dispute, LIST_DISPUTES_OF_ORDER, order)
}

pub(super) async fn list_disputed_of_creator(tx: &mut Tx, creator: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_DISPUTED_OF_CREATOR, creator)
}

pub(super) async fn insert_dispute(
    tx: &mut Tx,
    fact: &DisputeFact,
    order: &str,
    bearer: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DISPUTE,
        &fact.id,
        order,
        &fact.charge,
        fact.amount_minor,
        &fact.reason,
        bearer,
        fact.due_ms,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn get_dispute(tx: &mut Tx, id: &str) -> db::Result<Dispute> {
    fetch!(tx, fetch_one, Dispute, GET_DISPUTE, id)
}

pub(super) async fn find_withdrawn(tx: &mut Tx, order: &str) -> db::Result<Option<Dispute>> {
    fetch!(tx, fetch_optional, Dispute, FIND_WITHDRAWN, order)
}

pub(super) async fn list_disputes(tx: &mut Tx, limit: i64) -> db::Result<Vec<Dispute>> {
    fetch!(tx, fetch_all, Dispute, LIST_DISPUTES, limit)
}

pub(super) async fn list_due_disputes(tx: &mut Tx, before_ms: i64) -> db::Result<Vec<Dispute>> {
    fetch!(tx, fetch_all, Dispute, LIST_DUE_DISPUTES, before_ms)
}

pub(super) async fn set_dispute_due(tx: &mut Tx, id: &str, due_ms: Option<i64>) -> db::Result<()> {
    execute!(tx, SET_DISPUTE_DUE, id, due_ms).map(|_| ())
}

pub(super) async fn set_dispute_withdrawn(
    tx: &mut Tx,
    id: &str,
    amount: i64,
    fee: i64,
) -> db::Result<()> {
    execute!(tx, SET_DISPUTE_WITHDRAWN, id, amount, fee).map(|_| ())
}

pub(super) async fn set_dispute_bearer(tx: &mut Tx, id: &str, bearer: &str) -> db::Result<bool> {
    execute!(tx, SET_DISPUTE_BEARER, id, bearer).map(|rows| rows == 1)
}

pub(super) async fn set_dispute_evidence(
    tx: &mut Tx,
    id: &str,
    text: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, SET_DISPUTE_EVIDENCE, id, text, now_ms).map(|rows| rows == 1)
}

pub(super) async fn end_dispute(tx: &mut Tx, id: &str, state: &str, now_ms: i64) -> db::Result<()> {
    execute!(tx, END_DISPUTE, id, state, now_ms).map(|_| ())
}

pub(super) async fn find_coupon(tx: &mut Tx, code: &str) -> db::Result<Option<Coupon>> {
    fetch!(tx, fetch_optional, Coupon, FIND_COUPON, code)
}

pub(super) async fn list_coupons(tx: &mut Tx, person: &str) -> db::Result<Vec<Coupon>> {
    fetch!(tx, fetch_all, Coupon, LIST_COUPONS, person)
}

pub(super) async fn insert_coupon(
    tx: &mut Tx,
    id: &str,
    code: &str,
    person: Option<&str>,
    new: &NewCoupon,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_COUPON,
        id,
        code,
        person,
        new.percent,
        new.amount_minor,
        new.minimum_minor,
        new.uses,
        new.once_per_buyer,
        now_ms,
        new.ends_ms
    )
    .map(|_| ())
}

pub(super) async fn end_coupon(
    tx: &mut Tx,
    id: &str,
    person: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, END_COUPON, id, person, now_ms).map(|rows| rows == 1)
}

pub(super) async fn count_coupon_uses(tx: &mut Tx, coupon: &str, person: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_COUPON_USES, coupon, person).map(|row| row.0)
}

pub(super) async fn take_coupon_use(tx: &mut Tx, coupon: &str) -> db::Result<bool> {
    execute!(tx, TAKE_COUPON_USE, coupon).map(|rows| rows == 1)
}

pub(super) async fn give_coupon_use(tx: &mut Tx, coupon: &str) -> db::Result<()> {
    execute!(tx, GIVE_COUPON_USE, coupon).map(|_| ())
}

pub(super) async fn insert_coupon_use(
    tx: &mut Tx,
    coupon: &str,
    order: &str,
    person: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_COUPON_USE, coupon, order, person, now_ms).map(|_| ())
}

pub(super) async fn use_coupon(tx: &mut Tx, order: &str) -> db::Result<()> {
    execute!(tx, USE_COUPON, order).map(|_| ())
}

pub(super) async fn release_coupon_use(tx: &mut Tx, order: &str) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), RELEASE_COUPON_USE, order)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn insert_set(
    tx: &mut Tx,
    id: &str,
    slug: &str,
    person: &str,
    title: &str,
    price: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_SET, id, slug, person, title, price, now_ms).map(|_| ())
}

pub(super) async fn insert_set_item(
    tx: &mut Tx,
    set: &str,
    listing: &str,
    index: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_SET_ITEM, set, listing, index).map(|_| ())
}

pub(super) async fn find_set(tx: &mut Tx, slug: &str) -> db::Result<Option<Set>> {
    fetch!(tx, fetch_optional, Set, FIND_SET, slug)
}

pub(super) async fn list_sets(tx: &mut Tx, person: &str) -> db::Result<Vec<Set>> {
    fetch!(tx, fetch_all, Set, LIST_SETS, person)
}

pub(super) async fn list_sets_of_listing(tx: &mut Tx, listing: &str) -> db::Result<Vec<Set>> {
    fetch!(tx, fetch_all, Set, LIST_SETS_OF_LISTING, listing)
}

pub(super) async fn list_set_items(tx: &mut Tx, set: &str) -> db::Result<Vec<Item>> {
    fetch!(tx, fetch_all, Item, LIST_SET_ITEMS, set)
}

pub(super) async fn list_own_live(tx: &mut Tx, person: &str) -> db::Result<Vec<Item>> {
    fetch!(tx, fetch_all, Item, LIST_OWN_LIVE, person)
}

pub(super) async fn end_set(tx: &mut Tx, id: &str, person: &str) -> db::Result<bool> {
    execute!(tx, END_SET, id, person).map(|rows| rows == 1)
}

pub(super) async fn list_failed_refunds(tx: &mut Tx) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_FAILED_REFUNDS)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
