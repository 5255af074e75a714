//! Newtypes for every name that travels through Ambit.
//!
//! A value of one of these types has been checked: it has the length and the
//! alphabet that the API it came from allows. Strings from outside are parsed
//! here once, at the edge, and never again.
//!
//! This room imports nothing from the others.

mod arn;
mod aws;
mod digest;
mod installation;
mod principal;

pub use arn::{Arn, ArnError};
pub use aws::{
    AccessKeyId, AccountId, BoundaryArn, ClusterArn, ClusterName, IssuerUrl, Partition, QueueUrl, Region, RolePath,
    is_account_id,
};
pub use digest::Digest;
pub use installation::{IdentityKey, InstallationId, Owner};
pub use principal::{PrincipalKind, PrincipalName};

/// Why a text is not a valid name: what must hold, with the text in backticks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: it must {must}")]
pub struct NameError {
    /// What the name was meant to be, with its article: "an account id".
    pub what: &'static str,
    /// What must hold.
    pub must: &'static str,
    /// The refused text, cut to a length fit for a message.
    pub text: String,
}

impl NameError {
    pub(crate) fn new(what: &'static str, must: &'static str, text: &str) -> Self {
        Self { what, must, text: shortened(text) }
    }
}

/// Cuts a text for a message, on a character boundary.
#[must_use]
pub fn shortened(text: &str) -> String {
    const LIMIT: usize = 80;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a character would break or reorder its line, or move a terminal's cursor.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        // Directions, joiners and separators.
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text with a sign in the place of each character that is unprintable.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if is_unprintable(character) { '\u{fffd}' } else { character }).collect()
}

/// The whole chain of an error, each cause once, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Declares a newtype over `String` with its check and its words for a refusal.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $must:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// Checks the text and takes it over.
            pub fn parse(text: &str) -> Result<Self, $crate::names::NameError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::names::NameError::new($what, $must, text))
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use name;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_or_turns_a_line_is_replaced() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{202e}c\u{9b}é"), "a\u{fffd}[2J\u{fffd}b\u{fffd}c\u{fffd}é");
    }
}
