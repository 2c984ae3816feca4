//! Asks the witnesses of a policy for cosignatures (C2SP tlog-witness), all at once, until the quorum is complete.
//!
//! The one rule: a witness that cosigned a size and later knows only a smaller one lost its memory, and counts no more. The log keeps
//! what each one cosigned, so that a restart does not forget it either.

use super::{Remote, agent, now_seconds};
use crate::cosignature;
use crate::error::{Error, ErrorKind};
use crate::note::{Note, Signature};
use crate::policy::{Policy, Witness};
use crate::proof::verify_consistency;
use crate::tree::Hash;
use crate::witness::{Request, monitoring_name};
use crate::writer::Cosigner;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;

/// No witness has reason to answer more than a few lines.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;
/// How often one witness is asked within a round: at first, after a conflict, and once more.
const TRIES: u32 = 3;
/// How long a round goes on before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(100);
/// How a memory begins; the number of its lines follows, so that a cut one is told from a whole one.
const MEMORY: &str = "seedmark witnesses v1";

/// What came back from one witness.
enum Reply {
    Answer { status: u16, body: String },
    Unreachable(String),
}

/// The witnesses of a policy, asked over HTTP.
pub struct Witnesses {
    policy: Policy,
    agent: Agent,
    patience: Duration,
    stop: Arc<AtomicBool>,
    /// What each witness knows, by its verifier key. Unknown ones are asked from 0 and correct us.
    known: Mutex<BTreeMap<String, Known>>,
}

/// What we believe a witness has on record for this log.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The size that it named, or cosigned.
    size: u64,
    /// The largest size that it cosigned for us.
    cosigned: u64,
}

/// One round for one checkpoint.
struct Round<'a> {
    signed: &'a str,
    size: u64,
    prove: &'a dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    replies: Sender<(usize, Reply)>,
}

impl Witnesses {
    /// Asks the policy's witnesses that have a URL; `patience` bounds a round.
    #[must_use]
    pub fn new(policy: Policy, patience: Duration) -> Self {
        Self {
            policy,
            agent: agent(),
            patience,
            stop: Arc::default(),
            known: Mutex::default(),
        }
    }

