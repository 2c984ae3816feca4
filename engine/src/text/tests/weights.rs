//! The grammar of weights.

use crate::error::ErrorKind;
use crate::text::weights::{MAX_DEPTH, Run, parse};
use proptest::prelude::*;
use schema::template::MAX_PROMPT_BYTES;
use std::time::{Duration, Instant};

fn runs(prompt: &str) -> Vec<(String, f64)> {
    let runs = parse(prompt).unwrap().into_iter();
    runs.map(|run| (run.text, run.weight)).collect()
}

fn check(prompt: &str, expected: &[(&str, f64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(text, weight)| ((*text).to_owned(), *weight))
        .collect();
    assert_eq!(runs(prompt), expected, "{prompt}");
}

fn refusal(prompt: &str) -> String {
    let error = parse(prompt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOffered, "{prompt}");
    error.to_string()
}

#[test]
fn brackets_weigh() {
    check("plain text", &[("plain text", 1.0)]);
    check("a (cat) b", &[("a ", 1.0), ("cat", 1.1), (" b", 1.0)]);
    check("((cat))", &[("cat", 1.1 * 1.1)]);
    check("[cat]", &[("cat", 1.0 / 1.1)]);
    check("(cat:1.5)", &[("cat", 1.5)]);
    check("(cat : .5 )dog", &[("cat ", 0.5), ("dog", 1.0)]);
    check("(cat:-1)(dog:+2)", &[("cat", -1.0), ("dog", 2.0)]);
    check("(a (b:2) c:3)", &[("a ", 3.0), ("b", 6.0), (" c", 3.0)]);
    check("([on])", &[("on", 1.0 / 1.1 * 1.1)]);
    check("", &[("", 1.0)]);
    check("()[]((:2))", &[("", 1.0)]);
}

#[test]
fn products_are_rounded_as_the_web_ui_rounds_them() {
    check(
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        &[
            ("a ", 1.0),
            ("house", 1.573_000_000_000_000_4),
            (" ", 1.1),
            ("on", 1.0),
            (" a ", 1.1),
            ("hill", 0.55),
            (", sun, ", 1.1),
            ("sky", 1.464_100_000_000_000_6),
            (".", 1.1),
        ],
    );
}

#[test]
fn equal_neighbours_are_one_text() {
    check("(needless)(brackets)", &[("needlessbrackets", 1.1)]);
    check("(a:1)b", &[("ab", 1.0)]);
}

#[test]
fn brackets_without_partners_count_to_the_end_or_are_text() {
    check("(open", &[("open", 1.1)]);
    check(
        "a [b (c",
        &[("a ", 1.0), ("b ", 1.0 / 1.1), ("c", 1.1 * (1.0 / 1.1))],
    );
    check("shut) and]", &[("shut) and]", 1.0)]);
    check("smile :) 12:30)", &[("smile :) 12:30)", 1.0)]);
    check("(time: noon)", &[("time: noon", 1.1)]);
    check(
        "(a [b) c]",
        &[("a ", 1.1), ("b", 1.1 * (1.0 / 1.1)), (" c", 1.0 / 1.1)],
    );
}

#[test]
fn a_backslash_makes_a_bracket_text() {
    check(r"\(a\) \[b\]", &[("(a) [b]", 1.0)]);
    check(r"(cat \(animal\):1.2)", &[("cat (animal)", 1.2)]);
    check(r"\\(a)", &[("\\", 1.0), ("a", 1.1)]);
    check(r"a\b \", &[(r"a\b \", 1.0)]);
    check(r"\[a|b\] \[a:b:.5\]", &[("[a|b] [a:b:.5]", 1.0)]);
}

#[test]
fn other_syntax_is_refused_by_its_name() {
    for (prompt, name) in [
        ("a cat AND a dog", "the keyword AND"),
        ("a cat BREAK a dog", "the keyword BREAK"),
        ("(BREAK)", "the keyword BREAK"),
        ("a [cat:dog:.5]", "prompt editing ([cat:dog:.5])"),
        ("[dog:10]", "prompt editing ([dog:10])"),
        ("[dog::10]", "prompt editing ([dog::10])"),
        ("[(dog:1.2): 0.5 ]", "prompt editing ([(dog:1.2): 0.5 ])"),
        ("[cat|dog]", "alternating words ([cat|dog])"),
        ("[a (b) | c]", "alternating words ([a (b) | c])"),
        ("a <lora:name:0.8>", "<lora:…>"),
        ("<hypernet:x>", "<hypernet:…>"),
        ("(x:1999)", "the weight 1999"),
    ] {
        let message = refusal(prompt);
        assert!(message.contains(name), "{message}");
        assert!(message.contains("not offered"), "{message}");
    }
    assert_eq!(
        refusal("one AND two"),
        "the prompt has the keyword AND which is not offered: write it small for the word"
    );
}

#[test]
fn what_only_resembles_it_is_text() {
    for prompt in [
        "BRAND SANDALS",
        "AND_ _BREAK ÄAND",
        "I <3 you",
        "a < b: c",
        "<b>",
        "<:>",
        "a|b",
        "<lora:",
        "<a:>",
        "1:2",
    ] {
        check(prompt, &[(prompt, 1.0)]);
    }
    check("[a:b]", &[("a:b", 1.0 / 1.1)]);
    check("[(a|b)]", &[("a|b", 1.1 * (1.0 / 1.1))]);
}

#[test]
fn a_weight_that_is_no_number_is_refused() {
    for prompt in ["(x:1.2.3)", "(x:.)", "(x:-.)"] {
        let error = parse(prompt).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{prompt}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1)).contains("more than 32 open brackets"));
    let error = parse(&"a".repeat(MAX_PROMPT_BYTES + 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
}

#[test]
fn hostile_prompts_take_little_time() {
    let nested = format!("{}{}", "(".repeat(MAX_DEPTH - 1), "(a)b".repeat(3000));
    let mut prompts = vec![nested];
    for part in [
        "(a)", "[a]", ":", ": ", "(:1", "<a:", "<", "\\", ")", "]", "AN", "(a:1.1)", "[a:", ":1 ",
        "[]",
    ] {
        let shut = "x".repeat(usize::from(part.starts_with(['(', '[']) && part.len() < 3));
        prompts.push(format!("{part}{shut}").repeat(MAX_PROMPT_BYTES / (part.len() + shut.len())));
    }
    prompts.push(format!("({}", ":1".repeat(8000)));
    prompts.push(format!("(:{}", " ".repeat(16_000)));
    prompts.push(format!("{}>", "<a:".repeat(5000)));
    for prompt in prompts {
        let started = Instant::now();
        let _parsed = parse(&prompt);
        let taken = started.elapsed();
        let start: String = prompt.chars().take(9).collect();
        assert!(taken < Duration::from_millis(500), "{start} took {taken:?}");
    }
}

proptest! {
    #[test]
    fn text_without_brackets_is_one_run_of_itself(text in r"[^()\[\]\\<A-Z]{0,200}") {
        prop_assert_eq!(parse(&text).unwrap(), [Run { text, weight: 1.0 }]);
    }

    #[test]
    fn escaped_text_comes_back(text in r"[a-z ()\[\]\\:|.0-9猫]{0,200}") {
        let escaped: String = text.chars().flat_map(|it| {
            let escape = r"()[]\".contains(it).then_some('\\');
            escape.into_iter().chain([it])
        }).collect();
        prop_assert_eq!(parse(&escaped).unwrap(), [Run { text, weight: 1.0 }]);
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in any::<String>(), marks in r"[()\[\]:|\\<>A-Da-d .0-9-]{0,300}") {
        for prompt in [text, marks] {
            match parse(&prompt) {
                Ok(runs) => {
                    prop_assert!(!runs.is_empty());
                    prop_assert!(runs.windows(2).all(|pair| pair[0].weight != pair[1].weight));
                    let length: usize = runs.iter().map(|run| run.text.len()).sum();
                    prop_assert!(length <= prompt.len());
                    prop_assert!(runs.iter().all(|run| run.weight.is_finite()));
                }
                Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::NotOffered | ErrorKind::Malformed)),
            }
        }
    }
}
