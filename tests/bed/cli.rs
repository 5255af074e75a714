//! The commands that need no cluster: what they print, and how they end.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::house::merged;

fn file(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bed/cli").join(name).to_string_lossy().into_owned()
}

/// Exit code, standard output and standard error.
fn ambit(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(arguments)
        .env_remove("AMBIT_INSTALLATION")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that ends without reading its input is as good.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn render(input: &str) -> (Option<i32>, String, String) {
    ambit(&["render", "--installation", "prod", "-f", "-"], input)
}

/// The account and the identity of the example.
fn example() -> (Value, Value) {
    let text = std::fs::read_to_string(file("orders.yaml")).unwrap();
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    (objects.remove(0), objects.pop().unwrap())
}

fn yaml(objects: &[&Value]) -> String {
    objects.iter().flat_map(|object| ["---\n".to_owned(), object.to_string(), "\n".to_owned()]).collect()
}

#[test]
fn render_prints_the_exact_documents() {
    let golden = std::fs::read_to_string(file("orders.golden.yaml")).unwrap();
    let arguments = ["render", "--installation", "prod", "-f", &file("orders.yaml")];
    assert_eq!(ambit(&arguments, ""), (Some(0), golden.clone(), String::new()));

    let arguments = ["render", "--installation", "prod", "-o", "json", "-f", &file("orders.yaml")];
    let (code, text, _) = ambit(&arguments, "");
    let json: Vec<Value> = serde_json::from_str(&text).unwrap();
    let yaml: Vec<Value> = serde_saphyr::from_multiple(&golden).unwrap();
    assert_eq!((code, json), (Some(0), yaml));
}

#[test]
fn a_refused_identity_is_told_and_the_others_are_rendered() {
    let (account, right) = example();
    let wrong = json!({"metadata": {"name": "wrong"}, "spec": {"scopes": [
        {"name": "s", "actions": ["s3:GetObjekt"], "resources": ["arn:aws:s3:::b/*"]}]}});
    let lost = json!({"metadata": {"name": "lost"}, "spec": {"accountRef": {"name": "test"}}});
    let (wrong, lost) = (merged(right.clone(), &wrong), merged(right.clone(), &lost));
    let (code, out, err) = render(&yaml(&[&account, &wrong, &right, &lost]));
    assert_eq!(code, Some(1));
    assert_eq!(out, std::fs::read_to_string(file("orders.golden.yaml")).unwrap());
    assert_eq!(
        err.lines().collect::<Vec<_>>(),
        [
            "shop/wrong: UnknownAction: `spec.scopes[0].actions[0]`: scope `s`: `s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?",
            "shop/lost: the files hold no CloudAccount 'test': add the file that does with -f",
        ]
    );
}

#[test]
fn input_that_cannot_be_used_ends_with_two_and_one_line() {
    let (account, identity) = example();
    let odd = merged(identity.clone(), &json!({"spec": {"scope": []}}));
    let unknown = "`-`: a MachineIdentity in it is not valid: unknown field `scope`, expected one of `accountRef`, `subject`, `scopes`, `sessionDuration`, `credentials`, `managementPolicy`, `deletionPolicy`, `podAdmission`";
    let cases = [
        ("a: [".to_owned(), "`-` is not YAML: error: line 1 column 4: unclosed bracket '['"),
        (String::new(), "the files hold no MachineIdentity: name a file that does"),
        (yaml(&[&account]), "the files hold no MachineIdentity: name a file that does"),
        (yaml(&[&account, &odd]), unknown),
    ];
    for (input, message) in cases {
        assert_eq!(render(&input), (Some(2), String::new(), format!("ambit: {message}\n")));
    }
    let (code, out, err) = ambit(&["render", "--installation", "prod", "-f", "no-such-file.yaml"], "");
    let message = "ambit: `no-such-file.yaml` cannot be read: No such file or directory (os error 2)\n";
    assert_eq!((code, &*out, &*err), (Some(2), "", message));
    let (code, _, err) = ambit(&["render", "--installation", "Prod!", "-f", "-"], "");
    assert_eq!(code, Some(2));
    assert!(err.contains("`Prod!` is not an installation id: it must have 1 to 20 characters of `a-z`, `0-9` and `-`, and begin and end with a letter or digit"), "{err}");
    let (code, out, err) =
        ambit(&["account", "policy", "--installation", "prod", "--account", "-"], &yaml(&[&identity]));
    assert_eq!((code, &*out, &*err), (Some(2), "", "ambit: `-` must hold exactly one CloudAccount and holds 0\n"));
}

#[test]
fn an_account_that_cannot_be_right_is_refused() {
    let (account, identity) = example();
    let wrong = merged(account, &json!({"spec": {"aws": {"accountId": "12"}}}));
    let (code, out, err) = render(&yaml(&[&wrong, &identity]));
    assert_eq!((code, &*out), (Some(1), ""));
    assert_eq!(
        err,
        "shop/orders: CloudAccount 'prod': `spec.aws.accountId`: `12` is not an account id: it must have exactly 12 digits\n"
    );
}

#[test]
fn crds_prints_every_kind_and_writes_the_same_into_a_folder() {
    let (code, out, err) = ambit(&["crds"], "");
    assert_eq!((code, &*err), (Some(0), ""));
    let printed: Vec<Value> = serde_saphyr::from_multiple(&out).unwrap();
    let names: Vec<&str> = printed.iter().filter_map(|crd| crd["metadata"]["name"].as_str()).collect();
    let expected = ["cloudaccounts", "scopepolicies", "machineidentities", "bindingtables"]
        .map(|name| format!("{name}.ambit.dev"));
    assert_eq!(names, expected);

    let folder = std::env::temp_dir().join(format!("ambit-crds-{}", std::process::id()));
    let (code, out, _) = ambit(&["crds", "--out", &folder.to_string_lossy()], "");
    assert_eq!((code, &*out), (Some(0), ""));
    for crd in printed {
        let name = crd["metadata"]["name"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), crd);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
