//! The list of concepts and their names in three languages, as `synonyms/make.py` writes it.
//!
//! The one rule: a concept is a place in this list; the list changes only with [`super::VERSION`].

use std::sync::LazyLock;

/// One concept.
pub(crate) struct Row {
    /// Its name in the list: code points of a picture, or a word.
    pub(crate) id: &'static str,
    /// The names of the concepts that it is one of.
    pub(crate) broader: Vec<&'static str>,
    /// Its names by language, in the order of [`crate::Language::ALL`].
    pub(crate) names: [Vec<&'static str>; 3],
}

/// Every concept.
pub(crate) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let lines = include_str!("../../synonyms/v1.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t').map(|cell| {
                let parts = cell.split("; ").filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>()
            });
            let mut next = || cells.next().unwrap_or_default();
            let id = next().first().copied().unwrap_or_default();
            Row {
                id,
                broader: next(),
                names: [next(), next(), next()],
            }
        })
        .collect()
});
