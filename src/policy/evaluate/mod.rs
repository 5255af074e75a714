//! The evaluator: what all policies together say about one request, and which
//! statement of which policy decided.
//!
//! It is written separately from the comparison, so that each can check the
//! other: they share the vocabulary (what an operator, a pattern, a value is)
//! and nothing of what matches what.
//!
//! ```text
//! Policy ── Prepared::new ──▶ Prepared ┐
//!                                      ├── decide, alone ──▶ Decision
//! Request ──── facts ─────────────────┘
//! ```
//!
//! Answers have three values. Unknown is an answer only where it matters: an
//! explicit deny stands whatever else is unknown, and what nothing allows is
//! denied whatever may deny it too. It comes from what is not understood, and
//! from what the documentation of AWS itself leaves open.
//!
//! One request is one action on one resource. An action that needs several
//! resources, or other actions beside it, is as many requests.

mod arn;
mod caller;
mod condition;
mod facts;
mod glob;
mod layers;
mod principal;
mod role;
mod statement;
mod tri;
mod verdict;

pub use statement::Prepared;

use super::request::{Decision, Layer, Layers, Request};
use caller::Caller;
use facts::Facts;
use layers::{Answer, Said, Survey, needs_resource_policy, rcps_reach, scps_reach};
use statement::Manner;
use tri::Tri;

/// Decides a request over all layers.
#[must_use]
pub fn decide(layers: &Layers<Prepared>, request: &Request) -> Decision {
    let facts = Facts::of(request);
    let mut survey = Survey::new();
    let heard = Heard::hear(layers, &facts, &mut survey);
    let granted = heard.granted(&facts);
    verdict::decision(&survey, granted, |hit| heard.counts(&facts, hit), || verdict::missing(layers, &heard, &facts))
}

/// Decides a request as if there were this policy alone. In a policy that names principals, one that
/// names the caller's account allows as well, as it does together with the account's own policies.
/// What the policy says nothing about is denied implicitly.
#[must_use]
pub fn alone(policy: &Prepared, request: &Request) -> Decision {
    let facts = Facts::of(request);
    let mut survey = Survey::new();
    let (layer, manner) = if policy.names_principals {
        (Layer::Resource, Manner::Resource)
    } else {
        (Layer::Identity(0), Manner::Identity)
    };
    let said = survey.ask([(layer, policy)], manner, &facts, false);
    verdict::decision(&survey, said.any(), |_| true, || "no statement allows it".to_owned())
}

/// What each layer says. One that has no say allows everything.
#[derive(Debug)]
struct Heard<'p> {
    identity: Answer<'p>,
    boundary: Answer<'p>,
    session: Answer<'p>,
    resource: Said<'p>,
    /// By level.
    scps: Vec<Answer<'p>>,
    rcps: Vec<Answer<'p>>,
    needs_resource_policy: bool,
    same_account: bool,
}

impl<'p> Heard<'p> {
    /// Asks every layer that has a say, in the order in which matches are listed.
    fn hear(layers: &'p Layers<Prepared>, facts: &Facts<'_>, survey: &mut Survey<'p>) -> Self {
        let caller = facts.caller;
        let is_root = matches!(caller, Caller::Root { .. });
        let management = layers.management_account.as_ref();
        let has_boundary = layers.boundary.is_some() && caller.can_be_bounded();
        let mut ask = |policies: &mut dyn Iterator<Item = (Layer, &'p Prepared)>, manner| {
            survey.ask(policies, manner, facts, has_boundary)
        };
        let mut identity = layers.identity.iter().enumerate().map(|(index, policy)| (Layer::Identity(index), policy));
        let identity = if caller.is_identity() { ask(&mut identity, Manner::Identity).any() } else { Tri::No };
        let boundary = match &layers.boundary {
            Some(policy) if caller.is_identity() && !is_root => {
                ask(&mut [(Layer::Boundary, policy)].into_iter(), Manner::Boundary).any()
            }
            _ => Tri::Yes,
        };
        let session = match &layers.session {
            Some(policy) if caller.is_identity() && !is_root => {
                ask(&mut [(Layer::Session, policy)].into_iter(), Manner::Session).any()
            }
            // A federated user has no more than its session policy gives it.
            None => Tri::of(!matches!(caller, Caller::FederatedUser { .. })),
            Some(_) => Tri::Yes,
        };
        let mut resource = layers.resource.iter().map(|policy| (Layer::Resource, policy));
        let resource = ask(&mut resource, Manner::Resource);
        let mut levels = |levels: &'p [Vec<Prepared>], manner, layer: fn(usize, usize) -> Layer| {
            let one = |(number, level): (usize, &'p Vec<Prepared>)| {
                let mut policies = level.iter().enumerate().map(|(index, policy)| (layer(number, index), policy));
                let said = ask(&mut policies, manner).any();
                // `RCPFullAWSAccess` cannot be taken away: a level that only denies allows all else.
                let implied = manner == Manner::Rcp && !level.iter().any(Prepared::has_allow);
                if implied { Tri::Yes } else { said }
            };
            levels.iter().enumerate().map(one).collect()
        };
        let scps =
            if scps_reach(facts, management) { levels(&layers.scps, Manner::Scp, Layer::Scp) } else { Vec::new() };
        let rcps =
            if rcps_reach(facts, management) { levels(&layers.rcps, Manner::Rcp, Layer::Rcp) } else { Vec::new() };
        Self {
            identity,
            boundary,
            session,
            resource,
            scps,
            rcps,
            needs_resource_policy: needs_resource_policy(facts),
            same_account: facts.same_account(),
        }
    }

    /// Whether all of them together allow the request, explicit denials apart.
    fn granted(&self, facts: &Facts<'_>) -> Answer<'p> {
        let ceilings = self.scps.iter().chain(&self.rcps).copied();
        self.source(facts).and(Tri::all(ceilings))
    }

    /// Whether the request is allowed before the organisation's policies are asked.
    fn source(&self, facts: &Facts<'_>) -> Answer<'p> {
        if !facts.caller.is_identity() {
            return self.resource.itself;
        }
        let own = self.own(facts).and(self.boundary).and(self.session);
        if !self.same_account {
            return own.and(self.resource.any());
        }
        let own = if self.needs_resource_policy { own.and(self.resource.any()) } else { own };
        // A resource's policy that names the caller itself is not bound by boundary and session; one
        // that names its role is.
        own.or(self.resource.itself).or(self.resource.behind.and(self.boundary).and(self.session))
    }

    /// What the caller's own account gives it: everything, to its root user.
    fn own(&self, facts: &Facts<'_>) -> Answer<'p> {
        if matches!(facts.caller, Caller::Root { .. }) { Tri::Yes } else { self.identity }
    }

    /// Whether a statement that allows took part in the decision: one that only leaves it to the
    /// caller's account does so only where the resource's policy is needed.
    fn counts(&self, facts: &Facts<'_>, hit: &layers::Hit<'_>) -> bool {
        let idle = hit.delegates && self.same_account && !self.needs_resource_policy;
        hit.layer != Layer::Resource || !idle || !facts.caller.is_identity()
    }
}

#[cfg(test)]
mod tests;
