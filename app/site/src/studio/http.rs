//! Routes of the studio.

use super::page;
use super::variables::read_variable;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::once;
use engine::model::Size;
use market::studio::PictureState;
use market::studio::queue::{self, Seeds};
use market::studio::service::{self, Content, DraftForm, Error, Publisher, SentSeal};
use schema::failure::{Code, FieldError};
use schema::id::{DraftId, ListingId, PersonId, PictureId};
use schema::recipe::{MAX_GUIDANCE_MILLI, ModelDigest};
use schema::template::{MAX_VARIABLES, MAX_VARIABLES_BYTES, Values, is_name};
use std::collections::BTreeMap;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/studio", get(studio))
        .route("/studio/drafts", post(create))
        .route("/studio/drafts/{id}", get(draft).post(save))
        .route("/studio/drafts/{id}/generate", post(generate))
        .route("/studio/drafts/{id}/seal", get(seal))
        .route("/studio/drafts/{id}/publish", post(publish))
        .route("/studio/drafts/{id}/cancel", post(cancel_waiting))
        .route("/studio/drafts/{id}/delete", post(delete))
        .route("/studio/listings/{id}/trial", post(allow_trial))
        .route("/studio/pictures/{id}/cancel", post(cancel))
        .route("/studio/pictures/{id}/progress", get(progress))
        .route("/studio/pictures/{id}/file", get(file))
}

fn draft_id(text: &str) -> Result<DraftId, AppError> {
    DraftId::parse(text).map_err(|_| AppError::new(Code::NotFound))
}

async fn studio(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let (drafts, listings) = service::list_own(&mut tx, person.id.as_str()).await?;
            let keys = market::log::keys::list_active(&mut tx, person.id.as_str()).await?;
            Ok(page::studio(&visit, drafts, listings, keys.is_empty()))
        })
        .await
}

async fn create(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let title = visit.lang.text("draft-untitled");
            let id = service::create_draft(&state, &person.id, &title).await?;
            Ok(visit.redirect(&format!("/studio/drafts/{id}")))
        })
        .await
}

async fn draft(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            visit.require_person()?;
            show(&state, &visit, &draft_id(&id)?, None, Vec::new()).await
        })
        .await
}

/// Shows a draft; after a refused form with what was typed and what is wrong.
async fn show(
    state: &AppState,
    visit: &Visit,
    id: &DraftId,
    typed: Option<(Content, &Form)>,
    errors: Vec<FieldError>,
) -> Result<Response, AppError> {
    let person = visit.require_person()?;
    let mut tx = state.db.write().await?;
    let mut draft = service::get_draft(state, &mut tx, &person.id, id).await?;
    let pictures = service::list_pictures(&mut tx, id).await?;
    // The oldest of them is next: what it waits for is what the page says.
    let next = pictures
        .iter()
        .rfind(|picture| picture.state == PictureState::Waiting);
    let wait_s = match next {
        Some(picture) => queue::wait_s(state, &mut tx, &picture.id).await?,
        None => None,
    };
    tx.commit().await?;
    let tag = draft.content.tag(state, id);
    let minor = draft.row.price_minor;
    let mut price = format!("{}.{:02}", minor / 100, minor % 100);
    if let Some((content, form)) = typed {
        draft.content = content;
        draft.row.title = form.get("title").into();
        draft.row.description = form.get("description").into();
        draft.row.category = form.get("category").into();
        draft.row.licence = form.get("licence").into();
        draft.row.tags = form.get("tags").into();
        draft.row.trial = form.get("trial") == "1";
        price = form.get("price").to_owned();
    }
    let shown = page::Shown {
        draft,
        price,
        pictures,
        tag,
        wait_s,
        errors,
    };
    Ok(page::draft(
        visit,
        &shown,
        state.engines.models(),
        state.fee,
    ))
}

/// Saves the draft that a form holds. What is wrong is found in all fields at once; nothing is stored then.
async fn save_form(
    state: &AppState,
    person: &PersonId,
    id: &DraftId,
    form: &Form,
) -> Result<Result<Content, (Content, Vec<FieldError>)>, AppError> {
    let (content, mut errors) = read_content(form);
    let sent = DraftForm {
        title: form.get("title").into(),
        description: form.get("description").into(),
        category: form.get("category").into(),
        price: form.get("price").into(),
        licence: form.get("licence").into(),
        tags: form.get("tags").into(),
        trial: form.get("trial") == "1",
        content: content.clone(),
        seen_ms: form.get("seen").parse().ok(),
    };
    if errors.is_empty() {
        match service::save_draft(state, person, id, sent).await {
            Ok(()) => return Ok(Ok(content)),
            Err(Error::Invalid(fields)) => errors = fields,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Err((content, errors)))
}

async fn save(
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
            match save_form(&state, &person.id, &id, &form).await? {
                Ok(_) => Ok(visit.redirect_with(&format!("/studio/drafts/{id}"), "saved")),
                Err((content, errors)) => {
                    show(&state, &visit, &id, Some((content, &form)), errors).await
                }
            }
        })
        .await
}

