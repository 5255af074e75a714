use super::*;
use crate::policy::compare::form::Variables;
use crate::policy::compare::test::Test;
use crate::policy::statement;

fn rule(operator: &str, values: &[&str]) -> Rule {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let test = statement::Test { operator: operator.into(), key: "aws:x".into(), values };
    Test::of(&test, true, &Variables::Free).rule.unwrap()
}

fn all(rules: &[Rule]) -> Vec<(Value, Vec<bool>)> {
    let rules: Vec<&Rule> = rules.iter().collect();
    let found = candidates(&rules, Known::default(), &Budget::of(100_000)).unwrap();
    assert!(found.complete);
    found.all.into_iter().map(|candidate| (candidate.value, candidate.holds)).collect()
}

fn one(text: &str) -> Value {
    Value::One(text.into())
}

#[test]
fn texts_are_told_apart_as_patterns_tell_them() {
    let found = all(&[rule("StringEquals", &["a"]), rule("StringNotLike", &["a*"])]);
    assert_eq!(
        found,
        [(Value::Absent, vec![false, true]), (one("a"), vec![true, false]), (one("ax"), vec![false, false]),],
        "another text is like an absent key here",
    );
}

#[test]
fn numbers_and_times_have_their_borders_and_what_lies_between() {
    let found = all(&[rule("NumericLessThan", &["5"]), rule("NumericGreaterThan", &["6"])]);
    let values: Vec<Value> = found.into_iter().map(|(value, _)| value).collect();
    assert_eq!(values, [Value::Absent, one("4"), one("7")], "5, 5.5 and 6 are like an absent key");
    let found = all(&[rule("DateGreaterThanEquals", &["2026-01-01T00:00:00Z"]), rule("Null", &["true"])]);
    assert_eq!(
        found,
        [
            (Value::Absent, vec![false, true]),
            (one("2025-12-31T23:59:59Z"), vec![false, false]),
            (one("2026-01-01T00:00:00Z"), vec![true, false]),
        ]
    );
}

#[test]
fn addresses_of_both_families_are_there() {
    let found = all(&[rule("NotIpAddress", &["10.0.0.0/8"]), rule("Null", &["false"])]);
    assert_eq!(
        found,
        [(Value::Absent, vec![true, false]), (one("0.0.0.0"), vec![true, true]), (one("10.0.0.0"), vec![false, true]),]
    );
}

#[test]
fn sets_are_closed_under_union() {
    let found = all(&[rule("ForAllValues:StringEquals", &["a"]), rule("ForAnyValue:StringEquals", &["a"])]);
    let holds: BTreeSet<Vec<bool>> = found.iter().map(|(_, holds)| holds.clone()).collect();
    assert_eq!(holds, BTreeSet::from([vec![true, false], vec![true, true], vec![false, false], vec![false, true]]),);
    let both = found.iter().find(|(_, holds)| *holds == [false, true]).unwrap();
    assert!(matches!(&both.0, Value::Several(values) if values.len() == 2), "{found:?}");
}

#[test]
fn an_operator_for_one_value_fails_on_a_list() {
    let found = all(&[rule("ForAnyValue:StringEquals", &["a"]), rule("StringNotEquals", &["b"])]);
    assert!(found.iter().any(|(value, holds)| matches!(value, Value::Several(_)) && *holds == [true, false]));
}

#[test]
fn a_variable_matches_or_not_alike_for_all_who_name_it() {
    let found = all(&[rule("StringEquals", &["${aws:a}"]), rule("StringEquals", &["${aws:a}", "b"])]);
    let holds: BTreeSet<Vec<bool>> = found.into_iter().map(|(_, holds)| holds).collect();
    assert_eq!(holds, BTreeSet::from([vec![false, false], vec![true, true], vec![false, true]]));
}

#[test]
fn bytes_are_base64() {
    assert_eq!(base64_of(b"ambit"), "YW1iaXQ=");
    assert_eq!(base64_of(b"a"), "YQ==");
    let found = all(&[rule("BinaryEquals", &["YW1iaXQ="]), rule("Null", &["true"])]);
    assert_eq!(found.len(), 3);
}
