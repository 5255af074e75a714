//! What Ambit leaves alone: what it was told to leave, and what is not its own.

use ambit_bed::Part;
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, house, identity, merged, until};
use crate::root::{Live, Root, role_arn, role_name};

const OBSERVE: &str = "Observe";

fn managed(name: &str, policy: &str) -> Value {
    merged(identity(name, name), &json!({"spec": {"managementPolicy": policy}}))
}

/// How many sweeps the operator has brought to their end.
async fn sweeps(bed: &House) -> u64 {
    let text = crate::web::get(&format!("{}/metrics", bed.operator_url(Part::Operator))).await.1;
    let line = text.lines().find(|line| line.starts_with("ambit_sweeps_total")).unwrap_or_default();
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Waits until two more sweeps, the second of which began from now on, are over.
async fn two_sweeps(bed: &House) {
    let from = sweeps(bed).await;
    until("two sweeps", async || {
        let now = sweeps(bed).await;
        if now >= from + 2 { Ok(()) } else { Err(format!("{from}, now {now}")) }
    })
    .await;
}

#[tokio::test]
async fn observing_makes_nothing() {
    let bed = house().await;
    let talk = bed.tenant("observe-new").await;
    talk.apply(&managed("orders", OBSERVE)).await.unwrap();
    let object = talk.reason("orders", "Provisioned", "Observing").await;
    let message = "the role does not exist, and `spec.managementPolicy` is Observe, so it is not made";
    assert_eq!(condition(&object, "Provisioned"), ("False", "Observing", message));
    assert_eq!(condition(&object, "Ready"), ("False", "Observing", message));
    assert_eq!(condition(&object, "Stalled").0, "True");
    assert_eq!(condition(&object, "Accepted").0, "True");
    assert_eq!(object["metadata"]["finalizers"], Value::Null);
    assert_eq!(Root::of(&bed).role(&role_name("observe-new", "orders")).await, None);
    assert!(talk.kind("v1", "ServiceAccount").get_opt("orders").await.unwrap().is_none());
    assert_eq!(talk.entry("orders").await, Value::Null);
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
}

#[tokio::test]
async fn observing_tells_of_drift_and_of_its_end_and_changes_nothing() {
    let bed = house().await;
    let talk = bed.tenant("observe-drift").await;
    let (root, role) = (Root::of(&bed), role_name("observe-drift", "orders"));
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    let declared = root.role(&role).await.unwrap();
    talk.patch("orders", &json!({"spec": {"managementPolicy": OBSERVE}})).await;
    talk.ready("orders").await;

    let arn = root.attach(&role).await;
    let widened = root.role(&role).await.unwrap();
    let object = talk.reason("orders", "InSync", "Drifted").await;
    let summary = format!("the managed policy `{arn}` is attached and was not declared");
    let message = format!("{summary}; `spec.managementPolicy` is Observe, so nothing was repaired");
    assert_eq!(condition(&object, "InSync"), ("False", "Drifted", &*message));
    assert_eq!(condition(&object, "Provisioned").0, "True");
    assert_eq!(condition(&object, "Stalled").0, "True");
    assert_eq!(object["status"]["driftCount"], 1);
    assert_eq!(object["status"]["drift"]["items"][0]["part"], "attachment");
    two_sweeps(&bed).await;
    assert_eq!(root.role(&role).await.unwrap(), widened, "it is left as it is");

    root.put_inline(&role, "more", crate::root::EVERYTHING).await;
    until("the second difference", async || {
        let count = talk.get("orders").await["status"]["driftCount"].clone();
        if count == 2 { Ok(()) } else { Err(count.to_string()) }
    })
    .await;
    root.iam.detach_role_policy().role_name(&role).policy_arn(&arn).send().await.unwrap();
    root.iam.delete_role_policy().role_name(&role).policy_name("more").send().await.unwrap();
    let object = talk.ready("orders").await;
    assert_eq!(condition(&object, "InSync").1, "InSync");
    assert_eq!(object["status"]["driftCount"], 0);
    assert_eq!(root.role(&role).await.unwrap(), declared);

    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await.unwrap(), left_behind(declared), "an observed role outlives its identity");
}

