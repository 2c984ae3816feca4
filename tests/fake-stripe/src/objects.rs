//! Stripe's objects with every field that its API version 2026-09-30.endive requires.

use serde_json::{Value, json};

/// The API version of the objects.
pub const API_VERSION: &str = "2026-09-30.endive";

/// A list as the API answers it.
#[must_use]
pub fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({"object": "list", "url": url, "has_more": has_more, "data": data})
}

/// A Checkout Session that is open.
#[must_use]
pub fn session(id: &str, now: i64, params: &Value, amount: i64) -> Value {
    json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null, "allow_promotion_codes": null,
        "allowed_payment_method_types": params.get("allowed_payment_method_types").cloned().unwrap_or(Value::Null),
        "amount_subtotal": amount, "amount_total": amount,
        "automatic_tax": {"enabled": params["automatic_tax"]["enabled"] == "true", "liability": null, "provider": null, "status": null},
        "billing_address_collection": null, "cancel_url": params["cancel_url"], "client_reference_id": params["client_reference_id"],
        "client_secret": null, "collected_information": null, "consent": null, "consent_collection": null, "created": now, "currency": "usd",
        "currency_conversion": null, "custom_fields": [],
        "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
        "customer": null, "customer_account": null, "customer_creation": "if_required", "customer_details": null,
        "customer_email": params.get("customer_email").cloned().unwrap_or(Value::Null), "discounts": [], "expires_at": now + 86_400,
        "integration_identifier": null, "invoice": null, "invoice_creation": null, "livemode": false, "locale": null, "managed_payments": null,
        "metadata": params.get("metadata").cloned().unwrap_or(json!({})), "mode": "payment", "origin_context": null, "payment_intent": null,
        "payment_link": null, "payment_method_collection": "if_required", "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "payment_status": "unpaid", "permissions": null, "recovered_from": null,
        "saved_payment_method_options": null, "setup_intent": null, "shipping_address_collection": null, "shipping_cost": null,
        "shipping_options": [], "status": "open", "submit_type": null, "subscription": null, "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}, "ui_mode": "hosted_page",
        "url": format!("https://checkout.stripe.com/c/pay/{id}"), "wallet_options": null,
    })
}

/// A line of a session.
#[must_use]
pub fn line_item(id: &str, now: i64, title: &str, amount: i64, tax: i64) -> Value {
    json!({
        "id": id, "object": "item", "adjustable_quantity": null, "amount_discount": 0, "amount_subtotal": amount, "amount_tax": tax,
        "amount_total": amount + tax, "currency": "usd", "description": title, "metadata": {}, "quantity": 1,
        "price": {
            "id": format!("price_{id}"), "object": "price", "active": false, "billing_scheme": "per_unit", "created": now, "currency": "usd",
            "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {}, "nickname": null, "product": format!("prod_{id}"),
            "recurring": null, "tax_behavior": "exclusive", "tiers_mode": null, "transform_quantity": null, "type": "one_time",
            "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
        },
    })
}

/// The taxes of a line, as they stand in it when they are asked for.
#[must_use]
pub fn line_taxes(now: i64, country: &str, basis_points: i64, taxable: i64, amount: i64) -> Value {
    let id = format!("txr_{country}");
    #[allow(clippy::cast_precision_loss, reason = "a rate is small")]
    let percentage = basis_points as f64 / 100.0;
    let rate = json!({
        "id": id, "object": "tax_rate", "active": false, "country": country, "created": now, "description": null, "display_name": "VAT",
        "effective_percentage": percentage, "flat_amount": null, "inclusive": false, "jurisdiction": country,
        "jurisdiction_level": "country", "livemode": false, "metadata": {}, "percentage": percentage, "rate_type": "percentage",
        "state": null, "tax_type": "vat",
    });
    json!([{ "amount": amount, "rate": rate, "taxability_reason": "standard_rated", "taxable_amount": taxable }])
}

/// A payment intent that succeeded.
#[must_use]
pub fn payment_intent(id: &str, now: i64, amount: i64, charge: &str, order: &Value) -> Value {
    json!({
        "id": id, "object": "payment_intent", "allowed_payment_method_types": null, "amount": amount, "amount_capturable": 0, "amount_received": amount,
        "application": null, "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null, "cancellation_reason": null,
        "capture_method": "automatic_async", "client_secret": format!("{id}_secret"), "confirmation_method": "automatic", "created": now,
        "currency": "usd", "customer": null, "customer_account": null, "description": null, "excluded_payment_method_types": null,
        "last_payment_error": null, "latest_charge": charge, "livemode": false, "managed_payments": null, "metadata": {"order": order},
        "next_action": null, "on_behalf_of": null, "payment_method": format!("pm_{id}"), "payment_method_configuration_details": null,
        "payment_method_options": {}, "payment_method_types": ["card"], "payment_record": null, "processing": null, "receipt_email": null,
        "review": null, "setup_future_usage": null, "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "succeeded", "transfer_group": order,
    })
}

