//! Rules of the search for near copies, and of a person's decision about one.

use super::likeness::{PicturePrint, TextPrint};
pub use super::store::{Match, Print, Resemblance, Review};
use super::{ReviewState, publication, store};
use crate::catalog::service as catalog;
use crate::catalog::stretch::Stretch;
use crate::catalog::versions;
use crate::log::service as log;
use crate::people::service::Person;
use crate::shop::Shop;
use base::compute;
use base::db::{self, Tx};
use base::vault::{self, Vault};
use engine::picture::Picture;
use schema::id::VersionId;
use schema::recipe::{Recipe, Seed};
use similar::{ChangeTag, TextDiff};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// A text as like an earlier one goes to a person by itself. `docs/moderation.md` has the measurements behind these five.
const TEXT_MILLI: i64 = 850;
/// A picture as like an earlier one does by itself: pictures of one subject by one model come close without a copy.
const PICTURE_MILLI: i64 = 980;
/// Both together tell more.
const BOTH_TEXT_MILLI: i64 = 600;
/// … with this share of the picture.
const BOTH_PICTURE_MILLI: i64 = 850;
/// Whoever bought the earlier recipe has read it: less of its text is worth a look.
const BOUGHT_TEXT_MILLI: i64 = 450;
/// So many earlier versions are shown as evidence.
const MATCHES: usize = 10;
/// Rows read at once.
const PAGE: i64 = 2000;
/// Where the search for versions without prints goes on.
const PRINTED_AFTER: &str = "printed_after";
/// The longest note of a decision, in characters.
const MAX_NOTE: usize = 2000;

/// Why a version is refused, in the order of the form.
pub const REASONS: [&str; 3] = ["copied_listing", "duplicate", "other"];

/// What can go wrong in moderation.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such review, or somebody decided it already.
    #[error("not found")]
    NotFound,
    /// A person may not decide about their own listing.
    #[error("your own")]
    Own,
    /// A reason that the form does not offer.
    #[error("no such reason")]
    Reason,
    /// A secret was erased, or does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// Anything else, for the log.
    #[error("{0}")]
    Internal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

impl Match {
    /// Whether a person should look.
    #[must_use]
    pub fn is_near(&self) -> bool {
        let bought = self.owned_ms.is_some();
        let (text, picture) = (self.text_milli, self.picture_milli);
        text >= TEXT_MILLI
            || picture >= PICTURE_MILLI
            || text >= BOTH_TEXT_MILLI && picture >= BOTH_PICTURE_MILLI
            || bought && (text >= BOUGHT_TEXT_MILLI || picture >= BOTH_PICTURE_MILLI)
    }
}

/// The texts that a recipe is compared by: what its pictures were really made from, and its template filled with defaults. What it
/// excludes changes few pixels or none, and would only dilute them.
pub(super) fn texts_of(recipe: &Recipe) -> Vec<String> {
    let defaults = recipe.variables.iter();
    let defaults = defaults.map(|(name, variable)| (name.clone(), variable.default_value()));
    let mut values: Vec<_> = recipe
        .anchors
        .iter()
        .map(|anchor| anchor.values.clone())
        .collect();
    values.push(defaults.collect());
    let mut texts: Vec<String> = values
        .iter()
        .filter_map(|values| recipe.picture(values, Seed(0)).ok())
        .map(|picture| picture.prompt)
        .collect();
    texts.sort();
    texts.dedup();
    texts
}

/// All that a person compares: the template, what the pictures were made from, and what the recipe excludes.
fn shown_text(recipe: &Recipe) -> String {
    let mut lines = vec![recipe.template.clone()];
    lines.extend(
        texts_of(recipe)
            .into_iter()
            .filter(|text| *text != recipe.template),
    );
    lines.extend(
        recipe
            .negative
            .iter()
            .map(|negative| format!("– {negative}")),
    );
    lines.join("\n")
}

/// A version's prints, as the database keeps them.
#[derive(Clone, Debug, Default)]
pub struct Prints {
    texts: String,
    pictures: String,
}

impl Prints {
    /// Takes the prints of a recipe and of its pictures. It computes: not inside a transaction, and not on an async thread.
    #[must_use]
    pub fn of(vault: &Vault, recipe: &Recipe, pictures: &[PicturePrint]) -> Self {
        let texts: Vec<TextPrint> = texts_of(recipe)
            .iter()
            .map(|text| TextPrint::of(vault, text))
            .collect();
        Self {
            texts: TextPrint::to_text(&texts),
            pictures: PicturePrint::to_text(pictures),
        }
    }
}

