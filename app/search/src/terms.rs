//! What a listing is found by: the terms of its texts, by field.
//!
//! The one rule: a term begins with a letter that says what it is, so that words, stems and concepts lie in one dictionary and never meet.

use crate::document::Document;
use crate::language::Language;
use crate::words::compounds;
use crate::words::concepts::{self, Concept};
use crate::words::token::{Script, Token, tokens};
use schema::listing::Category;
use std::collections::BTreeSet;

/// Where a word stands, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Title,
    Tags,
    Creator,
    Category,
    Variables,
    Description,
}

impl Field {
    pub(crate) const ALL: [Self; 6] = [
        Self::Title,
        Self::Tags,
        Self::Creator,
        Self::Category,
        Self::Variables,
        Self::Description,
    ];

    /// Its name in the files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Tags => "tags",
            Self::Creator => "creator",
            Self::Category => "category",
            Self::Variables => "variables",
            Self::Description => "description",
        }
    }

    /// What a word there is worth, of 100.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::Title => 100,
            Self::Tags => 70,
            Self::Creator => 50,
            Self::Category => 45,
            Self::Variables => 30,
            Self::Description => 20,
        }
    }
}

/// A word without accents.
pub(crate) const WORD: char = 'w';
/// A word with accents, where it has some.
pub(crate) const ACCENTED: char = 'a';
/// A stem.
pub(crate) const STEM: char = 's';
/// A concept that is named.
pub(crate) const CONCEPT: char = 'c';
/// A concept that what is named is one of.
pub(crate) const BROADER: char = 'b';
/// The stem of a part of a compound.
pub(crate) const PART: char = 'p';
/// One Chinese character.
pub(crate) const CHARACTER: char = 'z';

/// The term of a concept.
pub(crate) fn concept_term(kind: char, concept: Concept) -> String {
    format!("{kind}{concept}")
}

/// Terms of one field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms(pub(crate) BTreeSet<String>);

impl Terms {
    fn add(&mut self, kind: char, word: &str) {
        self.0.insert(format!("{kind}{word}"));
    }

    /// The terms of a text; concepts that it names are added to `named`.
    fn read(&mut self, words: &[Token], of: Option<Language>, named: &mut Vec<Concept>) {
        for (at, word) in words.iter().enumerate() {
            self.word(word);
            if word.hyphened
                && let Some(before) = at.checked_sub(1).and_then(|before| words.get(before))
            {
                self.add(WORD, &format!("{}{}", before.folded, word.folded));
            }
        }
        let found = concepts::find(words, of);
        for found in &found {
            for concept in &found.concepts {
                self.concept(CONCEPT, *concept);
                named.push(*concept);
            }
        }
        // What is a name of its own is not taken apart.
        let whole = |at: usize| found.iter().any(|found| found.words.contains(&at));
        for (_, word) in words.iter().enumerate().filter(|(at, _)| !whole(*at)) {
            let compound = compounds::split(word, compounds::is_known).unwrap_or_default();
            for part in compound.iter().chain(&word.parts) {
                let Some(part) = Token::alone(part) else {
                    continue;
                };
                self.add(PART, &part.stems[1]);
                let meant = concepts::find(std::slice::from_ref(&part), of);
                for concept in meant.into_iter().flat_map(|found| found.concepts) {
                    self.concept(BROADER, concept);
                    named.push(concept);
                }
            }
        }
    }

    fn word(&mut self, word: &Token) {
        self.add(WORD, &word.folded);
        if let Some(spelled) = &word.spelled {
            self.add(WORD, spelled);
        }
        if word.kept != word.folded {
            self.add(ACCENTED, &word.kept);
        }
        match word.script {
            Script::Letters => {
                for stem in &word.stems {
                    self.add(STEM, stem);
                }
            }
            Script::Han => {
                for part in &word.parts {
                    self.add(WORD, part);
                }
                for character in word.kept.chars() {
                    self.add(CHARACTER, character.encode_utf8(&mut [0; 4]));
                }
            }
            Script::Emoji => {}
        }
    }

    fn concept(&mut self, kind: char, concept: Concept) {
        self.0.insert(concept_term(kind, concept));
        for broader in concepts::broader(concept) {
            self.0.insert(concept_term(BROADER, *broader));
        }
    }
}

/// What a listing is found by.
pub(crate) struct Found {
    /// Terms by field, in the order of [`Field::ALL`].
    pub(crate) fields: [Terms; Field::ALL.len()],
    /// What it names, what the title names first.
    pub(crate) concepts: Vec<Concept>,
    /// Words of its title.
    pub(crate) title_words: usize,
}

/// A whole title, as it is compared with a whole query.
pub(crate) fn whole(words: &[Token]) -> String {
    let words: Vec<&str> = words.iter().map(|word| &*word.folded).collect();
    words.join(" ")
}

/// The concept of a shelf.
pub(crate) fn shelf(category: Category) -> Option<Concept> {
    concepts::by_id(&format!("shelf-{}", category.id()))
}

/// The most characters that are read of a text.
const MAX_CHARACTERS: usize = 6_000;
/// The most variables, and choices of all of them, that are read.
const MAX_VARIABLES: usize = 40;
const MAX_CHOICES: usize = 400;

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CHARACTERS);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// Reads a document.
pub(crate) fn terms(document: &Document) -> Found {
    let mut fields: [Terms; Field::ALL.len()] = Default::default();
    let [title, tags, creator, category, variables, description] = &mut fields;
    let mut named = Vec::new();
    let of = Some(document.language);
    let title_tokens = tokens(cut(&document.title));
    title.read(&title_tokens, of, &mut named);
    for tag in document.tags.iter().take(MAX_VARIABLES) {
        tags.read(&tokens(cut(tag)), None, &mut named);
    }
    let handle = tokens(cut(&document.creator));
    for word in &handle {
        creator.word(word);
    }
    creator.add(
        WORD,
        &handle.iter().map(|word| &*word.folded).collect::<String>(),
    );
    let choices = document.variables.iter().take(MAX_VARIABLES);
    let choices =
        choices.flat_map(|variable| std::iter::once(&variable.name).chain(&variable.choices));
    for text in choices.take(MAX_CHOICES) {
        variables.read(&tokens(cut(text)), of, &mut named);
    }
    description.read(&tokens(cut(&document.description)), of, &mut named);
    // Shelves by their names in every language; what they are called there is one concept.
    let mut shelves = Vec::new();
    if let Some(shelf) = shelf(document.category) {
        category.concept(CONCEPT, shelf);
        for language in Language::ALL {
            if let Some(name) = concepts::name(shelf, language) {
                category.read(&tokens(name), None, &mut shelves);
            }
        }
    }
    let mut seen = BTreeSet::new();
    named.retain(|concept| seen.insert(*concept));
    Found {
        fields,
        concepts: named,
        title_words: title_tokens.len(),
    }
}
