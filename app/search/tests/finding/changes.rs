//! Listings come, change and go; processes end wherever they are.
//!
//! The one rule: what was applied is there after opening again, and what was not is not.

use crate::catalogue::{Shop, asking, documents, id, puts};
use search::{Change, Document, Error, Filters, Index, Query, Rebuild, Request, Sort};
use std::fs;
use std::path::Path;

fn put(document: &Document) -> Change {
    Change::Put(Box::new(document.clone()))
}

fn changed(title: &str, change: impl FnOnce(&mut Document)) -> Change {
    let mut document = documents()
        .into_iter()
        .find(|document| document.title == title)
        .expect(title);
    change(&mut document);
    Change::Put(Box::new(document))
}

/// Every file of a folder, copied as it is.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).expect("copied")),
        }
    }
}

#[test]
fn what_was_applied_is_there_after_opening_again_with_its_cursor() {
    let shop = Shop::open();
    let before = shop.find("sticker");
    let Shop { index, folder, .. } = shop;
    assert_eq!(index.cursor(), "1");
    drop(index);
    let index = Index::open(folder.path()).expect("opens");
    assert_eq!(index.cursor(), "1");
    assert_eq!(index.reader().count(), 68);
    let answer = index
        .reader()
        .search(&asking("sticker", Filters::default(), Sort::Relevance));
    assert_eq!(answer.ids.len(), before.len());
    let applied = index.apply(&puts(), "2").expect("applied");
    assert_eq!(
        (applied.unchanged, applied.written, applied.numbers),
        (68, 0, 0)
    );
    drop(index);
    assert_eq!(Index::open(folder.path()).expect("opens").cursor(), "2");
}

#[test]
fn a_changed_title_is_found_by_the_new_words_only_and_a_removed_listing_by_none() {
    let shop = Shop::open();
    let changes = [
        changed("Cool cats", |document| {
            document.title = "Calm walruses".into()
        }),
        Change::Remove(shop.id("Pizza night")),
    ];
    let applied = shop.index.apply(&changes, "2").expect("applied");
    assert_eq!((applied.written, applied.removed), (1, 1));
    assert_eq!(shop.find("walrus"), ["Cool cats"]);
    assert!(
        !shop
            .find("attitude cool cats")
            .contains(&"Cool cats".to_owned())
            || !shop.find("Cool cats").is_empty()
    );
    assert!(shop.find("pizza").is_empty());
    assert_eq!(shop.reader().count(), 67);
    let facets = shop
        .reader()
        .search(&asking("", Filters::default(), Sort::Newest))
        .facets
        .expect("facets");
    assert_eq!(
        facets
            .categories
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>(),
        67
    );
    assert!(!facets.tags.iter().any(|(tag, _)| tag == "pizza"));
    let Shop { index, folder, .. } = shop;
    drop(index);
    let index = Index::open(folder.path()).expect("opens");
    assert_eq!(index.reader().count(), 67);
}

#[test]
fn numbers_alone_change_orders_and_nothing_else_and_stay_after_opening_again() {
    let shop = Shop::open();
    let words = fs::read_dir(shop.folder.path().join("words"))
        .expect("a folder")
        .count();
    let change = changed("Monday", |document| {
        (document.sales, document.price_minor, document.reproduced) = (9_000, 0, 77)
    });
    let applied = shop.index.apply(&[change], "2").expect("applied");
    assert_eq!((applied.numbers, applied.written), (1, 0));
    assert_eq!(
        fs::read_dir(shop.folder.path().join("words"))
            .expect("a folder")
            .count(),
        words,
        "no file of words was written"
    );
    let check = |shop: &Shop| {
        assert_eq!(
            shop.browse(Filters::default(), Sort::BestSelling)[0],
            "Monday"
        );
        assert_eq!(
            shop.browse(Filters::default(), Sort::MostReproduced)[0],
            "Monday"
        );
        assert!(
            shop.browse(
                Filters {
                    free: true,
                    ..Filters::default()
                },
                Sort::Newest
            )
            .contains(&"Monday".to_owned())
        );
    };
    check(&shop);
    let mut shop = shop;
    let folder = shop.folder.path().to_owned();
    let empty = tempfile::tempdir().expect("a folder");
    shop.index = Index::create(empty.path()).expect("another");
    shop.index = Index::open(&folder).expect("opens");
    check(&shop);
}

