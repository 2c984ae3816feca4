//! Checkout Sessions, refunds, disputes, balance and events.

use super::super::inbox::Event;
use super::super::{
    Answer, Balance, Call, CallOutcome, Cause, Checkout, Dispute, DisputeStatus, Opened, Payment,
    PaymentProvider, PaymentState, Refund, Transaction, tax,
};
use super::{MAX_PAGES, PAGE, Stripe, found, seconds, unanswered};
use async_trait::async_trait;
use std::collections::HashMap;
use stripe_checkout::CheckoutSessionId;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes,
    CreateCheckoutSessionAutomaticTax, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionLineItemsPriceDataTaxBehavior,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ProductData,
    RetrieveCheckoutSession,
};
use stripe_core::balance::RetrieveForMyAccountBalance;
use stripe_core::balance_transaction::ListBalanceTransaction;
use stripe_core::dispute::{CloseDispute, RetrieveDispute, UpdateDispute, UpdateDisputeEvidence};
use stripe_core::event::ListEvent;
use stripe_core::refund::{CreateRefund, ListRefund, RetrieveRefund};
use stripe_fraud::radar_early_fraud_warning::RetrieveRadarEarlyFraudWarning;
use stripe_shared::{
    CheckoutSession, CheckoutSessionPaymentStatus, CheckoutSessionStatus, LineItemsTaxAmount,
};
use stripe_types::{Currency, Expandable, RangeQueryTs};

/// Metadata that leads from an object of Stripe's back to ours.
pub(super) fn metadata(call: &Call) -> HashMap<String, String> {
    let mut metadata = HashMap::from([("op".to_owned(), call.operation.clone())]);
    if let Some(order) = &call.parameters.order {
        metadata.insert("order".into(), order.clone());
    }
    if let Some(line) = &call.line {
        metadata.insert("line".into(), line.clone());
    }
    metadata
}

pub(super) fn is_of(metadata: Option<&HashMap<String, String>>, operation: &str) -> bool {
    metadata
        .and_then(|metadata| metadata.get("op"))
        .is_some_and(|op| op == operation)
}

pub(super) fn since(ms: i64) -> RangeQueryTs {
    RangeQueryTs::gte(seconds(ms))
}

fn session(checkout: &Checkout, automatic_tax: bool) -> CreateCheckoutSession {
    let lines = checkout.lines.iter().map(|line| {
        let mut price = CreateCheckoutSessionLineItemsPriceData::new(Currency::USD);
        let mut product = ProductData::new(line.title.clone());
        product.metadata = Some(HashMap::from([("line".to_owned(), line.line.clone())]));
        price.product_data = Some(product);
        price.tax_behavior = Some(CreateCheckoutSessionLineItemsPriceDataTaxBehavior::Exclusive);
        price.unit_amount = Some(line.amount_minor);
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price_data = Some(price);
        item.quantity = Some(1);
        item
    });
    let order = HashMap::from([("order".to_owned(), checkout.order.clone())]);
    let mut intent = CreateCheckoutSessionPaymentIntentData::new();
    intent.transfer_group = Some(checkout.order.clone());
    intent.metadata = Some(order.clone());
    let mut request = CreateCheckoutSession::new()
        .mode(stripe_shared::CheckoutSessionMode::Payment)
        .client_reference_id(checkout.order.clone())
        .line_items(lines.collect::<Vec<_>>())
        .metadata(order)
        .payment_intent_data(intent)
        .allowed_payment_method_types(vec![CreateCheckoutSessionAllowedPaymentMethodTypes::Card])
        .success_url(checkout.return_url.clone())
        .cancel_url(checkout.return_url.clone());
    if let Some(email) = &checkout.email {
        request = request.customer_email(email.clone());
    }
    if automatic_tax {
        request = request.automatic_tax(CreateCheckoutSessionAutomaticTax::new(true));
    }
    request
}

