//! Ceilings: whether a policy asks for no more than rules allow, and for
//! nothing that rules deny.
//!
//! The rules are written as one policy, and the comparison is asked what the
//! other one allows beyond it. So a rule is never compared as text: wildcards,
//! case, conditions and what several rules allow together are the engine's
//! business.
//!
//! INVARIANTS:
//! - `Within` is said only when the comparison looked at everything.
//! - A rule is left out of the question only where it can match no request that
//!   is asked for.

mod asked;
mod floor;
mod pieces;
mod telling;
#[cfg(test)]
mod tests;

pub use floor::{Protected, floor};

use super::catalogue::Catalogue;
use super::compare::{self, Verdict};
use super::condition::{check_key, check_operator, check_value};
use super::document::Document;
use super::evaluate::{Prepared, alone};
use super::problem::Problem;
use super::request::{Outcome, Request};
use super::scope::{Condition, Grant};
use super::statement::{Clause, Policy, Statement, Test};
use asked::Asked;
use pieces::Pieces;
use telling::most_telling;

/// A piece of access, with wildcards wherever wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Actions, or every action of some levels.
    pub grant: Grant,
    /// Resources.
    pub resources: Vec<String>,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
}

/// What may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// What may be: any of these is enough.
    pub allows: Vec<Rule>,
    /// What may not, whatever is allowed.
    pub denies: Vec<Rule>,
}

/// Whether a policy keeps below a ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It does, for every request that can be written.
    Within,
    /// This request it allows, and the ceiling does not.
    Beyond(Box<Beyond>),
    /// It could not be decided.
    Undecided {
        /// Why.
        reason: String,
        /// A request that may be one.
        candidate: Option<Box<Request>>,
    },
}

/// A request above the ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// The request.
    pub request: Request,
    /// Which of `denies` denies it, if one does.
    pub denied_by: Option<usize>,
    /// Which of `allows` comes nearest to allowing it, if it is for the same service at least.
    pub nearest: Option<Near>,
}

/// A rule that comes near to allowing a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// Its place among `allows`.
    pub rule: usize,
    /// Whether it allows the action on some resource.
    pub action: bool,
    /// Whether it allows some action on the resource.
    pub resource: bool,
    /// Whether its conditions hold.
    pub conditions: bool,
}

impl Ceiling {
    /// Judges a policy.
    #[must_use]
    pub fn judge(&self, requested: &Document, catalogue: &Catalogue) -> Ruling {
        self.ruling(requested, false, catalogue)
    }

    /// Judges a policy like [`Ceiling::judge`], and takes the trouble to find the request that says
    /// most: the most sensitive one above the ceiling.
    #[must_use]
    pub fn explain(&self, requested: &Document, catalogue: &Catalogue) -> Ruling {
        self.ruling(requested, true, catalogue)
    }

    fn ruling(&self, requested: &Document, thorough: bool, catalogue: &Catalogue) -> Ruling {
        let requested = match Policy::read(requested.text()) {
            Ok(policy) => policy,
            Err(error) => return Ruling::Undecided { reason: error.to_string(), candidate: None },
        };
        let asked = Asked::by(&requested, catalogue);
        let (ceiling, sources) = self.written(&asked);
        let direction = match compare::beyond(&ceiling, &requested) {
            Ok(direction) => direction,
            Err(mismatch) => return Ruling::Undecided { reason: mismatch.to_string(), candidate: None },
        };
        let (request, thorough) = match direction.verdict {
            Verdict::None => return Ruling::Within,
            Verdict::New(witness) => (*witness, thorough),
            Verdict::Unknown { reason, candidate } => match pieces::decide(self, &requested, catalogue) {
                Pieces::Within => return Ruling::Within,
                // The pieces come in the order in which people want to know.
                Pieces::Beyond(request) => (request, false),
                Pieces::Undecided => return Ruling::Undecided { reason, candidate },
            },
        };
        let telling = if thorough { most_telling(&ceiling, &requested, &asked, catalogue) } else { None };
        let request = telling.unwrap_or(request);
        let denied_by = denier(&ceiling, &request).and_then(|statement| sources.get(statement).copied());
        let nearest = if denied_by.is_some() { None } else { self.nearest(&request, catalogue) };
        Ruling::Beyond(Box::new(Beyond { request, denied_by, nearest }))
    }

