//! The languages in which listings are written and sought.
//!
//! The one rule: their order is that of the files of synonyms.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// Chinese.
    Chinese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Chinese];

    /// Its tag, as listings and paths have it.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Chinese => "zh",
        }
    }

    /// Reads a tag; what comes after a hyphen makes no difference.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let main = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.tag() == main)
    }
}
