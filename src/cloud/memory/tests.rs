use super::*;
use crate::cloud::ErrorKind;
use crate::cloud::aws::{CLOSED, PERMISSIONS};
use crate::domain::{Birth, Denial, Listed, Reading, SessionSeconds};
use crate::names::{IdentityKey, Owner};
use crate::policy::Document;

const SUBJECT: &str = "system:serviceaccount:shop:orders";
const AUDIENCE: &str = "sts.amazonaws.com";

fn installation(name: &str) -> InstallationId {
    InstallationId::parse(name).unwrap()
}

fn path(text: &str) -> RolePath {
    RolePath::parse(text).unwrap()
}

fn boundary() -> BoundaryArn {
    BoundaryArn::parse("arn:aws:iam::123456789012:policy/ambit-boundary").unwrap()
}

fn issuer() -> IssuerUrl {
    IssuerUrl::parse("https://oidc.example.com/id").unwrap()
}

fn cloud() -> MemoryCloud {
    let account = AccountId::parse("123456789012").unwrap();
    let cloud = MemoryCloud::new(account, path("/ambit/bed/"), installation("bed"));
    cloud.add_boundary(&boundary());
    cloud
}

fn owner() -> Owner {
    Owner { installation: installation("bed"), identity: IdentityKey::new("shop", "orders"), uid: "u1".into() }
}

fn name() -> PrincipalName {
    PrincipalName::role(&owner().installation, &owner().identity)
}

fn document(text: &str) -> Document {
    Document::read(text).unwrap()
}

fn trust() -> Document {
    document(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",
        "Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id"}},
        "Action":"sts:AssumeRoleWithWebIdentity",
        "Condition":{{"StringEquals":{{"oidc.example.com/id:aud":"{AUDIENCE}","oidc.example.com/id:sub":"{SUBJECT}"}}}}}}]}}"#
    ))
}

fn permissions(action: &str) -> Document {
    document(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:::b"}}]}}"#
    ))
}

fn birth() -> Step {
    Step::Create(Birth { owner: owner(), trust: trust(), boundary: boundary(), session: SessionSeconds::MIN })
}

async fn take(cloud: &MemoryCloud, steps: impl IntoIterator<Item = Step>) {
    for step in steps {
        cloud.apply(&name(), &step).await.unwrap();
    }
}

async fn see(cloud: &MemoryCloud) -> Observed {
    match cloud.observe(&name(), Depth::Full).await.unwrap() {
        Observation::Present(observed) => observed,
        Observation::Absent => panic!("absent"),
    }
}

async fn kind_of(cloud: &MemoryCloud, step: Step) -> (ErrorKind, String) {
    let error = cloud.apply(&name(), &step).await.unwrap_err();
    (error.kind, error.code)
}

#[tokio::test]
async fn what_is_created_is_seen() {
    let cloud = cloud();
    let made = cloud.apply(&name(), &birth()).await.unwrap();
    let seen = see(&cloud).await;
    assert_eq!(made, StepDone::Created { id: seen.id.clone(), arn: seen.arn.clone() });
    assert_eq!(seen.id, "AROA00000000000000001");
    assert_eq!(seen.arn, format!("arn:aws:iam::123456789012:role/ambit/bed/{}", name()));
    assert!(seen.on_our_path && seen.complete && seen.denial == Denial::Absent);
    assert!(seen.owner.name_exactly(&owner()));
    assert!(seen.trust.means(&trust()));
    assert_eq!(seen.boundary.as_deref(), Some(boundary().as_str()));
    assert_eq!((seen.session, seen.permissions), (Some(3600), None));
}

#[tokio::test]
async fn every_step_takes_effect_and_may_be_taken_again() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let other = Owner { uid: "u2".into(), ..owner() };
    let steps = [
        Step::SetOwner(other.clone()),
        Step::Retain(other.clone()),
        Step::SetSession(SessionSeconds::MAX),
        Step::SetTrust(permissions("sts:AssumeRole")),
        Step::SetBoundary(boundary()),
        Step::SetPermissions(permissions("s3:GetObject")),
        Step::Close,
    ];
    take(&cloud, steps.clone()).await;
    let first = see(&cloud).await;
    take(&cloud, steps).await;
    assert_eq!(see(&cloud).await, first);
    assert!(first.denial == Denial::InPlace && first.owner.name_exactly(&other));
    assert!(first.trust.means(&permissions("sts:AssumeRole")));
    assert!(first.permissions.unwrap().means(&permissions("s3:GetObject")));
    assert_eq!(first.session, Some(43_200));
}

