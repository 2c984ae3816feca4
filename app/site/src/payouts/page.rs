//! A creator's money: what is held, available, on its way and paid, and why the rest is not.

use super::chart;
use crate::ui::form::Form;
use crate::ui::pieces::{Fact, Field, FormKey, Time, empty, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::orders::Line;
use market::payouts::BankPayoutState;
use market::payouts::service::provider_account::{BY_HAND, REACHED, is_set_up};
use market::payouts::service::{
    BankPayout, Decision, Earner, Overview, PERIODS, Payee, SALE_STATES, Sale, SaleFilter,
    Statement,
};
use market::sales::dispute::Dispute;
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
            <button class="button" type="submit">{lang.text("filter-apply")}</button>
            <span class="filters__files">
                <a class="button button--small" href=csv id="sales-csv" download="sales.csv">{lang.text("sales-csv")}</a>
                <a class="button button--small" href="/money/years.csv" id="years-csv" download="years.csv">{lang.text("years-csv")}</a>
            </span>
        </form>
    }
}

/// Why a run pays, or does not, in words.
fn reason(
    lang: Lang,
    outcome: &str,
    until_ms: Option<i64>,
    amount_minor: i64,
    minimum_minor: i64,
) -> String {
    let until = until_ms.map(|ms| lang.date(ms)).unwrap_or_default();
    let arguments = [
        ("until", until.into()),
        ("minimum", lang.money(minimum_minor).into()),
        ("amount", lang.money(amount_minor).into()),
    ];
    lang.with(&format!("payout-{}", outcome.replace('_', "-")), &arguments)
}

/// What the next run would do.
fn next_line(
    lang: Lang,
    outcome: &str,
    until_ms: Option<i64>,
    payable_minor: i64,
    minimum_minor: i64,
) -> String {
    if matches!(outcome, "paid" | "manual") {
        let amount = lang.money(payable_minor);
        return lang.with("payout-next-pays", &[("amount", amount.into())]);
    }
    let reason = reason(lang, outcome, until_ms, payable_minor, minimum_minor);
    lang.with("payout-next-not", &[("reason", reason.into())])
}

/// How they are paid, what is still required, and why nothing is sent.
fn account(lang: Lang, payee: Option<&Payee>) -> impl IntoView + use<> {
    payee.map(|payee| {
        let required: Vec<_> = payee
            .required()
            .map(|name| {
                let text = lang.text_or_itself(&format!("requirement-{}", name.replace(['.', '_'], "-")));
                let text = text.strip_prefix("requirement-").map_or(text.clone(), |_| name.to_owned());
                view! { <li>{text}</li> }
            })
            .collect();
        let paused = payee.paused.as_ref().map(|by| {
            let text = lang.text(&format!("paused-{}", by.replace('_', "-")));
            view! { <p class="field-error" id="paused" data-by=by.clone()>{text}</p> }
        });
        let country = lang.text(&format!("country-{}", payee.country.to_lowercase()));
        let (path, label, paused_by_seller) = match payee.paused.as_deref() {
            Some("paused_by_seller") => ("/money/resume", "payouts-resume", true),
            _ => ("/money/pause", "payouts-pause", false),
        };
        let may_pause = payee.ready && (paused_by_seller || payee.paused.is_none());
        let way = lang.text(if payee.is_manual() { "payout-way-manual" } else { "payout-way-provider" });
        view! {
            <section class="card" id="payout-account" data-ready=payee.ready.to_string()>
                <h2>{lang.text("payout-account")}</h2>
                {paused}
                <dl class="facts">
                    <Fact label=lang.text("payout-way")>{way}</Fact>
                    <Fact label=lang.text("country")>{country}</Fact>
                </dl>
                {(!required.is_empty()).then(|| view! { <p>{lang.text("requirements-due")}</p> <ul id="requirements">{required}</ul> })}
                <p class="actions">
                    <a class="button button--small" href=lang.path("/money/onboarding") id="change-account">{lang.text("payout-account-change")}</a>
                </p>
                {may_pause.then(|| view! { <form method="post" action=lang.path(path)><FormKey/><button class="button button--small button--quiet" id="pause-payouts">{lang.text(label)}</button></form> })}
            </section>
        }
    })
}

