//! What somebody agrees to before a file leaves without the visible label.
//!
//! The one rule: the text that stands here is version [`WORDING`]; whoever changes it changes the number, and is asked again.

use crate::ui::pieces::{FormKey, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use market::own::service::Holding;
use market::own::unlabelled::WORDING;

pub(super) fn word(visit: &Visit, holding: &Holding, next: &str, given: bool) -> Response {
    let lang = visit.lang;
    let title = lang.text("unlabelled-title");
    shell::ok(visit, &title.clone(), || {
        let action = lang.path(&format!("/library/{}/unlabelled", holding.id));
        let back = lang.path(next.split('?').next().unwrap_or_default());
        let next = next.to_owned();
        let duties = ["public", "law", "forge"]
            .map(|duty| view! { <li>{lang.text(&format!("unlabelled-{duty}"))}</li> });
        let version = lang.with("unlabelled-version", &[("version", WORDING.into())]);
        view! {
            {heading(title, Some(holding.version.title.clone()))}
            <section class="card own-form" id="unlabelled">
                <p>{lang.text("unlabelled-line")}</p>
                <ul class="steps">{duties.into_iter().collect_view()}</ul>
                <p class="quiet">{lang.text("unlabelled-kept")} " " {version}</p>
                {match given {
                    true => view! { <p class="hint">{lang.text("unlabelled-given")}</p> <p><a class="button" href=lang.path(&next)>{lang.text("own-all")}</a></p> }.into_any(),
                    false => view! {
                        <form method="post" action=action>
                            <FormKey/>
                            <input type="hidden" name="next" value=next/>
                            <p class="actions">
                                <button class="button button--primary" id="acknowledge">{lang.text("unlabelled-agree")}</button>
                                <a class="button button--quiet" href=back>{lang.text("unlabelled-back")}</a>
                            </p>
                        </form>
                    }.into_any(),
                }}
            </section>
        }
        .into_any()
    })
}
