//! Conditions: points 22 to 36 of the semantics.

use super::*;

/// Whether a condition holds for a request with these keys.
fn holds(condition: &str, keys: &[(&str, &str)]) -> bool {
    certainly(outcome(condition, keys))
}

fn outcome(condition: &str, keys: &[(&str, &str)]) -> &'static str {
    let question = ask("s3:GetObject", OBJECT).identity(&allow_if(condition));
    keys.iter().fold(question, |question, (key, value)| question.with(key, value)).outcome()
}

/// The same with one key that is a list.
fn holds_for_list(condition: &str, values: &[&str]) -> bool {
    certainly(ask("s3:GetObject", OBJECT).identity(&allow_if(condition)).with_list("aws:TagKeys", values).outcome())
}

// 22: conditions with multiple context keys or values.
#[test]
fn operators_and_keys_must_all_hold_and_of_the_values_any_or_for_negated_operators_none() {
    let both = r#"{"StringEquals":{"a:x":["1","2"],"a:y":"3"},"StringLike":{"a:z":"4*"}}"#;
    assert!(holds(both, &[("a:x", "2"), ("a:y", "3"), ("a:z", "45")]));
    assert!(!holds(both, &[("a:x", "2"), ("a:y", "3"), ("a:z", "5")]));
    assert!(!holds(both, &[("a:x", "2"), ("a:z", "4")]));
    let none = r#"{"StringNotEquals":{"a:x":["1","2"]}}"#;
    assert!(!holds(none, &[("a:x", "1")]));
    assert!(!holds(none, &[("a:x", "2")]));
    assert!(holds(none, &[("a:x", "3")]));
}

