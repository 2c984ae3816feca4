//! `cargo xtask check`: promises of the house that a scan of the sources can keep.
//!
//! The one rule: each finding names file, line and the promise, so that a newcomer can act on it without asking.

use crate::rooms;
use crate::root;
use crate::run::say;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

struct Source {
    /// Path from the root, with slashes.
    path: String,
    text: String,
}

pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    let mut findings = Vec::new();
    for source in &sources {
        names(source, &mut findings);
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in (1..).zip(&lines) {
            let code = line.split("//").next().unwrap_or_default();
            let mut note =
                |promise: &str| findings.push(format!("{}:{number}: {promise}", source.path));
            places(&source.path, code, &mut note);
            printing(&source.path, code, &mut note);
            let attribute = lines[number - 1..]
                .iter()
                .take(4)
                .copied()
                .collect::<String>();
            let end = attribute
                .find(")]")
                .map_or(attribute.as_str(), |end| &attribute[..end]);
            if code.trim_start().starts_with("#[allow(") && !end.contains("reason") {
                note("an allow says its reason");
            }
        }
    }
    styles(&mut findings)?;
    let in_app = sources.iter().filter_map(|source| {
        let path = source.path.strip_prefix("app/")?;
        let text = &source.text;
        Some(rooms::File { path, text })
    });
    findings.extend(rooms::judge(&in_app.collect::<Vec<_>>()));
    manifests(&mut findings)?;
    forms(&sources, &mut findings);
    migrations(&sources, &mut findings)?;
    texts(&sources, &mut findings)?;
    dependencies(&mut findings)?;
    if findings.is_empty() {
        say(&format!(
            "check: {} files keep the promises of the house",
            sources.len()
        ));
        return Ok(());
    }
    bail!("{}\n{} findings", findings.join("\n"), findings.len())
}

