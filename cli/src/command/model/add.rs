//! `seedmark model add`: a folder into the store, with the proof.

use super::kept::megabytes;
use crate::arguments::ModelAdd;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use engine::import::folder::{Wishes, add};
use engine::model::{Model, Source};
use engine::profile;
use serde_json::json;
use std::path::PathBuf;

/// Reads `style.safetensors` or `style.safetensors:0.8`, the weight in thousandths.
fn adapter(text: &str) -> (PathBuf, i32) {
    let weight = |text: &str| {
        let number = text.parse::<f64>().ok()?;
        let thousandths = (number * 1000.0).round();
        (thousandths.abs() <= 100_000.0).then_some(thousandths as i32)
    };
    match text
        .rsplit_once(':')
        .map(|(file, last)| (file, weight(last)))
    {
        Some((file, Some(weight))) => (file.into(), weight),
        _ => (text.into(), 1000),
    }
}

pub(super) fn run(options: &ModelAdd) -> Result<Exit> {
    let store = machine::store(options.store.store.as_deref())?;
    let sizes = options.size.iter();
    let wishes = Wishes {
        name: options.name.clone(),
        sizes: sizes
            .map(|size| super::super::prompt::size_of(size))
            .collect::<Result<_>>()?,
        tiles: options.tile.clone(),
        tiles_only: options.tiles_only,
        licence: options.licence.clone(),
        for_own_use: options.for_own_use,
        steps: options.steps,
        guidance_milli: options
            .guidance
            .as_deref()
            .map(super::super::prompt::guidance)
            .transpose()?,
        adapters: options.lora.iter().map(|text| adapter(text)).collect(),
    };
    profile::check_cpu()?;
    let runtime = machine::runtime()?;
    profile::self_test(&runtime)?;
    let bar = output::spinner("reading");
    let added = add(&options.folder, &store, &wishes, &runtime, &mut |what| {
        bar.set_message(what.to_owned());
    });
    bar.finish_and_clear();
    let added = added?;
    let model = Model::load(&Source::Folder(added.path.clone()))?;
    let manifest = &model.manifest;
    if options.json {
        let graphs: Vec<_> = added
            .proven
            .iter()
            .map(|proven| {
                json!({ "graph": proven.graph, "nodes": proven.nodes, "difference": proven.proof.difference })
            })
            .collect();
        output::json(&json!({
            "digest": added.digest, "name": manifest.name, "path": added.path.display().to_string(), "new": !added.known, "sizes": manifest.sizes, "tiles": manifest.tiles,
            "licence": manifest.licence, "for_sale": manifest.for_sale, "memory_bytes": model.memory_bytes(), "graphs": graphs, "without": added.without,
        }));
        return Ok(Exit::Success);
    }
    for proven in &added.proven {
        output::line(format!(
            "✓ {:<28} {:>6} nodes, within {:.1e} of the original",
            proven.graph, proven.nodes, proven.proof.difference
        ));
    }
    for without in &added.without {
        output::line(format!("– without {without}"));
    }
    let state = match added.known {
        true => "was here before",
        false => "added",
    };
    output::line(format!("{state}     {}", manifest.title()));
    output::line(format!("digest    {}", added.digest));
    let sale = match manifest.for_sale {
        true => "",
        false => ", not for sale",
    };
    output::line(format!("licence   {}{sale}", manifest.licence));
    let memory = megabytes(model.memory_bytes());
    output::line(format!(
        "memory    about {memory} for one picture at a time"
    ));
    output::line(format!("folder    {}", added.path.display()));
    Ok(Exit::Success)
}
