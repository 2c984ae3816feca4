//! Queueing leaves, finding statements, building proofs.

use super::status::{LogStatus, Reporter};
use super::store;
pub use super::store::{LeafRow, PublicCheckpoint, StatementRow};
use base::db::{self, Tx};
use base::random;
use ledger::checkpoint::Checkpoint;
use ledger::edge::Edge;
use ledger::note::Verifier;
use ledger::policy::{Policy, Settlement};
use ledger::proof::{TlogProof, inclusion};
use ledger::tile::{self, TileReader as _};
use ledger::writer::Folder;
use schema::bundle::{LoggedLeaf, LoggedStatement};
use schema::digest::Digest;
use schema::key::{PublicKey, SecretKey};
use schema::key_event::KeyEndStatement;
use schema::leaf::{Leaf, LeafKind};
use schema::pixels::PixelDigest;
use schema::statement::{
    Envelope, Predicate, ReproductionStatement, Subject, WithdrawalReason, WithdrawalStatement,
};
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error as ThisError;

/// What can go wrong with the log.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such leaf.
    #[error("no such leaf")]
    NotFound,
    /// The leaf is queued, but not in a signed checkpoint yet.
    #[error("the leaf is not in a signed checkpoint yet")]
    NotLogged,
    /// More leaves come than can be stored.
    #[error("the log takes no more leaves at the moment")]
    Busy,
    /// The log failed.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A stored document is damaged.
    #[error(transparent)]
    Schema(#[from] schema::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] db::Error),
}

impl LeafRow {
    /// The leaf itself.
    ///
    /// # Errors
    /// When the stored bytes are damaged.
    pub fn parse(&self) -> Result<Leaf, Error> {
        let bytes = hex::decode(&self.leaf)
            .map_err(|_| schema::Error::new(schema::ErrorKind::Malformed, "leaf", "is not hex"))?;
        Ok(Leaf::parse(&bytes)?)
    }
}

/// Since when a leaf is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Milliseconds since 1970.
    pub ms: i64,
    /// Whether a quorum of witnesses says so; else it is our own clock.
    pub witnessed: bool,
    /// Whether this was the first public checkpoint that held it; else that one was not kept, and this is only the latest it can be.
    pub exact: bool,
}

impl Date {
    /// The names of the texts that say by whose clock, and that it may be older.
    #[must_use]
    pub fn texts(self) -> Vec<&'static str> {
        let clock = if self.witnessed {
            "date-witnessed"
        } else {
            "date-own"
        };
        let mut texts = vec![clock];
        if !self.exact {
            texts.push("date-latest");
        }
        texts
    }
}

/// Real time, which the sandbox's clock does not move: witnesses live in it.
fn now_seconds() -> u64 {
    u64::try_from(random::real_now_ms() / 1000).unwrap_or_default()
}

/// The log as readers see it: its files, its key, and the platform's signing key.
#[derive(Clone)]
pub struct PublicLog {
    /// The log's name.
    pub origin: String,
    /// The log's key.
    pub verifier: Verifier,
    folder: PathBuf,
    reporter: Reporter,
    platform: Arc<SecretKey>,
    /// What makes a checkpoint count; `quorum none` without witnesses.
    policy: Arc<Policy>,
}

impl PublicLog {
    /// Describes the log in `folder`, and the witnesses that must have cosigned what it shows.
    ///
    /// # Errors
    /// When the witnesses' policy does not trust this log's own key.
    pub fn new(
        origin: String,
        verifier: Verifier,
        folder: PathBuf,
        platform: SecretKey,
        witnesses: Option<Policy>,
    ) -> Result<Self, Error> {
        if let Some(policy) = &witnesses
            && policy.log(&origin)? != &verifier
        {
            return Err(ledger::Error::new(
                ledger::ErrorKind::Malformed,
                format!(
                    "the witnesses' policy names another key for {origin}; this log's is {verifier}"
                ),
            )
            .into());
        }
        let policy = witnesses.unwrap_or_else(|| Policy::log_alone(verifier.clone()));
        Ok(Self {
            origin,
            verifier,
            folder,
            reporter: Reporter::default(),
            platform: Arc::new(platform),
            policy: Arc::new(policy),
        })
    }

    /// What the log does at the moment: whether leaves become public, and if not, why and since when.
    #[must_use]
    pub fn status(&self) -> LogStatus {
        self.reporter.status()
    }

