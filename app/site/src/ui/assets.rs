//! The built browser files: hashed names from `manifest.json`, which `cargo xtask web` writes.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::path::Path;

/// Names of built files, by what they are.
pub struct Assets {
    names: HashMap<String, String>,
}

impl Assets {
    /// Reads the manifest of a site folder.
    ///
    /// # Errors
    /// When there is none: the browser library was not built.
    pub fn load(site: &Path) -> Result<Self> {
        let path = site.join("manifest.json");
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{} is missing: run `cargo xtask web`", path.display()))?;
        Ok(Self {
            names: serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?,
        })
    }

    /// No files: for a worker, which shows no page.
    #[must_use]
    pub fn none() -> Self {
        Self {
            names: HashMap::new(),
        }
    }

    /// The URL of a built file such as `style.css`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!(
            "/assets/{}",
            self.names.get(name).map_or(name, String::as_str)
        )
    }
}
