//! The profile `native`: an execution provider makes near pictures, says so, and is never replaced in silence.

#![cfg(feature = "ort")]

#[allow(dead_code, reason = "this test needs the runtime alone")]
mod recorded;

use engine::compare::{NEAR_DECIBELS, compare};
use engine::executor::Executor;
use engine::model::Model;
use engine::onnx_runtime::{Native, Provider};
use engine::picture::Picture;
use engine::pipeline::{Engine, Pictures, Request};
use engine::{Error, ErrorKind, embedded, profile};
use recorded::runtime;
use schema::recipe::{Profile, Recipe, Scheduler, Seed};
use schema::statement::Outcome;
use schema::template::Values;
use std::ops::ControlFlow;
use std::sync::Arc;

fn model() -> Arc<Model> {
    Arc::new(Model::load(&embedded::DEFAULT).expect("the embedded model"))
}

fn cpu() -> Native {
    Native::new(runtime(), Provider::Cpu, 2).expect("every library has it")
}

fn made(executor: &dyn Executor, profile: Profile) -> Result<Picture, Error> {
    let model = model();
    let scheduler = Scheduler::FlowEuler { shift_milli: 1000 };
    let prompt = "red apple, 3d style".into();
    let mut recipe = Recipe::new(model.digest, prompt, scheduler, 2, 3000, (128, 128));
    recipe.profile = profile;
    let request = Request::of_recipe(&recipe, &Values::new(), Seed(7), &Pictures::default())?;
    Engine::new(model, executor)?.generate(&request, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn a_native_picture_is_near_the_portable_one_and_never_called_exact() {
    let portable = made(&runtime(), Profile::Portable1).expect("a portable picture");
    let native = cpu();
    let found = compare(
        &portable,
        &made(&native, Profile::Native).expect("a picture"),
    );
    let decibels = found.decibels.unwrap_or(f64::INFINITY);
    assert!(decibels >= NEAR_DECIBELS, "{decibels} dB");
    assert_eq!(found.by_tolerance().outcome, Outcome::Near);
    let same = compare(&portable, &portable);
    assert_eq!(same.outcome, Outcome::Exact);
    assert_eq!(same.by_tolerance().outcome, Outcome::Near);
    let share = native.share();
    assert!(share.taken == share.all && share.all > 100, "{share:?}");
}

#[test]
fn a_picture_is_made_under_the_rules_that_it_asks_for_or_not_at_all() {
    let error = made(&cpu(), Profile::Portable1).expect_err("no portable-1");
    assert_eq!(error.kind(), ErrorKind::NotOffered);
    assert!(error.to_string().contains("keeps no portable-1"), "{error}");
    let error = made(&runtime(), Profile::Native).expect_err("no provider");
    assert!(
        error.to_string().contains("runs portable-1 alone"),
        "{error}"
    );
}

#[test]
fn a_statement_names_the_profile_and_the_provider_that_made_the_picture() {
    let native = cpu();
    let environment = profile::environment(&native, native.profile());
    assert_eq!(environment.profile, Profile::Native);
    assert!(
        environment.runtime.ends_with(" cpu"),
        "{}",
        environment.runtime
    );
}

#[test]
fn a_provider_that_the_library_lacks_is_named_with_those_it_has_and_what_to_install() {
    let absent = match cfg!(windows) {
        true => Provider::CoreMl,
        false => Provider::DirectMl,
    };
    let error = Native::new(runtime(), absent, 0).err().expect("not there");
    assert_eq!(error.kind(), ErrorKind::Missing);
    let text = error.to_string();
    for part in [
        absent.name(),
        "which has cpu",
        "install `onnxruntime",
        "ORT_DYLIB_PATH",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn every_provider_is_known_by_its_name_and_no_other() {
    for one in Provider::ALL {
        assert_eq!(Provider::parse(one.name()).expect("its own name"), *one);
    }
    let error = Provider::parse("gpu").expect_err("no provider");
    assert!(error.to_string().contains("known are cpu, cuda"), "{error}");
}
