//! What an owner sends to publish a reproduction: the signed statement, its leaf, and the licence that makes them an owner.
//!
//! The one rule: the licence convinces the platform alone; what is published holds nothing of it.

use crate::canonical;
use crate::digest::Digest;
use crate::error::Error;
use crate::key::{PublicKey, SecretKey};
use crate::leaf::{Leaf, LeafKind};
use crate::licence::{self, LicenceDocument};
use crate::statement::{Envelope, Environment, ReproductionStatement};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The format's name.
pub const FORMAT: &str = "seedmark.dev/attestation/v1";
/// The largest attestation, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Features of a CPU that a statement may name.
const FEATURES: [&str; 3] = ["avx2", "fma", "avx512f"];

/// A statement on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    format: String,
    /// The DSSE envelope.
    pub statement: Envelope,
    /// 130 bytes, base64.
    pub leaf: String,
    /// Who signed both.
    pub key: PublicKey,
    /// The licence document's exact bytes, base64.
    pub licence: String,
    /// The licence's salt, 32 bytes, base64.
    pub licence_salt: String,
}

/// What an attestation says, checked as far as it can be without the log.
pub struct Opened {
    /// The statement.
    pub statement: ReproductionStatement,
    /// Its leaf.
    pub leaf: Leaf,
    /// The licence document.
    pub licence: LicenceDocument,
    /// The digest that a logged licence leaf must have.
    pub licence_digest: Digest,
}

impl Attestation {
    /// Signs a statement for the log `origin`. `licence` and `salt` are the exact texts of the owner's bundle.
    ///
    /// # Errors
    /// As [`Environment::check`].
    pub fn sign(
        statement: &ReproductionStatement,
        origin: &str,
        secret: &SecretKey,
        licence: String,
        salt: String,
    ) -> Result<Self, Error> {
        statement.environment.check()?;
        let envelope = Envelope::sign(&statement.subjects(), statement, secret)?;
        let leaf = Leaf::sign(origin, LeafKind::Reproduction, envelope.digest()?, secret);
        Ok(Self {
            format: FORMAT.into(),
            statement: envelope,
            leaf: STANDARD.encode(leaf.to_bytes()),
            key: secret.public(),
            licence,
            licence_salt: salt,
        })
    }

    /// Reads an attestation.
    ///
    /// # Errors
    /// Names what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        canonical::parse(bytes, MAX_BYTES, "attestation", FORMAT)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// Never for one made by [`Attestation::sign`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(self, "attestation")
    }

    /// Checks signatures, digests and that its parts are about one recipe.
    ///
    /// # Errors
    /// Names the part that does not hold.
    pub fn open(&self, origin: &str) -> Result<Opened, Error> {
        let [signature] = self.statement.signatures.as_slice() else {
            return Err(Error::invalid(
                "statement.signatures",
                "is not one signature",
            ));
        };
        if signature.keyid != self.key.hash().hex() {
            return Err(Error::invalid("statement.signatures", "names another key"));
        }
        let (statement, about) = self.statement.open::<ReproductionStatement>(&self.key)?;
        statement.environment.check()?;
        let wrong = |place: &str, what: &str| Err(Error::invalid(place, what));
        if about != statement.subjects() {
            return wrong("statement.subject", "is not what was found");
        }
        let decode = |text: &str, place: &str| {
            STANDARD
                .decode(text)
                .map_err(|_| Error::malformed(place, "is not base64"))
        };
        let leaf = Leaf::parse(&decode(&self.leaf, "leaf")?)?;
        leaf.verify(origin, &self.key)?;
        if leaf.kind != LeafKind::Reproduction || leaf.digest != self.statement.digest()? {
            return wrong("leaf", "does not belong to the statement");
        }
        let document = decode(&self.licence, "licence")?;
        let licence = LicenceDocument::parse(&document)?;
        if licence.leaf != statement.leaf {
            return wrong("licence", "is for another recipe");
        }
        let salt = <[u8; 32]>::try_from(decode(&self.licence_salt, "licence_salt")?)
            .map_err(|_| Error::malformed("licence_salt", "is not 32 bytes long"))?;
        let licence_digest = licence::commit(&salt, &statement.leaf, &document);
        Ok(Opened {
            statement,
            leaf,
            licence,
            licence_digest,
        })
    }
}