#[tokio::test]
async fn a_paused_identity_is_left_alone_and_waits_with_its_deletion() {
    let bed = house().await;
    let talk = bed.tenant("paused").await;
    let (root, role) = (Root::of(&bed), role_name("paused", "orders"));
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    talk.patch("orders", &json!({"spec": {"managementPolicy": "Paused"}})).await;
    let object = talk.reason("orders", "Ready", "Paused").await;
    let message =
        "`spec.managementPolicy` is Paused: Ambit neither reads nor changes anything until it is Enforce or Observe";
    assert_eq!(condition(&object, "Ready"), ("Unknown", "Paused", message));
    assert_eq!(condition(&object, "Stalled").0, "");
    assert_eq!(condition(&object, "Reconciling").0, "");
    root.attach(&role).await;
    let widened = root.role(&role).await.unwrap();
    two_sweeps(&bed).await;
    assert_eq!(root.role(&role).await.unwrap(), widened);
    talk.pod(&bed, "orders", "orders").await.expect("its pods start as before");

    talk.delete("MachineIdentity", "orders").await;
    until("the message about the deletion", async || {
        let object = talk.get("orders").await;
        let message = condition(&object, "Ready").2.to_owned();
        let expected = "`spec.managementPolicy` is Paused, so the role is not deleted and the object stays: set it to Enforce to delete the role, or `spec.deletionPolicy` to Retain to keep it";
        if message == expected { Ok(()) } else { Err(message) }
    })
    .await;
    assert_eq!(root.role(&role).await.unwrap(), widened);
    talk.patch("orders", &json!({"spec": {"deletionPolicy": "Retain"}})).await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await.unwrap(), left_behind(widened));
    assert_eq!(talk.entry("orders").await, Value::Null);
}

#[tokio::test]
async fn a_retained_role_stays_and_is_taken_up_by_the_next_identity_of_the_name() {
    let bed = house().await;
    let talk = bed.tenant("retain").await;
    let (root, role) = (Root::of(&bed), role_name("retain", "orders"));
    talk.apply(&merged(identity("orders", "orders"), &json!({"spec": {"deletionPolicy": "Retain"}}))).await.unwrap();
    talk.ready("orders").await;
    let live = root.role(&role).await.unwrap();
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await.unwrap(), left_behind(live.clone()));
    assert_eq!(talk.entry("orders").await, Value::Null);
    let told = talk.heard("orders", "Retained", "the role stays as it is; nothing manages it any more").await;
    assert_eq!((told.kind.as_str(), told.count), ("Normal", 1));

    talk.apply(&identity("orders", "orders")).await.unwrap();
    let object = talk.ready("orders").await;
    let again = root.role(&role).await.unwrap();
    assert_eq!(again.id, live.id);
    assert_eq!(again.tags["ambit.dev/uid"], object["metadata"]["uid"].as_str().unwrap());
    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await, None);
}

#[tokio::test]
async fn a_role_with_foreign_policies_is_deleted_all_the_same() {
    let bed = house().await;
    let talk = bed.tenant("foreign-policies").await;
    let (root, role) = (Root::of(&bed), role_name("foreign-policies", "orders"));
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    // Paused, so that the policies are there when the deletion begins.
    talk.patch("orders", &json!({"spec": {"managementPolicy": "Paused"}})).await;
    talk.reason("orders", "Ready", "Paused").await;
    let arn = root.attach(&role).await;
    root.put_inline(&role, "extra", crate::root::EVERYTHING).await;
    root.iam.delete_role_permissions_boundary().role_name(&role).send().await.unwrap();
    talk.delete("MachineIdentity", "orders").await;
    talk.patch("orders", &json!({"spec": {"managementPolicy": "Enforce"}})).await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await, None);
    root.iam.get_policy().policy_arn(arn).send().await.expect("the policy itself is somebody else's");
}

/// A role whose identity went and left it: it says so, or it would be taken for an orphan.
fn left_behind(mut live: Live) -> Live {
    let uid = live.tags["ambit.dev/uid"].clone();
    live.tags.insert("ambit.dev/retained".to_owned(), uid);
    live
}

