//! `seedmark reproduce`: check a bundle, regenerate its pictures, compare digests, and publish the outcome if that is wanted.

mod near;

use crate::arguments::Reproduce;
use crate::exit::Exit;
use crate::target::Target;
use crate::{machine, maker, output};
use anyhow::{Result, anyhow, ensure};
use engine::pipeline::Request;
use engine::profile;
use ledger::client::Remote;
use schema::attestation::Attestation;
use schema::bundle::{Bundle, OwnedLicence};
use schema::key::SecretKey;
use schema::statement::{Outcome, ReproductionStatement};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn run(options: &Reproduce) -> Result<Exit> {
    let (bundle, policy) =
        match machine::bundle_and_policy(&options.file, options.policy.as_deref()) {
            Ok(read) => read,
            Err(error) if error.downcast_ref::<schema::Error>().is_some() => {
                return Ok(super::verify::unreadable(&error, options.json));
            }
            Err(error) => return Err(error),
        };
    let report = machine::check(&bundle, &policy);
    if !options.json {
        super::verify::print(&report, &policy);
    }
    if !report.holds() {
        if options.json {
            output::json(&json!({ "holds": false, "checks": super::verify::checks(&report) }));
        } else {
            output::line("this file does not hold; nothing was regenerated");
        }
        return Ok(Exit::Failed);
    }
    let recipe = report.recipe.as_ref().ok_or_else(|| {
        anyhow!("this is a public bundle without recipe; only an owner's bundle can be reproduced")
    })?;
    let listing = report
        .listing
        .as_ref()
        .ok_or_else(|| anyhow!("the bundle holds no listing statement"))?;
    let provider = maker::provider(options.runs.ep.as_deref())?;
    ensure!(
        provider.is_none() || options.attest.is_none(),
        "--attest: what an execution provider makes is compared by tolerance, and only equal bits are attested: reproduce without one"
    );
    ensure!(
        provider.is_some() || options.sealed.is_empty(),
        "--sealed: without --ep the sealed digests are compared, which need no picture"
    );
    // Before the minutes of work, not after them.
    let mut places = match &options.out {
        Some(folder) => Target::folder(folder, recipe.anchors.len())?,
        None => Vec::new(),
    }
    .into_iter();
    let signer = match &options.key {
        Some(key) => Some(Signer::open(&bundle, key)?),
        None => None,
    };
    let begun = super::starting::of_bundle(bundle.owner.as_ref())?;
    if let Some(provider) = provider {
        let (made, sealed) = ((recipe, &begun), &listing.anchors);
        return near::run(options, provider, made, sealed, places.collect(), &report);
    }
    let (model, runtime) = machine::engine(options.model.as_deref(), Some(recipe))?;
    let requests = Request::of_anchors(recipe, &model, &begun)?;
    let pictures = machine::generate(&model, &runtime, &requests, options.workers.workers)?;
    let (mut rows, mut digests) = (Vec::new(), Vec::new());
    let mut equal = 0;
    for (index, (picture, sealed)) in pictures.iter().zip(&listing.anchors).enumerate() {
        let found = picture.digest()?;
        let same = found == sealed.pixels;
        equal += usize::from(same);
        if let Some((_, place)) = places.next() {
            place.write(&picture.to_png(None)?)?;
        }
        if !options.json {
            let verdict = if same {
                "equal".to_owned()
            } else {
                format!("different: sealed {}", sealed.pixels.blake3)
            };
            output::line(format!(
                "{} picture {:<16} {} {verdict}",
                if same { "✓" } else { "✗" },
                index + 1,
                found.blake3
            ));
        }
        digests.push(found);
        rows.push(
            json!({ "anchor": index, "sealed": sealed.pixels, "found": found, "equal": same }),
        );
    }
    // Without the sealed picture a difference cannot be measured, so a bundle alone never says "near".
    let outcome = if equal == pictures.len() {
        Outcome::Exact
    } else {
        Outcome::Different
    };
    let environment = profile::environment(&runtime, recipe.profile);
    if !options.json {
        output::line(format!(
            "{equal} of {} pictures are equal, bit for bit",
            pictures.len()
        ));
    }
    let published = match (&options.attest, signer) {
        (Some(shop), Some(signer)) => {
            let statement = ReproductionStatement {
                leaf: bundle.leaf()?.hash(),
                environment: environment.clone(),
                found: digests,
                outcome,
            };
            Some(attest(
                &bundle.origin,
                &statement,
                shop,
                signer,
                options.json,
            )?)
        }
        _ => None,
    };
    if options.json {
        output::json(
            &json!({ "holds": true, "outcome": outcome, "pictures": rows, "environment": environment, "checks": super::verify::checks(&report), "published": published }),
        );
    }
    Ok(match outcome {
        Outcome::Exact => Exit::Success,
        Outcome::Near => Exit::Near,
        Outcome::Different => Exit::Failed,
    })
}

/// What an outcome is published with.
struct Signer {
    secret: SecretKey,
    licence: OwnedLicence,
}

impl Signer {
    fn open(bundle: &Bundle, key: &Path) -> Result<Self> {
        let licence = bundle
            .owner
            .as_ref()
            .and_then(|owner| owner.licence.clone());
        let licence = licence.ok_or_else(|| {
            anyhow!("this file holds no licence; only who bought the recipe can publish an outcome")
        })?;
        let secret = machine::open_key(key)?;
        Ok(Self { secret, licence })
    }
}

/// Signs the outcome and hands it to the shop, whose log publishes it. Returns what the shop answered.
fn attest(
    origin: &str,
    statement: &ReproductionStatement,
    shop: &str,
    signer: Signer,
    quiet: bool,
) -> Result<Value> {
    let OwnedLicence { document, salt, .. } = signer.licence;
    let attestation = Attestation::sign(statement, origin, &signer.secret, document, salt)?;
    let shop = Remote::new(shop)?;
    let (status, body) = shop.post("log/attestations", &attestation.to_bytes()?)?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| {
        anyhow!(
            "{} answered {status}, and not as a shop would",
            shop.prefix()
        )
    })?;
    match (status, &answer["index"], &answer["error"]) {
        (200, index, _) if index.is_u64() => {
            if !quiet {
                let page = answer["page"].as_str().unwrap_or_default();
                output::line(format!("published as entry {index} of the log: {page}"));
            }
        }
        (202, ..) => output::hint("the outcome is queued; its checkpoint is not public yet"),
        (_, _, Value::String(why)) => return Err(anyhow!("the shop does not take it: {why}")),
        _ => return Err(anyhow!("the shop answered {status}")),
    }
    Ok(answer)
}
