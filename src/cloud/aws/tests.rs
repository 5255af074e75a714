use std::num::NonZeroU32;
use std::sync::Mutex;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::scripted::{Asked, Scripted, config_for, no, yes};
use super::*;
use crate::cloud::ErrorKind;
use crate::domain::{Birth, Denial, Reading, SessionSeconds};
use crate::names::{IdentityKey, Owner};
use crate::policy::Document;

const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

fn aws_account() -> AwsAccount {
    AwsAccount {
        account: AccountId::parse("123456789012").unwrap(),
        partition: Partition::parse("aws").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        path: RolePath::parse("/ambit/bed/").unwrap(),
        installation: InstallationId::parse("bed").unwrap(),
        assume_role: None,
        events: None,
        cluster: None,
        users: false,
    }
}

fn owner() -> Owner {
    let installation = InstallationId::parse("bed").unwrap();
    Owner { installation, identity: IdentityKey::new("shop", "orders"), uid: "u1".into() }
}

pub(super) fn name() -> PrincipalName {
    PrincipalName::role(&owner().installation, &owner().identity)
}

fn boundary() -> BoundaryArn {
    BoundaryArn::parse("arn:aws:iam::123456789012:policy/b").unwrap()
}

fn issuer() -> IssuerUrl {
    IssuerUrl::parse("https://oidc.example.com/id").unwrap()
}

fn document() -> Document {
    Document::read(DOCUMENT).unwrap()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn role_xml(path: &str) -> String {
    format!(
        "<Role><Path>{path}</Path><RoleName>n</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::123456789012:role{path}n</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate><MaxSessionDuration>7200</MaxSessionDuration>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
         <PermissionsBoundary><PermissionsBoundaryArn>{}</PermissionsBoundaryArn></PermissionsBoundary>\
         <Tags><member><Key>ambit.dev/uid</Key><Value>u1</Value></member>\
         <member><Key>team</Key><Value>shop</Value></member></Tags></Role>",
        encoded(DOCUMENT),
        boundary(),
    )
}

fn missing() -> (u16, String) {
    no(404, "NoSuchEntity", "cannot be found")
}

/// A role with three inline policies in two pages and two attachments in two pages.
fn full_role(asked: &Asked) -> (u16, String) {
    let second = asked.parameters.contains_key("Marker");
    let more =
        if second { "<IsTruncated>false</IsTruncated>" } else { "<IsTruncated>true</IsTruncated><Marker>m</Marker>" };
    match asked.action.as_str() {
        "GetRole" => yes("GetRole", &role_xml("/ambit/bed/")),
        "ListRolePolicies" => {
            let names =
                if second { "<member>ambit</member>" } else { "<member>ambit-closed</member><member>extra</member>" };
            yes("ListRolePolicies", &format!("<PolicyNames>{names}</PolicyNames>{more}"))
        }
        "ListAttachedRolePolicies" => {
            let arn = if second { "arn:b" } else { "arn:a" };
            let member = format!("<member><PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn></member>");
            yes("ListAttachedRolePolicies", &format!("<AttachedPolicies>{member}</AttachedPolicies>{more}"))
        }
        "GetRolePolicy" => {
            let name = asked.parameters.get("PolicyName").map_or("", String::as_str);
            let text = if name == CLOSED { crate::policy::deny_all().text().to_owned() } else { DOCUMENT.to_owned() };
            let document = encoded(&text);
            let rest = format!("<PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument>");
            yes("GetRolePolicy", &format!("<RoleName>n</RoleName>{rest}"))
        }
        other => no(400, "InvalidAction", other),
    }
}

async fn connect(scripted: &Scripted) -> AwsCloud {
    AwsCloud::with_config(aws_account(), &scripted.config().await, Manners::default()).await
}

pub(super) async fn cloud_that(
    script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
) -> (AwsCloud, Scripted) {
    let scripted = Scripted::start(script).await;
    (connect(&scripted).await, scripted)
}

fn present(observation: Observation<Observed>) -> Observed {
    match observation {
        Observation::Present(observed) => observed,
        Observation::Absent => panic!("absent"),
    }
}

/// Whoever rewrites the denial must not be taken for closed.
#[tokio::test]
async fn a_denial_that_says_something_else_is_told() {
    let (cloud, _scripted) = cloud_that(|asked| match asked.action.as_str() {
        "GetRolePolicy" => {
            let rest = format!("<PolicyDocument>{}</PolicyDocument>", encoded(&DOCUMENT.replace("Deny", "Allow")));
            yes("GetRolePolicy", &format!("<RoleName>n</RoleName><PolicyName>p</PolicyName>{rest}"))
        }
        _ => full_role(asked),
    })
    .await;
    let seen = present(cloud.observe(&name(), Depth::Full).await.unwrap());
    assert_eq!(seen.denial, Denial::Altered);
}

#[tokio::test]
async fn a_full_look_reads_every_page() {
    let (cloud, scripted) = cloud_that(full_role).await;
    let seen = present(cloud.observe(&name(), Depth::Full).await.unwrap());
    assert_eq!((seen.id.as_str(), seen.session), ("AROA1", Some(7200)));
    assert!(seen.on_our_path && seen.complete && seen.denial == Denial::InPlace);
    assert!(seen.trust.means(&document()) && seen.permissions.unwrap().means(&document()));
    assert_eq!(seen.boundary.as_deref(), Some(boundary().as_str()));
    assert_eq!((seen.owner.uid.as_deref(), seen.owner.installation), (Some("u1"), None));
    assert_eq!(seen.other_tags.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "shop".to_owned())]);
    assert_eq!(seen.other_inline.keys().collect::<Vec<_>>(), ["extra"]);
    assert!(seen.other_inline["extra"].means(&document()));
    assert_eq!(seen.attached.into_iter().collect::<Vec<_>>(), ["arn:a", "arn:b"]);
    assert_eq!(scripted.actions().len(), 8);
}

