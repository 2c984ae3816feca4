//! Routes of the log and of proof pages.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::random;
use market::catalog::ListingState;
use market::log::service;
use market::verify::priority;
use schema::digest::Digest;
use schema::failure::{Code, FieldError};
use serde::Deserialize;
use tower_http::set_header::SetResponseHeaderLayer;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/proofs/{leaf}", get(proof))
        .route("/proofs/{leaf}/bundle", get(bundle))
        .route("/proofs/{leaf}/proof", get(proof_text))
        .route("/priority", get(ask))
        .route("/priority/{first}/{second}", get(compare))
        .route("/log/attestations", post(attest))
        .merge(public())
}

/// What anybody's program may read, from a page of any origin too: nothing here depends on who asks.
fn public() -> Router<AppState> {
    let anybody = SetResponseHeaderLayer::overriding(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::HeaderValue::from_static("*"),
    );
    Router::new()
        .route("/log/vkey", get(vkey))
        .route("/log/keys/{hash}", get(key))
        .route("/log/{*path}", get(file))
        .layer(anybody)
}

/// An answer to a program in one line; people have pages.
fn plain(status: StatusCode, text: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, kind, text).into_response()
}

/// What is not there yet may be there in a moment: nobody keeps the answer, or whoever asks first hides it from everybody behind a cache.
fn absent() -> Response {
    let mut response = plain(StatusCode::NOT_FOUND, "there is no such object\n");
    let never = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}

/// The log did not answer; the reason is the operator's.
fn unreadable(error: &service::Error) -> Response {
    tracing::error!(error = %error, "the public log cannot be read");
    plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "the log cannot be read at the moment\n",
    )
}

/// Takes an owner's statement from a program; answers in JSON, since no person reads it here.
async fn attest(State(state): State<AppState>, body: Bytes) -> Response {
    use market::verify::attest::{Refusal, attest};
    let error = |status: StatusCode, why: &str| {
        (status, Json(serde_json::json!({ "error": why }))).into_response()
    };
    match attest(&state.db, &state.log, &state.intake, &body).await {
        Ok(row) => Json(serde_json::json!({
            "index": row.log_index, "leaf_hash": row.leaf_hash,
            "page": format!("{}/proofs/{}", state.public_url, row.leaf_hash),
        }))
        .into_response(),
        Err(refusal @ Refusal::Wrong(_)) => {
            error(StatusCode::UNPROCESSABLE_ENTITY, &refusal.to_string())
        }
        Err(refusal @ Refusal::NotAnOwner) => error(StatusCode::FORBIDDEN, &refusal.to_string()),
        Err(refusal @ Refusal::TooMany) => {
            error(StatusCode::TOO_MANY_REQUESTS, &refusal.to_string())
        }
        Err(Refusal::Log(service::Error::NotLogged)) => (
            StatusCode::ACCEPTED,
            Json(serde_json::json!({ "queued": true })),
        )
            .into_response(),
        Err(Refusal::Log(why)) => {
            if !matches!(why, service::Error::Busy) {
                tracing::error!(error = %why, "an attestation cannot be logged");
            }
            let mut response = error(
                StatusCode::SERVICE_UNAVAILABLE,
                "the log takes no statement at the moment",
            );
            let soon = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
            response
        }
    }
}

fn not_found<T>(_: T) -> AppError {
    AppError::new(Code::NotFound)
}

async fn vkey(State(state): State<AppState>) -> Response {
    text(format!("{}\n", state.log.verifier), "public, max-age=300")
}

fn text(body: String, caching: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, caching),
        ],
        body,
    )
        .into_response()
}

async fn key(State(state): State<AppState>, Path(hash): Path<String>) -> Response {
    let Ok(hash) = Digest::parse(&hash, "key") else {
        return absent();
    };
    let found = async {
        let mut tx = state.db.read().await?;
        service::find_key(&mut tx, &hash.hex()).await
    };
    match found.await {
        Ok(Some(key)) => text(format!("{key}\n"), "public, max-age=31536000, immutable"),
        Ok(None) => absent(),
        Err(error) => unreadable(&error.into()),
    }
}

/// Tiles and bundles never change; the checkpoint does with every batch.
async fn file(
    State(state): State<AppState>,
    Path(path): Path<String>,
    headers: header::HeaderMap,
) -> Response {
    let (kind, caching) = match path.as_str() {
        "checkpoint" => ("text/plain; charset=utf-8", "public, max-age=2"),
        _ => (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
    };
    let log = state.log.clone();
    let bytes = match tokio::task::spawn_blocking(move || log.file(&path)).await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => return absent(),
        Ok(Err(error)) => return unreadable(&error),
        Err(error) => {
            let error = ledger::Error::new(ledger::ErrorKind::Storage, error.to_string());
            return unreadable(&error.into());
        }
    };
    // Weak: the answer may be compressed on its way.
    let tag = format!("W/\"{}\"", &Digest::sha256(&bytes).hex()[..32]);
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .any(|known| [tag.as_str(), "*"].contains(&known.trim()))
        });
    let about = [
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, tag),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}

