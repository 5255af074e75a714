//! From one scope to the actions and resources that its statements name.

use super::catalogue::{AccessLevel, Action, Catalogue, ResourceType, Service, nearest};
use super::problem::{Problem, Refusals};
use super::scope::{Grant, Ground, Scope, field};
use crate::names::{Arn, shortened};
use crate::policy::is_pattern;
use std::collections::{BTreeMap, BTreeSet};

/// The actions and resources of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pairing {
    pub(super) actions: BTreeSet<String>,
    pub(super) resources: BTreeSet<String>,
}

/// How many ARNs a message shows.
const SHAPES: usize = 3;

/// What one scope is expanded with, and where its refusals go.
pub(super) struct Expansion<'a> {
    pub(super) index: usize,
    pub(super) scope: &'a Scope,
    pub(super) ground: &'a Ground,
    pub(super) catalogue: &'a Catalogue,
    pub(super) refusals: &'a mut Refusals,
}

/// An entry of `actions`: what is written into the policy, and what it stands for now.
struct Entry<'a> {
    place: usize,
    text: String,
    service: &'a Service,
    actions: Vec<&'a Action>,
}

/// A resource with the services that act on it, and its types there.
struct Target<'a> {
    arn: Arn,
    owners: Vec<(&'a Service, Vec<&'a ResourceType>)>,
}

impl<'a> Expansion<'a> {
    /// The statements' contents; nothing where the scope was refused.
    pub(super) fn run(&mut self) -> Vec<Pairing> {
        match &self.scope.grant {
            Grant::Access(levels) => self.access(&levels.iter().copied().collect()),
            Grant::Actions(actions) => self.actions(actions),
        }
    }

    fn refuse(&mut self, part: &str, problem: Problem) {
        self.refusals.add(Some(&self.scope.name), field(self.index, part), problem);
    }

    // ---- access ----

    fn access(&mut self, levels: &BTreeSet<AccessLevel>) -> Vec<Pairing> {
        if let Some(place) = self.star() {
            self.refuse(&format!("resources[{place}]"), Problem::StarWithAccess);
            return Vec::new();
        }
        let targets = self.targets(&BTreeSet::new());
        if targets.len() < self.scope.resources.len() {
            return Vec::new();
        }
        let granted: Vec<BTreeSet<String>> = targets.iter().map(|target| target.actions(levels)).collect();
        if self.refuse_idle(levels, &targets, &granted) {
            return Vec::new();
        }
        pair(&targets, &granted)
    }

