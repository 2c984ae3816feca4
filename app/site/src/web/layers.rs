//! Middleware of every request: language prefix, request id and log line, nonce, security headers.

use crate::ui::failure::AppError;
use crate::ui::visit::{Nonce, Place, RequestId, Visit};
use crate::web::state::AppState;
use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::db::work::{Class, Work};
use base::lang::Lang;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schema::failure::Code;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Instant;

/// The largest body at all: a picture to begin with, its mask, and the page around them. Every route has a bound of its own below it.
pub(super) const MAX_UPLOAD_BYTES: usize = 25 * 1024 * 1024;
/// The largest body that is received to be refused.
const MAX_IGNORED_BYTES: usize = 32 * 1024 * 1024;

/// Takes the language prefix off the path before the router sees it.
pub fn split_language<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    let whole = request
        .uri()
        .path_and_query()
        .map_or("/", |value| value.as_str())
        .to_owned();
    let (lang, path) = Lang::of_path(&whole);
    // One slash before it, so that a link to the same page in another language never leads to another host, and a query right after
    // the prefix is the front page's.
    let path = format!("/{}", path.trim_start_matches(['/', '\\']));
    if lang != Lang::En
        && let Ok(uri) = path.parse::<Uri>()
    {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(Place {
        lang,
        path: path.into(),
    });
    request
}

/// Health, signing in and buying have connections of their own: whatever else is slow, they are not.
fn class_of(path: &str) -> Class {
    let room = path.split('/').nth(1).unwrap_or_default();
    match room {
        "healthz" | "readyz" | "sign-in" => Class::Essential,
        "cart" | "checkout" | "orders" | "sandbox" | "webhooks" => Class::Till,
        _ => Class::Page,
    }
}

