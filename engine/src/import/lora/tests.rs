//! Adapters read from anything, and what the merge makes of every weight.
//!
//! The one rule: the weights are looked at where the import writes them, in both forms of a graph.

use super::adapter::Adapter;
use super::*;
use crate::graph::mapped;
use crate::import::{Settings, Sink, Source, Written, rewrite};
use crate::onnx::{ModelProto, TensorProto};
use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::Value as Json;
use std::path::Path;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference");

fn lora(name: &str) -> PathBuf {
    Path::new(HERE).join("lora").join(name)
}

/// The weight that a written graph's node reads, whether it stands in the graph or beside it.
fn weight(written: &Written, output: &str, file: &[u8]) -> Vec<f32> {
    let model = ModelProto::decode(written.graph.as_slice()).expect("a graph");
    let graph = model.graph.expect("a graph");
    let writes = |node: &&crate::onnx::NodeProto| node.output.iter().any(|name| name == output);
    let node = graph.node.iter().find(writes).expect("the node");
    let found = |tensor: &&TensorProto| tensor.name == node.input[1];
    let tensor = graph.initializer.iter().find(found).expect("its weight");
    let number = |key: &str| -> usize {
        let entry = tensor.external_data.iter().find(|entry| entry.key == key);
        entry.expect("a place").value.parse().expect("a number")
    };
    let outside = (tensor.data_location == 1).then(|| {
        let at = number("offset");
        &file[at..at + number("length")]
    });
    Tensor::read(tensor, outside).expect("a weight").to_floats()
}

/// The largest difference of a sum, relative to the sum of magnitudes.
fn compare(case: &Json, part: Part) -> (usize, f64) {
    let name = case["lora"].as_str().expect("a file");
    let milli = case["lora_thousandths"].as_i64().expect("a weight") as i32;
    let adapters = Adapters::read(&[(lora(name), milli)]).expect("a file that is read");
    let component = Path::new(HERE)
        .join("models")
        .join(case["model"].as_str().expect("a model"))
        .join(part.folder());
    let graph = mapped::map(&component.join("model.onnx")).expect("a graph");
    let model = ModelProto::decode(graph.clone()).expect("a graph");
    let found = layers::find(model.graph.as_ref().expect("a graph"));
    let source = Source {
        name: part.folder(),
        model,
        outside: &|name| mapped::map(&component.join(name)),
    };
    let settings = Settings {
        shape: &|name, open| {
            Ok(match name {
                "sample" => vec![1, 4, 4, 4],
                "encoder_hidden_states" => {
                    vec![1, 77, open.get(2).copied().flatten().unwrap_or(width(case))]
                }
                "input_ids" => vec![1, 77],
                "text_embeds" => vec![1, 32],
                "time_ids" => vec![1, 6],
                _ => vec![1; open.len()],
            })
        },
        given: &["sample", "encoder_hidden_states", "text_embeds"],
        adapters: Some((&adapters, part)),
    };
    let mut file = Vec::new();
    let mut sink = Sink::new("weights", &mut file);
    let made = rewrite(&source, &settings, &mut sink).expect("a rewritten graph");
    drop(sink);
    let known: BTreeSet<&str> = found.places.iter().map(|place| &place.layer[..]).collect();
    let aliases = layers::aliases(part, &known);
    let (mut count, mut largest) = (0, 0.0f64);
    for (weight_name, sums) in case["merged"].as_object().expect("sums") {
        let prefix = format!("{}.", part.folder());
        let layer = weight_name.strip_prefix(&prefix);
        let Some(layer) = layer.and_then(|layer| layer.strip_suffix(".weight")) else {
            continue;
        };
        let layer = aliases.get(layer).cloned().flatten().expect("a layer");
        let place = found.places.iter().find(|place| place.layer == layer);
        let output = &place.expect("a place").output;
        let portable = weight(&made.portable, output, &file);
        assert_eq!(portable, weight(&made.plain, output, &file));
        let sum: f64 = portable.iter().map(|value| f64::from(*value)).sum();
        let size: f64 = portable.iter().map(|value| f64::from(value.abs())).sum();
        let recorded = |at: usize| sums[at].as_f64().expect("a sum");
        let off = (sum - recorded(0)).abs().max((size - recorded(1)).abs());
        largest = largest.max(off / recorded(1));
        count += 1;
    }
    let of_part = |layer: &&(Part, String)| layer.0 == part;
    let given = adapters.0[0].layers.keys().filter(of_part).count();
    assert_eq!(count, given, "{name}: as many weights as layers");
    (count, largest)
}

