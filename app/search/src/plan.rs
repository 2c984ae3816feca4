//! What a query looks for: each word with everything that would do for it.
//!
//! The one rule: the dictionary is asked first, so that only what is there is looked for, a slip is forgiven only where nothing fits as it was
//! typed, and what was meant instead is known by the way.

use crate::terms::{
    self, ACCENTED, BROADER, CHARACTER, CONCEPT, Field, PART, STEM, WORD, concept_term,
};
use crate::text::Text;
use crate::words::compounds;
use crate::words::concepts::{self, Concept};
use crate::words::guesses;
use crate::words::stop;
use crate::words::token::{Script, Token, tokens};
use std::collections::BTreeSet;

/// How a word fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    /// With its accents, or as it has none.
    Word,
    /// But for accents.
    Unaccented,
    /// Inflected otherwise.
    Stem,
    /// Named otherwise.
    Concept,
    /// Begun.
    Prefix,
    /// As a part, or in parts.
    Part,
    /// Named otherwise, and begun.
    Begun,
    /// But for one slip.
    Slip,
    /// As something that is one of it.
    Broader,
    /// By its characters.
    Characters,
}

impl Fit {
    /// What it is worth, of 100.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::Word => 100,
            Self::Unaccented => 94,
            Self::Stem => 90,
            Self::Concept => 68,
            Self::Prefix => 62,
            Self::Part => 55,
            Self::Begun => 50,
            Self::Slip => 45,
            Self::Broader => 30,
            Self::Characters => 20,
        }
    }
}

/// One way for a word to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a term.
    Term(Fit, String),
    /// By all of these at once.
    All(Fit, Vec<Slot>),
}

/// One word of a query, or several that name one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// As it was typed.
    pub(crate) typed: String,
    /// What would do.
    pub(crate) ways: Vec<Way>,
}

/// A query, planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) slots: Vec<Slot>,
    /// The whole query, as whole titles are compared.
    pub(crate) whole: String,
    /// The query with its slips put right, where there were some.
    pub(crate) corrected: Option<String>,
}

/// The shortest word of which a slip is forgiven, and of which a second one is thought of, in characters.
const MIN_SLIP: usize = 5;
const MIN_SECOND_SLIP: usize = 8;
/// The shortest word of which something else is guessed, but not looked for.
const MIN_GUESS: usize = 4;
/// What counts as begun: at least two letters, or one Chinese character, and at most twenty.
const PREFIX: std::ops::RangeInclusive<usize> = 2..=20;
/// The most words whose slips are looked for; who mistypes more is not understood.
const MAX_SLIPS: usize = 4;

/// Plans a query.
pub(crate) fn plan(text: &Text, typed: &str) -> Plan {
    let mut words = tokens(typed);
    words.truncate(crate::query::MAX_QUERY_WORDS * 4);
    let whole = terms::whole(&words);
    let all_stop = words.iter().all(|word| stop::is_stop(&word.kept));
    let named = concepts::find(&words, None);
    let (mut slots, mut slips, mut put_right) = (Vec::new(), 0, Vec::new());
    for (at, word) in words.iter().enumerate() {
        if stop::is_stop(&word.kept) && !all_stop && at + 1 < words.len() {
            continue;
        }
        let found = named.iter().find(|found| found.words.contains(&at));
        let meant: &[Concept] = found.map_or(&[], |found| &found.concepts);
        let mut ways = ways(word, meant);
        joined(&words, at, &mut ways);
        if at + 1 == words.len() {
            let alone = !ways.iter().any(|way| is_there(text, way));
            begun(text, word, alone, &mut ways);
        }
        // A name of something is not taken apart: a sunflower is no sun with a flower.
        if meant.is_empty() {
            ways.extend(taken_apart(text, word, compounds::is_known));
        }
        let there = |ways: &[Way]| ways.iter().any(|way| is_there(text, way));
        if !there(&ways) {
            ways.extend(taken_apart(text, word, |part| {
                compounds::is_known(part) || is_word(text, part)
            }));
        }
        if !there(&ways) && word.script == Script::Han {
            ways.push(Way::All(Fit::Characters, characters(&word.kept)));
        }
        if !there(&ways) && slips < MAX_SLIPS {
            slips += 1;
            let near = near(text, word);
            if let Some(best) = near.shown.filter(|best| *best != word.kept) {
                put_right.push((word.range.clone(), best));
            }
            ways.extend(near.ways);
        }
        slots.push(Slot {
            typed: typed[word.range.clone()].to_owned(),
            ways,
        });
    }
    let corrected = (!put_right.is_empty()).then(|| {
        let mut corrected = typed.to_owned();
        for (range, word) in put_right.into_iter().rev() {
            corrected.replace_range(range, &word);
        }
        corrected
    });
    Plan {
        slots,
        whole,
        corrected,
    }
}

