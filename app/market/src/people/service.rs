//! Rules of accounts, sessions and keys.

pub use super::store::Person;
use super::{password, store};
use crate::log::keys;
use base::db::{self, Db, Tx, Violation};
use base::lang::Lang;
use base::limits::{self, Limit};
use base::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schema::digest::Digest;
use schema::failure::{Code, FieldError};
use schema::id::PersonId;
use std::sync::LazyLock;
use thiserror::Error as ThisError;
use tokio::sync::Semaphore;

const SESSION_MS: i64 = 90 * 86_400_000;
const IDLE_MS: i64 = 14 * 86_400_000;
/// The last use is written at most this often: SQLite has one writer.
const SEEN_MS: i64 = 5 * 60_000;

/// Argon2 takes 19 MiB and a core each; more than two at once would starve the pages.
static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// What can go wrong with an account.
#[derive(Debug, ThisError)]
pub enum Error {
    /// Fields of a form.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// E-mail or password is wrong; nothing says which.
    #[error("wrong e-mail or password")]
    WrongCredentials,
    /// Too many tries.
    #[error("too many tries")]
    TooMany(Limit),
    /// The key belongs to somebody else.
    #[error("the key belongs to another account")]
    KeyTaken,
    /// No such key, or somebody else's.
    #[error("no such key")]
    NotFound,
    /// Something that belongs to the account failed.
    #[error("{0}")]
    Internal(String),
    /// A mail cannot be queued.
    #[error("mail: {0}")]
    Mail(String),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] crate::log::service::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl From<keys::Error> for Error {
    fn from(error: keys::Error) -> Self {
        match error {
            keys::Error::Invalid(fields) => Self::Invalid(fields),
            keys::Error::KeyTaken => Self::KeyTaken,
            keys::Error::NotFound => Self::NotFound,
            keys::Error::Log(error) => Self::Log(error),
            keys::Error::Store(error) => Self::Store(error),
        }
    }
}

impl From<money::Error> for Error {
    fn from(error: money::Error) -> Self {
        match error {
            money::Error::Store(error)
            | money::Error::Books(money::books::service::Error::Store(error)) => Self::Store(error),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl Error {
    /// The situation on the wire.
    #[must_use]
    pub(super) fn invalid(field: &str, code: &str) -> Self {
        Self::Invalid(vec![FieldError::new(field, code)])
    }

    /// The code for the outside.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::WrongCredentials => Code::Invalid,
            Self::TooMany(_) => Code::TooMany,
            Self::KeyTaken => Code::Conflict,
            Self::NotFound => Code::NotFound,
            Self::Store(_) | Self::Log(_) | Self::Mail(_) | Self::Internal(_) => Code::Internal,
        }
    }
}

impl Person {
    /// Whether they may open the operator's pages.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.role == "operator"
    }
}

/// A form that was read.
pub struct NewPerson {
    email: String,
    handle: String,
    password: String,
}

impl NewPerson {
    /// Checks the form of a sign-up.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn parse(email: &str, handle: &str, password: &str) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        let email = parse_email(email).unwrap_or_else(|| {
            wrong.push(FieldError::new("email", "email"));
            String::new()
        });
        let handle = handle.trim();
        if let Err(code) = parse_handle(handle) {
            wrong.push(FieldError::new("handle", code));
        }
        if let Some(fault) = password::fault(password, &[&email, handle]) {
            wrong.push(FieldError::new("password", fault));
        }
        if wrong.is_empty() {
            Ok(Self {
                email,
                handle: handle.into(),
                password: password.into(),
            })
        } else {
            Err(Error::Invalid(wrong))
        }
    }
}

/// Names that would pass for the shop's own.
const RESERVED: [&str; 24] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "api",
    "billing",
    "contact",
    "help",
    "info",
    "legal",
    "mail",
    "moderator",
    "money",
    "operator",
    "payments",
    "postmaster",
    "privacy",
    "root",
    "security",
    "seedmark",
    "shop",
    "staff",
    "support",
    "system",
];

/// A name that somebody may have: 3 to 24 small letters, digits and inner hyphens, and none that passes for ours.
///
/// # Errors
/// The field's code: `handle` for its form, `taken` for ours.
pub(super) fn parse_handle(handle: &str) -> Result<&str, &'static str> {
    let fits = (3..=24).contains(&handle.len())
        && handle
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !handle.starts_with('-')
        && !handle.ends_with('-');
    let plain = handle.replace('-', "");
    let ours = RESERVED.contains(&plain.as_str()) || plain.starts_with("seedmark");
    match fits {
        false => Err("handle"),
        true if ours || handle.starts_with("guest-") => Err("taken"),
        true => Ok(handle),
    }
}

