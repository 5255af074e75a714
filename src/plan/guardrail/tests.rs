use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::v1alpha1::{MachineIdentity, ScopePolicy};
use crate::plan::sample::{self, declaration, grounds, installation, key};
use crate::plan::{Reason, Refusal, resolve};
use crate::policy::Catalogue;

/// A policy for the sample's namespace and account.
fn policy(name: &str, rules: &Value) -> Arc<ScopePolicy> {
    let mut spec = json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}});
    spec.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
    let object =
        json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": name}, "spec": spec});
    Arc::new(serde_json::from_value(object).unwrap())
}

fn identity(scopes: &Value) -> MachineIdentity {
    let mut identity = sample::identity();
    identity.spec.scopes = serde_json::from_value(scopes.clone()).unwrap();
    identity
}

fn judged(identity: &MachineIdentity, policies: Vec<Arc<ScopePolicy>>) -> Result<(), Refusal> {
    let (installation, key) = (installation(), key());
    let mut grounds = grounds(&installation);
    grounds.policies = policies;
    resolve(declaration(identity, &key), &grounds, Catalogue::embedded()).map(drop)
}

/// The sentences with which scopes are refused under rules.
fn refused(rules: &Value, scopes: &Value) -> Vec<String> {
    told(judged(&identity(scopes), vec![policy("shop", rules)]))
}

fn told(judged: Result<(), Refusal>) -> Vec<String> {
    let refusal = judged.expect_err("it was accepted");
    assert!(refusal.objection.is_some());
    refusal.faults.into_iter().map(|fault| format!("{:?} {}: {}", fault.reason, fault.field, fault.message)).collect()
}

/// A scope is refused under rules, for one thing, at this place and with these words.
fn says(rules: &Value, scope: &Value, place: &str, words: &str) {
    let expected = format!("ScopeDenied spec.scopes[0]{place}: 'shop/orders' asks in scope `x` {words}");
    assert_eq!(refused(rules, &json!([named(scope)])), [expected]);
}

/// The scope with the name that [`says`] expects.
fn named(scope: &Value) -> Value {
    let mut scope = scope.clone();
    scope["name"] = json!("x");
    scope
}

fn accepted(rules: &Value, scopes: &Value) {
    if let Err(refusal) = judged(&identity(scopes), vec![policy("shop", rules)]) {
        panic!("refused: {}", refusal.verdict.message);
    }
}

/// A rule for the sample's data.
fn data() -> Value {
    json!({"allow": [{"name": "data", "access": ["List", "Read"], "resources": ["arn:aws:s3:::${namespace}-*"]}]})
}

/// A rule that allows everything, permissions too, and what else is set.
fn all(rest: &Value) -> Value {
    let mut rules = json!({
        "allow": [{"name": "all", "actions": ["*"], "resources": ["*"]}], "permissionsManagement": "Allow",
    });
    rules.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    rules
}

/// Reading of objects, under conditions of the rule.
fn reading(conditions: &Value) -> Value {
    json!({"allow": [{"name": "data", "actions": ["s3:Get*"], "resources": ["*"], "conditions": conditions}]})
}

const VPCE: &str = r#"{"key": "aws:SourceVpce", "operator": "StringEquals", "values": ["vpce-1"]}"#;
const READ_BANK: &str = "to read object `bank-in/x`";
const BANK: &str = "(`s3:GetObject` on `arn:aws:s3:::bank-in/x`), which no ScopePolicy allows; nearest is rule `data` of ScopePolicy 'shop', which";

fn vpce() -> Value {
    serde_json::from_str(VPCE).unwrap()
}

