//! What two recipes share: a keyed print of the text, and a print of each picture.
//!
//! The one rule: a print answers "how alike", and nothing else. The text's is `MinHash` (Broder, 1997) with hash functions that
//! only this installation's key knows, so that a stolen table tests no guess. The pictures' could be taken from the public copies.

use base::vault::Vault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::picture::Picture;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization as _;

/// Hash functions of a text's print: the estimate's standard error is at most 0.044.
const FUNCTIONS: usize = 128;
/// Characters of a shingle.
const SHINGLE: usize = 3;
/// Cells of a picture's print, across and down.
const CELLS: usize = 8;
/// Colour channels.
const CHANNELS: usize = 3;

/// A keyed print of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPrint([u16; FUNCTIONS]);

/// A small, blurred copy of a picture: the mean colour of 8 × 8 cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PicturePrint(Vec<u8>);

/// Letters and digits of a text, folded so that width, case, punctuation and spacing make no difference.
fn fold(text: &str) -> Vec<char> {
    let mut folded = vec![' '];
    for character in text.nfkc().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            folded.push(character);
        } else if folded.last() != Some(&' ') {
            folded.push(' ');
        }
    }
    if folded.last() != Some(&' ') {
        folded.push(' ');
    }
    folded
}

impl TextPrint {
    /// Takes the print of a text.
    #[must_use]
    pub fn of(vault: &Vault, text: &str) -> Self {
        let folded = fold(text);
        let shingles: BTreeSet<String> = folded
            .windows(SHINGLE.min(folded.len()))
            .map(|shingle| shingle.iter().collect())
            .collect();
        let mut least = [u16::MAX; FUNCTIONS];
        for shingle in shingles {
            let mut drawn = [0; FUNCTIONS * 2];
            vault.draw("text print", shingle.as_bytes(), &mut drawn);
            let values = drawn
                .as_chunks::<2>()
                .0
                .iter()
                .copied()
                .map(u16::from_le_bytes);
            for (least, value) in least.iter_mut().zip(values) {
                *least = value.min(*least);
            }
        }
        Self(least)
    }

    /// The share of shingles that both texts have, of all that either has, estimated, in thousandths.
    #[must_use]
    pub fn alike_milli(&self, other: &Self) -> i64 {
        let equal = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        // At most 128 of 128.
        (equal * 1000 / FUNCTIONS) as i64
    }

    /// The text that a database keeps for a version: its texts' prints, separated by spaces.
    #[must_use]
    pub fn to_text(prints: &[Self]) -> String {
        let encode = |print: &Self| {
            let bytes: Vec<u8> = print
                .0
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            STANDARD.encode(bytes)
        };
        let encoded: Vec<String> = prints.iter().map(encode).collect();
        encoded.join(" ")
    }

    /// Reads [`TextPrint::to_text`], leaving out what is damaged.
    #[must_use]
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.split(' ').filter_map(Self::parse).collect()
    }

    /// How alike the two most alike texts of two versions are, in thousandths.
    #[must_use]
    pub fn most_alike_milli(these: &[Self], those: &[Self]) -> i64 {
        let pairs = these
            .iter()
            .flat_map(|a| those.iter().map(|b| a.alike_milli(b)));
        pairs.max().unwrap_or(0)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (values, rest) = bytes.as_chunks::<2>();
        let values: Vec<u16> = values.iter().copied().map(u16::from_le_bytes).collect();
        rest.is_empty().then_some(())?;
        Some(Self(values.try_into().ok()?))
    }
}

