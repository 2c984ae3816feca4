//! Routes of a creator's money.

use super::{page, service};
use crate::web::error::AppError;
use crate::web::form::Form;
use crate::web::state::AppState;
use crate::web::visit::Visit;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use schema::failure::Code;
use serde::Deserialize;

/// The newest of a very long list; a creator with more asks by period.
const SALES_EXPORTED: i64 = 50_000;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/money", get(money))
        .route("/money/sales.csv", get(sales))
        .route("/money/payouts/{id}", get(statement))
        .route("/sandbox/onboarding", get(onboarding).post(onboard))
}

#[derive(Default, Deserialize)]
struct Filter {
    #[serde(default)]
    state: String,
    #[serde(default)]
    days: String,
}

impl Filter {
    fn read(&self) -> Result<service::SaleFilter, AppError> {
        let filter = service::SaleFilter::parse(&self.state, &self.days);
        filter.ok_or_else(|| AppError::new(Code::Invalid))
    }
}

async fn money(
    State(state): State<AppState>,
    visit: Visit,
    Query(filter): Query<Filter>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let now = state.clock.now_ms();
            let overview = service::overview(&mut tx, &person.id, filter.read()?, now).await?;
            let minimum = state.config.minimum_payout_minor;
            Ok(page::money(&visit, overview, minimum, now))
        })
        .await
}

/// A creator's sales as the page filters them, all of them.
async fn sales(
    State(state): State<AppState>,
    visit: Visit,
    Query(filter): Query<Filter>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let (filter, now) = (filter.read()?, state.clock.now_ms());
            let mut tx = state.db.read().await?;
            let sales =
                service::list_sales(&mut tx, &person.id, &filter, now, SALES_EXPORTED).await?;
            drop(tx);
            let mut bytes = Vec::new();
            service::write_sales(&mut bytes, &sales).map_err(AppError::internal)?;
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"sales.csv\"",
                ),
                (header::CACHE_CONTROL, "private, no-store"),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}

async fn statement(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let found = service::find_statement(&mut tx, &person.id, &id).await?;
            let found = found.ok_or_else(|| AppError::new(Code::NotFound))?;
            Ok(page::statement(&visit, found, &person.handle))
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