#[test]
fn what_a_rule_says_may_be_asked_for() {
    let both = ["arn:aws:s3:::shop-in", "arn:aws:s3:::shop-in/*"];
    accepted(&data(), &json!([{"name": "x", "access": ["List", "Read"], "resources": both}]));
    accepted(&data(), &json!([{"name": "x", "access": ["Read"], "resources": ["arn:aws:s3:::shop-*"]}]));
    accepted(&data(), &json!([{"name": "x", "actions": ["S3:getobject", "s3:ListBucket"], "resources": both}]));
    let objects = ["arn:aws:s3:::shop-in/*"];
    let scope = json!([{"name": "x", "actions": ["s3:GetObject"], "resources": objects, "conditions": [vpce()]}]);
    accepted(&data(), &scope);
    accepted(&reading(&json!([vpce()])), &scope);
}

// ---- not allowed ----

#[test]
fn a_level_that_no_rule_allows() {
    let both = ["arn:aws:s3:::shop-in", "arn:aws:s3:::shop-in/*"];
    let ask = ", or ask the owners of ScopePolicy 'shop'";
    let lack =
        "which no ScopePolicy allows; nearest is rule `data` of ScopePolicy 'shop', which does not allow the action: ";
    let words = format!("to delete bucket `shop-in` (`s3:DeleteBucket` on `arn:aws:s3:::shop-in`), {lack}");
    let two = json!({"access": ["List", "Write"], "resources": both});
    says(&data(), &two, ".access[1]", &format!("{words}leave `Write` out of `access`{ask}"));
    let words = format!("to delete object `shop-in/x` (`s3:DeleteObject` on `arn:aws:s3:::shop-in/x`), {lack}");
    let one = json!({"access": ["Write"], "resources": ["arn:aws:s3:::shop-in/*"]});
    says(&data(), &one, ".access[0]", &format!("{words}name the actions that are needed instead of `access`{ask}"));
}

#[test]
fn an_action_that_no_rule_allows() {
    let asks = |actions: &[&str], place: &str, change: &str| {
        let scope = json!({"actions": actions, "resources": ["arn:aws:s3:::shop-in/*"]});
        let words = format!(
            "to delete object `shop-in/x` (`s3:DeleteObject` on `arn:aws:s3:::shop-in/x`), which no ScopePolicy allows; nearest is rule `data` of ScopePolicy 'shop', which does not allow the action: {change}, or ask the owners of ScopePolicy 'shop'"
        );
        says(&data(), &scope, place, &words);
    };
    asks(&["s3:DeleteObject"], ".actions[0]", "leave the scope out");
    asks(&["s3:GetObject", "s3:deleteobject"], ".actions[1]", "leave `s3:deleteobject` out");
    let name = "name the actions that are needed instead of `s3:DeleteObj*ct`";
    asks(&["s3:GetObject", "s3:DeleteObj*ct"], ".actions[1]", name);
}

#[test]
fn actions_that_may_come() {
    let scope = json!({"actions": ["s3:Get*"], "resources": ["arn:aws:s3:::shop-in/*"]});
    let words = "by `s3:Get*` also for actions that AWS may add later, which no ScopePolicy allows; nearest is rule `data` of ScopePolicy 'shop', which allows none of those: name the actions that are needed instead of `s3:Get*`, or ask the owners of ScopePolicy 'shop'";
    says(&data(), &scope, ".actions[0]", words);
}

#[test]
fn a_resource_that_no_rule_allows() {
    let reads = |resources: &[&str]| json!({"actions": ["s3:GetObject"], "resources": resources});
    let ask = ", or ask the owners of ScopePolicy 'shop'";
    let lack = "is for `arn:aws:s3:::shop-*`";
    let words = format!("to read object `x/x` {}", BANK.replace("bank-in", "x"));
    let narrow = "narrow `arn:aws:s3:::*` to `arn:aws:s3:::shop-*`";
    says(&data(), &reads(&["arn:aws:s3:::*"]), ".resources[0]", &format!("{words} {lack}: {narrow}{ask}"));

    let words = format!("{READ_BANK} {BANK} {lack}");
    let name = "name a resource that it is for";
    says(&data(), &reads(&["arn:aws:s3:::bank-in/*"]), ".resources[0]", &format!("{words}: {name}{ask}"));
    let out = "leave `arn:aws:s3:::bank-in/*` out";
    let two = reads(&["arn:aws:s3:::shop-in/*", "arn:aws:s3:::bank-in/*"]);
    says(&data(), &two, ".resources[1]", &format!("{words}: {out}{ask}"));

    let words = format!("to read object `shop/x` {}", BANK.replace("bank-in", "shop"));
    let stay = "narrow `arn:aws:s3:::shop*/*` so that it stays within `arn:aws:s3:::shop-*`";
    says(&data(), &reads(&["arn:aws:s3:::shop*/*"]), ".resources[0]", &format!("{words} {lack}: {stay}{ask}"));
}

