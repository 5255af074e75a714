//! Changing one user: a step, a call.

use aws_sdk_iam::types::Tag;

use super::apply::gone;
use super::{AwsCloud, CLOSED, PERMISSIONS, SESSIONS, errors, tags};
use crate::cloud::CloudError;
use crate::domain::{Birth, Step, StepDone};
use crate::names::{BoundaryArn, PrincipalName};
use crate::policy::{deny_all, deny_sessions_before};

impl AwsCloud {
    pub(super) async fn take_users_step(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        match step {
            Step::Create(birth) => return self.create_user(name, birth).await,
            Step::SetOwner(owner) => self.tag_user(name, tags::of("iam:TagUser", owner)?).await?,
            Step::Retain(owner) => self.tag_user(name, tags::of_retained("iam:TagUser", owner)?).await?,
            Step::SetBoundary(boundary) => self.set_users_boundary(name, boundary).await?,
            Step::SetTrust(_) => {
                let why = "this is a user, and nobody can become a user: it has no trust policy";
                return Err(errors::refused("iam:UpdateAssumeRolePolicy", why));
            }
            Step::SetSession(_) => {
                return Err(errors::refused("iam:UpdateRole", "this is a user, and a user has no longest session"));
            }
            Step::SetPermissions(document) => self.put_users_inline(name, PERMISSIONS, document.text()).await?,
            Step::RemovePermissions => self.remove_users_inline(name, PERMISSIONS).await?,
            Step::Close => self.put_users_inline(name, CLOSED, deny_all().text()).await?,
            Step::Open => self.remove_users_inline(name, CLOSED).await?,
            Step::DenySessions(before) => {
                self.put_users_inline(name, SESSIONS, deny_sessions_before(&before.to_string()).text()).await?;
            }
            Step::AdmitSessions => self.remove_users_inline(name, SESSIONS).await?,
            Step::RemoveInline(policy) => self.remove_users_inline(name, policy).await?,
            Step::Detach(arn) => self.detach_from_user(name, arn).await?,
            Step::LeaveGroup(group) => self.leave_group(name, group).await?,
            Step::RemovePassword => self.remove_password(name).await?,
            Step::Delete => self.delete_user(name).await?,
        }
        Ok(StepDone::Done)
    }

    async fn create_user(&self, name: &PrincipalName, birth: &Birth) -> Result<StepDone, CloudError> {
        const OPERATION: &str = "iam:CreateUser";
        let request = self
            .iam
            .create_user()
            .user_name(name.as_str())
            .path(self.account.path.as_str())
            .permissions_boundary(birth.boundary.as_str())
            .set_tags(Some(tags::of(OPERATION, &birth.owner)?));
        let user = self.call(OPERATION, request.send()).await?.user.filter(|user| !user.user_id.is_empty());
        let user = user.ok_or_else(|| errors::incomplete(OPERATION, "the user"))?;
        Ok(StepDone::Created { id: user.user_id, arn: user.arn })
    }

    async fn tag_user(&self, name: &PrincipalName, tags: Vec<Tag>) -> Result<(), CloudError> {
        let request = self.iam.tag_user().user_name(name.as_str()).set_tags(Some(tags)).send();
        self.call("iam:TagUser", request).await.map(drop)
    }

    async fn set_users_boundary(&self, name: &PrincipalName, boundary: &BoundaryArn) -> Result<(), CloudError> {
        let request = self.iam.put_user_permissions_boundary().user_name(name.as_str());
        let request = request.permissions_boundary(boundary.as_str()).send();
        self.call("iam:PutUserPermissionsBoundary", request).await.map(drop)
    }

    async fn put_users_inline(&self, name: &PrincipalName, policy: &str, document: &str) -> Result<(), CloudError> {
        let request = self.iam.put_user_policy().user_name(name.as_str()).policy_name(policy);
        self.call("iam:PutUserPolicy", request.policy_document(document).send()).await.map(drop)
    }

    async fn remove_users_inline(&self, name: &PrincipalName, policy: &str) -> Result<(), CloudError> {
        let request = self.iam.delete_user_policy().user_name(name.as_str()).policy_name(policy).send();
        gone(self.call("iam:DeleteUserPolicy", request).await)
    }

    async fn detach_from_user(&self, name: &PrincipalName, arn: &str) -> Result<(), CloudError> {
        let request = self.iam.detach_user_policy().user_name(name.as_str()).policy_arn(arn).send();
        gone(self.call("iam:DetachUserPolicy", request).await)
    }

    async fn leave_group(&self, name: &PrincipalName, group: &str) -> Result<(), CloudError> {
        let request = self.iam.remove_user_from_group().user_name(name.as_str()).group_name(group).send();
        gone(self.call("iam:RemoveUserFromGroup", request).await)
    }

    async fn remove_password(&self, name: &PrincipalName) -> Result<(), CloudError> {
        let request = self.iam.delete_login_profile().user_name(name.as_str()).send();
        gone(self.call("iam:DeleteLoginProfile", request).await)
    }

    async fn delete_user(&self, name: &PrincipalName) -> Result<(), CloudError> {
        let request = self.iam.delete_user().user_name(name.as_str()).send();
        gone(self.call("iam:DeleteUser", request).await)
    }
}
