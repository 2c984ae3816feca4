//! Every route in one place, and the middleware around them, outermost last.

use crate::operator;
use crate::operator::health::{self, Looked};
use crate::ui::failure::AppError;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use crate::web::{forms, layers};
use crate::{
    browse, catalog, checkout, feeds, library, moderation, payouts, people, studio, verify,
};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use schema::failure::Code;
use std::time::Duration;
use tower::util::MapRequestLayer;
use tower::{Layer as _, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The largest body where nothing else is said, a provider's event. Forms have a smaller bound of their own.
const MAX_BODY_BYTES: usize = 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(20);

/// The service that answers everything.
pub fn app(
    state: AppState,
) -> impl tower::Service<
    axum::extract::Request,
    Response = Response,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let https = state.public_url.starts_with("https://");
    // That a file is missing is true for now: its name may be one of the next release.
    let immutable = SetResponseHeaderLayer::overriding(
        header::CACHE_CONTROL,
        |answer: &axum::http::Response<tower_http::services::fs::ServeFileSystemResponseBody>| {
            let found = answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED;
            Some(HeaderValue::from_static(match found {
                true => "public, max-age=31536000, immutable",
                false => "no-store",
            }))
        },
    );
    // A file of another shape has another name.
    let fonts = ServiceBuilder::new()
        .layer(immutable.clone())
        .service(ServeDir::new(state.config.public.join("fonts")));
    let icons = ServeDir::new(state.config.public.join("icons"));
    let assets = ServiceBuilder::new().layer(immutable).service(
        ServeDir::new(state.config.site.join("assets"))
            .precompressed_br()
            .precompressed_gzip(),
    );
    let public = |name: &str| ServeFile::new(state.config.public.join(name));
    let looked = Looked::default();
    let routes = Router::new()
        .merge(browse::http::routes())
        .merge(catalog::http::routes())
        .merge(feeds::http::routes())
        .merge(people::http::routes())
        .merge(studio::http::routes())
        .merge(checkout::http::routes())
        .merge(crate::webhook::routes())
        .merge(library::http::routes())
        .merge(payouts::http::routes())
        .merge(verify::http::routes())
        .merge(operator::http::routes())
        .merge(moderation::http::routes())
        .route("/healthz", get(healthz).layer(Extension(looked.clone())))
        .route("/readyz", get(readyz).layer(Extension(looked)))
        .nest_service("/assets", assets)
        .nest_service("/fonts", fonts)
        .nest_service("/icons", icons)
        .route_service("/favicon.svg", public("favicon.svg"))
        .route_service("/favicon.ico", public("favicon.svg"))
        .route_service("/site.webmanifest", public("site.webmanifest"))
        .route_service("/robots.txt", public("robots.txt"))
        .route_layer(middleware::from_fn_with_state(state.clone(), forms::guard))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .fallback(missing)
        .with_state(state.clone());
    let inner = routes
        .layer(middleware::from_fn_with_state(
            state.clone(),
            layers::legible,
        ))
        .layer(CsrfLayer::new())
        .layer(RequestBodyLimitLayer::new(layers::MAX_UPLOAD_BYTES))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            layers::bounded,
        ))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(https, layers::secure))
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(middleware::from_fn(layers::log_request));
    // Outside the router, because a router's own layers run after it has chosen a route by the whole path.
    MapRequestLayer::new(layers::split_language).layer(inner)
}

async fn missing(visit: Visit, method: Method) -> Response {
    if method.is_safe()
        && let Some(place) = layers::canonical(visit.lang, &visit.path)
    {
        return Redirect::permanent(&place).into_response();
    }
    AppError::new(Code::NotFound).respond(&visit)
}

/// A panic's answer: fixed text, so that nothing internal shows.
fn panicked() -> Response {
    let body = "Something broke on our side. It was written down. / Bei uns ist etwas kaputtgegangen. / 我们这边出了问题。\n";
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        [(
            HeaderName::from_static("content-type"),
            "text/plain; charset=utf-8",
        )],
        body,
    )
        .into_response()
}

/// Which parts work; 503 when one fails. No cause: anybody may ask.
async fn healthz(State(state): State<AppState>, Extension(looked): Extension<Looked>) -> Response {
    let log = state.log.status();
    let parts = looked.parts(&state, &log).await;
    let worst = health::worst(&parts);
    let named: serde_json::Map<_, _> = parts
        .iter()
        .map(|part| {
            let told = serde_json::json!({ "state": part.state.name(), "since_ms": part.since_ms });
            (part.name.to_owned(), told)
        })
        .collect();
    let demo = match state.demo {
        true => market::demo::service::progress(&state).await.ok(),
        false => None,
    };
    let body = serde_json::json!({
        "status": worst.name(),
        "parts": named,
        "log_waits": log.waiting.map(|waiting| serde_json::json!({ "for": waiting.cause.name(), "since_ms": waiting.since_ms })),
        "runtime": state.engines.runtime(),
        "demo": demo.map(|(loaded, total)| serde_json::json!({ "loaded": loaded, "total": total })),
    });
    (
        answer(worst != health::PartState::Failing),
        axum::Json(body),
    )
        .into_response()
}

/// Whether visitors may be sent here.
async fn readyz(State(state): State<AppState>, Extension(looked): Extension<Looked>) -> Response {
    let ready = health::is_ready(&looked.parts(&state, &state.log.status()).await);
    let body = serde_json::json!({ "ready": ready });
    (answer(ready), axum::Json(body)).into_response()
}

fn answer(good: bool) -> StatusCode {
    match good {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}
