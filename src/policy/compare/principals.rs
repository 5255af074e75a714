//! Whom the statements of a resource's policy are about.

use super::super::statement::{self, Principal};
use super::values::Value;
use crate::names::is_account_id;
use std::collections::{BTreeMap, BTreeSet};

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// The caller, whoever it is: the policy is the caller's own.
    Caller,
    /// Nobody: the statement of a resource without a principal.
    Nobody,
    /// The principals that it names, or all others.
    Named { negated: bool, names: BTreeSet<Name> },
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    Everyone,
    /// An account, by its number or by the ARN of its root.
    Account(String),
    /// A role, whatever its path: sessions do not show that.
    Role {
        account: String,
        name: String,
    },
    /// A session of a role.
    Session {
        account: String,
        role: String,
        arn: String,
    },
    /// A user or something else with an ARN.
    Arn {
        account: String,
        arn: String,
    },
    /// A service.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// The canonical number of an account: which account that is, nobody says.
    Canonical(String),
    /// Something that no caller is.
    Nothing(String),
}

/// Whether a statement is about a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    No,
    Perhaps,
    Yes,
}

impl Who {
    pub(super) fn of(principal: Option<&Principal>) -> Self {
        let Some(Principal { negated, who }) = principal else { return Self::Nobody };
        let names = match who {
            statement::Who::Everyone => BTreeSet::from([Name::Everyone]),
            statement::Who::Named(named) => {
                named.iter().flat_map(|(kind, texts)| texts.iter().map(|text| Name::of(kind, text))).collect()
            }
        };
        Self::Named { negated: *negated, names }
    }

    /// Whether it is about a caller of the resource's own account of whom no more is known.
    pub(super) fn about_unnamed(&self) -> About {
        let (negated, names) = match self {
            Self::Caller => return About::Yes,
            Self::Nobody => return About::No,
            Self::Named { negated, names } => (*negated, names),
        };
        let is_other = |name: &Name| matches!(name, Name::Service(_) | Name::Federated(_));
        match (names.contains(&Name::Everyone), names.iter().all(is_other)) {
            (true, _) => {
                if negated {
                    About::Perhaps
                } else {
                    About::Yes
                }
            }
            (false, true) => {
                if negated {
                    About::Yes
                } else {
                    About::No
                }
            }
            (false, false) => About::Perhaps,
        }
    }

    pub(super) fn about(&self, caller: &str) -> About {
        let Self::Named { negated, names } = self else {
            return if *self == Self::Caller { About::Yes } else { About::No };
        };
        let caller = Parsed::of(caller);
        if !negated {
            return names.iter().map(|name| name.fits(&caller)).max_by_key(|about| *about as u8).unwrap_or(About::No);
        }
        let named = |is: &dyn Fn(&Name) -> bool| names.iter().any(is);
        if names.contains(&Name::Everyone) {
            return About::No;
        }
        // AWS excepts for certain whom the list names with all that stands above it, and certainly
        // not whom it does not name.
        let account = named(&|name| matches!(name, Name::Account(own) if Some(own.as_str()) == caller.account));
        let itself = named(&|name| !matches!(name, Name::Account(_)) && name.fits(&caller) == About::Yes);
        let perhaps = named(&|name| name.fits(&caller) == About::Perhaps);
        let role = caller.session.is_none()
            || named(&|name| matches!(name, Name::Role { .. }) && name.fits(&caller) == About::Yes);
        let session = caller.session.is_none()
            || named(&|name| matches!(name, Name::Session { .. }) && name.fits(&caller) == About::Yes);
        match (itself, caller.account) {
            (false, _) if perhaps => About::Perhaps,
            (false, _) => About::Yes,
            (true, None) => About::No,
            (true, Some(_)) if account && role && session => About::No,
            (true, Some(_)) => About::Perhaps,
        }
    }
}

impl Name {
    fn of(kind: &str, text: &str) -> Self {
        match kind {
            "AWS" if text == "*" => Self::Everyone,
            "AWS" if is_account_id(text) => Self::Account(text.to_owned()),
            "AWS" => {
                let parsed = Parsed::of(text);
                let Some(account) = parsed.account.map(str::to_owned) else { return Self::Nothing(text.to_owned()) };
                match (parsed.role, parsed.session) {
                    (Some(role), Some(_)) => Self::Session { account, role: role.to_owned(), arn: text.to_owned() },
                    (Some(role), None) => Self::Role { account, name: role.to_owned() },
                    _ if text.ends_with(":root") => Self::Account(account),
                    _ => Self::Arn { account, arn: text.to_owned() },
                }
            }
            "Service" => Self::Service(text.to_owned()),
            "Federated" => Self::Federated(text.to_owned()),
            _ => Self::Canonical(text.to_owned()),
        }
    }

