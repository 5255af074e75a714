//! Grants that lead to more access than they seem to give.
//!
//! An action counts as granted when an Allow reaches it, through wildcards too,
//! on a resource that nobody would name; and when no Deny without conditions
//! takes it away again. Only policies that grant by themselves are looked at.

use super::code::{Code, Severity};
use super::contradiction::name as key_name;
use super::report::Report;
use super::spot::Step::{At, In};
use super::values::parsed;
use super::ways::{PASS_ROLE, RUNNERS, WAYS, Way, consequence, remedy};
use super::wild::{is_star, matches};
use super::{Kind, Subject};
use crate::names::shortened;
use crate::policy::catalogue::both;
use crate::policy::pattern::{Pattern, Syntax, Token};
use crate::policy::statement::{Clause, Statement};
use std::collections::BTreeMap;

/// How many actions a message names.
const SHOWN: usize = 3;

/// Where a grant stands: the statement, and the number of the action in it.
type Source = (usize, usize);

/// Reports dangerous grants.
pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.kind != Kind::Identity {
        return;
    }
    let all = Way {
        action: "ambit-probe:Everything",
        code: Code::GrantsEverything,
        probe: ("ambit-probe", "x"),
        besides: None,
        own: false,
        tempered: &[],
    };
    let all = reached(subject, &all, report);
    if let Some(grant) = &all {
        everything(grant, report);
    }
    // Whatever else could be said of that statement follows from it.
    let is_new = |grant: &Grant<'_>| all.as_ref().is_none_or(|all| all.conditional && all.source != grant.source);
    let mut groups: BTreeMap<(Source, bool, bool, Code), Vec<&str>> = BTreeMap::new();
    for way in &WAYS {
        if let Some(grant) = reached(subject, way, report).filter(is_new) {
            groups.entry((grant.source, grant.conditional, grant.own, way.code)).or_default().push(way.action);
        }
    }
    for ((source, conditional, own, code), actions) in groups {
        tell(subject, &Told { source, conditional, own, code, actions }, report);
    }
    if let Some(grant) = reached(subject, &PASS_ROLE, report).filter(is_new) {
        pass_role(subject, &grant, report);
    }
}

/// Dangerous actions of one kind, granted at one place.
struct Told<'w> {
    source: Source,
    conditional: bool,
    own: bool,
    code: Code,
    actions: Vec<&'w str>,
}

/// An action that is granted.
struct Grant<'s> {
    source: Source,
    statement: &'s Statement,
    /// Whether only under conditions.
    conditional: bool,
    /// Whether only on the caller itself.
    own: bool,
}

/// The strongest grant of an action: without conditions before with conditions.
fn reached<'s>(subject: &'s Subject<'_>, way: &Way, report: &Report<'_>) -> Option<Grant<'s>> {
    let mut found: Option<Grant<'s>> = None;
    let statements = || subject.statements().filter(|(_, statement)| statement.unknown.is_empty());
    for (index, statement) in statements().filter(|(_, statement)| statement.allows) {
        if !report.spend(size(statement)) {
            return found;
        }
        let Some(at) = has_action(statement, way.action) else { continue };
        if !has_resources(subject, statement, way) || is_tempered(statement, way) {
            continue;
        }
        // What it leaves out has findings of its own.
        let negated = statement.action.negated || statement.resource.as_ref().is_some_and(|clause| clause.negated);
        if way.code == Code::GrantsEverything && negated {
            continue;
        }
        let own = way.own && !has_resource(subject, statement, way.probe, false);
        let conditional = !statement.conditions.is_empty();
        if found.as_ref().is_none_or(|grant| grant.conditional && !conditional) {
            found = Some(Grant { source: (index, at), statement, conditional, own });
        }
    }
    let denied = |statement: &Statement| {
        !statement.allows
            && statement.conditions.is_empty()
            && has_action(statement, way.action).is_some()
            && denies_all(subject, statement, way)
    };
    if found.is_some() && statements().any(|(_, statement)| report.spend(size(statement)) && denied(statement)) {
        return None;
    }
    found
}

fn size(statement: &Statement) -> usize {
    statement.action.values.len() * 8 + statement.resource.as_ref().map_or(0, |clause| clause.values.len() * 2)
}

/// The number of the value that reaches an action; 0 under `NotAction`.
fn has_action(statement: &Statement, action: &str) -> Option<usize> {
    let Clause { negated, values } = &statement.action;
    let found = values.iter().position(|pattern| matches(pattern, action, true));
    match (negated, found) {
        (false, found) => found,
        (true, None) => Some(0),
        (true, Some(_)) => None,
    }
}

/// Whether a statement is about the resources that stand for any.
fn has_resources(subject: &Subject<'_>, statement: &Statement, way: &Way) -> bool {
    has_resource(subject, statement, way.probe, way.own)
        && way.besides.is_none_or(|probe| has_resource(subject, statement, probe, false))
}

/// Whether a statement is about a resource that stands for any.
fn has_resource(subject: &Subject<'_>, statement: &Statement, probe: (&str, &str), own: bool) -> bool {
    let Some(clause) = &statement.resource else { return false };
    let (service, tail) = probe;
    let fits = |text: &String| {
        if service.is_empty() || is_star(text) {
            return is_star(text);
        }
        let text = probed(text, subject.has_variables(), own && !clause.negated);
        let mut parts = text.splitn(6, ':');
        let (of_service, resource) = (parts.nth(2), parts.nth(2));
        of_service.is_some_and(|part| matches(part, service, false))
            && resource.is_none_or(|part| matches(part, tail, false))
    };
    clause.values.iter().any(fits) != clause.negated
}

