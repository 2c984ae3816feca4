//! Sales and their end: fulfilment, refunds, disputes.
//!
//! The one rule: the books and the line change in one transaction, and only as long as the line is what was read.

pub mod dispute;
pub mod refund;
pub mod sale;
mod state;
mod store;

pub use refund::{Bearer, cancel_unopened, plan_part, plan_refund};
pub use sale::LicenceSecret;
pub use state::{DisputeState, LossBearer};
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;
