//! Rules of the studio: drafts, generation, sealing and publishing.

pub use super::content::{Content, DraftForm};
pub use super::error::Error;
use super::error::{internal, refused, refused_at};
pub use super::preview::{Preview, preview};
use super::start::{Start, Varied};
use super::store;
pub use super::store::{DraftLine, DraftRow, MyListing, PictureRow, Published};
use crate::catalog::versions::{self, NewVersion, VersionSecret};
use crate::log::{keys, service as log};
use crate::machines::pace;
use crate::moderation;
use crate::moderation::publication;
use crate::shop::Shop;
use crate::shop::Waits;
use crate::starting::{self, Kept};
use base::db::{self, Tx};
use base::jobs::turns::{self, Class, PictureJob};
use base::jobs::workers;
use base::{compute, limits, random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::label;
use engine::picture::Picture;
use schema::commitment::Salt;
use schema::failure::FieldError;
use schema::id::{DraftId, ListingId, PersonId, PictureId, VersionId};
use schema::key::PublicKey;
use schema::leaf::Leaf;
use schema::licence::Licence;
use schema::listing::{Category, slug_of};
use schema::pixels::PixelDigest;
use schema::recipe::{Anchor, Recipe, Seed};
use schema::sealing::{Material, Seal, SealMaterial, check};
use schema::statement::{AnchorStatement, Envelope, ListingStatement};
use schema::template::Values;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A draft with both halves.
#[derive(Clone, Debug)]
pub struct Draft {
    pub row: DraftRow,
    pub content: Content,
}

/// What a picture was made with, beside the draft's settings at that time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PictureSecret {
    pub(super) content: Content,
    pub(super) values: Values,
    pub(super) seed: Seed,
    /// Drawn from the operating system. Only such a seed is sold: a typed one could be guessed.
    pub(super) drawn: bool,
}

/// Makes an empty draft.
///
/// # Errors
/// When the database fails.
pub async fn create_draft(state: &Shop, person: &PersonId, title: &str) -> Result<DraftId, Error> {
    let now = state.clock.now_ms();
    let row = DraftRow {
        id: random::id_of(),
        person_id: person.clone(),
        title: title.into(),
        description: String::new(),
        category: Category::Stickers.id().into(),
        price_minor: 300,
        licence: Licence::Standard.id().into(),
        tags: String::new(),
        trial: false,
        secret_id: random::id(),
        updated_ms: now,
        listing_id: None,
        published_ms: None,
    };
    let content = serde_json::to_vec(&Content::sample(state)).map_err(internal)?;
    let mut tx = state.db.write().await?;
    state
        .vault
        .put(&mut tx, &row.secret_id, &content, now)
        .await?;
    store::insert_draft(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// A person's own draft.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get_draft(
    state: &Shop,
    tx: &mut Tx,
    person: &PersonId,
    id: &DraftId,
) -> Result<Draft, Error> {
    let row = store::get_draft(tx, id, person)
        .await?
        .ok_or(Error::NotFound)?;
    let plain = state
        .vault
        .open(
            tx,
            &row.secret_id,
            person.as_str(),
            "edit draft",
            state.clock.now_ms(),
        )
        .await?;
    Ok(Draft {
        content: serde_json::from_slice(&plain).map_err(internal)?,
        row,
    })
}

/// As [`get_draft`], in a transaction of its own.
///
/// # Errors
/// As [`get_draft`].
pub async fn read_draft(state: &Shop, person: &PersonId, id: &DraftId) -> Result<Draft, Error> {
    let mut tx = state.db.write().await?;
    let draft = get_draft(state, &mut tx, person, id).await?;
    tx.commit().await?;
    Ok(draft)
}

/// Whether a draft is this person's; nothing of it is opened.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn check_owner(tx: &mut Tx, person: &PersonId, id: &DraftId) -> Result<(), Error> {
    let found = store::get_draft(tx, id, person).await?;
    found.map(drop).ok_or(Error::NotFound)
}

