//! The questions that the commands ask of the engine, in one place.

use std::time::Instant;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Opened;
use crate::policy::compare::{self, Changes, Comparison};
use crate::policy::evaluate::{self, Prepared};
use crate::policy::explain::{self, Change, Explanation};
use crate::policy::{Catalogue, Context, Decision, Layers, Policy, Request, Unknown};

/// More kinds of access than these are counted.
const MOST_CHANGES: usize = 100;

/// What changes from one policy to another.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) comparison: Comparison,
    /// What is gained and what is lost, in English; nothing where nothing is.
    pub(super) english: [Option<String>; 2],
    /// All kinds of access that are gained and lost, in English, the most sensitive first; nothing
    /// unless it was asked for.
    pub(super) changes: [Vec<String>; 2],
    /// How long both directions took together.
    pub(super) micros: u64,
    /// What is not understood in either.
    pub(super) not_understood: Vec<NotUnderstood>,
}

/// Compares two policies in both directions.
pub(super) fn compare(old: &Policy, new: &Policy) -> Result<Compared, String> {
    // It is read once in a process, which is no part of any comparison.
    let catalogue = Catalogue::embedded();
    // The engine has no clock.
    let start = Instant::now();
    let comparison = compare::compare(old, new).map_err(|mismatch| mismatch.to_string())?;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let english = [(&comparison.forward, Change::Wider), (&comparison.backward, Change::Narrower)]
        .map(|(direction, change)| explain::direction(direction, change, catalogue).map(|said| said.text));
    Ok(Compared { comparison, english, changes: Default::default(), micros, not_understood: Vec::new() })
}

/// All kinds of access that are gained and lost, in English.
pub(super) fn changes(old: &Policy, new: &Policy) -> Result<[Vec<String>; 2], String> {
    let catalogue = Catalogue::embedded();
    let [gained, lost] = compare::changes(old, new).map_err(|mismatch| mismatch.to_string())?;
    let texts = |changes: &Changes, change: Change| {
        let all = explain::changes(&changes.requests, change, catalogue);
        let mut texts: Vec<String> = all.iter().take(MOST_CHANGES).map(|difference| difference.text.clone()).collect();
        match (all.len().saturating_sub(MOST_CHANGES), changes.complete) {
            (0, true) => {}
            (0, false) => texts.push("not all kinds of access were looked at".to_owned()),
            (more, true) => texts.push(format!("and {more} more, less sensitive")),
            (more, false) => texts.push(format!("and at least {more} more, less sensitive")),
        }
        texts
    };
    let said =
        |changes: &Changes, change| if changes.requests.is_empty() { Vec::new() } else { texts(changes, change) };
    Ok([said(&gained, Change::Wider), said(&lost, Change::Narrower)])
}

/// The answer to a request.
pub(super) fn decide(request: &Request, layers: &Layers<Policy>) -> Decision {
    evaluate::decide(&layers.map(Prepared::new), request)
}

/// The answer in English.
pub(super) fn say(request: &Request, decision: &Decision) -> String {
    explain::decision(request, decision)
}

/// What a policy allows, in English.
pub(super) fn explain(policy: &Policy) -> Explanation {
    explain::document(policy, Catalogue::embedded())
}

/// Something that is not understood in one of the policies of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NotUnderstood {
    /// Which policy: a field of the question, or a file.
    pub(super) policy: String,
    pub(super) place: String,
    pub(super) problem: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<usize>,
}

impl NotUnderstood {
    /// All that is not understood in a policy of a question.
    pub(super) fn in_question(policy: &Policy, name: &str) -> impl Iterator<Item = Self> {
        let found = policy.unknown().into_iter();
        found.map(move |unknown| Self::at(name, &unknown, None))
    }

    /// All that is not understood in a policy from a file.
    pub(super) fn in_file(opened: &Opened) -> impl Iterator<Item = Self> {
        let found = opened.policy.unknown().into_iter();
        found.map(|unknown| Self::at(&opened.name, &unknown, Some(&opened.text)))
    }

    fn at(policy: &str, unknown: &Unknown, text: Option<&str>) -> Self {
        let position = text.and_then(|text| unknown.place.locate(text));
        Self {
            policy: policy.to_owned(),
            place: unknown.place.to_string(),
            problem: unknown.problem,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

impl std::fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.policy)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": `{}`: {}", self.place, self.problem)
    }
}

/// A request as the answers show it.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    action: &'a str,
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    context: Keys<'a>,
}

#[derive(Debug)]
struct Keys<'a>(&'a Context);

impl<'a> Shown<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self {
            action: &request.action,
            resource: &request.resource,
            principal: request.principal.as_deref(),
            context: Keys(&request.context),
        }
    }
}

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for value in self.0.iter() {
            match value.values.as_slice() {
                [only] if !value.list => map.serialize_entry(&value.key, only)?,
                several => map.serialize_entry(&value.key, several)?,
            }
        }
        map.end()
    }
}
