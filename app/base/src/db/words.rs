//! Enums that are stored as words.
//!
//! The one rule: a word that no value has is an error of the row that holds it, never another value.

/// Declares an enum with the word of each value, read from a row by `#[sqlx(try_from = "String")]`. Tests may compare a value with its
/// word, because they say what a row holds; what ships cannot, so that no misspelt word is ever compared with a state.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* $visible:vis enum $name:ident { $($(#[$says:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        $visible enum $name { $($(#[$says])* $value,)* }

        impl $name {
            /// As it is stored, and in the names of texts.
            #[must_use]
            $visible fn name(self) -> &'static str {
                match self { $(Self::$value => $word,)* }
            }
        }

        #[cfg(any(test, feature = "testing"))]
        #[allow(dead_code, reason = "for tests, which say what a row holds")]
        impl $name {
            $visible fn as_str(self) -> &'static str {
                self.name()
            }
        }

        #[cfg(any(test, feature = "testing"))]
        impl PartialEq<&str> for $name {
            fn eq(&self, word: &&str) -> bool {
                self.name() == *word
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                match word.as_str() {
                    $($word => Ok(Self::$value),)*
                    _ => Err(format!("{word:?} is no {}", stringify!($name))),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.name().to_owned()
            }
        }
    };
}
