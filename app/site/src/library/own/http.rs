//! Routes of own values: the form, runs, files, print sheets, and the word before a file leaves without a label.

use super::form::Making;
use super::page;
use super::word;
use crate::library::http::{Taking, download};
use crate::ui::failure::AppError;
use crate::ui::form::Form;
use crate::ui::progress::answer;
use crate::ui::shell::encode;
use crate::ui::visit::{Visit, safe_path};
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base::lang::Lang;
use engine::sheet::{Paper, Preset};
use market::catalog::service as catalog;
use market::own::copies::{self, Label, SheetWish};
use market::own::history::{self, Shown};
use market::own::service::{self, Error, Holding};
use market::own::unlabelled;
use market::own::wish::{MAX_PICTURES, Seeds, Wish};
use schema::failure::{Code, FieldError};
use schema::id::OwnRunId;

/// Routes of this feature.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/library/{line}/own", get(own).post(start))
        .route("/library/{line}/own/{run}", get(run))
        .route("/library/{line}/own/{run}/again", post(again))
        .route("/library/{line}/own/{run}/remove", post(remove))
        .route("/library/{line}/own/{run}/stop", post(stop))
        .route("/library/{line}/own/{run}/progress", get(progress))
        .route("/library/{line}/own/{run}/pictures/{index}", get(picture))
        .route("/library/{line}/own/{run}/sheet", get(sheet))
        .route("/library/{line}/unlabelled", get(asked).post(acknowledge))
}

fn not_found<T>(_: T) -> AppError {
    AppError::new(Code::NotFound)
}

fn run_id(text: &str) -> Result<OwnRunId, AppError> {
    OwnRunId::parse(text).map_err(not_found)
}

fn query(query: Option<String>) -> Form {
    Form::parse(&Bytes::from(query.unwrap_or_default()))
}

/// What stays open to whoever has not opened the recipe yet is the line's own page, which offers that.
fn unopened(visit: &Visit, line: &str, error: Error) -> Result<Response, AppError> {
    match error {
        Error::NotOpened => Ok(visit.redirect(&format!("/library/{line}"))),
        error => Err(error.into()),
    }
}

async fn own(
    State(state): State<AppState>,
    visit: Visit,
    Path(line): Path<String>,
    RawQuery(sent): RawQuery,
) -> Response {
    let sent = query(sent);
    visit
        .answer(async {
            match show(&state, &visit, &line, None, &sent).await {
                Err(Shows::Own(error)) => unopened(&visit, &line, error),
                Err(Shows::Page(error)) => Err(error),
                Ok(response) => Ok(response),
            }
        })
        .await
}

/// Why the page is not shown.
enum Shows {
    Own(Error),
    Page(AppError),
}

impl<E: Into<Error>> From<E> for Shows {
    fn from(error: E) -> Self {
        Self::Own(error.into())
    }
}

/// The form with the history; after a refused form with what was typed and what is wrong.
async fn show(
    state: &AppState,
    visit: &Visit,
    line: &str,
    typed: Option<(&Form, Vec<FieldError>)>,
    sent: &Form,
) -> Result<Response, Shows> {
    let person = visit.require_person().map_err(Shows::Page)?;
    let mut tx = state.db.write().await?;
    let holding = service::hold(&mut tx, &person.id, line).await?;
    let recipe = service::recipe(state, &mut tx, &holding).await?;
    let anchors = catalog::list_anchors(&mut tx, &holding.version.version_id).await?;
    let mut making = Making::new(&recipe, anchors, &holding.version.language);
    let after = Some(sent.get("after")).filter(|after| !after.is_empty());
    let page = history::list(state, &mut tx, &holding, after).await?;
    if let Some((form, errors)) = typed {
        making.values = form.prefixed("value_");
        making.seed = form.get("seed").into();
        making.typed = form.get("typed_seed").into();
        making.count = form.get("count").into();
        making.errors = errors;
    } else if let Ok(from) = OwnRunId::parse(sent.get("from")) {
        let from = service::get_run(&mut tx, &holding, &from).await?;
        let from = history::show(state, &mut tx, &holding, from).await?;
        making.count = from.secret.seeds.len().to_string();
        making.values = from.secret.values;
    }
    tx.commit().await?;
    Ok(page::own(visit, &holding, &making, page))
}

/// A wish as the form sends it. What is not there has its default; what cannot be read is refused by the rules.
fn wish_of(form: &Form) -> Wish {
    let seeds = match form.get("seed") {
        "" | "new" => Seeds::New,
        "typed" => Seeds::Typed(form.get("typed_seed").trim().into()),
        sealed => {
            let number = sealed
                .strip_prefix("sealed-")
                .and_then(|number| number.parse().ok());
            Seeds::Sealed(number.unwrap_or(usize::MAX))
        }
    };
    let count = form.get("count").trim();
    Wish {
        values: form.prefixed("value_"),
        seeds,
        count: match count {
            "" => 1,
            count => count.parse().unwrap_or(MAX_PICTURES + 1),
        },
    }
}

