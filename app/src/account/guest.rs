//! Buying without sign-up, and mailed links: an account belongs to whoever can read the mail to its address.
//!
//! The one rule: nothing but a mailed link lets anybody into an account without its password. What a visitor types makes no session,
//! and holds no address before it was paid for.

use super::password;
use super::service::{
    Error, Person, fold, on_blocking_thread, open_session, parse_email, parse_handle, token_hash,
};
use super::store;
use crate::db::{self, Db, Tx, Violation};
use crate::mail::{self, Mail};
use crate::ui::lang::Lang;
use crate::vault::Vault;
use crate::{limits, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A mailed link opens an account for so long.
const LINK_MS: i64 = 7 * crate::clock::DAY_MS;
/// What the link is for.
const CLAIM: &str = "claim";
/// What stands where a password's hash would: no password fits it.
const NO_PASSWORD: &str = "!";

/// Counts a visitor's try to order, whatever comes of it.
///
/// # Errors
/// [`Error::TooMany`] from one network address.
pub async fn count_try(db: &Db, address: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    tx.commit().await?;
    match allowed {
        true => Ok(()),
        false => Err(Error::TooMany),
    }
}

/// Makes the row that a visitor's order hangs on. It has the typed address for the receipt, but not its name: no sign-in, no sign-up
/// and no other order finds it, and it has no session.
///
/// # Errors
/// [`Error::Invalid`] with the code `email`.
pub async fn open(tx: &mut Tx, email: &str, lang: Lang) -> Result<String, Error> {
    let email = parse_email(email).ok_or_else(|| Error::invalid("email", "email"))?;
    let id = random::id();
    let person = Person {
        id: id.clone(),
        email: email.into(),
        handle: format!("guest-{}", hex::encode(random::bytes::<6>())),
        role: "member".into(),
        created_ms: random::real_now_ms(),
    };
    store::insert(tx, &person, &id, &fold(email), NO_PASSWORD, lang).await?;
    store::set_guest(tx, &id, true).await?;
    Ok(id)
}

/// Whether an address was only typed: nobody paid with it, and nobody opened a mailed link.
///
/// # Errors
/// When the database fails.
pub async fn is_unproven(tx: &mut Tx, person: &str) -> db::Result<bool> {
    let row = store::get_guest(tx, person).await?;
    Ok(row.guest && row.email_folded != row.address_folded)
}

/// Whose order a visitor's becomes once it is paid: the account of the address, or from now on the visitor's own row, which takes the
/// address then. Others keep theirs.
///
/// # Errors
/// When the database fails.
pub async fn owner_of(tx: &mut Tx, person: &str) -> db::Result<String> {
    let row = store::get_guest(tx, person).await?;
    if !row.guest || row.email_folded == row.address_folded {
        return Ok(person.to_owned());
    }
    if let Some((owner, _)) = store::find_credentials(tx, &row.address_folded).await? {
        return Ok(owner);
    }
    store::take_address(tx, person).await?;
    Ok(person.to_owned())
}

/// Tells the owner of an address what was bought with it, in the language of the order and in the transaction of the purchase: with a
/// link that opens the account, while nobody has set a password, else with the way to the library.
///
/// # Errors
/// When the vault or the database fails.
pub async fn queue_mail(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    public_url: &str,
) -> anyhow::Result<()> {
    let row = store::get_guest(tx, person).await?;
    let lang = Lang::of_tag(&row.language);
    if row.guest {
        return queue_link(tx, vault, person, BOUGHT, public_url).await;
    }
    let link = format!("{public_url}{}", lang.path("/library"));
    let mail = Mail {
        to: row.email,
        subject: lang.text("mail-bought-subject"),
        text: lang.with("mail-bought-text", &[("link", link.into())]),
    };
    mail::queue(tx, vault, &mail, random::real_now_ms()).await?;
    Ok(())
}

/// The texts of a mail with a link: its subject and its body.
type LinkTexts = (&'static str, &'static str);
const BOUGHT: LinkTexts = ("mail-claim-subject", "mail-claim-text");
const ASKED: LinkTexts = ("mail-link-subject", "mail-link-text");

/// Queues a mail with a link that sets a password.
async fn queue_link(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    (subject, text): LinkTexts,
    public_url: &str,
) -> anyhow::Result<()> {
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let now = random::real_now_ms();
    store::insert_token(tx, &token_hash(&token), person, CLAIM, now + LINK_MS).await?;
    let row = store::get_guest(tx, person).await?;
    let lang = Lang::of_tag(&row.language);
    let link = format!(
        "{public_url}{}",
        lang.path(&format!("/account/claim/{token}"))
    );
    let mail = Mail {
        to: row.email,
        subject: lang.text(subject),
        text: lang.with(text, &[("link", link.into())]),
    };
    mail::queue(tx, vault, &mail, now).await?;
    Ok(())
}

/// Mails a link to an address, if it has an account or purchases. Whoever asks learns nothing about that.
///
/// # Errors
/// [`Error::Invalid`] for what is no address; [`Error::TooMany`] from one network address.
pub async fn send_link(
    db: &Db,
    vault: &Vault,
    email: &str,
    public_url: &str,
    address: &str,
) -> Result<(), Error> {
    let email = parse_email(email).ok_or_else(|| Error::invalid("email", "email"))?;
    let folded = fold(email);
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    // One address gets so many whoever asks; more would only fill a stranger's mailbox.
    let mails = limits::allow(&mut tx, limits::LINK, &token_hash(&folded)).await?;
    if allowed
        && mails
        && let Some((person, _)) = store::find_credentials(&mut tx, &folded).await?
    {
        queue_link(&mut tx, vault, &person, ASKED, public_url)
            .await
            .map_err(|error| Error::Mail(error.to_string()))?;
    }
    tx.commit().await?;
    match allowed {
        true => Ok(()),
        false => Err(Error::TooMany),
    }
}

/// Who a mailed link still lets in, and whether the account has no name of its own yet.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(tx: &mut Tx, token: &str) -> db::Result<Option<bool>> {
    let hash = token_hash(token);
    match store::find_token(tx, &hash, CLAIM, random::real_now_ms()).await? {
        Some(person) => Ok(Some(store::get_guest(tx, &person).await?.guest)),
        None => Ok(None),
    }
}

/// Sets the password of whoever opened the mailed link, and a name where one is given; ends every session and every other link, and
/// opens a new session. Returns the cookie's value.
///
/// # Errors
/// [`Error::NotFound`] for a link that is used or over; [`Error::Invalid`] for a password or name that cannot be taken.
pub async fn claim(db: &Db, token: &str, password: &str, handle: &str) -> Result<String, Error> {
    if let Some(fault) = password::fault(password, &[handle.trim()]) {
        return Err(Error::invalid("password", fault));
    }
    let handle = match handle.trim() {
        "" => None,
        handle => Some(parse_handle(handle).ok_or_else(|| Error::invalid("handle", "handle"))?),
    };
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
    let guest = store::get_guest(&mut tx, &person).await?.guest;
    if let Some(handle) = handle.filter(|_| guest)
        && let Err(error) = store::set_handle(&mut tx, &person, handle).await
    {
        return Err(match error.violation() {
            Some(Violation::Unique(_)) => Error::invalid("handle", "taken"),
            _ => error.into(),
        });
    }
    store::set_password(&mut tx, &person, &hash).await?;
    store::set_guest(&mut tx, &person, false).await?;
    store::delete_sessions(&mut tx, &person).await?;
    store::delete_tokens(&mut tx, &person).await?;
    tx.commit().await?;
    open_session(db, &person, true).await
}
