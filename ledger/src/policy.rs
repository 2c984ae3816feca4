//! Whom to trust: a `tlog-policy` file (C2SP) with logs, witnesses, groups and a quorum.
//!
//! The one rule: keys come from a policy, never from the bundle that is checked; without a policy the bundle's own key is
//! used and every report says so.

use crate::checkpoint::Checkpoint;
use crate::cosignature;
use crate::error::{Error, ErrorKind};
use crate::note::{Algorithm, Note, Verifier};

/// How far a witness's clock may be ahead of the reader's, in seconds.
pub const MAX_AHEAD_SECONDS: u64 = 5 * 60;

/// A trusted log and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key under its origin.
    pub verifier: Verifier,
    /// Its URL prefix, when the policy names one.
    pub url: Option<String>,
}

/// A witness and where it takes checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The name by which the policy refers to it.
    pub label: String,
    /// Its key.
    pub verifier: Verifier,
    /// Its URL prefix, when the policy names one.
    pub url: Option<String>,
}

/// How many members of a group must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    label: String,
    least: usize,
    members: Vec<String>,
}

/// What a policy says about one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The checkpoint that the log signed.
    pub checkpoint: Checkpoint,
    /// Labels of the policy's witnesses that cosigned it, with their earliest times, seconds since 1970.
    pub cosigners: Vec<(String, u64)>,
    /// Labels of witnesses whose cosignature is dated after now, with that time. They are not counted: a time that has not come says
    /// nothing about when the tree stood.
    pub ahead: Vec<(String, u64)>,
    /// When the quorum was complete, seconds since 1970: the tree stood by then. `None` when the policy asks for no witness.
    pub settled_seconds: Option<u64>,
}

impl std::fmt::Display for Settlement {
    /// One line for a report: how large the tree is, who signed it and since when it stands.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Checkpoint { origin, size, .. } = &self.checkpoint;
        write!(f, "{size} entries, signed by {origin}")?;
        if !self.cosigners.is_empty() {
            let names: Vec<&str> = self.cosigners.iter().map(|(name, _)| &**name).collect();
            write!(f, ", cosigned by {}", names.join(", "))?;
        }
        if let Some(seconds) = self.settled_seconds {
            write!(f, ", settled {}", utc(seconds))?;
        }
        write!(f, "{}", not_counted(&self.ahead))
    }
}

fn utc(seconds: u64) -> String {
    let ms = i64::try_from(seconds)
        .unwrap_or(i64::MAX / 1000)
        .saturating_mul(1000);
    schema::time::utc(ms)
}

/// The warning about cosignatures from the future; empty when there are none.
fn not_counted(ahead: &[(String, u64)]) -> String {
    let each = |(label, seconds): &(String, u64)| {
        format!(
            "; warning: the cosignature by {label} is dated {}, after now, and not counted",
            utc(*seconds)
        )
    };
    ahead.iter().map(each).collect()
}

/// The trusted logs and the witnesses that must agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// A witness or group; `None` for `quorum none`.
    quorum: Option<String>,
    first_use: bool,
}

impl std::fmt::Display for Policy {
    /// The policy as a file that [`Policy::parse`] reads back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url =
            |url: &Option<String>| url.as_ref().map_or(String::new(), |url| format!(" {url}"));
        for log in &self.logs {
            writeln!(f, "log {}{}", log.verifier, url(&log.url))?;
        }
        for witness in &self.witnesses {
            let Witness {
                label, verifier, ..
            } = witness;
            writeln!(f, "witness {label} {verifier}{}", url(&witness.url))?;
        }
        for Group {
            label,
            least,
            members,
        } in &self.groups
        {
            writeln!(f, "group {label} {least} {}", members.join(" "))?;
        }
        writeln!(f, "quorum {}", self.quorum.as_deref().unwrap_or("none"))
    }
}

