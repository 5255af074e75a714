//! What the Secret says of itself, so that nobody needs to read its data.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::state::{Publication, Published, SecretSeen};
use crate::domain;
use crate::names::{AccessKeyId, IdentityKey};
use crate::plan::credentials::{Place, SecretTarget, place};

/// The annotation with the id of the key that the Secret has.
const ACCESS_KEY_ID: &str = "ambit.dev/access-key-id";
/// The annotation with the time at which that key was put there, by the operator's clock.
const PUBLISHED: &str = "ambit.dev/published";
/// The annotation with the id of a key that the Secret will not have again.
const SUPERSEDED: &str = "ambit.dev/superseded-access-key-id";

/// The annotations of a publication.
#[must_use]
pub fn annotations(publication: &Publication, now: Timestamp) -> BTreeMap<&'static str, String> {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let superseded = publication.superseded.as_ref().map(superseding).into_iter().flatten();
    let published = [(ACCESS_KEY_ID, publication.id.to_string()), (PUBLISHED, now.to_string())];
    published.into_iter().chain(superseded).collect()
}

/// The annotation by which a Secret says that it will not have this key again.
#[must_use]
pub fn superseding(key: &AccessKeyId) -> BTreeMap<&'static str, String> {
    [(SUPERSEDED, key.to_string())].into()
}

/// Reads a Secret's metadata. One whose data somebody has written over has no key: nobody knows
/// what whoever reads it gets.
#[must_use]
pub fn seen_secret(
    target: &SecretTarget,
    seen: Option<&domain::SecretSeen>,
    identity: &IdentityKey,
    uid: &str,
) -> SecretSeen {
    let name = &target.name;
    let is_whole = match place(name, target.keys(), seen, identity, uid) {
        Place::Free => return SecretSeen::Absent,
        Place::Ours(_, is_whole) => is_whole,
        Place::Taken(why) => return SecretSeen::Foreign(why),
        Place::Leaving => {
            return SecretSeen::Foreign(format!("Secret '{name}' is being deleted; it is made anew when it is gone"));
        }
    };
    let nothing = BTreeMap::new();
    let annotations = seen.map_or(&nothing, |seen| &seen.annotations);
    let written = seen.and_then(|seen| seen.key_written);
    match (key(annotations, ACCESS_KEY_ID), key(annotations, SUPERSEDED)) {
        (Ok(id), Ok(superseded)) => {
            // Pods are judged by it, so what the API server noted counts before what the operator's clock said.
            let said = || annotations.get(PUBLISHED)?.parse().ok();
            let published = id.filter(|_| is_whole).map(|id| Published { id, time: written.or_else(said) });
            SecretSeen::Ours { published, superseded }
        }
        (Err(annotation), _) | (_, Err(annotation)) => SecretSeen::Foreign(format!(
            "the annotation `{annotation}` of Secret '{name}' is not the id of an access key: somebody changed it; Ambit leaves the Secret alone: delete it, and a new one is made"
        )),
    }
}

fn key(annotations: &BTreeMap<String, String>, annotation: &'static str) -> Result<Option<AccessKeyId>, &'static str> {
    annotations.get(annotation).map(|text| AccessKeyId::parse(text).map_err(|_| annotation)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::SecretFormat;
    use crate::domain::SecretVersion;
    use crate::plan::credentials::Holds;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const OTHER: &str = "AKIAIOSFODNN8EXAMPLE";

    fn of(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn found() -> domain::SecretSeen {
        let said = [(ACCESS_KEY_ID, ID), (PUBLISHED, "2026-11-01T10:00:00Z"), (SUPERSEDED, OTHER)];
        domain::SecretSeen {
            version: SecretVersion { uid: "u".into(), resource_version: "7".into() },
            credentials_of: Some("orders".into()),
            owners: ["uid-1".to_owned()].into(),
            own_keys: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(str::to_owned).into(),
            annotations: said.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            key_written: Some(of("2026-11-01T10:00:02Z")),
            deleting: false,
        }
    }

    fn seen(found: Option<&domain::SecretSeen>) -> SecretSeen {
        let target = SecretTarget::new(Holds::AccessKey, "orders-key", SecretFormat::Environment, None);
        seen_secret(&target, found, &IdentityKey::new("shop", "orders"), "uid-1")
    }

    #[test]
    fn the_secret_says_which_key_it_has_and_since_when() {
        let said = seen(Some(&found()));
        assert_eq!(said.published().unwrap().id.as_str(), ID);
        assert_eq!(said.superseded().unwrap().as_str(), OTHER);
        assert_eq!(said.published().unwrap().time, Some(of("2026-11-01T10:00:02Z")), "the API server's clock counts");
        let mut without = domain::SecretSeen { key_written: None, ..found() };
        assert_eq!(seen(Some(&without)).published().unwrap().time, Some(of("2026-11-01T10:00:00Z")));
        without.annotations.insert(PUBLISHED.to_owned(), "yesterday".to_owned());
        assert_eq!(seen(Some(&without)).published().unwrap().time, None);
        assert_eq!(seen(None), SecretSeen::Absent);
    }

    #[test]
    fn one_without_a_key_or_that_was_written_over_has_none() {
        let empty = domain::SecretSeen { annotations: BTreeMap::new(), ..found() };
        assert_eq!(seen(Some(&empty)), SecretSeen::Ours { published: None, superseded: None });
        let mut edited = found();
        edited.own_keys.remove("AWS_SECRET_ACCESS_KEY");
        let superseded = Some(AccessKeyId::parse(OTHER).unwrap());
        assert_eq!(seen(Some(&edited)), SecretSeen::Ours { published: None, superseded });
    }

    #[test]
    fn one_of_somebody_else_is_foreign() {
        let unlabelled = domain::SecretSeen { credentials_of: None, ..found() };
        let earlier = domain::SecretSeen { owners: ["uid-0".to_owned()].into(), ..found() };
        let leaving = domain::SecretSeen { deleting: true, ..found() };
        for foreign in [unlabelled, earlier, leaving] {
            let said = seen(Some(&foreign));
            assert!(matches!(&said, SecretSeen::Foreign(why) if why.contains("'orders-key'")), "{said:?}");
        }
    }

    #[test]
    fn what_was_tampered_with_is_left_alone() {
        for annotation in [ACCESS_KEY_ID, SUPERSEDED] {
            let mut changed = found();
            changed.annotations.insert(annotation.to_owned(), "AKIA\nX".to_owned());
            let said = seen(Some(&changed));
            assert!(matches!(&said, SecretSeen::Foreign(why) if why.contains(annotation)), "{said:?}");
        }
    }

    #[test]
    fn a_publication_is_written_so_that_it_can_be_read() {
        let id = |text: &str| AccessKeyId::parse(text).unwrap();
        let now = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
        let publication = Publication { id: id(ID), superseded: Some(id(OTHER)) };
        let written = annotations(&publication, now);
        let annotations_of = |written: BTreeMap<&str, String>| {
            written.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let read = domain::SecretSeen { annotations: annotations_of(written), key_written: None, ..found() };
        let published = Published { id: id(ID), time: Timestamp::from_second(1_700_000_000).ok() };
        assert_eq!(seen(Some(&read)), SecretSeen::Ours { published: Some(published), superseded: Some(id(OTHER)) });
        let first = Publication { id: id(ID), superseded: None };
        assert_eq!(annotations(&first, now).len(), 2);
        assert_eq!(superseding(&id(ID)), [(SUPERSEDED, ID.to_owned())].into());
    }
}
