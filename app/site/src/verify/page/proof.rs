//! Proof pages: what the log holds about one leaf, checked once more while the page is made, and how to check it without us.

use super::known::{Checks, Known};
use super::priority::since;
use super::timeline;
use crate::ui::pieces::{Code, Fact, Field, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use islands::proofs::{CheckTexts, ProofCheck};
use leptos::prelude::*;
use market::log::service::{PublicLog, StatementRow};
use market::moderation::service::Resemblance;
use schema::leaf::LeafKind;

fn kind_name(kind: Option<LeafKind>) -> &'static str {
    match kind {
        Some(LeafKind::SealedRecipe) | None => "kind-sealed",
        Some(LeafKind::Reproduction) => "kind-reproduction",
        Some(LeafKind::KeyEvent) => "kind-key",
        Some(LeafKind::Licence) => "kind-licence",
        Some(LeafKind::Withdrawal) => "kind-withdrawal",
        Some(LeafKind::Listing) => "kind-listing",
    }
}

pub(in crate::verify) fn proof(
    visit: &Visit,
    known: Known,
    log: &PublicLog,
    now_ms: i64,
) -> Response {
    let lang = visit.lang;
    let entry = match known.row.log_index {
        Some(index) => lang.with("proof-title", &[("index", index.into())]),
        None => lang.text("not-logged-yet"),
    };
    let sealed = known.kind() == Some(LeafKind::SealedRecipe);
    let (title, line) = match known.listing.as_ref().filter(|_| sealed) {
        Some(listing) => (
            lang.with("proof-of", &[("title", listing.title.clone().into())]),
            entry,
        ),
        None => (entry, lang.text(kind_name(known.kind()))),
    };
    let log = log.clone();
    shell::ok(visit, &title.clone(), || {
        let withdrawal = known.withdrawal.as_ref().map(|withdrawal| {
            let reason = lang.text(&format!("withdrawal-{}", withdrawal.reason.name()));
            let told = lang.with("withdrawal-told", &[("reason", reason.into())]);
            let href = lang.path(&format!("/proofs/{}", withdrawal.leaf_hash));
            view! { <p class="hint" id="withdrawal"><a href=href>{told}</a>" "<Time lang ms=withdrawal.said_ms/>" "{lang.text("withdrawal-keeps")}</p> }
        });
        let evidence = known.evidence(&log).map(|evidence| {
            let holds = match evidence.policy {
                Some(_) => "own-check-holds-witnessed",
                None => "own-check-holds",
            };
            view! { <ProofCheck evidence texts=check_texts(lang, holds)/><noscript><p class="hint">{lang.text("own-check-no-script")}</p></noscript> }
        });
        let limits = lang.text(log.limits_text());
        let hash = &known.row.leaf_hash;
        let comparison = sealed.then(|| comparison(lang, hash, &known.alike));
        let statement = known.text().map(|text| {
            view! { <details class="fold"><summary>{lang.text("statement")}</summary><pre class="scroll" tabindex="0"><code>{text}</code></pre></details> }
        });
        view! {
            {heading(title, Some(line))}
            {withdrawal}
            {timeline::verdict(lang, &known, now_ms)}
            {timeline::steps(lang, &known)}
            {visit.demo.then(|| view! { <p class="quiet">{lang.text("proof-demo")}</p> })}
            <section class="card" aria-label=lang.text("checks")>
                {evidence}
                {server_checks(lang, &known.checks)}
            </section>
            {sealed.then(|| statements(lang, &known.about, &log))}
            <section class="card" id="limits">
                <h2>{lang.text("proof-limits")}</h2>
                <p>{lang.text("proof-limits-line")}</p>
                <p>{limits}</p>
            </section>
            {offline(lang, &known)}
            {comparison}
            <div>
                {facts(lang, &known, &log)}
                {inclusion(lang, &known)}
                {statement}
            </div>
        }
        .into_any()
    })
}

