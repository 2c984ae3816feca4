//! Routes of the library: what is owned, opening, downloads, re-runs.

use super::list_page;
use super::own::{self, Making};
use super::page;
use super::try_it;
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::progress;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use market::catalog::service as catalog;
use market::library::service;
use market::library::shelf::{self, Asked, Standing};
use market::machines;
use market::orders;
use market::own as rules;
use market::sales;
use market::verify::attest;
use schema::failure::Code;
use schema::id::{LineId, RunId};
use serde::Deserialize;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/library", get(library))
        .route("/library/{line}", get(line))
        .route("/library/{line}/open", post(open))
        .route("/library/{line}/cancel", post(cancel))
        .route("/library/{line}/bundle", get(bundle))
        .route("/library/{line}/pictures/{index}", get(picture))
        .route("/library/{line}/starting/{index}", get(starting))
        .route("/library/{line}/runs", post(start))
        .route("/library/{line}/runs/{run}", get(run))
        .route("/library/{line}/runs/{run}/attest", post(attest))
        .route("/library/{line}/runs/{run}/progress", get(tell))
        .route(
            "/library/{line}/runs/{run}/pictures/{index}",
            get(run_picture),
        )
        .merge(own::http::routes())
        .merge(try_it::http::routes())
}

/// Runs with own values that the line's page shows.
const LATEST_RUNS: i64 = 3;

fn not_found<T>(_: T) -> AppError {
    AppError::new(Code::NotFound)
}

fn line_id(text: &str) -> Result<LineId, AppError> {
    LineId::parse(text).map_err(not_found)
}

/// Headers of a file that is downloaded and never rendered as a page.
pub(super) fn download(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let csp = "sandbox; default-src 'none'".to_owned();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, csp),
    ];
    (headers, bytes).into_response()
}

/// The question in the list's address. What nothing stands for is as if it were not there: a list of one's own has no wrong address.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Question {
    q: String,
    state: String,
    page: String,
}

async fn library(
    State(state): State<AppState>,
    visit: Visit,
    Query(asked): Query<Question>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let asked = Asked {
                words: asked.q.trim().to_owned(),
                standing: Standing::parse(&asked.state),
                page: asked.page.parse().unwrap_or(1),
            };
            let mut tx = state.db.read().await?;
            let shelf = shelf::list(&mut tx, person.id.as_str(), &asked).await?;
            Ok(list_page::library(&visit, &asked, shelf))
        })
        .await
}

async fn line(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let mut tx = state.db.read().await?;
            let line = match service::get_line(&mut tx, &person.id, &id).await {
                Ok(line) => line,
                Err(service::Error::Refunded) => {
                    let line = orders::get_line(&mut tx, &id).await?;
                    let runs = service::list_runs(&mut tx, &id).await?;
                    return Ok(page::refunded(&visit, &line, runs));
                }
                Err(error) => return Err(error.into()),
            };
            let listing = catalog::get_version(&mut tx, &line.version_id).await?;
            let anchors = catalog::list_anchors(&mut tx, &line.version_id).await?;
            if line.opened_ms.is_none() && line.price_minor > 0 {
                return Ok(page::unopened(
                    &visit,
                    &line,
                    &listing,
                    anchors,
                    state.clock.now_ms(),
                ));
            }
            drop(tx);
            let opened = service::recipe(&state, &line).await?;
            let mut tx = state.db.read().await?;
            let runs = service::list_runs(&mut tx, &id).await?;
            let holding = rules::service::hold(&mut tx, &person.id, id.as_str()).await?;
            let model = state.engines.models().named(opened.recipe.model).ok();
            let made = page::Made {
                add_model: model.and_then(|model| model.manifest.add_command()),
                making: Making::new(&opened.recipe, anchors.clone(), &listing.language),
                latest: rules::history::latest(&mut tx, &holding, LATEST_RUNS).await?,
                away: machines::find_absent(&mut tx, &state.here, &listing.model).await?,
                holding,
            };
            Ok(page::opened(
                &visit, &line, &listing, anchors, opened, runs, made,
            ))
        })
        .await
}

async fn open(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            service::open(&state, &person.id, &id).await?;
            Ok(visit.redirect(&format!("/library/{id}")))
        })
        .await
}

