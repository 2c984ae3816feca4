//! The order of rooms in `app`: a list from the ground up, and whatever runs against it.
//!
//! The one rule: a room names rooms below it. What it names above, what circles between files, and what reaches past another room's front
//! door into its `store` is a finding with file and line. Tests may name everything.

use std::collections::{BTreeMap, BTreeSet};

/// Rooms from the ground up, each with where its files lie under `app/src`: a folder, or a file. The longest that fits counts.
const ROOMS: &[(&str, &[&str])] = &[
    ("random", &["random.rs"]),
    ("clock", &["clock.rs"]),
    ("compute", &["compute.rs"]),
    ("results", &["results.rs"]),
    ("lang", &["lang.rs"]),
    ("db", &["db/"]),
    ("jobs", &["jobs/"]),
    ("vault", &["vault/"]),
    ("media", &["media/"]),
    ("limits", &["limits/"]),
    ("mail", &["mail/"]),
    ("once", &["once/"]),
    ("books", &["books/"]),
    ("provider", &["provider/"]),
    ("money", &["money.rs"]),
    ("facts", &["facts.rs"]),
    ("log", &["log/"]),
    ("engines", &["engines.rs"]),
    ("catalog", &["catalog/"]),
    ("orders", &["orders/"]),
    ("account", &["account/"]),
    ("verify", &["verify/"]),
    ("offers", &["offers/"]),
    ("till", &["till.rs"]),
    ("payouts", &["payouts/"]),
    ("sales", &["sales/"]),
    ("checkout", &["checkout/"]),
    ("shop", &["shop.rs"]),
    ("library", &["library/"]),
    ("moderation", &["moderation/"]),
    ("studio", &["studio/"]),
    ("settlement", &["settlement/"]),
    ("demo", &["demo/"]),
    ("export", &["books/export/"]),
    ("islands", &["browser/"]),
    ("address", &["address.rs"]),
    ("config", &["config.rs"]),
    ("ui", &["ui/"]),
    (
        "web",
        &[
            "web/state.rs",
            "web/error.rs",
            "web/answer.rs",
            "web/arrival.rs",
        ],
    ),
    ("faces", &["provider/http.rs"]),
    ("operator", &["operator/"]),
    ("serve", &["web/", "main.rs", "lib.rs"]),
];

/// Files of a feature that are its face: pages and routes, whatever room its rules lie in.
const FACES: &[&str] = &["http.rs", "invoice.rs", "chart.rs", "variables.rs"];

/// The rooms that have a face beside their rules.
const FEATURES: &[&str] = &[
    "account",
    "catalog",
    "checkout",
    "library",
    "moderation",
    "payouts",
    "studio",
    "verify",
];

/// The room of a file, by its place in [`ROOMS`], from the path under `app/src`.
fn room_of(path: &str) -> Option<usize> {
    let place = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
    let (top, file) = (
        path.split('/').next().unwrap_or_default(),
        path.rsplit('/').next().unwrap_or_default(),
    );
    if FEATURES.contains(&top) {
        if file == "island.rs" {
            return place("islands");
        }
        if FACES.contains(&file) || file.ends_with("page.rs") || path.contains("/page/") {
            return place("faces");
        }
    }
    let fits = ROOMS.iter().enumerate().flat_map(|(place, (_, prefixes))| {
        let fitting = prefixes.iter().filter(|prefix| path.starts_with(**prefix));
        fitting.map(move |prefix| (prefix.len(), place))
    });
    fits.max().map(|(_, place)| place)
}

/// Whether a file of this path from the root holds rules or SQL, and nothing of a page.
pub(crate) fn is_rule(path: &str) -> bool {
    let room = path.strip_prefix("app/src/").and_then(room_of);
    let first_face = ROOMS.iter().position(|(room, _)| *room == "islands");
    room < first_face && room.is_some()
}

/// One file: its path under `app/src`, and its text.
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl File<'_> {
    /// A test may name everything.
    fn is_judged(&self) -> bool {
        let test = self.path.contains("/tests") || self.path.contains("/walk/");
        !test && !self.path.starts_with("db/plans/")
    }

    fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').map(str::to_owned).collect()
    }
}

