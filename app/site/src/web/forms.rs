//! Every form of the shop in one table: the page that holds it, whether the password must have been given lately, and why it may be
//! sent twice. One layer keeps what the table says, before any handler runs.
//!
//! The one rule: a route that takes a form and has no row here answers nothing, and `cargo xtask check` names it. A form that moves money,
//! stock, coupons or keys is claimed by its idempotency key before it acts, so that it acts at most once, also when it is cut off.

use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::{Place, Visit};
use crate::web::answer::Undone;
use crate::web::state::AppState;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::db::work::Work;
use base::once::{self, Claim};
use schema::digest::Digest;
use schema::failure::{Code, FieldError};
use std::time::Duration;

/// Whether the password must have been given within ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// It moves no money, touches no key and no bank.
    Nothing,
    /// Without it the form is not looked at.
    Password,
    /// As [`Self::Password`], but the form has a field for it, which its handler checks.
    PasswordInForm,
}

/// What keeps a form that is sent twice from acting twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// Its key is claimed before it acts.
    Key,
    /// It needs none, and why.
    Itself(&'static str),
    /// It holds files, which its handler reads piece by piece within bounds of its own; it needs none either, and why.
    Files(&'static str),
}

/// One form.
#[derive(Clone, Copy, Debug)]
pub struct FormRoute {
    /// The route's pattern.
    pub path: &'static str,
    /// The page that holds the form, with the same names in braces; empty for programs.
    pub page: &'static str,
    pub ask: Ask,
    pub once: Once,
}

const fn open(path: &'static str, page: &'static str, why: &'static str) -> FormRoute {
    FormRoute {
        path,
        page,
        ask: Ask::Nothing,
        once: Once::Itself(why),
    }
}

const fn upload(path: &'static str, page: &'static str, why: &'static str) -> FormRoute {
    FormRoute {
        path,
        page,
        ask: Ask::Nothing,
        once: Once::Files(why),
    }
}

const fn keyed(path: &'static str, page: &'static str, ask: Ask) -> FormRoute {
    FormRoute {
        path,
        page,
        ask,
        once: Once::Key,
    }
}

/// Every route that takes a form.
pub const FORMS: &[FormRoute] = &[
    open(
        "/sign-up",
        "/sign-up",
        "an address and a name are taken once",
    ),
    open("/sign-in", "/sign-in", "a session more moves nothing"),
    open("/sign-in/demo", "/sign-in", "a session more moves nothing"),
    open("/sign-out", "/", "what is ended stays ended"),
    open("/theme", "/", "it sets a cookie"),
    open("/explore/picture", "", "it is compared and not kept"),
    open("/country", "/", "it sets a cookie"),
    open(
        "/account/confirm",
        "/account/confirm",
        "it takes a password",
    ),
    open(
        "/account/claim/{token}",
        "/account/claim/{token}",
        "the link is used up by it",
    ),
    open(
        "/account/link",
        "/account/link",
        "mails to one address are limited",
    ),
    open(
        "/account/prove",
        "/account",
        "mails to one address are limited",
    ),
    open(
        "/account/prove/{token}",
        "/account/prove/{token}",
        "the link is used up by it",
    ),
    keyed("/account/keys", "/account", Ask::Password),
    keyed(
        "/account/keys/{hash}",
        "/account/keys/{hash}",
        Ask::PasswordInForm,
    ),
    open(
        "/log/key-ends",
        "",
        "a key ends once; its signature is the authority",
    ),
    open("/log/attestations", "", "a statement is one leaf"),
    open("/webhooks/stripe", "", "an event is stored once by its id"),
    open(
        "/webhooks/stripe/connect",
        "",
        "an event is stored once by its id",
    ),
    open(
        "/listings/{slug}/report",
        "/listings/{slug}/report",
        "each is a report of its own, and they are limited",
    ),
    open("/cart/add", "/cart", "a cart holds a listing once"),
    open("/cart/add-set", "/cart", "a cart holds a listing once"),
    open("/cart/remove", "/cart", "what is gone stays gone"),
    open("/cart/coupon", "/cart", "a cart has one code"),
    open(
        "/checkout",
        "/cart",
        "it notes its answer in the transaction of the order",
    ),
    open(
        "/orders/{id}/pay",
        "/orders/{id}",
        "an order has one payment at a time",
    ),
    open("/orders/{id}/cancel", "/orders/{id}", "an order ends once"),
    open(
        "/orders/{id}/mail",
        "/orders/{id}",
        "a newer link takes the place of the one before",
    ),
    open(
        "/sandbox/payments/{id}",
        "/sandbox/payments/{id}",
        "a payment is paid once",
    ),
    open(
        "/sandbox/payments/{id}/confirm",
        "/sandbox/payments/{id}",
        "a payment is paid once",
    ),
    keyed("/library/{line}/open", "/library/{line}", Ask::Nothing),
    keyed("/library/{line}/cancel", "/library/{line}", Ask::Nothing),
    keyed("/library/{line}/runs", "/library/{line}", Ask::Nothing),
    keyed("/library/{line}/own", "/library/{line}/own", Ask::Nothing),
    keyed(
        "/library/{line}/own/{run}/again",
        "/library/{line}/own/{run}",
        Ask::Nothing,
    ),
    keyed(
        "/library/{line}/own/{run}/remove",
        "/library/{line}/own",
        Ask::Nothing,
    ),
    open(
        "/library/{line}/own/{run}/stop",
        "/library/{line}/own/{run}",
        "what is over stays over",
    ),
    keyed(
        "/library/{line}/unlabelled",
        "/library/{line}/unlabelled",
        Ask::Nothing,
    ),
    keyed("/listings/{slug}/take", "/listings/{slug}", Ask::Nothing),
    open(
        "/listings/{slug}/try",
        "/listings/{slug}/try",
        "a form is one try, by its key",
    ),
    open(
        "/listings/{slug}/try/{id}/give-up",
        "/listings/{slug}/try",
        "what is over stays over",
    ),
    open(
        "/studio/listings/{id}/trial",
        "/studio",
        "what is on stays on",
    ),
    open(
        "/library/{line}/runs/{run}/attest",
        "/library/{line}/runs/{run}",
        "a statement is one leaf",
    ),
    open(
        "/studio/drafts",
        "/studio",
        "an empty draft more costs nothing",
    ),
    open(
        "/studio/drafts/{id}",
        "/studio/drafts/{id}",
        "the same text is saved",
    ),
    open(
        "/studio/drafts/{id}/rows",
        "/studio/drafts/{id}",
        "it stores nothing",
    ),
    open("/studio/drafts/{id}/prompt", "", "it stores nothing"),
    upload(
        "/studio/drafts/{id}/start",
        "/studio/drafts/{id}",
        "the same picture begins it",
    ),
    open(
        "/studio/drafts/{id}/begin",
        "/studio/drafts/{id}",
        "the same picture begins it",
    ),
    keyed(
        "/studio/drafts/{id}/compare",
        "/studio/drafts/{id}/compare",
        Ask::Nothing,
    ),
    keyed(
        "/studio/drafts/{id}/vary",
        "/studio/drafts/{id}",
        Ask::Nothing,
    ),
    open(
        "/studio/drafts/{id}/cancel",
        "/studio/drafts/{id}",
        "what is cancelled stays cancelled",
    ),
    open(
        "/studio/drafts/{id}/delete",
        "/studio",
        "what is gone stays gone",
    ),
    open(
        "/studio/pictures/{id}/cancel",
        "/studio",
        "what is cancelled stays cancelled",
    ),
    keyed(
        "/studio/drafts/{id}/generate",
        "/studio/drafts/{id}",
        Ask::Nothing,
    ),
    open(
        "/studio/drafts/{id}/publish",
        "/studio/drafts/{id}",
        "it notes its answer in the transaction of the seal",
    ),
    keyed(
        "/money/sales/{id}/refund",
        "/money/sales/{id}",
        Ask::PasswordInForm,
    ),
    keyed("/money/onboarding", "/money/onboarding", Ask::Password),
    keyed("/money/manual", "/money/onboarding", Ask::PasswordInForm),
    keyed("/money/pause", "/money", Ask::Password),
    keyed("/money/resume", "/money", Ask::Password),
    keyed("/money/coupons", "/money/coupons", Ask::Password),
    keyed("/money/coupons/{id}/end", "/money/coupons", Ask::Password),
    keyed("/money/sets", "/money/sets", Ask::Password),
    keyed("/money/sets/{id}/end", "/money/sets", Ask::Password),
    keyed("/sandbox/onboarding", "/sandbox/onboarding", Ask::Password),
    keyed("/operator/clock", "/operator", Ask::Password),
    keyed("/operator/sweep", "/operator", Ask::Password),
    keyed("/operator/check-books", "/operator", Ask::Password),
    keyed("/operator/withdraw", "/operator", Ask::Password),
    keyed(
        "/operator/background/{job}",
        "/operator/background",
        Ask::Password,
    ),
    keyed(
        "/operator/inbox/{id}",
        "/operator/inbox/{id}",
        Ask::Password,
    ),
    keyed(
        "/operator/operations/{id}/again",
        "/operator/operations",
        Ask::Password,
    ),
    keyed(
        "/operator/operations/{id}/by-hand",
        "/operator/operations",
        Ask::Password,
    ),
    keyed("/operator/payouts/{id}", "/operator/payouts", Ask::Password),
    keyed(
        "/operator/disputes/{id}",
        "/operator/disputes/{id}",
        Ask::Password,
    ),
    keyed(
        "/operator/disputes/{id}/accept",
        "/operator/disputes/{id}",
        Ask::Password,
    ),
    keyed(
        "/operator/reconciliation/suspense",
        "/operator/reconciliation",
        Ask::Password,
    ),
    keyed("/operator/coupons", "/operator/coupons", Ask::Password),
    keyed(
        "/operator/coupons/{id}/end",
        "/operator/coupons",
        Ask::Password,
    ),
    keyed(
        "/operator/copies/{version}",
        "/operator/copies/{version}",
        Ask::Password,
    ),
];

/// The largest form that is read here.
const MAX_BYTES: usize = 512 * 1024;
/// An equal form that is at work is waited for so long, a twentieth of a second at a time.
const WAITS: u32 = 100;
/// A form whose transaction is undone for another's sake is run so often.
const TRIES: u32 = 5;

impl FormRoute {
    /// The page of one form: the pattern with the values that the form's own path has.
    fn page_of(&self, path: &str) -> String {
        let values: Vec<(&str, &str)> = self.path.split('/').zip(path.split('/')).collect();
        let piece = |name: &str| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map_or_else(|| name.to_owned(), |(_, value)| (*value).to_owned())
        };
        self.page
            .split('/')
            .map(piece)
            .collect::<Vec<_>>()
            .join("/")
    }
}