/// A charge that succeeded; its balance transaction comes later, as with `automatic_async`.
#[must_use]
pub fn charge(id: &str, now: i64, amount: i64, intent: &str, last4: &str, order: &Value) -> Value {
    json!({
        "id": id, "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": 0, "application": null, "application_fee": null,
        "application_fee_amount": null, "balance_transaction": null,
        "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
        "calculated_statement_descriptor": "SEEDMARK", "captured": true, "created": now, "currency": "usd", "customer": null, "description": null,
        "disputed": false, "failure_balance_transaction": null, "failure_code": null, "failure_message": null, "fraud_details": {}, "livemode": false,
        "metadata": {"order": order}, "on_behalf_of": null, "outcome": null, "paid": true, "payment_intent": intent,
        "payment_method": format!("pm_{intent}"),
        "payment_method_details": {"type": "card", "card": {
            "amount_authorized": amount, "authorization_code": null, "brand": "visa", "checks": null, "country": "US",
            "electronic_commerce_indicator": null, "exp_month": 12, "exp_year": 2034, "funding": "credit", "installments": null, "last4": last4,
            "mandate": null, "network": "visa", "network_transaction_id": null, "regulated_status": "unregulated", "three_d_secure": null,
            "transaction_link_id": null, "wallet": null,
        }},
        "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false, "review": null, "shipping": null, "source": null,
        "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null, "status": "succeeded", "transfer_data": null,
        "transfer_group": order,
    })
}

/// A movement of a balance.
#[must_use]
pub fn balance_transaction(
    id: &str,
    now: i64,
    available_on: i64,
    amount: i64,
    fee: i64,
    kind: &str,
    source: &str,
) -> Value {
    let category = match kind {
        "adjustment" => "dispute",
        "stripe_fee" => "fee",
        "payout_failure" => "payout_reversal",
        other => other,
    };
    let fees = if fee == 0 {
        json!([])
    } else {
        json!([{"amount": fee, "application": null, "currency": "usd", "description": "Stripe processing fees", "type": "stripe_fee"}])
    };
    json!({
        "id": id, "object": "balance_transaction", "amount": amount, "available_on": available_on, "balance_type": "payments", "created": now,
        "currency": "usd", "description": null, "exchange_rate": null, "fee": fee, "fee_details": fees, "net": amount - fee,
        "reporting_category": category, "source": (!source.is_empty()).then_some(source), "status": if available_on > now { "pending" } else { "available" }, "type": kind,
    })
}

/// A refund.
#[must_use]
pub fn refund(
    id: &str,
    now: i64,
    amount: i64,
    charge: &Value,
    metadata: &Value,
    status: &str,
) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "balance_transaction": null, "charge": charge["id"], "created": now, "currency": "usd",
        "customer": null, "customer_account": null, "metadata": metadata, "payment_intent": charge["payment_intent"], "payment_method": null,
        "reason": null, "receipt_number": null, "source_transfer_reversal": null, "status": status, "transfer_reversal": null,
    })
}

/// A dispute.
#[must_use]
pub fn dispute(id: &str, now: i64, charge: &Value, reason: &str, status: &str, due: i64) -> Value {
    let texts = [
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    ];
    let mut evidence: serde_json::Map<String, Value> = texts
        .into_iter()
        .map(|name| (name.to_owned(), Value::Null))
        .collect();
    evidence.insert("enhanced_evidence".into(), json!({}));
    json!({
        "id": id, "object": "dispute", "amount": charge["amount"], "balance_transactions": [], "charge": charge["id"], "created": now,
        "currency": "usd", "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {"due_by": due, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false, "submission_count": 0},
        "is_charge_refundable": status.starts_with("warning"), "livemode": false, "metadata": {}, "payment_intent": charge["payment_intent"],
        "reason": reason, "status": status,
    })
}

