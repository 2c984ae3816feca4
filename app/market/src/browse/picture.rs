//! Looking for a picture: the very one first, then those that look like it.
//!
//! The one rule: an upload is bounded before it is decoded, compared, and let go.

use super::documents::print_of;
use super::store;
use crate::catalog::service::{self as catalog, Card};
use crate::finder::Finder;
use crate::moderation::PicturePrint;
use base::compute::{Busy, Turns};
use base::db::{self, Db};
use engine::photo::Photo;
use schema::id::ListingId;
use search::Print;
use std::sync::LazyLock;

/// The largest file.
pub const MAX_PICTURE_BYTES: usize = 6 * 1024 * 1024;
/// Listings of which the small copies are compared.
const CANDIDATES: usize = 120;
/// Less alike than so many thousandths is another picture.
const LEAST_ALIKE_MILLI: i64 = 500;
/// Listings that are shown.
const SHOWN: usize = 24;

/// A picture of the largest size takes some 200 MB and a second while it is looked at.
static TURNS: LazyLock<Turns> = LazyLock::new(|| Turns::new(1, 8));

/// Why a picture is not looked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is too large.
    #[error("the file is too large")]
    Large,
    /// It is no picture that can be read, or one with too many pixels.
    #[error("the picture cannot be read")]
    Unreadable,
    /// The index is being built.
    #[error("the search index is being prepared")]
    Preparing,
    /// Others look for theirs.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

/// What looks like a picture.
pub struct Likenesses {
    pub cards: Vec<Card>,
    /// How many of them, from the first on, hold the very pixels.
    pub exact: usize,
}

/// Looks for a picture file.
///
/// # Errors
/// When it is out of bounds, or the index is not there yet.
pub async fn find(db: &Db, finder: &Finder, file: Vec<u8>) -> Result<Likenesses, Error> {
    if file.len() > MAX_PICTURE_BYTES {
        return Err(Error::Large);
    }
    let reader = finder.reader().ok_or(Error::Preparing)?;
    let looked = TURNS.run(move || {
        let picture = Photo::read(&file)
            .map_err(|_| Error::Unreadable)?
            .on_white();
        let digests = picture.digest().map_err(|_| Error::Unreadable)?;
        let digests = [digests.blake3.hex(), digests.sha256.hex()];
        let small = PicturePrint::of(&picture);
        let prints: Vec<Print> = print_of(&small).into_iter().collect();
        let hits = reader.by_picture(&prints, &digests, CANDIDATES);
        Ok::<_, Error>((small, hits))
    });
    let (small, hits) = looked.await??;
    let mut tx = db.read().await?;
    let ids: Vec<ListingId> = hits.iter().map(|hit| hit.id.clone()).collect();
    let rows = store::list_rows(&mut tx, &ids).await?;
    let mut found: Vec<(bool, i64, ListingId)> = Vec::new();
    for row in rows {
        let exact = hits.iter().any(|hit| hit.exact && hit.id == row.id);
        let prints = row.picture_prints.as_deref().map(PicturePrint::parse_all);
        let alike = prints
            .iter()
            .flatten()
            .map(|print| print.alike_milli(&small));
        let alike = alike.max().unwrap_or(0);
        if exact || alike >= LEAST_ALIKE_MILLI {
            found.push((exact, alike, row.id));
        }
    }
    found.sort_by_key(|(exact, alike, _)| std::cmp::Reverse((*exact, *alike)));
    found.truncate(SHOWN);
    let ids: Vec<ListingId> = found.iter().map(|(_, _, id)| id.clone()).collect();
    let cards = catalog::list_cards(&mut tx, &ids).await?;
    let equal = |card: &&Card| found.iter().any(|(exact, _, id)| *exact && *id == card.id);
    Ok(Likenesses {
        exact: cards.iter().filter(equal).count(),
        cards,
    })
}
