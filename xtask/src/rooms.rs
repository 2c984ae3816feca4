//! The order of rooms in `app`: a list from the ground up, and whatever runs against it.
//!
//! The one rule: a room names rooms below it. Between the crates the compiler keeps that; within one, what it names above, what circles between files, and what reaches past another room's front
//! door into its `store` is a finding with file and line. Tests may name everything.

use std::collections::{BTreeMap, BTreeSet};

/// Rooms from the ground up, each with where its files lie under `app`: a folder, or a file. The longest that fits counts.
const ROOMS: &[(&str, &[&str])] = &[
    ("random", &["base/src/random.rs"]),
    ("clock", &["base/src/clock.rs"]),
    ("compute", &["base/src/compute.rs"]),
    ("lang", &["base/src/lang.rs"]),
    ("db", &["base/src/db/"]),
    ("jobs", &["base/src/jobs/"]),
    ("vault", &["base/src/vault/"]),
    ("media", &["base/src/media/"]),
    ("limits", &["base/src/limits/"]),
    ("mail", &["base/src/mail/"]),
    ("once", &["base/src/once/"]),
    ("books", &["money/src/books/"]),
    ("provider", &["money/src/provider/"]),
    ("failures", &["money/src/error.rs"]),
    ("search", &["search/src/"]),
    ("facts", &["market/src/facts.rs"]),
    ("log", &["market/src/log/"]),
    ("models", &["market/src/models.rs"]),
    ("machines", &["market/src/machines/"]),
    ("engines", &["market/src/engines.rs"]),
    ("finder", &["market/src/finder.rs"]),
    ("starting", &["market/src/starting/"]),
    ("catalog", &["market/src/catalog/"]),
    ("pictures", &["market/src/pictures/"]),
    ("orders", &["market/src/orders/"]),
    ("people", &["market/src/people/"]),
    ("verify", &["market/src/verify/"]),
    ("offers", &["market/src/offers/"]),
    ("till", &["market/src/till.rs"]),
    ("payouts", &["market/src/payouts/"]),
    ("sales", &["market/src/sales/"]),
    ("checkout", &["market/src/checkout/"]),
    ("shop", &["market/src/shop.rs"]),
    ("library", &["market/src/library/"]),
    ("own", &["market/src/own/"]),
    ("trials", &["market/src/trials/"]),
    ("moderation", &["market/src/moderation/"]),
    ("browse", &["market/src/browse/"]),
    ("studio", &["market/src/studio/"]),
    ("stranded", &["market/src/stranded.rs"]),
    ("files", &["market/src/files/"]),
    ("settlement", &["market/src/settlement/"]),
    ("demo", &["market/src/demo/"]),
    ("export", &["market/src/export/"]),
    ("islands", &["islands/src/"]),
    ("address", &["site/src/address.rs"]),
    ("config", &["site/src/config.rs"]),
    ("ui", &["site/src/ui/"]),
    (
        "web",
        &[
            "site/src/web/state.rs",
            "site/src/web/error.rs",
            "site/src/web/answer.rs",
            "site/src/web/arrival.rs",
        ],
    ),
    (
        "pages",
        &[
            "site/src/people/",
            "site/src/browse/",
            "site/src/catalog/",
            "site/src/checkout/",
            "site/src/feeds/",
            "site/src/library/",
            "site/src/moderation/",
            "site/src/payouts/",
            "site/src/studio/",
            "site/src/verify/",
            "site/src/webhook.rs",
        ],
    ),
    ("operator", &["site/src/operator/"]),
    (
        "serve",
        &["site/src/web/", "site/src/main.rs", "site/src/results.rs"],
    ),
];

/// Our crates under `app`, as paths begin with them.
const CRATES: [&str; 6] = ["base", "money", "search", "market", "islands", "site"];

/// The room of a file, by its place in [`ROOMS`], from the path under `app`.
fn room_of(path: &str) -> Option<usize> {
    let fits = ROOMS.iter().enumerate().flat_map(|(place, (_, prefixes))| {
        let fitting = prefixes.iter().filter(|prefix| path.starts_with(**prefix));
        fitting.map(move |prefix| (prefix.len(), place))
    });
    fits.max().map(|(_, place)| place)
}

/// One file: its path under `app`, and its text.
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl File<'_> {
    /// A test may name everything, and a crate's root names its rooms.
    fn is_judged(&self) -> bool {
        let rest = ["/tests", "/testing", "/examples/", "/src/lib.rs"];
        !rest.iter().any(|part| self.path.contains(part))
    }

    /// Its crate, and its modules below.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let path = path.replacen("/src/", "/", 1);
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
            findings.push(format!("app/{}: lies in no room of the order", file.path));
            continue;
        };
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.contains("use crate::*") {
                let at = format!("app/{}:{line}", file.path);
                findings.push(format!("{at}: `use crate::*` names every room"));
            }
        }
        for named in named_in(file, &modules) {
            let Some(to) = room_of(&named.to) else {
                continue;
            };
            let at = format!("app/{}:{}: `{}`", file.path, named.line, named.written);
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
    let places: BTreeMap<&str, usize> = (0..).zip(graph.keys()).map(|(n, f)| (*f, n)).collect();
    let next: Vec<Vec<usize>> = graph
        .values()
        .map(|named| {
            let known = named.iter().filter_map(|to| places.get(to.as_str()));
            known.copied().collect()
        })
        .collect();
    let reach = |start: usize| {
        let (mut seen, mut open) = (vec![false; next.len()], vec![start]);
        while let Some(file) = open.pop() {
            for to in &next[file] {
                if !std::mem::replace(&mut seen[*to], true) {
                    open.push(*to);
                }
            }
        }
        seen
    };
    let reached: Vec<Vec<bool>> = (0..next.len()).map(reach).collect();
    let names: Vec<&str> = graph.keys().copied().collect();
    let mut told = BTreeSet::new();
    for (file, seen) in reached.iter().enumerate() {
        let back = (0..next.len()).filter(|other| seen[*other] && reached[*other][file]);
        let circle: Vec<&str> = back.map(|other| names[other]).collect();
        if !circle.is_empty() {
            told.insert(format!("app: files name each other: {}", circle.join(", ")));
        }
    }
    told.into_iter().collect()
}