#[tokio::test]
async fn a_role_goes_only_when_its_policies_are_gone() {
    let cloud = cloud();
    take(&cloud, [birth(), Step::SetPermissions(permissions("s3:GetObject")), Step::Close]).await;
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
    cloud.change_by_hand(name().as_str(), |role| {
        role.attached.insert(arn.clone());
    });
    let conflict = (ErrorKind::Conflict, "DeleteConflict".to_owned());
    for step in [Step::Detach(arn), Step::RemovePermissions, Step::Open] {
        assert_eq!(kind_of(&cloud, Step::Delete).await, conflict);
        take(&cloud, [step.clone(), step]).await;
    }
    take(&cloud, [Step::Delete, Step::Delete]).await;
    assert!(cloud.roles().is_empty());
    let absent = cloud.observe(&name(), Depth::Full).await.unwrap();
    assert_eq!(absent, Observation::Absent);
}

#[tokio::test]
async fn a_name_is_taken_whatever_its_case_and_path() {
    let cloud = cloud();
    cloud.plant(MemoryRole::foreign(&name().as_str().to_uppercase(), "/elsewhere/"));
    assert_eq!(kind_of(&cloud, birth()).await, (ErrorKind::Conflict, "EntityAlreadyExists".to_owned()));
    let seen = see(&cloud).await;
    assert!(!seen.on_our_path && !seen.complete && !seen.owner.name_identity_of(&owner()));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed_but_is_gone() {
    let cloud = cloud();
    for step in [Step::SetSession(SessionSeconds::MIN), Step::Close, Step::SetOwner(owner())] {
        assert_eq!(kind_of(&cloud, step).await, (ErrorKind::NotFound, "NoSuchEntity".to_owned()));
    }
    take(
        &cloud,
        [Step::RemovePermissions, Step::Open, Step::RemoveInline("x".into()), Step::Detach("x".into()), Step::Delete],
    )
    .await;
}

#[tokio::test]
async fn a_boundary_must_exist() {
    let cloud = cloud();
    cloud.remove_boundary(&boundary());
    assert_eq!(cloud.observe_boundary(&boundary()).await.unwrap(), Observation::Absent);
    assert_eq!(kind_of(&cloud, birth()).await, (ErrorKind::NotFound, "NoSuchEntity".to_owned()));
    cloud.add_boundary(&boundary());
    assert!(matches!(cloud.observe_boundary(&boundary()).await.unwrap(), Observation::Present(Reading::Document(_))));
    take(&cloud, [birth()]).await;
}

#[tokio::test]
async fn quotas_hold() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let limit = (ErrorKind::LimitExceeded, "LimitExceeded".to_owned());
    assert_eq!(kind_of(&cloud, Step::SetTrust(permissions(&"x".repeat(2048)))).await, limit);
    assert_eq!(kind_of(&cloud, Step::SetPermissions(permissions(&"x".repeat(10_240)))).await, limit);
    assert!(see(&cloud).await.trust.means(&trust()));
}

#[tokio::test]
async fn changes_by_hand_are_seen() {
    let cloud = cloud();
    take(&cloud, [birth(), Step::SetPermissions(permissions("s3:GetObject"))]).await;
    assert!(cloud.change_by_hand(name().as_str(), |role| {
        role.inline.insert("extra".into(), "{}".into());
        role.inline.insert(PERMISSIONS.into(), "nonsense".into());
        role.tags.insert("team".into(), "shop".into());
    }));
    let seen = see(&cloud).await;
    assert_eq!(seen.other_inline.keys().collect::<Vec<_>>(), ["extra"]);
    assert!(matches!(seen.other_inline["extra"], Reading::Unreadable(_)));
    assert!(matches!(seen.permissions, Some(Reading::Unreadable(_))));
    assert_eq!(seen.other_tags["team"], "shop");
    let Observation::Present(own) = cloud.observe(&name(), Depth::Own).await.unwrap() else { panic!("absent") };
    assert!(!own.complete && own.other_inline.is_empty());
    assert!(!cloud.change_by_hand("nobody", |_| {}));
}

