//! `seedmark keygen`: a new key, encrypted at rest.

use crate::arguments::Keygen;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use schema::key::SecretKey;
use schema::key_file::KeyFile;

pub(crate) fn run(options: &Keygen) -> Result<Exit> {
    let passphrase = machine::passphrase(true)?;
    let secret = SecretKey::from_bytes(machine::random()?);
    let file = KeyFile::seal(&secret, &passphrase, &machine::random()?)?;
    machine::write(&options.out, &file.to_bytes()?, true)?;
    if options.json {
        output::json(
            &serde_json::json!({ "public": file.public, "key_hash": file.public.hash(), "file": options.out }),
        );
    } else {
        output::line(&file.public.to_string());
        output::hint(&format!(
            "wrote {}; keep a copy, nobody can replace it",
            options.out.display()
        ));
    }
    Ok(Exit::Success)
}
