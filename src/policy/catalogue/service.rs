//! One service of AWS: its actions and the resources that they act on.

use super::fits::{Manner, Template, glob};
use super::level::AccessLevel;
use crate::names::Arn;

/// A service, such as `s3`.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// What stands before the colon in its actions.
    pub prefix: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The types of its resources, by name.
    pub resources: Vec<ResourceType>,
    /// Its actions, by name, case ignored.
    pub actions: Vec<Action>,
    pub(super) keys: Vec<ConditionKey>,
    pub(super) key_sets: Vec<Vec<usize>>,
}

/// A type of resource, such as a bucket.
#[derive(Debug, Clone)]
pub struct ResourceType {
    pub(super) index: usize,
    /// Its name within the service.
    pub name: &'static str,
    /// How its ARNs look, with `${Variables}`.
    pub arn: &'static str,
    pub(super) template: Template,
}

/// An action, without its service.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name in AWS's own spelling.
    pub name: &'static str,
    /// How deep it reaches.
    pub level: AccessLevel,
    pub(super) resources: Vec<ResourceUse>,
    pub(super) keys: Option<usize>,
    /// Full names of the actions that this one needs besides itself.
    pub dependent: Vec<&'static str>,
}

/// That an action acts on a type of resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResourceUse {
    pub(super) index: usize,
    pub(super) required: bool,
}

/// A key that conditions may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionKey {
    /// The key, with `${Variables}` where a name follows.
    pub name: &'static str,
    /// Its type: `String`, `ARN`, `Bool`, `ArrayOfString`, …
    pub kind: &'static str,
}

impl Action {
    /// Whether it acts on no particular resource, so that only `*` allows it.
    #[must_use]
    pub fn is_without_resource(&self) -> bool {
        self.resources.is_empty()
    }

    /// Whether it acts on a resource of one of these types of its service.
    #[must_use]
    pub fn acts_on(&self, types: &[&ResourceType]) -> bool {
        self.resources.iter().any(|used| types.iter().any(|kind| kind.index == used.index))
    }
}

impl Service {
    /// The keys that conditions on its actions may ask for.
    #[must_use]
    pub fn keys(&self) -> &[ConditionKey] {
        &self.keys
    }

    /// The action of that name, case ignored.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        let wanted = name.to_ascii_lowercase();
        let order = |action: &Action| action.name.to_ascii_lowercase().cmp(&wanted);
        self.actions.binary_search_by(order).ok().and_then(|index| self.actions.get(index))
    }

    /// The actions that a pattern with `*` and `?` matches, case ignored.
    #[must_use]
    pub fn matching(&self, pattern: &str) -> Vec<&Action> {
        let pattern = pattern.to_ascii_lowercase();
        self.actions.iter().filter(|action| glob(&pattern, &action.name.to_ascii_lowercase())).collect()
    }

    /// The actions of a level that act on one of these types.
    pub fn at_level(&self, level: AccessLevel, types: &[&ResourceType]) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(move |action| action.level == level && action.acts_on(types))
    }

    /// The types of resource that an action acts on, and whether it needs one of that type.
    pub fn resources_of(&self, action: &Action) -> impl Iterator<Item = (&ResourceType, bool)> {
        action.resources.iter().filter_map(|used| Some((self.resources.get(used.index)?, used.required)))
    }

    /// The keys that conditions on an action may ask for, besides AWS's global ones.
    pub fn condition_keys(&self, action: &Action) -> impl Iterator<Item = &ConditionKey> {
        let set = action.keys.and_then(|index| self.key_sets.get(index));
        set.into_iter().flatten().filter_map(|index| self.keys.get(*index))
    }

    /// The types whose resources an ARN may match, as IAM matches it.
    #[must_use]
    pub fn fitting(&self, arn: &Arn) -> Vec<&ResourceType> {
        self.resources.iter().filter(|kind| kind.template.fits(arn, Manner::Loose)).collect()
    }

    /// The types whose structure an ARN has; where it has none of them, all that it may match.
    ///
    /// `arn:aws:s3:::orders-*` is meant as buckets, although IAM would match
    /// objects as well; `arn:aws:lambda:eu-west-1:123456789012:*` is meant as anything.
    #[must_use]
    pub fn closest(&self, arn: &Arn) -> Vec<&ResourceType> {
        let close: Vec<_> = self.resources.iter().filter(|kind| kind.template.fits(arn, Manner::Close)).collect();
        if close.is_empty() { self.fitting(arn) } else { close }
    }

    /// Whether ARNs of the service's resources may name this word as their account, as `aws` in
    /// `arn:aws:iam::aws:policy/…`.
    #[must_use]
    pub fn has_literal_account(&self, account: &str) -> bool {
        self.resources.iter().any(|kind| kind.template.literal_account() == Some(account))
    }
}