#[tokio::test]
async fn a_recreated_role_has_another_id() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let first = see(&cloud).await;
    assert!(cloud.remove_by_hand(name().as_str()));
    take(&cloud, [birth()]).await;
    assert_ne!(see(&cloud).await.id, first.id);
}

#[tokio::test]
async fn reads_and_proofs_may_lag() {
    let cloud = cloud();
    cloud.lag_reads(2);
    cloud.lag_proofs(1);
    register(&cloud).await;
    take(&cloud, [birth()]).await;
    for _ in 0..2 {
        assert_eq!(cloud.observe(&name(), Depth::Own).await.unwrap(), Observation::Absent);
    }
    assert!(see(&cloud).await.on_our_path);
    assert_eq!(proof(&cloud, SUBJECT, AUDIENCE).await, Err(ErrorKind::Denied));
    assert_eq!(proof(&cloud, SUBJECT, AUDIENCE).await, Ok(()));
}

async fn register(cloud: &MemoryCloud) {
    cloud.apply_provider(&issuer(), &ProviderStep::Create { audience: AUDIENCE.into() }).await.unwrap();
}

async fn proof(cloud: &MemoryCloud, subject: &str, audience: &str) -> Result<(), ErrorKind> {
    let token = WebToken::new(format!("{subject}|{audience}"));
    cloud.prove(&name(), &token).await.map_err(|error| error.kind)
}

#[tokio::test]
async fn credentials_are_for_those_who_get_in_and_no_longer_than_the_role_allows() {
    let cloud = cloud();
    cloud.set_clock(|| jiff::Timestamp::UNIX_EPOCH);
    register(&cloud).await;
    take(&cloud, [birth()]).await;
    let ask = async |subject: &str, session| {
        let token = WebToken::new(format!("{subject}|{AUDIENCE}"));
        cloud.credentials(&name(), &token, session).await.map_err(|error| error.kind)
    };
    assert_eq!(ask("system:serviceaccount:shop:other", SessionSeconds::MIN).await.err(), Some(ErrorKind::Denied));
    assert_eq!(ask(SUBJECT, SessionSeconds::MAX).await.err(), Some(ErrorKind::Invalid));
    assert_eq!(cloud.issued(), 0);
    for number in 1..=2 {
        let got = ask(SUBJECT, SessionSeconds::MIN).await.unwrap();
        assert_eq!(got.expires().as_second(), 3600);
        assert_eq!(got.expose_session_token(), format!("canary-token-{number}"));
    }
    assert_eq!(cloud.issued(), 2);
    assert!(!cloud.writes().contains_key("credentials"));
}

#[tokio::test]
async fn only_the_trusted_subject_and_audience_get_in() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    assert_eq!(proof(&cloud, SUBJECT, AUDIENCE).await, Err(ErrorKind::Invalid), "no provider yet");
    register(&cloud).await;
    assert_eq!(proof(&cloud, SUBJECT, AUDIENCE).await, Ok(()));
    assert_eq!(proof(&cloud, "system:serviceaccount:shop:other", AUDIENCE).await, Err(ErrorKind::Denied));
    assert_eq!(proof(&cloud, SUBJECT, "other").await, Err(ErrorKind::Invalid));
    cloud.apply_provider(&issuer(), &ProviderStep::AddAudience { audience: "other".into() }).await.unwrap();
    assert_eq!(proof(&cloud, SUBJECT, "other").await, Err(ErrorKind::Denied));
    assert!(cloud.remove_by_hand(name().as_str()));
    assert_eq!(proof(&cloud, SUBJECT, AUDIENCE).await, Err(ErrorKind::Denied));
}

