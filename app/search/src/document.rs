//! A live listing as the index is told of it.
//!
//! The one rule: public facts only, each bounded before it is read: what the page of the listing does not show is not in here.

use crate::language::Language;
use crate::print::Print;
use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;

/// One variable of a template, as it is public before a sale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The labels of its choices; none for open ones.
    pub choices: Vec<String>,
}

/// One live listing.
///
/// [`Index::apply`](crate::Index::apply) compares it with what it knows: when nothing but price, figures and trend changed, nothing else is
/// written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: ListingId,
    /// Its title.
    pub title: String,
    /// Its tags, each in the form of [`schema::tags`].
    pub tags: Vec<String>,
    /// Its creator's handle.
    pub creator: String,
    /// Its shelf.
    pub category: Category,
    /// Its description.
    pub description: String,
    /// The language that its texts are written in.
    pub language: Language,
    /// Its variables; none when the recipe is fixed.
    pub variables: Vec<Variable>,
    /// Digest of the model, `blake3:…`.
    pub model: String,
    /// The licence under which it is sold.
    pub licence: Licence,
    /// Its price in cents; 0 when it is free.
    pub price_minor: i64,
    /// When it was first for sale.
    pub published_ms: i64,
    /// How many own it.
    pub sales: i64,
    /// Owners for whom a run was exact.
    pub reproduced: i64,
    /// Orders by how much is going on.
    pub trend: i64,
    /// Whether visitors may try it.
    pub trial: bool,
    /// The leaf hash of its sealed version, in hex.
    pub leaf_hash: String,
    /// Its place in the log.
    pub log_index: Option<u64>,
    /// A print of each picture.
    pub prints: Vec<Print>,
    /// Pixel digests of its pictures, in hex, of whatever kind.
    pub pixel_digests: Vec<String>,
}

/// One thing that became different.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is for sale, as it stands here.
    Put(Box<Document>),
    /// It is not for sale any more, or never was.
    Remove(ListingId),
}
