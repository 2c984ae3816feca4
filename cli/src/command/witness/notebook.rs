//! What a witness has seen: the newest checkpoint of each log, a file each, and an index that says which files must be there.
//!
//! The one rule: a witness without its memory would cosign another history. Where a state that the index names is missing, empty or
//! damaged, nothing is cosigned until its owner put it back, or says that the witness begins anew.

use anyhow::{Result, anyhow, bail};
use ledger::checkpoint::Checkpoint;
use ledger::note::Verifier;
use ledger::witness::{Memory, monitoring_name};
use ledger::writer::{FileLock, Folder, Storage as _};
use ledger::{Error, ErrorKind};
use std::collections::BTreeSet;
use std::path::Path;

/// Names every log that was ever cosigned.
const INDEX: &str = "witness.logs";
/// How it begins; the number of its lines follows, so that a cut one is told from a whole one.
const HEAD: &str = "seedmark witness logs v1";

/// The newest checkpoint of each log.
pub(super) struct Notebook {
    folder: Folder,
    /// The logs that have a state.
    known: BTreeSet<String>,
    /// Held for the program's life: a second witness over the same folder could cosign a fork.
    _lock: FileLock,
}

/// What is wrong with a state, in the words of a refusal; `None` for a whole one.
type Wrong = Option<String>;

impl Notebook {
    /// Takes the folder.
    ///
    /// # Errors
    /// When another process has it.
    pub(super) fn take(place: &Path) -> Result<Self> {
        Ok(Self {
            folder: Folder::new(place)?,
            known: BTreeSet::new(),
            _lock: FileLock::new(place)?,
        })
    }

    /// Writes an empty index, before there is a key: where a key is, there was an index.
    ///
    /// # Errors
    /// When the folder belongs to a witness already.
    pub(super) fn begin(&mut self, place: &Path) -> Result<()> {
        let states = self.folder.list(".")?;
        let used = states.iter().any(|name| name.ends_with(".checkpoint"))
            || matches!(self.read_index()?, Ok(Some(known)) if !known.is_empty());
        if used {
            bail!(
                "{} is missing, but this folder belongs to a witness: put its key back, or take a new folder and a new name",
                place.join("witness.key").display()
            );
        }
        Ok(self.write_index()?)
    }

    /// Looks at the state of every log that is to be followed. `anew` names those that may begin without one.
    ///
    /// # Errors
    /// Names the state that is missing or damaged, and what to do.
    pub(super) fn recall(
        &mut self,
        place: &Path,
        logs: &[Verifier],
        anew: &[String],
    ) -> Result<()> {
        if let Some(stranger) = anew
            .iter()
            .find(|origin| !logs.iter().any(|log| log.name() == *origin))
        {
            bail!("--begin-anew {stranger}: no --log of this name is followed");
        }
        let index = self.read_index()?;
        if let Ok(Some(known)) = &index {
            self.known.clone_from(known);
        }
        for log in logs {
            let origin = log.name();
            let wrong = self.wrong(log)?;
            let must_be = match &index {
                Ok(Some(known)) => known.contains(origin),
                // Whatever it named is unknown: each log must show that it was not among them.
                Ok(None) | Err(()) => true,
            };
            let path = place.join(file(origin));
            match wrong {
                None if anew.iter().any(|name| name == origin) => bail!(
                    "--begin-anew {origin}: {} is whole; take the option away, or the witness would forget what it cosigned",
                    path.display()
                ),
                None => {
                    self.known.insert(origin.into());
                }
                Some(_) if anew.iter().any(|name| name == origin) => {
                    self.folder.remove(&file(origin))?;
                    self.known.remove(origin);
                }
                Some(wrong) if must_be || wrong != MISSING => {
                    let index = place.join(INDEX);
                    let because = match must_be && !matches!(&self.read_index()?, Ok(Some(_))) {
                        true => format!(", and {} is missing or damaged", index.display()),
                        false => String::new(),
                    };
                    return Err(anyhow!(
                        "{} {wrong}{because}: this witness may have cosigned {origin} before, and without its memory it would cosign another \
                         history. Put the newest copy back; or, if there is none, say --begin-anew {origin}, and tell everybody who trusts \
                         this witness",
                        path.display()
                    ));
                }
                // A log that is new here.
                Some(_) => {}
            }
        }
        Ok(self.write_index()?)
    }

