//! Generated pairs of policies and identities: what the guardrail says of an
//! identity agrees with what sampled requests show.

use super::allowance::Allowance;
use super::generated::{Case, case, same};
use super::sampled::requests;
use super::{identity, judged, policy};
use crate::properties::cases;
use ambit::api::v1alpha1::ScopePolicy;
use ambit::names::IdentityKey;
use ambit::plan::{Reason, Refusal, Resolved};
use ambit::policy::ceiling::{Ceiling, Protected, Rule, Ruling, floor};
use ambit::policy::evaluate::{Prepared, alone};
use ambit::policy::{AccessLevel, Catalogue, Condition, Document, Grant, Outcome, Policy};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use serde_json::{Value, json};
use std::cell::Cell;

/// How many pairs are judged.
const PAIRS: u32 = 1000;
/// Of a hundred pairs, at least so many are accepted and so many refused: else the test says little.
const SHARE: u32 = 25;

/// How pairs came out.
#[derive(Default)]
struct Tally {
    accepted: Cell<u32>,
    refused: Cell<u32>,
    undecided: Cell<u32>,
    sampled: Cell<u32>,
    /// Accepted pairs of which some sampled request was allowed.
    shown: Cell<u32>,
}

fn add(cell: &Cell<u32>, more: u32) {
    cell.set(cell.get() + more);
}

impl Case {
    fn judged(&self) -> Result<Resolved, Refusal> {
        let policies = self.policies.iter().enumerate();
        let policies: Vec<ScopePolicy> =
            policies.map(|(index, rules)| policy(&format!("p{index}"), rules).unwrap()).collect();
        let key = IdentityKey::new("shop", "orders");
        let identity = identity(&key, &json!({"scopes": self.scopes})).unwrap();
        judged(&key, &identity, policies)
    }

    /// The policies as the engine takes them.
    fn ceiling(&self) -> Ceiling {
        let rules = |list: &str| -> Vec<Rule> {
            self.policies.iter().filter_map(|policy| policy[list].as_array()).flatten().map(rule).collect()
        };
        let arn = |resource: &str| format!("arn:aws:iam::123456789012:{resource}");
        let protected = Protected {
            roles: vec![arn("role/ambit/*")],
            means: vec![arn("role/ambit-*"), arn("policy/bounds")],
            provider: Some(arn("oidc-provider/oidc.example.com/id/A")),
            associations: None,
            people: arn("role/aws-reserved/sso.amazonaws.com/*"),
        };
        let mut denies = rules("deny");
        denies.extend(floor(&protected, Catalogue::embedded()).into_iter().map(|(_, rule)| rule));
        let says = |word: &str| self.policies.iter().any(|policy| policy["permissionsManagement"] == word);
        if says("Forbid") || !says("Allow") {
            let grant = Grant::Access(vec![AccessLevel::Permissions]);
            denies.push(Rule { grant, resources: vec!["*".to_owned()], conditions: Vec::new() });
        }
        Ceiling { allows: rules("allow"), denies }
    }
}

fn rule(rule: &Value) -> Rule {
    let filled = rule.to_string().replace("${namespace}", "shop").replace("${name}", "orders");
    let rule: Value = serde_json::from_str(&filled).unwrap();
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let grant = match rule.get("access") {
        Some(levels) => Grant::Access(texts(levels).iter().map(|name| AccessLevel::parse(name).unwrap()).collect()),
        None => Grant::Actions(texts(&rule["actions"])),
    };
    let condition = |condition: &Value| Condition {
        key: condition["key"].as_str().unwrap().to_owned(),
        operator: condition["operator"].as_str().unwrap().to_owned(),
        values: texts(&condition["values"]),
    };
    let conditions = rule["conditions"].as_array().into_iter().flatten().map(condition).collect();
    Rule { grant, resources: texts(&rule["resources"]), conditions }
}

/// No request that the permissions allow is outside the allowance.
fn accepted(case: &Case, permissions: &Document, tally: &Tally) -> Result<(), TestCaseError> {
    let mut allowance = Allowance::new(&case.policies, "shop", "orders");
    let sampled = requests(permissions.text(), &case.scopes, &case.policies, case.seed);
    for request in &sampled {
        prop_assert!(allowance.allows(request), "accepted, but {request:?} is outside\n{}", permissions.text());
    }
    add(&tally.accepted, 1);
    add(&tally.sampled, u32::try_from(sampled.len()).unwrap());
    add(&tally.shown, u32::from(!sampled.is_empty()));
    prop_assert_eq!(case.ceiling().judge(permissions, Catalogue::embedded()), Ruling::Within);
    Ok(())
}

