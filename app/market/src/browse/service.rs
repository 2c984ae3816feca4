//! What a question finds, as a page shows it.
//!
//! The one rule: every number here is counted for this question; what is shown was on sale when the page was made.

use super::filter::{Filter, MAX_PAGE, Sort};
pub use super::picture::{
    Error as PictureError, Likenesses, MAX_PICTURE_BYTES, find as find_picture,
};
use super::store;
pub use super::store::Mapped;
use crate::catalog::service::{self as catalog, Card};
use crate::finder::Finder;
use base::compute;
use base::db::{self, Tx};
use schema::id::ListingId;
use search::{
    Answer, Direct, Facets, Filter as Part, Filters, Language, PriceBand, Query, Relaxed, Request,
    Suggestion,
};

/// Cards of one page.
pub const PAGE: usize = 24;
/// What is offered while somebody types.
pub const SUGGESTIONS: usize = 8;
/// Creators that are shown beside what they made.
const CREATORS: usize = 3;

/// One way to narrow a list, and how many each value would leave.
pub struct Facet {
    /// The parameter's name.
    pub name: &'static str,
    /// Values and counts, in the order in which they are shown.
    pub values: Vec<(String, usize)>,
}

/// What can be left out of a question that finds nothing.
pub struct Way {
    /// The parameter's name, and the value that it has: of `q`, a word.
    pub name: &'static str,
    pub value: String,
    /// The address of the question without it.
    pub address: String,
    /// How many that finds.
    pub total: usize,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    pub cards: Vec<Card>,
    pub total: usize,
    pub pages: usize,
    /// The index is being built; these are the newest, whatever was asked.
    pub preparing: bool,
    pub facets: Vec<Facet>,
    /// The question as it may have been meant.
    pub did_you_mean: Option<String>,
    /// What is shown was found for that, because what was typed finds nothing.
    pub corrected: bool,
    /// Creators whose name was asked for.
    pub creators: Vec<String>,
    pub ways: Vec<Way>,
    /// A leaf, a picture or a place in the log that was asked for.
    pub direct: Option<Direct>,
}

/// Finds what a visitor asked for. `net` says what a price that the visitor sees is without its tax.
///
/// # Errors
/// When the database fails.
pub async fn find(
    tx: &mut Tx,
    finder: &Finder,
    filter: &Filter,
    net: impl Fn(i64) -> i64,
    now_ms: i64,
) -> db::Result<Found> {
    let Some(reader) = finder.reader() else {
        return Ok(Found {
            cards: catalog::list_newest(tx, PAGE as i64).await?,
            preparing: true,
            ..Found::default()
        });
    };
    let request = request(filter, net, now_ms);
    let typed = filter.query.clone();
    let answered = compute::run(move || {
        let answer = reader.search(&request);
        let language = Language::English;
        let creators = match typed.is_empty() {
            true => Vec::new(),
            false => creators(reader.suggest(&typed, language, 3 * SUGGESTIONS), &typed),
        };
        (answer, creators)
    });
    let (answer, creators) = answered.await;
    let mut cards = catalog::list_cards(tx, &answer.ids).await?;
    for card in &mut cards {
        card.marks = answer.highlighter.ranges(&card.title);
    }
    let total = usize::try_from(answer.total).unwrap_or(usize::MAX);
    Ok(Found {
        cards,
        total,
        pages: total.div_ceil(PAGE).min(MAX_PAGE),
        preparing: false,
        facets: answer
            .facets
            .as_ref()
            .map(|facets| list_facets(facets, filter, total))
            .unwrap_or_default(),
        ways: list_ways(&answer, filter),
        corrected: answer
            .correction
            .as_ref()
            .is_some_and(|found| found.applied),
        did_you_mean: answer.correction.map(|found| found.query),
        creators,
        direct: answer.direct,
    })
}

/// The newest of some kind, for a row of a page: up to `limit` cards, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn row(
    tx: &mut Tx,
    finder: &Finder,
    filter: &Filter,
    limit: usize,
    now_ms: i64,
) -> db::Result<(Vec<Card>, usize)> {
    let Some(reader) = finder.reader() else {
        return Ok((Vec::new(), 0));
    };
    let mut request = request(filter, |price| price, now_ms);
    (request.page_size, request.facets) = (limit, false);
    let answer = compute::run(move || reader.search(&request)).await;
    let cards = catalog::list_cards(tx, &answer.ids).await?;
    Ok((cards, usize::try_from(answer.total).unwrap_or(usize::MAX)))
}

