//! Rules of `ScopePolicy`, and the bounds that it does not share with other kinds.

use serde_json::{Value, json};

use super::Case;
use super::cases::{selectors, short_name};
use crate::house::merged;

/// Where a policy has rules. What holds for one of them holds for the other.
const SIDES: [&str; 2] = ["allow", "deny"];

fn base() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "other"},
        "spec": {"namespaceSelector": {}},
    })
}

fn spec(change: &Value) -> Value {
    json!({"spec": change})
}

pub fn cases() -> Vec<Case> {
    let rules = SIDES.into_iter().flat_map(|side| [what(side), on(side), when(side)].concat());
    [vec![short_name(&base()), selectors(&base())], limits(), pipelines()].concat().into_iter().chain(rules).collect()
}

fn limits() -> Vec<Case> {
    let longest = |text: &str| spec(&json!({"maxSessionDuration": text}));
    let most = |number: Value| spec(&json!({"maxScopes": number}));
    let field = |name: &str, value: &str| spec(&json!({name: value}));
    let types = |list: Value| spec(&json!({"credentialTypes": list}));
    vec![
        Case::new(base(), "spec.maxSessionDuration", "must be a duration from '1h' to '12h'")
            .accepts(["1h", "12h", "90m", "3600s"].map(longest))
            .refuses(["30m", "13h", "12h1s", "0h"].map(longest)),
        Case::new(base(), "spec.maxScopes", "spec.maxScopes in body should be greater than or equal to 1")
            .accepts([most(json!(1))])
            .refuses([most(json!(0)), most(json!(-1))]),
        Case::new(base(), "spec.maxScopes", "spec.maxScopes in body should be less than or equal to 50")
            .accepts([most(json!(50))])
            .refuses([most(json!(51))]),
        Case::new(
            base(),
            "spec.permissionsManagement",
            "Unsupported value: \"Deny\": supported values: \"Allow\", \"Forbid\"",
        )
        .accepts(["Allow", "Forbid"].map(|word| field("permissionsManagement", word)))
        .refuses([field("permissionsManagement", "Deny")]),
        Case::new(base(), "spec.enforcement", "Unsupported value: \"Enforce\": supported values: \"Warn\", \"Revoke\"")
            .accepts(["Warn", "Revoke"].map(|word| field("enforcement", word)))
            .refuses([field("enforcement", "Enforce")]),
        Case::new(
            base(),
            "spec.credentialTypes[]",
            "Unsupported value: \"Password\": supported values: \"Federation\", \"SessionSecret\", \"AccessKey\"",
        )
        .accepts([types(json!(["Federation"]))])
        .refuses([types(json!(["Password"]))]),
        Case::new(base(), "spec.credentialTypes", "spec.credentialTypes in body should have at least 1 items")
            .accepts([json!({})])
            .refuses([types(json!([]))]),
    ]
}

fn pipelines() -> Vec<Case> {
    let rule = |issuer: &str, repositories: Value| json!({"issuer": issuer, "repositories": repositories});
    let all = |rules: Value| spec(&json!({"pipelines": rules}));
    let of = |issuer: &str| all(json!([rule(issuer, json!(["acme/shop"]))]));
    let issuers = ["https://token.actions.githubusercontent.com", "https://gitlab.example.com:8443/path"];
    vec![
        Case::new(
            base(),
            "spec.pipelines[].issuer",
            "spec.pipelines[0].issuer in body should match '^https://[^*?#$ ]+$'",
        )
        .accepts(issuers.map(of))
        .refuses(
            ["http://gitlab.example.com", "https://*.example.com", "https://a.example?b", "https://a.example#b"]
                .map(of),
        )
        .refuses(["https://${name}.example", "https://a.example /", " https://a.example"].map(of)),
        Case::new(base(), "spec.pipelines[]", "Duplicate value: {\"issuer\":\"https://a.example\"}")
            .accepts([all(json!([rule("https://a.example", json!(["x"])), rule("https://b.example", json!(["x"]))]))])
            .refuses([all(json!([rule("https://a.example", json!(["x"])), rule("https://a.example", json!(["y"]))]))]),
        Case::new(
            base(),
            "spec.pipelines[].repositories",
            "spec.pipelines[0].repositories in body should have at least 1 items",
        )
        .accepts([all(json!([rule(issuers[0], json!(["acme/*"]))]))])
        .refuses([all(json!([rule(issuers[0], json!([]))]))]),
    ]
}

