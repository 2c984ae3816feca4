//! SQL of orders and their lines.

use super::{Earning, EarningLine, Line, LineChange, NewLine, NewOrder, Order};
use base::db::{self, Tx, execute, fetch, statements};
use money::provider::Payment;
use schema::id::{LineId, ListingId, OrderId, VersionId};

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

macro_rules! earnings {
    ($where:literal) => {
        concat!(
            "select purchase_line.id, purchase_line.payee_id, purchase_line.payee_minor - purchase_line.payee_borne_minor as rest_minor,
                coalesce(purchase_line.paid_ms, 0) as paid_ms, purchase_line.opened_ms, purchase_line.purchase_id as order_id, purchase.charge_id
            from purchase_line join purchase on purchase.id = purchase_line.purchase_id
            where ",
            $where
        )
    };
}

/// An order, and the checkout that may still be paid.
#[derive(sqlx::FromRow)]
pub struct PaidLater {
    #[sqlx(try_from = "String")]
    pub id: OrderId,
    pub payment_id: Option<String>,
}

statements! {
    INSERT_ORDER = "insert into purchase (id, person_id, state, total_minor, currency, discount_minor, coupon_id, provider, created_ms, cart, by_visitor)
        values ($1, $2, 'open', $3, 'USD', $4, $5, $6, $7, $8, $9)";
    GET_ORDER = orders!("id = $1");
    FIND_ORDER_OF_CHARGE = orders!("charge_id = $1");
    FIND_ORDER_OF_PAYMENT = orders!("payment_id = $1");
    SET_PAYMENT = "update purchase set payment_id = $2 where id = $1 and state = 'open'";
    NOTE_EXPIRED = "update purchase set payment_id = null, attempts = attempts + 1 where id = $1 and payment_id = $2 and state = 'open'";
    LIST_STALE_ORDERS = "select id, payment_id from purchase where state = 'open' and created_ms < $1 order by created_ms limit 200";
    CANCEL_ORDER = "update purchase set state = 'cancelled', end_reason = $2 where id = $1 and state = 'open'";
    CANCEL_LINES = "update purchase_line set state = 'cancelled' where purchase_id = $1 and state = 'open'";
    REOPEN_ORDER = "update purchase set state = 'open' where id = $1 and state = 'cancelled'";
    REOPEN_LINES = "update purchase_line set state = 'open' where purchase_id = $1 and state = 'cancelled'";
    GIVE_ORDER_TO = "update purchase set person_id = $2 where id = $1";
    GIVE_LINES_TO = "update purchase_line set buyer_id = $2 where purchase_id = $1";
    GIVE_COUPON_USE_TO = "update coupon_use set person_id = $2 where purchase_id = $1";
    /// What visitors paid for with the address of an account.
    LIST_VISITORS_ORDERS = "select purchase.id from person owner
        join person visitor on visitor.address_folded = owner.email_folded and visitor.guest and visitor.email_folded <> visitor.address_folded
        join purchase on purchase.person_id = visitor.id and purchase.state = 'paid'
        where owner.id = $1";
    EMPTY_CODE = "delete from cart_coupon where cart = $1";
    EMPTY_CART_OF_ORDER = "delete from cart_line where cart = $2
        and listing_id in (select purchase_line.listing_id from purchase_line where purchase_line.purchase_id = $1)";
    LIST_OPEN_OF_BUYER = orders!("person_id = $1 and state = 'open' order by created_ms desc limit 20");
    LIST_OPEN_OF_VISITOR = orders!("cart = $1 and by_visitor and state = 'open' order by created_ms desc limit 20");
    LIST_UNCLOSED = "select id, payment_id from purchase
        where state = 'cancelled' and payment_id is not null and end_reason <> 'unpaid' order by created_ms limit 200";
    NOTE_CLOSED = "update purchase set payment_id = null where id = $1 and payment_id = $2 and state = 'cancelled'";
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
    SET_LINE_TAX = "update purchase_line set tax_minor = $2 where id = $1";
    SET_LINE_OWNED = "update purchase_line set state = 'owned', earning = $2, paid_ms = $3, licence_secret_id = $4, licence_leaf_hash = $5 where id = $1 and state = 'open'";
    COUNT_OWNERS = "select count(*) from purchase_line join person on person.id = purchase_line.buyer_id
        where purchase_line.listing_id = $1 and purchase_line.state = 'owned'
            and (purchase_line.price_minor > purchase_line.promotion_minor or person.proven_ms is not null)";
    LIST_SALE_TIMES = "select purchase_line.paid_ms from purchase_line join person on person.id = purchase_line.buyer_id
        where purchase_line.listing_id = $1 and purchase_line.state = 'owned' and purchase_line.paid_ms is not null
            and (purchase_line.price_minor > purchase_line.promotion_minor or person.proven_ms is not null)
        order by purchase_line.paid_ms desc limit $2";
    COUNT_OWNED = "select count(*) from purchase_line where buyer_id = $1 and listing_id = $2 and state = 'owned'";
    CHANGE_LINE = "update purchase_line set state = $2, earning = $3, refunded_minor = $4, refunded_tax_minor = $5, refunded_promotion_minor = $6, payee_borne_minor = $7,
            frozen_minor = $8, refund_reason = $9, paid_ms = coalesce(paid_ms, $10)
        where id = $1 and state = $11 and (earning = $12 or state = 'open') and refunded_minor = $13 and payee_borne_minor = $14 and frozen_minor = $15
            and coalesce(opened_ms, 0) = $16";
    END_OWNERSHIP = "update purchase_line set state = 'refunded', refund_reason = $2 where id = $1 and state = 'owned'";
    FREEZE_LINE = "update purchase_line set frozen_minor = $2 where id = $1 and earning = $3 and frozen_minor = $4 and payee_borne_minor = $5";
    SET_LINE_DISPUTE = "update purchase_line set dispute_id = $2 where id = $1";
    LIST_DISPUTED = lines!("purchase_line.dispute_id = $1 order by purchase_line.id");
    LIST_DISPUTED_OF_CREATOR = lines!("purchase_line.id in (select own.id from purchase_line own
            where own.payee_id = $1 and exists (select 1 from dispute where dispute.purchase_id = own.purchase_id) order by own.paid_ms desc limit 50)
        order by purchase_line.paid_ms desc, purchase_line.id");
    FIND_OWNED = "select id from purchase_line where buyer_id = $1 and listing_id = $2 and state = 'owned' order by version_id desc limit 1";
    FIND_BOUGHT_MS = "select min(paid_ms) from purchase_line where buyer_id = $1 and version_id = $2 and state in ('owned', 'refunded')";
    SET_OPENED = "update purchase_line set opened_ms = coalesce(opened_ms, $2) where id = $1 and state = 'owned'";
    /// Whose hold is over: opened before `$2`, or never opened and paid for before `$3`. Nothing is opened before it is paid for, so that
    /// the index by the payment leads there.
    LIST_RELEASED = earnings!("purchase_line.earning = 'held' and purchase_line.dispute_id is null and purchase_line.paid_ms <= $1
            and (purchase_line.opened_ms <= $2 or (purchase_line.opened_ms is null and purchase_line.paid_ms <= $3))
        order by purchase_line.paid_ms, purchase_line.id limit $4");
    NEXT_HELD = earnings!("purchase_line.payee_id = $1 and purchase_line.earning = 'held' and purchase_line.dispute_id is null order by purchase_line.id");
    LIST_AVAILABLE = earnings!("purchase_line.payee_id = $1 and purchase_line.earning = 'available' and purchase_line.dispute_id is null order by purchase_line.id");
    MOVE_EARNING = "update purchase_line set earning = $3 where id = $1 and earning = $2";
    FIRST_EARNED = "select min(paid_ms) from purchase_line where payee_id = $1";
    /// Two ranges of the index: `<>` would be a look at every order.
    HAS_OTHER_PROVIDER = "select (select count(*) from purchase where provider < $1 and state = 'paid' and total_minor > 0)
        + (select count(*) from purchase where provider > $1 and state = 'paid' and total_minor > 0)";
}

pub async fn insert_order(tx: &mut Tx, order: &NewOrder) -> db::Result<()> {
    execute!(
        tx,
        INSERT_ORDER,
        order.id.as_str(),
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

pub async fn get_order(tx: &mut Tx, id: &OrderId) -> db::Result<Order> {
    fetch!(tx, fetch_one, Order, GET_ORDER, id.as_str())
}

pub async fn find_order_of_charge(tx: &mut Tx, charge: &str) -> db::Result<Option<Order>> {
    let found = fetch!(tx, fetch_optional, Order, FIND_ORDER_OF_CHARGE, charge)?;
    match found {
        Some(order) => Ok(Some(order)),
        // Earlier releases kept the payment alone.
        None => fetch!(tx, fetch_optional, Order, FIND_ORDER_OF_PAYMENT, charge),
    }
}

pub async fn find_payment_of_charge(tx: &mut Tx, charge: &str) -> db::Result<Option<String>> {
    Ok(find_order_of_charge(tx, charge)
        .await?
        .and_then(|order| order.payment_id))
}

/// `false` when the order is not open any more.
pub async fn set_payment(tx: &mut Tx, order: &OrderId, payment: &str) -> db::Result<bool> {
    execute!(tx, SET_PAYMENT, order.as_str(), payment).map(|rows| rows == 1)
}

pub async fn note_expired(tx: &mut Tx, order: &OrderId, payment: &str) -> db::Result<bool> {
    execute!(tx, NOTE_EXPIRED, order.as_str(), payment).map(|rows| rows == 1)
}

pub async fn list_stale_orders(tx: &mut Tx, before_ms: i64) -> db::Result<Vec<PaidLater>> {
    fetch!(tx, fetch_all, PaidLater, LIST_STALE_ORDERS, before_ms)
}

/// Ends an order that is not paid; `reason` is a code that its buyer is told.
pub async fn cancel_order(tx: &mut Tx, order: &OrderId, reason: &str) -> db::Result<bool> {
    if execute!(tx, CANCEL_ORDER, order.as_str(), reason)? == 0 {
        return Ok(false);
    }
    execute!(tx, CANCEL_LINES, order.as_str())?;
    Ok(true)
}

/// Takes the end of an order back, because it was paid all the same: it is booked, and goes back, as any other.
pub async fn reopen_order(tx: &mut Tx, order: &OrderId) -> db::Result<()> {
    execute!(tx, REOPEN_ORDER, order.as_str())?;
    execute!(tx, REOPEN_LINES, order.as_str()).map(|_| ())
}

/// Makes an order somebody else's, before anything of it is owned.
pub async fn give_order_to(tx: &mut Tx, order: &OrderId, person: &str) -> db::Result<()> {
    execute!(tx, GIVE_ORDER_TO, order.as_str(), person)?;
    execute!(tx, GIVE_LINES_TO, order.as_str(), person)?;
    execute!(tx, GIVE_COUPON_USE_TO, order.as_str(), person).map(|_| ())
}

pub async fn list_visitors_orders(tx: &mut Tx, owner: &str) -> db::Result<Vec<OrderId>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_VISITORS_ORDERS, owner)?;
    let mut orders: Vec<OrderId> = db::read_ids(rows)?;
    orders.sort();
    Ok(orders)
}

/// Takes out of a cart what an order of it bought.
pub async fn empty_cart_of(tx: &mut Tx, order: &OrderId, cart: &str) -> db::Result<()> {
    execute!(tx, EMPTY_CODE, cart)?;
    execute!(tx, EMPTY_CART_OF_ORDER, order.as_str(), cart).map(|_| ())
}

pub async fn list_open_of_buyer(tx: &mut Tx, person: &str) -> db::Result<Vec<Order>> {
    fetch!(tx, fetch_all, Order, LIST_OPEN_OF_BUYER, person)
}

pub async fn list_open_of_visitor(tx: &mut Tx, cart: &str) -> db::Result<Vec<Order>> {
    fetch!(tx, fetch_all, Order, LIST_OPEN_OF_VISITOR, cart)
}

/// Orders that ended while a checkout of theirs was open.
pub async fn list_unclosed(tx: &mut Tx) -> db::Result<Vec<PaidLater>> {
    fetch!(tx, fetch_all, PaidLater, LIST_UNCLOSED)
}

pub async fn note_closed(tx: &mut Tx, order: &OrderId, payment: &str) -> db::Result<()> {
    execute!(tx, NOTE_CLOSED, order.as_str(), payment).map(|_| ())
}

/// The next number of an invoice. The row is locked until the commit, so that a number that is given back leaves no gap.
pub async fn next_invoice(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), NEXT_INVOICE).map(|row| row.0)
}

