use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::cloud::{Cloud, Depth, MemoryCloud, MemoryRole};
use crate::domain::{Denial, Observation, Observed, SessionSeconds};
use crate::names::{
    AccountId, BoundaryArn, IdentityKey, InstallationId, Owner, PrincipalKind, PrincipalName, RolePath,
};
use crate::policy::{Document, nobody};

const BUCKET: &str = "arn:aws:s3:::b";

fn cloud() -> MemoryCloud {
    let (path, installation) = (RolePath::parse("/ambit/bed/").unwrap(), InstallationId::parse("bed").unwrap());
    let cloud = MemoryCloud::new(AccountId::parse("123456789012").unwrap(), path, installation);
    cloud.add_boundary(&boundary());
    cloud.making_users()
}

fn boundary() -> BoundaryArn {
    BoundaryArn::parse("arn:aws:iam::123456789012:policy/ambit-boundary").unwrap()
}

fn owner() -> Owner {
    let installation = InstallationId::parse("bed").unwrap();
    Owner { installation, identity: IdentityKey::new("shop", "orders"), uid: "u1".into() }
}

fn name() -> PrincipalName {
    PrincipalName::of(PrincipalKind::User, &owner().installation, &owner().identity)
}

fn birth() -> Step {
    Step::Create(Birth { owner: owner(), trust: nobody(), boundary: boundary(), session: SessionSeconds::MIN })
}

fn permissions(action: &str) -> Document {
    let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{BUCKET}"}}"#);
    Document::read(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)).unwrap()
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

async fn made(cloud: &MemoryCloud) -> (AccessKeyId, String) {
    let key = cloud.create_access_key(&name()).await.unwrap();
    (key.key().id.clone(), key.expose_secret().to_owned())
}

async fn change(cloud: &MemoryCloud, step: KeyStep) {
    cloud.change_access_key(&name(), &step).await.unwrap();
}

async fn ids(cloud: &MemoryCloud) -> Vec<AccessKeyId> {
    cloud.access_keys(&name()).await.unwrap().into_iter().map(|key| key.id).collect()
}

fn refused<T>(answer: Result<T, CloudError>) -> (ErrorKind, String) {
    let error = answer.err().unwrap();
    (error.kind, error.code)
}

fn conflict() -> (ErrorKind, String) {
    (ErrorKind::Conflict, "DeleteConflict".to_owned())
}

#[tokio::test]
async fn what_is_created_is_seen_and_is_no_role() {
    let cloud = cloud();
    let done = cloud.apply(&name(), &birth()).await.unwrap();
    let seen = see(&cloud).await;
    assert_eq!(done, StepDone::Created { id: seen.id.clone(), arn: seen.arn.clone() });
    assert_eq!((seen.kind, seen.id.as_str()), (PrincipalKind::User, "AIDA00000000000000001"));
    assert_eq!(seen.arn, format!("arn:aws:iam::123456789012:user/ambit/bed/{}", name()));
    assert!(seen.on_our_path && seen.complete && seen.denial == Denial::Absent && seen.owner.name_exactly(&owner()));
    assert!(seen.trust.means(&nobody()));
    assert_eq!((seen.session, seen.has_password, seen.permissions), (None, Some(false), None));
    let role = PrincipalName::role(&owner().installation, &owner().identity);
    assert_eq!(role.as_str(), name().as_str());
    assert_eq!(cloud.observe(&role, Depth::Full).await.unwrap(), Observation::Absent);
    cloud.apply(&role, &birth()).await.unwrap();
    assert_eq!((cloud.roles().len(), cloud.users().len()), (1, 1), "each has names of its own");
    cloud.plant_user(MemoryUser::foreign("Taken", "/people/"));
    let again = cloud.apply(&name(), &birth()).await;
    assert_eq!(refused(again), (ErrorKind::Conflict, "EntityAlreadyExists".to_owned()));
}

