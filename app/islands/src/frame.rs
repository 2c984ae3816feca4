//! What is drawn around an island: an element that names it and carries its props, which the browser's half reads.
//!
//! The one rule: props are public, they stand in the page. They are JSON because HTML would change line ends in a text.

use leptos::prelude::*;
use serde::Serialize;

/// Draws an island. `wake::start` knows it by `name` and reads every field of `props` by its name.
pub(crate) fn frame(name: &'static str, props: &impl Serialize, inside: impl IntoView) -> AnyView {
    let props = serde_json::to_string(props).unwrap_or_default();
    view! { <seedmark-island data-island=name data-props=props>{inside.into_view()}</seedmark-island> }.into_any()
}

/// What every island that signs shows: the passphrase, the button and what came of it. `name` begins the ids of both.
pub(crate) fn signing_panel(
    name: &'static str,
    passphrase: &str,
    sign: &str,
) -> impl IntoView + use<> {
    view! {
        <div class="key-maker">
            <label class="field">
                <span>{passphrase.to_owned()}</span>
                <input type="password" id=format!("{name}-passphrase") autocomplete="current-password"/>
            </label>
            <p class="actions"><button type="button" class="button button--primary" id=format!("{name}-sign")>{sign.to_owned()}</button></p>
            {message_line()}
        </div>
    }
}

/// Where a panel says that it works, or what went wrong.
pub(crate) fn message_line() -> impl IntoView {
    view! { <p class="key-maker__message" role="status"></p> }
}

#[cfg(test)]
mod tests {
    use super::frame;
    use leptos::prelude::*;

    #[test]
    fn props_keep_line_ends_and_cannot_leave_their_attribute() {
        let html = Owner::new().with(|| frame("CopyButton", &"a\r\nb\"><c>", "d").to_html());
        let start = r#"<seedmark-island data-island="CopyButton" data-props=""#;
        let rest = html.strip_prefix(start).expect("an island");
        let (props, _) = rest.split_once('"').expect("an attribute");
        assert!(props.contains(r"a\r\nb"), "{html}");
        assert!(!props.contains(['<', '\n', '\r']), "{html}");
    }
}
