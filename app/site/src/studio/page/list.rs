//! A creator's drafts that are worked on, and what they published.

use crate::ui::pieces::{LinePicture, Picture, empty, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::ListingState;
use market::studio::compare::Comparison;
use market::studio::service::{DraftLine, MyListing};

pub(in crate::studio) fn studio(
    visit: &Visit,
    drafts: Vec<DraftLine>,
    comparisons: Vec<Comparison>,
    listings: Vec<MyListing>,
    no_key: bool,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("studio");
    shell::ok(visit, &title.clone(), || {
        let (no_drafts, no_listings) = (drafts.is_empty(), listings.is_empty());
        let drafts: Vec<_> = drafts.into_iter().map(|draft| card(lang, draft)).collect();
        let listings: Vec<_> = listings.into_iter().map(|row| line(lang, row)).collect();
        view! {
            <div class="studio-head wide">
                {heading(title, Some(lang.text("studio-line")))}
                <form method="post" action=lang.path("/studio/drafts")><button class="button button--primary" id="new-draft">{lang.text("draft-new")}</button></form>
            </div>
            {no_key.then(|| view! { <p class="hint">{lang.text("studio-no-key")} " " <a href=lang.path("/account#keys")>{lang.text("keys")}</a></p> })}
            <section class="stack" id="drafts" aria-labelledby="drafts-title">
                <h2 id="drafts-title">{lang.text("drafts")}</h2>
                {no_drafts.then(|| view! { <p class="quiet">{lang.text("drafts-none")}</p> })}
                {(!no_drafts).then(|| view! { <ul class="grid">{drafts}</ul> })}
            </section>
            {compared(lang, comparisons)}
            <section class="stack" id="listings" aria-labelledby="listings-title">
                <h2 id="listings-title">{lang.text("listings")}</h2>
                {no_listings.then(|| empty(visit, "listings-none", None))}
                {(!no_listings).then(|| view! { <ul class="plain card studio-listings">{listings}</ul> })}
            </section>
        }
        .into_any()
    })
}

/// Comparisons, the newest first.
fn compared(lang: Lang, comparisons: Vec<Comparison>) -> Option<impl IntoView + use<>> {
    let none = comparisons.is_empty();
    let items: Vec<_> = comparisons
        .into_iter()
        .map(|comparison| {
            let href = lang.path(&format!("/studio/comparisons/{}", comparison.id));
            view! { <li><a href=href>{comparison.title}</a>" "<span class="quiet">{lang.date(comparison.created_ms)}</span></li> }
        })
        .collect();
    (!none).then(|| {
        view! {
            <section class="stack" id="comparisons" aria-labelledby="comparisons-title">
                <h2 id="comparisons-title">{lang.text("comparisons")}</h2>
                <ul class="plain card">{items}</ul>
            </section>
        }
    })
}

/// A draft: its newest picture, and when it was worked on.
fn card(lang: Lang, draft: DraftLine) -> impl IntoView + use<> {
    let href = lang.path(&format!("/studio/drafts/{}", draft.id));
    let picture = match draft.picture_id {
        Some(id) => {
            let src = lang.path(&format!("/studio/pictures/{id}/file"));
            view! { <Picture src alt=String::new() width=128 height=128/> }.into_any()
        }
        None => view! { <span class="mat__note">{lang.text("pictures-none")}</span> }.into_any(),
    };
    let count = lang.with("pictures-count", &[("count", draft.pictures.into())]);
    let published = draft.slug.map(|slug| {
        let href = lang.path(&format!("/listings/{slug}"));
        view! { <span class="listing-card__meta"><a href=href>{lang.text("draft-was-published")}</a></span> }
    });
    view! {
        <li class="listing-card">
            <a class="listing-card__link" href=href>
                <span class="mat">{picture}</span>
                <span class="listing-card__title">{draft.title}</span>
            </a>
            <span class="listing-card__meta"><span>{lang.date(draft.updated_ms)}</span><span>{count}</span></span>
            {published}
        </li>
    }
}

/// A listing: how it stands, what it brought, and what its creator may do with it.
fn line(lang: Lang, listing: MyListing) -> impl IntoView + use<> {
    let href = lang.path(&format!("/listings/{}", listing.slug));
    let state = lang.text(&format!("listing-state-{}", listing.state.name()));
    let (good, bad) = (
        listing.state == ListingState::Live,
        listing.state == ListingState::Failed,
    );
    let draft = listing.draft_id.map(|id| {
        let href = lang.path(&format!("/studio/drafts/{id}"));
        view! { <a class="button button--small button--quiet" href=href>{lang.text("draft-of-listing")}</a> }
    });
    let live = good.then(|| own_and_trial(lang, &listing.id, listing.trial));
    view! {
        <li class="row">
            <LinePicture lang blob=listing.labelled_blob/>
            <span class="row__main">
                <a href=href>{listing.title}</a>
                <span class="studio-listings__facts">
                    <span class="tag" class:tag--good=good class:tag--bad=bad>{state}</span>
                    <span>{lang.price(listing.price_minor)}</span>
                    <span class="quiet">{lang.with("sales-count", &[("count", listing.sales.into())])}</span>
                </span>
                {listing.error.map(|error| view! { <span class="field-error">{lang.text_or_itself(&error)}</span> })}
            </span>
            <span class="actions">{live}{draft}</span>
        </li>
    }
}

/// A creator makes pictures of their own recipe as an owner does, and lets visitors try it or not.
fn own_and_trial(lang: Lang, id: &str, trial: bool) -> impl IntoView + use<> {
    let own = lang.path(&format!("/library/{id}/own"));
    let action = lang.path(&format!("/studio/listings/{id}/trial"));
    let (value, text) = match trial {
        true => ("0", "trial-turn-off"),
        false => ("1", "trial-turn-on"),
    };
    view! {
        <a class="button button--small" href=own>{lang.text("own-make-here")}</a>
        <form method="post" action=action><button class="button button--small button--quiet" name="trial" value=value>{lang.text(text)}</button></form>
    }
}
