//! Buying without sign-up: an account that belongs to whoever can read the mail to its address.
//!
//! The one rule: until the mailed link was opened, the account is only in the browser that bought; opening the link sets a password
//! and ends every other session, so that nobody who typed somebody else's address keeps a foot in the door.

use super::password;
use super::service::{
    Error, Person, fold, on_blocking_thread, open_session, parse_email, token_hash,
};
use super::store;
use crate::db::{Db, Tx};
use crate::mail::{self, Mail};
use crate::ui::lang::Lang;
use crate::vault::Vault;
use crate::web::form;
use crate::{limits, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schema::failure::FieldError;

/// A mailed link opens an account for so long.
const LINK_MS: i64 = 7 * crate::clock::DAY_MS;
/// What the link is for.
const CLAIM: &str = "claim";

/// A guest and the session of the browser that bought.
pub struct Guest {
    pub person: String,
    /// The cookie's value.
    pub session: String,
}

/// Makes an account for an address that has none; the same cart gets the same guest again, as after a double click.
///
/// # Errors
/// [`Error::Invalid`] with the code `email` or `email-taken`; [`Error::TooMany`] from one network address.
pub async fn open(
    db: &Db,
    email: &str,
    cart: &str,
    lang: Lang,
    address: &str,
) -> Result<Guest, Error> {
    let email = parse_email(email).ok_or_else(|| Error::invalid("email", "email"))?;
    let folded = fold(email);
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    let known = form::find_answer(&mut tx, cart, "guest", &folded).await?;
    tx.commit().await?;
    if !allowed {
        return Err(Error::TooMany);
    }
    let person = match known {
        Some(person) => person,
        None => insert(db, email, &folded, cart, lang).await?,
    };
    let session = open_session(db, &person, false).await?;
    Ok(Guest { person, session })
}

async fn insert(
    db: &Db,
    email: &str,
    folded: &str,
    cart: &str,
    lang: Lang,
) -> Result<String, Error> {
    // Nobody knows it, the guest included: the mailed link sets one.
    let unknown = hex::encode(random::bytes::<32>());
    let hash = on_blocking_thread(move || password::hash(&unknown)).await;
    let id = random::id();
    let person = Person {
        id: id.clone(),
        email: email.into(),
        handle: format!("guest-{}", hex::encode(random::bytes::<6>())),
        role: "member".into(),
        created_ms: random::real_now_ms(),
    };
    let mut tx = db.write().await?;
    if let Err(error) = store::insert(&mut tx, &person, folded, &hash, lang).await {
        drop(tx);
        // The other half of a double click made it a moment ago.
        let mut tx = db.read().await?;
        if let Some(person) = form::find_answer(&mut tx, cart, "guest", folded).await? {
            return Ok(person);
        }
        return Err(match error.violation() {
            Some(_) => Error::Invalid(vec![FieldError::new("email", "email-taken")]),
            None => error.into(),
        });
    }
    store::set_guest(&mut tx, &id, true).await?;
    form::note_answer(&mut tx, cart, "guest", folded, &id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Whether an account was made by a purchase and not claimed yet.
///
/// # Errors
/// When the database fails.
pub async fn is_guest(tx: &mut Tx, person: &str) -> crate::db::Result<bool> {
    store::is_guest(tx, person).await
}

/// Queues the mail with the link that claims a guest's account, in the language in which they bought and in the transaction of the
/// purchase. Nothing for others.
///
/// # Errors
/// When the vault or the database fails.
pub async fn queue_claim(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    public_url: &str,
) -> anyhow::Result<()> {
    if !store::is_guest(tx, person).await? {
        return Ok(());
    }
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let now = random::real_now_ms();
    store::insert_token(tx, &token_hash(&token), person, CLAIM, now + LINK_MS).await?;
    let to = store::get(tx, person).await?.email;
    let lang = Lang::of_tag(&store::get_language(tx, person).await?);
    let link = format!(
        "{public_url}{}",
        lang.path(&format!("/account/claim/{token}"))
    );
    let mail = Mail {
        to,
        subject: lang.text("mail-claim-subject"),
        text: lang.with("mail-claim-text", &[("link", link.into())]),
    };
    mail::queue(tx, vault, &mail, now).await?;
    Ok(())
}

/// Whether a mailed link still opens an account.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(tx: &mut Tx, token: &str) -> crate::db::Result<Option<String>> {
    store::find_token(tx, &token_hash(token), CLAIM, random::real_now_ms()).await
}

/// Sets the password of a guest who opened the mailed link, ends every session, and opens a new one. Returns the cookie's value.
///
/// # Errors
/// [`Error::NotFound`] for a link that is used or over; [`Error::Invalid`] for a password that is too short.
pub async fn claim(db: &Db, token: &str, password: &str) -> Result<String, Error> {
    if !password::is_acceptable(password) {
        return Err(Error::invalid("password", "password"));
    }
    let mut tx = db.read().await?;
    find_claim(&mut tx, token).await?.ok_or(Error::NotFound)?;
    drop(tx);
    let password = password.to_owned();
    let hash = on_blocking_thread(move || password::hash(&password)).await;
    let mut tx = db.write().await?;
    let now = random::real_now_ms();
    let person = store::use_token(&mut tx, &token_hash(token), CLAIM, now)
        .await?
        .ok_or(Error::NotFound)?;
    store::set_password(&mut tx, &person, &hash).await?;
    store::set_guest(&mut tx, &person, false).await?;
    store::delete_sessions(&mut tx, &person).await?;
    tx.commit().await?;
    open_session(db, &person, true).await
}
