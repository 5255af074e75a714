//! A cluster and a cloud in memory, for the tests of commands.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kube::ResourceExt;
use serde_json::json;

use super::cloud::{Clouds, Counter, Reach};
use super::objects::{Objects, Trouble};
use crate::api::v1alpha1::{BindingTable, BindingTableFields, CloudAccount, MachineIdentity};
use crate::cloud::{Cloud, MemoryCloud};
use crate::domain::annotation::Annotations;
use crate::domain::{Birth, Step};
use crate::names::{AccountId, BoundaryArn, ClusterArn, IdentityKey, InstallationId, RolePath};
use crate::plan::account::AccountSettings;
use crate::plan::{Declaration, Resolved, compile};
use crate::policy::Catalogue;

pub const ACCOUNT: &str = "123456789012";
pub const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/ambit-boundary";
pub const ISSUER: &str = "https://oidc.example.com/id/A";

/// Objects in memory. What is forbidden is told so.
#[derive(Default)]
pub struct FakeCluster {
    pub identities: Vec<MachineIdentity>,
    pub accounts: Vec<CloudAccount>,
    pub tables: BTreeMap<String, BindingTableFields>,
    /// As `namespace/name`, with their annotations.
    pub service_accounts: BTreeMap<String, Annotations>,
    /// Kinds that may not be read, in their plural.
    pub forbidden: Vec<&'static str>,
}

impl FakeCluster {
    fn may(&self, what: &str) -> Result<(), Trouble> {
        if self.forbidden.contains(&what) {
            return Err(Trouble { forbidden: true, message: format!("you may not read {what}") });
        }
        Ok(())
    }
}

#[async_trait]
impl Objects for FakeCluster {
    async fn identity(&self, key: &IdentityKey) -> Result<Option<MachineIdentity>, Trouble> {
        self.may("machineidentities")?;
        let is_it =
            |one: &&MachineIdentity| one.name_any() == key.name && one.namespace().as_ref() == Some(&key.namespace);
        Ok(self.identities.iter().find(is_it).cloned())
    }

    async fn identities(&self, namespace: Option<&str>) -> Result<Vec<MachineIdentity>, Trouble> {
        self.may("machineidentities")?;
        let all = self.identities.iter();
        Ok(all.filter(|one| namespace.is_none_or(|name| one.namespace().as_deref() == Some(name))).cloned().collect())
    }

    async fn account(&self, name: &str) -> Result<Option<CloudAccount>, Trouble> {
        self.may("cloudaccounts")?;
        Ok(self.accounts.iter().find(|account| account.name_any() == name).cloned())
    }

    async fn accounts(&self) -> Result<Vec<String>, Trouble> {
        self.may("cloudaccounts")?;
        Ok(self.accounts.iter().map(ResourceExt::name_any).collect())
    }

    async fn table(&self, namespace: &str) -> Result<Option<BindingTable>, Trouble> {
        self.may("bindingtables")?;
        let table = |fields: &BindingTableFields| BindingTable { spec: fields.clone(), ..BindingTable::default() };
        Ok(self.tables.get(namespace).map(table))
    }

    async fn annotations(&self, namespace: &str, service_account: &str) -> Result<Option<Annotations>, Trouble> {
        self.may("serviceaccounts")?;
        Ok(self.service_accounts.get(&format!("{namespace}/{service_account}")).cloned())
    }
}

/// A cloud in memory for every account.
pub struct FakeClouds(pub Arc<dyn Cloud>);

#[async_trait]
impl Clouds for FakeClouds {
    async fn connect(&self, _: &AccountSettings, _: &InstallationId) -> Reach {
        Reach { cloud: Arc::clone(&self.0), calls: Arc::new(Counter::default()) }
    }
}

pub fn installation() -> InstallationId {
    InstallationId::parse("sim").unwrap()
}

