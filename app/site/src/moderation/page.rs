//! The queue of near copies, and one case with its evidence side by side.

use crate::ui::pieces::{Fact, FormKey, LinePicture, MatPicture, TextArea, Time, empty, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use crate::verify::page::since;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::moderation::ReviewState;
use market::moderation::service::{Case, Difference, Evidence, Queued, REASONS, Side};
use similar::ChangeTag;

pub(super) fn queue(visit: &Visit, open: Vec<Queued>, decided: Vec<Queued>) -> Response {
    let lang = visit.lang;
    let title = lang.text("copies");
    shell::ok(visit, &title.clone(), || {
        let row = |queued: Queued| {
            let href = lang.path(&format!("/operator/copies/{}", queued.review.version_id));
            view! {
                <li class="row">
                    {queued.blob.map(|blob| view! { <LinePicture lang blob/> })}
                    <span class="row__main"><a href=href>{queued.listing.title.clone()}</a><span class="quiet"><bdi>{queued.listing.handle.clone()}</bdi></span></span>
                    <span class="tag">{lang.text(&format!("review-state-{}", queued.review.state.name()))}</span>
                    <Time lang ms=queued.review.decided_ms.unwrap_or(queued.review.opened_ms)/>
                </li>
            }
        };
        let nothing = open.is_empty();
        let open = open.into_iter().map(row).collect_view();
        let has_decided = !decided.is_empty();
        let decided = decided.into_iter().map(row).collect_view();
        view! {
            {heading(title, Some(lang.text("copies-line")))}
            {nothing.then(|| empty(visit, "copies-none", None))}
            <ul class="plain" id="copies">{open}</ul>
            {has_decided.then(|| view! { <section class="card"><h2>{lang.text("copies-decided")}</h2><ul class="plain">{decided}</ul></section> })}
        }
        .into_any()
    })
}

fn pictures(lang: Lang, side: &Side) -> impl IntoView + use<> {
    let title = side.listing.title.clone();
    let shown = side.anchors.iter().map(move |anchor| {
        view! { <MatPicture lang blob=anchor.labelled_blob.clone() alt=title.clone() width=anchor.width height=anchor.height/> }
    });
    view! { <div class="compare__pictures">{shown.collect_view()}</div> }
}

fn facts(lang: Lang, side: &Side) -> impl IntoView + use<> {
    let (listing, date) = (side.listing.clone(), side.date);
    let proof = lang.path(&format!("/proofs/{}", listing.leaf_hash));
    let index = listing.sealed_index.map(|index| format!("#{index}"));
    view! {
        <dl class="facts">
            <Fact label=lang.text("by")><bdi>{listing.handle.clone()}</bdi></Fact>
            <Fact label=lang.text("log-index")><a href=proof>{index}</a></Fact>
            <Fact label=lang.text("public-since")>{date.map(|date| since(lang, date))}</Fact>
        </dl>
    }
}

/// Words that went are struck out, words that came are marked.
fn difference(difference: Difference) -> impl IntoView {
    let runs = difference.into_iter().map(|(tag, text)| match tag {
        ChangeTag::Equal => view! { <span>{text}</span> }.into_any(),
        ChangeTag::Delete => view! { <del>{text}</del> }.into_any(),
        ChangeTag::Insert => view! { <ins>{text}</ins> }.into_any(),
    });
    view! { <p class="difference">{runs.collect_view()}</p> }
}

fn evidence(lang: Lang, submitted_leaf: &str, evidence: Evidence) -> impl IntoView + use<> {
    let Evidence {
        found,
        earlier,
        difference: words,
    } = evidence;
    let compare = lang.path(&format!(
        "/priority/{}/{submitted_leaf}",
        earlier.listing.leaf_hash
    ));
    let percent = |milli: i64| format!("{} %", milli / 10);
    view! {
        <section class="card compare__match">
            <h2>{earlier.listing.title.clone()}</h2>
            {pictures(lang, &earlier)}
            {facts(lang, &earlier)}
            <dl class="facts">
                <Fact label=lang.text("alike-text")>{percent(found.text_milli)}</Fact>
                <Fact label=lang.text("alike-picture")>{percent(found.picture_milli)}</Fact>
                <Fact label=lang.text("bought-earlier")>
                    {match found.owned_ms {
                        Some(ms) => view! { <Time lang ms/> }.into_any(),
                        None => view! { {lang.text("bought-never")} }.into_any(),
                    }}
                </Fact>
            </dl>
            <h3>{lang.text("template-difference")}</h3>
            {difference(words)}
            <p><a class="button button--small" href=compare>{lang.text("see-priority")}</a></p>
        </section>
    }
}

pub(super) fn case(visit: &Visit, case: Case) -> Response {
    let lang = visit.lang;
    let title = case.submitted.listing.title.clone();
    shell::ok(visit, &title.clone(), || {
        let leaf = case.submitted.listing.leaf_hash.clone();
        let matches = case
            .evidence
            .into_iter()
            .map(|found| evidence(lang, &leaf, found))
            .collect_view();
        let state = case.review.state;
        let decided = (state != ReviewState::Open).then(|| {
            let reason = case.review.reason.clone().map(|reason| lang.text(&format!("review-{reason}")));
            view! { <p class="hint">{lang.text(&format!("review-state-{}", state.name()))} {reason.map(|reason| format!(": {reason}"))} " " <span class="quiet">{case.review.note.clone()}</span></p> }
        });
        let later = case.due_ms.filter(|_| state != ReviewState::Open).map(|ms| {
            view! { <p class="quiet" id="decided-later">{lang.text("decision-later")}" "<Time lang ms/></p> }
        });
        let open = (state == ReviewState::Open).then(|| form(lang, &case.review.version_id));
        view! {
            {heading(title, Some(lang.text("case-line")))}
            <section class="card">
                <h2>{lang.text("case-submitted")}</h2>
                {pictures(lang, &case.submitted)}
                {facts(lang, &case.submitted)}
                {decided}
                {later}
                {open}
            </section>
            {matches}
        }
        .into_any()
    })
}

fn form(lang: Lang, version: &schema::id::VersionId) -> impl IntoView + use<> {
    let reasons = REASONS.map(
        |reason| view! { <option value=reason>{lang.text(&format!("review-{reason}"))}</option> },
    );
    let action = lang.path(&format!("/operator/copies/{version}"));
    view! {
        <form method="post" action=action class="stack"><FormKey/>
            <div class="field"><label for="note">{lang.text("decision-note")}</label><TextArea id="note" name="note" rows=2 most=2000 value=String::new()/><p class="field__hint">{lang.text("decision-note-line")}</p></div>
            <div class="field"><label for="reason">{lang.text("decision-reason")}</label><select id="reason" name="reason">{reasons.into_iter().collect_view()}</select></div>
            <p class="actions">
                <button class="button button--primary" name="decision" value="approve" id="approve">{lang.text("decision-approve")}</button>
                <button class="button" name="decision" value="refuse" id="refuse">{lang.text("decision-refuse")}</button>
            </p>
        </form>
    }
}