fn sources() -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for room in ["schema", "ledger", "engine", "app", "cli", "tests", "xtask"] {
        walk(&root().join(room), &mut found)?;
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let path = path
                .strip_prefix(root())
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            Ok(Source { path, text })
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn names(source: &Source, findings: &mut Vec<String>) {
    let stem = Path::new(&source.path)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if [
        "utils", "util", "common", "helpers", "helper", "types", "misc",
    ]
    .contains(&stem.as_str())
    {
        findings.push(format!(
            "{}: a module is named for what it holds, not {stem:?}",
            source.path
        ));
    }
    if !source.text.starts_with("//!") && !source.path.ends_with("pieces.rs") {
        findings.push(format!(
            "{}: a file opens with what it is and the one rule to know",
            source.path
        ));
    }
}

/// Each crate's manifest, the crates of ours that it may name, and whose crates it may not: `schema ← ledger, engine ← app, cli ← tests`,
/// and `base ← money ← market ← site` with `islands` and `search` beside `money`.
const CRATES: &[(&str, &[&str], &[&str])] = &[
    ("schema", &[], &["sqlx", "tokio", "leptos", "axum"]),
    ("ledger", &["schema"], &["sqlx", "leptos", "axum"]),
    ("engine", &["schema"], &["sqlx", "leptos", "axum"]),
    ("app/base", &["schema"], &["leptos", "axum"]),
    ("app/money", &["schema", "base"], &["leptos", "axum"]),
    (
        "app/search",
        &["schema"],
        &["sqlx", "tokio", "leptos", "axum"],
    ),
    (
        "app/market",
        &[
            "schema",
            "ledger",
            "engine",
            "base",
            "money",
            "search",
            "fake-stripe",
        ],
        &["leptos", "axum"],
    ),
    (
        "app/islands",
        &["schema", "ledger"],
        &["sqlx", "tokio", "axum"],
    ),
    (
        "app/site",
        &[
            "schema", "ledger", "engine", "base", "money", "search", "market", "islands",
        ],
        &["sqlx"],
    ),
    ("cli", &["schema", "ledger", "engine"], &["sqlx", "leptos"]),
    ("xtask", &[], &["sqlx", "leptos", "axum"]),
];

/// What a crate may name stands in its manifest; what stands there runs one way. Its tests may name more.
fn manifests(findings: &mut Vec<String>) -> Result<()> {
    let ours: BTreeSet<&str> = CRATES
        .iter()
        .map(|(place, ..)| place.trim_start_matches("app/"))
        .collect();
    for (place, may, never) in CRATES {
        let path = root().join(place).join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let lines = text
            .lines()
            .take_while(|line| *line != "[dev-dependencies]");
        for (number, line) in (1..).zip(lines) {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            let own = place.trim_start_matches("app/") == name;
            let up = ours.contains(name) && !own && !may.contains(&name);
            if up || never.contains(&name) {
                findings.push(format!(
                    "{place}/Cargo.toml:{number}: {place} may not name {name}: imports run one way"
                ));
            }
        }
    }
    Ok(())
}

fn places(path: &str, code: &str, note: &mut impl FnMut(&str)) {
    let file = path.rsplit('/').next().unwrap_or_default();
    let in_app = path.starts_with("app/");
    if !path.starts_with("engine/")
        && !path.starts_with("xtask/")
        && (code.contains("ort::")
            && !code.contains("port::")
            && !code.contains("ort::Error::")
            && code.contains("use ort"))
    {
        note("nothing outside engine names ONNX Runtime's crate");
    }
    if in_app {
        let sql = ["\"select ", "\"insert into ", "\"update ", "\"delete from "]
            .iter()
            .any(|begin| code.contains(begin));
        let test = ["tests.rs", "testing.rs"].contains(&file)
            || ["/tests/", "/testing/", "/examples/"]
                .iter()
                .any(|part| path.contains(part));
        let may = file == "store.rs" || path.starts_with("app/base/src/db/") || test;
        if sql && !may {
            note("SQL stands in store.rs files, in db and in migrations");
        }
        if sql && file == "store.rs" && code.trim_start().starts_with("const ") {
            note("a store's statement stands in statements!, so that its plan is checked");
        }
        if code.contains("AssertSqlSafe") && !path.starts_with("app/base/src/db/") && !test {
            note("AssertSqlSafe stands in db only");
        }
        if code.contains(" style=") || code.contains("style:") {
            note("no style attribute: the content security policy refuses it");
        }
        let clock = ["std::env::var", "SystemTime::now"]
            .iter()
            .any(|name| code.contains(name));
        let may = ["config.rs", "main.rs", "random.rs", "clock.rs"].contains(&file) || test;
        if clock && !may {
            note("environment and clock are read in config.rs, main.rs, random.rs and clock.rs");
        }
        if code.contains("<textarea") && path != "app/site/src/ui/pieces.rs" && !test {
            note("a field of several lines is ui::pieces::TextArea, which escapes its text");
        }
    }
}

/// A value that no style sheet declares is no value: the rule that names it does nothing, and nobody is told.
fn styles(findings: &mut Vec<String>) -> Result<()> {
    let (mut declared, mut used) = (BTreeSet::new(), Vec::new());
    for entry in std::fs::read_dir(root().join("app/site/style"))? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for part in text.split("var(").skip(1) {
            // One with a value to fall back to may be missing.
            if let Some((value, _)) = part
                .split_once(')')
                .filter(|(value, _)| !value.contains(','))
            {
                used.push((name.clone(), value.trim().to_owned()));
            }
        }
        for part in text.split([';', '{']) {
            let part = part.rsplit("*/").next().unwrap_or_default();
            if let Some((property, _)) = part.trim().split_once(':')
                && property.starts_with("--")
            {
                declared.insert(property.trim().to_owned());
            }
        }
    }
    let missing = used
        .into_iter()
        .filter(|(_, value)| !declared.contains(value));
    findings.extend(
        missing.map(|(file, value)| format!("app/site/style/{file}: nothing declares {value}")),
    );
    Ok(())
}

/// Who prints decides how a program ends when it cannot: one file of each program does both.
fn printing(path: &str, code: &str, note: &mut impl FnMut(&str)) {
    let asked = path.starts_with("cli/src/") || path == "app/site/src/main.rs";
    if !asked || path == "cli/src/output.rs" {
        return;
    }
    let prints = ["print!(", "println!(", "dbg!("]
        .iter()
        .any(|call| code.contains(call));
    let opens = ["io::stdout", "io::stderr", "stdout()", "stderr()"]
        .iter()
        .any(|call| code.replace("is_stdout()", "").contains(call));
    if prints || opens {
        note(
            "results and hints are printed by output.rs (in the server by results.rs), which keeps the exit code",
        );
    }
    if ["process::exit", "process::abort"]
        .iter()
        .any(|call| code.contains(call))
    {
        note("a program ends by returning its exit code from main");
    }
    let writes = ["fs::write(", "File::create", "OpenOptions", "fs::rename("]
        .iter()
        .any(|call| code.contains(call));
    if writes && path != "cli/src/target.rs" {
        note("files are written by target.rs (in the server by results.rs): whole or not at all");
    }
    let reads = ["fs::read(", "fs::read_to_string(", "File::open"]
        .iter()
        .any(|call| code.contains(call));
    if reads && !["cli/src/target.rs", "cli/src/input.rs"].contains(&path) {
        note("files are read by input.rs, within the limit of their format");
    }
}

