//! The values of one condition key that conditions can tell apart: for every
//! value that a request can have there is one here of which the same hold.

use super::super::operator::{Comparison, SetOperator};
use super::super::value::{Moment, Number, address};
use super::budget::{Budget, Exhausted};
use super::glob::{Glob, classes};
use super::hash;
use super::test::{Family, Literal, Rule};
use std::collections::BTreeSet;

/// What a request has under a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    Absent,
    One(String),
    Several(Vec<String>),
}

/// A value, and which of the key's conditions hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) value: Value,
    pub(super) holds: Vec<bool>,
}

/// All candidates of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    /// Whether every value is represented.
    pub(super) complete: bool,
}

/// How many sets of values of one key are looked at.
const MOST_SETS: usize = 512;
/// How many texts with variables may be open for one value.
const MOST_OPEN: usize = 6;

/// What is known of a key before conditions are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known<'a> {
    /// Its value.
    pub(super) value: Option<&'a Value>,
    /// Whether requests have several values under it, and all conditions are for one: they refuse.
    pub(super) several: bool,
}

/// The candidates for a key with these conditions.
///
/// A key that only operators for one value name is taken to have at most one, unless it is known
/// to have several.
pub(super) fn candidates(rules: &[&Rule], known: Known<'_>, budget: &Budget) -> Result<Candidates, Exhausted> {
    let mut found = Collected { rules, seen: hash::Set::default(), all: Vec::new(), complete: true };
    let families: BTreeSet<Family> = rules.iter().flat_map(|rule| &rule.literals).filter_map(Literal::family).collect();
    // Values that are settled were told apart as texts only.
    found.complete =
        families.len() <= 1 && (known.value.is_none() || families.iter().all(|family| *family == Family::Text));
    match known.value {
        Some(Value::Absent) => found.absent(),
        Some(Value::One(value)) => {
            found.single(value)?;
        }
        Some(Value::Several(_)) | None => {
            found.absent();
            let mut elements = Vec::new();
            if known.several {
                found.refused();
            }
            let singles = singles(rules, &families, budget)?;
            found.complete &= singles.complete;
            let literals: usize = rules.iter().map(|rule| rule.literals.len()).sum();
            for value in singles.values {
                budget.spend(1 + rules.len() + literals / 2)?;
                elements.extend(found.single(&value)?);
            }
            found.sets(&elements, budget)?;
        }
    }
    Ok(Candidates { all: found.all, complete: found.complete })
}

/// Values of a list, and of which rules they satisfy the comparison.
type Set = (Vec<String>, Vec<bool>);

struct Collected<'a> {
    rules: &'a [&'a Rule],
    seen: hash::Set<Vec<bool>>,
    all: Vec<Candidate>,
    complete: bool,
}

/// One value of a set, and of which rules it satisfies the inner comparison.
struct Element {
    value: String,
    satisfies: Vec<bool>,
}

