//! What became of cases as `JUnit` XML, which CI systems show as a list of tests.

use std::fmt::Write as _;

use super::Line;
use super::print::{details, title};
use crate::cli::report::escaped;

/// A suite for each test, in their order.
pub(super) fn text(lines: &[Line<'_>]) -> String {
    let failed = |lines: &[Line<'_>]| lines.iter().filter(|line| !line.answer.holds).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"ambit test\" tests=\"{}\" failures=\"{}\">", lines.len(), failed(lines));
    for suite in lines.chunk_by(|left, right| left.test == right.test && left.case.spot.file == right.case.spot.file) {
        let name = suite.first().map_or("", |line| line.test);
        let (tests, failures) = (suite.len(), failed(suite));
        let name = escaped(name);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
        for line in suite {
            case(&mut out, line);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, line: &Line<'_>) {
    let (name, class, file) = (escaped(&title(line)), escaped(line.test), escaped(&line.case.spot.file));
    let at = line.case.spot.begin.line;
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{class}\" file=\"{file}\" line=\"{at}\"");
    if line.answer.holds {
        out.push_str("/>\n");
        return;
    }
    let message = escaped(&format!("expected {}, got {}", line.answer.expected, line.answer.got));
    let _ = write!(out, ">\n      <failure message=\"{message}\">");
    let told: Vec<String> = details(line).iter().map(|line| escaped(line)).collect();
    out.push_str(&told.join("\n"));
    out.push_str("</failure>\n    </testcase>\n");
}
