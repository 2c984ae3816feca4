//! Routes of the operator's pages about money: inbox, operations, payouts, disputes, reconciliation.

use super::money_page as page;
use crate::ui::failure::{Answer, AppError};
use crate::ui::form::Form;
use crate::ui::visit::{Visit, csv, file};
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use base::db::work::{Class, Work};
use clap::ValueEnum as _;
use market::export::{self, Format, Range, Report};
use market::orders;
use market::payouts::service::{self as payouts, manual, movements, sweep};
use market::sales::{DisputeState, dispute, refund};
use market::settlement::evidence;
use money::Error;
use money::books::service as books;
use money::provider::{inbox, outbound};
use schema::failure::Code;
use serde::Deserialize;

/// So many rows stand on a page.
const SHOWN: i64 = 200;

/// Routes of this part.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/operator/inbox", get(show_inbox))
        .route("/operator/inbox/{id}", get(show_event).post(replay))
        .route("/operator/operations", get(show_operations))
        .route("/operator/operations/{id}/again", post(again))
        .route("/operator/operations/{id}/by-hand", post(by_hand))
        .route("/operator/payouts", get(show_payouts))
        .route("/operator/payouts/batch.csv", get(batch))
        .route("/operator/payouts/{id}", post(enter))
        .route("/operator/disputes", get(show_disputes))
        .route("/operator/disputes/{id}", get(show_dispute).post(answer))
        .route("/operator/disputes/{id}/accept", post(accept))
        .route("/operator/reconciliation", get(reconciliation))
        .route("/operator/export", get(export_report))
        .route("/operator/reconciliation/suspense", post(settle_suspense))
}

#[derive(Default, Deserialize)]
struct Filter {
    #[serde(default)]
    state: String,
}

async fn show_inbox(
    State(state): State<AppState>,
    visit: Visit,
    Query(filter): Query<Filter>,
) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let events = inbox::list(&mut tx, &filter.state, SHOWN).await?;
            let quarantined = inbox::count_quarantined(&mut tx).await?;
            drop(tx);
            Ok(page::inbox(&visit, events, &filter.state, quarantined))
        })
        .await
}

async fn show_event(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let event = inbox::get(&mut tx, &id).await.map_err(missing)?;
            drop(tx);
            Ok(page::event(&visit, event))
        })
        .await
}

fn missing(error: base::db::Error) -> AppError {
    match error.is_missing() {
        true => AppError::new(Code::NotFound),
        false => error.into(),
    }
}

async fn replay(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.write().await?;
            let found = inbox::replay(&mut tx, &id).await?;
            tx.commit().await?;
            match found {
                true => Ok(visit.redirect_with("/operator/inbox", "replayed")),
                false => Err(AppError::new(Code::NotFound)),
            }
        })
        .await
}

async fn show_operations(
    State(state): State<AppState>,
    visit: Visit,
    Query(filter): Query<Filter>,
) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let operations = outbound::list(&mut tx, &filter.state, SHOWN).await?;
            let owed = refund::list_owed(&mut tx).await?;
            drop(tx);
            Ok(page::operations(&visit, operations, owed, &filter.state))
        })
        .await
}

/// A refund that the provider refused is planned anew: another operation, so that a saved refusal cannot poison it.
async fn again(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let now = state.clock.now_ms();
            let mut tx = money::books::begin(&state.db).await?;
            let planned = refund::plan_again(&mut tx, &id, now).await?;
            tx.commit().await?;
            let flash = if planned { "planned" } else { "nothing-to-do" };
            Ok(visit.redirect_with("/operator/operations", flash))
        })
        .await
}

async fn by_hand(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = money::books::begin(&state.db).await?;
            let paid = refund::pay_owed(&mut tx, &id, state.clock.now_ms()).await?;
            tx.commit().await?;
            let flash = if paid { "noted" } else { "nothing-to-do" };
            Ok(visit.redirect_with("/operator/operations", flash))
        })
        .await
}

async fn show_payouts(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            show_payouts_with(&state, &visit, None).await
        })
        .await
}

async fn show_payouts_with(state: &AppState, visit: &Visit, refused: Option<&str>) -> Answer {
    let (now, minimum) = (state.clock.now_ms(), state.minimum_payout_minor);
    let mut tx = state.db.read().await?;
    let mut planned = Vec::new();
    for one in payouts::plan_sweep(&mut tx, minimum, now).await? {
        let handle = market::people::service::get_person(&mut tx, &one.payee)
            .await?
            .handle;
        planned.push((one, handle));
    }
    let manual = manual::list(&mut tx, SHOWN).await?;
    let recent = sweep::list_recent(&mut tx, 40).await?;
    drop(tx);
    let view = page::Payouts {
        planned,
        manual,
        recent,
        minimum_minor: minimum,
        refused: refused.map(Into::into),
    };
    Ok(page::payouts(visit, view))
}

async fn batch(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let operator = visit.require_confirmed_operator("/operator/payouts")?;
            let now = state.clock.now_ms();
            let mut tx = state.db.write().await?;
            let waiting = manual::batch(&mut tx, &state.vault, operator.id.as_str(), now).await?;
            tx.commit().await?;
            let mut bytes = Vec::new();
            manual::write_batch(&mut bytes, &waiting).map_err(AppError::internal)?;
            Ok(csv("payouts.csv", bytes))
        })
        .await
}

