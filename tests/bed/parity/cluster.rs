//! The cluster's half: `kubectl apply`, and what the operator says then.

use std::collections::BTreeMap;

use ambit_bed::Bed;
use axum::http::Request;
use kube::core::Status;
use serde_json::{Value, json};

use super::{ELSEWHERE, Manifest, Verdict, beside};
use crate::eyes::condition;
use crate::house::{Talk, identity, until};

/// What the API server and the operator say of each manifest.
pub async fn verdicts(bed: &Bed, corpus: &[Manifest]) -> BTreeMap<String, Verdict> {
    bed.kubectl(&["apply", "-f", &beside().to_string_lossy()]).await.unwrap();
    let mut refused = BTreeMap::new();
    for manifest in corpus {
        if let Some(fields) = apply(bed, manifest).await {
            refused.insert(manifest.name.clone(), Verdict::Api(fields));
        }
    }
    // Everything is there now, so that what the operator says is what it keeps saying.
    let mut verdicts = refused;
    for manifest in corpus {
        if !verdicts.contains_key(&manifest.name) {
            verdicts.insert(manifest.name.clone(), told(bed, manifest).await);
        }
    }
    verdicts
}

/// The objects of a manifest, one by one.
fn objects(manifest: &Manifest) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&manifest.text).unwrap_or_default();
    let items = |object: Value| match object["items"].as_array() {
        Some(items) if object["kind"] == "List" => items.clone(),
        _ => vec![object],
    };
    documents.into_iter().filter(|object| !object.is_null()).flat_map(items).collect()
}

fn is_identity(object: &Value) -> bool {
    object["kind"] == "MachineIdentity"
}

/// As a person would; the fields for which the API server refuses it, if it does.
async fn apply(bed: &Bed, manifest: &Manifest) -> Option<Vec<String>> {
    let file = manifest.path.to_string_lossy();
    let objects = objects(manifest);
    // Whatever is accepted of other kinds would change the ground for the rest.
    let how = if objects.iter().any(is_identity) { "--dry-run=none" } else { "--dry-run=server" };
    if manifest.name == "operator/subject-taken" {
        one_after_the_other(bed, &objects).await;
        return None;
    }
    let strict = strictly(bed, manifest, &objects).await;
    match bed.kubectl(&["apply", how, "-f", &file]).await {
        // The program turns YAML into JSON before it sends it, and drops keys that stand twice.
        Ok(_) => strict,
        Err(error) => Some(strict.unwrap_or_else(|| panic!("{}: {error}", manifest.name))),
    }
}

/// Times of creation have whole seconds, and within one the UID decides who was first.
async fn one_after_the_other(bed: &Bed, objects: &[Value]) {
    for object in objects {
        bed.apply(&object.to_string()).await.unwrap();
        let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
        let talk = Talk { client: bed.client().await.unwrap(), namespace };
        let stored = talk.get(object["metadata"]["name"].as_str().unwrap()).await;
        let created = stored["metadata"]["creationTimestamp"].as_str().unwrap();
        until("the next second", async || {
            let probe = talk.try_create(&identity("probe", "probe")).await.unwrap();
            let now = probe["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
            if &*now > created { Ok(()) } else { Err(now) }
        })
        .await;
    }
}

/// The text itself, sent to the API server, which is asked to be strict: its answer has the fields.
async fn strictly(bed: &Bed, manifest: &Manifest, objects: &[Value]) -> Option<Vec<String>> {
    // A merge is resolved before it is sent. The API server's own reader would take a key that
    // stands beside it for one that stands twice.
    if manifest.text.contains("<<:") {
        return None;
    }
    let path = match objects {
        [_, _, ..] => return None,
        [one] if one["kind"] == "CloudAccount" => "cloudaccounts",
        [one] if one["kind"] == "ScopePolicy" => "scopepolicies",
        _ => &*format!(
            "namespaces/{}/machineidentities",
            objects.first().map_or("shop", |one| { one["metadata"]["namespace"].as_str().unwrap_or("shop") })
        ),
    };
    let uri = format!("/apis/ambit.dev/v1alpha1/{path}?dryRun=All&fieldValidation=Strict");
    let request = Request::builder().method("POST").uri(uri).header("content-type", "application/yaml");
    let request = request.body(manifest.text.clone().into_bytes()).unwrap();
    match bed.client().await.unwrap().request::<Value>(request).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(named(&status)),
        Err(error) => panic!("{}: {error}", manifest.name),
    }
}

/// The fields that a refusal names.
fn named(status: &Status) -> Vec<String> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    // What follows from another cause, and is told as well without a field.
    let repeats = ["correct the existing errors to complete validation", " in spec.maxScopes"];
    let causes = causes.filter(|cause| !repeats.iter().any(|end| cause.message.ends_with(end)));
    let mut fields: Vec<String> = causes.map(|cause| cause.field.replace("<nil>", "")).collect();
    // Where an object cannot even be read, the message alone says where: whole, by the key, or by the beginning.
    for (before, after, form) in [
        ("unknown field \"", "\"", ["", ""]),
        ("key \"", "\" already set in map", [ELSEWHERE, ""]),
        ("Go struct field ObjectMeta.", " of type", ["metadata.", ELSEWHERE]),
    ] {
        let found = status.message.split(before).skip(1).filter_map(|rest| rest.split_once(after));
        fields.extend(found.map(|(field, _)| format!("{}{field}{}", form[0], form[1])));
    }
    fields.sort();
    fields.dedup();
    fields
}

/// What the operator says of the identities of a manifest: that one is refused, or that none is.
async fn told(bed: &Bed, manifest: &Manifest) -> Verdict {
    let identities: Vec<Value> = objects(manifest).into_iter().filter(is_identity).collect();
    let mut verdict = Verdict::Accepted;
    for object in &identities {
        let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
        let talk = Talk { client: bed.client().await.unwrap(), namespace };
        let name = object["metadata"]["name"].as_str().unwrap();
        let seen = until(&format!("a word about `{}`", manifest.name), async || {
            let object = talk.get(name).await;
            let told = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            let accepted = condition(&object, "Accepted");
            if told && matches!(accepted.0, "True" | "False") {
                Ok(object)
            } else {
                Err(json!(object["status"]).to_string())
            }
        })
        .await;
        if let ("False", reason, message) = condition(&seen, "Accepted") {
            verdict = Verdict::Operator { reason: reason.to_owned(), message: message.to_owned() };
        }
    }
    verdict
}
