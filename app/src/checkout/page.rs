//! Pages of the till.

use super::sandbox::Payment;
use super::service::{CartLine, Line, Order};
use crate::ui::pieces::{Fact, FormKey, Picture, Time, empty, heading, picture_url};
use crate::ui::shell;
use crate::web::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

pub(super) fn cart(
    visit: &Visit,
    lines: Vec<CartLine>,
    minimum_minor: i64,
    refused: Option<&'static str>,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("cart");
    let status = if refused.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    shell::page(visit, &title.clone(), status, || {
        let total: i64 = lines.iter().map(|line| line.price_minor).sum();
        let none = lines.is_empty();
        let rows = lines.into_iter().map(|line| {
            let href = lang.path(&format!("/listings/{}", line.slug));
            view! {
                <li class="row">
                    <Picture src=picture_url(&line.blob) alt=String::new() width=64 height=64/>
                    <span class="row__main"><a href=href>{line.title}</a><span class="quiet">{lang.text("by")} " " <bdi>{line.handle}</bdi></span></span>
                    <span>{lang.price(line.price_minor)}</span>
                    <form method="post" action=lang.path("/cart/remove")>
                        <input type="hidden" name="listing" value=line.id/>
                        <button class="link" type="submit">{lang.text("remove")}</button>
                    </form>
                </li>
            }
        });
        let rows = rows.collect_view();
        let minimum = (total > 0 && total < minimum_minor).then(|| {
            lang.with(
                "cart-minimum-hint",
                &[("minimum", lang.money(minimum_minor).into())],
            )
        });
        let refusal = refused.map(|code| {
            lang.with(
                &format!("field-{code}"),
                &[("detail", lang.money(minimum_minor).into())],
            )
        });
        let submit = lang.text(match (visit.person.is_some(), total) {
            (false, _) => "checkout-sign-in",
            (true, 0) => "checkout-free",
            (true, _) => "checkout-pay",
        });
        view! {
            {heading(title, None)}
            {refusal.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
            {none.then(|| empty(visit, "cart-nothing", Some(("/explore", "home-browse"))))}
            {(!none).then(|| view! {
                <section class="card">
                    <ul class="plain">{rows}</ul>
                    <p class="total"><span>{lang.text("total")}</span><strong>{lang.price(total)}</strong></p>
                    {minimum.map(|text| view! { <p class="hint">{text}</p> })}
                    <form method="post" action=lang.path("/checkout")>
                        <FormKey/>
                        <input type="hidden" name="total" value=total/>
                        <button class="button button--primary button--wide" type="submit" id="checkout">{submit}</button>
                    </form>
                    <p class="quiet">{lang.text("checkout-refund")}</p>
                </section>
            })}
        }
        .into_any()
    })
}

pub(super) fn payment(visit: &Visit, payment: &Payment) -> Response {
    let lang = visit.lang;
    let title = lang.text("payment");
    let payment = payment.clone();
    shell::ok(visit, &title.clone(), || {
        let action = lang.path(&format!("/sandbox/payments/{}", payment.id));
        let declined = payment
            .decline_code
            .clone()
            .map(|code| lang.text(&format!("decline-{}", code.replace('_', "-"))));
        let cards = [
            ("4242 4242 4242 4242", "card-pays"),
            ("4000 0025 0000 3155", "card-asks"),
            ("4000 0000 0000 0002", "card-declines"),
            ("4000 0000 0000 9995", "card-funds"),
        ];
        let cards = cards
            .map(|(number, text)| view! { <li><code>{number}</code> " " {lang.text(text)}</li> });
        let form = if payment.state == "confirming" {
            view! {
                <form class="confirm" method="post" action=format!("{action}/confirm")>
                    <p>{lang.text("payment-confirm")}</p>
                    <p class="actions">
                        <button class="button button--primary" name="answer" value="yes" id="confirm-yes">{lang.text("payment-yes")}</button>
                        <button class="button" name="answer" value="no">{lang.text("payment-no")}</button>
                    </p>
                </form>
            }
            .into_any()
        } else {
            view! {
                <form method="post" action=action>
                    <label class="field" for="card"><span>{lang.text("card-number")}</span>
                        <input id="card" name="card" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242" required/>
                    </label>
                    <button class="button button--primary button--wide" type="submit" id="pay">{lang.with("payment-submit", &[("amount", lang.money(payment.amount_minor).into())])}</button>
                </form>
            }
            .into_any()
        };
        view! {
            <section class="card card--form">
                {heading(title, Some(lang.money(payment.amount_minor)))}
                <p class="hint">{lang.text("test-money")}</p>
                {declined.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
                {form}
                <details><summary>{lang.text("test-cards")}</summary><ul>{cards.into_iter().collect_view()}</ul></details>
            </section>
        }
        .into_any()
    })
}

pub(super) fn order(
    visit: &Visit,
    order: &Order,
    lines: Vec<Line>,
    payment: Option<Payment>,
) -> Response {
    let lang = visit.lang;
    let paid = order.state == "paid";
    let title = lang.text(if paid { "receipt" } else { "order-waiting" });
    let order = order.clone();
    shell::ok(visit, &title.clone(), || {
        let settled = payment
            .as_ref()
            .is_some_and(|payment| payment.state == "paid");
        let retry = (!paid && !settled).then(|| lang.path(&format!("/orders/{}/pay", order.id)));
        let rows = lines.into_iter().map(|line| {
            let licence = lang.text(&format!("licence-{}", line.licence.replace('.', "-")));
            let state = lang.text(&format!("line-state-{}", line.state));
            let action = (line.state == "owned").then(|| lang.path(&format!("/library/{}", line.id)));
            view! {
                <li class="row">
                    <span class="row__main"><a href=lang.path(&format!("/listings/{}", line.slug))>{line.title}</a><span class="quiet">{licence}</span></span>
                    <span class="tag">{state}</span>
                    <span>{lang.price(line.price_minor)}</span>
                    {action.map(|href| view! { <a class="button button--small" href=href>{lang.text("open-in-library")}</a> })}
                </li>
            }
        });
        let rows = rows.collect_view();
        view! {
            {(!paid && settled).then(|| view! { <meta http-equiv="refresh" content="1"/> })}
            {heading(title, None)}
            {retry.map(|action| view! {
                <form class="hint" method="post" action=action>
                    {lang.text("order-unpaid")} " " <button class="button button--small" type="submit" id="pay-order">{lang.text("order-pay")}</button>
                </form>
            })}
            {(!paid && settled).then(|| view! { <p class="hint" role="status">{lang.text("order-booking")}</p> })}
            <section class="card" id="order" data-state=order.state.clone()>
                <ul class="plain">{rows}</ul>
                <p class="total"><span>{lang.text("total")}</span><strong>{lang.price(order.total_minor)}</strong></p>
                <dl class="facts">
                    <Fact label=lang.text("order-number")><code>{order.id.clone()}</code></Fact>
                    {order.paid_ms.map(|ms| view! { <Fact label=lang.text("paid-at")><Time lang ms/></Fact> })}
                    {payment.and_then(|payment| payment.card_last4).map(|last4| view! { <Fact label=lang.text("card")>{format!("•••• {last4}")}</Fact> })}
                </dl>
                {(order.total_minor > 0).then(|| view! { <p class="quiet">{lang.text("test-money")}</p> })}
            </section>
        }
        .into_any()
    })
}
