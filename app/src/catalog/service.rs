//! Finding listings and gathering what their page shows.

use super::store;
use crate::db::{self, Tx};
use schema::listing::Category;
use schema::template::PublicVariable;
use std::collections::BTreeMap;

/// Cards of one page.
pub const PAGE: i64 = 24;

/// How a list is ordered. An id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Newest,
    PriceUp,
    PriceDown,
    BestSelling,
}

impl Sort {
    /// Every order, as menus show them.
    pub const ALL: [Self; 4] = [
        Self::Newest,
        Self::PriceUp,
        Self::PriceDown,
        Self::BestSelling,
    ];

    /// Its name in URLs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::PriceUp => "price",
            Self::PriceDown => "price-down",
            Self::BestSelling => "sales",
        }
    }
}

/// What a visitor asked for, parsed.
#[derive(Clone, Debug)]
pub struct Filter {
    pub query: String,
    pub category: Option<Category>,
    pub model: String,
    pub free: bool,
    pub max_price_minor: Option<i64>,
    pub sort: Sort,
    /// Key and id of the last card seen.
    pub after: Option<(i64, String)>,
}

impl Filter {
    /// Reads query parameters. Values that cannot be read are left out and named, so that whoever asked may be told, beside what the rest
    /// finds.
    pub fn parse(get: impl Fn(&str) -> String) -> (Self, Vec<&'static str>) {
        let mut wrong = Vec::new();
        let category = read(&get, "category", &mut wrong, |text| {
            Category::parse(text).ok()
        });
        let sort = read(&get, "sort", &mut wrong, |text| {
            Sort::ALL.into_iter().find(|sort| sort.name() == text)
        });
        let max_price = read(&get, "max", &mut wrong, |text| {
            schema::money::Money::parse_usd(text, "max").ok()
        });
        let free = read(&get, "free", &mut wrong, |text| (text == "1").then_some(()));
        let after = read(&get, "after", &mut wrong, |text| {
            let (key, id) = text.split_once('_')?;
            let id = schema::id::is_uuid(id).then(|| id.to_owned())?;
            Some((key.parse().ok()?, id))
        });
        let filter = Self {
            query: get("q").trim().to_lowercase().chars().take(80).collect(),
            category,
            model: get("model").chars().take(80).collect(),
            free: free.is_some(),
            max_price_minor: max_price.map(|price| price.minor),
            sort: sort.unwrap_or(Sort::Newest),
            after,
        };
        (filter, wrong)
    }
}

/// One parameter's value; nothing where it is absent, or where it cannot be read, and then its name is noted.
fn read<T>(
    get: &impl Fn(&str) -> String,
    name: &'static str,
    wrong: &mut Vec<&'static str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = get(name);
    if text.is_empty() {
        return None;
    }
    let value = parse(&text);
    if value.is_none() {
        wrong.push(name);
    }
    value
}

/// One card.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Card {
    pub id: String,
    pub slug: String,
    pub title: String,
    pub handle: String,
    pub price_minor: i64,
    pub sales: i64,
    pub published_ms: i64,
    pub blob: String,
    pub width: i64,
    pub height: i64,
    pub variables: String,
}

/// A page of cards, and where the next begins.
pub struct Cards {
    pub cards: Vec<Card>,
    pub total: i64,
    pub next: Option<String>,
}

/// Lists what is live, and counts it.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, filter: &Filter) -> db::Result<Cards> {
    let total = store::count(tx, filter).await?;
    Ok(Cards {
        total,
        ..list_uncounted(tx, filter).await?
    })
}

