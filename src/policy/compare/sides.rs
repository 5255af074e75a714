//! The two sides of a comparison, and the order in which they are looked at:
//! first with variables set free, then with values for them.

use super::super::catalogue::Catalogue;
use super::super::evaluate::{self, Prepared};
use super::super::pattern::{Pattern, Syntax};
use super::super::request::{Layers, Outcome, Request};
use super::super::statement::{Policy, PolicyKind, Version};
use super::answer::{Answer, Changes, Comparison, Direction, Domains, Verdict};
use super::bits::Bits;
use super::budget::Budget;
use super::direction::{Findings, Hunt, Rank, Witness};
use super::form::{Short, Variables};
use super::formula::Formula;
use super::ground::{Builder, Manner};
use super::values::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

/// Documents of different kinds, which have no common question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot be compared with {}: both must be of one kind", old.words(), new.words())]
pub struct Mismatch {
    /// The kind of the old document.
    pub old: PolicyKind,
    /// The kind of the new one.
    pub new: PolicyKind,
}

/// The most text of both sides: many times what AWS takes in any policy.
const LONGEST: usize = 160_000;
/// The work that one direction may do: about a hundredth of a second.
const STEPS: u64 = 2_000_000;
/// The work for each of the few values that are tried for variables.
const STEPS_OF_ATTEMPT: u64 = 500_000;
/// How many times as much it may be to find every kind of change, which a person waits for.
const THOROUGH: u64 = 20;

/// The reason of an answer that would have taken too much work.
pub const TOO_MUCH: &str = "the patterns can match in too many ways to look at all";

/// Both sides.
pub(super) struct Pair<'a> {
    old: Side<'a>,
    new: Side<'a>,
    kind: Option<PolicyKind>,
    thorough: bool,
    /// Whether only the direction from old to new is looked at.
    only_forward: bool,
}

enum Side<'a> {
    Policy(&'a Policy),
    Layers(&'a Layers<Policy>),
}

impl<'a> Side<'a> {
    fn policies(&self) -> Vec<&'a Policy> {
        match self {
            Self::Policy(policy) => vec![*policy],
            Self::Layers(layers) => all_of(layers),
        }
    }
}

/// A side in the evaluator's form.
enum Replay {
    Policy(Prepared),
    Layers(Box<Layers<Prepared>>),
}

impl<'a> Pair<'a> {
    pub(super) fn of_policies(old: &'a Policy, new: &'a Policy) -> Result<Self, Mismatch> {
        let kind = match (old.kind(), new.kind()) {
            (Some(old), Some(new)) if old != new => return Err(Mismatch { old, new }),
            (old, new) => old.or(new),
        };
        Ok(Self { old: Side::Policy(old), new: Side::Policy(new), kind, thorough: false, only_forward: false })
    }

    pub(super) fn of_layers(old: &'a Layers<Policy>, new: &'a Layers<Policy>) -> Self {
        Self { old: Side::Layers(old), new: Side::Layers(new), kind: None, thorough: false, only_forward: false }
    }

    /// Both directions, each with one request for every kind of access that differs.
    pub(super) fn changes(mut self) -> [Changes; 2] {
        self.thorough = true;
        let Ok(found) = self.searched() else { return Default::default() };
        found.map(|findings| {
            let complete = !findings.exhausted && !findings.catalogue_exhausted && findings.candidate.is_none();
            let mut requests = findings.changes;
            // What AWS has today is not all: what it may have is one request.
            if requests.is_empty() {
                requests.extend(findings.witness.map(|witness| witness.request));
            }
            Changes { requests, complete }
        })
    }

    /// What the new side allows beyond the old one, with one request for every kind of access.
    pub(super) fn changes_forward(mut self) -> Changes {
        self.only_forward = true;
        let [forward, _] = self.changes();
        forward
    }

    /// What the new side allows beyond the old one.
    pub(super) fn forward(mut self) -> Direction {
        self.only_forward = true;
        match self.searched() {
            Ok([findings, _]) => direction(findings, self.doubt().as_deref()),
            Err(reason) => unknown(reason, None),
        }
    }

    pub(super) fn compare(&self) -> Comparison {
        let found = match self.searched() {
            Ok(found) => found,
            Err(reason) => return undecided(&reason),
        };
        let doubt = self.doubt();
        let [forward, backward] = found.map(|findings| direction(findings, doubt.as_deref()));
        Comparison { forward, backward }
    }

    /// Whether taking the policies apart would be more work than comparing any that AWS takes.
    fn is_oversize(&self) -> bool {
        let mut left = LONGEST;
        let texts = self.policies().into_iter().flat_map(Policy::texts);
        texts.map(str::len).any(|length| {
            let fits = left.checked_sub(length);
            left = fits.unwrap_or(0);
            fits.is_none()
        })
    }

