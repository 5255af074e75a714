//! When the answer is unknown, and when what is unknown does not matter; and
//! one policy alone.

use super::super::super::statement::{Clause, Principal, Statement, Test, Who};
use super::*;
use proptest::prelude::*;

const ODD: &str = r#""Condition":{"StringIs":{"a:x":"1"}}"#;

fn odd(effect: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"s3:*","Resource":"*",{ODD}}}"#)
}

#[test]
fn unknown_is_an_answer_only_where_it_matters() {
    assert_eq!(read().identity(&odd("Allow")).outcome(), UNKNOWN);
    assert_eq!(read().identity(&odd("Allow")).identity(ALLOW_ALL).outcome(), ALLOWED);
    assert_eq!(read().identity(&odd("Deny")).identity(ALLOW_ALL).outcome(), UNKNOWN);
    assert_eq!(read().identity(&odd("Deny")).outcome(), IMPLICIT, "denied one way or the other");
    assert_eq!(read().identity(&odd("Deny")).identity(&odd("Allow")).outcome(), UNKNOWN);
    assert_eq!(read().identity(&odd("Deny")).identity(&deny("s3:*", "*")).outcome(), EXPLICIT);
    assert_eq!(read().identity(ALLOW_ALL).boundary(&odd("Allow")).outcome(), UNKNOWN);
    assert_eq!(read().identity(&odd("Allow")).boundary(NOTHING).outcome(), IMPLICIT);
    assert_eq!(ask("sqs:SendMessage", QUEUE).by(USER).identity(&odd("Deny")).identity(ALLOW_ALL).outcome(), ALLOWED);
    assert!(read().identity(&odd("Allow")).matched().is_empty());
    let misspelled = r#"{"Effect":"Allow","Principle":"*","Action":"*","Resource":"*"}"#;
    let question = read().resource(&format!("{misspelled},{}", trusts(FOREIGNER)));
    assert_eq!(question.reason(), "`Statement[0].Principle` of resource: it is not an element of a policy");
}

