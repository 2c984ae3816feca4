//! Delivering events as Stripe does: signed, at least once, in no order to rely on.

use crate::FakeStripe;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Where events go and which secrets sign them.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: String,
    pub secret: String,
    /// For events of connected accounts.
    pub connect: bool,
}

/// The header that signs a body at a time.
#[must_use]
pub fn sign(secret: &str, time_s: i64, body: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{time_s}.{body}").as_bytes());
    format!("t={time_s},v1={}", hex::encode(mac.finalize().into_bytes()))
}

impl FakeStripe {
    /// Sends one event to the endpoint that it belongs to; the answer's status.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn deliver(
        &self,
        event: &Value,
        endpoints: &[Endpoint],
        time_s: i64,
    ) -> Result<Option<u16>, reqwest::Error> {
        let of_account = event.get("account").is_some();
        let Some(endpoint) = endpoints
            .iter()
            .find(|endpoint| endpoint.connect == of_account)
        else {
            return Ok(None);
        };
        let body = event.to_string();
        let answer = reqwest::Client::new()
            .post(&endpoint.url)
            .header("Stripe-Signature", sign(&endpoint.secret, time_s, &body))
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await?;
        Ok(Some(answer.status().as_u16()))
    }
}
