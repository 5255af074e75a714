//! The rules of all selecting policies, and of the floor, as one ceiling.

use std::collections::BTreeMap;

use super::super::account::AccountSettings;
use super::super::desired::{Declaration, condition, level};
use super::super::reason::Reason;
use super::super::refusal::Fault;
use crate::api::v1alpha1::{AccessRule, PermissionsManagement, ScopePolicy};
use crate::names::{ClusterArn, shortened};
use crate::policy::ceiling::{Ceiling, Protected, Rule, floor};
use crate::policy::{AccessLevel, Catalogue, Grant};

/// A rule's place: its policy and its name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) policy: &'a str,
    pub(super) rule: &'a str,
}

/// Why something is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denial<'a> {
    /// A rule of a policy.
    Rule(Named<'a>),
    /// Nobody says that permissions may be managed, or this policy forbids it.
    Permissions(Option<&'a str>),
    /// No policy can allow it, for this reason.
    Floor(&'static str),
}

/// The ceiling of a declaration, and where each of its rules comes from.
pub(super) struct Rules<'a> {
    pub(super) ceiling: Ceiling,
    pub(super) allows: Vec<Named<'a>>,
    pub(super) denies: Vec<Denial<'a>>,
    /// The names of all selecting policies.
    pub(super) policies: Vec<&'a str>,
}

impl<'a> Rules<'a> {
    /// The rules as they read for this declaration.
    pub(super) fn of(
        declaration: Declaration<'_>,
        account: &AccountSettings,
        policies: &[&'a ScopePolicy],
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let names = BTreeMap::from([
            ("${namespace}", declaration.key.namespace.as_str()),
            ("${name}", declaration.key.name.as_str()),
        ]);
        let mut rules = Self {
            ceiling: Ceiling::default(),
            allows: Vec::new(),
            denies: Vec::new(),
            policies: policies.iter().map(|policy| name_of(policy)).collect(),
        };
        for policy in policies {
            let name = name_of(policy);
            for rule in &policy.spec.allow {
                rules.ceiling.allows.push(read(name, rule, &names)?);
                rules.allows.push(Named { policy: name, rule: &rule.name });
            }
            for rule in &policy.spec.deny {
                rules.ceiling.denies.push(read(name, rule, &names)?);
                rules.denies.push(Denial::Rule(Named { policy: name, rule: &rule.name }));
            }
        }
        // The floor stands first: of several denials it is the one that nobody can lift.
        for (why, rule) in floor(&protected(account), catalogue).into_iter().rev() {
            rules.ceiling.denies.insert(0, rule);
            rules.denies.insert(0, Denial::Floor(why));
        }
        if let Some(denial) = permissions(policies) {
            rules.ceiling.denies.push(every(AccessLevel::Permissions));
            rules.denies.push(denial);
        }
        Ok(rules)
    }
}

fn name_of(policy: &ScopePolicy) -> &str {
    policy.metadata.name.as_deref().unwrap_or_default()
}

/// Why permissions may not be managed, if they may not.
fn permissions<'a>(policies: &[&'a ScopePolicy]) -> Option<Denial<'a>> {
    let says = |wanted| policies.iter().find(|policy| policy.spec.permissions_management == Some(wanted));
    match (says(PermissionsManagement::Forbid), says(PermissionsManagement::Allow)) {
        (Some(policy), _) => Some(Denial::Permissions(Some(name_of(policy)))),
        (None, None) => Some(Denial::Permissions(None)),
        (None, Some(_)) => None,
    }
}

fn every(level: AccessLevel) -> Rule {
    Rule { grant: Grant::Access(vec![level]), resources: vec!["*".to_owned()], conditions: Vec::new() }
}

/// A rule with the names of the declaration in it.
fn read(policy: &str, rule: &AccessRule, names: &BTreeMap<&str, &str>) -> Result<Rule, Fault> {
    let filled = |text: &String| {
        let text = names.iter().fold(text.clone(), |text, (variable, name)| text.replace(variable, name));
        // The engine would take any other for a policy variable, and so for any text.
        if text.contains("${") {
            let shown = shortened(&text);
            let why = format!("has a variable that is neither `${{namespace}}` nor `${{name}}` in `{shown}`");
            return Err(unusable(policy, rule, &why));
        }
        Ok(text)
    };
    let grant = if rule.access.is_empty() {
        Grant::Actions(rule.actions.clone())
    } else {
        Grant::Access(rule.access.iter().copied().map(level).collect())
    };
    let mut conditions: Vec<_> = rule.conditions.iter().map(condition).collect();
    for condition in &mut conditions {
        condition.values = condition.values.iter().map(filled).collect::<Result<_, _>>()?;
    }
    let resources = rule.resources.iter().map(filled).collect::<Result<_, _>>()?;
    let filled = Rule { grant, resources, conditions };
    match filled.check() {
        Ok(()) => Ok(filled),
        Err(problem) => Err(unusable(policy, rule, &format!("is not understood ({problem})"))),
    }
}

/// A rule by which nothing can be judged.
fn unusable(policy: &str, rule: &AccessRule, why: &str) -> Fault {
    let message = format!(
        "rule `{}` of ScopePolicy '{policy}' {why}, so nothing can be judged by it: ask the owners of ScopePolicy '{policy}' to correct it",
        rule.name
    );
    Fault { reason: Reason::Undecidable, field: "spec.scopes".to_owned(), message }
}

/// What of an account is Ambit's own.
fn protected(account: &AccountSettings) -> Protected {
    let arn = |resource: &str| format!("arn:{}:iam::{}:{resource}", account.partition, account.account);
    // Names without a path: with one, every scope over `role/app/*` would touch the floor.
    let mut means: Vec<String> = ["role/ambit-*", "policy/ambit-*", "policy/ambit/*", "user/ambit-*"].map(arn).to_vec();
    means.push(account.boundary.to_string());
    means.extend(account.pipelines.iter().map(|listed| account.provider_arn(&listed.issuer)));
    means.extend(account.assume_role.iter().map(|role| role.arn.clone()));
    Protected {
        roles: vec![arn(&format!("role{}*", account.path)), arn("role/ambit/*")],
        means,
        provider: account.web_identity().map(|web| account.provider_arn(&web.issuer)),
        associations: account.cluster().map(ClusterArn::associations),
        people: arn("role/aws-reserved/sso.amazonaws.com/*"),
    }
}
