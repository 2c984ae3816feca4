//! What a visitor looks for, read from an address and written into one.
//!
//! The one rule: whatever an address says is either understood or named. Nothing is left out silently, so that no list is shown for
//! another question than the one that was asked.

use base::clock::DAY_MS;
use schema::failure::FieldError;
use schema::licence::Licence;
use schema::listing::Category;
use schema::money::Money;
use schema::recipe::ModelDigest;
use schema::tags;
use std::collections::BTreeSet;

/// The longest question, in characters.
pub const MAX_QUERY_CHARACTERS: usize = 200;
/// The last page that is shown.
pub const MAX_PAGE: usize = 500;
const MAX_HANDLE_CHARACTERS: usize = 40;

/// How a list is ordered. An id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Relevance,
    Newest,
    Trending,
    BestSelling,
    MostReproduced,
    PriceUp,
    PriceDown,
}

impl Sort {
    /// Every order, as menus show them.
    pub const ALL: [Self; 7] = [
        Self::Relevance,
        Self::Newest,
        Self::Trending,
        Self::BestSelling,
        Self::MostReproduced,
        Self::PriceUp,
        Self::PriceDown,
    ];

    /// Its name in addresses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Newest => "newest",
            Self::Trending => "trending",
            Self::BestSelling => "sales",
            Self::MostReproduced => "reproduced",
            Self::PriceUp => "price",
            Self::PriceDown => "price-down",
        }
    }
}

/// How far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day,
    Week,
    Month,
    Year,
}

impl Period {
    /// Every period, as menus show them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Its name in addresses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How long it is.
    #[must_use]
    pub fn ms(self) -> i64 {
        DAY_MS
            * match self {
                Self::Day => 1,
                Self::Week => 7,
                Self::Month => 30,
                Self::Year => 365,
            }
    }
}

/// What a visitor asked for, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub query: String,
    pub category: Option<Category>,
    pub model: Option<ModelDigest>,
    /// Only what is free, or only what is not.
    pub free: Option<bool>,
    /// In cents, as the visitor sees prices.
    pub min_minor: Option<i64>,
    pub max_minor: Option<i64>,
    /// Only what has variables, or only what has none.
    pub template: Option<bool>,
    pub licence: Option<Licence>,
    pub language: Option<String>,
    /// Only what at least one owner reproduced.
    pub reproduced: bool,
    pub creator: Option<String>,
    pub tag: Option<String>,
    /// Only what may be tried before it is bought.
    pub trial: bool,
    pub period: Option<Period>,
    pub sort: Option<Sort>,
    /// From 1.
    pub page: usize,
}

/// More mistakes than anybody reads.
const MAX_ERRORS: usize = 20;

/// Parameters that others hang on links to us: they ask for nothing.
fn is_campaign(name: &str) -> bool {
    name.starts_with("utm_")
        || ["ref", "fbclid", "gclid", "msclkid", "mc_cid", "mc_eid"].contains(&name)
}

