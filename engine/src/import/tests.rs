//! Every graph of the reference models, rewritten and measured against itself.

use super::write::described;
use super::*;
use crate::executor::Weights;
use crate::onnx_runtime::OnnxRuntime;
use crate::portable;
use prost::Message as _;
use std::path::{Path, PathBuf};

fn runtime() -> OnnxRuntime {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let path = OnnxRuntime::find(configured, None, cache.as_deref());
    OnnxRuntime::load(&path.expect("the library")).expect("the library")
}

/// Sides that the exporters leave open, for a latent of 8×12 cells.
fn shape(component: &str, name: &str, open: &[Option<usize>]) -> Result<Vec<usize>, Error> {
    let usual: &[usize] = match name {
        "sample" if component == "vae_encoder" => &[1, 3, 16, 24],
        "sample" if open.len() == 4 => &[1, 4, 8, 12],
        "latent_sample" => &[1, 4, 8, 12],
        "input_ids" => &[1, 77],
        "encoder_hidden_states" => &[1, 77, 32],
        _ => &[1, 1, 1, 1],
    };
    let side = |(at, side): (usize, &Option<usize>)| side.unwrap_or(usual[at]);
    Ok(open.iter().enumerate().map(side).collect())
}

fn example(name: &str, shape: &[usize]) -> Result<Tensor, Error> {
    let size = shape.iter().product();
    match name {
        "input_ids" => Tensor::new(
            shape.to_vec(),
            Data::Integers((0..size as i64).map(|at| at * 7 % 500).collect()),
        ),
        "timestep" => Tensor::floats(shape, vec![481.0; size]),
        _ => Tensor::floats(
            shape,
            crate::rng::normal(schema::recipe::Noise::Philox, 7, size)?,
        ),
    }
}

fn rewritten(folder: &Path, component: &str) -> Result<f32, Error> {
    let place = folder.join(component);
    let graph = std::fs::read(place.join("model.onnx")).expect("a graph");
    let outside = |name: &str| {
        Ok(Bytes::from(
            std::fs::read(place.join(name)).expect("weights"),
        ))
    };
    let source = Source {
        name: component,
        model: ModelProto::decode(Bytes::from(graph)).expect("a graph"),
        outside: &outside,
    };
    let settings = Settings {
        shape: &|name, open| shape(component, name, open),
        given: &[
            "sample",
            "latent_sample",
            "encoder_hidden_states",
            "text_embeds",
            "timestep_cond",
        ],
        adapters: None,
    };
    let out = tempfile::tempdir().expect("a folder");
    let mut file = std::fs::File::create(out.path().join("weights.f32")).expect("a file");
    let mut sink = Sink::new("weights.f32", &mut file);
    let made = rewrite(&source, &settings, &mut sink)?;
    portable::check(component, &made.portable.graph)?;
    let weights = Weights::Folder(out.path().to_owned());
    prove(&runtime(), component, &weights, &made, &example).map(|proof| proof.difference)
}

#[test]
fn every_graph_of_the_reference_models_is_rewritten() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/models");
    let mut names: Vec<_> = std::fs::read_dir(models)
        .expect("models")
        .flatten()
        .collect();
    names.sort_by_key(|entry| entry.file_name());
    let mut failed = false;
    for model in names {
        for component in [
            "text_encoder",
            "text_encoder_2",
            "unet",
            "vae_decoder",
            "vae_encoder",
        ] {
            if !model.path().join(component).is_dir() {
                continue;
            }
            match rewritten(&model.path(), component) {
                Ok(difference) => println!("{:?} {component} {difference:.1e}", model.file_name()),
                // Its exporter draws noise inside the graph.
                Err(error) if error.to_string().contains("RandomNormalLike") => {
                    assert_eq!(
                        (model.file_name(), component),
                        ("taiyi".into(), "vae_encoder")
                    );
                }
                Err(error) => {
                    failed = true;
                    println!("{:?} {component}: {error}", model.file_name());
                }
            }
        }
    }
    assert!(!failed);
}

#[test]
fn a_scale_of_one_and_a_bias_of_zero_cost_no_nodes() {
    let constant = |name: &str, value: f32| {
        let tensor = Tensor::floats(&[2], vec![value; 2]).expect("a tensor");
        tensor.written(name)
    };
    let operators = |scale: f32, bias: f32| {
        let node = NodeProto {
            input: ["x", "scale", "bias"].map(str::to_owned).to_vec(),
            output: vec!["y".into()],
            op_type: "InstanceNormalization".into(),
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: vec![node],
            initializer: vec![constant("scale", scale), constant("bias", bias)],
            input: vec![described("x", FLOAT, &[1, 2, 4, 4])],
            output: vec![described("y", FLOAT, &[1, 2, 4, 4])],
            ..GraphProto::default()
        };
        let set = OperatorSet {
            domain: String::new(),
            version: 14,
        };
        let source = Source {
            name: "norm",
            model: ModelProto {
                opset_import: vec![set],
                graph: Some(graph),
                ..ModelProto::default()
            },
            outside: &|_| panic!("nothing lies outside"),
        };
        let settings = Settings {
            shape: &|_, open| Ok(open.iter().map(|side| side.unwrap_or(1)).collect()),
            given: &["x"],
            adapters: None,
        };
        let mut out = Vec::new();
        let mut sink = Sink::new("weights.f32", &mut out);
        let made = rewrite(&source, &settings, &mut sink).expect("a graph");
        made.portable.nodes
    };
    // Each is brought into shape first.
    assert_eq!(operators(2.0, 3.0) - operators(1.0, 0.0), 4);
}
