//! `seedmark reproduce --ep`: what an execution provider makes of a sealed recipe, compared with the sealed pictures by tolerance.
//!
//! The one rule: never exact. Equal samples would prove nothing of other machines, so the best verdict is near, and nothing is published.

use crate::arguments::Reproduce;
use crate::exit::Exit;
use crate::maker::Maker;
use crate::target::Target;
use crate::{command, input, machine, output};
use anyhow::{Context as _, Result, bail};
use engine::compare::{Comparison, compare, worst};
use engine::model::Model;
use engine::onnx_runtime::Provider;
use engine::photo;
use engine::picture::Picture;
use engine::pipeline::{Pictures, Request};
use engine::profile;
use ledger::bundle::Report;
use schema::recipe::Recipe;
use schema::statement::{AnchorStatement, Outcome};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn run(
    options: &Reproduce,
    provider: Provider,
    (recipe, begun): (&Recipe, &Pictures),
    sealed: &[AnchorStatement],
    places: Vec<(PathBuf, Target)>,
    report: &Report,
) -> Result<Exit> {
    let mut known = given(options, sealed)?;
    let (model, maker) = Maker::open(Some(provider), options.model.as_deref(), Some(recipe))?;
    let requests = Request::of_anchors(recipe, &model, begun)?;
    complete(options, &model, &requests, &mut known)?;
    let pictures = maker.make(&model, &requests, options.workers.workers)?;
    let (mut rows, mut outcomes) = (Vec::new(), Vec::new());
    for (index, picture) in pictures.iter().enumerate() {
        let reference = known.get(index).and_then(Option::as_ref);
        let is_sealed = |picture: &Picture| {
            let digest = picture.digest().ok();
            digest.is_some_and(|digest| Some(digest) == sealed.get(index).map(|one| one.pixels))
        };
        // Made here and yet not the sealed one: there is nothing to measure by.
        let found = reference.filter(|picture| is_sealed(picture));
        let found = found.map(|reference| compare(reference, picture).by_tolerance());
        let outcome = found.map_or(Outcome::Different, |found| found.outcome);
        outcomes.push(outcome);
        if !options.json {
            let mark = match outcome {
                Outcome::Different => "✗",
                _ => "≈",
            };
            output::line(format!("{mark} picture {:<16} {}", index + 1, told(found)));
        }
        rows.push(json!({
            "anchor": index, "outcome": outcome, "differing_samples": found.map(|found| found.differing),
            "largest_difference": found.map(|found| found.largest), "decibels": found.and_then(|found| found.decibels),
        }));
    }
    for (picture, (_, place)) in pictures.iter().zip(places) {
        place.write(&picture.to_png(None)?)?;
    }
    let outcome = worst(outcomes.into_iter().chain([Outcome::Near]));
    let environment = profile::environment(maker.executor(), maker.profile());
    if options.json {
        output::json(&json!({
            "holds": true, "outcome": outcome, "by_tolerance": true, "pictures": rows, "environment": environment,
            "checks": command::verify::checks(report), "published": null,
        }));
    } else {
        output::line(format!(
            "compared by tolerance, made with {} under native: no proof of equal bits; for that, reproduce without --ep",
            provider.name()
        ));
    }
    maker.tell();
    Ok(match outcome {
        Outcome::Different => Exit::Failed,
        _ => Exit::Near,
    })
}

fn told(found: Option<Comparison>) -> String {
    let Some(found) = found else {
        return "different: portable-1 does not make the sealed picture here, so there is none to compare with".into();
    };
    let verdict = match found.outcome {
        Outcome::Different => "different",
        _ => "near",
    };
    match found.decibels {
        Some(decibels) => format!(
            "{verdict}: {} samples differ, by {} of 255 at most, {decibels:.1} dB",
            found.differing, found.largest
        ),
        None => format!("{verdict}: no sample differs on this machine"),
    }
}

/// A sealed picture's file: its very pixels.
fn picture(file: &Path) -> Result<Picture> {
    let bytes = input::read(file, "picture", photo::MAX_BYTES)?;
    Picture::from_png(&bytes).with_context(|| file.display().to_string())
}

/// The sealed pictures that were given, each at its place, known by their pixels.
fn given(options: &Reproduce, sealed: &[AnchorStatement]) -> Result<Vec<Option<Picture>>> {
    let mut known = vec![None; sealed.len()];
    for file in &options.sealed {
        let picture = picture(file)?;
        let digest = picture.digest()?;
        let places = sealed.iter().zip(&mut known);
        let mut fits = false;
        for (_, place) in places.filter(|(one, _)| one.pixels == digest) {
            *place = Some(picture.clone());
            fits = true;
        }
        if !fits {
            bail!(
                "--sealed {}: is none of the sealed pictures; labelled copies and other sizes are others",
                file.display()
            );
        }
    }
    Ok(known)
}

/// Makes those that were not given, as everybody can: with `portable-1`.
fn complete(
    options: &Reproduce,
    model: &Arc<Model>,
    requests: &[Request],
    known: &mut [Option<Picture>],
) -> Result<()> {
    let absent: Vec<usize> = (0..known.len().min(requests.len()))
        .filter(|at| known[*at].is_none())
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    output::hint(format!(
        "{} sealed pictures were not given with --sealed: made with portable-1 first, to compare with",
        absent.len()
    ));
    let runtime = machine::runtime()?;
    profile::self_test(&runtime)?;
    let wanted: Vec<Request> = absent.iter().map(|at| requests[*at].clone()).collect();
    let made = machine::generate(model, &runtime, &wanted, options.workers.workers)?;
    for (at, picture) in absent.into_iter().zip(made) {
        known[at] = Some(picture);
    }
    Ok(())
}
