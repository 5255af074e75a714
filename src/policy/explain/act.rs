//! Actions as sets: patterns become the actions that the catalogue knows, so
//! that a wildcard and the list of what it matches are the same.

use crate::policy::catalogue::{Action, Catalogue, Service};
use crate::policy::is_pattern;
use crate::policy::statement::Clause;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// How many names are compared with wildcards for one policy. What is beyond stays a pattern.
const MOST_TRIES: usize = 1_000_000;

/// What a statement is about: one action, or a set that has no end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act<'a> {
    /// `*`.
    Everything,
    /// `NotAction`.
    Except(Rc<BTreeSet<Act<'a>>>),
    /// One that the catalogue has.
    Known(Known<'a>),
    /// One that it has not, or a pattern that matches none of its own; in lower case.
    Named(Rc<str>),
}

/// An action of the catalogue. Equal and ordered by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) service: &'a Service,
    pub(super) action: &'a Action,
}

impl Known<'_> {
    fn key(&self) -> (&'static str, &'static str) {
        (self.service.prefix, self.action.name)
    }

    /// Such as `s3:GetObject`.
    pub(super) fn full_name(&self) -> String {
        format!("{}:{}", self.service.prefix, self.action.name)
    }
}

impl PartialEq for Known<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Known<'_> {}

impl PartialOrd for Known<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Known<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Act<'_> {
    /// Whether whoever may do this may do the other as well.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Except(fewer), Self::Except(more)) => fewer.is_subset(more),
            (Self::Except(left_out), Self::Known(_) | Self::Named(_)) => {
                !left_out.iter().any(|known| known.covers(other) || may_be(other, known))
            }
            (Self::Named(pattern), Self::Named(name)) => {
                pattern == name || is_pattern(pattern) && !is_pattern(name) && matches(pattern, name)
            }
            _ => self == other,
        }
    }
}

/// Whether a pattern may mean the other name. Then nothing can be said of it.
fn may_be(act: &Act<'_>, name: &Act<'_>) -> bool {
    matches!((act, name), (Act::Named(pattern), Act::Known(_) | Act::Named(_)) if is_pattern(pattern))
}

/// Turns patterns into acts, within bounds.
pub(super) struct Actions<'a> {
    catalogue: &'a Catalogue,
    tries: usize,
    /// What wildcards have been found to match. No more than was tried.
    found: HashMap<String, Rc<[Known<'a>]>>,
}

/// What a clause is about.
pub(super) struct Expanded<'a> {
    pub(super) acts: BTreeSet<Act<'a>>,
    /// The wildcards that stand for several actions, in lower case.
    pub(super) patterns: BTreeSet<String>,
}

impl<'a> Actions<'a> {
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        Self { catalogue, tries: MOST_TRIES, found: HashMap::new() }
    }

    /// The acts of `Action` or `NotAction`. None at all if nothing can match.
    pub(super) fn of(&mut self, clause: &Clause) -> Expanded<'a> {
        let texts: BTreeSet<String> = clause.values.iter().map(|value| folded(value)).collect();
        let mut expanded = Expanded { acts: BTreeSet::new(), patterns: BTreeSet::new() };
        if texts.iter().any(|text| is_everything(text)) {
            expanded.acts.insert(Act::Everything);
        } else {
            for text in texts {
                self.expand(text, &mut expanded);
            }
        }
        if clause.negated {
            let acts = std::mem::take(&mut expanded.acts);
            if !acts.contains(&Act::Everything) {
                expanded.acts.insert(Act::Except(Rc::new(acts)));
            }
            expanded.patterns.clear();
        }
        expanded
    }

    fn expand(&mut self, text: String, expanded: &mut Expanded<'a>) {
        if !is_pattern(&text) {
            expanded.acts.insert(match self.catalogue.action(&text) {
                Some((service, action)) => Act::Known(Known { service, action }),
                None => Act::Named(text.into()),
            });
            return;
        }
        let found = self.matching(&text);
        if found.is_empty() {
            expanded.acts.insert(Act::Named(text.into()));
        } else {
            expanded.acts.extend(found.iter().map(|known| Act::Known(*known)));
            expanded.patterns.insert(text);
        }
    }

    /// What a pattern matches; nothing if there is no more room to find out.
    fn matching(&mut self, text: &str) -> Rc<[Known<'a>]> {
        if let Some(found) = self.found.get(text) {
            return Rc::clone(found);
        }
        let found: Rc<[Known<'a>]> = match text.split_once(':') {
            Some((prefix, name)) if !is_pattern(prefix) => {
                self.catalogue.service(prefix).map_or_else(Vec::new, |service| self.within(service, name)).into()
            }
            _ => self.everywhere(text).into(),
        };
        if self.tries > 0 {
            self.found.insert(text.to_owned(), Rc::clone(&found));
        }
        found
    }

    /// What a pattern matches in one service.
    fn within(&mut self, service: &'a Service, pattern: &str) -> Vec<Known<'a>> {
        let literal = pattern.split(['*', '?']).next().unwrap_or_default();
        let start = service.actions.partition_point(|action| beginning(action.name, literal) == Ordering::Less);
        let after = service.actions.get(start..).unwrap_or_default();
        let count = after.partition_point(|action| beginning(action.name, literal) == Ordering::Equal);
        // One more, so that a pattern that nothing begins like is not free.
        if !self.may_try(count + 1) {
            return Vec::new();
        }
        let candidates = after.iter().take(count).filter(|action| matches(pattern, action.name));
        candidates.map(|action| Known { service, action }).collect()
    }

    /// What a pattern with a wildcard in its service matches.
    fn everywhere(&mut self, pattern: &str) -> Vec<Known<'a>> {
        let mut found = Vec::new();
        for service in self.catalogue.services() {
            if !self.may_try(service.actions.len()) {
                return Vec::new();
            }
            let all = service.actions.iter().map(|action| Known { service, action });
            found.extend(all.filter(|known| matches(pattern, &known.full_name())));
        }
        found
    }

    fn may_try(&mut self, names: usize) -> bool {
        let left = self.tries.checked_sub(names);
        self.tries = left.unwrap_or_default();
        left.is_some()
    }
}

