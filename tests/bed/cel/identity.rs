//! Rules of `MachineIdentity`.

use serde_json::{Value, json};

use super::Case;
use super::cases::short_name;
use crate::house;

/// The identity that rules about changes are asked about. Its account does not
/// exist, so nothing is ever made for it.
pub fn stored() -> Value {
    house::merged(house::identity("stored", "stored"), &json!({"spec": {"accountRef": {"name": "nowhere"}}}))
}

fn base() -> Value {
    house::identity("orders", "orders")
}

fn spec(change: &Value) -> Value {
    json!({"spec": change})
}

/// A pipeline instead of the base's service account.
fn pipeline(subject: &Value) -> Value {
    spec(&json!({"subject": {"serviceAccount": null, "pipeline": subject}}))
}

/// One scope instead of the base's.
fn scope(change: &Value) -> Value {
    let scope = json!({"name": "inbox", "access": ["Read"], "resources": ["arn:aws:s3:::orders-in/*"]});
    spec(&json!({"scopes": [house::merged(scope, change)]}))
}

/// An identity that asks for a Secret.
fn secret(change: &Value) -> Value {
    spec(&json!({"credentials": {"sessionSecret": house::merged(json!({"secretName": "orders-aws"}), change)}}))
}

/// A pipeline that asks for such credentials.
fn pipeline_with(credentials: &Value) -> Value {
    let subject = pipeline(&json!({"github": {"repository": "acme/shop", "branch": "main"}}));
    house::merged(subject, &spec(&json!({"credentials": credentials})))
}

fn actions(list: &[&str]) -> Value {
    scope(&json!({"access": null, "actions": list}))
}

fn resources(list: &[&str]) -> Value {
    scope(&json!({"resources": list}))
}

pub fn cases() -> Vec<Case> {
    [whole(), credentials(), keys(), scopes(), conditions(), pipelines()].concat()
}

fn whole() -> Vec<Case> {
    vec![
        short_name(&base()),
        Case::new(
            stored(),
            "spec",
            "`accountRef` must stay as it is: the principal lives in that account; make another MachineIdentity instead",
        )
        .about_changes()
        .accepts([spec(&json!({"accountRef": {"name": "nowhere"}, "sessionDuration": "2h"}))])
        .refuses([spec(&json!({"accountRef": {"name": "elsewhere"}}))]),
        Case::new(base(), "spec.subject", "must set exactly one of `serviceAccount` and `pipeline`")
            .accepts([json!({}), pipeline(&json!({"github": {"repository": "acme/shop", "branch": "main"}}))])
            .refuses([
                spec(&json!({"subject": {"serviceAccount": null}})),
                spec(&json!({"subject": {"pipeline": {"github": {"repository": "acme/shop", "branch": "main"}}}})),
            ]),
        Case::new(
            stored(),
            "spec.subject",
            "must stay of one kind: a role that pods may use does not become one that a pipeline may use; make another MachineIdentity instead",
        )
        .about_changes()
        .accepts([spec(&json!({"subject": {"serviceAccount": {"name": "another"}}}))])
        .refuses([pipeline(&json!({"github": {"repository": "acme/shop", "branch": "main"}}))]),
        Case::new(base(), "spec.sessionDuration", "must be a duration from '1h' to '12h'")
            .accepts(["1h", "12h", "3600s", "1h30m"].map(|text| spec(&json!({"sessionDuration": text}))))
            .refuses(["59m", "13h", "0s", "12h1s"].map(|text| spec(&json!({"sessionDuration": text})))),
    ]
}

/// An identity that asks for an access key.
fn key(change: &Value) -> Value {
    spec(&json!({"credentials": {"accessKey": house::merged(json!({"secretName": "orders-key"}), change)}}))
}

/// The identity with an access key that rules about changes are asked about.
pub fn stored_with_key() -> Value {
    let format = json!({"format": "SharedCredentialsFile", "profile": "orders"});
    let named = json!({"metadata": {"name": "stored-key"}, "spec": {"accountRef": {"name": "nowhere"}}});
    house::merged(house::merged(house::identity("stored-key", "stored-key"), &named), &key(&format))
}