    fn fits(&self, caller: &Parsed<'_>) -> About {
        let is = |fits: bool| if fits { About::Yes } else { About::No };
        match self {
            Self::Everyone => About::Yes,
            Self::Account(own) => is(caller.account == Some(own)),
            Self::Role { account, name } => is(caller.account == Some(account) && caller.role == Some(name)),
            // A session of the role, but which?
            Self::Session { account, role, .. } if caller.session.is_none() && caller.role.is_some() => {
                let same = caller.account == Some(account) && caller.role == Some(role);
                if same { About::Perhaps } else { About::No }
            }
            Self::Session { arn, .. } | Self::Arn { arn, .. } => is(caller.text == arn),
            Self::Service(name) | Self::Federated(name) if name == "*" => {
                if caller.account.is_none() && caller.text != "*" { About::Perhaps } else { About::No }
            }
            Self::Service(name) => is(caller.text == name && !name.starts_with("arn:")),
            Self::Federated(name) => is(caller.text == name),
            Self::Nothing(_) => About::No,
            Self::Canonical(_) => {
                if caller.account.is_some() {
                    About::Perhaps
                } else {
                    About::No
                }
            }
        }
    }

    /// Callers that it may be about: as requests name them.
    pub(super) fn callers(&self, other: &str, into: &mut BTreeSet<String>) {
        match self {
            Self::Everyone | Self::Canonical(_) | Self::Nothing(_) => {}
            Self::Account(account) => {
                into.insert(format!("arn:aws:iam::{account}:role/{other}"));
            }
            Self::Role { account, name } => {
                into.insert(format!("arn:aws:iam::{account}:role/{name}"));
            }
            Self::Session { account, role, arn } => {
                into.insert(arn.clone());
                into.insert(format!("arn:aws:sts::{account}:assumed-role/{role}/{other}"));
            }
            Self::Arn { arn, .. } => {
                into.insert(arn.clone());
            }
            Self::Service(name) | Self::Federated(name) => {
                into.insert(name.clone());
            }
        }
    }
}

/// The text of a principal, taken apart.
pub(super) struct Parsed<'a> {
    text: &'a str,
    /// Nothing for services, providers and anonymous callers.
    pub(super) account: Option<&'a str>,
    role: Option<&'a str>,
    session: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> Parsed<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut parsed = Self { text, account: None, role: None, session: None, user: None };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", _, service, _, account, resource] = parts.as_slice() else { return parsed };
        let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
        if matches!(kind, "oidc-provider" | "saml-provider") {
            return parsed;
        }
        parsed.account = Some(account);
        let last = rest.rsplit('/').next();
        match (*service, kind) {
            ("iam", "role") => parsed.role = last,
            ("iam", "user") => parsed.user = last,
            ("sts", "assumed-role") => (parsed.role, parsed.session) = (rest.split('/').next(), Some(rest)),
            _ => {}
        }
        parsed
    }

    /// The keys of a request by this caller that follow from who it is.
    pub(super) fn keys(&self) -> BTreeMap<&'static str, Value> {
        let one = |text: &str| Value::One(text.to_owned());
        let arn = match (self.account, self.role, self.session) {
            (Some(account), Some(role), Some(_)) => {
                let partition = self.text.split(':').nth(1).unwrap_or("aws");
                Some(format!("arn:{partition}:iam::{account}:role/{role}"))
            }
            (Some(_), ..) => Some(self.text.to_owned()),
            _ => None,
        };
        let kind = match (self.text, self.role, self.user) {
            ("*", ..) => Some("Anonymous"),
            (_, Some(_), _) => Some("AssumedRole"),
            (_, _, Some(_)) => Some("User"),
            _ if self.text.contains(":federated-user/") => Some("FederatedUser"),
            _ if self.text.ends_with(":root") => Some("Account"),
            _ => None,
        };
        let or_absent = |text: Option<&str>| text.map_or(Value::Absent, one);
        BTreeMap::from([
            ("aws:principalarn", or_absent(arn.as_deref())),
            ("aws:principalaccount", or_absent(self.account)),
            ("aws:principaltype", or_absent(kind)),
            ("aws:username", or_absent(self.user)),
        ])
    }
}
