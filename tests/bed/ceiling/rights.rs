//! The table: who may do what with what, as the API server's authorizer says.

use ambit_bed::OPERATOR_NAMESPACE;
use serde_json::{Value, json};

use super::attempts::ask;
use super::{ADMINS, ALL, EDITORS, NOBODY, OTHER, OWN, PEOPLE, Person};
use crate::house::Talk;

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const CHANGE: &[&str] = &["get", "update", "patch"];
/// The place of what has no namespace.
const CLUSTER: &str = "";

/// One question to the authorizer. The resource is `group/resource/subresource`;
/// the core group is written `core`.
pub struct Right {
    pub verb: &'static str,
    pub resource: &'static str,
    pub place: &'static str,
    pub name: &'static str,
}

/// These verbs on these resources in this place, and who may.
struct Row {
    verbs: &'static [&'static str],
    resources: &'static [&'static str],
    place: &'static str,
    name: &'static str,
    may: &'static [Person],
}

const fn row(
    verbs: &'static [&'static str],
    resources: &'static [&'static str],
    place: &'static str,
    may: &'static [Person],
) -> Row {
    Row { verbs, resources, place, name: "", may }
}

const TABLE: &[Row] = &[
    // What is theirs.
    row(READ, &["ambit.dev/machineidentities", "ambit.dev/bindingtables"], OWN, ALL),
    row(WRITE, &["ambit.dev/machineidentities"], OWN, EDITORS),
    row(&["create"], &["core/serviceaccounts/token"], OWN, EDITORS),
    row(&["create", "update"], RBAC, OWN, ADMINS),
    Row { name: OWN, ..row(READ, &["core/namespaces"], OWN, ALL) },
    // What the operator says about it is not.
    row(WRITE, &["ambit.dev/bindingtables"], OWN, NOBODY),
    row(CHANGE, STATUS, OWN, NOBODY),
    // Nor what it may be: the guardrails, and the labels by which they select.
    row(READ, GUARDRAILS, CLUSTER, NOBODY),
    row(WRITE, GUARDRAILS, CLUSTER, NOBODY),
    row(CHANGE, GUARDRAILS_STATUS, CLUSTER, NOBODY),
    Row { name: OWN, ..row(WRITE, &["core/namespaces"], OWN, NOBODY) },
    Row {
        name: OWN,
        ..row(&["update", "patch"], &["core/namespaces/status", "core/namespaces/finalize"], OWN, NOBODY)
    },
    row(WRITE, &["core/namespaces"], CLUSTER, NOBODY),
    row(WRITE, INSTALLED, CLUSTER, NOBODY),
    // Nor who may change all that.
    row(
        &["bind", "escalate"],
        &["rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/clusterroles"],
        OWN,
        NOBODY,
    ),
    row(&["bind", "escalate"], CLUSTER_RBAC, CLUSTER, NOBODY),
    row(WRITE, CLUSTER_RBAC, CLUSTER, NOBODY),
    row(&["impersonate"], &["core/users", "core/groups", "authentication.k8s.io/uids"], CLUSTER, NOBODY),
    // Nor anything of the operator's, or of another team's.
    row(&["impersonate", "create", "update", "patch"], &["core/serviceaccounts"], OPERATOR_NAMESPACE, NOBODY),
    row(&["create"], &["core/serviceaccounts/token", "core/pods/exec"], OPERATOR_NAMESPACE, NOBODY),
    row(READ, &["core/secrets", "core/configmaps"], OPERATOR_NAMESPACE, NOBODY),
    row(WRITE, OPERATORS_OWN, OPERATOR_NAMESPACE, NOBODY),
    row(READ, &["ambit.dev/machineidentities", "ambit.dev/bindingtables"], OTHER, NOBODY),
    row(WRITE, &["ambit.dev/machineidentities", "ambit.dev/bindingtables"], OTHER, NOBODY),
];

const RBAC: &[&str] = &["rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings"];
const CLUSTER_RBAC: &[&str] =
    &["rbac.authorization.k8s.io/clusterroles", "rbac.authorization.k8s.io/clusterrolebindings"];
const STATUS: &[&str] =
    &["ambit.dev/machineidentities/status", "ambit.dev/machineidentities/finalizers", "ambit.dev/bindingtables/status"];
const GUARDRAILS: &[&str] = &["ambit.dev/scopepolicies", "ambit.dev/cloudaccounts"];
const GUARDRAILS_STATUS: &[&str] = &[
    "ambit.dev/scopepolicies/status",
    "ambit.dev/scopepolicies/finalizers",
    "ambit.dev/cloudaccounts/status",
    "ambit.dev/cloudaccounts/finalizers",
];
const INSTALLED: &[&str] = &[
    "apiextensions.k8s.io/customresourcedefinitions",
    "admissionregistration.k8s.io/validatingadmissionpolicies",
    "admissionregistration.k8s.io/validatingadmissionpolicybindings",
    "admissionregistration.k8s.io/mutatingadmissionpolicies",
    "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
];
const OPERATORS_OWN: &[&str] = &[
    "core/secrets",
    "core/pods",
    "apps/deployments",
    "coordination.k8s.io/leases",
    "rbac.authorization.k8s.io/roles",
    "rbac.authorization.k8s.io/rolebindings",
];

/// Whether somebody has a right.
pub async fn has(talk: &Talk, person: Person, right: &Right) -> bool {
    let mut parts = right.resource.splitn(3, '/');
    let group = parts.next().filter(|&group| group != "core").unwrap_or_default();
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "user": person.user(), "groups": ["system:authenticated"],
            "resourceAttributes": {
                "verb": right.verb, "group": group, "resource": parts.next(), "subresource": parts.next(),
                "namespace": right.place, "name": right.name,
            },
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    ask(&talk.client, "POST", path, &review).await.unwrap()["status"]["allowed"] == Value::Bool(true)
}

/// Where the authorizer says otherwise than the table.
pub async fn differences(talk: &Talk) -> Vec<String> {
    let mut found = Vec::new();
    for row in TABLE {
        for &resource in row.resources {
            for &verb in row.verbs {
                let right = Right { verb, resource, place: row.place, name: row.name };
                for person in PEOPLE {
                    let may = has(talk, person, &right).await;
                    if may != row.may.contains(&person) {
                        let word = if may { "may" } else { "may not" };
                        found.push(format!("{person:?} {word} {verb} {resource} in `{}`", row.place));
                    }
                }
            }
        }
    }
    found
}
