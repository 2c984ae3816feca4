//! What a listing costs and what one gets for it, in plain words.

use super::around::Around;
use super::licences::licence_link;
use crate::ui::pieces::FormKey;
use crate::ui::visit::Visit;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::service::Listing;
use market::offers::sets::Set;

/// The price, the way to buy, and what comes with it.
pub(super) fn offer(
    visit: &Visit,
    listing: &Listing,
    around: &Around,
    pictures: usize,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let note = visit
        .tax_note()
        .filter(|_| listing.price_minor > 0 && around.owned.is_none());
    let elsewhere = (!visit.tax_rates.is_empty()).then(|| {
        view! { " · " <a href="#prices-for">{lang.text("price-country")}</a> }
    });
    let owned = around.owned.is_some();
    let price = match owned {
        true => lang.text("you-own-this"),
        false => visit.price(listing.price_minor),
    };
    view! {
        <div>
            <p class="listing__price">{price}</p>
            {note.map(|note| view! { <p class="quiet" id="tax-note">{note} {elsewhere}</p> })}
        </div>
        {away(lang, around)}
        {action(visit, listing, around)}
        {description(listing)}
        {gains(visit, listing, around, pictures)}
    }
}

/// The creator's own words, in their language.
pub(super) fn description(listing: &Listing) -> impl IntoView + use<> {
    let text = listing.description.trim().to_owned();
    let language = html_lang(&listing.language);
    (!text.is_empty()).then(|| view! { <p class="listing__text" lang=language>{text}</p> })
}

/// That nobody here can make its pictures now.
fn away(lang: Lang, around: &Around) -> Option<impl IntoView + use<>> {
    around.away.clone().map(|model| {
        let text = lang.with("listing-away", &[("model", model.into())]);
        view! { <p class="hint" id="model-away">{text}</p> }
    })
}

/// Who made it, who owns it, and whether it lies in the cart decide what can be done.
fn action(visit: &Visit, listing: &Listing, around: &Around) -> impl IntoView + use<> {
    let lang = visit.lang;
    if let Some(line) = &around.owned {
        let href = lang.path(&format!("/library/{line}"));
        return view! { <a class="button button--primary button--wide" href=href>{lang.text("open-in-library")}</a> }.into_any();
    }
    if is_own(visit, listing) {
        return view! { <p class="quiet">{lang.text("your-own")}</p> }.into_any();
    }
    if around.in_cart {
        return view! { <a class="button button--primary button--wide" href=lang.path("/cart") id="to-cart">{lang.text("in-cart")}</a> }.into_any();
    }
    if around.away.is_some() {
        return view! { <button class="button button--primary button--wide" type="button" disabled=true id="buy">{lang.text("buy-away")}</button> }.into_any();
    }
    let label = lang.text(if listing.price_minor == 0 {
        "get-free"
    } else {
        "add-to-cart"
    });
    // Nothing is left to be asked of whoever is signed in.
    if listing.price_minor == 0 && visit.person.is_some() {
        let action = lang.path(&format!("/listings/{}/take", listing.slug));
        return view! {
            <form method="post" action=action id="buy">
                <FormKey/>
                <button class="button button--primary button--wide" type="submit" id="take">{label}</button>
            </form>
        }
        .into_any();
    }
    view! {
        <form method="post" action=lang.path("/cart/add") id="buy">
            <FormKey/>
            <input type="hidden" name="listing" value=listing.id.to_string()/>
            <button class="button button--primary button--wide" type="submit" id="add-to-cart">{label}</button>
        </form>
    }
    .into_any()
}

/// On a phone the price and the button stay in reach.
pub(super) fn buy_bar(visit: &Visit, listing: &Listing, around: &Around) -> impl IntoView + use<> {
    let lang = visit.lang;
    let for_sale = around.owned.is_none() && !around.in_cart && !is_own(visit, listing);
    let label = lang.text(if listing.price_minor == 0 {
        "get-free"
    } else {
        "add-to-cart"
    });
    let note = visit.tax_note().filter(|_| listing.price_minor > 0);
    let price = visit.price(listing.price_minor);
    for_sale.then(|| {
        view! {
            <div class="buy-bar">
                <p class="buy-bar__price">{price}{note.map(|note| view! { <small>{note}</small> })}</p>
                <button class="button button--primary" type="submit" form="buy">{label}</button>
            </div>
        }
    })
}

fn is_own(visit: &Visit, listing: &Listing) -> bool {
    visit
        .person
        .as_ref()
        .is_some_and(|person| person.id.as_str() == listing.person_id)
}

/// What one gets, what one may do with it, how it goes back, and what it runs on.
fn gains(
    visit: &Visit,
    listing: &Listing,
    around: &Around,
    pictures: usize,
) -> impl IntoView + use<> {
    let lang = visit.lang;
    let open = listing.public_variables().len() as i64;
    let recipe = lang.with(
        "gain-recipe",
        &[
            ("variables", open.into()),
            ("pictures", (pictures as i64).into()),
        ],
    );
    let licence = licence_link(lang, &listing.licence);
    let returned = lang.text(match listing.price_minor {
        0 => "gain-free",
        _ => "gain-return",
    });
    let model = around.model.as_ref().map(|model| {
        let megabytes = model.bytes.div_ceil(1_000_000) as i64;
        let arguments = [
            ("model", model.name.clone().into()),
            ("megabytes", megabytes.into()),
            ("width", listing.width.into()),
            ("height", listing.height.into()),
        ];
        let machine = match model.embedded {
            true => "gain-machine",
            false => "gain-machine-added",
        };
        view! { <li><span>{lang.with("gain-model", &arguments)} <span class="quiet">{lang.text(machine)}</span></span></li> }
    });
    view! {
        <ul class="gains">
            <li><span>{recipe}</span></li>
            {around.is_begun.then(|| view! { <li><span>{lang.text("gain-begins")}</span></li> })}
            <li><span>{lang.text("gain-own")}</span></li>
            <li><span>{licence}</span></li>
            {around.owned.is_none().then(|| view! { <li><span>{returned}</span></li> })}
            {model}
        </ul>
    }
}

/// Sets that it is sold in, too.
pub(super) fn set_links(visit: &Visit, sets: Vec<(Set, i64)>) -> impl IntoView + use<> {
    let lang = visit.lang;
    let links: Vec<_> = sets
        .into_iter()
        .map(|(set, price)| {
            let href = lang.path(&format!("/sets/{}", set.slug));
            let arguments = [("title", set.title.into()), ("price", lang.money(price).into())];
            view! { <p><a href=href class="set-link">{lang.with("listing-in-set", &arguments)}</a></p> }
        })
        .collect();
    links
}

pub(super) fn html_lang(language: &str) -> String {
    Lang::of_tag(language).html().to_owned()
}
