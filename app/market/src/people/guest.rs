//! Buying without sign-up, and mailed links: an account belongs to whoever can read the mail to its address.
//!
//! The one rule: nothing but a mailed link lets anybody into an account without its password. What a visitor types makes no session,
//! and holds no address before it was paid for.

use super::password;
use super::service::{
    Error, Person, fold, is_proven, on_blocking_thread, parse_email, parse_handle, token_hash,
};
use super::store;
use base::db::{self, Db, Tx, Violation};
use base::lang::Lang;
use base::mail::{self, Mail};
use base::vault::Vault;
use base::{limits, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A mailed link opens an account for so long.
const LINK_MS: i64 = 7 * base::clock::DAY_MS;
/// One of a demo, that nobody mailed: somebody may sign up with the address meanwhile.
const DEMO_LINK_MS: i64 = 15 * 60 * 1000;
/// What a link is for, as its path says: to set a password, or to show that an address is one's own.
const CLAIM: &str = "claim";
const PROVE: &str = "prove";
/// What stands where a password's hash would: no password fits it.
const NO_PASSWORD: &str = "!";

/// Counts a visitor's try to order, or to look around a demo as somebody, whatever comes of it.
///
/// # Errors
/// [`Error::TooMany`] from one network address.
pub async fn count_try(db: &Db, address: &str) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    tx.commit().await?;
    match allowed {
        true => Ok(()),
        false => Err(Error::TooMany(limits::ADDRESS)),
    }
}

/// Makes the row that a visitor's order hangs on. It has the typed address for the receipt, but not its name: no sign-in, no sign-up
/// and no other order finds it, and it has no session.
///
/// # Errors
/// [`Error::Invalid`] with the code `email`.
pub async fn open(tx: &mut Tx, email: &str, lang: Lang) -> Result<String, Error> {
    let email = parse_email(email).ok_or_else(|| Error::invalid("email", "email"))?;
    let person = Person {
        id: random::id_of(),
        email: email.clone(),
        handle: format!("guest-{}", hex::encode(random::bytes::<6>())),
        role: "member".into(),
        created_ms: random::real_now_ms(),
    };
    let id = person.id.as_str();
    store::insert(tx, &person, id, &fold(&email), NO_PASSWORD, lang).await?;
    store::set_guest(tx, id, true).await?;
    Ok(person.id.into())
}

/// Whether an address was only typed: nobody paid with it, and nobody opened a mailed link.
///
/// # Errors
/// When the database fails.
pub async fn is_unproven(tx: &mut Tx, person: &str) -> db::Result<bool> {
    let row = store::get_guest(tx, person).await?;
    Ok(row.guest && row.email_folded != row.address_folded)
}

/// Whose order a visitor's becomes once it is paid: the account that is known to be the address's owner's, or the visitor's own row,
/// which takes the address where nobody signed up with it. Beside an account that anybody may have made with that address the order
/// waits in the visitor's row for whoever opens the mailed link.
///
/// # Errors
/// When the database fails.
pub async fn owner_of(tx: &mut Tx, person: &str) -> db::Result<String> {
    let row = store::get_guest(tx, person).await?;
    if !row.guest || row.email_folded == row.address_folded {
        return Ok(person.to_owned());
    }
    match store::find_credentials(tx, &row.address_folded).await? {
        Some((owner, _)) => {
            // Where nobody set a password yet, nobody is in.
            let known = store::get_guest(tx, &owner).await?;
            let safe = known.proven_ms.is_some() || known.guest;
            Ok(if safe { owner } else { person.to_owned() })
        }
        None => {
            store::take_address(tx, person).await?;
            Ok(person.to_owned())
        }
    }
}