    /// Ends a round early once `stop` is set.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    fn known(&self, witness: &Witness) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = witness.verifier.to_string();
        known.get(&key).copied().unwrap_or_default()
    }

    fn learn(&self, witness: &Witness, what: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(witness.verifier.to_string(), what);
    }

    /// Sends one request from a thread of its own, so that a slow witness delays nobody.
    fn ask(&self, round: &Round<'_>, index: usize, witness: &Witness) -> Result<(), Error> {
        let Some(url) = &witness.url else {
            return Ok(());
        };
        let old = self.known(witness).size.min(round.size);
        let proof = if old == 0 || old == round.size {
            Vec::new()
        } else {
            (round.prove)(old)?
        };
        let body = Request {
            old,
            proof,
            checkpoint: round.signed.into(),
        }
        .to_text();
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let (agent, replies) = (self.agent.clone(), round.replies.clone());
        std::thread::spawn(move || {
            // The round may be over by now; then nobody listens.
            let _unheard = replies.send((index, post(&agent, &url, &body)));
        });
        Ok(())
    }

    /// Reads one answer. `None`: ask this witness again.
    fn read(
        &self,
        round: &Round<'_>,
        witness: &Witness,
        reply: Reply,
    ) -> Result<Option<Result<Signature, String>>, Error> {
        let label = &witness.label;
        // Nobody signs a refusal: before the log stops, the witness must show a checkpoint that this log's own key signed.
        let accused = |what: String| match self.shown(round, witness) {
            Ok(Some(shown)) => Err(Error::new(
                ErrorKind::Fatal,
                format!("witness {label} {shown}"),
            )),
            Ok(None) => Ok(Some(Err(format!(
                "{label} {what}, and shows nothing of it"
            )))),
            Err(error) => Ok(Some(Err(format!("{label} {what}, but: {error}")))),
        };
        let known = self.known(witness);
        let (status, body) = match reply {
            Reply::Unreachable(why) => return Ok(Some(Err(format!("{label}: {why}")))),
            Reply::Answer { status, body } => (status, body),
        };
        match status {
            200 => {
                let text = Note::parse(round.signed)?.text;
                let lines: Result<Vec<Signature>, Error> = body
                    .lines()
                    .map(Signature::parse)
                    .filter(|line| {
                        line.as_ref()
                            .map_or(true, |line| line.claims(&witness.verifier))
                    })
                    .map(|line| {
                        let line = line?;
                        cosignature::verify(text, &line, &witness.verifier).map(|_| line)
                    })
                    .collect();
                Ok(Some(match lines {
                    // One line a witness, whatever else it repeats.
                    Ok(lines) => match lines.into_iter().next() {
                        Some(line) => {
                            let (size, cosigned) = (round.size, round.size);
                            self.learn(witness, Known { size, cosigned });
                            Ok(line)
                        }
                        None => Err(format!("{label} answered without its cosignature")),
                    },
                    Err(error) => Err(format!("{label}: {error}")),
                }))
            }
            409 => match body.trim().parse::<u64>() {
                Ok(theirs) if theirs > round.size => accused(format!(
                    "says that it has seen {theirs} entries of this log, which has only {}",
                    round.size
                )),
                // Version 1.0.0 of the protocol answers 409 when it knows another root for the very size that it is asked about.
                Ok(theirs) if theirs == round.size && known.size == round.size => accused(format!(
                    "says that it has seen another tree of {theirs} entries"
                )),
                Ok(theirs) if theirs < known.cosigned => Ok(Some(Err(format!(
                    "{label} cosigned {} entries and now knows only {theirs}: it lost its memory and counts no more",
                    known.cosigned
                )))),
                Ok(theirs) => {
                    let size = theirs;
                    self.learn(witness, Known { size, ..known });
                    Ok(None)
                }
                Err(_) => Ok(Some(Err(format!(
                    "{label} knows another size and does not say which"
                )))),
            },
            422 => accused(format!(
                "says that it has seen another history: {}",
                body.trim()
            )),
            400 | 403 | 404 => Ok(Some(Err(format!(
                "{label} refuses this log ({status}): {}",
                body.trim()
            )))),
            status => Ok(Some(Err(format!("{label}: the answer is {status}")))),
        }
    }
}

impl Witnesses {
    /// What a witness's own record proves against this log: a checkpoint signed by the log's key that is larger, or that the
    /// log's tree does not extend. `None` when the record is in order.
    fn shown(&self, round: &Round<'_>, witness: &Witness) -> Result<Option<String>, Error> {
        let ours = self.policy.count(round.signed, now_seconds())?.checkpoint;
        let Some(url) = &witness.url else {
            return Ok(None);
        };
        let path = format!("{}/checkpoint", monitoring_name(&ours.origin));
        let text = Remote::new(url)?.text(&path)?;
        let theirs = self.policy.count(&text, now_seconds())?.checkpoint;
        if theirs.origin != ours.origin {
            return Ok(None);
        }
        if theirs.size > ours.size {
            return Ok(Some(format!(
                "has seen {} entries of this log, which has only {}: it was put back to an older state",
                theirs.size, ours.size
            )));
        }
        let extends = if theirs.size == 0 {
            Ok(())
        } else {
            let proof = if theirs.size == ours.size {
                Vec::new()
            } else {
                (round.prove)(theirs.size)?
            };
            verify_consistency(theirs.size, &theirs.root, ours.size, &ours.root, &proof)
        };
        Ok(extends.err().map(|_| {
            format!(
                "has seen another history of this log, with {} entries",
                theirs.size
            )
        }))
    }
}

fn post(agent: &Agent, url: &str, body: &str) -> Reply {
    let answer = agent
        .post(url)
        .content_type("text/plain; charset=utf-8")
        .send(body);
    let read = answer.and_then(|mut answer| {
        let status = answer.status().as_u16();
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER_BYTES)
            .read_to_string()?;
        Ok(Reply::Answer { status, body })
    });
    read.unwrap_or_else(|error| Reply::Unreachable(error.to_string()))
}

impl Cosigner for Witnesses {
    fn is_settled(&self, checkpoint: &str) -> bool {
        self.policy.settle(checkpoint, now_seconds()).is_ok()
    }