    /// What is wrong with the state of a log.
    fn wrong(&self, log: &Verifier) -> Result<Wrong, Error> {
        let Some(bytes) = self.folder.read(&file(log.name()))? else {
            return Ok(Some(MISSING.into()));
        };
        if bytes.is_empty() {
            return Ok(Some("is empty".into()));
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        let opened = Checkpoint::open(&text, log);
        Ok(opened.err().map(|error| format!("is damaged: {error}")))
    }

    /// The logs of the index; `None` without one, and an error for a damaged one.
    fn read_index(&self) -> Result<Result<Option<BTreeSet<String>>, ()>, Error> {
        let Some(bytes) = self.folder.read(INDEX)? else {
            return Ok(Ok(None));
        };
        let text = String::from_utf8(bytes).unwrap_or_default();
        let read = || {
            let (head, rest) = text.split_once('\n')?;
            let known: BTreeSet<String> = rest.split_terminator('\n').map(str::to_owned).collect();
            let whole = head == format!("{HEAD} {}", known.len()) && text.ends_with('\n');
            whole.then_some(known)
        };
        Ok(read().map(Some).ok_or(()))
    }

    fn write_index(&self) -> Result<(), Error> {
        let lines: String = self.known.iter().map(|name| format!("{name}\n")).collect();
        let text = format!("{HEAD} {}\n{lines}", self.known.len());
        self.folder.replace(INDEX, text.as_bytes())
    }
}

const MISSING: &str = "is missing";

fn file(origin: &str) -> String {
    format!("{}.checkpoint", monitoring_name(origin))
}

impl Memory for Notebook {
    fn load(&self, origin: &str) -> Result<Option<String>, Error> {
        let path = file(origin);
        let Some(bytes) = self.folder.read(&path)? else {
            // It was there when this process started, or it was written by it.
            if self.known.contains(origin) {
                return Err(Error::new(ErrorKind::Storage, format!("{path} is gone")));
            }
            return Ok(None);
        };
        let text = String::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| Error::new(ErrorKind::Corrupt, format!("{path} is not text")))
    }

