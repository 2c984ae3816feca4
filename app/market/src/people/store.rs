//! SQL of people, sessions and keys.

use base::db::{self, Tx, execute, fetch, statements};
use base::lang::Lang;
use schema::id::PersonId;

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Person {
    #[sqlx(try_from = "String")]
    pub id: PersonId,
    pub email: String,
    pub handle: String,
    pub role: String,
    pub created_ms: i64,
}

statements! {
    INSERT = "insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms, language)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    FIND_EMAIL = "select email from person where id = $1";
    GET = "select id, email, handle, role, created_ms from person where id = $1";
    FIND_CREDENTIALS = "select id, password_hash from person where email_folded = $1";
    INSERT_SESSION = "insert into session (id_hash, person_id, created_ms, seen_ms, expires_ms, confirmed_ms) values ($1, $2, $3, $3, $4, $5)";
    FIND_SESSION = "select person.id, person.email, person.handle, person.role, person.created_ms, session.seen_ms, session.confirmed_ms,
            exists (select 1 from draft where draft.person_id = person.id) or exists (select 1 from listing where listing.person_id = person.id) as creates
        from session join person on person.id = session.person_id
        where session.id_hash = $1 and session.expires_ms > $2 and session.seen_ms > $3";
    TOUCH_SESSION = "update session set seen_ms = $2 where id_hash = $1";
    CONFIRM_SESSION = "update session set confirmed_ms = $3 where id_hash = $1 and person_id = $2";
    FORGET_SESSIONS = "delete from session where expires_ms < $1";
    FORGET_TOKENS = "delete from mail_token where expires_ms < $1";
    DELETE_SESSION = "delete from session where id_hash = $1";
    SET_ROLE = "update person set role = $2 where email_folded = $1";
    SET_GUEST = "update person set guest = $2 where id = $1";
    GET_GUEST = "select email, email_folded, address_folded, guest, language, proven_ms from person where id = $1";
    PROVE = "update person set proven_ms = coalesce(proven_ms, $2) where id = $1";
    /// A visitor's row whose paid order nobody has taken over yet.
    FIND_VISITOR = "select person.id from person where person.address_folded = $1 and person.guest and person.email_folded <> person.address_folded
            and exists (select 1 from purchase where purchase.person_id = person.id and purchase.state = 'paid')
        order by person.created_ms desc, person.id limit 1";
    /// Of somebody who published nothing: what a key signed is its owner's for good.
    DROP_IDLE_KEYS = "delete from creator_key where person_id = $1
        and not exists (select 1 from key_end where key_end.key_hash = creator_key.key_hash)
        and not exists (select 1 from listing where listing.person_id = $1)";
    TAKE_ADDRESS = "update person set email_folded = address_folded where id = $1";
    SET_HANDLE = "update person set handle = $2 where id = $1";
    END_TOKENS = "delete from mail_token where person_id = $1 and purpose = $2";
    DELETE_TOKENS = "delete from mail_token where person_id = $1";
    SET_PASSWORD = "update person set password_hash = $2 where id = $1";
    DELETE_SESSIONS = "delete from session where person_id = $1";
    INSERT_TOKEN = "insert into mail_token (token_hash, person_id, purpose, expires_ms) values ($1, $2, $3, $4)";
    FIND_TOKEN = "select person_id from mail_token where token_hash = $1 and purpose = $2 and used_ms is null and expires_ms > $3";
    USE_TOKEN = "update mail_token set used_ms = $3 where token_hash = $1 and purpose = $2 and used_ms is null and expires_ms > $3 returning person_id";
    GET_PASSWORD_HASH = "select password_hash from person where id = $1";
}

#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    #[sqlx(flatten)]
    pub(super) person: Person,
    pub(super) seen_ms: i64,
    pub(super) confirmed_ms: Option<i64>,
    pub(super) creates: bool,
}

pub(super) async fn find_email(tx: &mut Tx, person: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_EMAIL, person)?.map(|row| row.0))
}

pub(super) async fn insert(
    tx: &mut Tx,
    person: &Person,
    folded: &str,
    address_folded: &str,
    hash: &str,
    lang: Lang,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT,
        person.id.as_str(),
        &person.email,
        folded,
        address_folded,
        &person.handle,
        hash,
        &person.role,
        person.created_ms,
        lang.tag()
    )
    .map(|_| ())
}

pub(super) async fn get(tx: &mut Tx, id: &str) -> db::Result<Person> {
    fetch!(tx, fetch_one, Person, GET, id)
}

pub(super) async fn find_credentials(
    tx: &mut Tx,
    folded: &str,
) -> db::Result<Option<(String, String)>> {
    fetch!(
        tx,
        fetch_optional,
        (String, String),
        FIND_CREDENTIALS,
        folded
    )
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    hash: &str,
    person: &str,
    now_ms: i64,
    expires_ms: i64,
    confirmed_ms: Option<i64>,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_SESSION,
        hash,
        person,
        now_ms,
        expires_ms,
        confirmed_ms
    )
    .map(|_| ())
}

