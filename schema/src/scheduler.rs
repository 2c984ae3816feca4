//! The sampler of a recipe, with every constant that it uses.
//!
//! The one rule: whole numbers alone. A constant that a model folder gives as a fraction stands here in thousandths or thousand-millionths,
//! and one that would have to be rounded to fit is refused by whoever reads it.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// The most of a time shift, in thousandths; the least is one thousandth, for a shift of nothing divides by nothing.
pub const MAX_SHIFT_MILLI: u32 = 100_000;
/// The most steps that a model was trained over.
pub const MAX_TRAIN_STEPS: u32 = 10_000;

/// How the noise of a training step grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BetaSchedule {
    /// β grows evenly.
    Linear,
    /// √β grows evenly.
    ScaledLinear,
    /// ᾱ falls as a squared cosine.
    Cosine,
}

/// What a model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// The noise.
    Epsilon,
    /// `√ᾱ·noise − √(1 − ᾱ)·picture`.
    Velocity,
    /// The picture.
    Sample,
    /// `noise − picture`, of a model that was trained on straight paths.
    Flow,
}

/// Which training steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// From the first to the last, evenly.
    Linspace,
    /// Multiples of a whole number, from the first.
    Leading,
    /// Backwards from the last.
    Trailing,
}

/// How sigmas lie between the largest and the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sigmas {
    /// Those of the training steps that are taken.
    Plain,
    /// Evenly by the seventh root (Karras et al. 2022).
    Karras,
    /// Evenly by the logarithm.
    Exponential,
}

/// The sigma behind the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalSigma {
    /// None.
    Zero,
    /// That of the first training step.
    Least,
}

/// What every scheduler of a diffusion model shares: how the model was trained, and which of its steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Whether ᾱ before the first training step is one, and not that of the first.
    pub alpha_to_one: bool,
    /// β of the last training step, in thousand-millionths.
    pub beta_end_nano: u32,
    /// How β grows.
    pub beta_schedule: BetaSchedule,
    /// β of the first training step, in thousand-millionths.
    pub beta_start_nano: u32,
    /// The range that a predicted picture is kept in, in thousandths; absent, it is not kept in any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_milli: Option<u32>,
    /// Behind the last step.
    pub final_sigma: FinalSigma,
    /// Added to steps of [`Spacing::Leading`].
    pub offset: u32,
    /// What the model predicts.
    pub prediction: Prediction,
    /// How sigmas lie.
    pub sigmas: Sigmas,
    /// Which training steps are taken.
    pub spacing: Spacing,
    /// Training steps.
    pub train_steps: u32,
    /// Whether the last training step is noise alone.
    pub zero_snr: bool,
}

/// The sampler with every constant it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub enum Scheduler {
    /// Rectified flow, Euler steps over equally spaced times, shifted by `shift_milli / 1000`.
    FlowEuler { shift_milli: u32 },
    /// Rectified flow as Stable Diffusion 3 takes it.
    FlowMatchEuler {
        shift_milli: u32,
        stochastic: bool,
        schedule: Schedule,
    },
    /// Song et al. 2020; `eta_milli` of the noise of DDPM.
    Ddim { eta_milli: u32, schedule: Schedule },
    /// Liu et al. 2022; with Runge-Kutta at first unless it is skipped.
    Pndm {
        skip_runge_kutta: bool,
        schedule: Schedule,
    },
    /// Karras et al. 2022, algorithm 2 without churn.
    Euler { schedule: Schedule },
    /// The same with noise at every step.
    EulerAncestral { schedule: Schedule },
    /// Karras et al. 2022, two runs of the model a step.
    Heun { schedule: Schedule },
    /// DPM-Solver++ (Lu et al. 2022), of one to three steps.
    Dpm {
        order: u32,
        stochastic: bool,
        midpoint: bool,
        lower_order_final: bool,
        euler_at_final: bool,
        schedule: Schedule,
    },
    /// Zhao et al. 2023; `first` is B₁ of the paper, else B₂.
    UniPc {
        order: u32,
        first: bool,
        lower_order_final: bool,
        corrects_from: u32,
        schedule: Schedule,
    },
    /// Luo et al. 2023; so many steps were distilled.
    Lcm {
        original_steps: u32,
        scaling_milli: u32,
        schedule: Schedule,
    },
    /// Zheng et al. 2024; `eta_milli` is γ of the paper.
    Tcd {
        original_steps: u32,
        eta_milli: u32,
        schedule: Schedule,
    },
}

/// A scheduler as it is written: its name, and of all fields those that it has. One list of fields instead of one for each scheduler keeps
/// the browser's library small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrects_from: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    eta_milli: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    euler_at_final: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lower_order_final: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    midpoint: Option<bool>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_steps: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scaling_milli: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<Schedule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift_milli: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip_runge_kutta: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stochastic: Option<bool>,
}

