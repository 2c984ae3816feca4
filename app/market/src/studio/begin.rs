//! The ways to what a draft's pictures begin with: an upload, one of its own pictures, the noise of one.
//!
//! The one rule: what is on the page was saved before, and whoever changed the draft meanwhile is not overwritten.

use super::content::Content;
use super::error::{Error, internal, refused_at};
use super::queue::{self, Seeds};
use super::service::{Draft, get_draft, get_picture, later, open_picture, read_draft};
use super::start::{Start, USUAL_DISTANCE_MILLI, USUAL_STRENGTH_MILLI, Varied};
use super::store;
use crate::shop::Shop;
use crate::starting::{self, Kept};
use base::compute::Turns;
use base::limits;
use engine::model::Size;
use engine::photo::Photo;
use engine::picture::Picture;
use engine::pipeline::Pictures;
use schema::id::{DraftId, PersonId, PictureId};
use std::sync::LazyLock;

/// The largest file that is uploaded.
pub const MAX_UPLOAD_BYTES: usize = 12 * 1024 * 1024;
/// Variations that are made of a picture at once.
const VARIATIONS: usize = 4;

/// A picture of the largest size takes some 300 MB and a second while it is cut.
static TURNS: LazyLock<Turns> = LazyLock::new(|| Turns::new(1, 8));

/// Files as somebody sent them.
pub struct Upload {
    pub picture: Vec<u8>,
    /// What is to be painted anew; left out, what is transparent in the picture.
    pub mask: Option<Vec<u8>>,
}

/// The pictures that a draft's content begins with, for the engine.
pub(super) async fn open(state: &Shop, content: &Content) -> Result<Pictures, starting::Error> {
    let files = content.start.as_ref().map(Start::files);
    starting::open(&state.media, &files.unwrap_or_default()).await
}

/// Cuts a file to the draft's size and begins with it.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's draft; [`Error::Invalid`] when a file cannot be read, or the draft's model begins with no
/// picture; [`Error::TooMany`].
pub async fn upload(
    state: &Shop,
    person: &PersonId,
    id: &DraftId,
    upload: Upload,
) -> Result<(), Error> {
    let draft = allowed(state, person, id).await?;
    begin(state, person, draft, upload).await
}

/// Begins with one of the draft's own pictures, as it is.
///
/// # Errors
/// As [`upload`].
pub async fn begin_with(
    state: &Shop,
    person: &PersonId,
    id: &DraftId,
    picture: &PictureId,
) -> Result<(), Error> {
    let draft = allowed(state, person, id).await?;
    let mut tx = state.db.read().await?;
    let row = get_picture(&mut tx, person, picture).await?;
    drop(tx);
    let (Some(blob), true) = (row.blob, row.draft_id == draft.row.id) else {
        return Err(Error::NotFound);
    };
    let file = state.media.get(&blob).await?;
    let picture =
        file.ok_or_else(|| Error::Internal(format!("the picture file {blob} is gone")))?;
    let upload = Upload {
        picture,
        mask: None,
    };
    begin(state, person, draft, upload).await
}

/// Makes the draft's pictures variations of one of them, and a few at once.
///
/// # Errors
/// As [`queue::generate`].
pub async fn vary(
    state: &Shop,
    person: &PersonId,
    id: &DraftId,
    picture: &PictureId,
) -> Result<(), Error> {
    let mut tx = state.db.write().await?;
    let draft = get_draft(state, &mut tx, person, id).await?;
    let row = get_picture(&mut tx, person, picture).await?;
    if row.draft_id != draft.row.id {
        return Err(Error::NotFound);
    }
    let secret = open_picture(state, &mut tx, &row, "variations").await?;
    tx.commit().await?;
    // Variations of a variation are those of the same noise: its own is a small part of it.
    let distance = draft.content.varied.as_ref();
    let distance = distance.map_or(USUAL_DISTANCE_MILLI, |varied| varied.distance_milli);
    let varied = Varied {
        seed: secret.seed,
        drawn: secret.drawn,
        origin_id: PictureId::parse(&row.origin_id).map_err(internal)?,
        distance_milli: distance,
    };
    change(state, person, draft, Vec::new(), |content| {
        content.varied = Some(varied);
    })
    .await?;
    let values = secret.values;
    queue::generate(state, person, id, values, Seeds::Drawn, VARIATIONS).await
}

/// What a draft can do without again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The picture that it begins with.
    Start,
    /// The picture that is varied.
    Varied,
}

