//! What helps somebody on: suggestions, corrections, marks, what to drop, what is alike, and what is no word.
//!
//! The one rule: whatever is offered finds something.

use crate::catalogue::{Shop, asking, documents};
use schema::listing::Category;
use search::{Answer, Direct, Filter, Filters, Language, Print, Relaxed, Sort, Suggestion};
use std::sync::LazyLock;

static SHOP: LazyLock<Shop> = LazyLock::new(Shop::open);

fn answer(query: &str, filters: Filters) -> Answer {
    SHOP.reader()
        .search(&asking(query, filters, Sort::Relevance))
}

#[test]
fn what_is_mistyped_is_found_and_put_right() {
    for (typed, right) in [
        ("pnada", "panda"),
        ("rockt mail", "rocket mail"),
        ("kürbsi", "Kürbis"),
        ("Einhron", "Einhorn"),
    ] {
        let correction = answer(typed, Filters::default())
            .correction
            .unwrap_or_else(|| panic!("{typed} is not put right"));
        assert_eq!(correction.query.to_lowercase(), right.to_lowercase());
    }
    assert_eq!(answer("rocket", Filters::default()).correction, None);
    // What would find nothing either is not offered.
    assert_eq!(
        answer("Einhron sticker", Filters::default()).correction,
        None
    );
    // Four letters are too few to look for something else, but not to ask.
    let piza = answer("piza", Filters::default());
    let correction = piza.correction.expect("a guess");
    assert_eq!(
        (piza.total, &*correction.query, correction.applied),
        (0, "pizza", false)
    );
}

