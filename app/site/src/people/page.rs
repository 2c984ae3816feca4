//! Pages of accounts.

use crate::ui::form::Form;
use crate::ui::pieces::{Code, Field, FormKey, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use islands::keys::{KeyEnd, KeyEndTexts, KeyMaker, KeyTexts};
use leptos::prelude::*;
use market::demo::people::{PASSWORD, ROLES};
use market::log::keys::Key;
use market::people::service::Person;
use schema::failure::FieldError;
use schema::key_event::Reason;

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
    let (demo, for_roles) = (visit.demo, next.clone());
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/sign-in")>
                {heading(title, None)}
                {wrong.then(|| view! { <p class="field-error" role="alert">{lang.text("sign-in-wrong")}</p> })}
                <input type="hidden" name="next" value=next.clone()/>
                <Field lang name="email" kind="email" label=lang.text("email") value=email autocomplete="username" required=true errors=Vec::new()/>
                <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=Vec::new()/>
                <button class="button button--primary" type="submit">{lang.text("sign-in")}</button>
                <p class="quiet"><a href=lang.path("/account/link") id="forgotten">{lang.text("link-forgotten")}</a></p>
                <p class="quiet"><a href=lang.path(&format!("/sign-up?next={}", shell::encode(&next)))>{lang.text("sign-in-new")}</a></p>
            </form>
            {demo.then(|| demo_roles(lang, &for_roles))}
        }
        .into_any()
    })
}

/// Everybody of the demo, one click each.
fn demo_roles(lang: Lang, next: &str) -> impl IntoView + use<> {
    let roles = ROLES.map(|role| {
        let (word, email) = (role.name, role.email);
        let (name, line) = (format!("demo-role-{word}"), format!("demo-does-{word}"));
        view! {
            <li>
                <button class="demo-role" name="role" value=word id=name.clone()>
                    <strong>{lang.text(&name)}</strong>
                    <span>{lang.text(&line)}</span>
                    <span class="quiet">{email}</span>
                </button>
            </li>
        }
    });
    let next = next.to_owned();
    view! {
        <form class="card card--form demo-roles" method="post" action=lang.path("/sign-in/demo") aria-labelledby="demo-roles">
            <h2 id="demo-roles">{lang.text("demo-roles")}</h2>
            <p>{lang.text("demo-roles-line")}</p>
            <input type="hidden" name="next" value=next/>
            <ul>{roles.into_iter().collect_view()}</ul>
            <p class="hint">{lang.with("demo-password", &[("password", PASSWORD.into())])}</p>
        </form>
    }
}

/// Asks for the password again.
pub(super) fn confirm(visit: &Visit, next: &str, wrong: bool) -> Response {
    let lang = visit.lang;
    let title = lang.text("confirm-title");
    let status = match wrong {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let next = next.to_owned();
    let errors: Vec<FieldError> = wrong
        .then(|| FieldError::new("password", "password-wrong"))
        .into_iter()
        .collect();
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/account/confirm")>
                {heading(title, Some(lang.text("confirm-line")))}
                <input type="hidden" name="next" value=next/>
                <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=errors/>
                <button class="button button--primary" type="submit" id="confirm">{lang.text("confirm-submit")}</button>
            </form>
        }
        .into_any()
    })
}

/// The page behind a mailed link: the guest sets a password.
pub(super) fn claim(
    visit: &Visit,
    token: &str,
    guest: bool,
    handle: &str,
    errors: Vec<FieldError>,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("claim");
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let action = lang.path(&format!("/account/claim/{token}"));
    let handle = handle.to_owned();
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=action>
                {heading(title, Some(lang.text("claim-line")))}
                {guest.then(|| view! { <Field lang name="handle" label=lang.text("handle") hint=lang.text("claim-handle-hint") value=handle autocomplete="username" errors=errors.clone()/> })}
                <Field lang name="password" kind="password" label=lang.text("password") hint=lang.text("password-hint") value="" autocomplete="new-password" required=true errors=errors/>
                <button class="button button--primary" type="submit" id="claim">{lang.text("claim-submit")}</button>
            </form>
        }
        .into_any()
    })
}

