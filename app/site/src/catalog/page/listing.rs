//! The page of one listing.
//!
//! The one rule: nothing here shows prompt, seed, values' sealed texts or an exact picture.

use super::around::Around;
use super::card::{seal_count, shelf};
use super::offer::{buy_bar, description, html_lang, offer, set_links};
use super::{evidence, viewer};
use crate::ui::head::Head;
use crate::ui::pieces::{RefreshWithoutScript, page_picture};
use crate::ui::progress;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use islands::studio::LiveProgress;
use leptos::prelude::*;
use market::catalog::service::Listing;
use market::catalog::{ListingState, VersionState};
use market::machines::Stands;
use schema::template::PublicVariable;

pub(in crate::catalog) fn listing(visit: &Visit, listing: Listing, around: Around) -> Response {
    let lang = visit.lang;
    let title = listing.title.clone();
    let head = head(visit, &listing, &around);
    shell::page_with(visit, &title.clone(), StatusCode::OK, &head, || {
        let live = listing.state == ListingState::Live;
        let creator = format!("/creators/{}", shell::encode(&listing.handle));
        let model = around
            .model
            .as_ref()
            .map(|model| model.name.clone())
            .unwrap_or_default();
        let bar = (live && around.away.is_none()).then(|| buy_bar(visit, &listing, &around));
        let folded = evidence::details(
            lang,
            &listing,
            &around.anchors,
            &around.statements,
            around.versions.clone(),
            model,
        );
        view! {
            <article class="listing">
                <div class="listing__show listing__more">
                    {viewer::viewer(lang, &title, &around.anchors)}
                    {values(lang, &listing)}
                    {crate::library::try_it::section(visit, &listing, around.away.as_deref())}
                </div>
                <div class="listing__offer">{side(visit, &listing, &around)}</div>
                <div class="listing__more">{folded}</div>
            </article>
            {set_links(visit, around.sets)}
            {shelf(visit, "more-by-creator", around.more, Some(creator))}
            {shelf(visit, "more-like-it", around.similar, Some(format!("/explore?category={}", listing.category)))}
            {bar}
        }
        .into_any()
    })
}

/// What the page says of itself: a product, and the offer of it.
fn head(visit: &Visit, listing: &Listing, around: &Around) -> Head {
    let lang = visit.lang;
    let canonical = format!("/listings/{}", listing.slug);
    let url = format!("{}{}", visit.public_url, lang.path(&canonical));
    let picture = around.anchors.first().map(|anchor| {
        let (blob, width, height) = (&anchor.labelled_blob, anchor.width, anchor.height);
        page_picture(lang, blob, width, height)
    });
    let picture = picture.unwrap_or_default();
    let price = visit.gross(listing.price_minor);
    let data = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": listing.title,
        "description": listing.description,
        "image": format!("{}{picture}", visit.public_url),
        "category": lang.text(&format!("category-{}", listing.category)),
        "brand": { "@type": "Brand", "name": listing.handle },
        "offers": {
            "@type": "Offer",
            "url": url,
            "price": format!("{}.{:02}", price / 100, price % 100),
            "priceCurrency": "USD",
            "availability": match around.away {
                Some(_) => "https://schema.org/OutOfStock",
                None => "https://schema.org/InStock",
            },
        },
    });
    let live = listing.state == ListingState::Live;
    Head {
        description: listing.description.clone(),
        picture,
        canonical,
        hidden: !live,
        data: live.then_some(data),
        ..Head::default()
    }
}

/// Beside the pictures: what it is, what it costs, and what speaks for it.
fn side(visit: &Visit, listing: &Listing, around: &Around) -> impl IntoView + use<> {
    let lang = visit.lang;
    let pending = listing.state == ListingState::Certifying && !around.in_review;
    let live = listing.state == ListingState::Live;
    let category = lang.path(&format!("/explore?category={}", listing.category));
    let creator = lang.path(&format!("/creators/{}", shell::encode(&listing.handle)));
    let heading = html_lang(&listing.language);
    let sentence = evidence::evidence(
        lang,
        listing,
        &around.statements,
        &around.versions,
        around.now_ms,
    );
    view! {
        <div class="listing__side">
            <div>
                <p class="crumbs">
                    <a href=category>{lang.text(&format!("category-{}", listing.category))}</a>
                    " · " {lang.text("by")} " " <a href=creator><bdi>{listing.handle.clone()}</bdi></a>
                </p>
                <h1 lang=heading>{listing.title.clone()}</h1>
                {seal_count(lang, around.reproduced)}
            </div>
            {pending.then(|| waiting(lang, listing, around.certifying.as_ref()))}
            {around.in_review.then(|| view! { <p class="hint" id="in-review">{lang.text("in-review-line")}</p> })}
            {listing.version_error.clone().map(|error| view! { <p class="field-error">{lang.text_or_itself(&error)}</p> })}
            {match live {
                true => offer(visit, listing, around, around.anchors.len()).into_any(),
                false => description(listing).into_any(),
            }}
            {sentence}
            {live.then(|| tools(visit, listing))}
        </div>
    }
}

