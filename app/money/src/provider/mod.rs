//! Payment providers: what we ask of one, what it tells us, and the two that there are, `sandbox` and `stripe`.
//!
//! The one rule: an answer is [`CallOutcome`], never a bare `Result`. Whoever cannot tell whether money moved says
//! [`CallOutcome::Unknown`], and nothing is sent again under another key before it was looked up.

pub mod inbox;
pub mod operation;
pub mod outbound;
pub mod sandbox;
pub mod state;
mod store;
pub mod stripe;
pub mod tax;
#[cfg(any(test, feature = "testing"))]
pub use store::ALL as STATEMENTS;

use async_trait::async_trait;
use base::db::words;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// What a call that moves money came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome<T = String> {
    /// Done; a reference of the provider as a rule.
    Done(T),
    /// Definitely not done, and will not be; the provider's code.
    Rejected(String),
    /// Not carried out by this call (too many at once, or the same key is in use): the same key again, later.
    Later(String),
    /// The key or its rights are wrong: nothing more is sent before a person looked.
    Denied(String),
    /// Perhaps done.
    Unknown(String),
}

/// A question that got no answer. Asking again is harmless.
#[derive(Debug, ThisError)]
#[error("the payment provider does not answer: {0}")]
pub struct Unanswered(pub String);

/// The answer to a question.
pub type Answer<T> = Result<T, Unanswered>;

/// A line of a checkout, as the buyer sees it at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutLine {
    /// The order line.
    pub line: String,
    /// What it is called.
    pub title: String,
    /// What it costs the buyer, tax aside.
    pub amount_minor: i64,
}

/// An order to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The order; the call's idempotency key, too.
    pub order: String,
    /// How often a checkout of this order ended without payment before.
    pub attempt: i64,
    /// What is bought; free lines are left out.
    pub lines: Vec<CheckoutLine>,
    /// Where the provider may send a receipt.
    pub email: Option<String>,
    /// The page to come back to.
    pub return_url: String,
    /// Business time.
    pub now_ms: i64,
}

impl Checkout {
    /// What is to be paid, tax aside.
    #[must_use]
    pub fn amount_minor(&self) -> i64 {
        self.lines.iter().map(|line| line.amount_minor).sum()
    }
}

/// A checkout that is open at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub id: String,
    /// Where the buyer pays: a path of ours, or the provider's page.
    pub url: String,
}

/// How a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// Not paid yet.
    Open,
    /// Paid.
    Paid,
    /// Cannot be paid any more.
    Expired,
}

/// A payment as the provider knows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: String,
    pub order: String,
    pub state: PaymentState,
    /// Everything the buyer paid, tax included.
    pub amount_minor: i64,
    pub currency: String,
    /// Tax on each line in the order of the checkout; empty where none was computed.
    pub taxes: Vec<i64>,
    /// Their sum as the provider says it.
    pub tax_minor: i64,
    /// What refunds and transfers name.
    pub charge: Option<String>,
    /// The provider's fee, once it is known.
    pub fee_minor: Option<i64>,
    /// Whether the funds can be sent on.
    pub available: bool,
    pub card_last4: Option<String>,
    pub decline_code: Option<String>,
    /// Where the buyer's address is, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The rate by which every taxed line was taxed, where it is one and known: 1,900 is 19%.
    pub tax_basis_points: Option<i64>,
}

/// How a refund stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: String,
    /// Our operation, where the refund is ours.
    pub operation: Option<String>,
    pub amount_minor: i64,
    /// It was sent, and came back.
    pub failed: bool,
}

words! {
    /// How a dispute stands at the provider; the words are the sandbox's.
    pub enum DisputeStatus {
        /// A question of the buyer's bank; no money moved.
        Inquiry = "inquiry",
        /// The question was dropped.
        Closed = "closed",
        /// We may answer.
        NeedsResponse = "needs_response",
        /// The bank decides.
        UnderReview = "under_review",
        /// The bank decided for us.
        Won = "won",
        /// The bank decided for the buyer.
        Lost = "lost",
    }
}

/// A dispute as the provider knows it now. Amounts come from balance transactions, never from the charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    pub id: String,
    pub charge: String,
    pub amount_minor: i64,
    pub reason: String,
    pub status: DisputeStatus,
    /// What was taken from us.
    pub withdrawn_minor: i64,
    /// What the dispute itself cost.
    pub fee_minor: i64,
    /// What came back.
    pub reinstated_minor: i64,
    /// What of the fee came back.
    pub fee_back_minor: i64,
    pub due_ms: Option<i64>,
}

/// What a movement of the platform's balance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A charge, refund, transfer, reversal or dispute: its own event books it.
    Followed,
    /// The platform's money, sent to its own bank.
    OwnPayout,
    /// The same, come back.
    OwnPayoutBack,
    /// What the provider charges for itself.
    Fee,
    /// What we know nothing of.
    Unexplained,
}

