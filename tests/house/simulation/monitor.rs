//! What must hold after every single call to the cloud, whatever fails around it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ambit::cloud::{Cloud, CloudError, Depth, MemoryCloud, MemoryRole, Page, PageToken};
use ambit::cluster::MemoryCluster;
use ambit::domain::{Desired, Observation, Observed, Provider, ProviderStep, Reading, Step, StepDone, Usage, WebToken};
use ambit::names::{BoundaryArn, Digest, IdentityKey, IssuerUrl, PrincipalName};
use ambit::policy::Document;
use async_trait::async_trait;

use super::gate::Gate;

/// The meaning of what one version of a declaration grants, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    permissions: Digest,
    trust: Digest,
}

/// All versions that were ever declared.
#[derive(Debug, Clone, Default)]
pub struct Declared(Arc<Mutex<Vec<Version>>>);

impl Declared {
    /// Notes one more version.
    pub fn note(&self, desired: &Desired) {
        let version = Version { permissions: desired.permissions.meaning(), trust: desired.trust.meaning() };
        self.0.lock().unwrap().push(version);
    }
}

/// A cloud that is looked at before and after every change.
#[derive(Clone)]
pub struct Monitored {
    pub cloud: MemoryCloud,
    pub cluster: MemoryCluster,
    pub key: IdentityKey,
    pub installation: String,
    pub declared: Declared,
    pub gate: Gate,
}

impl Monitored {
    fn is_ours(&self, role: &MemoryRole) -> bool {
        role.tags.get("ambit.dev/installation") == Some(&self.installation)
            && role.tags.get("ambit.dev/identity") == Some(&self.key.to_string())
    }

    /// Everything that is wrong with the account as it stands.
    fn wrongs(&self) -> BTreeSet<String> {
        self.cloud.roles().iter().filter(|role| self.is_ours(role)).flat_map(|role| self.wrongs_of(role)).collect()
    }

    fn wrongs_of(&self, role: &MemoryRole) -> Vec<String> {
        let mut wrongs = Vec::new();
        let Some(text) = role.permissions() else { return wrongs };
        if role.boundary.is_none() {
            wrongs.push(format!("`{}` has permissions and no boundary", role.name));
        }
        if !role.is_closed() && self.is_given_away(text, &role.trust) {
            wrongs.push(format!("`{}` gives the permissions of one declaration to another's subject", role.name));
        }
        wrongs
    }

    fn is_given_away(&self, permissions: &str, trust: &str) -> bool {
        let Ok(permissions) = Document::read(permissions) else { return false };
        let trust = Document::read(trust).map(|trust| trust.meaning()).ok();
        let versions = self.declared.0.lock().unwrap();
        let mut same = versions.iter().filter(|version| version.permissions == permissions.meaning()).peekable();
        same.peek().is_some() && !same.any(|version| Some(version.trust) == trust)
    }

    /// Panics if a step did something that no step may do.
    fn judge(&self, step: &Step, before: &[MemoryRole], wrong_before: &BTreeSet<String>) {
        let after = self.cloud.roles();
        let wrongs = self.wrongs();
        let new: Vec<&String> = wrongs.difference(wrong_before).collect();
        assert!(new.is_empty(), "after step `{}`: {new:?}", step.name());
        for role in before.iter().filter(|role| !self.is_ours(role)) {
            assert!(after.contains(role), "step `{}` touched `{}`, which is not ours", step.name(), role.name);
        }
        for role in after.iter().filter(|role| !self.is_ours(role)) {
            assert!(before.contains(role), "step `{}` made `{}` without our tags", step.name(), role.name);
        }
    }

    /// Panics if a step takes the role of an incarnation that lives.
    fn protect_the_living(&self, name: &PrincipalName, step: &Step) {
        if !matches!(step, Step::Delete | Step::RemovePermissions) {
            return;
        }
        let living = self.cluster.get(&self.key).filter(|object| object.metadata.deletion_timestamp.is_none());
        let owner = self.cloud.role(name.as_str()).and_then(|role| role.tags.get("ambit.dev/uid").cloned());
        let takes_a_living = owner.is_some() && living.and_then(|object| object.metadata.uid) == owner;
        assert!(!takes_a_living, "step `{}` took the role of an incarnation that lives", step.name());
    }
}

#[async_trait]
impl Cloud for Monitored {
    fn backlog(&self) -> Duration {
        self.cloud.backlog()
    }

    async fn observe(&self, name: &PrincipalName, depth: Depth) -> Result<Observation<Observed>, CloudError> {
        self.gate.pass().await;
        self.cloud.observe(name, depth).await
    }

    async fn apply(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        self.gate.pass().await;
        self.protect_the_living(name, step);
        let (before, wrong_before) = (self.cloud.roles(), self.wrongs());
        let done = self.cloud.apply(name, step).await;
        self.judge(step, &before, &wrong_before);
        done
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        self.gate.pass().await;
        self.cloud.prove(name, token).await
    }

    async fn sweep(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        self.gate.pass().await;
        self.cloud.sweep(from).await
    }

    async fn observe_provider(&self, issuer: &IssuerUrl) -> Result<Observation<Provider>, CloudError> {
        self.gate.pass().await;
        self.cloud.observe_provider(issuer).await
    }

    async fn apply_provider(&self, issuer: &IssuerUrl, step: &ProviderStep) -> Result<(), CloudError> {
        self.gate.pass().await;
        self.cloud.apply_provider(issuer, step).await
    }

    async fn observe_boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError> {
        self.gate.pass().await;
        self.cloud.observe_boundary(boundary).await
    }

    async fn usage(&self) -> Result<Usage, CloudError> {
        self.gate.pass().await;
        self.cloud.usage().await
    }

    async fn account(&self) -> Result<String, CloudError> {
        self.gate.pass().await;
        self.cloud.account().await
    }
}
