//! How a live document differs from the declared one in what it allows.

use super::DriftClass;
use crate::policy::compare::{self, Answer, Changes, Comparison, Direction, Verdict};
use crate::policy::explain::{self, Change};
use crate::policy::{Catalogue, Document, Policy, Request};

/// More differences than these in one direction are counted.
const SAID: usize = 3;

/// What differs between two documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub class: DriftClass,
    /// Whether live allows more, or may.
    pub widens: bool,
    /// In words; empty when nothing that has a meaning differs.
    pub words: String,
    /// A request that one side allows and the other does not.
    pub witness: Option<Request>,
}

/// How much is found out. The class is cheap; to say in words what an allowance of
/// everything comes to, every service is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Class and witness.
    Class,
    /// And words.
    Words,
}

/// Compares a live document with the declared one; nothing if their texts are equal.
pub(super) fn meaning(declared: &Document, live: &Document, detail: Detail) -> Option<Meaning> {
    if declared.text() == live.text() {
        return None;
    }
    if declared.same_meaning(live) {
        return Some(cosmetic());
    }
    // Both were read before, so neither fails here.
    let (Ok(old), Ok(new)) = (Policy::read(declared.text()), Policy::read(live.text())) else {
        return Some(undecided("one of them cannot be read"));
    };
    Some(match compare::compare(&old, &new) {
        Ok(comparison) => judged(&old, &new, &comparison, detail),
        Err(mismatch) => undecided(&mismatch.to_string()),
    })
}

/// What a document that nobody declared allows beyond the declared one.
pub(super) fn beyond(declared: &Document, foreign: &Document, detail: Detail) -> Meaning {
    let (Ok(old), Ok(new)) = (Policy::read(declared.text()), Policy::read(foreign.text())) else {
        return undecided("one of them cannot be read");
    };
    let direction = match compare::beyond(&old, &new) {
        Ok(direction) => direction,
        Err(mismatch) => return undecided(&mismatch.to_string()),
    };
    let widens = direction.verdict.answer() != Answer::None;
    let words = if widens && detail == Detail::Words {
        said(&direction, &compare::beyond_each(&old, &new).unwrap_or_default(), Change::Wider)
    } else {
        String::new()
    };
    Meaning { class: DriftClass::Foreign, widens, words, witness: witness(&direction) }
}

fn cosmetic() -> Meaning {
    Meaning { class: DriftClass::Cosmetic, widens: false, words: String::new(), witness: None }
}

/// What could not be decided is taken for the worse.
fn undecided(why: &str) -> Meaning {
    let words = format!("what differs cannot be decided: {why}");
    Meaning { class: DriftClass::Changed, widens: true, words, witness: None }
}

fn judged(old: &Policy, new: &Policy, comparison: &Comparison, detail: Detail) -> Meaning {
    let Comparison { forward, backward } = comparison;
    let class = match (forward.verdict.answer(), backward.verdict.answer()) {
        (Answer::None, Answer::None) => return cosmetic(),
        (Answer::New, Answer::None) => DriftClass::Widened,
        (Answer::None, Answer::New) => DriftClass::Narrowed,
        _ => DriftClass::Changed,
    };
    let words = match detail {
        Detail::Class => String::new(),
        Detail::Words => {
            let [gained, lost] = compare::changes(old, new).unwrap_or_default();
            let parts = [said(forward, &gained, Change::Wider), said(backward, &lost, Change::Narrower)];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
        }
    };
    Meaning {
        class,
        widens: forward.verdict.answer() != Answer::None,
        words,
        // What is too much is worth showing before what is missing.
        witness: witness(forward).or_else(|| witness(backward)),
    }
}

fn witness(direction: &Direction) -> Option<Request> {
    match &direction.verdict {
        Verdict::New(request) => Some((**request).clone()),
        Verdict::None | Verdict::Unknown { .. } => None,
    }
}

/// What one direction comes to: the most sensitive first.
fn said(direction: &Direction, changes: &Changes, change: Change) -> String {
    let catalogue = Catalogue::embedded();
    if direction.verdict.answer() != Answer::New || direction.is_latent() || changes.requests.is_empty() {
        return listed(explain::direction(direction, change, catalogue).iter().map(plain).collect());
    }
    let tokens: Option<Vec<String>> = changes.requests.iter().map(|request| by_token(request, change)).collect();
    let told = || explain::changes(&changes.requests, change, catalogue).iter().map(plain).collect();
    listed(tokens.unwrap_or_else(told))
}

/// The first few; the rest is counted.
fn listed(all: Vec<String>) -> String {
    let more = all.len().saturating_sub(SAID);
    let mut shown: Vec<String> = all.into_iter().take(SAID).collect();
    match more {
        0 => {}
        1 => shown.push("and 1 more kind of access".to_owned()),
        _ => shown.push(format!("and {more} more kinds of access")),
    }
    shown.join("; ")
}

/// The text without the word for its direction, which the verb says already.
fn plain(one: &explain::Difference) -> String {
    let directed = matches!(one.change, Change::Wider | Change::Narrower);
    match one.text.split_once(": ").filter(|_| directed) {
        Some((_, text)) if one.latent => format!("{text}, which AWS may add later"),
        Some((_, text)) => text.to_owned(),
        None => one.text.clone(),
    }
}

/// Who can assume the role by a token, in words; nothing if the request is another one.
fn by_token(request: &Request, change: Change) -> Option<String> {
    if !request.action.eq_ignore_ascii_case("sts:AssumeRoleWithWebIdentity") {
        return None;
    }
    let principal = request.principal.as_deref()?;
    let issuer = principal.split_once(":oidc-provider/").map_or(principal, |(_, issuer)| issuer);
    let claim = |name: &str| request.context.get(&format!("{issuer}:{name}")).map(|value| value.values.join("`, `"));
    let others = request.context.iter().any(|value| !value.key.starts_with(issuer));
    if others || issuer.contains('`') {
        return None;
    }
    let who = match claim("sub") {
        Some(subject) => format!("subject `{subject}` of issuer `{issuer}`"),
        None => format!("a token of issuer `{issuer}` that names no subject"),
    };
    let audience = claim("aud").map_or_else(|| " without an audience".to_owned(), |to| format!(" for audience `{to}`"));
    let verb = if change == Change::Wider { "can now" } else { "can no longer" };
    Some(format!("{who}{audience} {verb} assume this role"))
}
