//! Associations as the account in memory keeps them, for each cluster apart.

use std::collections::BTreeMap;

use super::account::{Account, refusal};
use super::role::{owner_tags, parted};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Association, AssociationStep, Listed, PodsOf};
use crate::names::ClusterArn;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::{Context, Outcome, POD_IDENTITY, POD_IDENTITY_ACTIONS, Policy, Request, pod_identity_claims};

/// An association in all its parts, to look at and to change by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryAssociation {
    /// Its id.
    pub id: String,
    /// Whose pods.
    pub pods: PodsOf,
    /// The ARN of the role.
    pub role: String,
    /// The ARN of the role that pods become from there.
    pub target_role: Option<String>,
    /// Whether EKS leaves its session tags out.
    pub disable_session_tags: bool,
    /// A policy of its own.
    pub policy: Option<String>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

impl MemoryAssociation {
    /// One that somebody else made. The account gives it its id when it is planted.
    #[must_use]
    pub fn foreign(pods: PodsOf, role: &str) -> Self {
        Self {
            id: String::new(),
            pods,
            role: role.to_owned(),
            target_role: None,
            disable_session_tags: false,
            policy: None,
            tags: BTreeMap::new(),
        }
    }

    fn observed(&self) -> Association {
        let (owner, _) = parted(&self.tags);
        Association {
            id: self.id.clone(),
            pods: self.pods.clone(),
            principal: self.role.clone(),
            onward: self.target_role.clone(),
            names_pods: !self.disable_session_tags,
            narrowed: self.policy.is_some(),
            owner,
        }
    }
}

/// One association, and so many reads that do not see it yet.
#[derive(Debug)]
pub(super) struct Tied {
    association: MemoryAssociation,
    unseen: u32,
}

/// The associations of all clusters, by the cluster's ARN.
pub(super) type Clusters = BTreeMap<ClusterArn, BTreeMap<PodsOf, Tied>>;

impl Account {
    fn cluster(
        &mut self,
        operation: &'static str,
        cluster: Option<&ClusterArn>,
    ) -> Result<&mut BTreeMap<PodsOf, Tied>, CloudError> {
        cluster.and_then(|cluster| self.clusters.get_mut(cluster)).ok_or_else(|| {
            let message = "No cluster found for name".to_owned();
            refusal(ErrorKind::NotFound, operation, "ResourceNotFoundException", message)
        })
    }

    pub(super) fn read_association(&mut self, cluster: Option<&ClusterArn>, pods: &PodsOf) -> Option<Association> {
        let tied = self.cluster("", cluster).ok()?.get_mut(pods)?;
        super::account::lagging(&mut tied.unseen).then(|| tied.association.observed())
    }

    /// One page, and where the next one begins.
    pub(super) fn association_page(
        &mut self,
        cluster: Option<&ClusterArn>,
        from: Option<&str>,
    ) -> (Vec<Listed>, Option<String>) {
        let size = self.page_size;
        let start: usize = from.and_then(|from| from.parse().ok()).unwrap_or_default();
        let Ok(associations) = self.cluster("", cluster) else { return (Vec::new(), None) };
        let next = (start + size < associations.len()).then(|| (start + size).to_string());
        let page = associations.iter_mut().skip(start).take(size).filter_map(|(pods, tied)| {
            let seen = super::account::lagging(&mut tied.unseen);
            seen.then(|| Listed { id: tied.association.id.clone(), pods: pods.clone() })
        });
        (page.collect(), next)
    }

