//! Edits that change nothing change no word.

use super::explained;
use crate::policy::catalogue::Catalogue;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A statement before it is written down, in one of its many ways.
#[derive(Debug, Clone)]
struct Plan {
    allow: bool,
    not_resource: bool,
    actions: Vec<&'static str>,
    resources: Vec<&'static str>,
    principals: Vec<&'static str>,
    conditions: Vec<(&'static str, &'static str, Vec<&'static str>)>,
}

const ACTIONS: [&str; 16] = [
    "s3:GetObject",
    "s3:Get*",
    "s3:*",
    "s3:ListBucket",
    "s3:Delete*",
    "sqs:SendMessage",
    "sqs:*Message",
    "sqs:*",
    "ec2:Describe*",
    "iam:PassRole",
    "kms:Decrypt",
    "sts:AssumeRole",
    "nowhere:Do",
    "nowhere:*",
    "s?s:Tag*",
    "*",
];
const RESOURCES: [&str; 9] = [
    "*",
    "arn:aws:s3:::orders",
    "arn:aws:s3:::orders/*",
    "arn:aws:s3:::orders/a",
    "arn:aws:s3:::or*",
    "arn:aws:sqs:eu-west-1:123456789012:q",
    "arn:aws:sqs:*:123456789012:*",
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:s3:::${aws:username}",
];

fn plan(principals: bool) -> impl Strategy<Value = Plan> {
    let some = |of: &'static [&'static str], most: usize| prop::sample::subsequence(of, 1..=most);
    let callers: &'static [&'static str] = &["*", "123456789012", "arn:aws:iam::123456789012:role/r"];
    let callers = if principals { some(callers, 3).boxed() } else { Just(Vec::new()).boxed() };
    let conditions = prop::sample::subsequence(
        vec![
            ("StringEquals", "aws:SourceVpce", vec!["vpce-1", "vpce-2"]),
            ("Bool", "aws:SecureTransport", vec!["true"]),
            ("StringNotLike", "aws:PrincipalArn", vec!["arn:aws:iam::*:role/a*", "arn:aws:iam::1:user/b"]),
        ],
        0..=2,
    );
    (any::<bool>(), prop::bool::weighted(0.1), some(&ACTIONS, 4), some(&RESOURCES, 3), callers, conditions).prop_map(
        |(allow, not_resource, actions, resources, principals, conditions)| Plan {
            allow,
            not_resource,
            actions,
            resources,
            principals,
            conditions,
        },
    )
}

/// A source of decisions that a failing test can repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.roll(at + 1));
        }
    }

    fn case(&mut self, text: &str) -> String {
        match self.roll(3) {
            0 => text.to_ascii_lowercase(),
            1 => text.to_ascii_uppercase(),
            _ => text.to_owned(),
        }
    }

    /// One text alone or in a list; more in any order, perhaps repeated.
    fn list(&mut self, mut texts: Vec<String>) -> Value {
        if self.roll(3) == 0 {
            texts.push(texts[0].clone());
        }
        self.shuffle(&mut texts);
        if texts.len() == 1 && self.roll(2) == 0 { json!(texts[0]) } else { json!(texts) }
    }
}

fn written(plan: &Plan, dice: &mut Dice, edited: bool) -> Value {
    let mut actions = Vec::new();
    for action in &plan.actions {
        let (service, name) = action.split_once(':').unwrap_or(("", ""));
        let service = Catalogue::embedded().service(service).filter(|_| edited && name.contains('*'));
        match service.filter(|_| dice.roll(2) == 0) {
            Some(service) => {
                actions.extend(service.matching(name).iter().map(|known| format!("{}:{}", service.prefix, known.name)));
            }
            None => actions.push((*action).to_owned()),
        }
    }
    let mut texts = |texts: Vec<String>, case: bool| {
        if !edited {
            return json!(texts);
        }
        let texts = texts.iter().map(|text| if case { dice.case(text) } else { text.clone() }).collect();
        dice.list(texts)
    };
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let what = if plan.not_resource { "NotResource" } else { "Resource" };
    let mut statement = json!({
        "Effect": if plan.allow { "Allow" } else { "Deny" },
        "Action": texts(actions, true),
        what: texts(owned(&plan.resources), false),
    });
    if !plan.principals.is_empty() {
        statement["Principal"] = json!({ "AWS": texts(owned(&plan.principals), false) });
    }
    for (operator, key, values) in &plan.conditions {
        let (key, values) =
            if edited { (dice.case(key), dice.list(owned(values))) } else { ((*key).to_owned(), json!(values)) };
        statement["Condition"][*operator][key] = values;
    }
    if edited && dice.roll(2) == 0 {
        statement["Sid"] = json!(format!("S{}", dice.roll(1000)));
    }
    statement
}

/// The same statement as several, or beside some that it covers.
fn split(plan: &Plan, dice: &mut Dice) -> Vec<Plan> {
    let mut plans = vec![plan.clone()];
    for _ in 0..dice.roll(3) {
        let at = dice.roll(plans.len());
        let whole = plans[at].clone();
        let half = |texts: &[&'static str]| {
            let (a, b) = texts.split_at(texts.len() / 2);
            (a.to_vec(), b.to_vec())
        };
        let (mut one, mut two) = (whole.clone(), whole.clone());
        match dice.roll(4) {
            0 if whole.actions.len() > 1 => (one.actions, two.actions) = half(&whole.actions),
            1 if whole.resources.len() > 1 && !whole.not_resource => {
                (one.resources, two.resources) = half(&whole.resources);
            }
            2 if whole.principals.len() > 1 => (one.principals, two.principals) = half(&whole.principals),
            // Covered by the whole.
            3 => two.conditions.push(("StringEquals", "aws:userid", vec!["u"])),
            _ => {}
        }
        plans[at] = one;
        plans.push(two);
    }
    plans
}

fn document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn check(plans: &[Plan], seed: u64) -> Result<(), TestCaseError> {
    let dice = &mut Dice(seed);
    let plain: Vec<Value> = plans.iter().map(|plan| written(plan, dice, false)).collect();
    let mut edited: Vec<Plan> = plans.iter().flat_map(|plan| split(plan, dice)).collect();
    dice.shuffle(&mut edited);
    let edited: Vec<Value> = edited.iter().map(|plan| written(plan, dice, true)).collect();
    let (before, after) = (document(&plain), document(&edited));
    let (before_said, after_said) = (explained(&before), explained(&after));
    prop_assert_eq!(before_said.text(), after_said.text(), "{}\n{}", before, after);
    prop_assert_eq!(before_said.summary(), after_said.summary());
    let marks = |said: &crate::policy::explain::Explanation| -> Vec<_> {
        said.sentences.iter().map(|s| (s.sensitivity, s.service.clone(), s.denial)).collect()
    };
    prop_assert_eq!(marks(&before_said), marks(&after_said));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_word_changes_for_an_identity(plans in prop::collection::vec(plan(false), 1..5), seed in any::<u64>()) {
        check(&plans, seed)?;
    }

    #[test]
    fn no_word_changes_for_a_resource(plans in prop::collection::vec(plan(true), 1..4), seed in any::<u64>()) {
        check(&plans, seed)?;
    }
}
