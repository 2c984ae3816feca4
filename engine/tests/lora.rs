//! LoRAs in the forms that people have, merged while a model is added, against what diffusers and peft made of the same files.
//!
//! The one rule: a file changes the model as its author meant it, or it is refused by the name of the tensor that is in the way.

#![cfg(feature = "ort")]

mod recorded;

use engine::error::Error;
use engine::import::folder::{Added, Store, Wishes, add};
use engine::model::{Model, Size, Source};
use engine::pipeline::Engine;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use recorded::{HERE, compare, number, runtime};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn file(name: &str) -> PathBuf {
    Path::new(HERE).join("lora").join(name)
}

/// Adds a reference model with adapters.
fn added(model: &str, adapters: &[(PathBuf, i32)], store: &Path) -> Result<Added, Error> {
    let wishes = Wishes {
        sizes: vec![Size {
            width: 32,
            height: 32,
        }],
        licence: Some("MIT".into()),
        adapters: adapters.to_vec(),
        ..Wishes::default()
    };
    let folder = Path::new(HERE).join("models").join(model);
    add(&folder, &Store::at(store), &wishes, &runtime(), &mut |_| ())
}

fn model(made: &Added) -> Model {
    let model = Model::load(&Source::Folder(made.path.clone())).expect("a model that was added");
    assert_eq!(model.digest, made.digest);
    model
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn whole_runs_are_those_of_diffusers_with_the_same_files() {
    let text = std::fs::read_to_string(Path::new(HERE).join("lora.json")).expect("the record");
    let record: Value = serde_json::from_str(&text).expect("a record");
    let cases = record["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 6);
    let runtime = runtime();
    let mut wrong = Vec::new();
    println!("| file | weight | largest difference of a latent | of a sample |");
    for case in cases {
        assert_eq!((number(&case["width"]), number(&case["height"])), (32, 32));
        let name = case["lora"].as_str().expect("a file");
        let milli = case["lora_thousandths"].as_i64().expect("a weight") as i32;
        let store = folder();
        let of = case["model"].as_str().expect("a model");
        let made = added(of, &[(file(name), milli)], store.path());
        let made = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut engine = Engine::new(Arc::new(model(&made)), &runtime).expect("an engine");
        match compare(case, &record["pictures"], &mut engine) {
            Ok((latent, sample)) => {
                println!("| {name} | {milli} | {latent:.1e} | {sample} |");
                if sample > 1 {
                    wrong.push(format!("{name} at {milli}: a sample differs by {sample}"));
                }
            }
            Err(what) => wrong.push(format!("{name} at {milli}: {what}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn none_of_a_file_is_the_model_as_it_was_bit_for_bit_and_is_said_in_its_manifest() {
    let store = folder();
    let plain = model(&added("sd15", &[], store.path()).expect("a model"));
    let none = [
        (file("kohya.safetensors"), 0),
        (file("peft.safetensors"), 0),
    ];
    let none = model(&added("sd15", &none, store.path()).expect("a model"));
    assert_eq!(plain.manifest.files, none.manifest.files);
    assert_ne!(plain.digest, none.digest);
    assert!(plain.manifest.merged.is_empty());
    for (merged, name) in none
        .manifest
        .merged
        .iter()
        .zip(["kohya.safetensors", "peft.safetensors"])
    {
        let bytes = std::fs::read(file(name)).expect("a file");
        assert_eq!((merged.name.as_str(), merged.weight_milli), (name, 0));
        assert_eq!(merged.blake3.0, *blake3::hash(&bytes).as_bytes());
    }
}

#[test]
fn files_are_merged_in_the_order_in_which_they_are_given() {
    let store = folder();
    let a = (file("peft.safetensors"), 800);
    let b = (file("kohya.safetensors"), -500);
    let both = [a.clone(), b.clone()];
    let first = model(&added("sd15", &both, store.path()).expect("a model"));
    let again = added("sd15", &both, store.path()).expect("a model");
    assert!(again.known, "the same files make the same model");
    assert_eq!(again.digest, first.digest);
    let turned = [b.clone(), a.clone()];
    let turned = added("sd15", &turned, store.path()).expect("a model");
    assert_ne!(turned.digest, first.digest);
    let names: Vec<&str> = first
        .manifest
        .merged
        .iter()
        .map(|merged| merged.name.as_str())
        .collect();
    assert_eq!(names, ["peft.safetensors", "kohya.safetensors"]);
    let alone = added("sd15", &[a], store.path()).expect("a model");
    let weights = |path: &Path| -> Vec<f32> {
        let bytes = std::fs::read(path.join("unet.f32")).expect("weights");
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|word| f32::from_le_bytes(*word)).collect()
    };
    let far = |a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len());
        let pairs = a.iter().zip(b);
        pairs.fold(0.0f32, |far, (a, b)| far.max((a - b).abs()))
    };
    let path = store.path().join(first.digest.0.hex());
    let (one, other) = (weights(&path), weights(&turned.path));
    // Two sums are rounded twice each.
    assert!(far(&one, &other) < 1e-6, "{}", far(&one, &other));
    assert!(far(&one, &weights(&alone.path)) > 1e-3);
}

/// A tensor of a test's file: name, type, shape.
type Described<'a> = (&'a str, &'a str, &'a [usize]);

/// A file of ones.
fn written(tensors: &[Described<'_>], notes: &Value) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !notes.is_null() {
        header.insert("__metadata__".into(), notes.clone());
    }
    let mut values = Vec::new();
    for (name, kind, shape) in tensors {
        let from = values.len();
        for _ in 0..shape.iter().product() {
            match *kind {
                "F32" => values.extend(1.0f32.to_le_bytes()),
                "I64" => values.extend(1i64.to_le_bytes()),
                "F8_E4M3" => values.push(0x38),
                other => panic!("{other}"),
            }
        }
        header.insert(
            (*name).into(),
            json!({ "dtype": kind, "shape": shape, "data_offsets": [from, values.len()] }),
        );
    }
    with_header(&Value::Object(header).to_string(), &values)
}

fn with_header(header: &str, values: &[u8]) -> Vec<u8> {
    let length = header.len() as u64;
    [&length.to_le_bytes(), header.as_bytes(), values].concat()
}

/// What is said of a file; empty where it is taken.
fn said(of: &str, name: &str, bytes: &[u8]) -> String {
    let here = folder();
    let path = here.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    let refused = added(of, &[(path, 1000)], here.path()).err();
    let left = std::fs::read_dir(here.path()).expect("a folder").count();
    if refused.is_some() {
        assert_eq!(left, 1, "something of a refused model was left");
    }
    refused.map_or(String::new(), |error| error.to_string())
}

#[test]
fn every_hostile_header_is_refused_by_what_is_wrong_with_it() {
    let one = |name: &str, kind: &str, shape: &str, from: u64, to: u64| {
        format!(r#""{name}":{{"dtype":"{kind}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let of = |entries: &[String]| format!("{{{}}}", entries.join(","));
    let a = one("a", "F32", "[2]", 0, 8);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"short".to_vec(), "no 8 bytes"),
        (
            u64::MAX.to_le_bytes().to_vec(),
            "its header is said to have 18446744073709551615 bytes; 8388608 are read",
        ),
        (
            8_388_609u64.to_le_bytes().to_vec(),
            "its header is said to have 8388609 bytes",
        ),
        (8u64.to_le_bytes().to_vec(), "ends beyond it"),
        (with_header("[]", &[]), "its header: "),
        (with_header("{", &[]), "its header: "),
        (with_header("\u{0}", &[]), "its header: "),
        (with_header(&"[".repeat(100_000), &[]), "its header: "),
        (
            with_header(&of(&[a.clone(), a.clone()]), &[0; 8]),
            "\"a\" stands twice",
        ),
        (
            with_header(r#"{"__metadata__":{"a":"1","a":"2"}}"#, &[]),
            "\"a\" stands twice",
        ),
        (
            with_header(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]),
            "\"__metadata__\" stands twice",
        ),
        (
            with_header(r#"{"__metadata__":{"a":1}}"#, &[]),
            "its header: ",
        ),
        (
            with_header(&of(&[a.clone(), one("b", "F32", "[2]", 4, 12)]), &[0; 12]),
            "\"b\" overlaps another",
        ),
        (
            with_header(&of(&[a.clone(), one("b", "F32", "[2]", 0, 8)]), &[0; 8]),
            "\"b\" overlaps another",
        ),
        (
            with_header(&of(&[a.clone(), one("b", "F32", "[1]", 12, 16)]), &[0; 16]),
            "\"b\" leaves a gap",
        ),
        (
            with_header(&of(std::slice::from_ref(&a)), &[0; 9]),
            "1 bytes behind its tensors",
        ),
        (
            with_header(&of(std::slice::from_ref(&a)), &[0; 4]),
            "\"a\" lies at 0 to 8 of 4 bytes",
        ),
        (
            with_header(&of(&[one("a", "F32", "[1]", 8, 4)]), &[0; 8]),
            "\"a\" lies at 8 to 4",
        ),
        (
            with_header(&of(&[one("a", "F32", "[3]", 0, 8)]), &[0; 8]),
            "\"a\" has 8 bytes, 12 belong",
        ),
        (
            with_header(
                &of(&[one("a", "F32", "[4294967296,4294967296]", 0, 0)]),
                &[],
            ),
            "more values than can be counted",
        ),
        (
            with_header(
                &of(&[one("a", "F32", "[9223372036854775807]", 0, 8)]),
                &[0; 8],
            ),
            "more values than can be counted",
        ),
        (
            with_header(&of(&[one("a", "F32", "[-1]", 0, 8)]), &[0; 8]),
            "its header: ",
        ),
        (
            with_header(
                &of(&[one("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4)]),
                &[0; 4],
            ),
            "more than 8 axes",
        ),
        (
            with_header(&of(&[one("a", "F33", "[2]", 0, 8)]), &[0; 8]),
            "the unknown type \"F33\"",
        ),
        (
            with_header(
                &a.replace("\"shape\"", "\"more\"").replacen("", "{", 1),
                &[],
            ),
            "its header: ",
        ),
        (with_header("{}", &[]), "holds no tensor"),
        (
            with_header(r#"{"__metadata__":{"lora_adapter_metadata":"["}}"#, &[]),
            "its note lora_adapter_metadata is no JSON",
        ),
    ];
    for (bytes, what) in cases {
        let said = said("sd15", "hostile.safetensors", &bytes);
        assert!(said.contains(what), "{said:?}, {what:?} expected");
        assert!(said.starts_with("hostile.safetensors"), "{said}");
    }
    let many: Vec<String> = (0..65_538)
        .map(|at| one(&at.to_string(), "U8", "[0]", 0, 0))
        .collect();
    let said = said("sd15", "many.safetensors", &with_header(&of(&many), &[]));
    assert!(said.contains("more than 65536 tensors"), "{said}");
}

#[test]
fn what_is_no_lora_or_has_no_place_is_refused_by_its_name() {
    const Q: &str = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    let (down, up) = (format!("{Q}.lora_A.weight"), format!("{Q}.lora_B.weight"));
    let sound: [Described<'_>; 2] = [(&down, "F32", &[2, 16]), (&up, "F32", &[16, 2])];
    let with = |name: &str, kind: &str, shape: &[usize]| {
        let mut all = sound.to_vec();
        all.push((name, kind, shape));
        let said = said("sd15", "given.safetensors", &written(&all, &Value::Null));
        assert!(said.contains(&format!("{name:?}")), "{name:?}: {said}");
        said
    };
    for (name, what) in [
        (format!("{Q}.lora_magnitude_vector"), "DoRA"),
        (
            "lora_unet_mid_block_attentions_0_proj_in.dora_scale".into(),
            "DoRA",
        ),
        (
            "lora_unet_mid_block_attentions_0_proj_in.hada_w1_a".into(),
            "LoHa",
        ),
        (
            "lora_unet_mid_block_attentions_0_proj_in.lokr_w1".into(),
            "LoKr",
        ),
        (
            "lora_unet_mid_block_attentions_0_proj_in.lora_mid.weight".into(),
            "LoCon",
        ),
        (
            "lora_unet_mid_block_attentions_0_proj_in.diff".into(),
            "LyCORIS",
        ),
        (
            "lora_unet_mid_block_attentions_0_proj_in.diff_b".into(),
            "LyCORIS",
        ),
        (format!("{Q}.lora_B.bias"), "a bias"),
        (
            "transformer.blocks.0.lora_A.weight".into(),
            "no part that is known",
        ),
        (format!("{Q}.weight"), "ends in no way"),
        ("unet..alpha".into(), "names no layer"),
        ("unet.conv_in.alpha".into(), "stands without the rest"),
        (
            "unet.conv_in.lora_A.weight".into(),
            "stands without the rest",
        ),
        (format!("{Q}.lora.down.weight"), "says the same as"),
        (format!("{Q}.alpha"), "is no number"),
    ] {
        let said = with(&name, "F32", &[2]);
        assert!(said.contains(what), "{name:?}: {said}");
    }
    let refused = |of: &str, tensors: &[Described<'_>], notes: &Value, what: &[&str]| {
        let said = said(of, "given.safetensors", &written(tensors, notes));
        for what in what {
            assert!(said.contains(what), "{said:?}, {what:?} expected");
        }
    };
    let none = Value::Null;
    // Shapes that do not multiply, do not fit, or are of no type that is merged.
    let short: [Described<'_>; 2] = [(&down, "F32", &[2, 16]), (&up, "F32", &[16, 3])];
    refused(
        "sd15",
        &short,
        &none,
        &[&down, "[2, 16]", "[16, 3] do not multiply"],
    );
    let narrow: [Described<'_>; 2] = [(&down, "F32", &[2, 15]), (&up, "F32", &[16, 2])];
    refused(
        "sd15",
        &narrow,
        &none,
        &[
            &down,
            "[2, 15]",
            "with [16, 2] does not fit",
            "which is [16, 16]",
        ],
    );
    let eight: [Described<'_>; 2] = [(&down, "F8_E4M3", &[2, 16]), (&up, "F32", &[16, 2])];
    refused("sd15", &eight, &none, &[&down, "F8_E4M3"]);
    let empty: [Described<'_>; 2] = [(&down, "F32", &[0, 16]), (&up, "F32", &[16, 0])];
    refused("sd15", &empty, &none, &[&down, "do not multiply"]);
    // Layers that are not there, and one layer under two names.
    let (gone, back) = (
        down.replace("mid_block", "mid_blocks"),
        up.replace("mid_block", "mid_blocks"),
    );
    let nowhere: [Described<'_>; 2] = [(&gone, "F32", &[2, 16]), (&back, "F32", &[16, 2])];
    refused(
        "sd15",
        &nowhere,
        &none,
        &[&gone, "[2, 16]", "belongs to no layer of the model's unet"],
    );
    let flat = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    let (flat_down, flat_up) = (
        format!("{flat}.lora_down.weight"),
        format!("{flat}.lora_up.weight"),
    );
    let twice: [Described<'_>; 4] = [
        sound[0],
        sound[1],
        (&flat_down, "F32", &[2, 16]),
        (&flat_up, "F32", &[16, 2]),
    ];
    refused(
        "sd15",
        &twice,
        &none,
        &["changes mid_block", &down, &flat_down],
    );
    // Notes of peft that change the product.
    for (note, value) in [
        ("use_dora", json!(true)),
        ("use_rslora", json!(true)),
        ("lora_alpha", json!("4")),
        ("alpha_pattern", json!({ "to_[qk]": 4 })),
        ("alpha_pattern", json!({ "to_q": 4, "attn1.to_q": 5 })),
    ] {
        let text = json!({ format!("unet.{note}"): value }).to_string();
        refused(
            "sd15",
            &sound,
            &json!({ "lora_adapter_metadata": text }),
            &[note],
        );
    }
}

#[test]
fn a_file_for_another_family_is_refused_by_its_first_tensor_and_what_the_model_has() {
    let said = |of: &str, name: &str, milli: i32| {
        let store = folder();
        let refused = added(of, &[(file(name), milli)], store.path());
        refused.expect_err("another family").to_string()
    };
    // SDXL's names its second encoder, which Stable Diffusion 1 has none of.
    let xl = said("sd15", "sdxl.safetensors", 800);
    assert_eq!(
        xl,
        "sdxl.safetensors: \"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight\" [2, 32] is for text_encoder_2; the model has text_encoder, unet"
    );
    // The other way the layers are elsewhere.
    let small = said("sdxl", "kohya.safetensors", 0);
    let layer = "lora_te_text_model_encoder_layers_2_mlp_fc1.lora_down.weight";
    assert!(small.contains(&format!("{layer:?} [2, 32]")), "{small}");
    let what = "belongs to no layer of the model's text_encoder; the nearest that it has is";
    assert!(small.contains(what), "{small}");
    // The newer exporter has folded the weights of products and says nothing of where they come from.
    let folded = said("lcm", "diffusers.safetensors", 800);
    assert!(
        folded.contains("neither node nor constant says"),
        "{folded}"
    );
    let large = said("sd15", "kohya.safetensors", 10_001);
    assert!(large.contains("10001 thousandths"), "{large}");
}

#[test]
fn older_names_and_numbers_of_other_types_mean_the_same() {
    const AT: &str = "unet.mid_block.attentions.0.transformer_blocks.0.attn1";
    let here = folder();
    let digest = |name: &str, tensors: &[(String, &str, &[usize])]| {
        let tensors: Vec<Described<'_>> = tensors
            .iter()
            .map(|(name, kind, shape)| (name.as_str(), *kind, *shape))
            .collect();
        let path = here.path().join(name);
        std::fs::write(&path, written(&tensors, &Value::Null)).expect("a file");
        let made = added("sd15", &[(path, 1000)], here.path()).expect("a model");
        model(&made).manifest.files
    };
    let (matrix, back): (&[usize], &[usize]) = (&[2, 16], &[16, 2]);
    let peft = digest(
        "peft",
        &[
            (format!("{AT}.to_out.0.lora_A.weight"), "F32", matrix),
            (format!("{AT}.to_out.0.lora_B.weight"), "F32", back),
            (format!("{AT}.to_out.0.alpha"), "I64", &[]),
        ],
    );
    let old = digest(
        "old",
        &[
            (
                format!("{AT}.processor.to_out_lora.down.weight"),
                "F32",
                matrix,
            ),
            (format!("{AT}.processor.to_out_lora.up.weight"), "F32", back),
            (format!("{AT}.to_out.0.alpha"), "F32", &[1]),
        ],
    );
    assert_eq!(peft, old);
    let whole = digest(
        "whole",
        &[
            (format!("{AT}.to_out.0.lora_A.weight"), "F32", matrix),
            (format!("{AT}.to_out.0.lora_B.weight"), "F32", back),
        ],
    );
    assert_ne!(peft, whole, "alpha 1 of rank 2 is half");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_one_byte_changed_ends_in_an_error_for_a_model_that_takes_none(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let here = folder();
        let mut bytes = std::fs::read(file("diffusers.safetensors")).expect("a file");
        let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("a length")) as usize;
        bytes[at.index(header)] = byte;
        let path = here.path().join("changed.safetensors");
        std::fs::write(&path, &bytes).expect("a file");
        // Another model's adapter: it never gets as far as a run.
        let refused = added("lcm", &[(path, 1000)], here.path());
        prop_assert!(refused.is_err());
    }
}