/// The request that a refusal shows is allowed by the permissions and outside the allowance.
fn refused(case: &Case, permissions: &Document, refusal: &Refusal, tally: &Tally) -> Result<(), TestCaseError> {
    let beyond = match case.ceiling().judge(permissions, Catalogue::embedded()) {
        Ruling::Beyond(beyond) => beyond,
        Ruling::Within => return Err(TestCaseError::fail(format!("refused, but within: {}", refusal.verdict.message))),
        // Scopes that can be judged one by one may be too much together.
        Ruling::Undecided { .. } => {
            add(&tally.undecided, 1);
            return Ok(());
        }
    };
    let request = &beyond.request;
    let wanted = Prepared::new(&Policy::read(permissions.text()).unwrap());
    prop_assert_eq!(alone(&wanted, request).outcome, Outcome::Allowed, "{:?}", request);
    let mut allowance = Allowance::new(&case.policies, "shop", "orders");
    prop_assert!(!allowance.allows(request), "refused, but {:?} is inside\n{}", request, permissions.text());
    add(&tally.refused, 1);
    for fault in &refusal.faults {
        // Each sentence stands alone: who, what, and what to do.
        prop_assert!(fault.message.starts_with("'shop/orders' asks in scope `s"), "{}", fault.message);
        prop_assert!(
            fault.message.contains(", or ask ") || fault.message.contains("no ScopePolicy can"),
            "{}",
            fault.message
        );
        prop_assert!(!fault.message.ends_with('.') && !fault.message.contains('\n'), "{}", fault.message);
    }
    Ok(())
}

fn agrees(case: &Case, tally: &Tally) -> Result<(), TestCaseError> {
    match case.judged() {
        Ok(resolved) => accepted(case, &resolved.desired.permissions, tally),
        Err(refusal) if refusal.verdict.reason == Reason::ScopeDenied => {
            let objection = refusal.objection.clone().unwrap();
            refused(case, &objection.resolved.desired.permissions, &refusal, tally)
        }
        Err(refusal) if refusal.verdict.reason == Reason::Undecidable => {
            add(&tally.undecided, 1);
            Ok(())
        }
        // No question for guardrails.
        Err(refusal) => Err(TestCaseError::reject(refusal.verdict.message)),
    }
}

/// The words of a rule in a scope ask for what the rule allows.
fn says_the_same(case: &Case) -> Result<(), TestCaseError> {
    match case.judged() {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.verdict.message.contains("which no ScopePolicy can allow") => {
            Err(TestCaseError::reject("the floor is another question"))
        }
        Err(refusal) if matches!(refusal.verdict.reason, Reason::ScopeDenied | Reason::Undecidable) => {
            Err(TestCaseError::fail(refusal.verdict.message))
        }
        Err(refusal) => Err(TestCaseError::reject(refusal.verdict.message)),
    }
}

#[test]
fn what_a_rule_says_word_for_word_is_accepted() {
    let config = cases(PAIRS / 4);
    let mut runner = TestRunner::new(ProptestConfig { max_global_rejects: config.cases * 8, ..config });
    if let Err(error) = runner.run(&same(), |case| says_the_same(&case)) {
        panic!("{error}");
    }
}

#[test]
fn the_guardrail_agrees_with_sampled_requests() {
    let (config, tally) = (cases(PAIRS), Tally::default());
    let pairs = config.cases;
    let mut runner = TestRunner::new(ProptestConfig { max_global_rejects: pairs * 4, ..config });
    match runner.run(&case(), |case| agrees(&case, &tally)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => panic!(
            "{reason}\npolicies {}\nscopes {}",
            serde_json::to_string_pretty(&case.policies).unwrap(),
            serde_json::to_string_pretty(&case.scopes).unwrap()
        ),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
    let (accepted, refused, undecided) = (tally.accepted.get(), tally.refused.get(), tally.undecided.get());
    let counts = format!(
        "{accepted} accepted, {refused} refused, {undecided} undecided, {} requests of {}",
        tally.sampled.get(),
        tally.shown.get()
    );
    eprintln!("{counts}");
    assert!(accepted + refused + undecided >= pairs, "{counts}");
    assert!(accepted * 100 >= pairs * SHARE && refused * 100 >= pairs * SHARE, "{counts}");
    assert!(undecided * 100 <= pairs * 2, "{counts}");
    assert!(tally.shown.get() * 100 >= accepted * 90 && tally.sampled.get() >= accepted * 20, "{counts}");
}
