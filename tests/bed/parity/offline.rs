//! The other half: what `ambit validate` says of a manifest, without a cluster.

use std::process::Command;

use ambit_bed::INSTALLATION;
use serde_json::Value;

use super::{Manifest, Verdict, beside};

/// What `ambit validate` says, where the cluster says that.
pub fn verdict(manifest: &Manifest, there: &Verdict) -> Result<Verdict, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(["validate", "--installation", INSTALLATION, "--fail-on", "error", "-o", "json"])
        .args([std::ffi::OsStr::new("--with"), beside().as_os_str(), "-f".as_ref(), manifest.path.as_os_str()])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()))?;
    let findings = answer["findings"].as_array().ok_or_else(|| answer.to_string())?;
    let errors: Vec<&Value> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
    // 0 where nothing is wrong, 1 where something is.
    assert_eq!(output.status.code(), Some(i32::from(!errors.is_empty())), "{}: {answer}", manifest.name);
    Ok(match errors.first() {
        None => Verdict::Accepted,
        Some(first) if code(first) < "AMB0110" => {
            let mut fields: Vec<String> = errors.iter().map(|finding| text(finding, "place").to_owned()).collect();
            fields.sort();
            fields.dedup();
            Verdict::Api(fields)
        }
        Some(first) => Verdict::Operator { reason: reason(code(first)).to_owned(), message: message(&errors, there) },
    })
}

fn text<'a>(finding: &'a Value, field: &str) -> &'a str {
    finding[field].as_str().unwrap_or_default()
}

fn code(finding: &Value) -> &str {
    text(finding, "code")
}

/// The reason that the operator has for a refusal of this number.
fn reason(code: &str) -> &str {
    match code {
        "AMB0111" => "AccountNotFound",
        "AMB0112" => "NamespaceNotSelected",
        "AMB0113" => "NoScopePolicy",
        "AMB0114" => "ScopeDenied",
        "AMB0115" => "Undecidable",
        "AMB0116" => "UnknownAction",
        "AMB0117" => "InvalidScope",
        "AMB0118" => "TooLarge",
        "AMB0119" => "SubjectTaken",
        other => other,
    }
}

/// All findings in one message, as the operator tells them: the first three, and how many more.
///
/// A finding has its field beside its sentence. In the operator's message the field stands before
/// the sentence, except where the sentence says by itself what it is about.
fn message(errors: &[&Value], there: &Verdict) -> String {
    let plain = |finding: &&Value| text(finding, "message").to_owned();
    let placed = |finding: &&Value| format!("`{}`: {}", text(finding, "place"), text(finding, "message"));
    let [plain, placed] = [joined(errors, plain), joined(errors, placed)];
    match there {
        Verdict::Operator { message, .. } if *message == placed => placed,
        _ => plain,
    }
}

fn joined(errors: &[&Value], words: impl Fn(&&Value) -> String) -> String {
    let message = errors.iter().take(3).map(words).collect::<Vec<_>>().join("; ");
    match errors.len().saturating_sub(3) {
        0 => message,
        more => format!("{message}; and {more} more"),
    }
}
