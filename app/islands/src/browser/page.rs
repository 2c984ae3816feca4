//! The page and what its browser keeps.
//!
//! The one rule: nothing here knows an island.

use super::island::elements;
use js_sys::{Array, Function, JsString, Promise, Reflect};
use schema::passphrase::Passphrase;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, Document, Element, HtmlElement, HtmlFormElement, HtmlInputElement, Url, Window,
};

/// Stands at the root of a page on which somebody typed or chose something.
const TYPED: &str = "data-typed";

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

/// The islands of the page by name, in the order in which they stand there.
pub(crate) fn islands() -> Result<Vec<(String, Element)>, JsValue> {
    let Some(document) = document() else {
        return Ok(Vec::new());
    };
    let found = elements(&document.query_selector_all("[data-island]")?);
    let named = |root: Element| (root.get_attribute("data-island").unwrap_or_default(), root);
    Ok(found.into_iter().map(named).collect())
}

/// Fresh bytes from the browser's cryptographic source.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    window()?
        .crypto()
        .ok()?
        .get_random_values_with_u8_array(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// The browser's clock, seconds since 1970.
pub(crate) fn now_seconds() -> u64 {
    (js_sys::Date::now() / 1000.0) as u64
}

/// What was typed, in the spellings that the browser's own tables give.
pub(crate) fn passphrase(typed: &str) -> Passphrase {
    let text = JsString::from(typed);
    let spelled = |form: &str| String::from(text.normalize(form));
    Passphrase::of(spelled("NFC"), typed.to_owned(), spelled("NFD"))
}

/// Reads from local storage.
pub(crate) fn load(slot: &str) -> Option<String> {
    window()?.local_storage().ok()??.get_item(slot).ok()?
}

/// Writes to local storage; `false` where the browser forbids it.
pub(crate) fn save(slot: &str, text: &str) -> bool {
    let storage = window().and_then(|window| window.local_storage().ok().flatten());
    storage.is_some_and(|storage| storage.set_item(slot, text).is_ok())
}

/// Offers a text as a file.
pub(crate) fn download(name: &str, text: &str) {
    let make = || -> Option<()> {
        let blob = Blob::new_with_str_sequence(&Array::of1(&JsValue::from_str(text))).ok()?;
        let url = Url::create_object_url_with_blob(&blob).ok()?;
        let link = document()?
            .create_element("a")
            .ok()?
            .dyn_into::<HtmlElement>()
            .ok()?;
        link.set_attribute("href", &url).ok()?;
        link.set_attribute("download", name).ok()?;
        link.click();
        Url::revoke_object_url(&url).ok()
    };
    make().unwrap_or_default();
}

/// Puts a text on the clipboard.
pub(crate) fn copy(text: &str) {
    if let Some(window) = window() {
        let promise = window.navigator().clipboard().write_text(text);
        spawn_local(async move {
            // A refused clipboard leaves the text on the page, selectable.
            let _refused = JsFuture::from(promise).await;
        });
    }
}

/// Rewrites what stands in a text field, as if it had been typed.
pub(crate) fn edit(field: &str, change: impl FnOnce(&str) -> String) {
    let make = || -> Option<()> {
        let field: JsValue = document()?.get_element_by_id(field)?.into();
        let name = JsValue::from_str("value");
        let now = Reflect::get(&field, &name).ok()?.as_string()?;
        let text = JsValue::from_str(&change(&now));
        Reflect::set(&field, &name, &text).ok()?;
        let root = document()?.document_element()?;
        root.set_attribute(TYPED, "").ok()
    };
    make().unwrap_or_default();
}

/// What is chosen or typed in the field with this id.
pub(crate) fn value(field: &str) -> Option<String> {
    let node = document()?.get_element_by_id(field)?;
    Reflect::get(&node, &JsValue::from_str("value"))
        .ok()?
        .as_string()
}

/// Fills hidden fields of a form and submits it as a plain form.
pub(crate) fn submit(form: &str, fields: &[(&str, String)]) {
    let Some(form) = document()
        .and_then(|document| document.get_element_by_id(form))
        .and_then(|form| form.dyn_into::<HtmlFormElement>().ok())
    else {
        return;
    };
    for (name, value) in fields {
        let input = form
            .query_selector(&format!("input[name={name}]"))
            .ok()
            .flatten();
        if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
            input.set_value(value);
        }
    }
    form.submit().unwrap_or_default();
}

/// Loads the page again.
pub(crate) fn reload() {
    if let Some(window) = window() {
        window.location().reload().unwrap_or_default();
    }
}

/// Loads the page again unless something was typed on it (`boot.js` notes that), which would be lost.
pub(crate) fn reload_unless_typed() {
    let root = document().and_then(|document| document.document_element());
    if !root.is_some_and(|root| root.has_attribute(TYPED)) {
        reload();
    }
}

/// Reads the file that was chosen in an input.
pub(crate) fn read_file(input: &str, then: impl FnOnce(String) + 'static) {
    let read = || -> Option<Promise> {
        let input = document()?.get_element_by_id(input)?;
        let files = Reflect::get(&input, &"files".into()).ok()?;
        let file = Reflect::get(&files, &0.into()).ok()?;
        let text: Function = Reflect::get(&file, &"text".into()).ok()?.dyn_into().ok()?;
        text.call0(&file).ok()?.dyn_into().ok()
    };
    if let Some(promise) = read() {
        spawn_local(async move {
            if let Some(text) = JsFuture::from(promise)
                .await
                .ok()
                .and_then(|text| text.as_string())
            {
                then(text);
            }
        });
    }
}
