//! Routes of a creator's money.

use super::page;
use crate::ui::failure::{Answer, AppError};
use crate::ui::form::Form;
use crate::ui::visit::{Visit, csv};
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use market::export::{self, Format, Range, Report};
use market::orders;
use market::payouts::service;
use market::payouts::service::manual;
use market::people::service as people;
use market::sales::{dispute, refund};
use money::Error;
use schema::failure::{Code, FieldError};
use schema::id::LineId;
use schema::money::Money;
use serde::Deserialize;

/// The newest of a very long list; a creator with more asks by period.
const SALES_EXPORTED: i64 = 50_000;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/money", get(money))
        .route("/money/sales.csv", get(sales))
        .route("/money/years.csv", get(own_years))
        .route("/money/payouts/{id}", get(statement))
        .route("/money/sales/{id}", get(sale))
        .route("/money/sales/{id}/refund", post(refund))
        .route("/money/onboarding", get(choose).post(start))
        .route("/money/onboarded", get(returned))
        .route("/money/manual", post(manual_details))
        .route("/money/pause", post(pause))
        .route("/money/resume", post(resume))
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
            let minimum = state.minimum_payout_minor;
            let overview =
                service::overview(&mut tx, person.id.as_str(), filter.read()?, minimum, now)
                    .await?;
            let disputes = dispute::list_of_creator(&mut tx, person.id.as_str()).await?;
            Ok(page::money(&visit, overview, disputes, minimum, now))
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
                service::list_sales(&mut tx, person.id.as_str(), &filter, now, SALES_EXPORTED)
                    .await?;
            drop(tx);
            let mut bytes = Vec::new();
            service::write_sales(&mut bytes, &sales).map_err(AppError::internal)?;
            Ok(csv("sales.csv", bytes))
        })
        .await
}

/// A creator's yearly sums, for their accountant.
async fn own_years(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let range = Range {
                year: None,
                creator: Some(person.handle.clone()),
            };
            let mut tx = state.db.read().await?;
            let table = export::table(&mut tx, Report::Years, &range).await?;
            drop(tx);
            let bytes = table.to_bytes(Format::Csv).map_err(AppError::internal)?;
            Ok(csv("years.csv", bytes))
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
            let found = service::find_statement(&mut tx, person.id.as_str(), &id).await?;
            let found = found.ok_or_else(|| AppError::new(Code::NotFound))?;
            Ok(page::statement(&visit, found, &person.handle))
        })
        .await
}

/// A sale of one's own, and what of it can still go back.
async fn own_sale(
    state: &AppState,
    visit: &Visit,
    id: &str,
) -> Result<(service::Sale, i64), AppError> {
    let person = visit.require_person()?;
    let id = LineId::parse(id).map_err(|_| AppError::new(Code::NotFound))?;
    let mut tx = state.db.read().await?;
    let sale = service::find_sale(&mut tx, person.id.as_str(), &id).await?;
    let sale = sale.ok_or_else(|| AppError::new(Code::NotFound))?;
    let line = orders::get_line(&mut tx, &sale.id).await?;
    let rest = match line.state {
        orders::LineState::Owned => line.parts().cash() - line.refunded_cash(),
        _ => 0,
    };
    Ok((sale, rest))
}

async fn sale(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let (sale, rest) = own_sale(&state, &visit, &id).await?;
            Ok(page::sale(&visit, sale, rest, None))
        })
        .await
}

/// A creator gives money back, after saying the password again.
async fn refund(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let (sale, rest) = own_sale(&state, &visit, &id).await?;
            let wrong = |error| Ok(page::sale(&visit, sale.clone(), rest, Some(error)));
            let Ok(amount) = Money::parse_usd(form.get("amount"), "amount") else {
                return wrong(FieldError::new("amount", "refund-amount"));
            };
            if let Some(error) = password_error(&state, &visit, &form).await? {
                return wrong(error);
            }
            let now = state.clock.now_ms();
            let mut tx = money::books::begin(&state.db).await?;
            match refund::give_back(&mut tx, person.id.as_str(), &sale.id, amount.minor, now).await
            {
                Ok(()) => tx.commit().await?,
                Err(Error::Refused(code)) => {
                    drop(tx);
                    return wrong(FieldError::new("amount", code));
                }
                Err(error) => return Err(error.into()),
            }
            Ok(visit.redirect_with(&format!("/money/sales/{id}"), "gave-back"))
        })
        .await
}

