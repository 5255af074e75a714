//! The definitions on a real API server.

use serde_json::{Value, json};

use crate::house::house;
use crate::schema::definitions;

const VERSION: &str = "apiextensions.k8s.io/v1";

fn condition<'a>(definition: &'a Value, kind: &str) -> &'a Value {
    let conditions = definition["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|found| found["type"] == kind).map_or(&Value::Null, |found| &found["status"])
}

#[tokio::test]
async fn every_definition_is_established_without_complaint() {
    let house = house().await;
    let talk = house.namespace("definitions", &[]).await;
    let api = talk.kind(VERSION, "CustomResourceDefinition");
    for definition in definitions() {
        talk.apply(&definition).await.unwrap();
        let name = definition["metadata"]["name"].as_str().unwrap();
        let stored = json!(api.get(name).await.unwrap());
        assert_eq!(*condition(&stored, "Established"), "True", "{name}");
        assert_eq!(*condition(&stored, "NamesAccepted"), "True", "{name}");
        assert_eq!(*condition(&stored, "NonStructuralSchema"), Value::Null, "{name}");
    }
}

/// What differs between what was sent and what was stored; fields that only the API server set do not count.
fn changed(path: &str, sent: &Value, stored: &Value) -> Vec<String> {
    match (sent, stored) {
        (Value::Object(fields), Value::Object(_)) => {
            fields.iter().flat_map(|(name, value)| changed(&format!("{path}.{name}"), value, &stored[name])).collect()
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).flat_map(|(left, right)| changed(&format!("{path}[]"), left, right)).collect()
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => Vec::new(),
        _ if sent == stored => Vec::new(),
        _ => vec![format!("{path}: {sent} became {stored}")],
    }
}

/// A definition that the API server stores otherwise than it was sent looks changed for ever to tools that compare.
#[tokio::test]
async fn every_definition_is_stored_as_it_was_sent() {
    let house = house().await;
    let talk = house.namespace("definitions", &[]).await;
    for definition in definitions() {
        let stored = talk.apply(&definition).await.unwrap();
        let found = changed("", &definition, &stored);
        assert!(found.is_empty(), "{found:#?}");
    }
}