/// To pass it on, or to say that something is wrong with it.
fn tools(visit: &Visit, listing: &Listing) -> impl IntoView + use<> {
    let lang = visit.lang;
    let path = lang.path(&format!("/listings/{}", listing.slug));
    let report = format!("{path}/report");
    let url = format!("{}{path}", visit.public_url);
    view! {
        <p class="tools">
            <button class="scripted" type="button" data-share=url data-title=listing.title.clone() data-done=lang.text("share-copied")>
                <span class="icon icon--share"></span><span data-label="">{lang.text("share")}</span>
            </button>
            <a href=report rel="nofollow"><span class="icon icon--flag"></span>{lang.text("report")}</a>
        </p>
    }
}

/// How far a certification is, in words.
pub(in crate::catalog) fn certifying(
    lang: Lang,
    state: VersionState,
    step: i64,
    stands: Option<&Stands>,
) -> String {
    match stands {
        Some(Stands::Away { .. }) => progress::line(lang, stands, step, 4),
        _ => {
            let label = lang.text(&format!("version-state-{}", state.name()));
            format!("{label} {step}/4")
        }
    }
}

fn waiting(lang: Lang, listing: &Listing, stands: Option<&Stands>) -> impl IntoView + use<> {
    let step = match listing.version_state {
        VersionState::Logging => 1,
        VersionState::Certifying => 2,
        _ => 3,
    };
    let line = certifying(lang, listing.version_state, step, stands);
    view! {
        <RefreshWithoutScript seconds=2/>
        <div class="hint">
            <p>{lang.text("certifying-line")}</p>
            <LiveProgress url=format!("/listings/{}/progress", listing.slug) line step steps=4/>
        </div>
    }
}

/// The values that a buyer can set, open ones and choices; the words around them are sealed. Where choices can be tried, the form that
/// follows shows them.
fn values(lang: Lang, listing: &Listing) -> impl IntoView + use<> {
    let variables = listing.public_variables();
    let slots: Vec<_> = variables
        .keys()
        .map(|name| view! { <span class="slot">{name.clone()}</span> " " <span class="veil"></span> " " })
        .collect();
    let none = variables.is_empty();
    let listed = variables
        .values()
        .any(|variable| matches!(variable, PublicVariable::Choice { .. }));
    let untried = (!listing.trial).then_some(match listed {
        true => "values-untried",
        false => "values-untried-words",
    });
    let tried = crate::library::try_it::is_offered(listing);
    let rows: Vec<_> = variables
        .into_iter()
        .filter(|(_, variable)| !tried || !matches!(variable, PublicVariable::Choice { .. }))
        .map(|(name, variable)| value(lang, name, variable))
        .collect();
    (!none).then(|| {
        let rows = (!rows.is_empty()).then(|| view! { <dl class="own__values">{rows}</dl> });
        view! {
            <section class="own" id="values" aria-label=lang.text("values-title")>
                <h2>{lang.text("values-title")}</h2>
                <p class="own__template" aria-hidden="true">{slots}</p>
                <p class="quiet">{lang.text(if listing.price_minor == 0 { "values-line-free" } else { "values-line" })} " " {untried.map(|text| lang.text(text))}</p>
                {rows}
            </section>
        }
    })
}

fn value(lang: Lang, name: String, variable: PublicVariable) -> impl IntoView {
    let (kind, choices, usual) = match variable {
        PublicVariable::Choice { labels, default } => {
            let count = labels.len() as i64;
            let kind = lang.with("value-choice", &[("count", count.into())]);
            (kind, labels, default)
        }
        PublicVariable::Text {
            max_characters,
            default,
        } => {
            let count = i64::from(max_characters);
            let kind = lang.with("value-text", &[("count", count.into())]);
            (kind, vec![default.clone()], default)
        }
        PublicVariable::Number {
            minimum,
            maximum,
            default,
            ..
        } => {
            let arguments = [("minimum", minimum.into()), ("maximum", maximum.into())];
            let default = default.to_string();
            (
                lang.with("value-number", &arguments),
                vec![default.clone()],
                default,
            )
        }
    };
    let chips: Vec<_> = choices
        .into_iter()
        .map(|label| {
            let current = (label == usual).then_some("true");
            view! { <span class="chip" aria-current=current>{label}</span> }
        })
        .collect();
    view! {
        <div class="own__value">
            <dt><span class="own__name">{name}</span> " " <span class="own__kind">{kind}</span></dt>
            <dd class="chips">{chips}</dd>
        </div>
    }
}
