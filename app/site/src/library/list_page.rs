//! What somebody owns, as pictures.

use crate::ui::pages::pages;
use crate::ui::pieces::{Shown, empty, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::library::service::Owned;
use market::library::shelf::{Asked, Shelf, Standing};
use market::pictures::Place;

/// The address of the list with these words, filter and page.
fn path(asked: &Asked, standing: Option<Standing>, page: usize) -> String {
    let mut parts = Vec::new();
    if !asked.words.is_empty() {
        parts.push(format!("q={}", shell::encode(&asked.words)));
    }
    if let Some(standing) = standing {
        parts.push(format!("state={}", standing.name()));
    }
    if page > 1 {
        parts.push(format!("page={page}"));
    }
    match parts.is_empty() {
        true => "/library".into(),
        false => format!("/library?{}", parts.join("&")),
    }
}

/// One line: its first picture, how it stands, and its receipt.
fn card(lang: Lang, row: Owned) -> impl IntoView + use<> {
    let href = lang.path(&format!("/library/{}", row.id));
    let receipt = lang.path(&format!("/orders/{}", row.purchase_id));
    let newer = row
        .has_newer
        .then(|| lang.path(&format!("/listings/{}", row.slug)));
    let (state, good) = match row.standing() {
        Standing::Refunded => ("line-state-refunded", false),
        Standing::Unopened => ("line-unopened", false),
        Standing::Opened => ("line-opened", true),
    };
    let (width, height) = (row.width, row.height);
    let of = lang.with("receipt-of", &[("title", row.title.clone().into())]);
    view! {
        <li class="listing-card">
            <a class="listing-card__link" href=href>
                <span class="mat"><Shown lang blob=row.blob width height place=Place::Card alt=String::new()/></span>
                <span class="listing-card__title">{row.title}</span>
            </a>
            <span class="listing-card__meta"><bdi>{row.handle}</bdi><span class="tag" class:tag--good=good>{lang.text(state)}</span></span>
            <span class="listing-card__meta">
                <span>{row.paid_ms.map(|ms| lang.date(ms))}</span>
                <a href=receipt aria-label=of>{lang.text("receipt-short")}</a>
            </span>
            {newer.map(|href| view! { <span class="listing-card__meta"><a href=href>{lang.text("library-newer")}</a></span> })}
        </li>
    }
}

/// The filters with their counts.
fn chips(lang: Lang, asked: &Asked, shelf: &Shelf) -> impl IntoView + use<> {
    let chip = |standing: Option<Standing>, text: String, count: usize| {
        let chosen = asked.standing == standing;
        let href = lang.path(&path(asked, standing, 1));
        let count = lang.number(count as i64);
        view! { <li><a class="chip" href=href aria-current=chosen.then_some("true")>{text} " " <span class="quiet">{count}</span></a></li> }
    };
    let all = chip(None, lang.text("library-all"), shelf.counts.iter().sum());
    let some: Vec<_> = Standing::ALL
        .into_iter()
        .zip(shelf.counts)
        .filter(|(standing, count)| *count > 0 || asked.standing == Some(*standing))
        .map(|(standing, count)| {
            let name = match standing {
                Standing::Opened => "line-opened",
                Standing::Unopened => "line-unopened",
                Standing::Refunded => "line-state-refunded",
            };
            chip(Some(standing), lang.text(name), count)
        })
        .collect();
    view! { <ul class="chips" aria-label=lang.text("filters")>{all}{some}</ul> }
}

/// The search within what is owned; it keeps the filter.
fn search(lang: Lang, asked: &Asked) -> impl IntoView + use<> {
    let kept = asked
        .standing
        .map(|standing| view! { <input type="hidden" name="state" value=standing.name()/> });
    view! {
        <form class="library__search" action=lang.path("/library") method="get">
            <label class="visually-hidden" for="library-words">{lang.text("library-search")}</label>
            <input id="library-words" type="search" name="q" value=asked.words.clone() placeholder=lang.text("library-search") maxlength="100"/>
            {kept}
            <button class="button" type="submit">{lang.text("search-do")}</button>
        </form>
    }
}

pub(super) fn library(visit: &Visit, asked: &Asked, shelf: Shelf) -> Response {
    let lang = visit.lang;
    let title = lang.text("nav-library");
    shell::ok(visit, &title.clone(), || {
        if shelf.is_empty {
            return view! {
                {heading(title, Some(lang.text("library-line")))}
                {empty(visit, "library-none", Some(("/explore", "home-browse")))}
            }
            .into_any();
        }
        let (page, count) = (shelf.page, shelf.pages);
        let (chips, nothing) = (chips(lang, asked, &shelf), shelf.rows.is_empty());
        let cards: Vec<_> = shelf.rows.into_iter().map(|row| card(lang, row)).collect();
        view! {
            {heading(title, Some(lang.text("library-line")))}
            <div class="library__head wide">{chips}{search(lang, asked)}</div>
            {nothing.then(|| empty(visit, "library-nothing", Some(("/library", "library-show-all"))))}
            {(!nothing).then(|| view! { <ul class="grid wide">{cards}</ul> })}
            {pages(lang, page, count, &|page| path(asked, asked.standing, page))}
        }
        .into_any()
    })
}