/// What the server found, folded: the browser's own check counts more.
fn server_checks(lang: Lang, checks: &Checks) -> impl IntoView + use<> {
    let check = |passed: bool, id: &str| {
        let mark = if passed { "✓" } else { "–" };
        view! { <li class:checks__bad=!passed><span class="checks__mark" aria-hidden="true">{mark}</span><strong>{lang.text(id)}</strong><span>{lang.text(&format!("{id}-line"))}</span></li> }
    };
    // No mark without a witness: nothing was checked that could hold or fail.
    let witnesses = checks.settlement.as_ref().map(|settlement| {
        let line = match settlement.settled_seconds {
            Some(seconds) => {
                let names: Vec<&str> =
                    settlement.cosigners.iter().map(|(name, _)| &**name).collect();
                let ms = i64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
                lang.with(
                    "check-witnesses-line",
                    &[("names", names.join(", ").into()), ("time", lang.time(ms).into())],
                )
            }
            None => lang.text("check-witnesses-none"),
        };
        let mark = if settlement.settled_seconds.is_some() { "✓" } else { "○" };
        view! { <li id="witnesses"><span class="checks__mark" aria-hidden="true">{mark}</span><strong>{lang.text("check-witnesses")}</strong><span>{line}</span></li> }
    });
    view! {
        <details class="fold" open=!checks.hold()>
            <summary>{lang.text("checks-by-server")}</summary>
            <ul class="checks" id="checks">
                {check(checks.signature, "check-signature")}
                {check(checks.checkpoint, "check-checkpoint")}
                {check(checks.inclusion, "check-inclusion")}
                {witnesses}
            </ul>
            <p class="quiet">{lang.text("checks-server")}</p>
        </details>
    }
}

/// Whose machines gave what, and each statement folded.
fn statements(lang: Lang, about: &[StatementRow], log: &PublicLog) -> impl IntoView + use<> {
    let (_, by_environment) = market::verify::attest::tally(about);
    let rows: Vec<_> = by_environment
        .into_iter()
        .map(|(environment, tally)| {
            let cell = |count: i64, outcome: &'static str| view! { <td class="amount" data-outcome=outcome>{count}</td> };
            view! { <tr><th scope="row">{environment}</th>{cell(tally.exact, "exact")}{cell(tally.near, "near")}{cell(tally.different, "different")}</tr> }
        })
        .collect();
    let heads: Vec<_> = ["exact", "near", "different"]
        .map(|outcome| view! { <th scope="col" class="amount">{lang.text(&format!("outcome-{outcome}"))}</th> })
        .into_iter()
        .collect();
    let each: Vec<_> = about
        .iter()
        .map(|row| {
            let ours = row.public_key == log.platform_key().to_string();
            let outcome = row.outcome.clone().unwrap_or_default();
            let (href, ms) = (lang.path(&format!("/proofs/{}", row.leaf_hash)), row.created_ms);
            view! {
                <li class="row">
                    <span class="tag" class:tag--good=outcome == "exact" class:tag--bad=outcome != "exact">{lang.text(&format!("outcome-{outcome}"))}</span>
                    <span class="row__main"><span>{lang.text(if ours { "attester-platform" } else { "attester-other" })}</span><span class="quiet">{row.environment.clone().unwrap_or_default()}</span></span>
                    <a href=href><Time lang ms/></a>
                </li>
            }
        })
        .collect();
    let count = lang.with("statements-each", &[("count", (each.len() as i64).into())]);
    view! {
        <section class="card">
            <h2>{lang.text("attestations")}</h2>
            <div class="scroll" tabindex="0"><table id="tally"><thead><tr><th scope="col">{lang.text("environment")}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>
            <p class="quiet">{lang.text("attestations-line")}</p>
            <details class="fold"><summary>{count}</summary><ul class="plain">{each}</ul></details>
        </section>
    }
}