    /// Refuses levels that give nothing, and resources that nothing is given on.
    fn refuse_idle(
        &mut self,
        levels: &BTreeSet<AccessLevel>,
        targets: &[Target<'_>],
        granted: &[BTreeSet<String>],
    ) -> bool {
        let present: BTreeSet<AccessLevel> = targets.iter().flat_map(Target::levels).collect();
        let idle: Vec<AccessLevel> = levels.difference(&present).copied().collect();
        for level in &idle {
            let present = present.iter().copied().collect();
            self.refuse("access", Problem::NoActionAtLevel { level: *level, present });
        }
        if idle.len() == levels.len() {
            return true;
        }
        let mut refused = !idle.is_empty();
        for (place, (target, _)) in
            targets.iter().zip(granted).enumerate().filter(|(_, (_, actions))| actions.is_empty())
        {
            let problem = Problem::ResourceWithoutAction {
                resource: shortened(target.arn.as_str()),
                levels: levels.iter().copied().collect(),
                present: target.levels().into_iter().collect(),
            };
            self.refuse(&format!("resources[{place}]"), problem);
            refused = true;
        }
        refused
    }

    // ---- actions ----

    fn actions(&mut self, actions: &'a [String]) -> Vec<Pairing> {
        let mut entries = Vec::with_capacity(actions.len());
        for (place, text) in actions.iter().enumerate() {
            if self.refusals.is_full() {
                return Vec::new();
            }
            match entry(place, text, self.catalogue) {
                Ok(entry) => entries.push(entry),
                Err(problem) => self.refuse(&format!("actions[{place}]"), problem),
            }
        }
        let whole = entries.len() == actions.len();
        let resources: BTreeSet<String> = self.scope.resources.iter().cloned().collect();
        let fits = match self.star() {
            Some(_) if resources.len() == 1 => self.all_without_resource(&entries),
            Some(place) => {
                self.refuse(&format!("resources[{place}]"), Problem::StarBesideOthers);
                false
            }
            None => self.each_acts(&entries, whole),
        };
        if !(whole && fits) {
            return Vec::new();
        }
        vec![Pairing { actions: entries.into_iter().map(|entry| entry.text).collect(), resources }]
    }

    /// With `*` no action may have resources.
    fn all_without_resource(&mut self, entries: &[Entry<'_>]) -> bool {
        let mut fits = true;
        for entry in entries {
            if let Some(action) = entry.actions.iter().find(|action| !action.is_without_resource()) {
                let problem = Problem::StarTooWide {
                    action: format!("{}:{}", entry.service.prefix, action.name),
                    shapes: self.shapes_of(entry.service, action),
                };
                self.refuse(&format!("actions[{}]", entry.place), problem);
                fits = false;
            }
        }
        fits
    }

    /// Each action must act on a resource, and on each resource must some action act.
    fn each_acts(&mut self, entries: &[Entry<'_>], whole: bool) -> bool {
        let services: BTreeSet<&str> = entries.iter().map(|entry| entry.service.prefix).collect();
        let targets = self.targets(&services);
        if targets.len() < self.scope.resources.len() {
            return false;
        }
        let mut used = vec![false; targets.len()];
        let mut fits = true;
        let mut reach = BTreeMap::new();
        for entry in entries {
            let types: &Vec<Vec<&ResourceType>> = reach
                .entry(entry.service.prefix)
                .or_insert_with(|| targets.iter().map(|target| entry.service.fitting(&target.arn)).collect());
            let mut idle = true;
            for (types, used) in types.iter().zip(&mut used) {
                let acts = entry.actions.iter().any(|action| action.acts_on(types));
                *used |= acts;
                idle &= !acts;
            }
            if idle {
                let problem = self.idle(entry);
                self.refuse(&format!("actions[{}]", entry.place), problem);
                fits = false;
            }
        }
        if whole && fits {
            for (place, (target, _)) in targets.iter().zip(used).enumerate().filter(|(_, (_, used))| !used) {
                self.refuse(&format!("resources[{place}]"), Problem::ResourceUnused(shortened(target.arn.as_str())));
                fits = false;
            }
        }
        fits
    }

    /// Why an entry acts on none of the resources.
    fn idle(&self, entry: &Entry<'_>) -> Problem {
        match entry.actions.iter().find(|action| !action.is_without_resource()) {
            None => Problem::ActionNeedsStar(entry.text.clone()),
            Some(action) => Problem::ActionWithoutResource {
                action: entry.text.clone(),
                shapes: self.shapes_of(entry.service, action),
            },
        }
    }

    // ---- resources ----

    /// Where `*` stands among the resources.
    fn star(&self) -> Option<usize> {
        self.scope.resources.iter().position(|resource| resource == "*")
    }

    /// The resources; those that were refused are missing. `services` may act on resources that
    /// stand under another service's name.
    fn targets(&mut self, services: &BTreeSet<&str>) -> Vec<Target<'a>> {
        let mut targets = Vec::with_capacity(self.scope.resources.len());
        for (place, text) in self.scope.resources.iter().enumerate() {
            if self.refusals.is_full() {
                break;
            }
            match self.target(text, services) {
                Ok(target) => targets.push(target),
                Err(problem) => self.refuse(&format!("resources[{place}]"), problem),
            }
        }
        targets
    }

    fn target(&self, text: &str, services: &BTreeSet<&str>) -> Result<Target<'a>, Problem> {
        let arn = Arn::parse(text)?;
        let resource = shortened(text);
        for (part, value) in [("partition", arn.partition()), ("service", arn.service()), ("account", arn.account())] {
            if is_pattern(value) {
                return Err(Problem::WildcardPart { resource, part });
            }
        }
        if arn.partition() != self.ground.partition.as_str() {
            let (found, expected) = (shortened(arn.partition()), self.ground.partition.to_string());
            return Err(Problem::WrongPartition { resource, found, expected });
        }
        if !self.catalogue.knows_arn_service(arn.service()) {
            let nearest = self.catalogue.nearest_services(arn.service());
            return Err(Problem::UnknownService { service: shortened(arn.service()), nearest });
        }
        let service = self.catalogue.service(arn.service());
        let literal = service.is_some_and(|service| service.has_literal_account(arn.account()));
        if !arn.account().is_empty() && arn.account() != self.ground.account.as_str() && !literal {
            let (found, expected) = (shortened(arn.account()), self.ground.account.to_string());
            return Err(Problem::WrongAccount { resource, found, expected });
        }
        let mut owners = self.catalogue.owners(&arn);
        let named = services.iter().filter_map(|prefix| self.catalogue.service(prefix));
        owners.extend(named.map(|service| (service, service.fitting(&arn))).filter(|(_, types)| !types.is_empty()));
        if owners.is_empty() {
            return Err(self.unknown_resource(&arn, service));
        }
        Ok(Target { arn, owners })
    }

    fn unknown_resource(&self, arn: &Arn, service: Option<&Service>) -> Problem {
        let (resource, prefix) = (shortened(arn.as_str()), arn.service().to_owned());
        let mut shapes: Vec<String> =
            service.into_iter().flat_map(|service| &service.resources).map(|kind| self.shape(kind)).collect();
        if shapes.is_empty() {
            return Problem::ServiceWithoutResources { resource, service: prefix };
        }
        shapes.sort_by_cached_key(|shape| (strsim::osa_distance(shape, &resource), shape.clone()));
        shapes.dedup();
        shapes.truncate(SHAPES);
        Problem::UnknownResource { resource, service: prefix, shapes }
    }

    fn shapes_of(&self, service: &Service, action: &Action) -> Vec<String> {
        service.resources_of(action).map(|(kind, _)| self.shape(kind)).take(SHAPES).collect()
    }

    /// The ARNs of a type as people would write them in this account: `<Name>` is to be filled in.
    fn shape(&self, kind: &ResourceType) -> String {
        kind.arn
            .replace("${Partition}", self.ground.partition.as_str())
            .replace("${Account}", self.ground.account.as_str())
            .replace("${", "<")
            .replace('}', ">")
    }
}

impl Target<'_> {
    /// The full names of all actions of these levels that act on it.
    fn actions(&self, levels: &BTreeSet<AccessLevel>) -> BTreeSet<String> {
        let named = |service: &Service, types: &[&ResourceType]| -> Vec<String> {
            let fitting =
                service.actions.iter().filter(|action| levels.contains(&action.level) && action.acts_on(types));
            fitting.map(|action| format!("{}:{}", service.prefix, action.name)).collect()
        };
        self.owners.iter().flat_map(|(service, types)| named(service, types)).collect()
    }

