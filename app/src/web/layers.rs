//! Middleware of every request: language prefix, request id and log line, nonce, security headers.

use crate::db::work::{Class, Work};
use crate::ui::lang::Lang;
use crate::web::visit::{Nonce, Place, RequestId};
use axum::extract::{Request, State};
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
    let path = path.to_owned();
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
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let start = Instant::now();
    // Health and signing in have connections of their own: whatever else is slow, they are not.
    let class = match path.as_str() {
        "/healthz" | "/sign-in" => Class::Essential,
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
    tracing::info!(request.id = %id, http.method = %method, http.path = path, http.status = response.status().as_u16(), duration_ms, "request");
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
