//! Routes of the catalog: home, listing, how it works, public pictures.

use super::page;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::progress::answer;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base::lang::Lang;
use base::random;
use market::browse::service as browse;
use market::catalog::service::{self, Viewer};
use market::catalog::{ListingState, VersionState};
use market::machines;
use market::models;
use market::moderation::{publication, report};
use market::pictures::{Format, Wanted};
use market::studio::queue;
use schema::failure::Code;
use schema::recipe::ModelDigest;

/// Sets on the first page.
const HOME_SETS: i64 = 8;
/// Cards in a row below a listing.
const SHELF: i64 = 13;
/// Cards on a creator's page; the rest is found by looking around.
const STOREFRONT_CARDS: i64 = 96;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home))
        .route("/how-it-works", get(how))
        .route("/licences", get(licences))
        .route("/listings/{slug}", get(listing))
        .route("/listings/{slug}/progress", get(progress))
        .route(
            "/listings/{slug}/report",
            get(report_form).post(send_report),
        )
        .route("/creators/{handle}", get(storefront))
        .route("/reports/{receipt}", get(reported))
        .route("/pictures/{name}", get(picture))
        .route("/media/{name}", get(media))
}

async fn home(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let home = market::catalog::home::home(&mut tx).await?;
            let sets = market::offers::sets::list_newest(&mut tx, HOME_SETS).await?;
            Ok(page::home(&visit, home, sets, random::real_now_ms()))
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

async fn licences(visit: Visit) -> Response {
    page::licences(&visit)
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
            let model = ModelDigest::parse(&listing.model).ok();
            let model = model.and_then(|digest| state.engines.models().named(digest).ok());
            let embedded = state.engines.models().usual().digest;
            let model = model.map(|model| page::ModelFacts {
                name: models::name(model),
                bytes: models::bytes(model),
                embedded: model.digest == embedded,
            });
            let version = listing.version_id.as_str();
            let around = page::Around {
                is_begun: market::starting::is_begun(&mut tx, version).await?,
                in_review: publication::is_waiting(&mut tx, &listing.version_id).await?,
                versions: service::list_versions(&mut tx, &listing.id).await?,
                more: service::list_more_by(&mut tx, &listing, SHELF).await?,
                similar: similar(&state, &mut tx, &listing).await?,
                reproduced: listing.reproduced,
                now_ms: random::real_now_ms(),
                anchors,
                statements,
                away: machines::find_absent(&mut tx, &state.here, &listing.model).await?,
                certifying: queue::certifies(&state, &mut tx, &listing.version_id).await?,
                model,
                owned,
                in_cart,
                sets,
            };
            Ok(page::listing(&visit, listing, around))
        })
        .await
}

async fn storefront(
    State(state): State<AppState>,
    visit: Visit,
    Path(handle): Path<String>,
) -> Response {
    visit
        .answer(async {
            let not_found = || AppError::new(Code::NotFound);
            if handle.len() > 128 {
                return Err(not_found());
            }
            let mut tx = state.db.read().await?;
            let found = service::find_creator(&mut tx, &handle, STOREFRONT_CARDS).await?;
            let (creator, cards) = found.ok_or_else(not_found)?;
            Ok(page::storefront(&visit, creator, cards))
        })
        .await
}

async fn report_form(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let listing = find_visible(&mut tx, &visit, &slug).await?;
            Ok(page::report(&visit, &listing, page::Typed::default()))
        })
        .await
}

