//! Pages and forms of coupons: a creator's own, and the platform's.

use crate::ui::failure::{Answer, AppError};
use crate::ui::form::Form;
use crate::ui::pieces::{Field, FormKey, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use base::clock::DAY_MS;
use base::lang::Lang;
use leptos::prelude::*;
use market::offers::coupon::{self, Coupon, NewCoupon};
use money::Error;
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
}

/// Whose coupons a page is about: a creator's own, or the platform's.
struct Whose {
    person: Option<String>,
    path: &'static str,
}

fn own(visit: &Visit) -> Result<Whose, AppError> {
    Ok(Whose {
        person: Some(visit.require_person()?.id.to_string()),
        path: "/money/coupons",
    })
}

const HOUSE: Whose = Whose {
    person: None,
    path: "/operator/coupons",
};

fn house(visit: &Visit) -> Result<Whose, AppError> {
    visit.require_operator()?;
    Ok(HOUSE)
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
            <form class="card card--form" method="post" action=lang.path(path)><FormKey/>
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
        view! { <form method="post" action=action><FormKey/><button class="link" type="submit">{lang.text("coupon-end")}</button></form> }
    });
    view! {
        <li class="row">
            <span class="row__main"><code>{coupon.code}</code> " " {off}<span class="quiet">{used} " " {left} " " {until}</span></span>
            {over.then(|| view! { <span class="tag">{lang.text("coupon-over-tag")}</span> })}
            {end}
        </li>
    }
}
