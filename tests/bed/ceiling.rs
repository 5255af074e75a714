//! Who may edit what: the people of a namespace, with the cluster's own roles
//! and what the chart adds to them, declare identities and cannot raise what
//! these may ask for. Judged by a real API server; the roles are put together
//! by the cluster's own controller.

mod attempts;
mod rights;

use ambit_bed::{NAMESPACE_LABEL, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::house::{House, Talk, anything, house, identity, merged, until};

/// The namespace whose people are asked about.
const OWN: &str = "ceiling";
/// Another team's.
const OTHER: &str = "ceiling-other";

/// Somebody with one of the cluster's roles in [`OWN`], and with nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Admin,
    Editor,
    Viewer,
}

use Person::{Admin, Editor, Viewer};

const PEOPLE: [Person; 3] = [Admin, Editor, Viewer];
const ALL: &[Person] = &PEOPLE;
const EDITORS: &[Person] = &[Admin, Editor];
const ADMINS: &[Person] = &[Admin];
const NOBODY: &[Person] = &[];

impl Person {
    /// The cluster's role.
    fn role(self) -> &'static str {
        match self {
            Admin => "admin",
            Editor => "edit",
            Viewer => "view",
        }
    }

    fn user(self) -> String {
        format!("ceiling-{}", self.role())
    }

    /// The service account that has the same role, for what needs a token of one's own.
    fn robot(self) -> String {
        format!("robot-{}", self.role())
    }

    /// Talks to the API server in this person's name, as the administrator may.
    async fn client(self, house: &House) -> Client {
        let mut config = config(house).await;
        config.auth_info.impersonate = Some(self.user());
        Client::try_from(config).unwrap()
    }

    /// Talks to the API server with a token of the person's own, and in the name of somebody else.
    async fn client_as(self, house: &House, token: &str, other: &str) -> Client {
        let mut config = config(house).await;
        config.auth_info = serde_json::from_value(json!({"token": token, "as": other})).unwrap();
        Client::try_from(config).unwrap()
    }
}

async fn config(house: &House) -> Config {
    let file = Kubeconfig::read_from(house.kubeconfig()).unwrap();
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap()
}

/// The namespace with its people, its policy, and the roles of the cluster as the chart adds to them.
async fn stage(house: &House) -> Talk {
    let talk = house.namespace(OWN, &[NAMESPACE_LABEL]).await;
    house.namespace(OTHER, &[]).await;
    let policy = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": OWN},
        "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OWN}}, "allow": [anything()]},
    });
    talk.apply(&policy).await.unwrap();
    for person in PEOPLE {
        let robot = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": person.robot()}});
        talk.apply(&robot).await.unwrap();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": person.user()},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": person.role()},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person.user()},
                {"kind": "ServiceAccount", "name": person.robot(), "namespace": OWN},
            ],
        });
        talk.apply(&binding).await.unwrap();
    }
    // The controller puts the roles together when it sees the chart's.
    until("the people of the namespace may list its identities", async || {
        for person in PEOPLE {
            let right = rights::Right { verb: "list", resource: "ambit.dev/machineidentities", place: OWN, name: "" };
            if !rights::has(&talk, person, &right).await {
                return Err(format!("{person:?} may not"));
            }
        }
        Ok(())
    })
    .await;
    talk
}

#[tokio::test]
async fn people_of_a_namespace_declare_identities_and_cannot_raise_their_ceiling() {
    let house = house().await;
    let talk = stage(&house).await;
    assert_eq!(rights::differences(&talk).await, Vec::<String>::new());
    attempts::check(&house, &talk).await;
    rights_can_be_too_many(&talk).await;
}

/// The table would notice: a role that gives viewers more than it says.
async fn rights_can_be_too_many(talk: &Talk) {
    let role = |rules: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "ceiling-too-much", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
            "rules": rules,
        })
    };
    let too_much = json!({"apiGroups": ["ambit.dev"], "resources": ["machineidentities/status"], "verbs": ["patch"]});
    let expected: Vec<String> = ALL
        .iter()
        .map(|person| format!("{person:?} may patch ambit.dev/machineidentities/status in `{OWN}`"))
        .collect();
    talk.apply(&role(json!([too_much]))).await.unwrap();
    let what = "the table says who may do more";
    until(what, async || settled(&rights::differences(talk).await, &expected)).await;
    talk.apply(&role(json!([]))).await.unwrap();
    until("and no more", async || settled(&rights::differences(talk).await, &[])).await;
}

fn settled(found: &[String], expected: &[String]) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(found.join("; ")) }
}

/// An admin's whole day, with nobody's help.
#[tokio::test]
async fn an_admin_of_a_namespace_gets_an_identity_changes_it_and_deletes_it() {
    let house = house().await;
    let stage = stage(&house).await;
    let admin = Talk { client: Admin.client(&house).await, namespace: stage.namespace };
    let name = "daily";
    admin.create(&identity(name, name)).await.unwrap();
    admin.ready(name).await;

    let longer = admin.patch(name, &json!({"spec": {"sessionDuration": "2h"}})).await;
    assert_eq!(longer["spec"]["sessionDuration"], "2h");
    admin.ready(name).await;
    let again = until("a replacement, unless the operator was faster", async || {
        let path = format!("/apis/ambit.dev/v1alpha1/namespaces/{OWN}/machineidentities/{name}");
        let object = merged(admin.get(name).await, &json!({"spec": {"sessionDuration": "3h"}}));
        attempts::ask(&admin.client, "PUT", &path, &object).await.map_err(|status| status.message)
    })
    .await;
    assert_eq!(again["spec"]["sessionDuration"], "3h");
    admin.ready(name).await;

    admin.delete("MachineIdentity", name).await;
    admin.gone("MachineIdentity", name).await;
}

/// Even with a token of their own they cannot be the operator.
#[tokio::test]
async fn nobody_of_a_namespace_can_speak_in_the_name_of_the_operator() {
    let house = house().await;
    let talk = stage(&house).await;
    let operator = format!("system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}");
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    for person in PEOPLE {
        let path = format!("/api/v1/namespaces/{OWN}/serviceaccounts/{}/token", person.robot());
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let answer = attempts::ask(&talk.client, "POST", &path, &request).await.unwrap();
        let token = answer["status"]["token"].as_str().unwrap();
        for other in [&*operator, "admin", "system:admin"] {
            let client = person.client_as(&house, token, other).await;
            let status = attempts::ask(&client, "POST", who, &review).await.unwrap_err();
            assert_eq!(status.code, 403, "{person:?} as {other}: {}", status.message);
            assert!(status.message.contains("cannot impersonate"), "{}", status.message);
        }
    }
    // The administrator can, so the question is asked rightly.
    let mut config = config(&house).await;
    config.auth_info.impersonate = Some(operator.clone());
    let seen = attempts::ask(&Client::try_from(config).unwrap(), "POST", who, &review).await.unwrap();
    assert_eq!(seen["status"]["userInfo"]["username"], *operator);
}