/// An address that mail can be sent to, without spaces around it and in composed letters: read by what sends it, so that none is taken
/// that cannot be reached. No display name, no quoted local part, and a host with a dot. Mail goes to the composed spelling: where two
/// spellings are one account, they are one mailbox too, or a link would be mailed past its owner.
pub(super) fn parse_email(email: &str) -> Option<String> {
    use unicode_normalization::UnicodeNormalization as _;
    let email: String = email.trim().nfc().collect();
    if email.len() > 254 || email.contains(['"', '<', '>', '(', ')', ',', ';']) {
        return None;
    }
    let parsed: lettre::Address = email.parse().ok()?;
    let host = parsed.domain();
    let dotted = host.contains('.') && !host.split('.').any(str::is_empty);
    dotted.then_some(email)
}

/// An address as it is compared: composed letters, small ones, so that one mailbox is one account.
pub(super) fn fold(email: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    email.trim().nfc().collect::<String>().to_lowercase()
}

pub(super) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let _permit = HASHING
        .acquire()
        .await
        .expect("the semaphore is never closed");
    tokio::task::spawn_blocking(work)
        .await
        .expect("hashing does not panic")
}

/// Makes an account. The demo makes an operator; everybody else is a member.
///
/// # Errors
/// [`Error::Invalid`] for an address or handle that is taken, [`Error::TooMany`] from one network address.
pub async fn sign_up(
    db: &Db,
    new: NewPerson,
    role: &str,
    lang: Lang,
    address: &str,
) -> Result<PersonId, Error> {
    let NewPerson {
        email,
        handle,
        password,
    } = new;
    // Counted and kept before the costly part, and whatever comes of it.
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    tx.commit().await?;
    if !allowed {
        return Err(Error::TooMany(limits::ADDRESS));
    }
    let hash = on_blocking_thread(move || password::hash(&password)).await;
    let mut tx = db.write().await?;
    let person = Person {
        id: random::id_of(),
        email: email.clone(),
        handle,
        role: role.into(),
        created_ms: random::real_now_ms(),
    };
    if let Err(error) =
        store::insert(&mut tx, &person, &fold(&email), &fold(&email), &hash, lang).await
    {
        return Err(match error.violation() {
            Some(Violation::Unique(name)) if name == "person_handle_key" => {
                Error::Invalid(vec![FieldError::new("handle", "taken")])
            }
            Some(Violation::Unique(_)) => Error::invalid("email", "email-taken"),
            _ => error.into(),
        });
    }
    tx.commit().await?;
    Ok(person.id)
}

/// What a try at a password is counted by.
struct Counted(Vec<(Limit, String)>);

impl Counted {
    /// Signing in.
    fn sign_in(folded: &str, address: &str) -> Self {
        let digest = |text: String| Digest::sha256(text.as_bytes()).hex();
        Self(vec![
            (limits::SIGN_IN, digest(format!("{folded}\0{address}"))),
            (limits::SIGN_IN_ANYWHERE, digest(folded.to_owned())),
            (limits::ADDRESS, address.to_owned()),
        ])
    }

    /// The password again, of somebody who is signed in.
    fn again(person: &str, address: &str) -> Self {
        Self(vec![
            (limits::SIGN_IN, person.to_owned()),
            (limits::ADDRESS, address.to_owned()),
        ])
    }

    /// Counts one, and returns the limit that refuses it.
    async fn count(&self, tx: &mut Tx) -> db::Result<Option<Limit>> {
        let mut refused = None;
        for (limit, subject) in &self.0 {
            if !limits::allow(tx, *limit, subject).await? {
                refused = Some(*limit);
            }
        }
        Ok(refused)
    }

    /// Only wrong ones count: nobody locks themselves out by being right.
    async fn forget(&self, db: &Db) -> db::Result<()> {
        let mut tx = db.write().await?;
        for (limit, subject) in &self.0 {
            limits::allow_many(&mut tx, *limit, subject, -1).await?;
        }
        tx.commit().await
    }
}

/// Checks credentials and opens a session; returns the cookie's value.
///
/// # Errors
/// [`Error::WrongCredentials`], taking equally long for unknown people; [`Error::TooMany`].
pub async fn sign_in(db: &Db, email: &str, password: &str, address: &str) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let folded = fold(email);
    let counted = Counted::sign_in(&folded, address);
    let refused = counted.count(&mut tx).await?;
    let found = store::find_credentials(&mut tx, &folded).await?;
    tx.commit().await?;
    if let Some(limit) = refused {
        return Err(Error::TooMany(limit));
    }
    let (id, hash) = found.map_or((None, None), |(id, hash)| (Some(id), Some(hash)));
    let password = password.to_owned();
    let right = on_blocking_thread(move || {
        password.len() <= password::MAX_BYTES && password::verify(&password, hash.as_deref())
    })
    .await;
    match id {
        Some(id) if right => {
            counted.forget(db).await?;
            open_session(db, &id, true).await
        }
        _ => Err(Error::WrongCredentials),
    }
}

