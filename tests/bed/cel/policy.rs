//! Rules of `ScopePolicy`.

use serde_json::{Value, json};

use super::Case;
use super::cases::{selectors, short_name};
use crate::house::merged;

fn base() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "other"},
        "spec": {"namespaceSelector": {}},
    })
}

fn allow(change: &Value) -> Value {
    let rule = json!({"name": "data", "access": ["Read"], "resources": ["arn:aws:s3:::${namespace}-*"]});
    json!({"spec": {"allow": [merged(rule, change)]}})
}

fn condition(key: &str, value: &str) -> Value {
    allow(&json!({"conditions": [{"key": key, "operator": "StringEquals", "values": [value]}]}))
}

pub fn cases() -> Vec<Case> {
    let longest = |text: &str| json!({"spec": {"maxSessionDuration": text}});
    vec![
        short_name(&base()),
        selectors(&base()),
        Case::new(base(), "spec.allow[]", "must set exactly one of `access` and `actions`")
            .accepts([allow(&json!({})), allow(&json!({"access": null, "actions": ["s3:*"]}))])
            .refuses([allow(&json!({"access": null})), allow(&json!({"actions": ["s3:*"]}))]),
        Case::new(
            base(),
            "spec.allow[].conditions[].key",
            "must be a condition key such as 'aws:SourceVpce', without wildcards or variables",
        )
        .accepts([condition("aws:SourceVpce", "vpce-1a2b3c4d")])
        .refuses(["SourceVpce", "aws:*", "aws:$x"].map(|key| condition(key, "x"))),
        Case::new(
            base(),
            "spec.allow[].conditions[].values",
            "must be made of printable characters of Latin-1: the cloud takes no others",
        )
        .accepts([condition("aws:SourceVpce", "vpce-1a2b3c4d")])
        .refuses([condition("aws:SourceVpce", "\u{0}")]),
        Case::new(base(), "spec.maxSessionDuration", "must be a duration from '1h' to '12h'")
            .accepts(["1h", "12h"].map(longest))
            .refuses(["30m", "13h"].map(longest)),
    ]
}
