//! What every handler shares; cheap to clone.

use crate::config::Config;
use crate::ui::assets::Assets;
use crate::ui::failure::AppError;
use base::db::writes::Writes;
use market::pictures::Pictures;
use market::shop::Shop;
use money::provider::sandbox;
use schema::failure::Code;
use std::ops::Deref;
use std::sync::Arc;

/// Shared state of the pages: the shop, and what only pages need.
#[derive(Clone)]
pub struct AppState {
    /// What the rules share.
    pub shop: Shop,
    /// Settings.
    pub config: Arc<Config>,
    /// Copies of public pictures.
    pub pictures: Pictures,
    /// Built browser files.
    pub assets: Arc<Assets>,
    /// Whether the database can be written, as it was last tried.
    pub writes: Writes,
}

impl Deref for AppState {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
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
