//! Identifiers: UUIDv7 as lower-case text, one type each, so that an order's id cannot be passed as a listing's.

use crate::error::Error;

/// Whether `text` is a lower-case hyphenated UUID.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Declares a newtype over id text: `parse` (refuses anything but a UUID), `as_str`, Display, serde.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $place:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// For anything but a lower-case UUID.
            pub fn parse(text: &str) -> Result<Self, Error> {
                if is_uuid(text) { Ok(Self(text.to_owned())) } else { Err(Error::malformed($place, "is not an id")) }
            }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> { Self::parse(&text) }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

ids! {
    /// Somebody with an account.
    PersonId, "person";
    /// A draft in the studio.
ComparisonId, "comparison";
        DraftId, "draft";
    /// A picture generated in the studio.
    PictureId, "picture";
    /// A listing.
    ListingId, "listing";
    /// One sealed recipe of a listing.
    VersionId, "version";
    /// An order.
    OrderId, "order";
    /// One line of an order.
    LineId, "line";
    /// A reproduction run.
    RunId, "run";
    /// Pictures that an owner made with their own values.
    OwnRunId, "own run";
    /// A picture that somebody tried before buying.
    TrialId, "trial";
    /// A payment at a provider.
    PaymentId, "payment";
}
