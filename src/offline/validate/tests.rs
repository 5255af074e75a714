use super::*;
use crate::offline::manifest;

const ACCOUNT: &str = "
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: '123456789012'
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: https://oidc.example.com/id/A}}
  namespaceSelector: {}
";

const POLICY: &str = "
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: all}
spec:
  namespaceSelector: {}
  allow: [{name: data, access: [List, Read, Write], resources: ['arn:aws:sqs:*:*:*', 'arn:aws:s3:::*']}]
";

const IDENTITY: &str = "
apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata: {name: orders, namespace: shop}
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  scopes: [{name: publish, actions: ['sqs:SendMessage'], resources: ['arn:aws:sqs:eu-west-1:123456789012:orders']}]
";

/// What is found, as code, object, field and message.
fn found(texts: &[&str]) -> Vec<(&'static str, String, String, String)> {
    let text = texts.join("\n---\n");
    let read = manifest::read("a.yaml", &text);
    assert_eq!(read.findings, []);
    let (world, twice) = World::of(read.objects.clone(), Vec::new(), "default");
    assert_eq!(twice, []);
    let installation = InstallationId::parse("offline").unwrap();
    findings(&read.objects, &world, &installation, Catalogue::embedded())
        .into_iter()
        .map(|finding| {
            assert_eq!(&*finding.spot.file, "a.yaml");
            (finding.code.id(), finding.object, finding.field, finding.message)
        })
        .collect()
}

fn row(code: &'static str, object: &str, field: &str, message: &str) -> (&'static str, String, String, String) {
    (code, object.to_owned(), field.to_owned(), message.to_owned())
}

#[test]
fn nothing_is_said_of_what_is_right() {
    assert_eq!(found(&[ACCOUNT, POLICY, IDENTITY]), []);
}

#[test]
fn each_fault_of_a_refusal_is_a_finding_at_its_field() {
    let wrong = IDENTITY.replace("['sqs:SendMessage']", "['sqs:SendMesage', 'sqq:SendMessage']");
    let found = found(&[ACCOUNT, POLICY, &wrong]);
    let short: Vec<(&str, &str)> = found.iter().map(|(code, _, field, _)| (*code, field.as_str())).collect();
    assert_eq!(short, [("AMB0116", "spec.scopes[0].actions[0]"), ("AMB0116", "spec.scopes[0].actions[1]")]);
    assert!(found[0].3.contains("did you mean `sqs:SendMessage`?"), "{found:?}");
}

#[test]
fn what_cannot_be_judged_is_said_to_be_so_and_not_refused() {
    let told = "it is not known whether it would be accepted, because the files do not hold";
    let identity = "MachineIdentity shop/orders";
    let account = row("AMB0105", identity, "spec.accountRef.name", &format!("{told} CloudAccount 'prod'"));
    assert_eq!(found(&[POLICY, IDENTITY]), [account]);
    let policies = format!("{told} Namespace 'shop' with its labels and any ScopePolicy");
    assert_eq!(found(&[ACCOUNT, IDENTITY]), [row("AMB0105", identity, "metadata.namespace", &policies)]);
}

#[test]
fn what_is_wrong_in_any_account_is_found_without_one() {
    let wrong = IDENTITY.replace("sqs:SendMessage", "sqs:SendMesage");
    let codes: Vec<&str> = found(&[&wrong]).iter().map(|row| row.0).collect();
    assert_eq!(codes, ["AMB0116", "AMB0105"]);
    let idle = IDENTITY.replace("sqs:SendMessage", "sqs:ListQueues");
    let codes: Vec<&str> = found(&[&idle]).iter().map(|row| row.0).collect();
    assert_eq!(codes, ["AMB0117", "AMB0105"]);
    // In another partition too.
    let other = IDENTITY.replace("arn:aws:", "arn:aws-cn:");
    let codes: Vec<&str> = found(&[&other]).iter().map(|row| row.0).collect();
    assert_eq!(codes, ["AMB0105"]);
}

#[test]
fn which_of_two_accounts_is_the_right_one_is_not_guessed() {
    let two = IDENTITY.replace("012:orders'", "012:orders', 'arn:aws:sqs:eu-west-1:999999999999:orders'");
    let codes: Vec<&str> = found(&[&two]).iter().map(|row| row.0).collect();
    assert_eq!(codes, ["AMB0105"]);
    let codes: Vec<&str> = found(&[ACCOUNT, POLICY, &two]).iter().map(|row| row.0).collect();
    assert_eq!(codes, ["AMB0117"]);
}

#[test]
fn an_account_that_cannot_be_used_is_a_finding_of_its_own() {
    let found = found(&[&ACCOUNT.replace("https://oidc.example.com", "https://oidc.example.com/a b")]);
    assert_eq!(found.len(), 1, "{found:?}");
    let (code, object, field, message) = &found[0];
    assert_eq!(
        (*code, &**object, &**field),
        ("AMB0111", "CloudAccount prod", "spec.aws.federation.webIdentity.issuer")
    );
    assert!(message.starts_with("the account cannot be used: `spec.aws.federation.webIdentity.issuer`: "), "{message}");
}

