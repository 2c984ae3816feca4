//! Cards of listings, in a grid that fills the screen or in one row.
//!
//! The one rule: a card has at most forty nodes and one picture that is fetched with it; its place is there before the picture is.

use crate::ui::pieces::Shown;
use crate::ui::shell;
use crate::ui::visit::Visit;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::service::Card;
use market::pictures::Place;
use schema::template::PublicVariable;
use std::collections::BTreeMap;
use std::ops::Range;

/// Cards whose pictures are fetched at once: about a screen of them.
const EAGER: usize = 8;

/// How many values a buyer can choose.
fn variables(card: &Card) -> i64 {
    let variables: BTreeMap<String, PublicVariable> =
        serde_json::from_str(&card.variables).unwrap_or_default();
    variables.len() as i64
}

/// A title in which what fits a question is marked.
fn marked(title: &str, marks: &[Range<usize>]) -> impl IntoView + use<> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for mark in marks {
        let (Some(before), Some(found)) = (title.get(at..mark.start), title.get(mark.clone()))
        else {
            continue;
        };
        pieces.push(view! { {before.to_owned()}<mark>{found.to_owned()}</mark> }.into_any());
        at = mark.end;
    }
    let rest = title.get(at..).unwrap_or_default().to_owned();
    pieces.push(rest.into_any());
    pieces
}

/// The small seal with the number of owners who regenerated it.
pub(super) fn seal_count(lang: Lang, reproduced: i64) -> impl IntoView + use<> {
    (reproduced > 0).then(|| {
        let told = lang.with("card-reproduced", &[("count", reproduced.into())]);
        let title = told.clone();
        view! {
            <span class="seal-count" title=title>
                <span class="stamp" aria-hidden="true"></span><span aria-hidden="true">{reproduced}</span><span class="visually-hidden">{told}</span>
            </span>
        }
    })
}

/// One listing.
pub(super) fn card(visit: &Visit, card: Card, eager: bool) -> impl IntoView + use<> {
    let lang = visit.lang;
    let href = lang.path(&format!("/listings/{}", card.slug));
    let creator = lang.path(&format!("/creators/{}", shell::encode(&card.handle)));
    let others = [&card.second_blob, &card.third_blob, &card.fourth_blob];
    let (width, height) = (card.width, card.height);
    let peeks: Vec<_> = others
        .into_iter()
        .flatten()
        .map(|blob| {
            view! { <span class="peek"><Shown lang blob=blob.clone() width height place=Place::Card alt=String::new()/></span> }
        })
        .collect();
    let several = !peeks.is_empty();
    let count = variables(&card);
    view! {
        <li class="listing-card">
            <a class="listing-card__link" href=href>
                <span class="mat" class:mat--peeks=several>
                    <Shown lang blob=card.blob width height place=Place::Card alt=String::new() eager/>
                    {peeks}
                </span>
                <span class="listing-card__title">{marked(&card.title, &card.marks)}</span>
            </a>
            <span class="listing-card__meta">
                <a href=creator><bdi>{card.handle}</bdi></a>
                <span class="listing-card__price">{visit.price(card.price_minor)}</span>
            </span>
            <span class="listing-card__meta">
                <span>{(count > 0).then(|| lang.with("card-variables", &[("count", count.into())]))}</span>
                {seal_count(lang, card.reproduced)}
            </span>
        </li>
    }
}

/// What prices include, where one of them is not nothing.
fn tax_note(visit: &Visit, cards: &[Card]) -> impl IntoView + use<> {
    let priced = cards.iter().any(|card| card.price_minor > 0);
    let note = visit.tax_note().filter(|_| priced);
    note.map(|note| view! { <p class="quiet">{note}</p> })
}

/// Cards in as many columns as there is room for.
pub(crate) fn grid(visit: &Visit, cards: Vec<Card>) -> impl IntoView + use<> {
    let note = tax_note(visit, &cards);
    let cards: Vec<_> = cards
        .into_iter()
        .enumerate()
        .map(|(index, row)| card(visit, row, index < EAGER))
        .collect();
    view! {
        <ul class="grid wide">{cards}</ul>
        {note}
    }
}

/// One row of cards under a heading; nothing where there are none.
pub(super) fn shelf(
    visit: &Visit,
    id: &str,
    cards: Vec<Card>,
    all: Option<String>,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let title = lang.text(id);
    (!cards.is_empty()).then(|| {
        let label = lang.with("shelf-all", &[("shelf", title.clone().into())]);
        let all = all.map(|path| view! { <a href=lang.path(&path) aria-label=label>{lang.text("shelf-more")}</a> });
        let cards: Vec<_> = cards.into_iter().map(|row| card(visit, row, false)).collect();
        view! {
            <section class="shelf">
                <div class="shelf__head"><h2>{title}</h2>{all}</div>
                <ul class="grid wide">{cards}</ul>
            </section>
        }
    })
}
