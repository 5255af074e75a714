use serde_json::{Value, json};

use super::super::scripted::{Asked, Scripted};
use super::super::{AwsAccount, Manners};
use super::*;
use crate::cloud::Cloud as _;
use crate::domain::OwnerTags;
use crate::names::{AccountId, ClusterArn, IdentityKey, InstallationId, Partition, Region, RolePath};

const CLUSTER: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu";
const ROLE: &str = "arn:aws:iam::123456789012:role/ambit/bed/orders";
const PATH: &str = "/clusters/prod-eu/pod-identity-associations";

fn account(cluster: Option<&str>) -> AwsAccount {
    AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse("/ambit/bed/").unwrap(),
        installation: InstallationId::parse("bed").unwrap(),
        assume_role: None,
        events: None,
        cluster: cluster.map(|arn| ClusterArn::parse(arn).unwrap()),
        users: false,
    }
}

async fn cloud_that(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> (AwsCloud, Scripted) {
    let scripted = Scripted::start(script).await;
    (AwsCloud::with_config(account(Some(CLUSTER)), &scripted.config().await, Manners::default()).await, scripted)
}

fn pods() -> PodsOf {
    PodsOf::new("shop", "orders")
}

fn owner() -> Owner {
    let installation = InstallationId::parse("bed").unwrap();
    Owner { installation, identity: IdentityKey::new("shop", "orders"), uid: "u1".into() }
}

fn yes(answer: &Value) -> (u16, String) {
    (200, answer.to_string())
}

/// An answer that says no, as EKS says it: the code stands in the body here.
fn no(status: u16, code: &str, message: &str) -> (u16, String) {
    (status, json!({"__type": code, "message": message}).to_string())
}

fn missing() -> (u16, String) {
    no(404, "ResourceNotFoundException", "No cluster found for name: prod-eu.")
}

fn summary(id: &str, service_account: &str) -> Value {
    json!({"clusterName": "prod-eu", "namespace": "shop", "serviceAccount": service_account,
        "associationArn": format!("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod-eu/{id}"),
        "associationId": id})
}

fn association(more: &Value) -> Value {
    let mut association = summary("a-1", "orders");
    let all = json!({"roleArn": ROLE, "disableSessionTags": false, "tags": {"ambit.dev/installation": "bed",
        "ambit.dev/identity": "shop/orders", "ambit.dev/uid": "u1", "team": "shop"}});
    for fields in [&all, more] {
        association.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }
    json!({"association": association})
}

/// The association, in the second page of the list.
fn there(asked: &Asked) -> (u16, String) {
    match (asked.action.as_str(), asked.parameters.get("nextToken").map(String::as_str)) {
        ("GET /clusters/prod-eu/pod-identity-associations", None) => {
            yes(&json!({"associations": [summary("a-0", "orders-2")], "nextToken": "n"}))
        }
        ("GET /clusters/prod-eu/pod-identity-associations", Some("n")) => {
            yes(&json!({"associations": [summary("a-1", "orders")]}))
        }
        ("GET /clusters/prod-eu/pod-identity-associations/a-1", None) => yes(&association(&json!({}))),
        other => panic!("{other:?}"),
    }
}

fn spoken(scripted: &Scripted) -> Vec<String> {
    let all = scripted.asked().into_iter().map(|asked| {
        assert!(asked.signed, "{}", asked.action);
        let parameters = asked.parameters.into_iter().map(|(key, value)| {
            // The SDK makes a token for each request that may be sent twice.
            let mut body: Value = serde_json::from_str(&value).unwrap_or(json!(value));
            if let Some(body) = body.as_object_mut() {
                assert!(body.remove("clientRequestToken").is_some());
            }
            format!(" {key}={body}")
        });
        format!("{}{}", asked.action, parameters.collect::<String>())
    });
    all.collect()
}

#[tokio::test]
async fn an_association_is_found_by_its_pods_and_read_by_its_id() {
    let (cloud, scripted) = cloud_that(there).await;
    let found = cloud.observe_association(&pods()).await.unwrap();
    let owner = OwnerTags {
        installation: Some("bed".into()),
        identity: Some("shop/orders".into()),
        uid: Some("u1".into()),
        retained: None,
    };
    assert_eq!(
        found,
        Observation::Present(Association {
            id: "a-1".into(),
            pods: pods(),
            principal: ROLE.into(),
            onward: None,
            names_pods: true,
            narrowed: false,
            owner,
        })
    );
    let list = format!(r#"GET {PATH} namespace="shop""#);
    assert_eq!(
        spoken(&scripted),
        [
            format!(r#"{list} serviceAccount="orders""#),
            format!(r#"{list} nextToken="n" serviceAccount="orders""#),
            format!("GET {PATH}/a-1"),
        ]
    );
}

#[tokio::test]
async fn whatever_else_an_association_does_is_seen() {
    let read = |more: Value| async move {
        let (cloud, _scripted) = cloud_that(move |asked| match asked.action.as_str() {
            "GET /clusters/prod-eu/pod-identity-associations/a-1" => yes(&association(&more)),
            _ => there(asked),
        })
        .await;
        let Observation::Present(found) = cloud.observe_association(&pods()).await.unwrap() else { panic!("absent") };
        (found.principal, found.onward, found.names_pods, found.narrowed, found.owner.uid)
    };
    let other = "arn:aws:iam::210987654321:role/admin";
    let plain = || (ROLE.to_owned(), None, true, false, Some("u1".to_owned()));
    assert_eq!(read(json!({"targetRoleArn": "", "policy": ""})).await, plain());
    assert_eq!(read(json!({"disableSessionTags": null})).await, plain());
    assert_eq!(read(json!({"roleArn": other})).await, (other.to_owned(), None, true, false, Some("u1".to_owned())));
    let onward = (ROLE.to_owned(), Some(other.to_owned()), true, false, Some("u1".to_owned()));
    assert_eq!(read(json!({"targetRoleArn": other, "externalId": "x"})).await, onward);
    let narrowed = (ROLE.to_owned(), None, false, true, None);
    assert_eq!(read(json!({"disableSessionTags": true, "policy": "{}", "tags": {"team": "shop"}})).await, narrowed);
}

/// Only EKS's own word says that something is not there.
#[tokio::test]
async fn what_is_not_there_is_absent_and_what_is_not_told_is_not() {
    let (cloud, scripted) = cloud_that(|_| yes(&json!({"associations": []}))).await;
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(scripted.actions().len(), 1);
    // Of another service account, whatever was asked for.
    let (cloud, _scripted) = cloud_that(|_| yes(&json!({"associations": [summary("a-0", "orders-2")]}))).await;
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    // It went between the two calls.
    let (cloud, _scripted) = cloud_that(|asked| {
        if asked.action.ends_with("/a-1") {
            no(404, "ResourceNotFoundException", "The specified association was not found")
        } else {
            there(asked)
        }
    })
    .await;
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    let (cloud, _scripted) = cloud_that(|_| missing()).await;
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(cloud.observe_cluster().await.unwrap(), Observation::Absent);
    assert_eq!(cloud.sweep_associations(None).await.unwrap().associations, []);
    for (status, text, kind) in [
        (404, "<html>not here</html>", ErrorKind::Transient),
        (500, r#"{"__type":"ServerException","message":"x"}"#, ErrorKind::Transient),
        (503, r#"{"__type":"ServiceUnavailableException","message":"x"}"#, ErrorKind::Transient),
        (403, r#"{"__type":"AccessDeniedException","message":"x"}"#, ErrorKind::Denied),
        (429, r#"{"__type":"ThrottlingException","message":"x"}"#, ErrorKind::Throttled),
        (400, r#"{"__type":"InvalidParameterException","message":"x"}"#, ErrorKind::Invalid),
    ] {
        let (cloud, _scripted) = cloud_that(move |_| (status, text.to_owned())).await;
        assert_eq!(cloud.observe_association(&pods()).await.unwrap_err().kind, kind, "{text}");
        assert_eq!(cloud.sweep_associations(None).await.unwrap_err().kind, kind, "{text}");
        assert_eq!(cloud.observe_cluster().await.unwrap_err().kind, kind, "{text}");
    }
}

#[tokio::test]
async fn every_step_is_one_call_that_says_all_it_must() {
    let (cloud, scripted) = cloud_that(|_| yes(&association(&json!({})))).await;
    let steps = [
        AssociationStep::Create { owner: owner(), pods: pods(), principal: ROLE.into() },
        AssociationStep::Update { id: "a-1".into(), principal: ROLE.into() },
        AssociationStep::Delete { id: "a-1".into() },
    ];
    for step in &steps {
        cloud.apply_association(step).await.unwrap();
    }
    let tags = r#"{"ambit.dev/identity":"shop/orders","ambit.dev/installation":"bed","ambit.dev/uid":"u1"}"#;
    assert_eq!(
        spoken(&scripted),
        [
            format!(
                r#"POST {PATH} body={{"namespace":"shop","roleArn":"{ROLE}","serviceAccount":"orders","tags":{tags}}}"#
            ),
            format!(r#"POST {PATH}/a-1 body={{"disableSessionTags":false,"roleArn":"{ROLE}"}}"#),
            format!("DELETE {PATH}/a-1"),
        ]
    );
}

#[tokio::test]
async fn a_refused_step_says_what_to_do_about_it() {
    let kind = |answer: (u16, String), step: AssociationStep| async move {
        let (cloud, scripted) = cloud_that(move |_| answer.clone()).await;
        let done = cloud.apply_association(&step).await;
        assert_eq!(scripted.actions().len(), 1, "nothing is tried twice");
        done.err().map(|error| error.kind)
    };
    let create = || AssociationStep::Create { owner: owner(), pods: pods(), principal: ROLE.into() };
    let update = || AssociationStep::Update { id: "a-1".into(), principal: ROLE.into() };
    let delete = || AssociationStep::Delete { id: "a-1".into() };
    let taken = no(409, "ResourceInUseException", "Association already exists: a-1");
    assert_eq!(kind(taken, create()).await, Some(ErrorKind::Conflict));
    let full = no(400, "ResourceLimitExceededException", "too many associations");
    assert_eq!(kind(full, create()).await, Some(ErrorKind::LimitExceeded));
    // What IAM was told a moment ago, EKS may not know yet.
    for words in ["Role provided in the request does not exist.", "Trust policy of the role provided is invalid."] {
        let unseen = || no(400, "InvalidParameterException", words);
        assert_eq!(kind(unseen(), create()).await, Some(ErrorKind::NotFound), "{words}");
        assert_eq!(kind(unseen(), update()).await, Some(ErrorKind::NotFound), "{words}");
    }
    let wrong = no(400, "InvalidParameterException", "namespace is not valid");
    assert_eq!(kind(wrong, create()).await, Some(ErrorKind::Invalid));
    assert_eq!(kind(missing(), update()).await, Some(ErrorKind::NotFound));
    assert_eq!(kind(missing(), delete()).await, None, "what is gone needs no removal");
}

#[tokio::test]
async fn a_sweep_lists_all_page_by_page() {
    let (cloud, scripted) = cloud_that(there).await;
    let first = cloud.sweep_associations(None).await.unwrap();
    assert_eq!((first.associations[0].id.as_str(), first.next.clone()), ("a-0", Some(PageToken("n".into()))));
    let second = cloud.sweep_associations(first.next.as_ref()).await.unwrap();
    assert_eq!((second.associations, second.next), (vec![Listed { id: "a-1".into(), pods: pods() }], None));
    assert_eq!(
        spoken(&scripted),
        [format!("GET {PATH} maxResults=100"), format!(r#"GET {PATH} maxResults=100 nextToken="n""#)]
    );
}

#[tokio::test]
async fn the_cluster_is_known_by_its_arn() {
    let (cloud, scripted) =
        cloud_that(|_| yes(&json!({"cluster": {"name": "prod-eu", "arn": CLUSTER, "status": "ACTIVE"}}))).await;
    assert_eq!(cloud.observe_cluster().await.unwrap(), Observation::Present(Cluster { arn: CLUSTER.into() }));
    assert_eq!(scripted.actions(), ["GET /clusters/prod-eu"]);
}

#[tokio::test]
async fn an_account_that_names_no_cluster_calls_nothing() {
    let scripted = Scripted::start(|asked| panic!("{}", asked.action)).await;
    let cloud = AwsCloud::with_config(account(None), &scripted.config().await, Manners::default()).await;
    assert_eq!(cloud.observe_cluster().await.unwrap(), Observation::Absent);
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(cloud.sweep_associations(None).await.unwrap().next, None);
    let create = AssociationStep::Create { owner: owner(), pods: pods(), principal: ROLE.into() };
    let error = cloud.apply_association(&create).await.unwrap_err();
    assert_eq!(error.to_string(), "eks:CreatePodIdentityAssociation: the account names no cluster");
    assert_eq!(scripted.actions(), Vec::<String>::new());
}
