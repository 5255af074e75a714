//! Declared scopes in plain English, short enough for a status.

mod things;
mod verbs;

use super::catalogue::{AccessLevel, Catalogue};
use super::scope::{Condition, Grant, Scope};
use crate::names::{Arn, shortened};
use std::collections::BTreeSet;
use things::Things;

/// The longest summary.
const LONGEST: usize = 1024;
/// The longest words for one scope; a longer one is only counted.
const LONGEST_SCOPE: usize = 320;
/// How many names of a kind are listed.
const LISTED: usize = 3;

/// What the scopes allow, one phrase each, in the order of their names. What has
/// no room is counted at the end.
///
/// It says what is declared, not what is live; scopes that would be refused are
/// described as far as they can be read.
#[must_use]
pub fn summary(scopes: &[Scope], catalogue: &Catalogue) -> String {
    let mut ordered: Vec<&Scope> = scopes.iter().collect();
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::new();
    for (index, scope) in ordered.iter().enumerate() {
        let left = ordered.len() - index;
        let phrase = phrase(scope, catalogue);
        let separator = if index == 0 { "" } else { "; " };
        let rest = more_scopes(left);
        let room = if left == 1 { LONGEST } else { LONGEST - rest.len() };
        if text.chars().count() + separator.len() + phrase.chars().count() > room {
            text.push_str(&rest);
            break;
        }
        text.push_str(separator);
        text.push_str(&phrase);
    }
    text
}

fn more_scopes(count: usize) -> String {
    format!("; and {count} more scope{}", if count == 1 { "" } else { "s" })
}

fn phrase(scope: &Scope, catalogue: &Catalogue) -> String {
    let resources: Vec<&str> =
        scope.resources.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let what = match &scope.grant {
        Grant::Access(levels) => access(levels, &resources, catalogue),
        Grant::Actions(actions) => self::actions(actions, &resources, catalogue),
    };
    let conditions: BTreeSet<String> = scope.conditions.iter().map(condition).collect();
    let phrase =
        conditions.iter().fold(format!("can {what}"), |phrase, condition| format!("{phrase}, only {condition}"));
    if phrase.chars().count() <= LONGEST_SCOPE {
        return phrase;
    }
    let under = if scope.conditions.is_empty() { "" } else { ", under conditions" };
    format!("can do all that scope `{}` names on {} resources{under}", shortened(&scope.name), resources.len())
}

fn access(levels: &[AccessLevel], resources: &[&str], catalogue: &Catalogue) -> String {
    let levels: BTreeSet<AccessLevel> = levels.iter().copied().collect();
    let verbs: Vec<&str> = levels.iter().map(|level| verbs::of_level(*level)).collect();
    let mut things = Things::of(resources.iter().copied(), catalogue);
    if levels.iter().all(|level| matches!(level, AccessLevel::List | AccessLevel::Read)) {
        things.drop_buckets_of_objects();
    }
    format!("{} {things}", series(&verbs, "and"))
}

fn actions(actions: &[String], resources: &[&str], catalogue: &Catalogue) -> String {
    let actions: BTreeSet<&String> = actions.iter().collect();
    // What is said of the same things is said together, in the order of its first action.
    let mut groups: Vec<(String, Vec<&'static str>, Vec<String>)> = Vec::new();
    for action in actions {
        let things = things_of(action, resources, catalogue);
        let at = groups.iter().position(|(known, ..)| *known == things).unwrap_or_else(|| {
            groups.push((things, Vec::new(), Vec::new()));
            groups.len() - 1
        });
        let Some((_, verbs, plain)) = groups.get_mut(at) else { continue };
        match verbs::of_action(action) {
            Some(verb) if !verbs.contains(&verb) => verbs.push(verb),
            Some(_) => {}
            None => plain.push(shortened(action)),
        }
    }
    let said: Vec<String> = groups.iter().flat_map(|(things, verbs, plain)| said(things, verbs, plain)).collect();
    series(&said, "and")
}

fn said(things: &str, verbs: &[&'static str], plain: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    if !verbs.is_empty() {
        said.push(format!("{} {things}", series(verbs, "and")));
    }
    if !plain.is_empty() {
        let on = if things.is_empty() { String::new() } else { format!(" on {things}") };
        said.push(format!("use {}{on}", listed(plain)));
    }
    said
}

/// The resources that an action acts on, in words; all of them where that is not known.
fn things_of(action: &str, resources: &[&str], catalogue: &Catalogue) -> String {
    if resources == ["*"] {
        return String::new();
    }
    let acted_on: Vec<&str> = match catalogue.action(action) {
        None => Vec::new(),
        Some((service, action)) => {
            let acts = |text: &&&str| Arn::parse(text).is_ok_and(|arn| action.acts_on(&service.fitting(&arn)));
            resources.iter().filter(acts).copied().collect()
        }
    };
    let chosen = if acted_on.is_empty() { resources.to_vec() } else { acted_on };
    Things::of(chosen, catalogue).to_string()
}

/// A condition in words that follow "only".
fn condition(condition: &Condition) -> String {
    let values = alternatives(&condition.values);
    let operator = condition.operator.as_str();
    let is = matches!(operator, "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike" | "IpAddress");
    match condition.key.to_ascii_lowercase().as_str() {
        "aws:sourcevpce" if is => format!("through endpoint {values}"),
        "aws:sourcevpc" if is => format!("from network {values}"),
        "aws:sourceip" if is => format!("from address {values}"),
        "aws:requestedregion" if is => format!("in region {values}"),
        "aws:securetransport" if operator == "Bool" && condition.values == ["true"] => "over TLS".to_owned(),
        _ if is => format!("where `{}` is {values}", shortened(&condition.key)),
        _ => format!("where `{}` meets `{}` {values}", shortened(&condition.key), shortened(operator)),
    }
}

/// Distinct values in backticks, in order, joined by `or`.
fn alternatives(values: &[String]) -> String {
    let distinct: BTreeSet<&String> = values.iter().collect();
    let mut quoted: Vec<String> = distinct.iter().take(LISTED).map(|value| format!("`{}`", shortened(value))).collect();
    if distinct.len() > LISTED {
        quoted.push(format!("{} more", distinct.len() - LISTED));
    }
    series(&quoted, "or")
}

/// Names in backticks, at most three, joined by `and`.
fn listed(names: &[String]) -> String {
    let mut quoted: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        quoted.push(format!("{} more", names.len() - LISTED));
    }
    series(&quoted, "and")
}

/// `a`, `a and b`, `a, b and c`.
fn series<T: AsRef<str>>(parts: &[T], last: &str) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => only.as_ref().to_owned(),
        Some((end, rest)) => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", rest.join(", "), end.as_ref())
        }
    }
}

#[cfg(test)]
mod tests;
