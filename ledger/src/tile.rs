//! Tiles and entry bundles (C2SP tlog-tiles v0.1.0): where the hashes of a log lie, and how a tree is read from them.
//!
//! Hash i of tile n at level l is the root over 256^l entries; a full tile holds 256 hashes. A partial tile is never hashed
//! upward, and an empty one does not exist.

use crate::error::{Error, ErrorKind};
use crate::tree::{Hash, root_of};

/// Hashes of a full tile, and entries of a full bundle.
pub const WIDTH: u64 = 256;

/// The path of hash tile `index` at `level`; `width` below 256 names a partial tile.
#[must_use]
pub fn path(level: u32, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", suffix(index, width))
}

/// The path of an entry bundle.
#[must_use]
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", suffix(index, width))
}

fn suffix(index: u64, width: u64) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH {
        format!("{text}.p/{width}")
    } else {
        text
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A hash tile.
    Hashes {
        /// Its level.
        level: u32,
        /// Its index on that level.
        index: u64,
        /// Its hashes, 256 for a full tile.
        width: u64,
    },
    /// An entry bundle.
    Entries {
        /// Its index.
        index: u64,
        /// Its entries, 256 for a full bundle.
        width: u64,
    },
}

/// Reads a path, in its one spelling: `tile/<level or entries>/[x001/…]067[.p/<width>]`.
#[must_use]
pub fn parse_path(path: &str) -> Option<Place> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (rest, WIDTH),
    };
    let index = number.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let fits = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value: u64 = fits.then(|| digits.parse().ok())??;
        index.checked_mul(1000)?.checked_add(value)
    })?;
    let (place, spelling) = if level == "entries" {
        (Place::Entries { index, width }, entries_path(index, width))
    } else {
        let level = level.parse().ok().filter(|level| *level < 64)?;
        let place = Place::Hashes {
            level,
            index,
            width,
        };
        (place, self::path(level, index, width))
    };
    // Writing it again is what refuses extra zeros, signs and missing marks.
    (spelling == path && (1..=WIDTH).contains(&width)).then_some(place)
}

/// How many hashes a tree of `size` entries has at tile level `level`.
#[must_use]
pub fn count_at(level: u32, size: u64) -> u64 {
    size.checked_shr(8 * level).unwrap_or(0)
}

/// The width of tile `index` at `level` in a tree of `size` entries: 256, less at the right edge, 0 when there is none.
#[must_use]
pub fn width_at(level: u32, index: u64, size: u64) -> u64 {
    count_at(level, size)
        .saturating_sub(index * WIDTH)
        .min(WIDTH)
}

/// Splits a tile's bytes into hashes.
///
/// # Errors
/// When the length is not `width` hashes.
pub fn parse(bytes: &[u8], width: u64, path: &str) -> Result<Vec<Hash>, Error> {
    if bytes.len() as u64 != width * 32 {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "{path} is {} bytes long, expected {}",
                bytes.len(),
                width * 32
            ),
        ));
    }
    Ok(bytes
        .chunks_exact(32)
        .map(|chunk| std::array::from_fn(|i| chunk[i]))
        .collect())
}

/// Writes an entry bundle: `u16be length | entry`, repeated.
#[must_use]
pub fn bundle_bytes<E: AsRef<[u8]>>(entries: &[E]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        // Entries of this log are 130 bytes; a longer one would be refused before it gets here.
        bytes.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

/// Reads an entry bundle.
///
/// # Errors
/// When it does not hold exactly `width` entries.
pub fn parse_bundle(mut bytes: &[u8], width: u64, path: &str) -> Result<Vec<Vec<u8>>, Error> {
    let corrupt = || {
        Error::new(
            ErrorKind::Corrupt,
            format!("{path} does not hold {width} entries"),
        )
    };
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or_else(corrupt)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or_else(corrupt)?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    if entries.len() as u64 == width {
        Ok(entries)
    } else {
        Err(corrupt())
    }
}

impl<R: TileReader + ?Sized> TileReader for &R {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        (**self).read_tile(path)
    }
}

/// Reads tiles by path; a folder, a bucket or a server.
pub trait TileReader {
    /// The bytes at `path`.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when there is nothing, `ErrorKind::Storage` when reading failed.
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error>;
}

