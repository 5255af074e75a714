//! What people see of an identity: conditions, events, the table of its
//! namespace, and its pods.

use ambit_bed::{Bed, NAMESPACE_LABEL};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use crate::house::{Talk, anything, until};

const AMBIT: &str = "ambit.dev/v1alpha1";

/// A condition in short: status, reason, message.
pub fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str, &'a str) {
    let all = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|found| found["type"] == kind).map_or(("", "", ""), |found| {
        let text = |field: &str| found[field].as_str().unwrap_or_default();
        (text("status"), text("reason"), text("message"))
    })
}

/// An event in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub kind: String,
    pub reason: String,
    pub note: String,
    /// How often it was told.
    pub count: i64,
}

impl Talk {
    pub async fn get(&self, identity: &str) -> Value {
        json!(self.kind(AMBIT, "MachineIdentity").get(identity).await.unwrap())
    }

    pub async fn delete(&self, kind: &str, name: &str) {
        let version = match kind {
            "Pod" | "Secret" | "ServiceAccount" => "v1",
            "Deployment" => "apps/v1",
            _ => AMBIT,
        };
        self.kind(version, kind).delete(name, &kube::api::DeleteParams::default()).await.unwrap();
    }

    /// Changes an identity as `kubectl patch --type merge` does.
    pub async fn patch(&self, identity: &str, change: &Value) -> Value {
        let patch = kube::api::Patch::Merge(change);
        let api = self.kind(AMBIT, "MachineIdentity");
        json!(api.patch(identity, &kube::api::PatchParams::default(), &patch).await.unwrap())
    }

    /// Waits until a condition has this reason for the present declaration.
    pub async fn reason(&self, identity: &str, kind: &str, reason: &str) -> Value {
        let api = self.kind(AMBIT, "MachineIdentity");
        until(&format!("{kind} for the reason {reason} of `{}/{identity}`", self.namespace), async || {
            let object = json!(api.get(identity).await.map_err(|error| error.to_string())?);
            let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            if current && condition(&object, kind).1 == reason {
                return Ok(object);
            }
            Err(object["status"].to_string())
        })
        .await
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, kind: &str, name: &str) {
        until(&format!("the end of {kind} `{}/{name}`", self.namespace), async || {
            match self.kind(AMBIT, kind).get_opt(name).await {
                Ok(None) => Ok(()),
                Ok(Some(object)) => Err(json!(object)["status"].to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Every version of an identity from this one on, until `last` likes one.
    pub async fn versions(&self, from: &Value, last: impl Fn(&Value) -> bool + Send) -> Vec<Value> {
        let name = from["metadata"]["name"].as_str().unwrap();
        let version = from["metadata"]["resourceVersion"].as_str().unwrap();
        let parameters = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(60);
        let api = self.kind(AMBIT, "MachineIdentity");
        let mut events = api.watch(&parameters, version).await.unwrap().boxed();
        let mut seen = Vec::new();
        while let Some(event) = events.try_next().await.unwrap() {
            let (WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object)) = event else {
                continue;
            };
            seen.push(json!(object));
            if last(seen.last().unwrap()) {
                return seen;
            }
        }
        panic!("what was waited for did not come in: {}", json!(seen))
    }

    /// What was told of an identity, oldest first.
    pub async fn told(&self, identity: &str) -> Vec<Told> {
        let list = self.kind("events.k8s.io/v1", "Event").list(&ListParams::default()).await.unwrap();
        let mut events: Vec<Value> = list.items.into_iter().map(|event| json!(event)).collect();
        events
            .retain(|event| event["regarding"]["name"] == identity && event["regarding"]["kind"] == "MachineIdentity");
        events.sort_by_key(|event| event["eventTime"].as_str().unwrap_or_default().to_owned());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .map(|event| Told {
                kind: text(&event["type"]),
                reason: text(&event["reason"]),
                note: text(&event["note"]),
                count: event["series"]["count"].as_i64().unwrap_or(1),
            })
            .collect()
    }

    /// Waits until this was told of an identity.
    pub async fn heard(&self, identity: &str, reason: &str, part: &str) -> Told {
        until(&format!("an event {reason} with `{part}` about `{}/{identity}`", self.namespace), async || {
            let told = self.told(identity).await;
            let found = told.iter().find(|told| told.reason == reason && told.note.contains(part));
            found.cloned().ok_or_else(|| format!("{told:?}"))
        })
        .await
    }

    /// The entry of a service account in the namespace's table; null where there is none.
    pub async fn entry(&self, account: &str) -> Value {
        let table = self.kind(AMBIT, "BindingTable").get_opt("ambit").await.unwrap();
        table.map_or(Value::Null, |table| json!(table)["serviceAccounts"][account].clone())
    }

    /// Makes a pod; what the API server says where it refuses.
    pub async fn pod(&self, bed: &Bed, name: &str, account: &str) -> Result<Value, String> {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": pod_spec(bed, account),
        });
        self.create(&object).await.map_err(|status| status.message)
    }

    /// The exit code of a workload in a pod: 0 done, 3 denied, 4 refused by STS.
    pub async fn run(&self, bed: &Bed, pod: &str, workload: &[&str]) -> Option<i32> {
        let program = bed.workload(workload).unwrap();
        let run = bed.run_pod(&self.namespace, pod, &program).await.unwrap();
        assert_eq!(run.notes, Vec::<String>::new());
        run.status.code()
    }

    /// Reads an object of a bucket in a pod.
    pub async fn read(&self, bed: &Bed, pod: &str, bucket: &str) -> Option<i32> {
        self.run(bed, pod, &["read", bucket, "hello.txt"]).await
    }
}

/// A pod whose program talks to the bed's cloud.
pub fn pod_spec(bed: &Bed, account: &str) -> Value {
    json!({
        "serviceAccountName": account,
        "containers": [{"name": "main", "image": "none",
            "env": [{"name": "AWS_ENDPOINT_URL", "value": bed.endpoint_url()}]}],
    })
}

/// Namespaces of a bed of one's own: selected by its account, and free to ask for anything.
pub async fn own_tenant(bed: &Bed, name: &str) -> Talk {
    let policy = json!({
        "apiVersion": AMBIT, "kind": "ScopePolicy", "metadata": {"name": "tests"},
        "spec": {"namespaceSelector": {}, "allow": [anything()]},
    });
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {NAMESPACE_LABEL.0: NAMESPACE_LABEL.1}},
    });
    let talk = Talk { client: bed.client().await.unwrap(), namespace: name.to_owned() };
    talk.apply(&policy).await.unwrap();
    talk.apply(&namespace).await.unwrap();
    talk
}
