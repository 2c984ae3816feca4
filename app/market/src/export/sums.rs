//! What a group of postings means to an accountant.
//!
//! The one rule: every figure is a sum of postings, so that an export can be re-derived and never says what was not booked.

use crate::export::store::Sum;

/// Sums of some lines, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Lines that were sold.
    pub(super) sold: i64,
    /// What buyers paid for their lines, without tax; what a coupon of the platform took off is counted as paid.
    pub(super) gross: i64,
    /// What the platform kept, less what it gave back with refunds.
    pub(super) fees: i64,
    /// What of the price went back to buyers.
    pub(super) refunds: i64,
    /// … of which the platform bore this much in the creator's stead.
    pub(super) refunds_borne: i64,
    /// What was sent to the creator's account, or by hand.
    pub(super) transferred: i64,
    /// What reached the creator's bank.
    pub(super) paid: i64,
    /// What tax was taken of.
    pub(super) taxable: i64,
    /// Tax as it was taken, and what of it went back.
    pub(super) tax_taken: i64,
    pub(super) tax_back: i64,
}

/// Kinds of entries by which a line's money goes back to its buyer, or does not after all.
fn goes_back(kind: &str) -> bool {
    matches!(
        kind,
        "refund planned" | "refund rejected" | "refund free" | "dispute lost"
    )
}

impl Sums {
    /// Tax that the platform collected and owes.
    #[must_use]
    pub(super) fn tax(&self) -> i64 {
        self.tax_taken - self.tax_back
    }

    /// What is the creator's: gross less fees and refunds, with what the platform bore.
    #[must_use]
    pub(super) fn net(&self) -> i64 {
        self.gross - self.fees - self.refunds + self.refunds_borne
    }

    /// Adds one group of postings of order lines.
    pub(super) fn add(&mut self, sum: &Sum) {
        let credit = -sum.amount;
        match (sum.account.as_str(), sum.kind.as_str()) {
            ("seller:held", "sale") => {
                self.gross += credit;
                self.taxable += credit;
                self.sold += 1;
            }
            ("revenue:share", "sale") => {
                self.gross += credit;
                self.taxable += credit;
                self.fees += credit;
            }
            ("revenue:share", _) => self.fees += credit,
            ("tax:payable", kind) => {
                // What goes back to a buyer holds the tax; these columns are the price's part.
                if goes_back(kind) {
                    self.refunds += credit;
                    self.taxable -= credit;
                    self.tax_back -= credit;
                } else {
                    self.tax_taken += credit;
                }
            }
            ("transit:refund" | "dispute:held", kind) if goes_back(kind) => {
                self.refunds += credit;
                self.taxable -= credit;
            }
            ("expense:promotion", kind) if goes_back(kind) => self.refunds += credit,
            // A discount of ours lowers what tax is taken of.
            ("expense:promotion", "sale") => self.taxable += credit,
            ("expense:refunds", _) => self.refunds_borne += sum.amount,
            ("connected:balance", "transfer ok" | "reversal ok") => {
                self.transferred += sum.amount;
            }
            ("bank:operating", _) => self.transferred += credit,
            _ => {}
        }
    }

    /// Adds what reached a creator's bank: it belongs to no line.
    pub(super) fn add_paid(&mut self, sum: &Sum) {
        self.paid += match sum.account.as_str() {
            // By hand, from our own bank account.
            "bank:operating" => -sum.amount,
            _ => sum.amount,
        };
    }
}
