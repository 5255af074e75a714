use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::{Birth, Denial, Reading, SessionSeconds};
use crate::names::PrincipalKind;
use crate::plan::sample::{desired, desired_user, live, owner, permissions, trust};
use crate::policy::Document;

fn present() -> Observation<Observed> {
    Observation::Present(live(&desired()))
}

/// What the linter says about steps on our own principal.
fn said(steps: &[Step]) -> Vec<String> {
    lint(PrincipalKind::Role, steps, &owner(), &present(), false).iter().map(ToString::to_string).collect()
}

fn document(text: &str) -> Document {
    Document::read(text).unwrap()
}

fn trusting(condition: &str) -> Step {
    Step::SetTrust(document(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/x"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}]}}"#
    )))
}

#[test]
fn a_good_plan_has_no_findings() {
    let desired = desired();
    let steps = [Step::Close, Step::SetTrust(desired.trust), Step::SetPermissions(desired.permissions), Step::Open];
    assert_eq!(said(&steps), Vec::<String>::new());
}

#[test]
fn a_principal_of_another_identity_is_not_changed() {
    let mut other = live(&desired());
    other.owner.identity = Some("shop/mailer".into());
    let found = lint(PrincipalKind::Role, &[Step::Close], &owner(), &Observation::Present(other), false);
    assert_eq!(found, [Finding::ForeignOwner("close")]);
    assert_eq!(found[0].to_string(), "step `close` would change a principal that belongs to another identity");
}

#[test]
fn a_principal_on_another_path_is_not_changed() {
    let other = Observed { on_our_path: false, ..live(&desired()) };
    let found = lint(PrincipalKind::Role, &[Step::Close], &owner(), &Observation::Present(other), false);
    assert_eq!(found, [Finding::ForeignPath("close")]);
    assert_eq!(found[0].to_string(), "step `close` would change a principal outside this installation's path");
}

