//! SQL of coupons and sets, and of the open orders that hold something.

use super::state::SetState;
use crate::catalog::ListingState;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::{ListingId, OrderId};

/// What open orders are looked for by.
#[derive(Clone, Copy, Debug)]
pub enum Holding<'a> {
    /// Made of this cart.
    Cart(&'a str),
    /// With a line of this listing.
    Listing(&'a ListingId),
    /// With a line that was bought in this set.
    Set(&'a str),
    /// With a use of this coupon.
    Coupon(&'a str),
    /// With a use of this coupon by this buyer.
    CouponOf(&'a str, &'a str),
}

/// A set as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Set {
    pub id: String,
    pub slug: String,
    pub person_id: String,
    pub handle: String,
    pub title: String,
    pub price_minor: i64,
    #[sqlx(try_from = "String")]
    pub state: SetState,
}

/// A listing in a set.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Item {
    #[sqlx(try_from = "String")]
    pub id: ListingId,
    pub slug: String,
    pub title: String,
    pub price_minor: i64,
    #[sqlx(try_from = "String")]
    pub state: ListingState,
    pub blob: String,
}

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Coupon {
    pub id: String,
    pub code: String,
    /// `None` for one of the platform.
    pub person_id: Option<String>,
    pub percent: Option<i64>,
    pub amount_minor: Option<i64>,
    /// The lines that it counts for must cost so much.
    pub minimum_minor: i64,
    pub uses_left: Option<i64>,
    pub once_per_buyer: bool,
    pub starts_ms: i64,
    pub ends_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    /// Paid orders with it.
    pub used: i64,
}

/// What a creator or an operator types to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCoupon {
    pub code: String,
    pub percent: Option<i64>,
    pub amount_minor: Option<i64>,
    pub minimum_minor: i64,
    pub uses: Option<i64>,
    pub once_per_buyer: bool,
    pub ends_ms: Option<i64>,
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
            join version on version.id = listing.version_id
            join anchor on anchor.version_id = version.id and anchor.idx = 0 ",
            $rest
        )
    };
}

statements! {
    LIST_OPEN_OF_CART = "select id from purchase where cart = $1 and state = 'open' order by id";
    LIST_OPEN_OF_LISTING = "select distinct purchase.id from purchase_line join purchase on purchase.id = purchase_line.purchase_id
        where purchase_line.listing_id = $1 and purchase_line.state = 'open' and purchase.state = 'open' order by purchase.id";
    LIST_OPEN_OF_SET = "select distinct purchase.id from purchase_line join purchase on purchase.id = purchase_line.purchase_id
        where purchase_line.set_id = $1 and purchase_line.state = 'open' and purchase.state = 'open' order by purchase.id";
    LIST_OPEN_OF_COUPON = "select purchase.id from coupon_use join purchase on purchase.id = coupon_use.purchase_id
        where coupon_use.coupon_id = $1 and coupon_use.state = 'reserved' and purchase.state = 'open' order by purchase.id";
    LIST_RESERVING = "select purchase.id from coupon_use join purchase on purchase.id = coupon_use.purchase_id
        where coupon_use.coupon_id = $1 and coupon_use.person_id = $2 and coupon_use.state = 'reserved' and purchase.state = 'open' order by purchase.id";
    LIST_SET_PRICES = "select listing.id, listing.price_minor from listing_set_item join listing on listing.id = listing_set_item.listing_id
        where listing_set_item.set_id = $1 order by listing_set_item.idx, listing.id";
    LIST_LIVE_OF_SET = "select listing.id from listing_set_item
        join listing on listing.id = listing_set_item.listing_id and listing.state = 'live'
        join listing_set on listing_set.id = listing_set_item.set_id and listing_set.state = 'live'
        where listing_set_item.set_id = $1 order by listing_set_item.idx, listing.id";
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
    INSERT_SET = "insert into listing_set (id, slug, person_id, title, price_minor, state, created_ms) values ($1, $2, $3, $4, $5, 'live', $6)";
    INSERT_SET_ITEM = "insert into listing_set_item (set_id, listing_id, idx) values ($1, $2, $3)";
    FIND_SET = sets!("where listing_set.slug = $1");
    LIST_SETS = sets!("where listing_set.person_id = $1 order by listing_set.created_ms desc, listing_set.id");
    LIST_NEWEST_SETS = sets!("where listing_set.state = 'live' order by listing_set.created_ms desc, listing_set.id limit $1");
    LIST_SETS_OF_LISTING = sets!("join listing_set_item on listing_set_item.set_id = listing_set.id
            where listing_set_item.listing_id = $1 and listing_set.state = 'live' order by listing_set.created_ms desc, listing_set.id limit 12");
    LIST_SET_ITEMS = items!("join listing_set_item on listing_set_item.listing_id = listing.id where listing_set_item.set_id = $1 order by listing_set_item.idx");
    LIST_OWN_LIVE = items!("where listing.person_id = $1 and listing.state = 'live' and listing.price_minor > 0 order by listing.created_ms desc, listing.id");
    END_SET = "update listing_set set state = 'ended' where id = $1 and person_id = $2 and state = 'live'";
}

/// Open orders that hold something.
pub(super) async fn list_open_of(tx: &mut Tx, what: Holding<'_>) -> db::Result<Vec<OrderId>> {
    let rows = match what {
        Holding::Cart(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_CART, id),
        Holding::Listing(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_LISTING, id.as_str()),
        Holding::Set(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_SET, id),
        Holding::Coupon(id) => fetch!(tx, fetch_all, (String,), LIST_OPEN_OF_COUPON, id),
        Holding::CouponOf(id, buyer) => {
            fetch!(tx, fetch_all, (String,), LIST_RESERVING, id, buyer)
        }
    };
    db::read_ids(rows?)
}

pub async fn list_set_prices(tx: &mut Tx, set: &str) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_SET_PRICES, set)
}

pub async fn list_live_of_set(tx: &mut Tx, set: &str) -> db::Result<Vec<ListingId>> {
    db::read_ids(fetch!(tx, fetch_all, (String,), LIST_LIVE_OF_SET, set)?)
}

pub async fn find_coupon(tx: &mut Tx, code: &str) -> db::Result<Option<Coupon>> {
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
    order: &OrderId,
    person: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_COUPON_USE,
        coupon,
        order.as_str(),
        person,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn use_coupon(tx: &mut Tx, order: &OrderId) -> db::Result<()> {
    execute!(tx, USE_COUPON, order.as_str()).map(|_| ())
}

pub(super) async fn release_coupon_use(tx: &mut Tx, order: &OrderId) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), RELEASE_COUPON_USE, order.as_str())?;
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
    listing: &ListingId,
    index: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_SET_ITEM, set, listing.as_str(), index).map(|_| ())
}

pub(super) async fn find_set(tx: &mut Tx, slug: &str) -> db::Result<Option<Set>> {
    fetch!(tx, fetch_optional, Set, FIND_SET, slug)
}

pub(super) async fn list_sets(tx: &mut Tx, person: &str) -> db::Result<Vec<Set>> {
    fetch!(tx, fetch_all, Set, LIST_SETS, person)
}

pub(super) async fn list_newest_sets(tx: &mut Tx, limit: i64) -> db::Result<Vec<Set>> {
    fetch!(tx, fetch_all, Set, LIST_NEWEST_SETS, limit)
}

pub(super) async fn list_sets_of_listing(tx: &mut Tx, listing: &ListingId) -> db::Result<Vec<Set>> {
    fetch!(tx, fetch_all, Set, LIST_SETS_OF_LISTING, listing.as_str())
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