/// Keeps a version's prints, in the transaction that publishes it.
///
/// # Errors
/// When the database fails.
pub async fn keep_prints(
    tx: &mut Tx,
    version: &VersionId,
    person: &str,
    prints: &Prints,
) -> db::Result<()> {
    store::insert_print(tx, version, person, &prints.texts, &prints.pictures).await
}

/// Makes the prints of versions from before there were any, a few at a time; returns how many. One that cannot be read (its secret was
/// erased, a file is gone) gets empty prints, which resemble nothing, so that it keeps nobody else from theirs.
///
/// # Errors
/// When the database fails.
pub async fn fill_in(state: &Shop, limit: i64) -> db::Result<usize> {
    let mut tx = state.db.read().await?;
    let stretch = Stretch::next(&mut tx, PRINTED_AFTER).await?;
    let missing = store::list_unprinted(&mut tx, limit, &stretch).await?;
    drop(tx);
    if missing.is_empty() && !(stretch.is_first() && stretch.is_last()) {
        let mut tx = state.db.write().await?;
        stretch.pass(&mut tx).await?;
        tx.commit().await?;
    }
    for version in &missing {
        let read = read_for_prints(state, version).await;
        let mut tx = state.db.write().await?;
        let person = catalog::get_version(&mut tx, version)
            .await?
            .person_id
            .clone();
        let prints = read.unwrap_or_else(|error| {
            tracing::error!(version.id = %version, error = %error, "cannot be compared with later recipes");
            Prints::default()
        });
        keep_prints(&mut tx, version, &person, &prints).await?;
        tx.commit().await?;
    }
    Ok(missing.len())
}

/// A version's prints. Files are read and prints are taken outside any transaction.
async fn read_for_prints(state: &Shop, version: &VersionId) -> Result<Prints, Error> {
    let mut tx = state.db.write().await?;
    let listing = catalog::get_version(&mut tx, version).await?;
    let anchors = catalog::list_anchors(&mut tx, version).await?;
    let (secret, now) = (&listing.secret_id, state.clock.now_ms());
    let opened = state
        .vault
        .open(&mut tx, secret, "platform", "print", now)
        .await;
    let plain = opened.map_err(internal)?;
    tx.commit().await?;
    let mut files = Vec::new();
    for anchor in anchors {
        let file = state.media.get(&anchor.blob).await.map_err(internal)?;
        files.push(file.ok_or_else(|| internal(format!("{} is missing", anchor.blob)))?);
    }
    let vault = state.vault.clone();
    compute::run(move || {
        let pictures = files.iter().map(|file| {
            Ok(PicturePrint::of(
                &Picture::from_png(file).map_err(internal)?,
            ))
        });
        let pictures: Vec<PicturePrint> = pictures.collect::<Result<_, Error>>()?;
        let recipe = versions::recipe_of(&plain).map_err(internal)?;
        Ok(Prints::of(&vault, &recipe, &pictures))
    })
    .await
}

/// Compares a version with every recipe of others that was logged before it: what is near enough for a person to look at, the
/// nearest first. Reads every print once, so it asks for no write transaction.
///
/// # Errors
/// When the database fails, or the version has no prints: it is not taken for clean then.
pub async fn find_near(tx: &mut Tx, version: &VersionId) -> db::Result<Vec<Match>> {
    let print = store::get_print(tx, version).await?;
    // Compared once its leaf is in the log: before that nothing is earlier or later.
    let index = print.log_index.unwrap_or(i64::MAX);
    let own = Arc::new((
        TextPrint::parse_all(&print.text_prints),
        PicturePrint::parse_all(&print.picture_prints),
    ));
    let (mut matches, mut after) = (Vec::new(), String::new());
    loop {
        let page = store::list_earlier(tx, &print.person_id, index, &after, PAGE).await?;
        let last = page.last().map(|last| last.version_id.clone());
        let whole = page.len() as i64 == PAGE;
        let own = own.clone();
        for (earlier_version_id, text_milli, picture_milli) in
            compute::run(move || compare(&own, &page)).await
        {
            let bought = crate::orders::find_bought_ms(tx, &print.person_id, &earlier_version_id);
            let found = Match {
                owned_ms: bought.await?,
                earlier_version_id,
                text_milli,
                picture_milli,
            };
            if found.is_near() {
                matches.push(found);
            }
        }
        match last {
            Some(last) if whole => after = last.into(),
            _ => break,
        }
    }
    matches.sort_by_key(|found| std::cmp::Reverse(found.text_milli.max(found.picture_milli)));
    matches.truncate(MATCHES);
    Ok(matches)
}