#[test]
fn the_reason_names_the_place() {
    assert_eq!(
        read().identity(NOTHING).identity(&format!("{NOTHING},{}", odd("Allow"))).reason(),
        "`Statement[1].Condition.StringIs.a:x` of identity[1]: its operator is not a condition operator"
    );
    let odd_version = document(&format!(r#"{{"Version":"2026-01-01","Statement":{ALLOW_ALL}}}"#));
    let decision = alone(&odd_version, &read().request);
    assert_eq!(decision.outcome, Outcome::Unknown);
    assert_eq!(decision.reason.unwrap(), "`Version` of identity[0]: it must be `2012-10-17` or `2008-10-17`");
    let principal = read().identity(&trusts(USER));
    assert_eq!(
        principal.reason(),
        "`Statement[0].Principal` of identity[0]: only the policy of a resource can name principals"
    );
    let nobody = read().rcp(&deny("*", "*")).identity(ALLOW_ALL);
    assert_eq!(
        nobody.reason(),
        "`Statement[0].Principal` of rcps[0][0]: a resource control policy can only name the principal `*`"
    );
}

#[test]
fn the_reason_of_a_denial_names_the_layer_that_did_not_allow_it() {
    assert_eq!(read().reason(), "no statement of identity allows it");
    assert_eq!(read().resource(&trusts(FOREIGNER)).reason(), "no statement of identity or resource allows it");
    let foreign = || ask("sqs:SendMessage", QUEUE).by(FOREIGNER);
    assert_eq!(
        foreign().identity(ALLOW_ALL).reason(),
        "no statement of resource allows it, as it must for a caller of another account"
    );
    assert_eq!(foreign().resource(EVERYBODY).reason(), "no statement of identity allows it");
    assert_eq!(
        foreign().identity(ALLOW_ALL).resource(EVERYBODY).boundary(NOTHING).reason(),
        "no statement of boundary allows it"
    );
}

#[test]
fn one_policy_alone_answers_what_it_says_itself() {
    let outcome = |policy: &Prepared, question: Ask| alone(policy, &question.request).outcome;
    let mixed = policy(&format!("{},{}", allow("s3:*", "*"), deny("s3:Put*", "*")));
    assert_eq!(outcome(&mixed, read()), Outcome::Allowed);
    assert_eq!(outcome(&mixed, ask("s3:PutObject", OBJECT)), Outcome::ExplicitDeny);
    assert_eq!(outcome(&mixed, ask("sqs:SendMessage", QUEUE)), Outcome::ImplicitDeny);
    assert_eq!(outcome(&policy(&odd("Allow")), read()), Outcome::Unknown);
    assert_eq!(outcome(&policy(&odd("Deny")), read()), Outcome::ImplicitDeny);
    assert_eq!(alone(&mixed, &ask("sqs:SendMessage", QUEUE).request).reason.unwrap(), "no statement allows it");

    let account = policy(&trusts(ACCOUNT));
    assert_eq!(outcome(&account, read()), Outcome::Allowed, "a delegation is a match");
    assert_eq!(alone(&account, &read().request).matched[0].layer, Layer::Resource);
    assert_eq!(outcome(&account, ask("s3:GetObject", OBJECT).by(FOREIGNER)), Outcome::ImplicitDeny);
    assert_eq!(outcome(&policy(&trusts(ROLE)), ask("s3:GetObject", OBJECT).by(SESSION)), Outcome::Allowed);
    assert_eq!(outcome(&document(r#"{"Statement":[]}"#), read()), Outcome::ImplicitDeny);
}

#[test]
fn hostile_policies_are_answered_soon() {
    let wide = format!("arn:aws:s3:::{}", "*a".repeat(10_000));
    let actions = (0..5_000).map(|number| format!("\"*{number}*{number}*\"")).collect::<Vec<_>>().join(",");
    let statement = format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}},{}"#, allow("*", &wide));
    let long = format!("arn:aws:s3:::{}", "a".repeat(9_000));
    assert_eq!(says(&statement, "s3:GetObject", &long), IMPLICIT);
    let odd = "\u{1F600}?*${}${aws:username, '}'}${*";
    for text in ["", ":", ":::::", "arn:", "*:*", odd] {
        for principal in ["", "arn:aws:iam::", "arn:aws:sts:::assumed-role", odd] {
            let question = ask(text, text).by(principal).identity(&allow(text, text)).resource(&trusts(principal));
            assert!(!question.decision().outcome.name().is_empty());
        }
    }
}

/// Texts that come close to something that has a meaning.
fn anything() -> impl Strategy<Value = String> {
    let near = r"(arn|aws|\*|\?|:|/|sts|iam|assumed-role|root|role|111122223333|\$\{[a:x*?$',}]{0,6}\}|[a-zé]){0,9}";
    prop_oneof![near.prop_map(String::from), any::<String>()]
}

proptest! {
    #[test]
    fn nothing_at_all_makes_it_panic(
        texts in proptest::collection::vec(anything(), 8),
        negated in any::<bool>(),
        operator in 0_usize..27,
        prefix in prop_oneof![Just(""), Just("ForAllValues:"), Just("ForAnyValue:"), Just("odd")],
    ) {
        let name = super::super::super::operator::Operator::names().nth(operator).unwrap_or_default();
        let clause = |text: &String| Clause { negated, values: vec![text.clone()] };
        let statement = Statement {
            sid: None,
            allows: !negated,
            principal: Some(Principal { negated, who: Who::Named(vec![("AWS".to_owned(), vec![texts[0].clone()])]) }),
            action: clause(&texts[1]),
            resource: Some(clause(&texts[2])),
            conditions: vec![Test { operator: format!("{prefix}{name}"), key: "a:x".into(), values: vec![texts[3].clone()] }],
            unknown: Vec::new(),
        };
        let policy = Prepared::new(&Policy::of(vec![statement]));
        let mut question = ask(&texts[1], &texts[4]).by(&texts[5]).with("a:x", &texts[6]).with("a:y", &texts[7]);
        question.layers.identity = vec![policy.clone()];
        question.layers.boundary = Some(policy.clone());
        question.layers.resource = Some(policy.clone());
        question.layers.scps = vec![vec![policy.clone()]];
        question.layers.rcps = vec![vec![policy.clone()]];
        let decision = question.decision();
        match decision.outcome {
            Outcome::ImplicitDeny | Outcome::Unknown => {
                prop_assert!(decision.matched.is_empty() && decision.reason.is_some());
            }
            Outcome::ExplicitDeny => prop_assert!(negated && !decision.matched.is_empty()),
            Outcome::Allowed => prop_assert!(!negated),
        }
        prop_assert!(alone(&policy, &question.request).outcome != Outcome::Allowed || !negated);
    }
}