/// The layer around every route.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let pattern = matched.as_ref().map_or("", MatchedPath::as_str);
    let mut response = admitted(&state, pattern, request, next).await;
    // For the log, which tells the pattern: a path may hold the secret of a mailed link.
    response.extensions_mut().insert(matched);
    response
}

async fn admitted(state: &AppState, pattern: &str, mut request: Request, next: Next) -> Response {
    let row = FORMS.iter().find(|row| row.path == pattern);
    let path = request.uri().path().to_owned();
    if request.method() != Method::POST {
        let lang = request.extensions().get::<Place>().map(|place| place.lang);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let response = next.run(request).await;
        // The address of a refused form, typed or followed as a link, leads to the page that holds the form.
        return match (row, lang) {
            (Some(row), Some(lang))
                if reads
                    && response.status() == StatusCode::METHOD_NOT_ALLOWED
                    && !row.page.is_empty() =>
            {
                let page = lang.path(&row.page_of(&path));
                (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
            }
            _ => response,
        };
    }
    let Some(row) = row else {
        // Nothing here takes a form. What should and has no row is named by `cargo xtask check`.
        let allowed = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response();
    };
    if row.page.is_empty() {
        return next.run(request).await;
    }
    let page = row.page_of(&path);
    if let Some(place) = request.extensions_mut().get_mut::<Place>() {
        place.path = page.as_str().into();
    }
    let (mut parts, body) = request.into_parts();
    let Ok(visit) = Visit::from_request_parts(&mut parts, state).await;
    parts.extensions.insert(visit.clone());
    if let Once::Files(_) = row.once {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let Ok(bytes) = axum::body::to_bytes(body, MAX_BYTES).await else {
        return AppError::new(Code::TooLarge).respond(&visit);
    };
    let form = Form::parse(&bytes);
    if (row.ask != Ask::Nothing || row.once == Once::Key)
        && let Err(error) = admit(row, &visit, &form, &page)
    {
        return error.respond(&visit);
    }
    let run = || run(parts, bytes, next);
    match row.once {
        Once::Itself(_) | Once::Files(_) => run().await,
        Once::Key => match once(state, &visit, &path, &form, run).await {
            Ok(response) => response,
            Err(error) => error.respond(&visit),
        },
    }
}

/// Whether this visitor may send this form at all, as far as the table says.
fn admit(row: &FormRoute, visit: &Visit, form: &Form, page: &str) -> Result<(), AppError> {
    // Whoever may not know that a page exists learns nothing by its forms either.
    if row.path.starts_with("/operator/") {
        visit.require_operator()?;
    }
    // What is claimed is claimed by somebody.
    visit.require_person()?;
    if row.ask == Ask::Nothing {
        return Ok(());
    }
    let in_form = row.ask == Ask::PasswordInForm
        && (!form.get("password").is_empty() || !form.get("envelope").is_empty());
    match visit.confirmed || in_form {
        true => Ok(()),
        false => Err(AppError::confirm_needed(page)),
    }
}

/// Runs a form. Where the database undid its transaction for another's sake, and nothing of it was committed, the same form is run
/// again: nobody needs to send it twice.
async fn run(parts: Parts, bytes: Bytes, next: Next) -> Response {
    let mut tries = 1;
    loop {
        let before = Work::commits();
        let request = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let mut response = next.clone().run(request).await;
        if Work::commits() != before {
            response.extensions_mut().remove::<Undone>();
        }
        if tries == TRIES || response.extensions().get::<Undone>().is_none() {
            return response;
        }
        tries += 1;
    }
}

/// Claims the form, runs it, and remembers where it led. What was refused or undone is free again; what failed or was cut off is not,
/// because nobody knows what came of it.
async fn once(
    state: &AppState,
    visit: &Visit,
    path: &str,
    form: &Form,
    run: impl AsyncFnOnce() -> Response,
) -> Result<Response, AppError> {
    let key = form.get("form_key");
    if !once::is_key(key) {
        return Err(AppError::invalid(vec![FieldError::new("form", "form-key")]));
    }
    let owner = visit.require_person()?.id.as_str();
    let content = Digest::sha256(form.content().as_bytes()).hex();
    let mut tx = state.db.write().await?;
    let mut claim = once::claim(&mut tx, owner, path, key, &content).await?;
    tx.commit().await?;
    for _ in 0..WAITS {
        if claim != Claim::AtWork {
            break;
        }
        // Only looked at: whoever is at work may need the writer.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut tx = state.db.read().await?;
        claim = once::find_claim(&mut tx, owner, path, key, &content).await?;
    }
    match claim {
        Claim::Taken => {
            let response = run().await;
            settle(state, owner, path, key, response).await
        }
        Claim::Answered(location) => {
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
        }
        Claim::Other => Err(AppError::invalid(vec![FieldError::new("form", "form-key")])),
        Claim::AtWork => Err(AppError::conflict(FieldError::new("form", "form-sent"))),
    }
}

async fn settle(
    state: &AppState,
    owner: &str,
    path: &str,
    key: &str,
    response: Response,
) -> Result<Response, AppError> {
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let status = response.status();
    if let (StatusCode::SEE_OTHER, Some(location)) = (status, location) {
        let mut tx = state.db.write().await?;
        once::answer(&mut tx, owner, path, key, location).await?;
        tx.commit().await?;
    } else if status.is_client_error()
        || status.is_success()
        || response.extensions().get::<Undone>().is_some()
    {
        let mut tx = state.db.write().await?;
        once::release(&mut tx, owner, path, key).await?;
        tx.commit().await?;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::{Ask, FORMS, Once};
    use std::collections::BTreeSet;

    #[test]
    fn each_form_has_one_row_and_its_page_has_no_value_that_its_path_has_not() {
        let paths: BTreeSet<&str> = FORMS.iter().map(|row| row.path).collect();
        assert_eq!(paths.len(), FORMS.len());
        for row in FORMS {
            let page = row.page_of(row.path);
            assert_eq!(page, row.page, "{}", row.path);
            let names = page.split('/').filter(|piece| piece.starts_with('{'));
            for name in names {
                assert!(row.path.contains(name), "{} has no {name}", row.path);
            }
        }
    }

    #[test]
    fn whatever_an_operator_or_a_creator_does_with_money_asks_for_the_password_and_is_claimed() {
        for row in FORMS {
            let money = [
                "/operator/",
                "/money/",
                "/account/keys",
                "/sandbox/onboarding",
            ];
            if money.iter().any(|prefix| row.path.starts_with(prefix)) {
                assert_ne!(row.ask, Ask::Nothing, "{}", row.path);
                assert_eq!(row.once, Once::Key, "{}", row.path);
            }
        }
    }
}