/// How alike the versions of a page are; only those that could be near at all, which cost a look at purchases.
fn compare(
    (texts, pictures): &(Vec<TextPrint>, Vec<PicturePrint>),
    page: &[Print],
) -> Vec<(VersionId, i64, i64)> {
    let alike = page.iter().map(|earlier| {
        let earlier_texts = TextPrint::parse_all(&earlier.text_prints);
        let earlier_pictures = PicturePrint::parse_all(&earlier.picture_prints);
        (
            earlier.version_id.clone(),
            TextPrint::most_alike_milli(texts, &earlier_texts),
            PicturePrint::most_alike_milli(pictures, &earlier_pictures),
        )
    });
    alike
        .filter(|(_, text_milli, picture_milli)| {
            *text_milli >= BOUGHT_TEXT_MILLI || *picture_milli >= BOTH_PICTURE_MILLI
        })
        .collect()
}

/// Opens a review of a version with what [`find_near`] found.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    tx: &mut Tx,
    version: &VersionId,
    matches: &[Match],
    now_ms: i64,
) -> db::Result<()> {
    store::insert_review(tx, version, now_ms).await?;
    for found in matches {
        store::insert_match(tx, version, found).await?;
    }
    Ok(())
}

/// Other listings whose pictures look like those of the recipe with this leaf; only what a person let pass. A pair stands here for
/// its pictures alone: at a lower bar its mere presence would tell that its texts are alike, or that one was bought.
///
/// # Errors
/// When the database fails.
pub async fn list_resemblances(tx: &mut Tx, leaf_hash: &str) -> db::Result<Vec<Resemblance>> {
    store::list_resemblances(tx, leaf_hash, PICTURE_MILLI).await
}

/// A line of the queue.
pub struct Queued {
    pub review: Review,
    pub listing: catalog::SealedVersion,
    pub blob: Option<String>,
}

/// What waits, oldest first, and what was decided last.
///
/// # Errors
/// When the database fails.
pub async fn queue(tx: &mut Tx) -> db::Result<(Vec<Queued>, Vec<Queued>)> {
    let (mut open, mut decided) = (Vec::new(), Vec::new());
    let reviews = (store::list_open(tx).await?, store::list_decided(tx).await?);
    for (reviews, rows) in [(reviews.0, &mut open), (reviews.1, &mut decided)] {
        for review in reviews {
            let listing = catalog::get_version(tx, &review.version_id).await?;
            let anchors = catalog::list_anchors(tx, &review.version_id).await?;
            rows.push(Queued {
                review,
                listing,
                blob: anchors
                    .into_iter()
                    .next()
                    .map(|anchor| anchor.labelled_blob),
            });
        }
    }
    Ok((open, decided))
}

/// How many wait.
///
/// # Errors
/// When the database fails.
pub async fn count_open(tx: &mut Tx) -> db::Result<i64> {
    store::count_open(tx).await
}

/// One side of a comparison.
pub struct Side {
    pub listing: catalog::SealedVersion,
    pub anchors: Vec<catalog::Anchor>,
    pub date: Option<log::Date>,
}

/// A run of words that both texts have, or only the later (`Insert`) or the earlier one (`Delete`).
pub type Difference = Vec<(ChangeTag, String)>;

/// A match with what a person needs to judge it.
pub struct Evidence {
    pub found: Match,
    pub earlier: Side,
    pub difference: Difference,
}

/// A case: what was submitted, and each earlier version that it resembles.
pub struct Case {
    pub review: Review,
    /// When what was decided becomes public, if it has not yet.
    pub due_ms: Option<i64>,
    pub submitted: Side,
    pub evidence: Vec<Evidence>,
}

