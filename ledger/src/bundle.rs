//! Checks everything of a bundle but its pixels, offline, one named line for each promise.
//!
//! The one rule: a check that could not be made is never shown as passed.

use crate::error::Error;
use crate::note::Verifier;
use crate::policy::{Policy, Settlement};
use crate::proof::TlogProof;
use schema::bundle::{Bundle, OwnedLicence, OwnerPart};
use schema::commitment;
use schema::digest::Digest;
use schema::key::PublicKey;
use schema::key_event::{Authority, KeyEndStatement};
use schema::leaf::{Leaf, LeafKind};
use schema::licence::{self, LicenceDocument};
use schema::recipe::Recipe;
use schema::statement::{ListingStatement, Outcome, ReproductionStatement};

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds; the text says what that means.
    Passed(String),
    /// It does not hold.
    Failed(String),
    /// It could not be made, and why.
    Skipped(String),
}

/// One named check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable name for machines and people.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
}

/// What a bundle was found to be.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// The log index of the sealed recipe, once its proof holds.
    pub index: Option<u64>,
    /// The listing statement, once its signature holds.
    pub listing: Option<ListingStatement>,
    /// The recipe, once it opens the commitment.
    pub recipe: Option<Recipe>,
}

impl Report {
    /// Whether no check failed.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self
            .checks
            .iter()
            .any(|check| matches!(check.verdict, Verdict::Failed(_)))
    }

    fn note<T>(&mut self, name: &'static str, result: Result<(T, String), String>) -> Option<T> {
        let (value, verdict) = match result {
            Ok((value, text)) => (Some(value), Verdict::Passed(text)),
            Err(text) => (None, Verdict::Failed(text)),
        };
        self.checks.push(Check { name, verdict });
        value
    }

    fn skip(&mut self, name: &'static str, why: &str) {
        self.checks.push(Check {
            name,
            verdict: Verdict::Skipped(why.into()),
        });
    }

    /// Signature of a leaf, checkpoint and inclusion, under three names.
    fn logged(
        &mut self,
        names: [&'static str; 3],
        leaf: Result<Leaf, String>,
        expected: LeafKind,
        key: &PublicKey,
        proof: Option<&str>,
        context: &Context<'_>,
    ) -> Option<(Leaf, Option<u64>)> {
        let checked = leaf.and_then(|leaf| {
            if leaf.kind != expected {
                return Err(format!(
                    "the leaf is of kind {:?}, expected {expected:?}",
                    leaf.kind
                ));
            }
            leaf.verify(context.origin, key)
                .map_err(|error| error.to_string())?;
            Ok((leaf, format!("signed by {key}")))
        });
        let leaf = self.note(names[0], checked)?;
        let Some(proof) = proof else {
            let missing = "the file holds no proof that a log holds this leaf";
            // Whoever names a log, by a policy or by its key in the file, wants to see the leaf there.
            if context.must_be_logged {
                self.note::<()>(names[1], Err(missing.into()));
            } else {
                self.skip(names[1], missing);
            }
            return Some((leaf, None));
        };
        if let Err(why) = &context.log {
            self.note::<()>(names[1], Err(why.clone()));
            return None;
        }
        let settled = TlogProof::parse(proof).and_then(|proof| {
            let settlement = context
                .policy
                .settle(&proof.checkpoint, context.now_seconds)?;
            if settlement.checkpoint.origin != context.origin {
                return Err(Error::new(
                    crate::error::ErrorKind::Forged,
                    format!("the proof is by the log {}", settlement.checkpoint.origin),
                ));
            }
            Ok((proof, settlement))
        });
        let text = |(proof, settlement): (TlogProof, Settlement)| {
            let text = settlement.to_string();
            ((proof, settlement.checkpoint), text)
        };
        let (proof, checkpoint) = self.note(
            names[1],
            settled.map(text).map_err(|error| error.to_string()),
        )?;
        let included = proof
            .verify(&leaf.hash().0, &checkpoint)
            .map(|()| (proof.index, format!("entry {} of the log", proof.index)));
        let index = self.note(names[2], included.map_err(|error| error.to_string()))?;
        Some((leaf, Some(index)))
    }
}

