//! Routes of accounts: sign up, sign in, sign out, keys, theme, country.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::{COUNTRY, ELSEWHERE, SESSION, THEME, Visit, cookie, safe_path, with_cookie};
use crate::web::state::AppState;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use market::checkout::service::visitors;
use market::log::keys::{self, Ending};
use market::people::guest;
use market::people::service::{self, Error, NewPerson};
use money::provider::tax;
use schema::failure::{Code, FieldError};
use schema::key_event::KeyEnd;
use serde::Deserialize;

const SESSION_S: i64 = 90 * 86_400;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/sign-up", get(sign_up_page).post(sign_up))
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-in/demo", post(sign_in_demo))
        .route("/sign-out", post(sign_out))
        .route("/account/confirm", get(confirm_page).post(confirm))
        .route("/account", get(account_page))
        .route("/account/keys", post(add_key))
        .route("/account/keys/{hash}", get(key_page).post(end_key))
        .route("/log/key-ends", post(end_key_by_program))
        .route("/account/claim/{token}", get(claim_page).post(claim))
        .route("/account/link", get(link_page).post(send_link))
        .route("/account/prove", post(send_proving))
        .route("/account/prove/{token}", get(prove_page).post(prove))
        .route("/theme", post(set_theme))
        .route("/country", post(set_country))
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn sign_up_page(visit: Visit, Query(next): Query<Next>) -> Response {
    page::sign_up(&visit, &Form::default(), &next.next, Vec::new())
}

