use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::api::v1alpha1::MachineIdentity;
use crate::cli::cluster::fake::{self, FakeClouds, FakeCluster};
use crate::cloud::{Cloud, ErrorKind, Fault, FaultPlan, Faulty, MemoryCloud, MemoryRole};
use crate::domain::Step;
use crate::names::PrincipalName;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn line(words: &[&str]) -> Arguments {
    <Line as clap::Parser>::try_parse_from(["sweep", "prod"].iter().chain(words)).unwrap().arguments
}

/// Three identities that are as declared.
struct Stage {
    cloud: MemoryCloud,
    cluster: FakeCluster,
}

async fn stage() -> Stage {
    let cloud = fake::cloud();
    let mut identities = Vec::new();
    for name in ["mailer", "orders", "reports"] {
        identities.push(fake::provision(&cloud, fake::identity("shop", name)).await);
    }
    let cluster = FakeCluster { identities, accounts: vec![fake::account()], ..FakeCluster::default() };
    Stage { cloud, cluster }
}

impl Stage {
    async fn report_of(&self, words: &[&str], cloud: Arc<dyn Cloud>) -> Result<Report, String> {
        report(&line(words), &self.cluster, &FakeClouds(cloud), &super::Stage::new()).await
    }

    /// Exit code and words.
    async fn said(&self, words: &[&str]) -> (Exit, String) {
        let report = self.report_of(words, Arc::new(self.cloud.clone())).await.unwrap();
        let text = table::words(&report);
        assert!(text.lines().all(|line| line.chars().count() <= crate::cli::columns::WIDTH), "{text}");
        (report.exit(), text)
    }

    fn role(&self, name: &str) -> String {
        let identity: &MachineIdentity =
            self.cluster.identities.iter().find(|one| one.metadata.name.as_deref() == Some(name)).unwrap();
        fake::role_name(identity)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut MemoryRole)) {
        assert!(self.cloud.change_by_hand(&self.role(name), change));
    }
}

fn allow(actions: &[&str], resource: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// Trust in the issuer, in whatever subject.
fn trusts(host: &str) -> String {
    let principal = json!({"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{host}")});
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn theirs(name: &str, trust: &str, policy: &str) -> MemoryRole {
    let mut role = MemoryRole::foreign(name, "/");
    role.trust = trust.to_owned();
    role.inline.insert("theirs".into(), policy.to_owned());
    role
}

#[tokio::test]
async fn an_account_that_is_as_declared_is_counted_and_nothing_else() {
    let stage = stage().await;
    stage.cloud.plant(MemoryRole::foreign("theirs", "/"));
    stage.cloud.set_page_size(2);
    let (exit, text) = stage.said(&[]).await;
    assert_eq!(exit, Exit::Fine);
    assert_eq!(
        text,
        "account `prod` (123456789012), installation `sim`, roles under /ambit/sim/
read 2 pages with 0 calls: 4 roles, 3 of them on that path

3 in sync

not looked at:
  the longest session of roles: bulk reads leave it out, `ambit diff` has it
  the way from pods to roles: `ambit diff` has it
  what the boundary and attached managed policies hold: only whether they are the declared ones
  policies of resources and of the organisation
"
    );
    assert_eq!(stage.cloud.writes(), std::collections::BTreeMap::from([("create", 3), ("set-permissions", 3)]));
}

#[tokio::test]
async fn each_way_of_not_being_as_declared_has_its_line() {
    let mut stage = stage().await;
    stage.change("mailer", |role| {
        role.inline.insert("ambit".into(), allow(&["s3:GetObject", "s3:DeleteObject"], "arn:aws:s3:::orders-in/*"));
    });
    let reports = stage.role("reports");
    let id = stage.cloud.role(&reports).unwrap().id;
    assert!(stage.cloud.remove_by_hand(&reports));
    let gone = fake::provision(&stage.cloud, fake::identity("shop", "gone")).await;
    stage.cloud.plant(MemoryRole::foreign("stray", "/ambit/sim/"));
    let foreign = fake::identity("shop", "taken");
    stage.cloud.plant(MemoryRole::foreign(&fake::role_name(&foreign), "/theirs/"));
    let mut elsewhere = fake::identity("shop", "elsewhere");
    elsewhere.spec.account_ref.name = "other".into();
    let mut refused = fake::identity("shop", "refused");
    refused.spec.scopes[0].actions = vec!["s3:GetObjekt".into()];
    stage.cluster.identities.extend([foreign, elsewhere, refused]);
    let (exit, text) = stage.said(&[]).await;
    assert_eq!(exit, Exit::Wider);
    let (mailer, gone) = (stage.role("mailer"), fake::role_name(&gone));
    for expected in [
        format!("shop/mailer: role {mailer}: DRIFTED\n"),
        "  permissions: Widened, critical: the permissions policy allows more than was declared, for\n    example: can now delete object `orders-in/x`\n    witness: s3:DeleteObject on arn:aws:s3:::orders-in/x\n".to_owned(),
        format!("shop/reports: role {reports}: MISSING: the role is not there; it was, with the id\n  `{id}`: somebody deleted it\n"),
        "FOREIGN, and untouched:\n  `arn:aws:iam::123456789012:role/theirs/".to_owned(),
        "refused: UnknownAction: ".to_owned(),
        format!("orphan: role {gone}: its identity shop/gone is gone; last used: no use known\n"),
        "stray: role stray: its name and tags do not say that Ambit made it; last used: no use known\n".to_owned(),
        "\n1 in sync, 1 drifted, 1 missing, 1 foreign, 1 refused, 1 orphan, 1 stray role\n".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected} is not in:\n{text}");
    }
    assert!(!text.contains("elsewhere"), "identities of other accounts are theirs:\n{text}");
}