/// The most bytes of a tile, a bundle of the longest entries or a checkpoint, with room for what surrounds it.
pub const MAX_FILE_BYTES: u64 = 20 * 1024 * 1024;

/// Reads a hash tile. A log may delete a partial one once the full one stands, which then serves as well.
///
/// # Errors
/// What the reader says, or `ErrorKind::Corrupt` for another length.
pub fn read(
    reader: &dyn TileReader,
    level: u32,
    index: u64,
    width: u64,
) -> Result<Vec<Hash>, Error> {
    let (path, whole) = (path(level, index, width), path(level, index, WIDTH));
    let (bytes, width_found) = read_partial(reader, &path, &whole, width)?;
    let mut hashes = parse(
        &bytes,
        width_found,
        if width_found == width { &path } else { &whole },
    )?;
    hashes.truncate(usize::try_from(width).unwrap_or(usize::MAX));
    Ok(hashes)
}

/// Reads an entry bundle; a full one serves for a partial one that was removed.
///
/// # Errors
/// What the reader says, or `ErrorKind::Corrupt` when it does not hold as many entries.
pub fn read_entries(
    reader: &dyn TileReader,
    index: u64,
    width: u64,
) -> Result<Vec<Vec<u8>>, Error> {
    let (path, whole) = (entries_path(index, width), entries_path(index, WIDTH));
    let (bytes, found) = read_partial(reader, &path, &whole, width)?;
    let name = if found == width { &path } else { &whole };
    let mut entries = parse_bundle(&bytes, found, name)?;
    entries.truncate(usize::try_from(width).unwrap_or(usize::MAX));
    Ok(entries)
}

/// The bytes at `path` as a log serves them: a partial tile or bundle that was removed is the beginning of its full one. `None` for
/// what is no tile of this log.
///
/// # Errors
/// What the reader says.
pub fn serve(reader: &dyn TileReader, path: &str) -> Result<Option<Vec<u8>>, Error> {
    let bytes = match (reader.read_tile(path), parse_path(path)) {
        (
            Err(error),
            Some(Place::Hashes {
                level,
                index,
                width,
            }),
        ) if error.kind() == ErrorKind::Missing && width < WIDTH => {
            read(reader, level, index, width).map(|hashes| hashes.concat())
        }
        (Err(error), Some(Place::Entries { index, width }))
            if error.kind() == ErrorKind::Missing && width < WIDTH =>
        {
            read_entries(reader, index, width).map(|entries| bundle_bytes(&entries))
        }
        (bytes, Some(_)) => bytes,
        (_, None) => return Ok(None),
    };
    match bytes {
        Err(error) if error.kind() == ErrorKind::Missing => Ok(None),
        bytes => bytes.map(Some),
    }
}

/// Reads `path`, a tile or bundle of `width`, or else the full one at `whole`; returns the width that was found.
///
/// # Errors
/// What the reader says of `path` when neither is there: it is the one that the tree has.
pub(crate) fn read_partial(
    reader: &dyn TileReader,
    path: &str,
    whole: &str,
    width: u64,
) -> Result<(Vec<u8>, u64), Error> {
    match reader.read_tile(path) {
        Err(error) if error.kind() == ErrorKind::Missing && width < WIDTH => {
            match reader.read_tile(whole) {
                Err(other) if other.kind() == ErrorKind::Missing => Err(error),
                bytes => Ok((bytes?, WIDTH)),
            }
        }
        bytes => Ok((bytes?, width)),
    }
}

/// The root of the perfect subtree of `2^height` entries whose first entry is `start`, in a tree of `size`.
///
/// # Errors
/// When a tile is missing or has another length.
pub fn subtree_root(
    reader: &dyn TileReader,
    start: u64,
    height: u32,
    size: u64,
) -> Result<Hash, Error> {
    let (level, within) = (height / 8, height % 8);
    let first = start >> (8 * level);
    let index = first / WIDTH;
    let width = width_at(level, index, size);
    let hashes = read(reader, level, index, width)?;
    let from = (first % WIDTH) as usize;
    let range = hashes.get(from..from + (1 << within));
    range.map(root_of).ok_or_else(|| {
        let path = path(level, index, width);
        Error::new(
            ErrorKind::Corrupt,
            format!("{path} is too short for its tree"),
        )
    })
}
