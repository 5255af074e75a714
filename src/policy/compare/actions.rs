//! All actions sorted into classes: those that the same statements name.

use super::super::catalogue::{Action, Catalogue, Service};
use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::glob::{Glob, Sign, classes};
use super::ground::Ground;
use super::hash::{Interner, Map};
use std::collections::BTreeMap;

/// An action pattern: the ways to match the service's prefix and the name, by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ActionPattern {
    ways: Vec<(usize, usize)>,
}

impl ActionPattern {
    /// Reads a pattern; actions are compared in lower case. A wildcard may stand for the colon too.
    pub(super) fn read(text: &str, globs: &mut Interner<Glob>) -> Self {
        // No action has a blank or a comma, so nothing that AWS will ever be asked matches them.
        if text.contains(|sign: char| sign.is_whitespace() || sign == ',') {
            return Self { ways: Vec::new() };
        }
        let lower = text.to_ascii_lowercase();
        let mut number = |signs: &[Sign]| globs.number(Glob::of(signs.to_vec()));
        if let Some((service, name)) = lower.split_once(':') {
            return Self { ways: vec![(number(&signs(service)), number(&signs(name)))] };
        }
        let signs = signs(&lower);
        let cut = |at: usize| match signs.get(at) {
            Some(Sign::Star { .. }) => Some((signs.get(..=at)?, signs.get(at..)?)),
            Some(Sign::Any { .. }) => Some((signs.get(..at)?, signs.get(at + 1..)?)),
            _ => None,
        };
        let cuts = (0..signs.len()).filter_map(cut);
        Self { ways: cuts.map(|(service, name)| (number(service), number(name))).collect() }
    }
}

/// More wildcards than this in an action without a colon are not followed.
const MOST_CUTS: usize = 64;
/// Nor is a longer one: no action has a name of that length.
const LONGEST_CUT: usize = 256;

/// Whether an action could be cut into service and name in too many ways.
pub(super) fn is_overlong(text: &str) -> bool {
    let wildcards = || text.bytes().filter(|byte| matches!(byte, b'*' | b'?'));
    !text.contains(':') && (wildcards().nth(MOST_CUTS).is_some() || text.len() > LONGEST_CUT)
}

fn signs(text: &str) -> Vec<Sign> {
    text.chars()
        .map(|character| match character {
            '*' => Sign::Star { bound: false },
            '?' => Sign::Any { bound: false },
            other => Sign::Char(other),
        })
        .collect()
}

/// Actions that the same statements name.
#[derive(Debug, Clone)]
pub(super) struct ActionClass {
    /// The statements whose action element matches.
    pub(super) statements: Bits,
    /// One of the actions, in lower case.
    pub(super) example: String,
    /// The actions among them that a statement names in full.
    named: Vec<String>,
    /// The services of which there are others; nothing stands for every service that none names.
    services: Vec<Option<String>>,
}

/// All actions of the policies by service and name, each way with the statements that have it.
pub(super) struct Actions<'a> {
    ground: &'a Ground,
    /// The patterns of services, and of each the patterns of names.
    services: BTreeMap<usize, BTreeMap<usize, Bits>>,
    /// The statements with `NotAction`.
    negated: Bits,
}

impl<'a> Actions<'a> {
    pub(super) fn of(ground: &'a Ground) -> Self {
        let mut of_pattern = vec![Bits::default(); ground.actions.len()];
        let mut negated = Bits::default();
        for (index, part) in ground.statements.iter().enumerate() {
            for pattern in &part.action.patterns {
                if let Some(bits) = of_pattern.get_mut(*pattern) {
                    bits.insert(index);
                }
            }
            if part.action.negated {
                negated.insert(index);
            }
        }
        let mut services: BTreeMap<usize, BTreeMap<usize, Bits>> = BTreeMap::new();
        for (pattern, statements) in ground.actions.iter().zip(of_pattern) {
            for (service, name) in &pattern.ways {
                let bits = services.entry(*service).or_default().entry(*name).or_default();
                *bits = bits.or(statements);
            }
        }
        Self { ground, services, negated }
    }

    /// The classes of all actions that at least one `wanted` statement matches.
    pub(super) fn classes(&self, wanted: Bits, budget: &Budget) -> Result<Vec<ActionClass>, Exhausted> {
        let numbers: Vec<usize> = self.services.keys().copied().collect();
        let globs: Vec<&Glob> = numbers.iter().filter_map(|number| self.ground.globs.get(*number)).collect();
        let mut found = Found::default();
        for class in classes(&globs, budget)? {
            let services: Vec<usize> = class.matching.iter().filter_map(|at| numbers.get(*at).copied()).collect();
            let names = self.names(&services);
            budget.spend(names.len())?;
            let reached = names.iter().fold(self.negated, |all, (_, _, statements)| all.or(*statements));
            if !reached.meets(wanted) {
                continue;
            }
            let is_named = class.matching.iter().any(|at| globs.get(*at).is_some_and(|glob| glob.literal().is_some()));
            let service = is_named.then(|| class.example.clone());
            self.of_service(&names, &class.example, service.as_ref(), wanted, budget, &mut found)?;
        }
        Ok(found.classes)
    }