    fn store(&mut self, origin: &str, checkpoint: &str) -> Result<(), Error> {
        self.folder.replace(&file(origin), checkpoint.as_bytes())?;
        // Before the first cosignature leaves: from now on the state must be there.
        if self.known.insert(origin.into())
            && let Err(error) = self.write_index()
        {
            self.known.remove(origin);
            return Err(error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{INDEX, Notebook, file};
    use ledger::checkpoint::Checkpoint;
    use ledger::note::Verifier;
    use ledger::tree::leaf_hash;
    use ledger::witness::Memory as _;
    use ledger::writer::{Folder, Storage as _};
    use schema::key::SecretKey;
    use std::fs;
    use std::path::Path;

    fn log(name: &str) -> Verifier {
        Verifier::new(name, SecretKey::from_bytes([5; 32]).public()).expect("a name")
    }

    fn signed(name: &str) -> String {
        let checkpoint = Checkpoint {
            origin: name.into(),
            size: 1,
            root: leaf_hash(b"a"),
        };
        let text = checkpoint.sign(&SecretKey::from_bytes([5; 32]));
        text.expect("a checkpoint")
    }

    fn start(place: &Path, names: &[&str], anew: &[&str]) -> Result<Notebook, String> {
        let mut notebook = Notebook::take(place).expect("the folder");
        let logs: Vec<Verifier> = names.iter().map(|name| log(name)).collect();
        let anew: Vec<String> = anew.iter().map(|name| (*name).to_owned()).collect();
        let recalled = notebook.recall(place, &logs, &anew);
        recalled.map_err(|error| error.to_string())?;
        Ok(notebook)
    }

    fn put(place: &Path, name: &str, text: &str) {
        let folder = Folder::new(place).expect("a folder");
        folder.replace(name, text.as_bytes()).expect("written");
    }

    /// A witness that cosigned `a.example` and then stopped.
    fn used() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut notebook = Notebook::take(folder.path()).expect("the folder");
        notebook.begin(folder.path()).expect("a new folder");
        let logs = [log("a.example")];
        notebook
            .recall(folder.path(), &logs, &[])
            .expect("a new log");
        let text = signed("a.example");
        notebook.store("a.example", &text).expect("stored");
        folder
    }

    #[test]
    fn a_witness_that_lost_its_state_does_not_start_until_it_is_told_to_begin_anew() {
        let text = signed("a.example");
        for (broken, word) in [
            (None, "is missing"),
            (Some(""), "is empty"),
            (Some(&text[..30]), "is damaged"),
            (Some("something else\n"), "is damaged"),
        ] {
            let folder = used();
            let (place, state) = (folder.path(), folder.path().join(file("a.example")));
            drop(start(place, &["a.example"], &[]).expect("whole"));
            fs::remove_file(&state).expect("removed");
            if let Some(broken) = broken {
                put(place, &file("a.example"), broken);
            }
            let refused = start(place, &["a.example"], &[]).err().expect("a refusal");
            assert!(
                refused.contains(word) && refused.contains("--begin-anew a.example"),
                "{refused}"
            );
            // Other logs are not followed meanwhile either: it is one witness.
            assert!(start(place, &["b.example", "a.example"], &[]).is_err());
            let stranger = start(place, &["a.example"], &["b.example"]);
            assert!(stranger.err().expect("a refusal").contains("b.example"));
            let notebook = start(place, &["a.example"], &["a.example"]).expect("anew");
            assert_eq!(notebook.load("a.example").expect("a read"), None);
        }
    }

    #[test]
    fn a_whole_state_is_not_forgotten_by_an_option_that_was_left_standing() {
        let folder = used();
        let refused = start(folder.path(), &["a.example"], &["a.example"]);
        assert!(refused.err().expect("a refusal").contains("is whole"));
        let notebook = start(folder.path(), &["a.example"], &[]).expect("whole");
        let state = notebook.load("a.example").expect("a read");
        assert_eq!(state, Some(signed("a.example")));
    }

    #[test]
    fn a_new_log_is_followed_beside_the_old_ones() {
        let folder = used();
        let names = ["a.example", "b.example"];
        let mut notebook = start(folder.path(), &names, &[]).expect("b is new");
        assert_eq!(notebook.load("b.example").expect("a read"), None);
        let text = signed("b.example");
        notebook.store("b.example", &text).expect("stored");
        drop(notebook);
        fs::remove_file(folder.path().join(file("b.example"))).expect("removed");
        assert!(start(folder.path(), &names, &[]).is_err());
        // Whoever follows only the other one needs only its state.
        assert!(start(folder.path(), &["a.example"], &[]).is_ok());
        assert!(start(folder.path(), &names, &[]).is_err(), "still known");
    }

    #[test]
    fn a_lost_index_is_made_again_from_whole_states_and_from_nothing_else() {
        for broken in [None, Some(""), Some("seedmark witness logs v1 1\na.ex")] {
            let folder = used();
            let index = folder.path().join(INDEX);
            fs::remove_file(&index).expect("removed");
            if let Some(broken) = broken {
                put(folder.path(), INDEX, broken);
            }
            let refused = start(folder.path(), &["a.example", "b.example"], &[]);
            let refused = refused.err().expect("b may have been followed");
            assert!(refused.contains(INDEX), "{refused}");
            drop(start(folder.path(), &["a.example"], &[]).expect("whole"));
            fs::remove_file(folder.path().join(file("a.example"))).expect("removed");
            assert!(start(folder.path(), &["a.example"], &[]).is_err());
        }
    }

    #[test]
    fn a_state_that_goes_while_it_runs_stops_the_cosigning() {
        let folder = used();
        let notebook = start(folder.path(), &["a.example"], &[]).expect("whole");
        fs::remove_file(folder.path().join(file("a.example"))).expect("removed");
        assert!(notebook.load("a.example").is_err());
    }

    #[test]
    fn a_folder_without_its_key_is_not_taken_over() {
        let folder = used();
        let mut notebook = Notebook::take(folder.path()).expect("the folder");
        assert!(notebook.begin(folder.path()).is_err(), "a state lies there");
        fs::remove_file(folder.path().join(file("a.example"))).expect("removed");
        assert!(
            notebook.begin(folder.path()).is_err(),
            "the index names one"
        );
        // A start that was cut off between index and key.
        let cut = tempfile::tempdir().expect("a folder");
        let mut notebook = Notebook::take(cut.path()).expect("the folder");
        notebook.begin(cut.path()).expect("new");
        notebook.begin(cut.path()).expect("still new");
    }
}
