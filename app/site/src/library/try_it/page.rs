//! What can be chosen, the form of a try, and what came of one's tries.

use crate::library::slots::{self, Slots};
use crate::ui::pieces::{FormKey, MatPicture, Picture, RefreshWithoutScript, heading};
use crate::ui::progress;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use islands::studio::LiveProgress;
use leptos::prelude::*;
use market::catalog::ListingState;
use market::catalog::service::{Anchor, Listing};
use market::machines::Stands;
use market::own::OwnState;
use market::trials::service::{KEPT_MS, MAX_TRIALS, Trial};
use schema::failure::FieldError;
use schema::id::TrialId;
use schema::template::{PublicVariable, Values};
use std::collections::BTreeMap;

/// Only choices can be tried.
fn choices(listing: &Listing) -> Slots {
    let mut slots = listing.public_variables();
    slots.retain(|_, variable| matches!(variable, PublicVariable::Choice { .. }));
    slots
}

/// Whether its page has a form to try it.
pub(crate) fn is_offered(listing: &Listing) -> bool {
    listing.trial && listing.state == ListingState::Live
}

/// The form of a try below a listing's gallery, where the creator allows it. It needs nothing but the listing.
pub(crate) fn section(
    visit: &Visit,
    listing: &Listing,
    away: Option<&str>,
) -> Option<impl IntoView + use<>> {
    let lang = visit.lang;
    is_offered(listing).then(|| {
        let form = form(lang, listing, (&Values::new(), &[]), None, away);
        view! { <section class="card try-it" id="try-it"><h2>{lang.text("trial-title")}</h2> {form}</section> }
    })
}

fn form(
    lang: Lang,
    listing: &Listing,
    (values, errors): (&Values, &[FieldError]),
    left: Option<i64>,
    away: Option<&str>,
) -> impl IntoView + use<> {
    let action = lang.path(&format!("/listings/{}/try", listing.slug));
    let words = slots::Words::of(&listing.language);
    let fields = slots::fields(lang, &choices(listing), values, errors, words);
    let told: Vec<_> = errors
        .iter()
        .filter(|error| ["values", "form", "trial"].contains(&error.field.as_str()))
        .map(|error| lang.field_error(error))
        .map(|text| view! { <p class="field-error" role="alert">{text}</p> })
        .collect();
    // A listing's page is the same for everybody: it knows nobody's tries.
    let line = match left {
        Some(left) => lang.with("trial-line", &[("count", left.into())]),
        None => lang.with("trial-each", &[("count", MAX_TRIALS.into())]),
    };
    let none_left = left.is_some_and(|left| left <= 0) || away.is_some();
    let away = away.map(|model| {
        let text = lang.with("trial-away", &[("model", model.to_owned().into())]);
        view! { <p class="hint" id="try-away">{text}</p> }
    });
    let fixed: Vec<_> = listing
        .public_variables()
        .into_iter()
        .filter(|(_, variable)| !matches!(variable, PublicVariable::Choice { .. }))
        .map(|(name, _)| format!("“{}”", slots::shown_name(&name)))
        .collect();
    let fixed = (!fixed.is_empty())
        .then(|| lang.with("trial-fixed", &[("names", fixed.join(", ").into())]));
    view! {
        <form class="own-form" method="post" action=action id="try-form">
            <FormKey/>
            {fields}
            {fixed.map(|fixed| view! { <p class="field__hint">{fixed}</p> })}
            {told}
            {away}
            <p class="actions"><button class="button" id="try" disabled=none_left>{lang.text("trial-make")}</button></p>
            <p class="field__hint" id="tries-left">{line}</p>
        </form>
    }
}

/// All that the page of one's tries shows.
pub(super) struct Tries {
    pub(super) listing: Listing,
    /// Labelled copies of what is sealed, to look at beside it.
    pub(super) anchors: Vec<Anchor>,
    pub(super) tries: Vec<Trial>,
    /// How each stands that is not over.
    pub(super) stands: BTreeMap<TrialId, Stands>,
    /// The model that no machine has now, by its name.
    pub(super) away: Option<String>,
    pub(super) values: Values,
    pub(super) errors: Vec<FieldError>,
}