/// Listings like another.
///
/// # Errors
/// When the database fails.
pub async fn similar(
    tx: &mut Tx,
    finder: &Finder,
    listing: &ListingId,
    limit: usize,
) -> db::Result<Vec<Card>> {
    let Some(reader) = finder.reader() else {
        return Ok(Vec::new());
    };
    let listing = listing.clone();
    let ids = compute::run(move || reader.similar(&listing, limit)).await;
    catalog::list_cards(tx, &ids).await
}

/// What could be meant by what was typed so far.
pub async fn suggest(finder: &Finder, typed: &str, language: &str) -> Vec<Suggestion> {
    let Some(reader) = finder.reader() else {
        return Vec::new();
    };
    let language = Language::parse(language).unwrap_or(Language::English);
    // What is longer than a question may be is none that was begun.
    let Ok(query) = Query::parse(typed) else {
        return Vec::new();
    };
    compute::run(move || reader.suggest(query.text(), language, SUGGESTIONS)).await
}

/// What can be drawn and is called so in at most so many characters, in the language of a recipe's words.
#[must_use]
pub fn things(typed: &str, language: &str, most: usize) -> Vec<&'static str> {
    let language = Language::parse(language).unwrap_or(Language::English);
    match Query::parse(typed) {
        Ok(query) => search::things_named(query.text(), language, most, SUGGESTIONS),
        Err(_) => Vec::new(),
    }
}

fn creators(suggestions: Vec<Suggestion>, typed: &str) -> Vec<String> {
    let typed = typed.trim_start_matches('@').to_lowercase();
    let handles = suggestions
        .into_iter()
        .filter_map(|suggestion| match suggestion {
            Suggestion::Creator { handle, .. } => Some(handle),
            _ => None,
        });
    // Somebody who looks for a word does not look for whoever's name begins with its first letters.
    let meant = handles.filter(|handle| {
        handle
            .split('-')
            .any(|part| typed.split(' ').any(|word| word == part))
            || *handle == typed
    });
    meant.take(CREATORS).collect()
}

/// A visitor's question as the index takes it.
fn request(filter: &Filter, net: impl Fn(i64) -> i64, now_ms: i64) -> Request {
    let least = filter.min_minor.map(&net);
    let paid = (filter.free == Some(false)).then_some(1);
    Request {
        // The filter's bound is the query's.
        query: Query::parse(&filter.query).unwrap_or_default(),
        filters: Filters {
            categories: filter.category.into_iter().collect(),
            models: filter
                .model
                .map(|model| model.to_string())
                .into_iter()
                .collect(),
            free: filter.free == Some(true),
            price_from_minor: least.max(paid),
            price_to_minor: filter.max_minor.map(&net),
            template: filter.template,
            licences: filter.licence.into_iter().collect(),
            languages: filter
                .language
                .as_deref()
                .and_then(Language::parse)
                .into_iter()
                .collect(),
            reproduced: filter.reproduced,
            creators: filter.creator.clone().into_iter().collect(),
            tags: filter.tag.clone().into_iter().collect(),
            trial: filter.trial,
            since_ms: filter.period.map(|period| now_ms - period.ms()),
        },
        sort: match filter.order() {
            Sort::Relevance => search::Sort::Relevance,
            Sort::Newest => search::Sort::Newest,
            Sort::Trending => search::Sort::Trending,
            Sort::BestSelling => search::Sort::BestSelling,
            Sort::MostReproduced => search::Sort::MostReproduced,
            Sort::PriceUp => search::Sort::PriceUp,
            Sort::PriceDown => search::Sort::PriceDown,
        },
        page: filter.page,
        page_size: PAGE,
        facets: true,
    }
}