impl Filter {
    /// Reads an address's parameters, in their order. What cannot be read is named, beside what can.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<FieldError>) {
        let mut filter = Self {
            page: 1,
            ..Self::default()
        };
        let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
        for (name, value) in pairs {
            // An empty field of a form asks for nothing.
            if value.is_empty() || is_campaign(name) {
                continue;
            }
            if wrong.len() == MAX_ERRORS {
                break;
            }
            // Of two answers to one question neither is taken for the other.
            let read = match seen.insert(name) {
                true => filter.read(name, value),
                false => None,
            };
            match read {
                Some(()) => {}
                None => wrong.push(FieldError {
                    field: name.chars().take(40).collect(),
                    code: match NAMES.contains(&name) {
                        true => "parameter".into(),
                        false => "parameter-unknown".into(),
                    },
                    detail: Some(name.chars().take(40).collect()),
                }),
            }
        }
        if filter
            .min_minor
            .zip(filter.max_minor)
            .is_some_and(|(min, max)| min > max)
        {
            wrong.push(FieldError::new("max", "price-order"));
        }
        (filter, wrong)
    }

    fn read(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "q" => {
                let query = value.trim();
                // What could not be read became a replacement character.
                let unread = query.contains(['\0', '\u{fffd}']);
                if query.chars().nth(MAX_QUERY_CHARACTERS).is_some() || unread {
                    return None;
                }
                query.clone_into(&mut self.query);
            }
            "category" => self.category = Some(Category::parse(value).ok()?),
            "model" => self.model = Some(ModelDigest::parse(value).ok()?),
            "price" => self.free = Some(one_of(value, "free", "paid")?),
            "min" => self.min_minor = Some(Money::parse_usd(value, name).ok()?.minor),
            "max" => self.max_minor = Some(Money::parse_usd(value, name).ok()?.minor),
            "kind" => self.template = Some(one_of(value, "template", "fixed")?),
            "licence" => self.licence = Some(Licence::parse(value).ok()?),
            "language" => {
                let known = base::lang::Lang::ALL
                    .iter()
                    .find(|lang| lang.tag() == value)?;
                self.language = Some(known.tag().to_owned());
            }
            "reproduced" => self.reproduced = (value == "1").then_some(true)?,
            "trial" => self.trial = (value == "1").then_some(true)?,
            "creator" => {
                let short = value.chars().nth(MAX_HANDLE_CHARACTERS).is_none();
                self.creator = Some(short.then(|| value.to_lowercase())?);
            }
            "tag" => {
                let tag = tags::parse_tag(value).ok()?;
                self.tag = Some((!tag.is_empty()).then_some(tag)?);
            }
            "since" => {
                self.period = Some(
                    Period::ALL
                        .into_iter()
                        .find(|period| period.name() == value)?,
                );
            }
            "sort" => self.sort = Some(Sort::ALL.into_iter().find(|sort| sort.name() == value)?),
            "page" => {
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let page = value.parse().ok().filter(|_| digits)?;
                self.page = (1..=MAX_PAGE).contains(&page).then_some(page)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// How the list is ordered when nothing was said: by how well it answers, or by what is going on.
    #[must_use]
    pub fn order(&self) -> Sort {
        let usual = match self.query.is_empty() {
            true => Sort::Newest,
            false => Sort::Relevance,
        };
        // Nothing answers no question better than another.
        match self.sort {
            Some(Sort::Relevance) | None => usual,
            Some(sort) => sort,
        }
    }

    /// The parameters of its address, in one order and none that says nothing.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let flag = |on: bool| on.then(|| "1".to_owned());
        let either = |value: Option<bool>, yes: &str, no: &str| {
            value.map(|value| if value { yes } else { no }.to_owned())
        };
        let money = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
        let values = [
            (!self.query.is_empty()).then(|| self.query.clone()),
            self.category.map(|category| category.id().to_owned()),
            self.model.map(|model| model.to_string()),
            either(self.free, "free", "paid"),
            self.min_minor.map(money),
            self.max_minor.map(money),
            either(self.template, "template", "fixed"),
            self.licence.map(|licence| licence.id().to_owned()),
            self.language.clone(),
            flag(self.reproduced),
            flag(self.trial),
            self.creator.clone(),
            self.tag.clone(),
            self.period.map(|period| period.name().to_owned()),
            self.sort.map(|sort| sort.name().to_owned()),
            (self.page > 1).then(|| self.page.to_string()),
        ];
        let pairs = NAMES.into_iter().zip(values);
        pairs
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The address that asks this with one parameter changed, or left out for an empty value, from its first page.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self
            .pairs()
            .into_iter()
            .filter(|(kept, _)| *kept != name && *kept != "page");
        let mut pairs: Vec<(&str, String)> = kept.collect();
        if !value.is_empty() && (name, value) != ("page", "1") {
            pairs.push((name, value.to_owned()));
        }
        let place = |name: &str| NAMES.iter().position(|known| *known == name);
        pairs.sort_by_key(|(name, _)| place(name));
        address(&pairs)
    }

    /// Its own address.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.pairs())
    }

    /// The parameters that narrow the list, for chips: all but the question, the order and the page.
    #[must_use]
    pub fn narrowing(&self) -> Vec<(&'static str, String)> {
        let all = self.pairs().into_iter();
        all.filter(|(name, _)| !["q", "sort", "page"].contains(name))
            .collect()
    }
}