/// What the operator lets be is no orphan here either.
#[tokio::test]
async fn what_was_left_behind_on_purpose_and_what_another_account_uses_are_no_orphans() {
    let mut stage = stage().await;
    let kept = fake::provision(&stage.cloud, fake::identity("shop", "kept")).await;
    let kept = fake::role_name(&kept);
    stage.cloud.change_by_hand(&kept, |role| {
        let uid = role.tags["ambit.dev/uid"].clone();
        role.tags.insert("ambit.dev/retained".to_owned(), uid);
    });
    let mut neighbour = fake::provision(&stage.cloud, fake::identity("shop", "neighbour")).await;
    neighbour.spec.account_ref.name = "other".into();
    stage.cluster.identities.push(neighbour);
    let (exit, text) = stage.said(&[]).await;
    assert_eq!(exit, Exit::Fine, "{text}");
    let line = format!("retained: role {kept}: left behind on purpose by shop/kept; last used: no use known\n");
    assert!(text.replace("\n  ", " ").contains(&line), "{text}");
    assert!(text.contains("\n3 in sync, 1 retained role\n"), "{text}");
}

#[tokio::test]
async fn a_page_that_fails_leaves_the_rest_unsaid() {
    let stage = stage().await;
    stage.cloud.set_page_size(1);
    // The account is asked for first, then one page comes, and no other.
    let plan = FaultPlan::during(2..99, Fault::ErrorBefore(ErrorKind::Throttled));
    let report = stage.report_of(&[], Arc::new(Faulty::new(stage.cloud.clone(), plan))).await.unwrap();
    assert_eq!((report.exit(), report.complete, report.pages, report.roles), (Exit::Trouble, false, 1, 1));
    let Answer::Compared(compared) = &report.answer else { panic!("{report:?}") };
    assert_eq!((compared.count(judge::State::InSync), compared.count(judge::State::NotSeen)), (1, 2));
    assert_eq!(compared.count(judge::State::Missing), 0, "what was not seen is not missing");
    let text = table::words(&report);
    assert!(text.contains("PARTIAL: the rest was not read: "), "{text}");
    assert!(text.contains("nothing is said about roles that were not seen\n"), "{text}");
    assert!(text.contains("1 in sync, 2 not seen\n"), "{text}");
}

#[tokio::test]
async fn a_revoked_identity_is_no_drift() {
    let mut stage = stage().await;
    stage.cloud.apply(&name(&stage, "orders"), &Step::Close).await.unwrap();
    let (exit, text) = stage.said(&[]).await;
    assert_eq!(exit, Exit::Findings, "somebody closed it");
    assert!(text.contains("the role is closed by an explicit denial of everything"), "{text}");
    let status = stage.cluster.identities[1].status.as_mut().unwrap();
    let revoked = json!({"type": "InSync", "status": "Unknown", "reason": "Revoked", "message": "",
        "lastTransitionTime": "2026-11-22T08:00:00Z"});
    status.conditions.push(serde_json::from_value(revoked).unwrap());
    let (exit, text) = stage.said(&[]).await;
    assert_eq!(exit, Exit::Fine);
    assert!(text.contains("revoked: Ambit itself denies it everything, as a\n  ScopePolicy says\n"), "{text}");
}

fn name(stage: &Stage, identity: &str) -> PrincipalName {
    let one = stage.cluster.identities.iter().find(|one| one.metadata.name.as_deref() == Some(identity)).unwrap();
    fake::resolved(one).desired.name
}

