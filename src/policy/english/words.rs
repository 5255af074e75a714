//! How lists and the texts of others stand in a sentence.

use crate::names::{printable, shortened};
use std::collections::BTreeSet;

/// A text from outside, fit for a line between backticks: short, and without what would break either.
pub(in crate::policy) fn visible(text: &str) -> String {
    line(&shortened(text)).replace('`', "'")
}

/// A text without what would break or reorder its line.
pub(in crate::policy) fn line(text: &str) -> String {
    printable(text)
}

/// A text from outside in backticks.
pub(in crate::policy) fn quoted(text: &str) -> String {
    format!("`{}`", visible(text))
}

/// Distinct texts in backticks, in order, the last behind a word; at most `limit` of them.
pub(in crate::policy) fn quoted_series<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    limit: usize,
    last: &str,
) -> String {
    let distinct: BTreeSet<&str> = texts.into_iter().collect();
    let said: Vec<String> = distinct.iter().take(limit).map(|text| quoted(text)).collect();
    counted(said, distinct.len(), "", last)
}

/// A series of what is said out of `all`, the rest counted and called `what`.
pub(in crate::policy) fn counted(mut said: Vec<String>, all: usize, what: &str, last: &str) -> String {
    if all > said.len() {
        let space = if what.is_empty() { "" } else { " " };
        said.push(format!("{} more{space}{what}", all - said.len()));
    }
    series(&said, last)
}

/// `a`, `a and b`, `a, b and c`.
pub(in crate::policy) fn series<T: AsRef<str>>(parts: &[T], last: &str) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => only.as_ref().to_owned(),
        Some((end, rest)) => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", rest.join(", "), end.as_ref())
        }
    }
}

/// A noun in the plural.
pub(in crate::policy) fn plural(noun: &str) -> String {
    let vowel_before_y = noun.ends_with("ay") || noun.ends_with("ey") || noun.ends_with("oy");
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if ["as", "is", "us", "ss", "x", "ch"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        // AWS calls some of its types by a plural.
        _ if noun.ends_with('s') => noun.to_owned(),
        _ => format!("{noun}s"),
    }
}

/// A number with its noun: `1 statement`, `2 statements`.
pub(in crate::policy) fn number(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_or_its_backticks_is_replaced() {
        assert_eq!(quoted("a`b\nc\u{202e}d\u{7}"), "`a'b\u{fffd}c\u{fffd}d\u{fffd}`");
        assert_eq!(visible(&"é".repeat(100)).chars().count(), 81);
    }

    #[test]
    fn series_are_bounded_and_counted() {
        assert_eq!(quoted_series(["b", "a", "b"], 3, "or"), "`a` or `b`");
        assert_eq!(quoted_series(["d", "c", "b", "a"], 2, "and"), "`a`, `b` and 2 more");
        assert_eq!(quoted_series([], 2, "and"), "");
        assert_eq!(counted(vec!["a".into()], 3, "tables", "and"), "a and 2 more tables");
        assert_eq!(number(1, "policy"), "1 policy");
        assert_eq!(number(2, "policy"), "2 policies");
        for (one, more) in [("key", "keys"), ("alias", "aliases"), ("applications", "applications"), ("box", "boxes")] {
            assert_eq!(plural(one), more);
        }
    }
}
