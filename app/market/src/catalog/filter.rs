//! What a visitor looks for, read from an address.
//!
//! The one rule: a value that cannot be read is left out and named; what can be read still counts.

use schema::listing::Category;

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
