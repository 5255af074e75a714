use std::io::Write;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::super::scripted::{Asked, Scripted, no, yes};
use super::super::{AwsAccount, Manners};
use super::*;
use crate::cloud::{Cloud, ErrorKind};
use crate::names::{AccountId, IdentityKey, InstallationId, Partition, PrincipalKind, Region, RolePath};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "canaryUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn name() -> PrincipalName {
    let installation = InstallationId::parse("bed").unwrap();
    PrincipalName::of(PrincipalKind::User, &installation, &IdentityKey::new("shop", "orders"))
}

fn id() -> AccessKeyId {
    AccessKeyId::parse(ID).unwrap()
}

async fn cloud_that(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> (AwsCloud, Scripted) {
    let account = AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse("/ambit/bed/").unwrap(),
        installation: InstallationId::parse("bed").unwrap(),
        assume_role: None,
        events: None,
        cluster: None,
        users: true,
    };
    let scripted = Scripted::start(script).await;
    (AwsCloud::with_config(account, &scripted.config().await, Manners::default()).await, scripted)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn listed(id: &str, status: &str, created: &str) -> String {
    format!(
        "<UserName>n</UserName><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status><CreateDate>{created}</CreateDate>"
    )
}

/// The reply of `CreateAccessKey` with this secret.
fn made(secret: &str) -> String {
    let key = listed(ID, "Active", "2026-11-22T10:00:00Z");
    format!("<AccessKey>{key}<SecretAccessKey>{secret}</SecretAccessKey></AccessKey>")
}

#[tokio::test]
async fn keys_are_listed_from_every_page() {
    let (cloud, scripted) = cloud_that(|asked| {
        let (key, more) = match asked.parameters.get("Marker").map(String::as_str) {
            None => {
                (listed(ID, "Active", "2026-11-22T10:00:00Z"), "<IsTruncated>true</IsTruncated><Marker>m1</Marker>")
            }
            Some("m1") => {
                (listed("AKIAI44QH8DHBEXAMPLE", "Inactive", "2026-10-01T00:00:00Z"), "<IsTruncated>false</IsTruncated>")
            }
            Some(other) => return no(400, "InvalidInput", other),
        };
        yes("ListAccessKeys", &format!("<AccessKeyMetadata><member>{key}</member></AccessKeyMetadata>{more}"))
    })
    .await;
    let keys = cloud.access_keys(&name()).await.unwrap();
    let told: Vec<_> = keys.iter().map(|key| (key.id.as_str(), key.active, key.created)).collect();
    assert_eq!(
        told,
        [(ID, true, at("2026-11-22T10:00:00Z")), ("AKIAI44QH8DHBEXAMPLE", false, at("2026-10-01T00:00:00Z"))]
    );
    assert!(scripted.asked().iter().all(|asked| asked.signed && asked.parameters["UserName"] == name().as_str()));
}

#[tokio::test]
async fn a_user_that_is_not_there_has_no_keys() {
    let (cloud, _scripted) = cloud_that(|_| no(404, "NoSuchEntity", "cannot be found")).await;
    assert_eq!(cloud.access_keys(&name()).await.unwrap(), []);
    let (cloud, _scripted) = cloud_that(|_| no(403, "AccessDenied", "not allowed")).await;
    assert_eq!(cloud.access_keys(&name()).await.unwrap_err().kind, ErrorKind::Denied);
}

/// A key is never taken for inactive, for older or for no key because a list left something out.
#[tokio::test]
async fn a_list_that_leaves_something_out_is_no_list() {
    let whole = listed(ID, "Active", "2026-11-22T10:00:00Z");
    let without = |part: &str| whole.replace(part, "");
    let member = |key: &str| format!("<AccessKeyMetadata><member>{key}</member></AccessKeyMetadata>");
    let end = "<IsTruncated>false</IsTruncated>";
    let no_id = "the id of an access key";
    let no_status = "a status of an access key that Ambit knows";
    let no_time = "the time at which an access key was made";
    for (answer, lacks) in [
        (member(&without(&format!("<AccessKeyId>{ID}</AccessKeyId>"))) + end, no_id),
        (member(&whole.replace(ID, "AKIA")) + end, no_id),
        (member(&without("<Status>Active</Status>")) + end, no_status),
        (member(&whole.replace("Active", "Retired")) + end, no_status),
        (member(&without("<CreateDate>2026-11-22T10:00:00Z</CreateDate>")) + end, no_time),
        (member(&whole) + "<IsTruncated>true</IsTruncated>", "the marker of the next page"),
    ] {
        let (cloud, _scripted) = cloud_that(move |_| yes("ListAccessKeys", &answer)).await;
        let error = cloud.access_keys(&name()).await.unwrap_err();
        let expected = format!("iam:ListAccessKeys: the answer lacks {lacks}");
        assert_eq!((error.kind, error.to_string()), (ErrorKind::Transient, expected));
    }
}

#[tokio::test]
async fn the_last_use_is_told_never_or_not_at_all() {
    let of =
        |told: &'static str| cloud_that(move |_| yes("GetAccessKeyLastUsed", &format!("<UserName>n</UserName>{told}")));
    let never = "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>";
    let used = "<AccessKeyLastUsed><LastUsedDate>2026-11-21T10:00:00Z</LastUsedDate><ServiceName>s3</ServiceName>\
                <Region>eu-west-1</Region></AccessKeyLastUsed>";
    let (cloud, scripted) = of(used).await;
    assert_eq!(cloud.last_use(&id()).await.unwrap(), LastUse::At(at("2026-11-21T10:00:00Z")));
    assert_eq!(scripted.asked()[0].parameters["AccessKeyId"], ID);
    assert_eq!(of(never).await.0.last_use(&id()).await.unwrap(), LastUse::Never);
    let error = of("").await.0.last_use(&id()).await.unwrap_err();
    assert_eq!(error.to_string(), "iam:GetAccessKeyLastUsed: the answer lacks the last use");
    let (cloud, _scripted) = cloud_that(|_| no(404, "NoSuchEntity", "cannot be found")).await;
    assert_eq!(cloud.last_use(&id()).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_key_is_made_and_its_secret_handed_on() {
    let (cloud, scripted) = cloud_that(|_| yes("CreateAccessKey", &made(SECRET))).await;
    let key = cloud.create_access_key(&name()).await.unwrap();
    assert_eq!(key.expose_secret(), SECRET);
    assert_eq!(*key.key(), AccessKey { id: id(), active: true, created: at("2026-11-22T10:00:00Z") });
    let [asked] = &scripted.asked()[..] else { panic!("{:?}", scripted.actions()) };
    assert_eq!((asked.action.as_str(), asked.parameters.len(), asked.signed), ("CreateAccessKey", 1, true));
    assert_eq!(asked.parameters["UserName"], name().as_str());
}

#[tokio::test]
async fn a_third_key_is_refused_as_used_up_and_nothing_is_tried_twice() {
    for (answer, kind) in [
        (no(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"), ErrorKind::LimitExceeded),
        (no(404, "NoSuchEntity", "The user cannot be found"), ErrorKind::NotFound),
        (no(503, "ServiceUnavailable", "later"), ErrorKind::Transient),
        (no(400, "Throttling", "Rate exceeded"), ErrorKind::Throttled),
    ] {
        let (cloud, scripted) = cloud_that(move |_| answer.clone()).await;
        let error = cloud.create_access_key(&name()).await.unwrap_err();
        assert_eq!((error.kind, scripted.actions().len()), (kind, 1), "{error}");
    }
}

#[tokio::test]
async fn every_step_on_a_key_is_one_call_that_says_all_it_must() {
    let (cloud, scripted) = cloud_that(|asked| yes(&asked.action, "")).await;
    for step in [KeyStep::Activate(id()), KeyStep::Deactivate(id()), KeyStep::Delete(id())] {
        cloud.change_access_key(&name(), &step).await.unwrap();
    }
    let said = |asked: &Asked| {
        let parameter = |name: &str| asked.parameters.get(name).cloned().unwrap_or_default();
        assert_eq!(parameter("UserName"), name().as_str());
        format!("{} {} {}", asked.action, parameter("AccessKeyId"), parameter("Status"))
    };
    let expected = ["UpdateAccessKey ID Active", "UpdateAccessKey ID Inactive", "DeleteAccessKey ID "];
    assert_eq!(scripted.asked().iter().map(said).collect::<Vec<_>>(), expected.map(|line| line.replace("ID", ID)));
}

#[tokio::test]
async fn a_key_that_is_gone_is_deleted_and_cannot_be_switched() {
    let (cloud, _scripted) = cloud_that(|_| no(404, "NoSuchEntity", "cannot be found")).await;
    cloud.change_access_key(&name(), &KeyStep::Delete(id())).await.unwrap();
    for step in [KeyStep::Activate(id()), KeyStep::Deactivate(id())] {
        assert_eq!(cloud.change_access_key(&name(), &step).await.unwrap_err().kind, ErrorKind::NotFound);
    }
}

/// What was written, for a look at it.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A secret is in the one answer that it belongs in: not in what is shown of that, not in an
/// error, whatever else is wrong with the reply, and not in a log, however fine.
#[tokio::test]
async fn a_secret_shows_itself_nowhere() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logs = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _logs = tracing::subscriber::set_default(logs);
    let (cloud, _scripted) = cloud_that(|_| yes("CreateAccessKey", &made(SECRET))).await;
    let shown = format!("{:?}", cloud.create_access_key(&name()).await.unwrap());
    assert!(shown.contains(ID) && !shown.contains("canary"), "{shown}");
    let whole = made(SECRET);
    for reply in [
        whole.replace(SECRET, &format!("{SECRET} {SECRET}")),
        whole.replace(SECRET, &format!("{SECRET}{}", "x".repeat(300))),
        whole.replace(ID, "AKIA"),
        whole.replace(&format!("<AccessKeyId>{ID}</AccessKeyId>"), ""),
        whole.replace("<Status>Active</Status>", ""),
        whole.replace("<CreateDate>2026-11-22T10:00:00Z</CreateDate>", ""),
        whole.replace("2026-11-22T10:00:00Z", "yesterday"),
        whole.replace("AccessKey>", "Key>"),
    ] {
        let answer = yes("CreateAccessKey", &reply);
        let (cloud, _scripted) = cloud_that(move |_| answer.clone()).await;
        let error = cloud.create_access_key(&name()).await.expect_err(&reply);
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("aws_smithy_runtime"), "the SDK was heard");
    let told: Vec<_> = written.lines().filter(|line| line.contains("canary")).collect();
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_told_as_such() {
    let (cloud, _scripted) = cloud_that(|_| yes("CreateAccessKey", &made(""))).await;
    let error = cloud.create_access_key(&name()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("iam:CreateAccessKey: {}", crate::domain::BadSecret));
}
