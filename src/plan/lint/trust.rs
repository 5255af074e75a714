//! Whether a trust policy lets in one subject and nobody else.
//!
//! Reads the text that is sent, not the types that it was built from, and knows the subjects of
//! each issuer by itself: a fault in what compiles them is found here.

use serde_json::{Map, Value, json};

/// What stands before, within and after the project in the subjects of pipelines. A pattern is
/// exact enough when the whole of it comes before the first wildcard.
const PROJECTS: [[&str; 3]; 4] = [
    ["repo:", "/", ":"],
    ["project_path:", "/", ":ref_type:"],
    ["org/", "/project/", "/user/"],
    ["organization:", ":pipeline:", ":ref:"],
];

/// What a role must ask for that EKS hands to pods: nobody but EKS says these of a pod.
const OF_PODS: [&str; 4] = [
    "aws:SourceAccount",
    "aws:RequestTag/eks-cluster-arn",
    "aws:RequestTag/kubernetes-namespace",
    "aws:RequestTag/kubernetes-service-account",
];

/// Why a trust policy lets in more than one subject, if it does.
pub(in crate::plan) fn inexact(text: &str) -> Option<&'static str> {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return Some("it is not JSON");
    };
    match &document["Statement"] {
        Value::Array(list) => list.iter().find_map(statement),
        one => statement(one),
    }
}

fn statement(statement: &Value) -> Option<&'static str> {
    if statement["Effect"] == "Deny" {
        return None;
    }
    let condition = &statement["Condition"];
    let Some(equals) = condition["StringEquals"].as_object() else {
        return Some("a statement has no `StringEquals`");
    };
    match &statement["Principal"] {
        principal if principal["Federated"].is_string() => token(condition, equals),
        principal if *principal == json!({"Service": "pods.eks.amazonaws.com"}) => pods(condition, equals),
        _ => Some("a statement does not name one federated provider, or EKS for its pods"),
    }
}

/// Trust in tokens of an issuer.
fn token(condition: &Value, equals: &Map<String, Value>) -> Option<&'static str> {
    let none = Map::new();
    let like = condition["StringLike"].as_object().unwrap_or(&none);
    let others = usize::from(!like.is_empty()) + 1;
    if condition.as_object().is_none_or(|condition| condition.len() != others) || !like.iter().all(narrows) {
        return Some("a statement has conditions beside `StringEquals`, and `StringLike` on the subject or on tags");
    }
    let equal = |claim| count(equals, claim, |value| value.as_str().is_some_and(is_literal));
    let alike = count(like, "sub", pins_a_project);
    if equal("aud") != 1 {
        return Some("`aud` must equal exactly one value");
    }
    if equal("sub") + alike != 1 {
        return Some("`sub` must equal exactly one value, or name the whole project before any wildcard");
    }
    None
}

/// Trust in EKS for the pods of a service account.
fn pods(condition: &Value, equals: &Map<String, Value>) -> Option<&'static str> {
    if condition.as_object().is_none_or(|condition| condition.len() != 1) {
        return Some("a statement has conditions beside `StringEquals`");
    }
    let says = |claim: &str| equals.get(claim).and_then(Value::as_str).is_some_and(is_literal);
    let why = "account, cluster, namespace and service account must each equal exactly one value";
    (!OF_PODS.into_iter().all(says)).then_some(why)
}

/// Whether a pattern stands where one may: what the subject's must name is looked at apart, and
/// beside an exact subject only tags may be many.
fn narrows((key, value): (&String, &Value)) -> bool {
    is(key, "sub") || is(key, "ref") && value.as_str().is_some_and(|pattern| pattern.starts_with("refs/tags/"))
}

fn is(key: &str, claim: &str) -> bool {
    key.rsplit_once(':').is_some_and(|(_, last)| last == claim)
}

fn count(tests: &Map<String, Value>, claim: &str, good: impl Fn(&Value) -> bool) -> usize {
    tests.iter().filter(|(key, value)| is(key, claim) && good(value)).count()
}

fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?', '$'])
}

fn pins_a_project(value: &Value) -> bool {
    let pinned =
        |value: &Value| value.as_str().is_some_and(|pattern| !pattern.contains('$') && names_a_project(pattern));
    match value {
        Value::Array(list) => !list.is_empty() && list.iter().all(pinned),
        one => pinned(one),
    }
}

fn names_a_project(pattern: &str) -> bool {
    let fixed = pattern.split(['*', '?']).next().unwrap_or_default();
    PROJECTS.iter().any(|[before, within, after]| {
        let whole = fixed.strip_prefix(before).and_then(|rest| rest.split_once(after));
        let project = whole.and_then(|(project, _)| project.split_once(within));
        project.is_some_and(|(owner, name)| !owner.is_empty() && !name.is_empty())
    })
}
