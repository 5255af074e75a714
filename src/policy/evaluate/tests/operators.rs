//! Every condition operator in every form, with its answers written out.

use super::super::super::operator::Operator;
use super::*;

/// Operator, value in the policy, a value that compares with it, one that does not, and the answers.
///
/// The answers are those of four forms (plain, `IfExists`, `ForAllValues:`, `ForAnyValue:`), of each
/// for an absent key, the value that compares, the one that does not, and a list of both.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const TABLE: [Row; 26] = [
    ("ArnEquals", "arn:aws:sns:*:1:o*", "arn:aws:sns:a:1:orders", "arn:aws:sns:a:2:orders", ".y.. yy.. yy.. .y.y"),
    ("ArnLike", "arn:aws:sns:*:1:o*", "arn:aws:sns:a:1:orders", "arn:aws:sns:a:2:orders", ".y.. yy.. yy.. .y.y"),
    ("ArnNotEquals", "arn:aws:sns:*:1:o*", "arn:aws:sns:a:1:o", "arn:aws:sns:a:2:o", "y.y. y.y. y.y. ..yy"),
    ("ArnNotLike", "arn:aws:sns:*:1:o*", "arn:aws:sns:a:1:o", "arn:aws:sns:a:2:o", "y.y. y.y. y.y. ..yy"),
    ("BinaryEquals", "YW1iaXQ=", "YW1iaXQ=", "b3RoZXI=", ".y.. yy.. yy.. .y.y"),
    ("Bool", "true", "true", "false", ".y.. yy.. yy.. .y.y"),
    ("DateEquals", "2026-01-02", "2026-01-02T00:00:00Z", "2026-01-03", ".y.. yy.. yy.. .y.y"),
    ("DateGreaterThan", "2026-01-02", "2026-01-03", "2026-01-02", ".y.. yy.. yy.. .y.y"),
    ("DateGreaterThanEquals", "2026-01-02", "2026-01-02", "2026-01-01", ".y.. yy.. yy.. .y.y"),
    ("DateLessThan", "2026-01-02", "2026-01-01", "2026-01-02", ".y.. yy.. yy.. .y.y"),
    ("DateLessThanEquals", "2026-01-02", "2026-01-02", "2026-01-03", ".y.. yy.. yy.. .y.y"),
    ("DateNotEquals", "2026-01-02", "2026-01-02", "2026-01-03", "y.y. y.y. y.y. ..yy"),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", "11.1.2.3", ".y.. yy.. yy.. .y.y"),
    ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", "11.1.2.3", "y.y. y.y. y.y. ..yy"),
    ("NumericEquals", "10", "10.0", "11", ".y.. yy.. yy.. .y.y"),
    ("NumericGreaterThan", "10", "11", "10", ".y.. yy.. yy.. .y.y"),
    ("NumericGreaterThanEquals", "10", "10", "9", ".y.. yy.. yy.. .y.y"),
    ("NumericLessThan", "10", "9", "10", ".y.. yy.. yy.. .y.y"),
    ("NumericLessThanEquals", "10", "10", "11", ".y.. yy.. yy.. .y.y"),
    ("NumericNotEquals", "10", "10", "11", "y.y. y.y. y.y. ..yy"),
    ("StringEquals", "blue", "blue", "Blue", ".y.. yy.. yy.. .y.y"),
    ("StringEqualsIgnoreCase", "blue", "BLUE", "green", ".y.. yy.. yy.. .y.y"),
    ("StringLike", "b*e", "blue", "green", ".y.. yy.. yy.. .y.y"),
    ("StringNotEquals", "blue", "blue", "Blue", "y.y. y.y. y.y. ..yy"),
    ("StringNotEqualsIgnoreCase", "blue", "BLUE", "green", "y.y. y.y. y.y. ..yy"),
    ("StringNotLike", "b*e", "blue", "green", "y.y. y.y. y.y. ..yy"),
];

fn answer(operator: &str, value: &str, given: Option<&[&str]>) -> char {
    let condition = format!(r#"{{"{operator}":{{"a:x":"{value}"}}}}"#);
    let question = ask("s3:GetObject", OBJECT).identity(&allow_if(&condition));
    let question = match given {
        None => question,
        Some([one]) => question.with("a:x", one),
        Some(list) => question.with_list("a:x", list),
    };
    match question.outcome() {
        ALLOWED => 'y',
        IMPLICIT => '.',
        _ => '?',
    }
}

#[test]
fn every_operator_answers_as_the_table_says_in_every_form() {
    for (operator, value, matching, other, expected) in TABLE {
        let forms = [
            operator.to_owned(),
            format!("{operator}IfExists"),
            format!("ForAllValues:{operator}"),
            format!("ForAnyValue:{operator}"),
        ];
        let of_form = |form: &String| -> String {
            [None, Some([matching].as_slice()), Some(&[other]), Some(&[matching, other])]
                .map(|given| answer(form, value, given))
                .iter()
                .collect()
        };
        let answers = forms.iter().map(of_form).collect::<Vec<_>>().join(" ");
        assert_eq!(answers, expected, "{operator}");
    }
}

#[test]
fn null_has_one_form_and_asks_for_presence() {
    let given: [Option<&[&str]>; 4] = [None, Some(&["a"]), Some(&["b"]), Some(&["a", "b"])];
    assert_eq!(given.map(|given| answer("Null", "true", given)), ['y', '.', '.', '.']);
    assert_eq!(given.map(|given| answer("Null", "false", given)), ['.', 'y', 'y', 'y']);
    assert_eq!(given.map(|given| answer("Null", "perhaps", given)), ['?'; 4]);
    for odd in ["NullIfExists", "ForAllValues:Null", "ForAnyValue:Null"] {
        assert_eq!(given.map(|given| answer(odd, "true", given)), ['?'; 4], "{odd}");
    }
}

#[test]
fn the_table_has_every_operator_once() {
    let mut named: Vec<&str> = TABLE.iter().map(|(operator, ..)| *operator).chain(["Null"]).collect();
    let mut all: Vec<&str> = Operator::names().collect();
    named.sort_unstable();
    all.sort_unstable();
    assert_eq!(named, all);
    assert_eq!(named.len(), 27);
}

#[test]
fn names_of_operators_have_no_case() {
    assert_eq!(answer("stringequals", "a", Some(&["a"])), 'y');
    assert_eq!(answer("FORANYVALUE:stringNOTlikeIFEXISTS", "a", Some(&["a", "b"])), 'y');
}
