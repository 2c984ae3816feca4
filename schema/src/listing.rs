//! What a listing says in words: category, title, slug; each parsed once, here, for form, store and CLI alike.

use crate::error::{Error, quoted};
use crate::invisible;
use crate::money::Money;
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
        found.ok_or_else(|| {
            Error::invalid("category", format!("{} is not a category", quoted(text)))
                .rule("not-offered", "")
        })
    }
}

/// The lowest price that is one, in cents: below it the card fee eats the sale.
pub const MIN_PRICE_MINOR: i64 = 50;
/// The highest price, in cents.
pub const MAX_PRICE_MINOR: i64 = 500_000;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_CHARACTERS: usize = 5000;

/// Checks a price: nothing, or an amount within the shop's bounds.
///
/// # Errors
/// Says what is wrong.
pub fn parse_price(text: &str) -> Result<Money, Error> {
    let price = Money::parse_usd(text, "price")?;
    if (1..MIN_PRICE_MINOR).contains(&price.minor) {
        return Err(Error::invalid("price", "is 0 or at least 0.50").rule("price-low", ""));
    }
    if price.minor > MAX_PRICE_MINOR {
        let most = (MAX_PRICE_MINOR / 100).to_string();
        return Err(Error::invalid("price", format!("is over {most} USD")).rule("price-high", most));
    }
    Ok(price)
}

/// The longest title.
pub const MAX_TITLE_CHARACTERS: usize = 80;

/// Checks a title: 2 to 80 characters, one line. Two, because 熊猫 says all that "panda" does.
///
/// # Errors
/// Says what is wrong.
pub fn parse_title(text: &str) -> Result<String, Error> {
    line(text, "title", 2, MAX_TITLE_CHARACTERS)
}

/// Checks a description: at most 5,000 characters.
///
/// # Errors
/// Says what is wrong.
pub fn parse_description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().nth(MAX_DESCRIPTION_CHARACTERS).is_some() {
        return Err(Error::invalid(
            "description",
            format!("is longer than {MAX_DESCRIPTION_CHARACTERS} characters"),
        )
        .rule("length", format!("0–{MAX_DESCRIPTION_CHARACTERS}")));
    }
    let breaks = |character: char| character == '\n' || character == '\r';
    if text
        .chars()
        .any(|character| character.is_control() && !breaks(character))
        || invisible::holds_noncharacter(text)
    {
        return Err(Error::invalid("description", "holds a control character").rule("control", ""));
    }
    refuse_turning(text, "description")?;
    Ok(text.replace("\r\n", "\n"))
}

/// Trims and checks one line of text shown to others.
///
/// # Errors
/// Says what is wrong.
pub fn line(text: &str, place: &str, minimum: usize, maximum: usize) -> Result<String, Error> {
    let text = text.trim();
    let count = text.chars().take(maximum.saturating_add(1)).count();
    if count < minimum || count > maximum {
        return Err(Error::invalid(
            place,
            format!("has {count} characters, {minimum} to {maximum} belong"),
        )
        .rule("length", format!("{minimum}–{maximum}")));
    }
    if text.chars().any(char::is_control) || invisible::holds_noncharacter(text) {
        return Err(Error::invalid(place, "holds a control character").rule("control", ""));
    }
    if minimum > 0 && invisible::is_blank(text) {
        return Err(Error::invalid(place, "holds nothing that can be seen").rule("unseen", ""));
    }
    refuse_turning(text, place)?;
    Ok(text.to_owned())
}

/// A character that turns the reading direction could make a line say what it does not, or turn the page behind it.
fn refuse_turning(text: &str, place: &str) -> Result<(), Error> {
    if invisible::turns(text) {
        let message = "holds a character that turns the reading direction";
        return Err(Error::invalid(place, message).rule("turning", ""));
    }
    Ok(())
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
    use super::{line, parse_description, slug_of};

    #[test]
    fn what_is_no_character_is_refused_in_titles_and_descriptions() {
        for code in ["\u{ffff}", "\u{fffe}", "\u{fdd0}", "\u{1fffe}", "\u{7}"] {
            assert!(
                line(&format!("Fox {code}"), "title", 1, 80).is_err(),
                "{code:?}"
            );
            assert!(
                parse_description(&format!("A fox {code}")).is_err(),
                "{code:?}"
            );
        }
        for text in ["狐狸 🦊", "Füchse\u{2019}"] {
            assert!(line(text, "title", 1, 80).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn an_address_can_be_read_whatever_the_script_of_the_title() {
        assert_eq!(slug_of("Bärengesicht, süß"), "baerengesicht-suess");
        assert_eq!(slug_of("熊猫 3D"), "xiong-mao-3d");
        assert_eq!(slug_of("Łódź & Київ"), "lodz-kiyiv");
        assert_eq!(slug_of("  ?! "), "");
        assert_eq!(slug_of(&"a".repeat(400)).len(), 48);
    }
}
