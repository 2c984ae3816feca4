//! What a draft holds, and the recipe that it makes.

use super::start::{Start, Varied};
use crate::models::Models;
use crate::shop::Shop;
use engine::Error;
use engine::metadata::scheduler_for;
use engine::model::{Model, Size};
use schema::id::DraftId;
use schema::recipe::{Anchor, ModelDigest, Profile, PromptWeights, Recipe};
use schema::template::{Choice, Variable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A draft's secret half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub template: String,
    pub negative: String,
    pub variables: BTreeMap<String, Variable>,
    pub steps: u32,
    pub guidance_milli: u32,
    /// The model that the draft was begun with; absent in drafts of a time when there was one, which are made with the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelDigest>,
    /// A sampler by its name; absent, the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// Last layers of the text encoder that are left out.
    #[serde(default, skip_serializing_if = "is_none")]
    pub clip_skip: u32,
    /// Whether brackets in the prompts are weights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub weights: bool,
    /// A quick look by the execution provider of this machine: near, and never sealed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub native: bool,
    /// A size that the model offers; absent means its usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// A picture that its pictures begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// A picture that its pictures are variations of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub varied: Option<Varied>,
}

fn is_none(skip: &u32) -> bool {
    *skip == 0
}

impl Content {
    /// The settings of a new draft.
    #[must_use]
    pub fn sample(state: &Shop) -> Self {
        let model = state.engines.models().usual();
        let manifest = &model.manifest;
        let choice = |label: &str, text: &str| Choice {
            label: label.into(),
            text: text.into(),
        };
        let colours = Variable::Choice {
            choices: vec![
                choice("red", "red"),
                choice("green", "green"),
                choice("blue", "blue"),
            ],
            default: "red".into(),
        };
        Self {
            template: "{colour} apple, 3d style".into(),
            negative: String::new(),
            variables: BTreeMap::from([("colour".into(), colours)]),
            steps: manifest.steps,
            guidance_milli: manifest.guidance_milli,
            model: Some(model.digest),
            sampler: None,
            clip_skip: 0,
            weights: false,
            native: false,
            size: None,
            start: None,
            varied: None,
        }
    }

    /// The size of its pictures when a model makes them.
    #[must_use]
    pub fn size_with(&self, model: &Model) -> Size {
        let usual = model.manifest.sizes.first().copied();
        self.size.or(usual).unwrap_or(Size {
            width: 128,
            height: 128,
        })
    }

    /// The model that its pictures are made with.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when it is not here any more.
    pub fn model<'a>(&self, models: &'a Models) -> Result<&'a Arc<Model>, Error> {
        match self.model {
            Some(digest) => models.named(digest),
            None => Ok(models.usual()),
        }
    }

    /// Settles on what the model offers after another one was chosen than the page was drawn for: its usual size, and its usual steps and
    /// guidance where those of a model still stand that nobody changed.
    pub(super) fn settle(&mut self, models: &Models, shown: Option<ModelDigest>) {
        let Ok(model) = self.model(models).cloned() else {
            return;
        };
        if model.manifest.scheduler.schedule().is_none() {
            // The embedded family has its own sampler and reads no brackets.
            (self.sampler, self.clip_skip, self.weights) = (None, 0, false);
        }
        self.clip_skip = self.clip_skip.min(model.manifest.most_clip_skip());
        if shown.is_none_or(|shown| shown == model.digest) {
            return;
        }
        self.size = None;
        let untouched = models.iter().any(|other| {
            let usual = (other.manifest.steps, other.manifest.guidance_milli);
            usual == (self.steps, self.guidance_milli)
        });
        if untouched {
            self.steps = model.manifest.steps;
            self.guidance_milli = model.manifest.guidance_milli;
        }
    }

    /// A recipe with these settings and the given anchors.
    ///
    /// # Errors
    /// As [`Content::model`].
    pub fn recipe(&self, models: &Models, anchors: Vec<Anchor>) -> Result<Recipe, Error> {
        let model = self.model(models)?;
        let size = self.size_with(model);
        let usual = model.manifest.scheduler;
        let scheduler = match &self.sampler {
            Some(name) => scheduler_for(name, &usual)?,
            None => usual,
        };
        let mut recipe = Recipe::new(
            model.digest,
            self.template.clone(),
            scheduler,
            self.steps,
            self.guidance_milli,
            (size.width, size.height),
        );
        if self.native {
            recipe.profile = Profile::Native;
        }
        // A size that the model decodes in tiles alone.
        recipe.tile = model.manifest.usual_tile(size);
        recipe.init = self.start.as_ref().map(Start::init);
        recipe.variation = self.varied.as_ref().map(Varied::variation);
        recipe.variables = self.variables.clone();
        recipe.negative = (!self.negative.is_empty()).then(|| self.negative.clone());
        recipe.clip_skip = (self.clip_skip > 0).then_some(self.clip_skip);
        recipe.prompt_weights = self.weights.then_some(PromptWeights::A1111);
        recipe.anchors = anchors;
        Ok(recipe)
    }

    /// Names these settings: pictures with another tag were made with an earlier text.
    #[must_use]
    pub fn tag(&self, state: &Shop, draft: &DraftId) -> String {
        // By what decides pixels: the same picture chosen again has another file and another key.
        let plain = Self {
            start: None,
            varied: None,
            ..self.clone()
        };
        let mut text = serde_json::to_string(&plain).unwrap_or_default();
        let init = self.start.as_ref().map(Start::init);
        let variation = self.varied.as_ref().map(Varied::variation);
        if init.is_some() || variation.is_some() {
            text += &serde_json::to_string(&(init, variation)).unwrap_or_default();
        }
        state.vault.tag(&format!("{draft}\0{text}"))
    }
}

/// A draft's form as it was sent.
#[derive(Clone, Debug)]
pub struct DraftForm {
    pub title: String,
    pub description: String,
    pub category: String,
    pub price: String,
    pub licence: String,
    /// As typed, between commas.
    pub tags: String,
    /// Whether visitors may try it.
    pub trial: bool,
    pub content: Content,
    /// How much of the run is made over a starting picture, as it was typed; what the draft begins with stays as it is stored.
    pub strength_milli: Option<u32>,
    /// How much of their own noise variations have, as it was typed.
    pub distance_milli: Option<u32>,
    /// The model that the page was drawn for; nothing for whoever saw none.
    pub shown_model: Option<ModelDigest>,
    /// The state of the draft that the page showed; nothing for whoever saw none.
    pub seen_ms: Option<i64>,
}
