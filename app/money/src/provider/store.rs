//! SQL of calls to providers and of their events.

use super::operation::Operation;
use super::state::{EventState, OperationState};
use base::db::{self, Tx, execute, fetch, statements};

/// An event as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// The provider's name of it, `charge.updated`.
    pub kind: String,
    pub object: String,
    /// The seller's account that it is about, if it is.
    pub account: Option<String>,
    pub api_version: Option<String>,
    pub livemode: bool,
    pub created_ms: i64,
    /// The raw text.
    pub body: Option<String>,
}

/// An event as the inbox holds it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EventRow {
    pub id: String,
    pub kind: String,
    pub object_id: String,
    pub account: Option<String>,
    pub livemode: bool,
    #[sqlx(try_from = "String")]
    pub state: EventState,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub quarantined_ms: Option<i64>,
    pub created_ms: i64,
    pub received_ms: i64,
    pub provider: String,
    pub body: Option<String>,
}

macro_rules! operations {
    ($rest:literal) => {
        concat!(
            "select id, kind, order_line, payee, amount, parameters, generation, state, provider_ref, error_code, last_error, attempts, first_sent_ms, sent_ms,
                created_ms, decision_id, provider
            from outbound_op ",
            $rest
        )
    };
}

macro_rules! events {
    ($rest:literal) => {
        concat!(
            "select id, type as kind, object_id, account, livemode, state, attempts, last_error, quarantined_ms, created_ms, received_ms, provider, body
            from provider_event ",
            $rest
        )
    };
}

statements! {
    INSERT_OP = "insert into outbound_op (id, kind, order_line, payee, amount, currency, parameters, generation, state, created_ms, decision_id, provider)
        values ($1, $2, $3, $4, $5, 'USD', $6, 1, 'planned', $7, $8, $9)";
    GET_OP = operations!("where id = $1");
    SET_OP_SENT = "update outbound_op set state = 'sent', sent_ms = $2, first_sent_ms = coalesce(first_sent_ms, $2), attempts = attempts + 1
        where id = $1 and state in ('planned', 'sent', 'unknown')";
    SET_OP_STATE = "update outbound_op set state = $2, last_error = $3 where id = $1 and state = 'sent'";
    NEXT_GENERATION = "update outbound_op set generation = generation + 1, first_sent_ms = null where id = $1 and generation = $2 and state in ('sent', 'unknown')";
    FINISH_OP = "update outbound_op set state = $2, provider_ref = $3, error_code = $4, finished_ms = $5 where id = $1 and state in ('sent', 'unknown')";
    FINISH_BY_HAND = "update outbound_op set state = $2, provider_ref = $3, error_code = $4, finished_ms = $5 where id = $1 and state = $6";
    LIST_OPS = operations!("order by created_ms desc, id desc limit $1");
    LIST_OPS_IN_STATE = operations!("where state = $1 order by created_ms desc, id desc limit $2");
    LIST_OF_DECISION = operations!("where decision_id = $1 order by id");
    FIND_TRANSFER = operations!("where order_line = $1 and kind = 'transfer' and state = 'ok' order by created_ms desc limit 1");
    FIND_OP_OF_REF = operations!("where kind = $1 and provider_ref = $2 limit 1");
    OPEN_SUM = "select cast(coalesce(sum(amount), 0) as bigint) from outbound_op where payee = $1 and kind = $2 and state in ('planned', 'sent', 'unknown')";
    REVERSED_SUM = "select cast(coalesce(sum(amount), 0) as bigint) from outbound_op where order_line = $1 and kind = 'reversal' and state <> 'rejected'";
    INSERT_EVENT = "insert into provider_event (id, type, object_id, account, api_version, livemode, created_ms, received_ms, state, provider, body)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing";
    GET_EVENT = events!("where id = $1");
    SET_EVENT = "update provider_event set state = $2, quarantined_ms = null, last_error = null where id = $1 and state = 'received'";
    FAIL_EVENT = "update provider_event set attempts = attempts + 1, last_error = $2, quarantined_ms = case when attempts + 1 >= $3 then $4 else quarantined_ms end
        where id = $1 and state = 'received'";
    REPLAY_EVENT = "update provider_event set state = 'received', quarantined_ms = null, attempts = 0 where id = $1";
    LIST_EVENTS = events!("order by received_ms desc, id limit $1");
    LIST_EVENTS_IN_STATE = events!("where state = $1 order by received_ms desc, id limit $2");
    LIST_QUARANTINED = events!("where quarantined_ms is not null order by received_ms desc, id limit $1");
    COUNT_QUARANTINED = "select count(*) from provider_event where quarantined_ms is not null";
    // What waits for a person is not on its way.
    HAS_UNREAD = "select id from provider_event where state = 'received' and quarantined_ms is null limit 1";
    HAS_SENT = "select id from outbound_op where state in ('sent', 'unknown') limit 1";
    ERASE_BODIES = "update provider_event set body = null where id in (select id from provider_event
        where received_ms < $1 and body is not null and state <> 'received' order by received_ms limit $2)";
}

pub(super) async fn insert_op(tx: &mut Tx, op: &Operation) -> db::Result<()> {
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
        &op.decision_id,
        &op.provider
    )
    .map(|_| ())
}

pub(super) async fn get_op(tx: &mut Tx, id: &str) -> db::Result<Operation> {
    fetch!(tx, fetch_one, Operation, GET_OP, id)
}

pub(super) async fn set_op_sent(tx: &mut Tx, id: &str, now_ms: i64) -> db::Result<bool> {
    execute!(tx, SET_OP_SENT, id, now_ms).map(|rows| rows == 1)
}

