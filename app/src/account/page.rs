//! Pages of accounts.

use super::island::{KeyMaker, KeyTexts};
use super::service::Person;
use crate::ui::pieces::{Code, Field, heading};
use crate::ui::shell;
use crate::web::form::Form;
use crate::web::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;
use schema::failure::FieldError;

pub(super) fn sign_up(visit: &Visit, form: &Form, next: &str, errors: Vec<FieldError>) -> Response {
    let lang = visit.lang;
    let title = lang.text("sign-up");
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let field = |name: &str| form.get(name).to_owned();
    let (email, handle, next) = (field("email"), field("handle"), next.to_owned());
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/sign-up")>
                {heading(title, Some(lang.text("sign-up-line")))}
                <input type="hidden" name="next" value=next.clone()/>
                <Field lang name="email" kind="email" label=lang.text("email") value=email autocomplete="email" required=true errors=errors.clone()/>
                <Field lang name="handle" label=lang.text("handle") hint=lang.text("handle-hint") value=handle autocomplete="username" required=true errors=errors.clone()/>
                <Field lang name="password" kind="password" label=lang.text("password") hint=lang.text("password-hint") value="" autocomplete="new-password" required=true errors=errors/>
                <button class="button button--primary" type="submit">{lang.text("sign-up-submit")}</button>
                <p class="quiet">{lang.text("sign-up-have")} " " <a href=lang.path(&format!("/sign-in?next={}", shell::encode(&next)))>{lang.text("sign-in")}</a></p>
            </form>
        }
        .into_any()
    })
}

pub(super) fn sign_in(visit: &Visit, form: &Form, next: &str, wrong: bool) -> Response {
    let lang = visit.lang;
    let title = lang.text("sign-in");
    let status = if wrong {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let (email, next) = (form.get("email").to_owned(), next.to_owned());
    let demo = visit.demo;
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/sign-in")>
                {heading(title, None)}
                {wrong.then(|| view! { <p class="field-error" role="alert">{lang.text("sign-in-wrong")}</p> })}
                <input type="hidden" name="next" value=next.clone()/>
                <Field lang name="email" kind="email" label=lang.text("email") value=email autocomplete="username" required=true errors=Vec::new()/>
                <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=Vec::new()/>
                <button class="button button--primary" type="submit">{lang.text("sign-in")}</button>
                <p class="quiet"><a href=lang.path(&format!("/sign-up?next={}", shell::encode(&next)))>{lang.text("sign-in-new")}</a></p>
                {demo.then(|| view! { <p class="hint">{lang.text("sign-in-demo")}</p> })}
            </form>
        }
        .into_any()
    })
}

pub(super) fn account(visit: &Visit, person: &Person, keys: Vec<String>, origin: &str) -> Response {
    let lang = visit.lang;
    let title = lang.text("account");
    let person = person.clone();
    let origin = origin.to_owned();
    let texts = KeyTexts {
        passphrase: lang.text("key-passphrase"),
        make: lang.text("key-make"),
        import: lang.text("key-import"),
        working: lang.text("key-working"),
        wrong: lang.text("key-wrong"),
        here: lang.text("key-here"),
        elsewhere: lang.text("key-unregistered"),
        export: lang.text("key-export"),
        short: lang.text("key-short"),
    };
    shell::ok(visit, &title.clone(), move || {
        let rows = keys
            .iter()
            .map(|key| view! { <li><Code text=key.clone()/></li> })
            .collect_view();
        let none = keys
            .is_empty()
            .then(|| view! { <p class="quiet">{lang.text("keys-none")}</p> });
        view! {
            {heading(title, Some(person.email.clone()))}
            <section class="card" id="keys">
                <h2>{lang.text("keys")}</h2>
                <p>{lang.text("keys-line")}</p>
                {none}
                <ul class="plain">{rows}</ul>
                <form id="key-form" method="post" action=lang.path("/account/keys")>
                    <input type="hidden" name="key"/>
                    <input type="hidden" name="signature"/>
                </form>
                <KeyMaker texts origin person=person.id.clone() registered=keys/>
                <noscript><p class="hint">{lang.text("needs-script-cli")}</p></noscript>
            </section>
            <form method="post" action=lang.path("/sign-out")>
                <button class="button" type="submit">{lang.text("sign-out")}</button>
            </form>
        }
        .into_any()
    })
}