    /// Where the sequencer of this process writes that.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// The policy, when it asks for witnesses.
    #[must_use]
    pub fn witness_policy(&self) -> Option<&Policy> {
        Some(&*self.policy).filter(|policy| policy.asks_for_witnesses())
    }

    /// The name of the text that says what this log does not prove.
    #[must_use]
    pub fn limits_text(&self) -> &'static str {
        if self.policy.asks_for_witnesses() {
            "how-limits-witnessed"
        } else {
            "how-limits"
        }
    }

    /// Who cosigned a checkpoint of this log, and since when it stands.
    ///
    /// # Errors
    /// When it is not by this log, or the quorum is not complete.
    pub fn settle(&self, checkpoint: &str) -> Result<Settlement, Error> {
        Ok(self.policy.settle(checkpoint, now_seconds())?)
    }

    /// The platform's public key.
    #[must_use]
    pub fn platform_key(&self) -> PublicKey {
        self.platform.public()
    }

    fn reader(&self) -> Result<Folder, Error> {
        Ok(Folder::new(&self.folder)?)
    }

    /// The newest published checkpoint's text.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn checkpoint(&self) -> Result<String, Error> {
        let bytes = self.reader()?.read_tile("checkpoint")?;
        String::from_utf8(bytes).map_err(|_| {
            ledger::Error::new(ledger::ErrorKind::Corrupt, "the checkpoint is not text").into()
        })
    }

    /// Re-reads every entry and tile against the newest public checkpoint and returns its size; the nightly check that a disk
    /// still holds what was signed.
    ///
    /// # Errors
    /// Names the first object that does not fit.
    pub fn audit(&self) -> Result<u64, Error> {
        let checkpoint = self.settle(&self.checkpoint()?)?.checkpoint;
        let known = Edge::default();
        ledger::audit::audit(&self.reader()?, &checkpoint, known, &mut |_, _, _| ())?;
        Ok(checkpoint.size)
    }

    /// A tile, bundle or checkpoint by its path below the log's prefix; `None` for anything else.
    ///
    /// # Errors
    /// When reading fails.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let reader = self.reader()?;
        if path != "checkpoint" {
            return Ok(tile::serve(&reader, path)?);
        }
        match reader.read_tile(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ledger::ErrorKind::Missing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The proof that a leaf is in a public checkpoint, verified before it is handed out: the first that covered it, because that
    /// one dates it, or the newest where the first does not satisfy today's policy.
    ///
    /// # Errors
    /// [`Error::NotLogged`] while it is queued.
    pub async fn prove(&self, tx: &mut Tx, row: &LeafRow) -> Result<TlogProof, Error> {
        self.prove_beside(tx, row, row).await
    }

    /// As [`PublicLog::prove`], in the first public checkpoint that covers both leaves: two such proofs are about one tree, and show
    /// which of the two is older.
    ///
    /// # Errors
    /// [`Error::NotLogged`] while either is queued.
    pub async fn prove_beside(
        &self,
        tx: &mut Tx,
        row: &LeafRow,
        other: &LeafRow,
    ) -> Result<TlogProof, Error> {
        let index = row.log_index.ok_or(Error::NotLogged)?;
        let later = index.max(other.log_index.ok_or(Error::NotLogged)?);
        let first = store::find_first_public(tx, &self.origin, later).await?;
        let first = first.filter(|public| self.policy.settle(&public.note, now_seconds()).is_ok());
        let text = match first {
            Some(public) => public.note,
            None => self.checkpoint()?,
        };
        let index = u64::try_from(index).map_err(|_| Error::NotLogged)?;
        let checkpoint = Checkpoint::open(&text, &self.verifier)?;
        if index >= checkpoint.size {
            return Err(Error::NotLogged);
        }
        let proof = TlogProof {
            index,
            hashes: inclusion(&self.reader()?, index, checkpoint.size)?,
            checkpoint: text,
        };
        proof.verify(&row.parse()?.hash().0, &checkpoint)?;
        Ok(proof)
    }

    /// When a leaf was public at the latest, and whether witnesses say so or only our own clock. `None` while it is queued.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn date(&self, tx: &mut Tx, row: &LeafRow) -> Result<Option<Date>, Error> {
        let Some(index) = row.log_index else {
            return Ok(None);
        };
        let Some(public) = store::find_first_public(tx, &self.origin, index).await? else {
            return Ok(None);
        };
        // Witnesses that are trusted no more date nothing; the order of the log stands without them.
        let settlement = self.policy.count(&public.note, now_seconds()).ok();
        let witnessed = settlement
            .and_then(|settlement| settlement.settled_seconds)
            .and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1000));
        Ok(Some(Date {
            ms: witnessed.unwrap_or(public.public_ms),
            witnessed: witnessed.is_some(),
            exact: index >= public.first_index,
        }))
    }

    /// A leaf with its proof, as bundles hold it.
    ///
    /// # Errors
    /// As [`PublicLog::prove`].
    pub async fn logged(&self, tx: &mut Tx, row: &LeafRow) -> Result<LoggedLeaf, Error> {
        let proof = self.prove(tx, row).await?;
        Ok(LoggedLeaf::new(&row.parse()?, proof.to_text()))
    }

    /// Signs a statement with the platform's key and queues its leaf.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attest(
        &self,
        tx: &mut Tx,
        statement: &ReproductionStatement,
    ) -> Result<LeafRow, Error> {
        let envelope = Envelope::sign(&statement.subjects(), statement, &self.platform)?;
        let leaf = Leaf::sign(
            &self.origin,
            LeafKind::Reproduction,
            envelope.digest()?,
            &self.platform,
        );
        let row = queue(tx, &self.origin, &leaf, &self.platform_key()).await?;
        let environment = environment_text(&statement.environment);
        let statement = StatementRow {
            leaf_hash: row.leaf_hash.clone(),
            about_leaf_hash: statement.leaf.hex(),
            predicate: ReproductionStatement::TYPE.into(),
            envelope: serde_json::to_string(&envelope).unwrap_or_default(),
            public_key: self.platform_key().to_string(),
            outcome: Some(statement.outcome.name().into()),
            environment: Some(environment),
            attester: Some("platform".into()),
            created_ms: random::real_now_ms(),
        };
        store::insert_statement(tx, &statement).await?;
        Ok(row)
    }

    /// Says with the platform's key that a listing was withdrawn, and queues the leaf.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw(
        &self,
        tx: &mut Tx,
        statement: &WithdrawalStatement,
        pictures: &[PixelDigest],
    ) -> Result<LeafRow, Error> {
        let about = Subject::pictures(pictures);
        let envelope = Envelope::sign(&about, statement, &self.platform)?;
        let digest = envelope.digest()?;
        let leaf = Leaf::sign(&self.origin, LeafKind::Withdrawal, digest, &self.platform);
        let key = self.platform_key();
        let row = queue(tx, &self.origin, &leaf, &key).await?;
        keep::<WithdrawalStatement>(tx, &row, &statement.leaf, &envelope, &key).await?;
        Ok(row)
    }

    /// Signs the end of a key whose owner has it no more with the platform's key.
    ///
    /// # Errors
    /// When the statement cannot be written.
    pub fn sign_key_end(&self, statement: &KeyEndStatement) -> Result<(Envelope, Leaf), Error> {
        Ok(statement.sign(&self.origin, &self.platform)?)
    }

    /// Signs a licence leaf with the platform's key and queues it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_licence(&self, tx: &mut Tx, digest: Digest) -> Result<LeafRow, Error> {
        let leaf = Leaf::sign(&self.origin, LeafKind::Licence, digest, &self.platform);
        queue(tx, &self.origin, &leaf, &self.platform_key()).await
    }
}

