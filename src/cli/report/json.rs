//! Findings as JSON.

use serde::Serialize;

use super::Finding;

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

/// Something as a text of JSON that people can read too.
pub fn print(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| format!("the answer is no JSON: {error}"))?;
    Ok(format!("{text}\n"))
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
}
