//! The endpoints.
//!
//! The one rule: a parameter or path that is not known is an error, as at Stripe, so that a request of ours that Stripe would refuse
//! is refused here.

use crate::faults::Fault;
use crate::form;
use crate::objects::{self, error, list};
use crate::world::{Answer, Request, Saved, World};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Shared = Arc<Mutex<World>>;

pub(crate) fn router(world: Shared) -> Router {
    Router::new().fallback(handle).with_state(world)
}

fn reply((status, body): Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// A response whose body breaks off: the client sees a dead connection.
fn broken() -> Response {
    let failure: Result<Bytes, std::io::Error> = Err(std::io::Error::other("cut"));
    let mut response = Body::from_stream(futures_util::stream::iter([failure])).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, 100.into());
    response
}

async fn handle(
    State(world): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let Ok(mut world) = world.lock() else {
        return reply((500, error("api_error", None, "the stand-in is broken")));
    };
    if let Some(rest) = uri.path().strip_prefix("/_test/") {
        let params = form::parse(uri.query().unwrap_or_default());
        return reply(control(&mut world, rest, &params));
    }
    let authorised =
        text("authorization").is_some_and(|value| value.starts_with("Bearer sk_test_"));
    if !authorised {
        return reply((401, error("invalid_request_error", None, "No such API key")));
    }
    let query = form::parse(uri.query().unwrap_or_default());
    let posted = form::parse(&String::from_utf8_lossy(&body));
    let params = if method == Method::POST {
        posted
    } else {
        query
    };
    let path = uri
        .path()
        .trim_start_matches("/v1/")
        .trim_end_matches('/')
        .to_owned();
    world.requests.push(Request {
        method: method.to_string(),
        path: path.clone(),
        params: params.clone(),
    });
    let account = text("stripe-account");
    if method == Method::GET {
        let answer = read(&world, &path, &params, account.as_deref());
        return reply(answer);
    }
    post(&mut world, &path, &params, text("idempotency-key"))
}

fn post(world: &mut World, path: &str, params: &Value, key: Option<String>) -> Response {
    let hit = world
        .faults
        .iter()
        .position(|(start, _)| path.starts_with(start.as_str()));
    let fault = hit
        .and_then(|index| world.faults.remove(index))
        .map(|(_, fault)| fault);
    match fault {
        Some(Fault::BrokenBefore) => return broken(),
        Some(Fault::InUse) => {
            let text = "There is currently another in-progress request using this Idempotent Key";
            return reply((
                409,
                error("idempotency_error", Some("idempotency_key_in_use"), text),
            ));
        }
        Some(Fault::TooMany) => {
            return reply((
                429,
                error(
                    "invalid_request_error",
                    Some("rate_limit"),
                    "Too many requests",
                ),
            ));
        }
        Some(Fault::Revoked) => {
            return reply((401, error("invalid_request_error", None, "Expired API key")));
        }
        _ => {}
    }
    let request = format!("{path} {params}");
    if let Some(key) = &key
        && let Some(saved) = world.saved.get(key)
    {
        if saved.request != request {
            let text = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
            return reply((400, error("idempotency_error", None, text)));
        }
        return reply(saved.answer.clone());
    }
    let answer = if fault == Some(Fault::SavedFailure) {
        (500, error("api_error", None, "An unknown error occurred"))
    } else {
        write(world, path, params)
    };
    // Validation errors are not saved: execution never began.
    if let Some(key) = key
        && answer.1["error"]["param"].is_null()
    {
        world.saved.insert(
            key,
            Saved {
                request,
                answer: answer.clone(),
                at_s: world.now_s,
            },
        );
    }
    match fault {
        Some(Fault::BrokenAfter) => broken(),
        Some(Fault::FailureAfter) => {
            reply((500, error("api_error", None, "An unknown error occurred")))
        }
        Some(Fault::OddSuccess) => reply((200, json!({"surprise": true}))),
        _ => reply(answer),
    }
}

fn missing(id: &str) -> Answer {
    let text = format!("No such object: '{id}'");
    (
        404,
        error("invalid_request_error", Some("resource_missing"), &text),
    )
}

