//! Reads the data file: services found at once, each decoded when first asked for.
//!
//! One line is one fact; the first character says which (README in
//! `dev/catalogue`): `@` a service, `K` a condition key, `S` a set of keys, `R`
//! a resource type, `A` an action.

use super::fits::Template;
use super::level::AccessLevel;
use super::service::{Action, ConditionKey, ResourceType, ResourceUse, Service};

/// A line of the data that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue cannot be read at `{line}`")]
pub struct Damaged {
    /// The line.
    pub line: String,
}

/// A service's first line and all lines that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    /// Services under whose name its resources stand in ARNs, besides its own.
    pub(super) foreign: Vec<&'static str>,
    pub(super) lines: &'static str,
}

/// Splits the data into services.
pub(super) fn sections(text: &'static str) -> Vec<Section> {
    text.split("\n@").skip(1).map(section).collect()
}

fn section(text: &'static str) -> Section {
    let (first, lines) = text.split_once('\n').unwrap_or((text, ""));
    let mut fields = first.split('\t');
    Section {
        prefix: fields.next().unwrap_or_default(),
        name: fields.next().unwrap_or_default(),
        foreign: fields.next().unwrap_or_default().split_whitespace().collect(),
        lines,
    }
}

/// Decodes one service.
pub(super) fn service(section: &Section) -> Result<Service, Damaged> {
    let (mut keys, mut key_sets, mut types, mut actions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in section.lines.lines() {
        let damaged = || Damaged { line: line.to_owned() };
        let (kind, rest) = line.split_at_checked(1).ok_or_else(damaged)?;
        match kind {
            "K" => keys.push(key(rest).ok_or_else(damaged)?),
            "S" => key_sets.push(numbers(rest, keys.len()).ok_or_else(damaged)?),
            "R" => types.push(rest.split_once('\t').ok_or_else(damaged)?),
            "A" => actions.push(action(rest, types.len(), key_sets.len()).ok_or_else(damaged)?),
            _ => return Err(damaged()),
        }
    }
    let templates: Vec<&'static str> = types.iter().map(|(_, arn)| *arn).collect();
    let resources = types
        .into_iter()
        .enumerate()
        .map(|(index, (name, arn))| {
            let template = Template::read(arn, &templates).ok_or_else(|| Damaged { line: arn.to_owned() })?;
            Ok(ResourceType { index, name, arn, template })
        })
        .collect::<Result<_, Damaged>>()?;
    Ok(Service { prefix: section.prefix, name: section.name, resources, actions, keys, key_sets })
}

fn key(line: &'static str) -> Option<ConditionKey> {
    let (name, kind) = line.split_once('\t')?;
    Some(ConditionKey { name, kind })
}

fn numbers(text: &str, below: usize) -> Option<Vec<usize>> {
    text.split_whitespace().map(|number| number.parse().ok().filter(|number| *number < below)).collect()
}

fn action(line: &'static str, types: usize, key_sets: usize) -> Option<Action> {
    let mut fields = line.split('\t');
    let (name, level) = (fields.next()?, AccessLevel::from_letter(fields.next()?)?);
    let resources = fields
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|text| {
            let index = text.trim_end_matches('!').parse().ok().filter(|index| *index < types)?;
            Some(ResourceUse { index, required: text.ends_with('!') })
        })
        .collect::<Option<_>>()?;
    let keys = match fields.next().unwrap_or_default() {
        "" => None,
        number => Some(number.parse().ok().filter(|number| *number < key_sets)?),
    };
    let dependent = fields.next().unwrap_or_default().split_whitespace().collect();
    Some(Action { name, level, resources, keys, dependent })
}
