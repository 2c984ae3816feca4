//! Words that are in every text.
//!
//! The one rule: they are not looked for, unless nothing else was typed.

/// English, German, Chinese.
const WORDS: &[&str] = &[
    "a", "an", "the", "of", "and", "or", "for", "with", "in", "on", "at", "to", "from", "by", "is",
    "are", "my", "your", "me", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen",
    "einem", "einer", "eines", "und", "oder", "fur", "für", "mit", "im", "in", "am", "an", "auf",
    "aus", "von", "vom", "zu", "zum", "zur", "bei", "ist", "sind", "mein", "meine", "fuer", "的",
    "了", "和", "与", "及", "或", "是", "在", "个", "一个", "我", "我的", "之", "给", "用", "一只",
    "只",
];

/// Whether a word is one of them.
pub(crate) fn is_stop(kept: &str) -> bool {
    WORDS.contains(&kept)
}
