//! SQL of disputes, and of refunds that failed.

use super::{DisputeState, LossBearer};
use base::db::{self, Tx, execute, fetch, statements};
use money::provider::Dispute as DisputeFact;
use schema::id::OrderId;

/// A dispute as we keep it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Dispute {
    pub id: String,
    #[sqlx(try_from = "String")]
    pub purchase_id: OrderId,
    pub charge_id: String,
    pub amount_minor: i64,
    pub fee_minor: i64,
    pub reason: String,
    #[sqlx(try_from = "String")]
    pub state: DisputeState,
    /// Who bears a loss.
    #[sqlx(try_from = "String")]
    pub bearer: LossBearer,
    pub due_ms: Option<i64>,
    /// The answer that was sent.
    pub evidence: Option<String>,
    pub submitted_ms: Option<i64>,
    pub opened_ms: i64,
    pub closed_ms: Option<i64>,
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

statements! {
    COUNT_FROZEN = "select count(*) from journal where kind = 'dispute frozen' and source = $1";
    LIST_DISPUTES_OF_ORDER = disputes!("where purchase_id = $1 order by opened_ms desc, id");
    INSERT_DISPUTE = "insert into dispute (id, purchase_id, charge_id, amount_minor, fee_minor, reason, state, bearer, due_ms, opened_ms)
        values ($1, $2, $3, $4, 0, $5, 'inquiry', $6, $7, $8) on conflict (id) do nothing";
    GET_DISPUTE = disputes!("where id = $1");
    FIND_WITHDRAWN = disputes!("where purchase_id = $1 and state = 'withdrawn' order by opened_ms limit 1");
    LIST_DISPUTES = disputes!("order by case when closed_ms is null then 0 else 1 end, opened_ms desc, id limit $1");
    LIST_DUE_DISPUTES = disputes!("where closed_ms is null and submitted_ms is null and due_ms < $1 order by due_ms, id");
    SET_DISPUTE_DUE = "update dispute set due_ms = $2 where id = $1";
    SET_DISPUTE_WITHDRAWN = "update dispute set state = 'withdrawn', amount_minor = $2, fee_minor = $3, evidence = null, submitted_ms = null where id = $1 and state = 'inquiry'";
    SET_DISPUTE_BEARER = "update dispute set bearer = $2, submitted_ms = coalesce(submitted_ms, opened_ms) where id = $1 and bearer <> $2 and closed_ms is null";
    SET_DISPUTE_EVIDENCE = "update dispute set evidence = $2, submitted_ms = $3 where id = $1 and submitted_ms is null and closed_ms is null";
    END_DISPUTE = "update dispute set state = $2, closed_ms = $3 where id = $1 and closed_ms is null";
    LIST_FAILED_REFUNDS = "select failed.source from journal failed
        where failed.kind = 'refund failed' and not exists (select 1 from journal paid where paid.idem_key = 'op:' || failed.source || ':by-hand')
        order by failed.occurred_ms, failed.id";
}

pub(super) async fn count_frozen(tx: &mut Tx, dispute: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_FROZEN, dispute).map(|row| row.0)
}

pub(super) async fn list_disputes_of_order(
    tx: &mut Tx,
    order: &OrderId,
) -> db::Result<Vec<Dispute>> {
    fetch!(
        tx,
        fetch_all,
        Dispute,
        LIST_DISPUTES_OF_ORDER,
        order.as_str()
    )
}

pub(super) async fn insert_dispute(
    tx: &mut Tx,
    fact: &DisputeFact,
    order: &OrderId,
    bearer: LossBearer,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DISPUTE,
        &fact.id,
        order.as_str(),
        &fact.charge,
        fact.amount_minor,
        &fact.reason,
        bearer.name(),
        fact.due_ms,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn get_dispute(tx: &mut Tx, id: &str) -> db::Result<Dispute> {
    fetch!(tx, fetch_one, Dispute, GET_DISPUTE, id)
}

pub(super) async fn find_withdrawn(tx: &mut Tx, order: &OrderId) -> db::Result<Option<Dispute>> {
    fetch!(tx, fetch_optional, Dispute, FIND_WITHDRAWN, order.as_str())
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

pub(super) async fn set_dispute_bearer(
    tx: &mut Tx,
    id: &str,
    bearer: LossBearer,
) -> db::Result<bool> {
    execute!(tx, SET_DISPUTE_BEARER, id, bearer.name()).map(|rows| rows == 1)
}

pub(super) async fn set_dispute_evidence(
    tx: &mut Tx,
    id: &str,
    text: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, SET_DISPUTE_EVIDENCE, id, text, now_ms).map(|rows| rows == 1)
}

/// Notes how a dispute ended.
pub(super) async fn end_dispute(
    tx: &mut Tx,
    dispute: &Dispute,
    state: DisputeState,
    now_ms: i64,
) -> db::Result<()> {
    let (from, to) = (dispute.state.name(), state.name());
    if !dispute.state.may_become(state) {
        return Err(db::Error::impossible(format!(
            "the dispute {} from {from} to {to}",
            dispute.id
        )));
    }
    execute!(tx, END_DISPUTE, &dispute.id, to, now_ms).map(|_| ())
}

pub(super) async fn list_failed_refunds(tx: &mut Tx) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_FAILED_REFUNDS)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
