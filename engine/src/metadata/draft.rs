//! Settings of another program → a recipe for a model that is here.
//!
//! The one rule: a draft, never called exact. What the model was trained with is the model's, whatever the file says; what cannot be taken is
//! among the remarks that reading gave.

use super::found::{Found, NoiseSource, Program};
use super::remark::{Remark, Syntax};
use super::sampler::{Sampler, spacing, split};
use crate::error::{Error, ErrorKind};
use crate::model::{Model, Size};
use crate::scheduler::config::Config;
use schema::recipe::{
    Anchor, Noise, Picture as RecipePicture, PromptWeights, Recipe, Scheduler, Seed, Variation,
};
use schema::scheduler::{Schedule, Spacing};
use schema::template::Values;
use serde_json::Value;

/// Samplers by the names that people know, in the order in which they are offered; each is what [`scheduler_for`] takes.
pub const SAMPLERS: [&str; 15] = [
    "Euler",
    "Euler a",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "DPM++ 3M SDE",
    "DPM++ 3M SDE Exponential",
    "DDIM",
    "PNDM",
    "Heun",
    "UniPC",
    "LCM",
    "TCD",
    "Euler Karras",
];

/// The sampler of a name that people know (`Euler a`, `DPM++ 2M Karras`), over what a model was trained with.
///
/// # Errors
/// `ErrorKind::NotOffered` for a name that no scheduler of this engine follows, and for a model that takes its own sampler alone.
pub fn scheduler_for(name: &str, base: &Scheduler) -> Result<Scheduler, Error> {
    let refuse =
        |why: &str| Error::new(ErrorKind::NotOffered, format!("the sampler {name:?} {why}"));
    let (plain, sigmas) = split_any(name);
    let sampler = Sampler::named(plain);
    let mut options = match sampler.options() {
        Some(options) if sampler.offered => options,
        _ => {
            return Err(refuse(
                "is not offered; these are: Euler, Euler a, Heun, DDIM, PNDM, DPM++ 2M, DPM++ 3M, DPM++ 2M SDE, DPM++ 3M SDE, UniPC, LCM, TCD, and Karras or Exponential behind most of them",
            ));
        }
    };
    match sigmas.map(spacing) {
        None | Some(Ok(_)) => {}
        Some(Err(())) => return Err(refuse("has a spacing of sigmas that is not offered")),
    }
    if let Some(Ok(Some(kind))) = sigmas.map(spacing) {
        let karras = kind == crate::scheduler::config::Sigmas::Karras;
        options.insert("use_karras_sigmas".into(), karras.into());
        let exponential = kind == crate::scheduler::config::Sigmas::Exponential;
        options.insert("use_exponential_sigmas".into(), exponential.into());
    }
    let trained = *base
        .schedule()
        .ok_or_else(|| refuse("is none of this model's: it takes its own alone"))?;
    let spaced = options.contains_key("timestep_spacing");
    let config = Config::parse(&Value::Object(options).to_string())?;
    let mut named = config.to_recipe()?;
    if let Some(schedule) = named.schedule_mut() {
        *schedule = Schedule {
            sigmas: schedule.sigmas,
            final_sigma: schedule.final_sigma,
            spacing: match spaced {
                true => schedule.spacing,
                false => trained.spacing,
            },
            offset: match trained.spacing {
                Spacing::Leading => trained.offset,
                _ => 0,
            },
            ..trained
        };
    }
    named.check()?;
    Ok(named)
}

/// A name, and the spacing behind it in any letters.
fn split_any(name: &str) -> (&str, Option<&str>) {
    let trimmed = name.trim();
    let (plain, sigmas) = split(trimmed);
    if sigmas.is_some() {
        return (plain, sigmas);
    }
    let cut = trimmed.rfind([' ', '-', '_']);
    match cut.map(|at| (&trimmed[..at], &trimmed[at + 1..])) {
        Some((plain, last))
            if ["karras", "exponential"].contains(&last.to_lowercase().as_str()) =>
        {
            (plain, Some(last))
        }
        _ => (trimmed, None),
    }
}