/// The listing that a draft became, if it did.
///
/// # Errors
/// When the database fails.
pub async fn find_published(tx: &mut Tx, draft: &DraftRow) -> db::Result<Option<Published>> {
    match &draft.listing_id {
        Some(listing) => store::find_published(tx, listing).await,
        None => Ok(None),
    }
}

/// A person's drafts that are worked on, and their listings. What was published and not changed since is a listing alone.
///
/// # Errors
/// When the database fails.
pub async fn list_own(tx: &mut Tx, person: &str) -> db::Result<(Vec<DraftLine>, Vec<MyListing>)> {
    Ok((
        store::list_open_drafts(tx, person).await?,
        store::list_mine(tx, person).await?,
    ))
}

/// A draft's pictures, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_pictures(tx: &mut Tx, draft: &DraftId, most: i64) -> db::Result<Vec<PictureRow>> {
    store::list_pictures(tx, draft, most).await
}

/// What a picture was made with, for whoever asked for it.
#[derive(Clone, Debug)]
pub struct Made {
    pub values: Values,
    pub seed: Seed,
    /// Whether the seed was drawn here: only such a picture is sold.
    pub drawn: bool,
    /// A quick look, which is never sealed.
    pub native: bool,
}

/// What each of one's own pictures was made with; the opening of each is written down.
///
/// # Errors
/// When one does not open.
pub async fn list_made(
    state: &Shop,
    tx: &mut Tx,
    pictures: &[PictureRow],
) -> Result<Vec<Made>, Error> {
    let mut made = Vec::new();
    for picture in pictures {
        let secret = open_picture(state, tx, picture, "show draft").await?;
        made.push(Made {
            values: secret.values,
            seed: secret.seed,
            drawn: secret.drawn,
            native: secret.content.native,
        });
    }
    Ok(made)
}

/// A person's own picture.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get_picture(
    tx: &mut Tx,
    person: &PersonId,
    id: &PictureId,
) -> Result<PictureRow, Error> {
    store::get_picture(tx, id)
        .await?
        .filter(|picture| picture.person_id == *person)
        .ok_or(Error::NotFound)
}

