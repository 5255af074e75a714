//! Findings as `JUnit` XML, which build servers show as tests: a suite for each
//! file, a test for each object in it. There is no official definition; this
//! is what GitLab, Jenkins and GitHub's viewers have in common.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{FailOn, Finding, path};
use crate::names::printable;

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The file as it was given.
    pub file: String,
    /// The object in it; as the `object` of findings, or empty for the file itself.
    pub name: String,
}

/// One test with what was found in it.
struct Test<'a> {
    case: Case,
    /// Findings for which it fails.
    failures: Vec<&'a Finding>,
    /// Findings that are only told.
    others: Vec<&'a Finding>,
}

/// All suites. What a finding is about is a test too if it is none of the cases.
pub(super) fn suites(findings: &[Finding], cases: &[Case], fail_on: FailOn) -> String {
    let tests = tests(findings, cases, fail_on);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"ambit\" {}>", counts(&tests));
    for suite in tests.chunk_by(|a, b| a.case.file == b.case.file) {
        let file = suite.first().map_or("", |test| name_of(&test.case.file));
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", escaped(file), counts(suite));
        for test in suite {
            print(&mut out, file, test);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn tests<'a>(findings: &'a [Finding], cases: &[Case], fail_on: FailOn) -> Vec<Test<'a>> {
    let of = |finding: &Finding| Case { file: finding.file.clone(), name: finding.object.clone() };
    let mut all: BTreeSet<Case> = cases.iter().cloned().collect();
    all.extend(findings.iter().map(of));
    let mut tests: Vec<Test<'_>> =
        all.into_iter().map(|case| Test { case, failures: Vec::new(), others: Vec::new() }).collect();
    for finding in findings {
        let case = of(finding);
        if let Ok(at) = tests.binary_search_by(|test| test.case.cmp(&case))
            && let Some(test) = tests.get_mut(at)
        {
            let fails = finding.severity >= fail_on.severity();
            if fails { test.failures.push(finding) } else { test.others.push(finding) }
        }
    }
    tests
}

fn counts(tests: &[Test<'_>]) -> String {
    let failed = tests.iter().filter(|test| !test.failures.is_empty()).count();
    format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"0\"", tests.len())
}

fn print(out: &mut String, file: &str, test: &Test<'_>) {
    let name = if test.case.name.is_empty() { file } else { &test.case.name };
    let file = escaped(file);
    let _ = write!(out, "    <testcase name=\"{}\" classname=\"{file}\" file=\"{file}\" time=\"0\"", escaped(name));
    if test.failures.is_empty() && test.others.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    // Some readers take only the first failure of a test.
    if let Some(first) = test.failures.iter().max_by_key(|finding| finding.severity) {
        let (id, message) = (first.rule.id(), escaped(&first.message));
        let _ = writeln!(out, "      <failure type=\"{id}\" message=\"{message}\">{}</failure>", text(&test.failures));
    }
    if !test.others.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", text(&test.others));
    }
    out.push_str("    </testcase>\n");
}

fn text(findings: &[&Finding]) -> String {
    let line = |finding: &&Finding| {
        let (at, text) = (finding.region, finding.text());
        let file = name_of(&finding.file);
        let (line, column) = (at.start_line, at.start_column);
        escaped(&format!("{file}:{line}:{column}: {} {}: {text}", finding.severity, finding.rule.id()))
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn name_of(file: &str) -> &str {
    if file == "-" { "standard input" } else { path(file) }
}

/// A text on one line, without what XML gives a meaning or cannot hold.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_object_is_a_test_and_each_file_a_suite() {
        let text = suites(&sample::findings(), &sample::cases(), FailOn::Error);
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="ambit" tests="4" failures="1" errors="0" skipped="0" time="0">
  <testsuite name="standard input" tests="1" failures="0" errors="0" skipped="0" time="0">
    <testcase name="standard input" classname="standard input" file="standard input" time="0">
      <system-out>standard input:1:2: note AMB0273: one is in vain</system-out>
    </testcase>
  </testsuite>
  <testsuite name="a b.yaml" tests="3" failures="1" errors="0" skipped="0" time="0">
    <testcase name="CloudAccount prod" classname="a b.yaml" file="a b.yaml" time="0"/>
    <testcase name="MachineIdentity shop/mailer" classname="a b.yaml" file="a b.yaml" time="0">
      <system-out>a b.yaml:9:1: warning AMB0105: there is no account. Help: add it with --with.</system-out>
    </testcase>
    <testcase name="MachineIdentity shop/orders" classname="a b.yaml" file="a b.yaml" time="0">
      <failure type="AMB0114" message="no policy allows 100%">a b.yaml:3:5: error AMB0114: no policy allows 100%</failure>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(text, expected);
        assert!(suites(&sample::findings(), &[], FailOn::Note).contains("tests=\"3\" failures=\"3\""));
    }

    #[test]
    fn a_test_fails_once_with_all_that_is_wrong_the_gravest_first() {
        let mut findings = sample::findings();
        findings.truncate(2);
        findings[1].object = "MachineIdentity shop/orders".to_owned();
        findings.reverse();
        let text = suites(&findings, &[], FailOn::Warning);
        assert_eq!(text.matches("<failure ").count(), 1, "{text}");
        assert!(text.contains("<failure type=\"AMB0114\""), "{text}");
        assert!(
            text.contains("AMB0105: there is no account. Help: add it with --with.\na b.yaml:3:5: error"),
            "{text}"
        );
    }

    #[test]
    fn nothing_in_a_finding_is_markup_or_no_xml() {
        assert_eq!(
            escaped("<a b=\"c\" d='&'>\u{0}\u{b}\n\u{ffff}é"),
            "&lt;a b=&quot;c&quot; d=&apos;&amp;&apos;&gt;\u{fffd}\u{fffd}\u{fffd}\u{fffd}é"
        );
    }

    #[test]
    fn without_anything_it_is_a_whole_document() {
        let empty = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ambit\" tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"0\">\n</testsuites>\n";
        assert_eq!(suites(&[], &[], FailOn::Note), empty);
    }
}