fn list_facets(facets: &Facets, filter: &Filter, total: usize) -> Vec<Facet> {
    fn named<T>(values: &[(T, u64)], name: impl Fn(&T) -> String) -> Vec<(String, u64)> {
        values
            .iter()
            .map(|(value, count)| (name(value), *count))
            .collect()
    }
    let one = |value: &str, count: u64| (value.to_owned(), count);
    let (mut free, mut paid) = (0, 0);
    for (band, count) in &facets.prices {
        match band {
            PriceBand::Free => free += count,
            _ => paid += count,
        }
    }
    let all = [
        (
            "category",
            named(&facets.categories, |value| value.id().to_owned()),
        ),
        ("price", vec![one("free", free), one("paid", paid)]),
        (
            "kind",
            vec![
                one("template", facets.templates),
                one("fixed", facets.fixed),
            ],
        ),
        ("reproduced", vec![one("1", facets.reproduced)]),
        ("trial", vec![one("1", facets.trial)]),
        (
            "language",
            named(&facets.languages, |value| value.tag().to_owned()),
        ),
        (
            "licence",
            named(&facets.licences, |value| value.id().to_owned()),
        ),
        ("model", named(&facets.models, String::clone)),
        ("creator", named(&facets.creators, String::clone)),
        ("tag", named(&facets.tags, String::clone)),
    ];
    let asked = filter.pairs();
    let is_asked = |name: &str| asked.iter().any(|(known, _)| *known == name);
    let facets = all.into_iter().map(|(name, values)| Facet {
        name,
        values: values
            .into_iter()
            .map(|(value, count)| (value, usize::try_from(count).unwrap_or(usize::MAX)))
            .filter(|(value, count)| *count > 0 || asked.contains(&(name, value.clone())))
            .collect(),
    });
    // A value that all have narrows nothing.
    let narrows = |facet: &Facet| match &facet.values[..] {
        [] => false,
        [(_, count)] => is_asked(facet.name) || *count < total,
        _ => true,
    };
    facets.filter(narrows).collect()
}

fn list_ways(answer: &Answer, filter: &Filter) -> Vec<Way> {
    let pairs = filter.pairs();
    let value = |name: &str| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let ways = answer.relaxations.iter().filter_map(|way| {
        let total = usize::try_from(way.count).unwrap_or(usize::MAX);
        let (name, value, address) = match &way.without {
            Relaxed::Word(word) => {
                let words = filter.query.split_whitespace();
                let rest: Vec<&str> = words.filter(|kept| kept != word).collect();
                ("q", word.clone(), filter.with("q", &rest.join(" ")))
            }
            Relaxed::Filter(Part::Price) => {
                let name = ["price", "max", "min"]
                    .into_iter()
                    .find(|name| value(name).is_some())?;
                let mut without = filter.clone();
                (without.free, without.min_minor, without.max_minor) = (None, None, None);
                without.page = 1;
                (name, value(name)?, without.address())
            }
            Relaxed::Filter(part) => {
                let name = parameter(*part);
                (name, value(name)?, filter.with(name, ""))
            }
        };
        Some(Way {
            name,
            value,
            address,
            total,
        })
    });
    ways.collect()
}

fn parameter(part: Part) -> &'static str {
    match part {
        Part::Categories => "category",
        Part::Models => "model",
        Part::Price => "price",
        Part::Template => "kind",
        Part::Licences => "licence",
        Part::Languages => "language",
        Part::Reproduced => "reproduced",
        Part::Creators => "creator",
        Part::Tags => "tag",
        Part::Trial => "trial",
        Part::Since => "since",
    }
}

/// Addresses of one file of the site's map: the protocol takes 50,000.
const MAPPED: i64 = 40_000;
/// Files of it.
const MAP_FILES: usize = 100;

/// Behind which ids the files of the site's map begin; the first behind none.
///
/// # Errors
/// When the database fails.
pub async fn list_map_starts(tx: &mut Tx) -> db::Result<Vec<String>> {
    let mut starts = vec!["0".to_owned()];
    while starts.len() < MAP_FILES {
        let last = starts.last().cloned().unwrap_or_default();
        match store::find_map_start(tx, &last, MAPPED).await? {
            Some(next) => starts.push(next),
            None => break,
        }
    }
    Ok(starts)
}

/// The listings of one file of the site's map.
///
/// # Errors
/// When the database fails.
pub async fn list_mapped(tx: &mut Tx, start: &str) -> db::Result<Vec<Mapped>> {
    store::list_mapped(tx, start, MAPPED).await
}
