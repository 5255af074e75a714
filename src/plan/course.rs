//! What becomes of a declaration: it is carried out, looked after although it
//! no longer fits, denied, or refused.

use super::account::AccountSettings;
use super::desired::{self, Declaration, Grounds, Resolved, resolve_knowing};
use super::guardrail;
use super::judged::Judged;
use super::planner::Recorded;
use super::reason::{Reason, Verdict};
use super::refusal::{Objection, Refusal};
use crate::api::v1alpha1::Enforcement;
use crate::domain::{Denial, Observed, Reading};
use crate::policy::{Catalogue, POD_IDENTITY, Policy};

/// What becomes of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// It is carried out, and what is in place is looked after. The verdict is
    /// what `Accepted` says: not always that it is accepted.
    Pursue(Box<Resolved>, Verdict),
    /// Somebody closed it: whatever it says, nobody may use it.
    Suspend(Box<AccountSettings>),
    /// It is refused, and what is in place is denied unless it fits.
    Revoke(Box<Revocation>),
    /// It is refused: nothing is made, and what is in place stays.
    Refuse(Refusal),
}

/// A refused declaration whose principal must fit or be denied everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The account that the principal is in.
    pub account: AccountSettings,
    /// Why the declaration is refused.
    pub verdict: Verdict,
    /// Whether exactly what was refused is in place, so that it cannot fit.
    is_in_place: bool,
}

/// What is known of what an identity has already.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// What was recorded when live equalled declared.
    pub recorded: &'a Recorded,
    /// Whether anything was ever made: the object is held from before then.
    pub held: bool,
}

/// Decides what becomes of a declaration. `known` is how it was judged last.
#[must_use]
pub fn course(
    declaration: Declaration<'_>,
    grounds: &Grounds<'_>,
    past: Past<'_>,
    catalogue: &Catalogue,
    known: &mut Option<Judged>,
) -> Course {
    if declaration.identity.spec.suspend
        && let Some(account) = settings(grounds)
    {
        return Course::Suspend(Box::new(account));
    }
    let refusal = match resolve_knowing(declaration, grounds, catalogue, known) {
        Ok(resolved) => return Course::Pursue(Box::new(resolved), accepted()),
        Err(refusal) => refusal,
    };
    // Access that was never handed out in a Secret is not handed out in one now.
    let handed_out = |resolved: &Resolved| resolved.secret().is_none() || past.recorded.secret;
    let is_in_place = refusal
        .objection
        .as_ref()
        .is_some_and(|it| past.recorded.holds(&it.resolved.desired) && handed_out(&it.resolved));
    if is_in_place
        && let Some(objection) = &refusal.objection
        && let Some(why) = why_tolerated(objection, grounds, past)
    {
        let message = format!("{}; its access stays as it is, because {why}", refusal.verdict.message);
        return Course::Pursue(
            Box::new(objection.resolved.clone()),
            Verdict::tolerated(refusal.verdict.reason, message),
        );
    }
    match must_fit(declaration, grounds, past) {
        Some(account) => Course::Revoke(Box::new(Revocation { account, verdict: refusal.verdict, is_in_place })),
        None => Course::Refuse(refusal),
    }
}

/// What `Accepted` says of a declaration that fits.
fn accepted() -> Verdict {
    Verdict::good(Reason::Accepted, "the declaration is valid and may be carried out")
}

/// Why a declaration that is in place and no longer fits is let be, if it is.
fn why_tolerated(objection: &Objection, grounds: &Grounds<'_>, past: Past<'_>) -> Option<&'static str> {
    // Somebody else has the service account by now.
    if grounds.earlier_claim.is_some() {
        return None;
    }
    // What was denied or suspended is not opened because the policy that denied it was deleted or only warns
    // now: it is opened when it fits. And whoever declares identities has no say in it.
    if past.recorded.revoked || past.recorded.suspended || objection.enforcement == Enforcement::Revoke {
        return None;
    }
    Some("no ScopePolicy that selects it says `enforcement: Revoke`")
}

/// The account in which something may be in place that must fit. A declaration
/// that is wrong in itself is no way round a policy that revokes, and neither is
/// `managementPolicy`: whoever declares identities sets it.
fn must_fit(declaration: Declaration<'_>, grounds: &Grounds<'_>, past: Past<'_>) -> Option<AccountSettings> {
    let revoked = past.recorded.revoked || guardrail::revokes(declaration, grounds);
    if !past.held || !revoked {
        return None;
    }
    settings(grounds)
}

/// The account that the declaration names, where it can be worked in.
fn settings(grounds: &Grounds<'_>) -> Option<AccountSettings> {
    AccountSettings::parse(&grounds.account.as_ref()?.spec, grounds.installation).ok()
}

impl Revocation {
    /// Whether nobody is let in but pods by way of the cluster, or the declared pipeline, if policies
    /// and account list it. A declaration that is wrong, or that names another pipeline by now, is no
    /// way round that.
    fn may_all_come_in(&self, trust: &Reading, declaration: Declaration<'_>, grounds: &Grounds<'_>) -> bool {
        let Reading::Document(live) = trust else { return false };
        let provider = self.account.web_identity().map(|web| self.account.provider_arn(&web.issuer));
        let of_pods = match &provider {
            Some(provider) => ("Federated", provider.as_str()),
            None => ("Service", POD_IDENTITY),
        };
        let declared = || desired::declared_trust(declaration, &self.account);
        Policy::read(live.text()).is_ok_and(|policy| policy.allows_only(&[of_pods]))
            || guardrail::lists_subject(declaration, grounds)
                && declared().is_some_and(|declared| live.same_meaning(&declared))
    }

    /// Whether a principal may stay as it is. One that others have given policies
    /// to, or whose permissions cannot be read, may not.
    #[must_use]
    pub fn tolerates(
        &self,
        live: &Observed,
        declaration: Declaration<'_>,
        grounds: &Grounds<'_>,
        catalogue: &Catalogue,
    ) -> bool {
        if self.is_in_place
            || !live.attached.is_empty()
            || !live.other_inline.is_empty()
            || live.denial == Denial::Altered
            || !self.may_all_come_in(&live.trust, declaration, grounds)
        {
            return false;
        }
        match &live.permissions {
            None => true,
            Some(Reading::Unreadable(_)) => false,
            Some(Reading::Document(document)) => {
                guardrail::tolerates(declaration, grounds, &self.account, document, catalogue)
            }
        }
    }
}

#[cfg(test)]
mod tests;