pub(super) async fn confirm_session(
    tx: &mut Tx,
    hash: &str,
    person: &str,
    now_ms: i64,
) -> db::Result<bool> {
    execute!(tx, CONFIRM_SESSION, hash, person, now_ms).map(|rows| rows == 1)
}

pub(super) async fn find_session(
    tx: &mut Tx,
    hash: &str,
    now_ms: i64,
    idle_since_ms: i64,
) -> db::Result<Option<SessionRow>> {
    fetch!(
        tx,
        fetch_optional,
        SessionRow,
        FIND_SESSION,
        hash,
        now_ms,
        idle_since_ms
    )
}

pub(super) async fn touch_session(tx: &mut Tx, hash: &str, now_ms: i64) -> db::Result<()> {
    execute!(tx, TOUCH_SESSION, hash, now_ms).map(|_| ())
}

pub(super) async fn delete_session(tx: &mut Tx, hash: &str) -> db::Result<()> {
    execute!(tx, DELETE_SESSION, hash).map(|_| ())
}

pub(super) async fn get_password_hash(tx: &mut Tx, person: &str) -> db::Result<String> {
    fetch!(tx, fetch_one, (String,), GET_PASSWORD_HASH, person).map(|row| row.0)
}

pub(super) async fn set_role(tx: &mut Tx, folded: &str, role: &str) -> db::Result<bool> {
    execute!(tx, SET_ROLE, folded, role).map(|rows| rows == 1)
}

pub(super) async fn set_guest(tx: &mut Tx, person: &str, guest: bool) -> db::Result<()> {
    execute!(tx, SET_GUEST, person, guest).map(|_| ())
}

/// An address, and whether its owner ever proved it.
#[derive(sqlx::FromRow)]
pub(super) struct GuestRow {
    pub(super) email: String,
    /// By what the account is found; the row's id until somebody paid.
    pub(super) email_folded: String,
    pub(super) address_folded: String,
    pub(super) guest: bool,
    pub(super) language: String,
    /// Since when the address is known to be theirs.
    pub(super) proven_ms: Option<i64>,
}

pub(super) async fn get_guest(tx: &mut Tx, person: &str) -> db::Result<GuestRow> {
    fetch!(tx, fetch_one, GuestRow, GET_GUEST, person)
}

pub(super) async fn take_address(tx: &mut Tx, person: &str) -> db::Result<()> {
    execute!(tx, TAKE_ADDRESS, person).map(|_| ())
}

pub(super) async fn set_handle(tx: &mut Tx, person: &str, handle: &str) -> db::Result<()> {
    execute!(tx, SET_HANDLE, person, handle).map(|_| ())
}

pub(super) async fn delete_tokens(tx: &mut Tx, person: &str) -> db::Result<()> {
    execute!(tx, DELETE_TOKENS, person).map(|_| ())
}

pub(super) async fn set_password(tx: &mut Tx, person: &str, hash: &str) -> db::Result<()> {
    execute!(tx, SET_PASSWORD, person, hash).map(|_| ())
}

pub(super) async fn delete_sessions(tx: &mut Tx, person: &str) -> db::Result<()> {
    execute!(tx, DELETE_SESSIONS, person).map(|_| ())
}

pub(super) async fn insert_token(
    tx: &mut Tx,
    hash: &str,
    person: &str,
    purpose: &str,
    expires_ms: i64,
) -> db::Result<()> {
    execute!(tx, INSERT_TOKEN, hash, person, purpose, expires_ms).map(|_| ())
}

pub(super) async fn find_token(
    tx: &mut Tx,
    hash: &str,
    purpose: &str,
    now_ms: i64,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        FIND_TOKEN,
        hash,
        purpose,
        now_ms
    )?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn use_token(
    tx: &mut Tx,
    hash: &str,
    purpose: &str,
    now_ms: i64,
) -> db::Result<Option<String>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (String,),
        USE_TOKEN,
        hash,
        purpose,
        now_ms
    )?;
    Ok(row.map(|row| row.0))
}

/// Forgets sessions and mailed links that are over.
pub(super) async fn forget(tx: &mut Tx, now_ms: i64) -> db::Result<()> {
    execute!(tx, FORGET_SESSIONS, now_ms)?;
    execute!(tx, FORGET_TOKENS, now_ms).map(|_| ())
}

pub(super) async fn prove(tx: &mut Tx, person: &str, now_ms: i64) -> db::Result<()> {
    execute!(tx, PROVE, person, now_ms).map(|_| ())
}

pub(super) async fn find_visitor(tx: &mut Tx, address: &str) -> db::Result<Option<String>> {
    Ok(fetch!(tx, fetch_optional, (String,), FIND_VISITOR, address)?.map(|row| row.0))
}

pub(super) async fn drop_idle_keys(tx: &mut Tx, person: &str) -> db::Result<()> {
    execute!(tx, DROP_IDLE_KEYS, person).map(|_| ())
}

pub(super) async fn end_tokens(tx: &mut Tx, person: &str, purpose: &str) -> db::Result<()> {
    execute!(tx, END_TOKENS, person, purpose).map(|_| ())
}
