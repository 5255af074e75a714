//! What the project offers to pipelines: the scripts run, and call Ambit as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::folder::{Folder, run};
use crate::samples::{CLUSTER, ORDERS, OTHER};

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("`{path}` must be YAML: {error}"))
}

fn strings(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().unwrap().iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// A script with the variables that it gets, before a caller sets any.
struct Script {
    text: String,
    variables: BTreeMap<String, String>,
}

impl Script {
    /// A step of the GitHub action, with the defaults of the inputs.
    fn of_action(step: &str) -> Self {
        let action = yaml("action.yml");
        let steps = action["runs"]["steps"].as_array().unwrap();
        let step = steps.iter().find(|found| found["name"] == step).unwrap();
        assert_eq!(step["shell"], "sh");
        let default = |value: &str| {
            let name = value.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}")).unwrap();
            action["inputs"][name]["default"]
                .as_str()
                .unwrap_or_else(|| panic!("there must be an input `{name}`"))
                .to_owned()
        };
        let variables = strings(&step["env"]).into_iter().map(|(name, value)| (name, default(&value))).collect();
        Self { text: step["run"].as_str().unwrap().to_owned(), variables }
    }

    /// A job of the GitLab template.
    fn of_gitlab(job: &str) -> Self {
        let template = yaml("ci/gitlab/ambit.yml");
        assert_eq!(template[job]["extends"], ".ambit");
        let script = template[job]["script"].as_array().unwrap();
        let text = script.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join("\n");
        Self { text, variables: strings(&template[".ambit"]["variables"]) }
    }

    /// Runs it in a folder as the pipelines do.
    fn run(&self, folder: &Folder, set: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &self.text]).current_dir(folder.path()).env_remove("AMBIT_INSTALLATION");
        command.envs(&self.variables).env("AMBIT", env!("CARGO_BIN_EXE_ambit"));
        command.env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
        command.envs(set.iter().copied());
        run(command, "")
    }
}

fn folder(test: &str) -> Folder {
    Folder::new(test)
        .with("cluster.yaml", CLUSTER)
        .with("deploy/orders.yaml", ORDERS)
        .with("wrong here/orders.yaml", ORDERS.replace("GetObject", "GetObjekt"))
        .with("before/orders.yaml", ORDERS)
        .with("after/orders.yaml", ORDERS.replace("s3:GetObject", "s3:*Object"))
        .with("other/other.yaml", OTHER)
}

const SCRIPTS: [fn() -> Script; 4] = [
    || Script::of_action("Validate"),
    || Script::of_action("Plan"),
    || Script::of_gitlab("ambit-validate"),
    || Script::of_gitlab("ambit-plan"),
];

#[test]
fn nothing_that_a_caller_says_becomes_part_of_a_script() {
    for script in SCRIPTS {
        assert!(!script().text.contains("${{"), "{}", script().text);
    }
    let folder = folder("hostile");
    let hostile = "$(touch taken)\n`touch taken`\n\"; touch taken; \"\n';touch taken;'\nLIST\ntouch taken\n--version";
    for script in SCRIPTS {
        let script = script();
        let all: Vec<(&str, &str)> =
            script.variables.keys().filter(|name| *name != "AMBIT").map(|name| (name.as_str(), hostile)).collect();
        let (code, out, err) = script.run(&folder, &all);
        assert_eq!(code, Some(2), "{out}{err}");
        assert!(!folder.path().join("taken").exists(), "{}", script.text);
    }
}

#[test]
fn every_input_of_the_action_is_used() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    for (name, input) in yaml("action.yml")["inputs"].as_object().unwrap() {
        assert!(text.contains(&format!("${{{{ inputs.{name} }}}}")), "`{name}` is used nowhere");
        assert!(input["description"].is_string() && input["default"].is_string(), "{name}");
    }
}

