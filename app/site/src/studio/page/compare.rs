//! A comparison: what to compare, and the pictures beside each other, a row for each prompt and a column for each model.

use super::making;
use crate::studio::form::Typed;
use crate::ui::pieces::{FormKey, Picture, TextArea};
use crate::ui::visit::Visit;
use crate::ui::{progress, shell};
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use islands::studio::LiveProgress;
use leptos::prelude::*;
use market::models::{self, Models};
use market::studio::PictureState;
use market::studio::compare::{Cell, MAX_MORE, Shown};
use market::studio::service::Draft;
use schema::failure::FieldError;
use schema::recipe::ModelDigest;
use schema::template::MAX_TEMPLATE_BYTES;

/// What somebody asked for, or begins with.
pub(in crate::studio) struct Asked {
    pub(in crate::studio) models: Vec<ModelDigest>,
    pub(in crate::studio) prompts: Vec<String>,
    /// The draft's fields, with the values that were chosen.
    pub(in crate::studio) typed: Typed,
    pub(in crate::studio) errors: Vec<FieldError>,
}

pub(in crate::studio) fn choose(
    visit: &Visit,
    draft: &Draft,
    models: &Models,
    asked: &Asked,
) -> Response {
    let lang = visit.lang;
    let status = match asked.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let title = lang.text("compare-title");
    shell::page(visit, &title.clone(), status, || {
        let path = lang.path(&format!("/studio/drafts/{}", draft.row.id));
        let choices: Vec<_> = models
            .iter()
            .map(|model| {
                let checked = asked.models.contains(&model.digest);
                let value = model.digest.to_string();
                view! { <li><label class="check"><input type="checkbox" name="models" value=value checked=checked/>" "{models::name(model)}</label></li> }
            })
            .collect();
        let prompts: Vec<_> = (0..MAX_MORE).map(|at| prompt(lang, at, asked)).collect();
        let values = making::values(lang, &draft.content, &asked.typed);
        let values = (!draft.content.variables.is_empty()).then(|| {
            view! { <div class="field-row">{values}</div> }
        });
        let template = draft.content.template.clone();
        view! {
            <div class="heading">
                <p class="crumbs"><a href=path.clone()>{draft.row.title.clone()}</a></p>
                <h1>{title}</h1>
                <p class="quiet">{lang.text("compare-line")}</p>
            </div>
            <form class="card stack" method="post" action=format!("{path}/compare") id="compare">
                <FormKey/>
                <fieldset class="begin">
                    <legend>{lang.text("compare-models")}</legend>
                    <ul class="plain compare-models">{choices}</ul>
                    {problems(lang, asked, "models")}
                </fieldset>
                <fieldset class="begin">
                    <legend>{lang.text("compare-prompts")}</legend>
                    <p><code class="template">{template}</code></p>
                    <p class="field__hint">{lang.text("compare-prompts-hint")}</p>
                    {prompts}
                </fieldset>
                {values}
                {problems(lang, asked, "count")}
                <p class="actions"><button class="button button--primary" id="compare-go">{lang.text("compare-go")}</button></p>
            </form>
        }
        .into_any()
    })
}

/// A prompt in other words.
fn prompt(lang: Lang, at: usize, asked: &Asked) -> impl IntoView + use<> {
    let id = format!("prompt-{at}");
    let value = asked.prompts.get(at).cloned().unwrap_or_default();
    let label = lang.with("compare-prompt", &[("number", (at as i64 + 2).into())]);
    let wrong = problems(lang, asked, &format!("prompt_{}", at + 1));
    let invalid = !wrong.is_empty();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <TextArea id=id name="prompt" rows=2 most=MAX_TEMPLATE_BYTES plain=true invalid=invalid value=value/>
            {wrong}
        </div>
    }
}

fn problems(lang: Lang, asked: &Asked, field: &str) -> Vec<AnyView> {
    let found = asked.errors.iter().filter(|error| error.field == field);
    found
        .map(|error| {
            view! { <p class="field-error" role="alert">{lang.field_error(error)}</p> }.into_any()
        })
        .collect()
}

pub(in crate::studio) fn shown(visit: &Visit, shown: &Shown) -> Response {
    let lang = visit.lang;
    let title = shown.title.clone();
    shell::ok(visit, &title.clone(), || {
        let columns = shown.columns.len().max(1);
        let heads: Vec<_> = shown
            .columns
            .iter()
            .map(|name| view! { <th scope="col">{name.clone()}</th> })
            .collect();
        let rows: Vec<_> = shown
            .rows
            .iter()
            .zip(shown.cells.chunks(columns))
            .map(|(prompt, cells)| {
                let cells: Vec<_> = cells.iter().map(|cell| place(lang, cell)).collect();
                view! { <tr><th scope="row"><code class="template">{prompt.clone()}</code></th>{cells}</tr> }
            })
            .collect();
        let seed = shown.seed.map(|seed| {
            view! { <p class="quiet">{lang.text("seed")}" "<code>{seed.to_string()}</code>" · "{lang.text("compare-seed")}</p> }
        });
        view! {
            <div class="heading wide">
                <p class="crumbs"><a href=lang.path("/studio")>{lang.text("studio")}</a></p>
                <h1>{lang.with("compare-of", &[("title", title.into())])}</h1>
                {seed}
            </div>
            <div class="wide scroll">
                <table class="comparison" id="comparison">
                    <thead><tr><td></td>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    })
}

/// A picture, how far it is, or that it was given up; and the way to its draft.
fn place(lang: Lang, cell: &Cell) -> AnyView {
    let Some((content, picture)) = &cell.made else {
        return view! { <td class="quiet">{lang.text("compare-gone")}</td> }.into_any();
    };
    let size = content.size;
    let (width, height) = size.map_or((128, 128), |size| (size.width, size.height));
    let inside = match picture.state {
        PictureState::Done => {
            let src = lang.path(&format!("/studio/pictures/{}/file", picture.id));
            view! { <span class="mat"><Picture src alt=lang.text("picture-alt") width=i64::from(width) height=i64::from(height)/></span> }.into_any()
        }
        PictureState::Failed => view! {
            <p class="field-error">{lang.text("picture-failed")}</p>
            <p class="quiet">{picture.error.clone().unwrap_or_default()}</p>
        }
        .into_any(),
        PictureState::Waiting | PictureState::Running => {
            let url = format!("/studio/pictures/{}/progress", picture.id);
            let line = progress::line(lang, cell.stands.as_ref(), picture.step, picture.steps);
            view! { <LiveProgress url line step=picture.step steps=picture.steps/> }.into_any()
        }
    };
    let draft = lang.path(&format!("/studio/drafts/{}#pictures", cell.draft));
    view! { <td>{inside}<a class="comparison__draft" href=draft>{lang.text("compare-draft")}</a></td> }.into_any()
}
