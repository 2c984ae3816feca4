//! Pages of the catalog.

use crate::ui::pieces::{
    Code, Fact, FormKey, Picture, RefreshWithoutScript, Time, empty, heading, picture_url,
};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use islands::studio::LiveProgress;
use leptos::prelude::*;
use market::catalog::service::{Anchor, Card, Listing};
use market::catalog::{ListingState, VersionState};
use market::log::service::StatementRow;
use market::offers::sets::Set;
use schema::listing::Category;
use schema::template::PublicVariable;

fn card(visit: &Visit, card: Card, eager: bool) -> impl IntoView + use<> {
    let lang = visit.lang;
    let href = lang.path(&format!("/listings/{}", card.slug));
    let template = card.variables != "{}";
    view! {
        <li class="listing-card">
            <a class="listing-card__link" href=href>
                <Picture src=picture_url(&card.blob) alt=String::new() width=card.width height=card.height eager/>
                <span class="listing-card__title">{card.title}</span>
            </a>
            <span class="listing-card__by"><bdi>{card.handle}</bdi></span>
            <span class="listing-card__row">
                <span class="listing-card__price">{visit.price(card.price_minor)}</span>
                {template.then(|| view! { <span class="tag">{lang.text("tag-template")}</span> })}
            </span>
        </li>
    }
}

pub(crate) fn grid(visit: &Visit, cards: Vec<Card>) -> impl IntoView + use<> {
    let priced = cards.iter().any(|card| card.price_minor > 0);
    let cards = cards
        .into_iter()
        .enumerate()
        .map(|(index, row)| card(visit, row, index < 8));
    let note = visit.tax_note().filter(|_| priced);
    view! {
        <ul class="grid">{cards.collect_view()}</ul>
        {note.map(|note| view! { <p class="quiet">{note}</p> })}
    }
}

pub(super) fn home(visit: &Visit, cards: Vec<Card>) -> Response {
    let lang = visit.lang;
    let title = lang.text("home-title");
    shell::ok(visit, &title.clone(), || {
        let nothing = cards.is_empty();
        let categories = Category::ALL.map(|category| {
            let href = lang.path(&format!("/explore?category={}", category.id()));
            view! { <a class="chip" href=href>{lang.text(&format!("category-{}", category.id()))}</a> }
        });
        view! {
            <section class="hero">
                <h1 class="hero__title">{title}</h1>
                <p class="hero__line">{lang.text("home-line")}</p>
                <p class="actions">
                    <a class="button button--primary" href=lang.path("/explore")>{lang.text("home-browse")}</a>
                    <a class="button" href=lang.path("/how-it-works")>{lang.text("nav-how")}</a>
                </p>
                <ol class="promise">
                    <li><strong>{lang.text("promise-seal")}</strong>" "{lang.text("promise-seal-line")}</li>
                    <li><strong>{lang.text("promise-certify")}</strong>" "{lang.text("promise-certify-line")}</li>
                    <li><strong>{lang.text("promise-reproduce")}</strong>" "{lang.text("promise-reproduce-line")}</li>
                </ol>
            </section>
            <section>
                <h2>{lang.text("home-new")}</h2>
                <p class="chips">{categories.into_iter().collect_view()}</p>
                {nothing.then(|| empty(visit, "explore-nothing", Some(("/studio", "nav-studio"))))}
                {grid(visit, cards)}
            </section>
        }
        .into_any()
    })
}

/// What a listing's page knows besides the listing.
pub(super) struct Around {
    /// The line by which this visitor owns it.
    pub(super) owned: Option<String>,
    /// It lies in this visitor's cart.
    pub(super) in_cart: bool,
    /// A person looks at it before it may go live.
    pub(super) in_review: bool,
    /// Sets that it is sold in, too, and what each comes to with its tax.
    pub(super) sets: Vec<(Set, i64)>,
}

fn set_links(visit: &Visit, sets: Vec<(Set, i64)>) -> impl IntoView + use<> {
    let lang = visit.lang;
    let links: Vec<_> = sets
        .into_iter()
        .map(|(set, price)| {
            let href = lang.path(&format!("/sets/{}", set.slug));
            let arguments = [("title", set.title.into()), ("price", lang.money(price).into())];
            view! { <p><a href=href class="set-link">{lang.with("listing-in-set", &arguments)}</a></p> }
        })
        .collect();
    links
}

