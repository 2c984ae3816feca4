//! The log's binary forms and its paths: reading never panics, and there is one spelling of everything.
#![no_main]

use ledger::edge::Edge;
use ledger::tile::{self, Place};
use ledger::tree::root_of;
use schema::leaf::Leaf;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for width in [1, 2, 3, 256] {
        if let Ok(entries) = tile::parse_bundle(bytes, width, "bundle") {
            assert_eq!(entries.len() as u64, width);
            assert_eq!(tile::bundle_bytes(&entries), bytes);
        }
    }
    let width = bytes.len() as u64 / 32;
    if let Ok(hashes) = tile::parse(bytes, width, "tile") {
        assert_eq!(hashes.concat(), bytes);
        let mut edge = Edge::default();
        for hash in &hashes {
            edge.push(*hash);
        }
        assert_eq!(edge.root(), root_of(&hashes));
        assert!(Edge::new(edge.size(), edge.levels().to_vec()).is_ok());
    }
    if let Ok(leaf) = Leaf::parse(bytes) {
        assert_eq!(leaf.to_bytes()[..], *bytes);
    }
    if let Ok(path) = std::str::from_utf8(bytes) {
        match tile::parse_path(path) {
            Some(Place::Hashes {
                level,
                index,
                width,
            }) => {
                assert_eq!(tile::path(level, index, width), path);
            }
            Some(Place::Entries { index, width }) => {
                assert_eq!(tile::entries_path(index, width), path);
            }
            None => {}
        }
    }
});
