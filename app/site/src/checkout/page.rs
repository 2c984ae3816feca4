//! Pages of the till: the cart, and an order with its receipt.

use crate::catalog::page::licence_link;
use crate::ui::pieces::{Fact, FormKey, LinePicture, Time, empty, heading};
use crate::ui::shell;
use crate::ui::visit::{Visit, tax_words, tax_words_of};
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::ListingState;
use market::checkout::service::cart::Priced;
use market::offers::PricedLine;
use market::orders::{Line, LineState, Order, OrderState};
use schema::failure::FieldError;
use schema::id::ListingId;
use std::collections::BTreeMap;

/// What stands beside a cart: what is in the way of buying it.
#[derive(Default)]
pub(super) struct CartNote {
    pub(super) minimum_minor: i64,
    /// A code of `field-…`.
    pub(super) refused: Option<&'static str>,
    /// What a visitor without account typed, and what is wrong with it.
    pub(super) email: String,
    pub(super) email_error: Option<&'static str>,
    /// What cannot be bought now, with the model that no machine has.
    pub(super) away: BTreeMap<ListingId, String>,
    /// The way back to what was left.
    pub(super) open: Vec<OpenOrder>,
}

/// An order that was placed and not paid.
pub(super) struct OpenOrder {
    pub(super) id: String,
    /// What it comes to with its tax.
    pub(super) gross_minor: i64,
    pub(super) titles: Vec<String>,
}

/// Its name, and the two ways on.
fn open_order(lang: Lang, order: &OpenOrder) -> impl IntoView + use<> {
    let href = lang.path(&format!("/orders/{}", order.id));
    let (pay, cancel) = (format!("{href}/pay"), format!("{href}/cancel"));
    let titles = order.titles.join(", ");
    let of = |name: &str| format!("{}: {titles}", lang.text(name));
    view! {
        <li class="row">
            <span class="row__main"><a href=href>{titles.clone()}</a><span class="quiet">{lang.text("order-unpaid")}</span></span>
            <span>{lang.price(order.gross_minor)}</span>
            <form method="post" action=pay><button class="button button--small" aria-label=of("order-pay")>{lang.text("order-pay")}</button></form>
            <form method="post" action=cancel><button class="button button--small button--quiet" aria-label=of("order-cancel")>{lang.text("order-cancel")}</button></form>
        </li>
    }
}

