//! A policy as atoms, each one action of one principal under conditions, with
//! all that it reaches: the form in which cosmetic edits make no difference.
//!
//! ```text
//! statements ── taken apart ──▶ columns ── united, idle and covered left out ──▶ groups
//! ```

use super::act::{Act, Actions};
use super::nature::Nature;
use super::place::{Patterns, Reach};
use super::term::{Term, Terms};
use super::who::Who;
use crate::policy::catalogue::Catalogue;
use crate::policy::statement::{Policy, Statement, Version};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many atoms one policy is taken apart into. Statements beyond are only counted.
const MOST_ATOMS: usize = 100_000;
/// How many statements may turn out to be too large before all that follow are.
const MOST_MISFITS: usize = 16;
/// How many pairs of columns are looked at for one covering the other.
const MOST_PAIRS: usize = 40_000;
/// How many acts are looked for in other columns.
const MOST_LOOKED_FOR: usize = 500_000;
/// How many wildcards are kept for a column.
const MOST_WILDCARDS: usize = 50;

/// What a column has in common: effect, conditions, principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) allows: bool,
    pub(super) terms: BTreeSet<Term>,
    pub(super) who: Who,
}

/// What is done, and the parts of what it reaches.
type Column<'a> = BTreeMap<Act<'a>, BTreeSet<Reach>>;

/// Everything that is said of the same callers under the same conditions.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) allows: bool,
    pub(super) terms: BTreeSet<Term>,
    pub(super) who: BTreeSet<Who>,
    pub(super) reach: Reach,
    pub(super) acts: BTreeSet<Act<'a>>,
    /// Wildcards of the policy that took part.
    pub(super) wildcards: BTreeSet<String>,
}

/// A policy taken apart.
pub(super) struct Atoms<'a> {
    pub(super) groups: Vec<Group<'a>>,
    /// What is named together with resources that it never acts on, as far as the catalogue knows.
    pub(super) idle: Vec<Group<'a>>,
    pub(super) patterns: Patterns,
    pub(super) nature: Nature<'a>,
    /// Statements for which there was no room.
    pub(super) left: usize,
    /// Whether there are statements that can match nothing.
    pub(super) empty: bool,
}

impl<'a> Atoms<'a> {
    /// Takes a policy apart. Statements with something unknown are left out.
    pub(super) fn of(policy: &Policy, catalogue: &'a Catalogue) -> Self {
        let mut parts = Parts::new(policy, catalogue);
        for statement in policy.statements.iter().filter(|statement| statement.unknown.is_empty()) {
            parts.take_apart(statement);
        }
        parts.put_together()
    }
}

/// One principal's part of a policy while it is taken apart.
#[derive(Default)]
struct Raw<'a> {
    /// The numbers of reaches, by act.
    acts: BTreeMap<Act<'a>, Vec<usize>>,
    wildcards: BTreeSet<String>,
}

struct Parts<'a> {
    actions: Actions<'a>,
    terms: Terms<'a>,
    patterns: Patterns,
    nature: Nature<'a>,
    raw: BTreeMap<Head, Raw<'a>>,
    reaches: Vec<Reach>,
    numbers: BTreeMap<Reach, usize>,
    room: usize,
    left: usize,
    empty: bool,
}

impl<'a> Parts<'a> {
    fn new(policy: &Policy, catalogue: &'a Catalogue) -> Self {
        let variables = policy.version == Version::V2012;
        Self {
            actions: Actions::new(catalogue),
            terms: Terms::new(catalogue, variables),
            patterns: Patterns::new(variables),
            nature: Nature::new(),
            raw: BTreeMap::new(),
            reaches: Vec::new(),
            numbers: BTreeMap::new(),
            room: MOST_ATOMS,
            left: 0,
            empty: false,
        }
    }