impl Environment {
    /// Checks that each text has the form that an engine gives it, so that nothing personal can stand there.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), Error> {
        let number =
            |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let versioned = |text: &str, name: &str| {
            text.strip_prefix(name).is_some_and(|version| {
                version.split('.').count() == 3 && version.split('.').all(number)
            })
        };
        let mut words = self.cpu.split(' ');
        let architecture = matches!(words.next(), Some("x86_64" | "aarch64"));
        // Each at most once and in one order, so that an environment has one spelling.
        let mut features = FEATURES.iter();
        let known = architecture && words.all(|word| features.any(|feature| *feature == word));
        for (holds, field) in [
            (
                versioned(&self.engine, "seedmark-engine "),
                "environment.engine",
            ),
            (
                versioned(&self.runtime, "onnxruntime "),
                "environment.runtime",
            ),
            (known, "environment.cpu"),
        ] {
            if !holds {
                return Err(Error::invalid(
                    field,
                    "is not what an engine of ours writes",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Attestation, Environment, ReproductionStatement};
    use crate::digest::Digest;
    use crate::key::SecretKey;
    use crate::licence::{Licence, LicenceDocument};
    use crate::pixels::PixelDigest;
    use crate::recipe::Profile;
    use crate::statement::Outcome;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn statement() -> ReproductionStatement {
        ReproductionStatement {
            leaf: Digest([3; 32]),
            environment: Environment {
                engine: "seedmark-engine 0.1.0".into(),
                runtime: "onnxruntime 1.32.0".into(),
                profile: Profile::Portable1,
                cpu: "x86_64 avx2 fma".into(),
            },
            found: vec![PixelDigest {
                blake3: Digest([1; 32]),
                sha256: Digest([2; 32]),
            }],
            outcome: Outcome::Exact,
        }
    }

    fn signed(licence_leaf: u8) -> Attestation {
        let licence = LicenceDocument::new(
            Licence::Standard,
            Digest([licence_leaf; 32]),
            "line".into(),
            7,
        );
        let bytes = licence.to_bytes().expect("a licence");
        let secret = SecretKey::from_bytes([9; 32]);
        let texts = (STANDARD.encode(bytes), STANDARD.encode([4; 32]));
        Attestation::sign(&statement(), "log.example", &secret, texts.0, texts.1).expect("signed")
    }

    #[test]
    fn an_attestation_reads_back_and_binds_all_its_parts() {
        let good = signed(3);
        let bytes = good.to_bytes().expect("bytes");
        let read = Attestation::parse(&bytes).expect("reads back");
        assert_eq!(
            read.open("log.example").expect("it holds").statement,
            statement()
        );
        assert!(read.open("other.example").is_err(), "another log");
        assert!(
            signed(5).open("log.example").is_err(),
            "a licence for another recipe"
        );
        let other = SecretKey::from_bytes([8; 32]).public();
        assert!(
            Attestation {
                key: other,
                ..read.clone()
            }
            .open("log.example")
            .is_err()
        );
        let mut leaf = STANDARD.decode(&read.leaf).expect("base64");
        leaf[5] ^= 1;
        let leaf = STANDARD.encode(leaf);
        assert!(Attestation { leaf, ..read }.open("log.example").is_err());
    }

    #[test]
    fn an_environment_cannot_hold_a_name() {
        for change in [
            |e: &mut Environment| e.cpu = "x86_64 avx2 Adas-Laptop".into(),
            |e: &mut Environment| e.engine = "seedmark-engine 0.1.0 by Ada".into(),
            |e: &mut Environment| e.runtime = "another 1.0".into(),
            |e: &mut Environment| e.cpu = String::new(),
            |e: &mut Environment| e.cpu = "x86_64 avx2 avx2".into(),
            |e: &mut Environment| e.cpu = "x86_64 fma avx2".into(),
            |e: &mut Environment| e.runtime = "onnxruntime 49.1701234567.1".into(),
            |e: &mut Environment| e.engine = "seedmark-engine ..".into(),
        ] {
            let mut environment = statement().environment;
            environment.check().expect("ours");
            change(&mut environment);
            assert!(environment.check().is_err(), "{environment:?}");
        }
    }
}
