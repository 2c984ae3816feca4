//! Pieces that several features show: pictures, facts, fields, money and times.

use crate::ui::shell;
use crate::ui::visit::Visit;
use base::lang::Lang;
use leptos::prelude::*;
use schema::failure::FieldError;

/// The URL of a labelled public copy.
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
    id: &'static str,
    name: &'static str,
    value: String,
    rows: u32,
    #[prop(optional)] most: Option<usize>,
    #[prop(optional)] plain: bool,
    #[prop(optional)] invalid: bool,
) -> impl IntoView {
    // The first line end behind the tag is not part of the text; one of ours keeps the text's own.
    let text = format!("\n{}", shell::escape(&value));
    view! {
        <textarea id=id name=name rows=rows maxlength=most spellcheck=plain.then_some("false") aria-invalid=invalid.then_some("true")
            aria-describedby=invalid.then(|| format!("{id}-error")) inner_html=text></textarea>
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
