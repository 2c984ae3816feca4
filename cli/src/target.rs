//! Writing: every file that a command leaves behind.
//!
//! The one rule: a target is looked at before the work and written after it, whole or not at all: beside it, flushed, renamed, and
//! the folder flushed. A full disk or a kill leaves what was there before.

use crate::output;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What a file is, and with it what it may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A PNG: replaces a PNG. Its name ends in `.png`, or in nothing.
    Picture,
    /// A PDF: replaces a PDF.
    Document,
    /// A recipe as JSON: replaces a recipe.
    Recipe,
    /// A key or a bundle with its recipe: replaces nothing, and only its owner may read it.
    Secret,
    /// What a run remembers for the next one: replaces itself.
    State,
}

/// A place that was found fit before the work began.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where the file will lie, behind any link; `None` for standard output.
    path: Option<PathBuf>,
    content: Content,
}

impl Target {
    /// Looks at the place. Missing folders are made when the file is written.
    pub(crate) fn file(path: &Path, content: Content) -> Result<Self> {
        if path.as_os_str() == "-" {
            if matches!(
                content,
                Content::State | Content::Recipe | Content::Document
            ) {
                bail!(
                    "-: standard output takes the picture or the bundle; name a file (./- for one named -)"
                );
            }
            output::leave_to_file();
            let path = None;
            return Ok(Self { path, content });
        }
        let shown = path.display();
        let folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let Some(name) = path.file_name().filter(|_| !folder) else {
            bail!("{shown} is a folder; name a file in it");
        };
        let ending = Path::new(name).extension();
        if content == Content::Picture
            && ending.is_some_and(|ending| !ending.eq_ignore_ascii_case("png"))
        {
            bail!("{shown}: a picture is written as PNG; end its name in .png");
        }
        // A link stays a link, and what it leads to is replaced.
        let path = resolve(path)?;
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => bail!("{shown} is a folder; name a file in it"),
            Ok(found) if found.is_file() => check_replaceable(&path, content)?,
            // A device or a pipe is written as it stands.
            Ok(_) => {
                let path = Some(path);
                return Ok(Self { path, content });
            }
            Err(_) => {}
        }
        // Found out now: a place that takes no files would lose the work.
        let there = path.ancestors().skip(1).find(|folder| folder.is_dir());
        beside(there.unwrap_or(Path::new(".")), &path, content)?;
        let path = Some(path);
        Ok(Self { path, content })
    }

    /// A folder for pictures named `anchor-1.png` and on.
    pub(crate) fn folder(path: &Path, count: usize) -> Result<Vec<(PathBuf, Self)>> {
        let shown = path.display();
        if path.as_os_str() == "-" {
            bail!("-: these are several pictures; name a folder (./- for one named -)");
        }
        if path.exists() && !path.is_dir() {
            bail!("{shown} is no folder; the pictures of a recipe go into one");
        }
        let file = |index| {
            let path = path.join(format!("anchor-{}.png", index + 1));
            Ok((path.clone(), Self::file(&path, Content::Picture)?))
        };
        (0..count).map(file).collect()
    }

    /// Recipes of these names in a folder.
    pub(crate) fn recipes(folder: &Path, names: &[String]) -> Result<Vec<Self>> {
        if folder.exists() && !folder.is_dir() {
            bail!(
                "{} is no folder; several recipes go into one",
                folder.display()
            );
        }
        names
            .iter()
            .map(|name| Self::file(&folder.join(name), Content::Recipe))
            .collect()
    }

    /// Whether two targets would be one file.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// Whether the file goes to standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.path.is_none()
    }

    /// Writes the file; takes the target, which is used up.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<()> {
        let Some(path) = &self.path else {
            output::file(bytes);
            return Ok(());
        };
        let cannot = || format!("cannot write {}", path.display());
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return fs::write(path, bytes).with_context(cannot);
        }
        let folder = folder_of(path);
        fs::create_dir_all(folder).with_context(cannot)?;
        let mut file = beside(folder, path, self.content)?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .with_context(cannot)?;
        // Who may read the old file may read the new one, and nobody else.
        if let Ok(old) = fs::metadata(path) {
            file.as_file()
                .set_permissions(old.permissions())
                .with_context(cannot)?;
        }
        let moved = if self.content == Content::Secret {
            file.persist_noclobber(path)
        } else {
            file.persist(path)
        };
        moved.map_err(|error| error.error).with_context(cannot)?;
        // The name is durable with its folder.
        #[cfg(unix)]
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(cannot)?;
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The place behind links, as far as there is one, so that two ways to write a path are one.
fn resolve(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for place in path.ancestors() {
        if let Ok(known) = fs::canonicalize(place) {
            let rest = path.strip_prefix(place).unwrap_or(Path::new(""));
            let none = rest.as_os_str().is_empty();
            return Ok(if none { known } else { known.join(rest) });
        }
    }
    Ok(path)
}

/// A file beside the target, which is gone again unless it is renamed.
fn beside(folder: &Path, path: &Path, content: Content) -> Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".seedmark-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // What the umask takes from the second is its owner's choice.
        let mode = if content == Content::Secret {
            0o600
        } else {
            0o666
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    builder
        .tempfile_in(folder)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// An old file of the same kind may be replaced; any other is somebody's, and stays.
fn check_replaceable(path: &Path, content: Content) -> Result<()> {
    use std::io::Read as _;
    let shown = path.display();
    if fs::metadata(path).is_ok_and(|found| found.permissions().readonly()) {
        bail!("{shown} is read-only: name another file");
    }
    let mut begin = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(64 * 1024).read_to_end(&mut begin))
        .with_context(|| format!("cannot look at {shown}"))?;
    let replaced = match content {
        Content::Picture => begin.starts_with(b"\x89PNG\r\n\x1a\n"),
        Content::Document => begin.starts_with(b"%PDF-"),
        Content::Recipe => {
            let format = schema::recipe::FORMAT.as_bytes();
            begin.windows(format.len()).any(|bytes| bytes == format)
        }
        Content::Secret => false,
        Content::State => true,
    };
    if replaced || (begin.is_empty() && content != Content::Secret) {
        return Ok(());
    }
    let what = match content {
        Content::Picture => "it is no PNG",
        Content::Document => "it is no PDF",
        Content::Recipe => "it is no recipe",
        _ => "such a file is never replaced",
    };
    bail!("{shown} exists already, and {what}: name another file, or remove it")
}
