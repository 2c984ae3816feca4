//! The caption's letters: GNU Unifont's, whose bitmaps cover every script of a title, so that neither file names a font.
//!
//! The one rule: a letter is 16 dots high and printed twice as large; what has no letter is shown as a box.

/// Dots of a letter's height before it is enlarged.
pub(super) const HEIGHT: u32 = 16;
/// How often a dot is repeated across and down.
pub(super) const TIMES: u32 = 2;

fn glyph(letter: char) -> Option<&'static unifont::Glyph> {
    unifont::get_glyph(letter).or_else(|| unifont::get_glyph('\u{fffd}'))
}

fn width_of(letter: char) -> u32 {
    glyph(letter).map_or(0, |glyph| u32::try_from(glyph.get_width()).unwrap_or(0))
}

/// A line's width on paper.
#[must_use]
pub(super) fn width(text: &str) -> u32 {
    text.chars().map(width_of).sum::<u32>() * TIMES
}

/// The dots of a line, row by row, not enlarged yet.
#[must_use]
pub(super) fn rows(text: &str) -> Vec<Vec<bool>> {
    let letters: Vec<_> = text.chars().filter_map(glyph).collect();
    let row = |y: usize| {
        let of = |glyph: &&unifont::Glyph| {
            let glyph = *glyph;
            (0..glyph.get_width())
                .map(|x| glyph.get_pixel(x, y))
                .collect::<Vec<_>>()
        };
        letters.iter().flat_map(of).collect()
    };
    (0..HEIGHT as usize).map(row).collect()
}

/// Breaks a text into at most `most` lines that fit into `room`, after spaces and around wide letters; what is left over ends in an
/// ellipsis.
#[must_use]
pub(super) fn wrapped(text: &str, room: u32, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let line = lines.last_mut().map_or("", |line| line);
        if !line.is_empty() && width(line) + width(piece.trim_end()) > room {
            lines.push(String::new());
        }
        for letter in piece.chars() {
            let line = lines.last().map_or("", |line| line);
            if width(line) + width_of(letter) * TIMES > room {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
        }
        if lines.len() > most {
            break;
        }
    }
    let cut = lines.len() > most;
    lines.truncate(most);
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    if let Some(last) = lines.last_mut().filter(|_| cut) {
        while width(last) + width("…") > room {
            last.pop();
        }
        last.push('…');
    }
    lines
}

/// What stays on one line: a word with the space behind it, or one wide letter.
fn pieces(text: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut before: Option<char> = None;
    for (at, letter) in text.char_indices() {
        let wide = |letter: char| width_of(letter) > 8;
        if before.is_some_and(|before| before == ' ' || wide(before) || wide(letter)) {
            cuts.push(at);
        }
        before = Some(letter);
    }
    cuts.push(text.len());
    cuts.windows(2)
        .map(|pair| &text[pair[0]..pair[1]])
        .collect()
}
