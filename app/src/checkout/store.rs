//! SQL of carts, orders and their lines.

use super::service::{CartLine, Line, Operation, Order};
use crate::db::{self, Tx, execute, fetch, statements};
use schema::money::FeeSchedule;

macro_rules! lines {
    ($where:literal) => {
        concat!(
            "select purchase_line.id, purchase_line.purchase_id, purchase_line.listing_id, purchase_line.version_id, purchase_line.buyer_id,
                purchase_line.payee_id, purchase_line.price_minor, purchase_line.share_minor, purchase_line.payee_minor, purchase_line.licence,
                purchase_line.state, purchase_line.earning, purchase_line.paid_ms, purchase_line.opened_ms, purchase_line.refunded_minor,
                purchase_line.refund_reason, purchase_line.licence_secret_id, purchase_line.licence_leaf_hash, listing.title, listing.slug
            from purchase_line join listing on listing.id = purchase_line.listing_id
            where ",
            $where
        )
    };
}

statements! {
    ADD_TO_CART = "insert into cart_line (cart, listing_id, added_ms) values ($1, $2, $3) on conflict (cart, listing_id) do nothing";
    REMOVE_FROM_CART = "delete from cart_line where cart = $1 and listing_id = $2";
    EMPTY_CART = "delete from cart_line where cart = $1";
    COUNT_CART = "select count(*) from cart_line where cart = $1";
    LIST_CART = "select listing.id, listing.slug, listing.title, listing.price_minor, listing.licence, listing.state, listing.person_id,
            person.handle, version.id as version_id, anchor.labelled_blob as blob
        from cart_line
        join listing on listing.id = cart_line.listing_id
        join person on person.id = listing.person_id
        join version on version.listing_id = listing.id
        join anchor on anchor.version_id = version.id and anchor.idx = 0
        where cart_line.cart = $1 order by cart_line.added_ms, listing.id";
    INSERT_ORDER = "insert into purchase (id, person_id, state, total_minor, currency, created_ms) values ($1, $2, 'open', $3, 'USD', $4)";
    GET_ORDER = "select id, person_id, state, total_minor, payment_id, created_ms, paid_ms from purchase where id = $1";
    SET_PAYMENT = "update purchase set payment_id = $2 where id = $1 and state = 'open'";
    SET_ORDER_PAID = "update purchase set state = 'paid', paid_ms = $2 where id = $1 and state = 'open'";
    INSERT_LINE = "insert into purchase_line (id, purchase_id, listing_id, version_id, buyer_id, payee_id, price_minor, share_bp, share_minor, payee_minor,
            licence, state, earning, created_ms, share_fixed_minor, refunded_minor)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', 'none', $12, $13, 0)";
    LIST_LINES = lines!("purchase_line.purchase_id = $1 order by purchase_line.id");
    GET_LINE = lines!("purchase_line.id = $1");
    SET_LINE_OWNED = "update purchase_line set state = 'owned', earning = $2, paid_ms = $3, licence_secret_id = $4, licence_leaf_hash = $5 where id = $1 and state = 'open'";
    COUNT_OWNED = "select count(*) from purchase_line where buyer_id = $1 and version_id = $2 and state = 'owned'";
    SET_LINE_REFUNDED = "update purchase_line set state = 'refunded', refunded_minor = price_minor, refund_reason = $2, earning = $3, paid_ms = coalesce(paid_ms, $5)
        where id = $1 and state = $4 and (earning = $6 or state = 'open') and coalesce(opened_ms, 0) = $7";
    INSERT_OP = "insert into outbound_op (id, kind, order_line, payee, amount, currency, parameters, generation, state, created_ms, decision_id)
        values ($1, $2, $3, $4, $5, 'USD', $6, 1, 'planned', $7, $8)";
    GET_OP = "select id, kind, order_line, payee, amount, parameters, generation, state, error_code, created_ms from outbound_op where id = $1";
    SET_OP_SENT = "update outbound_op set state = 'sent', sent_ms = $2 where id = $1 and state in ('planned', 'sent', 'unknown')";
    FINISH_OP = "update outbound_op set state = $2, provider_ref = $3, error_code = $4, finished_ms = $5 where id = $1 and state = 'sent'";
    LIST_OPS = "select id, kind, order_line, payee, amount, parameters, generation, state, error_code, created_ms from outbound_op order by created_ms desc, id desc limit 50";
    GET_EVENT = "select type, object_id, state from provider_event where id = $1";
    SET_EVENT = "update provider_event set state = $2 where id = $1";
    LIST_EVENTS = "select id, type, state, received_ms from provider_event order by received_ms desc, id limit 50";
}

