use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::plan::sample;

fn policy(name: &str, limits: &Value) -> ScopePolicy {
    let mut spec = json!({"namespaceSelector": {}});
    spec.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let metadata = json!({"name": name});
    serde_json::from_value(
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": metadata, "spec": spec}),
    )
    .unwrap()
}

/// What is said of an identity with so many scopes and sessions of that length.
fn said(count: usize, duration: &str, limits: &[(&str, Value)]) -> Vec<(String, String)> {
    let mut identity = sample::identity();
    let one = identity.spec.scopes[0].clone();
    identity.spec.scopes = vec![one; count];
    identity.spec.session_duration = serde_json::from_value(json!(duration)).unwrap();
    let policies: Vec<ScopePolicy> = limits.iter().map(|(name, limits)| policy(name, limits)).collect();
    let key = sample::key();
    let faults = faults(sample::declaration(&identity, &key), &policies.iter().collect::<Vec<_>>());
    assert!(faults.iter().all(|fault| fault.reason == Reason::ScopeDenied));
    faults.into_iter().map(|fault| (fault.field, fault.message)).collect()
}

fn pair(field: &str, message: &str) -> (String, String) {
    (field.to_owned(), format!("'shop/orders' {message}"))
}

#[test]
fn without_limits_there_are_none() {
    assert_eq!(said(50, "12h", &[]), []);
    assert_eq!(said(50, "12h", &[("a", json!({})), ("b", json!({}))]), []);
}

#[test]
fn there_are_no_more_scopes_than_the_fewest_that_any_policy_allows() {
    let limits = [("a", json!({"maxScopes": 5})), ("b", json!({"maxScopes": 3})), ("c", json!({}))];
    assert_eq!(said(3, "1h", &limits), []);
    let message = "has 4 scopes, and ScopePolicy 'b' allows at most 3: merge scopes, split the identity, or ask the owners of ScopePolicy 'b'";
    assert_eq!(said(4, "1h", &limits), [pair("spec.scopes", message)]);
}

/// The API server refuses it, and no limit must not be the answer.
#[test]
fn a_limit_below_zero_allows_nothing() {
    let (field, message) = said(1, "1h", &[("a", json!({"maxScopes": -1}))]).remove(0);
    assert_eq!(field, "spec.scopes");
    assert!(message.starts_with("'shop/orders' has 1 scopes, and ScopePolicy 'a' allows at most -1: "), "{message}");
}

#[test]
fn sessions_are_no_longer_than_the_shortest_that_any_policy_allows() {
    let limits = [
        ("a", json!({"maxSessionDuration": "8h"})),
        ("b", json!({"maxSessionDuration": "4h"})),
        ("c", json!({"maxSessionDuration": "4h"})),
    ];
    for fits in ["1h", "4h", "3h59m59s", "240m"] {
        assert_eq!(said(1, fits, &limits), [], "{fits}");
    }
    for (asked, shown) in
        [("4h0m1s", "4h1s"), ("4h30m", "4h30m"), ("241m", "4h1m"), ("12h", "12h"), ("8h59m59s", "8h59m59s")]
    {
        let message = format!(
            "asks for sessions of {shown}, and ScopePolicy 'b' allows at most 4h: shorten `spec.sessionDuration`, or ask the owners of ScopePolicy 'b'"
        );
        assert_eq!(said(1, asked, &limits), [pair("spec.sessionDuration", &message)], "{asked}");
    }
}

#[test]
fn every_limit_that_is_broken_is_told() {
    let limits = [("a", json!({"maxScopes": 1, "maxSessionDuration": "1h"}))];
    let fields: Vec<String> = said(2, "2h", &limits).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["spec.scopes", "spec.sessionDuration"]);
}

#[test]
fn federation_is_allowed_whether_listed_or_not() {
    let listed = json!({"credentialTypes": ["Federation"]});
    for limits in [vec![], vec![("a", listed.clone())], vec![("a", json!({})), ("b", listed)]] {
        assert_eq!(said(1, "1h", &limits), []);
    }
}