/// Every route that takes a form has a row in the table of forms, and every row a route.
fn forms(sources: &[Source], findings: &mut Vec<String>) {
    const TABLE: &str = "app/site/src/web/forms.rs";
    // The first text of a call, wherever its line is broken.
    let first = |call: &str| -> Option<String> {
        let rest = call.trim_start().strip_prefix('"')?;
        rest.split('"').next().map(str::to_owned)
    };
    let mut routes = BTreeSet::new();
    let mut rows = BTreeSet::new();
    for source in sources {
        if source.path == TABLE {
            for call in ["open(", "keyed(", "upload("] {
                rows.extend(source.text.split(call).skip(1).filter_map(first));
            }
        } else if source.path.starts_with("app/") {
            for call in source.text.split(".route(").skip(1) {
                let end = call.find("\n        .").unwrap_or(call.len());
                if call[..end].contains("post(")
                    && let Some(path) = first(call)
                {
                    routes.insert(path);
                }
            }
        }
    }
    for path in routes.difference(&rows) {
        findings.push(format!(
            "{TABLE}: says nothing about the form at {path:?}: its page, its password, its key"
        ));
    }
    for path in rows.difference(&routes) {
        findings.push(format!("{TABLE}: there is no form at {path:?}"));
    }
}

/// Every migration's text stands in the list that is run.
fn migrations(sources: &[Source], findings: &mut Vec<String>) -> Result<()> {
    const LIST: &str = "schema/src/migrations.rs";
    let list = sources.iter().find(|source| source.path == LIST);
    let list = list.map_or("", |source| source.text.as_str());
    for entry in fs::read_dir(root().join("schema/migrations"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let name = name.split('.').next().unwrap_or_default();
        if !list.contains(&format!("\"{name}\"")) {
            findings.push(format!(
                "{LIST}: the migration {name} is not in the list, so nobody runs it"
            ));
        }
    }
    Ok(())
}

/// Every text id that the code names exists, and every text is named somewhere.
fn texts(sources: &[Source], findings: &mut Vec<String>) -> Result<()> {
    let english = fs::read_to_string(root().join("app/base/text/en.ftl"))?;
    let known: BTreeSet<&str> = english
        .lines()
        .filter_map(|line| line.split_once(" ="))
        .map(|(id, _)| id)
        .collect();
    for other in ["de", "zh"] {
        let path = format!("app/base/text/{other}.ftl");
        let text = fs::read_to_string(root().join(&path))?;
        let has: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.split_once(" ="))
            .map(|(id, _)| id)
            .collect();
        for id in known.symmetric_difference(&has) {
            findings.push(format!(
                "{path}: the text {id:?} stands in one language and not in another"
            ));
        }
    }
    let code: String = sources
        .iter()
        .filter(|source| source.path.starts_with("app/"))
        .map(|source| source.text.as_str())
        .collect();
    // Broken rules of `schema` are shown by their names.
    let schema: String = sources
        .iter()
        .filter(|source| source.path.starts_with("schema/src/"))
        .map(|source| source.text.as_str())
        .collect();
    for call in [".rule(", "broken("] {
        for piece in schema.split(call).skip(1) {
            if let Some(name) = piece.trim_start().strip_prefix('"') {
                let id = format!("field-{}", name.split('"').next().unwrap_or_default());
                if !known.contains(&*id) {
                    findings.push(format!(
                        "app/base/text/en.ftl: the broken rule {id:?} has no text"
                    ));
                }
            }
        }
    }
    for call in ["lang.text(\"", "lang.with(\""] {
        for piece in code.split(call).skip(1) {
            let id = piece.split('"').next().unwrap_or_default();
            if !known.contains(id) {
                findings.push(format!(
                    "app/base/text/en.ftl: the text {id:?} is named in the code and missing"
                ));
            }
        }
    }
    // What stands between two quotes, and what comes there before a value.
    let quoted: BTreeSet<&str> = code.split('"').collect();
    let begun: BTreeSet<&str> = quoted
        .iter()
        .filter_map(|piece| piece.split_once("-{"))
        .map(|(head, _)| head)
        .collect();
    for id in known {
        // Ids that are put together end in a value; the part before it is named.
        let whole = quoted.contains(id);
        let mut prefix = id;
        let mut built = false;
        while let Some((head, _)) = prefix.rsplit_once('-') {
            built |= begun.contains(head);
            prefix = head;
        }
        built |= id
            .strip_suffix("-line")
            .is_some_and(|base| quoted.contains(base));
        if !whole && !built {
            findings.push(format!("app/base/text/en.ftl: the text {id:?} is not used"));
        }
    }
    Ok(())
}

fn dependencies(findings: &mut Vec<String>) -> Result<()> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap_or_default();
    let section = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .unwrap_or_default();
    for line in section.lines() {
        if let Some((name, _)) = line.split_once(" = ")
            && !line.contains("{ path = ")
            && !line.starts_with('#')
            && !page.contains(&format!("`{name}`"))
        {
            findings.push(format!(
                "docs/dependencies.md: does not say why {name} is used"
            ));
        }
    }
    Ok(())
}