    /// Looks at both directions with variables free, and then with values for them where that left
    /// something open; the reason why not if the policies are too large.
    fn searched(&self) -> Result<[Findings; 2], String> {
        if self.is_oversize() {
            return Err(format!("the texts of both policies have more than {LONGEST} bytes"));
        }
        let keys = self.variables();
        let replays = [Replay::of(&self.old), Replay::of(&self.new)];
        let found = self.looked_at(&Variables::Free, &BTreeMap::new(), &replays);
        let mut found = found.ok_or_else(|| format!("there are more than {} statements", Bits::CAPACITY))?;
        if !keys.is_empty() {
            for values in self.attempts(&keys) {
                let open = |findings: &Findings| findings.witness.is_none() && findings.candidate.is_some();
                if !found.iter().any(open) {
                    break;
                }
                let fixed = fixed(&keys, &values);
                let Some(attempt) = self.looked_at(&Variables::Fixed(values), &fixed, &replays) else { continue };
                for (known, attempt) in found.iter_mut().zip(attempt) {
                    if open(known) {
                        known.witness = attempt.witness;
                        known.changes = attempt.changes;
                        known.catalogue_exhausted |= attempt.exhausted || attempt.catalogue_exhausted;
                    }
                }
            }
        }
        Ok(found)
    }

    /// Both directions with variables taken in one way.
    fn looked_at(
        &self,
        variables: &Variables,
        fixed: &BTreeMap<String, Value>,
        [old_replay, new_replay]: &[Replay; 2],
    ) -> Option<[Findings; 2]> {
        let mut builder = Builder::new(variables);
        let old = self.formula(&self.old, &mut builder);
        let new = self.formula(&self.new, &mut builder);
        let ground = builder.build()?;
        let hunt = |from: &Formula, to: &Formula, replays: &dyn Fn(&Request) -> bool| {
            let (catalogue, budget) = (Catalogue::embedded(), &Budget::of(self.steps(fixed.is_empty())));
            Hunt {
                ground: &ground,
                from,
                to,
                catalogue,
                budget,
                named: self.names_callers(),
                thorough: self.thorough,
                fixed,
                replays,
            }
            .run()
        };
        Some([
            hunt(&new, &old, &|request| new_replay.allows_beyond(old_replay, request)),
            if self.only_forward {
                Findings::default()
            } else {
                hunt(&old, &new, &|request| old_replay.allows_beyond(new_replay, request))
            },
        ])
    }

    /// The work for one direction: with variables free, or with values tried for them.
    fn steps(&self, free: bool) -> u64 {
        let steps = if free { STEPS } else { STEPS_OF_ATTEMPT };
        if self.thorough { steps * THOROUGH } else { steps }
    }

    /// Whether these are policies of resources, which tell callers apart.
    fn names_callers(&self) -> bool {
        matches!(self.kind, Some(PolicyKind::Resource | PolicyKind::Trust))
    }

    fn formula(&self, side: &Side<'_>, builder: &mut Builder<'_>) -> Formula {
        match side {
            Side::Policy(policy) => {
                let principals = self.names_callers();
                let manner = Manner { short: if principals { Short::Nothing } else { Short::Completed }, principals };
                let (allow, deny) = builder.add(policy, manner);
                Formula::of_one(allow, deny)
            }
            Side::Layers(layers) => formula_of_layers(layers, builder),
        }
    }

    fn policies(&self) -> Vec<&'a Policy> {
        [&self.old, &self.new].into_iter().flat_map(Side::policies).collect()
    }

    /// The keys that stand as variables in the policies.
    fn variables(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for policy in self.policies().into_iter().filter(|policy| policy.version == Version::V2012) {
            for statement in &policy.statements {
                let resources = statement.resource.iter().flat_map(|clause| &clause.values);
                let conditions = statement.conditions.iter().flat_map(|test| &test.values);
                for text in resources.chain(conditions).filter(|text| text.contains("${")) {
                    let pattern = Pattern::parse(text, Syntax { wildcards: true, variables: true });
                    keys.extend(pattern.variables().map(|variable| variable.key.clone()));
                }
            }
        }
        keys
    }

    /// Values to try for variables: each its own; those that conditions ask for; none at all.
    fn attempts(&self, keys: &BTreeSet<String>) -> Vec<BTreeMap<String, String>> {
        let own: BTreeMap<String, String> =
            keys.iter().enumerate().map(|(number, key)| (key.clone(), sample(key, number))).collect();
        let mut asked = own.clone();
        let policies = self.policies();
        let tests = policies.iter().flat_map(|policy| &policy.statements).flat_map(|statement| &statement.conditions);
        for test in tests {
            let plain = test.values.iter().find(|value| !value.contains(['$', '*', '?']));
            if let (Some(known), Some(value)) = (asked.get_mut(&test.key.to_ascii_lowercase()), plain) {
                known.clone_from(value);
            }
        }
        let same = keys.iter().map(|key| (key.clone(), sample("", 0))).collect();
        let mut attempts = vec![own, asked, same, BTreeMap::new()];
        attempts.dedup();
        attempts
    }

    /// What in the policies is not understood.
    fn doubt(&self) -> Option<String> {
        let name = |side: &Side<'_>, name: &str| {
            let unknown = side.policies().into_iter().find_map(|policy| policy.unknown().into_iter().next())?;
            Some(format!("the {name} policy is not understood at `{}`: {}", unknown.place, unknown.problem))
        };
        name(&self.old, "old").or_else(|| name(&self.new, "new"))
    }
}

