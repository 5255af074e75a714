//! Principals in one form and in words.

use crate::names::{Arn, is_account_id};
use crate::policy::english::words::{quoted, series};
use crate::policy::statement::{Principal, Who as Named};
use std::collections::BTreeSet;

/// Who may do something. Sorted as sentences are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// The policy is that of an identity: who it is attached to.
    Holder,
    /// `*`.
    Everybody,
    /// All whom an account lets.
    Account(String),
    /// A role, a user, a session, by ARN.
    Aws(String),
    Canonical(String),
    /// An identity provider.
    Federated(String),
    Service(String),
    /// `NotPrincipal`.
    AllBut(BTreeSet<Who>),
}

impl Who {
    /// Those whom an element names; none if it names nobody.
    pub(super) fn of(principal: Option<&Principal>) -> BTreeSet<Self> {
        let Some(principal) = principal else { return [Self::Holder].into() };
        let named: BTreeSet<Self> = match &principal.who {
            Named::Everyone => [Self::Everybody].into(),
            Named::Named(named) => {
                named.iter().flat_map(|(kind, values)| values.iter().map(|value| Self::named(kind, value))).collect()
            }
        };
        match principal.negated {
            false => named,
            true if named.contains(&Self::Everybody) => BTreeSet::new(),
            true => [Self::AllBut(named)].into(),
        }
    }

    fn named(kind: &str, value: &str) -> Self {
        match kind {
            "AWS" => Self::aws(value),
            "Service" => Self::Service(value.to_owned()),
            "Federated" => Self::Federated(value.to_owned()),
            _ => Self::Canonical(value.to_owned()),
        }
    }

    fn aws(value: &str) -> Self {
        if value == "*" {
            return Self::Everybody;
        }
        if is_account_id(value) {
            return Self::Account(value.to_owned());
        }
        match Arn::parse(value) {
            Ok(arn) if arn.service() == "iam" && arn.resource() == "root" => Self::Account(arn.account().to_owned()),
            _ => Self::Aws(value.to_owned()),
        }
    }

    /// The caller of a request.
    pub(super) fn caller(principal: &str) -> Self {
        if principal.contains(":oidc-provider/") || principal.contains(":saml-provider/") {
            Self::Federated(principal.to_owned())
        } else if principal == "*" || principal.starts_with("arn:") || principal.len() == 12 && !principal.contains('.')
        {
            Self::aws(principal)
        } else if principal.ends_with(".amazonaws.com") && principal != "cognito-identity.amazonaws.com" {
            Self::Service(principal.to_owned())
        } else {
            Self::Federated(principal.to_owned())
        }
    }

    /// Whether whoever is the other is this as well.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self == other
            || *self == Self::Everybody && matches!(other, Self::Account(_) | Self::Aws(_) | Self::Canonical(_))
    }

    /// The issuer of the tokens, if it is a provider of OIDC.
    pub(super) fn issuer(&self) -> Option<&str> {
        let Self::Federated(provider) = self else { return None };
        match provider.split_once(":oidc-provider/") {
            Some((_, issuer)) => Some(issuer),
            None if provider.contains(":saml-provider/") => None,
            None => Some(provider),
        }
    }

    /// Who it is, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Holder => "nobody, for no principal is named,".to_owned(),
            Self::Everybody => "everybody".to_owned(),
            Self::Account(account) => format!("account {}", quoted(account)),
            Self::Aws(text) => named_by_arn(text),
            Self::Canonical(id) => format!("canonical user {}", quoted(id)),
            Self::Service(service) => format!("service {}", quoted(service)),
            Self::Federated(provider) => match (self.issuer(), provider.split_once(":saml-provider/")) {
                (Some(issuer), _) => format!("every subject of issuer {}", quoted(issuer)),
                (_, Some((_, name))) => format!("everybody whom SAML provider {} signs in", quoted(name)),
                _ => format!("everybody whom {} signs in", quoted(provider)),
            },
            Self::AllBut(named) => {
                let words: Vec<String> = named.iter().take(8).map(Self::words).collect();
                let more = named.len() - words.len();
                let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("everybody but {}{rest}", series(&words, "and"))
            }
        }
    }
}

fn named_by_arn(text: &str) -> String {
    let Ok(arn) = Arn::parse(text) else { return format!("principal {}", quoted(text)) };
    let of = format!("of account {}", quoted(arn.account()));
    match (arn.service(), arn.resource().split_once('/')) {
        ("iam", Some(("role", name))) => format!("role {} {of}", quoted(name)),
        ("iam", Some(("user", name))) => format!("user {} {of}", quoted(name)),
        ("sts", Some(("federated-user", name))) => format!("federated user {} {of}", quoted(name)),
        ("sts", Some(("assumed-role", rest))) => match rest.split_once('/') {
            Some((role, session)) => format!("session {} of role {} {of}", quoted(session), quoted(role)),
            None => format!("sessions of role {} {of}", quoted(rest)),
        },
        _ => format!("principal {}", quoted(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_called_by_what_they_are() {
        for (principal, words) in [
            ("*", "everybody"),
            ("123456789012", "account `123456789012`"),
            ("arn:aws:iam::123456789012:root", "account `123456789012`"),
            ("arn:aws:iam::123456789012:role/a/b", "role `a/b` of account `123456789012`"),
            ("arn:aws:iam::123456789012:user/u", "user `u` of account `123456789012`"),
            ("arn:aws:sts::123456789012:assumed-role/r/s", "session `s` of role `r` of account `123456789012`"),
            ("ec2.amazonaws.com", "service `ec2.amazonaws.com`"),
            ("accounts.google.com", "every subject of issuer `accounts.google.com`"),
            ("arn:aws:iam::123456789012:oidc-provider/a.example/b", "every subject of issuer `a.example/b`"),
            ("arn:aws:iam::123456789012:saml-provider/corp", "everybody whom SAML provider `corp` signs in"),
            ("arn:x\n", "principal `arn:x\u{fffd}`"),
        ] {
            assert_eq!(Who::caller(principal).words(), words);
        }
    }
}
