//! A run with its pictures, the history of a holding, and the form of a print sheet.

use super::form::{Making, making, problems};
use crate::library::slots;
use crate::ui::form::Form;
use crate::ui::pieces::{FormKey, Picture, RefreshWithoutScript, Time, heading};
use crate::ui::progress::line;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use engine::sheet::{Paper, Preset};
use islands::studio::{CopyButton, LiveProgress};
use leptos::prelude::*;
use market::machines::Stands;
use market::own::OwnState;
use market::own::copies::note;
use market::own::history::{Page, Shown};
use market::own::service::{Holding, OwnPicture, OwnRun};
use schema::failure::FieldError;
use schema::recipe::Seed;

/// Pictures of a run that its row in the history shows.
const MAX_SMALL: usize = 8;

fn base_of(lang: Lang, holding: &Holding) -> String {
    lang.path(&format!("/library/{}/own", holding.id))
}

/// Where an owner came from: the line, or a creator's own listing.
fn home_of(lang: Lang, holding: &Holding) -> String {
    match &holding.line {
        Some(line) => lang.path(&format!("/library/{}", line.id)),
        None => lang.path(&format!("/listings/{}", holding.version.slug)),
    }
}

/// The form and every run, a page at a time.
pub(super) fn own(visit: &Visit, holding: &Holding, form: &Making, page: Page) -> Response {
    let lang = visit.lang;
    let title = holding.version.title.clone();
    let status = match form.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let none = page.runs.is_empty();
    shell::page(visit, &title.clone(), status, || {
        let base = base_of(lang, holding);
        let next = page
            .next
            .map(|next| format!("{base}?after={next}#own-runs"));
        let rows: Vec<_> = page
            .runs
            .iter()
            .map(|shown| row(lang, holding, shown))
            .collect();
        view! {
            {heading(lang.with("own-heading", &[("title", title.into())]), None)}
            <p><a href=home_of(lang, holding)>{lang.text("back-to-recipe")}</a></p>
            {making(lang, holding, form)}
            <section class="own-runs" id="own-runs">
                <h2>{lang.text("own-runs")}</h2>
                {none.then(|| view! { <p class="quiet">{lang.text("own-runs-none")}</p> })}
                <ul class="plain own-history">{rows}</ul>
                {next.map(|href| view! { <p class="more"><a class="button" href=href rel="next">{lang.text("own-older")}</a></p> })}
            </section>
        }
        .into_any()
    })
}

/// The newest runs as small pictures, on the page of the line.
pub(in crate::library) fn latest(
    lang: Lang,
    holding: &Holding,
    runs: &[(OwnRun, Vec<OwnPicture>)],
) -> Option<impl IntoView + use<>> {
    if runs.is_empty() {
        return None;
    }
    let base = base_of(lang, holding);
    let title = holding.version.title.clone();
    let rows: Vec<_> = runs
        .iter()
        .map(|(run, pictures)| {
            let href = format!("{base}/{}", run.id);
            let alt = |picture: &OwnPicture| note(lang, &title, picture.sealed());
            let small: Vec<_> = pictures
                .iter()
                .take(MAX_SMALL)
                .map(|picture| small(lang, holding, run, picture, alt(picture)))
                .collect();
            view! { <li><a class="own-run__pictures" href=href>{small}</a></li> }
        })
        .collect();
    Some(view! {
        <section class="card" id="own-latest">
            <h2>{lang.text("own-runs")}</h2>
            <ul class="plain own-history">{rows}</ul>
            <p><a href=format!("{base}#own-runs")>{lang.text("own-all")}</a></p>
        </section>
    })
}

/// One run of the history: what it was made with, its pictures small, and the ways to make it again.
fn row(lang: Lang, holding: &Holding, shown: &Shown) -> impl IntoView + use<> {
    let href = format!("{}/{}", base_of(lang, holding), shown.run.id);
    let title = &holding.version.title;
    let small: Vec<_> = shown
        .pictures
        .iter()
        .take(MAX_SMALL)
        .map(|picture| {
            small(
                lang,
                holding,
                &shown.run,
                picture,
                alt_of(lang, shown, picture, title),
            )
        })
        .collect();
    let more = shown.pictures.len().saturating_sub(MAX_SMALL);
    let more = (more > 0).then(|| format!("+{more}"));
    let values = match shown.secret.values.is_empty() {
        true => lang.text("own-no-values"),
        false => slots::line(&shown.secret.values),
    };
    view! {
        <li class="own-run">
            <a class="own-run__pictures" href=href.clone()>{small}{more.map(|text| view! { <span class="quiet">{text}</span> })}</a>
            <div class="own-run__text">
                <p class="own-run__values"><a href=href.clone()>{values}</a></p>
                <p class="quiet"><Time lang ms=shown.run.created_ms/></p>
                {seed_list(lang, &shown.secret.seeds)}
                {again(lang, &href)}
            </div>
        </li>
    }
}