    fn memory(&self) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<String> = known
            .iter()
            .filter(|(_, known)| known.cosigned > 0)
            .map(|(key, known)| format!("{} {key}\n", known.cosigned))
            .collect();
        (!lines.is_empty()).then(|| format!("{MEMORY} {}\n{}", lines.len(), lines.concat()))
    }

    fn recall(&self, memory: &str) -> Result<(), Error> {
        let damaged = || Error::new(ErrorKind::Malformed, "what witnesses cosigned is damaged");
        let (head, rest) = memory.split_once('\n').ok_or_else(damaged)?;
        let mut found = BTreeMap::new();
        for line in rest.split_terminator('\n') {
            let (size, key) = line.split_once(' ').ok_or_else(damaged)?;
            let cosigned = size.parse().map_err(|_| damaged())?;
            let size = cosigned;
            found.insert(key.to_owned(), Known { size, cosigned });
        }
        if head != format!("{MEMORY} {}", found.len()) || !memory.ends_with('\n') {
            return Err(damaged());
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    fn cosign(
        &self,
        signed: &str,
        prove: &dyn Fn(u64) -> Result<Vec<Hash>, Error>,
    ) -> Result<String, Error> {
        let size = self.policy.count(signed, now_seconds())?.checkpoint.size;
        let (replies, inbox) = channel();
        let round = Round {
            signed,
            size,
            prove,
            replies,
        };
        let witnesses = self.policy.witnesses();
        let mut tries = vec![1; witnesses.len()];
        let mut waiting = 0;
        for (index, witness) in witnesses.iter().enumerate() {
            self.ask(&round, index, witness)?;
            waiting += usize::from(witness.url.is_some());
        }
        let (mut cosigned, mut problems) = (signed.to_owned(), Vec::new());
        let deadline = Instant::now() + self.patience;
        while !self.is_settled(&cosigned) && waiting > 0 {
            let rest = deadline.saturating_duration_since(Instant::now());
            let Ok((index, reply)) = inbox.recv_timeout(rest.min(GLANCE)) else {
                if rest > GLANCE && !self.stop.load(Ordering::Relaxed) {
                    continue;
                }
                problems.push(format!("{waiting} did not answer in time"));
                break;
            };
            match self.read(&round, &witnesses[index], reply)? {
                None if tries[index] < TRIES => {
                    tries[index] += 1;
                    self.ask(&round, index, &witnesses[index])?;
                    continue;
                }
                None => problems.push(format!("{} changes its mind", witnesses[index].label)),
                Some(Err(problem)) => problems.push(problem),
                Some(Ok(line)) => cosigned.push_str(&format!("{line}\n")),
            }
            waiting -= 1;
        }
        let settled = self.policy.settle(&cosigned, now_seconds());
        settled.map(|_| cosigned).map_err(|error| {
            let why = if problems.is_empty() {
                String::new()
            } else {
                format!(" ({})", problems.join("; "))
            };
            Error::new(error.kind(), format!("{error}{why}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Witnesses};
    use crate::note::Verifier;
    use crate::policy::Policy;
    use crate::writer::Cosigner as _;
    use schema::key::SecretKey;
    use std::time::Duration;

    fn witnesses() -> Witnesses {
        let log = Verifier::new("log.example", SecretKey::from_bytes([1; 32]).public());
        let witness = Verifier::witness("w.example", SecretKey::from_bytes([2; 32]).public());
        let text = format!(
            "log {}\nwitness w {} http://127.0.0.1:1\nquorum w\n",
            log.expect("a name"),
            witness.expect("a name")
        );
        Witnesses::new(Policy::parse(&text).expect("a policy"), Duration::ZERO)
    }

    #[test]
    fn what_a_witness_cosigned_is_recalled_whole_or_not_at_all() {
        let before = witnesses();
        assert_eq!(before.memory(), None, "nothing to remember");
        let witness = before.policy.witnesses()[0].clone();
        let (size, cosigned) = (7, 9);
        before.learn(&witness, Known { size, cosigned });
        let text = before.memory().expect("a memory");
        let after = witnesses();
        after.recall(&text).expect("whole");
        assert_eq!(after.known(&witness).cosigned, 9);
        assert_eq!(after.memory(), Some(text.clone()));
        for end in 0..text.len() {
            assert!(witnesses().recall(&text[..end]).is_err(), "cut at {end}");
        }
    }
}
