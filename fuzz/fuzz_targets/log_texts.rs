//! The log's text forms: reading never panics, and what was read is written as it was.
#![no_main]

use ledger::note::{Note, Signature, Verifier};
use ledger::policy::Policy;
use ledger::proof::TlogProof;
use ledger::witness::Request;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        let lines: String = note
            .signatures
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(format!("{}\n{lines}", note.text), text);
    }
    if let Ok(line) = Signature::parse(text) {
        assert_eq!(line.to_string(), text);
    }
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.to_string(), text.trim());
    }
    if let Ok(proof) = TlogProof::parse(text) {
        assert!(TlogProof::parse(&proof.to_text()).is_ok_and(|again| again == proof));
    }
    if let Ok(request) = Request::parse(text) {
        assert_eq!(request.to_text(), text);
    }
    if let Ok(policy) = Policy::parse(text) {
        let _verdict = policy.count(text, u64::MAX);
    }
});