/// An empty account in memory.
pub fn cloud() -> MemoryCloud {
    let path = RolePath::parse("/ambit/sim/").unwrap();
    let cloud = MemoryCloud::new(AccountId::parse(ACCOUNT).unwrap(), path, installation());
    cloud.add_boundary(&BoundaryArn::parse(BOUNDARY).unwrap());
    cloud
}

pub fn account() -> CloudAccount {
    serde_json::from_value(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "prod"},
        "spec": {
            "aws": {
                "accountId": ACCOUNT, "region": "eu-west-1", "permissionsBoundaryArn": BOUNDARY,
                "federation": {"webIdentity": {"issuer": ISSUER}},
            },
            "namespaceSelector": {},
        },
    }))
    .unwrap()
}

/// The same account, where EKS hands roles to the pods of a cluster.
pub fn account_with_pod_identity() -> CloudAccount {
    let mut account = account();
    let federation = json!({"podIdentity": {"clusterName": cluster().name()}});
    account.spec.aws.as_mut().unwrap().federation = serde_json::from_value(federation).unwrap();
    account
}

/// The cluster of that account.
pub fn cluster() -> ClusterArn {
    let arn = format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod-eu");
    ClusterArn::parse(&arn).unwrap()
}

/// An identity that reads one bucket.
pub fn identity(namespace: &str, name: &str) -> MachineIdentity {
    serde_json::from_value(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"), "generation": 1},
        "spec": {
            "accountRef": {"name": "prod"},
            "subject": {"serviceAccount": {"name": name}},
            "scopes": [{"name": "inbox", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::orders-in/*"]}],
        },
    }))
    .unwrap()
}

/// The same with a status that tells of a role and of being ready.
pub fn with_role(mut identity: MachineIdentity, arn: &str, id: &str) -> MachineIdentity {
    let condition = |name: &str| {
        json!({"type": name, "status": "True", "reason": "Verified", "message": "",
            "lastTransitionTime": "2026-11-22T08:00:00Z"})
    };
    let aws = json!({"roleArn": arn, "roleId": id, "permissionsDigest": "", "trustDigest": ""});
    let status = json!({"observedGeneration": 1, "conditions": [condition("Ready")], "aws": aws});
    identity.status = Some(serde_json::from_value(status).unwrap());
    identity
}

/// What an identity compiles to.
pub fn resolved(identity: &MachineIdentity) -> Resolved {
    resolved_in(&account(), identity)
}

/// What an identity compiles to in an account.
pub fn resolved_in(account: &CloudAccount, identity: &MachineIdentity) -> Resolved {
    let key = IdentityKey::new(identity.namespace().unwrap(), identity.name_any());
    let settings = AccountSettings::parse(&account.spec, &installation()).unwrap();
    compile(Declaration { identity, key: &key }, settings, &installation(), Catalogue::embedded()).unwrap()
}

/// Makes the role of an identity as the operator would, and tells the identity's status of it.
pub async fn provision(cloud: &MemoryCloud, identity: MachineIdentity) -> MachineIdentity {
    provision_in(cloud, &account(), identity).await
}

/// The same in this account.
pub async fn provision_in(cloud: &MemoryCloud, account: &CloudAccount, identity: MachineIdentity) -> MachineIdentity {
    let resolved = resolved_in(account, &identity);
    let desired = resolved.desired;
    let birth = Birth {
        owner: desired.owner.clone(),
        trust: desired.trust.clone(),
        boundary: desired.boundary.clone(),
        session: desired.session,
    };
    cloud.apply(&desired.name, &Step::Create(birth)).await.unwrap();
    cloud.apply(&desired.name, &Step::SetPermissions(desired.permissions.clone())).await.unwrap();
    let id = cloud.role(desired.name.as_str()).unwrap().id;
    with_role(identity, &resolved.role_arn, &id)
}

/// The role name of an identity.
pub fn role_name(identity: &MachineIdentity) -> String {
    resolved(identity).desired.name.to_string()
}