/// What a file names: the line, the path as it is written, and the file that it leads to.
struct Named {
    line: usize,
    written: String,
    to: String,
    /// A parent names its child to let others in: that is no circle, though the child names its parent.
    child: bool,
}

/// Everything in `files` that runs against the order.
pub(crate) fn judge(files: &[File<'_>]) -> Vec<String> {
    let modules: BTreeMap<Vec<String>, &str> = files
        .iter()
        .map(|file| (file.module(), file.path))
        .collect();
    let mut findings = Vec::new();
    let mut graph: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_judged()) {
        let Some(from) = room_of(file.path) else {
            findings.push(format!(
                "app/src/{}: lies in no room of the order",
                file.path
            ));
            continue;
        };
        for named in named_in(file, &modules) {
            let Some(to) = room_of(&named.to) else {
                continue;
            };
            let at = format!("app/src/{}:{}: `{}`", file.path, named.line, named.written);
            if to > from {
                let (below, above) = (ROOMS[from].0, ROOMS[to].0);
                findings.push(format!("{at} runs up: {above} stands above {below}"));
            }
            if let Some(folder) = named.to.strip_suffix("store.rs")
                && !file.path.starts_with(folder)
            {
                findings.push(format!("{at} passes the front door of {folder}"));
            }
            if !named.child {
                graph.entry(file.path).or_default().insert(named.to);
            }
        }
    }
    findings.extend(circles(&graph));
    findings
}

/// Files that name each other, however far around.
fn circles(graph: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let reach = |start: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(file) = open.pop() {
            for next in graph.get(file.as_str()).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> =
        graph.keys().map(|file| (*file, reach(file))).collect();
    let mut told = BTreeSet::new();
    for (file, files) in &reached {
        let back = files.iter().filter(|other| {
            let back = reached.get(other.as_str());
            back.is_some_and(|back| back.contains(*file))
        });
        let circle: Vec<&str> = back.map(String::as_str).collect();
        if !circle.is_empty() {
            told.insert(format!(
                "app/src: files name each other: {}",
                circle.join(", ")
            ));
        }
    }
    told.into_iter().collect()
}

fn named_in(file: &File<'_>, modules: &BTreeMap<Vec<String>, &str>) -> Vec<Named> {
    let code = without_comments_and_tests(file.text);
    let mut named = Vec::new();
    let mut note = |at: usize, path: Vec<String>| {
        let written = path.join("::");
        let roots = ["crate", "super", "self"];
        let child = path
            .first()
            .is_some_and(|first| !roots.contains(&first.as_str()));
        if let Some(to) = resolve(file, path, modules)
            && to != file.path
        {
            let line = code[..at].matches('\n').count() + 1;
            let to = to.to_owned();
            named.push(Named {
                line,
                written,
                to,
                child,
            });
        }
    };
    let mut rest = 0;
    while let Some(found) = code[rest..].find("use ") {
        let at = rest + found;
        let whole_word =
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let end = code[at..].find(';').map_or(code.len(), |end| at + end);
        if whole_word {
            for path in expand(&code[at + 4..end]) {
                note(at, path);
            }
        }
        rest = at + 4;
    }
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let inside = code[..at].ends_with("::") || code[..at].ends_with(char::is_alphanumeric);
            let path: String = code[at..]
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':'))
                .collect();
            if !inside {
                note(at, path.split("::").map(str::to_owned).collect());
            }
        }
    }
    named.sort_by(|a, b| (a.line, &a.written).cmp(&(b.line, &b.written)));
    named.dedup_by(|a, b| (a.line, &a.to) == (b.line, &b.to));
    named
}

/// The same text, line by line, without comments, and without the tests that stand at a file's end.
fn without_comments_and_tests(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines();
    lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The paths of a `use`: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        return vec![
            name.split("::")
                .map(|part| part.trim().to_owned())
                .collect(),
        ];
    };
    let head: Vec<String> = tree[..open]
        .split("::")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let body = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[begin..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts
        .flat_map(expand)
        .map(|path| [head.clone(), path].concat())
        .collect()
}