/// Tells the owner of an address what was bought with it, in the language of the order and in the transaction of the purchase: with a
/// link that opens the account, while nobody has set a password, else with the way to the library.
///
/// About what cost nothing only so often: anybody may type anybody's address.
///
/// # Errors
/// When the vault or the database fails.
pub async fn queue_mail(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    public_url: &str,
    paid: bool,
) -> anyhow::Result<()> {
    let row = store::get_guest(tx, person).await?;
    let address = token_hash(&row.address_folded);
    if !paid && !limits::allow(tx, limits::FREE_MAILS, &address).await? {
        return Ok(());
    }
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

/// A mail with a link: what the link is for, the mail's subject and its text.
type LinkKind = (&'static str, &'static str, &'static str);
const BOUGHT: LinkKind = (CLAIM, "mail-claim-subject", "mail-claim-text");
const ASKED: LinkKind = (CLAIM, "mail-link-subject", "mail-link-text");
const PROVING: LinkKind = (PROVE, "mail-prove-subject", "mail-prove-text");

/// Queues a mail with a link.
async fn queue_link(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    (purpose, subject, text): LinkKind,
    public_url: &str,
) -> anyhow::Result<()> {
    let now = random::real_now_ms();
    let token = new_token(tx, person, purpose, now + LINK_MS).await?;
    let row = store::get_guest(tx, person).await?;
    let lang = Lang::of_tag(&row.language);
    let link = format!(
        "{public_url}{}",
        lang.path(&format!("/account/{purpose}/{token}"))
    );
    let mail = Mail {
        to: row.email,
        subject: lang.text(subject),
        text: lang.with(text, &[("link", link.into())]),
    };
    mail::queue(tx, vault, &mail, now).await?;
    Ok(())
}

/// The way into the account of a visitor's purchase, for a demo: no mail leaves one, and nobody reads its addresses. Nothing where anybody
/// signed up with the address: a claim would set the password of that account.
///
/// # Errors
/// When the database fails.
pub async fn demo_way_in(tx: &mut Tx, person: &str) -> db::Result<Option<String>> {
    let row = store::get_guest(tx, person).await?;
    let account = store::find_credentials(tx, &row.address_folded).await?;
    let others = account.is_some_and(|(account, _)| account != person);
    if !row.guest || others {
        return Ok(None);
    }
    let ends_ms = random::real_now_ms() + DEMO_LINK_MS;
    let token = new_token(tx, person, CLAIM, ends_ms).await?;
    Ok(Some(format!("/account/{CLAIM}/{token}")))
}

/// A link's secret. One made before for the same purpose ends: a mailbox full of keys is no better than one.
async fn new_token(tx: &mut Tx, person: &str, purpose: &str, ends_ms: i64) -> db::Result<String> {
    let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    store::end_tokens(tx, person, purpose).await?;
    store::insert_token(tx, &token_hash(&token), person, purpose, ends_ms).await?;
    Ok(token)
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
    let folded = fold(&email);
    let mut tx = db.write().await?;
    let allowed = limits::allow(&mut tx, limits::ADDRESS, address).await?;
    // One address gets so many whoever asks; more would only fill a stranger's mailbox.
    let mails = limits::allow(&mut tx, limits::LINK, &token_hash(&folded)).await?;
    if allowed
        && mails
        && let Some(person) = find_reader(&mut tx, &folded).await?
    {
        queue_link(&mut tx, vault, &person, ASKED, public_url)
            .await
            .map_err(|error| Error::Mail(error.to_string()))?;
    }
    tx.commit().await?;
    match allowed {
        true => Ok(()),
        false => Err(Error::TooMany(limits::ADDRESS)),
    }
}

/// Who reads the mail of an address here: its account, or a visitor who paid with it.
async fn find_reader(tx: &mut Tx, address: &str) -> db::Result<Option<String>> {
    match store::find_credentials(tx, address).await? {
        Some((person, _)) => Ok(Some(person)),
        None => store::find_visitor(tx, address).await,
    }
}

/// Mails a link by which a new account's address is shown to be its owner's, so many times an hour and no more.
///
/// # Errors
/// When the vault or the database fails.
pub async fn queue_proving(
    tx: &mut Tx,
    vault: &Vault,
    person: &str,
    public_url: &str,
) -> Result<(), Error> {
    let row = store::get_guest(tx, person).await?;
    let mails = limits::allow(tx, limits::PROVE, &token_hash(&row.address_folded)).await?;
    if row.proven_ms.is_none() && mails {
        queue_link(tx, vault, person, PROVING, public_url)
            .await
            .map_err(|error| Error::Mail(error.to_string()))?;
    }
    Ok(())
}

/// Whether a link that shows an address to be one's own still works.
///
/// # Errors
/// When the database fails.
pub async fn finds_proving(tx: &mut Tx, token: &str) -> db::Result<bool> {
    let found = store::find_token(tx, &token_hash(token), PROVE, random::real_now_ms()).await?;
    Ok(found.is_some())
}

/// Notes that whoever has an account reads the mail of its address. It must be the account's own session that opened the link: a mailbox
/// that a stranger signed up with must not confirm the stranger by a click. Returns whether it was.
///
/// # Errors
/// When the database fails.
pub async fn prove(tx: &mut Tx, token: &str, session_of: &str) -> db::Result<bool> {
    let (hash, now) = (token_hash(token), random::real_now_ms());
    match store::find_token(tx, &hash, PROVE, now).await? {
        Some(person) if person == session_of => {}
        // The other half of a double click, too.
        _ => return is_proven(tx, session_of).await,
    }
    store::use_token(tx, &hash, PROVE, now).await?;
    store::prove(tx, session_of, now).await?;
    Ok(true)
}

/// Whether a mailed link still lets anybody in, and whether a name may be chosen: there is none yet, or a stranger may have chosen it.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(tx: &mut Tx, token: &str) -> db::Result<Option<bool>> {
    let hash = token_hash(token);
    match store::find_token(tx, &hash, CLAIM, random::real_now_ms()).await? {
        Some(person) => {
            let row = store::get_guest(tx, &person).await?;
            Ok(Some(row.guest || row.proven_ms.is_none()))
        }
        None => Ok(None),
    }
}

/// What whoever opened a mailed link chose, checked and hashed outside any transaction.
pub struct Chosen {
    hash: String,
    handle: Option<String>,
}

impl Chosen {
    /// # Errors
    /// [`Error::NotFound`] for a link that is used or over; [`Error::Invalid`] for a password or name that cannot be taken.
    pub async fn check(db: &Db, token: &str, password: &str, handle: &str) -> Result<Self, Error> {
        if let Some(fault) = password::fault(password, &[handle.trim()]) {
            return Err(Error::invalid("password", fault));
        }
        let handle = match handle.trim() {
            "" => None,
            handle => Some(
                parse_handle(handle)
                    .map_err(|code| Error::invalid("handle", code))?
                    .to_owned(),
            ),
        };
        let mut tx = db.read().await?;
        find_claim(&mut tx, token).await?.ok_or(Error::NotFound)?;
        drop(tx);
        let password = password.to_owned();
        let hash = on_blocking_thread(move || password::hash(&password)).await;
        Ok(Self { hash, handle })
    }
}

/// Whose account a mailed link opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub person: String,
    /// Nobody had shown before that the address is theirs: what the account had may be a stranger's.
    pub first: bool,
}

