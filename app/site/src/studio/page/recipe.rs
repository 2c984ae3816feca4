//! The first step: the template, its variables, and how it is sampled.

use super::begin;
use super::shown::{Shown, problems, step_heading};
use crate::studio::form::{Typed, size_text};
use crate::studio::variables::{KINDS, Row};
use crate::ui::pieces::{Field, TextArea};
use base::lang::Lang;
use engine::metadata::{SAMPLERS, sampler_title};
use engine::model::Manifest;
use islands::studio::PhraseChips;
use leptos::prelude::*;
use market::models::{self, Models};
use market::studio::service::Content;
use schema::invisible;
use schema::template::{MAX_TEMPLATE_BYTES, MAX_VARIABLES, Variable};

pub(super) fn step(
    lang: Lang,
    shown: &Shown,
    models: &Models,
    rows_path: &str,
) -> impl IntoView + use<> {
    let (typed, content, errors) = (&shown.typed, &shown.content, shown.errors.clone());
    let wrong_template = errors.iter().any(|error| error.field == "template");
    let (unseen, idle_negative) = (unseen(lang, content), idle_negative(lang, content));
    // A draft whose model is gone is still shown; what is wrong stands at its form.
    let model = content
        .model(models)
        .unwrap_or_else(|_| models.usual())
        .clone();
    let manifest = &model.manifest;
    let styles = manifest.styles.get(lang.tag()).cloned().unwrap_or_default();
    let chosen = content.size.or(manifest.sizes.first().copied());
    let sizes: Vec<_> = manifest
        .sizes
        .iter()
        .map(|size| {
            let text = format!("{} × {}", size.width, size.height);
            view! { <option value=size_text(*size) selected=chosen == Some(*size)>{text}</option> }
        })
        .collect();
    let hint = lang.with(
        "template-hint",
        &[("tokens", i64::from(manifest.text_tokens).into())],
    );
    let sampling = sampling(lang, typed, manifest);
    // Said where the model is chosen, and not only when everything is ready to be sealed.
    let unsold = (!models.may_be_sold(&model)).then(|| {
        view! { <p class="hint" id="model-unsold">{lang.text("field-model-not-for-sale")}</p> }
    });
    let shown_model = model.digest.to_string();
    let model = model_field(lang, content, models, model.digest);
    view! {
        <section class="card step" id="recipe" aria-labelledby="recipe-title">
            {step_heading(lang, "recipe-title", "1", "draft-recipe")}
            <div class="field">
                <label for="template">{lang.text("template")}</label>
                <TextArea id="template" name="template" rows=3 most=MAX_TEMPLATE_BYTES plain=true invalid=wrong_template value=typed.template.clone()/>
                <p class="field__hint">{hint}</p>
                <div id="template-error">{problems(lang, shown, &["template"])}</div>
            </div>
            {unseen}
            <div class="phrases">
                <span class="field__hint">{lang.text("style-hint")}</span>
                <PhraseChips target="template".to_owned() phrases=styles/>
            </div>
            {variables(lang, shown, rows_path)}
            <Field lang name="negative" label=lang.text("negative") value=typed.negative.clone() errors=errors.clone()/>
            {idle_negative}
            {model}
            <input type="hidden" name="model_shown" value=shown_model/>
            {unsold}
            <div class="field-row">
                <Field lang name="steps" label=lang.text("steps") kind="number" value=typed.steps.clone() errors=errors.clone()/>
                <Field lang name="guidance" label=lang.text("guidance") value=typed.guidance.clone() errors=errors/>
                <label class="field" for="size"><span>{lang.text("size")}</span><select id="size" name="size">{sizes}</select></label>
            </div>
            {sampling}
            {quick_look(lang, shown)}
            {problems(lang, shown, &["size", "model", "sampler"])}
            {begin::fields(lang, shown)}
        </section>
    }
}

