//! Who claimed which service account first.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;

use crate::api::v1alpha1::MachineIdentity;

/// One claim. The order is the order of precedence: older first, then by UID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    created: i64,
    uid: String,
    name: String,
}

type Subject = (String, String);

/// The claims of all identities, kept as their objects come and go.
///
/// An index, because looking through all identities for each of them would cost
/// time that grows with the square of their number.
#[derive(Debug, Default)]
pub struct Claims {
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_subject: HashMap<Subject, BTreeSet<Claim>>,
    by_uid: HashMap<String, Subject>,
    complete: bool,
}

impl Claims {
    /// Notes an identity's claim, in place of an earlier one of the same incarnation.
    pub fn note(&self, identity: &MachineIdentity) {
        let Some((subject, claim)) = claim(identity) else { return };
        let mut index = self.lock();
        if index.by_uid.get(&claim.uid) != Some(&subject) {
            index.withdraw(&claim.uid);
        }
        index.by_uid.insert(claim.uid.clone(), subject.clone());
        index.by_subject.entry(subject).or_default().insert(claim);
    }

    /// Withdraws an identity's claim. Returns the names of those that wait behind it.
    pub fn withdraw(&self, identity: &MachineIdentity) -> Vec<String> {
        let Some((subject, claim)) = claim(identity) else { return Vec::new() };
        let mut index = self.lock();
        index.withdraw(&claim.uid);
        index.by_subject.get(&subject).into_iter().flatten().map(|claim| claim.name.clone()).collect()
    }

    /// A new list follows: until it is complete nobody's claim can be judged.
    pub fn begin(&self) {
        *self.lock() = Index::default();
    }

    /// The list is complete.
    pub fn complete(&self) {
        self.lock().complete = true;
    }

    /// Whether all claims are known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lock().complete
    }

    /// The name of the identity that claimed the same service account before this one.
    #[must_use]
    pub fn earlier(&self, identity: &MachineIdentity) -> Option<String> {
        let (subject, claim) = claim(identity)?;
        let index = self.lock();
        let first = index.by_subject.get(&subject)?.first()?;
        (*first < claim).then(|| first.name.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn withdraw(&mut self, uid: &str) {
        let Some(subject) = self.by_uid.remove(uid) else { return };
        if let Some(claims) = self.by_subject.get_mut(&subject) {
            claims.retain(|claim| claim.uid != uid);
            if claims.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
    }
}

fn claim(identity: &MachineIdentity) -> Option<(Subject, Claim)> {
    let subject = (identity.namespace()?, identity.spec.subject.service_account.as_ref()?.name.clone());
    let created = identity.metadata.creation_timestamp.as_ref().map_or(i64::MAX, |time| time.0.as_second());
    Some((subject, Claim { created, uid: identity.uid()?, name: identity.name_any() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    fn identity(name: &str, account: &str, created: i64) -> MachineIdentity {
        let text = format!(
            r#"{{"apiVersion":"ambit.dev/v1alpha1","kind":"MachineIdentity","metadata":{{"name":"{name}","namespace":"shop","uid":"uid-{name}"}},
            "spec":{{"accountRef":{{"name":"a"}},"subject":{{"serviceAccount":{{"name":"{account}"}}}},"scopes":[]}}}}"#
        );
        let mut identity: MachineIdentity = serde_json::from_str(&text).unwrap();
        identity.metadata.creation_timestamp = Some(Time(jiff::Timestamp::from_second(created).unwrap()));
        identity
    }

    #[test]
    fn the_older_keeps_the_account() {
        let claims = Claims::default();
        let (old, young) = (identity("old", "sa", 1), identity("young", "sa", 2));
        claims.note(&young);
        assert_eq!(claims.earlier(&young), None);
        claims.note(&old);
        assert_eq!(claims.earlier(&young), Some("old".to_owned()));
        assert_eq!(claims.earlier(&old), None);
    }

    #[test]
    fn the_younger_gets_it_when_the_older_goes_or_moves() {
        let claims = Claims::default();
        let (old, young) = (identity("old", "sa", 1), identity("young", "sa", 2));
        claims.note(&old);
        claims.note(&young);
        claims.note(&identity("old", "other", 1));
        assert_eq!(claims.earlier(&young), None);
        claims.note(&old);
        assert_eq!(claims.withdraw(&old), ["young"]);
        assert_eq!(claims.earlier(&young), None);
    }

    #[test]
    fn one_moment_is_decided_by_uid() {
        let claims = Claims::default();
        let (a, b) = (identity("a", "sa", 1), identity("b", "sa", 1));
        claims.note(&b);
        claims.note(&a);
        assert_eq!(claims.earlier(&b), Some("a".to_owned()));
        assert_eq!(claims.earlier(&a), None);
    }
}
