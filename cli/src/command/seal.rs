//! `seedmark seal`: regenerate, commit, sign.

use super::starting;
use crate::arguments::Seal;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{machine, output};
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::label;
use schema::bundle::{Bundle, OwnerPart, SealedListing, SealedPart};
use schema::commitment::Salt;
use schema::licence::{self, Licence};
use schema::sealing::{Material, seal};
use schema::statement::AnchorStatement;

pub(crate) fn run(options: &Seal) -> Result<Exit> {
    let recipe = super::generate::read_recipe(&options.recipe)?;
    recipe.check_for_sale()?;
    if let Err(error) = recipe.check_seeds_for_sale() {
        output::hint(format!("warning: {error}; a shop refuses such a recipe"));
    }
    let licences = options
        .licences
        .iter()
        .map(|text| Licence::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    ensure!(
        licence::distinct(&licences),
        "--licences: one is named twice"
    );
    ensure!(
        schema::leaf::is_origin(&options.origin),
        "--origin {:?}: is no log's name; it has no white space and no plus sign, such as shop.example/log",
        options.origin
    );
    let target = Target::file(&options.out, Content::Secret)?;
    if options.json && target.is_stdout() {
        bail!("--out -: the bundle and the JSON would both go to standard output");
    }
    let secret = machine::open_key(&options.key)?;
    super::generate::hint_at(&recipe);
    let (model, runtime) = machine::engine(options.model.as_deref(), Some(&recipe))?;
    let begun = starting::of_recipe_file(&options.recipe, &options.picture, &recipe)?;
    // Before the minutes of work, not after them.
    let files = recipe.init.as_ref().map(|init| begun.files(init));
    let files = files.transpose().context(super::generate::GIVEN_WITH)?;
    schema::bundle::check_picture_files(files.as_deref().unwrap_or_default())?;
    let requests = super::generate::of_anchors(&recipe, &model, &begun)?;
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
        pictures: files.map(|files| files.iter().map(|file| STANDARD.encode(file)).collect()),
        salt: STANDARD.encode(salt.0),
        recipe: STANDARD.encode(&bytes),
        licence: None,
    });
    target.write(&bundle.to_bytes()?)?;
    let leaf = sealed.leaf;
    if options.json {
        output::json(&serde_json::json!({
            "file": options.out.display().to_string(), "commitment": leaf.digest, "leaf_hash": leaf.hash(), "key": secret.public(), "origin": options.origin, "anchors": anchors,
        }));
    } else {
        output::line(format!("sealed      {}", options.out.display()));
        output::line(format!("commitment  {}", leaf.digest));
        output::line(format!("leaf hash   {}", leaf.hash()));
        output::line(format!("key         {}", secret.public()));
        output::hint("not logged yet: until a log holds the leaf, nothing says when it was sealed");
    }
    Ok(Exit::Success)
}
