//! Pod identity associations, by which EKS hands roles to the pods of a cluster.

use aws_sdk_eks::types::PodIdentityAssociation;

use super::{AwsCloud, errors, tags};
use crate::cloud::{AssociationPage, CloudError, ErrorKind, PageToken};
use crate::domain::{Association, AssociationStep, Cluster, Listed, Observation, PodsOf};
use crate::names::Owner;

/// The most that EKS gives in one page.
const PAGE_SIZE: i32 = 100;

const LIST: &str = "eks:ListPodIdentityAssociations";

impl AwsCloud {
    pub(super) async fn cluster(&self) -> Result<Observation<Cluster>, CloudError> {
        const OPERATION: &str = "eks:DescribeCluster";
        let Some(cluster) = self.cluster_name() else { return Ok(Observation::Absent) };
        let request = self.eks.describe_cluster().name(cluster).send();
        let Some(answer) = errors::found(self.call(OPERATION, request).await)? else {
            return Ok(Observation::Absent);
        };
        let arn = answer.cluster.and_then(|cluster| cluster.arn);
        let arn = arn.ok_or_else(|| errors::incomplete(OPERATION, "the cluster's ARN"))?;
        Ok(Observation::Present(Cluster { arn }))
    }

    /// Lists tell the id only; what stands in the association and whose it is, a second call tells.
    pub(super) async fn association(&self, pods: &PodsOf) -> Result<Observation<Association>, CloudError> {
        const OPERATION: &str = "eks:DescribePodIdentityAssociation";
        let (Some(cluster), Some(id)) = (self.cluster_name(), self.association_id(pods).await?) else {
            return Ok(Observation::Absent);
        };
        let request = self.eks.describe_pod_identity_association().cluster_name(cluster).association_id(&id).send();
        // It may have gone in between.
        let Some(answer) = errors::found(self.call(OPERATION, request).await)? else {
            return Ok(Observation::Absent);
        };
        let found = answer.association.ok_or_else(|| errors::incomplete(OPERATION, "the association"))?;
        Ok(Observation::Present(read(id, pods, found)))
    }

    async fn association_id(&self, pods: &PodsOf) -> Result<Option<String>, CloudError> {
        let Some(cluster) = self.cluster_name() else { return Ok(None) };
        let mut from = None;
        loop {
            let request = self.eks.list_pod_identity_associations().cluster_name(cluster).set_next_token(from);
            let request = request.namespace(&pods.namespace).service_account(&pods.service_account).send();
            let Some(page) = errors::found(self.call(LIST, request).await)? else { return Ok(None) };
            let is_it = |found: &Listed| found.pods == *pods;
            if let Some(found) = page.associations.unwrap_or_default().into_iter().filter_map(listed).find(is_it) {
                return Ok(Some(found.id));
            }
            from = page.next_token;
            if from.is_none() {
                return Ok(None);
            }
        }
    }

    pub(super) async fn association_page(&self, from: Option<&PageToken>) -> Result<AssociationPage, CloudError> {
        let none = AssociationPage { associations: Vec::new(), next: None };
        let Some(cluster) = self.cluster_name() else { return Ok(none) };
        let request = self
            .eks
            .list_pod_identity_associations()
            .cluster_name(cluster)
            .max_results(PAGE_SIZE)
            .set_next_token(from.map(|token| token.0.clone()));
        let Some(page) = errors::found(self.call(LIST, request.send()).await)? else { return Ok(none) };
        let associations = page.associations.unwrap_or_default().into_iter().filter_map(listed).collect();
        Ok(AssociationPage { associations, next: page.next_token.map(PageToken) })
    }

    pub(super) async fn take_association_step(&self, step: &AssociationStep) -> Result<(), CloudError> {
        match step {
            AssociationStep::Create { owner, pods, principal } => {
                self.create_association(owner, pods, principal).await.map_err(not_seen_yet)
            }
            AssociationStep::Update { id, principal } => {
                self.update_association(id, principal).await.map_err(not_seen_yet)
            }
            AssociationStep::Delete { id } => self.delete_association(id).await,
        }
    }

    async fn create_association(&self, owner: &Owner, pods: &PodsOf, principal: &str) -> Result<(), CloudError> {
        const OPERATION: &str = "eks:CreatePodIdentityAssociation";
        let mut request = self
            .eks
            .create_pod_identity_association()
            .cluster_name(self.cluster_or_refuse(OPERATION)?)
            .namespace(&pods.namespace)
            .service_account(&pods.service_account)
            .role_arn(principal);
        for (key, value) in tags::pairs(owner) {
            request = request.tags(key, value);
        }
        self.call(OPERATION, request.send()).await.map(drop)
    }

    async fn update_association(&self, id: &str, principal: &str) -> Result<(), CloudError> {
        const OPERATION: &str = "eks:UpdatePodIdentityAssociation";
        let cluster = self.cluster_or_refuse(OPERATION)?;
        let request = self.eks.update_pod_identity_association().cluster_name(cluster).association_id(id);
        let request = request.role_arn(principal).disable_session_tags(false);
        self.call(OPERATION, request.send()).await.map(drop)
    }

    async fn delete_association(&self, id: &str) -> Result<(), CloudError> {
        const OPERATION: &str = "eks:DeletePodIdentityAssociation";
        let cluster = self.cluster_or_refuse(OPERATION)?;
        let request = self.eks.delete_pod_identity_association().cluster_name(cluster).association_id(id);
        errors::found(self.call(OPERATION, request.send()).await).map(drop)
    }

    fn cluster_name(&self) -> Option<&str> {
        self.account.cluster.as_ref().map(crate::names::ClusterArn::name)
    }

    fn cluster_or_refuse(&self, operation: &'static str) -> Result<&str, CloudError> {
        self.cluster_name().ok_or_else(|| errors::refused(operation, "the account names no cluster"))
    }
}

/// EKS looks at the role and at its trust before it names it. What IAM was told a moment ago may
/// not have reached it, and it says then that the request is wrong.
fn not_seen_yet(error: CloudError) -> CloudError {
    let is_about_the_role =
        error.code.starts_with("InvalidParameter") && error.message.to_ascii_lowercase().contains("role");
    if is_about_the_role { CloudError { kind: ErrorKind::NotFound, ..error } } else { error }
}

fn listed(summary: aws_sdk_eks::types::PodIdentityAssociationSummary) -> Option<Listed> {
    let pods = PodsOf { namespace: summary.namespace?, service_account: summary.service_account? };
    Some(Listed { id: summary.association_id?, pods })
}

fn read(id: String, pods: &PodsOf, found: PodIdentityAssociation) -> Association {
    let (owner, _) = tags::parted(found.tags.unwrap_or_default());
    let set = |text: Option<String>| text.filter(|text| !text.is_empty());
    Association {
        id,
        pods: pods.clone(),
        principal: found.role_arn.unwrap_or_default(),
        onward: set(found.target_role_arn),
        names_pods: !found.disable_session_tags.unwrap_or_default(),
        narrowed: set(found.policy).is_some(),
        owner,
    }
}

#[cfg(test)]
#[path = "association_tests.rs"]
mod tests;
