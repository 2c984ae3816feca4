//! What every handler and job shares; cheap to clone.

use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::jobs::Bell;
use crate::mail::Mailer;
use crate::media::Media;
use crate::operator::health::Writes;
use crate::provider::{Provider, sandbox};
use crate::studio::engines::Engines;
use crate::vault::Vault;
use crate::verify::intake::Intake;
use crate::verify::service::PublicLog;
use crate::web::assets::Assets;
use crate::web::error::AppError;
use schema::failure::Code;
use std::sync::Arc;

/// Shared state.
#[derive(Clone)]
pub struct AppState {
    /// Settings.
    pub config: Arc<Config>,
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
    /// The model and its engines.
    pub engines: Engines,
    /// Built browser files.
    pub assets: Arc<Assets>,
    /// Rung after a commit that enqueued a job.
    pub jobs: Bell,
    /// Rung after a commit that queued a leaf.
    pub leaves: Bell,
    /// Whether the database can be written, as it was last tried.
    pub writes: Writes,
    /// Whether this is a demo shop.
    pub demo: bool,
}

impl AppState {
    /// Pages of the sandbox do not exist beside another provider.
    ///
    /// # Errors
    /// `Code::NotFound`.
    pub fn require_sandbox(&self) -> Result<(), AppError> {
        match self.provider.name() {
            sandbox::NAME => Ok(()),
            _ => Err(AppError::new(Code::NotFound)),
        }
    }
}
