//! What a page says of itself to search engines, feed readers and whoever shows a link to it.
//!
//! The one rule: one page has one address here, in each language; what nobody should find through a search says so.

use crate::ui::visit::Visit;
use base::lang::Lang;
use leptos::prelude::*;

/// A page's own words for its head. Empty fields say nothing.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// One or two sentences.
    pub description: String,
    /// The path of a picture that stands for the page.
    pub picture: String,
    /// Its one path, without a language; the path that was asked for without its parameters where this is empty.
    pub canonical: String,
    /// Nobody should find it through a search.
    pub hidden: bool,
    /// What it is about, in the words of schema.org.
    pub data: Option<serde_json::Value>,
    /// The path of its list as a feed.
    pub feed: String,
}

/// As many characters of a description are shown.
const DESCRIPTION_CHARACTERS: usize = 200;

impl Head {
    /// Its elements.
    pub(super) fn elements(&self, visit: &Visit, title: &str) -> impl IntoView + use<> {
        let lang = visit.lang;
        let path = match self.canonical.is_empty() {
            true => visit.path.split('?').next().unwrap_or_default().to_owned(),
            false => self.canonical.clone(),
        };
        let address = |lang: Lang| format!("{}{}", visit.public_url, lang.path(&path));
        let alternates: Vec<_> = Lang::ALL
            .into_iter()
            .map(
                |other| view! { <link rel="alternate" hreflang=other.html() href=address(other)/> },
            )
            .collect();
        let description = match self.description.is_empty() {
            true => lang.text("home-line"),
            false => shortened(&self.description),
        };
        let picture = match self.picture.is_empty() {
            true => "/icons/icon-512.png",
            false => &self.picture,
        };
        let picture = format!("{}{picture}", visit.public_url);
        let feed = (!self.feed.is_empty()).then(|| lang.path(&self.feed));
        let title = title.to_owned();
        let data = self.data.as_ref().map(|data| {
            // A text in it that ends the element ends it nowhere.
            let text = data.to_string().replace('<', "\\u003c");
            view! { <script type="application/ld+json" inner_html=text></script> }
        });
        view! {
            <meta name="description" content=description.clone()/>
            {self.hidden.then(|| view! { <meta name="robots" content="noindex, follow"/> })}
            <link rel="canonical" href=address(lang)/>
            {alternates}
            <link rel="alternate" hreflang="x-default" href=address(Lang::En)/>
            {feed.map(|href| view! { <link rel="alternate" type="application/atom+xml" href=href title="Atom"/> })}
            {graph("og:site_name", "Seedmark".into())}
            {graph("og:type", "website".into())}
            {graph("og:title", title)}
            {graph("og:description", description)}
            {graph("og:url", address(lang))}
            {graph("og:image", picture)}
            {graph("og:locale", lang.html().into())}
            {data}
        }
    }
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(DESCRIPTION_CHARACTERS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// A property of the Open Graph protocol.
fn graph(name: &'static str, content: String) -> impl IntoView {
    leptos::html::meta().content(content).attr("property", name)
}
