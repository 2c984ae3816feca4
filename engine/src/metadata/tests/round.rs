//! What is exported is imported as it was.

use super::super::{
    MAX_PROMPT, NoiseSource, PARAMETERS, Program, Sampler, a1111_text, pairs, read_text, with_text,
};
use super::*;
use crate::scheduler::config::Sigmas;
use proptest::prelude::*;
use schema::recipe::Noise;

/// Pieces of which the worst prompts are made.
const PIECES: [&str; 20] = [
    "\n",
    "\nNegative prompt: ",
    "Negative prompt:",
    "\nSteps: 20, Seed: 1, Size: 2x3",
    "Steps: 20",
    "Exact prompt: \"x\", Version: Seedmark",
    "\"",
    "\\",
    "\\\"",
    ": ",
    ", ",
    "{\"a\": 1}",
    "[a:b:.5]",
    "(x:1.3) AND <lora:l:1>",
    "狐狸 🦊\u{200d}",
    "\r\n\t",
    " ",
    "\u{a0}\u{2028}",
    "Sampler: Euler a, ",
    "word",
];

const SAMPLERS: [&str; 7] = [
    "Euler a",
    "DPM++ 2M",
    "DPM++ 2M SDE",
    "DDIM",
    "LCM",
    "Restart",
    "UniPC",
];

fn prompt() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES.as_slice()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// A name that a file can hold: not empty, and no noise that means another kind.
fn name() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prompt().prop_filter("empty names are left out", |name| {
        !name.is_empty() && name.len() < 512
    }))
}

fn settings() -> impl Strategy<Value = Found> {
    let sampler = proptest::option::of(proptest::sample::select(SAMPLERS.as_slice()));
    let sigmas = proptest::sample::select(vec![Sigmas::Plain, Sigmas::Karras, Sigmas::Exponential]);
    let noise = proptest::sample::select(vec![Noise::Philox, Noise::TorchCpu, Noise::Numpy]);
    let number = || proptest::option::of(0..1_000_000u32);
    (
        (prompt(), prompt(), name(), name()),
        (
            any::<u64>(),
            number(),
            number(),
            proptest::option::of((1..9999u32, 1..9999u32)),
        ),
        (sampler, sigmas, noise),
        (
            number(),
            number(),
            number(),
            proptest::option::of(any::<u64>()),
            proptest::option::of(any::<i64>()),
        ),
        proptest::collection::vec((name(), name()), 0..4),
    )
        .prop_map(
            |(texts, numbers, (sampler, sigmas, noise), others, unknown)| {
                let mut found = Found::new(Program::A1111);
                (found.prompt, found.negative, found.model, found.model_hash) = texts;
                found.seed = Some(numbers.0);
                (found.steps, found.guidance_milli) = (numbers.1, numbers.2);
                (found.width, found.height) = numbers.3.unzip();
                found.sampler = sampler.map(Sampler::named);
                // Without a sampler nothing is spaced.
                found.sigmas = found.sampler.is_some().then_some(sigmas);
                found.noise = Some(NoiseSource::Known(noise));
                (
                    found.clip_skip,
                    found.denoising_milli,
                    found.variation_milli,
                ) = (others.0, others.1, others.2);
                (found.variation_seed, found.seed_delta) = (others.3, others.4);
                // The key is one that can be read back, and none that has a field.
                let key = |at: usize| format!("Odd-key {at}/x");
                let values = unknown.into_iter().enumerate();
                found.unknown = values
                    .filter_map(|(at, (_, value))| Some((key(at), value?)))
                    .collect();
                found
            },
        )
}

fn without_remarks(mut found: Found) -> Found {
    found.remarks.clear();
    found
}

#[test]
fn the_longest_prompts_come_back_whatever_their_letters() {
    for letter in ["\u{1}", "\n", "ä", "\"", "{", "Negative prompt:\n"] {
        let prompt = letter.repeat(MAX_PROMPT / letter.len());
        let found = Found {
            negative: prompt.clone(),
            prompt,
            ..Found::default()
        };
        let again = read_text(&a1111_text(&found))
            .expect("a text")
            .expect("settings");
        assert!(
            again.prompt == found.prompt && again.negative == found.negative,
            "{letter:?}"
        );
    }
}

#[test]
fn what_another_program_wrote_is_exported_as_no_file_of_that_program() {
    let text = "a cat\nSteps: 20, Seed: 7, RNG: cpu, Sampler: euler_a karras, Version: stable-diffusion.cpp";
    let found = read_text(text).expect("a text").expect("settings");
    assert_eq!(found.program, Program::StableDiffusionCpp);
    let again = read_text(&a1111_text(&found))
        .expect("a text")
        .expect("settings");
    assert_eq!((again.program, again.version), (Program::A1111, None));
    assert_eq!(
        (again.noise, again.sampler, again.sigmas),
        (found.noise, found.sampler, found.sigmas)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_export_is_imported_as_it_was(found in settings()) {
        let text = a1111_text(&found);
        let again = read_text(&text).expect("a text").expect("settings");
        prop_assert_eq!(without_remarks(again), found, "{}", text);
    }

    #[test]
    fn prompts_alone_come_back_too(prompt in prompt(), negative in prompt()) {
        let found = Found { prompt, negative, ..Found::default() };
        let text = a1111_text(&found);
        let again = read_text(&text).expect("a text").unwrap_or_default();
        prop_assert_eq!((again.prompt, again.negative), (found.prompt, found.negative), "{}", text);
    }

    #[test]
    fn every_export_comes_back_out_of_a_png(found in settings()) {
        let text = a1111_text(&found);
        prop_assume!(!text.contains('\0'));
        let file = with_text(&png(&[]), PARAMETERS, &text).expect("a PNG");
        prop_assert_eq!(without_remarks(must(&file)), found);
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in prompt()) {
        let _pairs = pairs::pairs(&text);
        let _found = read_text(&text);
        for keyword in ["parameters", "prompt", "invokeai_metadata", "XML:com.adobe.xmp"] {
            let _found = read(&png(&[super::text(keyword, &text)]));
        }
    }
}