async fn proof(State(state): State<AppState>, visit: Visit, Path(leaf): Path<String>) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            // A leaf may be named by its hash or, as people read it off a page, by its index.
            let row = match leaf.parse::<i64>() {
                Ok(index) if leaf.len() < 16 => {
                    service::get_leaf_by_index(&mut tx, &state.log.origin, index).await?
                }
                _ => {
                    service::get_leaf(
                        &mut tx,
                        &Digest::parse(&leaf, "leaf").map_err(not_found)?.hex(),
                    )
                    .await?
                }
            };
            let listing = market::catalog::service::find_by_leaf(&mut tx, &row.leaf_hash)
                .await?
                .filter(|listing| listing.state == ListingState::Live);
            let statement = service::find_statement(&mut tx, &row.leaf_hash).await?;
            let about = service::list_about(&mut tx, &row.leaf_hash).await?;
            let key_hash = row.parse()?.key_hash.hex();
            let key = service::find_key(&mut tx, &key_hash).await?;
            let end = market::log::keys::find_signer_end(&mut tx, &row, &key_hash).await?;
            let proof = match state.log.prove(&mut tx, &row).await {
                Ok(proof) => Some(proof),
                Err(service::Error::NotLogged) => None,
                Err(error) => return Err(error.into()),
            };
            let alike =
                market::moderation::service::list_resemblances(&mut tx, &row.leaf_hash).await?;
            let date = state.log.date(&mut tx, &row).await?;
            let withdrawal = service::find_withdrawal(&mut tx, &state.log, &row.leaf_hash).await?;
            let picture = match &listing {
                Some(listing) => {
                    market::catalog::service::list_anchors(&mut tx, &listing.version_id)
                        .await?
                        .into_iter()
                        .next()
                }
                None => None,
            };
            drop(tx);
            let checks = page::Checks::run(&row, key.as_deref(), proof.as_ref(), &state.log);
            let known = page::Known {
                row,
                listing,
                picture,
                statement,
                about,
                alike,
                key,
                end,
                withdrawal,
                date,
                proof,
                checks,
            };
            Ok(page::proof(
                &visit,
                known,
                &state.log,
                random::real_now_ms(),
            ))
        })
        .await
}

/// Takes what people paste, and leads to the address that two recipes have for good.
async fn ask(State(state): State<AppState>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(&Bytes::from(query.unwrap_or_default()));
    visit
        .answer(async {
            let (first, second) = (form.get("first"), form.get("second"));
            if first.is_empty() || second.is_empty() {
                return Ok(page::ask(&visit, first, second, Vec::new()));
            }
            let mut tx = state.db.read().await?;
            let (mut found, mut errors) = (Vec::new(), Vec::new());
            for (field, text) in [("first", first), ("second", second)] {
                match priority::resolve(&mut tx, &state.log.origin, text).await {
                    Ok(leaf) => found.push(leaf),
                    Err(service::Error::NotFound) => {
                        errors.push(FieldError::new(field, "no-such-leaf"));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            match found.as_slice() {
                [one, other] => Ok(visit.redirect(&format!("/priority/{one}/{other}"))),
                _ => Ok(page::ask(&visit, first, second, errors)),
            }
        })
        .await
}

async fn compare(
    State(state): State<AppState>,
    visit: Visit,
    Path((first, second)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let leaf = |text: &str| Digest::parse(text, "leaf").map_err(not_found);
            let (first, second) = (leaf(&first)?.hex(), leaf(&second)?.hex());
            let mut tx = state.db.read().await?;
            let found = priority::compare(&mut tx, &state.log, &first, &second).await?;
            let both = found.ok_or_else(|| AppError::new(Code::Unavailable))?;
            Ok(page::priority(&visit, both, &state.log))
        })
        .await
}

/// Another leaf whose checkpoint the proof is to reach as well.
#[derive(Deserialize)]
struct Beside {
    beside: Option<String>,
}

async fn proof_text(
    State(state): State<AppState>,
    visit: Visit,
    Path(leaf): Path<String>,
    Query(query): Query<Beside>,
) -> Response {
    visit
        .answer(async {
            let hash = Digest::parse(&leaf, "leaf").map_err(not_found)?;
            let mut tx = state.db.read().await?;
            let row = service::get_leaf(&mut tx, &hash.hex()).await?;
            let other = match &query.beside {
                Some(other) => {
                    let hash = Digest::parse(other, "beside").map_err(not_found)?;
                    service::get_leaf(&mut tx, &hash.hex()).await?
                }
                None => row.clone(),
            };
            let proof = state.log.prove_beside(&mut tx, &row, &other).await?;
            Ok(text(proof.to_text(), "public, max-age=60"))
        })
        .await
}

async fn bundle(State(state): State<AppState>, visit: Visit, Path(leaf): Path<String>) -> Response {
    visit
        .answer(async {
            let hash = Digest::parse(&leaf, "leaf").map_err(not_found)?;
            // Nothing of an owner's is opened, so nothing is written: proofs are built beside everybody else's writes.
            let mut tx = state.db.read().await?;
            let listing = market::catalog::service::find_by_leaf(&mut tx, &hash.hex())
                .await?
                .filter(|listing| listing.state == ListingState::Live);
            let listing = listing.ok_or_else(|| not_found(()))?;
            let bundle = market::library::service::bundle(&state, &mut tx, &listing, None).await?;
            drop(tx);
            let bytes = bundle.into_bytes(&state).await?;
            let name = format!("attachment; filename=\"{}-public.seedmark\"", listing.slug);
            let headers = [
                (
                    header::CONTENT_TYPE,
                    "application/vnd.seedmark.bundle+json".to_owned(),
                ),
                (header::CONTENT_DISPOSITION, name),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "sandbox; default-src 'none'".to_owned(),
                ),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}
