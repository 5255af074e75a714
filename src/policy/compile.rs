//! From scopes to the one permission document of a role or a user.

use super::catalogue::Catalogue;
use super::document::{Document, size_for_iam};
use super::expand::{Expansion, Pairing};
use super::problem::{Problem, Refusals, ScopeError};
use super::scope::{self, Condition, Grant, Ground, Scope};
use super::statement::{Clause, Policy, Statement, Test};
use crate::names::PrincipalKind;
use std::collections::BTreeSet;

/// The most characters, white space apart, that a role's inline policies may have together.
pub const MAX_INLINE: usize = 10_240;

/// The most that the permissions may have of that: the rest is kept free for what denies them.
pub const MAX_PERMISSIONS: usize = MAX_INLINE - 400;

/// The most characters that a user's inline policies may have together.
pub const MAX_USER_INLINE: usize = 2_048;

/// The most that a user's permissions may have of that.
pub const MAX_USER_PERMISSIONS: usize = MAX_USER_INLINE - 400;

/// How many scopes a refusal for size names.
const HEAVIEST: usize = 3;

/// Compiles scopes into one permission document.
///
/// The same scopes give the same text, in whatever order they and their lists
/// stand. Scopes that cannot be compiled exactly are refused; nothing is left
/// out silently.
pub fn permissions(scopes: &[Scope], ground: &Ground, catalogue: &Catalogue) -> Result<Document, Vec<ScopeError>> {
    permissions_of(PrincipalKind::Role, scopes, ground, catalogue)
}

/// The same for a role or a user, which may have much less.
pub fn permissions_of(
    kind: PrincipalKind,
    scopes: &[Scope],
    ground: &Ground,
    catalogue: &Catalogue,
) -> Result<Document, Vec<ScopeError>> {
    let limit = match kind {
        PrincipalKind::Role => MAX_PERMISSIONS,
        PrincipalKind::User => MAX_USER_PERMISSIONS,
    };
    let mut refusals = Refusals::new();
    // Before anything that takes time in proportion to the scopes' size.
    if let Some(problem) = too_large_at_once(scopes, limit) {
        refusals.add(None, "spec.scopes".into(), problem);
        return Err(refusals.into_errors());
    }
    scope::check(scopes, &mut refusals);
    if !refusals.is_empty() {
        return Err(refusals.into_errors());
    }
    let mut expanded: Vec<(&Scope, Vec<Pairing>)> = Vec::with_capacity(scopes.len());
    for (index, scope) in scopes.iter().enumerate() {
        if refusals.is_full() {
            break;
        }
        let pairings = Expansion { index, scope, ground, catalogue, refusals: &mut refusals }.run();
        expanded.push((scope, pairings));
    }
    if !refusals.is_empty() {
        return Err(refusals.into_errors());
    }
    expanded.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let statements = statements(expanded);
    let weights: Vec<(&str, usize)> =
        statements.iter().map(|(name, statement)| (*name, size_for_iam(&statement.text()))).collect();
    let document = Document::write(Policy::of(statements.into_iter().map(|(_, statement)| statement).collect()));
    let characters = document.size();
    if characters > limit {
        refusals.add(None, "spec.scopes".into(), too_large(characters, true, limit, &weights));
        return Err(refusals.into_errors());
    }
    Ok(document)
}

/// The statements, each with the name of its scope.
fn statements(expanded: Vec<(&Scope, Vec<Pairing>)>) -> Vec<(&str, Statement)> {
    let mut sids = BTreeSet::new();
    let mut statements = Vec::with_capacity(expanded.len());
    for (scope, pairings) in expanded {
        let conditions = tests(&scope.conditions);
        for pairing in pairings {
            let statement = Statement {
                sid: Some(sid(&scope.name, &mut sids)),
                allows: true,
                principal: None,
                action: Clause::of(pairing.actions),
                resource: Some(Clause::of(pairing.resources)),
                conditions: conditions.clone(),
                unknown: Vec::new(),
            };
            statements.push((scope.name.as_str(), statement));
        }
    }
    statements
}

/// Conditions sorted by operator and key, their values sorted and without repetition.
fn tests(conditions: &[Condition]) -> Vec<Test> {
    let mut tests: Vec<Test> = conditions
        .iter()
        .map(|condition| {
            let values: BTreeSet<&String> = condition.values.iter().collect();
            let values = values.into_iter().cloned().collect();
            Test { operator: condition.operator.clone(), key: condition.key.clone(), values }
        })
        .collect();
    tests.sort_unstable();
    tests
}

/// A statement's name from its scope's: letters and digits only, as IAM wants it, and unique.
/// `read-only` becomes `ReadOnly`, a second of that name `ReadOnly2`.
fn sid(name: &str, taken: &mut BTreeSet<String>) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut base = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        base.push_str(&first.to_ascii_uppercase());
        base.push_str(rest);
    }
    if base.is_empty() {
        base.push_str("Scope");
    }
    let mut sid = base.clone();
    let mut count = 1;
    while !taken.insert(sid.clone()) {
        count += 1;
        sid = format!("{base}{count}");
    }
    sid
}

/// Texts that will stand in the policy as they are may be too many already.
fn too_large_at_once(scopes: &[Scope], limit: usize) -> Option<Problem> {
    let weights: Vec<(&str, usize)> = scopes.iter().map(|scope| (scope.name.as_str(), least_size(scope))).collect();
    let characters = weights.iter().fold(0_usize, |sum, (_, weight)| sum.saturating_add(*weight));
    (characters > limit).then(|| too_large(characters, false, limit, &weights))
}

fn least_size(scope: &Scope) -> usize {
    let distinct = |texts: &[String]| {
        texts.iter().collect::<BTreeSet<_>>().into_iter().map(|text| size_for_iam(text)).sum::<usize>()
    };
    let actions = match &scope.grant {
        Grant::Access(_) => 0,
        Grant::Actions(actions) => distinct(actions),
    };
    let condition = |condition: &Condition| {
        size_for_iam(&condition.key) + size_for_iam(&condition.operator) + distinct(&condition.values)
    };
    actions + distinct(&scope.resources) + scope.conditions.iter().map(condition).sum::<usize>()
}

fn too_large(characters: usize, exact: bool, limit: usize, weights: &[(&str, usize)]) -> Problem {
    let mut scopes: Vec<(String, usize)> = Vec::new();
    for (name, weight) in weights {
        match scopes.last_mut() {
            Some((last, sum)) if last == name => *sum += weight,
            _ => scopes.push(((*name).to_owned(), *weight)),
        }
    }
    scopes.sort_by(|(a, left), (b, right)| right.cmp(left).then_with(|| a.cmp(b)));
    scopes.truncate(HEAVIEST);
    let largest = scopes.into_iter().map(|(name, weight)| (crate::names::shortened(&name), weight)).collect();
    Problem::TooLarge { characters, exact, limit, largest }
}

#[cfg(test)]
mod tests;
