//! Routes of the till: cart, checkout, the sandbox's own payment page, receipt.

use super::page::{self, CartNote, OpenOrder};
use super::{invoice as document, sandbox_page};
use crate::ui::failure::{Answer, AppError};
use crate::ui::form::Form;
use crate::ui::leaving;
use crate::ui::visit::{CART, Visit, cookie, with_cookie};
use crate::web::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base::db::Tx;
use base::{limits, once};
use market::catalog::service as catalog;
use market::checkout::service::{self, cart};
use market::orders::{self, Asker, Line, Order, OrderState};
use market::people::guest;
use market::people::service as people;
use money::Error;
use money::provider::{PaymentState, sandbox};
use schema::failure::Code;
use schema::failure::FieldError;
use schema::id::{ListingId, OrderId, PaymentId};
use serde::Deserialize;

const CART_S: i64 = cart::CART_LIFE_MS / 1000;

/// Routes of this feature.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(super::coupon_page::routes())
        .merge(super::set_page::routes())
        .route("/cart", get(show))
        .route("/cart/add", post(add))
        .route("/cart/remove", post(remove))
        .route("/checkout", post(checkout))
        .route("/listings/{slug}/take", post(take))
        .route("/sandbox/payments/{id}", get(payment).post(charge))
        .route("/sandbox/payments/{id}/confirm", post(confirm))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/orders/{id}/mail", post(open_mail))
        .route("/orders/{id}/invoice.pdf", get(invoice))
        .route("/cart/coupon", post(set_coupon))
        .route("/cart/add-set", post(add_set))
}

fn not_found<T>(_: T) -> AppError {
    AppError::new(Code::NotFound)
}

async fn show(State(state): State<AppState>, visit: Visit) -> Response {
    visit
        .answer(show_cart(&state, &visit, CartNote::default()))
        .await
}

async fn show_cart(state: &AppState, visit: &Visit, note: CartNote) -> Answer {
    let mut tx = state.db.read().await?;
    let buyer = visit.person.as_ref().map(|person| person.id.as_str());
    let priced = match &visit.cart {
        Some(cart) => cart::price(&mut tx, cart, buyer, state.clock.now_ms()).await?,
        None => cart::Priced::default(),
    };
    let mut open = Vec::new();
    for order in orders::list_open(&mut tx, asker(state, visit)).await? {
        let lines = orders::list_lines(&mut tx, &order.id).await?;
        let cash = lines.iter().map(|line| line.parts().cash());
        open.push(OpenOrder {
            id: order.id.to_string(),
            gross_minor: cash.map(|cash| visit.gross(cash)).sum(),
            titles: lines.into_iter().map(|line| line.title).collect(),
        });
    }
    let note = CartNote {
        away: cart::list_away(&mut tx, &state.here, &priced).await?,
        open,
        minimum_minor: state.minimum_order_minor,
        ..note
    };
    Ok(page::cart(visit, priced, note))
}

/// Whose orders a visitor may see.
fn asker<'a>(state: &AppState, visit: &'a Visit) -> Asker<'a> {
    Asker {
        person: visit.person.as_ref().map(|person| person.id.as_str()),
        cart: visit.cart.as_deref(),
        now_ms: state.clock.now_ms(),
    }
}

/// The cart that this visitor's cookie names, or a new one.
fn cart_of(visit: &Visit) -> String {
    visit
        .cart
        .clone()
        .unwrap_or_else(|| hex::encode(base::random::bytes::<16>()))
}

async fn set_coupon(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let cart = cart_of(&visit);
            cart::set_code(&state.db, &cart, form.get("code"), &visit.address).await?;
            Ok(with_cookie(
                visit.redirect("/cart"),
                &cookie(CART, &cart, CART_S),
            ))
        })
        .await
}

async fn add_set(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let cart = cart_of(&visit);
            cart::add_set_to_cart(&state.db, &cart, form.get("set"), state.clock.now_ms()).await?;
            Ok(with_cookie(
                visit.redirect("/cart"),
                &cookie(CART, &cart, CART_S),
            ))
        })
        .await
}

async fn add(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    visit
        .answer(async {
            let listing = ListingId::parse(form.get("listing")).map_err(not_found)?;
            let cart = cart_of(&visit);
            service::add_to_cart(&state.db, &cart, &listing, state.clock.now_ms()).await?;
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
                service::remove_from_cart(&state.db, cart, &listing).await?;
            }
            Ok(visit.redirect("/cart"))
        })
        .await
}

