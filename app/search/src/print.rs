//! What two pictures share: a print of shape and one of colour, 64 bits each.
//!
//! The one rule: a print is compared by counting the bits that differ, and nothing else; how it is taken never changes without a new version
//! of the index.

use std::array;

/// Cells of the picture that a print is taken of, across and down.
const CELLS: usize = 32;
/// Frequencies of the shape, and cells of the colour, across and down.
const FREQUENCIES: usize = 8;
const COLOURS: usize = 4;
/// The first row and column of cells that a label may cover.
const LABEL: (usize, usize) = (27, 19);
/// A hue that is weaker than this, of 255, is none.
const FAINT: i32 = 14;

/// A print of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Print {
    /// Low frequencies of the brightness: whether each is over their median.
    pub shape: u64,
    /// Where it is red or green, and yellow or blue, in 4 × 4 cells.
    pub colour: u64,
}

impl Print {
    /// Takes the print of 8-bit RGB samples, row by row. Nothing where their number is not `3 × width × height`, or there is none.
    #[must_use]
    pub fn of(width: usize, height: usize, samples: &[u8]) -> Option<Self> {
        let count = width.checked_mul(height)?.checked_mul(3)?;
        if count == 0 || count != samples.len() {
            return None;
        }
        let mut cells = cells(width, height, samples);
        unlabel(&mut cells);
        Some(Self {
            shape: shape(&cells),
            colour: colour(&cells),
        })
    }

    /// The bits in which two prints differ, 0 to 128.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        (self.shape ^ other.shape).count_ones() + (self.colour ^ other.colour).count_ones()
    }
}

type Cells = [[[i32; 3]; CELLS]; CELLS];

/// Mean colours of 32 × 32 cells.
fn cells(width: usize, height: usize, samples: &[u8]) -> Box<Cells> {
    let span = |at: usize, whole: usize| {
        let from = at * whole / CELLS;
        from..((at + 1) * whole / CELLS).max(from + 1)
    };
    let mut cells = Box::new([[[0; 3]; CELLS]; CELLS]);
    for (row, line) in cells.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            let (rows, columns) = (span(row, height), span(column, width));
            let pixels = (rows.len() * columns.len()) as u64;
            let mut sums = [0_u64; 3];
            for y in rows {
                let from = (y * width + columns.start) * 3;
                let line = samples.get(from..from + columns.len() * 3).unwrap_or(&[]);
                for pixel in line.as_chunks::<3>().0 {
                    sums.iter_mut()
                        .zip(pixel)
                        .for_each(|(sum, value)| *sum += u64::from(*value));
                }
            }
            // A mean of bytes is a byte.
            *cell = sums.map(|sum| (sum / pixels) as i32);
        }
    }
    cells
}

/// Public copies carry a label in the lower right corner, and pictures are sought by either: the cells above stand in for what is under it.
fn unlabel(cells: &mut Cells) {
    let above = cells[LABEL.0 - 1];
    for line in &mut cells[LABEL.0..] {
        line[LABEL.1..].copy_from_slice(&above[LABEL.1..]);
    }
}

/// Whether each low frequency of the brightness is over their median; the mean brightness is none of them.
fn shape(cells: &Cells) -> u64 {
    let brightness =
        |[red, green, blue]: [i32; 3]| (299 * red + 587 * green + 114 * blue) as f32 / 1000.0;
    // A picture is 32 cells wide: cosines of frequency u at cell x.
    let cosines: [[f32; CELLS]; FREQUENCIES + 1] = array::from_fn(|u| {
        array::from_fn(|x| {
            (std::f32::consts::PI * u as f32 * (2 * x + 1) as f32 / (2 * CELLS) as f32).cos()
        })
    });
    let mut values = [0.0_f32; FREQUENCIES * FREQUENCIES];
    for v in 0..FREQUENCIES {
        for u in 0..FREQUENCIES {
            // Frequency 0, 0 is the mean; the one after the last stands in its place.
            let (down, across) = if (u, v) == (0, 0) {
                (FREQUENCIES, 0)
            } else {
                (v, u)
            };
            values[v * FREQUENCIES + u] = cells
                .iter()
                .zip(cosines[down])
                .map(|(line, a)| {
                    a * line
                        .iter()
                        .zip(cosines[across])
                        .map(|(cell, b)| b * brightness(*cell))
                        .sum::<f32>()
                })
                .sum();
        }
    }
    let mut sorted = values;
    sorted.sort_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2 - 1];
    bits(values.iter().map(|value| *value > median))
}

/// For each of 4 × 4 cells two bits of red against green, two of yellow against blue: more, less or neither. More and less are two bits apart.
fn colour(cells: &Cells) -> u64 {
    let side = CELLS / COLOURS;
    let mut found = Vec::with_capacity(64);
    for row in 0..COLOURS {
        for column in 0..COLOURS {
            let lines = cells[row * side..(row + 1) * side].iter();
            let inside = lines.flat_map(|line| &line[column * side..(column + 1) * side]);
            let [red, green, blue] = inside
                .fold([0; 3], |sum, cell| array::from_fn(|at| sum[at] + cell[at]))
                .map(|sum| sum / (side * side) as i32);
            for hue in [red - green, (red + green) / 2 - blue] {
                found.extend([hue > -FAINT, hue > FAINT]);
            }
        }
    }
    bits(found.into_iter())
}

fn bits(bits: impl Iterator<Item = bool>) -> u64 {
    bits.fold(0, |bits, bit| bits << 1 | u64::from(bit))
}

#[cfg(test)]
mod tests {
    use super::Print;

    /// A disc of one colour on white, `x` across.
    fn disc(size: usize, x: usize, colour: [u8; 3]) -> Print {
        let inside = |at: usize| {
            ((at % size) * 64 / size).abs_diff(x).pow(2)
                + ((at / size) * 64 / size).abs_diff(32).pow(2)
                < 400
        };
        let samples: Vec<u8> = (0..size * size)
            .flat_map(|at| if inside(at) { colour } else { [255; 3] })
            .collect();
        Print::of(size, size, &samples).expect("samples")
    }

    #[test]
    fn size_makes_no_other_picture_but_place_and_colour_do() {
        let red = disc(128, 32, [220, 30, 30]);
        assert!(
            red.distance(disc(64, 32, [220, 30, 30])) <= 6,
            "{}",
            red.distance(disc(64, 32, [220, 30, 30]))
        );
        assert!(red.distance(disc(128, 32, [214, 36, 28])) <= 4);
        assert!(red.distance(disc(128, 32, [30, 30, 220])) > 14);
        assert!(red.distance(disc(128, 50, [220, 30, 30])) > 14);
    }

    #[test]
    fn samples_that_are_none_have_no_print() {
        assert_eq!(Print::of(0, 5, &[]), None);
        assert_eq!(Print::of(2, 2, &[0; 11]), None);
        assert_eq!(Print::of(usize::MAX, 2, &[0; 12]), None);
        assert!(Print::of(1, 1, &[1, 2, 3]).is_some());
        assert!(Print::of(3, 70, &[9; 630]).is_some());
    }
}
