//! Listings as the index takes them.
//!
//! The one rule: public facts alone. What is sealed is not read here.

use super::store::{self, Digests, Row};
use crate::catalog::ListingState;
use crate::moderation::PicturePrint;
use base::db::{self, Tx};
use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;
use schema::tags::Tags;
use schema::template::PublicVariable;
use search::{Change, Document, Language, Print, Variable};
use std::collections::BTreeMap;

/// How each of some listings stands for the index: on sale, or not.
pub(super) async fn read(tx: &mut Tx, ids: &[ListingId]) -> db::Result<Vec<Change>> {
    let rows = store::list_rows(tx, ids).await?;
    let mut digests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Digests {
        version_id,
        pixel_blake3,
        pixel_sha256,
    } in store::list_digests(tx, ids).await?
    {
        let of_version = digests.entry(version_id).or_default();
        of_version.extend([pixel_blake3, pixel_sha256]);
    }
    let mut rows: BTreeMap<ListingId, Row> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let changes = ids.iter().map(|id| {
        let on_sale = rows
            .remove(id)
            .filter(|row| row.state == ListingState::Live);
        let document = on_sale.and_then(|row| {
            let digests = digests.remove(&row.version_id).unwrap_or_default();
            document(row, digests)
        });
        match document {
            Some(document) => Change::Put(Box::new(document)),
            None => Change::Remove(id.clone()),
        }
    });
    Ok(changes.collect())
}

/// Nothing for a row that no release of ours wrote: it can be shown by its address, and is not found.
fn document(row: Row, pixel_digests: Vec<String>) -> Option<Document> {
    let variables: BTreeMap<String, PublicVariable> =
        serde_json::from_str(&row.variables).unwrap_or_default();
    let variables = variables.into_iter().map(|(name, variable)| Variable {
        name,
        choices: match variable {
            PublicVariable::Choice { labels, .. } => labels,
            PublicVariable::Text { .. } | PublicVariable::Number { .. } => Vec::new(),
        },
    });
    let prints = row.picture_prints.as_deref().map(PicturePrint::parse_all);
    let tags = Tags::parse(&row.tags).unwrap_or_default();
    Some(Document {
        variables: variables.collect(),
        id: row.id,
        title: row.title,
        tags: tags.iter().map(str::to_owned).collect(),
        creator: row.handle,
        category: Category::parse(&row.category).ok()?,
        description: row.description,
        language: Language::parse(&row.language)?,
        model: row.model,
        licence: Licence::parse(&row.licence).ok()?,
        price_minor: row.price_minor,
        published_ms: row.published_ms,
        sales: row.sales,
        reproduced: row.reproduced,
        trend: row.trend,
        trial: row.trial,
        leaf_hash: row.leaf_hash,
        log_index: row.log_index.and_then(|index| u64::try_from(index).ok()),
        prints: prints.iter().flatten().filter_map(print_of).collect(),
        pixel_digests,
    })
}

/// The index's print of a picture, taken from the small copy that is kept of each.
pub(super) fn print_of(print: &PicturePrint) -> Option<Print> {
    let (side, cells) = print.cells();
    Print::of(side, side, cells)
}