fn payment(session: CheckoutSession) -> Payment {
    let charge = match session.payment_intent {
        Some(Expandable::Object(intent)) => intent.latest_charge,
        _ => None,
    };
    let (mut charge_id, mut fee_minor, mut available, mut last4) = (None, None, false, None);
    match charge {
        Some(Expandable::Object(charge)) => {
            charge_id = Some(charge.id.to_string());
            if let Some(Expandable::Object(transaction)) = charge.balance_transaction {
                fee_minor = Some(transaction.fee);
                available = transaction.status == "available";
            }
            last4 = charge
                .payment_method_details
                .and_then(|details| details.card)
                .and_then(|card| card.last4);
        }
        Some(Expandable::Id(id)) => charge_id = Some(id.to_string()),
        None => {}
    }
    let state = match (&session.payment_status, &session.status) {
        (CheckoutSessionPaymentStatus::Paid, _) => PaymentState::Paid,
        (_, Some(CheckoutSessionStatus::Expired)) => PaymentState::Expired,
        _ => PaymentState::Open,
    };
    let items = session.line_items.filter(|items| !items.has_more);
    let items = items.map(|items| items.data).unwrap_or_default();
    let rate = one_rate(
        items
            .iter()
            .map(|item| item.taxes.clone().unwrap_or_default()),
    );
    let taxes = items.iter().map(|item| item.amount_tax).collect();
    Payment {
        id: session.id.to_string(),
        order: session.client_reference_id.unwrap_or_default(),
        state,
        amount_minor: session.amount_total.unwrap_or(0),
        currency: session
            .currency
            .map_or_else(String::new, |currency| currency.to_string()),
        taxes,
        tax_minor: session
            .total_details
            .map_or(0, |details| details.amount_tax),
        charge: charge_id,
        fee_minor,
        available,
        card_last4: last4,
        decline_code: None,
        country: session
            .customer_details
            .and_then(|details| details.address)
            .and_then(|address| address.country),
        tax_basis_points: rate,
    }
}

/// The rate of every taxed line, if it is one: an order with several has none to be named in one line. Taxes of one line add up.
fn one_rate(lines: impl Iterator<Item = Vec<LineItemsTaxAmount>>) -> Option<i64> {
    let mut rates = lines.filter_map(|taxes| {
        let taken = taxes.into_iter().filter(|tax| tax.amount > 0);
        let percentages =
            taken.map(|tax| tax.rate.effective_percentage.unwrap_or(tax.rate.percentage));
        let percentages: Vec<f64> = percentages.collect();
        // Hundredths of a percent, as exact as tax laws are.
        #[allow(clippy::cast_possible_truncation, reason = "a rate is small")]
        let basis_points = (percentages.iter().sum::<f64>() * 100.0).round() as i64;
        (!percentages.is_empty()).then_some(basis_points)
    });
    let first = rates.next()?;
    rates.all(|rate| rate == first).then_some(first)
}

fn dispute(dispute: stripe_shared::Dispute) -> Dispute {
    use stripe_shared::DisputeStatus as Theirs;
    let (mut withdrawn, mut fee, mut back, mut fee_back) = (0, 0, 0, 0);
    for transaction in &dispute.balance_transactions {
        if transaction.amount < 0 {
            withdrawn -= transaction.amount;
            fee += transaction.fee;
        } else {
            back += transaction.amount;
            fee_back -= transaction.fee;
        }
    }
    Dispute {
        id: dispute.id.to_string(),
        charge: dispute.charge.id().to_string(),
        amount_minor: dispute.amount,
        reason: dispute.reason,
        status: match dispute.status {
            Theirs::WarningNeedsResponse | Theirs::WarningUnderReview => DisputeStatus::Inquiry,
            Theirs::WarningClosed | Theirs::Prevented => DisputeStatus::Closed,
            Theirs::UnderReview => DisputeStatus::UnderReview,
            Theirs::Won => DisputeStatus::Won,
            Theirs::Lost => DisputeStatus::Lost,
            // A status of a later API is open until it says more.
            _ => DisputeStatus::NeedsResponse,
        },
        withdrawn_minor: withdrawn,
        fee_minor: fee,
        reinstated_minor: back,
        fee_back_minor: fee_back,
        due_ms: dispute.evidence_details.due_by.map(|due| due * 1000),
    }
}

