//! `ambit policy check`: what is wrong with policy documents.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::sarif;
use crate::cli::{Exit, answer, input};
use crate::names::printable;
use crate::policy::Catalogue;
use crate::policy::check::{Code, Finding, Kind, Severity, findings};

/// Which documents, and how to print what is found.
#[derive(Debug, Args)]
pub struct Arguments {
    /// AWS policy documents in JSON; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// What they are attached to. Without it, taken from each document, which cannot tell a
    /// boundary, an SCP or a session policy from the policy of an identity
    #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(kind))]
    kind: Option<Kind>,
    /// Which findings end with exit code 1: of that severity and above
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }
}

fn kind(name: String) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(name)
}

/// What was found in one file.
struct Checked<'a> {
    file: &'a str,
    findings: Vec<Finding>,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    if arguments.files.iter().filter(|file| *file == "-").count() > 1 {
        return Err("standard input can be read once only: name `-` once".to_owned());
    }
    let mut checked = Vec::with_capacity(arguments.files.len());
    let mut unread = false;
    for file in &arguments.files {
        match input::text(file) {
            Ok(text) => {
                let findings = findings(&text, arguments.kind, Catalogue::embedded());
                checked.push(Checked { file, findings });
            }
            // The others are checked all the same.
            Err(error) => {
                unread = true;
                eprintln!("ambit: {error}");
            }
        }
    }
    answer(&print(arguments.output, &checked)?)?;
    let fail_on = arguments.fail_on.severity();
    let grave = checked.iter().flat_map(|checked| &checked.findings).any(|finding| finding.severity >= fail_on);
    Ok(match (unread, grave) {
        (true, _) => Exit::Trouble,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Fine,
    })
}

