//! The template as a form: a field for each variable, the seed, and how many pictures.

use crate::catalog::page::licence_link;
use crate::library::slots::{self, Slots};
use crate::ui::pieces::{FormKey, Picture, picture_url};
use base::lang::Lang;
use fluent_bundle::FluentValue;
use leptos::prelude::*;
use market::catalog::service::Anchor;
use market::own::history::KEPT_RUNS;
use market::own::service::Holding;
use market::own::wish::MAX_PICTURES;
use schema::failure::FieldError;
use schema::recipe::Recipe;
use schema::template::Values;

/// What the form begins with.
pub(in crate::library) struct Making {
    pub(in crate::library) slots: Slots,
    pub(in crate::library) values: Values,
    /// `new`, `sealed-0` and on, or `typed`.
    pub(in crate::library) seed: String,
    pub(in crate::library) typed: String,
    pub(in crate::library) count: String,
    pub(in crate::library) errors: Vec<FieldError>,
    /// Labelled copies of the sealed pictures, in their order.
    pub(in crate::library) anchors: Vec<Anchor>,
    /// The values that each of them was made with.
    sealed: Vec<Values>,
    /// The language in which the recipe takes words.
    language: String,
}

impl Making {
    /// Defaults, and a new seed for each of four pictures.
    pub(in crate::library) fn new(recipe: &Recipe, anchors: Vec<Anchor>, language: &str) -> Self {
        let variables = recipe.variables.iter();
        let sealed = recipe.anchors.iter();
        Self {
            slots: variables
                .map(|(name, variable)| (name.clone(), variable.public()))
                .collect(),
            values: Values::new(),
            seed: "new".into(),
            typed: String::new(),
            count: "4".into(),
            errors: Vec::new(),
            anchors,
            sealed: sealed.map(|anchor| anchor.values.clone()).collect(),
            language: language.to_owned(),
        }
    }
}

/// The form of a holding.
pub(in crate::library) fn making(
    lang: Lang,
    holding: &Holding,
    making: &Making,
) -> impl IntoView + use<> {
    let action = lang.path(&format!("/library/{}/own", holding.id));
    let words = slots::Words::of(&making.language);
    let fields = slots::fields(lang, &making.slots, &making.values, &making.errors, words);
    let most = MAX_PICTURES.to_string();
    let (count, fixed) = (making.count.clone(), making.slots.is_empty());
    let kept: FluentValue<'_> = KEPT_RUNS.into();
    view! {
        <form class="card own-form" method="post" action=action id="own-form">
            <FormKey/>
            <h2>{lang.text("own-title")}</h2>
            <p class="quiet">{lang.text(if fixed { "own-line-fixed" } else { "own-line" })} " " {licence_link(lang, &holding.version.licence)}</p>
            {problems(lang, &making.errors, &["values", "form"])}
            {fields}
            {seeds(lang, making)}
            <div class="field own-count">
                <label for="own-count">{lang.text("own-count")}</label>
                <input id="own-count" name="count" type="number" min="1" max=most value=count aria-describedby="own-count-hint"/>
                <p class="field__hint" id="own-count-hint">{lang.text("own-count-hint")}</p>
                {problems(lang, &making.errors, &["count"])}
            </div>
            <p class="actions"><button class="button button--primary" id="own-make">{lang.text("own-make")}</button></p>
            <p class="field__hint">{lang.with("own-kept", &[("count", kept)])}</p>
        </form>
    }
}

pub(super) fn problems(
    lang: Lang,
    errors: &[FieldError],
    fields: &[&str],
) -> impl IntoView + use<> {
    let found = errors
        .iter()
        .filter(|error| fields.contains(&error.field.as_str()))
        .map(|error| lang.field_error(error));
    // Focused, so that a page that comes back is seen where something is wrong.
    let found: Vec<_> = found
        .map(
            |text| view! { <p class="field-error" role="alert" tabindex="-1" autofocus>{text}</p> },
        )
        .collect();
    found
}

fn seeds(lang: Lang, making: &Making) -> impl IntoView + use<> {
    let chosen = making.seed.clone();
    let chip = |value: String, inner: AnyView, values: Option<String>| {
        let checked = value == chosen;
        view! {
            <label class="own-chip">
                <input type="radio" name="seed" value=value checked=checked data-values=values/>
                <span>{inner}</span>
            </label>
        }
        .into_any()
    };
    let mut chips = vec![chip(
        "new".into(),
        lang.text("own-seed-new").into_any(),
        None,
    )];
    for (number, anchor) in (1i64..).zip(&making.anchors) {
        let text = lang.with("own-seed-sealed", &[("number", number.into())]);
        let inner = view! { <Picture src=picture_url(&anchor.labelled_blob) alt=String::new() width=32 height=32/> {text} };
        let values = usize::try_from(number - 1)
            .ok()
            .and_then(|at| making.sealed.get(at));
        let values = values.and_then(|values| serde_json::to_string(values).ok());
        chips.push(chip(
            format!("sealed-{}", number - 1),
            inner.into_any(),
            values,
        ));
    }
    chips.push(chip(
        "typed".into(),
        lang.text("own-seed-typed").into_any(),
        None,
    ));
    let typed = making.typed.clone();
    view! {
        <fieldset class="own-slot own-seeds">
            <legend>{lang.text("seed")}</legend>
            <div class="own-chips">{chips}</div>
            <input class="own-seeds__typed" name="typed_seed" value=typed inputmode="numeric" autocomplete="off" maxlength="20" aria-label=lang.text("own-seed-typed") placeholder="0 – 18446744073709551615"/>
            <p class="field__hint">{lang.text("own-seed-hint")}</p>
            {problems(lang, &making.errors, &["seed"])}
        </fieldset>
    }
}
