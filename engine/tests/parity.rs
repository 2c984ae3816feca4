//! Schedulers against diffusers: `reference/schedulers.json`, which the script beside it recorded. With `--nocapture` the table of
//! `docs/parity.md` is shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::scheduler::config::{Config, Kind};
use engine::scheduler::new;
use serde_json::Value;
use std::collections::BTreeMap;

const RECORDED: &str = include_str!("reference/schedulers.json");
/// The largest difference to diffusers, relative to the largest value of the sample.
const TOLERANCE: f32 = 1e-4;

/// Sixteen numbers, as the recorder makes them.
fn values(kind: i64) -> Vec<f32> {
    let value = |at: i64| {
        let number = (at * 7919 + kind * 104_729 + at * at * 31).rem_euclid(2001) - 1000;
        number as f32 / 512.0
    };
    (0..16).map(value).collect()
}

fn floats(case: &Value, name: &str) -> Vec<f32> {
    let text = case[name].as_str().expect("a recorded value");
    let bytes = STANDARD.decode(text).expect("base64");
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// How far two lists lie apart, relative to the largest of the second.
fn apart(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs
        .iter()
        .fold(1e-3f32, |most, value| most.max(value.abs()));
    let pairs = ours.iter().zip(theirs);
    pairs.fold(0.0f32, |most, (a, b)| {
        // What overflows there overflows here.
        let same = a.to_bits() == b.to_bits() || (!a.is_finite() && !b.is_finite());
        let distance = (a - b).abs() / largest;
        if same {
            most
        } else if distance.is_nan() {
            f32::INFINITY
        } else {
            most.max(distance)
        }
    })
}

/// The largest difference of a case, and where.
fn compare(case: &Value) -> (f32, String) {
    let mut config = Config::parse(&case["config"].to_string()).expect("a configuration");
    if let (Some(wanted), Kind::Ddim { eta } | Kind::Tcd { eta, .. }) =
        (case["eta"].as_f64(), &mut config.kind)
    {
        *eta = wanted;
    }
    let steps = u32::try_from(case["steps"].as_u64().expect("steps")).expect("few");
    let mut scheduler = new(&config, steps).expect("a scheduler");
    let mut worst = (
        apart(scheduler.timesteps(), &floats(case, "timesteps")),
        "timesteps".to_owned(),
    );
    let mut note = |found: f32, what: String| {
        if found > worst.0 {
            worst = (found, what);
        }
    };
    let start = case["start_scale"].as_f64().expect("a scale") as f32;
    note(
        apart(&[scheduler.start_scale()], &[start]),
        "start scale".into(),
    );
    let (inputs, samples) = (floats(case, "inputs"), floats(case, "samples"));
    let mut sample: Vec<f32> = values(0)
        .iter()
        .map(|value| value * scheduler.start_scale())
        .collect();
    for run in 0..scheduler.timesteps().len() {
        let place = run * 16..(run + 1) * 16;
        note(
            apart(&scheduler.input(run, &sample), &inputs[place.clone()]),
            format!("input {run}"),
        );
        let draws = case["draws"][run].as_bool().expect("whether it draws");
        assert_eq!(
            scheduler.draws(run),
            draws,
            "run {run} of {}",
            case["config"]
        );
        let number = i64::try_from(run).expect("few");
        let noise = if draws {
            values(2000 + number)
        } else {
            Vec::new()
        };
        scheduler.step(run, &values(1000 + number), &mut sample, &noise);
        note(apart(&sample, &samples[place]), format!("sample {run}"));
    }
    let begin = case["begin"].as_u64().expect("a run") as usize;
    let fresh = new(&config, steps).expect("a scheduler");
    let noised = fresh.noised(begin, &values(3000), &values(4000));
    note(apart(&noised, &floats(case, "noised")), "noised".into());
    worst
}

#[test]
fn every_scheduler_goes_where_diffusers_goes() {
    let recorded: Value = serde_json::from_str(RECORDED).expect("JSON");
    let cases = recorded["cases"].as_array().expect("cases");
    assert!(cases.len() >= 400, "{}", cases.len());
    let mut far = Vec::new();
    let mut classes: BTreeMap<&str, (u32, f32)> = BTreeMap::new();
    for case in cases {
        let (difference, place) = compare(case);
        let class = case["config"]["_class_name"].as_str().expect("a class");
        let (count, most) = classes.entry(class).or_default();
        (*count, *most) = (*count + 1, most.max(difference));
        if difference > TOLERANCE {
            let (steps, eta, config) = (&case["steps"], &case["eta"], &case["config"]);
            far.push(format!(
                "{difference:e} at {place}: {steps} steps, eta {eta}, {config}"
            ));
        }
    }
    for (class, (count, most)) in classes {
        println!("| {class} | {count} | {most:.1e} |");
    }
    assert!(
        far.is_empty(),
        "{} of {} cases differ:\n{}",
        far.len(),
        cases.len(),
        far.join("\n")
    );
}

#[test]
fn a_scheduler_reads_the_files_of_known_models_and_refuses_by_name_what_it_does_not_do() {
    let known = [
        // Stable Diffusion 1.5.
        r#"{"_class_name":"PNDMScheduler","_diffusers_version":"0.6.0","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,
            "num_train_timesteps":1000,"set_alpha_to_one":false,"skip_prk_steps":true,"steps_offset":1,"trained_betas":null,"clip_sample":false}"#,
        // Stable Diffusion XL.
        r#"{"_class_name":"EulerDiscreteScheduler","_diffusers_version":"0.19.0.dev0","beta_end":0.012,"beta_schedule":"scaled_linear",
            "beta_start":0.00085,"clip_sample":false,"interpolation_type":"linear","num_train_timesteps":1000,"prediction_type":"epsilon",
            "sample_max_value":1.0,"set_alpha_to_one":false,"skip_prk_steps":true,"steps_offset":1,"timestep_spacing":"leading",
            "trained_betas":null,"use_karras_sigmas":false}"#,
        // Turbo.
        r#"{"_class_name":"EulerAncestralDiscreteScheduler","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,
            "num_train_timesteps":1000,"prediction_type":"epsilon","steps_offset":1,"timestep_spacing":"trailing","trained_betas":null}"#,
    ];
    for text in known {
        let config = Config::parse(text).expect(text);
        assert!(new(&config, 4).is_ok(), "{text}");
    }
    for (text, named) in [
        ("[]", "scheduler_config.json"),
        (
            r#"{"_class_name":"KarrasVeScheduler"}"#,
            "KarrasVeScheduler",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","thresholding":true}"#,
            "thresholding",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","trained_betas":[0.1]}"#,
            "trained_betas",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","beta_schedule":"sigmoid"}"#,
            "beta_schedule",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","beta_start":"x"}"#,
            "beta_start",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","beta_start":2}"#,
            "beta_start",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","num_train_timesteps":1e9}"#,
            "num_train_timesteps",
        ),
        (
            r#"{"_class_name":"DDIMScheduler","num_train_timesteps":1}"#,
            "num_train_timesteps",
        ),
        (r#"{"_class_name":"DDIMScheduler","magic":1}"#, "magic"),
        (
            r#"{"_class_name":"DDIMScheduler","prediction_type":"flow_prediction"}"#,
            "flow_prediction",
        ),
        (
            r#"{"_class_name":"EulerDiscreteScheduler","use_karras_sigmas":true,"use_exponential_sigmas":true}"#,
            "use_karras_sigmas",
        ),
        (
            r#"{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"dpmsolver"}"#,
            "algorithm_type",
        ),
        (
            r#"{"_class_name":"UniPCMultistepScheduler","solver_type":"bh1"}"#,
            "bh1",
        ),
        (
            r#"{"_class_name":"UniPCMultistepScheduler","disable_corrector":[1]}"#,
            "disable_corrector",
        ),
        (
            r#"{"_class_name":"FlowMatchEulerDiscreteScheduler","use_dynamic_shifting":true}"#,
            "use_dynamic_shifting",
        ),
    ] {
        let error = Config::parse(text).expect_err(text);
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
    let lcm = Config::parse(r#"{"_class_name":"LCMScheduler"}"#).expect("a configuration");
    for (steps, fits) in [
        (0, false),
        (1, true),
        (50, true),
        (51, false),
        (u32::MAX, false),
    ] {
        assert_eq!(new(&lcm, steps).is_ok(), fits, "{steps}");
    }
}