fn unknown(path: &str) -> Answer {
    (
        404,
        error(
            "invalid_request_error",
            None,
            &format!("Unrecognized request URL ({path})"),
        ),
    )
}

fn refused(code: &str, text: &str) -> Answer {
    (400, error("invalid_request_error", Some(code), text))
}

/// A parameter that is missing or not known.
fn wrong_parameter(name: &str, text: &str) -> Answer {
    let mut body = error("invalid_request_error", Some("parameter_unknown"), text);
    body["error"]["param"] = json!(name);
    (400, body)
}

fn check(params: &Value, known: &[&str]) -> Result<(), Answer> {
    let Value::Object(map) = params else {
        return Ok(());
    };
    match map.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(wrong_parameter(
            name,
            &format!("Received unknown parameter: {name}"),
        )),
        None => Ok(()),
    }
}

fn amount(params: &Value) -> Result<i64, Answer> {
    let text = params["amount"].as_str().unwrap_or_default();
    match text.parse() {
        Ok(amount) if amount > 0 => Ok(amount),
        _ => Err(wrong_parameter("amount", "Invalid positive integer")),
    }
}

/// Replaces ids by objects along the paths that the request names.
fn expand(world: &World, mut object: Value, params: &Value) -> Value {
    if let Value::Array(paths) = &params["expand"] {
        for path in paths.iter().filter_map(Value::as_str) {
            let keys: Vec<&str> = path.split('.').collect();
            expand_path(world, &mut object, &keys);
        }
    }
    object
}

fn expand_path(world: &World, object: &mut Value, keys: &[&str]) {
    let Some((first, rest)) = keys.split_first() else {
        return;
    };
    // Indexing would make an object of what is null.
    if !object.is_object() {
        return;
    }
    if *first == "line_items" {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        let mut lines = world.lines.get(&id).cloned().unwrap_or_default();
        if *rest != ["data", "taxes"] {
            let objects = lines.iter_mut().filter_map(Value::as_object_mut);
            objects.for_each(|line| drop(line.remove("taxes")));
        }
        object["line_items"] = list(
            &format!("/v1/checkout/sessions/{id}/line_items"),
            lines,
            false,
        );
        return;
    }
    if let Some(found) = object[*first].as_str().and_then(|id| world.get(id)) {
        object[*first] = found.clone();
    }
    expand_path(world, &mut object[*first], rest);
}

fn page(world: &World, url: &str, all: Vec<Value>, params: &Value) -> Answer {
    let since = params["created"]["gte"]
        .as_str()
        .and_then(|text| text.parse::<i64>().ok());
    let limit = params["limit"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10usize);
    let after = params["starting_after"].as_str();
    let mut rest: Vec<Value> = all
        .into_iter()
        .filter(|object| since.is_none_or(|since| object["created"].as_i64() >= Some(since)))
        .collect();
    if let Some(after) = after {
        let at = rest.iter().position(|object| object["id"] == after);
        rest = rest.split_off(at.map_or(0, |at| at + 1));
    }
    let has_more = rest.len() > limit;
    rest.truncate(limit);
    let data = rest
        .into_iter()
        .map(|object| expand(world, object, &Value::Null))
        .collect();
    (200, list(url, data, has_more))
}

