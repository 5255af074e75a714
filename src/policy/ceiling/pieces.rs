//! A question that is too much at once, asked piece by piece.
//!
//! A wildcard such as `s3:*` stands for a hundred actions, and rules about
//! levels tell many of them apart. Each known action alone is a small question,
//! and so is what is left: actions that nobody knows yet, of which only
//! wildcards speak.

use super::super::scope::Grant;
use super::super::statement::{Clause, Policy, Statement};
use super::asked::Asked;
use super::{Ceiling, Rule};
use crate::policy::catalogue::Catalogue;
use crate::policy::compare::{self, Verdict};
use crate::policy::english::verbs;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::explain::Sensitivity;
use crate::policy::is_pattern;
use crate::policy::request::{Outcome, Request};

/// How many pieces are looked at.
const MOST: usize = 512;

/// How the pieces of a policy were decided.
pub(super) enum Pieces {
    /// Each lies below the ceiling.
    Within,
    /// This request of one does not.
    Beyond(Request),
    /// Pieces do not help.
    Undecided,
}

/// Decides a policy by its pieces. Together they allow what the policy allows.
pub(super) fn decide(ceiling: &Ceiling, requested: &Policy, catalogue: &Catalogue) -> Pieces {
    if !requested.statements.iter().all(is_plain) {
        return Pieces::Undecided;
    }
    let mut pieces: Vec<(String, Statement)> =
        requested.statements.iter().flat_map(|statement| known(statement, catalogue)).collect();
    if pieces.len() > MOST {
        return Pieces::Undecided;
    }
    pieces.sort_by_cached_key(|(action, _)| {
        (verbs::of_action(action).is_none(), Sensitivity::of(action, catalogue), action.clone())
    });
    for (_, piece) in pieces {
        match ask(ceiling, piece, catalogue) {
            Some(Verdict::None) => {}
            Some(Verdict::New(request)) => return Pieces::Beyond(*request),
            Some(Verdict::Unknown { .. }) | None => return Pieces::Undecided,
        }
    }
    let future = ceiling.for_unknown(catalogue);
    for piece in requested.statements.iter().flat_map(unknown) {
        match ask(&future, piece.clone(), catalogue) {
            Some(Verdict::None) => {}
            Some(Verdict::New(request)) => {
                return coming(&future, piece, *request, catalogue).map_or(Pieces::Undecided, Pieces::Beyond);
            }
            Some(Verdict::Unknown { .. }) | None => return Pieces::Undecided,
        }
    }
    Pieces::Within
}

/// The request for an action that the catalogue does not know, if it is beyond the ceiling. A known
/// action has had a piece of its own.
fn coming(future: &Ceiling, piece: Statement, found: Request, catalogue: &Catalogue) -> Option<Request> {
    let known = catalogue.action(&found.action).is_some();
    let named = piece.action.values.iter().map(|pattern| pattern.replace('*', "Unknown").replace('?', "x")).next()?;
    let request = if known { Request { action: named, ..found } } else { found };
    let piece = Policy::of(vec![piece]);
    let (written, _) = future.written(&Asked::by(&piece, catalogue));
    let outcome = |policy: &Policy| alone(&Prepared::new(policy), &request).outcome;
    let is_beyond = outcome(&piece) == Outcome::Allowed && outcome(&written).denies();
    (catalogue.action(&request.action).is_none() && is_beyond).then_some(request)
}

fn ask(ceiling: &Ceiling, piece: Statement, catalogue: &Catalogue) -> Option<Verdict> {
    let piece = Policy::of(vec![piece]);
    let (written, _) = ceiling.written(&Asked::by(&piece, catalogue));
    compare::beyond(&written, &piece).ok().map(|direction| direction.verdict)
}

fn is_plain(statement: &Statement) -> bool {
    let resource = statement.resource.as_ref().is_some_and(|resource| !resource.negated);
    statement.allows
        && resource
        && !statement.action.negated
        && statement.principal.is_none()
        && statement.unknown.is_empty()
}

/// The statement for each action of the catalogue that it allows, and for each that it names.
fn known(statement: &Statement, catalogue: &Catalogue) -> Vec<(String, Statement)> {
    let mut pieces = Vec::new();
    for text in &statement.action.values {
        // Of a wildcard in the service itself the known actions are not listed: it stays whole.
        let Some((prefix, name)) =
            text.split_once(':').filter(|(prefix, name)| is_pattern(name) && !is_pattern(prefix))
        else {
            pieces.push((text.clone(), of(statement, text.clone())));
            continue;
        };
        for action in catalogue.service(prefix).map(|service| service.matching(name)).unwrap_or_default() {
            let action = format!("{prefix}:{}", action.name);
            pieces.push((action.clone(), of(statement, action)));
        }
    }
    pieces
}

/// The statement for each wildcard that it has.
fn unknown(statement: &Statement) -> impl Iterator<Item = Statement> {
    statement.action.values.iter().filter(|text| is_pattern(text)).map(|text| of(statement, text.clone()))
}

fn of(statement: &Statement, action: String) -> Statement {
    Statement { action: Clause::of([action]), ..statement.clone() }
}

impl Ceiling {
    /// The ceiling for actions that the catalogue does not know.
    fn for_unknown(&self, catalogue: &Catalogue) -> Self {
        let rule = |rule: &Rule| match &rule.grant {
            Grant::Access(_) => None,
            Grant::Actions(actions) => {
                let speaks = |action: &&String| is_pattern(action) || catalogue.action(action).is_none();
                let grant = Grant::Actions(actions.iter().filter(speaks).cloned().collect());
                Some(Rule { grant, ..rule.clone() })
            }
        };
        Self {
            allows: self.allows.iter().filter_map(rule).collect(),
            denies: self.denies.iter().filter_map(rule).collect(),
        }
    }
}