pub async fn set_order_paid(
    tx: &mut Tx,
    order: &OrderId,
    payment: Option<&Payment>,
    invoice: i64,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(
        tx,
        SET_ORDER_PAID,
        order.as_str(),
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

pub async fn insert_line(tx: &mut Tx, order: &NewOrder, line: &NewLine<'_>) -> db::Result<()> {
    let share = line.fee.share(line.price_minor);
    execute!(
        tx,
        INSERT_LINE,
        line.id.as_str(),
        order.id.as_str(),
        line.listing.as_str(),
        line.version.as_str(),
        &order.buyer,
        line.payee,
        line.price_minor,
        line.fee.basis_points,
        share,
        line.price_minor - share,
        line.licence,
        order.now_ms,
        line.fee.fixed_minor,
        line.list_minor,
        line.promotion_minor,
        line.set
    )
    .map(|_| ())
}

pub async fn list_lines(tx: &mut Tx, order: &OrderId) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_LINES, order.as_str())
}

pub async fn get_line(tx: &mut Tx, id: &LineId) -> db::Result<Line> {
    fetch!(tx, fetch_one, Line, GET_LINE, id.as_str())
}

pub async fn list_owned_of_listing(tx: &mut Tx, listing: &ListingId) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_OWNED_OF_LISTING, listing.as_str())
}

