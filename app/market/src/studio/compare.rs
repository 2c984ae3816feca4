//! Comparisons: the same prompt, or the same in other words, by several models; one seed for all.
//!
//! The one rule: each picture is that of a draft of its own, which is worked on and sealed like any other.

use super::check;
use super::content::Content;
use super::error::{Error, internal, refused_at};
use super::queue::{self, Together};
use super::service::{Draft, open_picture, read_draft};
use super::store;
pub use super::store::Comparison;
use super::store::{DraftRow, PictureRow};
use crate::machines::Stands;
use crate::models;
use crate::shop::Shop;
use base::db::Tx;
use base::{compute, random};
use schema::failure::FieldError;
use schema::id::{ComparisonId, DraftId, PersonId};
use schema::listing::MAX_TITLE_CHARACTERS;
use schema::recipe::{ModelDigest, Seed};
use schema::template::Values;

/// The most pictures of one comparison.
pub const MAX_CELLS: usize = 12;
/// Prompts beside the draft's own.
pub const MAX_MORE: usize = 3;
/// Comparisons that are listed.
const LISTED: i64 = 12;

/// What is to be compared.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// By whom each prompt is painted.
    pub models: Vec<ModelDigest>,
    /// Prompts beside the draft's own; empty ones are none.
    pub prompts: Vec<String>,
    /// What all of them are made with.
    pub values: Values,
}

/// A place of a comparison.
#[derive(Clone, Debug)]
pub struct Cell {
    pub draft: DraftId,
    /// What the picture was made with, and the picture; nothing where it was given up.
    pub made: Option<(Content, PictureRow)>,
    /// What the picture waits for, or how long it takes, while it is on its way.
    pub stands: Option<Stands>,
}

/// A comparison as its page shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub title: String,
    pub created_ms: i64,
    /// Names of the models, by column; empty where everything of a column was given up.
    pub columns: Vec<String>,
    /// The expanded prompts, by row; empty where everything of a row was given up.
    pub rows: Vec<String>,
    /// Row by row.
    pub cells: Vec<Cell>,
    /// The seed that all of them have.
    pub seed: Option<Seed>,
}

/// One place before it is made.
struct Planned {
    content: Content,
    title: String,
    /// The draft that is compared with others is not copied.
    is_own: bool,
}

