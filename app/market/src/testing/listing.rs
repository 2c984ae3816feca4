//! Listings and their versions, with what a sale needs of them: a secret, two leaves and pictures.

use super::{leaf, named, secret};
use base::db::{Db, Tx, execute};
use base::random;
use base::vault::Vault;
use schema::id::{ListingId, VersionId};
use schema::leaf::LeafKind;

/// A listing on sale for 10.00 with one live version, unless a test says otherwise.
pub(crate) struct Listing {
    id: ListingId,
    seller: String,
    title: String,
    category: &'static str,
    tags: &'static str,
    price_minor: i64,
    trial: bool,
    state: &'static str,
    published_ms: Option<i64>,
    sales: i64,
    versions: Vec<Version>,
}

impl Listing {
    pub(crate) fn of(seller: &str) -> Self {
        Self {
            id: random::id_of(),
            seller: seller.into(),
            title: "Fox".into(),
            category: "faces",
            tags: "",
            price_minor: 1000,
            trial: false,
            state: "live",
            published_ms: None,
            sales: 0,
            versions: Vec::new(),
        }
    }

    /// The name of its id, which is its address too.
    pub(crate) fn id(mut self, name: &str) -> Self {
        self.id = named(name);
        self
    }

    pub(crate) fn title(mut self, title: &str) -> Self {
        self.title = title.into();
        self
    }

    pub(crate) fn category(mut self, category: &'static str) -> Self {
        self.category = category;
        self
    }

    pub(crate) fn price(mut self, price_minor: i64) -> Self {
        self.price_minor = price_minor;
        self
    }

    /// Visitors may try it.
    pub(crate) fn trial(mut self) -> Self {
        self.trial = true;
        self
    }

    pub(crate) fn state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }

    pub(crate) fn published(mut self, published_ms: i64) -> Self {
        self.published_ms = Some(published_ms);
        self
    }

    pub(crate) fn sales(mut self, sales: i64) -> Self {
        self.sales = sales;
        self
    }

    /// One more version; the last live one is sold. A listing that was given none has a live one.
    pub(crate) fn version(mut self, version: Version) -> Self {
        self.versions.push(version);
        self
    }

    /// Writes the rows and returns the id.
    pub(crate) async fn insert(mut self, tx: &mut Tx) -> ListingId {
        let sql = "insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, tags,
                created_ms, published_ms, sales, trial)
            values ($1, $1, $2, $3, '', $4, 'en', $5, 'standard-1', $6, $7, 1, $8, $9, $10)";
        execute!(
            tx,
            sql,
            self.id.as_str(),
            &self.seller,
            &self.title,
            self.category,
            self.price_minor,
            self.state,
            self.tags,
            self.published_ms,
            self.sales,
            self.trial
        )
        .expect("a listing");
        if self.versions.is_empty() {
            self.versions.push(Version::new());
        }
        let live = self
            .versions
            .iter()
            .rposition(|version| version.state == "live");
        let shown = self.versions[live.unwrap_or(0)].id.clone();
        for version in self.versions {
            version.insert(tx, &self.id).await;
        }
        let sql = "update listing set version_id = $2 where id = $1";
        execute!(tx, sql, self.id.as_str(), shown.as_str()).expect("its version");
        self.id
    }

    /// The same in a transaction of its own.
    pub(crate) async fn save(self, db: &Db) -> ListingId {
        let mut tx = db.write().await.expect("a transaction");
        let id = self.insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        id
    }
}

/// A live version with one picture, unless a test says otherwise.
pub(crate) struct Version {
    id: VersionId,
    state: &'static str,
    model: String,
    variables: String,
    anchors: i64,
    first_index: Option<i64>,
    certification: Option<String>,
    secret: Option<(Vault, Vec<u8>)>,
}

impl Version {
    pub(crate) fn new() -> Self {
        Self {
            id: random::id_of(),
            state: "live",
            model: "m".into(),
            variables: "{}".into(),
            anchors: 1,
            first_index: None,
            certification: None,
            secret: None,
        }
    }

    /// The name of its id.
    pub(crate) fn id(mut self, name: &str) -> Self {
        self.id = named(name);
        self
    }

    pub(crate) fn state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }

    pub(crate) fn model(mut self, model: &str) -> Self {
        self.model = model.into();
        self
    }

    /// The variables' public side, JSON.
    pub(crate) fn variables(mut self, variables: String) -> Self {
        self.variables = variables;
        self
    }

    pub(crate) fn anchors(mut self, anchors: i64) -> Self {
        self.anchors = anchors;
        self
    }

    /// Its two leaves are in the log, the sealed one here and the listing's behind it.
    pub(crate) fn logged_at(mut self, index: i64) -> Self {
        self.first_index = Some(index);
        self
    }

    /// The leaf that says how our own re-run of it ended.
    pub(crate) fn certified_by(mut self, leaf: &str) -> Self {
        self.certification = Some(leaf.into());
        self
    }

    /// What the vault holds of it; else there is only a row that does not open.
    pub(crate) fn secret(mut self, vault: &Vault, plain: &[u8]) -> Self {
        self.secret = Some((vault.clone(), plain.into()));
        self
    }

    /// The hash of the sealed leaf of the version with this name.
    pub(crate) fn leaf_of(name: &str) -> String {
        super::leaf_hash(LeafKind::SealedRecipe, named::<VersionId>(name).as_str())
    }

    async fn insert(self, tx: &mut Tx, listing: &ListingId) {
        let id = self.id.as_str();
        let first = self.first_index;
        let sealed = leaf(tx, LeafKind::SealedRecipe, id, first).await;
        let listed = leaf(tx, LeafKind::Listing, id, first.map(|index| index + 1)).await;
        if let Some((vault, plain)) = &self.secret {
            vault.put(tx, id, plain, 1).await.expect("a secret");
        } else {
            secret(tx, id).await;
        }
        let sql = "insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key,
                leaf_hash, listing_leaf_hash, certification_leaf_hash, listing_statement, created_ms)
            values ($1, $2, $3, $1, $4, 'portable-1', 's', 1, 1, 1, $8, 'k', $5, $6, $7, '{}', 1)";
        execute!(
            tx,
            sql,
            id,
            listing.as_str(),
            self.state,
            &self.model,
            &sealed,
            &listed,
            self.certification.as_deref(),
            &self.variables
        )
        .expect("a version");
        for index in 0..self.anchors {
            let sql = "insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height)
                values ($1, $2, $3, $4, $3, $3, 1, 1)";
            let (exact, labelled) = (format!("{id} {index}"), format!("{id} {index} labelled"));
            execute!(tx, sql, id, index, &exact, &labelled).expect("an anchor");
        }
    }
}
