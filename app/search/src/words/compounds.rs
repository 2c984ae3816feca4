//! German compounds: Katzenaufkleber is a Katze and an Aufkleber.
//!
//! The one rule: a word is split only where every part is a word of its own, with nothing between but what German puts there.

use super::concepts::all_names;
use super::fold::folded;
use super::token::{Script, Token};
use crate::language::Language;
use std::collections::HashSet;
use std::sync::LazyLock;

/// The shortest part, in bytes of its folded form.
const MIN_PART: usize = 3;
/// The shortest word that is split.
const MIN_WORD: usize = 7;
/// The most parts.
const MAX_PARTS: usize = 4;
/// What may stand between parts.
const LINKS: [&str; 7] = ["", "n", "s", "en", "es", "er", "e"];

/// Names of concepts that are one word.
static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let names = all_names(Language::German).chain(all_names(Language::English));
    let words = names.map(|(_, name)| folded(&super::fold::kept(name)));
    words
        .filter(|word| {
            word.len() >= MIN_PART && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
        .collect()
});

/// Whether a folded word is the name of something.
pub(crate) fn is_known(word: &str) -> bool {
    WORDS.contains(word)
}

/// The parts of a word, folded, where all of them are known; nothing where it is no compound.
pub(crate) fn split(word: &Token, known: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let whole = &*word.folded;
    let letters = whole.bytes().all(|byte| byte.is_ascii_alphabetic());
    if word.script != Script::Letters || whole.len() < MIN_WORD || !letters {
        return None;
    }
    // Words of a dictionary are asked for often; each place of the word is asked about once.
    let mut best: Vec<Option<Vec<String>>> = vec![None; whole.len() + 1];
    best[whole.len()] = Some(Vec::new());
    for start in (0..=whole.len() - MIN_PART).rev() {
        for end in (start + MIN_PART..=whole.len()).rev() {
            if start == 0 && end == whole.len() {
                continue;
            }
            let Some(part) = part(&whole[start..end], end == whole.len(), &known) else {
                continue;
            };
            for link in LINKS {
                let next = end + link.len();
                if !whole[end..].starts_with(link) || (end == whole.len() && !link.is_empty()) {
                    continue;
                }
                let Some(Some(rest)) = best.get(next) else {
                    continue;
                };
                if next == whole.len() && !link.is_empty() {
                    continue;
                }
                let fewer = best[start]
                    .as_ref()
                    .is_none_or(|now| rest.len() + 1 < now.len());
                if fewer && rest.len() < MAX_PARTS {
                    let mut parts = vec![part.clone()];
                    parts.extend(rest.iter().cloned());
                    best[start] = Some(parts);
                }
            }
        }
    }
    best.swap_remove(0).filter(|parts| parts.len() > 1)
}

/// The word that a part is: itself; without an ending, when it is the last; with the e that a compound drops, when it is not.
fn part(text: &str, last: bool, known: &impl Fn(&str) -> bool) -> Option<String> {
    if known(text) {
        return Some(text.to_owned());
    }
    let shorter = ["n", "en", "e", "s", "er"].iter().filter(|_| last);
    let mut shorter = shorter.filter_map(|ending| text.strip_suffix(ending));
    if let Some(word) = shorter.find(|word| word.len() > MIN_PART && known(word)) {
        return Some(word.to_owned());
    }
    let dropped = format!("{text}e");
    (!last && text.len() > MIN_PART && known(&dropped)).then_some(dropped)
}

#[cfg(test)]
mod tests {
    use super::{is_known, split};
    use crate::words::token::Token;

    fn parts(word: &str) -> Vec<String> {
        split(&Token::alone(word).expect("a word"), is_known).unwrap_or_default()
    }

    #[test]
    fn a_compound_is_its_parts() {
        assert_eq!(parts("Katzenaufkleber"), ["katze", "aufkleber"]);
        assert_eq!(parts("Katzenaufklebern"), ["katze", "aufkleber"]);
        assert_eq!(parts("Geburtstagstorte"), ["geburtstag", "torte"]);
        assert_eq!(parts("Herzensticker"), ["herz", "sticker"]);
        assert_eq!(parts("Kirschtorte"), ["kirsche", "torte"]);
        assert_eq!(parts("Pizzastickerset"), ["pizza", "sticker", "set"]);
    }

    #[test]
    fn what_is_no_compound_stays_whole() {
        for word in [
            "Einladungen",
            "Katze",
            "background",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "sticker",
        ] {
            assert!(parts(word).is_empty(), "{word}: {:?}", parts(word));
        }
    }
}
