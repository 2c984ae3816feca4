//! `seedmark model list` and `remove`: the store.

use crate::arguments::ModelStore;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use engine::model::Manifest;
use serde_json::json;

/// Bytes for people.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        1_000_000..10_000_000_000 => format!("{} MB", bytes.div_ceil(1_000_000)),
        _ => format!("{} GB", bytes.div_ceil(1_000_000_000)),
    }
}

fn size_of(manifest: &Manifest) -> u64 {
    manifest.files.iter().map(|file| file.bytes).sum()
}

fn sizes(manifest: &Manifest) -> String {
    let sizes: Vec<String> = manifest.sizes.iter().map(ToString::to_string).collect();
    sizes.join(", ")
}

pub(super) fn list(store: &ModelStore, as_json: bool) -> Result<Exit> {
    let store = machine::store(store.store.as_deref())?;
    let embedded = machine::embedded()?;
    let (kept, damaged) = store.read()?;
    for why in &damaged {
        output::hint(format!(
            "damaged: {why}; `seedmark model remove` with its digest takes it away"
        ));
    }
    let rows = std::iter::once((embedded.digest, &embedded.manifest, None)).chain(
        kept.iter()
            .map(|entry| (entry.digest, &entry.manifest, Some(&entry.path))),
    );
    if as_json {
        let rows: Vec<_> = rows
            .map(|(digest, manifest, path)| {
                json!({
                    "digest": digest, "name": manifest.name, "version": manifest.version, "family": manifest.family, "licence": manifest.licence,
                    "for_sale": manifest.for_sale, "sizes": manifest.sizes, "bytes": size_of(manifest),
                    "path": path.map(|path| path.display().to_string()),
                })
            })
            .collect();
        output::json(&json!({ "store": store.path().display().to_string(), "models": rows }));
        return Ok(Exit::Success);
    }
    for (digest, manifest, path) in rows {
        let place = match path {
            Some(_) => "",
            None => "  (embedded)",
        };
        output::line(format!("{}{place}", manifest.title()));
        output::line(format!("  {digest}"));
        let sale = if manifest.for_sale {
            ""
        } else {
            ", not for sale"
        };
        output::line(format!(
            "  {}, {}, {}, {}{sale}",
            manifest.family,
            sizes(manifest),
            megabytes(size_of(manifest)),
            manifest.licence
        ));
    }
    if kept.is_empty() {
        output::hint(format!(
            "no other model lies in {}; `seedmark model add` puts one there",
            store.path().display()
        ));
    }
    Ok(Exit::Success)
}

pub(super) fn remove(name: &str, store: &ModelStore, as_json: bool) -> Result<Exit> {
    let store = machine::store(store.store.as_deref())?;
    if store.remove_damaged(name)? {
        match as_json {
            true => output::json(&json!({ "removed": name, "name": null })),
            false => output::line(format!("removed {name}, which could not be read")),
        }
        return Ok(Exit::Success);
    }
    let entry = store.find(name)?;
    store.remove(&entry)?;
    if as_json {
        output::json(&json!({ "removed": entry.digest, "name": entry.manifest.name }));
    } else {
        output::line(format!("removed {} {}", entry.manifest.name, entry.digest));
        output::hint(
            "recipes of it cannot be made here any more; adding the same folder again gives the same digest",
        );
    }
    Ok(Exit::Success)
}
