//! A variable as the form holds it, one row of fields, and as the recipe holds it.
//!
//! The one rule: a row keeps what was typed, also where it cannot be read.

use crate::ui::form::Form;
use schema::template::{Choice, Variable};

/// The kinds of variables, the usual one first.
pub(super) const KINDS: [&str; 3] = ["choice", "text", "number"];

/// What was typed into one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: String,
    /// One a line: `red`, or `red = crimson` where the prompt says something else than buyers read. The first is the default.
    pub(super) choices: String,
    pub(super) characters: String,
    pub(super) text: String,
    pub(super) minimum: String,
    pub(super) maximum: String,
    pub(super) step: String,
    pub(super) number: String,
}

impl Row {
    /// One that nobody typed into.
    pub(super) fn new() -> Self {
        Self {
            kind: KINDS[0].into(),
            ..Self::default()
        }
    }

    /// The rows of a form, in their order. A field that a row lacks is empty.
    pub(super) fn read(form: &Form) -> Vec<Self> {
        let column = |name: &'static str| -> Vec<String> {
            form.all(name)
                .map(|text| text.replace("\r\n", "\n"))
                .collect()
        };
        let names = column("variable_name");
        let [
            kind,
            choices,
            characters,
            text,
            minimum,
            maximum,
            step,
            number,
        ] = [
            "variable_kind",
            "variable_choices",
            "variable_characters",
            "variable_text",
            "variable_minimum",
            "variable_maximum",
            "variable_step",
            "variable_number",
        ]
        .map(column);
        let at = |column: &[String], place: usize| column.get(place).cloned().unwrap_or_default();
        let rows = names.into_iter().enumerate().map(|(place, name)| Self {
            name,
            kind: at(&kind, place),
            choices: at(&choices, place),
            characters: at(&characters, place),
            text: at(&text, place),
            minimum: at(&minimum, place),
            maximum: at(&maximum, place),
            step: at(&step, place),
            number: at(&number, place),
        });
        rows.collect()
    }

    /// The row of a variable.
    pub(super) fn of(name: &str, variable: &Variable) -> Self {
        let row = Self {
            name: name.into(),
            ..Self::default()
        };
        match variable {
            Variable::Choice { choices, .. } => {
                let line = |choice: &Choice| match choice.label == choice.text {
                    true => choice.label.clone(),
                    false => format!("{} = {}", choice.label, choice.text),
                };
                let lines: Vec<String> = choices.iter().map(line).collect();
                Self {
                    kind: "choice".into(),
                    choices: lines.join("\n"),
                    ..row
                }
            }
            Variable::Text {
                max_characters,
                default,
            } => Self {
                kind: "text".into(),
                characters: max_characters.to_string(),
                text: default.clone(),
                ..row
            },
            Variable::Number {
                minimum,
                maximum,
                step,
                default,
            } => Self {
                kind: "number".into(),
                minimum: minimum.to_string(),
                maximum: maximum.to_string(),
                step: step.to_string(),
                number: default.to_string(),
                ..row
            },
        }
    }

    /// Bytes of what was typed, for the bound on all rows together.
    pub(super) fn size_bytes(&self) -> usize {
        self.name.len() + self.choices.len() + self.text.len()
    }

    /// The variable; `None` where the row cannot be read. What is not said is usual: 40 characters, steps of 1, the lowest number.
    pub(super) fn variable(&self) -> Option<Variable> {
        let number = |text: &str, usual: i64| match text.trim() {
            "" => Some(usual),
            typed => typed.parse().ok(),
        };
        match self.kind.as_str() {
            "choice" => {
                let choices = choices(&self.choices);
                Some(Variable::Choice {
                    default: choices.first()?.label.clone(),
                    choices,
                })
            }
            "text" => Some(Variable::Text {
                max_characters: u32::try_from(number(&self.characters, 40)?).ok()?,
                default: self.text.trim().into(),
            }),
            "number" => {
                let minimum = self.minimum.trim().parse().ok()?;
                Some(Variable::Number {
                    minimum,
                    maximum: self.maximum.trim().parse().ok()?,
                    step: number(&self.step, 1)?,
                    default: number(&self.number, minimum)?,
                })
            }
            _ => None,
        }
    }
}

/// One choice a line; a single line may hold several between commas.
fn choices(text: &str) -> Vec<Choice> {
    let text = text.trim();
    let ends: &[char] = match text.contains('\n') {
        true => &['\n'],
        false => &[',', '，'],
    };
    let items = text.split(ends).map(str::trim);
    let items = items.filter(|item| !item.is_empty() || !text.contains('\n'));
    let choice = |item: &str| {
        let (label, text) = item.split_once('=').unwrap_or((item, item));
        Choice {
            label: label.trim().into(),
            text: text.trim().into(),
        }
    };
    items.map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::{Row, choices};
    use schema::template::{Choice, Variable};

    fn choice(label: &str, text: &str) -> Choice {
        Choice {
            label: label.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_variable_reads_back_from_its_row() {
        let colours = vec![choice("red", "crimson, deep"), choice("blue", "blue")];
        for variable in [
            Variable::Choice {
                default: "red".into(),
                choices: colours,
            },
            Variable::Text {
                max_characters: 20,
                default: "a fox: red".into(),
            },
            Variable::Number {
                minimum: -5,
                maximum: 100,
                step: 5,
                default: 10,
            },
        ] {
            let row = Row::of("a", &variable);
            assert_eq!(row.variable(), Some(variable));
        }
    }

    #[test]
    fn choices_stand_one_a_line_or_between_commas_in_a_single_one() {
        let two = vec![choice("red", "crimson"), choice("blue", "blue")];
        assert_eq!(choices("red = crimson, blue"), two);
        assert_eq!(choices("red = crimson，blue"), two);
        assert_eq!(choices("\nred = crimson\n\n blue \n"), two);
        let commas = choices("wide = a field, a sky\nnarrow");
        assert_eq!(commas[0], choice("wide", "a field, a sky"));
        // One that is empty between commas is refused later, by the rule about labels.
        assert_eq!(choices("a,,b").len(), 3);
    }

    #[test]
    fn what_is_not_said_of_a_variable_is_usual_and_what_is_no_number_cannot_be_read() {
        let row = |kind: &str, minimum: &str, maximum: &str, number: &str| Row {
            kind: kind.into(),
            minimum: minimum.into(),
            maximum: maximum.into(),
            number: number.into(),
            ..Row::default()
        };
        let usual = Variable::Number {
            minimum: 1,
            maximum: 5,
            step: 1,
            default: 1,
        };
        assert_eq!(row("number", " 1", "5 ", "").variable(), Some(usual));
        for (minimum, maximum, number) in [("", "5", ""), ("1", "x", ""), ("1", "5", "x")] {
            assert_eq!(row("number", minimum, maximum, number).variable(), None);
        }
        let text = Variable::Text {
            max_characters: 40,
            default: String::new(),
        };
        assert_eq!(row("text", "", "", "").variable(), Some(text));
        assert_eq!(row("other", "", "", "").variable(), None);
    }
}
