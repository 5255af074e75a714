use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::v1alpha1::{BindingTableFields, CloudAccount, DeliveryMethod, MachineIdentity};
use crate::cli::cluster::fake::{self, FakeClouds, FakeCluster};
use crate::cloud::{Cloud as _, ErrorKind, Fault, FaultPlan, Faulty, MemoryAssociation, MemoryCloud, MemoryRole};
use crate::domain::{AssociationStep, PodsOf};
use crate::names::ClusterArn;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn line(words: &[&str]) -> Arguments {
    <Line as clap::Parser>::try_parse_from(["diff"].iter().chain(words)).unwrap().arguments
}

/// One identity that is as declared, from pod to role.
struct Stage {
    cloud: MemoryCloud,
    cluster: FakeCluster,
    role: String,
}

async fn stage() -> Stage {
    stage_in(fake::account(), fake::cloud()).await
}

async fn stage_in(account: CloudAccount, cloud: MemoryCloud) -> Stage {
    let identity = fake::provision_in(&cloud, &account, fake::identity("shop", "orders")).await;
    let delivery = fake::resolved_in(&account, &identity).delivery().cloned().unwrap();
    let binding = delivery.binding("orders", None);
    let table = BindingTableFields { service_accounts: BTreeMap::from([("orders".to_owned(), binding)]) };
    let role = fake::role_name(&identity);
    let cluster = FakeCluster {
        identities: vec![identity],
        accounts: vec![account],
        tables: BTreeMap::from([("shop".to_owned(), table)]),
        service_accounts: BTreeMap::from([("shop/orders".to_owned(), BTreeMap::new())]),
        forbidden: Vec::new(),
    };
    Stage { cloud, cluster, role }
}

impl Stage {
    fn identity(&mut self) -> &mut MachineIdentity {
        &mut self.cluster.identities[0]
    }

    async fn report(&self, words: &[&str]) -> Result<Report, String> {
        let clouds = FakeClouds(Arc::new(self.cloud.clone()));
        gather::report(&line(words), "shop", &self.cluster, &clouds, &super::Stage::new()).await
    }

    /// Exit code and words.
    async fn said(&self, words: &[&str]) -> (Exit, String) {
        let arguments = line(words);
        let report = self.report(words).await.unwrap();
        let text = table::words(&report, arguments.full);
        assert!(text.lines().all(|line| line.chars().count() <= crate::cli::columns::WIDTH), "{text}");
        (report.exit(), text)
    }

    fn change(&self, change: impl FnOnce(&mut MemoryRole)) {
        assert!(self.cloud.change_by_hand(&self.role, change));
    }
}

const FOOT: &str = "
not looked at:
  policies of the resources themselves, which can give more or deny
  policies of the organisation, which can deny
  what the boundary and attached managed policies hold: only whether they are the declared ones
  the account's OIDC provider or EKS cluster: `kubectl describe cloudaccount NAME` shows it
";