// 23: condition operators, "Important".
#[test]
fn of_an_absent_key_positive_operators_are_false_negated_ones_true_and_if_exists_true() {
    assert!(!holds(r#"{"StringEquals":{"a:x":"1"}}"#, &[]));
    assert!(holds(r#"{"StringNotEquals":{"a:x":"1"}}"#, &[]));
    assert!(holds(r#"{"StringEqualsIfExists":{"a:x":"1"}}"#, &[]));
    assert!(holds(r#"{"StringNotEqualsIfExists":{"a:x":"1"}}"#, &[]));
    assert!(!holds(r#"{"StringEqualsIfExists":{"a:x":"1"}}"#, &[("a:x", "2")]));
}

// 24: single-valued vs. multivalued context keys.
#[test]
fn of_no_values_for_all_values_is_true_and_for_any_value_false() {
    let all = |operator: &str| format!(r#"{{"ForAllValues:{operator}":{{"aws:TagKeys":"a"}}}}"#);
    let any = |operator: &str| format!(r#"{{"ForAnyValue:{operator}":{{"aws:TagKeys":"a"}}}}"#);
    for operator in ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"] {
        assert!(holds(&all(operator), &[]), "{operator}");
        assert!(!holds(&any(operator), &[]), "{operator}");
        assert!(holds_for_list(&all(operator), &[]), "{operator}: an empty list is no value");
        assert!(!holds_for_list(&any(operator), &[]), "{operator}");
        // Condition operators: "a null dataset, such as an empty string".
        assert!(holds(&all(operator), &[("aws:TagKeys", "")]), "{operator}: nor is an empty text");
        assert!(!holds(&any(operator), &[("aws:TagKeys", "")]), "{operator}");
    }
}

// 25
#[test]
fn if_exists_changes_nothing_beside_a_set_operator() {
    assert!(!holds(r#"{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, &[]));
    assert!(!holds(r#"{"ForAnyValue:StringNotEqualsIfExists":{"aws:TagKeys":"a"}}"#, &[]));
    assert!(holds(r#"{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, &[]));
    assert!(holds_for_list(r#"{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, &["b", "a"]));
    assert!(!holds_for_list(r#"{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, &["b", "a"]));
}

// 26
#[test]
fn null_asks_whether_the_key_is_absent() {
    let (absent, present) = (r#"{"Null":{"aws:TagKeys":"true"}}"#, r#"{"Null":{"aws:TagKeys":false}}"#);
    assert!(holds(absent, &[]) && !holds(present, &[]));
    assert!(!holds(absent, &[("aws:TagKeys", "a")]) && holds(present, &[("aws:TagKeys", "a")]));
    assert!(!holds_for_list(absent, &["a", "b"]) && holds_for_list(present, &["a", "b"]));
    assert!(holds_for_list(absent, &[]) && !holds_for_list(present, &[]));
    assert!(!holds(absent, &[("aws:TagKeys", "")]) && holds(present, &[("aws:TagKeys", "")]), "it is there");
    assert!(holds(r#"{"Null":{"aws:TagKeys":["true","false"]}}"#, &[]), "either");
}

// 27: "Multivalued context keys require a condition set operator".
#[test]
fn an_operator_for_one_value_fails_on_a_list_be_it_negated_or_not() {
    for operator in ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringNotLike", "StringLike"] {
        let condition = format!(r#"{{"{operator}":{{"aws:TagKeys":"a"}}}}"#);
        for list in [["a"].as_slice(), &["b"], &["a", "b"]] {
            assert!(!holds_for_list(&condition, list), "{operator} {list:?}");
        }
    }
}

// 28
#[test]
fn for_all_values_takes_a_single_value_as_a_set_of_one() {
    let all = r#"{"ForAllValues:StringEquals":{"a:x":["1","2"]}}"#;
    assert!(holds(all, &[("a:x", "2")]));
    assert!(!holds(all, &[("a:x", "3")]));
    assert!(holds(r#"{"ForAnyValue:StringEquals":{"a:x":["1","2"]}}"#, &[("a:x", "2")]));
}

// 29
#[test]
fn string_equals_takes_a_star_as_a_star_and_string_like_does_not() {
    assert!(!holds(r#"{"StringEquals":{"a:x":"*"}}"#, &[("a:x", "b")]));
    assert!(holds(r#"{"StringEquals":{"a:x":"*"}}"#, &[("a:x", "*")]));
    assert!(!holds(r#"{"StringEquals":{"a:x":"a?"}}"#, &[("a:x", "ab")]));
    assert!(holds(r#"{"StringLike":{"a:x":"*"}}"#, &[("a:x", "b")]));
    assert!(holds(r#"{"StringLike":{"a:x":"a?c*"}}"#, &[("a:x", "abc:/d")]));
    assert!(holds(r#"{"StringLike":{"a:x":["","home/"]}}"#, &[("a:x", "")]), "an empty text is a value of its own");
}

// 30
#[test]
fn ignoring_case_is_about_values_and_names_of_keys_never_have_case() {
    assert!(holds(r#"{"StringEqualsIgnoreCase":{"a:x":"PreProd"}}"#, &[("A:X", "preprod")]));
    assert!(!holds(r#"{"StringEquals":{"a:x":"PreProd"}}"#, &[("A:X", "preprod")]));
    assert!(holds(r#"{"StringEquals":{"aws:requesttag/TEAM":"a"}}"#, &[("aws:RequestTag/team", "a")]));
    assert!(!holds(r#"{"StringNotEqualsIgnoreCase":{"a:x":"PREPROD"}}"#, &[("a:x", "preprod")]));
}

// 31: condition operators, ARN operators.
#[test]
fn arn_equals_and_arn_like_are_the_same_and_go_part_by_part() {
    let finance = "arn:aws:someservice:*:111122223333:finance/*";
    let crossing = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    for operator in ["ArnEquals", "ArnLike"] {
        let condition = |pattern: &str| format!(r#"{{"{operator}":{{"aws:SourceArn":"{pattern}"}}}}"#);
        let source = |value| [("aws:SourceArn", value)];
        assert!(holds(
            &condition("arn:aws:sns:*:111122223333:o*"),
            &source("arn:aws:sns:eu-west-1:111122223333:orders:sub")
        ));
        assert!(!holds(&condition(finance), &source(crossing)), "the documentation's own example");
        assert!(holds(
            r#"{"StringLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}}"#,
            &source(crossing)
        ));
        assert!(!holds(&condition("arn:aws:sns:*:*:*"), &source("arn:aws:sns")), "the value has too few parts");
        assert!(!holds(&condition("arn:aws:sns"), &source("arn:aws:sns:a:b:c")), "the pattern has too few parts");
        assert!(!holds(&condition("arn:*"), &source("arn:aws")), "both have");
        assert_eq!(outcome(&condition("*"), &source("arn:aws:sns:a:b:c")), UNKNOWN, "so has a star");
        assert!(!holds(&condition("arn:aws:SNS:*:*:*"), &source("arn:aws:sns:a:b:c")), "case counts");
    }
    for operator in ["ArnNotEquals", "ArnNotLike"] {
        let condition = format!(r#"{{"{operator}":{{"aws:SourceArn":"arn:aws:sns:*:*:*"}}}}"#);
        assert!(!holds(&condition, &[("aws:SourceArn", "arn:aws:sns:a:b:c")]));
        assert!(holds(&condition, &[("aws:SourceArn", "arn:aws:sqs:a:b:c")]));
        assert!(holds(&condition, &[("aws:SourceArn", "no ARN")]));
    }
}

// 32
#[test]
fn bool_compares_true_and_false_and_a_json_boolean_is_the_text() {
    for (written, given, expected) in [
        (r#""true""#, "true", true),
        ("true", "true", true),
        (r#""True""#, "TRUE", true),
        ("false", "true", false),
        (r#""true""#, "yes", false),
        (r#"["true","false"]"#, "false", true),
    ] {
        let condition = format!(r#"{{"Bool":{{"aws:SecureTransport":{written}}}}}"#);
        assert_eq!(holds(&condition, &[("aws:SecureTransport", given)]), expected, "{written} {given}");
    }
    assert_eq!(outcome(r#"{"Bool":{"a:x":"yes"}}"#, &[("a:x", "true")]), UNKNOWN);
}

// 33
#[test]
fn dates_are_w3c_times_or_seconds_since_1970() {
    let before = r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#;
    for (given, expected) in [
        ("2025-12-31T23:59:59Z", true),
        ("2026-01-01T00:00:00Z", false),
        ("2026-01-01T00:30:00+01:00", true),
        ("1767225599", true),
        ("1767225600", false),
        ("yesterday", false),
    ] {
        assert_eq!(holds(before, &[("aws:CurrentTime", given)]), expected, "{given}");
    }
    assert!(holds(r#"{"DateEquals":{"a:x":1767225600}}"#, &[("a:x", "2026-01-01T00:00:00Z")]));
    assert!(holds(r#"{"DateNotEquals":{"a:x":"2026"}}"#, &[("a:x", "no date")]), "what is no date is not that date");
    assert_eq!(outcome(r#"{"DateEquals":{"a:x":"soon"}}"#, &[("a:x", "2026")]), UNKNOWN);
}

// 34
#[test]
fn addresses_are_in_ranges_of_their_own_family() {
    for (range, given, expected) in [
        ("203.0.113.0/24", "203.0.113.1", true),
        ("203.0.113.0/24", "198.51.100.1", false),
        ("203.0.113.7", "203.0.113.7", true),
        ("203.0.113.7", "203.0.113.8", false),
        ("0.0.0.0/0", "1.2.3.4", true),
        ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9", true),
        ("2001:db8::1", "2001:0db8:0:0::1", true),
        ("2001:db8::1", "2001:db8::2", false),
        ("::/0", "1.2.3.4", false),
        ("0.0.0.0/0", "::1", false),
        ("10.0.0.0/8", "here", false),
    ] {
        let condition = format!(r#"{{"IpAddress":{{"aws:SourceIp":"{range}"}}}}"#);
        assert_eq!(holds(&condition, &[("aws:SourceIp", given)]), expected, "{range} {given}");
        let negated = format!(r#"{{"NotIpAddress":{{"aws:SourceIp":"{range}"}}}}"#);
        assert_eq!(holds(&negated, &[("aws:SourceIp", given)]), !expected, "{range} {given}");
    }
    // Through an endpoint of a network the key is absent.
    assert!(!holds(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, &[]));
    assert!(holds(r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, &[]));
    assert_eq!(outcome(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#, &[("aws:SourceIp", "10.0.0.1")]), UNKNOWN);
}

// 35
#[test]
fn binary_equals_compares_the_bytes_behind_base64() {
    let condition = r#"{"BinaryEquals":{"a:x":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}"#;
    assert!(holds(condition, &[("a:x", "QmluYXJ5VmFsdWVJbkJhc2U2NA==")]));
    assert!(!holds(condition, &[("a:x", "ASIAIOSFODNN7EXAMPLE")]));
    assert!(!holds(condition, &[("a:x", "BinaryValueInBase64")]));
    assert_eq!(outcome(r#"{"BinaryEquals":{"a:x":"%"}}"#, &[("a:x", "YQ==")]), UNKNOWN);
}

// 36
#[test]
fn json_numbers_are_values_and_numbers_are_exact() {
    for (condition, given, expected) in [
        (r#"{"NumericLessThanEquals":{"s3:max-keys":10}}"#, "10", true),
        (r#"{"NumericLessThanEquals":{"s3:max-keys":"10"}}"#, "10.5", false),
        (r#"{"NumericEquals":{"s3:max-keys":5.0}}"#, "5", true),
        (r#"{"NumericEquals":{"s3:max-keys":"9007199254740993"}}"#, "9007199254740992", false),
        (r#"{"NumericGreaterThan":{"s3:max-keys":-2}}"#, "-1.5", true),
        (r#"{"NumericEquals":{"s3:max-keys":"5"}}"#, "5x", false),
        (r#"{"NumericNotEquals":{"s3:max-keys":"5"}}"#, "5x", true),
        (r#"{"StringEquals":{"s3:max-keys":5}}"#, "5", true),
    ] {
        assert_eq!(holds(condition, &[("s3:max-keys", given)]), expected, "{condition} {given}");
    }
    assert_eq!(outcome(r#"{"NumericEquals":{"a:x":"ten"}}"#, &[("a:x", "10")]), UNKNOWN);
    assert!(!holds(r#"{"NumericEquals":{"a:x":"ten"}}"#, &[]), "of an absent key it is certain");
    assert!(holds(r#"{"NumericEquals":{"a:x":["ten","10"]}}"#, &[("a:x", "10")]), "another value holds");
}

// Condition operators and multivalued context key examples: their tables of results.
#[test]
fn the_tables_of_the_documentation_hold() {
    let tags =
        r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["environment","cost-center"]},"Null":{"aws:TagKeys":"false"}}"#;
    assert!(holds_for_list(tags, &["environment"]));
    assert!(holds_for_list(tags, &["environment", "cost-center"]));
    assert!(!holds_for_list(tags, &["environment", "dept"]));
    assert!(!holds(tags, &[]));
    let any = r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["environment","cost-center"]}}"#;
    assert!(holds_for_list(any, &["environment", "dept"]));
    assert!(!holds_for_list(any, &["dept"]));
    let prefix = r#"{"ForAllValues:StringNotLike":{"aws:TagKeys":"key1*"}}"#;
    assert!(!holds_for_list(prefix, &["key1:hr", "key1:personnel"]));
    assert!(holds_for_list(prefix, &["key2:audit"]));
    assert!(holds(prefix, &[]));
}