/// What people call a sampler: one of [`SAMPLERS`] where it is one of them, else its name in documents.
#[must_use]
pub fn sampler_title(scheduler: &Scheduler) -> &'static str {
    let same = |name: &&&'static str| {
        scheduler_for(name, scheduler).is_ok_and(|known| known == *scheduler)
    };
    SAMPLERS
        .iter()
        .find(same)
        .copied()
        .unwrap_or(scheduler.name())
}

/// The settings of one picture of a recipe, for [`super::a1111_text`]: whoever gets that text gets the recipe.
#[must_use]
pub fn of_recipe(recipe: &Recipe, picture: &RecipePicture, model: &Model) -> Found {
    let mut found = Found::new(Program::Seedmark);
    let (name, sigmas) = split(sampler_title(&recipe.scheduler));
    found.sampler = Some(Sampler::named(name));
    found.sigmas = match sigmas.map(spacing) {
        Some(Ok(kind)) => kind,
        _ => None,
    };
    found.prompt = picture.prompt.clone();
    found.negative = picture.negative.clone().unwrap_or_default();
    found.seed = Some(picture.seed);
    found.steps = Some(recipe.steps);
    found.guidance_milli = Some(recipe.guidance_milli);
    (found.width, found.height) = (Some(recipe.width), Some(recipe.height));
    found.noise = Some(NoiseSource::Known(recipe.noise));
    found.model = Some(model.manifest.name.clone());
    found.model_hash = Some(model.digest.0.hex().chars().take(10).collect());
    found.clip_skip = recipe.clip_skip.map(|skip| skip + 1);
    found.denoising_milli = recipe.init.as_ref().map(|init| init.strength_milli);
    found.variation_seed = recipe.variation.map(|variation| variation.seed.0);
    found.variation_milli = recipe.variation.map(|variation| variation.strength_milli);
    found.seed_delta = recipe.step_seed_offset.map(i64::from);
    found
}

impl Found {
    /// A recipe of one picture for a model. A setting that the file does not have is the model's usual one.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for settings that make no recipe, such as a prompt that is too long.
    pub fn draft(&self, model: &Model) -> Result<Recipe, Error> {
        let manifest = &model.manifest;
        let usual = manifest.sizes.first().copied();
        let wanted = self.width.zip(self.height);
        let wanted = wanted.map(|(width, height)| Size { width, height });
        let size = wanted
            .filter(|size| manifest.sizes.contains(size))
            .or(usual)
            .ok_or_else(|| Error::new(ErrorKind::NotOffered, "the model offers no size"))?;
        let scheduler = match &self.sampler {
            Some(sampler) => {
                let spaced = match self.sigmas {
                    Some(crate::scheduler::config::Sigmas::Karras) => " Karras",
                    Some(crate::scheduler::config::Sigmas::Exponential) => " Exponential",
                    _ => "",
                };
                scheduler_for(&format!("{}{spaced}", sampler.name), &manifest.scheduler)
                    .unwrap_or(manifest.scheduler)
            }
            None => manifest.scheduler,
        };
        let mut recipe = Recipe::new(
            model.digest,
            escaped(&self.prompt),
            scheduler,
            self.steps.unwrap_or(manifest.steps),
            self.guidance_milli.unwrap_or(manifest.guidance_milli),
            (size.width, size.height),
        );
        recipe.tile = manifest.usual_tile(size);
        recipe.noise = match self.noise {
            Some(NoiseSource::Known(noise)) => noise,
            _ => Noise::Philox,
        };
        let negative = !self.negative.is_empty() && manifest.takes_negative();
        recipe.negative = negative.then(|| escaped(&self.negative));
        let within = |seed: u64| match recipe.noise {
            Noise::Philox => seed,
            _ => seed & u64::from(u32::MAX),
        };
        let seed = Seed(within(self.seed.unwrap_or(0)));
        if manifest.scheduler.schedule().is_some() {
            recipe.clip_skip = self.clip_skip.and_then(|last| last.checked_sub(1));
            recipe.clip_skip = recipe.clip_skip.filter(|skip| *skip > 0);
            let weighed = self.remarks.contains(&Remark::PromptSyntax(Syntax::Weight));
            recipe.prompt_weights = weighed.then_some(PromptWeights::A1111);
            recipe.step_seed_offset = self
                .seed_delta
                .and_then(|delta| u32::try_from(delta).ok())
                .filter(|delta| *delta > 0);
        }
        recipe.variation = self
            .variation_seed
            .zip(
                self.variation_milli
                    .filter(|strength| (1..=1000).contains(strength)),
            )
            .map(|(seed, strength_milli)| Variation {
                seed: Seed(within(seed)),
                strength_milli,
            });
        recipe.anchors = vec![Anchor {
            values: Values::new(),
            seed,
        }];
        recipe.check()?;
        Ok(recipe)
    }
}

