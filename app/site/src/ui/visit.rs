//! One request's context: who, in which language, from which page. Handlers take it as an argument and hand it to pages.

use crate::ui::failure::AppError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base::lang::Lang;
use fluent_bundle::FluentValue;
use market::people::service::Person;
use money::provider::tax::Taxed;
use schema::failure::Code;
use std::sync::Arc;

/// The session cookie.
pub const SESSION: &str = "__Host-session";
/// The cart's cookie, for visitors without account too.
pub const CART: &str = "__Host-cart";
/// A visitor's own cookie, for what they tried without account.
pub const VISITOR: &str = "__Host-visitor";
/// One message to show on the next page, as a code.
pub const FLASH: &str = "__Host-flash";
/// `light` or `dark`; absent means the system's choice.
pub const THEME: &str = "theme";
/// Whose tax prices are shown with: a country, or [`ELSEWHERE`]; absent means that of the browser's language.
pub const COUNTRY: &str = "country";
/// The choice of a country without tax.
pub const ELSEWHERE: &str = "elsewhere";

/// The nonce of this answer's scripts.
#[derive(Clone)]
pub struct Nonce(pub Arc<str>);

/// The request's id, for the log and for questions.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

/// The language that the path asked for, and the path without it.
#[derive(Clone)]
pub struct Place {
    /// From the prefix.
    pub lang: Lang,
    /// Path and query without the prefix.
    pub path: Arc<str>,
}

/// One request's context.
#[derive(Clone)]
pub struct Visit {
    /// Language.
    pub lang: Lang,
    /// Path and query, without language prefix.
    pub path: Arc<str>,
    /// Who is signed in.
    pub person: Option<Person>,
    /// Whether they have a draft or a listing: who only buys is not shown what creators need.
    pub creates: bool,
    /// Whether the password was given within ten minutes.
    pub confirmed: bool,
    /// The session cookie's value.
    pub session: Option<String>,
    /// The cart cookie's value.
    pub cart: Option<String>,
    /// The visitor cookie's value.
    pub visitor: Option<String>,
    /// A message's code.
    pub flash: Option<String>,
    /// `light` or `dark`.
    pub theme: Option<String>,
    /// Where buyers pay tax on top of a price.
    pub tax_rates: &'static [Taxed],
    /// The tax that prices are shown with.
    pub taxed: Option<Taxed>,
    /// Script nonce.
    pub nonce: Arc<str>,
    /// Request id.
    pub request_id: Arc<str>,
    /// The network address that it comes from, for rate limits.
    pub address: String,
    /// Whether an error should be JSON.
    pub wants_json: bool,
    /// Lines in the cart.
    pub cart_count: i64,
    /// Whether this is a demo shop.
    pub demo: bool,
    /// Whether no real money moves here.
    pub test_money: bool,
    /// Built browser files.
    pub assets: Arc<crate::ui::assets::Assets>,
    /// The site's address.
    pub public_url: String,
}

impl Visit {
    /// The signed-in person.
    ///
    /// # Errors
    /// `Code::SignInNeeded`.
    pub fn require_person(&self) -> Result<&Person, AppError> {
        self.person
            .as_ref()
            .ok_or_else(|| AppError::new(Code::SignInNeeded))
    }

    /// The signed-in operator.
    ///
    /// # Errors
    /// `Code::SignInNeeded`, or `Code::NotFound` for everybody else: the pages do not admit that they exist.
    pub fn require_operator(&self) -> Result<&Person, AppError> {
        let person = self.require_person()?;
        if person.is_operator() {
            Ok(person)
        } else {
            Err(AppError::new(Code::NotFound))
        }
    }

    /// The signed-in operator, who gave the password lately: for a page that shows bank details. Forms are asked by the table of forms.
    /// `page` is where to go on.
    ///
    /// # Errors
    /// As [`Self::require_operator`], or `Code::ConfirmNeeded`.
    pub fn require_confirmed_operator(&self, page: &str) -> Result<&Person, AppError> {
        let person = self.require_operator()?;
        match self.confirmed {
            true => Ok(person),
            false => Err(AppError::confirm_needed(page)),
        }
    }

    /// What a line costs this visitor, tax included as far as it is known.
    #[must_use]
    pub fn gross(&self, price_minor: i64) -> i64 {
        self.taxed
            .map_or(price_minor, |taxed| taxed.gross(price_minor))
    }

    /// The same as people read it: an amount, or the word for free.
    #[must_use]
    pub fn price(&self, price_minor: i64) -> String {
        self.lang.price(self.gross(price_minor))
    }

    /// What a price includes, or does not; nothing where no tax is ever added.
    #[must_use]
    pub fn tax_note(&self) -> Option<String> {
        let lang = self.lang;
        match self.taxed {
            Some(taxed) => Some(lang.with("price-with-tax", &tax_words(lang, taxed))),
            None if self.tax_rates.is_empty() => None,
            None => Some(lang.text("price-without-tax")),
        }
    }

    /// 303 to one of our pages in this visitor's language. `path` begins with a slash.
    #[must_use]
    pub fn redirect(&self, path: &str) -> Response {
        let location =
            HeaderValue::from_str(&self.lang.path(path)).unwrap_or(HeaderValue::from_static("/"));
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    }

    /// The same with a message for the next page.
    #[must_use]
    pub fn redirect_with(&self, path: &str, flash: &str) -> Response {
        with_cookie(
            self.redirect(path),
            &format!("{FLASH}={flash}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"),
        )
    }
}

/// The rate and the country of a tax, as texts name them.
#[must_use]
pub fn tax_words(lang: Lang, taxed: Taxed) -> [(&'static str, FluentValue<'static>); 2] {
    tax_words_of(lang, taxed.basis_points, taxed.country)
}

/// The same of a tax that was taken.
#[must_use]
pub fn tax_words_of(
    lang: Lang,
    basis_points: i64,
    country: &str,
) -> [(&'static str, FluentValue<'static>); 2] {
    [
        ("rate", lang.percent(basis_points).into()),
        ("country", lang.country(country).into()),
    ]
}

/// Adds a `Set-Cookie` header.
#[must_use]
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A cookie that a sign-in or cart sets for a long time.
#[must_use]
pub fn cookie(name: &str, value: &str, max_age_s: i64) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}")
}

/// A CSV file to keep, of what is only its reader's. It begins with a byte order mark: without one, spreadsheets take its letters for those
/// of an older table.
#[must_use]
pub fn csv(name: &str, bytes: Vec<u8>) -> Response {
    let marked = ["\u{feff}".as_bytes(), &bytes].concat();
    file(name, "text/csv; charset=utf-8", marked)
}

/// A file to keep, of what is only its reader's.
#[must_use]
pub fn file(name: &str, content_type: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// Accepts a "return to" only if it is a path of ours.
#[must_use]
pub fn safe_path(text: &str) -> Option<&str> {
    let mut bytes = text.bytes();
    let ours = bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && !text.chars().any(char::is_control)
        && text.is_ascii()
        && !climbs(text);
    ours.then_some(text)
}

/// Whether a browser would leave the folder that a path names, also where its dots are escaped.
fn climbs(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).any(|part| {
        let plain = part.to_ascii_lowercase().replace("%2e", ".");
        matches!(plain.as_str(), "." | "..")
    })
}
