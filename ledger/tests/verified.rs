//! The reader that trusts nobody, against logs that lie in every place that it reads.

use ledger::audit::audit;
use ledger::checkpoint::Checkpoint;
use ledger::edge::Edge;
use ledger::proof::{inclusion, verify_inclusion};
use ledger::tile::{Place, TileReader, bundle_bytes, entries_path, parse_path, path, width_at};
use ledger::tree::{Hash, leaf_hash, root_of};
use ledger::verified::Verified;
use ledger::{Error, ErrorKind};
use std::collections::BTreeMap;

const SIZE: u64 = 66_000;

#[derive(Clone, Default)]
struct Served(BTreeMap<String, Vec<u8>>);

impl TileReader for Served {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let missing = || Error::new(ErrorKind::Missing, format!("{path} is missing"));
        self.0.get(path).cloned().ok_or_else(missing)
    }
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A log whose third tile level is in use, built from the definition alone.
fn served(size: u64) -> (Served, Checkpoint) {
    let mut served = Served::default();
    let mut below: Vec<Hash> = (0..size).map(|index| leaf_hash(&entry(index))).collect();
    let root = root_of(&below);
    for index in 0..size.div_ceil(256) {
        let width = width_at(0, index, size);
        let entries: Vec<Vec<u8>> = (index * 256..index * 256 + width).map(entry).collect();
        served
            .0
            .insert(entries_path(index, width), bundle_bytes(&entries));
    }
    for level in 0.. {
        for (index, hashes) in (0..).zip(below.chunks(256)) {
            served
                .0
                .insert(path(level, index, hashes.len() as u64), hashes.concat());
        }
        below = below.chunks_exact(256).map(root_of).collect();
        if below.is_empty() {
            break;
        }
    }
    let origin = "log.example".into();
    (served, Checkpoint { origin, size, root })
}

#[test]
fn proofs_built_from_verified_tiles_hold_at_every_kind_of_place() {
    let (served, checkpoint) = served(SIZE);
    let log = Verified::new(&served, checkpoint.clone()).expect("an honest log");
    for index in [0, 1, 255, 256, 65_535, 65_536, 65_791, 65_792, SIZE - 1] {
        assert_eq!(log.entry(index).expect("an entry"), entry(index));
        let hashes = inclusion(&log, index, SIZE).expect("a proof");
        let leaf = leaf_hash(&entry(index));
        verify_inclusion(&leaf, index, SIZE, &hashes, &checkpoint.root).expect("it holds");
    }
    assert_eq!(
        log.entry(SIZE).expect_err("outside").kind(),
        ErrorKind::Missing
    );
    let whole = audit(&log, &checkpoint, Edge::default(), &mut |_, _, _| ());
    assert_eq!(whole.expect("a sound log").root(), checkpoint.root);
}

#[test]
fn a_lie_anywhere_is_refused_with_the_object_that_tells_it() {
    let (honest, checkpoint) = served(SIZE);
    for place in ["tile/0/000", "tile/1/000", "tile/entries/000"] {
        let mut lying = honest.clone();
        lying.0.get_mut(place).expect("an object")[40] ^= 1;
        let log = Verified::new(&lying, checkpoint.clone()).expect("an honest edge");
        let error = log.entry(3).expect_err("a lie");
        assert_eq!(error.kind(), ErrorKind::Forged, "{error}");
        assert!(error.to_string().contains(place), "{error}");
        let audited = audit(&lying, &checkpoint, Edge::default(), &mut |_, _, _| ());
        assert_eq!(audited.expect_err("a lie").kind(), ErrorKind::Corrupt);
    }
    let edges: Vec<String> = honest
        .0
        .keys()
        .filter(|key| key.contains(".p/"))
        .cloned()
        .collect();
    let tiles = edges.iter().filter(|key| !key.contains("entries"));
    for place in tiles {
        let mut lying = honest.clone();
        lying.0.get_mut(place).expect("an object")[5] ^= 1;
        let error = Verified::new(&lying, checkpoint.clone())
            .err()
            .expect("a lie");
        assert_eq!(error.kind(), ErrorKind::Forged, "{place}");
    }
}

#[test]
fn a_partial_tile_that_was_deleted_is_read_from_the_full_one() {
    let (mut now, then) = served(600);
    now.0.extend(served(800).0.0);
    now.0.retain(|path, _| !path.contains(".p/88"));
    let log = Verified::new(&now, then).expect("the old edge, out of full tiles");
    assert_eq!(log.entry(599).expect("an entry"), entry(599));
}

#[test]
fn an_audit_goes_on_from_the_edge_where_it_stopped() {
    let (old, then) = served(1000);
    let (new, now) = served(1400);
    let edge = audit(&old, &then, Edge::default(), &mut |_, _, _| ()).expect("sound");
    let mut read = 0;
    let edge = audit(&new, &now, edge, &mut |_, entries, _| read += entries.len());
    assert_eq!(edge.expect("sound").size(), 1400);
    assert_eq!(read, 400, "only what is new");
    let (mut forked, _) = served(1400);
    let place = entries_path(3, 256);
    forked.0.get_mut(&place).expect("an object")[4] ^= 1;
    let edge = audit(&old, &then, Edge::default(), &mut |_, _, _| ()).expect("sound");
    let error = audit(&forked, &now, edge.clone(), &mut |_, _, _| ()).expect_err("a rewrite");
    assert!(error.to_string().contains("audited before"), "{error}");
    let error = audit(
        &old,
        &then,
        audit(&new, &now, edge, &mut |_, _, _| ()).expect("sound"),
        &mut |_, _, _| (),
    );
    assert_eq!(error.expect_err("a rollback").kind(), ErrorKind::Corrupt);
}

#[test]
fn a_tree_extends_its_own_past_and_no_other() {
    let (new, now) = served(700);
    let log = Verified::new(&new, now.clone()).expect("an honest log");
    for size in [0, 1, 255, 256, 300, 700] {
        let (_, then) = served(size);
        assert!(log.extends(size, &then.root).expect("readable"), "{size}");
        let mut other = then.root;
        other[0] ^= 1;
        assert!(!log.extends(size, &other).expect("readable"), "{size}");
    }
    assert!(
        !log.extends(701, &now.root).expect("readable"),
        "the future"
    );
}

#[test]
fn a_path_has_one_spelling() {
    let hashes = |level, index, width| {
        Some(Place::Hashes {
            level,
            index,
            width,
        })
    };
    for (text, expected) in [
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/2/x001/x234/067.p/5", hashes(2, 1_234_067, 5)),
        (
            "tile/entries/x001/000.p/255",
            Some(Place::Entries {
                index: 1000,
                width: 255,
            }),
        ),
        ("tile/63/000", hashes(63, 0, 256)),
        ("tile/64/000", None),
        ("tile/00/000", None),
        ("tile/+1/000", None),
        ("tile/0/0", None),
        ("tile/0/x000/000", None),
        ("tile/0/000/001", None),
        ("tile/0/x001/x000", None),
        ("tile/0/000.p/0", None),
        ("tile/0/000.p/256", None),
        ("tile/0/000.p/05", None),
        ("tile/0/x999/x999/x999/x999/x999/x999/x999/999", None),
        ("tile/0/../../checkpoint", None),
        ("checkpoint", None),
    ] {
        assert_eq!(parse_path(text), expected, "{text}");
    }
}