#[test]
fn marks_stand_where_the_words_fit() {
    let marked = |query: &str, text: &str| {
        let ranges = answer(query, Filters::default()).highlighter.ranges(text);
        ranges
            .into_iter()
            .map(|range| text[range].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(marked("cat", "Cool cats"), ["cats"]);
    assert_eq!(marked("Katze", "Cool cats"), ["cats"]);
    assert_eq!(marked("猫", "猫咪日常"), ["猫咪"]);
    assert_eq!(marked("貓", "小猫打盹"), ["小猫"]);
    assert_eq!(marked("pnada", "a panda, a dog"), ["panda"]);
    assert_eq!(marked("Wal", "Ein Blauwal taucht"), ["Blauwal"]);
    assert_eq!(marked("ｃａｆé", "Café au lait"), ["Café"]);
    assert_eq!(marked("", "Cool cats"), Vec::<String>::new());
    assert_eq!(marked("animal", "A whale & a car"), ["whale"]);
}

#[test]
fn a_snippet_shows_what_fits_and_is_no_longer_than_asked() {
    let text = format!(
        "{}The pumpkin glows at night. {}",
        "Nothing to see. ".repeat(30),
        "More of the same. ".repeat(30)
    );
    let range = answer("pumpkin", Filters::default())
        .highlighter
        .snippet(&text, 80);
    let piece = &text[range];
    assert!(
        piece.contains("pumpkin") && piece.chars().count() <= 80,
        "{piece}"
    );
    assert_eq!(
        answer("pumpkin", Filters::default())
            .highlighter
            .snippet("short", 80),
        0..5
    );
}

#[test]
fn an_empty_answer_names_the_filter_and_the_word_to_drop() {
    let filters = Filters {
        categories: vec![Category::Food],
        languages: vec![Language::German],
        ..Filters::default()
    };
    let empty = answer("pizza", filters);
    assert_eq!(empty.total, 0);
    let language = empty
        .relaxations
        .iter()
        .find(|it| it.without == Relaxed::Filter(Filter::Languages))
        .expect("the language");
    assert_eq!(language.count, 1);
    assert!(
        !empty
            .relaxations
            .iter()
            .any(|it| it.without == Relaxed::Filter(Filter::Categories))
    );
    let empty = answer("rocket panda", Filters::default());
    let words: Vec<&Relaxed> = empty.relaxations.iter().map(|it| &it.without).collect();
    assert!(
        words.contains(&&Relaxed::Word("rocket".into()))
            && words.contains(&&Relaxed::Word("panda".into())),
        "{words:?}"
    );
    assert!(answer("pizza", Filters::default()).relaxations.is_empty());
}

#[test]
fn suggestions_are_of_every_kind_in_the_language_of_the_reader() {
    let reader = SHOP.reader();
    let german = reader.suggest("kat", Language::German, 8);
    assert!(
        german
            .iter()
            .any(|it| matches!(it, Suggestion::Concept { name, .. } if name == "Katze")),
        "{german:?}"
    );
    assert!(
        german
            .iter()
            .any(|it| matches!(it, Suggestion::Tag { tag, .. } if tag == "katze")),
        "{german:?}"
    );
    assert!(
        german.iter().any(
            |it| matches!(it, Suggestion::Listing { title, .. } if title == "Katzenaufkleber")
        ),
        "{german:?}"
    );
    let creator = reader.suggest("mira", Language::English, 8);
    assert!(
        creator.iter().any(
            |it| matches!(it, Suggestion::Creator { handle, count: 14 } if handle == "mira-makes")
        ),
        "{creator:?}"
    );
    let shelf = reader.suggest("stick", Language::English, 8);
    assert_eq!(
        shelf.first(),
        Some(&Suggestion::Category(Category::Stickers)),
        "{shelf:?}"
    );
    let chinese = reader.suggest("猫", Language::Chinese, 8);
    assert!(
        chinese
            .iter()
            .any(|it| matches!(it, Suggestion::Concept { .. })),
        "{chinese:?}"
    );
    for limit in 0..9 {
        assert!(reader.suggest("s", Language::English, limit).len() <= limit);
    }
    assert!(reader.suggest("", Language::English, 8).is_empty());
    assert!(
        reader
            .suggest(&"x".repeat(201), Language::English, 8)
            .is_empty()
    );
}

#[test]
fn digests_places_in_the_log_and_handles_lead_to_what_they_name() {
    let rocket = documents()
        .into_iter()
        .find(|document| document.title == "Rocket mail")
        .expect("a rocket");
    let index = rocket.log_index.expect("an index");
    for (typed, direct) in [
        (
            rocket.leaf_hash.clone(),
            Direct::Leaf(rocket.leaf_hash.clone()),
        ),
        (
            rocket.leaf_hash.to_uppercase(),
            Direct::Leaf(rocket.leaf_hash.clone()),
        ),
        (
            rocket.leaf_hash[..16].to_owned(),
            Direct::Leaf(rocket.leaf_hash.clone()),
        ),
        (
            format!("blake3:{}", rocket.pixel_digests[0]),
            Direct::Pixels(rocket.pixel_digests[0].clone()),
        ),
        (
            rocket.pixel_digests[0].clone(),
            Direct::Pixels(rocket.pixel_digests[0].clone()),
        ),
        (format!("#{index}"), Direct::LogIndex(index)),
        (index.to_string(), Direct::LogIndex(index)),
    ] {
        let found = answer(&typed, Filters::default());
        assert_eq!(found.direct, Some(direct), "{typed}");
        assert_eq!(found.ids, std::slice::from_ref(&rocket.id), "{typed}");
    }
    let model = answer(&rocket.model, Filters::default());
    assert_eq!(model.direct, Some(Direct::Model(rocket.model.clone())));
    assert_eq!(model.total, 59);
    let creator = answer("@Mira-Makes", Filters::default());
    assert_eq!(
        (creator.direct, creator.total),
        (Some(Direct::Creator("mira-makes".into())), 14)
    );
    let unknown = answer(&"0".repeat(64), Filters::default());
    assert_eq!((unknown.direct, unknown.total), (None, 0));
}

#[test]
fn what_is_alike_shows_the_same_things_and_never_itself() {
    let reader = SHOP.reader();
    let like = |title: &str| {
        reader
            .similar(&SHOP.id(title), 5)
            .iter()
            .map(|id| SHOP.title(id))
            .collect::<Vec<_>>()
    };
    let cats = like("Cool cats");
    assert!(
        cats.iter()
            .take(3)
            .any(|title| ["Katzenaufkleber", "猫咪日常", "Zwei Freunde"].contains(&&**title)),
        "{cats:?}"
    );
    assert!(!cats.contains(&"Cool cats".to_owned()));
    assert!(
        like("中国龙").contains(&"Dragon hatchery".to_owned()),
        "{:?}",
        like("中国龙")
    );
    assert!(reader.similar(&crate::catalogue::id(999), 5).is_empty());
}

#[test]
fn a_picture_leads_to_its_listing_and_a_near_one_too() {
    let reader = SHOP.reader();
    let cats = documents()
        .into_iter()
        .find(|document| document.title == "Cool cats")
        .expect("cats");
    let hits = reader.by_picture(&[], &cats.pixel_digests, 5);
    assert_eq!(hits.len(), 1);
    assert!(hits[0].exact && hits[0].id == cats.id);
    let near = Print {
        shape: cats.prints[0].shape ^ 0b1011,
        colour: cats.prints[0].colour,
    };
    let hits = reader.by_picture(&[near], &[], 5);
    assert_eq!(
        (hits[0].id.clone(), hits[0].exact, hits[0].distance),
        (cats.id.clone(), false, 3)
    );
    let other = Print {
        shape: !cats.prints[0].shape,
        colour: !cats.prints[0].colour,
    };
    assert!(
        reader
            .by_picture(&[other], &["00".repeat(32)], 5)
            .is_empty()
    );
}
