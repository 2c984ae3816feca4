//! What the index says.
//!
//! The one rule: ids and counts; whoever shows a listing reads it where it is true.

pub use crate::highlight::Highlighter;
use crate::language::Language;
use crate::request::{Filter, PriceBand};
use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;

/// What a query that is no word points at; the listings that it means come first, and nothing else is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direct {
    /// The leaf of a listing's seal.
    Leaf(String),
    /// A model's digest.
    Model(String),
    /// The digest of a picture's pixels.
    Pixels(String),
    /// A place in the log.
    LogIndex(u64),
    /// A creator's handle.
    Creator(String),
}

/// How many of what was found have which value. Each counts what all other filters leave; values that nothing has are left out, but for those
/// that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By shelf, in the order of [`Category::ALL`].
    pub categories: Vec<(Category, u64)>,
    /// By model, most first.
    pub models: Vec<(String, u64)>,
    /// By price, the lowest first.
    pub prices: Vec<(PriceBand, u64)>,
    /// How many are templates.
    pub templates: u64,
    /// How many are fixed.
    pub fixed: u64,
    /// By licence, in the order of [`Licence::ALL`].
    pub licences: Vec<(Licence, u64)>,
    /// By language.
    pub languages: Vec<(Language, u64)>,
    /// How many were reproduced by an owner.
    pub reproduced: u64,
    /// How many may be tried.
    pub trial: u64,
    /// By creator, most first: the first twelve.
    pub creators: Vec<(String, u64)>,
    /// By tag, most first: the first twenty.
    pub tags: Vec<(String, u64)>,
}

/// What to drop when nothing is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relaxed {
    /// A filter.
    Filter(Filter),
    /// A word of the query, as it was typed.
    Word(String),
}

/// What would be found without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relaxation {
    /// What to drop.
    pub without: Relaxed,
    /// How many there would be.
    pub count: u64,
}

/// "Did you mean": the query with its unknown words replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The whole query, corrected.
    pub query: String,
    /// Whether the answer shows what it finds, because what was typed finds nothing as it stands.
    pub applied: bool,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// How many there are.
    pub total: u64,
    /// Those of the page, in order.
    pub ids: Vec<ListingId>,
    /// What the query points at, if it is no word.
    pub direct: Option<Direct>,
    /// Counts, if they were asked for.
    pub facets: Option<Facets>,
    /// "Did you mean".
    pub correction: Option<Correction>,
    /// When nothing is found: what helps, most first.
    pub relaxations: Vec<Relaxation>,
    /// Marks what fits in texts of what was found.
    pub highlighter: Highlighter,
}

/// Something to look for, offered while typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// A listing by its title.
    Listing { id: ListingId, title: String },
    /// A tag, and how many have it.
    Tag { tag: String, count: u64 },
    /// A creator, and how many listings are theirs.
    Creator { handle: String, count: u64 },
    /// What is shown, by its name in the asked language, and how many show it.
    Concept { name: String, count: u64 },
    /// A shelf.
    Category(Category),
}

/// A listing found by a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureHit {
    /// The listing.
    pub id: ListingId,
    /// Whether the pixels are equal.
    pub exact: bool,
    /// How far the nearest prints are from each other; 0 for equal ones.
    pub distance: u32,
}
