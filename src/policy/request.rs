//! The question that policies answer, and the answer: what the evaluator
//! decides, what the comparison finds as a witness, what people read.

use crate::names::AccountId;
use std::collections::BTreeMap;

/// One call to the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Such as `s3:GetObject`; compared without regard to case.
    pub action: String,
    /// An ARN, or `*` for an action without a resource.
    pub resource: String,
    /// Who calls: an ARN, the name of a service or of a web identity provider, or `*` for an
    /// anonymous caller. Nothing for a caller of the resource's own account about whom nothing more
    /// is known.
    pub principal: Option<String>,
    /// The condition keys of the call.
    pub context: Context,
}

/// Condition keys with their values. The case of a key does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    entries: BTreeMap<String, ContextValue>,
}

/// What a request has under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextValue {
    /// The key as it was written.
    pub key: String,
    /// Its values. None at all is the same as a key that is absent.
    pub values: Vec<String>,
    /// Whether it was given as a list.
    pub list: bool,
}

impl Context {
    /// What the request has under a key, in whatever case; nothing if it is absent or has no values.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        let found = if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.entries.get(&key.to_ascii_lowercase())
        } else {
            self.entries.get(key)
        };
        found.filter(|value| !value.values.is_empty())
    }

    /// Sets a single value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.insert(ContextValue { key: key.to_owned(), values: vec![value.into()], list: false });
    }

    /// Sets a list of values.
    pub fn set_list(&mut self, key: &str, values: Vec<String>) {
        self.insert(ContextValue { key: key.to_owned(), values, list: true });
    }

    fn insert(&mut self, value: ContextValue) {
        self.entries.insert(value.key.to_ascii_lowercase(), value);
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) {
        self.entries.remove(&key.to_ascii_lowercase());
    }

    /// Every key with its values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = &ContextValue> {
        self.entries.values()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// All policies that may have a say in one request. `T` is a policy in whatever form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers<T> {
    /// The policies attached to the caller and to its groups.
    pub identity: Vec<T>,
    /// The permissions boundary.
    pub boundary: Option<T>,
    /// The session policy.
    pub session: Option<T>,
    /// The policy of the resource: of a bucket, of a key, the trust policy of a role.
    pub resource: Option<T>,
    /// Service control policies by level, from the root of the organisation to the account.
    pub scps: Vec<Vec<T>>,
    /// Resource control policies by level.
    pub rcps: Vec<Vec<T>>,
    /// The management account of the organisation, which its SCPs and RCPs do not reach.
    pub management_account: Option<AccountId>,
}

impl<T> Default for Layers<T> {
    fn default() -> Self {
        Self {
            identity: Vec::new(),
            boundary: None,
            session: None,
            resource: None,
            scps: Vec::new(),
            rcps: Vec::new(),
            management_account: None,
        }
    }
}

impl<T> Layers<T> {
    /// The same layers with every policy in another form.
    pub fn map<U>(&self, form: impl Fn(&T) -> U) -> Layers<U> {
        let levels = |levels: &[Vec<T>]| levels.iter().map(|level| level.iter().map(&form).collect()).collect();
        Layers {
            identity: self.identity.iter().map(&form).collect(),
            boundary: self.boundary.as_ref().map(&form),
            session: self.session.as_ref().map(&form),
            resource: self.resource.as_ref().map(&form),
            scps: levels(&self.scps),
            rcps: levels(&self.rcps),
            management_account: self.management_account.clone(),
        }
    }
}

/// Which policy of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// One of the identity's policies.
    Identity(usize),
    /// The permissions boundary.
    Boundary,
    /// The session policy.
    Session,
    /// The policy of the resource.
    Resource,
    /// A service control policy: its level and its place there.
    Scp(usize, usize),
    /// A resource control policy: its level and its place there.
    Rcp(usize, usize),
}

impl Layer {
    /// The name that the layer has in questions and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity(_) => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::Resource => "resource",
            Self::Scp(..) => "scps",
            Self::Rcp(..) => "rcps",
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Identity(index) => write!(f, "identity[{index}]"),
            Self::Scp(level, index) | Self::Rcp(level, index) => write!(f, "{}[{level}][{index}]", self.name()),
            Self::Boundary | Self::Session | Self::Resource => f.write_str(self.name()),
        }
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It may.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
    /// It depends on something that is not understood or not known.
    Unknown,
}

impl Outcome {
    /// The name that the outcome has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is certain that the request is refused.
    #[must_use]
    pub fn denies(self) -> bool {
        matches!(self, Self::ExplicitDeny | Self::ImplicitDeny)
    }
}

/// The answer to a request, with what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// The statements that decided: those that deny, or else those that allow, by layer.
    pub matched: Vec<Matched>,
    /// Why, where the statements alone do not tell.
    pub reason: Option<String>,
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// In which policy.
    pub layer: Layer,
    /// Its number in the policy, from zero.
    pub statement: usize,
    /// Its name, if it has one.
    pub sid: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_no_values_are_absent() {
        let mut context = Context::default();
        context.set("aws:SourceVpce", "vpce-1");
        context.set_list("AWS:TagKeys", Vec::new());
        assert_eq!(context.get("AWS:sourcevpce").unwrap().values, ["vpce-1"]);
        assert_eq!(context.get("aws:tagkeys"), None);
        context.set("AWS:SOURCEVPCE", "vpce-2");
        assert_eq!(context.get("aws:SourceVpce").unwrap().values, ["vpce-2"]);
        context.remove("aws:sourcevpce");
        assert_eq!(context.get("aws:SourceVpce"), None);
    }

    #[test]
    fn layers_are_named_as_in_the_questions() {
        assert_eq!(Layer::Scp(1, 0).to_string(), "scps[1][0]");
        assert_eq!(Layer::Identity(2).to_string(), "identity[2]");
        assert_eq!(Layer::Boundary.to_string(), "boundary");
    }
}
