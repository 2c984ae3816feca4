//! One form for what is written in several: width, case, accents, traditional and simplified characters.
//!
//! The one rule: what is folded is compared, never shown.

use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let lines = include_str!("../../synonyms/simplified.tsv").lines();
    let pairs = lines.filter_map(|line| {
        let (traditional, simple) = line.split_once('\t')?;
        Some((traditional.chars().next()?, simple.chars().next()?))
    });
    pairs.collect()
});

/// The simplified form of a Chinese character; any other as it is.
pub(crate) fn simplified(character: char) -> char {
    SIMPLIFIED.get(&character).copied().unwrap_or(character)
}

/// Width, case and script make no difference; accents are kept.
pub(crate) fn kept(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .nfc()
        .map(simplified)
        .collect()
}

/// Accents make no difference either: ä is a, ß is ss.
pub(crate) fn folded(kept: &str) -> String {
    if kept.is_ascii() {
        return kept.to_owned();
    }
    let mut folded = String::with_capacity(kept.len());
    for character in kept
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
    {
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// As people write who lack the keys: ä is ae. Nothing where there is no such letter.
pub(crate) fn spelled(kept: &str) -> Option<String> {
    has_umlaut(kept).then(|| {
        let spelled = kept
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue");
        folded(&spelled)
    })
}

/// Whether a German vowel has its dots.
pub(crate) fn has_umlaut(kept: &str) -> bool {
    kept.contains(['ä', 'ö', 'ü'])
}

#[cfg(test)]
mod tests {
    use super::{folded, kept, spelled};

    #[test]
    fn width_case_accents_and_script_make_no_difference() {
        assert_eq!(kept("ＣＡＴ"), "cat");
        assert_eq!(kept("BÄR"), "bär");
        assert_eq!(kept("Ba\u{308}r"), "bär");
        assert_eq!(kept("貓頭鷹"), "猫头鹰");
        assert_eq!(folded("bär"), "bar");
        assert_eq!(folded("weiß"), "weiss");
        assert_eq!(folded("crème"), "creme");
        assert_eq!(spelled("müßig").as_deref(), Some("muessig"));
        assert_eq!(spelled("cafe"), None);
    }
}
