//! A draft's page as its routes show it, and the form that all of them save first.
//!
//! The one rule: what was typed is stored, or shown again with what is wrong.

use super::form::Typed;
use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::response::Response;
use market::studio::queue;
use market::studio::service::{self, Content, Error, Preview};
use schema::failure::{Code, FieldError};
use schema::id::{DraftId, PersonId};
use std::collections::BTreeMap;

/// Pictures of a draft that its page shows: the newest.
const PICTURES: i64 = 24;
/// The most that it shows when it is asked for all.
const MAX_PICTURES: i64 = 60;

pub(super) fn draft_id(text: &str) -> Result<DraftId, AppError> {
    DraftId::parse(text).map_err(|_| AppError::new(Code::NotFound))
}

/// What a draft's page shows beside what is stored.
#[derive(Default)]
pub(super) struct Told {
    /// What was typed and is not stored.
    pub(super) typed: Option<Typed>,
    pub(super) errors: Vec<FieldError>,
    /// Pictures that are ticked.
    pub(super) picked: Vec<String>,
    /// Every picture, not only the newest.
    pub(super) all: bool,
    /// The last row of variables was asked for just now.
    pub(super) new_row: bool,
}

impl Told {
    /// The draft as it is stored, and what is wrong.
    pub(super) fn wrong(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::default()
        }
    }
}

/// Shows a draft; after a form that was not stored with what was typed and what is wrong.
pub(super) async fn show(
    state: &AppState,
    visit: &Visit,
    id: &DraftId,
    told: Told,
) -> Result<Response, AppError> {
    let person = visit.require_person()?;
    let most = if told.all { MAX_PICTURES } else { PICTURES };
    let mut tx = state.db.write().await?;
    let draft = service::get_draft(state, &mut tx, &person.id, id).await?;
    let published = service::find_published(&mut tx, &draft.row).await?;
    let mut pictures = service::list_pictures(&mut tx, id, most + 1).await?;
    let older = pictures.len() > usize::try_from(most).unwrap_or(usize::MAX);
    pictures.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let made = service::list_made(state, &mut tx, &pictures).await?;
    let mut stands = BTreeMap::new();
    for picture in pictures.iter().filter(|picture| !picture.state.is_over()) {
        if let Some(found) = queue::stands(state, &mut tx, &picture.id).await? {
            stands.insert(picture.id.clone(), found);
        }
    }
    tx.commit().await?;
    let unsaved = told.typed.is_some();
    let (typed, content) = match told.typed {
        Some(typed) => {
            let (content, _) = typed.content();
            (typed, content)
        }
        None => {
            let mut typed = Typed::of(&draft);
            typed.picked = told.picked;
            // The next pictures are made like the last ones.
            typed.values = made
                .first()
                .map(|made| made.values.clone())
                .unwrap_or_default();
            (typed, draft.content.clone())
        }
    };
    let takes_pictures = content
        .model(state.engines.models())
        .is_ok_and(|model| model.makes_latents());
    let shown = page::Shown {
        preview: preview(state, &typed, &content).await?,
        takes_pictures,
        provider: state.engines.provider(),
        published,
        typed,
        content,
        older: older && !told.all,
        tag: draft.content.tag(state, id),
        start: draft.content.start,
        varied: draft.content.varied,
        row: draft.row,
        pictures: pictures.into_iter().zip(made).collect(),
        stands,
        unsaved: unsaved || !told.errors.is_empty(),
        errors: told.errors,
        new_row: told.new_row,
    };
    Ok(page::draft(
        visit,
        &shown,
        state.engines.models(),
        state.fee,
    ))
}

/// What a template becomes, or what is wrong with it.
pub(super) async fn preview(
    state: &AppState,
    typed: &Typed,
    content: &Content,
) -> Result<Result<Preview, Vec<FieldError>>, AppError> {
    let values = typed.values_for(content);
    match service::preview(state, content.clone(), values).await {
        Ok(preview) => Ok(Ok(preview)),
        Err(Error::Invalid(fields)) => Ok(Err(fields)),
        Err(error) => Err(error.into()),
    }
}

/// Saves the draft that a form holds. What is wrong is found in all fields at once; nothing is stored then.
pub(super) async fn save_form(
    state: &AppState,
    person: &PersonId,
    id: &DraftId,
    form: &Form,
) -> Result<Result<(Typed, Content), Told>, AppError> {
    let typed = Typed::read(form);
    let (content, mut errors) = typed.content();
    if errors.is_empty() {
        let sent = typed.draft(content.clone(), form.get("seen").parse().ok());
        match service::save_draft(state, person, id, sent).await {
            Ok(()) => return Ok(Ok((typed, content))),
            Err(Error::Invalid(fields)) => errors = fields,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Err(Told {
        typed: Some(typed),
        errors,
        ..Told::default()
    }))
}
