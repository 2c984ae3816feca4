//! Tax on top of a price, as a buyer reads it before anybody knows where they live.
//!
//! The one rule: what is shown is worked out line by line as the payment will be, and the payment has the last word.

/// Standard rates of value added tax in the European Union, in basis points: electronically supplied services are taxed where the buyer
/// lives, by the standard rate (Council Directive 2006/112/EC, articles 58 and 96; rates as of 2026).
pub const EUROPEAN_UNION: &[Taxed] = &[
    taxed("AT", 2000),
    taxed("BE", 2100),
    taxed("BG", 2000),
    taxed("CY", 1900),
    taxed("CZ", 2100),
    taxed("DE", 1900),
    taxed("DK", 2500),
    taxed("EE", 2400),
    taxed("ES", 2100),
    taxed("FI", 2550),
    taxed("FR", 2000),
    taxed("GR", 2400),
    taxed("HR", 2500),
    taxed("HU", 2700),
    taxed("IE", 2300),
    taxed("IT", 2200),
    taxed("LT", 2100),
    taxed("LU", 1700),
    taxed("LV", 2100),
    taxed("MT", 1800),
    taxed("NL", 2100),
    taxed("PL", 2300),
    taxed("PT", 2300),
    taxed("RO", 2100),
    taxed("SE", 2500),
    taxed("SI", 2200),
    taxed("SK", 2300),
];

/// A country whose buyers pay tax on top of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taxed {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// 1,900 is 19%.
    pub basis_points: i64,
}

/// One entry of a table of rates.
#[must_use]
pub const fn taxed(country: &'static str, basis_points: i64) -> Taxed {
    Taxed {
        country,
        basis_points,
    }
}

/// The entry of a country, if its buyers pay tax.
#[must_use]
pub fn find(rates: &[Taxed], country: &str) -> Option<Taxed> {
    rates.iter().find(|rate| rate.country == country).copied()
}

impl Taxed {
    /// The tax on one line's price, in minor units, rounded to the nearest.
    #[must_use]
    pub const fn on(self, price_minor: i64) -> i64 {
        (price_minor * self.basis_points + 5000) / 10_000
    }

    /// The price with its tax.
    #[must_use]
    pub const fn gross(self, price_minor: i64) -> i64 {
        price_minor + self.on(price_minor)
    }

    /// The highest price whose [`Self::gross`] is not above `gross_minor`.
    #[must_use]
    pub const fn net(self, gross_minor: i64) -> i64 {
        // One more than exact division gives may still round down to it.
        let mut price = gross_minor.saturating_mul(10_000) / (10_000 + self.basis_points) + 1;
        while self.gross(price) > gross_minor {
            price -= 1;
        }
        price
    }
}

#[cfg(test)]
mod tests {
    use super::{EUROPEAN_UNION, find};

    #[test]
    fn a_price_with_tax_and_back_is_the_same_price() {
        for rate in EUROPEAN_UNION {
            for price in (0..3_000).chain([99_999, 1_000_000]) {
                assert_eq!(rate.net(rate.gross(price)), price, "{}", rate.country);
                assert!(rate.gross(rate.net(price)) <= price, "{}", rate.country);
                assert!(rate.gross(rate.net(price) + 1) > price, "{}", rate.country);
            }
        }
    }

    #[test]
    fn every_member_state_stands_once_and_in_order() {
        assert_eq!(EUROPEAN_UNION.len(), 27);
        assert!(EUROPEAN_UNION.is_sorted_by(|a, b| a.country < b.country));
        assert_eq!(find(EUROPEAN_UNION, "US"), None);
    }
}
