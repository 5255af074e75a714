//! The operator's writes to the API server, read from the audit log.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of the audit log, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

/// Writes that the API server took, by `verb resource/subresource`. Refused ones
/// changed nothing and are listed with ` refused`.
pub(crate) fn writes(log: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    // The last line may be half written.
    for event in log.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok()) {
        let resource = match event.object_ref.subresource {
            Some(sub) => format!("{}/{sub}", event.object_ref.resource),
            None => event.object_ref.resource,
        };
        let refused = if event.response_status.code >= 400 { " refused" } else { "" };
        *counts.entry(format!("{} {resource}{refused}", event.verb)).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_counted_by_verb_and_resource_and_refusals_apart() {
        let log = concat!(
            r#"{"verb":"patch","objectRef":{"resource":"machineidentities","subresource":"status"},"responseStatus":{"code":200}}"#,
            "\n",
            r#"{"verb":"create","objectRef":{"resource":"serviceaccounts"},"responseStatus":{"code":409}}"#,
            "\n",
            r#"{"verb":"patch","objectRef":{"resource":"machineidentities","subresource":"status"},"responseStatus":{"code":200}}"#,
            "\n{\"verb\":\"pat",
        );
        let expected =
            [("create serviceaccounts refused".to_owned(), 1), ("patch machineidentities/status".to_owned(), 2)];
        assert_eq!(writes(log), BTreeMap::from(expected));
    }
}