fn print(format: Format, checked: &[Checked<'_>]) -> Result<String, String> {
    match format {
        Format::Table => Ok(table(checked)),
        Format::Json => json(checked),
        Format::Sarif => {
            let all =
                checked.iter().flat_map(|checked| checked.findings.iter().map(|finding| entry(checked.file, finding)));
            sarif::log(&all.collect::<Vec<_>>())
        }
    }
}

/// A line for each finding, as compilers write them, and one with how to mend it.
fn table(checked: &[Checked<'_>]) -> String {
    let mut out = String::new();
    for Checked { file, findings } in checked {
        for Finding { code, severity, position, message, help, .. } in findings {
            let (line, column) = (position.line, position.column);
            out.push_str(&printable(&format!("{file}:{line}:{column}: {severity} {code}: {message}")));
            out.push('\n');
            if let Some(help) = help {
                out.push_str(&printable(&format!("  help: {help}")));
                out.push('\n');
            }
        }
    }
    out.push_str(&total(checked));
    out
}

fn total(checked: &[Checked<'_>]) -> String {
    let count = |severity: Severity| {
        checked.iter().flat_map(|checked| &checked.findings).filter(|finding| finding.severity == severity).count()
    };
    let words = |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let files = words(checked.len(), "file");
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter(|severity| count(*severity) > 0)
        .map(|severity| words(count(severity), severity.name()))
        .collect();
    if counts.is_empty() { format!("no findings in {files}\n") } else { format!("{} in {files}\n", counts.join(", ")) }
}

/// A finding as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    severity: &'static str,
    code: &'static str,
    title: &'static str,
    place: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(file: &'a str, finding: &'a Finding) -> Self {
        Self {
            file,
            line: finding.position.line,
            column: finding.position.column,
            end_line: finding.end.line,
            end_column: finding.end.column,
            severity: finding.severity.name(),
            code: finding.code.id(),
            title: finding.code.title(),
            place: finding.place.to_string(),
            message: &finding.message,
            help: finding.help.as_deref(),
        }
    }
}

fn json(checked: &[Checked<'_>]) -> Result<String, String> {
    let rows: Vec<Row<'_>> = checked
        .iter()
        .flat_map(|checked| checked.findings.iter().map(|finding| Row::of(checked.file, finding)))
        .collect();
    serde_json::to_string_pretty(&rows).map(|text| format!("{text}\n")).map_err(|error| error.to_string())
}

fn entry(file: &str, finding: &Finding) -> sarif::Finding {
    let message = match &finding.help {
        Some(help) => format!("{}. Help: {help}.", finding.message),
        None => finding.message.clone(),
    };
    sarif::Finding {
        rule: rule(finding.code),
        level: finding.severity.name(),
        message,
        file: file.to_owned(),
        region: Some(sarif::Region {
            start_line: finding.position.line,
            start_column: finding.position.column,
            end_line: finding.end.line,
            end_column: finding.end.column,
        }),
        place: finding.place.to_string(),
    }
}

/// A code as a rule of SARIF.
fn rule(code: Code) -> sarif::Rule {
    sarif::Rule { id: code.id(), title: code.title(), help: code.explanation(), level: code.severity().name() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const WRONG: &str = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:GetObjekt\", \"Resource\": \"*\"}\n}";

    fn checked<'a>(file: &'a str, text: &str) -> Checked<'a> {
        Checked { file, findings: findings(text, None, Catalogue::embedded()) }
    }

    #[test]
    fn the_table_has_a_line_for_each_finding_and_one_for_its_help() {
        let good = WRONG.replace("Objekt", "Object");
        assert_eq!(
            table(&[checked("a.json", WRONG), checked("-", &good)]),
            "a.json:3:46: warning AMB0211: `s3:GetObjekt` is not a known action of s3; did you mean `s3:GetObject`?\n  \
             help: correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do\n\
             1 warning in 2 files\n"
        );
        assert_eq!(table(&[checked("-", &good)]), "no findings in 1 file\n");
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_policy() {
        let text = WRONG.replace("GetObjekt", "\\u001b[2J");
        let table = table(&[checked("a.json", &text)]);
        assert!(table.contains("\u{fffd}[2J") && !table.contains('\u{1b}'), "{table}");
    }

    #[test]
    fn json_is_a_list_of_findings() {
        let rows: Value = serde_json::from_str(&json(&[checked("a.json", WRONG)]).unwrap()).unwrap();
        assert_eq!(
            rows,
            json!([{
                "file": "a.json", "line": 3, "column": 46, "endLine": 3, "endColumn": 60,
                "severity": "warning", "code": "AMB0211", "title": "an action that is not known",
                "place": "Statement[0].Action[0]",
                "message": "`s3:GetObjekt` is not a known action of s3; did you mean `s3:GetObject`?",
                "help": "correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do",
            }])
        );
        assert_eq!(json(&[]).unwrap(), "[]\n");
    }

    #[test]
    fn sarif_has_the_rule_with_its_help_and_the_region() {
        let text = print(Format::Sarif, &[checked("a.json", WRONG)]).unwrap();
        let log: Value = serde_json::from_str(&text).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "AMB0211");
        assert_eq!(run["tool"]["driver"]["rules"][0]["help"]["text"], Code::UnknownAction.explanation());
        let physical = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "a.json");
        assert_eq!(physical["region"], json!({"startLine": 3, "startColumn": 46, "endLine": 3, "endColumn": 60}));
    }

    #[test]
    fn arguments_are_read_and_wrong_ones_refused() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let line = |words: &[&str]| {
            <Line as clap::Parser>::try_parse_from(["check"].iter().chain(words)).map(|line| line.arguments)
        };
        let arguments = line(&["a", "-", "--kind", "scp", "--fail-on", "error", "-o", "sarif"]).unwrap();
        assert_eq!((arguments.files.len(), arguments.kind), (2, Some(Kind::Scp)));
        assert_eq!(arguments.fail_on.severity(), Severity::Error);
        assert_eq!(line(&["a"]).unwrap().fail_on.severity(), Severity::Warning);
        assert!(line(&[]).is_err());
        assert!(
            line(&["a", "--kind", "bucket"])
                .unwrap_err()
                .to_string()
                .contains("[possible values: identity, resource, trust, scp, rcp, boundary, session]")
        );
    }
}
