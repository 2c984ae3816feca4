//! Money: integer minor units with a currency. No floats, no decimal type.

use crate::error::{Error, quoted};
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
        let wrong = || {
            let message = format!("{} is not an amount such as 4.50", quoted(text));
            Error::invalid(place, message).rule("amount", "")
        };
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
    /// `ErrorKind::Invalid` for a rate outside 0 to 10,000 or a negative fixed part.
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

/// What a line's money consists of, or what of it has gone back: buyers paid `payee + share + tax − promotion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Tax, which the platform owes.
    pub tax: i64,
    /// The payee's part.
    pub payee: i64,
    /// The platform's share.
    pub share: i64,
    /// What of both the platform paid in the buyer's stead.
    pub promotion: i64,
}

impl Parts {
    /// What the buyer paid.
    #[must_use]
    pub fn cash(self) -> i64 {
        self.payee + self.share + self.tax - self.promotion
    }

    /// What has gone back of each part once `refunded` of the cash was refunded, by nested floors: no part ever shrinks as `refunded`
    /// grows. Callers post the difference to what is posted.
    ///
    /// `t = R·tax/T; r = R − t; g = r·(payee + share)/(T − tax); p = g·payee/(payee + share); s = g − p; promotion = g − r`.
    #[must_use]
    pub fn refunded(self, refunded: i64) -> Self {
        if refunded >= self.cash() {
            return self;
        }
        let ratio = |value: i64, part: i64, whole: i64| {
            if whole == 0 {
                return 0;
            }
            let floor = i128::from(value) * i128::from(part) / i128::from(whole);
            // A floor of a ratio of at most one, or of a price to what was paid for it: both fit what came from an i64.
            i64::try_from(floor).unwrap_or(i64::MAX)
        };
        let gross = self.payee + self.share;
        let tax = ratio(refunded, self.tax, self.cash());
        let rest = refunded - tax;
        let back = ratio(rest, gross, self.cash() - self.tax);
        let payee = ratio(back, self.payee, gross);
        Self {
            tax,
            payee,
            share: back - payee,
            promotion: back - rest,
        }
    }

    /// What is left of these parts without those.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            tax: self.tax - other.tax,
            payee: self.payee - other.payee,
            share: self.share - other.share,
            promotion: self.promotion - other.promotion,
        }
    }
}

/// Splits an amount by weights, to the last minor unit: largest remainder, ties by position. With no weight at all the first part
/// takes everything.
#[must_use]
pub fn allocate(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole == 0 {
        let mut parts = vec![0; weights.len()];
        if let Some(first) = parts.first_mut() {
            *first = amount;
        }
        return parts;
    }
    let product = |weight: i64| i128::from(amount) * i128::from(weight);
    let mut parts: Vec<i64> = weights
        .iter()
        .map(|weight| i64::try_from(product(*weight) / whole).unwrap_or(0))
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| (-(product(weights[*index]) % whole), *index));
    let missing = amount - parts.iter().sum::<i64>();
    for index in order
        .into_iter()
        .take(usize::try_from(missing).unwrap_or(0))
    {
        parts[index] += 1;
    }
    parts
}
