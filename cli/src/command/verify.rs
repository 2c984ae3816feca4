//! `seedmark verify`: every promise of a bundle but its pixels, one line each.

use crate::arguments::Verify;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use ledger::bundle::{Report, Verdict};
use ledger::policy::Policy;
use serde_json::{Value, json};

pub(crate) fn run(options: &Verify) -> Result<Exit> {
    let (bundle, policy) =
        match machine::bundle_and_policy(&options.file, options.policy.as_deref()) {
            Ok(read) => read,
            Err(error) if error.downcast_ref::<schema::Error>().is_some() => {
                return Ok(unreadable(&error, options.json));
            }
            Err(error) => return Err(error),
        };
    let report = machine::check(&bundle, &policy);
    if options.json {
        output::json(
            &json!({ "holds": report.holds(), "logged": report.index.is_some(), "index": report.index, "pixels": "not checked", "checks": checks(&report) }),
        );
    } else {
        print(&report, &policy);
        output::line("  pixels                   not checked: use `seedmark reproduce`");
        output::line(match (report.holds(), report.index) {
            (true, Some(_)) => "everything checked holds",
            (true, None) => {
                "what could be checked holds, but no log holds this seal: nothing says when it was made"
            }
            (false, _) => "this file does not hold",
        });
    }
    Ok(if report.holds() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// A file that cannot even be read as a bundle fails the check named `format`.
pub(crate) fn unreadable(error: &anyhow::Error, as_json: bool) -> Exit {
    if as_json {
        let check =
            json!({ "name": "format", "verdict": "failed", "detail": format!("{error:#}") });
        output::json(
            &json!({ "holds": false, "index": null, "pixels": "not checked", "checks": [check] }),
        );
    } else {
        output::line(format!("✗ format                   {error:#}"));
        output::line("this file does not hold");
    }
    Exit::Failed
}

/// The checks for machines.
pub(crate) fn checks(report: &Report) -> Vec<Value> {
    let row = |name: &str, verdict: &Verdict| {
        let (verdict, detail) = match verdict {
            Verdict::Passed(text) => ("passed", text),
            Verdict::Failed(text) => ("failed", text),
            Verdict::Skipped(text) => ("skipped", text),
        };
        json!({ "name": name, "verdict": verdict, "detail": detail })
    };
    report
        .checks
        .iter()
        .map(|check| row(check.name, &check.verdict))
        .collect()
}

/// The checks for people.
pub(crate) fn print(report: &Report, policy: &Policy) {
    for check in &report.checks {
        let (mark, text) = match &check.verdict {
            Verdict::Passed(text) => ("✓", text),
            Verdict::Failed(text) => ("✗", text),
            Verdict::Skipped(text) => ("–", text),
        };
        output::line(format!("{mark} {:<24} {text}", check.name));
    }
    if policy.is_first_use() {
        output::hint(
            "warning: the log's key came from this file itself; get it from a second place and use --policy",
        );
    }
}
