//! Routes of the review queue. Everybody but an operator gets the page that does not exist.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use market::moderation::service;
use schema::failure::Code;
use schema::id::VersionId;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/operator/copies", get(queue))
        .route("/operator/copies/{version}", get(case).post(decide))
}

fn version_id(text: &str) -> Result<VersionId, AppError> {
    VersionId::parse(text).map_err(|_| AppError::new(Code::NotFound))
}

async fn queue(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let (open, decided) = service::queue(&mut tx).await?;
            Ok(page::queue(&visit, open, decided))
        })
        .await
}

async fn case(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let operator = visit.require_operator()?;
            let id = version_id(&id)?;
            let case = service::case(&state, operator.id.as_str(), &id).await?;
            Ok(page::case(&visit, case))
        })
        .await
}

async fn decide(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let operator = visit.require_operator()?;
            let id = version_id(&id)?;
            let refusal = match form.get("decision") {
                "approve" => None,
                "refuse" => Some(form.get("reason")),
                _ => return Err(AppError::new(Code::Invalid)),
            };
            let note = form.get("note");
            service::decide(&state, operator, &id, refusal, note).await?;
            Ok(visit.redirect_with("/operator/copies", "decided"))
        })
        .await
}