/// What costs nothing, for whoever is signed in: it lies in the library at once.
async fn take(State(state): State<AppState>, visit: Visit, Path(slug): Path<String>) -> Response {
    visit
        .answer(async {
            let person = visit.require_person()?;
            let (till, now) = (state.till(), state.clock.now_ms());
            let mut tx = money::books::begin(&state.db).await?;
            let taken = cart::take_free(&till, &mut tx, person.id.as_str(), &slug, now).await;
            match taken {
                Ok(line) => {
                    tx.commit().await?;
                    Ok(visit.redirect(&format!("/library/{line}")))
                }
                // It got a price meanwhile, or it is one's own: its page says so.
                Err(Error::Refused(_)) => Ok(visit.redirect(&format!("/listings/{slug}"))),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

async fn checkout(State(state): State<AppState>, visit: Visit, body: Bytes) -> Response {
    let sent = Form::parse(&body);
    visit.answer(place(&state, &visit, &sent)).await
}

/// Places an order of the cart: of whoever is signed in, or of a visitor with an e-mail address, who gets no session by it.
async fn place(state: &AppState, visit: &Visit, sent: &Form) -> Answer {
    let Some(cart) = &visit.cart else {
        return show_cart(state, visit, CartNote::default()).await;
    };
    let (key, now) = (sent.get("form_key"), state.clock.now_ms());
    if !once::is_key(key) {
        return Err(AppError::invalid(vec![FieldError::new("form", "form-key")]));
    }
    // A visitor's form is known by the cart, and what is remembered of it is only where the order is shown.
    let owner = visit
        .person
        .as_ref()
        .map_or(cart.as_str(), |person| person.id.as_str());
    if let Some(location) = placed_already(state, owner, key).await? {
        return Ok(visit.redirect(&location));
    }
    if visit.person.is_none() {
        guest::count_try(&state.db, &visit.address).await?;
    }
    let till = state.till();
    let mut tx = money::books::begin(&state.db).await?;
    let buyer = match &visit.person {
        Some(person) => Ok(person.id.to_string()),
        None => guest::open(&mut tx, sent.get("email"), visit.lang).await,
    };
    let buyer = match buyer {
        Ok(buyer) => buyer,
        Err(people::Error::Invalid(_)) => {
            drop(tx);
            let note = CartNote {
                email: sent.get("email").to_owned(),
                email_error: Some("email"),
                ..CartNote::default()
            };
            return show_cart(state, visit, note).await;
        }
        Err(error) => return Err(error.into()),
    };
    let seen = service::Seen {
        total_minor: sent.get("total").parse().ok(),
        lines: Some(sent.get("lines").to_owned()).filter(|lines| !lines.is_empty()),
    };
    let order = match service::place(&till, &mut tx, &buyer, cart, &seen, now).await {
        Ok(order) => order,
        Err(Error::Refused(code)) => {
            drop(tx);
            // The other half of a double click may have placed the order a moment ago.
            if let Some(location) = placed_already(state, owner, key).await? {
                return Ok(visit.redirect(&location));
            }
            let note = CartNote {
                refused: Some(code),
                email: sent.get("email").to_owned(),
                ..CartNote::default()
            };
            return show_cart(state, visit, note).await;
        }
        Err(error) => return Err(error.into()),
    };
    // Undone with the order: whoever types addresses that nobody has could go on for ever.
    if order.total_minor == 0 && visit.person.is_none() {
        let block = limits::block(&visit.address);
        if !limits::allow(&mut tx, limits::FREE_ORDERS, &block).await? {
            return Err(AppError::too_many(limits::FREE_ORDERS));
        }
    }
    let location = format!("/orders/{}", order.id);
    if !once::note_answer(&mut tx, owner, "checkout", key, &location).await? {
        drop(tx);
        let location = placed_already(state, owner, key).await?;
        return Ok(visit.redirect(location.as_deref().unwrap_or("/cart")));
    }
    tx.commit().await?;
    if order.state == OrderState::Paid {
        return Ok(visit.redirect(&location));
    }
    to_payment(state, visit, &order, now).await
}

/// Leads to the payment; when the provider does not answer, to the order, which can be paid later.
async fn to_payment(state: &AppState, visit: &Visit, order: &Order, now: i64) -> Answer {
    match service::open_payment(&state.till(), order, now).await {
        Ok(url) => Ok(leaving::to_host(visit, &url)),
        // It ended a moment ago: its page says why.
        Err(Error::Refused(_)) => Ok(visit.redirect(&format!("/orders/{}", order.id))),
        Err(Error::Provider(why)) => {
            tracing::warn!(order.id = %order.id, why, "cannot open a payment");
            let location = format!("/orders/{}", order.id);
            Ok(visit.redirect_with(&location, "payment-unavailable"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where an equal form led before.
async fn placed_already(
    state: &AppState,
    owner: &str,
    key: &str,
) -> Result<Option<String>, AppError> {
    let mut tx = state.db.read().await?;
    Ok(once::find_answer(&mut tx, owner, "checkout", key).await?)
}

/// A payment of this buyer.
async fn own_payment(
    state: &AppState,
    visit: &Visit,
    id: &str,
) -> Result<sandbox::Record, AppError> {
    state.require_sandbox()?;
    let id = PaymentId::parse(id).map_err(not_found)?;
    let mut tx = state.db.read().await?;
    let payment = sandbox::find(&mut tx, id.as_str())
        .await?
        .ok_or_else(|| not_found(()))?;
    find_order(&mut tx, state, visit, &payment.order_id).await?;
    Ok(payment)
}

#[derive(Default, Deserialize)]
struct Buyer {
    #[serde(default)]
    country: String,
    /// Whether another country was chosen than the one that the sum was shown for.
    #[serde(default)]
    repriced: Option<String>,
}

impl Buyer {
    /// What was chosen, if the page offers it; else the country that prices were shown for.
    fn country(&self, visit: &Visit) -> &'static str {
        let mut offered = sandbox_page::COUNTRIES.into_iter();
        offered
            .find(|code| *code == self.country)
            .or(visit.taxed.map(|taxed| taxed.country))
            .unwrap_or("US")
    }
}

async fn payment(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
    Query(buyer): Query<Buyer>,
) -> Response {
    visit
        .answer(async {
            let payment = own_payment(&state, &visit, &id).await?;
            let mut tx = state.db.read().await?;
            let (order, lines) = find_order(&mut tx, &state, &visit, &payment.order_id).await?;
            // What ended meanwhile takes no card.
            if !payment.state.is_payable() || order.state != OrderState::Open {
                return Ok(visit.redirect(&format!("/orders/{}", payment.order_id)));
            }
            Ok(sandbox_page::payment(
                &visit,
                &payment,
                &lines,
                buyer.country(&visit),
                buyer.repriced.is_some(),
            ))
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
            let (order, _) = own_order(&state, &visit, &payment.order_id).await?;
            if order.state == OrderState::Cancelled {
                return Ok(visit.redirect(&format!("/orders/{}", order.id)));
            }
            let buyer = Buyer {
                country: form.get("country").into(),
                repriced: None,
            };
            // Nobody is charged a sum that they have not seen.
            let country = buyer.country(&visit);
            let is_seen = form.get("seen").is_empty() || form.get("seen") == country;
            if !form.get("change").is_empty() || !is_seen {
                let repriced = if is_seen { "" } else { "&repriced=1" };
                let id = &payment.id;
                return Ok(visit.redirect(&format!(
                    "/sandbox/payments/{id}?country={country}{repriced}"
                )));
            }
            let (card, now) = (form.get("card"), state.clock.now_ms());
            let after = sandbox::charge(&state.db, &payment.id, card, country, now).await?;
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
            let (agreed, now) = (form.get("answer") == "yes", state.clock.now_ms());
            let after = sandbox::confirm(&state.db, &payment.id, agreed, now).await?;
            after_charge(&visit, after)
        })
        .await
}

fn after_charge(visit: &Visit, payment: Option<sandbox::Record>) -> Answer {
    let payment = payment.ok_or_else(|| not_found(()))?;
    Ok(match (payment.state, &payment.country) {
        (sandbox::RecordState::Paid, _) => visit.redirect(&format!("/orders/{}", payment.order_id)),
        (_, Some(country)) => visit.redirect(&format!(
            "/sandbox/payments/{}?country={country}",
            payment.id
        )),
        (_, None) => visit.redirect(&format!("/sandbox/payments/{}", payment.id)),
    })
}

/// Opens the payment of an order that was placed and not paid, also when its first try was cut off.
async fn pay(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let (order, _) = own_order(&state, &visit, &id).await?;
            let ended = order.state != OrderState::Open
                || cart::end_if_owned(&state.till(), asker(&state, &visit), &order.id).await?;
            if ended {
                return Ok(visit.redirect(&format!("/orders/{}", order.id)));
            }
            to_payment(&state, &visit, &order, state.clock.now_ms()).await
        })
        .await
}

async fn cancel(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let (order, _) = own_order(&state, &visit, &id).await?;
            cart::give_up(&state.till(), asker(&state, &visit), &order.id).await?;
            Ok(visit.redirect(&format!("/orders/{}", order.id)))
        })
        .await
}

/// What the mailed link does, in a demo.
async fn open_mail(
    State(state): State<AppState>,
    visit: Visit,
    Path(id): Path<String>,
) -> Response {
    visit
        .answer(async {
            let (order, _) = own_order(&state, &visit, &id).await?;
            let bought = order.by_visitor && order.state == OrderState::Paid;
            if !state.demo || !bought || visit.person.is_some() {
                return Err(not_found(()));
            }
            let mut tx = state.db.write().await?;
            let way = market::people::guest::demo_way_in(&mut tx, &order.person_id).await?;
            tx.commit().await?;
            Ok(visit.redirect(way.as_deref().unwrap_or("/sign-in?next=/library")))
        })
        .await
}

async fn own_order(
    state: &AppState,
    visit: &Visit,
    id: &str,
) -> Result<(Order, Vec<Line>), AppError> {
    let id = OrderId::parse(id).map_err(not_found)?;
    let mut tx = state.db.read().await?;
    find_order(&mut tx, state, visit, id.as_str()).await
}

/// An order of this visitor. Who is nobody is asked to sign in, whether the order exists or not.
async fn find_order(
    tx: &mut Tx,
    state: &AppState,
    visit: &Visit,
    id: &str,
) -> Result<(Order, Vec<Line>), AppError> {
    let found = match OrderId::parse(id) {
        Ok(id) => orders::show(tx, asker(state, visit), &id).await,
        Err(_) => Err(Error::NotFound),
    };
    match found {
        Err(Error::NotFound) if visit.person.is_none() => Err(AppError::new(Code::SignInNeeded)),
        found => Ok(found?),
    }
}

async fn order(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let (order, lines) = own_order(&state, &visit, &id).await?;
            let paid = match (&order.payment_id, order.state) {
                // Only to say that it is being booked; a provider that does not answer is no reason to show nothing.
                (Some(payment), OrderState::Open) => state
                    .provider
                    .find_payment(payment)
                    .await
                    .ok()
                    .flatten()
                    .is_some_and(|payment| payment.state == PaymentState::Paid),
                _ => false,
            };
            let mut faces = Vec::new();
            let mut tx = state.db.read().await?;
            for line in &lines {
                let version = catalog::get_version(&mut tx, &line.version_id).await?;
                let anchors = catalog::list_anchors(&mut tx, &line.version_id).await?;
                let blob = anchors
                    .into_iter()
                    .next()
                    .map(|anchor| anchor.labelled_blob);
                faces.push((version.handle.clone(), blob.unwrap_or_default()));
            }
            drop(tx);
            let receipt = page::Receipt {
                faces,
                visitor: visit.person.is_none(),
                booking: paid,
                payable: order.state == OrderState::Open && !paid,
                test_money: visit.test_money,
                order,
                lines,
            };
            Ok(page::order(&visit, receipt))
        })
        .await
}

async fn invoice(State(state): State<AppState>, visit: Visit, Path(id): Path<String>) -> Response {
    visit
        .answer(async {
            let (order, lines) = own_order(&state, &visit, &id).await?;
            if order.state != OrderState::Paid || order.total_minor == 0 {
                return Err(not_found(()));
            }
            let mut tx = state.db.read().await?;
            let buyer = people::find_email(&mut tx, &order.person_id)
                .await?
                .unwrap_or_default();
            drop(tx);
            // Whose account it became shows in how its address is written there.
            let buyer = match visit.person {
                Some(_) => buyer,
                None => buyer.to_lowercase(),
            };
            let parties = document::Parties {
                seller: state.config.invoice_seller.clone(),
                buyer,
                url: format!("{}/orders/{}", state.public_url, order.id),
                test_money: visit.test_money,
            };
            let bytes = document::pdf(visit.lang, &order, &lines, &parties);
            let name = page::invoice_name(order.invoice_number.unwrap_or(0));
            let disposition = format!("inline; filename=\"{name}.pdf\"");
            let headers = [
                (header::CONTENT_TYPE, "application/pdf"),
                (header::CACHE_CONTROL, "private, no-store"),
                (header::CONTENT_DISPOSITION, &disposition),
            ];
            Ok((headers, bytes).into_response())
        })
        .await
}
