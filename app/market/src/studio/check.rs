//! What a draft may hold: every field of its form, against the bounds of `schema` and the model's.
//!
//! The one rule: all of it is checked before anything is stored, away from the async threads, and every refusal stands at the field
//! that it is about, by the name of the broken rule.

use super::content::{Content, DraftForm};
use super::error::Error;
use crate::shop::Shop;
use base::compute;
use engine::ErrorKind;
use engine::model::{Model, Size};
use schema::failure::FieldError;
use schema::licence::Licence;
use schema::listing::{Category, parse_description, parse_price, parse_title};
use schema::recipe::{Anchor, Recipe, Seed};
use schema::tags::Tags;
use schema::template::Values;

/// A draft's fields, each within its bounds.
pub(super) struct Checked {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) category: Category,
    pub(super) price_minor: i64,
    pub(super) licence: Licence,
    pub(super) tags: Tags,
    pub(super) trial: bool,
    pub(super) content: Content,
}

/// Checks a form. Wrong fields are all reported at once.
pub(super) async fn draft(state: &Shop, form: DraftForm) -> Result<Checked, Error> {
    let state = state.clone();
    compute::run(move || check(&state, form)).await
}

/// A recipe of one picture, after every check that does not need its pixels.
pub(super) fn picture(
    state: &Shop,
    content: &Content,
    values: Values,
    seed: Seed,
) -> Result<Recipe, Vec<FieldError>> {
    let models = state.engines.models();
    let missing = |_: engine::Error| vec![FieldError::new("model", "model-missing")];
    let model = content.model(models).map_err(missing)?;
    let recipe = content
        .recipe(models, vec![Anchor { values, seed }])
        .map_err(missing)?;
    let wrong = recipe
        .check()
        .map_err(|error| vec![FieldError::of(field_of(error.place()), &error)]);
    wrong?;
    let anchor = &recipe.anchors[0];
    let picture = recipe
        .picture(&anchor.values, anchor.seed)
        .map_err(|error| vec![FieldError::of(field_of(error.place()), &error)])?;
    let limit = model.manifest.text_tokens as usize;
    let texts = [
        ("template", Some(&picture.prompt)),
        ("negative", picture.negative.as_ref()),
    ];
    let too_long = texts.into_iter().filter_map(|(field, text)| {
        let text = text?;
        if content.weights && model.check_text(text).is_ok() && engine::text::parse(text).is_err() {
            return Some(FieldError::new(field, "weights-syntax"));
        }
        let error = model.check_text(text).err()?;
        Some(FieldError {
            field: field.into(),
            code: match error.kind() {
                ErrorKind::PromptTooLong => "tokens".into(),
                _ => "refused".into(),
            },
            detail: Some(match error.kind() {
                ErrorKind::PromptTooLong => limit.to_string(),
                _ => error.to_string(),
            }),
        })
    });
    let too_long: Vec<FieldError> = too_long.collect();
    if too_long.is_empty() {
        Ok(recipe)
    } else {
        Err(too_long)
    }
}

/// The form's field for a place in a recipe.
fn field_of(place: &str) -> &'static str {
    let place = place.strip_prefix("anchors[0].").unwrap_or(place);
    match place.split('.').next().unwrap_or_default() {
        "variables" => "variables",
        "values" => "values",
        "negative" => "negative",
        "steps" => "steps",
        "guidance_milli" => "guidance",
        "width" | "height" => "size",
        "seed" => "seed",
        "init" => "start",
        "variation" => "varied",
        _ => "template",
    }
}

fn check(state: &Shop, mut form: DraftForm) -> Result<Checked, Error> {
    form.content
        .settle(state.engines.models(), form.shown_model);
    form.content.native &= state.engines.provider().is_some();
    let mut wrong = Vec::new();
    let mut note = |field: &str, error: &schema::Error| wrong.push(FieldError::of(field, error));
    let title = parse_title(&form.title)
        .map_err(|error| note("title", &error))
        .ok();
    let description = parse_description(&form.description)
        .map_err(|error| note("description", &error))
        .ok();
    let category = Category::parse(&form.category)
        .map_err(|error| note("category", &error))
        .ok();
    let price = parse_price(&form.price)
        .map_err(|error| note("price", &error))
        .ok();
    let licence = Licence::parse(&form.licence)
        .map_err(|error| note("licence", &error))
        .ok();
    let tags = Tags::parse(&form.tags)
        .map_err(|error| note("tags", &error))
        .ok();
    // Every default must fit the rules and the model: a buyer's first run may not fail.
    let defaults = form
        .content
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.default_value()));
    if let Err(errors) = picture(state, &form.content, defaults.collect(), Seed(0)) {
        wrong.extend(errors.into_iter().map(|error| match &*error.field {
            "values" => FieldError {
                field: "variables".into(),
                ..error
            },
            _ => error,
        }));
    }
    if let Some(size) = form.content.size
        && form
            .content
            .model(state.engines.models())
            .is_ok_and(|model| model.check_size(size.width, size.height).is_err())
    {
        wrong.push(FieldError::new("size", "not-offered"));
    }
    if let Ok(model) = form.content.model(state.engines.models()) {
        let size = form.content.size_with(model);
        if let Err(code) = start(&form.content, model, size) {
            wrong.push(FieldError::new("start", code));
        }
    }
    if price.is_some_and(|price| price.minor > 0) && licence.is_some_and(Licence::free_only) {
        wrong.push(FieldError::new("licence", "licence-free"));
    }
    match (title, description, category, price, licence, tags) {
        (
            Some(title),
            Some(description),
            Some(category),
            Some(price),
            Some(licence),
            Some(tags),
        ) if wrong.is_empty() => Ok(Checked {
            title,
            description,
            category,
            price_minor: price.minor,
            licence,
            tags,
            trial: form.trial,
            content: form.content,
        }),
        _ => Err(Error::Invalid(wrong)),
    }
}

/// Refuses what a model makes nothing of, at its field.
pub(super) fn start(content: &Content, model: &Model, size: Size) -> Result<(), &'static str> {
    match &content.start {
        Some(_) if !model.makes_latents() => Err("start-model"),
        Some(start) if start.size != size => Err("start-size"),
        None if model.manifest.paints_into() => Err("start-needed"),
        _ => Ok(()),
    }
}
