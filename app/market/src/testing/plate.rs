//! A recipe with a variable of each kind, of one step and the embedded model: for tests that make its pictures.

use super::{Listing, Shop, Version};
use crate::catalog::versions::VersionSecret;
use crate::models::Models;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::id::ListingId;
use schema::recipe::{Anchor, ModelDigest, Recipe, Scheduler, Seed};
use schema::template::{Choice, Values, Variable};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What no page, file or message may hold before the sale.
pub(crate) const TEMPLATE: &str = "{n} small {dish} on a {colour} plate";
/// The text behind a public label.
pub(crate) const SEALED_TEXT: &str = "crimson";
/// The seed of the first sealed picture, as text.
pub(crate) const SEED: &str = "9876543210123456789";

fn model() -> ModelDigest {
    static DIGEST: OnceLock<ModelDigest> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let models = Models::load(None).expect("the embedded model");
        models.usual().digest
    })
}

/// The recipe.
pub(crate) fn recipe() -> Recipe {
    let scheduler = Scheduler::FlowEuler { shift_milli: 3000 };
    let size = (128, 128);
    let mut recipe = Recipe::new(model(), TEMPLATE.into(), scheduler, 1, 1000, size);
    let choice = |label: &str, text: &str| Choice {
        label: label.into(),
        text: text.into(),
    };
    recipe.variables = BTreeMap::from([
        (
            "colour".into(),
            Variable::Choice {
                choices: vec![choice("red", SEALED_TEXT), choice("blue", "azure")],
                default: "red".into(),
            },
        ),
        (
            "dish".into(),
            Variable::Text {
                max_characters: 20,
                default: "cake".into(),
            },
        ),
        (
            "n".into(),
            Variable::Number {
                minimum: 1,
                maximum: 5,
                step: 1,
                default: 1,
            },
        ),
    ]);
    let defaults: Values = recipe
        .variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.default_value()))
        .collect();
    let seed = Seed::parse(SEED).expect("a seed");
    recipe.anchors = vec![
        Anchor {
            values: defaults.clone(),
            seed,
        },
        Anchor {
            values: defaults,
            seed: Seed(seed.0 / 3),
        },
    ];
    recipe
}

/// A listing of the first seller with this recipe: its version and its own id are known by `name`.
pub(crate) async fn plate(
    shop: &Shop,
    name: &str,
    with: impl FnOnce(Listing) -> Listing,
) -> ListingId {
    let recipe = recipe();
    let secret = VersionSecret {
        recipe: STANDARD.encode(recipe.to_bytes().expect("a recipe")),
        salt: STANDARD.encode([2; 32]),
        starting: Vec::new(),
    };
    let plain = serde_json::to_vec(&secret).expect("JSON");
    let public: BTreeMap<_, _> = recipe
        .variables
        .iter()
        .map(|(name, variable)| (name, variable.public()))
        .collect();
    let version = Version::new()
        .id(name)
        .model(&recipe.model.to_string())
        .variables(serde_json::to_string(&public).expect("JSON"))
        .anchors(2)
        .secret(&shop.till.vault, &plain);
    let listing = Listing::of(&shop.sellers[0])
        .id(&format!("{name} listing"))
        .title("Plate");
    with(listing).version(version).save(&shop.till.db).await
}
