//! A draft's form: every field as it was typed, and what the rules make of it.
//!
//! The one rule: what was typed comes back as it was typed, however much of it is wrong.

use super::variables::Row;
use crate::ui::form::Form;
use engine::metadata::SAMPLERS;
use engine::model::Size;
use market::studio::service::{Content, Draft, DraftForm};
use schema::failure::FieldError;
use schema::recipe::{MAX_GUIDANCE_MILLI, ModelDigest};
use schema::template::{MAX_VARIABLES, MAX_VARIABLES_BYTES, Values, is_name};
use std::collections::BTreeMap;

/// The fields of the page.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    pub(super) template: String,
    pub(super) negative: String,
    pub(super) rows: Vec<Row>,
    pub(super) steps: String,
    pub(super) guidance: String,
    pub(super) model: String,
    /// The model that the page was drawn for.
    pub(super) model_shown: String,
    pub(super) sampler: String,
    pub(super) clip_skip: String,
    pub(super) weights: bool,
    pub(super) native: bool,
    pub(super) size: String,
    /// Per cent of the run that is made over a starting picture.
    pub(super) strength: String,
    /// Per cent of their own noise that variations have.
    pub(super) distance: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) category: String,
    pub(super) licence: String,
    pub(super) tags: String,
    pub(super) trial: bool,
    pub(super) price: String,
    /// What the next picture is made with.
    pub(super) values: Values,
    pub(super) seed: String,
    pub(super) count: String,
    /// The pictures that are ticked.
    pub(super) picked: Vec<String>,
}

impl Typed {
    /// The fields of a draft as it is stored.
    pub(super) fn of(draft: &Draft) -> Self {
        let (row, content) = (&draft.row, &draft.content);
        // Two places when they are needed: what was typed is what is saved again.
        let (whole, rest) = (content.guidance_milli / 1000, content.guidance_milli % 1000);
        let guidance = match rest % 100 {
            0 => format!("{whole}.{}", rest / 100),
            _ => format!("{whole}.{:02}", rest / 10),
        };
        let rows = content.variables.iter();
        Self {
            template: content.template.clone(),
            negative: content.negative.clone(),
            rows: rows
                .map(|(name, variable)| Row::of(name, variable))
                .collect(),
            steps: content.steps.to_string(),
            guidance,
            model: content
                .model
                .map(|digest| digest.to_string())
                .unwrap_or_default(),
            sampler: content.sampler.clone().unwrap_or_default(),
            clip_skip: content.clip_skip.to_string(),
            weights: content.weights,
            native: content.native,
            size: content.size.map(size_text).unwrap_or_default(),
            strength: percent(content.start.as_ref().map(|start| start.strength_milli)),
            distance: percent(content.varied.as_ref().map(|varied| varied.distance_milli)),
            title: row.title.clone(),
            description: row.description.clone(),
            category: row.category.clone(),
            licence: row.licence.clone(),
            tags: row.tags.clone(),
            trial: row.trial,
            price: format!("{}.{:02}", row.price_minor / 100, row.price_minor % 100),
            count: "4".into(),
            ..Self::default()
        }
    }

    /// The fields of a form that was sent.
    pub(super) fn read(form: &Form) -> Self {
        let text = |name: &str| form.get(name).to_owned();
        // A value that the page offered by itself was not chosen.
        let usual = form.prefixed("usual_");
        let mut values = form.prefixed("value_");
        values.retain(|name, value| usual.get(name) != Some(value));
        Self {
            template: form.get("template").replace("\r\n", "\n"),
            negative: text("negative"),
            rows: Row::read(form),
            steps: text("steps"),
            guidance: text("guidance"),
            model: text("model"),
            model_shown: text("model_shown"),
            sampler: text("sampler"),
            clip_skip: text("clip_skip"),
            weights: form.get("weights") == "1",
            native: form.get("native") == "1",
            size: text("size"),
            strength: text("strength"),
            distance: text("distance"),
            title: text("title"),
            description: text("description"),
            category: text("category"),
            licence: text("licence"),
            tags: text("tags"),
            trial: form.get("trial") == "1",
            price: text("price"),
            values,
            seed: text("seed"),
            count: text("count"),
            picked: form.all("picture").map(str::to_owned).collect(),
        }
    }

    /// Template, sampling and variables, and everything in them that cannot be read.
    pub(super) fn content(&self) -> (Content, Vec<FieldError>) {
        let mut errors = Vec::new();
        let steps = self.steps.trim().parse().unwrap_or_else(|_| {
            errors.push(FieldError::new("steps", "number"));
            0
        });
        let guidance = self.guidance.trim().replace(',', ".");
        let guidance_milli = match schema::money::Money::parse_usd(&guidance, "guidance") {
            // A number that is too large is refused as such, with its bound.
            Ok(value) => u32::try_from(value.minor * 10).unwrap_or(MAX_GUIDANCE_MILLI + 1),
            Err(_) => {
                errors.push(FieldError::new("guidance", "number"));
                0
            }
        };
        let model = (!self.model.is_empty()).then(|| ModelDigest::parse(&self.model));
        if matches!(model, Some(Err(_))) {
            errors.push(FieldError::new("model", "refused"));
        }
        let size = (!self.size.is_empty()).then(|| read_size(&self.size));
        if matches!(size, Some(None)) {
            errors.push(FieldError::new("size", "number"));
        }
        let named = !self.sampler.is_empty();
        if named && !SAMPLERS.contains(&self.sampler.as_str()) {
            errors.push(FieldError::new("sampler", "not-offered"));
        }
        let variables = self.variables(&mut errors);
        let content = Content {
            template: self.template.clone(),
            negative: self.negative.clone(),
            variables,
            steps,
            guidance_milli,
            model: model.and_then(Result::ok),
            sampler: named.then(|| self.sampler.clone()),
            clip_skip: self.clip_skip.trim().parse().unwrap_or(0),
            weights: self.weights,
            native: self.native,
            size: size.flatten(),
            // What a draft begins with is no field: it stays as it is stored.
            start: None,
            varied: None,
        };
        let shares = [
            ("strength", &self.strength, 100),
            ("distance", &self.distance, 99),
        ];
        for (field, text, most) in shares {
            if !text.is_empty() && milli(text, most).is_none() {
                errors.push(FieldError {
                    field: field.into(),
                    code: "range".into(),
                    detail: Some(format!("1–{most}")),
                });
            }
        }
        (content, errors)
    }

