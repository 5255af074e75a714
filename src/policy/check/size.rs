//! Size, and the names of statements.

use super::code::{Code, Severity};
use super::report::Report;
use super::spot::Step::{At, In};
use super::{Kind, Subject};
use crate::names::shortened;
use crate::policy::document::size_for_iam;
use std::collections::BTreeMap;

/// The quotas, from "IAM and AWS STS quotas" and "Quotas for AWS Organizations".
const ROLE_INLINE: usize = 10_240;
const MANAGED: usize = 6_144;
const TRUST: usize = 2_048;
const SESSION: usize = 2_048;
const ORGANISATION: usize = 5_120;

/// Reports on the size of the document and on the names of its statements.
pub(super) fn check(subject: &Subject<'_>, text: &str, report: &mut Report<'_>) {
    size(subject.kind, text, report);
    sids(subject, report);
}

fn size(kind: Kind, text: &str, report: &mut Report<'_>) {
    let without_space = size_for_iam(text);
    let help = "use patterns such as `s3:Get*`, name fewer resources, or split the policy";
    let mut over = |size: usize, limit: usize, what: &str| {
        if size > limit {
            let message = format!("the policy has {size} characters: {what} may have {limit}");
            report.add(Code::TooLarge, &[], message, help);
        }
    };
    match kind {
        Kind::Identity if without_space > ROLE_INLINE => {
            over(without_space, ROLE_INLINE, "even the inline policies of a role, which are the largest,");
        }
        Kind::Identity if without_space > MANAGED => {
            let message = format!(
                "the policy has {without_space} characters: it fits only as an inline policy of a role; a managed policy may have {MANAGED}, a group's inline policies 5120, a user's 2048"
            );
            report.add_as(Severity::Warning, Code::TooLarge, &[], message, help);
        }
        Kind::Boundary => over(without_space, MANAGED, "a permissions boundary"),
        Kind::Trust => over(without_space, TRUST, "a trust policy"),
        Kind::Session => over(without_space, SESSION, "a session policy"),
        // White space counts where the policy is not saved through the console.
        Kind::Scp => over(text.chars().count(), ORGANISATION, "a service control policy, white space included,"),
        Kind::Rcp => over(text.chars().count(), ORGANISATION, "a resource control policy, white space included,"),
        // Each service has its own limit.
        Kind::Identity | Kind::Resource => {}
    }
}

fn sids(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, statement) in subject.statements() {
        let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) else { continue };
        let way = [In("Statement"), At(index), In("Sid")];
        if let Some(first) = seen.get(sid) {
            let message = format!("`{}` is already the name of statement {}", shortened(sid), first + 1);
            report.add(Code::DuplicateSid, &way, message, "give each statement a name of its own, or none");
        } else {
            seen.insert(sid, index);
        }
        if subject.kind != Kind::Resource && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("`{}` is not a name for a statement of {}", shortened(sid), subject.kind.words());
            report.add(Code::IllegalSid, &way, message, "it must consist of letters and digits");
        }
    }
}
