//! A transaction that may book.
//!
//! The one rule: whoever books holds the books' lock from before its first statement, so that no two of them can wait for each other in
//! a ring, or decide by a balance that the other one is changing. Every sale adds to the same few accounts (the processor's, our share,
//! taxes) and would wait there anyway; on SQLite the only writer is the lock.

use base::db::{self, Db, Tx};
use std::ops::{Deref, DerefMut};

/// Whose turn it is to book: the word "books" as a number.
const TURN: i64 = 0x62_6f_6f_6b_73;

/// A transaction in which entries may be booked. Dropping it without commit undoes it.
pub struct Booking(Tx);

/// Begins one. Await nothing but SQL inside: everybody else who books waits.
///
/// # Errors
/// When no connection is free in time, or the lock is not.
pub async fn begin(db: &Db) -> db::Result<Booking> {
    let mut tx = db.write().await?;
    tx.take_turn(TURN).await?;
    Ok(Booking(tx))
}

impl Booking {
    /// Makes it durable.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn commit(self) -> db::Result<()> {
        self.0.commit().await
    }
}

impl Deref for Booking {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.0
    }
}

impl DerefMut for Booking {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.0
    }
}