/// Sampler, layers and brackets, for a model that takes them.
fn sampling(lang: Lang, typed: &Typed, manifest: &Manifest) -> Option<impl IntoView + use<>> {
    manifest.scheduler.schedule()?;
    let samplers: Vec<_> = SAMPLERS
        .iter()
        .map(|name| {
            let selected = *name == typed.sampler;
            view! { <option value=*name selected=selected>{*name}</option> }
        })
        .collect();
    let own = [("sampler", sampler_title(&manifest.scheduler).into())];
    let own = lang.with("sampler-own", &own);
    let most = manifest.most_clip_skip();
    let skips = (0..=most).map(|skip| {
        let selected = typed.clip_skip == skip.to_string();
        view! { <option value=skip.to_string() selected=selected>{skip}</option> }
    });
    let skips = (most > 0).then(|| {
        let skips = skips.collect_view();
        view! { <label class="field" for="clip-skip"><span>{lang.text("clip-skip")}</span><select id="clip-skip" name="clip_skip">{skips}</select></label> }
    });
    Some(view! {
        <div class="field-row">
            <label class="field" for="sampler"><span>{lang.text("sampler")}</span><select id="sampler" name="sampler"><option value="">{own}</option>{samplers}</select></label>
            {skips}
        </div>
        {(most > 0).then(|| view! { <p class="field__hint">{lang.text("clip-skip-hint")}</p> })}
        <label class="check" for="weights"><input type="checkbox" id="weights" name="weights" value="1" checked=typed.weights/> {lang.text("weights")}</label>
        <p class="field__hint">{lang.text("weights-hint")}</p>
    })
}

/// Pictures by an execution provider, where the shop has one: quick, near, and not to be sealed.
fn quick_look(lang: Lang, shown: &Shown) -> Option<impl IntoView + use<>> {
    let provider = [("provider", shown.provider?.into())];
    Some(view! {
        <label class="check" for="native"><input type="checkbox" id="native" name="native" value="1" checked=shown.typed.native/> {lang.with("native", &provider)}</label>
        <p class="field__hint">{lang.text("native-hint")}</p>
    })
}

/// The models that are here, when there are several.
fn model_field(
    lang: Lang,
    content: &Content,
    models: &Models,
    chosen: schema::recipe::ModelDigest,
) -> AnyView {
    // A draft of a time when there was one model stays without a name for it.
    let unnamed = content.model.is_none().then(|| models.usual().digest);
    let value = |digest| match unnamed == Some(digest) {
        true => String::new(),
        false => digest.to_string(),
    };
    let choices: Vec<_> = models
        .iter()
        .map(|other| {
            let selected = other.digest == chosen;
            let name = match models.may_be_sold(other) {
                true => models::name(other),
                false => lang.with("model-not-sold", &[("model", models::name(other).into())]),
            };
            view! { <option value=value(other.digest) selected=selected>{name}</option> }
        })
        .collect();
    match choices.len() {
        0 | 1 => view! { <input type="hidden" name="model" value=value(chosen)/> }.into_any(),
        _ => view! { <label class="field" for="model"><span>{lang.text("model")}</span><select id="model" name="model">{choices}</select></label> }.into_any(),
    }
}

/// A row for each variable, and the button for one more.
fn variables(lang: Lang, shown: &Shown, path: &str) -> impl IntoView + use<> {
    let last = shown.typed.rows.len();
    let rows: Vec<_> = shown
        .typed
        .rows
        .iter()
        .enumerate()
        .map(|(place, row)| variable(lang, place, row, shown.new_row && place + 1 == last, path))
        .collect();
    let add = (last < MAX_VARIABLES).then(|| {
        view! { <button class="button button--small" type="submit" formaction=path.to_owned() name="add" value="1" formnovalidate=true id="add-variable">{lang.text("variable-add")}</button> }
    });
    view! {
        <fieldset class="variables" id="variables">
            <legend>{lang.text("variables")}</legend>
            <p class="field__hint">{lang.text("variables-hint")}</p>
            <div class="variables__rows">{rows}</div>
            {problems(lang, shown, &["variables"])}
            <p class="actions">{add}</p>
        </fieldset>
    }
}

