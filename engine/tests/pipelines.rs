//! Whole runs against those that diffusers made with the same tiny models: latents after every step, and the picture.
//!
//! The one rule: 1e-4 of the largest value for a latent, one of 255 for a sample. The models are added as a person would add them.

#![cfg(feature = "ort")]

mod recorded;

use engine::executor::Executor as _;
use engine::import::folder::{Store, Wishes, add};
use engine::model::{Model, Size, Source};
use engine::pipeline::Engine;
use recorded::{HERE, compare, number, runtime, tile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A model, and the tile of the cases that it is added for: those in tiles have a model each, without graphs for whole pictures.
type Key = (String, Option<u32>);

fn key(case: &Value) -> Key {
    (
        case["model"].as_str().expect("a model").to_owned(),
        tile(case),
    )
}

/// Every reference model in a store, with the sizes that the cases make.
fn models(cases: &[Value], store: &Store) -> BTreeMap<Key, Arc<Model>> {
    let mut sizes: BTreeMap<Key, Vec<Size>> = BTreeMap::new();
    for case in cases {
        let size = Size {
            width: number(&case["width"]),
            height: number(&case["height"]),
        };
        let known = sizes.entry(key(case)).or_default();
        if !known.contains(&size) {
            known.push(size);
        }
    }
    let added = |((name, tile), sizes): (Key, Vec<Size>)| {
        let wishes = Wishes {
            sizes,
            tiles: tile.into_iter().collect(),
            tiles_only: true,
            licence: Some("MIT".into()),
            ..Wishes::default()
        };
        let folder = Path::new(HERE).join("models").join(&name);
        let made = add(&folder, store, &wishes, &runtime(), &mut |_| ());
        let made = made.unwrap_or_else(|error| panic!("{name}, tiles of {tile:?}: {error}"));
        for without in &made.without {
            println!("{name} is without {without}");
        }
        let model = Model::load(&Source::Folder(made.path)).expect("a model that was added");
        assert_eq!(model.digest, made.digest);
        ((name, tile), Arc::new(model))
    };
    sizes.into_iter().map(added).collect()
}

/// What diffusers does and this engine refuses by name: a prompt that is cut, a seed of which bits are dropped.
fn refusal(case: &Value) -> Option<&'static str> {
    let is_long = |field: &str| case[field].as_str().is_some_and(|text| text.len() > 400);
    let long = is_long("prompt") || is_long("negative");
    let large = case["seed"].as_u64().is_some_and(|seed| seed >> 32 > 0);
    match (long, large) {
        (true, _) => Some("shorten it"),
        (_, true) => Some("2^32 or more"),
        _ => None,
    }
}

/// What is wrong when a latent of an odd side, which no exported UNet joins again once it was halved, is not refused by its node: torch looks
/// at the sizes as it goes.
fn refused_size(name: &str, store: &Store) -> Option<String> {
    let wishes = Wishes {
        sizes: vec![Size {
            width: 72,
            height: 64,
        }],
        licence: Some("MIT".into()),
        ..Wishes::default()
    };
    let folder = Path::new(HERE).join("models").join(name);
    let refused = add(&folder, store, &wishes, &runtime(), &mut |_| ()).err();
    let text = refused.map(|error| error.to_string()).unwrap_or_default();
    let named = text.starts_with("unet/model.onnx (72x64) cannot be made portable: node");
    (!named).then(|| format!("{name} at 72×64: {text:?}"))
}

#[test]
fn whole_runs_are_those_of_diffusers() {
    let text = std::fs::read_to_string(Path::new(HERE).join("pipelines.json")).expect("the record");
    let record: Value = serde_json::from_str(&text.replace("-Infinity", "null")).expect("a record");
    let cases = record["cases"].as_array().expect("cases");
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    let models = models(cases, &store);
    let runtime = runtime();
    println!("{}", runtime.runtime());
    let mut engines: BTreeMap<Key, Engine> = BTreeMap::new();
    let mut table: BTreeMap<(String, String), (usize, f32, u8)> = BTreeMap::new();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for case in cases {
        let name = case["model"].as_str().expect("a model");
        let engine = engines.entry(key(case)).or_insert_with_key(|key| {
            Engine::new(models[key].clone(), &runtime).expect("an engine")
        });
        match (compare(case, &record["pictures"], engine), refusal(case)) {
            (Err(what), Some(expected)) if what.contains(expected) => refused += 1,
            (Ok((latent, samples)), None) => {
                let mode = case["mode"].as_str().unwrap_or_default();
                let tiles = tile(case).map_or("", |_| ", in tiles");
                let key = (name.to_owned(), format!("{mode}{tiles}"));
                let row = table.entry(key).or_default();
                *row = (row.0 + 1, row.1.max(latent), row.2.max(samples));
                if samples > 1 {
                    wrong.push(format!("{}: a sample differs by {samples}", case["name"]));
                }
            }
            (result, expected) => {
                wrong.push(format!(
                    "{}: {result:?}, expected {expected:?}",
                    case["name"]
                ));
            }
        }
    }
    wrong.extend(refused_size("taiyi", &store));
    println!("| model | mode | runs | largest difference of a latent | of a sample |");
    for ((model, mode), (count, latent, samples)) in &table {
        println!("| {model} | {mode} | {count} | {latent:.1e} | {samples} |");
    }
    println!("{refused} refused by name");
    assert!(cases.len() >= 220);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
