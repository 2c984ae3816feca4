//! A stretch of all versions, by id: what regular work looks at in one turn.
//!
//! The one rule: a turn costs the same in a catalogue of any size. What it did not reach it reaches in a later turn; at the end it
//! begins again.

use super::store;
use base::db::{self, Tx};

/// So many versions are looked at in one turn.
const VERSIONS: i64 = 2_000;
/// Behind every id: those are digits, the letters a to f and hyphens.
const END: &str = "z";

/// From behind one version's id up to another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    setting: &'static str,
    /// The last id of the stretch before.
    pub after: String,
    /// Its own last id.
    pub until: String,
}

impl Stretch {
    /// The next one of the walk that is kept under this setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(tx: &mut Tx, setting: &'static str) -> db::Result<Self> {
        let after = db::read_setting(tx, setting).await?.unwrap_or_default();
        let until = store::find_stretch_end(tx, &after, VERSIONS).await?;
        Ok(Self {
            setting,
            until: until.unwrap_or_else(|| END.to_owned()),
            after,
        })
    }

    /// Whether nothing is before it.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.after.is_empty()
    }

    /// Whether nothing is behind it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.until == END
    }

    /// The next turn goes on behind it, or begins again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pass(&self, tx: &mut Tx) -> db::Result<()> {
        let next = if self.is_last() { "" } else { &self.until };
        db::write_setting(tx, self.setting, next).await
    }
}
