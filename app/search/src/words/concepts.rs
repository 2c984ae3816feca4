//! Concepts: what is meant, in whatever language it is said, so that cat, Katze and 猫 meet.
//!
//! The one rule: the longest name wins, and a name is whole words: a hot dog is no dog.

use super::fold;
use super::names::ROWS;
use super::token::{Script, Token, tokens};
use crate::language::Language;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

/// A concept's place in the list.
pub(crate) type Concept = u16;

/// The most words of a name.
const MAX_WORDS: usize = 6;
/// How short a name may be that stands in a text of another language: German "hat" is no hat.
const MIN_FOREIGN_CHARACTERS: usize = 5;
/// How short a German name may be that is typed without its dots: a bar is no Bär.
const MIN_UNDOTTED_CHARACTERS: usize = 4;

/// A name as it is looked for.
struct Name {
    concept: Concept,
    language: Language,
    kept: String,
}

struct Table {
    /// Names by their stems, by language.
    names: HashMap<String, Vec<Name>>,
    /// The first words of names of several.
    first: HashSet<String>,
    /// Emoji by their code points.
    emoji: HashMap<&'static str, Concept>,
    /// What each concept is one of, however far.
    broader: Vec<Vec<Concept>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

fn build() -> Table {
    let place = |at: usize| Concept::try_from(at).unwrap_or(Concept::MAX);
    let emoji: HashMap<&str, Concept> = (0..)
        .zip(ROWS.iter())
        .map(|(at, row)| (row.id, place(at)))
        .collect();
    let (mut names, mut first) = (HashMap::<String, Vec<Name>>::new(), HashSet::new());
    for (at, row) in ROWS.iter().enumerate() {
        for (language, list) in Language::ALL.into_iter().zip(&row.names) {
            for name in list {
                let words = tokens(name);
                if let [one, .., _] = &*words {
                    first.insert(key(language, std::slice::from_ref(one)));
                }
                let kept = spoken(&words);
                let entry = names.entry(key(language, &words)).or_default();
                entry.push(Name {
                    concept: place(at),
                    language,
                    kept,
                });
            }
        }
    }
    let direct = |at: Concept| {
        let row = ROWS.get(usize::from(at));
        let ids = row.map_or(&[][..], |row| &*row.broader);
        ids.iter().filter_map(|id| emoji.get(id).copied())
    };
    let broader = (0..ROWS.len())
        .map(|at| {
            let mut all: Vec<Concept> = Vec::new();
            let mut open: Vec<Concept> = direct(place(at)).collect();
            while let Some(next) = open.pop() {
                if !all.contains(&next) && next != place(at) {
                    all.push(next);
                    open.extend(direct(next));
                }
            }
            all
        })
        .collect();
    Table {
        names,
        first,
        emoji,
        broader,
    }
}

/// Words as they are compared when stems are equal.
fn spoken(words: &[Token]) -> String {
    let kept: Vec<&str> = words.iter().map(|word| &*word.kept).collect();
    kept.join(" ")
}

/// Stems of words, under the language whose stems they are. Chinese words are written without spaces.
fn key(language: Language, words: &[Token]) -> String {
    let (stem, between) = match language {
        Language::English => (0, " "),
        Language::German => (1, " "),
        Language::Chinese => (0, ""),
    };
    let mut key = language.tag().to_owned();
    for word in words {
        key.push_str(between);
        key.push_str(&word.stems[stem]);
    }
    key
}

/// A concept, and the words that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which words.
    pub(crate) words: Range<usize>,
    /// What they name: several where one name has several meanings.
    pub(crate) concepts: Vec<Concept>,
}