pub async fn set_line_tax(tx: &mut Tx, line: &LineId, tax: i64) -> db::Result<()> {
    execute!(tx, SET_LINE_TAX, line.as_str(), tax).map(|_| ())
}

pub async fn set_line_owned(
    tx: &mut Tx,
    id: &LineId,
    earning: Earning,
    now_ms: i64,
    secret: &str,
    leaf: &str,
) -> db::Result<bool> {
    execute!(
        tx,
        SET_LINE_OWNED,
        id.as_str(),
        earning.name(),
        now_ms,
        secret,
        leaf
    )
    .map(|rows| rows == 1)
}

/// How many own a listing.
pub async fn count_owners(tx: &mut Tx, listing: &ListingId) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OWNERS, listing.as_str()).map(|row| row.0)
}

/// When a listing was last bought, newest first.
pub async fn list_sale_times(tx: &mut Tx, listing: &ListingId, limit: i64) -> db::Result<Vec<i64>> {
    let rows = fetch!(
        tx,
        fetch_all,
        (i64,),
        LIST_SALE_TIMES,
        listing.as_str(),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// How often somebody owns a listing, in whatever version: once, or not.
pub async fn count_owned(tx: &mut Tx, buyer: &str, listing: &ListingId) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OWNED, buyer, listing.as_str()).map(|row| row.0)
}

