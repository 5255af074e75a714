//! What must hold after every single call to the cloud, whatever fails around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ambit::cloud::{
    AssociationPage, Cloud, CloudError, Depth, MemoryAssociation, MemoryCloud, MemoryRole, Page, PageToken,
};
use ambit::cluster::MemoryCluster;
use ambit::domain::{
    AccessKey, Association, AssociationStep, Cluster, Credentials, Desired, KeyStep, LastUse, NewAccessKey,
    Observation, Observed, PodsOf, Provider, ProviderStep, Reading, SessionSeconds, Step, StepDone, Usage, WebToken,
};
use ambit::names::{AccessKeyId, BoundaryArn, ClusterArn, Digest, IdentityKey, IssuerUrl, PrincipalName};
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
    /// The cluster, where EKS hands roles to pods.
    pub eks: Option<ClusterArn>,
    pub gate: Gate,
}

impl Monitored {
    fn is_ours(&self, role: &MemoryRole) -> bool {
        self.are_ours(&role.tags)
    }

    fn are_ours(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get("ambit.dev/installation") == Some(&self.installation)
            && tags.get("ambit.dev/identity") == Some(&self.key.to_string())
    }

    fn associations(&self) -> Vec<MemoryAssociation> {
        self.eks.iter().flat_map(|cluster| self.cloud.associations(cluster)).collect()
    }

    /// Panics if a step takes the association of an incarnation that lives and that is as it should be.
    fn protect_what_works(&self, step: &AssociationStep) {
        let AssociationStep::Delete { id } = step else { return };
        let living = self.cluster.get(&self.key).filter(|object| object.metadata.deletion_timestamp.is_none());
        let (Some(living), Some(eks)) = (living, &self.eks) else { return };
        let Some(association) = self.associations().into_iter().find(|found| found.id == *id) else { return };
        let subject = living.spec.subject.service_account.map(|subject| subject.name);
        let is_its = association.tags.get("ambit.dev/uid") == living.metadata.uid.as_ref()
            && subject.as_ref() == Some(&association.pods.service_account);
        let works = self.cloud.handed_to(eks, &association.pods).is_some_and(|role| role == association.role);
        assert!(!(is_its && works), "an association that works was removed: {association:?}");
    }

    /// Panics if a step on an association did something that no step may do.
    fn judge_association(&self, step: &AssociationStep, before: &[MemoryAssociation]) {
        let after = self.associations();
        for found in before.iter().filter(|found| !self.are_ours(&found.tags)) {
            assert!(after.contains(found), "step `{}` touched {found:?}, which is not ours", step.name());
        }
        for found in after.iter().filter(|found| !self.are_ours(&found.tags)) {
            assert!(before.contains(found), "step `{}` made {found:?} without our tags", step.name());
        }
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

    async fn access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError> {
        self.gate.pass().await;
        self.cloud.access_keys(user).await
    }

    async fn last_use(&self, key: &AccessKeyId) -> Result<LastUse, CloudError> {
        self.gate.pass().await;
        self.cloud.last_use(key).await
    }

    async fn create_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError> {
        self.gate.pass().await;
        self.cloud.create_access_key(user).await
    }

    async fn change_access_key(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError> {
        self.gate.pass().await;
        self.cloud.change_access_key(user, step).await
    }

    async fn prove(&self, name: &PrincipalName, token: &WebToken) -> Result<(), CloudError> {
        self.gate.pass().await;
        self.cloud.prove(name, token).await
    }

    async fn credentials(
        &self,
        name: &PrincipalName,
        token: &WebToken,
        session: SessionSeconds,
    ) -> Result<Credentials, CloudError> {
        self.gate.pass().await;
        self.cloud.credentials(name, token, session).await
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

    async fn observe_cluster(&self) -> Result<Observation<Cluster>, CloudError> {
        self.gate.pass().await;
        self.cloud.observe_cluster().await
    }

    async fn observe_association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError> {
        self.gate.pass().await;
        self.cloud.observe_association(pods).await
    }

    async fn apply_association(&self, step: &AssociationStep) -> Result<(), CloudError> {
        self.gate.pass().await;
        self.protect_what_works(step);
        let before = self.associations();
        let done = self.cloud.apply_association(step).await;
        self.judge_association(step, &before);
        done
    }

    async fn sweep_associations(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError> {
        self.gate.pass().await;
        self.cloud.sweep_associations(from).await
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
