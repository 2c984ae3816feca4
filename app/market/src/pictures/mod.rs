//! What the shop shows: copies of public pictures in the size of their place, with a small notice in the reader's language.
//!
//! The one rule: a copy is made from the exact picture, which never leaves; it carries the notice in its pixels and the label in its metadata,
//! no other text, and its address holds the name of the labelled copy that was sealed, which stays as it is beside it.

mod copy;
mod place;
#[cfg(test)]
mod tests;

pub use copy::Format;
pub use place::{Place, Shape};

use crate::catalog::service::{self as catalog, Viewer};
use base::compute::{Busy, Turns};
use base::db::{self, Db};
use base::lang::Lang;
use base::media::{self, Media};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use thiserror::Error as ThisError;

/// So many bytes of copies are kept; what is looked at least goes first, and is made again when somebody asks.
const KEPT_BYTES: u64 = 96 * 1024 * 1024;
/// So many copies at most, whatever their size.
const KEPT: usize = 20_000;

/// Copies up to this side are those of lists and cards.
const SMALL_SIDE: u32 = 384;

/// Why there is no copy.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The files' place failed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// Too many others are being made.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The exact picture cannot be read, or no file made of it.
    #[error("a public picture cannot be copied: {0}")]
    Broken(String),
}

/// Which copy: of which picture, as wide or as high as that at most, in which language and format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The name of the labelled copy that was sealed.
    pub labelled: String,
    /// The longer side, in pixels.
    pub side: u32,
    /// Whose notice.
    pub lang: Lang,
    /// The file's format.
    pub format: Format,
}

/// A file, and what tells it from another.
pub struct Copy {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// A digest of them.
    pub tag: String,
}

/// A copy for whoever asked.
pub struct Found {
    /// The file.
    pub copy: Arc<Copy>,
    /// Whether others may not see it: nobody may keep it for them.
    pub withdrawn: bool,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Wanted, Arc<Copy>> for ByBytes {
    fn weight(&self, _: &Wanted, copy: &Arc<Copy>) -> u64 {
        copy.bytes.len() as u64
    }
}

/// Makes copies, and keeps those that are looked at.
#[derive(Clone)]
pub struct Pictures {
    kept: Arc<Cache<Wanted, Arc<Copy>, ByBytes>>,
    /// Copies are made beside each other only so many at once: the threads are everybody's. Those of lists do not wait for large ones.
    small: Turns,
    large: Turns,
    /// Those that only one person sees: nobody else waits for them.
    own: Turns,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            kept: Arc::new(Cache::with_weighter(KEPT, KEPT_BYTES, ByBytes)),
            small: Turns::new(2, 512),
            large: Turns::new(1, 24),
            own: Turns::new(1, 128),
        }
    }
}

impl Pictures {
    /// A picture for a page that is only its reader's, as PNG with the notice; `content` names it in the metadata.
    ///
    /// # Errors
    /// When too many are made, or the picture is broken.
    pub async fn labelled(
        &self,
        exact: Vec<u8>,
        lang: Lang,
        content: String,
    ) -> Result<Vec<u8>, Error> {
        let made = self.own.run(move || copy::labelled(&exact, &content, lang));
        made.await?.map_err(Error::Broken)
    }

    /// The copy; `None` when there is no such public picture, or no place shows it in this size.
    ///
    /// # Errors
    /// When the database or the files' place fails, or the picture is broken.
    pub async fn find(
        &self,
        db: &Db,
        files: &Media,
        wanted: Wanted,
        viewer: Viewer<'_>,
    ) -> Result<Option<Found>, Error> {
        let mut tx = db.read().await?;
        // Asked each time: a picture that was taken away is gone at once, whatever is kept of it.
        let Some(public) = catalog::find_public_picture(&mut tx, &wanted.labelled, viewer).await?
        else {
            return Ok(None);
        };
        drop(tx);
        if !place::is_shown(public.width, public.height, wanted.side) {
            return Ok(None);
        }
        let made = async {
            let Some(exact) = files.get(&public.blob).await? else {
                return Err(Error::Broken(format!("the file {} is gone", public.blob)));
            };
            let content = format!("{}-{}", public.leaf_hash, public.idx);
            let (side, lang, format) = (wanted.side, wanted.lang, wanted.format);
            let turns = match side <= SMALL_SIDE {
                true => &self.small,
                false => &self.large,
            };
            let bytes = turns.run(move || copy::make(&exact, &content, side, lang, format));
            let bytes = bytes.await?.map_err(Error::Broken)?;
            let tag = blake3::hash(&bytes).to_hex()[..16].to_owned();
            Ok(Arc::new(Copy { bytes, tag }))
        };
        // Whoever asks for the same meanwhile waits for this one.
        let copy = self.kept.get_or_insert_async(&wanted, made).await?;
        Ok(Some(Found {
            copy,
            withdrawn: public.withdrawn,
        }))
    }
}