#[tokio::test]
async fn every_role_that_trusts_an_issuer_is_listed_with_the_union_of_their_reach() {
    let stage = stage().await;
    let host = "oidc.example.com/id/A";
    stage.cloud.plant(theirs("old-ci", &trusts(host), &allow(&["s3:DeleteObject"], "*")));
    stage.cloud.plant(theirs("other", &trusts("oidc.example.com/id/B"), &allow(&["s3:*"], "*")));
    let service = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    stage.cloud.plant(theirs("server", service, &allow(&["s3:*"], "*")));
    stage.cloud.plant(theirs("odd", "{nonsense", &allow(&["sqs:SendMessage"], "*")));
    stage.cloud.apply(&name(&stage, "reports"), &Step::Close).await.unwrap();
    let (exit, text) = stage.said(&["--trusting", fake::ISSUER]).await;
    assert_eq!(exit, Exit::Findings);
    for expected in [
        "5 roles trust https://oidc.example.com/id/A: 4 open, 1 closed\n",
        "role arn:aws:iam::123456789012:role/old-ci: open\n  not Ambit's; last used: no use known\n  trust: every subject of issuer `oidc.example.com/id/A` can assume this role\n  can delete ",
        "role arn:aws:iam::123456789012:role/odd: perhaps open: its trust policy cannot be read: ",
        "  MachineIdentity shop/orders; last used: no use known\n",
        ": closed: it may do nothing\n  MachineIdentity shop/reports; last used: no use known\n",
        "by their inline policies, tokens of this issuer can:\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    for stranger in ["role/other", "role/server"] {
        assert!(!text.contains(stranger), "{stranger} does not trust it:\n{text}");
    }
    let (_, union) = text.split_once("tokens of this issuer can:\n").unwrap();
    for reach in ["  read objects in `orders-in`", "  delete ", "  send messages to "] {
        assert!(union.contains(reach), "{reach} is not in:\n{union}");
    }
    assert!(!union.contains("which were not read"), "all that is open was read:\n{union}");
    let (exit, text) = stage.said(&["--trusting", "https://oidc.example.com/id/C"]).await;
    assert_eq!(exit, Exit::Findings, "nobody knows what the nonsense trusts");
    assert!(text.contains("1 role trust"), "{text}");
}

/// What attached and unreadable policies allow is not in the union, so the union is not the most.
#[tokio::test]
async fn open_roles_with_policies_that_were_not_read_are_counted_beside_the_union() {
    let stage = stage().await;
    let mut attached = MemoryRole::foreign("attached", "/");
    attached.trust = trusts("oidc.example.com/id/A");
    attached.attached.extend(["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()]);
    stage.cloud.plant(attached);
    let (exit, text) = stage.said(&["--trusting", fake::ISSUER]).await;
    assert_eq!(exit, Exit::Findings);
    assert!(text.contains("4 roles trust https://oidc.example.com/id/A: 4 open, 0 closed\n"), "{text}");
    assert!(text.contains("  attached, and not read: arn:aws:iam::aws:policy/AdministratorAccess\n"), "{text}");
    let (_, union) = text.split_once("by their inline policies, tokens of this issuer can:\n").unwrap();
    assert!(union.starts_with("  read objects in `orders-in`"), "{text}");
    let unread = "  and whatever the attached or unreadable policies of 1 role allow, which were not read\n";
    assert!(union.contains(unread), "{text}");
    assert!(!text.contains("allows nothing"), "nobody knows what the attached policy allows:\n{text}");

    stage.cloud.plant(theirs("unreadable", &trusts("oidc.example.com/id/A"), "{nonsense"));
    for identity in ["mailer", "orders", "reports"] {
        stage.cloud.apply(&name(&stage, identity), &Step::Close).await.unwrap();
    }
    let (exit, text) = stage.said(&["--trusting", fake::ISSUER]).await;
    assert_eq!(exit, Exit::Findings);
    assert!(text.contains("  cannot be read: inline policy `theirs`: "), "{text}");
    let nothing = "by their inline policies, tokens of this issuer can:\n  do nothing\n";
    let unread = "  and whatever the attached or unreadable policies of 2 roles allow, which were not read\n";
    assert!(text.contains(&format!("{nothing}{unread}")), "{text}");
}

#[tokio::test]
async fn what_is_closed_reaches_nothing() {
    let stage = stage().await;
    for identity in ["mailer", "orders", "reports"] {
        stage.cloud.apply(&name(&stage, identity), &Step::Close).await.unwrap();
    }
    // What attached policies allow is closed by the denial too.
    stage.change("orders", |role| role.attached.extend(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]));
    let (exit, text) = stage.said(&["--trusting", fake::ISSUER]).await;
    assert_eq!(exit, Exit::Fine);
    assert!(text.contains("3 roles trust https://oidc.example.com/id/A: 0 open, 3 closed\n"), "{text}");
    assert!(!text.contains("tokens of this issuer can"), "{text}");
    let (exit, text) = stage.said(&["--reaching", "arn:aws:s3:::orders-in"]).await;
    assert_eq!(exit, Exit::Fine);
    assert!(text.contains("\nnobody reaches arn:aws:s3:::orders-in\n"), "{text}");
}

#[tokio::test]
async fn who_reaches_a_resource_is_answered_from_pod_to_statement() {
    let mut stage = stage().await;
    let mut mailer = fake::identity("shop", "mailer");
    mailer.spec.scopes[0].resources = vec!["arn:aws:s3:::mails/*".into()];
    stage.cluster.identities[0] = mailer;
    let mails = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Inbox", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mails/*"},
        {"Sid": "ByHand", "Effect": "Allow", "Action": ["s3:Delete*", "sqs:*"], "Resource": "*"},
        {"Sid": "NotThese", "Effect": "Deny", "Action": "s3:DeleteBucket*", "Resource": "*"}]});
    let policy = mails.to_string();
    assert!(stage.cloud.change_by_hand(&stage.role("mailer"), |role| drop(role.inline.insert("ambit".into(), policy))));
    stage.change("reports", |role| {
        drop(role.inline.insert("ambit".into(), allow(&["s3:GetObject"], "arn:aws:s3:::x/*")));
    });
    let (exit, text) = stage.said(&["--reaching", "arn:aws:s3:::orders-in"]).await;
    assert_eq!(exit, Exit::Findings);
    let unwrapped = text.replace("\n  ", " ");
    let (mailer, orders) = (stage.role("mailer"), stage.role("orders"));
    for expected in [
        format!(
            "pods of service account shop/orders → MachineIdentity shop/orders → role {orders} → statement Inbox of policy ambit → arn:aws:s3:::orders-in: can read objects in `orders-in`; last used: no use known\n"
        ),
        format!(
            "pods of service account shop/mailer → MachineIdentity shop/mailer → role {mailer} → statement ByHand of policy ambit → arn:aws:s3:::orders-in: can "
        ),
    ] {
        assert!(unwrapped.contains(&expected), "{expected} is not in:\n{unwrapped}");
    }
    assert!(!text.contains("reports"), "{text}");
    assert!(!text.contains("sqs"), "a queue is no bucket:\n{text}");
    assert!(!text.contains("Inbox of policy ambit → arn:aws:s3:::mails"), "{text}");
    let (exit, text) = stage.said(&["--reaching", "arn:aws:s3:::nothing-here"]).await;
    assert_eq!(exit, Exit::Findings);
    assert_eq!(text.matches("pods of service account").count(), 1, "only what is on everything:\n{text}");
}