async fn sign_up(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .clone()
        .answer(async {
            let result =
                match NewPerson::parse(form.get("email"), form.get("handle"), form.get("password"))
                {
                    Ok(new) => {
                        service::sign_up(&state.db, new, "member", visit.lang, &visit.address).await
                    }
                    Err(error) => Err(error),
                };
            match result {
                Ok(id) => {
                    let mut tx = state.db.write().await?;
                    let url = &state.public_url;
                    guest::queue_proving(&mut tx, &state.vault, id.as_str(), url).await?;
                    tx.commit().await?;
                    let token = service::open_session(&state.db, id.as_str(), true).await?;
                    let next = safe_path(form.get("next")).unwrap_or("/account");
                    Ok(with_cookie(
                        visit.redirect_with(next, "welcome"),
                        &cookie(SESSION, &token, SESSION_S),
                    ))
                }
                Err(Error::Invalid(fields)) => {
                    Ok(page::sign_up(&visit, &form, form.get("next"), fields))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn sign_in_page(visit: Visit, Query(next): Query<Next>) -> Response {
    page::sign_in(&visit, &Form::default(), &next.next, false)
}

async fn sign_in(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .clone()
        .answer(async {
            match service::sign_in(
                &state.db,
                form.get("email"),
                form.get("password"),
                &visit.address,
            )
            .await
            {
                Ok(token) => {
                    let next = safe_path(form.get("next")).unwrap_or("/");
                    Ok(with_cookie(
                        visit.redirect(next),
                        &cookie(SESSION, &token, SESSION_S),
                    ))
                }
                Err(Error::WrongCredentials) => {
                    Ok(page::sign_in(&visit, &form, form.get("next"), true))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Signs in as somebody of the demo, without a password. A shop that is none has no such page.
async fn sign_in_demo(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let (role, address) = (form.get("role"), &visit.address);
            let token = market::demo::people::sign_in(&state, role, address).await?;
            let token = token.ok_or_else(|| AppError::new(Code::NotFound))?;
            let next = safe_path(form.get("next")).unwrap_or("/");
            Ok(with_cookie(
                visit.redirect(next),
                &cookie(SESSION, &token, SESSION_S),
            ))
        })
        .await
}

async fn confirm_page(visit: Visit, Query(next): Query<Next>) -> Response {
    visit
        .answer(async {
            visit.require_person()?;
            Ok(page::confirm(&visit, &next.next, false))
        })
        .await
}

/// The password again, before what moves money or cannot be undone; then back to where it was asked for.
async fn confirm(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let token = visit.session.as_deref().unwrap_or_default();
            let password = form.get("password");
            let next = safe_path(form.get("next")).unwrap_or("/account");
            let confirmed = service::confirm(
                &state.db,
                token,
                person.id.as_str(),
                password,
                &visit.address,
            )
            .await;
            match confirmed {
                Ok(()) => Ok(visit.redirect_with(next, "confirmed")),
                Err(Error::WrongCredentials) => Ok(page::confirm(&visit, next, true)),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn claim_page(
    State(state): State<AppState>,
    visit: Visit,
    Path(token): Path<String>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            match guest::find_claim(&mut tx, &token).await? {
                Some(guest) => Ok(page::claim(&visit, &token, guest, "", Vec::new())),
                None => Ok(page::link(&visit, "", true, Vec::new())),
            }
        })
        .await
}

async fn claim(
    State(state): State<AppState>,
    visit: Visit,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let (password, handle) = (form.get("password"), form.get("handle"));
            match take_account(&state, &token, password, handle).await {
                Ok(session) => Ok(with_cookie(
                    visit.redirect_with("/library", "claimed"),
                    &cookie(SESSION, &session, SESSION_S),
                )),
                Err(Error::Invalid(fields)) => {
                    let mut tx = state.db.read().await?;
                    let guest = guest::find_claim(&mut tx, &token).await?.unwrap_or(false);
                    Ok(page::claim(&visit, &token, guest, handle, fields))
                }
                Err(Error::NotFound) => Ok(page::link(&visit, "", true, Vec::new())),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Returns the cookie's value.
async fn take_account(
    state: &AppState,
    token: &str,
    password: &str,
    handle: &str,
) -> Result<String, Error> {
    let chosen = guest::Chosen::check(&state.db, token, password, handle).await?;
    let now = state.clock.now_ms();
    let person = visitors::take_account(&state.db, token, &chosen, now).await?;
    service::open_session(&state.db, &person, true).await
}

/// Sends the link that shows an address to be one's own once more.
async fn send_proving(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.write().await?;
            let url = &state.public_url;
            guest::queue_proving(&mut tx, &state.vault, person.id.as_str(), url).await?;
            tx.commit().await?;
            Ok(visit.redirect_with("/account", "prove-sent"))
        })
        .await
}

async fn prove_page(
    State(state): State<AppState>,
    visit: Visit,
    Path(token): Path<String>,
) -> Response {
    visit
        .answer(async {
            // Whoever signed up with somebody else's address must not be let in by that person's click.
            visit.require_person()?;
            let works = guest::finds_proving(&mut state.db.read().await?, &token).await?;
            Ok(page::prove(&visit, &token, works))
        })
        .await
}

async fn prove(State(state): State<AppState>, visit: Visit, Path(token): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let now = state.clock.now_ms();
            if !visitors::prove(&state.db, &token, person.id.as_str(), now).await? {
                return Ok(page::prove(&visit, &token, false));
            }
            Ok(visit.redirect_with("/account", "proven"))
        })
        .await
}

/// A way back for whoever has no password, or forgot it.
async fn link_page(visit: Visit) -> Response {
    page::link(&visit, "", false, Vec::new())
}

async fn send_link(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let email = form.get("email");
            let (db, vault, url) = (&state.db, &state.vault, &state.public_url);
            match guest::send_link(db, vault, email, url, &visit.address).await {
                Ok(()) => Ok(visit.redirect_with("/sign-in", "link-sent")),
                Err(Error::Invalid(fields)) => Ok(page::link(&visit, email, false, fields)),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn sign_out(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            if let Some(token) = &visit.session {
                service::sign_out(&state.db, token).await?;
            }
            Ok(with_cookie(
                visit.redirect_with("/", "signed-out"),
                &cookie(SESSION, "", 0),
            ))
        })
        .await
}

async fn account_page(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let keys = keys::list(&mut tx, person.id.as_str()).await?;
            let proven = service::is_proven(&mut tx, person.id.as_str()).await?;
            Ok(page::account(
                &visit,
                (person, proven),
                keys,
                &state.log.origin,
            ))
        })
        .await
}

async fn add_key(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            keys::add_key(
                &state.db,
                &state.log.origin,
                person.id.as_str(),
                form.get("key"),
                form.get("signature"),
            )
            .await
            .map_err(Error::from)?;
            Ok(visit.redirect_with("/account", "key-added"))
        })
        .await
}

async fn key_page(
    State(state): State<AppState>,
    visit: Visit,
    Path(hash): Path<String>,
) -> Response {
    visit
        .answer(async { show_key(&state, &visit, &hash, &Form::default(), Vec::new()).await })
        .await
}

async fn show_key(
    state: &AppState,
    visit: &Visit,
    hash: &str,
    form: &Form,
    errors: Vec<FieldError>,
) -> Result<Response, AppError> {
    let person = visit.require_person()?;
    let hash = keys::parse_hash(hash).map_err(Error::from)?;
    let mut tx = state.db.read().await?;
    let all = keys::list(&mut tx, person.id.as_str()).await?;
    let key = all.iter().find(|key| key.key_hash == hash).cloned();
    let key = key.ok_or(Error::NotFound)?;
    Ok(page::key(visit, key, all, &state.log.origin, form, errors))
}

async fn end_key(
    State(state): State<AppState>,
    visit: Visit,
    Path(hash): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let text = |name: &str| form.get(name).to_owned();
    let by_account = text("envelope").is_empty();
    let ending = if by_account {
        Ending::Account {
            reason: text("reason"),
            successor: text("successor"),
        }
    } else {
        Ending::Signed {
            envelope: text("envelope"),
            leaf: text("leaf"),
        }
    };
    visit
        .answer(async {
            let person = visit.require_person()?;
            let wanted = keys::parse_hash(&hash).map_err(Error::from)?;
            let ended = async {
                if by_account {
                    let password = form.get("password");
                    service::check_password(
                        &state.db,
                        person.id.as_str(),
                        password,
                        &visit.address,
                    )
                    .await?;
                }
                let ended =
                    keys::end(&state.db, &state.log, person.id.as_str(), &wanted, ending).await;
                ended.map_err(Error::from)
            };
            match ended.await {
                Ok(()) => Ok(visit.redirect_with("/account", "key-ended")),
                Err(Error::WrongCredentials) => {
                    let wrong = vec![FieldError::new("password", "wrong-password")];
                    show_key(&state, &visit, &hash, &form, wrong).await
                }
                Err(Error::Invalid(errors)) => show_key(&state, &visit, &hash, &form, errors).await,
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Takes a key's end from a program; answers in JSON, since no person reads it here. The signature is the authority.
async fn end_key_by_program(State(state): State<AppState>, body: Bytes) -> Response {
    let refused = |status: StatusCode, why: &str| {
        (status, Json(serde_json::json!({ "error": why }))).into_response()
    };
    let sent = match KeyEnd::parse(&body) {
        Ok(sent) => sent,
        Err(error) => return refused(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    };
    match keys::end_by_key(&state.db, &state.log, &sent).await {
        Ok(leaf) => {
            let page = format!("{}/proofs/{leaf}", state.public_url);
            Json(serde_json::json!({ "leaf_hash": leaf, "page": page })).into_response()
        }
        Err(keys::Error::NotFound) => {
            refused(StatusCode::NOT_FOUND, "nobody registered this key here")
        }
        Err(keys::Error::Invalid(errors)) => {
            let what = errors.first().map_or("", |error| error.code.as_str());
            let why = match what {
                "ended-key" => "this key has ended already",
                "unregistered-key" => {
                    "the successor is not an active key of the same account; register it there first"
                }
                _ => "the statement does not hold",
            };
            refused(StatusCode::UNPROCESSABLE_ENTITY, why)
        }
        Err(error) => {
            tracing::error!(error = %error, "a key's end cannot be logged");
            refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "the log takes no key's end at the moment",
            )
        }
    }
}

async fn set_theme(visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let next = safe_path(form.get("next")).unwrap_or("/").to_owned();
    let (value, age) = match form.get("theme") {
        theme @ ("light" | "dark") => (theme, 31_536_000),
        _ => ("", 0),
    };
    with_cookie(visit.redirect(&next), &cookie(THEME, value, age))
}

/// Whose tax prices are shown with, for a year.
async fn set_country(visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let next = safe_path(form.get("next")).unwrap_or("/").to_owned();
    let chosen = tax::find(visit.tax_rates, form.get("country"));
    let country = chosen.map_or(ELSEWHERE, |taxed| taxed.country);
    with_cookie(visit.redirect(&next), &cookie(COUNTRY, country, 31_536_000))
}
