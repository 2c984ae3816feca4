//! Money: integer minor units with a currency. No floats, no decimal type.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The settlement currencies. One at first; the type leaves room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// United States dollar, two decimal places.
    #[serde(rename = "USD")]
    Usd,
}

impl Currency {
    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
        }
    }
}

/// An amount; negative for debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units, cents for USD.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of US cents.
    #[must_use]
    pub fn usd(minor: i64) -> Self {
        Self {
            minor,
            currency: Currency::Usd,
        }
    }

    /// Reads what a person types: `4`, `4.5`, `4.50` or `4,50`.
    ///
    /// # Errors
    /// For anything else, a negative amount, or one over a million.
    pub fn parse_usd(text: &str, place: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid(place, format!("{text:?} is not an amount such as 4.50"));
        let text = text.trim();
        let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 7 || part.len() > 2 || !digits(whole) || !digits(part)
        {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let part: i64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
        if whole > 1_000_000 {
            return Err(wrong());
        }
        Ok(Self::usd(whole * 100 + part))
    }
}

impl fmt::Display for Money {
    /// The neutral form for logs and exports, `4.50 USD`; pages format by language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", decimal(self.minor), self.currency.code())
    }
}

/// An amount with two decimals and no currency, for programs and exports: `-4.50`.
#[must_use]
pub fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let absolute = minor.unsigned_abs();
    format!("{sign}{}.{:02}", absolute / 100, absolute % 100)
}

/// The platform's share of a price: `(price × basis points + 5000) / 10000`.
#[must_use]
pub fn share(price_minor: i64, basis_points: i64) -> i64 {
    let share = (i128::from(price_minor) * i128::from(basis_points) + 5000) / 10_000;
    // A share of at most 100% of an i64 fits an i64.
    i64::try_from(share).unwrap_or(price_minor)
}

/// What the platform takes of a line: a rate and a fixed part. Both are copied onto the line when it is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeSchedule {
    /// The rate, 0 to 10,000.
    pub basis_points: i64,
    /// The fixed part, in minor units.
    pub fixed_minor: i64,
}

impl FeeSchedule {
    /// Makes a schedule.
    ///
    /// # Errors
    /// `Kind::Invalid` for a rate outside 0 to 10,000 or a negative fixed part.
    pub fn new(basis_points: i64, fixed_minor: i64) -> Result<Self, Error> {
        if !(0..=10_000).contains(&basis_points) {
            return Err(Error::invalid(
                "fee.basis_points",
                format!("is {basis_points}, 0 to 10,000 belong"),
            ));
        }
        if fixed_minor < 0 {
            return Err(Error::invalid("fee.fixed_minor", "is negative"));
        }
        Ok(Self {
            basis_points,
            fixed_minor,
        })
    }

    /// The platform's part of a price: never more than the price, and nothing of what is free. The payee gets the rest.
    #[must_use]
    pub fn share(self, price_minor: i64) -> i64 {
        if price_minor <= 0 {
            return 0;
        }
        let share = share(price_minor, self.basis_points).saturating_add(self.fixed_minor);
        share.min(price_minor)
    }
}

/// What has gone back of each part once `refunded` of the line's total was refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundSplit {
    /// Of the tax.
    pub tax: i64,
    /// Of the payee's part.
    pub payee: i64,
    /// Of the platform's share.
    pub share: i64,
}

/// Splits a running refund by nested floors, so that no part ever shrinks as `refunded` grows.
///
/// `t = R·tax/T; r = R − t; p = r·payee/(payee + share); s = r − p`. Callers post the difference to what is posted.
#[must_use]
pub fn refund_split(refunded: i64, tax: i64, payee: i64, share: i64) -> RefundSplit {
    let (total, net) = (
        i128::from(tax) + i128::from(payee) + i128::from(share),
        i128::from(payee) + i128::from(share),
    );
    let refunded = i128::from(refunded);
    let tax_part = if total == 0 {
        0
    } else {
        refunded * i128::from(tax) / total
    };
    let rest = refunded - tax_part;
    let payee_part = if net == 0 {
        0
    } else {
        rest * i128::from(payee) / net
    };
    // Each part is at most the refunded amount, which came from an i64.
    let narrow = |value: i128| i64::try_from(value).unwrap_or(0);
    RefundSplit {
        tax: narrow(tax_part),
        payee: narrow(payee_part),
        share: narrow(rest - payee_part),
    }
}
