//! Scopes: what a team declares that its identity needs.

use super::catalogue::AccessLevel;
use super::condition::{check_key, check_operator, check_value};
use super::problem::{Problem, Refusals};
use crate::names::{AccountId, Partition, shortened};
use std::collections::BTreeSet;

/// One named piece of access.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Its name, unique within the identity.
    pub name: String,
    /// What may be done.
    pub grant: Grant,
    /// To what: ARNs, or `*` alone.
    pub resources: Vec<String>,
    /// Under which conditions. All must hold.
    pub conditions: Vec<Condition>,
}

/// What a scope allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Every action of these levels that acts on the resources.
    Access(Vec<AccessLevel>),
    /// These actions, or patterns such as `s3:Get*`.
    Actions(Vec<String>),
}

/// A condition as IAM has them: any of the values will do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// What of the request is looked at, such as `aws:SourceVpce`.
    pub key: String,
    /// How it is compared, such as `StringEquals`.
    pub operator: String,
    /// With what.
    pub values: Vec<String>,
}

/// Where the identity's role or user stands: what its resources are measured against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The partition.
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
}

/// The path of a scope's field, for messages.
pub(super) fn field(index: usize, rest: &str) -> String {
    format!("spec.scopes[{index}].{rest}")
}

/// Checks everything that can be seen without the catalogue.
pub(super) fn check(scopes: &[Scope], refusals: &mut Refusals) {
    if scopes.is_empty() {
        refusals.add(None, "spec.scopes".into(), Problem::Empty("scopes"));
    }
    let mut names = BTreeSet::new();
    for (index, scope) in scopes.iter().enumerate() {
        if refusals.is_full() {
            return;
        }
        if !names.insert(scope.name.as_str()) {
            refusals.add(Some(&scope.name), field(index, "name"), Problem::Duplicate);
        }
        for (rest, problem) in problems(scope) {
            refusals.add(Some(&scope.name), field(index, &rest), problem);
        }
    }
}

/// What is wrong with one scope, with the field in it.
fn problems(scope: &Scope) -> Vec<(String, Problem)> {
    let mut found = Vec::new();
    match &scope.grant {
        Grant::Access(levels) if levels.is_empty() => found.push(("access".into(), Problem::Empty("access"))),
        Grant::Access(_) => {}
        Grant::Actions(actions) => texts("actions", actions, &mut found),
    }
    texts("resources", &scope.resources, &mut found);
    let mut seen = BTreeSet::new();
    for (index, condition) in scope.conditions.iter().enumerate() {
        let at = |part: &str| format!("conditions[{index}].{part}");
        if let Err(problem) = check_operator(&condition.operator) {
            found.push((at("operator"), problem));
            continue;
        }
        if let Err(problem) = check_key(&condition.key).and_then(|()| check_text(&condition.key)) {
            found.push((at("key"), problem));
        }
        if !seen.insert((condition.operator.as_str(), condition.key.to_ascii_lowercase())) {
            let (key, operator) = (shortened(&condition.key), condition.operator.clone());
            found.push((at("key"), Problem::RepeatedKey { key, operator }));
        }
        texts(&at("values"), &condition.values, &mut found);
        for (place, value) in condition.values.iter().enumerate() {
            if let Err(problem) = check_value(&condition.operator, value) {
                found.push((at(&format!("values[{place}]")), problem));
            }
        }
    }
    found
}

fn texts(list: &str, texts: &[String], found: &mut Vec<(String, Problem)>) {
    if texts.is_empty() {
        found.push((list.to_owned(), Problem::Empty(name_of(list))));
    }
    for (index, text) in texts.iter().enumerate() {
        if let Err(problem) = check_text(text) {
            found.push((format!("{list}[{index}]"), problem));
        }
    }
}

fn name_of(list: &str) -> &'static str {
    match list {
        "actions" => "actions",
        "resources" => "resources",
        _ => "values",
    }
}

/// Refuses what no text in a scope may contain.
pub(super) fn check_text(text: &str) -> Result<(), Problem> {
    if text.contains("${") {
        return Err(Problem::Variable(shortened(text)));
    }
    if text.chars().all(|character| matches!(character, ' '..='~' | '\u{a0}'..='\u{ff}')) {
        Ok(())
    } else {
        let visible: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        Err(Problem::Character(shortened(&visible)))
    }
}
