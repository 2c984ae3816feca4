//! The page on which people look around: a question, what narrows it, how it is ordered, and what was found.
//!
//! The one rule: everything that was asked stands in the address, and every link here is an address; a page that was kept or sent shows the
//! same question again.

use crate::catalog::page::{grid, licence_text};
use crate::ui::head::Head;
use crate::ui::pages::pages;
use crate::ui::pieces::heading;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::browse::filter::{Filter, Period, Sort};
use market::browse::service::{Facet, Found, Likenesses, Way};
use schema::failure::FieldError;

/// As many values of a facet are shown at once; the rest is folded.
const SHOWN_VALUES: usize = 7;

/// What the page is made from.
pub(super) struct Asked {
    pub(super) filter: Filter,
    /// Every parameter as it was written, so that a refused form is as it was.
    pub(super) typed: Vec<(String, String)>,
    pub(super) errors: Vec<FieldError>,
    /// Names of models by digest.
    pub(super) models: Vec<(String, String)>,
}

impl Asked {
    fn typed(&self, name: &str) -> String {
        let found = self.typed.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// What a parameter's value is called.
    fn label(&self, lang: Lang, name: &str, value: &str) -> String {
        match name {
            "category" => lang.text(&format!("category-{value}")),
            "model" => {
                let known = self.models.iter().find(|(digest, _)| digest == value);
                known.map_or_else(
                    || value.chars().take(18).collect(),
                    |(_, name)| name.clone(),
                )
            }
            "licence" => licence_text(lang, value),
            "language" => Lang::of_tag(value).name().to_owned(),
            "creator" => format!("@{value}"),
            "tag" => format!("#{value}"),
            "min" | "max" => {
                let price = schema::money::Money::parse_usd(value, name);
                let price =
                    price.map_or_else(|_| value.to_owned(), |price| lang.money(price.minor));
                lang.with(&format!("chip-{name}"), &[("price", price.into())])
            }
            "price" => lang.text(&format!("price-{value}")),
            "kind" => lang.text(&format!("kind-{value}")),
            "since" => lang.text(&format!("since-{value}")),
            "reproduced" => lang.text("reproduced-1"),
            "trial" => lang.text("trial-1"),
            _ => value.to_owned(),
        }
    }
}

/// The page.
pub(super) fn explore(visit: &Visit, asked: Asked, found: Found) -> Response {
    let lang = visit.lang;
    let title = title(lang, &asked, &found);
    let status = match asked.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    let head = head(&asked.filter);
    shell::page_with(visit, &title.clone(), status, &head, || {
        let count = asked
            .errors
            .is_empty()
            .then(|| lang.with("explore-count", &[("count", (found.total as i64).into())]));
        let corrected = found.did_you_mean.as_ref().map(|words| {
            let href = lang.path(&asked.filter.with("q", words));
            let lead = if found.corrected { "shown-instead" } else { "did-you-mean" };
            view! { <p class="did-you-mean">{lang.text(lead)} " " <a href=href>{words.clone()}</a></p> }
        });
        let nothing = found.cards.is_empty() && asked.errors.is_empty();
        let active = asked.filter.narrowing().len() as i64;
        let filters = lang.with("filters-count", &[("count", active.into())]);
        view! {
            <div class="explore wide">
                {rail(lang, &asked, &found)}
                <div class="explore__results">
                    <div class="explore__head">
                        <h1>{title} " " {count.map(|count| view! { <span class="explore__count">{count}</span> })}</h1>
                        <button class="button button--small explore__fold" type="button" popovertarget="facets">
                            <span class="icon icon--filter" aria-hidden="true"></span>{filters}
                        </button>
                        {orders(lang, &asked.filter)}
                    </div>
                    {problems(lang, &asked.errors)}
                    {found.preparing.then(|| view! { <p class="hint" role="status">{lang.text("search-preparing")}</p> })}
                    {corrected}
                    {chips(lang, &asked)}
                    {creators(lang, &found)}
                    {nothing.then(|| empty(lang, &asked, &found))}
                    {grid(visit, found.cards)}
                    {pages(lang, asked.filter.page, found.pages, &|page| asked.filter.with("page", &page.to_string()))}
                </div>
            </div>
        }
        .into_any()
    })
}

/// Shelves and tags are pages that can be found; what a visitor put together is not.
fn head(filter: &Filter) -> Head {
    let narrowing = filter.narrowing();
    let canonical = match &narrowing[..] {
        [(name @ ("category" | "tag" | "model" | "creator"), value)] => {
            Filter::default().with(name, value)
        }
        _ => "/explore".to_owned(),
    };
    Head {
        hidden: narrowing.len() > 1 || !filter.query.is_empty() || filter.page > 1,
        feed: filter
            .with("sort", "")
            .replacen("/explore", "/explore.atom", 1),
        canonical,
        ..Head::default()
    }
}

fn title(lang: Lang, asked: &Asked, found: &Found) -> String {
    let filter = &asked.filter;
    if !filter.query.is_empty() {
        return lang.with("explore-results", &[("query", filter.query.clone().into())]);
    }
    match (filter.category, &filter.tag, found.total) {
        (Some(category), _, _) => lang.text(&format!("category-{}", category.id())),
        (None, Some(tag), _) => format!("#{tag}"),
        _ => lang.text("nav-explore"),
    }
}

fn problems(lang: Lang, errors: &[FieldError]) -> impl IntoView + use<> {
    let errors: Vec<String> = errors.iter().map(|error| lang.field_error(error)).collect();
    let errors = errors
        .into_iter()
        .map(|text| view! { <p class="field-error" role="alert">{text}</p> });
    errors.collect_view()
}

/// What narrows the list, each as a link that takes it away.
fn chips(lang: Lang, asked: &Asked) -> impl IntoView + use<> {
    let chips: Vec<_> = asked
        .filter
        .narrowing()
        .into_iter()
        .map(|(name, value)| {
            let href = lang.path(&asked.filter.with(name, ""));
            let label = asked.label(lang, name, &value);
            let remove = lang.with("chip-remove", &[("name", label.clone().into())]);
            view! { <li><a class="chip chip--off" href=href aria-label=remove>{label}</a></li> }
        })
        .collect();
    let several = chips.len() > 1;
    let all = lang.path(&match asked.filter.query.is_empty() {
        true => "/explore".to_owned(),
        false => format!("/explore?q={}", shell::encode(&asked.filter.query)),
    });
    (!chips.is_empty()).then(|| {
        view! {
            <ul class="chips" aria-label=lang.text("filters-active")>
                {chips}
                {several.then(|| view! { <li><a href=all>{lang.text("filters-clear")}</a></li> })}
            </ul>
        }
    })
}

/// Creators whose name was asked for.
fn creators(lang: Lang, found: &Found) -> impl IntoView + use<> {
    let creators: Vec<_> = found
        .creators
        .iter()
        .map(|handle| {
            let href = lang.path(&format!("/creators/{}", shell::encode(handle)));
            view! { <li><a class="chip" href=href>"@"<bdi>{handle.clone()}</bdi></a></li> }
        })
        .collect();
    (!creators.is_empty()).then(|| {
        view! { <ul class="chips" aria-label=lang.text("creators-found")>{creators}</ul> }
    })
}

fn orders(lang: Lang, filter: &Filter) -> impl IntoView + use<> {
    let now = filter.order();
    let links: Vec<_> = Sort::ALL
        .into_iter()
        .filter(|sort| *sort != Sort::Relevance || !filter.query.is_empty())
        .map(|sort| {
            let href = lang.path(&filter.with("sort", sort.name()));
            let label = lang.text(&format!("sort-{}", sort.name()));
            view! { <a class="chip" href=href aria-current=(sort == now).then_some("true") rel="nofollow">{label}</a> }
        })
        .collect();
    view! { <nav class="chips orders" aria-label=lang.text("sort")>{links}</nav> }
}

/// Why nothing was found, and the ways on: what to leave out, and what that would show.
fn empty(lang: Lang, asked: &Asked, found: &Found) -> impl IntoView + use<> {
    let ways: Vec<_> = found
        .ways
        .iter()
        .map(
            |Way {
                 name,
                 value,
                 address,
                 total,
             }| {
                let label = match *name {
                    "q" => format!("“{value}”"),
                    name => asked.label(lang, name, value),
                };
                let arguments = [("name", label.into()), ("count", (*total as i64).into())];
                let href = lang.path(address);
                view! { <li><a href=href>{lang.with("way-without", &arguments)}</a></li> }
            },
        )
        .collect();
    let none = ways.is_empty();
    let filter = &asked.filter;
    let nothing = match filter.narrowing().is_empty() && !filter.query.is_empty() {
        _ if found.total > 0 => lang.text("explore-behind"),
        true => lang.with(
            "explore-nothing-like",
            &[("query", filter.query.clone().into())],
        ),
        false => lang.text("explore-nothing"),
    };
    view! {
        <section class="empty">
            <p>{nothing}</p>
            <ul class="empty__ways">{ways}</ul>
            {none.then(|| view! { <p><a class="button" href=lang.path("/explore")>{lang.text("explore-all")}</a></p> })}
        </section>
    }
}

/// What the list can be narrowed by. It stands beside the list, and is a sheet where there is no room; neither needs a script.
fn rail(lang: Lang, asked: &Asked, found: &Found) -> impl IntoView + use<> {
    let facets: Vec<_> = found
        .facets
        .iter()
        .map(|facet| self::facet(lang, asked, facet))
        .collect();
    view! {
        <aside class="explore__rail sheet" id="facets" popover="auto" aria-label=lang.text("filters")>
            <button class="sheet__close" type="button" popovertarget="facets" popovertargetaction="hide" aria-label=lang.text("filters-close")>
                <span class="icon icon--close" aria-hidden="true"></span>
            </button>
            {facets}
            <form class="facet" method="get" action=lang.path("/explore")>
                <h2 class="facet__title">{lang.text("facet-price-range")}</h2>
                {hidden(&asked.filter, &["min", "max", "page"])}
                <div class="facet__range">
                    {price(lang, "min", "price-from", asked)}
                    {price(lang, "max", "price-to", asked)}
                    <button class="button button--small" type="submit">{lang.text("filter-apply")}</button>
                </div>
            </form>
            {periods(lang, &asked.filter)}
            {picture_form(lang)}
        </aside>
    }
}

fn price(lang: Lang, name: &'static str, label: &str, asked: &Asked) -> impl IntoView + use<> {
    let label = lang.text(label);
    view! { <input name=name inputmode="decimal" value=asked.typed(name) aria-label=label.clone() placeholder=label maxlength="10"/> }
}

fn hidden(filter: &Filter, without: &[&str]) -> impl IntoView + use<> {
    let kept = filter.pairs().into_iter();
    let kept: Vec<_> = kept
        .filter(|(name, _)| !without.contains(name))
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect();
    kept
}

fn facet(lang: Lang, asked: &Asked, facet: &Facet) -> impl IntoView + use<> {
    let name = facet.name;
    let link = |value: &(String, usize)| {
        let (value, count) = value;
        let chosen = asked
            .filter
            .pairs()
            .iter()
            .any(|(known, now)| *known == name && now == value);
        let href = lang.path(&asked.filter.with(name, if chosen { "" } else { value }));
        let label = asked.label(lang, name, value);
        let count = lang.number(*count as i64);
        view! {
            <a class="facet__choice" href=href aria-current=chosen.then_some("true") rel="nofollow">
                <span>{label}</span><span class="facet__count">{count}</span>
            </a>
        }
    };
    let shown: Vec<_> = facet.values.iter().take(SHOWN_VALUES).map(link).collect();
    let folded: Vec<_> = facet.values.iter().skip(SHOWN_VALUES).map(link).collect();
    let more = (!folded.is_empty()).then(|| {
        let label = lang.with("facet-more", &[("count", (folded.len() as i64).into())]);
        view! { <details class="fold"><summary>{label}</summary>{folded}</details> }
    });
    view! {
        <section class="facet">
            <h2 class="facet__title">{lang.text(&format!("facet-{name}"))}</h2>
            {shown}
            {more}
        </section>
    }
}

fn periods(lang: Lang, filter: &Filter) -> impl IntoView + use<> {
    let links: Vec<_> = Period::ALL
        .into_iter()
        .map(|period| {
            let chosen = filter.period == Some(period);
            let href = lang.path(&filter.with("since", if chosen { "" } else { period.name() }));
            let label = lang.text(&format!("since-{}", period.name()));
            view! { <a class="facet__choice" href=href aria-current=chosen.then_some("true") rel="nofollow"><span>{label}</span></a> }
        })
        .collect();
    view! { <section class="facet"><h2 class="facet__title">{lang.text("facet-since")}</h2>{links}</section> }
}

/// Looks for a picture instead of words.
fn picture_form(lang: Lang) -> impl IntoView + use<> {
    view! {
        <form class="facet" method="post" action=lang.path("/explore/picture") enctype="multipart/form-data">
            <h2 class="facet__title"><label for="rail-picture">{lang.text("search-picture")}</label></h2>
            <input id="rail-picture" type="file" name="picture" accept="image/png,image/jpeg,image/webp" required=true/>
            <p class="field__hint">{lang.text("search-picture-hint")}</p>
            <button class="button button--small" type="submit">{lang.text("search-do")}</button>
        </form>
    }
}

/// What looks like a picture.
pub(super) fn likenesses(visit: &Visit, found: Likenesses) -> Response {
    let lang = visit.lang;
    let title = lang.text("search-picture-title");
    shell::ok(visit, &title.clone(), || {
        let none = found.cards.is_empty();
        let line = match (found.exact, found.cards.len()) {
            (_, 0) => Some("search-picture-none"),
            (0, _) => None,
            _ => Some("search-picture-equal"),
        };
        view! {
            {heading(title, line.map(|id| lang.text(id)))}
            {none.then(|| view! { <p><a class="button" href=lang.path("/explore")>{lang.text("search-picture-all")}</a></p> })}
            {grid(visit, found.cards)}
            {picture_form(lang)}
        }
        .into_any()
    })
}

/// Why a picture was not looked for, and the form again.
pub(super) fn picture_refused(visit: &Visit, error: FieldError) -> Response {
    let lang = visit.lang;
    let title = lang.text("search-picture");
    shell::page(
        visit,
        &title.clone(),
        StatusCode::UNPROCESSABLE_ENTITY,
        || {
            view! {
                {heading(title, None)}
                {problems(lang, &[error])}
                {picture_form(lang)}
            }
            .into_any()
        },
    )
}