#[tokio::test]
async fn a_provider_is_registered_once_and_tagged() {
    let cloud = cloud();
    assert_eq!(cloud.observe_provider(&issuer()).await.unwrap(), Observation::Absent);
    let add = ProviderStep::AddAudience { audience: "x".into() };
    assert_eq!(cloud.apply_provider(&issuer(), &add).await.unwrap_err().kind, ErrorKind::NotFound);
    register(&cloud).await;
    let again = ProviderStep::Create { audience: AUDIENCE.into() };
    assert_eq!(cloud.apply_provider(&issuer(), &again).await.unwrap_err().kind, ErrorKind::Conflict);
    let Observation::Present(provider) = cloud.observe_provider(&issuer()).await.unwrap() else { panic!("absent") };
    assert_eq!(provider.installation.as_deref(), Some("bed"));
    assert_eq!(provider.audiences.into_iter().collect::<Vec<_>>(), [AUDIENCE]);
}

#[tokio::test]
async fn a_sweep_sees_every_role_in_pages_and_knows_its_own() {
    let cloud = cloud();
    cloud.set_page_size(2);
    for index in 0..5 {
        cloud.plant(MemoryRole::foreign(&format!("ours-{index}"), "/ambit/bed/"));
        cloud.plant(MemoryRole::foreign(&format!("theirs-{index}"), "/ambit/other/"));
    }
    for (view, prefix) in
        [(cloud.clone(), "ours"), (cloud.seen_by(path("/ambit/other/"), installation("other")), "theirs")]
    {
        let (mut names, mut from, mut pages, mut all) = (Vec::new(), None, 0, 0);
        loop {
            let page = view.sweep(from.as_ref()).await.unwrap();
            let ours = page.principals.iter().filter(|swept| swept.on_our_path);
            names.extend(ours.map(|swept| swept.name.clone()));
            all += page.principals.len();
            pages += 1;
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(names, (0..5).map(|index| format!("{prefix}-{index}")).collect::<Vec<_>>());
        assert_eq!((pages, all), (5, 10));
    }
}

#[tokio::test]
async fn calls_are_counted_by_step() {
    let cloud = cloud();
    take(&cloud, [birth(), Step::Close, Step::Close]).await;
    see(&cloud).await;
    assert_eq!(cloud.calls(), [("close", 2), ("create", 1), ("observe", 1)].into());
    assert_eq!(cloud.writes(), [("close", 2), ("create", 1)].into());
    assert!(cloud.role(name().as_str()).unwrap().inline.contains_key(CLOSED));
}

fn cluster(name: &str) -> ClusterArn {
    ClusterArn::parse(&format!("arn:aws:eks:eu-west-1:123456789012:cluster/{name}")).unwrap()
}

fn pods() -> PodsOf {
    PodsOf::new("shop", "orders")
}

fn role_arn() -> String {
    format!("arn:aws:iam::123456789012:role/ambit/bed/{}", name())
}

/// An account with two clusters of the same name in mind, seen from the first.
async fn with_clusters() -> MemoryCloud {
    let cloud = cloud().in_cluster(cluster("eu"));
    cloud.add_cluster(&cluster("eu"));
    cloud.add_cluster(&cluster("us"));
    let trust = crate::policy::pod_identity_trust(&cluster("eu"), "shop", "orders").unwrap();
    let birth = Birth { owner: owner(), trust, boundary: boundary(), session: SessionSeconds::MIN };
    take(&cloud, [Step::Create(birth)]).await;
    cloud
}

fn create(principal: &str) -> AssociationStep {
    AssociationStep::Create { owner: owner(), pods: pods(), principal: principal.to_owned() }
}

async fn tied(cloud: &MemoryCloud) -> Association {
    match cloud.observe_association(&pods()).await.unwrap() {
        Observation::Present(found) => found,
        Observation::Absent => panic!("absent"),
    }
}

#[tokio::test]
async fn a_cluster_has_one_association_for_the_pods_of_a_service_account() {
    let cloud = with_clusters().await;
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), None);
    cloud.apply_association(&create(&role_arn())).await.unwrap();
    let found = tied(&cloud).await;
    assert_eq!((found.principal, found.owner.name_exactly(&owner())), (role_arn(), true));
    assert_eq!(cloud.apply_association(&create(&role_arn())).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), Some(role_arn()));
    assert_eq!(cloud.handed_to(&cluster("eu"), &PodsOf::new("shop", "mailer")), None);
    let page = cloud.sweep_associations(None).await.unwrap();
    assert_eq!(page.associations, [Listed { id: found.id.clone(), pods: pods() }]);
    cloud.apply_association(&AssociationStep::Delete { id: found.id.clone() }).await.unwrap();
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    cloud.apply_association(&AssociationStep::Delete { id: found.id.clone() }).await.unwrap();
    cloud.apply_association(&create(&role_arn())).await.unwrap();
    assert_ne!(tied(&cloud).await.id, found.id, "one that is remade has another id");
}

