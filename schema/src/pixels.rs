//! Pixel digests: equal digests mean equal pictures, whatever file they came in.
//!
//! Preimage: `u32le width | u32le height | u8 channels | u8 bit depth | row-major samples`, 8-bit RGB or RGBA only.

use crate::digest::Digest;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const CONTEXT: &str = "seedmark.dev 2026-11 pixels v1";
/// The longest side that a picture may have, in pixels.
pub const MAX_SIDE: u32 = 4096;

/// Both digests over one preimage; third-party tools know SHA-256, ours compare BLAKE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelDigest {
    /// BLAKE3 in derive-key mode, context `seedmark.dev 2026-11 pixels v1`.
    pub blake3: Digest,
    /// SHA-256 of the same bytes.
    pub sha256: Digest,
}

impl PixelDigest {
    /// Digests 8-bit samples, row by row from the top; `channels` is 3 (RGB) or 4 (RGBA).
    ///
    /// # Errors
    /// When the number of samples is not `width × height × channels`, or a side is 0 or too long.
    pub fn of(width: u32, height: u32, channels: u8, samples: &[u8]) -> Result<Self, Error> {
        if !matches!(channels, 3 | 4) {
            return Err(Error::invalid(
                "pixels.channels",
                format!("is {channels}, only 3 and 4 are digested"),
            ));
        }
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::invalid(
                "pixels",
                format!("{width}×{height} is outside 1..={MAX_SIDE} a side"),
            ));
        }
        let expected = u64::from(width) * u64::from(height) * u64::from(channels);
        if samples.len() as u64 != expected {
            return Err(Error::invalid(
                "pixels",
                format!("{} samples where {expected} belong", samples.len()),
            ));
        }
        let mut header = [0; 10];
        header[..4].copy_from_slice(&width.to_le_bytes());
        header[4..8].copy_from_slice(&height.to_le_bytes());
        header[8] = channels;
        header[9] = 8;
        let blake3 = *blake3::Hasher::new_derive_key(CONTEXT)
            .update(&header)
            .update(samples)
            .finalize()
            .as_bytes();
        let sha256 = Sha256::new()
            .chain_update(header)
            .chain_update(samples)
            .finalize()
            .into();
        Ok(Self {
            blake3: Digest(blake3),
            sha256: Digest(sha256),
        })
    }
}
