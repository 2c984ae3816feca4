//! Pictures that strangers hand us: reading never panics, and what was read comes back out of our own text.
#![no_main]

use engine::metadata::{Found, NoiseSource, a1111_text, read, read_choice, read_text};

fn check(found: Option<Found>, again: impl Fn(&str) -> Option<Found>) {
    let Some(found) = found else {
        return;
    };
    for choice in &found.choices {
        let _chosen = again(&choice.node);
    }
    let text = a1111_text(&found);
    if text.len() > engine::metadata::MAX_TEXT {
        return;
    }
    let read = read_text(&text)
        .ok()
        .flatten()
        .expect("what we write can be read");
    assert_eq!(read.prompt, found.prompt);
    assert_eq!(read.negative, found.negative);
    assert_eq!(read.seed, found.seed);
    assert_eq!(read.steps, found.steps);
    if let Some(NoiseSource::Known(_)) = found.noise {
        assert!(read.noise == found.noise || found.seed.is_none());
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(read(bytes).ok().flatten(), |node| {
        read_choice(bytes, node).ok().flatten()
    });
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(read_text(text).ok().flatten(), |_| None);
    }
});
