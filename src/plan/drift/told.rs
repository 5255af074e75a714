//! Differences as status tells them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Difference;
use crate::api::v1alpha1::{DriftAuthor, DriftItem, DriftStatus, DriftWitness, WitnessKey};
use crate::domain::ChangeEvent;
use crate::names::printable;
use crate::policy::Request;

/// The most differences that status lists.
const MAX_ITEMS: usize = 20;
/// The most condition keys of a witness, and the most values of one key.
const MAX_KEYS: usize = 20;
const MAX_SUMMARY: usize = 1024;
const MAX_TEXT: usize = 2048;
const MAX_WORD: usize = 256;
const MAX_VALUE: usize = 1024;
const MAX_ID: usize = 128;

/// What status says of these differences; nothing if there are none. What was told
/// before keeps its time.
#[must_use]
pub fn told(previous: Option<&DriftStatus>, found: &[Difference], now: &Time) -> Option<DriftStatus> {
    let class = found.iter().map(|difference| difference.class).max()?;
    let listed = ordered(found);
    let items = listed.iter().take(MAX_ITEMS).map(|difference| item(difference, previous, now)).collect();
    let since = previous.map_or_else(|| now.clone(), |drift| drift.since.clone());
    Some(DriftStatus { class: class.name().to_owned(), since, items, truncated: listed.len() > MAX_ITEMS })
}

/// Whether status tells exactly these differences already, whoever made them.
#[must_use]
pub fn is_told(previous: Option<&DriftStatus>, found: &[Difference]) -> bool {
    let Some(previous) = previous else { return found.is_empty() };
    let anew = told(Some(previous), found, &previous.since);
    anew.is_some_and(|anew| {
        let plain = |items: &[DriftItem]| items.iter().map(without_time).collect::<Vec<_>>();
        plain(&anew.items) == plain(&previous.items) && anew.truncated == previous.truncated
    })
}

fn without_time(item: &DriftItem) -> DriftItem {
    DriftItem { since: Time(Timestamp::UNIX_EPOCH), by: None, ..item.clone() }
}

/// The gravest first; those alike in the order in which they were found.
fn ordered(found: &[Difference]) -> Vec<&Difference> {
    let mut listed: Vec<&Difference> = found.iter().collect();
    listed.sort_by_key(|difference| std::cmp::Reverse((difference.severity(), difference.class)));
    listed
}

/// Who made a difference: an event comes once, and who it named stays named.
#[must_use]
pub fn author(difference: &Difference, previous: Option<&DriftStatus>) -> Option<DriftAuthor> {
    let known = || known(difference, previous).and_then(|item| item.by.clone());
    difference.by.as_ref().map(of_change).or_else(known)
}

/// The same difference as status tells it already.
fn known<'a>(difference: &Difference, previous: Option<&'a DriftStatus>) -> Option<&'a DriftItem> {
    let before = previous.map(|drift| drift.items.as_slice()).unwrap_or_default();
    let (part, class, subject) = (difference.part.name(), difference.class.name(), subject(difference));
    before.iter().find(|item| item.part == part && item.class == class && item.subject == subject)
}

fn subject(difference: &Difference) -> Option<String> {
    difference.subject.as_ref().map(|subject| cut(subject, MAX_TEXT))
}

fn item(difference: &Difference, previous: Option<&DriftStatus>, now: &Time) -> DriftItem {
    let known = known(difference, previous);
    DriftItem {
        part: difference.part.name().to_owned(),
        subject: subject(difference),
        class: difference.class.name().to_owned(),
        severity: difference.severity().name().to_owned(),
        summary: cut(&difference.summary, MAX_SUMMARY),
        since: known.map_or_else(|| now.clone(), |item| item.since.clone()),
        witness: difference.witness.as_ref().map(witness),
        by: author(difference, previous),
    }
}

fn witness(request: &Request) -> DriftWitness {
    let key = |value: &crate::policy::ContextValue| WitnessKey {
        key: cut(&value.key, MAX_WORD),
        values: value.values.iter().take(MAX_KEYS).map(|value| cut(value, MAX_VALUE)).collect(),
    };
    DriftWitness {
        action: cut(&request.action, MAX_WORD),
        resource: cut(&request.resource, MAX_TEXT),
        principal: request.principal.as_ref().map(|principal| cut(principal, MAX_TEXT)),
        context: request.context.iter().take(MAX_KEYS).map(key).collect(),
    }
}

/// Who did something, as status tells it.
fn of_change(change: &ChangeEvent) -> DriftAuthor {
    DriftAuthor {
        principal: cut(&change.principal, MAX_TEXT),
        source: change.source.as_ref().map(|source| cut(source, MAX_WORD)),
        operation: cut(&change.operation, MAX_ID),
        event: cut(&change.event, MAX_ID),
        // The API server keeps whole seconds; more would make equal statuses differ.
        time: Time(Timestamp::from_second(change.at.as_second()).unwrap_or(change.at)),
    }
}

/// A text that fits and can be shown; that it was cut is shown too.
fn cut(text: &str, most: usize) -> String {
    let text = &printable(text);
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
