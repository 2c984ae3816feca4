//! Pages of the catalog: cards, home, a listing, a creator, reports, and how it all works.

mod around;
mod card;
mod evidence;
mod home;
mod licences;
mod listing;
mod offer;
mod report;
mod storefront;
mod viewer;

pub(super) use around::{Around, ModelFacts};
pub(crate) use card::grid;
pub(super) use home::home;
pub(super) use licences::licences;
pub(crate) use licences::{licence_link, licence_text};
pub(super) use listing::certifying;
pub(super) use listing::listing;
pub(super) use report::{Typed, report, reported};
pub(super) use storefront::storefront;

use crate::ui::pieces::{Code, Fact, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;

/// How it works, from making a picture to getting money back.
pub(super) fn how(visit: &Visit, vkey: &str, model: &str, limits: &'static str) -> Response {
    let lang = visit.lang;
    let title = lang.text("nav-how");
    let (vkey, model) = (vkey.to_owned(), model.to_owned());
    shell::ok(visit, &title.clone(), || {
        let steps = ["generate", "seal", "log", "certify", "buy", "reproduce", "refund"].map(|step| {
            view! { <li><strong>{lang.text(&format!("how-{step}"))}</strong><span>{lang.text(&format!("how-{step}-line"))}</span></li> }
        });
        view! {
            {heading(title, Some(lang.text("home-line")))}
            <ol class="how">{steps.into_iter().collect_view()}</ol>
            <section class="card">
                <h2>{lang.text("how-offline")}</h2>
                <p>{lang.text("how-offline-line")}</p>
                <pre><code>"seedmark verify FILE.seedmark\nseedmark reproduce FILE.seedmark"</code></pre>
                <dl class="facts">
                    <Fact label=lang.text("footer-vkey")><Code text=vkey/></Fact>
                    <Fact label=lang.text("model")><Code text=model/></Fact>
                </dl>
                <p class="quiet">{lang.text(limits)}</p>
            </section>
        }
        .into_any()
    })
}