    pub(super) fn take_association_step(
        &mut self,
        cluster: Option<&ClusterArn>,
        step: &AssociationStep,
    ) -> Result<(), CloudError> {
        match step {
            AssociationStep::Create { owner, pods, principal } => {
                const OPERATION: &str = "eks:CreatePodIdentityAssociation";
                self.must_be_for_pods(OPERATION, principal)?;
                if self.cluster(OPERATION, cluster)?.contains_key(pods) {
                    let message = "Association already exists".to_owned();
                    return Err(refusal(ErrorKind::Conflict, OPERATION, "ResourceInUseException", message));
                }
                let made = MemoryAssociation {
                    tags: owner_tags(owner),
                    ..MemoryAssociation::foreign(pods.clone(), principal)
                };
                let lag = self.read_lag;
                if let Some(cluster) = cluster {
                    self.keep_association(cluster, made, lag);
                }
                Ok(())
            }
            AssociationStep::Update { id, principal } => {
                const OPERATION: &str = "eks:UpdatePodIdentityAssociation";
                self.must_be_for_pods(OPERATION, principal)?;
                let found = self.cluster(OPERATION, cluster)?.values_mut().find(|tied| tied.association.id == *id);
                let tied = found.ok_or_else(|| {
                    let message = "The specified association was not found".to_owned();
                    refusal(ErrorKind::NotFound, OPERATION, "ResourceNotFoundException", message)
                })?;
                principal.clone_into(&mut tied.association.role);
                tied.association.disable_session_tags = false;
                Ok(())
            }
            AssociationStep::Delete { id } => {
                if let Ok(associations) = self.cluster("", cluster) {
                    associations.retain(|_, tied| tied.association.id != *id);
                }
                Ok(())
            }
        }
    }

    /// As EKS has it, before it names a role.
    fn must_be_for_pods(&self, operation: &'static str, arn: &str) -> Result<(), CloudError> {
        let why = match self.roles().find(|role| role.arn == arn) {
            None => "Role provided in the request does not exist.",
            Some(role) if !role.trust.contains(POD_IDENTITY) => "Trust policy of the role provided is invalid.",
            Some(_) => return Ok(()),
        };
        Err(refusal(ErrorKind::NotFound, operation, "InvalidParameterException", why.to_owned()))
    }

    /// Puts an association there and gives it an id that no other ever had.
    pub(super) fn keep_association(&mut self, cluster: &ClusterArn, mut made: MemoryAssociation, unseen: u32) {
        made.id = format!("a-{:016}", self.new_id());
        let associations = self.clusters.entry(cluster.clone()).or_default();
        associations.insert(made.pods.clone(), Tied { association: made, unseen });
    }

    pub(super) fn associations(&self, cluster: &ClusterArn) -> Vec<MemoryAssociation> {
        let all = self.clusters.get(cluster).into_iter().flat_map(BTreeMap::values);
        all.map(|tied| tied.association.clone()).collect()
    }

    pub(super) fn association_mut(&mut self, cluster: &ClusterArn, pods: &PodsOf) -> Option<&mut MemoryAssociation> {
        self.clusters.get_mut(cluster)?.get_mut(pods).map(|tied| &mut tied.association)
    }

    pub(super) fn remove_association(&mut self, cluster: &ClusterArn, pods: &PodsOf) -> bool {
        self.clusters.get_mut(cluster).is_some_and(|all| all.remove(pods).is_some())
    }

    /// The ARN of the role whose credentials EKS gives these pods, if it gives them any: what it says
    /// of them is put to the role's trust.
    pub(super) fn handed_to(&self, cluster: &ClusterArn, pods: &PodsOf) -> Option<String> {
        let association = &self.clusters.get(cluster)?.get(pods)?.association;
        let role = self.roles().find(|role| role.arn == association.role)?;
        let trust = Prepared::new(&Policy::read(&role.trust).ok()?);
        let mut context = Context::default();
        for (key, value) in pod_identity_claims(cluster, &pods.namespace, &pods.service_account) {
            if key == "aws:SourceAccount" || !association.disable_session_tags {
                context.set(key, value);
            }
        }
        let lets_in = |action: &&str| {
            let (resource, principal) = (role.arn.clone(), Some(POD_IDENTITY.to_owned()));
            let request = Request { action: (*action).to_owned(), resource, principal, context: context.clone() };
            alone(&trust, &request).outcome == Outcome::Allowed
        };
        POD_IDENTITY_ACTIONS
            .iter()
            .all(lets_in)
            .then(|| association.target_role.clone().unwrap_or_else(|| association.role.clone()))
    }
}
