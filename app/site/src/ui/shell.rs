//! The page around every page: head, header, footer; one function for pages, form errors and failures alike.

use crate::ui::head::Head;
use crate::ui::visit::{ELSEWHERE, FLASH, Visit, with_cookie};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base::lang::Lang;
use leptos::prelude::*;
use market::browse::filter::Filter;

/// What every page is written in; asked for with the page, so that the letters are there when it is drawn.
const FONTS: [&str; 2] = [
    "/fonts/bricolage-grotesque-700.1.woff2",
    "/fonts/instrument-sans.1.woff2",
];

/// Percent-encodes a value for a query.
#[must_use]
pub fn encode(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                (byte as char).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Makes a text safe as the content of an element.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Renders a page that says nothing of itself but its title. The view is made inside, because islands need an owner while they are built.
pub fn page(
    visit: &Visit,
    title: &str,
    status: StatusCode,
    view: impl FnOnce() -> AnyView,
) -> Response {
    page_with(visit, title, status, &Head::default(), view)
}

/// Renders a page with its own words for search engines and whoever links to it.
pub fn page_with(
    visit: &Visit,
    title: &str,
    status: StatusCode,
    head: &Head,
    view: impl FnOnce() -> AnyView,
) -> Response {
    let owner = Owner::new();
    let html = owner.with(|| document(visit, title, head, view()).to_html());
    owner.cleanup();
    let mut response = (
        status,
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        )],
        format!("<!DOCTYPE html>{html}"),
    )
        .into_response();
    let caching = if visit.person.is_some() || visit.cart.is_some() || visit.flash.is_some() {
        "private, no-store"
    } else {
        "private, max-age=0"
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if visit.flash.is_some() {
        return with_cookie(
            response,
            &format!("{FLASH}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
        );
    }
    response
}

/// A page that is fine.
pub fn ok(visit: &Visit, title: &str, view: impl FnOnce() -> AnyView) -> Response {
    page(visit, title, StatusCode::OK, view)
}

fn document(visit: &Visit, title: &str, head: &Head, view: AnyView) -> impl IntoView + use<> {
    let lang = visit.lang;
    // As text it would be followed by leptos' marker, which a title shows literally.
    let full = format!("{} · Seedmark", escape(title));
    let head = head.elements(visit, title);
    let flash = visit
        .flash
        .clone()
        .and_then(|code| lang.find(&format!("flash-{code}")));
    let (style, boot, nonce) = (
        visit.assets.url("style.css"),
        visit.assets.url("boot.js"),
        visit.nonce.to_string(),
    );
    view! {
        <html lang=lang.html() data-theme=visit.theme.clone()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title inner_html=full></title>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f7f4ee" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#171411" media="(prefers-color-scheme: dark)"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icons/apple-touch-icon.png"/>
                <link rel="manifest" href="/site.webmanifest"/>
                {FONTS.map(|href| view! { <link rel="preload" href=href r#as="font" type="font/woff2" crossorigin="anonymous"/> }).into_iter().collect_view()}
                <link rel="stylesheet" href=style/>
                {head}
                <script type="module" nonce=nonce src=boot></script>
            </head>
            <body>
                <a class="skip" href="#main">{lang.text("skip")}</a>
                {header_bar(visit)}
                {visit.demo.then(|| view! { <aside class="demo-bar" aria-label=lang.text("demo-label")>{lang.text("demo-bar")}</aside> })}
                <main id="main">
                    {flash.map(|text| view! { <p class="flash" role="status">{text}</p> })}
                    {view}
                </main>
                {footer_bar(visit)}
            </body>
        </html>
    }
}

fn header_bar(visit: &Visit) -> impl IntoView + use<> {
    let lang = visit.lang;
    let link = |path: &str, id: &str| {
        let current = visit.path.split('?').next() == Some(path);
        view! { <a class="nav__link wide-only" href=lang.path(path) aria-current=current.then_some("page")>{lang.text(id)}</a> }
    };
    let count = visit.cart_count;
    let cart = lang.with("nav-cart", &[("count", count.into())]);
    let search = lang.text("nav-search");
    let (words, kept) = sought(&visit.path);
    let kept = kept
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    let who = visit
        .person
        .as_ref()
        .map(|person| view! { <bdi>{person.handle.clone()}</bdi> });
    // Where there is no room for the name, it is still what the button is called.
    let menu_label = match &visit.person {
        Some(person) => lang.with("nav-menu-of", &[("handle", person.handle.clone().into())]),
        None => lang.text("nav-menu"),
    };
    view! {
        <header class="top">
            <a class="top__brand" href=lang.path("/") aria-label="Seedmark"><span class="stamp" aria-hidden="true"></span><span class="top__name">"Seedmark"</span></a>
            <form class="top__search" action=lang.path("/explore") method="get" role="search">
                <input type="search" name="q" value=words placeholder=search.clone() aria-label=search.clone() maxlength="200"
                    list="suggestions" autocomplete="off" data-suggest=lang.path("/explore/suggest")/>
                <datalist id="suggestions"></datalist>
                <button class="top__go" type="submit" aria-label=lang.text("search")><span class="icon icon--search"></span></button>
                {kept}
            </form>
            <nav class="nav" class:nav--out=visit.person.is_none() aria-label=lang.text("nav-label")>
                {link("/explore", "nav-explore")}
                {link("/how-it-works", "nav-how")}
                {visit.creates.then(|| link("/studio", "nav-studio"))}
                {visit.person.is_some().then(|| link("/library", "nav-library"))}
                <a class="nav__cart" href=lang.path("/cart") aria-label=cart><span class="icon icon--cart"></span>{(count > 0).then_some(count)}</a>
                {visit.person.is_none().then(|| view! { <a class="button button--small wide-only" href=lang.path("/sign-in")>{lang.text("sign-in")}</a> })}
                <button class="nav__menu" type="button" popovertarget="menu" aria-label=menu_label>
                    <span class="icon icon--menu"></span>{who}<span class="icon icon--down"></span>
                </button>
            </nav>
            {menu(visit)}
        </header>
    }
}

/// What an account is for, laid over the page without a script. On phones it holds the header's links, too.
fn menu(visit: &Visit) -> impl IntoView + use<> {
    let lang = visit.lang;
    let link = |path: &str, id: &str| {
        let current = visit.path.split('?').next() == Some(path);
        view! { <a href=lang.path(path) aria-current=current.then_some("page")>{lang.text(id)}</a> }
    };
    let account = visit.person.as_ref().map(|person| {
        view! {
            <div class="menu__group">
                <p class="menu__who">{person.email.clone()}</p>
                {link("/library", "nav-library")}
                {link("/account", "nav-account")}
            </div>
            <div class="menu__group">
                {link("/studio", if visit.creates { "nav-studio" } else { "nav-start-selling" })}
                {visit.creates.then(|| link("/money", "nav-money"))}
                {person.is_operator().then(|| link("/operator", "nav-operator"))}
            </div>
            <form class="menu__group" method="post" action=lang.path("/sign-out")>
                <button class="menu__button" type="submit">{lang.text("sign-out")}</button>
            </form>
        }
    });
    let visitor = visit.person.is_none().then(|| {
        view! {
            <div class="menu__group">
                {link("/sign-in", "sign-in")}
                {link("/sign-up", "sign-up")}
            </div>
        }
    });
    view! {
        <div class="menu" id="menu" popover="auto">
            <div class="menu__group menu__narrow">
                {link("/explore", "nav-explore")}
                {link("/how-it-works", "nav-how")}
            </div>
            {account}
            {visitor}
        </div>
    }
}

/// What the page at `path` was searched for, and the filters beside it, so that the next search keeps them.
fn sought(path: &str) -> (String, Vec<(&'static str, String)>) {
    let Some(query) = path.strip_prefix("/explore?") else {
        return (String::new(), Vec::new());
    };
    let form = crate::ui::form::Form::parse(&query.to_owned().into());
    let pairs: Vec<(String, String)> = form.pairs().collect();
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    let (filter, _) = Filter::parse(pairs);
    (form.get("q").to_owned(), filter.narrowing())
}

fn footer_bar(visit: &Visit) -> impl IntoView + use<> {
    let lang = visit.lang;
    let languages = Lang::ALL.into_iter().map(|other| {
        let current = (other == lang).then_some("true");
        view! { <a href=other.path(&visit.path) hreflang=other.html() lang=other.html() aria-current=current>{other.name()}</a> }
    });
    let themes = ["auto", "light", "dark"].map(|theme| {
        let pressed = (visit.theme.as_deref().unwrap_or("auto") == theme).to_string();
        view! { <button class="link" type="submit" name="theme" value=theme aria-pressed=pressed>{lang.text(&format!("theme-{theme}"))}</button> }
    });
    view! {
        <footer class="bottom">
            <p>{lang.text("footer-promise")}</p>
            <p class="bottom__row">
                <a href=lang.path("/how-it-works")>{lang.text("nav-how")}</a>
                <a href=lang.path("/licences")>{lang.text("licences")}</a>
                <a href="/log/checkpoint">{lang.text("footer-checkpoint")}</a>
                <a href="/log/vkey">{lang.text("footer-vkey")}</a>
            </p>
            <div class="bottom__row">
                <p class="bottom__set" aria-label=lang.text("footer-language")>{languages.collect_view()}</p>
                <form class="bottom__set" method="post" action=lang.path("/theme") aria-label=lang.text("footer-theme")>
                    <input type="hidden" name="next" value=visit.path.to_string()/>
                    {themes.into_iter().collect_view()}
                </form>
                {country_form(visit)}
            </div>
        </footer>
    }
}

/// Whose tax prices are shown with; nothing where no tax is ever added.
fn country_form(visit: &Visit) -> impl IntoView + use<> {
    let lang = visit.lang;
    let options = visit.tax_rates.iter().map(|taxed| {
        let chosen = visit.taxed == Some(*taxed);
        view! { <option value=taxed.country selected=chosen>{lang.country(taxed.country)}</option> }
    });
    let (options, path) = (options.collect_view(), visit.path.to_string());
    (!visit.tax_rates.is_empty()).then(|| {
        view! {
            <form class="bottom__set" method="post" action=lang.path("/country") id="prices-for">
                <input type="hidden" name="next" value=path/>
                <label>{lang.text("footer-country")} " "
                    <select name="country"><option value=ELSEWHERE>{lang.text("country-elsewhere")}</option>{options}</select>
                </label>
                <button class="link" type="submit">{lang.text("apply")}</button>
            </form>
        }
    })
}