/// The object's id, from an event as Stripe lists it.
fn object_id(data: &miniserde::json::Value) -> Option<String> {
    let miniserde::json::Value::Object(map) = data else {
        return None;
    };
    match map.get("id") {
        Some(miniserde::json::Value::String(id)) => Some(id.clone()),
        _ => None,
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        if self.live { "stripe" } else { "stripe-test" }
    }

    fn moves_real_money(&self) -> bool {
        self.live
    }

    fn tax_rates(&self) -> &'static [tax::Taxed] {
        match self.automatic_tax {
            true => tax::EUROPEAN_UNION,
            false => &[],
        }
    }

    async fn open_checkout(&self, checkout: &Checkout) -> CallOutcome<Opened> {
        let key = format!("checkout:{}:{}", checkout.order, checkout.attempt);
        let made = self.post(session(checkout, self.automatic_tax), &key).await;
        match made {
            CallOutcome::Done(session) => match session.url {
                Some(url) => CallOutcome::Done(Opened {
                    id: session.id.to_string(),
                    url,
                }),
                // The same key answers with the session as it was made; one that ended since has no page.
                None => CallOutcome::Rejected("session_without_page".into()),
            },
            CallOutcome::Rejected(code) => CallOutcome::Rejected(code),
            CallOutcome::Later(why) => CallOutcome::Later(why),
            CallOutcome::Denied(why) => CallOutcome::Denied(why),
            CallOutcome::Unknown(why) => CallOutcome::Unknown(why),
        }
    }

    async fn expire_checkout(&self, id: &str) -> CallOutcome<()> {
        let request = ExpireCheckoutSession::new(CheckoutSessionId::from(id));
        match self.post(request, &format!("expire:{id}")).await {
            CallOutcome::Done(_) => CallOutcome::Done(()),
            CallOutcome::Rejected(code) => match self.find_payment(id).await {
                Ok(Some(payment)) if payment.state == PaymentState::Expired => {
                    CallOutcome::Done(())
                }
                _ => CallOutcome::Rejected(code),
            },
            CallOutcome::Later(why) => CallOutcome::Later(why),
            CallOutcome::Denied(why) => CallOutcome::Denied(why),
            CallOutcome::Unknown(why) => CallOutcome::Unknown(why),
        }
    }

    async fn find_payment(&self, id: &str) -> Answer<Option<Payment>> {
        let request = RetrieveCheckoutSession::new(CheckoutSessionId::from(id)).expand(vec![
            "payment_intent.latest_charge.balance_transaction".to_owned(),
            "line_items.data.taxes".to_owned(),
        ]);
        Ok(found(request.send(&self.client).await)?.map(payment))
    }

    async fn refund(&self, call: &Call) -> CallOutcome {
        let request = CreateRefund::new()
            .charge(call.parameters.target.clone())
            .amount(call.amount_minor)
            .metadata(metadata(call));
        match self.post(request, &call.key).await {
            CallOutcome::Done(refund) => CallOutcome::Done(refund.id.to_string()),
            other => retyped(other),
        }
    }

    async fn find_refund(&self, call: &Call) -> Answer<Option<String>> {
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut request = ListRefund::new()
                .charge(call.parameters.target.clone())
                .limit(PAGE);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page = request.send(&self.client).await;
            let page = page.map_err(|error| unanswered(&error))?;
            let ours = page
                .data
                .iter()
                .find(|refund| is_of(refund.metadata.as_ref(), &call.operation));
            if let Some(refund) = ours {
                return Ok(Some(refund.id.to_string()));
            }
            match page.data.last().filter(|_| page.has_more) {
                Some(last) => after = Some(last.id.to_string()),
                None => break,
            }
        }
        Ok(None)
    }

    async fn get_refund(&self, id: &str) -> Answer<Option<Refund>> {
        let asked = RetrieveRefund::new(stripe_shared::RefundId::from(id))
            .send(&self.client)
            .await;
        Ok(found(asked)?.map(|refund| Refund {
            id: refund.id.to_string(),
            operation: refund
                .metadata
                .as_ref()
                .and_then(|metadata| metadata.get("op").cloned()),
            amount_minor: refund.amount,
            failed: matches!(refund.status.as_deref(), Some("failed" | "canceled")),
        }))
    }

    async fn get_dispute(&self, id: &str) -> Answer<Option<Dispute>> {
        let asked = RetrieveDispute::new(stripe_shared::DisputeId::from(id))
            .send(&self.client)
            .await;
        Ok(found(asked)?.map(dispute))
    }

    async fn get_fraud_warning(&self, id: &str) -> Answer<Option<String>> {
        let asked =
            RetrieveRadarEarlyFraudWarning::new(stripe_fraud::RadarEarlyFraudWarningId::from(id))
                .send(&self.client)
                .await;
        Ok(found(asked)?.map(|warning| warning.charge.id().to_string()))
    }

    async fn submit_evidence(&self, call: &Call) -> CallOutcome {
        let mut evidence = UpdateDisputeEvidence::new();
        evidence.uncategorized_text = call.parameters.text.clone();
        let request = UpdateDispute::new(stripe_shared::DisputeId::from(
            call.parameters.target.as_str(),
        ))
        .evidence(evidence)
        .submit(true);
        match self.post(request, &call.key).await {
            CallOutcome::Done(dispute) => CallOutcome::Done(dispute.id.to_string()),
            other => retyped(other),
        }
    }

    async fn accept_dispute(&self, call: &Call) -> CallOutcome {
        let id = stripe_shared::DisputeId::from(call.parameters.target.as_str());
        match self.post(CloseDispute::new(id), &call.key).await {
            CallOutcome::Done(dispute) => CallOutcome::Done(dispute.id.to_string()),
            other => retyped(other),
        }
    }

    async fn balance(&self) -> Answer<Balance> {
        let asked = RetrieveForMyAccountBalance::new().send(&self.client).await;
        let balance = asked.map_err(|error| unanswered(&error))?;
        let sum = |amounts: &[stripe_core::BalanceAmount]| {
            amounts
                .iter()
                .filter(|amount| amount.currency == Currency::USD)
                .map(|amount| amount.amount)
                .sum()
        };
        Ok(Balance {
            pending_minor: sum(&balance.pending),
            available_minor: sum(&balance.available),
        })
    }

    async fn transactions(&self, since_ms: i64) -> Answer<Vec<Transaction>> {
        let mut transactions = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut request = ListBalanceTransaction::new()
                .created(since(since_ms))
                .limit(PAGE);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page = request.send(&self.client).await;
            let page = page.map_err(|error| unanswered(&error))?;
            after = page
                .data
                .last()
                .filter(|_| page.has_more)
                .map(|last| last.id.to_string());
            transactions.extend(page.data.into_iter().map(|transaction| Transaction {
                source: match &transaction.source {
                    Some(source) => source.id().to_string(),
                    None => transaction.id.to_string(),
                },
                id: transaction.id.to_string(),
                cause: cause(transaction.type_.as_str(), transaction.source.is_some()),
                kind: transaction.type_.as_str().to_owned(),
                net_minor: transaction.net,
                created_ms: transaction.created * 1000,
            }));
            if after.is_none() {
                break;
            }
        }
        transactions.reverse();
        Ok(transactions)
    }

    async fn events(&self, since_ms: i64) -> Answer<Vec<Event>> {
        let mut events = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut request = ListEvent::new().created(since(since_ms)).limit(PAGE);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page = request.send(&self.client).await;
            let page = page.map_err(|error| unanswered(&error))?;
            after = page
                .data
                .last()
                .filter(|_| page.has_more)
                .map(|last| last.id.to_string());
            events.extend(page.data.into_iter().map(|event| Event {
                id: event.id.to_string(),
                kind: event.type_.as_str().to_owned(),
                object: object_id(&event.data.object).unwrap_or_default(),
                account: event.account,
                api_version: event.api_version,
                livemode: event.livemode,
                created_ms: event.created * 1000,
                body: Some(miniserde::json::to_string(&event.data.object)),
            }));
            if after.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }
}