/// Every parameter, in the order in which addresses have them.
pub const NAMES: [&str; 16] = [
    "q",
    "category",
    "model",
    "price",
    "min",
    "max",
    "kind",
    "licence",
    "language",
    "reproduced",
    "trial",
    "creator",
    "tag",
    "since",
    "sort",
    "page",
];

fn one_of(value: &str, yes: &str, no: &str) -> Option<bool> {
    match value {
        value if value == yes => Some(true),
        value if value == no => Some(false),
        _ => None,
    }
}

fn address(pairs: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => "/explore".to_owned(),
        query => format!("/explore?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, MAX_ERRORS, NAMES, Sort};

    fn read(query: &str) -> (Filter, Vec<String>) {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
        let (filter, wrong) = Filter::parse(pairs);
        (filter, wrong.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn an_address_that_was_read_is_written_as_the_same_question() {
        let model = format!("blake3:{}", "ab".repeat(32));
        let all = format!(
            "q=red+apple&category=food&model={model}&price=paid&min=0.50&max=4.99&kind=template&licence=standard-1&language=de\
             &reproduced=1&trial=1&creator=mira&tag=kawaii+art&since=week&sort=price-down&page=3"
        );
        let (filter, wrong) = read(&all);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(filter.pairs().len(), NAMES.len());
        let (again, wrong) = read(filter.address().trim_start_matches("/explore?"));
        assert_eq!((again, wrong.len()), (filter.clone(), 0));
        let other = filter.with("category", "");
        assert!(!other.contains("category") && !other.contains("page="));
        assert!(filter.with("tag", "猫").contains("tag=%E7%8C%AB"));
        assert_eq!(read("").0.address(), "/explore");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_what_others_hang_on_links_is_not() {
        let long = "ä".repeat(201);
        for (query, names) in [
            ("colour=red", vec!["colour"]),
            (
                "category=no-such-shelf&sort=best&q=fox",
                vec!["category", "sort"],
            ),
            ("page=0", vec!["page"]),
            ("page=501", vec!["page"]),
            ("page=1e3", vec!["page"]),
            ("reproduced=yes&trial=0", vec!["reproduced", "trial"]),
            ("max=cheap&min=-1", vec!["max", "min"]),
            ("min=5&max=1", vec!["max"]),
            (
                "model=m&language=xx&since=ever",
                vec!["model", "language", "since"],
            ),
            ("tag=a%2Cb&creator=&category=", vec!["tag"]),
            ("utm_source=letter&fbclid=1&ref=x", vec![]),
            (&format!("q={long}"), vec!["q"]),
            ("q=a%00b", vec!["q"]),
            ("q=%ff", vec!["q"]),
            ("q=fox&q=cat", vec!["q"]),
            ("sort=price&sort=price", vec!["sort"]),
            ("page=%2B1", vec!["page"]),
        ] {
            let (_, wrong) = read(query);
            assert_eq!(wrong, names, "{query}");
        }
        assert_eq!(read("colour=red&q=fox").0.query, "fox");
        assert_eq!(read("q=fox&q=cat").0.query, "fox", "the first stays");
        let many = "q=a&".repeat(200) + "colour=red";
        assert_eq!(read(&many).1.len(), MAX_ERRORS);
    }

    #[test]
    fn without_a_question_nothing_is_ordered_by_how_well_it_answers() {
        assert_eq!(read("sort=relevance").0.order(), Sort::Newest);
        assert_eq!(read("q=cat").0.order(), Sort::Relevance);
        assert_eq!(read("q=cat&sort=sales").0.order(), Sort::BestSelling);
    }
}
