//! A recipe's variables as people see them: what may be chosen, said before the sale, and the fields to choose it in.
//!
//! The one rule: only the public side is known here, so that a page before the sale can show all of it.

use base::lang::Lang;
use leptos::prelude::*;
use market::own::wish::field_of;
use schema::failure::FieldError;
use schema::template::{PublicVariable, Values};
use std::collections::BTreeMap;

/// The variables' public side, by name.
pub(crate) type Slots = BTreeMap<String, PublicVariable>;

/// More choices than this are a list to open, not buttons side by side.
const MAX_CHIPS: usize = 12;

/// A variable's name for people.
pub(crate) fn shown_name(name: &str) -> String {
    name.replace('_', " ")
}

/// What a variable takes, in words: a closed one says that it takes nothing else.
pub(crate) fn takes(lang: Lang, variable: &PublicVariable) -> String {
    match variable {
        PublicVariable::Choice { labels, .. } => {
            lang.with("slot-choice", &[("labels", labels.join(" · ").into())])
        }
        PublicVariable::Text {
            max_characters,
            default,
        } => lang.with(
            "slot-text",
            &[
                ("count", i64::from(*max_characters).into()),
                ("default", default.clone().into()),
            ],
        ),
        PublicVariable::Number {
            minimum,
            maximum,
            step,
            ..
        } => {
            let range = [
                ("minimum", (*minimum).into()),
                ("maximum", (*maximum).into()),
            ];
            match step {
                1 => lang.with("slot-number", &range),
                step => {
                    let [minimum, maximum] = range;
                    lang.with(
                        "slot-number-step",
                        &[minimum, maximum, ("step", (*step).into())],
                    )
                }
            }
        }
    }
}

/// In which language a field of words offers what can be drawn, while somebody types.
#[derive(Clone, Copy)]
pub(crate) struct Words(Lang);

impl Words {
    /// Of a recipe whose words are in the language of this tag.
    pub(crate) fn of(language: &str) -> Self {
        Self(Lang::of_tag(language))
    }
}

/// A field for each variable, with the value that it has and what is wrong with it.
pub(crate) fn fields(
    lang: Lang,
    slots: &Slots,
    values: &Values,
    errors: &[FieldError],
    words: Words,
) -> Vec<AnyView> {
    slots
        .iter()
        .map(|(name, variable)| field(lang, name, variable, values, errors, words))
        .collect()
}

fn field(
    lang: Lang,
    name: &str,
    variable: &PublicVariable,
    values: &Values,
    errors: &[FieldError],
    words: Words,
) -> AnyView {
    let (id, label) = (field_of(name), shown_name(name));
    let value = values.get(name).cloned();
    let error = errors.iter().find(|error| error.field == id);
    let error = error.map(|error| lang.field_error(error));
    let wrong = error.is_some();
    let plain = matches!(variable, PublicVariable::Text { .. });
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let described = match wrong {
        true => format!("{error_id} {hint_id}"),
        false => hint_id.clone(),
    };
    let invalid = wrong.then_some("true");
    let told =
        error.map(|text| view! { <p class="field-error" id=error_id role="alert">{text}</p> });
    let input = match variable {
        PublicVariable::Choice { labels, default } => {
            let chosen = value.unwrap_or_else(|| default.clone());
            let hint = lang.with("slot-only", &[("count", count(labels.len()))]);
            return view! {
                <fieldset class="own-slot" aria-describedby=described>
                    <legend>{label}</legend>
                    {choice(&id, labels, &chosen)}
                    <p class="field__hint" id=hint_id>{hint}</p>
                    {told}
                </fieldset>
            }
            .into_any();
        }
        // What is too long is refused with a word: a browser that stops taking letters tells nobody.
        PublicVariable::Text {
            default,
            max_characters,
        } => {
            let value = value.unwrap_or_else(|| default.clone());
            let (list, offered) = (
                format!("{id}-words"),
                format!(
                    "/explore/suggest?of=things&in={}&most={max_characters}",
                    words.0.tag()
                ),
            );
            view! {
                <input id=id.clone() name=id.clone() value=value autocomplete="off" aria-invalid=invalid aria-describedby=described list=list.clone() data-suggest=offered/>
                <datalist id=list></datalist>
            }
            .into_any()
        }
        PublicVariable::Number {
            minimum,
            maximum,
            step,
            default,
        } => {
            let value = value.unwrap_or_else(|| default.to_string());
            view! { <input id=id.clone() name=id.clone() type="number" value=value min=*minimum max=*maximum step=*step aria-invalid=invalid aria-describedby=described/> }.into_any()
        }
    };
    view! {
        <div class="own-slot field">
            <label for=id>{label}</label>
            {input}
            <p class="field__hint" id=hint_id>{takes(lang, variable)}{plain.then(|| view! { <br/>{lang.with("slot-things", &[("language", words.0.name().into())])} })}</p>
            {told}
        </div>
    }
    .into_any()
}

fn count(number: usize) -> fluent_bundle::FluentValue<'static> {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn choice(field: &str, labels: &[String], chosen: &str) -> AnyView {
    let field = field.to_owned();
    if labels.len() > MAX_CHIPS {
        let options: Vec<_> = labels
            .iter()
            .map(|label| view! { <option value=label.clone() selected=label == chosen>{label.clone()}</option> })
            .collect();
        return view! { <select name=field.clone() id=field>{options}</select> }.into_any();
    }
    let chips: Vec<_> = labels
        .iter()
        .map(|label| {
            let (field, checked) = (field.clone(), label == chosen);
            view! {
                <label class="own-chip">
                    <input type="radio" name=field value=label.clone() checked=checked/>
                    <span>{label.clone()}</span>
                </label>
            }
        })
        .collect();
    view! { <div class="own-chips">{chips}</div> }.into_any()
}

/// A run's values in one line.
pub(crate) fn line(values: &Values) -> String {
    let pairs = values
        .iter()
        .map(|(name, value)| format!("{}: {value}", shown_name(name)));
    pairs.collect::<Vec<_>>().join(" · ")
}