#[tokio::test]
async fn an_own_look_takes_two_calls_and_says_that_it_is_not_complete() {
    let (cloud, scripted) = cloud_that(full_role).await;
    let seen = present(cloud.observe(&name(), Depth::Own).await.unwrap());
    assert!(!seen.complete && seen.permissions.unwrap().means(&document()));
    let mut actions = scripted.actions();
    actions.sort();
    assert_eq!(actions, ["GetRole", "GetRolePolicy"]);
}

#[tokio::test]
async fn absence_takes_one_call() {
    let (cloud, scripted) = cloud_that(|_| missing()).await;
    assert_eq!(cloud.observe(&name(), Depth::Full).await.unwrap(), Observation::Absent);
    assert_eq!(scripted.actions(), ["GetRole"]);
    assert_eq!(cloud.observe(&name(), Depth::Own).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn a_role_that_vanishes_between_the_calls_is_absent() {
    for gone in ["ListRolePolicies", "ListAttachedRolePolicies"] {
        let script = move |asked: &Asked| if asked.action == gone { missing() } else { full_role(asked) };
        let (cloud, _) = cloud_that(script).await;
        assert_eq!(cloud.observe(&name(), Depth::Full).await.unwrap(), Observation::Absent, "{gone}");
    }
}

#[tokio::test]
async fn a_role_elsewhere_is_seen_and_not_looked_into() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "GetRole" => yes("GetRole", &role_xml("/other/")),
        _ => no(403, "AccessDenied", "not yours"),
    };
    let (cloud, _) = cloud_that(script).await;
    for depth in [Depth::Own, Depth::Full] {
        let seen = present(cloud.observe(&name(), depth).await.unwrap());
        assert!(!seen.on_our_path && !seen.complete && seen.permissions.is_none());
    }
}

#[tokio::test]
async fn only_the_clouds_own_word_means_absent() {
    for (status, text) in [(404, "<html>not here</html>"), (404, ""), (200, "<html>hello</html>")] {
        let (cloud, _) = cloud_that(move |_| (status, text.to_owned())).await;
        let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient, "{status} {text}: {error}");
    }
}

