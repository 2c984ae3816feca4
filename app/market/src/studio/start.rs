//! What the pictures of a draft begin with: a picture, or the noise of one that was made.
//!
//! The one rule: whatever it is belongs to the draft's secret, so that pictures that were made without it are those of an earlier text.

use crate::starting::Kept;
use engine::model::Size;
use schema::id::PictureId;
use schema::recipe::{Init, Seed, Variation};
use serde::{Deserialize, Serialize};

/// How much of the run is made over a starting picture, when nobody says.
pub const USUAL_STRENGTH_MILLI: u32 = 600;
/// How much of its own noise a variation has, when nobody says.
pub const USUAL_DISTANCE_MILLI: u32 = 150;

/// The picture that a draft's pictures begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub picture: Kept,
    /// White is painted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Kept>,
    pub strength_milli: u32,
    /// What it was cut to.
    pub size: Size,
}

impl Start {
    /// As a recipe names it.
    #[must_use]
    pub fn init(&self) -> Init {
        Init {
            pixels: self.picture.pixels,
            strength_milli: self.strength_milli,
            mask: self.mask.as_ref().map(|mask| mask.pixels),
        }
    }

    /// Its files, the picture first.
    #[must_use]
    pub fn files(&self) -> Vec<Kept> {
        std::iter::once(&self.picture)
            .chain(&self.mask)
            .cloned()
            .collect()
    }
}

/// The picture of which a draft's pictures are variations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Varied {
    /// Its noise.
    pub seed: Seed,
    /// Drawn from the operating system, as what is sold must be.
    pub drawn: bool,
    /// The first picture with that seed.
    pub origin_id: PictureId,
    /// How much of their own noise they have.
    pub distance_milli: u32,
}

impl Varied {
    /// As a recipe names it: the pictures' own seeds are fresh ones, and most of the noise is this one's.
    #[must_use]
    pub fn variation(&self) -> Variation {
        Variation {
            seed: self.seed,
            strength_milli: 1000 - self.distance_milli.clamp(1, 999),
        }
    }
}
