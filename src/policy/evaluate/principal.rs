//! `Principal` and `NotPrincipal` against the caller of a request.

use super::super::statement::{Principal, Who};
use super::caller::{Caller, identity_arn, last_part};
use super::facts::Facts;
use super::tri::Tri;
use crate::names::is_account_id;

/// An element, its values told apart.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) negated: bool,
    entries: Vec<Entry>,
}

/// One principal of the element.
#[derive(Debug, Clone)]
enum Entry {
    Everyone,
    /// An account number or `:root`: it stands for the account.
    Account(String),
    User {
        arn: String,
        account: String,
    },
    Role {
        account: String,
        name: String,
    },
    Session {
        arn: String,
        account: String,
        role: String,
    },
    FederatedUser {
        arn: String,
        account: String,
    },
    Service(String),
    Federated(String),
    /// An account under its number in S3.
    Canonical,
    /// Something else under `AWS`, such as the number of a role that was deleted.
    Other(String),
}

/// How an element fits a caller, one answer for each way in which it can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// It names the caller itself, or everybody.
    pub(super) itself: Tri<&'static str>,
    /// It names the role of which the caller is a session, or the user behind a federated user.
    pub(super) behind: Tri<&'static str>,
    /// It names the caller's account.
    pub(super) account: Tri<&'static str>,
}

const UNNAMED: &str = "the caller is not known well enough";
const WHICH_SESSION: &str = "the session of the role is not known";
const WHICH_USER: &str = "the user behind the federated user is not known";
const CANONICAL: &str = "the account behind a canonical user is not known";
const ANY_OF_A_KIND: &str = "`*` under `Service` or `Federated` has no documented meaning";
const PARENTS: &str = "the documentation leaves open what holds when `NotPrincipal` does not name the caller, its role and its account together";

impl Fit {
    const NONE: Self = Self { itself: Tri::No, behind: Tri::No, account: Tri::No };

    /// The same answer in every way.
    pub(super) fn everyone(answer: Tri<&'static str>) -> Self {
        Self { itself: answer, behind: answer, account: answer }
    }

    fn itself(answer: Tri<&'static str>) -> Self {
        Self { itself: answer, ..Self::NONE }
    }

    fn behind(answer: Tri<&'static str>) -> Self {
        Self { behind: answer, ..Self::NONE }
    }

    fn account(answer: Tri<&'static str>) -> Self {
        Self { account: answer, ..Self::NONE }
    }

    fn or(self, other: Self) -> Self {
        Self {
            itself: self.itself.or(other.itself),
            behind: self.behind.or(other.behind),
            account: self.account.or(other.account),
        }
    }

    /// Whether it fits in any way.
    pub(super) fn any(self) -> Tri<&'static str> {
        self.itself.or(self.behind).or(self.account)
    }
}

impl Named {
    pub(super) fn new(principal: &Principal) -> Self {
        let entries = match &principal.who {
            Who::Everyone => vec![Entry::Everyone],
            Who::Named(named) => {
                named.iter().flat_map(|(kind, values)| values.iter().map(|value| Entry::new(kind, value))).collect()
            }
        };
        Self { negated: principal.negated, entries }
    }

    /// Whether it is `*` and nothing narrower.
    pub(super) fn is_everyone(&self) -> bool {
        !self.negated && self.entries.iter().any(|entry| matches!(entry, Entry::Everyone))
    }

    /// How the element fits the caller. What `NotPrincipal` does not except, it names.
    pub(super) fn fit(&self, facts: &Facts<'_>) -> Fit {
        let fit = self.entries.iter().map(|entry| entry.fit(facts)).fold(Fit::NONE, Fit::or);
        if self.negated { Fit::itself(excepted(facts.caller, fit).not()) } else { fit }
    }
}

