//! Leading on to where a payment or an onboarding goes on.

use super::pieces::heading;
use super::shell::ok;
use super::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;

/// Leads to a page of ours by redirect; to another host through a page, since a form's answer may not lead there.
pub fn to_host(visit: &Visit, url: &str) -> Response {
    if url.starts_with('/') {
        return visit.redirect(url);
    }
    let lang = visit.lang;
    let title = lang.text("payment-leaving");
    let url = url.to_owned();
    ok(visit, &title.clone(), || {
        view! {
            <meta http-equiv="refresh" content=format!("0; url={url}")/>
            <section class="card card--form">
                {heading(title, Some(lang.text("payment-leaving-line")))}
                <p><a class="button button--primary" href=url.clone() rel="noreferrer" id="to-payment">{lang.text("payment-go")}</a></p>
            </section>
        }
        .into_any()
    })
}
