//! What a draft's pictures begin with: a picture of one's own with its mask, or the noise of one that was made.

use super::shown::{Shown, problems};
use crate::ui::pieces::{Field, Picture};
use base::lang::Lang;
use engine::model::Size;
use leptos::prelude::*;
use market::studio::start::Start;

/// What the browser lets people choose from.
const TYPES: &str = "image/png,image/jpeg,image/webp";

/// The starting picture, or the way to one; nothing for a model that begins with noise alone.
pub(super) fn fields(lang: Lang, shown: &Shown) -> Option<AnyView> {
    let wrong = shown.errors.iter().any(|error| error.field == "start");
    if !shown.takes_pictures && shown.start.is_none() && !wrong {
        return None;
    }
    let path = lang.path(&format!("/studio/drafts/{}", shown.row.id));
    let begun = shown
        .start
        .as_ref()
        .map(|start| begun(lang, shown, start, &path));
    let summary = lang.text(match begun.is_some() {
        true => "start-other",
        false => "start-choose",
    });
    let choose = shown.takes_pictures.then(|| {
        view! {
            <details class="begin__choose" open=wrong>
                <summary>{summary}</summary>
                <div class="field-row">
                    <label class="field" for="start"><span>{lang.text("start-picture")}</span><input id="start" type="file" name="start" accept=TYPES/></label>
                    <label class="field" for="mask"><span>{lang.text("start-mask")}</span><input id="mask" type="file" name="mask" accept=TYPES/></label>
                </div>
                <p class="field__hint">{lang.text("start-hint")}</p>
                <p class="actions"><button class="button button--small" type="submit" formaction=format!("{path}/start") formenctype="multipart/form-data" id="begin-with">{lang.text("start-begin")}</button></p>
            </details>
        }
    });
    Some(
        view! {
            <fieldset class="begin" id="begin">
                <legend>{lang.text("start-title")}</legend>
                {begun}
                {problems(lang, shown, &["start", "mask", "strength"])}
                {choose}
            </fieldset>
        }
        .into_any(),
    )
}

/// The picture with its mask, how much of it is made anew, and the way back.
fn begun(lang: Lang, shown: &Shown, start: &Start, path: &str) -> impl IntoView + use<> {
    let Size { width, height } = start.size;
    let shot = |index: usize, alt: &str| {
        // The digest makes another picture another address.
        let version = start.files()[index].pixels.hex();
        let src = format!("{path}/starting/{index}?v={}", &version[..16]);
        view! { <span class="mat begin__shot"><Picture src alt=lang.text(alt) width=i64::from(width) height=i64::from(height)/></span> }
    };
    let mask = start.mask.as_ref().map(|_| shot(1, "start-mask-alt"));
    let errors = shown.errors.clone();
    view! {
        <div class="begin__now">
            {shot(0, "start-alt")}
            {mask}
            <div class="begin__say">
                <Field lang name="strength" label=lang.text("start-strength") kind="number" value=shown.typed.strength.clone() errors=errors/>
                <p class="field__hint">{lang.text("start-strength-hint")}</p>
                <p class="field__hint">{lang.text("start-travels")}</p>
                <button class="button button--small" type="submit" formaction=format!("{path}/begin") name="begin" value="" id="begin-plain">{lang.text("start-remove")}</button>
            </div>
        </div>
    }
}

/// Says that the pictures are variations of one, how near they are, and the way back.
pub(super) fn varied(lang: Lang, shown: &Shown) -> Option<impl IntoView + use<>> {
    let varied = shown.varied.as_ref()?;
    let path = lang.path(&format!("/studio/drafts/{}", shown.row.id));
    let of = shown
        .pictures
        .iter()
        .find(|(picture, _)| picture.id == varied.origin_id && picture.blob.is_some());
    let of = of.map(|(picture, _)| {
        let src = lang.path(&format!("/studio/pictures/{}/file", picture.id));
        view! { <span class="mat begin__shot"><Picture src alt=lang.text("picture-alt") width=128 height=128/></span> }
    });
    let errors = shown.errors.clone();
    Some(view! {
        <div class="begin__now" id="varied">
            {of}
            <div class="begin__say">
                <p>{lang.text("varied-line")}</p>
                <Field lang name="distance" label=lang.text("varied-distance") kind="number" value=shown.typed.distance.clone() errors=errors/>
                <p class="field__hint">{lang.text("varied-hint")}</p>
                <button class="button button--small" type="submit" formaction=format!("{path}/begin") name="varied" value="none" id="varied-end">{lang.text("varied-end")}</button>
            </div>
        </div>
    })
}

/// What one can begin with at a picture that is made.
pub(super) fn buttons(lang: Lang, shown: &Shown, id: &str) -> impl IntoView + use<> {
    let path = lang.path(&format!("/studio/drafts/{}", shown.row.id));
    let begin = shown.takes_pictures.then(|| {
        view! { <button class="link" type="submit" formaction=format!("{path}/begin") name="begin" value=id.to_owned()>{lang.text("picture-begin")}</button> }
    });
    view! {
        <button class="link" type="submit" formaction=format!("{path}/vary") name="vary" value=id.to_owned()>{lang.text("picture-vary")}</button>
        {begin}
    }
}