/// Changes a line as long as it is what the caller read. `false` when something else came first.
pub async fn change_line(tx: &mut Tx, line: &Line, change: &LineChange<'_>) -> db::Result<bool> {
    if !line.state.may_become(change.state) || !line.earning.may_become(change.earning) {
        return Err(db::Error::impossible(format!(
            "the line {} from {} to {}, its earning from {} to {}",
            line.id,
            line.state.name(),
            change.state.name(),
            line.earning.name(),
            change.earning.name()
        )));
    }
    execute!(
        tx,
        CHANGE_LINE,
        line.id.as_str(),
        change.state.name(),
        change.earning.name(),
        change.refunded.payee + change.refunded.share,
        change.refunded.tax,
        change.refunded.promotion,
        change.payee_borne_minor,
        change.frozen_minor,
        change.reason,
        change.now_ms,
        line.state.name(),
        line.earning.name(),
        line.refunded_minor,
        line.payee_borne_minor,
        line.frozen_minor,
        line.opened_ms.unwrap_or(0)
    )
    .map(|rows| rows == 1)
}

pub async fn end_ownership(tx: &mut Tx, line: &LineId, reason: &str) -> db::Result<bool> {
    execute!(tx, END_OWNERSHIP, line.as_str(), reason).map(|rows| rows == 1)
}