fn named_in(file: &File<'_>, modules: &BTreeMap<Vec<String>, &str>) -> Vec<Named> {
    let code = without_comments_and_tests(file.text);
    let ends: Vec<usize> = code.match_indices('\n').map(|(at, _)| at).collect();
    let mut named = Vec::new();
    let mut note = |at: usize, path: Vec<String>| {
        let written = path.join("::");
        let roots = ["crate", "super", "self"];
        let child = path
            .first()
            .is_some_and(|first| !roots.contains(&&**first) && !CRATES.contains(&&**first));
        if let Some(to) = resolve(file, path, modules)
            && to != file.path
        {
            let line = ends.partition_point(|end| *end < at) + 1;
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
    let crates = CRATES.map(|name| format!("{name}::"));
    let roots = ["crate::", "super::"].into_iter();
    for root in roots.chain(crates.iter().map(String::as_str)) {
        for (at, _) in code.match_indices(root) {
            let inside = code[..at].ends_with("::")
                || code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
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
            place.truncate(1);
        }
        // A folder beside the file that has a crate's name is not what its path means.
        Some(name) if CRATES.contains(&name) => place.clear(),
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
    // The crate's root names everything; what it says is in no room.
    while place.len() > 1 {
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
        let above = ("market/src/checkout/cart.rs", "//! Carts.\n");
        for text in [
            "//! Sales.\n\nuse crate::checkout::cart;\n",
            "//! Sales.\n\nuse crate::{checkout::{cart::{add, take}}, till};\n",
            "//! Sales.\n\nfn f() { crate::checkout::cart::add() }\n",
            "//! Sales.\n\npub use super::super::checkout::cart::Cart;\n",
            "//! Sales.\n\nuse market::checkout::cart;\n",
        ] {
            let found = findings(&[("market/src/sales/refund.rs", text), above]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].starts_with("app/market/src/sales/refund.rs:3:"),
                "{found:?}"
            );
            assert!(
                found[0].ends_with("checkout stands above sales"),
                "{found:?}"
            );
        }
        let down = findings(&[
            (
                "market/src/checkout/cart.rs",
                "use crate::sales::refund::Bearer;\nuse base::db::Tx;\n",
            ),
            ("market/src/sales/refund.rs", ""),
            ("base/src/db/mod.rs", ""),
        ]);
        assert!(down.is_empty(), "{down:?}");
    }

    #[test]
    fn what_names_every_room_is_found() {
        let found = findings(&[("market/src/sales/refund.rs", "use crate::*;\n")]);
        assert_eq!(
            found,
            ["app/market/src/sales/refund.rs:1: `use crate::*` names every room"]
        );
    }

    #[test]
    fn the_design_system_that_names_a_page_is_found_and_a_page_that_names_it_is_not() {
        let page = (
            "site/src/library/page.rs",
            "use crate::ui::shell::page;\nuse market::library::reruns;\n",
        );
        let shell = |text| ("site/src/ui/shell.rs", text);
        let reruns = ("market/src/library/reruns.rs", "");
        let found = findings(&[shell("use crate::library::page::shelf;\n"), page, reruns]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("pages stands above ui"), "{found:?}");
        assert!(found[1].contains("name each other"), "{found:?}");
        assert!(findings(&[shell(""), page, reruns]).is_empty());
    }

    #[test]
    fn a_front_door_that_hides_a_page_is_found() {
        let found = findings(&[
            (
                "site/src/ui/mod.rs",
                "pub use crate::verify::page::since;\n",
            ),
            ("site/src/verify/page/mod.rs", ""),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("app/site/src/ui/mod.rs:1:"),
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
            let found = findings(&[
                ("market/src/payouts/sweep.rs", text),
                ("market/src/orders/store.rs", ""),
            ]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].contains("front door of market/src/orders/"),
                "{found:?}"
            );
        }
        let own = findings(&[
            (
                "market/src/payouts/service/sweep.rs",
                "use super::super::store;\n",
            ),
            ("market/src/payouts/store.rs", ""),
        ]);
        assert!(own.is_empty(), "{own:?}");
    }

    #[test]
    fn files_that_name_each_other_are_a_finding_whatever_their_rooms() {
        let found = findings(&[
            ("market/src/offers/coupon.rs", "use super::ending;\n"),
            ("market/src/offers/ending.rs", "use super::uses;\n"),
            ("market/src/offers/uses.rs", "use super::coupon;\n"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("offers/coupon.rs, market/src/offers/ending.rs"));
    }

    #[test]
    fn a_file_in_no_room_is_found_and_tests_and_comments_are_not() {
        let found = findings(&[
            ("market/src/attic.rs", ""),
            ("money/src/books/tests.rs", "use market::checkout::cart;\n"),
            (
                "money/src/books/service.rs",
                "// use market::checkout::cart;\n#[cfg(test)]\nmod tests {\n    use market::checkout::cart;\n}\n",
            ),
            ("market/src/checkout/cart.rs", ""),
        ]);
        assert_eq!(
            found,
            ["app/market/src/attic.rs: lies in no room of the order"]
        );
    }
}
