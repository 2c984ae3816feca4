//! Print sheets: pictures laid out for stickers, badges, nails and shirts, as PNG and PDF at 300 dots an inch.
//!
//! The one rule: a place is decided once, in whole dots, by [`layout`]; [`raster`] and [`document`] only draw it, so that both files of a
//! sheet are equal on paper. A picture that is small for its place is enlarged by whole numbers and never blurred.

pub mod document;
mod font;
pub mod layout;
pub mod raster;
#[cfg(test)]
mod tests;

use crate::label::notice::Words;
use crate::picture::Picture;

/// The most pictures of one sheet.
pub const MAX_PICTURES: usize = 16;
/// Dots on an inch.
pub const DOTS_PER_INCH: u32 = 300;

/// Tenths of a millimetre as dots, rounded.
#[must_use]
pub(crate) const fn dots(tenths_mm: u32) -> u32 {
    (tenths_mm * DOTS_PER_INCH * 2 + 254) / 508
}

/// What is printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm.
    A4,
    /// 8.5 × 11 inches.
    Letter,
    /// 210 × 210 mm.
    Square,
}

impl Paper {
    /// Every paper.
    pub const ALL: [Self; 3] = [Self::A4, Self::Letter, Self::Square];

    /// The name in addresses and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::Letter => "letter",
            Self::Square => "square",
        }
    }

    /// The paper of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|paper| paper.name() == name)
    }

    /// Across and down, in dots.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::A4 => (dots(2100), dots(2970)),
            Self::Letter => (dots(2159), dots(2794)),
            Self::Square => (dots(2100), dots(2100)),
        }
    }
}

/// What the pieces are for: their shape, size, and what lies around the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// 50 mm square.
    Sticker,
    /// 32 mm round.
    Badge32,
    /// 58 mm round.
    Badge58,
    /// Ten sizes from 16 down to 7 mm, a row for each picture.
    Nails,
    /// One piece of 200 mm, or what the paper has room for.
    Shirt,
    /// The same mirrored, for film that is ironed on.
    ShirtMirrored,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 6] = [
        Self::Sticker,
        Self::Badge32,
        Self::Badge58,
        Self::Nails,
        Self::Shirt,
        Self::ShirtMirrored,
    ];

    /// The name in addresses and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sticker => "sticker",
            Self::Badge32 => "badge-32",
            Self::Badge58 => "badge-58",
            Self::Nails => "nails",
            Self::Shirt => "shirt",
            Self::ShirtMirrored => "shirt-mirrored",
        }
    }

    /// The preset of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }
}

/// A sheet to be made.
pub struct Sheet<'a> {
    /// What is printed on.
    pub paper: Paper,
    /// What the pieces are for.
    pub preset: Preset,
    /// One to [`MAX_PICTURES`]; they are repeated in turn until the last page is full.
    pub pictures: &'a [Picture],
    /// The visible label of every piece, drawn at the size of the piece; none for whoever labels them in another way.
    pub notice: Option<Words>,
    /// What stands below: whose recipe made them, and that a machine did.
    pub caption: &'a str,
    /// The packet of metadata of both files.
    pub xmp: &'a str,
}
