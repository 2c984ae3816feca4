//! Prompt templates: text with `{name}` slots, and their expansion.
//!
//! The one rule: expansion is a pure, single pass. Values are not expanded again, text is never normalised or trimmed.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 4000;
/// The most variables a recipe may have.
pub const MAX_VARIABLES: usize = 12;
const MAX_TEXT_CHARACTERS: u32 = 200;

/// Values for the variables of one picture, by name. A choice is given by its public label.
pub type Values = BTreeMap<String, String>;

/// One item of a choice: what buyers see before the sale, and what is put into the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Public.
    pub label: String,
    /// Sealed.
    pub text: String,
}

/// A typed variable. Every type has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Variable {
    /// One of 2 to 64 items.
    Choice {
        choices: Vec<Choice>,
        default: String,
    },
    /// Free text of at most `max_characters` characters.
    Text {
        max_characters: u32,
        default: String,
    },
    /// A whole number from `minimum` to `maximum` in steps of `step`.
    Number {
        minimum: i64,
        maximum: i64,
        step: i64,
        default: i64,
    },
}

/// The public side of a variable: all but the sealed texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PublicVariable {
    /// The labels, in order.
    Choice {
        labels: Vec<String>,
        default: String,
    },
    /// As in [`Variable::Text`].
    Text {
        max_characters: u32,
        default: String,
    },
    /// As in [`Variable::Number`].
    Number {
        minimum: i64,
        maximum: i64,
        step: i64,
        default: i64,
    },
}

impl Variable {
    /// What may be shown before the sale.
    #[must_use]
    pub fn public(&self) -> PublicVariable {
        match self.clone() {
            Self::Choice { choices, default } => PublicVariable::Choice {
                labels: choices.into_iter().map(|choice| choice.label).collect(),
                default,
            },
            Self::Text {
                max_characters,
                default,
            } => PublicVariable::Text {
                max_characters,
                default,
            },
            Self::Number {
                minimum,
                maximum,
                step,
                default,
            } => PublicVariable::Number {
                minimum,
                maximum,
                step,
                default,
            },
        }
    }

    /// The default, as a value.
    #[must_use]
    pub fn default_value(&self) -> String {
        match self {
            Self::Choice { default, .. } | Self::Text { default, .. } => default.clone(),
            Self::Number { default, .. } => default.to_string(),
        }
    }

    /// The text that `value` puts into the prompt.
    ///
    /// # Errors
    /// Names the variable when the value is outside its type.
    pub fn text_of(&self, name: &str, value: &str) -> Result<String, Error> {
        let place = || format!("values.{name}");
        match self {
            Self::Choice { choices, .. } => choices
                .iter()
                .find(|choice| choice.label == value)
                .map(|choice| choice.text.clone())
                .ok_or_else(|| {
                    Error::invalid(place(), format!("{value:?} is not one of the choices"))
                }),
            Self::Text { max_characters, .. } => {
                if value.chars().count() > *max_characters as usize {
                    return Err(Error::invalid(
                        place(),
                        format!("is longer than {max_characters} characters"),
                    ));
                }
                if value.chars().any(char::is_control) {
                    return Err(Error::invalid(place(), "holds a control character"));
                }
                Ok(value.to_owned())
            }
            Self::Number {
                minimum,
                maximum,
                step,
                ..
            } => {
                let number: i64 = value
                    .parse()
                    .map_err(|_| Error::invalid(place(), format!("{value:?} is not a number")))?;
                let fits =
                    (*minimum..=*maximum).contains(&number) && (number - minimum) % step == 0;
                if !fits || number.to_string() != value {
                    return Err(Error::invalid(
                        place(),
                        format!("{value} is not in {minimum}..={maximum} by steps of {step}"),
                    ));
                }
                Ok(number.to_string())
            }
        }
    }

