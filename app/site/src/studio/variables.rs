//! Variables as the form writes them in one line, and back.

use schema::template::{Choice, Variable};

/// `red = crimson, blue = azure` · `20: fox` · `1-5`. The first choice and the lowest number are the defaults.
pub(super) fn read_variable(kind: &str, definition: &str) -> Option<Variable> {
    let definition = definition.trim();
    match kind {
        "choice" => {
            let choices: Vec<Choice> = definition
                .split([',', '，'])
                .map(|item| item.split_once('=').unwrap_or((item, item)))
                .map(|(label, text)| Choice {
                    label: label.trim().into(),
                    text: text.trim().into(),
                })
                .collect();
            Some(Variable::Choice {
                default: choices.first()?.label.clone(),
                choices,
            })
        }
        "text" => {
            let (limit, default) = definition.split_once([':', '：'])?;
            Some(Variable::Text {
                max_characters: limit.trim().parse().ok()?,
                default: default.trim().into(),
            })
        }
        "number" => {
            let (minimum, maximum) = definition.split_once('-')?;
            let minimum = minimum.trim().parse().ok()?;
            Some(Variable::Number {
                minimum,
                maximum: maximum.trim().parse().ok()?,
                step: 1,
                default: minimum,
            })
        }
        _ => None,
    }
}

/// The definition that [`read_variable`] reads back.
pub(super) fn definition(variable: &Variable) -> (&'static str, String) {
    match variable {
        Variable::Choice { choices, .. } => {
            let items: Vec<String> = choices
                .iter()
                .map(|choice| {
                    if choice.label == choice.text {
                        choice.label.clone()
                    } else {
                        format!("{} = {}", choice.label, choice.text)
                    }
                })
                .collect();
            ("choice", items.join(", "))
        }
        Variable::Text {
            max_characters,
            default,
        } => ("text", format!("{max_characters}: {default}")),
        Variable::Number {
            minimum, maximum, ..
        } => ("number", format!("{minimum}-{maximum}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_reads_back_from_its_definition() {
        for (kind, text) in [
            ("choice", "red = crimson, blue"),
            ("text", "20: fox"),
            ("number", "1-5"),
        ] {
            let variable = read_variable(kind, text).expect(text);
            assert_eq!(definition(&variable), (kind, text.to_owned()));
        }
        assert!(read_variable("number", "five").is_none());
    }
}
