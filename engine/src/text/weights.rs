//! How strongly parts of a prompt count: `(more)`, `[less]`, `(so:1.3)`, as the AUTOMATIC1111 web UI documents it.
//!
//! The one rule: what a prompt says is taken, or refused by its name. That web UI has more syntax between the same brackets (words
//! that change between steps, prompts that are composed, extra networks); read as mere text it would silently draw something else.
//! Written from its documentation; two runs of one weight are one text again, which decides how words fall into tokens.

pub use super::marks::MAX_WEIGHT;
use super::marks::{explicit, is_number, not_offered, refuse_words, weight};
use crate::error::{Error, ErrorKind};
use schema::template::MAX_PROMPT_BYTES;

/// Brackets that may be open at once: each part's weight is multiplied that often at most.
pub const MAX_DEPTH: usize = 32;

const MORE: f64 = 1.1;
const LESS: f64 = 1.0 / MORE;

/// A part of a prompt, without its brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The text, with escapes resolved.
    pub text: String,
    /// What it is multiplied by; 1 outside brackets.
    pub weight: f64,
}

/// An open square bracket, and what was written in it directly.
struct Square {
    at: usize,
    run: usize,
    colon: Option<usize>,
    has_bar: bool,
}

struct Round {
    at: usize,
    run: usize,
}

#[derive(Default)]
struct Parser {
    runs: Vec<Run>,
    text: String,
    round: Vec<Round>,
    square: Vec<Square>,
}

/// The runs of `prompt`, in order; there is always one, if an empty one.
///
/// A bracket that is never closed counts to the end of the prompt, and one that closes nothing is text. `\(`, `\)`, `\[`, `\]` and
/// `\\` stand for the character; any other backslash stays as it is.
///
/// # Errors
/// `ErrorKind::NotOffered` with the name for `AND`, `BREAK`, `[from:to:when]`, `[one|other]`, `<name:…>`, more than [`MAX_DEPTH`]
/// brackets at once and weights beyond [`MAX_WEIGHT`]; `ErrorKind::Malformed` for a weight that is no number;
/// `ErrorKind::PromptTooLong` for more than [`MAX_PROMPT_BYTES`].
pub fn parse(prompt: &str) -> Result<Vec<Run>, Error> {
    if prompt.len() > MAX_PROMPT_BYTES {
        let message = format!("the prompt is longer than {MAX_PROMPT_BYTES} bytes: shorten it");
        return Err(Error::new(ErrorKind::PromptTooLong, message));
    }
    refuse_words(prompt)?;
    let mut parser = Parser::default();
    let mut rest = prompt;
    while let Some(first) = rest.chars().next() {
        let at = prompt.len() - rest.len();
        let mut taken = first.len_utf8();
        match first {
            '\\' => {
                let next = rest[1..]
                    .chars()
                    .next()
                    .filter(|next| r"()[]\".contains(*next));
                parser.text.push(next.unwrap_or('\\'));
                taken += usize::from(next.is_some());
            }
            '(' | '[' => parser.open(first, at)?,
            ')' => parser.close_round(MORE),
            ']' => parser.close_square(prompt, at)?,
            ':' => match explicit(rest) {
                Some((number, length)) if !parser.round.is_empty() => {
                    parser.close_round(weight(number)?);
                    taken = length;
                }
                _ => parser.mark(first, at),
            },
            '|' => parser.mark(first, at),
            other => parser.text.push(other),
        }
        rest = &rest[taken..];
    }
    Ok(parser.finish())
}

impl Parser {
    /// Ends the current run.
    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.runs.push(Run { text, weight: 1.0 });
        }
    }

    fn multiply(&mut self, from: usize, factor: f64) {
        for run in self.runs.iter_mut().skip(from) {
            run.weight *= factor;
        }
    }

    fn open(&mut self, bracket: char, at: usize) -> Result<(), Error> {
        if self.round.len() + self.square.len() >= MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} open brackets");
            return Err(not_offered(&what, r"write \( for a bracket that is text"));
        }
        self.flush();
        let run = self.runs.len();
        if bracket == '(' {
            self.round.push(Round { at, run });
        } else {
            self.square.push(Square {
                at,
                run,
                colon: None,
                has_bar: false,
            });
        }
        Ok(())
    }

    fn close_round(&mut self, factor: f64) {
        let Some(opened) = self.round.pop() else {
            self.text.push(')');
            return;
        };
        self.flush();
        self.multiply(opened.run, factor);
    }

    fn close_square(&mut self, prompt: &str, at: usize) -> Result<(), Error> {
        let Some(opened) = self.square.pop() else {
            self.text.push(']');
            return Ok(());
        };
        let written: String = prompt[opened.at..=at].chars().take(60).collect();
        let help = r"write \[ and \] for brackets that are text";
        if opened.has_bar {
            let what = format!("alternating words ({written})");
            return Err(not_offered(&what, help));
        }
        if opened
            .colon
            .is_some_and(|colon| is_number(&prompt[colon + 1..at]))
        {
            let what = format!("prompt editing ({written})");
            return Err(not_offered(&what, help));
        }
        self.flush();
        self.multiply(opened.run, LESS);
        Ok(())
    }

    /// A character that means something to the innermost bracket if that is a square one.
    fn mark(&mut self, character: char, at: usize) {
        self.text.push(character);
        let round = self.round.last().map(|round| round.at);
        let Some(square) = self.square.last_mut().filter(|it| Some(it.at) > round) else {
            return;
        };
        match character {
            '|' => square.has_bar = true,
            _ => square.colon = Some(at),
        }
    }

    fn finish(mut self) -> Vec<Run> {
        self.flush();
        // Products of fractions depend on their order; this is the one of that web UI.
        for opened in std::mem::take(&mut self.round) {
            self.multiply(opened.run, MORE);
        }
        for opened in std::mem::take(&mut self.square) {
            self.multiply(opened.run, LESS);
        }
        let mut joined: Vec<Run> = Vec::new();
        for run in self.runs {
            match joined.last_mut() {
                Some(last) if last.weight == run.weight => last.text.push_str(&run.text),
                _ => joined.push(run),
            }
        }
        if joined.is_empty() {
            joined.push(Run {
                text: String::new(),
                weight: 1.0,
            });
        }
        joined
    }
}
