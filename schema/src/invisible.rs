//! Characters that nobody sees: in a prompt they change the picture, in a title they make an empty card or turn the line round.
//!
//! The one rule: text is never changed here. What is hidden is found and named; callers say it, escape it or refuse it.

use std::fmt::{self, Write as _};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Why a character is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// U+FEFF; many editors put it before the first character.
    ByteOrderMark,
    /// U+00AD.
    SoftHyphen,
    /// U+200B, U+2060 and others without width and without any other meaning.
    ZeroWidth,
    /// U+200C and U+200D: they join or part letters of some scripts and the parts of an emoji.
    Joiner,
    /// U+FE0F and others: they choose between two forms of the character before them.
    Variation,
    /// Embeddings, overrides, isolates and marks that turn the direction of the text.
    Direction,
    /// U+E0000 to U+E007F: copies of ASCII that are never drawn.
    Tag,
    /// A letter that is drawn as nothing, such as U+3164 or U+2800.
    Filler,
    /// A control character that is neither a tab nor a line end.
    Control,
    /// Assigned to nothing, or for private use.
    Unassigned,
}

impl Class {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte order mark",
            Self::SoftHyphen => "soft hyphen",
            Self::ZeroWidth => "zero-width character",
            Self::Joiner => "zero-width joiner",
            Self::Variation => "variation selector",
            Self::Direction => "direction control",
            Self::Tag => "tag character",
            Self::Filler => "blank filler",
            Self::Control => "control character",
            Self::Unassigned => "unassigned character",
        }
    }
}

/// One hidden character and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Characters before it.
    pub at: usize,
    /// The character.
    pub character: char,
    /// Why it is not seen.
    pub class: Class,
}

impl fmt::Display for Hidden {
    /// `U+200B (zero-width character) at character 5`, counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (point, name) = (u32::from(self.character), self.class.name());
        write!(f, "U+{point:04X} ({name}) at character {}", self.at + 1)
    }
}

/// Why a character is not seen; `None` for one that is, and for spaces, tabs and line ends.
#[must_use]
pub fn class(character: char) -> Option<Class> {
    let class = match character {
        '\t' | '\n' | '\r' | '\u{85}' => return None,
        '\u{feff}' => Class::ByteOrderMark,
        '\u{ad}' => Class::SoftHyphen,
        '\u{200c}' | '\u{200d}' => Class::Joiner,
        '\u{180b}'..='\u{180d}'
        | '\u{180f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}' => Class::Variation,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => {
            Class::Direction
        }
        '\u{e0000}'..='\u{e007f}' => Class::Tag,
        '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}'
        | '\u{ffa0}' => Class::Filler,
        // The rest of Unicode's Default_Ignorable_Code_Point, and marks that only part or hold words together.
        '\u{34f}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0080}'..='\u{e0fff}' => Class::ZeroWidth,
        _ => match character.general_category() {
            GeneralCategory::Control => Class::Control,
            GeneralCategory::Unassigned
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate => Class::Unassigned,
            _ => return None,
        },
    };
    Some(class)
}

/// Every hidden character of a text, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Hidden> {
    let hidden = |(at, character)| {
        class(character).map(|class| Hidden {
            at,
            character,
            class,
        })
    };
    text.chars().enumerate().filter_map(hidden).collect()
}

/// Whether a reader sees nothing: no character but spaces, hidden ones and accents without a letter.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(|character| {
        let drawn = !matches!(
            character.general_category_group(),
            GeneralCategoryGroup::Mark | GeneralCategoryGroup::Separator
        );
        drawn && !character.is_whitespace() && class(character).is_none()
    })
}

/// Whether a text holds a code point that is no character and never will be (Unicode 16.0, section 23.7); XML has no place for some of them.
#[must_use]
pub fn holds_noncharacter(text: &str) -> bool {
    text.chars().any(|character| {
        let code = u32::from(character);
        code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
    })
}

/// Whether a text can turn the reading direction of itself or of what stands after it.
#[must_use]
pub fn turns(text: &str) -> bool {
    text.chars()
        .any(|character| class(character) == Some(Class::Direction))
}