    fn check(&self, name: &str) -> Result<(), Error> {
        let place = format!("variables.{name}");
        let invalid = |message: &str| Err(Error::invalid(place.clone(), message));
        match self {
            Self::Choice { choices, .. } => {
                if !(2..=64).contains(&choices.len()) {
                    return invalid("has fewer than 2 or more than 64 choices");
                }
                let labels: std::collections::BTreeSet<_> =
                    choices.iter().map(|choice| &choice.label).collect();
                if labels.len() != choices.len() {
                    return invalid("has two choices with one label");
                }
                if choices
                    .iter()
                    .any(|choice| choice.label.is_empty() || choice.label.chars().count() > 60)
                {
                    return invalid("has a label that is empty or longer than 60 characters");
                }
            }
            Self::Text { max_characters, .. }
                if !(1..=MAX_TEXT_CHARACTERS).contains(max_characters) =>
            {
                return invalid("allows no text, or more than 200 characters");
            }
            Self::Number {
                minimum,
                maximum,
                step,
                ..
            } => {
                const LIMIT: i64 = 1_000_000_000;
                let sane = minimum <= maximum
                    && *step >= 1
                    && minimum.abs() <= LIMIT
                    && maximum.abs() <= LIMIT;
                if !sane {
                    return invalid("has an impossible range");
                }
            }
            Self::Text { .. } => {}
        }
        self.text_of(name, &self.default_value())
            .map(|_| ())
            .map_err(|error| Error::invalid(format!("{place}.default"), error.message()))
    }
}

/// A piece of a parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(String),
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Parses `text`; `place` names it in errors (`template`, `negative`).
    ///
    /// # Errors
    /// For an unbalanced brace or a bad slot name, with the character's position counted from 1.
    pub fn parse(text: &str, place: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(Error::invalid(
                place,
                format!("is longer than {MAX_TEMPLATE_BYTES} bytes"),
            ));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = text.chars().enumerate().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match character {
                '{' | '}' if next == Some(character) => {
                    characters.next();
                    literal.push(character);
                }
                '}' => {
                    return Err(Error::invalid(
                        place,
                        format!(
                            "has a closing brace without an opening one at character {}",
                            at + 1
                        ),
                    ));
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            Some((_, '}')) => break,
                            Some((_, character)) => name.push(character),
                            None => {
                                return Err(Error::invalid(
                                    place,
                                    format!(
                                        "has a brace that is never closed at character {}",
                                        at + 1
                                    ),
                                ));
                            }
                        }
                    }
                    if !is_name(&name) {
                        return Err(Error::invalid(
                            place,
                            format!(
                                "has the slot {{{name}}} at character {}; names are a-z, 0-9 and _",
                                at + 1
                            ),
                        ));
                    }
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Slot(name));
                }
                _ => literal.push(character),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    /// The names of the slots, in order, repeated when they are.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Puts the values in.
    ///
    /// # Errors
    /// For a slot without a variable, a missing value, or a value outside its type.
    pub fn expand(
        &self,
        variables: &BTreeMap<String, Variable>,
        values: &Values,
    ) -> Result<String, Error> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Slot(name) => {
                    let variable = variables.get(name).ok_or_else(|| {
                        Error::invalid("template", format!("the slot {{{name}}} has no variable"))
                    })?;
                    let value = values
                        .get(name)
                        .ok_or_else(|| Error::invalid(format!("values.{name}"), "is missing"))?;
                    text.push_str(&variable.text_of(name, value)?);
                }
            }
        }
        Ok(text)
    }
}

/// Whether `name` may name a variable: `[a-z][a-z0-9_]{0,31}`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 32
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Checks that templates and variables fit together: no unknown slot, no unused variable, no bad name or default.
///
/// # Errors
/// Names the first that does not fit.
pub fn check(
    template: &str,
    negative: Option<&str>,
    variables: &BTreeMap<String, Variable>,
) -> Result<(), Error> {
    if variables.len() > MAX_VARIABLES {
        return Err(Error::invalid(
            "variables",
            format!("more than {MAX_VARIABLES}"),
        ));
    }
    let templates = [
        Some(Template::parse(template, "template")?),
        negative
            .map(|text| Template::parse(text, "negative"))
            .transpose()?,
    ];
    let slots: std::collections::BTreeSet<&str> = templates
        .iter()
        .flatten()
        .flat_map(Template::slots)
        .collect();
    for slot in &slots {
        if !variables.contains_key(*slot) {
            return Err(Error::invalid(
                "template",
                format!("the slot {{{slot}}} has no variable"),
            ));
        }
    }
    for (name, variable) in variables {
        if !is_name(name) {
            return Err(Error::invalid(
                "variables",
                format!("{name:?} is not a name; names are a-z, 0-9 and _"),
            ));
        }
        if !slots.contains(name.as_str()) {
            return Err(Error::invalid(
                format!("variables.{name}"),
                "is not used in the template",
            ));
        }
        variable.check(name)?;
    }
    Ok(())
}