async fn send_report(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let listing = find_visible(&mut tx, &visit, &slug).await?;
            drop(tx);
            let reporter = report::Reporter {
                person: visit.person.as_ref().map(|person| person.id.as_str()),
                address: &visit.address,
            };
            let (reason, details) = (form.get("reason"), form.get("details"));
            let now_ms = random::real_now_ms();
            let sent =
                report::report(&state.db, reporter, &listing.id, reason, details, now_ms).await;
            match sent {
                Ok(receipt) => Ok(visit.redirect(&format!("/reports/{receipt}"))),
                Err(report::Error::Invalid(errors)) => {
                    let typed = page::Typed {
                        reason: reason.to_owned(),
                        details: details.to_owned(),
                        errors,
                    };
                    Ok(page::report(&visit, &listing, typed))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn reported(
    State(state): State<AppState>,
    visit: Visit,
    Path(receipt): Path<String>,
) -> Response {
    visit
        .answer(async {
            let found = report::find(&state.db, &receipt).await?;
            let found = found.ok_or_else(|| AppError::new(Code::NotFound))?;
            Ok(page::reported(&visit, found))
        })
        .await
}

/// What is like a listing: by what the index knows, and before there is one, of the same shelf.
async fn similar(
    state: &AppState,
    tx: &mut base::db::Tx,
    listing: &service::Listing,
) -> Result<Vec<service::Card>, AppError> {
    // Before it is on sale nobody learns what it resembles: guesses of a sealed recipe could be tested so.
    if listing.state != ListingState::Live {
        return Ok(Vec::new());
    }
    let limit = usize::try_from(SHELF).unwrap_or(0);
    let found = browse::similar(tx, &state.finder, &listing.id, limit).await?;
    match found.is_empty() {
        true => Ok(service::similar(tx, listing, SHELF).await?),
        false => Ok(found),
    }
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
            let stands = queue::certifies(&state, &mut tx, &listing.version_id).await?;
            let state = listing.version_state;
            let line = page::certifying(visit.lang, state, step, stands.as_ref());
            Ok(answer(line, step, 4, step == 4))
        })
        .await
}

fn viewer(visit: &Visit) -> Viewer<'_> {
    match &visit.person {
        Some(person) if person.is_operator() => Viewer::Operator,
        Some(person) => Viewer::Person(person.id.as_str()),
        None => Viewer::Anybody,
    }
}

/// Who may keep a public picture, and for how long. What others share forgets it soon: it may be withdrawn.
fn kept_by(withdrawn: bool) -> &'static str {
    match withdrawn {
        true => "private, no-store",
        false => "public, max-age=31536000, s-maxage=3600, immutable",
    }
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
            let found = service::find_public_picture(&mut tx, blob, viewer(&visit)).await?;
            drop(tx);
            let withdrawn = found.ok_or_else(not_found)?.withdrawn;
            let bytes = state.media.get(blob).await?.ok_or_else(not_found)?;
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, kept_by(withdrawn)),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "sandbox; default-src 'none'",
                ),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}

/// A copy of a public picture: `NAME-SIDE-LANGUAGE.webp` or `.png`.
fn parse_picture(name: &str) -> Option<Wanted> {
    let formats = [Format::WebP, Format::Png];
    let (name, end) = name.rsplit_once('.')?;
    let format = formats.into_iter().find(|known| known.extension() == end)?;
    let (name, lang) = name.rsplit_once('-')?;
    let lang = Lang::ALL.into_iter().find(|known| known.tag() == lang)?;
    let (labelled, side) = name.rsplit_once('-')?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let named = labelled.len() == 64 && labelled.bytes().all(hex);
    // One address for one file: no signs and no zeros in front.
    let side = side
        .parse::<u32>()
        .ok()
        .filter(|number| number.to_string() == side)?;
    named.then(|| Wanted {
        labelled: labelled.to_owned(),
        side,
        lang,
        format,
    })
}

async fn picture(
    State(state): State<AppState>,
    visit: Visit,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    visit
        .answer(async {
            let not_found = || AppError::new(Code::NotFound);
            let wanted = parse_picture(&name).ok_or_else(not_found)?;
            let format = wanted.format;
            let (pictures, viewer) = (&state.pictures, viewer(&visit));
            let found = pictures.find(&state.db, &state.media, wanted, viewer);
            let found = found.await?.ok_or_else(not_found)?;
            let copy = found.copy;
            let tag = format!("\"{}\"", copy.tag);
            let known = headers.get(header::IF_NONE_MATCH);
            let known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
            let about = [
                (header::CONTENT_TYPE, format.content_type().to_owned()),
                (header::CACHE_CONTROL, kept_by(found.withdrawn).to_owned()),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "sandbox; default-src 'none'".to_owned(),
                ),
                (header::ETAG, tag),
            ];
            Ok(match known {
                true => (StatusCode::NOT_MODIFIED, about).into_response(),
                false => (about, copy.bytes.clone()).into_response(),
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::parse_picture;

    #[test]
    fn a_picture_has_one_address_for_each_file() {
        let blob = "ab".repeat(32);
        assert!(parse_picture(&format!("{blob}-256-zh.webp")).is_some());
        for wrong in [
            format!("{blob}-256-zh.jpg"),
            format!("{blob}-256-fr.webp"),
            format!("{blob}-0256-en.webp"),
            format!("{blob}-+256-en.webp"),
            format!("{}-256-en.webp", blob.to_uppercase()),
            format!("{}-256-en.webp", &blob[1..]),
            format!("{blob}.webp"),
            "-.webp".to_owned(),
        ] {
            assert!(parse_picture(&wrong).is_none(), "{wrong}");
        }
    }
}
