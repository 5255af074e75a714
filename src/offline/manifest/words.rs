//! How findings are worded.

use super::node::{Node, What};
use super::schema::Shape;
use crate::names::shortened;

/// Words as a list: `a`, `b` and `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// The word of several that is meant, if one is close enough.
pub(super) fn nearest<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = written.to_lowercase();
    let near = words.into_iter().filter_map(|word| {
        let known = word.to_lowercase();
        let distance = strsim::damerau_levenshtein(&plain, &known);
        let begins = known.starts_with(&plain) || plain.starts_with(&known);
        let allowed = (known.chars().count() / 3).max(1);
        (distance <= allowed || begins && plain.chars().count() > 2).then_some((distance, word))
    });
    near.min().map(|(_, word)| word)
}

/// A number and what it counts.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What a value must be.
pub(super) fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Fields => "a mapping of fields",
        Shape::List => "a list",
        Shape::Text => "a string",
        Shape::Whole => "a whole number",
        Shape::Number => "a number",
        Shape::Boolean => "`true` or `false`",
        Shape::Any => "something",
    }
}

/// What a value is.
fn written(node: &Node) -> String {
    match &node.what {
        What::Null => "`null`".to_owned(),
        What::Bool(_, word) => format!("the boolean `{word}`"),
        What::Number(_, word) => format!("the number `{}`", shortened(word)),
        What::Text(text) if text.is_empty() => "an empty string".to_owned(),
        What::Text(text) => format!("the string `{}`", shortened(text)),
        What::List(_) => "a list".to_owned(),
        What::Map(_) => "a mapping".to_owned(),
    }
}

/// That a value is of the wrong shape, and how to mend it.
pub(super) fn mismatch(wanted: Shape, node: &Node) -> String {
    let mend = match (wanted, &node.what) {
        (Shape::Text, What::Bool(_, word) | What::Number(_, word)) => {
            format!(": put it in quotes, as \"{}\"", shortened(word))
        }
        (_, What::Null) => ": give it a value, or leave it away".to_owned(),
        (Shape::Text, What::List(items)) if items.len() == 1 => ": write it without the list around it".to_owned(),
        (Shape::List, What::Text(text)) => format!(": write it as [\"{}\"]", shortened(text)),
        (Shape::List, What::Map(_)) => ": put a `-` before each entry".to_owned(),
        (Shape::Whole | Shape::Number, What::Text(text)) if text.parse::<i64>().is_ok() => {
            ": leave the quotes away".to_owned()
        }
        (Shape::Boolean, What::Text(text)) if matches!(text.as_str(), "true" | "false") => {
            ": leave the quotes away".to_owned()
        }
        (Shape::Fields, What::List(_)) => ": write the fields without the list around them".to_owned(),
        _ => String::new(),
    };
    format!("must be {}, not {}{mend}", shape(wanted), written(node))
}

/// Patterns of the kinds, in words.
const PATTERNS: [(&str, &str); 28] = [
    (
        "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        "must be made of lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
    ),
    (
        "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "must be made of lower-case letters, digits and '-', with a letter or digit at both ends",
    ),
    (
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        "must be a DNS name: parts of lower-case letters, digits and '-', joined by '.', each with a letter or digit at both ends",
    ),
    (
        "^[A-Za-z0-9]([A-Za-z0-9_.@-]*[A-Za-z0-9])?$",
        "must be made of letters, digits and the characters '_.@-', with a letter or digit at both ends",
    ),
    ("^([0-9]+(h|m|s))+$", "must be a duration in hours, minutes and seconds, such as '1h' or '1h30m'"),
    ("^[0-9]{12}$", "must be the twelve digits of an account's id, in quotes"),
    ("^aws(-[a-z-]+)?$", "must be a partition, such as 'aws', 'aws-cn' or 'aws-us-gov'"),
    ("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", "must be a region, such as 'eu-west-1'"),
    ("^[0-9A-Za-z][0-9A-Za-z_-]*$", "must be the name of an EKS cluster: letters, digits, `-` and `_`"),
    ("^/([A-Za-z0-9_+=,.@-]+/)*$", "must be a path that begins and ends with '/', such as '/ambit/'"),
    (
        "^arn:aws(-[a-z-]+)?:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+$",
        "must be the ARN of a managed policy, such as 'arn:aws:iam::123456789012:policy/ambit-boundary'",
    ),
    (
        "^sha256:[0-9a-f]{32}$",
        "must be a digest as `status.boundary.digest` shows it: 'sha256:' and 32 digits of '0-9a-f'",
    ),
    (
        "^arn:aws(-[a-z-]+)?:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
        "must be the ARN of a role, such as 'arn:aws:iam::123456789012:role/ambit'",
    ),
    ("^[A-Za-z0-9_+=,.@:/-]+$", "must be made of letters, digits and the characters '_+=,.@:/-'"),
    ("^[A-Za-z0-9._:/-]+$", "must be made of letters, digits and the characters '._:/-'"),
    ("^[A-Za-z:]+$", "must be an operator such as 'StringEquals' or 'ForAllValues:StringLike'"),
    ("^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+$", "must be a repository with its owner, such as 'acme/shop'"),
    ("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", "must be a project with its group, such as 'acme/shop'"),
    ("^[A-Za-z0-9.-]+/[A-Za-z0-9._/-]+$", "must be a repository with its host, such as 'github.com/acme/shop'"),
    ("^[^*?$:]+$", "must be a name without '*', '?', '$' and ':'"),
    ("^[^$*?]+$", "must be one whole subject, without '*', '?' and '$'"),
    ("^[^*?$:~^ ]+$", "must be one branch, such as 'main', without wildcard"),
    ("^[^*?$:~^ ]+[*]?$", "must be a tag, such as 'v1.2.0', or the beginning of some, such as 'v*'"),
    (
        "^[A-Za-z0-9_-]+/[A-Za-z0-9._-]+/[^*?$@]+@refs/[^*?$:~^ ]+$",
        "must be a workflow with its ref, such as 'acme/ci/.github/workflows/deploy.yaml@refs/heads/main'",
    ),
    ("^[0-9]+$", "must be a number in quotes, such as '12345'"),
    (
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        "must be a UUID in lower case, such as '0a1b2c3d-0000-4000-8000-000000000001'",
    ),
    (
        "^https://[^*?#$ ]+[^*?#$ /]$",
        "must be the issuer's URL: 'https://…' without wildcard, query, or slash at its end",
    ),
    ("^https://[^*?#$ ]+$", "must be the issuer's URL: 'https://…' without wildcard, query or blank"),
];

/// What a pattern demands.
pub(super) fn pattern(pattern: &str) -> String {
    let words = PATTERNS.iter().find(|(known, _)| *known == pattern).map(|(_, words)| (*words).to_owned());
    words.unwrap_or_else(|| format!("must match the pattern `{pattern}`"))
}

#[cfg(test)]
pub(super) fn has_words(pattern: &str) -> bool {
    PATTERNS.iter().any(|(known, _)| *known == pattern)
}
