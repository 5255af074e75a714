//! Why scopes cannot become a policy.

use super::catalogue::{AccessLevel, both, did_you_mean, either};
use crate::names::{ArnError, shortened};

/// A refused scope: which one, which field, and what must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeError {
    /// The name of the scope, cut to a length fit for a message. Absent where all of them are meant.
    pub scope: Option<String>,
    /// The field, such as `spec.scopes[0].actions[2]`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl std::fmt::Display for ScopeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(scope) = &self.scope {
            write!(f, "scope `{scope}`: ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for ScopeError {}

/// What is wrong with a scope. Texts from outside are cut to a length fit for a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No scope, or an empty list in one.
    #[error("`{0}` must not be empty")]
    Empty(&'static str),
    /// Two scopes of one name.
    #[error("the name is already that of another scope: each scope must have a name of its own")]
    Duplicate,
    /// A policy variable.
    #[error("`{0}` has a policy variable: `${{` is not supported in scopes")]
    Variable(String),
    /// A character that IAM does not take in policies.
    #[error("`{0}` has a character that IAM does not accept: only printable characters of Latin-1 are allowed")]
    Character(String),

    /// An action without its service.
    #[error("`{0}` is not an action: it must look like `s3:GetObject`")]
    MalformedAction(String),
    /// `*`, or a wildcard before the colon.
    #[error("`{0}` has a wildcard in its service: name one service, as in `s3:Get*`")]
    WildcardService(String),
    /// A service that AWS does not have.
    #[error("`{service}` is not a service of AWS{}", did_you_mean(nearest))]
    UnknownService {
        /// The prefix.
        service: String,
        /// What may have been meant.
        nearest: Vec<String>,
    },
    /// An action that its service does not have.
    #[error("`{action}` is not an action of {service}{}", did_you_mean(nearest))]
    UnknownAction {
        /// The full name.
        action: String,
        /// The service's prefix.
        service: &'static str,
        /// What may have been meant.
        nearest: Vec<String>,
    },
    /// A pattern that no action matches.
    #[error("`{pattern}` matches no action of {service}{}", did_you_mean(nearest))]
    EmptyPattern {
        /// The pattern.
        pattern: String,
        /// The service's prefix.
        service: &'static str,
        /// What may have been meant.
        nearest: Vec<String>,
    },
    /// An action that could never act on any resource of the scope.
    #[error("`{action}` acts on none of the resources: it needs one that looks like {}", either(shapes))]
    ActionWithoutResource {
        /// The action.
        action: String,
        /// ARNs that it acts on.
        shapes: Vec<String>,
    },
    /// An action that only `*` allows, in a scope with ARNs.
    #[error("`{0}` acts on no particular resource: give it a scope of its own with the resource `*`")]
    ActionNeedsStar(String),

    /// A level that no action on these resources has.
    #[error("no action of level `{level}` acts on the resources: {}", levels_there(present))]
    NoActionAtLevel {
        /// The level.
        level: AccessLevel,
        /// The levels that exist.
        present: Vec<AccessLevel>,
    },
    /// A resource on which no action of the scope's levels acts.
    #[error("no action of level {} acts on `{resource}`: {}", either(levels), levels_there(present))]
    ResourceWithoutAction {
        /// The resource.
        resource: String,
        /// The scope's levels.
        levels: Vec<AccessLevel>,
        /// The levels that exist.
        present: Vec<AccessLevel>,
    },
    /// A resource on which none of the scope's actions acts.
    #[error("none of the actions acts on `{0}`")]
    ResourceUnused(String),

    /// No ARN.
    #[error(transparent)]
    Arn(#[from] ArnError),
    /// A wildcard where it would reach beyond service, partition or account.
    #[error("`{resource}` has a wildcard in its {part}: it must be named")]
    WildcardPart {
        /// The resource.
        resource: String,
        /// `partition`, `service` or `account`.
        part: &'static str,
    },
    /// A resource of another partition.
    #[error("`{resource}` is in partition `{found}`, but the account is in `{expected}`")]
    WrongPartition {
        /// The resource.
        resource: String,
        /// Its partition.
        found: String,
        /// The account's partition.
        expected: String,
    },
    /// A resource of another account.
    #[error(
        "`{resource}` is in account `{found}`, but the identity is for account `{expected}`: resources of other accounts are not supported"
    )]
    WrongAccount {
        /// The resource.
        resource: String,
        /// Its account.
        found: String,
        /// The identity's account.
        expected: String,
    },
    /// A resource that no template fits.
    #[error("`{resource}` is not a resource of {service}: it must look like {}", either(shapes))]
    UnknownResource {
        /// The resource.
        resource: String,
        /// The service's prefix.
        service: String,
        /// The nearest of the service's ARNs.
        shapes: Vec<String>,
    },
    /// A resource of a service that has none.
    #[error("`{resource}` is not a resource of {service}: its actions act on no particular resource")]
    ServiceWithoutResources {
        /// The resource.
        resource: String,
        /// The service's prefix.
        service: String,
    },
    /// `*` with `access`.
    #[error("resource `*` cannot be used with `access`: name the resources, or use `actions`")]
    StarWithAccess,
    /// `*` and something else.
    #[error("resource `*` cannot stand beside others: give it a scope of its own")]
    StarBesideOthers,
    /// `*` for an action that has resources.
    #[error(
        "resource `*` is only for actions that act on no particular resource, but `{action}` acts on resources that look like {}",
        either(shapes)
    )]
    StarTooWide {
        /// The action.
        action: String,
        /// ARNs that it acts on.
        shapes: Vec<String>,
    },

    /// An operator that IAM does not have.
    #[error("`{operator}` is not a condition operator{}", did_you_mean(nearest))]
    UnknownOperator {
        /// The operator.
        operator: String,
        /// What may have been meant.
        nearest: Vec<String>,
    },
    /// A condition key without prefix or name.
    #[error("`{key}` is not a condition key: it must look like `aws:SourceVpce` and have at most 256 characters")]
    MalformedKey {
        /// The key.
        key: String,
    },
    /// The same key twice under one operator.
    #[error("key `{key}` stands twice with `{operator}`: give one condition all the values")]
    RepeatedKey {
        /// The key.
        key: String,
        /// The operator.
        operator: String,
    },
    /// A value that the operator cannot compare with.
    #[error("`{value}` cannot be compared by `{operator}`: it must {must}")]
    Value {
        /// The operator.
        operator: String,
        /// The value.
        value: String,
        /// What must hold.
        must: &'static str,
    },

    /// More than IAM takes.
    #[error(
        "the permissions have {}{characters} characters, {limit} are allowed; the largest: {}; name fewer resources or actions, or use patterns such as `s3:Get*`",
        if *exact { "" } else { "at least " },
        heaviest(largest)
    )]
    TooLarge {
        /// How many there are, white space apart.
        characters: usize,
        /// Whether they were all counted.
        exact: bool,
        /// How many there may be.
        limit: usize,
        /// The scopes that weigh most, with their characters.
        largest: Vec<(String, usize)>,
    },
}

fn levels_there(levels: &[AccessLevel]) -> String {
    match levels {
        [] => "no action at all does".to_owned(),
        [one] => format!("there are only actions of level `{one}`"),
        more => format!("there are actions of level {}", both(more)),
    }
}

fn heaviest(scopes: &[(String, usize)]) -> String {
    scopes.iter().map(|(name, size)| format!("`{name}` ({size})")).collect::<Vec<_>>().join(", ")
}

/// Collects refusals, up to a number that people still read.
pub(super) struct Refusals {
    errors: Vec<ScopeError>,
}

impl Refusals {
    const MOST: usize = 20;

    pub(super) fn new() -> Self {
        Self { errors: Vec::new() }
    }

    /// Whether looking for more is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= Self::MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn add(&mut self, scope: Option<&str>, field: String, problem: Problem) {
        if !self.is_full() {
            self.errors.push(ScopeError { scope: scope.map(shortened), field, problem });
        }
    }

    pub(super) fn into_errors(self) -> Vec<ScopeError> {
        self.errors
    }
}
