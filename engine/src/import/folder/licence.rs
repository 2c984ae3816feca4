//! The licence of a model folder: what its card says, against what may be sold.
//!
//! The one rule: a licence that is not known is asked for, and one that forbids sale is an error by file and field unless the model is added
//! for one's own use.

use super::index::{Folder, wrong};
use crate::error::{Error, ErrorKind};

/// The card that model folders carry.
const CARD: &str = "README.md";
/// As cards name licences → as it is written here. Those whose text lets people sell what they make with the model.
const FOR_SALE: &[(&str, &str)] = &[
    ("apache-2.0", "Apache-2.0"),
    ("mit", "MIT"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("cc0-1.0", "CC0-1.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("openrail", "LicenseRef-OpenRAIL"),
    ("creativeml-openrail-m", "LicenseRef-CreativeML-OpenRAIL-M"),
    ("openrail++", "LicenseRef-CreativeML-OpenRAIL-PlusPlus-M"),
    ("bigscience-openrail-m", "LicenseRef-BigScience-OpenRAIL-M"),
];
/// Parts of names of licences that forbid it.
const NOT_FOR_SALE: &[&str] = &["-nc", "noncommercial", "non-commercial", "research"];

/// A licence with what it lets people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// As an expression of SPDX, or a reference.
    pub name: String,
    /// Whether pictures and their recipes may be sold.
    pub for_sale: bool,
}

/// What the card's first lines say of a field.
fn field(card: &str, name: &str) -> Option<String> {
    let head = card.strip_prefix("---")?.split("\n---").next()?;
    let line = head.lines().find_map(|line| line.strip_prefix(name))?;
    let value = line.trim().trim_matches(['"', '\'']).trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn forbids(licence: &str) -> bool {
    let folded = licence.to_lowercase();
    NOT_FOR_SALE.iter().any(|part| folded.contains(part))
}

/// A stated licence, or the card's.
///
/// # Errors
/// `ErrorKind::NotOffered` naming the field that forbids sale, or is not there.
pub(super) fn read(
    folder: &Folder,
    stated: Option<&str>,
    for_own_use: bool,
) -> Result<Licence, Error> {
    let card = folder.file(CARD)?.unwrap_or_default();
    let card = String::from_utf8_lossy(&card);
    let named = field(&card, "license:");
    let other = field(&card, "license_name:");
    // What the card forbids, nobody's word allows.
    let carded_forbids = named.as_deref().is_some_and(forbids);
    if let (Some(stated), Some(carded)) = (stated, &named)
        && forbids(carded)
        && !forbids(stated)
        && !for_own_use
    {
        return Err(wrong(
            CARD,
            "license",
            &format!(
                "is {carded:?}, which forbids sale, and --licence says {stated:?}; --for-own-use adds it for pictures that are not sold"
            ),
        ));
    }
    let place = if stated.is_some() { "--licence" } else { CARD };
    let found = match (stated, named) {
        (Some(stated), _) => stated.to_owned(),
        (None, Some(named)) if named == "other" => other.unwrap_or(named),
        (None, Some(named)) => named,
        (None, None) => {
            return Err(Error::new(
                ErrorKind::NotOffered,
                format!(
                    "{CARD}: license is not there; say which it is with --licence, as the model's page names it"
                ),
            ));
        }
    };
    let folded = found.to_lowercase();
    let known = FOR_SALE
        .iter()
        .find(|(name, expression)| *name == folded || expression.to_lowercase() == folded);
    if let Some((_, expression)) = known {
        return Ok(Licence {
            name: (*expression).to_owned(),
            for_sale: !carded_forbids,
        });
    }
    let forbids = forbids(&found);
    // A licence that somebody states and nobody knows is theirs to have read; "other" is no licence.
    let is_name = !["other", "unknown", "none"].contains(&folded.as_str());
    let for_sale = stated.is_some() && is_name && !forbids && !carded_forbids;
    if for_sale || for_own_use {
        return Ok(Licence {
            name: found,
            for_sale,
        });
    }
    let why = match forbids {
        true => "which forbids sale; --for-own-use adds it for pictures that are not sold",
        false => {
            "which is not known here; if its text lets you sell, state it with --licence, else --for-own-use"
        }
    };
    let message = match place {
        CARD => format!("{CARD}: license is {found:?}, {why}"),
        place => format!("{place} is {found:?}, {why}"),
    };
    Err(Error::new(ErrorKind::NotOffered, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(card: Option<&str>, stated: Option<&str>, own: bool) -> Result<Licence, String> {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(card) = card {
            std::fs::write(folder.path().join(CARD), card).expect("a card");
        }
        read(&Folder::new(folder.path()), stated, own).map_err(|error| error.to_string())
    }

    #[test]
    fn a_card_that_lets_people_sell_is_taken_as_it_says() {
        let card = "---\nlicense: creativeml-openrail-m\ntags:\n- x\n---\n# A model\n";
        let licence = with(Some(card), None, false).expect("a licence");
        assert_eq!(licence.name, "LicenseRef-CreativeML-OpenRAIL-M");
        assert!(licence.for_sale);
    }

    #[test]
    fn a_licence_that_forbids_sale_is_named_with_file_and_field() {
        let card = "---\nlicense: other\nlicense_name: flux-1-dev-non-commercial-license\n---\n";
        let refused = with(Some(card), None, false).expect_err("forbidden");
        assert!(
            refused.starts_with("README.md: license is \"flux-1-dev-non-commercial"),
            "{refused}"
        );
        assert!(
            !with(Some(card), None, true)
                .expect("for one's own use")
                .for_sale
        );
        let stated = with(None, Some("CC-BY-NC-4.0"), false).expect_err("forbidden");
        assert!(stated.contains("forbids sale"), "{stated}");
    }

    #[test]
    fn what_the_card_forbids_nobodys_word_allows() {
        let card = "---\nlicense: cc-by-nc-4.0\n---\n";
        let refused = with(Some(card), Some("MIT"), false).expect_err("forbidden");
        assert!(
            refused.contains("cc-by-nc-4.0") && refused.contains("MIT"),
            "{refused}"
        );
        assert!(
            !with(Some(card), Some("CC-BY-NC-4.0"), true)
                .expect("own use")
                .for_sale
        );
        assert!(
            !with(Some(card), Some("MIT"), true)
                .expect("own use")
                .for_sale
        );
        assert!(with(None, Some("other"), false).is_err());
    }

    #[test]
    fn a_folder_without_a_card_asks_for_the_licence() {
        let asked = with(None, None, true).expect_err("asked");
        assert!(asked.contains("--licence"), "{asked}");
        assert!(with(None, Some("mit"), false).expect("stated").for_sale);
        assert!(
            with(Some("no head"), Some("My own terms"), false)
                .expect("stated")
                .for_sale
        );
    }
}
