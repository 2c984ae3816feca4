//! A creator's page: who that is, and what they have on sale.

use super::card::grid;
use crate::ui::head::Head;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;
use market::catalog::service::{Card, Creator};

pub(in crate::catalog) fn storefront(
    visit: &Visit,
    creator: Creator,
    cards: Vec<Card>,
) -> Response {
    let lang = visit.lang;
    let title = creator.handle.clone();
    let head = Head {
        description: lang.with(
            "storefront-line",
            &[
                ("handle", title.clone().into()),
                ("count", creator.listings.into()),
            ],
        ),
        canonical: format!("/creators/{}", shell::encode(&title)),
        feed: format!("/explore.atom?creator={}", shell::encode(&title)),
        ..Head::default()
    };
    shell::page_with(visit, &title.clone(), StatusCode::OK, &head, || {
        let listings = lang.with("explore-count", &[("count", creator.listings.into())]);
        let reproduced = (creator.reproduced > 0).then(|| {
            lang.with(
                "storefront-reproduced",
                &[("count", creator.reproduced.into())],
            )
        });
        let since = lang.with(
            "storefront-since",
            &[("date", lang.date(creator.created_ms).into())],
        );
        let more = creator.listings > cards.len() as i64;
        let all = lang.path(&format!(
            "/explore?creator={}",
            shell::encode(&creator.handle)
        ));
        view! {
            <div class="storefront">
                <h1><bdi>{title}</bdi></h1>
                <p class="storefront__facts"><span>{listings}</span>{reproduced.map(|text| view! { <span>{text}</span> })}<span>{since}</span></p>
            </div>
            {grid(visit, cards)}
            {more.then(|| view! { <p class="more"><a class="button" href=all>{lang.text("storefront-all")}</a></p> })}
        }
        .into_any()
    })
}