/// What the words of a text name. `of` is the language of the text, where it is known.
pub(crate) fn find(words: &[Token], of: Option<Language>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match longest(&words[at..], of) {
            Some((length, concepts)) => {
                found.push(Found {
                    words: at..at + length,
                    concepts,
                });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn longest(words: &[Token], of: Option<Language>) -> Option<(usize, Vec<Concept>)> {
    let first = words.first()?;
    if first.script == Script::Emoji {
        let concept = TABLE.emoji.get(&*first.kept).or_else(|| {
            let alone = first.kept.split("-200d").next().unwrap_or_default();
            TABLE.emoji.get(alone)
        })?;
        return Some((1, vec![*concept]));
    }
    let several = |language: Language| {
        first.script == Script::Han
            || TABLE
                .first
                .contains(&key(language, std::slice::from_ref(first)))
    };
    let goes_on = Language::ALL.into_iter().any(several);
    let most = if goes_on {
        MAX_WORDS.min(words.len())
    } else {
        1
    };
    for length in (1..=most).rev() {
        let said = &words[..length];
        let mut concepts = Vec::new();
        for language in Language::ALL {
            let han = said.iter().all(|word| word.script == Script::Han);
            if (language == Language::Chinese) != han
                && !(language == Language::Chinese && length > 1)
            {
                continue;
            }
            let names = TABLE.names.get(&key(language, said)).into_iter().flatten();
            let fitting: Vec<&Name> = names.filter(|name| fits(name, said, of)).collect();
            // What is said as it is written is that, and not what has its stem: a Zauberer is no Zauber.
            let spoken = spoken(said);
            let exact = fitting.iter().any(|name| name.kept == spoken);
            let meant = fitting.iter().filter(|name| !exact || name.kept == spoken);
            concepts.extend(meant.map(|name| name.concept));
        }
        if !concepts.is_empty() {
            concepts.sort_unstable();
            concepts.dedup();
            return Some((length, concepts));
        }
    }
    None
}

/// Whether words with the stems of a name are the name.
fn fits(name: &Name, said: &[Token], of: Option<Language>) -> bool {
    let spoken = spoken(said);
    if of.is_some_and(|of| of != name.language)
        && name.language != Language::Chinese
        && name.kept.chars().nth(MIN_FOREIGN_CHARACTERS - 1).is_none()
    {
        return false;
    }
    if name.kept == spoken {
        return true;
    }
    match name.language {
        Language::Chinese => true,
        Language::English => {
            let verb =
                |word: &str| word.ends_with("ing") || word.ends_with("ed") || word.ends_with("er");
            verb(&name.kept) || !verb(&spoken)
        }
        Language::German => {
            let dotted = fold::has_umlaut(&name.kept) && !fold::has_umlaut(&spoken);
            let spelled = || ["ae", "oe", "ue"].iter().any(|pair| spoken.contains(pair));
            let long = name.kept.chars().nth(MIN_UNDOTTED_CHARACTERS - 1).is_some();
            !dotted || spelled() || long
        }
    }
}

/// What a concept is one of.
pub(crate) fn broader(concept: Concept) -> &'static [Concept] {
    TABLE
        .broader
        .get(usize::from(concept))
        .map_or(&[], |broader| broader)
}

/// The pictures that a concept is a kind of: a kitten is a cat, too.
pub(crate) fn pictures_of(concept: Concept) -> impl Iterator<Item = Concept> {
    broader(concept)
        .iter()
        .copied()
        .filter(|concept| is_picture(*concept))
}

/// Whether a concept is shown by a picture of its own; the others are kinds, moods, colours.
pub(crate) fn is_picture(concept: Concept) -> bool {
    let row = ROWS.get(usize::from(concept));
    row.is_some_and(|row| row.id.as_bytes().first().is_some_and(u8::is_ascii_digit))
}

/// The concept of an id of the list.
pub(crate) fn by_id(id: &str) -> Option<Concept> {
    TABLE.emoji.get(id).copied()
}

/// The first name of a concept in a language, or else in another.
pub(crate) fn name(concept: Concept, language: Language) -> Option<&'static str> {
    let names = &ROWS.get(usize::from(concept))?.names;
    let order = [language as usize, 0, 1, 2];
    order
        .into_iter()
        .find_map(|at| names.get(at)?.first().copied())
}

/// Every name in a language, with its concept.
pub(crate) fn all_names(language: Language) -> impl Iterator<Item = (Concept, &'static str)> {
    (0..).zip(ROWS.iter()).flat_map(move |(concept, row)| {
        let names = row.names.get(language as usize).into_iter().flatten();
        names.map(move |name| (concept, *name))
    })
}

#[cfg(test)]
mod tests {
    use super::{broader, by_id, find};
    use crate::language::Language;
    use crate::words::token::tokens;

    fn ids(text: &str, of: Option<Language>) -> Vec<&'static str> {
        let found = find(&tokens(text), of).into_iter();
        found
            .flat_map(|found| found.concepts)
            .map(|concept| super::ROWS[usize::from(concept)].id)
            .collect()
    }

    #[test]
    fn one_thing_is_found_in_three_languages_however_it_is_inflected() {
        for said in ["cat", "Cats", "Katze", "KATZEN", "猫", "貓", "🐈"] {
            assert!(
                ids(said, None).contains(&"1f408"),
                "{said}: {:?}",
                ids(said, None)
            );
        }
        for said in ["番茄", "西红柿", "tomatoes", "Tomaten"] {
            assert!(
                ids(said, None).contains(&"1f345"),
                "{said}: {:?}",
                ids(said, None)
            );
        }
        for said in ["Bär", "Bären", "baer", "bears", "熊"] {
            assert!(
                ids(said, None).contains(&"1f43b"),
                "{said}: {:?}",
                ids(said, None)
            );
        }
    }

    #[test]
    fn a_name_is_whole_words_and_the_longest_wins() {
        assert_eq!(ids("hot dogs", None), ["1f32d"]);
        assert!(ids("bar", None).is_empty());
        assert!(!ids("Das Bild hat Stil", Some(Language::German)).contains(&"hat"));
        assert!(ids("a hat", Some(Language::English)).contains(&"hat"));
        assert!(ids("caring", None).is_empty());
        assert!(!ids("小心", None).contains(&"2764"));
    }

    #[test]
    fn a_cats_face_is_a_cat_and_an_animal() {
        let of = |id| by_id(id).expect(id);
        assert!(broader(of("1f431")).contains(&of("1f408")));
        assert!(broader(of("1f431")).contains(&of("animal")));
        assert!(!broader(of("1f408")).contains(&of("1f431")));
    }
}
