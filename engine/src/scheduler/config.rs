//! A scheduler with every constant that it uses, as `scheduler_config.json` of a model folder names them.
//!
//! The one rule: an option that would change a picture and is not offered is an error by its name, never ignored.

use crate::error::{Error, ErrorKind};
use crate::json;
pub use schema::scheduler::{BetaSchedule, FinalSigma, Prediction, Sigmas, Spacing};
use serde_json::{Map, Value};

/// The file of a model folder that names a scheduler.
pub const FILE: &str = "scheduler_config.json";

/// β of the training steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Betas {
    /// How it grows.
    pub schedule: BetaSchedule,
    /// β of the first step.
    pub start: f64,
    /// β of the last step.
    pub end: f64,
}

/// Which scheduler, with what it alone needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Song et al. 2020; `eta` of the noise of DDPM.
    Ddim { eta: f64 },
    /// Liu et al. 2022; with Runge-Kutta at first unless it is skipped.
    Pndm { skip_runge_kutta: bool },
    /// Karras et al. 2022, algorithm 2 without churn.
    Euler,
    /// The same with noise at every step.
    EulerAncestral,
    /// Karras et al. 2022, two runs of the model a step.
    Heun,
    /// DPM-Solver++ (Lu et al. 2022), of one to three steps; `stochastic` is its SDE form, `midpoint` how two steps are joined.
    Dpm {
        order: u32,
        stochastic: bool,
        midpoint: bool,
        lower_order_final: bool,
        euler_at_final: bool,
    },
    /// Zhao et al. 2023; `first` is B₁ of the paper, else B₂.
    UniPc {
        order: u32,
        first: bool,
        lower_order_final: bool,
        corrects_from: u32,
    },
    /// Luo et al. 2023; so many steps were distilled.
    Lcm { original_steps: u32, scaling: f64 },
    /// Zheng et al. 2024; `eta` is γ of the paper.
    Tcd { original_steps: u32, eta: f64 },
    /// Rectified flow as Stable Diffusion 3 takes it.
    FlowMatchEuler { shift: f64, stochastic: bool },
}

/// A scheduler.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which.
    pub kind: Kind,
    /// Training steps.
    pub train_steps: u32,
    /// Their noise.
    pub betas: Betas,
    /// What the model predicts.
    pub prediction: Prediction,
    /// Which training steps are taken.
    pub spacing: Spacing,
    /// Added to steps of [`Spacing::Leading`].
    pub offset: u32,
    /// How sigmas lie.
    pub sigmas: Sigmas,
    /// Behind the last step.
    pub final_sigma: FinalSigma,
    /// Whether the last training step is noise alone.
    pub zero_snr: bool,
    /// Whether ᾱ before the first training step is one, and not that of the first.
    pub alpha_to_one: bool,
    /// The range that a predicted picture is kept in.
    pub clip: Option<f32>,
}

/// Options that change nothing: names of versions, and what only training or another program reads.
const IDLE: &[&str] = &[
    "_class_name",
    "_diffusers_version",
    "dynamic_thresholding_ratio",
    "sample_max_value",
    "clip_sample_range",
    "base_shift",
    "max_shift",
    "base_image_seq_len",
    "max_image_seq_len",
    "time_shift_type",
    "flow_shift",
    "skip_prk_steps",
    "set_alpha_to_one",
    "clip_sample",
    "original_inference_steps",
    "timestep_scaling",
    "solver_order",
    "algorithm_type",
    "solver_type",
    "lower_order_final",
    "euler_at_final",
    "disable_corrector",
    "predict_x0",
    "shift",
    "stochastic_sampling",
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "prediction_type",
    "timestep_spacing",
    "steps_offset",
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "final_sigmas_type",
    "rescale_betas_zero_snr",
];

/// Options that are offered with one value alone; another one would change the picture.
fn offered(name: &str) -> Option<Value> {
    Some(match name {
        "trained_betas" | "sigma_min" | "sigma_max" | "solver_p" | "shift_terminal"
        | "variance_type" | "lambda_min_clipped" => Value::Null,
        "thresholding"
        | "use_beta_sigmas"
        | "use_lu_lambdas"
        | "use_flow_sigmas"
        | "use_dynamic_shifting"
        | "invert_sigmas" => Value::Bool(false),
        "interpolation_type" => "linear".into(),
        "timestep_type" => "discrete".into(),
        _ => return None,
    })
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::NotOffered, format!("{FILE}: {message}"))
}

/// The options of a file, each read by its name.
struct Options(Map<String, Value>);

