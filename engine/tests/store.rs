//! Adding models: what a digest depends on, and what happens twice, at once and half-way.

#![cfg(feature = "ort")]

#[allow(dead_code, reason = "this test needs the runtime alone")]
mod recorded;

use engine::import::folder::{Added, Store, Wishes, add};
use engine::model::Size;
use recorded::{HERE, runtime};
use std::path::{Path, PathBuf};

const SMALL: Size = Size {
    width: 32,
    height: 32,
};
const WIDE: Size = Size {
    width: 48,
    height: 32,
};

fn wishes(name: &str, sizes: &[Size]) -> Wishes {
    Wishes {
        name: Some(name.into()),
        sizes: sizes.to_vec(),
        licence: Some("MIT".into()),
        ..Wishes::default()
    }
}

fn added(store: &Store, wishes: &Wishes) -> Added {
    let folder = Path::new(HERE).join("models/sd15");
    add(&folder, store, wishes, &runtime(), &mut |_| ()).expect("a model")
}

#[test]
fn a_digest_is_over_what_decides_pixels_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    let first = added(&store, &wishes("first", &[SMALL, WIDE]));
    let other = Wishes {
        licence: Some("Apache-2.0".into()),
        steps: Some(9),
        guidance_milli: Some(3000),
        ..wishes("second", &[WIDE, SMALL, WIDE])
    };
    let second = added(&store, &other);
    assert_eq!(second.digest, first.digest);
    assert!(second.known && !first.known);
    let entries = store.list().expect("a store");
    assert_eq!(entries.len(), 1);
    let manifest = &entries[0].manifest;
    // The newer card counts, and its first size is the usual one.
    assert_eq!((manifest.name.as_str(), manifest.steps), ("second", 9));
    assert_eq!(manifest.sizes, [WIDE, SMALL]);
    assert_ne!(
        added(&store, &wishes("first", &[SMALL])).digest,
        first.digest
    );
}

#[test]
fn the_name_of_a_loras_file_changes_no_digest_and_its_weight_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(&folder.path().join("store"));
    let from = Path::new(HERE).join("lora/diffusers.safetensors");
    let renamed = folder.path().join("renamed.safetensors");
    std::fs::copy(&from, &renamed).expect("a copy");
    let digest = |file: &Path, weight: i32| {
        let wishes = Wishes {
            adapters: vec![(PathBuf::from(file), weight)],
            ..wishes("ink", &[SMALL])
        };
        added(&store, &wishes).digest
    };
    assert_eq!(digest(&from, 800), digest(&renamed, 800));
    assert_ne!(digest(&from, 800), digest(&from, 700));
}

#[test]
fn two_who_add_the_same_folder_at_once_have_one_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    let digests: Vec<_> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| added(&store, &wishes("twice", &[SMALL])).digest);
        let started: Vec<_> = (0..4).map(start).collect();
        started
            .into_iter()
            .map(|one| one.join().expect("added"))
            .collect()
    });
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    assert_eq!(store.list().expect("a store").len(), 1);
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "what was written meanwhile is gone");
}

#[test]
fn what_a_killed_command_left_is_no_model_and_is_swept_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    // No process of this number can be.
    let left = folder.path().join(".adding-99999999999-0");
    std::fs::create_dir(&left).expect("a folder");
    std::fs::write(left.join("model.json"), "{}").expect("half a model");
    assert!(store.list().expect("a store").is_empty());
    let model = added(&store, &wishes("whole", &[SMALL]));
    assert!(!left.exists());
    let entry = store.find("whole").expect("the model");
    assert_eq!(entry.digest, model.digest);
    store.remove(&entry).expect("removed");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}
