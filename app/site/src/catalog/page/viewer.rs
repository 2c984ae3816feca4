//! The pictures of a listing: one large, the others to choose from, and each to be looked at closely. It needs no script: the arrow keys move
//! within a group of radio buttons by themselves, and what lies over the page is a popover.

use crate::ui::pieces::Shown;
use base::lang::Lang;
use leptos::prelude::*;
use market::catalog::service::Anchor;
use market::pictures::Place;

/// As many as the style has rules for.
const MOST: usize = 8;

pub(super) fn viewer(lang: Lang, title: &str, anchors: &[Anchor]) -> impl IntoView + use<> {
    let anchors = &anchors[..anchors.len().min(MOST)];
    let alt = |index: usize| {
        let arguments = [
            ("number", (index as i64 + 1).into()),
            ("title", title.to_owned().into()),
        ];
        lang.with("preview-alt", &arguments)
    };
    let shots: Vec<_> = anchors
        .iter()
        .enumerate()
        .map(|(index, anchor)| {
            let (blob, width, height) = (anchor.labelled_blob.clone(), anchor.width, anchor.height);
            let alt = alt(index);
            view! {
                <button class="stage__shot" type="button" popovertarget=format!("zoom-{index}") title=lang.text("viewer-zoom")>
                    <Shown lang blob width height place=Place::Stage alt first={index == 0}/>
                </button>
            }
        })
        .collect();
    let thumbs: Vec<_> = anchors
        .iter()
        .enumerate()
        .filter(|_| anchors.len() > 1)
        .map(|(index, anchor)| {
            let (blob, width, height) = (anchor.labelled_blob.clone(), anchor.width, anchor.height);
            view! {
                <label class="thumb">
                    <input type="radio" name="shown" value=index checked={index == 0} aria-label=alt(index)/>
                    <span class="mat"><Shown lang blob width height place=Place::Line alt=String::new() eager=true/></span>
                </label>
            }
        })
        .collect();
    let closer: Vec<_> = anchors
        .iter()
        .enumerate()
        .map(|(index, anchor)| {
            let (blob, width, height) = (anchor.labelled_blob.clone(), anchor.width, anchor.height);
            let (id, label) = (format!("zoom-{index}"), alt(index));
            let (closed, alt) = (id.clone(), label.clone());
            view! {
                <div class="zoomed" id=id popover="auto" role="dialog" aria-label=label>
                    <Shown lang blob width height place=Place::Zoom alt/>
                    <button class="sheet__close" type="button" popovertarget=closed popovertargetaction="hide" aria-label=lang.text("viewer-close")>
                        <span class="icon icon--close"></span>
                    </button>
                </div>
            }
        })
        .collect();
    let several = !thumbs.is_empty();
    view! {
        <div class="viewer">
            <div class="mat stage">{shots}<span class="stage__zoom" aria-hidden="true"><span class="icon icon--zoom"></span></span></div>
            {several.then(|| view! { <div class="thumbs" role="radiogroup" aria-label=lang.text("viewer-pictures")>{thumbs}</div> })}
            {closer}
        </div>
    }
}
