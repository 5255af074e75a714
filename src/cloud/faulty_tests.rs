use std::time::Duration;

use super::*;
use crate::cloud::MemoryCloud;
use crate::names::{AccountId, InstallationId, RolePath};

fn memory() -> MemoryCloud {
    MemoryCloud::new(
        AccountId::parse("123456789012").unwrap(),
        RolePath::parse("/ambit/bed/").unwrap(),
        InstallationId::parse("bed").unwrap(),
    )
}

fn issuer() -> IssuerUrl {
    IssuerUrl::parse("https://oidc.example.com").unwrap()
}

fn create() -> ProviderStep {
    ProviderStep::Create { audience: "sts.amazonaws.com".into() }
}

async fn registered(memory: &MemoryCloud) -> bool {
    matches!(memory.observe_provider(&issuer()).await, Ok(Observation::Present(_)))
}

#[tokio::test]
async fn counts_and_passes_on_when_nothing_is_planned() {
    let (memory, plan) = (memory(), FaultPlan::none());
    let cloud = Faulty::new(memory.clone(), plan.clone());
    assert_eq!(cloud.account().await.unwrap(), "123456789012");
    cloud.apply_provider(&issuer(), &create()).await.unwrap();
    assert_eq!(plan.calls(), ["account", "create-provider"]);
    assert!(registered(&memory).await);
}

#[tokio::test]
async fn fails_exactly_the_planned_call() {
    let plan = FaultPlan::at(1, Fault::ErrorBefore(ErrorKind::Throttled));
    let cloud = Faulty::new(memory(), plan);
    assert!(cloud.account().await.is_ok());
    let error = cloud.account().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.to_string(), "account: a fault was put here on purpose");
    assert!(cloud.account().await.is_ok());
}

#[tokio::test]
async fn fails_all_calls_of_a_name_and_no_other() {
    let plan = FaultPlan::of(&["usage"], Fault::ErrorBefore(ErrorKind::Throttled));
    let cloud = Faulty::new(memory(), plan.clone());
    for _ in 0..2 {
        assert!(cloud.account().await.is_ok());
        assert_eq!(cloud.usage().await.unwrap_err().kind, ErrorKind::Throttled);
    }
    assert_eq!(plan.calls(), ["account", "usage", "account", "usage"]);
}

#[tokio::test]
async fn an_error_before_leaves_nothing_and_one_after_leaves_the_effect() {
    for (fault, effect) in
        [(Fault::ErrorBefore(ErrorKind::Transient), false), (Fault::ErrorAfter(ErrorKind::Transient), true)]
    {
        let memory = memory();
        let cloud = Faulty::new(memory.clone(), FaultPlan::at(0, fault));
        let error = cloud.apply_provider(&issuer(), &create()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
        assert_eq!(registered(&memory).await, effect, "{fault:?}");
    }
}

#[tokio::test]
async fn an_error_after_keeps_the_clouds_own_refusal() {
    let cloud = Faulty::new(memory(), FaultPlan::at(0, Fault::ErrorAfter(ErrorKind::Transient)));
    let step = ProviderStep::AddAudience { audience: "x".into() };
    let error = cloud.apply_provider(&issuer(), &step).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_hanging_call_tells_when_to_kill_it() {
    for (fault, effect) in [(Fault::HangBefore, false), (Fault::HangAfter, true)] {
        let (memory, plan) = (memory(), FaultPlan::at(0, fault));
        let cloud = Faulty::new(memory.clone(), plan.clone());
        let victim = tokio::spawn(async move { cloud.apply_provider(&issuer(), &create()).await });
        tokio::time::timeout(Duration::from_secs(10), plan.hung()).await.unwrap();
        assert!(!victim.is_finished());
        victim.abort();
        assert!(victim.await.unwrap_err().is_cancelled());
        assert_eq!(registered(&memory).await, effect, "{fault:?}");
    }
}

#[tokio::test]
async fn one_plan_counts_for_several_ports() {
    let plan = FaultPlan::during(1..3, Fault::ErrorBefore(ErrorKind::Denied));
    let cloud = Faulty::new(memory(), plan.clone());
    let other = plan.around("cluster-write", async { Ok::<_, ErrorKind>(()) }, |kind| kind).await;
    assert_eq!(other, Ok(()));
    assert!(cloud.account().await.is_err());
    let other = plan.around("cluster-write", async { Ok::<_, ErrorKind>(()) }, |kind| kind).await;
    assert_eq!(other, Err(ErrorKind::Denied));
    assert!(cloud.account().await.is_ok());
    assert_eq!(plan.calls(), ["cluster-write", "account", "cluster-write", "account"]);
}

/// A secret whose reply is lost is nobody's, and its key counts all the same.
#[tokio::test]
async fn the_calls_for_access_keys_fail_as_planned() {
    use crate::domain::Birth;
    use crate::names::{IdentityKey, Owner, PrincipalKind};
    let (memory, plan) = (memory(), FaultPlan::during(1..5, Fault::ErrorAfter(ErrorKind::Transient)));
    let boundary = BoundaryArn::parse("arn:aws:iam::123456789012:policy/b").unwrap();
    memory.add_boundary(&boundary);
    let installation = InstallationId::parse("bed").unwrap();
    let name = PrincipalName::of(PrincipalKind::User, &installation, &IdentityKey::new("shop", "orders"));
    let owner = Owner { installation, identity: IdentityKey::new("shop", "orders"), uid: "u1".into() };
    let session = crate::domain::SessionSeconds::MIN;
    let birth = Birth { owner, trust: crate::policy::nobody(), boundary, session };
    let cloud = Faulty::new(memory.clone(), plan.clone());
    cloud.apply(&name, &Step::Create(birth)).await.unwrap();
    let error = cloud.create_access_key(&name).await.unwrap_err();
    assert_eq!((error.kind, error.operation), (ErrorKind::Transient, "create-access-key"));
    let [key] = &memory.access_keys(&name).await.unwrap()[..] else { panic!("no key") };
    assert!(cloud.access_keys(&name).await.is_err() && cloud.last_use(&key.id).await.is_err());
    assert!(cloud.change_access_key(&name, &KeyStep::Deactivate(key.id.clone())).await.is_err());
    assert!(!memory.access_keys(&name).await.unwrap()[0].active, "it had its effect");
    assert_eq!(plan.calls(), ["create", "create-access-key", "access-keys", "last-use", "deactivate-key"]);
}