#[test]
fn a_policy_that_says_what_is_hardly_meant_is_told() {
    let policy = POLICY.replace("arn:aws:s3:::*", "arn:aws:s3:::${namespace}-*");
    assert_eq!(
        found(&[&policy]),
        [row(
            "AMB0122",
            "ScopePolicy all",
            "spec.allow[0].resources[1]",
            "in `arn:aws:s3:::${namespace}-*` nothing divides `${namespace}` from the `*` behind it: namespace `shop` reaches what belongs to `shop-eu`"
        )]
    );
    let policy = POLICY.replace("arn:aws:s3:::*", "arn:aws:s3:::home/${name}/*");
    assert_eq!(
        found(&[&policy]),
        [row(
            "AMB0122",
            "ScopePolicy all",
            "spec.allow[0].resources[1]",
            "`arn:aws:s3:::home/${name}/*` has `${name}` and no `${namespace}`: whoever may declare identities in any selected namespace chooses the name, and so reaches what belongs to an identity of that name elsewhere"
        )]
    );
    assert_eq!(found(&[&POLICY.replace("arn:aws:s3:::*", "arn:aws:s3:::${namespace}/${name}/*")]), []);
    let deny = "
  deny:
    - {name: no-users, actions: ['iam:CreateUsr'], resources: ['arn:aws:s3:::${namespace}-*']}
    - {name: no-keys, actions: ['iam:CreateAccessKey', 'iam:Creat?Key'], resources: ['*']}
";
    let field = |rule: usize, action: usize| format!("spec.deny[{rule}].actions[{action}]");
    let users =
        "`iam:CreateUsr` is not a known action of iam; did you mean `iam:CreateUser`?: rule `no-users` denies nothing";
    let found = found(&[&format!("{POLICY}{deny}")]);
    assert_eq!(found[0], row("AMB0121", "ScopePolicy all", &field(0, 0), users));
    assert_eq!((found[1].0, &found[1].2), ("AMB0121", &field(1, 1)));
    assert!(found[1].3.ends_with(": rule `no-keys` denies less than it says"), "{}", found[1].3);
    assert_eq!(found.len(), 2, "{found:?}");
}

const LABELLED: &str = "
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: fence}
spec:
  namespaceSelector: {matchLabels: {tier: guarded}}
  deny: [{name: none, actions: ['sqs:*'], resources: ['*']}]
";

#[test]
fn nobody_is_accepted_whose_namespace_may_have_any_labels() {
    let told =
        "it is not known whether it would be accepted, because the files do not hold Namespace 'shop' with its labels";
    let open = [row("AMB0105", "MachineIdentity shop/orders", "metadata.namespace", told)];
    assert_eq!(found(&[ACCOUNT, POLICY, LABELLED, IDENTITY]), open);
    let chooser = ACCOUNT
        .replace("namespaceSelector: {}", "namespaceSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}");
    assert_eq!(found(&[&chooser, POLICY, IDENTITY]), open);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: other}}\n";
    assert_eq!(found(&[ACCOUNT, POLICY, LABELLED, IDENTITY, namespace]), []);
    // Its name is known, and a policy of another account does not matter.
    assert_eq!(
        found(&[ACCOUNT, POLICY, &LABELLED.replace("tier: guarded", "kubernetes.io/metadata.name: other"), IDENTITY]),
        []
    );
    assert_eq!(
        found(&[ACCOUNT, POLICY, &LABELLED.replace("  deny", "  accountRefs: [{name: other}]\n  deny"), IDENTITY]),
        []
    );
    // What is denied as far as the files tell is told as well.
    let denied = found(&[ACCOUNT, POLICY, LABELLED, &IDENTITY.replace("sqs:SendMessage", "sqs:AddPermission")]);
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert!(
        denied[0].0 == "AMB0105" && denied[0].3.starts_with(&format!("{told}; as far as the files tell, ")),
        "{denied:?}"
    );
}

#[test]
fn a_service_account_that_somebody_in_the_cluster_has_is_taken() {
    let of = |text: &str| manifest::read("a.yaml", text).objects;
    let elder = IDENTITY.replace("name: orders, namespace", "name: zebra, namespace");
    let codes = |own: &str, beside: &str| -> Vec<&'static str> {
        let own = of(own);
        let (world, _) = World::of(own.clone(), of(&format!("{ACCOUNT}---{POLICY}---{beside}")), "default");
        let installation = InstallationId::parse("offline").unwrap();
        findings(&own, &world, &installation, Catalogue::embedded()).iter().map(|found| found.code.id()).collect()
    };
    assert_eq!(codes(IDENTITY, &elder), ["AMB0119"]);
    assert!(codes(IDENTITY, IDENTITY).is_empty(), "it is one identity");
    // What the files say of the elder counts.
    let moved = elder.replace("serviceAccount: {name: orders}", "serviceAccount: {name: zebra}");
    assert!(codes(&format!("{IDENTITY}---{moved}"), &elder).is_empty());
}