/// An environment as pages show it and as statements are counted by.
#[must_use]
pub fn environment_text(environment: &schema::statement::Environment) -> String {
    let schema::statement::Environment {
        engine,
        runtime,
        cpu,
        ..
    } = environment;
    format!("{engine}, {runtime}, {cpu}")
}

/// Queues a leaf in the transaction of the change that makes it. A repeat gets the stored leaf.
///
/// # Errors
/// When signature or key do not belong together, or the database fails.
pub async fn queue(
    tx: &mut Tx,
    origin: &str,
    leaf: &Leaf,
    key: &PublicKey,
) -> Result<LeafRow, Error> {
    leaf.verify(origin, key)?;
    store::insert_key(tx, &key.hash().hex(), &key.to_string()).await?;
    Ok(store::insert_leaf(tx, origin, leaf, random::real_now_ms()).await?)
}

/// Keeps a public statement of predicate `P` beside its queued leaf, so that its proof page can show it. `about` is the leaf or the
/// key that it is about.
///
/// # Errors
/// When the database fails.
pub async fn keep<P: Predicate>(
    tx: &mut Tx,
    row: &LeafRow,
    about: &Digest,
    envelope: &Envelope,
    key: &PublicKey,
) -> db::Result<()> {
    let statement = StatementRow {
        leaf_hash: row.leaf_hash.clone(),
        about_leaf_hash: about.hex(),
        predicate: P::TYPE.into(),
        envelope: serde_json::to_string(envelope).unwrap_or_default(),
        public_key: key.to_string(),
        outcome: None,
        environment: None,
        attester: None,
        created_ms: random::real_now_ms(),
    };
    store::insert_statement(tx, &statement).await
}

