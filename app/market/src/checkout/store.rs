//! SQL of carts.

use crate::offers::CartLine;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::ListingId;

statements! {
    ADD_TO_CART = "insert into cart_line (cart, listing_id, set_id, added_ms) values ($1, $2, $3, $4)
        on conflict (cart, listing_id) do update set set_id = coalesce(excluded.set_id, cart_line.set_id)";
    REMOVE_FROM_CART = "delete from cart_line where cart = $1 and listing_id = $2";
    SPLIT_SET = "update cart_line set set_id = null
        where cart = $1 and set_id = (select other.set_id from cart_line other where other.cart = $1 and other.listing_id = $2)";
    IN_CART = "select count(*) from cart_line where cart = $1 and listing_id = $2";
    COUNT_CART = "select count(*) from cart_line where cart = $1";
    LIST_CART = "select listing.id, listing.slug, listing.title, listing.price_minor, listing.licence, listing.state, listing.person_id,
            person.handle, version.id as version_id, version.model, anchor.labelled_blob as blob,
            cart_line.set_id, listing_set.title as set_title, listing_set.price_minor as set_price_minor
        from cart_line
        join listing on listing.id = cart_line.listing_id
        join person on person.id = listing.person_id
        join version on version.id = listing.version_id
        join anchor on anchor.version_id = version.id and anchor.idx = 0
        left join listing_set on listing_set.id = cart_line.set_id
        where cart_line.cart = $1 order by cart_line.added_ms, listing.id";
    SET_CODE = "insert into cart_coupon (cart, code, typed_ms) values ($1, $2, $3)
        on conflict (cart) do update set code = excluded.code, typed_ms = excluded.typed_ms";
    DROP_CODE = "delete from cart_coupon where cart = $1";
    FIND_CODE = "select code from cart_coupon where cart = $1";
    LIST_SETS_IN_CART = "select distinct listing_set.id, listing_set.price_minor from cart_line
        join listing_set on listing_set.id = cart_line.set_id and listing_set.state = 'live'
        where cart_line.cart = $1 order by listing_set.id";
    FORGET_CODES = "delete from cart_coupon where typed_ms < $1";
    FORGET_CARTS = "delete from cart_line where added_ms < $1";
}

pub(super) async fn add_to_cart(
    tx: &mut Tx,
    cart: &str,
    listing: &ListingId,
    set: Option<&str>,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, ADD_TO_CART, cart, listing.as_str(), set, now_ms).map(|_| ())
}

pub(super) async fn remove_from_cart(
    tx: &mut Tx,
    cart: &str,
    listing: &ListingId,
) -> db::Result<()> {
    execute!(tx, REMOVE_FROM_CART, cart, listing.as_str()).map(|_| ())
}

pub(super) async fn split_set(tx: &mut Tx, cart: &str, listing: &ListingId) -> db::Result<()> {
    execute!(tx, SPLIT_SET, cart, listing.as_str()).map(|_| ())
}

pub(super) async fn count_cart(tx: &mut Tx, cart: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_CART, cart).map(|row| row.0)
}

pub(super) async fn is_in_cart(tx: &mut Tx, cart: &str, listing: &ListingId) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), IN_CART, cart, listing.as_str()).map(|row| row.0 > 0)
}

pub(super) async fn list_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<CartLine>> {
    fetch!(tx, fetch_all, CartLine, LIST_CART, cart)
}

pub(super) async fn set_code(tx: &mut Tx, cart: &str, code: &str) -> db::Result<()> {
    execute!(tx, SET_CODE, cart, code, base::random::real_now_ms()).map(|_| ())
}

pub(super) async fn find_code(tx: &mut Tx, cart: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_CODE, cart)?.map(|row| row.0))
}

pub(super) async fn list_sets_in_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<(String, i64)>> {
    fetch!(tx, fetch_all, (String, i64), LIST_SETS_IN_CART, cart)
}

pub(super) async fn drop_code(tx: &mut Tx, cart: &str) -> db::Result<()> {
    execute!(tx, DROP_CODE, cart).map(|_| ())
}

pub(super) async fn forget_codes(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_CODES, before_ms).map(|_| ())
}

pub(super) async fn forget_carts(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_CARTS, before_ms).map(|_| ())
}
