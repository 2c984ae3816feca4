//! Stripe, through `async-stripe`: separate charges and transfers, hosted Checkout, accounts by controller properties.
//!
//! The one rule: every POST carries our own idempotency key and is sent once; retrying is the outbound operations' business. What
//! does not decode, times out or breaks is *unknown*, never failed.

mod payments;
mod payouts;
pub mod webhook;

use super::{Answer, CallOutcome, Unanswered};
use std::time::Duration;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Objects on one page of a list: the most that Stripe gives.
const PAGE: i64 = 100;
/// Pages that one question reads; a hundred thousand objects are no question any more.
const MAX_PAGES: usize = 1000;

/// How the shop speaks to Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `sk_…` or `rk_…`.
    pub secret_key: String,
    /// Signing secrets of the platform's webhook endpoint, several while rotating.
    pub webhook_secrets: Vec<String>,
    /// … of the endpoint for connected accounts.
    pub connect_webhook_secrets: Vec<String>,
    /// Whether Stripe computes tax.
    pub automatic_tax: bool,
    /// Another address than Stripe's, for tests on this machine.
    pub url: Option<String>,
}

impl Settings {
    /// Whether real money moves.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.secret_key.starts_with("sk_live_") || self.secret_key.starts_with("rk_live_")
    }
}

/// The provider behind its interface.
#[derive(Clone)]
pub struct Stripe {
    client: Client,
    automatic_tax: bool,
    live: bool,
}

impl Stripe {
    /// Makes a client; asks nothing yet.
    ///
    /// # Errors
    /// When the settings do not make one.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        // With two providers in the tree rustls takes none by itself; a second call changes nothing.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = ClientBuilder::new(settings.secret_key.clone()).timeout(TIMEOUT);
        if let Some(url) = &settings.url {
            builder = builder.url(url.clone());
        }
        let client = builder
            .build()
            .map_err(|_| anyhow::anyhow!("SEEDMARK_STRIPE_SECRET_KEY makes no client: it must be one line of visible characters"))?;
        Ok(Self {
            client,
            automatic_tax: settings.automatic_tax,
            live: settings.is_live(),
        })
    }

    /// Sends one POST under our own key.
    async fn post<R>(&self, request: R, key: &str) -> CallOutcome<R::Output>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        let Ok(key) = IdempotencyKey::new(key) else {
            return CallOutcome::Denied("the idempotency key is empty or too long".into());
        };
        let sent = request
            .customize()
            .request_strategy(RequestStrategy::Idempotent(key))
            .send(&self.client)
            .await;
        outcome(sent)
    }
}

/// What Stripe's answer to a POST means (its API's error types and HTTP statuses).
fn outcome<T>(sent: Result<T, StripeError>) -> CallOutcome<T> {
    let error = match sent {
        Ok(value) => return CallOutcome::Done(value),
        Err(error) => error,
    };
    let StripeError::Stripe(details, status) = &error else {
        return CallOutcome::Unknown(describe(&error));
    };
    let kind = details.type_.as_str();
    let code = details
        .code
        .as_ref()
        .map_or_else(|| kind.to_owned(), |code| code.as_str().to_owned());
    match *status {
        // Our own mistake: the same key with other parameters. Nothing is sent again before somebody looked.
        400 if kind == "idempotency_error" => CallOutcome::Denied(describe(&error)),
        401 | 403 => CallOutcome::Denied(describe(&error)),
        409 | 429 => CallOutcome::Later(describe(&error)),
        400 | 402 | 404 => CallOutcome::Rejected(code),
        _ => CallOutcome::Unknown(describe(&error)),
    }
}

/// An error in one line for the log: no key, no card, no address.
fn describe(error: &StripeError) -> String {
    match error {
        StripeError::Stripe(details, status) => format!(
            "{status} {} {} {}",
            details.type_.as_str(),
            details.code.as_ref().map_or("", |code| code.as_str()),
            details.request_log_url.as_deref().unwrap_or_default()
        ),
        StripeError::JSONDeserialize(_) => "the answer cannot be read".into(),
        StripeError::ClientError(why) => format!("no connection: {why}"),
        StripeError::ConfigError(_) => "the client's configuration is not valid".into(),
        StripeError::Timeout => "no answer in time".into(),
    }
}

/// The answer to a question about one object; what is not there is `None`.
fn found<T>(asked: Result<T, StripeError>) -> Answer<Option<T>> {
    match asked {
        Ok(value) => Ok(Some(value)),
        Err(StripeError::Stripe(_, 404)) => Ok(None),
        Err(error) => Err(unanswered(&error)),
    }
}

fn unanswered(error: &StripeError) -> Unanswered {
    Unanswered(describe(error))
}

/// Seconds since 1970, as Stripe counts, from milliseconds.
fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}
