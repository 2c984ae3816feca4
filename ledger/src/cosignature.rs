//! Witness cosignatures (C2SP tlog-cosignature v1, Ed25519): a checkpoint's text under a time, signed by who saw it.
//!
//! A cosignature says: this is the largest tree of that log that I have seen, and I saw no other history of it. Its time is the
//! trustworthy upper bound for when a leaf was fixed.

use crate::error::{Error, ErrorKind};
use crate::note::{Algorithm, Note, Signature, Verifier};
use schema::key::SecretKey;

fn message(text: &str, time_seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_seconds}\n{text}").into_bytes()
}

/// Signs a checkpoint's text (without its signature lines) as the witness `name` at `time_seconds` since 1970.
///
/// # Errors
/// For an impossible name.
pub fn cosign(
    text: &str,
    name: &str,
    secret: &SecretKey,
    time_seconds: u64,
) -> Result<Signature, Error> {
    let mut bytes = time_seconds.to_be_bytes().to_vec();
    bytes.extend_from_slice(&secret.sign(&message(text, time_seconds)));
    Ok(Signature {
        name: name.into(),
        key_id: Verifier::witness(name, secret.public())?.key_id(),
        bytes,
    })
}

/// Checks one line by a witness over a checkpoint's text and returns its time, seconds since 1970.
///
/// # Errors
/// `ErrorKind::Forged` when it does not hold, `ErrorKind::Malformed` when it is no cosignature.
pub fn verify(text: &str, line: &Signature, witness: &Verifier) -> Result<u64, Error> {
    let name = witness.name();
    let malformed = || {
        Error::new(
            ErrorKind::Malformed,
            format!("the line by {name} is no timestamped cosignature"),
        )
    };
    if witness.algorithm() != Algorithm::Cosignature || !line.claims(witness) {
        return Err(malformed());
    }
    let (time, signature) = line.bytes.split_first_chunk::<8>().ok_or_else(malformed)?;
    let signature = <[u8; 64]>::try_from(signature).map_err(|_| malformed())?;
    let time_seconds = u64::from_be_bytes(*time);
    witness
        .key()
        .verify(&message(text, time_seconds), &signature, "cosignature")
        .map_err(|_| {
            Error::new(
                ErrorKind::Forged,
                format!("the cosignature by {name} does not hold"),
            )
        })?;
    Ok(time_seconds)
}

/// The times at which `witness` cosigned the note, each with a line that holds, the earliest first.
///
/// # Errors
/// A line by a known witness that does not hold rejects the whole note.
pub fn times_by(note: &Note<'_>, witness: &Verifier) -> Result<Vec<u64>, Error> {
    let mut times = note
        .signatures
        .iter()
        .filter(|line| line.claims(witness))
        .map(|line| verify(note.text, line, witness))
        .collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    Ok(times)
}