fn wide(action: &Value) -> String {
    let statement =
        json!({"Sid": "Inbox", "Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::orders-in/*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[tokio::test]
async fn what_is_as_declared_is_said_in_one_line() {
    let stage = stage().await;
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Fine);
    let expected = format!(
        "shop/orders: role {} of account `prod` (123456789012)\n  in sync: live is as declared\n{FOOT}",
        stage.role
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_wider_role_is_shown_side_by_side_with_its_witness_and_ends_with_three() {
    let stage = stage().await;
    stage.change(|role| {
        role.inline.insert("ambit".into(), wide(&json!(["s3:GetObject", "s3:DeleteObject"])));
    });
    let (exit, text) = stage.said(&["shop/orders"]).await;
    assert_eq!(exit, Exit::Wider);
    let expected = format!(
        "shop/orders: role {} of account `prod` (123456789012)
  DRIFTED: 1 difference, 1 critical: live allows more than was declared, or may

  permissions: Widened, critical
    the permissions policy allows more than was declared, for example: can now delete object
      `orders-in/x`
    witness: s3:DeleteObject on arn:aws:s3:::orders-in/x
    DECLARED                                       | LIVE
                                                   | can delete objects in `orders-in`
    (1 line is the same)                           | (1 line is the same)
{FOOT}",
        stage.role
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn since_when_and_by_whom_come_from_status() {
    let mut stage = stage().await;
    stage.change(|role| role.attached.extend(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]));
    let item = json!({
        "part": "attachment", "subject": "arn:aws:iam::aws:policy/ReadOnlyAccess", "class": "Foreign",
        "severity": "critical", "summary": "…", "since": "2026-11-22T08:00:00Z",
        "by": {"principal": "arn:aws:iam::123456789012:user/bob", "source": "192.0.2.7",
            "operation": "iam:AttachRolePolicy", "event": "e-1", "time": "2026-11-22T07:59:58Z"},
    });
    let drift = json!({"class": "Foreign", "since": "2026-11-22T08:00:00Z", "items": [item], "truncated": false});
    stage.identity().status.as_mut().unwrap().drift = Some(serde_json::from_value(drift).unwrap());
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Wider);
    let expected = "
  attachment arn:aws:iam::aws:policy/ReadOnlyAccess: Foreign, critical
    the managed policy `arn:aws:iam::aws:policy/ReadOnlyAccess` is attached and was not declared
    since 2026-11-22T08:00:00Z
    by arn:aws:iam::123456789012:user/bob from 192.0.2.7: iam:AttachRolePolicy at
      2026-11-22T07:59:58Z, event e-1
    DECLARED                                       | LIVE
    not declared                                   | attached; what it allows was not read
";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn another_spelling_means_the_same_and_is_no_drift() {
    let stage = stage().await;
    stage.change(|role| drop(role.inline.insert("ambit".into(), wide(&json!("S3:getobject")))));
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Fine);
    assert!(text.contains("\n  in sync: live is written in another way and means the same\n"), "{text}");
    let told = "\n  permissions: Cosmetic, info: means the same\n    the permissions policy is written in another way and means the same\n";
    assert!(text.contains(told), "{text}");
    assert!(!text.contains("DECLARED"), "there is nothing to compare:\n{text}");
}

#[tokio::test]
async fn full_shows_every_part() {
    let stage = stage().await;
    let (exit, text) = stage.said(&["orders", "--full"]).await;
    assert_eq!(exit, Exit::Fine);
    for part in ["tags", "boundary", "trust", "sessionDuration", "permissions", "serviceAccount", "bindingTable"] {
        assert!(text.contains(&format!("\n  {part}: as declared\n    DECLARED")), "{part} is not in:\n{text}");
    }
    assert!(
        text.contains("can read objects in `orders-in`                | can read objects in `orders-in`\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_role_that_is_not_there_a_foreign_one_and_an_unreadable_one_have_their_own_sentences() {
    let stage = stage().await;
    stage.change(|role| drop(role.inline.insert("ambit".into(), "{nonsense".into())));
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Wider, "nobody knows what it allows");
    assert!(text.contains("permissions: Unreadable, critical\n    the permissions policy cannot be read: "), "{text}");

    let id = stage.cloud.role(&stage.role).unwrap().id;
    assert!(stage.cloud.remove_by_hand(&stage.role));
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Findings);
    let missing = format!("  MISSING: the role is not there; it was, with the id `{id}`: somebody deleted it\n");
    assert!(text.contains(&missing), "{text}");

    stage.cloud.plant(MemoryRole::foreign(&stage.role, "/theirs/"));
    let report = stage.report(&["orders"]).await.unwrap();
    assert_eq!((report.exit(), report.identities[0].state), (Exit::Findings, State::Foreign));
    let (_, text) = stage.said(&["orders"]).await;
    assert!(text.contains("  FOREIGN, and untouched: `arn:aws:iam::123456789012:role/theirs/shop-orders-"), "{text}");
}

#[tokio::test]
async fn the_way_from_the_pod_is_part_of_it() {
    let mut stage = stage().await;
    stage.cluster.service_accounts.clear();
    stage.cluster.tables.get_mut("shop").unwrap().service_accounts.get_mut("orders").unwrap().audience =
        Some("x".into());
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Findings);
    for expected in [
        "  DRIFTED: 2 differences\n",
        "  serviceAccount: Missing, warning\n    service account `orders` does not exist, so no pod can use the role\n",
        "  bindingTable: Changed, warning\n    the BindingTable's entry for service account `orders` asks for tokens for `x` instead of\n",
        "    tokens for `sts.amazonaws.com`                 | tokens for `x`\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
}

/// A text without the breaks of its lines, wherever they are.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An account whose pods get their credentials from the webhook of EKS.
async fn annotated() -> Stage {
    let mut stage = stage().await;
    let web = stage.cluster.accounts[0].spec.aws.as_mut().and_then(|aws| aws.federation.web_identity.as_mut());
    web.unwrap().delivery = DeliveryMethod::ServiceAccountAnnotation;
    let resolved = fake::resolved_in(&stage.cluster.accounts[0], &stage.cluster.identities[0]);
    let delivery = resolved.delivery().unwrap();
    let table = stage.cluster.tables.get_mut("shop").unwrap();
    table.service_accounts.insert("orders".to_owned(), delivery.binding("orders", None));
    let said = delivery.annotated().unwrap().annotations("orders");
    stage.cluster.service_accounts.insert("shop/orders".to_owned(), said);
    stage
}

#[tokio::test]
async fn what_a_service_account_says_to_the_webhook_is_part_of_it() {
    let mut stage = annotated().await;
    let (exit, text) = stage.said(&["orders", "--full"]).await;
    assert_eq!(exit, Exit::Fine, "{text}");
    let found = stage.cluster.service_accounts.get_mut("shop/orders").unwrap();
    found.insert("eks.amazonaws.com/token-expiration".to_owned(), "600".to_owned());
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Findings);
    let words = "service account `orders` has another annotation `eks.amazonaws.com/token-expiration`";
    assert!(text.contains(&format!("  serviceAccount: Changed, warning\n    {words}\n")), "{text}");
    assert!(text.contains("eks.amazonaws.com/token-expiration = 600"), "{text}");
    // Somebody else's: the operator would leave it alone, and a person should know.
    let found = stage.cluster.service_accounts.get_mut("shop/orders").unwrap();
    found.remove("ambit.dev/annotated-by");
    let (_, text) = stage.said(&["orders"]).await;
    let words = "service account `orders` has `eks.amazonaws.com/token-expiration: 600`, which somebody else wrote";
    assert!(unwrapped(&text).contains(&format!("serviceAccount: Foreign, warning {words} ")), "{text}");
}

fn orders() -> PodsOf {
    PodsOf::new("shop", "orders")
}

/// The same identity, whose role EKS hands to its pods.
async fn handed_in(cluster: &ClusterArn) -> Stage {
    let cloud = fake::cloud().in_cluster(cluster.clone());
    cloud.add_cluster(cluster);
    let stage = stage_in(fake::account_with_pod_identity(), cloud).await;
    let resolved = fake::resolved_in(&stage.cluster.accounts[0], &stage.cluster.identities[0]);
    let owner = resolved.desired.owner.clone();
    let create = AssociationStep::Create { owner, pods: orders(), principal: resolved.role_arn };
    stage.cloud.apply_association(&create).await.unwrap();
    stage
}

#[tokio::test]
async fn an_association_is_a_part_of_it() {
    let cluster = fake::cluster();
    let stage = handed_in(&cluster).await;
    let (exit, text) = stage.said(&["orders", "--full"]).await;
    assert_eq!(exit, Exit::Fine, "{text}");
    assert!(text.contains("\n  association: as declared\n    DECLARED"), "{text}");

    let other = "arn:aws:iam::123456789012:role/admin";
    assert!(stage.cloud.change_association(&cluster, &orders(), |it| it.role = other.into()));
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Wider);
    assert!(text.contains("\n  association: Changed, critical\n"), "{text}");
    assert!(unwrapped(&text).contains(&format!("names `{other}` instead")), "{text}");

    assert!(stage.cloud.remove_association(&cluster, &orders()));
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Findings);
    assert!(text.contains("\n  association: Missing, warning\n"), "{text}");
    assert!(text.contains("| no association\n"), "{text}");

    stage.cloud.plant_association(&cluster, MemoryAssociation::foreign(orders(), other));
    let report = stage.report(&["orders"]).await.unwrap();
    assert_eq!(report.exit(), Exit::Wider, "pods get what nobody declared");
    let (_, text) = stage.said(&["orders"]).await;
    assert!(text.contains("\n  association: Foreign, critical\n"), "{text}");
}

