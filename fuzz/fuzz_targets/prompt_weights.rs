//! Prompts with weights: reading never panics, no text appears from nowhere, and what was read is written as it was meant.
#![no_main]

use engine::text::parse;

libfuzzer_sys::fuzz_target!(|prompt: &str| {
    let Ok(runs) = parse(prompt) else { return };
    assert!(runs.windows(2).all(|pair| pair[0].weight != pair[1].weight));
    assert!(runs.iter().map(|run| run.text.len()).sum::<usize>() <= prompt.len());
    for run in runs {
        assert!(run.weight.is_finite());
        let mut escaped = String::new();
        for character in run.text.chars() {
            if r"()[]\".contains(character) {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        // Without its brackets a text may have become a keyword, or too long.
        if let Ok(again) = parse(&escaped) {
            assert_eq!(again.len(), 1);
            assert_eq!(again[0].text, run.text);
        }
    }
});