/// Lists what is live, for a page that does not say how many there are: counting costs more than listing.
///
/// # Errors
/// When the database fails.
pub async fn list_uncounted(tx: &mut Tx, filter: &Filter) -> db::Result<Cards> {
    let mut cards = store::list(tx, filter, PAGE + 1).await?;
    let more = cards.len() > PAGE as usize;
    cards.truncate(PAGE as usize);
    let key = |card: &Card| match filter.sort {
        Sort::Newest => card.published_ms,
        Sort::PriceUp | Sort::PriceDown => card.price_minor,
        Sort::BestSelling => card.sales,
    };
    let next = cards
        .last()
        .filter(|_| more)
        .map(|card| format!("{}_{}", key(card), card.id));
    Ok(Cards {
        total: 0,
        cards,
        next,
    })
}

/// A listing with its one version, as its page needs it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listing {
    pub id: String,
    pub slug: String,
    pub person_id: String,
    pub handle: String,
    pub title: String,
    pub description: String,
    pub category: String,
    pub language: String,
    pub price_minor: i64,
    pub licence: String,
    pub state: String,
    pub published_ms: Option<i64>,
    pub sales: i64,
    pub version_id: String,
    pub version_state: String,
    pub version_error: Option<String>,
    pub secret_id: String,
    pub model: String,
    pub profile: String,
    pub scheduler: String,
    pub steps: i64,
    pub width: i64,
    pub height: i64,
    pub variables: String,
    pub creator_key: String,
    pub leaf_hash: String,
    pub listing_leaf_hash: String,
    pub listing_statement: String,
    pub certification_leaf_hash: Option<String>,
    pub sealed_index: Option<i64>,
    pub listing_index: Option<i64>,
}

impl Listing {
    /// The variables' public side.
    #[must_use]
    pub fn public_variables(&self) -> BTreeMap<String, PublicVariable> {
        serde_json::from_str(&self.variables).unwrap_or_default()
    }
}

/// One anchor.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Anchor {
    pub idx: i64,
    pub blob: String,
    pub labelled_blob: String,
    pub pixel_blake3: String,
    pub pixel_sha256: String,
    pub width: i64,
    pub height: i64,
}

/// A listing by slug.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, slug: &str) -> db::Result<Option<Listing>> {
    store::find(tx, slug).await
}

/// A listing by its version.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get_by_version(tx: &mut Tx, version: &str) -> db::Result<Listing> {
    store::get_by_version(tx, version).await
}

/// A listing by the hash of its sealed leaf.
///
/// # Errors
/// When the database fails.
pub async fn find_by_leaf(tx: &mut Tx, leaf_hash: &str) -> db::Result<Option<Listing>> {
    store::find_by_leaf(tx, leaf_hash).await
}

/// A listing by id.
///
/// # Errors
/// When there is none or the database fails.
pub async fn get(tx: &mut Tx, id: &str) -> db::Result<Listing> {
    store::get(tx, id).await
}

/// A version's anchors, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_anchors(tx: &mut Tx, version: &str) -> db::Result<Vec<Anchor>> {
    store::list_anchors(tx, version).await
}

/// The sealed digests of a version's anchors, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_anchor_digests(tx: &mut Tx, version: &str) -> db::Result<Vec<String>> {
    Ok(list_anchors(tx, version)
        .await?
        .into_iter()
        .map(|anchor| anchor.pixel_blake3)
        .collect())
}

/// Counts a sale of what is live; `false` for anything else. The listing's row is held until the transaction is over.
///
/// # Errors
/// When the database fails.
pub async fn count_sale(tx: &mut Tx, listing: &str) -> db::Result<bool> {
    store::count_sale(tx, listing).await
}

/// Whether a file is a labelled public copy.
///
/// # Errors
/// When the database fails.
pub async fn is_public_blob(tx: &mut Tx, blob: &str) -> db::Result<bool> {
    store::is_public_blob(tx, blob).await
}

/// Takes a listing off sale for good; `false` when it was not on sale.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(tx: &mut Tx, listing: &str) -> db::Result<bool> {
    store::withdraw(tx, listing).await
}

/// Takes a listing off sale that our own machine could not reproduce any more.
///
/// # Errors
/// When the database fails.
pub async fn suspend(tx: &mut Tx, listing: &str) -> db::Result<()> {
    store::suspend(tx, listing).await
}
