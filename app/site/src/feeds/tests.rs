//! Feeds and maps as other programs read them.

use super::{atom, sitemap};
use base::lang::Lang;
use market::browse::service::Mapped;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Names of elements, in order; fails on what is no XML.
fn elements(file: &[u8]) -> Vec<String> {
    let mut reader = Reader::from_reader(file);
    let mut names = Vec::new();
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(element) | Event::Empty(element) => {
                names.push(element.name().as_ref().to_owned());
            }
            Event::Eof => return names,
            _ => {}
        }
    }
}

#[test]
fn a_title_that_looks_like_markup_is_a_title() {
    let card = market::catalog::service::Card {
        id: schema::id::ListingId::parse("018f2c5e-0000-7000-8000-000000000001").expect("an id"),
        slug: "a-b".into(),
        title: "</title><script>&\u{1F60A} 熊猫".into(),
        handle: "mira".into(),
        price_minor: 0,
        sales: 0,
        reproduced: 0,
        published_ms: 1_800_000_000_000,
        blob: "ab".into(),
        width: 1,
        height: 1,
        variables: "{}".into(),
        second_blob: None,
        third_blob: None,
        fourth_blob: None,
        marks: Vec::new(),
    };
    let feed = atom::Feed {
        lang: Lang::De,
        site: "https://shop.example:8443",
        path: "/de/explore.atom?q=%22".into(),
        page: "/de/explore?q=%22".into(),
        title: "Seedmark".into(),
        cards: &[card],
    };
    let file = atom::write(&feed).expect("a feed");
    let names = elements(&file);
    assert_eq!(names.iter().filter(|name| *name == "entry").count(), 1);
    assert!(!names.contains(&"script".to_owned()), "{names:?}");
    let text = String::from_utf8(file).expect("UTF-8");
    assert!(text.contains("tag:shop.example,2026:listing/018f2c5e-0000-7000-8000-000000000001"));
}

#[test]
fn a_map_names_each_page_in_each_language() {
    let mapped = [Mapped {
        slug: "fox".into(),
        published_ms: 1,
        blob: "ab".into(),
    }];
    let names = elements(&sitemap::listings("https://shop.example", &mapped).expect("a map"));
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!(
        (count("url"), count("xhtml:link"), count("image:loc")),
        (1, 3, 1)
    );
    let names = elements(&sitemap::index("https://shop.example", &["0".into()]).expect("a map"));
    assert_eq!(names.iter().filter(|name| *name == "sitemap").count(), 2);
}