#[tokio::test]
async fn what_may_not_be_read_is_left_out_and_said() {
    let mut stage = stage().await;
    stage.cluster.forbidden = vec!["bindingtables", "serviceaccounts"];
    let (exit, text) = stage.said(&["orders"]).await;
    assert_eq!(exit, Exit::Fine);
    assert!(text.contains("  not looked at: the service account: you may not read serviceaccounts\n"), "{text}");
    assert!(text.contains("  not looked at: the BindingTable: you may not read bindingtables\n"), "{text}");
    stage.cluster.forbidden = vec!["machineidentities"];
    assert_eq!(stage.report(&["orders"]).await.unwrap_err(), "you may not read machineidentities");
}

#[tokio::test]
async fn what_cannot_be_compared_is_named_and_the_rest_goes_on() {
    let mut stage = stage().await;
    let mut lost = fake::identity("shop", "lost");
    lost.spec.account_ref.name = "nowhere".into();
    let mut refused = fake::identity("shop", "refused");
    refused.spec.scopes[0].actions = vec!["s3:GetObjekt".into()];
    stage.cluster.identities.extend([lost, refused]);
    let report = stage.report(&["orders", "order", "lost", "refused"]).await.unwrap();
    assert_eq!((report.exit(), report.identities.len()), (Exit::Trouble, 1));
    let why: Vec<(&str, &str)> =
        report.not_compared.iter().map(|one| (one.identity.as_str(), one.why.as_str())).collect();
    assert_eq!(
        why[..2],
        [
            ("shop/order", "namespace `shop` has no MachineIdentity `order`: did you mean `orders`?"),
            ("shop/lost", "`spec.accountRef` names CloudAccount `nowhere`, and there is none of that name"),
        ]
    );
    assert_eq!(why[2].0, "shop/refused");
    assert!(why[2].1.starts_with("it asks for what cannot be: UnknownAction: "), "{}", why[2].1);
    let all = stage.report(&["--all"]).await.unwrap();
    assert_eq!((all.identities.len(), all.not_compared.len()), (1, 2));
    let wrong = stage.report(&["shop/"]).await.unwrap_err();
    assert_eq!(wrong, "`shop/` is no name of an identity: it must look like `orders` or `shop/orders`");
}