struct Context<'a> {
    origin: &'a str,
    policy: &'a Policy,
    log: Result<Verifier, String>,
    must_be_logged: bool,
    now_seconds: u64,
}

/// Checks a bundle against a policy. `now_seconds` is the reader's clock, seconds since 1970.
#[must_use]
pub fn check(bundle: &Bundle, policy: &Policy, now_seconds: u64) -> Report {
    let mut report = Report {
        checks: Vec::new(),
        index: None,
        listing: None,
        recipe: None,
    };
    let log = policy
        .log(&bundle.origin)
        .cloned()
        .map_err(|error: Error| error.to_string());
    let context = Context {
        origin: &bundle.origin,
        policy,
        log,
        must_be_logged: !policy.is_none() || bundle.log_key.is_some(),
        now_seconds,
    };
    match (&bundle.log_key, &context.log) {
        (None, _) => report.skip("log key", "the file names none: it was not logged yet"),
        (Some(claimed), Ok(log)) if log.to_string() == *claimed => {
            let text = if policy.is_first_use() {
                "the bundle's own, trusted on first use"
            } else {
                "as your policy says"
            };
            report.note("log key", Ok(((), text.to_owned())));
        }
        (Some(_), Ok(_)) => {
            report.note::<()>(
                "log key",
                Err("the bundle names another key than the policy for this log".into()),
            );
        }
        (Some(_), Err(why)) => {
            report.note::<()>("log key", Err(why.clone()));
        }
    }
    let leaf = bundle.leaf().map_err(|error| error.to_string());
    let names = ["leaf", "checkpoint", "inclusion"];
    let sealed = report.logged(
        names,
        leaf,
        LeafKind::SealedRecipe,
        &bundle.creator,
        bundle.sealed.proof.as_deref(),
        &context,
    );
    report.index = sealed.and_then(|(_, index)| index);
    // Later checks compare with the leaf that the file holds, whatever its proof was worth.
    let sealed = bundle.leaf().ok();
    check_listing(bundle, sealed.as_ref(), &context, &mut report);
    check_certification(bundle, sealed.as_ref(), &context, &mut report);
    check_key_end(bundle, &context, &mut report);
    match (&bundle.owner, &sealed) {
        (Some(owner), Some(leaf)) => check_owner(bundle, owner, leaf, &context, &mut report),
        (Some(_), None) => {
            report.note::<()>("commitment", Err("there is no leaf to compare with".into()));
        }
        (None, _) => report.skip(
            "commitment",
            "sealed: this is a public bundle, without recipe and salt",
        ),
    }
    report
}

fn check_listing(
    bundle: &Bundle,
    sealed: Option<&Leaf>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let opened = bundle
        .listing
        .statement
        .open::<ListingStatement>(&bundle.creator)
        .map_err(|error| error.to_string());
    let fits = opened.and_then(|(statement, _)| {
        if sealed.is_none_or(|leaf| leaf.hash() != statement.leaf) {
            return Err("the statement is about another leaf".into());
        }
        if !licence::distinct(&statement.licences) {
            return Err("the statement offers a licence twice".into());
        }
        let text = format!(
            "{} pictures of {}×{}, {}",
            statement.anchors.len(),
            statement.width,
            statement.height,
            statement.profile.name()
        );
        Ok((statement, text))
    });
    report.listing = report.note("listing statement", fits);
    let leaf = bundle.listing_leaf().map_err(|error| error.to_string());
    let leaf =
        leaf.and_then(|leaf| belongs(&leaf, bundle.listing.statement.digest()).map(|()| leaf));
    let names = ["listing leaf", "listing checkpoint", "listing inclusion"];
    report.logged(
        names,
        leaf,
        LeafKind::Listing,
        &bundle.creator,
        bundle.listing.proof.as_deref(),
        context,
    );
}

