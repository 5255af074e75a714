//! The commands that need no cluster: what they print, and how they end.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

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

#[test]
fn input_that_cannot_be_used_ends_with_two_and_one_line() {
    let (code, _, err) = ambit(&["account", "policy", "--installation", "Prod!", "--account", "-"], "");
    assert_eq!(code, Some(2));
    assert!(err.contains("`Prod!` is not an installation id: it must have 1 to 20 characters of `a-z`, `0-9` and `-`, and begin and end with a letter or digit"), "{err}");
    let nothing = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
    let (code, out, err) = ambit(&["account", "policy", "--installation", "prod", "--account", "-"], nothing);
    assert_eq!((code, &*out, &*err), (Some(2), "", "ambit: `-` must hold exactly one CloudAccount and holds 0\n"));
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