/// A text that could be the value of a key.
fn sample(key: &str, number: usize) -> String {
    let account = format!("{:012}", 210_987_654_321_u64 + number as u64);
    if key.contains("account") {
        account
    } else if key.ends_with("arn") {
        format!("arn:aws:iam::{account}:role/v{number}")
    } else {
        format!("v{number}")
    }
}

/// The values of variables as those of their keys.
fn fixed(keys: &BTreeSet<String>, values: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
    let value = |key: &String| values.get(key).map_or(Value::Absent, |value| Value::One(value.clone()));
    keys.iter().map(|key| (key.clone(), value(key))).collect()
}

fn all_of(layers: &Layers<Policy>) -> Vec<&Policy> {
    let single = layers.boundary.iter().chain(&layers.session).chain(&layers.resource);
    let levels = layers.scps.iter().chain(&layers.rcps).flatten();
    layers.identity.iter().chain(single).chain(levels).collect()
}

/// A caller of the resource's own account is allowed by its own policies within all limits, or by
/// the resource's policy if that names it: then neither boundary nor session policy limits it.
fn formula_of_layers(layers: &Layers<Policy>, builder: &mut Builder<'_>) -> Formula {
    let mut deny = Bits::default();
    let mut add = |policies: &[Policy], short: Short, principals: bool| {
        let mut allow = Bits::default();
        for policy in policies {
            let (allows, denies) = builder.add(policy, Manner { short, principals });
            allow = allow.or(allows);
            deny = deny.or(denies);
        }
        allow
    };
    let mut own = vec![add(&layers.identity, Short::Completed, false)];
    own.extend(layers.boundary.iter().map(|policy| add(from_ref(policy), Short::Completed, false)));
    own.extend(layers.session.iter().map(|policy| add(from_ref(policy), Short::Undecided, false)));
    let mut limits = Vec::new();
    for level in &layers.scps {
        limits.push(add(level, Short::Undecided, false));
    }
    let mut ways = vec![own];
    ways.extend(layers.resource.iter().map(|policy| vec![add(from_ref(policy), Short::Nothing, true)]));
    for level in &layers.rcps {
        let allow = add(level, Short::Undecided, true);
        // A level that only denies allows all else: AWS's own full access cannot be taken away.
        limits.extend((!allow.is_empty()).then_some(allow));
    }
    Formula { deny, limits, ways }
}

impl Replay {
    fn of(side: &Side<'_>) -> Self {
        match side {
            Side::Policy(policy) => Self::Policy(Prepared::new(policy)),
            Side::Layers(layers) => Self::Layers(Box::new(layers.map(Prepared::new))),
        }
    }

    fn outcome(&self, request: &Request) -> Outcome {
        match self {
            Self::Policy(policy) => evaluate::alone(policy, request).outcome,
            Self::Layers(layers) => evaluate::decide(layers, request).outcome,
        }
    }

    /// Whether the request is certainly allowed here and certainly refused there.
    fn allows_beyond(&self, other: &Self, request: &Request) -> bool {
        self.outcome(request) == Outcome::Allowed && other.outcome(request).denies()
    }
}

/// Nothing is known of either direction.
pub(super) fn undecided(reason: &str) -> Comparison {
    let unknown = unknown(reason.to_owned(), None);
    Comparison { forward: unknown.clone(), backward: unknown }
}

fn unknown(reason: String, candidate: Option<Request>) -> Direction {
    let domains = Domains { pattern: Answer::Unknown, arn: Answer::Unknown, catalogue: Answer::Unknown };
    Direction { verdict: Verdict::Unknown { reason, candidate: candidate.map(Box::new) }, domains }
}

/// The answer that findings give.
fn direction(findings: Findings, doubt: Option<&str>) -> Direction {
    let looked_at_all = !findings.exhausted && !findings.incomplete && findings.candidate.is_none();
    let Some(Witness { request, rank }) = findings.witness else {
        if looked_at_all {
            let domains = Domains { pattern: Answer::None, arn: Answer::None, catalogue: Answer::None };
            return Direction { verdict: Verdict::None, domains };
        }
        let reason = match (&findings.candidate, doubt) {
            (_, Some(doubt)) => doubt.to_owned(),
            (Some(_), None) => {
                "a request may show a difference, but depends on what the policies leave open".to_owned()
            }
            (None, None) if findings.exhausted => TOO_MUCH.to_owned(),
            (None, None) => "a condition key is compared as values of several types".to_owned(),
        };
        return unknown(reason, findings.candidate);
    };
    let rest = if looked_at_all { Answer::None } else { Answer::Unknown };
    let within = |domain: Rank, rest: Answer| if rank >= domain { Answer::New } else { rest };
    let in_catalogue = if findings.catalogue_exhausted { Answer::Unknown } else { rest };
    let domains = Domains {
        pattern: Answer::New,
        arn: within(Rank::WellFormed, rest),
        catalogue: within(Rank::Catalogue, in_catalogue),
    };
    Direction { verdict: Verdict::New(Box::new(request)), domains }
}
