//! The demo's people and recipes. Seeds were picked by looking at the pictures; choices of values are part of each anchor.

/// Handle and language of each creator.
pub(super) const PEOPLE: &[(&str, &str)] = &[("mira-makes", "en"), ("otto-formt", "de"), ("xiaolan", "zh"), ("tilde-studio", "en"), ("kaya-prints", "en")];

type Choices = &'static [(&'static str, &'static str)];
type Chosen = &'static [(&'static str, &'static str)];

/// One listing.
pub(super) struct Piece {
    pub(super) creator: usize,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) category: &'static str,
    pub(super) price_minor: i64,
    pub(super) licence: &'static str,
    pub(super) template: &'static str,
    pub(super) variables: &'static [(&'static str, Choices)],
    pub(super) anchors: &'static [(Chosen, &'static str)],
}

include!("pieces.rs");
