//! `seedmark generate --bundle`: an owner's pictures with values of their own, offline.
//!
//! The one rule: whatever is refused is named with its slot and what that takes, before the model is loaded; and a picture carries the
//! seal of none but the one that it is, bit for bit.

use super::sheet;
use crate::arguments::Generate;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{machine, output};
use anyhow::{Result, anyhow, bail, ensure};
use engine::ErrorKind;
use engine::label::{
    self,
    notice::{self, Spot, Words},
};
use engine::pipeline::{Pictures, Request};
use engine::sheet::{Paper, Preset};
use schema::pixels::PixelDigest;
use schema::recipe::{Recipe, Seed};
use schema::statement::ListingStatement;
use schema::template::{PublicVariable, Values, Variable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &Generate, file: &Path) -> Result<Exit> {
    let (bundle, policy) = match machine::bundle_and_policy(file, None) {
        Ok(read) => read,
        Err(error) if error.downcast_ref::<schema::Error>().is_some() => {
            return Ok(super::verify::unreadable(&error, options.json));
        }
        Err(error) => return Err(error),
    };
    let report = machine::check(&bundle, &policy);
    if !report.holds() {
        if options.json {
            output::json(&json!({ "holds": false, "checks": super::verify::checks(&report) }));
        } else {
            super::verify::print(&report, &policy);
            output::line("this file does not hold; nothing was made");
        }
        return Ok(Exit::Failed);
    }
    let listing = report
        .listing
        .as_ref()
        .ok_or_else(|| anyhow!("the bundle holds no listing statement"))?;
    if options.slots {
        say_slots(listing, options.json);
        return Ok(Exit::Success);
    }
    let recipe = report.recipe.as_ref().ok_or_else(|| {
        anyhow!(
            "this is a public bundle without recipe; only an owner's bundle makes pictures (--slots shows what may be chosen)"
        )
    })?;
    let begun = super::starting::of_bundle(bundle.owner.as_ref())?;
    make(options, (recipe, &begun), listing, &name_of(file))
}

/// A bundle says nothing of a title: its file's name stands for it.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy());
    let stem = stem.filter(|stem| !stem.is_empty() && stem != "-");
    stem.map_or_else(|| "recipe".to_owned(), |stem| stem.into_owned())
}

/// What a variable takes.
fn takes(variable: &PublicVariable) -> String {
    match variable {
        PublicVariable::Choice { labels, .. } => format!("one of: {}", labels.join(", ")),
        PublicVariable::Text { max_characters, .. } => {
            format!("up to {max_characters} characters, without line ends")
        }
        PublicVariable::Number {
            minimum,
            maximum,
            step: 1,
            ..
        } => format!("a whole number from {minimum} to {maximum}"),
        PublicVariable::Number {
            minimum,
            maximum,
            step,
            ..
        } => format!("a whole number from {minimum} to {maximum} in steps of {step}"),
    }
}

fn default_of(variable: &PublicVariable) -> String {
    match variable {
        PublicVariable::Choice { default, .. } | PublicVariable::Text { default, .. } => {
            default.clone()
        }
        PublicVariable::Number { default, .. } => default.to_string(),
    }
}

fn say_slots(listing: &ListingStatement, as_json: bool) {
    let sealed = listing.anchors.len();
    if as_json {
        output::json(
            &json!({ "slots": listing.variables, "sealed": sealed, "model": listing.model }),
        );
        return;
    }
    if listing.variables.is_empty() {
        output::line("no slots: only the seed can be another");
    }
    let width = listing.variables.keys().map(String::len).max().unwrap_or(0);
    for (name, variable) in &listing.variables {
        output::line(format!(
            "{name:<width$}  {}; {} when left out",
            takes(variable),
            default_of(variable)
        ));
    }
    output::line(format!(
        "{sealed} sealed pictures, each with a seed: --seed sealed:1 to sealed:{sealed}"
    ));
}

