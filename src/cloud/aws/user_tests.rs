use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::scripted::{Asked, Scripted, no, yes};
use super::super::{AwsAccount, CLOSED, Manners, PERMISSIONS, SESSIONS};
use super::*;
use crate::cloud::{Cloud, Depth, ErrorKind};
use crate::domain::{Birth, Denial, SessionSeconds, Step, StepDone};
use crate::names::{
    AccountId, BoundaryArn, IdentityKey, InstallationId, Owner, Partition, PrincipalKind, Region, RolePath,
};
use crate::policy::{Document, deny_all, deny_sessions_before, nobody};

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/b";

fn account(users: bool) -> AwsAccount {
    AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse("/ambit/bed/").unwrap(),
        installation: InstallationId::parse("bed").unwrap(),
        assume_role: None,
        events: None,
        cluster: None,
        users,
    }
}

fn owner() -> Owner {
    let installation = InstallationId::parse("bed").unwrap();
    Owner { installation, identity: IdentityKey::new("shop", "orders"), uid: "u1".into() }
}

fn name() -> PrincipalName {
    PrincipalName::of(PrincipalKind::User, &owner().installation, &owner().identity)
}

fn document() -> Document {
    Document::read(DOCUMENT).unwrap()
}

fn birth() -> Birth {
    let boundary = BoundaryArn::parse(BOUNDARY).unwrap();
    Birth { owner: owner(), trust: nobody(), boundary, session: SessionSeconds::MIN }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn user_xml(path: &str) -> String {
    format!(
        "<User><Path>{path}</Path><UserName>n</UserName><UserId>AIDA1</UserId><Arn>arn:aws:iam::123456789012:user{path}n</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate>\
         <PermissionsBoundary><PermissionsBoundaryArn>{BOUNDARY}</PermissionsBoundaryArn></PermissionsBoundary>\
         <Tags><member><Key>ambit.dev/uid</Key><Value>u1</Value></member>\
         <member><Key>team</Key><Value>shop</Value></member></Tags></User>"
    )
}

fn missing() -> (u16, String) {
    no(404, "NoSuchEntity", "cannot be found")
}

/// A user with three inline policies, two attachments and two groups, all in two pages, and a password.
fn full_user(asked: &Asked) -> (u16, String) {
    let second = asked.parameters.contains_key("Marker");
    let more =
        if second { "<IsTruncated>false</IsTruncated>" } else { "<IsTruncated>true</IsTruncated><Marker>m</Marker>" };
    let either = |first: &'static str, other: &'static str| if second { other } else { first };
    match asked.action.as_str() {
        "GetUser" => yes("GetUser", &user_xml("/ambit/bed/")),
        "ListUserPolicies" => {
            let names = either("<member>ambit-closed</member><member>extra</member>", "<member>ambit</member>");
            yes("ListUserPolicies", &format!("<PolicyNames>{names}</PolicyNames>{more}"))
        }
        "ListAttachedUserPolicies" => {
            let arn = either("arn:a", "arn:b");
            let member = format!("<member><PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn></member>");
            yes("ListAttachedUserPolicies", &format!("<AttachedPolicies>{member}</AttachedPolicies>{more}"))
        }
        "ListGroupsForUser" => {
            let group = either("admins", "testers");
            let member = format!(
                "<member><Path>/</Path><GroupName>{group}</GroupName><GroupId>AGPA1</GroupId><Arn>arn:g</Arn>\
                 <CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
            );
            yes("ListGroupsForUser", &format!("<Groups>{member}</Groups>{more}"))
        }
        "GetUserPolicy" => {
            let name = asked.parameters.get("PolicyName").map_or("", String::as_str);
            let text = if name == CLOSED { deny_all().text().to_owned() } else { DOCUMENT.to_owned() };
            let document = encoded(&text);
            let rest = format!("<PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument>");
            yes("GetUserPolicy", &format!("<UserName>n</UserName>{rest}"))
        }
        "GetLoginProfile" => yes(
            "GetLoginProfile",
            "<LoginProfile><UserName>n</UserName><CreateDate>2026-01-01T00:00:00Z</CreateDate></LoginProfile>",
        ),
        other => no(400, "InvalidAction", other),
    }
}

async fn cloud_that(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> (AwsCloud, Scripted) {
    let scripted = Scripted::start(script).await;
    (AwsCloud::with_config(account(true), &scripted.config().await, Manners::default()).await, scripted)
}

fn present(observation: Observation<Observed>) -> Observed {
    match observation {
        Observation::Present(observed) => observed,
        Observation::Absent => panic!("absent"),
    }
}

#[tokio::test]
async fn a_full_look_reads_every_page() {
    let (cloud, scripted) = cloud_that(full_user).await;
    let seen = present(cloud.observe(&name(), Depth::Full).await.unwrap());
    assert_eq!((seen.kind, seen.id.as_str(), seen.session), (PrincipalKind::User, "AIDA1", None));
    assert_eq!(seen.arn, "arn:aws:iam::123456789012:user/ambit/bed/n");
    assert!(seen.on_our_path && seen.complete && seen.denial == Denial::InPlace);
    assert!(seen.trust.means(&nobody()) && seen.permissions.unwrap().means(&document()));
    assert_eq!(seen.boundary.as_deref(), Some(BOUNDARY));
    assert_eq!((seen.owner.uid.as_deref(), seen.owner.installation), (Some("u1"), None));
    assert_eq!(seen.other_tags.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "shop".to_owned())]);
    assert_eq!(seen.other_inline.keys().collect::<Vec<_>>(), ["extra"]);
    assert_eq!(seen.attached.into_iter().collect::<Vec<_>>(), ["arn:a", "arn:b"]);
    assert_eq!(seen.groups.into_iter().collect::<Vec<_>>(), ["admins", "testers"]);
    assert_eq!(seen.has_password, Some(true));
    let asked = scripted.asked();
    assert_eq!(asked.len(), 11, "{:?}", scripted.actions());
    assert!(asked.iter().all(|asked| asked.signed && asked.parameters["UserName"] == name().as_str()));
}

