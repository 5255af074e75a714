//! What codes and reasons mean.

use std::fmt::Write as _;

use serde::Serialize;

use super::Format;
use crate::cli::report::{self, Rule};
use crate::names::shortened;
use crate::offline::{self, Meaning, meanings};
use crate::policy::catalogue::nearest;

/// One code or reason.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// The code, or the reason's word.
    code: String,
    /// How grave it is, or which conditions carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'static str,
    /// What it means.
    means: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    matters: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mend: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    example: &'static str,
    /// The code under which `ambit validate` finds the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_as: Option<&'static str>,
}

/// Explains each of them.
pub(super) fn explain(names: &[String], format: Format) -> Result<String, String> {
    let entries: Vec<Entry> = names.iter().map(|name| entry(name)).collect::<Result<_, _>>()?;
    match format {
        Format::Json => report::json(&entries),
        Format::Table => Ok(entries.iter().map(words).collect::<Vec<_>>().join("\n")),
    }
}

/// All of them, a line each.
pub(super) fn list(format: Format) -> Result<String, String> {
    let all = Rule::all().into_iter().map(of_rule).chain(meanings().map(of_reason));
    match format {
        Format::Json => report::json(&all.collect::<Vec<_>>()),
        Format::Table => {
            let mut out = String::from("codes of findings\n");
            for rule in Rule::all() {
                let _ = writeln!(out, "  {}  {:<7}  {}", rule.id(), rule.severity().name(), rule.title());
            }
            out.push_str("\nreasons of conditions\n");
            for Meaning { reason, means, .. } in meanings() {
                let _ = writeln!(out, "  {:<21}  {means}", reason.name());
            }
            Ok(out)
        }
    }
}

fn entry(name: &str) -> Result<Entry, String> {
    let rule = Rule::all().into_iter().find(|rule| rule.id().eq_ignore_ascii_case(name)).map(of_rule);
    rule.or_else(|| offline::reason(name).map(of_reason)).ok_or_else(|| {
        let words: Vec<String> = meanings().map(|meaning| meaning.reason.name()).collect();
        let all = Rule::all();
        let near = nearest(name, all.iter().map(|rule| rule.id()).chain(words.iter().map(String::as_str)));
        let near = match near.first() {
            Some(first) => format!("did you mean `{first}`? "),
            None => String::new(),
        };
        format!("there is no code or reason `{}`: {near}`ambit explain --list` has all of them", shortened(name))
    })
}

fn of_rule(rule: Rule) -> Entry {
    let (means, matters, mend, example) = match rule {
        Rule::Policy(code) => (code.explanation(), "", "", ""),
        Rule::Offline(code) => {
            let words = code.explanation();
            (words.means, words.matters, words.mend, words.example)
        }
    };
    let severity = Some(rule.severity().name());
    let (code, title) = (rule.id().to_owned(), rule.title());
    Entry { code, severity, condition: None, title, means, matters, mend, example, found_as: None }
}

fn of_reason(meaning: Meaning) -> Entry {
    let code = offline::Code::of(meaning.reason);
    let twin = (format!("{code:?}") == meaning.reason.name()).then(|| code.explanation());
    Entry {
        code: meaning.reason.name(),
        severity: None,
        condition: Some(meaning.condition),
        title: "",
        means: meaning.means,
        matters: twin.map_or("", |twin| twin.matters),
        mend: meaning.mend,
        example: twin.map_or("", |twin| twin.example),
        found_as: twin.map(|_| code.id()),
    }
}

fn words(entry: &Entry) -> String {
    let mut out = match (entry.severity, entry.condition) {
        (Some(severity), _) => format!("{} ({severity}): {}\n", entry.code, entry.title),
        (None, condition) => format!("{} (condition {})\n", entry.code, condition.unwrap_or_default()),
    };
    let means = sentence(entry.means);
    let _ = writeln!(out, "\n{means}");
    for (title, text) in [("Why it matters", entry.matters), ("What to do", entry.mend)] {
        if !text.is_empty() {
            let _ = writeln!(out, "\n{title}: {text}");
        }
    }
    if !entry.example.is_empty() {
        let _ = writeln!(out, "\nExample:\n{}", entry.example);
    }
    if let Some(code) = entry.found_as {
        let _ = writeln!(out, "\n`ambit validate` finds it in files as {code}.");
    }
    out
}

/// A text that begins and ends as sentences do.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let stop = if text.ends_with(['.', ')', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> String {
        explain(&[name.to_owned()], Format::Table).unwrap()
    }

    #[test]
    fn a_code_is_explained_with_its_example() {
        assert_eq!(
            told("amb0112"),
            "AMB0112 (error): a namespace that the account does not select\n\
             \n\
             The CloudAccount says by labels which namespaces may use it, and the identity's namespace does not have them.\n\
             \n\
             Why it matters: The identity is refused. An account that selects nobody on purpose is how a platform team keeps it closed.\n\
             \n\
             What to do: Ask the owners of the account, or label the namespace as `spec.namespaceSelector` of the account says.\n\
             \n\
             Example:\n  \
             namespaceSelector: {matchLabels: {ambit.dev/account: prod}}\n  \
             the Namespace needs the label ambit.dev/account: prod\n"
        );
        assert!(
            told("AMB0211").starts_with("AMB0211 (warning): an action that is not known\n\nThe service has no action")
        );
    }

    #[test]
    fn a_reason_is_explained_and_leads_to_its_code() {
        assert_eq!(
            told("Throttled"),
            "Throttled (condition Provisioned)\n\nThe cloud limits the rate of calls.\n\nWhat to do: wait, or lower `requestsPerSecond`\n"
        );
        let denied = told("ScopeDenied");
        assert!(denied.ends_with("\n`ambit validate` finds it in files as AMB0114.\n"), "{denied}");
        assert!(denied.contains("Why it matters: "), "{denied}");
    }

    #[test]
    fn an_unknown_code_is_refused_with_the_nearest() {
        let refused = |name: &str| explain(&["AMB0101".to_owned(), name.to_owned()], Format::Table).unwrap_err();
        assert_eq!(
            refused("ScopeDenid"),
            "there is no code or reason `ScopeDenid`: did you mean `ScopeDenied`? `ambit explain --list` has all of them"
        );
        assert!(refused("AMB0199").contains("did you mean `AMB01"), "{}", refused("AMB0199"));
        assert_eq!(
            refused("frobnicate"),
            "there is no code or reason `frobnicate`: `ambit explain --list` has all of them"
        );
    }

    #[test]
    fn the_list_has_every_code_and_every_reason() {
        let list = list(Format::Table).unwrap();
        assert!(list.contains("\n  AMB0114  error    access that no scope policy allows\n"), "{list}");
        assert!(list.contains("\n  ScopeDenied            a scope asks for more"), "{list}");
        let rows: Vec<serde_json::Value> = serde_json::from_str(&super::list(Format::Json).unwrap()).unwrap();
        assert_eq!(rows.len(), Rule::all().len() + meanings().count());
        assert_eq!(list.lines().count(), rows.len() + 3);
    }
}
