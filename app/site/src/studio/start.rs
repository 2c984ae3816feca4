//! Routes of what a draft's pictures begin with.

use super::shown::{Told, draft_id, save_form, show};
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use market::studio::begin::{self, MAX_UPLOAD_BYTES, Part, Upload};
use market::studio::service::Error;
use schema::failure::{Code, FieldError};
use schema::id::PictureId;

/// The fields of the page around the files.
const MAX_FIELDS_BYTES: usize = 512 * 1024;

pub(super) fn routes() -> Router<AppState> {
    let upload = Router::new()
        .route("/studio/drafts/{id}/start", post(upload))
        .layer(DefaultBodyLimit::max(
            2 * MAX_UPLOAD_BYTES + MAX_FIELDS_BYTES,
        ));
    Router::new()
        .route("/studio/drafts/{id}/begin", post(begun))
        .route("/studio/drafts/{id}/vary", post(vary))
        .route("/studio/drafts/{id}/starting/{index}", get(file))
        .merge(upload)
}

/// A page with files, as it was sent.
struct Sent {
    form: Form,
    picture: Vec<u8>,
    mask: Option<Vec<u8>>,
}

async fn upload(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    sent: Result<Multipart, MultipartRejection>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = draft_id(&id)?;
            let sent = match sent {
                Ok(sent) => read(sent).await,
                Err(_) => return Err(AppError::new(Code::Invalid)),
            };
            let Sent {
                form,
                picture,
                mask,
            } = match sent {
                Ok(sent) => sent,
                // What stood behind the file was not read: the page is shown as it is stored.
                Err(error) => return show(&state, &visit, &id, Told::wrong(vec![error])).await,
            };
            if let Err(told) = save_form(&state, &person.id, &id, &form).await? {
                return show(&state, &visit, &id, told).await;
            }
            let files = Upload { picture, mask };
            match begin::upload(&state, &person.id, &id, files).await {
                Ok(()) => Ok(visit.redirect(&format!("/studio/drafts/{id}#begin"))),
                Err(Error::Invalid(errors)) => show(&state, &visit, &id, Told::wrong(errors)).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Reads fields and files, each within its bound.
async fn read(mut sent: Multipart) -> Result<Sent, FieldError> {
    let (mut fields, mut picture, mut mask) = (Vec::new(), Vec::new(), Vec::new());
    let mut room = MAX_FIELDS_BYTES;
    let unreadable = |_| FieldError::new("start", "start-large");
    while let Some(mut field) = sent.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let (file, most) = match (&*name, field.file_name().is_some()) {
            ("start", true) => (Some(&mut picture), MAX_UPLOAD_BYTES),
            ("mask", true) => (Some(&mut mask), MAX_UPLOAD_BYTES),
            _ => (None, room),
        };
        let mut bytes = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(unreadable)? {
            if bytes.len() + piece.len() > most {
                return Err(FieldError::new("start", "start-large"));
            }
            bytes.extend_from_slice(&piece);
        }
        match file {
            Some(file) => *file = bytes,
            None => {
                room -= bytes.len();
                fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    Ok(Sent {
        form: Form::of(fields),
        picture,
        mask: Some(mask).filter(|mask| !mask.is_empty()),
    })
}

/// Begins with one of the draft's pictures, or with noise alone again. What stands on the page is saved first.
async fn begun(
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
            if let Err(told) = save_form(&state, &person.id, &id, &form).await? {
                return show(&state, &visit, &id, told).await;
            }
            let (begun, place) = match (form.get("varied"), form.get("begin")) {
                ("none", _) => (
                    begin::clear(&state, &person.id, &id, Part::Varied).await,
                    "pictures",
                ),
                (_, "") => (
                    begin::clear(&state, &person.id, &id, Part::Start).await,
                    "begin",
                ),
                (_, picture) => {
                    let picture =
                        PictureId::parse(picture).map_err(|_| AppError::new(Code::NotFound))?;
                    let begun = begin::begin_with(&state, &person.id, &id, &picture).await;
                    (begun, "begin")
                }
            };
            match begun {
                Ok(()) => Ok(visit.redirect(&format!("/studio/drafts/{id}#{place}"))),
                Err(Error::Invalid(errors)) => show(&state, &visit, &id, Told::wrong(errors)).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Makes variations of one of the draft's pictures.
async fn vary(
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
            if let Err(told) = save_form(&state, &person.id, &id, &form).await? {
                return show(&state, &visit, &id, told).await;
            }
            let picture = PictureId::parse(form.get("vary"));
            let picture = picture.map_err(|_| AppError::new(Code::NotFound))?;
            match begin::vary(&state, &person.id, &id, &picture).await {
                Ok(()) => Ok(visit.redirect(&format!("/studio/drafts/{id}#pictures"))),
                Err(Error::Invalid(errors)) => show(&state, &visit, &id, Told::wrong(errors)).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn file(
    State(state): State<AppState>,
    visit: Visit,
    Path((id, index)): Path<(String, usize)>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let file = begin::file(&state, &person.id, &draft_id(&id)?, index).await?;
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "private, max-age=3600"),
            ];
            Ok((headers, file).into_response())
        })
        .await
}