#[tokio::test]
async fn an_own_look_takes_two_calls_and_says_that_it_is_not_complete() {
    let (cloud, scripted) = cloud_that(full_user).await;
    let seen = present(cloud.observe(&name(), Depth::Own).await.unwrap());
    assert!(!seen.complete && seen.permissions.unwrap().means(&document()));
    assert_eq!((seen.groups.len(), seen.has_password), (0, None));
    let mut actions = scripted.actions();
    actions.sort();
    assert_eq!(actions, ["GetUser", "GetUserPolicy"]);
}

#[tokio::test]
async fn no_such_login_profile_is_no_password_and_anything_else_is_no_answer() {
    let with = |answer: (u16, String)| {
        move |asked: &Asked| if asked.action == "GetLoginProfile" { answer.clone() } else { full_user(asked) }
    };
    let (cloud, _scripted) = cloud_that(with(missing())).await;
    assert_eq!(present(cloud.observe(&name(), Depth::Full).await.unwrap()).has_password, Some(false));
    let (cloud, _scripted) = cloud_that(with(no(403, "AccessDenied", "not allowed"))).await;
    let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Denied, "iam:GetLoginProfile: not allowed"));
}

#[tokio::test]
async fn a_user_that_is_not_there_or_vanishes_between_the_calls_is_absent() {
    let (cloud, scripted) = cloud_that(|_| missing()).await;
    assert_eq!(cloud.observe(&name(), Depth::Full).await.unwrap(), Observation::Absent);
    assert_eq!(scripted.actions(), ["GetUser"]);
    assert_eq!(cloud.observe(&name(), Depth::Own).await.unwrap(), Observation::Absent);
    for gone in ["ListUserPolicies", "ListAttachedUserPolicies", "ListGroupsForUser"] {
        let script = move |asked: &Asked| if asked.action == gone { missing() } else { full_user(asked) };
        let (cloud, _scripted) = cloud_that(script).await;
        assert_eq!(cloud.observe(&name(), Depth::Full).await.unwrap(), Observation::Absent, "{gone}");
    }
}

