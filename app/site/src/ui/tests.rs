//! Contrast of the colour tokens (WCAG 2.2: 4.5:1 for text, 3:1 for controls), read from the style itself; and fields of several lines.

use super::pieces::TextArea;
use leptos::prelude::*;
use std::collections::HashMap;

const TOKENS: &str = include_str!("../../style/tokens.css");

/// Token to its light and dark colour.
fn colours() -> HashMap<String, [[f64; 3]; 2]> {
    let pairs = TOKENS.lines().filter_map(|line| {
        let (name, rest) = line
            .trim()
            .strip_prefix("--")?
            .split_once(": light-dark(")?;
        let mut colours = rest.trim_end_matches(");").split(", ").map(parse);
        Some((name.to_owned(), [colours.next()?, colours.next()?]))
    });
    pairs.collect()
}

fn parse(hex: &str) -> [f64; 3] {
    let part = |at: usize| {
        let value =
            f64::from(u8::from_str_radix(&hex[1 + at * 2..3 + at * 2], 16).expect("hex digits"))
                / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    [part(0), part(1), part(2)]
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    let (a, b) = (luminance(a), luminance(b));
    a.max(b) / a.min(b)
}

#[test]
fn texts_and_controls_stand_out_in_both_themes() {
    let colours = colours();
    let grounds = ["paper", "surface", "sunken", "hint"];
    let above = |text: &str, ground: &str, least: f64| {
        for (theme, name) in ["light", "dark"].into_iter().enumerate() {
            let found = contrast(colours[text][theme], colours[ground][theme]);
            assert!(
                found >= least,
                "{name}: {text} on {ground} is {found:.2}, less than {least}"
            );
        }
    };
    for ground in grounds {
        for text in ["ink", "quiet", "seal", "good", "bad"] {
            above(text, ground, 4.5);
        }
    }
    for (text, ground) in [
        ("paper", "ink"),
        ("mat-ink", "mat"),
        ("mat-quiet", "mat"),
        ("ink", "seal-soft"),
        ("bad", "bad-soft"),
    ] {
        above(text, ground, 4.5);
    }
    for ground in ["paper", "surface"] {
        above("control", ground, 3.0);
    }
}

/// What a browser takes for the text of the only field of several lines in a page.
fn text_of_field(html: &str) -> String {
    let (_, rest) = html.split_once("<textarea").expect("a field");
    let (_, rest) = rest.split_once('>').expect("its start");
    let (text, after) = rest.split_once("</textarea>").expect("its end");
    assert_eq!(
        after, "",
        "nothing of the text stands behind the field: {html}"
    );
    // The parser drops one line end behind the tag, and reads entities.
    let text = text.strip_prefix('\n').unwrap_or(text);
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn a_field_of_several_lines_gives_back_what_was_typed() {
    for typed in [
        "",
        "two\nlines",
        "\n\nleading line ends",
        "</textarea><svg onload=alert(3)>",
        "a &lt; b &amp;amp; c & d",
        "<!-- not a comment --> {slot}",
    ] {
        let html = Owner::new().with(|| {
            view! { <TextArea id="text" name="text" rows=3 value=typed.to_owned()/> }.to_html()
        });
        assert_eq!(text_of_field(&html), typed);
        assert!(!html.contains("<svg"), "{html}");
    }
}
