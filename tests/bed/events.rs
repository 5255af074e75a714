//! What somebody does to a role is heard of at once, and from whom.
//!
//! The account is swept once an hour here, and each identity is looked at as
//! rarely: whatever is found in between was heard.

use ambit_bed::{ACCOUNT_ID, ACCOUNT_NAME, Bed, BedOptions, Part, REGION, ROOT_KEY, queue_url};
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::eyes::{condition, own_tenant};
use crate::house::{Talk, until};
use crate::main_job::reader;
use crate::root::{EVERYTHING, Root, iam, role_name};
use crate::web;

#[tokio::test]
async fn what_is_done_by_hand_is_heard_told_with_its_author_and_undone() {
    let hours = || "1h".to_owned();
    let options =
        BedOptions { events: true, sweep_interval: hours(), resync_interval: hours(), ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    let talk = own_tenant(&bed, "events").await;
    talk.apply(&reader("orders", "orders", "events-in")).await.unwrap();
    talk.ready("orders").await;
    let role = role_name("events", "orders");
    a_person_widens_a_role(&bed, &talk, &role).await;
    only_what_concerns_an_identity_wakes_it(&bed, &talk, &role).await;
    without_the_queue_the_sweep_goes_on(&bed, &talk, &role).await;
    bed.finish().unwrap();
}

/// How often something was counted; zero where it never was.
async fn counted(bed: &Bed, series: &str) -> u64 {
    let text = web::get(&format!("{}/metrics", bed.operator_url(Part::Operator))).await.1;
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |number| number.trim().parse().unwrap())
}

