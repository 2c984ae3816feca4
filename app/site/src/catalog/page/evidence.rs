//! The evidence for a listing: one sentence, and the facts folded behind it.
//!
//! The one rule: the sentence says what the statements say, whoever made them; what differed is said, too.

use crate::ui::pieces::{Code, Fact, Time, ago};
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::VersionState;
use market::catalog::service::{Anchor, Listing, VersionEntry};
use market::log::service::StatementRow;

/// What stands beside the price: sealed when, regenerated when and by whom.
pub(super) fn evidence(
    lang: Lang,
    listing: &Listing,
    statements: &[StatementRow],
    versions: &[VersionEntry],
    now_ms: i64,
) -> impl IntoView + use<> {
    let (all, _) = market::verify::attest::tally(statements);
    let is_ours = |row: &&StatementRow| row.attester.as_deref() == Some("platform");
    let ours = statements.iter().rev().find(is_ours);
    let ours = ours.filter(|row| row.outcome.as_deref() == Some("exact"));
    let owners = all.exact - i64::from(ours.is_some());
    let sealed = versions.iter().find(|entry| entry.id == listing.version_id);
    let sealed = sealed.map_or_else(String::new, |entry| lang.date(entry.created_ms));
    let sentence = match ours {
        Some(row) => lang.with(
            "evidence-equal",
            &[
                ("sealed", sealed.into()),
                ("ago", ago(lang, row.created_ms, now_ms).into()),
            ],
        ),
        None => lang.with("evidence-sealed", &[("sealed", sealed.into())]),
    };
    let differed = all.near + all.different;
    let place = listing
        .sealed_index
        .map(|index| lang.with("evidence-entry", &[("index", index.into())]));
    let proof = lang.path(&format!("/proofs/{}", listing.leaf_hash));
    view! {
        <section class="card proof-line listing__evidence" aria-label=lang.text("evidence")>
            <div class="proof-line__head">
                <span class="stamp stamp--large" class:stamp--equal=ours.is_some() aria-hidden="true"></span>
                <div>
                    <strong>{sentence}</strong>
                    {(owners > 0).then(|| view! { <p>{lang.with("evidence-owners", &[("count", owners.into())])}</p> })}
                    {(differed > 0).then(|| view! { <p class="field-error">{lang.with("evidence-differed", &[("count", differed.into())])}</p> })}
                    {place.map(|place| view! { <p class="quiet">{place}</p> })}
                </div>
            </div>
            <p><a class="button button--small" href=proof>{lang.text("see-proof")}</a></p>
        </section>
    }
}

/// Everything else that is known, for whoever unfolds it.
pub(super) fn details(
    lang: Lang,
    listing: &Listing,
    anchors: &[Anchor],
    statements: &[StatementRow],
    versions: Vec<VersionEntry>,
    model: String,
) -> impl IntoView + use<> {
    let (all, _) = market::verify::attest::tally(statements);
    let summary = lang.with(
        "reproduced-summary",
        &[
            ("exact", all.exact.into()),
            ("near", all.near.into()),
            ("different", all.different.into()),
        ],
    );
    let certified = statements
        .iter()
        .find(|row| Some(&row.leaf_hash) == listing.certification_leaf_hash.as_ref())
        .cloned();
    let files: Vec<_> = anchors
        .iter()
        .map(|anchor| {
            let href = crate::ui::pieces::picture_url(&anchor.labelled_blob);
            view! { <a href=href>{format!("{}", anchor.idx + 1)}</a> " " }
        })
        .collect();
    let listing = listing.clone();
    view! {
        <div>
            <details class="fold">
                <summary>{lang.text("recipe-facts")}</summary>
                <dl class="facts">
                    <Fact label=lang.text("model")>{model} " " <Code text=listing.model.clone()/></Fact>
                    <Fact label=lang.text("size")>{format!("{} × {}", listing.width, listing.height)}</Fact>
                    <Fact label=lang.text("steps")>{listing.steps}</Fact>
                    <Fact label=lang.text("sampler")>{listing.scheduler.clone()}</Fact>
                    <Fact label=lang.text("profile")>{listing.profile.clone()}</Fact>
                    <Fact label=lang.text("prompt")><span class="sealed">{lang.text("sealed")}</span></Fact>
                    <Fact label=lang.text("seed")><span class="sealed">{lang.text("sealed")}</span></Fact>
                </dl>
            </details>
            <details class="fold">
                <summary>{lang.text("evidence")}</summary>
                <dl class="facts">
                    <Fact label=lang.text("reproduced")>{summary}</Fact>
                    {certified.map(|row| view! {
                        <Fact label=lang.text("certified")><Time lang ms=row.created_ms/></Fact>
                        <Fact label=lang.text("environment")>{row.environment.unwrap_or_default()}</Fact>
                    })}
                    <Fact label=lang.text("sealed-copies")>{files}</Fact>
                </dl>
            </details>
            <details class="fold">
                <summary>{lang.with("versions-count", &[("count", (versions.len() as i64).into())])}</summary>
                <ul class="plain">{history(lang, versions)}</ul>
            </details>
        </div>
    }
}

fn history(lang: Lang, versions: Vec<VersionEntry>) -> impl IntoView + use<> {
    let rows: Vec<_> = versions
        .into_iter()
        .map(|entry| {
            let href = lang.path(&format!("/proofs/{}", entry.leaf_hash));
            let place = entry.log_index.map(|index| format!("#{index}"));
            let waiting = (entry.state != VersionState::Live).then(|| {
                view! { <span class="tag">{lang.text(&format!("version-state-{}", entry.state.name()))}</span> }
            });
            view! {
                <li class="row"><Time lang ms=entry.created_ms/>{waiting}<a href=href>{lang.text("see-proof")} " " {place}</a></li>
            }
        })
        .collect();
    rows
}
