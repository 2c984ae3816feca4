//! `seedmark reproduce`: check a bundle, regenerate its pictures, compare digests.

use crate::arguments::Reproduce;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::{Result, anyhow};
use engine::pipeline::Request;
use engine::profile;
use ledger::bundle::check;
use schema::statement::Outcome;
use serde_json::json;

pub(crate) fn run(options: &Reproduce) -> Result<Exit> {
    let (bundle, policy) =
        match machine::bundle_and_policy(&options.file, options.policy.as_deref()) {
            Ok(read) => read,
            Err(error) if error.downcast_ref::<schema::Error>().is_some() => {
                return Ok(super::verify::unreadable(&error, options.json));
            }
            Err(error) => return Err(error),
        };
    let report = check(&bundle, &policy);
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
    let (model, runtime) = machine::engine(options.model.as_deref())?;
    let requests = Request::of_anchors(recipe, &model)?;
    let pictures = machine::generate(&model, &runtime, &requests, options.workers.workers)?;
    let mut rows = Vec::new();
    let mut equal = 0;
    for (index, (picture, sealed)) in pictures.iter().zip(&listing.anchors).enumerate() {
        let found = picture.digest()?;
        let same = found == sealed.pixels;
        equal += usize::from(same);
        if let Some(folder) = &options.out {
            machine::write(
                &folder.join(format!("anchor-{index}.png")),
                &picture.to_png(None)?,
                false,
            )?;
        }
        if !options.json {
            let verdict = if same {
                "equal".to_owned()
            } else {
                format!("different: sealed {}", sealed.pixels.blake3)
            };
            output::line(&format!(
                "{} picture {index:<16} {} {verdict}",
                if same { "✓" } else { "✗" },
                found.blake3
            ));
        }
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
    if options.json {
        let environment = profile::environment(&runtime, recipe.profile);
        output::json(
            &json!({ "holds": true, "outcome": outcome, "pictures": rows, "environment": environment, "checks": super::verify::checks(&report) }),
        );
    } else {
        output::line(&format!(
            "{equal} of {} pictures are equal, bit for bit",
            pictures.len()
        ));
    }
    Ok(match outcome {
        Outcome::Exact => Exit::Success,
        Outcome::Near => Exit::Near,
        Outcome::Different => Exit::Failed,
    })
}