async fn cancel(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let mut tx = money::books::begin(&state.db).await?;
            sales::cancel_unopened(&mut tx, person.id.as_str(), &id, state.clock.now_ms()).await?;
            tx.commit().await?;
            Ok(visit.redirect_with("/library", "refunded"))
        })
        .await
}

async fn bundle(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let mut tx = state.db.write().await?;
            let line = service::get_line(&mut tx, &person.id, &id).await?;
            let listing = catalog::get_version(&mut tx, &line.version_id).await?;
            let bundle = service::bundle(&state, &mut tx, &listing, Some(&line)).await?;
            tx.commit().await?;
            let bytes = bundle.into_bytes(&state).await?;
            Ok(download(
                "application/vnd.seedmark.bundle+json",
                &format!("{}.seedmark", listing.slug),
                bytes,
            ))
        })
        .await
}

async fn starting(
    State(state): State<AppState>,
    visit: Visit,
    Path((id, index)): Path<(String, usize)>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let mut tx = state.db.read().await?;
            let line = service::get_line(&mut tx, &person.id, &id).await?;
            drop(tx);
            let file = service::starting_file(&state, &line, index).await?;
            Ok(download("image/png", &format!("start-{index}.png"), file))
        })
        .await
}

/// How a file was asked for.
pub(super) struct Taking {
    is_here: bool,
}

impl Taking {
    /// Whether by whoever gets it, on a page of ours. What is noted is handed out to nobody else: a link of another site, or a program that
    /// looks at the head alone, would write down what nobody took.
    pub(super) fn is_here(&self) -> bool {
        self.is_here
    }
}

impl<S: Sync> FromRequestParts<S> for Taking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let site = parts.headers.get("sec-fetch-site");
        // Another subdomain is another site's hand, too.
        let is_foreign = site.is_some_and(|site| site == "cross-site" || site == "same-site");
        Ok(Self {
            is_here: parts.method == Method::GET && !is_foreign,
        })
    }
}

/// `3` is the exact picture, for whoever gave their word, `3-labelled` the same with the visible AI label.
async fn picture(
    State(state): State<AppState>,
    visit: Visit,
    Path((id, index)): Path<(String, String)>,
    taking: Taking,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let (number, what) = match index.split_once('-') {
                Some((number, what @ ("labelled" | "settings"))) => (number, what),
                Some(_) => return Err(not_found(())),
                None => (index.as_str(), ""),
            };
            let labelled = what == "labelled";
            let number: usize = number.parse().map_err(not_found)?;
            if !labelled && !taking.is_here() {
                return Ok(visit.redirect(&format!("/library/{id}")));
            }
            let mut tx = state.db.read().await?;
            let line = service::get_opened(&mut tx, &person.id, &id).await?;
            let anchors = catalog::list_anchors(&mut tx, &line.version_id).await?;
            drop(tx);
            let anchor = anchors.get(number).ok_or_else(|| not_found(()))?;
            let blob = if labelled {
                &anchor.labelled_blob
            } else {
                &anchor.blob
            };
            let mut bytes = state
                .media
                .get(blob)
                .await?
                .ok_or_else(|| AppError::new(Code::Gone))?;
            if what == "settings" {
                let mut tx = state.db.read().await?;
                let holding = rules::service::hold(&mut tx, &person.id, id.as_str()).await?;
                // Nothing is opened for whoever did not agree.
                if !rules::service::has_acknowledged(&state, &mut tx, &holding).await? {
                    let next = format!("/library/{id}/unlabelled?next=/library/{id}");
                    return Ok(visit.redirect(&next));
                }
                drop(tx);
                bytes = rules::settings::of_sealed(&state, &holding, number, bytes).await?;
            }
            // Noted once it is there, and before it leaves.
            if !labelled {
                let mut tx = state.db.write().await?;
                let holding = rules::service::hold(&mut tx, &person.id, id.as_str()).await?;
                let what = format!("sealed-{number}");
                match rules::unlabelled::note(&state, &mut tx, &holding, &what).await {
                    Ok(()) => {}
                    Err(rules::service::Error::NotAcknowledged) => {
                        let next = format!("/library/{id}/unlabelled?next=/library/{id}");
                        return Ok(visit.redirect(&next));
                    }
                    Err(error) => return Err(error.into()),
                }
                tx.commit().await?;
            }
            let number = number + 1;
            let suffix = match what {
                "" => String::new(),
                what => format!("-{what}"),
            };
            Ok(download(
                "image/png",
                &format!("{}-{number}{suffix}.png", line.slug),
                bytes,
            ))
        })
        .await
}