pub(super) fn cart(visit: &Visit, priced: Priced, note: CartNote) -> Response {
    let lang = visit.lang;
    let title = lang.text("cart");
    let status = match note.refused.is_some() || note.email_error.is_some() {
        true => StatusCode::CONFLICT,
        false => StatusCode::OK,
    };
    shell::page(visit, &title.clone(), status, || {
        let (total, minimum_minor) = (priced.total_minor(), note.minimum_minor);
        let none = priced.lines.is_empty() && priced.owned.is_empty();
        let minimum = (total > 0 && total < minimum_minor).then(|| {
            let amount = visit.price(minimum_minor);
            lang.with("cart-minimum-hint", &[("minimum", amount.into())])
        });
        let refusal = note.refused.map(|code| {
            let detail = visit.price(minimum_minor);
            lang.with(&format!("field-{code}"), &[("detail", detail.into())])
        });
        let (rows, seen) = (cart_rows(visit, &priced, &note.away), priced.seen());
        let sums = sums(visit, &priced);
        let coupon = coupon_form(lang, &priced);
        let signed_in = visit.person.is_some();
        let submit = lang.text(if total == 0 {
            "checkout-free"
        } else {
            "checkout-pay"
        });
        let open = note.open.iter().map(|order| open_order(lang, order));
        let open = (!note.open.is_empty())
            .then(|| view! { <ul class="plain card" id="open-orders">{open.collect_view()}</ul> });
        let guest = (!signed_in).then(|| guest_field(lang, &note));
        view! {
            {heading(title, None)}
            {refusal.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
            {open}
            {none.then(|| empty(visit, "cart-nothing", Some(("/explore", "home-browse"))))}
            {(!none).then(|| view! {
                <div class="till" id="cart" data-total=total>
                    <div class="till__items">{rows}<p><a href=lang.path("/explore")>{lang.text("cart-on")}</a></p></div>
                    <section class="card till__sum" aria-label=lang.text("cart-sum")>
                        {sums}
                        {coupon}
                        {minimum.map(|text| view! { <p class="hint">{text}</p> })}
                        <form class="stack" method="post" action=lang.path("/checkout")>
                            <FormKey/>
                            <input type="hidden" name="total" value=total/>
                            <input type="hidden" name="lines" value=seen/>
                            {guest}
                            <button class="button button--primary button--wide" type="submit" id="checkout">{submit}</button>
                        </form>
                        {(total > 0).then(|| view! { <p class="quiet">{lang.text("checkout-refund")}</p> })}
                    </section>
                </div>
            })}
        }
        .into_any()
    })
}

/// The items, by seller in the order in which they were put in.
fn cart_rows(
    visit: &Visit,
    priced: &Priced,
    away: &BTreeMap<ListingId, String>,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let mut sellers: Vec<(String, Vec<&PricedLine>)> = Vec::new();
    for line in &priced.lines {
        match sellers
            .iter_mut()
            .find(|(handle, _)| *handle == line.line.handle)
        {
            Some((_, lines)) => lines.push(line),
            None => sellers.push((line.line.handle.clone(), vec![line])),
        }
    }
    let groups: Vec<_> = sellers
        .into_iter()
        .map(|(handle, lines)| {
            let rows: Vec<_> = lines.into_iter().map(|line| cart_row(visit, line, away.get(&line.line.id))).collect();
            let creator = lang.path(&format!("/creators/{}", shell::encode(&handle)));
            view! {
                <section class="card">
                    <h2 class="till__seller">{lang.text("by")} " " <a href=creator><bdi>{handle}</bdi></a></h2>
                    <ul class="plain">{rows}</ul>
                </section>
            }
        })
        .collect();
    let owned: Vec<_> = priced
        .owned
        .iter()
        .map(|line| {
            let href = lang.path(&format!("/listings/{}", line.slug));
            view! {
                <li class="row">
                    <LinePicture lang blob=line.blob.clone()/>
                    <span class="row__main"><a href=href>{line.title.clone()}</a><span class="quiet">{lang.text("cart-owned-already")}</span></span>
                    <span class="quiet">{lang.text("cart-subtracted")}</span>
                </li>
            }
        })
        .collect();
    let owned = (!owned.is_empty()).then(|| view! { <ul class="plain card">{owned}</ul> });
    (groups, owned)
}

fn cart_row(visit: &Visit, priced: &PricedLine, away: Option<&String>) -> impl IntoView + use<> {
    let lang = visit.lang;
    let (line, cash) = (priced.line.clone(), priced.cash());
    let href = lang.path(&format!("/listings/{}", line.slug));
    let before = (cash < line.price_minor)
        .then(|| view! { <s class="quiet">{visit.price(line.price_minor)}</s> " " });
    let gone = (line.state != ListingState::Live)
        .then(|| view! { <span class="field-error">{lang.text("cart-line-gone")}</span> });
    let away = away.map(|model| {
        let text = lang.with("cart-line-away", &[("model", model.clone().into())]);
        view! { <span class="field-error">{text}</span> }
    });
    let set = line
        .set_title
        .map(|set| view! { <span class="tag">{set}</span> });
    let licence = licence_link(lang, &line.licence);
    let remove = lang.with("remove-of", &[("title", line.title.clone().into())]);
    view! {
        <li class="row">
            <LinePicture lang blob=line.blob.clone()/>
            <span class="row__main"><a href=href>{line.title}</a><span class="quiet">{licence} " " {set}</span>{gone}{away}</span>
            <span class="till__price">{before}{visit.price(cash)}</span>
            <form method="post" action=lang.path("/cart/remove")>
                <input type="hidden" name="listing" value=line.id.to_string()/>
                <button class="link" type="submit" aria-label=remove>{lang.text("remove")}</button>
            </form>
        </li>
    }
}

fn coupon_form(lang: Lang, priced: &Priced) -> impl IntoView + use<> {
    let code = priced.code.clone().unwrap_or_default();
    let refusal = priced
        .coupon_refusal
        .map(|code| lang.text(&format!("field-{code}")));
    let counts = priced.coupon.as_ref().map(|coupon| {
        let name = match coupon.percent {
            Some(percent) => lang.with("coupon-percent", &[("percent", percent.into())]),
            None => lang.money(coupon.amount_minor.unwrap_or(0)),
        };
        let (code, off) = (("code", coupon.code.clone().into()), ("off", name.into()));
        let mut lines = priced.lines.iter().map(|line| &line.line);
        match lines.find(|line| coupon.person_id.as_deref() == Some(&*line.person_id)) {
            Some(line) => {
                let seller = ("seller", line.handle.clone().into());
                lang.with("coupon-counts-seller", &[code, off, seller])
            }
            None => lang.with("coupon-counts", &[code, off]),
        }
    });
    view! {
        <details class="coupon" open=priced.code.is_some()>
            <summary>{lang.text("coupon-have")}</summary>
            <form method="post" action=lang.path("/cart/coupon") class="inline">
                <input name="code" aria-label=lang.text("coupon-code") value=code maxlength="40" autocomplete="off" id="coupon"/>
                <button class="button" type="submit" id="apply-coupon">{lang.text("apply")}</button>
            </form>
            {counts.map(|text| view! { <p class="hint" role="status" id="coupon-counts">{text}</p> })}
            {refusal.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
        </details>
    }
}

/// What the cart comes to, with the tax of each line as the payment will add it.
fn sums(visit: &Visit, priced: &Priced) -> impl IntoView + use<> {
    let lang = visit.lang;
    let lines = priced.lines.iter();
    let list_minor: i64 = lines
        .clone()
        .map(|line| visit.gross(line.line.price_minor))
        .sum();
    let total: i64 = lines.map(|line| visit.gross(line.cash())).sum();
    let tax = visit.taxed.filter(|_| total > 0).map(|taxed| {
        let label = lang.with("tax-included", &tax_words(lang, taxed));
        let amount = lang.money(total - priced.total_minor());
        view! { <p class="total total--part" id="tax"><span>{label}</span><span>{amount}</span></p> }
    });
    let note = visit
        .tax_note()
        .filter(|_| total > 0 && visit.taxed.is_none());
    let off = (list_minor > total).then(|| {
        view! {
            <p class="total total--part"><span>{lang.text("subtotal")}</span><span>{lang.money(list_minor)}</span></p>
            <p class="total total--part" id="discount"><span>{lang.text("discount")}</span><span>{lang.money(total - list_minor)}</span></p>
        }
    });
    view! {
        {off}
        <p class="total"><span>{lang.text("total")}</span><strong id="total">{lang.price(total)}</strong></p>
        {tax}
        {note.map(|note| view! { <p class="quiet">{note}</p> })}
    }
}

fn guest_field(lang: Lang, note: &CartNote) -> impl IntoView + use<> {
    use crate::ui::pieces::Field;
    let errors: Vec<FieldError> = note
        .email_error
        .map(|code| FieldError::new("email", code))
        .into_iter()
        .collect();
    view! {
        <Field lang name="email" kind="email" label=lang.text("guest-email") hint=lang.text("guest-hint") autocomplete="email"
            value=note.email.clone() required=true errors=errors/>
        <p class="quiet">{lang.text("guest-or")} " " <a href=lang.path("/sign-in?next=/cart") id="guest-sign-in">{lang.text("sign-in")}</a></p>
    }
}

/// What an order's page shows beside the order.
pub(super) struct Receipt {
    pub(super) order: Order,
    pub(super) lines: Vec<Line>,
    /// Creator and first picture of each line.
    pub(super) faces: Vec<(String, String)>,
    /// Seen by the browser that bought, without an account.
    pub(super) visitor: bool,
    /// The provider has the money and the books do not yet.
    pub(super) booking: bool,
    /// It may be paid now.
    pub(super) payable: bool,
    pub(super) test_money: bool,
}

pub(super) fn order(visit: &Visit, receipt: Receipt) -> Response {
    let lang = visit.lang;
    let Receipt {
        order,
        lines,
        faces,
        visitor,
        booking,
        payable,
        test_money,
    } = receipt;
    let paid = order.state == OrderState::Paid;
    let title = lang.text(match order.state {
        OrderState::Paid => "receipt",
        OrderState::Cancelled => "order-cancelled",
        OrderState::Open => "order-waiting",
    });
    shell::ok(visit, &title.clone(), || {
        let retry = payable.then(|| lang.path(&format!("/orders/{}/pay", order.id)));
        let cancel = lang.path(&format!("/orders/{}/cancel", order.id));
        let list: i64 = lines.iter().map(|line| line.list_minor).sum();
        let all_back = lines.iter().all(|line| line.state == LineState::Refunded);
        let mailed = (paid && visitor && !all_back).then(|| mailed(visit, &order));
        let back: i64 = lines.iter().map(Line::refunded_cash).sum();
        let invoice = order.invoice_number.filter(|_| order.total_minor > 0).map(|number| {
            let href = lang.path(&format!("/orders/{}/invoice.pdf", order.id));
            view! {
                <Fact label=lang.text("invoice-number")>{invoice_name(number)}</Fact>
                <Fact label=lang.text("invoice")><a href=href id="invoice" download=format!("{}.pdf", invoice_name(number))>{lang.text("invoice-pdf")}</a></Fact>
            }
        });
        let rows = lines
            .iter()
            .zip(faces)
            .map(|(line, face)| order_row(lang, line, face, visitor))
            .collect_view();
        // Until it is paid nobody knows the tax: it is shown as the cart showed it.
        let expected = visit.taxed.filter(|_| order.state == OrderState::Open);
        let tax_minor = expected.map_or(order.tax_minor, |taxed| {
            lines.iter().map(|line| taxed.on(line.parts().cash())).sum()
        });
        let label = match expected {
            Some(taxed) => lang.with("tax-of", &tax_words(lang, taxed)),
            None => tax_label(lang, &order),
        };
        let tax = (tax_minor > 0).then(|| view! { <p class="total total--part" id="tax"><span>{label}</span><span>{lang.money(tax_minor)}</span></p> });
        let returned = (back > 0).then(|| view! { <p class="total total--part" id="refunded"><span>{lang.text("refunded")}</span><span>{lang.money(-back)}</span></p> });
        view! {
            {booking.then(|| view! { <meta http-equiv="refresh" content="1"/> })}
            {heading(title, None)}
            {order.end_reason.clone().filter(|_| !payable).map(|reason| {
                // Paid all the same: then not "nothing was charged", but that it goes back.
                let reason = if paid { "late".to_owned() } else { reason };
                view! { <p class="hint" id="order-end">{lang.text(&format!("order-end-{reason}"))}</p> }
            })}
            {retry.map(|action| view! {
                <form class="hint" method="post" action=action>
                    {lang.text("order-unpaid")} " " <button class="button button--small" type="submit" id="pay-order">{lang.text("order-pay")}</button>
                    " " <button class="button button--small button--quiet" type="submit" id="cancel-order" formaction=cancel>{lang.text("order-cancel")}</button>
                </form>
            })}
            {booking.then(|| view! { <p class="hint" role="status">{lang.text("order-booking")}</p> })}
            <section class="card" id="order" data-state=order.state.name()>
                <ul class="plain">{rows}</ul>
                {(order.discount_minor > 0).then(|| view! {
                    <p class="total total--part"><span>{lang.text("subtotal")}</span><span>{lang.money(list)}</span></p>
                    <p class="total total--part"><span>{lang.text("discount")}</span><span>{lang.money(-order.discount_minor)}</span></p>
                })}
                {tax}
                <p class="total"><span>{lang.text("total")}</span><strong>{lang.price(order.total_minor + tax_minor)}</strong></p>
                {returned}
                <dl class="facts">
                    <Fact label=lang.text("order-number")><code>{order.id.to_string()}</code></Fact>
                    {order.paid_ms.map(|ms| view! { <Fact label=lang.text("paid-at")><Time lang ms/></Fact> })}
                    {order.card_last4.clone().map(|last4| view! { <Fact label=lang.text("card")>{format!("•••• {last4}")}</Fact> })}
                    {invoice}
                </dl>
                {(order.total_minor > 0 && test_money).then(|| view! { <p class="quiet">{lang.text("test-money")}</p> })}
            </section>
            {(paid && !visitor).then(|| view! { <p class="actions"><a class="button" href=lang.path("/library")>{lang.text("nav-library")}</a></p> })}
            {mailed}
        }
        .into_any()
    })
}

/// Where the way to a visitor's purchase went; a demo has it here, too. The address is not said: whoever has an account with it is another
/// row, and what that row says is its owner's.
fn mailed(visit: &Visit, order: &Order) -> impl IntoView + use<> {
    let lang = visit.lang;
    let action = lang.path(&format!("/orders/{}/mail", order.id));
    let here = visit.demo.then(|| {
        view! {
            <form class="actions" method="post" action=action>
                <span>{lang.text("order-mail-demo")}</span>
                <button class="button button--small" id="open-mail">{lang.text("order-mail-open")}</button>
            </form>
        }
    });
    view! {
        <div class="hint" id="mailed">
            <p>{lang.text("order-mailed")}</p>
            {here}
        </div>
    }
}

/// What a paid order's tax is called: with its rate and the buyer's country, as far as both are known.
pub(super) fn tax_label(lang: Lang, order: &Order) -> String {
    match (order.tax_basis_points, order.country.as_deref()) {
        (Some(rate), Some(country)) => lang.with("tax-of", &tax_words_of(lang, rate, country)),
        _ => lang.text("tax"),
    }
}

/// An invoice's number as people quote it.
pub(super) fn invoice_name(number: i64) -> String {
    format!("SM-{number:06}")
}

fn order_row(
    lang: Lang,
    line: &Line,
    (handle, blob): (String, String),
    visitor: bool,
) -> impl IntoView + use<> {
    let licence = licence_link(lang, &line.licence);
    let part = line.state == LineState::Owned && line.refunded_cash() > 0;
    let state = lang.text(&match part {
        true => "line-state-part".to_owned(),
        false => format!("line-state-{}", line.state.name()),
    });
    let reason = line
        .refund_reason
        .clone()
        .filter(|_| line.state == LineState::Refunded);
    let reason = reason.map(|reason| {
        let amount = [("amount", lang.money(line.refunded_cash()).into())];
        lang.with(&format!("refund-{reason}"), &amount)
    });
    let action = (line.state == LineState::Owned && !visitor)
        .then(|| lang.path(&format!("/library/{}", line.id)));
    view! {
        <li class="row">
            <LinePicture lang blob/>
            <span class="row__main"><a href=lang.path(&format!("/listings/{}", line.slug))>{line.title.clone()}</a><span class="quiet">{lang.text("by")} " " <bdi>{handle}</bdi> " · " {licence}</span>{reason.map(|text| view! { <span class="quiet">{text}</span> })}</span>
            <span class="tag">{state}</span>
            <span>{lang.price(line.price_minor - line.promotion_minor)}</span>
            {action.map(|href| view! { <a class="button button--small" href=href>{lang.text("open-in-library")}</a> })}
        </li>
    }
}