#[test]
fn the_last_of_several_changes_of_one_listing_wins() {
    let shop = Shop::open();
    let changes = [
        changed("Monday", |document| document.title = "Tuesday".into()),
        Change::Remove(shop.id("Monday")),
        changed("Monday", |document| document.title = "Wednesday".into()),
        changed("Sushi menu", |document| {
            document.title = "Noodle menu".into()
        }),
        Change::Remove(shop.id("Sushi menu")),
        Change::Remove(id(999)),
    ];
    shop.index.apply(&changes, "2").expect("applied");
    assert!(shop.find("tuesday").is_empty());
    assert_eq!(shop.find("wednesday"), ["Monday"]);
    assert!(!shop.find("noodle").contains(&"Sushi menu".to_owned()));
    assert_eq!(shop.reader().count(), 67);
}

#[test]
fn a_reader_sees_one_state_whatever_happens_meanwhile() {
    let shop = Shop::open();
    let reader = shop.reader();
    let request = Request {
        query: Query::parse("pizza").expect("a query"),
        ..Request::default()
    };
    shop.index
        .apply(&[Change::Remove(shop.id("Pizza night"))], "2")
        .expect("applied");
    assert_eq!(reader.search(&request).total, 1);
    assert_eq!(reader.count(), 68);
    assert_eq!(shop.reader().search(&request).total, 0);
}

#[test]
fn changes_one_by_one_end_as_the_same_changes_at_once() {
    let (at_once, mut one_by_one) = (Shop::open(), Shop::open());
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::create(folder.path()).expect("an index");
    for (number, document) in documents().iter().rev().enumerate() {
        index
            .apply(&[put(document)], &number.to_string())
            .expect("applied");
        if number % 5 == 0 {
            index
                .apply(&[Change::Remove(document.id.clone())], "gone")
                .expect("applied");
            index.apply(&[put(document)], "again").expect("applied");
        }
    }
    one_by_one.index = index;
    for sort in [
        Sort::Newest,
        Sort::PriceUp,
        Sort::PriceDown,
        Sort::BestSelling,
        Sort::Trending,
        Sort::MostReproduced,
    ] {
        assert_eq!(
            one_by_one.browse(Filters::default(), sort),
            at_once.browse(Filters::default(), sort),
            "{sort:?}"
        );
    }
    for query in ["cat", "sticker", "animal", "猫", "sad"] {
        assert_eq!(one_by_one.find(query), at_once.find(query), "{query}");
    }
    one_by_one.index.settle().expect("joined");
    assert_eq!(one_by_one.find("sticker"), at_once.find("sticker"));
}

#[test]
fn a_second_process_is_told_that_the_first_has_it() {
    let shop = Shop::open();
    assert!(matches!(
        Index::open(shop.folder.path()),
        Err(Error::Locked)
    ));
    assert!(matches!(
        Index::create(shop.folder.path()),
        Err(Error::Locked)
    ));
    assert_eq!(shop.find("pizza"), ["Pizza night"]);
}

