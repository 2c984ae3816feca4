//! A creator's money: what is held, available, on its way and paid, and why the rest is not.

use super::chart;
use super::service::{Decision, Overview, PERIODS, SALE_STATES, SaleFilter, Statement};
use crate::ui::lang::Lang;
use crate::ui::pieces::{Fact, Field, Time, empty, heading};
use crate::ui::shell;
use crate::web::form::Form;
use crate::web::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;
use schema::failure::FieldError;

/// The filter of the sales list, and the same list as a file.
fn sale_filter(lang: Lang, filter: &SaleFilter) -> impl IntoView + use<> {
    let states = SALE_STATES.map(|state| view! { <option value=state selected=filter.state == state>{lang.text(&format!("earning-{state}"))}</option> });
    let periods = PERIODS.map(|days| {
        let text = match days {
            0 => lang.text("period-all"),
            days => lang.with("period-days", &[("count", days.into())]),
        };
        view! { <option value=days selected=filter.days == days>{text}</option> }
    });
    let csv = format!(
        "/money/sales.csv?state={}&days={}",
        filter.state, filter.days
    );
    view! {
        <form method="get" action=lang.path("/money") class="filters" id="sale-filter">
            <select name="state" aria-label=lang.text("state")><option value="">{lang.text("sale-state-all")}</option>{states.into_iter().collect_view()}</select>
            <select name="days" aria-label=lang.text("period")>{periods.into_iter().collect_view()}</select>
            <button class="button" type="submit">{lang.text("apply")}</button>
            <a class="button button--quiet" href=csv id="sales-csv" download="sales.csv">{lang.text("sales-csv")}</a>
        </form>
    }
}