#[tokio::test]
async fn every_step_takes_effect_and_may_be_taken_again() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    assert!(cloud.change_user_by_hand(name().as_str(), |user| {
        user.groups.extend(["admins".to_owned(), "testers".to_owned()]);
        user.attached.insert("arn:a".to_owned());
        user.inline.insert("extra".to_owned(), "{}".to_owned());
        user.has_password = true;
    }));
    let seen = see(&cloud).await;
    assert_eq!((seen.groups.len(), seen.attached.len(), seen.has_password), (2, 1, Some(true)));
    let Observation::Present(own) = cloud.observe(&name(), Depth::Own).await.unwrap() else { panic!("absent") };
    assert_eq!((own.groups.len(), own.attached.len(), own.has_password, own.complete), (0, 0, None, false));
    let other = Owner { uid: "u2".into(), ..owner() };
    let steps = [
        Step::SetOwner(other.clone()),
        Step::Retain(other.clone()),
        Step::SetBoundary(boundary()),
        Step::SetPermissions(permissions("s3:GetObject")),
        Step::Close,
        Step::DenySessions("2026-11-22T10:00:00Z".parse().unwrap()),
        Step::Detach("arn:a".into()),
        Step::RemoveInline("extra".into()),
        Step::LeaveGroup("admins".into()),
        Step::RemovePassword,
    ];
    take(&cloud, steps.clone()).await;
    let first = see(&cloud).await;
    take(&cloud, steps).await;
    assert_eq!(see(&cloud).await, first);
    assert!(first.denial == Denial::InPlace && first.owner.name_exactly(&other) && first.owner.is_retained());
    assert_eq!((first.groups.len(), first.groups.contains("testers"), first.has_password), (1, true, Some(false)));
    assert!(first.attached.is_empty() && first.other_inline.is_empty() && first.sessions_denied_before.is_some());
    assert!(cloud.user(name().as_str()).unwrap().is_closed());
}

#[tokio::test]
async fn a_step_that_only_the_other_kind_knows_is_refused() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let role = PrincipalName::role(&owner().installation, &owner().identity);
    cloud.apply(&role, &birth()).await.unwrap();
    let invalid = (ErrorKind::Invalid, "InvalidInput".to_owned());
    for step in [Step::SetTrust(nobody()), Step::SetSession(SessionSeconds::MAX)] {
        assert_eq!(refused(cloud.apply(&name(), &step).await), invalid);
        cloud.apply(&role, &step).await.unwrap();
    }
    for step in [Step::LeaveGroup("admins".into()), Step::RemovePassword] {
        assert_eq!(refused(cloud.apply(&role, &step).await), invalid);
        cloud.apply(&name(), &step).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_goes_only_when_nothing_of_it_is_left() {
    let cloud = cloud();
    take(&cloud, [birth(), Step::SetPermissions(permissions("s3:GetObject"))]).await;
    cloud.change_user_by_hand(name().as_str(), |user| {
        user.groups.insert("admins".to_owned());
        user.attached.insert("arn:a".to_owned());
        user.has_password = true;
    });
    let (id, _) = made(&cloud).await;
    assert_eq!(refused(cloud.apply(&name(), &Step::Delete).await), conflict());
    change(&cloud, KeyStep::Deactivate(id.clone())).await;
    assert_eq!(refused(cloud.apply(&name(), &Step::Delete).await), conflict(), "an inactive key is a key");
    change(&cloud, KeyStep::Delete(id.clone())).await;
    for step in
        [Step::RemovePassword, Step::LeaveGroup("admins".into()), Step::Detach("arn:a".into()), Step::RemovePermissions]
    {
        assert_eq!(refused(cloud.apply(&name(), &Step::Delete).await), conflict());
        take(&cloud, [step]).await;
    }
    take(&cloud, [Step::Delete, Step::Delete]).await;
    assert!(cloud.users().is_empty());
    assert_eq!(cloud.observe(&name(), Depth::Full).await.unwrap(), Observation::Absent);
    for step in [Step::RemovePermissions, Step::Open, Step::LeaveGroup("g".into()), Step::RemovePassword] {
        cloud.apply(&name(), &step).await.unwrap();
    }
    let missing = (ErrorKind::NotFound, "NoSuchEntity".to_owned());
    assert_eq!(refused(cloud.apply(&name(), &Step::Close).await), missing);
    assert_eq!(refused(cloud.create_access_key(&name()).await), missing);
    take(&cloud, [birth()]).await;
    let (again, _) = made(&cloud).await;
    assert_ne!(again, id, "no id comes twice");
}

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_2048_characters_of_policies() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let (first, _) = made(&cloud).await;
    let (second, _) = made(&cloud).await;
    change(&cloud, KeyStep::Deactivate(second.clone())).await;
    let limit = (ErrorKind::LimitExceeded, "LimitExceeded".to_owned());
    assert_eq!(refused(cloud.create_access_key(&name()).await), limit);
    change(&cloud, KeyStep::Delete(first)).await;
    let (third, _) = made(&cloud).await;
    assert_eq!(ids(&cloud).await, [second, third]);
    let size = permissions("").size();
    let fits = |characters: usize| Step::SetPermissions(permissions(&"x".repeat(characters - size)));
    take(&cloud, [fits(MAX_USER_INLINE)]).await;
    assert_eq!(refused(cloud.apply(&name(), &fits(MAX_USER_INLINE + 1)).await), limit);
    assert_eq!(refused(cloud.apply(&name(), &Step::Close).await), limit, "all policies count together");
}

