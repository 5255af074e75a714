//! What is done in one service, in words: levels where all of them are there,
//! verbs where there are any, names otherwise.

use super::act::Known;
use super::nature::{Manner, Nature};
use super::place::{Ids, PatternId, Patterns};
use super::sensitivity::Sensitivity;
use crate::policy::catalogue::{AccessLevel, Action, Service};
use crate::policy::english::verbs;
use crate::policy::english::words::{counted, quoted};
use std::collections::{BTreeMap, BTreeSet};

/// How many names a clause lists.
pub(super) const NAMES: usize = 8;
/// For how many resources it is found out whether every action of a level is there.
const MOST_RESOURCES: usize = 64;
/// How many actions must be there to speak of all that begin alike.
const FAMILY: usize = 3;

/// Which levels are said together, and where they stand.
const TOGETHER: [(&[AccessLevel], Class); 7] = [
    (&[AccessLevel::Permissions], Class::Permissions),
    (&[AccessLevel::Write, AccessLevel::Tagging], Class::Change),
    (&[AccessLevel::Write], Class::Change),
    (&[AccessLevel::Tagging], Class::Change),
    (&[AccessLevel::List, AccessLevel::Read], Class::Seeing),
    (&[AccessLevel::List], Class::Seeing),
    (&[AccessLevel::Read], Class::Seeing),
];

/// A group of things of which the same is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Whatever there is.
    Whole,
    /// These resources. Texts, so that the order is that of the words.
    On(BTreeSet<String>),
}

/// Words for some actions, to be completed with what they are done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) class: Class,
    pub(super) sensitivity: Sensitivity,
    pub(super) words: Words,
    pub(super) scope: Scope,
    /// How many more resources there are.
    pub(super) more: usize,
    /// The actions that it speaks of.
    pub(super) actions: BTreeSet<&'static str>,
}

/// What is said of the actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Words {
    /// Every action.
    Everything,
    /// Every action of these levels.
    Levels(Vec<AccessLevel>),
    /// Verbs, with the kind of thing that they are followed by.
    Verbs { words: BTreeSet<&'static str>, kind: &'static str },
    /// Names, quoted, with how many there are and what kind of actions the rest are.
    Names { names: Vec<String>, all: usize, what: &'static str },
}

/// What is said in one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Everything,
    Permissions,
    Deletion,
    Change,
    Seeing,
}

impl Class {
    fn of(sensitivity: Sensitivity) -> Self {
        match sensitivity {
            Sensitivity::Unknown | Sensitivity::PermissionsManagement => Self::Permissions,
            Sensitivity::Deletion => Self::Deletion,
            Sensitivity::Write | Sensitivity::Tagging | Sensitivity::Other => Self::Change,
            Sensitivity::DataReading | Sensitivity::Reading | Sensitivity::Listing => Self::Seeing,
        }
    }
}

/// The actions of one service that are said together, with what they reach.
pub(super) struct Actions<'a, 'w> {
    pub(super) service: &'a Service,
    pub(super) nature: &'w mut Nature<'a>,
    pub(super) patterns: &'w Patterns,
    /// By action, the resources; nothing where it is whatever there is.
    pub(super) acts: BTreeMap<Known<'a>, Option<Ids>>,
    /// By action, how many resources are not among these for lack of room.
    pub(super) more: BTreeMap<Known<'a>, usize>,
}