/// Reads `--set`, and fills in the defaults.
fn values(recipe: &Recipe, set: &[String]) -> Result<Values> {
    let names = recipe.variables.keys().cloned().collect::<Vec<_>>();
    let known = match names.is_empty() {
        true => "it has none".to_owned(),
        false => format!("its slots are {}", names.join(", ")),
    };
    let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
    for text in set {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            anyhow!(
                "--set {}: is not SLOT=VALUE, such as dish=pizza",
                short(text)
            )
        })?;
        ensure!(
            recipe.variables.contains_key(name),
            "--set {}: the recipe has no such slot; {known}",
            short(name)
        );
        ensure!(
            chosen.insert(name, value).is_none(),
            "--set {name}: is given twice"
        );
    }
    let mut values = Values::new();
    for (name, variable) in &recipe.variables {
        let given = chosen.get(name.as_str()).copied();
        let value = variable.value_or_default(given.map(|given| as_listed(variable, given)));
        if variable.text_of(name, &value).is_err() {
            let takes = takes(&variable.public());
            bail!("--set {name}={}: takes {takes}", short(&value));
        }
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// A choice as it is listed, whatever case it was typed in.
fn as_listed<'a>(variable: &'a Variable, given: &'a str) -> &'a str {
    let Variable::Choice { choices, .. } = variable else {
        return given;
    };
    let labels = || choices.iter().map(|choice| choice.label.as_str());
    let folded = given.to_lowercase();
    let mut alike = labels().filter(|label| label.to_lowercase() == folded);
    match (
        labels().any(|label| label == given),
        alike.next(),
        alike.next(),
    ) {
        (false, Some(label), None) => label,
        _ => given,
    }
}

/// What of a text is repeated in a refusal.
fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn seeds(options: &Generate, recipe: &Recipe) -> Result<Vec<Seed>> {
    let count = options.count.unwrap_or(1);
    let text = options.seed.as_deref().unwrap_or("new");
    if text == "new" {
        let fresh = || Ok(Seed(u64::from_le_bytes(machine::random()?)));
        return (0..count).map(|_| fresh()).collect();
    }
    if let Some(number) = text.strip_prefix("sealed") {
        let all = recipe.anchors.len();
        let number = match number.strip_prefix(':') {
            None if number.is_empty() => Some(1),
            None => None,
            Some(number) => number.parse::<usize>().ok(),
        };
        let anchor = number
            .and_then(|number| number.checked_sub(1))
            .and_then(|at| recipe.anchors.get(at));
        let anchor = anchor
            .ok_or_else(|| anyhow!("--seed {}: there are sealed:1 to sealed:{all}", short(text)))?;
        ensure!(
            count == 1,
            "--count {count}: a sealed seed makes one picture; leave --count out, or take --seed new"
        );
        return Ok(vec![anchor.seed]);
    }
    let first = Seed::parse(text).map_err(|_| {
        anyhow!(
            "--seed {}: is new, sealed, sealed:N or a whole number from 0 to {}",
            short(text),
            u64::MAX
        )
    })?;
    let following = |number: u8| Seed(first.0.wrapping_add(number.into()));
    Ok((0..count).map(following).collect())
}

/// One picture before it is made.
struct Wanted {
    seed: Seed,
    /// The sealed picture that it ought to be.
    anchor: Option<usize>,
    path: PathBuf,
    place: Target,
}

fn make(
    options: &Generate,
    (recipe, begun): (&Recipe, &Pictures),
    listing: &ListingStatement,
    name: &str,
) -> Result<Exit> {
    let values = values(recipe, &options.set)?;
    let seeds = seeds(options, recipe)?;
    for seed in &seeds {
        recipe.noise.check_seed(seed.0)?;
    }
    // Every place is looked at before the minutes of work, not after them.
    let folder = options.out.as_deref().unwrap_or(Path::new("."));
    let wanted = places(options, recipe, (&values, &seeds), (folder, name))?;
    let sheet = match &options.sheet {
        Some(preset) => Some(sheet_places(options, &wanted, (folder, name), preset)?),
        None => None,
    };
    let (model, runtime) = machine::engine(options.model.as_deref(), Some(recipe))?;
    let requests = seeds
        .iter()
        .map(|seed| {
            let request = Request::of_recipe(recipe, &values, *seed, begun)?;
            request
                .check_texts(&model)
                .map_err(|error| too_long(error, recipe, model.manifest.text_tokens))?;
            Ok(request)
        })
        .collect::<Result<Vec<_>>>()?;
    let pictures = machine::generate(&model, &runtime, &requests, options.workers.workers)?;
    let words = words(options);
    let (mut rows, mut differs) = (Vec::new(), false);
    let mut seals = Vec::new();
    for (picture, wanted) in pictures.iter().zip(wanted) {
        let digest = picture.digest()?;
        let sealed = sealed_as(wanted.anchor, &digest, listing);
        differs |= wanted.anchor.is_some() && sealed.is_none();
        let mut file = picture.clone();
        if let Some(words) = words {
            notice::draw(&mut file, words, Spot::Corner);
        }
        let note = note(name, sealed);
        wanted
            .place
            .write(&file.to_png(Some(&packet(&digest, &note)))?)?;
        rows.push(row(
            &wanted.path,
            &values,
            wanted.seed,
            &digest,
            (wanted.anchor, sealed),
        ));
        seals.push(sealed);
    }
    let written = match sheet {
        Some(sheet) => {
            // Only a sheet of nothing but one sealed picture carries a seal.
            let first = seals.first().copied().flatten();
            let alone = first.filter(|_| seals.iter().all(|sealed| *sealed == first));
            sheet.write(&pictures, &note(name, alone), words)?
        }
        None => Vec::new(),
    };
    say(options, &rows, &written);
    match differs {
        true => Ok(Exit::Failed),
        false => Ok(Exit::Success),
    }
}

/// The words of the label: those that were asked for, or those of the system's language.
fn words(options: &Generate) -> Option<Words> {
    if options.unlabelled {
        return None;
    }
    let asked = options.label.clone();
    let system = || {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let mut set = named
            .into_iter()
            .filter_map(|name| std::env::var(name).ok());
        set.find(|value| !value.is_empty()).unwrap_or_default()
    };
    Some(Words::of(&asked.unwrap_or_else(system)))
}

/// Which sealed picture these pixels are.
fn sealed_as(
    anchor: Option<usize>,
    digest: &PixelDigest,
    listing: &ListingStatement,
) -> Option<usize> {
    anchor.filter(|at| {
        let sealed = listing.anchors.get(*at);
        sealed.is_some_and(|sealed| sealed.pixels == *digest)
    })
}

pub(super) fn note(name: &str, sealed: Option<usize>) -> String {
    match sealed {
        None => format!("Made with the recipe “{name}”, own values; not the sealed picture."),
        Some(at) => format!(
            "Sealed picture {} of the recipe “{name}”, made again bit for bit.",
            at + 1
        ),
    }
}

/// Nothing of prompt, values or seed: a code that names the pixels, and the note.
fn packet(digest: &PixelDigest, note: &str) -> String {
    let hex = digest.blake3.hex();
    let code = format!("own-{}", &hex[..16]);
    label::described("SEEDMARK", &code, &[("en", note.to_owned())])
}

/// The texts that have no limit but the model's, as the place to be shorter.
fn too_long(error: engine::Error, recipe: &Recipe, tokens: u32) -> anyhow::Error {
    if error.kind() != ErrorKind::PromptTooLong {
        return error.into();
    }
    let open = recipe
        .variables
        .iter()
        .filter(|(_, variable)| matches!(variable, Variable::Text { .. }));
    let open: Vec<&str> = open.map(|(name, _)| name.as_str()).collect();
    let place = match open.is_empty() {
        true => "choose shorter ones".to_owned(),
        false => format!("use fewer words for {}", open.join(", ")),
    };
    anyhow!(
        "--set: with these values the prompt has more than the {tokens} tokens that the model takes; {place}"
    )
}

/// Names for the pictures: what is no sealed one is numbered behind what lies in the folder already.
fn places(
    options: &Generate,
    recipe: &Recipe,
    (values, seeds): (&Values, &[Seed]),
    (folder, name): (&Path, &str),
) -> Result<Vec<Wanted>> {
    if folder.as_os_str() == "-" {
        bail!("--out -: pictures of a bundle go into a folder (./- for one named -)");
    }
    if folder.exists() && !folder.is_dir() {
        bail!(
            "{} is no folder; the pictures go into one",
            folder.display()
        );
    }
    let suffix = match options.unlabelled {
        true => "",
        false => "-labelled",
    };
    let free = first_free(folder, name);
    let mut number = free;
    let mut wanted = Vec::new();
    for seed in seeds {
        let same =
            |anchor: &schema::recipe::Anchor| anchor.values == *values && anchor.seed == *seed;
        let anchor = recipe.anchors.iter().position(same);
        let file = match anchor {
            Some(at) => format!("{name}-sealed-{}{suffix}.png", at + 1),
            None => {
                number += 1;
                format!("{name}-own-{}{suffix}.png", number - 1)
            }
        };
        let path = folder.join(file);
        let place = Target::file(&path, Content::Picture)?;
        wanted.push(Wanted {
            seed: *seed,
            anchor,
            path,
            place,
        });
    }
    Ok(wanted)
}

/// The first number that no picture of this name in the folder has.
fn first_free(folder: &Path, name: &str) -> u32 {
    let begin = format!("{name}-own-");
    let taken = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let file = entry.file_name().to_string_lossy().into_owned();
            let rest = file.strip_prefix(&begin)?.to_owned();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        });
    taken.max().map_or(1, |last| last.saturating_add(1))
}

