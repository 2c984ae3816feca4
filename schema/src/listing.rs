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

/// A readable part of a URL: ASCII letters and digits of the title, or nothing for a title without any.
#[must_use]
pub fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 48 {
            break;
        }
    }
    slug.trim_matches('-').to_owned()
}
