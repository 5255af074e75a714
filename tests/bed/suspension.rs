//! Suspension: an identity is closed in the cloud, part by part, and opened again by the right person.

use std::path::Path;

use ambit::policy::{deny_all, deny_sessions_before, nobody};
use ambit_bed::BedError;
use serde_json::{Value, json};

use crate::eyes::condition;
use crate::house::{House, Talk, house, identity, merged, until};
use crate::main_job::reader;
use crate::root::{Root, role_name};

/// The annotation that says who suspended an identity.
const NOTE: &str = "ambit.dev/suspended-by";

fn suspend(whether: bool) -> Value {
    json!({"spec": {"suspend": whether}})
}

/// Reads a bucket with one session each time that a file comes, and says how it went.
const AGAIN: &str = r"
import boto3, os, sys, time
from botocore.exceptions import ClientError
folder, bucket = sys.argv[1:]
s3 = boto3.client('s3')
for turn in ('first', 'second', 'third'):
    end = time.monotonic() + 60
    while not os.path.exists(f'{folder}/{turn}') and time.monotonic() < end: time.sleep(0.02)
    try:
        s3.get_object(Bucket=bucket, Key='hello.txt')
        said = 'read'
    except ClientError as problem:
        said = problem.response['Error']['Code']
    with open(f'{folder}/{turn}.part', 'w') as file: file.write(said)
    os.rename(f'{folder}/{turn}.part', f'{folder}/{turn}.said')
";

/// What a session that goes on says now.
async fn session_says(folder: &Path, turn: &str) -> String {
    std::fs::write(folder.join(turn), "").unwrap();
    until("what the session says", async || {
        std::fs::read_to_string(folder.join(format!("{turn}.said"))).map_err(|error| error.to_string())
    })
    .await
}

#[tokio::test]
async fn what_is_suspended_is_closed_at_once_and_old_sessions_stay_closed() {
    let bed = house().await;
    let talk = bed.tenant("suspend").await;
    bed.plant(&["buckets", "suspend-in"]).await.unwrap();
    let declared = reader("orders", "orders", "suspend-in");
    talk.apply(&declared).await.unwrap();
    talk.ready("orders").await;
    talk.pod(&bed, "orders", "orders").await.unwrap();
    let folder = bed.dir().join("pods/suspend");
    std::fs::create_dir_all(&folder).unwrap();
    let python = bed.workload(&[]).unwrap().remove(0);
    let program = [&python, "-c", AGAIN, &folder.to_string_lossy(), "suspend-in"].map(str::to_owned);
    let session = bed.run_pod("suspend", "orders", &program);
    let story = async {
        assert_eq!(session_says(&folder, "first").await, "read");
        talk.apply(&merged(declared.clone(), &suspend(true))).await.unwrap();
        let object = until("the suspension", async || {
            let object = talk.condition("orders", "Ready", "False").await;
            let (_, reason, message) = condition(&object, "Ready");
            if reason == "Suspended" { Ok(object.clone()) } else { Err(message.to_owned()) }
        })
        .await;
        assert_eq!(session_says(&folder, "second").await, "AccessDenied");
        assert_closed(&bed, &object).await;
        assert_eq!(talk.read(&bed, "orders", "suspend-in").await, Some(4), "STS lets nobody in");
        let refused = talk.pod(&bed, "another", "orders").await.unwrap_err();
        assert!(refused.contains("Suspended: the identity is suspended"), "{refused}");

        talk.apply(&merged(declared.clone(), &suspend(false))).await.unwrap();
        let object = talk.ready("orders").await;
        assert_eq!(object["status"]["suspension"], Value::Null);
        assert_eq!(condition(&object, "InSync").1, "InSync", "its own doing is no drift");
        assert_eq!(session_says(&folder, "third").await, "AccessDenied", "what was old stays old");
        let denied_before = object["status"]["aws"]["sessionsDeniedBefore"].as_str().unwrap();
        until("the end of the time in which sessions count as old", async || {
            let now = jiff::Timestamp::now().to_string();
            if now.as_str() > denied_before { Ok(()) } else { Err(now) }
        })
        .await;
        assert_eq!(talk.read(&bed, "orders", "suspend-in").await, Some(0), "a new session works");
    };
    let (run, ()) = tokio::join!(session, story);
    assert!(run.unwrap().status.success());
    talk.delete("MachineIdentity", "orders").await;
    let gone = role_name("suspend", "orders");
    let root = Root::of(&bed);
    until("the end of the role, with all its policies", async || {
        let left = root.names_on("/ambit/bed/").await;
        if left.contains(&gone) { Err(format!("{left:?}")) } else { Ok(()) }
    })
    .await;
}