#[tokio::test]
async fn a_wrong_account_is_answered_with_right_ones() {
    let stage = stage().await;
    let mut arguments = line(&[]);
    arguments.account = "prd".into();
    let clouds = FakeClouds(Arc::new(stage.cloud.clone()));
    let error = report(&arguments, &stage.cluster, &clouds, &super::Stage::new()).await.unwrap_err();
    assert_eq!(error, "there is no CloudAccount `prd`: did you mean `prod`?");
    let empty = FakeCluster { accounts: vec![fake::account()], ..FakeCluster::default() };
    let error = report(&line(&[]), &empty, &clouds, &super::Stage::new()).await.unwrap_err();
    assert_eq!(
        error,
        "it is not known which installation is meant, because no identity has a role yet: name it with `--installation`, or set AMBIT_INSTALLATION"
    );
}

#[tokio::test]
async fn json_has_every_identity_under_the_question() {
    let stage = stage().await;
    let report = stage.report_of(&[], Arc::new(stage.cloud.clone())).await.unwrap();
    let value = json!(report);
    assert_eq!(value["compared"]["identities"].as_array().unwrap().len(), 3);
    assert_eq!(value["compared"]["identities"][0]["state"], "inSync");
    assert_eq!((&value["complete"], &value["roles"], &value["ours"]), (&json!(true), &json!(3), &json!(3)));
    let words = ["--reaching", "arn:aws:s3:::orders-in"];
    let value = json!(stage.report_of(&words, Arc::new(stage.cloud.clone())).await.unwrap());
    let path = &value["reaching"]["paths"][0];
    assert_eq!((&path["serviceAccount"], &path["statement"]), (&json!("shop/mailer"), &json!("Inbox")));
    assert_eq!(path["witness"]["action"], "s3:GetObject");
    for wrong in [
        &["--trusting", "http://a"][..],
        &["--reaching", "bucket"],
        &["--trusting", "https://a", "--reaching", "arn:aws:s3:::b"],
    ] {
        assert!(<Line as clap::Parser>::try_parse_from(["sweep", "prod"].iter().chain(wrong)).is_err());
    }
}
