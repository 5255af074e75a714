//! Remembering how the guardrails judged a declaration: to judge costs far more
//! than all else that is computed for an identity at rest.

use std::sync::Arc;

use super::account::AccountSettings;
use super::desired::{Declaration, Grounds};
use super::refusal::Refusal;
use crate::api::v1alpha1::ScopePolicy;

/// How a declaration was judged last, and by what.
///
/// INVARIANT: `said` is what the guardrails would say again for the same
/// generation of the same incarnation, account and policies. Policies are
/// compared by where they lie: caches replace what changes.
#[derive(Debug, Clone)]
pub struct Judged {
    generation: Option<i64>,
    account: AccountSettings,
    policies: Vec<Arc<ScopePolicy>>,
    said: Result<(), Refusal>,
}

impl Judged {
    /// The judgement of a declaration: the one that is known, if it is about the
    /// same things, or else a new one, which is known from then on.
    pub(super) fn recall_or(
        known: &mut Option<Self>,
        declaration: Declaration<'_>,
        account: &AccountSettings,
        grounds: &Grounds<'_>,
        selecting: &[&ScopePolicy],
        judge: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let generation = declaration.identity.metadata.generation;
        if let Some(judged) = known
            && judged.generation == generation
            && judged.account == *account
            && judged.is_by(selecting)
        {
            return judged.said.clone();
        }
        let said = judge();
        let selects = |policy: &&Arc<ScopePolicy>| selecting.iter().any(|it| std::ptr::eq(*it, Arc::as_ptr(policy)));
        let policies = grounds.policies.iter().filter(selects).cloned().collect();
        *known = Some(Self { generation, account: account.clone(), policies, said: said.clone() });
        said
    }

    fn is_by(&self, selecting: &[&ScopePolicy]) -> bool {
        let held = |policy: &&ScopePolicy| self.policies.iter().any(|it| std::ptr::eq(Arc::as_ptr(it), *policy));
        self.policies.len() == selecting.len() && selecting.iter().all(held)
    }
}
