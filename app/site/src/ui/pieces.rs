//! Pieces that several features show: pictures, facts, fields, money and times.

use crate::ui::shell;
use crate::ui::visit::Visit;
use base::lang::Lang;
use leptos::prelude::*;
use market::pictures::{Place, Shape};
use schema::failure::FieldError;

/// The address of a copy of a public picture, as long as `side` at most.
fn copy_url(blob: &str, side: u32, lang: Lang, extension: &str) -> String {
    format!("/pictures/{blob}-{side}-{}.{extension}", lang.tag())
}

/// The path of a picture that stands for a page where a link to it is shown; others than browsers read PNG more surely.
#[must_use]
pub fn page_picture(lang: Lang, blob: &str, width: i64, height: i64) -> String {
    let shape = Shape::of(Place::Stage, width, height);
    copy_url(blob, shape.sides[0], lang, "png")
}

/// A public picture in its place, in its own pixels or whole multiples of them, with a notice in the reader's language. It is multiplied onto
/// the mat that it lies on.
#[component]
pub fn Shown(
    lang: Lang,
    #[prop(into)] blob: String,
    width: i64,
    height: i64,
    place: Place,
    alt: String,
    #[prop(optional)] eager: bool,
    #[prop(optional)] first: bool,
) -> impl IntoView {
    let shape = Shape::of(place, width, height);
    let mut densities: Vec<(usize, u32)> = (1..).zip(shape.sides.iter().copied()).collect();
    densities.dedup_by_key(|(_, side)| *side);
    let files: Vec<String> = densities
        .iter()
        .map(|(density, side)| format!("{} {density}x", copy_url(&blob, *side, lang, "webp")))
        .collect();
    let plain = copy_url(&blob, shape.sides[0], lang, "png");
    let loading = if eager || first { "eager" } else { "lazy" };
    view! {
        <picture>
            <source type="image/webp" srcset=files.join(", ")/>
            <img class="picture" src=plain alt=alt width=shape.width height=shape.height loading=loading decoding="async"
                fetchpriority=first.then_some("high")/>
        </picture>
    }
}

/// A small picture on a mat, for a line of a list that tells in words what it shows.
#[component]
pub fn LinePicture(lang: Lang, #[prop(into)] blob: String) -> impl IntoView {
    // Every size that the models make has these copies; the style keeps what is not square within them.
    view! { <span class="mat mat--line"><Shown lang blob width=128 height=128 place=Place::Line alt=String::new()/></span> }
}

/// A public picture as large as a card's, on a mat.
#[component]
pub fn MatPicture(
    lang: Lang,
    #[prop(into)] blob: String,
    width: i64,
    height: i64,
    #[prop(into)] alt: String,
) -> impl IntoView {
    view! { <span class="mat mat--card"><Shown lang blob width height place=Place::Card alt/></span> }
}

/// How long ago something was, as people say it.
#[must_use]
pub fn ago(lang: Lang, ms: i64, now_ms: i64) -> String {
    const MINUTE_MS: i64 = 60_000;
    let minutes = (now_ms - ms).max(0) / MINUTE_MS;
    let (name, count) = match minutes {
        0 => return lang.text("ago-now"),
        1..60 => ("ago-minutes", minutes),
        60..1440 => ("ago-hours", minutes / 60),
        1440..43_200 => ("ago-days", minutes / 1440),
        _ => return lang.date(ms),
    };
    lang.with(name, &[("count", count.into())])
}

/// The URL of a labelled public copy, as it was sealed.
#[must_use]
pub fn picture_url(blob: &str) -> String {
    format!("/media/{blob}.png")
}

/// A picture with its size, so that nothing moves when it arrives.
#[component]
pub fn Picture(
    src: String,
    alt: String,
    width: i64,
    height: i64,
    #[prop(optional)] eager: bool,
) -> impl IntoView {
    let loading = if eager { "eager" } else { "lazy" };
    view! { <img class="picture" src=src alt=alt width=width height=height loading=loading decoding="async"/> }
}

