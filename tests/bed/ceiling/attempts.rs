//! What people of a namespace try, as whole requests: the authorizer's word is
//! not the only one, for example about roles. Nothing of it is stored.

use ambit_bed::{ACCOUNT_NAME, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use axum::http::Request;
use kube::core::Status;
use serde_json::{Value, json};

use super::{ADMINS, EDITORS, NOBODY, OWN, PEOPLE, Person};
use crate::house::{House, Talk, identity, merged};

const RBAC: &str = "rbac.authorization.k8s.io";

/// One request, and who gets through with it.
#[derive(Clone)]
struct Attempt {
    method: &'static str,
    path: String,
    body: Value,
    may: &'static [Person],
    /// What the refusal says beside that it is one; empty where the authorizer alone refuses.
    says: &'static str,
}

/// Asks the API server, and returns its answer or its refusal.
pub async fn ask(client: &kube::Client, method: &str, path: &str, body: &Value) -> Result<Value, Box<Status>> {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    match client.request::<Value>(request.body(body.to_string().into_bytes()).unwrap()).await {
        Ok(answer) => Ok(answer),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("{method} {path}: {}", ambit_bed::chain(&error)),
    }
}

/// Everybody tries everything.
pub async fn check(house: &House, talk: &Talk) {
    // Its account does not exist, so nothing is ever made for it.
    let stored = merged(identity("stored", "stored"), &json!({"spec": {"accountRef": {"name": "nowhere"}}}));
    talk.apply(&stored).await.unwrap();
    let attempts = [identities(), guardrails(), namespace(), tables(), roles(), operators()].concat();
    for person in PEOPLE {
        let client = person.client(house).await;
        for attempt in &attempts {
            let path = format!("{}?dryRun=All", attempt.path);
            let answer = ask(&client, attempt.method, &path, &attempt.body).await;
            attempt.judge(person, answer.err().as_deref());
        }
    }
}

impl Attempt {
    fn judge(&self, person: Person, refusal: Option<&Status>) {
        let Self { method, path, body, .. } = self;
        let label = format!("{person:?}: {method} {path} {body}");
        match refusal {
            None => assert!(self.may.contains(&person), "{label}: must be refused"),
            Some(status) => {
                assert!(!self.may.contains(&person), "{label}: must be allowed: {}", status.message);
                assert_eq!((status.code, &*status.reason), (403, "Forbidden"), "{label}: {}", status.message);
                // Whoever lacks even the right to write roles hears only of that.
                let heard = person == Person::Admin && !self.says.is_empty();
                assert!(!heard || status.message.contains(self.says), "{label}: {}", status.message);
            }
        }
    }
}

fn attempt(method: &'static str, path: impl Into<String>, body: Value, may: &'static [Person]) -> Attempt {
    Attempt { method, path: path.into(), body, may, says: "" }
}

/// The options of a deletion stand in its body.
fn delete() -> Value {
    json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]})
}

/// To create one, change one, delete one, and delete all.
fn writes(all: &str, name: &str, body: &Value, change: &Value, may: &'static [Person]) -> Vec<Attempt> {
    let one = format!("{all}/{name}");
    vec![
        attempt("POST", all, merged(body.clone(), &json!({"metadata": {"name": "ceiling-new"}})), may),
        attempt("PATCH", &*one, change.clone(), may),
        attempt("DELETE", one, delete(), may),
        attempt("DELETE", all, delete(), may),
    ]
}

fn identities() -> Vec<Attempt> {
    let all = format!("/apis/ambit.dev/v1alpha1/namespaces/{OWN}/machineidentities");
    let change = json!({"spec": {"sessionDuration": "2h"}});
    let status = json!({"status": {"summary": "can do everything"}});
    let ready = json!({"status": {"conditions": []}});
    let mut attempts = writes(&all, "stored", &identity("new", "new"), &change, EDITORS);
    attempts.push(attempt("PATCH", format!("{all}/stored/status"), status, NOBODY));
    attempts.push(attempt("PUT", format!("{all}/stored/status"), merged(identity("stored", "s"), &ready), NOBODY));
    attempts
}

fn guardrails() -> Vec<Attempt> {
    let policy = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {},
        "spec": {"namespaceSelector": {}, "allow": [crate::house::anything()], "permissionsManagement": "Allow"},
    });
    let wider = json!({"spec": {"permissionsManagement": "Allow"}});
    let account = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {},
        "spec": {"aws": {
            "accountId": "123456789012", "region": "eu-west-1",
            "permissionsBoundaryArn": "arn:aws:iam::aws:policy/AdministratorAccess",
            "federation": {"webIdentity": {"issuer": "https://oidc.example.com/id/1"}},
        }},
    });
    let unbound = json!({"spec": {"aws": {"permissionsBoundaryArn": "arn:aws:iam::aws:policy/AdministratorAccess"}}});
    let [policies, accounts] =
        ["scopepolicies", "cloudaccounts"].map(|name| format!("/apis/ambit.dev/v1alpha1/{name}"));
    let status =
        attempt("PATCH", format!("{accounts}/{ACCOUNT_NAME}/status"), json!({"status": {"conditions": []}}), NOBODY);
    let mut attempts = writes(&policies, OWN, &policy, &wider, NOBODY);
    attempts.extend(writes(&accounts, ACCOUNT_NAME, &account, &unbound, NOBODY));
    attempts.push(status);
    attempts
}