    /// The patterns of names for an action of services that match these patterns.
    fn names(&self, services: &[usize]) -> Vec<(usize, &'a Glob, Bits)> {
        let mut names: Vec<(usize, Bits)> = services
            .iter()
            .filter_map(|service| self.services.get(service))
            .flatten()
            .map(|(name, bits)| (*name, *bits))
            .collect();
        if services.len() > 1 {
            names.sort_unstable_by_key(|(name, _)| *name);
            names.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    first.1 = first.1.or(later.1);
                }
                same
            });
        }
        names.into_iter().filter_map(|(name, bits)| Some((name, self.ground.globs.get(name)?, bits))).collect()
    }

    /// Sorts the names of one service's actions (or of all other services' alike).
    fn of_service(
        &self,
        names: &[(usize, &Glob, Bits)],
        example: &str,
        service: Option<&String>,
        wanted: Bits,
        budget: &Budget,
        found: &mut Found,
    ) -> Result<(), Exhausted> {
        let wild = names.iter().any(|(_, glob, bits)| glob.literal().is_none() && bits.meets(wanted));
        // Names that are spelled out, and that no wanted statement reaches, need not be told apart.
        let all = wild || self.negated.meets(wanted);
        let is_chosen = |(_, glob, bits): &&(usize, &Glob, Bits)| all || glob.literal().is_none() || bits.meets(wanted);
        let chosen: Vec<(&Glob, Bits)> = names.iter().filter(is_chosen).map(|(_, glob, bits)| (*glob, *bits)).collect();
        let globs: Vec<&Glob> = chosen.iter().map(|(glob, _)| *glob).collect();
        for class in classes(&globs, budget)? {
            let matching = class.matching.iter().filter_map(|at| chosen.get(*at));
            let (mut mentioned, mut is_named) = (Bits::default(), false);
            for (glob, bits) in matching {
                mentioned = mentioned.or(*bits);
                is_named |= glob.literal().is_some();
            }
            let statements = self.with_negated(mentioned);
            if statements.meets(wanted) {
                let action = format!("{example}:{}", class.example);
                found.add(statements, action, is_named && service.is_some(), service);
            }
        }
        Ok(())
    }

    /// A statement with `NotAction` matches where none of its patterns does.
    fn with_negated(&self, mentioned: Bits) -> Bits {
        mentioned.minus(self.negated).or(self.negated.minus(mentioned))
    }

    /// The actions of the catalogue in a class, one service after the other. Every action that is
    /// asked about costs steps.
    pub(super) fn known(
        &self,
        class: &ActionClass,
        catalogue: &'a Catalogue,
        budget: &Budget,
        each: &mut dyn FnMut(&'a Service, &'a Action) -> Result<bool, Exhausted>,
    ) -> Result<(), Exhausted> {
        for (service, action) in class.named.iter().filter_map(|name| catalogue.action(name)) {
            budget.spend(8)?;
            if each(service, action)? {
                return Ok(());
            }
        }
        for service in &class.services {
            let services: Box<dyn Iterator<Item = &'a Service>> = match service {
                Some(prefix) => Box::new(catalogue.service(prefix).into_iter()),
                None => Box::new(catalogue.services()),
            };
            for service in services {
                if self.known_of(class, service, budget, each)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn known_of(
        &self,
        class: &ActionClass,
        service: &'a Service,
        budget: &Budget,
        each: &mut dyn FnMut(&'a Service, &'a Action) -> Result<bool, Exhausted>,
    ) -> Result<bool, Exhausted> {
        let is_here =
            |number: &&usize| self.ground.globs.get(**number).is_some_and(|glob| glob.matches(service.prefix));
        let services: Vec<usize> = self.services.keys().filter(is_here).copied().collect();
        let names = self.names(&services);
        budget.spend(self.services.len() + names.len() + 8)?;
        let reached = names.iter().fold(self.negated, |all, (_, _, bits)| all.or(*bits));
        if class.statements.minus(reached) != Bits::default() {
            return Ok(false);
        }
        let literals: Map<&str, Bits> =
            names.iter().filter_map(|(_, glob, bits)| Some((glob.literal()?, *bits))).collect();
        let wild: Vec<(&Glob, Bits)> = names
            .iter()
            .filter(|(_, glob, _)| glob.literal().is_none())
            .map(|(_, glob, bits)| (*glob, *bits))
            .collect();
        for action in &service.actions {
            budget.spend(2 + wild.len())?;
            let name = action.name.to_ascii_lowercase();
            let own = literals.get(name.as_str()).copied().unwrap_or_default();
            let mentioned =
                wild.iter().filter(|(glob, _)| glob.matches(&name)).fold(own, |all, (_, bits)| all.or(*bits));
            if self.with_negated(mentioned) == class.statements && each(service, action)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[derive(Default)]
struct Found {
    numbers: Map<Bits, usize>,
    classes: Vec<ActionClass>,
}

impl Found {
    fn add(&mut self, statements: Bits, action: String, is_named: bool, service: Option<&String>) {
        let next = self.classes.len();
        let number = *self.numbers.entry(statements).or_insert(next);
        if number == next {
            let class = ActionClass { statements, example: action.clone(), named: Vec::new(), services: Vec::new() };
            self.classes.push(class);
        }
        let Some(class) = self.classes.get_mut(number) else { return };
        if is_named {
            class.named.push(action);
        } else if !class.services.iter().any(|known| known.as_ref() == service) {
            class.services.push(service.cloned());
        }
    }
}