/// A prompt as a template: its braces are text.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::scheduler::{BetaSchedule, FinalSigma, Prediction, Sigmas};

    fn base() -> Scheduler {
        Scheduler::Pndm {
            skip_runge_kutta: true,
            schedule: Schedule {
                alpha_to_one: false,
                beta_end_nano: 12_000_000,
                beta_schedule: BetaSchedule::ScaledLinear,
                beta_start_nano: 850_000,
                clip_milli: None,
                final_sigma: FinalSigma::Zero,
                offset: 1,
                prediction: Prediction::Velocity,
                sigmas: Sigmas::Plain,
                spacing: Spacing::Leading,
                train_steps: 1000,
                zero_snr: false,
            },
        }
    }

    #[test]
    fn a_samplers_name_changes_the_sampler_and_nothing_that_the_model_was_trained_with() {
        for name in ["DPM++ 2M Karras", "dpm++2m-karras", "dpmpp_2m_karras"] {
            let named = scheduler_for(name, &base()).expect(name);
            assert_eq!(named.name(), "dpm", "{name}");
            let schedule = named.schedule().expect("a schedule");
            assert_eq!(schedule.sigmas, Sigmas::Karras, "{name}");
            assert_eq!(schedule.prediction, Prediction::Velocity);
            assert_eq!(schedule.beta_end_nano, 12_000_000);
            assert_eq!((schedule.spacing, schedule.offset), (Spacing::Leading, 1));
        }
        assert_eq!(
            scheduler_for("Euler a", &base()).expect("known").name(),
            "euler-ancestral"
        );
        assert_eq!(
            scheduler_for("UniPC", &base()).expect("known").name(),
            "uni-pc"
        );
    }

    #[test]
    fn every_sampler_that_is_offered_makes_a_run() {
        for name in SAMPLERS {
            let named = scheduler_for(name, &base()).expect(name);
            let run = crate::scheduler::of_recipe(&named, 8).expect(name);
            assert!(run.timesteps().len() >= 8, "{name}");
        }
    }

    #[test]
    fn a_sampler_is_called_what_it_was_asked_for_as() {
        for name in SAMPLERS {
            let named = scheduler_for(name, &base()).expect(name);
            assert_eq!(sampler_title(&named), name);
        }
        let own = Scheduler::FlowEuler { shift_milli: 3000 };
        assert_eq!(sampler_title(&own), "flow-euler");
    }

    #[test]
    fn a_sampler_that_nobody_here_follows_is_refused_by_its_name() {
        for name in ["DPM adaptive", "LMS", "", "DPM++ 2M Polyexponential"] {
            let refused = scheduler_for(name, &base()).expect_err(name);
            assert!(
                refused.to_string().contains(&format!("{name:?}")),
                "{refused}"
            );
        }
        let own = Scheduler::FlowEuler { shift_milli: 1000 };
        assert!(scheduler_for("Euler", &own).is_err());
    }
}
