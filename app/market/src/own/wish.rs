//! What an owner wishes for, held against the recipe: values for its variables, seeds, and how many pictures.
//!
//! The one rule: everything is bounded before it is looked into, and every field that is wrong is named, before a picture is queued.

use crate::models::Models;
use engine::ErrorKind;
use engine::pipeline::check_texts;
use schema::failure::FieldError;
use schema::recipe::{Recipe, Seed};
use schema::template::{MAX_VARIABLES, Values};

/// The most pictures of one wish.
pub const MAX_PICTURES: usize = 16;
/// No value of any variable has more bytes: 200 characters.
const MAX_VALUE_BYTES: usize = 800;

/// Where the seeds of a wish come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// 64 bits from the operating system for each picture.
    New,
    /// That of a sealed picture, counted from 0: one picture, for the same values and seed make the same.
    Sealed(usize),
    /// One that was typed, and those behind it.
    Typed(String),
    /// Those of an earlier wish.
    Exactly(Vec<Seed>),
}

/// A wish as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// By variable; one that is missing has its default.
    pub values: Values,
    pub seeds: Seeds,
    /// One to [`MAX_PICTURES`].
    pub count: usize,
}

/// A wish that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitting {
    /// A value for every variable.
    pub values: Values,
    pub seeds: Vec<Seed>,
}

impl Fitting {
    /// The sealed picture with these values and this seed.
    #[must_use]
    pub fn anchor(&self, recipe: &Recipe, seed: Seed) -> Option<usize> {
        let same =
            |anchor: &schema::recipe::Anchor| anchor.values == self.values && anchor.seed == seed;
        recipe.anchors.iter().position(same)
    }
}

fn error(field: &str, code: &str, detail: impl Into<String>) -> FieldError {
    FieldError {
        field: field.into(),
        code: code.into(),
        detail: Some(detail.into()),
    }
}

/// The field of a variable's value in forms.
#[must_use]
pub fn field_of(variable: &str) -> String {
    format!("value_{variable}")
}

/// Holds a wish against a recipe and its model. `draw` gives 64 bits of chance.
///
/// # Errors
/// Every field that is wrong, each with the name of the rule.
pub fn fit(
    recipe: &Recipe,
    models: &Models,
    wish: &Wish,
    draw: impl FnMut() -> u64,
) -> Result<Fitting, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let values = fit_values(recipe, &wish.values, &mut wrong);
    let seeds = fit_seeds(recipe, wish, draw).unwrap_or_else(|error| {
        wrong.push(error);
        Vec::new()
    });
    if wrong.is_empty()
        && let Err(error) = fit_model(recipe, models, &values)
    {
        wrong.push(error);
    }
    match wrong.is_empty() {
        true => Ok(Fitting { values, seeds }),
        false => Err(wrong),
    }
}

fn fit_values(recipe: &Recipe, sent: &Values, wrong: &mut Vec<FieldError>) -> Values {
    let mut unknown = sent
        .keys()
        .filter(|name| !recipe.variables.contains_key(*name));
    if sent.len() > MAX_VARIABLES || unknown.next().is_some() {
        let name = sent
            .keys()
            .find(|name| !recipe.variables.contains_key(*name));
        let name: String = name.map_or("", |name| name).chars().take(32).collect();
        wrong.push(error("values", "value-unknown", name));
        return Values::new();
    }
    let mut values = Values::new();
    for (name, variable) in &recipe.variables {
        let value = match sent.get(name) {
            // So long a text is not even repeated.
            Some(value) if value.len() > MAX_VALUE_BYTES => {
                wrong.push(error(&field_of(name), "value-long", name));
                continue;
            }
            given => variable.value_or_default(given.map(String::as_str)),
        };
        if let Err(refused) = variable.text_of(name, &value) {
            wrong.push(FieldError::of(&field_of(name), &refused));
        }
        values.insert(name.clone(), value);
    }
    values
}

