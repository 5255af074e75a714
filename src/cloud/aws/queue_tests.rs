use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cloud::aws::scripted::{Asked, Scripted, yes};
use crate::cloud::aws::{AwsAccount, AwsCloud, AwsEvents, Manners};
use crate::cloud::{Cloud as _, ErrorKind, RateLimit, Receipt, Record};
use crate::names::{AccountId, BoundaryArn, InstallationId, IssuerUrl, Partition, QueueUrl, Region, RolePath};

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events";

fn account() -> AwsAccount {
    AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse("/ambit/bed/").unwrap(),
        installation: InstallationId::parse("bed").unwrap(),
        assume_role: None,
        cluster: None,
        users: false,
        events: Some(AwsEvents {
            queue: QueueUrl::parse(URL).unwrap(),
            boundary: BoundaryArn::parse("arn:aws:iam::123456789012:policy/b").unwrap(),
            issuer: Some(IssuerUrl::parse("https://oidc.example.com/id").unwrap()),
        }),
    }
}

fn event(id: &str, caller: &str) -> String {
    json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "detail": {
            "eventSource": "iam.amazonaws.com", "eventName": "TagRole", "eventID": id,
            "eventTime": "2026-11-22T10:00:00Z", "recipientAccountId": "123456789012",
            "userIdentity": {"arn": caller}, "requestParameters": {"roleName": "r"},
        },
    })
    .to_string()
}

/// STS as usual, and SQS as told.
async fn endpoint(sqs: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> (Scripted, AwsCloud) {
    let scripted = Scripted::start(move |asked| {
        if asked.action == "GetCallerIdentity" {
            let caller = "<Arn>arn:aws:sts::123456789012:assumed-role/ambit/one</Arn><Account>123456789012</Account>";
            return yes("GetCallerIdentity", caller);
        }
        let (status, body) = sqs(asked);
        (status, body.to_string())
    })
    .await;
    let cloud = AwsCloud::with_config(account(), &scripted.config().await, Manners::default()).await;
    (scripted, cloud)
}

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.parameters["body"]).unwrap()
}

#[tokio::test]
async fn messages_are_read_as_they_come_and_who_calls_is_asked_once() {
    let messages = json!({"Messages": [
        {"ReceiptHandle": "r-1", "Body": event("e-1", "arn:aws:iam::123456789012:user/mallory")},
        {"ReceiptHandle": "r-2", "Body": event("e-2", "arn:aws:sts::123456789012:assumed-role/ambit/two")},
        {"ReceiptHandle": "r-3", "Body": "x"},
        {"ReceiptHandle": "r-4"},
        {"Body": "without a receipt nobody could delete it"},
    ]});
    let (scripted, cloud) = endpoint(move |_| (200, messages.clone())).await;
    let queue = cloud.events().unwrap();
    let received = queue.receive().await.unwrap();
    let receipts: Vec<&str> = received.iter().map(|message| message.receipt.0.as_str()).collect();
    assert_eq!(receipts, ["r-1", "r-2", "r-3", "r-4"]);
    assert!(matches!(&received[0].record, Record::Role { name, change } if name == "r" && change.event == "e-1"));
    assert_eq!(received[1].record, Record::Ours);
    assert!(matches!(received[2].record, Record::Malformed(_)) && matches!(received[3].record, Record::Malformed(_)));
    queue.receive().await.unwrap();
    assert_eq!(scripted.actions(), ["GetCallerIdentity", "ReceiveMessage", "ReceiveMessage"]);
    let asked = body(&scripted.asked()[1]);
    assert_eq!(asked, json!({"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}));
}

#[tokio::test]
async fn an_empty_answer_is_no_failure() {
    let (_, cloud) = endpoint(|_| (200, json!({}))).await;
    assert_eq!(cloud.events().unwrap().receive().await.unwrap(), []);
}

#[tokio::test]
async fn many_are_deleted_ten_at_a_time() {
    let (scripted, cloud) = endpoint(|_| (200, json!({"Successful": [], "Failed": []}))).await;
    let receipts: Vec<Receipt> = (0..12).map(|number| Receipt(format!("r-{number}"))).collect();
    cloud.events().unwrap().delete(&receipts).await.unwrap();
    let sizes: Vec<usize> =
        scripted.asked().iter().map(|asked| body(asked)["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2]);
    let last = body(&scripted.asked()[1]);
    assert_eq!(last["Entries"][1], json!({"Id": "1", "ReceiptHandle": "r-11"}));
}

#[tokio::test]
async fn what_could_not_be_deleted_is_told_unless_it_comes_again_anyway() {
    let failed = |code: &'static str| {
        move |_: &Asked| {
            let failed = json!([{"Id": "0", "SenderFault": false, "Code": code, "Message": "no"}]);
            (200, json!({"Successful": [], "Failed": failed}))
        }
    };
    let receipts = [Receipt("r".to_owned())];
    let (_, cloud) = endpoint(failed("InternalError")).await;
    let error = cloud.events().unwrap().delete(&receipts).await.unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Transient, "sqs:DeleteMessageBatch: no"));
    let (_, cloud) = endpoint(failed("ReceiptHandleIsInvalid")).await;
    cloud.events().unwrap().delete(&receipts).await.unwrap();
}

#[tokio::test]
async fn failures_have_their_kind() {
    for (code, kind) in [
        ("com.amazonaws.sqs#QueueDoesNotExist", ErrorKind::NotFound),
        ("com.amazon.coral.service#AccessDeniedException", ErrorKind::Denied),
        ("com.amazonaws.sqs#KmsAccessDenied", ErrorKind::Denied),
        ("com.amazonaws.sqs#KmsThrottled", ErrorKind::Throttled),
        ("com.amazonaws.sqs#OverLimit", ErrorKind::Throttled),
        ("com.amazonaws.sqs#RequestThrottled", ErrorKind::Throttled),
    ] {
        let (_, cloud) = endpoint(move |_| (400, json!({"__type": code, "message": "no"}))).await;
        let error = cloud.events().unwrap().receive().await.unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (kind, "sqs:ReceiveMessage: no"), "{code}");
    }
}

#[tokio::test]
async fn an_account_without_a_queue_has_no_events() {
    let (scripted, _) = endpoint(|_| (200, json!({}))).await;
    let without = AwsAccount { events: None, ..account() };
    let cloud = AwsCloud::with_config(without, &scripted.config().await, Manners::default()).await;
    assert!(cloud.events().is_none());
}

#[tokio::test]
async fn a_queue_takes_no_turn_of_other_calls() {
    let (scripted, _) = endpoint(|_| (200, json!({}))).await;
    let rate = Arc::new(RateLimit::per_second(NonZeroU32::MIN));
    let manners = Manners { rate: Arc::clone(&rate), ..Manners::default() };
    let cloud = AwsCloud::with_config(account(), &scripted.config().await, manners).await;
    let queue = cloud.events().unwrap();
    for _ in 0..3 {
        queue.receive().await.unwrap();
    }
    assert!(futures::poll!(std::pin::pin!(rate.take("iam:GetRole"))).is_ready(), "the account's one turn was taken");
    assert!(futures::poll!(std::pin::pin!(rate.take("iam:GetRole"))).is_pending());
}