/// One line per request, with its id. No query, no body, no cookie: they may hold what people keep to themselves.
pub async fn log_request(mut request: Request, next: Next) -> Response {
    let id = base::random::id();
    request
        .extensions_mut()
        .insert(RequestId(id.as_str().into()));
    let method = request.method().clone();
    let start = Instant::now();
    let (work, _waiting) = Work::for_request(class_of(request.uri().path()), method.is_safe());
    // In a task of its own: a visitor who leaves must not cut a transaction in half, or its connection would go back to the
    // pool with that transaction open.
    let mut response = match tokio::spawn(work.run(next.run(request))).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(request.id = %id, error = %error, "a handler ended without an answer");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    // The route's pattern, because a path may hold the secret of a mailed link.
    let route = response
        .extensions()
        .get::<Option<MatchedPath>>()
        .and_then(Option::as_ref);
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::info!(request.id = %id, http.method = %method, http.route = route, http.status = response.status().as_u16(), duration_ms, "request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

/// A path or a query that cannot be read is answered as everything else is, by a page of ours, and no NUL reaches a database: to one
/// it is text, to the other an error.
pub async fn legible(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (path, query) = (request.uri().path(), request.uri().query());
    let holds_nul = |text: &str| text.contains("%00");
    let wrong = match query {
        _ if holds_nul(path) => Some(Code::NotFound),
        Some(query) if holds_nul(query) => Some(Code::Invalid),
        _ => None,
    };
    if wrong.is_none() && query.is_none() && !path.contains('%') {
        return next.run(request).await;
    }
    let unread = if query.is_some() {
        Code::Invalid
    } else {
        Code::NotFound
    };
    let (mut parts, body) = request.into_parts();
    let kept = parts.clone();
    let code = match wrong {
        Some(code) => code,
        None => {
            let response = next.run(Request::from_parts(parts, body)).await;
            let plain = response.headers().get(header::CONTENT_TYPE);
            let plain = plain.is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
            if response.status() != StatusCode::BAD_REQUEST || !plain {
                return response;
            }
            parts = kept;
            unread
        }
    };
    let Ok(visit) = Visit::from_request_parts(&mut parts, &state).await;
    AppError::new(code).respond(&visit)
}

/// What is too large is told by a page of ours, in the visitor's language; libraries say it in bare English. A form that says how long it
/// is, and is not out of all reason, is received to its end: a browser shows no answer to what it is still sending.
pub async fn bounded(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| (MAX_UPLOAD_BYTES + 1..=MAX_IGNORED_BYTES).contains(&length)) {
        let mut sent = pin!(body);
        while let Some(Ok(_ignored)) = poll_fn(|task| sent.as_mut().poll_frame(task)).await {}
    } else {
        let kept = parts.clone();
        let response = next.run(Request::from_parts(parts, body)).await;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_ours = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if response.status() != StatusCode::PAYLOAD_TOO_LARGE || is_ours {
            return response;
        }
        parts = kept;
    }
    let Ok(visit) = Visit::from_request_parts(&mut parts, &state).await;
    AppError::new(Code::TooLarge).respond(&visit)
}

/// Where a page lies that was asked for with a slash at its end, or with a language as browsers and people write it.
#[must_use]
pub fn canonical(lang: Lang, asked: &str) -> Option<String> {
    let (path, query) = asked
        .split_once('?')
        .map_or((asked, None), |(path, query)| (path, Some(query)));
    // None is empty: two slashes at the start would be another host.
    let mut pieces = path.split('/').filter(|piece| !piece.is_empty()).peekable();
    let mut found = lang;
    if lang == Lang::En
        && let Some(first) = pieces.peek()
    {
        let primary = first
            .split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        if let Some(named) = Lang::ALL.into_iter().find(|lang| lang.tag() == primary) {
            found = named;
            pieces.next();
        }
    }
    let rest = pieces.collect::<Vec<_>>().join("/");
    let mut right = found.path(&format!("/{rest}"));
    if found == lang && format!("/{rest}") == path {
        return None;
    }
    if let Some(query) = query {
        right = format!("{right}?{query}");
    }
    (!rest.contains('\\')).then_some(right)
}

/// The content security policy with this answer's nonce, and the other headers that browsers heed.
pub async fn secure(State(https): State<bool>, mut request: Request, next: Next) -> Response {
    let nonce = URL_SAFE_NO_PAD.encode(base::random::bytes::<16>());
    request
        .extensions_mut()
        .insert(Nonce(nonce.as_str().into()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(value) = HeaderValue::from_str(&policy)
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    // What programs are told is about somebody or about now, unless its route says otherwise.
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json && !headers.contains_key(header::CACHE_CONTROL) {
        let private = HeaderValue::from_static("private, no-store");
        headers.insert(header::CACHE_CONTROL, private);
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{canonical, split_language};
    use crate::ui::visit::Place;
    use base::lang::Lang;

    #[test]
    fn a_slash_at_the_end_and_a_language_as_people_write_it_lead_to_the_page() {
        for (lang, asked, right) in [
            (Lang::En, "/explore/", Some("/explore")),
            (Lang::De, "/explore/?q=1", Some("/de/explore?q=1")),
            (Lang::En, "/DE", Some("/de")),
            (Lang::En, "/zh-CN/explore", Some("/zh/explore")),
            (
                Lang::En,
                "/zh_Hans/explore/?q=%20",
                Some("/zh/explore?q=%20"),
            ),
            (Lang::En, "/en/explore", Some("/explore")),
            (Lang::En, "/nothing", None),
            (Lang::De, "/nothing", None),
            (Lang::En, "/en//evil.example", Some("/evil.example")),
            (Lang::En, "/en/\\evil.example", None),
        ] {
            assert_eq!(canonical(lang, asked).as_deref(), right, "{asked}");
        }
    }

    #[test]
    fn a_prefix_before_a_query_is_the_front_page_and_no_path_leads_to_another_host() {
        for (asked, routed, page) in [
            ("/de?utm_source=x", "/?utm_source=x", "/?utm_source=x"),
            ("/de", "/", "/"),
            ("/zh/explore?q=1", "/explore?q=1", "/explore?q=1"),
            ("/de//evil.example/x", "/evil.example/x", "/evil.example/x"),
            ("/explore", "/explore", "/explore"),
        ] {
            let request = axum::http::Request::get(asked).body(()).expect("a request");
            let split = split_language(request);
            assert_eq!(split.uri().to_string(), routed, "{asked}");
            let place = split.extensions().get::<Place>().expect("a place");
            assert_eq!(&*place.path, page, "{asked}");
        }
        let request = axum::http::Request::get("//evil.example")
            .body(())
            .expect("a request");
        let split = split_language(request);
        let place = split.extensions().get::<Place>().expect("a place");
        assert_eq!(&*place.path, "/evil.example");
    }
}