/// Not a role of nobody, on no path.
#[tokio::test]
async fn an_answer_without_its_role_is_none() {
    let (cloud, _scripted) = cloud_that(|asked| yes(&asked.action, "")).await;
    let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
    assert_eq!(
        (error.kind, error.to_string().as_str()),
        (ErrorKind::Transient, "iam:GetRole: the answer lacks the role")
    );
    let birth = Birth { owner: owner(), trust: document(), boundary: boundary(), session: SessionSeconds::MIN };
    let error = cloud.apply(&name(), &Step::Create(birth)).await.unwrap_err();
    assert_eq!(error.to_string(), "iam:CreateRole: the answer lacks the role");
}

#[tokio::test]
async fn a_list_that_breaks_off_is_not_a_whole_one() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "ListRolePolicies" => yes("ListRolePolicies", "<PolicyNames/><IsTruncated>true</IsTruncated>"),
        _ => full_role(asked),
    };
    let (cloud, _) = cloud_that(script).await;
    let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
    assert_eq!(error.to_string(), "iam:ListRolePolicies: the answer lacks the marker of the next page");
}

#[tokio::test]
async fn every_step_is_one_call_that_says_all_it_must() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "CreateRole" => yes("CreateRole", &role_xml("/ambit/bed/")),
        action => yes(action, ""),
    };
    let (cloud, scripted) = cloud_that(script).await;
    let birth = Birth { owner: owner(), trust: document(), boundary: boundary(), session: SessionSeconds::MAX };
    let made = cloud.apply(&name(), &Step::Create(birth)).await.unwrap();
    let arn = "arn:aws:iam::123456789012:role/ambit/bed/n".to_owned();
    assert_eq!(made, StepDone::Created { id: "AROA1".into(), arn });
    let steps = [
        Step::SetOwner(owner()),
        Step::Retain(owner()),
        Step::SetBoundary(boundary()),
        Step::SetTrust(document()),
        Step::SetSession(SessionSeconds::MIN),
        Step::SetPermissions(document()),
        Step::RemovePermissions,
        Step::Close,
        Step::Open,
        Step::RemoveInline("x".into()),
        Step::Detach("arn:a".into()),
        Step::Delete,
    ];
    for step in &steps {
        assert_eq!(cloud.apply(&name(), step).await.unwrap(), StepDone::Done);
    }
    let said: Vec<_> = scripted.asked().iter().map(spoken).collect();
    let document = document();
    let document = document.text();
    let tags = "Tags.member.1.Key=ambit.dev/installation Tags.member.1.Value=bed Tags.member.2.Key=ambit.dev/identity \
                Tags.member.2.Value=shop/orders Tags.member.3.Key=ambit.dev/uid Tags.member.3.Value=u1";
    let boundary = format!("PermissionsBoundary={}", boundary());
    assert_eq!(
        said,
        [
            format!(
                "CreateRole AssumeRolePolicyDocument={document} MaxSessionDuration=43200 Path=/ambit/bed/ {boundary} {tags}"
            ),
            format!("TagRole {tags}"),
            "TagRole Tags.member.1.Key=ambit.dev/installation Tags.member.1.Value=bed \
             Tags.member.2.Key=ambit.dev/retained Tags.member.2.Value=u1"
                .to_owned(),
            format!("PutRolePermissionsBoundary {boundary}"),
            format!("UpdateAssumeRolePolicy PolicyDocument={document}"),
            "UpdateRole MaxSessionDuration=3600".to_owned(),
            format!("PutRolePolicy PolicyDocument={document} PolicyName={PERMISSIONS}"),
            format!("DeleteRolePolicy PolicyName={PERMISSIONS}"),
            format!("PutRolePolicy PolicyDocument={} PolicyName={CLOSED}", crate::policy::deny_all().text()),
            format!("DeleteRolePolicy PolicyName={CLOSED}"),
            "DeleteRolePolicy PolicyName=x".to_owned(),
            "DetachRolePolicy PolicyArn=arn:a".to_owned(),
            "DeleteRole".to_owned(),
        ],
    );
}

/// A request in one line, without the role's name, which every one must have.
fn spoken(asked: &Asked) -> String {
    let mut parameters = asked.parameters.clone();
    assert_eq!(parameters.remove("RoleName").as_deref(), Some(name().as_str()), "{}", asked.action);
    assert!(asked.signed, "{}", asked.action);
    let parameters: Vec<_> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {}", asked.action, parameters.join(" ")).trim_end().to_owned()
}

