//! The engine against the real ONNX Runtime library and the embedded model.

#![cfg(feature = "ort")]

use engine::executor::{Executor, Named, Weights};
use engine::model::{Model, Source};
use engine::onnx_runtime::OnnxRuntime;
use engine::pipeline::{Engine, Options, Progress, Request};
use engine::tokenizer::Tokenizer;
use engine::workers::generate_all;
use engine::{ErrorKind, embedded, label, picture::Picture, profile};
use schema::recipe::{Noise, Profile, Scheduler};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

fn runtime() -> OnnxRuntime {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let path = OnnxRuntime::find(
        std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from),
        None,
        cache.as_deref(),
    )
    .expect("the library");
    OnnxRuntime::load(&path).expect("a library that loads")
}

fn model() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    MODEL
        .get_or_init(|| Arc::new(Model::load(&embedded::DEFAULT).expect("the embedded model")))
        .clone()
}

fn engine() -> Engine {
    Engine::new(model(), &runtime()).expect("sessions of the embedded model")
}

fn request(prompt: &str, seed: u64, steps: u32) -> Request {
    Request {
        model: model().digest,
        profile: Profile::Portable1,
        prompt: prompt.into(),
        negative: None,
        seed,
        noise: Noise::Philox,
        scheduler: Scheduler::FlowEuler { shift_milli: 1000 },
        steps,
        guidance_milli: 3000,
        width: 128,
        height: 128,
        options: Options::default(),
        start: None,
    }
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn the_self_test_gives_the_known_digest_for_every_operator() {
    for (name, expected, found) in
        profile::self_test_digests(&runtime()).expect("a graph that runs")
    {
        assert_eq!(found, expected, "{name}");
    }
    profile::self_test(&runtime()).expect("this machine keeps portable-1");
}

#[test]
fn a_runtime_with_other_bits_is_refused_by_the_operators_name() {
    /// Passes graphs on, but changes one bit of every output.
    struct Drifting(OnnxRuntime);
    struct DriftingSession(Box<dyn engine::executor::Session>);
    impl Executor for Drifting {
        fn session(
            &self,
            name: &str,
            graph: &[u8],
            weights: Weights,
        ) -> Result<Box<dyn engine::executor::Session>, engine::Error> {
            Ok(Box::new(DriftingSession(
                self.0.session(name, graph, weights)?,
            )))
        }
        fn boxed(&self) -> Box<dyn Executor> {
            Box::new(Self(self.0.clone()))
        }
        fn profile(&self) -> Profile {
            Profile::Portable1
        }
        fn runtime(&self) -> String {
            "drifting 1.0".into()
        }
    }
    impl engine::executor::Session for DriftingSession {
        fn run(
            &mut self,
            inputs: &[engine::executor::Named<'_>],
            outputs: &[&str],
        ) -> Result<Vec<Vec<f32>>, engine::Error> {
            let mut results = self.0.run(inputs, outputs)?;
            for result in &mut results {
                result[0] = f32::from_bits(result[0].to_bits() ^ 1);
            }
            Ok(results)
        }
    }
    let error = profile::self_test(&Drifting(runtime())).expect_err("other bits");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("matmul_constant") && error.to_string().contains("drifting 1.0"),
        "{error}"
    );
}

#[test]
fn order_repetition_and_the_number_of_workers_change_no_bit() {
    let requests = [
        request("red apple, 3d style", 7, 3),
        request("熊猫", 8, 2),
        Request {
            negative: Some("snow".into()),
            ..request("house, noto style", 9, 2)
        },
        request("red apple, 3d style", 10, 3),
    ];
    let make = |engine: &mut Engine, at: usize| {
        engine
            .generate(&requests[at], &mut go_on)
            .expect("a picture")
    };
    let mut first = engine();
    let forwards: Vec<Picture> = (0..4).map(|at| make(&mut first, at)).collect();
    let backwards: Vec<Picture> = (0..4).rev().map(|at| make(&mut first, at)).collect();
    assert!(forwards.iter().eq(backwards.iter().rev()));
    for workers in [1, 3, 9] {
        let steps = AtomicUsize::new(0);
        let made = generate_all(&model(), &runtime(), &requests, workers, &|| {
            steps.fetch_add(1, Ordering::Relaxed);
        })
        .expect("pictures");
        assert_eq!(made, forwards, "{workers} workers");
        assert_eq!(steps.into_inner(), 10);
    }
}

#[test]
fn one_refused_request_stops_the_others_and_is_the_error() {
    let long = "word ".repeat(40);
    let mut requests: Vec<Request> = (0..6).map(|seed| request("fire", seed, 2)).collect();
    requests[4] = request(&long, 4, 2);
    let error = generate_all(&model(), &runtime(), &requests, 2, &|| ()).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
}

#[test]
fn a_place_in_a_batch_changes_no_bit() {
    let model = model();
    let (graph, weights) = model.graph("transformer.onnx").expect("the graph");
    let mut session = runtime()
        .session("transformer.onnx", graph, weights)
        .expect("a session");
    let manifest = &model.manifest;
    let (tokens, width) = (manifest.text_tokens as usize, 192);
    let sides = [manifest.latent_channels as usize, 16, 16];
    let noise = |seed, count| engine::rng::normal(Noise::Philox, seed, count).expect("noise");
    let mut run = |seeds: &[u64]| {
        let batch = |count: usize, kind: u64| -> Vec<f32> {
            let of = |seed: &u64| noise(seed * 10 + kind, count);
            seeds.iter().flat_map(of).collect()
        };
        let n = seeds.len();
        let latent = batch(sides.iter().product(), 0);
        let time: Vec<f32> = seeds
            .iter()
            .flat_map(|seed| engine::scheduler::time_features(1.0 / (*seed + 1) as f32, 128))
            .collect();
        let (text, pooled) = (batch(tokens * width, 1), batch(width, 2));
        let guidance: Vec<f32> = seeds.iter().map(|seed| 1.0 + *seed as f32).collect();
        let inputs = [
            Named::floats("latent", &[n, sides[0], sides[1], sides[2]], &latent),
            Named::floats("time", &[n, 128], &time),
            Named::floats("text", &[n, tokens, width], &text),
            Named::floats("pooled", &[n, width], &pooled),
            Named::floats("guidance", &[n, 1], &guidance),
        ];
        session
            .run(&inputs, &["velocity"])
            .expect("a pass")
            .remove(0)
    };
    let alone: Vec<f32> = [1, 2, 3].iter().flat_map(|seed| run(&[*seed])).collect();
    let together = run(&[1, 2, 3]);
    let bits = |values: &[f32]| {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&alone), bits(&together));
}

