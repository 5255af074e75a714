//! What IAM tells of a role or a user, put into Ambit's words.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{AttachedPolicy, PolicyDetail, Role, RoleDetail, User, UserDetail};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::{AwsAccount, OWN, tags};
use crate::domain::{Denial, Observed, Raw, Reading, Swept, reading};
use crate::names::PrincipalKind;
use crate::policy::nobody;

/// A document as IAM sends it: percent-encoded.
pub(super) fn raw(encoded: &str) -> Raw {
    match percent_decode_str(encoded).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(error) => Err(format!("not UTF-8: {error}")),
    }
}

/// A document that must be there.
fn trust(encoded: Option<String>) -> Raw {
    encoded.map_or_else(|| Err("there is no trust document".to_owned()), |encoded| raw(&encoded))
}

/// A role as `GetRole` tells it, without its policies.
pub(super) fn from_role(account: &AwsAccount, role: Role) -> Observed {
    let (owner, other_tags) = tags::read(role.tags);
    Observed {
        kind: PrincipalKind::Role,
        on_our_path: role.path == account.path.as_str(),
        id: role.role_id,
        arn: role.arn,
        owner,
        trust: reading(&trust(role.assume_role_policy_document)),
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        session: role.max_session_duration.and_then(|seconds| u32::try_from(seconds).ok()),
        permissions: None,
        denial: Denial::Absent,
        sessions_denied_before: None,
        other_inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        groups: BTreeSet::new(),
        has_password: None,
        other_tags,
        complete: false,
    }
}

/// A user as `GetUser` tells it, without its policies, groups and password. Nobody becomes a user.
pub(super) fn from_user(account: &AwsAccount, user: User) -> Observed {
    let (owner, other_tags) = tags::read(user.tags);
    Observed {
        kind: PrincipalKind::User,
        on_our_path: user.path == account.path.as_str(),
        id: user.user_id,
        arn: user.arn,
        owner,
        trust: Reading::Document(nobody()),
        boundary: user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        session: None,
        permissions: None,
        denial: Denial::Absent,
        sessions_denied_before: None,
        other_inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        groups: BTreeSet::new(),
        has_password: None,
        other_tags,
        complete: false,
    }
}

/// A role as a sweep tells it, its documents unread; nothing if it has no name.
pub(super) fn from_detail(account: &AwsAccount, role: RoleDetail) -> Option<Swept> {
    let (owner, other_tags) = tags::read(role.tags);
    Some(Swept {
        kind: PrincipalKind::Role,
        name: role.role_name?,
        id: role.role_id.unwrap_or_default(),
        arn: role.arn.unwrap_or_default(),
        on_our_path: role.path.as_deref() == Some(account.path.as_str()),
        owner,
        other_tags,
        trust: trust(role.assume_role_policy_document),
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        inline: inline(role.role_policy_list),
        attached: arns(role.attached_managed_policies.unwrap_or_default()),
        groups: BTreeSet::new(),
        last_used: role.role_last_used.and_then(|used| used.last_used_date).and_then(time),
        own: OWN,
    })
}

/// A user as a sweep tells it, its documents unread; nothing if it has no name.
pub(super) fn from_user_detail(account: &AwsAccount, user: UserDetail) -> Option<Swept> {
    let (owner, other_tags) = tags::read(user.tags);
    Some(Swept {
        kind: PrincipalKind::User,
        name: user.user_name?,
        id: user.user_id.unwrap_or_default(),
        arn: user.arn.unwrap_or_default(),
        on_our_path: user.path.as_deref() == Some(account.path.as_str()),
        owner,
        other_tags,
        trust: Ok(nobody().text().to_owned()),
        boundary: user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        inline: inline(user.user_policy_list),
        attached: arns(user.attached_managed_policies.unwrap_or_default()),
        groups: user.group_list.unwrap_or_default().into_iter().collect(),
        last_used: None,
        own: OWN,
    })
}

fn inline(policies: Option<Vec<PolicyDetail>>) -> BTreeMap<String, Raw> {
    let named = |policy: PolicyDetail| {
        let document = raw(&policy.policy_document.unwrap_or_default());
        (policy.policy_name.unwrap_or_default(), document)
    };
    policies.unwrap_or_default().into_iter().map(named).collect()
}

/// A time in whole seconds, as IAM keeps it.
pub(super) fn time(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), 0).ok()
}

/// The ARNs of attached policies.
pub(super) fn arns(policies: Vec<AttachedPolicy>) -> BTreeSet<String> {
    policies.into_iter().filter_map(|policy| policy.policy_arn).collect()
}