/// Whether a `NotPrincipal` excepts the caller: certainly, if it names the caller and all that
/// stands above it; certainly not, if it names neither the caller nor its role (IAM user guide,
/// `NotPrincipal`: an account in the list does not except its users).
fn excepted(caller: Caller<'_>, fit: Fit) -> Tri<&'static str> {
    let certain = |all: Tri<&'static str>| if all.is_yes() { Tri::Yes } else { Tri::Unknown(PARENTS) };
    if fit.itself.is_yes() && fit.account.is_yes() && fit.behind.is_yes() {
        return Tri::Yes;
    }
    match caller {
        Caller::Anonymous | Caller::Named(_) | Caller::Provider(_) | Caller::Root { .. } => fit.itself,
        Caller::Unnamed if fit.any().is_no() => Tri::No,
        Caller::Unnamed => Tri::Unknown(UNNAMED),
        _ if fit.itself.is_no() && fit.behind.is_no() => Tri::No,
        Caller::User { .. } | Caller::Other { .. } | Caller::FederatedUser { .. } => {
            certain(fit.itself.and(fit.account))
        }
        Caller::Role { .. } => certain(fit.behind.and(fit.account)),
        Caller::Session { .. } => certain(fit.itself.and(fit.behind).and(fit.account)),
    }
}

impl Entry {
    fn new(kind: &str, value: &str) -> Self {
        match kind {
            "AWS" => Self::aws(value),
            "Service" => Self::Service(value.to_owned()),
            "Federated" => Self::Federated(value.to_owned()),
            _ => Self::Canonical,
        }
    }

    fn aws(value: &str) -> Self {
        if value == "*" {
            return Self::Everyone;
        }
        if is_account_id(value) {
            return Self::Account(value.to_owned());
        }
        let Some([_, service, account, resource]) = identity_arn(value) else { return Self::Other(value.to_owned()) };
        let (arn, account) = (value.to_owned(), account.to_owned());
        let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
        match (service, kind) {
            ("iam", "root") if rest.is_empty() => Self::Account(account),
            ("iam", "user") => Self::User { arn, account },
            ("iam", "role") => Self::Role { account, name: last_part(rest).to_owned() },
            ("sts", "assumed-role") => {
                Self::Session { role: rest.split('/').next().unwrap_or(rest).to_owned(), arn, account }
            }
            ("sts", "federated-user") => Self::FederatedUser { arn, account },
            _ => Self::Other(arn),
        }
    }

    /// Principals are compared whole: only a lone `*` is a wildcard (IAM user guide, `Principal`).
    fn fit(&self, facts: &Facts<'_>) -> Fit {
        let caller = facts.caller;
        let own_account = facts.caller_account.as_deref();
        // Somebody of an account, of whom no more is known.
        let perhaps = |account: &str| match (caller, own_account) {
            (Caller::Unnamed, Some(own)) if own != account => Tri::No,
            (Caller::Unnamed, _) => Tri::Unknown(UNNAMED),
            _ => Tri::No,
        };
        match (self, caller) {
            (Self::Everyone, _) => Fit::everyone(Tri::Yes),
            (Self::Account(named), Caller::Root { account, .. }) => Fit::itself(Tri::of(named == account)),
            (Self::Account(named), _) => Fit::account(match own_account {
                Some(own) => Tri::of(own == named),
                None => perhaps(named),
            }),
            (Self::User { arn: named, .. }, Caller::User { arn, .. })
            | (Self::Session { arn: named, .. }, Caller::Session { arn, .. })
            | (Self::FederatedUser { arn: named, .. }, Caller::FederatedUser { arn, .. })
            | (Self::Other(named), Caller::Other { arn, .. }) => Fit::itself(Tri::of(named == arn)),
            (Self::User { account: named, .. }, Caller::FederatedUser { account, .. }) if named == account => {
                Fit::behind(Tri::Unknown(WHICH_USER))
            }
            (
                Self::Role { account: named, name: role, .. },
                Caller::Role { account, name, .. } | Caller::Session { account, role: name, .. },
            ) => Fit::behind(Tri::of(named == account && role == name)),
            (Self::Session { account: named, role, .. }, Caller::Role { account, name, .. })
                if named == account && role == name =>
            {
                Fit::itself(Tri::Unknown(WHICH_SESSION))
            }
            (Self::User { account, .. } | Self::Session { account, .. } | Self::FederatedUser { account, .. }, _) => {
                Fit::itself(perhaps(account))
            }
            (Self::Role { account, .. }, _) => Fit::behind(perhaps(account)),
            (Self::Service(named), Caller::Named(name)) => Fit::itself(of_a_kind(named, name)),
            (Self::Federated(named), Caller::Named(name) | Caller::Provider(name)) => {
                Fit::itself(of_a_kind(named, name))
            }
            (Self::Canonical, caller) if caller.is_identity() => Fit::account(Tri::Unknown(CANONICAL)),
            (Self::Canonical | Self::Service(_) | Self::Federated(_) | Self::Other(_), _) => Fit::NONE,
        }
    }
}

fn of_a_kind(named: &str, name: &str) -> Tri<&'static str> {
    if named == "*" { Tri::Unknown(ANY_OF_A_KIND) } else { Tri::of(named == name) }
}