/// The page behind the link that shows an address to be one's own.
pub(super) fn prove(visit: &Visit, token: &str, works: bool) -> Response {
    let lang = visit.lang;
    let title = lang.text(if works { "prove" } else { "link-over" });
    let (status, line) = match works {
        true => (StatusCode::OK, "prove-line"),
        false => (StatusCode::GONE, "prove-over-line"),
    };
    let action = lang.path(&format!("/account/prove/{token}"));
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <section class="card card--form">
                {heading(title, Some(lang.text(line)))}
                {works.then(|| view! { <form method="post" action=action><button class="button button--primary" type="submit" id="prove">{lang.text("prove-submit")}</button></form> })}
                {(!works).then(|| view! { <p class="actions"><a class="button" href=lang.path("/account")>{lang.text("account")}</a></p> })}
            </section>
        }
        .into_any()
    })
}

/// Says that the address is not known to be its owner's yet, and sends the link again.
fn unproven(lang: Lang) -> impl IntoView + use<> {
    view! {
        <form class="hint" method="post" action=lang.path("/account/prove") id="unproven">
            {lang.text("unproven")} " " <button class="button button--small" type="submit">{lang.text("unproven-again")}</button>
        </form>
    }
}

/// Asks for the address that a link is mailed to. `over` says that the link which led here opens nothing any more.
pub(super) fn link(visit: &Visit, email: &str, over: bool, errors: Vec<FieldError>) -> Response {
    let lang = visit.lang;
    let title = lang.text(if over { "link-over" } else { "link-title" });
    let status = match (over, errors.is_empty()) {
        (true, _) => StatusCode::GONE,
        (false, true) => StatusCode::OK,
        (false, false) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let line = lang.text(if over { "link-over-line" } else { "link-line" });
    let demo = visit.demo;
    let email = email.to_owned();
    shell::page(visit, &title.clone(), status, move || {
        view! {
            <form class="card card--form" method="post" action=lang.path("/account/link")>
                {heading(title, Some(line))}
                <Field lang name="email" kind="email" label=lang.text("email") value=email autocomplete="email" required=true errors=errors/>
                <button class="button button--primary" type="submit" id="send-link">{lang.text("link-send")}</button>
                {demo.then(|| view! { <p class="hint">{lang.text("link-demo")}</p> })}
            </form>
        }
        .into_any()
    })
}

pub(super) fn account(
    visit: &Visit,
    (person, proven): (&Person, bool),
    keys: Vec<Key>,
    origin: &str,
) -> Response {
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
    // Before a key is made, not after: what is refused then was made for nothing.
    let href = lang.path("/account/confirm?next=/account");
    let confirm = (!visit.confirmed).then(|| view! { <p class="hint" id="confirm-first">{lang.text("confirm-first-keys")}" "<a href=href id="to-confirm">{lang.text("confirm-submit")}</a></p> });
    shell::ok(visit, &title.clone(), move || {
        let rows = keys
            .iter()
            .map(|key| {
                let place = match (&key.reason, &key.end_leaf_hash) {
                    (Some(reason), Some(leaf)) => {
                        let href = lang.path(&format!("/proofs/{leaf}"));
                        view! { <a class="tag tag--bad" href=href>{lang.text(&format!("key-reason-{reason}"))}</a> }.into_any()
                    }
                    _ => {
                        let href = lang.path(&format!("/account/keys/{}", key.key_hash));
                        view! { <a class="button button--small" href=href>{lang.text("key-end-open")}</a> }.into_any()
                    }
                };
                view! { <li class="row"><span class="row__main"><Code text=key.public_key.clone()/></span>{place}</li> }
            })
            .collect_view();
        let registered: Vec<String> = keys
            .iter()
            .filter(|key| key.reason.is_none())
            .map(|key| key.public_key.clone())
            .collect();
        let none = keys
            .is_empty()
            .then(|| view! { <p class="quiet">{lang.text("keys-none")}</p> });
        view! {
            {heading(title, Some(person.email.clone()))}
            {(!proven).then(|| unproven(lang))}
            <section class="card" id="keys">
                <h2>{lang.text("keys")}</h2>
                <p>{lang.text("keys-line")}</p>
                {confirm}
                {none}
                <ul class="plain">{rows}</ul>
                <form id="key-form" method="post" action=lang.path("/account/keys")><FormKey/>
                    <input type="hidden" name="key"/>
                    <input type="hidden" name="signature"/>
                </form>
                <KeyMaker texts origin person=person.id.to_string() registered/>
                <noscript><p class="hint">{lang.text("needs-script-cli")}</p></noscript>
            </section>
            <form method="post" action=lang.path("/sign-out")>
                <button class="button" type="submit">{lang.text("sign-out")}</button>
            </form>
        }
        .into_any()
    })
}

/// The end of one key: what it means, on its own word, or with the account's password when it is lost.
pub(super) fn key(
    visit: &Visit,
    key: Key,
    all: Vec<Key>,
    origin: &str,
    form: &Form,
    errors: Vec<FieldError>,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("key-end");
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let origin = origin.to_owned();
    let chosen = (
        form.get("reason").to_owned(),
        form.get("successor").to_owned(),
    );
    let about = errors
        .iter()
        .find(|error| error.field != "password")
        .map(|error| lang.field_error(error));
    let texts = KeyEndTexts {
        passphrase: lang.text("key-passphrase"),
        sign: lang.text("key-end-sign"),
        working: lang.text("key-working"),
        wrong: lang.text("key-wrong"),
        absent: lang.text("key-end-absent"),
    };
    let others: Vec<String> = all
        .into_iter()
        .filter(|other| other.key_hash != key.key_hash && other.reason.is_none())
        .map(|other| other.public_key)
        .collect();
    shell::page(visit, &title.clone(), status, move || {
        // Whoever cannot sign has most likely lost the key.
        let reasons = |usual: Reason| {
            let chosen = Reason::parse(&chosen.0).unwrap_or(usual);
            Reason::ALL.map(|reason| {
                let name = reason.name();
                view! { <option value=name selected=reason == chosen>{lang.text(&format!("key-reason-{name}"))}</option> }
            })
        };
        let successors = || {
            others
                .iter()
                .map(|key| view! { <option value=key.clone() selected=*key == chosen.1>{key.clone()}</option> })
                .collect_view()
        };
        let action = lang.path(&format!("/account/keys/{}", key.key_hash));
        let ended = key.reason.is_some();
        let choices = |at: &'static str, usual: Reason| {
            view! {
                <label class="field"><span>{lang.text("key-end-reason")}</span><select name="reason" id=format!("reason-{at}")>{reasons(usual).into_iter().collect_view()}</select></label>
                <label class="field"><span>{lang.text("key-end-successor")}</span><select name="successor" id=format!("successor-{at}")><option value="">{lang.text("key-end-no-successor")}</option>{successors()}</select></label>
            }
        };
        view! {
            {heading(title, Some(lang.text("key-end-line")))}
            {about.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
            <section class="card"><Code text=key.public_key.clone()/></section>
            {(!ended).then(|| view! {
                <section class="card">
                    <h2>{lang.text("key-end-own")}</h2>
                    <p>{lang.text("key-end-own-line")}</p>
                    {choices("own", Reason::Routine)}
                    <form id="key-end-form" method="post" action=action.clone()><FormKey/>
                        <input type="hidden" name="envelope"/>
                        <input type="hidden" name="leaf"/>
                    </form>
                    <KeyEnd texts origin key=key.public_key.clone()/>
                    <noscript><p class="hint">{lang.text("needs-script-cli")}</p></noscript>
                </section>
                <form class="card" method="post" action=action><FormKey/>
                    <h2>{lang.text("key-end-account")}</h2>
                    <p>{lang.text("key-end-account-line")}</p>
                    {choices("account", Reason::Lost)}
                    <Field lang name="password" kind="password" label=lang.text("password") value="" autocomplete="current-password" required=true errors=errors/>
                    <button class="button" type="submit" id="key-end-by-account">{lang.text("key-end-submit")}</button>
                </form>
            })}
        }
        .into_any()
    })
}
