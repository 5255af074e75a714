//! Every rule of CEL in every kind, judged by a real API server: what it
//! accepts, and what it refuses with exactly its message.

mod account;
mod cases;
mod identity;
mod policy;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::house::{Talk, house, merged};
use crate::schema::{Rule, rules};
pub use cases::{Case, Judge};

/// A field's path without the numbers and keys in it. The API server calls the whole object `<nil>`.
fn plain(field: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in field.trim_start_matches("<nil>").chars() {
        inside = (inside || character == '[') && character != ']';
        if !inside || character == '[' {
            plain.push(character);
        }
    }
    plain
}

/// Asks the API server about the case's base, changed so.
async fn judge(talk: &Talk, case: &Case, change: &Value) -> Result<Value, Box<kube::core::Status>> {
    match case.judge {
        Judge::Creation => talk.try_create(&merged(case.base.clone(), change)).await,
        Judge::Change => talk.try_change(&case.base, change).await,
    }
}

/// Checks one case, and returns the rule that it is about.
async fn check(talk: &Talk, case: &Case) -> Rule {
    let kind = case.base["kind"].as_str().unwrap();
    let label = format!("{kind} {}: {}", case.path, case.message);
    for accepted in &case.accepted {
        if let Err(status) = judge(talk, case, accepted).await {
            panic!("{label}: must accept {accepted}: {}", status.message);
        }
    }
    for refused in &case.refused {
        let Err(status) = judge(talk, case, refused).await else { panic!("{label}: must refuse {refused}") };
        let mut causes = status.details.map(|details| details.causes).unwrap_or_default();
        // Rules are not asked about an object whose form is wrong, which is told as well.
        causes.retain(|cause| !cause.message.ends_with("correct the existing errors to complete validation"));
        let [one] = &causes[..] else { panic!("{label}: {refused} must have one cause: {}", status.message) };
        assert_eq!(plain(&one.field), case.path, "{label}: {refused}");
        let text = one.message.strip_prefix("Invalid value: ").unwrap_or(&one.message);
        // Before the message stands the value, or its type where it is no single text.
        assert!(text == case.message || text.ends_with(&format!(": {}", case.message)), "{label}: {refused}: {text}");
    }
    Rule { kind: kind.to_owned(), path: case.path.clone(), message: case.message.to_owned() }
}

#[tokio::test]
async fn every_rule_accepts_and_refuses_as_it_says() {
    let house = house().await;
    let people = house.namespace("rules", &[]).await;
    // Nobody but the operator may write tables, and it has none to write where there is no identity.
    let operator = house.as_operator(&house.namespace("rules-of-tables", &[]).await).await;
    people.apply(&identity::stored()).await.unwrap();
    people.apply(&identity::stored_with_key()).await.unwrap();
    people.apply(&account::stored_on_eks()).await.unwrap();
    let mut covered = BTreeSet::new();
    for case in cases::all() {
        assert!(!case.accepted.is_empty() && !case.refused.is_empty(), "{} {}", case.path, case.message);
        let talk = if case.base["kind"] == "BindingTable" { &operator } else { &people };
        covered.insert(check(talk, &case).await);
    }
    let missing: Vec<Rule> = rules().into_iter().filter(|rule| !covered.contains(rule)).collect();
    assert!(missing.is_empty(), "these rules have no case in tests/bed/cel: {missing:#?}");
}

#[test]
fn paths_are_told_without_numbers_and_keys() {
    assert_eq!(plain("spec.scopes[12].conditions[0].key"), "spec.scopes[].conditions[].key");
    assert_eq!(plain("serviceAccounts[a.b]"), "serviceAccounts[]");
    assert_eq!(plain("<nil>"), "");
}
