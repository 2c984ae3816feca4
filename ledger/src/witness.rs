//! The witness protocol (C2SP tlog-witness): its messages, and the rules by which a witness cosigns. No network here.
//!
//! The one rule: a witness records a tree durably *before* its cosignature leaves it, and never cosigns two trees of which
//! neither extends the other.

use crate::checkpoint::Checkpoint;
use crate::cosignature::{cosign, times_by};
use crate::error::{Error, ErrorKind};
use crate::note::{Note, Signature, Verifier, is_name};
use crate::proof::verify_consistency;
use crate::tree::{Hash, empty_root};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::digest::Digest;
use schema::key::SecretKey;

/// The most consistency hashes that a request may hold.
pub const MAX_PROOF_HASHES: usize = 63;
/// The most bytes that a request may have.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// The content type of a 409's body.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// `POST <prefix>/add-checkpoint`: a newer checkpoint, and the proof that it extends what the witness knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size that the log believes the witness knows.
    pub old: u64,
    /// Consistency hashes from `old` to the checkpoint's size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl Request {
    /// Writes the body.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hashes: String = self
            .proof
            .iter()
            .map(|hash| format!("{}\n", STANDARD.encode(hash)))
            .collect();
        format!("old {}\n{hashes}\n{}", self.old, self.checkpoint)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// `ErrorKind::Malformed`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            |what: &str| Error::new(ErrorKind::Malformed, format!("add-checkpoint: {what}"));
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| wrong("has no checkpoint"))?;
        let mut lines = head.lines();
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .ok_or_else(|| wrong("does not begin with the old size"))?;
        let number: u64 = old.parse().map_err(|_| wrong("has no numeric size"))?;
        if number.to_string() != old {
            return Err(wrong("has a size with extra digits"));
        }
        let hash = |line: &str| {
            let bytes = STANDARD.decode(line).ok()?;
            Hash::try_from(bytes).ok()
        };
        let proof = lines
            .map(|line| hash(line).ok_or_else(|| wrong("has a line that is no hash")))
            .collect::<Result<Vec<Hash>, Error>>()?;
        if proof.len() > MAX_PROOF_HASHES {
            return Err(wrong("has too many hashes"));
        }
        Ok(Self {
            old: number,
            proof,
            checkpoint: checkpoint.into(),
        })
    }
}

/// What a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: the cosignature.
    Cosigned(Signature),
    /// 400: not a request, or an old size above the checkpoint's.
    Malformed(String),
    /// 403: no valid signature by the log's key.
    Forbidden(String),
    /// 404: an origin that this witness does not follow.
    UnknownLog,
    /// 409: the witness knows another size.
    Conflict(u64),
    /// 422: the new tree does not extend the one that the witness knows.
    Inconsistent(String),
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed(_) => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The HTTP body.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(line) => format!("{line}\n"),
            Self::Conflict(size) => format!("{size}\n"),
            Self::UnknownLog => "this witness does not follow that log\n".into(),
            Self::Malformed(why) | Self::Forbidden(why) | Self::Inconsistent(why) => {
                format!("{why}\n")
            }
        }
    }
}

/// Where a witness keeps the newest signed checkpoint of each log, by origin.
pub trait Memory: Send {
    /// The newest checkpoint that was recorded, or `None`.
    ///
    /// # Errors
    /// `ErrorKind::Storage`; a failed read is never `None`.
    fn load(&self, origin: &str) -> Result<Option<String>, Error>;
    /// Records a checkpoint. Durable when it returns.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    fn store(&mut self, origin: &str, checkpoint: &str) -> Result<(), Error>;
}

/// A witness: follows some logs and cosigns what extends what it saw before.
pub struct Witness<M> {
    verifier: Verifier,
    secret: SecretKey,
    logs: Vec<Verifier>,
    memory: M,
}

impl<M: Memory> Witness<M> {
    /// A witness called `name` that follows `logs`.
    ///
    /// # Errors
    /// For an impossible name.
    pub fn new(
        name: &str,
        secret: SecretKey,
        logs: Vec<Verifier>,
        memory: M,
    ) -> Result<Self, Error> {
        Ok(Self {
            verifier: Verifier::witness(name, secret.public())?,
            secret,
            logs,
            memory,
        })
    }

