//! Numbered pages under a list: the first, the last, and those around this one.

use base::lang::Lang;
use leptos::prelude::*;

/// Pages by number, from one on; nothing where there is one. `path` gives the address of each.
pub fn pages(
    lang: Lang,
    now: usize,
    pages: usize,
    path: &dyn Fn(usize) -> String,
) -> impl IntoView + use<> {
    let near = |page: &usize| *page == 1 || *page == pages || page.abs_diff(now) <= 2;
    let mut before = 0;
    let mut items = Vec::new();
    for page in (1..=pages).filter(near) {
        if page > before + 1 {
            items.push(view! { <li aria-hidden="true"><span>"…"</span></li> }.into_any());
        }
        before = page;
        let href = lang.path(&path(page));
        let label = lang.with("page-number", &[("number", (page as i64).into())]);
        items.push(match page == now {
            true => view! { <li><span aria-current="page">{page}</span></li> }.into_any(),
            false => view! { <li><a href=href aria-label=label>{page}</a></li> }.into_any(),
        });
    }
    let step = |page: usize, rel: &'static str, id: &str| {
        let there = (1..=pages).contains(&page);
        let href = lang.path(&path(page));
        let label = lang.text(id);
        there.then(|| view! { <li><a href=href rel=rel>{label}</a></li> })
    };
    (pages > 1).then(|| {
        view! {
            <nav aria-label=lang.text("pages")>
                <ol class="pages">
                    {step(now.wrapping_sub(1), "prev", "page-before")}
                    {items}
                    {step(now + 1, "next", "page-after")}
                </ol>
            </nav>
        }
    })
}