#[tokio::test]
async fn a_user_elsewhere_is_seen_and_not_looked_into() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "GetUser" => yes("GetUser", &user_xml("/people/")),
        _ => no(403, "AccessDenied", "not yours"),
    };
    let (cloud, _scripted) = cloud_that(script).await;
    for depth in [Depth::Own, Depth::Full] {
        let seen = present(cloud.observe(&name(), depth).await.unwrap());
        assert!(!seen.on_our_path && !seen.complete && seen.permissions.is_none() && seen.has_password.is_none());
    }
}

#[tokio::test]
async fn an_answer_that_lacks_what_it_must_hold_is_none() {
    let empty = "<IsTruncated>true</IsTruncated>";
    for (action, answer, message) in [
        ("GetUser", "", "iam:GetUser: the answer lacks the user"),
        ("ListUserPolicies", empty, "iam:ListUserPolicies: the answer lacks the marker of the next page"),
        (
            "ListAttachedUserPolicies",
            empty,
            "iam:ListAttachedUserPolicies: the answer lacks the marker of the next page",
        ),
        ("ListGroupsForUser", empty, "iam:ListGroupsForUser: the answer lacks the marker of the next page"),
    ] {
        let script = move |asked: &Asked| if asked.action == action { yes(action, answer) } else { full_user(asked) };
        let (cloud, _scripted) = cloud_that(script).await;
        let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
        assert_eq!((error.kind, error.to_string()), (ErrorKind::Transient, message.to_owned()));
    }
    let (cloud, _scripted) = cloud_that(|asked| yes(&asked.action, "")).await;
    let error = cloud.apply(&name(), &Step::Create(birth())).await.unwrap_err();
    assert_eq!(error.to_string(), "iam:CreateUser: the answer lacks the user");
}

#[tokio::test]
async fn every_step_is_one_call_that_says_all_it_must() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "CreateUser" => yes("CreateUser", &user_xml("/ambit/bed/")),
        action => yes(action, ""),
    };
    let (cloud, scripted) = cloud_that(script).await;
    let made = cloud.apply(&name(), &Step::Create(birth())).await.unwrap();
    let arn = "arn:aws:iam::123456789012:user/ambit/bed/n".to_owned();
    assert_eq!(made, StepDone::Created { id: "AIDA1".into(), arn });
    let before: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let steps = [
        Step::SetOwner(owner()),
        Step::Retain(owner()),
        Step::SetBoundary(birth().boundary),
        Step::SetPermissions(document()),
        Step::RemovePermissions,
        Step::Close,
        Step::Open,
        Step::DenySessions(before),
        Step::AdmitSessions,
        Step::RemoveInline("x".into()),
        Step::Detach("arn:a".into()),
        Step::LeaveGroup("admins".into()),
        Step::RemovePassword,
        Step::Delete,
    ];
    for step in &steps {
        assert_eq!(cloud.apply(&name(), step).await.unwrap(), StepDone::Done);
    }
    let said: Vec<_> = scripted.asked().iter().map(spoken).collect();
    let tags = "Tags.member.1.Key=ambit.dev/installation Tags.member.1.Value=bed Tags.member.2.Key=ambit.dev/identity \
                Tags.member.2.Value=shop/orders Tags.member.3.Key=ambit.dev/uid Tags.member.3.Value=u1";
    let put =
        |document: &Document, name: &str| format!("PutUserPolicy PolicyDocument={} PolicyName={name}", document.text());
    assert_eq!(
        said,
        [
            format!("CreateUser Path=/ambit/bed/ PermissionsBoundary={BOUNDARY} {tags}"),
            format!("TagUser {tags}"),
            "TagUser Tags.member.1.Key=ambit.dev/installation Tags.member.1.Value=bed \
             Tags.member.2.Key=ambit.dev/retained Tags.member.2.Value=u1"
                .to_owned(),
            format!("PutUserPermissionsBoundary PermissionsBoundary={BOUNDARY}"),
            put(&document(), PERMISSIONS),
            format!("DeleteUserPolicy PolicyName={PERMISSIONS}"),
            put(&deny_all(), CLOSED),
            format!("DeleteUserPolicy PolicyName={CLOSED}"),
            put(&deny_sessions_before(&before.to_string()), SESSIONS),
            format!("DeleteUserPolicy PolicyName={SESSIONS}"),
            "DeleteUserPolicy PolicyName=x".to_owned(),
            "DetachUserPolicy PolicyArn=arn:a".to_owned(),
            "RemoveUserFromGroup GroupName=admins".to_owned(),
            "DeleteLoginProfile".to_owned(),
            "DeleteUser".to_owned(),
        ],
    );
}