/// Checks and stores a draft. Wrong fields are all reported at once, and nothing is stored.
///
/// # Errors
/// [`Error::Invalid`] with every field, also when another page saved meanwhile: what was typed there is not overwritten unseen.
pub async fn save_draft(
    state: &Shop,
    person: &PersonId,
    id: &DraftId,
    mut form: DraftForm,
) -> Result<(), Error> {
    let seen_ms = form.seen_ms;
    let stored = read_draft(state, person, id).await?;
    // What a draft begins with is no field of its form: only how much of it.
    form.content.start = stored.content.start.map(|start| Start {
        strength_milli: form.strength_milli.unwrap_or(start.strength_milli),
        ..start
    });
    form.content.varied = stored.content.varied.map(|varied| Varied {
        distance_milli: form.distance_milli.unwrap_or(varied.distance_milli),
        ..varied
    });
    let checked = super::check::draft(state, form).await?;
    let content = serde_json::to_vec(&checked.content).map_err(internal)?;
    let mut tx = state.db.write().await?;
    let mut row = store::get_draft(&mut tx, id, person)
        .await?
        .ok_or(Error::NotFound)?;
    let read_ms = stored.row.updated_ms;
    if read_ms != row.updated_ms || seen_ms.is_some_and(|seen| seen != row.updated_ms) {
        return Err(refused_at("template", "draft-changed"));
    }
    row.title = checked.title;
    row.description = checked.description;
    row.category = checked.category.id().into();
    row.price_minor = checked.price_minor;
    row.licence = checked.licence.id().into();
    row.tags = checked.tags.to_string();
    row.trial = checked.trial;
    row.updated_ms = later(state, row.updated_ms);
    state
        .vault
        .put(&mut tx, &row.secret_id, &content, row.updated_ms)
        .await?;
    store::update_draft(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(())
}

/// When a draft is changed: always after its last change, so that two changes of one millisecond are two.
pub(super) fn later(state: &Shop, before_ms: i64) -> i64 {
    state.clock.now_ms().max(before_ms + 1)
}

pub(super) async fn open_picture(
    state: &Shop,
    tx: &mut Tx,
    picture: &PictureRow,
    reason: &str,
) -> Result<PictureSecret, Error> {
    let plain = state
        .vault
        .open(
            tx,
            &picture.secret_id,
            picture.person_id.as_str(),
            reason,
            state.clock.now_ms(),
        )
        .await?;
    serde_json::from_slice(&plain).map_err(internal)
}

/// A recipe ready to be sealed, with its pictures.
pub struct Sealable {
    recipe: Recipe,
    bytes: Vec<u8>,
    anchors: Vec<AnchorStatement>,
    /// Exact file, labelled picture.
    files: Vec<(String, Picture)>,
    /// The first picture with each one's seed, and the digest of its own pixels.
    origins: Vec<(String, String)>,
    /// What the search for copies compares.
    prints: moderation::service::Prints,
    draft: DraftRow,
    licence: Licence,
    /// What the recipe begins with.
    starting: Vec<Kept>,
    /// The first picture with the noise that is varied.
    varied: Option<PictureId>,
}

/// Gathers what a seal covers: the draft's text, and the chosen pictures in the order given. Files are read and pictures are looked
/// at outside any transaction.
///
/// # Errors
/// [`Error::Invalid`] when nothing fitting was chosen. `typed_seeds` lets seeds pass that were not drawn here: only the demo, whose
/// seeds were drawn once for all demos, says so. Seeds that could be found by trying never pass.
pub async fn sealable(
    state: &Shop,
    person: &PersonId,
    draft: &DraftId,
    pictures: &[PictureId],
    typed_seeds: bool,
) -> Result<Sealable, Error> {
    let choose = |code: &str| Error::Invalid(vec![FieldError::new("picture", code)]);
    if pictures.is_empty() || pictures.len() > schema::commitment::MAX_ANCHORS {
        return Err(choose("choose-pictures"));
    }
    let mut tx = state.db.write().await?;
    let draft = get_draft(state, &mut tx, person, draft).await?;
    let tag = draft.content.tag(state, &draft.row.id);
    if draft.content.native {
        return Err(choose("native-not-sealed"));
    }
    if let Some(varied) = &draft.content.varied {
        if !varied.drawn && !typed_seeds {
            return Err(choose("typed-seed"));
        }
        if store::is_seed_sealed(&mut tx, varied.origin_id.as_str(), "").await? {
            return Err(choose("varied-sealed"));
        }
    }
    let (mut chosen, mut origins) = (Vec::new(), Vec::new());
    for id in pictures {
        let row = get_picture(&mut tx, person, id).await?;
        let (Some(blob), true) = (row.blob.clone(), row.draft_id == draft.row.id) else {
            return Err(Error::NotFound);
        };
        if row.text_tag != tag {
            return Err(choose("stale-picture"));
        }
        let secret = open_picture(state, &mut tx, &row, "seal").await?;
        if !secret.drawn && !typed_seeds {
            return Err(choose("typed-seed"));
        }
        // Whoever bought another picture knows its seed, and could test guesses of this prompt with it.
        let pixels = row.pixel_blake3.unwrap_or_default();
        if store::is_seed_sealed(&mut tx, &row.origin_id, &pixels).await? {
            return Err(choose("seed-sealed"));
        }
        origins.push((row.origin_id, pixels));
        let anchor = Anchor {
            values: secret.values,
            seed: secret.seed,
        };
        chosen.push((blob, anchor));
    }
    tx.commit().await?;
    let mut files = Vec::new();
    for (blob, _) in &chosen {
        let png = state.media.get(blob).await?;
        files.push(
            png.ok_or_else(|| Error::Internal(format!("the picture file {blob} is missing")))?,
        );
    }
    let state = state.clone();
    let gathered = compute::run(move || gather(&state, draft, chosen, &files)).await;
    gathered.map(|sealable| Sealable {
        origins,
        ..sealable
    })
}

/// Looks at the pictures and writes the recipe down.
fn gather(
    state: &Shop,
    draft: Draft,
    chosen: Vec<(String, Anchor)>,
    pngs: &[Vec<u8>],
) -> Result<Sealable, Error> {
    let (mut anchors, mut recipe_anchors, mut files) = (Vec::new(), Vec::new(), Vec::new());
    let mut prints = Vec::new();
    for ((blob, anchor), png) in chosen.into_iter().zip(pngs) {
        let picture = Picture::from_png(png).map_err(internal)?;
        let labelled = label::overlay(&picture);
        prints.push(moderation::PicturePrint::of(&picture));
        anchors.push(AnchorStatement {
            pixels: picture.digest().map_err(internal)?,
            labelled: labelled.digest().map_err(internal)?,
        });
        recipe_anchors.push(anchor);
        files.push((blob, labelled));
    }
    let models = state.engines.models();
    if let Ok(model) = draft.content.model(models) {
        if !models.may_be_sold(model) {
            return Err(refused_at("picture", "model-not-for-sale"));
        }
        let size = draft.content.size_with(model);
        super::check::start(&draft.content, model, size)
            .map_err(|code| refused_at("start", code))?;
    }
    let recipe = draft.content.recipe(models, recipe_anchors);
    let recipe = recipe.map_err(|error| {
        Error::Invalid(vec![FieldError {
            field: "picture".into(),
            code: "refused".into(),
            detail: Some(error.to_string()),
        }])
    })?;
    let bytes = recipe.to_bytes().map_err(refused("picture"))?;
    recipe.check_for_sale().map_err(refused("picture"))?;
    recipe.check_seeds_for_sale().map_err(refused("picture"))?;
    if publication::candidates(&recipe) > publication::MAX_CANDIDATES {
        return Err(Error::Invalid(vec![FieldError {
            field: "picture".into(),
            code: "candidates-many".into(),
            detail: Some(publication::MAX_CANDIDATES.to_string()),
        }]));
    }
    let licence = Licence::parse(&draft.row.licence).map_err(internal)?;
    Ok(Sealable {
        prints: moderation::service::Prints::of(&state.vault, &recipe, &prints),
        starting: draft
            .content
            .start
            .as_ref()
            .map(Start::files)
            .unwrap_or_default(),
        varied: draft.content.varied.map(|varied| varied.origin_id),
        recipe,
        bytes,
        anchors,
        files,
        origins: Vec::new(),
        draft: draft.row,
        licence,
    })
}

impl Sealable {
    /// What the browser seals.
    #[must_use]
    pub fn material(&self, origin: &str, registered: Vec<String>) -> SealMaterial {
        SealMaterial {
            origin: origin.into(),
            recipe: STANDARD.encode(&self.bytes),
            anchors: self.anchors.clone(),
            label_version: label::VERSION,
            licences: vec![self.licence],
            registered,
        }
    }

    /// What the listing will say, for the page that shows it before it is sealed.
    #[must_use]
    pub fn draft(&self) -> &DraftRow {
        &self.draft
    }

    /// The recipe with the pictures' seeds and values.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }
}

/// A seal as the browser or the demo sends it.
pub struct SentSeal {
    pub salt: Salt,
    pub key: PublicKey,
    pub seal: Seal,
}

impl SentSeal {
    /// Reads the form fields of the browser.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the part.
    pub fn parse(
        salt: &str,
        key: &str,
        leaf: &str,
        listing_leaf: &str,
        statement: &str,
    ) -> Result<Self, Error> {
        let wrong = || Error::Invalid(vec![FieldError::new("seal", "seal")]);
        let mut bytes = [0; 32];
        hex::decode_to_slice(salt, &mut bytes).map_err(|_| wrong())?;
        let leaf_of = |text: &str| {
            hex::decode(text)
                .ok()
                .and_then(|bytes| Leaf::parse(&bytes).ok())
                .ok_or_else(wrong)
        };
        let listing: Envelope = serde_json::from_str(statement).map_err(|_| wrong())?;
        let seal = Seal {
            leaf: leaf_of(leaf)?,
            listing,
            listing_leaf: leaf_of(listing_leaf)?,
        };
        Ok(Self {
            salt: Salt(bytes),
            key: PublicKey::parse(key).map_err(refused("seal"))?,
            seal,
        })
    }
}

/// A sealed recipe that holds, with its labelled copies on disk: all that is left is to write it down.
pub struct Ready {
    sealable: Sealable,
    sent: SentSeal,
    /// Names of the labelled copies, by anchor.
    labelled: Vec<String>,
}

/// Checks the seal against what we know ourselves and writes the labelled copies, outside any transaction.
///
/// # Errors
/// [`Error::Invalid`] when the seal does not hold.
pub async fn make_ready(state: &Shop, sealable: Sealable, sent: SentSeal) -> Result<Ready, Error> {
    let origin = state.log.origin.clone();
    let checked = compute::run(move || -> Result<_, Error> {
        let licences = [sealable.licence];
        let material = Material {
            origin: &origin,
            recipe: &sealable.bytes,
            anchors: &sealable.anchors,
            label_version: label::VERSION,
            licences: &licences,
        };
        check(&material, &sent.salt, &sent.key, &sent.seal).map_err(refused("seal"))?;
        let leaf_hash = sent.seal.leaf.hash().hex();
        let files = (0..).zip(&sealable.files).map(|(index, (_, labelled))| {
            let content = format!("{leaf_hash}-{index}");
            labelled
                .to_png(Some(&label::xmp("SEEDMARK", &content)))
                .map_err(internal)
        });
        let files: Vec<Vec<u8>> = files.collect::<Result<_, Error>>()?;
        Ok((sealable, sent, files))
    });
    let (sealable, sent, files) = checked.await?;
    let mut labelled = Vec::new();
    for file in files {
        labelled.push(state.media.put(file).await?);
    }
    Ok(Ready {
        sealable,
        sent,
        labelled,
    })
}

/// Who publishes, and from where.
pub struct Publisher<'a> {
    pub person: &'a PersonId,
    /// The network address, for the bound on guesses.
    pub address: &'a str,
    pub language: &'a str,
}

