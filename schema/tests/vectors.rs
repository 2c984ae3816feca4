//! Golden bytes: framing of pixel digest, commitment, leaf and statement, agreed with independent implementations
//! (Python `blake3` and `cryptography`). The recipe of these vectors pins framing, not the spelling of recipe fields.

use schema::commitment::{Salt, commit, open};
use schema::digest::Digest;
use schema::key::{PublicKey, SecretKey};
use schema::leaf::{Leaf, LeafKind, message};
use schema::money::{Parts, allocate, share};
use schema::pixels::PixelDigest;
use schema::statement::pae;

const RECIPE: &[u8] = include_bytes!("vectors/recipe-framing.json");
const TEST_1: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const TEST_2: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const ORIGIN: &str = "log.seedmark.example";

fn secret(hex: &str) -> SecretKey {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex, &mut bytes).expect("a constant of 64 hex digits");
    SecretKey::from_bytes(bytes)
}

fn counting_salt() -> Salt {
    Salt(std::array::from_fn(|i| u8::try_from(i).expect("below 32")))
}

fn picture() -> PixelDigest {
    PixelDigest::of(2, 1, 3, &[0xff, 0, 0, 0, 0xff, 0]).expect("six samples of a 2×1 picture")
}

fn second_picture() -> PixelDigest {
    PixelDigest::of(2, 1, 3, &[0, 0, 0xff, 0xff, 0xff, 0xff]).expect("six samples of a 2×1 picture")
}

fn commitment(salt: &Salt, key: &PublicKey, recipe: &[u8], anchors: &[Digest]) -> String {
    commit(salt, key, recipe, anchors)
        .expect("at least one anchor")
        .hex()
}

#[test]
fn pixel_digests_match_the_published_ones() {
    assert_eq!(
        picture().blake3.hex(),
        "e7810f9f7e823b773b66531b1ccf63fb09de4687e5c0d2e0b01df8142bb45b3c"
    );
    assert_eq!(
        picture().sha256.hex(),
        "60d0b448e530b6d3192fbcb64d64f53c0e95202bf12867a1b70e6c9b071ac766"
    );
    assert_eq!(
        second_picture().blake3.hex(),
        "042255ff1bf0fbcbceeb0b6ee9e445e57a1d804dd8a14da9d9c1d6a9909e4a47"
    );
}

#[test]
fn a_public_key_is_shown_and_hashed_as_published() {
    let key = secret(TEST_1).public();
    assert_eq!(
        key.to_string(),
        "seedmark16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydqlf9c4c"
    );
    assert_eq!(
        key.hash().hex(),
        "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"
    );
    assert_eq!(
        PublicKey::parse(&key.to_string()).expect("its own text"),
        key
    );
}

#[test]
fn the_framing_recipe_is_the_published_one() {
    assert_eq!(
        Digest::sha256(RECIPE).hex(),
        "8adb03ff182e285085456bb97a5532b4f37c9d93de5fa04df876d752134b30e0"
    );
}

