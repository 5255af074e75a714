//! What must hold of every comparison, tried on random policies.

use super::vocabulary::{
    Statement, called_request, document, policy, request, resource_statement, statement, statements,
};
use ambit::policy::compare::{Answer, Comparison, Direction, Verdict, compare, compare_layers};
use ambit::policy::evaluate::{Prepared, alone, decide};
use ambit::policy::{Catalogue, Document, Layers, Outcome, Policy, Request};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::json;

pub(super) fn cases(number: u32) -> Config {
    let factor = std::env::var("AMBIT_SOAK").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    Config { cases: number * factor, failure_persistence: None, ..Config::default() }
}

fn compared(old: &[Statement], new: &[Statement]) -> Comparison {
    compare(&policy(old), &policy(new)).unwrap()
}

fn is_new(direction: &Direction) -> bool {
    direction.verdict.answer() == Answer::New
}

fn same(old: &[Statement], new: &[Statement]) -> Result<(), TestCaseError> {
    let found = compared(old, new);
    for direction in [&found.forward, &found.backward] {
        prop_assert!(!is_new(direction), "{}\n{}\n{:?}", document(old), document(new), direction);
    }
    let understood = policy(old).unknown().is_empty() && policy(new).unknown().is_empty();
    if understood {
        prop_assert_eq!(found.forward.verdict, Verdict::None);
        prop_assert_eq!(found.backward.verdict, Verdict::None);
    }
    Ok(())
}

fn outcome(policy: &Policy, request: &Request) -> Outcome {
    alone(&Prepared::new(policy), request).outcome
}

/// A witness replays, and no sampled request contradicts the verdict.
fn agrees(old: &Policy, new: &Policy, direction: &Direction, sampled: &[Request]) -> Result<(), TestCaseError> {
    if let Verdict::New(witness) = &direction.verdict {
        prop_assert_eq!(outcome(new, witness), Outcome::Allowed);
        prop_assert!(outcome(old, witness).denies());
    }
    for request in sampled {
        if outcome(new, request) == Outcome::Allowed && outcome(old, request).denies() {
            prop_assert_ne!(&direction.verdict, &Verdict::None, "{:?}", request);
        }
    }
    Ok(())
}