pub(super) async fn set_op_state(
    tx: &mut Tx,
    op: &Operation,
    state: OperationState,
    error: Option<&str>,
) -> db::Result<()> {
    check_step(&op.id, op.state, state)?;
    execute!(tx, SET_OP_STATE, &op.id, state.name(), error).map(|_| ())
}

fn check_step(id: &str, from: OperationState, to: OperationState) -> db::Result<()> {
    if from.may_become(to) {
        return Ok(());
    }
    let (from, to) = (from.name(), to.name());
    Err(db::Error::impossible(format!(
        "the operation {id} from {from} to {to}"
    )))
}

pub(super) async fn next_generation(tx: &mut Tx, op: &Operation) -> db::Result<bool> {
    execute!(tx, NEXT_GENERATION, &op.id, op.generation).map(|rows| rows == 1)
}

pub(super) async fn finish_op(
    tx: &mut Tx,
    id: &str,
    state: OperationState,
    reference: Option<&str>,
    error: Option<&str>,
    now_ms: i64,
) -> db::Result<bool> {
    let state = state.name();
    execute!(tx, FINISH_OP, id, state, reference, error, now_ms).map(|rows| rows == 1)
}

pub(super) async fn finish_by_hand(
    tx: &mut Tx,
    id: &str,
    from: OperationState,
    state: OperationState,
    reference: &str,
    now_ms: i64,
) -> db::Result<bool> {
    check_step(id, from, state)?;
    let (from, state, none) = (from.name(), state.name(), None::<&str>);
    execute!(tx, FINISH_BY_HAND, id, state, reference, none, now_ms, from).map(|rows| rows == 1)
}

pub(super) async fn list_ops(tx: &mut Tx, state: &str, limit: i64) -> db::Result<Vec<Operation>> {
    if state.is_empty() {
        return fetch!(tx, fetch_all, Operation, LIST_OPS, limit);
    }
    fetch!(tx, fetch_all, Operation, LIST_OPS_IN_STATE, state, limit)
}

pub(super) async fn list_of_decision(tx: &mut Tx, decision: &str) -> db::Result<Vec<Operation>> {
    fetch!(tx, fetch_all, Operation, LIST_OF_DECISION, decision)
}

pub(super) async fn find_transfer(tx: &mut Tx, line: &str) -> db::Result<Option<Operation>> {
    fetch!(tx, fetch_optional, Operation, FIND_TRANSFER, line)
}

pub(super) async fn find_op_of_ref(
    tx: &mut Tx,
    kind: &str,
    reference: &str,
) -> db::Result<Option<Operation>> {
    fetch!(
        tx,
        fetch_optional,
        Operation,
        FIND_OP_OF_REF,
        kind,
        reference
    )
}

pub(super) async fn open_sum(tx: &mut Tx, payee: &str, kind: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), OPEN_SUM, payee, kind).map(|row| row.0)
}

pub(super) async fn reversed_sum(tx: &mut Tx, line: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), REVERSED_SUM, line).map(|row| row.0)
}

pub(super) async fn insert_event(
    tx: &mut Tx,
    event: &Event,
    provider: &str,
    state: EventState,
    received_ms: i64,
) -> db::Result<bool> {
    execute!(
        tx,
        INSERT_EVENT,
        &event.id,
        &event.kind,
        &event.object,
        &event.account,
        &event.api_version,
        event.livemode,
        event.created_ms,
        received_ms,
        state.name(),
        provider,
        &event.body
    )
    .map(|rows| rows == 1)
}

pub(super) async fn get_event(tx: &mut Tx, id: &str) -> db::Result<EventRow> {
    fetch!(tx, fetch_one, EventRow, GET_EVENT, id)
}

pub(super) async fn set_event(tx: &mut Tx, id: &str, state: EventState) -> db::Result<bool> {
    execute!(tx, SET_EVENT, id, state.name()).map(|rows| rows == 1)
}

pub(super) async fn fail_event(
    tx: &mut Tx,
    id: &str,
    error: &str,
    limit: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, FAIL_EVENT, id, error, limit, now_ms).map(|_| ())
}

pub(super) async fn replay_event(tx: &mut Tx, id: &str) -> db::Result<bool> {
    execute!(tx, REPLAY_EVENT, id).map(|rows| rows == 1)
}

pub(super) async fn list_events(tx: &mut Tx, state: &str, limit: i64) -> db::Result<Vec<EventRow>> {
    match state {
        "" => fetch!(tx, fetch_all, EventRow, LIST_EVENTS, limit),
        "quarantined" => fetch!(tx, fetch_all, EventRow, LIST_QUARANTINED, limit),
        state => fetch!(tx, fetch_all, EventRow, LIST_EVENTS_IN_STATE, state, limit),
    }
}

pub(super) async fn count_quarantined(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_QUARANTINED).map(|row| row.0)
}

pub(super) async fn erase_bodies(tx: &mut Tx, before_ms: i64, limit: i64) -> db::Result<u64> {
    execute!(tx, ERASE_BODIES, before_ms, limit)
}

pub(super) async fn has_unread(tx: &mut Tx) -> db::Result<bool> {
    Ok(fetch!(tx, fetch_optional, (String,), HAS_UNREAD)?.is_some())
}

pub(super) async fn has_sent(tx: &mut Tx) -> db::Result<bool> {
    Ok(fetch!(tx, fetch_optional, (String,), HAS_SENT)?.is_some())
}