/// An early warning of fraud.
#[must_use]
pub fn fraud_warning(id: &str, now: i64, charge: &str) -> Value {
    json!({
        "id": id, "object": "radar.early_fraud_warning", "actionable": true, "charge": charge, "created": now,
        "fraud_type": "made_with_stolen_card", "livemode": false,
    })
}

/// A connected account before its owner answered anything.
#[must_use]
pub fn account(id: &str, now: i64, params: &Value) -> Value {
    let requirements = json!({
        "alternatives": [], "current_deadline": null, "currently_due": ["individual.first_name", "external_account"],
        "disabled_reason": "requirements.past_due", "errors": [], "eventually_due": [], "past_due": [], "pending_verification": [],
    });
    json!({
        "id": id, "object": "account", "business_profile": null, "business_type": null,
        "capabilities": {"card_payments": "inactive", "transfers": "inactive"}, "charges_enabled": false,
        "controller": {
            "type": "application", "is_controller": true, "fees": {"payer": "application"}, "losses": {"payments": "application"},
            "requirement_collection": "stripe", "stripe_dashboard": {"type": "express"},
        },
        "country": params["country"], "created": now, "default_currency": "usd", "details_submitted": false, "email": params["email"],
        "external_accounts": list(&format!("/v1/accounts/{id}/external_accounts"), Vec::new(), false),
        "metadata": params.get("metadata").cloned().unwrap_or(json!({})), "payouts_enabled": false, "requirements": requirements,
        "tos_acceptance": {"date": null}, "type": "none",
    })
}

/// A link to the onboarding pages.
#[must_use]
pub fn account_link(now: i64, account: &str, nonce: &str) -> Value {
    json!({
        "object": "account_link", "created": now, "expires_at": now + 300,
        "url": format!("https://connect.stripe.com/setup/e/{account}/{nonce}"),
    })
}

/// A transfer.
#[must_use]
pub fn transfer(id: &str, now: i64, params: &Value, amount: i64) -> Value {
    json!({
        "id": id, "object": "transfer", "amount": amount, "amount_reversed": 0, "balance_transaction": null, "created": now, "currency": "usd",
        "description": null, "destination": params["destination"], "destination_payment": format!("py_{id}"), "livemode": false,
        "metadata": params.get("metadata").cloned().unwrap_or(json!({})),
        "reversals": list(&format!("/v1/transfers/{id}/reversals"), Vec::new(), false), "reversed": false,
        "source_transaction": params.get("source_transaction").cloned().unwrap_or(Value::Null), "source_type": "card",
        "transfer_group": params.get("transfer_group").cloned().unwrap_or(Value::Null),
    })
}

/// A transfer's reversal.
#[must_use]
pub fn reversal(id: &str, now: i64, transfer: &str, params: &Value, amount: i64) -> Value {
    json!({
        "id": id, "object": "transfer_reversal", "amount": amount, "balance_transaction": null, "created": now, "currency": "usd",
        "destination_payment_refund": null, "metadata": params.get("metadata").cloned().unwrap_or(json!({})), "source_refund": null,
        "transfer": transfer,
    })
}

/// A payout to a seller's bank.
#[must_use]
pub fn payout(id: &str, now: i64, amount: i64, arrival: i64) -> Value {
    json!({
        "id": id, "object": "payout", "amount": amount, "application_fee": null, "application_fee_amount": null, "arrival_date": arrival,
        "automatic": true, "balance_transaction": null, "created": now, "currency": "usd", "description": "STRIPE PAYOUT",
        "destination": format!("ba_{id}"), "failure_balance_transaction": null, "failure_code": null, "failure_message": null, "livemode": false,
        "metadata": {}, "method": "standard", "original_payout": null, "payout_method": null, "reconciliation_status": "in_progress",
        "reversed_by": null, "source_type": "card", "statement_descriptor": null, "status": "pending", "trace_id": null, "type": "bank_account",
    })
}

/// An event.
#[must_use]
pub fn event(id: &str, now: i64, kind: &str, object: &Value, account: Option<&str>) -> Value {
    let mut event = json!({
        "id": id, "object": "event", "api_version": API_VERSION, "created": now, "data": {"object": object}, "livemode": false,
        "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}, "type": kind,
    });
    if let Some(account) = account {
        event["account"] = json!(account);
    }
    event
}

/// An error.
#[must_use]
pub fn error(kind: &str, code: Option<&str>, message: &str) -> Value {
    let mut details = json!({"type": kind, "message": message});
    if let Some(code) = code {
        details["code"] = json!(code);
    }
    json!({"error": details})
}