fn read(world: &World, path: &str, params: &Value, account: Option<&str>) -> Answer {
    let parts: Vec<&str> = path.split('/').collect();
    let of = |kind: &str, name: &str, value: &Value| -> Vec<Value> {
        let wanted = value.as_str();
        let all = world.newest(kind).into_iter();
        all.filter(|object| wanted.is_none_or(|wanted| object[name] == wanted))
            .collect()
    };
    match parts.as_slice() {
        ["balance"] => {
            let (pending, available) = world.balance();
            let amount = |amount: i64| json!([{"amount": amount, "currency": "usd", "source_types": {"card": amount}}]);
            (
                200,
                json!({"object": "balance", "available": amount(available), "pending": amount(pending), "livemode": false}),
            )
        }
        ["balance_transactions"] => page(
            world,
            "/v1/balance_transactions",
            world.transactions(),
            params,
        ),
        ["events"] => {
            // Those of connected accounts are theirs to list.
            let events = world
                .events
                .iter()
                .rev()
                .filter(|event| event.get("account").is_none());
            page(world, "/v1/events", events.cloned().collect(), params)
        }
        ["refunds"] => page(
            world,
            "/v1/refunds",
            of("refund", "charge", &params["charge"]),
            params,
        ),
        ["transfers"] => page(
            world,
            "/v1/transfers",
            of("transfer", "transfer_group", &params["transfer_group"]),
            params,
        ),
        ["transfers", id, "reversals"] => page(
            world,
            "/v1/transfers/reversals",
            of("transfer_reversal", "transfer", &json!(id)),
            params,
        ),
        ["payouts"] => {
            let own = world.newest("payout").into_iter();
            let own = own.filter(|payout| {
                payout["id"]
                    .as_str()
                    .and_then(|id| world.payout_account(id))
                    .map(String::as_str)
                    == account
            });
            page(world, "/v1/payouts", own.collect(), params)
        }
        ["payouts", id] if world.payout_account(id).map(String::as_str) != account => missing(id),
        ["checkout", "sessions", id]
        | ["radar", "early_fraud_warnings", id]
        | [
            "refunds"
            | "disputes"
            | "accounts"
            | "transfers"
            | "payouts"
            | "charges"
            | "payment_intents"
            | "balance_transactions",
            id,
        ] => match world.get(id) {
            Some(object) => (200, expand(world, object.clone(), params)),
            None => missing(id),
        },
        _ => unknown(path),
    }
}

fn write(world: &mut World, path: &str, params: &Value) -> Answer {
    let parts: Vec<&str> = path.split('/').collect();
    let result = match parts.as_slice() {
        ["checkout", "sessions"] => open_session(world, params),
        ["checkout", "sessions", id, "expire"] => expire_session(world, id),
        ["refunds"] => refund(world, params),
        ["disputes", id] => answer_dispute(world, id, params),
        ["disputes", id, "close"] => close_dispute(world, id),
        ["accounts"] => open_account(world, params),
        ["account_links"] => link_account(world, params),
        ["transfers"] => transfer(world, params),
        ["transfers", id, "reversals"] => reverse(world, id, params),
        _ => Err(unknown(path)),
    };
    match result {
        Ok(object) => (200, object),
        Err(answer) => answer,
    }
}

type Written = Result<Value, Answer>;

