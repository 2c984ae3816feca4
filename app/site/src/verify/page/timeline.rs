//! What a proof page says first: a verdict in one sentence, and how it came to it, step by step.
//!
//! The one rule: the verdict says what was checked while the page was made, and whose statements say the rest.

use super::known::Known;
use super::priority::since;
use crate::ui::pieces::{MatPicture, Time, ago};
use base::lang::Lang;
use leptos::prelude::*;
use market::log::service::StatementRow;
use schema::leaf::LeafKind;

/// Statements in the order in which they were made, as a verdict reads them.
struct Reruns<'a> {
    ours: Option<&'a StatementRow>,
    owners: i64,
    differed: i64,
    first: Option<&'a StatementRow>,
    last: Option<&'a StatementRow>,
}

impl<'a> Reruns<'a> {
    fn of(about: &'a [StatementRow]) -> Self {
        let (all, _) = market::verify::attest::tally(about);
        let exact = |row: &&StatementRow| row.outcome.as_deref() == Some("exact");
        let by_us = |row: &&StatementRow| row.attester.as_deref() == Some("platform");
        let ours = about.iter().filter(by_us).rev().find(exact);
        let first = about.iter().filter(by_us).find(exact);
        let last = about.iter().rev().find(exact);
        Self {
            ours,
            owners: all.exact - i64::from(ours.is_some()),
            differed: all.near + all.different,
            first,
            // The certification is a step of its own.
            last: last.filter(|last| first.is_none_or(|first| first.leaf_hash != last.leaf_hash)),
        }
    }
}

/// The sentence, with the seal that it stands for.
pub(super) fn verdict(lang: Lang, known: &Known, now_ms: i64) -> impl IntoView + use<> {
    let reruns = Reruns::of(&known.about);
    let holds = known.checks.hold();
    let sealed = known.kind() == Some(LeafKind::SealedRecipe);
    let sentence = match (holds, known.row.log_index, reruns.ours) {
        (_, None, _) => lang.text("verdict-waiting"),
        (false, ..) => lang.text("verdict-broken"),
        (true, _, Some(row)) if sealed => lang.with(
            "verdict-equal",
            &[("ago", ago(lang, row.created_ms, now_ms).into())],
        ),
        (true, ..) if sealed => lang.text("verdict-sealed"),
        (true, ..) => lang.text("verdict-logged"),
    };
    let equal = holds && sealed && reruns.ours.is_some();
    let (owners, differed) = (reruns.owners, reruns.differed);
    let listing = known.listing.as_ref().map(|listing| {
        let href = lang.path(&format!("/listings/{}", listing.slug));
        let (title, handle) = (listing.title.clone(), listing.handle.clone());
        view! { <p><a href=href>{title}</a> " " <span class="quiet">{lang.text("by")} " " <bdi>{handle}</bdi></span></p> }
    });
    let picture = known.picture.as_ref().filter(|_| sealed).map(|anchor| {
        let blob = anchor.labelled_blob.clone();
        view! { <MatPicture lang blob alt="" width=anchor.width height=anchor.height/> }
    });
    view! {
        <section class="card proof-line" id="verdict" data-holds=holds.to_string()>
            <div class="proof-line__head">
                {picture}
                {holds.then(|| view! { <span class="stamp stamp--large" class:stamp--equal=equal aria-hidden="true"></span> })}
                <div>
                    <strong class="verdict">{sentence}</strong>
                    {listing}
                    {(owners > 0).then(|| view! { <p>{lang.with("evidence-owners", &[("count", owners.into())])}</p> })}
                    {(differed > 0).then(|| view! { <p class="field-error">{lang.with("evidence-differed", &[("count", differed.into())])}</p> })}
                </div>
            </div>
        </section>
    }
}

/// Sealed, logged, certified, run again; what has not happened is not there.
pub(super) fn steps(lang: Lang, known: &Known) -> impl IntoView + use<> {
    let reruns = Reruns::of(&known.about);
    let step = |id: &str, when: AnyView, line: AnyView| {
        view! { <li class="timeline__step"><strong>{lang.text(id)}</strong><span>{when}</span><span class="quiet">{line}</span></li> }
    };
    let statement = |row: &StatementRow| {
        let (href, ms) = (
            lang.path(&format!("/proofs/{}", row.leaf_hash)),
            row.created_ms,
        );
        let machine = row.environment.clone().unwrap_or_default();
        let when = view! { <a href=href><Time lang ms/></a> }.into_any();
        (when, machine.into_any())
    };
    let sealed = known.kind() == Some(LeafKind::SealedRecipe);
    let queued = known.row.queued_ms;
    let first = step(
        if sealed { "step-sealed" } else { "step-made" },
        view! { <Time lang ms=queued/> }.into_any(),
        lang.text(if sealed {
            "step-sealed-line"
        } else {
            "step-made-line"
        })
        .into_any(),
    );
    let logged = known.date.map(|date| {
        let index = known.row.log_index.unwrap_or_default();
        let line = lang.with("evidence-entry", &[("index", index.into())]);
        step("step-logged", since(lang, date).into_any(), line.into_any())
    });
    let certified = reruns.first.map(|row| {
        let (when, line) = statement(row);
        step("step-certified", when, line)
    });
    let again = reruns.last.map(|row| {
        let (when, line) = statement(row);
        step("step-rerun", when, line)
    });
    view! { <ol class="timeline" aria-label=lang.text("timeline")>{first}{logged}{certified}{again}</ol> }
}