#[tokio::test]
async fn another_account_and_a_silent_cloud_are_told() {
    let mut stage = stage().await;
    stage.cluster.accounts[0].spec.aws.as_mut().unwrap().account_id = "999999999999".into();
    let report = stage.report(&["orders"]).await.unwrap();
    assert_eq!(
        report.not_compared[0].why,
        "your AWS credentials are of account 123456789012, and CloudAccount `prod` is account 999999999999: choose others with AWS_PROFILE, or use `--assume`"
    );
    let stage = self::stage().await;
    let faulty = Faulty::new(stage.cloud.clone(), FaultPlan::during(0..99, Fault::ErrorBefore(ErrorKind::Transient)));
    let clouds = FakeClouds(Arc::new(faulty));
    let report = gather::report(&line(&["orders"]), "shop", &stage.cluster, &clouds, &super::Stage::new()).await;
    assert!(
        report.unwrap().not_compared[0]
            .why
            .ends_with("; check the network, AWS_ENDPOINT_URL and proxies, and ask again")
    );
}

#[tokio::test]
async fn json_is_whole_and_its_documents_are_canonical() {
    let mut stage = stage().await;
    let more = json!({"Statement": {"Resource": "arn:aws:s3:::orders-in/*", "Effect": "Allow", "Action": "s3:DeleteObject"},
        "Version": "2012-10-17"});
    stage.change(|role| drop(role.inline.insert("by-hand".into(), more.to_string())));
    stage.identity().spec.management_policy = crate::api::v1alpha1::ManagementPolicy::Observe;
    let report = json!(stage.report(&["orders"]).await.unwrap());
    let one = &report["identities"][0];
    assert_eq!(
        (&one["identity"], &one["state"], &one["class"], &one["severity"], &one["widens"]),
        (&json!("shop/orders"), &json!("drifted"), &json!("Foreign"), &json!("critical"), &json!(true))
    );
    assert_eq!(one["notes"], json!(["`managementPolicy` is Observe: Ambit repairs nothing of it"]));
    let parts = one["parts"].as_array().unwrap();
    let names: Vec<&str> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "tags",
            "boundary",
            "trust",
            "sessionDuration",
            "permissions",
            "inlinePolicy",
            "serviceAccount",
            "bindingTable"
        ]
    );
    assert_eq!(
        parts[5],
        json!({
            "part": "inlinePolicy", "subject": "by-hand",
            "difference": {
                "class": "Foreign", "severity": "critical", "widens": true,
                "summary": "the inline policy `by-hand` is there and was not declared: can now delete object `orders-in/x`",
                "witness": {"action": "s3:DeleteObject", "resource": "arn:aws:s3:::orders-in/x"},
            },
            "desired": {"words": ["not declared"]},
            "live": {
                "words": ["can delete objects in `orders-in`"],
                "document": {"Version": "2012-10-17", "Statement": [
                    {"Action": ["s3:DeleteObject"], "Effect": "Allow", "Resource": ["arn:aws:s3:::orders-in/*"]},
                ]},
            },
        })
    );
    assert_eq!(parts[4]["desired"]["document"], parts[4]["live"]["document"]);
    assert_eq!(report["notLookedAt"].as_array().unwrap().len(), 4);
}

#[test]
fn some_name_or_all_are_asked_for() {
    let parse = |words: &[&str]| <Line as clap::Parser>::try_parse_from(["diff"].iter().chain(words));
    assert!(parse(&["--all", "-A"]).is_ok() && parse(&["orders", "-n", "shop"]).is_ok());
    for wrong in [&[][..], &["orders", "--all"], &["orders", "-A"], &["--all", "-A", "-n", "shop"]] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}