fn open_session(world: &mut World, params: &Value) -> Written {
    check(
        params,
        &[
            "mode",
            "client_reference_id",
            "line_items",
            "metadata",
            "payment_intent_data",
            "allowed_payment_method_types",
            "success_url",
            "cancel_url",
            "customer_email",
            "automatic_tax",
            "expand",
        ],
    )?;
    let Value::Array(items) = &params["line_items"] else {
        return Err(wrong_parameter(
            "line_items",
            "line_items is required in payment mode",
        ));
    };
    let id = format!("cs_test_{}", world.id("s"));
    let (mut lines, mut sum) = (Vec::new(), 0);
    for item in items.clone() {
        let price = &item["price_data"];
        let unit: i64 = price["unit_amount"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let title = price["product_data"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if unit < 1 || title.is_empty() || price["currency"] != "usd" {
            return Err(wrong_parameter(
                "line_items",
                "a line needs a name, a currency and a price",
            ));
        }
        let line = world.id("li");
        lines.push(objects::line_item(&line, world.now_s, &title, unit, 0));
        sum += unit;
    }
    if sum < 50 {
        return Err(refused(
            "amount_too_small",
            "The Checkout Session's total amount must be at least 50 cents",
        ));
    }
    world.lines.insert(id.clone(), lines);
    let session = objects::session(&id, world.now_s, params, sum);
    Ok(world.insert(session))
}

fn expire_session(world: &mut World, id: &str) -> Written {
    let session = world.get(id).cloned().ok_or_else(|| missing(id))?;
    if session["status"] != "open" {
        return Err((
            400,
            error(
                "invalid_request_error",
                None,
                "Only Checkout Sessions with a status in [\"open\"] can be expired.",
            ),
        ));
    }
    let expired = world.change(id, json!({"status": "expired", "url": null}));
    world.event("checkout.session.expired", &expired, None);
    Ok(expired)
}

fn refund(world: &mut World, params: &Value) -> Written {
    check(params, &["charge", "amount", "metadata", "expand"])?;
    let amount = amount(params)?;
    let id = params["charge"].as_str().unwrap_or_default().to_owned();
    let charge = world.get(&id).cloned().ok_or_else(|| missing(&id))?;
    let disputed = world.newest("dispute").into_iter().any(|dispute| {
        dispute["charge"] == id.as_str()
            && matches!(
                dispute["status"].as_str(),
                Some("needs_response" | "under_review" | "lost")
            )
    });
    if disputed {
        return Err(refused(
            "charge_disputed",
            "This charge has been charged back",
        ));
    }
    let refunded = charge["amount_refunded"].as_i64().unwrap_or(0) + amount;
    if Some(refunded) > charge["amount"].as_i64() {
        return Err(refused(
            "charge_already_refunded",
            "Refund amount is greater than unrefunded amount on charge",
        ));
    }
    let card = world.card_of(&id).to_owned();
    let pending = card.ends_with("7726") || card.ends_with("5126");
    let refund = world.id("re");
    let transaction = world.transact(-amount, 0, "refund", &refund, 0);
    let metadata = params.get("metadata").cloned().unwrap_or(json!({}));
    let status = if pending { "pending" } else { "succeeded" };
    let mut object = objects::refund(&refund, world.now_s, amount, &charge, &metadata, status);
    object["balance_transaction"] = transaction["id"].clone();
    let object = world.insert(object);
    world.change(&id, json!({"amount_refunded": refunded, "refunded": Some(refunded) == charge["amount"].as_i64()}));
    world.event("refund.created", &object, None);
    Ok(object)
}

fn answer_dispute(world: &mut World, id: &str, params: &Value) -> Written {
    check(params, &["evidence", "submit", "metadata", "expand"])?;
    let dispute = world.get(id).cloned().ok_or_else(|| missing(id))?;
    let status = match dispute["status"].as_str() {
        Some("warning_needs_response") => "warning_under_review",
        Some("needs_response") => "under_review",
        _ => {
            return Err((
                400,
                error(
                    "invalid_request_error",
                    None,
                    "This dispute is already closed or was answered",
                ),
            ));
        }
    };
    let mut evidence = dispute["evidence"].clone();
    evidence["uncategorized_text"] = params["evidence"]["uncategorized_text"].clone();
    let changed = world.change(id, json!({"evidence": evidence, "status": status}));
    world.event("charge.dispute.updated", &changed, None);
    Ok(changed)
}

fn close_dispute(world: &mut World, id: &str) -> Written {
    let dispute = world.get(id).cloned().ok_or_else(|| missing(id))?;
    if !matches!(
        dispute["status"].as_str(),
        Some("needs_response" | "under_review")
    ) {
        return Err((
            400,
            error(
                "invalid_request_error",
                None,
                "This dispute is already closed",
            ),
        ));
    }
    world.end_dispute(id, "lost");
    Ok(world.get(id).cloned().unwrap_or_default())
}

fn open_account(world: &mut World, params: &Value) -> Written {
    check(
        params,
        &[
            "country",
            "email",
            "controller",
            "capabilities",
            "metadata",
            "expand",
        ],
    )?;
    let express = params["controller"]["stripe_dashboard"]["type"] == "express";
    let ours = params["controller"]["fees"]["payer"] == "application"
        && params["controller"]["losses"]["payments"] == "application";
    if express && !ours {
        return Err(wrong_parameter(
            "controller",
            "express needs fees and losses of the application",
        ));
    }
    let both = params["capabilities"]["card_payments"]["requested"] == "true"
        && params["capabilities"]["transfers"]["requested"] == "true";
    if !both {
        return Err(refused(
            "recipient_agreement",
            "You cannot request transfers alone without the recipient service agreement",
        ));
    }
    let id = world.id("acct");
    let account = objects::account(&id, world.now_s, params);
    Ok(world.insert(account))
}

fn link_account(world: &mut World, params: &Value) -> Written {
    check(
        params,
        &["account", "type", "return_url", "refresh_url", "expand"],
    )?;
    let account = params["account"].as_str().unwrap_or_default().to_owned();
    world.get(&account).ok_or_else(|| missing(&account))?;
    let nonce = world.id("link");
    Ok(objects::account_link(world.now_s, &account, &nonce))
}

fn transfer(world: &mut World, params: &Value) -> Written {
    check(
        params,
        &[
            "currency",
            "destination",
            "amount",
            "metadata",
            "transfer_group",
            "source_transaction",
            "expand",
        ],
    )?;
    let amount = amount(params)?;
    let account = params["destination"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let active = world.get(&account).ok_or_else(|| missing(&account))?["capabilities"]["transfers"]
        == "active";
    if !active {
        return Err(refused(
            "transfers_not_allowed",
            "Your destination account needs to have the transfers capability enabled",
        ));
    }
    if params["source_transaction"].is_null() && world.balance().1 < amount {
        return Err(refused(
            "balance_insufficient",
            "You have insufficient available funds in your Stripe account",
        ));
    }
    let id = world.id("tr");
    let transaction = world.transact(-amount, 0, "transfer", &id, 0);
    let mut object = objects::transfer(&id, world.now_s, params, amount);
    object["balance_transaction"] = transaction["id"].clone();
    let object = world.insert(object);
    world.add_to_account(&account, amount);
    world.event("transfer.created", &object, None);
    Ok(object)
}

fn reverse(world: &mut World, id: &str, params: &Value) -> Written {
    check(params, &["amount", "metadata", "expand"])?;
    let amount = amount(params)?;
    let transfer = world.get(id).cloned().ok_or_else(|| missing(id))?;
    let account = transfer["destination"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let reversed = transfer["amount_reversed"].as_i64().unwrap_or(0) + amount;
    if Some(reversed) > transfer["amount"].as_i64() {
        return Err((
            400,
            error(
                "invalid_request_error",
                None,
                "Reversal amount is greater than the unreversed amount",
            ),
        ));
    }
    if world.account_balance(&account) < amount {
        return Err(refused(
            "balance_insufficient",
            "The destination account has too little money",
        ));
    }
    let reversal = world.id("trr");
    let transaction = world.transact(amount, 0, "transfer_refund", &reversal, 0);
    let mut object = objects::reversal(&reversal, world.now_s, id, params, amount);
    object["balance_transaction"] = transaction["id"].clone();
    let object = world.insert(object);
    world.add_to_account(&account, -amount);
    let changed = world.change(id, json!({"amount_reversed": reversed}));
    world.event("transfer.reversed", &changed, None);
    Ok(object)
}

/// What no API has: buyers, banks and time, for tests over HTTP.
fn control(world: &mut World, what: &str, params: &Value) -> Answer {
    let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
    match what {
        "pay" => {
            let paid = world.pay(&text("session"), &text("card"), &text("country"));
            (200, json!({"paid": paid}))
        }
        "onboard" => {
            world.onboard(&text("account"), &text("bank"));
            (200, json!({}))
        }
        "advance" => {
            world.advance(text("seconds").parse().unwrap_or(0));
            (200, json!({"now": world.now_s}))
        }
        "fault" => match Fault::parse(&text("fault")) {
            Some(fault) => {
                world.faults.push_back((text("path"), fault));
                (200, json!({}))
            }
            None => (400, json!({"error": "no such fault"})),
        },
        "dispute" => {
            world.dispute(&text("charge"), &text("reason"), false);
            (200, json!({}))
        }
        "dump" => (200, world.dump()),
        "sign" => {
            let time = text("time").parse().unwrap_or(0);
            (
                200,
                json!({"header": crate::webhooks::sign(&text("secret"), time, &text("body"))}),
            )
        }
        _ => (404, json!({"error": "no such control"})),
    }
}
