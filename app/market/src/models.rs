//! The models that are here, each known by its digest.
//!
//! The one rule: whoever holds a recipe asks for the model that it names; only who begins something new takes the usual one.

use anyhow::{Context as _, Result, ensure};
use engine::model::{MANIFEST, Model, Source};
use engine::{Error, ErrorKind, embedded};
use schema::recipe::ModelDigest;
use std::path::Path;
use std::sync::Arc;

/// The models of a shop, all loaded and checked.
pub struct Models {
    usual: Arc<Model>,
    others: Vec<Arc<Model>>,
    /// The models whose recipes may be sold; all whose licence lets people sell when nothing is said.
    for_sale: Option<Vec<ModelDigest>>,
}

impl Models {
    /// The usual model, which new drafts begin with, and others: recipes of an earlier release go on being made with theirs.
    #[must_use]
    pub fn new(usual: Model, others: Vec<Model>) -> Self {
        let others = others
            .into_iter()
            .filter(|other| other.digest != usual.digest);
        Self {
            others: others.map(Arc::new).collect(),
            usual: Arc::new(usual),
            for_sale: None,
        }
    }

    /// Lets recipes of these models alone be sold.
    ///
    /// # Errors
    /// When one of them is not here, or its licence forbids sale.
    pub fn sell_only(mut self, digests: &[ModelDigest]) -> Result<Self> {
        for digest in digests {
            let model = self.named(*digest)?;
            ensure!(
                model.manifest.for_sale,
                "the licence of {} ({digest}) forbids sale",
                name(model)
            );
        }
        self.for_sale = Some(digests.to_vec());
        Ok(self)
    }

    /// Whether recipes of a model may be sold: its licence lets people, and so does the operator.
    #[must_use]
    pub fn may_be_sold(&self, model: &Model) -> bool {
        let chosen = self.for_sale.as_ref();
        model.manifest.for_sale && chosen.is_none_or(|digests| digests.contains(&model.digest))
    }

    /// The embedded model, and each of the model folders in `folder`.
    ///
    /// # Errors
    /// When a model is damaged, or the folder cannot be read.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let usual = Model::load(&embedded::DEFAULT).context("the embedded model is damaged")?;
        let mut others = Vec::new();
        if let Some(folder) = folder {
            let place = || format!("SEEDMARK_MODELS: {}", folder.display());
            let entries = std::fs::read_dir(folder).with_context(place)?;
            let mut found = entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()
                .with_context(place)?;
            let hidden = |path: &Path| {
                let name = path.file_name().unwrap_or_default();
                name.to_string_lossy().starts_with('.')
            };
            // A hidden folder is a model that is still being added.
            found.retain(|path| path.join(MANIFEST).is_file() && !hidden(path));
            found.sort();
            for path in found {
                let place = path.display().to_string();
                others.push(Model::load(&Source::Folder(path)).with_context(|| place)?);
            }
        }
        Ok(Self::new(usual, others))
    }

    /// The model that new drafts begin with.
    #[must_use]
    pub fn usual(&self) -> &Arc<Model> {
        &self.usual
    }

    /// All of them, the usual one first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Model>> {
        std::iter::once(&self.usual).chain(&self.others)
    }

    /// The model with a digest.
    ///
    /// # Errors
    /// `ErrorKind::Missing`, naming it.
    pub fn named(&self, digest: ModelDigest) -> Result<&Arc<Model>, Error> {
        self.iter()
            .find(|model| model.digest == digest)
            .ok_or_else(|| {
                let message = format!("the recipe needs the model {digest}, which is not here");
                Error::new(ErrorKind::Missing, message)
            })
    }

    /// The name for people of the model with this digest, where it is here.
    #[must_use]
    pub fn name_of(&self, digest: &str) -> Option<String> {
        let model = self.named(ModelDigest::parse(digest).ok()?).ok()?;
        Some(name(model))
    }
}

/// How many bytes a model's files have.
#[must_use]
pub fn bytes(model: &Model) -> u64 {
    model.manifest.files.iter().map(|file| file.bytes).sum()
}

/// A model's name for people.
#[must_use]
pub fn name(model: &Model) -> String {
    model.manifest.title()
}

#[cfg(test)]
mod tests {
    use super::Models;
    use crate::testing::second_model;
    use engine::model::Model;
    use engine::{ErrorKind, embedded};

    #[test]
    fn each_model_is_found_by_its_own_digest_and_a_stranger_by_none() {
        let folder = tempfile::tempdir().expect("a folder");
        second_model(&folder.path().join("second"));
        let models = Models::load(Some(folder.path())).expect("two models");
        let digests: Vec<_> = models.iter().map(|model| model.digest).collect();
        assert_eq!(digests.len(), 2);
        assert_ne!(digests[0], digests[1]);
        for digest in &digests {
            assert_eq!(models.named(*digest).expect("a model").digest, *digest);
        }
        assert_eq!(models.usual().digest, digests[0]);
        assert_eq!(
            models.name_of(&digests[1].to_string()).as_deref(),
            Some("Another 1.0")
        );
        let alone = Models::load(None).expect("the embedded model");
        let refused = alone.named(digests[1]).err().expect("not here");
        assert_eq!(refused.kind(), ErrorKind::Missing);
        assert!(refused.to_string().contains(&digests[1].to_string()));
    }

    #[test]
    fn the_embedded_model_again_is_no_second_one() {
        let load = || Model::load(&embedded::DEFAULT).expect("the embedded model");
        assert_eq!(Models::new(load(), vec![load()]).iter().count(), 1);
    }

    #[test]
    fn an_empty_store_is_no_mistake_and_one_that_is_not_there_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = Models::load(Some(folder.path())).expect("the embedded model");
        assert_eq!(models.iter().count(), 1);
        let nowhere = folder.path().join("nowhere");
        let error = Models::load(Some(&nowhere)).err().expect("a mistake");
        assert!(error.to_string().contains("SEEDMARK_MODELS"), "{error}");
    }

    #[test]
    fn what_may_be_sold_is_the_operators_choice_among_what_licences_allow() {
        let folder = tempfile::tempdir().expect("a folder");
        second_model(&folder.path().join("second"));
        let models = || Models::load(Some(folder.path())).expect("two models");
        let all = models();
        assert!(all.iter().all(|model| all.may_be_sold(model)));
        let usual = all.usual().digest;
        let one = models().sell_only(&[usual]).expect("one of them");
        let sold: Vec<bool> = one.iter().map(|model| one.may_be_sold(model)).collect();
        assert_eq!(sold, [true, false]);
        let nobodys = schema::recipe::ModelDigest::of(b"nobody's");
        assert!(models().sell_only(&[nobodys]).is_err());
    }
}
