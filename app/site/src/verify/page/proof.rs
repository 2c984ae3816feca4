//! Proof pages: what the log holds about one leaf, checked once more while the page is made, and how to check it without us.

use super::priority::since;
use crate::ui::pieces::{Code, Fact, Field, Time, heading};
use crate::ui::shell;
use crate::ui::visit::Visit;
use axum::response::Response;
use base::lang::Lang;
use islands::proofs::{CheckTexts, ProofCheck};
use ledger::evidence::Evidence;
use ledger::policy::Settlement;
use ledger::proof::TlogProof;
use leptos::prelude::*;
use market::catalog::service::SealedVersion;
use market::log::keys::SignerEnd;
use market::log::service::{Date, LeafRow, PublicLog, StatementRow, Withdrawal};
use market::moderation::service::Resemblance;
use schema::key::PublicKey;
use schema::leaf::LeafKind;
use schema::statement::Envelope;

/// What the server itself found when it made the page.
pub(in crate::verify) struct Checks {
    signature: bool,
    checkpoint: bool,
    inclusion: bool,
    settlement: Option<Settlement>,
}

impl Checks {
    pub(in crate::verify) fn run(
        row: &LeafRow,
        key: Option<&str>,
        proof: Option<&TlogProof>,
        log: &PublicLog,
    ) -> Self {
        let leaf = row.parse().ok();
        let key = key.and_then(|key| PublicKey::parse(key).ok());
        let signature = leaf
            .as_ref()
            .zip(key)
            .is_some_and(|(leaf, key)| leaf.verify(&log.origin, &key).is_ok());
        let checkpoint = proof.and_then(|proof| proof.open_checkpoint(&log.verifier).ok());
        let inclusion =
            leaf.zip(proof)
                .zip(checkpoint.as_ref())
                .is_some_and(|((leaf, proof), checkpoint)| {
                    proof.verify(&leaf.hash().0, checkpoint).is_ok()
                });
        Self {
            signature,
            checkpoint: checkpoint.is_some(),
            inclusion,
            settlement: proof.and_then(|proof| log.settle(&proof.checkpoint).ok()),
        }
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "the page shows all that is known about a leaf"
)]
pub(in crate::verify) fn proof(
    visit: &Visit,
    row: &LeafRow,
    listing: Option<SealedVersion>,
    statement: Option<StatementRow>,
    about: Vec<StatementRow>,
    alike: Vec<Resemblance>,
    key: Option<String>,
    end: Option<SignerEnd>,
    withdrawal: Option<Withdrawal>,
    date: Option<Date>,
    proof: Option<TlogProof>,
    checks: Checks,
    log: &PublicLog,
) -> Response {
    let lang = visit.lang;
    let leaf = row.parse().ok();
    let kind = leaf.as_ref().map(|leaf| leaf.kind);
    let kind_text = lang.text(match kind {
        Some(LeafKind::SealedRecipe) | None => "kind-sealed",
        Some(LeafKind::Reproduction) => "kind-reproduction",
        Some(LeafKind::KeyEvent) => "kind-key",
        Some(LeafKind::Licence) => "kind-licence",
        Some(LeafKind::Withdrawal) => "kind-withdrawal",
        Some(LeafKind::Listing) => "kind-listing",
    });
    let title = match row.log_index {
        Some(index) => lang.with("proof-title", &[("index", index.into())]),
        None => lang.text("not-logged-yet"),
    };
    let (row, log) = (row.clone(), log.clone());
    shell::ok(visit, &title.clone(), || {
        let check = |passed: bool, id: &str| {
            let mark = if passed { "✓" } else { "–" };
            view! { <li class:checks__bad=!passed><span class="checks__mark" aria-hidden="true">{mark}</span><strong>{lang.text(id)}</strong><span>{lang.text(&format!("{id}-line"))}</span></li> }
        };
        let evidence = proof
            .as_ref()
            .zip(key.clone())
            .map(|(proof, key)| Evidence {
                leaf: row.leaf.clone(),
                key,
                log_key: log.verifier.to_string(),
                proof: proof.to_text(),
                policy: log.witness_policy().map(ToString::to_string),
                opening: None,
            });
        let holds = if log.witness_policy().is_some() {
            "own-check-holds-witnessed"
        } else {
            "own-check-holds"
        };
        let texts = check_texts(lang, holds);
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
        let statement_text = statement
            .as_ref()
            .and_then(|row| serde_json::from_str::<Envelope>(&row.envelope).ok())
            // Only what this leaf seals is shown under its checks.
            .filter(|envelope| {
                leaf.is_some_and(|leaf| envelope.digest().is_ok_and(|digest| digest == leaf.digest))
            })
            .and_then(|envelope| envelope.text().ok());
        let listing_text = listing
            .as_ref()
            .and_then(|listing| serde_json::from_str::<Envelope>(&listing.listing_statement).ok())
            .and_then(|envelope| envelope.text().ok());
        let pretty = |text: String| {
            serde_json::from_str::<serde_json::Value>(&text)
                .and_then(|value| serde_json::to_string_pretty(&value))
                .unwrap_or(text)
        };
        let (_, by_environment) = market::verify::attest::tally(&about);
        let tallies = by_environment.into_iter().map(|(environment, tally)| {
            let cell = |count: i64, outcome: &'static str| view! { <td class="amount" data-outcome=outcome>{count}</td> };
            view! { <tr><th scope="row">{environment}</th>{cell(tally.exact, "exact")}{cell(tally.near, "near")}{cell(tally.different, "different")}</tr> }
        });
        let tallies = tallies.collect_view();
        let outcome_head = ["exact", "near", "different"]
            .map(|outcome| view! { <th scope="col" class="amount">{lang.text(&format!("outcome-{outcome}"))}</th> })
            .collect_view();
        let attestations = about.into_iter().map(|row| {
            let ours = row.public_key == log.platform_key().to_string();
            let outcome = row.outcome.clone().unwrap_or_default();
            view! {
                <li class="row">
                    <span class="tag" class:tag--good=outcome == "exact" class:tag--bad=outcome != "exact">{lang.text(&format!("outcome-{outcome}"))}</span>
                    <span class="row__main"><span>{lang.text(if ours { "attester-platform" } else { "attester-other" })}</span><span class="quiet">{row.environment.unwrap_or_default()}</span></span>
                    <a href=lang.path(&format!("/proofs/{}", row.leaf_hash))><Time lang ms=row.created_ms/></a>
                </li>
            }
        });
        let attestations = attestations.collect_view();
        let digest_label = lang.text(if kind == Some(LeafKind::SealedRecipe) {
            "commitment"
        } else {
            "statement-digest"
        });
        let end = end.map(|end| {
            let word = |kind: &str, name: Option<String>| lang.text(&format!("key-{kind}-{}", name.unwrap_or_default()));
            let told = lang.with(
                "signer-ended",
                &[
                    ("reason", word("reason", end.key.reason).into()),
                    ("authority", word("authority", end.key.authority).into()),
                ],
            );
            let verdict = lang.text(if end.stands { "signer-ended-stands" } else { "signer-ended-doubt" });
            let href = lang.path(&format!("/proofs/{}", end.key.end_leaf_hash.unwrap_or_default()));
            view! { <span id="signer-end" data-stands=end.stands.to_string()><a href=href>{told}</a> " " {verdict}</span> }
        });
        let withdrawal = withdrawal.map(|withdrawal| {
            let reason = lang.text(&format!("withdrawal-{}", withdrawal.reason.name()));
            let told = lang.with("withdrawal-told", &[("reason", reason.into())]);
            let href = lang.path(&format!("/proofs/{}", withdrawal.leaf_hash));
            view! { <p class="hint" id="withdrawal"><a href=href>{told}</a>" "<Time lang ms=withdrawal.said_ms/>" "{lang.text("withdrawal-keeps")}</p> }
        });
        let base = format!("/proofs/{}", row.leaf_hash);
        let limits = lang.text(log.limits_text());
        let comparison =
            (kind == Some(LeafKind::SealedRecipe)).then(|| comparison(lang, &row.leaf_hash, alike));
        view! {
            {heading(title, Some(kind_text))}
            {withdrawal}
            {listing.clone().map(|listing| view! { <p><a class="button button--small" href=lang.path(&format!("/listings/{}", listing.slug))>{listing.title.clone()}</a></p> })}
            <section class="card">
                <h2>{lang.text("checks")}</h2>
                <ul class="checks" id="checks">
                    {check(checks.signature, "check-signature")}
                    {check(checks.checkpoint, "check-checkpoint")}
                    {check(checks.inclusion, "check-inclusion")}
                    {witnesses}
                </ul>
                <p class="quiet">{lang.text("checks-server")}</p>
                {evidence.map(|evidence| view! { <ProofCheck evidence texts=texts/><noscript><p class="hint">{lang.text("own-check-no-script")}</p></noscript> })}
            </section>
            {(kind == Some(LeafKind::SealedRecipe)).then(|| view! {
                <section class="card"><h2>{lang.text("attestations")}</h2>
                    <div class="scroll" tabindex="0"><table id="tally"><thead><tr><th scope="col">{lang.text("environment")}</th>{outcome_head}</tr></thead><tbody>{tallies}</tbody></table></div>
                    <ul class="plain">{attestations}</ul><p class="quiet">{lang.text("attestations-line")}</p></section>
            })}
            <section class="card">
                <h2>{lang.text("leaf")}</h2>
                <dl class="facts">
                    <Fact label=digest_label><Code text=leaf.map(|leaf| leaf.digest.hex()).unwrap_or_default()/></Fact>
                    <Fact label=lang.text("leaf-hash")><Code text=row.leaf_hash.clone()/></Fact>
                    <Fact label=lang.text("signer")><Code text=key.unwrap_or_default()/>{end}</Fact>
                    <Fact label=lang.text("signature")><Code text=leaf.map(|leaf| hex::encode(leaf.signature)).unwrap_or_default()/></Fact>
                    <Fact label=lang.text("log-origin")>{log.origin.clone()}</Fact>
                    <Fact label=lang.text("queued-at")><Time lang ms=row.queued_ms/></Fact>
                    {date.map(|date| view! { <Fact label=lang.text("public-since")>{since(lang, date)}</Fact> })}
                </dl>
            </section>
            {comparison}
            {proof.map(|proof| view! {
                <section class="card">
                    <h2>{lang.text("inclusion-proof")}</h2>
                    <pre class="scroll" tabindex="0"><code>{proof.to_text()}</code></pre>
                    <p class="actions"><a class="button button--small" href=format!("{base}/proof")>{lang.text("download-proof")}</a></p>
                </section>
            })}
            {statement_text.or(listing_text).map(|text| view! { <details class="card"><summary>{lang.text("statement")}</summary><pre class="scroll" tabindex="0"><code>{pretty(text)}</code></pre></details> })}
            <section class="card">
                <h2>{lang.text("how-offline")}</h2>
                <p>{lang.text("proof-offline-line")}</p>
                {listing.map(|_| view! { <p class="actions"><a class="button" href=format!("{base}/bundle") id="public-bundle">{lang.text("download-public-bundle")}</a></p> })}
                <pre><code>"seedmark verify FILE.seedmark"</code></pre>
                <p class="quiet">{limits}</p>
            </section>
        }
        .into_any()
    })
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
fn comparison(lang: Lang, leaf_hash: &str, alike: Vec<Resemblance>) -> impl IntoView + use<> {
    let rows = alike.into_iter().map(|other| {
        let href = lang.path(&format!("/priority/{leaf_hash}/{}", other.leaf_hash));
        view! { <li class="row"><span class="row__main"><a href=href>{other.title}</a><span class="quiet"><bdi>{other.handle}</bdi></span></span><span class="quiet">{lang.text("alike-picture")} {format!(" {} %", other.picture_milli / 10)}</span></li> }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card" id="comparison">
            <h2>{lang.text("priority-title")}</h2>
            <p>{lang.text("priority-line")}</p>
            <ul class="plain">{rows}</ul>
            <form method="get" action=lang.path("/priority") class="stack">
                <input type="hidden" name="first" value=leaf_hash.to_owned()/>
                <Field lang name="second" label=lang.text("priority-second") value="" hint=lang.text("priority-hint") required=true errors=Vec::new()/>
                <p class="actions"><button class="button button--small" type="submit">{lang.text("priority-compare")}</button></p>
            </form>
        </section>
    }
}
