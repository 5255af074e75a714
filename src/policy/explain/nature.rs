//! Which actions act on which resources, as far as the catalogue knows.

use super::act::Known;
use super::place::{Ids, PatternId, Patterns};
use crate::names::Arn;
use crate::policy::catalogue::{ResourceType, Service};
use std::collections::HashMap;
use std::rc::Rc;

/// How many pairs of a service and a resource are looked up for one policy.
const MOST_LOOKED_UP: usize = 20_000;
/// How many pairs of an action and a resource are looked at.
const MOST_PAIRS: usize = 1_000_000;

/// The types of one service that a resource may be of.
#[derive(Debug)]
pub(super) struct Types<'a> {
    /// As IAM matches.
    loose: Vec<&'a ResourceType>,
    /// As people mean it.
    close: Vec<&'a ResourceType>,
}

/// In which manner an action acts on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Its type is the one that is meant.
    Close,
    /// Its type is not meant, but a wildcard matches it.
    Loose,
}

/// Remembers what was looked up.
#[derive(Debug)]
pub(super) struct Nature<'a> {
    types: HashMap<(&'static str, PatternId), Option<Rc<Types<'a>>>>,
    /// What may still be looked at.
    pairs: usize,
    asked: usize,
}

impl<'a> Nature<'a> {
    pub(super) fn new() -> Self {
        Self { types: HashMap::new(), pairs: MOST_PAIRS, asked: MOST_PAIRS }
    }

    /// The types that a resource may be of; nothing if it may be of any.
    fn types(&mut self, service: &'a Service, id: PatternId, patterns: &Patterns) -> Option<Rc<Types<'a>>> {
        if let Some(known) = self.types.get(&(service.prefix, id)) {
            return known.clone();
        }
        if self.types.len() >= MOST_LOOKED_UP {
            return None;
        }
        let arn = Arn::parse(&patterns.without_variables(id)).ok();
        let arn = arn.filter(|arn| !arn.service().contains(['*', '?']));
        let types = arn.map(|arn| Rc::new(Types { loose: service.fitting(&arn), close: service.closest(&arn) }));
        self.types.insert((service.prefix, id), types.clone());
        types
    }

    /// Those of the resources that an action may act on as IAM matches them; all where that is not known.
    pub(super) fn acted_on(&mut self, known: Known<'a>, ids: &Ids, patterns: &Patterns) -> Ids {
        if self.pairs < ids.len() {
            return ids.clone();
        }
        self.pairs -= ids.len();
        let mut acts = |id: PatternId| match self.types(known.service, id, patterns) {
            None => true,
            Some(types) => known.action.acts_on(&types.loose),
        };
        let acted_on: Vec<PatternId> = ids.iter().copied().filter(|id| acts(*id)).collect();
        if acted_on.len() == ids.len() { ids.clone() } else { acted_on.into_iter().collect() }
    }

    /// Whether an action acts on a resource, as people mean it or only as IAM matches it.
    pub(super) fn acts(&mut self, known: Known<'a>, id: PatternId, manner: Manner, patterns: &Patterns) -> bool {
        if self.asked == 0 {
            return manner == Manner::Close;
        }
        self.asked -= 1;
        match (self.types(known.service, id, patterns), manner) {
            // Anything at all.
            (None, Manner::Close) => true,
            (None, Manner::Loose) => false,
            (Some(types), Manner::Close) => known.action.acts_on(&types.close),
            (Some(types), Manner::Loose) => known.action.acts_on(&types.loose) && !known.action.acts_on(&types.close),
        }
    }
}
