//! Routes of looking around: the list, suggestions while typing, and a picture instead of words.
//!
//! The one rule: whatever an address says is understood or answered with 400 and its name; no list is shown for another question.

use super::page::{self, Asked};
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base::limits;
use market::browse::filter::Filter;
use market::browse::service::{self, Found, MAX_PICTURE_BYTES, PictureError};
use market::models;
use schema::failure::{Code, FieldError};
use search::Suggestion;
use serde_json::json;

/// Parameters that are read of an address; no form of ours has as many.
const MAX_PARAMETERS: usize = 64;
/// What stands around a file in a form.
const AROUND_FILE_BYTES: usize = 16 * 1024;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    let upload = Router::new()
        .route("/explore/picture", get(to_list).post(picture))
        .layer(DefaultBodyLimit::max(MAX_PICTURE_BYTES + AROUND_FILE_BYTES));
    Router::new()
        .route("/explore", get(explore))
        .route("/explore/suggest", get(suggest))
        .merge(upload)
}

/// What a picture found is kept nowhere: whoever comes back to it begins again.
async fn to_list(visit: Visit) -> Redirect {
    Redirect::to(&visit.lang.path("/explore"))
}

async fn explore(
    State(state): State<AppState>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(&Bytes::from(query.unwrap_or_default()));
    visit
        .answer(async {
            let mut typed: Vec<(String, String)> = form.pairs().collect();
            let asked = typed.iter().map(|(name, value)| (&**name, &**value));
            let (filter, errors) = Filter::parse(asked);
            typed.truncate(MAX_PARAMETERS);
            let models = state.engines.models().iter();
            let models = models.map(|model| (model.digest.to_string(), models::name(model)));
            let asked = Asked {
                models: models.collect(),
                filter,
                typed,
                errors,
            };
            if !asked.errors.is_empty() {
                return Ok(page::explore(&visit, asked, Found::default()));
            }
            let mut tx = state.db.read().await?;
            // Whoever sees prices with tax means one with tax.
            let taxed = visit.taxed;
            let net = |price| taxed.map_or(price, |taxed| taxed.net(price));
            let now_ms = state.clock.now_ms();
            let found = service::find(&mut tx, &state.finder, &asked.filter, net, now_ms).await?;
            Ok(page::explore(&visit, asked, found))
        })
        .await
}

/// What could be meant by what was typed so far, for the search field's list.
async fn suggest(
    State(state): State<AppState>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let form = Form::parse(&Bytes::from(query.unwrap_or_default()));
    let lang = visit.lang;
    let caching = [(header::CACHE_CONTROL, "public, max-age=60")];
    if form.get("of") == "things" {
        // Of as many letters as the field takes.
        let most = form.get("most").parse().unwrap_or(usize::MAX);
        let offered = service::things(form.get("q"), form.get("in"), most);
        return (caching, Json(json!(offered))).into_response();
    }
    let found = service::suggest(&state.finder, form.get("q"), lang.tag()).await;
    let offered = found.into_iter().map(|suggestion| match suggestion {
        Suggestion::Listing { title, .. } => title,
        Suggestion::Tag { tag, .. } => tag,
        Suggestion::Creator { handle, .. } => format!("@{handle}"),
        Suggestion::Concept { name, .. } => name,
        Suggestion::Category(category) => lang.text(&format!("category-{}", category.id())),
    });
    let offered: Vec<String> = offered.collect();
    (caching, Json(json!(offered))).into_response()
}

async fn picture(
    State(state): State<AppState>,
    visit: Visit,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.write().await?;
            let block = limits::block(&visit.address);
            let allowed = limits::allow(&mut tx, limits::PICTURE_SEARCH, &block).await?;
            tx.commit().await?;
            if !allowed {
                return Err(AppError::new(Code::TooMany));
            }
            let file = match form {
                Ok(form) => read_file(form).await,
                Err(_) => Err(PictureError::Unreadable),
            };
            let found = match file {
                Ok(file) => service::find_picture(&state.db, &state.finder, file).await,
                Err(error) => Err(error),
            };
            let refused = |code| {
                Ok(page::picture_refused(
                    &visit,
                    FieldError::new("picture", code),
                ))
            };
            match found {
                Ok(likenesses) => Ok(page::likenesses(&visit, likenesses)),
                Err(PictureError::Large) => refused("picture-large"),
                Err(PictureError::Unreadable) => refused("picture-unreadable"),
                Err(PictureError::Preparing | PictureError::Busy(_)) => {
                    Err(AppError::new(Code::Unavailable))
                }
                Err(PictureError::Store(error)) => Err(error.into()),
            }
        })
        .await
}

/// The file of the form, within its bound.
async fn read_file(mut form: Multipart) -> Result<Vec<u8>, PictureError> {
    while let Ok(Some(mut field)) = form.next_field().await {
        if field.name() != Some("picture") {
            continue;
        }
        let mut file = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|_| PictureError::Large)? {
            if file.len() + piece.len() > MAX_PICTURE_BYTES {
                return Err(PictureError::Large);
            }
            file.extend_from_slice(&piece);
        }
        return Ok(file);
    }
    Err(PictureError::Unreadable)
}
