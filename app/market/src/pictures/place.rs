//! Where pictures are shown, how large, and which files that takes.
//!
//! The one rule: a picture is shown in its own pixels, in a whole multiple of them, or made smaller; it is never stretched.

/// A place for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a list, a thumbnail below a large picture.
    Line,
    /// A card.
    Card,
    /// The picture that a page is about.
    Stage,
    /// Laid over the page, to look at every pixel.
    Zoom,
}

impl Place {
    const ALL: [Self; 4] = [Self::Line, Self::Card, Self::Stage, Self::Zoom];

    /// The longer side at most, in pixels of the page.
    fn side(self) -> u32 {
        match self {
            Self::Line => 64,
            Self::Card => 128,
            Self::Stage => 512,
            Self::Zoom => 1024,
        }
    }

    /// As often is a pixel of a small picture drawn at most, each way.
    fn most_times(self) -> u32 {
        match self {
            Self::Line | Self::Card => 1,
            Self::Stage => 3,
            Self::Zoom => 16,
        }
    }

    /// Screens with up to so many pixels to one of the page get files of their own.
    fn densities(self) -> u32 {
        match self {
            Self::Line | Self::Card => 3,
            Self::Stage => 2,
            Self::Zoom => 1,
        }
    }
}

/// How a picture of some size is shown in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// In pixels of the page.
    pub width: u32,
    /// In pixels of the page.
    pub height: u32,
    /// The longer side of the file for a screen of one, two, three pixels to one of the page.
    pub sides: Vec<u32>,
}

impl Shape {
    /// The shape of a picture of this size in a place.
    #[must_use]
    pub fn of(place: Place, width: i64, height: i64) -> Self {
        let pixels = |side: i64| u32::try_from(side).unwrap_or(0).max(1);
        let (width, height) = (pixels(width), pixels(height));
        let longest = width.max(height);
        let shown = match longest >= place.side() {
            true => place.side(),
            false => longest * (place.side() / longest).min(place.most_times()),
        };
        let sides = (1..=place.densities()).map(|density| {
            let side = shown * density;
            // Smaller, the same, or a whole multiple; what is none of these is left to the screen.
            match side <= longest || side.is_multiple_of(longest) {
                true => side,
                false => longest,
            }
        });
        let scaled = |side: u32| (side * shown / longest).max(1);
        Self {
            width: scaled(width),
            height: scaled(height),
            sides: sides.collect(),
        }
    }
}

/// Whether some place shows a picture of this size by a file with this longer side.
pub(super) fn is_shown(width: i64, height: i64, side: u32) -> bool {
    Place::ALL
        .into_iter()
        .any(|place| Shape::of(place, width, height).sides.contains(&side))
}