async fn heard(bed: &Bed, result: &str) -> u64 {
    counted(bed, &format!(r#"ambit_events_total{{account="{ACCOUNT_NAME}",result="{result}"}}"#)).await
}

async fn sweeps(bed: &Bed) -> u64 {
    counted(bed, &format!(r#"ambit_sweeps_total{{account="{ACCOUNT_NAME}"}}"#)).await
}

async fn a_person_widens_a_role(bed: &Bed, talk: &Talk, role: &str) {
    let root = Root::of(bed);
    let live = root.role(role).await.unwrap();
    root.iam.create_user().user_name("mallory").send().await.unwrap();
    let anything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
    root.iam.put_user_policy().user_name("mallory").policy_name("all").policy_document(anything).send().await.unwrap();
    let key = root.iam.create_access_key().user_name("mallory").send().await.unwrap().access_key.unwrap();
    let mallory = iam(&bed.direct_url(), (&key.access_key_id, &key.secret_access_key));

    let (before, swept) = (talk.get("orders").await, sweeps(bed).await);
    mallory.put_role_policy().role_name(role).policy_name("ambit").policy_document(EVERYTHING).send().await.unwrap();
    let repaired = |object: &Value| condition(object, "InSync").1 == "Repaired";
    let versions = talk.versions(&before, repaired).await;
    let drifted = versions.iter().find(|one| condition(one, "InSync").1 == "Drifted").expect("it was written down");
    let item = &drifted["status"]["drift"]["items"][0];
    assert_eq!((&item["part"], &item["class"]), (&json!("permissions"), &json!("Widened")), "{item}");
    let by = &item["by"];
    let person = format!("arn:aws:iam::{ACCOUNT_ID}:user/mallory");
    assert_eq!((&by["principal"], &by["source"]), (&json!(person), &json!("127.0.0.1")));
    assert_eq!(by["operation"], "iam:PutRolePolicy");
    assert!(by["event"].as_str().is_some_and(|id| id.len() == 36), "{by}");
    let said = format!("changed by `{person}` from 127.0.0.1");
    assert!(condition(drifted, "InSync").2.contains(&said), "{}", condition(drifted, "InSync").2);
    let last = versions.last().unwrap();
    assert!(condition(last, "InSync").2.contains(&said), "{}", condition(last, "InSync").2);
    assert_eq!(last["status"]["drift"], Value::Null);
    assert_eq!(root.role(role).await.unwrap(), live);
    assert_eq!(sweeps(bed).await, swept, "no sweep was needed");
    assert_eq!(heard(bed, "woken").await, 1);
}

/// A queue's owner.
fn sqs(bed: &Bed) -> aws_sdk_sqs::Client {
    let (key, secret) = ROOT_KEY;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bed.direct_url())
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// A record about a role, as EventBridge delivers it.
fn record(role: &str, id: &str, now: jiff::Timestamp) -> Value {
    json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "detail": {
            "eventSource": "iam.amazonaws.com", "eventName": "TagRole", "eventID": id,
            "eventTime": now.to_string(), "recipientAccountId": ACCOUNT_ID, "readOnly": false,
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT_ID}:user/somebody")},
            "requestParameters": {"roleName": role},
        },
    })
}

/// Waits until nothing is left in the queue, delivered or not.
async fn emptied(bed: &Bed) {
    let sqs = sqs(bed);
    let kinds =
        [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
    until("an empty queue", async || {
        let request = sqs.get_queue_attributes().queue_url(queue_url()).set_attribute_names(Some(kinds.to_vec()));
        let found = request.send().await.unwrap().attributes.unwrap();
        if found.values().all(|number| number == "0") { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

async fn only_what_concerns_an_identity_wakes_it(bed: &Bed, talk: &Talk, role: &str) {
    emptied(bed).await;
    assert!(heard(bed, "ours").await >= 2, "the operator's own writes were told as well");
    let (settled, woken, writes) = (talk.get("orders").await, heard(bed, "woken").await, bed.audit_mark().unwrap());
    let results = ["malformed", "foreign", "duplicate"];
    let mut before = Vec::new();
    for result in results {
        before.push(heard(bed, result).await);
    }
    let now = jiff::Timestamp::now();
    let mut elsewhere = record(role, "e-2", now);
    elsewhere["detail"]["recipientAccountId"] = json!("999999999999");
    let mut failed = record(role, "e-3", now);
    failed["detail"]["errorCode"] = json!("AccessDenied");
    let again = record(role, "e-1", now).to_string();
    let bodies = [
        "this is no JSON".to_owned(),
        json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam"}).to_string(),
        elsewhere.to_string(),
        failed.to_string(),
        record("somebody-elses", "e-4", now).to_string(),
        again.clone(),
        again.clone(),
        again,
    ];
    let sqs = sqs(bed);
    for body in bodies {
        sqs.send_message().queue_url(queue_url()).message_body(body).send().await.unwrap();
    }
    emptied(bed).await;
    for ((result, before), more) in results.into_iter().zip(before).zip([2, 3, 2]) {
        assert_eq!(heard(bed, result).await - before, more, "{result}");
    }
    assert_eq!(heard(bed, "woken").await - woken, 1, "one event, however often it came");
    // It looked, found all as declared, and wrote nothing.
    until("the look", async || {
        let looks = counted(bed, r#"ambit_reconcile_total{controller="identity",result="settled"}"#).await;
        if looks >= 1 { Ok(()) } else { Err(looks.to_string()) }
    })
    .await;
    assert_eq!(talk.get("orders").await, settled);
    let mut written = bed.api_writes(writes).unwrap();
    written.retain(|what, _| what.contains("machineidentities") || what.contains("events"));
    assert!(written.is_empty(), "{written:?}");
}

async fn account(talk: &Talk) -> Value {
    json!(talk.kind("ambit.dev/v1alpha1", "CloudAccount").get(ACCOUNT_NAME).await.unwrap())
}

async fn account_says(talk: &Talk, reason: &str) -> String {
    until(&format!("{reason} of the account"), async || {
        let object = account(talk).await;
        let (status, found, message) = condition(&object, "Ready");
        if (status, found) == ("True", reason) { Ok(message.to_owned()) } else { Err(format!("{found}: {message}")) }
    })
    .await
}

async fn without_the_queue_the_sweep_goes_on(bed: &Bed, talk: &Talk, role: &str) {
    sqs(bed).delete_queue().queue_url(queue_url()).send().await.unwrap();
    let message = account_says(talk, "EventsUnavailable").await;
    assert!(message.contains("sqs:ReceiveMessage: "), "{message}");
    assert!(message.ends_with("make the queue, or correct `spec.events.aws.queueUrl`"), "{message}");
    let before = talk.get("orders").await;
    Root::of(bed).put_inline(role, "extra", EVERYTHING).await;
    let often = kube::api::Patch::Merge(json!({"spec": {"sweepInterval": "1s"}}));
    let accounts = talk.kind("ambit.dev/v1alpha1", "CloudAccount");
    accounts.patch(ACCOUNT_NAME, &kube::api::PatchParams::default(), &often).await.unwrap();
    let versions = talk
        .versions(&before, |object| {
            condition(object, "InSync").1 == "Repaired" && condition(object, "InSync").2.contains("`extra`")
        })
        .await;
    let drifted = versions.iter().find(|one| one["status"]["drift"]["items"][0]["part"] == "inlinePolicy");
    assert_eq!(drifted.expect("it was written down")["status"]["drift"]["items"][0]["by"], Value::Null);
    bed.plant(&["queue"]).await.unwrap();
    // Other settings: it is tried anew, and not only when the pause is over.
    let seldom = kube::api::Patch::Merge(json!({"spec": {"sweepInterval": "1h"}}));
    accounts.patch(ACCOUNT_NAME, &kube::api::PatchParams::default(), &seldom).await.unwrap();
    account_says(talk, "Verified").await;
    let woken = heard(bed, "woken").await;
    Root::of(bed).put_inline(role, "more", EVERYTHING).await;
    until("an event", async || if heard(bed, "woken").await > woken { Ok(()) } else { Err(String::new()) }).await;
    talk.ready("orders").await;
}
