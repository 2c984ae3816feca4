//! The index as a process holds it: open, or not yet.
//!
//! The one rule: nobody waits for it. A page that finds none says so and shows what the database alone can.

use base::compute;
use search::{Error, Index, Reader};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The search index of this process; clones are the same.
#[derive(Clone)]
pub struct Finder(Arc<Held>);

struct Held {
    /// Where it lies; nowhere for a process that shows no pages.
    folder: Option<PathBuf>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    index: Option<Index>,
    /// Listings that a new index holds so far, and all that it will.
    progress: (usize, usize),
}

impl Finder {
    /// An index in a folder, which [`crate::browse::follow`] opens or builds.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self(Arc::new(Held {
            folder,
            now: Mutex::default(),
        }))
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        // Whoever panicked left an index or none, and either is whole.
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be asked, if it is there.
    #[must_use]
    pub fn reader(&self) -> Option<Arc<Reader>> {
        self.index().map(|index| index.reader())
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.now().index.is_some()
    }

    /// How many listings a new index holds so far, of how many.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        self.now().progress
    }

    pub(crate) fn index(&self) -> Option<Index> {
        self.now().index.clone()
    }

    pub(crate) fn note_progress(&self, done: usize, all: usize) {
        self.now().progress = (done, all);
    }

    /// Opens what is there; `false` where it has to be built.
    pub(crate) async fn open(&self) -> Result<bool, Error> {
        let Some(folder) = self.0.folder.clone() else {
            return Ok(false);
        };
        let opened = compute::run(move || Index::open(&folder)).await;
        match opened {
            // One whose building was cut off knows not how far it read.
            Ok(index) if index.cursor().is_empty() => Ok(false),
            Ok(index) => {
                self.take(index);
                Ok(true)
            }
            Err(Error::Rebuild(why)) => {
                tracing::info!(?why, "the search index has to be built");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins an empty one in its place.
    pub(crate) async fn begin(&self) -> Result<Index, Error> {
        self.now().index = None;
        let folder = self.0.folder.clone().unwrap_or_default();
        compute::run(move || Index::create(&folder)).await
    }

    /// Lets everybody ask this one.
    pub(crate) fn take(&self, index: Index) {
        self.now().index = Some(index);
    }
}
