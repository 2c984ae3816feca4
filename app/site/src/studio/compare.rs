//! Routes of comparisons: what to compare, and the pictures beside each other.

use super::form::Typed;
use super::page::compare as page;
use super::shown::draft_id;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use market::studio::compare::{self, MAX_MORE, Wish};
use market::studio::service::{self, Error};
use schema::failure::{Code, FieldError};
use schema::id::ComparisonId;
use schema::recipe::ModelDigest;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/studio/drafts/{id}/compare", get(choose).post(begin))
        .route("/studio/comparisons/{id}", get(shown))
}

async fn choose(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let draft = service::read_draft(&state, &person.id, &draft_id(&id)?).await?;
            let models = state.engines.models();
            let own = draft.content.model(models).map(|model| model.digest);
            let asked = page::Asked {
                models: own.into_iter().collect(),
                prompts: Vec::new(),
                typed: Typed::of(&draft),
                errors: Vec::new(),
            };
            Ok(page::choose(&visit, &draft, models, &asked))
        })
        .await
}

async fn begin(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            let draft = service::read_draft(&state, &person.id, &id).await?;
            let chosen = form.all("models").map(ModelDigest::parse);
            let wish = Wish {
                models: chosen.flatten().collect(),
                prompts: form
                    .all("prompt")
                    .take(2 * MAX_MORE)
                    .map(|text| text.replace("\r\n", "\n"))
                    .collect(),
                values: Typed::read(&form).values_for(&draft.content),
            };
            let begun = compare::begin(&state, &person.id, &id, wish.clone()).await;
            let errors: Vec<FieldError> = match begun {
                Ok(comparison) => {
                    return Ok(visit.redirect(&format!("/studio/comparisons/{comparison}")));
                }
                Err(Error::Invalid(errors)) => errors,
                Err(error) => return Err(error.into()),
            };
            let mut typed = Typed::of(&draft);
            typed.values = wish.values;
            let asked = page::Asked {
                models: wish.models,
                prompts: wish.prompts,
                typed,
                errors,
            };
            Ok(page::choose(&visit, &draft, state.engines.models(), &asked))
        })
        .await
}

async fn shown(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = ComparisonId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let shown = compare::get(&state, &person.id, &id).await?;
            Ok(page::shown(&visit, &shown))
        })
        .await
}
