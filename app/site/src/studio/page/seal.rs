//! What is about to be sealed and offered, once more in full, and the panel that signs it.

use crate::catalog::page::licence_text;
use crate::library::slots::{shown_name, takes};
use crate::ui::pieces::{Fact, FormKey, Picture};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use engine::metadata::sampler_title;
use islands::studio::{SealPanel, SealTexts};
use leptos::prelude::*;
use market::studio::service::DraftRow;
use schema::money::FeeSchedule;
use schema::recipe::Recipe;
use schema::sealing::SealMaterial;

/// All that the page shows.
pub(in crate::studio) struct Sealing<'a> {
    pub(in crate::studio) draft: &'a DraftRow,
    pub(in crate::studio) recipe: &'a Recipe,
    /// In the order of the recipe's anchors.
    pub(in crate::studio) pictures: &'a [String],
    pub(in crate::studio) material: SealMaterial,
    /// The model's name.
    pub(in crate::studio) model: String,
    pub(in crate::studio) fee: FeeSchedule,
}

pub(in crate::studio) fn seal(visit: &Visit, sealing: Sealing<'_>) -> Response {
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
    let Sealing {
        draft,
        recipe,
        pictures,
        material,
        model,
        fee,
    } = sealing;
    shell::ok(visit, &title.clone(), || {
        let path = lang.path(&format!("/studio/drafts/{}", draft.id));
        let picked: Vec<String> = pictures.iter().map(|id| format!("picture={id}")).collect();
        let back = format!("{path}?{}#listing", picked.join("&"));
        let hidden: Vec<_> = pictures
            .iter()
            .map(|id| view! { <input type="hidden" name="picture" value=id.clone()/> })
            .collect();
        let fields = ["salt", "key", "leaf", "listing_leaf", "statement"]
            .map(|name| view! { <input type="hidden" name=name/> });
        view! {
            <div class="heading">
                <p class="crumbs"><a href=back.clone()>{lang.text("seal-back")}</a></p>
                <h1>{title}</h1>
            </div>
            <div class="sealing">
                <section class="card" aria-labelledby="sealing-title">
                    <h2 id="sealing-title">{lang.text("seal-offer")}</h2>
                    {shown(lang, recipe, pictures)}
                    {facts(lang, draft, (recipe, model), fee)}
                    {(!draft.description.is_empty()).then(|| view! { <p class="listing__text">{draft.description.clone()}</p> })}
                </section>
                <section class="card sealing__sign" aria-labelledby="sign-title">
                    <h2 id="sign-title"><span class="stamp" aria-hidden="true"></span>" "{lang.text("seal-what")}</h2>
                    <p>{lang.text("seal-line")}</p>
                    <ol class="steps">
                        <li>{lang.text("seal-step-commit")}</li>
                        <li>{lang.text("seal-step-log")}</li>
                        <li>{lang.text("seal-step-certify")}</li>
                    </ol>
                    <form id="seal-form" method="post" action=format!("{path}/publish")>
                        <FormKey/>
                        {hidden}
                        {fields.into_iter().collect_view()}
                    </form>
                    <SealPanel material texts/>
                    <noscript><p class="hint">{lang.text("needs-script-cli")}</p></noscript>
                    <p><a class="button" href=back id="seal-back">{lang.text("seal-back")}</a></p>
                </section>
            </div>
        }
        .into_any()
    })
}

/// The pictures, each with the values that it was made with.
fn shown(lang: Lang, recipe: &Recipe, pictures: &[String]) -> impl IntoView + use<> {
    let (width, height) = (i64::from(recipe.width), i64::from(recipe.height));
    let items: Vec<_> = pictures
        .iter()
        .zip(&recipe.anchors)
        .map(|(id, anchor)| {
            let values = crate::library::slots::line(&anchor.values);
            let src = lang.path(&format!("/studio/pictures/{id}/file"));
            view! {
                <li class="gallery__item">
                    <span class="mat"><Picture src alt=lang.text("picture-alt") width height/></span>
                    {(!values.is_empty()).then(|| view! { <span class="quiet">{values}</span> })}
                </li>
            }
        })
        .collect();
    view! { <ul class="gallery plain">{items}</ul> }
}

/// What buyers will read, and what the creator gets.
fn facts(
    lang: Lang,
    draft: &DraftRow,
    (recipe, model): (&Recipe, String),
    fee: FeeSchedule,
) -> impl IntoView + use<> {
    let share = fee.share(draft.price_minor);
    let net = match draft.price_minor {
        0 => lang.text("seal-free"),
        price => lang.with(
            "seal-net",
            &[
                ("fee", lang.money(share).into()),
                ("net", lang.money(price - share).into()),
            ],
        ),
    };
    let licence = licence_text(lang, &draft.licence);
    let size = format!("{} × {}", recipe.width, recipe.height);
    let sampler = sampler_title(&recipe.scheduler);
    let begins = recipe.init.as_ref().map(|_| lang.text("seal-begins"));
    let parts = [Some(model), Some(sampler.to_owned()), Some(size), begins];
    let made = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let category = lang.text(&format!("category-{}", draft.category));
    let values: Vec<_> = recipe
        .variables
        .iter()
        .map(|(name, variable)| {
            let takes = takes(lang, &variable.public());
            view! { <li><strong>{shown_name(name)}</strong>": "{takes}</li> }
        })
        .collect();
    let values = (!values.is_empty()).then(|| {
        view! { <Fact label=lang.text("variables")><ul class="plain">{values}</ul></Fact> }
    });
    let tags = (!draft.tags.is_empty()).then(|| {
        let tags = draft.tags.clone();
        view! { <Fact label=lang.text("tags")>{tags}</Fact> }
    });
    let trial = lang.text(if draft.trial {
        "seal-trial"
    } else {
        "seal-no-trial"
    });
    let (price, title) = (lang.price(draft.price_minor), draft.title.clone());
    view! {
        <dl class="facts" id="sealing-facts">
            <Fact label=lang.text("title")><strong>{title}</strong></Fact>
            <Fact label=lang.text("seal-price")><strong class="sealing__price">{price}</strong><br/><span class="quiet">{net}</span></Fact>
            <Fact label=lang.text("licence")>{licence}</Fact>
            <Fact label=lang.text("category")>{category}</Fact>
            <Fact label=lang.text("model")>{made}</Fact>
            {tags}
            {values}
            <Fact label=lang.text("seal-tries")>{trial}</Fact>
        </dl>
    }
}
