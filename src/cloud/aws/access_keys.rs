//! The access keys of a user.
//!
//! Nothing here puts an answer that holds a secret into an error or a log. The SDK keeps it out
//! of its own texts, and at the level at which it would write whole answers it is silenced.

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};

use super::apply::gone;
use super::{AwsCloud, errors, facts};
use crate::cloud::CloudError;
use crate::domain::{AccessKey, KeyStep, LastUse, NewAccessKey};
use crate::names::{AccessKeyId, PrincipalName};

const LIST: &str = "iam:ListAccessKeys";
const CREATE: &str = "iam:CreateAccessKey";

impl AwsCloud {
    pub(super) async fn list_access_keys(&self, user: &PrincipalName) -> Result<Vec<AccessKey>, CloudError> {
        let ask = |marker| self.iam.list_access_keys().user_name(user.as_str()).set_marker(marker).send();
        let listed =
            self.all_pages(LIST, ask, |page| (page.access_key_metadata, page.is_truncated, page.marker)).await?;
        let read =
            |key: AccessKeyMetadata| read(LIST, key.access_key_id.as_deref(), key.status.as_ref(), key.create_date);
        listed.unwrap_or_default().into_iter().map(read).collect()
    }

    /// IAM tells no date of a key that was never used.
    pub(super) async fn key_last_used(&self, key: &AccessKeyId) -> Result<LastUse, CloudError> {
        const OPERATION: &str = "iam:GetAccessKeyLastUsed";
        let request = self.iam.get_access_key_last_used().access_key_id(key.as_str()).send();
        let told = self.call(OPERATION, request).await?.access_key_last_used;
        let told = told.ok_or_else(|| errors::incomplete(OPERATION, "the last use"))?;
        let Some(date) = told.last_used_date else { return Ok(LastUse::Never) };
        facts::time(date).map(LastUse::At).ok_or_else(|| errors::incomplete(OPERATION, "a date that can be read"))
    }

    pub(super) async fn make_access_key(&self, user: &PrincipalName) -> Result<NewAccessKey, CloudError> {
        let request = self.iam.create_access_key().user_name(user.as_str()).send();
        let made = self.call(CREATE, request).await?.access_key;
        let made = made.ok_or_else(|| errors::incomplete(CREATE, "the access key"))?;
        let key = read(CREATE, Some(&made.access_key_id), Some(&made.status), made.create_date)?;
        NewAccessKey::new(key, made.secret_access_key).map_err(|why| errors::unusable(CREATE, &why))
    }

    pub(super) async fn take_key_step(&self, user: &PrincipalName, step: &KeyStep) -> Result<(), CloudError> {
        match step {
            KeyStep::Activate(id) => self.set_status(user, id, StatusType::Active).await,
            KeyStep::Deactivate(id) => self.set_status(user, id, StatusType::Inactive).await,
            KeyStep::Delete(id) => self.delete_access_key(user, id).await,
        }
    }

    async fn set_status(&self, user: &PrincipalName, id: &AccessKeyId, status: StatusType) -> Result<(), CloudError> {
        let request = self.iam.update_access_key().user_name(user.as_str()).access_key_id(id.as_str());
        self.call("iam:UpdateAccessKey", request.status(status).send()).await.map(drop)
    }

    async fn delete_access_key(&self, user: &PrincipalName, id: &AccessKeyId) -> Result<(), CloudError> {
        let request = self.iam.delete_access_key().user_name(user.as_str()).access_key_id(id.as_str()).send();
        gone(self.call("iam:DeleteAccessKey", request).await)
    }
}

/// A key as it is told. Nothing is guessed: what the rotation of keys goes by must be there.
fn read(
    operation: &'static str,
    id: Option<&str>,
    status: Option<&StatusType>,
    created: Option<DateTime>,
) -> Result<AccessKey, CloudError> {
    let lacks = |what| errors::incomplete(operation, what);
    let id = id.and_then(|id| AccessKeyId::parse(id).ok()).ok_or_else(|| lacks("the id of an access key"))?;
    let active = match status {
        Some(StatusType::Active) => true,
        Some(StatusType::Inactive | StatusType::Expired) => false,
        _ => return Err(lacks("a status of an access key that Ambit knows")),
    };
    let created = created.and_then(facts::time).ok_or_else(|| lacks("the time at which an access key was made"))?;
    Ok(AccessKey { id, active, created })
}

#[cfg(test)]
#[path = "access_keys_tests.rs"]
mod tests;
