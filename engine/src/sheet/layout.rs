//! Where everything of a sheet lies, in dots from the top left corner.
//!
//! The one rule: pure arithmetic over sizes; no pixel is looked at.

use super::font;
use super::{Paper, Preset, dots};
use crate::label::notice::Spot;

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

impl Area {
    fn square(x: u32, y: u32, side: u32) -> Self {
        Self {
            x,
            y,
            width: side,
            height: side,
        }
    }

    /// The same with a rim of so many dots around it.
    fn grown(self, by: u32) -> Self {
        Self {
            x: self.x - by,
            y: self.y - by,
            width: self.width + 2 * by,
            height: self.height + 2 * by,
        }
    }
}

/// How a piece is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Along four lines that marks at the corners point to.
    Marks,
    /// Along a thin circle.
    Circle,
    /// Along a thin rectangle.
    Outline,
}

/// One copy of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which picture.
    pub picture: usize,
    /// What is cut out.
    pub cut: Area,
    /// How.
    pub by: Cut,
    /// What is coloured behind the picture: the cut and the bleed around it.
    pub ground: Area,
    /// Where the picture lies.
    pub place: Area,
    /// Right and left are exchanged.
    pub mirrored: bool,
}

impl Piece {
    /// Where its label stands.
    #[must_use]
    pub fn spot(&self) -> Spot {
        match self.by {
            Cut::Circle => Spot::Bottom,
            Cut::Marks | Cut::Outline => Spot::Corner,
        }
    }
}

/// A line of the caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From the left.
    pub x: u32,
    /// Its upper edge from the top.
    pub y: u32,
    /// What it says.
    pub text: String,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Across, in dots.
    pub width: u32,
    /// Down, in dots.
    pub height: u32,
    /// The pieces.
    pub pieces: Vec<Piece>,
    /// Black lines that show where to cut.
    pub marks: Vec<Area>,
    /// What stands below.
    pub caption: Vec<Line>,
}

/// What a preset asks for, in dots.
struct Shape {
    by: Cut,
    /// Sides of the pieces of one picture that stand side by side.
    sides: Vec<u32>,
    /// What is coloured beyond the cut.
    bleed: u32,
    /// What stays free of the picture within the cut.
    safe: u32,
    /// Between the bleeds of two pieces.
    gap: u32,
    /// What a printer cannot reach.
    margin: u32,
}

const NAILS_TENTHS_MM: [u32; 10] = [160, 150, 140, 130, 120, 110, 100, 90, 80, 70];
const CAPTION_TENTHS_MM: u32 = 120;
/// Between two lines of the caption.
const LEADING: u32 = 34;

impl Shape {
    fn of(preset: Preset, paper: Paper) -> Self {
        let round = |side, safe| Self {
            by: Cut::Circle,
            sides: vec![dots(side)],
            bleed: dots(20),
            safe: dots(safe),
            gap: dots(20),
            margin: dots(80),
        };
        match preset {
            Preset::Sticker => Self {
                by: Cut::Marks,
                sides: vec![dots(500)],
                bleed: dots(20),
                safe: dots(30),
                gap: dots(20),
                margin: dots(80),
            },
            Preset::Badge32 => round(320, 20),
            Preset::Badge58 => round(580, 30),
            Preset::Nails => Self {
                by: Cut::Outline,
                sides: NAILS_TENTHS_MM.map(dots).into(),
                bleed: 0,
                safe: 0,
                gap: dots(40),
                margin: dots(80),
            },
            Preset::Shirt | Preset::ShirtMirrored => {
                let margin = dots(50);
                let (width, height) = paper.size();
                let room = width.min(height - dots(CAPTION_TENTHS_MM)) - 2 * margin;
                Self {
                    by: Cut::Marks,
                    sides: vec![dots(2000).min(room)],
                    bleed: 0,
                    safe: 0,
                    gap: dots(20),
                    margin,
                }
            }
        }
    }

    /// The widest that a picture may be within a piece. Of what is cut round its corners may be lost, and little else.
    fn room(&self, side: u32) -> u32 {
        match self.by {
            Cut::Circle => (side * 17 / 20).min(side - 2 * self.safe),
            Cut::Marks | Cut::Outline => side - 2 * self.safe,
        }
    }
}

/// The size at which a picture is printed: as many whole times its own as there is room for, or all the room if it is larger than that.
#[must_use]
pub fn fitted((width, height): (u32, u32), room: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    match room / longest {
        0 => {
            let part = |side: u32| {
                let scaled = u64::from(side) * u64::from(room) / u64::from(longest);
                u32::try_from(scaled).unwrap_or(room).max(1)
            };
            (part(width), part(height))
        }
        times => (width * times, height * times),
    }
}

/// How many pieces a page has, in rows and columns; for nails, rows of one picture each.
struct Grid {
    columns: u32,
    rows: u32,
    left: u32,
    top: u32,
}