    fn take_apart(&mut self, statement: &Statement) {
        // A condition with an unknown operator is said elsewhere: nothing can be told of the statement.
        let terms: Option<BTreeSet<Term>> = statement.conditions.iter().map(|test| self.terms.of(test)).collect();
        let Some(terms) = terms else { return };
        if self.room == 0 {
            self.left += 1;
            return;
        }
        let callers = Who::of(statement.principal.as_ref());
        let Some(reach) = self.patterns.reach(statement.resource.as_ref()) else {
            self.empty = true;
            return;
        };
        let expanded = self.actions.of(&statement.action);
        if expanded.acts.is_empty() || callers.is_empty() {
            self.empty = true;
            return;
        }
        let atoms = expanded.acts.len().saturating_mul(callers.len());
        if atoms > self.room {
            self.left += 1;
            // A smaller one may still fit, but to find out is work as well.
            if self.left >= MOST_MISFITS {
                self.room = 0;
            }
            return;
        }
        self.room -= atoms;
        let number = self.number(reach);
        for who in callers {
            let head = Head { allows: statement.allows, terms: terms.clone(), who };
            let raw = self.raw.entry(head).or_default();
            for act in &expanded.acts {
                raw.acts.entry(act.clone()).or_default().push(number);
            }
            let room = MOST_WILDCARDS.saturating_sub(raw.wildcards.len());
            raw.wildcards.extend(expanded.patterns.iter().take(room).cloned());
        }
    }

    fn number(&mut self, reach: Reach) -> usize {
        let next = self.reaches.len();
        let number = *self.numbers.entry(reach.clone()).or_insert(next);
        if number == next {
            self.reaches.push(reach);
        }
        number
    }

    fn put_together(mut self) -> Atoms<'a> {
        let raw = std::mem::take(&mut self.raw);
        let mut columns: Vec<(Head, Column<'a>, BTreeSet<String>)> = Vec::with_capacity(raw.len());
        let mut idle = Vec::new();
        let mut unions = HashMap::new();
        for (head, raw) in raw {
            columns.push((head, self.united(raw.acts, &mut unions), raw.wildcards));
        }
        let mut columns = uncovered(&columns, &mut self.patterns);
        for (head, column, _) in &mut columns {
            let (kept, without_effect) = self.effective(std::mem::take(column));
            idle.push((head.clone(), without_effect, BTreeSet::new()));
            *column = kept;
        }
        Atoms {
            groups: grouped(columns),
            idle: grouped(idle),
            patterns: self.patterns,
            nature: self.nature,
            left: self.left,
            empty: self.empty,
        }
    }

    /// What each act reaches, whichever statements say so.
    fn united(
        &mut self,
        acts: BTreeMap<Act<'a>, Vec<usize>>,
        unions: &mut HashMap<Vec<usize>, BTreeSet<Reach>>,
    ) -> Column<'a> {
        let mut column = Column::new();
        for (act, mut numbers) in acts {
            numbers.sort_unstable();
            numbers.dedup();
            let (reaches, patterns) = (&self.reaches, &mut self.patterns);
            let union = unions
                .entry(numbers)
                .or_insert_with_key(|numbers| patterns.union(numbers.iter().filter_map(|number| reaches.get(*number))));
            column.insert(act, union.clone());
        }
        column
    }

    /// Leaves out resources that an act never acts on. Where a service has nothing else, it is kept aside.
    fn effective(&mut self, column: Column<'a>) -> (Column<'a>, Column<'a>) {
        let (mut kept, mut idle) = (Column::new(), Column::new());
        for (act, parts) in column {
            let Act::Known(known) = &act else {
                kept.insert(act, parts);
                continue;
            };
            let mut left = BTreeSet::new();
            for part in &parts {
                match part {
                    Reach::Some(ids) => {
                        let acted_on = self.nature.acted_on(*known, ids, &self.patterns);
                        left.extend((!acted_on.is_empty()).then_some(Reach::Some(acted_on)));
                    }
                    other => {
                        left.insert(other.clone());
                    }
                }
            }
            if left.is_empty() {
                idle.insert(act, parts)
            } else {
                kept.insert(act, left)
            };
        }
        let services: BTreeSet<&str> = kept.keys().filter_map(service).collect();
        idle.retain(|act, _| service(act).is_some_and(|service| !services.contains(service)));
        (kept, idle)
    }
}

fn service<'a>(act: &Act<'a>) -> Option<&'a str> {
    if let Act::Known(known) = act { Some(known.service.prefix) } else { None }
}

type Full<'a> = Vec<(Head, Column<'a>, BTreeSet<String>)>;

