//! What somebody may type who means no good, or slept on the keyboard.
//!
//! The one rule: it costs what any query costs, and ends no program.

use crate::catalogue::{Shop, asking};
use proptest::prelude::*;
use search::{Filters, Language, MAX_PAGE, MAX_QUERY_CHARACTERS, Query, QueryError, Request, Sort};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::open);

#[test]
fn a_query_that_is_too_long_is_refused_and_not_cut() {
    assert_eq!(
        Query::parse(&"x".repeat(MAX_QUERY_CHARACTERS + 1)),
        Err(QueryError::TooLong)
    );
    assert_eq!(
        Query::parse(&"猫".repeat(MAX_QUERY_CHARACTERS + 1)),
        Err(QueryError::TooLong)
    );
    // Each stands for eighteen characters.
    assert_eq!(
        Query::parse(&"\u{fdfa}".repeat(MAX_QUERY_CHARACTERS / 4)),
        Err(QueryError::TooLong)
    );
    assert_eq!(
        Query::parse(&"a ".repeat(17)),
        Err(QueryError::TooManyWords)
    );
    assert!(Query::parse(&"猫".repeat(MAX_QUERY_CHARACTERS)).is_ok());
    assert!(Query::parse(" ").expect("nothing").is_empty());
}

#[test]
fn odd_queries_are_answered_like_any_other() {
    let long = "a".repeat(80);
    let prefixes = (b'a'..b'q')
        .map(|letter| format!("{}{}", letter as char, letter as char))
        .collect::<Vec<_>>()
        .join(" ");
    let hans = "的猫".repeat(100);
    let emoji = "🐱‍👤🇩🇪👩🏽‍🚀".repeat(10);
    let typed = [
        &*long,
        &prefixes,
        &hans,
        &emoji,
        "\0",
        "cat\0",
        "\u{202e}tac",
        "مرحبا بالعالم",
        "שלום",
        "***",
        "\"",
        "a*",
        "title:cat",
        "cat OR dog",
        "#",
        "@",
        "#99999999999999999999999",
        "blake3:",
        "\u{fe0f}",
        "\u{200d}",
        "ﷺ",
        "İ",
        "ß",
        "１２３",
        "-",
        "'",
        "e\u{301}\u{301}\u{301}",
        "ẞẞẞẞẞẞ",
        "katzenkatzenkatzenkatzenkatzenkatzenkatzenkatzenkatzenkatze",
        "qqqqq wwwww eeeee rrrrr ttttt yyyyy uuuuu iiiii",
        "aa",
        "s",
        "的",
    ];
    let shop = &*SHOP;
    for typed in typed {
        let start = Instant::now();
        let query = Query::parse(typed).expect("within bounds");
        let answer = shop.reader().search(&Request {
            query,
            facets: true,
            ..Request::default()
        });
        assert!(shop.reader().suggest(typed, Language::German, 10).len() <= 10);
        let marks = answer.highlighter.ranges(typed);
        assert!(marks.iter().all(|range| typed.get(range.clone()).is_some()));
        assert!(typed.get(answer.highlighter.snippet(typed, 10)).is_some());
        assert!(answer.total <= shop.reader().count());
        // A debug build on a busy machine: what is unbounded takes minutes.
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{typed:?} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn pages_end_where_they_end() {
    let shop = &*SHOP;
    for (page, size, expected) in [
        (0, 24, 0),
        (1, 24, 24),
        (3, 24, 20),
        (4, 24, 0),
        (MAX_PAGE, 24, 0),
        (MAX_PAGE + 1, 24, 0),
        (1, 0, 1),
        (1, usize::MAX, 68),
        (usize::MAX, 1, 0),
    ] {
        let answer = shop.reader().search(&Request {
            page,
            page_size: size,
            ..Request::default()
        });
        assert_eq!(answer.ids.len(), expected, "page {page} of {size}");
        assert_eq!(answer.total, 68);
    }
}

#[test]
fn pages_together_are_the_whole_answer_without_repeats() {
    let shop = &*SHOP;
    for (query, sort) in [
        ("", Sort::Newest),
        ("sticker", Sort::Relevance),
        ("animal", Sort::BestSelling),
        ("", Sort::PriceUp),
    ] {
        let whole = shop.ask(&asking(query, Filters::default(), sort));
        let mut pages = Vec::new();
        for page in 1..20 {
            pages.extend(shop.ask(&Request {
                page,
                page_size: 7,
                ..asking(query, Filters::default(), sort)
            }));
        }
        assert_eq!(pages, whole, "{query:?} {sort:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_query_ends_the_program(typed in "\\PC{0,60}", sort in 0..3_usize) {
        let shop = &*SHOP;
        if let Ok(query) = Query::parse(&typed) {
            let sort = [Sort::Relevance, Sort::Newest, Sort::PriceDown][sort];
            let answer = shop.reader().search(&Request { query, sort, ..Request::default() });
            prop_assert!(answer.ids.len() as u64 <= answer.total);
            for range in answer.highlighter.ranges(&typed) {
                prop_assert!(typed.get(range).is_some());
            }
            prop_assert!(typed.get(answer.highlighter.snippet(&typed, 9)).is_some());
            prop_assert!(shop.reader().suggest(&typed, Language::English, 8).len() <= 8);
        }
    }
}
