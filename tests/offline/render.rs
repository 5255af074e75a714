//! `ambit render`: what it prints, how it ends, and where it says that something is wrong.

use serde_json::Value;

use crate::folder::Folder;

const ACCOUNT: &str = include_str!("render/orders.yaml");
const GOLDEN: &str = include_str!("render/orders.golden.yaml");

const OTHER: &str = r#"apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata: {name: other, namespace: shop}
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: other}}
  scopes:
  - name: out
    actions: ["s3:PutObject"]
    resources: ["arn:aws:s3:::shop-out/*"]
"#;

const POLICY: &str = r#"apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: reads}
spec:
  namespaceSelector: {}
  allow: [{name: reads, access: [Read], resources: ["*"]}]
"#;

#[test]
fn files_folders_and_standard_input_give_the_same_documents() {
    let folder = Folder::new("render-ways").with("sub/orders.yaml", ACCOUNT);
    let golden = (Some(0), GOLDEN.to_owned(), String::new());
    assert_eq!(folder.ask(&["render", "-f", "sub/orders.yaml", "--installation", "prod"], ""), golden);
    assert_eq!(folder.ask(&["render", "-f", ".", "--installation", "prod"], ""), golden);
    assert_eq!(folder.ask(&["render", "-f", "-", "--installation", "prod"], ACCOUNT), golden);
    let objects: Vec<Value> = serde_saphyr::from_multiple(ACCOUNT).unwrap();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    assert_eq!(folder.ask(&["render", "-f", "-", "--installation", "prod"], &list), golden);
    let (code, out, _) = folder.ask(&["render", "-f", "sub", "--installation", "prod", "-o", "json"], "");
    let json: Vec<Value> = serde_json::from_str(&out).unwrap();
    let yaml: Vec<Value> = serde_saphyr::from_multiple(GOLDEN).unwrap();
    assert_eq!((code, json), (Some(0), yaml));
}

#[test]
fn the_account_may_stand_beside_and_is_told_where_it_is_missing() {
    let folder = Folder::new("render-account").with("account.yaml", ACCOUNT).with("other.yaml", OTHER);
    let (code, out, err) =
        folder.ask(&["render", "-f", "other.yaml", "--with", "account.yaml", "--installation", "prod"], "");
    assert_eq!((code, &*err), (Some(0), ""));
    assert!(out.starts_with("---\nidentity: shop/other\n") && !out.contains("shop/orders"), "{out}");
    let missing = "other.yaml:5:22: error AMB0111: MachineIdentity shop/other: the files hold no CloudAccount 'prod': add the file that does with `-f`, or with `--with` if it is only to be looked at\n";
    let (code, out, err) = folder.ask(&["render", "-f", "other.yaml", "--installation", "prod"], "");
    assert_eq!((code, &*out, &*err), (Some(1), "", missing));
}

#[test]
fn what_is_refused_is_told_with_its_place_and_the_rest_is_rendered() {
    let wrong = OTHER.replace("PutObject", "PutObjekt");
    let folder = Folder::new("render-refused").with("orders.yaml", ACCOUNT).with("other.yaml", wrong);
    let (code, out, err) = folder.ask(&["render", "-f", ".", "--installation", "prod"], "");
    let refusal = "./other.yaml:9:15: error AMB0116: MachineIdentity shop/other: scope `out`: `s3:PutObjekt` is not an action of s3; did you mean `s3:PutObject`?\n";
    assert_eq!((code, &*out, &*err), (Some(1), GOLDEN, refusal));
}