fn keys() -> Vec<Case> {
    vec![
        Case::new(
            base(),
            "spec.credentials.accessKey",
            "must set `profile` only with `format` 'SharedCredentialsFile': environment variables have no profile",
        )
        .accepts([key(&json!({"format": "SharedCredentialsFile", "profile": "orders"})), key(&json!({}))])
        .refuses([key(&json!({"profile": "orders"}))]),
        Case::new(
            base(),
            "spec.credentials.accessKey",
            "`overlap` must be at most half of `rotateEvery`: the old key has to be gone before the next rotation",
        )
        .accepts([key(&json!({"rotateEvery": "48h"})), key(&json!({"rotateEvery": "1h", "overlap": "30m"}))])
        .refuses([key(&json!({"rotateEvery": "47h"})), key(&json!({"rotateEvery": "1h", "overlap": "31m"}))]),
        Case::new(base(), "spec.credentials.accessKey.rotateEvery", "must be a duration from '1h' to '8784h'")
            .accepts(["1h", "2160h", "8784h"].map(|every| key(&json!({"rotateEvery": every, "overlap": "0s"}))))
            .refuses(["59m", "8784h1s", "0s"].map(|every| key(&json!({"rotateEvery": every, "overlap": "0s"})))),
        Case::new(
            base(),
            "spec",
            "`credentials.accessKey` must go with `subject.serviceAccount`: a pipeline exchanges its own token, by federation",
        )
        .accepts([key(&json!({}))])
        .refuses([pipeline_with(&json!({"accessKey": {"secretName": "orders-key"}}))]),
        Case::new(
            stored(),
            "spec",
            "`credentials.accessKey` must stay set or unset: its principal is a user, and all others are roles; make another MachineIdentity instead",
        )
        .about_changes()
        .accepts([spec(&json!({"credentials": {"federation": {}}}))])
        .refuses([key(&json!({}))]),
        Case::new(
            stored_with_key(),
            "spec.credentials.accessKey",
            "`secretName`, `format` and `profile` must stay as they are: a key is told once, when it is made; make another MachineIdentity instead",
        )
        .about_changes()
        .accepts([key(&json!({"rotateEvery": "720h"}))])
        .refuses([
            key(&json!({"secretName": "another"})),
            key(&json!({"profile": "another"})),
            spec(&json!({"credentials": {"accessKey": {"profile": null}}})),
            spec(&json!({"credentials": {"accessKey": {"format": "Environment", "profile": null}}})),
        ]),
    ]
}

fn credentials() -> Vec<Case> {
    vec![
        Case::new(
            base(),
            "spec.credentials",
            "must set exactly one of `federation`, `sessionSecret` and `accessKey`",
        )
        .accepts([json!({}), spec(&json!({"credentials": {"federation": {}}})), secret(&json!({}))])
        .refuses([
            spec(&json!({"credentials": {}})),
            spec(&json!({"credentials": {"federation": {}, "sessionSecret": {"secretName": "orders-aws"}}})),
            spec(&json!({"credentials": {"federation": {}, "accessKey": {"secretName": "orders-key"}}})),
        ]),
        Case::new(
            base(),
            "spec.credentials.sessionSecret",
            "must set `profile` only with `format` 'SharedCredentialsFile': environment variables have no profile",
        )
        .accepts([
            secret(&json!({"format": "SharedCredentialsFile", "profile": "orders"})),
            secret(&json!({"format": "SharedCredentialsFile"})),
            secret(&json!({"format": "Environment"})),
        ])
        .refuses([secret(&json!({"profile": "orders"})), secret(&json!({"format": "Environment", "profile": "default"}))]),
        Case::new(
            base(),
            "spec",
            "`credentials.sessionSecret` must go with `subject.serviceAccount`: a pipeline exchanges its own token, by federation",
        )
        .accepts([secret(&json!({})), pipeline_with(&json!({"federation": {}}))])
        .refuses([pipeline_with(&json!({"sessionSecret": {"secretName": "orders-aws"}}))]),
    ]
}

