//! What is asked of the index: words, filters, an order, a page.
//!
//! The one rule: all filters combine; within one that takes several values, any of them fits, but for tags, of which all must.

use crate::language::Language;
use crate::query::Query;
use schema::licence::Licence;
use schema::listing::Category;

/// The last page that is answered.
pub const MAX_PAGE: usize = 500;
/// The most listings of one page.
pub const MAX_PAGE_SIZE: usize = 100;

/// Prices in steps, for counts and links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PriceBand {
    /// Nothing.
    Free,
    /// Under 3.00.
    UnderThree,
    /// 3.00 to 4.99.
    ThreeToFive,
    /// 5.00 to 9.99.
    FiveToTen,
    /// 10.00 and over.
    TenAndOver,
}

impl PriceBand {
    /// Every band, the lowest first.
    pub const ALL: [Self; 5] = [
        Self::Free,
        Self::UnderThree,
        Self::ThreeToFive,
        Self::FiveToTen,
        Self::TenAndOver,
    ];

    /// Its prices, from the first to the last.
    #[must_use]
    pub fn range_minor(self) -> (i64, i64) {
        match self {
            Self::Free => (0, 0),
            Self::UnderThree => (1, 299),
            Self::ThreeToFive => (300, 499),
            Self::FiveToTen => (500, 999),
            Self::TenAndOver => (1000, i64::MAX),
        }
    }

    /// The band of a price.
    #[must_use]
    pub fn of(price_minor: i64) -> Self {
        let fits = |band: &Self| price_minor <= band.range_minor().1;
        Self::ALL.into_iter().find(fits).unwrap_or(Self::TenAndOver)
    }
}

/// How answers are ordered. What is equal comes newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// The best fitting first; without words, as [`Sort::Newest`].
    Relevance,
    /// By when they were first for sale.
    Newest,
    /// By what is going on.
    Trending,
    /// By how many own them.
    BestSelling,
    /// The lowest price first.
    PriceUp,
    /// The highest price first.
    PriceDown,
    /// By owners for whom a run was exact.
    MostReproduced,
}

/// What must be so. Empty lists and `None` ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    /// On one of these shelves.
    pub categories: Vec<Category>,
    /// Made by one of these models.
    pub models: Vec<String>,
    /// Costs nothing.
    pub free: bool,
    /// Costs as much, or more.
    pub price_from_minor: Option<i64>,
    /// Costs as much, or less.
    pub price_to_minor: Option<i64>,
    /// Is a template; or, with `false`, is fixed.
    pub template: Option<bool>,
    /// Under one of these licences.
    pub licences: Vec<Licence>,
    /// Written in one of these languages.
    pub languages: Vec<Language>,
    /// Reproduced by an owner.
    pub reproduced: bool,
    /// By one of these creators.
    pub creators: Vec<String>,
    /// With each of these tags.
    pub tags: Vec<String>,
    /// May be tried.
    pub trial: bool,
    /// First for sale then, or later; counted in whole hours, so that what was found is found again.
    pub since_ms: Option<i64>,
}

/// One filter by its name, to say which one to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    Categories,
    Models,
    /// `free` and both ends of the price.
    Price,
    Template,
    Licences,
    Languages,
    Reproduced,
    Creators,
    Tags,
    Trial,
    Since,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The words.
    pub query: Query,
    /// What must be so.
    pub filters: Filters,
    /// The order.
    pub sort: Sort,
    /// Which page, from 1 to [`MAX_PAGE`]; beyond it there is nothing.
    pub page: usize,
    /// Listings of a page, 1 to [`MAX_PAGE_SIZE`].
    pub page_size: usize,
    /// Whether counts are wanted.
    pub facets: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            query: Query::default(),
            filters: Filters::default(),
            sort: Sort::Relevance,
            page: 1,
            page_size: 24,
            facets: false,
        }
    }
}
