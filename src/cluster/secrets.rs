//! Secrets that hold credentials.
//!
//! INVARIANTS:
//! - A Secret's data is never asked for: every request says that metadata is wanted,
//!   also in answers to writes, and no answer to a write is read.
//! - A write reaches the Secret that was looked at, or none: creation fails where something
//!   is there, change and deletion name UID and resource version.
//!
//! Written by create and merge patch rather than applied: an apply cannot say "only if
//! nothing is there", and what a creation wrote is not an apply's to take away.

use std::collections::BTreeSet;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ObjectMeta, PartialObjectMeta, Request};
use kube::{Api, Client, Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use super::error::{ClusterError, ClusterErrorKind};
use super::kubernetes::bounded;
use super::port::Incarnation;
use crate::api::v1alpha1::{CREDENTIALS_OF, MachineIdentity};
use crate::domain::{SecretData, SecretSeen, SecretVersion, SecretWrite, repeats};

/// Who Ambit is when it writes credentials.
const MANAGER: &str = "ambit-credentials";
/// Who it is when it puts an access key there, and at no other time: the API server notes when
/// that was.
const KEY_MANAGER: &str = "ambit-access-key";
/// The beginning of the names of Ambit's own annotations.
const OURS: &str = "ambit.dev/";

/// What an answer shall hold, of whatever was asked.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Makes a request whose answer holds no data. Its type cannot be named here.
macro_rules! metadata_only {
    ($request:ident) => {
        if let Ok(kind) = METADATA.parse() {
            $request.headers_mut().insert("accept", kind);
        }
    };
}

/// Looks at a Secret's metadata.
pub(super) async fn look(client: &Client, namespace: &str, name: &str) -> Result<Option<SecretSeen>, ClusterError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let found = bounded("get secret", api.get_metadata_opt(name)).await?;
    Ok(found.as_ref().map(seen))
}

/// Writes a Secret: a new one, or this very version of one.
pub(super) async fn write(
    client: &Client,
    identity: &Incarnation,
    name: &str,
    version: Option<&SecretVersion>,
    write: &SecretWrite,
) -> Result<(), ClusterError> {
    let written = match version {
        None => create(client, identity, name, write).await,
        Some(version) => patch(client, &identity.key.namespace, name, version, write).await,
    };
    written.map_err(|error| withheld(error, write.data.as_ref()))
}

fn manager(write: &SecretWrite) -> String {
    if write.is_publication() { KEY_MANAGER } else { MANAGER }.to_owned()
}

async fn create(client: &Client, identity: &Incarnation, name: &str, write: &SecretWrite) -> Result<(), ClusterError> {
    let request = async {
        let body = serde_json::to_vec(&created(identity, name, write)).map_err(kube::Error::SerdeError)?;
        let parameters = PostParams { field_manager: Some(manager(write)), ..PostParams::default() };
        let url = Secret::url_path(&(), Some(&identity.key.namespace));
        let mut request = Request::new(url).create(&parameters, body).map_err(kube::Error::BuildRequest)?;
        metadata_only!(request);
        client.request_text(request).await
    };
    bounded("create secret", request).await.map(drop)
}

async fn patch(
    client: &Client,
    namespace: &str,
    name: &str,
    version: &SecretVersion,
    write: &SecretWrite,
) -> Result<(), ClusterError> {
    let request = async {
        let patch = Patch::Merge(changed(version, write));
        let parameters = PatchParams { field_manager: Some(manager(write)), ..PatchParams::default() };
        let url = Secret::url_path(&(), Some(namespace));
        let request = Request::new(url).patch_metadata(name, &parameters, &patch).map_err(kube::Error::BuildRequest)?;
        client.request_text(request).await
    };
    bounded("patch secret", request).await.map(drop)
}