fn seed_list(lang: Lang, seeds: &[Seed]) -> impl IntoView + use<> {
    let count = i64::try_from(seeds.len()).unwrap_or(0);
    let rows: Vec<_> = seeds
        .iter()
        .map(|seed| view! { <li><code>{seed.to_string()}</code></li> })
        .collect();
    view! {
        <details class="own-seed-list">
            <summary>{lang.with("own-seeds", &[("count", count.into())])}</summary>
            <ol>{rows}</ol>
        </details>
    }
}

/// Same values with new seeds, the very same, and away with it.
fn again(lang: Lang, run: &str) -> impl IntoView + use<> {
    let (new, same) = (format!("{run}/again"), format!("{run}/again"));
    view! {
        <div class="actions">
            <form method="post" action=new><FormKey/><button class="button button--small" name="again" value="new">{lang.text("own-again-new")}</button></form>
            <form method="post" action=same><FormKey/><button class="button button--small button--quiet" name="again" value="same">{lang.text("own-again-same")}</button></form>
        </div>
    }
}

/// The address says in which language a file's label is.
fn file_of(lang: Lang, holding: &Holding, run: &OwnRun, index: i64, what: &str) -> String {
    let (holding, run) = (&holding.id, &run.id);
    lang.path(&format!(
        "/library/{holding}/own/{run}/pictures/{index}{what}"
    ))
}

/// What a picture is, for whoever does not see it.
fn alt_of(lang: Lang, shown: &Shown, picture: &OwnPicture, title: &str) -> String {
    let note = note(lang, title, picture.sealed());
    let values = slots::line(&shown.secret.values);
    match values.is_empty() {
        true => note,
        false => format!("{note} {values}"),
    }
}

fn small(
    lang: Lang,
    holding: &Holding,
    run: &OwnRun,
    picture: &OwnPicture,
    alt: String,
) -> AnyView {
    match picture.state {
        OwnState::Done => {
            let source = file_of(lang, holding, run, picture.idx, "");
            view! { <Picture src=source alt width=64 height=64/> }.into_any()
        }
        OwnState::Failed => {
            view! { <span class="own-run__blank" aria-label=lang.text("picture-failed")>"×"</span> }
                .into_any()
        }
        OwnState::Waiting | OwnState::Running => {
            view! { <span class="own-run__blank" aria-label=lang.text("run-waiting")>"…"</span> }
                .into_any()
        }
    }
}

/// All that the page of a run shows.
pub(super) struct RunPage<'a> {
    pub(super) holding: &'a Holding,
    pub(super) shown: &'a Shown,
    /// How what is not made yet stands.
    pub(super) stands: Option<Stands>,
    /// Whether its owner may take files without a label.
    pub(super) acknowledged: bool,
    /// The sheet's form as it was sent, or a file to take now that its owner agreed.
    pub(super) sent: Form,
    pub(super) errors: Vec<FieldError>,
}

impl RunPage<'_> {
    /// Whether a choice of the sheet's form is made: as it was sent, and else as it is at first.
    fn has(&self, name: &str, value: &str, at_first: bool) -> bool {
        match self.sent.get("preset") {
            "" => at_first,
            _ => self.sent.all(name).any(|sent| sent == value),
        }
    }
}