/// Reads template, sampling and the rows of variables.
fn read_content(form: &Form) -> (Content, Vec<FieldError>) {
    let mut errors = Vec::new();
    let number = |name: &str, errors: &mut Vec<FieldError>| -> u32 {
        form.get(name).trim().parse().unwrap_or_else(|_| {
            errors.push(FieldError::new(name, "number"));
            0
        })
    };
    let steps = number("steps", &mut errors);
    let guidance = form.get("guidance").trim().replace(',', ".");
    let guidance_milli = match schema::money::Money::parse_usd(&guidance, "guidance") {
        // A number that is too large is refused as such, with its bound.
        Ok(value) => u32::try_from(value.minor * 10).unwrap_or(MAX_GUIDANCE_MILLI + 1),
        Err(_) => {
            errors.push(FieldError::new("guidance", "number"));
            0
        }
    };
    let model = match form.get("model") {
        "" => None,
        text => {
            let model = ModelDigest::parse(text);
            if model.is_err() {
                errors.push(FieldError::new("model", "refused"));
            }
            model.ok()
        }
    };
    let size = match form.get("size") {
        "" => None,
        text => {
            let size = text
                .split_once('x')
                .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
                .map(|(width, height)| Size { width, height });
            if size.is_none() {
                errors.push(FieldError::new("size", "number"));
            }
            size
        }
    };
    let mut variables = BTreeMap::new();
    let rows = form
        .all("variable_name")
        .zip(form.all("variable_kind"))
        .zip(form.all("variable_definition"))
        .filter(|((name, _), _)| !name.trim().is_empty());
    let mut rows: Vec<_> = rows.take(MAX_VARIABLES + 1).collect();
    let bytes = rows.iter().map(|((name, _), text)| name.len() + text.len());
    if bytes.sum::<usize>() > MAX_VARIABLES_BYTES {
        // Nothing is read of what is too long to be kept.
        errors.push(FieldError {
            field: "variables".into(),
            code: "variables-bytes".into(),
            detail: Some(MAX_VARIABLES_BYTES.to_string()),
        });
        rows.clear();
    }
    for ((name, kind), definition) in rows {
        let name = name.trim();
        if !is_name(name) {
            errors.push(FieldError {
                field: "variables".into(),
                code: "variable-name".into(),
                detail: Some(name.into()),
            });
            continue;
        }
        match read_variable(kind, definition) {
            Some(variable) if !variables.contains_key(name) => {
                drop(variables.insert(name.to_owned(), variable))
            }
            Some(_) => errors.push(FieldError {
                field: "variables".into(),
                code: "variable-twice".into(),
                detail: Some(name.into()),
            }),
            None => errors.push(FieldError {
                field: "variables".into(),
                code: "variable-definition".into(),
                detail: Some(name.into()),
            }),
        }
    }
    let content = Content {
        template: form.get("template").replace("\r\n", "\n"),
        negative: form.get("negative").into(),
        variables,
        steps,
        guidance_milli,
        model,
        size,
    };
    (content, errors)
}

async fn generate(
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
            // What is on the page is what is made: the draft is saved first, or shown as it was typed with what is wrong.
            let content = if form.all("template").next().is_some() {
                match save_form(&state, &person.id, &id, &form).await? {
                    Ok(content) => content,
                    Err((content, errors)) => {
                        let typed = Some((content, &form));
                        return show(&state, &visit, &id, typed, errors).await;
                    }
                }
            } else {
                let mut tx = state.db.write().await?;
                let draft = service::get_draft(&state, &mut tx, &person.id, &id).await?;
                tx.commit().await?;
                draft.content
            };
            let seeds = match form.get("seed").trim() {
                "" => Seeds::Drawn,
                seed => Seeds::Typed(seed.into()),
            };
            // The button "explore" overrides the number beside the other button.
            let wanted = Some(form.get("explore")).filter(|text| !text.is_empty());
            let count = wanted
                .unwrap_or_else(|| form.get("count"))
                .parse()
                .unwrap_or(1);
            let values = values_for(&content, &form);
            match queue::generate(&state, &person.id, &id, values, seeds, count).await {
                Ok(()) => Ok(visit.redirect(&format!("/studio/drafts/{id}#pictures"))),
                Err(Error::Invalid(fields)) => show(&state, &visit, &id, None, fields).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// A value for each variable of a draft: the one that was chosen, or the default of a variable that the page did not know yet.
fn values_for(content: &Content, form: &Form) -> Values {
    let mut chosen = form.prefixed("value_");
    let variables = content.variables.iter();
    variables
        .map(|(name, variable)| {
            let value = chosen.remove(name);
            (
                name.clone(),
                value.unwrap_or_else(|| variable.default_value()),
            )
        })
        .collect()
}

/// Lets visitors try one's own listing, or not any more.
async fn allow_trial(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = ListingId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let on = form.get("trial") == "1";
            market::trials::service::allow(&state, &person.id, &id, on).await?;
            Ok(visit.redirect_with("/studio", if on { "trial-on" } else { "trial-off" }))
        })
        .await
}

