//! The IAM policy that Ambit itself needs, and nothing more.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AwsAccount, AwsEvents, tags};
use crate::names::{BoundaryArn, ClusterArn, IssuerUrl};
use crate::policy::POD_IDENTITY;

/// The policy for the principal that Ambit works as in an account, as readable JSON.
///
/// With it, and whatever its code does, Ambit cannot make a role elsewhere than
/// on its own path, without the boundary or without its tag; cannot change a
/// role of another path or of another installation, nor take its tag; and
/// cannot touch boundaries, users or the attachments of managed policies
/// except to take them off. Where EKS hands roles to pods, it may make, change and
/// delete associations of that one cluster and with its own tag only, and name in
/// them no role but its own: that is all that `iam:PassRole` is for.
///
/// Where the account lets identities have access keys, the same holds of users, and
/// keys are made, changed and deleted only of users with its tag. It cannot give a
/// user a password, a managed policy or a group. One action cannot be held to its own
/// users: IAM decides on taking a user out of a group by the group alone, and groups
/// have no tags. Whoever leaves `TakeUsersOutOfGroups` out loses only the repair of
/// that drift, which is then told and refused.
///
/// With a cluster, users and very long names together it may be longer than a managed policy
/// (6,144 characters). The role that Ambit works as takes it as an inline policy then.
///
/// `issuers` are those of the cluster and of pipelines, each with whether Ambit may
/// register it. `GetRole` covers all
/// roles, and `GetUser` all users, because one of our name on another path must be seen to be
/// left alone, and because IAM asks for the name without a path while none exists.
#[must_use]
pub fn operator_policy(account: &AwsAccount, boundary: &BoundaryArn, issuers: &[(&IssuerUrl, bool)]) -> String {
    let mut statements = changes(account, boundary);
    statements.extend(reads(account, boundary));
    statements.extend(providers(account, issuers));
    statements.extend(account.cluster.iter().flat_map(|cluster| associations(account, cluster)));
    statements.extend(account.events.iter().map(|events| receive_events(account, events)));
    let policy = Policy { version: "2012-10-17", statement: statements };
    // Plain structs of texts always serialise; an empty policy would grant nothing.
    serde_json::to_string_pretty(&policy).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Resources,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<String, Values>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Resources {
    One(String),
    Many(Vec<String>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<&'static str>),
}

impl Statement {
    fn allow(sid: &'static str, action: &[&'static str], resource: &str) -> Self {
        let resource = Resources::One(resource.to_owned());
        Self { sid, effect: "Allow", action: action.to_vec(), resource, condition: BTreeMap::new() }
    }

    /// On these resources; no statement where there are none.
    fn on_all(sid: &'static str, action: &[&'static str], mut resources: Vec<String>) -> Option<Self> {
        let resource = match resources.len() {
            0 => return None,
            1 => Resources::One(resources.remove(0)),
            _ => Resources::Many(resources),
        };
        Some(Self { resource, ..Self::allow(sid, action, "") })
    }

    fn when(mut self, operator: &'static str, key: impl Into<String>, value: Values) -> Self {
        self.condition.entry(operator).or_default().insert(key.into(), value);
        self
    }

    fn when_equal(self, key: impl Into<String>, value: &str) -> Self {
        self.when("StringEquals", key, Values::One(value.to_owned()))
    }

    /// Only on what carries this installation's tag already.
    fn on_ours(self, account: &AwsAccount) -> Self {
        self.when_equal(format!("aws:ResourceTag/{}", tags::INSTALLATION), account.installation.as_str())
    }

    /// Not on what carries another installation's tag. What carries none may be
    /// tagged: IAM asks for this permission while a role is being created, and a
    /// role that does not exist yet has no tags.
    fn not_on_others(self, account: &AwsAccount) -> Self {
        let installation = Values::One(account.installation.to_string());
        self.when("StringEqualsIfExists", format!("aws:ResourceTag/{}", tags::INSTALLATION), installation)
    }

    /// Only where the request itself writes this installation's tag.
    fn tagging_as_ours(self, account: &AwsAccount) -> Self {
        self.when_equal(format!("aws:RequestTag/{}", tags::INSTALLATION), account.installation.as_str())
    }

    /// Only tags of Ambit's own.
    fn with_our_tags_only(self) -> Self {
        let ours = Values::Many(vec![tags::IDENTITY, tags::INSTALLATION, tags::RETAINED, tags::UID]);
        self.when("ForAllValues:StringEquals", "aws:TagKeys", ours)
    }
}

/// A statement about roles, or about roles and users where Ambit makes users: what each may be named
/// as then, and the actions of each.
fn principals(account: &AwsAccount, sids: [&'static str; 2], actions: [&[&'static str]; 2]) -> Statement {
    let role = account.role_arn("*");
    if !account.users {
        return Statement::allow(sids[0], actions[0], &role);
    }
    let mut all = actions.concat();
    all.sort_unstable();
    Statement { resource: Resources::Many(vec![role, account.user_arn("*")]), ..Statement::allow(sids[1], &all, "") }
}