/// A movement of the platform's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub id: String,
    /// The provider's word for it.
    pub kind: String,
    pub cause: Cause,
    /// What it changed, fees deducted.
    pub net_minor: i64,
    /// The charge, refund, transfer or dispute behind it: what our entries name as their source.
    pub source: String,
    pub created_ms: i64,
}

/// What lies at the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub pending_minor: i64,
    pub available_minor: i64,
}

impl Balance {
    /// All of it, wherever it waits.
    #[must_use]
    pub fn total_minor(&self) -> i64 {
        self.pending_minor + self.available_minor
    }
}

/// A seller's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    /// It can receive transfers, and pays out.
    pub ready: bool,
    /// What the provider still asks for, by its own names.
    pub requirements: Vec<String>,
    /// Why payouts are off, if they are.
    pub disabled: Option<String>,
}

words! {
    /// How a payout to a seller's bank stands at the provider; the words are the sandbox's. `Paid` may still turn `Failed`.
    pub enum PayoutState {
        /// On its way.
        Pending = "pending",
        /// It arrived.
        Paid = "paid",
        /// The bank refused it, or sent it back.
        Failed = "failed",
    }
}

/// A payout from a seller's account to their bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    pub id: String,
    pub account: String,
    pub amount_minor: i64,
    pub state: PayoutState,
    pub failure: Option<String>,
    pub arrives_ms: i64,
}

/// The frozen parameters of an operation, as they are stored and sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// What the call is about: a charge, an account, a transfer, a dispute.
    pub target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// A transfer's charge, so that it may go before funds are available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// Evidence in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What a feature needs to undo the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

/// A call that moves money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The idempotency key.
    pub key: String,
    /// The operation, as metadata.
    pub operation: String,
    pub line: Option<String>,
    pub amount_minor: i64,
    pub parameters: Parameters,
    /// Business time.
    pub now_ms: i64,
}

/// Taking money, giving it back, disputes, and the platform's own balance.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// The owner of the processor's accounts in the books: `sandbox`, `stripe` or `stripe-test`.
    fn name(&self) -> &'static str;
    /// Whether people's own money moves; else pages say that it is test money, and the business clock may be moved.
    fn moves_real_money(&self) -> bool;
    /// Where buyers pay tax on top of a price, so that pages can show the whole of it; empty where none is computed.
    fn tax_rates(&self) -> &'static [tax::Taxed];
    async fn open_checkout(&self, checkout: &Checkout) -> CallOutcome<Opened>;
    /// Closes a checkout that is not paid; `Rejected` when it is.
    async fn expire_checkout(&self, id: &str) -> CallOutcome<()>;
    async fn find_payment(&self, id: &str) -> Answer<Option<Payment>>;
    async fn refund(&self, call: &Call) -> CallOutcome;
    async fn find_refund(&self, call: &Call) -> Answer<Option<String>>;
    async fn get_refund(&self, id: &str) -> Answer<Option<Refund>>;
    async fn get_dispute(&self, id: &str) -> Answer<Option<Dispute>>;
    /// The charge that an early warning of fraud is about.
    async fn get_fraud_warning(&self, id: &str) -> Answer<Option<String>>;
    async fn submit_evidence(&self, call: &Call) -> CallOutcome;
    /// Gives a dispute up: the buyer keeps the money.
    async fn accept_dispute(&self, call: &Call) -> CallOutcome;
    async fn balance(&self) -> Answer<Balance>;
    /// Movements since a time, oldest first.
    async fn transactions(&self, since_ms: i64) -> Answer<Vec<Transaction>>;
    /// Events since a time, for what the inbox missed.
    async fn events(&self, since_ms: i64) -> Answer<Vec<inbox::Event>>;
}

/// Sellers' accounts, and money on its way to them.
#[async_trait]
pub trait PayoutProvider: Send + Sync {
    /// Opens a seller's account; the same name gets the same account.
    async fn open_account(&self, seller: &str, email: &str, country: &str) -> CallOutcome<String>;
    /// A page where the seller answers what is required; good for one click.
    async fn onboarding_url(&self, account: &str, return_url: &str) -> Answer<String>;
    async fn get_account(&self, id: &str) -> Answer<Option<Account>>;
    async fn transfer(&self, call: &Call) -> CallOutcome;
    async fn find_transfer(&self, call: &Call) -> Answer<Option<String>>;
    async fn reverse(&self, call: &Call) -> CallOutcome;
    async fn find_reversal(&self, call: &Call) -> Answer<Option<String>>;
    async fn get_payout(&self, account: &str, id: &str) -> Answer<Option<Payout>>;
    /// How a payout of the platform's own money to its own bank stands.
    async fn get_own_payout(&self, id: &str) -> Answer<Option<PayoutState>>;
    /// The newest payouts of an account, for what the inbox missed.
    async fn list_payouts(&self, account: &str) -> Answer<Vec<Payout>>;
}

/// A provider that does both.
pub trait Provider: PaymentProvider + PayoutProvider {}
impl<P: PaymentProvider + PayoutProvider> Provider for P {}
