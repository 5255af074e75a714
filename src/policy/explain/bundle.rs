//! What is said of the same callers under the same conditions.

use super::act::{Act, Known};
use super::atoms::Group;
use super::place::{Ids, Reach};
use super::term::Term;
use super::who::Who;
use std::collections::{BTreeMap, BTreeSet};

/// What the sentences about some actions have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bundle<'g> {
    pub(super) allows: bool,
    pub(super) terms: &'g BTreeSet<Term>,
    pub(super) who: &'g BTreeSet<Who>,
}

/// Where actions reach, apart from which resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Own,
    All,
    Some,
    AllBut(Ids),
}

/// What a bundle says, service by service.
#[derive(Default)]
pub(super) struct Contents<'g> {
    pub(super) sets: Vec<(&'g Act<'g>, &'g Reach)>,
    pub(super) known: BTreeMap<(&'static str, Lane), BTreeMap<Known<'g>, Option<Ids>>>,
    pub(super) named: BTreeMap<(&'g str, &'g Reach), Vec<&'g str>>,
    pub(super) wildcards: BTreeSet<&'g str>,
}

impl<'g> Contents<'g> {
    pub(super) fn add(&mut self, group: &'g Group<'g>) {
        self.wildcards.extend(group.wildcards.iter().map(String::as_str));
        for act in &group.acts {
            match act {
                Act::Everything | Act::Except(_) => self.sets.push((act, &group.reach)),
                Act::Known(known) => self.add_known(*known, &group.reach),
                Act::Named(name) => {
                    let service = name.split_once(':').map_or("", |(service, _)| service);
                    self.named.entry((service, &group.reach)).or_default().push(name);
                }
            }
        }
    }

    fn add_known(&mut self, known: Known<'g>, reach: &Reach) {
        let (lane, ids) = match reach {
            Reach::Own => (Lane::Own, None),
            Reach::All => (Lane::All, None),
            Reach::Some(ids) => (Lane::Some, Some(ids)),
            Reach::AllBut(ids) => (Lane::AllBut(ids.clone()), None),
        };
        let acts = self.known.entry((known.service.prefix, lane)).or_default();
        let entry = acts.entry(known).or_insert_with(|| ids.cloned());
        // Parts that had no room to be united.
        if let (Some(more), Some(have)) = (ids, entry.as_mut())
            && more != have
        {
            let all: BTreeSet<usize> = have.iter().chain(more.iter()).copied().collect();
            *have = all.into_iter().collect();
        }
    }
}
