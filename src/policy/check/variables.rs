//! Policy variables: whether they are variables at all, and whether they can
//! stand where they do.

use super::Subject;
use super::code::Code;
use super::keys::{Keys, Known};
use super::report::Report;
use super::spot::Step;
use super::spot::Step::{At, In};
use crate::names::shortened;
use crate::policy::catalogue::did_you_mean;
use crate::policy::pattern::{Pattern, Syntax, Token};
use crate::policy::statement::Statement;

const SYNTAX: Syntax = Syntax { wildcards: true, variables: true };

/// Reports on the variables of a statement.
pub(super) fn check(
    subject: &Subject<'_>,
    index: usize,
    statement: &Statement,
    keys: &mut Keys<'_>,
    report: &mut Report<'_>,
) {
    if let Some(clause) = &statement.resource {
        let name = if clause.negated { "NotResource" } else { "Resource" };
        for (at, text) in clause.values.iter().enumerate().filter(|(_, text)| text.contains("${")) {
            let way = [In("Statement"), At(index), In(name), At(at)];
            if one(subject, text, &way, keys, report) {
                outside_of_tail(text, &way, report);
            }
        }
    }
    for test in &statement.conditions {
        for (at, text) in test.values.iter().enumerate().filter(|(_, text)| text.contains("${")) {
            let way = [In("Statement"), At(index), In("Condition"), In(&test.operator), In(&test.key), At(at)];
            one(subject, text, &way, keys, report);
        }
    }
}

/// Whether a text has variables in truth.
fn one(subject: &Subject<'_>, text: &str, way: &[Step<'_>], keys: &mut Keys<'_>, report: &mut Report<'_>) -> bool {
    let pattern = Pattern::parse(text, SYNTAX);
    let escaped = ["${*}", "${?}", "${$}"].iter().any(|escape| text.contains(escape));
    if !subject.has_variables() {
        if escaped || pattern.variables().next().is_some() {
            let message =
                format!("`{}` is taken literally: this version of the policy has no variables", shortened(text));
            report.add(Code::LiteralVariable, way, message, "write `\"Version\": \"2012-10-17\"` into the policy");
        }
        return false;
    }
    if pattern.tokens.windows(2).any(|pair| *pair == [Token::Char('$'), Token::Char('{')]) && !escaped {
        let message = format!("`{}` has `${{` without its `}}`", shortened(text));
        report.add(Code::UnknownVariable, way, message, "close the variable, or write `${$}` for the sign itself");
    }
    for variable in pattern.variables() {
        let key = shortened(&variable.key);
        if keys.get(&variable.key) == Known::Nothing {
            let near = did_you_mean(&keys.names_like(&variable.key));
            let message = format!("`${{{key}}}` is not a known policy variable{near}");
            let help = "a variable that no request has makes the statement match nothing, unless it has a default as in `${aws:PrincipalTag/team, 'none'}`";
            report.add(Code::UnknownVariable, way, message, help);
        }
    }
    true
}

/// Before the fifth colon nothing is replaced.
fn outside_of_tail(text: &str, way: &[Step<'_>], report: &mut Report<'_>) {
    let pattern = Pattern::parse(text, SYNTAX);
    let Some(segments) = pattern.segments() else { return };
    let has = |segment: &[Token]| segment.iter().any(|token| matches!(token, Token::Variable(_)));
    if segments.iter().take(5).any(|segment| has(segment)) {
        let message =
            format!("`{}` has a policy variable before its last part, where none is replaced", shortened(text));
        let help = "use `*` there and compare in a condition, for example with `aws:ResourceAccount`";
        report.add(Code::VariableOutsideTail, way, message, help);
    }
}
