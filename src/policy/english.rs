//! Declared scopes in plain English, short enough for a status.

pub(super) mod things;
pub(super) mod verbs;
pub(super) mod words;

use super::catalogue::{AccessLevel, Catalogue};
use super::scope::{Condition, Grant, Scope};
use crate::names::Arn;
use std::collections::BTreeSet;
use things::{Style, Things};
use words::{counted, number, quoted, quoted_series, series, visible};

/// The longest summary.
const LONGEST: usize = 1024;
/// The longest words for one scope; a longer one is only counted.
const LONGEST_SCOPE: usize = 320;
/// How many names of a kind are listed.
const LISTED: usize = 3;
/// A summary lists little, and grants.
const STYLE: Style = Style { listed: LISTED, any: false, denies: false };

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
    let scopes = number(count, "more scope");
    format!("; and {scopes}")
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
    format!("can do all that scope {} names on {}{under}", quoted(&scope.name), number(resources.len(), "resource"))
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
            Some(verb) if !verbs.contains(&verb.words) => verbs.push(verb.words),
            Some(_) => {}
            None => plain.push(visible(action)),
        }
    }
    let said: Vec<String> = groups.iter().flat_map(|(things, verbs, plain)| said(things, verbs, plain)).collect();
    series(&said, "and")
}

fn said(things: &str, verbs: &[&'static str], plain: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    if !verbs.is_empty() {
        let space = if things.is_empty() { "" } else { " " };
        said.push(format!("{}{space}{things}", series(verbs, "and")));
    }
    if !plain.is_empty() {
        let on = if things.is_empty() { String::new() } else { format!(" on {things}") };
        let names = plain.iter().take(LISTED).map(|name| quoted(name)).collect();
        said.push(format!("use {}{on}", counted(names, plain.len(), "", "and")));
    }
    said
}

/// The resources that an action acts on, in words; all of them where that is not known.
fn things_of(action: &str, resources: &[&str], catalogue: &Catalogue) -> String {
    let verb = verbs::of_action(action);
    if verb.is_some_and(|verb| verb.kind.is_empty()) {
        return String::new();
    }
    if resources == ["*"] {
        return verb.map(|verb| things::every(verb.kind, STYLE)).unwrap_or_default();
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
    let values = quoted_series(condition.values.iter().map(String::as_str), LISTED, "or");
    let operator = condition.operator.as_str();
    let is = matches!(operator, "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike" | "IpAddress");
    match condition.key.to_ascii_lowercase().as_str() {
        "aws:sourcevpce" if is => format!("through endpoint {values}"),
        "aws:sourcevpc" if is => format!("from network {values}"),
        "aws:sourceip" if is => format!("from address {values}"),
        "aws:requestedregion" if is => format!("in region {values}"),
        "aws:securetransport" if operator == "Bool" && condition.values == ["true"] => "over TLS".to_owned(),
        _ if is => format!("where {} is {values}", quoted(&condition.key)),
        _ => format!("where {} meets {} {values}", quoted(&condition.key), quoted(operator)),
    }
}

#[cfg(test)]
mod tests;