async fn enter(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let operator = visit.require_operator()?;
            let now = state.clock.now_ms();
            let mut tx = money::books::begin(&state.db).await?;
            let result = match form.get("what") {
                "cancel" => manual::cancel(&mut tx, &id, now).await.map(|()| true),
                "returned" => manual::returned(&mut tx, &id, now).await.map(|()| true),
                _ => {
                    let reference = form.get("reference");
                    manual::enter(&mut tx, &id, operator.id.as_str(), reference, now).await
                }
            };
            match result {
                Ok(done) => {
                    tx.commit().await?;
                    let flash = if done { "noted" } else { "second-person" };
                    Ok(visit.redirect_with("/operator/payouts", flash))
                }
                Err(Error::Refused(code)) => {
                    drop(tx);
                    show_payouts_with(&state, &visit, Some(code)).await
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn show_disputes(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let disputes = dispute::list(&mut tx, SHOWN).await?;
            drop(tx);
            Ok(page::disputes(&visit, disputes))
        })
        .await
}

async fn show_dispute(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.read().await?;
            let dispute = dispute::get(&mut tx, &id).await?;
            let text = match &dispute.evidence {
                Some(text) => text.clone(),
                None => evidence::text(&state, &mut tx, &dispute, "")
                    .await
                    .map_err(AppError::internal)?,
            };
            let buyer = orders::buyer_of(&mut tx, &dispute.purchase_id).await?;
            let (_, lines) = orders::get_own(&mut tx, &buyer, &dispute.purchase_id).await?;
            drop(tx);
            let sandbox = state.provider.name() == money::provider::sandbox::NAME;
            Ok(page::dispute(&visit, dispute, lines, text, sandbox))
        })
        .await
}

async fn answer(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            let now = state.clock.now_ms();
            let mut tx = state.db.write().await?;
            let open = dispute::get(&mut tx, &id).await?;
            let text = evidence::text(&state, &mut tx, &open, form.get("remark"))
                .await
                .map_err(AppError::internal)?;
            let sent = dispute::submit(&mut tx, &open, &text, now).await?;
            tx.commit().await?;
            let flash = if sent { "answered" } else { "nothing-to-do" };
            Ok(visit.redirect_with(&format!("/operator/disputes/{id}"), flash))
        })
        .await
}

async fn accept(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let mut tx = state.db.write().await?;
            let open = dispute::get(&mut tx, &id).await?;
            if open.state == DisputeState::Withdrawn {
                dispute::accept(&mut tx, &open, state.clock.now_ms()).await?;
            }
            tx.commit().await?;
            Ok(visit.redirect_with(&format!("/operator/disputes/{id}"), "noted"))
        })
        .await
}

#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    report: String,
    #[serde(default)]
    year: String,
    #[serde(default)]
    format: String,
}

/// A report for accountants and authorities, as a file.
async fn export_report(
    State(state): State<AppState>,
    visit: Visit,
    Query(wanted): Query<Wanted>,
) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let invalid = || AppError::new(Code::Invalid);
            let report = Report::from_str(&wanted.report, false).map_err(|_| invalid())?;
            let format = Format::from_str(&wanted.format, false).map_err(|_| invalid())?;
            let year = match wanted.year.as_str() {
                "" => None,
                text => Some(export::parse_year(text).map_err(|_| invalid())?),
            };
            let range = Range {
                year,
                creator: None,
            };
            // It reads a whole period, so not on the pages' connections.
            let table = Work::of(Class::Background)
                .run(async {
                    let mut tx = state.db.read().await?;
                    export::table(&mut tx, report, &range).await
                })
                .await?;
            let bytes = table.to_bytes(format).map_err(AppError::internal)?;
            let name = report.name();
            Ok(match format {
                Format::Csv => csv(&format!("{name}.csv"), bytes),
                Format::Json => file(&format!("{name}.json"), "application/json", bytes),
            })
        })
        .await
}

async fn reconciliation(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            visit.require_operator()?;
            let provider = state.provider.as_ref();
            let report = super::reconciliation::report(&state).await?;
            let report = report.ok_or_else(|| AppError::unavailable("still comparing"))?;
            let mut tx = state.db.read().await?;
            let suspense = books::suspense(&mut tx, provider.name()).await?;
            drop(tx);
            Ok(page::reconciliation(
                &visit,
                report,
                suspense,
                provider.name(),
            ))
        })
        .await
}

/// A person says what an unexplained movement was.
async fn settle_suspense(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            visit.require_operator()?;
            let (provider, now) = (state.provider.name(), state.clock.now_ms());
            let mut tx = money::books::begin(&state.db).await?;
            let found =
                movements::settle_suspense(&mut tx, provider, form.get("source"), now).await?;
            tx.commit().await?;
            match found {
                true => Ok(visit.redirect_with("/operator/reconciliation", "noted")),
                false => Err(AppError::new(Code::NotFound)),
            }
        })
        .await
}
