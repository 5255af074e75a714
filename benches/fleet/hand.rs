//! What somebody does to roles by hand, and how it must be told.

use ambit::cloud::aws::PERMISSIONS;
use ambit_bed::{Bed, REGION, ROOT_KEY};
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_iam::types::Tag;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::Result;

/// Who changes roles past the operator and the counts.
pub struct Hand(Client);

/// What somebody does to a role.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    Permit(fn(Value) -> Value),
    Trust(fn(String) -> String),
    Forbid,
    Unbound,
    Rebound,
    Untag,
    Retag,
    Attach,
    Add,
    Delete,
}

/// Something that is done, and how it must be told.
pub struct Way {
    pub part: &'static str,
    pub class: &'static str,
    pub edit: Edit,
}

const fn way(part: &'static str, class: &'static str, edit: Edit) -> Way {
    Way { part, class, edit }
}

pub const WAYS: [Way; 14] = [
    way("permissions", "Widened", Edit::Permit(wider)),
    way("permissions", "Narrowed", Edit::Permit(narrower)),
    way("permissions", "Changed", Edit::Permit(|_| everything())),
    way("permissions", "Unreadable", Edit::Permit(strange)),
    way("permissions", "Missing", Edit::Forbid),
    way("trust", "Widened", Edit::Trust(|text| text.replace("StringEquals", "StringLike").replace(":worker-", ":*"))),
    way("trust", "Changed", Edit::Trust(|text| text.replace(":worker-", ":thief-"))),
    way("boundary", "Missing", Edit::Unbound),
    way("boundary", "Changed", Edit::Rebound),
    way("tags", "Missing", Edit::Untag),
    way("tags", "Changed", Edit::Retag),
    way("attachment", "Foreign", Edit::Attach),
    way("inlinePolicy", "Foreign", Edit::Add),
    way("role", "Missing", Edit::Delete),
];
/// The tag that names the UID of a role's identity.
const UID: &str = "ambit.dev/uid";

/// All of S3, which is more than any identity of the fleet asks for, and not all that it asks for.
fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
}

fn wider(mut policy: Value) -> Value {
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.push(everything()["Statement"][0].clone());
    }
    policy
}

fn narrower(mut policy: Value) -> Value {
    policy["Statement"].as_array_mut().map(Vec::pop);
    policy
}

/// With an element that no policy has. AWS takes none such today, the bed does.
fn strange(mut policy: Value) -> Value {
    policy["Comment"] = json!("by hand");
    policy
}

fn decoded(text: &str) -> Result<String> {
    Ok(percent_encoding::percent_decode_str(text).decode_utf8()?.into_owned())
}

impl Hand {
    pub fn of(bed: &Bed) -> Self {
        let (key, secret) = ROOT_KEY;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(bed.direct_url())
            .credentials_provider(Credentials::new(key, secret, None, None, "bench"));
        Self(Client::from_conf(config.build()))
    }

    /// Makes roles that are none of Ambit's business.
    pub async fn plant(&self, number: usize) -> Result<()> {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let trust = &trust.to_string();
        let plant = |number: usize| async move {
            let name = format!("other-{number:05}");
            let request = self.0.create_role().role_name(&name).path("/others/");
            request.assume_role_policy_document(trust).send().await?;
            self.put(&name, "theirs", &everything()).await
        };
        futures::stream::iter(0..number).map(plant).buffer_unordered(16).try_collect().await
    }

    /// A managed policy that may be attached to roles, or bound them; its ARN.
    pub async fn managed(&self) -> Result<String> {
        let request = self.0.create_policy().policy_name("by-hand").policy_document(everything().to_string());
        Ok(request.send().await?.policy.and_then(|policy| policy.arn).ok_or("a policy was made without an ARN")?)
    }

    async fn put(&self, role: &str, policy: &str, document: &Value) -> Result<()> {
        let request = self.0.put_role_policy().role_name(role).policy_name(policy);
        request.policy_document(document.to_string()).send().await?;
        Ok(())
    }

    pub async fn change(&self, role: &str, edit: Edit, managed: &str) -> Result<()> {
        let iam = &self.0;
        match edit {
            Edit::Permit(edit) => {
                let live = iam.get_role_policy().role_name(role).policy_name(PERMISSIONS).send().await?;
                let live = serde_json::from_str(&decoded(&live.policy_document)?)?;
                self.put(role, PERMISSIONS, &edit(live)).await?;
            }
            Edit::Trust(edit) => {
                let live = iam.get_role().role_name(role).send().await?.role;
                let text = decoded(&live.and_then(|role| role.assume_role_policy_document).unwrap_or_default())?;
                iam.update_assume_role_policy().role_name(role).policy_document(edit(text)).send().await?;
            }
            Edit::Forbid => self.forbid(role).await?,
            Edit::Unbound => drop(iam.delete_role_permissions_boundary().role_name(role).send().await?),
            Edit::Rebound => {
                iam.put_role_permissions_boundary().role_name(role).permissions_boundary(managed).send().await?;
            }
            Edit::Untag => drop(iam.untag_role().role_name(role).tag_keys(UID).send().await?),
            Edit::Retag => {
                let tag = Tag::builder().key(UID).value("somebody-elses").build()?;
                iam.tag_role().role_name(role).tags(tag).send().await?;
            }
            Edit::Attach => drop(iam.attach_role_policy().role_name(role).policy_arn(managed).send().await?),
            Edit::Add => self.put(role, "extra", &everything()).await?,
            Edit::Delete => {
                self.forbid(role).await?;
                iam.delete_role().role_name(role).send().await?;
            }
        }
        Ok(())
    }

    async fn forbid(&self, role: &str) -> Result<()> {
        self.0.delete_role_policy().role_name(role).policy_name(PERMISSIONS).send().await?;
        Ok(())
    }
}
