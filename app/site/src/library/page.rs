//! Pages of the library.

use super::own::{self, Making};
use crate::ui::pieces::{
    Code, Fact, FormKey, MatPicture, Picture, RefreshWithoutScript, Time, heading,
};
use crate::ui::progress;
use crate::ui::shell;
use crate::ui::visit::Visit;
use crate::verify::page::check_texts;
use axum::response::Response;
use base::lang::Lang;
use engine::metadata::sampler_title;
use islands::proofs::{AttestPanel, AttestTexts, ProofCheck};
use islands::studio::{CopyButton, LiveProgress};
use leptos::prelude::*;
use market::catalog::service::{Anchor, SealedVersion};
use market::library::RunState;
use market::library::service::{Attestable, OpenedRecipe, Run};
use market::machines::Stands;
use market::orders::{Line, RETURN_MS};
use market::own::service::{Holding, OwnPicture, OwnRun};
use schema::id::LineId;
use schema::recipe::Recipe;
use schema::statement::ReproductionStatement;

fn gallery(lang: Lang, title: &str, anchors: &[Anchor]) -> impl IntoView + use<> {
    let items = anchors.iter().enumerate().map(|(index, anchor)| {
        let alt = lang.with("preview-alt", &[("number", (index as i64 + 1).into()), ("title", title.to_owned().into())]);
        view! { <MatPicture lang blob=anchor.labelled_blob.clone() alt width=anchor.width height=anchor.height/> }
    });
    view! { <div class="gallery">{items.collect_view()}</div> }
}

pub(super) fn unopened(
    visit: &Visit,
    line: &Line,
    listing: &SealedVersion,
    anchors: Vec<Anchor>,
    now_ms: i64,
) -> Response {
    let lang = visit.lang;
    let title = listing.title.clone();
    let line = line.clone();
    shell::ok(visit, &title.clone(), || {
        let until = line.paid_ms.unwrap_or(now_ms) + RETURN_MS;
        let is_free = line.parts().cash() == 0;
        let returnable = until >= now_ms && !is_free;
        let base = lang.path(&format!("/library/{}", line.id));
        view! {
            {heading(title.clone(), Some(lang.text("line-unopened")))}
            <section class="card">
                {gallery(lang, &title, &anchors)}
                <p>{match (is_free, returnable) {
                    (true, _) => lang.text("open-line-free"),
                    (false, true) => lang.with("open-line", &[("until", lang.date(until).into())]),
                    (false, false) => lang.text("open-line-late"),
                }}</p>
                <div class="actions">
                    <form method="post" action=format!("{base}/open")><FormKey/><button class="button button--primary" id="open-recipe">{lang.text("open-now")}</button></form>
                    {returnable.then(|| view! { <form method="post" action=format!("{base}/cancel")><FormKey/><button class="button" id="return">{lang.text("return-it")}</button></form> })}
                </div>
            </section>
        }
        .into_any()
    })
}

pub(super) fn refunded(visit: &Visit, line: &Line, runs: Vec<Run>) -> Response {
    let lang = visit.lang;
    let title = line.title.clone();
    let line = line.clone();
    shell::ok(visit, &title.clone(), || {
        let reason = line.refund_reason.clone().unwrap_or_default();
        let arguments = [("amount", lang.money(line.refunded_minor).into())];
        view! {
            {heading(title, Some(lang.text("line-state-refunded")))}
            <section class="card">
                <p>{lang.with(&format!("refund-{reason}"), &arguments)}</p>
                {run_list(lang, &line.id, runs)}
            </section>
        }
        .into_any()
    })
}

fn run_list(lang: Lang, line: &LineId, runs: Vec<Run>) -> impl IntoView + use<> {
    let rows = runs.into_iter().map(|run| {
        let href = lang.path(&format!("/library/{line}/runs/{}", run.id));
        let text = match (&run.outcome, run.state) {
            (Some(outcome), _) => lang.text(&format!("outcome-{outcome}")),
            (None, RunState::Failed) => lang.text("run-failed"),
            (None, RunState::Waiting) => lang.text("run-queued"),
            (None, _) => lang.text("run-waiting"),
        };
        view! { <li class="row"><a href=href><Time lang ms=run.created_ms/></a><span class="tag">{text}</span></li> }
    });
    view! { <ul class="plain">{rows.collect_view()}</ul> }
}