/// One run: its pictures large, what each was made with, and what can be taken away.
pub(super) fn run(visit: &Visit, page: &RunPage<'_>) -> Response {
    let lang = visit.lang;
    let (holding, shown) = (page.holding, page.shown);
    let title = lang.with(
        "own-heading",
        &[("title", holding.version.title.clone().into())],
    );
    let values = match shown.secret.values.is_empty() {
        true => lang.text("own-no-values"),
        false => slots::line(&shown.secret.values),
    };
    let status = match page.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    shell::page(visit, &title.clone(), status, || {
        let base = base_of(lang, holding);
        let here = format!("{base}/{}", shown.run.id);
        let (over, all) = (
            shown
                .pictures
                .iter()
                .filter(|made| made.state.is_over())
                .count(),
            shown.pictures.len(),
        );
        let done = shown
            .pictures
            .iter()
            .any(|made| made.state == OwnState::Done);
        let pictures: Vec<_> = shown
            .pictures
            .iter()
            .map(|picture| figure(lang, page, picture))
            .collect();
        let sealed_alone = shown.pictures.iter().all(|made| made.sealed().is_some());
        let line = match sealed_alone {
            true => "own-run-sealed",
            false => "own-run-line",
        };
        view! {
            {(over < all).then(|| view! { <RefreshWithoutScript seconds=2/> })}
            {heading(title, Some(values))}
            <p class="actions">
                <a href=base.clone()>{lang.text("own-all")}</a>
                <a class="button button--small" href=format!("{base}?from={}#own-form", shown.run.id) id="own-change">{lang.text("own-change")}</a>
            </p>
            {taken(lang, page)}
            {(over < all).then(|| progress(lang, holding, shown, page.stands.as_ref()))}
            <section class="card" id="own-run" data-done=over.to_string() data-all=all.to_string()>
                <p class="quiet">{lang.with(line, &[("title", holding.version.title.clone().into())])}</p>
                <ul class="plain own-pictures">{pictures}</ul>
                {again(lang, &here)}
                <details class="fold own-away">
                    <summary id="own-away">{lang.text("own-remove")}</summary>
                    <form method="post" action=format!("{here}/remove")><FormKey/><p>{lang.text("own-remove-line")}</p><button class="button button--small" id="own-remove">{lang.text("own-remove-now")}</button></form>
                </details>
            </section>
            {done.then(|| sheet_form(lang, page, &here))}
        }
        .into_any()
    })
}

/// The file that its owner asked for before they were asked to agree.
fn taken(lang: Lang, page: &RunPage<'_>) -> Option<impl IntoView + use<>> {
    let index: i64 = page.sent.get("take").parse().ok()?;
    let all = i64::try_from(page.shown.pictures.len()).unwrap_or(0);
    let asked = page.acknowledged && (0..all).contains(&index);
    asked.then(|| {
        let href = file_of(lang, page.holding, &page.shown.run, index, "-unlabelled");
        let number = lang.with("own-take", &[("number", (index + 1).into())]);
        view! { <p class="hint" id="own-take"><a class="button button--primary" href=href autofocus>{number}</a></p> }
    })
}

/// How far the run is, told as the pictures come.
fn progress(
    lang: Lang,
    holding: &Holding,
    shown: &Shown,
    stands: Option<&Stands>,
) -> impl IntoView + use<> {
    let done = shown.pictures.iter().filter(|made| made.state.is_over());
    let url = format!(
        "/library/{}/own/{}/progress?seen={}",
        holding.id,
        shown.run.id,
        done.count()
    );
    let (step, steps) = steps_of(&shown.run, &shown.pictures);
    let line = line_of(lang, stands, step, steps);
    let stop = format!("{}/{}/stop", base_of(lang, holding), shown.run.id);
    let away = stands.and_then(|stands| match stands {
        Stands::Away { model } => Some(model.clone()),
        _ => None,
    });
    let away = away.map(|model| {
        let text = lang.with("model-away-line", &[("model", model.into())]);
        view! { <p class="hint" id="model-away">{text}</p> }
    });
    view! {
        <div class="hint" id="own-progress">
            <LiveProgress url line step steps/>
            <form method="post" action=stop><button class="button button--small" id="own-stop">{lang.text("own-stop")}</button></form>
        </div>
        {away}
    }
}

/// What is told of a run: once a step of it is made, it does not wait any more.
pub(super) fn line_of(lang: Lang, stands: Option<&Stands>, step: i64, steps: i64) -> String {
    let under_way = match stands {
        Some(Stands::Waits { about_s }) if step > 0 => Some(Stands::Made { left_s: *about_s }),
        other => other.cloned(),
    };
    line(lang, under_way.as_ref(), step, steps)
}

/// Sampling steps that were made, and all of them.
pub(super) fn steps_of(run: &OwnRun, pictures: &[OwnPicture]) -> (i64, i64) {
    let all = i64::try_from(pictures.len()).unwrap_or(1) * run.steps;
    let made = pictures.iter().map(|made| match made.state {
        OwnState::Failed => run.steps,
        _ => made.step,
    });
    (made.sum::<i64>().min(all), all)
}