/// An action in lower case with its stars single.
fn folded(text: &str) -> String {
    let mut folded = text.to_ascii_lowercase();
    while folded.contains("**") {
        folded = folded.replace("**", "*");
    }
    folded
}

fn is_everything(text: &str) -> bool {
    matches!(text, "*" | "*:*")
}

/// How a name's beginning stands to a literal one in lower case.
fn beginning(name: &str, literal: &str) -> Ordering {
    name.bytes().map(|byte| byte.to_ascii_lowercase()).take(literal.len()).cmp(literal.bytes())
}

/// Whether a pattern with `*` and `?` in lower case matches a name, case ignored. Takes time in
/// proportion to the product of the two lengths at worst.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut next) = (0, 0);
    // After the last star: where the pattern goes on, and how much the star has taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(at) {
        match pattern.get(next) {
            Some(b'*') => {
                next += 1;
                star = Some((next, at));
            }
            Some(sign) if *sign == b'?' || *sign == byte.to_ascii_lowercase() => {
                next += 1;
                at += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (next, at) = (after, taken + 1);
            }
        }
    }
    pattern.get(next..).unwrap_or_default().iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(values: &[&str], negated: bool) -> Vec<String> {
        let clause = Clause { negated, values: values.iter().map(|value| (*value).to_owned()).collect() };
        let expanded = Actions::new(Catalogue::embedded()).of(&clause);
        let said = |act: &Act<'_>| match act {
            Act::Everything => "everything".to_owned(),
            Act::Except(acts) => format!("all but {}", acts.len()),
            Act::Known(known) => known.full_name(),
            Act::Named(name) => format!("named {name}"),
        };
        expanded.acts.iter().map(said).collect()
    }

    #[test]
    fn patterns_are_what_they_match() {
        for (values, negated, expected) in [
            (&["SQS:sendmessage"][..], false, &["sqs:SendMessage"][..]),
            (&["sqs:Send*", "sqs:sendMessage"], false, &["sqs:SendMessage"]),
            (&["sq?:*dMessage"], false, &["sqs:SendMessage"]),
            (&["*", "s3:Get*"], false, &["everything"]),
            (&["*:**"], false, &["everything"]),
            (&["sqs:Frob*", "nowhere:x"], false, &["named nowhere:x", "named sqs:frob*"]),
            (&["sqs:Tag*", "sqs:Send*"], true, &["all but 2"]),
            (&["*"], true, &[]),
            (&[], false, &[]),
            (&["s3:GetObject "], false, &["named s3:getobject "]),
        ] {
            assert_eq!(acts(values, negated), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_beyond_the_bound_stays_a_pattern() {
        let values: Vec<String> = (0..10_000).map(|n| format!("*:*{n}*")).collect();
        let mut actions = Actions::new(Catalogue::embedded());
        let expanded = actions.of(&Clause { negated: false, values });
        assert_eq!(actions.tries, 0);
        assert!(expanded.acts.iter().filter(|act| matches!(act, Act::Named(_))).count() > 9_000);
    }

    #[test]
    fn stars_match_as_little_as_they_must() {
        for (pattern, name, fits) in [
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("*", "", true),
            ("a?*", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
