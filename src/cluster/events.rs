//! Events: told on transitions only, and never able to fail anything.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use kube::runtime::events::{Event, EventType, Recorder as KubeRecorder, Reporter};

use super::port::Incarnation;
use crate::api::v1alpha1::{CloudAccount, MachineIdentity};

/// How long telling people may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Something that happened to an identity or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Whether it needs attention.
    pub warning: bool,
    /// One word, a condition's reason where there is one.
    pub reason: String,
    /// The sentence.
    pub note: String,
}

/// Publishes events.
#[derive(Clone)]
pub struct Recorder {
    inner: KubeRecorder,
}

impl Recorder {
    /// Publishes under the name of the identity controller.
    #[must_use]
    pub fn new(client: kube::Client, instance: Option<String>) -> Self {
        let reporter = Reporter { controller: "ambit-identity-controller".into(), instance };
        Self { inner: KubeRecorder::new(client, reporter) }
    }

    /// Publishes one event. A failure is logged and forgotten.
    pub async fn publish(&self, identity: &Incarnation, announcement: &Announcement) {
        let regarding = ObjectReference {
            api_version: Some(MachineIdentity::api_version(&()).into_owned()),
            kind: Some(MachineIdentity::kind(&()).into_owned()),
            namespace: Some(identity.key.namespace.clone()),
            name: Some(identity.key.name.clone()),
            uid: Some(identity.uid.clone()),
            ..ObjectReference::default()
        };
        self.publish_about(&regarding, announcement).await;
    }

    /// The same about an account.
    pub async fn publish_for_account(&self, account: &CloudAccount, announcement: &Announcement) {
        self.publish_about(&account.object_ref(&()), announcement).await;
    }

    async fn publish_about(&self, regarding: &ObjectReference, announcement: &Announcement) {
        let event = Event {
            type_: if announcement.warning { EventType::Warning } else { EventType::Normal },
            reason: announcement.reason.clone(),
            note: Some(announcement.note.chars().take(1000).collect()),
            action: "Reconcile".into(),
            secondary: None,
        };
        let about = regarding.name.as_deref().unwrap_or_default();
        match tokio::time::timeout(TIMEOUT, self.inner.publish(&event, regarding)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(about, %error, "an event was not published"),
            Err(_) => tracing::debug!(about, "an event was not published in time"),
        }
    }
}
