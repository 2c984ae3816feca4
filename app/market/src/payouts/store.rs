//! SQL of payees, earnings, payouts and the sweep's decisions.

use super::BankPayoutState;
use base::db::{self, Tx, execute, fetch, statements};
use money::provider::Payout;
use money::provider::outbound::OperationState;
use schema::id::LineId;

/// A decision of the sweep about one payee.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Decision {
    pub id: String,
    pub decided_ms: i64,
    pub amount_minor: i64,
    /// `paid`, `manual`, or a blocker by name.
    pub outcome: String,
    pub until_ms: Option<i64>,
}

/// A sold line, as its creator's list shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sale {
    #[sqlx(try_from = "String")]
    pub id: LineId,
    pub paid_ms: i64,
    pub title: String,
    pub slug: String,
    pub price_minor: i64,
    pub share_bp: i64,
    pub share_fixed_minor: i64,
    pub share_minor: i64,
    pub payee_minor: i64,
    /// What of the price went back to the buyer.
    pub refunded_minor: i64,
    /// How much of the creator's part went with it.
    pub payee_borne_minor: i64,
    pub dispute_id: Option<String>,
    pub opened_ms: Option<i64>,
    /// Where the money lies, or `refunded`.
    pub state: String,
}

/// A payout to a creator's bank.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BankPayout {
    pub id: String,
    pub person_id: String,
    pub provider: String,
    pub amount_minor: i64,
    #[sqlx(try_from = "String")]
    pub state: BankPayoutState,
    pub failure: Option<String>,
    pub created_ms: i64,
    pub arrives_ms: Option<i64>,
    pub reference: Option<String>,
    pub entered_by: Option<String>,
    pub confirmed_by: Option<String>,
}

/// Where a creator's money goes, and what stands in its way.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Payee {
    pub person_id: String,
    /// The account at the provider; the person's own id where a person pays by hand.
    pub provider_account: String,
    pub ready: bool,
    /// `manual`, or a provider's name.
    pub provider: String,
    pub country: String,
    /// What the provider still asks for, one name a line.
    pub requirements: String,
    pub disabled: Option<String>,
    /// A blocker by name.
    pub paused: Option<String>,
    pub details_secret_id: Option<String>,
}

/// A line of a payout's statement.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Transfer {
    /// Absent for money that belongs to no single sale: a balance that came back.
    pub title: Option<String>,
    pub paid_ms: Option<i64>,
    pub price_minor: Option<i64>,
    pub share_minor: Option<i64>,
    pub amount: i64,
    /// How the call to the provider stands.
    #[sqlx(try_from = "String")]
    pub state: OperationState,
}

macro_rules! sales {
    ($where:literal) => {
        concat!(
            "select purchase_line.id, purchase_line.paid_ms, listing.title, listing.slug, purchase_line.price_minor, purchase_line.share_bp,
            purchase_line.share_fixed_minor, purchase_line.share_minor, purchase_line.payee_minor, purchase_line.refunded_minor,
            purchase_line.payee_borne_minor, purchase_line.dispute_id, purchase_line.opened_ms,
            case when purchase_line.frozen_minor > 0 then 'frozen' when purchase_line.payee_minor > 0 and purchase_line.payee_borne_minor = purchase_line.payee_minor then 'refunded' else purchase_line.earning end as state
        from purchase_line join listing on listing.id = purchase_line.listing_id
            where ",
            $where
        )
    };
}

macro_rules! payees {
    ($where:literal) => {
        concat!(
            "select person_id, provider_account, ready, provider, country, requirements, disabled, paused, details_secret_id from payee where ",
            $where
        )
    };
}

macro_rules! payouts {
    ($rest:literal) => {
        concat!(
            "select payout.id, payout.person_id, payout.provider, payout.amount_minor, payout.state, payout.failure, payout.created_ms, payout.arrives_ms,
                payout.reference, payout.entered_by, payout.confirmed_by
            from payout ",
            $rest
        )
    };
}

/// What one listing brought its creator.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Earner {
    pub title: String,
    /// How often it was sold.
    pub count: i64,
    /// The creator's part of it, without what was given back.
    pub earned_minor: i64,
}

