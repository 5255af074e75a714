use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::api::v1alpha1::ManagementPolicy;
use crate::api::v1alpha1::{CloudAccount, MachineIdentity, ScopePolicy};
use crate::domain::Desired;
use crate::plan::sample::{self, declaration, grounds, identity, installation, key, permissions};

/// A policy for namespaces of the team `shop`.
fn policy(enforcement: &str, actions: &[&str]) -> Arc<ScopePolicy> {
    let mut policy = sample::scope_policy();
    policy.spec = serde_json::from_value(json!({
        "namespaceSelector": {"matchLabels": {"team": "shop"}}, "enforcement": enforcement,
        "allow": [{"name": "some", "actions": actions, "resources": ["*"]}],
    }))
    .unwrap();
    Arc::new(policy)
}

/// What is recorded when this is in place.
fn in_place(desired: &Desired) -> Recorded {
    Recorded {
        id: Some("AROA1".into()),
        permissions: Some(desired.permissions.meaning().to_string()),
        trust: Some(desired.trust.meaning().to_string()),
        boundary: None,
        session: Some(desired.session.get()),
        ..Recorded::default()
    }
}

fn desired(identity: &MachineIdentity) -> Desired {
    let (installation, key) = (installation(), key());
    let account = AccountSettings::parse(&sample::account().spec, &installation).unwrap();
    let compiled = crate::plan::compile(declaration(identity, &key), account, &installation, Catalogue::embedded());
    compiled.unwrap().desired
}

/// The course of an identity under policies, with what was recorded before.
fn taken(identity: &MachineIdentity, policies: Vec<Arc<ScopePolicy>>, recorded: &Recorded, held: bool) -> Course {
    let (installation, key) = (installation(), key());
    let grounds = Grounds { policies, ..grounds(&installation) };
    course(declaration(identity, &key), &grounds, Past { recorded, held }, Catalogue::embedded(), &mut None)
}

fn short(course: &Course) -> (&'static str, Reason, crate::plan::Standing) {
    let (name, verdict) = match course {
        Course::Pursue(_, verdict) => ("pursue", verdict),
        Course::Suspend(_) => panic!("nobody asked for it"),
        Course::Revoke(revocation) => ("revoke", &revocation.verdict),
        Course::Refuse(refusal) => ("refuse", &refusal.verdict),
    };
    (name, verdict.reason, verdict.standing)
}

use crate::plan::Standing::{Good, Terminal, Tolerated};
const READ: &[&str] = &["s3:GetObject"];

#[test]
fn what_becomes_of_a_declaration() {
    let identity = identity();
    let recorded = in_place(&desired(&identity));
    let before = Recorded { permissions: Some("sha256:00".into()), ..recorded.clone() };
    let revoked = Recorded { revoked: true, ..recorded.clone() };
    let new = Recorded::default();
    let (any, warn, revoke) = (policy("Revoke", &["*"]), policy("Warn", READ), policy("Revoke", READ));
    let denied = Reason::ScopeDenied;
    let cases: [(&str, Vec<_>, &Recorded, bool, _); 12] = [
        ("fits", vec![any.clone()], &recorded, true, ("pursue", Reason::Accepted, Good)),
        ("new", vec![warn.clone()], &new, false, ("refuse", denied, Terminal)),
        ("new, revoke", vec![revoke.clone()], &new, false, ("refuse", denied, Terminal)),
        ("perhaps made, revoke", vec![revoke.clone()], &new, true, ("revoke", denied, Terminal)),
        ("changed", vec![warn.clone()], &before, true, ("refuse", denied, Terminal)),
        ("changed, revoke", vec![revoke.clone()], &before, true, ("revoke", denied, Terminal)),
        ("in place", vec![warn.clone()], &recorded, true, ("pursue", denied, Tolerated)),
        ("in place, revoke", vec![revoke.clone()], &recorded, true, ("revoke", denied, Terminal)),
        ("one of two revokes", vec![warn.clone(), revoke], &recorded, true, ("revoke", denied, Terminal)),
        ("in place, no policy", vec![], &recorded, true, ("pursue", Reason::NoScopePolicy, Tolerated)),
        ("revoked, then warn", vec![warn], &revoked, true, ("revoke", denied, Terminal)),
        ("revoked, then no policy", vec![], &revoked, true, ("revoke", Reason::NoScopePolicy, Terminal)),
    ];
    for (name, policies, recorded, held, expected) in cases {
        assert_eq!(short(&taken(&identity, policies, recorded, held)), expected, "{name}");
    }
}

