//! Random policies, and identities that ask for what they allow or for a bit more.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};

/// What belongs together: resources, and actions and levels that act on them.
#[derive(Debug)]
struct Family {
    actions: &'static [&'static str],
    levels: &'static [&'static str],
    /// What scopes name, from narrow to wide.
    resources: &'static [&'static str],
    /// What rules name besides.
    wide: &'static [&'static str],
}

const ALL: &[&str] = &["List", "Read", "Write", "Tagging", "Permissions"];

const FAMILIES: &[Family] = &[
    Family {
        actions: &[
            "s3:GetObject",
            "S3:getobject",
            "s3:GetObject*",
            "s3:Get*",
            "s3:*Object",
            "s3:?etObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:PutObjectTagging",
            "s3:PutObjectAcl",
            "s3:*",
        ],
        levels: ALL,
        resources: &[
            "arn:aws:s3:::shop-in/a",
            "arn:aws:s3:::shop-in/a*",
            "arn:aws:s3:::shop-in/*",
            "arn:aws:s3:::shop-?n/*",
            "arn:aws:s3:::shop*/*",
            "arn:aws:s3:::shop-orders/*",
            "arn:aws:s3:::bank-in/*",
            "arn:aws:s3:::*/a*",
        ],
        wide: &[
            "arn:aws:s3:::${namespace}-*",
            "arn:aws:s3:::${namespace}-${name}/*",
            "arn:aws:s3:::*",
            "*",
            "arn:*:s3:::shop-*/*",
            "arn:aws:s3:::*-in/*a*",
            "arn:aws:s3:::shop-in",
        ],
    },
    Family {
        actions: &[
            "s3:ListBucket",
            "s3:ListBucket*",
            "s3:GetBucketPolicy",
            "s3:PutBucketPolicy",
            "s3:*Bucket*",
            "s3:*",
        ],
        levels: ALL,
        resources: &["arn:aws:s3:::shop-in", "arn:aws:s3:::shop-*", "arn:aws:s3:::*", "arn:aws:s3:::bank-in"],
        wide: &["arn:aws:s3:::${namespace}-*", "arn:aws:s3:::${name}", "arn:aws:s3:::shop-in/*", "*"],
    },
    Family {
        actions: &["sqs:SendMessage", "sqs:Send*", "sqs:ReceiveMessage", "sqs:*Message", "sqs:AddPermission", "SQS:*"],
        levels: &["Read", "Write", "Tagging", "Permissions"],
        resources: &[
            "arn:aws:sqs:eu-west-1:123456789012:orders",
            "arn:aws:sqs:eu-west-1:123456789012:o*",
            "arn:aws:sqs:*:123456789012:orders",
            "arn:aws:sqs:eu-*-1:123456789012:orders-?",
        ],
        wide: &["arn:aws:sqs:*:*:${name}*", "arn:aws:sqs:eu-west-1:123456789012:*", "arn:aws:sqs*", "*"],
    },
    Family {
        actions: &["iam:PassRole", "iam:Pass*", "iam:GetRole", "iam:TagRole", "iam:*Role"],
        levels: &["Read", "Write"],
        resources: &[
            "arn:aws:iam::123456789012:role/app",
            "arn:aws:iam::123456789012:role/a*",
            "arn:aws:iam::123456789012:role/app/*",
            "arn:aws:iam::123456789012:role/ambit/sim/x",
        ],
        wide: &["arn:aws:iam::123456789012:role/*", "arn:aws:iam::*:role/app*", "*"],
    },
    Family {
        actions: &["sts:AssumeRole", "sts:Assume*", "sts:TagSession", "sts:*"],
        levels: &["Write", "Tagging"],
        resources: &[
            "arn:aws:iam::123456789012:role/app",
            "arn:aws:iam::123456789012:role/?pp",
            "arn:aws:iam::123456789012:role/*bit/sim/*",
        ],
        wide: &["arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/app", "*"],
    },
];

/// Operator, key, values.
type Test = (&'static str, &'static str, &'static [&'static str]);

