//! What concerns the account as a whole: whose it is, its boundary, its quotas.

use std::collections::HashMap;

use aws_sdk_iam::types::SummaryKeyType;

use super::{AwsCloud, errors, facts};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Observation, Reading, Usage, reading};
use crate::names::BoundaryArn;

impl AwsCloud {
    /// The boundary's default version: the one that IAM applies.
    pub(super) async fn boundary(&self, boundary: &BoundaryArn) -> Result<Observation<Reading>, CloudError> {
        const OPERATION: &str = "iam:GetPolicy";
        let request = self.iam.get_policy().policy_arn(boundary.as_str()).send();
        let Some(answer) = errors::found(self.call(OPERATION, request).await)? else {
            return Ok(Observation::Absent);
        };
        let version = answer.policy.and_then(|policy| policy.default_version_id);
        let version = version.ok_or_else(|| errors::incomplete(OPERATION, "the default version"))?;
        self.boundary_version(boundary, version).await.map(Observation::Present)
    }

    /// That a boundary is there and cannot be read is no reason to stop: an older policy of the
    /// operator lets it see the one and not the other.
    async fn boundary_version(&self, boundary: &BoundaryArn, version: String) -> Result<Reading, CloudError> {
        const OPERATION: &str = "iam:GetPolicyVersion";
        let request = self.iam.get_policy_version().policy_arn(boundary.as_str()).version_id(version).send();
        match self.call(OPERATION, request).await {
            Ok(answer) => {
                let document = answer.policy_version.and_then(|version| version.document);
                let document = document.ok_or_else(|| errors::incomplete(OPERATION, "the document"))?;
                Ok(reading(&facts::raw(&document)))
            }
            Err(error) if error.kind == ErrorKind::Denied => Ok(Reading::Unreadable(error.to_string())),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn caller_account(&self) -> Result<String, CloudError> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let answer = self.call(OPERATION, self.sts.get_caller_identity().send()).await?;
        answer.account.ok_or_else(|| errors::incomplete(OPERATION, "the account"))
    }

    pub(super) async fn summary(&self) -> Result<Usage, CloudError> {
        let answer = self.call("iam:GetAccountSummary", self.iam.get_account_summary().send()).await?;
        Ok(usage(&answer.summary_map.unwrap_or_default()))
    }
}

fn usage(counted: &HashMap<SummaryKeyType, i32>) -> Usage {
    let number = |key| counted.get(&key).and_then(|number| u32::try_from(*number).ok());
    Usage { roles: number(SummaryKeyType::from("Roles")), roles_quota: number(SummaryKeyType::from("RolesQuota")) }
}