/// A request in one line, without the user's name, which every one must have.
fn spoken(asked: &Asked) -> String {
    let mut parameters = asked.parameters.clone();
    assert_eq!(parameters.remove("UserName").as_deref(), Some(name().as_str()), "{}", asked.action);
    assert!(asked.signed, "{}", asked.action);
    let parameters: Vec<_> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {}", asked.action, parameters.join(" ")).trim_end().to_owned()
}

#[tokio::test]
async fn a_step_that_only_the_other_kind_knows_is_refused_and_not_sent() {
    let (cloud, scripted) = cloud_that(|asked| yes(&asked.action, "")).await;
    let role = PrincipalName::role(&owner().installation, &owner().identity);
    for (name, step, message) in [
        (
            &name(),
            Step::SetTrust(nobody()),
            "iam:UpdateAssumeRolePolicy: this is a user, and nobody can become a user: it has no trust policy",
        ),
        (
            &name(),
            Step::SetSession(SessionSeconds::MIN),
            "iam:UpdateRole: this is a user, and a user has no longest session",
        ),
        (
            &role,
            Step::LeaveGroup("admins".into()),
            "iam:RemoveUserFromGroup: this is a role, and a role is in no group",
        ),
        (&role, Step::RemovePassword, "iam:DeleteLoginProfile: this is a role, and a role has no password"),
    ] {
        let error = cloud.apply(name, &step).await.unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Invalid, message));
    }
    assert!(scripted.actions().is_empty(), "{:?}", scripted.actions());
}

#[tokio::test]
async fn what_is_gone_needs_no_removal_and_takes_no_change() {
    let (cloud, _scripted) = cloud_that(|_| missing()).await;
    for step in [
        Step::RemovePermissions,
        Step::Open,
        Step::AdmitSessions,
        Step::RemoveInline("x".into()),
        Step::Detach("a".into()),
        Step::LeaveGroup("g".into()),
        Step::RemovePassword,
        Step::Delete,
    ] {
        assert_eq!(cloud.apply(&name(), &step).await.unwrap(), StepDone::Done, "{}", step.name());
    }
    for step in [Step::Close, Step::SetOwner(owner()), Step::SetBoundary(birth().boundary), Step::Create(birth())] {
        let error = cloud.apply(&name(), &step).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "NoSuchEntity"), "{}", step.name());
    }
}

