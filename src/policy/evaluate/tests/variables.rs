//! Variables, and what other clouds call by the same names: points 37 to 43 of
//! the semantics.

use super::*;

fn reaches(pattern: &str, resource: &str, keys: &[(&str, &str)]) -> &'static str {
    let question = ask("s3:GetObject", resource).identity(&allow("*", pattern));
    keys.iter().fold(question, |question, (key, value)| question.with(key, value)).outcome()
}

fn holds(condition: &str, keys: &[(&str, &str)]) -> bool {
    let question = ask("s3:GetObject", OBJECT).identity(&allow_if(condition));
    certainly(keys.iter().fold(question, |question, (key, value)| question.with(key, value)).outcome())
}

const HOME: &str = "arn:aws:s3:::b/${aws:username}/*";

// 37: policy variables; Version element.
#[test]
fn variables_are_only_of_version_2012() {
    assert_eq!(reaches(HOME, "arn:aws:s3:::b/ann/k", &[("aws:username", "ann")]), ALLOWED);
    for version in [r#""Version":"2008-10-17","#, ""] {
        let text = format!(r#"{{{version}"Statement":{}}}"#, allow("*", HOME));
        let asked = |resource: &str| {
            let question = ask("s3:GetObject", resource).with("aws:username", "ann");
            alone(&document(&text), &question.request).outcome
        };
        assert_eq!(asked("arn:aws:s3:::b/ann/k"), Outcome::ImplicitDeny);
        assert_eq!(asked("arn:aws:s3:::b/${aws:username}/k"), Outcome::Allowed, "it is only text");
    }
}

// 38
#[test]
fn variables_stand_in_the_last_part_of_a_resource_and_in_values_of_texts_arns_and_booleans() {
    let keys = [("aws:username", "ann"), ("a:account", ACCOUNT), ("a:flag", "true")];
    let queue = |part: &str| format!("arn:aws:sqs:eu-west-1:{part}:orders");
    assert_eq!(reaches(&queue("${a:account}"), QUEUE, &keys), UNKNOWN, "not before the fifth colon");
    assert_eq!(reaches(&queue("${aws:username}"), QUEUE, &keys), IMPLICIT);
    assert_eq!(reaches("arn:aws:sqs:eu-west-1:*:${a:queue, 'orders'}", QUEUE, &keys), ALLOWED);
    let with = |condition: &str, value: &'static str| holds(condition, &[keys.as_slice(), &[("a:x", value)]].concat());
    assert!(with(r#"{"StringEquals":{"a:x":"u-${aws:UserName}"}}"#, "u-ann"));
    assert!(with(r#"{"StringLike":{"a:x":"u-${aws:username}-*"}}"#, "u-ann-1"));
    assert!(with(r#"{"StringEqualsIgnoreCase":{"a:x":"${aws:username}"}}"#, "ANN"));
    assert!(with(r#"{"ArnLike":{"a:x":"arn:aws:iam::${a:account}:user/${aws:username}"}}"#, USER));
    assert!(with(r#"{"Bool":{"a:x":"${a:flag}"}}"#, "true"));
    assert!(with(r#"{"NumericEquals":{"a:x":["${aws:username}","5"]}}"#, "5"));
    let action = ask("s3:GetObject", OBJECT).with("a:x", "GetObject").identity(&allow("s3:${a:x}", "*"));
    assert_eq!(action.outcome(), IMPLICIT, "nor in actions");
}

// 39: policy variables, "Policy variables with no value" and "Specifying default values".
#[test]
fn a_variable_without_a_value_means_nothing_and_a_default_stands_in() {
    assert_eq!(reaches(HOME, "arn:aws:s3:::b/ann/k", &[]), IMPLICIT);
    assert_eq!(reaches(HOME, "arn:aws:s3:::b//k", &[("aws:username", "")]), IMPLICIT, "an empty text is no value");
    let but = format!(r#"{{"Effect":"Allow","Action":"*","NotResource":"{HOME}"}}"#);
    assert_eq!(says(&but, "s3:GetObject", "arn:aws:s3:::b/ann/k"), ALLOWED, "it excepts no resource");
    let both = format!(r#"{{"Effect":"Allow","Action":"*","Resource":["{HOME}","arn:aws:s3:::b/public/*"]}}"#);
    assert_eq!(says(&both, "s3:GetObject", "arn:aws:s3:::b/public/k"), ALLOWED, "the others count");

    let tags =
        |operator: &str| format!(r#"{{"{operator}":{{"s3:ExistingObjectTag/Team":"${{aws:PrincipalTag/Team}}"}}}}"#);
    let blue = [("s3:ExistingObjectTag/Team", "blue")];
    assert!(!holds(&tags("StringEquals"), &blue) && !holds(&tags("StringLike"), &blue));
    assert!(holds(&tags("StringNotEquals"), &blue) && holds(&tags("StringNotLike"), &blue));
    assert!(holds(&tags("StringEquals"), &[blue[0], ("aws:PrincipalTag/team", "blue")]));

    let team = "arn:aws:s3:::b-${aws:PrincipalTag/team, 'company-wide'}";
    assert_eq!(reaches(team, "arn:aws:s3:::b-company-wide", &[]), ALLOWED);
    assert_eq!(reaches(team, "arn:aws:s3:::b-yellow", &[("aws:PrincipalTag/team", "yellow")]), ALLOWED);
    assert_eq!(reaches(team, "arn:aws:s3:::b-company-wide", &[("aws:PrincipalTag/team", "yellow")]), IMPLICIT);
    let list = ask("s3:GetObject", "arn:aws:s3:::b/a/k").identity(&allow("*", "arn:aws:s3:::b/${aws:TagKeys}/*"));
    assert_eq!(list.with_list("aws:TagKeys", &["a"]).outcome(), IMPLICIT, "a list stands for nothing");
}

// 40: policy variables, "Special characters".
#[test]
fn escaped_signs_are_only_themselves() {
    for (pattern, name, expected) in [
        ("a${*}b", "a*b", ALLOWED),
        ("a${*}b", "axb", IMPLICIT),
        ("a${?}b", "a?b", ALLOWED),
        ("a${?}b", "axb", IMPLICIT),
        ("${$}{aws:username}", "${aws:username}", ALLOWED),
    ] {
        let arn = |name: &str| format!("arn:aws:s3:::{name}");
        assert_eq!(reaches(&arn(pattern), &arn(name), &[("aws:username", "ann")]), expected, "{pattern} {name}");
    }
    assert!(holds(r#"{"StringLike":{"a:x":"${*}?"}}"#, &[("a:x", "*1")]));
    assert!(holds(r#"{"StringEquals":{"a:x":"a${*}b"}}"#, &[("a:x", "a*b")]));
}

// 41
#[test]
fn what_stands_for_a_variable_is_text_with_its_stars() {
    assert_eq!(reaches(HOME, "arn:aws:s3:::b/ann/k", &[("aws:username", "*")]), IMPLICIT);
    assert_eq!(reaches(HOME, "arn:aws:s3:::b/*/k", &[("aws:username", "*")]), ALLOWED);
    assert!(!holds(r#"{"StringLike":{"a:x":"${a:y}"}}"#, &[("a:x", "b"), ("a:y", "?")]));
    assert!(!holds(r#"{"ArnLike":{"a:x":"arn:aws:sns:${a:y}:*:*"}}"#, &[("a:x", "arn:aws:sns:b:c:d"), ("a:y", "*")]));
    assert_eq!(
        reaches(HOME, "arn:aws:s3:::b/x/k", &[("aws:username", "${a:z}"), ("a:z", "x")]),
        IMPLICIT,
        "nor is it read again"
    );
}

// 42: the `NotActions` of an Azure role take away from that role; here they are not an element at all,
// so they never become a deny, nor the `NotAction` of AWS, which would be everything else.
#[test]
fn the_not_actions_of_azure_are_not_understood_as_not_action() {
    let azure = r#"{"Effect":"Allow","Action":"*","NotActions":["s3:Delete*"],"Resource":"*"}"#;
    let question = ask("s3:GetObject", OBJECT).identity(azure);
    assert_eq!(question.outcome(), UNKNOWN);
    assert_eq!(question.reason(), "`Statement[0].NotActions` of identity[0]: it is not an element of a policy");
    assert_eq!(ask("s3:DeleteObject", OBJECT).identity(azure).outcome(), UNKNOWN);
    assert!(Policy::read(r#"{"Statement":{"Effect":"Allow","NotActions":["s3:Delete*"],"Resource":"*"}}"#).is_err());
}

// 43: a condition of Google Cloud is an expression in a language of its own.
#[test]
fn the_expressions_of_google_are_not_understood_as_conditions() {
    let google = r#"{"Effect":"Allow","Action":"*","Resource":"*","condition":{"expression":"request.time < timestamp('2026-01-01T00:00:00Z')"}}"#;
    assert_eq!(ask("s3:GetObject", OBJECT).identity(google).outcome(), UNKNOWN);
    let inside = allow_if(r#"{"expression":{"cel":"true"}}"#);
    let question = ask("s3:GetObject", OBJECT).identity(&inside);
    assert_eq!(
        question.reason(),
        "`Statement[0].Condition.expression.cel` of identity[0]: its operator is not a condition operator"
    );
}
