//! Sellers' accounts at the provider, and what reaches their banks.
//!
//! The one rule: a payout that was paid may still fail. It is never final in the books and never a reason to transfer again: the
//! money lies in the seller's account at the provider, and nothing more is sent before the bank was changed.

use super::super::store;
pub use super::countries::{BY_HAND, REACHED};
use super::{BankPayoutState, Payee, manual};
use crate::people::service as people;
use base::db::{self, Db, Tx};
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, Entry, posting};
use money::provider::sandbox::{self, Onboarding};
use money::provider::{Account, CallOutcome, Payout, PayoutProvider as _, PayoutState, Provider};

/// Opens a creator's account at the provider and returns the page where they answer what is required.
///
/// # Errors
/// [`Error::Refused`] for a country that the provider does not reach; [`Error::Provider`] when it does not answer.
pub async fn start_onboarding(
    db: &Db,
    provider: &dyn Provider,
    person: &str,
    email: &str,
    country: &str,
    return_url: &str,
    now_ms: i64,
) -> Result<String, Error> {
    if !REACHED.contains(&country) {
        return Err(Error::Refused("country-unsupported"));
    }
    let mut tx = db.read().await?;
    let was_proven = people::is_proven(&mut tx, person).await?;
    let known = store::find_payee(&mut tx, person).await?;
    let opened = store::count_accounts(&mut tx, person, provider.name()).await?;
    drop(tx);
    // The provider gives one name one account. Who moves to another country gets a new one, and so does an owner whose account somebody
    // else had: what that one entered must not come back.
    let seller = match opened {
        0 => person.to_owned(),
        opened => format!("{person}#{opened}"),
    };
    let known = known.filter(|payee| payee.provider == provider.name() && payee.country == country);
    let account = match known {
        Some(payee) => payee.provider_account,
        None => match provider.open_account(&seller, email, country).await {
            CallOutcome::Done(account) => account,
            CallOutcome::Rejected(why)
            | CallOutcome::Later(why)
            | CallOutcome::Denied(why)
            | CallOutcome::Unknown(why) => return Err(Error::Provider(why)),
        },
    };
    let state = provider.get_account(&account).await?;
    let url = provider.onboarding_url(&account, return_url).await?;
    let mut tx = money::books::begin(db).await?;
    let opening = Opening {
        person,
        account: &account,
        provider: provider.name(),
        country,
        was_proven,
    };
    let noted = note_opening(&mut tx, &opening, now_ms).await?;
    if let (Some(state), true) = (state, noted) {
        note_account(&mut tx, &state, false).await?;
    }
    tx.commit().await?;
    match noted {
        true => Ok(url),
        false => Err(Error::Refused("account-changed")),
    }
}

/// A provider account that was opened for somebody.
pub struct Opening<'a> {
    pub person: &'a str,
    pub account: &'a str,
    pub provider: &'a str,
    pub country: &'a str,
    /// Whether the address was its owner's when it was begun.
    pub was_proven: bool,
}

/// Notes where somebody's money goes from now on. `false` when the account changed hands while the provider was asked: then the provider
/// account is noted as spent, so that its owner never gets the one that a stranger may have filled in. It holds the lock under which an
/// account changes hands, so that one of the two is first.
///
/// # Errors
/// When the database fails.
pub async fn note_opening(
    tx: &mut Booking,
    opening: &Opening<'_>,
    now_ms: i64,
) -> db::Result<bool> {
    let Opening {
        person,
        account,
        provider,
        country,
        was_proven,
    } = *opening;
    store::insert_account(tx, account, person, provider).await?;
    if people::is_proven(tx, person).await? != was_proven {
        return Ok(false);
    }
    store::upsert_payee(tx, person, account, provider, country, now_ms).await?;
    Ok(true)
}