#[test]
fn an_absent_and_an_empty_negative_prompt_are_two_recipes() {
    let make = |negative: Option<&str>| {
        let negative = negative.map(str::to_owned);
        let wanted = Request {
            negative,
            ..request("red apple, 3d style", 7, 2)
        };
        engine().generate(&wanted, &mut go_on).expect("a picture")
    };
    let pictures = [make(None), make(Some("")), make(Some("green"))];
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
}

/// A copy of the embedded model whose manifest was changed and made to agree with its files again.
fn changed_model(change: impl FnOnce(&Path, &mut serde_json::Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/files");
    for entry in std::fs::read_dir(&source).expect("the model's folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let manifest = folder.path().join("model.json");
    let mut listed: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).expect("a manifest")).expect("JSON");
    change(folder.path(), &mut listed);
    for file in listed["files"].as_array_mut().expect("a list") {
        let path = folder.path().join(file["name"].as_str().expect("a name"));
        let bytes = std::fs::read(path).expect("a file");
        file["blake3"] = blake3::hash(&bytes).to_hex().to_string().into();
        file["bytes"] = bytes.len().into();
    }
    std::fs::write(&manifest, listed.to_string()).expect("a manifest that agrees");
    folder
}

/// Exchanges one operator's name for another of the same length.
fn exchange(folder: &Path, operator: &[u8], other: &[u8]) {
    let path = folder.join("transformer.onnx");
    let mut graph = std::fs::read(&path).expect("the graph");
    let found = graph
        .windows(operator.len())
        .position(|bytes| bytes == operator);
    let at = found.expect("the operator");
    graph[at..at + operator.len()].copy_from_slice(other);
    std::fs::write(&path, &graph).expect("a changed graph");
}

fn load(folder: &tempfile::TempDir) -> Result<Model, engine::Error> {
    Model::load(&Source::Folder(folder.path().to_owned()))
}

#[test]
fn a_portable_manifest_with_a_foreign_graph_is_refused_by_its_node() {
    let folder = changed_model(|folder, _| exchange(folder, b"Sigmoid", b"Softmax"));
    let error = load(&folder).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::NotPortable);
    assert!(
        error.to_string().contains("transformer.onnx") && error.to_string().contains("Softmax"),
        "{error}"
    );
}

