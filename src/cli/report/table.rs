//! Findings as people read them: a line for each, as compilers write them.

use std::fmt::Write as _;

use super::{Finding, number};
use crate::names::printable;
use crate::policy::check::Severity;

/// A line for each finding, and one with how to mend it.
pub(super) fn lines(findings: &[Finding]) -> String {
    let mut out = String::new();
    for Finding { rule, severity, message, help, file, region, object, .. } in findings {
        let at = format!("{file}:{}:{}", region.start_line, region.start_column);
        let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
        let line = format!("{at}: {severity} {}: {object}{message}", rule.id());
        let _ = writeln!(out, "{}", printable(&line));
        if let Some(help) = help {
            let _ = writeln!(out, "{}", printable(&format!("  help: {help}")));
        }
    }
    out
}

/// How many there are of each severity.
pub(super) fn count(findings: &[Finding]) -> String {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter(|severity| of(*severity) > 0)
        .map(|severity| number(of(severity), severity.name()))
        .collect();
    if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_finding_has_a_line_with_its_object_and_a_line_with_its_help() {
        assert_eq!(
            lines(&sample::findings()),
            "a b.yaml:3:5: error AMB0114: MachineIdentity shop/orders: no policy allows 100%\n\
             a b.yaml:9:1: warning AMB0105: MachineIdentity shop/mailer: there is no account\n  \
             help: add it with --with\n\
             -:1:2: note AMB0273: one is in vain\n"
        );
        assert_eq!(count(&sample::findings()), "1 error, 1 warning, 1 note");
        assert_eq!(count(&[]), "no findings");
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_finding() {
        let mut findings = sample::findings();
        findings[0].message = "\u{1b}[2J".to_owned();
        findings[1].help = Some("a\nb".to_owned());
        let text = lines(&findings);
        assert!(text.contains("\u{fffd}[2J") && text.contains("a\u{fffd}b\n"), "{text}");
    }
}
