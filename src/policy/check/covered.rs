//! Statements that another statement of the same policy covers whole.

use super::Subject;
use super::code::Code;
use super::report::Report;
use super::spot::Step::{At, In};
use super::wild::{covers, is_star};
use crate::policy::statement::{Clause, Principal, Statement, Who};

/// Reports statements that add nothing to another.
pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let statements = &subject.policy.statements;
    for (index, inner) in subject.statements() {
        for (other, outer) in subject.statements() {
            // Of two equal ones the later is told.
            if index == other || inner.allows != outer.allows {
                continue;
            }
            if !report.spend(work(inner, outer)) {
                return;
            }
            if covered(outer, inner) && (other < index || !covered(inner, outer)) {
                let message = format!("statement {} covers all of this one", other + 1);
                let way = [In("Statement"), At(index)];
                report.add(Code::Covered, &way, message, "take one of the two away");
                break;
            }
        }
        if statements.len() > 2_000 && report.is_full() {
            return;
        }
    }
}

/// About how many signs are compared.
fn work(inner: &Statement, outer: &Statement) -> usize {
    let size = |clause: Option<&Clause>| {
        clause.map_or(0, |clause| clause.values.iter().map(|value| value.len() / 4 + 1).sum::<usize>())
    };
    let actions = size(Some(&inner.action)).saturating_mul(outer.action.values.len());
    let resources =
        size(inner.resource.as_ref()).saturating_mul(outer.resource.as_ref().map_or(0, |clause| clause.values.len()));
    4 + actions.saturating_add(resources)
}

fn covered(outer: &Statement, inner: &Statement) -> bool {
    let known = outer.unknown.is_empty() && inner.unknown.is_empty();
    known
        && outer.conditions.iter().all(|test| inner.conditions.contains(test))
        && principal(outer.principal.as_ref(), inner.principal.as_ref())
        && clause(Some(&outer.action), Some(&inner.action), action)
        && clause(outer.resource.as_ref(), inner.resource.as_ref(), resource)
}

fn principal(outer: Option<&Principal>, inner: Option<&Principal>) -> bool {
    let everyone = |principal: &Principal| !principal.negated && principal.who == Who::Everyone;
    outer == inner || outer.is_some_and(everyone) && inner.is_some()
}

fn clause(outer: Option<&Clause>, inner: Option<&Clause>, covers: fn(&str, &str) -> bool) -> bool {
    let (Some(outer), Some(inner)) = (outer, inner) else { return outer.is_none() && inner.is_none() };
    let each_in = |inner: &Clause, outer: &Clause| {
        inner.values.iter().all(|value| outer.values.iter().any(|other| covers(other, value)))
    };
    match (outer.negated, inner.negated) {
        (false, false) => each_in(inner, outer),
        // Who leaves out less covers more.
        (true, true) => each_in(outer, inner),
        _ => !outer.negated && outer.values.iter().any(|value| is_star(value)),
    }
}

fn action(outer: &str, inner: &str) -> bool {
    covers(outer, inner, true)
}

/// Wildcards before the last part of an ARN end at its colon.
fn resource(outer: &str, inner: &str) -> bool {
    if is_star(outer) || outer == inner {
        return true;
    }
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (outer, inner) = (parts(outer), parts(inner));
    let open = |part: &String| part.contains("${");
    outer.len() == 6
        && inner.len() == 6
        && outer
            .iter()
            .zip(&inner)
            .all(|(outer, inner)| outer == inner || !open(outer) && !open(inner) && covers(outer, inner, false))
}
