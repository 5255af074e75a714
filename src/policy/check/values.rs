//! The values of conditions: whether the operator can compare with them, and
//! whether a condition holds always or never.

use super::Subject;
use super::code::Code;
use super::keys::{Keys, Known};
use super::report::Report;
use super::spot::Step;
use super::spot::Step::{At, In};
use super::wild::is_star;
use crate::names::shortened;
use crate::policy::operator::{Comparison, Operator, SetOperator};
use crate::policy::pattern::{Pattern, Syntax};
use crate::policy::statement::{Statement, Test};
use crate::policy::value::{IpRange, Moment, Number, base64};

/// A condition that is understood.
#[derive(Clone, Copy)]
pub(super) struct Parsed<'a> {
    pub(super) test: &'a Test,
    pub(super) operator: Operator,
}

impl Parsed<'_> {
    /// Whether it holds when the request lacks the key.
    pub(super) fn holds_without_key(&self) -> bool {
        let Operator { set, comparison, negated, if_exists } = self.operator;
        match (comparison, set) {
            (Comparison::Null, _) => self.test.values.iter().any(|value| value.eq_ignore_ascii_case("true")),
            // `IfExists` has no effect with a set.
            (_, Some(SetOperator::All)) => true,
            (_, Some(SetOperator::Any)) => false,
            _ => negated || if_exists,
        }
    }
}

/// The conditions of a statement that are understood.
pub(super) fn parsed(statement: &Statement) -> Vec<Parsed<'_>> {
    let parse = |test| Some(Parsed { test, operator: Operator::parse(&test.operator)? });
    statement.conditions.iter().filter_map(|test: &Test| parse(test)).collect()
}

/// Reports on the values of a statement's conditions.
pub(super) fn check(
    subject: &Subject<'_>,
    index: usize,
    statement: &Statement,
    keys: &mut Keys<'_>,
    report: &mut Report<'_>,
) {
    let all = parsed(statement);
    let needed = super::contradiction::by_key(&all);
    for parsed in &all {
        let test = parsed.test;
        let way = [In("Statement"), At(index), In("Condition"), In(&test.operator), In(&test.key)];
        if test.values.is_empty() {
            none(parsed, &way, report);
            continue;
        }
        for (at, value) in test.values.iter().enumerate() {
            let way = [In("Statement"), At(index), In("Condition"), In(&test.operator), In(&test.key), At(at)];
            one(subject, parsed, value, &way, report);
        }
        always(parsed, &way, report);
        let same = needed.get(super::contradiction::name(&test.key).as_ref());
        let is_needed = same.is_some_and(|same| same.iter().any(|other| !other.holds_without_key()));
        if statement.allows && !is_needed {
            absent(parsed, keys.get(&test.key), &way, report);
        }
    }
}

fn none(parsed: &Parsed<'_>, way: &[Step<'_>], report: &mut Report<'_>) {
    let (key, name) = (shortened(&parsed.test.key), &parsed.test.operator);
    let message = if parsed.operator.negated {
        format!("`{name}` compares `{key}` with no value, and always holds")
    } else {
        format!("`{name}` compares `{key}` with no value, and holds for no request that has the key")
    };
    report.add(Code::NoValues, way, message, "name at least one value, or take the condition away");
}