const CONDITIONS: &[Test] = &[
    ("StringEquals", "aws:SourceVpce", &["vpce-1"]),
    ("StringEquals", "aws:sourcevpce", &["vpce-1", "vpce-2"]),
    ("StringEqualsIfExists", "aws:SourceVpce", &["vpce-1"]),
    ("StringLike", "aws:SourceVpce", &["vpce-*"]),
    ("StringNotEquals", "aws:SourceVpce", &["vpce-2"]),
    ("StringEqualsIgnoreCase", "aws:SourceVpce", &["VPCE-1"]),
    ("Null", "aws:SourceVpce", &["false"]),
    ("Null", "aws:SourceVpce", &["true"]),
    ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"]),
    ("IpAddress", "aws:SourceIp", &["10.1.0.0/16"]),
    ("NotIpAddress", "aws:SourceIp", &["10.1.0.0/16"]),
    ("Bool", "aws:SecureTransport", &["true"]),
    ("BoolIfExists", "aws:SecureTransport", &["false"]),
    ("ForAnyValue:StringEquals", "aws:TagKeys", &["team"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["team", "owner"]),
    ("DateLessThan", "aws:CurrentTime", &["2027-01-01T00:00:00Z"]),
    ("StringEquals", "aws:ResourceTag/team", &["shop"]),
];

/// Conditions that rules have besides.
const OWN: &[Test] = &[
    ("StringEquals", "aws:ResourceTag/team", &["${namespace}"]),
    ("StringLike", "aws:SourceVpce", &["*-1"]),
    ("StringNotEquals", "aws:SourceVpce", &["vpce-1"]),
];

/// Policies by their `spec` without selector, and the scopes of an identity.
#[derive(Debug, Clone)]
pub struct Case {
    pub policies: Vec<Value>,
    pub scopes: Vec<Value>,
    /// Where sampling begins.
    pub seed: u64,
}

fn conditions(tests: &[Test]) -> Value {
    let one = |(operator, key, values): &Test| json!({"key": key, "operator": operator, "values": values});
    tests.iter().map(one).collect()
}

fn tests(from: Vec<Test>, most: usize) -> impl Strategy<Value = Vec<Test>> {
    let most = most.min(from.len());
    // One of each operator and key: a scope may not have more.
    prop_oneof![3 => Just(Vec::new()), 2 => subsequence(from, 1..=most)].prop_map(|mut tests| {
        let mut seen = std::collections::BTreeSet::new();
        tests.retain(|(operator, key, _)| seen.insert((*operator, key.to_ascii_lowercase())));
        tests
    })
}

/// Actions or levels of a family; whether levels.
fn grant(family: &'static Family) -> impl Strategy<Value = (bool, Vec<&'static str>)> {
    let some = |texts: &'static [&'static str]| subsequence(texts.to_vec(), 1..=3.min(texts.len()));
    prop_oneof![3 => some(family.actions).prop_map(|actions| (false, actions)), 2 => some(family.levels).prop_map(|levels| (true, levels))]
}

fn element((levels, texts): (bool, Vec<&str>), resources: &[&str], conditions: Value) -> Map<String, Value> {
    let mut element = Map::new();
    element.insert(if levels { "access" } else { "actions" }.into(), json!(texts));
    element.insert("resources".into(), json!(resources));
    if conditions != json!([]) {
        element.insert("conditions".into(), conditions);
    }
    element
}

fn family() -> impl Strategy<Value = &'static Family> {
    (0..FAMILIES.len()).prop_map(|index| &FAMILIES[index])
}

fn rule() -> impl Strategy<Value = Map<String, Value>> {
    let everything = prop_oneof![1 => Just(true), 6 => Just(false)];
    (family(), everything).prop_flat_map(|(family, everything)| {
        let resources: Vec<&str> = family.resources.iter().chain(family.wide).copied().collect();
        let known = CONDITIONS.iter().chain(OWN).copied().collect();
        (grant(family), subsequence(resources, 1..=3), tests(known, 2)).prop_map(move |(grant, resources, tests)| {
            let grant = if everything { (false, vec!["*"]) } else { grant };
            element(grant, &resources, conditions(&tests))
        })
    })
}

fn free_scope() -> impl Strategy<Value = Map<String, Value>> {
    family().prop_flat_map(|family| {
        (grant(family), subsequence(family.resources.to_vec(), 1..=2), tests(CONDITIONS.to_vec(), 2))
            .prop_map(|(grant, resources, tests)| element(grant, &resources, conditions(&tests)))
    })
}