pub(super) fn money(
    visit: &Visit,
    overview: Overview,
    minimum_minor: i64,
    now_ms: i64,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("nav-money");
    shell::ok(visit, &title.clone(), || {
        let balances = overview.balances;
        let tiles = [
            ("held", balances.held),
            ("available", balances.available),
            ("in-transit", balances.in_transit),
            ("paid", balances.paid),
        ];
        let tiles = tiles.map(|(name, minor)| {
            view! {
                <div class="tile" id=format!("balance-{name}") data-minor=minor>
                    <span class="tile__label">{lang.text(&format!("balance-{name}"))}</span>
                    <strong class="tile__value">{lang.money(minor)}</strong>
                    <span class="tile__hint">{lang.text(&format!("balance-{name}-hint"))}</span>
                </div>
            }
        });
        let reason = |decision: &Decision| {
            let until = decision
                .until_ms
                .map(|ms| lang.date(ms))
                .unwrap_or_default();
            let arguments = [
                ("until", until.into()),
                ("minimum", lang.money(minimum_minor).into()),
                ("amount", lang.money(decision.amount_minor).into()),
            ];
            lang.with(
                &format!("payout-{}", decision.outcome.replace('_', "-")),
                &arguments,
            )
        };
        let newest = overview.decisions.first().map(|decision| {
            view! { <p class="hint" id="payout-reason" data-outcome=decision.outcome.clone()>{reason(decision)} " " <span class="quiet"><Time lang ms=decision.decided_ms/></span></p> }
        });
        let runs = overview.decisions.iter().map(|decision| {
            let statement = (decision.outcome == "paid").then(|| {
                let href = lang.path(&format!("/money/payouts/{}", decision.id));
                view! { <a href=href class="statement">{lang.text("statement-see")}</a> }
            });
            view! { <li class="row"><Time lang ms=decision.decided_ms/><span class="row__main">{reason(decision)}</span>{statement}</li> }
        });
        let runs = runs.collect_view();
        let has_runs = !overview.decisions.is_empty();
        let chart = chart::balances(lang, &overview.days, now_ms);
        let (none, filtered) = (
            overview.sales.is_empty(),
            overview.filter != SaleFilter::default(),
        );
        let filter = (!none || filtered).then(|| sale_filter(lang, &overview.filter));
        let rows = overview.sales.into_iter().map(|line| {
            let until = line.release_ms().map(|ms| lang.with("held-until", &[("until", lang.date(ms).into())]));
            view! {
                <tr>
                    <td>{line.title}</td>
                    <td><Time lang ms=line.paid_ms/></td>
                    <td class="amount">{lang.money(line.price_minor)}</td>
                    <td class="amount">{lang.money(line.share_minor)}</td>
                    <td class="amount">{lang.money(line.payee_minor)}</td>
                    <td><span class="tag">{lang.text(&format!("earning-{}", line.state))}</span> " " <span class="quiet">{until}</span></td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        let movements = overview.movements.into_iter().map(|movement| {
            let kind = movement.kind.replace(' ', "-");
            view! {
                <tr>
                    <td><Time lang ms=movement.occurred_ms/></td>
                    <td>{lang.text(&format!("journal-{kind}"))}</td>
                    <td><code>{movement.account}</code></td>
                    <td class="amount">{lang.money(movement.amount)}</td>
                </tr>
            }
        });
        let movements = movements.collect_view();
        view! {
            {heading(title, Some(lang.text("test-money")))}
            <section class="tiles">{tiles.into_iter().collect_view()}</section>
            {(balances.owed > 0).then(|| view! { <p class="hint">{lang.with("balance-owed", &[("amount", lang.money(balances.owed).into())])}</p> })}
            {newest}
            {chart}
            {(!overview.ready).then(|| view! { <p class="actions"><a class="button button--primary" href=lang.path("/sandbox/onboarding") id="onboard">{lang.text("onboarding-start")}</a></p> })}
            <section class="card">
                <h2>{lang.text("sales")}</h2>
                {filter}
                {none.then(|| if filtered { empty(visit, "sales-none-so", Some(("/money", "sale-state-all"))).into_any() } else { empty(visit, "sales-none", Some(("/studio", "nav-studio"))).into_any() })}
                {(!none).then(|| view! {
                    <div class="scroll"><table>
                        <thead><tr><th>{lang.text("title")}</th><th>{lang.text("paid-at")}</th><th class="amount">{lang.text("sale-price")}</th><th class="amount">{lang.text("our-fee")}</th><th class="amount">{lang.text("your-part")}</th><th>{lang.text("state")}</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table></div>
                })}
            </section>
            {has_runs.then(|| view! { <section class="card" id="payouts"><h2>{lang.text("payouts")}</h2><ul class="plain">{runs}</ul></section> })}
            <details class="card"><summary>{lang.text("movements")}</summary>
                <div class="scroll"><table>
                    <thead><tr><th>{lang.text("when")}</th><th>{lang.text("what")}</th><th>{lang.text("account-name")}</th><th class="amount">{lang.text("amount")}</th></tr></thead>
                    <tbody>{movements}</tbody>
                </table></div>
            </details>
        }
        .into_any()
    })
}

pub(super) fn statement(visit: &Visit, statement: Statement, handle: &str) -> Response {
    let lang = visit.lang;
    let title = lang.text("payout-statement");
    let handle = handle.to_owned();
    shell::ok(visit, &title.clone(), || {
        let Statement {
            decision,
            transfers,
        } = statement;
        let total: i64 = transfers.iter().map(|transfer| transfer.amount).sum();
        let rows = transfers.into_iter().map(|transfer| {
            view! {
                <tr>
                    <td>{transfer.title}</td>
                    <td><Time lang ms=transfer.paid_ms/></td>
                    <td class="amount">{lang.money(transfer.price_minor)}</td>
                    <td class="amount">{lang.money(transfer.share_minor)}</td>
                    <td class="amount">{lang.money(transfer.amount)}</td>
                    <td><span class="tag">{lang.text(&format!("transfer-{}", transfer.state))}</span></td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        view! {
            {heading(title, Some(lang.text("test-money")))}
            <section class="card">
                <dl class="facts">
                    <Fact label=lang.text("statement-of")><bdi>{handle}</bdi></Fact>
                    <Fact label=lang.text("when")><Time lang ms=decision.decided_ms/></Fact>
                    <Fact label=lang.text("statement-number")><code class="digest">{decision.id}</code></Fact>
                </dl>
                <div class="scroll"><table id="statement">
                    <thead><tr><th>{lang.text("title")}</th><th>{lang.text("paid-at")}</th><th class="amount">{lang.text("sale-price")}</th><th class="amount">{lang.text("our-fee")}</th><th class="amount">{lang.text("amount")}</th><th>{lang.text("state")}</th></tr></thead>
                    <tbody>{rows}</tbody>
                    <tfoot><tr><th colspan="4">{lang.text("statement-total")}</th><td class="amount" id="statement-total" data-minor=total><strong>{lang.money(total)}</strong></td><td></td></tr></tfoot>
                </table></div>
                <p class="quiet">{lang.text("statement-line")}</p>
            </section>
            <p class="actions"><a class="button" href=lang.path("/money")>{lang.text("nav-money")}</a></p>
        }
        .into_any()
    })
}

pub(super) fn onboarding(visit: &Visit, form: &Form, required: Option<&'static str>) -> Response {
    let lang = visit.lang;
    let title = lang.text("onboarding");
    let status = if required.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let errors: Vec<FieldError> = required
        .map(|field| FieldError::new(field, &format!("onboarding-{field}")))
        .into_iter()
        .collect();
    let (holder, bank) = (form.get("holder").to_owned(), form.get("bank").to_owned());
    shell::page(visit, &title.clone(), status, || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/sandbox/onboarding")>
                {heading(title, Some(lang.text("onboarding-line")))}
                <p class="hint">{lang.text("test-money")}</p>
                <Field lang name="holder" label=lang.text("account-holder") value=holder required=true errors=errors.clone()/>
                <Field lang name="bank" label=lang.text("bank-account") hint=lang.text("bank-hint") value=bank required=true errors=errors/>
                <button class="button button--primary" type="submit" id="send-onboarding">{lang.text("send")}</button>
            </form>
        }
        .into_any()
    })
}