    /// The levels at which some action acts on it.
    fn levels(&self) -> BTreeSet<AccessLevel> {
        let of = |(service, types): &(&Service, Vec<&ResourceType>)| -> BTreeSet<AccessLevel> {
            service.actions.iter().filter(|action| action.acts_on(types)).map(|action| action.level).collect()
        };
        self.owners.iter().flat_map(of).collect()
    }
}

/// Reads one entry of `actions`.
fn entry<'a>(place: usize, text: &str, catalogue: &'a Catalogue) -> Result<Entry<'a>, Problem> {
    let short = || shortened(text);
    let (prefix, name) = text.split_once(':').ok_or_else(|| {
        if is_pattern(text) { Problem::WildcardService(short()) } else { Problem::MalformedAction(short()) }
    })?;
    if is_pattern(prefix) {
        return Err(Problem::WildcardService(short()));
    }
    if prefix.is_empty() || name.is_empty() {
        return Err(Problem::MalformedAction(short()));
    }
    let Some(service) = catalogue.service(prefix) else {
        return Err(Problem::UnknownService {
            service: shortened(prefix),
            nearest: catalogue.nearest_services(prefix),
        });
    };
    let full = |name: &str| format!("{}:{name}", service.prefix);
    let offered = |name: &str| {
        nearest(name, service.actions.iter().map(|action| action.name)).iter().map(|name| full(name)).collect()
    };
    if is_pattern(name) {
        let actions = service.matching(name);
        if actions.is_empty() {
            let literal = name.split(['*', '?']).next().unwrap_or_default();
            return Err(Problem::EmptyPattern { pattern: short(), service: service.prefix, nearest: offered(literal) });
        }
        return Ok(Entry { place, text: full(name), service, actions });
    }
    match service.action(name) {
        Some(action) => Ok(Entry { place, text: full(action.name), service, actions: vec![action] }),
        None => Err(Problem::UnknownAction { action: short(), service: service.prefix, nearest: offered(name) }),
    }
}

/// One statement for all where that widens nothing, else one for each set of actions.
///
/// Actions and resources of one statement combine freely. That is harmless as long as an action
/// cannot act on the resources that it was not meant for. It can where a wildcard is read more
/// narrowly here than by IAM: object actions meant for `arn:aws:s3:::a/*` would act on objects
/// under `arn:aws:s3:::orders-*`, which is meant as buckets.
fn pair(targets: &[Target<'_>], granted: &[BTreeSet<String>]) -> Vec<Pairing> {
    let all: BTreeSet<String> = granted.iter().flatten().cloned().collect();
    let services: BTreeMap<&str, &Service> =
        targets.iter().flat_map(|target| &target.owners).map(|(service, _)| (service.prefix, *service)).collect();
    let widens = targets.iter().zip(granted).any(|(target, granted)| {
        let reach: BTreeMap<&str, Vec<&ResourceType>> =
            services.iter().map(|(prefix, service)| (*prefix, service.fitting(&target.arn))).collect();
        let lets = |action: &String| {
            let (prefix, name) = action.split_once(':')?;
            Some(services.get(prefix)?.action(name)?.acts_on(reach.get(prefix)?))
        };
        all.difference(granted).any(|action| lets(action) == Some(true))
    });
    let mut groups: BTreeMap<&BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    for (target, granted) in targets.iter().zip(granted) {
        groups.entry(if widens { granted } else { &all }).or_default().insert(target.arn.to_string());
    }
    groups.into_iter().map(|(actions, resources)| Pairing { actions: actions.clone(), resources }).collect()
}