impl<'a> Actions<'a, '_> {
    /// The clauses for all of them.
    pub(super) fn clauses(mut self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for manner in [Manner::Close, Manner::Loose] {
            let acts = self.in_manner(manner);
            if !acts.is_empty() {
                self.said(acts, manner, &mut clauses);
            }
        }
        merged(clauses)
    }

    /// The part of the acts in which resources are meant, or are not meant but matched.
    fn in_manner(&mut self, manner: Manner) -> Acts<'a> {
        let mut part = Acts::new();
        for (known, ids) in &self.acts {
            let Some(ids) = ids else {
                if manner == Manner::Close {
                    part.insert(*known, None);
                }
                continue;
            };
            let (nature, patterns) = (&mut *self.nature, self.patterns);
            let kept: BTreeSet<PatternId> =
                ids.iter().copied().filter(|id| nature.acts(*known, *id, manner, patterns)).collect();
            if !kept.is_empty() {
                part.insert(*known, Some(kept));
            }
        }
        part
    }

    fn said(&mut self, mut acts: Acts<'a>, manner: Manner, clauses: &mut Vec<Clause>) {
        if self.is_full(&acts, &scope_of(&acts, |_| true), manner, &|_| true) {
            let words = Words::Everything;
            clauses.push(self.clause(acts, Class::Everything, words, manner));
            return;
        }
        for (levels, class) in TOGETHER {
            let scope = scope_of(&acts, |action| levels.contains(&action.level));
            if levels.iter().all(|level| self.is_full(&acts, &scope, manner, &|action| action.level == *level)) {
                let rest =
                    acts.clone().into_iter().filter(|(known, _)| !levels.contains(&known.action.level)).collect();
                acts.retain(|known, _| levels.contains(&known.action.level));
                clauses.push(self.clause(acts, class, Words::Levels(levels.to_vec()), manner));
                acts = rest;
            }
        }
        self.one_by_one(&acts, manner, clauses);
    }

    /// Whether every action of a kind is there, on all that it acts on of these resources.
    fn is_full(&mut self, acts: &Acts<'a>, scope: &Reached, manner: Manner, kind: &dyn Fn(&Action) -> bool) -> bool {
        if scope.as_ref().is_some_and(|ids| ids.len() > MOST_RESOURCES) {
            return false;
        }
        let mut found = 0;
        let service = self.service;
        for action in service.actions.iter().filter(|action| kind(action)) {
            let known = Known { service, action };
            let (nature, patterns) = (&mut *self.nature, self.patterns);
            let have = acts.get(&known);
            let (mut acts_on_any, mut lacks) = (false, false);
            match scope {
                None => (acts_on_any, lacks) = (true, !matches!(have, Some(None))),
                Some(ids) => {
                    for id in ids.iter().copied().filter(|id| nature.acts(known, *id, manner, patterns)) {
                        acts_on_any = true;
                        lacks |= !have.is_some_and(|have| have.as_ref().is_none_or(|have| have.contains(&id)));
                    }
                }
            }
            if lacks || self.more.contains_key(&known) {
                return false;
            }
            found += usize::from(acts_on_any);
        }
        found > 1
    }

    fn one_by_one(&mut self, acts: &Acts<'a>, manner: Manner, clauses: &mut Vec<Clause>) {
        type Key = (Class, Reached, &'static str);
        let mut verbs: BTreeMap<Key, Vec<(Known<'a>, &'static str)>> = BTreeMap::new();
        let mut names: BTreeMap<(Class, Reached), Vec<Known<'a>>> = BTreeMap::new();
        let full = self.full_families(acts, manner);
        for (known, reached) in acts {
            let sensitivity = sensitivity(*known);
            let class = Class::of(sensitivity);
            // Of a whole family only what is sensitive is said by itself.
            let alone = sensitivity < Sensitivity::Write || !full.contains(first_word(known.action.name));
            match verbs::of_action(&known.full_name()).filter(|_| alone) {
                Some(verb) => {
                    verbs.entry((class, reached.clone(), verb.kind)).or_default().push((*known, verb.words));
                }
                None => names.entry((class, reached.clone())).or_default().push(*known),
            }
        }
        for ((class, reached, kind), said) in verbs {
            let words = Words::Verbs { words: said.iter().map(|(_, words)| *words).collect(), kind };
            let acts = said.into_iter().map(|(known, _)| (known, reached.clone())).collect();
            clauses.push(self.clause(acts, class, words, manner));
        }
        for ((class, reached), said) in names {
            let words = self.named(&said, &full);
            let acts = said.into_iter().map(|known| (known, reached.clone())).collect();
            clauses.push(self.clause(acts, class, words, manner));
        }
    }

    /// The first words of names, such as `Describe`, where every action that begins so is there.
    fn full_families(&mut self, acts: &Acts<'a>, manner: Manner) -> BTreeSet<&'static str> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for known in acts.keys() {
            *counts.entry(first_word(known.action.name)).or_default() += 1;
        }
        let counts = counts.into_iter().filter(|(_, count)| *count >= FAMILY);
        counts
            .map(|(word, _)| word)
            .filter(|word| {
                let alike = |action: &Action| first_word(action.name) == *word;
                let scope = scope_of(acts, alike);
                self.is_full(acts, &scope, manner, &alike)
            })
            .collect()
    }

    fn named(&self, said: &[Known<'a>], full: &BTreeSet<&'static str>) -> Words {
        let service = self.service.prefix;
        let families: BTreeSet<&str> =
            said.iter().map(|known| first_word(known.action.name)).filter(|word| full.contains(word)).collect();
        let mut names: Vec<String> =
            families.iter().map(|word| format!("all of {}", quoted(&format!("{service}:{word}*")))).collect();
        let alone = said.iter().filter(|known| !families.contains(first_word(known.action.name)));
        names.extend(alone.map(|known| quoted(&known.full_name())));
        let all = names.len();
        names.truncate(NAMES);
        let levels: BTreeSet<AccessLevel> = said.iter().map(|known| known.action.level).collect();
        Words::Names { names, all, what: what(&levels) }
    }

    fn clause(&self, acts: Acts<'a>, class: Class, words: Words, manner: Manner) -> Clause {
        let mut scope: BTreeSet<String> = BTreeSet::new();
        let mut whole = false;
        for reached in acts.values() {
            match reached {
                None => whole = true,
                Some(ids) => scope.extend(ids.iter().map(|id| self.shown(*id, manner))),
            }
        }
        let scope = if whole { Scope::Whole } else { Scope::On(scope) };
        let sensitivity = acts.keys().map(|known| sensitivity(*known)).min().unwrap_or(Sensitivity::Other);
        let more = acts.keys().filter_map(|known| self.more.get(known)).copied().max().unwrap_or_default();
        Clause {
            class,
            sensitivity,
            words,
            scope,
            more,
            actions: acts.into_keys().map(|known| known.action.name).collect(),
        }
    }

    /// A resource as the words need it: who names buckets with a wildcard at the end reaches their objects.
    fn shown(&self, id: PatternId, manner: Manner) -> String {
        let text = self.patterns.text(id);
        let of_buckets = manner == Manner::Loose && self.service.prefix == "s3" && !text.contains('/');
        if of_buckets { format!("{text}/*") } else { text.to_owned() }
    }
}

/// Resources, or whatever there is.
type Reached = Option<BTreeSet<PatternId>>;
type Acts<'a> = BTreeMap<Known<'a>, Reached>;

fn scope_of(acts: &Acts<'_>, kind: impl Fn(&Action) -> bool) -> Reached {
    let mut all = BTreeSet::new();
    for (_, reached) in acts.iter().filter(|(known, _)| kind(known.action)) {
        all.extend(reached.as_ref()?.iter().copied());
        if all.len() > MOST_RESOURCES {
            break;
        }
    }
    Some(all)
}

fn sensitivity(known: Known<'_>) -> Sensitivity {
    Sensitivity::of_known(known.service.prefix, known.action)
}

/// `Describe` of `DescribeInstances`.
fn first_word(name: &str) -> &str {
    let end = name.char_indices().skip(1).find(|(_, character)| character.is_ascii_uppercase()).map(|(at, _)| at);
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

fn what(levels: &BTreeSet<AccessLevel>) -> &'static str {
    match levels.first().filter(|_| levels.len() == 1) {
        Some(AccessLevel::List) => "listing actions",
        Some(AccessLevel::Read) => "reading actions",
        Some(AccessLevel::Write) => "writing actions",
        Some(AccessLevel::Tagging) => "tagging actions",
        Some(AccessLevel::Permissions) => "actions on permissions",
        None => "actions",
    }
}

/// Clauses with the same words are one.
fn merged(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut all: Vec<Clause> = Vec::with_capacity(clauses.len());
    for clause in clauses {
        let same = |known: &&mut Clause| known.class == clause.class && known.words == clause.words;
        match (all.iter_mut().find(same), &clause.scope) {
            (Some(Clause { scope: Scope::On(known), sensitivity, actions, more: left, .. }), Scope::On(more)) => {
                *left = clause.more.max(*left);
                known.extend(more.iter().cloned());
                actions.extend(&clause.actions);
                *sensitivity = clause.sensitivity.min(*sensitivity);
            }
            _ => all.push(clause),
        }
    }
    all
}

/// The names of a clause in words.
pub(super) fn names(names: &[String], all: usize, what: &str, last: &str) -> String {
    counted(names.to_vec(), all, what, last)
}
