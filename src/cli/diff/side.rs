//! One side of a comparison: what one part says, in words and as a document.

use serde::Serialize;
use serde_json::Value;

use crate::api::v1alpha1::Binding;
use crate::domain::Reading;
use crate::domain::annotation::{ANNOTATED_BY, Annotations, READ_BY_WEBHOOK};
use crate::policy::{Catalogue, Policy, explain};

/// What one part says on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// In words, a line each.
    pub words: Vec<String>,
    /// The document in canonical form, where the part is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// Why the document cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl Side {
    /// A side of one line.
    pub fn line(words: impl Into<String>) -> Self {
        Self { words: vec![words.into()], ..Self::default() }
    }

    /// A policy by its text.
    pub fn policy(text: &str) -> Self {
        let words = match Policy::read(text) {
            Ok(policy) => {
                let explanation = explain::document(&policy, Catalogue::embedded());
                explanation.sentences.into_iter().map(|sentence| sentence.text).collect()
            }
            Err(why) => vec![format!("cannot be read: {why}")],
        };
        Self { words, document: serde_json::from_str(text).ok().map(canonical), unreadable: None }
    }

    /// A policy as it was found.
    pub fn found(reading: &Reading) -> Self {
        match reading {
            Reading::Document(document) => Self::policy(document.text()),
            Reading::Unreadable(why) => {
                Self { words: vec![format!("cannot be read: {why}")], document: None, unreadable: Some(why.clone()) }
            }
        }
    }

    /// A service account with what it says to the webhook of EKS, where that is looked at.
    pub fn service_account(name: &str, annotations: Option<&Annotations>) -> Self {
        let mut words = vec![format!("service account `{name}`")];
        let said = annotations
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name == ANNOTATED_BY || READ_BY_WEBHOOK.contains(&name.as_str()));
        words.extend(said.map(|(name, value)| format!("{name} = {value}")));
        Self { words, ..Self::default() }
    }

    /// An entry of a binding table.
    pub fn binding(binding: &Binding) -> Self {
        let gate = match (&binding.reason, binding.ready) {
            (_, true) => "pods may start".to_owned(),
            (Some(reason), false) => format!("pods wait: {reason}"),
            (None, false) => "pods wait".to_owned(),
        };
        let mut words = vec![format!("identity `{}`", binding.identity), gate];
        words.extend(binding.audience.as_ref().map(|audience| format!("tokens for `{audience}`")));
        words.extend(binding.expiration_seconds.map(|seconds| format!("tokens valid for {seconds} s")));
        words.extend(binding.directory.as_ref().map(|directory| format!("tokens in `{directory}`")));
        if !binding.required_env.is_empty() {
            words.push("credentials from the webhook of EKS: without them pods are refused".to_owned());
        }
        let mut env: Vec<String> = binding.env.iter().map(|one| format!("{} = {}", one.name, one.value)).collect();
        env.sort();
        words.extend(env);
        let document = serde_json::to_value(binding).ok();
        Self { words, document, unreadable: None }
    }
}

/// A policy without what has no meaning: every list sorted, and one where a single text stood.
fn canonical(document: Value) -> Value {
    const LISTS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];
    let Value::Object(mut document) = document else { return document };
    if let Some(statements) = document.remove("Statement") {
        let mut all = list(statements);
        for statement in all.iter_mut().filter_map(Value::as_object_mut) {
            for (name, value) in statement.iter_mut() {
                if LISTS.contains(&name.as_str()) {
                    *value = sorted(value.take());
                }
                let maps = match name.as_str() {
                    "Principal" | "NotPrincipal" => vec![value],
                    "Condition" => value.as_object_mut().into_iter().flat_map(|map| map.values_mut()).collect(),
                    _ => continue,
                };
                for inner in maps.into_iter().filter_map(Value::as_object_mut).flat_map(|map| map.values_mut()) {
                    *inner = sorted(inner.take());
                }
            }
        }
        document.insert("Statement".to_owned(), sorted(Value::Array(all)));
    }
    Value::Object(document)
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all,
        one => vec![one],
    }
}

fn sorted(value: Value) -> Value {
    let mut all = list(value);
    all.sort_by_cached_key(Value::to_string);
    all.dedup();
    Value::Array(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_canonical_form_is_the_same_whatever_the_spelling() {
        let one = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["b", "a", "b"],
            "Principal": {"AWS": "x"}, "Condition": {"StringEquals": {"k": "v"}}}});
        let other = json!({"Statement": [{
            "Resource": ["a", "b"], "Condition": {"StringEquals": {"k": ["v"]}}, "Action": ["s3:GetObject"],
            "Principal": {"AWS": ["x"]}, "Effect": "Allow"}], "Version": "2012-10-17"});
        assert_eq!(canonical(one).to_string(), canonical(other).to_string());
        assert_eq!(canonical(json!("text")), json!("text"));
        assert_eq!(canonical(json!({"Statement": ["x", 1]})), json!({"Statement": ["x", 1]}));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let side = Side::found(&Reading::Unreadable("it is not JSON".into()));
        assert_eq!(side.words, ["cannot be read: it is not JSON"]);
        assert_eq!(side.unreadable.as_deref(), Some("it is not JSON"));
    }
}
