//! What a person types to open something, however their keyboard composes its letters.
//!
//! The one rule: what is derived from a passphrase is derived from its composed form (NFC), so that "ö" as one character and as two
//! open the same file. What was made before this rule is opened by the other spellings.

use zeroize::Zeroize as _;

/// A passphrase in all its spellings. Wiped when dropped.
pub struct Passphrase {
    composed: String,
    others: Vec<String>,
}

impl Passphrase {
    /// Takes what was typed.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn new(typed: &str) -> Self {
        use unicode_normalization::UnicodeNormalization as _;
        Self::of(
            typed.nfc().collect(),
            typed.to_owned(),
            typed.nfd().collect(),
        )
    }

    /// Takes the spellings from a platform that has tables of its own: browsers do, and ours would double what they load.
    #[must_use]
    pub fn of(composed: String, typed: String, decomposed: String) -> Self {
        let mut others: Vec<String> = Vec::new();
        for mut spelling in [typed, decomposed] {
            if spelling == composed || others.contains(&spelling) {
                spelling.zeroize();
            } else {
                others.push(spelling);
            }
        }
        Self { composed, others }
    }

    /// The one that keys are derived from.
    #[must_use]
    pub fn composed(&self) -> &str {
        &self.composed
    }

    /// The other spellings, which only open what is there already.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.others
    }
}

impl Drop for Passphrase {
    fn drop(&mut self) {
        self.composed.zeroize();
        self.others.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;
    use crate::key_file::KeyFile;

    const COMPOSED: &str = "sch\u{f6}ner Schl\u{fc}ssel";
    const DECOMPOSED: &str = "scho\u{308}ner Schlu\u{308}ssel";

    #[test]
    fn a_letter_typed_as_one_character_or_as_two_opens_the_same_key() {
        let secret = SecretKey::from_bytes([7; 32]);
        for (sealed, typed) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
            let file = KeyFile::seal(&secret, &Passphrase::new(sealed), &[1; 40]).expect("sealed");
            assert!(file.open(&Passphrase::new(typed)).is_ok(), "{typed:?}");
            assert!(file.open(&Passphrase::new("scho ner Schlussel")).is_err());
        }
    }

    #[test]
    fn a_key_that_was_sealed_as_typed_is_opened_by_either_spelling() {
        let secret = SecretKey::from_bytes([7; 32]);
        let raw = |text: &str| Passphrase::of(text.into(), text.into(), text.into());
        for sealed in [COMPOSED, DECOMPOSED] {
            let file = KeyFile::seal(&secret, &raw(sealed), &[1; 40]).expect("sealed");
            for typed in [COMPOSED, DECOMPOSED] {
                assert!(file.open(&Passphrase::new(typed)).is_ok(), "{typed:?}");
            }
        }
    }

    #[test]
    fn a_plain_passphrase_has_one_spelling() {
        let plain = Passphrase::new("correct horse");
        assert_eq!(
            (plain.composed(), plain.others().len()),
            ("correct horse", 0)
        );
    }
}
