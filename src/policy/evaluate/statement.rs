//! Statements, ready to be asked, and whether one applies to a request.

use super::super::pattern::Syntax;
use super::super::place::Place;
use super::super::statement::{Clause, Policy, Statement, Version};
use super::arn::{ArnPattern, Fits};
use super::condition;
use super::facts::Facts;
use super::glob::Glob;
use super::principal::{Fit, Named};
use super::tri::Tri;

/// A policy that has been taken apart for the evaluator: patterns, numbers, times and addresses are
/// read once, so that one policy answers many requests quickly.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) statements: Vec<Ready>,
    /// Whether a statement names a principal.
    pub(super) names_principals: bool,
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    actions: Choice<Glob>,
    resources: Option<Choice<ArnPattern>>,
    principal: Option<Named>,
    conditions: Vec<(condition::Prepared, Place)>,
    /// The first element that is not understood.
    unknown: Option<(Place, &'static str)>,
    index: usize,
}

/// Any of some patterns, or, negated, none of them.
#[derive(Debug, Clone)]
struct Choice<P> {
    negated: bool,
    patterns: Vec<P>,
}

/// In what capacity a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Identity,
    Boundary,
    Session,
    Resource,
    Scp,
    Rcp,
}

/// Why it cannot be said whether a statement applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) part: Part,
    pub(super) why: &'static str,
}

/// What in a statement is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Element,
    Principal,
    Resource,
    Condition(usize),
}

impl Prepared {
    /// Takes a policy apart.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let of_all = policy.unknown.first().map(|unknown| (unknown.place.clone(), unknown.problem));
        let variables = policy.version == Version::V2012;
        let numbered = policy.statements.iter().enumerate();
        let statements = numbered.map(|(index, statement)| Ready::new(index, statement, variables, of_all.as_ref()));
        Self {
            statements: statements.collect(),
            names_principals: policy.statements.iter().any(|statement| statement.principal.is_some()),
        }
    }

    /// Whether any of its statements allows something.
    pub(super) fn has_allow(&self) -> bool {
        self.statements.iter().any(|statement| statement.allows)
    }
}

impl<P> Choice<P> {
    fn new(clause: &Clause, pattern: impl Fn(&str) -> P) -> Self {
        Self { negated: clause.negated, patterns: clause.values.iter().map(|value| pattern(value)).collect() }
    }

    fn meets<D>(&self, meets: impl Fn(&P) -> Tri<D>) -> Tri<D> {
        Tri::any(self.patterns.iter().map(meets)).negated_if(self.negated)
    }
}

