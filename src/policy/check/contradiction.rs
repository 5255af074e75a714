//! Conditions of one statement that cannot hold together.
//!
//! Only conditions on the same key are compared, and only by direct reasoning:
//! candidates from the exact ones, ends of intervals, ranges of addresses. Where
//! it finds nothing there may still be a contradiction.

use super::Subject;
use super::code::Code;
use super::keys::Keys;
use super::report::Report;
use super::spot::Step::{At, In};
use super::values::{Parsed, parsed};
use super::wild::{are_apart, covers, matches};
use crate::names::shortened;
use crate::policy::catalogue::both;
use crate::policy::operator::{Comparison, Order};
use crate::policy::statement::Statement;
use crate::policy::value::{IpRange, Moment, Number};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The name of a key, such that two spellings of one key have one. What follows a slash may be the
/// name of a tag.
pub(super) fn name(key: &str) -> Cow<'_, str> {
    match key.split_once('/') {
        None => Cow::Owned(key.to_ascii_lowercase()),
        Some((head, tail)) => Cow::Owned(format!("{}/{tail}", head.to_ascii_lowercase())),
    }
}

/// Conditions by their key.
pub(super) fn by_key<'p, 'a>(all: &'p [Parsed<'a>]) -> BTreeMap<Cow<'a, str>, Vec<&'p Parsed<'a>>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for parsed in all {
        groups.entry(name(&parsed.test.key)).or_default().push(parsed);
    }
    groups
}

/// Reports conditions of a statement that cannot hold together.
pub(super) fn check(
    subject: &Subject<'_>,
    index: usize,
    statement: &Statement,
    keys: &mut Keys<'_>,
    report: &mut Report<'_>,
) {
    let all = parsed(statement);
    for tests in by_key(&all).values().filter(|tests| tests.len() > 1) {
        let [.., last] = tests.as_slice() else { continue };
        let work: usize =
            tests.iter().map(|parsed| parsed.test.values.iter().map(String::len).sum::<usize>() + 8).sum();
        if !report.spend(work.saturating_mul(work) / 8) || keys.get(&last.test.key).has_several() {
            continue;
        }
        let group = Group { tests, variables: subject.has_variables() };
        if group.cannot_hold() {
            let mut operators: Vec<&str> = tests.iter().map(|parsed| parsed.test.operator.as_str()).collect();
            operators.dedup();
            let effect = if statement.allows { "allows" } else { "denies" };
            let message = format!(
                "{} cannot hold together for `{}`: the statement {effect} nothing",
                both(&operators),
                shortened(&last.test.key)
            );
            let way = [In("Statement"), At(index), In("Condition"), In(&last.test.operator), In(&last.test.key)];
            let help = "all conditions of a statement must hold: for either of them, put the values into one list or make two statements";
            report.add_name(Code::Contradiction, &way, message, help);
        }
    }
}

struct Group<'g, 'a> {
    tests: &'g [&'g Parsed<'a>],
    variables: bool,
}

impl<'g> Group<'g, '_> {
    fn cannot_hold(&self) -> bool {
        if self.tests.iter().any(|parsed| parsed.test.values.is_empty()) {
            // That is told of the condition itself.
            return false;
        }
        !self.tests.iter().all(|parsed| parsed.holds_without_key()) && !self.may_hold_with_key()
    }

    fn may_hold_with_key(&self) -> bool {
        let absent_only = |parsed: &&&Parsed<'_>| {
            parsed.operator.comparison == Comparison::Null
                && !parsed.test.values.iter().any(|value| !value.eq_ignore_ascii_case("true"))
        };
        if self.tests.iter().any(|parsed| absent_only(&parsed)) {
            return false;
        }
        let single: Vec<&Parsed<'_>> = self
            .tests
            .iter()
            .copied()
            .filter(|parsed| parsed.operator.set.is_none() && parsed.operator.comparison != Comparison::Null)
            .collect();
        if let Some(values) = self.candidates(&single) {
            return values.iter().any(|value| single.iter().all(|parsed| self.may_fit(parsed, value)));
        }
        interval(
            &single,
            |text| Number::parse(text).map(|number| number.0),
            |comparison| match comparison {
                Comparison::Numeric(order) => Some(order),
                _ => None,
            },
        ) && interval(
            &single,
            |text| Moment::parse(text).map(|time| time.0),
            |comparison| match comparison {
                Comparison::Date(order) => Some(order),
                _ => None,
            },
        ) && addresses(&single)
            && self.patterns(&single)
    }

    /// The only values that can fit, if a condition lists them.
    fn candidates(&self, single: &[&'g Parsed<'_>]) -> Option<&'g [String]> {
        let lists = |parsed: &&&'g Parsed<'_>| {
            let exact = matches!(
                parsed.operator.comparison,
                Comparison::StringEquals
                    | Comparison::Bool
                    | Comparison::Numeric(Order::Equal)
                    | Comparison::Date(Order::Equal)
            );
            exact && !parsed.operator.negated && !parsed.test.values.iter().any(|value| self.is_open(value))
        };
        // A number may be written in several ways, a text in one only.
        let is_text =
            |parsed: &&&'g Parsed<'_>| lists(parsed) && parsed.operator.comparison == Comparison::StringEquals;
        let found = single.iter().find(is_text).or_else(|| single.iter().find(lists));
        found.map(|parsed| parsed.test.values.as_slice())
    }

    fn is_open(&self, value: &str) -> bool {
        self.variables && value.contains("${")
    }

    /// Whether a condition may hold of a value; where it is not known, it may.
    fn may_fit(&self, parsed: &Parsed<'_>, value: &str) -> bool {
        let values = &parsed.test.values;
        if values.iter().any(|other| self.is_open(other)) {
            return true;
        }
        let fits = |other: &String| fits(parsed.operator.comparison, other, value);
        if parsed.operator.negated {
            !values.iter().any(|other| fits(other) == Some(true))
        } else {
            values.iter().any(|other| fits(other) != Some(false))
        }
    }

    /// Patterns against patterns.
    fn patterns(&self, single: &[&Parsed<'_>]) -> bool {
        let is_pattern =
            |parsed: &Parsed<'_>| matches!(parsed.operator.comparison, Comparison::StringLike | Comparison::ArnLike);
        single.iter().filter(|parsed| is_pattern(parsed) && !parsed.operator.negated).all(|parsed| {
            parsed.test.values.iter().any(|value| {
                self.is_open(value)
                    || single.iter().filter(|other| is_pattern(other)).all(|other| {
                        let mut values = other.test.values.iter().filter(|other| !self.is_open(other));
                        if other.operator.negated {
                            !values.any(|other| covers(other, value, false))
                        } else {
                            other.test.values.iter().any(|other| self.is_open(other) || !are_apart(other, value))
                        }
                    })
            })
        })
    }
}