/// What a balance transaction of a type comes from (the list of types: docs.stripe.com, balance transaction types). What is an
/// adjustment without an object belongs to no dispute.
fn cause(kind: &str, has_source: bool) -> Cause {
    match kind {
        "charge"
        | "payment"
        | "refund"
        | "payment_refund"
        | "refund_failure"
        | "payment_failure_refund"
        | "transfer"
        | "transfer_refund"
        | "transfer_cancel"
        | "transfer_failure" => Cause::Followed,
        "adjustment" if has_source => Cause::Followed,
        "payout" => Cause::OwnPayout,
        "payout_cancel" | "payout_failure" => Cause::OwnPayoutBack,
        "stripe_fee" | "stripe_fx_fee" | "tax_fee" | "network_cost" | "fee_credit_funding" => {
            Cause::Fee
        }
        _ => Cause::Unexplained,
    }
}

/// The same outcome of another type, where nothing was done.
pub(super) fn retyped<T, U>(outcome: CallOutcome<T>) -> CallOutcome<U> {
    match outcome {
        CallOutcome::Done(_) => CallOutcome::Unknown("an answer of another kind".into()),
        CallOutcome::Rejected(code) => CallOutcome::Rejected(code),
        CallOutcome::Later(why) => CallOutcome::Later(why),
        CallOutcome::Denied(why) => CallOutcome::Denied(why),
        CallOutcome::Unknown(why) => CallOutcome::Unknown(why),
    }
}