#[test]
fn the_commitment_and_each_single_change_match_the_published_ones() {
    let (salt, ada, ben) = (
        counting_salt(),
        secret(TEST_1).public(),
        secret(TEST_2).public(),
    );
    let (one, two) = (picture().blake3, second_picture().blake3);
    let text = std::str::from_utf8(RECIPE).expect("ASCII");
    let cases: [(&str, String); 8] = [
        (
            "ee30f155b2e0894109fa2af8a0cc6b14eecba6a908e88e93bf62e84aba902f59",
            commitment(&salt, &ada, RECIPE, &[one]),
        ),
        (
            "d86aae73a9f0ed0b33a91d6e09b43c44dbcc76dbee4d95de036b08859ca4b3d0",
            commitment(&salt, &ben, RECIPE, &[one]),
        ),
        (
            "0ab59ac786dd59469a01a759a0f25825c048ce41210727e25669544b61cf5f3c",
            commitment(&Salt([0; 32]), &ada, RECIPE, &[one]),
        ),
        (
            "9afcb0de879bed7eb95d9d8ba90ff5f0b3575143e3511d035a145cdc64b2c61b",
            commitment(
                &salt,
                &ada,
                text.replace("\"negative\":\"\",", "").as_bytes(),
                &[one],
            ),
        ),
        (
            "ed661524815be1faff00d49cec3b8fefb0c6553cec81b6976f1f991609f46883",
            commitment(
                &salt,
                &ada,
                text.replace(" fox", " caf\u{e9}").as_bytes(),
                &[one],
            ),
        ),
        (
            "2a0e5919397e2237194a65757a81fbaeebd34c7838a9159d79de55eeceed2feb",
            commitment(
                &salt,
                &ada,
                text.replace(" fox", " cafe\u{301}").as_bytes(),
                &[one],
            ),
        ),
        (
            "80c634e1bacb61f62f4ab7d9c4ed34f18a37fefb1e5ce9fdf50af51b74f98f77",
            commitment(&salt, &ada, RECIPE, &[one, two]),
        ),
        (
            "94f28a1d73c164aeb7b002a28eb228f4d2d1eac6ad78b7ada0535b794f6d0571",
            commitment(&salt, &ada, RECIPE, &[two, one]),
        ),
    ];
    for (expected, found) in cases {
        assert_eq!(found, expected);
    }
    assert!(
        commit(&salt, &ada, RECIPE, &[]).is_err(),
        "a commitment without pictures is refused"
    );
}

#[test]
fn a_copied_commitment_cannot_be_opened_by_another() {
    let (salt, ada, ben) = (
        counting_salt(),
        secret(TEST_1).public(),
        secret(TEST_2).public(),
    );
    let sealed = commit(&salt, &ada, RECIPE, &[picture().blake3]).expect("one anchor");
    assert!(open(&sealed, &salt, &ada, RECIPE, &[picture().blake3]).is_ok());
    assert!(open(&sealed, &salt, &ben, RECIPE, &[picture().blake3]).is_err());
}

#[test]
fn the_leaf_matches_byte_for_byte() {
    let key = secret(TEST_1);
    let digest =
        commit(&counting_salt(), &key.public(), RECIPE, &[picture().blake3]).expect("one anchor");
    let message = message(ORIGIN, LeafKind::SealedRecipe, &digest);
    assert!(hex::encode(&message).starts_with("736565646d61726b2e6465762f6c6561662f7631006c6f672e736565646d61726b2e6578616d706c65000101ee30"));
    assert_eq!(message.len(), 76);
    let leaf = Leaf::sign(ORIGIN, LeafKind::SealedRecipe, digest, &key);
    assert_eq!(
        hex::encode(leaf.to_bytes()),
        "0101ee30f155b2e0894109fa2af8a0cc6b14eecba6a908e88e93bf62e84aba902f5921fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721\
         b963ce902a5481d7e7fcaf6911d20d7d0fe91bd4eddc6f2f759049bb27ec467f7861a559a70fd4dbd2d89daa0eb75f2a58f55d012e911438f2b35f6ceffc609006"
    );
    assert_eq!(
        leaf.hash().hex(),
        "e29c88d6be92113b5d3f50dea93fd2f966876b8d011058d368f1d614547f18ca"
    );
    leaf.verify(ORIGIN, &key.public())
        .expect("its own signature");
    assert!(
        leaf.verify("other.example", &key.public()).is_err(),
        "another log"
    );
    assert!(
        leaf.verify(ORIGIN, &secret(TEST_2).public()).is_err(),
        "another key"
    );
}

#[test]
fn the_pre_authentication_encoding_matches_the_dsse_vector() {
    let encoded = pae(
        "application/vnd.in-toto+json",
        br#"{"_type":"https://in-toto.io/Statement/v1"}"#,
    );
    assert_eq!(
        Digest::sha256(&encoded).hex(),
        "57dd565335c70baa2e9fc48a46e80907434e3c6ea2342ef806dad983891349cd"
    );
    assert_eq!(pae("a", b""), b"DSSEv1 1 a 0 ");
}