#[test]
fn what_is_tolerated_says_why() {
    let identity = identity();
    let recorded = in_place(&desired(&identity));
    let message = |identity: &MachineIdentity, enforcement| {
        let Course::Pursue(_, verdict) = taken(identity, vec![policy(enforcement, READ)], &recorded, true) else {
            panic!("it is not tolerated");
        };
        verdict.message
    };
    let warned = message(&identity, "Warn");
    let kept = "; its access stays as it is, because no ScopePolicy that selects it says `enforcement: Revoke`";
    assert!(warned.starts_with("'shop/orders' asks in scope `publish` ") && warned.ends_with(kept), "{warned}");
}

/// Whoever declares identities sets `managementPolicy`, and may not keep access with it.
#[test]
fn what_must_not_be_changed_is_denied_all_the_same() {
    let mut identity = identity();
    let recorded = in_place(&desired(&identity));
    for (policy_of_identity, name) in [(ManagementPolicy::Observe, "Observe"), (ManagementPolicy::Paused, "Paused")] {
        identity.spec.management_policy = policy_of_identity;
        let course = taken(&identity, vec![policy("Revoke", READ)], &recorded, true);
        assert_eq!(short(&course), ("revoke", Reason::ScopeDenied, Terminal), "{name}");
    }
}

/// A longer session is another declaration, though its documents are the same.
#[test]
fn a_longer_session_is_not_tolerated() {
    let mut identity = identity();
    let recorded = in_place(&desired(&identity));
    identity.spec.session_duration = std::time::Duration::from_hours(12).into();
    let course = taken(&identity, vec![policy("Warn", READ)], &recorded, true);
    assert_eq!(short(&course), ("refuse", Reason::ScopeDenied, Terminal));
}

/// Access that pods exchange their own tokens for is not the same access in a Secret.
#[test]
fn a_secret_that_a_policy_does_not_allow_is_tolerated_only_where_it_was_written_before() {
    let mut identity = identity();
    let federated = in_place(&desired(&identity));
    identity.spec.credentials = serde_json::from_value(json!({"sessionSecret": {"secretName": "orders-aws"}})).unwrap();
    let written = Recorded { secret: true, ..federated.clone() };
    let denied = Reason::ScopeDenied;
    for (enforcement, recorded, expected) in [
        ("Warn", &federated, ("refuse", denied, Terminal)),
        ("Warn", &written, ("pursue", denied, Tolerated)),
        ("Revoke", &written, ("revoke", denied, Terminal)),
    ] {
        let course = taken(&identity, vec![policy(enforcement, &["*"])], recorded, true);
        assert_eq!(short(&course), expected, "{enforcement} {recorded:?}");
    }
    let Course::Refuse(refusal) = taken(&identity, vec![policy("Warn", &["*"])], &federated, true) else { panic!() };
    assert_eq!(refusal.faults[0].field, "spec.credentials");
    let allowing = |types: serde_json::Value| {
        let mut policy = (*policy("Warn", &["*"])).clone();
        policy.spec.credential_types = serde_json::from_value(types).unwrap();
        short(&taken(&identity, vec![Arc::new(policy)], &federated, true))
    };
    assert_eq!(allowing(json!(["SessionSecret"])), ("pursue", Reason::Accepted, Good));
    assert_eq!(allowing(json!(["Federation"])), ("refuse", denied, Terminal));
}

/// A declaration that is wrong in itself is no way round a policy that revokes.
#[test]
fn a_wrong_declaration_does_not_escape() {
    let mut identity = identity();
    let recorded = in_place(&desired(&identity));
    identity.spec.scopes[0].actions = vec!["sqs:SendMesage".into()];
    let course = taken(&identity, vec![policy("Revoke", READ)], &recorded, true);
    assert_eq!(short(&course), ("revoke", Reason::UnknownAction, Terminal));
}

