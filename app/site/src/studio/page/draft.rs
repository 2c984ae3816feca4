//! A draft: one form in three steps, with what its prompt becomes and the button that makes pictures of it always in sight.
//!
//! The one rule: every button sends the whole page, so that nothing typed is lost, and the first one of it saves: Enter presses that.

use super::shown::Shown;
use super::{making, offer, recipe};
use crate::studio::form::Typed;
use crate::ui::pieces::{FormKey, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use market::models::Models;
use market::studio::service::{Content, Preview};
use schema::failure::FieldError;
use schema::id::DraftId;
use schema::money::FeeSchedule;

pub(in crate::studio) fn draft(
    visit: &Visit,
    shown: &Shown,
    models: &Models,
    fee: FeeSchedule,
) -> Response {
    let lang = visit.lang;
    let status = match shown.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let title = shown.row.title.clone();
    shell::page(visit, &title.clone(), status, || {
        let path = lang.path(&format!("/studio/drafts/{}", shown.row.id));
        let (rows, prompt) = (format!("{path}/rows"), format!("{path}/prompt"));
        let (generate, cancel) = (format!("{path}/generate"), format!("{path}/cancel"));
        view! {
            <div class="wide">{heading(title, Some(lang.text("draft-line")))}</div>
            {published(lang, shown)}
            {refused(lang, shown)}
            <form method="post" action=cancel id="cancel-form" hidden=true><input type="hidden" name="draft" value=shown.row.id.to_string()/></form>
            <form class="studio" method="post" action=path id="draft-form" data-fragment=prompt>
                <FormKey/>
                <input type="hidden" name="seen" value=shown.row.updated_ms/>
                {steps(lang, shown)}
                {recipe::step(lang, shown, models, &rows)}
                {making::step(lang, shown, &generate)}
                {offer::step(lang, shown, fee)}
                {bar(lang, shown, rows, generate)}
            </form>
            {give_up(lang, &shown.row.id)}
        }
        .into_any()
    })
}

/// What a draft became: changing it changes nothing that is sealed.
fn published(lang: Lang, shown: &Shown) -> Option<impl IntoView + use<>> {
    shown.published.clone().map(|listing| {
        let href = lang.path(&format!("/listings/{}", listing.slug));
        let state = lang.text(&format!("listing-state-{}", listing.state.name()));
        view! {
            <p class="hint" id="published">
                {lang.text("draft-published")} " " <a href=href>{listing.title}</a> " " <span class="tag">{state}</span> " "
                {lang.text("draft-published-line")}
            </p>
        }
    })
}

/// Something is wrong: where, for whoever does not see the whole page at once.
fn refused(lang: Lang, shown: &Shown) -> Option<impl IntoView + use<>> {
    let count = i64::try_from(shown.errors.len()).unwrap_or(0);
    (count > 0).then(|| {
        let text = lang.with("draft-refused", &[("count", count.into())]);
        view! { <p class="field-error" role="alert" id="refused">{text}</p> }
    })
}

/// The three steps, and the button that Enter presses.
fn steps(lang: Lang, shown: &Shown) -> impl IntoView + use<> {
    let made = shown.pictures.len();
    let count = (made > 0).then(|| {
        let more = if shown.older { "+" } else { "" };
        view! { <span class="steps-nav__count">{format!("{made}{more}")}</span> }
    });
    view! {
        <div class="studio__steps">
            <nav aria-label=lang.text("draft-steps")>
                <ol class="steps-nav">
                    <li><a href="#recipe"><span class="step__number">"1"</span>{lang.text("draft-recipe")}</a></li>
                    <li><a href="#pictures"><span class="step__number">"2"</span>{lang.text("pictures")}{count}</a></li>
                    <li><a href="#listing"><span class="step__number">"3"</span>{lang.text("draft-listing")}</a></li>
                </ol>
            </nav>
            <button class="button button--small" type="submit" id="save-draft">{lang.text("save")}</button>
        </div>
    }
}

/// What the prompt becomes, and the buttons that make pictures of it.
fn bar(lang: Lang, shown: &Shown, rows: String, generate: String) -> impl IntoView + use<> {
    let counts = ["1", "4", "9"].map(|count| {
        let chosen = shown.typed.count == count;
        view! { <option value=count selected=chosen>{lang.with("pictures-count", &[("count", count.parse::<i64>().unwrap_or(1).into())])}</option> }
    });
    view! {
        <section class="studio__bar" aria-label=lang.text("generate")>
            <div class="prompt" id="prompt">{prompt(lang, &shown.preview)}</div>
            <div class="studio__go">
                <button class="button plain-only" type="submit" formaction=rows name="check" value="1" formnovalidate=true id="check-prompt">{lang.text("prompt-check")}</button>
                <label class="visually-hidden" for="count">{lang.text("count")}</label>
                <select id="count" name="count">{counts.into_iter().collect_view()}</select>
                <button class="button button--primary" type="submit" formaction=generate id="generate">{lang.text("generate")}</button>
            </div>
        </section>
    }
}

/// The prompt with the values that are chosen, and how much of the model's room it takes.
fn prompt(lang: Lang, preview: &Result<Preview, Vec<FieldError>>) -> AnyView {
    let preview = match preview {
        Ok(preview) => preview,
        Err(errors) => {
            let texts: Vec<_> = errors
                .iter()
                .map(|error| view! { <p class="field-error" role="status">{lang.field_error(error)}</p> })
                .collect();
            return texts.into_any();
        }
    };
    let (text, limit) = (preview.prompt.clone(), preview.limit);
    let used = preview.tokens.unwrap_or(limit + 1);
    let tokens = match preview.tokens {
        Some(count) => lang.with(
            "prompt-tokens",
            &[("count", count.into()), ("limit", limit.into())],
        ),
        None => lang.with("prompt-tokens-many", &[("limit", limit.into())]),
    };
    let negative = preview.negative_tokens.map(|count| {
        let counts = [("count", count.into()), ("limit", limit.into())];
        view! { <span>{lang.with("prompt-negative-tokens", &counts)}</span> }
    });
    let long = used > limit || preview.negative_tokens.is_some_and(|count| count > limit);
    view! {
        <p class="prompt__text"><span class="visually-hidden">{lang.text("prompt-becomes")}" "</span><code>{text}</code></p>
        <p class="prompt__tokens" class:field-error=long>
            <progress max=limit value=used.min(limit) aria-hidden="true"></progress>
            <span id="prompt-tokens">{tokens}</span>
            {negative}
        </p>
    }
    .into_any()
}

/// What changes on the page while somebody types: each part names its place.
pub(in crate::studio) fn fragment(
    lang: Lang,
    typed: &Typed,
    content: &Content,
    preview: &Result<Preview, Vec<FieldError>>,
) -> String {
    let owner = Owner::new();
    let html = owner.with(|| {
        view! {
            <div data-place="prompt">{prompt(lang, preview)}</div>
            <div data-place="values">{making::values(lang, content, typed)}</div>
        }
        .to_html()
    });
    owner.cleanup();
    html
}

/// The end of a draft, behind a first press so that it does not happen by mistake.
fn give_up(lang: Lang, id: &DraftId) -> impl IntoView + use<> {
    view! {
        <details class="give-up" id="give-up">
            <summary>{lang.text("draft-delete")}</summary>
            <form method="post" action=lang.path(&format!("/studio/drafts/{id}/delete"))>
                <p>{lang.text("draft-delete-line")}</p>
                <button class="button" type="submit" id="delete-draft">{lang.text("draft-delete")}</button>
            </form>
        </details>
    }
}
