//! Findings as SARIF 2.1.0, which code hosts and editors show beside the text.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use super::{Finding, Region, Rule, number, path};
use crate::names::Digest;

/// How many results a log has. Code hosts show no more, and refuse logs with far more.
const MOST: usize = 5_000;

/// The log of one run of Ambit, as JSON.
pub fn log(findings: &[Finding]) -> Result<String, String> {
    let (findings, left_out) = gravest(findings);
    let mut rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| rule.id());
    rules.dedup();
    let results = findings.iter().map(|finding| result(finding, &rules)).collect();
    let driver = Driver {
        name: "ambit",
        version: env!("CARGO_PKG_VERSION"),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: rules.into_iter().map(descriptor).collect(),
    };
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", invocations: notes(left_out), results }],
    };
    serde_json::to_string_pretty(&log).map(|text| format!("{text}\n")).map_err(|error| error.to_string())
}

/// The gravest findings in the order in which they came, and how many others there are.
fn gravest(findings: &[Finding]) -> (Vec<&Finding>, usize) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|&index| findings.get(index).map(|finding| std::cmp::Reverse(finding.severity)));
    order.truncate(MOST);
    order.sort_unstable();
    let kept: Vec<&Finding> = order.into_iter().filter_map(|index| findings.get(index)).collect();
    let left_out = findings.len() - kept.len();
    (kept, left_out)
}

fn notes(left_out: usize) -> Vec<Invocation> {
    if left_out == 0 {
        return Vec::new();
    }
    let text =
        format!("{} of lesser gravity had no room: `ambit` prints all with `-o json`", number(left_out, "finding"));
    let note = Notification { level: "warning", message: Text::of(&text) };
    vec![Invocation { execution_successful: true, tool_execution_notifications: [note] }]
}

fn descriptor(rule: Rule) -> Descriptor {
    let help = rule.help();
    Descriptor {
        id: rule.id(),
        short_description: Text::of(rule.title()),
        full_description: Text::of(&help),
        help: Text::of(&help),
        default_configuration: Configuration { level: rule.severity().name() },
    }
}

fn result(finding: &Finding, rules: &[Rule]) -> Outcome {
    let artifact_location = Artifact { uri: uri(&finding.file) };
    let parts = [finding.object.as_str(), finding.place.as_str()];
    let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let logical = if name.is_empty() { Vec::new() } else { vec![Logical { fully_qualified_name: name }] };
    let print =
        Digest::of(&format!("{}\n{}\n{}\n{}", finding.rule.id(), finding.object, finding.place, finding.message));
    Outcome {
        rule_id: finding.rule.id(),
        rule_index: rules.iter().position(|rule| *rule == finding.rule).unwrap_or_default(),
        level: finding.severity.name(),
        message: Text::of(&finding.text()),
        locations: [Location {
            physical_location: Physical { artifact_location, region: finding.region },
            logical_locations: logical,
        }],
        partial_fingerprints: Fingerprints { finding: print.to_string() },
    }
}

/// What cannot stand in the path of a URI as it is.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// A file as a reference: relative to the folder in which Ambit was run, unless its path is whole.
fn uri(file: &str) -> String {
    let path = utf8_percent_encode(path(file), ESCAPED);
    match file {
        "-" => "stdin".to_owned(),
        whole if whole.starts_with('/') => format!("file://{path}"),
        _ => path.to_string(),
    }
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invocations: Vec<Invocation>,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: [Notification; 1],
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
}

/// What tells a finding again when lines were put before it.
#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "ambitFinding/v1")]
    finding: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

impl Text {
    /// SARIF (3.11.5) puts arguments where braces stand, and takes two of them for one.
    fn of(text: &str) -> Self {
        Self { text: text.replace('{', "{{").replace('}', "}}") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use serde_json::{Value, json};

    fn read(findings: &[Finding]) -> Value {
        serde_json::from_str(&log(findings).unwrap()).unwrap()
    }

    #[test]
    fn it_has_the_shape_that_sarif_asks_for() {
        let mut findings = sample::findings();
        findings.push(Finding { file: "/x/y:z.json".to_owned(), ..findings[1].clone() });
        let log = read(&findings);
        assert_eq!(log["$schema"], "https://json.schemastore.org/sarif-2.1.0.json");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!((&run["columnKind"], run.get("invocations")), (&json!("unicodeCodePoints"), None));
        let driver = &run["tool"]["driver"];
        assert_eq!((&driver["name"], &driver["version"]), (&json!("ambit"), &json!(env!("CARGO_PKG_VERSION"))));
        assert_eq!(driver["rules"].as_array().unwrap().len(), 3, "each rule once, in the order of their numbers");
        let rule = findings[1].rule;
        assert_eq!(
            driver["rules"][0],
            json!({
                "id": "AMB0105",
                "shortDescription": {"text": rule.title()},
                "fullDescription": {"text": rule.help()},
                "help": {"text": rule.help()},
                "defaultConfiguration": {"level": "warning"},
            })
        );
        let print = Digest::of("AMB0114\nMachineIdentity shop/orders\nspec.scopes[0]\nno policy allows 100%");
        assert_eq!(
            run["results"][0],
            json!({
                "ruleId": "AMB0114",
                "ruleIndex": 1,
                "level": "error",
                "message": {"text": "no policy allows 100%"},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a%20b.yaml"},
                        "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9},
                    },
                    "logicalLocations": [{"fullyQualifiedName": "MachineIdentity shop/orders spec.scopes[0]"}],
                }],
                "partialFingerprints": {"ambitFinding/v1": print.to_string()},
            })
        );
        assert_eq!(run["results"][1]["message"]["text"], "there is no account. Help: add it with --with.");
        let uris = [2, 3].map(|at: usize| {
            run["results"][at].pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap().clone()
        });
        assert_eq!(uris, [json!("stdin"), json!("file:///x/y%3Az.json")]);
    }

    #[test]
    fn braces_are_doubled_because_sarif_has_arguments_in_them() {
        let one = Finding { message: "`${aws:username}`".to_owned(), ..sample::findings().remove(0) };
        let log = read(&[one]);
        assert_eq!(log.pointer("/runs/0/results/0/message/text"), Some(&json!("`${{aws:username}}`")));
    }

    #[test]
    fn without_findings_it_is_a_whole_log_all_the_same() {
        let log = read(&[]);
        assert_eq!(log["runs"][0]["results"], json!([]));
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], json!([]));
    }

    #[test]
    fn of_too_many_findings_the_gravest_stay_and_the_others_are_counted() {
        let [error, warning, note] = <[Finding; 3]>::try_from(sample::findings()).unwrap();
        let mut findings = vec![note; 3];
        findings.extend(vec![warning; MOST - 1]);
        findings.push(error);
        let log = read(&findings);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!((results.len(), &results[MOST - 1]["level"]), (MOST, &json!("error")));
        assert_eq!(results[0]["level"], "warning");
        let text = log.pointer("/runs/0/invocations/0/toolExecutionNotifications/0/message/text").unwrap();
        assert_eq!(text, "3 findings of lesser gravity had no room: `ambit` prints all with `-o json`");
    }
}
