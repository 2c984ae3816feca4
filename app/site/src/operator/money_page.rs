//! The operator's pages about money.

use super::page::links;
use super::reconciliation::Comparison;
use crate::ui::pieces::{Fact, FormKey, TextArea, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use clap::ValueEnum as _;
use leptos::prelude::*;
use market::export::Report;
use market::orders::{Line, LineState};
use market::payouts::service::sweep::Planned;
use market::payouts::service::{BankPayout, BankPayoutState, Decision};
use market::sales::DisputeState;
use market::sales::dispute::Dispute;
use money::books::service::Unexplained;
use money::provider::inbox::EventRow;
use money::provider::outbound::{Operation, OperationKind, OperationState};

fn state_filter(
    lang: Lang,
    path: &'static str,
    states: &'static [&'static str],
    chosen: &str,
) -> impl IntoView + use<> {
    let links: Vec<_> = std::iter::once("")
        .chain(states.iter().copied())
        .map(|state| {
            let href = lang.path(&format!("{path}?state={state}"));
            let text = match state {
                "" => lang.text("filter-all"),
                state => lang.text(&format!("op-state-{state}")),
            };
            let current = (state == chosen).then_some("page");
            view! { <a class="chip" href=href aria-current=current>{text}</a> }
        })
        .collect();
    view! { <p class="chips">{links}</p> }
}

pub(super) fn inbox(
    visit: &Visit,
    events: Vec<EventRow>,
    chosen: &str,
    quarantined: i64,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("inbox");
    let chosen = chosen.to_owned();
    shell::ok(visit, &title.clone(), || {
        let none = events.is_empty();
        let rows: Vec<_> = events
            .into_iter()
            .map(|event| {
                let href = lang.path(&format!("/operator/inbox/{}", shell::encode(&event.id)));
                let state = match event.quarantined_ms {
                    Some(_) => "quarantined",
                    None => event.state.name(),
                };
                view! {
                    <tr data-state=state>
                        <td><Time lang ms=event.received_ms/></td>
                        <td><a href=href>{event.kind}</a></td>
                        <td><code class="digest">{event.object_id}</code></td>
                        <td><span class="tag">{lang.text(&format!("op-state-{state}"))}</span></td>
                        <td class="quiet">{event.last_error}</td>
                    </tr>
                }
            })
            .collect();
        let waiting = (quarantined > 0).then(|| view! { <p class="field-error" id="quarantined">{lang.with("inbox-quarantined", &[("count", quarantined.into())])}</p> });
        view! {
            {heading(title, Some(lang.text("inbox-line")))}
            {links(visit)}
            {waiting}
            {state_filter(lang, "/operator/inbox", &["received", "quarantined", "done", "ignored"], &chosen)}
            {none.then(|| view! { <p class="quiet">{lang.text("nothing-here")}</p> })}
            <section class="card"><div class="scroll" tabindex="0"><table id="events">
                <thead><tr><th>{lang.text("when")}</th><th>{lang.text("what")}</th><th>{lang.text("object")}</th><th>{lang.text("state")}</th><th>{lang.text("why")}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table></div></section>
        }
        .into_any()
    })
}

pub(super) fn event(visit: &Visit, event: EventRow) -> Response {
    let lang = visit.lang;
    let title = event.kind.clone();
    shell::ok(visit, &title.clone(), || {
        let action = lang.path(&format!("/operator/inbox/{}", shell::encode(&event.id)));
        let body = event.body.clone().map(|body| view! { <details open><summary>{lang.text("event-body")}</summary><pre class="scroll" tabindex="0">{body}</pre></details> });
        view! {
            {heading(title, None)}
            {links(visit)}
            <section class="card">
                <dl class="facts">
                    <Fact label=lang.text("event-id")><code class="digest">{event.id.clone()}</code></Fact>
                    <Fact label=lang.text("object")><code class="digest">{event.object_id.clone()}</code></Fact>
                    <Fact label=lang.text("when")><Time lang ms=event.received_ms/></Fact>
                    <Fact label=lang.text("state")><span class="tag">{event.state.name()}</span></Fact>
                    <Fact label=lang.text("attempts")>{lang.number(event.attempts)}</Fact>
                </dl>
                {event.last_error.clone().map(|error| view! { <p class="field-error">{error}</p> })}
                {body}
                <form method="post" action=action><FormKey/><button class="button" id="replay">{lang.text("replay")}</button></form>
                <p class="quiet">{lang.text("replay-line")}</p>
            </section>
        }
        .into_any()
    })
}

