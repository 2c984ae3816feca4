//! A text in words.
//!
//! The one rule: a word knows where in the text it stands, so that it can be marked there.

use super::chinese;
use super::fold;
use super::stems;
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// No word is longer, in characters; what is longer is cut there.
const MAX_CHARACTERS: usize = 60;

/// What a word is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// Letters and digits.
    Letters,
    /// Chinese characters.
    Han,
    /// A picture of the character set.
    Emoji,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// What it is written in.
    pub(crate) script: Script,
    /// In one width, case and script; code points in hex where it is an emoji.
    pub(crate) kept: String,
    /// Without accents.
    pub(crate) folded: String,
    /// With ae for ä, where that is another word.
    pub(crate) spelled: Option<String>,
    /// Its English and its German stem; the same word for other scripts.
    pub(crate) stems: [String; 2],
    /// Words inside of it, where it is Chinese.
    pub(crate) parts: Vec<String>,
    /// Whether nothing but a hyphen is between it and the word before.
    pub(crate) hyphened: bool,
}

impl Token {
    fn new(range: Range<usize>, script: Script, kept: String) -> Self {
        let folded = fold::folded(&kept);
        let stems = match script {
            Script::Letters => [stems::english(&kept), stems::german(&kept)],
            _ => [kept.clone(), kept.clone()],
        };
        let parts = match script {
            Script::Han => chinese::parts(&kept),
            _ => Vec::new(),
        };
        Self {
            range,
            script,
            spelled: fold::spelled(&kept).filter(|spelled| *spelled != folded),
            folded,
            stems,
            parts,
            kept,
            hyphened: false,
        }
    }

    /// A word that stands in no text.
    pub(crate) fn alone(word: &str) -> Option<Self> {
        tokens(word).into_iter().next()
    }
}

fn is_emoji(character: char) -> bool {
    matches!(u32::from(character), 0x1f000..=0x1faff | 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x2300..=0x23ff | 0x203c | 0x2049)
}

/// Whether a character goes on with the emoji before it.
fn continues_emoji(character: char) -> bool {
    matches!(character, '\u{fe0f}' | '\u{200d}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Between,
    Word(Script),
}

fn kind_of(character: char) -> Kind {
    if chinese::is_han(character) {
        Kind::Word(Script::Han)
    } else if is_emoji(character) {
        Kind::Word(Script::Emoji)
    } else if character.is_alphanumeric() {
        Kind::Word(Script::Letters)
    } else {
        Kind::Between
    }
}

/// The words of a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        let Kind::Word(script) = kind_of(character) else {
            continue;
        };
        let (mut end, mut before, mut pairs) = (start + character.len_utf8(), character, 1);
        while let Some((at, next)) = characters.peek().copied() {
            let goes_on = match script {
                Script::Emoji => {
                    let flag = |it: char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&it);
                    let pair = flag(before) && flag(next) && pairs % 2 == 1;
                    pairs += usize::from(pair);
                    pair || continues_emoji(next) || (before == '\u{200d}' && is_emoji(next))
                }
                _ => kind_of(next) == Kind::Word(script) || is_combining_mark(next),
            };
            if !goes_on {
                break;
            }
            characters.next();
            before = next;
            end = at + next.len_utf8();
        }
        let first = tokens.len();
        push(&mut tokens, text, start..end, script);
        let hyphened = first > 0
            && matches!(
                text.get(tokens[first - 1].range.end..start),
                Some("-" | "‐" | "‑")
            );
        if let Some(token) = tokens.get_mut(first) {
            token.hyphened = hyphened;
        }
    }
    tokens
}

/// Adds the words of a run of one script.
fn push(tokens: &mut Vec<Token>, text: &str, range: Range<usize>, script: Script) {
    let run = &text[range.clone()];
    match script {
        Script::Letters => {
            let mut kept = fold::kept(run);
            if let Some((cut, _)) = kept.char_indices().nth(MAX_CHARACTERS) {
                kept.truncate(cut);
            }
            tokens.push(Token::new(range, script, kept));
        }
        Script::Emoji => {
            let points = run.chars().filter(|point| *point != '\u{fe0f}');
            let points = points.filter(|point| !('\u{1f3fb}'..='\u{1f3ff}').contains(point));
            let points: Vec<String> = points
                .map(|point| format!("{:04x}", u32::from(point)))
                .collect();
            tokens.push(Token::new(range, script, points.join("-")));
        }
        Script::Han => {
            // One character of the text is one of what is compared, so that places can be counted.
            let simple: String = run.chars().map(han).collect();
            let starts: Vec<usize> = run
                .char_indices()
                .map(|(at, _)| at)
                .chain([run.len()])
                .collect();
            for (first, last, word) in chinese::words(&simple) {
                let place = range.start + starts[first]..range.start + starts[last];
                let word = word.chars().take(MAX_CHARACTERS).collect();
                tokens.push(Token::new(place, script, word));
            }
        }
    }
}

/// A Chinese character in its one form.
fn han(character: char) -> char {
    let mut folded = fold::kept(character.encode_utf8(&mut [0; 4]))
        .chars()
        .collect::<Vec<_>>();
    match folded.len() {
        1 => folded.remove(0),
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::{Script, tokens};
    use proptest::prelude::*;

    #[test]
    fn a_text_falls_into_its_words_whatever_they_are_written_in() {
        let found = tokens("Ｔ-Shirt mit 貓頭鷹, 🐱‍👤 2x!");
        let kept: Vec<&str> = found.iter().map(|token| &*token.kept).collect();
        assert_eq!(
            kept,
            ["t", "shirt", "mit", "猫头鹰", "1f431-200d-1f464", "2x"]
        );
        assert!(found[1].hyphened && !found[2].hyphened);
        assert_eq!(found[3].script, Script::Han);
        let flags = tokens("🇩🇪🇨🇳");
        assert_eq!(flags.len(), 2, "{flags:?}");
        assert_eq!(flags[0].kept, "1f1e9-1f1ea");
    }

    proptest! {
        #[test]
        fn every_word_stands_where_it_says(text in ".{0,80}") {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.range.start >= end && token.range.end > token.range.start);
                prop_assert!(text.get(token.range.clone()).is_some());
                end = token.range.end;
            }
        }
    }
}