#[test]
fn what_is_live_stays_only_while_all_of_it_fits() {
    let (installation, key) = (installation(), key());
    let mut identity = identity();
    let recorded = in_place(&desired(&identity));
    let tolerated = |identity: &MachineIdentity, live: &Observed| {
        let grounds = Grounds { policies: vec![policy("Revoke", READ)], ..grounds(&installation) };
        let past = Past { recorded: &recorded, held: true };
        let declaration = declaration(identity, &key);
        match course(declaration, &grounds, past, Catalogue::embedded(), &mut None) {
            Course::Revoke(revocation) => revocation.tolerates(live, declaration, &grounds, Catalogue::embedded()),
            other => panic!("{other:?}"),
        }
    };
    // Of this may be said only that it is exactly what was refused.
    let small = sample::live(&sample::desired());
    assert!(!tolerated(&identity, &small));
    identity.spec.scopes[0].actions = vec!["sqs:SendMessage".into(), "sqs:ReceiveMessage".into()];
    assert!(tolerated(&identity, &small));
    assert!(tolerated(&identity, &Observed { permissions: None, ..small.clone() }));
    for wide in [
        Observed { permissions: Some(Reading::Document(permissions(&["s3:*"]))), ..small.clone() },
        Observed { permissions: Some(Reading::Unreadable("why".into())), ..small.clone() },
        Observed { attached: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".into()]), ..small.clone() },
        Observed { other_inline: sample::by_hand(&[]), ..small.clone() },
    ] {
        assert!(!tolerated(&identity, &wide), "{wide:?}");
    }
}

/// Neither a scope that is wrong nor an issuer that the account lists no more keeps a pipeline in.
#[test]
fn a_pipeline_that_nobody_lists_is_not_let_in_any_longer() {
    let (installation, key) = (installation(), key());
    let github = "https://token.actions.githubusercontent.com";
    let mut account = sample::account();
    let federation = &mut account.spec.aws.as_mut().unwrap().federation;
    federation.pipelines = serde_json::from_value(json!([{"issuer": github}])).unwrap();
    let mut closed = account.clone();
    closed.spec.aws.as_mut().unwrap().federation.pipelines.clear();
    let mut identity = identity();
    identity.spec.subject = serde_json::from_value(json!({
        "pipeline": {"github": {"repository": "acme/shop", "environment": "prod"}},
    }))
    .unwrap();
    let settings = AccountSettings::parse(&account.spec, &installation).unwrap();
    let trust = desired::declared_trust(declaration(&identity, &key), &settings).unwrap();
    let small = sample::live(&sample::desired());
    let live = Observed { trust: Reading::Document(trust), ..small.clone() };
    let mut listing = policy("Revoke", READ).as_ref().clone();
    listing.spec.pipelines = serde_json::from_value(json!([{"issuer": github, "repositories": ["acme/*"]}])).unwrap();
    identity.spec.scopes[0].actions = vec!["sqs:SendMesage".into()];
    let stays = |identity: &MachineIdentity, account: &CloudAccount, policy: ScopePolicy, live: &Observed| {
        let account = Some(Arc::new(account.clone()));
        let grounds = Grounds { policies: vec![Arc::new(policy)], account, ..grounds(&installation) };
        let (recorded, declaration) = (Recorded::default(), declaration(identity, &key));
        let past = Past { recorded: &recorded, held: true };
        match course(declaration, &grounds, past, Catalogue::embedded(), &mut None) {
            Course::Revoke(revocation) => revocation.tolerates(live, declaration, &grounds, Catalogue::embedded()),
            other => panic!("{other:?}"),
        }
    };
    let unlisting = policy("Revoke", READ).as_ref().clone();
    assert!(stays(&identity, &account, listing.clone(), &live), "a typing error takes nothing away");
    assert!(!stays(&identity, &account, unlisting.clone(), &live), "no policy lists it");
    assert!(!stays(&identity, &closed, listing.clone(), &live), "the account does not trust its issuer");
    assert!(stays(&identity, &closed, unlisting, &small), "pods have nothing to do with it");
    let unreadable = Observed { trust: Reading::Unreadable("why".into()), ..live.clone() };
    assert!(!stays(&identity, &account, listing.clone(), &unreadable));
    let mut other = identity.clone();
    other.spec.subject.pipeline.as_mut().unwrap().github.as_mut().unwrap().environment = Some("dev".into());
    assert!(!stays(&other, &account, listing, &live), "what is live is not what is declared");
}

/// What is known is used only for the same generation, account and policies.
#[test]
fn a_judgement_is_remembered_while_nothing_changes() {
    let (installation, key) = (installation(), key());
    let mut identity = identity();
    let mut known = None;
    let mut fits = |identity: &MachineIdentity, policies: &[Arc<ScopePolicy>]| {
        let grounds = Grounds { policies: policies.to_vec(), ..grounds(&installation) };
        resolve_knowing(declaration(identity, &key), &grounds, Catalogue::embedded(), &mut known).is_ok()
    };
    let (wide, narrow) = (policy("Warn", &["*"]), policy("Warn", READ));
    assert!(fits(&identity, std::slice::from_ref(&wide)));
    assert!(!fits(&identity, std::slice::from_ref(&narrow)), "another policy");
    assert!(fits(&identity, &[narrow.clone(), wide]), "one more policy");
    identity.spec.scopes[0].actions = vec!["sqs:SendMessage".into()];
    assert!(!fits(&identity, std::slice::from_ref(&narrow)));
    identity.spec.scopes[0].actions = vec!["s3:GetObject".into()];
    identity.spec.scopes[0].resources = vec!["arn:aws:s3:::orders-in/*".into()];
    assert!(!fits(&identity, std::slice::from_ref(&narrow)), "the same generation is not judged again");
    identity.metadata.generation = Some(2);
    assert!(fits(&identity, std::slice::from_ref(&narrow)));
}
