//! What the three steps of a draft's page are drawn from.

use crate::studio::form::Typed;
use base::lang::Lang;
use leptos::prelude::*;
use market::machines::Stands;
use market::studio::service::{Content, DraftRow, Made, PictureRow, Preview, Published};
use market::studio::start::{Start, Varied};
use schema::failure::FieldError;
use schema::id::PictureId;
use std::collections::BTreeMap;

/// All that a draft's page shows.
pub(in crate::studio) struct Shown {
    /// As it is stored.
    pub(in crate::studio) row: DraftRow,
    pub(in crate::studio) published: Option<Published>,
    /// As it is stored, or as it was typed where that is not saved.
    pub(in crate::studio) typed: Typed,
    /// What can be read of it.
    pub(in crate::studio) content: Content,
    /// The execution provider of quick looks, where the shop has one.
    pub(in crate::studio) provider: Option<&'static str>,
    /// Whether its model can begin with a picture.
    pub(in crate::studio) takes_pictures: bool,
    /// What its pictures begin with, and what they are variations of, as it is stored.
    pub(in crate::studio) start: Option<Start>,
    pub(in crate::studio) varied: Option<Varied>,
    pub(in crate::studio) preview: Result<Preview, Vec<FieldError>>,
    /// Each with what it was made with, the newest first.
    pub(in crate::studio) pictures: Vec<(PictureRow, Made)>,
    /// Whether there are older ones that are not shown.
    pub(in crate::studio) older: bool,
    /// Pictures with another tag were made with an earlier text.
    pub(in crate::studio) tag: String,
    /// How each stands that is not over.
    pub(in crate::studio) stands: BTreeMap<PictureId, Stands>,
    pub(in crate::studio) errors: Vec<FieldError>,
    /// What stands in the fields is stored nowhere: such a page is not loaded again by itself.
    pub(in crate::studio) unsaved: bool,
    /// The last row of variables was asked for just now.
    pub(in crate::studio) new_row: bool,
}

/// What is wrong with fields that have no place of their own for it.
pub(super) fn problems(lang: Lang, shown: &Shown, fields: &[&str]) -> Vec<AnyView> {
    let found = shown
        .errors
        .iter()
        .filter(|error| fields.contains(&error.field.as_str()))
        .map(|error| lang.field_error(error));
    found
        .map(|text| view! { <p class="field-error" role="alert">{text}</p> }.into_any())
        .collect()
}

/// A step's heading with its number.
pub(super) fn step_heading(
    lang: Lang,
    id: &'static str,
    number: &'static str,
    text: &str,
) -> impl IntoView + use<> {
    view! { <h2 class="step__title" id=id><span class="step__number" aria-hidden="true">{number}</span>{lang.text(text)}</h2> }
}
