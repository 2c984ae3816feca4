//! `seedmark keygen`: a new key, encrypted at rest.

use crate::arguments::Keygen;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{machine, output};
use anyhow::{Result, bail};
use schema::key::SecretKey;
use schema::key_file::KeyFile;

pub(crate) fn run(options: &Keygen) -> Result<Exit> {
    let target = Target::file(&options.out, Content::Secret)?;
    if target.is_stdout() {
        bail!("--out -: a key is kept in a file (./- for one named -)");
    }
    let passphrase = machine::new_passphrase()?;
    let secret = SecretKey::from_bytes(machine::random()?);
    let file = KeyFile::seal(&secret, &passphrase, &machine::random()?)?;
    target.write(&file.to_bytes()?)?;
    let place = options.out.display();
    if options.json {
        output::json(
            &serde_json::json!({ "public": file.public, "key_hash": file.public.hash(), "file": place.to_string() }),
        );
    } else {
        output::line(file.public);
        output::hint(format!("wrote {place}; keep a copy, nobody can replace it"));
    }
    Ok(Exit::Success)
}