/// An instant, exact for machines and readable for people.
#[component]
pub fn Time(lang: Lang, ms: i64) -> impl IntoView {
    view! { <time datetime=schema::time::utc(ms)>{lang.time(ms)}</time> }
}

/// One row of a list of facts.
#[component]
pub fn Fact(label: String, children: Children) -> impl IntoView {
    view! { <div class="facts__row"><dt>{label}</dt><dd>{children()}</dd></div> }
}

/// A long digest: the whole text for copying, cut by CSS where there is no room.
#[component]
pub fn Code(text: String) -> impl IntoView {
    view! { <code class="digest" title=text.clone()>{text.clone()}</code> }
}

/// A labelled input with its error, tied together for screen readers.
#[component]
pub fn Field(
    lang: Lang,
    name: &'static str,
    label: String,
    #[prop(into)] value: String,
    #[prop(optional)] kind: Option<&'static str>,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] required: bool,
    errors: Vec<FieldError>,
) -> impl IntoView {
    let error = errors
        .iter()
        .find(|error| error.field == name)
        .map(|error| lang.field_error(error));
    let first = errors.first().is_some_and(|error| error.field == name);
    let (error_id, hint_id) = (format!("{name}-error"), format!("{name}-hint"));
    let described = [
        error.as_ref().map(|_| error_id.clone()),
        hint.as_ref().map(|_| hint_id.clone()),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name name=name type=kind.unwrap_or("text") value=value autocomplete=autocomplete required=required autofocus=first
                aria-invalid=error.is_some().then_some("true") aria-describedby=(!described.is_empty()).then_some(described)/>
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            {error.map(|error| view! { <p class="field-error" id=error_id>{error}</p> })}
        </div>
    }
}

/// A field of several lines. Every one of them is made here: a browser reads what stands in a `textarea` as text up to its end tag,
/// so it must be escaped, and leptos writes the children of this element as they are.
#[component]
pub fn TextArea(
    #[prop(into)] id: String,
    name: &'static str,
    value: String,
    rows: u32,
    #[prop(optional)] most: Option<usize>,
    #[prop(optional)] plain: bool,
    #[prop(optional)] invalid: bool,
) -> impl IntoView {
    let error = invalid.then(|| format!("{id}-error"));
    // The first line end behind the tag is not part of the text; one of ours keeps the text's own.
    let text = format!("\n{}", shell::escape(&value));
    view! {
        <textarea id=id name=name rows=rows maxlength=most spellcheck=plain.then_some("false") aria-invalid=invalid.then_some("true")
            aria-describedby=error inner_html=text></textarea>
    }
}

/// The hidden idempotency key of a form that moves money or signs.
#[component]
pub fn FormKey() -> impl IntoView {
    view! { <input type="hidden" name="form_key" value=base::once::new_key()/> }
}

/// While work goes on: a page without JavaScript asks again by itself.
#[component]
pub fn RefreshWithoutScript(seconds: u32) -> impl IntoView {
    view! { <noscript><meta http-equiv="refresh" content=seconds.to_string()/></noscript> }
}

/// A page's heading with an optional line below it.
pub fn heading(title: String, line: Option<String>) -> impl IntoView {
    view! {
        <div class="heading">
            <h1>{title}</h1>
            {line.map(|line| view! { <p class="heading__line">{line}</p> })}
        </div>
    }
}

/// Nothing here yet, and what to do about it.
pub fn empty(visit: &Visit, text: &str, action: Option<(&str, &str)>) -> impl IntoView + use<> {
    let lang = visit.lang;
    let text = lang.text(text);
    let action = action.map(|(path, label)| (lang.path(path), lang.text(label)));
    view! {
        <div class="empty">
            <p>{text}</p>
            {action.map(|(path, label)| view! { <a class="button" href=path>{label}</a> })}
        </div>
    }
}