/// A word as it stands: itself, its stems, what it names.
fn ways(word: &Token, meant: &[Concept]) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut add = |fit: Fit, kind: char, word: &str| {
        let way = Way::Term(fit, format!("{kind}{word}"));
        if !ways.contains(&way) {
            ways.push(way);
        }
    };
    if word.script != Script::Emoji {
        let accented = word.kept != word.folded;
        if accented {
            add(Fit::Word, ACCENTED, &word.kept);
        }
        add(
            if accented { Fit::Unaccented } else { Fit::Word },
            WORD,
            &word.folded,
        );
        if let Some(spelled) = &word.spelled {
            add(Fit::Unaccented, WORD, spelled);
        }
    }
    if word.script == Script::Letters {
        for stem in &word.stems {
            add(Fit::Stem, STEM, stem);
        }
    }
    if word.script != Script::Emoji {
        add(Fit::Part, PART, &word.stems[1]);
    }
    if word.script == Script::Han && word.kept.chars().nth(1).is_none() {
        add(Fit::Characters, CHARACTER, &word.kept);
    }
    for concept in meant {
        ways.push(Way::Term(Fit::Concept, concept_term(CONCEPT, *concept)));
        ways.push(Way::Term(Fit::Broader, concept_term(BROADER, *concept)));
        let kinds = concepts::pictures_of(*concept);
        ways.extend(kinds.map(|kind| Way::Term(Fit::Broader, concept_term(CONCEPT, kind))));
    }
    ways
}

/// Words that stand together in one word: snow man is a snowman.
fn joined(words: &[Token], at: usize, ways: &mut Vec<Way>) {
    let pair = |first: usize| {
        Some(format!(
            "{WORD}{}{}",
            words.get(first)?.folded,
            words.get(first + 1)?.folded
        ))
    };
    let letters = |at: usize| {
        words
            .get(at)
            .is_some_and(|word| word.script == Script::Letters)
    };
    if !letters(at) {
        return;
    }
    let before = at
        .checked_sub(1)
        .filter(|before| letters(*before))
        .and_then(pair);
    let after = letters(at + 1).then(|| pair(at)).flatten();
    ways.extend(
        [before, after]
            .into_iter()
            .flatten()
            .map(|term| Way::Term(Fit::Stem, term)),
    );
}

/// Words that begin as the last one of a query does.
fn begun(text: &Text, word: &Token, alone: bool, ways: &mut Vec<Way>) {
    let count = word.folded.chars().count();
    let enough = PREFIX.contains(&count) || (count == 1 && word.script == Script::Han);
    if !enough || word.script == Script::Emoji {
        return;
    }
    let prefix = format!("{WORD}{}", word.folded);
    let mut seen = BTreeSet::new();
    for field in [
        Field::Title,
        Field::Tags,
        Field::Creator,
        Field::Category,
        Field::Variables,
        Field::Description,
    ] {
        for (term, _) in text.words_from(field, &prefix) {
            if term != prefix && seen.insert(term.clone()) {
                ways.push(Way::Term(Fit::Prefix, term));
            }
        }
    }
    // What something is called that begins so, in whatever language; where it is a word of its own, that is what is meant.
    if alone && (count >= 4 || word.script == Script::Han) {
        for concept in guesses::begun(&word.folded) {
            ways.push(Way::Term(Fit::Begun, concept_term(CONCEPT, concept)));
        }
    }
}

/// A compound by its parts.
fn taken_apart(text: &Text, word: &Token, known: impl Fn(&str) -> bool) -> Option<Way> {
    let parts: Vec<String> = match word.script {
        Script::Letters => compounds::split(word, known)?,
        Script::Han => halves(text, &word.kept)?,
        Script::Emoji => return None,
    };
    let slot = |part: String| {
        let word = Token::alone(&part)?;
        let meant: Vec<Concept> = concepts::find(std::slice::from_ref(&word), None)
            .into_iter()
            .flat_map(|found| found.concepts)
            .collect();
        Some(Slot {
            typed: part,
            ways: ways(&word, &meant),
        })
    };
    let slots: Vec<Slot> = parts.into_iter().map(slot).collect::<Option<_>>()?;
    Some(Way::All(Fit::Part, slots))
}

