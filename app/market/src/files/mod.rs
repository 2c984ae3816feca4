//! Picture files that no row names: what a publication that failed, a draft that was given up or a process that died left behind.
//!
//! The one rule: a file is written before its row, so the young are left alone; and what is put aside comes back by itself when somebody
//! asks for it, so that a row that comes late finds its file.

mod store;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use base::clock::DAY_MS;
use base::db::{self, Db};
use base::media::{self, Media};
use thiserror::Error as ThisError;

/// A row comes some minutes after its file at most.
const YOUNG_MS: i64 = DAY_MS;
/// What is put aside is kept so long.
const ASIDE_MS: i64 = 7 * DAY_MS;
/// Where the walk over the folders stands.
const NEXT_FOLDER: &str = "files_next_folder";

/// Why a sweep ended early; the next one goes on.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
    /// The files' place failed.
    #[error(transparent)]
    Media(#[from] media::Error),
}

/// What a sweep found in its folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that nobody names, put aside.
    pub aside: usize,
    /// Files that had been put aside, and are named after all.
    pub back: usize,
    /// Files that were gone for good, written halves among them.
    pub removed: usize,
}

/// Looks through one of 256 folders, another one each time. `owner` is whose shop this is, `now_ms` real time, by which files are dated.
/// Files of another shop are none of ours: with a strange database, nobody would name any of them.
///
/// # Errors
/// When the database or the files' place fails.
pub async fn sweep(db: &Db, files: &Media, owner: &str, now_ms: i64) -> Result<Swept, Error> {
    let mut tx = db.write().await?;
    let folder = db::read_number(&mut tx, NEXT_FOLDER).await?;
    // Noted first: a folder that cannot be read keeps nobody from the others.
    let next = (folder + 1).rem_euclid(256).to_string();
    db::write_setting(&mut tx, NEXT_FOLDER, &next).await?;
    tx.commit().await?;
    let folder = u8::try_from(folder.rem_euclid(256)).unwrap_or(0);
    match is_own(db, files, owner, folder).await? {
        true => sweep_folder(db, files, folder, now_ms).await,
        false => Ok(Swept::default()),
    }
}

/// Whether the files are this shop's. Where nobody said so yet, a file that our database names shows it, and then it is said.
async fn is_own(db: &Db, files: &Media, owner: &str, folder: u8) -> Result<bool, Error> {
    if let Some(said) = files.owner().await? {
        if said != owner {
            tracing::error!(
                said,
                owner,
                "the picture files are another shop's, and none is swept: give each shop a data folder of its own, or remove the file `owner` if this \
                 one was renamed"
            );
        }
        return Ok(said == owner);
    }
    for name in files.list(folder, i64::MAX).await? {
        if is_named(db, &name).await? {
            files.set_owner(owner).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

async fn sweep_folder(db: &Db, files: &Media, folder: u8, now_ms: i64) -> Result<Swept, Error> {
    let mut swept = Swept {
        removed: files.remove_halves(folder, now_ms - YOUNG_MS).await?,
        ..Swept::default()
    };
    // First what was put aside long ago: what is put aside now is not looked at twice.
    for name in files.list_aside(folder, now_ms - ASIDE_MS).await? {
        if is_named(db, &name).await? {
            files.take_back(&name).await?;
            swept.back += 1;
        } else {
            files.remove_aside(&name).await?;
            swept.removed += 1;
        }
    }
    for name in files.list(folder, now_ms - YOUNG_MS).await? {
        if !is_named(db, &name).await? {
            files.put_aside(&name).await?;
            swept.aside += 1;
        }
    }
    Ok(swept)
}

async fn is_named(db: &Db, name: &str) -> db::Result<bool> {
    let mut tx = db.read().await?;
    store::is_named(&mut tx, name).await
}

#[cfg(test)]
mod tests;