fn width(case: &Json) -> usize {
    if case["model"] == "sdxl" { 64 } else { 32 }
}

#[test]
fn every_merged_weight_is_that_of_peft() {
    let text = std::fs::read_to_string(Path::new(HERE).join("lora.json")).expect("the record");
    let record: Json = serde_json::from_str(&text).expect("a record");
    println!("| file | weight | part | weights | largest difference of a sum |");
    for case in record["cases"].as_array().expect("cases") {
        for part in Part::ALL {
            if part == Part::SecondText && case["model"] != "sdxl" {
                continue;
            }
            let (count, largest) = compare(case, part);
            let (name, part) = (&case["lora"], part.folder());
            let milli = &case["lora_thousandths"];
            println!("| {name} | {milli} | {part} | {count} | {largest:.1e} |");
            assert!(count > 0 && largest <= 1e-5, "{name} at {milli}: {largest}");
        }
    }
}

#[test]
fn layers_have_the_names_of_stabilitys_own_code() {
    // Of SDXL: two residual layers a block on the way down, three on the way up.
    let mut layers: Vec<String> = Vec::new();
    for block in 0..3 {
        layers.extend((0..2).map(|n| format!("down_blocks.{block}.resnets.{n}.conv1")));
        layers.extend((0..3).map(|n| format!("up_blocks.{block}.resnets.{n}.conv2")));
        layers.push(format!("down_blocks.{block}.downsamplers.0.conv"));
        layers.push(format!("up_blocks.{block}.upsamplers.0.conv"));
    }
    layers.push("down_blocks.2.attentions.1.proj_in".into());
    layers.push("up_blocks.1.attentions.2.proj_out".into());
    layers.push("mid_block.resnets.1.conv_shortcut".into());
    layers.push("add_embedding.linear_2".into());
    let known = layers.iter().map(String::as_str).collect();
    let aliases = layers::aliases(Part::Unet, &known);
    for (name, layer) in [
        (
            "input_blocks_1_0_in_layers_2",
            "down_blocks.0.resnets.0.conv1",
        ),
        ("input_blocks_3_0_op", "down_blocks.0.downsamplers.0.conv"),
        (
            "input_blocks_8_0_in_layers_2",
            "down_blocks.2.resnets.1.conv1",
        ),
        (
            "input_blocks_8_1_proj_in",
            "down_blocks.2.attentions.1.proj_in",
        ),
        ("output_blocks_2_1_conv", "up_blocks.0.upsamplers.0.conv"),
        ("output_blocks_5_2_conv", "up_blocks.1.upsamplers.0.conv"),
        (
            "output_blocks_5_1_proj_out",
            "up_blocks.1.attentions.2.proj_out",
        ),
        (
            "output_blocks_8_0_out_layers_3",
            "up_blocks.2.resnets.2.conv2",
        ),
        (
            "middle_block_2_skip_connection",
            "mid_block.resnets.1.conv_shortcut",
        ),
        ("label_emb_0_2", "add_embedding.linear_2"),
    ] {
        let found = aliases.get(name).and_then(Option::as_deref);
        assert_eq!(found, Some(layer), "{name}");
    }
}

