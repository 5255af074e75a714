//! Reading one user.

use aws_sdk_iam::types::{AttachedPolicy, User};

use super::{AwsCloud, OWN, PERMISSIONS, errors, facts};
use crate::cloud::CloudError;
use crate::domain::{Observation, Observed, Reading, reading};
use crate::names::PrincipalName;

impl AwsCloud {
    /// The user and the policy that Ambit writes, in two calls at once.
    pub(super) async fn observe_own_user(&self, name: &PrincipalName) -> Result<Observation<Observed>, CloudError> {
        let (user, permissions) = tokio::join!(self.get_user(name), self.get_users_inline(name, PERMISSIONS));
        let Some(user) = user? else { return Ok(Observation::Absent) };
        let mut observed = facts::from_user(&self.account, user);
        if observed.on_our_path {
            observed.permissions = permissions?;
        }
        Ok(Observation::Present(observed))
    }

    /// The user, all its policies, its groups, and whether it has a password. Its keys are asked
    /// for apart. Of a user on another path, nothing more is read.
    pub(super) async fn observe_full_user(&self, name: &PrincipalName) -> Result<Observation<Observed>, CloudError> {
        let Some(user) = self.get_user(name).await? else { return Ok(Observation::Absent) };
        let mut observed = facts::from_user(&self.account, user);
        if !observed.on_our_path {
            return Ok(Observation::Present(observed));
        }
        let lists = tokio::join!(self.users_inline(name), self.users_attached(name), self.users_groups(name));
        let (Some(names), Some(attached), Some(groups)) = (lists.0?, lists.1?, lists.2?) else {
            return Ok(Observation::Absent);
        };
        for policy in names {
            // One that went in between is not there.
            if let Some(document) = self.get_users_inline(name, &policy).await? {
                observed.add_inline(OWN, policy, document);
            }
        }
        observed.attached = facts::arns(attached);
        observed.groups = groups.into_iter().collect();
        observed.has_password = Some(self.has_password(name).await?);
        observed.complete = true;
        Ok(Observation::Present(observed))
    }

    async fn get_user(&self, name: &PrincipalName) -> Result<Option<User>, CloudError> {
        const OPERATION: &str = "iam:GetUser";
        let request = self.iam.get_user().user_name(name.as_str()).send();
        match errors::found(self.call(OPERATION, request).await)? {
            None => Ok(None),
            // Where the answer lacks the user, the SDK fills in an empty one.
            Some(answer) => {
                let user = answer.user.filter(|user| !user.user_id.is_empty());
                user.map(Some).ok_or_else(|| errors::incomplete(OPERATION, "the user"))
            }
        }
    }

    async fn get_users_inline(&self, name: &PrincipalName, policy: &str) -> Result<Option<Reading>, CloudError> {
        let request = self.iam.get_user_policy().user_name(name.as_str()).policy_name(policy).send();
        let answer = errors::found(self.call("iam:GetUserPolicy", request).await)?;
        Ok(answer.map(|answer| reading(&facts::raw(&answer.policy_document))))
    }

    /// The names of all inline policies; nothing if the user went away.
    async fn users_inline(&self, name: &PrincipalName) -> Result<Option<Vec<String>>, CloudError> {
        let ask = |marker| self.iam.list_user_policies().user_name(name.as_str()).set_marker(marker).send();
        self.all_pages("iam:ListUserPolicies", ask, |page| (page.policy_names, page.is_truncated, page.marker)).await
    }

    /// All attached policies; nothing if the user went away.
    async fn users_attached(&self, name: &PrincipalName) -> Result<Option<Vec<AttachedPolicy>>, CloudError> {
        let ask = |marker| self.iam.list_attached_user_policies().user_name(name.as_str()).set_marker(marker).send();
        self.all_pages("iam:ListAttachedUserPolicies", ask, |page| {
            (page.attached_policies.unwrap_or_default(), page.is_truncated, page.marker)
        })
        .await
    }

    /// The names of all groups that it is in; nothing if the user went away.
    async fn users_groups(&self, name: &PrincipalName) -> Result<Option<Vec<String>>, CloudError> {
        let ask = |marker| self.iam.list_groups_for_user().user_name(name.as_str()).set_marker(marker).send();
        self.all_pages("iam:ListGroupsForUser", ask, |page| {
            let names = page.groups.into_iter().map(|group| group.group_name).collect();
            (names, page.is_truncated, page.marker)
        })
        .await
    }

    async fn has_password(&self, name: &PrincipalName) -> Result<bool, CloudError> {
        let request = self.iam.get_login_profile().user_name(name.as_str()).send();
        let answer = errors::found(self.call("iam:GetLoginProfile", request).await)?;
        Ok(answer.is_some())
    }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