/// Money and bank details ask for the password if it was not given within ten minutes: an open browser is not enough.
async fn password_error(
    state: &AppState,
    visit: &Visit,
    form: &Form,
) -> Result<Option<FieldError>, AppError> {
    let person = visit.require_person()?;
    if visit.confirmed {
        return Ok(None);
    }
    let token = visit.session.as_deref().unwrap_or_default();
    let password = form.get("password");
    let confirmed = people::confirm(
        &state.db,
        token,
        person.id.as_str(),
        password,
        &visit.address,
    )
    .await;
    match confirmed {
        Ok(()) => Ok(None),
        Err(people::Error::WrongCredentials) => {
            Ok(Some(FieldError::new("password", "password-wrong")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn choose(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let payee =
                service::find_payee(&mut state.db.read().await?, person.id.as_str()).await?;
            let country = payee.map_or_else(String::new, |payee| payee.country);
            Ok(page::choose(&visit, &country, None, ""))
        })
        .await
}

/// Onboarding links work once: one is made for each click.
async fn start(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let back = format!(
                "{}{}",
                state.public_url,
                visit.lang.path("/money/onboarded")
            );
            let url = service::start_onboarding(
                &state.db,
                state.provider.as_ref(),
                person.id.as_str(),
                &person.email,
                form.get("country"),
                &back,
                state.clock.now_ms(),
            )
            .await?;
            Ok(crate::ui::leaving::to_host(&visit, &url))
        })
        .await
}

async fn returned(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            service::provider_account::refresh(
                &state.db,
                state.provider.as_ref(),
                person.id.as_str(),
            )
            .await?;
            Ok(visit.redirect("/money"))
        })
        .await
}

async fn manual_details(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let was_proven =
                people::is_proven(&mut state.db.read().await?, person.id.as_str()).await?;
            let (country, details) = (form.get("country"), form.get("details"));
            let wrong = |error| Ok(page::choose(&visit, country, Some(error), details));
            if let Some(error) = password_error(&state, &visit, &form).await? {
                return wrong(error);
            }
            let now = state.clock.now_ms();
            let mut tx = money::books::begin(&state.db).await?;
            let whose = (person.id.as_str(), was_proven);
            let set =
                manual::set_details(&mut tx, &state.vault, whose, country, details, now).await;
            match set {
                Ok(()) => tx.commit().await?,
                Err(Error::Refused(code)) => {
                    drop(tx);
                    return wrong(FieldError::new("details", code));
                }
                Err(error) => return Err(error.into()),
            }
            Ok(visit.redirect_with("/money", "onboarded"))
        })
        .await
}

async fn pause(State(state): State<AppState>, visit: Visit) -> Response {
    visit.answer(set_paused(&state, &visit, true)).await
}

async fn resume(State(state): State<AppState>, visit: Visit) -> Response {
    visit.answer(set_paused(&state, &visit, false)).await
}

async fn set_paused(state: &AppState, visit: &Visit, paused: bool) -> Answer {
    let person = visit.require_person()?;
    let mut tx = state.db.write().await?;
    service::provider_account::set_paused(&mut tx, person.id.as_str(), "paused_by_seller", paused)
        .await?;
    tx.commit().await?;
    Ok(visit.redirect("/money"))
}

async fn onboarding(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            state.require_sandbox()?;
            visit.require_person()?;
            Ok(page::onboarding(&visit, &Form::default(), None))
        })
        .await
}

async fn onboard(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            state.require_sandbox()?;
            let person = visit.require_person()?;
            match service::onboard(
                &state.db,
                person.id.as_str(),
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
