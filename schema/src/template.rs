//! Prompt templates: text with `{name}` slots, and their expansion.
//!
//! The one rule: expansion is a pure, single pass. Values are not expanded again, text is never normalised or trimmed.

use crate::error::{Error, quoted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 4000;
/// The most variables a recipe may have.
pub const MAX_VARIABLES: usize = 12;
/// The most items of one choice.
pub const MAX_CHOICES: usize = 64;
/// The longest sealed text of one item, in bytes: as long as a template, since a whole prompt may be an item.
pub const MAX_CHOICE_BYTES: usize = MAX_TEMPLATE_BYTES;
/// The longest prompt that a template may expand to, in bytes. Models take a few hundred tokens at most.
pub const MAX_PROMPT_BYTES: usize = 16 * 1024;
/// All texts of the variables together, in bytes: no recipe that holds more can be written down.
pub const MAX_VARIABLES_BYTES: usize = crate::recipe::MAX_BYTES;
const MAX_LABEL_CHARACTERS: usize = 60;
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

    /// The value that was given, or the default where none was: words that were left empty are none.
    #[must_use]
    pub fn value_or_default(&self, given: Option<&str>) -> String {
        let is_left_empty =
            |text: &str| matches!(self, Self::Text { .. }) && text.trim().is_empty();
        match given {
            Some(value) if !is_left_empty(value) => value.to_owned(),
            _ => self.default_value(),
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
                    Error::invalid(
                        place(),
                        format!("{} is not one of the choices", quoted(value)),
                    )
                    .rule("value-choice", name)
                }),
            Self::Text { max_characters, .. } => {
                if value.chars().count() > *max_characters as usize {
                    return Err(Error::invalid(
                        place(),
                        format!("is longer than {max_characters} characters"),
                    )
                    .rule("value-length", format!("{name}: {max_characters}")));
                }
                if value.chars().any(char::is_control) {
                    return Err(Error::invalid(place(), "holds a control character")
                        .rule("value-control", name));
                }
                Ok(value.to_owned())
            }
            Self::Number {
                minimum,
                maximum,
                step,
                ..
            } => {
                let number: i64 = value.parse().map_err(|_| {
                    Error::invalid(place(), format!("{} is not a number", quoted(value)))
                        .rule("value-number", format!("{name}: {minimum}–{maximum}"))
                })?;
                let fits =
                    (*minimum..=*maximum).contains(&number) && (number - minimum) % step == 0;
                if !fits || number.to_string() != value {
                    return Err(Error::invalid(
                        place(),
                        format!("{number} is not in {minimum}..={maximum} by steps of {step}"),
                    )
                    .rule("value-number", format!("{name}: {minimum}–{maximum}")));
                }
                Ok(number.to_string())
            }
        }
    }

    /// Bytes of its texts, for the bound on all of them together.
    fn size_bytes(&self) -> usize {
        match self {
            Self::Choice { choices, default } => choices
                .iter()
                .map(|choice| choice.label.len() + choice.text.len())
                .fold(default.len(), usize::saturating_add),
            Self::Text { default, .. } => default.len(),
            Self::Number { .. } => 0,
        }
    }

    /// Sizes first: nothing is looked into before it is known to be small.
    fn check(&self, name: &str) -> Result<(), Error> {
        let place = format!("variables.{name}");
        let broken = |rule: &'static str, message: String| {
            Err(Error::invalid(place.clone(), message).rule(rule, name))
        };
        match self {
            Self::Choice { choices, .. } => {
                if !(2..=MAX_CHOICES).contains(&choices.len()) {
                    let message = format!("has fewer than 2 or more than {MAX_CHOICES} choices");
                    return broken("variable-choices", message);
                }
                if choices
                    .iter()
                    .any(|choice| choice.text.len() > MAX_CHOICE_BYTES)
                {
                    let message =
                        format!("has a choice whose text is longer than {MAX_CHOICE_BYTES} bytes");
                    return broken("variable-long", message);
                }
                if choices.iter().any(|choice| {
                    choice.label.is_empty()
                        || choice.label.chars().nth(MAX_LABEL_CHARACTERS).is_some()
                }) {
                    let message = format!(
                        "has a label that is empty or longer than {MAX_LABEL_CHARACTERS} characters"
                    );
                    return broken("variable-label", message);
                }
                let labels: std::collections::BTreeSet<_> =
                    choices.iter().map(|choice| &choice.label).collect();
                if labels.len() != choices.len() {
                    let message = "has two choices with one label".into();
                    return broken("variable-label-twice", message);
                }
            }
            Self::Text { max_characters, .. }
                if !(1..=MAX_TEXT_CHARACTERS).contains(max_characters) =>
            {
                let message =
                    format!("allows no text, or more than {MAX_TEXT_CHARACTERS} characters");
                return broken("variable-characters", message);
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
                    && (-LIMIT..=LIMIT).contains(minimum)
                    && (-LIMIT..=LIMIT).contains(maximum);
                if !sane {
                    return broken("variable-range", "has an impossible range".into());
                }
            }
            Self::Text { .. } => {}
        }
        self.text_of(name, &self.default_value())
            .map(|_| ())
            .map_err(|error| {
                Error::invalid(format!("{place}.default"), error.message())
                    .rule("variable-default", name)
            })
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
            )
            .rule("bytes", MAX_TEMPLATE_BYTES.to_string()));
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
                    )
                    .rule("brace", (at + 1).to_string()));
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
                                )
                                .rule("brace", (at + 1).to_string()));
                            }
                        }
                    }
                    if !is_name(&name) {
                        return Err(Error::invalid(
                            place,
                            format!(
                                "has the slot {{{}}} at character {}; names are a-z, 0-9 and _",
                                quoted(&name).trim_matches('"'),
                                at + 1
                            ),
                        )
                        .rule("slot-name", (at + 1).to_string()));
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

    /// Puts the values in; `place` names the template in errors.
    ///
    /// # Errors
    /// For a slot without a variable, a missing value, a value outside its type, or more than [`MAX_PROMPT_BYTES`]: that is found
    /// before the text is made.
    pub fn expand(
        &self,
        place: &str,
        variables: &BTreeMap<String, Variable>,
        values: &Values,
    ) -> Result<String, Error> {
        // Each slot's text is looked up once, however often the slot stands in the template.
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for name in self.slots() {
            if texts.contains_key(name) {
                continue;
            }
            let variable = variables
                .get(name)
                .ok_or_else(|| slot_without_variable(place, name))?;
            let value = values.get(name).ok_or_else(|| {
                Error::invalid(format!("values.{name}"), "is missing").rule("value-missing", name)
            })?;
            texts.insert(name, variable.text_of(name, value)?);
        }
        let piece = |piece: &'_ Piece| match piece {
            Piece::Text(literal) => literal.len(),
            Piece::Slot(name) => texts.get(name.as_str()).map_or(0, String::len),
        };
        let size = self.0.iter().map(piece).fold(0, usize::saturating_add);
        if size > MAX_PROMPT_BYTES {
            return Err(Error::invalid(
                place,
                format!(
                    "becomes {size} bytes long with these values, {MAX_PROMPT_BYTES} is the limit"
                ),
            )
            .rule("prompt-bytes", MAX_PROMPT_BYTES.to_string()));
        }
        let mut text = String::with_capacity(size);
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Text(literal) => literal,
                Piece::Slot(name) => texts.get(name.as_str()).map_or("", String::as_str),
            });
        }
        Ok(text)
    }
}

