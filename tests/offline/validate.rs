//! `ambit validate`.

use serde_json::Value;

use crate::folder::Folder;
use crate::samples::{CLUSTER, ORDERS, OTHER};

fn folder(test: &str) -> Folder {
    Folder::new(test)
        .with("cluster.yaml", CLUSTER)
        .with("deploy/orders.yaml", ORDERS)
        .with("deploy/other.yml", OTHER)
        .with("wrong/orders.yaml", ORDERS.replace("GetObject", "GetObjekt"))
        .with("other/other.yaml", OTHER)
}

#[test]
fn nothing_found_says_what_was_judged() {
    let folder = folder("fine");
    let told = "no findings in 2 files: judged 1 MachineIdentity; passed over 1 object of other kinds\n";
    let fine = (Some(0), told.to_owned(), String::new());
    assert_eq!(folder.ask(&["validate", "-f", "deploy", "--with", "cluster.yaml"], ""), fine);
    let text = format!("{ORDERS}---\n{CLUSTER}---\n{OTHER}");
    let (code, out, _) = folder.ask(&["validate", "-f", "-"], &text);
    assert_eq!(code, Some(0), "{out}");
    assert!(
        out.starts_with("no findings in 1 file: judged 1 CloudAccount, 1 MachineIdentity, 1 ScopePolicy;"),
        "{out}"
    );
}

#[test]
fn what_is_found_is_told_with_its_place_and_ends_with_one() {
    let folder = folder("found");
    let (code, out, err) = folder.ask(&["validate", "-f", "wrong", "--with", "cluster.yaml"], "");
    assert_eq!((code, err.as_str()), (Some(1), ""));
    let mut lines = out.lines();
    let line = lines.next().unwrap();
    assert!(line.starts_with("wrong/orders.yaml:"), "{out}");
    assert!(line.contains(": error AMB0116: MachineIdentity shop/orders: "), "{out}");
    assert!(line.contains("`s3:GetObject`"), "{out}");
    assert_eq!(lines.next(), Some("1 error in 1 file: judged 1 MachineIdentity"));
}

#[test]
fn without_what_the_cluster_has_it_is_told_that_not_all_is_known() {
    let folder = folder("alone");
    let (code, out, _) = folder.ask(&["validate", "-f", "deploy"], "");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains(": warning AMB0105: ") && out.contains("CloudAccount 'prod'"), "{out}");
    assert!(
        out.contains("kubectl get cloudaccounts,scopepolicies,machineidentities,namespaces -o yaml > cluster.yaml"),
        "{out}"
    );
    assert!(!out.contains("AMB0111"), "{out}");
    let (code, ..) = folder.ask(&["validate", "-f", "deploy", "--fail-on", "error"], "");
    assert_eq!(code, Some(0));
    // What is wrong in any account is found without one.
    let (code, out, _) = folder.ask(&["validate", "-f", "wrong", "--fail-on", "error"], "");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("AMB0116") && out.contains("AMB0105"), "{out}");
}

#[test]
fn files_without_anything_to_judge_are_a_mistake_unless_it_is_said_that_they_may_be() {
    let folder = folder("nothing");
    let (code, out, err) = folder.ask(&["validate", "-f", "other"], "");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(
        err,
        "ambit: there is nothing to judge: the file holds no MachineIdentity, ScopePolicy or CloudAccount, only 1 object of other kinds: name the files that do with -f, or take --allow-empty where that is fine\n"
    );
    let told = "no findings in 1 file: judged nothing; passed over 1 object of other kinds\n";
    let fine = (Some(0), told.to_owned(), String::new());
    assert_eq!(folder.ask(&["validate", "-f", "other", "--allow-empty"], ""), fine);
    let (code, out, _) = folder.ask(&["validate", "-f", "none.yaml", "--allow-empty"], "");
    assert_eq!((code, out.as_str()), (Some(2), ""), "a file that is not there is a mistake all the same");
}

#[test]
fn findings_come_in_the_forms_that_programs_read() {
    let folder = folder("forms");
    let form = |form: &str| {
        let (code, out, err) = folder.ask(&["validate", "-f", "wrong", "--with", "cluster.yaml", "-o", form], "");
        assert_eq!((code, err.as_str()), (Some(1), ""), "{form}");
        out
    };
    let answer: Value = serde_json::from_str(&form("json")).unwrap();
    assert_eq!(answer["judged"], serde_json::json!({"MachineIdentity": 1}));
    assert_eq!((&answer["files"], &answer["passedOver"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(answer["findings"][0]["code"], "AMB0116");
    assert_eq!(answer["findings"][0]["place"], "spec.scopes[0].actions[0]");
    let log: Value = serde_json::from_str(&form("sarif")).unwrap();
    assert_eq!(log.pointer("/runs/0/results/0/ruleId"), Some(&Value::from("AMB0116")));
    let uri = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(log.pointer(uri), Some(&Value::from("wrong/orders.yaml")));
    let tests = form("junit");
    assert!(tests.contains("<testsuites name=\"ambit\" tests=\"1\" failures=\"1\""), "{tests}");
    assert!(
        tests.contains("<testcase name=\"MachineIdentity shop/orders\" classname=\"wrong/orders.yaml\""),
        "{tests}"
    );
    let commands = form("github");
    assert!(commands.starts_with("::error file=wrong/orders.yaml,line="), "{commands}");
    assert!(
        commands.contains("title=AMB0116 an action or a service that AWS does not have::MachineIdentity"),
        "{commands}"
    );
    assert!(commands.ends_with("\n1 error in 1 file: judged 1 MachineIdentity\n"), "{commands}");
}

#[test]
fn findings_come_in_the_order_of_files() {
    let folder = folder("order").with("deploy/a.yaml", ORDERS.replace("orders\n", "a\n").replace("Get", "Gt"));
    let folder = folder.with("deploy/z.yaml", CLUSTER.replace("arn:aws:s3:::*'", "arn:aws:s3:::${namespace}-*'"));
    let (_, out, _) = folder.ask(&["validate", "-f", "deploy"], "");
    let files: Vec<&str> = out.lines().filter_map(|line| line.split(".yaml:").next()).take(2).collect();
    assert!(out.starts_with("deploy/a.yaml:"), "{out}");
    assert!(out.contains("\ndeploy/z.yaml:"), "{out}");
    assert!(files.is_sorted(), "{out}");
    assert!(out.contains("AMB0122"), "{out}");
}
