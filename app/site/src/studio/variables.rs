//! Variables as the form writes them in one line, and back.

use schema::template::{Choice, Variable};

/// `red = crimson, blue = azure` · `20: fox` · `1-5`, `0-100/10`, `1-5: 3`. The first choice and the lowest number are the defaults, unless
/// another one is named.
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
            let (range, default) = match definition.split_once([':', '：']) {
                Some((range, default)) => (range, Some(default)),
                None => (definition, None),
            };
            let (range, step) = range.split_once('/').unwrap_or((range, "1"));
            let (minimum, maximum) = range_of(range)?;
            Some(Variable::Number {
                minimum,
                maximum,
                step: step.trim().parse().ok()?,
                default: match default {
                    Some(default) => default.trim().parse().ok()?,
                    None => minimum,
                },
            })
        }
        _ => None,
    }
}

/// `1-5`, `1–5` or `-5-5`: the sign of the first number is no dash between two.
fn range_of(text: &str) -> Option<(i64, i64)> {
    let text = text.trim();
    let dash = text.char_indices().skip(1);
    let (at, dash) = dash.into_iter().find(|(_, c)| matches!(c, '-' | '–'))?;
    let (first, second) = (&text[..at], &text[at + dash.len_utf8()..]);
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
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
            minimum,
            maximum,
            step,
            default,
        } => {
            let mut text = format!("{minimum}-{maximum}");
            if *step != 1 {
                text.push_str(&format!("/{step}"));
            }
            if default != minimum {
                text.push_str(&format!(": {default}"));
            }
            ("number", text)
        }
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
            ("number", "1-5: 3"),
            ("number", "0-100/10"),
            ("number", "-5--1/2: -3"),
        ] {
            let variable = read_variable(kind, text).expect(text);
            assert_eq!(definition(&variable), (kind, text.to_owned()));
        }
        let dashed = read_variable("number", " 1 – 5 ").expect("a range");
        assert_eq!(definition(&dashed).1, "1-5");
        for text in ["five", "1-", "-1", "1-5/x", "1-5:", "1-5: x"] {
            assert!(read_variable("number", text).is_none(), "{text}");
        }
    }
}