#[tokio::test]
async fn a_key_works_with_its_secret_while_it_is_active() {
    let cloud = cloud();
    take(&cloud, [birth(), Step::SetPermissions(permissions("s3:GetObject"))]).await;
    let (id, secret) = made(&cloud).await;
    let (other, _) = made(&cloud).await;
    let works = |id: &AccessKeyId, secret: &str| cloud.opened_by(id, secret).is_some();
    assert_eq!(cloud.opened_by(&id, &secret).unwrap().name, name().as_str());
    assert!(!works(&other, &secret) && !works(&id, "wrong"));
    let allows = |action: &str| cloud.key_allows(&id, &secret, action, BUCKET);
    assert!(allows("s3:GetObject") && !allows("s3:PutObject"));
    change(&cloud, KeyStep::Deactivate(id.clone())).await;
    assert!(!works(&id, &secret) && !allows("s3:GetObject"));
    change(&cloud, KeyStep::Activate(id.clone())).await;
    assert!(works(&id, &secret) && allows("s3:GetObject"));
    cloud.write_boundary(&boundary(), permissions("s3:PutObject").text());
    assert!(!allows("s3:GetObject"), "the boundary holds it back");
    cloud.remove_boundary(&boundary());
    assert!(!allows("s3:GetObject"), "a boundary that is not there allows nothing");
    cloud.add_boundary(&boundary());
    take(&cloud, [Step::Close]).await;
    assert!(works(&id, &secret) && !allows("s3:GetObject"), "it is denied everything");
    take(&cloud, [Step::Open]).await;
    assert!(allows("s3:GetObject"));
    assert!(cloud.remove_key_by_hand(&id) && !works(&id, &secret));
    let missing = (ErrorKind::NotFound, "NoSuchEntity".to_owned());
    for step in [KeyStep::Activate(id.clone()), KeyStep::Deactivate(id.clone())] {
        assert_eq!(refused(cloud.change_access_key(&name(), &step).await), missing);
    }
    change(&cloud, KeyStep::Delete(id)).await;
}

#[tokio::test]
async fn a_key_knows_when_it_was_made_and_used() {
    static SECONDS: AtomicI64 = AtomicI64::new(1_000);
    let cloud = cloud();
    cloud.set_clock(|| Timestamp::from_millisecond(SECONDS.load(Ordering::Relaxed) * 1000 + 750).unwrap());
    take(&cloud, [birth()]).await;
    let (first, _) = made(&cloud).await;
    SECONDS.store(2_000, Ordering::Relaxed);
    made(&cloud).await;
    let created: Vec<_> = cloud.access_keys(&name()).await.unwrap().iter().map(|key| key.created.to_string()).collect();
    assert_eq!(created, ["1970-01-01T00:16:40Z", "1970-01-01T00:33:20Z"], "in whole seconds");
    assert_eq!(cloud.last_use(&first).await.unwrap(), LastUse::Never);
    let at = Timestamp::from_second(1_500).unwrap();
    assert!(cloud.use_key(&first, at));
    assert_eq!(cloud.last_use(&first).await.unwrap(), LastUse::At(at));
    change(&cloud, KeyStep::Delete(first.clone())).await;
    assert_eq!(refused(cloud.last_use(&first).await).0, ErrorKind::NotFound);
    assert!(!cloud.use_key(&first, at));
}

