//! The operator's page.

use super::health::{self, Part, PartState};
use super::service::Desk;
use crate::ui::pieces::{Fact, FormKey, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use schema::statement::WithdrawalReason;

/// The operator's pages beside the desk.
const PAGES: [(&str, &str); 8] = [
    ("/operator", "nav-operator"),
    ("/operator/inbox", "inbox"),
    ("/operator/operations", "operations"),
    ("/operator/payouts", "payouts"),
    ("/operator/disputes", "disputes"),
    ("/operator/reconciliation", "reconciliation"),
    ("/operator/coupons", "coupons"),
    ("/operator/background", "background"),
];

/// The way between the operator's pages; below it, where it is so, that the password is asked for before anything is done here.
pub(super) fn links(visit: &Visit) -> impl IntoView + use<> {
    let lang = visit.lang;
    let here = visit.path.split('?').next().unwrap_or_default().to_owned();
    let links = PAGES.map(|(path, text)| {
        let current = (here == path).then_some("page");
        view! { <a class="button button--small" href=lang.path(path) aria-current=current>{lang.text(text)}</a> }
    });
    let next = shell::encode(&visit.path);
    let confirm = lang.path(&format!("/account/confirm?next={next}"));
    let confirm = (!visit.confirmed).then(|| view! { <p class="hint" id="confirm-first">{lang.text("confirm-first")}" "<a href=confirm id="to-confirm">{lang.text("confirm-submit")}</a></p> });
    view! {
        <nav aria-label=lang.text("nav-operator")><p class="actions">{links.into_iter().collect_view()}</p></nav>
        {confirm}
    }
}

/// What works and what does not.
fn works(lang: Lang, parts: Vec<Part>) -> impl IntoView + use<> {
    let worst = health::worst(&parts).name();
    let rows = parts.into_iter().map(|part| {
        let state = part.state.name();
        let class = match part.state {
            PartState::Ok => "tag tag--good",
            PartState::Degraded => "tag",
            PartState::Failing => "tag tag--bad",
        };
        view! {
            <tr data-part=part.name data-state=state>
                <td>{lang.text(&format!("health-{}", part.name))}</td>
                <td><span class=class>{lang.text(&format!("health-state-{state}"))}</span></td>
                <td>{part.since_ms.map(|ms| view! { <Time lang ms/>" " })}<span class="quiet">{part.why}</span></td>
            </tr>
        }
    });
    view! {
        <section class="card" id="health" data-state=worst>
            <h2>{lang.text("health")}</h2>
            <div class="scroll" tabindex="0"><table>
                <thead><tr><th>{lang.text("what")}</th><th>{lang.text("state")}</th><th>{lang.text("why")}</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table></div>
        </section>
    }
}

pub(super) fn desk(visit: &Visit, desk: Desk, parts: Vec<Part>) -> Response {
    let lang = visit.lang;
    let title = lang.text("nav-operator");
    shell::ok(visit, &title.clone(), || {
        let (audit, reconciliation, checked_ms) = match desk.books {
            None => (lang.text("books-never"), lang.text("books-never"), None),
            Some(check) => (
                check.audit.map_or_else(
                    |why| why,
                    |count| lang.with("audit-ok", &[("count", count.into())]),
                ),
                check
                    .reconciliation
                    .err()
                    .unwrap_or_else(|| lang.text("reconciliation-ok")),
                Some(check.at_ms),
            ),
        };
        let days = [1, 2, 7, 14].map(|days| view! { <button class="button button--small" name="days" value=days id=format!("days-{days}")>{lang.with("clock-days", &[("count", i64::from(days).into())])}</button> });
        let log_audit = match desk.log_audit {
            None => lang.text("log-audit-never"),
            Some(audit) => match audit.error {
                Some(error) => error,
                None => lang.with(
                    "log-audit-holds",
                    &[
                        (
                            "count",
                            i64::try_from(audit.size).unwrap_or(i64::MAX).into(),
                        ),
                        ("time", lang.time(audit.at_ms).into()),
                    ],
                ),
            },
        };
        let open = desk.operations.iter().filter(|op| op.is_open()).count();
        let operations = desk.operations.into_iter().map(|op| {
            view! { <tr><td><Time lang ms=op.created_ms/></td><td>{op.kind}</td><td class="amount">{lang.money(op.amount)}</td><td><span class="tag">{op.state.name()}</span></td><td>{op.error_code}</td></tr> }
        });
        let events = desk.events.into_iter().map(|event| {
            view! { <tr><td><Time lang ms=event.received_ms/></td><td>{event.kind}</td><td><span class="tag">{event.state.name()}</span></td><td><code class="digest">{event.id}</code></td></tr> }
        });
        view! {
            {heading(title, visit.test_money.then(|| lang.text("test-money")))}
            {links(visit)}
            {works(lang, parts)}
            <section class="card">
                <h2>{lang.text("copies")}</h2>
                <p><a class="button button--small" href=lang.path("/operator/copies") id="to-copies">{lang.with("copies-open", &[("count", desk.copies_open.into())])}</a></p>
            </section>
            <section class="card">
                <h2>{lang.text("withdraw-cause")}</h2>
                <p class="quiet">{lang.text("withdraw-cause-line")}</p>
                <form method="post" action=lang.path("/operator/withdraw") class="inline"><FormKey/>
                    <input name="slug" aria-label=lang.text("withdraw-slug") placeholder=lang.text("withdraw-slug") required maxlength="80" id="withdraw-slug"/>
                    <select name="reason" id="withdraw-reason" aria-label=lang.text("why")>{WithdrawalReason::ALL.map(|reason| view! { <option value=reason.name()>{lang.text(&format!("withdrawal-{}", reason.name()))}</option> }).collect_view()}</select>
                    <button class="button" type="submit" id="withdraw">{lang.text("withdraw-submit")}</button>
                </form>
            </section>
            <section class="card">
                <h2>{lang.text("clock")}</h2>
                <dl class="facts">
                    <Fact label=lang.text("clock-now")><Time lang ms=desk.now_ms/></Fact>
                    <Fact label=lang.text("clock-offset")>{lang.with("clock-days", &[("count", (desk.offset_ms / 86_400_000).into())])}</Fact>
                </dl>
                {visit.test_money.then(|| view! { <form method="post" action=lang.path("/operator/clock") class="actions"><FormKey/>{days.into_iter().collect_view()}</form> })}
                <form method="post" action=lang.path("/operator/sweep")><FormKey/><button class="button button--primary" id="sweep">{lang.text("sweep-now")}</button></form>
            </section>
            <section class="card">
                <h2>{lang.text("books")}</h2>
                <dl class="facts">
                    <Fact label=lang.text("audit")><span id="audit">{audit}</span></Fact>
                    <Fact label=lang.text("reconciliation")><span id="reconciliation">{reconciliation}</span></Fact>
                    {checked_ms.map(|ms| view! { <Fact label=lang.text("books-checked")><Time lang ms/></Fact> })}
                    <Fact label=lang.text("log-audit")><span id="log-audit">{log_audit}</span></Fact>
                    <Fact label=lang.text("rerun")><span id="rerun">{lang.with("rerun-line", &[("done", desk.rerun.1.into()), ("count", desk.rerun.0.into())])}</span></Fact>
                    <Fact label=lang.text("jobs")><a href=lang.path("/operator/background") id="to-background">{lang.with("jobs-line", &[("open", desk.jobs_open.into()), ("dead", desk.jobs_dead.into())])}</a></Fact>
                </dl>
                <form method="post" action=lang.path("/operator/check-books")><FormKey/><button class="button button--small" id="check-books">{lang.text("books-check-now")}</button></form>
            </section>
            <section class="card" id="operations" data-open=open><h2>{lang.text("operations")}</h2><div class="scroll" tabindex="0"><table><tbody>{operations.collect_view()}</tbody></table></div></section>
            <section class="card"><h2>{lang.text("inbox")}</h2><div class="scroll" tabindex="0"><table><tbody>{events.collect_view()}</tbody></table></div></section>
        }
        .into_any()
    })
}
