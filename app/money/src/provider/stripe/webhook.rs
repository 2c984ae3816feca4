//! Stripe's webhooks: signature first, the raw body stored, answered after the commit.
//!
//! The one rule: nothing is fetched or booked inside the request. Scheme: `Stripe-Signature: t=…,v1=…[,v1=…]`, HMAC-SHA256 over
//! `{t}.{raw body}` keyed with the whole secret (docs.stripe.com/webhooks, "Verify webhook signatures manually").

use super::super::inbox::Event;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

/// Longest accepted body.
pub const MAX_BYTES: usize = 1 << 20;
/// A signature may be so old, or so far ahead.
const TOLERANCE_S: i64 = 300;

/// Why a request is no event of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No signature, or none that an active secret made.
    Signature,
    /// Signed too long ago, or in the future.
    Stale,
    /// No JSON, or not an event.
    Unreadable,
}

/// Checks the signature of a raw body in constant time, with every active secret.
///
/// # Errors
/// [`Refusal`] says what is wrong.
pub fn verify(header: &str, body: &[u8], secrets: &[String], now_s: i64) -> Result<(), Refusal> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => time = value.parse::<i64>().ok(),
            Some(("v1", value)) => signatures.extend(hex::decode(value)),
            // Other schemes are not for production.
            _ => {}
        }
    }
    let time = time.ok_or(Refusal::Signature)?;
    let signed = |secret: &String, signature: &[u8]| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return false;
        };
        mac.update(time.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(signature).is_ok()
    };
    let genuine = secrets
        .iter()
        .any(|secret| signatures.iter().any(|signature| signed(secret, signature)));
    if !genuine {
        return Err(Refusal::Signature);
    }
    if (now_s - time).abs() > TOLERANCE_S {
        return Err(Refusal::Stale);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    #[serde(default)]
    livemode: bool,
    account: Option<String>,
    api_version: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    /// `balance.available` is about an object without id.
    id: Option<String>,
}

/// Reads what the inbox needs of an event; everything else stays in the raw body.
///
/// # Errors
/// [`Refusal::Unreadable`].
pub fn read(body: &[u8]) -> Result<Event, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Unreadable)?;
    // NUL is text on SQLite and an error on PostgreSQL.
    if text.contains('\0') {
        return Err(Refusal::Unreadable);
    }
    let envelope: Envelope = serde_json::from_str(text).map_err(|_| Refusal::Unreadable)?;
    Ok(Event {
        id: envelope.id,
        kind: envelope.kind,
        object: envelope.data.object.id.unwrap_or_default(),
        account: envelope.account,
        api_version: envelope.api_version,
        livemode: envelope.livemode,
        created_ms: envelope.created.saturating_mul(1000),
        body: Some(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Refusal, read, verify};

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    // Made by Stripe's official SDK.
    const SIGNATURE: &str = "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543";

    fn check(header: &str, now_s: i64) -> Result<(), Refusal> {
        let secrets = ["whsec_old".to_owned(), "whsec_test_secret".to_owned()];
        verify(header, BODY, &secrets, now_s)
    }

    #[test]
    fn the_signature_of_the_official_sdk_is_accepted_within_its_time() {
        let header = format!("t=1492774577,v1={SIGNATURE}");
        for now in [1_492_774_577, 1_492_774_877, 1_492_774_277] {
            assert_eq!(check(&header, now), Ok(()), "{now}");
        }
        assert_eq!(check(&header, 1_492_774_878), Err(Refusal::Stale));
        assert_eq!(check(&header, 1_492_774_276), Err(Refusal::Stale));
        let two = format!("t=1492774577,v1=00,v0={SIGNATURE},v1={SIGNATURE}");
        assert_eq!(check(&two, 1_492_774_577), Ok(()), "one of several");
    }

    #[test]
    fn a_forged_or_missing_signature_is_refused() {
        let flipped = format!("t=1492774577,v1=7{}", &SIGNATURE[1..]);
        let other_time = format!("t=1492774578,v1={SIGNATURE}");
        let old_scheme = format!("t=1492774577,v0={SIGNATURE}");
        let headers = [
            "",
            "t=1492774577",
            "v1=00",
            &flipped,
            &other_time,
            &old_scheme,
        ];
        for header in headers {
            assert_eq!(
                check(header, 1_492_774_577),
                Err(Refusal::Signature),
                "{header}"
            );
        }
    }

    #[test]
    fn an_events_head_is_read_and_anything_else_is_refused() {
        let text = br#"{"id":"evt_2","object":"event","type":"payout.failed","created":7,"livemode":false,"account":"acct_1",
            "api_version":"2026-09-30.endive","data":{"object":{"id":"po_1","object":"payout"}},"more":1}"#;
        let event = read(text).expect("an event");
        assert_eq!(
            (event.kind.as_str(), event.object.as_str(), event.created_ms),
            ("payout.failed", "po_1", 7000)
        );
        assert_eq!(event.account.as_deref(), Some("acct_1"));
        for bad in [&b"{"[..], b"[]", BODY, b"\xff"] {
            assert_eq!(read(bad), Err(Refusal::Unreadable));
        }
    }
}
