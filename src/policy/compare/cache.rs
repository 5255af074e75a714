//! Comparisons that were made before.

use super::super::document::Document;
use super::super::statement::Policy;
use super::answer::Comparison;
use super::sides::{Mismatch, undecided};
use crate::names::Digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Remembers comparisons by the meaning of both documents. At most so many are kept: when it is
/// full, it begins anew.
#[derive(Debug)]
pub struct Cache {
    most: usize,
    known: Mutex<HashMap<(Digest, Digest), Arc<Comparison>>>,
}

impl Cache {
    /// A cache for at most `most` comparisons.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, known: Mutex::default() }
    }

    /// What changes from `old` to `new`.
    pub fn compare(&self, old: &Document, new: &Document) -> Result<Arc<Comparison>, Mismatch> {
        let question = (old.meaning(), new.meaning());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(comparison) = known().get(&question) {
            return Ok(Arc::clone(comparison));
        }
        let comparison = match (Policy::read(old.text()), Policy::read(new.text())) {
            (Ok(old), Ok(new)) => super::compare(&old, &new)?,
            (Err(error), _) | (_, Err(error)) => undecided(&error.to_string()),
        };
        let comparison = Arc::new(comparison);
        let mut known = known();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(question, Arc::clone(&comparison));
        Ok(comparison)
    }
}
