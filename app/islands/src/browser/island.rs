//! An island on the page: its elements and its props.
//!
//! The one rule: a name that page and library do not share is an error, because it means that they come from different builds.

use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, NodeList};

/// One island.
#[derive(Clone)]
pub(crate) struct Island {
    root: Element,
    props: JsValue,
}

impl Island {
    /// Reads an island's props.
    pub(crate) fn of(root: Element) -> Result<Self, JsValue> {
        let props = JSON::parse(&root.get_attribute("data-props").unwrap_or_default())?;
        Ok(Self { root, props })
    }

    /// A prop, `None` where it is null.
    pub(crate) fn optional(&self, name: &str) -> Option<JsValue> {
        let value = Reflect::get(&self.props, &name.into()).ok()?;
        (!value.is_null() && !value.is_undefined()).then_some(value)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<String, JsValue> {
        self.optional(name)
            .and_then(|value| value.as_string())
            .ok_or_else(|| missing(name))
    }

    /// Several texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, JsValue> {
        let value = self.optional(name).ok_or_else(|| missing(name))?;
        Ok(texts(&value))
    }

    /// Several props that are texts.
    pub(crate) fn all<const N: usize>(&self, names: [&str; N]) -> Result<[String; N], JsValue> {
        let mut found = [const { String::new() }; N];
        for (place, name) in found.iter_mut().zip(names) {
            *place = self.text(name)?;
        }
        Ok(found)
    }

    /// The first element in the island that fits.
    pub(crate) fn find(&self, css: &str) -> Result<Element, JsValue> {
        self.root.query_selector(css)?.ok_or_else(|| missing(css))
    }

    /// Every element in the island that fits.
    pub(crate) fn find_all(&self, css: &str) -> Result<Vec<Element>, JsValue> {
        Ok(elements(&self.root.query_selector_all(css)?))
    }

    /// Puts an element before all others of the one that fits.
    pub(crate) fn put_first(&self, css: &str, child: &Element) -> Result<(), JsValue> {
        let parent = self.find(css)?;
        parent.insert_before(child, parent.first_child().as_ref())?;
        Ok(())
    }
}

/// The texts of an array.
pub(crate) fn texts(array: &JsValue) -> Vec<String> {
    Array::from(array)
        .iter()
        .filter_map(|text| text.as_string())
        .collect()
}

/// The elements of a list.
pub(crate) fn elements(list: &NodeList) -> Vec<Element> {
    (0..list.length())
        .filter_map(|index| list.get(index))
        .map(JsCast::unchecked_into)
        .collect()
}

fn missing(name: &str) -> JsValue {
    js_sys::Error::new(&format!("the island has no {name}")).into()
}

/// Makes an element with a class and a text.
pub(crate) fn element(tag: &str, class: &str, text: &str) -> Result<Element, JsValue> {
    let document = web_sys::window().and_then(|window| window.document());
    let element = document
        .ok_or_else(|| missing("document"))?
        .create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    set_text(&element, text);
    Ok(element)
}

/// Says something in an element; what stands there already is not said again to whoever listens.
pub(crate) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Does something whenever an event happens to an element, as long as the page lives.
pub(crate) fn listen(
    element: &Element,
    event: &str,
    act: impl FnMut(Event) + 'static,
) -> Result<(), JsValue> {
    let act: Box<dyn FnMut(Event)> = Box::new(act);
    let act = Closure::wrap(act).into_js_value();
    element.add_event_listener_with_callback(event, act.unchecked_ref())
}