/// The role is as the suspension wants it, and status says since when.
async fn assert_closed(bed: &House, object: &Value) {
    let role = Root::of(bed).role(&role_name("suspend", "orders")).await.unwrap();
    let told = &object["status"]["suspension"];
    let document = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(role.inline["ambit-closed"], document(deny_all().text()));
    assert_eq!(role.trust, document(nobody().text()));
    let before = told["sessionsBefore"].as_str().unwrap();
    assert_eq!(role.inline["ambit-sessions"], document(deny_sessions_before(before).text()));
    let times = ["deniedTime", "trustEmptiedTime", "sessionsDeniedTime"].map(|name| told[name].as_str().unwrap());
    assert!(times.is_sorted(), "{told}");
}

/// Changes an identity as somebody who may do everything.
async fn patch_as(bed: &House, talk: &Talk, user: &str, patch: &Value) -> Result<String, BedError> {
    let (user, patch) = (format!("--as={user}"), patch.to_string());
    let who = ["-n", &talk.namespace, &user, "--as-group=system:masters"];
    bed.kubectl(&[&who[..], &["patch", "mid", "orders", "--type=merge", "-p", &patch]].concat()).await
}

#[tokio::test]
async fn whoever_suspends_an_identity_cannot_resume_it_where_the_account_says_so() {
    let bed = house().await;
    let talk = bed.tenant("suspend-by").await;
    let account = json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "two-persons"},
        "spec": {"resumeBy": "AnotherPerson", "aws": {
            "accountId": "210987654321", "region": "us-east-1", "rolePath": "/ambit/",
            "permissionsBoundaryArn": "arn:aws:iam::210987654321:policy/b",
            "federation": {"webIdentity": {"issuer": "https://issuer.example"}},
        }},
    });
    talk.apply(&account).await.unwrap();
    let mut declared = identity("orders", "orders");
    declared["spec"]["accountRef"] = json!({"name": "two-persons"});
    talk.apply(&declared).await.unwrap();
    let api = talk.kind("ambit.dev/v1alpha1", "MachineIdentity");
    let noted = async || api.get("orders").await.unwrap().metadata.annotations.unwrap_or_default();

    patch_as(&bed, &talk, "maya", &json!({"metadata": {"annotations": {NOTE: "noor"}}})).await.unwrap();
    assert_eq!(noted().await.get(NOTE), None, "nobody suspended it");
    patch_as(&bed, &talk, "maya", &suspend(true)).await.unwrap();
    assert_eq!(noted().await[NOTE], "maya");
    for (user, note) in [("maya", Value::Null), ("maya", json!("noor")), ("noor", json!("noor"))] {
        patch_as(&bed, &talk, user, &json!({"metadata": {"annotations": {NOTE: note}}})).await.unwrap();
        assert_eq!(noted().await[NOTE], "maya", "{user} writes {note}");
    }
    let words = |verb: &str| {
        format!("says `resumeBy: AnotherPerson`: a person other than `maya` must {verb} the suspended identity")
    };
    for patch in [suspend(false), json!({"spec": {"suspend": null}})] {
        let error = patch_as(&bed, &talk, "maya", &patch).await.unwrap_err();
        assert!(error.to_string().contains(&words("resume")), "{error}");
    }
    let delete = |user: &str| {
        ["-n", "suspend-by", user, "--as-group=system:masters", "delete", "mid", "orders", "--wait=false"]
            .map(str::to_owned)
    };
    let arguments = delete("--as=maya");
    let error = bed.kubectl(&arguments.each_ref().map(String::as_str)).await.unwrap_err();
    assert!(error.to_string().contains(&words("delete")), "{error}");
    for other in
        ["system:serviceaccount:suspend-by:helper", "system:serviceaccount:kube-system:generic-garbage-collector"]
    {
        let arguments = delete(&format!("--as={other}"));
        let error = bed.kubectl(&arguments.each_ref().map(String::as_str)).await.unwrap_err();
        assert!(error.to_string().contains(&words("delete")), "{error}");
    }
    patch_as(&bed, &talk, "noor", &suspend(false)).await.unwrap();
    assert_eq!(noted().await.get(NOTE), None);
    patch_as(&bed, &talk, "noor", &suspend(true)).await.unwrap();
    let arguments = delete("--as=maya");
    bed.kubectl(&arguments.each_ref().map(String::as_str)).await.unwrap();
    talk.kind("ambit.dev/v1alpha1", "CloudAccount")
        .delete("two-persons", &kube::api::DeleteParams::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn anybody_resumes_what_he_suspended_where_the_account_does_not_mind() {
    let bed = house().await;
    let talk = bed.tenant("suspend-any").await;
    talk.apply(&identity("orders", "orders")).await.unwrap();
    talk.ready("orders").await;
    patch_as(&bed, &talk, "maya", &suspend(true)).await.unwrap();
    patch_as(&bed, &talk, "maya", &suspend(false)).await.unwrap();
    talk.ready("orders").await;
}
