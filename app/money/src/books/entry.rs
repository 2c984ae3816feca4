//! What an entry of the books consists of: kinds of accounts, and postings that add up to nothing.

/// The accounts there are. A kind fixes the normal side and whether the balance may go below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    ProcessorPending,
    ProcessorAvailable,
    /// The platform's own bank account.
    BankOperating,
    /// On its way there from the provider.
    BankInTransit,
    SellerHeld,
    /// Held back by a dispute.
    SellerFrozen,
    SellerAvailable,
    SellerReceivable,
    TransitTransfer,
    TransitRefund,
    TransitManual,
    /// A refund that came back: still the buyer's.
    RefundOwed,
    /// What a bank took in a dispute, until it is decided.
    DisputeHeld,
    TaxPayable,
    RevenueShare,
    ExpenseProcessing,
    ExpenseRefunds,
    ExpensePromotion,
    ExpenseDisputes,
    LossDisputes,
    LossBadDebt,
    Rounding,
    /// What nobody can explain yet.
    Suspense,
    ConnectedBalance,
    ConnectedPaidOut,
    ConnectedFunded,
}

impl AccountKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ProcessorPending => "processor:pending",
            Self::ProcessorAvailable => "processor:available",
            Self::BankOperating => "bank:operating",
            Self::BankInTransit => "bank:in_transit",
            Self::SellerHeld => "seller:held",
            Self::SellerFrozen => "seller:frozen",
            Self::SellerAvailable => "seller:available",
            Self::SellerReceivable => "seller:receivable",
            Self::TransitTransfer => "transit:transfer",
            Self::TransitRefund => "transit:refund",
            Self::TransitManual => "transit:manual",
            Self::RefundOwed => "refund:owed",
            Self::DisputeHeld => "dispute:held",
            Self::TaxPayable => "tax:payable",
            Self::RevenueShare => "revenue:share",
            Self::ExpenseProcessing => "expense:processing",
            Self::ExpenseRefunds => "expense:refunds",
            Self::ExpensePromotion => "expense:promotion",
            Self::ExpenseDisputes => "expense:disputes",
            Self::LossDisputes => "loss:disputes",
            Self::LossBadDebt => "loss:baddebt",
            Self::Rounding => "rounding",
            Self::Suspense => "suspense",
            Self::ConnectedBalance => "connected:balance",
            Self::ConnectedPaidOut => "connected:paid_out",
            Self::ConnectedFunded => "connected:funded",
        }
    }

    /// 1 where debits raise the balance, −1 where credits do.
    pub(super) fn normal(self) -> i64 {
        match self {
            Self::SellerHeld
            | Self::SellerFrozen
            | Self::SellerAvailable
            | Self::TransitTransfer
            | Self::TransitRefund
            | Self::TransitManual
            | Self::RefundOwed
            | Self::TaxPayable
            | Self::RevenueShare
            | Self::ConnectedFunded => -1,
            _ => 1,
        }
    }

    pub(super) fn floor(self) -> Option<i64> {
        let floored = matches!(
            self,
            Self::SellerHeld
                | Self::SellerFrozen
                | Self::SellerAvailable
                | Self::SellerReceivable
                | Self::TransitTransfer
                | Self::TransitRefund
                | Self::TransitManual
                | Self::RefundOwed
                | Self::DisputeHeld
        );
        floored.then_some(0)
    }
}

/// One line of an entry. The owner is a person, or the provider for the processor's accounts, or nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Which account.
    pub kind: AccountKind,
    /// Whose.
    pub owner: String,
    /// Minor units, debit positive.
    pub amount: i64,
    /// The order line it belongs to.
    pub line: Option<String>,
}

/// A line of an entry.
#[must_use]
pub fn posting(kind: AccountKind, owner: &str, amount: i64, line: Option<&str>) -> Posting {
    Posting {
        kind,
        owner: owner.into(),
        amount,
        line: line.map(Into::into),
    }
}

/// A fact to book.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Names the fact: `sale:{payment}`, `op:{op}:ok`.
    pub key: String,
    /// Its kind, for statements.
    pub kind: &'static str,
    /// What caused it.
    pub source: String,
    /// When it happened, business time.
    pub occurred_ms: i64,
    /// Its lines; those of amount 0 are left out.
    pub postings: Vec<Posting>,
}