#[test]
fn what_a_manifest_says_of_its_graphs_lets_no_picture_through() {
    let native = |folder: &Path, manifest: &mut serde_json::Value| {
        exchange(folder, b"Sigmoid", b"Softmax");
        manifest["profile"] = "native".into();
    };
    let model = Arc::new(load(&changed_model(native)).expect("a native model loads"));
    let wanted = Request {
        model: model.digest,
        ..request("apple", 1, 2)
    };
    let error = Engine::new(model.clone(), &runtime())
        .expect("its sessions")
        .generate(&wanted, &mut go_on)
        .expect_err("other CPUs make other bits");
    assert_eq!(error.kind(), ErrorKind::NotPortable);
    assert!(error.to_string().contains("Softmax"), "{error}");
    // A manifest that claims less than its graphs keep takes nothing away.
    let modest = changed_model(|_, manifest| manifest["profile"] = "native".into());
    load(&modest)
        .expect("loads")
        .check_portable()
        .expect("its graphs keep portable-1");
}

#[test]
fn a_graph_takes_nothing_from_outside_its_model() {
    let elsewhere = changed_model(|folder, _| exchange(folder, b"weights.f32", b"another.f32"));
    let beyond = changed_model(|folder, _| {
        let path = folder.join("weights.f16");
        let bytes = std::fs::read(&path).expect("the weights");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("half of them");
    });
    for folder in [elsewhere, beyond] {
        let error = load(&folder).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(
            error.to_string().contains("outside the model's weights"),
            "{error}"
        );
    }
}

#[test]
fn a_request_for_another_model_is_not_made_with_this_one() {
    let wanted = Request {
        model: schema::recipe::ModelDigest::of(b"another"),
        ..request("apple", 1, 2)
    };
    let error = engine().generate(&wanted, &mut go_on).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Missing);
}

#[test]
fn no_number_of_a_manifest_panics_or_sizes_an_allocation() {
    let most = u32::MAX;
    let sizes = |width: u32, height: u32| serde_json::json!([{ "height": height, "width": width }]);
    let cases = [
        ("latent_factor", serde_json::json!(0)),
        ("latent_factor", most.into()),
        ("latent_factor", 4.into()),
        ("latent_factor", 3.into()),
        ("latent_channels", 0.into()),
        ("latent_channels", 4.into()),
        ("latent_channels", most.into()),
        ("text_tokens", 0.into()),
        ("text_tokens", 31.into()),
        ("text_tokens", most.into()),
        ("text_width", 0.into()),
        ("text_width", 191.into()),
        ("text_width", most.into()),
        ("time_features", 0.into()),
        ("time_features", 127.into()),
        ("time_features", 64.into()),
        ("time_features", most.into()),
        ("steps", 0.into()),
        ("steps", most.into()),
        ("guidance_milli", most.into()),
        ("shift_milli", 0.into()),
        ("shift_milli", most.into()),
        ("sizes", serde_json::json!([])),
        ("sizes", sizes(0, 128)),
        ("sizes", sizes(256, 256)),
        ("sizes", sizes(100, 100)),
        ("sizes", sizes(most, most)),
    ];
    for (name, value) in cases {
        let folder = changed_model(|_, manifest| manifest[name] = value.clone());
        let error = load(&folder)
            .err()
            .unwrap_or_else(|| panic!("{name} {value} is taken"));
        assert_eq!(
            error.kind(),
            ErrorKind::Malformed,
            "{name} {value}: {error}"
        );
    }
    let twice = changed_model(|_, manifest| {
        let first = manifest["files"][0].clone();
        manifest["files"]
            .as_array_mut()
            .expect("a list")
            .push(first);
    });
    assert_eq!(
        load(&twice).err().expect("twice").kind(),
        ErrorKind::Malformed
    );
}

#[test]
fn the_golden_picture_keeps_its_digest() {
    let picture = engine()
        .generate(&request("red apple, 3d style", 7, 16), &mut go_on)
        .expect("a picture");
    assert_eq!(
        picture.digest().expect("a digest").blake3.hex(),
        include_str!("golden/apple.txt").trim()
    );
}

