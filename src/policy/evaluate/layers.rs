//! All policies together (IAM user guide, "How AWS enforcement code logic
//! evaluates requests" and "Cross-account policy evaluation logic").

use super::super::request::Layer;
use super::facts::Facts;
use super::statement::{Doubt, Manner, Part, Prepared, Ready};
use super::tri::Tri;
use crate::names::AccountId;

/// A doubt with the statement that it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Where<'p> {
    pub(super) layer: Layer,
    pub(super) statement: &'p Ready,
    pub(super) doubt: Doubt,
}

pub(super) type Answer<'p> = Tri<Where<'p>>;

/// A statement that applies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit<'p> {
    pub(super) layer: Layer,
    pub(super) index: usize,
    pub(super) statement: &'p Ready,
    /// It only lets the caller's account decide.
    pub(super) delegates: bool,
}

/// What one policy, or several together, say.
#[derive(Debug)]
pub(super) struct Said<'p> {
    /// Whether they allow the request to the caller itself (or to everybody).
    pub(super) itself: Answer<'p>,
    /// Whether they allow it to the role of which the caller is a session.
    pub(super) behind: Answer<'p>,
    /// Whether they allow it to the caller's account.
    pub(super) account: Answer<'p>,
}

/// What all policies say, one by one.
#[derive(Debug)]
pub(super) struct Survey<'p> {
    pub(super) denies: Answer<'p>,
    pub(super) denying: Vec<Hit<'p>>,
    pub(super) allowing: Vec<Hit<'p>>,
    /// A caller with a boundary was hit by `NotPrincipal`, whatever that names.
    pub(super) bounded: bool,
}

impl<'p> Said<'p> {
    const NOTHING: Self = Self { itself: Tri::No, behind: Tri::No, account: Tri::No };

    /// Whether they allow it in any way.
    pub(super) fn any(&self) -> Answer<'p> {
        self.itself.or(self.behind).or(self.account)
    }
}

impl<'p> Survey<'p> {
    pub(super) fn new() -> Self {
        Self { denies: Tri::No, denying: Vec::new(), allowing: Vec::new(), bounded: false }
    }

    /// Asks some policies of one layer, of which one that allows is enough.
    pub(super) fn ask(
        &mut self,
        policies: impl IntoIterator<Item = (Layer, &'p Prepared)>,
        manner: Manner,
        facts: &Facts<'_>,
        has_boundary: bool,
    ) -> Said<'p> {
        let mut said = Said::NOTHING;
        for (layer, policy) in policies {
            for (index, statement) in policy.statements.iter().enumerate() {
                let applies = statement.applies(facts, manner);
                if applies.is_no() {
                    continue;
                }
                let fit = statement.fits(facts, manner);
                let located = |answer: Tri<&'static str>| {
                    let who = answer.map(|why| Doubt { part: Part::Principal, why });
                    applies.and(who).map(|doubt| Where { layer, statement, doubt })
                };
                let hit = Hit { layer, index, statement, delegates: fit.itself.is_no() && fit.behind.is_no() };
                if statement.allows {
                    said.itself = said.itself.or(located(fit.itself));
                    said.behind = said.behind.or(located(fit.behind));
                    said.account = said.account.or(located(fit.account));
                    if located(fit.any()).is_yes() {
                        self.allowing.push(hit);
                    }
                    continue;
                }
                // `NotPrincipal` with `Deny` hits whoever has a boundary (IAM user guide, `NotPrincipal`).
                let bounded = has_boundary && manner == Manner::Resource && statement.denies_others();
                let hits = located(if bounded { Tri::Yes } else { fit.any() });
                if hits.is_yes() {
                    self.denying.push(hit);
                    self.bounded |= bounded && !fit.any().is_yes();
                }
                self.denies = self.denies.or(hits);
            }
        }
        said
    }
}

/// Whether the caller's SCPs have a say (Organizations user guide, SCPs, "Tasks and entities not
/// restricted by SCPs").
pub(super) fn scps_reach(facts: &Facts<'_>, management: Option<&AccountId>) -> bool {
    let managing = management.is_some_and(|account| facts.caller_account.as_deref() == Some(account.as_str()));
    facts.caller.is_identity() && !facts.caller.is_service_linked() && !managing
}

/// Whether the resource's RCPs have a say (Organizations user guide, RCPs, "Resources and entities not
/// restricted by RCPs").
pub(super) fn rcps_reach(facts: &Facts<'_>, management: Option<&AccountId>) -> bool {
    let managing = management.is_some_and(|account| facts.resource_account.as_deref() == Some(account.as_str()));
    let exempt = facts.action == "kms:retiregrant" || is_service_linked_role(facts);
    !facts.caller.is_service_linked() && !managing && !exempt
}

fn is_service_linked_role(facts: &Facts<'_>) -> bool {
    assumes_role(facts)
        && facts.resource.service_and_tail().is_some_and(|(_, tail)| tail.starts_with("role/aws-service-role/"))
}

/// Whether the request is about becoming a role, on the role itself.
fn assumes_role(facts: &Facts<'_>) -> bool {
    let assumes = matches!(
        facts.action.as_str(),
        "sts:assumerole"
            | "sts:assumerolewithsaml"
            | "sts:assumerolewithwebidentity"
            | "sts:tagsession"
            | "sts:setsourceidentity"
            | "sts:setcontext"
    );
    let role = |(service, tail): (&str, &str)| service == "iam" && tail.starts_with("role/");
    assumes && facts.resource.service_and_tail().is_some_and(role)
}

/// Whether the resource's own policy must allow the request, also within one account: so it is with
/// the trust policies of roles and with the policies of keys (the same page; KMS guide, key policies).
pub(super) fn needs_resource_policy(facts: &Facts<'_>) -> bool {
    let key = |(service, tail): (&str, &str)| service == "kms" && tail.starts_with("key/");
    assumes_role(facts) || facts.action.starts_with("kms:") && facts.resource.service_and_tail().is_some_and(key)
}