fn sheet_places(
    options: &Generate,
    wanted: &[Wanted],
    (folder, name): (&Path, &str),
    preset: &str,
) -> Result<sheet::Places> {
    let first = wanted.first().and_then(|first| first.path.file_stem());
    let first = first.map_or_else(
        || name.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let begin = folder.join(format!("{first}-{preset}"));
    let preset = Preset::parse(preset).ok_or_else(|| anyhow!("--sheet: no such preset"))?;
    let paper = Paper::parse(&options.paper).ok_or_else(|| anyhow!("--paper: no such paper"))?;
    sheet::Places::both(&begin, preset, paper, wanted.len())
}

fn row(
    path: &Path,
    values: &Values,
    seed: Seed,
    digest: &PixelDigest,
    (anchor, sealed): (Option<usize>, Option<usize>),
) -> Value {
    json!({
        "file": path.display().to_string(), "values": values, "seed": seed, "blake3": digest.blake3, "sha256": digest.sha256,
        "sealed": sealed.map(|at| at + 1), "differs_from": anchor.filter(|_| sealed.is_none()).map(|at| at + 1),
    })
}

fn say(options: &Generate, rows: &[Value], sheets: &[PathBuf]) {
    let sheets: Vec<String> = sheets
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if options.unlabelled {
        output::hint(
            "hint: these files carry no visible AI label; where you show them in public and the law asks for it, label them yourself",
        );
    }
    if options.json {
        output::json(
            &json!({ "pictures": rows, "sheets": sheets, "labelled": !options.unlabelled }),
        );
        return;
    }
    for row in rows {
        output::line(row["file"].as_str().unwrap_or_default());
        for name in ["seed", "blake3", "sha256"] {
            output::line(format!(
                "  {name:<6}  {}",
                row[name].as_str().unwrap_or_default()
            ));
        }
        match (row["sealed"].as_u64(), row["differs_from"].as_u64()) {
            (Some(number), _) => {
                output::line(format!("  equal to sealed picture {number}, bit for bit"));
            }
            (None, Some(number)) => output::line(format!(
                "  different from sealed picture {number}, which has these values and this seed"
            )),
            (None, None) => {}
        }
    }
    for sheet in &sheets {
        output::line(sheet);
    }
}
