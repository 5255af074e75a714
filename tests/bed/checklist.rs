//! What every kind must have, so that people and tools can rely on it. Needs no bed.

use serde_json::{Value, json};

use crate::schema::{Node, definitions, walk};

/// The largest definition that client-side apply can still keep in an annotation.
const LARGEST: usize = 200_000;

/// What stays without an upper bound, and why.
const UNBOUNDED: [(&str, &str); 1] =
    [("observedGeneration", "a copy of a number that the API server itself counts, and bounds by its format")];

/// Something that every schema must hold to, with one that does not.
struct Check {
    must: &'static str,
    holds: fn(&Node<'_>) -> bool,
    bad: &'static str,
}

const CHECKS: [Check; 9] = [
    Check {
        must: "have a description",
        holds: |node| !node.is_field || node.schema["description"].as_str().is_some_and(|text| !text.is_empty()),
        bad: r#"{"type": "boolean"}"#,
    },
    Check {
        must: "have a maxLength, an enum or a format",
        holds: |node| !is(node, "string") || ["maxLength", "enum", "format"].iter().any(|word| has(node, word)),
        bad: r#"{"type": "string", "pattern": "^a+$"}"#,
    },
    Check {
        must: "have maxItems and x-kubernetes-list-type",
        holds: |node| !is(node, "array") || has(node, "maxItems") && has(node, "x-kubernetes-list-type"),
        bad: r#"{"type": "array", "maxItems": 5}"#,
    },
    Check {
        must: "have maxProperties",
        holds: |node| !node.schema["additionalProperties"].is_object() || has(node, "maxProperties"),
        bad: r#"{"type": "object", "additionalProperties": {"type": "boolean"}}"#,
    },
    Check {
        must: "be an integer with a minimum and a maximum",
        holds: |node| {
            let counted = UNBOUNDED.iter().any(|(name, _)| node.path.rsplit('.').next() == Some(name));
            let above = has(node, "maximum") || counted && node.schema["format"] == "int64";
            !is(node, "number") && (!is(node, "integer") || has(node, "minimum") && above)
        },
        bad: r#"{"type": "integer", "format": "int64", "minimum": 0}"#,
    },
    Check {
        must: "not be nullable: an absent field is absent",
        holds: |node| !has(node, "nullable"),
        bad: r#"{"type": "boolean", "nullable": true}"#,
    },
    Check {
        must: "have no default in a list, where GitOps tools take it for a change",
        holds: |node| !node.in_list || !has(node, "default"),
        bad: r#"{"type": "boolean", "default": false}"#,
    },
    Check {
        must: "have one known type",
        holds: |node| has(node, "type") && !has(node, "x-kubernetes-preserve-unknown-fields"),
        bad: r#"{"x-kubernetes-int-or-string": true}"#,
    },
    Check {
        must: "say in the message of every rule what must hold",
        holds: |node| node.schema["x-kubernetes-validations"].as_array().into_iter().flatten().all(says),
        bad: r#"{"type": "boolean", "x-kubernetes-validations": [{"rule": "self"}]}"#,
    },
];

fn is(node: &Node<'_>, kind: &str) -> bool {
    node.schema["type"] == kind
}

fn has(node: &Node<'_>, keyword: &str) -> bool {
    !node.schema[keyword].is_null()
}

fn says(rule: &Value) -> bool {
    rule["message"].as_str().is_some_and(|text| text.contains("must ") && !text.ends_with('.'))
}

/// Where a check does not hold.
fn failing(check: &Check, definitions: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for definition in definitions {
        walk(definition, &mut |node| {
            if !(check.holds)(node) {
                found.push(node.label());
            }
        });
    }
    found
}

#[test]
fn every_schema_of_every_kind_is_described_and_bounded() {
    for check in &CHECKS {
        let found = failing(check, &definitions());
        assert!(found.is_empty(), "these must {}: {found:#?}", check.must);
    }
}

#[test]
fn every_check_finds_what_is_bad() {
    for check in &CHECKS {
        let bad: Value = serde_json::from_str(check.bad).unwrap();
        let list = json!({"type": "array", "items": {"type": "object", "properties": {"bad": bad}}});
        let schema = json!({"type": "object", "properties": {"list": list}});
        let definition = json!({"spec": {
            "names": {"kind": "Bad"}, "versions": [{"schema": {"openAPIV3Schema": schema}}],
        }});
        let found = failing(check, &[definition]);
        assert!(found.contains(&"Bad list[].bad".to_owned()), "{}: {found:?}", check.must);
    }
}

#[test]
fn conditions_are_the_same_everywhere_and_bounded_as_kubernetes_bounds_them() {
    for definition in &definitions() {
        walk(definition, &mut |node| {
            if node.path != "status.conditions" {
                assert!(!node.path.ends_with("conditions") || node.path.starts_with("spec."), "{}", node.label());
                return;
            }
            assert_eq!(node.schema["x-kubernetes-list-type"], "map");
            assert_eq!(node.schema["x-kubernetes-list-map-keys"], json!(["type"]));
            let fields = &node.schema["items"]["properties"];
            assert_eq!(fields["type"]["maxLength"], 316);
            assert_eq!(fields["reason"]["maxLength"], 1024);
            assert_eq!(fields["reason"]["minLength"], 1);
            assert_eq!(fields["message"]["maxLength"], 32768);
            assert_eq!(fields["status"]["enum"], json!(["True", "False", "Unknown"]));
        });
    }
}

#[test]
fn tables_are_narrow_and_end_with_the_age() {
    for definition in &definitions() {
        let kind = &definition["spec"]["names"]["kind"];
        for version in definition["spec"]["versions"].as_array().unwrap() {
            let columns = version["additionalPrinterColumns"].as_array().unwrap();
            let narrow = columns.iter().filter(|column| column["priority"].as_i64().unwrap_or(0) == 0);
            assert!(narrow.count() <= 5, "{kind} must show at most five columns by default");
            let last = columns.last().unwrap();
            assert_eq!((&last["name"], &last["type"]), (&"AGE".into(), &"date".into()), "{kind}");
            let described = |column: &Value| column["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(columns.iter().all(described), "{kind} must describe every column");
            // `date` shows a moment to come as invalid.
            let dates = columns.iter().filter(|column| column["type"] == "date").count();
            assert_eq!(dates, 1, "{kind} must show no other moment as a date");
        }
    }
}

#[test]
fn every_kind_can_be_asked_for_in_short() {
    let mut seen = Vec::new();
    for definition in &definitions() {
        let names = &definition["spec"]["names"];
        let short: Vec<&str> = names["shortNames"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(short.iter().any(|name| name.len() >= 3), "{names} must have a short name of three letters or more");
        assert_eq!(names["categories"], json!(["ambit"]), "`all` is for what everybody wants to see");
        seen.extend(short.into_iter().map(str::to_owned));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "two kinds must not share a short name: {seen:?}");
}

#[test]
fn every_definition_is_small_enough_for_client_side_apply() {
    for definition in &definitions() {
        let size = definition.to_string().len();
        assert!(size < LARGEST, "{} has {size} bytes", definition["metadata"]["name"]);
    }
}
