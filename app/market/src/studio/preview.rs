//! What a template becomes with one set of values, and how much of the model's room that takes.
//!
//! The one rule: nothing is stored and nothing is opened: it is told of what somebody is typing.

use super::content::Content;
use super::error::Error;
use super::error::internal;
use crate::shop::Shop;
use base::compute;
use engine::model::Model;
use schema::failure::FieldError;
use schema::template::{MAX_TEMPLATE_BYTES, Template, Values};

/// A prompt as the model will read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub prompt: String,
    /// Absent where it is so long that it is not counted.
    pub tokens: Option<i64>,
    /// Of the negative prompt; absent where there is none.
    pub negative_tokens: Option<i64>,
    /// The most that the model takes of each.
    pub limit: i64,
}

/// Fills the template in. A value that does not fit its variable any more is taken for the default, so that the prompt is shown while
/// choices are rewritten.
///
/// # Errors
/// [`Error::Invalid`] with the first thing that is wrong with template or variables.
pub async fn preview(state: &Shop, content: Content, values: Values) -> Result<Preview, Error> {
    let state = state.clone();
    compute::run(move || fill_in(&state, &content, &values)).await
}

fn fill_in(state: &Shop, content: &Content, values: &Values) -> Result<Preview, Error> {
    let missing =
        |_: engine::Error| Error::Invalid(vec![FieldError::new("model", "model-missing")]);
    let model = content.model(state.engines.models()).map_err(missing)?;
    let fitting = content.variables.iter().map(|(name, variable)| {
        let value = values.get(name);
        let value = value.filter(|value| variable.text_of(name, value).is_ok());
        let value = value.cloned().unwrap_or_else(|| variable.default_value());
        (name.clone(), value)
    });
    let fitting: Values = fitting.collect();
    let expand = |place: &'static str, text: &str| {
        let template = Template::parse(text, place);
        let text =
            template.and_then(|template| template.expand(place, &content.variables, &fitting));
        text.map_err(|error| Error::Invalid(vec![FieldError::of(place, &error)]))
    };
    let prompt = expand("template", &content.template)?;
    let negative = match content.negative.is_empty() {
        true => None,
        false => Some(expand("negative", &content.negative)?),
    };
    Ok(Preview {
        tokens: count(model, &prompt)?,
        negative_tokens: match negative {
            Some(text) => count(model, &text)?,
            None => None,
        },
        limit: i64::from(model.manifest.text_tokens),
        prompt,
    })
}

/// Counts while the text is not far longer than any template.
fn count(model: &Model, text: &str) -> Result<Option<i64>, Error> {
    if text.len() > MAX_TEMPLATE_BYTES {
        return Ok(None);
    }
    let tokens = model.count_tokens(text).map_err(internal)?;
    i64::try_from(tokens).map(Some).map_err(internal)
}

/// What a draft's text became with the values that a picture was made with.
///
/// # Errors
/// When they do not fit.
pub(super) fn filled(content: &Content, values: &Values) -> Result<String, schema::Error> {
    let template = Template::parse(&content.template, "template")?;
    template.expand("template", &content.variables, values)
}
