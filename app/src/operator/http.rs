//! Routes of the operator's desk.

use super::{page, service};
use crate::web::form::Form;
use crate::web::state::AppState;
use crate::web::visit::Visit;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(super::money::routes())
        .route("/operator", get(desk))
        .route("/operator/clock", post(advance))
        .route("/operator/sweep", post(sweep))
        .route("/operator/withdraw", post(withdraw))
}

async fn desk(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let desk = service::desk(&state, &mut tx).await?;
            Ok(page::desk(&visit, desk))
        })
        .await
}

async fn advance(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            service::advance(&state, form.get("days").parse().unwrap_or(0)).await?;
            Ok(visit.redirect_with("/operator", "clock-moved"))
        })
        .await
}

async fn withdraw(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            let found = service::withdraw(&state, form.get("slug")).await?;
            let flash = if found.is_some() {
                "withdrawn"
            } else {
                "no-listing"
            };
            Ok(visit.redirect_with("/operator", flash))
        })
        .await
}

async fn sweep(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            service::sweep(&state).await?;
            Ok(visit.redirect_with("/operator", "swept"))
        })
        .await
}
