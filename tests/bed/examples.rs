//! Every example does what it says, and nothing looks changed afterwards.
//!
//! On a bed of its own: a scope policy among them speaks for all namespaces of the account.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use ambit_bed::{ACCOUNT_NAME, Bed, BedOptions};
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::house::{Talk, until};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The policies in a folder of their own are for `ambit policy`.
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn objects(file: &Path) -> Vec<Value> {
    serde_saphyr::from_multiple(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn identities(file: &Path) -> Vec<Value> {
    objects(file).into_iter().filter(|object| object["kind"] == "MachineIdentity").collect()
}

/// Waits until the operator has done what an identity asks for.
async fn settled(bed: &Bed, identity: &Value) {
    let name = identity["metadata"]["name"].as_str().unwrap();
    let namespace = identity["metadata"]["namespace"].as_str().unwrap().to_owned();
    let talk = Talk { client: bed.client().await.unwrap(), namespace };
    if identity["spec"]["managementPolicy"] != "Observe" {
        let ready = talk.ready(name).await;
        assert!(ready["status"]["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        return;
    }
    // Nobody has made the role, and Ambit must not.
    talk.condition(name, "Provisioned", "False").await;
    talk.condition(name, "Ready", "False").await;
}

/// Applies a file, waits, and asks what applying it again would change.
async fn applied(bed: &Bed, file: &str, server_side: &[&str]) {
    bed.kubectl(&[&["apply", "-f", file], server_side].concat()).await.unwrap();
    for identity in identities(Path::new(file)) {
        settled(bed, &identity).await;
    }
    // It fails where there is a difference, with the difference on its output.
    let diff = bed.kubectl(&[&["diff", "-f", file], server_side].concat()).await;
    assert_eq!(diff.unwrap(), "", "{file}");
}

#[tokio::test]
async fn every_example_is_applied_and_nothing_differs_afterwards() {
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    // The one for a real cluster: its account is not on the bed.
    let account = folder().join("account.yaml").to_string_lossy().into_owned();
    for way in [&["--dry-run=server"][..], &["--dry-run=server", "--server-side"]] {
        bed.kubectl(&[&["apply", "-f", &account], way].concat()).await.unwrap();
    }
    let policy = folder().join("scope-policy.yaml").to_string_lossy().into_owned();
    applied(&bed, &policy, &[]).await;
    for file in files() {
        let file = file.to_string_lossy().into_owned();
        if file != account {
            applied(&bed, &file, &[]).await;
            applied(&bed, &file, &["--server-side"]).await;
        }
    }
    let shop = Talk { client: bed.client().await.unwrap(), namespace: "shop".to_owned() };
    let pods = shop.kind("v1", "Pod");
    let pod = until("the pod of the deployment `orders`", async || {
        let list = pods.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        list.items.first().map(|pod| json!(pod)).ok_or_else(String::new)
    })
    .await;
    assert_eq!(pod["metadata"]["annotations"]["ambit.dev/identity"], "orders");
    // Those whose accounts and issuers are not on the bed.
    for set in ["pipelines", "suspension"] {
        let set = folder().join(set).to_string_lossy().into_owned();
        bed.kubectl(&["apply", "--dry-run=server", "-f", &set]).await.unwrap();
    }
    bed.finish().unwrap();
}

#[test]
fn the_examples_show_every_policy_and_explain_themselves() {
    let mut shown = BTreeSet::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# "), "{} must begin with what it is for", file.display());
        for object in objects(&file) {
            shown.insert(object["kind"].as_str().unwrap().to_owned());
        }
        for identity in identities(&file) {
            assert_eq!(identity["spec"]["accountRef"]["name"], ACCOUNT_NAME, "{}", file.display());
        }
    }
    for kind in ["CloudAccount", "ScopePolicy", "MachineIdentity", "Deployment", "Namespace"] {
        assert!(shown.contains(kind), "an example must show a {kind}");
    }
}

#[test]
fn the_command_in_the_example_of_an_account_works() {
    let args = ["account", "policy", "--account", "examples/account.yaml", "--installation", "prod-eu"];
    let text = std::fs::read_to_string(folder().join("account.yaml")).unwrap();
    let words = text.replace("\n#", "");
    assert!(words.contains(&format!("`ambit {}`", args.join(" "))), "{words}");
    let mut ambit = Command::new(env!("CARGO_BIN_EXE_ambit"));
    let output = ambit.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(policy.to_string().contains("arn:aws:iam::123456789012:role/ambit/prod-eu/*"), "{policy}");
}