/// Leaves out what a wider act, or a column with fewer conditions, says already.
fn uncovered<'a>(columns: &Full<'a>, patterns: &mut Patterns) -> Full<'a> {
    let compare = columns.len().saturating_mul(columns.len()) <= MOST_PAIRS;
    let mut room = MOST_LOOKED_FOR;
    let mut left = Vec::with_capacity(columns.len());
    for (at, (head, column, wildcards)) in columns.iter().enumerate() {
        let mut wider = vec![column];
        if compare {
            let others = columns.iter().enumerate().filter(|(other, (wide, ..))| *other != at && wide.covers(head));
            wider.extend(others.map(|(_, (_, column, _))| column));
            let work = wider.len().saturating_mul(column.len());
            if work > room {
                wider.truncate(1);
            }
            room = room.saturating_sub(work);
        }
        let kept: Column<'a> = column
            .iter()
            .map(|(act, parts)| (act.clone(), reduced(act, parts, &wider, patterns)))
            .filter(|(_, parts)| !parts.is_empty())
            .collect();
        left.push((head.clone(), kept, wildcards.clone()));
    }
    left
}

impl Head {
    fn covers(&self, other: &Self) -> bool {
        self.allows == other.allows && self.who.covers(&other.who) && self.terms.is_subset(&other.terms)
    }
}

/// What is left of the parts of an act. The first of the columns is its own.
fn reduced<'a>(
    act: &Act<'a>,
    parts: &BTreeSet<Reach>,
    wider: &[&Column<'a>],
    patterns: &mut Patterns,
) -> BTreeSet<Reach> {
    let mut left = parts.clone();
    for (index, column) in wider.iter().enumerate() {
        for (wide, taken) in wide_acts(column, act) {
            if index > 0 || wide != act {
                let taken = taken.iter();
                left = taken.fold(left, |left, taken| {
                    left.into_iter().filter_map(|part| patterns.without(part, taken)).collect()
                });
            }
        }
        if index == 0 {
            left = among_themselves(left, patterns);
        }
    }
    left
}

/// `NotResource` parts may cover each other.
fn among_themselves(parts: BTreeSet<Reach>, patterns: &mut Patterns) -> BTreeSet<Reach> {
    if parts.len() < 2 {
        return parts;
    }
    let all: Vec<Reach> = parts.iter().cloned().collect();
    let covered = |part: &Reach, patterns: &mut Patterns| {
        all.iter().any(|other| other != part && patterns.without(part.clone(), other).is_none())
    };
    parts.into_iter().filter(|part| !covered(part, patterns)).collect()
}

/// The entries of a column that cover an act. Sets stand first in it, and patterns last.
fn wide_acts<'c, 'a>(
    column: &'c Column<'a>,
    act: &'c Act<'a>,
) -> impl Iterator<Item = (&'c Act<'a>, &'c BTreeSet<Reach>)> {
    let sets = column.iter().take_while(|(wide, _)| matches!(wide, Act::Everything | Act::Except(_)));
    let same = column.get_key_value(act).filter(|_| matches!(act, Act::Known(_) | Act::Named(_)));
    let named = matches!(act, Act::Named(_)).then(|| {
        // Enough for any policy that people wrote.
        column.iter().rev().take(100).take_while(|(wide, _)| matches!(wide, Act::Named(_)))
    });
    sets.filter(|(wide, _)| wide.covers(act))
        .chain(same)
        .chain(named.into_iter().flatten().filter(move |(wide, _)| *wide != act && wide.covers(act)))
}

/// Puts callers together of whom the very same is said, and acts with the same reach.
fn grouped(columns: Full<'_>) -> Vec<Group<'_>> {
    #[derive(Default)]
    struct Alike {
        who: BTreeSet<Who>,
        wildcards: BTreeSet<String>,
    }
    let mut alike: BTreeMap<(bool, BTreeSet<Term>), BTreeMap<Column<'_>, Alike>> = BTreeMap::new();
    for (head, column, wildcards) in columns {
        let same = alike.entry((head.allows, head.terms)).or_default().entry(column).or_default();
        same.who.insert(head.who);
        same.wildcards.extend(wildcards);
    }
    let mut groups = Vec::new();
    for ((allows, terms), columns) in alike {
        for (column, Alike { who, wildcards }) in columns {
            let mut by_reach: BTreeMap<Reach, BTreeSet<Act<'_>>> = BTreeMap::new();
            for (act, parts) in column {
                for part in parts {
                    by_reach.entry(part).or_default().insert(act.clone());
                }
            }
            groups.extend(by_reach.into_iter().map(|(reach, acts)| Group {
                allows,
                terms: terms.clone(),
                who: who.clone(),
                reach,
                acts,
                wildcards: wildcards.clone(),
            }));
        }
    }
    groups
}
