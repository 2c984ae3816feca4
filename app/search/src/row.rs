//! What is kept of a listing beside its words: enough to filter, order and suggest it after a restart.
//!
//! The one rule: a row is read back with every length checked; a damaged one is an error, not a panic.

use crate::document::Document;
use crate::language::Language;
use crate::print::Print;
use crate::words::concepts::Concept;
use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;

/// A listing's id as a number.
pub(crate) type Id = u128;

/// The id as it is kept.
pub(crate) fn number(id: &ListingId) -> Id {
    let hex: String = id.as_str().chars().filter(|digit| *digit != '-').collect();
    Id::from_str_radix(&hex, 16).unwrap_or(0)
}

/// The id as it is written.
pub(crate) fn listing_id(id: Id) -> Option<ListingId> {
    let hex = format!("{id:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    ListingId::parse(&parts.join("-")).ok()
}

/// What changes often, and is written apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) price_minor: u32,
    pub(crate) sales: u32,
    pub(crate) reproduced: u32,
    pub(crate) trend: i64,
}

impl Numbers {
    /// Those of a document, within their bounds.
    pub(crate) fn of(document: &Document) -> Self {
        let count = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        Self {
            price_minor: count(document.price_minor),
            sales: count(document.sales),
            reproduced: count(document.reproduced),
            trend: document.trend,
        }
    }
}

/// What does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Id,
    /// Of everything but the numbers: equal ones need not be written again.
    pub(crate) fingerprint: u64,
    pub(crate) category: u8,
    pub(crate) licence: u8,
    pub(crate) language: u8,
    pub(crate) template: bool,
    pub(crate) trial: bool,
    pub(crate) published_ms: i64,
    pub(crate) title: String,
    pub(crate) title_words: u8,
    pub(crate) creator: String,
    pub(crate) model: String,
    pub(crate) tags: Vec<String>,
    pub(crate) concepts: Vec<Concept>,
    pub(crate) prints: Vec<Print>,
}

/// The most of what a document may have several of.
const MAX_TAGS: usize = 20;
const MAX_CONCEPTS: usize = 24;
const MAX_PRINTS: usize = 32;

impl Row {
    /// The row of a document, of which these words and concepts are known.
    pub(crate) fn of(document: &Document, title_words: usize, concepts: &[Concept]) -> Self {
        let place = |found: Option<usize>| found.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
        Self {
            id: number(&document.id),
            fingerprint: fingerprint(document),
            category: place(Category::ALL.iter().position(|it| *it == document.category)),
            licence: place(Licence::ALL.iter().position(|it| *it == document.licence)),
            language: place(Language::ALL.iter().position(|it| *it == document.language)),
            template: !document.variables.is_empty(),
            trial: document.trial,
            published_ms: document.published_ms,
            title: document.title.chars().take(200).collect(),
            title_words: u8::try_from(title_words).unwrap_or(u8::MAX).max(1),
            creator: document.creator.chars().take(100).collect(),
            model: document.model.chars().take(100).collect(),
            tags: document.tags.iter().take(MAX_TAGS).cloned().collect(),
            concepts: concepts.iter().take(MAX_CONCEPTS).copied().collect(),
            prints: document.prints.iter().take(MAX_PRINTS).copied().collect(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(200);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.fingerprint.to_le_bytes());
        bytes.extend([
            self.category,
            self.licence,
            self.language,
            u8::from(self.template),
            u8::from(self.trial),
            self.title_words,
        ]);
        bytes.extend(self.published_ms.to_le_bytes());
        let mut text = |text: &str| {
            let length = u16::try_from(text.len()).unwrap_or(0);
            bytes.extend(length.to_le_bytes());
            bytes.extend(&text.as_bytes()[..usize::from(length)]);
        };
        text(&self.title);
        text(&self.creator);
        text(&self.model);
        let count = |length: usize| u8::try_from(length).unwrap_or(0);
        text(&self.tags.join("\n"));
        bytes.push(count(self.concepts.len()));
        bytes.extend(
            self.concepts
                .iter()
                .flat_map(|concept| concept.to_le_bytes()),
        );
        bytes.push(count(self.prints.len()));
        bytes.extend(
            self.prints
                .iter()
                .flat_map(|print| [print.shape.to_le_bytes(), print.colour.to_le_bytes()])
                .flatten(),
        );
        bytes
    }

    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let id = Id::from_le_bytes(take(from)?);
        let fingerprint = u64::from_le_bytes(take(from)?);
        let [category, licence, language, template, trial, title_words] = take(from)?;
        let published_ms = i64::from_le_bytes(take(from)?);
        let (title, creator, model) = (text(from)?, text(from)?, text(from)?);
        let tags = text(from)?
            .split('\n')
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect();
        let [concepts] = take(from)?;
        let concepts = (0..concepts)
            .map(|_| take(from).map(Concept::from_le_bytes))
            .collect::<Option<_>>()?;
        let [prints] = take(from)?;
        let prints = (0..prints)
            .map(|_| {
                let shape = u64::from_le_bytes(take(from)?);
                let colour = u64::from_le_bytes(take(from)?);
                Some(Print { shape, colour })
            })
            .collect::<Option<_>>()?;
        let known = usize::from(category) < Category::ALL.len()
            && usize::from(licence) < Licence::ALL.len()
            && usize::from(language) < Language::ALL.len();
        (bytes.is_empty() && known).then_some(Self {
            id,
            fingerprint,
            category,
            licence,
            language,
            template: template != 0,
            trial: trial != 0,
            published_ms,
            title,
            title_words,
            creator,
            model,
            tags,
            concepts,
            prints,
        })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}

fn text(from: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(take(from)?));
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    String::from_utf8(taken.to_vec()).ok()
}

/// A print of everything but the numbers.
pub(crate) fn fingerprint(document: &Document) -> u64 {
    let mut words = document.clone();
    (
        words.price_minor,
        words.sales,
        words.reproduced,
        words.trend,
    ) = (0, 0, 0, 0);
    let digest = blake3::hash(format!("{words:?}").as_bytes());
    u64::from_le_bytes(*digest.as_bytes().first_chunk().unwrap_or(&[0; 8]))
}
