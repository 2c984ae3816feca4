//! Pages and routes of what lowers a price: coupons and sets.

use super::coupon::{self, Coupon, NewCoupon};
use super::service::Error;
use super::sets::{self, Item, Set};
use crate::clock::DAY_MS;
use crate::ui::lang::Lang;
use crate::ui::pieces::{Field, Picture, empty, heading, picture_url};
use crate::ui::shell;
use crate::web::error::{Answer, AppError};
use crate::web::form::Form;
use crate::web::state::AppState;
use crate::web::visit::Visit;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use leptos::prelude::*;
use schema::failure::{Code, FieldError};
use schema::money::Money;

/// Routes of this part.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/money/coupons", get(own_coupons).post(make_own_coupon))
        .route("/money/coupons/{id}/end", post(end_own_coupon))
        .route(
            "/operator/coupons",
            get(house_coupons).post(make_house_coupon),
        )
        .route("/operator/coupons/{id}/end", post(end_house_coupon))
        .route("/money/sets", get(own_sets).post(make_set))
        .route("/money/sets/{id}/end", post(end_set))
        .route("/sets/{slug}", get(show_set))
}

/// Whose coupons a page is about: a creator's own, or the platform's.
struct Whose {
    person: Option<String>,
    path: &'static str,
}

fn own(visit: &Visit) -> Result<Whose, AppError> {
    Ok(Whose {
        person: Some(visit.require_person()?.id.clone()),
        path: "/money/coupons",
    })
}

fn house(visit: &Visit) -> Result<Whose, AppError> {
    visit.require_operator()?;
    Ok(Whose {
        person: None,
        path: "/operator/coupons",
    })
}

async fn own_coupons(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async { show_coupons(&state, &visit, &own(&visit)?, None).await })
        .await
}

async fn house_coupons(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(async { show_coupons(&state, &visit, &house(&visit)?, None).await })
        .await
}

async fn make_own_coupon(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    visit
        .answer(async { make_coupon(&state, &visit, &own(&visit)?, &Form::parse(&body)).await })
        .await
}

async fn make_house_coupon(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    visit
        .answer(async { make_coupon(&state, &visit, &house(&visit)?, &Form::parse(&body)).await })
        .await
}

async fn end_own_coupon(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async { end_coupon(&state, &visit, &own(&visit)?, &id).await })
        .await
}

async fn end_house_coupon(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async { end_coupon(&state, &visit, &house(&visit)?, &id).await })
        .await
}

async fn end_coupon(state: &AppState, visit: &Visit, whose: &Whose, id: &str) -> Answer {
    let mut tx = state.db.write().await?;
    let ended = coupon::end(&mut tx, whose.person.as_deref(), id, state.clock.now_ms()).await?;
    tx.commit().await?;
    if !ended {
        return Err(AppError::new(Code::NotFound));
    }
    Ok(visit.redirect(whose.path))
}

/// Reads the form; what is empty is left out, and what is no number is refused by name.
fn read_coupon(form: &Form, now_ms: i64) -> Result<NewCoupon, &'static str> {
    let amount = form.get("off");
    let (percent, amount_minor) = match form.get("kind") {
        "amount" => {
            let money = Money::parse_usd(amount, "off").map_err(|_| "coupon-amount")?;
            (None, Some(money.minor))
        }
        _ => (
            Some(amount.trim().parse().map_err(|_| "coupon-amount")?),
            None,
        ),
    };
    let minimum = match form.get("minimum").trim() {
        "" => 0,
        text => {
            Money::parse_usd(text, "minimum")
                .map_err(|_| "coupon-minimum-amount")?
                .minor
        }
    };
    let uses = match form.get("uses").trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| "coupon-uses")?),
    };
    let days: Option<i64> = match form.get("days").trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| "coupon-ends")?),
    };
    Ok(NewCoupon {
        code: form.get("code").into(),
        percent,
        amount_minor,
        minimum_minor: minimum,
        uses,
        once_per_buyer: form.get("once") == "yes",
        ends_ms: days.map(|days| now_ms + days.clamp(0, 3660) * DAY_MS),
    })
}

