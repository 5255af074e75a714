//! Of all requests above a ceiling the one that says most to people.

use super::asked::Asked;
use crate::names::Arn;
use crate::policy::catalogue::{Action, Catalogue, ResourceType, Service};
use crate::policy::compare;
use crate::policy::english::verbs;
use crate::policy::evaluate::{Prepared, alone};
use crate::policy::explain::Sensitivity;
use crate::policy::request::{Outcome, Request};
use crate::policy::statement::Policy;
use std::collections::BTreeMap;

/// The most telling request that is asked for and lies above the ceiling; nothing if none was found
/// beside the one that is known.
///
/// The comparison shows one request for each kind of access, with whatever action of that kind comes
/// first. People understand "delete object" better than "abort uploads of object", so the other
/// actions that are asked for are tried in its place.
pub(super) fn most_telling(
    ceiling: &Policy,
    requested: &Policy,
    asked: &Asked<'_>,
    catalogue: &Catalogue,
) -> Option<Request> {
    let found = compare::beyond_each(ceiling, requested).ok()?.requests;
    let (below, wanted) = (Prepared::new(ceiling), Prepared::new(requested));
    let is_beyond = |request: &Request| {
        alone(&wanted, request).outcome == Outcome::Allowed && alone(&below, request).outcome.denies()
    };
    let words: Vec<Words<'_>> = asked.actions().filter_map(|action| Words::of(action, catalogue)).collect();
    let mut candidates: Vec<Candidate<'_>> =
        found.iter().flat_map(|request| candidates(request, &words, catalogue)).collect();
    // To put them in order costs little; to ask about each would cost much.
    candidates.sort_by(|a, b| a.weight.cmp(&b.weight));
    candidates.iter().map(Candidate::request).find(is_beyond)
}

/// An action that is asked for, with what it is to people.
struct Words<'a> {
    service: &'a Service,
    action: &'a Action,
    name: &'a str,
    wordless: bool,
    sensitivity: Sensitivity,
}

impl<'a> Words<'a> {
    fn of(name: &'a str, catalogue: &'a Catalogue) -> Option<Self> {
        let (service, action) = catalogue.action(name)?;
        let (wordless, sensitivity) = (verbs::of_action(name).is_none(), Sensitivity::of(name, catalogue));
        Some(Self { service, action, name, wordless, sensitivity })
    }
}

/// A request that was found, perhaps with another action.
struct Candidate<'a> {
    found: &'a Request,
    weight: Weight<'a>,
}

/// What stands first is told: what can be done, what there are words for, then what is most sensitive.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Weight<'a> {
    /// The action never acts on such a resource.
    idle: bool,
    wordless: bool,
    sensitivity: Sensitivity,
    action: &'a str,
    keys: usize,
}

impl Candidate<'_> {
    fn request(&self) -> Request {
        Request { action: self.weight.action.to_owned(), ..self.found.clone() }
    }
}

/// The request as it is, and with each action that acts on its resource.
fn candidates<'a>(found: &'a Request, words: &[Words<'a>], catalogue: &Catalogue) -> Vec<Candidate<'a>> {
    let keys = found.context.iter().count();
    let own = Weight {
        idle: true,
        wordless: verbs::of_action(&found.action).is_none(),
        sensitivity: Sensitivity::of(&found.action, catalogue),
        action: &found.action,
        keys,
    };
    let mut candidates = vec![Candidate { found, weight: own }];
    let arn = Arn::parse(&found.resource).ok();
    // To find the types of a resource is the costly part: once for each service.
    let mut types: BTreeMap<&str, Vec<&ResourceType>> = BTreeMap::new();
    for Words { service, action, name, wordless, sensitivity } in words {
        let acts = match &arn {
            Some(arn) => action.acts_on(types.entry(service.prefix).or_insert_with(|| service.fitting(arn))),
            None => action.is_without_resource(),
        };
        if acts {
            let (wordless, sensitivity) = (*wordless, *sensitivity);
            candidates
                .push(Candidate { found, weight: Weight { idle: false, wordless, sensitivity, action: name, keys } });
        }
    }
    candidates
}