/// Checks the password of somebody who is signed in, before something that cannot be undone.
///
/// # Errors
/// [`Error::WrongCredentials`]; [`Error::TooMany`].
pub async fn check_password(
    db: &Db,
    person: &str,
    password: &str,
    address: &str,
) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let counted = Counted::again(person, address);
    let refused = counted.count(&mut tx).await?;
    let hash = store::get_password_hash(&mut tx, person).await?;
    tx.commit().await?;
    if let Some(limit) = refused {
        return Err(Error::TooMany(limit));
    }
    let password = password.to_owned();
    let right = on_blocking_thread(move || {
        password.len() <= password::MAX_BYTES && password::verify(&password, Some(&hash))
    })
    .await;
    if !right {
        return Err(Error::WrongCredentials);
    }
    Ok(counted.forget(db).await?)
}

/// A password counts as given for so long.
const CONFIRMED_MS: i64 = 10 * 60_000;

/// Takes the password of somebody who is signed in: for ten minutes this session may do what moves money or cannot be undone.
///
/// # Errors
/// [`Error::WrongCredentials`]; [`Error::TooMany`].
pub async fn confirm(
    db: &Db,
    token: &str,
    person: &str,
    password: &str,
    address: &str,
) -> Result<(), Error> {
    check_password(db, person, password, address).await?;
    let mut tx = db.write().await?;
    let (hash, now) = (token_hash(token), random::real_now_ms());
    let confirmed = store::confirm_session(&mut tx, &hash, person, now).await?;
    tx.commit().await?;
    match confirmed {
        true => Ok(()),
        false => Err(Error::WrongCredentials),
    }
}

/// Opens a session for a person; the token is in the cookie only. `confirmed` says whether the password was given just now.
///
/// # Errors
/// When the database fails.
pub async fn open_session(db: &Db, person: &str, confirmed: bool) -> Result<String, Error> {
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let now = random::real_now_ms();
    let mut tx = db.write().await?;
    let confirmed_ms = confirmed.then_some(now);
    let hash = token_hash(&token);
    store::insert_session(&mut tx, &hash, person, now, now + SESSION_MS, confirmed_ms).await?;
    tx.commit().await?;
    Ok(token)
}

pub(super) fn token_hash(token: &str) -> String {
    Digest::sha256(token.as_bytes()).hex()
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub person: Person,
    /// Whether the password was given lately.
    pub confirmed: bool,
    /// Whether they have a draft or a listing.
    pub creates: bool,
}

/// Who a session cookie belongs to, if it is still good.
///
/// # Errors
/// When the database fails.
pub async fn find_session(db: &Db, token: &str) -> Result<Option<Session>, Error> {
    let (hash, now) = (token_hash(token), random::real_now_ms());
    let mut tx = db.read().await?;
    let Some(row) = store::find_session(&mut tx, &hash, now, now - IDLE_MS).await? else {
        return Ok(None);
    };
    drop(tx);
    if row.seen_ms < now - SEEN_MS {
        let mut tx = db.write().await?;
        store::touch_session(&mut tx, &hash, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Session {
        person: row.person,
        creates: row.creates,
        confirmed: row.confirmed_ms.is_some_and(|ms| ms > now - CONFIRMED_MS),
    }))
}

/// Ends a session.
///
/// # Errors
/// When the database fails.
pub async fn sign_out(db: &Db, token: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    store::delete_session(&mut tx, &token_hash(token)).await?;
    tx.commit().await?;
    Ok(())
}

/// A person by id.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get_person(tx: &mut Tx, id: &str) -> db::Result<Person> {
    store::get(tx, id).await
}

/// The id behind a folded e-mail address; the demo looks its people up by it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_email(tx: &mut Tx, email: &str) -> db::Result<Option<String>> {
    Ok(store::find_credentials(tx, &fold(email))
        .await?
        .map(|row| row.0))
}

/// Gives an account the operator's role. `false` when there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn make_operator(db: &Db, email: &str, even_unproven: bool) -> db::Result<Made> {
    let mut tx = db.write().await?;
    let Some((person, _)) = store::find_credentials(&mut tx, &fold(email)).await? else {
        return Ok(Made::NoAccount);
    };
    if !even_unproven && !is_proven(&mut tx, &person).await? {
        return Ok(Made::Unproven);
    }
    store::set_role(&mut tx, &fold(email), "operator").await?;
    tx.commit().await?;
    Ok(Made::Operator)
}

/// What came of making an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Operator,
    NoAccount,
    /// Anybody may have signed up with that address.
    Unproven,
}

/// Notes that an account's address is its owner's.
///
/// # Errors
/// When the database fails.
pub async fn prove(tx: &mut Tx, person: &str) -> db::Result<()> {
    store::prove(tx, person, random::real_now_ms()).await
}

/// Forgets sessions and mailed links that are over.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx) -> db::Result<()> {
    store::forget(tx, random::real_now_ms()).await
}

/// The address of a person, if there is such a person.
///
/// # Errors
/// When the database fails.
pub async fn find_email(tx: &mut Tx, person: &str) -> db::Result<Option<String>> {
    store::find_email(tx, person).await
}

/// Whether the address of an account is known to be its owner's: somebody opened a link that was mailed to it.
///
/// # Errors
/// When the database fails.
pub async fn is_proven(tx: &mut Tx, person: &str) -> db::Result<bool> {
    Ok(store::get_guest(tx, person).await?.proven_ms.is_some())
}
