//! People: with an account, an address that is theirs, and a password that nobody knows.

use base::db::{Db, Tx, execute};
use base::random;

/// A member whose address was proven, unless a test says otherwise.
pub(crate) struct Person {
    id: String,
    name: String,
    role: &'static str,
    proven_ms: Option<i64>,
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            id: random::id(),
            name: name.into(),
            role: "member",
            proven_ms: Some(1),
        }
    }

    /// Known by the name, for tests that read better so.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            id: name.into(),
            ..Self::new(name)
        }
    }

    pub(crate) fn operator(mut self) -> Self {
        self.role = "operator";
        self
    }

    /// As a sign-up leaves it: anybody may have typed the address.
    pub(crate) fn unproven(mut self) -> Self {
        self.proven_ms = None;
        self
    }

    /// Writes the row and returns the id.
    pub(crate) async fn insert(self, tx: &mut Tx) -> String {
        let sql = "insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms, proven_ms)
            values ($1, $3, $3, $3, $2, 'x', $4, 1, $5)";
        let email = format!("{}@test.example", self.name);
        execute!(
            tx,
            sql,
            &self.id,
            &self.name,
            &email,
            self.role,
            self.proven_ms
        )
        .expect("a person");
        self.id
    }

    /// The same in a transaction of its own.
    pub(crate) async fn save(self, db: &Db) -> String {
        let mut tx = db.write().await.expect("a transaction");
        let id = self.insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        id
    }
}
