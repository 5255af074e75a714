//! Guardrails: whether a declaration asks for no more than the scope policies
//! that select it allow, and for nothing that they or the floor deny.
//!
//! The policies become one ceiling; the compiled permissions, with their
//! conditions, must lie below it. What cannot be decided is refused.

mod limits;
mod rules;
mod words;

#[cfg(test)]
mod tests;

pub use limits::{Subject, hours};

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt as _;

use super::account::AccountSettings;
use super::desired::{Declaration, Grounds, Resolved};
use super::reason::Reason;
use super::refusal::{Fault, Refusal};
use crate::api::v1alpha1::{Enforcement, MachineIdentity, ScopePolicy, ScopePolicySpec};
use crate::policy::ceiling::Ruling;
use crate::policy::{self, Catalogue, Document, Ground, Scope};
use rules::Rules;

/// Whether a policy speaks for an identity in a namespace with these labels.
#[must_use]
pub fn speaks_for(policy: &ScopePolicySpec, identity: &MachineIdentity, labels: &BTreeMap<String, String>) -> bool {
    let account = &identity.spec.account_ref;
    policy.namespace_selector.selects(labels)
        && (policy.account_refs.is_empty() || policy.account_refs.contains(account))
}

/// The policies that speak for the identity.
pub(super) fn selecting<'a>(declaration: Declaration<'_>, grounds: &'a Grounds<'_>) -> Vec<&'a ScopePolicy> {
    let speaks = |policy: &&ScopePolicy| speaks_for(&policy.spec, declaration.identity, &grounds.namespace_labels);
    let mut policies: Vec<&ScopePolicy> = grounds.policies.iter().map(Arc::as_ref).filter(speaks).collect();
    // A cache has no order, and a message must not change from look to look.
    policies.sort_by_key(|policy| policy.name_any());
    policies
}

/// No policy selects the namespace: nothing may be asked for.
pub(super) fn unselected(declaration: Declaration<'_>) -> Refusal {
    Refusal::new(
        Reason::NoScopePolicy,
        "metadata.namespace",
        format!(
            "no ScopePolicy selects namespace '{}' for account '{}', so nothing may be asked for: ask the platform team for a ScopePolicy",
            declaration.key.namespace, declaration.identity.spec.account_ref.name
        ),
    )
}

/// Judges a declaration by the policies that select it.
pub(super) fn judge(
    declaration: Declaration<'_>,
    resolved: &Resolved,
    scopes: &[Scope],
    policies: &[&ScopePolicy],
    catalogue: &Catalogue,
) -> Result<(), Refusal> {
    let mut faults = limits::faults(declaration, policies);
    match Rules::of(declaration, &resolved.account, policies, catalogue) {
        Ok(rules) => faults.extend(Case { declaration, resolved, scopes, rules, catalogue }.faults()),
        Err(fault) => faults.push(fault),
    }
    let Some(first) = faults.first() else { return Ok(()) };
    Err(Refusal::of(first.reason, faults, |fault| fault.message.clone()))
}

/// Whether permissions that are live, whoever wrote them, lie below the ceiling of the policies that
/// select a declaration. What cannot be decided does not.
#[must_use]
pub fn tolerates(
    declaration: Declaration<'_>,
    grounds: &Grounds<'_>,
    account: &AccountSettings,
    live: &Document,
    catalogue: &Catalogue,
) -> bool {
    let policies = selecting(declaration, grounds);
    Rules::of(declaration, account, &policies, catalogue)
        .is_ok_and(|rules| rules.ceiling.judge(live, catalogue) == Ruling::Within)
}

/// Whether the policies that select a declaration let its subject have an identity.
#[must_use]
pub(super) fn lists_subject(declaration: Declaration<'_>, grounds: &Grounds<'_>) -> bool {
    limits::is_listed(declaration, &selecting(declaration, grounds))
}

/// What happens to an identity that no longer fits: the strictest word of all policies.
#[must_use]
pub(super) fn enforcement(policies: &[&ScopePolicy]) -> Enforcement {
    let revokes = policies.iter().any(|policy| policy.spec.enforcement == Enforcement::Revoke);
    if revokes { Enforcement::Revoke } else { Enforcement::Warn }
}

/// Whether a policy that speaks for the identity takes away access that does not fit.
#[must_use]
pub(super) fn revokes(declaration: Declaration<'_>, grounds: &Grounds<'_>) -> bool {
    enforcement(&selecting(declaration, grounds)) == Enforcement::Revoke
}

/// One declaration before its ceiling.
struct Case<'a> {
    declaration: Declaration<'a>,
    resolved: &'a Resolved,
    scopes: &'a [Scope],
    rules: Rules<'a>,
    catalogue: &'a Catalogue,
}

impl Case<'_> {
    /// All scopes at once, which as a rule is all that must be asked; each by itself if that fails.
    fn faults(&self) -> Vec<Fault> {
        let whole = self.rules.ceiling.judge(&self.resolved.desired.permissions, self.catalogue);
        if whole == Ruling::Within {
            return Vec::new();
        }
        let faults: Vec<Fault> =
            self.scopes.iter().enumerate().filter_map(|(index, scope)| self.fault(index, scope)).collect();
        if !faults.is_empty() {
            return faults;
        }
        // Too much at once for the engine.
        let reason = match whole {
            Ruling::Undecided { reason, .. } => reason,
            Ruling::Within | Ruling::Beyond(_) => "the scopes together allow more than each by itself".to_owned(),
        };
        let message = words::undecided(self.declaration, None, &reason, None, &self.rules, self.catalogue);
        vec![Fault { reason: Reason::Undecidable, field: "spec.scopes".to_owned(), message }]
    }

    fn fault(&self, index: usize, scope: &Scope) -> Option<Fault> {
        let account = &self.resolved.account;
        let ground = Ground { partition: account.partition.clone(), account: account.account.clone() };
        let compiled = policy::permissions(std::slice::from_ref(scope), &ground, self.catalogue).ok()?;
        match self.rules.ceiling.explain(&compiled, self.catalogue) {
            Ruling::Within => None,
            Ruling::Beyond(beyond) => {
                let told = words::Told { declaration: self.declaration, index, scope, beyond: &beyond };
                let (field, message) = told.words(&self.rules, self.catalogue);
                Some(Fault { reason: Reason::ScopeDenied, field, message })
            }
            Ruling::Undecided { reason, candidate } => {
                let candidate = candidate.as_deref();
                let message =
                    words::undecided(self.declaration, Some(scope), &reason, candidate, &self.rules, self.catalogue);
                Some(Fault { reason: Reason::Undecidable, field: format!("spec.scopes[{index}]"), message })
            }
        }
    }
}
