//! Rate limits, counted in the database so that several processes share them.

mod store;
#[cfg(test)]
pub(crate) use store::ALL as STATEMENTS;

use crate::db::{self, Tx};
use crate::random;

/// How often something may happen.
#[derive(Clone, Copy)]
pub struct Limit {
    name: &'static str,
    window_ms: i64,
    count: i64,
}

/// Sign-ins for one e-mail address from one network address: strangers cannot lock an owner out.
pub const SIGN_IN: Limit = Limit {
    name: "sign-in",
    window_ms: 15 * 60_000,
    count: 10,
};
/// Sign-ins and sign-ups from one network address.
pub const ADDRESS: Limit = Limit {
    name: "address",
    window_ms: 15 * 60_000,
    count: 100,
};
/// Pictures that one person generates.
pub const GENERATE: Limit = Limit {
    name: "generate",
    window_ms: 60 * 60_000,
    count: 300,
};
/// Re-runs that one person asks for.
pub const REPRODUCE: Limit = Limit {
    name: "reproduce",
    window_ms: 60 * 60_000,
    count: 60,
};

/// Recipes that one person submits: each tells whether it must wait for a person, and that may not be asked without end.
pub const PUBLISH: Limit = Limit {
    name: "publish",
    window_ms: 24 * 60 * 60_000,
    count: 40,
};
/// Statements about one purchase.
pub const ATTEST: Limit = Limit {
    name: "attest",
    window_ms: 60 * 60_000,
    count: 20,
};

/// Counts one use and says whether it is still allowed.
///
/// # Errors
/// When the database fails.
pub async fn allow(tx: &mut Tx, limit: Limit, subject: &str) -> db::Result<bool> {
    let now = random::real_now_ms();
    let window = now - now % limit.window_ms;
    let used = store::count(tx, &format!("{}:{subject}", limit.name), window).await?;
    Ok(used <= limit.count)
}

/// Forgets windows that are over.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx) -> db::Result<()> {
    store::forget(tx, random::real_now_ms() - 2 * PUBLISH.window_ms).await
}