/// What its owner makes of a recipe with values of their own.
pub(super) struct Made {
    /// How an owner adds the model at home, where it is not inside the program.
    pub(super) add_model: Option<String>,
    pub(super) holding: Holding,
    pub(super) making: Making,
    pub(super) latest: Vec<(OwnRun, Vec<OwnPicture>)>,
    /// The model that no machine has now, by its name.
    pub(super) away: Option<String>,
}

pub(super) fn opened(
    visit: &Visit,
    line: &Line,
    listing: &SealedVersion,
    anchors: Vec<Anchor>,
    opened: OpenedRecipe,
    runs: Vec<Run>,
    made: Made,
) -> Response {
    let lang = visit.lang;
    let title = listing.title.clone();
    let (line, proof) = (line.clone(), listing.leaf_hash.clone());
    let away = made
        .away
        .clone()
        .map(|model| lang.with("line-away", &[("model", model.into())]));
    let OpenedRecipe {
        recipe,
        text,
        evidence,
    } = opened;
    shell::ok(visit, &title.clone(), || {
        let base = lang.path(&format!("/library/{}", line.id));
        let copy = |text: String| view! { <CopyButton text label=lang.text("copy") done=lang.text("copied")/> };
        let rows = recipe.anchors.iter().enumerate().map(|(index, anchor)| {
            let prompt = recipe.picture(&anchor.values, anchor.seed).map(|picture| picture.prompt).unwrap_or_default();
            let picture = anchors.get(index).map(|anchor| view! { <MatPicture lang blob=anchor.labelled_blob.clone() alt="" width=anchor.width height=anchor.height/> });
            view! {
                <li class="anchor">
                    {picture}
                    <div>
                        <p class="anchor__prompt">{prompt.clone()}</p>
                        <p class="quiet">{lang.text("seed")} " " <code>{anchor.seed.to_string()}</code></p>
                        <p class="actions">
                            {copy(prompt)}
                            <a class="button button--small" href=format!("{base}/pictures/{index}-labelled")>{lang.text("download-labelled")}</a>
                            <a class="button button--small" href=format!("{base}/pictures/{index}")>{lang.text("download-exact")}</a>
                            <a class="button button--small" href=format!("{base}/pictures/{index}-settings")>{lang.text("own-settings")}</a>
                        </p>
                    </div>
                </li>
            }
        });
        let rows = rows.collect_view();
        let template = recipe.template.clone();
        let begun = begun(lang, &base, &recipe);
        view! {
            {heading(title, Some(lang.text("library-opened")))}
            <div class="actions">
                <a class="button button--primary" href=format!("{base}/bundle") id="download-bundle">{lang.text("download-bundle")}</a>
                <form method="post" action=format!("{base}/runs")><FormKey/><button class="button" id="regenerate">{lang.text("regenerate")}</button></form>
                <a class="button" href=lang.path(&format!("/proofs/{proof}"))>{lang.text("see-proof")}</a>
            </div>
            {away.map(|text| view! { <p class="hint" id="model-away">{text}</p> })}
            <div class="own-line">
                {own::making(lang, &made.holding, &made.making)}
                {own::latest(lang, &made.holding, &made.latest)}
            </div>
            {evidence.map(|evidence| view! { <ProofCheck evidence texts=check_texts(lang, "own-check-holds-opening")/> })}
            <section class="card">
                <h2>{lang.text("recipe")}</h2>
                <dl class="facts">
                    <Fact label=lang.text("template")><code class="template">{recipe.template.clone()}</code></Fact>
                    {recipe.negative.clone().map(|negative| view! { <Fact label=lang.text("negative")><code>{negative}</code></Fact> })}
                    <Fact label=lang.text("sampler")>{sampler_title(&recipe.scheduler)}</Fact>
                    <Fact label=lang.text("size")>{format!("{} × {}", recipe.width, recipe.height)}</Fact>
                    {recipe.clip_skip.map(|skip| view! { <Fact label=lang.text("clip-skip")>{lang.with("clip-skip-layers", &[("layers", i64::from(skip).into())])}</Fact> })}
                    {recipe.prompt_weights.map(|_| view! { <Fact label=lang.text("brackets")>{lang.text("brackets-weights")}</Fact> })}
                    <Fact label=lang.text("steps")>{recipe.steps}</Fact>
                    <Fact label=lang.text("guidance")>{lang.decimal(recipe.guidance_milli)}</Fact>
                    <Fact label=lang.text("noise")>{recipe.noise.name()}</Fact>
                    {recipe.variation.map(|variation| {
                        let arguments = [("share", lang.decimal(variation.strength_milli * 100).into()), ("seed", variation.seed.to_string().into())];
                        view! { <Fact label=lang.text("variation")>{lang.with("variation-of", &arguments)}</Fact> }
                    })}
                    <Fact label=lang.text("model")><Code text=recipe.model.to_string()/></Fact>
                </dl>
                {begun}
                <p class="actions">{copy(template)} <CopyButton text=text label=lang.text("copy-recipe") done=lang.text("copied")/></p>
                <p class="quiet">{lang.text("raw-picture-note")} " " {lang.text("settings-hint")}</p>
                <ul class="plain">{rows}</ul>
            </section>
            <section class="card">
                <h2>{lang.text("runs")}</h2>
                {run_list(lang, &line.id, runs)}
                <p class="quiet">{lang.text("offline-hint")} " " <code>"seedmark reproduce FILE.seedmark"</code></p>
                {made.add_model.map(|command| view! { <p class="quiet">{lang.text("offline-model")} " " <code>{command}</code></p> })}
            </section>
        }
        .into_any()
    })
}

