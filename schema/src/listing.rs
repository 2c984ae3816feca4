//! What a listing says in words: category, title, slug; each parsed once, here, for form, store and CLI alike.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// The shelves of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    Stickers,
    Faces,
    Food,
    Signals,
    Creatures,
    Seasonal,
    SkinTones,
    Badges,
}

impl Category {
    /// Every category, in the order in which pages show them.
    pub const ALL: [Self; 8] = [
        Self::Stickers,
        Self::Faces,
        Self::Food,
        Self::Signals,
        Self::Creatures,
        Self::Seasonal,
        Self::SkinTones,
        Self::Badges,
    ];

    /// The identifier in URLs and the database.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Stickers => "stickers",
            Self::Faces => "faces",
            Self::Food => "food",
            Self::Signals => "signals",
            Self::Creatures => "creatures",
            Self::Seasonal => "seasonal",
            Self::SkinTones => "skin-tones",
            Self::Badges => "badges",
        }
    }

    /// Reads an identifier.
    ///
    /// # Errors
    /// For anything but the fixed ones.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|category| category.id() == text);
        found.ok_or_else(|| Error::invalid("category", format!("{text:?} is not a category")))
    }
}

/// Checks a title: 2 to 80 characters, one line. Two, because 熊猫 says all that "panda" does.
///
/// # Errors
/// Says what is wrong.
pub fn parse_title(text: &str) -> Result<String, Error> {
    line(text, "title", 2, 80)
}

/// Checks a description: at most 5,000 characters.
///
/// # Errors
/// Says what is wrong.
pub fn parse_description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > 5000 {
        return Err(Error::invalid(
            "description",
            "is longer than 5000 characters",
        ));
    }
    if text
        .chars()
        .any(|character| character.is_control() && character != '\n' && character != '\r')
    {
        return Err(Error::invalid("description", "holds a control character"));
    }
    Ok(text.replace("\r\n", "\n"))
}

/// Trims and checks one line of text shown to others.
///
/// # Errors
/// Says what is wrong.
pub fn line(text: &str, place: &str, minimum: usize, maximum: usize) -> Result<String, Error> {
    let text = text.trim();
    let count = text.chars().count();
    if count < minimum || count > maximum {
        return Err(Error::invalid(
            place,
            format!("has {count} characters, {minimum} to {maximum} belong"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(place, "holds a control character"));
    }
    Ok(text.to_owned())
}

/// A readable part of a URL: the title in ASCII letters and digits, at most 48. German vowels are spelled out, Chinese is read as pinyin;
/// nothing for a title without any letter that can be said so.
#[must_use]
pub fn slug_of(title: &str) -> String {
    const MOST: usize = 48;
    let mut slug = String::new();
    for character in title.chars().flat_map(char::to_lowercase) {
        let said = match character {
            'ä' => "ae",
            'ö' => "oe",
            'ü' => "ue",
            _ => deunicode::deunicode_char(character).unwrap_or(""),
        };
        for byte in said.bytes().map(|byte| byte.to_ascii_lowercase()) {
            if byte.is_ascii_alphanumeric() && slug.len() < MOST {
                slug.push(char::from(byte));
            } else if !byte.is_ascii_alphanumeric() && !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
    }
    slug.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slug_of;

    #[test]
    fn an_address_can_be_read_whatever_the_script_of_the_title() {
        assert_eq!(slug_of("Bärengesicht, süß"), "baerengesicht-suess");
        assert_eq!(slug_of("熊猫 3D"), "xiong-mao-3d");
        assert_eq!(slug_of("Łódź & Київ"), "lodz-kiyiv");
        assert_eq!(slug_of("  ?! "), "");
        assert_eq!(slug_of(&"a".repeat(400)).len(), 48);
    }
}
