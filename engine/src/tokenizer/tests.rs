//! The queue of merges against the plain loop that looks through the whole word for each merge, and how the work grows.

use super::Tokenizer;
use crate::error::ErrorKind;
use proptest::prelude::*;
use std::sync::LazyLock;

static EMBEDDED: LazyLock<Tokenizer> = LazyLock::new(|| {
    Tokenizer::parse(include_bytes!("../../model/files/tokenizer.json")).expect("our tokenizer")
});

/// One word by the definition: of all neighbours that may merge, the pair of least rank, and of equal ones the leftmost.
fn merge_plainly(tokenizer: &Tokenizer, word: &str) -> Vec<i64> {
    let mut ids = tokenizer
        .symbols(word, usize::MAX)
        .expect("there is no limit");
    loop {
        let pairs = ids.windows(2).enumerate();
        let best = pairs
            .filter_map(|(at, pair)| {
                let (rank, merged) = tokenizer.ranks.get(&(pair[0], pair[1]))?;
                Some((*rank, at, *merged))
            })
            .min();
        let Some((_, at, merged)) = best else {
            return ids;
        };
        ids[at] = merged;
        ids.remove(at + 1);
    }
}

fn steps(text: &str, limit: usize) -> (Option<Vec<i64>>, u64) {
    let mut steps = 0;
    let ids = EMBEDDED.encode_counted(text, limit, &mut steps);
    (ids, steps)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn every_word_has_the_tokens_of_the_plain_loop(
        word in prop_oneof!["[a-z]{0,60}", "[abn]{0,60}", "(ab|aba|an|ana|the|ing){0,20}", "[a-zäöüß0-9]{0,40}", "[ㄱ-ㅣа-яα-ω]{0,20}", "[!-/:-@]{0,30}"],
    ) {
        // What the tokenizer takes for one word, so that both see the same symbols.
        let whole = EMBEDDED.words.find(&word).map(|found| found.as_str()).unwrap_or_default();
        let mut seen = 0;
        let symbols = EMBEDDED.symbols(whole, usize::MAX).expect("there is no limit");
        let merged = super::merge(&symbols, &EMBEDDED.ranks, &mut seen);
        prop_assert_eq!(merged, merge_plainly(&EMBEDDED, whole));
    }

    #[test]
    fn a_limit_refuses_exactly_what_has_more_tokens(text in "[a-z苹果 ,]{0,80}", limit in 0usize..40) {
        let all = EMBEDDED.encode(&text);
        let (within, _) = steps(&text, limit);
        prop_assert_eq!(within, (all.len() <= limit).then_some(all));
    }
}

#[test]
fn the_work_grows_with_the_words_length_and_not_with_its_square() {
    for word in ["ab", "ana", "x", "the", "苹果", "🍎", "!?"] {
        let (short, long) = (word.repeat(500), word.repeat(4000));
        let (few, many) = (steps(&short, usize::MAX).1, steps(&long, usize::MAX).1);
        assert!(few > 0, "{word}");
        assert!(
            many <= 10 * few,
            "{word}: {few} steps, and {many} for eight times the text"
        );
    }
}

#[test]
fn a_text_that_cannot_fit_is_refused_before_it_is_merged() {
    let (ids, steps) = steps(&"ab".repeat(7000), 32);
    assert_eq!((ids, steps), (None, 0), "one word too long");
    let words = "red apple ".repeat(1500);
    let (ids, steps) = self::steps(&words, 32);
    assert!(
        ids.is_none() && steps < 500,
        "{steps} steps for a text of {} bytes",
        words.len()
    );
    for huge in [" ".repeat(80_000), "ab".repeat(40_000)] {
        let error = EMBEDDED.encode_padded(&huge, 32).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::PromptTooLong);
    }
}
