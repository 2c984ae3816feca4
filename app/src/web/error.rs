//! From a situation to an answer: HTML with ways on, or JSON for machines. The cause goes to the log, never to the page.

use crate::limits::Limit;
use crate::ui::shell;
use crate::web::visit::Visit;
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use leptos::prelude::*;
use schema::failure::{Code, Failure, FieldError};
use std::fmt::Display;

/// A situation, with what was wrong with which field.
#[derive(Debug)]
pub struct AppError {
    /// The situation.
    pub code: Code,
    /// Fields, for forms and JSON.
    pub fields: Vec<FieldError>,
    /// For the log alone.
    pub cause: Option<String>,
    /// Where to go on once the password was given again.
    pub next: Option<String>,
    /// A transaction was undone for another's sake; the same one may succeed.
    pub undone: bool,
    /// In so many seconds it is worth asking again.
    pub wait_s: Option<u64>,
}

/// On an answer: its transaction was undone for another's sake.
#[derive(Clone, Copy, Debug)]
pub struct Undone;

/// In so many seconds whatever did not answer may answer again.
const BUSY_S: u64 = 2;

impl AppError {
    /// A situation without detail.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            fields: Vec::new(),
            cause: None,
            next: None,
            undone: false,
            wait_s: None,
        }
    }

    /// A failure that users learn nothing about but its request id.
    pub fn internal(cause: impl Display) -> Self {
        Self {
            code: Code::Internal,
            fields: Vec::new(),
            cause: Some(cause.to_string()),
            next: None,
            undone: false,
            wait_s: None,
        }
    }

    /// The password has to be given again, and then it goes on at a page of ours.
    #[must_use]
    pub fn confirm_needed(next: &str) -> Self {
        Self {
            next: Some(next.to_owned()),
            ..Self::new(Code::ConfirmNeeded)
        }
    }

    /// Not possible as things are, and why.
    #[must_use]
    pub fn conflict(field: FieldError) -> Self {
        Self {
            fields: vec![field],
            ..Self::new(Code::Conflict)
        }
    }

    /// Something that we depend on does not answer; the cause is for the log.
    pub fn unavailable(cause: impl Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            wait_s: Some(BUSY_S),
            ..Self::new(Code::Unavailable)
        }
    }

    /// Too often, and when that is forgotten.
    #[must_use]
    pub fn too_many(limit: Limit) -> Self {
        Self {
            wait_s: Some(limit.rest_s()),
            ..Self::new(Code::TooMany)
        }
    }

    /// Wrong input, field by field.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self {
            code: Code::Invalid,
            fields,
            cause: None,
            next: None,
            undone: false,
            wait_s: None,
        }
    }

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

impl From<crate::db::Error> for AppError {
    fn from(error: crate::db::Error) -> Self {
        if error.is_retryable() || error.is_out_of_time() {
            return Self {
                undone: error.is_retryable(),
                ..Self::unavailable(error)
            };
        }
        Self::internal(error)
    }
}

impl From<crate::books::service::Error> for AppError {
    fn from(error: crate::books::service::Error) -> Self {
        use crate::books::service::Error;
        match error {
            Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<crate::verify::service::Error> for AppError {
    fn from(error: crate::verify::service::Error) -> Self {
        use crate::verify::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::NotLogged | Error::Busy => Self::new(Code::Unavailable),
            other => Self::internal(other),
        }
    }
}

impl From<crate::account::service::Error> for AppError {
    fn from(error: crate::account::service::Error) -> Self {
        use crate::account::service::Error;
        let code = error.code();
        match error {
            Error::Invalid(fields) => Self::invalid(fields),
            Error::Store(error) => error.into(),
            Error::TooMany(limit) => Self::too_many(limit),
            _ => Self::new(code),
        }
    }
}

impl From<crate::vault::Error> for AppError {
    fn from(error: crate::vault::Error) -> Self {
        match error {
            crate::vault::Error::Erased(_) => Self::new(Code::Gone),
            other => Self::internal(other),
        }
    }
}

impl From<crate::media::Error> for AppError {
    fn from(error: crate::media::Error) -> Self {
        Self::internal(error)
    }
}

/// What a handler returns.
pub type Answer = Result<Response, AppError>;