    /// The ceiling as a policy, and for each of its statements the place of the rule.
    fn written(&self, asked: &Asked<'_>) -> (Policy, Vec<usize>) {
        let mut sources = Vec::new();
        let mut statements = Vec::new();
        for (allows, rules) in [(true, &self.allows), (false, &self.denies)] {
            for (index, rule) in rules.iter().enumerate() {
                if let Some(statement) = asked.relevant(rule, allows) {
                    sources.push(index);
                    statements.push(statement);
                }
            }
        }
        (Policy::of(statements), sources)
    }

    fn nearest(&self, request: &Request, catalogue: &Catalogue) -> Option<Near> {
        let near = self.allows.iter().enumerate().filter_map(|(rule, allowed)| allowed.near(rule, request, catalogue));
        // Of equally near ones the first.
        near.max_by_key(|near| (near.closeness(), std::cmp::Reverse(near.rule)))
    }
}

impl Near {
    /// To add a condition is the smallest change, then to narrow a resource, then to leave an action out.
    fn closeness(&self) -> (usize, bool, bool) {
        let fits = [self.action, self.resource, self.conditions].into_iter().filter(|fits| *fits).count();
        (fits, self.action, self.resource)
    }
}

impl Rule {
    /// Refuses conditions that AWS does not have. One that never holds would make a denial void.
    pub fn check(&self) -> Result<(), Problem> {
        for condition in &self.conditions {
            check_operator(&condition.operator)?;
            check_key(&condition.key)?;
            condition.values.iter().try_for_each(|value| check_value(&condition.operator, value))?;
        }
        Ok(())
    }

    /// The actions of the rule, or the request's own if it has one of the levels.
    fn actions_for(&self, request: &Request, catalogue: &Catalogue) -> Vec<String> {
        match &self.grant {
            Grant::Actions(actions) => actions.clone(),
            Grant::Access(levels) => {
                let known = catalogue.action(&request.action).filter(|(_, action)| levels.contains(&action.level));
                known.map(|_| request.action.clone()).into_iter().collect()
            }
        }
    }

    /// How near the rule comes to allowing a request; nothing if it has neither its action nor its
    /// resource.
    fn near(&self, rule: usize, request: &Request, catalogue: &Catalogue) -> Option<Near> {
        let any = ["*".to_owned()];
        let near = Near {
            rule,
            action: holds(&self.actions_for(request, catalogue), &any, &[], request),
            resource: holds(&any, &self.resources, &[], request),
            conditions: holds(&any, &any, &self.conditions, request),
        };
        let service = |text: &str| text.split(':').next().map(str::to_ascii_lowercase);
        let same_service = match &self.grant {
            Grant::Actions(actions) => actions.iter().any(|action| service(action) == service(&request.action)),
            Grant::Access(_) => false,
        };
        (near.action || near.resource || same_service).then_some(near)
    }
}

/// Whether a request has one of the actions and one of the resources, and meets the conditions.
#[must_use]
pub fn holds(actions: &[String], resources: &[String], conditions: &[Condition], request: &Request) -> bool {
    if actions.is_empty() || resources.is_empty() {
        return false;
    }
    let statement = statement(true, actions.to_vec(), resources.to_vec(), conditions);
    alone(&Prepared::new(&Policy::of(vec![statement])), request).outcome == Outcome::Allowed
}

/// The first statement that denies a request.
fn denier(ceiling: &Policy, request: &Request) -> Option<usize> {
    let decision = alone(&Prepared::new(ceiling), request);
    let denied = decision.outcome == Outcome::ExplicitDeny;
    decision.matched.first().filter(|_| denied).map(|matched| matched.statement)
}

fn statement(allows: bool, actions: Vec<String>, resources: Vec<String>, conditions: &[Condition]) -> Statement {
    let test = |condition: &Condition| Test {
        operator: condition.operator.clone(),
        key: condition.key.clone(),
        values: condition.values.clone(),
    };
    Statement {
        sid: None,
        allows,
        principal: None,
        action: Clause::of(actions),
        resource: Some(Clause::of(resources)),
        conditions: conditions.iter().map(test).collect(),
        unknown: Vec::new(),
    }
}