/// Gives the account of the mailed link's address to whoever opened it: sets the password, and a name where none was chosen by its
/// owner; ends every session and every other link. What a stranger may have put there before, keys that signed nothing, goes.
///
/// # Errors
/// [`Error::NotFound`] for a link that is used or over; [`Error::Invalid`] for a name that is taken.
pub async fn claim(tx: &mut Tx, token: &str, chosen: &Chosen) -> Result<Claimed, Error> {
    let now = random::real_now_ms();
    let opener = store::use_token(tx, &token_hash(token), CLAIM, now)
        .await?
        .ok_or(Error::NotFound)?;
    let row = store::get_guest(tx, &opener).await?;
    let person = match store::find_credentials(tx, &row.address_folded).await? {
        Some((account, _)) => account,
        None => {
            store::take_address(tx, &opener).await?;
            opener.clone()
        }
    };
    let row = store::get_guest(tx, &person).await?;
    let first = row.proven_ms.is_none();
    if let Some(handle) = chosen.handle.as_deref().filter(|_| row.guest || first)
        && let Err(error) = store::set_handle(tx, &person, handle).await
    {
        return Err(match error.violation() {
            Some(Violation::Unique(_)) => Error::invalid("handle", "taken"),
            _ => error.into(),
        });
    }
    store::set_password(tx, &person, &chosen.hash).await?;
    store::set_guest(tx, &person, false).await?;
    store::prove(tx, &person, now).await?;
    if first {
        store::drop_idle_keys(tx, &person).await?;
    }
    for one in [&person, &opener] {
        store::delete_sessions(tx, one).await?;
        store::delete_tokens(tx, one).await?;
    }
    Ok(Claimed { person, first })
}
