//! `ambit explain`.

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::folder::here;
use crate::samples::{CLUSTER, ORDERS};

fn folder(test: &str) -> Folder {
    Folder::new(test).with("cluster.yaml", CLUSTER).with("orders.yaml", ORDERS)
}

const NOT_EVALUATED: &str = "\
not evaluated:
  policies of the resources themselves, which can give more or deny
  policies of the organisation, which can deny
  what the boundary holds, which can only take away
";

/// The example of a pipeline: who may use it is said, and no pod is.
#[test]
fn a_pipeline_is_said_with_what_its_tokens_must_say() {
    let ask = |command: &str| here(&[command, "-f", "examples/pipelines", "--installation", "sim"]);
    let (code, out, err) = ask("validate");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let (code, out, err) = ask("explain");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let who = "  who       GitHub Actions of `acme/shop` in environment `prod`\n            with a token of https://token.actions.githubusercontent.com for `sts.amazonaws.com`\n";
    assert!(out.contains(who), "{out}");
}

/// Without its account, what is wrong in itself is told, and nothing about accounts.
#[test]
fn a_pipeline_without_its_account_is_judged_as_far_as_it_goes() {
    let (code, out, _) = here(&["validate", "-f", "examples/pipelines/deploy.yaml", "--installation", "sim"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("AMB0105") && !out.contains("AMB0117"), "{out}");
}

#[test]
fn an_identity_is_said_in_english_with_what_was_not_looked_at() {
    let folder = folder("identity");
    let arguments = ["explain", "-f", "orders.yaml", "--with", "cluster.yaml", "--installation", "sim"];
    let (code, out, err) = folder.ask(&arguments, "");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let expected = format!(
        "shop/orders: in account `prod` (123456789012)
  can read objects in `orders-in`
  who       pods of service account `orders` in namespace `shop`
            with a token of https://oidc.example.com/prod-eu for `sts.amazonaws.com`
  sessions  of at most 2 hours
  role      ROLE
  bounded   by arn:aws:iam::123456789012:policy/ambit-boundary

{NOT_EVALUATED}"
    );
    let role = out.lines().find_map(|line| line.strip_prefix("  role      ")).unwrap().to_owned();
    assert!(role.starts_with("arn:aws:iam::123456789012:role/ambit/sim/shop-orders-"), "{role}");
    assert_eq!(out.replace(&role, "ROLE"), expected);
    let (_, out, _) = folder.ask(&[&arguments[..], &["-o", "json"]].concat(), "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    let one = &answer["identities"][0];
    assert_eq!((&one["identity"], &one["roleArn"]), (&json!("shop/orders"), &json!(role)));
    assert_eq!((&one["sensitivity"], &one["sessionSeconds"]), (&json!("dataReading"), &json!(7200)));
    assert_eq!(one["may"], json!([{"text": "can read objects in `orders-in`", "sensitivity": "dataReading"}]));
    assert_eq!(answer["notEvaluated"].as_array().unwrap().len(), 3);
}

#[test]
fn who_gives_pods_their_token_is_said_where_it_is_not_ambit() {
    let by_annotation = CLUSTER.replace("webIdentity: {", "webIdentity: {delivery: ServiceAccountAnnotation, ");
    assert_ne!(by_annotation, CLUSTER);
    let folder = folder("annotated").with("cluster.yaml", &by_annotation);
    let arguments = ["explain", "-f", "orders.yaml", "--with", "cluster.yaml"];
    let (_, out, _) = folder.ask(&arguments, "");
    let said = "for `sts.amazonaws.com`\n            which the webhook of EKS gives them, by annotations of the service account\n";
    assert!(out.contains(said), "{out}");
    let (_, out, _) = folder.ask(&[&arguments[..], &["-o", "json"]].concat(), "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["identities"][0]["delivery"], "ServiceAccountAnnotation");
}

#[test]
fn without_its_account_what_it_may_do_is_said_all_the_same() {
    let folder = folder("alone");
    let (code, out, _) = folder.ask(&["explain", "-f", "orders.yaml"], "");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("shop/orders: in account `prod`\n  can read objects in `orders-in`\n"), "{out}");
    assert!(
        out.contains(
            "\n  not known: whether it would be accepted, because the files do not hold CloudAccount 'prod'\n"
        ),
        "{out}"
    );
    assert!(out.contains("kubectl get cloudaccounts") && out.ends_with(NOT_EVALUATED), "{out}");
    assert!(!out.contains("  role ") && !out.contains("  bounded "), "{out}");
}

#[test]
fn an_identity_that_cannot_be_compiled_is_told_with_the_reason() {
    let folder = folder("wrong").with("wrong.yaml", ORDERS.replace("Get", "Gt"));
    let (code, out, _) = folder.ask(&["explain", "-f", "wrong.yaml", "--with", "cluster.yaml"], "");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("shop/orders: cannot be explained: UnknownAction: "), "{out}");
    let (code, out, err) = folder.ask(&["explain", "-f", "cluster.yaml"], "");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(err, "ambit: the files hold no MachineIdentity: name a file that does\n");
}

#[test]
fn codes_and_reasons_are_explained_and_listed() {
    let folder = Folder::new("codes");
    let (code, out, _) = folder.ask(&["explain", "AMB0116", "UnknownAction"], "");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("AMB0116 (error): an action or a service that AWS does not have\n\n"), "{out}");
    assert!(out.contains("\n\nUnknownAction (condition Accepted)\n\n"), "{out}");
    let (code, out, _) = folder.ask(&["explain", "--list"], "");
    assert_eq!(code, Some(0));
    assert!(out.contains("  AMB0201  error    the text is not JSON\n"), "{out}");
    let (code, out, err) = folder.ask(&["explain", "UnknownActon"], "");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(
        err,
        "ambit: there is no code or reason `UnknownActon`: did you mean `UnknownAction`? `ambit explain --list` has all of them\n"
    );
}