/// Takes a part away.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's draft.
pub async fn clear(state: &Shop, person: &PersonId, id: &DraftId, part: Part) -> Result<(), Error> {
    let draft = read_draft(state, person, id).await?;
    change(state, person, draft, Vec::new(), |content| match part {
        Part::Start => content.start = None,
        Part::Varied => content.varied = None,
    })
    .await
}

/// The picture or, behind it, the mask that a draft begins with, as a PNG.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's draft, and where there is none.
pub async fn file(
    state: &Shop,
    person: &PersonId,
    id: &DraftId,
    index: usize,
) -> Result<Vec<u8>, Error> {
    let draft = read_draft(state, person, id).await?;
    let files = draft.content.start.as_ref().map(Start::files);
    let kept = files.unwrap_or_default();
    let kept = kept.get(index).cloned().ok_or(Error::NotFound)?;
    let mut files = starting::read(&state.media, &[kept])
        .await
        .map_err(internal)?;
    files.pop().ok_or(Error::NotFound)
}

async fn allowed(state: &Shop, person: &PersonId, id: &DraftId) -> Result<Draft, Error> {
    let mut tx = state.db.write().await?;
    let draft = get_draft(state, &mut tx, person, id).await?;
    if !limits::allow(&mut tx, limits::STARTING_PICTURES, person.as_str()).await? {
        return Err(Error::TooMany);
    }
    tx.commit().await?;
    Ok(draft)
}

/// The size of a draft's pictures, where its model begins with pictures.
fn size_of(state: &Shop, content: &Content) -> Result<Size, Error> {
    let model = content.model(state.engines.models());
    let model = model.map_err(|_| refused_at("model", "model-missing"))?;
    if !model.makes_latents() {
        return Err(refused_at("start", "start-model"));
    }
    Ok(content.size_with(model))
}

/// The picture and, where there is one, its mask.
fn cut(upload: &Upload, size: Size) -> Result<Vec<Picture>, Error> {
    let read = |file: &[u8], field: &str| match file.len() {
        0 => Err(refused_at(field, "start-none")),
        1..=MAX_UPLOAD_BYTES => {
            Photo::read(file).map_err(|_| refused_at(field, "picture-unreadable"))
        }
        _ => Err(refused_at(field, "start-large")),
    };
    let photo = read(&upload.picture, "start")?;
    let mask = match &upload.mask {
        Some(mask) => Some(read(mask, "mask")?.bright(size)),
        None => photo.holes(size),
    };
    // A mask that is black everywhere would leave the picture as it is.
    if mask
        .as_ref()
        .is_some_and(|mask| !mask.samples.contains(&255))
    {
        return Err(refused_at("mask", "mask-empty"));
    }
    Ok(std::iter::once(photo.fitted(size)).chain(mask).collect())
}

async fn begin(state: &Shop, person: &PersonId, draft: Draft, upload: Upload) -> Result<(), Error> {
    let size = size_of(state, &draft.content)?;
    let cut = TURNS.run(move || cut(&upload, size)).await;
    let pictures = cut.map_err(|_| refused_at("start", "start-busy"))??;
    let kept = match starting::keep(&state.media, pictures).await {
        Err(starting::Error::Large) => return Err(refused_at("start", "start-heavy")),
        kept => kept.map_err(internal)?,
    };
    let mut files = kept.clone().into_iter();
    let picture = files.next().ok_or_else(|| internal("nothing was kept"))?;
    let strength = draft.content.start.as_ref();
    let start = Start {
        picture,
        mask: files.next(),
        strength_milli: strength.map_or(USUAL_STRENGTH_MILLI, |start| start.strength_milli),
        size,
    };
    change(state, person, draft, kept, |content| {
        content.start = Some(start);
    })
    .await
}

/// Changes a draft's content and nothing else of it; refused when somebody changed it meanwhile.
async fn change(
    state: &Shop,
    person: &PersonId,
    draft: Draft,
    files: Vec<Kept>,
    change: impl FnOnce(&mut Content),
) -> Result<(), Error> {
    let mut content = draft.content;
    change(&mut content);
    let plain = serde_json::to_vec(&content).map_err(internal)?;
    let mut tx = state.db.write().await?;
    let mut row = store::get_draft(&mut tx, &draft.row.id, person)
        .await?
        .ok_or(Error::NotFound)?;
    if row.updated_ms != draft.row.updated_ms {
        return Err(refused_at("template", "draft-changed"));
    }
    row.updated_ms = later(state, row.updated_ms);
    let vault = &state.vault;
    vault
        .put(&mut tx, &row.secret_id, &plain, row.updated_ms)
        .await?;
    starting::hold(&mut tx, row.id.as_str(), &files, row.updated_ms).await?;
    store::update_draft(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(())
}