fn scopes() -> Vec<Case> {
    vec![
        Case::new(base(), "spec.scopes[]", "must set exactly one of `access` and `actions`")
            .accepts([json!({}), actions(&["s3:GetObject"])])
            .refuses([scope(&json!({"access": null})), scope(&json!({"actions": ["s3:GetObject"]}))]),
        Case::new(
            base(),
            "spec.scopes[].actions",
            "must be actions such as 'sqs:SendMessage': a service without wildcards, a colon, and an action",
        )
        .accepts([actions(&["s3:GetObject", "s3:Get*", "execute-api:Invoke", "s3:List?ucket"])])
        .refuses(
            ["*:*", "s*:GetObject", "GetObject", "s3:", "s3:Get Object", "s3:GetObject\n", "s3:Get:Object", "s3:${x}"]
                .map(|action| actions(&["sqs:SendMessage", action])),
        ),
        Case::new(
            base(),
            "spec.scopes[].resources",
            "must be ARNs such as 'arn:aws:s3:::orders-in/*', or '*' for actions that take no resource",
        )
        .accepts([resources(&["arn:aws:s3:::orders-in"]), resources(&["*"])])
        .refuses(["orders-in", "**", "ARN:aws:s3:::x", " arn:aws:s3:::x"].map(|resource| resources(&[resource]))),
        Case::new(base(), "spec.scopes[].resources", "must not contain policy variables: '${' is not allowed")
            .accepts([resources(&["arn:aws:s3:::orders-in/$x{y}"])])
            .refuses([resources(&["arn:aws:s3:::orders-in/${aws:username}/*"])]),
        Case::new(
            base(),
            "spec.scopes[].resources",
            "must be made of printable characters of Latin-1: the cloud takes no others",
        )
        .accepts([resources(&["arn:aws:s3:::orders-in/räksmörgås ÿ\u{a0}~"])])
        .refuses(
            ["\u{7}", "\n", "\u{7f}", "\u{9f}", "\u{100}", "\u{202e}", "日本"]
                .map(|text| resources(&[&format!("arn:aws:s3:::orders-in/{text}")])),
        ),
    ]
}

fn pipelines() -> Vec<Case> {
    let path = |issuer: &str| format!("spec.subject.pipeline{issuer}");
    let github = |more: Value| pipeline(&json!({"github": house::merged(json!({"repository": "acme/shop"}), &more)}));
    let refs = |issuer: &'static str, base: Value| {
        let of = move |more: &Value| pipeline(&json!({issuer: house::merged(base.clone(), more)}));
        Case::new(self::base(), path(&format!(".{issuer}")), "must set exactly one of `branch` and `tag`")
            .accepts([of(&json!({"branch": "main"})), of(&json!({"tag": "v1"}))])
            .refuses([of(&json!({})), of(&json!({"branch": "main", "tag": "v1"}))])
    };
    let id = "0a1b2c3d-0000-4000-8000-000000000001";
    vec![
        Case::new(base(), path(""), "must set exactly one of `github`, `gitlab`, `circleci`, `buildkite` and `oidc`")
            .accepts([pipeline(&json!({"oidc": {"issuer": "https://ci.example.com", "subject": "job:shop"}}))])
            .refuses([
                pipeline(&json!({})),
                pipeline(&json!({
                    "github": {"repository": "acme/shop", "branch": "main"},
                    "gitlab": {"project": "acme/shop", "branch": "main"},
                })),
            ]),
        Case::new(
            base(),
            path(".github"),
            "must set at least one of `environment`, `branch`, `tag` and `workflow`: a whole repository is too much",
        )
        .accepts([github(json!({"environment": "prod"})), github(json!({"tag": "v*"}))])
        .refuses([github(json!({}))]),
        Case::new(base(), path(".github"), "must not set both `branch` and `tag`")
            .accepts([github(json!({"branch": "main", "environment": "prod"}))])
            .refuses([github(json!({"branch": "main", "tag": "v1"}))]),
        refs("gitlab", json!({"project": "acme/shop"})),
        refs("circleci", json!({"organization": id, "project": id, "origin": "github.com/acme/shop"})),
        refs("buildkite", json!({"organization": "acme", "pipeline": "shop"})),
    ]
}

fn conditions() -> Vec<Case> {
    let condition = |key: &str, value: &str| {
        let condition = json!({"key": key, "operator": "StringEquals", "values": [value]});
        scope(&json!({"conditions": [condition]}))
    };
    vec![
        Case::new(
            base(),
            "spec.scopes[].conditions[].key",
            "must be a condition key such as 'aws:SourceVpce', without wildcards or variables",
        )
        .accepts([condition("aws:SourceVpce", "vpce-1a2b3c4d"), condition("aws:RequestTag/team", "shop")])
        .refuses(["SourceVpce", "aws:Source*", "aws:${x}"].map(|key| condition(key, "x"))),
        Case::new(
            base(),
            "spec.scopes[].conditions[].values",
            "must be made of printable characters of Latin-1: the cloud takes no others",
        )
        .accepts([condition("aws:SourceVpce", "vpce ÿ")])
        .refuses(["\u{1b}[2J", "a\nb", "日本"].map(|value| condition("aws:SourceVpce", value))),
    ]
}
