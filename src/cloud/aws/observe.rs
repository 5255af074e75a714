//! Reading one role.

use aws_sdk_iam::types::{AttachedPolicy, Role};

use super::{AwsCloud, OWN, PERMISSIONS, errors, facts};
use crate::cloud::CloudError;
use crate::domain::{Observation, Observed, Reading, reading};
use crate::names::PrincipalName;

impl AwsCloud {
    /// The role and the policy that Ambit writes, in two calls at once.
    ///
    /// Whether the role is closed, and whether others added policies, is not asked.
    pub(super) async fn observe_own(&self, name: &PrincipalName) -> Result<Observation<Observed>, CloudError> {
        let (role, permissions) = tokio::join!(self.get_role(name), self.get_inline(name, PERMISSIONS));
        let Some(role) = role? else { return Ok(Observation::Absent) };
        let mut observed = facts::from_role(&self.account, role);
        if observed.on_our_path {
            observed.permissions = permissions?;
        }
        Ok(Observation::Present(observed))
    }

    /// The role and all its policies.
    ///
    /// IAM knows one role of a name in the whole account. When that one lies
    /// elsewhere it is not ours, its policies are not ours to read, and the
    /// operator's own policy does not allow it.
    pub(super) async fn observe_full(&self, name: &PrincipalName) -> Result<Observation<Observed>, CloudError> {
        let Some(role) = self.get_role(name).await? else { return Ok(Observation::Absent) };
        let mut observed = facts::from_role(&self.account, role);
        if !observed.on_our_path {
            return Ok(Observation::Present(observed));
        }
        let (inline, attached) = tokio::join!(self.inline(name), self.attached(name));
        let (Some((names, permissions)), Some(attached)) = (inline?, attached?) else {
            return Ok(Observation::Absent);
        };
        for policy in names {
            // Ambit's own was read; one that went in between is not there.
            let document =
                if policy == PERMISSIONS { permissions.clone() } else { self.get_inline(name, &policy).await? };
            if let Some(document) = document {
                observed.add_inline(OWN, policy, document);
            }
        }
        observed.attached = facts::arns(attached);
        observed.complete = true;
        Ok(Observation::Present(observed))
    }

    async fn get_role(&self, name: &PrincipalName) -> Result<Option<Role>, CloudError> {
        const OPERATION: &str = "iam:GetRole";
        let request = self.iam.get_role().role_name(name.as_str()).send();
        match errors::found(self.call(OPERATION, request).await)? {
            None => Ok(None),
            // Where the answer lacks the role, the SDK fills in an empty one.
            Some(answer) => {
                let role = answer.role.filter(|role| !role.role_id.is_empty());
                role.map(Some).ok_or_else(|| errors::incomplete(OPERATION, "the role"))
            }
        }
    }

    async fn get_inline(&self, name: &PrincipalName, policy: &str) -> Result<Option<Reading>, CloudError> {
        let request = self.iam.get_role_policy().role_name(name.as_str()).policy_name(policy).send();
        let answer = errors::found(self.call("iam:GetRolePolicy", request).await)?;
        Ok(answer.map(|answer| reading(&facts::raw(&answer.policy_document))))
    }

    /// The names of all inline policies and what Ambit's own says; nothing if the role went away.
    async fn inline(&self, name: &PrincipalName) -> Result<Option<(Vec<String>, Option<Reading>)>, CloudError> {
        let ask = |marker| self.iam.list_role_policies().role_name(name.as_str()).set_marker(marker).send();
        let names = self
            .all_pages("iam:ListRolePolicies", ask, |page| (page.policy_names, page.is_truncated, page.marker))
            .await?;
        let Some(names) = names else { return Ok(None) };
        let has_own = names.iter().any(|policy| policy == PERMISSIONS);
        let permissions = if has_own { self.get_inline(name, PERMISSIONS).await? } else { None };
        Ok(Some((names, permissions)))
    }

    /// All attached policies; nothing if the role went away.
    async fn attached(&self, name: &PrincipalName) -> Result<Option<Vec<AttachedPolicy>>, CloudError> {
        let ask = |marker| self.iam.list_attached_role_policies().role_name(name.as_str()).set_marker(marker).send();
        self.all_pages("iam:ListAttachedRolePolicies", ask, |page| {
            (page.attached_policies.unwrap_or_default(), page.is_truncated, page.marker)
        })
        .await
    }
}
