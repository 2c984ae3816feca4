//! From a situation to an answer: HTML with ways on, or JSON for machines.

use crate::ui::failure::{Answer, AppError};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use leptos::prelude::*;
use schema::failure::{Code, Failure};

/// On an answer: its transaction was undone for another's sake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undone;

impl Visit {
    /// Runs a handler's body and turns its error into this visitor's page.
    pub async fn answer(&self, body: impl Future<Output = Answer>) -> Response {
        match body.await {
            Ok(response) => response,
            Err(error) => error.respond(self),
        }
    }
}

impl AppError {
    /// The answer for this visitor.
    pub fn respond(self, visit: &Visit) -> Response {
        let (wait_s, undone) = (self.wait_s, self.undone);
        let mut response = self.body(visit);
        if let Some(seconds) = wait_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if undone {
            response.extensions_mut().insert(Undone);
        }
        response
    }

    fn body(self, visit: &Visit) -> Response {
        match &self.cause {
            // What passes by itself is no error of ours.
            Some(cause) if self.code == Code::Unavailable => {
                tracing::warn!(request.id = %visit.request_id, cause, "request given up");
            }
            Some(cause) => {
                tracing::error!(request.id = %visit.request_id, cause, "request failed");
            }
            None => {}
        }
        let status = axum::http::StatusCode::from_u16(self.code.status())
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        if visit.wants_json {
            let failure = Failure {
                code: self.code,
                fields: self.fields,
                request_id: visit.request_id.to_string(),
            };
            return (status, Json(failure)).into_response();
        }
        let lang = visit.lang;
        let title = lang.text(&format!("error-{}-title", self.code.name()));
        let request_id = visit.request_id.to_string();
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|field| lang.field_error(field))
            .collect();
        let show_request = self.code == Code::Internal;
        let sign_in = (self.code == Code::SignInNeeded)
            .then(|| lang.path(&format!("/sign-in?next={}", shell::encode(&visit.path))));
        let confirm = (self.code == Code::ConfirmNeeded).then(|| {
            let next = self.next.as_deref().unwrap_or(&visit.path);
            lang.path(&format!("/account/confirm?next={}", shell::encode(next)))
        });
        // Whoever is kept from trying passwords has another way in.
        let link = (self.code == Code::TooMany && visit.path.starts_with("/sign-in"))
            .then(|| lang.path("/account/link"));
        let heading = title.clone();
        let view = move || {
            view! {
            <section class="notice-page">
                <p class="notice-page__code">{self.code.status()}</p>
                <h1>{heading}</h1>
                <p>{lang.text(&format!("error-{}", self.code.name()))}</p>
                {fields.into_iter().map(|text| view! { <p class="field-error">{text}</p> }).collect_view()}
                {show_request.then(|| view! { <p class="quiet">{lang.text("error-request")} " " <code>{request_id}</code></p> })}
                <p class="actions">
                    {sign_in.map(|href| view! { <a class="button button--primary" href=href>{lang.text("sign-in")}</a> })}
                    {link.map(|href| view! { <a class="button button--primary" href=href>{lang.text("link-forgotten")}</a> })}
                    {confirm.map(|href| view! { <a class="button button--primary" href=href id="to-confirm">{lang.text("confirm-submit")}</a> })}
                    <a class="button" href=lang.path("/")>{lang.text("error-home")}</a>
                    <a class="button button--quiet" href=lang.path("/explore")>{lang.text("nav-explore")}</a>
                </p>
            </section>
        }
        .into_any()
        };
        shell::page(visit, &title, status, view)
    }
}