#[test]
fn trust_must_be_exact() {
    let aud = r#""x:aud":"sts.amazonaws.com""#;
    let sub = r#""x:sub":"system:serviceaccount:shop:orders""#;
    let audience = "`aud` must equal exactly one value";
    let subject = "`sub` must equal exactly one value, or name the whole project before any wildcard";
    let beside = "a statement has conditions beside `StringEquals`, and `StringLike` on the subject or on tags";
    let like = |patterns: &str| format!(r#"{{"StringEquals":{{{aud}}},"StringLike":{{"x:sub":{patterns}}}}}"#);
    let cases = [
        ("{}".to_owned(), "a statement has no `StringEquals`"),
        (format!(r#"{{"StringLike":{{{aud},{sub}}}}}"#), "a statement has no `StringEquals`"),
        (format!(r#"{{"StringEquals":{{{aud}}}}}"#), subject),
        (format!(r#"{{"StringEquals":{{{sub}}}}}"#), audience),
        (format!(r#"{{"StringEquals":{{{aud},"x:sub":"system:serviceaccount:shop:*"}}}}"#), subject),
        (format!(r#"{{"StringEquals":{{{aud},"x:sub":["a","b"]}}}}"#), subject),
        (format!(r#"{{"StringEquals":{{{aud},{sub}}},"StringLike":{{"x:email":"a"}}}}"#), beside),
        (format!(r#"{{"StringEquals":{{{aud},{sub}}},"StringLike":{{"x:ref":"refs/heads/*"}}}}"#), beside),
        (format!(r#"{{"StringEquals":{{{aud},{sub}}},"StringNotLike":{{"x:sub":"a"}}}}"#), beside),
        (format!(r#"{{"StringEquals":{{{aud},{sub}}},"StringLike":{{"x:sub":"repo:a/b:*"}}}}"#), subject),
        (like(r#""*""#), subject),
        (like(r#""repo:*""#), subject),
        (like(r#""repo:acme/*""#), subject),
        (like(r#""repo:acme/shop*""#), subject),
        (like(r#""repo:/shop:*""#), subject),
        (like(r#""repo:acme/sh?p:ref:refs/heads/main""#), subject),
        (like(r#"["repo:acme/shop:ref:refs/tags/v*","repo:acme*"]"#), subject),
        (like("[]"), subject),
        (like(r#""project_path:acme/*:ref_type:branch:ref:main""#), subject),
        (like(r#""org/*/project/1/user/2""#), subject),
        (like(r#""organization:acme:pipeline:*:ref:refs/heads/main""#), subject),
        (like(r#""system:serviceaccount:shop:*""#), subject),
    ];
    for (condition, why) in cases {
        let expected = format!("the trust policy of step `set-trust` is not exact: {why}");
        assert_eq!(said(&[trusting(&condition)]), [expected], "{condition}");
    }
}

#[test]
fn a_pattern_that_names_the_whole_project_is_exact_enough() {
    let tags = r#"{"StringEquals":{"x:aud":"a","x:sub":"repo:acme/shop:environment:prod"},"StringLike":{"x:ref":"refs/tags/v*"}}"#;
    assert!(said(&[trusting(tags)]).is_empty());
    for pattern in [
        r#""repo:acme/shop:ref:refs/tags/v*""#,
        r#"["repo:acme/shop:environment:*","repo:acme@1/shop@2:ref:refs/heads/*"]"#,
        r#""project_path:acme/team/shop:ref_type:tag:ref:v*""#,
        r#""org/1/project/2/user/????/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/main""#,
        r#""organization:acme:pipeline:shop:ref:refs/heads/main:commit:*:step:*""#,
    ] {
        let condition = format!(r#"{{"StringEquals":{{"x:aud":"a","x:ref":"b"}},"StringLike":{{"x:sub":{pattern}}}}}"#);
        assert!(said(&[trusting(&condition)]).is_empty(), "{pattern}");
    }
}

#[test]
fn trust_names_a_federated_provider() {
    let anybody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",
        "Condition":{"StringEquals":{"x:aud":"a","x:sub":"b"}}}]}"#;
    let birth =
        Birth { owner: owner(), trust: document(anybody), boundary: desired().boundary, session: SessionSeconds::MIN };
    let found = lint(PrincipalKind::Role, &[Step::Create(birth)], &owner(), &Observation::Absent, false);
    let why = "a statement does not name one federated provider, or EKS for its pods";
    assert_eq!(found, [Finding::InexactTrust("create", why)]);
}

#[test]
fn trust_in_eks_names_account_cluster_namespace_and_service_account() {
    let cluster = crate::names::ClusterArn::parse(crate::plan::sample::CLUSTER).unwrap();
    let exact = crate::policy::pod_identity_trust(&cluster, "shop", "orders").unwrap();
    assert_eq!(said(&[Step::SetTrust(exact.clone())]), Vec::<String>::new());
    let changed = |from: &str, to: &str| {
        let text = exact.text().replace(from, to);
        assert_ne!(text, exact.text(), "{from}");
        said(&[Step::SetTrust(document(&text))])
    };
    let inexact = |why: &str| vec![format!("the trust policy of step `set-trust` is not exact: {why}")];
    let claims = "account, cluster, namespace and service account must each equal exactly one value";
    for (from, to) in [
        (r#","aws:SourceAccount":"123456789012""#, ""),
        ("eks-cluster-arn", "eks-cluster-name"),
        (r#"namespace":"shop""#, r#"namespace":"*""#),
        (r#"service-account":"orders""#, r#"service-account":["orders","mailer"]"#),
    ] {
        assert_eq!(changed(from, to), inexact(claims), "{to}");
    }
    let who = "a statement does not name one federated provider, or EKS for its pods";
    for to in [r#"{"Service":"eks.amazonaws.com"}"#, r#"{"Service":"pods.eks.amazonaws.com","AWS":"123456789012"}"#] {
        assert_eq!(changed(r#"{"Service":"pods.eks.amazonaws.com"}"#, to), inexact(who), "{to}");
    }
}

#[test]
fn documents_fit_into_their_limits() {
    let too_much = permissions(&["s3:GetObject", &format!("s3:{}", "x".repeat(10_240))]);
    let size = too_much.size();
    let expected = format!("the document of step `set-permissions` has {size} characters and must have at most 10240");
    assert_eq!(said(&[Step::SetPermissions(too_much)]), [expected]);
    let long = document(&trust("orders").text().replace("shop:orders", &format!("shop:{}", "y".repeat(2_000))));
    let expected =
        format!("the document of step `set-trust` has {} characters and must have at most 2048", long.size());
    assert_eq!(said(&[Step::SetTrust(long)]), [expected]);
}

#[test]
fn nothing_is_given_before_it_is_bounded() {
    let desired = desired();
    let give = Step::SetPermissions(desired.permissions.clone());
    let bounding = Step::SetBoundary(desired.boundary.clone());
    assert_eq!(
        said(&[give.clone(), bounding.clone()]),
        ["step `set-permissions` comes before the step that bounds it"]
    );
    assert_eq!(said(&[bounding, give]), Vec::<String>::new());
    assert_eq!(said(&[Step::Open, Step::Close]), ["step `open` comes before the step that bounds it"]);
}

#[test]
fn nothing_is_deleted_unasked() {
    let steps = [Step::RemovePermissions, Step::Delete];
    assert_eq!(
        said(&steps),
        [
            "step `remove-permissions` belongs to a deletion and no deletion was asked for",
            "step `delete` belongs to a deletion and no deletion was asked for"
        ]
    );
    assert_eq!(lint(PrincipalKind::Role, &steps, &owner(), &present(), true), []);
}

/// What the linter says of the names of the steps that are too early.
fn exposing(live: Observed, steps: &[Step]) -> Vec<Finding> {
    lint(PrincipalKind::Role, steps, &owner(), &Observation::Present(live), false)
}

#[test]
fn nobody_gets_what_was_meant_for_another() {
    let desired = desired();
    let give = Step::SetPermissions(desired.permissions.clone());
    let hand = Step::SetTrust(desired.trust.clone());
    let other = Reading::Document(trust("other"));
    let with = |actions: &[&str]| Observed {
        trust: other.clone(),
        permissions: Some(Reading::Document(permissions(actions))),
        ..live(&desired)
    };
    let early = |step: &Step| vec![Finding::Exposing(step.name())];
    let (apart, more, less) =
        (with(&["sqs:SendMessage"]), with(&["s3:*"]), Observed { permissions: None, ..with(&[]) });
    assert_eq!(exposing(apart.clone(), &[give.clone(), hand.clone()]), early(&give), "the old subject gets the new");
    assert_eq!(exposing(apart.clone(), &[hand.clone(), give.clone()]), early(&hand), "the new subject gets the old");
    assert_eq!(exposing(apart, &[Step::Close, hand.clone(), give.clone(), Step::Open]), []);
    assert_eq!(exposing(more.clone(), &[give.clone(), hand.clone()]), [], "the old subject had it already");
    assert_eq!(exposing(more, &[hand.clone(), give.clone()]), early(&hand));
    assert_eq!(exposing(less.clone(), &[hand.clone(), give.clone()]), []);
    assert_eq!(exposing(less, &[give.clone(), hand]), early(&give));
}

#[test]
fn what_held_back_goes_last() {
    let desired = desired();
    let attached = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let detach = |name: &str| Step::Detach(name.to_owned());
    let give = Step::SetPermissions(desired.permissions.clone());
    let two = Observed { attached: attached(&["a", "b"]), ..live(&desired) };
    let found = [Finding::Exposing("detach")];
    assert_eq!(exposing(two.clone(), &[detach("a"), detach("b")]), found);
    assert_eq!(exposing(two.clone(), &[Step::Close, detach("a"), detach("b"), Step::Open]), []);
    assert_eq!(exposing(Observed { denial: Denial::InPlace, ..two }, &[detach("a"), detach("b"), Step::Open]), []);
    let wide = Observed {
        attached: attached(&["a"]),
        permissions: Some(Reading::Document(permissions(&["s3:*"]))),
        ..live(&desired)
    };
    assert_eq!(exposing(wide.clone(), &[detach("a"), give.clone()]), found);
    assert_eq!(exposing(wide.clone(), &[give.clone(), detach("a")]), []);
    let denying = Observed { permissions: Some(Reading::Document(crate::policy::deny_all())), ..wide };
    assert_eq!(exposing(denying, &[give, detach("a")]), [Finding::Exposing("set-permissions")]);
    let altered = Observed { denial: Denial::Altered, attached: attached(&["a"]), ..live(&desired) };
    assert_eq!(exposing(altered, &[detach("a"), Step::Open]), found);
}

#[test]
fn another_boundary_goes_when_nothing_foreign_is_left() {
    let desired = desired();
    let bound = Step::SetBoundary(desired.boundary.clone());
    let hand = Step::SetTrust(desired.trust.clone());
    let detach = |name: &str| Step::Detach(name.to_owned());
    let attached: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
    let live = Observed { boundary: Some("other".into()), attached, ..live(&desired) };
    let early = vec![Finding::Exposing("set-boundary")];
    assert_eq!(exposing(live.clone(), &[detach("a"), bound.clone(), detach("b")])[0], early[0]);
    assert_eq!(exposing(live.clone(), &[detach("a"), detach("b"), bound.clone()]), []);
    assert_eq!(exposing(live.clone(), &[bound.clone(), Step::Close, detach("a"), detach("b"), Step::Open]), []);
    let handed = Observed { attached: BTreeSet::new(), trust: Reading::Document(trust("other")), ..live.clone() };
    assert_eq!(exposing(handed.clone(), &[bound.clone(), hand.clone()]), early);
    assert_eq!(exposing(handed, &[hand, bound.clone()]), []);
    // What surely only denies stays until the end, whatever else bounds the role.
    let denial = BTreeMap::from([("denies".to_owned(), Reading::Document(crate::policy::deny_all()))]);
    let denied = Observed { other_inline: denial, ..live };
    let lift = Step::RemoveInline("denies".to_owned());
    let found = exposing(denied.clone(), &[lift.clone(), detach("a"), detach("b"), bound.clone()]);
    assert_eq!(found, [Finding::Exposing("remove-inline")]);
    assert_eq!(exposing(denied, &[detach("a"), detach("b"), bound, lift]), []);
}

#[test]
fn a_step_is_taken_only_on_what_knows_it() {
    let user = Observation::Present(live(&desired_user()));
    let of = |kind: PrincipalKind, step: &Step, seen: &Observation<Observed>| {
        lint(kind, std::slice::from_ref(step), &owner(), seen, false)
    };
    let (group, password) = (Step::LeaveGroup("admins".into()), Step::RemovePassword);
    let (hand, session) = (Step::SetTrust(desired().trust), Step::SetSession(SessionSeconds::MIN));
    for step in [&group, &password, &Step::Close] {
        assert_eq!(of(PrincipalKind::User, step, &user), []);
    }
    for step in [&group, &password] {
        assert_eq!(of(PrincipalKind::Role, step, &present()), [Finding::WrongKind(step.name(), "role")]);
    }
    for step in [&hand, &session] {
        assert_eq!(of(PrincipalKind::User, step, &user), [Finding::WrongKind(step.name(), "user")]);
        assert_eq!(of(PrincipalKind::Role, step, &present()), []);
    }
    let mixed = of(PrincipalKind::User, &Step::Close, &present());
    assert_eq!(mixed, [Finding::WrongKind("close", "user")], "it was planned for the other");
    assert_eq!(mixed[0].to_string(), "step `close` cannot be taken on this user");
}

#[test]
fn a_user_takes_2048_characters_of_policies() {
    let sized = |size: usize| {
        let empty = permissions(&[""]).size();
        Step::SetPermissions(permissions(&[&"x".repeat(size - empty)]))
    };
    let of = |kind: PrincipalKind, size: usize| lint(kind, &[sized(size)], &owner(), &Observation::Absent, false);
    assert_eq!(of(PrincipalKind::User, 2048), []);
    let over = Finding::Oversize { step: "set-permissions", size: 2049, limit: 2048 };
    assert_eq!(of(PrincipalKind::User, 2049), [over]);
    assert_eq!(of(PrincipalKind::Role, 2049), []);
}

/// An inline policy and a group may have the same name, and either may hold the other back.
#[test]
fn a_group_is_not_the_inline_policy_of_its_name() {
    let wide = |text: &str| Reading::Document(document(text));
    let deny = wide(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#);
    let found = Observed {
        groups: BTreeSet::from(["same".to_owned()]),
        other_inline: BTreeMap::from([("same".to_owned(), deny)]),
        ..live(&desired_user())
    };
    let (leave, remove) = (Step::LeaveGroup("same".into()), Step::RemoveInline("same".into()));
    let of = |steps: &[Step]| lint(PrincipalKind::User, steps, &owner(), &Observation::Present(found.clone()), false);
    assert_eq!(of(&[leave.clone(), remove.clone()]), []);
    assert_eq!(
        of(&[remove.clone(), leave]),
        [Finding::Exposing("remove-inline")],
        "the group may allow what it denies"
    );
}
