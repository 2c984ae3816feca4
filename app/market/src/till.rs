//! What a sale touches of the shop.

use crate::log::service::PublicLog;
use crate::machines::Here;
use base::db::Db;
use base::vault::Vault;
use money::provider::Provider;
use schema::money::FeeSchedule;
use std::sync::Arc;

/// What the till needs of the shop: everything that a sale touches.
#[derive(Clone)]
pub struct Till {
    pub db: Db,
    pub vault: Vault,
    pub log: PublicLog,
    pub fee: FeeSchedule,
    pub minimum_order_minor: i64,
    pub provider: Arc<dyn Provider>,
    /// Models that are known to be here.
    pub here: Here,
    /// Where buyers come back to.
    pub public_url: String,
}
