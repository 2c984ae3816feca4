//! What a sceptic does at home with a downloaded bundle, and what any change to it leads to.

use crate::harness::server::{seedmark, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::Path;

/// Verifies and reproduces a bundle with the command line tool alone, then changes it everywhere.
pub(crate) fn check_offline(bundle: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("moods.seedmark");
    std::fs::write(&file, bundle).expect("written");
    let path = file.to_string_lossy().into_owned();
    let verified = seedmark(&["verify", &path], folder.path());
    assert!(verified.status.success(), "{}", text(&verified));
    assert!(text(&verified).contains("everything checked holds") && !text(&verified).contains('✗'));
    assert!(
        String::from_utf8_lossy(&verified.stderr).contains("came from this file itself"),
        "first use is said aloud"
    );

    let parsed: Value = serde_json::from_str(bundle).expect("a bundle");
    let policy = folder.path().join("policy");
    std::fs::write(
        &policy,
        format!(
            "log {}\nquorum none\n",
            parsed["log_key"].as_str().expect("a key")
        ),
    )
    .expect("written");
    let policy = policy.to_string_lossy().into_owned();
    let trusted = seedmark(&["verify", &path, "--policy", &policy], folder.path());
    assert!(trusted.status.success() && text(&trusted).contains("as your policy says"));

    let reproduced = seedmark(&["reproduce", &path, "--json"], folder.path());
    assert!(
        reproduced.status.success() && text(&reproduced).contains("\"outcome\":\"exact\""),
        "{}",
        text(&reproduced)
    );
    tamper(&parsed, &policy, folder.path(), true);
}

/// Flips one byte in each part; the failing check's name must be among those that fit the part. Only what was bought has a licence.
pub(crate) fn tamper(bundle: &Value, policy: &str, folder: &Path, licensed: bool) {
    let parts: [(&str, bool, &[&str]); 13] = [
        (
            "/sealed/leaf",
            true,
            &["leaf", "inclusion", "listing statement", "format"],
        ),
        ("/sealed/proof", false, &["checkpoint", "inclusion"]),
        ("/listing/statement/payload", true, &["listing statement"]),
        (
            "/listing/statement/signatures/0/sig",
            true,
            &["listing statement"],
        ),
        ("/listing/leaf", true, &["listing leaf"]),
        (
            "/listing/proof",
            false,
            &["listing checkpoint", "listing inclusion"],
        ),
        ("/certification/statement/payload", true, &["certification"]),
        ("/certification/logged/leaf", true, &["certification leaf"]),
        (
            "/certification/logged/proof",
            false,
            &["certification checkpoint", "certification inclusion"],
        ),
        ("/owner/recipe", true, &["recipe", "commitment"]),
        ("/owner/salt", true, &["commitment"]),
        ("/owner/licence/document", true, &["licence"]),
        (
            "/owner/licence/logged/leaf",
            true,
            &["licence", "licence leaf"],
        ),
    ];
    let held = parts
        .into_iter()
        .filter(|(pointer, ..)| licensed || !pointer.starts_with("/owner/licence"));
    for (pointer, encoded, expected) in held {
        let original = bundle
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} is missing"));
        let length = if encoded {
            STANDARD.decode(original).expect("base64").len()
        } else {
            original.len()
        };
        for at in [0, length / 3, length / 2, length - 2] {
            let changed = flip(original, encoded, at);
            let mut copy = bundle.clone();
            *copy.pointer_mut(pointer).expect("the part") = Value::String(changed);
            let names = failing(&copy, policy, folder);
            assert!(
                names.iter().any(|name| expected.contains(&name.as_str())),
                "{pointer} at {at}: {names:?}"
            );
        }
    }
}

fn flip(text: &str, encoded: bool, at: usize) -> String {
    if encoded {
        let mut bytes = STANDARD.decode(text).expect("base64");
        bytes[at] ^= 1;
        return STANDARD.encode(bytes);
    }
    let mut bytes = text.as_bytes().to_vec();
    // Stay in ASCII, so that the change is the proof's and not the JSON's.
    let at = (at..bytes.len())
        .chain(0..at)
        .find(|at| bytes[*at].is_ascii_alphanumeric())
        .expect("a letter");
    bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
    String::from_utf8(bytes).expect("ASCII was changed to ASCII")
}

/// The names of the checks that fail; at least one must.
fn failing(bundle: &Value, policy: &str, folder: &Path) -> Vec<String> {
    let file = folder.join("changed.seedmark");
    // serde_json keeps keys sorted, so only the change itself is left for a check to find.
    std::fs::write(&file, serde_json::to_string(bundle).expect("plain data")).expect("written");
    let output = seedmark(
        &[
            "verify",
            &file.to_string_lossy(),
            "--policy",
            policy,
            "--json",
        ],
        folder,
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report: Value = serde_json::from_str(&text(&output)).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    checks
        .iter()
        .filter(|check| check["verdict"] == "failed")
        .map(|check| check["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}
