//! What the rules of the shop share; cheap to clone.
//!
//! The one rule: nothing of a page and nothing of a request is here.

use crate::engines::Engines;
use crate::finder::Finder;
use crate::log::intake::Intake;
use crate::log::service::PublicLog;
use crate::machines::Here;
use crate::till::Till;
use base::clock::Clock;
use base::db::Db;
use base::mail::Mailer;
use base::media::Media;
use base::vault::Vault;
use money::provider::Provider;
use schema::money::FeeSchedule;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long what a creator publishes waits who is not known here yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// At least.
    pub least_ms: i64,
    /// At most.
    pub most_ms: i64,
}

impl Waits {
    /// No wait: for demos and tests.
    pub const NONE: Self = Self {
        least_ms: 0,
        most_ms: 0,
    };

    /// A wait within the bounds, by eight bytes of chance.
    #[must_use]
    pub fn draw(self, chance: [u8; 8]) -> i64 {
        let span = u64::try_from(self.most_ms - self.least_ms).unwrap_or(0) + 1;
        // Less than the span, which is an i64 as milliseconds.
        self.least_ms + (u64::from_le_bytes(chance) % span) as i64
    }
}

/// Shared state of the rules.
#[derive(Clone)]
pub struct Shop {
    /// Both databases' front.
    pub db: Db,
    /// Business time.
    pub clock: Clock,
    /// Takes and pays money.
    pub provider: Arc<dyn Provider>,
    /// Secrets at rest.
    pub vault: Vault,
    /// Sends mail.
    pub mailer: Mailer,
    /// Picture files.
    pub media: Media,
    /// The public log for readers.
    pub log: PublicLog,
    /// The way into the log for single leaves.
    pub intake: Intake,
    /// The search index.
    pub finder: Finder,
    /// The model and its engines.
    pub engines: Engines,
    /// The models of those engines.
    pub here: Here,
    /// As many pictures are made at once.
    pub workers: usize,
    /// The fee of lines sold from now on.
    pub fee: FeeSchedule,
    /// Smaller orders are not taken.
    pub minimum_order_minor: i64,
    /// Smaller sums are paid out once a month.
    pub minimum_payout_minor: i64,
    /// How long what is published waits.
    pub waits: Waits,
    /// Where the shop is.
    pub public_url: String,
    /// Whether this is a demo shop.
    pub demo: bool,
    /// The clock and the operator's buttons take turns: a payout that two of them plan at once would be planned twice.
    pub turn: Arc<Mutex<()>>,
}

impl Shop {
    /// What the till needs.
    #[must_use]
    pub fn till(&self) -> Till {
        Till {
            db: self.db.clone(),
            vault: self.vault.clone(),
            log: self.log.clone(),
            fee: self.fee,
            minimum_order_minor: self.minimum_order_minor,
            provider: self.provider.clone(),
            here: self.here.clone(),
            public_url: self.public_url.clone(),
        }
    }
}