pub(super) fn operations(
    visit: &Visit,
    operations: Vec<Operation>,
    owed: Vec<Operation>,
    chosen: &str,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("operations");
    let chosen = chosen.to_owned();
    shell::ok(visit, &title.clone(), || {
        let owed: Vec<_> = owed
            .into_iter()
            .map(|op| {
                let action = lang.path(&format!("/operator/operations/{}/by-hand", op.id));
                view! { <li class="row"><Time lang ms=op.created_ms/><span class="row__main">{lang.money(op.amount)}</span><form method="post" action=action><FormKey/><button class="button button--small">{lang.text("paid-by-hand")}</button></form></li> }
            })
            .collect();
        let none = operations.is_empty();
        let rows: Vec<_> = operations
            .into_iter()
            .map(|op| operation(lang, op))
            .collect();
        view! {
            {heading(title, Some(lang.text("operations-line")))}
            {links(visit)}
            {(!owed.is_empty()).then(|| view! { <section class="card" id="owed"><h2>{lang.text("refunds-owed")}</h2><p class="quiet">{lang.text("refunds-owed-line")}</p><ul class="plain">{owed}</ul></section> })}
            {state_filter(lang, "/operator/operations", &["planned", "sent", "unknown", "ok", "rejected"], &chosen)}
            {none.then(|| view! { <p class="quiet">{lang.text("nothing-here")}</p> })}
            <section class="card"><div class="scroll" tabindex="0"><table id="operation-list">
                <thead><tr><th>{lang.text("when")}</th><th>{lang.text("what")}</th><th class="amount">{lang.text("amount")}</th><th>{lang.text("state")}</th><th>{lang.text("attempts")}</th><th>{lang.text("reference")}</th><td></td></tr></thead>
                <tbody>{rows}</tbody>
            </table></div></section>
        }
        .into_any()
    })
}

fn operation(lang: Lang, op: Operation) -> impl IntoView + use<> {
    let refused =
        op.state == OperationState::Rejected && op.parsed_kind() == Some(OperationKind::Refund);
    let again = refused.then(|| {
        let action = lang.path(&format!("/operator/operations/{}/again", op.id));
        view! { <form method="post" action=action><FormKey/><button class="button button--small">{lang.text("plan-again")}</button></form> }
    });
    let why = op.error_code.clone().or(op.last_error.clone());
    view! {
        <tr data-state=op.state.name()>
            <td><Time lang ms=op.created_ms/></td>
            <td>{lang.text(&format!("op-{}", op.kind))}</td>
            <td class="amount">{lang.money(op.amount)}</td>
            <td><span class="tag">{lang.text(&format!("op-state-{}", op.state.name()))}</span> " " <span class="quiet">{why}</span></td>
            <td>{lang.number(op.attempts)}</td>
            <td><code class="digest">{op.provider_ref}</code></td>
            <td>{again}</td>
        </tr>
    }
}

/// What the page of payouts shows.
pub(super) struct Payouts {
    pub(super) planned: Vec<(Planned, String)>,
    pub(super) manual: Vec<(BankPayout, String)>,
    pub(super) recent: Vec<(Decision, String)>,
    pub(super) minimum_minor: i64,
    pub(super) refused: Option<String>,
}

fn outcome(lang: Lang, outcome: &str) -> String {
    lang.text(&format!("blocker-{}", outcome.replace('_', "-")))
}

