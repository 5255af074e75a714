//! Policies, requests, decisions and differences in plain English.
//!
//! Nothing is worded from the text of a policy. A document is first taken apart
//! into atoms: wildcards become the actions that the catalogue knows,
//! what is said twice or covered by something wider falls away, and what is left
//! is sorted. So an edit that changes nothing changes no word, and the sentences
//! come in one order: first what cannot be read, then what is allowed, then what
//! is denied, each with the most sensitive first.
//!
//! ```text
//! policy ── act, place, who, term ──▶ atoms ── clauses, sentences ──▶ words
//! ```
//!
//! Whatever a policy is, the work is bounded; what has no room is counted.

mod act;
mod atoms;
mod bundle;
mod clauses;
mod difference;
mod nature;
mod phrase;
mod place;
mod request;
mod sensitivity;
mod sentences;
mod services;
mod term;
mod who;

pub use difference::{Change, Difference, changes, difference, direction};
pub use request::{decision, request};
pub use sensitivity::Sensitivity;

use super::catalogue::Catalogue;
use super::english::words::{number, quoted};
use super::statement::{Policy, Unknown};
use crate::names::shortened;
use atoms::Atoms;
use std::collections::BTreeMap;

/// The longest summary.
const LONGEST_SUMMARY: usize = 1024;
/// The longest sentence in a summary.
const LONGEST_SENTENCE: usize = 320;
/// How many sentences an explanation has.
const MOST_SENTENCES: usize = 2_000;
/// How many elements that cannot be read are named.
const UNREADABLE: usize = 20;

/// What a policy allows and denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// In their order: what cannot be read, what is allowed, what is denied, each with the most
    /// sensitive first; at the end what had no room.
    pub sentences: Vec<Sentence>,
}

/// One thing that a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// One line, without a full stop.
    pub text: String,
    /// The most sensitive that it speaks of.
    pub sensitivity: Sensitivity,
    /// The prefix of the service, such as `s3`; empty where it is about several.
    pub service: String,
    /// Whether it says what is denied.
    pub denial: bool,
    /// Wildcards that stand for some of the actions, in lower case. They will also match what AWS
    /// adds later, of which the text says nothing.
    pub future: Vec<String>,
}

impl Explanation {
    /// The whole text, one sentence a line.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
        lines.join("\n")
    }

    /// The text in one line, at most 1024 characters long. What has no room is counted at the end.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for (index, sentence) in self.sentences.iter().enumerate() {
            let left = self.sentences.len() - index;
            let rest = format!("; and {}", number(left, "more sentence"));
            let words = cut(&sentence.text);
            let separator = if index == 0 { "" } else { "; " };
            let room = if left == 1 { LONGEST_SUMMARY } else { LONGEST_SUMMARY - rest.len() };
            if text.chars().count() + separator.len() + words.chars().count() > room {
                text.push_str(&rest);
                break;
            }
            text.push_str(separator);
            text.push_str(&words);
        }
        text
    }

    /// The most sensitive that is allowed; nothing if nothing is.
    #[must_use]
    pub fn sensitivity(&self) -> Option<Sensitivity> {
        self.sentences.iter().filter(|sentence| !sentence.denial).map(|sentence| sentence.sensitivity).min()
    }
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// Says what a policy allows and denies.
///
/// It says what the statements say. Whether a denial takes away what another
/// statement allows is for the evaluator to find out.
#[must_use]
pub fn document(policy: &Policy, catalogue: &Catalogue) -> Explanation {
    let mut atoms = Atoms::of(policy, catalogue);
    let groups = atoms.groups.len();
    atoms.groups.truncate(sentences::MOST_GROUPS);
    let mut said = sentences::sentences(&mut atoms, policy.kind(), catalogue);
    said.sort_by(|a, b| order(a).cmp(&order(b)));
    said.dedup_by(|a, b| a.text == b.text);
    let mut more = groups.saturating_sub(sentences::MOST_GROUPS) + said.len().saturating_sub(MOST_SENTENCES);
    said.truncate(MOST_SENTENCES);
    let mut sentences = unreadable(policy);
    if policy.statements.is_empty() {
        sentences.push(plain("allows nothing".to_owned(), Sensitivity::Other));
    }
    sentences.append(&mut said);
    if atoms.empty {
        let text = "some of it can match nothing, and has no effect".to_owned();
        sentences.push(plain(text, Sensitivity::Other));
    }
    more += atoms.left;
    if more > 0 {
        sentences.push(plain(format!("there is more than can be said here: {more} parts"), Sensitivity::Unknown));
    }
    Explanation { sentences }
}

fn order(sentence: &Sentence) -> (bool, Sensitivity, &str, &str) {
    (sentence.denial, sentence.sensitivity, &sentence.service, &sentence.text)
}

fn plain(text: String, sensitivity: Sensitivity) -> Sentence {
    Sentence { text, sensitivity, service: String::new(), denial: false, future: Vec::new() }
}

/// What cannot be read, statement by statement.
fn unreadable(policy: &Policy) -> Vec<Sentence> {
    let unknown = policy.unknown();
    let mut said: BTreeMap<String, Sentence> = BTreeMap::new();
    for Unknown { place, problem } in unknown.iter().take(UNREADABLE) {
        let place = place.to_string();
        let what = if place.starts_with("Statement[") {
            "one statement cannot be read"
        } else {
            "the policy cannot be read whole"
        };
        let text = format!("{what}: {}: {problem}", quoted(&place));
        said.insert(text.clone(), plain(text, Sensitivity::Unknown));
    }
    let mut said: Vec<Sentence> = said.into_values().collect();
    if let Some(more @ 1..) = unknown.len().checked_sub(UNREADABLE) {
        let text = format!("there is more that cannot be read: {}", number(more, "element"));
        said.push(plain(text, Sensitivity::Unknown));
    }
    said
}

/// A sentence fit for a summary.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SENTENCE) {
        Some((end, _)) => format!("{}…", text.get(..end).map_or_else(|| shortened(text), str::to_owned)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
