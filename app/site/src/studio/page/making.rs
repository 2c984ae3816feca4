//! The second step: what the next pictures are made with, and the pictures, each with its values and its seed.

use super::begin;
use super::shown::{Shown, problems, step_heading};
use crate::library::slots::{self, shown_name};
use crate::studio::form::Typed;
use crate::ui::pieces::Picture;
use crate::ui::progress;
use base::lang::Lang;
use islands::studio::LiveProgress;
use leptos::prelude::*;
use market::machines::Stands;
use market::studio::PictureState;
use market::studio::service::{Content, Made, PictureRow};
use schema::template::Variable;

pub(super) fn step(lang: Lang, shown: &Shown, generate: &str) -> impl IntoView + use<> {
    let none = shown.pictures.is_empty();
    let waits = shown
        .pictures
        .iter()
        .filter(|(picture, _)| picture.state == PictureState::Waiting)
        .count();
    let waits = i64::try_from(waits).unwrap_or(i64::MAX);
    let waiting = (waits > 0).then(|| waiting(lang, waits, next_s(shown)));
    let away = shown.stands.values().find_map(|stands| match stands {
        Stands::Away { model } => Some(model.clone()),
        _ => None,
    });
    let away = away.map(|model| {
        let text = lang.with("model-away-line", &[("model", model.into())]);
        view! { <p class="hint" id="model-away">{text}</p> }
    });
    let items: Vec<_> = shown
        .pictures
        .iter()
        .map(|(picture, made)| item(lang, shown, picture, made, generate))
        .collect();
    let older = shown.older.then(|| {
        let href = lang.path(&format!("/studio/drafts/{}?pictures=all#pictures", shown.row.id));
        view! { <p class="more"><a class="button button--small" href=href>{lang.text("pictures-older")}</a></p> }
    });
    let seed = shown.typed.seed.clone();
    view! {
        <section class="card step" id="pictures" aria-labelledby="pictures-title">
            {step_heading(lang, "pictures-title", "2", "pictures")}
            <div class="making" id="generate-form">
                <div class="field-row" id="values">{values(lang, &shown.content, &shown.typed)}</div>
                {problems(lang, shown, &["values", "seed", "count"])}
                <div class="making__seed">
                    <div class="field">
                        <label for="seed">{lang.text("seed")}</label>
                        <input id="seed" name="seed" value=seed inputmode="numeric" autocomplete="off" placeholder=lang.text("seed-random") aria-describedby="seed-hint"/>
                    </div>
                    <button class="button" type="submit" formaction=generate.to_owned() name="explore" value="9" id="explore">{lang.text("explore-9")}</button>
                </div>
                <p class="field__hint" id="seed-hint">{lang.text("seed-hint")}</p>
            </div>
            <p class="actions"><a class="button button--small" href=lang.path(&format!("/studio/drafts/{}/compare", shown.row.id)) id="to-compare">{lang.text("compare-open")}</a></p>
            {begin::varied(lang, shown)}
            {problems(lang, shown, &["picture", "varied"])}
            {none.then(|| view! { <p class="quiet">{lang.text("pictures-none")}</p> })}
            {(!none).then(|| view! { <p class="field__hint">{lang.text("pictures-hint")}</p> })}
            {away}
            {waiting}
            <ul class="gallery plain">{items}</ul>
            {older}
        </section>
    }
}

/// A field for each variable: what the next pictures are made with.
pub(super) fn values(lang: Lang, content: &Content, typed: &Typed) -> Vec<AnyView> {
    let fields = content.variables.iter().map(|(name, variable)| {
        let field = format!("value_{name}");
        let id = format!("value-{name}");
        let chosen = typed.values.get(name);
        let chosen = chosen.filter(|value| variable.text_of(name, value).is_ok());
        let chosen = chosen.cloned().unwrap_or_else(|| variable.default_value());
        let input = match variable {
            Variable::Choice { choices, .. } => {
                let options: Vec<_> = choices
                    .iter()
                    .map(|choice| view! { <option value=choice.label.clone() selected=choice.label == chosen>{choice.label.clone()}</option> })
                    .collect();
                view! { <select id=id.clone() name=field>{options}</select> }.into_any()
            }
            Variable::Text { max_characters, .. } => {
                view! { <input id=id.clone() name=field value=chosen maxlength=*max_characters autocomplete="off"/> }.into_any()
            }
            Variable::Number { minimum, maximum, step, .. } => {
                view! { <input id=id.clone() type="number" name=field value=chosen min=*minimum max=*maximum step=*step/> }.into_any()
            }
        };
        // What was not chosen follows the variable, also when that is changed meanwhile.
        let (usual, default) = (format!("usual_{name}"), variable.default_value());
        view! { <div class="field"><label for=id>{shown_name(name)}</label>{input}<input type="hidden" name=usual value=default/></div> }.into_any()
    });
    let fields: Vec<_> = fields.collect();
    match fields.is_empty() {
        true => vec![view! { <p class="quiet">{lang.text("values-none")}</p> }.into_any()],
        false => fields,
    }
}

