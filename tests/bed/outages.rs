//! What fails around the operator, and passes.

use ambit_bed::{Bed, BedOptions, Part};
use serde_json::{Value, json};

use crate::eyes::{condition, own_tenant};
use crate::house::{Talk, identity, merged, until};
use crate::root::{Root, role_name};

#[tokio::test]
async fn the_operator_outlives_poison_lost_rights_and_the_loss_of_either_side() {
    let options = BedOptions { resync_interval: "2s".to_owned(), ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    let talk = own_tenant(&bed, "outages").await;
    let process = bed.process(Part::Operator).unwrap();
    for name in ["steady", "doomed"] {
        talk.apply(&identity(name, name)).await.unwrap();
        talk.ready(name).await;
    }
    without_the_cloud(&bed, &talk).await;
    without_the_api_server(&bed, &talk).await;
    without_a_right(&bed, &talk).await;
    assert!(process.alive(), "one process lived through it all");
    with_an_undecodable_object(&bed, &talk).await;
    bed.finish().unwrap();
}

/// The entry of the account that must never shut meanwhile.
async fn gate_is_open(talk: &Talk) {
    assert_eq!(talk.entry("steady").await["ready"], true, "the gate flapped");
}

async fn without_the_cloud(bed: &Bed, talk: &Talk) {
    bed.stop_part(Part::Cloud).await.unwrap();
    talk.apply(&identity("newcomer", "newcomer")).await.unwrap();
    talk.delete("MachineIdentity", "doomed").await;
    for name in ["newcomer", "steady"] {
        let object = talk.reason(name, "Provisioned", "CloudUnreachable").await;
        let (status, _, message) = condition(&object, "Provisioned");
        assert_eq!(status, "False");
        assert!(message.starts_with("the cloud cannot be reached or does not answer: iam:GetRole: "), "{message}");
        assert_eq!(condition(&object, "Ready").1, "CloudUnreachable");
        assert_eq!(condition(&object, "Reconciling").0, "True");
        assert_eq!(condition(&object, "Stalled").0, "");
        gate_is_open(talk).await;
    }
    talk.pod(bed, "steady", "steady")
        .await
        .expect("pods of an identity that was proven start without the cloud's word");
    let refused = talk.pod(bed, "newcomer", "newcomer").await.unwrap_err();
    assert!(refused.contains("is not ready (it is being prepared)"), "{refused}");

    let object = talk.reason("doomed", "Provisioned", "CloudUnreachable").await;
    let message = condition(&object, "Provisioned").2;
    let expected = "the object stays until its role is gone: the cloud cannot be reached or does not answer: ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(object["metadata"]["finalizers"], json!(["ambit.dev/principal"]));

    bed.start_part(Part::Cloud).await.unwrap();
    talk.gone("MachineIdentity", "doomed").await;
    assert_eq!(Root::of(bed).role(&role_name("outages", "doomed")).await, None);
    for name in ["steady", "newcomer"] {
        talk.ready(name).await;
    }
    gate_is_open(talk).await;
    let told = talk.told("steady").await;
    let unreachable: Vec<_> = told.iter().filter(|told| told.reason == "CloudUnreachable").collect();
    assert_eq!((unreachable.len(), unreachable[0].count), (1, 1), "told once, however often it was tried: {told:?}");
}

async fn without_the_api_server(bed: &Bed, talk: &Talk) {
    bed.kill_part(Part::Api).unwrap();
    until("the operator's word about the API server", async || {
        let log = bed.logs(Part::Operator).unwrap();
        if log.contains("a watch was interrupted and goes on") { Ok(()) } else { Err(String::new()) }
    })
    .await;
    bed.start_part(Part::Api).await.unwrap();
    // The connections of the test's own client ended with the server.
    let talk = Talk { client: bed.client().await.unwrap(), namespace: talk.namespace.clone() };
    talk.apply(&identity("after-api", "after-api")).await.unwrap();
    talk.ready("after-api").await;
    gate_is_open(&talk).await;
    talk.delete("MachineIdentity", "after-api").await;
    talk.gone("MachineIdentity", "after-api").await;
}

/// The operator may no longer ask for tokens, and then may again.
async fn without_a_right(bed: &Bed, talk: &Talk) {
    let role = bed.kubectl(&["get", "clusterrole", "ambit-operator", "-o", "json"]).await.unwrap();
    let whole: Value = serde_json::from_str(&role).unwrap();
    let mut rules = whole["rules"].as_array().unwrap().clone();
    rules.retain(|rule| rule["resources"][0] != "serviceaccounts/token");
    assert_eq!(rules.len() + 1, whole["rules"].as_array().unwrap().len());
    set_rules(bed, &json!(rules)).await;
    talk.apply(&identity("rightless", "rightless")).await.unwrap();
    let object = talk.reason("rightless", "Bound", "ClusterRefused").await;
    let (status, _, message) = condition(&object, "Bound");
    assert_eq!(status, "False");
    let begins = "the API server refuses Ambit's own request: create token: ";
    let ends = "; compare its permissions with the chart's";
    assert!(message.starts_with(begins) && message.contains("forbidden") && message.ends_with(ends), "{message}");
    assert_eq!(condition(&object, "Stalled").0, "True");
    set_rules(bed, &whole["rules"]).await;
    talk.ready("rightless").await;
}

async fn set_rules(bed: &Bed, rules: &Value) {
    let patch = json!({"rules": rules}).to_string();
    bed.kubectl(&["patch", "clusterrole", "ambit-operator", "--type=merge", "-p", &patch]).await.unwrap();
}

/// An object from before the schema, or from after it: the others do not notice.
async fn with_an_undecodable_object(bed: &Bed, talk: &Talk) {
    let name = "machineidentities.ambit.dev";
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    // All that a definition with a selectable field must keep.
    let field = json!({"accountRef": {"type": "object", "properties": {"name": {"type": "string"}}}});
    let loose =
        merged(anything.clone(), &json!({"properties": {"spec": merged(anything, &json!({"properties": field}))}}));
    let schema = "/spec/versions/0/schema/openAPIV3Schema";
    let patch = json!([{"op": "replace", "path": schema, "value": loose}]).to_string();
    bed.kubectl(&["patch", "crd", name, "--type=json", "-p", &patch]).await.unwrap();
    let poison = merged(identity("poison", "poison"), &json!({"spec": {"scopes": "none", "subject": 7}}));
    until("the poison's way past the schema", async || {
        talk.create(&poison).await.map(drop).map_err(|status| status.message)
    })
    .await;
    let definitions = bed.dir().join("helm/definitions.json").to_string_lossy().into_owned();
    bed.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &definitions]).await.unwrap();

    talk.apply(&identity("beside", "beside")).await.unwrap();
    talk.ready("beside").await;
    // A process that lists it among the others does no worse than one that watched it come.
    bed.kill_part(Part::Operator).unwrap();
    bed.start_part(Part::Operator).await.unwrap();
    talk.apply(&identity("behind", "behind")).await.unwrap();
    talk.ready("behind").await;
    talk.delete("MachineIdentity", "beside").await;
    talk.gone("MachineIdentity", "beside").await;
    let log = bed.logs(Part::Operator).unwrap();
    let said = "an object cannot be decoded and is left as it is; correct or delete it";
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(said)).collect();
    assert!(lines.len() >= 2 && lines.iter().all(|line| line.contains(r#""name":"poison""#)), "{lines:?}");
    assert!(bed.alive(Part::Operator));
}