/// Whether a value of a request fits a value of a policy; nothing where that is not known.
fn fits(comparison: Comparison, of_policy: &str, value: &str) -> Option<bool> {
    Some(match comparison {
        Comparison::StringEquals => of_policy == value,
        Comparison::StringEqualsIgnoreCase | Comparison::Bool => of_policy.eq_ignore_ascii_case(value),
        Comparison::StringLike => matches(of_policy, value, false),
        Comparison::Numeric(order) => order.holds(Number::parse(value)?.cmp(&Number::parse(of_policy)?)),
        Comparison::Date(order) => order.holds(Moment::parse(value)?.cmp(&Moment::parse(of_policy)?)),
        Comparison::IpAddress => IpRange::parse(of_policy)?.contains(IpRange::parse(value)?),
        Comparison::ArnLike | Comparison::BinaryEquals | Comparison::Null => return None,
    })
}

/// The end of an interval, and whether it is left out itself.
type End = (i128, bool);

/// Whether lower and upper bounds leave anything between them.
fn interval(
    single: &[&Parsed<'_>],
    value: impl Fn(&str) -> Option<i128>,
    order: impl Fn(Comparison) -> Option<Order>,
) -> bool {
    // The highest lower end and the lowest upper end.
    let (mut low, mut high): (Option<End>, Option<End>) = (None, None);
    for parsed in single {
        let Some(order) = order(parsed.operator.comparison) else { continue };
        let values: Option<Vec<i128>> = parsed.test.values.iter().map(|text| value(text)).collect();
        let Some(values) = values else { return true };
        // Any of the values will do: the widest counts.
        let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
        match order {
            Order::Less | Order::LessOrEqual => {
                let end = most.map(|end| (end, order == Order::Less));
                high = [high, end].into_iter().flatten().min_by_key(|(end, open)| (*end, !open));
            }
            Order::Greater | Order::GreaterOrEqual => {
                let end = least.map(|end| (end, order == Order::Greater));
                low = [low, end].into_iter().flatten().max_by_key(|(end, open)| (*end, *open));
            }
            Order::Equal => {}
        }
    }
    match (low, high) {
        (Some((low, low_open)), Some((high, high_open))) => low < high || low == high && !low_open && !high_open,
        _ => true,
    }
}

/// Whether some address may be in all ranges that are asked for, and in none that is excluded.
fn addresses(single: &[&Parsed<'_>]) -> bool {
    let ranges = |parsed: &Parsed<'_>| -> Option<Vec<IpRange>> {
        parsed.test.values.iter().map(|value| IpRange::parse(value)).collect()
    };
    let about: Vec<_> = single.iter().filter(|parsed| parsed.operator.comparison == Comparison::IpAddress).collect();
    let mut sets = Vec::with_capacity(about.len());
    for parsed in about {
        let Some(ranges) = ranges(parsed) else { return true };
        sets.push((parsed.operator.negated, ranges));
    }
    let overlap = |a: &IpRange, b: &IpRange| a.contains(*b) || b.contains(*a);
    sets.iter().filter(|(negated, _)| !negated).all(|(_, own)| {
        own.iter().any(|range| {
            sets.iter().all(|(negated, others)| {
                if *negated {
                    !others.iter().any(|other| other.contains(*range))
                } else {
                    others.iter().any(|other| overlap(range, other))
                }
            })
        })
    })
}