/// Whether a Deny takes the action away on every resource.
fn denies_all(subject: &Subject<'_>, statement: &Statement, way: &Way) -> bool {
    let Some(clause) = &statement.resource else { return false };
    let everywhere = |text: &String| {
        let mut parts = text.split(':').skip(3).take(2);
        is_star(text) || parts.all(|part| part.is_empty() || is_star(part))
    };
    if clause.negated {
        return has_resource(subject, statement, way.probe, false);
    }
    let values = clause.values.iter().filter(|text| everywhere(text)).cloned().collect();
    let wide = Statement { resource: Some(Clause { negated: false, values }), ..statement.clone() };
    has_resource(subject, &wide, way.probe, false)
}

/// The text with `*` for each variable where the caller itself counts, else with nothing that fits.
fn probed(text: &str, variables: bool, own: bool) -> String {
    let pattern = Pattern::parse(text, Syntax { wildcards: true, variables });
    let sign = |token: &Token| match token {
        Token::Char(character) => *character,
        Token::Any => '?',
        Token::Star => '*',
        Token::Variable(_) if own => '*',
        Token::Variable(_) => '\u{0}',
    };
    pattern.tokens.iter().map(sign).collect()
}

/// Whether a condition takes the danger away.
fn is_tempered(statement: &Statement, way: &Way) -> bool {
    parsed(statement)
        .iter()
        .any(|parsed| !parsed.holds_without_key() && way.tempered.contains(&key_name(&parsed.test.key).as_ref()))
}

fn everything(grant: &Grant<'_>, report: &mut Report<'_>) {
    let way = [In("Statement"), At(grant.source.0)];
    let (severity, message) = if grant.conditional {
        (Severity::Note, "this statement allows every action on every resource, under conditions")
    } else {
        (Severity::Warning, "this statement allows every action on every resource")
    };
    report.add_as(severity, Code::GrantsEverything, &way, message, "name the actions and resources that are needed");
}

fn tell(subject: &Subject<'_>, told: &Told<'_>, report: &mut Report<'_>) {
    let (source, actions) = (told.source, &told.actions);
    let Some(statement) = subject.policy.statements.get(source.0) else { return };
    let severity = if told.conditional { Severity::Note } else { told.code.severity() };
    let under = if told.conditional { ", under conditions" } else { "" };
    let on = if told.own { "the caller itself" } else { "any resource" };
    let written = statement.action.values.get(source.1).map(|text| shortened(text)).unwrap_or_default();
    let list = listed(actions);
    let grant = match actions.as_slice() {
        _ if statement.action.negated => format!("`NotAction` allows {list}"),
        [only] if written.eq_ignore_ascii_case(only) => format!("{list} is allowed"),
        _ => format!("`{written}` allows {list}"),
    };
    let name = if statement.action.negated { "NotAction" } else { "Action" };
    let way = [In("Statement"), At(source.0), In(name), At(source.1)];
    let message = format!("{grant} on {on}{under}: {}", consequence(told.code));
    report.add_as(severity, told.code, &way, message, remedy(told.code));
}

/// The first of some actions, and how many more there are.
fn listed(actions: &[&str]) -> String {
    let mut shown: Vec<String> = actions.iter().take(SHOWN).map(|action| format!("`{action}`")).collect();
    if actions.len() > SHOWN {
        shown.push(format!("{} more", actions.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

/// Passing any role, together with the making of something that runs with it.
fn pass_role(subject: &Subject<'_>, grant: &Grant<'_>, report: &mut Report<'_>) {
    let to = parsed(grant.statement)
        .into_iter()
        .find(|parsed| key_name(&parsed.test.key) == "iam:passedtoservice" && !parsed.operator.negated);
    let runners: Vec<&str> = RUNNERS
        .iter()
        .filter(|(_, service)| to.is_none_or(|to| to.test.values.iter().any(|value| matches(value, service, true))))
        .filter(|(action, _)| granted(subject, action, report))
        .map(|(action, _)| *action)
        .collect();
    if runners.is_empty() {
        return;
    }
    let (severity, which) = match (to, grant.conditional) {
        (Some(_), _) => (Severity::Note, "every role that trusts the service"),
        (None, true) => (Severity::Note, "every role, under conditions"),
        (None, false) => (Severity::Warning, "every role"),
    };
    let shown: Vec<&str> = runners.iter().take(SHOWN).copied().collect();
    let message =
        format!("`iam:PassRole` on any role, together with {}: whoever has both can act as {which}", both(&shown));
    let name = if grant.statement.action.negated { "NotAction" } else { "Action" };
    let way = [In("Statement"), At(grant.source.0), In(name), At(grant.source.1)];
    let help = "name the roles that may be passed, and the services with a condition on `iam:PassedToService`";
    report.add_as(severity, Code::PassRole, &way, message, help);
}

/// Whether an action is allowed on anything at all.
fn granted(subject: &Subject<'_>, action: &str, report: &Report<'_>) -> bool {
    let any = |allows: bool| {
        subject.statements().any(|(_, statement)| {
            let whole = allows
                || statement.conditions.is_empty()
                    && statement
                        .resource
                        .as_ref()
                        .is_some_and(|clause| !clause.negated && clause.values.iter().any(|text| is_star(text)));
            statement.allows == allows
                && report.spend(size(statement))
                && whole
                && has_action(statement, action).is_some()
        })
    };
    any(true) && !any(false)
}
