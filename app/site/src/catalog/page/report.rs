//! The form by which a listing is reported, and the receipt.

use crate::ui::pieces::{Fact, FormKey, TextArea, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;
use market::catalog::service::Listing;
use market::moderation::report::{MAX_DETAILS, Reason, Reported};
use schema::failure::FieldError;

/// What was chosen and written so far.
#[derive(Default)]
pub(in crate::catalog) struct Typed {
    pub(in crate::catalog) reason: String,
    pub(in crate::catalog) details: String,
    pub(in crate::catalog) errors: Vec<FieldError>,
}

pub(in crate::catalog) fn report(visit: &Visit, listing: &Listing, typed: Typed) -> Response {
    let lang = visit.lang;
    let title = lang.text("report-title");
    let status = match typed.errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let action = lang.path(&format!("/listings/{}/report", listing.slug));
    let back = lang.path(&format!("/listings/{}", listing.slug));
    let name = listing.title.clone();
    shell::page(visit, &title.clone(), status, || {
        let error = |field: &str| {
            let found = typed.errors.iter().find(|error| error.field == field);
            found.map(|error| lang.field_error(error))
        };
        let (wrong_reason, wrong_details) = (error("reason"), error("details"));
        let reasons: Vec<_> = Reason::ALL
            .into_iter()
            .map(|reason| {
                let checked = typed.reason == reason.name();
                view! {
                    <label class="check"><input type="radio" name="reason" value=reason.name() required=true checked=checked/>
                        <span>{lang.text(&format!("reason-{}", reason.name().replace('_', "-")))}</span></label>
                }
            })
            .collect();
        let invalid = wrong_details.is_some();
        view! {
            {heading(title, None)}
            <form class="card card--form stack" method="post" action=action>
                <FormKey/>
                <p>{lang.text("report-about")} " " <a href=back><bdi>{name}</bdi></a></p>
                <fieldset class="field"><legend>{lang.text("report-reason")}</legend>{reasons}
                    {wrong_reason.map(|text| view! { <p class="field-error">{text}</p> })}
                </fieldset>
                <div class="field"><label for="details">{lang.text("report-details")}</label>
                    <p class="field__hint">{lang.text("report-hint")}</p>
                    <TextArea id="details" name="details" rows=6 value=typed.details most=MAX_DETAILS invalid/>
                    {wrong_details.map(|text| view! { <p class="field-error" id="details-error">{text}</p> })}
                </div>
                <button class="button button--primary" type="submit">{lang.text("report-send")}</button>
            </form>
        }
        .into_any()
    })
}

pub(in crate::catalog) fn reported(visit: &Visit, report: Reported) -> Response {
    let lang = visit.lang;
    let title = lang.text("reported-title");
    shell::ok(visit, &title.clone(), || {
        let reason = lang.text(&format!("reason-{}", report.reason.replace('_', "-")));
        let state = lang.text(&format!("report-state-{}", report.state));
        let href = lang.path(&format!("/listings/{}", report.slug));
        view! {
            {heading(title, Some(lang.text("reported-line")))}
            <section class="card card--form">
                <dl class="facts">
                    <Fact label=lang.text("report-receipt")><strong id="receipt">{report.receipt}</strong></Fact>
                    <Fact label=lang.text("report-about")><a href=href><bdi>{report.title}</bdi></a></Fact>
                    <Fact label=lang.text("report-reason")>{reason}</Fact>
                    <Fact label=lang.text("report-sent")><Time lang ms=report.created_ms/></Fact>
                    <Fact label=lang.text("report-state")>{state}</Fact>
                </dl>
            </section>
        }
        .into_any()
    })
}