pub(super) fn tries(visit: &Visit, page: &Tries) -> Response {
    let lang = visit.lang;
    let listing = &page.listing;
    let title = lang.with("trial-heading", &[("title", listing.title.clone().into())]);
    let status = match page.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let used = page
        .tries
        .iter()
        .filter(|one| one.state != OwnState::Failed);
    let left = MAX_TRIALS - i64::try_from(used.count()).unwrap_or(MAX_TRIALS);
    let waiting = page.tries.iter().any(|one| !one.state.is_over());
    shell::page(visit, &title.clone(), status, || {
        let rows: Vec<_> = page
            .tries
            .iter()
            .map(|one| view! { <li class="own-picture" data-state=one.state.name()>{result(lang, listing, one, page.stands.get(&one.id))}</li> })
            .collect();
        let sealed = page.anchors.first().map(|anchor| {
            let alt = lang.with("preview-alt", &[("number", 1.into()), ("title", listing.title.clone().into())]);
            view! {
                <figure class="try-it__sealed">
                    <MatPicture lang blob=anchor.labelled_blob.clone() alt width=anchor.width height=anchor.height/>
                    <figcaption class="quiet">{lang.text("trial-sealed")}</figcaption>
                </figure>
            }
        });
        let back = lang.path(&format!("/listings/{}", listing.slug));
        let none = rows.is_empty();
        view! {
            {(waiting && page.errors.is_empty()).then(|| view! { <RefreshWithoutScript seconds=2/> })}
            {heading(title, None)}
            <p class="actions"><a href=back.clone()>{lang.text("trial-back")}</a> <a class="button button--small" href=format!("{back}#buy") id="trial-buy">{lang.text(if listing.price_minor == 0 { "get-free" } else { "trial-buy" })}</a></p>
            <div class="own-line">
                <section class="card try-it">{sealed}{form(lang, listing, (&page.values, &page.errors), Some(left), page.away.as_deref())}</section>
                <section class="card" id="tries">
                    <h2>{lang.text("trial-yours")}</h2>
                    {none.then(|| view! { <p class="quiet">{lang.text("trial-none")}</p> })}
                    <ul class="plain own-pictures">{rows}</ul>
                </section>
            </div>
        }
        .into_any()
    })
}

fn result(
    lang: Lang,
    listing: &Listing,
    one: &Trial,
    stands: Option<&Stands>,
) -> impl IntoView + use<> {
    let values = slots::line(&one.values());
    let path = format!("/listings/{}/try/{}", listing.slug, one.id);
    let note = lang.with("trial-note", &[("title", listing.title.clone().into())]);
    let days = lang.with(
        "trial-kept",
        &[("count", (KEPT_MS / base::clock::DAY_MS).into())],
    );
    let shown = match (one.state, &one.blob) {
        (OwnState::Done, Some(_)) => {
            let alt = match values.is_empty() {
                true => note.clone(),
                false => format!("{note} {values}"),
            };
            view! { <Picture src=format!("{path}/picture") alt width=256 height=256/> }.into_any()
        }
        (OwnState::Done, None) => view! { <p class="quiet">{days}</p> }.into_any(),
        (OwnState::Failed, _) => {
            let why = one.error.as_deref().unwrap_or("trial-failed");
            view! { <p class="field-error">{lang.text(why)}</p> }.into_any()
        }
        (OwnState::Waiting | OwnState::Running, _) => {
            let line = progress::line(lang, stands, one.step, one.steps);
            let give_up = lang.path(&format!("{path}/give-up"));
            view! {
                <LiveProgress url=format!("{path}/progress") line step=one.step steps=one.steps/>
                <form method="post" action=give_up><button class="button button--small try-give-up">{lang.text("trial-give-up")}</button></form>
            }.into_any()
        }
    };
    view! {
        <div class="own-mat">{shown}</div>
        <p>{values}</p>
        <p class="quiet">{note}</p>
    }
}
