//! Marks in a text what a query found there.
//!
//! The one rule: what marks is what finds: the same words, stems and concepts.

use crate::plan::{Plan, Slot, Way};
use crate::terms::{ACCENTED, BROADER, CHARACTER, CONCEPT, PART, STEM, WORD};
use crate::words::compounds;
use crate::words::concepts::{self, Concept};
use crate::words::token::{Token, tokens};
use std::collections::HashSet;
use std::ops::Range;

/// The longest text that is marked, in bytes.
const MAX_BYTES: usize = 24_000;

/// Marks what fits a query.
#[derive(Clone, Debug, Default)]
pub struct Highlighter {
    words: HashSet<String>,
    concepts: HashSet<Concept>,
}

impl Highlighter {
    /// What a plan looks for.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut marks = Self::default();
        plan.slots.iter().for_each(|slot| marks.add(slot));
        marks
    }

    fn add(&mut self, slot: &Slot) {
        for way in &slot.ways {
            match way {
                Way::All(_, slots) => slots.iter().for_each(|slot| self.add(slot)),
                Way::Term(_, term) => {
                    let concept = term
                        .strip_prefix([CONCEPT, BROADER])
                        .and_then(|number| number.parse().ok());
                    match concept {
                        Some(concept) => drop(self.concepts.insert(concept)),
                        None => drop(self.words.insert(term.clone())),
                    }
                }
            }
        }
    }

    /// The byte ranges of `text` that fit, in order, without overlaps.
    #[must_use]
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        if text.len() > MAX_BYTES || (self.words.is_empty() && self.concepts.is_empty()) {
            return Vec::new();
        }
        let words = tokens(text);
        let mut fits: Vec<bool> = words.iter().map(|word| self.fits(word)).collect();
        for found in concepts::find(&words, None) {
            let meant = |concept: &Concept| {
                self.concepts.contains(concept)
                    || concepts::broader(*concept)
                        .iter()
                        .any(|broader| self.concepts.contains(broader))
            };
            if found.concepts.iter().any(meant) {
                fits[found.words].fill(true);
            }
        }
        let ranges = words.iter().zip(&fits).filter(|(_, fits)| **fits);
        let mut ranges: Vec<Range<usize>> = ranges
            .flat_map(|(word, _)| self.within(word, text))
            .collect();
        ranges.dedup_by(|next, before| {
            // Chinese words stand next to each other.
            let touches = before.end == next.start;
            if touches {
                before.end = next.end;
            }
            touches
        });
        ranges
    }

    /// The whole word, or only the characters that fit where no more does.
    fn within(&self, word: &Token, text: &str) -> Vec<Range<usize>> {
        if self.whole(word) || !self.by_character(word) {
            return vec![word.range.clone()];
        }
        let piece = text.get(word.range.clone()).unwrap_or_default();
        let characters = piece.char_indices().filter(|(_, character)| {
            let simple = crate::words::fold::simplified(*character);
            self.words.contains(&format!("{CHARACTER}{simple}"))
        });
        characters
            .map(|(at, character)| {
                word.range.start + at..word.range.start + at + character.len_utf8()
            })
            .collect()
    }

    fn fits(&self, word: &Token) -> bool {
        self.whole(word) || self.by_character(word)
    }

    fn whole(&self, word: &Token) -> bool {
        let has = |kind: char, text: &str| self.words.contains(&format!("{kind}{text}"));
        has(WORD, &word.folded)
            || has(ACCENTED, &word.kept)
            || word
                .spelled
                .as_ref()
                .is_some_and(|spelled| has(WORD, spelled))
            || word.stems.iter().any(|stem| has(STEM, stem))
            || word.parts.iter().any(|part| has(WORD, part))
            || self.concepts_in(word)
            || self.in_parts(word)
    }

    fn concepts_in(&self, word: &Token) -> bool {
        let found = concepts::find(std::slice::from_ref(word), None);
        found
            .iter()
            .flat_map(|found| &found.concepts)
            .any(|concept| self.concepts.contains(concept))
    }

    /// Whether a compound has a part that fits.
    fn in_parts(&self, word: &Token) -> bool {
        let parts = compounds::split(word, compounds::is_known).unwrap_or_default();
        parts
            .iter()
            .filter_map(|part| Token::alone(part))
            .any(|part| {
                let stem = format!("{PART}{}", part.stems[1]);
                self.words.contains(&stem)
                    || self.words.contains(&format!("{WORD}{}", part.folded))
                    || self.concepts_in(&part)
            })
    }

    fn by_character(&self, word: &Token) -> bool {
        let mut characters = word
            .kept
            .chars()
            .filter(|character| crate::words::chinese::is_han(*character));
        characters.any(|character| self.words.contains(&format!("{CHARACTER}{character}")))
    }

    /// A piece of a long text around what fits first, at most so many characters, as a byte range; the beginning where nothing fits.
    #[must_use]
    pub fn snippet(&self, text: &str, characters: usize) -> Range<usize> {
        let starts: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let count = starts.len() - 1;
        if count <= characters {
            return 0..text.len();
        }
        let first = self.ranges(text).first().map_or(0, |range| range.start);
        let first = starts.partition_point(|start| *start < first);
        // A third of the piece stands before what fits; it begins and ends between words.
        let mut from = first.saturating_sub(characters / 3).min(count - characters);
        let to = from + characters;
        let space = |at: usize| {
            text[starts[at]..starts[at + 1]]
                .chars()
                .all(char::is_whitespace)
        };
        if from > 0 {
            let words = (from..first).find(|at| space(*at));
            from = words.map_or(from, |at| at + 1);
        }
        let mut end = to;
        if to < count {
            let words = (first.max(from + 1)..to)
                .rev()
                .take(20)
                .find(|at| space(*at));
            end = words.unwrap_or(to);
        }
        starts[from]..starts[end.max(from)]
    }
}
