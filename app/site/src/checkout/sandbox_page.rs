//! The sandbox's own payment page: a card, a country, and no real money.

use crate::ui::pieces::heading;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use market::orders::Line;
use money::provider::sandbox::{Record, RecordState, TAX_RATES};
use money::provider::tax;

/// Countries that the page offers; the sandbox's rates are for trying out.
pub(super) const COUNTRIES: [&str; 7] = ["US", "DE", "AT", "CH", "GB", "FR", "CN"];

const CARDS: [(&str, &str); 9] = [
    ("4242 4242 4242 4242", "card-pays"),
    ("4000 0025 0000 3155", "card-asks"),
    ("4000 0000 0000 0002", "card-declines"),
    ("4000 0000 0000 9995", "card-funds"),
    ("4000 0000 0000 0259", "card-fraud"),
    ("4000 0000 0000 2685", "card-dispute"),
    ("4000 0000 0000 1976", "card-inquiry"),
    ("4000 0000 0000 5423", "card-warning"),
    ("4000 0000 0000 5126", "card-refund-fails"),
];

pub(super) fn payment(
    visit: &Visit,
    payment: &Record,
    lines: &[Line],
    country: &str,
    repriced: bool,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("payment");
    let payment = payment.clone();
    let country = country.to_owned();
    let items: Vec<_> = lines
        .iter()
        .map(|line| {
            let price = lang.price(line.price_minor - line.promotion_minor);
            view! { <li class="row"><span class="row__main">{line.title.clone()}</span><span>{price}</span></li> }
        })
        .collect();
    shell::ok(visit, &title.clone(), || {
        let action = lang.path(&format!("/sandbox/payments/{}", payment.id));
        let tax: i64 = payment.taxes_in(&country).iter().sum();
        let total = payment.amount_minor + tax;
        let order = lang.path(&format!("/orders/{}", payment.order_id));
        let declined = payment
            .decline_code
            .clone()
            .map(|code| lang.text(&format!("decline-{}", code.replace('_', "-"))));
        let cards = CARDS
            .map(|(number, text)| view! { <li><code>{number}</code> " " {lang.text(text)}</li> });
        let options = COUNTRIES.map(|code| {
            let name = lang.country(code);
            let label = match tax::find(TAX_RATES, code) {
                None => name,
                Some(taxed) => format!("{name} (+{} %)", lang.percent(taxed.basis_points)),
            };
            view! { <option value=code selected=code == country>{label}</option> }
        });
        let tax_line = (tax > 0).then(|| {
            view! {
                <p class="total total--part"><span>{lang.text("subtotal")}</span><span>{lang.money(payment.amount_minor)}</span></p>
                <p class="total total--part" id="tax"><span>{lang.text("tax")}</span><span>{lang.money(tax)}</span></p>
            }
        });
        let form = if payment.state == RecordState::Confirming {
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
                {tax_line}
                <p class="total"><span>{lang.text("total")}</span><strong>{lang.money(total)}</strong></p>
                <form class="own-form" method="post" action=action>
                    <input type="hidden" name="seen" value=country.clone()/>
                    <div class="field">
                        <label for="country">{lang.text("country")}</label>
                        <select id="country" name="country" data-submits="set-country">{options.into_iter().collect_view()}</select>
                        <p><button class="link" type="submit" name="change" value="1" formnovalidate=true id="set-country">{lang.text("payment-change")}</button></p>
                    </div>
                    <label class="field" for="card"><span>{lang.text("card-number")}</span>
                        <input id="card" name="card" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242" required/>
                    </label>
                    <button class="button button--primary button--wide" type="submit" id="pay">{lang.with("payment-submit", &[("amount", lang.money(total).into())])}</button>
                </form>
            }
            .into_any()
        };
        view! {
            <section class="card card--form">
                {heading(title, None)}
                <p class="hint">{lang.text("test-money")}</p>
                <ul class="plain" id="items">{items}</ul>
                {repriced.then(|| view! { <p class="hint" role="status" id="repriced">{lang.text("payment-repriced")}</p> })}
                {declined.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
                {form}
                <details><summary>{lang.text("test-cards")}</summary><ul class="test-cards">{cards.into_iter().collect_view()}</ul></details>
                <p><a href=order>{lang.text("back-to-order")}</a></p>
            </section>
        }
        .into_any()
    })
}