statements! {
    COUNT_RELEASES = "select count(*) from journal where kind = 'release' and source = $1";
    LIST_SALES = sales!("purchase_line.payee_id = $1 and purchase_line.paid_ms >= $2
            and ($3 = '' or $3 = case when purchase_line.frozen_minor > 0 then 'frozen' when purchase_line.payee_minor > 0 and purchase_line.payee_borne_minor = purchase_line.payee_minor then 'refunded' else purchase_line.earning end)
        order by purchase_line.paid_ms desc, purchase_line.id limit $4");
    LIST_BEST = "select listing.title, best.count, best.earned_minor
        from (select purchase_line.listing_id, count(*) as count, cast(sum(purchase_line.payee_minor - purchase_line.payee_borne_minor) as bigint) as earned_minor
            from purchase_line
            where purchase_line.payee_id = $1 and purchase_line.paid_ms >= $2 and purchase_line.price_minor > 0
            group by purchase_line.listing_id) best
        join listing on listing.id = best.listing_id
        order by best.earned_minor desc, listing.title limit $3";
    FIND_SALE = sales!("purchase_line.payee_id = $1 and purchase_line.id = $2 and purchase_line.paid_ms is not null");
    LIST_PAYEES = "select payee_id from purchase_line where earning in ('held', 'available')
        union select owner from account where kind in ('seller:available', 'seller:frozen', 'seller:receivable') and posted <> 0
        order by 1";
    COUNT_ACCOUNTS = "select count(*) from payee_account where person_id = $1 and provider = $2";
    DELETE_PAYEE = "delete from payee where person_id = $1";
    UPSERT_PAYEE = "insert into payee (person_id, provider_account, ready, provider, country, created_ms)
        values ($1, $2, case when $3 = 'manual' then true else false end, $3, $4, $5)
        on conflict (person_id) do update set provider_account = excluded.provider_account, provider = excluded.provider, country = excluded.country,
            ready = case when payee.provider_account = excluded.provider_account then payee.ready else excluded.ready end,
            requirements = case when payee.provider_account = excluded.provider_account then payee.requirements else '' end,
            disabled = case when payee.provider_account = excluded.provider_account then payee.disabled else null end";
    INSERT_ACCOUNT = "insert into payee_account (id, person_id, provider) values ($1, $2, $3) on conflict (id) do nothing";
    SET_ACCOUNT = "update payee set ready = $2, requirements = $3, disabled = $4 where provider_account = $1";
    SET_DETAILS = "update payee set details_secret_id = $2, ready = true where person_id = $1";
    PAUSE = "update payee set paused = $2 where person_id = $1 and paused is null";
    RESUME = "update payee set paused = null where person_id = $1 and paused = $2";
    END_PAUSE = "update payee set paused = null where provider_account = $1 and paused = $2";
    FIND_PAYEE = payees!("person_id = $1");
    FIND_PERSON = "select person_id from payee_account where id = $1";
    /// `cross join` keeps SQLite to the order: from the few with money or a late payout to their accounts, never from all accounts.
    LIST_BUSY = "select payee_account.id from account cross join payee_account
        where account.kind = 'connected:balance' and account.posted <> 0 and payee_account.person_id = account.owner and payee_account.provider = $1
        union select payee_account.id from payout cross join payee_account
        where payout.provider = $1 and payout.state in ('pending', 'paid') and payout.created_ms >= $2
            and payee_account.person_id = payout.person_id and payee_account.provider = $1
        order by 1";
    INSERT_DECISION = "insert into payout_decision (id, person_id, decided_ms, amount_minor, outcome, until_ms) values ($1, $2, $3, $4, $5, $6)";
    LIST_DECISIONS = "select id, decided_ms, amount_minor, outcome, until_ms from payout_decision where person_id = $1 order by decided_ms desc, id desc limit $2";
    LIST_RECENT = "select payout_decision.id, payout_decision.decided_ms, payout_decision.amount_minor, payout_decision.outcome, payout_decision.until_ms, person.handle
        from payout_decision join person on person.id = payout_decision.person_id
        order by payout_decision.decided_ms desc, payout_decision.id desc limit $1";
    FIND_DECISION = "select id, decided_ms, amount_minor, outcome, until_ms from payout_decision where person_id = $1 and id = $2";
    LIST_TRANSFERS = "select listing.title, purchase_line.paid_ms, purchase_line.price_minor, purchase_line.share_minor, outbound_op.amount, outbound_op.state
        from outbound_op
        left join purchase_line on purchase_line.id = outbound_op.order_line
        left join listing on listing.id = purchase_line.listing_id
        where outbound_op.decision_id = $1 and outbound_op.kind in ('transfer', 'manual')
        order by case when purchase_line.id is null then 1 else 0 end, purchase_line.paid_ms, outbound_op.id";
    LAST_PAID = "select max(decided_ms) from payout_decision where person_id = $1 and outcome in ('paid', 'manual')";
    UPSERT_PAYOUT = "insert into payout (id, person_id, provider, amount_minor, state, failure, created_ms, arrives_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (id) do update set state = case when payout.state = 'failed' then 'failed' when payout.state = 'paid' and excluded.state = 'pending' then 'paid' else excluded.state end,
            failure = coalesce(excluded.failure, payout.failure), arrives_ms = excluded.arrives_ms";
    LIST_PAYOUTS = payouts!("where payout.person_id = $1 order by payout.created_ms desc, payout.id desc limit $2");
    FIND_PAYOUT = payouts!("where payout.id = $1");
    INSERT_MANUAL = "insert into payout (id, person_id, provider, amount_minor, state, created_ms) values ($1, $2, 'manual', $3, 'pending', $4)";
    ENTER_PAYOUT = "update payout set reference = $2, entered_by = $3 where id = $1 and state = 'pending'";
    CONFIRM_PAYOUT = "update payout set reference = $2, entered_by = coalesce(entered_by, $3), confirmed_by = $3 where id = $1 and state = 'pending'";
    MOVE_PAYOUT = "update payout set state = $3 where id = $1 and state = $2";
    LIST_MANUAL = payouts!("where payout.provider = 'manual'
            order by case when payout.state = 'pending' then 0 else 1 end, payout.created_ms desc, payout.id limit $1");
    GET_HANDLE = "select handle from person where id = $1";
}

pub(super) async fn count_releases(tx: &mut Tx, line: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_RELEASES, line).map(|row| row.0)
}

pub(super) async fn list_sales(
    tx: &mut Tx,
    payee: &str,
    since_ms: i64,
    state: &str,
    limit: i64,
) -> db::Result<Vec<Sale>> {
    fetch!(
        tx, fetch_all, Sale, LIST_SALES, payee, since_ms, state, limit
    )
}

pub(super) async fn list_best(
    tx: &mut Tx,
    payee: &str,
    since_ms: i64,
    limit: i64,
) -> db::Result<Vec<Earner>> {
    fetch!(tx, fetch_all, Earner, LIST_BEST, payee, since_ms, limit)
}

pub(super) async fn list_payees_with_earnings(tx: &mut Tx) -> db::Result<Vec<String>> {
    let rows = fetch!(tx, fetch_all, (String,), LIST_PAYEES)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn insert_account(
    tx: &mut Tx,
    account: &str,
    person: &str,
    provider: &str,
) -> db::Result<()> {
    execute!(tx, INSERT_ACCOUNT, account, person, provider).map(|_| ())
}

pub(super) async fn upsert_payee(
    tx: &mut Tx,
    person: &str,
    account: &str,
    provider: &str,
    country: &str,
    now_ms: i64,
) -> db::Result<()> {
    insert_account(tx, account, person, provider).await?;
    execute!(tx, UPSERT_PAYEE, person, account, provider, country, now_ms).map(|_| ())
}

pub(super) async fn set_account(
    tx: &mut Tx,
    account: &str,
    ready: bool,
    requirements: &str,
    disabled: Option<&str>,
) -> db::Result<()> {
    execute!(tx, SET_ACCOUNT, account, ready, requirements, disabled).map(|_| ())
}

pub(super) async fn set_details(tx: &mut Tx, person: &str, secret: &str) -> db::Result<()> {
    execute!(tx, SET_DETAILS, person, secret).map(|_| ())
}

pub(super) async fn pause(tx: &mut Tx, person: &str, by: &str) -> db::Result<()> {
    execute!(tx, PAUSE, person, by).map(|_| ())
}

pub(super) async fn resume(tx: &mut Tx, person: &str, by: &str) -> db::Result<()> {
    execute!(tx, RESUME, person, by).map(|_| ())
}

pub(super) async fn end_pause(tx: &mut Tx, account: &str, by: &str) -> db::Result<()> {
    execute!(tx, END_PAUSE, account, by).map(|_| ())
}

pub(super) async fn find_payee(tx: &mut Tx, person: &str) -> db::Result<Option<Payee>> {
    fetch!(tx, fetch_optional, Payee, FIND_PAYEE, person)
}

pub(super) async fn find_person_of_account(
    tx: &mut Tx,
    account: &str,
) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_PERSON, account)?.map(|row| row.0))
}