#[test]
fn tokens_match_the_tokenizers_library() {
    let Source::Embedded(files) = embedded::DEFAULT else {
        panic!("the default model is embedded")
    };
    let file = files.iter().find(|(name, _)| *name == "tokenizer.json");
    let tokenizer = Tokenizer::parse(file.expect("a tokenizer").1).expect("a tokenizer");
    let cases: Vec<(String, Vec<i64>)> =
        serde_json::from_str(include_str!("golden/tokens.json")).expect("a list of cases");
    assert!(cases.len() >= 20);
    for (text, ids) in cases {
        assert_eq!(tokenizer.encode(&text), ids, "{text:?}");
    }
}

#[test]
fn progress_is_told_at_every_step_and_can_stop_the_run() {
    let mut seen = Vec::new();
    let mut note = |progress: Progress| {
        seen.push((progress.step, progress.steps));
        if progress.step == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = engine()
        .generate(&request("red apple", 7, 4), &mut note)
        .expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(seen, [(0, 4), (1, 4), (2, 4)]);
}

#[test]
fn what_the_model_does_not_offer_is_refused_by_name() {
    let long = "a very long prompt about cats, dogs, horses, cows, sheep, pigs, goats, hens, ducks, geese, turkeys and many other animals, all of them in one great green field below a deep blue sky";
    let error = engine()
        .generate(&request(long, 7, 1), &mut go_on)
        .expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
    assert!(error.to_string().contains("this model takes 32"), "{error}");
    let large = Request {
        width: 512,
        height: 512,
        ..request("apple", 7, 1)
    };
    let error = engine()
        .generate(&large, &mut go_on)
        .expect_err("too large");
    assert!(
        error.to_string().contains("512×512") && error.to_string().contains("128×128"),
        "{error}"
    );
    let torch = Request {
        noise: Noise::TorchCpu,
        seed: 1 << 32,
        ..request("apple", 7, 1)
    };
    assert!(
        engine()
            .generate(&torch, &mut go_on)
            .expect_err("a seed of 33 bits")
            .to_string()
            .contains("2^32")
    );
}

#[test]
fn a_missing_or_changed_model_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = || {
        Model::load(&Source::Folder(folder.path().to_owned()))
            .err()
            .expect("an error")
    };
    assert_eq!(load().kind(), ErrorKind::Missing);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/files");
    for entry in std::fs::read_dir(&source).expect("the model's folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    Model::load(&Source::Folder(folder.path().to_owned()))
        .map(|_| ())
        .expect("an untouched copy");
    let path = folder.path().join("transformer.onnx");
    let mut bytes = std::fs::read(&path).expect("the graph");
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).expect("a changed graph");
    let error = load();
    assert_eq!(error.kind(), ErrorKind::WrongDigest);
    assert!(error.to_string().contains("transformer.onnx"), "{error}");
    std::fs::remove_file(&path).expect("removed");
    assert!(load().to_string().contains("transformer.onnx is missing"));
}

#[test]
fn a_missing_library_says_how_to_get_it() {
    let error =
        OnnxRuntime::find(None, None, Some(Path::new("/nonexistent"))).expect_err("nothing there");
    assert!(error.to_string().contains("cargo xtask runtime"), "{error}");
    let error = OnnxRuntime::find(Some("/nonexistent/lib.so".into()), None, None)
        .expect_err("nothing there");
    assert!(error.to_string().contains("ORT_DYLIB_PATH"), "{error}");
}

#[test]
fn the_label_changes_the_corner_only_and_metadata_changes_no_pixel() {
    let picture = Picture {
        width: 128,
        height: 128,
        samples: (0..128 * 128 * 3).map(|i| (i % 251) as u8).collect(),
    };
    let labelled = label::overlay(&picture);
    assert_ne!(labelled, picture);
    let changed = picture
        .samples
        .iter()
        .zip(&labelled.samples)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, _)| at / 3);
    let (mut left, mut top) = (128, 128);
    for at in changed {
        left = left.min(at % 128);
        top = top.min(at / 128);
    }
    assert!(
        left >= 70 && top >= 104,
        "the overlay begins at {left},{top}"
    );
    let file = labelled
        .to_png(Some(&label::xmp("SEEDMARK", "abc def")))
        .expect("a PNG");
    assert_eq!(Picture::from_png(&file).expect("its own file"), labelled);
    let text = String::from_utf8_lossy(&file);
    assert!(
        text.contains("trainedAlgorithmicMedia")
            && text.contains("&quot;ProduceID&quot;:&quot;abc-def&quot;")
    );
}
