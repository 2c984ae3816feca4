//! What people report: a reason, what they saw, and a receipt by which they find out how it stands.
//!
//! The one rule: anybody may report, signed in or not, so everything is bounded before it is written, and a report alone changes nothing.

pub use super::state::Reason;
use super::store;
pub use super::store::Reported;
use base::db::{self, Db};
use base::{limits, random};
use schema::failure::FieldError;
use schema::id::ListingId;
use thiserror::Error as ThisError;

/// The longest text of a report, in characters.
pub const MAX_DETAILS: usize = 2000;
/// Without these letters nobody mistakes one for another: 0 and O, 1, I and L.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ7";

/// Why a report is not taken.
#[derive(Debug, ThisError)]
pub enum Error {
    /// What must be different about it.
    #[error("the report is not complete")]
    Invalid(Vec<FieldError>),
    /// Too many from one place.
    #[error("too many reports; come again in an hour")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

/// Who reports, and from where.
pub struct Reporter<'a> {
    /// Whoever is signed in.
    pub person: Option<&'a str>,
    /// A network address, for the limit alone; it is not kept.
    pub address: &'a str,
}

/// Takes a report of a listing, and returns its receipt.
///
/// # Errors
/// [`Error::Invalid`] with the fields, or [`Error::TooMany`].
pub async fn report(
    db: &Db,
    reporter: Reporter<'_>,
    listing: &ListingId,
    reason: &str,
    details: &str,
    now_ms: i64,
) -> Result<String, Error> {
    let mut wrong = Vec::new();
    let mut note = |field: &str, code: &str| {
        wrong.push(FieldError {
            field: field.into(),
            code: code.into(),
            detail: None,
        });
    };
    let known = Reason::ALL.into_iter().find(|known| known.name() == reason);
    if known.is_none() {
        note("reason", "report-reason");
    }
    let details = details.replace("\r\n", "\n");
    let details = details.trim();
    let length = details.chars().count();
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    if !(10..=MAX_DETAILS).contains(&length) || !details.chars().all(plain) {
        note("details", "report-details");
    }
    let Some(reason) = known.filter(|_| wrong.is_empty()) else {
        return Err(Error::Invalid(wrong));
    };
    let receipt = receipt();
    let mut tx = db.write().await?;
    // Counted whether or not it is taken.
    let allowed = limits::allow(&mut tx, limits::REPORT, reporter.address).await?;
    if allowed {
        store::insert_report(
            &mut tx,
            &random::id(),
            &receipt,
            listing,
            reporter.person,
            reason,
            details,
            now_ms,
        )
        .await?;
    }
    tx.commit().await?;
    match allowed {
        true => Ok(receipt),
        false => Err(Error::TooMany),
    }
}

/// The report with a receipt, for whoever has it.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, receipt: &str) -> Result<Option<Reported>, Error> {
    let shaped = receipt.len() == 14
        && receipt
            .bytes()
            .all(|byte| byte == b'-' || LETTERS.contains(&byte));
    if !shaped {
        return Ok(None);
    }
    let mut tx = db.read().await?;
    Ok(store::find_report(&mut tx, receipt).await?)
}

/// Twelve letters that nobody guesses, in threes that can be read aloud.
fn receipt() -> String {
    let letters: Vec<char> = random::bytes::<12>()
        .into_iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let parts: Vec<String> = letters
        .chunks(4)
        .map(|part| part.iter().collect())
        .collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::{Error, Reporter, find, report};
    use crate::testing::{Listing, Person};
    use base::testing::databases;

    #[tokio::test]
    async fn a_report_has_a_reason_and_words_and_is_found_by_its_receipt() {
        for test in databases().await {
            let ada = Person::named("ada").save(&test.db).await;
            let listing = Listing::of(&ada).save(&test.db).await;
            let anybody = || Reporter {
                person: None,
                address: "192.0.2.7",
            };
            let send = async |reason: &str, details: &str| {
                report(&test.db, anybody(), &listing, reason, details, 7).await
            };
            for (reason, details, fields) in [
                ("", "the same as mine", vec!["reason"]),
                ("copyright", "short", vec!["details"]),
                ("nonsense", " \n ", vec!["reason", "details"]),
                ("copyright", "a bell \u{7} in it, and more", vec!["details"]),
            ] {
                let Err(Error::Invalid(wrong)) = send(reason, details).await else {
                    panic!("{reason:?} {details:?} was taken");
                };
                let found: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
                assert_eq!(found, fields);
            }
            let long = "x".repeat(super::MAX_DETAILS + 1);
            assert!(matches!(send("other", &long).await, Err(Error::Invalid(_))));
            let receipt = send("copyright", "This is my drawing,\r\nfrom 2019.")
                .await
                .expect("a receipt");
            let found = find(&test.db, &receipt).await.expect("an answer");
            let found = found.expect("a report");
            assert_eq!((found.state.as_str(), found.created_ms), ("open", 7));
            for wrong in ["", "AAAA-AAAA-AAAA", "' or 1=1 --___", &receipt[1..]] {
                let none = find(&test.db, wrong).await.expect("an answer");
                assert!(none.is_none(), "{wrong}");
            }
        }
    }

    #[tokio::test]
    async fn one_place_sends_only_so_many_reports() {
        for test in databases().await {
            let ada = Person::named("ada").save(&test.db).await;
            let listing = Listing::of(&ada).save(&test.db).await;
            let mut taken = 0;
            for _ in 0..40 {
                let reporter = Reporter {
                    person: Some(&ada),
                    address: "192.0.2.7",
                };
                match report(&test.db, reporter, &listing, "other", "again and again", 7).await {
                    Ok(_) => taken += 1,
                    Err(Error::TooMany) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert!((1..40).contains(&taken), "{taken}");
        }
    }
}