pub(super) async fn insert_decision(
    tx: &mut Tx,
    id: &str,
    person: &str,
    now_ms: i64,
    amount: i64,
    outcome: &str,
    until_ms: Option<i64>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_DECISION,
        id,
        person,
        now_ms,
        amount,
        outcome,
        until_ms
    )
    .map(|_| ())
}

pub(super) async fn list_decisions(
    tx: &mut Tx,
    person: &str,
    limit: i64,
) -> db::Result<Vec<Decision>> {
    fetch!(tx, fetch_all, Decision, LIST_DECISIONS, person, limit)
}

pub(super) async fn list_recent_decisions(
    tx: &mut Tx,
    limit: i64,
) -> db::Result<Vec<(Decision, String)>> {
    let rows = fetch!(
        tx,
        fetch_all,
        (String, i64, i64, String, Option<i64>, String),
        LIST_RECENT,
        limit
    )?;
    let decisions = rows.into_iter();
    Ok(decisions
        .map(
            |(id, decided_ms, amount_minor, outcome, until_ms, handle)| {
                let decision = Decision {
                    id,
                    decided_ms,
                    amount_minor,
                    outcome,
                    until_ms,
                };
                (decision, handle)
            },
        )
        .collect())
}

pub(super) async fn find_decision(
    tx: &mut Tx,
    person: &str,
    id: &str,
) -> db::Result<Option<Decision>> {
    fetch!(tx, fetch_optional, Decision, FIND_DECISION, person, id)
}