/// The identity is refused for the role that stands there, which stays byte for byte.
async fn conflict(bed: &House, namespace: &str, planted: &Live, message: &str) {
    let talk = bed.tenant(namespace).await;
    let root = Root::of(bed);
    let role = role_name(namespace, "orders");
    talk.apply(&identity("orders", "orders")).await.unwrap();
    let object = talk.reason("orders", "Provisioned", "Conflict").await;
    assert_eq!(condition(&object, "Provisioned"), ("False", "Conflict", message));
    assert_eq!(condition(&object, "Ready"), ("False", "Conflict", message));
    assert_eq!(condition(&object, "Stalled"), ("True", "Conflict", message));
    let refused = talk.pod(bed, "orders", "orders").await.unwrap_err();
    assert!(refused.contains("machine identity `orders` of service account `orders` is not ready"), "{refused}");
    two_sweeps(bed).await;
    assert_eq!(root.role(&role).await.as_ref(), Some(planted));
    assert_eq!(talk.heard("orders", "Conflict", message).await.count, 1);

    talk.delete("MachineIdentity", "orders").await;
    talk.gone("MachineIdentity", "orders").await;
    assert_eq!(root.role(&role).await.as_ref(), Some(planted), "it outlives the identity that wanted its name");
}

#[tokio::test]
async fn a_role_of_our_name_without_our_tags_is_not_touched() {
    let bed = house().await;
    let role = role_name("untagged", "orders");
    let planted = Root::of(&bed).plant(&role, "/ambit/bed/", &[("team", "shop")]).await;
    let message = format!(
        "`{}` exists and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `bed` and `ambit.dev/identity` = `untagged/orders` to hand it over",
        role_arn("untagged", "orders")
    );
    conflict(&bed, "untagged", &planted, &message).await;
}

#[tokio::test]
async fn a_role_of_our_name_on_another_path_is_not_touched_whatever_its_tags_say() {
    let bed = house().await;
    let role = role_name("elsewhere", "orders");
    let tags = [("ambit.dev/installation", "bed"), ("ambit.dev/identity", "elsewhere/orders")];
    let planted = Root::of(&bed).plant(&role, "/team/", &tags).await;
    let message = format!(
        "`arn:aws:iam::000000000000:role/team/{role}` has the name of this identity's role but lies on another path; Ambit did not make it and leaves it alone: rename or delete it"
    );
    conflict(&bed, "elsewhere", &planted, &message).await;
}

#[tokio::test]
async fn a_role_of_another_installation_is_not_touched() {
    let bed = house().await;
    let role = role_name("neighbour", "orders");
    let tags = [("ambit.dev/installation", "other"), ("ambit.dev/identity", "neighbour/orders")];
    let planted = Root::of(&bed).plant(&role, "/ambit/bed/", &tags).await;
    let message = format!(
        "`{}` exists and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `bed` and `ambit.dev/identity` = `neighbour/orders` to hand it over",
        role_arn("neighbour", "orders")
    );
    conflict(&bed, "neighbour", &planted, &message).await;
}

#[tokio::test]
async fn a_role_with_forged_tags_and_another_id_is_not_touched_until_it_is_gone() {
    let bed = house().await;
    let talk = bed.tenant("forged").await;
    let (root, role) = (Root::of(&bed), role_name("forged", "orders"));
    talk.apply(&identity("orders", "orders")).await.unwrap();
    let object = talk.ready("orders").await;
    let ours = root.role(&role).await.unwrap();
    root.delete(&role).await;
    let tags: Vec<(&str, &str)> = ours.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let planted = root.plant(&role, "/ambit/bed/", &tags).await;

    let told = talk.reason("orders", "Provisioned", "Conflict").await;
    let message = format!(
        "`{}` has the id `{}` instead of `{}`: somebody deleted the role and made another of the same name; Ambit leaves it alone: delete it",
        ours.arn, planted.id, ours.id
    );
    assert_eq!(condition(&told, "Provisioned"), ("False", "Conflict", &*message));
    assert_eq!(told["status"]["aws"]["roleId"], object["status"]["aws"]["roleId"], "what was ours is not forgotten");
    two_sweeps(&bed).await;
    assert_eq!(root.role(&role).await.unwrap(), planted);
    assert_eq!(talk.entry("orders").await["ready"], false);

    root.delete(&role).await;
    talk.ready("orders").await;
    let again = root.role(&role).await.unwrap();
    assert_ne!(again.id, planted.id);
    assert_eq!(Live { id: ours.id.clone(), ..again }, ours);
}
