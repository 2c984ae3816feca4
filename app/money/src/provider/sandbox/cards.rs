//! Test cards and test bank accounts: Stripe's own numbers, so that the same journeys run there.

use crate::provider::tax::{Taxed, taxed};

/// What a test card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    Pays(After),
    AsksFirst,
    /// Asks, and is declined whatever the answer.
    AsksAndDeclines,
    Declined(&'static str),
    Unknown,
}

/// What comes after a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Nothing,
    /// Funds can be sent on at once.
    Available,
    /// A dispute, and its reason.
    Dispute(&'static str),
    /// A question of the bank, without money moving.
    Inquiry,
    /// An early warning of fraud.
    Warning,
    /// Refunds stay pending first.
    RefundPends,
    /// Refunds succeed and come back.
    RefundFails,
}

/// Looks a card number up; spaces do not count.
#[must_use]
pub fn card(number: &str) -> Card {
    let digits: String = number
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    match digits.as_str() {
        "4242424242424242" => Card::Pays(After::Nothing),
        "4000000000000077" => Card::Pays(After::Available),
        "4000002500003155" => Card::AsksFirst,
        "4000008400001629" => Card::AsksAndDeclines,
        "4000000000000259" => Card::Pays(After::Dispute("fraudulent")),
        "4000000000002685" => Card::Pays(After::Dispute("product_not_received")),
        "4000000000001976" => Card::Pays(After::Inquiry),
        "4000000000005423" => Card::Pays(After::Warning),
        "4000000000007726" => Card::Pays(After::RefundPends),
        "4000000000005126" => Card::Pays(After::RefundFails),
        "4000000000000002" => Card::Declined("generic_decline"),
        "4000000000009995" => Card::Declined("insufficient_funds"),
        "4000000000009987" => Card::Declined("lost_card"),
        "4000000000009979" => Card::Declined("stolen_card"),
        "4000000000000069" => Card::Declined("expired_card"),
        "4000000000000127" => Card::Declined("incorrect_cvc"),
        "4000000000000119" => Card::Declined("processing_error"),
        "4242424242424241" => Card::Declined("incorrect_number"),
        _ => Card::Unknown,
    }
}

/// What a bank does with payouts: `None` takes them; a name that begins with `late:` takes them and sends them back a day later.
#[must_use]
pub(super) fn bank_failure(number: &str) -> Option<&'static str> {
    match number {
        "000111111116" => Some("no_account"),
        "000111111113" => Some("account_closed"),
        "000222222227" => Some("insufficient_funds"),
        "000333333335" => Some("debit_not_authorized"),
        "000444444440" => Some("invalid_currency"),
        "000999999991" => Some("late:account_closed"),
        _ => None,
    }
}

/// The sandbox's tax: rates for trying out, no law.
pub const TAX_RATES: &[Taxed] = &[
    taxed("AT", 2000),
    taxed("CH", 810),
    taxed("CN", 600),
    taxed("DE", 1900),
    taxed("FR", 2000),
    taxed("GB", 2000),
];
