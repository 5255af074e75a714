//! Findings in the forms that people and programs read.

mod github;
mod json;
mod junit;
mod rule;
#[cfg(test)]
mod sample;
mod sarif;
mod table;

pub use json::{Row, print as json, rows};
pub use junit::{Case, escaped};
pub use rule::Rule;
pub use sarif::log as sarif;

use clap::ValueEnum;
use serde::Serialize;

use crate::offline;
use crate::policy::check::Severity;

/// One finding, whatever found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub rule: Rule,
    /// How grave it is here.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where the message does not say.
    pub help: Option<String>,
    /// The file as it was given; `-` for standard input.
    pub file: String,
    /// Where it begins and ends.
    pub region: Region,
    /// The object, such as `MachineIdentity shop/orders`; empty where files hold no objects.
    pub object: String,
    /// The element, such as `Statement[0].Action` or `spec.scopes[0]`; may be empty.
    pub place: String,
}

/// A piece of a text. Lines and columns count from one, and a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// The form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each, for people
    Table,
    /// JSON for programs
    Json,
    /// SARIF 2.1.0, which code hosts and editors show beside the text
    Sarif,
    /// `JUnit` XML, which build servers show as tests
    Junit,
    /// Commands to GitHub Actions, which shows them beside the text
    Github,
}

/// From which severity on findings make a command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Note,
}

impl FailOn {
    /// The least severity that fails.
    pub fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }

    /// Whether some finding is that grave.
    pub fn met_by(self, findings: &[Finding]) -> bool {
        findings.iter().any(|finding| finding.severity >= self.severity())
    }
}

/// Everything that a form of findings may need.
#[derive(Debug)]
pub struct Report<'a> {
    /// The findings.
    pub findings: &'a [Finding],
    /// What was looked at, for forms that tell what is fine too.
    pub cases: &'a [Case],
    /// From which severity on a case has failed.
    pub fail_on: FailOn,
    /// How people are told of the whole, in one line: behind the number of findings.
    pub scope: &'a str,
}

impl Report<'_> {
    /// The report in a form. As JSON it is the list of findings.
    pub fn print(&self, format: Format) -> Result<String, String> {
        match format {
            Format::Table => Ok(format!("{}{}\n", table::lines(self.findings), self.total())),
            Format::Json => json::print(&rows(self.findings)),
            Format::Sarif => sarif(self.findings),
            Format::Junit => Ok(junit::suites(self.findings, self.cases, self.fail_on)),
            Format::Github => Ok(format!("{}{}\n", github::commands(self.findings), self.total())),
        }
    }

    /// How much was found, and in what.
    pub fn total(&self) -> String {
        format!("{} in {}", table::count(self.findings), self.scope)
    }
}

/// A finding about objects in files as people read it, without the line's end.
pub fn line(finding: &offline::Finding) -> String {
    table::lines(&[Finding::of(finding)]).trim_end().to_owned()
}

impl Finding {
    /// A finding about objects in files.
    pub fn of(finding: &offline::Finding) -> Self {
        let offline::Spot { file, begin, end } = &finding.spot;
        Self {
            rule: Rule::Offline(finding.code),
            severity: finding.severity,
            message: finding.message.clone(),
            help: finding.help.clone(),
            file: file.to_string(),
            region: Region {
                start_line: begin.line,
                start_column: begin.column,
                end_line: end.line,
                end_column: end.column,
            },
            object: finding.object.clone(),
            place: finding.field.clone(),
        }
    }

    /// What is wrong and how to mend it, in one text.
    fn text(&self) -> String {
        match &self.help {
            Some(help) => format!("{}. Help: {help}.", self.message),
            None => self.message.clone(),
        }
    }
}

/// In the order of files, lines and columns.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.region.start_line, finding.region.start_column, finding.rule.id());
        a.file.cmp(&b.file).then_with(|| key(a).cmp(&key(b))).then_with(|| a.message.cmp(&b.message))
    });
}

/// `1 file`, `2 files`.
pub fn number(count: usize, word: &str) -> String {
    match word.strip_suffix('y') {
        _ if count == 1 => format!("1 {word}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {word}s"),
    }
}

/// A file as a path from the folder in which Ambit was run, as far as it is one.
fn path(file: &str) -> &str {
    file.strip_prefix("./").map_or(file, |rest| rest.trim_start_matches('/'))
}
