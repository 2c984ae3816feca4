//! `seedmark model`: the models that are here, what each is, whether this machine keeps the portable profile, and the proof in pictures.

use crate::arguments::{Model, ModelCommand, ModelStore};
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use engine::executor::Executor as _;
use engine::{profile, proof};
use serde_json::json;
use std::path::{Path, PathBuf};

mod add;
mod kept;

pub(crate) fn run(options: &Model) -> Result<Exit> {
    match &options.command {
        ModelCommand::Add(options) => add::run(options),
        ModelCommand::List { store, json } => kept::list(store, *json),
        ModelCommand::Remove { name, store, json } => kept::remove(name, store, *json),
        ModelCommand::Info {
            name,
            model,
            store,
            json,
        } => {
            let named = name.as_ref().map(PathBuf::from).or_else(|| model.clone());
            info(named.as_deref(), store, *json)
        }
        ModelCommand::Check {
            name,
            pictures,
            store,
            workers,
            json,
        } => check(name.as_deref(), *pictures, store, workers.workers, *json),
        ModelCommand::ExportHelp => {
            output::document(EXPORT_HELP);
            Ok(Exit::Success)
        }
    }
}

/// How a stranger gets a folder; the commands are those of docs/models.md.
const EXPORT_HELP: &str = include_str!("export.txt");

/// Makes the fixed pictures; every digest of the embedded model must be the published one.
fn check(
    name: Option<&str>,
    count: Option<usize>,
    store: &ModelStore,
    workers: Option<u16>,
    as_json: bool,
) -> Result<Exit> {
    let store = machine::store(store.store.as_deref())?;
    let (model, runtime) = machine::engine_in(&store, name.map(Path::new), None)?;
    let published = proof::published(&model);
    let requests = proof::requests(&model)?;
    let usual = match published {
        Ok(_) => proof::COUNT,
        Err(_) => proof::SHORT,
    };
    let chosen = &requests[..count.unwrap_or(usual).clamp(1, requests.len())];
    let pictures = machine::generate(&model, &runtime, chosen, workers)?;
    let (mut rows, mut equal, mut different) = (Vec::new(), 0, 0);
    for (at, (request, picture)) in chosen.iter().zip(&pictures).enumerate() {
        let found = picture.digest()?.blake3;
        let expected = published.as_ref().ok().and_then(|list| list.get(at));
        let verdict = match expected {
            Some(expected) if *expected == found => "equal",
            Some(_) => "different",
            None => "unpublished",
        };
        equal += usize::from(verdict == "equal");
        different += usize::from(verdict == "different");
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
        let made = rows.len();
        let on = format!("({}, {})", profile::cpu(), runtime.runtime());
        match &published {
            Ok(_) => output::line(format!(
                "{equal} of {made} pictures equal the published ones {on}"
            )),
            Err(why) => {
                output::line(why);
                output::line(format!(
                    "{made} pictures of {} {on}: another machine must print the same digests",
                    model.digest
                ));
            }
        }
    }
    // An added model has no published list: what was made is the answer.
    Ok(match (&published, different) {
        (Ok(_), 0) if equal == rows.len() => Exit::Success,
        (Err(_), _) => Exit::Success,
        _ => Exit::Failed,
    })
}

fn info(model: Option<&Path>, store: &ModelStore, as_json: bool) -> Result<Exit> {
    let store = machine::store(store.store.as_deref())?;
    let model = machine::model_in(&store, model, None)?;
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
        output::line(manifest.title());
        output::line(format!("digest    {}", model.digest));
        output::line(format!(
            "licence   {}{}",
            manifest.licence,
            if manifest.for_sale {
                ""
            } else {
                ", not for sale"
            }
        ));
        output::line(format!("family    {}", manifest.family));
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
        for tile in &manifest.tiles {
            output::line(format!("tiles     of {tile}, for larger pictures"));
        }
        output::line(format!("prompt    at most {} tokens", manifest.text_tokens));
        output::line(format!(
            "sampling  {} steps, guidance {}.{:03}",
            manifest.steps,
            manifest.guidance_milli / 1000,
            manifest.guidance_milli % 1000
        ));
        output::line(format!("sampler   {}", manifest.scheduler.name()));
        output::line(format!(
            "memory    about {} for one picture at a time",
            kept::megabytes(model.memory_bytes())
        ));
        for merged in &manifest.merged {
            output::line(format!(
                "merged    {} at {:.3}  {}",
                merged.name,
                f64::from(merged.weight_milli) / 1000.0,
                merged.blake3
            ));
        }
        if let Some(command) = manifest.add_command() {
            output::line(format!("elsewhere {command}, with the same export"));
            output::line(format!(
                "offers    clip skip up to {}, {}image to image",
                manifest.most_clip_skip(),
                if model.makes_latents() { "" } else { "no " }
            ));
        }
        for (language, phrases) in &manifest.styles {
            output::line(format!("styles    {language}: {}", phrases.join(", ")));
        }
        let bytes = manifest.files.iter().map(|file| file.bytes).sum();
        output::line(format!(
            "files     {}, {} together; --json lists them with their digests",
            manifest.files.len(),
            kept::megabytes(bytes)
        ));
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