/// A scope for what a rule is for: never more actions, its conditions and perhaps more, resources
/// that may be inside and may be outside.
fn scope_below(
    rule: &Map<String, Value>,
    (keeps, more): (bool, Vec<Test>),
    resource: Index,
    grant: Index,
) -> Option<Map<String, Value>> {
    let mut scope = rule.clone();
    let resources = rule["resources"].as_array()?;
    let first = resources[0].as_str()?.replace("${namespace}", "shop").replace("${name}", "orders");
    let family = FAMILIES.iter().find(|family| {
        let knows = |text: &Value| family.resources.iter().chain(family.wide).any(|known| *text == json!(known));
        resources.iter().all(knows)
    })?;
    if first.contains("*:") || first == "*" || !first.starts_with("arn:aws:") || first == "arn:aws:sqs*" || !keeps {
        scope["resources"] = json!([resource.get(family.resources)]);
    } else {
        scope["resources"] = json!([first]);
    }
    if rule.get("actions") == Some(&json!(["*"])) {
        scope["actions"] = json!([grant.get(family.actions)]);
    } else if let Some(levels) = rule.get("access").and_then(Value::as_array) {
        scope["access"] = json!([grant.get(levels)]);
    }
    let mut conditions = rule.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    for condition in &mut conditions {
        let text = condition.to_string().replace("${namespace}", "shop");
        *condition = serde_json::from_str(&text).ok()?;
    }
    for (operator, key, values) in more {
        let is_there = |known: &Value| {
            known["operator"] == operator && known["key"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(key))
        };
        if !conditions.iter().any(is_there) {
            conditions.push(json!({"key": key, "operator": operator, "values": values}));
        }
    }
    if !conditions.is_empty() {
        scope.insert("conditions".into(), json!(conditions));
    }
    Some(scope)
}

fn policy() -> impl Strategy<Value = Value> {
    let rules = |most: usize| proptest::collection::vec(rule(), 0..=most);
    let permissions = select(vec![None, None, Some("Allow"), Some("Allow"), Some("Forbid")]);
    let denies = prop_oneof![3 => Just(Vec::new()), 2 => rules(2)];
    (proptest::collection::vec(rule(), 1..=4), denies, permissions).prop_map(|(allow, deny, permissions)| {
        let named = |rules: Vec<Map<String, Value>>| -> Value {
            let named = rules.into_iter().enumerate().map(|(index, mut rule)| {
                rule.insert("name".into(), json!(format!("r{index}")));
                Value::Object(rule)
            });
            named.collect()
        };
        let mut spec = json!({"allow": named(allow), "deny": named(deny)});
        if let Some(permissions) = permissions {
            spec["permissionsManagement"] = json!(permissions);
        }
        spec
    })
}

/// A pair.
pub fn case() -> impl Strategy<Value = Case> {
    let fits = prop_oneof![3 => Just(true), 1 => Just(false)];
    let below = (any::<Index>(), fits, tests(CONDITIONS.to_vec(), 1), any::<Index>(), any::<Index>());
    let below = prop_oneof![4 => below.prop_map(Some), 1 => Just(None)];
    let scopes = proptest::collection::vec((free_scope(), below), 1..=3);
    let policies = proptest::collection::vec(policy(), 1..=3);
    (policies, scopes, any::<u64>()).prop_map(|(policies, scopes, seed)| {
        let rules: Vec<&Value> = policies.iter().flat_map(|policy| policy["allow"].as_array().unwrap()).collect();
        let scopes = scopes.into_iter().enumerate().map(|(index, (free, below))| {
            let below = below.and_then(|(rule, keeps, more, resource, grant)| {
                scope_below(rule.get(&rules).as_object()?, (keeps, more), resource, grant)
            });
            let mut scope = below.unwrap_or(free);
            scope.insert("name".into(), json!(format!("s{index}")));
            Value::Object(scope)
        });
        let scopes = scopes.collect();
        Case { policies, scopes, seed }
    })
}

/// A policy of some rules, and scopes in the words of the rules.
pub fn same() -> impl Strategy<Value = Case> {
    (proptest::collection::vec(rule(), 1..=3), any::<u64>()).prop_map(|(rules, seed)| {
        let named = |(index, rule): (usize, &Map<String, Value>)| {
            let mut rule = rule.clone();
            rule.insert("name".into(), json!(format!("s{index}")));
            Value::Object(rule)
        };
        let allow: Vec<Value> = rules.iter().enumerate().map(named).collect();
        let filled = |rule: &Value| -> Value {
            let text = rule.to_string().replace("${namespace}", "shop").replace("${name}", "orders");
            serde_json::from_str(&text).unwrap_or_default()
        };
        let scopes = allow.iter().map(filled).collect();
        Case { policies: vec![json!({"allow": allow, "permissionsManagement": "Allow"})], scopes, seed }
    })
}