pub(super) async fn add_to_cart(
    tx: &mut Tx,
    cart: &str,
    listing: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, ADD_TO_CART, cart, listing, now_ms).map(|_| ())
}

pub(super) async fn remove_from_cart(tx: &mut Tx, cart: &str, listing: &str) -> db::Result<()> {
    execute!(tx, REMOVE_FROM_CART, cart, listing).map(|_| ())
}

pub(super) async fn empty_cart(tx: &mut Tx, cart: &str) -> db::Result<()> {
    execute!(tx, EMPTY_CART, cart).map(|_| ())
}

pub(super) async fn count_cart(tx: &mut Tx, cart: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_CART, cart).map(|row| row.0)
}

pub(super) async fn list_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<CartLine>> {
    fetch!(tx, fetch_all, CartLine, LIST_CART, cart)
}

pub(super) async fn insert_order(
    tx: &mut Tx,
    id: &str,
    person: &str,
    total: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_ORDER, id, person, total, now_ms).map(|_| ())
}

pub(super) async fn get_order(tx: &mut Tx, id: &str) -> db::Result<Order> {
    fetch!(tx, fetch_one, Order, GET_ORDER, id)
}

pub(super) async fn set_payment(tx: &mut Tx, order: &str, payment: &str) -> db::Result<()> {
    execute!(tx, SET_PAYMENT, order, payment).map(|_| ())
}

pub(super) async fn set_order_paid(tx: &mut Tx, order: &str, now_ms: i64) -> db::Result<bool> {
    execute!(tx, SET_ORDER_PAID, order, now_ms).map(|rows| rows == 1)
}

pub(super) async fn insert_line(
    tx: &mut Tx,
    id: &str,
    order: &str,
    buyer: &str,
    line: &CartLine,
    fee: FeeSchedule,
    now_ms: i64,
) -> db::Result<()> {
    let share = fee.share(line.price_minor);
    execute!(
        tx,
        INSERT_LINE,
        id,
        order,
        &line.id,
        &line.version_id,
        buyer,
        &line.person_id,
        line.price_minor,
        fee.basis_points,
        share,
        line.price_minor - share,
        &line.licence,
        now_ms,
        fee.fixed_minor
    )
    .map(|_| ())
}

pub(super) async fn list_lines(tx: &mut Tx, order: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_LINES, order)
}

pub(super) async fn get_line(tx: &mut Tx, id: &str) -> db::Result<Line> {
    fetch!(tx, fetch_one, Line, GET_LINE, id)
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

pub(super) async fn set_line_refunded(
    tx: &mut Tx,
    line: &Line,
    reason: &str,
    earning: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(
        tx,
        SET_LINE_REFUNDED,
        &line.id,
        reason,
        earning,
        &line.state,
        now_ms,
        &line.earning,
        line.opened_ms.unwrap_or(0)
    )
    .map(|rows| rows == 1)
}

pub(super) async fn insert_op(
    tx: &mut Tx,
    op: &Operation,
    decision: Option<&str>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_OP,
        &op.id,
        &op.kind,
        &op.order_line,
        &op.payee,
        op.amount,
        &op.parameters,
        op.created_ms,
        decision
    )
    .map(|_| ())
}

pub(super) async fn get_op(tx: &mut Tx, id: &str) -> db::Result<Operation> {
    fetch!(tx, fetch_one, Operation, GET_OP, id)
}

pub(super) async fn set_op_sent(tx: &mut Tx, id: &str, now_ms: i64) -> db::Result<bool> {
    execute!(tx, SET_OP_SENT, id, now_ms).map(|rows| rows == 1)
}

pub(super) async fn finish_op(
    tx: &mut Tx,
    id: &str,
    state: &str,
    reference: Option<&str>,
    error: Option<&str>,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, FINISH_OP, id, state, reference, error, now_ms).map(|rows| rows == 1)
}

pub(super) async fn list_ops(tx: &mut Tx) -> db::Result<Vec<Operation>> {
    fetch!(tx, fetch_all, Operation, LIST_OPS)
}

pub(super) async fn get_event(tx: &mut Tx, id: &str) -> db::Result<(String, String, String)> {
    fetch!(tx, fetch_one, (String, String, String), GET_EVENT, id)
}

pub(super) async fn set_event(tx: &mut Tx, id: &str, state: &str) -> db::Result<()> {
    execute!(tx, SET_EVENT, id, state).map(|_| ())
}

pub(super) async fn list_events(tx: &mut Tx) -> db::Result<Vec<(String, String, String, i64)>> {
    fetch!(tx, fetch_all, (String, String, String, i64), LIST_EVENTS)
}