#[test]
fn a_secret_must_be_listed_by_every_policy_that_lists_anything() {
    let said = |limits: &[Value]| {
        let mut identity = sample::identity();
        identity.spec.credentials =
            serde_json::from_value(json!({"sessionSecret": {"secretName": "orders-aws"}})).unwrap();
        let names = ["a", "b"];
        let policies: Vec<ScopePolicy> = names.iter().zip(limits).map(|(name, limits)| policy(name, limits)).collect();
        let key = sample::key();
        let faults = faults(sample::declaration(&identity, &key), &policies.iter().collect::<Vec<_>>());
        faults.into_iter().map(|fault| (fault.field, fault.message)).collect::<Vec<_>>()
    };
    let (none, both) = (json!({}), json!({"credentialTypes": ["Federation", "SessionSecret"]}));
    let federation = json!({"credentialTypes": ["Federation"]});
    assert_eq!(said(std::slice::from_ref(&both)), []);
    assert_eq!(said(&[none.clone(), both.clone()]), []);
    let refused = |owner: &str| {
        let message = format!(
            "asks for credentials of type SessionSecret, which ScopePolicy '{owner}' does not allow: take another type, or ask the owners of ScopePolicy '{owner}'"
        );
        vec![pair("spec.credentials", &message)]
    };
    assert_eq!(said(std::slice::from_ref(&none)), refused("a"));
    assert_eq!(said(&[none.clone(), none]), refused("a"));
    assert_eq!(said(&[both, federation]), refused("b"));
}

/// What is said of a pipeline under policies with these `pipelines`.
fn pipeline(issuer: &str, repository: &str, lists: &[(&str, Value)]) -> Found {
    let policies: Vec<ScopePolicy> =
        lists.iter().map(|(name, pipelines)| policy(name, &json!({"pipelines": pipelines}))).collect();
    subject(Subject::Pipeline { issuer, repository }, &policies.iter().collect::<Vec<_>>())
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn github(repositories: &[&str]) -> Value {
    json!([{"issuer": GITHUB, "repositories": repositories}])
}

#[test]
fn a_pipeline_must_be_listed() {
    assert_eq!(pipeline(GITHUB, "acme/shop", &[("a", json!([])), ("b", github(&["acme/bank", "acme/shop"]))]), None);
    let message = "is for the pipeline `acme/shop` of issuer `https://token.actions.githubusercontent.com`, which no ScopePolicy lists under `pipelines`: ask the owners of ScopePolicy 'a' or 'b' to list it";
    let refused = Some(("spec.subject.pipeline", message.to_owned()));
    assert_eq!(pipeline(GITHUB, "acme/shop", &[("b", json!([])), ("a", github(&["acme/bank"]))]), refused);
    let of_another = json!([{"issuer": "https://gitlab.com", "repositories": ["acme/*"]}]);
    assert_eq!(pipeline(GITHUB, "acme/shop", &[("b", json!([])), ("a", of_another)]), refused);
}

#[test]
fn a_service_account_needs_no_list() {
    let none = policy("a", &json!({}));
    assert_eq!(subject(Subject::ServiceAccount, &[&none]), None);
}

/// An issuer is compared whole: it is nobody's prefix, and its case counts.
#[test]
fn an_issuer_is_this_very_one() {
    let lists = [("a", github(&["*/*"]))];
    for other in ["https://token.actions.githubusercontent.com/", "https://token.actions.githubusercontent.co", ""] {
        assert!(pipeline(other, "acme/shop", &lists).is_some(), "{other}");
    }
    assert!(pipeline(&GITHUB.to_uppercase(), "acme/shop", &lists).is_some());
}

#[test]
fn a_star_in_a_repository_stops_at_a_slash() {
    let meant = |pattern: &str, name: &str| pipeline(GITHUB, name, &[("a", github(&[pattern]))]).is_none();
    let cases: BTreeMap<&str, (&[&str], &[&str])> = BTreeMap::from([
        (
            "acme/shop",
            (&["acme/shop"][..], &["acme/shops", "acme/sho", "xacme/shop", "acme/shop/x", "Acme/shop", ""][..]),
        ),
        ("acme/*", (&["acme/shop", "acme/"], &["acme/shop/x", "acme", "acme2/shop", "x/acme/shop"])),
        ("*/*", (&["acme/shop"], &["acme", "a/b/c"])),
        ("*", (&["acme", ""], &["acme/shop"])),
        ("**", (&["acme"], &["acme/shop"])),
        (
            "acme/*-deploy",
            (&["acme/shop-deploy", "acme/-deploy", "acme/a-deploy-deploy"], &["acme/deploy", "acme/x/-deploy"]),
        ),
        ("acme/a*b*c", (&["acme/abc", "acme/aXbXc", "acme/abbcc"], &["acme/acb", "acme/ac", "acme/ab"])),
        ("acme/ab*ba", (&["acme/abba", "acme/abxba"], &["acme/aba"])),
        ("acme/sho?", (&["acme/sho?"], &["acme/shop"])),
        ("group/*/deploy", (&["group/shop/deploy"], &["group/deploy", "group/a/b/deploy"])),
    ]);
    for (pattern, (inside, outside)) in cases {
        for name in inside {
            assert!(meant(pattern, name), "`{pattern}` means `{name}`");
        }
        for name in outside {
            assert!(!meant(pattern, name), "`{pattern}` does not mean `{name}`");
        }
    }
}