/// The file that a path leads to; nothing for paths of other crates.
fn resolve<'a>(
    file: &File<'_>,
    path: Vec<String>,
    modules: &BTreeMap<Vec<String>, &'a str>,
) -> Option<&'a str> {
    let mut place = file.module();
    let mut parts = path.into_iter().peekable();
    match parts.peek().map(String::as_str) {
        Some("crate") => {
            parts.next();
            place.clear();
        }
        Some("self") => drop(parts.next()),
        Some("super") => {}
        // A child, named as it is from its parent.
        Some(child) if modules.contains_key(&[place.clone(), vec![child.to_owned()]].concat()) => {}
        _ => return None,
    }
    while parts.next_if(|part| part == "super").is_some() {
        place.pop();
    }
    place.extend(parts);
    while !place.is_empty() {
        if let Some(found) = modules.get(&place) {
            return Some(found);
        }
        place.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{File, judge};

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File<'_>> = files
            .iter()
            .map(|(path, text)| File { path, text })
            .collect();
        judge(&files)
    }

    #[test]
    fn a_room_that_names_one_above_it_is_found_with_file_and_line() {
        let above = ("checkout/cart.rs", "//! Carts.\n");
        for text in [
            "//! Books.\n\nuse crate::checkout::cart;\n",
            "//! Books.\n\nuse crate::{checkout::{cart::{add, take}}, db};\n",
            "//! Books.\n\nfn f() { crate::checkout::cart::add() }\n",
            "//! Books.\n\npub use super::super::checkout::cart::Cart;\n",
        ] {
            let found = findings(&[("books/entry.rs", text), above]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].starts_with("app/src/books/entry.rs:3:"),
                "{found:?}"
            );
            assert!(
                found[0].ends_with("checkout stands above books"),
                "{found:?}"
            );
        }
        let down = findings(&[
            ("checkout/cart.rs", "use crate::books::entry::Entry;\n"),
            ("books/entry.rs", ""),
        ]);
        assert!(down.is_empty(), "{down:?}");
    }

    #[test]
    fn a_rule_that_names_a_page_is_found_and_a_page_that_names_a_rule_is_not() {
        let found = findings(&[
            ("library/service.rs", "use super::page::Shelf;\n"),
            (
                "library/page.rs",
                "use super::store2;\nuse crate::orders::Line;\n",
            ),
            ("orders/mod.rs", ""),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("faces stands above library"), "{found:?}");
    }

    #[test]
    fn a_front_door_that_hides_a_page_is_found() {
        let found = findings(&[
            ("verify/mod.rs", "mod page;\npub use page::since;\n"),
            ("verify/page/mod.rs", "use super::priority::Standing;\n"),
            ("verify/priority.rs", ""),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("app/src/verify/mod.rs:2:"),
            "{found:?}"
        );
    }

    #[test]
    fn a_store_behind_anothers_front_door_is_found_however_it_is_named() {
        for text in [
            "use crate::orders::store;\n",
            "use crate::orders::store::get_line;\n",
            "fn f() { crate::orders::store::get_line() }\n",
        ] {
            let found = findings(&[("payouts/sweep.rs", text), ("orders/store.rs", "")]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains("front door of orders/"), "{found:?}");
        }
        let own = findings(&[
            ("payouts/service/sweep.rs", "use super::super::store;\n"),
            ("payouts/store.rs", ""),
        ]);
        assert!(own.is_empty(), "{own:?}");
    }

    #[test]
    fn files_that_name_each_other_are_a_finding_whatever_their_rooms() {
        let found = findings(&[
            ("offers/coupon.rs", "use super::ending;\n"),
            ("offers/ending.rs", "use super::uses;\n"),
            ("offers/uses.rs", "use super::coupon;\n"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("offers/coupon.rs, offers/ending.rs, offers/uses.rs"));
    }

    #[test]
    fn a_file_in_no_room_is_found_and_tests_and_comments_are_not() {
        let found = findings(&[
            ("attic.rs", ""),
            ("books/tests.rs", "use crate::checkout::cart;\n"),
            (
                "books/service.rs",
                "// use crate::checkout::cart;\n#[cfg(test)]\nmod tests {\n    use crate::checkout::cart;\n}\n",
            ),
            ("checkout/cart.rs", ""),
        ]);
        assert_eq!(found, ["app/src/attic.rs: lies in no room of the order"]);
    }
}
