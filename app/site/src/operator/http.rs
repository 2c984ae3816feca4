//! Routes of the operator's desk.

use super::{background_page, health, page, reconciliation, service};
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use base::jobs::{self, recurring};
use market::machines;
use market::moderation::withdrawal;
use market::settlement::{checks, clockwork};
use schema::failure::Code;
use schema::statement::WithdrawalReason;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(super::money::routes())
        .route("/operator", get(desk))
        .route("/operator/clock", post(advance))
        .route("/operator/sweep", post(sweep))
        .route("/operator/check-books", post(check_books))
        .route("/operator/withdraw", post(withdraw))
        .route("/operator/background", get(background))
        .route("/operator/background/{job}", post(revive))
}

async fn desk(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let desk = service::desk(&state, &mut tx).await?;
            drop(tx);
            Ok(page::desk(
                &visit,
                desk,
                health::look(&state, &state.log.status()).await,
            ))
        })
        .await
}

async fn advance(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            // Time is not moved where people's own money waits for it.
            if !visit.test_money {
                return Err(AppError::new(Code::NotFound));
            }
            clockwork::advance(&state, form.get("days").parse().unwrap_or(0)).await?;
            Ok(visit.redirect_with("/operator", "clock-moved"))
        })
        .await
}

async fn withdraw(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            let reason = WithdrawalReason::parse(form.get("reason"))
                .map_err(|_| AppError::new(Code::Invalid))?;
            let found = withdrawal::withdraw(&state, form.get("slug"), reason).await?;
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
            clockwork::sweep(&state).await?;
            Ok(visit.redirect_with("/operator", "swept"))
        })
        .await
}

async fn check_books(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            // In a large shop it ends after the answer; the desk says when the last one was.
            let for_check = state.clone();
            let check = async move { checks::check_books(&for_check).await };
            let _ended = reconciliation::patiently(check).await?;
            Ok(visit.redirect_with("/operator", "books-checked"))
        })
        .await
}

/// So many failed jobs stand on the page of background work.
const SHOWN: i64 = 100;

async fn background(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let recurring = recurring::list(&mut tx).await?;
            let trouble = jobs::trouble(&mut tx, SHOWN).await?;
            let models = machines::list_models(&mut tx).await?;
            drop(tx);
            Ok(background_page::show(&visit, recurring, trouble, models))
        })
        .await
}

async fn revive(State(state): State<AppState>, visit: Visit, Path(job): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.write().await?;
            let revived = jobs::revive(&mut tx, &job).await?;
            tx.commit().await?;
            let flash = if revived {
                "job-revived"
            } else {
                "job-not-dead"
            };
            Ok(visit.redirect_with("/operator/background", flash))
        })
        .await
}