fn fit_seeds(
    recipe: &Recipe,
    wish: &Wish,
    mut draw: impl FnMut() -> u64,
) -> Result<Vec<Seed>, FieldError> {
    let most = MAX_PICTURES.to_string();
    let wanted = match &wish.seeds {
        Seeds::Sealed(_) => 1,
        Seeds::Exactly(seeds) => seeds.len(),
        Seeds::New | Seeds::Typed(_) => wish.count,
    };
    if !(1..=MAX_PICTURES).contains(&wanted) {
        return Err(error("count", "own-count", most));
    }
    let seeds: Vec<Seed> = match &wish.seeds {
        Seeds::New => (0..wanted).map(|_| Seed(draw())).collect(),
        Seeds::Sealed(number) => match recipe.anchors.get(*number) {
            Some(anchor) => vec![anchor.seed],
            None => {
                return Err(error(
                    "seed",
                    "own-anchor",
                    recipe.anchors.len().to_string(),
                ));
            }
        },
        Seeds::Typed(text) => {
            // A seed has 20 digits at most.
            let first = Some(text).filter(|text| text.len() <= 20);
            let first = first.and_then(|text| Seed::parse(text).ok());
            let first = first.ok_or_else(|| error("seed", "seed", ""))?;
            let following = |number: usize| Seed(first.0.wrapping_add(number as u64));
            (0..wanted).map(following).collect()
        }
        Seeds::Exactly(seeds) => seeds.clone(),
    };
    for seed in &seeds {
        let fits = recipe.noise.check_seed(seed.0);
        fits.map_err(|_| error("seed", "seed", ""))?;
    }
    Ok(seeds)
}

