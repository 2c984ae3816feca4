//! Routes of the studio.

use super::compare;
use super::form::Typed;
use super::page;
use super::shown::{Told, draft_id, preview, save_form, show};
use super::start;
use super::variables::Row;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::progress;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use base::once;
use market::studio::queue::{self, Seeds};
use market::studio::service::{self, Error, Publisher, SentSeal};
use schema::failure::Code;
use schema::id::{ListingId, PictureId};
use schema::template::MAX_VARIABLES;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/studio", get(studio))
        .route("/studio/drafts", post(create))
        .route("/studio/drafts/{id}", get(draft).post(save))
        .route("/studio/drafts/{id}/rows", post(rows))
        .route("/studio/drafts/{id}/prompt", post(prompt))
        .route("/studio/drafts/{id}/generate", post(generate))
        .route("/studio/drafts/{id}/seal", get(seal))
        .route("/studio/drafts/{id}/publish", post(publish))
        .merge(start::routes())
        .merge(compare::routes())
        .route("/studio/drafts/{id}/cancel", post(cancel_waiting))
        .route("/studio/drafts/{id}/delete", post(delete))
        .route("/studio/listings/{id}/trial", post(allow_trial))
        .route("/studio/pictures/{id}/cancel", post(cancel))
        .route("/studio/pictures/{id}/progress", get(tell))
        .route("/studio/pictures/{id}/file", get(file))
}

async fn studio(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let (drafts, listings) = service::list_own(&mut tx, person.id.as_str()).await?;
            let comparisons = market::studio::compare::list(&mut tx, &person.id).await?;
            let keys = market::log::keys::list_active(&mut tx, person.id.as_str()).await?;
            Ok(page::studio(
                &visit,
                drafts,
                comparisons,
                listings,
                keys.is_empty(),
            ))
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

async fn draft(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(&Bytes::from(query.unwrap_or_default()));
    visit
        .answer(async {
            let told = Told {
                picked: query.all("picture").map(str::to_owned).collect(),
                all: query.get("pictures") == "all",
                ..Told::default()
            };
            show(&state, &visit, &draft_id(&id)?, told).await
        })
        .await
}

/// Saves, and goes on to the seal if that was asked for.
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
            let typed = match save_form(&state, &person.id, &id, &form).await? {
                Ok((typed, _)) => typed,
                Err(told) => return show(&state, &visit, &id, told).await,
            };
            let only = Some(form.get("only").to_owned()).filter(|only| !only.is_empty());
            let picked = only.map_or(typed.picked, |only| vec![only]);
            let picked: Vec<PictureId> = picked
                .iter()
                .filter_map(|id| PictureId::parse(id).ok())
                .collect();
            let picked: Vec<String> = picked.iter().map(|id| format!("picture={id}")).collect();
            let query = picked.join("&");
            if form.get("to") == "seal" || !form.get("only").is_empty() {
                return Ok(visit.redirect(&format!("/studio/drafts/{id}/seal?{query}")));
            }
            let path = match query.is_empty() {
                true => format!("/studio/drafts/{id}"),
                false => format!("/studio/drafts/{id}?{query}"),
            };
            Ok(visit.redirect_with(&path, "saved"))
        })
        .await
}

/// One row of variables more or less, or a look at what the prompt becomes: nothing is stored, and nothing that was typed is lost.
async fn rows(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let id = draft_id(&id)?;
            let mut typed = Typed::read(&form);
            let new_row = !form.get("add").is_empty();
            if let Ok(place) = form.get("remove").parse::<usize>()
                && place < typed.rows.len()
            {
                typed.rows.remove(place);
            }
            if new_row && typed.rows.len() < MAX_VARIABLES {
                typed.rows.push(Row::new());
            }
            let told = Told {
                typed: Some(typed),
                new_row,
                ..Told::default()
            };
            show(&state, &visit, &id, told).await
        })
        .await
}