#[test]
fn guardrails_among_the_files_say_what_they_would_refuse() {
    let account = ACCOUNT.replace("requestsPerSecond: 10", "namespaceSelector: {}");
    let folder = Folder::new("render-guardrails").with("account.yaml", account).with("other.yaml", OTHER);
    let arguments = ["render", "-f", "other.yaml", "--with", "account.yaml", "--installation", "prod"];
    let with = [&arguments[..], &["--with", "policy.yaml"]].concat();
    let (_, documents, err) = folder.ask(&arguments, "");
    assert_eq!(err, "");
    let folder = folder.with("policy.yaml", POLICY);
    let (code, out, err) = folder.ask(&with, "");
    assert_eq!((code, out), (Some(0), documents.clone()));
    assert_eq!(
        err,
        "other.yaml:9:15: warning AMB0114: MachineIdentity shop/other: it would be refused: 'shop/other' asks in scope `out` to write object `shop-out/x` (`s3:PutObject` on `arn:aws:s3:::shop-out/x`), which no ScopePolicy allows; nearest is rule `reads` of ScopePolicy 'reads', which does not allow the action: leave the scope out, or ask the owners of ScopePolicy 'reads'\n"
    );
    let folder =
        folder.with("policy.yaml", POLICY.replace("namespaceSelector: {}", "namespaceSelector: {matchLabels: {a: b}}"));
    let (code, out, err) = folder.ask(&with, "");
    assert_eq!((code, out), (Some(0), documents));
    assert_eq!(
        err,
        "other.yaml:3:36: warning AMB0105: MachineIdentity shop/other: it cannot be said whether it would be accepted: the files do not hold Namespace 'shop' with its labels; add the file that does with `--with`\n"
    );
}

#[test]
fn input_that_cannot_be_used_ends_with_two_and_nothing_is_rendered() {
    let folder = Folder::new("render-trouble");
    let render = |input: &str| folder.ask(&["render", "--installation", "prod", "-f", "-"], input);
    let none = "ambit: the files hold no MachineIdentity: name a file that does\n";
    assert_eq!(render(""), (Some(2), String::new(), none.to_owned()));
    assert_eq!(render(POLICY), (Some(2), String::new(), none.to_owned()));
    let (code, out, err) = render("a: [");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.starts_with("-:1:4: error AMB0101: "), "{err}");
    let (code, out, err) = render(&[ACCOUNT, &OTHER.replace("scopes:", "scope:")].join("---\n"));
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.contains(": error AMB0102: MachineIdentity shop/other: "), "{err}");
    let gone = "ambit: `no-such-file.yaml` cannot be read: No such file or directory (os error 2)\n";
    let ended = folder.ask(&["render", "--installation", "prod", "-f", "no-such-file.yaml"], "");
    assert_eq!(ended, (Some(2), String::new(), gone.to_owned()));
}

#[test]
fn what_a_service_account_will_say_is_rendered_where_it_says_something() {
    let by_annotation = ACCOUNT.replace("webIdentity:\n", "webIdentity:\n        delivery: ServiceAccountAnnotation\n");
    assert_ne!(by_annotation, ACCOUNT);
    let folder = Folder::new("render-annotated").with("orders.yaml", &by_annotation);
    let (code, out, _) = folder.ask(&["render", "-f", ".", "--installation", "prod"], "");
    let rendered: Vec<Value> = serde_saphyr::from_multiple(&out).unwrap();
    let said = &rendered[0]["serviceAccountAnnotations"];
    assert_eq!((code, &said["eks.amazonaws.com/role-arn"]), (Some(0), &rendered[0]["roleArn"]));
    assert_eq!(said["eks.amazonaws.com/token-expiration"], "3600");
    assert_eq!(said["ambit.dev/annotated-by"], "orders");
}

#[test]
fn without_an_installation_it_says_whose_names_it_gives() {
    let folder = Folder::new("render-installation").with("orders.yaml", ACCOUNT);
    let (code, out, err) = folder.ask(&["render", "-f", "."], "");
    let note = "ambit: roles are named as for an installation `offline`: say which with `--installation`\n";
    assert_eq!((code, &*err), (Some(0), note));
    assert!(out.contains("role/ambit/offline/"), "{out}");
}
