//! Lines that fit a page: wrapped, and in two columns beside each other.

use std::collections::BTreeSet;

use crate::names::printable;

/// How wide an answer is.
pub const WIDTH: usize = 100;
/// What stands between two columns.
const BETWEEN: &str = " | ";

/// Writes a text in lines that fit, each moved in; those after the first a little more.
pub fn wrapped(out: &mut String, indent: usize, text: &str) {
    for (index, line) in lines(text, WIDTH.saturating_sub(indent + 2)).into_iter().enumerate() {
        let indent = if index == 0 { indent } else { indent + 2 };
        out.push_str(format!("{:indent$}{line}", "").trim_end());
        out.push('\n');
    }
}

/// Writes two lists beside each other. What both say stands in one line, and is only counted
/// unless `full`.
pub fn beside(out: &mut String, indent: usize, left: (&str, &[String]), right: (&str, &[String]), full: bool) {
    let ((left_name, left), (right_name, right)) = (left, right);
    let column = (WIDTH.saturating_sub(indent + BETWEEN.len())) / 2;
    let (ours, theirs): (BTreeSet<&String>, BTreeSet<&String>) = (left.iter().collect(), right.iter().collect());
    let same: Vec<&String> = left.iter().filter(|text| theirs.contains(text)).collect();
    let mut row = |left: &str, right: &str| {
        let (left, right) = (lines(left, column), lines(right, column));
        for index in 0..left.len().max(right.len()) {
            let cell = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
            let (left, right) = (cell(&left), cell(&right));
            let space = column.saturating_sub(left.chars().count());
            let line = format!("{:indent$}{left}{:space$}{BETWEEN}{right}", "", "");
            out.push_str(line.trim_end());
            out.push('\n');
        }
    };
    row(&left_name.to_uppercase(), &right_name.to_uppercase());
    if full {
        for text in &same {
            row(text, text);
        }
    }
    let mut only_right = right.iter().filter(|text| !ours.contains(text));
    for text in left.iter().filter(|text| !theirs.contains(text)) {
        row(text, only_right.next().map_or("", String::as_str));
    }
    for text in only_right {
        row("", text);
    }
    if !full && !same.is_empty() {
        let count = match same.len() {
            1 => "(1 line is the same)".to_owned(),
            count => format!("({count} lines are the same)"),
        };
        row(&count, &count);
    }
}

/// A text in lines of at most so many characters, broken at spaces where there are any.
fn lines(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut all, mut line) = (Vec::new(), String::new());
    for word in printable(text).split(' ') {
        let mut word = word.to_owned();
        let used = line.chars().count();
        if used > 0 && used + 1 + word.chars().count() > width {
            all.push(std::mem::take(&mut line));
        } else if used > 0 {
            line.push(' ');
        }
        // A word that is wider than a line goes on in the next.
        while let Some((end, _)) = word.char_indices().nth(width) {
            let rest = word.split_off(end);
            all.push(std::mem::replace(&mut word, rest));
        }
        line.push_str(&word);
    }
    all.push(line);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_only_in_words_that_are_too_wide() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("x abcdefghij y", 4), ["x", "abcd", "efgh", "ij y"]);
        assert_eq!(lines("", 4), [""]);
        assert_eq!(lines("a\u{1b}[2J", 10), ["a\u{fffd}[2J"]);
    }

    #[test]
    fn nothing_is_wider_than_the_page() {
        let mut out = String::new();
        wrapped(&mut out, 4, &"word ".repeat(80));
        let long = vec!["w".repeat(300), "short".to_owned()];
        beside(&mut out, 4, ("declared", &long), ("live", &[]), true);
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
    }

    #[test]
    fn what_both_say_is_counted_or_shown() {
        let (left, right) = (["same", "old"].map(str::to_owned), ["new", "same"].map(str::to_owned));
        let said = |full| {
            let mut out = String::new();
            beside(&mut out, 2, ("declared", &left), ("live", &right), full);
            let cells = |line: &str| line.split(" | ").map(str::trim).collect::<Vec<_>>().join("|");
            out.lines().map(cells).collect::<Vec<_>>()
        };
        assert_eq!(said(false), ["DECLARED|LIVE", "old|new", "(1 line is the same)|(1 line is the same)"]);
        assert_eq!(said(true), ["DECLARED|LIVE", "same|same", "old|new"]);
    }
}