impl TryFrom<Document> for Scheduler {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, Self::Error> {
        let d = &document;
        let number = |field: Option<u32>| field.ok_or("a number of the scheduler is missing");
        let flag = |field: Option<bool>| field.ok_or("a yes or no of the scheduler is missing");
        let schedule = || d.schedule.ok_or("the scheduler's schedule is missing");
        let scheduler = match d.name.as_str() {
            "flow-euler" => Self::FlowEuler {
                shift_milli: number(d.shift_milli)?,
            },
            "flow-match-euler" => Self::FlowMatchEuler {
                shift_milli: number(d.shift_milli)?,
                stochastic: flag(d.stochastic)?,
                schedule: schedule()?,
            },
            "ddim" => Self::Ddim {
                eta_milli: number(d.eta_milli)?,
                schedule: schedule()?,
            },
            "pndm" => Self::Pndm {
                skip_runge_kutta: flag(d.skip_runge_kutta)?,
                schedule: schedule()?,
            },
            "euler" => Self::Euler {
                schedule: schedule()?,
            },
            "euler-ancestral" => Self::EulerAncestral {
                schedule: schedule()?,
            },
            "heun" => Self::Heun {
                schedule: schedule()?,
            },
            "dpm" => Self::Dpm {
                order: number(d.order)?,
                stochastic: flag(d.stochastic)?,
                midpoint: flag(d.midpoint)?,
                lower_order_final: flag(d.lower_order_final)?,
                euler_at_final: flag(d.euler_at_final)?,
                schedule: schedule()?,
            },
            "uni-pc" => Self::UniPc {
                order: number(d.order)?,
                first: flag(d.first)?,
                lower_order_final: flag(d.lower_order_final)?,
                corrects_from: number(d.corrects_from)?,
                schedule: schedule()?,
            },
            "lcm" => Self::Lcm {
                original_steps: number(d.original_steps)?,
                scaling_milli: number(d.scaling_milli)?,
                schedule: schedule()?,
            },
            "tcd" => Self::Tcd {
                original_steps: number(d.original_steps)?,
                eta_milli: number(d.eta_milli)?,
                schedule: schedule()?,
            },
            _ => return Err("the scheduler is not known"),
        };
        match Document::from(scheduler) == document {
            true => Ok(scheduler),
            false => Err("a field that this scheduler does not have"),
        }
    }
}

impl From<Scheduler> for Document {
    fn from(scheduler: Scheduler) -> Self {
        let mut d = Self {
            name: scheduler.name().to_owned(),
            schedule: scheduler.schedule().copied(),
            ..Self::default()
        };
        match scheduler {
            Scheduler::FlowEuler { shift_milli } => d.shift_milli = Some(shift_milli),
            Scheduler::FlowMatchEuler {
                shift_milli,
                stochastic,
                ..
            } => (d.shift_milli, d.stochastic) = (Some(shift_milli), Some(stochastic)),
            Scheduler::Ddim { eta_milli, .. } => d.eta_milli = Some(eta_milli),
            Scheduler::Pndm {
                skip_runge_kutta, ..
            } => d.skip_runge_kutta = Some(skip_runge_kutta),
            Scheduler::Euler { .. } | Scheduler::EulerAncestral { .. } | Scheduler::Heun { .. } => {
            }
            Scheduler::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
                ..
            } => {
                (d.order, d.stochastic) = (Some(order), Some(stochastic));
                (d.midpoint, d.euler_at_final) = (Some(midpoint), Some(euler_at_final));
                d.lower_order_final = Some(lower_order_final);
            }
            Scheduler::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
                ..
            } => {
                (d.order, d.first) = (Some(order), Some(first));
                d.lower_order_final = Some(lower_order_final);
                d.corrects_from = Some(corrects_from);
            }
            Scheduler::Lcm {
                original_steps,
                scaling_milli,
                ..
            } => {
                (d.original_steps, d.scaling_milli) = (Some(original_steps), Some(scaling_milli));
            }
            Scheduler::Tcd {
                original_steps,
                eta_milli,
                ..
            } => (d.original_steps, d.eta_milli) = (Some(original_steps), Some(eta_milli)),
        }
        d
    }
}

