//! A policy document as text, with the digests that tell two apart.

use super::read::Unreadable;
use super::statement::Policy;
use crate::names::Digest;
use std::sync::Arc;

/// The text of a policy.
///
/// Two documents are equal when their texts are. Whether they mean the same is
/// another question, which [`Document::same_meaning`] answers for everything
/// that is certainly without meaning: order, repetition, white space, names of
/// statements, the case of actions.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Document {
    text: Arc<str>,
    digest: Digest,
    meaning: Digest,
}

impl Document {
    /// Reads a document that came from the cloud, and must be understood whole. Its text is kept
    /// as it is.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let policy = Policy::read(text)?;
        match policy.unknown().into_iter().next() {
            Some(unknown) => Err(Unreadable::Element {
                place: unknown.place.to_string(),
                problem: unknown.problem.to_owned(),
                position: unknown.place.locate(text),
            }),
            None => Ok(Self::new(text.into(), policy)),
        }
    }

    /// Writes a policy.
    pub(super) fn write(policy: Policy) -> Self {
        Self::new(policy.text().into(), policy)
    }

    fn new(text: Arc<str>, policy: Policy) -> Self {
        let digest = Digest::of(&text);
        Self { text, digest, meaning: Digest::of(&policy.meaning()) }
    }

    /// The text, as it is sent or was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest of the text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of what is left when everything without meaning is taken away.
    #[must_use]
    pub fn meaning(&self) -> Digest {
        self.meaning
    }

    /// Whether the two differ at most in what has no meaning. `false` does not prove that access
    /// differs: only a comparison of the policies can.
    #[must_use]
    pub fn same_meaning(&self, other: &Self) -> bool {
        self.meaning == other.meaning
    }

    /// How large IAM takes it to be.
    #[must_use]
    pub fn size(&self) -> usize {
        size_for_iam(&self.text)
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({}, {} characters)", self.digest, self.size())
    }
}

/// The size of a policy as IAM counts it: characters, white space apart.
#[must_use]
pub fn size_for_iam(text: &str) -> usize {
    text.chars().filter(|character| !matches!(character, ' ' | '\t' | '\n' | '\r')).count()
}

#[cfg(test)]
mod tests;