impl Policy {
    /// Reads a policy file: `log <vkey> [url]`, `witness <name> <vkey> [url]`, `group <name> all|any|<k> <member>…` and exactly one
    /// `quorum <name>|none`; names stand before their use, `#` begins a comment.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` with the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (mut policy, mut quorums) = (Self::default(), 0);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or("");
            let words: Vec<&str> = line
                .split([' ', '\t'])
                .filter(|word| !word.is_empty())
                .collect();
            let read = match words.as_slice() {
                [] => Ok(()),
                ["log", key] => policy.add_log(key, None),
                ["log", key, url] => policy.add_log(key, Some(url)),
                ["witness", label, key] => policy.add_witness(label, key, None),
                ["witness", label, key, url] => policy.add_witness(label, key, Some(url)),
                ["group", label, least, members @ ..] => policy.add_group(label, least, members),
                ["quorum", label] => {
                    quorums += 1;
                    policy.set_quorum(label)
                }
                [word, ..] => Err(format!(
                    "{word:?} is not known, or has other words after it"
                )),
            };
            read.map_err(|what| {
                Error::new(
                    ErrorKind::Malformed,
                    format!("policy, line {number}: {what}"),
                )
            })?;
        }
        if policy.logs.is_empty() || quorums != 1 {
            return Err(Error::new(
                ErrorKind::Malformed,
                "policy: needs at least one log line and exactly one quorum line",
            ));
        }
        Ok(policy)
    }

    fn key(&self, text: &str, algorithm: Algorithm) -> Result<Verifier, String> {
        let verifier = Verifier::parse(text).map_err(|error| error.to_string())?;
        if verifier.algorithm() != algorithm {
            return Err(match algorithm {
                Algorithm::Cosignature => "this key is not a witness's (type 04)",
                Algorithm::Ed25519 => "this key is not a log's (type 01)",
            }
            .into());
        }
        // The cosigner's name is not signed: one key under two names would be one party with two voices.
        let known: &mut dyn Iterator<Item = &Verifier> = match algorithm {
            Algorithm::Ed25519 => &mut self.logs.iter().map(|log| &log.verifier),
            Algorithm::Cosignature => &mut self.witnesses.iter().map(|witness| &witness.verifier),
        };
        for known in known {
            if known.key() == verifier.key() {
                return Err("this key stands here twice".into());
            }
            if algorithm == Algorithm::Ed25519 && known.name() == verifier.name() {
                return Err(format!("{} has another key above", known.name()));
            }
        }
        Ok(verifier)
    }

    fn add_log(&mut self, key: &str, url: Option<&str>) -> Result<(), String> {
        let verifier = self.key(key, Algorithm::Ed25519)?;
        let url = url.map(str::to_owned);
        self.logs.push(Log { verifier, url });
        Ok(())
    }

    fn knows(&self, label: &str) -> bool {
        self.witnesses.iter().any(|witness| witness.label == label)
            || self.groups.iter().any(|group| group.label == label)
    }

    fn new_label(&self, label: &str) -> Result<String, String> {
        if label == "none" || self.knows(label) {
            return Err(format!("the name {label:?} is taken"));
        }
        Ok(label.into())
    }

    fn add_witness(&mut self, label: &str, key: &str, url: Option<&str>) -> Result<(), String> {
        let witness = Witness {
            label: self.new_label(label)?,
            verifier: self.key(key, Algorithm::Cosignature)?,
            url: url.map(str::to_owned),
        };
        self.witnesses.push(witness);
        Ok(())
    }

    fn add_group(&mut self, label: &str, least: &str, members: &[&str]) -> Result<(), String> {
        let label = self.new_label(label)?;
        for (at, member) in members.iter().enumerate() {
            if !self.knows(member) {
                return Err(format!("{member:?} is no witness or group above this line"));
            }
            let elsewhere = self
                .groups
                .iter()
                .any(|group| group.members.iter().any(|known| known == member));
            if elsewhere || members[..at].contains(member) {
                return Err(format!("{member:?} is in a group already"));
            }
        }
        let least = match least {
            "all" => members.len(),
            "any" => 1,
            number => number
                .parse()
                .map_err(|_| format!("{number:?} is not all, any or a number"))?,
        };
        if !(1..=members.len()).contains(&least) {
            return Err(format!(
                "a group of {} cannot ask for {least}",
                members.len()
            ));
        }
        self.groups.push(Group {
            label,
            least,
            members: members.iter().map(ToString::to_string).collect(),
        });
        Ok(())
    }

    fn set_quorum(&mut self, label: &str) -> Result<(), String> {
        if label != "none" && !self.knows(label) {
            return Err(format!("{label:?} is no witness or group above this line"));
        }
        self.quorum = (label != "none").then(|| label.into());
        Ok(())
    }

    /// Trust on first use: the key that a bundle itself claims, and no witness.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for a text that is no log's key.
    pub fn first_use(key: &str) -> Result<Self, Error> {
        let mut policy = Self {
            first_use: true,
            ..Self::default()
        };
        policy
            .add_log(key, None)
            .map_err(|what| Error::new(ErrorKind::Malformed, what))?;
        Ok(policy)
    }

    /// Trusts one log, and asks for no witness.
    #[must_use]
    pub fn log_alone(verifier: Verifier) -> Self {
        Self {
            logs: vec![Log {
                verifier,
                url: None,
            }],
            ..Self::default()
        }
    }

    /// Trusts no log: for a file that was not logged yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether the key came from the bundle itself.
    #[must_use]
    pub fn is_first_use(&self) -> bool {
        self.first_use
    }

    /// Whether it trusts nobody at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.logs.is_empty()
    }

    /// Whether it asks for witnesses.
    #[must_use]
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Every trusted log.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Every witness, whether or not the quorum needs it.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// The key of the log `origin`.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when the policy does not trust it.
    pub fn log(&self, origin: &str) -> Result<&Verifier, Error> {
        let found = self.logs.iter().find(|log| log.verifier.name() == origin);
        found.map(|log| &log.verifier).ok_or_else(|| {
            Error::new(
                ErrorKind::Missing,
                format!("the policy trusts no log named {origin}"),
            )
        })
    }

    /// When the quorum was complete, given the times of those who cosigned. `None` when it is not complete.
    fn complete_at(&self, label: &str, cosigners: &[(String, u64)]) -> Option<u64> {
        if let Some((_, time)) = cosigners.iter().find(|(name, _)| name == label) {
            return Some(*time);
        }
        let group = self.groups.iter().find(|group| group.label == label)?;
        let mut times: Vec<u64> = group
            .members
            .iter()
            .filter_map(|member| self.complete_at(member, cosigners))
            .collect();
        times.sort_unstable();
        times.get(group.least - 1).copied()
    }

    /// Opens a signed checkpoint of one of the policy's logs and counts its cosignatures. `now_seconds` is the reader's clock, seconds
    /// since 1970; what is dated more than [`MAX_AHEAD_SECONDS`] after it counts for nothing.
    ///
    /// # Errors
    /// `ErrorKind::Forged` when a line by the log or by a known witness does not hold, `ErrorKind::Missing` when the log is not trusted,
    /// `ErrorKind::Unsettled` when the quorum is not complete.
    pub fn settle(&self, text: &str, now_seconds: u64) -> Result<Settlement, Error> {
        let settlement = self.count(text, now_seconds)?;
        if self.quorum.is_some() && settlement.settled_seconds.is_none() {
            let names: Vec<&str> = settlement
                .cosigners
                .iter()
                .map(|(label, _)| label.as_str())
                .collect();
            let by = if names.is_empty() {
                "no witness of the policy".into()
            } else {
                format!("only {}", names.join(", "))
            };
            return Err(Error::new(
                ErrorKind::Unsettled,
                format!(
                    "the checkpoint of {} entries is cosigned by {by}, which is no quorum{}",
                    settlement.checkpoint.size,
                    not_counted(&settlement.ahead)
                ),
            ));
        }
        Ok(settlement)
    }

    /// As [`Policy::settle`], for a checkpoint whose cosignatures may still be collected.
    ///
    /// # Errors
    /// As [`Policy::settle`], but for the quorum.
    pub fn count(&self, text: &str, now_seconds: u64) -> Result<Settlement, Error> {
        let note = Note::parse(text)?;
        let checkpoint = Checkpoint::open(text, self.log(note.text.lines().next().unwrap_or(""))?)?;
        let latest = now_seconds.saturating_add(MAX_AHEAD_SECONDS);
        let (mut cosigners, mut ahead) = (Vec::new(), Vec::new());
        for witness in &self.witnesses {
            match cosignature::times_by(&note, &witness.verifier)?.first() {
                Some(time) if *time <= latest => cosigners.push((witness.label.clone(), *time)),
                Some(time) => ahead.push((witness.label.clone(), *time)),
                None => {}
            }
        }
        let quorum = self.quorum.as_deref();
        let settled_seconds = quorum.and_then(|label| self.complete_at(label, &cosigners));
        Ok(Settlement {
            checkpoint,
            cosigners,
            ahead,
            settled_seconds,
        })
    }
}