async fn start(
    State(state): State<AppState>,
    visit: Visit,
    Path(line): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            match service::start(&state, &person.id, &line, wish_of(&form)).await {
                Ok(run) => Ok(visit.redirect(&format!("/library/{line}/own/{run}"))),
                Err(Error::Invalid(errors)) => {
                    let typed = Some((&form, errors));
                    let shown = show(&state, &visit, &line, typed, &Form::default()).await;
                    shown.map_err(|why| match why {
                        Shows::Own(error) => error.into(),
                        Shows::Page(error) => error,
                    })
                }
                Err(error) => unopened(&visit, &line, error),
            }
        })
        .await
}

/// A run with all that its owner sees of it.
async fn shown(
    state: &AppState,
    visit: &Visit,
    (line, run): (&str, &str),
) -> Result<(Holding, Shown, bool), AppError> {
    let person = visit.require_person()?;
    let id = run_id(run)?;
    let mut tx = state.db.write().await?;
    let holding = service::hold(&mut tx, &person.id, line).await?;
    let run = service::get_run(&mut tx, &holding, &id).await?;
    let shown = history::show(state, &mut tx, &holding, run).await?;
    let acknowledged = service::has_acknowledged(state, &mut tx, &holding).await?;
    tx.commit().await?;
    Ok((holding, shown, acknowledged))
}

async fn run(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
    RawQuery(sent): RawQuery,
) -> Response {
    let sent = query(sent);
    visit
        .answer(async { show_run(&state, &visit, (&line, &run), sent, Vec::new()).await })
        .await
}

async fn show_run(
    state: &AppState,
    visit: &Visit,
    place: (&str, &str),
    sent: Form,
    errors: Vec<FieldError>,
) -> Result<Response, AppError> {
    let (holding, shown, acknowledged) = shown(state, visit, place).await?;
    let mut tx = state.db.read().await?;
    let stands = service::stands(state, &mut tx, &shown.run.id, &shown.pictures).await?;
    drop(tx);
    let page = page::RunPage {
        stands,
        holding: &holding,
        shown: &shown,
        acknowledged,
        sent,
        errors,
    };
    Ok(page::run(visit, &page))
}

async fn again(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let (id, same) = (run_id(&run)?, form.get("again") == "same");
            match service::again(&state, &person.id, &line, &id, same).await {
                Ok(made) => Ok(visit.redirect(&format!("/library/{line}/own/{made}"))),
                // Too many wait, or the recipe's model went: the form says it.
                Err(Error::Invalid(errors)) => {
                    let typed = Some((&form, errors));
                    let shown = show(&state, &visit, &line, typed, &Form::default()).await;
                    shown.map_err(|why| match why {
                        Shows::Own(error) => error.into(),
                        Shows::Page(error) => error,
                    })
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn remove(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            service::remove(&state, &person.id, &line, &run_id(&run)?).await?;
            Ok(visit.redirect_with(&format!("/library/{line}/own"), "own-removed"))
        })
        .await
}

/// What is made stays, and the rest is not made.
async fn stop(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = run_id(&run)?;
            service::stop(&state, &person.id, &line, &id).await?;
            Ok(visit.redirect(&format!("/library/{line}/own/{id}")))
        })
        .await
}

/// How far a run is. A page that saw fewer pictures than there are now is told to look again.
async fn progress(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
    RawQuery(sent): RawQuery,
) -> Response {
    let seen = query(sent).get("seen").parse::<usize>().unwrap_or(0);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = run_id(&run)?;
            let mut tx = state.db.read().await?;
            let holding = service::hold(&mut tx, &person.id, &line).await?;
            let run = service::get_run(&mut tx, &holding, &id).await?;
            let pictures = service::list_pictures(&mut tx, &run.id).await?;
            let stands = service::stands(&state, &mut tx, &run.id, &pictures).await?;
            drop(tx);
            let over = pictures.iter().filter(|made| made.state.is_over()).count();
            let done = over > seen || over == pictures.len();
            let (step, steps) = page::steps_of(&run, &pictures);
            let line = page::line_of(visit.lang, stands.as_ref(), step, steps);
            Ok(answer(line, step, steps, done))
        })
        .await
}

/// `3` is shown on the page, `3-labelled` is the same to keep, `3-unlabelled` is the exact picture, and `3-settings` has prompt and seed in it.
async fn picture(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run, index)): Path<(String, String, String)>,
    taking: Taking,
) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = run_id(&run)?;
            let (number, what) = index.split_once('-').unwrap_or((&index, ""));
            let number: i64 = number.parse().map_err(not_found)?;
            let label = match what {
                "" => Label::OnPage(visit.lang),
                "labelled" => Label::Shown(visit.lang),
                "unlabelled" => Label::Left,
                "settings" => Label::Settings,
                _ => return Err(not_found(())),
            };
            if label.is_bare() && !taking.is_here() {
                return Ok(visit.redirect(&format!("/library/{line}/own/{id}?take={number}")));
            }
            let made = copies::picture(&state, &person.id, &line, &id, number, label).await;
            let file = match made {
                Ok(file) => file,
                Err(error) => return first(&visit, &line, (&id, &format!("take={number}")), error),
            };
            if !what.is_empty() {
                return Ok(download("image/png", &file.name, file.bytes));
            }
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "private, max-age=3600"),
            ];
            Ok((headers, file.bytes).into_response())
        })
        .await
}