pub(super) async fn list_transfers(tx: &mut Tx, decision: &str) -> db::Result<Vec<Transfer>> {
    fetch!(tx, fetch_all, Transfer, LIST_TRANSFERS, decision)
}

pub(super) async fn last_paid_ms(tx: &mut Tx, person: &str) -> db::Result<Option<i64>> {
    fetch!(tx, fetch_one, (Option<i64>,), LAST_PAID, person).map(|row| row.0)
}

/// States only move forward: pending, paid, failed.
pub(super) async fn upsert_payout(
    tx: &mut Tx,
    payout: &Payout,
    person: &str,
    provider: &str,
    now_ms: i64,
) -> db::Result<()> {
    let state = BankPayoutState::from(payout.state).name();
    execute!(
        tx,
        UPSERT_PAYOUT,
        &payout.id,
        person,
        provider,
        payout.amount_minor,
        state,
        &payout.failure,
        now_ms,
        payout.arrives_ms
    )
    .map(|_| ())
}

pub(super) async fn list_payouts(
    tx: &mut Tx,
    person: &str,
    limit: i64,
) -> db::Result<Vec<BankPayout>> {
    fetch!(tx, fetch_all, BankPayout, LIST_PAYOUTS, person, limit)
}

pub(super) async fn find_payout(tx: &mut Tx, id: &str) -> db::Result<Option<BankPayout>> {
    fetch!(tx, fetch_optional, BankPayout, FIND_PAYOUT, id)
}

pub(super) async fn insert_manual_payout(
    tx: &mut Tx,
    id: &str,
    person: &str,
    amount: i64,
    now_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_MANUAL, id, person, amount, now_ms).map(|_| ())
}

pub(super) async fn enter_payout(
    tx: &mut Tx,
    id: &str,
    reference: &str,
    operator: &str,
) -> db::Result<()> {
    execute!(tx, ENTER_PAYOUT, id, reference, operator).map(|_| ())
}

pub(super) async fn confirm_payout(
    tx: &mut Tx,
    id: &str,
    reference: &str,
    operator: &str,
) -> db::Result<()> {
    execute!(tx, CONFIRM_PAYOUT, id, reference, operator).map(|_| ())
}

/// Takes a payout a step on, as long as it is what the caller read. `false` when something else came first.
pub(super) async fn move_payout(
    tx: &mut Tx,
    payout: &BankPayout,
    state: BankPayoutState,
) -> db::Result<bool> {
    let (from, to) = (payout.state.name(), state.name());
    if !payout.state.may_become(state) {
        return Err(db::Error::impossible(format!(
            "the payout {} from {from} to {to}",
            payout.id
        )));
    }
    execute!(tx, MOVE_PAYOUT, &payout.id, from, to).map(|rows| rows == 1)
}

pub(super) async fn list_manual(tx: &mut Tx, limit: i64) -> db::Result<Vec<(BankPayout, String)>> {
    let mut found = Vec::new();
    for payout in fetch!(tx, fetch_all, BankPayout, LIST_MANUAL, limit)? {
        let handle = fetch!(tx, fetch_one, (String,), GET_HANDLE, &payout.person_id)?.0;
        found.push((payout, handle));
    }
    Ok(found)
}

/// Accounts with money in them, or with a payout that may still change: paid ones fail up to a week later.
pub(super) async fn list_busy_accounts(tx: &mut Tx, provider: &str) -> db::Result<Vec<String>> {
    let since = base::random::real_now_ms() - 10 * base::clock::DAY_MS;
    let rows = fetch!(tx, fetch_all, (String,), LIST_BUSY, provider, since)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn find_sale(tx: &mut Tx, payee: &str, id: &LineId) -> db::Result<Option<Sale>> {
    fetch!(tx, fetch_optional, Sale, FIND_SALE, payee, id.as_str())
}

pub(super) async fn delete_payee(tx: &mut Tx, person: &str) -> db::Result<()> {
    execute!(tx, DELETE_PAYEE, person).map(|_| ())
}

pub(super) async fn count_accounts(tx: &mut Tx, person: &str, provider: &str) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_ACCOUNTS, person, provider).map(|row| row.0)
}
