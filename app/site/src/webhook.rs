//! The webhooks' addresses.
//!
//! The one rule: 200 only after the commit, so that what we lost is sent again; 400 for what no provider of ours signed.

use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base::random;
use money::provider::inbox;
use money::provider::stripe::webhook::{self, Refusal};

/// Routes of this module.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/stripe", post(platform))
        .route("/webhooks/stripe/connect", post(connect))
        .layer(DefaultBodyLimit::max(webhook::MAX_BYTES))
}

/// Which endpoint an event came in by: each has secrets of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Platform,
    Connect,
}

async fn platform(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    receive(&state, &headers, &body, Endpoint::Platform).await
}

async fn connect(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    receive(&state, &headers, &body, Endpoint::Connect).await
}

async fn receive(
    state: &AppState,
    headers: &HeaderMap,
    body: &Bytes,
    endpoint: Endpoint,
) -> (StatusCode, &'static str) {
    let Some(settings) = &state.config.stripe else {
        return (StatusCode::NOT_FOUND, "no such address");
    };
    let secrets = match endpoint {
        Endpoint::Platform => &settings.webhook_secrets,
        Endpoint::Connect => &settings.connect_webhook_secrets,
    };
    let header = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let now_s = random::real_now_ms() / 1000;
    if let Err(refusal) = webhook::verify(header, body, secrets, now_s) {
        tracing::warn!(?refusal, "a webhook was refused");
        return (
            StatusCode::BAD_REQUEST,
            match refusal {
                Refusal::Stale => "the signature is too old",
                _ => "the signature is not valid",
            },
        );
    }
    let Ok(event) = webhook::read(body) else {
        return (StatusCode::BAD_REQUEST, "this is no event");
    };
    if event.account.is_some() != (endpoint == Endpoint::Connect) {
        return (
            StatusCode::BAD_REQUEST,
            "this event belongs to the other endpoint",
        );
    }
    match store(state, &event, settings.is_live()).await {
        Ok(()) => (StatusCode::OK, "stored"),
        Err(error) => {
            tracing::error!(error = %error, "a webhook cannot be stored");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "not stored: send it again",
            )
        }
    }
}

async fn store(state: &AppState, event: &inbox::Event, live: bool) -> base::db::Result<()> {
    let provider = state.provider.name();
    let mut tx = state.db.write().await?;
    // Live endpoints for connected accounts get test events, too.
    if event.livemode == live {
        inbox::receive(&mut tx, provider, event).await?;
    } else {
        inbox::ignore(&mut tx, provider, event).await?;
    }
    tx.commit().await?;
    Ok(())
}