/// The parts of the page that follow what somebody types, for the browser alone.
async fn prompt(
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
            let mut tx = state.db.read().await?;
            service::check_owner(&mut tx, &person.id, &id).await?;
            drop(tx);
            let typed = Typed::read(&form);
            let (content, _) = typed.content();
            let preview = preview(&state, &typed, &content).await?;
            let html = page::fragment(visit.lang, &typed, &content, &preview);
            Ok(([(header::CACHE_CONTROL, "private, no-store")], Html(html)).into_response())
        })
        .await
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
            let whole = form.all("template").next().is_some();
            let (typed, content) = if whole {
                match save_form(&state, &person.id, &id, &form).await? {
                    Ok(saved) => saved,
                    Err(told) => return show(&state, &visit, &id, told).await,
                }
            } else {
                let draft = service::read_draft(&state, &person.id, &id).await?;
                (Typed::read(&form), draft.content)
            };
            let seeds = match (form.get("same"), form.get("seed").trim()) {
                ("", "") => Seeds::Drawn,
                ("", seed) => Seeds::Typed(seed.into()),
                (picture, _) => {
                    let picture = PictureId::parse(picture);
                    Seeds::Of(picture.map_err(|_| AppError::new(Code::NotFound))?)
                }
            };
            // The button "explore" overrides the number beside the other button.
            let wanted = Some(form.get("explore")).filter(|text| !text.is_empty());
            let count = wanted
                .unwrap_or_else(|| form.get("count"))
                .parse()
                .unwrap_or(1);
            let values = typed.values_for(&content);
            match queue::generate(&state, &person.id, &id, values, seeds, count).await {
                Ok(()) => Ok(visit.redirect(&format!("/studio/drafts/{id}#pictures"))),
                Err(Error::Invalid(errors)) => {
                    let told = Told {
                        typed: whole.then_some(typed),
                        errors,
                        ..Told::default()
                    };
                    show(&state, &visit, &id, told).await
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
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

async fn cancel(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = PictureId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let draft = match queue::cancel(&state, &person.id, &id).await {
                // Sent twice: the first one took it back, and both come to the page that they were sent from.
                Err(Error::NotFound) => {
                    let draft = draft_id(form.get("draft"))?;
                    let mut tx = state.db.read().await?;
                    service::check_owner(&mut tx, &person.id, &draft).await?;
                    draft
                }
                cancelled => cancelled?,
            };
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

async fn tell(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = PictureId::parse(&id).map_err(|_| AppError::new(Code::NotFound))?;
            let mut tx = state.db.read().await?;
            let picture = service::get_picture(&mut tx, &person.id, &id).await?;
            let stands = queue::stands(&state, &mut tx, &id).await?;
            let (step, steps) = (picture.step, picture.steps);
            let line = progress::line(visit.lang, stands.as_ref(), step, steps);
            Ok(progress::answer(line, step, steps, picture.state.is_over()))
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
            let content = format!("studio-{id}");
            let bytes = state.pictures.labelled(bytes, visit.lang, content).await?;
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "private, max-age=3600"),
            ];
            Ok((headers, bytes).into_response())
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
                    drop(tx);
                    let names: Vec<String> = pictures.iter().map(ToString::to_string).collect();
                    let sealing = page::Sealing {
                        draft: sealable.draft(),
                        recipe: sealable.recipe(),
                        pictures: &names,
                        material: sealable.material(&state.log.origin, keys),
                        model: state
                            .engines
                            .models()
                            .name_of(&sealable.recipe().model.to_string())
                            .unwrap_or_default(),
                        fee: state.fee,
                    };
                    Ok(page::seal(&visit, sealing))
                }
                Err(Error::Invalid(errors)) => {
                    let told = Told {
                        errors,
                        picked: pictures.iter().map(ToString::to_string).collect(),
                        ..Told::default()
                    };
                    show(&state, &visit, &id, told).await
                }
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
