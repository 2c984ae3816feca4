//! The numbers of listings on disk: a file that is only added to.
//!
//! The one rule: what counts is as long as the words' commit says it is; what stands after that was never said. So words and numbers change
//! together, and a number alone costs some bytes.

use crate::row::{Id, Numbers};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of one entry: id, price, sales, reproduced, trend.
const ENTRY: usize = 16 + 4 + 4 + 4 + 8;

/// The file, open at its end.
pub(crate) struct Log {
    folder: PathBuf,
    /// Which file it is.
    pub(crate) number: u64,
    /// How much of it counts, with what is added but not yet committed.
    pub(crate) bytes: u64,
    file: File,
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("numbers-{number}"))
}

fn encode(id: Id, numbers: Numbers) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(&id.to_le_bytes());
    entry[16..20].copy_from_slice(&numbers.price_minor.to_le_bytes());
    entry[20..24].copy_from_slice(&numbers.sales.to_le_bytes());
    entry[24..28].copy_from_slice(&numbers.reproduced.to_le_bytes());
    entry[28..].copy_from_slice(&numbers.trend.to_le_bytes());
    entry
}

fn decode(entry: &[u8; ENTRY]) -> (Id, Numbers) {
    let part = |at: usize| {
        entry[at..]
            .first_chunk()
            .map_or(0, |four| u32::from_le_bytes(*four))
    };
    let id = entry.first_chunk().map_or(0, |id| Id::from_le_bytes(*id));
    let trend = entry
        .last_chunk()
        .map_or(0, |trend| i64::from_le_bytes(*trend));
    let numbers = Numbers {
        price_minor: part(16),
        sales: part(20),
        reproduced: part(24),
        trend,
    };
    (id, numbers)
}

impl Log {
    /// Begins a file, in place of whatever has its name.
    pub(crate) fn create(
        folder: &Path,
        number: u64,
        entries: &[(Id, Numbers)],
    ) -> io::Result<Self> {
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .clone();
        let file = options.open(path(folder, number))?;
        let mut log = Self {
            folder: folder.to_owned(),
            number,
            bytes: 0,
            file,
        };
        log.add(entries)?;
        Ok(log)
    }

    /// Opens a file and reads what counts of it.
    pub(crate) fn open(
        folder: &Path,
        number: u64,
        bytes: u64,
    ) -> io::Result<(Self, Vec<(Id, Numbers)>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path(folder, number))?;
        let mut content = Vec::new();
        (&mut file).take(bytes).read_to_end(&mut content)?;
        let (entries, rest) = content.as_chunks::<ENTRY>();
        if content.len() as u64 != bytes || !rest.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file of numbers is shorter than it was",
            ));
        }
        let entries = entries.iter().map(decode).collect();
        Ok((
            Self {
                folder: folder.to_owned(),
                number,
                bytes,
                file,
            },
            entries,
        ))
    }

    /// Adds entries and waits until they are on disk. They count once a commit says so.
    pub(crate) fn add(&mut self, entries: &[(Id, Numbers)]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let content: Vec<u8> = entries
            .iter()
            .flat_map(|(id, numbers)| encode(*id, *numbers))
            .collect();
        self.file.set_len(self.bytes)?;
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(&content)?;
        self.file.sync_data()?;
        self.bytes += content.len() as u64;
        Ok(())
    }

    /// Entries that count.
    pub(crate) fn entries(&self) -> u64 {
        self.bytes / ENTRY as u64
    }

    /// Removes every other file of numbers.
    pub(crate) fn remove_others(&self) {
        let Ok(listed) = self.folder.read_dir() else {
            return;
        };
        let own = path(&self.folder, self.number);
        for other in listed.flatten().map(|entry| entry.path()) {
            let numbers = other
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("numbers-"));
            if numbers
                && other != own
                && let Err(error) = std::fs::remove_file(&other)
            {
                tracing::warn!("an old file of the search index stays: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Log;
    use crate::row::Numbers;

    #[test]
    fn what_was_not_committed_was_never_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |sales| Numbers {
            price_minor: 250,
            sales,
            reproduced: 2,
            trend: -9,
        };
        let mut log = Log::create(folder.path(), 3, &[(7, of(1))]).expect("a file");
        let counted = log.bytes;
        log.add(&[(8, of(2)), (9, of(3))]).expect("more");
        drop(log);
        let (mut log, entries) = Log::open(folder.path(), 3, counted).expect("opens");
        assert_eq!(entries, [(7, of(1))]);
        log.add(&[(10, of(4))]).expect("more");
        let (_, entries) = Log::open(folder.path(), 3, log.bytes).expect("opens");
        assert_eq!(entries, [(7, of(1)), (10, of(4))]);
        assert!(Log::open(folder.path(), 3, log.bytes + 36).is_err());
    }
}
