//! The words by which a creator wants a listing to be found.
//!
//! The one rule: a tag is parsed once, here: one form of it in the database, in addresses and on pages, whoever typed it and however.

use crate::error::Error;
use crate::invisible;
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// The most tags of one listing.
pub const MAX_TAGS: usize = 10;
/// The longest tag, in characters.
pub const MAX_TAG_CHARACTERS: usize = 30;
/// What is looked at of what was typed: ten tags at their longest, and what stands between them.
const MAX_TYPED_BYTES: usize = 2_000;

/// A listing's tags, in the order in which they were typed, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<String>);

impl Tags {
    /// Reads what was typed: tags between commas, in whatever script the commas are. Width, case and spaces make no difference, nor does a
    /// number sign in front.
    ///
    /// # Errors
    /// Says what is wrong, and with which tag.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(too_many());
        }
        let mut tags = Vec::new();
        for typed in text.split([',', '，', '、', ';', '；', '\n']) {
            let tag = parse_tag(typed)?;
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(too_many());
        }
        Ok(Self(tags))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As the database keeps them and forms show them; [`Tags::parse`] reads it.
impl fmt::Display for Tags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(", "))
    }
}

/// One tag in its one form; empty for nothing but spaces.
///
/// # Errors
/// When it is too long or holds what cannot be shown in a line.
pub fn parse_tag(typed: &str) -> Result<String, Error> {
    let folded: String = typed
        .trim()
        .trim_start_matches(['#', '＃'])
        .nfkc()
        .flat_map(char::to_lowercase)
        .collect();
    let tag = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    if tag.chars().nth(MAX_TAG_CHARACTERS).is_some() {
        let message = format!("has a tag longer than {MAX_TAG_CHARACTERS} characters");
        return Err(
            Error::invalid("tags", message).rule("tag-long", MAX_TAG_CHARACTERS.to_string())
        );
    }
    let unseen = !tag.is_empty() && invisible::is_blank(&tag);
    if tag.chars().any(char::is_control) || invisible::turns(&tag) || unseen || tag.contains(',') {
        let message = "has a tag with a character that cannot be shown in a line";
        return Err(Error::invalid("tags", message).rule("tag-unseen", ""));
    }
    Ok(tag)
}

fn too_many() -> Error {
    let message = format!("has more than {MAX_TAGS} tags");
    Error::invalid("tags", message).rule("tags-many", MAX_TAGS.to_string())
}

#[cfg(test)]
mod tests {
    use super::{MAX_TAGS, Tags};

    #[test]
    fn a_tag_has_one_form_however_it_is_typed() {
        let tags = Tags::parse(" #Cat, ＣＡＴ，kawaii  art、猫;;cat\nBär").expect("tags");
        assert_eq!(
            tags.iter().collect::<Vec<_>>(),
            ["cat", "kawaii art", "猫", "bär"]
        );
        assert_eq!(Tags::parse(&tags.to_string()).expect("the same"), tags);
        assert!(Tags::parse(" , ，").expect("none").is_empty());
    }

    #[test]
    fn what_is_too_much_or_cannot_be_shown_is_refused_by_name() {
        let many: Vec<String> = (0..=MAX_TAGS).map(|number| number.to_string()).collect();
        for (typed, rule) in [
            (many.join(","), "tags-many"),
            ("a".repeat(31), "tag-long"),
            ("x,".repeat(5_000), "tags-many"),
            ("a\u{0}b".into(), "tag-unseen"),
            ("a\u{202e}b".into(), "tag-unseen"),
            ("\u{200b}\u{2060}".into(), "tag-unseen"),
        ] {
            let error = Tags::parse(&typed).expect_err("refused");
            assert_eq!(
                error.broken_rule().map(|(rule, _)| rule),
                Some(rule),
                "{typed:?}"
            );
        }
        let most = vec!["ä".repeat(30); 1].join(",");
        assert!(Tags::parse(&most).is_ok());
    }
}
