//! Layers: points 1 to 11 of the semantics.

use super::*;

// 1
#[test]
fn an_explicit_deny_in_any_layer_wins_and_nothing_is_allowed_by_itself() {
    assert_eq!(read().outcome(), IMPLICIT);
    let all = || {
        read()
            .identity(ALLOW_ALL)
            .boundary(ALLOW_ALL)
            .session(ALLOW_ALL)
            .resource(EVERYBODY)
            .scp(ALLOW_ALL)
            .rcp(EVERYBODY)
    };
    assert_eq!(all().outcome(), ALLOWED);
    let denies = deny("s3:GetObject", "*");
    let everybody = for_principal("Deny", "Principal", r#""*""#);
    for denied in [
        all().identity(&denies),
        all().boundary(&format!("{ALLOW_ALL},{denies}")),
        all().session(&format!("{ALLOW_ALL},{denies}")),
        all().resource(&format!("{EVERYBODY},{everybody}")),
        all().scp(&format!("{ALLOW_ALL},{denies}")),
        all().rcp(&everybody),
    ] {
        assert_eq!(denied.outcome(), EXPLICIT);
    }
}

// 2
#[test]
fn in_one_account_identity_or_resource_suffices_and_across_accounts_both_are_needed() {
    let own = |ask: Ask| ask.with("aws:ResourceAccount", ACCOUNT);
    assert_eq!(own(read().identity(ALLOW_ALL)).outcome(), ALLOWED);
    assert_eq!(own(read().resource(EVERYBODY)).outcome(), ALLOWED);
    assert_eq!(own(read().identity(NOTHING).resource(&trusts(FOREIGNER))).outcome(), IMPLICIT);

    let foreign = || ask("s3:GetObject", OBJECT).by(FOREIGNER).with("aws:ResourceAccount", ACCOUNT);
    assert_eq!(foreign().identity(ALLOW_ALL).outcome(), IMPLICIT);
    assert_eq!(foreign().resource(EVERYBODY).outcome(), IMPLICIT);
    assert_eq!(foreign().resource(&trusts(FOREIGNER)).outcome(), IMPLICIT);
    for named in [FOREIGNER, "*", OTHER_ACCOUNT, "arn:aws:iam::444455556666:root"] {
        assert_eq!(foreign().identity(ALLOW_ALL).resource(&trusts(named)).outcome(), ALLOWED, "{named}");
    }
    let delegated = foreign().identity(ALLOW_ALL).resource(&trusts(OTHER_ACCOUNT));
    assert_eq!(delegated.matched(), ["identity[0].0", "resource.0"]);
    assert_eq!(foreign().identity(ALLOW_ALL).resource(&trusts(ACCOUNT)).outcome(), IMPLICIT);
    assert_eq!(foreign().identity(ALLOW_ALL).boundary(NOTHING).resource(EVERYBODY).outcome(), IMPLICIT);
}

#[test]
fn the_account_of_a_resource_is_that_of_its_arn_or_the_one_given_or_the_callers() {
    let bob = |resource: &str| ask("sqs:SendMessage", resource).by(FOREIGNER).identity(ALLOW_ALL);
    assert_eq!(bob(QUEUE).outcome(), IMPLICIT, "the ARN has an account");
    assert_eq!(bob(QUEUE).with("aws:ResourceAccount", OTHER_ACCOUNT).outcome(), IMPLICIT, "the ARN comes first");
    assert_eq!(bob(OBJECT).with("aws:ResourceAccount", ACCOUNT).outcome(), IMPLICIT);
    assert_eq!(bob(OBJECT).outcome(), ALLOWED, "neither is known");
}

// 3
#[test]
fn boundary_session_every_scp_level_and_rcps_must_allow_it_too() {
    let full = || read().identity(ALLOW_ALL);
    assert_eq!(full().boundary(NOTHING).reason(), "no statement of boundary allows it");
    assert_eq!(full().by(SESSION).session(NOTHING).reason(), "no statement of session allows it");
    assert_eq!(full().scp(ALLOW_ALL).scp(NOTHING).reason(), "no statement of scps[1] allows it");
    assert_eq!(full().scp(NOTHING).scp(ALLOW_ALL).reason(), "no statement of scps[0] allows it");
    let rcp = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}"#;
    assert_eq!(full().rcp(rcp).reason(), "no statement of rcps[0] allows it");
    for refused in [full().boundary(NOTHING), full().session(NOTHING), full().scp(NOTHING), full().rcp(rcp)] {
        assert_eq!(refused.outcome(), IMPLICIT);
    }
    assert_eq!(full().boundary(ALLOW_ALL).session(ALLOW_ALL).scp(ALLOW_ALL).rcp(EVERYBODY).outcome(), ALLOWED);
}