/// A leaf by its RFC 6962 hash.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_leaf(tx: &mut Tx, hash: &str) -> Result<LeafRow, Error> {
    store::find_leaf(tx, hash).await?.ok_or(Error::NotFound)
}

/// A leaf by its index.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_leaf_by_index(tx: &mut Tx, origin: &str, index: i64) -> Result<LeafRow, Error> {
    store::find_leaf_by_index(tx, origin, index)
        .await?
        .ok_or(Error::NotFound)
}

/// Whether every leaf named is in the tree.
///
/// # Errors
/// [`Error::NotFound`] for an unknown leaf.
pub async fn all_logged(tx: &mut Tx, hashes: &[&str]) -> Result<bool, Error> {
    for hash in hashes {
        if get_leaf(tx, hash).await?.log_index.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The statement behind a leaf, if it is one of ours.
///
/// # Errors
/// When the database fails.
pub async fn find_statement(tx: &mut Tx, leaf_hash: &str) -> db::Result<Option<StatementRow>> {
    store::find_statement(tx, leaf_hash).await
}

/// Every reproduction statement about a sealed recipe, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_about(tx: &mut Tx, leaf_hash: &str) -> db::Result<Vec<StatementRow>> {
    store::list_about(tx, leaf_hash).await
}

/// The public end of a listing.
pub struct Withdrawal {
    /// The leaf that says so.
    pub leaf_hash: String,
    pub reason: WithdrawalReason,
    /// When it was said, real time.
    pub said_ms: i64,
}

/// Whether a sealed recipe was withdrawn from sale by us.
///
/// # Errors
/// When the database fails.
pub async fn find_withdrawal(
    tx: &mut Tx,
    log: &PublicLog,
    leaf_hash: &str,
) -> db::Result<Option<Withdrawal>> {
    let row = store::find_about(tx, leaf_hash, WithdrawalStatement::TYPE).await?;
    Ok(row.and_then(|row| {
        let envelope: Envelope = serde_json::from_str(&row.envelope).ok()?;
        let (statement, _) = envelope
            .open::<WithdrawalStatement>(&log.platform_key())
            .ok()?;
        Some(Withdrawal {
            leaf_hash: row.leaf_hash,
            reason: statement.reason,
            said_ms: row.created_ms,
        })
    }))
}

/// A public key by its hash.
///
/// # Errors
/// When the database fails.
pub async fn find_key(tx: &mut Tx, hash: &str) -> db::Result<Option<String>> {
    store::find_key(tx, hash).await
}

/// A statement with leaf and proof, as bundles hold it.
///
/// # Errors
/// [`Error::NotLogged`] while it is queued.
pub async fn logged_statement(
    tx: &mut Tx,
    log: &PublicLog,
    leaf_hash: &str,
) -> Result<LoggedStatement, Error> {
    let row = get_leaf(tx, leaf_hash).await?;
    let statement = store::find_statement(tx, leaf_hash)
        .await?
        .ok_or(Error::NotFound)?;
    let envelope = serde_json::from_str(&statement.envelope).map_err(|error| {
        schema::Error::new(schema::ErrorKind::Malformed, "statement", error.to_string())
    })?;
    Ok(LoggedStatement {
        statement: envelope,
        logged: log.logged(tx, &row).await?,
        key: PublicKey::parse(&statement.public_key)?,
    })
}

/// The leaf that a key signed about a fact, if it was queued.
///
/// # Errors
/// When the database fails.
pub async fn find_leaf_of_fact(
    tx: &mut Tx,
    origin: &str,
    kind: i64,
    digest: &str,
    key_hash: &str,
) -> db::Result<Option<LeafRow>> {
    store::find_leaf_of_fact(tx, origin, kind, digest, key_hash).await
}