/// Whoever wants a file without a label is asked for their word first, and finds afterwards what they asked for.
fn first(
    visit: &Visit,
    line: &str,
    (run, asked): (&OwnRunId, &str),
    error: Error,
) -> Result<Response, AppError> {
    match error {
        Error::NotAcknowledged => {
            let next = encode(&format!("/library/{line}/own/{run}?{asked}"));
            Ok(visit.redirect(&format!("/library/{line}/unlabelled?next={next}")))
        }
        error => Err(error.into()),
    }
}

/// A sheet as the form asks for it.
fn sheet_wish(form: &Form, lang: Lang) -> Result<SheetWish, Vec<FieldError>> {
    let wrong = |field: &str| {
        vec![FieldError {
            field: field.into(),
            code: "parameter".into(),
            detail: Some(field.into()),
        }]
    };
    let page = match form.get("format") {
        "pdf" => None,
        "png" => {
            let number = form.get("page").parse::<usize>();
            let number = number
                .ok()
                .filter(|number| (1..=MAX_PICTURES).contains(number));
            Some(number.ok_or_else(|| wrong("page"))? - 1)
        }
        _ => return Err(wrong("format")),
    };
    let pictures = form.all("picture").take(MAX_PICTURES + 1);
    let pictures: Result<Vec<i64>, _> = pictures.map(str::parse).collect();
    let pictures = pictures.map_err(|_| wrong("picture"))?;
    if pictures.is_empty() {
        return Err(vec![FieldError::new("picture", "sheet-empty")]);
    }
    Ok(SheetWish {
        paper: Paper::parse(form.get("paper")).ok_or_else(|| wrong("paper"))?,
        preset: Preset::parse(form.get("preset")).ok_or_else(|| wrong("preset"))?,
        page,
        pictures,
        label: match form.get("label") {
            "none" => Label::Left,
            _ => Label::Shown(lang),
        },
    })
}

async fn sheet(
    State(state): State<AppState>,
    visit: Visit,
    Path((line, run)): Path<(String, String)>,
    RawQuery(sent): RawQuery,
    taking: Taking,
) -> Response {
    let form = query(sent.clone());
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = run_id(&run)?;
            let wish = match sheet_wish(&form, visit.lang) {
                Ok(wish) => wish,
                Err(errors) => return show_run(&state, &visit, (&line, &run), form, errors).await,
            };
            if wish.label == Label::Left && !taking.is_here() {
                return show_run(&state, &visit, (&line, &run), form, Vec::new()).await;
            }
            let kind = match wish.page {
                None => "application/pdf",
                Some(_) => "image/png",
            };
            let number = wish.page;
            let made = copies::sheet(&state, &person.id, &line, &id, wish, visit.lang).await;
            let errors = match (made, number) {
                (Ok(file), _) => return Ok(download(kind, &file.name, file.bytes)),
                (Err(Error::Invalid(errors)), _) => errors,
                (Err(Error::NoPage), Some(number)) => vec![FieldError {
                    field: "page".into(),
                    code: "sheet-page".into(),
                    detail: Some((number + 1).to_string()),
                }],
                (Err(error), _) => {
                    let asked = sent.unwrap_or_default();
                    return first(&visit, &line, (&id, &asked), error);
                }
            };
            show_run(&state, &visit, (&line, &run), form, errors).await
        })
        .await
}

/// Where to go on after the word was given: a page of this holding alone.
fn next_of(line: &str, sent: &str) -> String {
    let home = format!("/library/{line}");
    let inside = safe_path(sent).filter(|path| {
        path.strip_prefix(&home)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    inside.map_or(home.clone(), str::to_owned)
}

async fn asked(
    State(state): State<AppState>,
    visit: Visit,
    Path(line): Path<String>,
    RawQuery(sent): RawQuery,
) -> Response {
    let next = query(sent);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.read().await?;
            let held = match service::hold(&mut tx, &person.id, &line).await {
                Ok(held) => held,
                Err(error) => return unopened(&visit, &line, error),
            };
            let given = service::has_acknowledged(&state, &mut tx, &held).await?;
            let next = next_of(&line, next.get("next"));
            Ok(word::word(&visit, &held, &next, given))
        })
        .await
}

async fn acknowledge(
    State(state): State<AppState>,
    visit: Visit,
    Path(line): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.write().await?;
            let held = service::hold(&mut tx, &person.id, &line).await?;
            unlabelled::acknowledge(&state, &mut tx, &held, visit.lang.tag()).await?;
            tx.commit().await?;
            let next = next_of(&line, form.get("next"));
            Ok(visit.redirect_with(&next, "acknowledged"))
        })
        .await
}