fn grid(shape: &Shape, (width, height): (u32, u32)) -> Grid {
    let across = |side: u32| side + 2 * shape.bleed;
    let (cell, rows_of) = match shape.sides.as_slice() {
        [side] => (across(*side), across(*side)),
        sides => {
            let all: u32 = sides.iter().map(|side| across(*side)).sum();
            let gaps = u32::try_from(sides.len() - 1).unwrap_or(0) * shape.gap;
            (all + gaps, across(sides.iter().copied().max().unwrap_or(1)))
        }
    };
    let (free, tall) = (
        width - 2 * shape.margin,
        height - 2 * shape.margin - dots(CAPTION_TENTHS_MM),
    );
    let fit = |room: u32, side: u32| ((room + shape.gap) / (side + shape.gap)).max(1);
    let (columns, rows) = (fit(free, cell), fit(tall, rows_of));
    let used = |count: u32, side: u32| count * side + (count - 1) * shape.gap;
    Grid {
        columns,
        rows,
        left: shape.margin + free.saturating_sub(used(columns, cell)) / 2,
        top: shape.margin + tall.saturating_sub(used(rows, rows_of)) / 2,
    }
}

/// Lays pictures of these sizes out, and wraps the caption.
#[must_use]
pub fn pages(paper: Paper, preset: Preset, sizes: &[(u32, u32)], caption: &str) -> Vec<Page> {
    let shape = Shape::of(preset, paper);
    let (width, height) = paper.size();
    let grid = grid(&shape, (width, height));
    let slots = (grid.columns * grid.rows) as usize;
    let below = height - shape.margin - dots(CAPTION_TENTHS_MM) + dots(20);
    let caption: Vec<Line> = (0..)
        .zip(font::wrapped(
            caption,
            width - 2 * shape.margin,
            MAX_CAPTION_LINES,
        ))
        .map(|(number, text)| Line {
            x: shape.margin,
            y: below + number * LEADING,
            text,
        })
        .collect();
    let count = sizes.len().div_ceil(slots);
    (0..count)
        .map(|page| {
            let mut filled = Page {
                width,
                height,
                pieces: Vec::new(),
                marks: Vec::new(),
                caption: caption.clone(),
            };
            for slot in 0..slots {
                let picture = (page * slots + slot) % sizes.len();
                fill(
                    &mut filled,
                    &shape,
                    &grid,
                    slot,
                    (picture, sizes[picture]),
                    preset,
                );
            }
            filled
        })
        .collect()
}

const MAX_CAPTION_LINES: usize = 3;

/// Puts the pieces of one picture into a slot.
fn fill(
    page: &mut Page,
    shape: &Shape,
    grid: &Grid,
    slot: usize,
    (picture, size): (usize, (u32, u32)),
    preset: Preset,
) {
    let slot = u32::try_from(slot).unwrap_or(0);
    let (column, row) = (slot % grid.columns, slot / grid.columns);
    let tallest = shape.sides.iter().copied().max().unwrap_or(1) + 2 * shape.bleed;
    let widest = shape.sides.first().copied().unwrap_or(1) + 2 * shape.bleed;
    let (mut x, y) = (
        grid.left + column * (widest + shape.gap),
        grid.top + row * (tallest + shape.gap),
    );
    for side in &shape.sides {
        let outer = side + 2 * shape.bleed;
        let ground = Area::square(x, y + (tallest - outer) / 2, outer);
        let cut = Area::square(ground.x + shape.bleed, ground.y + shape.bleed, *side);
        let (across, down) = fitted(size, shape.room(*side));
        page.pieces.push(Piece {
            picture,
            cut,
            by: shape.by,
            ground,
            place: Area {
                x: cut.x + (side - across) / 2,
                y: cut.y + (side - down) / 2,
                width: across,
                height: down,
            },
            mirrored: preset == Preset::ShirtMirrored,
        });
        if shape.by == Cut::Marks {
            page.marks.extend(marks(cut, ground, shape.gap));
        }
        x += outer + shape.gap;
    }
}

/// Two lines at each corner, outside of what is coloured.
fn marks(cut: Area, ground: Area, length: u32) -> Vec<Area> {
    const THICK: u32 = 2;
    let (right, bottom) = (cut.x + cut.width, cut.y + cut.height);
    let (beyond, under) = (ground.x + ground.width, ground.y + ground.height);
    let mut marks = Vec::new();
    for x in [cut.x, right] {
        let x = x.saturating_sub(THICK / 2);
        for y in [ground.y.saturating_sub(length), under] {
            marks.push(Area {
                x,
                y,
                width: THICK,
                height: length,
            });
        }
    }
    for y in [cut.y, bottom] {
        let y = y.saturating_sub(THICK / 2);
        for x in [ground.x.saturating_sub(length), beyond] {
            marks.push(Area {
                x,
                y,
                width: length,
                height: THICK,
            });
        }
    }
    marks
}

/// What a piece's outline covers: a rectangle of one dot around the cut.
#[must_use]
pub(super) fn outline(cut: Area) -> [Area; 4] {
    let outer = cut.grown(1);
    [
        Area { height: 1, ..outer },
        Area {
            y: outer.y + outer.height - 1,
            height: 1,
            ..outer
        },
        Area { width: 1, ..outer },
        Area {
            x: outer.x + outer.width - 1,
            width: 1,
            ..outer
        },
    ]
}
