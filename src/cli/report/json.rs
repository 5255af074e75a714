//! Findings as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::Finding;
use crate::names::is_unprintable;

/// A finding as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    severity: &'static str,
    code: &'static str,
    title: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    object: &'a str,
    place: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Findings as JSON has them.
pub fn rows(findings: &[Finding]) -> Vec<Row<'_>> {
    findings.iter().map(Row::of).collect()
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            file: &finding.file,
            line: finding.region.start_line,
            column: finding.region.start_column,
            end_line: finding.region.end_line,
            end_column: finding.region.end_column,
            severity: finding.severity.name(),
            code: finding.rule.id(),
            title: finding.rule.title(),
            object: &finding.object,
            place: &finding.place,
            message: &finding.message,
            help: finding.help.as_deref(),
        }
    }
}

/// Something as a text of JSON that people can read too, also on a terminal: what would move its
/// cursor or reorder a line is written as an escape.
pub fn print(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| format!("the answer is no JSON: {error}"))?;
    let mut printed = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if character != '\n' && is_unprintable(character) {
            // All of them lie in the basic plane, where one escape is enough. A text takes all that is written.
            let _ = write!(printed, "\\u{:04x}", u32::from(character));
        } else {
            printed.push(character);
        }
    }
    printed.push('\n');
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_has_everything_that_is_known() {
        let findings = sample::findings();
        let rows = serde_json::to_value(rows(&findings)).unwrap();
        assert_eq!(
            rows[1],
            json!({
                "file": "a b.yaml", "line": 9, "column": 1, "endLine": 12, "endColumn": 4,
                "severity": "warning", "code": "AMB0105", "title": "an identity that could not be judged whole",
                "object": "MachineIdentity shop/mailer", "place": "",
                "message": "there is no account", "help": "add it with --with",
            })
        );
        assert_eq!((rows[2].get("object"), rows[2].get("help")), (None, None));
        assert_eq!(print(&Vec::<u8>::new()).unwrap(), "[]\n");
    }

    #[test]
    fn what_would_move_a_terminals_cursor_is_escaped_and_stays_the_same() {
        let hostile = "a\u{9b}31m\u{202e}b\u{7f}\n\"";
        let text = print(&hostile).unwrap();
        assert_eq!(text, "\"a\\u009b31m\\u202eb\\u007f\\n\\\"\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
