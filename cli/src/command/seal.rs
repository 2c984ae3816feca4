//! `seedmark seal`: regenerate, commit, sign.

use crate::arguments::Seal;
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::label;
use engine::pipeline::Request;
use schema::bundle::{Bundle, OwnerPart, SealedListing, SealedPart};
use schema::commitment::Salt;
use schema::key_file::KeyFile;
use schema::licence::Licence;
use schema::sealing::{Material, seal};
use schema::statement::AnchorStatement;

pub(crate) fn run(options: &Seal) -> Result<Exit> {
    let recipe = super::generate::read_recipe(&options.recipe)?;
    recipe.check_for_sale()?;
    if let Err(error) = recipe.check_seeds_for_sale() {
        output::hint(&format!("warning: {error}; a shop refuses such a recipe"));
    }
    let licences = options
        .licences
        .iter()
        .map(|text| Licence::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let file = KeyFile::parse(&machine::read(&options.key)?)?;
    let secret = file.open(&machine::passphrase(false)?)?;
    let (model, runtime) = machine::engine(options.model.as_deref())?;
    let requests = Request::of_anchors(&recipe, &model)?;
    let mut anchors = Vec::new();
    for picture in machine::generate(&model, &runtime, &requests, None)? {
        anchors.push(AnchorStatement {
            pixels: picture.digest()?,
            labelled: label::overlay(&picture).digest()?,
        });
    }
    let bytes = recipe.to_bytes()?;
    let material = Material {
        origin: &options.origin,
        recipe: &bytes,
        anchors: &anchors,
        label_version: label::VERSION,
        licences: &licences,
    };
    let salt = Salt(machine::random()?);
    let sealed = seal(&material, &salt, &secret)?;
    let part = SealedPart {
        leaf: STANDARD.encode(sealed.leaf.to_bytes()),
        proof: None,
    };
    let listing = SealedListing {
        statement: sealed.listing,
        leaf: STANDARD.encode(sealed.listing_leaf.to_bytes()),
        proof: None,
    };
    let mut bundle = Bundle::new(options.origin.clone(), None, secret.public(), part, listing);
    bundle.owner = Some(OwnerPart {
        salt: STANDARD.encode(salt.0),
        recipe: STANDARD.encode(&bytes),
        licence: None,
    });
    machine::write(&options.out, &bundle.to_bytes()?, true)?;
    let leaf = sealed.leaf;
    if options.json {
        output::json(&serde_json::json!({
            "file": options.out, "commitment": leaf.digest, "leaf_hash": leaf.hash(), "key": secret.public(), "origin": options.origin, "anchors": anchors,
        }));
    } else {
        output::line(&format!(
            "sealed      {}\ncommitment  {}\nleaf hash   {}\nkey         {}",
            options.out.display(),
            leaf.digest,
            leaf.hash(),
            secret.public()
        ));
        output::hint("not logged yet: until a log holds the leaf, nothing says when it was sealed");
    }
    Ok(Exit::Success)
}