/// The picture that a recipe begins with, and its mask.
fn begun(lang: Lang, base: &str, recipe: &Recipe) -> Option<impl IntoView + use<>> {
    let init = recipe.init.as_ref()?;
    let (width, height) = (i64::from(recipe.width), i64::from(recipe.height));
    let shot = |index: usize, alt: &str| {
        let src = format!("{base}/starting/{index}");
        let whole = src.clone();
        view! { <a class="mat begin__shot" href=whole><Picture src alt=lang.text(alt) width height/></a> }
    };
    let mask = init.mask.map(|_| shot(1, "start-mask-alt"));
    let share = [("share", lang.decimal(init.strength_milli * 100).into())];
    Some(view! {
        <div class="begin__now" id="begun">
            {shot(0, "start-alt")}
            {mask}
            <p class="begin__say">{lang.with("recipe-begins", &share)}</p>
        </div>
    })
}

/// What publishing an outcome means, and the panel that signs it.
fn attest_panel(
    lang: Lang,
    action: String,
    attestable: Attestable,
    origin: &str,
) -> impl IntoView + use<> {
    let environment = serde_json::from_str::<ReproductionStatement>(&attestable.statement)
        .map(|statement| market::log::service::environment_text(&statement.environment))
        .unwrap_or_default();
    let texts = AttestTexts {
        passphrase: lang.text("key-passphrase"),
        sign: lang.text("attest-sign"),
        working: lang.text("seal-working"),
        wrong: lang.text("key-wrong"),
        no_key: lang.text("attest-no-key"),
        failed: lang.text("attest-failed"),
    };
    let (licence, salt) = attestable.licence;
    let (statement, origin) = (attestable.statement, origin.to_owned());
    view! {
        <section class="card" id="attest">
            <h2>{lang.text("attest-title")}</h2>
            <p>{lang.with("attest-line", &[("environment", environment.into())])}</p>
            <p class="quiet">{lang.text("run-counts")} " " {lang.text("attestations-line")}</p>
            <form method="post" action=action id="attest-form"><input type="hidden" name="attestation"/></form>
            <AttestPanel statement origin licence salt texts/>
            <p class="quiet">{lang.text("attest-offline")} " " <code>"seedmark reproduce FILE.seedmark --attest URL --key FILE"</code></p>
        </section>
    }
}