#[tokio::test]
async fn what_is_gone_needs_no_removal_and_takes_no_change() {
    let (cloud, _) = cloud_that(|_| missing()).await;
    for step in
        [Step::RemovePermissions, Step::Open, Step::RemoveInline("x".into()), Step::Detach("a".into()), Step::Delete]
    {
        assert_eq!(cloud.apply(&name(), &step).await.unwrap(), StepDone::Done);
    }
    let birth = Birth { owner: owner(), trust: document(), boundary: boundary(), session: SessionSeconds::MIN };
    for step in [Step::Close, Step::SetSession(SessionSeconds::MIN), Step::Create(birth)] {
        let error = cloud.apply(&name(), &step).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "NoSuchEntity"), "{}", step.name());
        assert_eq!(error.message, "cannot be found");
    }
}

#[tokio::test]
async fn nothing_is_tried_twice() {
    for (answer, kind) in [
        (no(503, "ServiceUnavailable", "later"), ErrorKind::Transient),
        (no(400, "Throttling", "Rate exceeded"), ErrorKind::Throttled),
        (no(409, "ConcurrentModification", "busy"), ErrorKind::Conflict),
    ] {
        let (cloud, scripted) = cloud_that(move |_| answer.clone()).await;
        let error = cloud.apply(&name(), &Step::Delete).await.unwrap_err();
        assert_eq!((error.kind, scripted.actions().len()), (kind, 1), "{error}");
    }
}

fn swept_role(name: &str, path: &str, document: &str) -> String {
    format!(
        "<member><Path>{path}</Path><RoleName>{name}</RoleName><RoleId>id</RoleId><Arn>arn</Arn>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
         <RolePolicyList><member><PolicyName>ambit</PolicyName><PolicyDocument>{}</PolicyDocument></member>\
         <member><PolicyName>extra</PolicyName><PolicyDocument>x</PolicyDocument></member></RolePolicyList>\
         <AttachedManagedPolicies><member><PolicyArn>arn:a</PolicyArn></member></AttachedManagedPolicies>\
         <RoleLastUsed><LastUsedDate>2026-11-21T10:00:00Z</LastUsedDate></RoleLastUsed></member>",
        encoded(DOCUMENT),
        encoded(document),
    )
}

#[tokio::test]
async fn a_sweep_brings_every_role_page_by_page() {
    let script = |asked: &Asked| {
        let (roles, more) = match asked.parameters.get("Marker").map(String::as_str) {
            None => (
                swept_role("a", "/ambit/bed/", DOCUMENT) + &swept_role("b", "/ambit/bed/deeper/", DOCUMENT),
                "<IsTruncated>true</IsTruncated><Marker>m1</Marker>",
            ),
            Some("m1") => (swept_role("c", "/ambit/bed/", "{nonsense"), "<IsTruncated>false</IsTruncated>"),
            Some(other) => return no(400, "InvalidInput", other),
        };
        yes("GetAccountAuthorizationDetails", &format!("<RoleDetailList>{roles}</RoleDetailList>{more}"))
    };
    let (cloud, scripted) = cloud_that(script).await;
    let first = cloud.sweep(None).await.unwrap();
    let [a, b] = &first.principals[..] else { panic!("{first:?}") };
    assert_eq!([(a.name.as_str(), a.on_our_path), (b.name.as_str(), b.on_our_path)], [("a", true), ("b", false)]);
    let read = a.read();
    assert!(read.complete && read.trust.means(&document()) && read.permissions.unwrap().means(&document()));
    assert!(matches!(read.other_inline["extra"], Reading::Unreadable(_)) && read.attached.contains("arn:a"));
    assert_eq!((read.session, a.last_used.map(|used| used.to_string())), (None, Some("2026-11-21T10:00:00Z".into())));
    let second = cloud.sweep(first.next.as_ref()).await.unwrap();
    let [c] = &second.principals[..] else { panic!("{second:?}") };
    assert!(matches!(c.read().permissions, Some(Reading::Unreadable(_))));
    assert_eq!(second.next, None);
    let asked = &scripted.asked()[0].parameters;
    assert_eq!((asked["Filter.member.1"].as_str(), asked["MaxItems"].as_str()), ("Role", "1000"));
}