/// A foreign text as it may be printed on a terminal or in a line of a log: controls, direction controls and whatever else is
/// hidden stand as `\u{…}`, line ends and tabs as `\n`, `\r`, `\t`. What a person can read is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            Escape {
                to: f,
                lines: false
            },
            "{}",
            self.0
        )
    }
}

/// As [`Shown`], for text of several lines: line ends and tabs are kept.
#[derive(Clone, Copy, Debug)]
pub struct ShownLines<T>(pub T);

impl<T: fmt::Display> fmt::Display for ShownLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape { to: f, lines: true }, "{}", self.0)
    }
}

struct Escape<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    lines: bool,
}

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut shown = 0;
        for (at, character) in text.char_indices() {
            let kept = match character {
                '\n' | '\t' => self.lines,
                '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => false,
                // An emoji of several parts is read as one picture.
                _ => matches!(
                    class(character),
                    None | Some(Class::Joiner | Class::Variation)
                ),
            };
            if !kept {
                self.to.write_str(&text[shown..at])?;
                write!(self.to, "{}", character.escape_default())?;
                shown = at + character.len_utf8();
            }
        }
        self.to.write_str(&text[shown..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_hidden_character_is_named_with_its_place() {
        for (character, class) in [
            ('\u{200b}', Class::ZeroWidth),
            ('\u{2060}', Class::ZeroWidth),
            ('\u{34f}', Class::ZeroWidth),
            ('\u{200d}', Class::Joiner),
            ('\u{ad}', Class::SoftHyphen),
            ('\u{feff}', Class::ByteOrderMark),
            ('\u{fe0f}', Class::Variation),
            ('\u{e0100}', Class::Variation),
            ('\u{202e}', Class::Direction),
            ('\u{2066}', Class::Direction),
            ('\u{61c}', Class::Direction),
            ('\u{e0041}', Class::Tag),
            ('\u{3164}', Class::Filler),
            ('\u{2800}', Class::Filler),
            ('\u{1b}', Class::Control),
            ('\u{9b}', Class::Control),
            ('\u{e000}', Class::Unassigned),
            ('\u{378}', Class::Unassigned),
            ('\u{ffff}', Class::Unassigned),
        ] {
            let text = format!("red {character}apple");
            let found = find(&text);
            let place = Hidden {
                at: 4,
                character,
                class,
            };
            assert_eq!(found, [place], "{character:?}");
            assert!(is_blank(&character.to_string()), "{character:?}");
        }
        assert_eq!(
            find("red\u{200b} apple")[0].to_string(),
            "U+200B (zero-width character) at character 4"
        );
    }

    #[test]
    fn what_a_person_sees_is_not_hidden() {
        for text in [
            "red apple, 3d style",
            "猫脸, 扁平风格",
            "Größe\tund\nMaß",
            "❤ 🍎 𠮷 한국어 العربية",
            "a\u{a0}b\u{3000}c",
            "A\u{308}pfel",
        ] {
            assert_eq!(find(text), [], "{text:?}");
            assert!(!is_blank(text) && !turns(text), "{text:?}");
        }
    }

    #[test]
    fn a_text_without_anything_to_see_is_blank() {
        for text in [
            "",
            " \t\n",
            "\u{a0}\u{3000}",
            "\u{200b}\u{200b}",
            "\u{ad}",
            "\u{3164}\u{3164}",
            "\u{2800}",
            "\u{202e}",
            "\u{308}",
            "\u{fe0f}\u{e0041}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("\u{200b}a"));
        assert!(turns("\u{202e}eelppa eerF"));
    }

    #[test]
    fn a_foreign_text_moves_no_cursor_and_turns_no_line() {
        let foreign = "no log named x\x1b[2J\r\n\u{202e}y\u{9b}\u{7f}";
        assert_eq!(
            Shown(foreign).to_string(),
            "no log named x\\u{1b}[2J\\r\\n\\u{202e}y\\u{9b}\\u{7f}"
        );
        assert_eq!(ShownLines("a\n\tb\r\x07").to_string(), "a\n\tb\\r\\u{7}");
        assert_eq!(
            Shown("👩\u{200d}🚀 ❤\u{fe0f} größer").to_string(),
            "👩\u{200d}🚀 ❤\u{fe0f} größer"
        );
    }
}
