//! What each licence allows, in plain words.
//!
//! The one rule: these are the fixed texts of an identifier with its version; whoever changes what one allows makes a new identifier.

use crate::ui::pieces::heading;
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use leptos::prelude::*;
use schema::licence::Licence;

/// A licence's name in texts and in the page's addresses.
fn name_of(licence: &str) -> String {
    licence.replace('.', "-")
}

/// A licence by its name.
pub(crate) fn licence_text(lang: Lang, licence: &str) -> String {
    lang.text(&format!("licence-{}", name_of(licence)))
}

/// A licence by its name, with the way to what it says.
pub(crate) fn licence_link(lang: Lang, licence: &str) -> impl IntoView + use<> {
    let href = lang.path(&format!("/licences#{}", name_of(licence)));
    view! { <a href=href>{licence_text(lang, licence)}</a> }
}

pub(in crate::catalog) fn licences(visit: &Visit) -> Response {
    let lang = visit.lang;
    let title = lang.text("licences");
    shell::ok(visit, &title.clone(), || {
        let each = Licence::ALL.map(|licence| {
            let name = name_of(licence.id());
            let (text, line) = (
                licence_text(lang, licence.id()),
                lang.text(&format!("licence-{name}-line")),
            );
            view! {
                <section class="card" id=name>
                    <h2>{text}</h2>
                    <p>{line}</p>
                    <p class="quiet"><code>{licence.id()}</code></p>
                </section>
            }
        });
        view! {
            {heading(title, Some(lang.text("licences-line")))}
            {each.into_iter().collect_view()}
            <p class="quiet">{lang.text("licences-all")}</p>
        }
        .into_any()
    })
}
