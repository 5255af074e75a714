//! What Helm makes of the chart.

use std::collections::BTreeMap;

use ambit_bed::Project;
use serde_json::{Value, json};

const NO_INSTALLATION: &str = "installation must be set: a DNS label of 1 to 20 characters that names this Ambit in role paths and ownership tags, for example --set installation=prod-eu; there is no default because two clusters with the same name would claim each other's roles";

/// Runs Helm with the chart. Needs no bed, only the program.
fn helm(command: &str, values: &[&str]) -> Result<String, String> {
    helm_for(command, values, &[])
}

/// Runs Helm with the chart and more arguments.
fn helm_for(command: &str, values: &[&str], more: &[&str]) -> Result<String, String> {
    let project = Project::find().unwrap();
    let program = project.program("helm").unwrap_or_else(|error| panic!("{error}"));
    let mut helm = std::process::Command::new(program);
    helm.current_dir(project.root());
    match command {
        "lint" => helm.args(["lint", "charts/ambit", "--strict"]),
        _ => helm.args(["template", "ambit", "charts/ambit", "--namespace", "ambit-system"]),
    };
    let output = helm.args(more).args(values.iter().flat_map(|value| ["--set-json", value])).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn objects(values: &[&str]) -> Vec<Value> {
    let rendered = helm("template", values).unwrap();
    let all: Vec<Value> = serde_saphyr::from_multiple(&rendered).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}

fn installed(more: &[&str]) -> Vec<Value> {
    objects(&[&[r#"installation="test""#], more].concat())
}

fn one<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    let one = found.next().unwrap_or_else(|| panic!("there must be a {kind} `{name}`"));
    assert!(found.next().is_none(), "there must be only one {kind} `{name}`");
    one
}

#[test]
fn the_linter_has_nothing_to_say() {
    let said = helm("lint", &[r#"installation="test""#]).unwrap();
    assert!(said.contains("1 chart(s) linted, 0 chart(s) failed"), "{said}");
    assert!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{said}");
}

#[test]
fn without_an_installation_nothing_is_rendered() {
    let error = helm("template", &[]).unwrap_err();
    assert!(error.contains(NO_INSTALLATION), "{error}");
}

#[test]
fn values_that_do_not_exist_or_do_not_fit_are_refused() {
    for (value, field) in [
        ("replica=3", "replica"),
        ("admission.enable=true", "enable"),
        (r#"installation="Prod EU""#, "/installation"),
        (r#"installation="this-name-is-far-too-long""#, "/installation"),
        ("replicas=11", "/replicas"),
        ("tokenAudiences=[]", "/tokenAudiences"),
    ] {
        let error = helm("template", &[r#"installation="test""#, value]).unwrap_err();
        assert!(error.contains(field), "{value}: {error}");
    }
}

#[test]
fn every_part_is_there_once() {
    let objects = installed(&[]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &objects {
        *counts.entry(object["kind"].as_str().unwrap()).or_default() += 1;
    }
    let expected = [
        ("ClusterRole", 5),
        ("ClusterRoleBinding", 1),
        ("CustomResourceDefinition", 4),
        ("Deployment", 1),
        ("MutatingAdmissionPolicy", 3),
        ("MutatingAdmissionPolicyBinding", 3),
        ("NetworkPolicy", 1),
        ("PodDisruptionBudget", 1),
        ("Role", 1),
        ("RoleBinding", 1),
        ("Service", 1),
        ("ServiceAccount", 1),
        ("ValidatingAdmissionPolicy", 6),
        ("ValidatingAdmissionPolicyBinding", 6),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn the_operator_runs_twice_and_restricted() {
    let objects = installed(&[]);
    let spec = &one(&objects, "Deployment", "ambit")["spec"];
    assert_eq!(spec["replicas"], 2);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
    let container = &pod["containers"][0];
    let expected =
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(container["securityContext"], expected);
    assert_eq!(container["args"].as_array().unwrap()[..3], ["run", "--installation", "test"]);
}

#[test]
fn the_operator_reads_no_secrets_and_writes_no_workloads() {
    let objects = installed(&[]);
    let rules = one(&objects, "ClusterRole", "ambit-operator")["rules"].as_array().unwrap();
    for rule in rules {
        let text = rule.to_string();
        assert!(!text.contains("\"*\"") && !text.contains("secrets"), "{text}");
        let resources = rule["resources"].as_array().unwrap();
        let verbs = rule["verbs"].as_array().unwrap();
        if resources.contains(&json!("pods")) || resources.contains(&json!("namespaces")) {
            assert!(verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str().unwrap())), "{text}");
        }
    }
}

#[test]
fn rights_to_secrets_come_with_their_guard_and_only_when_asked_for() {
    let names = |objects: &[Value]| {
        let policies = objects.iter().filter(|object| object["kind"] == "ValidatingAdmissionPolicy");
        policies.map(|policy| policy["metadata"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!names(&installed(&[])).contains(&"ambit-secrets".to_owned()));
    // The guard is there whatever else is left out.
    for value in ["admission.enabled=true", "admission.enabled=false"] {
        let objects = installed(&["credentials.secrets=true", value]);
        assert!(names(&objects).contains(&"ambit-secrets".to_owned()));
        let binding = &one(&objects, "ValidatingAdmissionPolicyBinding", "ambit-secrets")["spec"];
        assert_eq!(*binding, json!({"policyName": "ambit-secrets", "validationActions": ["Deny"]}));
        let rules = one(&objects, "ClusterRole", "ambit-operator")["rules"].as_array().unwrap();
        let of_secrets: Vec<&Value> = rules.iter().filter(|rule| rule.to_string().contains("secrets")).collect();
        let expected =
            json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch", "delete"]});
        assert_eq!(of_secrets, [&expected]);
    }
}

#[test]
fn definitions_survive_the_chart_unless_told_otherwise() {
    let policy = |objects: &[Value]| {
        let definition = one(objects, "CustomResourceDefinition", "machineidentities.ambit.dev");
        definition["metadata"]["annotations"]["helm.sh/resource-policy"].clone()
    };
    assert_eq!(policy(&installed(&[])), "keep");
    assert_eq!(policy(&installed(&["crds.keep=false"])), Value::Null);
    let without = installed(&["crds.enabled=false"]);
    assert!(without.iter().all(|object| object["kind"] != "CustomResourceDefinition"));
}

#[test]
fn admission_can_be_left_out_but_the_guards_stay() {
    let without = installed(&["admission.enabled=false"]);
    let policies = without.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("AdmissionPolicy"));
    let names: Vec<_> = policies.map(|policy| policy["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ambit-service-accounts", "ambit-binding-tables", "ambit-token-requests"]);
}

/// Clusters before 1.36 know no mutating admission policies.
#[test]
fn an_older_cluster_gets_everything_but_the_injection() {
    let test = r#"installation="test""#;
    let old = ["--kube-version", "1.32.0"];
    let error = helm_for("template", &[test], &old).unwrap_err();
    let said = "admission.injection needs Kubernetes 1.36 or newer, and this cluster is v1.32.0: set admission.injection to false and delivery.serviceAccountAnnotation to true, and have every CloudAccount with webIdentity say `delivery: ServiceAccountAnnotation`";
    assert!(error.contains(said), "{error}");
    let rendered = helm_for("template", &[test, "admission.injection=false"], &old).unwrap();
    assert!(!rendered.contains("Mutating"), "there is no mutating policy, and nothing says so");
    assert_eq!(rendered.matches("kind: ValidatingAdmissionPolicy\n").count(), 7);
    // The operator is told, or identities would be ready whose pods are refused.
    let is_told = |values: &[&str]| {
        let objects = installed(values);
        let operator = &one(&objects, "Deployment", "ambit")["spec"]["template"]["spec"]["containers"][0];
        operator["args"].as_array().unwrap().contains(&json!("--injection=false"))
    };
    assert!(!is_told(&[]));
    assert!(is_told(&["admission.injection=false"]) && is_told(&["admission.enabled=false"]));
    let error = helm_for("template", &[test, "admission.injection=false"], &["--kube-version", "1.31.0"]).unwrap_err();
    assert!(error.contains("1.32"), "{error}");
}

#[test]
fn the_operator_may_change_service_accounts_only_where_a_value_says_so() {
    let verbs = |values: &[&str]| {
        let objects = installed(values);
        let rules = one(&objects, "ClusterRole", "ambit-operator")["rules"].as_array().unwrap().clone();
        let about = rules.iter().filter(|rule| rule["resources"] == json!(["serviceaccounts"]));
        about.flat_map(|rule| rule["verbs"].as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    assert_eq!(verbs(&[]), ["get", "create"]);
    assert_eq!(verbs(&["delivery.serviceAccountAnnotation=true"]), ["get", "create", "patch"]);
}

/// A value that is not in the README is one that nobody finds.
#[test]
fn the_readme_names_every_value() {
    let root = Project::find().unwrap().root().join("charts/ambit");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let values: Value = serde_saphyr::from_str(&std::fs::read_to_string(root.join("values.yaml")).unwrap()).unwrap();
    for (name, value) in values.as_object().unwrap() {
        let inner = value.as_object().filter(|fields| !fields.is_empty() && name != "resources");
        let names = match inner {
            None => vec![name.clone()],
            Some(fields) => fields.keys().map(|field| format!("{name}.{field}")).collect(),
        };
        for name in names {
            assert!(readme.contains(&format!("| `{name}` |")), "the table of values must have `{name}`");
        }
    }
}