pub(super) fn run(
    visit: &Visit,
    line: &Line,
    run: &Run,
    anchors: Vec<Anchor>,
    attestable: Option<Attestable>,
    stands: Option<Stands>,
    origin: &str,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("regenerate");
    let (line, run) = (line.clone(), run.clone());
    shell::ok(visit, &title.clone(), || {
        let base = lang.path(&format!("/library/{}", line.id));
        let heading = heading(title, Some(line.title.clone()));
        let Some(outcome) = run.outcome.clone() else {
            let over = run.state.is_over();
            let why = run.error.clone().map(|error| lang.text_or_itself(&error));
            let why = why.or_else(|| over.then(|| lang.text("run-failed")));
            let away = matches!(stands, Some(Stands::Away { .. }));
            let told = (!over).then(|| progress::line(lang, stands.as_ref(), run.step, run.steps));
            let live = told.map(|told| view! { <LiveProgress url=format!("/library/{}/runs/{}/progress", line.id, run.id) line=told step=run.step steps=run.steps/> });
            return view! {
                {(!over).then(|| view! { <RefreshWithoutScript seconds=2/> })}
                {heading}
                <section class="card" id="run" data-state=run.state.name()>
                    {why.map(|why| view! { <p class="field-error">{why}</p> })}
                    {live}
                    {away.then(|| view! { <p class="quiet">{lang.text("run-away-line")}</p> })}
                    <p class="actions"><a class="button" href=base>{lang.text("back-to-recipe")}</a></p>
                </section>
            }
            .into_any();
        };
        let pictures = run.pictures().into_iter().enumerate().map(|(index, picture)| {
            let equal = picture.found == picture.sealed;
            let sealed = anchors.get(index).map(|anchor| view! { <MatPicture lang blob=anchor.labelled_blob.clone() alt=lang.text("sealed-picture") width=anchor.width height=anchor.height/> });
            let detail = picture.centibels.map(|value| lang.with("difference", &[("count", (picture.differing as i64).into()), ("largest", i64::from(picture.largest).into()), ("decibels", format!("{}.{:02}", value / 100, value % 100).into())]));
            view! {
                <li class="compare">
                    <figure>{sealed}<figcaption>{lang.text("sealed-picture")}</figcaption></figure>
                    <figure><span class="mat mat--card"><Picture src=lang.path(&format!("/library/{}/runs/{}/pictures/{index}", line.id, run.id)) alt=lang.text("regenerated") width=128 height=128/></span><figcaption>{lang.text("regenerated")}</figcaption></figure>
                    <dl class="facts">
                        <Fact label=lang.text("sealed-digest")><Code text=picture.sealed.hex()/></Fact>
                        <Fact label=lang.text("found-digest")><Code text=picture.found.hex()/></Fact>
                        <Fact label=lang.text("verdict")><span class="tag" class:tag--good=equal class:tag--bad=!equal>{lang.text(&format!("outcome-{}", picture.outcome.name()))}</span></Fact>
                    </dl>
                    {detail.map(|text| view! { <p class="quiet">{text}</p> })}
                </li>
            }
        });
        let panel = attestable.map(|attestable| {
            let action = format!("{base}/runs/{}/attest", run.id);
            attest_panel(lang, action, attestable, origin)
        });
        view! {
            {heading}
            <section class="card" id="run" data-outcome=outcome.clone()>
                <p class="verdict">{lang.text(&format!("outcome-{outcome}-line"))}</p>
                <ul class="plain">{pictures.collect_view()}</ul>
                <p class="actions"><a class="button" href=base>{lang.text("back-to-recipe")}</a></p>
            </section>
            {panel}
        }
        .into_any()
    })
}