#[test]
fn one_policy_of_a_level_that_allows_it_is_enough_and_a_level_without_policies_allows_nothing() {
    let mut question = read().identity(ALLOW_ALL);
    question.layers.scps = vec![vec![policy(NOTHING), policy(ALLOW_ALL)]];
    assert_eq!(question.outcome(), ALLOWED);
    question.layers.scps.push(Vec::new());
    assert_eq!(question.reason(), "no statement of scps[1] allows it");
    question.layers.scps.clear();
    assert_eq!(question.outcome(), ALLOWED, "no levels, no restriction");
}

// Policy evaluation logic: `RCPFullAWSAccess` cannot be detached.
#[test]
fn a_level_of_rcps_that_only_denies_allows_the_rest() {
    let denies = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
    assert_eq!(read().identity(ALLOW_ALL).rcp(denies).outcome(), ALLOWED);
    assert_eq!(ask("s3:PutObject", OBJECT).by(USER).identity(ALLOW_ALL).rcp(denies).outcome(), EXPLICIT);
}

// 4: Organizations user guide, SCP syntax.
#[test]
fn service_control_policies_take_the_full_language() {
    let full = || read().identity(ALLOW_ALL);
    let conditional = allow_if(r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#);
    assert_eq!(full().scp(&conditional).outcome(), IMPLICIT);
    assert_eq!(full().scp(&conditional).with("aws:RequestedRegion", "eu-west-1").outcome(), ALLOWED);
    let but = r#"{"Effect":"Allow","NotAction":"s3:Get*","Resource":"*"}"#;
    assert_eq!(full().scp(but).outcome(), IMPLICIT);
    let elsewhere = r#"{"Effect":"Allow","Action":"s3:*Object","NotResource":"arn:aws:s3:::secret/*"}"#;
    assert_eq!(full().scp(elsewhere).outcome(), ALLOWED);
}

// 5: Organizations user guide, SCPs and RCPs: neither reaches the management account.
#[test]
fn the_management_account_is_beyond_scps_and_rcps() {
    let denies = for_principal("Deny", "Principal", r#""*""#);
    let question = || read().identity(ALLOW_ALL).scp(NOTHING).rcp(&denies);
    assert_eq!(question().managed_by(ACCOUNT).outcome(), ALLOWED);
    assert_eq!(question().managed_by(OTHER_ACCOUNT).outcome(), EXPLICIT);
    let foreign = read().identity(ALLOW_ALL).resource(EVERYBODY).scp(NOTHING).rcp(&denies);
    let foreign = foreign.with("aws:ResourceAccount", OTHER_ACCOUNT);
    assert_eq!(foreign.clone().managed_by(ACCOUNT).outcome(), EXPLICIT, "the resource is in a member account");
    assert_eq!(foreign.managed_by(OTHER_ACCOUNT).outcome(), IMPLICIT, "the caller is in a member account");
}

// 6: policy evaluation logic, "Resource-based policies": users, sessions and federated users that are
// named themselves are not bound by an implicit deny elsewhere; a role is.
#[test]
fn a_resource_policy_that_names_the_session_pierces_the_boundary_and_one_that_names_the_role_does_not() {
    let bound = |caller: &str, named: &str| {
        let question = ask("sqs:SendMessage", QUEUE).by(caller).boundary(NOTHING);
        question.session(NOTHING).resource(&trusts(named))
    };
    for (caller, named, outcome) in [
        (SESSION, SESSION, ALLOWED),
        (SESSION, ROLE, IMPLICIT),
        (SESSION, "arn:aws:sts::111122223333:assumed-role/app/other", IMPLICIT),
        (USER, USER, ALLOWED),
        (FEDERATED, FEDERATED, ALLOWED),
        (SESSION, ROOT, IMPLICIT),
        // Principal element: with `*` boundary and session do not limit what it grants.
        (SESSION, "*", ALLOWED),
        (USER, "*", ALLOWED),
    ] {
        assert_eq!(bound(caller, named).outcome(), outcome, "{caller} {named}");
    }
    assert_eq!(bound(SESSION, ROLE).reason(), "no statement of boundary allows it");
    let role_named = ask("sqs:SendMessage", QUEUE).by(SESSION).resource(&trusts(ROLE));
    assert_eq!(role_named.clone().boundary(ALLOW_ALL).outcome(), ALLOWED, "identity need not allow it");
    assert_eq!(role_named.clone().session(NOTHING).outcome(), IMPLICIT);
    assert_eq!(role_named.session(ALLOW_ALL).outcome(), ALLOWED);
    assert_eq!(bound(SESSION, SESSION).scp(NOTHING).outcome(), IMPLICIT, "SCPs are never pierced");
}

// 7: policy evaluation logic; KMS developer guide, key policies.
#[test]
fn roles_and_keys_are_used_only_if_their_own_policy_allows_it() {
    let role = "arn:aws:iam::111122223333:role/deploy";
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    for (action, resource) in [
        ("sts:AssumeRole", role),
        ("sts:AssumeRoleWithSAML", role),
        ("sts:AssumeRoleWithWebIdentity", role),
        ("sts:TagSession", role),
        ("sts:SetSourceIdentity", role),
        ("sts:SetContext", role),
        ("kms:Decrypt", key),
    ] {
        let question = || ask(action, resource).by(USER).identity(ALLOW_ALL);
        assert_eq!(question().reason(), "no statement of resource allows it, as it must for this action");
        assert_eq!(question().resource(&trusts(FOREIGNER)).outcome(), IMPLICIT, "{action}");
        assert_eq!(question().resource(&trusts(USER)).outcome(), ALLOWED, "{action}");
        let delegated = question().resource(&trusts(ROOT));
        assert_eq!(delegated.outcome(), ALLOWED, "{action}");
        assert_eq!(delegated.matched(), ["identity[0].0", "resource.0"], "{action}: both decided");
        let without = |named: &str| ask(action, resource).by(USER).resource(&trusts(named)).outcome();
        assert_eq!(without(USER), ALLOWED, "a caller that is named needs nothing else");
        assert_eq!(without(ROOT), IMPLICIT, "an account that is named delegates");
    }
    assert_eq!(ask("kms:ListKeys", "*").by(USER).identity(ALLOW_ALL).outcome(), ALLOWED, "there is no key");
    assert_eq!(ask("iam:GetRole", role).by(USER).identity(ALLOW_ALL).outcome(), ALLOWED, "only becoming it");
}

// 8: Principal element, "AWS account principals".
#[test]
fn an_account_that_is_named_delegates_and_does_not_grant() {
    for named in [ACCOUNT, ROOT] {
        let question = ask("sqs:SendMessage", QUEUE).by(USER).resource(&trusts(named));
        assert_eq!(question.outcome(), IMPLICIT);
        assert_eq!(question.reason(), "resource leaves it to the account, and no statement of identity allows it");
        assert_eq!(question.clone().identity(ALLOW_ALL).outcome(), ALLOWED);
        assert_eq!(question.identity(ALLOW_ALL).matched(), ["identity[0].0"], "what only delegates decided nothing");
    }
    let denied = for_principal("Deny", "Principal", &format!(r#"{{"AWS":"{ACCOUNT}"}}"#));
    let question = ask("sqs:SendMessage", QUEUE).by(USER).identity(ALLOW_ALL);
    assert_eq!(question.resource(&denied).outcome(), EXPLICIT, "a deny reaches the whole account");
}

// 9: NotPrincipal element, key points.
#[test]
fn deny_with_not_principal_hits_every_caller_with_a_boundary() {
    let all_named = format!(r#"{{"AWS":["{USER}","{ROOT}"]}}"#);
    let denies = for_principal("Deny", "NotPrincipal", &all_named);
    let question = || ask("sqs:SendMessage", QUEUE).by(USER).identity(ALLOW_ALL).resource(&denies);
    assert_eq!(question().outcome(), ALLOWED);
    let bound = question().boundary(ALLOW_ALL);
    assert_eq!(bound.outcome(), EXPLICIT);
    assert_eq!(bound.reason(), "`NotPrincipal` with `Deny` hits every caller that has a permissions boundary");
    let root = ask("sqs:SendMessage", QUEUE).by(ROOT).resource(&denies).boundary(ALLOW_ALL);
    assert_eq!(root.outcome(), ALLOWED, "the root user has no boundary");
}

// 10
#[test]
fn a_statement_of_a_resource_policy_without_principal_never_matches() {
    let mixed = format!("{ALLOW_ALL},{}", trusts(FOREIGNER));
    assert_eq!(ask("sqs:SendMessage", QUEUE).by(USER).resource(&mixed).outcome(), IMPLICIT);
    let denied = format!("{},{}", deny("*", "*"), trusts(USER));
    assert_eq!(ask("sqs:SendMessage", QUEUE).by(USER).resource(&denied).outcome(), ALLOWED);
}

// 11
#[test]
fn an_anonymous_caller_has_no_identity_layer() {
    let question = || ask("s3:GetObject", OBJECT).by("*").identity(ALLOW_ALL).with("aws:ResourceAccount", ACCOUNT);
    assert_eq!(question().reason(), "no statement of resource allows it");
    assert_eq!(question().resource(EVERYBODY).outcome(), ALLOWED);
    assert_eq!(question().resource(&trusts("*")).outcome(), ALLOWED, "`AWS: *` is everybody");
    assert_eq!(question().resource(&trusts(ACCOUNT)).outcome(), IMPLICIT);
    let beyond = question().identity(&deny("*", "*")).boundary(NOTHING).session(NOTHING).scp(NOTHING);
    assert_eq!(beyond.resource(EVERYBODY).outcome(), ALLOWED, "none of these are the caller's");
    let denies = for_principal("Deny", "Principal", r#""*""#);
    assert_eq!(question().resource(EVERYBODY).rcp(&denies).outcome(), EXPLICIT);
}

#[test]
fn matches_are_listed_by_layer_and_only_those_that_decided() {
    let question = read()
        .identity(&format!("{},{ALLOW_ALL}", allow("sqs:*", "*")))
        .identity(&allow("s3:Get*", "*"))
        .boundary(ALLOW_ALL)
        .scp(ALLOW_ALL)
        .rcp(EVERYBODY);
    let layers = ["identity[0].1", "identity[1].0", "boundary.0", "scps[0][0].0", "rcps[0][0].0"];
    assert_eq!(question.matched(), layers);
    assert_eq!(question.clone().boundary(NOTHING).matched(), [""; 0]);
    let named = r#"{"Sid":"Hands off","Effect":"Deny","Action":"*","Resource":"*"}"#;
    let denied = question.scp(named).decision();
    assert_eq!((denied.matched.len(), denied.matched[0].layer), (1, Layer::Scp(1, 0)));
    assert_eq!(denied.matched[0].sid.as_deref(), Some("Hands off"));
    assert_eq!((denied.outcome, denied.reason), (Outcome::ExplicitDeny, None));
}
