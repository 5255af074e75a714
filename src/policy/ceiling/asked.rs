//! What a policy asks for, as far as rules must be known to judge it.
//!
//! A rule such as "every action of level `Read`" stands for thousands of
//! actions. Only those that are asked for matter, so only those are written
//! into the question.

use super::super::catalogue::{AccessLevel, Catalogue};
use super::super::scope::Grant;
use super::super::statement::{Policy, Statement};
use super::{Rule, statement};
use crate::policy::is_pattern;
use std::collections::{BTreeMap, BTreeSet};

/// What a policy asks for.
pub(super) struct Asked<'a> {
    /// The actions of the catalogue that are asked for, with their level.
    actions: BTreeMap<String, AccessLevel>,
    /// The beginnings of the resources that are asked for, up to the first wildcard.
    resources: BTreeSet<&'a str>,
    /// The services that are asked for; nothing if it may be any.
    services: Option<BTreeSet<String>>,
}

impl<'a> Asked<'a> {
    /// Takes a policy apart.
    pub(super) fn by(policy: &'a Policy, catalogue: &Catalogue) -> Self {
        let mut asked = Self { actions: BTreeMap::new(), resources: BTreeSet::new(), services: Some(BTreeSet::new()) };
        for statement in policy.statements.iter().filter(|statement| statement.allows) {
            asked.add(statement, catalogue);
        }
        asked
    }

    fn add(&mut self, statement: &'a Statement, catalogue: &Catalogue) {
        let resources = statement.resource.as_ref().filter(|resource| !resource.negated);
        match resources {
            Some(resources) => self.resources.extend(resources.values.iter().map(|text| beginning(text))),
            None => drop(self.resources.insert("")),
        }
        if statement.action.negated {
            self.add_all(catalogue);
            return;
        }
        for action in &statement.action.values {
            match action.split_once(':').filter(|(prefix, _)| !is_pattern(prefix)) {
                Some((prefix, name)) => self.add_of(prefix, name, catalogue),
                None => self.add_all(catalogue),
            }
        }
    }

    fn add_of(&mut self, prefix: &str, name: &str, catalogue: &Catalogue) {
        if let Some(services) = &mut self.services {
            services.insert(prefix.to_ascii_lowercase());
        }
        let Some(service) = catalogue.service(prefix) else { return };
        let named = if is_pattern(name) { service.matching(name) } else { service.action(name).into_iter().collect() };
        for action in named {
            self.actions.insert(format!("{}:{}", service.prefix, action.name), action.level);
        }
    }

    fn add_all(&mut self, catalogue: &Catalogue) {
        if self.services.take().is_none() {
            return;
        }
        for service in catalogue.services() {
            for action in &service.actions {
                self.actions.insert(format!("{}:{}", service.prefix, action.name), action.level);
            }
        }
    }

    /// The full names of the actions of the catalogue that are asked for.
    pub(super) fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// The rule as a statement, without what can match nothing that is asked for; nothing if all of
    /// it cannot.
    pub(super) fn relevant(&self, rule: &Rule, allows: bool) -> Option<Statement> {
        let actions: Vec<String> = match &rule.grant {
            Grant::Actions(actions) => actions.iter().filter(|action| self.may_be_of(action)).cloned().collect(),
            Grant::Access(levels) => {
                let asked = self.actions.iter().filter(|(_, level)| levels.contains(level));
                asked.map(|(action, _)| action.clone()).collect()
            }
        };
        let resources: Vec<String> = rule.resources.iter().filter(|text| self.may_be_on(text)).cloned().collect();
        let is_empty = actions.is_empty() || resources.is_empty();
        (!is_empty).then(|| statement(allows, actions, resources, &rule.conditions))
    }

    /// Whether an action may be one of a service that is asked for.
    fn may_be_of(&self, action: &str) -> bool {
        let prefix = action.split_once(':').map(|(prefix, _)| prefix).filter(|prefix| !is_pattern(prefix));
        match (&self.services, prefix) {
            (Some(services), Some(prefix)) => services.contains(&prefix.to_ascii_lowercase()),
            _ => true,
        }
    }

    /// Whether a resource may be one that is asked for: one of the two begins as the other does.
    fn may_be_on(&self, resource: &str) -> bool {
        let begins = beginning(resource);
        self.resources.iter().any(|asked| asked.starts_with(begins) || begins.starts_with(asked))
    }
}

/// A text up to its first wildcard or variable.
fn beginning(text: &str) -> &str {
    text.split(['*', '?', '$']).next().unwrap_or_default()
}
