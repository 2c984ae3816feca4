//! One state of the index, and everything that can be asked of it.
//!
//! The one rule: whatever is asked costs bounded time, whoever asks.

use crate::answer::{Answer, PictureHit, Suggestion};
use crate::language::Language;
use crate::print::Print;
use crate::request::Request;
use schema::id::ListingId;

/// One state of the index.
pub struct Reader {}

impl Reader {
    /// How many listings it knows.
    #[must_use]
    pub fn count(&self) -> u64 {
        0
    }

    /// Answers a question.
    #[must_use]
    pub fn search(&self, request: &Request) -> Answer {
        let _ = request;
        Answer::default()
    }

    /// What could be meant by what was typed so far, the likeliest first.
    #[must_use]
    pub fn suggest(&self, typed: &str, language: Language, limit: usize) -> Vec<Suggestion> {
        let _ = (typed, language, limit);
        Vec::new()
    }

    /// Listings like another: by what they show, tags, shelf and pictures, the likest first.
    #[must_use]
    pub fn similar(&self, id: &ListingId, limit: usize) -> Vec<ListingId> {
        let _ = (id, limit);
        Vec::new()
    }

    /// Listings with these pictures or such as look like them: equal pixels first, then by nearness.
    #[must_use]
    pub fn by_picture(
        &self,
        prints: &[Print],
        pixel_digests: &[String],
        limit: usize,
    ) -> Vec<PictureHit> {
        let _ = (prints, pixel_digests, limit);
        Vec::new()
    }
}