impl Scheduler {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FlowEuler { .. } => "flow-euler",
            Self::FlowMatchEuler { .. } => "flow-match-euler",
            Self::Ddim { .. } => "ddim",
            Self::Pndm { .. } => "pndm",
            Self::Euler { .. } => "euler",
            Self::EulerAncestral { .. } => "euler-ancestral",
            Self::Heun { .. } => "heun",
            Self::Dpm { .. } => "dpm",
            Self::UniPc { .. } => "uni-pc",
            Self::Lcm { .. } => "lcm",
            Self::Tcd { .. } => "tcd",
        }
    }

    /// What it shares with the others; `None` for the flow of the embedded family, which was trained on straight paths without steps.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::FlowEuler { .. } => None,
            Self::FlowMatchEuler { schedule, .. }
            | Self::Ddim { schedule, .. }
            | Self::Pndm { schedule, .. }
            | Self::Euler { schedule }
            | Self::EulerAncestral { schedule }
            | Self::Heun { schedule }
            | Self::Dpm { schedule, .. }
            | Self::UniPc { schedule, .. }
            | Self::Lcm { schedule, .. }
            | Self::Tcd { schedule, .. } => Some(schedule),
        }
    }

    /// The same, to be changed.
    #[must_use]
    pub fn schedule_mut(&mut self) -> Option<&mut Schedule> {
        match self {
            Self::FlowEuler { .. } => None,
            Self::FlowMatchEuler { schedule, .. }
            | Self::Ddim { schedule, .. }
            | Self::Pndm { schedule, .. }
            | Self::Euler { schedule }
            | Self::EulerAncestral { schedule }
            | Self::Heun { schedule }
            | Self::Dpm { schedule, .. }
            | Self::UniPc { schedule, .. }
            | Self::Lcm { schedule, .. }
            | Self::Tcd { schedule, .. } => Some(schedule),
        }
    }

    /// Checks every number against what can be computed with.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), Error> {
        let within = |field: &str, found: u32, least: u32, most: u32| {
            if (least..=most).contains(&found) {
                return Ok(());
            }
            Err(Error::invalid(
                format!("scheduler.{field}"),
                format!("{found} is not in {least}..={most}"),
            ))
        };
        match *self {
            Self::FlowEuler { shift_milli } | Self::FlowMatchEuler { shift_milli, .. } => {
                within("shift_milli", shift_milli, 1, MAX_SHIFT_MILLI)?;
            }
            Self::Ddim { eta_milli, .. } => within("eta_milli", eta_milli, 0, 1000)?,
            Self::Dpm { order, .. } | Self::UniPc { order, .. } => within("order", order, 1, 3)?,
            Self::Lcm {
                original_steps,
                scaling_milli,
                ..
            } => {
                within("original_steps", original_steps, 1, 1000)?;
                within("scaling_milli", scaling_milli, 1, 1_000_000)?;
            }
            Self::Tcd {
                original_steps,
                eta_milli,
                ..
            } => {
                within("original_steps", original_steps, 1, 1000)?;
                within("eta_milli", eta_milli, 0, 1000)?;
            }
            _ => {}
        }
        let Some(schedule) = self.schedule() else {
            return Ok(());
        };
        let s = schedule;
        within("schedule.train_steps", s.train_steps, 2, MAX_TRAIN_STEPS)?;
        within(
            "schedule.beta_start_nano",
            s.beta_start_nano,
            1,
            999_999_999,
        )?;
        within(
            "schedule.beta_end_nano",
            s.beta_end_nano,
            s.beta_start_nano,
            999_999_999,
        )?;
        within("schedule.offset", s.offset, 0, 100)?;
        s.clip_milli.map_or(Ok(()), |clip| {
            within("schedule.clip_milli", clip, 1, 1_000_000)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        alpha_to_one: false,
        beta_end_nano: 12_000_000,
        beta_schedule: BetaSchedule::ScaledLinear,
        beta_start_nano: 850_000,
        clip_milli: None,
        final_sigma: FinalSigma::Zero,
        offset: 1,
        prediction: Prediction::Epsilon,
        sigmas: Sigmas::Karras,
        spacing: Spacing::Leading,
        train_steps: 1000,
        zero_snr: false,
    };

    #[test]
    fn a_scheduler_reads_back_as_it_was_written_and_knows_its_own_fields_alone() {
        let dpm = Scheduler::Dpm {
            order: 2,
            stochastic: true,
            midpoint: true,
            lower_order_final: true,
            euler_at_final: false,
            schedule: SCHEDULE,
        };
        let text = serde_json::to_string(&dpm).expect("text");
        assert_eq!(
            serde_json::from_str::<Scheduler>(&text).expect("a scheduler"),
            dpm
        );
        assert!(text.contains("\"name\":\"dpm\""), "{text}");
        let odd = text.replace("\"order\":2", "\"order\":2,\"eta_milli\":0");
        assert!(
            serde_json::from_str::<Scheduler>(&odd).is_err(),
            "a field of another scheduler"
        );
        let half = text.replace("\"order\":2,", "");
        assert!(
            serde_json::from_str::<Scheduler>(&half).is_err(),
            "a number is missing"
        );
        let short = text.replace("\"offset\":1,", "");
        assert!(
            serde_json::from_str::<Scheduler>(&short).is_err(),
            "a constant is missing"
        );
    }

    #[test]
    fn numbers_that_cannot_be_computed_with_are_refused_by_name() {
        let with = |change: &dyn Fn(&mut Schedule)| {
            let mut schedule = SCHEDULE;
            change(&mut schedule);
            let refused = Scheduler::Euler { schedule }.check();
            refused.map_err(|error| error.place().to_owned())
        };
        assert_eq!(with(&|_| {}), Ok(()));
        let at = |field: &str| Err(format!("scheduler.schedule.{field}"));
        assert_eq!(with(&|s| s.train_steps = 1), at("train_steps"));
        assert_eq!(with(&|s| s.beta_start_nano = 0), at("beta_start_nano"));
        assert_eq!(with(&|s| s.beta_end_nano = 1), at("beta_end_nano"));
        assert_eq!(with(&|s| s.clip_milli = Some(0)), at("clip_milli"));
    }
}