/// A policy with one rule.
fn rule(side: &str, change: &Value) -> Value {
    let rule = json!({"name": "data", "access": ["Read"], "resources": ["arn:aws:s3:::${namespace}-*"]});
    spec(&json!({side: [merged(rule, change)]}))
}

fn what(side: &'static str) -> Vec<Case> {
    let actions = |list: &[&str]| rule(side, &json!({"access": null, "actions": list}));
    let path = format!("spec.{side}[]");
    let named = |name: &str| json!({"name": name, "access": ["Read"], "resources": ["*"]});
    vec![
        Case::new(base(), &*path, "must set exactly one of `access` and `actions`")
            .accepts([rule(side, &json!({})), actions(&["s3:*"])])
            .refuses([rule(side, &json!({"access": null})), rule(side, &json!({"actions": ["s3:*"]}))]),
        Case::new(base(), &*path, "Duplicate value: {\"name\":\"data\"}")
            .accepts([spec(&json!({side: [named("data"), named("more")]}))])
            .refuses([spec(&json!({side: [named("data"), named("data")]}))]),
        Case::new(
            base(),
            format!("{path}.actions"),
            "must be actions such as 's3:GetObject' or 's3:Get*', or '*' for every action",
        )
        .accepts([actions(&["*"]), actions(&["s3:GetObject", "s3:Get*", "s*:Get?bject", "*:*", "execute-api:Invoke"])])
        .refuses(
            [
                "**",
                "GetObject",
                "s3:",
                ":GetObject",
                "s3:Get Object",
                "s3:GetObject\n",
                "s3:Get:Object",
                "s3:${x}",
                "s3:Gét",
            ]
            .map(|action| actions(&["sqs:SendMessage", action])),
        ),
    ]
}

fn on(side: &'static str) -> Vec<Case> {
    let resources = |list: &[&str]| rule(side, &json!({"resources": list}));
    let path = format!("spec.{side}[].resources");
    let ends = |texts: &[&str]| -> Vec<Value> {
        texts.iter().map(|text| resources(&[&format!("arn:aws:s3:::{text}")])).collect()
    };
    vec![
        Case::new(
            base(),
            &*path,
            "must be ARNs such as 'arn:aws:s3:::shared/${namespace}/*', or '*' for every resource",
        )
        .accepts([resources(&["arn:aws:s3:::orders-in"]), resources(&["*"])])
        .refuses(
            ["orders-in", "**", "ARN:aws:s3:::x", " arn:aws:s3:::x", "${namespace}"].map(|text| resources(&[text])),
        ),
        Case::new(base(), &*path, "must not contain variables other than '${namespace}' and '${name}'")
            .accepts(ends(&["${namespace}-${name}/*", "$", "a$b$$c", "$${name}", "${name}$$", "$x{y}", "{$}"]))
            // Dollars before a variable do not make it another text: the cloud would still take it for one.
            .refuses(ends(&[
                "${aws:username}",
                "$${aws:username}",
                "$$${x}",
                "${names}",
                "${Name}",
                "${name",
                "${",
                "${}",
            ]))
            .refuses(ends(&["${name}${x}", "${*}", "${${name}}"])),
        Case::new(base(), &*path, "must be made of printable characters of Latin-1: the cloud takes no others")
            .accepts(ends(&["räksmörgås ÿ\u{a0}~"]))
            .refuses(ends(&["\u{7}", "\n", "\u{7f}", "\u{9f}", "\u{100}", "\u{202e}", "日本"])),
    ]
}

fn when(side: &'static str) -> Vec<Case> {
    let condition = |key: &str, value: &str| {
        let condition = json!({"key": key, "operator": "StringEquals", "values": [value]});
        rule(side, &json!({"conditions": [condition]}))
    };
    let path = format!("spec.{side}[].conditions[]");
    vec![
        Case::new(
            base(),
            format!("{path}.key"),
            "must be a condition key such as 'aws:SourceVpce', without wildcards or variables",
        )
        .accepts([condition("aws:SourceVpce", "vpce-1a2b3c4d"), condition("aws:RequestTag/team", "shop")])
        .refuses(["SourceVpce", "aws:*", "aws:$x"].map(|key| condition(key, "x"))),
        Case::new(
            base(),
            format!("{path}.values"),
            "must be made of printable characters of Latin-1: the cloud takes no others",
        )
        .accepts([condition("aws:SourceVpce", "vpce-1a2b3c4d ÿ")])
        .refuses(["\u{0}", "\u{1b}[2J", "a\nb", "日本"].map(|value| condition("aws:SourceVpce", value))),
    ]
}
