//! What happens later, and again and again.
//!
//! The one rule: whoever waits holds nothing of the page, for it may go away.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;

const POLL_MS: i32 = 400;

/// What a page's address answered.
pub(crate) struct Answer(JsValue);

impl Answer {
    /// A number.
    pub(crate) fn count(&self, name: &str) -> Option<i32> {
        let count = Reflect::get(&self.0, &name.into()).ok()?.as_f64()?;
        Some(count as i32)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        Reflect::get(&self.0, &name.into()).ok()?.as_string()
    }

    /// Whether nothing more will come.
    pub(crate) fn is_done(&self) -> bool {
        Reflect::get(&self.0, &"done".into()).is_ok_and(|done| done == JsValue::TRUE)
    }
}

async fn fetch_json(url: &str) -> Option<Answer> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(url))
        .await
        .ok()?;
    let response: Response = response.dyn_into().ok()?;
    let answer = JsFuture::from(response.json().ok()?).await.ok()?;
    Some(Answer(answer))
}

async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            window
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds)
                .unwrap_or_default();
        }
    });
    JsFuture::from(promise).await.map(drop).unwrap_or_default();
}

/// Asks for JSON again and again while `each` returns true.
pub(crate) fn poll(url: String, mut each: impl FnMut(Answer) -> bool + 'static) {
    spawn_local(async move {
        loop {
            if let Some(answer) = fetch_json(&url).await
                && !each(answer)
            {
                break;
            }
            sleep(POLL_MS).await;
        }
    });
}

/// Runs slow work after the page had a chance to show that it began.
pub(crate) fn later(work: impl FnOnce() + 'static) {
    spawn_local(async move {
        sleep(30).await;
        work();
    });
}
