//! Where Chinese words begin and end.
//!
//! The one rule: the dictionary is read once, when the first Chinese text comes; the names of concepts are in it, so that they come out whole.

use super::names;
use jieba_rs::Jieba;
use std::sync::LazyLock;

static JIEBA: LazyLock<Jieba> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    let chinese = names::ROWS.iter().flat_map(|row| &row.names[2]);
    for name in chinese {
        if name.chars().nth(1).is_some() && !jieba.has_word(name) {
            jieba.add_word(name, None, None);
        }
    }
    jieba
});

/// Whether a character is Chinese.
pub(crate) fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々' | '〇')
}

/// The words of a run of Chinese characters: each with its first character and the one after its last.
pub(crate) fn words(run: &str) -> Vec<(usize, usize, &str)> {
    let words = JIEBA.cut(run, true).into_iter();
    words
        .map(|word| (word.start, word.end, word.word))
        .collect()
}

/// The shorter words inside of a word of three characters or more, as an index wants them.
pub(crate) fn parts(word: &str) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    let mut parts = Vec::new();
    for length in [2, 3] {
        if characters.len() > length {
            let pieces = characters
                .windows(length)
                .map(|piece| piece.iter().collect());
            parts.extend(pieces.filter(|piece: &String| JIEBA.has_word(piece)));
        }
    }
    parts
}

/// Reads the dictionary now, so that nobody waits for it later.
pub(crate) fn warm() {
    LazyLock::force(&JIEBA);
}

#[cfg(test)]
mod tests {
    use super::{parts, words};

    #[test]
    fn words_come_out_whole_with_the_words_inside_of_them() {
        let found: Vec<&str> = words("圆滚滚的熊猫脸")
            .into_iter()
            .map(|(_, _, word)| word)
            .collect();
        assert!(
            found.contains(&"熊猫") || found.contains(&"熊猫脸"),
            "{found:?}"
        );
        assert_eq!(words("西红柿").len(), 1);
        assert!(parts("猫头鹰贴纸").contains(&"猫头鹰".to_owned()));
        assert!(parts("猫咪").is_empty());
    }
}