fn namespace() -> Vec<Attempt> {
    let own = format!("/api/v1/namespaces/{OWN}");
    let label = json!({"metadata": {"labels": {"tests.ambit.dev/scopes": "any"}}});
    let annotation = json!({"metadata": {"annotations": {"ambit.dev/anything": "yes"}}});
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ceiling-new"}});
    vec![
        attempt("PATCH", &*own, label, NOBODY),
        attempt("PATCH", &*own, annotation, NOBODY),
        attempt("DELETE", own, delete(), NOBODY),
        attempt("POST", "/api/v1/namespaces", other, NOBODY),
    ]
}

fn tables() -> Vec<Attempt> {
    let all = format!("/apis/ambit.dev/v1alpha1/namespaces/{OWN}/bindingtables");
    let entry =
        json!({"serviceAccounts": {"mine": {"identity": "theirs", "ready": true, "audience": "sts.amazonaws.com"}}});
    let table = json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": {}});
    writes(&all, "ambit", &merged(table, &entry), &entry, NOBODY)
}

fn binding(kind: &str, role: &str) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": {"name": "ceiling-new"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": PEOPLE.map(|person| json!({"apiGroup": RBAC, "kind": "User", "name": person.user()})),
    })
}

fn role(kind: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": {"name": "ceiling-new", "labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"}},
        "rules": [{"apiGroups": ["ambit.dev"], "resources": [resource], "verbs": verbs}],
    })
}

/// The authorizer lets an admin write roles and bindings; that they hold no
/// more than the admin has is another rule of the API server's.
fn roles() -> Vec<Attempt> {
    const NOT_HELD: &str = "is attempting to grant RBAC permissions not currently held";
    let here = |what: &str| format!("/apis/{RBAC}/v1/namespaces/{OWN}/{what}");
    let everywhere = |what: &str| format!("/apis/{RBAC}/v1/{what}");
    let escalates = |path: String, body: Value| Attempt { says: NOT_HELD, ..attempt("POST", path, body, NOBODY) };
    let mut attempts = vec![
        // What an admin has can be handed on.
        attempt("POST", here("rolebindings"), binding("RoleBinding", "ambit-edit"), ADMINS),
        attempt("POST", here("roles"), role("Role", "machineidentities", &["get", "create", "delete"]), ADMINS),
        attempt("PATCH", everywhere("clusterroles/ambit-edit"), role("ClusterRole", "*", &["*"]), NOBODY),
        attempt("PATCH", everywhere("clusterroles/admin"), role("ClusterRole", "*", &["*"]), NOBODY),
        attempt("POST", everywhere("clusterroles"), role("ClusterRole", "scopepolicies", &["create"]), NOBODY),
    ];
    for role in ["ambit-operator", "ambit-platform", "cluster-admin"] {
        attempts.push(escalates(here("rolebindings"), binding("RoleBinding", role)));
        attempts.push(attempt("POST", everywhere("clusterrolebindings"), binding("ClusterRoleBinding", role), NOBODY));
    }
    for (resource, verb) in [
        ("scopepolicies", "create"),
        ("scopepolicies", "update"),
        ("cloudaccounts", "patch"),
        ("bindingtables", "update"),
        ("bindingtables", "delete"),
        ("machineidentities/status", "patch"),
        ("machineidentities", "*"),
        ("*", "get"),
    ] {
        attempts.push(escalates(here("roles"), role("Role", resource, &[verb])));
    }
    attempts
}

fn operators() -> Vec<Attempt> {
    let there = format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}");
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["sts.amazonaws.com"]},
    });
    let token = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "ceiling-new", "annotations": {"kubernetes.io/service-account.name": OPERATOR_ACCOUNT}},
    });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ceiling-new"},
        "spec": {"serviceAccountName": OPERATOR_ACCOUNT, "containers": [{"name": "main", "image": "none"}]},
    });
    let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/ambit");
    vec![
        attempt("POST", format!("{there}/serviceaccounts/{OPERATOR_ACCOUNT}/token"), request, NOBODY),
        attempt("POST", format!("{there}/secrets"), token, NOBODY),
        attempt("POST", format!("{there}/pods"), pod, NOBODY),
        attempt("PATCH", lease, json!({"spec": {"holderIdentity": "ceiling"}}), NOBODY),
    ]
}
