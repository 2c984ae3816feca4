//! `seedmark key end`: the last statement that a key signs.

use crate::arguments::{Key, KeyCommand};
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::{Result, anyhow};
use ledger::client::Remote;
use ledger::note::Verifier;
use schema::key_event::{KeyEnd, Reason};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &Key) -> Result<Exit> {
    let KeyCommand::End {
        key,
        reason,
        successor,
        shop,
        origin,
        json,
    } = &options.command;
    end(key, reason, successor.as_ref(), shop, origin, *json)
}

fn end(
    key: &Path,
    reason: &str,
    successor: Option<&PathBuf>,
    shop: &str,
    origin: &str,
    json: bool,
) -> Result<Exit> {
    let reason = Reason::parse(reason)?;
    let shop = Remote::new(shop)?;
    // The log's name is inside the signature: a shop that names another's log would get an end that is good there.
    let verifier = Verifier::parse(shop.text("log/vkey")?.trim())?;
    if verifier.name() != origin {
        return Err(anyhow!(
            "{} keeps the log {}, not {origin}: nothing was signed",
            shop.prefix(),
            verifier.name()
        ));
    }
    let secret = machine::open_key(key)?;
    let successor = successor.map(|path| machine::open_key(path)).transpose()?;
    let sent = KeyEnd::sign(origin, &secret, reason, successor.as_ref())?;
    let (status, body) = shop.post("log/key-ends", &sent.to_bytes()?)?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| {
        anyhow!(
            "{} answered {status}, and not as a shop would",
            shop.prefix()
        )
    })?;
    if status != 200 {
        let why = answer["error"].as_str().unwrap_or("it does not say why");
        return Err(anyhow!("the shop does not take it: {why}"));
    }
    if json {
        output::json(&answer);
    } else {
        let page = answer["page"].as_str().unwrap_or_default();
        output::line(format!("{} has ended: {page}", secret.public()));
        output::hint(format!(
            "it ended for the log {origin}; other logs do not know of it"
        ));
    }
    Ok(Exit::Success)
}
