//! The limits of scope policies that are no question of access.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt as _;

use super::super::credentials::credential_type;
use super::super::desired::Declaration;
use super::super::pipeline::{Pipeline, pipeline};
use super::super::reason::Reason;
use super::super::refusal::Fault;
use crate::api::v1alpha1::{CredentialType, ScopePolicy};
use crate::names::shortened;

/// Who uses an identity, as far as policies limit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A service account of the identity's own namespace.
    ServiceAccount,
    /// A pipeline.
    Pipeline {
        /// The issuer of its tokens.
        issuer: &'a str,
        /// Its repository or project.
        repository: &'a str,
    },
}

/// Everything in which a declaration goes beyond the limits.
pub(super) fn faults(declaration: Declaration<'_>, policies: &[&ScopePolicy]) -> Vec<Fault> {
    let spec = &declaration.identity.spec;
    // One that is none was refused before.
    let pipeline = spec.subject.pipeline.as_ref().and_then(|subject| pipeline(subject).ok());
    [
        scopes(spec.scopes.len(), policies),
        session(spec.session_duration.into(), policies),
        credentials(credential_type(spec), policies),
        subject(asked(pipeline.as_ref()), policies),
    ]
    .into_iter()
    .flatten()
    .map(|(field, message)| Fault {
        reason: Reason::ScopeDenied,
        field: field.to_owned(),
        message: format!("'{}' {message}", declaration.key),
    })
    .collect()
}

/// Whether the policies let the subject of a declaration have an identity.
pub(super) fn is_listed(declaration: Declaration<'_>, policies: &[&ScopePolicy]) -> bool {
    let pipeline = declaration.identity.spec.subject.pipeline.as_ref().and_then(|subject| pipeline(subject).ok());
    subject(asked(pipeline.as_ref()), policies).is_none()
}

fn asked(pipeline: Option<&Pipeline>) -> Subject<'_> {
    pipeline.map_or(Subject::ServiceAccount, |pipeline| Subject::Pipeline {
        issuer: pipeline.issuer.as_str(),
        repository: &pipeline.project,
    })
}

type Found = Option<(&'static str, String)>;

fn scopes(count: usize, policies: &[&ScopePolicy]) -> Found {
    let limits = policies.iter().filter_map(|policy| Some((policy.spec.max_scopes?, policy.name_any())));
    let (most, owner) = limits.min()?;
    (usize::try_from(most).unwrap_or_default() < count).then(|| {
        let message = format!(
            "has {count} scopes, and ScopePolicy '{owner}' allows at most {most}: merge scopes, split the identity, or ask the owners of ScopePolicy '{owner}'"
        );
        ("spec.scopes", message)
    })
}

fn session(asked: Duration, policies: &[&ScopePolicy]) -> Found {
    let limits = policies
        .iter()
        .filter_map(|policy| Some((Duration::from(policy.spec.max_session_duration?), policy.name_any())));
    let (longest, owner) = limits.min()?;
    (longest < asked).then(|| {
        let message = format!(
            "asks for sessions of {}, and ScopePolicy '{owner}' allows at most {}: shorten `spec.sessionDuration`, or ask the owners of ScopePolicy '{owner}'",
            hours(asked),
            hours(longest)
        );
        ("spec.sessionDuration", message)
    })
}

/// A duration as people write it in declarations.
#[must_use]
pub fn hours(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let said = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}"));
    said.collect::<Vec<_>>().concat()
}

/// Only what every policy that lists some allows; federation where none does.
fn credentials(asked: CredentialType, policies: &[&ScopePolicy]) -> Found {
    let refusing = policies.iter().find(|policy| {
        let listed = &policy.spec.credential_types;
        !listed.is_empty() && !listed.contains(&asked)
    });
    let unlisted = asked != CredentialType::Federation && policies.iter().all(|p| p.spec.credential_types.is_empty());
    let owner = refusing.or_else(|| policies.first().filter(|_| unlisted))?.name_any();
    let message = format!(
        "asks for credentials of type {asked:?}, which ScopePolicy '{owner}' does not allow: take another type, or ask the owners of ScopePolicy '{owner}'"
    );
    Some(("spec.credentials", message))
}

/// A service account may always be a subject; a pipeline only where a policy lists it.
fn subject(subject: Subject<'_>, policies: &[&ScopePolicy]) -> Found {
    let Subject::Pipeline { issuer, repository } = subject else { return None };
    let mut rules = policies.iter().flat_map(|policy| &policy.spec.pipelines);
    let listed = rules
        .any(|rule| rule.issuer == issuer && rule.repositories.iter().any(|pattern| one_name(pattern, repository)));
    if listed {
        return None;
    }
    let owners: BTreeSet<String> = policies.iter().map(|policy| format!("'{}'", policy.name_any())).collect();
    let message = format!(
        "is for the pipeline `{}` of issuer `{}`, which no ScopePolicy lists under `pipelines`: ask the owners of ScopePolicy {} to list it",
        shortened(repository),
        shortened(issuer),
        owners.into_iter().collect::<Vec<_>>().join(" or ")
    );
    Some(("spec.subject.pipeline", message))
}

/// Whether a repository is meant by a pattern, in which `*` stands for any text without a slash.
fn one_name(pattern: &str, name: &str) -> bool {
    let (parts, names): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), name.split('/').collect());
    parts.len() == names.len() && parts.iter().zip(names).all(|(pattern, name)| within(pattern, name))
}

/// Whether a text without slashes is meant by a pattern without slashes.
fn within(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
