//! The bed that most tests share, and what they need to talk to it.

use std::ops::Deref;
use std::time::{Duration, Instant};

use ambit_bed::{Bed, BedOptions, NAMESPACE_LABEL, chain};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// What ends a wait that would never end by itself.
const LIMIT: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);
/// Namespaces with this label may ask for anything.
const SCOPES_LABEL: (&str, &str) = ("tests.ambit.dev/scopes", "any");

/// The bed that all tests of this program share. It ends with the program.
pub struct House(&'static Bed);

/// The shared bed, started by whoever comes first.
pub async fn house() -> House {
    static BED: OnceCell<Result<Bed, String>> = OnceCell::const_new();
    let bed = BED.get_or_init(|| async { furnish().await.map_err(|error| chain(&error)) }).await;
    House(bed.as_ref().unwrap_or_else(|problem| panic!("no bed: {problem}")))
}

async fn furnish() -> ambit_bed::Result<Bed> {
    let bed = Bed::start(BedOptions::default()).await?;
    let policy = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "tests"},
        "spec": {"namespaceSelector": {"matchLabels": {SCOPES_LABEL.0: SCOPES_LABEL.1}}, "allow": [anything()]},
    });
    bed.apply(&policy.to_string()).await?;
    Ok(bed)
}

/// What a policy must allow where a test is not about what it allows.
pub fn anything() -> Value {
    json!({"name": "any", "actions": ["*"], "resources": ["*"]})
}

impl Deref for House {
    type Target = Bed;

    fn deref(&self) -> &Bed {
        self.0
    }
}

/// A test that passed on a cloud that let pass what it could not check proves nothing.
impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.check_cloud().unwrap();
        }
    }
}

impl House {
    /// A namespace that the account selects and that may ask for anything.
    pub async fn tenant(&self, name: &str) -> Talk {
        self.namespace(name, &[NAMESPACE_LABEL, SCOPES_LABEL]).await
    }

    /// A namespace with these labels, and the administrator's client in it.
    pub async fn namespace(&self, name: &str, labels: &[(&str, &str)]) -> Talk {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let talk = Talk { client: self.client().await.unwrap(), namespace: name.to_owned() };
        talk.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
            .await
            .unwrap();
        talk
    }

    /// The same namespace in the operator's eyes, under its own rights.
    pub async fn as_operator(&self, talk: &Talk) -> Talk {
        as_operator(self, talk).await
    }
}

/// A namespace in the eyes of a bed's operator, under its own rights.
pub async fn as_operator(bed: &Bed, talk: &Talk) -> Talk {
    // Made once more, because a client must not outlive the runtime of its test.
    let file = Kubeconfig::read_from(bed.operator_kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Talk { client: Client::try_from(config).unwrap(), namespace: talk.namespace.clone() }
}

/// Talks to the API server about the objects of one namespace.
#[derive(Clone)]
pub struct Talk {
    pub client: Client,
    pub namespace: String,
}

impl Talk {
    /// The API of an object's kind, in this namespace where the kind has any.
    fn api(&self, object: &Value) -> Api<DynamicObject> {
        self.kind(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap())
    }

    pub fn kind(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match kind {
            "CloudAccount" | "ClusterRole" | "CustomResourceDefinition" | "Namespace" | "ScopePolicy" => {
                Api::all_with(self.client.clone(), &resource)
            }
            _ => Api::namespaced_with(self.client.clone(), &self.namespace, &resource),
        }
    }

    /// Server-side apply, as people use it.
    pub async fn apply(&self, object: &Value) -> Result<Value, Box<Status>> {
        let name = object["metadata"]["name"].as_str().unwrap();
        answer(self.api(object).patch(name, &PatchParams::apply("test"), &Patch::Apply(object)).await)
    }

    pub async fn create(&self, object: &Value) -> Result<Value, Box<Status>> {
        self.post(object, false).await
    }

    /// What would be said of a creation; nothing is stored.
    pub async fn try_create(&self, object: &Value) -> Result<Value, Box<Status>> {
        self.post(object, true).await
    }

    async fn post(&self, object: &Value, dry_run: bool) -> Result<Value, Box<Status>> {
        let parsed: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let parameters = PostParams { dry_run, ..PostParams::default() };
        answer(self.api(object).create(&parameters, &parsed).await)
    }

    /// What would be said of a change to a stored object; nothing is stored.
    pub async fn try_change(&self, object: &Value, change: &Value) -> Result<Value, Box<Status>> {
        let name = object["metadata"]["name"].as_str().unwrap();
        let parameters = PatchParams { dry_run: true, ..PatchParams::default() };
        answer(self.api(object).patch(name, &parameters, &Patch::Merge(change)).await)
    }

    /// Waits until the identity is proven usable.
    pub async fn ready(&self, identity: &str) -> Value {
        self.condition(identity, "Ready", "True").await
    }

    /// Waits until a condition of an identity has this status for the present declaration.
    pub async fn condition(&self, identity: &str, kind: &str, status: &str) -> Value {
        let api = self.kind("ambit.dev/v1alpha1", "MachineIdentity");
        until(&format!("{kind}={status} of `{}/{identity}`", self.namespace), async || {
            let object = json!(api.get(identity).await.map_err(|error| error.to_string())?);
            let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            let held = conditions.iter().any(|found| found["type"] == kind && found["status"] == status);
            if current && held { Ok(object) } else { Err(json!(conditions).to_string()) }
        })
        .await
    }
}

fn answer(result: kube::Result<DynamicObject>) -> Result<Value, Box<Status>> {
    match result {
        Ok(object) => Ok(json!(object)),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("the API server could not be asked: {}", chain(&error)),
    }
}

/// Waits for a condition, never for time; what was seen last is in the failure.
pub async fn until<T>(what: &str, mut check: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match check().await {
            Ok(seen) => return seen,
            Err(seen) => assert!(Instant::now() < deadline, "{what} did not come true: {seen}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Changes an object as a JSON merge patch does.
pub fn merged(mut object: Value, change: &Value) -> Value {
    match change {
        Value::Object(fields) => {
            if !object.is_object() {
                object = json!({});
            }
            for (name, value) in fields {
                if value.is_null() {
                    object.as_object_mut().unwrap().remove(name);
                } else {
                    object[name] = merged(object[name].take(), value);
                }
            }
            object
        }
        other => other.clone(),
    }
}

/// An identity of the bed's account that may read one bucket.
pub fn identity(name: &str, service_account: &str) -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity", "metadata": {"name": name},
        "spec": {
            "accountRef": {"name": ambit_bed::ACCOUNT_NAME},
            "subject": {"serviceAccount": {"name": service_account}},
            "scopes": [{"name": "inbox", "access": ["Read"], "resources": ["arn:aws:s3:::orders-in/*"]}],
        },
    })
}
