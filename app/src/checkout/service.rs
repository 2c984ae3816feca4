//! Rules of carts, orders, fulfilment and refunds.

use super::{sandbox, store};
use crate::books::service::{self as books, Entry, Kind, posting};
use crate::db::{self, Db, Tx};
use crate::jobs::{self, Outcome as JobOutcome};
use crate::vault::Vault;
use crate::verify::service::PublicLog;
use crate::{catalog, random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::digest::Digest;
use schema::licence::{self, Licence, LicenceDocument};
use schema::money::FeeSchedule;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// The owner of the processor's accounts in the books.
pub const PROVIDER: &str = "sandbox";
/// An unopened bundle can go back for so long, and its earning is held as long.
pub const RETURN_MS: i64 = 14 * crate::clock::DAY_MS;

/// What can go wrong in a shop's till.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such thing, or somebody else's.
    #[error("not found")]
    NotFound,
    /// A cart that cannot be bought, and why, as a code.
    #[error("cannot be bought: {0}")]
    Refused(&'static str),
    /// The books refused.
    #[error(transparent)]
    Books(#[from] books::Error),
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl From<Error> for crate::web::error::AppError {
    fn from(error: Error) -> Self {
        use schema::failure::{Code, FieldError};
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Refused(code) => Self {
                code: Code::Conflict,
                fields: vec![FieldError::new("cart", code)],
                cause: None,
            },
            Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

/// What the till needs of the shop: everything that a sale touches.
#[derive(Clone)]
pub struct Till {
    pub db: Db,
    pub vault: Vault,
    pub log: PublicLog,
    pub fee: FeeSchedule,
    pub minimum_order_minor: i64,
}

/// A line of a cart.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CartLine {
    pub id: String,
    pub slug: String,
    pub title: String,
    pub price_minor: i64,
    pub licence: String,
    pub state: String,
    pub person_id: String,
    pub handle: String,
    pub version_id: String,
    pub blob: String,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Order {
    pub id: String,
    pub person_id: String,
    pub state: String,
    pub total_minor: i64,
    pub payment_id: Option<String>,
    pub created_ms: i64,
    pub paid_ms: Option<i64>,
}

/// Why a line was refunded: our own machine did not regenerate its pictures.
pub const DOES_NOT_REPRODUCE: &str = "does-not-reproduce";

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Line {
    pub id: String,
    pub purchase_id: String,
    pub listing_id: String,
    pub version_id: String,
    pub buyer_id: String,
    pub payee_id: String,
    pub price_minor: i64,
    pub share_minor: i64,
    pub payee_minor: i64,
    pub licence: String,
    pub state: String,
    pub earning: String,
    pub paid_ms: Option<i64>,
    pub opened_ms: Option<i64>,
    pub refunded_minor: i64,
    pub refund_reason: Option<String>,
    pub licence_secret_id: Option<String>,
    pub licence_leaf_hash: Option<String>,
    pub title: String,
    pub slug: String,
}

/// A call to a provider. Its parameters never change.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Operation {
    pub id: String,
    pub kind: String,
    pub order_line: Option<String>,
    pub payee: Option<String>,
    pub amount: i64,
    pub parameters: String,
    pub generation: i64,
    pub state: String,
    pub error_code: Option<String>,
    pub created_ms: i64,
}

impl Operation {
    /// The idempotency key of this generation.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.id, self.generation)
    }
}

/// What a buyer's licence consists of, as the vault holds it.
#[derive(Serialize, Deserialize)]
pub struct LicenceSecret {
    /// base64 of the exact document.
    pub document: String,
    /// base64 of 32 bytes.
    pub salt: String,
}

/// Lines in a cart.
///
/// # Errors
/// When the database fails.
pub async fn count_cart(db: &Db, cart: &str) -> db::Result<i64> {
    let mut tx = db.read().await?;
    store::count_cart(&mut tx, cart).await
}

/// Puts a live listing into a cart.
///
/// # Errors
/// [`Error::NotFound`] for anything that is not for sale.
pub async fn add_to_cart(db: &Db, cart: &str, listing: &str, now_ms: i64) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let found = catalog::service::get(&mut tx, listing).await;
    match found {
        Ok(found) if found.state == "live" => {
            store::add_to_cart(&mut tx, cart, listing, now_ms).await?
        }
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a listing out of a cart.
///
/// # Errors
/// When the database fails.
pub async fn remove_from_cart(db: &Db, cart: &str, listing: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    store::remove_from_cart(&mut tx, cart, listing).await?;
    tx.commit().await?;
    Ok(())
}

/// A cart's lines.
///
/// # Errors
/// When the database fails.
pub async fn list_cart(tx: &mut Tx, cart: &str) -> db::Result<Vec<CartLine>> {
    store::list_cart(tx, cart).await
}

/// Makes an order of a cart. An order that costs nothing is fulfilled at once; the caller opens a payment for the others
/// after the commit. Returns the order's id.
///
/// # Errors
/// [`Error::Refused`] with what is in the way: empty, below the minimum, withdrawn, one's own, or owned already.
pub async fn place(
    till: &Till,
    tx: &mut Tx,
    buyer: &str,
    cart: &str,
    seen_total_minor: Option<i64>,
    now_ms: i64,
) -> Result<Order, Error> {
    let lines = store::list_cart(tx, cart).await?;
    if lines.is_empty() {
        return Err(Error::Refused("cart-empty"));
    }
    let total: i64 = lines.iter().map(|line| line.price_minor).sum();
    for line in &lines {
        if line.state != "live" {
            return Err(Error::Refused("cart-withdrawn"));
        }
        if line.person_id == buyer {
            return Err(Error::Refused("cart-own"));
        }
        if store::count_owned(tx, buyer, &line.version_id).await? > 0 {
            return Err(Error::Refused("cart-owned"));
        }
    }
    if seen_total_minor.is_some_and(|seen| seen != total) {
        return Err(Error::Refused("cart-changed"));
    }
    if total > 0 && total < till.minimum_order_minor {
        return Err(Error::Refused("cart-minimum"));
    }
    let order = random::id();
    store::insert_order(tx, &order, buyer, total, now_ms).await?;
    for line in &lines {
        store::insert_line(tx, &random::id(), &order, buyer, line, till.fee, now_ms).await?;
    }
    store::empty_cart(tx, cart).await?;
    if total == 0 {
        fulfil(till, tx, &order, None, now_ms).await?;
    }
    Ok(store::get_order(tx, &order).await?)
}

/// Opens the order's payment at the provider and notes it.
///
/// # Errors
/// When the database fails.
pub async fn open_payment(db: &Db, order: &Order, now_ms: i64) -> Result<String, Error> {
    let payment = sandbox::open(db, &order.id, order.total_minor, now_ms).await?;
    let mut tx = db.write().await?;
    store::set_payment(&mut tx, &order.id, &payment).await?;
    tx.commit().await?;
    Ok(payment)
}

/// A buyer's own order with its lines.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get_order(tx: &mut Tx, buyer: &str, id: &str) -> Result<(Order, Vec<Line>), Error> {
    let order = match store::get_order(tx, id).await {
        Ok(order) if order.person_id == buyer => order,
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    };
    let lines = store::list_lines(tx, id).await?;
    Ok((order, lines))
}

/// An order line.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get_line(tx: &mut Tx, id: &str) -> db::Result<Line> {
    store::get_line(tx, id).await
}

/// Hands over what was bought and books the sale, once, in the caller's transaction.
async fn fulfil(
    till: &Till,
    tx: &mut Tx,
    order: &str,
    payment: Option<&sandbox::Payment>,
    now_ms: i64,
) -> Result<(), Error> {
    if !store::set_order_paid(tx, order, now_ms).await? {
        return Ok(());
    }
    let mut postings = Vec::new();
    let mut duplicates = Vec::new();
    let mut total = 0;
    for line in store::list_lines(tx, order).await? {
        total += line.price_minor;
        postings.push(posting(
            Kind::SellerHeld,
            &line.payee_id,
            -line.payee_minor,
            Some(&line.id),
        ));
        postings.push(posting(
            Kind::RevenueShare,
            "platform",
            -line.share_minor,
            Some(&line.id),
        ));
        postings.push(posting(
            Kind::ProcessorPending,
            PROVIDER,
            line.price_minor,
            Some(&line.id),
        ));
        // Two tabs, two orders, both paid: what is owned already is booked and goes straight back to the card.
        if store::count_owned(tx, &line.buyer_id, &line.version_id).await? > 0 {
            duplicates.push(Line {
                earning: "held".into(),
                ..line
            });
            continue;
        }
        let (secret, leaf) = issue_licence(till, tx, &line, now_ms).await?;
        let earning = if line.payee_minor > 0 { "held" } else { "none" };
        store::set_line_owned(tx, &line.id, earning, now_ms, &secret, &leaf).await?;
        catalog::service::count_sale(tx, &line.listing_id).await?;
    }
    if let Some(payment) = payment {
        if payment.amount_minor != total {
            return Err(Error::Internal(format!(
                "the payment {} is over {}, the order over {total}",
                payment.id, payment.amount_minor
            )));
        }
        let source = payment.id.clone();
        books::post(
            tx,
            &Entry {
                key: format!("sale:{source}"),
                kind: "sale",
                source: source.clone(),
                occurred_ms: now_ms,
                postings,
            },
        )
        .await?;
        let fee = vec![
            posting(Kind::ExpenseProcessing, PROVIDER, payment.fee_minor, None),
            posting(Kind::ProcessorPending, PROVIDER, -payment.fee_minor, None),
        ];
        books::post(
            tx,
            &Entry {
                key: format!("txn:{source}:fee"),
                kind: "fee",
                source,
                occurred_ms: now_ms,
                postings: fee,
            },
        )
        .await?;
    }
    for line in duplicates {
        plan_refund(tx, &line, Bearer::Creator, "duplicate", now_ms).await?;
    }
    Ok(())
}

/// Makes the licence document of a line, stores it encrypted and queues its salted leaf.
async fn issue_licence(
    till: &Till,
    tx: &mut Tx,
    line: &Line,
    now_ms: i64,
) -> Result<(String, String), Error> {
    let internal = |error: schema::Error| Error::Internal(error.to_string());
    let listing = catalog::service::get_by_version(tx, &line.version_id).await?;
    let leaf = Digest::parse(&listing.leaf_hash, "leaf").map_err(internal)?;
    let licence = Licence::parse(&line.licence).map_err(internal)?;
    let granted_ms = u64::try_from(now_ms).unwrap_or_default();
    let document = LicenceDocument::new(licence, leaf, line.id.clone(), granted_ms)
        .to_bytes()
        .map_err(internal)?;
    let salt: [u8; 32] = random::bytes();
    let queued = till
        .log
        .queue_licence(tx, licence::commit(&salt, &leaf, &document))
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    let secret = LicenceSecret {
        document: STANDARD.encode(&document),
        salt: STANDARD.encode(salt),
    };
    let id = random::id();
    let plain = serde_json::to_vec(&secret).map_err(|error| Error::Internal(error.to_string()))?;
    till.vault
        .put(tx, &id, &plain, now_ms)
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    Ok((id, queued.leaf_hash))
}

/// Acts on one stored event: fetches the object as it is now, and books by fact. Twice does nothing more.
///
/// # Errors
/// When something is not as it should be; the event stays in the inbox and is tried again.
pub async fn handle_event(till: &Till, id: &str, now_ms: i64) -> Result<(), Error> {
    let mut tx = till.db.write().await?;
    let (kind, object, state) = store::get_event(&mut tx, id).await?;
    if state != "received" {
        return Ok(());
    }
    let known = match kind.as_str() {
        "payment.paid" => {
            let payment = sandbox::find(&mut tx, &object)
                .await?
                .filter(|payment| payment.state == "paid");
            let payment = payment
                .ok_or_else(|| Error::Internal(format!("the payment {object} is not paid")))?;
            fulfil(
                till,
                &mut tx,
                &payment.order_id.clone(),
                Some(&payment),
                now_ms,
            )
            .await?;
            true
        }
        "payment.available" => {
            let payment = sandbox::find(&mut tx, &object)
                .await?
                .ok_or_else(|| Error::Internal(format!("the payment {object} is gone")))?;
            let net = payment.amount_minor - payment.fee_minor;
            let postings = vec![
                posting(Kind::ProcessorAvailable, PROVIDER, net, None),
                posting(Kind::ProcessorPending, PROVIDER, -net, None),
            ];
            let entry = Entry {
                key: format!("txn:{object}:available"),
                kind: "available",
                source: object,
                occurred_ms: now_ms,
                postings,
            };
            books::post(&mut tx, &entry).await?;
            true
        }
        "payout.paid" => {
            crate::payouts::service::book_payout(&mut tx, &object, now_ms)
                .await
                .map_err(|error| Error::Internal(error.to_string()))?;
            true
        }
        _ => false,
    };
    store::set_event(&mut tx, id, if known { "done" } else { "ignored" }).await?;
    tx.commit().await?;
    Ok(())
}

/// Who bears a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The buyer returned it unopened: the creator's part goes back.
    Creator,
    /// It did not reproduce on our own re-run: the promise costs us, the creator keeps the share.
    Platform,
}

/// Plans the refund of a whole line: books it, ends the ownership, and hands the payment to the provider by a job. `false` when
/// the line is not owned any more, or its order is not paid.
///
/// # Errors
/// When the books refuse.
pub async fn plan_refund(
    tx: &mut Tx,
    line: &Line,
    bearer: Bearer,
    reason: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    // Before the payment is booked there is nothing to give back: a refund then would leave the sale's earnings with nobody.
    let order = store::get_order(tx, &line.purchase_id).await?;
    if order.state != "paid" {
        return Ok(false);
    }
    let earning = match (bearer, line.earning.as_str()) {
        (Bearer::Platform, earning) => earning.to_owned(),
        (Bearer::Creator, "none") => "none".into(),
        (Bearer::Creator, _) => "reversed".into(),
    };
    if matches!(line.state.as_str(), "refunded" | "cancelled")
        || !store::set_line_refunded(tx, line, reason, &earning, now_ms).await?
    {
        return Ok(false);
    }
    if line.price_minor == 0 {
        return Ok(true);
    }
    let payment = order.payment_id.ok_or_else(|| {
        Error::Internal(format!("the order {} was paid without a payment", order.id))
    })?;
    let op = Operation {
        id: random::id(),
        kind: "refund".into(),
        order_line: Some(line.id.clone()),
        payee: Some(line.payee_id.clone()),
        amount: line.price_minor,
        parameters: payment,
        generation: 1,
        state: "planned".into(),
        error_code: None,
        created_ms: now_ms,
    };
    let postings = vec![
        refund_source(line, bearer),
        posting(
            Kind::RevenueShare,
            "platform",
            line.share_minor,
            Some(&line.id),
        ),
        posting(
            Kind::TransitRefund,
            PROVIDER,
            -line.price_minor,
            Some(&line.id),
        ),
    ];
    let entry = Entry {
        key: format!("op:{}:planned", op.id),
        kind: "refund planned",
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    store::insert_op(tx, &op, None).await?;
    jobs::enqueue(tx, super::jobs::OPERATION, &format!("op:{}", op.id), &op.id).await?;
    Ok(true)
}

/// The payee's part is taken from where it lies; when it left already, they owe it.
fn refund_source(line: &Line, bearer: Bearer) -> books::Posting {
    let (kind, owner) = match (bearer, line.earning.as_str()) {
        (Bearer::Platform, _) => (Kind::ExpenseRefunds, "platform"),
        (Bearer::Creator, "held") => (Kind::SellerHeld, line.payee_id.as_str()),
        (Bearer::Creator, "available") => (Kind::SellerAvailable, line.payee_id.as_str()),
        (Bearer::Creator, _) => (Kind::SellerReceivable, line.payee_id.as_str()),
    };
    posting(kind, owner, line.payee_minor, Some(&line.id))
}

/// A buyer's own cancellation of an unopened line within the time of return.
///
/// # Errors
/// [`Error::Refused`] when it was opened or the time is over.
pub async fn cancel_unopened(
    tx: &mut Tx,
    buyer: &str,
    line_id: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let line = store::get_line(tx, line_id).await.map_err(|error| {
        if error.is_missing() {
            Error::NotFound
        } else {
            error.into()
        }
    })?;
    if line.buyer_id != buyer {
        return Err(Error::NotFound);
    }
    if line.opened_ms.is_some() {
        return Err(Error::Refused("refund-opened"));
    }
    if line.paid_ms.is_none_or(|paid| paid + RETURN_MS < now_ms) {
        return Err(Error::Refused("refund-late"));
    }
    if !plan_refund(tx, &line, Bearer::Creator, "unopened", now_ms).await? {
        return Err(Error::Refused("refund-done"));
    }
    Ok(())
}

/// Plans a transfer operation for a released line, as a decision of the sweep says.
///
/// # Errors
/// When the books refuse.
pub async fn plan_transfer(
    tx: &mut Tx,
    line: &str,
    payee: &str,
    account: &str,
    amount: i64,
    decision: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let op = Operation {
        id: random::id(),
        kind: "transfer".into(),
        order_line: Some(line.into()),
        payee: Some(payee.into()),
        amount,
        parameters: account.into(),
        generation: 1,
        state: "planned".into(),
        error_code: None,
        created_ms: now_ms,
    };
    let postings = vec![
        posting(Kind::SellerAvailable, payee, amount, Some(line)),
        posting(Kind::TransitTransfer, payee, -amount, Some(line)),
    ];
    let entry = Entry {
        key: format!("op:{}:planned", op.id),
        kind: "transfer planned",
        source: op.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    store::insert_op(tx, &op, Some(decision)).await?;
    jobs::enqueue(tx, super::jobs::OPERATION, &format!("op:{}", op.id), &op.id).await?;
    Ok(())
}

/// Sends an operation and books its outcome. Sent twice with one key it happens once; an unknown outcome is asked for again
/// with the same key.
///
/// # Errors
/// When the database or the books fail; the job tries again.
pub async fn send_operation(db: &Db, id: &str, now_ms: i64) -> Result<JobOutcome, Error> {
    let mut tx = db.write().await?;
    // Noted and committed before the call: a process that dies now leaves "sent", never a forgotten payment.
    let open = store::set_op_sent(&mut tx, id, now_ms).await?;
    let op = store::get_op(&mut tx, id).await?;
    tx.commit().await?;
    if !open {
        return Ok(JobOutcome::Done);
    }
    let outcome = match op.kind.as_str() {
        "refund" => sandbox::refund(db, &op.parameters, op.amount, &op.key(), now_ms).await,
        _ => sandbox::transfer(db, &op.parameters, op.amount, &op.key(), now_ms).await,
    };
    let outcome = outcome.unwrap_or(sandbox::Outcome::Unknown);
    let mut tx = db.write().await?;
    let (state, reference, error) = match &outcome {
        sandbox::Outcome::Done(reference) => ("ok", Some(reference.as_str()), None),
        sandbox::Outcome::Rejected(code) => ("rejected", None, Some(code.as_str())),
        sandbox::Outcome::Unknown => {
            return Ok(JobOutcome::Failed(format!(
                "the outcome of {id} is unknown"
            )));
        }
    };
    if store::finish_op(&mut tx, id, state, reference, error, now_ms).await? {
        book_outcome(&mut tx, &op, state == "ok", now_ms).await?;
    }
    tx.commit().await?;
    Ok(JobOutcome::Done)
}

async fn book_outcome(tx: &mut Tx, op: &Operation, done: bool, now_ms: i64) -> Result<(), Error> {
    let payee = op.payee.as_deref().unwrap_or_default();
    let line = op.order_line.as_deref();
    let (kind, postings) = match (op.kind.as_str(), done) {
        ("refund", true) => (
            "refund ok",
            vec![
                posting(Kind::TransitRefund, PROVIDER, op.amount, line),
                posting(Kind::ProcessorAvailable, PROVIDER, -op.amount, line),
            ],
        ),
        // A refund that the provider refuses stays owed: it is shown to the operator, never dropped.
        ("refund", false) => return Ok(()),
        (_, true) => (
            "transfer ok",
            vec![
                posting(Kind::TransitTransfer, payee, op.amount, line),
                posting(Kind::ProcessorAvailable, PROVIDER, -op.amount, line),
                posting(Kind::ConnectedBalance, payee, op.amount, line),
                posting(Kind::ConnectedFunded, payee, -op.amount, line),
            ],
        ),
        (_, false) => (
            "transfer rejected",
            vec![
                posting(Kind::TransitTransfer, payee, op.amount, line),
                posting(Kind::SellerAvailable, payee, -op.amount, line),
            ],
        ),
    };
    let fact = if done { "ok" } else { "rejected" };
    books::post(
        tx,
        &Entry {
            key: format!("op:{}:{fact}", op.id),
            kind,
            source: op.id.clone(),
            occurred_ms: now_ms,
            postings,
        },
    )
    .await?;
    if op.kind == "transfer"
        && let Some(line) = line
    {
        crate::payouts::service::note_transfer(tx, line, done).await?;
    }
    Ok(())
}

/// The newest operations and events, for the operator's page.
///
/// # Errors
/// When the database fails.
pub async fn recent(
    tx: &mut Tx,
) -> db::Result<(Vec<Operation>, Vec<(String, String, String, i64)>)> {
    Ok((store::list_ops(tx).await?, store::list_events(tx).await?))
}