impl Collected<'_> {
    fn add(&mut self, value: Value, holds: Vec<bool>) -> bool {
        let new = self.seen.insert(holds.clone());
        if new {
            self.all.push(Candidate { value, holds });
        }
        new
    }

    /// A list, where all conditions are for one value.
    fn refused(&mut self) {
        let rules = self.rules.iter();
        let holds = rules.map(|rule| !is_plain(rule) && rule.literals.contains(&Literal::Absent(false))).collect();
        self.add(Value::Several(vec!["x".to_owned(), "y".to_owned()]), holds);
    }

    fn absent(&mut self) {
        let holds = self.rules.iter().map(|rule| rule.holds_absent()).collect();
        self.add(Value::Absent, holds);
    }

    /// Adds one value, in each way that its free literals allow.
    fn single(&mut self, value: &str) -> Result<Vec<Element>, Exhausted> {
        let mut open: Vec<&Literal> = self.rules.iter().flat_map(|rule| rule.open(value)).collect();
        open.sort_by_cached_key(|literal| format!("{literal:?}"));
        open.dedup();
        if open.len() > MOST_OPEN {
            return Err(Exhausted);
        }
        let mut elements = Vec::new();
        for choice in 0..1_usize << open.len() {
            let free = |literal: &Literal| {
                open.iter().position(|known| *known == literal).is_some_and(|at| choice >> at & 1 == 1)
            };
            let satisfies: Vec<bool> = self.rules.iter().map(|rule| rule.holds_one(value, &free)).collect();
            // A lone empty text is a value for plain operators and none for sets.
            let holds = self.rules.iter().zip(&satisfies);
            let holds =
                holds.map(
                    |(rule, holds)| {
                        if value.is_empty() && rule.operator.set.is_some() { rule.holds_absent() } else { *holds }
                    },
                );
            let holds = holds.collect();
            self.add(self.written(value), holds);
            elements.push(Element { value: value.to_owned(), satisfies });
        }
        Ok(elements)
    }

    /// One value, as a request has it: a key that only sets are compared with is a list.
    fn written(&self, value: &str) -> Value {
        let is_list =
            self.rules.iter().any(|rule| rule.operator.set.is_some()) && !self.rules.iter().any(|rule| is_plain(rule));
        if is_list && !value.is_empty() { Value::Several(vec![value.to_owned()]) } else { Value::One(value.to_owned()) }
    }

    /// Adds every set of values that the set operators tell apart.
    fn sets(&mut self, elements: &[Element], budget: &Budget) -> Result<(), Exhausted> {
        if self.rules.iter().all(|rule| rule.operator.set.is_none()) {
            return Ok(());
        }
        // A list of nothing but an empty text: there, and empty to set operators.
        let empty = self.rules.iter().map(|rule| match (rule.operator.set, is_plain(rule)) {
            (Some(_), _) => rule.holds_absent(),
            (None, true) => false,
            (None, false) => rule.literals.contains(&Literal::Absent(false)),
        });
        let empty = empty.collect();
        self.add(Value::Several(vec![String::new()]), empty);
        let (mut sets, mut single): (Vec<Set>, Vec<Set>) = (Vec::new(), Vec::new());
        let mut seen = hash::Set::default();
        let mut at = 0;
        for element in elements {
            let set = (vec![element.value.clone()], element.satisfies.clone());
            // Nothing but an empty text is no set; among others it is a value.
            if element.value.is_empty() {
                single.push(set);
            } else if seen.insert(element.satisfies.clone()) {
                single.push(set.clone());
                sets.push(set);
            }
        }
        while let Some((values, satisfied)) = sets.get(at).cloned() {
            budget.spend(single.len() * self.rules.len() + 1)?;
            for (value, more) in &single {
                let joined = self.join(&satisfied, more);
                if seen.insert(joined.clone()) {
                    sets.push((values.iter().chain(value).cloned().collect(), joined));
                }
            }
            if sets.len() > MOST_SETS {
                return Err(Exhausted);
            }
            at += 1;
        }
        for (values, satisfied) in sets {
            let holds = self.rules.iter().zip(satisfied);
            // An operator for one value fails on a list.
            let holds = holds.map(|(rule, holds)| holds && !(rule.operator.set.is_none() && is_plain(rule))).collect();
            self.add(Value::Several(values), holds);
        }
        Ok(())
    }

    /// What holds of two sets together: of all of their values, or of any.
    fn join(&self, left: &[bool], right: &[bool]) -> Vec<bool> {
        let each = self.rules.iter().zip(left.iter().zip(right));
        each.map(|(rule, (left, right))| match rule.operator.set {
            Some(SetOperator::Any) => *left || *right,
            _ => *left && *right,
        })
        .collect()
    }
}

fn is_plain(rule: &Rule) -> bool {
    rule.operator.set.is_none() && rule.operator.comparison != Comparison::Null
}

/// Single values such that every single value is like one of them, if they are complete.
struct Singles {
    values: Vec<String>,
    complete: bool,
}