#[tokio::test]
async fn a_provider_is_made_with_audience_and_tag_and_no_thumbprint() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "GetOpenIDConnectProvider" => yes(
            "GetOpenIDConnectProvider",
            "<ClientIDList><member>one</member></ClientIDList><ThumbprintList><member>AB12</member></ThumbprintList>\
             <Tags><member><Key>ambit.dev/installation</Key><Value>bed</Value></member></Tags>",
        ),
        action => yes(action, ""),
    };
    let (cloud, scripted) = cloud_that(script).await;
    let Observation::Present(provider) = cloud.observe_provider(&issuer()).await.unwrap() else { panic!("absent") };
    assert_eq!(provider.installation.as_deref(), Some("bed"));
    assert!(provider.audiences.contains("one") && provider.thumbprints.contains("ab12"), "{provider:?}");
    cloud.apply_provider(&issuer(), &ProviderStep::Create { audience: "two".into() }).await.unwrap();
    cloud.apply_provider(&issuer(), &ProviderStep::AddAudience { audience: "two".into() }).await.unwrap();
    cloud.apply_provider(&issuer(), &ProviderStep::RemoveAudience { audience: "one".into() }).await.unwrap();
    let asked = scripted.asked();
    assert_eq!(
        (asked[3].action.as_str(), asked[3].parameters["ClientID"].as_str()),
        ("RemoveClientIDFromOpenIDConnectProvider", "one")
    );
    let arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id";
    assert_eq!(asked[0].parameters["OpenIDConnectProviderArn"], arn);
    assert_eq!(asked[1].parameters["Url"], "https://oidc.example.com/id");
    assert_eq!(asked[1].parameters["ClientIDList.member.1"], "two");
    assert_eq!(asked[1].parameters["Tags.member.1.Value"], "bed");
    assert!(!asked[1].parameters.keys().any(|key| key.starts_with("Thumbprint")));
    assert_eq!(
        (asked[2].parameters["OpenIDConnectProviderArn"].as_str(), asked[2].parameters["ClientID"].as_str()),
        (arn, "two")
    );
}

#[tokio::test]
async fn boundary_account_and_usage_are_asked_for() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "GetCallerIdentity" => yes("GetCallerIdentity", "<Account>123456789012</Account>"),
        "GetAccountSummary" => yes(
            "GetAccountSummary",
            "<SummaryMap><entry><key>Roles</key><value>12</value></entry>\
             <entry><key>RolesQuota</key><value>1000</value></entry><entry><key>Users</key><value>3</value></entry></SummaryMap>",
        ),
        "GetPolicyVersion" => yes(
            "GetPolicyVersion",
            &format!("<PolicyVersion><Document>{}</Document></PolicyVersion>", encoded(DOCUMENT)),
        ),
        _ if asked.parameters["PolicyArn"].ends_with("/b") => {
            yes("GetPolicy", "<Policy><DefaultVersionId>v7</DefaultVersionId></Policy>")
        }
        _ => missing(),
    };
    let (cloud, scripted) = cloud_that(script).await;
    assert_eq!(cloud.account().await.unwrap(), "123456789012");
    assert_eq!(cloud.usage().await.unwrap(), Usage { roles: Some(12), roles_quota: Some(1000) });
    let Observation::Present(Reading::Document(read)) = cloud.observe_boundary(&boundary()).await.unwrap() else {
        panic!("unread")
    };
    assert!(read.same_meaning(&document()));
    assert_eq!(scripted.asked()[3].parameters["VersionId"], "v7", "the version that is in force");
    let other = BoundaryArn::parse("arn:aws:iam::123456789012:policy/c").unwrap();
    assert_eq!(cloud.observe_boundary(&other).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn a_boundary_whose_text_is_kept_from_ambit_is_there_and_unreadable() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "GetPolicy" => yes("GetPolicy", "<Policy><DefaultVersionId>v1</DefaultVersionId></Policy>"),
        _ => no(403, "AccessDenied", "not allowed"),
    };
    let (cloud, _) = cloud_that(script).await;
    let found = cloud.observe_boundary(&boundary()).await.unwrap();
    assert!(
        matches!(&found, Observation::Present(Reading::Unreadable(why)) if why == "iam:GetPolicyVersion: not allowed"),
        "{found:?}"
    );
    assert_eq!(cloud.usage().await.unwrap_err().kind, ErrorKind::Denied);
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl CallObserver for Heard {
    fn observed(&self, service: &'static str, operation: &'static str, code: &str, _: Duration) {
        self.0.lock().unwrap().push(format!("{service}:{operation} {code}"));
    }
}