pub(super) fn certify_key(version: &VersionId) -> String {
    format!("certify:{version}")
}

/// Publishes a draft: queues both leaves, and hands over to certification. Returns the listing's slug.
///
/// # Errors
/// [`Error::Invalid`] when the key may not sign, [`Error::Duplicate`] for another creator's picture, [`Error::TooMany`].
pub async fn publish(
    state: &Shop,
    tx: &mut Tx,
    publisher: &Publisher<'_>,
    ready: &Ready,
) -> Result<String, Error> {
    let (sealable, sent, person) = (&ready.sealable, &ready.sent, publisher.person.as_str());
    let keys = keys::list_active(tx, person).await?;
    let may_sign = keys::hold(tx, &sent.key.hash().hex()).await?;
    if !may_sign || !keys.contains(&sent.key.to_string()) {
        return Err(Error::Invalid(vec![FieldError::new(
            "seal",
            "unregistered-key",
        )]));
    }
    if !limits::allow(tx, limits::PUBLISH, person).await? {
        return Err(Error::TooMany);
    }
    let guesses = i64::try_from(publication::candidates(&sealable.recipe)).unwrap_or(i64::MAX);
    let block = limits::block(publisher.address);
    if !limits::allow_many(tx, limits::GUESSES, person, guesses).await?
        || !limits::allow_many(tx, limits::GUESSES_BLOCK, &block, guesses).await?
    {
        return Err(Error::TooMany);
    }
    // Another picture with one of these seeds may have been published since they were gathered.
    for (origin, pixels) in &sealable.origins {
        if store::is_seed_sealed(tx, origin, pixels).await? {
            return Err(Error::Invalid(vec![FieldError::new(
                "picture",
                "seed-sealed",
            )]));
        }
    }
    if let Some(origin) = &sealable.varied
        && store::is_seed_sealed(tx, origin.as_str(), "").await?
    {
        return Err(refused_at("picture", "varied-sealed"));
    }
    for anchor in &sealable.anchors {
        if let Some(leaf) =
            versions::find_equal_picture(tx, &anchor.pixels.blake3.hex(), person).await?
        {
            return Err(Error::Duplicate(leaf));
        }
    }
    let now = state.clock.now_ms();
    let sealed = log::queue(tx, &state.log.origin, &sent.seal.leaf, &sent.key).await?;
    let listed = log::queue(tx, &state.log.origin, &sent.seal.listing_leaf, &sent.key).await?;
    log::keep::<ListingStatement>(
        tx,
        &listed,
        &sent.seal.leaf.hash(),
        &sent.seal.listing,
        &sent.key,
    )
    .await?;
    let listing_id: ListingId = random::id_of();
    let mut slug = slug_of(&sealable.draft.title);
    let tail = &listing_id.as_str()[listing_id.as_str().len() - 6..];
    slug = if slug.is_empty() {
        tail.into()
    } else {
        format!("{slug}-{tail}")
    };
    let variables: BTreeMap<_, _> = sealable
        .recipe
        .variables
        .iter()
        .map(|(name, variable)| (name, variable.public()))
        .collect();
    let new = NewVersion {
        version_id: random::id_of(),
        secret_id: random::id(),
        slug,
        language: publisher.language,
        person,
        title: &sealable.draft.title,
        description: &sealable.draft.description,
        category: &sealable.draft.category,
        price_minor: sealable.draft.price_minor,
        licence: &sealable.draft.licence,
        tags: &sealable.draft.tags,
        trial: sealable.draft.trial,
        recipe: &sealable.recipe,
        variables: serde_json::to_string(&variables).map_err(internal)?,
        creator_key: sent.key.to_string(),
        leaf_hash: sealed.leaf_hash,
        listing_leaf_hash: listed.leaf_hash,
        statement: serde_json::to_string(&sent.seal.listing).map_err(internal)?,
        now_ms: now,
        listing_id,
    };
    let secret = VersionSecret {
        recipe: STANDARD.encode(&sealable.bytes),
        salt: STANDARD.encode(sent.salt.0),
        starting: sealable.starting.clone(),
    };
    let version = new.version_id.as_str();
    starting::hold(tx, version, &sealable.starting, now).await?;
    if let Some(origin) = &sealable.varied {
        store::insert_varied_seed(tx, origin, version, now).await?;
    }
    state
        .vault
        .put(
            tx,
            &new.secret_id,
            &serde_json::to_vec(&secret).map_err(internal)?,
            now,
        )
        .await?;
    versions::insert_listing(tx, &new).await?;
    versions::insert_version(tx, &new).await?;
    versions::show_first_version(tx, &new.listing_id, &new.version_id).await?;
    store::publish_draft(tx, &sealable.draft.id, &new.listing_id, now).await?;
    moderation::service::keep_prints(tx, &new.version_id, person, &sealable.prints).await?;
    let waits = if state.demo { Waits::NONE } else { state.waits };
    publication::submit(tx, &new.version_id, person, waits, now).await?;
    for (index, (((blob, labelled), labelled_blob), anchor)) in (0..).zip(
        sealable
            .files
            .iter()
            .zip(&ready.labelled)
            .zip(&sealable.anchors),
    ) {
        let PixelDigest { blake3, sha256 } = anchor.pixels;
        let size = (i64::from(labelled.width), i64::from(labelled.height));
        versions::insert_anchor(
            tx,
            &new.version_id,
            index,
            (blob, labelled_blob),
            (&blake3.hex(), &sha256.hex()),
            size,
        )
        .await?;
    }
    let anchors = i64::try_from(sealable.anchors.len()).unwrap_or(1);
    let (recipe, steps) = (&sealable.recipe, i64::from(sealable.recipe.steps));
    let (model, size) = (
        recipe.model.to_string(),
        (i64::from(recipe.width), i64::from(recipe.height)),
    );
    workers::note_model(tx, &model).await?;
    let job = PictureJob {
        kind: super::CERTIFY,
        unique_key: &certify_key(&new.version_id),
        payload: new.version_id.as_str(),
        class: Class::Owed,
        share: Some(person),
        cost_ms: pace::cost_ms(tx, &model, size, steps, anchors).await?,
        model: &model,
    };
    turns::enqueue(tx, &job).await?;
    Ok(new.slug)
}
