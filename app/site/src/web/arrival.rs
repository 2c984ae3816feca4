//! Reading a request: who comes, from where, with what.

use crate::address::one_visitor;
use crate::ui::visit::{
    CART, COUNTRY, FLASH, Nonce, Place, RequestId, SESSION, THEME, VISITOR, Visit,
};
use crate::web::state::AppState;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base::lang::Lang;
use market::people::service;
use money::provider::tax;
use std::convert::Infallible;
use std::net::SocketAddr;

/// The country that a browser's first language names, as in `de-AT`: a guess that whoever it is wrong for can change.
fn country_of(headers: &HeaderMap) -> Option<String> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let first = accepted.split([',', ';']).next()?.trim();
    let mut parts = first.split('-').skip(1);
    let region = parts.find(|part| part.len() == 2)?;
    Some(region.to_ascii_uppercase())
}

fn find_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split("; ")).find_map(|pair| {
        pair.strip_prefix(name)?
            .strip_prefix('=')
            .map(str::to_owned)
    })
}

/// A cookie of ours holds base64url or a word; anything else is treated as absent.
fn plain(value: String) -> Option<String> {
    ((1..=64).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
    .then_some(value)
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        // The layer that admits forms looked already.
        if let Some(visit) = parts.extensions.get::<Self>() {
            return Ok(visit.clone());
        }
        let headers = &parts.headers;
        let read = |name: &str| find_cookie(headers, name).and_then(plain);
        let session = read(SESSION);
        let cart = read(CART);
        let place = parts.extensions.get::<Place>().cloned().unwrap_or(Place {
            lang: Lang::En,
            path: parts.uri.path().into(),
        });
        let found = match &session {
            // A failing database shows pages as to a visitor; pages that need somebody ask again and answer 401.
            Some(token) => service::find_session(&state.db, token)
                .await
                .unwrap_or_else(|error| {
                    // Nobody reads that page.
                    if !matches!(&error, service::Error::Store(cause) if cause.is_out_of_time()) {
                        tracing::error!(error = %error, "cannot read a session");
                    }
                    None
                }),
            None => None,
        };
        let creates = found.as_ref().is_some_and(|found| found.creates);
        let confirmed = found.as_ref().is_some_and(|found| found.confirmed);
        let cart_count = match &cart {
            Some(cart) => market::checkout::service::count_cart(&state.db, cart)
                .await
                .unwrap_or(0),
            None => 0,
        };
        let tax_rates = state.provider.tax_rates();
        let country = read(COUNTRY).or_else(|| country_of(headers));
        let wants_json = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.starts_with("application/json"));
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map_or_else(
            || "unknown".to_owned(),
            |peer| {
                let (peer, proxies) = (peer.0.ip(), &state.config.trusted_proxies);
                proxies.notice(peer, headers);
                one_visitor(proxies.client(peer, headers)).to_string()
            },
        );
        Ok(Self {
            lang: place.lang,
            path: place.path,
            person: found.map(|found| found.person),
            confirmed,
            creates,
            session,
            cart,
            visitor: read(VISITOR),
            flash: read(FLASH),
            theme: read(THEME).filter(|theme| theme == "light" || theme == "dark"),
            tax_rates,
            taxed: country.and_then(|country| tax::find(tax_rates, &country)),
            nonce: parts
                .extensions
                .get::<Nonce>()
                .map_or_else(|| "".into(), |nonce| nonce.0.clone()),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map_or_else(|| "".into(), |id| id.0.clone()),
            address,
            wants_json,
            cart_count,
            demo: state.demo,
            test_money: !state.provider.moves_real_money(),
            assets: state.assets.clone(),
            public_url: state.public_url.clone(),
        })
    }
}
