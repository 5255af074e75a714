//! Who claimed which service account first.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;

use crate::api::v1alpha1::MachineIdentity;

/// One claim. The order is the order of precedence: older first.
///
/// The API server dates objects to the second. Within one, an identity that has
/// its principal already goes before one that has not, and then whichever was
/// seen first: watches tell of objects in the order of their creation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    created: i64,
    is_new: bool,
    seen: u64,
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
    by_uid: HashMap<String, (Subject, u64)>,
    seen: u64,
    complete: bool,
}

impl Claims {
    /// Notes an identity's claim, in place of an earlier one of the same
    /// incarnation. Returns the names of those whose turn it may have become, or
    /// no longer be: when it moves from one service account to another.
    pub fn note(&self, identity: &MachineIdentity) -> Vec<String> {
        let Some((subject, mut claim)) = claim(identity) else { return Vec::new() };
        let mut index = self.lock();
        let before = index.by_uid.get(&claim.uid).map(|(subject, _)| subject.clone());
        claim.seen = index.withdraw(&claim.uid).unwrap_or_else(|| index.next());
        let moved = before.filter(|before| *before != subject);
        let concerned = moved.iter().flat_map(|before| index.names(before).chain(index.names(&subject))).collect();
        index.by_uid.insert(claim.uid.clone(), (subject.clone(), claim.seen));
        index.by_subject.entry(subject).or_default().insert(claim);
        concerned
    }

    /// Withdraws an identity's claim. Returns the names of those that wait behind it.
    pub fn withdraw(&self, identity: &MachineIdentity) -> Vec<String> {
        let Some((subject, claim)) = claim(identity) else { return Vec::new() };
        let mut index = self.lock();
        index.withdraw(&claim.uid);
        index.names(&subject).collect()
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
        // The index knows the newest version of each object, and the caller may hold
        // an older one: compared with its own newer claim, it would be refused by itself.
        let is_indexed = index.by_uid.get(&claim.uid).is_some_and(|(noted, _)| *noted == subject);
        let is_behind = if is_indexed {
            first.uid != claim.uid
        } else {
            // One that is not in the index yet was seen by nobody before.
            *first < Claim { seen: u64::MAX, ..claim }
        };
        is_behind.then(|| first.name.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn names(&self, subject: &Subject) -> impl Iterator<Item = String> {
        self.by_subject.get(subject).into_iter().flatten().map(|claim| claim.name.clone())
    }

    fn next(&mut self) -> u64 {
        self.seen += 1;
        self.seen
    }

    /// Withdraws a claim. Returns when it was first seen.
    fn withdraw(&mut self, uid: &str) -> Option<u64> {
        let (subject, seen) = self.by_uid.remove(uid)?;
        if let Some(claims) = self.by_subject.get_mut(&subject) {
            claims.retain(|claim| claim.uid != uid);
            if claims.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
        Some(seen)
    }
}

fn claim(identity: &MachineIdentity) -> Option<(Subject, Claim)> {
    let subject = (identity.namespace()?, identity.spec.subject.service_account.as_ref()?.name.clone());
    let created = identity.metadata.creation_timestamp.as_ref().map_or(i64::MAX, |time| time.0.as_second());
    let is_new = identity.status.as_ref().is_none_or(|status| status.aws.is_none());
    Some((subject, Claim { created, is_new, seen: 0, uid: identity.uid()?, name: identity.name_any() }))
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
        assert_eq!(claims.note(&identity("old", "other", 1)), ["young"]);
        assert_eq!(claims.earlier(&young), None);
        claims.note(&old);
        assert_eq!(claims.withdraw(&old), ["young"]);
        assert_eq!(claims.earlier(&young), None);
    }

    #[test]
    fn within_one_second_the_first_seen_keeps_it() {
        let claims = Claims::default();
        let (a, b) = (identity("a", "sa", 1), identity("b", "sa", 1));
        claims.note(&b);
        claims.note(&a);
        claims.note(&b);
        assert_eq!(claims.earlier(&a), Some("b".to_owned()));
        assert_eq!(claims.earlier(&b), None);
    }

    #[test]
    fn an_older_version_of_an_object_is_not_behind_itself() {
        let claims = Claims::default();
        let before = identity("a", "sa", 1);
        let mut after = before.clone();
        after.status =
            serde_json::from_str(r#"{"aws":{"roleArn":"r","permissionsDigest":"","trustDigest":""}}"#).unwrap();
        claims.note(&before);
        claims.note(&after);
        assert_eq!(claims.earlier(&before), None);
    }

    #[test]
    fn within_one_second_the_one_with_a_principal_keeps_it() {
        let claims = Claims::default();
        let (a, mut b) = (identity("a", "sa", 1), identity("b", "sa", 1));
        claims.note(&a);
        b.status = serde_json::from_str(r#"{"aws":{"roleArn":"r","permissionsDigest":"","trustDigest":""}}"#).unwrap();
        claims.note(&b);
        assert_eq!(claims.earlier(&a), Some("b".to_owned()));
        assert_eq!(claims.earlier(&b), None);
    }
}