async fn make_coupon(state: &AppState, visit: &Visit, whose: &Whose, form: &Form) -> Answer {
    let now = state.clock.now_ms();
    let new = match read_coupon(form, now) {
        Ok(new) => new,
        Err(code) => return show_coupons(state, visit, whose, Some((form, code))).await,
    };
    let mut tx = state.db.write().await?;
    match coupon::create(&mut tx, whose.person.as_deref(), &new, now).await {
        Ok(_) => tx.commit().await?,
        Err(Error::Refused(code)) => {
            drop(tx);
            return show_coupons(state, visit, whose, Some((form, code))).await;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(visit.redirect_with(whose.path, "coupon-made"))
}

async fn show_coupons(
    state: &AppState,
    visit: &Visit,
    whose: &Whose,
    wrong: Option<(&Form, &'static str)>,
) -> Answer {
    let mut tx = state.db.read().await?;
    let coupons = coupon::list(&mut tx, whose.person.as_deref()).await?;
    drop(tx);
    Ok(coupons_page(
        visit,
        whose,
        coupons,
        wrong,
        state.clock.now_ms(),
    ))
}

/// The field that a refusal is about.
fn field_of(code: &str) -> &'static str {
    match code {
        "coupon-amount" => "off",
        "coupon-minimum-amount" => "minimum",
        "coupon-uses" => "uses",
        "coupon-ends" => "days",
        _ => "code",
    }
}

fn coupons_page(
    visit: &Visit,
    whose: &Whose,
    coupons: Vec<Coupon>,
    wrong: Option<(&Form, &'static str)>,
    now_ms: i64,
) -> Response {
    let lang = visit.lang;
    let title = lang.text("coupons");
    let status = match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let errors: Vec<FieldError> = wrong
        .map(|(_, code)| FieldError::new(field_of(code), code))
        .into_iter()
        .collect();
    let typed = |name: &str| wrong.map_or_else(String::new, |(form, _)| form.get(name).to_owned());
    let by_amount = typed("kind") == "amount";
    let (path, line) = match whose.person {
        Some(_) => (whose.path, "coupons-line"),
        None => (whose.path, "coupons-line-house"),
    };
    shell::page(visit, &title.clone(), status, || {
        let none = coupons.is_empty();
        let rows: Vec<_> = coupons
            .into_iter()
            .map(|coupon| coupon_row(lang, path, coupon, now_ms))
            .collect();
        view! {
            {heading(title, Some(lang.text(line)))}
            <section class="card" id="coupons">
                {none.then(|| view! { <p class="quiet">{lang.text("coupons-none")}</p> })}
                <ul class="plain">{rows}</ul>
            </section>
            <form class="card card--form" method="post" action=lang.path(path)>
                <h2>{lang.text("coupon-new")}</h2>
                <Field lang name="code" label=lang.text("coupon-code") hint=lang.text("coupon-code-hint") value=typed("code") required=true errors=errors.clone()/>
                <label class="field" for="kind"><span>{lang.text("coupon-kind")}</span>
                    <select id="kind" name="kind">
                        <option value="percent">{lang.text("coupon-kind-percent")}</option>
                        <option value="amount" selected=by_amount>{lang.text("coupon-kind-amount")}</option>
                    </select>
                </label>
                <Field lang name="off" label=lang.text("coupon-off") value=typed("off") required=true errors=errors.clone()/>
                <Field lang name="minimum" label=lang.text("coupon-minimum") value=typed("minimum") errors=errors.clone()/>
                <Field lang name="uses" label=lang.text("coupon-uses") value=typed("uses") errors=errors.clone()/>
                <Field lang name="days" label=lang.text("coupon-days") value=typed("days") errors=errors/>
                <label class="check"><input type="checkbox" name="once" value="yes"/> {lang.text("coupon-once")}</label>
                <button class="button button--primary" type="submit" id="make-coupon">{lang.text("coupon-make")}</button>
            </form>
        }
        .into_any()
    })
}

fn coupon_row(
    lang: Lang,
    path: &'static str,
    coupon: Coupon,
    now_ms: i64,
) -> impl IntoView + use<> {
    let off = match (coupon.percent, coupon.amount_minor) {
        (Some(percent), _) => lang.with("coupon-percent", &[("percent", percent.into())]),
        (None, amount) => lang.money(amount.unwrap_or(0)),
    };
    let over = coupon.ended_ms.is_some() || coupon.ends_ms.is_some_and(|ends| ends <= now_ms);
    let used = lang.with("coupon-used-times", &[("count", coupon.used.into())]);
    let left = coupon
        .uses_left
        .map(|left| lang.with("coupon-left", &[("count", left.into())]));
    let until = coupon
        .ends_ms
        .map(|ms| lang.with("coupon-until", &[("until", lang.date(ms).into())]));
    let end = (!over).then(|| {
        let action = lang.path(&format!("{path}/{}/end", coupon.id));
        view! { <form method="post" action=action><button class="link" type="submit">{lang.text("coupon-end")}</button></form> }
    });
    view! {
        <li class="row">
            <span class="row__main"><code>{coupon.code}</code> " " {off}<span class="quiet">{used} " " {left} " " {until}</span></span>
            {over.then(|| view! { <span class="tag">{lang.text("coupon-over-tag")}</span> })}
            {end}
        </li>
    }
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
    let own = sets::list(&mut tx, &person.id).await?;
    let items = sets::list_own_live(&mut tx, &person.id).await?;
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
            let chosen: Vec<String> = form.all("listing").map(Into::into).collect();
            let (title, now) = (form.get("title"), state.clock.now_ms());
            let mut tx = state.db.write().await?;
            match sets::create(&mut tx, &person.id, title, price.minor, &chosen, now).await {
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
            let ended = sets::end(&mut tx, &person.id, &id).await?;
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
                let live = set.state == "live";
                let action = lang.path(&format!("/money/sets/{}/end", set.id));
                view! {
                    <li class="row"><span class="row__main"><a href=href>{set.title}</a></span><span>{lang.money(set.price_minor)}</span>
                        {(!live).then(|| view! { <span class="tag">{lang.text("coupon-over-tag")}</span> })}
                        {live.then(|| view! { <form method="post" action=action><button class="link" type="submit">{lang.text("set-end")}</button></form> })}
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
                let checked = chosen.contains(&item.id);
                view! {
                    <label class="check row"><input type="checkbox" name="listing" value=item.id checked=checked/>
                        <Picture src=picture_url(&item.blob) alt=String::new() width=48 height=48/>
                        <span class="row__main">{item.title}</span><span>{lang.price(item.price_minor)}</span></label>
                }
            })
            .collect();
        let form = (!few).then(|| view! {
            <form class="card card--form" method="post" action=lang.path("/money/sets")>
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
        items.iter().filter(|item| item.state == "live").count(),
        items.iter().map(|item| item.price_minor).sum::<i64>(),
    );
    shell::ok(visit, &title.clone(), || {
        let by = format!("{} {}", lang.text("by"), set.handle);
        let cards: Vec<_> = items
            .into_iter()
            .map(|item| {
                let href = lang.path(&format!("/listings/{}", item.slug));
                let gone = (item.state != "live").then(|| view! { <span class="tag">{lang.text("set-item-gone")}</span> });
                view! {
                    <li class="listing-card">
                        <a class="listing-card__link" href=href><Picture src=picture_url(&item.blob) alt=String::new() width=256 height=256/><span class="listing-card__title">{item.title}</span></a>
                        <span class="listing-card__row"><span class="quiet">{lang.price(item.price_minor)}</span>{gone}</span>
                    </li>
                }
            })
            .collect();
        let buy = (set.state == "live" && live > 0).then(|| view! {
            <form method="post" action=lang.path("/cart/add-set")>
                <input type="hidden" name="set" value=set.id.clone()/>
                <button class="button button--primary button--wide" type="submit" id="add-set">{lang.text("add-to-cart")}</button>
            </form>
        });
        view! {
            {heading(title, Some(by))}
            <ul class="grid">{cards}</ul>
            <section class="card" id="set">
                <p class="total"><span>{lang.text("set-price")}</span><span><s class="quiet">{lang.money(sum)}</s> " " <strong>{lang.money(set.price_minor)}</strong></span></p>
                {buy}
                <p class="quiet">{lang.text("set-subtracts")}</p>
            </section>
        }
        .into_any()
    })
}