    /// Its public key, as a policy names it.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The newest checkpoint of a log, cosigned: what `GET <monitoring>/<hash>/checkpoint` answers.
    ///
    /// # Errors
    /// `ErrorKind::Storage`.
    pub fn latest(&self, origin_hash: &str) -> Result<Option<String>, Error> {
        let log = self
            .logs
            .iter()
            .find(|log| origin_hash == monitoring_name(log.name()));
        log.map_or(Ok(None), |log| self.memory.load(log.name()))
    }

    /// Decides on a request at `now_seconds` since 1970, and records before it answers.
    ///
    /// # Errors
    /// `ErrorKind::Storage` when the memory failed: nothing was cosigned.
    pub fn answer(&mut self, body: &str, now_seconds: u64) -> Result<Answer, Error> {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Answer::Malformed(error.to_string())),
        };
        let origin = request.checkpoint.lines().next().unwrap_or_default();
        if !is_name(origin) {
            return Ok(Answer::Malformed("the checkpoint has no origin".into()));
        }
        let Some(log) = self.logs.iter().find(|log| log.name() == origin) else {
            return Ok(Answer::UnknownLog);
        };
        let new = match Checkpoint::open(&request.checkpoint, log) {
            Ok(new) => new,
            Err(error) if error.kind() == ErrorKind::Forged => {
                return Ok(Answer::Forbidden(error.to_string()));
            }
            Err(error) => return Ok(Answer::Malformed(error.to_string())),
        };
        let known = match self.memory.load(origin)? {
            Some(text) => Checkpoint::open(&text, log)?,
            None => Checkpoint {
                origin: origin.into(),
                size: 0,
                root: empty_root(),
            },
        };
        if let Some(refusal) = refusal(&request, &known, &new) {
            return Ok(refusal);
        }
        if let Some(text) = self.memory.load(origin)?
            && let Some(&last) = times_by(&Note::parse(&text)?, &self.verifier)?.first()
            && last > now_seconds
        {
            return Err(Error::new(
                ErrorKind::Storage,
                format!("the clock of this witness stands before its last cosignature, {last}"),
            ));
        }
        let note = Note::parse(&request.checkpoint)?;
        let line = cosign(note.text, self.verifier.name(), &self.secret, now_seconds)?;
        // What is kept holds one line of the log and ours: whatever else a sender appended is not ours to keep, and must not grow
        // until it cannot be read again.
        let own = note.signatures.iter().find(|line| line.claims(log));
        let own = own.map(|line| format!("{line}\n")).unwrap_or_default();
        let kept = format!("{}\n{own}{line}\n", note.text);
        Checkpoint::open(&kept, log)?;
        self.memory.store(origin, &kept)?;
        Ok(Answer::Cosigned(line))
    }
}

/// Why `new` cannot be cosigned by a witness that knows `known`, in the order of the specification.
fn refusal(request: &Request, known: &Checkpoint, new: &Checkpoint) -> Option<Answer> {
    if request.old > new.size {
        return Some(Answer::Malformed(
            "the old size is above the checkpoint's".into(),
        ));
    }
    if request.old != known.size {
        return Some(Answer::Conflict(known.size));
    }
    if known.size == new.size {
        let same = known.root == new.root && request.proof.is_empty();
        return (!same).then(|| {
            Answer::Inconsistent(format!(
                "another tree of {} entries was seen, or a proof came where none is needed",
                known.size
            ))
        });
    }
    if known.size == 0 {
        return (!request.proof.is_empty())
            .then(|| Answer::Inconsistent("from an empty tree no proof is needed".into()));
    }
    verify_consistency(known.size, &known.root, new.size, &new.root, &request.proof)
        .err()
        .map(|error| Answer::Inconsistent(error.to_string()))
}

/// The name under which a witness serves its newest checkpoint of a log: the hex SHA-256 of the origin.
#[must_use]
pub fn monitoring_name(origin: &str) -> String {
    Digest::sha256(origin.as_bytes()).hex()
}
