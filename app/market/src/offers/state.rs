//! How a set stands, and which steps it may take.
//!
//! The one rule: a step that is not in these tables is a fault of ours; the statement that ends a set touches none that is not live.

use base::db::words;

words! {
    /// How a set stands.
    pub enum SetState {
        /// For sale.
        Live = "live",
        /// Its creator ended it.
        Ended = "ended",
    }
}