fn singles(rules: &[&Rule], families: &BTreeSet<Family>, budget: &Budget) -> Result<Singles, Exhausted> {
    let mut values = Vec::new();
    let mut complete = true;
    let literals = || rules.iter().flat_map(|rule| &rule.literals);
    for family in families {
        match family {
            Family::Text => values.extend(texts(literals(), budget)?),
            Family::Number => values.extend(numbers(literals())),
            Family::Moment => {
                let (moments, all) = moments(literals());
                values.extend(moments);
                complete &= all;
            }
            Family::Address => values.extend(addresses(literals())),
            Family::Bytes => values.extend(bytes(rules)),
        }
    }
    // A value of another type: to numbers, times, addresses and bytes it is like none.
    if !families.contains(&Family::Text) {
        values.push("x".to_owned());
    }
    budget.spend(values.len())?;
    Ok(Singles { values, complete })
}

fn texts<'a>(literals: impl Iterator<Item = &'a Literal>, budget: &Budget) -> Result<Vec<String>, Exhausted> {
    let mut globs: Vec<&Glob> = literals.filter_map(Literal::glob).collect();
    globs.sort_unstable();
    globs.dedup();
    let mut values: Vec<String> = classes(&globs, budget)?.into_iter().map(|class| class.example).collect();
    values.push(String::new());
    Ok(values)
}

fn numbers<'a>(literals: impl Iterator<Item = &'a Literal>) -> Vec<String> {
    let points =
        literals.filter_map(|literal| if let Literal::Number(number) = literal { Some(number.0) } else { None });
    around(points, 10_i128.pow(18)).into_iter().map(|point| Number(point).to_string()).collect()
}

/// Times that can be written; and whether all can.
fn moments<'a>(literals: impl Iterator<Item = &'a Literal>) -> (Vec<String>, bool) {
    let points =
        literals.filter_map(|literal| if let Literal::Moment(moment) = literal { Some(moment.0) } else { None });
    let points = around(points, 1_000_000_000);
    let written: Vec<String> = points.iter().map(|point| Moment(*point).to_string()).collect();
    let all = written.iter().zip(&points).all(|(text, point)| Moment::parse(text) == Some(Moment(*point)));
    (written, all)
}

/// The points themselves, one between each two, and one on each side: whole ones where there are.
fn around(points: impl Iterator<Item = i128>, unit: i128) -> Vec<i128> {
    let points: BTreeSet<i128> = points.collect();
    let mut all = Vec::with_capacity(points.len() * 2 + 1);
    all.extend(points.first().and_then(|first| first.checked_sub(unit)));
    let mut rest = points.iter().peekable();
    while let Some(point) = rest.next() {
        all.push(*point);
        let after = match rest.peek() {
            None => point.checked_add(unit),
            Some(next) if next.saturating_sub(*point) > unit => Some(point + unit),
            Some(next) if next.saturating_sub(*point) > 1 => Some(point + (*next - point) / 2),
            Some(_) => None,
        };
        all.extend(after);
    }
    all
}

/// The ends of all ranges, from inside and from outside.
fn addresses<'a>(literals: impl Iterator<Item = &'a Literal>) -> Vec<String> {
    let mut all = BTreeSet::from([(false, 0), (true, 0)]);
    for literal in literals {
        let Literal::Range(range) = literal else { continue };
        all.insert((range.v6, range.first));
        let last = if range.v6 { u128::MAX } else { u128::from(u32::MAX) };
        if range.last < last {
            all.insert((range.v6, range.last + 1));
        }
    }
    all.into_iter().map(|(v6, bits)| address(v6, bits)).collect()
}

/// The base64 of each value, and of one that is none of them.
fn bytes(rules: &[&Rule]) -> Vec<String> {
    let known: BTreeSet<&Vec<u8>> = rules
        .iter()
        .flat_map(|rule| &rule.literals)
        .filter_map(|literal| if let Literal::Bytes(bytes) = literal { Some(bytes) } else { None })
        .collect();
    let longest = known.iter().map(|bytes| bytes.len()).max().unwrap_or(0);
    let other = vec![0; longest + 1];
    known.into_iter().chain([&other]).map(|bytes| base64_of(bytes)).collect()
}

fn base64_of(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