#[test]
fn a_layer_is_told_by_node_or_notes_or_constant() {
    const LAYER: &str = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    let told = |name: &str, notes: &str, constant: &str| {
        let node = crate::onnx::NodeProto {
            name: name.into(),
            op_type: "MatMul".into(),
            input: vec!["x".into(), constant.into()],
            output: vec!["y".into()],
            notes: vec![crate::onnx::Entry {
                key: "pkg.torch.onnx.name_scopes".into(),
                value: notes.into(),
            }],
            ..crate::onnx::NodeProto::default()
        };
        let weight = Tensor::floats(&[4, 2], vec![0.0; 8]).expect("a weight");
        let graph = GraphProto {
            node: vec![node],
            initializer: vec![weight.written(constant)],
            ..GraphProto::default()
        };
        let mut found = layers::find(&graph);
        assert_eq!(found.places.len() + found.unnamed, 1);
        found.places.pop().map(|place| {
            assert_eq!((place.shape, place.turned), (vec![2, 4], true));
            place.layer
        })
    };
    let layer = Some(LAYER.to_owned());
    let path = format!("/{}/MatMul", LAYER.replace('.', "/"));
    let scopes = format!("['', 'down_blocks.0', '{LAYER}', 'linear_3']");
    let own = path.replace("/0/", ".0/").replace("blocks/", "blocks.");
    for path in [path, own] {
        assert_eq!(told(&path, &scopes, "val_1"), layer, "{path}");
    }
    assert_eq!(told("node_linear_3", &scopes, "val_1"), layer);
    assert_eq!(told("node_linear_3", "", &format!("{LAYER}.weight")), layer);
    for notes in [
        "",
        "[",
        "[]",
        "['']",
        "['', 'linear']",
        "nonsense",
        "['a, b]",
    ] {
        assert_eq!(told("node_linear_3", notes, "val_1"), None, "{notes}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Adapter::of("any", &Bytes::from(bytes), 1000);
    }

    #[test]
    fn any_header_is_read_or_refused(header in ".{0,200}", values in prop::collection::vec(any::<u8>(), 0..40)) {
        let length = header.len() as u64;
        let bytes = [&length.to_le_bytes(), header.as_bytes(), &values].concat();
        let _ = Adapter::of("any", &bytes.into(), 1000);
    }

    #[test]
    fn any_tensors_are_read_or_refused(
        described in prop::collection::vec(
            ("(unet|lora_te)[._](a\\.)?(lora_A|lora_B|lora_down|lora\\.up)?\\.(weight|alpha)", "F32|F16|F64|I64|U8|X",
                prop::collection::vec(0usize..4, 0..4), 0usize..64, 0usize..64),
            0..6,
        ),
        values in prop::collection::vec(any::<u8>(), 0..64),
        whole in any::<bool>(),
    ) {
        let mut at = 0;
        let entries: Vec<String> = described.iter().map(|(name, kind, shape, from, to)| {
            // Half of them have the places that their shapes ask for.
            let wide = match kind.as_str() { "F64" | "I64" => 8, "F32" => 4, "F16" => 2, _ => 1 };
            let size = shape.iter().product::<usize>() * wide;
            let (from, to) = if whole { (at, at + size) } else { (*from, *to) };
            at += size;
            format!(r#""{name}":{{"dtype":"{kind}","shape":{shape:?},"data_offsets":[{from},{to}]}}"#)
        }).collect();
        let header = format!("{{{}}}", entries.join(","));
        let mut values = values;
        if whole { values.resize(at, 1) }
        let length = header.len() as u64;
        let bytes = [&length.to_le_bytes(), header.as_bytes(), &values].concat();
        if let Ok(tensors) = safetensors::read("any", &bytes.clone().into()) {
            for view in tensors.by_name.values() {
                let _ = (view.number(), view.matrix(2, 2));
            }
        }
        let _ = Adapter::of("any", &bytes.into(), 1000);
    }
}
