//! Middleware of every request: language prefix, request id and log line, nonce, security headers.

use crate::db::work::{Class, Work};
use crate::ui::lang::Lang;
use crate::web::visit::{Nonce, Place, RequestId};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Instant;

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
    let path = format!("/{}", path.trim_start_matches('/'));
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

/// One line per request, with its id. No query, no body, no cookie: they may hold what people keep to themselves.
pub async fn log_request(mut request: Request, next: Next) -> Response {
    let id = crate::random::id();
    request
        .extensions_mut()
        .insert(RequestId(id.as_str().into()));
    let method = request.method().clone();
    let start = Instant::now();
    // Health and signing in have connections of their own: whatever else is slow, they are not.
    let class = match request.uri().path() {
        "/healthz" | "/readyz" | "/sign-in" => Class::Essential,
        _ => Class::Page,
    };
    let (work, _waiting) = Work::for_request(class, method.is_safe());
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

/// The content security policy with this answer's nonce, and the other headers that browsers heed.
pub async fn secure(State(https): State<bool>, mut request: Request, next: Next) -> Response {
    let nonce = URL_SAFE_NO_PAD.encode(crate::random::bytes::<16>());
    request
        .extensions_mut()
        .insert(Nonce(nonce.as_str().into()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data: blob:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(value) = HeaderValue::from_str(&policy)
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
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
    use super::split_language;
    use crate::web::visit::Place;

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