#[test]
fn what_is_missing_cut_or_of_another_version_is_said_to_be() {
    let shop = Shop::open();
    let whole = shop.folder.path();
    let empty = tempfile::tempdir().expect("a folder");
    let reason = |folder: &Path| match Index::open(folder) {
        Err(Error::Rebuild(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{} opened", folder.display()),
    };
    assert_eq!(reason(&empty.path().join("nothing")), Rebuild::Missing);
    assert_eq!(reason(empty.path()), Rebuild::Missing);
    let mut files: Vec<_> = fs::read_dir(whole.join("words"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    for file in files {
        let name = file.to_string_lossy().into_owned();
        if name.ends_with(".lock") || name == ".managed.json" {
            continue;
        }
        for harm in ["cut", "changed", "gone"] {
            let folder = tempfile::tempdir().expect("a folder");
            copy(whole, folder.path());
            let path = folder.path().join("words").join(&file);
            let mut bytes = fs::read(&path).expect("a file");
            let half = bytes.len() / 2;
            match harm {
                "cut" => bytes.truncate(half),
                _ => bytes[half] ^= 0x55,
            }
            match harm {
                "gone" => fs::remove_file(&path).expect("removed"),
                _ => fs::write(&path, bytes).expect("written"),
            }
            assert!(
                matches!(
                    reason(folder.path()),
                    Rebuild::Damaged(_) | Rebuild::Missing | Rebuild::OtherVersion
                ),
                "{name} {harm}"
            );
            // Whatever it is, it can be begun anew.
            let index = Index::create(folder.path())
                .unwrap_or_else(|error| panic!("{name} {harm}: {error}"));
            index.apply(&puts(), "1").expect("applied");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    copy(whole, folder.path());
    let meta = folder.path().join("words/meta.json");
    let text = fs::read_to_string(&meta).expect("a file");
    assert!(text.contains("\\\"version\\\":1001"), "{text}");
    fs::write(
        &meta,
        text.replace("\\\"version\\\":1001", "\\\"version\\\":1000"),
    )
    .expect("written");
    assert_eq!(reason(folder.path()), Rebuild::OtherVersion);
    fs::write(folder.path().join("numbers-0"), "").expect("written");
    fs::write(&meta, text).expect("written");
    assert!(matches!(reason(folder.path()), Rebuild::Damaged(_)));
}

#[test]
fn a_batch_that_was_cut_off_is_not_there_and_can_be_applied_again() {
    let shop = Shop::open();
    let before = tempfile::tempdir().expect("a folder");
    copy(shop.folder.path(), before.path());
    let change = [changed("Monday", |document| {
        (document.title, document.sales) = ("Tuesday".into(), 5)
    })];
    shop.index.apply(&change, "2").expect("applied");
    // Everything of the batch was written but the description that makes it true.
    let description = fs::read(before.path().join("words/meta.json")).expect("a file");
    let after = tempfile::tempdir().expect("a folder");
    copy(shop.folder.path(), after.path());
    fs::write(after.path().join("words/meta.json"), description).expect("written");
    let index = Index::open(after.path()).expect("opens");
    assert_eq!(index.cursor(), "1");
    let count = |index: &Index, typed: &str| {
        index
            .reader()
            .search(&asking(typed, Filters::default(), Sort::Relevance))
            .total
    };
    assert_eq!((count(&index, "tuesday"), count(&index, "monday")), (0, 1));
    index.apply(&change, "2").expect("applied");
    assert_eq!((count(&index, "tuesday"), count(&index, "monday")), (1, 0));
}

#[test]
fn a_folder_that_cannot_be_written_leaves_what_was_there_and_is_taken_up_later() {
    let shop = Shop::open();
    let (words, away) = (
        shop.folder.path().join("words"),
        shop.folder.path().join("away"),
    );
    fs::rename(&words, &away).expect("moved");
    let change = [changed("Monday", |document| {
        (document.title, document.sales) = ("Tuesday".into(), 5)
    })];
    assert!(matches!(
        shop.index.apply(&change, "2"),
        Err(Error::Write(_))
    ));
    assert_eq!(shop.index.cursor(), "1");
    assert_eq!(shop.find("pizza"), ["Pizza night"]);
    assert!(shop.find("tuesday").is_empty());
    assert!(shop.index.apply(&change, "2").is_err());
    let _ = fs::remove_dir_all(&words);
    fs::rename(&away, &words).expect("moved back");
    shop.index.apply(&change, "2").expect("applied");
    assert_eq!(shop.find("tuesday"), ["Monday"]);
    assert_eq!(shop.reader().count(), 68);
    assert_eq!(shop.index.cursor(), "2");
}
