//! Changing one role: a step, a call.

use aws_sdk_iam::types::Tag;

use super::{AwsCloud, CLOSED, PERMISSIONS, SESSIONS, errors, tags};
use crate::cloud::{CloudError, ErrorKind};
use crate::domain::{Birth, SessionSeconds, Step, StepDone};
use crate::names::{BoundaryArn, PrincipalName};
use crate::policy::{deny_all, deny_sessions_before};

impl AwsCloud {
    pub(super) async fn take_step(&self, name: &PrincipalName, step: &Step) -> Result<StepDone, CloudError> {
        match step {
            Step::Create(birth) => return self.create(name, birth).await,
            Step::SetOwner(owner) => self.write_tags(name, tags::of("iam:TagRole", owner)?).await?,
            Step::Retain(owner) => self.write_tags(name, tags::of_retained("iam:TagRole", owner)?).await?,
            Step::SetBoundary(boundary) => self.set_boundary(name, boundary).await?,
            Step::SetTrust(trust) => self.set_trust(name, trust.text()).await?,
            Step::SetSession(session) => self.set_session(name, *session).await?,
            Step::SetPermissions(document) => self.put_inline(name, PERMISSIONS, document.text()).await?,
            Step::RemovePermissions => self.remove_inline(name, PERMISSIONS).await?,
            Step::Close => self.put_inline(name, CLOSED, deny_all().text()).await?,
            Step::Open => self.remove_inline(name, CLOSED).await?,
            Step::DenySessions(before) => {
                self.put_inline(name, SESSIONS, deny_sessions_before(&before.to_string()).text()).await?;
            }
            Step::AdmitSessions => self.remove_inline(name, SESSIONS).await?,
            Step::RemoveInline(policy) => self.remove_inline(name, policy).await?,
            Step::Detach(arn) => self.detach(name, arn).await?,
            Step::LeaveGroup(_) => {
                return Err(errors::refused("iam:RemoveUserFromGroup", "this is a role, and a role is in no group"));
            }
            Step::RemovePassword => {
                return Err(errors::refused("iam:DeleteLoginProfile", "this is a role, and a role has no password"));
            }
            Step::Delete => self.delete(name).await?,
        }
        Ok(StepDone::Done)
    }

    async fn create(&self, name: &PrincipalName, birth: &Birth) -> Result<StepDone, CloudError> {
        const OPERATION: &str = "iam:CreateRole";
        let request = self
            .iam
            .create_role()
            .role_name(name.as_str())
            .path(self.account.path.as_str())
            .assume_role_policy_document(birth.trust.text())
            .permissions_boundary(birth.boundary.as_str())
            .max_session_duration(birth.session.get().cast_signed())
            .set_tags(Some(tags::of(OPERATION, &birth.owner)?));
        let role = self.call(OPERATION, request.send()).await?.role.filter(|role| !role.role_id.is_empty());
        let role = role.ok_or_else(|| errors::incomplete(OPERATION, "the role"))?;
        Ok(StepDone::Created { id: role.role_id, arn: role.arn })
    }

    async fn write_tags(&self, name: &PrincipalName, tags: Vec<Tag>) -> Result<(), CloudError> {
        let request = self.iam.tag_role().role_name(name.as_str()).set_tags(Some(tags)).send();
        self.call("iam:TagRole", request).await.map(drop)
    }

    async fn set_boundary(&self, name: &PrincipalName, boundary: &BoundaryArn) -> Result<(), CloudError> {
        let request = self.iam.put_role_permissions_boundary().role_name(name.as_str());
        let request = request.permissions_boundary(boundary.as_str()).send();
        self.call("iam:PutRolePermissionsBoundary", request).await.map(drop)
    }

    async fn set_trust(&self, name: &PrincipalName, trust: &str) -> Result<(), CloudError> {
        let request = self.iam.update_assume_role_policy().role_name(name.as_str()).policy_document(trust).send();
        self.call("iam:UpdateAssumeRolePolicy", request).await.map(drop)
    }

    async fn set_session(&self, name: &PrincipalName, session: SessionSeconds) -> Result<(), CloudError> {
        let seconds = session.get().cast_signed();
        let request = self.iam.update_role().role_name(name.as_str()).max_session_duration(seconds).send();
        self.call("iam:UpdateRole", request).await.map(drop)
    }

    async fn put_inline(&self, name: &PrincipalName, policy: &str, document: &str) -> Result<(), CloudError> {
        let request = self.iam.put_role_policy().role_name(name.as_str()).policy_name(policy);
        self.call("iam:PutRolePolicy", request.policy_document(document).send()).await.map(drop)
    }

    async fn remove_inline(&self, name: &PrincipalName, policy: &str) -> Result<(), CloudError> {
        let request = self.iam.delete_role_policy().role_name(name.as_str()).policy_name(policy).send();
        gone(self.call("iam:DeleteRolePolicy", request).await)
    }

    async fn detach(&self, name: &PrincipalName, arn: &str) -> Result<(), CloudError> {
        let request = self.iam.detach_role_policy().role_name(name.as_str()).policy_arn(arn).send();
        gone(self.call("iam:DetachRolePolicy", request).await)
    }

    async fn delete(&self, name: &PrincipalName) -> Result<(), CloudError> {
        let request = self.iam.delete_role().role_name(name.as_str()).send();
        gone(self.call("iam:DeleteRole", request).await)
    }
}

/// A removal of what is not there has nothing left to do.
pub(super) fn gone<T>(answer: Result<T, CloudError>) -> Result<(), CloudError> {
    match answer {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
