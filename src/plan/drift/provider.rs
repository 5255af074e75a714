//! How the issuer's OIDC provider differs from what an account's identities rely on.

use std::collections::BTreeSet;

use super::{Difference, DriftClass, Part};
use crate::domain::{Observation, Provider, ProviderStep};
use crate::names::printable;

/// What is sought of a provider.
#[derive(Debug, Clone, Copy)]
pub struct ProviderSought<'a> {
    /// The issuer, as people know it.
    pub issuer: &'a str,
    /// The audience of the tokens.
    pub audience: &'a str,
    /// The audiences that other `CloudAccount`s with the same provider declare; absent while
    /// not all of them are known.
    pub others: Option<&'a BTreeSet<String>>,
    /// This installation.
    pub installation: &'a str,
    /// The thumbprints that were there when the provider was first seen, if it was.
    pub thumbprints: Option<&'a BTreeSet<String>>,
}

/// A difference, and the step at the provider that undoes it, where one does and
/// the provider is Ambit's to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDifference {
    /// The difference.
    pub difference: Difference,
    /// The step.
    pub mend: Option<ProviderStep>,
}

/// Everything in which a provider is not as sought.
#[must_use]
pub fn provider(sought: ProviderSought<'_>, found: &Observation<Provider>) -> Vec<ProviderDifference> {
    let found = match found {
        Observation::Present(found) => found,
        Observation::Absent => return vec![missing(sought)],
    };
    let is_ours = found.installation.as_deref() == Some(sought.installation);
    let mut differences = Vec::new();
    differences.extend(unaccepted(sought, found, is_ours));
    // Whoever registered a provider says what else it accepts.
    if is_ours && let Some(others) = sought.others {
        let is_declared = |audience: &String| audience == sought.audience || others.contains(audience);
        let extra = found.audiences.iter().filter(|audience| !is_declared(audience));
        differences.extend(extra.map(|audience| foreign(sought, audience)));
    }
    differences.extend(thumbprints(sought, found));
    differences
}

fn missing(sought: ProviderSought<'_>) -> ProviderDifference {
    let summary = format!("no OIDC provider is registered for `{}`", sought.issuer);
    ProviderDifference {
        difference: Difference::new(Part::Provider, DriftClass::Missing, summary),
        mend: Some(ProviderStep::Create { audience: sought.audience.to_owned() }),
    }
}

fn unaccepted(sought: ProviderSought<'_>, found: &Provider, is_ours: bool) -> Option<ProviderDifference> {
    if found.audiences.contains(sought.audience) {
        return None;
    }
    let summary = format!("the provider of `{}` does not accept the audience `{}`", sought.issuer, sought.audience);
    Some(ProviderDifference {
        difference: about(sought.audience, DriftClass::Narrowed, summary),
        mend: is_ours.then(|| ProviderStep::AddAudience { audience: sought.audience.to_owned() }),
    })
}

/// It opens none of our roles, because each of them pins its audience; but a role
/// of somebody else that trusts the provider and pins none is opened by it.
fn foreign(sought: ProviderSought<'_>, audience: &str) -> ProviderDifference {
    let summary = format!(
        "the provider of `{}` also accepts the audience `{}`, which was not declared; the roles of this installation pin their own audience, so it opens none of them",
        sought.issuer,
        printable(audience)
    );
    ProviderDifference {
        difference: about(audience, DriftClass::Foreign, summary),
        mend: Some(ProviderStep::RemoveAudience { audience: audience.to_owned() }),
    }
}

fn about(audience: &str, class: DriftClass, summary: String) -> Difference {
    Difference { subject: Some(printable(audience)), ..Difference::new(Part::Provider, class, summary) }
}

/// A certificate that is trusted now and was not before can sign tokens for every
/// role that trusts the issuer; one that is gone can only lock pods out.
fn thumbprints(sought: ProviderSought<'_>, found: &Provider) -> Option<ProviderDifference> {
    let before = sought.thumbprints.filter(|before| **before != found.thumbprints)?;
    let added: Vec<&str> = found.thumbprints.difference(before).map(String::as_str).collect();
    let gone: Vec<&str> = before.difference(&found.thumbprints).map(String::as_str).collect();
    let parts = [("added", added.as_slice()), ("removed", gone.as_slice())];
    let parts = parts.into_iter().filter(|(_, list)| !list.is_empty());
    let parts: Vec<String> = parts
        .map(|(verb, list)| format!("{verb} {}", list.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", ")))
        .collect();
    let summary = format!(
        "the thumbprints of the provider of `{}` are not those that were first seen: {}; if that was meant, any change of the CloudAccount's spec accepts it",
        sought.issuer,
        parts.join("; ")
    );
    let difference = Difference::new(Part::Provider, DriftClass::Changed, summary);
    let difference = if added.is_empty() { difference } else { difference.widening() };
    Some(ProviderDifference { difference, mend: None })
}

fn quoted(text: &str) -> String {
    format!("`{}`", printable(text))
}

#[cfg(test)]
mod tests;