#[tokio::test]
async fn a_role_is_named_only_where_it_trusts_eks_and_gives_something_only_where_it_names_the_pods() {
    let cloud = with_clusters().await;
    let nowhere = "arn:aws:iam::123456789012:role/ambit/bed/nobody";
    assert_eq!(cloud.apply_association(&create(nowhere)).await.unwrap_err().kind, ErrorKind::NotFound);
    take(&cloud, [Step::SetTrust(trust())]).await;
    let error = cloud.apply_association(&create(&role_arn())).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "InvalidParameterException"));
    let other = crate::policy::pod_identity_trust(&cluster("eu"), "shop", "mailer").unwrap();
    take(&cloud, [Step::SetTrust(other)]).await;
    cloud.apply_association(&create(&role_arn())).await.unwrap();
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), None, "the role trusts other pods");
    let right = crate::policy::pod_identity_trust(&cluster("eu"), "shop", "orders").unwrap();
    take(&cloud, [Step::SetTrust(right)]).await;
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), Some(role_arn()));
    assert!(cloud.change_association(&cluster("eu"), &pods(), |it| it.disable_session_tags = true));
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), None, "EKS does not say for whom");
    let id = tied(&cloud).await.id;
    cloud.apply_association(&AssociationStep::Update { id, principal: role_arn() }).await.unwrap();
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), Some(role_arn()));
}

#[tokio::test]
async fn two_clusters_of_an_account_stay_apart() {
    let cloud = with_clusters().await;
    let other = cloud.clone().in_cluster(cluster("us"));
    cloud.apply_association(&create(&role_arn())).await.unwrap();
    other.apply_association(&create(&role_arn())).await.unwrap();
    assert_eq!(cloud.handed_to(&cluster("us"), &pods()), None, "the role names the cluster");
    assert_eq!(cloud.handed_to(&cluster("eu"), &pods()), Some(role_arn()));
    let here = tied(&cloud).await.id;
    other.apply_association(&AssociationStep::Delete { id: here.clone() }).await.unwrap();
    assert_eq!(tied(&cloud).await.id, here, "ids are looked for in the cluster alone");
    cloud.remove_cluster(&cluster("eu"));
    assert_eq!(cloud.observe_cluster().await.unwrap(), Observation::Absent);
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(cloud.apply_association(&create(&role_arn())).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(matches!(other.observe_cluster().await.unwrap(), Observation::Present(_)));
}

#[tokio::test]
async fn reads_of_an_association_lag_and_lists_come_in_pages() {
    let cloud = with_clusters().await;
    cloud.lag_reads(1);
    cloud.apply_association(&create(&role_arn())).await.unwrap();
    assert_eq!(cloud.observe_association(&pods()).await.unwrap(), Observation::Absent);
    assert_eq!(tied(&cloud).await.principal, role_arn());
    for name in ["a", "b", "c"] {
        cloud.plant_association(&cluster("eu"), MemoryAssociation::foreign(PodsOf::new("shop", name), &role_arn()));
    }
    cloud.set_page_size(3);
    let first = cloud.sweep_associations(None).await.unwrap();
    let rest = cloud.sweep_associations(first.next.as_ref()).await.unwrap();
    assert_eq!((first.associations.len(), rest.associations.len(), rest.next), (3, 1, None));
}