/// A request is decided by documents that the failure message shows.
fn shown<T>(result: Result<T, TestCaseError>, old: &[Statement], new: &[Statement]) -> Result<T, TestCaseError> {
    result.map_err(|error| match error {
        TestCaseError::Fail(reason) => {
            TestCaseError::fail(format!("{reason}\nold {}\nnew {}", document(old), document(new)))
        }
        other @ TestCaseError::Reject(_) => other,
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_policy_differs_in_nothing_from_itself(all in statements(statement())) {
        same(&all, &all)?;
    }

    #[test]
    fn evaluator_and_comparison_agree(
        old in statements(statement()),
        new in statements(statement()),
        sampled in proptest::collection::vec(request(), 60),
    ) {
        let found = compared(&old, &new);
        let (a, b) = (policy(&old), policy(&new));
        shown(agrees(&a, &b, &found.forward, &sampled), &old, &new)?;
        shown(agrees(&b, &a, &found.backward, &sampled), &old, &new)?;
    }

    #[test]
    fn evaluator_and_comparison_agree_on_neighbours(
        old in statements(statement()),
        other in statement(),
        at in any::<prop::sample::Index>(),
        sampled in proptest::collection::vec(request(), 60),
    ) {
        let mut new = old.clone();
        new[at.index(old.len())] = other;
        let found = compared(&old, &new);
        let (a, b) = (policy(&old), policy(&new));
        shown(agrees(&a, &b, &found.forward, &sampled), &old, &new)?;
        shown(agrees(&b, &a, &found.backward, &sampled), &old, &new)?;
    }

    #[test]
    fn evaluator_and_comparison_agree_about_the_policies_of_resources(
        old in statements(resource_statement()),
        new in statements(resource_statement()),
        sampled in proptest::collection::vec(called_request(), 60),
    ) {
        let found = compared(&old, &new);
        let (a, b) = (policy(&old), policy(&new));
        shown(agrees(&a, &b, &found.forward, &sampled), &old, &new)?;
        shown(agrees(&b, &a, &found.backward, &sampled), &old, &new)?;
    }

    #[test]
    fn evaluator_and_comparison_agree_about_layers(
        identity in statements(statement()),
        boundary in proptest::option::of(statements(statement())),
        scps in proptest::collection::vec(statements(statement()), 0..2),
        resource in proptest::option::of(statements(resource_statement())),
        other in statement(),
        sampled in proptest::collection::vec(request(), 60),
    ) {
        let layers = |identity: &[Statement]| Layers {
            identity: vec![policy(identity)],
            boundary: boundary.as_deref().map(policy),
            scps: scps.iter().map(|level| vec![policy(level)]).collect(),
            resource: resource.as_deref().map(policy),
            ..Layers::default()
        };
        let old = layers(&identity);
        let new = layers(&[identity, vec![other]].concat());
        let found = compare_layers(&old, &new);
        for (from, to, direction) in [(&new, &old, &found.forward), (&old, &new, &found.backward)] {
            let (from, to) = (from.map(Prepared::new), to.map(Prepared::new));
            if let Verdict::New(witness) = &direction.verdict {
                prop_assert_eq!(decide(&from, witness).outcome, Outcome::Allowed);
                prop_assert!(decide(&to, witness).outcome.denies());
            }
            for request in &sampled {
                if decide(&from, request).outcome == Outcome::Allowed && decide(&to, request).outcome.denies() {
                    prop_assert_ne!(&direction.verdict, &Verdict::None, "{:?}", request);
                }
            }
        }
    }

    #[test]
    fn another_statement_that_allows_takes_nothing_away(all in statements(statement()), mut more in statement()) {
        more.insert("Effect".into(), json!("Allow"));
        let with = [all.clone(), vec![more]].concat();
        let found = compared(&all, &with);
        prop_assert!(!is_new(&found.backward), "{}\n{}\n{:?}", document(&all), document(&with), found.backward);
    }

    #[test]
    fn another_statement_that_denies_gives_nothing(all in statements(statement()), mut more in statement()) {
        more.insert("Effect".into(), json!("Deny"));
        let with = [all.clone(), vec![more]].concat();
        let found = compared(&all, &with);
        prop_assert!(!is_new(&found.forward), "{}\n{}\n{:?}", document(&all), document(&with), found.forward);
    }

    #[test]
    fn order_names_and_case_mean_nothing(all in statements(statement()), seed in any::<u64>()) {
        let mut edited = all.clone();
        edited.rotate_left(usize::try_from(seed % 4).unwrap() % all.len());
        edited.reverse();
        for (index, statement) in edited.iter_mut().enumerate() {
            statement.insert("Sid".into(), json!(format!("Renamed{index}")));
            for name in ["Action", "NotAction"] {
                if let Some(actions) = statement.get_mut(name) {
                    *actions = serde_json::from_str(&actions.to_string().to_uppercase()).unwrap();
                }
            }
            for name in ["Action", "NotAction", "Resource", "NotResource"] {
                if let Some(values) = statement.get_mut(name) {
                    *values = turned(values);
                }
            }
        }
        same(&all, &edited)?;
    }

    #[test]
    fn splitting_a_statement_means_nothing(all in statements(statement())) {
        let mut split = Vec::new();
        for statement in &all {
            match statement.get("Action") {
                Some(serde_json::Value::Array(actions)) => for action in actions {
                    let mut part = statement.clone();
                    part.insert("Action".into(), action.clone());
                    split.push(part);
                },
                _ => split.push(statement.clone()),
            }
        }
        let mut finer = Vec::new();
        for statement in &split {
            match statement.get("Resource") {
                Some(serde_json::Value::Array(resources)) => for resource in resources {
                    let mut part = statement.clone();
                    part.insert("Resource".into(), json!([resource]));
                    finer.push(part);
                },
                _ => finer.push(statement.clone()),
            }
        }
        same(&all, &finer)?;
        same(&finer, &all)?;
    }

    #[test]
    fn what_means_the_same_to_a_document_means_the_same_here(all in statements(statement()), at in any::<prop::sample::Index>()) {
        let mut doubled = all.clone();
        doubled.push(all[at.index(all.len())].clone());
        let read = |all: &[Statement]| Document::read(&document(all));
        if let (Ok(one), Ok(two)) = (read(&all), read(&doubled)) {
            prop_assert!(one.same_meaning(&two));
        }
        same(&all, &doubled)?;
    }
}

/// A list the other way round; a single value as a list of one.
fn turned(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(values) => values.iter().rev().cloned().collect(),
        single => json!([single]),
    }
}

#[test]
fn a_wildcard_and_all_that_it_names_today_differ_only_in_what_may_come() {
    let catalogue = Catalogue::embedded();
    for pattern in ["s3:Get*", "sqs:*", "ec2:Describe*", "iam:*Role*"] {
        let (prefix, name) = pattern.split_once(':').unwrap();
        let service = catalogue.service(prefix).unwrap();
        let actions: Vec<String> =
            service.matching(name).iter().map(|action| format!("{prefix}:{}", action.name)).collect();
        let with = |actions: serde_json::Value| {
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
            policy(&[statement.as_object().unwrap().clone()])
        };
        let found = compare(&with(json!(pattern)), &with(json!(actions))).unwrap();
        assert_eq!(found.forward.verdict, Verdict::None, "{pattern}");
        assert!(is_new(&found.backward) && found.backward.is_latent(), "{pattern} {:?}", found.backward);
        assert_eq!(found.backward.domains.catalogue, Answer::None, "{pattern}");
    }
}
