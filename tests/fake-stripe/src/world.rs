//! What the stand-in remembers, and what time does to it.

use crate::faults::Fault;
use crate::objects;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// One day in seconds.
pub const DAY_S: i64 = 86_400;
/// Keys are forgotten after a day.
const KEY_LIFE_S: i64 = DAY_S;

/// An answer: status and body.
pub type Answer = (u16, Value);

/// An answer that is kept for its idempotency key.
pub(crate) struct Saved {
    pub(crate) request: String,
    pub(crate) answer: Answer,
    pub(crate) at_s: i64,
}

/// A request as it came in, for the checks that judge us.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub params: Value,
}

/// Everything there is.
pub struct World {
    /// Virtual time, seconds since 1970.
    pub now_s: i64,
    /// Faults that wait, with the start of the path that they hit.
    pub faults: VecDeque<(String, Fault)>,
    /// Every request that was read.
    pub requests: Vec<Request>,
    pub(crate) saved: BTreeMap<String, Saved>,
    pub(crate) objects: BTreeMap<String, Value>,
    /// Ids in the order in which they were made.
    pub(crate) order: Vec<String>,
    pub(crate) lines: BTreeMap<String, Vec<Value>>,
    /// What a card does to what comes after: charge to card number.
    cards: BTreeMap<String, String>,
    /// Money in connected accounts.
    accounts: BTreeMap<String, i64>,
    banks: BTreeMap<String, String>,
    payout_accounts: BTreeMap<String, String>,
    transactions: Vec<Value>,
    /// Events in the order in which they happened.
    pub events: Vec<Value>,
    counter: u64,
    /// Tax in basis points that sessions with automatic tax get.
    pub tax_basis_points: i64,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(now_s: i64) -> Self {
        Self {
            now_s,
            faults: VecDeque::new(),
            requests: Vec::new(),
            saved: BTreeMap::new(),
            objects: BTreeMap::new(),
            order: Vec::new(),
            lines: BTreeMap::new(),
            cards: BTreeMap::new(),
            accounts: BTreeMap::new(),
            banks: BTreeMap::new(),
            payout_accounts: BTreeMap::new(),
            transactions: Vec::new(),
            events: Vec::new(),
            counter: 0,
            tax_basis_points: 1900,
        }
    }

    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}_{:016}", self.counter)
    }

    pub(crate) fn insert(&mut self, object: Value) -> Value {
        if let Some(id) = object["id"].as_str() {
            self.order.push(id.to_owned());
            self.objects.insert(id.to_owned(), object.clone());
        }
        object
    }

    /// An object by id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    /// Objects of one type, newest first.
    #[must_use]
    pub fn newest(&self, kind: &str) -> Vec<Value> {
        let found = self
            .order
            .iter()
            .rev()
            .filter_map(|id| self.objects.get(id));
        found
            .filter(|object| object["object"] == kind)
            .cloned()
            .collect()
    }

    pub(crate) fn change(&mut self, id: &str, changes: Value) -> Value {
        let Some(object) = self.objects.get_mut(id) else {
            return Value::Null;
        };
        if let Value::Object(changes) = changes {
            for (name, value) in changes {
                object[name] = value;
            }
        }
        object.clone()
    }

    pub(crate) fn event(&mut self, kind: &str, object: &Value, account: Option<&str>) {
        let id = self.id("evt");
        let event = objects::event(&id, self.now_s, kind, object, account);
        self.events.push(event);
    }

    pub(crate) fn transact(
        &mut self,
        amount: i64,
        fee: i64,
        kind: &str,
        source: &str,
        days: i64,
    ) -> Value {
        let id = self.id("txn");
        let transaction = objects::balance_transaction(
            &id,
            self.now_s,
            self.now_s + days * DAY_S,
            amount,
            fee,
            kind,
            source,
        );
        self.transactions.push(transaction.clone());
        self.objects.insert(id, transaction.clone());
        transaction
    }

    /// The platform's movements, newest first.
    #[must_use]
    pub fn transactions(&self) -> Vec<Value> {
        self.transactions.iter().rev().cloned().collect()
    }

    /// The platform's balance: pending and available.
    #[must_use]
    pub fn balance(&self) -> (i64, i64) {
        let mut sums = (0, 0);
        for transaction in &self.transactions {
            let net = transaction["net"].as_i64().unwrap_or(0);
            if transaction["status"] == "pending" {
                sums.0 += net;
            } else {
                sums.1 += net;
            }
        }
        sums
    }

    /// What lies in a connected account.
    #[must_use]
    pub fn account_balance(&self, account: &str) -> i64 {
        self.accounts.get(account).copied().unwrap_or(0)
    }

    pub(crate) fn add_to_account(&mut self, account: &str, amount: i64) {
        *self.accounts.entry(account.to_owned()).or_default() += amount;
    }

    pub(crate) fn payout_account(&self, payout: &str) -> Option<&String> {
        self.payout_accounts.get(payout)
    }

    /// Everything that was asked and that there is, for others to judge.
    #[must_use]
    pub fn dump(&self) -> Value {
        let requests: Vec<Value> = self
            .requests
            .iter()
            .map(|request| json!({"method": request.method, "path": request.path, "params": request.params}))
            .collect();
        json!({"requests": requests, "objects": self.objects, "events": self.events, "lines": self.lines})
    }

    /// A buyer pays an open session with a test card. `false` when it is declined, or not open.
    pub fn pay(&mut self, session: &str, card: &str, country: &str) -> bool {
        let open = self
            .get(session)
            .is_some_and(|session| session["status"] == "open");
        if !open || card.ends_with("0002") || card.ends_with("9995") {
            return false;
        }
        let Some(before) = self.get(session).cloned() else {
            return false;
        };
        let net = before["amount_subtotal"].as_i64().unwrap_or(0);
        let taxed = before["automatic_tax"]["enabled"] == true && country != "US";
        let rate = if taxed { self.tax_basis_points } else { 0 };
        let mut tax = 0;
        let mut lines = self.lines.remove(session).unwrap_or_default();
        for line in &mut lines {
            let amount = line["amount_subtotal"].as_i64().unwrap_or(0);
            let part = (amount * rate + 5000) / 10_000;
            line["amount_tax"] = json!(part);
            line["amount_total"] = json!(amount + part);
            line["taxes"] = objects::line_taxes(self.now_s, country, rate, amount, part);
            tax += part;
        }
        self.lines.insert(session.to_owned(), lines);
        let order = before["client_reference_id"].clone();
        let (charge, intent) = (self.id("ch"), self.id("pi"));
        let last4 = card.get(card.len().saturating_sub(4)..).unwrap_or_default();
        self.insert(objects::charge(
            &charge,
            self.now_s,
            net + tax,
            &intent,
            last4,
            &order,
        ));
        self.insert(objects::payment_intent(
            &intent,
            self.now_s,
            net + tax,
            &charge,
            &order,
        ));
        self.cards.insert(charge.clone(), card.to_owned());
        let done = self.change(session, json!({
            "payment_intent": intent, "payment_status": "paid", "status": "complete", "amount_total": net + tax, "url": null,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax},
            "customer_details": {
                "address": {"city": null, "country": country, "line1": null, "line2": null, "postal_code": null, "state": null},
                "business_name": null, "email": before["customer_email"], "individual_name": null, "name": null, "phone": null,
                "tax_exempt": "none", "tax_ids": [],
            },
        }));
        self.event("checkout.session.completed", &done, None);
        self.settle_charge(&charge, card);
        true
    }

    /// With `automatic_async` the balance transaction comes a moment later, and `charge.updated` tells of it.
    fn settle_charge(&mut self, charge: &str, card: &str) {
        let amount = self
            .get(charge)
            .and_then(|charge| charge["amount"].as_i64())
            .unwrap_or(0);
        let fee = (amount * 29 + 500) / 1000 + 30;
        let days = if card.ends_with("0077") { 0 } else { 2 };
        let transaction = self.transact(amount, fee, "charge", charge, days);
        let updated = self.change(charge, json!({"balance_transaction": transaction["id"]}));
        self.event("charge.updated", &updated, None);
        match card.get(card.len().saturating_sub(4)..) {
            Some("0259") => self.dispute(charge, "fraudulent", false),
            Some("2685") => self.dispute(charge, "product_not_received", false),
            Some("1976") => self.dispute(charge, "general", true),
            Some("5423") => {
                let id = self.id("issfr");
                let warning = objects::fraud_warning(&id, self.now_s, charge);
                let warning = self.insert(warning);
                self.event("radar.early_fraud_warning.created", &warning, None);
            }
            _ => {}
        }
    }

    /// A bank disputes a charge.
    pub fn dispute(&mut self, charge: &str, reason: &str, inquiry: bool) {
        let Some(disputed) = self.get(charge).cloned() else {
            return;
        };
        let id = self.id("du");
        let status = if inquiry {
            "warning_needs_response"
        } else {
            "needs_response"
        };
        let dispute = objects::dispute(
            &id,
            self.now_s,
            &disputed,
            reason,
            status,
            self.now_s + 9 * DAY_S,
        );
        let dispute = self.insert(dispute);
        self.event("charge.dispute.created", &dispute, None);
        if !inquiry {
            self.change(charge, json!({"disputed": true}));
            self.withdraw(&id);
        }
    }

    fn withdraw(&mut self, dispute: &str) {
        let amount = self
            .get(dispute)
            .and_then(|dispute| dispute["amount"].as_i64())
            .unwrap_or(0);
        let transaction = self.transact(-amount, 1500, "adjustment", dispute, 0);
        self.append_transaction(dispute, transaction);
        let dispute = self.get(dispute).cloned().unwrap_or_default();
        self.event("charge.dispute.funds_withdrawn", &dispute, None);
    }

    fn append_transaction(&mut self, dispute: &str, transaction: Value) {
        let mut all = self
            .get(dispute)
            .map_or(json!([]), |dispute| dispute["balance_transactions"].clone());
        if let Value::Array(all) = &mut all {
            all.push(transaction);
        }
        self.change(dispute, json!({"balance_transactions": all}));
    }

    /// A dispute ends.
    pub(crate) fn end_dispute(&mut self, id: &str, status: &str) {
        if status == "won" {
            let amount = self
                .get(id)
                .and_then(|dispute| dispute["amount"].as_i64())
                .unwrap_or(0);
            let transaction = self.transact(amount, 0, "adjustment", id, 0);
            self.append_transaction(id, transaction);
            let dispute = self.change(id, json!({"status": status}));
            self.event("charge.dispute.funds_reinstated", &dispute, None);
        }
        let dispute = self.change(id, json!({"status": status}));
        self.event("charge.dispute.closed", &dispute, None);
    }

    pub(crate) fn card_of(&self, charge: &str) -> &str {
        self.cards.get(charge).map_or("", String::as_str)
    }

    /// A seller's fresh account, as if the shop had opened it.
    pub fn seller(&mut self, country: &str) -> String {
        let id = self.id("acct");
        let params = json!({"country": country, "email": "seller@test.example"});
        let account = objects::account(&id, self.now_s, &params);
        self.insert(account);
        id
    }

    /// A seller answers everything and names a bank account.
    pub fn onboard(&mut self, account: &str, bank: &str) {
        self.banks.insert(account.to_owned(), bank.to_owned());
        let requirements = json!({
            "alternatives": [], "current_deadline": null, "currently_due": [], "disabled_reason": null, "errors": [], "eventually_due": [],
            "past_due": [], "pending_verification": [],
        });
        let changed = self.change(account, json!({
            "capabilities": {"card_payments": "active", "transfers": "active"}, "charges_enabled": true, "details_submitted": true,
            "payouts_enabled": true, "requirements": requirements,
        }));
        self.event("account.updated", &changed, Some(account));
        let bank = json!({"id": format!("ba_{account}"), "object": "bank_account"});
        self.event("account.external_account.updated", &bank, Some(account));
    }

    /// Forgets every saved answer, as if a day had passed.
    pub fn forget_keys(&mut self) {
        self.saved.clear();
    }

    /// Stops or allows transfers to every account, and tells nobody.
    pub fn allow_transfers(&mut self, allowed: bool) {
        let status = if allowed { "active" } else { "inactive" };
        for account in self.newest("account") {
            if let Some(id) = account["id"].as_str() {
                self.change(
                    id,
                    json!({"capabilities": {"card_payments": "active", "transfers": status}}),
                );
            }
        }
    }

    /// Lets time pass: keys are forgotten, funds become available, refunds, disputes and payouts go on.
    pub fn advance(&mut self, seconds: i64) {
        self.now_s += seconds;
        let now = self.now_s;
        self.saved.retain(|_, saved| now - saved.at_s < KEY_LIFE_S);
        let mut became = false;
        for transaction in &mut self.transactions {
            if transaction["status"] == "pending"
                && transaction["available_on"].as_i64() <= Some(now)
            {
                transaction["status"] = json!("available");
                became = true;
                if let Some(id) = transaction["id"].as_str() {
                    self.objects.insert(id.to_owned(), transaction.clone());
                }
            }
        }
        if became {
            let balance =
                json!({"object": "balance", "available": [], "pending": [], "livemode": false});
            self.event("balance.available", &balance, None);
        }
        for refund in self.newest("refund") {
            self.settle_refund(&refund);
        }
        for dispute in self.newest("dispute") {
            self.settle_dispute(&dispute);
        }
        self.settle_payouts();
    }

    fn settle_refund(&mut self, refund: &Value) {
        let (Some(id), Some(charge)) = (refund["id"].as_str(), refund["charge"].as_str()) else {
            return;
        };
        if refund["status"] != "pending" {
            return;
        }
        if self.card_of(charge).ends_with("5126") {
            let amount = refund["amount"].as_i64().unwrap_or(0);
            self.transact(amount, 0, "refund_failure", id, 0);
            let failed = self.change(id, json!({"status": "failed"}));
            self.event("refund.failed", &failed, None);
        } else {
            let done = self.change(id, json!({"status": "succeeded"}));
            self.event("refund.updated", &done, None);
        }
    }

    fn settle_dispute(&mut self, dispute: &Value) {
        let Some(id) = dispute["id"].as_str() else {
            return;
        };
        let text = dispute["evidence"]["uncategorized_text"]
            .as_str()
            .unwrap_or_default();
        let past = dispute["evidence_details"]["due_by"].as_i64() <= Some(self.now_s);
        match dispute["status"].as_str() {
            Some("under_review") if text.contains("winning_evidence") => {
                self.end_dispute(id, "won")
            }
            Some("under_review") => self.end_dispute(id, "lost"),
            Some("needs_response") if past => self.end_dispute(id, "lost"),
            Some("warning_under_review") if text.contains("escalate_inquiry_evidence") => {
                let details = json!({"due_by": self.now_s + 9 * DAY_S, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false, "submission_count": 0});
                self.change(
                    id,
                    json!({"status": "needs_response", "evidence_details": details}),
                );
                if let Some(charge) = dispute["charge"].as_str() {
                    self.change(charge, json!({"disputed": true}));
                }
                self.withdraw(id);
            }
            Some("warning_under_review") => self.end_dispute(id, "warning_closed"),
            Some("warning_needs_response") if past => self.end_dispute(id, "warning_closed"),
            _ => {}
        }
    }

    fn settle_payouts(&mut self) {
        let payable: Vec<(String, i64)> = self
            .accounts
            .iter()
            .filter(|(account, balance)| {
                **balance > 0
                    && self
                        .objects
                        .get(*account)
                        .is_some_and(|account| account["payouts_enabled"] == true)
            })
            .map(|(account, balance)| (account.clone(), *balance))
            .collect();
        for (account, balance) in payable {
            let id = self.id("po");
            let payout = objects::payout(&id, self.now_s, balance, self.now_s + 2 * DAY_S);
            let payout = self.insert(payout);
            self.accounts.insert(account.clone(), 0);
            self.payout_accounts.insert(id, account.clone());
            self.event("payout.created", &payout, Some(&account));
        }
        for payout in self.newest("payout") {
            let Some(id) = payout["id"].as_str().map(str::to_owned) else {
                continue;
            };
            let arrival = payout["arrival_date"].as_i64().unwrap_or(0);
            let Some(account) = self.payout_accounts.get(&id).cloned() else {
                if payout["status"] == "pending" && arrival <= self.now_s {
                    let paid = self.change(&id, json!({"status": "paid"}));
                    self.event("payout.paid", &paid, None);
                }
                continue;
            };
            let bank = self.banks.get(&account).cloned().unwrap_or_default();
            let late = bank == "000999999991";
            match payout["status"].as_str() {
                Some("pending") if arrival <= self.now_s && bank == "000111111116" => {
                    self.fail_payout(&payout, &id, &account, "no_account");
                }
                Some("pending") if arrival <= self.now_s => {
                    let paid = self.change(&id, json!({"status": "paid"}));
                    self.event("payout.paid", &paid, Some(&account));
                }
                Some("paid") if late && arrival + DAY_S <= self.now_s => {
                    self.fail_payout(&payout, &id, &account, "account_closed");
                }
                _ => {}
            }
        }
    }

    /// The platform's own money goes to its own bank; returns the payout.
    pub fn pay_out_own(&mut self, amount: i64) -> String {
        let id = self.id("po");
        let transaction = self.transact(-amount, 0, "payout", &id, 0);
        let mut payout = objects::payout(&id, self.now_s, amount, self.now_s + 2 * DAY_S);
        payout["balance_transaction"] = transaction["id"].clone();
        let payout = self.insert(payout);
        self.event("payout.created", &payout, None);
        id
    }

    /// The platform's bank sends a payout back.
    pub fn fail_own_payout(&mut self, id: &str) {
        let amount = self
            .get(id)
            .and_then(|payout| payout["amount"].as_i64())
            .unwrap_or(0);
        let transaction = self.transact(amount, 0, "payout_failure", id, 0);
        let changes = json!({"status": "failed", "failure_code": "account_closed", "failure_balance_transaction": transaction["id"]});
        let failed = self.change(id, changes);
        self.event("payout.failed", &failed, None);
    }

    /// A movement of no object: what Stripe charges for itself (`stripe_fee`), or something that nobody expects.
    pub fn move_own(&mut self, amount: i64, kind: &str) {
        self.transact(amount, 0, kind, "", 0);
    }

    fn fail_payout(&mut self, payout: &Value, id: &str, account: &str, code: &str) {
        self.add_to_account(account, payout["amount"].as_i64().unwrap_or(0));
        let failed = self.change(id, json!({"status": "failed", "failure_code": code}));
        let off = self.change(account, json!({"payouts_enabled": false}));
        self.event("payout.failed", &failed, Some(account));
        self.event("account.updated", &off, Some(account));
    }
}
