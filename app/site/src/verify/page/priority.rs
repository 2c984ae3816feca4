//! Two sealed recipes side by side: which was logged first, and what that does not prove.

use crate::ui::pieces::{Code, Fact, Field, MatPicture, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::log::service::{Date, PublicLog};
use market::verify::priority::Standing;
use schema::failure::FieldError;

/// The form that asks for two recipes, again with what was wrong.
pub(in crate::verify) fn ask(
    visit: &Visit,
    first: &str,
    second: &str,
    errors: Vec<FieldError>,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("priority-title");
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let (first, second) = (first.to_owned(), second.to_owned());
    shell::page(visit, &title.clone(), status, || {
        view! {
            {heading(title, Some(lang.text("priority-line")))}
            <form method="get" action=lang.path("/priority") class="card stack">
                <Field lang name="first" label=lang.text("priority-first") value=first hint=lang.text("priority-hint") required=true errors=errors.clone()/>
                <Field lang name="second" label=lang.text("priority-second") value=second required=true errors/>
                <p class="actions"><button class="button button--primary" type="submit">{lang.text("priority-compare")}</button></p>
            </form>
        }
        .into_any()
    })
}

/// Since when a leaf is public, and by whose clock.
pub(crate) fn since(lang: Lang, date: Date) -> impl IntoView + use<> {
    let texts: Vec<String> = date.texts().into_iter().map(|id| lang.text(id)).collect();
    view! { <Time lang ms=date.ms/> " " <span class="quiet">{texts.join(", ")}</span> }
}

fn side(lang: Lang, standing: Standing, other: &str, first: bool) -> impl IntoView + use<> {
    let proof = lang.path(&format!("/proofs/{}", standing.leaf_hash));
    let title = match &standing.listing {
        Some(listing) => listing.title.clone(),
        None => lang.text("kind-sealed"),
    };
    let handle = standing
        .listing
        .as_ref()
        .map(|listing| listing.handle.clone());
    let href = standing
        .listing
        .as_ref()
        .map(|listing| lang.path(&format!("/listings/{}", listing.slug)));
    let alt = title.clone();
    // Both proofs in one tree: apart they would say nothing of the order.
    let download = format!("/proofs/{}/proof?beside={other}", standing.leaf_hash);
    let tag = lang.text(if first {
        "priority-earlier"
    } else {
        "priority-later"
    });
    view! {
        <section class="card priority__side" data-first=first.to_string()>
            <p><span class="tag" class:tag--good=first>{tag}</span></p>
            {standing.anchor.map(|anchor| view! { <MatPicture lang blob=anchor.labelled_blob alt width=anchor.width height=anchor.height/> })}
            <h2>{match href { Some(href) => view! { <a href=href>{title}</a> }.into_any(), None => view! { {title} }.into_any() }}</h2>
            <dl class="facts">
                {handle.map(|handle| view! { <Fact label=lang.text("by")><bdi>{handle}</bdi></Fact> })}
                <Fact label=lang.text("log-index")><a href=proof>{format!("#{}", standing.index)}</a></Fact>
                <Fact label=lang.text("public-since")>
                    {match standing.date {
                        Some(date) => since(lang, date).into_any(),
                        None => view! { {lang.text("date-unknown")} }.into_any(),
                    }}
                </Fact>
                <Fact label=lang.text("leaf-hash")><Code text=standing.leaf_hash/></Fact>
                <Fact label=lang.text("signer")><Code text=standing.key_hash/></Fact>
            </dl>
            <p class="actions"><a class="button button--small" href=download>{lang.text("download-proof")}</a></p>
        </section>
    }
}

pub(in crate::verify) fn priority(
    visit: &Visit,
    [first, second]: [Standing; 2],
    log: &PublicLog,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("priority-title");
    let (origin, limits) = (log.origin.clone(), log.limits_text());
    shell::ok(visit, &title.clone(), || {
        let verdict = if first.index == second.index {
            lang.text("priority-same")
        } else if first.key_hash == second.key_hash {
            lang.text("priority-one-key")
        } else {
            let name = first.listing.as_ref().map_or_else(
                || format!("#{}", first.index),
                |listing| listing.title.clone(),
            );
            lang.with(
                "priority-verdict",
                &[
                    ("name", name.into()),
                    ("first", first.index.into()),
                    ("second", second.index.into()),
                    ("log", origin.into()),
                ],
            )
        };
        let same = first.index == second.index;
        let (first_leaf, second_leaf) = (first.leaf_hash.clone(), second.leaf_hash.clone());
        let second = (!same).then(|| side(lang, second, &first_leaf, false));
        view! {
            {heading(title, None)}
            <p class="heading__line" id="verdict">{verdict}</p>
            <div class="priority">{side(lang, first, &second_leaf, true)}{second}</div>
            <p class="quiet">{lang.text("priority-limits")}</p>
            <p class="quiet">{lang.text(limits)}</p>
        }
        .into_any()
    })
}