    fn variables(
        &self,
        errors: &mut Vec<FieldError>,
    ) -> BTreeMap<String, schema::template::Variable> {
        let mut variables = BTreeMap::new();
        let named = |row: &&Row| !row.name.trim().is_empty();
        let rows: Vec<&Row> = self
            .rows
            .iter()
            .filter(named)
            .take(MAX_VARIABLES + 1)
            .collect();
        let mut wrong = |code: &str, detail: &str| {
            errors.push(FieldError {
                field: "variables".into(),
                code: code.into(),
                detail: Some(detail.into()),
            });
        };
        if rows.iter().map(|row| row.size_bytes()).sum::<usize>() > MAX_VARIABLES_BYTES {
            // Nothing is read of what is too long to be kept.
            wrong("variables-bytes", &MAX_VARIABLES_BYTES.to_string());
            return variables;
        }
        for row in rows {
            let name = row.name.trim();
            if !is_name(name) {
                wrong("variable-name", name);
                continue;
            }
            match row.variable() {
                Some(variable) if !variables.contains_key(name) => {
                    drop(variables.insert(name.to_owned(), variable));
                }
                Some(_) => wrong("variable-twice", name),
                None => wrong("variable-definition", name),
            }
        }
        variables
    }

    /// The whole form, for the rules.
    pub(super) fn draft(&self, content: Content, seen_ms: Option<i64>) -> DraftForm {
        DraftForm {
            title: self.title.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            price: self.price.clone(),
            licence: self.licence.clone(),
            tags: self.tags.clone(),
            trial: self.trial,
            content,
            strength_milli: milli(&self.strength, 100),
            distance_milli: milli(&self.distance, 99),
            shown_model: ModelDigest::parse(&self.model_shown).ok(),
            seen_ms,
        }
    }

    /// A value for each variable: the one that was chosen, or the default of a variable that the page did not know yet.
    pub(super) fn values_for(&self, content: &Content) -> Values {
        let variables = content.variables.iter();
        let value = |name: &str, usual: String| self.values.get(name).cloned().unwrap_or(usual);
        variables
            .map(|(name, variable)| (name.clone(), value(name, variable.default_value())))
            .collect()
    }
}

/// Thousandths as whole per cent.
fn percent(milli: Option<u32>) -> String {
    milli
        .map(|milli| (milli / 10).to_string())
        .unwrap_or_default()
}

/// Per cent from 1 on as thousandths.
fn milli(text: &str, most: u32) -> Option<u32> {
    let percent = text.trim().parse::<u32>().ok();
    percent
        .filter(|percent| (1..=most).contains(percent))
        .map(|percent| percent * 10)
}

/// A size as its field names it.
pub(super) fn size_text(size: Size) -> String {
    format!("{}x{}", size.width, size.height)
}

fn read_size(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    Some(Size {
        width: width.parse().ok()?,
        height: height.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::Typed;
    use crate::ui::form::Form;
    use axum::body::Bytes;

    fn typed(text: &str) -> Typed {
        Typed::read(&Form::parse(&Bytes::from(text.to_owned())))
    }

    #[test]
    fn rows_that_cannot_be_read_stay_as_they_were_typed_and_are_named() {
        let typed = typed(
            "template=x&steps=ten&guidance=3&variable_name=a&variable_kind=number&variable_minimum=low\
             &variable_name=B%20b&variable_kind=text&variable_name=&variable_kind=choice",
        );
        let (content, errors) = typed.content();
        assert!(content.variables.is_empty());
        let codes: Vec<&str> = errors.iter().map(|error| &*error.code).collect();
        assert_eq!(codes, ["number", "variable-definition", "variable-name"]);
        assert_eq!(typed.rows[0].minimum, "low");
        assert_eq!((&*typed.rows[1].name, typed.rows.len()), ("B b", 3));
    }

    #[test]
    fn a_value_that_nobody_chose_follows_the_variable() {
        let typed = typed(
            "steps=4&guidance=3&variable_name=a&variable_kind=text&variable_text=new\
             &value_a=old&usual_a=old&value_b=same",
        );
        let (content, _) = typed.content();
        assert_eq!(typed.values_for(&content)["a"], "new");
        assert_eq!(typed.values["b"], "same");
    }

    #[test]
    fn a_value_of_a_variable_that_the_page_did_not_know_is_its_default() {
        let typed = typed(
            "template={a}{b}&steps=4&guidance=3&value_a=y&value_gone=z\
             &variable_name=a&variable_kind=choice&variable_choices=x%0D%0Ay\
             &variable_name=b&variable_kind=choice&variable_choices=v,%20w",
        );
        let (content, errors) = typed.content();
        assert!(errors.is_empty(), "{errors:?}");
        let values = typed.values_for(&content);
        let pairs: Vec<(&str, &str)> = values.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(pairs, [("a", "y"), ("b", "v")]);
    }
}