#[tokio::test]
async fn lists_of_keys_may_lag_and_new_keys_may_not_work_yet() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    cloud.lag_proofs(1);
    let (first, secret) = made(&cloud).await;
    assert!(cloud.opened_by(&first, &secret).is_none());
    assert!(cloud.opened_by(&first, &secret).is_some());
    cloud.lag_key_lists(2);
    let (second, _) = made(&cloud).await;
    for _ in 0..2 {
        assert_eq!(ids(&cloud).await, std::slice::from_ref(&first), "not seen yet");
    }
    assert_eq!(ids(&cloud).await, [first.clone(), second.clone()]);
    change(&cloud, KeyStep::Deactivate(second.clone())).await;
    change(&cloud, KeyStep::Delete(first.clone())).await;
    for _ in 0..2 {
        let keys = cloud.access_keys(&name()).await.unwrap();
        assert_eq!((keys.len(), keys.iter().all(|key| key.active)), (2, true), "still seen as they were");
    }
    let keys = cloud.access_keys(&name()).await.unwrap();
    assert_eq!((keys.len(), &keys[0].id, keys[0].active), (1, &second, false));
    cloud.lag_key_lists(0);
    assert!(cloud.change_key_by_hand(&second, |key| key.active = true));
    assert!(cloud.access_keys(&name()).await.unwrap()[0].active, "what is done by hand is seen at once");
}

#[tokio::test]
async fn reads_of_a_new_user_may_lag_and_its_id_is_new_each_time() {
    let cloud = cloud();
    cloud.lag_reads(1);
    take(&cloud, [birth()]).await;
    assert_eq!(cloud.observe(&name(), Depth::Own).await.unwrap(), Observation::Absent);
    let first = see(&cloud).await;
    assert!(cloud.remove_user_by_hand(name().as_str()) && !cloud.remove_user_by_hand(name().as_str()));
    cloud.lag_reads(0);
    take(&cloud, [birth()]).await;
    assert_ne!(see(&cloud).await.id, first.id);
}

#[tokio::test]
async fn a_sweep_brings_users_after_roles_where_ambit_makes_some() {
    let cloud = cloud();
    cloud.set_page_size(2);
    for number in 0..3 {
        cloud.plant(MemoryRole::foreign(&format!("role-{number}"), "/ambit/bed/"));
        cloud.plant_user(MemoryUser::foreign(&format!("user-{number}"), "/ambit/bed/"));
    }
    let plain = cloud.seen_by(RolePath::parse("/ambit/bed/").unwrap(), owner().installation);
    for (view, kinds) in [(&plain, "RR|R"), (&cloud, "RR|R|UU|U")] {
        let (mut seen, mut from) = (Vec::new(), None);
        loop {
            let page = view.sweep(from.as_ref()).await.unwrap();
            let kind = |kind: PrincipalKind| if kind == PrincipalKind::Role { 'R' } else { 'U' };
            seen.push(page.principals.iter().map(|found| kind(found.kind)).collect::<String>());
            assert!(page.principals.iter().all(|found| found.on_our_path));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(seen.join("|"), kinds);
    }
}

#[tokio::test]
async fn calls_are_counted_and_secrets_kept_out_of_sight() {
    let cloud = cloud();
    take(&cloud, [birth()]).await;
    let (id, secret) = made(&cloud).await;
    cloud.access_keys(&name()).await.unwrap();
    cloud.last_use(&id).await.unwrap();
    change(&cloud, KeyStep::Deactivate(id)).await;
    let writes = [("create", 1), ("create-access-key", 1), ("deactivate-key", 1)];
    assert_eq!(cloud.writes(), writes.into());
    assert_eq!(cloud.calls().len(), 5);
    assert_eq!(cloud.secrets(), [secret.as_str()]);
    let shown = format!("{:?} {:?}", cloud.users(), cloud.user(name().as_str()));
    assert!(shown.contains("AKIA") && !shown.contains(&secret), "{shown}");
    assert_eq!(secret.len(), 40);
}