pub(super) fn listing(
    visit: &Visit,
    listing: Listing,
    anchors: Vec<Anchor>,
    statements: Vec<StatementRow>,
    model_name: Option<String>,
    around: Around,
) -> Response {
    let lang = visit.lang;
    let Around {
        owned,
        in_cart,
        in_review,
        sets,
    } = around;
    let title = listing.title.clone();
    let model_name = model_name.unwrap_or_default();
    shell::ok(visit, &title.clone(), || {
        let pictures = anchors.iter().enumerate().map(|(index, anchor)| {
            let alt = lang.with("preview-alt", &[("number", (index as i64 + 1).into()), ("title", listing.title.clone().into())]);
            view! { <Picture src=picture_url(&anchor.labelled_blob) alt width=anchor.width height=anchor.height eager=true/> }
        });
        let pictures = pictures.collect_view();
        let pending = listing.state == ListingState::Certifying && !in_review;
        view! {
            <article class="listing">
                <div class="listing__gallery" class:listing__gallery--one=anchors.len() == 1>{pictures}</div>
                <div class="listing__offer">
                    <p class="quiet">{lang.text(&format!("category-{}", listing.category))}</p>
                    <h1 lang=if listing.language == "zh" { "zh-Hans".to_owned() } else { listing.language.clone() }>{title}</h1>
                    <p>{lang.text("by")} " " <bdi>{listing.handle.clone()}</bdi></p>
                    {pending.then(|| waiting(lang, &listing))}
                    {in_review.then(|| view! { <p class="hint" id="in-review">{lang.text("in-review-line")}</p> })}
                    {listing.version_error.clone().map(|error| view! { <p class="field-error">{lang.text_or_itself(&error)}</p> })}
                    {(listing.state == ListingState::Live).then(|| offer(visit, &listing, owned, in_cart))}
                    {set_links(visit, sets)}
                    <p class="listing__text">{listing.description.clone()}</p>
                </div>
                <div class="listing__evidence">
                    {evidence(lang, &listing, &statements)}
                    {facts(lang, &listing, &model_name)}
                </div>
                {crate::library::try_it::section(visit, &listing)}
            </article>
        }
        .into_any()
    })
}

fn waiting(lang: Lang, listing: &Listing) -> impl IntoView + use<> {
    let step = match listing.version_state {
        VersionState::Logging => 1,
        VersionState::Certifying => 2,
        _ => 3,
    };
    let label = lang.text(&format!("version-state-{}", listing.version_state.name()));
    view! {
        <RefreshWithoutScript seconds=2/>
        <div class="hint">
            <p>{lang.text("certifying-line")}</p>
            <LiveProgress url=format!("/listings/{}/progress", listing.slug) label step steps=4/>
        </div>
    }
}

fn offer(
    visit: &Visit,
    listing: &Listing,
    owned: Option<String>,
    in_cart: bool,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let own = visit
        .person
        .as_ref()
        .is_some_and(|person| person.id.as_str() == listing.person_id);
    let licence = lang.text(&format!("licence-{}", listing.licence.replace('.', "-")));
    let action = if let Some(line) = owned {
        view! { <a class="button button--primary" href=lang.path(&format!("/library/{line}"))>{lang.text("open-in-library")}</a> }.into_any()
    } else if own {
        view! { <p class="quiet">{lang.text("your-own")}</p> }.into_any()
    } else if in_cart {
        view! { <a class="button button--primary button--wide" href=lang.path("/cart") id="to-cart">{lang.text("in-cart")}</a> }.into_any()
    } else {
        view! {
            <form method="post" action=lang.path("/cart/add")>
                <FormKey/>
                <input type="hidden" name="listing" value=listing.id.to_string()/>
                <button class="button button--primary button--wide" type="submit" id="add-to-cart">{lang.text(if listing.price_minor == 0 { "get-free" } else { "add-to-cart" })}</button>
            </form>
        }
        .into_any()
    };
    view! {
        <p class="listing__price">{visit.price(listing.price_minor)}</p>
        {(listing.price_minor > 0).then(|| visit.tax_note().map(|note| view! { <p class="quiet" id="tax-note">{note}</p> }))}
        {action}
        <ul class="ticks">
            <li>{lang.text("offer-recipe")}</li>
            <li>{lang.text("offer-licence")} " " {licence}</li>
            <li>{lang.text("offer-refund")}</li>
        </ul>
    }
}