#[test]
fn of_many_resources_two_are_named() {
    let buckets: Vec<String> = ["a", "b", "c", "d"].iter().map(|name| format!("arn:aws:s3:::{name}/*")).collect();
    let rules = json!({"allow": [{"name": "data", "actions": ["s3:GetObject"], "resources": buckets}]});
    let scope = json!({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]});
    let words = format!(
        "{READ_BANK} {BANK} is for `arn:aws:s3:::a/*` or `arn:aws:s3:::b/*` or 2 more: name a resource that it is for, or ask the owners of ScopePolicy 'shop'"
    );
    says(&rules, &scope, ".resources[0]", &words);
}

#[test]
fn actions_that_do_not_act_on_a_resource_belong_apart() {
    let rules = json!({"allow": [
        {"name": "bucket", "actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::shop-in"]},
        {"name": "objects", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop-in/*"]},
    ]});
    let mixed = json!({
        "actions": ["s3:ListBucket", "s3:GetObject"], "resources": ["arn:aws:s3:::shop-in", "arn:aws:s3:::shop-in/*"],
    });
    let found = refused(&rules, &json!([named(&mixed)])).remove(0);
    let change = ": give each kind of resource a scope of its own, with only the actions that act on it, or ask the owners of ScopePolicy 'shop'";
    assert!(found.ends_with(change), "{found}");
    accepted(
        &rules,
        &json!([
            {"name": "x", "actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::shop-in"]},
            {"name": "y", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop-in/*"]},
        ]),
    );
}

#[test]
fn neither_action_nor_resource() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:q";
    let sends = json!({"actions": ["sqs:SendMessage"], "resources": [queue]});
    let words = "to send messages to queue `q` (`sqs:SendMessage` on `arn:aws:sqs:eu-west-1:123456789012:q`), which no";
    says(
        &data(),
        &sends,
        ".actions[0]",
        &format!("{words} rule of ScopePolicy 'shop' comes near to allowing: leave the scope out, or ask its owners"),
    );
    let other =
        json!({"allow": [{"name": "q", "actions": ["sqs:ReceiveMessage"], "resources": [format!("{queue}2")]}]});
    let lack = "which allows other actions, on `arn:aws:sqs:eu-west-1:123456789012:q2`";
    let ask = "leave the scope out, or ask the owners of ScopePolicy 'shop'";
    let words = format!("{words} ScopePolicy allows; nearest is rule `q` of ScopePolicy 'shop', {lack}: {ask}");
    says(&other, &sends, ".actions[0]", &words);
}

#[test]
fn of_many_policies_two_are_named() {
    let policies = ["d", "b", "c", "a"].map(|name| policy(name, &json!({}))).to_vec();
    let sends =
        json!([{"name": "x", "actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:123456789012:q"]}]);
    let found = told(judged(&identity(&sends), policies)).remove(0);
    let end = "which no rule of ScopePolicy 'a' or 'b' or 2 more comes near to allowing: leave the scope out, or ask its owners";
    assert!(found.ends_with(end), "{found}");
}

// ---- conditions ----

#[test]
fn a_condition_that_the_scope_lacks() {
    let scope = |conditions: &Value| json!({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"], "conditions": conditions});
    let ask = ", or ask the owners of ScopePolicy 'shop'";
    let lack = "allows it only with the condition `aws:SourceVpce` StringEquals `vpce-1`";
    let words = format!("{READ_BANK} {BANK} {lack}: give the scope that condition{ask}");
    says(&reading(&json!([vpce()])), &scope(&json!([])), "", &words);

    let secure = json!({"key": "aws:SecureTransport", "operator": "Bool", "values": ["true"]});
    let both = reading(&json!([vpce(), secure]));
    let lack = "allows it only with the conditions `aws:SourceVpce` StringEquals `vpce-1` and `aws:SecureTransport` Bool `true`";
    says(&both, &scope(&json!([])), "", &format!("{READ_BANK} {BANK} {lack}: give the scope those conditions{ask}"));
    let lack = "allows it only with the condition `aws:SecureTransport` Bool `true`";
    let words =
        format!("{READ_BANK}, where `aws:SourceVpce` is `vpce-1` {BANK} {lack}: give the scope that condition{ask}");
    says(&both, &scope(&json!([vpce()])), "", &words);
}

#[test]
fn a_condition_that_is_weaker_than_the_rules() {
    let weaker = json!([{"key": "AWS:sourcevpce", "operator": "StringLike", "values": ["vpce-1*"]}]);
    let scope = json!({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"], "conditions": weaker});
    let words = format!(
        "{READ_BANK}, where `aws:SourceVpce` is `vpce-1x` {BANK} allows it only with the condition `aws:SourceVpce` StringEquals `vpce-1`: put that condition in place of the scope's own on `AWS:sourcevpce`, or ask the owners of ScopePolicy 'shop'"
    );
    says(&reading(&json!([vpce()])), &scope, ".conditions[0]", &words);
}

// ---- denied ----

#[test]
fn a_denied_resource() {
    let rules = all(
        &json!({"deny": [{"name": "prod", "actions": ["*"], "resources": ["arn:aws:s3:::prod-*", "arn:aws:s3:::x"]}]}),
    );
    let words = |object: &str| {
        format!(
            "to read object `{object}` (`s3:GetObject` on `arn:aws:s3:::{object}`), which rule `prod` of ScopePolicy 'shop' denies"
        )
    };
    let ask = ", or ask the owners of ScopePolicy 'shop'";
    let reads = |resources: &[&str]| json!({"actions": ["s3:GetObject"], "resources": resources});
    let narrow = ": narrow `arn:aws:s3:::*/a` so that it leaves out `arn:aws:s3:::prod-*`";
    says(&rules, &reads(&["arn:aws:s3:::*/a"]), ".resources[0]", &format!("{}{narrow}{ask}", words("prod-y/a")));
    let leave = ": leave `arn:aws:s3:::prod-a/*` out";
    let two = reads(&["arn:aws:s3:::b/*", "arn:aws:s3:::prod-a/*"]);
    says(&rules, &two, ".resources[1]", &format!("{}{leave}{ask}", words("prod-a/x")));
    let scope = ": leave the scope out";
    says(&rules, &reads(&["arn:aws:s3:::prod-a/*"]), ".actions[0]", &format!("{}{scope}{ask}", words("prod-a/x")));
}

#[test]
fn a_denied_action() {
    let rules = all(&json!({"deny": [{"name": "no-rds", "actions": ["rds-db:*"], "resources": ["*"]}]}));
    let user = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-1/app";
    let scope = json!({"actions": ["rds-db:connect"], "resources": [user]});
    let found = refused(&rules, &json!([named(&scope)])).remove(0);
    let end = "(`rds-db:connect` on `arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-1/app`), which rule `no-rds` of ScopePolicy 'shop' denies: leave the scope out, or ask the owners of ScopePolicy 'shop'";
    assert!(found.starts_with("ScopeDenied spec.scopes[0].actions[0]: 'shop/orders' asks in scope `x` to "), "{found}");
    assert!(found.ends_with(end), "{found}");
}

#[test]
fn a_denial_under_conditions() {
    let outside = json!([{"key": "aws:SourceVpce", "operator": "StringNotEquals", "values": ["vpce-1"]}]);
    let rules =
        all(&json!({"deny": [{"name": "outside", "actions": ["s3:*"], "resources": ["*"], "conditions": outside}]}));
    let scope = json!({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]});
    let words = format!(
        "{READ_BANK} (`s3:GetObject` on `arn:aws:s3:::bank-in/x`), which rule `outside` of ScopePolicy 'shop' denies where `aws:SourceVpce` StringNotEquals `vpce-1`: give the scope conditions that rule this out, or ask the owners of ScopePolicy 'shop'"
    );
    says(&rules, &scope, "", &words);
    let mut inside = scope;
    inside["conditions"] = json!([vpce()]);
    accepted(&rules, &json!([named(&inside)]));
}

#[test]
fn a_denial_of_any_policy_wins() {
    let scope = json!([{"name": "x", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]}]);
    let open = || policy("open", &all(&json!({})));
    let closed = policy(
        "closed",
        &json!({"deny": [{"name": "bank", "access": ["Read"], "resources": ["arn:aws:s3:::bank-*"]}]}),
    );
    assert_eq!(judged(&identity(&scope), vec![open()]), Ok(()));
    let found = told(judged(&identity(&scope), vec![open(), closed])).remove(0);
    assert!(found.contains("which rule `bank` of ScopePolicy 'closed' denies: "), "{found}");
    assert!(found.ends_with(", or ask the owners of ScopePolicy 'closed'"), "{found}");
}

// ---- permissions and the floor ----

#[test]
fn who_has_access_may_be_changed_only_where_a_policy_says_so() {
    let scope = json!([{"name": "x", "actions": ["s3:PutBucketPolicy"], "resources": ["arn:aws:s3:::shop-in"]}]);
    let says = |words: &[Option<&str>]| {
        let policies = words.iter().enumerate().map(|(index, word)| {
            let mut rules = all(&json!({}));
            match word {
                Some(word) => rules["permissionsManagement"] = json!(word),
                None => drop(rules.as_object_mut().unwrap().remove("permissionsManagement")),
            }
            policy(&format!("p{index}"), &rules)
        });
        judged(&identity(&scope), policies.collect()).map_err(|refusal| refusal.verdict.message)
    };
    let words = "'shop/orders' asks in scope `x` to change who has access to bucket `shop-in` (`s3:PutBucketPolicy` on `arn:aws:s3:::shop-in`), which is `Permissions` access, and";
    let nobody = format!(
        "{words} no ScopePolicy says `permissionsManagement: Allow`: leave the scope out, or ask the platform team"
    );
    let forbidden = |name: &str| {
        format!(
            "{words} ScopePolicy '{name}' says `permissionsManagement: Forbid`: leave the scope out, or ask the owners of ScopePolicy '{name}'"
        )
    };
    assert_eq!(says(&[None]), Err(nobody.clone()));
    assert_eq!(says(&[None, None]), Err(nobody));
    assert_eq!(says(&[Some("Allow")]), Ok(()));
    assert_eq!(says(&[None, Some("Allow")]), Ok(()));
    assert_eq!(says(&[Some("Forbid")]), Err(forbidden("p0")));
    assert_eq!(says(&[Some("Allow"), Some("Forbid")]), Err(forbidden("p1")));
}

/// What the floor says of an action on a resource of IAM.
fn floor_says(action: &str, resource: &str, place: &str, because: &str) {
    let resource = format!("arn:aws:iam::123456789012:{resource}");
    let found = refused(&all(&json!({})), &json!([{"name": "x", "actions": [action], "resources": [resource]}]));
    let start = format!("ScopeDenied spec.scopes[0].{place}: 'shop/orders' asks in scope `x` to ");
    let end = format!("), which no ScopePolicy can allow, because {because}");
    assert!(found.len() == 1 && found[0].starts_with(&start) && found[0].ends_with(&end), "{found:#?}");
}

#[test]
fn what_the_floor_keeps() {
    let trust = "the trust of a role says who may become it, and no identity may change that: leave the scope out";
    floor_says("iam:UpdateAssumeRolePolicy", "role/x", "actions[0]", trust);
    let role = "the role belongs to another identity, and a shared identity tells nobody who acted: ";
    floor_says("sts:AssumeRole", "role/ambit/sim/a-b", "actions[0]", &format!("{role}leave the scope out"));
    // Of another installation.
    floor_says("sts:AssumeRole", "role/ambit/other/a-b", "actions[0]", &format!("{role}leave the scope out"));
    let narrow =
        "narrow `arn:aws:iam::123456789012:role/*` so that it leaves out `arn:aws:iam::123456789012:role/ambit/*`";
    floor_says("iam:PassRole", "role/*", "resources[0]", &format!("{role}{narrow}"));
    let own = "it is Ambit's own, and no identity may change what bounds it: leave the scope out";
    floor_says("iam:CreatePolicyVersion", "policy/ambit-boundary", "actions[0]", own);
    floor_says("sts:AssumeRole", "role/ambit-operator", "actions[0]", own);
    let issuer =
        "the account trusts this issuer, and no identity may change whom the account believes: leave the scope out";
    floor_says("iam:DeleteOpenIDConnectProvider", "oidc-provider/oidc.example.com/id/A", "actions[0]", issuer);
    let people = "the role belongs to people, and a shared identity tells nobody who acted: leave the scope out";
    floor_says(
        "sts:AssumeRole",
        "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_1",
        "actions[0]",
        people,
    );
}

/// Elsewhere than where Ambit's things are by default.
#[test]
fn the_floor_is_where_the_account_says() {
    let judged_there = |action: &str, resource: &str| {
        let (installation, key) = (installation(), key());
        let mut grounds = grounds(&installation);
        let mut account = sample::account();
        let aws = account.spec.aws.as_mut().unwrap();
        aws.role_path = "/machines/".into();
        aws.permissions_boundary_arn = "arn:aws:iam::123456789012:policy/limits/all".into();
        aws.assume_role = serde_json::from_value(json!({"arn": "arn:aws:iam::123456789012:role/janitor"})).unwrap();
        grounds.account = Some(Arc::new(account));
        grounds.policies = vec![policy("shop", &all(&json!({})))];
        let resource = format!("arn:aws:iam::123456789012:{resource}");
        let identity = identity(&json!([{"name": "x", "actions": [action], "resources": [resource]}]));
        resolve(declaration(&identity, &key), &grounds, Catalogue::embedded()).is_ok()
    };
    for (action, resource) in [
        ("sts:AssumeRole", "role/machines/sim/a-b"),
        ("iam:DeletePolicy", "policy/limits/all"),
        ("iam:DeletePolicy", "policy/*/all"),
        ("sts:AssumeRole", "role/janitor"),
        ("iam:PutRolePolicy", "role/j*"),
        ("sts:AssumeRole", "role/ambit/sim/a-b"),
    ] {
        assert!(!judged_there(action, resource), "{action} on {resource}");
    }
    for (action, resource) in [
        ("sts:AssumeRole", "role/machines/other/a-b"),
        ("iam:DeletePolicy", "policy/limits/some"),
        ("sts:AssumeRole", "role/janitors"),
        ("iam:GetRole", "role/machines/sim/a-b"),
    ] {
        assert!(judged_there(action, resource), "{action} on {resource}");
    }
}

#[test]
fn the_floor_is_named_before_any_rule() {
    let rules = all(
        &json!({"deny": [{"name": "no-iam", "actions": ["iam:*"], "resources": ["*"]}], "permissionsManagement": "Forbid"}),
    );
    let scope = json!([{"name": "x", "actions": ["iam:UpdateAssumeRolePolicy"], "resources": ["arn:aws:iam::123456789012:role/x"]}]);
    assert!(refused(&rules, &scope)[0].contains("which no ScopePolicy can allow, because the trust of a role "));
}

// ---- several scopes, several policies ----

#[test]
fn what_several_policies_allow_adds_up() {
    let one = |name: &str, bucket: &str| {
        let resource = format!("arn:aws:s3:::{bucket}/*");
        policy(name, &json!({"allow": [{"name": "one", "actions": ["s3:GetObject"], "resources": [resource]}]}))
    };
    let scope =
        json!([{"name": "x", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]}]);
    assert_eq!(judged(&identity(&scope), vec![one("p", "a"), one("q", "b")]), Ok(()));
    let found = told(judged(&identity(&scope), vec![one("q", "b")])).remove(0);
    assert!(found.starts_with("ScopeDenied spec.scopes[0].resources[0]: "), "{found}");
}

#[test]
fn each_scope_that_goes_beyond_is_told() {
    let scopes = json!([
        {"name": "a", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop-in/*"]},
        {"name": "b", "actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::shop-in/*"]},
        {"name": "c", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]},
    ]);
    let fields: Vec<String> =
        refused(&data(), &scopes).iter().map(|told| told[..told.find(": ").unwrap()].to_owned()).collect();
    assert_eq!(fields, ["ScopeDenied spec.scopes[1].actions[0]", "ScopeDenied spec.scopes[2].resources[0]"]);
}

#[test]
fn limits_are_told_beside_what_goes_beyond() {
    let mut rules = data();
    rules["maxSessionDuration"] = json!("1h");
    let mut identity =
        identity(&json!([{"name": "b", "actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::shop-in/*"]}]));
    identity.spec.session_duration = serde_json::from_value(json!("2h")).unwrap();
    let refusal = judged(&identity, vec![policy("shop", &rules)]).unwrap_err();
    let fields: Vec<&str> = refusal.faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["spec.sessionDuration", "spec.scopes[0].actions[0]"]);
    assert_eq!(refusal.verdict.reason, Reason::ScopeDenied);
}

#[test]
fn policies_that_do_not_select_have_no_say() {
    let scope = json!([{"name": "x", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]}]);
    let mut rules = all(&json!({"deny": [{"name": "all", "actions": ["*"], "resources": ["*"]}], "maxScopes": 1}));
    for elsewhere in [
        json!({"namespaceSelector": {"matchLabels": {"team": "bank"}}}),
        json!({"accountRefs": [{"name": "dev"}, {"name": "stage"}]}),
    ] {
        rules.as_object_mut().unwrap().extend(elsewhere.as_object().unwrap().clone());
        let other = policy("a-other", &rules);
        let open = policy("open", &all(&json!({})));
        assert_eq!(judged(&identity(&scope), vec![other.clone(), open]), Ok(()));
        // Neither does what they allow count.
        let refusal = judged(&identity(&scope), vec![other]).unwrap_err();
        assert_eq!(refusal.verdict.reason, Reason::NoScopePolicy);
        rules = all(&json!({"deny": [{"name": "all", "actions": ["*"], "resources": ["*"]}]}));
    }
}

#[test]
fn no_selecting_policy_is_said_with_whom_to_ask() {
    let scope = json!([{"name": "x", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::bank-in/*"]}]);
    let expected = "NoScopePolicy metadata.namespace: no ScopePolicy selects namespace 'shop' for account 'prod', so nothing may be asked for: ask the platform team for a ScopePolicy";
    assert_eq!(told(judged(&identity(&scope), vec![])), [expected]);
}

// ---- names in rules ----

#[test]
fn names_of_the_identity_stand_in_rules() {
    let rules = json!({"allow": [{
        "name": "own", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::${namespace}-${name}/${namespace}/*"],
        "conditions": [{"key": "aws:ResourceTag/owner", "operator": "StringEquals", "values": ["${namespace}/${name}"]}],
    }]});
    let scope = |bucket: &str, owner: &str| {
        let tag = json!([{"key": "aws:ResourceTag/owner", "operator": "StringEquals", "values": [owner]}]);
        let resource = format!("arn:aws:s3:::{bucket}/shop/*");
        json!([{"name": "x", "actions": ["s3:GetObject"], "resources": [resource], "conditions": tag}])
    };
    accepted(&rules, &scope("shop-orders", "shop/orders"));
    assert!(
        refused(&rules, &scope("shop-orders2", "shop/orders"))[0].contains("is for `arn:aws:s3:::shop-orders/shop/*`")
    );
    assert!(
        refused(&rules, &scope("shop-orders", "shop/other"))[0]
            .contains("`aws:ResourceTag/owner` StringEquals `shop/orders`")
    );
}

#[test]
fn a_rule_that_is_not_understood_is_judged_by_nobody() {
    let scope = json!([{"name": "x", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop-in/*"]}]);
    let odd = |change: &Value| {
        let mut rule = json!({"name": "odd", "actions": ["s3:*"], "resources": ["*"]});
        rule.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        // Whether it allows or denies: what cannot be read may mean anything.
        let said = ["allow", "deny"].map(|list| refused(&all(&json!({list: [rule.clone()]})), &scope));
        assert_eq!(said[0], said[1]);
        said[0].clone()
    };
    let words = |why: &str| {
        format!(
            "Undecidable spec.scopes: rule `odd` of ScopePolicy 'shop' {why}, so nothing can be judged by it: ask the owners of ScopePolicy 'shop' to correct it"
        )
    };
    let variable =
        |text: &str| words(&format!("has a variable that is neither `${{namespace}}` nor `${{name}}` in `{text}`"));
    assert_eq!(
        odd(&json!({"resources": ["arn:aws:s3:::${aws:username}/*"]})),
        [variable("arn:aws:s3:::${aws:username}/*")]
    );
    assert_eq!(odd(&json!({"resources": ["arn:aws:s3:::${namespace}-${*}"]})), [variable("arn:aws:s3:::shop-${*}")]);
    assert_eq!(odd(&json!({"resources": ["arn:aws:s3:::${Name}"]})), [variable("arn:aws:s3:::${Name}")]);
    let condition = |operator: &str, value: &str| json!({"conditions": [{"key": "aws:PrincipalTag/team", "operator": operator, "values": [value]}]});
    assert_eq!(odd(&condition("StringEquals", "${aws:username}")), [variable("${aws:username}")]);
    let found = odd(&condition("StringIs", "x")).remove(0);
    assert!(
        found.starts_with(
            "Undecidable spec.scopes: rule `odd` of ScopePolicy 'shop' is not understood (`StringIs` is not "
        ),
        "{found}"
    );
    let expected = "is not understood (`x` cannot be compared by `NumericEquals`: it must be a number)";
    assert_eq!(odd(&condition("NumericEquals", "x")), [words(expected)]);
}

// ---- what cannot be decided ----

#[test]
fn what_takes_too_long_to_judge_is_refused() {
    let many = |end: &str| -> Vec<String> { (0..40).map(|number| format!("arn:aws:s3:::*a{number}{end}")).collect() };
    let rules = json!({"allow": [{"name": "many", "actions": ["s3:GetObject"], "resources": many("*")}]});
    let scope = json!({"actions": ["s3:GetObject"], "resources": many("b*")});
    let expected = "Undecidable spec.scopes[0]: 'shop/orders' asks in scope `x` for more than can be judged, and so it is refused: the patterns can match in too many ways to look at all; name actions and resources with fewer wildcards, or ask the owners of ScopePolicy 'shop' for simpler rules";
    assert_eq!(refused(&rules, &json!([named(&scope)])), [expected]);
}
