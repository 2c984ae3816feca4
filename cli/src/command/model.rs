//! `seedmark model`: what a model is, whether this machine keeps the portable profile, and the proof of it in pictures.

use crate::arguments::{Model, ModelCommand};
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use engine::executor::Executor as _;
use engine::{profile, proof};
use serde_json::json;
use std::path::Path;

pub(crate) fn run(options: &Model) -> Result<Exit> {
    match &options.command {
        ModelCommand::Info { model, json } => info(model.as_deref(), *json),
        ModelCommand::Check {
            pictures,
            workers,
            json,
        } => check(*pictures, workers.workers, *json),
    }
}

/// Makes the fixed pictures; every digest must be the published one.
fn check(count: usize, workers: Option<u16>, as_json: bool) -> Result<Exit> {
    let (model, runtime) = machine::engine(None)?;
    let published = proof::published(&model);
    let requests = proof::requests(&model)?;
    let chosen = &requests[..count.clamp(1, requests.len())];
    let pictures = machine::generate(&model, &runtime, chosen, workers)?;
    let (mut rows, mut equal) = (Vec::new(), 0);
    for (at, (request, picture)) in chosen.iter().zip(&pictures).enumerate() {
        let found = picture.digest()?.blake3;
        let expected = published.as_ref().ok().and_then(|list| list.get(at));
        let verdict = match expected {
            Some(expected) if *expected == found => "equal",
            Some(_) => "different",
            None => "unpublished",
        };
        equal += usize::from(verdict == "equal");
        rows.push(json!({ "number": at + 1, "prompt": request.prompt, "steps": request.steps, "blake3": found, "verdict": verdict }));
    }
    if as_json {
        output::json(&json!({
            "model": model.digest, "cpu": profile::cpu(), "runtime": runtime.runtime(), "equal": equal, "pictures": rows,
        }));
    } else {
        for (number, row) in (1..).zip(&rows) {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            output::line(format!(
                "{:>2}  {:<11}  {}  {}",
                number,
                text("verdict"),
                text("blake3"),
                text("prompt")
            ));
        }
        output::line(format!(
            "{equal} of {} pictures equal the published ones ({}, {})",
            rows.len(),
            profile::cpu(),
            runtime.runtime()
        ));
        if let Err(why) = &published {
            output::line(why);
        }
    }
    Ok(if equal == rows.len() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn info(model: Option<&Path>, as_json: bool) -> Result<Exit> {
    let model = machine::model(model)?;
    let runtime = machine::runtime();
    let tested = runtime
        .as_ref()
        .map_err(ToString::to_string)
        .and_then(|runtime| {
            profile::self_test(runtime)
                .map(|()| runtime.runtime())
                .map_err(|error| error.to_string())
        });
    if as_json {
        output::json(
            &json!({ "digest": model.digest, "manifest": model.manifest.document, "cpu": profile::cpu(), "portable_1": tested.is_ok(), "graphs_portable_1": model.check_portable().is_ok(), "runtime": tested }),
        );
    } else {
        let manifest = &model.manifest;
        output::line(format!("{} {}", manifest.name, manifest.version));
        output::line(format!("digest    {}", model.digest));
        output::line(format!("licence   {}", manifest.licence));
        output::line(format!("profile   {}", manifest.profile.name()));
        output::line(match model.check_portable() {
            Ok(()) => "graphs    keep portable-1".to_owned(),
            Err(why) => format!("graphs    native only: {why}"),
        });
        let sizes: Vec<String> = manifest
            .sizes
            .iter()
            .map(|size| format!("{}×{}", size.width, size.height))
            .collect();
        output::line(format!("sizes     {}", sizes.join(", ")));
        output::line(format!("prompt    at most {} tokens", manifest.text_tokens));
        output::line(format!(
            "sampling  {} steps, guidance {}.{:03}",
            manifest.steps,
            manifest.guidance_milli / 1000,
            manifest.guidance_milli % 1000
        ));
        for (language, phrases) in &manifest.styles {
            output::line(format!("styles    {language}: {}", phrases.join(", ")));
        }
        for file in &manifest.files {
            output::line(format!(
                "file      {:<20} {:>10} bytes  {}",
                file.name, file.bytes, file.blake3
            ));
        }
        output::line(format!("machine   {}", profile::cpu()));
        output::line(match &tested {
            Ok(runtime) => {
                format!("self-test passed with {runtime}: this machine keeps portable-1")
            }
            Err(why) => format!("self-test failed: {why}"),
        });
    }
    Ok(if tested.is_ok() {
        Exit::Success
    } else {
        Exit::Unsupported
    })
}