fn evidence(lang: Lang, listing: &Listing, statements: &[StatementRow]) -> impl IntoView + use<> {
    let (all, _) = market::verify::attest::tally(statements);
    let certified = statements
        .iter()
        .find(|row| Some(&row.leaf_hash) == listing.certification_leaf_hash.as_ref())
        .cloned();
    let listing = listing.clone();
    let proof = lang.path(&format!("/proofs/{}", listing.leaf_hash));
    let proof_link = proof.clone();
    let summary = lang.with(
        "reproduced-summary",
        &[
            ("exact", all.exact.into()),
            ("near", all.near.into()),
            ("different", all.different.into()),
        ],
    );
    view! {
        <section class="card">
            <h2>{lang.text("evidence")}</h2>
            <dl class="facts">
                <Fact label=lang.text("reproduced")>{summary}</Fact>
                {certified.map(|row| view! {
                    <Fact label=lang.text("certified")><Time lang ms=row.created_ms/></Fact>
                    <Fact label=lang.text("environment")>{row.environment.unwrap_or_default()}</Fact>
                })}
                <Fact label=lang.text("log-index")>
                    {match listing.sealed_index {
                        Some(index) => view! { <a href=proof_link>{format!("#{index}")}</a> }.into_any(),
                        None => view! { {lang.text("not-logged-yet")} }.into_any(),
                    }}
                </Fact>
            </dl>
            <p><a class="button button--small" href=proof>{lang.text("see-proof")}</a></p>
        </section>
    }
}

fn facts(lang: Lang, listing: &Listing, model_name: &str) -> impl IntoView + use<> {
    let (listing, model_name) = (listing.clone(), model_name.to_owned());
    let variables = listing
        .public_variables()
        .into_iter()
        .map(|(name, variable)| {
            let text = match variable {
                PublicVariable::Choice { labels, .. } => labels.join(" · "),
                PublicVariable::Text {
                    max_characters,
                    default,
                } => lang.with(
                    "variable-text-public",
                    &[
                        ("count", i64::from(max_characters).into()),
                        ("default", default.into()),
                    ],
                ),
                PublicVariable::Number {
                    minimum, maximum, ..
                } => format!("{minimum}–{maximum}"),
            };
            view! { <Fact label=name>{text}</Fact> }
        });
    let variables = variables.collect_view();
    let has_variables = listing.variables != "{}";
    view! {
        <section class="card">
            <h2>{lang.text("recipe-facts")}</h2>
            <dl class="facts">
                <Fact label=lang.text("model")>{model_name} " " <Code text=listing.model.clone()/></Fact>
                <Fact label=lang.text("profile")>{listing.profile.clone()}</Fact>
                <Fact label=lang.text("sampler")>{listing.scheduler.clone()}</Fact>
                <Fact label=lang.text("steps")>{listing.steps}</Fact>
                <Fact label=lang.text("size")>{format!("{} × {}", listing.width, listing.height)}</Fact>
                <Fact label=lang.text("prompt")><span class="sealed">{lang.text("sealed")}</span></Fact>
                <Fact label=lang.text("seed")><span class="sealed">{lang.text("sealed")}</span></Fact>
            </dl>
            {has_variables.then(|| view! { <h3>{lang.text("variables")}</h3><dl class="facts">{variables}</dl> })}
        </section>
    }
}

pub(super) fn how(visit: &Visit, vkey: &str, model: &str, limits: &'static str) -> Response {
    let lang = visit.lang;
    let title = lang.text("nav-how");
    let (vkey, model) = (vkey.to_owned(), model.to_owned());
    shell::ok(visit, &title.clone(), || {
        let steps = ["generate", "seal", "log", "certify", "buy", "reproduce", "refund"].map(|step| {
            view! { <li><strong>{lang.text(&format!("how-{step}"))}</strong><span>{lang.text(&format!("how-{step}-line"))}</span></li> }
        });
        view! {
            {heading(title, Some(lang.text("home-line")))}
            <ol class="how">{steps.into_iter().collect_view()}</ol>
            <section class="card">
                <h2>{lang.text("how-offline")}</h2>
                <p>{lang.text("how-offline-line")}</p>
                <pre><code>"seedmark verify FILE.seedmark\nseedmark reproduce FILE.seedmark"</code></pre>
                <dl class="facts">
                    <Fact label=lang.text("footer-vkey")><Code text=vkey/></Fact>
                    <Fact label=lang.text("model")><Code text=model/></Fact>
                </dl>
                <p class="quiet">{lang.text(limits)}</p>
            </section>
        }
        .into_any()
    })
}
