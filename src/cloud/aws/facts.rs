//! What IAM tells of a role, put into Ambit's words.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AttachedPermissionsBoundary, AttachedPolicy, Role, RoleDetail, Tag};
use percent_encoding::percent_decode_str;

use super::{AwsAccount, CLOSED, PERMISSIONS, tags};
use crate::cloud::Swept;
use crate::domain::{Denial, Observed, Reading};
use crate::policy::{Document, deny_all};

/// Reads a document as IAM sends it: percent-encoded JSON.
pub(super) fn reading(encoded: &str) -> Reading {
    let decoded = match percent_decode_str(encoded).decode_utf8() {
        Ok(text) => text,
        Err(error) => return Reading::Unreadable(format!("not UTF-8: {error}")),
    };
    match Document::read(&decoded) {
        Ok(document) => Reading::Document(document),
        Err(reason) => Reading::Unreadable(reason.to_string()),
    }
}

/// A role as `GetRole` tells it, without its policies.
pub(super) fn from_role(account: &AwsAccount, role: Role) -> Observed {
    let session = role.max_session_duration.and_then(|seconds| u32::try_from(seconds).ok());
    let base = Base {
        id: role.role_id,
        arn: role.arn,
        path: role.path,
        trust: role.assume_role_policy_document,
        boundary: role.permissions_boundary,
        tags: role.tags,
        session,
    };
    base.observed(account)
}

/// A role as a sweep tells it, with its policies; nothing if it has no name.
pub(super) fn from_detail(account: &AwsAccount, role: RoleDetail) -> Option<Swept> {
    let base = Base {
        id: role.role_id.unwrap_or_default(),
        arn: role.arn.unwrap_or_default(),
        path: role.path.unwrap_or_default(),
        trust: role.assume_role_policy_document,
        boundary: role.permissions_boundary,
        tags: role.tags,
        session: None,
    };
    let mut observed = base.observed(account);
    for policy in role.role_policy_list.unwrap_or_default() {
        let document = policy.policy_document.unwrap_or_default();
        add_inline(&mut observed, policy.policy_name.unwrap_or_default(), || reading(&document));
    }
    observed.attached = arns(role.attached_managed_policies.unwrap_or_default());
    observed.complete = true;
    Some(Swept { name: role.role_name?, observed })
}

/// Sorts an inline policy by its name into what Ambit wrote and what it did not. A denial is one
/// only while it says so: whoever rewrites it must not be taken for closed.
pub(super) fn add_inline(observed: &mut Observed, name: String, document: impl FnOnce() -> Reading) {
    match name.as_str() {
        PERMISSIONS => observed.permissions = Some(document()),
        CLOSED if document().means(&deny_all()) => observed.denial = Denial::InPlace,
        CLOSED => observed.denial = Denial::Altered,
        _ => drop(observed.other_inline.insert(name)),
    }
}

/// The ARNs of attached policies.
pub(super) fn arns(policies: Vec<AttachedPolicy>) -> BTreeSet<String> {
    policies.into_iter().filter_map(|policy| policy.policy_arn).collect()
}

struct Base {
    id: String,
    arn: String,
    path: String,
    trust: Option<String>,
    boundary: Option<AttachedPermissionsBoundary>,
    tags: Option<Vec<Tag>>,
    session: Option<u32>,
}

impl Base {
    fn observed(self, account: &AwsAccount) -> Observed {
        let (owner, other_tags): (_, BTreeMap<_, _>) = tags::read(self.tags);
        Observed {
            on_our_path: self.path == account.path.as_str(),
            id: self.id,
            arn: self.arn,
            owner,
            trust: match self.trust {
                Some(encoded) => reading(&encoded),
                None => Reading::Unreadable("there is no trust document".to_owned()),
            },
            boundary: self.boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            session: self.session,
            permissions: None,
            denial: Denial::Absent,
            other_inline: BTreeSet::new(),
            attached: BTreeSet::new(),
            other_tags,
            complete: false,
        }
    }
}
