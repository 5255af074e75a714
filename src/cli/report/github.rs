//! Findings as commands to GitHub Actions, which shows them beside the text.
//! (GitHub documentation, "Workflow commands for GitHub Actions".)

use std::fmt::Write as _;

use super::{Finding, path};
use crate::policy::check::Severity;

/// A command for each finding. Of one step, GitHub shows ten errors, ten warnings and ten notices.
pub(super) fn commands(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let properties: Vec<String> =
            properties(finding).into_iter().map(|(name, value)| format!("{name}={}", property(&value))).collect();
        let object = if finding.object.is_empty() { String::new() } else { format!("{}: ", finding.object) };
        let text = data(&format!("{object}{}", finding.text()));
        let _ = writeln!(out, "::{word} {}::{text}", properties.join(","));
    }
    out
}

fn properties(finding: &Finding) -> Vec<(&'static str, String)> {
    let region = finding.region;
    let mut properties = Vec::new();
    if finding.file != "-" {
        properties.push(("file", path(&finding.file).to_owned()));
        properties.push(("line", region.start_line.to_string()));
        // Columns over several lines are refused.
        if region.start_line == region.end_line {
            properties.push(("col", region.start_column.to_string()));
        }
        properties.push(("endLine", region.end_line.to_string()));
        if region.start_line == region.end_line {
            properties.push(("endColumn", region.end_column.to_string()));
        }
    }
    properties.push(("title", format!("{} {}", finding.rule.id(), finding.rule.title())));
    properties
}

/// What a command says, on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value among the properties, which end at colons and commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_finding_is_a_command() {
        assert_eq!(
            commands(&sample::findings()),
            "::error file=a b.yaml,line=3,col=5,endLine=3,endColumn=9,title=AMB0114 access that no scope policy allows::MachineIdentity shop/orders: no policy allows 100%25\n\
             ::warning file=a b.yaml,line=9,endLine=12,title=AMB0105 an identity that could not be judged whole::MachineIdentity shop/mailer: there is no account. Help: add it with --with.\n\
             ::notice title=AMB0273 a statement that another one covers::one is in vain\n"
        );
    }

    #[test]
    fn nothing_in_a_finding_is_another_command_or_property() {
        let mut findings = sample::findings();
        findings.truncate(1);
        findings[0].file = "./a,line=7::b\n::c.yaml".to_owned();
        findings[0].message = "x\r\n::stop-commands::y, z: 1%0A".to_owned();
        assert_eq!(
            commands(&findings),
            "::error file=a%2Cline=7%3A%3Ab%0A%3A%3Ac.yaml,line=3,col=5,endLine=3,endColumn=9,title=AMB0114 access that no scope policy allows::MachineIdentity shop/orders: x%0D%0A::stop-commands::y, z: 1%250A\n"
        );
    }
}
