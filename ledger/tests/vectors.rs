//! Published vectors: RFC 6962 hashes, tile paths, notes, and a proof that other implementations accept.

use ledger::checkpoint::Checkpoint;
use ledger::note::{self, Verifier};
use ledger::policy::Policy;
use ledger::proof::{TlogProof, verify_consistency, verify_inclusion};
use ledger::tile;
use ledger::tree::{empty_root, leaf_hash, root_of};
use proptest::prelude::*;
use schema::key::SecretKey;

const PROOF: &str = include_str!("vectors/published.tlog-proof");
const VKEY: &str = "log.seedmark.example+83256037+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl";

#[test]
fn tree_hashes_match_rfc_6962() {
    let leaves = [b"a", b"b", b"c"].map(|entry| leaf_hash(entry));
    assert_eq!(
        hex::encode(empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        hex::encode(leaf_hash(b"")),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    assert_eq!(
        hex::encode(leaves[0]),
        "022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c"
    );
    assert_eq!(
        hex::encode(root_of(&leaves[..2])),
        "b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb"
    );
    assert_eq!(
        hex::encode(root_of(&leaves)),
        "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1"
    );
    verify_inclusion(&leaves[1], 1, 3, &[leaves[0], leaves[2]], &root_of(&leaves))
        .expect("the published proof");
    verify_consistency(
        2,
        &root_of(&leaves[..2]),
        3,
        &root_of(&leaves),
        &[leaves[2]],
    )
    .expect("the published proof");
}

#[test]
fn a_single_entry_takes_an_empty_proof_only() {
    let leaf = leaf_hash(b"a");
    verify_inclusion(&leaf, 0, 1, &[], &leaf).expect("the root is the leaf");
    assert!(verify_inclusion(&leaf, 0, 1, &[leaf], &leaf).is_err());
    assert!(verify_inclusion(&leaf, 0, 0, &[], &leaf).is_err());
    assert!(
        verify_consistency(0, &empty_root(), 0, &empty_root(), &[]).is_err(),
        "size 0 is the caller's case"
    );
}

#[test]
fn tile_paths_and_widths_match_the_specification() {
    assert_eq!(tile::path(0, 5, 256), "tile/0/005");
    assert_eq!(tile::path(1, 1000, 256), "tile/1/x001/000");
    assert_eq!(
        tile::entries_path(1_234_067, 112),
        "tile/entries/x001/x234/067.p/112"
    );
    assert_eq!(
        [
            tile::width_at(0, 273, 70_000),
            tile::width_at(1, 1, 70_000),
            tile::width_at(2, 0, 70_000),
            tile::width_at(1, 0, 256)
        ],
        [112, 17, 1, 1]
    );
    assert_eq!(
        hex::encode(tile::bundle_bytes(&[b"a", b"b", b"c"])),
        "000161000162000163"
    );
}

#[test]
fn the_published_verifier_key_reads_back() {
    let example = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for text in [example, VKEY] {
        assert_eq!(
            Verifier::parse(text).expect("a published key").to_string(),
            text
        );
    }
    assert!(Verifier::parse(&VKEY.replace("83256037", "83256038")).is_err());
}

#[test]
fn the_published_proof_holds_and_skips_the_unknown_witness() {
    let proof = TlogProof::parse(PROOF).expect("a proof");
    assert_eq!(proof.to_text(), PROOF);
    let log = Verifier::parse(VKEY).expect("a key");
    let checkpoint = proof.open_checkpoint(&log).expect("the log's signature");
    let leaf = hex::decode("e29c88d6be92113b5d3f50dea93fd2f966876b8d011058d368f1d614547f18ca")
        .expect("hex");
    proof
        .verify(&leaf.try_into().expect("32 bytes"), &checkpoint)
        .expect("inclusion");
    assert!(proof.verify(&[0; 32], &checkpoint).is_err());
}

#[test]
fn notes_that_bend_the_rules_are_refused() {
    let secret = SecretKey::from_bytes([1; 32]);
    let log = Verifier::new("log.test", secret.public()).expect("a name");
    let note = note::sign(
        "log.test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.test",
        &secret,
    )
    .expect("a note");
    Checkpoint::open(&note, &log).expect("its own note");
    for (what, text) in [
        ("no last line end", note.trim_end().to_owned()),
        (
            "a control character",
            note.replace("log.test\n0", "log.test\r\n0"),
        ),
        ("another size", note.replace("\n0\n", "\n1\n")),
        ("a broken signature line", note.replace('\u{2014}', "-")),
        (
            "a second, failing signature by a known key",
            format!(
                "{note}{}",
                note.lines().last().expect("a line").replace("+", "/")
            ) + "\n",
        ),
    ] {
        assert!(
            text == note || Checkpoint::open(&text, &log).is_err(),
            "{what} was accepted"
        );
    }
    let extended = note::sign(
        "log.test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextra\n",
        "log.test",
        &secret,
    )
    .expect("a note");
    assert!(
        Checkpoint::open(&extended, &log).is_err(),
        "an extension line"
    );
}

#[test]
fn a_policy_trusts_what_it_names_and_refuses_what_it_cannot_check() {
    let policy =
        Policy::parse(&format!("# mine\nlog {VKEY} somewhere\nquorum none\n")).expect("a policy");
    assert!(policy.log("log.seedmark.example").is_ok() && policy.log("other").is_err());
    assert!(
        Policy::parse(&format!("log {VKEY}\n")).is_err(),
        "no quorum"
    );
    assert!(
        Policy::parse(&format!("log {VKEY}\nwitness w {VKEY}\nquorum w\n")).is_err(),
        "a quorum that would be ignored"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_of_a_proof_is_refused(at in 0usize..398, flip in 1u8..=255) {
        let mut bytes = PROOF.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let leaf: [u8; 32] = hex::decode("e29c88d6be92113b5d3f50dea93fd2f966876b8d011058d368f1d614547f18ca").expect("hex").try_into().expect("32 bytes");
        let log = Verifier::parse(VKEY).expect("a key");
        let accepted = std::str::from_utf8(&bytes).ok().and_then(|text| TlogProof::parse(text).ok()).is_some_and(|proof| {
            proof.open_checkpoint(&log).is_ok_and(|checkpoint| proof.verify(&leaf, &checkpoint).is_ok())
        });
        // The witness's line is not this verifier's business: unknown signatures are skipped.
        let witness = PROOF.find("\u{2014} witness").expect("a witness");
        prop_assert!(!accepted || at > witness);
    }
}
