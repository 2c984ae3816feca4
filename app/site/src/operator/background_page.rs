//! The operator's page of work that nobody waits for: what comes again by the clock, and jobs that failed.

use super::page::links;
use crate::ui::pieces::{FormKey, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::jobs::recurring::Recurring;
use base::jobs::{JobState, Trouble};
use base::lang::Lang;
use leptos::prelude::*;
use market::machines::{ModelLine, title};

pub(super) fn show(
    visit: &Visit,
    recurring: Vec<Recurring>,
    trouble: Vec<Trouble>,
    models: Vec<ModelLine>,
) -> Response {
    let lang = visit.lang;
    let name = lang.text("background");
    shell::ok(visit, &name.clone(), || {
        let none = trouble.is_empty();
        let turns: Vec<_> = recurring.into_iter().map(|row| turn(lang, row)).collect();
        let models: Vec<_> = models.into_iter().map(|line| model(lang, line)).collect();
        let failed: Vec<_> = trouble.into_iter().map(|job| failed(lang, job)).collect();
        view! {
            {heading(name, Some(lang.text("background-line")))}
            {links(visit)}
            <section class="card">
                <h2>{lang.text("recurring")}</h2>
                <div class="scroll" tabindex="0"><table id="recurring">
                    <thead><tr><th>{lang.text("what")}</th><th>{lang.text("recurring-last")}</th><th>{lang.text("state")}</th><th>{lang.text("recurring-next")}</th></tr></thead>
                    <tbody>{turns}</tbody>
                </table></div>
            </section>
            <section class="card">
                <h2>{lang.text("machines")}</h2>
                <p class="quiet">{lang.text("machines-line")}</p>
                <div class="scroll" tabindex="0"><table id="models">
                    <thead><tr><th>{lang.text("model")}</th><th>{lang.text("machines-held")}</th><th>{lang.text("machines-listings")}</th><th>{lang.text("machines-open")}</th></tr></thead>
                    <tbody>{models}</tbody>
                </table></div>
            </section>
            <section class="card">
                <h2>{lang.text("jobs-failed")}</h2>
                {none.then(|| view! { <p class="quiet">{lang.text("nothing-here")}</p> })}
                <ul class="plain" id="failed-jobs">{failed}</ul>
            </section>
        }
        .into_any()
    })
}

fn turn(lang: Lang, row: Recurring) -> impl IntoView + use<> {
    let state = row.state();
    view! {
        <tr data-kind=row.kind.clone() data-state=state>
            <td>{lang.text(&format!("recurring-{}", row.kind))}</td>
            <td>{row.started_ms.map(|ms| view! { <Time lang ms/> })}</td>
            <td><span class="tag">{lang.text(&format!("recurring-state-{state}"))}</span>" "<span class="quiet">{row.last_error}</span></td>
            <td><Time lang ms=row.next_ms/></td>
        </tr>
    }
}

/// A model, whoever has it, and whatever needs it.
fn model(lang: Lang, line: ModelLine) -> impl IntoView + use<> {
    let missing = line.is_missing();
    let held = match line.known.workers {
        0 => lang.text("machines-none"),
        count => lang.number(count),
    };
    let last = (line.known.workers == 0 && line.known.held_ms > 0)
        .then(|| view! { " " <span class="quiet">{lang.text("machines-last")} " " <Time lang ms=line.known.held_ms/></span> });
    view! {
        <tr data-model=line.known.digest.clone() data-missing=missing.to_string()>
            <td>{title(&line.known)} " " <code class="digest" title=line.known.digest.clone()>{line.known.digest.clone()}</code></td>
            <td><span class="tag" class:tag--bad=missing>{held}</span>{last}</td>
            <td class="amount">{line.listings}</td>
            <td class="amount">{line.open}</td>
        </tr>
    }
}

fn failed(lang: Lang, job: Trouble) -> impl IntoView + use<> {
    let dead = job.state == JobState::Dead;
    let action = lang.path(&format!("/operator/background/{}", job.id));
    let again = match dead {
        true => view! { <form method="post" action=action><FormKey/><button class="button button--small">{lang.text("job-again")}</button></form> }.into_any(),
        false => view! { <span class="quiet">{lang.text("recurring-next")}" "<Time lang ms=job.run_at_ms/></span> }.into_any(),
    };
    view! {
        <li class="row" data-state=job.state.name()>
            <span class="row__main"><strong>{job.kind}</strong>" "<code class="digest">{job.payload}</code><br/><span class="quiet">{job.last_error}</span></span>
            <span class="quiet">{lang.with("job-attempts", &[("count", job.attempts.into())])}</span>
            {again}
        </li>
    }
}
