//! Password hashing: Argon2id (RFC 9106) with 19 MiB, two passes, one lane, as OWASP advises at least.
//!
//! Slow on purpose: callers run it on a blocking thread, a few at a time.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

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

/// Whether a new password may be this one.
#[must_use]
pub fn is_acceptable(password: &str) -> bool {
    password.chars().count() >= MIN_CHARACTERS
        && password.len() <= MAX_BYTES
        && !password.contains('\0')
}

/// Hashes a password with a fresh salt.
#[must_use]
pub fn hash(password: &str) -> String {
    let salt: [u8; 16] = crate::random::bytes();
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
        encode(&salt),
        encode(&digest(password, &salt))
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
    let found = digest(password, &salt);
    let expected = decode(5).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
    // blake3's hashes compare in constant time; plain arrays do not promise to.
    expected.is_some_and(|expected| blake3::Hash::from(expected) == blake3::Hash::from(found))
        && stored.is_some()
}
