//! Whether some context lets one side allow and the other not, when action,
//! resource and caller are settled: a search through the keys that matter.

use super::super::catalogue::Catalogue;
use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::formula::{Allows, Formula};
use super::ground::Ground;
use super::hash::Map;
use super::test::Rule;
use super::values::{Candidates, Known, Value, candidates};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is settled before conditions are looked at.
#[derive(Debug, Clone)]
pub(super) struct Settled<'a> {
    /// The statements that match action, resource and caller.
    pub(super) statements: Bits,
    /// Those of them of which that is not certain.
    pub(super) doubtful: Bits,
    /// The keys whose values are known.
    pub(super) keys: BTreeMap<&'a str, Value>,
}

/// The values of a context that lets one side allow and the other not.
pub(super) type Found = Vec<(String, Value)>;

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Context {
    None,
    Found(Found),
    /// None was found, and not every value of a key was looked at.
    Incomplete,
}

/// The conditions on a key, and its value if that is settled.
type Question = (Vec<usize>, Option<Value>);

/// Searches, and remembers what values keys can have.
pub(super) struct Conditions<'a> {
    ground: &'a Ground,
    catalogue: &'a Catalogue,
    budget: &'a Budget,
    known: RefCell<Map<Question, Rc<Candidates>>>,
}

/// A key, the conditions on it, and its values.
struct Key<'a> {
    name: &'a str,
    tests: Vec<usize>,
    candidates: Rc<Candidates>,
}

/// One search.
struct Search<'a> {
    ground: &'a Ground,
    budget: &'a Budget,
    settled: &'a Settled<'a>,
    from: &'a Formula,
    to: &'a Formula,
    keys: Vec<Key<'a>>,
    /// What is known of each test by now.
    holds: Map<usize, bool>,
    chosen: Vec<(usize, usize)>,
    doubtful: Option<Vec<(usize, usize)>>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(ground: &'a Ground, catalogue: &'a Catalogue, budget: &'a Budget) -> Self {
        Self { ground, catalogue, budget, known: RefCell::default() }
    }

    /// A context in which `from` allows and `to` does not.
    pub(super) fn search(&self, settled: &Settled<'_>, from: &Formula, to: &Formula) -> Result<Context, Exhausted> {
        let keys = self.keys(settled)?;
        let complete = keys.iter().all(|key| key.candidates.complete);
        let mut search = Search {
            ground: self.ground,
            budget: self.budget,
            settled,
            from,
            to,
            keys,
            holds: Map::default(),
            chosen: Vec::new(),
            doubtful: None,
        };
        let certain = search.go(0)?;
        let chosen = if certain { Some(search.chosen.clone()) } else { search.doubtful.clone() };
        let Some(chosen) = chosen else {
            return Ok(if complete { Context::None } else { Context::Incomplete });
        };
        let value = |(key, candidate): (usize, usize)| {
            let key = search.keys.get(key)?;
            Some((key.name.to_owned(), key.candidates.all.get(candidate)?.value.clone()))
        };
        Ok(Context::Found(chosen.into_iter().filter_map(value).collect()))
    }

    /// The keys that conditions of the statements name; those with few values first.
    fn keys(&self, settled: &Settled<'_>) -> Result<Vec<Key<'a>>, Exhausted> {
        let mut tests: BTreeMap<&'a str, Vec<usize>> = BTreeMap::new();
        for part in settled.statements.iter().filter_map(|index| self.ground.statements.get(index)) {
            for index in &part.tests {
                let Some(test) = self.ground.tests.get(*index).filter(|test| test.rule.is_some()) else { continue };
                tests.entry(test.key.as_str()).or_default().push(*index);
            }
        }
        let mut keys = Vec::with_capacity(tests.len());
        for (name, mut tests) in tests {
            tests.sort_unstable();
            tests.dedup();
            let candidates = self.candidates(name, &tests, settled.keys.get(name))?;
            keys.push(Key { name, tests, candidates });
        }
        keys.sort_by_key(|key| key.candidates.all.len());
        Ok(keys)
    }

    fn candidates(&self, key: &str, tests: &[usize], fixed: Option<&Value>) -> Result<Rc<Candidates>, Exhausted> {
        let question = (tests.to_vec(), fixed.cloned());
        if let Some(known) = self.known.borrow().get(&question) {
            return Ok(Rc::clone(known));
        }
        let rules: Vec<&Rule> = tests.iter().filter_map(|index| self.ground.tests.get(*index)?.rule.as_ref()).collect();
        let for_one = rules.iter().all(|rule| rule.operator.set.is_none());
        let known = Known { value: fixed, several: for_one && self.catalogue.has_several(key) };
        let found = Rc::new(candidates(&rules, known, self.budget)?);
        self.known.borrow_mut().insert(question, Rc::clone(&found));
        Ok(found)
    }
}

impl Search<'_> {
    /// Goes on with the key at `at`; whether a certain answer was found.
    fn go(&mut self, at: usize) -> Result<bool, Exhausted> {
        let (sure, maybe) = self.applying()?;
        let (from, to) = (self.from.allows(sure, maybe), self.to.allows(sure, maybe));
        if from == Allows::No || to == Allows::Yes {
            return Ok(false);
        }
        if from == Allows::Yes && to == Allows::No {
            return Ok(true);
        }
        let Some(key) = self.keys.get(at) else {
            self.doubtful.get_or_insert_with(|| self.chosen.clone());
            return Ok(false);
        };
        let (tests, candidates) = (key.tests.clone(), Rc::clone(&key.candidates));
        for (number, candidate) in candidates.all.iter().enumerate() {
            self.holds.extend(tests.iter().copied().zip(candidate.holds.iter().copied()));
            self.chosen.push((at, number));
            if self.go(at + 1)? {
                return Ok(true);
            }
            self.chosen.pop();
        }
        for test in tests {
            self.holds.remove(&test);
        }
        Ok(false)
    }

    /// The statements that apply for certain, and all that may.
    fn applying(&self) -> Result<(Bits, Bits), Exhausted> {
        let (mut sure, mut maybe) = (Bits::default(), Bits::default());
        for index in self.settled.statements.iter() {
            let Some(part) = self.ground.statements.get(index) else { continue };
            self.budget.spend(1 + part.tests.len())?;
            let mut open = part.undecided || self.settled.doubtful.contains(index);
            let mut fails = false;
            for test in &part.tests {
                match self.holds.get(test) {
                    Some(holds) => fails |= !holds,
                    None => open = true,
                }
            }
            if !fails {
                maybe.insert(index);
                if !open {
                    sure.insert(index);
                }
            }
        }
        Ok((sure, maybe))
    }
}
