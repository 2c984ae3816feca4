//! Text in English, German and Chinese: Fluent files compiled in, parsed once, with numbers, money and times by language.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use schema::failure::FieldError;
use schema::time::civil;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the site. English has no prefix in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lang {
    En,
    De,
    Zh,
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<HashMap<Lang, Bundle>> = LazyLock::new(|| {
    Lang::ALL
        .into_iter()
        .map(|lang| (lang, lang.parse()))
        .collect()
});

impl Lang {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Zh];

    /// The tag in paths and cookies.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Zh => "zh",
        }
    }

    /// The language of a tag that was stored; English for one that is not known any more.
    #[must_use]
    pub fn of_tag(tag: &str) -> Self {
        let known = Self::ALL.into_iter().find(|lang| lang.tag() == tag);
        known.unwrap_or(Self::En)
    }

    /// The value of `<html lang>`.
    #[must_use]
    pub fn html(self) -> &'static str {
        match self {
            Self::Zh => "zh-Hans",
            other => other.tag(),
        }
    }

    /// Its own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Zh => "中文",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::En => include_str!("../text/en.ftl"),
            Self::De => include_str!("../text/de.ftl"),
            Self::Zh => include_str!("../text/zh.ftl"),
        }
    }

    fn parse(self) -> Bundle {
        let resource = FluentResource::try_new(self.source().to_owned())
            .unwrap_or_else(|(_, errors)| panic!("{} texts: {errors:?}", self.tag()));
        let tag = self.html().parse().expect("a constant language tag");
        let mut bundle = Bundle::new_concurrent(vec![tag]);
        // Isolating marks would break copied ids and equality in tests; names of people are wrapped in <bdi> instead.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            panic!("{} texts: {errors:?}", self.tag());
        }
        bundle
    }

    /// Splits a path into its language prefix and the rest.
    #[must_use]
    pub fn of_path(path: &str) -> (Self, &str) {
        for lang in [Self::De, Self::Zh] {
            if let Some(rest) = path
                .strip_prefix('/')
                .and_then(|rest| rest.strip_prefix(lang.tag()))
            {
                if rest.is_empty() {
                    return (lang, "/");
                }
                if rest.starts_with('/') || rest.starts_with('?') {
                    return (lang, rest);
                }
            }
        }
        (Self::En, path)
    }

    /// The language that `Accept-Language` prefers: highest q first, primary subtag decides.
    #[must_use]
    pub fn of_header(header: &str) -> Self {
        let mut best = (0, Self::En);
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let tag = pieces
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            let quality = pieces
                .find_map(|piece| piece.trim().strip_prefix("q=").map(quality))
                .unwrap_or(1000);
            let primary = tag.split('-').next().unwrap_or_default();
            let lang = Self::ALL
                .into_iter()
                .find(|lang| lang.tag() == primary)
                .or_else(|| (primary == "*").then_some(Self::En));
            if let Some(lang) = lang.filter(|_| quality > best.0) {
                best = (quality, lang);
            }
        }
        best.1
    }

    /// A path of ours in this language.
    #[must_use]
    pub fn path(self, path: &str) -> String {
        match self {
            Self::En => path.to_owned(),
            other if path == "/" => format!("/{}", other.tag()),
            other => format!("/{}{path}", other.tag()),
        }
    }

    /// A message without variables.
    #[must_use]
    pub fn text(self, id: &str) -> String {
        self.format(id, None)
    }

    /// The message with this name, if there is one: for names that came from outside.
    #[must_use]
    pub fn find(self, id: &str) -> Option<String> {
        BUNDLES[&self].has_message(id).then(|| self.text(id))
    }

    /// The message with this name, or the name itself when it is no name: for reasons that were stored as finished texts.
    #[must_use]
    pub fn text_or_itself(self, id: &str) -> String {
        self.find(id).unwrap_or_else(|| id.to_owned())
    }

    /// A message with variables.
    #[must_use]
    pub fn with(self, id: &str, arguments: &[(&str, FluentValue<'_>)]) -> String {
        let mut filled = FluentArgs::new();
        for (name, value) in arguments {
            filled.set((*name).to_owned(), value.clone());
        }
        self.format(id, Some(&filled))
    }

    fn format(self, id: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let bundle = &BUNDLES[&self];
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            // A missing text is a bug that a test finds; a page still stands.
            tracing::error!(text.id = id, lang = self.tag(), "missing text");
            return id.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle
            .format_pattern(pattern, arguments, &mut errors)
            .into_owned();
        if !errors.is_empty() {
            tracing::error!(
                text.id = id,
                lang = self.tag(),
                ?errors,
                "text without a variable"
            );
        }
        text
    }

    /// A field error's text.
    #[must_use]
    pub fn field_error(self, error: &FieldError) -> String {
        let detail = error.detail.clone().unwrap_or_default();
        self.with(
            &format!("field-{}", error.code),
            &[("detail", detail.into())],
        )
    }

    /// A whole number with its language's grouping.
    #[must_use]
    pub fn number(self, value: i64) -> String {
        let digits = value.unsigned_abs().to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(if self == Self::De { '.' } else { ',' });
            }
            text.push(digit);
        }
        if value < 0 { format!("-{text}") } else { text }
    }

    /// A country's name by its ISO 3166-1 code, or the code where we have no name of it.
    #[must_use]
    pub fn country(self, code: &str) -> String {
        let id = format!("country-{}", code.to_lowercase());
        match BUNDLES[&self].has_message(&id) {
            true => self.text(&id),
            false => code.to_owned(),
        }
    }

    /// A rate in basis points as percent, without its sign: `19`, or `25,5` in German.
    #[must_use]
    pub fn percent(self, basis_points: i64) -> String {
        let text = percent(basis_points);
        match self {
            Self::De => text.replace('.', ","),
            Self::En | Self::Zh => text,
        }
    }

    /// A number of thousandths without zeros that say nothing: `3`, or `2,5` in German.
    #[must_use]
    pub fn decimal(self, thousandths: u32) -> String {
        let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        match self {
            Self::De => text.replace('.', ","),
            Self::En | Self::Zh => text,
        }
    }

    /// An amount in US dollars, as this language writes it.
    #[must_use]
    pub fn money(self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let whole = self.number((minor / 100).abs());
        let part = (minor % 100).abs();
        match self {
            Self::En => format!("{sign}${whole}.{part:02}"),
            Self::De => format!("{sign}{whole},{part:02}\u{a0}$"),
            Self::Zh => format!("{sign}US${whole}.{part:02}"),
        }
    }

    /// A price: an amount, or the word for free.
    #[must_use]
    pub fn price(self, minor: i64) -> String {
        if minor == 0 {
            self.text("free")
        } else {
            self.money(minor)
        }
    }

    /// A date and time in UTC.
    #[must_use]
    pub fn time(self, ms: i64) -> String {
        let (year, month, day, hour, minute) = civil(ms);
        match self {
            Self::En => format!(
                "{day} {} {year}, {hour:02}:{minute:02} UTC",
                MONTHS[month - 1]
            ),
            Self::De => format!("{day}.{month}.{year}, {hour:02}:{minute:02} UTC"),
            Self::Zh => format!("{year}年{month}月{day}日 {hour:02}:{minute:02} UTC"),
        }
    }

    /// A date in UTC.
    #[must_use]
    pub fn date(self, ms: i64) -> String {
        let text = self.time(ms);
        let cut = if self == Self::Zh {
            text.split(' ').next()
        } else {
            text.split(',').next()
        };
        cut.unwrap_or_default().to_owned()
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn quality(text: &str) -> u32 {
    let mut digits = text.trim().chars().filter(char::is_ascii_digit);
    let whole = digits
        .next()
        .and_then(|digit| digit.to_digit(10))
        .unwrap_or(0);
    digits
        .chain("000".chars())
        .take(3)
        .fold(whole, |sum, digit| {
            sum * 10 + digit.to_digit(10).unwrap_or(0)
        })
}

/// A rate as people write it: `19` or `25.5`.
fn percent(basis_points: i64) -> String {
    let (whole, part) = (basis_points / 100, basis_points % 100);
    match part {
        0 => whole.to_string(),
        part if part % 10 == 0 => format!("{whole}.{}", part / 10),
        part => format!("{whole}.{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn rates_are_written_without_zeros_that_say_nothing() {
        let decimals = [3000, 2500, 1125, 500].map(|milli| Lang::De.decimal(milli));
        assert_eq!(decimals, ["3", "2,5", "1,125", "0,5"]);
        let written = [1900, 2550, 810, 1925].map(percent);
        assert_eq!(written, ["19", "25.5", "8.1", "19.25"]);
    }

    /// Ids with the variables that their text uses.
    fn messages(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        let mut current = String::new();
        for line in lang.source().lines() {
            if let Some((id, _)) = line
                .split_once(" =")
                .filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                current = id.to_owned();
                found.insert(current.clone(), BTreeSet::new());
            }
            for piece in line.split("{ $").skip(1).chain(line.split("{$").skip(1)) {
                let name: String = piece
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                found.entry(current.clone()).or_default().insert(name);
            }
        }
        found
    }

    #[test]
    fn the_three_languages_have_the_same_texts_with_the_same_variables() {
        let english = messages(Lang::En);
        assert!(english.len() > 100);
        for lang in [Lang::De, Lang::Zh] {
            let other = messages(lang);
            let missing: Vec<_> = english
                .keys()
                .filter(|id| !other.contains_key(*id))
                .collect();
            let extra: Vec<_> = other
                .keys()
                .filter(|id| !english.contains_key(*id))
                .collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "{}: missing {missing:?}, extra {extra:?}",
                lang.tag()
            );
            for (id, variables) in &english {
                assert_eq!(&other[id], variables, "{} {id}", lang.tag());
            }
        }
    }

    #[test]
    fn every_error_code_has_a_text() {
        for code in schema::failure::Code::ALL {
            for id in [
                format!("error-{}", code.name()),
                format!("error-{}-title", code.name()),
            ] {
                assert_ne!(Lang::Zh.text(&id), id);
            }
        }
    }

    #[test]
    fn the_language_is_chosen_by_quality() {
        assert_eq!(Lang::of_header("en-GB;q=0.2,de;q=0.9"), Lang::De);
        assert_eq!(Lang::of_header("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(Lang::of_header("fr, de-AT;q=0.5"), Lang::De);
        assert_eq!(Lang::of_header(""), Lang::En);
    }

    #[test]
    fn paths_carry_their_language() {
        assert_eq!(Lang::of_path("/de/explore"), (Lang::De, "/explore"));
        assert_eq!(Lang::of_path("/zh"), (Lang::Zh, "/"));
        assert_eq!(Lang::of_path("/demo"), (Lang::En, "/demo"));
        assert_eq!(Lang::De.path("/"), "/de");
    }

    #[test]
    fn amounts_and_times_follow_their_language() {
        assert_eq!(Lang::En.money(123_456), "$1,234.56");
        assert_eq!(Lang::De.money(-5), "-0,05\u{a0}$");
        assert_eq!(Lang::Zh.money(250), "US$2.50");
        assert_eq!(Lang::En.time(1_796_083_200_000), "1 Dec 2026, 00:00 UTC");
        assert_eq!(Lang::De.date(951_782_400_000), "29.2.2000");
    }
}
