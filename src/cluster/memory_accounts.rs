//! Service accounts in memory, with annotations whose writers are known.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ClusterError, ClusterErrorKind};
use super::port::ServiceAccountSeen;
use crate::domain::annotation::Annotations;

/// The service accounts of all namespaces.
#[derive(Debug, Default)]
pub(super) struct ServiceAccounts(BTreeMap<(String, String), One>);

/// One of them.
#[derive(Debug, Default)]
struct One {
    version: u64,
    annotations: Annotations,
    /// What Ambit applied last, and nobody changed since.
    applied: BTreeSet<String>,
    /// What others wrote: it stays when Ambit takes its own away.
    of_others: BTreeSet<String>,
}

impl ServiceAccounts {
    /// Makes one if it is not there. Says whether it was made.
    pub(super) fn ensure(&mut self, namespace: &str, name: &str) -> bool {
        let key = (namespace.to_owned(), name.to_owned());
        let is_new = !self.0.contains_key(&key);
        self.0.entry(key).or_default();
        is_new
    }

    pub(super) fn seen(&self, namespace: &str, name: &str) -> Option<ServiceAccountSeen> {
        let found = self.0.get(&(namespace.to_owned(), name.to_owned()))?;
        Some(ServiceAccountSeen {
            uid: format!("uid-{namespace}-{name}"),
            version: found.version.to_string(),
            annotations: found.annotations.clone(),
        })
    }

    pub(super) fn annotations(&self, namespace: &str, name: &str) -> Annotations {
        self.seen(namespace, name).map(|seen| seen.annotations).unwrap_or_default()
    }

    /// As server-side apply does it. Says whether it made a difference.
    pub(super) fn annotate(
        &mut self,
        (namespace, name): (&str, &str),
        seen: &ServiceAccountSeen,
        annotations: &Annotations,
    ) -> Result<bool, ClusterError> {
        let found = self.0.get_mut(&(namespace.to_owned(), name.to_owned()));
        let Some(found) = found.filter(|found| found.version.to_string() == seen.version) else {
            return Err(ClusterError {
                kind: ClusterErrorKind::Conflict,
                operation: "patch serviceaccount",
                message: "the object has been modified".to_owned(),
            });
        };
        let before = found.annotations.clone();
        for gone in found.applied.iter().filter(|name| !annotations.contains_key(*name)) {
            if !found.of_others.contains(gone) {
                found.annotations.remove(gone);
            }
        }
        found.applied = annotations.keys().cloned().collect();
        for (name, value) in annotations {
            let earlier = found.annotations.insert(name.clone(), value.clone());
            if earlier.is_some_and(|earlier| earlier != *value) {
                found.of_others.remove(name);
            }
        }
        let is_changed = before != found.annotations;
        found.version += u64::from(is_changed);
        Ok(is_changed)
    }

    /// As a person does it.
    pub(super) fn annotate_by_hand(&mut self, (namespace, name): (&str, &str), annotation: &str, value: Option<&str>) {
        let found = self.0.entry((namespace.to_owned(), name.to_owned())).or_default();
        found.version += 1;
        match value {
            None => {
                found.annotations.remove(annotation);
                found.applied.remove(annotation);
                found.of_others.remove(annotation);
            }
            Some(value) => {
                let earlier = found.annotations.insert(annotation.to_owned(), value.to_owned());
                if earlier.is_some_and(|earlier| earlier != value) {
                    found.applied.remove(annotation);
                }
                found.of_others.insert(annotation.to_owned());
            }
        }
    }
}
