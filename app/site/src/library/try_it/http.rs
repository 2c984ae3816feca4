//! Routes of tries: the page of one's own, the form, one try's progress and picture.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::progress;
use crate::ui::visit::{VISITOR, Visit, cookie, with_cookie};
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base::once;
use market::catalog::service as catalog;
use market::machines;
use market::trials::service::{self, Error, Trial, Trier};
use schema::failure::{Code, FieldError};
use schema::id::TrialId;
use schema::template::Values;
use std::collections::BTreeMap;

/// Routes of this feature.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/listings/{slug}/try", get(tries).post(start))
        .route("/listings/{slug}/try/{id}/progress", get(tell))
        .route("/listings/{slug}/try/{id}/give-up", post(give_up))
        .route("/listings/{slug}/try/{id}/picture", get(picture))
}

/// A visitor is known by their cookie for so long.
const COOKIE_S: i64 = 90 * 24 * 60 * 60;

/// Who tries: the account, or the visitor with this cookie.
fn trier(state: &AppState, visit: &Visit, visitor: Option<&str>) -> Option<Trier> {
    match (&visit.person, visitor) {
        (Some(person), _) => Some(Trier::person(&person.id, &visit.address)),
        (None, Some(cookie)) => Some(Trier::visitor(state, cookie, &visit.address)),
        (None, None) => None,
    }
}

async fn tries(State(state): State<AppState>, visit: Visit, Path(slug): Path<String>) -> Response {
    visit
        .answer(async { show(&state, &visit, &slug, Values::new(), Vec::new()).await })
        .await
}

async fn show(
    state: &AppState,
    visit: &Visit,
    slug: &str,
    values: Values,
    errors: Vec<FieldError>,
) -> Result<Response, AppError> {
    let mut tx = state.db.read().await?;
    let listing = service::find_listing(&mut tx, slug).await?;
    let anchors = catalog::list_anchors(&mut tx, &listing.version_id).await?;
    let tries = match trier(state, visit, visit.visitor.as_deref()) {
        Some(trier) => service::list(&mut tx, &listing.id, &trier).await?,
        None => Vec::new(),
    };
    let mut stands = BTreeMap::new();
    for one in tries.iter().filter(|one| !one.state.is_over()) {
        if let Some(found) = service::stands(state, &mut tx, &one.id).await? {
            stands.insert(one.id.clone(), found);
        }
    }
    let away = machines::find_absent(&mut tx, &state.here, &listing.model).await?;
    // The form begins with what was tried last.
    let last = tries.first().map(market::trials::service::Trial::values);
    let values = match (values.is_empty(), last) {
        (true, Some(last)) => last,
        (..) => values,
    };
    let page = page::Tries {
        listing,
        anchors,
        tries,
        stands,
        away,
        values,
        errors,
    };
    let mut response = page::tries(visit, &page);
    // One visitor's own, whether or not they have an account.
    let private = header::HeaderValue::from_static("private, no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, private);
    Ok(response)
}

async fn start(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let key = form.get("form_key");
            // The same form makes the same cookie: of two that are sent at once, both are this visitor's.
            let fresh = (visit.person.is_none() && visit.visitor.is_none() && once::is_key(key))
                .then(|| service::cookie_for(&state, key));
            let known = visit.visitor.as_deref().or(fresh.as_deref());
            let values = form.prefixed("value_");
            let Some(trier) = trier(&state, &visit, known) else {
                let wrong = vec![FieldError::new("form", "form-key")];
                return show(&state, &visit, &slug, values, wrong).await;
            };
            match service::start(&state, &slug, &trier, key, &values, visit.lang).await {
                Ok(_) => {
                    // No place within the page: without scripts a page that names one is not loaded again by itself.
                    let answer = visit.redirect(&format!("/listings/{slug}/try"));
                    Ok(match fresh {
                        Some(value) => with_cookie(answer, &cookie(VISITOR, &value, COOKIE_S)),
                        None => answer,
                    })
                }
                Err(Error::Invalid(errors)) => show(&state, &visit, &slug, values, errors).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn find(
    state: &AppState,
    visit: &Visit,
    (slug, id): (&str, &str),
) -> Result<Trial, AppError> {
    let not_found = || AppError::new(Code::NotFound);
    let id = TrialId::parse(id).map_err(|_| not_found())?;
    let trier = trier(state, visit, visit.visitor.as_deref()).ok_or_else(not_found)?;
    let mut tx = state.db.read().await?;
    let listing = service::find_listing(&mut tx, slug).await?;
    Ok(service::get(&mut tx, &listing.id, &trier, &id).await?)
}

async fn tell(
    State(state): State<AppState>,
    visit: Visit,
    Path((slug, id)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let trial = find(&state, &visit, (&slug, &id)).await?;
            let mut tx = state.db.read().await?;
            let stands = service::stands(&state, &mut tx, &trial.id).await?;
            let (step, steps) = (trial.step, trial.steps);
            let line = progress::line(visit.lang, stands.as_ref(), step, steps);
            Ok(progress::answer(line, step, steps, trial.state.is_over()))
        })
        .await
}

/// Sent twice, or for one that is over, nothing more happens.
async fn give_up(
    State(state): State<AppState>,
    visit: Visit,
    Path((slug, id)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let trial = find(&state, &visit, (&slug, &id)).await?;
            if let Some(trier) = trier(&state, &visit, visit.visitor.as_deref()) {
                service::give_up(&state, &trial.listing_id, &trier, &trial.id).await?;
            }
            Ok(visit.redirect(&format!("/listings/{slug}/try")))
        })
        .await
}

async fn picture(
    State(state): State<AppState>,
    visit: Visit,
    Path((slug, id)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let trial = find(&state, &visit, (&slug, &id)).await?;
            let gone = || AppError::new(Code::Gone);
            let blob = trial.blob.ok_or_else(gone)?;
            let bytes = state.media.get(&blob).await?.ok_or_else(gone)?;
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "private, max-age=3600"),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "sandbox; default-src 'none'",
                ),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}
