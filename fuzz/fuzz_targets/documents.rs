//! Documents that strangers hand us: reading never panics, and canonical bytes come back as they came.
#![no_main]

use ledger::bundle::check;
use ledger::policy::Policy;
use schema::bundle::Bundle;
use schema::key::PublicKey;
use schema::key_file::KeyFile;
use schema::recipe::Recipe;
use schema::statement::Envelope;
use schema::template::Template;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(recipe) = Recipe::parse(bytes) {
        assert_eq!(recipe.to_bytes().as_deref().ok(), Some(bytes));
    }
    if let Ok(bundle) = Bundle::parse(bytes) {
        let _report = check(&bundle, &Policy::none(), u64::MAX);
    }
    let _key_file = KeyFile::parse(bytes);
    let _envelope = serde_json::from_slice::<Envelope>(bytes).map(|envelope| envelope.text());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _template = Template::parse(text, "template");
        if let Ok(key) = PublicKey::parse(text) {
            assert_eq!(key.to_string(), text);
        }
    }
});
