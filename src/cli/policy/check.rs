//! `ambit policy check`: what is wrong with policy documents.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::cli::report::{self, Case, FailOn, Format, Region, Report, Rule, number};
use crate::cli::{Exit, answer, input};
use crate::policy::Catalogue;
use crate::policy::check::{Finding, Kind, findings};

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

fn kind(name: String) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(name)
}

/// What was found in the files that could be read.
#[derive(Default)]
struct Checked {
    files: Vec<Case>,
    findings: Vec<report::Finding>,
}

impl Checked {
    fn add(&mut self, file: &str, text: &str, kind: Option<Kind>) {
        let found = findings(text, kind, Catalogue::embedded());
        self.findings.extend(found.into_iter().map(|finding| entry(file, finding)));
        self.files.push(Case { file: file.to_owned(), name: String::new() });
    }

    fn print(&self, format: Format, fail_on: FailOn) -> Result<String, String> {
        let scope = number(self.files.len(), "file");
        Report { findings: &self.findings, cases: &self.files, fail_on, scope: &scope }.print(format)
    }
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    if arguments.files.iter().filter(|file| *file == "-").count() > 1 {
        return Err("standard input can be read once only: name `-` once".to_owned());
    }
    let mut checked = Checked::default();
    let mut unread = false;
    for file in &arguments.files {
        match input::text(file) {
            Ok(text) => checked.add(file, &text, arguments.kind),
            // The others are checked all the same.
            Err(error) => {
                unread = true;
                crate::cli::tell(&format!("ambit: {error}"));
            }
        }
    }
    answer(&checked.print(arguments.output, arguments.fail_on)?)?;
    Ok(match (unread, arguments.fail_on.met_by(&checked.findings)) {
        (true, _) => Exit::Trouble,
        (false, true) => Exit::Findings,
        (false, false) => Exit::Fine,
    })
}

fn entry(file: &str, finding: Finding) -> report::Finding {
    report::Finding {
        rule: Rule::Policy(finding.code),
        severity: finding.severity,
        file: file.to_owned(),
        region: Region {
            start_line: finding.position.line,
            start_column: finding.position.column,
            end_line: finding.end.line,
            end_column: finding.end.column,
        },
        object: String::new(),
        place: finding.place.to_string(),
        message: finding.message,
        help: finding.help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::check::{Code, Severity};
    use serde_json::{Value, json};

    const WRONG: &str = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:GetObjekt\", \"Resource\": \"*\"}\n}";

    fn print(format: Format, files: &[(&str, &str)]) -> String {
        let mut checked = Checked::default();
        for (file, text) in files {
            checked.add(file, text, None);
        }
        checked.print(format, FailOn::Warning).unwrap()
    }

    #[test]
    fn the_table_has_a_line_for_each_finding_and_one_for_its_help() {
        let good = WRONG.replace("Objekt", "Object");
        assert_eq!(
            print(Format::Table, &[("a.json", WRONG), ("-", &good)]),
            "a.json:3:46: warning AMB0211: `s3:GetObjekt` is not a known action of s3; did you mean `s3:GetObject`?\n  \
             help: correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do\n\
             1 warning in 2 files\n"
        );
        assert_eq!(print(Format::Table, &[("-", &good)]), "no findings in 1 file\n");
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_policy() {
        let text = WRONG.replace("GetObjekt", "\\u001b[2J");
        let table = print(Format::Table, &[("a.json", &text)]);
        assert!(table.contains("\u{fffd}[2J") && !table.contains('\u{1b}'), "{table}");
    }

    #[test]
    fn json_is_a_list_of_findings() {
        let rows: Value = serde_json::from_str(&print(Format::Json, &[("a.json", WRONG)])).unwrap();
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
        assert_eq!(print(Format::Json, &[]), "[]\n");
    }

    #[test]
    fn sarif_has_the_rule_with_its_help_and_the_region() {
        let text = print(Format::Sarif, &[("a.json", WRONG)]);
        let log: Value = serde_json::from_str(&text).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "AMB0211");
        assert_eq!(run["tool"]["driver"]["rules"][0]["help"]["text"], Code::UnknownAction.explanation());
        let physical = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "a.json");
        assert_eq!(physical["region"], json!({"startLine": 3, "startColumn": 46, "endLine": 3, "endColumn": 60}));
    }

    #[test]
    fn a_build_server_gets_a_test_for_each_file() {
        let good = WRONG.replace("Objekt", "Object");
        let text = print(Format::Junit, &[("a.json", WRONG), ("b.json", &good)]);
        assert!(text.contains("<testsuites name=\"ambit\" tests=\"2\" failures=\"1\""), "{text}");
        assert!(text.contains("<testcase name=\"b.json\" classname=\"b.json\" file=\"b.json\" time=\"0\"/>"), "{text}");
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