fn slot_without_variable(place: &str, name: &str) -> Error {
    Error::invalid(place, format!("the slot {{{name}}} has no variable")).rule("slot-unknown", name)
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
        return Err(
            Error::invalid("variables", format!("more than {MAX_VARIABLES}"))
                .rule("variables-many", MAX_VARIABLES.to_string()),
        );
    }
    let size = variables
        .values()
        .map(Variable::size_bytes)
        .fold(0, usize::saturating_add);
    if size > MAX_VARIABLES_BYTES {
        return Err(Error::invalid(
            "variables",
            format!("hold {size} bytes of text, {MAX_VARIABLES_BYTES} is the limit"),
        )
        .rule("variables-bytes", MAX_VARIABLES_BYTES.to_string()));
    }
    let mut slots = std::collections::BTreeSet::new();
    for (place, text) in [("template", Some(template)), ("negative", negative)] {
        let parsed = text.map(|text| Template::parse(text, place)).transpose()?;
        for slot in parsed.iter().flat_map(Template::slots) {
            if !variables.contains_key(slot) {
                return Err(slot_without_variable(place, slot));
            }
            slots.insert(slot.to_owned());
        }
    }
    for (name, variable) in variables {
        if !is_name(name) {
            return Err(Error::invalid(
                "variables",
                format!("{} is not a name; names are a-z, 0-9 and _", quoted(name)),
            )
            .rule("variable-name", quoted(name)));
        }
        if !slots.contains(name) {
            return Err(
                Error::invalid(format!("variables.{name}"), "is not used in the template")
                    .rule("variable-unused", name),
            );
        }
        variable.check(name)?;
    }
    Ok(())
}
