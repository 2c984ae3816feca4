//! Rules of ownership, opening, bundles and re-runs.

use super::store;
pub use super::store::{Due, Owned, Run};
use crate::catalog::ListingState;
use crate::catalog::service as catalog;
use crate::catalog::versions::VersionSecret;
use crate::log::service as log;
use crate::machines::{self, Stands, pace};
use crate::orders::{self, Line, LineState};
use crate::sales::LicenceSecret;
use crate::shop::Shop;
use crate::starting::{self, Kept};
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::{compute, vault};
use base::{limits, random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::evidence::{Evidence, Opening};
use schema::bundle::{Bundle, LoggedStatement, OwnedLicence, OwnerPart, SealedListing, SealedPart};
use schema::digest::Digest;
use schema::id::{LineId, PersonId, RunId};
use schema::key::PublicKey;
use schema::recipe::Recipe;
use schema::statement::{Environment, Outcome};
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

/// Most re-runs and certifications of one person that wait or are under way: they go before everybody's pictures.
const MAX_WAITING: i64 = 16;

/// What can go wrong in the library.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such line or run, or somebody else's.
    #[error("not found")]
    NotFound,
    /// It was refunded.
    #[error("refunded")]
    Refunded,
    /// The recipe must be opened first: that ends the right to return it.
    #[error("not opened")]
    NotOpened,
    /// Too many runs in an hour.
    #[error("too many runs")]
    TooMany,
    /// A leaf is not in a checkpoint yet.
    #[error("not logged yet")]
    NotLogged,
    /// A secret was erased, or does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The log failed.
    #[error(transparent)]
    Log(log::Error),
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

impl From<log::Error> for Error {
    fn from(error: log::Error) -> Self {
        match error {
            log::Error::NotLogged => Self::NotLogged,
            other => Self::Log(other),
        }
    }
}

/// One picture of a re-run, compared with the sealed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPicture {
    /// The regenerated file.
    pub blob: String,
    pub found: Digest,
    pub sealed: Digest,
    pub outcome: Outcome,
    /// Samples that differ, and the largest difference.
    pub differing: u64,
    pub largest: u8,
    /// Peak signal-to-noise ratio in hundredths of a decibel.
    pub centibels: Option<i64>,
}