async fn cancel(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = PictureId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let draft = queue::cancel(&state, &person.id, &id).await?;
            Ok(visit.redirect(&format!("/studio/drafts/{draft}#pictures")))
        })
        .await
}

async fn cancel_waiting(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            queue::cancel_waiting(&state, &person.id, &id).await?;
            Ok(visit.redirect(&format!("/studio/drafts/{id}#pictures")))
        })
        .await
}

async fn delete(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            queue::delete_draft(&state, &person.id, &id).await?;
            Ok(visit.redirect_with("/studio", "draft-deleted"))
        })
        .await
}

async fn progress(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = PictureId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let mut tx = state.db.read().await?;
            let picture = service::get_picture(&mut tx, &person.id, &id).await?;
            let done = picture.state.is_over();
            Ok(Json(
                serde_json::json!({ "step": picture.step, "steps": picture.steps, "done": done }),
            )
            .into_response())
        })
        .await
}

async fn file(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = PictureId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let mut tx = state.db.read().await?;
            let picture = service::get_picture(&mut tx, &person.id, &id).await?;
            drop(tx);
            let blob = picture.blob.ok_or_else(|| AppError::new(Code::NotFound))?;
            let bytes = state
                .media
                .get(&blob)
                .await?
                .ok_or_else(|| AppError::new(Code::Gone))?;
            Ok((
                [
                    (header::CONTENT_TYPE, "image/png"),
                    (header::CACHE_CONTROL, "private, max-age=3600"),
                ],
                bytes,
            )
                .into_response())
        })
        .await
}

/// The pictures that were ticked, in the order of the page.
fn chosen(query: &str) -> Vec<PictureId> {
    let form = Form::parse(&Bytes::copy_from_slice(query.as_bytes()));
    let ids = form.all("picture").map(PictureId::parse);
    ids.flatten().collect()
}

async fn seal(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            let pictures = chosen(query.as_deref().unwrap_or_default());
            let gathered = service::sealable(&state, &person.id, &id, &pictures, false).await;
            match gathered {
                Ok(sealable) => {
                    let mut tx = state.db.read().await?;
                    let keys = market::log::keys::list_active(&mut tx, person.id.as_str()).await?;
                    let draft = service::get_closed_draft(&mut tx, &person.id, &id).await?;
                    drop(tx);
                    let material = sealable.material(&state.log.origin, keys);
                    Ok(page::seal(&visit, &draft, &pictures, material))
                }
                Err(Error::Invalid(fields)) => show(&state, &visit, &id, None, fields).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn publish(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let sent = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            let (route, key) = (format!("publish:{id}"), sent.get("form_key"));
            let mut tx = state.db.read().await?;
            if let Some(location) =
                once::find_answer(&mut tx, person.id.as_str(), &route, key).await?
            {
                return Ok(visit.redirect(&location));
            }
            drop(tx);
            let pictures: Vec<PictureId> = sent
                .all("picture")
                .map(|id| PictureId::parse(id).map_err(|_| AppError::new(Code::NotFound)))
                .collect::<Result<_, _>>()?;
            let sealable = service::sealable(&state, &person.id, &id, &pictures, false).await?;
            let seal = SentSeal::parse(
                sent.get("salt"),
                sent.get("key"),
                sent.get("leaf"),
                sent.get("listing_leaf"),
                sent.get("statement"),
            )?;
            let ready = service::make_ready(&state, sealable, seal).await?;
            let publisher = Publisher {
                person: &person.id,
                address: &visit.address,
                language: visit.lang.tag(),
            };
            let mut tx = state.db.write().await?;
            let slug = service::publish(&state, &mut tx, &publisher, &ready).await?;
            let location = format!("/listings/{slug}");
            if !once::note_answer(&mut tx, person.id.as_str(), &route, key, &location).await? {
                // The other half of a double click was first: this half is undone and goes where that one went.
                drop(tx);
                let mut tx = state.db.read().await?;
                let first = once::find_answer(&mut tx, person.id.as_str(), &route, key).await?;
                return Ok(visit.redirect(first.as_deref().unwrap_or("/studio")));
            }
            tx.commit().await?;
            Ok(visit.redirect_with(&location, "published"))
        })
        .await
}
