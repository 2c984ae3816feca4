//! A creator's balances over time, as a picture: what is held, what is on its way, what arrived, one above the other.
//!
//! The one rule: every point is a sum of postings up to the end of that day, so that the last one is the page's own balances.

use base::clock::DAY_MS;
use base::lang::Lang;
use leptos::prelude::*;
use money::books::service::Day;

const WIDTH: i64 = 640;
const HEIGHT: i64 = 140;
/// Days shown at most.
pub(super) const DAYS: i64 = 180;

/// What stands above what, from the bottom.
const BANDS: [&str; 3] = ["paid", "on-its-way", "held"];

/// Sums at the end of each day from the first movement shown to today, in the order of [`BANDS`].
fn totals(history: &[Day], now_ms: i64) -> Vec<(i64, [i64; 3])> {
    let today = now_ms.div_euclid(DAY_MS);
    let first = history.iter().map(|day| day.day).min().unwrap_or(today);
    let start = first.max(today - DAYS + 1);
    let mut sums = [0; 3];
    let mut add = |day: &Day| {
        let band = match day.account.as_str() {
            "connected:paid_out" | "bank:operating" => 0,
            "seller:held" | "seller:frozen" => 2,
            _ => 1,
        };
        sums[band] += day.amount;
        sums
    };
    let (mut points, mut rest) = (Vec::new(), history.iter().peekable());
    let mut now = [0; 3];
    // A day before the first shows where it began: from nothing, or from what was there already.
    for day in start - 1..=today {
        while let Some(moved) = rest.next_if(|moved| moved.day <= day) {
            now = add(moved);
        }
        points.push((day, now));
    }
    points
}

/// The outline of a band between two lines, in the picture's own units. Money moves at once, so lines run level and then step.
fn outline(points: &[(i64, [i64; 3])], band: usize, most: i64) -> String {
    let last = i64::try_from(points.len()).unwrap_or(2).max(2) - 1;
    let place = |number: usize, height: i64| {
        let x = i64::try_from(number).unwrap_or(0) * WIDTH / last;
        let y = HEIGHT - height.max(0) * HEIGHT / most.max(1);
        format!("{x},{y}")
    };
    let upto = |sums: &[i64; 3], bands: usize| sums[..bands].iter().sum::<i64>();
    let steps = |bands: usize| {
        let heights: Vec<i64> = points.iter().map(|(_, sums)| upto(sums, bands)).collect();
        let mut line = Vec::with_capacity(2 * heights.len());
        for (number, height) in heights.iter().enumerate() {
            if let Some(before) = number.checked_sub(1) {
                line.push(place(number, heights[before]));
            }
            line.push(place(number, *height));
        }
        line
    };
    let mut line = steps(band + 1);
    line.extend(steps(band).into_iter().rev());
    line.join(" ")
}

/// The chart with its legend; nothing before the first sale.
pub(super) fn balances(lang: Lang, history: &[Day], now_ms: i64) -> Option<impl IntoView + use<>> {
    if history.is_empty() {
        return None;
    }
    let points = totals(history, now_ms);
    let most = points
        .iter()
        .map(|(_, sums)| sums.iter().sum::<i64>())
        .max();
    let most = most.unwrap_or(0);
    let bands = BANDS.iter().enumerate().map(|(band, name)| {
        view! { <polygon class=format!("chart__{name}") points=outline(&points, band, most)/> }
    });
    let (first, last) = (points.first()?.0 * DAY_MS, points.last()?.0 * DAY_MS);
    let now = points.last()?.1;
    let legend = BANDS.iter().enumerate().rev().map(|(band, name)| {
        let text = lang.text(&format!("chart-{name}"));
        view! { <li><span class=format!("chart__key chart__{name}") aria-hidden="true"></span>{text} " " <strong>{lang.money(now[band])}</strong></li> }
    });
    let arguments = [
        ("from", lang.date(first).into()),
        ("until", lang.date(last).into()),
        ("most", lang.money(most).into()),
    ];
    let label = lang.with("chart-label", &arguments);
    let caption = label.clone();
    Some(view! {
        <figure class="card chart" id="balance-chart">
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=label>{bands.collect_view()}</svg>
            <figcaption><ul class="chart__legend">{legend.collect_view()}</ul><p class="quiet">{caption}</p></figcaption>
        </figure>
    })
}

#[cfg(test)]
mod tests {
    use super::{Day, outline, totals};
    use base::clock::DAY_MS;

    fn day(day: i64, account: &str, amount: i64) -> Day {
        Day {
            day,
            account: account.into(),
            amount,
        }
    }

    #[test]
    fn money_moves_from_band_to_band_and_the_last_day_is_today() {
        let history = [
            day(10, "seller:held", 850),
            day(12, "seller:held", -850),
            day(12, "seller:available", 850),
            day(13, "seller:available", -850),
            day(13, "connected:paid_out", 850),
        ];
        let points = totals(&history, 14 * DAY_MS + 5);
        let expected = [
            (9, [0, 0, 0]),
            (10, [0, 0, 850]),
            (11, [0, 0, 850]),
            (12, [0, 850, 0]),
            (13, [850, 0, 0]),
            (14, [850, 0, 0]),
        ];
        assert_eq!(points, expected);
        // Half a year on, the picture begins with what was there already.
        let later = totals(&history, 400 * DAY_MS);
        assert_eq!(later.first(), Some(&(220, [850, 0, 0])));
    }

    #[test]
    fn a_band_without_money_has_no_height() {
        let points = totals(&[day(1, "seller:held", 100)], DAY_MS);
        assert_eq!(
            outline(&points, 2, 100),
            "0,140 640,140 640,0 640,140 640,140 0,140"
        );
        assert_eq!(
            outline(&points, 0, 100),
            "0,140 640,140 640,140 640,140 640,140 0,140"
        );
    }
}