fn belongs(leaf: &Leaf, digest: Result<Digest, schema::Error>) -> Result<(), String> {
    match digest {
        Ok(digest) if digest == leaf.digest => Ok(()),
        Ok(_) => Err("the leaf does not belong to the statement".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn check_certification(
    bundle: &Bundle,
    sealed: Option<&Leaf>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(part) = &bundle.certification else {
        return report.skip("certification", "the file holds none");
    };
    let opened = part
        .statement
        .open::<ReproductionStatement>(&part.key)
        .map_err(|error| error.to_string());
    let listing = report.listing.clone();
    let fits = opened.and_then(|(statement, _)| {
        if sealed.is_none_or(|leaf| leaf.hash() != statement.leaf) {
            return Err("the statement is about another leaf".into());
        }
        let same = listing.is_some_and(|listing| {
            listing
                .anchors
                .iter()
                .map(|anchor| anchor.pixels)
                .eq(statement.found.iter().copied())
        });
        if statement.outcome != Outcome::Exact || !same {
            return Err(format!(
                "the run before the sale ended {} and not with the sealed digests",
                statement.outcome.name()
            ));
        }
        Ok((
            (),
            format!(
                "{} regenerated every picture: {}, {}",
                part.key, statement.environment.runtime, statement.environment.cpu
            ),
        ))
    });
    report.note("certification", fits);
    let leaf = part
        .logged
        .leaf("certification.leaf")
        .map_err(|error| error.to_string());
    let leaf = leaf.and_then(|leaf| belongs(&leaf, part.statement.digest()).map(|()| leaf));
    let names = [
        "certification leaf",
        "certification checkpoint",
        "certification inclusion",
    ];
    report.logged(
        names,
        leaf,
        LeafKind::Reproduction,
        &part.key,
        Some(&part.logged.proof),
        context,
    );
}

/// A key's end does not undo what the log holds before it.
fn check_key_end(bundle: &Bundle, context: &Context<'_>, report: &mut Report) {
    let Some(part) = &bundle.key_end else {
        return report.skip(
            "key end",
            "the file knows of none; the log may hold a later one",
        );
    };
    let leaf = part.logged.leaf("key_end.leaf");
    let opened = leaf.and_then(|leaf| {
        // For an account's word the signer is the platform's key, which the file names and nothing here vouches for.
        KeyEndStatement::open(&part.statement, &leaf, context.origin, &part.key, &part.key)
            .map(|statement| (statement, leaf))
    });
    let opened = opened.map_err(|error| error.to_string());
    let opened = opened.and_then(|(statement, leaf)| {
        if statement.key_hash != bundle.creator.hash() {
            return Err("the statement ends another key".into());
        }
        let authority = match statement.authority {
            Authority::Key => "on its own word".to_owned(),
            Authority::Account => format!("on the word of {}", part.key),
        };
        let reason = statement.reason.name();
        Ok((
            leaf,
            format!("the creator's key ended: {reason}, {authority}"),
        ))
    });
    let Some(leaf) = report.note("key end", opened) else {
        return;
    };
    let names = ["key end leaf", "key end checkpoint", "key end inclusion"];
    let proof = Some(part.logged.proof.as_str());
    let logged = report.logged(
        names,
        Ok(leaf),
        LeafKind::KeyEvent,
        &part.key,
        proof,
        context,
    );
    let ended = logged.and_then(|(_, index)| index);
    let one_tree = bundle.sealed.proof.as_deref().and_then(tree_of) == tree_of(&part.logged.proof);
    let order = match (report.index, ended) {
        _ if !one_tree => {
            Err("seal and end are proven in two trees, which says nothing of their order".into())
        }
        (Some(sealed), Some(ended)) if sealed < ended => Ok((
            (),
            format!("the seal is entry {sealed}, the key ended later, at {ended}: the seal stands"),
        )),
        (Some(sealed), Some(ended)) => Err(format!(
            "the key had ended at entry {ended}, before the seal at {sealed}"
        )),
        _ => Err("the order of seal and end is not proven".into()),
    };
    report.note("key end order", order);
}

/// What a proof's checkpoint says of the tree: origin, size and root.
fn tree_of(proof: &str) -> Option<String> {
    let proof = TlogProof::parse(proof).ok()?;
    let (body, _) = proof.checkpoint.split_once("\n\n")?;
    Some(body.to_owned())
}

fn check_owner(
    bundle: &Bundle,
    owner: &OwnerPart,
    leaf: &Leaf,
    context: &Context<'_>,
    report: &mut Report,
) {
    let recipe = owner
        .recipe_bytes()
        .and_then(|bytes| Recipe::parse(&bytes).map(|recipe| (bytes, recipe)));
    let described = recipe
        .map_err(|error| error.to_string())
        .and_then(|(bytes, recipe)| match &report.listing {
            Some(listing) if !describes(listing, &recipe) => {
                Err("the recipe is not the one that the listing statement describes".into())
            }
            _ => Ok((
                (bytes, recipe),
                "well formed, and as the listing statement describes it".to_owned(),
            )),
        });
    let opened = report.note("recipe", described);
    let anchors: Vec<Digest> = report
        .listing
        .iter()
        .flat_map(|listing| listing.anchors.iter().map(|anchor| anchor.pixels.blake3))
        .collect();
    let opens = match &opened {
        Some((bytes, _)) => owner
            .salt()
            .and_then(|salt| {
                commitment::open(&leaf.digest, &salt, &bundle.creator, bytes, &anchors)
            })
            .map(|()| {
                (
                    (),
                    "recipe, salt, key and pixel digests are those that were sealed".to_owned(),
                )
            })
            .map_err(|error| error.to_string()),
        None => Err("there is no recipe that could open it".into()),
    };
    if report.note("commitment", opens).is_some() {
        report.recipe = opened.map(|(_, recipe)| recipe);
    }
    match &owner.licence {
        Some(licence) => check_licence(licence, leaf, context, report),
        None => report.skip("licence", "the file holds none"),
    }
}

fn describes(listing: &ListingStatement, recipe: &Recipe) -> bool {
    let variables = recipe
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.public()));
    listing.model == recipe.model
        && listing.profile == recipe.profile
        && (listing.width, listing.height) == (recipe.width, recipe.height)
        && listing.anchors.len() == recipe.anchors.len()
        && variables.eq(listing.variables.clone())
}

fn check_licence(
    licence: &OwnedLicence,
    sealed: &Leaf,
    context: &Context<'_>,
    report: &mut Report,
) {
    let read = licence
        .document_bytes()
        .and_then(|bytes| LicenceDocument::parse(&bytes).map(|document| (bytes, document)));
    let leaf = licence
        .logged
        .leaf("licence.leaf")
        .map_err(|error| error.to_string());
    let fits = read
        .map_err(|error| error.to_string())
        .and_then(|(bytes, document)| {
            let salt = licence.salt().map_err(|error| error.to_string())?;
            let leaf = leaf.clone()?;
            if document.leaf != sealed.hash() {
                return Err("the licence is for another leaf".into());
            }
            if licence::commit(&salt, &sealed.hash(), &bytes) != leaf.digest {
                return Err("the licence is not the one that was logged".into());
            }
            Ok((
                (),
                format!(
                    "{}, order line {}",
                    document.licence.id(),
                    document.order_line
                ),
            ))
        });
    report.note("licence", fits);
    let names = ["licence leaf", "licence checkpoint", "licence inclusion"];
    report.logged(
        names,
        leaf,
        LeafKind::Licence,
        &licence.key,
        Some(&licence.logged.proof),
        context,
    );
}