async fn side(state: &Shop, tx: &mut Tx, version: &VersionId) -> Result<Side, Error> {
    let listing = catalog::get_version(tx, version).await?;
    let leaf = log::get_leaf(tx, &listing.leaf_hash)
        .await
        .map_err(internal)?;
    Ok(Side {
        anchors: catalog::list_anchors(tx, version).await?,
        date: state.log.date(tx, &leaf).await?,
        listing,
    })
}

/// Opens a sealed text for the comparison; the vault notes who looked.
async fn sealed_text(
    state: &Shop,
    tx: &mut Tx,
    operator: &str,
    secret: &str,
) -> Result<String, Error> {
    let now = state.clock.now_ms();
    let plain = state
        .vault
        .open(tx, secret, operator, "copy case", now)
        .await?;
    let recipe = versions::recipe_of(&plain).map_err(internal)?;
    Ok(shown_text(&recipe))
}

fn difference(earlier: &str, submitted: &str) -> Difference {
    let mut runs: Difference = Vec::new();
    for change in TextDiff::from_unicode_words(earlier, submitted).iter_all_changes() {
        match runs.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => runs.push((change.tag(), change.value().to_owned())),
        }
    }
    runs
}

/// Gathers a case. Templates are opened for it, which the vault writes down under the operator's name.
///
/// # Errors
/// [`Error::NotFound`] when there is none, [`Error::Own`] for one's own: nobody reads a rival's template that way.
pub async fn case(state: &Shop, operator: &str, version: &VersionId) -> Result<Case, Error> {
    let mut tx = state.db.write().await?;
    let review = store::find_review(&mut tx, version)
        .await?
        .ok_or(Error::NotFound)?;
    refuse_own(&mut tx, operator, version).await?;
    let submitted = side(state, &mut tx, version).await?;
    let text = sealed_text(state, &mut tx, operator, &submitted.listing.secret_id).await?;
    let mut opened = Vec::new();
    for found in store::list_matches(&mut tx, version).await? {
        let earlier = side(state, &mut tx, &found.earlier_version_id).await?;
        let earlier_text =
            sealed_text(state, &mut tx, operator, &earlier.listing.secret_id).await?;
        opened.push((found, earlier, earlier_text));
    }
    let due_ms = publication::find_due_ms(&mut tx, version).await?;
    tx.commit().await?;
    let evidence = compute::run(move || {
        let compared = opened
            .into_iter()
            .map(|(found, earlier, earlier_text)| Evidence {
                difference: difference(&earlier_text, &text),
                earlier,
                found,
            });
        compared.collect()
    });
    let evidence = evidence.await;
    Ok(Case {
        review,
        due_ms,
        submitted,
        evidence,
    })
}

/// Nobody judges, or looks into, what is their own or resembles it.
async fn refuse_own(tx: &mut Tx, operator: &str, version: &VersionId) -> Result<(), Error> {
    let mut versions = vec![version.to_owned()];
    for found in store::list_matches(tx, version).await? {
        versions.push(found.earlier_version_id);
    }
    for version in versions {
        if catalog::get_version(tx, &version).await?.person_id == operator {
            return Err(Error::Own);
        }
    }
    Ok(())
}

/// Decides a case: with a reason the version is refused, without one it goes on sale.
///
/// # Errors
/// [`Error::NotFound`] when it is not open any more, [`Error::Own`] about one's own listing or one that resembles one's own.
pub async fn decide(
    state: &Shop,
    operator: &Person,
    version: &VersionId,
    refusal: Option<&str>,
    note: &str,
) -> Result<(), Error> {
    if refusal.is_some_and(|reason| !REASONS.contains(&reason)) {
        return Err(Error::Reason);
    }
    let note: String = note.chars().take(MAX_NOTE).collect();
    let mut tx = state.db.write().await?;
    refuse_own(&mut tx, operator.id.as_str(), version).await?;
    let now = state.clock.now_ms();
    let decision = if refusal.is_some() {
        ReviewState::Rejected
    } else {
        ReviewState::Approved
    };
    if !store::decide(
        &mut tx,
        version,
        decision,
        now,
        operator.id.as_str(),
        refusal,
        &note,
    )
    .await?
    {
        return Err(Error::NotFound);
    }
    // Its creator reads it at a moment that tells nothing about when it was decided.
    let why = refusal.map(|reason| format!("review-{reason}"));
    publication::end(&mut tx, version, why.as_deref(), now).await?;
    tx.commit().await?;
    Ok(())
}