#[tokio::test]
async fn each_call_is_heard_and_pays_for_itself() {
    let scripted = Scripted::start(full_role).await;
    let heard = Arc::new(Heard::default());
    let rate = Arc::new(RateLimit::per_second(NonZeroU32::new(1).unwrap()));
    let manners = Manners { rate, observer: heard.clone(), ..Manners::default() };
    let cloud = AwsCloud::with_config(aws_account(), &scripted.config().await, manners).await;
    let start = Instant::now();
    cloud.observe(&name(), Depth::Own).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
    let mut calls = heard.0.lock().unwrap().clone();
    calls.sort();
    assert_eq!(calls, ["iam:GetRole OK", "iam:GetRolePolicy OK"]);
}

#[tokio::test]
async fn an_account_may_be_worked_under_its_own_role() {
    let script = |asked: &Asked| match asked.action.as_str() {
        "AssumeRole" => yes(
            "AssumeRole",
            "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
        ),
        _ => missing(),
    };
    let scripted = Scripted::start(script).await;
    let heard = Arc::new(Heard::default());
    let role = AssumeRole { arn: "arn:aws:iam::123456789012:role/op".into(), external_id: Some("e".into()) };
    let account = AwsAccount { assume_role: Some(role), ..aws_account() };
    let manners = Manners { observer: heard.clone(), ..Manners::default() };
    let cloud = AwsCloud::with_config(account, &scripted.config().await, manners).await;
    for _ in 0..2 {
        cloud.observe(&name(), Depth::Full).await.unwrap();
    }
    let asked = &scripted.asked()[0].parameters;
    assert_eq!((asked["RoleSessionName"].as_str(), asked["ExternalId"].as_str()), ("ambit-bed", "e"));
    let calls = heard.0.lock().unwrap().clone();
    assert_eq!(calls, ["sts:AssumeRole OK", "iam:GetRole NoSuchEntity", "iam:GetRole NoSuchEntity"]);
}

#[tokio::test]
async fn a_refused_role_is_told_as_such() {
    let scripted = Scripted::start(|_| no(403, "AccessDenied", "not allowed")).await;
    let role = AssumeRole { arn: "arn:aws:iam::123456789012:role/op".into(), external_id: None };
    let account = AwsAccount { assume_role: Some(role), ..aws_account() };
    let cloud = AwsCloud::with_config(account, &scripted.config().await, Manners::default()).await;
    let error = cloud.observe(&name(), Depth::Full).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.to_string(), "iam:GetRole: the account's role cannot be assumed: not allowed");
    assert_eq!(scripted.actions(), ["AssumeRole"]);
}

#[tokio::test]
async fn nobody_there_is_transient_and_quick() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = config_for(&url).await;
    let cloud = AwsCloud::with_config(aws_account(), &config, Manners::default()).await;
    let error = cloud.account().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Transient, ""));
    assert!(error.message.starts_with("no connection: "), "{error}");
}

#[tokio::test]
async fn silence_ends_at_the_time_limit() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = config_for(&url).await;
    let manners = Manners { call_timeout: Duration::from_millis(200), ..Manners::default() };
    let cloud = AwsCloud::with_config(aws_account(), &config, manners).await;
    let error = cloud.account().await.unwrap_err();
    assert_eq!(error.to_string(), "sts:GetCallerIdentity: no answer came within the time limit");
    assert_eq!(error.kind, ErrorKind::Transient);
    drop(listener);
}