fn bank_payouts(lang: Lang, payouts: &[BankPayout]) -> impl IntoView + use<> {
    let rows: Vec<_> = payouts
        .iter()
        .map(|payout| {
            let state = lang.text(&format!("bank-payout-{}", payout.state.name()));
            let failure = payout.failure.as_ref().map(|code| {
                lang.text(&format!("bank-failure-{}", code.replace('_', "-")))
            });
            let arrives = payout.arrives_ms.map(|ms| lang.date(ms));
            view! {
                <li class="row" data-state=payout.state.name()>
                    <Time lang ms=payout.created_ms/>
                    <span class="row__main">{lang.money(payout.amount_minor)} <span class="quiet">{failure.or(arrives)}</span></span>
                    <span class="tag">{state}</span>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| view! { <section class="card" id="bank-payouts"><h2>{lang.text("bank-payouts")}</h2><ul class="plain">{rows}</ul></section> })
}

/// What each listing brought, with a bar beside it: the first is the longest.
fn earners(lang: Lang, best: &[Earner]) -> impl IntoView + use<> {
    let most = best.first().map_or(1, |earner| earner.earned_minor.max(1));
    let rows: Vec<_> = best
        .iter()
        .map(|earner| {
            let (title, earned) = (earner.title.clone(), earner.earned_minor.max(0));
            let count = lang.with("sold-times", &[("count", earner.count.into())]);
            view! {
                <li class="earner">
                    <span class="earner__title">{title.clone()}</span>
                    <progress class="earner__bar" value=earned max=most aria-label=title></progress>
                    <span class="amount">{lang.money(earner.earned_minor)}</span>
                    <span class="quiet">{count}</span>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| view! { <section class="card" id="earners"><h2>{lang.text("sales-by-listing")}</h2><ul class="plain">{rows}</ul></section> })
}

fn dispute_rows(lang: Lang, disputes: &[(Dispute, Line)]) -> impl IntoView + use<> {
    let rows: Vec<_> = disputes
        .iter()
        .map(|(dispute, line)| {
            let reason = lang.text(&format!("dispute-reason-{}", dispute.reason.replace('_', "-")));
            let state = lang.text(&format!("dispute-state-{}", dispute.state.name()));
            view! {
                <li class="row" data-state=dispute.state.name()>
                    <Time lang ms=dispute.opened_ms/>
                    <span class="row__main">{line.title.clone()} <span class="quiet">{reason}</span></span>
                    <span class="tag">{state}</span>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| view! { <section class="card" id="disputes"><h2>{lang.text("disputes")}</h2><ul class="plain">{rows}</ul><p class="quiet">{lang.text("disputes-line")}</p></section> })
}

/// One sale, and giving money back.
pub(super) fn sale(
    visit: &Visit,
    sale: Sale,
    rest_minor: i64,
    error: Option<FieldError>,
) -> Response {
    let lang = visit.lang;
    let title = sale.title.clone();
    let status = match &error {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    shell::page(visit, &title.clone(), status, || {
        let errors: Vec<FieldError> = error.into_iter().collect();
        let (sale_state, share_rest) = (sale.state.clone(), sale.share_rest());
        let action = lang.path(&format!("/money/sales/{}/refund", sale.id));
        let amount = schema::money::decimal(rest_minor);
        let form = (rest_minor > 0).then(|| view! {
            <form class="card card--form" method="post" action=action><FormKey/>
                <h2>{lang.text("give-back")}</h2>
                <p class="quiet">{lang.text("give-back-line")}</p>
                <Field lang name="amount" label=lang.text("amount") hint=lang.with("give-back-rest", &[("amount", lang.money(rest_minor).into())]) value=amount required=true errors=errors.clone()/>
                {(!visit.confirmed).then(|| view! { <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=errors/> })}
                <button class="button" type="submit" id="give-back">{lang.text("give-back-submit")}</button>
            </form>
        });
        view! {
            {heading(title, None)}
            <section class="card" id="sale" data-state=sale_state>
                <dl class="facts">
                    <Fact label=lang.text("paid-at")><Time lang ms=sale.paid_ms/></Fact>
                    <Fact label=lang.text("sale-price")>{lang.money(sale.price_minor)}</Fact>
                    <Fact label=lang.text("our-fee")>{lang.money(share_rest)}</Fact>
                    <Fact label=lang.text("your-part")>{lang.money(sale.payee_minor - sale.payee_borne_minor)}</Fact>
                    {(sale.refunded_minor > 0).then(|| view! { <Fact label=lang.text("refunded")>{lang.money(sale.refunded_minor)}</Fact> })}
                    <Fact label=lang.text("state")><span class="tag">{lang.text(&format!("earning-{}", sale.state))}</span></Fact>
                </dl>
            </section>
            {form}
            <p class="actions"><a class="button" href=lang.path("/money")>{lang.text("nav-money")}</a></p>
        }
        .into_any()
    })
}

/// Countries by name in the visitor's language; the one that was chosen, or where most who speak it live.
fn countries(lang: Lang, codes: &[&'static str], chosen: &str) -> impl IntoView + use<> {
    let likely = match lang {
        Lang::De => "DE",
        Lang::Zh => "CN",
        Lang::En => "US",
    };
    let chosen = codes.iter().find(|code| **code == chosen);
    let chosen = chosen.copied().unwrap_or(likely);
    let mut named: Vec<(String, &str)> = codes
        .iter()
        .map(|code| {
            (
                lang.text(&format!("country-{}", code.to_lowercase())),
                *code,
            )
        })
        .collect();
    named.sort();
    named
        .into_iter()
        .map(|(name, code)| view! { <option value=code selected=code == chosen>{name}</option> })
        .collect_view()
}

/// Where a creator lives decides who pays them.
pub(super) fn choose(
    visit: &Visit,
    country: &str,
    details_error: Option<FieldError>,
    details: &str,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("onboarding");
    let (country, details) = (country.to_owned(), details.to_owned());
    let status = match &details_error {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    shell::page(visit, &title.clone(), status, || {
        let options = countries(lang, &REACHED, &country);
        let others = countries(lang, &BY_HAND, &country);
        let errors: Vec<FieldError> = details_error.into_iter().collect();
        view! {
            {heading(title, Some(lang.text("onboarding-where")))}
            <form class="card card--form" method="post" action=lang.path("/money/onboarding")><FormKey/>
                <h2>{lang.text("onboarding-provider")}</h2>
                <p class="quiet">{lang.text("onboarding-provider-line")}</p>
                <label class="field" for="country"><span>{lang.text("country")}</span><select id="country" name="country">{options}</select></label>
                <button class="button button--primary" type="submit" id="start-onboarding">{lang.text("onboarding-go")}</button>
            </form>
            <form class="card card--form" method="post" action=lang.path("/money/manual")><FormKey/>
                <h2>{lang.text("onboarding-manual")}</h2>
                <p class="quiet">{lang.text("onboarding-manual-line")}</p>
                <label class="field" for="manual-country"><span>{lang.text("country")}</span><select id="manual-country" name="country">{others}</select></label>
                <Field lang name="details" label=lang.text("bank-details") hint=lang.text("bank-details-hint") value=details required=true errors=errors.clone()/>
                {(!visit.confirmed).then(|| view! { <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=errors/> })}
                <button class="button" type="submit" id="send-manual">{lang.text("send")}</button>
            </form>
        }
        .into_any()
    })
}

pub(super) fn money(
    visit: &Visit,
    overview: Overview,
    disputes: Vec<(Dispute, Line)>,
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
        let frozen = (balances.frozen > 0).then(|| view! { <p class="hint" id="balance-frozen" data-minor=balances.frozen>{lang.with("balance-frozen", &[("amount", lang.money(balances.frozen).into())])}</p> });
        // Four nothings tell a newcomer nothing.
        let any = tiles.iter().any(|(_, minor)| *minor != 0);
        let soonest = overview
            .sales
            .iter()
            .filter_map(Sale::release_ms)
            .filter(|ms| *ms > now_ms)
            .min()
            // The line above says so already where it is why nothing is paid.
            .filter(|_| balances.held > 0 && overview.next.until_ms.is_none());
        let released = soonest.map(|ms| {
            let text = lang.with("balance-released", &[("until", lang.date(ms).into())]);
            view! { <p class="quiet" id="released">{text}</p> }
        });
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
            reason(
                lang,
                &decision.outcome,
                decision.until_ms,
                decision.amount_minor,
                minimum_minor,
            )
        };
        let next = &overview.next;
        let next_text = next_line(
            lang,
            next.outcome,
            next.until_ms,
            next.payable_minor(),
            minimum_minor,
        );
        let arriving = overview
            .payouts
            .iter()
            .filter(|payout| payout.state == BankPayoutState::Pending);
        let arriving =
            arriving.filter_map(|payout| Some((payout.amount_minor, payout.arrives_ms?)));
        let arriving = arriving.min_by_key(|(_, at)| *at).map(|(amount, at)| {
            let arguments = [("amount", lang.money(amount).into()), ("until", lang.date(at).into())];
            view! { <p class="money__lead" id="payout-arriving">{lang.with("payout-arriving", &arguments)}</p> }
        });
        let lead = if arriving.is_some() {
            ""
        } else {
            "money__lead"
        };
        let next = view! { <p class=lead id="payout-next" data-outcome=next.outcome data-minor=next.payable_minor()>{next_text}</p> };
        let account = account(lang, overview.payee.as_ref());
        let banks = bank_payouts(lang, &overview.payouts);
        let disputes = dispute_rows(lang, &disputes);
        let set_up = is_set_up(overview.payee.as_ref());
        let newest = overview.decisions.first().map(|decision| {
            view! { <p class="hint" id="payout-reason" data-outcome=decision.outcome.clone()>{reason(decision)} " " <span class="quiet"><Time lang ms=decision.decided_ms/></span></p> }
        });
        let runs = overview.decisions.iter().map(|decision| {
            let statement = decision.pays().then(|| {
                let href = lang.path(&format!("/money/payouts/{}", decision.id));
                view! { <a href=href class="statement">{lang.text("statement-see")}</a> }
            });
            view! { <li class="row"><Time lang ms=decision.decided_ms/><span class="row__main">{reason(decision)}</span>{statement}</li> }
        });
        let runs = runs.collect_view();
        let has_runs = !overview.decisions.is_empty();
        let earners = earners(lang, &overview.best);
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
                    <td><a href=lang.path(&format!("/money/sales/{}", line.id))>{line.title}</a></td>
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
            {heading(title, visit.test_money.then(|| lang.text("test-money")))}
            {arriving}
            {next}
            {released}
            {any.then(|| view! { <section class="tiles" aria-label=lang.text("balances")>{tiles.into_iter().collect_view()}</section> })}
            {(balances.owed > 0).then(|| view! { <p class="hint">{lang.with("balance-owed", &[("amount", lang.money(balances.owed).into())])}</p> })}
            <p class="actions"><a class="button button--small" href=lang.path("/money/coupons") id="to-coupons">{lang.text("coupons")}</a><a class="button button--small" href=lang.path("/money/sets") id="to-sets">{lang.text("sets")}</a></p>
            {frozen}
            {newest}
            {(!set_up).then(|| view! { <p class="actions"><a class="button button--primary" href=lang.path("/money/onboarding") id="onboard">{lang.text("onboarding-start")}</a></p> })}
            {chart}
            {earners}
            {account}
            {banks}
            {disputes}
            <section class="card">
                <h2>{lang.text("sales")}</h2>
                {filter}
                {none.then(|| if filtered { empty(visit, "sales-none-so", Some(("/money", "sale-state-all"))).into_any() } else { empty(visit, "sales-none", Some(("/studio", "nav-studio"))).into_any() })}
                {(!none).then(|| view! {
                    <div class="scroll" tabindex="0"><table>
                        <thead><tr><th>{lang.text("title")}</th><th>{lang.text("paid-at")}</th><th class="amount">{lang.text("sale-price")}</th><th class="amount">{lang.text("our-fee")}</th><th class="amount">{lang.text("your-part")}</th><th>{lang.text("state")}</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table></div>
                })}
            </section>
            {has_runs.then(|| view! { <section class="card" id="payouts"><h2>{lang.text("payouts")}</h2><ul class="plain">{runs}</ul></section> })}
            <details class="card"><summary>{lang.text("movements")}</summary>
                <div class="scroll" tabindex="0"><table>
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
                    <td>{transfer.title.unwrap_or_else(|| lang.text("statement-balance"))}</td>
                    <td>{transfer.paid_ms.map(|ms| view! { <Time lang ms/> })}</td>
                    <td class="amount">{transfer.price_minor.map(|minor| lang.money(minor))}</td>
                    <td class="amount">{transfer.share_minor.map(|minor| lang.money(minor))}</td>
                    <td class="amount">{lang.money(transfer.amount)}</td>
                    <td><span class="tag">{lang.text(&format!("transfer-{}", transfer.state.name()))}</span></td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        view! {
            {heading(title, visit.test_money.then(|| lang.text("test-money")))}
            <section class="card">
                <dl class="facts">
                    <Fact label=lang.text("statement-of")><bdi>{handle}</bdi></Fact>
                    <Fact label=lang.text("when")><Time lang ms=decision.decided_ms/></Fact>
                    <Fact label=lang.text("statement-number")><code class="digest">{decision.id}</code></Fact>
                </dl>
                <div class="scroll" tabindex="0"><table id="statement">
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
            <form class="card card--form" method="post" action=lang.path("/sandbox/onboarding")><FormKey/>
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
