//! What a listing's page knows besides the listing.
//!
//! The one rule: it is gathered once, by the route.

use market::catalog::service::{Anchor, Card, VersionEntry};
use market::log::service::StatementRow;
use market::machines::Stands;
use market::offers::sets::Set;

/// What a page says of a model.
pub(in crate::catalog) struct ModelFacts {
    pub(in crate::catalog) name: String,
    pub(in crate::catalog) bytes: u64,
    /// Whether it is inside the program, so that a buyer needs nothing else.
    pub(in crate::catalog) embedded: bool,
}

/// What a listing's page knows besides the listing.
pub(in crate::catalog) struct Around {
    pub(in crate::catalog) anchors: Vec<Anchor>,
    pub(in crate::catalog) statements: Vec<StatementRow>,
    pub(in crate::catalog) versions: Vec<VersionEntry>,
    /// Its model, where that is here.
    pub(in crate::catalog) model: Option<ModelFacts>,
    /// Whether it begins with a picture, which comes with it.
    pub(in crate::catalog) is_begun: bool,
    /// The model that no machine of the shop has now, by its name: then it cannot be bought, tried or regenerated here.
    pub(in crate::catalog) away: Option<String>,
    /// What its certification waits for, while it is under way.
    pub(in crate::catalog) certifying: Option<Stands>,
    /// The line by which this visitor owns it.
    pub(in crate::catalog) owned: Option<String>,
    /// It lies in this visitor's cart.
    pub(in crate::catalog) in_cart: bool,
    /// A person looks at it before it may go live.
    pub(in crate::catalog) in_review: bool,
    /// Sets that it is sold in, too, and what each comes to with its tax.
    pub(in crate::catalog) sets: Vec<(Set, i64)>,
    /// More by its creator.
    pub(in crate::catalog) more: Vec<Card>,
    /// What is like it.
    pub(in crate::catalog) similar: Vec<Card>,
    /// Owners who regenerated it.
    pub(in crate::catalog) reproduced: i64,
    pub(in crate::catalog) now_ms: i64,
}
