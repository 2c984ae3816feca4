//! Adding models: what a digest depends on, and what happens twice, at once and half-way.

#![cfg(feature = "ort")]

#[allow(dead_code, reason = "this test needs the runtime alone")]
mod recorded;

use engine::import::folder::{Added, Store, Wishes, add};
use engine::model::{Model, Size, Source};
use engine::pipeline::{Engine, Pictures, Request};
use recorded::{HERE, runtime};
use schema::recipe::{Recipe, Seed};
use schema::template::Values;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    let unfinished = |name: &str| {
        let left = folder.path().join(name);
        std::fs::create_dir(&left).expect("a folder");
        std::fs::write(left.join("model.json"), "{}").expect("half a model");
        let lock = left.with_extension("lock");
        (left, std::fs::File::create(lock).expect("a lock"))
    };
    let (left, killed) = unfinished(".adding-1-0");
    drop(killed);
    // Somebody else's, on whatever machine: its lock says so.
    let (going_on, held) = unfinished(".adding-1-1");
    held.lock().expect("held");
    assert!(store.list().expect("a store").is_empty());
    let model = added(&store, &wishes("whole", &[SMALL]));
    assert!(!left.exists() && going_on.exists());
    drop(held);
    std::fs::remove_dir_all(&going_on).expect("removed");
    std::fs::remove_file(going_on.with_extension("lock")).expect("removed");
    let entry = store.find("whole").expect("the model");
    assert_eq!(entry.digest, model.digest);
    store.remove(&entry).expect("removed");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

#[test]
fn a_damaged_model_hides_no_other_can_be_taken_away_and_is_made_whole_by_adding_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    let model = added(&store, &wishes("whole", &[SMALL]));
    let place = store.find("whole").expect("the model").path;
    let weights = place.join("vae_decoder.f32");
    let bytes = std::fs::read(&weights).expect("weights");
    std::fs::write(&weights, &bytes[..bytes.len() - 4]).expect("cut");
    assert!(Model::load(&Source::Folder(place.clone())).is_err());
    let again = added(&store, &wishes("again", &[SMALL]));
    assert_eq!(again.digest, model.digest);
    Model::load(&Source::Folder(place.clone())).expect("whole again");
    // Another one whose card was written half.
    let other = folder.path().join("ab".repeat(32));
    std::fs::create_dir(&other).expect("a folder");
    std::fs::copy(place.join("model.json"), other.join("model.json")).expect("copied");
    std::fs::write(other.join("card.json"), "{").expect("half a card");
    let (found, damaged) = store.read().expect("a store");
    assert_eq!((found.len(), damaged.len()), (1, 1));
    store.find("again").expect("the whole one");
    let told = store.find(&"ab".repeat(32)).err().expect("damaged");
    assert!(told.to_string().contains("card.json"), "{told}");
    assert!(
        !store
            .remove_damaged(&model.digest.to_string())
            .expect("whole")
    );
    assert!(store.remove_damaged(&"ab".repeat(32)).expect("removed"));
    assert!(!other.exists());
}

/// What the engine says of a picture of one step in these tiles; empty when it makes it.
fn refusal(model: &Arc<Model>, size: Size, tile: Option<u32>) -> String {
    let mut recipe = Recipe::new(
        model.digest,
        "a fox".into(),
        model.manifest.scheduler,
        1,
        1000,
        (size.width, size.height),
    );
    recipe.tile = tile;
    let request = Request::of_recipe(&recipe, &Values::new(), Seed(1), &Pictures::default())
        .expect("a request");
    let mut engine = Engine::new(model.clone(), &runtime()).expect("an engine");
    let made = engine.generate(&request, &mut |_| ControlFlow::Continue(()));
    made.err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn tiles_are_a_part_of_the_model_and_what_it_does_not_offer_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    let plain = wishes("plain", &[SMALL, WIDE]);
    let tiled = Wishes {
        tiles: vec![32],
        ..wishes("tiled", &[SMALL, WIDE])
    };
    let only = Wishes {
        tiles_only: true,
        ..tiled.clone()
    };
    let [plain, tiled, only] = [plain, tiled, only].map(|wishes| {
        let path = added(&store, &wishes).path;
        Arc::new(Model::load(&Source::Folder(path)).expect("a model"))
    });
    assert!(plain.digest != tiled.digest && tiled.digest != only.digest);
    assert!(!plain.manifest.document.to_string().contains("tiles"));
    assert_eq!(tiled.manifest.tiles, [32]);
    let usual = [&plain, &tiled, &only].map(|model| model.manifest.usual_tile(WIDE));
    assert_eq!(usual, [None, None, Some(32)]);
    assert!(only.memory_bytes() < tiled.memory_bytes());
    for (model, size, tile, expected) in [
        (&plain, WIDE, None, ""),
        (
            &plain,
            WIDE,
            Some(32),
            "48×32 in tiles of 32, but at once alone",
        ),
        (&tiled, WIDE, None, ""),
        (&tiled, WIDE, Some(32), ""),
        (
            &tiled,
            WIDE,
            Some(16),
            "48×32 in tiles of 16, but in tiles of 32",
        ),
        (&tiled, SMALL, None, ""),
        (&only, WIDE, None, "48×32 at once, but in tiles of 32"),
        (&only, WIDE, Some(32), ""),
        (&only, SMALL, None, ""),
    ] {
        let found = refusal(model, size, tile);
        let holds = match expected {
            "" => found.is_empty(),
            expected => found.contains(expected),
        };
        assert!(
            holds,
            "{size} in {tile:?}: {found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn a_tile_that_no_size_needs_or_that_cannot_be_quartered_adds_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path());
    for (tile, expected) in [
        (48, "no size is larger than a tile of 48"),
        (40, "no multiple of 16"),
        (0, "no multiple of 16"),
    ] {
        let wishes = Wishes {
            tiles: vec![tile],
            ..wishes("tiled", &[SMALL, WIDE])
        };
        let from = Path::new(HERE).join("models/sd15");
        let error = add(&from, &store, &wishes, &runtime(), &mut |_| ()).expect_err("refused");
        assert!(error.to_string().contains(expected), "{tile}: {error}");
    }
    assert!(store.list().expect("a store").is_empty());
}