impl Ready {
    fn new(index: usize, statement: &Statement, variables: bool, of_all: Option<&(Place, &'static str)>) -> Self {
        let place = Place::statement(index).name("Condition");
        let own = statement.unknown.first().map(|unknown| (unknown.place.clone(), unknown.problem));
        let conditions = statement
            .conditions
            .iter()
            .map(|test| (condition::Prepared::new(test, variables), place.name(&test.operator).name(&test.key)));
        Self {
            sid: statement.sid.clone(),
            allows: statement.allows,
            // Case does not matter in actions, and there are no variables in them.
            actions: Choice::new(&statement.action, |text| {
                Glob::new(&text.to_ascii_lowercase(), Syntax { wildcards: true, variables: false })
            }),
            resources: statement
                .resource
                .as_ref()
                .map(|clause| Choice::new(clause, |text| ArnPattern::new(text, variables))),
            principal: statement.principal.as_ref().map(Named::new),
            conditions: conditions.collect(),
            unknown: own.or_else(|| of_all.cloned()),
            index,
        }
    }

    /// Whether the statement applies to a request, whoever makes it.
    pub(super) fn applies(&self, facts: &Facts<'_>, manner: Manner) -> Tri<Doubt> {
        // The action first: it decides most often, and quickest.
        if self.actions.meets(|glob| Tri::<Doubt>::of(glob.matches(&facts.action, facts))).is_no() {
            return Tri::No;
        }
        let resource = self.meets_resource(facts, manner).map(|why| Doubt { part: Part::Resource, why });
        if resource.is_no() {
            return Tri::No;
        }
        let understood = match &self.unknown {
            Some((_, why)) => Tri::Unknown(Doubt { part: Part::Element, why }),
            None => Tri::Yes,
        };
        let conditions = Tri::all(self.conditions.iter().enumerate().map(|(index, (condition, _))| {
            condition.holds(facts).map(|why| Doubt { part: Part::Condition(index), why })
        }));
        understood.and(resource).and(conditions)
    }

    fn meets_resource(&self, facts: &Facts<'_>, manner: Manner) -> Tri<&'static str> {
        let Some(resources) = &self.resources else { return Tri::Yes };
        resources.meets(|pattern| pattern.fits(facts.resource, facts).read_in(manner))
    }

    /// How the statement's principal fits the caller. In a resource's policy a statement without one
    /// fits nobody; the policies of identities have none.
    pub(super) fn fits(&self, facts: &Facts<'_>, manner: Manner) -> Fit {
        const NOT_HERE: &str = "only the policy of a resource can name principals";
        const RCP: &str = "a resource control policy can only name the principal `*`";
        let unknown = |why| Fit::everyone(Tri::Unknown(why));
        match (manner, &self.principal) {
            (Manner::Resource, Some(principal)) => principal.fit(facts),
            // What is not understood may be a principal misspelled.
            (Manner::Resource, None) if self.unknown.is_some() => unknown("no principal is named"),
            (Manner::Resource, None) => Fit::everyone(Tri::No),
            (Manner::Rcp, Some(principal)) if principal.is_everyone() => Fit::everyone(Tri::Yes),
            (Manner::Rcp, _) => unknown(RCP),
            (_, Some(_)) => unknown(NOT_HERE),
            (_, None) => Fit::everyone(Tri::Yes),
        }
    }

    /// Whether it denies everybody but those that it names.
    pub(super) fn denies_others(&self) -> bool {
        !self.allows && self.principal.as_ref().is_some_and(|principal| principal.negated)
    }

    /// Where a doubt lies.
    pub(super) fn place(&self, part: Part) -> Place {
        let whole = Place::statement(self.index);
        let negated = |negated: bool, name: &str| whole.name(&format!("{}{name}", if negated { "Not" } else { "" }));
        match part {
            Part::Element => self.unknown.as_ref().map_or(whole, |(place, _)| place.clone()),
            Part::Principal => negated(self.principal.as_ref().is_some_and(|principal| principal.negated), "Principal"),
            Part::Resource => negated(self.resources.as_ref().is_some_and(|resources| resources.negated), "Resource"),
            Part::Condition(index) => self.conditions.get(index).map_or(whole, |(_, place)| place.clone()),
        }
    }
}

impl Fits {
    /// What a pattern of an ARN with fewer than six parts means depends on where it stands: in the
    /// policy of an identity the missing parts are `*`; a session policy with one is refused; in the
    /// policy of a resource it is only a text (IAM user guide, "Amazon Resource Names").
    fn read_in(self, manner: Manner) -> Tri<&'static str> {
        const SESSION: &str = "a session policy cannot have an ARN with fewer than six parts";
        const SHORT: &str = "the documentation leaves open what an ARN with fewer than six parts matches here";
        const VARIABLE: &str = "a policy variable cannot stand before the fifth colon of an ARN";
        match (self, manner) {
            (Self::No | Self::Short { completed: false, whole: false }, _) => Tri::No,
            (Self::Misplaced, _) => Tri::Unknown(VARIABLE),
            (Self::Short { .. }, Manner::Session) => Tri::Unknown(SESSION),
            (Self::Yes | Self::Short { completed: true, whole: true }, _)
            | (Self::Short { completed: true, .. }, Manner::Identity | Manner::Boundary) => Tri::Yes,
            (Self::Short { completed: true, .. }, Manner::Resource) => Tri::No,
            (Self::Short { .. }, _) => Tri::Unknown(SHORT),
        }
    }
}
