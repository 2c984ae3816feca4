//! The first page: a live proof, then rows of listings.
//!
//! The one rule: what it says was regenerated, was; where nothing was yet, it says so.

use super::card::shelf;
use crate::ui::head::Head;
use crate::ui::pieces::{LinePicture, Shown, ago, empty};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::home::{CHEAP_MINOR, Home};
use market::catalog::service::Proven;
use market::offers::sets::{Item, Set};
use market::pictures::Place;
use schema::listing::Category;

/// So many pictures of a set are shown.
const SET_PICTURES: usize = 4;

pub(in crate::catalog) fn home(
    visit: &Visit,
    home: Home,
    sets: Vec<(Set, Vec<Item>)>,
    now_ms: i64,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("home-title");
    let head = Head {
        feed: "/explore.atom".into(),
        ..Head::default()
    };
    shell::page_with(visit, &title.clone(), StatusCode::OK, &head, || {
        let nothing = home.creators.is_empty();
        let categories = Category::ALL.map(|category| {
            let href = lang.path(&format!("/explore?category={}", category.id()));
            view! { <a class="chip" href=href>{lang.text(&format!("category-{}", category.id()))}</a> }
        });
        let promises = ["seal", "certify", "reproduce"].map(|name| {
            let (what, line) = (format!("promise-{name}"), format!("promise-{name}-line"));
            view! { <li><strong>{lang.text(&what)}</strong><span>{lang.text(&line)}</span></li> }
        });
        let check = home.proof.as_ref().map(|proof| {
            let href = lang.path(&format!("/proofs/{}", proof.leaf_hash));
            view! { <a class="button" href=href>{lang.text("home-check")}</a> }
        });
        let how = check.is_none().then(|| {
            view! { <a class="button" href=lang.path("/how-it-works")>{lang.text("nav-how")}</a> }
        });
        let cheap = format!("/explore?max={}.00&sort=price", CHEAP_MINOR / 100);
        view! {
            <section class="hero wide">
                <div>
                    <h1 class="hero__title">{title}</h1>
                    <p class="hero__line">{lang.text("home-line")}</p>
                    <p class="actions">
                        <a class="button button--primary" href=lang.path("/explore")>{lang.text("home-browse")}</a>
                        {check}
                        {how}
                    </p>
                </div>
                {match home.proof {
                    Some(proof) => live(lang, proof, now_ms).into_any(),
                    None => view! { <p class="live quiet">{lang.text("home-no-proof")}</p> }.into_any(),
                }}
            </section>
            {nothing.then(|| empty(visit, "explore-nothing", Some(("/studio", "nav-start-selling"))))}
            {shelf(visit, "home-reproduced", home.reproduced, Some("/explore?sort=reproduced".to_owned()))}
            {shelf(visit, "home-free", home.free, Some("/explore?price=free".to_owned()))}
            {shelf(visit, "home-cheap", home.cheap, Some(cheap))}
            {shelf(visit, "home-creators", home.creators, Some("/explore?sort=newest".to_owned()))}
            {set_shelf(visit, sets)}
            {visit.tax_note().filter(|_| !nothing).map(|note| view! { <p class="quiet">{note}</p> })}
            <nav class="chips" aria-label=lang.text("category")>{categories.into_iter().collect_view()}</nav>
            <ol class="promise">{promises.into_iter().collect_view()}</ol>
        }
        .into_any()
    })
}

/// The picture as it was sealed beside the one that was made again, with an edge between them that can be drawn.
fn live(lang: Lang, proof: Proven, now_ms: i64) -> impl IntoView {
    let when = ago(lang, proof.created_ms, now_ms);
    let by_us = proof.attester.as_deref() == Some("platform");
    let alt = lang.with(
        "preview-alt",
        &[("number", 1.into()), ("title", proof.title.clone().into())],
    );
    let picture = |alt: String| {
        let blob = proof.blob.clone();
        view! { <Shown lang blob width=proof.width height=proof.height place=Place::Stage alt first=true/> }
    };
    let short: String = proof.pixel_blake3.chars().take(16).collect();
    let listing = lang.path(&format!("/listings/{}", proof.slug));
    let by = lang.text(if by_us { "live-by-us" } else { "live-by-owner" });
    view! {
        <div class="live">
            <div class="pair mat">
                <figure class="pair__side">
                    <figcaption>{lang.with("live-sealed", &[("date", lang.date(proof.sealed_ms).into())])}</figcaption>
                    {picture(alt)}
                </figure>
                <figure class="pair__side">
                    <figcaption>{lang.with("live-regenerated", &[("ago", when.into())])}</figcaption>
                    {picture(lang.text("regenerated"))}
                </figure>
                <span class="pair__edge"></span>
                <input class="pair__slider" type="range" min="0" max="100" value="50" aria-label=lang.text("live-slider")/>
            </div>
            <div class="verdict-line">
                <span class="stamp stamp--equal stamp--large" aria-hidden="true"></span>
                <div>
                    <strong>{lang.text("live-equal")}</strong>
                    <span class="quiet"><a href=listing><bdi>{proof.title}</bdi></a>" · "{by}</span>
                    <code>{short.clone()}" = "{short}</code>
                    <code>{proof.environment.unwrap_or_default()}</code>
                </div>
            </div>
        </div>
    }
}

fn set_shelf(visit: &Visit, sets: Vec<(Set, Vec<Item>)>) -> impl IntoView + use<> {
    let lang = visit.lang;
    let any = !sets.is_empty();
    let cards: Vec<_> = sets
        .into_iter()
        .map(|(set, items)| {
            let href = lang.path(&format!("/sets/{}", set.slug));
            let count = lang.with("set-count", &[("count", (items.len() as i64).into())]);
            let pictures: Vec<_> = items
                .into_iter()
                .take(SET_PICTURES)
                .map(|item| view! { <LinePicture lang blob=item.blob/> })
                .collect();
            view! {
                <li class="listing-card">
                    <a class="listing-card__link" href=href>
                        <span class="mat mat--set">{pictures}</span>
                        <span class="listing-card__title">{set.title}</span>
                    </a>
                    <span class="listing-card__meta"><bdi>{set.handle}</bdi><span class="listing-card__price">{visit.price(set.price_minor)}</span></span>
                    <span class="listing-card__meta"><span>{count}</span></span>
                </li>
            }
        })
        .collect();
    any.then(|| {
        view! {
            <section class="shelf">
                <div class="shelf__head"><h2>{lang.text("home-sets")}</h2></div>
                <ul class="grid wide">{cards}</ul>
            </section>
        }
    })
}
