//! Stems of English and German words, by Snowball.
//!
//! The one rule: nobody knows in which language a word of a query is, so both stems of every word count.

use frostem::{Algorithm, Stemmer};
use std::sync::LazyLock;

static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::English));
static GERMAN: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::German));

/// The longest word that is stemmed, in bytes; what is longer is no word.
const MAX_BYTES: usize = 60;

/// The English stem.
pub(crate) fn english(kept: &str) -> String {
    match kept.len() <= MAX_BYTES {
        true => ENGLISH.stem(kept).into_owned(),
        false => kept.to_owned(),
    }
}

/// The German stem; its vowels have no dots.
pub(crate) fn german(kept: &str) -> String {
    match kept.len() <= MAX_BYTES {
        true => super::fold::folded(&GERMAN.stem(kept)),
        false => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{english, german};

    #[test]
    fn what_is_inflected_has_the_stem_of_what_is_not() {
        assert_eq!(english("cats"), english("cat"));
        assert_eq!(english("cherries"), english("cherry"));
        assert_eq!(german("katzen"), german("katze"));
        assert_eq!(german("häuser"), german("haus"));
        assert_eq!(german("bären"), german("bär"));
        assert_eq!(german("baeren"), german("bär"));
        assert_eq!(german("äpfel"), german("apfel"));
    }
}
