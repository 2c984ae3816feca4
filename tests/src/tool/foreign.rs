//! Foreign model folders: nothing is believed that their manifest says.

use super::{Sealed, run, sealed};
use crate::harness::server::root;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::bundle::{Bundle, OwnerPart, SealedListing, SealedPart};
use schema::commitment::Salt;
use schema::key::SecretKey;
use schema::licence::Licence;
use schema::sealing::{Material, seal};
use schema::statement::ListingStatement;
use std::path::{Path, PathBuf};

const ORIGIN: &str = "log.test.example/tool";

/// A copy of the embedded model, changed; the manifest's digests are made to agree.
fn changed(folder: &Path, change: impl FnOnce(&Path, &mut serde_json::Value)) -> PathBuf {
    let copy = folder.join("model");
    std::fs::create_dir_all(&copy).expect("a folder");
    for entry in std::fs::read_dir(root().join("engine/model/files")).expect("the model") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
    }
    let path = copy.join("model.json");
    let bytes = std::fs::read(&path).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    change(&copy, &mut manifest);
    for file in manifest["files"].as_array_mut().expect("a list") {
        let name = copy.join(file["name"].as_str().expect("a name"));
        if name.is_file() {
            let bytes = std::fs::read(name).expect("a file");
            file["blake3"] = blake3::hash(&bytes).to_hex().to_string().into();
        }
    }
    std::fs::write(&path, manifest.to_string()).expect("written");
    copy
}

/// One operator of the transformer becomes a Softmax, which other CPUs compute with other bits, and the manifest says `native`.
fn native(folder: &Path) -> PathBuf {
    changed(folder, |copy, manifest| {
        let path = copy.join("transformer.onnx");
        let mut graph = std::fs::read(&path).expect("the graph");
        let at = graph.windows(7).position(|bytes| bytes == b"Sigmoid");
        let at = at.expect("a Sigmoid");
        graph[at..at + 7].copy_from_slice(b"Softmax");
        std::fs::write(&path, &graph).expect("written");
        manifest["profile"] = "native".into();
    })
}

/// A bundle whose every signature holds, for a recipe that names this model.
fn bundle_for(sealed: &Sealed, recipe: &[u8]) -> Bundle {
    let bytes = std::fs::read(&sealed.bundle).expect("a bundle");
    let good = Bundle::parse(&bytes).expect("a bundle");
    let listing = good
        .listing
        .statement
        .open::<ListingStatement>(&good.creator);
    let (listing, _) = listing.expect("a statement");
    let (secret, salt) = (SecretKey::from_bytes([6; 32]), Salt([7; 32]));
    let material = Material {
        origin: ORIGIN,
        recipe,
        anchors: &listing.anchors,
        label_version: listing.label_version,
        licences: &[Licence::Standard],
    };
    let made = seal(&material, &salt, &secret).expect("a seal");
    let part = SealedPart {
        leaf: STANDARD.encode(made.leaf.to_bytes()),
        proof: None,
    };
    let listing = SealedListing {
        statement: made.listing,
        leaf: STANDARD.encode(made.listing_leaf.to_bytes()),
        proof: None,
    };
    let mut bundle = Bundle::new(ORIGIN.into(), None, secret.public(), part, listing);
    bundle.owner = Some(OwnerPart {
        salt: STANDARD.encode(salt.0),
        recipe: STANDARD.encode(recipe),
        licence: None,
        pictures: None,
    });
    bundle
}

#[test]
fn graphs_outside_the_profile_are_neither_generated_nor_sealed_nor_reproduced_under_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let sealed = sealed(folder.path());
    let model = native(folder.path());
    let text = |path: &Path| path.display().to_string();
    let digest = blake3::hash(&std::fs::read(model.join("model.json")).expect("a manifest"));
    let recipe = std::fs::read_to_string(&sealed.recipe).expect("a recipe");
    let mut recipe: serde_json::Value = serde_json::from_str(&recipe).expect("JSON");
    recipe["model"] = format!("blake3:{}", digest.to_hex()).into();
    let recipe = recipe.to_string();
    let claimed = folder.path().join("claimed.json");
    std::fs::write(&claimed, &recipe).expect("written");
    let owned = folder.path().join("claimed.seedmark");
    let bundle = bundle_for(&sealed, recipe.as_bytes());
    std::fs::write(&owned, bundle.to_bytes().expect("a bundle")).expect("written");
    let out = text(&folder.path().join("out"));
    let file = text(&folder.path().join("out.seedmark"));
    let (model, key) = (text(&model), text(&sealed.key));
    let (claimed, owned) = (text(&claimed), text(&owned));
    let verified = run(&["verify", &owned], folder.path()).status();
    assert!(verified.expect("the tool").success(), "its seal holds");
    for arguments in [
        &[
            "generate", "--prompt", "apple", "--steps", "1", "--out", "x.png",
        ][..],
        &["generate", "--recipe", &claimed, "--out", &out],
        &[
            "seal", "--recipe", &claimed, "--key", &key, "--origin", ORIGIN, "--out", &file,
        ],
        &["reproduce", &owned],
    ] {
        let output = run(arguments, folder.path())
            .args(["--model", &model])
            .current_dir(folder.path())
            .output()
            .expect("the tool");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(
            told.contains("transformer.onnx is outside portable-1") && told.contains("Softmax"),
            "{arguments:?}: {told}"
        );
    }
    for name in ["x.png", "out", "out.seedmark"] {
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_manifest_that_lies_or_a_file_without_end_is_refused_at_once() {
    for (name, value) in [
        ("latent_factor", 0u32),
        ("latent_channels", u32::MAX),
        ("text_tokens", u32::MAX),
        ("time_features", 0),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let model = changed(folder.path(), |_, manifest| manifest[name] = value.into());
        let model = model.display().to_string();
        let output = run(&["model", "info", "--model", &model], folder.path()).output();
        let output = output.expect("the tool");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains(name), "{told}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let model = changed(folder.path(), |copy, _| {
        std::fs::remove_file(copy.join("weights.f16")).expect("removed");
    });
    std::os::unix::fs::symlink("/dev/zero", model.join("weights.f16")).expect("a link");
    let model = model.display().to_string();
    let output = run(&["model", "info", "--model", &model], folder.path()).output();
    let output = output.expect("the tool");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_foreign_models_name_moves_no_cursor() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = changed(folder.path(), |_, manifest| {
        manifest["name"] = "\u{1b}[2Jnice\u{202e}\nself-test passed".into();
    });
    let model = model.display().to_string();
    for json in [false, true] {
        let mut command = run(&["model", "info", "--model", &model], folder.path());
        let output = command.args(json.then_some("--json")).output();
        let output = output.expect("the tool");
        assert!(output.status.success());
        let told = String::from_utf8_lossy(&output.stdout);
        let raw = ['\u{1b}', '\u{202e}'];
        assert!(!told.contains(raw), "{told:?}");
        let forged = told
            .lines()
            .any(|line| line.starts_with("self-test passed 1.0"));
        assert!(!forged, "{told}");
    }
}
