//! The end of a prompt, as the buttons below it change it.
//!
//! The one rule: what stands before is the creator's and stays as it was typed.

/// A prompt that ends in `phrase` instead of any other of the phrases; one that ends in it already loses it.
#[must_use]
pub fn with_phrase(text: &str, phrase: &str, all: &[String]) -> String {
    let text = text.trim_end();
    let commas = [',', '，'];
    let start = text.rfind(commas).unwrap_or(0);
    let last = text[start..].trim_start_matches(commas).trim();
    let kept = if all.iter().any(|known| known == last) {
        text[..start].trim_end()
    } else {
        text
    };
    match (last == phrase, kept) {
        (true, kept) => kept.to_owned(),
        (false, "") => phrase.to_owned(),
        (false, kept) => format!("{kept}, {phrase}"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_phrase;

    #[test]
    fn a_style_is_added_exchanged_and_taken_out_and_the_rest_stays_as_typed() {
        let all = ["3d风格".to_owned(), "扁平风格".to_owned()];
        let press = |text: &str, phrase: &str| with_phrase(text, phrase, &all);
        assert_eq!(press("红，绿,, 蓝", "3d风格"), "红，绿,, 蓝, 3d风格");
        assert_eq!(press("猫，3d风格", "扁平风格"), "猫, 扁平风格");
        assert_eq!(press("猫, 3d风格", "3d风格"), "猫");
        assert_eq!(press("", "3d风格"), "3d风格");
        assert_eq!(press("3d风格", "3d风格"), "");
    }
}