impl Run {
    /// The pictures of a finished run.
    #[must_use]
    pub fn pictures(&self) -> Vec<RunPicture> {
        self.results
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// A buyer's own line.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's, [`Error::Refunded`] when it was given back.
pub async fn get_line(tx: &mut Tx, buyer: &PersonId, id: &LineId) -> Result<Line, Error> {
    let line = match orders::get_line(tx, id).await {
        Ok(line) if line.buyer_id == buyer.as_str() => line,
        Ok(_) => return Err(Error::NotFound),
        Err(error) if error.is_missing() => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    };
    match line.state {
        LineState::Owned => Ok(line),
        LineState::Refunded => Err(Error::Refunded),
        _ => Err(Error::NotFound),
    }
}

/// Opens a line's recipe: the buyer agreed that it cannot be returned any more.
///
/// # Errors
/// As [`get_line`].
pub async fn open(state: &Shop, buyer: &PersonId, id: &LineId) -> Result<(), Error> {
    let mut tx = state.db.write().await?;
    let line = get_line(&mut tx, buyer, id).await?;
    // A return that went through in the meantime wins: nobody gets both the recipe and the money.
    if !orders::set_opened(&mut tx, &line.id, state.clock.now_ms()).await? {
        return Err(Error::Refunded);
    }
    tx.commit().await?;
    Ok(())
}

fn require_opened(line: &Line) -> Result<(), Error> {
    // What was free can always be opened: there is nothing to return.
    if line.opened_ms.is_some() || line.price_minor == 0 {
        Ok(())
    } else {
        Err(Error::NotOpened)
    }
}

/// A buyer's own line whose recipe is open to them.
///
/// # Errors
/// As [`get_line`], or [`Error::NotOpened`].
pub async fn get_opened(tx: &mut Tx, buyer: &PersonId, id: &LineId) -> Result<Line, Error> {
    let line = get_line(tx, buyer, id).await?;
    require_opened(&line)?;
    Ok(line)
}

async fn open_secret(
    state: &Shop,
    tx: &mut Tx,
    secret_id: &str,
    actor: &str,
    reason: &str,
) -> Result<VersionSecret, Error> {
    let plain = state
        .vault
        .open(tx, secret_id, actor, reason, state.clock.now_ms())
        .await?;
    serde_json::from_slice(&plain).map_err(internal)
}

/// An opened recipe, and what lets its owner's browser check that it is the one that was sealed.
pub struct OpenedRecipe {
    pub recipe: Recipe,
    /// Its exact text.
    pub text: String,
    /// `None` when the log cannot prove the leaf at the moment.
    pub evidence: Option<Evidence>,
}

/// The recipe of an opened line.
///
/// # Errors
/// [`Error::NotOpened`] before the buyer opened it.
pub async fn recipe(state: &Shop, line: &Line) -> Result<OpenedRecipe, Error> {
    require_opened(line)?;
    // Only the opening is written down, and everybody's writes wait for that alone.
    let mut tx = state.db.write().await?;
    let listing = catalog::get_version(&mut tx, &line.version_id).await?;
    let (secret, buyer) = (&listing.secret_id, &line.buyer_id);
    let secret = open_secret(state, &mut tx, secret, buyer, "show recipe").await?;
    tx.commit().await?;
    let mut tx = state.db.read().await?;
    let bytes = STANDARD.decode(&secret.recipe).map_err(internal)?;
    let recipe = Recipe::parse(&bytes).map_err(internal)?;
    let row = log::get_leaf(&mut tx, &listing.leaf_hash).await?;
    // A damaged log keeps nobody from a recipe that they paid for.
    let proof = match state.log.prove(&mut tx, &row).await {
        Ok(proof) => Some(proof.to_text()),
        Err(error) => {
            tracing::error!(leaf = %row.leaf_hash, error = %error, "cannot prove a sold recipe");
            None
        }
    };
    let pixels = catalog::list_anchor_digests(&mut tx, &line.version_id).await?;
    let evidence = proof.map(|proof| Evidence {
        leaf: row.leaf,
        key: listing.creator_key.clone(),
        log_key: state.log.verifier.to_string(),
        proof,
        policy: state.log.witness_policy().map(ToString::to_string),
        opening: Some(Opening {
            recipe: secret.recipe,
            salt: secret.salt,
            pixels,
        }),
    });
    Ok(OpenedRecipe {
        recipe,
        text: String::from_utf8(bytes).map_err(internal)?,
        evidence,
    })
}

/// The picture or, behind it, the mask that an opened line's recipe begins with, as a PNG.
///
/// # Errors
/// [`Error::NotOpened`] before the buyer opened it, [`Error::NotFound`] where there is none.
pub async fn starting_file(state: &Shop, line: &Line, index: usize) -> Result<Vec<u8>, Error> {
    require_opened(line)?;
    let mut tx = state.db.write().await?;
    let listing = catalog::get_version(&mut tx, &line.version_id).await?;
    let (secret, buyer) = (&listing.secret_id, &line.buyer_id);
    let secret = open_secret(state, &mut tx, secret, buyer, "show recipe").await?;
    tx.commit().await?;
    let kept = secret.starting.get(index).cloned();
    let kept = kept.ok_or(Error::NotFound)?;
    let mut files = starting::read(&state.media, &[kept])
        .await
        .map_err(internal)?;
    files.pop().ok_or(Error::NotFound)
}

/// A bundle that waits for the files of its recipe: they are read when nobody waits for a transaction any more.
#[must_use]
pub struct Bundled {
    bundle: Bundle,
    starting: Vec<Kept>,
}

impl Bundled {
    /// The file's bytes.
    ///
    /// # Errors
    /// When a picture that the recipe begins with is gone.
    pub async fn into_bytes(mut self, state: &Shop) -> Result<Vec<u8>, Error> {
        let files = starting::read(&state.media, &self.starting).await;
        let files = files.map_err(internal)?;
        let whole = compute::run(move || {
            if let Some(owner) = &mut self.bundle.owner
                && !files.is_empty()
            {
                owner.pictures = Some(files.iter().map(|file| STANDARD.encode(file)).collect());
            }
            self.bundle.to_bytes()
        });
        whole.await.map_err(internal)
    }
}

/// The bundle of a version: public without `line`, an owner's with it. What is given away holds its recipe in public, so that anybody can
/// check everything without buying.
///
/// # Errors
/// [`Error::NotLogged`] while a leaf waits for its checkpoint.
pub async fn bundle(
    state: &Shop,
    tx: &mut Tx,
    listing: &catalog::Listing,
    line: Option<&Line>,
) -> Result<Bundled, Error> {
    let sealed = log::get_leaf(tx, &listing.leaf_hash).await?;
    let listed = log::get_leaf(tx, &listing.listing_leaf_hash).await?;
    let (key_end, end_leaf) = match key_end(state, tx, &sealed).await? {
        Some((statement, leaf)) => (Some(statement), leaf),
        None => (None, sealed.clone()),
    };
    // Beside the end of its key, so that one tree shows which of the two is older.
    let sealed_proof = state.log.prove_beside(tx, &sealed, &end_leaf).await?;
    let encode = |row: &log::LeafRow| -> Result<String, Error> {
        Ok(STANDARD.encode(row.parse()?.to_bytes()))
    };
    let mut bundle = Bundle::new(
        state.log.origin.clone(),
        Some(state.log.verifier.to_string()),
        PublicKey::parse(&listing.creator_key).map_err(internal)?,
        SealedPart {
            leaf: encode(&sealed)?,
            proof: Some(sealed_proof.to_text()),
        },
        SealedListing {
            statement: serde_json::from_str(&listing.listing_statement).map_err(internal)?,
            leaf: encode(&listed)?,
            proof: Some(state.log.prove(tx, &listed).await?.to_text()),
        },
    );
    if let Some(hash) = &listing.certification_leaf_hash {
        bundle.certification = Some(log::logged_statement(tx, &state.log, hash).await?);
    }
    bundle.key_end = key_end;
    let mut starting = Vec::new();
    if let Some(line) = line {
        require_opened(line)?;
        let secret = open_secret(
            state,
            tx,
            &listing.secret_id,
            &line.buyer_id,
            "download bundle",
        )
        .await?;
        bundle.owner = Some(OwnerPart {
            salt: secret.salt,
            recipe: secret.recipe,
            licence: owned_licence(state, tx, line).await?,
            pictures: None,
        });
        starting = secret.starting;
    } else if listing.price_minor == 0 && listing.state == ListingState::Live {
        let plain = state.vault.open_public(tx, &listing.secret_id).await;
        let secret: VersionSecret = serde_json::from_slice(&plain?).map_err(internal)?;
        bundle.owner = Some(OwnerPart {
            salt: secret.salt,
            recipe: secret.recipe,
            licence: None,
            pictures: None,
        });
        starting = secret.starting;
    }
    Ok(Bundled { bundle, starting })
}

/// The logged end of the key that sealed a leaf with its own leaf, if it ended.
async fn key_end(
    state: &Shop,
    tx: &mut Tx,
    sealed: &log::LeafRow,
) -> Result<Option<(LoggedStatement, log::LeafRow)>, Error> {
    let key_hash = sealed.parse()?.key_hash.hex();
    let end = crate::log::keys::find_signer_end(tx, sealed, &key_hash).await?;
    let Some(leaf) = end.and_then(|end| end.key.end_leaf_hash) else {
        return Ok(None);
    };
    let row = log::get_leaf(tx, &leaf).await?;
    match log::logged_statement(tx, &state.log, &leaf).await {
        Ok(statement) => Ok(Some((statement, row))),
        // It is public in a moment, and a bundle fetched then knows of it; or the statement went with a lost database.
        Err(log::Error::NotLogged | log::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn owned_licence(
    state: &Shop,
    tx: &mut Tx,
    line: &Line,
) -> Result<Option<OwnedLicence>, Error> {
    let (Some(secret), Some(leaf)) = (&line.licence_secret_id, &line.licence_leaf_hash) else {
        return Ok(None);
    };
    let plain = state
        .vault
        .open(
            tx,
            secret,
            &line.buyer_id,
            "download bundle",
            state.clock.now_ms(),
        )
        .await?;
    let secret: LicenceSecret = serde_json::from_slice(&plain).map_err(internal)?;
    let row = log::get_leaf(tx, leaf).await?;
    Ok(Some(OwnedLicence {
        document: secret.document,
        salt: secret.salt,
        logged: state.log.logged(tx, &row).await?,
        key: state.log.platform_key(),
    }))
}

/// Asks our worker to regenerate an opened line's pictures. Returns the run's id.
///
/// # Errors
/// [`Error::TooMany`], or as [`get_line`].
pub async fn start_run(state: &Shop, buyer: &PersonId, line_id: &LineId) -> Result<RunId, Error> {
    let mut tx = state.db.write().await?;
    let line = get_line(&mut tx, buyer, line_id).await?;
    require_opened(&line)?;
    if turns::count_open(&mut tx, buyer.as_str(), Class::Owed).await? >= MAX_WAITING
        || !limits::allow(&mut tx, limits::REPRODUCE, buyer.as_str()).await?
    {
        tx.commit().await?;
        return Err(Error::TooMany);
    }
    let listing = catalog::get_version(&mut tx, &line.version_id).await?;
    let anchors = catalog::list_anchors(&mut tx, &line.version_id).await?;
    let id = random::id_of();
    let pictures = i64::try_from(anchors.len()).unwrap_or(1);
    let steps = listing.steps * pictures;
    store::insert_run(&mut tx, &id, &line, steps, state.clock.now_ms()).await?;
    let made = Regenerated::of(&listing, pictures);
    enqueue(&mut tx, &id, Class::Owed, Some(buyer), &made).await?;
    tx.commit().await?;
    Ok(id)
}

/// Lets our worker regenerate a line's pictures because one of them came out different elsewhere: the outcome is decided as that of any
/// re-run, whoever asked for it.
///
/// # Errors
/// When the database fails.
pub async fn check_again(state: &Shop, tx: &mut Tx, line: &Line) -> db::Result<()> {
    let version = catalog::get_version(tx, &line.version_id).await?;
    let anchors = catalog::list_anchors(tx, &line.version_id).await?;
    let pictures = i64::try_from(anchors.len()).unwrap_or(1);
    let steps = version.steps * pictures;
    let (id, buyer) = (random::id_of(), PersonId::parse(&line.buyer_id).ok());
    store::insert_run(tx, &id, line, steps, state.clock.now_ms()).await?;
    let made = Regenerated::of(&version, pictures);
    enqueue(tx, &id, Class::Owed, buyer.as_ref(), &made).await
}

/// What is regenerated, for its turn.
pub(super) struct Regenerated {
    pub(super) model: String,
    pub(super) size: (i64, i64),
    /// Of each picture.
    pub(super) steps: i64,
    pub(super) pictures: i64,
}

impl Regenerated {
    fn of(version: &catalog::SealedVersion, pictures: i64) -> Self {
        Self {
            model: version.model.clone(),
            size: (version.width, version.height),
            steps: version.steps,
            pictures,
        }
    }
}

fn job_key(run: &RunId) -> String {
    format!("run:{run}")
}

/// How a run stands that is not over.
///
/// # Errors
/// When the database fails.
pub async fn stands(state: &Shop, tx: &mut Tx, run: &RunId) -> db::Result<Option<Stands>> {
    machines::stands(tx, &state.here, state.workers, &job_key(run)).await
}

pub(super) async fn enqueue(
    tx: &mut Tx,
    run: &RunId,
    class: Class,
    share: Option<&PersonId>,
    made: &Regenerated,
) -> db::Result<()> {
    let cost_ms = pace::cost_ms(tx, &made.model, made.size, made.steps, made.pictures).await?;
    let job = PictureJob {
        kind: super::REPRODUCE,
        unique_key: &job_key(run),
        payload: run.as_str(),
        class,
        share: share.map(PersonId::as_str),
        cost_ms,
        model: &made.model,
    };
    turns::enqueue(tx, &job).await
}

/// A release of the engine, as the beginning of every environment that it names.
#[must_use]
pub(super) fn release_of(environment: &Environment) -> String {
    format!("{}, {},", environment.engine, environment.runtime)
}

/// What an owner signs to publish a run's outcome.
pub struct Attestable {
    /// The statement's JSON.
    pub statement: String,
    /// Document and salt of the licence, as the bundle holds them.
    pub licence: (String, String),
}

/// The finished run of a line, ready to be signed by its owner. `None` without a licence or for a run from before statements were
/// kept.
///
/// # Errors
/// When the licence cannot be opened.
pub async fn attestable(
    state: &Shop,
    tx: &mut Tx,
    line: &Line,
    run: &Run,
) -> Result<Option<Attestable>, Error> {
    let (Some(statement), Some(secret)) = (run.statement.clone(), &line.licence_secret_id) else {
        return Ok(None);
    };
    let (now, reason) = (state.clock.now_ms(), "attest");
    let opened = state
        .vault
        .open(tx, secret, &line.buyer_id, reason, now)
        .await;
    let secret: LicenceSecret =
        serde_json::from_slice(&opened.map_err(internal)?).map_err(internal)?;
    Ok(Some(Attestable {
        statement,
        licence: (secret.document, secret.salt),
    }))
}

/// A buyer's own run.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get_run(tx: &mut Tx, buyer: &PersonId, id: &RunId) -> Result<Run, Error> {
    match store::get_run(tx, id).await {
        Ok(run) if run.person_id.as_deref() == Some(buyer.as_str()) => Ok(run),
        Ok(_) => Err(Error::NotFound),
        Err(error) if error.is_missing() => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// A line's runs, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_runs(tx: &mut Tx, line: &LineId) -> db::Result<Vec<Run>> {
    store::list_runs(tx, line).await
}
