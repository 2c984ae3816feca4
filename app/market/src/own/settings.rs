//! Settings in a file, as A1111 writes them and other programs read them, for owners who go on elsewhere.
//!
//! The one rule: prompt and seed leave in a file only when its owner asks for that file by name, and it counts as one without a label.

use super::holding::{Error, Holding, internal, open_recipe, open_run};
use super::store::OwnRun;
use crate::shop::Shop;
use base::compute;
use engine::metadata::{self, PARAMETERS, a1111_text, with_text};
use schema::recipe::{Recipe, Seed};
use schema::template::Values;

/// A sealed picture's file with its settings in it; the pixels stay as they are.
///
/// # Errors
/// [`Error::NotFound`] for an anchor that the recipe has not, [`Error::ModelAway`] where its model is not here.
pub async fn of_sealed(
    shop: &Shop,
    holding: &Holding,
    anchor: usize,
    file: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let mut tx = shop.db.write().await?;
    let opened = open_recipe(shop, &mut tx, holding, holding.person.as_str()).await?;
    tx.commit().await?;
    let recipe = opened.recipe;
    let anchor = recipe.anchors.get(anchor).cloned().ok_or(Error::NotFound)?;
    write(shop, recipe, anchor.values, anchor.seed, file).await
}

/// A file of one of an owner's own pictures with its settings in it.
///
/// # Errors
/// As [`of_sealed`].
pub(super) async fn of_own(
    shop: &Shop,
    holding: &Holding,
    run: &OwnRun,
    index: i64,
    file: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let actor = holding.person.as_str();
    let mut tx = shop.db.write().await?;
    let opened = open_recipe(shop, &mut tx, holding, actor).await?;
    let secret = open_run(shop, &mut tx, run, actor).await?;
    tx.commit().await?;
    let seed = usize::try_from(index).ok();
    let seed = seed.and_then(|index| secret.seeds.get(index).copied());
    let seed = seed.ok_or(Error::NotFound)?;
    write(shop, opened.recipe, secret.values, seed, file).await
}

async fn write(
    shop: &Shop,
    recipe: Recipe,
    values: Values,
    seed: Seed,
    file: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let model = shop.engines.models().named(recipe.model);
    let model = model.map_err(|_| Error::ModelAway)?.clone();
    compute::run(move || {
        let picture = recipe.picture(&values, seed).map_err(internal)?;
        let text = a1111_text(&metadata::of_recipe(&recipe, &picture, &model));
        with_text(&file, PARAMETERS, &text).map_err(internal)
    })
    .await
}
