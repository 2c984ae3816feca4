//! Routes of a creator's money.

use super::{page, service};
use crate::web::form::Form;
use crate::web::state::AppState;
use crate::web::visit::Visit;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/money", get(money))
        .route("/sandbox/onboarding", get(onboarding).post(onboard))
}

async fn money(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let overview = service::overview(&mut tx, &person.id).await?;
            Ok(page::money(
                &visit,
                overview,
                state.config.minimum_payout_minor,
            ))
        })
        .await
}

async fn onboarding(visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_person()?;
            Ok(page::onboarding(&visit, &Form::default(), None))
        })
        .await
}

async fn onboard(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            match service::onboard(
                &state.db,
                &person.id,
                form.get("holder"),
                form.get("bank"),
                state.clock.now_ms(),
            )
            .await?
            {
                Some(required) => Ok(page::onboarding(&visit, &form, Some(required))),
                None => Ok(visit.redirect_with("/money", "onboarded")),
            }
        })
        .await
}
