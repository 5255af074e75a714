//! Findings as SARIF 2.1.0, which code hosts and editors show beside the text.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

/// One finding, whatever found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub rule: Rule,
    /// How grave it is here: `error`, `warning` or `note`.
    pub level: &'static str,
    /// What is wrong, and how to mend it.
    pub message: String,
    /// The file as it was given; `-` for standard input.
    pub file: String,
    /// Where it begins and ends, if the file has lines. Line and column count from one, and a
    /// column is a character; the end is behind the last one.
    pub region: Option<Region>,
    /// The element, such as `Statement[0].Action`.
    pub place: String,
}

/// What a finding can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its number, such as `AMB0201`.
    pub id: &'static str,
    /// What it says, in one line.
    pub title: &'static str,
    /// What it means, why it matters, and how to mend it.
    pub help: &'static str,
    /// How grave it is, as a rule.
    pub level: &'static str,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// The first line.
    pub start_line: usize,
    /// The first character in it.
    pub start_column: usize,
    /// The last line.
    pub end_line: usize,
    /// The character behind the last one in it.
    pub end_column: usize,
}

/// The log of one run of Ambit, as JSON.
pub fn log(findings: &[Finding]) -> Result<String, String> {
    let mut rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| rule.id);
    rules.dedup_by_key(|rule| rule.id);
    let results = findings.iter().map(|finding| result(finding, &rules)).collect();
    let driver = Driver {
        name: "ambit",
        version: env!("CARGO_PKG_VERSION"),
        information_uri: env!("CARGO_PKG_REPOSITORY"),
        rules: rules.iter().map(descriptor).collect(),
    };
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results }],
    };
    serde_json::to_string_pretty(&log).map(|text| format!("{text}\n")).map_err(|error| error.to_string())
}

fn descriptor(rule: &Rule) -> Descriptor {
    Descriptor {
        id: rule.id,
        short_description: Text::of(rule.title),
        full_description: Text::of(rule.help),
        help: Text::of(rule.help),
        default_configuration: Configuration { level: rule.level },
    }
}

fn result(finding: &Finding, rules: &[Rule]) -> Outcome {
    let artifact_location = Artifact { uri: uri(&finding.file) };
    Outcome {
        rule_id: finding.rule.id,
        rule_index: rules.iter().position(|rule| rule.id == finding.rule.id).unwrap_or_default(),
        level: finding.level,
        message: Text::of(&finding.message),
        locations: [Location {
            physical_location: Physical { artifact_location, region: finding.region },
            logical_locations: [Logical { fully_qualified_name: finding.place.clone() }],
        }],
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
    let path = utf8_percent_encode(file, ESCAPED);
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
    results: Vec<Outcome>,
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
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    logical_locations: [Logical; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
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
    use super::*;
    use serde_json::{Value, json};

    const ONE: Rule = Rule { id: "AMB0201", title: "one", help: "one is wrong.", level: "error" };
    const TWO: Rule = Rule { id: "AMB0202", title: "two", help: "two is wrong.", level: "note" };

    fn finding(rule: Rule, file: &str) -> Finding {
        let region = Region { start_line: 1, start_column: 2, end_line: 3, end_column: 4 };
        let (message, place) = ("it is wrong".to_owned(), "Statement[0]".to_owned());
        Finding { rule, level: "warning", message, file: file.to_owned(), region: Some(region), place }
    }

    fn read(findings: &[Finding]) -> Value {
        serde_json::from_str(&log(findings).unwrap()).unwrap()
    }

    #[test]
    fn it_has_the_shape_that_sarif_asks_for() {
        let log = read(&[finding(TWO, "a b.json"), finding(ONE, "-"), finding(TWO, "/x/y:z.json")]);
        assert_eq!(log["$schema"], "https://json.schemastore.org/sarif-2.1.0.json");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let driver = &run["tool"]["driver"];
        assert_eq!((&driver["name"], &driver["version"]), (&json!("ambit"), &json!(env!("CARGO_PKG_VERSION"))));
        assert_eq!(driver["rules"].as_array().unwrap().len(), 2, "each rule once, in the order of their numbers");
        assert_eq!(
            driver["rules"][0],
            json!({
                "id": "AMB0201",
                "shortDescription": {"text": "one"},
                "fullDescription": {"text": "one is wrong."},
                "help": {"text": "one is wrong."},
                "defaultConfiguration": {"level": "error"},
            })
        );
        assert_eq!(
            run["results"][0],
            json!({
                "ruleId": "AMB0202",
                "ruleIndex": 1,
                "level": "warning",
                "message": {"text": "it is wrong"},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a%20b.json"},
                        "region": {"startLine": 1, "startColumn": 2, "endLine": 3, "endColumn": 4},
                    },
                    "logicalLocations": [{"fullyQualifiedName": "Statement[0]"}],
                }],
            })
        );
        let uris = [1, 2].map(|at: usize| {
            run["results"][at].pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap().clone()
        });
        assert_eq!(uris, [json!("stdin"), json!("file:///x/y%3Az.json")]);
    }

    #[test]
    fn braces_are_doubled_because_sarif_has_arguments_in_them() {
        let one = Finding { message: "`${aws:username}`".to_owned(), ..finding(ONE, "a") };
        let log = read(&[one]);
        assert_eq!(log.pointer("/runs/0/results/0/message/text"), Some(&json!("`${{aws:username}}`")));
    }

    #[test]
    fn without_findings_it_is_a_whole_log_all_the_same() {
        let log = read(&[]);
        assert_eq!(log["runs"][0]["results"], json!([]));
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], json!([]));
    }
}