/// Deletes this very version of a Secret. Done if it is gone.
pub(super) async fn delete(
    client: &Client,
    namespace: &str,
    name: &str,
    version: &SecretVersion,
) -> Result<(), ClusterError> {
    let SecretVersion { uid, resource_version } = version.clone();
    let request = async {
        let preconditions = Preconditions { uid: Some(uid), resource_version: Some(resource_version) };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let url = Secret::url_path(&(), Some(namespace));
        let mut request = Request::new(url).delete(name, &parameters).map_err(kube::Error::BuildRequest)?;
        metadata_only!(request);
        client.request_text(request).await
    };
    match bounded("delete secret", request).await {
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// A new Secret.
fn created(identity: &Incarnation, name: &str, write: &SecretWrite) -> Secret {
    let labels = [("app.kubernetes.io/managed-by", "ambit"), (CREDENTIALS_OF, identity.key.name.as_str())];
    let owner = OwnerReference {
        api_version: MachineIdentity::api_version(&()).into_owned(),
        kind: MachineIdentity::kind(&()).into_owned(),
        name: identity.key.name.clone(),
        uid: identity.uid.clone(),
        // Nobody else manages it. The identity's own deletion never waits for it.
        controller: Some(true),
        block_owner_deletion: None,
    };
    let annotations = write.annotations.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let values = write.data.iter().flat_map(SecretData::expose);
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            annotations: (!write.annotations.is_empty()).then_some(annotations),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(values.map(|(key, value)| ((*key).to_owned(), ByteString(value.clone().into_bytes()))).collect()),
        ..Secret::default()
    }
}

/// What changes of this version of a Secret. What others added stays.
fn changed(version: &SecretVersion, write: &SecretWrite) -> Value {
    let mut change = json!({"metadata": {"uid": version.uid, "resourceVersion": version.resource_version}});
    if !write.annotations.is_empty() {
        change["metadata"]["annotations"] = json!(write.annotations);
    }
    let Some(data) = &write.data else { return change };
    let mut values = serde_json::Map::new();
    for key in data.absent() {
        values.insert((*key).to_owned(), Value::Null);
    }
    for (key, value) in data.expose() {
        values.insert((*key).to_owned(), json!(ByteString(value.clone().into_bytes())));
    }
    change["data"] = Value::Object(values);
    change
}

/// A Secret in the words of the port.
fn seen(found: &PartialObjectMeta<Secret>) -> SecretSeen {
    let group = MachineIdentity::group(&());
    let is_identity = |owner: &&OwnerReference| {
        owner.kind == MachineIdentity::kind(&()) && owner.api_version.split('/').next() == Some(group.as_ref())
    };
    SecretSeen {
        version: SecretVersion {
            uid: found.uid().unwrap_or_default(),
            resource_version: found.resource_version().unwrap_or_default(),
        },
        credentials_of: found.labels().get(CREDENTIALS_OF).cloned(),
        owners: found.owner_references().iter().filter(is_identity).map(|owner| owner.uid.clone()).collect(),
        own_keys: found.managed_fields().iter().filter(|entry| is_ours(entry)).flat_map(keys).collect(),
        annotations: found.annotations().iter().filter(|(name, _)| name.starts_with(OURS)).map(owned).collect(),
        key_written: found.managed_fields().iter().filter(|entry| wrote_key(entry)).filter_map(time).max(),
        deleting: found.metadata.deletion_timestamp.is_some(),
    }
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(MANAGER) || wrote_key(entry)
}

fn wrote_key(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(KEY_MANAGER)
}

fn time(entry: &ManagedFieldsEntry) -> Option<jiff::Timestamp> {
    entry.time.as_ref().map(|time| time.0)
}

/// The keys of the data that an entry owns. Whoever writes another value owns its key from then on.
fn keys(entry: &ManagedFieldsEntry) -> BTreeSet<String> {
    let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:data")).and_then(Value::as_object);
    fields.into_iter().flatten().filter_map(|(name, _)| name.strip_prefix("f:")).map(str::to_owned).collect()
}

/// Whatever may stand between Ambit and the API server and repeat what it was sent: it does not travel on.
fn withheld(error: ClusterError, data: Option<&SecretData>) -> ClusterError {
    let is_repeated = data.into_iter().flat_map(SecretData::expose).any(|(_, value)| {
        let encoded = json!(ByteString(value.clone().into_bytes()));
        repeats(&error.message, value) || encoded.as_str().is_some_and(|text| repeats(&error.message, text))
    });
    if !is_repeated {
        return error;
    }
    ClusterError { message: "the answer repeats the credentials and is withheld".to_owned(), ..error }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::names::IdentityKey;

    fn identity() -> Incarnation {
        Incarnation { key: IdentityKey::new("shop", "orders"), uid: "uid-1".to_owned() }
    }

    fn data() -> SecretData {
        SecretData::new(BTreeMap::from([("credentials", "canary-canary-canary".to_owned())]), vec!["AWS_SESSION_TOKEN"])
    }

    fn metadata(value: &Value) -> PartialObjectMeta<Secret> {
        serde_json::from_value(
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": value}),
        )
        .unwrap()
    }

    #[test]
    fn a_new_secret_says_whose_it_is() {
        let made = json!(created(&identity(), "orders-aws", &SecretWrite::data(data())));
        let owner = json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "name": "orders",
            "uid": "uid-1", "controller": true});
        let labels = json!({"app.kubernetes.io/managed-by": "ambit", "ambit.dev/credentials-of": "orders"});
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "orders-aws", "labels": labels, "ownerReferences": [owner]},
            "data": {"credentials": "Y2FuYXJ5LWNhbmFyeS1jYW5hcnk="},
        });
        assert_eq!(made, expected);
        let read = metadata(&made["metadata"]);
        assert_eq!(seen(&read).credentials_of.as_deref(), Some("orders"));
        assert_eq!(seen(&read).owners, BTreeSet::from(["uid-1".to_owned()]));
    }

    #[test]
    fn a_change_names_its_version_and_takes_other_forms_away() {
        let version = SecretVersion { uid: "u".to_owned(), resource_version: "7".to_owned() };
        let expected = json!({
            "metadata": {"uid": "u", "resourceVersion": "7"},
            "data": {"credentials": "Y2FuYXJ5LWNhbmFyeS1jYW5hcnk=", "AWS_SESSION_TOKEN": null},
        });
        assert_eq!(changed(&version, &SecretWrite::data(data())), expected);
    }

    #[test]
    fn only_identities_own_and_only_what_ambit_wrote_is_its_own() {
        let owner =
            |group: &str, kind: &str| json!({"apiVersion": group, "kind": kind, "name": "orders", "uid": group});
        let wrote = |manager: &str, key: &str| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": {".": {}, key: {}}, "f:type": {}}})
        };
        let found = seen(&metadata(&json!({
            "name": "orders-aws", "uid": "u", "resourceVersion": "7", "deletionTimestamp": "2026-11-22T08:00:00Z",
            "ownerReferences": [owner("ambit.dev/v1", "MachineIdentity"), owner("v1", "MachineIdentity"), owner("ambit.dev/v2", "X")],
            "managedFields": [wrote("ambit-credentials", "f:credentials"), wrote("kubectl-edit", "f:AWS_SESSION_TOKEN")],
        })));
        assert_eq!(found.owners, BTreeSet::from(["ambit.dev/v1".to_owned()]));
        assert_eq!(found.own_keys, BTreeSet::from(["credentials".to_owned()]));
        assert!(found.deleting && found.credentials_of.is_none());
    }

    #[test]
    fn an_answer_that_repeats_a_secret_is_withheld() {
        let error = |message: &str| ClusterError {
            kind: ClusterErrorKind::Invalid,
            operation: "patch secret",
            message: message.to_owned(),
        };
        for message in ["refused `canary-canary-canary`", "refused Y2FuYXJ5LWNhbmFyeS1jYW5hcnk=", "…nary-canary-canary"]
        {
            let said = withheld(error(message), Some(&data())).message;
            assert_eq!(said, "the answer repeats the credentials and is withheld", "{message}");
        }
        assert_eq!(withheld(error("type: Invalid value"), Some(&data())).message, "type: Invalid value");
    }
}
