//! Spellings in prompts that other programs act upon.
//!
//! The one rule: the prompt itself is never changed; whatever would have meant something elsewhere has a remark.

use super::found::{Found, MAX_NAME};
use super::remark::{Remark, Syntax};

/// The spellings of A1111 and stable-diffusion.cpp.
pub(super) fn webui(found: &mut Found) {
    let text = format!("{}\n{}", found.prompt, found.negative);
    networks(found, &text);
    let brackets = brackets(&text);
    for (present, syntax) in [
        (brackets.weight, Syntax::Weight),
        (brackets.editing, Syntax::Editing),
        (word(&text, "AND"), Syntax::Composed),
        (word(&text, "BREAK"), Syntax::Break),
    ] {
        if present {
            found.say(Remark::PromptSyntax(syntax));
        }
    }
}

/// The spellings of ComfyUI.
pub(super) fn comfyui(found: &mut Found) {
    let text = format!("{}\n{}", found.prompt, found.negative);
    for (present, syntax) in [
        (brackets(&text).round, Syntax::Weight),
        (text.contains('{') && text.contains('|'), Syntax::Wildcard),
        (text.contains("embedding:"), Syntax::Embedding),
    ] {
        if present {
            found.say(Remark::PromptSyntax(syntax));
        }
    }
}

/// The spellings of InvokeAI: `word++`, `(some words)1.2`, `<name>`, `("a", "b").and()`.
pub(super) fn invokeai(found: &mut Found) {
    let text = format!("{}\n{}", found.prompt, found.negative);
    let weights = text.contains("++")
        || text.contains("--")
        || text
            .split(')')
            .skip(1)
            .any(|behind| behind.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c)));
    let marked = text.contains('<') && text.contains('>');
    for (present, syntax) in [
        (weights, Syntax::Weight),
        (marked, Syntax::Embedding),
        (text.contains(").and("), Syntax::Composed),
        (
            text.contains(").blend(") || text.contains(".swap("),
            Syntax::Editing,
        ),
        (text.contains('{') && text.contains('|'), Syntax::Wildcard),
    ] {
        if present {
            found.say(Remark::PromptSyntax(syntax));
        }
    }
}

/// `<lora:name:weight>` and its kin.
fn networks(found: &mut Found, text: &str) {
    for inside in text.split('<').skip(1) {
        let Some((inside, _)) = inside.split_once('>') else {
            continue;
        };
        let Some((kind, name)) = inside.split_once(':') else {
            continue;
        };
        let name = name.split(':').next().unwrap_or_default();
        match kind {
            "lora" | "lyco" => {
                let name = found.text("LoRA", name, MAX_NAME);
                found.say(Remark::LoraNotTaken(name));
            }
            _ if kind.chars().all(|c| c.is_ascii_alphanumeric()) && !kind.is_empty() => {
                found.say(Remark::PromptSyntax(Syntax::ExtraNetwork));
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Brackets {
    weight: bool,
    round: bool,
    editing: bool,
}

/// Which brackets close, those behind a backslash aside.
fn brackets(text: &str) -> Brackets {
    let mut seen = Brackets::default();
    let mut open: Vec<(char, bool)> = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '(' | '[' => open.push((letter, false)),
            ':' | '|' => {
                if let Some((_, parted)) = open.last_mut() {
                    *parted = true;
                }
            }
            ')' | ']' => match open.pop() {
                Some(('(', _)) if letter == ')' => (seen.weight, seen.round) = (true, true),
                Some(('[', true)) if letter == ']' => seen.editing = true,
                Some(('[', false)) if letter == ']' => seen.weight = true,
                _ => {}
            },
            _ => {}
        }
    }
    seen
}

/// Whether a word stands alone.
fn word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|part| part == word)
}