/// One value of a condition.
fn one(subject: &Subject<'_>, parsed: &Parsed<'_>, value: &str, way: &[Step<'_>], report: &mut Report<'_>) {
    let name = &parsed.test.operator;
    let variable = subject.has_variables() && value.contains("${");
    if !variable && let Some(must) = must(parsed.operator.comparison, value) {
        let message = format!("`{}` cannot be compared by `{name}`: it must {must}", shortened(value));
        report.add(Code::BadValue, way, message, "a value that cannot be compared never fits");
    }
    let is_exact = matches!(parsed.operator.comparison, Comparison::StringEquals | Comparison::StringEqualsIgnoreCase);
    if is_exact && value.replace("${*}", "").contains('*') {
        let message = format!("`{name}` takes the `*` in `{}` literally", shortened(value));
        let like = if parsed.operator.negated { "StringNotLike" } else { "StringLike" };
        report.add(Code::LiteralWildcard, way, message, format!("use `{like}` for patterns"));
    }
    if parsed.operator.comparison == Comparison::ArnLike && is_short(subject, value) {
        let message = format!("`{}` has fewer than six parts, so `{name}` compares no ARN with it", shortened(value));
        let help =
            "an ARN is compared part by part: write all six, as in `arn:aws:sns:*:123456789012:*`, or use `StringLike`";
        report.add(Code::ShortArnPattern, way, message, help);
    }
}

fn is_short(subject: &Subject<'_>, value: &str) -> bool {
    let pattern = Pattern::parse(value, Syntax { wildcards: true, variables: subject.has_variables() });
    // A variable may hold a whole ARN.
    pattern.segments().is_none() && pattern.variables().next().is_none()
}

/// What must hold of a value, where it does not.
fn must(comparison: Comparison, value: &str) -> Option<&'static str> {
    let (good, must) = match comparison {
        Comparison::Bool | Comparison::Null => {
            (["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)), "be `true` or `false`")
        }
        Comparison::Numeric(_) => (Number::parse(value).is_some(), "be a number"),
        Comparison::Date(_) => {
            (Moment::parse(value).is_some(), "be a time such as `2026-01-31T00:00:00Z` or seconds since 1970")
        }
        Comparison::IpAddress => (IpRange::parse(value).is_some(), "be an IP address or a range such as `10.0.0.0/8`"),
        Comparison::BinaryEquals => (base64(value).is_some(), "be base64"),
        _ => (true, ""),
    };
    (!good).then_some(must)
}

/// A condition that tells no request from another.
fn always(parsed: &Parsed<'_>, way: &[Step<'_>], report: &mut Report<'_>) {
    let (operator, test) = (parsed.operator, parsed.test);
    let has = |word: &str| test.values.iter().any(|value| value.eq_ignore_ascii_case(word));
    let (name, key) = (&test.operator, shortened(&test.key));
    let message = match operator.comparison {
        Comparison::Null if has("true") && has("false") => {
            format!("`Null` with `true` and `false` always holds for `{key}`")
        }
        Comparison::Bool if has("true") && has("false") => {
            format!("`{name}` with `true` and `false` holds for every request that has `{key}`")
        }
        _ if operator.negated => return,
        Comparison::StringLike if test.values.iter().any(|value| is_star(value)) && parsed.holds_without_key() => {
            format!("`{name}` with `*` always holds for `{key}`")
        }
        Comparison::IpAddress if let Some(family) = every_address(&test.values) => {
            format!("`{name}` holds for every {family} address in `{key}`")
        }
        _ => return,
    };
    report.add(Code::AlwaysHolds, way, message, "take the condition away, or narrow it");
}

fn every_address(values: &[String]) -> Option<&'static str> {
    let whole = |text: &str| {
        IpRange::parse(text)
            .is_some_and(|all| values.iter().filter_map(|value| IpRange::parse(value)).any(|range| range.contains(all)))
    };
    match (whole("0.0.0.0/0"), whole("::/0")) {
        (true, true) => Some("IP"),
        (true, false) => Some("IPv4"),
        (false, true) => Some("IPv6"),
        (false, false) => None,
    }
}

/// A condition in an Allow that holds for requests without the key, where nothing else asks for it.
fn absent(parsed: &Parsed<'_>, known: Known, way: &[Step<'_>], report: &mut Report<'_>) {
    let (key, name) = (shortened(&parsed.test.key), &parsed.test.operator);
    // A request without tags is meant where the tags of a request are restricted.
    let is_tag_keys = parsed.test.key.eq_ignore_ascii_case("aws:TagKeys");
    if known.is_always_there() || parsed.operator.comparison == Comparison::Null || is_tag_keys {
        return;
    }
    let help = format!("add `\"Null\": {{\"{key}\": \"false\"}}` if the key must be there");
    match parsed.operator {
        Operator { set: Some(SetOperator::All), .. } => {
            let message = format!("`{name}` also allows requests without `{key}`");
            report.add_name(Code::AllValuesOfNone, way, message, help);
        }
        // `IfExists` says that a request without the key is meant.
        Operator { set: None, negated: true, if_exists: false, .. } => {
            let message = format!("`{name}` also allows requests without `{key}`");
            report.add_name(Code::NegatedAbsent, way, message, help);
        }
        _ => {}
    }
}