fn changes(account: &AwsAccount, boundary: &BoundaryArn) -> Vec<Statement> {
    const BOUNDARY: &str = "iam:PermissionsBoundary";
    let mut statements = vec![
        principals(
            account,
            ["CreateRolesUnderTheBoundary", "CreateRolesAndUsersUnderTheBoundary"],
            [&["iam:CreateRole"], &["iam:CreateUser"]],
        )
        .tagging_as_ours(account)
        .with_our_tags_only()
        .when_equal(BOUNDARY, boundary.as_str()),
        principals(
            account,
            ["TagRolesOfThisInstallation", "TagRolesAndUsersOfThisInstallation"],
            [&["iam:TagRole"], &["iam:TagUser"]],
        )
        .not_on_others(account)
        .tagging_as_ours(account)
        .with_our_tags_only(),
        principals(
            account,
            ["GrantUnderTheBoundary"; 2],
            [
                &["iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
                &["iam:PutUserPermissionsBoundary", "iam:PutUserPolicy"],
            ],
        )
        .on_ours(account)
        .when_equal(BOUNDARY, boundary.as_str()),
        principals(
            account,
            ["ChangeAndDeleteRolesOfThisInstallation", "ChangeAndDeleteRolesAndUsersOfThisInstallation"],
            [
                &[
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:UpdateRole",
                ],
                &["iam:DeleteLoginProfile", "iam:DeleteUser", "iam:DeleteUserPolicy", "iam:DetachUserPolicy"],
            ],
        )
        .on_ours(account),
    ];
    if account.users {
        let rotate = ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey"];
        let users = account.user_arn("*");
        statements.push(Statement::allow("RotateAccessKeysOfThisInstallation", &rotate, &users).on_ours(account));
        let groups = account.iam_arn("group/*");
        statements.push(Statement::allow("TakeUsersOutOfGroups", &["iam:RemoveUserFromGroup"], &groups));
    }
    statements
}

/// IAM finds the user of a key by itself, so the last use of a key is a question about a user.
fn reads(account: &AwsAccount, boundary: &BoundaryArn) -> Vec<Statement> {
    let mut names = principals(account, ["SeeWhoHasAName"; 2], [&["iam:GetRole"], &["iam:GetUser"]]);
    let anywhere = |kind: &str| account.iam_arn(&format!("{kind}/*"));
    names.resource = match names.resource {
        Resources::One(_) => Resources::One(anywhere("role")),
        Resources::Many(_) => Resources::Many(vec![anywhere("role"), anywhere("user")]),
    };
    vec![
        principals(
            account,
            ["ReadRolesOnThePath", "ReadRolesAndUsersOnThePath"],
            [
                &["iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
                &[
                    "iam:GetAccessKeyLastUsed",
                    "iam:GetLoginProfile",
                    "iam:GetUserPolicy",
                    "iam:ListAccessKeys",
                    "iam:ListAttachedUserPolicies",
                    "iam:ListGroupsForUser",
                    "iam:ListUserPolicies",
                ],
            ],
        ),
        names,
        Statement::allow("SweepAndCount", &["iam:GetAccountAuthorizationDetails", "iam:GetAccountSummary"], "*"),
        Statement::allow("SeeTheBoundary", &["iam:GetPolicy", "iam:GetPolicyVersion"], boundary.as_str()),
    ]
}

fn providers(account: &AwsAccount, issuers: &[(&IssuerUrl, bool)]) -> impl Iterator<Item = Statement> {
    let arns = |only_made: bool| -> Vec<String> {
        let wanted = issuers.iter().filter(|(_, may_make)| *may_make || !only_made);
        wanted.map(|(issuer, _)| account.provider_arn(issuer)).collect()
    };
    let register = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"];
    let accept = ["iam:AddClientIDToOpenIDConnectProvider", "iam:RemoveClientIDFromOpenIDConnectProvider"];
    let statements = [
        Statement::on_all("SeeTheProvider", &["iam:GetOpenIDConnectProvider"], arns(false)),
        Statement::on_all("RegisterTheProvider", &register, arns(true))
            .map(|statement| statement.tagging_as_ours(account).with_our_tags_only()),
        Statement::on_all("AcceptTheAudience", &accept, arns(true)).map(|statement| statement.on_ours(account)),
    ];
    statements.into_iter().flatten()
}

/// EKS asks for `TagResource` where an association is made with tags, and for `iam:GetRole`, which
/// stands among the reads.
fn associations(account: &AwsAccount, cluster: &ClusterArn) -> [Statement; 6] {
    let ours = cluster.associations();
    [
        Statement::allow(
            "SeeTheCluster",
            &["eks:DescribeCluster", "eks:ListPodIdentityAssociations"],
            cluster.as_str(),
        ),
        Statement::allow("SeeItsAssociations", &["eks:DescribePodIdentityAssociation"], &ours),
        Statement::allow("MakeAssociations", &["eks:CreatePodIdentityAssociation"], cluster.as_str())
            .tagging_as_ours(account)
            .with_our_tags_only(),
        Statement::allow("TagNewAssociations", &["eks:TagResource"], &ours)
            .not_on_others(account)
            .tagging_as_ours(account)
            .with_our_tags_only(),
        Statement::allow(
            "ChangeAndDeleteAssociationsOfThisInstallation",
            &["eks:DeletePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"],
            &ours,
        )
        .on_ours(account),
        Statement::allow("NameItsRolesToPodIdentityOnly", &["iam:PassRole"], &account.role_arn("*"))
            .when_equal("iam:PassedToService", POD_IDENTITY),
    ]
}

/// Deleting a batch asks for the permission to delete one.
fn receive_events(account: &AwsAccount, events: &AwsEvents) -> Statement {
    let queue = events.queue.arn(&account.partition);
    Statement::allow("ReceiveChangeEvents", &["sqs:DeleteMessage", "sqs:ReceiveMessage"], &queue)
}

#[cfg(test)]
#[path = "operator_policy_tests.rs"]
mod tests;
