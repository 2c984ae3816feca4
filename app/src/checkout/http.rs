//! Routes of the till: cart, checkout, the sandbox's own payment page, receipt.

use super::service::{self, Error};
use super::{page, sandbox};
use crate::web::error::{Answer, AppError};
use crate::web::form::{self, Form};
use crate::web::state::AppState;
use crate::web::visit::{CART, Visit, cookie, with_cookie};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use schema::failure::Code;
use schema::id::{ListingId, OrderId, PaymentId};

const CART_S: i64 = 30 * 86_400;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/cart", get(cart))
        .route("/cart/add", post(add))
        .route("/cart/remove", post(remove))
        .route("/checkout", post(checkout))
        .route("/sandbox/payments/{id}", get(payment).post(charge))
        .route("/sandbox/payments/{id}/confirm", post(confirm))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/pay", post(pay))
}

fn not_found<T>(_: T) -> AppError {
    AppError::new(Code::NotFound)
}

async fn cart(State(state): State<AppState>, visit: Visit) -> Response {
    visit.answer(show_cart(&state, &visit, None)).await
}

async fn show_cart(state: &AppState, visit: &Visit, refused: Option<&'static str>) -> Answer {
    let mut tx = state.db.read().await?;
    let lines = match &visit.cart {
        Some(cart) => service::list_cart(&mut tx, cart).await?,
        None => Vec::new(),
    };
    Ok(page::cart(
        visit,
        lines,
        state.config.minimum_order_minor,
        refused,
    ))
}

async fn add(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let listing = ListingId::parse(form.get("listing")).map_err(not_found)?;
            let cart = visit
                .cart
                .clone()
                .unwrap_or_else(|| hex::encode(crate::random::bytes::<16>()));
            service::add_to_cart(&state.db, &cart, listing.as_str(), state.clock.now_ms()).await?;
            Ok(with_cookie(
                visit.redirect("/cart"),
                &cookie(CART, &cart, CART_S),
            ))
        })
        .await
}

async fn remove(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let listing = ListingId::parse(form.get("listing")).map_err(not_found)?;
            if let Some(cart) = &visit.cart {
                service::remove_from_cart(&state.db, cart, listing.as_str()).await?;
            }
            Ok(visit.redirect("/cart"))
        })
        .await
}

async fn checkout(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let sent = Form::parse(&body);
    visit
        .answer(async {
            let Ok(person) = visit.require_person() else {
                return Ok(visit.redirect("/sign-in?next=/cart"));
            };
            let cart = visit.cart.clone().unwrap_or_default();
            let (key, now) = (sent.get("form_key"), state.clock.now_ms());
            let till = state.till();
            let mut tx = state.db.write().await?;
            if let Some(location) = form::find_answer(&mut tx, &person.id, "checkout", key).await? {
                return Ok(visit.redirect(&location));
            }
            let seen = sent.get("total").parse().ok();
            let order = match service::place(&till, &mut tx, &person.id, &cart, seen, now).await {
                Ok(order) => order,
                Err(Error::Refused(code)) => {
                    drop(tx);
                    // The other half of a double click may have placed the order a moment ago.
                    if let Some(location) = placed_already(&state, &person.id, key).await? {
                        return Ok(visit.redirect(&location));
                    }
                    return show_cart(&state, &visit, Some(code)).await;
                }
                Err(error) => return Err(error.into()),
            };
            let location = format!("/orders/{}", order.id);
            if !form::note_answer(&mut tx, &person.id, "checkout", key, &location).await? {
                drop(tx);
                let location = placed_already(&state, &person.id, key).await?;
                return Ok(visit.redirect(location.as_deref().unwrap_or("/cart")));
            }
            tx.commit().await?;
            state.leaves.ring();
            if order.state == "paid" {
                return Ok(visit.redirect(&location));
            }
            let payment = service::open_payment(&state.db, &order, now).await?;
            Ok(visit.redirect(&format!("/sandbox/payments/{payment}")))
        })
        .await
}

/// Where an equal form led before.
async fn placed_already(
    state: &AppState,
    person: &str,
    key: &str,
) -> Result<Option<String>, AppError> {
    let mut tx = state.db.read().await?;
    Ok(form::find_answer(&mut tx, person, "checkout", key).await?)
}

/// A payment of this buyer.
async fn own_payment(
    state: &AppState,
    visit: &Visit,
    id: &str,
) -> Result<sandbox::Payment, AppError> {
    let person = visit.require_person()?;
    let id = PaymentId::parse(id).map_err(not_found)?;
    let mut tx = state.db.read().await?;
    let payment = sandbox::find(&mut tx, id.as_str())
        .await?
        .ok_or_else(|| not_found(()))?;
    service::get_order(&mut tx, &person.id, &payment.order_id).await?;
    Ok(payment)
}

async fn payment(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let payment = own_payment(&state, &visit, &id).await?;
            if payment.state == "paid" {
                return Ok(visit.redirect(&format!("/orders/{}", payment.order_id)));
            }
            Ok(page::payment(&visit, &payment))
        })
        .await
}

async fn charge(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let payment = own_payment(&state, &visit, &id).await?;
            let after = sandbox::charge(
                &state.db,
                &payment.id,
                form.get("card"),
                state.clock.now_ms(),
            )
            .await?;
            state.jobs.ring();
            after_charge(&visit, after)
        })
        .await
}

async fn confirm(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let payment = own_payment(&state, &visit, &id).await?;
            let after = sandbox::confirm(
                &state.db,
                &payment.id,
                form.get("answer") == "yes",
                state.clock.now_ms(),
            )
            .await?;
            state.jobs.ring();
            after_charge(&visit, after)
        })
        .await
}

fn after_charge(visit: &Visit, payment: Option<sandbox::Payment>) -> Answer {
    let payment = payment.ok_or_else(|| not_found(()))?;
    Ok(match payment.state.as_str() {
        "paid" => visit.redirect(&format!("/orders/{}", payment.order_id)),
        _ => visit.redirect(&format!("/sandbox/payments/{}", payment.id)),
    })
}

/// Opens the payment of an order that was placed and not paid, also when its first try was cut off.
async fn pay(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = OrderId::parse(&id).map_err(not_found)?;
            let mut tx = state.db.read().await?;
            let (order, _) = service::get_order(&mut tx, &person.id, id.as_str()).await?;
            drop(tx);
            if order.state != "open" {
                return Ok(visit.redirect(&format!("/orders/{id}")));
            }
            let payment = service::open_payment(&state.db, &order, state.clock.now_ms()).await?;
            Ok(visit.redirect(&format!("/sandbox/payments/{payment}")))
        })
        .await
}

async fn order(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let id = OrderId::parse(&id).map_err(not_found)?;
            let mut tx = state.db.read().await?;
            let (order, lines) = service::get_order(&mut tx, &person.id, id.as_str()).await?;
            let payment = match &order.payment_id {
                Some(id) => sandbox::find(&mut tx, id).await?,
                None => None,
            };
            Ok(page::order(&visit, &order, lines, payment))
        })
        .await
}