/// A Chinese word as two that are in the dictionary.
fn halves(text: &Text, word: &str) -> Option<Vec<String>> {
    let cuts = word.char_indices().skip(1).map(|(at, _)| word.split_at(at));
    let mut cuts = cuts.filter(|(first, second)| {
        let known = |part: &str| {
            is_word(text, part)
                || Token::alone(part).is_some_and(|part| !concepts::find(&[part], None).is_empty())
        };
        known(first) && known(second)
    });
    cuts.next()
        .map(|(first, second)| vec![first.to_owned(), second.to_owned()])
}

fn characters(word: &str) -> Vec<Slot> {
    let slot = |character: char| Slot {
        typed: character.to_string(),
        ways: vec![Way::Term(
            Fit::Characters,
            format!("{CHARACTER}{character}"),
        )],
    };
    word.chars().take(8).map(slot).collect()
}

/// Whether any listing has a way, for all that the dictionary says.
fn is_there(text: &Text, way: &Way) -> bool {
    match way {
        Way::Term(_, term) => Field::ALL
            .into_iter()
            .any(|field| text.frequency(field, term) > 0),
        Way::All(_, slots) => slots
            .iter()
            .all(|slot| slot.ways.iter().any(|way| is_there(text, way))),
    }
}

/// Whether a folded word is in the dictionary.
fn is_word(text: &Text, word: &str) -> bool {
    let term = format!("{WORD}{word}");
    [Field::Title, Field::Tags, Field::Category, Field::Variables]
        .into_iter()
        .any(|field| text.frequency(field, &term) > 0)
}

/// What is a slip away.
#[derive(Default)]
struct Near {
    ways: Vec<Way>,
    /// The likeliest, as it is shown.
    shown: Option<String>,
}

/// Words a slip away: of the dictionary, and names of concepts in any language.
fn near(text: &Text, word: &Token) -> Near {
    let mut near = Near::default();
    let count = word.folded.chars().count();
    if word.script != Script::Letters || count < MIN_GUESS || count > *PREFIX.end() {
        return near;
    }
    let mut best: Option<(u64, String)> = None;
    let mut better = |score: u64, shown: &str| {
        if best.as_ref().is_none_or(|(now, _)| score > *now) {
            best = Some((score, shown.to_owned()));
        }
    };
    let mut spellings = vec![word.folded.clone()];
    spellings.extend(word.spelled.clone());
    for spelling in spellings {
        let term = format!("{WORD}{spelling}");
        for field in [
            Field::Title,
            Field::Tags,
            Field::Creator,
            Field::Category,
            Field::Variables,
            Field::Description,
        ] {
            for (found, count) in text.words_near(field, &term, 1) {
                better(
                    u64::from(count),
                    guesses::spelling(&found[1..]).unwrap_or(&found[1..]),
                );
                let way = Way::Term(Fit::Slip, found);
                if !near.ways.contains(&way) {
                    near.ways.push(way);
                }
            }
        }
        for (concept, name) in guesses::near(&spelling, 1) {
            // Names of things are likelier than whatever else somebody wrote, where both are as near.
            let there = is_there(text, &Way::Term(Fit::Slip, concept_term(CONCEPT, concept)));
            better(if there { 1_000_000 } else { 1 }, name);
            near.ways
                .push(Way::Term(Fit::Slip, concept_term(CONCEPT, concept)));
            near.ways
                .push(Way::Term(Fit::Slip, concept_term(BROADER, concept)));
        }
    }
    let nothing = !near.ways.iter().any(|way| is_there(text, way));
    if nothing && count >= MIN_SECOND_SLIP {
        let term = format!("{WORD}{}", word.folded);
        for field in [Field::Title, Field::Tags] {
            if let Some((found, count)) = text.words_near(field, &term, 2).into_iter().next() {
                better(
                    u64::from(count),
                    guesses::spelling(&found[1..]).unwrap_or(&found[1..]),
                );
            }
        }
        if let Some((_, name)) = guesses::near(&word.folded, 2).into_iter().next() {
            better(10, name);
        }
    }
    near.shown = best.map(|(_, shown)| shown);
    if count < MIN_SLIP {
        near.ways.clear();
    }
    near
}