/// When the oldest of those that wait is done, as far as that was measured.
fn next_s(shown: &Shown) -> Option<i64> {
    let mut waiting = shown
        .pictures
        .iter()
        .rev()
        .filter_map(|(picture, _)| shown.stands.get(&picture.id));
    waiting.find_map(|stands| match stands {
        Stands::Waits { about_s } => *about_s,
        _ => None,
    })
}

/// How many pictures wait, how long that takes, and the way to take them back.
fn waiting(lang: Lang, count: i64, wait_s: Option<i64>) -> impl IntoView + use<> {
    let about = wait_s.map(|seconds| match seconds {
        ..=90 => lang.with("wait-seconds", &[("count", seconds.into())]),
        _ => lang.with("wait-minutes", &[("count", ((seconds + 59) / 60).into())]),
    });
    view! {
        <p class="row" id="waiting">
            <span class="quiet typed-only">{lang.text("picture-ready")}</span>
            <span class="quiet">{lang.with("pictures-wait", &[("count", count.into())])} " " {about}</span>
            <button class="button button--small" type="submit" form="cancel-form" id="cancel-waiting">{lang.text("cancel-waiting")}</button>
        </p>
    }
}

fn item(lang: Lang, shown: &Shown, picture: &PictureRow, made: &Made, generate: &str) -> AnyView {
    let cancel = lang.path(&format!("/studio/pictures/{}/cancel", picture.id));
    match picture.state {
        PictureState::Done => done(lang, shown, picture, made, generate).into_any(),
        PictureState::Failed => view! {
            <li class="gallery__item gallery__item--failed">
                <p class="field-error">{lang.text("picture-failed")}</p>
                <p class="quiet">{lang.text_or_itself(&picture.error.clone().unwrap_or_default())}</p>
                <button class="button button--small" type="submit" form="cancel-form" formaction=cancel>{lang.text("picture-remove")}</button>
            </li>
        }
        .into_any(),
        PictureState::Waiting | PictureState::Running => {
            let stands = shown.stands.get(&picture.id);
            let label = match stands {
                Some(Stands::Made { .. }) => "picture-stop",
                _ => "picture-cancel",
            };
            let cancel = view! { <button class="button button--small" type="submit" form="cancel-form" formaction=cancel>{lang.text(label)}</button> };
            let line = progress::line(lang, stands, picture.step, picture.steps);
            let url = format!("/studio/pictures/{}/progress", picture.id);
            let (step, steps) = (picture.step, picture.steps);
            // A page with words that are stored nowhere is not loaded again by itself.
            let progress = match shown.unsaved {
                true => view! { <span>{line}</span> }.into_any(),
                false => view! { <LiveProgress url line step steps/> }.into_any(),
            };
            view! { <li class="gallery__item gallery__item--waiting">{progress}{cancel}</li> }.into_any()
        }
    }
}

/// A picture that is made: to be picked, and what it was made with.
fn done(
    lang: Lang,
    shown: &Shown,
    picture: &PictureRow,
    made: &Made,
    generate: &str,
) -> impl IntoView + use<> {
    let id = picture.id.to_string();
    let stale = picture.text_tag != shown.tag;
    let values = slots::line(&made.values);
    let alt = match values.is_empty() {
        true => lang.text("picture-alt"),
        false => format!("{}: {values}", lang.text("picture-alt")),
    };
    let size = shown.content.size;
    let (width, height) = size.map_or((128, 128), |size| (size.width, size.height));
    let file = lang.path(&format!("/studio/pictures/{id}/file"));
    let (seed, picked) = (made.seed.to_string(), shown.typed.picked.contains(&id));
    let typed = (!made.drawn).then(|| {
        view! { <span class="tag">{lang.text("picture-typed")}</span> }
    });
    let look = made
        .native
        .then(|| view! { <span class="tag">{lang.text("picture-native")}</span> });
    let stale = stale || made.native;
    let pick = match stale {
        true => view! { <span class="gallery__note">{lang.text("picture-stale")}</span> }.into_any(),
        false => view! { <span class="gallery__pick"><input type="checkbox" name="picture" value=id.clone() checked=picked/>" "{lang.text("picture-pick")}</span> }.into_any(),
    };
    let only = (!stale && made.drawn).then(|| {
        view! { <button class="link" type="submit" name="only" value=id.clone()>{lang.text("picture-only")}</button> }
    });
    view! {
        <li class="gallery__item" class:gallery__item--stale=stale>
            <label class="gallery__shot">
                <span class="mat"><Picture src=file alt width=i64::from(width) height=i64::from(height)/></span>
                {pick}
            </label>
            <p class="gallery__made">
                {(!values.is_empty()).then(|| view! { <span>{values.clone()}</span> })}
                <span class="quiet">{lang.text("seed")}" "</span><code class="digest" title=seed.clone()>{seed.clone()}</code>
                {typed}
                {look}
            </p>
            <p class="gallery__again">
                <button class="link" type="submit" formaction=generate.to_owned() name="same" value=id.clone()>{lang.text("picture-same-seed")}</button>
                {begin::buttons(lang, shown, &id)}
                {only}
            </p>
        </li>
    }
}