pub(super) fn payouts(visit: &Visit, payouts: Payouts) -> Response {
    let lang = visit.lang;
    let title = lang.text("payouts");
    let status = match payouts.refused {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    shell::page(visit, &title.clone(), status, || {
        let refused = payouts.refused.map(|code| view! { <p class="field-error" role="alert">{lang.text(&format!("field-{code}"))}</p> });
        let paying: i64 = payouts
            .planned
            .iter()
            .filter(|(one, _)| one.pays())
            .map(|(one, _)| one.payable_minor())
            .sum();
        let planned: Vec<_> = payouts
            .planned
            .into_iter()
            .map(|(one, handle)| {
                let until = one.until_ms.map(|ms| lang.date(ms));
                view! {
                    <tr data-outcome=one.outcome>
                        <td><bdi>{handle}</bdi></td>
                        <td class="amount">{lang.money(one.available_minor)}</td>
                        <td class="amount">{lang.money(-one.netted_minor)}</td>
                        <td class="amount">{lang.money(one.payable_minor())}</td>
                        <td><span class="tag">{outcome(lang, one.outcome)}</span> " " <span class="quiet">{until}</span></td>
                    </tr>
                }
            })
            .collect();
        let waiting = payouts
            .manual
            .iter()
            .any(|(payout, _)| payout.state == BankPayoutState::Pending);
        let manual: Vec<_> = payouts
            .manual
            .into_iter()
            .map(|(payout, handle)| by_hand(lang, payout, handle))
            .collect();
        let recent: Vec<_> = payouts
            .recent
            .into_iter()
            .map(|(decision, handle)| {
                view! { <tr><td><Time lang ms=decision.decided_ms/></td><td><bdi>{handle}</bdi></td><td class="amount">{lang.money(decision.amount_minor)}</td><td><span class="tag">{outcome(lang, &decision.outcome)}</span></td></tr> }
            })
            .collect();
        let minimum = lang.with(
            "payouts-dry-line",
            &[("minimum", lang.money(payouts.minimum_minor).into())],
        );
        view! {
            {heading(title, None)}
            {links(visit)}
            {refused}
            <section class="card" id="dry-run">
                <h2>{lang.text("payouts-dry")}</h2>
                <p class="quiet">{minimum}</p>
                <div class="scroll" tabindex="0"><table>
                    <thead><tr><th>{lang.text("creator")}</th><th class="amount">{lang.text("balance-available")}</th><th class="amount">{lang.text("netted")}</th><th class="amount">{lang.text("payable")}</th><th>{lang.text("outcome")}</th></tr></thead>
                    <tbody>{planned}</tbody>
                    <tfoot><tr><th colspan="3">{lang.text("would-pay")}</th><td class="amount"><strong>{lang.money(paying)}</strong></td><td></td></tr></tfoot>
                </table></div>
                <form method="post" action=lang.path("/operator/sweep")><FormKey/><button class="button button--primary" id="sweep">{lang.text("sweep-now")}</button></form>
            </section>
            <section class="card" id="manual">
                <h2>{lang.text("payouts-manual")}</h2>
                <p class="quiet">{lang.text("payouts-manual-line")}</p>
                {waiting.then(|| view! { <p class="actions"><a class="button button--small" href="/operator/payouts/batch.csv" download="payouts.csv">{lang.text("batch-csv")}</a></p> })}
                <ul class="plain">{manual}</ul>
            </section>
            {(!recent.is_empty()).then(|| view! { <section class="card"><h2>{lang.text("payouts-recent")}</h2><div class="scroll" tabindex="0"><table><tbody>{recent}</tbody></table></div></section> })}
        }
        .into_any()
    })
}

fn by_hand(lang: Lang, payout: BankPayout, handle: String) -> impl IntoView + use<> {
    let action = lang.path(&format!("/operator/payouts/{}", payout.id));
    let state = lang.text(&format!("bank-payout-{}", payout.state.name()));
    let form = match payout.state {
        BankPayoutState::Pending => view! {
            <form method="post" action=action class="inline"><FormKey/>
                <input name="reference" aria-label=lang.text("reference") placeholder=lang.text("reference") value=payout.reference.clone().unwrap_or_default() maxlength="100"/>
                <button class="button button--small button--primary" name="what" value="paid">{lang.text("noted-paid")}</button>
                <button class="button button--small" name="what" value="cancel" formnovalidate>{lang.text("cancel")}</button>
            </form>
        }
        .into_any(),
        BankPayoutState::Paid => view! {
            <form method="post" action=action class="inline"><FormKey/><span class="quiet">{payout.reference.clone()}</span>
                <button class="button button--small" name="what" value="returned">{lang.text("noted-returned")}</button></form>
        }
        .into_any(),
        BankPayoutState::Failed | BankPayoutState::Cancelled | BankPayoutState::Returned => {
            ().into_any()
        }
    };
    let second = payout.entered_by.is_some() && payout.state == BankPayoutState::Pending;
    view! {
        <li class="row" data-state=payout.state.name()><Time lang ms=payout.created_ms/><span class="row__main"><bdi>{handle}</bdi> " " {lang.money(payout.amount_minor)}
            {second.then(|| view! { <span class="quiet">{lang.text("flash-second-person")}</span> })}</span><span class="tag">{state}</span>{form}</li>
    }
}

pub(super) fn disputes(visit: &Visit, disputes: Vec<Dispute>) -> Response {
    let lang = visit.lang;
    let title = lang.text("disputes");
    shell::ok(visit, &title.clone(), || {
        let none = disputes.is_empty();
        let rows: Vec<_> = disputes
            .into_iter()
            .map(|dispute| {
                let href = lang.path(&format!("/operator/disputes/{}", dispute.id));
                let due = dispute.due_ms.filter(|_| dispute.is_open() && dispute.submitted_ms.is_none()).map(|ms| lang.with("dispute-due", &[("until", lang.date(ms).into())]));
                view! {
                    <tr data-state=dispute.state.name()>
                        <td><Time lang ms=dispute.opened_ms/></td>
                        <td><a href=href>{reason(lang, &dispute)}</a></td>
                        <td class="amount">{lang.money(dispute.amount_minor)}</td>
                        <td><span class="tag">{lang.text(&format!("dispute-state-{}", dispute.state.name()))}</span></td>
                        <td class="quiet">{due}</td>
                    </tr>
                }
            })
            .collect();
        view! {
            {heading(title, Some(lang.text("disputes-desk-line")))}
            {links(visit)}
            {none.then(|| view! { <p class="quiet">{lang.text("nothing-here")}</p> })}
            <section class="card"><div class="scroll" tabindex="0"><table id="dispute-list"><tbody>{rows}</tbody></table></div></section>
        }
        .into_any()
    })
}

fn reason(lang: Lang, dispute: &Dispute) -> String {
    let key = format!("dispute-reason-{}", dispute.reason.replace('_', "-"));
    let text = lang.text_or_itself(&key);
    if text == key {
        dispute.reason.clone()
    } else {
        text
    }
}

pub(super) fn dispute(
    visit: &Visit,
    dispute: Dispute,
    lines: Vec<Line>,
    evidence: String,
    sandbox: bool,
) -> Response {
    let lang = visit.lang;
    let title = reason(lang, &dispute);
    shell::ok(visit, &title.clone(), || {
        let path = format!("/operator/disputes/{}", dispute.id);
        let dispute_state = dispute.state.name();
        let open = dispute.is_open() && dispute.submitted_ms.is_none();
        let answer = open.then(|| view! {
            <form method="post" action=lang.path(&path)><FormKey/>
                <label class="field" for="remark"><span>{lang.text("dispute-remark")}</span><TextArea id="remark" name="remark" rows=3 most=2000 value=String::new()/></label>
                {sandbox.then(|| view! { <p class="field__hint">{lang.text("dispute-sandbox-words")}</p> })}
                <button class="button button--primary" id="answer">{lang.text("dispute-answer")}</button>
            </form>
        });
        let accept = (open && dispute.state == DisputeState::Withdrawn).then(|| view! { <form method="post" action=lang.path(&format!("{path}/accept"))><FormKey/><button class="button button--quiet" id="accept">{lang.text("dispute-accept")}</button></form> });
        let rows: Vec<_> = lines.iter().map(|line| view! { <li class="row"><span class="row__main">{line.title.clone()}</span><span>{lang.money(line.parts().cash())}</span>{(line.state != LineState::Owned).then(|| view! { <span class="tag">{lang.text(&format!("line-state-{}", line.state.name()))}</span> })}</li> }).collect();
        view! {
            {heading(title, None)}
            {links(visit)}
            <section class="card" id="dispute" data-state=dispute_state>
                <dl class="facts">
                    <Fact label=lang.text("state")><span class="tag">{lang.text(&format!("dispute-state-{}", dispute.state.name()))}</span></Fact>
                    <Fact label=lang.text("amount")>{lang.money(dispute.amount_minor)}</Fact>
                    <Fact label=lang.text("dispute-fee")>{lang.money(dispute.fee_minor)}</Fact>
                    <Fact label=lang.text("dispute-bearer")>{lang.text(&format!("bearer-{}", dispute.bearer.name()))}</Fact>
                    {dispute.due_ms.map(|ms| view! { <Fact label=lang.text("dispute-until")><Time lang ms/></Fact> })}
                    <Fact label=lang.text("order-number")><code class="digest">{dispute.purchase_id.to_string()}</code></Fact>
                </dl>
                <ul class="plain">{rows}</ul>
            </section>
            <section class="card">
                <h2>{lang.text("dispute-evidence")}</h2>
                <p class="quiet">{lang.text(if dispute.submitted_ms.is_some() { "dispute-evidence-sent" } else { "dispute-evidence-line" })}</p>
                <pre class="scroll" tabindex="0" id="evidence">{evidence}</pre>
                {answer}
                {accept}
            </section>
        }
        .into_any()
    })
}

pub(super) fn reconciliation(
    visit: &Visit,
    comparison: Comparison,
    suspense: Vec<Unexplained>,
    provider: &str,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("reconciliation");
    let provider = provider.to_owned();
    shell::ok(visit, &title.clone(), || {
        let Comparison {
            at_ms,
            reconciliation: report,
            audit,
        } = comparison;
        let agrees = report.verdict().is_ok();
        let verdict = lang.text(if agrees {
            "reconciliation-agrees"
        } else {
            "reconciliation-differs"
        });
        let audit = match audit {
            Ok(count) => lang.with("audit-ok", &[("count", count.into())]),
            Err(why) => why,
        };
        let rows: Vec<_> = report
            .differences
            .iter()
            .map(|difference| view! { <tr><td><code class="digest">{difference.object.clone()}</code></td><td class="amount">{lang.money(difference.ours_minor)}</td><td class="amount">{lang.money(difference.theirs_minor)}</td></tr> })
            .collect();
        let suspense: Vec<_> = suspense
            .into_iter()
            .map(|found| {
                view! {
                    <li class="row">
                        <span class="row__main"><code class="digest">{found.source.clone()}</code>" "<Time lang ms=found.occurred_ms/></span>
                        <span class="amount">{lang.money(-found.amount)}</span>
                        <form method="post" action=lang.path("/operator/reconciliation/suspense")><FormKey/>
                            <input type="hidden" name="source" value=found.source/>
                            <button class="button button--small">{lang.text("suspense-fee")}</button>
                        </form>
                    </li>
                }
            })
            .collect();
        let agreed = i64::try_from(report.agreed).unwrap_or(i64::MAX);
        view! {
            {heading(title, Some(lang.text("reconciliation-line")))}
            {links(visit)}
            <section class="card" id="report" data-agrees=agrees.to_string()>
                <p class=if agrees { "hint" } else { "field-error" }>{verdict}</p>
                <dl class="facts">
                    <Fact label=lang.text("provider")><code>{provider}</code></Fact>
                    <Fact label=lang.text("books-hold")>{lang.money(report.ours_minor)}</Fact>
                    <Fact label=lang.text("provider-holds")>{lang.money(report.theirs_minor)}</Fact>
                    <Fact label=lang.text("objects-agreed")>{lang.number(agreed)}</Fact>
                    <Fact label=lang.text("audit")>{audit}</Fact>
                    <Fact label=lang.text("books-checked")><Time lang ms=at_ms/></Fact>
                </dl>
                {(!rows.is_empty()).then(|| view! { <div class="scroll" tabindex="0"><table>
                    <thead><tr><th>{lang.text("object")}</th><th class="amount">{lang.text("books")}</th><th class="amount">{lang.text("provider")}</th></tr></thead>
                    <tbody>{rows}</tbody></table></div> })}
            </section>
            <section class="card">
                <h2>{lang.text("exports")}</h2>
                <p class="quiet">{lang.text("exports-line")}</p>
                <form method="get" action="/operator/export" class="inline">
                    <select name="report" id="export-report" aria-label=lang.text("exports")>{Report::value_variants().iter().map(|report| { let name = report.name(); view! { <option value=name.clone()>{lang.text(&format!("export-{name}"))}</option> } }).collect_view()}</select>
                    <input name="year" inputmode="numeric" pattern="[0-9]{4}" placeholder=lang.text("export-year") aria-label=lang.text("export-year")/>
                    <select name="format" aria-label=lang.text("export-format")><option value="csv">"CSV"</option><option value="json">"JSON"</option></select>
                    <button class="button" type="submit" id="export">{lang.text("export-submit")}</button>
                </form>
            </section>
            {(!suspense.is_empty()).then(|| view! {
                <section class="card" id="suspense">
                    <h2>{lang.text("suspense")}</h2>
                    <p class="quiet">{lang.text("suspense-line")}</p>
                    <ul class="plain">{suspense}</ul>
                </section>
            })}
        }
        .into_any()
    })
}