fn figure(lang: Lang, page: &RunPage<'_>, picture: &OwnPicture) -> AnyView {
    let (holding, shown) = (page.holding, page.shown);
    let title = &holding.version.title;
    let number = picture.idx + 1;
    let seed = usize::try_from(picture.idx)
        .ok()
        .and_then(|index| shown.secret.seeds.get(index));
    let seed = seed.map(ToString::to_string).unwrap_or_default();
    let mat = match picture.state {
        OwnState::Done => {
            let source = file_of(lang, holding, &shown.run, picture.idx, "");
            let alt = alt_of(lang, shown, picture, title);
            view! { <Picture src=source alt width=256 height=256/> }.into_any()
        }
        OwnState::Failed => {
            let why = picture.error.clone().unwrap_or_default();
            view! { <p class="field-error">{lang.text_or_itself(&why)}</p> }.into_any()
        }
        OwnState::Waiting | OwnState::Running => {
            let waits = match page.stands {
                Some(Stands::Away { .. }) => "run-away",
                _ if picture.state == OwnState::Waiting => "run-queued",
                _ => "run-waiting",
            };
            view! { <p class="quiet">{lang.text(waits)}</p> }.into_any()
        }
    };
    let done = picture.state == OwnState::Done;
    let seal = picture.sealed().map(|anchor| {
        let text = lang.with("own-equal", &[("number", (anchor + 1).into())]);
        view! { <p class="tag tag--good own-equal">{text}</p> }
    });
    let differs = (picture.is_equal == Some(false)).then(|| {
        view! { <p class="field-error">{lang.text("own-differs")}</p> }
    });
    let downloads = done.then(|| {
        let labelled = file_of(lang, holding, &shown.run, picture.idx, "-labelled");
        let bare = file_of(lang, holding, &shown.run, picture.idx, "-unlabelled");
        let settings = file_of(lang, holding, &shown.run, picture.idx, "-settings");
        view! {
            <p class="own-files">
                <a href=labelled>{lang.text("own-labelled")}</a>
                <a href=bare class="own-bare">{lang.text("own-unlabelled")}</a>
                <a href=settings title=lang.text("settings-hint")>{lang.text("own-settings")}</a>
            </p>
            <label class="check"><input type="checkbox" name="picture" value=picture.idx form="sheet-form" checked=page.has("picture", &picture.idx.to_string(), true)/> {lang.text("own-pick")}</label>
        }
    });
    view! {
        <li class="own-picture" data-state=picture.state.name()>
            <div class="own-mat">{mat}</div>
            <p class="own-picture__name"><strong>{number}</strong> " " <span class="quiet">{lang.text("seed")}</span> " " <code class="digest" title=seed.clone()>{seed.clone()}</code> " " <CopyButton text=seed label=lang.text("copy") done=lang.text("copied")/></p>
            {seal}
            {differs}
            {downloads}
        </li>
    }
    .into_any()
}

fn sheet_form(lang: Lang, page: &RunPage<'_>, here: &str) -> impl IntoView + use<> {
    let presets = Preset::ALL.map(|preset| {
        let name = preset.name();
        view! {
            <label class="own-chip">
                <input type="radio" name="preset" value=name checked=page.has("preset", name, preset == Preset::Sticker)/>
                <span>{lang.text(&format!("sheet-{name}"))}</span>
            </label>
        }
    });
    let papers = Paper::ALL.map(|paper| {
        let name = paper.name();
        view! {
            <label class="own-chip">
                <input type="radio" name="paper" value=name checked=page.has("paper", name, paper == Paper::A4)/>
                <span>{lang.text(&format!("paper-{name}"))}</span>
            </label>
        }
    });
    let action = format!("{here}/sheet");
    let number = match page.sent.get("page") {
        "" => "1".to_owned(),
        sent => sent.to_owned(),
    };
    view! {
        <form class="card own-form" method="get" action=action id="sheet-form">
            <h2>{lang.text("sheet-title")}</h2>
            <p class="quiet">{lang.text("sheet-line")}</p>
            <fieldset class="own-slot"><legend>{lang.text("sheet-for")}</legend><div class="own-chips">{presets.into_iter().collect_view()}</div></fieldset>
            <fieldset class="own-slot"><legend>{lang.text("sheet-paper")}</legend><div class="own-chips">{papers.into_iter().collect_view()}</div></fieldset>
            <label class="check"><input type="checkbox" name="label" value="none" checked=page.has("label", "none", false)/> {lang.text("sheet-unlabelled")}</label>
            {(!page.acknowledged).then(|| view! { <p class="field__hint">{lang.text("sheet-unlabelled-hint")}</p> })}
            {problems(lang, &page.errors, &["picture", "preset", "paper", "page"])}
            <div class="actions">
                <button class="button button--primary" name="format" value="pdf" id="sheet-pdf">{lang.text("sheet-pdf")}</button>
                <button class="button" name="format" value="png" id="sheet-png">{lang.text("sheet-png")}</button>
                <label class="own-page-number">{lang.text("sheet-page")} " " <input type="number" name="page" min="1" max="16" value=number/></label>
            </div>
            <p class="field__hint">{lang.text("sheet-hint")}</p>
        </form>
    }
}
