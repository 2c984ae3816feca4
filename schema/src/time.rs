//! Instants as people and forms write them, in UTC. Everything that is compared, signed or stored is a number instead.

/// (year, month, day, hour, minute) of milliseconds since 1970, proleptic Gregorian. Days to a date: Howard Hinnant,
/// "chrono-compatible low-level date algorithms", `civil_from_days`.
#[must_use]
pub fn civil(ms: i64) -> (i64, usize, i64, i64, i64) {
    let minutes = ms.div_euclid(60_000);
    let days = minutes.div_euclid(1440) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        usize::try_from(month).unwrap_or(1),
        day,
        minutes.rem_euclid(1440) / 60,
        minutes.rem_euclid(60),
    )
}

/// Milliseconds since 1970 at which a year begins. Hinnant's `days_from_civil` for the first of January.
#[must_use]
pub fn year_start_ms(year: i64) -> i64 {
    // January counts as the eleventh month of the year before, so that a leap day is a year's last.
    let shifted = year - 1;
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + 306;
    (era * 146_097 + day_of_era - 719_468) * 86_400_000
}

/// `2026-11-24T23:31:23Z`, of milliseconds since 1970.
#[must_use]
pub fn utc(ms: i64) -> String {
    let (year, month, day, hour, minute) = civil(ms);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
        ms.div_euclid(1000).rem_euclid(60)
    )
}

#[cfg(test)]
mod tests {
    use super::{civil, utc, year_start_ms};

    #[test]
    fn a_year_begins_where_the_one_before_ends() {
        for year in 1901..2201 {
            let start = year_start_ms(year);
            assert_eq!(civil(start), (year, 1, 1, 0, 0));
            assert_eq!(civil(start - 1), (year - 1, 12, 31, 23, 59));
        }
    }

    #[test]
    fn instants_are_written_as_dates_also_around_leap_days() {
        for (seconds, text) in [
            (-1, "1969-12-31T23:59:59Z"),
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds * 1000), text);
        }
    }
}