/// Fetches a creator's account anew: coming back from the provider's page proves nothing.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn refresh(db: &Db, provider: &dyn Provider, person: &str) -> Result<(), Error> {
    let payee = store::find_payee(&mut db.read().await?, person).await?;
    let Some(payee) = payee.filter(|payee| payee.provider == provider.name()) else {
        return Ok(());
    };
    if let Some(account) = provider.get_account(&payee.provider_account).await? {
        let mut tx = db.write().await?;
        note_account(&mut tx, &account, false).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Asks the provider about every account where money lies or a payout is on its way: events of connected accounts are theirs, so
/// that a lost one is found only here.
///
/// # Errors
/// When the provider does not answer or the database fails.
pub async fn catch_up(db: &Db, provider: &dyn Provider, now_ms: i64) -> Result<(), Error> {
    let accounts = store::list_busy_accounts(&mut db.read().await?, provider.name()).await?;
    for id in accounts {
        let account = provider.get_account(&id).await?;
        let payouts = provider.list_payouts(&id).await?;
        let mut tx = money::books::begin(db).await?;
        if let Some(account) = account {
            note_account(&mut tx, &account, false).await?;
        }
        for payout in payouts {
            note_payout(&mut tx, &payout, provider.name(), now_ms).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Takes a creator's answers on the sandbox's own page and notes whether it is satisfied. Returns what is still required.
///
/// # Errors
/// When the database fails.
pub async fn onboard(
    db: &Db,
    person: &str,
    holder: &str,
    bank: &str,
    now_ms: i64,
) -> Result<Option<&'static str>, Error> {
    let sandbox = sandbox::Sandbox { db: db.clone() };
    let known = store::find_payee(&mut db.read().await?, person).await?;
    let reached = known.filter(|payee| REACHED.contains(&payee.country.as_str()));
    let country = reached.map_or("US".into(), |payee| payee.country);
    start_onboarding(db, &sandbox, person, "", &country, "", now_ms).await?;
    let payee = store::find_payee(&mut db.read().await?, person).await?;
    let account = payee.ok_or(Error::NotFound)?.provider_account;
    let answers = Onboarding { holder, bank };
    let required = sandbox::onboard(db, &account, answers, now_ms).await?;
    if let Some(state) = sandbox.get_account(&account).await? {
        let mut tx = db.write().await?;
        note_account(&mut tx, &state, required.is_none()).await?;
        tx.commit().await?;
    }
    Ok(required)
}

/// Acts on an account as the provider knows it now. A new bank ends the pause that a refusing one began.
///
/// # Errors
/// When the database fails.
pub async fn note_account(tx: &mut Tx, account: &Account, bank_changed: bool) -> Result<(), Error> {
    store::set_account(
        tx,
        &account.id,
        account.ready,
        &account.requirements.join("\n"),
        account.disabled.as_deref(),
    )
    .await?;
    if bank_changed {
        store::end_pause(tx, &account.id, "bank_rejected").await?;
    }
    Ok(())
}

/// Acts on a payout to a seller's bank as the provider knows it now.
///
/// # Errors
/// When the account is nobody's, or the books refuse.
pub async fn note_payout(
    tx: &mut Booking,
    payout: &Payout,
    provider: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let person = store::find_person_of_account(tx, &payout.account)
        .await?
        .ok_or_else(|| {
            Error::Internal(format!(
                "the payout {} is of {}, an account of nobody",
                payout.id, payout.account
            ))
        })?;
    let before = store::find_payout(tx, &payout.id).await?;
    // Told again, perhaps after the bank was changed: only a new failure stops what comes next.
    if before.is_some_and(|before| before.state == BankPayoutState::Failed) {
        return Ok(());
    }
    store::upsert_payout(tx, payout, &person, provider, now_ms).await?;
    let paid_key = format!("payout:{}:paid", payout.id);
    let amounts = |out: i64| {
        vec![
            posting(AccountKind::ConnectedPaidOut, &person, out, None),
            posting(AccountKind::ConnectedBalance, &person, -out, None),
        ]
    };
    let (key, kind, postings) = match payout.state {
        PayoutState::Pending => return Ok(()),
        PayoutState::Paid => (paid_key, "payout paid", amounts(payout.amount_minor)),
        PayoutState::Failed => {
            store::pause(tx, &person, "bank_rejected").await?;
            // Only what was booked as paid comes back.
            if !books::is_booked(tx, &paid_key).await? {
                return Ok(());
            }
            let key = format!("payout:{}:failed", payout.id);
            (key, "payout failed", amounts(-payout.amount_minor))
        }
    };
    let entry = Entry {
        key,
        kind,
        source: payout.id.clone(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    Ok(())
}

/// Stops or resumes a creator's payouts.
///
/// # Errors
/// When the database fails.
pub async fn set_paused(tx: &mut Tx, person: &str, by: &str, paused: bool) -> Result<(), Error> {
    if paused {
        store::pause(tx, person, by).await?;
    } else {
        store::resume(tx, person, by).await?;
    }
    Ok(())
}

/// Whether a payee's money can be sent at all, for the page.
#[must_use]
pub fn is_set_up(payee: Option<&Payee>) -> bool {
    payee.is_some_and(|payee| payee.ready || (payee.provider == manual::NAME))
}

/// Forgets where somebody's money goes: whoever entered it may have been somebody else.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, person: &str) -> db::Result<()> {
    store::delete_payee(tx, person).await
}
