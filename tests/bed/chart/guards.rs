//! What the operator may not do, and what nobody else may.

use ambit_bed::{Bed, BedOptions, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::core::Status;
use serde_json::{Value, json};

use super::pods::{pod, refusal};
use crate::house::{Talk, house, identity, merged, until};

/// Asks for a token of the namespace's default service account.
async fn token(talk: &Talk, spec: Value) -> Result<Value, Box<Status>> {
    let accounts: Api<ServiceAccount> = Api::namespaced(talk.client.clone(), &talk.namespace);
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let answer = accounts.create_subresource("token", "default", &PostParams::default(), &request).await;
    answer.map_err(|error| match error {
        kube::Error::Api(status) => status,
        other => panic!("{other}"),
    })
}

fn request(audiences: &[&str], seconds: u32) -> Value {
    json!({"audiences": audiences, "expirationSeconds": seconds})
}

const CLOUD: &str = "sts.amazonaws.com";

#[tokio::test]
async fn the_operator_gets_tokens_for_the_cloud_alone_and_for_ten_minutes() {
    let house = house().await;
    let people = house.tenant("guard-tokens").await;
    let operator = house.as_operator(&people).await;
    let made = until("the default service account", async || {
        token(&operator, request(&[CLOUD], 600)).await.map_err(|status| status.message)
    })
    .await;
    assert!(made["status"]["token"].is_string());

    let audiences = |asked: &str| {
        format!(
            "the operator may ask for tokens only with audiences in `sts.amazonaws.com`, and must name at least one; it asked for `{asked}`; the chart value tokenAudiences lists what is allowed"
        )
    };
    let issuer = house.issuer();
    for (spec, expected) in [
        (request(&[&issuer], 600), audiences(&issuer)),
        (request(&[CLOUD, &issuer], 600), audiences(&format!("{CLOUD}`, `{issuer}"))),
        (request(&[CLOUD], 601), "the operator may ask for tokens of at most 600 seconds; it asked for 601".to_owned()),
        (
            json!({"audiences": [CLOUD]}),
            "the operator may ask for tokens of at most 600 seconds; it asked for 3600".to_owned(),
        ),
    ] {
        assert_eq!(refusal(token(&operator, spec.clone()).await, "token-requests"), expected, "{spec}");
    }
    // Without an audience the API server writes its own before it asks the policy.
    refusal(token(&operator, request(&[], 600)).await, "token-requests");
    // Nobody else is held up.
    token(&people, request(&[&issuer], 3600)).await.unwrap();
}

#[tokio::test]
async fn the_operator_gets_no_token_of_the_system() {
    let house = house().await;
    for namespace in ["kube-system", OPERATOR_NAMESPACE] {
        let people = Talk { namespace: namespace.to_owned(), client: house.client().await.unwrap() };
        let operator = house.as_operator(&people).await;
        let expected = format!(
            "the operator may not ask for tokens of service accounts in namespace `{namespace}`, whose pods Ambit leaves alone"
        );
        assert_eq!(refusal(token(&operator, request(&[CLOUD], 600)).await, "token-requests"), expected);
    }
}

#[tokio::test]
async fn nobody_but_the_operator_writes_tables() {
    let house = house().await;
    let people = house.tenant("guard-tables").await;
    people.apply(&identity("orders", "orders")).await.unwrap();
    people.ready("orders").await;
    let expected = "binding tables are written by the operator alone; declare a MachineIdentity, and its entry follows";
    let table = json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": {"name": "ambit"}});
    let role = json!({"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::000000000000:role/admin"});
    for change in [
        json!({"serviceAccounts": {"orders": {"env": [role]}}}),
        json!({"serviceAccounts": {"orders": null}}),
        json!({"serviceAccounts": null}),
    ] {
        assert_eq!(refusal(people.try_change(&table, &change).await, "binding-tables"), expected, "{change}");
    }
    let elsewhere = house.tenant("guard-tables-new").await;
    assert_eq!(refusal(elsewhere.try_create(&table).await, "binding-tables"), expected);
    // The API server's own housekeeping changes an object without changing what it says.
    people.try_change(&table, &json!({"metadata": {"labels": {"moved": "yes"}}})).await.unwrap();
    // The operator may.
    house.as_operator(&elsewhere).await.try_create(&table).await.unwrap();
}

#[tokio::test]
async fn the_operator_has_the_rights_of_the_chart_and_no_more() {
    let house = house().await;
    let user = format!("--as=system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}");
    let may = async |verb: &str, what: &str| {
        let answer = house.kubectl(&["auth", "can-i", verb, what, "--all-namespaces", &user]).await;
        answer.is_ok_and(|said| said.trim() == "yes")
    };
    for (verb, what) in [("get", "machineidentities"), ("create", "serviceaccounts"), ("list", "pods")] {
        assert!(may(verb, what).await, "{verb} {what}");
    }
    for (verb, what) in [
        ("get", "secrets"),
        ("create", "pods"),
        ("delete", "serviceaccounts"),
        ("patch", "serviceaccounts"),
        ("create", "clusterrolebindings"),
        ("update", "validatingadmissionpolicies"),
        ("create", "machineidentities"),
        ("update", "cloudaccounts"),
    ] {
        assert!(!may(verb, what).await, "{verb} {what}");
    }
}

/// Where the injection is missing, a pod must not start with the credentials
/// of its node. A bed of its own: the others need the injection.
#[tokio::test]
async fn without_the_injection_the_gate_refuses() {
    let options = BedOptions { cloud: false, operator: false, ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    let talk = Talk { namespace: "default".to_owned(), client: bed.client().await.unwrap() };
    let table = merged(
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": {"name": "ambit"}}),
        &json!({"serviceAccounts": {"default": {"identity": "orders", "ready": true, "audience": CLOUD}}}),
    );
    let file = bed.dir().join("table.json");
    std::fs::write(&file, table.to_string()).unwrap();
    let user = format!("--as=system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}");
    bed.kubectl(&["-n", "default", "create", "-f", &file.to_string_lossy(), &user]).await.unwrap();
    bed.kubectl(&["delete", "mutatingadmissionpolicybinding", "ambit-inject"]).await.unwrap();
    let expected = "the pod was not given the credentials of machine identity `orders` of service account `default`: the identity appeared while the pod was being created, or the admission policy `ambit-inject` is missing; create the pod again";
    let status = until("the end of the injection", async || match talk.try_create(&pod("web", "default")).await {
        Err(status) => Ok(status),
        Ok(made) => Err(made["spec"]["volumes"].to_string()),
    })
    .await;
    assert_eq!(refusal(Err(status), "pod-gate"), expected);
}
