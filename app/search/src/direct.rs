//! Queries that are no words: digests, places in the log, handles.
//!
//! The one rule: what looks like one and is known is answered with what it points at; what is not known is looked for as words.

use crate::answer::Direct;
use crate::document::Document;
use crate::state::State;
use crate::text::Text;
use crate::words::fold;
use roaring::RoaringBitmap;

/// The shortest piece of a digest that is taken for one, in digits.
const MIN_DIGITS: usize = 12;

/// The exact keys of a document.
pub(crate) fn keys(document: &Document, whole: &str) -> Vec<String> {
    let mut keys = vec![id_key(document.id.as_str()), format!("t{whole}")];
    keys.push(format!("l{}", document.leaf_hash.to_ascii_lowercase()));
    keys.extend(document.log_index.map(|index| format!("n{index}")));
    let digests = document.pixel_digests.iter().take(128);
    keys.extend(digests.map(|digest| pixel_key(digest)));
    keys.retain(|key| key.len() > 1 && key.len() < 1_000);
    keys
}

pub(crate) fn id_key(id: &str) -> String {
    format!("i{id}")
}

pub(crate) fn pixel_key(digest: &str) -> String {
    let digest = digest.rsplit(':').next().unwrap_or_default();
    format!("p{}", digest.to_ascii_lowercase())
}

/// What a query points at, and where.
pub(crate) fn find(state: &State, text: &Text, typed: &str) -> Option<(Direct, RoaringBitmap)> {
    let typed = typed.trim();
    if typed.contains(char::is_whitespace) {
        return None;
    }
    let at = typed.strip_prefix(['@', '＠']);
    if let Some(handle) = at.map(fold::kept) {
        let set = state.creators.set(state.creators.find(&handle)?)?;
        return Some((Direct::Creator(handle), (**set).clone()));
    }
    let index = typed.strip_prefix(['#', '＃']).unwrap_or(typed);
    if !index.is_empty() && index.len() <= 18 && index.bytes().all(|digit| digit.is_ascii_digit()) {
        let index: u64 = index.parse().ok()?;
        let found = live(state, text.by_key(&format!("n{index}")));
        return (!found.is_empty()).then_some((Direct::LogIndex(index), found));
    }
    let lower = typed.to_ascii_lowercase();
    if let Some(set) = state
        .models
        .find(&lower)
        .and_then(|number| state.models.set(number))
    {
        return Some((Direct::Model(lower), (**set).clone()));
    }
    let digits = lower
        .strip_prefix("blake3:")
        .or_else(|| lower.strip_prefix("sha256:"))
        .unwrap_or(&lower);
    let hex = digits.len() >= MIN_DIGITS
        && digits.len() <= 128
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !hex {
        return None;
    }
    let leaf = of_keys(state, text, &format!("l{digits}"));
    if let Some((digest, found)) = leaf {
        return Some((Direct::Leaf(digest), found));
    }
    if let Some((digest, found)) = of_keys(state, text, &format!("p{digits}")) {
        return Some((Direct::Pixels(digest), found));
    }
    // A model's digest, without what it begins with, or its beginning.
    let name = format!("blake3:{digits}");
    let (name, number) = state.models.from(&name).next()?;
    let set = state.models.set(number)?;
    Some((Direct::Model(name.to_owned()), (**set).clone()))
}

/// The first key that begins so and is of a live listing.
fn of_keys(state: &State, text: &Text, prefix: &str) -> Option<(String, RoaringBitmap)> {
    text.keys_from(prefix).into_iter().find_map(|key| {
        let found = live(state, text.by_key(&key));
        (!found.is_empty()).then(|| (key[1..].to_owned(), found))
    })
}

pub(crate) fn live(state: &State, mut found: RoaringBitmap) -> RoaringBitmap {
    found &= &*state.live;
    found
}
