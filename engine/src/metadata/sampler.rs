//! Names of samplers in other programs, and the diffusers class that follows the same formula.
//!
//! The one rule: a name that stands in no row stays text; no likely neighbour is taken instead.

use super::found::{Found, MAX_NAME, bounded};
use super::remark::Remark;
use crate::scheduler::config::{Config, Sigmas};
use serde_json::{Map, Value};

/// A sampler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// As the file spells it.
    pub name: String,
    /// The class of diffusers, where one follows the same formula.
    pub class: Option<&'static str>,
    /// Whether this engine has that class.
    pub offered: bool,
    settings: &'static str,
}

impl Sampler {
    /// Looks a name up, whatever program spelled it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let name = bounded(name.trim(), MAX_NAME);
        let plain = plain(name);
        let row = ROWS.iter().find(|(known, ..)| *known == plain);
        Self {
            name: name.to_owned(),
            class: row.map(|(_, class, _)| *class),
            settings: row.map_or("", |(_, _, settings)| settings),
            offered: row.is_some_and(|(_, _, settings)| *settings != NOT_OFFERED),
        }
    }

    /// Class and options as [`Config::parse`] reads them. None for a sampler without a class.
    #[must_use]
    pub fn options(&self) -> Option<Map<String, Value>> {
        let mut options: Map<String, Value> =
            serde_json::from_str(self.settings).unwrap_or_default();
        options.insert("_class_name".into(), self.class?.into());
        Some(options)
    }
}

/// A class of diffusers that this engine does not have.
const NOT_OFFERED: &str = "";

