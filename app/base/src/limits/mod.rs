//! Rate limits, counted in the database so that several processes share them.

mod store;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use crate::db::{self, Tx};
use crate::random;
use std::net::IpAddr;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
/// Sign-ins for one e-mail address from everywhere: a guesser with many addresses is slow, and a mailed link still lets the owner in.
pub const SIGN_IN_ANYWHERE: Limit = Limit {
    name: "sign-in-anywhere",
    window_ms: 60 * 60_000,
    count: 1000,
};
/// Sign-ins and sign-ups from one network address.
pub const ADDRESS: Limit = Limit {
    name: "address",
    window_ms: 15 * 60_000,
    count: 100,
};
/// Mailed links for one e-mail address, whoever asks.
pub const LINK: Limit = Limit {
    name: "link",
    window_ms: 60 * 60_000,
    count: 3,
};
/// Coupon codes that no coupon has, from one block of network addresses.
pub const COUPON_GUESSES: Limit = Limit {
    name: "coupon-guesses",
    window_ms: 60 * 60_000,
    count: 40,
};
/// Pictures to search with, from one block of network addresses.
pub const PICTURE_SEARCH: Limit = Limit {
    name: "picture-search",
    window_ms: 60 * 60_000,
    count: 60,
};
/// Mails that ask whether an address is somebody's own; the links to an account are counted by themselves.
pub const PROVE: Limit = Limit {
    name: "prove",
    window_ms: 60 * 60_000,
    count: 3,
};
/// Orders of one buyer: each is a checkout at the provider.
pub const ORDERS: Limit = Limit {
    name: "orders",
    window_ms: 60 * 60_000,
    count: 300,
};
/// Orders of one buyer that cost nothing: each is a leaf of the log.
pub const GIFTS: Limit = Limit {
    name: "gifts",
    window_ms: 24 * 60 * 60_000,
    count: 60,
};
/// Orders without an account that cost nothing, from one block of network addresses: each is a leaf of the log and a mail.
pub const FREE_ORDERS: Limit = Limit {
    name: "free-orders",
    window_ms: 24 * 60 * 60_000,
    count: 30,
};
/// Mails about what cost nothing, to one address: who only typed it must not fill a stranger's mailbox.
pub const FREE_MAILS: Limit = Limit {
    name: "free-mails",
    window_ms: 24 * 60 * 60_000,
    count: 5,
};
/// Pictures that one person generates.
pub const GENERATE: Limit = Limit {
    name: "generate",
    window_ms: 60 * 60_000,
    count: 300,
};
/// Pictures that one creator's drafts begin with: each is decoded, cut and kept.
pub const STARTING_PICTURES: Limit = Limit {
    name: "starting-pictures",
    window_ms: 60 * 60_000,
    count: 60,
};
/// Reports from one network address.
pub const REPORT: Limit = Limit {
    name: "report",
    window_ms: 60 * 60_000,
    count: 20,
};
/// Re-runs that one person asks for.
pub const REPRODUCE: Limit = Limit {
    name: "reproduce",
    window_ms: 60 * 60_000,
    count: 60,
};
/// Pictures that one owner makes with their own values.
pub const OWN_PICTURES: Limit = Limit {
    name: "own-pictures",
    window_ms: 60 * 60_000,
    count: 200,
};
/// Print sheets of one owner: each is a page of nine million dots.
pub const SHEETS: Limit = Limit {
    name: "sheets",
    window_ms: 60 * 60_000,
    count: 60,
};
/// Files without a label that one person takes; each is written down.
pub const UNLABELLED: Limit = Limit {
    name: "unlabelled",
    window_ms: 60 * 60_000,
    count: 300,
};
/// Pictures that one visitor tries, of whatever listings.
pub const TRIALS: Limit = Limit {
    name: "trials",
    window_ms: 24 * 60 * 60_000,
    count: 30,
};
/// Pictures of one listing that one block of network addresses tries: whoever throws a cookie away begins again, and not for ever.
pub const TRIALS_BLOCK: Limit = Limit {
    name: "trials-block",
    window_ms: 24 * 60 * 60_000,
    count: 12,
};
/// Pictures of whatever listings that one block of network addresses tries.
pub const TRIALS_ANYWHERE: Limit = Limit {
    name: "trials-anywhere",
    window_ms: 24 * 60 * 60_000,
    count: 120,
};

/// Recipes that one person submits.
pub const PUBLISH: Limit = Limit {
    name: "publish",
    window_ms: 24 * 60 * 60_000,
    count: 40,
};
/// Guesses that one person's submissions could test: each may tell at last whether it resembles what somebody sealed.
pub const GUESSES: Limit = Limit {
    name: "guesses",
    window_ms: 24 * 60 * 60_000,
    count: 300,
};
/// The same from one block of network addresses, however many accounts are behind it.
pub const GUESSES_BLOCK: Limit = Limit {
    name: "guesses-block",
    window_ms: 24 * 60 * 60_000,
    count: 600,
};
/// Statements about one purchase.
pub const ATTEST: Limit = Limit {
    name: "attest",
    window_ms: 60 * 60_000,
    count: 20,
};

impl Limit {
    /// Seconds until what was counted is forgotten.
    #[must_use]
    pub fn rest_s(&self) -> u64 {
        let rest_ms = self.window_ms - random::real_now_ms() % self.window_ms;
        u64::try_from(rest_ms / 1000 + 1).unwrap_or(1)
    }
}

/// Counts one use and says whether it is still allowed.
///
/// # Errors
/// When the database fails.
pub async fn allow(tx: &mut Tx, limit: Limit, subject: &str) -> db::Result<bool> {
    allow_many(tx, limit, subject, 1).await
}

/// Counts several uses and says whether they are still allowed, all together.
///
/// # Errors
/// When the database fails.
pub async fn allow_many(tx: &mut Tx, limit: Limit, subject: &str, uses: i64) -> db::Result<bool> {
    let now = random::real_now_ms();
    let window = now - now % limit.window_ms;
    let used = store::count(tx, &format!("{}:{subject}", limit.name), window, uses).await?;
    Ok(used <= limit.count)
}

/// The block that an address belongs to, of which one subscriber commonly has many: 256 of the old kind, a /48 of the new.
#[must_use]
pub fn block(address: &str) -> String {
    match address
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => address.to_owned(),
    }
}

/// Forgets windows that are over.
///
/// # Errors
/// When the database fails.
pub async fn sweep(tx: &mut Tx) -> db::Result<()> {
    store::forget(tx, random::real_now_ms() - 2 * PUBLISH.window_ms).await
}

#[cfg(test)]
mod tests;
