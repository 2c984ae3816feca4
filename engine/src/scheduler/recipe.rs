//! A scheduler between a model folder's fractions and a recipe's whole numbers.
//!
//! The one rule: a fraction that its whole number does not stand for exactly is refused, so that a recipe never means another picture than
//! the folder that it was made with.

use super::config::{Betas, Config, Kind};
use crate::error::{Error, ErrorKind};
use schema::scheduler::{Schedule, Scheduler};

const MILLI: f64 = 1000.0;
const NANO: f64 = 1_000_000_000.0;

/// `value · unit` as a whole number that gives `value` again.
fn whole(name: &str, value: f64, unit: f64) -> Result<u32, Error> {
    let scaled = (value * unit).round();
    let fits = (0.0..=f64::from(u32::MAX)).contains(&scaled) && scaled / unit == value;
    match fits {
        true => Ok(scaled as u32),
        false => Err(Error::new(
            ErrorKind::NotOffered,
            format!(
                "{name} is {value}, which a recipe cannot hold: it has steps of {}",
                1.0 / unit
            ),
        )),
    }
}

impl Config {
    /// What a recipe names; `None` for the flow of the embedded family, which has no training steps.
    pub(super) fn of_recipe(named: &Scheduler) -> Option<Result<Self, Error>> {
        let s = named.schedule()?;
        let milli = |value: u32| f64::from(value) / MILLI;
        let kind = match *named {
            Scheduler::FlowEuler { .. } => return None,
            Scheduler::FlowMatchEuler {
                shift_milli,
                stochastic,
                ..
            } => Kind::FlowMatchEuler {
                shift: milli(shift_milli),
                stochastic,
            },
            Scheduler::Ddim { eta_milli, .. } => Kind::Ddim {
                eta: milli(eta_milli),
            },
            Scheduler::Pndm {
                skip_runge_kutta, ..
            } => Kind::Pndm { skip_runge_kutta },
            Scheduler::Euler { .. } => Kind::Euler,
            Scheduler::EulerAncestral { .. } => Kind::EulerAncestral,
            Scheduler::Heun { .. } => Kind::Heun,
            Scheduler::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
                ..
            } => Kind::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
            },
            Scheduler::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
                ..
            } => Kind::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
            },
            Scheduler::Lcm {
                original_steps,
                scaling_milli,
                ..
            } => Kind::Lcm {
                original_steps,
                scaling: milli(scaling_milli),
            },
            Scheduler::Tcd {
                original_steps,
                eta_milli,
                ..
            } => Kind::Tcd {
                original_steps,
                eta: milli(eta_milli),
            },
        };
        let config = Self {
            kind,
            train_steps: s.train_steps,
            betas: Betas {
                schedule: s.beta_schedule,
                start: f64::from(s.beta_start_nano) / NANO,
                end: f64::from(s.beta_end_nano) / NANO,
            },
            prediction: s.prediction,
            spacing: s.spacing,
            offset: s.offset,
            sigmas: s.sigmas,
            final_sigma: s.final_sigma,
            zero_snr: s.zero_snr,
            alpha_to_one: s.alpha_to_one,
            clip: s.clip_milli.map(|clip| milli(clip) as f32),
        };
        Some(config.check().map(|()| config))
    }

    /// As a recipe names it.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered` for a fraction that no whole number of a recipe stands for.
    pub fn to_recipe(&self) -> Result<Scheduler, Error> {
        // A float32 of the folder is not the fraction that it was written as: its nearest thousandth is, if it gives it again.
        let clip = |clip: f32| {
            let nearest = (f64::from(clip) * MILLI).round() / MILLI;
            let nearest = if nearest as f32 == clip {
                nearest
            } else {
                f64::from(clip)
            };
            whole("clip_sample_range", nearest, MILLI)
        };
        let schedule = Schedule {
            alpha_to_one: self.alpha_to_one,
            beta_end_nano: whole("beta_end", self.betas.end, NANO)?,
            beta_schedule: self.betas.schedule,
            beta_start_nano: whole("beta_start", self.betas.start, NANO)?,
            clip_milli: self.clip.map(clip).transpose()?,
            final_sigma: self.final_sigma,
            offset: self.offset,
            prediction: self.prediction,
            sigmas: self.sigmas,
            spacing: self.spacing,
            train_steps: self.train_steps,
            zero_snr: self.zero_snr,
        };
        let scheduler = match self.kind {
            Kind::FlowMatchEuler { shift, stochastic } => Scheduler::FlowMatchEuler {
                shift_milli: whole("shift", shift, MILLI)?,
                stochastic,
                schedule,
            },
            Kind::Ddim { eta } => Scheduler::Ddim {
                eta_milli: whole("eta", eta, MILLI)?,
                schedule,
            },
            Kind::Pndm { skip_runge_kutta } => Scheduler::Pndm {
                skip_runge_kutta,
                schedule,
            },
            Kind::Euler => Scheduler::Euler { schedule },
            Kind::EulerAncestral => Scheduler::EulerAncestral { schedule },
            Kind::Heun => Scheduler::Heun { schedule },
            Kind::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
            } => Scheduler::Dpm {
                order,
                stochastic,
                midpoint,
                lower_order_final,
                euler_at_final,
                schedule,
            },
            Kind::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
            } => Scheduler::UniPc {
                order,
                first,
                lower_order_final,
                corrects_from,
                schedule,
            },
            Kind::Lcm {
                original_steps,
                scaling,
            } => Scheduler::Lcm {
                original_steps,
                scaling_milli: whole("timestep_scaling", scaling, MILLI)?,
                schedule,
            },
            Kind::Tcd {
                original_steps,
                eta,
            } => Scheduler::Tcd {
                original_steps,
                eta_milli: whole("eta", eta, MILLI)?,
                schedule,
            },
        };
        scheduler.check()?;
        Ok(scheduler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_scheduler_is_the_same_by_way_of_a_recipe() {
        let classes = [
            r#"{"_class_name":"DDIMScheduler","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","clip_sample":false,"set_alpha_to_one":false,"steps_offset":1}"#,
            r#"{"_class_name":"PNDMScheduler","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","skip_prk_steps":true}"#,
            r#"{"_class_name":"EulerDiscreteScheduler","use_karras_sigmas":true,"prediction_type":"v_prediction"}"#,
            r#"{"_class_name":"EulerAncestralDiscreteScheduler","timestep_spacing":"trailing","rescale_betas_zero_snr":true}"#,
            r#"{"_class_name":"HeunDiscreteScheduler"}"#,
            r#"{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver++","final_sigmas_type":"sigma_min"}"#,
            r#"{"_class_name":"UniPCMultistepScheduler","disable_corrector":[0]}"#,
            r#"{"_class_name":"LCMScheduler"}"#,
            r#"{"_class_name":"TCDScheduler"}"#,
            r#"{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3.0}"#,
        ];
        for class in classes {
            let config = Config::parse(class).expect(class);
            let named = config.to_recipe().expect(class);
            let back = Config::of_recipe(&named).expect("no flow").expect(class);
            assert_eq!(back, config, "{class}");
        }
    }

    #[test]
    fn a_fraction_that_no_recipe_holds_is_refused_by_name() {
        let odd = r#"{"_class_name":"EulerDiscreteScheduler","beta_start":0.00012345678912}"#;
        let error = Config::parse(odd).expect("a scheduler").to_recipe();
        assert!(
            error
                .expect_err("refused")
                .to_string()
                .starts_with("beta_start is 0.00012")
        );
    }
}
