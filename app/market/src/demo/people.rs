//! Who is in the demo: creators, buyers, an operator. Everybody knows their passwords and keys.

use super::shop;
use crate::people::guest;
use crate::people::service::{self as people, NewPerson};
use crate::shop::Shop;
use anyhow::Result;

use base::lang::Lang;
use schema::digest::Digest;
use schema::id::PersonId;
use schema::key::SecretKey;

/// Every demo person's password; the log-ins are printed at the first start.
pub const PASSWORD: &str = "seedmark-demo";
/// A buyer without purchases, for the first look.
pub const BUYER: &str = "buyer@demo.example";
/// The operator, who also moves the sandbox clock.
pub const OPERATOR: &str = "operator@demo.example";

/// Those who bought in the demo's past, with the countries of their cards. The first is offered at the sign-in.
pub(super) const BUYERS: &[(&str, &str)] = &[
    ("ada-collects", "US"),
    ("bruno-klebt", "DE"),
    ("chen-yu", "CN"),
    ("dora-druckt", "AT"),
    ("emil-stickers", "SE"),
    ("fang-lin", "TW"),
    ("gita-classroom", "IN"),
    ("hugo-badges", "FR"),
    ("ines-nails", "ES"),
    ("jonas-shirts", "DE"),
    ("kim-rewards", "KR"),
    ("lea-planner", "CH"),
];

/// A role of the demo, to be seen with one click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The word in addresses and texts.
    pub name: &'static str,
    /// Whose account it is.
    pub email: &'static str,
}

/// Every role, in the order in which the sign-in shows them.
pub const ROLES: [Role; 4] = [
    Role {
        name: "collector",
        email: "ada-collects@demo.example",
    },
    Role {
        name: "newcomer",
        email: BUYER,
    },
    Role {
        name: "creator",
        email: "mira-makes@demo.example",
    },
    Role {
        name: "operator",
        email: OPERATOR,
    },
];

/// A demo person's secret key: derived from a public text, so that nobody takes it for a real one.
pub(super) fn key_of(handle: &str) -> SecretKey {
    let text = format!("seedmark demo key, public: {handle}");
    SecretKey::from_bytes(Digest::sha256(text.as_bytes()).0)
}

/// The e-mail address of a demo person.
pub(super) fn email_of(handle: &str) -> String {
    format!("{handle}@demo.example")
}

async fn ensure(state: &Shop, email: &str, handle: &str, role: &str) -> Result<PersonId> {
    let mut tx = state.db.read().await?;
    if let Some(id) = people::find_by_email(&mut tx, email).await? {
        return Ok(PersonId::parse(&id)?);
    }
    drop(tx);
    let new = NewPerson::parse(email, handle, PASSWORD)?;
    let made = people::sign_up(&state.db, new, role, Lang::En, "demo").await?;
    let mut tx = state.db.write().await?;
    // Nobody reads mail there; everybody knows the password.
    people::prove(&mut tx, made.as_str()).await?;
    tx.commit().await?;
    Ok(made)
}

/// A member of the demo, made when first asked for.
///
/// # Errors
/// When the database fails.
pub(super) async fn member(state: &Shop, handle: &str) -> Result<PersonId> {
    ensure(state, &email_of(handle), handle, "member").await
}

/// The demo's operator.
///
/// # Errors
/// When the database fails.
pub(super) async fn operator(state: &Shop) -> Result<people::Person> {
    let id = ensure(state, OPERATOR, "demo-operator", "operator").await?;
    let mut tx = state.db.read().await?;
    Ok(people::get_person(&mut tx, id.as_str()).await?)
}

/// Makes the people whom the sign-in offers.
///
/// # Errors
/// When the database fails.
pub async fn load(state: &Shop) -> Result<()> {
    ensure(state, BUYER, "demo-buyer", "member").await?;
    ensure(state, OPERATOR, "demo-operator", "operator").await?;
    member(state, BUYERS[0].0).await?;
    let first = shop::creators().next();
    if let Some(first) = first {
        member(state, first).await?;
    }
    Ok(())
}

/// Signs in as somebody of the demo, without a password. `None` for a role that there is not, and in a shop that is no demo.
///
/// # Errors
/// [`people::Error::TooMany`] from one network address.
pub async fn sign_in(
    state: &Shop,
    role: &str,
    address: &str,
) -> Result<Option<String>, people::Error> {
    let role = ROLES.iter().find(|known| known.name == role);
    let Some(role) = role.filter(|_| state.demo) else {
        return Ok(None);
    };
    guest::count_try(&state.db, address).await?;
    let mut tx = state.db.read().await?;
    let person = people::find_by_email(&mut tx, role.email).await?;
    drop(tx);
    match person {
        Some(person) => Ok(Some(people::open_session(&state.db, &person, true).await?)),
        None => Ok(None),
    }
}