/// One variable. Of the fields only those of its kind are shown, where the browser can tell; the others do no harm.
fn variable(lang: Lang, place: usize, row: &Row, first: bool, path: &str) -> AnyView {
    let id = |part: &str| format!("variable-{part}-{place}");
    let shown = row.kind.clone();
    let kinds = KINDS.map(|kind| {
        view! { <option value=kind selected=kind == shown>{lang.text(&format!("variable-{kind}"))}</option> }
    });
    let number = i64::try_from(place + 1).unwrap_or(i64::MAX);
    let legend = lang.with("variable-row", &[("number", number.into())]);
    let remove = lang.with("variable-remove", &[("number", number.into())]);
    let field = |name: &'static str, label: &str, value: &str, numeric: bool| {
        let id = id(name);
        view! {
            <div class="field">
                <label for=id.clone()>{lang.text(label)}</label>
                <input id=id name=format!("variable_{name}") value=value.to_owned() autocomplete="off" inputmode=numeric.then_some("numeric")/>
            </div>
        }
    };
    view! {
        <fieldset class="variable">
            <legend class="visually-hidden">{legend}</legend>
            <div class="variable__head">
                <div class="field">
                    <label for=id("name")>{lang.text("variable-name")}</label>
                    <input id=id("name") name="variable_name" value=row.name.clone() maxlength="32" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus=first/>
                </div>
                <div class="field">
                    <label for=id("kind")>{lang.text("variable-kind")}</label>
                    <select id=id("kind") name="variable_kind">{kinds.into_iter().collect_view()}</select>
                </div>
                <button class="button button--small button--quiet" type="submit" formaction=path.to_owned() name="remove" value=place.to_string() formnovalidate=true aria-label=remove><span class="icon icon--close"></span></button>
            </div>
            <div class="variable__choice field" data-chips="pairs" data-entry=lang.text("variable-choice-label") data-text=lang.text("variable-choice-text")
                data-add=lang.text("add") data-remove=lang.text("remove")>
                <label for=id("choices")>{lang.text("variable-choices")}</label>
                <TextArea id=id("choices") name="variable_choices" rows=3 plain=true value=row.choices.clone()/>
                <p class="field__hint plain-only">{lang.text("variable-choices-hint")}</p>
                <p class="field__hint scripted-only">{lang.text("variable-chips-hint")}</p>
            </div>
            <div class="variable__text field-row">
                {field("text", "variable-text-default", &row.text, false)}
                {field("characters", "variable-characters", &row.characters, true)}
            </div>
            <div class="variable__number field-row">
                {field("minimum", "variable-minimum", &row.minimum, true)}
                {field("maximum", "variable-maximum", &row.maximum, true)}
                {field("step", "variable-step", &row.step, true)}
                {field("number", "variable-number-default", &row.number, true)}
            </div>
        </fieldset>
    }
    .into_any()
}

/// Characters of the texts that nobody sees: they change the picture, and no buyer would find out why.
fn unseen(lang: Lang, content: &Content) -> Option<impl IntoView + use<>> {
    let choices = content
        .variables
        .values()
        .flat_map(|variable| match variable {
            Variable::Choice { choices, .. } => choices.as_slice(),
            Variable::Text { .. } | Variable::Number { .. } => &[],
        });
    let texts = [content.template.as_str(), content.negative.as_str()];
    let mut found: Vec<String> = texts
        .into_iter()
        .chain(choices.map(|choice| choice.text.as_str()))
        .flat_map(invisible::find)
        .map(|hidden| format!("U+{:04X}", u32::from(hidden.character)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(8);
    let list = found.join(", ");
    (!list.is_empty()).then(|| {
        let text = lang.with("invisible-hint", &[("found", list.into())]);
        view! { <p class="hint" id="invisible-hint">{text}</p> }
    })
}

/// A negative prompt is weighed against the prompt by guidance, which 1 and less turn off.
fn idle_negative(lang: Lang, content: &Content) -> Option<impl IntoView + use<>> {
    let idle = !content.negative.is_empty() && content.guidance_milli <= 1000;
    idle.then(|| view! { <p class="hint" id="negative-idle">{lang.text("negative-idle")}</p> })
}
