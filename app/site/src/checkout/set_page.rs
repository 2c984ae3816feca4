//! Pages and forms of sets: several listings of a creator for one price.

use crate::ui::failure::{Answer, AppError};
use crate::ui::form::Form;
use crate::ui::pieces::{Field, FormKey, LinePicture, Shown, empty, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use leptos::prelude::*;
use market::catalog::ListingState;
use market::offers::SetState;
use market::offers::sets::{self, Item, Set};
use market::pictures::Place;
use money::Error;
use schema::failure::{Code, FieldError};
use schema::id::ListingId;
use schema::money::Money;

/// Routes of this part.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/money/sets", get(own_sets).post(make_set))
        .route("/money/sets/{id}/end", post(end_set))
        .route("/sets/{slug}", get(show_set))
}

async fn own_sets(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async { show_sets(&state, &visit, None).await })
        .await
}

async fn show_sets(
    state: &AppState,
    visit: &Visit,
    wrong: Option<(&Form, &'static str)>,
) -> Answer {
    let person = visit.require_person()?;
    let mut tx = state.db.read().await?;
    let own = sets::list(&mut tx, person.id.as_str()).await?;
    let items = sets::list_own_live(&mut tx, person.id.as_str()).await?;
    drop(tx);
    Ok(sets_page(visit, own, items, wrong))
}

async fn make_set(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let person = visit.require_person()?;
            let Ok(price) = Money::parse_usd(form.get("price"), "price") else {
                return show_sets(&state, &visit, Some((&form, "set-price"))).await;
            };
            let chosen = form.all("listing").map(ListingId::parse);
            let Ok(chosen) = chosen.collect::<Result<Vec<_>, _>>() else {
                return show_sets(&state, &visit, Some((&form, "set-items"))).await;
            };
            let (title, now) = (form.get("title"), state.clock.now_ms());
            let mut tx = state.db.write().await?;
            match sets::create(
                &mut tx,
                person.id.as_str(),
                title,
                price.minor,
                &chosen,
                now,
            )
            .await
            {
                Ok(slug) => {
                    tx.commit().await?;
                    Ok(visit.redirect(&format!("/sets/{slug}")))
                }
                Err(Error::Refused(code)) => {
                    drop(tx);
                    show_sets(&state, &visit, Some((&form, code))).await
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn end_set(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let mut tx = state.db.write().await?;
            let ended = sets::end(&mut tx, person.id.as_str(), &id).await?;
            tx.commit().await?;
            if !ended {
                return Err(AppError::new(Code::NotFound));
            }
            Ok(visit.redirect("/money/sets"))
        })
        .await
}

fn sets_page(
    visit: &Visit,
    own: Vec<Set>,
    items: Vec<Item>,
    wrong: Option<(&Form, &'static str)>,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("sets");
    let status = match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let field = |code: &str| match code {
        "set-title" => "title",
        "set-price" => "price",
        _ => "listing",
    };
    let errors: Vec<FieldError> = wrong
        .map(|(_, code)| FieldError::new(field(code), code))
        .into_iter()
        .collect();
    let typed = |name: &str| wrong.map_or_else(String::new, |(form, _)| form.get(name).to_owned());
    let chosen: Vec<String> = wrong
        .map(|(form, _)| form.all("listing").map(Into::into).collect())
        .unwrap_or_default();
    shell::page(visit, &title.clone(), status, || {
        let none = own.is_empty();
        let rows: Vec<_> = own
            .into_iter()
            .map(|set| {
                let href = lang.path(&format!("/sets/{}", set.slug));
                let live = set.state == SetState::Live;
                let action = lang.path(&format!("/money/sets/{}/end", set.id));
                view! {
                    <li class="row"><span class="row__main"><a href=href>{set.title}</a></span><span>{lang.money(set.price_minor)}</span>
                        {(!live).then(|| view! { <span class="tag">{lang.text("coupon-over-tag")}</span> })}
                        {live.then(|| view! { <form method="post" action=action><FormKey/><button class="link" type="submit">{lang.text("set-end")}</button></form> })}
                    </li>
                }
            })
            .collect();
        let listing_error = errors
            .iter()
            .find(|error| error.field == "listing")
            .map(|error| lang.field_error(error));
        let few = items.len() < 2;
        let boxes: Vec<_> = items
            .into_iter()
            .map(|item| {
                let checked = chosen.iter().any(|id| id == item.id.as_str());
                view! {
                    <label class="check row"><input type="checkbox" name="listing" value=item.id.to_string() checked=checked/>
                        <LinePicture lang blob=item.blob.clone()/>
                        <span class="row__main">{item.title}</span><span>{lang.price(item.price_minor)}</span></label>
                }
            })
            .collect();
        let form = (!few).then(|| view! {
            <form class="card card--form" method="post" action=lang.path("/money/sets")><FormKey/>
                <h2>{lang.text("set-new")}</h2>
                <Field lang name="title" label=lang.text("title") value=typed("title") required=true errors=errors.clone()/>
                <fieldset class="field"><legend>{lang.text("set-items")}</legend>{boxes}{listing_error.map(|text| view! { <p class="field-error">{text}</p> })}</fieldset>
                <Field lang name="price" label=lang.text("set-price") hint=lang.text("set-price-hint") value=typed("price") required=true errors=errors/>
                <button class="button button--primary" type="submit" id="make-set">{lang.text("set-make")}</button>
            </form>
        });
        view! {
            {heading(title, Some(lang.text("sets-line")))}
            <section class="card">{none.then(|| view! { <p class="quiet">{lang.text("sets-none")}</p> })}<ul class="plain">{rows}</ul></section>
            {few.then(|| empty(visit, "sets-few", Some(("/studio", "nav-studio"))))}
            {form}
        }
        .into_any()
    })
}

async fn show_set(
    State(state): State<AppState>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    visit
        .answer(async {
            let mut tx = state.db.read().await?;
            let (set, items) = sets::get(&mut tx, &slug).await?;
            drop(tx);
            Ok(set_page(&visit, set, items))
        })
        .await
}

fn set_page(visit: &Visit, set: Set, items: Vec<Item>) -> Response {
    let lang = visit.lang;
    let title = set.title.clone();
    let (live, sum) = (
        items
            .iter()
            .filter(|item| item.state == ListingState::Live)
            .count(),
        items
            .iter()
            .map(|item| visit.gross(item.price_minor))
            .sum::<i64>(),
    );
    // Each item has its part of the price, and its tax.
    let parts = sets::parts(set.price_minor, &items).into_iter();
    let price: i64 = parts.map(|part| visit.gross(part)).sum();
    shell::ok(visit, &title.clone(), || {
        let by = format!("{} {}", lang.text("by"), set.handle);
        let cards: Vec<_> = items
            .into_iter()
            .map(|item| {
                let href = lang.path(&format!("/listings/{}", item.slug));
                let gone = (item.state != ListingState::Live).then(|| view! { <span class="tag">{lang.text("set-item-gone")}</span> });
                view! {
                    <li class="listing-card">
                        <a class="listing-card__link" href=href><span class="mat"><Shown lang blob=item.blob.clone() width=128 height=128 place=Place::Card alt=String::new()/></span><span class="listing-card__title">{item.title}</span></a>
                        <span class="listing-card__row"><span class="quiet">{visit.price(item.price_minor)}</span>{gone}</span>
                    </li>
                }
            })
            .collect();
        let buy = (set.state == SetState::Live && live > 0).then(|| view! {
            <form method="post" action=lang.path("/cart/add-set")>
                <input type="hidden" name="set" value=set.id.clone()/>
                <button class="button button--primary button--wide" type="submit" id="add-set">{lang.text("add-to-cart")}</button>
            </form>
        });
        view! {
            {heading(title, Some(by))}
            <ul class="grid">{cards}</ul>
            <section class="card" id="set">
                <p class="total"><span>{lang.text("set-price")}</span><span><s class="quiet">{lang.money(sum)}</s> " " <strong>{lang.money(price)}</strong></span></p>
                {visit.tax_note().map(|note| view! { <p class="quiet">{note}</p> })}
                {buy}
                <p class="quiet">{lang.text("set-subtracts")}</p>
            </section>
        }
        .into_any()
    })
}
