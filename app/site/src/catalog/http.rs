//! Routes of the catalog: home, listing, how it works, public pictures.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use market::catalog::service;
use market::catalog::{ListingState, VersionState};
use market::moderation::publication;
use schema::failure::Code;

/// Cards on the first page.
const HOME_CARDS: i64 = 24;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home))
        .route("/how-it-works", get(how))
        .route("/listings/{slug}", get(listing))
        .route("/listings/{slug}/progress", get(progress))
        .route("/media/{name}", get(media))
}

async fn home(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let cards = service::list_newest(&mut tx, HOME_CARDS).await?;
            Ok(page::home(&visit, cards))
        })
        .await
}

async fn how(State(state): State<AppState>, visit: Visit) -> Response {
    page::how(
        &visit,
        &state.log.verifier.to_string(),
        &state.engines.models().usual().digest.to_string(),
        state.log.limits_text(),
    )
}

async fn listing(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let listing = find_visible(&mut tx, &visit, &slug).await?;
            let anchors = service::list_anchors(&mut tx, &listing.version_id).await?;
            let statements = market::log::service::list_about(&mut tx, &listing.leaf_hash).await?;
            let owned = match &visit.person {
                Some(person) => {
                    market::orders::find_owned(&mut tx, person.id.as_str(), &listing.id)
                        .await?
                        .map(String::from)
                }
                None => None,
            };
            let mut sets = Vec::new();
            for set in market::offers::sets::list_of_listing(&mut tx, &listing.id).await? {
                let price = match visit.taxed {
                    // Each part has its tax.
                    Some(taxed) => {
                        let items = market::offers::sets::list_items(&mut tx, &set.id).await?;
                        let parts = market::offers::sets::parts(set.price_minor, &items);
                        parts.into_iter().map(|part| taxed.gross(part)).sum()
                    }
                    None => set.price_minor,
                };
                sets.push((set, price));
            }
            let in_cart = match &visit.cart {
                Some(cart) => {
                    market::checkout::service::is_in_cart(&mut tx, cart, &listing.id).await?
                }
                None => false,
            };
            let model_name = state.engines.models().name_of(&listing.model);
            let in_review = publication::is_waiting(&mut tx, &listing.version_id).await?;
            Ok(page::listing(
                &visit,
                listing,
                anchors,
                statements,
                model_name,
                page::Around {
                    owned,
                    in_cart,
                    in_review,
                    sets,
                },
            ))
        })
        .await
}

/// A listing that this visitor may see: live ones, and one's own before that.
async fn find_visible(
    tx: &mut base::db::Tx,
    visit: &Visit,
    slug: &str,
) -> Result<service::Listing, AppError> {
    let not_found = || AppError::new(Code::NotFound);
    if slug.len() > 64 {
        return Err(not_found());
    }
    let listing = service::find(tx, slug).await?.ok_or_else(not_found)?;
    let own = visit
        .person
        .as_ref()
        .is_some_and(|person| person.id.as_str() == listing.person_id);
    match listing.state {
        ListingState::Live => Ok(listing),
        ListingState::Withdrawn => Err(AppError::new(Code::Gone)),
        ListingState::Certifying | ListingState::Failed if own => Ok(listing),
        ListingState::Certifying | ListingState::Failed => Err(not_found()),
    }
}

async fn progress(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let listing = find_visible(&mut tx, &visit, &slug).await?;
            let in_review = publication::is_waiting(&mut tx, &listing.version_id).await?;
            // The page is done waiting when the review begins, whatever for: it is loaded again and says so.
            let step = match listing.version_state {
                VersionState::Certified if in_review => 4,
                VersionState::Logging => 1,
                VersionState::Certifying => 2,
                VersionState::Certified => 3,
                VersionState::Live | VersionState::Failed => 4,
            };
            Ok(
                axum::Json(serde_json::json!({ "step": step, "steps": 4, "done": step == 4 }))
                    .into_response(),
            )
        })
        .await
}

/// Labelled copies are public; exact files have no route here, whoever guesses their name.
async fn media(State(state): State<AppState>, visit: Visit, Path(name): Path<String>) -> Response {
    visit
        .answer(async {
            let not_found = || AppError::new(Code::NotFound);
            let blob = name
                .strip_suffix(".png")
                .filter(|blob| blob.len() == 64 && blob.bytes().all(|b| b.is_ascii_hexdigit()))
                .ok_or_else(not_found)?;
            let mut tx = state.db.read().await?;
            if !service::is_public_blob(&mut tx, blob).await? {
                return Err(not_found());
            }
            drop(tx);
            let bytes = state.media.get(blob).await?.ok_or_else(not_found)?;
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "sandbox; default-src 'none'",
                ),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}