#[test]
fn the_action_tells_findings_beside_the_text_in_the_summary_and_as_sarif() {
    let folder = folder("action");
    let script = Script::of_action("Validate");
    let paths = ("AMBIT_FILES", "deploy\nwrong here\n");
    let set = [paths, ("AMBIT_WITH", "cluster.yaml"), ("AMBIT_SARIF", "ambit.sarif")];
    // The second file declares the same identity again, and is not what this test is about.
    let (code, out, err) =
        script.run(&folder, &set[1..].iter().copied().chain([("AMBIT_FILES", "wrong here")]).collect::<Vec<_>>());
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.starts_with("::error file=wrong here/orders.yaml,line="), "{out}");
    let summary = folder.read("summary.md");
    assert!(summary.starts_with("### Ambit: findings\n\n    wrong here/orders.yaml:"), "{summary}");
    assert!(summary.ends_with("\n    1 error in 1 file: judged 1 MachineIdentity\n\n"), "{summary}");
    let log: Value = serde_json::from_str(&folder.read("ambit.sarif")).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
    let (code, out, _) = script.run(&folder, &set);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("AMB0104"), "both folders were read: {out}");
    let fine = [("AMBIT_FILES", "deploy"), ("AMBIT_WITH", "cluster.yaml")];
    assert_eq!(script.run(&folder, &fine).0, Some(0));
    assert_eq!(script.run(&folder, &[("AMBIT_FILES", "other")]).0, Some(2));
}

#[test]
fn the_action_tells_what_changes_and_fails_where_it_is_told_to() {
    let folder = folder("plan");
    let script = Script::of_action("Plan");
    let set = [("AMBIT_FILES", "after"), ("AMBIT_WITH", "cluster.yaml"), ("AMBIT_BASE", "before")];
    let (code, out, err) = script.run(&folder, &set);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    assert!(folder.read("summary.md").contains("shop/orders"), "{}", folder.read("summary.md"));
    let strict: Vec<(&str, &str)> = set.into_iter().chain([("AMBIT_PLAN_FAIL_ON", "wider")]).collect();
    assert_eq!(script.run(&folder, &strict).0, Some(3));
}

#[test]
fn gitlab_gets_tests_and_a_plan() {
    let folder = folder("gitlab");
    let script = Script::of_gitlab("ambit-validate");
    let (code, out, err) = script.run(&folder, &[("AMBIT_FILES", "wrong here"), ("AMBIT_WITH", "cluster.yaml")]);
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.contains("AMB0116"), "{out}");
    assert!(folder.read("ambit.xml").contains("<failure type=\"AMB0116\""));
    let report = &yaml("ci/gitlab/ambit.yml")["ambit-validate"]["artifacts"]["reports"]["junit"];
    assert_eq!(report, "ambit.xml");
    let plan = Script::of_gitlab("ambit-plan");
    let set = [("AMBIT_FILES", "after"), ("AMBIT_WITH", "cluster.yaml"), ("AMBIT_BASE", "before")];
    let (code, out, err) = plan.run(&folder, &set);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("shop/orders") && out == folder.read("ambit-plan.md"), "{out}");
}

#[test]
fn the_hook_stops_a_commit_for_errors_and_for_nothing_else() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = &hooks[0];
    assert_eq!((&hook["id"], &hook["pass_filenames"]), (&Value::from("ambit-validate"), &Value::from(false)));
    let mut words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
    assert_eq!(words.remove(0), "ambit");
    words.extend(hook["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    let commit = |test: &str, file: &str| Folder::new(test).with("a/b.yaml", file).ask(&words, "");
    assert_eq!(commit("hook-none", OTHER).0, Some(0), "a folder without anything of ours");
    assert_eq!(commit("hook-alone", ORDERS).0, Some(0), "an identity whose account is in the cluster");
    let (code, out, _) = commit("hook-wrong", &ORDERS.replace("GetObject", "GetObjekt"));
    assert_eq!(code, Some(1), "{out}");
}
