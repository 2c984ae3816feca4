//! A panel that signs: a passphrase, a button, and a line that says what came of it.
//!
//! The one rule: slow work begins after the line had a chance to say so.

use crate::browser::{self, Island, listen, set_text};
use schema::passphrase::Passphrase;
use std::rc::Rc;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Element, HtmlInputElement, KeyboardEvent};

/// The parts that a panel is made of.
pub(crate) struct Panel {
    passphrase: HtmlInputElement,
    message: Element,
    working: String,
}

impl Panel {
    /// Finds them; `press` runs when the button is pressed, or Enter in the field, and its error is shown.
    pub(crate) fn wake(
        island: &Island,
        press: impl Fn(&Passphrase) -> Result<(), String> + 'static,
    ) -> Result<Rc<Self>, JsValue> {
        let field = island.find("input[type=password]")?;
        let button = island.find("button")?;
        let panel = Rc::new(Self {
            passphrase: field.clone().unchecked_into(),
            message: island.find(".key-maker__message")?,
            working: island.text("working")?,
        });
        let act = {
            let (panel, press) = (Rc::clone(&panel), Rc::new(press));
            Rc::new(move || {
                let (panel, press) = (Rc::clone(&panel), Rc::clone(&press));
                panel.work();
                browser::later(move || panel.show(press(&panel.passphrase())));
            })
        };
        let enter = Rc::clone(&act);
        listen(&field, "keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Enter" {
                event.prevent_default();
                enter();
            }
        })?;
        listen(&button, "click", move |_| act())?;
        Ok(panel)
    }

    /// What was typed.
    pub(crate) fn passphrase(&self) -> Passphrase {
        browser::passphrase(&self.passphrase.value())
    }

    /// Says that something goes on.
    pub(crate) fn work(&self) {
        self.say(&self.working, false);
    }

    /// Says what went wrong, if something did.
    pub(crate) fn show(&self, outcome: Result<(), String>) {
        if let Err(text) = outcome {
            self.say(&text, true);
        }
    }

    fn say(&self, text: &str, failed: bool) {
        let class = if failed {
            "key-maker__message field-error"
        } else {
            "key-maker__message"
        };
        self.message.set_class_name(class);
        set_text(&self.message, text);
    }
}
