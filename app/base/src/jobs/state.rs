//! How a job stands.
//!
//! The one rule: the statements of the store take a job from one state to the next, each for whoever holds its lease; nobody else
//! writes one.

use crate::db::words;

words! {
    /// How a job stands.
    pub enum JobState {
        /// Nobody works on it; it is due at its time.
        Waiting = "waiting",
        /// A worker claimed it.
        Running = "running",
        /// Finished, or taken back before it began.
        Done = "done",
        /// It failed too often, and waits for a person.
        Dead = "dead",
    }
}
