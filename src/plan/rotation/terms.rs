//! What was declared of an access key, and what status keeps of it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::state::{KeyRecord, Policy, Request, Rotation};
use crate::api::v1alpha1::{AccessKeyStatus, CredentialsStatus, MachineIdentity, MachineIdentitySpec, ROTATE};
use crate::names::AccessKeyId;
use crate::plan::credentials::{Holds, SecretTarget};

/// How the value of the annotation begins that takes the old key away at once.
pub const REVOKE_OLD: &str = "revoke-old/";

/// The longest value of the annotation that is remembered.
const LONGEST_REQUEST: usize = 256;

/// An access key as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerms {
    /// The Secret, and what stands in it.
    pub target: SecretTarget,
    /// How old a key may become.
    pub rotate_every: Duration,
    /// How long the old key stays at least.
    pub overlap: Duration,
}

impl KeyTerms {
    /// The access key that an identity asks for, if it does.
    #[must_use]
    pub fn of(spec: &MachineIdentitySpec) -> Option<Self> {
        let asked = spec.credentials.as_ref()?.access_key.as_ref()?;
        Some(Self {
            target: SecretTarget::new(Holds::AccessKey, &asked.secret_name, asked.format, asked.profile.as_deref()),
            rotate_every: asked.rotate_every.into(),
            overlap: asked.overlap.into(),
        })
    }

    /// When the key is rotated, given what somebody asked for by the annotation.
    #[must_use]
    pub fn policy(&self, identity: &MachineIdentity) -> Policy {
        Policy { rotate_every: self.rotate_every, overlap: self.overlap, request: request(identity) }
    }

    /// What stands in the Secret, in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("an access key as {}", self.target.words())
    }
}

/// What somebody asked for by the annotation, handled or not.
#[must_use]
pub fn request(identity: &MachineIdentity) -> Option<Request> {
    let value = identity.metadata.annotations.as_ref()?.get(ROTATE)?;
    let value: String = value.chars().take(LONGEST_REQUEST).collect();
    Some(Request { revoke_old: value.starts_with(REVOKE_OLD), value })
}

impl Rotation {
    /// Reads what status tells. What cannot be read was not written by Ambit, and is as good as
    /// nothing: the Secret and the cloud say the rest.
    #[must_use]
    pub fn read(status: Option<&CredentialsStatus>) -> Self {
        let Some(status) = status else { return Self::default() };
        Self {
            phase: status.phase.unwrap_or_default(),
            since: read(status.phase_start_time.as_ref()),
            current: status.current.as_ref().and_then(key),
            previous: status.previous.as_ref().and_then(key),
            deactivated: read(status.deactivated_time.as_ref()),
            next_rotation: read(status.next_rotation_time.as_ref()),
            handled: status.last_handled_rotate.clone(),
            revoke_old: status.revoke_previous.unwrap_or_default(),
        }
    }

    /// What status tells.
    #[must_use]
    pub fn status(&self, target: &SecretTarget) -> CredentialsStatus {
        let time = |time: Option<Timestamp>| time.map(Time);
        CredentialsStatus {
            secret_name: target.name.clone(),
            format: Some(target.format),
            profile: target.profile.clone(),
            next_rotation_time: time(self.next_rotation),
            phase: Some(self.phase),
            phase_start_time: time(self.since),
            current: self.current.as_ref().map(told),
            previous: self.previous.as_ref().map(told),
            deactivated_time: time(self.deactivated),
            last_handled_rotate: self.handled.clone(),
            revoke_previous: self.revoke_old.then_some(true),
            ..CredentialsStatus::default()
        }
    }
}

fn read(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

fn key(status: &AccessKeyStatus) -> Option<KeyRecord> {
    Some(KeyRecord {
        id: AccessKeyId::parse(&status.access_key_id).ok()?,
        created: status.created_time.0,
        published: read(status.published_time.as_ref()),
    })
}

fn told(record: &KeyRecord) -> AccessKeyStatus {
    AccessKeyStatus {
        access_key_id: record.id.to_string(),
        created_time: Time(record.created),
        published_time: record.published.map(Time),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::rotation::Phase;
    use crate::plan::sample;

    fn keyed() -> MachineIdentity {
        let mut identity = sample::identity();
        identity.spec.credentials =
            serde_json::from_value(json!({"accessKey": {"secretName": "orders-key", "overlap": "2h"}})).unwrap();
        identity
    }

    #[test]
    fn what_is_not_said_of_a_key_has_a_default() {
        let terms = KeyTerms::of(&keyed().spec).unwrap();
        assert_eq!((terms.rotate_every, terms.overlap), (Duration::from_hours(2160), Duration::from_hours(2)));
        assert_eq!(terms.words(), "an access key as environment variables in Secret `orders-key`");
        assert_eq!(KeyTerms::of(&sample::identity().spec), None);
    }

    #[test]
    fn a_request_says_whether_the_old_key_goes_at_once() {
        let asked = |value: &str| {
            let mut identity = keyed();
            identity.metadata.annotations = Some([(ROTATE.to_owned(), value.to_owned())].into());
            request(&identity).unwrap()
        };
        assert_eq!(asked("a"), Request { value: "a".into(), revoke_old: false });
        assert_eq!(asked("revoke-old/a"), Request { value: "revoke-old/a".into(), revoke_old: true });
        assert_eq!(asked(&"x".repeat(300)).value.len(), 256);
        assert_eq!(request(&keyed()), None);
    }

    #[test]
    fn what_status_tells_is_read_as_it_was_written() {
        let id = |text: &str| AccessKeyId::parse(text).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let rotation = Rotation {
            phase: Phase::Retiring,
            since: Some(at(1)),
            current: Some(KeyRecord { id: id("AKIAIOSFODNN7EXAMPLE"), created: at(2), published: Some(at(3)) }),
            previous: Some(KeyRecord { id: id("AKIAIOSFODNN8EXAMPLE"), created: at(4), published: None }),
            deactivated: Some(at(5)),
            next_rotation: Some(at(6)),
            handled: Some("revoke-old/a".into()),
            revoke_old: true,
        };
        let target = KeyTerms::of(&keyed().spec).unwrap().target;
        for rotation in [rotation, Rotation::default()] {
            assert_eq!(Rotation::read(Some(&rotation.status(&target))), rotation);
        }
        assert_eq!(Rotation::read(None), Rotation::default());
    }
}