#[tokio::test]
async fn a_user_that_has_keys_left_is_not_deleted() {
    let (cloud, _scripted) =
        cloud_that(|_| no(409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")).await;
    let error = cloud.apply(&name(), &Step::Delete).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(error.to_string(), "iam:DeleteUser: Cannot delete entity, must delete access keys first.");
}

fn swept_user(name: &str, path: &str) -> String {
    format!(
        "<member><Path>{path}</Path><UserName>{name}</UserName><UserId>AIDA1</UserId><Arn>arn</Arn>\
         <UserPolicyList><member><PolicyName>ambit</PolicyName><PolicyDocument>{}</PolicyDocument></member>\
         <member><PolicyName>extra</PolicyName><PolicyDocument>x</PolicyDocument></member></UserPolicyList>\
         <GroupList><member>admins</member></GroupList>\
         <AttachedManagedPolicies><member><PolicyArn>arn:a</PolicyArn></member></AttachedManagedPolicies>\
         <PermissionsBoundary><PermissionsBoundaryArn>{BOUNDARY}</PermissionsBoundaryArn></PermissionsBoundary>\
         <Tags><member><Key>ambit.dev/uid</Key><Value>u1</Value></member></Tags></member>",
        encoded(DOCUMENT),
    )
}

#[tokio::test]
async fn a_sweep_asks_for_users_only_where_ambit_makes_some() {
    let script = |asked: &Asked| {
        let role = "<member><Path>/ambit/bed/</Path><RoleName>same</RoleName></member>";
        let (roles, users, more) = if asked.parameters.contains_key("Marker") {
            let nameless = "<member><Path>/ambit/bed/</Path></member>";
            let users = swept_user("same", "/ambit/bed/") + &swept_user("other", "/people/") + nameless;
            ("", users, "<IsTruncated>false</IsTruncated>")
        } else {
            (role, String::new(), "<IsTruncated>true</IsTruncated><Marker>m1</Marker>")
        };
        let lists = format!("<RoleDetailList>{roles}</RoleDetailList><UserDetailList>{users}</UserDetailList>{more}");
        yes("GetAccountAuthorizationDetails", &lists)
    };
    let (cloud, scripted) = cloud_that(script).await;
    let first = cloud.sweep(None).await.unwrap();
    let second = cloud.sweep(first.next.as_ref()).await.unwrap();
    assert_eq!(second.next, None);
    let [role] = &first.principals[..] else { panic!("{first:?}") };
    let [user, other] = &second.principals[..] else { panic!("{second:?}") };
    assert_eq!((role.kind, role.name.as_str(), role.on_our_path), (PrincipalKind::Role, "same", true));
    assert_eq!((user.kind, user.name.as_str(), user.on_our_path), (PrincipalKind::User, "same", true));
    assert_eq!((other.kind, other.name.as_str(), other.on_our_path), (PrincipalKind::User, "other", false));
    let read = user.read();
    assert_eq!((read.kind, read.session, read.has_password), (PrincipalKind::User, None, None));
    assert!(read.complete && read.trust.means(&nobody()) && read.permissions.unwrap().means(&document()));
    assert!(matches!(read.other_inline["extra"], Reading::Unreadable(_)) && read.attached.contains("arn:a"));
    assert_eq!((read.boundary.as_deref(), read.owner.uid.as_deref()), (Some(BOUNDARY), Some("u1")));
    assert_eq!(read.groups.into_iter().collect::<Vec<_>>(), ["admins"]);
    let left = crate::domain::Swept { groups: std::collections::BTreeSet::new(), ..user.clone() };
    assert_ne!(left.fingerprint(), user.fingerprint(), "who left a group is looked at again");
    let filters = |asked: &Asked| {
        let of = |number: u8| asked.parameters.get(&format!("Filter.member.{number}")).cloned();
        [of(1), of(2)].map(Option::unwrap_or_default)
    };
    assert!(scripted.asked().iter().all(|asked| filters(asked) == ["Role", "User"]));
    let plain = AwsCloud::with_config(account(false), &scripted.config().await, Manners::default()).await;
    plain.sweep(None).await.unwrap();
    assert_eq!(filters(scripted.asked().last().unwrap()), ["Role", ""]);
}
