//! Sealing: from a recipe and its pictures to two signed leaves and a public statement. One function for browser and CLI.

use crate::commitment::{self, Salt};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::key::{PublicKey, SecretKey};
use crate::leaf::{self, Leaf};
use crate::licence::{self, Licence};
use crate::recipe::Recipe;
use crate::statement::{AnchorStatement, Envelope, ListingStatement, Subject};
use serde::{Deserialize, Serialize};

/// What is sealed together.
pub struct Material<'a> {
    /// The log that will hold the leaves.
    pub origin: &'a str,
    /// The exact recipe bytes.
    pub recipe: &'a [u8],
    /// The pictures, in the recipe's order.
    pub anchors: &'a [AnchorStatement],
    /// Version of the label overlay.
    pub label_version: u32,
    /// The licences on offer.
    pub licences: &'a [Licence],
}

/// The same on its way to the browser that seals; the creator owns all of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealMaterial {
    pub origin: String,
    /// base64 of the exact bytes.
    pub recipe: String,
    pub anchors: Vec<AnchorStatement>,
    pub label_version: u32,
    pub licences: Vec<Licence>,
    /// Keys registered for this person.
    pub registered: Vec<String>,
}

/// What a seal consists of; all of it may be public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Kind 1: the commitment.
    pub leaf: Leaf,
    /// The listing statement.
    pub listing: Envelope,
    /// Kind 6: the listing statement's leaf.
    pub listing_leaf: Leaf,
}

/// Seals a recipe with the creator's key.
///
/// # Errors
/// When the recipe is invalid or its anchors and `material.anchors` differ in number.
pub fn seal(material: &Material<'_>, salt: &Salt, secret: &SecretKey) -> Result<Seal, Error> {
    let recipe = checked_recipe(material)?;
    let commitment = commitment::commit(
        salt,
        &secret.public(),
        material.recipe,
        &pixels(material.anchors),
    )?;
    let leaf = Leaf::sign(
        material.origin,
        leaf::LeafKind::SealedRecipe,
        commitment,
        secret,
    );
    let listing = Envelope::sign(
        &subjects(material.anchors),
        &statement(material, &recipe, leaf.hash()),
        secret,
    )?;
    let listing_leaf = Leaf::sign(
        material.origin,
        leaf::LeafKind::Listing,
        listing.digest()?,
        secret,
    );
    Ok(Seal {
        leaf,
        listing,
        listing_leaf,
    })
}

/// Checks a seal made elsewhere against what the platform knows itself: the same recipe, pictures and terms.
///
/// # Errors
/// Names the part that does not hold.
pub fn check(
    material: &Material<'_>,
    salt: &Salt,
    key: &PublicKey,
    seal: &Seal,
) -> Result<(), Error> {
    let recipe = checked_recipe(material)?;
    seal.leaf.verify(material.origin, key)?;
    if seal.leaf.kind != leaf::LeafKind::SealedRecipe
        || seal.listing_leaf.kind != leaf::LeafKind::Listing
    {
        return Err(Error::invalid(
            "leaf.kind",
            "is not that of a sealed recipe and its listing",
        ));
    }
    commitment::open(
        &seal.leaf.digest,
        salt,
        key,
        material.recipe,
        &pixels(material.anchors),
    )?;
    seal.listing_leaf.verify(material.origin, key)?;
    if seal.listing_leaf.digest != seal.listing.digest()? {
        return Err(Error::new(
            ErrorKind::Forged,
            "listing",
            "its leaf does not belong to the statement",
        ));
    }
    let (found, found_subjects): (ListingStatement, _) = seal.listing.open(key)?;
    if found != statement(material, &recipe, seal.leaf.hash())
        || found_subjects != subjects(material.anchors)
    {
        return Err(Error::invalid(
            "listing",
            "the statement does not describe this recipe and these pictures",
        ));
    }
    Ok(())
}

fn checked_recipe(material: &Material<'_>) -> Result<Recipe, Error> {
    if !leaf::is_origin(material.origin) {
        return Err(Error::invalid(
            "origin",
            format!(
                "{:?} is no log's name: no white space and no plus sign, such as shop.example/log",
                material.origin
            ),
        ));
    }
    if !licence::distinct(material.licences) {
        return Err(Error::invalid("licences", "one is on offer twice"));
    }
    let recipe = Recipe::parse(material.recipe)?;
    if recipe.anchors.len() != material.anchors.len() {
        let message = format!(
            "{} pictures for {} anchors",
            material.anchors.len(),
            recipe.anchors.len()
        );
        return Err(Error::invalid("anchors", message));
    }
    Ok(recipe)
}

fn pixels(anchors: &[AnchorStatement]) -> Vec<Digest> {
    anchors.iter().map(|anchor| anchor.pixels.blake3).collect()
}

fn subjects(anchors: &[AnchorStatement]) -> Vec<Subject> {
    anchors
        .iter()
        .enumerate()
        .map(|(index, anchor)| Subject::picture(format!("anchor-{index}"), &anchor.pixels))
        .collect()
}

fn statement(material: &Material<'_>, recipe: &Recipe, leaf: Digest) -> ListingStatement {
    ListingStatement {
        leaf,
        model: recipe.model,
        profile: recipe.profile,
        width: recipe.width,
        height: recipe.height,
        anchors: material.anchors.to_vec(),
        label_version: material.label_version,
        licences: material.licences.to_vec(),
        variables: recipe
            .variables
            .iter()
            .map(|(name, variable)| (name.clone(), variable.public()))
            .collect(),
    }
}