impl Options {
    fn number(&self, name: &str, usual: f64) -> Result<f64, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(usual),
            Some(value) => value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(|| wrong(format!("{name} is {value}, a number belongs"))),
        }
    }

    fn count(&self, name: &str, usual: u32, most: u32) -> Result<u32, Error> {
        let number = self.number(name, f64::from(usual))?;
        let whole = number.fract() == 0.0 && (0.0..=f64::from(most)).contains(&number);
        match whole {
            true => Ok(number as u32),
            false => Err(wrong(format!(
                "{name} is {number}, a whole number up to {most} belongs"
            ))),
        }
    }

    fn flag(&self, name: &str, usual: bool) -> Result<bool, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(usual),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => Err(wrong(format!("{name} is {value}, true or false belongs"))),
        }
    }

    /// One of some words.
    fn one<T: Copy>(&self, name: &str, usual: T, known: &[(&str, T)]) -> Result<T, Error> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else {
            return Ok(usual);
        };
        let found = known.iter().find(|(word, _)| value.as_str() == Some(word));
        found.map(|(_, meant)| *meant).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            wrong(format!(
                "{name} is {value}; {} are offered",
                words.join(", ")
            ))
        })
    }

    /// Refuses what would change a picture unseen.
    fn check(&self) -> Result<(), Error> {
        for (name, value) in &self.0 {
            match offered(name) {
                Some(only) if *value == only => {}
                Some(only) => return Err(wrong(format!("{name} is {value}; {only} is offered"))),
                None if IDLE.contains(&name.as_str()) => {}
                None => return Err(wrong(format!("{name} is not known"))),
            }
        }
        Ok(())
    }
}

impl Config {
    /// Reads a file of a model folder.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for what is no JSON object; `ErrorKind::NotOffered` naming the class or the option that is not offered.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some(Value::Object(options)) = json::parse(text) else {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("{FILE} is no JSON object"),
            ));
        };
        let options = Options(options);
        options.check()?;
        let class = options
            .0
            .get("_class_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = kind(class, &options)?;
        // Other classes have these options in their files and do not read them.
        let by_sigma = matches!(
            kind,
            Kind::Euler
                | Kind::Heun
                | Kind::Dpm { .. }
                | Kind::UniPc { .. }
                | Kind::FlowMatchEuler { .. }
        );
        let sigmas = match (
            options.flag("use_karras_sigmas", false)?,
            options.flag("use_exponential_sigmas", false)?,
        ) {
            _ if !by_sigma => Sigmas::Plain,
            (false, false) => Sigmas::Plain,
            (true, false) => Sigmas::Karras,
            (false, true) => Sigmas::Exponential,
            (true, true) => {
                return Err(wrong(
                    "use_karras_sigmas and use_exponential_sigmas are both true".into(),
                ));
            }
        };
        let leading = matches!(
            kind,
            Kind::Ddim { .. } | Kind::Pndm { .. } | Kind::Lcm { .. } | Kind::Tcd { .. }
        );
        let latent = matches!(kind, Kind::Heun | Kind::Lcm { .. } | Kind::Tcd { .. });
        let clips = matches!(kind, Kind::Ddim { .. });
        let config = Self {
            kind,
            train_steps: options.count("num_train_timesteps", 1000, 100_000)?,
            betas: Betas {
                schedule: options.one(
                    "beta_schedule",
                    match kind {
                        Kind::Lcm { .. } | Kind::Tcd { .. } => BetaSchedule::ScaledLinear,
                        _ => BetaSchedule::Linear,
                    },
                    &[
                        ("linear", BetaSchedule::Linear),
                        ("scaled_linear", BetaSchedule::ScaledLinear),
                        ("squaredcos_cap_v2", BetaSchedule::Cosine),
                    ],
                )?,
                start: options.number("beta_start", if latent { 0.00085 } else { 0.0001 })?,
                end: options.number("beta_end", if latent { 0.012 } else { 0.02 })?,
            },
            prediction: options.one(
                "prediction_type",
                match kind {
                    Kind::FlowMatchEuler { .. } => Prediction::Flow,
                    _ => Prediction::Epsilon,
                },
                &[
                    ("epsilon", Prediction::Epsilon),
                    ("v_prediction", Prediction::Velocity),
                    ("sample", Prediction::Sample),
                    ("flow_prediction", Prediction::Flow),
                ],
            )?,
            spacing: options.one(
                "timestep_spacing",
                if leading {
                    Spacing::Leading
                } else {
                    Spacing::Linspace
                },
                &[
                    ("linspace", Spacing::Linspace),
                    ("leading", Spacing::Leading),
                    ("trailing", Spacing::Trailing),
                ],
            )?,
            offset: options.count("steps_offset", 0, 1000)?,
            sigmas,
            final_sigma: options.one(
                "final_sigmas_type",
                FinalSigma::Zero,
                &[("zero", FinalSigma::Zero), ("sigma_min", FinalSigma::Least)],
            )?,
            zero_snr: options.flag("rescale_betas_zero_snr", false)?
                && !matches!(kind, Kind::Heun | Kind::Pndm { .. }),
            alpha_to_one: options.flag("set_alpha_to_one", !matches!(kind, Kind::Pndm { .. }))?,
            clip: match options.flag("clip_sample", clips)? {
                true => Some(options.number("clip_sample_range", 1.0)? as f32),
                false => None,
            },
        };
        config.check()?;
        Ok(config)
    }

    /// Refuses what a class does not do, and numbers that make no schedule.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Betas { start, end, .. } = self.betas;
        if self.train_steps < 2 || !(0.0 < start && start <= end && end < 1.0) {
            return Err(wrong(
                "num_train_timesteps, beta_start and beta_end make no schedule".into(),
            ));
        }
        let flow = matches!(self.kind, Kind::FlowMatchEuler { .. });
        let refused = match (self.kind, self.prediction) {
            (_, Prediction::Flow) if !flow => {
                Some("flow_prediction belongs to FlowMatchEulerDiscreteScheduler")
            }
            (Kind::Pndm { .. } | Kind::EulerAncestral, Prediction::Sample) => {
                Some("prediction_type sample is not offered by this class")
            }
            (Kind::UniPc { first: true, .. }, _) if self.final_sigma == FinalSigma::Zero => Some(
                "solver_type bh1 takes final_sigmas_type sigma_min: its last step would be without end",
            ),
            _ => None,
        };
        match refused {
            Some(why) => Err(wrong(why.into())),
            None => Ok(()),
        }
    }
}