impl PicturePrint {
    /// Takes the print of a picture.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let mut cells = Vec::with_capacity(CELLS * CELLS * CHANNELS);
        for row in 0..CELLS {
            let rows =
                row * height / CELLS..((row + 1) * height / CELLS).max(row * height / CELLS + 1);
            for column in 0..CELLS {
                let from = column * width / CELLS;
                let columns = from..((column + 1) * width / CELLS).max(from + 1);
                let count = rows.len() * columns.len();
                for channel in 0..CHANNELS {
                    let sum: usize = rows
                        .clone()
                        .flat_map(|y| {
                            columns
                                .clone()
                                .map(move |x| (y * width + x) * CHANNELS + channel)
                        })
                        .map(|at| picture.samples.get(at).copied().map_or(0, usize::from))
                        .sum();
                    // A mean of bytes is a byte.
                    cells.push((sum / count) as u8);
                }
            }
        }
        Self(cells)
    }

    /// How alike two pictures are, in thousandths: one less their difference as a share of what either differs from plain paper.
    ///
    /// Most of an emoji is background. Measured against the whole range all of them would look alike, so what both leave empty
    /// does not count.
    #[must_use]
    pub fn alike_milli(&self, other: &Self) -> i64 {
        if self.0.len() != other.0.len() {
            return 0;
        }
        let paper = self.paper();
        let other_paper = other.paper();
        let (mut differing, mut content) = (0u64, 0u64);
        for (index, (a, b)) in self.0.iter().zip(&other.0).enumerate() {
            let channel = index % CHANNELS;
            differing += u64::from(a.abs_diff(*b));
            content += u64::from(
                a.abs_diff(paper[channel])
                    .max(b.abs_diff(other_paper[channel])),
            );
        }
        if content == 0 {
            return if differing == 0 { 1000 } else { 0 };
        }
        // At most 1000.
        1000 - (differing * 1000 / content).min(1000) as i64
    }

    /// The background's colour: the middle of the cells along the edge, by channel.
    fn paper(&self) -> [u8; CHANNELS] {
        std::array::from_fn(|channel| {
            let mut edge: Vec<u8> = (0..CELLS * CELLS)
                .filter(|cell| {
                    let (row, column) = (cell / CELLS, cell % CELLS);
                    row == 0 || column == 0 || row == CELLS - 1 || column == CELLS - 1
                })
                .filter_map(|cell| self.0.get(cell * CHANNELS + channel).copied())
                .collect();
            edge.sort_unstable();
            edge.get(edge.len() / 2).copied().unwrap_or(0)
        })
    }

    /// The cells across, which are as many down, and their colours row by row, three bytes each.
    #[must_use]
    pub fn cells(&self) -> (usize, &[u8]) {
        (CELLS, &self.0)
    }

    /// The text that a database keeps for a version: its pictures' prints, separated by spaces.
    #[must_use]
    pub fn to_text(prints: &[Self]) -> String {
        let encoded: Vec<String> = prints
            .iter()
            .map(|print| STANDARD.encode(&print.0))
            .collect();
        encoded.join(" ")
    }

    /// Reads [`PicturePrint::to_text`], leaving out what is damaged.
    #[must_use]
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.split(' ')
            .filter_map(|print| STANDARD.decode(print).ok())
            .filter(|cells| cells.len() == CELLS * CELLS * CHANNELS)
            .map(Self)
            .collect()
    }

    /// How alike the two most alike pictures of two versions are, in thousandths.
    #[must_use]
    pub fn most_alike_milli(these: &[Self], those: &[Self]) -> i64 {
        let pairs = these
            .iter()
            .flat_map(|a| those.iter().map(|b| a.alike_milli(b)));
        pairs.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{PicturePrint, TextPrint};
    use base::vault::Vault;
    use engine::picture::Picture;
    use proptest::prelude::*;

    fn text(text: &str) -> TextPrint {
        TextPrint::of(&Vault::new(&[1; 32]), text)
    }

    /// A disc of one colour on another, `x` across.
    fn disc(x: u32, colour: [u8; 3], paper: [u8; 3]) -> Picture {
        let inside = |at: u32| (at % 64).abs_diff(x).pow(2) + (at / 64).abs_diff(32).pow(2) < 400;
        Picture {
            width: 64,
            height: 64,
            samples: (0..64 * 64)
                .flat_map(|at| if inside(at) { colour } else { paper })
                .collect(),
        }
    }

    #[test]
    fn width_case_punctuation_and_spacing_make_no_other_text() {
        let fox = text("a red fox, 3d style");
        assert_eq!(fox.alike_milli(&text("A  RED fox; 3D-style!")), 1000);
        assert_eq!(fox.alike_milli(&text("ａ ｒｅｄ ｆｏｘ, 3d style")), 1000);
    }

    #[test]
    fn a_changed_word_is_nearer_than_another_idea() {
        let dragon = text("a red dragon with a green hat on a hill, 3d style");
        let copied =
            dragon.alike_milli(&text("a blue dragon with a green hat on a hill, 3d style"));
        let other = dragon.alike_milli(&text("two sleepy whales reading a newspaper, flat style"));
        assert!(copied > 700 && other < 200, "{copied}, {other}");
        let chinese = text("一个戴绿帽子的红色的龙");
        let copied = chinese.alike_milli(&text("一个戴黄帽子的红色的龙"));
        assert!(copied > chinese.alike_milli(&text("两只正在看报纸的蓝色鲸鱼")) + 300);
    }

    #[test]
    fn a_print_means_nothing_under_another_key() {
        let other = TextPrint::of(&Vault::new(&[2; 32]), "a red fox, 3d style");
        assert!(text("a red fox, 3d style").alike_milli(&other) < 50);
    }

    #[test]
    fn a_shared_background_does_not_make_two_pictures_alike() {
        let white = [255; 3];
        let red = PicturePrint::of(&disc(20, [200, 20, 20], white));
        let near = PicturePrint::of(&disc(20, [203, 22, 18], white));
        let elsewhere = PicturePrint::of(&disc(44, [200, 20, 20], white));
        let blue = PicturePrint::of(&disc(20, [20, 20, 200], white));
        assert!(red.alike_milli(&near) > 980);
        assert!(red.alike_milli(&elsewhere) < 500);
        assert!(red.alike_milli(&blue) < 700);
    }

    #[test]
    fn odd_sizes_have_prints() {
        for (width, height) in [(1, 1), (3, 70), (128, 128)] {
            let samples = vec![9; (width * height * 3) as usize];
            let print = PicturePrint::of(&Picture {
                width,
                height,
                samples,
            });
            assert_eq!(print.alike_milli(&print), 1000);
        }
    }

    proptest! {
        #[test]
        fn prints_read_back_and_are_symmetric(a in ".{0,60}", b in ".{0,60}") {
            let (first, second) = (text(&a), text(&b));
            let both = [first.clone(), second.clone()];
            prop_assert_eq!(TextPrint::parse_all(&TextPrint::to_text(&both)), both);
            prop_assert_eq!(first.alike_milli(&second), second.alike_milli(&first));
            prop_assert_eq!(first.alike_milli(&first), 1000);
        }

        #[test]
        fn no_stored_text_breaks_the_reader(stored in ".{0,40}") {
            prop_assert!(TextPrint::parse_all(&stored).is_empty());
            prop_assert!(PicturePrint::parse_all(&stored).is_empty());
        }
    }
}
