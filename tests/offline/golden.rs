//! `ambit test`: what it prints, how it ends, and which files it reads.

use serde_json::{Value, json};

use crate::folder::Folder;

const ACCOUNT: &str = r#"apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: "123456789012"
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: "https://oidc.example.com/prod", provider: Create}}
  namespaceSelector: {}
"#;

const IDENTITY: &str = r#"apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata: {name: orders}
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  scopes:
  - name: inbox
    actions: ["s3:GetObject"]
    resources: ["arn:aws:s3:::orders-in/*"]
"#;

const TEST: &str = r"apiVersion: cli.ambit.dev/v1alpha1
kind: AccessTest
metadata: {name: orders}
identity: shop/orders
may:
- {action: 's3:GetObject', resource: 'arn:aws:s3:::orders-in/1'}
- {name: 'keeps <all> & more', action: 's3:PutObject', resource: 'arn:aws:s3:::orders-in/1'}
mayNot:
- {action: 's3:GetObject', resource: 'arn:aws:s3:::orders-in/2'}
";

/// The same without what does not hold.
fn holding() -> String {
    TEST.lines().filter(|line| !line.contains("Put") && !line.contains("/2") && *line != "mayNot:").map(line).collect()
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

fn folder(name: &str) -> Folder {
    Folder::new(&format!("golden-{name}")).with("account.yaml", ACCOUNT).with("sub/orders.yaml", IDENTITY)
}

#[test]
fn each_case_has_a_line_and_what_fails_has_its_difference() {
    let folder = folder("table").with("test.yaml", TEST);
    let expected = "\
ok      shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1
FAILED  keeps <all> & more: shop/orders may s3:PutObject on arn:aws:s3:::orders-in/1
        at ./test.yaml:7:3
        - allowed
        + denied: no scope allows it
        nearest is scope `inbox` at ./sub/orders.yaml:8:5
          action: does not fit; the scope has `s3:GetObject`
          resource: fits
FAILED  shop/orders may not s3:GetObject on arn:aws:s3:::orders-in/2
        at ./test.yaml:9:3
        - denied
        + allowed: scope `inbox` allows it
        scope `inbox` is at ./sub/orders.yaml:8:5

3 cases: 2 do not hold
";
    assert_eq!(folder.ask(&["test", ".", "-n", "shop"], ""), (Some(1), expected.to_owned(), String::new()));
    let folder = folder.with("test.yaml", holding());
    let expected = "ok      shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1\n\n1 case: all hold\n";
    assert_eq!(folder.ask(&["test", ".", "-n", "shop"], ""), (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn programs_get_the_same_as_json() {
    let folder = folder("json").with("test.yaml", TEST);
    let (code, out, err) = folder.ask(&["test", ".", "-n", "shop", "-o", "json"], "");
    assert_eq!((code, &*err), (Some(1), ""));
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["total"], &found["failed"]), (&json!(3), &json!(2)));
    let base = json!({"test": "orders", "identity": "shop/orders", "file": "./test.yaml", "column": 3});
    let with = |more: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let scope = json!({"scope": "inbox", "file": "./sub/orders.yaml", "line": 8, "column": 5});
    let mut nearest = scope.clone();
    nearest["facets"] = json!([
        {"what": "action", "fits": false, "note": "the scope has `s3:GetObject`"},
        {"what": "resource", "fits": true}
    ]);
    let expected = json!([
        with(json!({"claim": "shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1", "line": 6, "holds": true,
            "expected": "allowed", "got": "allowed"})),
        with(json!({"name": "keeps <all> & more", "claim": "shop/orders may s3:PutObject on arn:aws:s3:::orders-in/1",
            "line": 7, "holds": false, "expected": "allowed", "got": "denied: no scope allows it", "nearest": nearest})),
        with(
            json!({"claim": "shop/orders may not s3:GetObject on arn:aws:s3:::orders-in/2", "line": 9, "holds": false,
            "expected": "denied", "got": "allowed: scope `inbox` allows it", "scopes": [scope]})
        ),
    ]);
    assert_eq!(found["cases"], expected);
}

#[test]
fn ci_systems_get_junit() {
    let folder = folder("junit").with("test.yaml", TEST);
    let (code, out, err) = folder.ask(&["test", ".", "-n", "shop", "-o", "junit"], "");
    assert_eq!((code, &*err), (Some(1), ""));
    let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"ambit test\" tests=\"3\" failures=\"2\">
  <testsuite name=\"orders\" tests=\"3\" failures=\"2\">
    <testcase name=\"shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1\" classname=\"orders\" file=\"./test.yaml\" line=\"6\"/>
    <testcase name=\"keeps &lt;all&gt; &amp; more: shop/orders may s3:PutObject on arn:aws:s3:::orders-in/1\" classname=\"orders\" file=\"./test.yaml\" line=\"7\">
      <failure message=\"expected allowed, got denied: no scope allows it\">at ./test.yaml:7:3
- allowed
+ denied: no scope allows it
nearest is scope `inbox` at ./sub/orders.yaml:8:5
  action: does not fit; the scope has `s3:GetObject`
  resource: fits</failure>
    </testcase>
    <testcase name=\"shop/orders may not s3:GetObject on arn:aws:s3:::orders-in/2\" classname=\"orders\" file=\"./test.yaml\" line=\"9\">
      <failure message=\"expected denied, got allowed: scope `inbox` allows it\">at ./test.yaml:9:3
- denied
+ allowed: scope `inbox` allows it
scope `inbox` is at ./sub/orders.yaml:8:5</failure>
    </testcase>
  </testsuite>
</testsuites>
";
    assert_eq!(out, expected);
}

#[test]
fn a_test_may_name_files_elsewhere_and_a_boundary() {
    let boundary = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:List*","Resource":"*"}]}"#;
    let test = holding().replace("shop/", "default/");
    let test = format!("{test}files: [../sub, ../account.yaml, ../sub/orders.yaml]\nboundary: ../boundary.json\n");
    let folder = folder("files").with("tests/test.yaml", test).with("boundary.json", boundary);
    let expected = "\
FAILED  default/orders may s3:GetObject on arn:aws:s3:::orders-in/1
        at tests/test.yaml:6:3
        - allowed
        + denied: scope `inbox` allows it, but the boundary `boundary.json` does not
        scope `inbox` is at sub/orders.yaml:8:5

1 case: 1 does not hold
";
    assert_eq!(folder.ask(&["test", "tests"], ""), (Some(1), expected.to_owned(), String::new()));
}

#[test]
fn the_same_identity_may_differ_from_folder_to_folder() {
    let test = holding().replace("shop/", "default/");
    let folder = folder("folders").with("a/account.yaml", ACCOUNT).with("a/orders.yaml", IDENTITY);
    let folder = folder.with("a/test.yaml", &test).with("b/account.yaml", ACCOUNT);
    let folder = folder.with("b/orders.yaml", IDENTITY.replace("GetObject", "PutObject")).with("b/test.yaml", &test);
    let (code, out, err) = folder.ask(&["test", "a", "b"], "");
    assert_eq!((code, &*err), (Some(1), ""));
    assert!(
        out.starts_with("ok  ") && out.contains("\nFAILED  ") && out.ends_with("2 cases: 1 does not hold\n"),
        "{out}"
    );
    let (code, out, err) = folder.ask(&["test", "."], "");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.contains("MachineIdentity default/orders is declared already"), "{err}");
}

#[test]
fn what_cannot_be_decided_is_never_green() {
    let folder = folder("trouble").with("empty/readme.txt", "nothing").with("lost/test.yaml", TEST);
    let folder = folder
        .with("odd/test.yaml", TEST.replace("action: 's3:Get", "acton: 's3:Get"))
        .with("gone/test.yaml", format!("{}files: [../nowhere]\n", holding()))
        .with("unbound/test.yaml", format!("{}boundary: nowhere.json\n", holding()))
        .with(
            "none/test.yaml",
            "apiVersion: cli.ambit.dev/v1alpha1\nkind: AccessTest\nmetadata: {name: a}\nidentity: a/b\n",
        )
        .with("broken/test.yaml", "a: [");
    let cases = [
        ("sub", "`sub` holds no AccessTest: name a folder that does; `ambit test --help` shows one"),
        ("empty", "`empty` holds no AccessTest: name a folder that does; `ambit test --help` shows one"),
        (
            "lost",
            "lost/test.yaml:4:11: the files hold no MachineIdentity `shop/orders`; name the files that do in `files`",
        ),
        (
            "odd",
            "odd/test.yaml:6:4: `may[0].acton`: it is not a field of a case; did you mean `action`?\nodd/test.yaml:9:4: `mayNot[0].acton`: it is not a field of a case; did you mean `action`?",
        ),
        ("gone", "gone/test.yaml:7:9: `nowhere` cannot be read: there is no such file or folder"),
        (
            "unbound",
            "unbound/test.yaml:7:11: `unbound/nowhere.json` cannot be read: No such file or directory (os error 2)",
        ),
        ("none", "none/test.yaml:1:1: it has no case: add `may`, `mayNot` or `accepted`"),
    ];
    for (name, message) in cases {
        let (code, out, err) = folder.ask(&["test", name], "");
        assert_eq!((code, &*out, &*err), (Some(2), "", &*format!("ambit: {message}\n")), "{name}");
    }
    let (code, out, err) = folder.ask(&["test", "broken"], "");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.starts_with("ambit: broken/test.yaml:1:4: error AMB0101: "), "{err}");
}

#[test]
fn everything_may_come_by_standard_input() {
    let all = [ACCOUNT, IDENTITY, &holding().replace("shop/", "default/")].join("---\n");
    let folder = folder("stdin");
    let (code, out, err) = folder.ask(&["test", "-"], &all);
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
}
