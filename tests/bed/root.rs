//! The cloud as its owner sees it, and what he changes by hand. His calls go
//! past the proxy and are not counted.

use std::collections::{BTreeMap, BTreeSet};

use ambit::names::{IdentityKey, InstallationId, PrincipalName};
use ambit_bed::{ACCOUNT_ID, Bed, INSTALLATION, REGION, ROOT_KEY};
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_iam::error::ProvideErrorMetadata as _;
use aws_sdk_iam::types::Tag;
use serde_json::Value;

/// Anybody's door to IAM.
pub fn iam(url: &str, (key, secret): (&str, &str)) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// The owner of the account.
pub struct Root {
    pub iam: Client,
}

/// A role with everything that can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    pub arn: String,
    pub id: String,
    pub path: String,
    pub tags: BTreeMap<String, String>,
    pub boundary: Option<String>,
    pub session: Option<i32>,
    pub trust: Value,
    pub inline: BTreeMap<String, Value>,
    pub attached: BTreeSet<String>,
}

impl Root {
    pub fn of(bed: &Bed) -> Self {
        Self { iam: iam(&bed.direct_url(), ROOT_KEY) }
    }

    /// The role of a name, whole.
    pub async fn role(&self, name: &str) -> Option<Live> {
        let role = match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => answer.role.unwrap(),
            Err(error) if error.code() == Some("NoSuchEntity") => return None,
            Err(error) => panic!("`{name}` cannot be read: {error:?}"),
        };
        let mut inline = BTreeMap::new();
        for policy in self.iam.list_role_policies().role_name(name).send().await.unwrap().policy_names {
            let answer = self.iam.get_role_policy().role_name(name).policy_name(&policy).send().await.unwrap();
            inline.insert(policy, document(&answer.policy_document));
        }
        let attached = self.iam.list_attached_role_policies().role_name(name).send().await.unwrap();
        let attached = attached.attached_policies.unwrap_or_default();
        Some(Live {
            arn: role.arn,
            id: role.role_id,
            path: role.path,
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            session: role.max_session_duration,
            trust: document(&role.assume_role_policy_document.unwrap_or_default()),
            inline,
            attached: attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
        })
    }

    /// The names of all roles on a path, which is how orphans are found.
    pub async fn names_on(&self, path: &str) -> BTreeSet<String> {
        let answer = self.iam.list_roles().path_prefix(path).max_items(1000).send().await.unwrap();
        assert!(!answer.is_truncated);
        answer.roles.into_iter().map(|role| role.role_name).collect()
    }

    /// A role that somebody else made.
    pub async fn plant(&self, name: &str, path: &str, tags: &[(&str, &str)]) -> Live {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let request = self.iam.create_role().role_name(name).path(path).assume_role_policy_document(trust);
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
        request.set_tags(Some(tags)).send().await.unwrap();
        self.put_inline(name, "theirs", EVERYTHING).await;
        self.role(name).await.unwrap()
    }

    pub async fn put_inline(&self, role: &str, policy: &str, document: &str) {
        self.iam.put_role_policy().role_name(role).policy_name(policy).policy_document(document).send().await.unwrap();
    }

    /// A managed policy that is attached to a role; its ARN.
    pub async fn attach(&self, role: &str) -> String {
        let policy = self.iam.create_policy().policy_name(format!("of-{role}")).policy_document(EVERYTHING);
        let arn = policy.send().await.unwrap().policy.unwrap().arn.unwrap();
        self.iam.attach_role_policy().role_name(role).policy_arn(&arn).send().await.unwrap();
        arn
    }

    /// Deletes a role as a person would, with all that hangs on it.
    pub async fn delete(&self, name: &str) {
        let Some(live) = self.role(name).await else { return };
        for policy in live.inline.keys() {
            self.iam.delete_role_policy().role_name(name).policy_name(policy).send().await.unwrap();
        }
        for arn in &live.attached {
            self.iam.detach_role_policy().role_name(name).policy_arn(arn).send().await.unwrap();
        }
        self.iam.delete_role().role_name(name).send().await.unwrap();
    }
}

/// More than any team asks for.
pub const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Wide","Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// The name of the role of an identity.
pub fn role_name(namespace: &str, identity: &str) -> String {
    let installation = InstallationId::parse(INSTALLATION).unwrap();
    PrincipalName::role(&installation, &IdentityKey::new(namespace, identity)).to_string()
}

/// The ARN that this role has.
pub fn role_arn(namespace: &str, identity: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT_ID}:role/ambit/{INSTALLATION}/{}", role_name(namespace, identity))
}

fn document(encoded: &str) -> Value {
    let text = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
    serde_json::from_str(&text).unwrap()
}
