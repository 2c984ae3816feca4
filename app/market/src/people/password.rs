//! Password hashing: Argon2id (RFC 9106) with 19 MiB, two passes, one lane, as OWASP advises at least.
//!
//! Slow on purpose: callers run it on a blocking thread, a few at a time.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use schema::passphrase::Passphrase;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// The shortest password accepted, in characters.
pub const MIN_CHARACTERS: usize = 8;
/// The longest, so that nobody makes the server hash a novel.
pub const MAX_BYTES: usize = 256;

fn digest(password: &str, salt: &[u8]) -> [u8; 32] {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32))
        .expect("constant parameters inside Argon2's limits");
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .expect("a 16-byte salt and a password below 4 GB are inside Argon2's limits");
    hash
}

/// What is wrong with a new password, as a field's code: its length, or that it is among the first that anybody tries. `known` is what
/// others know of the person.
#[must_use]
pub fn fault(password: &str, known: &[&str]) -> Option<&'static str> {
    let composed = Passphrase::new(password);
    let fits = composed.composed().chars().count() >= MIN_CHARACTERS
        && password.len() <= MAX_BYTES
        && !password.contains('\0');
    if !fits {
        return Some("password");
    }
    // What is not guessed by its beginning is not guessed; the work grows with the square of the length.
    let beginning: String = composed.composed().chars().take(64).collect();
    let guess = zxcvbn::zxcvbn(&beginning, known);
    (guess.score() < zxcvbn::Score::Two).then_some("password-guessable")
}

/// Hashes a password with a fresh salt.
#[must_use]
pub fn hash(password: &str) -> String {
    let salt: [u8; 16] = base::random::bytes();
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
        encode(&salt),
        encode(&digest(Passphrase::new(password).composed(), &salt))
    )
}

/// Checks a password in constant time. `None` stands for an unknown person and takes as long as a wrong password.
#[must_use]
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    let parts: Vec<&str> = stored.unwrap_or("").split('$').collect();
    let decode = |at: usize| {
        parts
            .get(at)
            .and_then(|text| STANDARD_NO_PAD.decode(text).ok())
    };
    let salt = decode(4)
        .filter(|salt| salt.len() == 16)
        .unwrap_or_else(|| vec![0; 16]);
    let expected = decode(5).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
    let typed = Passphrase::new(password);
    let spellings = [typed.composed()]
        .into_iter()
        .chain(typed.others().iter().map(String::as_str));
    // Every spelling is tried, whichever fits: what was hashed as it was typed is opened by the others.
    let mut fits = false;
    for spelling in spellings {
        let found = digest(spelling, &salt);
        // blake3's hashes compare in constant time; plain arrays do not promise to.
        fits |= expected
            .is_some_and(|expected| blake3::Hash::from(expected) == blake3::Hash::from(found));
    }
    fits && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::{fault, hash, verify};

    #[test]
    fn a_letter_as_one_character_or_as_two_is_one_password() {
        let (composed, decomposed) = (
            "sch\u{f6}ner Schl\u{fc}ssel",
            "scho\u{308}ner Schlu\u{308}ssel",
        );
        for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
            let stored = hash(set);
            assert!(verify(typed, Some(&stored)), "{typed:?}");
            assert!(!verify("schoner Schlussel", Some(&stored)));
        }
    }

    #[test]
    fn what_anybody_tries_first_is_no_password() {
        for (password, wrong) in [
            ("short", Some("password")),
            ("12345678", Some("password-guessable")),
            ("password", Some("password-guessable")),
            ("qwertzuiop", Some("password-guessable")),
            ("ada-lovelace", Some("password-guessable")),
            ("correct horse", None),
            ("eine lange nacht am see", None),
            ("天安静的苹果树下", None),
        ] {
            assert_eq!(fault(password, &["ada-lovelace"]), wrong, "{password}");
        }
    }
}