/// Notes what is frozen of a line, as long as it is what the caller read. `false` when something else came first.
pub async fn freeze_line(tx: &mut Tx, line: &Line, frozen_minor: i64) -> db::Result<bool> {
    execute!(
        tx,
        FREEZE_LINE,
        line.id.as_str(),
        frozen_minor,
        line.earning.name(),
        line.frozen_minor,
        line.payee_borne_minor
    )
    .map(|rows| rows == 1)
}

pub async fn set_line_dispute(tx: &mut Tx, line: &LineId, dispute: Option<&str>) -> db::Result<()> {
    execute!(tx, SET_LINE_DISPUTE, line.as_str(), dispute).map(|_| ())
}

pub async fn list_disputed(tx: &mut Tx, dispute: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_DISPUTED, dispute)
}

pub async fn list_disputed_of_creator(tx: &mut Tx, creator: &str) -> db::Result<Vec<Line>> {
    fetch!(tx, fetch_all, Line, LIST_DISPUTED_OF_CREATOR, creator)
}

#[derive(sqlx::FromRow)]
struct Owning {
    #[sqlx(try_from = "String")]
    id: LineId,
}

/// The line with which somebody owns a listing, in whatever version.
pub async fn find_owned(
    tx: &mut Tx,
    buyer: &str,
    listing: &ListingId,
) -> db::Result<Option<LineId>> {
    Ok(fetch!(
        tx,
        fetch_optional,
        Owning,
        FIND_OWNED,
        buyer,
        listing.as_str()
    )?
    .map(|row| row.id))
}

pub async fn find_bought_ms(
    tx: &mut Tx,
    buyer: &str,
    version: &VersionId,
) -> db::Result<Option<i64>> {
    fetch!(
        tx,
        fetch_one,
        (Option<i64>,),
        FIND_BOUGHT_MS,
        buyer,
        version.as_str()
    )
    .map(|row| row.0)
}

pub async fn set_opened(tx: &mut Tx, line: &LineId, now_ms: i64) -> db::Result<bool> {
    execute!(tx, SET_OPENED, line.as_str(), now_ms).map(|rows| rows == 1)
}

pub async fn list_released(
    tx: &mut Tx,
    opened_before_ms: i64,
    paid_before_ms: i64,
    limit: i64,
) -> db::Result<Vec<EarningLine>> {
    let soonest_ms = opened_before_ms.max(paid_before_ms);
    fetch!(
        tx,
        fetch_all,
        EarningLine,
        LIST_RELEASED,
        soonest_ms,
        opened_before_ms,
        paid_before_ms,
        limit
    )
}

pub async fn next_held(tx: &mut Tx, payee: &str) -> db::Result<Vec<EarningLine>> {
    fetch!(tx, fetch_all, EarningLine, NEXT_HELD, payee)
}

pub async fn list_available(tx: &mut Tx, payee: &str) -> db::Result<Vec<EarningLine>> {
    fetch!(tx, fetch_all, EarningLine, LIST_AVAILABLE, payee)
}

pub async fn move_earning(
    tx: &mut Tx,
    line: &LineId,
    from: Earning,
    to: Earning,
) -> db::Result<bool> {
    if !from.may_become(to) {
        return Err(db::Error::impossible(format!(
            "the earning of {line} from {} to {}",
            from.name(),
            to.name()
        )));
    }
    execute!(tx, MOVE_EARNING, line.as_str(), from.name(), to.name()).map(|rows| rows == 1)
}

pub async fn first_earned_ms(tx: &mut Tx, person: &str) -> db::Result<Option<i64>> {
    fetch!(tx, fetch_one, (Option<i64>,), FIRST_EARNED, person).map(|row| row.0)
}

/// Paid orders of another provider: the books of two are never mixed.
pub async fn count_other_provider(tx: &mut Tx, provider: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), HAS_OTHER_PROVIDER, provider).map(|row| row.0)
}