/// Name in small letters and digits, class, options.
const ROWS: &[(&str, &str, &str)] = &[
    ("euler", "EulerDiscreteScheduler", "{}"),
    ("eulera", "EulerAncestralDiscreteScheduler", "{}"),
    ("eulerancestral", "EulerAncestralDiscreteScheduler", "{}"),
    ("heun", "HeunDiscreteScheduler", "{}"),
    (
        "dpmpp2m",
        "DPMSolverMultistepScheduler",
        r#"{"solver_order":2}"#,
    ),
    (
        "dpmpp3m",
        "DPMSolverMultistepScheduler",
        r#"{"solver_order":3}"#,
    ),
    (
        "dpmpp2msde",
        "DPMSolverMultistepScheduler",
        r#"{"solver_order":2,"algorithm_type":"sde-dpmsolver++"}"#,
    ),
    (
        "dpmpp2msdeheun",
        "DPMSolverMultistepScheduler",
        r#"{"solver_order":2,"algorithm_type":"sde-dpmsolver++","solver_type":"heun"}"#,
    ),
    (
        "dpmpp3msde",
        "DPMSolverMultistepScheduler",
        r#"{"solver_order":3,"algorithm_type":"sde-dpmsolver++"}"#,
    ),
    ("ddim", "DDIMScheduler", "{}"),
    (
        "ddimtrailing",
        "DDIMScheduler",
        r#"{"timestep_spacing":"trailing"}"#,
    ),
    ("plms", "PNDMScheduler", r#"{"skip_prk_steps":true}"#),
    ("pndm", "PNDMScheduler", r#"{"skip_prk_steps":true}"#),
    ("unipc", "UniPCMultistepScheduler", "{}"),
    ("unipcbh2", "UniPCMultistepScheduler", "{}"),
    ("lcm", "LCMScheduler", "{}"),
    ("tcd", "TCDScheduler", "{}"),
    ("ddpm", "DDPMScheduler", NOT_OFFERED),
    ("deis", "DEISMultistepScheduler", NOT_OFFERED),
    ("ipndm", "IPNDMScheduler", NOT_OFFERED),
    ("lms", "LMSDiscreteScheduler", NOT_OFFERED),
    ("dpm2", "KDPM2DiscreteScheduler", NOT_OFFERED),
    ("kdpm2", "KDPM2DiscreteScheduler", NOT_OFFERED),
    ("dpm2a", "KDPM2AncestralDiscreteScheduler", NOT_OFFERED),
    (
        "dpm2ancestral",
        "KDPM2AncestralDiscreteScheduler",
        NOT_OFFERED,
    ),
    ("kdpm2a", "KDPM2AncestralDiscreteScheduler", NOT_OFFERED),
    ("dpmpp2s", "DPMSolverSinglestepScheduler", NOT_OFFERED),
    ("dpmppsde", "DPMSolverSDEScheduler", NOT_OFFERED),
    ("sasolver", "SASolverScheduler", NOT_OFFERED),
];

/// `DPM++ 2M SDE`, `dpmpp_2m_sde_gpu` and `dpm++2m_sde` are one name.
fn plain(name: &str) -> String {
    let letters: String = name
        .to_lowercase()
        .replace("++", "pp")
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .collect();
    letters
        .strip_suffix("gpu")
        .map(str::to_owned)
        .unwrap_or(letters)
}

/// The spacing of sigmas by its name; `Err` for one that is not offered.
pub(super) fn spacing(name: &str) -> Result<Option<Sigmas>, ()> {
    match plain(name).as_str() {
        "karras" => Ok(Some(Sigmas::Karras)),
        "exponential" => Ok(Some(Sigmas::Exponential)),
        "uniform" | "normal" | "discrete" | "default" => Ok(Some(Sigmas::Plain)),
        "automatic" | "" => Ok(None),
        _ => Err(()),
    }
}

impl Found {
    /// Takes a sampler, and what its spacing is called.
    pub(super) fn sample(&mut self, name: &str, schedule: Option<&str>) {
        let sampler = Sampler::named(name);
        if !sampler.offered {
            self.say(Remark::SamplerUnknown(sampler.name.clone()));
        } else if plain(name) == "unipc" && self.program != super::Program::InvokeAi {
            // Others solve by B₁ where diffusers' usual is B₂.
            self.say(Remark::SamplerDiffers(sampler.name.clone()));
        }
        match spacing(schedule.unwrap_or_default()) {
            Ok(Some(sigmas)) => self.sigmas = Some(sigmas),
            // A1111 has chosen Karras, exponential or neither for these, by its version.
            Ok(None) if by_sampler(name) => self.say(Remark::SigmasBySampler),
            Ok(None) => self.sigmas = Some(Sigmas::Plain),
            Err(()) => {
                let name = bounded(schedule.unwrap_or_default(), MAX_NAME).to_owned();
                self.keep("Schedule type", &name);
                self.say(Remark::SigmasUnknown(name));
            }
        }
        self.sampler = Some(sampler);
    }
}

/// Whether a program that is told nothing chooses the spacing by the sampler.
pub(super) fn by_sampler(name: &str) -> bool {
    plain(name).starts_with("dpm")
}

/// A sampler's name, and the spacing that older programs wrote behind it.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    const SUFFIXES: [&str; 3] = [" Karras", " Exponential", " Polyexponential"];
    for suffix in SUFFIXES {
        if let Some(name) = name.strip_suffix(suffix) {
            return (name, Some(suffix.trim_start()));
        }
    }
    (name, None)
}

/// Whether a configuration of this engine can be made of the options.
#[must_use]
pub fn is_offered(options: &Map<String, Value>) -> bool {
    Config::parse(&Value::Object(options.clone()).to_string()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_that_is_offered_makes_a_scheduler_and_no_other_does() {
        for (name, class, settings) in ROWS {
            let sampler = Sampler::named(name);
            let options = sampler.options().expect("a class");
            assert_eq!(is_offered(&options), *settings != NOT_OFFERED, "{class}");
            assert_eq!(plain(name), *name);
        }
    }

    #[test]
    fn one_sampler_has_the_spellings_of_all_programs() {
        for name in [
            "DPM++ 2M SDE",
            "dpmpp_2m_sde",
            "dpmpp_2m_sde_gpu",
            "dpm++2m_sde",
        ] {
            let sampler = Sampler::named(name);
            assert_eq!(sampler.class, Some("DPMSolverMultistepScheduler"));
            assert_eq!(sampler.name, name);
            assert!(sampler.settings.contains("sde"));
        }
        assert_eq!(Sampler::named("Restart").class, None);
        assert_eq!(Sampler::named("euler_cfg_pp").class, None);
        assert!(!Sampler::named("DPM++ 2S a").offered);
    }
}