/// The entry itself, for whoever compares digests.
fn facts(lang: Lang, known: &Known, log: &PublicLog) -> impl IntoView + use<> {
    let leaf = known.row.parse().ok();
    let digest_label = lang.text(if known.kind() == Some(LeafKind::SealedRecipe) {
        "commitment"
    } else {
        "statement-digest"
    });
    let end = known.end.as_ref().map(|end| {
        let word = |kind: &str, name: Option<&String>| lang.text(&format!("key-{kind}-{}", name.map_or("", |name| name)));
        let told = lang.with(
            "signer-ended",
            &[
                ("reason", word("reason", end.key.reason.as_ref()).into()),
                ("authority", word("authority", end.key.authority.as_ref()).into()),
            ],
        );
        let verdict = lang.text(if end.stands { "signer-ended-stands" } else { "signer-ended-doubt" });
        let href = lang.path(&format!("/proofs/{}", end.key.end_leaf_hash.clone().unwrap_or_default()));
        view! { <p class="hint" id="signer-end" data-stands=end.stands.to_string()><a href=href>{told}</a> " " {verdict}</p> }
    });
    let (row, date, origin) = (known.row.clone(), known.date, log.origin.clone());
    let key = known.key.clone().unwrap_or_default();
    let queued_ms = row.queued_ms;
    view! {
        {end}
        <details class="fold">
            <summary>{lang.text("leaf")}</summary>
            <dl class="facts">
                <Fact label=digest_label><Code text=leaf.map(|leaf| leaf.digest.hex()).unwrap_or_default()/></Fact>
                <Fact label=lang.text("leaf-hash")><Code text=row.leaf_hash/></Fact>
                <Fact label=lang.text("signer")><Code text=key/></Fact>
                <Fact label=lang.text("signature")><Code text=leaf.map(|leaf| hex::encode(leaf.signature)).unwrap_or_default()/></Fact>
                <Fact label=lang.text("log-origin")>{origin}</Fact>
                <Fact label=lang.text("queued-at")><Time lang ms=queued_ms/></Fact>
                {date.map(|date| view! { <Fact label=lang.text("public-since")>{since(lang, date)}</Fact> })}
            </dl>
        </details>
    }
}

fn inclusion(lang: Lang, known: &Known) -> impl IntoView + use<> {
    let href = format!("/proofs/{}/proof", known.row.leaf_hash);
    known.proof.as_ref().map(|proof| {
        view! {
            <details class="fold">
                <summary>{lang.text("inclusion-proof")}</summary>
                <pre class="scroll" tabindex="0"><code>{proof.to_text()}</code></pre>
                <p class="actions"><a class="button button--small" href=href>{lang.text("download-proof")}</a></p>
            </details>
        }
    })
}

/// How to check without us.
fn offline(lang: Lang, known: &Known) -> impl IntoView + use<> {
    let href = format!("/proofs/{}/bundle", known.row.leaf_hash);
    let bundle = known.listing.as_ref().map(|_| {
        view! { <p class="actions"><a class="button" href=href id="public-bundle">{lang.text("download-public-bundle")}</a></p> }
    });
    view! {
        <section class="card">
            <h2>{lang.text("how-offline")}</h2>
            <p>{lang.text("proof-offline-line")}</p>
            {bundle}
            <pre class="scroll" tabindex="0"><code>"seedmark verify FILE.seedmark"</code></pre>
        </section>
    }
}

/// The texts of the browser's own check; `holds` names the one for what it covers.
pub(crate) fn check_texts(lang: Lang, holds: &str) -> CheckTexts {
    let names = [
        "signature",
        "checkpoint",
        "inclusion",
        "witnesses",
        "commitment",
    ];
    CheckTexts {
        waiting: lang.text("own-check-waiting"),
        holds: lang.text(holds),
        broken: lang.text("own-check-broken"),
        names: names.map(|name| lang.text(&format!("check-{name}"))),
    }
}

/// Who was first: recipes whose public pictures look alike, and a form for any other.
fn comparison(lang: Lang, leaf_hash: &str, alike: &[Resemblance]) -> impl IntoView + use<> {
    let rows = alike.iter().map(|other| {
        let (title, handle) = (other.title.clone(), other.handle.clone());
        let href = lang.path(&format!("/priority/{leaf_hash}/{}", other.leaf_hash));
        view! { <li class="row"><span class="row__main"><a href=href>{title}</a><span class="quiet"><bdi>{handle}</bdi></span></span><span class="quiet">{lang.text("alike-picture")} {format!(" {} %", other.picture_milli / 10)}</span></li> }
    });
    let rows = rows.collect_view();
    view! {
        <details class="card" id="comparison">
            <summary>{lang.text("priority-title")}</summary>
            <p>{lang.text("priority-line")}</p>
            <ul class="plain">{rows}</ul>
            <form method="get" action=lang.path("/priority") class="stack">
                <input type="hidden" name="first" value=leaf_hash.to_owned()/>
                <Field lang name="second" label=lang.text("priority-second") value="" hint=lang.text("priority-hint") required=true errors=Vec::new()/>
                <p class="actions"><button class="button button--small" type="submit">{lang.text("priority-compare")}</button></p>
            </form>
        </details>
    }
}