async fn start(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = line_id(&id)?;
            let run = service::start_run(&state, &person.id, &id).await?;
            Ok(visit.redirect(&format!("/library/{id}/runs/{run}")))
        })
        .await
}

async fn own_run(state: &AppState, visit: &Visit, run: &str) -> Result<service::Run, AppError> {
    let person = visit.require_person()?;
    let id = RunId::parse(run).map_err(not_found)?;
    let mut tx = state.db.read().await?;
    Ok(service::get_run(&mut tx, &person.id, &id).await?)
}

async fn run(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let run = own_run(&state, &visit, &run).await?;
            let line = line_id(&line)?;
            // The vault notes that the licence was opened.
            let mut tx = state.db.write().await?;
            let row = orders::get_line(&mut tx, &line).await.map_err(not_found)?;
            if run.line_id.as_deref() != Some(line.as_str()) {
                return Err(not_found(()));
            }
            let anchors = catalog::list_anchors(&mut tx, &run.version_id).await?;
            let attestable = service::attestable(&state, &mut tx, &row, &run).await?;
            let stands = service::stands(&state, &mut tx, &run.id).await?;
            tx.commit().await?;
            Ok(page::run(
                &visit,
                &row,
                &run,
                anchors,
                attestable,
                stands,
                &state.log.origin,
            ))
        })
        .await
}

/// Publishes the outcome that an owner signed in their browser. The statement is checked as one from a program is.
async fn attest(
    State(state): State<AppState>,
    visit: Visit,
    Path((_, run)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            own_run(&state, &visit, &run).await?;
            let sent = form.get("attestation").as_bytes();
            let leaf = match attest::attest(&state.db, &state.log, &state.intake, sent).await {
                Ok(row) => row.leaf_hash,
                Err(refusal) => return Err(refusal.into()),
            };
            Ok(visit.redirect_with(&format!("/proofs/{leaf}"), "attested"))
        })
        .await
}

async fn tell(
    State(state): State<AppState>,
    visit: Visit,
    Path((_, run)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let run = own_run(&state, &visit, &run).await?;
            let mut tx = state.db.read().await?;
            let stands = service::stands(&state, &mut tx, &run.id).await?;
            let line = progress::line(visit.lang, stands.as_ref(), run.step, run.steps);
            let over = run.state.is_over();
            Ok(progress::answer(line, run.step, run.steps, over))
        })
        .await
}

/// The regenerated picture with its label, to be looked at beside the sealed one.
async fn run_picture(
    State(state): State<AppState>,
    visit: Visit,
    Path((_, run, index)): Path<(String, String, usize)>,
) -> Response {
    visit
        .answer(async {
            let run = own_run(&state, &visit, &run).await?;
            let pictures = run.pictures();
            let picture = pictures.get(index).ok_or_else(|| not_found(()))?;
            let bytes = state
                .media
                .get(&picture.blob)
                .await?
                .ok_or_else(|| AppError::new(Code::Gone))?;
            let content = run.id.to_string();
            let file = state.pictures.labelled(bytes, visit.lang, content).await?;
            Ok((
                [
                    (header::CONTENT_TYPE, "image/png"),
                    (header::CACHE_CONTROL, "private, max-age=3600"),
                ],
                file,
            )
                .into_response())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::Taking;
    use axum::extract::FromRequestParts as _;
    use axum::http::Request;

    #[tokio::test]
    async fn only_who_asks_for_a_file_here_and_for_all_of_it_takes_it() {
        for (method, site, is_here) in [
            ("GET", Some("same-origin"), true),
            ("GET", Some("none"), true),
            ("GET", None, true),
            ("GET", Some("cross-site"), false),
            ("HEAD", Some("same-origin"), false),
        ] {
            let mut request = Request::builder().method(method);
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let (mut parts, ()) = request.body(()).expect("a request").into_parts();
            let Ok(taking) = Taking::from_request_parts(&mut parts, &()).await;
            assert_eq!(taking.is_here(), is_here, "{method} {site:?}");
        }
    }
}