/// Copies a draft for each other place and asks for one picture of each.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's draft; [`Error::Invalid`] when one of the places cannot be made, and then none is;
/// [`Error::TooMany`].
pub async fn begin(
    state: &Shop,
    person: &PersonId,
    draft: &DraftId,
    wish: Wish,
) -> Result<ComparisonId, Error> {
    let draft = read_draft(state, person, draft).await?;
    let (for_work, from) = (state.clone(), draft.clone());
    let columns = wish.models.len();
    let values = wish.values.clone();
    let planned = compute::run(move || plan(&for_work, &from, &wish)).await?;
    let now = state.clock.now_ms();
    let mut tx = state.db.write().await?;
    // It may have been given up meanwhile.
    if store::get_draft(&mut tx, &draft.row.id, person)
        .await?
        .is_none()
    {
        return Err(Error::NotFound);
    }
    let mut wanted = Vec::new();
    for place in planned {
        let row = match place.is_own {
            true => draft.row.clone(),
            false => copy(state, &mut tx, &draft, &place, now).await?,
        };
        wanted.push(Together {
            draft: row,
            content: place.content,
        });
    }
    let pictures = queue::ask_together(state, &mut tx, person, &wanted, &values).await?;
    let id: ComparisonId = random::id_of();
    let title = &draft.row.title;
    let columns = i64::try_from(columns).map_err(internal)?;
    store::insert_comparison(&mut tx, &id, person, (title, columns), now).await?;
    for (index, (place, picture)) in (0..).zip(wanted.iter().zip(&pictures)) {
        store::insert_cell(&mut tx, &id, index, &place.draft.id, picture).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Every place, with what makes it; the first thing that cannot be made refuses all.
fn plan(state: &Shop, draft: &Draft, wish: &Wish) -> Result<Vec<Planned>, Error> {
    let models = state.engines.models();
    let own = draft.content.model(models).map(|model| model.digest);
    let own = own.map_err(|_| refused_at("models", "model-missing"))?;
    let more = wish.prompts.iter().map(|text| text.trim());
    let more: Vec<&str> = more.filter(|text| !text.is_empty()).collect();
    let prompts: Vec<&str> = std::iter::once(draft.content.template.as_str())
        .chain(more)
        .collect();
    let count = prompts.len() * wish.models.len();
    let twice = |at: usize| wish.models[..at].contains(&wish.models[at]);
    if (0..wish.models.len().min(MAX_CELLS + 1)).any(twice) {
        return Err(refused_at("models", "compare-twice"));
    }
    if !(2..=MAX_CELLS).contains(&count) || prompts.len() > MAX_MORE + 1 {
        return Err(Error::Invalid(vec![FieldError {
            field: "models".into(),
            code: "compare-count".into(),
            detail: Some(MAX_CELLS.to_string()),
        }]));
    }
    let mut planned = Vec::new();
    for (row, prompt) in prompts.iter().enumerate() {
        for digest in &wish.models {
            let model = models.named(*digest);
            let model = model.map_err(|_| refused_at("models", "model-missing"))?;
            let mut content = Content {
                template: (*prompt).to_owned(),
                model: Some(*digest),
                ..draft.content.clone()
            };
            content.settle(models, Some(own));
            let is_own = row == 0 && *digest == own;
            if is_own {
                content = draft.content.clone();
            }
            let at = |field: &str| match row {
                0 => "models".to_owned(),
                _ => format!("prompt_{field}"),
            };
            let wrong = |errors: Vec<FieldError>| {
                let moved = errors.into_iter().map(|error| FieldError {
                    field: at(&row.to_string()),
                    ..error
                });
                Error::Invalid(moved.collect())
            };
            let size = content.size_with(model);
            check::start(&content, model, size).map_err(|code| refused_at("models", code))?;
            check::picture(state, &content, wish.values.clone(), Seed(0)).map_err(wrong)?;
            let parts = [
                (wish.models.len() > 1).then(|| models::name(model)),
                (row > 0).then(|| (row + 1).to_string()),
            ];
            let parts = parts.into_iter().flatten();
            let title: String = std::iter::once(draft.row.title.clone())
                .chain(parts)
                .collect::<Vec<_>>()
                .join(" · ");
            planned.push(Planned {
                content,
                title: title.chars().take(MAX_TITLE_CHARACTERS).collect(),
                is_own,
            });
        }
    }
    Ok(planned)
}

/// A draft like another one, with another text or model.
async fn copy(
    state: &Shop,
    tx: &mut Tx,
    draft: &Draft,
    place: &Planned,
    now_ms: i64,
) -> Result<DraftRow, Error> {
    let row = DraftRow {
        id: random::id_of(),
        title: place.title.clone(),
        secret_id: random::id(),
        updated_ms: now_ms,
        listing_id: None,
        published_ms: None,
        ..draft.row.clone()
    };
    let plain = serde_json::to_vec(&place.content).map_err(internal)?;
    state.vault.put(tx, &row.secret_id, &plain, now_ms).await?;
    if let Some(start) = &place.content.start {
        crate::starting::hold(tx, row.id.as_str(), &start.files(), now_ms).await?;
    }
    store::insert_draft(tx, &row).await?;
    Ok(row)
}

/// A person's newest comparisons.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, person: &PersonId) -> Result<Vec<Comparison>, Error> {
    Ok(store::list_comparisons(tx, person, LISTED).await?)
}

/// A person's own comparison; what its pictures were made with is opened.
///
/// # Errors
/// [`Error::NotFound`] also for somebody else's.
pub async fn get(state: &Shop, person: &PersonId, id: &ComparisonId) -> Result<Shown, Error> {
    let mut tx = state.db.write().await?;
    let found = store::find_comparison(&mut tx, id, person).await?;
    let found = found.ok_or(Error::NotFound)?;
    let columns = usize::try_from(found.models.max(1)).unwrap_or(1);
    let (mut cells, mut seed) = (Vec::new(), None);
    let places = store::list_cells(&mut tx, id).await?;
    let mut names = vec![String::new(); columns];
    let mut rows = vec![String::new(); places.len().div_ceil(columns)];
    for (at, (draft, picture)) in places.into_iter().enumerate() {
        let picture = store::get_picture(&mut tx, &picture).await?;
        let (mut made, mut stands) = (None, None);
        if let Some(picture) = picture.filter(|picture| picture.person_id == *person) {
            let secret = open_picture(state, &mut tx, &picture, "compare").await?;
            seed = seed.or(Some(secret.seed));
            let model = secret.content.model(state.engines.models());
            if let Ok(model) = model {
                names[at % columns] = models::name(model);
            }
            if rows[at / columns].is_empty() {
                rows[at / columns] = super::preview::filled(&secret.content, &secret.values)
                    .unwrap_or_else(|_| secret.content.template.clone());
            }
            if !picture.state.is_over() {
                stands = queue::stands(state, &mut tx, &picture.id).await?;
            }
            made = Some((secret.content, picture));
        }
        cells.push(Cell {
            draft,
            made,
            stands,
        });
    }
    tx.commit().await?;
    Ok(Shown {
        title: found.title,
        created_ms: found.created_ms,
        columns: names,
        rows,
        cells,
        seed,
    })
}
