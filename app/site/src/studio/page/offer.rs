//! The third step: what buyers read before they pay, and on to the seal.

use super::shown::{Shown, problems, step_heading};
use crate::catalog::page::licence_text;
use crate::ui::pieces::{Field, TextArea};
use base::lang::Lang;
use leptos::prelude::*;
use schema::licence::Licence;
use schema::listing::{Category, MAX_DESCRIPTION_CHARACTERS};
use schema::money::FeeSchedule;

pub(super) fn step(lang: Lang, shown: &Shown, fee: FeeSchedule) -> impl IntoView + use<> {
    let (typed, errors) = (&shown.typed, shown.errors.clone());
    let wrong_description = errors.iter().any(|error| error.field == "description");
    let categories = Category::ALL.map(|category| {
        let id = category.id();
        view! { <option value=id selected=id == typed.category>{lang.text(&format!("category-{id}"))}</option> }
    });
    let licences = Licence::ALL.map(|licence| {
        view! { <option value=licence.id() selected=licence.id() == typed.licence>{licence_text(lang, licence.id())}</option> }
    });
    let share = fee.share(shown.row.price_minor);
    let net = lang.with(
        "price-net",
        &[
            ("fee", lang.money(share).into()),
            ("net", lang.money(shown.row.price_minor - share).into()),
        ],
    );
    view! {
        <section class="card step" id="listing" aria-labelledby="listing-title">
            {step_heading(lang, "listing-title", "3", "draft-listing")}
            <Field lang name="title" label=lang.text("title") value=typed.title.clone() required=true errors=errors.clone()/>
            <div class="field">
                <label for="description">{lang.text("description")}</label>
                <TextArea id="description" name="description" rows=4 most=MAX_DESCRIPTION_CHARACTERS invalid=wrong_description value=typed.description.clone()/>
                <div id="description-error">{problems(lang, shown, &["description"])}</div>
            </div>
            <label class="field" for="category"><span>{lang.text("category")}</span><select id="category" name="category">{categories.into_iter().collect_view()}</select></label>
            {problems(lang, shown, &["category"])}
            <div data-chips="words" data-add=lang.text("add") data-remove=lang.text("remove")>
                <Field lang name="tags" label=lang.text("tags") hint=lang.text("tags-hint") value=typed.tags.clone() errors=errors.clone()/>
            </div>
            <label class="field" for="licence"><span>{lang.text("licence")}</span><select id="licence" name="licence">{licences.into_iter().collect_view()}</select></label>
            {problems(lang, shown, &["licence"])}
            <Field lang name="price" label=lang.text("price-usd") hint=net value=typed.price.clone() required=true errors=errors/>
            <div>
                <label class="check" for="trial"><input type="checkbox" id="trial" name="trial" value="1" checked=typed.trial/> {lang.text("draft-trial")}</label>
                <p class="field__hint">{lang.text("draft-trial-hint")}</p>
            </div>
            <div class="step__end">
                <p class="field__hint">{lang.text("to-seal-hint")}</p>
                <button class="button" type="submit" name="to" value="seal" id="to-seal">{lang.text("to-seal")}</button>
            </div>
        </section>
    }
}
