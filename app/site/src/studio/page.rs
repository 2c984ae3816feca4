//! Pages of the studio.

use super::variables::definition;
use crate::ui::pieces::{
    Field, FormKey, LinePicture, Picture, RefreshWithoutScript, TextArea, empty, heading,
};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use base::lang::Lang;
use engine::model::Size;
use islands::studio::{LiveProgress, PhraseChips, SealPanel, SealTexts};
use leptos::prelude::*;
use market::catalog::ListingState;
use market::models::{self, Models};
use market::studio::PictureState;
use market::studio::service::{Content, Draft, DraftRow, MyListing, PictureRow};
use schema::failure::FieldError;
use schema::id::{DraftId, PictureId};
use schema::invisible;
use schema::licence::Licence;
use schema::listing::{Category, MAX_DESCRIPTION_CHARACTERS};
use schema::money::FeeSchedule;
use schema::sealing::SealMaterial;
use schema::template::{MAX_TEMPLATE_BYTES, Variable};

pub(super) fn studio(
    visit: &Visit,
    drafts: Vec<DraftRow>,
    listings: Vec<MyListing>,
    no_key: bool,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("studio");
    shell::ok(visit, &title.clone(), || {
        let drafts = drafts.into_iter().map(|draft| {
            let href = lang.path(&format!("/studio/drafts/{}", draft.id));
            view! { <li class="row"><a href=href>{draft.title}</a><span class="quiet">{lang.date(draft.updated_ms)}</span></li> }
        });
        let mine = listings.is_empty();
        let listings = listings.into_iter().map(|listing| {
            let href = lang.path(&format!("/listings/{}", listing.slug));
            let state = lang.text(&format!("listing-state-{}", listing.state.name()));
            view! {
                <li class="row">
                    <LinePicture lang blob=listing.labelled_blob.clone()/>
                    <a href=href>{listing.title}</a>
                    <span class="tag">{state}</span>
                    <span>{lang.price(listing.price_minor)}</span>
                    <span class="quiet">{lang.with("sales-count", &[("count", listing.sales.into())])}</span>
                    {listing.error.map(|error| view! { <span class="field-error">{lang.text_or_itself(&error)}</span> })}
                    {(listing.state == ListingState::Live).then(|| own_and_trial(lang, &listing.id, listing.trial))}
                </li>
            }
        });
        view! {
            {heading(title, Some(lang.text("studio-line")))}
            {no_key.then(|| view! { <p class="hint">{lang.text("studio-no-key")} " " <a href=lang.path("/account#keys")>{lang.text("keys")}</a></p> })}
            <form method="post" action=lang.path("/studio/drafts")><button class="button button--primary" id="new-draft">{lang.text("draft-new")}</button></form>
            <section class="card"><h2>{lang.text("drafts")}</h2><ul class="plain">{drafts.collect_view()}</ul></section>
            <section class="card">
                <h2>{lang.text("listings")}</h2>
                {mine.then(|| empty(visit, "listings-none", None))}
                <ul class="plain">{listings.collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

/// A creator makes pictures of their own recipe as an owner does, and lets visitors try it or not.
fn own_and_trial(lang: Lang, id: &str, trial: bool) -> impl IntoView + use<> {
    let own = lang.path(&format!("/library/{id}/own"));
    let action = lang.path(&format!("/studio/listings/{id}/trial"));
    let (value, text) = match trial {
        true => ("0", "trial-turn-off"),
        false => ("1", "trial-turn-on"),
    };
    view! {
        <span class="actions">
            <a class="button button--small" href=own>{lang.text("own-make-here")}</a>
            <form method="post" action=action><button class="button button--small button--quiet" name="trial" value=value>{lang.text(text)}</button></form>
        </span>
    }
}

/// All that a draft's page shows.
pub(super) struct Shown {
    /// As it is stored, or as it was typed when that was refused.
    pub(super) draft: Draft,
    /// As it was typed.
    pub(super) price: String,
    pub(super) pictures: Vec<PictureRow>,
    /// Pictures with another tag were made with an earlier text.
    pub(super) tag: String,
    /// How long the next of the waiting pictures takes, as far as it was measured.
    pub(super) wait_s: Option<i64>,
    pub(super) errors: Vec<FieldError>,
}

pub(super) fn draft(visit: &Visit, shown: &Shown, models: &Models, fee: FeeSchedule) -> Response {
    let lang = visit.lang;
    let (draft, pictures, errors) = (&shown.draft, &shown.pictures, &shown.errors);
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let title = draft.row.title.clone();
    shell::page(visit, &title.clone(), status, || {
        let waiting = pictures.iter().any(|picture| !picture.state.is_over());
        view! {
            {(waiting && errors.is_empty()).then(|| view! { <RefreshWithoutScript seconds=2/> })}
            {heading(title, Some(lang.text("draft-line")))}
            <div class="studio">
                {edit_form(visit, shown, models, fee)}
                <div class="studio__side">
                    {generate_form(visit, draft, errors)}
                    {gallery(visit, shown)}
                    {give_up(lang, &draft.row.id)}
                </div>
            </div>
        }
        .into_any()
    })
}

fn problem(visit: &Visit, errors: &[FieldError], fields: &[&str]) -> impl IntoView + use<> {
    let lang = visit.lang;
    let found = errors
        .iter()
        .filter(|error| fields.contains(&error.field.as_str()))
        .map(|error| lang.field_error(error));
    found
        .map(|text| view! { <p class="field-error" role="alert">{text}</p> })
        .collect_view()
}

/// Characters of the texts that nobody sees: they change the picture, and no buyer would find out why.
fn unseen(lang: Lang, content: &Content) -> Option<impl IntoView + use<>> {
    let choices = content
        .variables
        .values()
        .flat_map(|variable| match variable {
            Variable::Choice { choices, .. } => choices.as_slice(),
            Variable::Text { .. } | Variable::Number { .. } => &[],
        });
    let texts = [content.template.as_str(), content.negative.as_str()];
    let mut found: Vec<String> = texts
        .into_iter()
        .chain(choices.map(|choice| choice.text.as_str()))
        .flat_map(invisible::find)
        .map(|hidden| format!("U+{:04X}", u32::from(hidden.character)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(8);
    let list = found.join(", ");
    (!list.is_empty()).then(|| {
        let text = lang.with("invisible-hint", &[("found", list.into())]);
        view! { <p class="hint" id="invisible-hint">{text}</p> }
    })
}

/// A negative prompt is weighed against the prompt by guidance, which 1 and less turn off.
fn idle_negative(lang: Lang, content: &Content) -> Option<impl IntoView + use<>> {
    let idle = !content.negative.is_empty() && content.guidance_milli <= 1000;
    idle.then(|| view! { <p class="hint" id="negative-idle">{lang.text("negative-idle")}</p> })
}

fn edit_form(
    visit: &Visit,
    shown: &Shown,
    models: &Models,
    fee: FeeSchedule,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let (row, content) = (shown.draft.row.clone(), shown.draft.content.clone());
    let (errors, price) = (shown.errors.clone(), shown.price.clone());
    let (unseen, idle_negative) = (unseen(lang, &content), idle_negative(lang, &content));
    let wrong = |field: &str| errors.iter().any(|error| error.field == field);
    let (wrong_template, wrong_description) = (wrong("template"), wrong("description"));
    let categories = Category::ALL.map(|category| {
        view! { <option value=category.id() selected=category.id() == row.category>{lang.text(&format!("category-{}", category.id()))}</option> }
    });
    let licences = Licence::ALL.map(|licence| {
        let id = licence.id().replace('.', "-");
        view! { <option value=licence.id() selected=licence.id() == row.licence>{lang.text(&format!("licence-{id}"))}</option> }
    });
    let mut rows: Vec<(String, &'static str, String)> = content
        .variables
        .iter()
        .map(|(name, variable)| {
            let (kind, text) = definition(variable);
            (name.clone(), kind, text)
        })
        .collect();
    let blank = if rows.len() < 2 { 3 - rows.len() } else { 1 };
    rows.extend(std::iter::repeat_n(
        (String::new(), "choice", String::new()),
        blank,
    ));
    let rows = rows.into_iter().map(|(name, kind, text)| {
        let kinds = ["choice", "text", "number"].map(|known| view! { <option value=known selected=known == kind>{lang.text(&format!("variable-{known}"))}</option> });
        view! {
            <div class="variable">
                <input name="variable_name" value=name aria-label=lang.text("variable-name") placeholder=lang.text("variable-name") maxlength="32"/>
                <select name="variable_kind" aria-label=lang.text("variable-kind")>{kinds.into_iter().collect_view()}</select>
                <input name="variable_definition" value=text aria-label=lang.text("variable-definition") placeholder="red = crimson, blue = azure"/>
            </div>
        }
    });
    let fee = fee.share(row.price_minor);
    let net = lang.with(
        "price-net",
        &[
            ("fee", lang.money(fee).into()),
            ("net", lang.money(row.price_minor - fee).into()),
        ],
    );
    // Two places when they are needed: what was typed is what is saved again.
    let (whole, rest) = (content.guidance_milli / 1000, content.guidance_milli % 1000);
    let guidance = match rest % 100 {
        0 => format!("{whole}.{}", rest / 100),
        _ => format!("{whole}.{:02}", rest / 10),
    };
    // A draft whose model is gone is still shown; what is wrong stands at its form.
    let model = content
        .model(models)
        .unwrap_or_else(|_| models.usual())
        .clone();
    let manifest = &model.manifest;
    // A draft of a time when there was one model stays without a name for it.
    let value = {
        let unnamed = content.model.is_none().then(|| models.usual().digest);
        move |digest| match unnamed == Some(digest) {
            true => String::new(),
            false => digest.to_string(),
        }
    };
    let named = value(model.digest);
    let choices = models.iter().map(|other| {
        let digest = value(other.digest);
        let selected = other.digest == model.digest;
        view! { <option value=digest selected=selected>{models::name(other)}</option> }
    });
    let choices = choices.collect::<Vec<_>>();
    let choice = match choices.len() {
        0 | 1 => view! { <input type="hidden" name="model" value=named/> }.into_any(),
        _ => view! { <label class="field" for="model"><span>{lang.text("model")}</span><select id="model" name="model">{choices.collect_view()}</select></label> }.into_any(),
    };
    let styles = manifest.styles.get(lang.tag()).cloned().unwrap_or_default();
    let chosen = content.size.or(manifest.sizes.first().copied());
    let sizes = manifest.sizes.clone().into_iter().map(move |size| {
        let Size { width, height } = size;
        view! { <option value=format!("{width}x{height}") selected=chosen == Some(size)>{format!("{width} × {height}")}</option> }
    });
    let template_hint = lang.with(
        "template-hint",
        &[("tokens", i64::from(manifest.text_tokens).into())],
    );
    view! {
        <form class="card" method="post" action=lang.path(&format!("/studio/drafts/{}", row.id)) id="draft-form"><FormKey/>
            <input type="hidden" name="seen" value=row.updated_ms/>
            <h2>{lang.text("draft-recipe")}</h2>
            <label class="field" for="template">
                <span>{lang.text("template")}</span>
                <TextArea id="template" name="template" rows=3 most=MAX_TEMPLATE_BYTES plain=true invalid=wrong_template value=content.template.clone()/>
            </label>
            <p class="field__hint">{template_hint}</p>
            <div id="template-error">{problem(visit, &errors, &["template"])}</div>
            {unseen}
            <div class="phrases">
                <span class="field__hint">{lang.text("style-hint")}</span>
                <PhraseChips target="template".to_owned() phrases=styles/>
            </div>
            <Field lang name="negative" label=lang.text("negative") value=content.negative.clone() errors=errors.clone()/>
            {idle_negative}
            <fieldset class="field">
                <legend>{lang.text("variables")}</legend>
                <p class="field__hint">{lang.text("variables-hint")}</p>
                {rows.collect_view()}
                {problem(visit, &errors, &["variables"])}
            </fieldset>
            {choice}
            <div class="field-row">
                <Field lang name="steps" label=lang.text("steps") kind="number" value=content.steps.to_string() errors=errors.clone()/>
                <Field lang name="guidance" label=lang.text("guidance") value=guidance errors=errors.clone()/>
                <label class="field" for="size"><span>{lang.text("size")}</span><select id="size" name="size">{sizes.collect_view()}</select></label>
            </div>
            {problem(visit, &errors, &["size", "model"])}
            <h2>{lang.text("draft-listing")}</h2>
            <Field lang name="title" label=lang.text("title") value=row.title.clone() required=true errors=errors.clone()/>
            <label class="field" for="description">
                <span>{lang.text("description")}</span>
                <TextArea id="description" name="description" rows=4 most=MAX_DESCRIPTION_CHARACTERS invalid=wrong_description value=row.description.clone()/>
            </label>
            <div id="description-error">{problem(visit, &errors, &["description"])}</div>
            <div class="field-row">
                <label class="field" for="category"><span>{lang.text("category")}</span><select id="category" name="category">{categories.into_iter().collect_view()}</select></label>
                <label class="field" for="licence"><span>{lang.text("licence")}</span><select id="licence" name="licence">{licences.into_iter().collect_view()}</select></label>
            </div>
            {problem(visit, &errors, &["category", "licence"])}
            <label class="check" for="trial"><input type="checkbox" id="trial" name="trial" value="1" checked=row.trial/> {lang.text("draft-trial")}</label>
            <p class="field__hint">{lang.text("draft-trial-hint")}</p>
            <Field lang name="tags" label=lang.text("tags") hint=lang.text("tags-hint") value=row.tags.clone() errors=errors.clone()/>
            <Field lang name="price" label=lang.text("price-usd") hint=net value=price required=true errors=errors/>
            <button class="button button--primary" type="submit" id="save-draft">{lang.text("save")}</button>
        </form>
    }
}

fn generate_form(visit: &Visit, draft: &Draft, errors: &[FieldError]) -> impl IntoView + use<> {
    let lang = visit.lang;
    let inputs: Vec<_> = draft
        .content
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.clone()))
        .collect();
    let inputs = inputs.into_iter().map(|(name, variable)| {
        let field = format!("value_{name}");
        let input = match variable {
            Variable::Choice { choices, default } => {
                let options = choices.into_iter().map(|choice| view! { <option value=choice.label.clone() selected=choice.label == default>{choice.label.clone()}</option> });
                view! { <select name=field form="draft-form">{options.collect_view()}</select> }.into_any()
            }
            Variable::Text { max_characters, default } => view! { <input name=field form="draft-form" value=default maxlength=max_characters/> }.into_any(),
            Variable::Number { minimum, maximum, step, default } => {
                view! { <input type="number" form="draft-form" name=field value=default min=minimum max=maximum step=step/> }.into_any()
            }
        };
        view! { <label class="field"><span>{name}</span>{input}</label> }
    });
    let generate = lang.path(&format!("/studio/drafts/{}/generate", draft.row.id));
    let explore = generate.clone();
    // These fields belong to the draft's form: generating sends, checks and saves the whole page, so that nothing typed is lost.
    view! {
        <section class="card" id="generate-form">
            <h2>{lang.text("generate")}</h2>
            <div class="field-row">{inputs.collect_view()}</div>
            {problem(visit, errors, &["values", "seed", "count"])}
            <div class="field-row">
                <label class="field"><span>{lang.text("seed")}</span><input name="seed" form="draft-form" inputmode="numeric" placeholder=lang.text("seed-random")/></label>
                <label class="field"><span>{lang.text("count")}</span>
                    <select name="count" form="draft-form"><option value="1">"1"</option><option value="4" selected>"4"</option></select>
                </label>
            </div>
            <p class="field__hint">{lang.text("explore-hint")}</p>
            <p class="actions">
                <button class="button button--primary" type="submit" form="draft-form" formaction=generate id="generate">{lang.text("generate")}</button>
                <button class="button" type="submit" form="draft-form" formaction=explore name="explore" value="9" id="explore">{lang.text("explore-9")}</button>
            </p>
        </section>
    }
}

/// How many pictures wait, how long that takes, and the way to take them back.
fn waiting(lang: Lang, count: i64, wait_s: Option<i64>) -> impl IntoView + use<> {
    let about = wait_s.map(|seconds| match seconds {
        ..=90 => lang.with("wait-seconds", &[("count", seconds.into())]),
        _ => lang.with("wait-minutes", &[("count", ((seconds + 59) / 60).into())]),
    });
    view! {
        <p class="row" id="waiting">
            <span class="quiet typed-only">{lang.text("picture-ready")}</span>
            <span class="quiet">{lang.with("pictures-wait", &[("count", count.into())])} " " {about}</span>
            <button class="button button--small" type="submit" form="cancel-form" id="cancel-waiting">{lang.text("cancel-waiting")}</button>
        </p>
    }
}

/// The end of a draft, behind a first press so that it does not happen by mistake.
fn give_up(lang: Lang, id: &DraftId) -> impl IntoView + use<> {
    view! {
        <details class="card" id="give-up">
            <summary>{lang.text("draft-delete")}</summary>
            <form method="post" action=lang.path(&format!("/studio/drafts/{id}/delete"))>
                <p>{lang.text("draft-delete-line")}</p>
                <button class="button" type="submit" id="delete-draft">{lang.text("draft-delete")}</button>
            </form>
        </details>
    }
}

fn gallery(visit: &Visit, shown: &Shown) -> impl IntoView + use<> {
    let lang = visit.lang;
    let (draft, errors, tag) = (&shown.draft, &shown.errors, shown.tag.clone());
    let pictures = shown.pictures.clone();
    let none = pictures.is_empty();
    let waits = pictures
        .iter()
        .filter(|picture| picture.state == PictureState::Waiting)
        .count();
    let waits = i64::try_from(waits).unwrap_or(i64::MAX);
    let waiting = (waits > 0).then(|| waiting(lang, waits, shown.wait_s));
    // A refused form stands at an address that cannot be loaded again, with words that nobody may lose.
    let refused = !errors.is_empty();
    let cancel_all = lang.path(&format!("/studio/drafts/{}/cancel", draft.row.id));
    let items = pictures.into_iter().map(|picture| {
        let stale = picture.text_tag != tag;
        let file = format!("/studio/pictures/{}/file", picture.id);
        match picture.state {
            PictureState::Done => view! {
                <label class="gallery__item" class:gallery__item--stale=stale>
                    <Picture src=file alt=lang.text("picture-alt") width=128 height=128/>
                    {if stale {
                        view! { <span class="gallery__note">{lang.text("picture-stale")}</span> }.into_any()
                    } else {
                        view! {
                            <span class="gallery__pick"><input type="checkbox" name="picture" value=picture.id.to_string()/>" "{lang.text("picture-pick")}</span>
                            <a class="gallery__only" href=lang.path(&format!("/studio/drafts/{}/seal?picture={}", picture.draft_id, picture.id))>{lang.text("picture-only")}</a>
                        }.into_any()
                    }}
                </label>
            }.into_any(),
            PictureState::Failed => {
                let remove = lang.path(&format!("/studio/pictures/{}/cancel", picture.id));
                view! {
                    <div class="gallery__item gallery__item--failed">
                        <p class="field-error">{lang.text("picture-failed")}</p>
                        <p class="quiet">{picture.error.unwrap_or_default()}</p>
                        <button class="button button--small" type="submit" form="cancel-form" formaction=remove>{lang.text("picture-remove")}</button>
                    </div>
                }.into_any()
            }
            state @ (PictureState::Waiting | PictureState::Running) => {
                let cancel = lang.path(&format!("/studio/pictures/{}/cancel", picture.id));
                let cancel = (state == PictureState::Waiting).then(|| view! { <button class="button button--small" type="submit" form="cancel-form" formaction=cancel>{lang.text("picture-cancel")}</button> });
                view! {
                    <div class="gallery__item gallery__item--waiting">
                        {match refused {
                            true => view! { <span>{lang.text("step")} " " {picture.step} "/" {picture.steps}</span> }.into_any(),
                            false => view! { <LiveProgress url=format!("/studio/pictures/{}/progress", picture.id) label=lang.text("step") step=picture.step steps=picture.steps/> }.into_any(),
                        }}
                        {cancel}
                    </div>
                }.into_any()
            }
        }
    });
    view! {
        <form method="post" action=cancel_all id="cancel-form"></form>
        <form class="card" method="get" action=lang.path(&format!("/studio/drafts/{}/seal", draft.row.id)) id="pictures">
            <h2>{lang.text("pictures")}</h2>
            <p class="field__hint">{lang.text("pictures-hint")}</p>
            {problem(visit, errors, &["picture"])}
            {none.then(|| view! { <p class="quiet">{lang.text("pictures-none")}</p> })}
            {waiting}
            <div class="gallery">{items.collect_view()}</div>
            {(!none).then(|| view! { <button class="button" type="submit" id="to-seal">{lang.text("to-seal")}</button> })}
        </form>
    }
}

pub(super) fn seal(
    visit: &Visit,
    draft: &DraftRow,
    pictures: &[PictureId],
    material: SealMaterial,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("seal");
    let texts = SealTexts {
        passphrase: lang.text("key-passphrase"),
        sign: lang.text("seal-sign"),
        working: lang.text("seal-working"),
        wrong: lang.text("key-wrong"),
        no_key: lang.text("seal-no-key"),
        unregistered: lang.text("key-unregistered"),
        failed: lang.text("seal-failed"),
    };
    let draft = draft.clone();
    let pictures = pictures.to_vec();
    shell::ok(visit, &title.clone(), || {
        let shown = pictures.iter().map(|id| view! { <Picture src=format!("/studio/pictures/{id}/file") alt=lang.text("picture-alt") width=128 height=128/> }).collect_view();
        let hidden = pictures
            .iter()
            .map(|id| view! { <input type="hidden" name="picture" value=id.to_string()/> })
            .collect_view();
        let fields = ["salt", "key", "leaf", "listing_leaf", "statement"]
            .map(|name| view! { <input type="hidden" name=name/> });
        view! {
            {heading(title, Some(draft.title.clone()))}
            <section class="card">
                <p>{lang.text("seal-line")}</p>
                <div class="gallery">{shown}</div>
                <ul class="steps">
                    <li>{lang.text("seal-step-commit")}</li>
                    <li>{lang.text("seal-step-log")}</li>
                    <li>{lang.text("seal-step-certify")}</li>
                </ul>
                <form id="seal-form" method="post" action=lang.path(&format!("/studio/drafts/{}/publish", draft.id))>
                    <FormKey/>
                    {hidden}
                    {fields.into_iter().collect_view()}
                </form>
                <SealPanel material texts/>
                <noscript><p class="hint">{lang.text("needs-script-cli")}</p></noscript>
            </section>
        }
        .into_any()
    })
}
