//! A small shop to search in, from `catalogue.tsv`.
//!
//! The one rule: ids are counted, so that a test can name a listing by its title and nothing else.

use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;
use search::{
    Change, Document, Filters, Index, Language, Print, Query, Reader, Request, Sort, Variable,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

/// When "now" is for the shop, in milliseconds.
pub(crate) const NOW_MS: i64 = 1_795_000_000_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) fn id(number: u64) -> ListingId {
    ListingId::parse(&format!("00000000-0000-7000-8000-{number:012x}")).expect("an id")
}

fn parts(cell: &str, between: &str) -> Vec<String> {
    let parts = cell
        .split(between)
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn document(number: u64, line: &str) -> Document {
    let cells: Vec<&str> = line.split('\t').collect();
    let [
        title,
        creator,
        category,
        language,
        price,
        licence,
        tags,
        description,
        variables,
        sales,
        reproduced,
        days,
    ] = &cells[..]
    else {
        panic!("a line has twelve cells: {line}");
    };
    let variable = |text: String| {
        let (name, choices) = text.split_once(':').expect("a name and choices");
        Variable {
            name: name.to_owned(),
            choices: parts(choices, ","),
        }
    };
    let days: i64 = days.parse().expect("days");
    let licence = Licence::ALL
        .into_iter()
        .find(|known| known.id() == *licence);
    Document {
        id: id(number),
        title: (*title).to_owned(),
        tags: parts(tags, ";"),
        creator: (*creator).to_owned(),
        category: Category::parse(category).expect("a category"),
        description: (*description).to_owned(),
        language: Language::parse(language).expect("a language"),
        variables: parts(variables, ";").into_iter().map(variable).collect(),
        model: format!(
            "blake3:{}",
            if number.is_multiple_of(7) { "ab" } else { "cd" }.repeat(32)
        ),
        licence: licence.expect("a licence"),
        price_minor: price.parse().expect("a price"),
        published_ms: NOW_MS - days * DAY_MS,
        sales: sales.parse().expect("sales"),
        reproduced: reproduced.parse().expect("owners"),
        trend: 1000 - days,
        trial: number.is_multiple_of(3),
        leaf_hash: hex::encode(blake3::hash(title.as_bytes()).as_bytes()),
        log_index: Some(number * 2),
        prints: vec![Print {
            shape: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            colour: number.wrapping_mul(0xd1b5_4a32_d192_ed03),
        }],
        pixel_digests: vec![hex::encode(
            blake3::hash(format!("pixels of {title}").as_bytes()).as_bytes(),
        )],
    }
}

/// Every document of the catalogue.
pub(crate) fn documents() -> Vec<Document> {
    let lines = include_str!("catalogue.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'));
    (1..)
        .zip(lines)
        .map(|(number, line)| document(number, line))
        .collect()
}

/// The catalogue, put up for sale.
pub(crate) fn puts() -> Vec<Change> {
    documents()
        .into_iter()
        .map(|document| Change::Put(Box::new(document)))
        .collect()
}

/// A shop that is searched.
pub(crate) struct Shop {
    pub(crate) index: Index,
    pub(crate) folder: TempDir,
    titles: BTreeMap<ListingId, String>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let index = Index::create(folder.path()).expect("an index");
        index.apply(&puts(), "1").expect("applied");
        let titles = documents()
            .into_iter()
            .map(|document| (document.id, document.title))
            .collect();
        Self {
            index,
            folder,
            titles,
        }
    }

    pub(crate) fn reader(&self) -> Arc<Reader> {
        self.index.reader()
    }

    pub(crate) fn title(&self, id: &ListingId) -> String {
        self.titles.get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn id(&self, title: &str) -> ListingId {
        let found = self.titles.iter().find(|(_, known)| *known == title);
        found
            .map(|(id, _)| id.clone())
            .unwrap_or_else(|| panic!("there is no {title}"))
    }

    /// The titles that a query finds, in their order.
    pub(crate) fn find(&self, query: &str) -> Vec<String> {
        self.ask(&asking(query, Filters::default(), Sort::Relevance))
    }

    pub(crate) fn ask(&self, request: &Request) -> Vec<String> {
        let answer = self.reader().search(request);
        answer.ids.iter().map(|id| self.title(id)).collect()
    }

    /// Titles in an order, under filters.
    pub(crate) fn browse(&self, filters: Filters, sort: Sort) -> Vec<String> {
        self.ask(&asking("", filters, sort))
    }
}

/// A request for the first hundred.
pub(crate) fn asking(query: &str, filters: Filters, sort: Sort) -> Request {
    let query = Query::parse(query).expect("a query");
    Request {
        query,
        filters,
        sort,
        page: 1,
        page_size: 100,
        facets: true,
    }
}
