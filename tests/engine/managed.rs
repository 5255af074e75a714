//! Every change that AWS made to its managed policies, in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use ambit::policy::compare::{Answer, Direction, TOO_MUCH, Verdict, compare};
use ambit::policy::evaluate::{Prepared, alone};
use ambit::policy::{Document, Outcome, Policy};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How many pairs the pinned package has.
const PAIRS: usize = 2_416;
/// How many of the directions must at least be answered `none` or `new`: 97 of a hundred.
const DECIDED: usize = (PAIRS * 2 * 97).div_ceil(100);
/// The directions that may end because their work does. That policy goes from 25 resources of API
/// Gateway to 45, such as `/restapis/*/resources/*/methods/*`, and their wildcards meet in too many ways.
const CAPPED: [&str; 1] = ["AWSSupportServiceRolePolicy/v7-v8 forward"];

#[derive(Deserialize)]
struct Pair<'a> {
    id: &'a str,
    #[serde(borrow)]
    old: &'a RawValue,
    #[serde(borrow)]
    new: &'a RawValue,
}

/// One version of a policy.
struct Version {
    policy: Policy,
    prepared: Prepared,
    document: Option<Document>,
    differs_from_itself: bool,
}

/// The answers about one pair.
struct Answers {
    decided: usize,
    /// The directions that were not decided, each with its reason.
    unknown: Vec<(String, String)>,
    /// What must never be.
    wrong: Vec<String>,
}

#[test]
fn changes_of_managed_policies_are_decided() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/oracle/managed.jsonl");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("`.tools/oracle/managed.jsonl` cannot be read: {error}; `make judges` writes it")
    });
    let pairs: Vec<Pair<'_>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pairs.len(), PAIRS, "`.tools/oracle/managed.jsonl` is of another version: `make judges` writes it anew");

    let texts: BTreeSet<&str> = pairs.iter().flat_map(|pair| [pair.old.get(), pair.new.get()]).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    let versions: BTreeMap<&str, Version> =
        texts.iter().copied().zip(on_two_threads(&texts, |text| Version::read(text))).collect();
    let odd: Vec<&str> =
        versions.iter().filter(|(_, version)| version.differs_from_itself).map(|(text, _)| *text).collect();
    assert!(odd.is_empty(), "these differ from themselves: {odd:#?}");

    let answers =
        on_two_threads(&pairs, |pair| Answers::of(pair.id, &versions[pair.old.get()], &versions[pair.new.get()]));
    let wrong: Vec<&String> = answers.iter().flat_map(|answers| &answers.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let decided: usize = answers.iter().map(|answers| answers.decided).sum();
    let unknown: Vec<&(String, String)> = answers.iter().flat_map(|answers| &answers.unknown).collect();
    assert!(decided >= DECIDED, "{decided} of {} directions are decided: {unknown:#?}", PAIRS * 2);
    let capped: Vec<&str> =
        unknown.iter().filter(|(_, reason)| reason == TOO_MUCH).map(|(direction, _)| &**direction).collect();
    assert!(capped.iter().all(|direction| CAPPED.contains(direction)), "{capped:#?}");
}

/// Does the same with each. Every other one goes to the same thread, because large policies stand together.
fn on_two_threads<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = |first: usize| all.iter().skip(first).step_by(2).map(&work).collect::<Vec<_>>();
    let (even, odd) = thread::scope(|scope| {
        let odd = scope.spawn(|| share(1));
        (share(0), odd.join().unwrap())
    });
    let mut shares = [even.into_iter(), odd.into_iter()];
    (0..all.len()).map(|at| shares[at % 2].next().unwrap()).collect()
}

impl Version {
    fn read(text: &str) -> Self {
        let policy = Policy::read(text).unwrap();
        let found = compare(&policy, &policy).unwrap();
        Self {
            prepared: Prepared::new(&policy),
            policy,
            document: Document::read(text).ok(),
            differs_from_itself: [found.forward, found.backward].iter().any(|found| found.verdict != Verdict::None),
        }
    }

    fn means_the_same_as(&self, other: &Self) -> bool {
        let both = self.document.as_ref().zip(other.document.as_ref());
        both.is_some_and(|(one, other)| one.same_meaning(other))
    }
}

impl Answers {
    fn of(id: &str, old: &Version, new: &Version) -> Self {
        let found = compare(&old.policy, &new.policy).unwrap();
        let mut answers = Self { decided: 0, unknown: Vec::new(), wrong: Vec::new() };
        answers.add(format!("{id} forward"), &found.forward, [old, new]);
        answers.add(format!("{id} backward"), &found.backward, [new, old]);
        let both = [&found.forward, &found.backward].map(|direction| direction.verdict.answer());
        if old.means_the_same_as(new) && both != [Answer::None; 2] {
            answers.wrong.push(format!("{id}: both mean the same, and the answers are {both:?}"));
        }
        answers
    }

    /// Takes up the answer to whether `to` allows more than `from`: one must refuse the witness, the
    /// other allow it.
    fn add(&mut self, name: String, direction: &Direction, [from, to]: [&Version; 2]) {
        self.decided += usize::from(direction.verdict.answer() != Answer::Unknown);
        match &direction.verdict {
            Verdict::None => {}
            Verdict::New(witness) => {
                let [before, after] = [from, to].map(|version| alone(&version.prepared, witness).outcome);
                if !before.denies() || after != Outcome::Allowed {
                    self.wrong.push(format!("{name}: {witness:?} is {before:?} before and {after:?} after"));
                }
            }
            Verdict::Unknown { reason, .. } => self.unknown.push((name, reason.clone())),
        }
    }
}