#[test]
fn the_dsse_signature_and_the_second_leaf_match_the_published_ones() {
    use base64::Engine as _;
    let body = br#"{"_type":"https://in-toto.io/Statement/v1"}"#;
    let signature = secret(TEST_1).sign(&pae("application/vnd.in-toto+json", body));
    assert_eq!(
        base64::engine::general_purpose::STANDARD.encode(signature),
        "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA=="
    );
    let ben = secret(TEST_2);
    let digest = commit(&counting_salt(), &ben.public(), RECIPE, &[picture().blake3]);
    let leaf = Leaf::sign(
        ORIGIN,
        LeafKind::SealedRecipe,
        digest.expect("one anchor"),
        &ben,
    );
    assert_eq!(
        leaf.hash().hex(),
        "f93ede54d37fd46ebdd2ebcc54d348c4ab126c1a92624ab0faeb8e714173fd38"
    );
}

#[test]
fn our_share_is_rounded_as_the_price_list_says() {
    assert_eq!(
        [1000, 499, 250, 0].map(|price| share(price, 1500)),
        [150, 75, 38, 0]
    );
}

#[test]
fn running_refunds_match_the_vector() {
    let parts = |tax, payee, share, promotion| Parts {
        tax,
        payee,
        share,
        promotion,
    };
    let line = parts(80, 850, 150, 0);
    assert_eq!(line.refunded(333), parts(24, 262, 47, 0));
    assert_eq!(line.refunded(1080), line);
    // Ten of which the platform paid two: half of what the buyer paid is half of everything.
    let discounted = parts(64, 850, 150, 200);
    assert_eq!(discounted.cash(), 864);
    assert_eq!(discounted.refunded(432), parts(32, 425, 75, 100));
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
}

/// Published by the BLAKE3 team (`test_vectors.json`): input length, hash, and `derive_key` under their context; on both sides of a
/// chunk's edge and of a tree's. Commitments and pixel digests rest on both modes.
const BLAKE3: [(usize, &str, &str); 8] = [
    (
        0,
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d",
    ),
    (
        1,
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
        "b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c",
    ),
    (
        1023,
        "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
        "74a16c1c3d44368a86e1ca6df64be6a2f64cce8f09220787450722d85725dea5",
    ),
    (
        1024,
        "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
        "7356cd7720d5b66b6d0697eb3177d9f8d73a4a5c5e968896eb6a689684302706",
    ),
    (
        1025,
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
        "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb",
    ),
    (
        2049,
        "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
        "2ea477c5515cc3dd606512ee72bb3e0e758cfae7232826f35fb98ca1bcbdf273",
    ),
    (
        4097,
        "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
        "aca51029626b55fda7117b42a7c211f8c6e9ba4fe5b7a8ca922f34299500ead8",
    ),
    (
        7169,
        "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817",
        "554b0a5efea9ef183f2f9b931b7497995d9eb26f5c5c6dad2b97d62fc5ac31d9",
    ),
];

#[test]
fn blake3_is_what_its_authors_publish() {
    for (length, hash, derived) in BLAKE3 {
        let input: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        assert_eq!(blake3::hash(&input).to_hex().as_str(), hash, "{length}");
        let context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
        assert_eq!(
            hex::encode(blake3::derive_key(context, &input)),
            derived,
            "{length}"
        );
    }
}

#[test]
fn a_fee_is_a_rate_and_a_fixed_part_and_never_more_than_the_price() {
    use schema::money::FeeSchedule;
    let schedule = FeeSchedule::new(1500, 0).expect("a schedule");
    let shares: Vec<i64> = [1000, 499, 250, 0]
        .map(|price| schedule.share(price))
        .into();
    assert_eq!(shares, [150, 75, 38, 0]);
    let schedule = FeeSchedule::new(1000, 50).expect("a schedule");
    let shares: Vec<i64> = [1000, 60, 50, 0].map(|price| schedule.share(price)).into();
    assert_eq!(
        shares,
        [150, 56, 50, 0],
        "what is free costs no fixed part either"
    );
    for (rate, fixed) in [(-1, 0), (10_001, 0), (0, -1)] {
        assert!(FeeSchedule::new(rate, fixed).is_err());
    }
}
