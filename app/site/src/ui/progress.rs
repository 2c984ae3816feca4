//! How far something is that is made, in words, and the same for the piece of a page that asks again and again.
//!
//! The one rule: what waits says what for; nothing is told of time that was not measured.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use base::lang::Lang;
use market::machines::Stands;

/// A minute and a half is told in seconds.
const SECONDS: i64 = 90;

/// One line about something of so many steps.
#[must_use]
pub fn line(lang: Lang, stands: Option<&Stands>, step: i64, steps: i64) -> String {
    let timed = |seconds_text: &str, minutes_text: &str, seconds: i64| {
        let (id, count) = match seconds {
            ..=SECONDS => (seconds_text, seconds),
            _ => (minutes_text, (seconds + 59) / 60),
        };
        let arguments = [
            ("count", count.into()),
            ("step", step.into()),
            ("steps", steps.into()),
        ];
        lang.with(id, &arguments)
    };
    match stands {
        Some(Stands::Away { model }) => {
            lang.with("progress-away", &[("model", model.clone().into())])
        }
        Some(Stands::Waits { about_s: None }) => lang.text("progress-waits"),
        Some(Stands::Waits {
            about_s: Some(seconds),
        }) => timed("progress-waits-seconds", "progress-waits-minutes", *seconds),
        // What is late is told without a time.
        Some(Stands::Made {
            left_s: Some(seconds @ 1..),
        }) => timed("progress-left-seconds", "progress-left-minutes", *seconds),
        Some(Stands::Made { .. }) | None => lang.with(
            "progress-step",
            &[("step", step.into()), ("steps", steps.into())],
        ),
    }
}

/// What the page's piece asks for; a page that is told that it is done is loaded again.
#[must_use]
pub fn answer(line: String, step: i64, steps: i64, done: bool) -> Response {
    let told = serde_json::json!({ "line": line, "step": step, "steps": steps, "done": done });
    Json(told).into_response()
}

#[cfg(test)]
mod tests {
    use super::line;
    use base::lang::Lang;
    use market::machines::Stands;

    #[test]
    fn what_waits_says_what_for_and_what_is_made_how_long_it_takes() {
        let told = |stands: Stands| line(Lang::En, Some(&stands), 7, 30);
        let away = Stands::Away {
            model: "Big 1.0".into(),
        };
        assert!(told(away).contains("Big 1.0"));
        let made = |left_s| told(Stands::Made { left_s });
        assert_eq!(made(Some(20)), "Step 7 of 30, about 20 s left");
        assert_eq!(made(Some(150)), "Step 7 of 30, about 3 min left");
        assert_eq!(made(Some(0)), "Step 7 of 30");
        assert_eq!(made(None), "Step 7 of 30");
        let waits = |about_s| told(Stands::Waits { about_s });
        assert_eq!(waits(Some(61)), "Waits its turn, done in about 61 s");
        assert_eq!(waits(None), "Waits its turn");
    }
}
