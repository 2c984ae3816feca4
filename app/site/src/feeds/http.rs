//! Routes of feeds and of the site's map.

use super::atom::{self, Feed};
use super::sitemap;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base::compute;
use market::browse::filter::{Filter, Sort};
use market::browse::service;
use schema::failure::Code;
use schema::listing::Category;
use serde_json::json;
use std::fmt::Write as _;

const ATOM: &str = "application/atom+xml; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
/// As long a reader may keep a feed, in seconds.
const FRESH: &str = "public, max-age=300";

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/explore.atom", get(explore))
        .route("/sitemap.xml", get(index))
        .route("/sitemaps/pages.xml", get(pages))
        .route("/sitemaps/listings/{name}", get(listings))
        .route("/llms.txt", get(for_models))
}

/// An answer that a reader who has it already need not fetch again.
async fn kept(headers: &HeaderMap, kind: &'static str, body: Vec<u8>) -> Response {
    let digest =
        compute::run(move || (format!("\"{}\"", &blake3::hash(&body).to_hex()[..32]), body));
    let (tag, body) = digest.await;
    let answered = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CACHE_CONTROL, FRESH.to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match known
        .split(',')
        .any(|one| one.trim() == tag || one.trim().strip_prefix("W/") == Some(&tag))
    {
        true => (StatusCode::NOT_MODIFIED, answered).into_response(),
        false => (answered, body).into_response(),
    }
}

fn written(result: std::io::Result<Vec<u8>>) -> Result<Vec<u8>, AppError> {
    result.map_err(|error| {
        tracing::error!(error = %error, "cannot write XML");
        AppError::new(Code::Internal)
    })
}

/// The feed of a list: the same parameters as its page, newest first.
async fn explore(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(&Bytes::from(query.clone().unwrap_or_default()));
    visit
        .answer(async {
            let pairs: Vec<(String, String)> = form.pairs().collect();
            let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
            let (mut filter, errors) = Filter::parse(pairs);
            if let Some(error) = errors.first() {
                let said = visit.lang.field_error(error);
                return Ok(
                    (StatusCode::BAD_REQUEST, Json(json!({ "error": said }))).into_response()
                );
            }
            let page = visit.lang.path(&filter.address());
            filter.sort = Some(Sort::Newest);
            let mut tx = state.db.read().await?;
            let now_ms = state.clock.now_ms();
            let found =
                service::row(&mut tx, &state.finder, &filter, service::PAGE, now_ms).await?;
            let title = match filter.category {
                Some(category) => visit.lang.text(&format!("category-{}", category.id())),
                None => visit.lang.text("nav-explore"),
            };
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            let feed = Feed {
                lang: visit.lang,
                site: &visit.public_url,
                path: format!("{}{query}", visit.lang.path("/explore.atom")),
                page,
                title: format!("Seedmark · {title}"),
                cards: &found.0,
            };
            Ok(kept(&headers, ATOM, written(atom::write(&feed))?).await)
        })
        .await
}

async fn index(State(state): State<AppState>, visit: Visit, headers: HeaderMap) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let starts = service::list_map_starts(&mut tx).await?;
            let file = written(sitemap::index(&visit.public_url, &starts))?;
            Ok(kept(&headers, XML, file).await)
        })
        .await
}

async fn pages(visit: Visit, headers: HeaderMap) -> Response {
    visit
        .answer(async {
            let mut paths: Vec<String> = ["/", "/explore", "/how-it-works", "/licences"]
                .map(str::to_owned)
                .to_vec();
            let shelves =
                Category::ALL.map(|category| format!("/explore?category={}", category.id()));
            paths.extend(shelves);
            let file = written(sitemap::pages(&visit.public_url, &paths))?;
            Ok(kept(&headers, XML, file).await)
        })
        .await
}

async fn listings(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    visit
        .answer(async {
            let start = name.strip_suffix(".xml").unwrap_or_default();
            if start != "0" && !schema::id::is_uuid(start) {
                return Err(AppError::new(Code::NotFound));
            }
            let mut tx = state.db.read().await?;
            let mapped = service::list_mapped(&mut tx, start).await?;
            let file = written(sitemap::listings(&visit.public_url, &mapped))?;
            Ok(kept(&headers, XML, file).await)
        })
        .await
}

/// What a language model should know to answer questions about the shop, as <https://llmstxt.org> has it.
async fn for_models(visit: Visit) -> Response {
    let site = &visit.public_url;
    let mut text = String::from(
        "# Seedmark\n\n> A marketplace for text-to-image prompts whose previews can be regenerated bit for bit. Creators sell recipes \
         (template, seed, parameters), signed and logged in a public transparency log before sale; buyers regenerate the preview.\n\n## Pages\n\n",
    );
    for (name, path) in [
        ("What is for sale", "/explore"),
        ("How it works, and how to check it", "/how-it-works"),
        ("Newest listings as a feed", "/explore.atom"),
        ("The public log's checkpoint", "/log/checkpoint"),
        ("Map of the site", "/sitemap.xml"),
    ] {
        // Writing to a string does not fail.
        let _always = writeln!(text, "- [{name}]({site}{path})");
    }
    text.push_str("\n## Parameters of /explore and /explore.atom\n\n");
    for name in market::browse::filter::NAMES {
        let _always = writeln!(text, "- `{name}`");
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
