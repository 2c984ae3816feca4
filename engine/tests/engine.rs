//! The engine against the real ONNX Runtime library and the embedded model.

#![cfg(feature = "ort")]

use engine::executor::Executor;
use engine::model::{Model, Source};
use engine::onnx_runtime::OnnxRuntime;
use engine::pipeline::{Engine, Progress, Request};
use engine::{Kind, embedded, label, picture::Picture, profile};
use schema::recipe::{Noise, Scheduler};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
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
        prompt: prompt.into(),
        negative: None,
        seed,
        noise: Noise::Philox,
        scheduler: Scheduler::FlowEuler { shift_milli: 1000 },
        steps,
        guidance_milli: 3000,
        width: 128,
        height: 128,
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
            external: (&str, Arc<[u8]>),
        ) -> Result<Box<dyn engine::executor::Session>, engine::Error> {
            Ok(Box::new(DriftingSession(
                self.0.session(name, graph, external)?,
            )))
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
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(
        error.to_string().contains("matmul_constant") && error.to_string().contains("drifting 1.0"),
        "{error}"
    );
}

#[test]
fn one_recipe_gives_one_digest_twice_and_side_by_side() {
    let first = engine()
        .generate(&request("red apple, 3d style", 7, 4), &mut go_on)
        .expect("a picture");
    let mut reused = engine();
    reused
        .generate(&request("dog face", 1, 2), &mut go_on)
        .expect("another picture before it");
    assert_eq!(
        reused
            .generate(&request("red apple, 3d style", 7, 4), &mut go_on)
            .expect("a picture"),
        first
    );
    let pictures: Vec<Picture> = std::thread::scope(|scope| {
        let run = || {
            scope.spawn(|| {
                engine()
                    .generate(&request("red apple, 3d style", 7, 4), &mut go_on)
                    .expect("a picture")
            })
        };
        [run(), run()]
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    assert!(pictures.iter().all(|picture| *picture == first));
}

#[test]
fn the_golden_picture_keeps_its_digest() {
    let picture = engine()
        .generate(&request("red apple, 3d style", 7, 24), &mut go_on)
        .expect("a picture");
    assert_eq!(
        picture.digest().expect("a digest").blake3.hex(),
        include_str!("golden/apple.txt").trim()
    );
}

#[test]
fn tokens_match_the_tokenizers_library() {
    let cases: Vec<(String, Vec<i64>)> =
        serde_json::from_str(include_str!("golden/tokens.json")).expect("a list of cases");
    assert!(cases.len() >= 20);
    for (text, ids) in cases {
        assert_eq!(model().tokenizer.encode(&text), ids, "{text:?}");
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
    assert_eq!(error.kind(), Kind::Cancelled);
    assert_eq!(seen, [(0, 4), (1, 4), (2, 4)]);
}

#[test]
fn what_the_model_does_not_offer_is_refused_by_name() {
    let long = "a very long prompt about cats, dogs, horses, cows, sheep, pigs, goats, hens, ducks, geese, turkeys and many other animals";
    let error = engine()
        .generate(&request(long, 7, 1), &mut go_on)
        .expect_err("too long");
    assert_eq!(error.kind(), Kind::PromptTooLong);
    assert!(error.to_string().contains("this model takes 24"), "{error}");
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
    assert_eq!(load().kind(), Kind::Missing);
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
    assert_eq!(error.kind(), Kind::WrongDigest);
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
        left >= 76 && top >= 108,
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
