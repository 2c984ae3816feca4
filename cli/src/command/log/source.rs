//! Where a log is read from: a folder or a URL, always through the verifying reader.

use crate::arguments::LogSource;
use crate::{exit, input, machine};
use anyhow::{Context as _, Result, anyhow};
use ledger::client::Remote;
use ledger::policy::{Policy, Settlement};
use ledger::tile::TileReader;
use ledger::verified::Verified;
use ledger::writer::Folder;
use ledger::{Error, ErrorKind};

/// A log's files, unverified.
pub(super) enum Place {
    Folder(Folder),
    Remote(Remote),
}

impl TileReader for Place {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::Folder(folder) => folder.read_tile(path),
            Self::Remote(remote) => remote.read_tile(path),
        }
    }
}

/// A log as the command line names it.
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) policy: Policy,
}

/// A checkpoint as it was served, and what the policy makes of it.
pub(super) struct Head {
    pub(super) text: String,
    pub(super) settlement: Settlement,
}

impl Source {
    pub(super) fn open(options: &LogSource) -> Result<Self> {
        let policy = match (&options.key, &options.policy) {
            (Some(key), None) => Policy::first_use(key).context("--key")?,
            (None, Some(path)) => {
                let text = input::read_text(path, "policy")?;
                Policy::parse(&text).with_context(|| path.display().to_string())?
            }
            _ => return Err(anyhow!("name the log's key by --key or --policy")),
        };
        let log = &options.log;
        let place = if Remote::is_url(log) {
            Place::Remote(Remote::new(log)?)
        } else if std::path::Path::new(log).is_dir() {
            Place::Folder(Folder::new(std::path::Path::new(log))?)
        } else {
            return Err(anyhow!(
                "{log} is neither a folder nor a URL that begins with https:// or http://"
            ));
        };
        Ok(Self { place, policy })
    }

    /// The newest checkpoint and a reader of its tree, for a command that ends when either fails.
    pub(super) fn open_tree(&self) -> Result<(Head, Verified<&Place>)> {
        let head = self.head().map_err(exit::of_checkpoint)?;
        let tree = self.verified(&head).map_err(exit::of_tile)?;
        Ok((head, tree))
    }

    /// The newest checkpoint, verified by the policy.
    pub(super) fn head(&self) -> Result<Head, Error> {
        let text = String::from_utf8(self.place.read_tile("checkpoint")?)
            .map_err(|_| Error::new(ErrorKind::Malformed, "the checkpoint is not text"))?;
        let settlement = self.policy.settle(&text, machine::now_seconds())?;
        Ok(Head { text, settlement })
    }

    /// A reader of the tree under `head` that believes nothing.
    pub(super) fn verified(&self, head: &Head) -> Result<Verified<&Place>, Error> {
        Verified::new(&self.place, head.settlement.checkpoint.clone())
    }
}