/// The class, with the options that it alone reads.
fn kind(class: &str, options: &Options) -> Result<Kind, Error> {
    let original_steps = || options.count("original_inference_steps", 50, 1000);
    Ok(match class {
        "DDIMScheduler" => Kind::Ddim { eta: 0.0 },
        "PNDMScheduler" => Kind::Pndm {
            skip_runge_kutta: options.flag("skip_prk_steps", false)?,
        },
        "EulerDiscreteScheduler" => Kind::Euler,
        "EulerAncestralDiscreteScheduler" => Kind::EulerAncestral,
        "HeunDiscreteScheduler" => Kind::Heun,
        "DPMSolverMultistepScheduler" => Kind::Dpm {
            order: options.count("solver_order", 2, 3)?.max(1),
            stochastic: options.one(
                "algorithm_type",
                false,
                &[("dpmsolver++", false), ("sde-dpmsolver++", true)],
            )?,
            midpoint: options.one("solver_type", true, &[("midpoint", true), ("heun", false)])?,
            lower_order_final: options.flag("lower_order_final", true)?,
            euler_at_final: options.flag("euler_at_final", false)?,
        },
        "UniPCMultistepScheduler" => {
            if !options.flag("predict_x0", true)? {
                return Err(wrong("predict_x0 is false; true is offered".into()));
            }
            Kind::UniPc {
                order: options.count("solver_order", 2, 3)?.max(1),
                first: options.one("solver_type", false, &[("bh1", true), ("bh2", false)])?,
                lower_order_final: options.flag("lower_order_final", true)?,
                corrects_from: corrects_from(options)?,
            }
        }
        "LCMScheduler" => Kind::Lcm {
            original_steps: original_steps()?,
            scaling: options.number("timestep_scaling", 10.0)?,
        },
        "TCDScheduler" => Kind::Tcd {
            original_steps: original_steps()?,
            eta: 0.3,
        },
        "FlowMatchEulerDiscreteScheduler" => Kind::FlowMatchEuler {
            shift: options.number("shift", 1.0)?,
            stochastic: options.flag("stochastic_sampling", false)?,
        },
        other => return Err(wrong(format!("the class {other:?} is not offered"))),
    })
}

/// `disable_corrector` lists steps; those from the first on without a gap are offered.
fn corrects_from(options: &Options) -> Result<u32, Error> {
    let listed = match options.0.get("disable_corrector") {
        None | Some(Value::Null) => return Ok(0),
        Some(Value::Array(listed)) => listed
            .iter()
            .map(Value::as_u64)
            .collect::<Option<Vec<u64>>>(),
        Some(_) => None,
    };
    let listed = listed.filter(|steps| (0..).zip(steps).all(|(at, step)| at == *step));
    listed
        .and_then(|steps| u32::try_from(steps.len()).ok())
        .ok_or_else(|| wrong("disable_corrector: steps from 0 on without a gap are offered".into()))
}