/// The expanded text must fit into the model, whatever it was expanded with.
fn fit_model(recipe: &Recipe, models: &Models, values: &Values) -> Result<(), FieldError> {
    let model = models
        .named(recipe.model)
        .map_err(|_| error("values", "own-model-gone", recipe.model.to_string()))?;
    let checked = check_texts(recipe, values, model);
    checked.map_err(|refused| match refused.kind() {
        ErrorKind::PromptTooLong => error(
            "values",
            "own-tokens",
            model.manifest.text_tokens.to_string(),
        ),
        _ => error("values", "refused", refused.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::recipe::{Anchor, Scheduler};
    use schema::template::{Choice, Variable};
    use std::collections::BTreeMap;

    fn models() -> Models {
        Models::load(None).expect("the embedded model")
    }

    fn recipe(models: &Models) -> Recipe {
        let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
        let template = "{n} {dish} on a {colour} plate".to_owned();
        let digest = models.usual().digest;
        let mut recipe = Recipe::new(digest, template, scheduler, 4, 3000, (128, 128));
        let choice = |label: &str, text: &str| Choice {
            label: label.into(),
            text: text.into(),
        };
        recipe.variables = BTreeMap::from([
            (
                "colour".into(),
                Variable::Choice {
                    choices: vec![choice("red", "crimson"), choice("blue", "azure")],
                    default: "red".into(),
                },
            ),
            (
                "dish".into(),
                Variable::Text {
                    max_characters: 60,
                    default: "cake".into(),
                },
            ),
            (
                "n".into(),
                Variable::Number {
                    minimum: 1,
                    maximum: 9,
                    step: 2,
                    default: 1,
                },
            ),
        ]);
        let defaults = recipe
            .variables
            .iter()
            .map(|(name, variable)| (name.clone(), variable.default_value()));
        recipe.anchors = vec![Anchor {
            values: defaults.collect(),
            seed: Seed(1 << 40),
        }];
        recipe
    }

    fn wish(values: &[(&str, &str)], seeds: Seeds, count: usize) -> Wish {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Wish {
            values: values.collect(),
            seeds,
            count,
        }
    }

    fn refused(wish: &Wish) -> Vec<(String, String, String)> {
        let models = models();
        let wrong = fit(&recipe(&models), &models, wish, || 7).expect_err("refused");
        let told = wrong
            .into_iter()
            .map(|error| (error.field, error.code, error.detail.unwrap_or_default()));
        told.collect()
    }

    #[test]
    fn words_that_are_left_empty_are_the_default() {
        let models = models();
        for typed in ["", "  "] {
            let wish = wish(&[("dish", typed)], Seeds::New, 1);
            let fitting = fit(&recipe(&models), &models, &wish, || 7).expect("it fits");
            assert_eq!(fitting.values["dish"], "cake", "{typed:?}");
        }
    }

    #[test]
    fn every_value_that_does_not_fit_is_named_with_its_field_at_once() {
        let long = "x".repeat(100_000);
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Pairs, Pairs)] = &[
            (
                &[("colour", "crimson")],
                &[("value_colour", "value-choice")],
            ),
            (
                &[("n", "2"), ("dish", &"x".repeat(61))],
                &[("value_dish", "value-length"), ("value_n", "value-number")],
            ),
            (&[("n", "-1")], &[("value_n", "value-number")]),
            (&[("n", "03")], &[("value_n", "value-number")]),
            (&[("n", "")], &[("value_n", "value-number")]),
            (&[("dish", "a\nb")], &[("value_dish", "value-control")]),
            (&[("dish", &long)], &[("value_dish", "value-long")]),
            (&[("taste", "sweet")], &[("values", "value-unknown")]),
            (&[(&long, "sweet")], &[("values", "value-unknown")]),
        ];
        for (values, expected) in cases {
            let told = refused(&wish(values, Seeds::New, 1));
            let found: Vec<_> = told
                .iter()
                .map(|(field, code, _)| (field.as_str(), code.as_str()))
                .collect();
            assert_eq!(found, *expected, "{values:.60?}");
            let longest = told.iter().map(|(.., detail)| detail.len()).max();
            assert!(longest < Some(200), "what is long is not repeated");
        }
    }

    #[test]
    fn more_tokens_than_the_model_takes_are_refused_and_the_limit_is_said() {
        let wordy = "zq ".repeat(19);
        let told = refused(&wish(&[("dish", &wordy)], Seeds::New, 1));
        let limit = models().usual().manifest.text_tokens.to_string();
        let expected = ("values".into(), "own-tokens".into(), limit);
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_wish_has_one_to_sixteen_pictures_and_a_seed_that_is_a_seed() {
        for (seeds, count, field) in [
            (Seeds::New, 0, "count"),
            (Seeds::New, 17, "count"),
            (Seeds::New, usize::MAX, "count"),
            (Seeds::Exactly(Vec::new()), 1, "count"),
            (Seeds::Sealed(1), 1, "seed"),
            (Seeds::Typed("-1".into()), 1, "seed"),
            (Seeds::Typed("1".repeat(400)), 1, "seed"),
            (Seeds::Typed("18446744073709551616".into()), 1, "seed"),
            (Seeds::Typed(String::new()), 1, "seed"),
        ] {
            let told = refused(&wish(&[], seeds.clone(), count));
            assert_eq!(told.len(), 1, "{seeds:?}");
            assert_eq!(told[0].0, field, "{seeds:?}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default_and_then_it_may_be_a_sealed_picture() {
        let models = models();
        let recipe = recipe(&models);
        let made = |values: &[(&str, &str)], seeds, count| {
            fit(&recipe, &models, &wish(values, seeds, count), || 99).expect("fits")
        };
        let sealed = made(&[], Seeds::Sealed(0), 9);
        assert_eq!(sealed.seeds, [Seed(1 << 40)], "one picture");
        assert_eq!(sealed.anchor(&recipe, sealed.seeds[0]), Some(0));
        let other = made(&[("colour", "blue")], Seeds::Sealed(0), 1);
        assert_eq!(other.anchor(&recipe, other.seeds[0]), None);
        let new = made(&[("dish", "pizza")], Seeds::New, 3);
        assert_eq!(new.seeds, [Seed(99); 3]);
        assert_eq!(new.values["dish"], "pizza");
        assert_eq!(new.values["colour"], "red");
        let typed = made(&[], Seeds::Typed(u64::MAX.to_string()), 2);
        assert_eq!(typed.seeds, [Seed(u64::MAX), Seed(0)]);
    }

    #[test]
    fn a_recipe_of_a_model_that_is_gone_says_so() {
        let models = models();
        let mut recipe = recipe(&models);
        recipe.model = schema::recipe::ModelDigest::of(b"nobody's");
        let wrong = fit(&recipe, &models, &wish(&[], Seeds::New, 1), || 1);
        let wrong = wrong.expect_err("no such model");
        assert_eq!(wrong[0].code, "own-model-gone");
    }
}
