//! Who is meant by a principal, and what follows from who calls.

use super::*;

fn queue(caller: &str) -> Ask {
    ask("sqs:SendMessage", QUEUE).by(caller)
}

fn named(kind: &str, value: &str) -> String {
    for_principal("Allow", "Principal", &format!(r#"{{"{kind}":"{value}"}}"#))
}

// Policy evaluation logic: everything is denied implicitly but to the root user.
#[test]
fn the_root_user_may_do_everything_in_its_account_that_nothing_denies() {
    assert_eq!(queue(ROOT).outcome(), ALLOWED);
    assert_eq!(queue(ROOT).reason(), "the root user may do everything in its account");
    assert_eq!(queue(ROOT).boundary(NOTHING).outcome(), ALLOWED, "it has no boundary");
    assert_eq!(queue(ROOT).scp(NOTHING).outcome(), IMPLICIT);
    assert_eq!(queue(ROOT).resource(&for_principal("Deny", "Principal", r#""*""#)).outcome(), EXPLICIT);
    let key = ask("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1").by(ROOT);
    assert_eq!(key.outcome(), IMPLICIT, "KMS guide: not even the root user, unless the key policy says so");
    assert_eq!(key.resource(&trusts(ROOT)).outcome(), ALLOWED);
    let foreign = ask("sqs:SendMessage", "arn:aws:sqs:eu-west-1:444455556666:q").by(ROOT);
    assert_eq!(foreign.outcome(), IMPLICIT);
    assert_eq!(foreign.resource(&trusts(ACCOUNT)).outcome(), ALLOWED);
}

#[test]
fn services_and_identity_providers_need_the_policy_of_the_resource_alone() {
    let service = || queue("sns.amazonaws.com").scp(NOTHING).boundary(NOTHING).identity(ALLOW_ALL);
    assert_eq!(service().outcome(), IMPLICIT);
    assert_eq!(service().resource(&named("Service", "sns.amazonaws.com")).outcome(), ALLOWED);
    assert_eq!(service().resource(&named("Service", "s3.amazonaws.com")).outcome(), IMPLICIT);
    assert_eq!(service().resource(&named("AWS", ACCOUNT)).outcome(), IMPLICIT);
    assert_eq!(service().resource(EVERYBODY).outcome(), ALLOWED);
    assert_eq!(service().resource(&named("Service", "*")).outcome(), UNKNOWN);
    let denies = for_principal("Deny", "Principal", r#""*""#);
    assert_eq!(service().resource(EVERYBODY).rcp(&denies).outcome(), EXPLICIT, "RCPs reach services");

    let role = "arn:aws:iam::111122223333:role/deploy";
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
    for who in [provider, "accounts.google.com"] {
        let question = ask("sts:AssumeRoleWithWebIdentity", role).by(who);
        let trust = format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{who}"}},"Action":"sts:AssumeRoleWithWebIdentity"}}"#
        );
        assert_eq!(question.clone().resource(&trust).outcome(), ALLOWED, "{who}");
        assert_eq!(question.resource(&named("Federated", "www.amazon.com")).outcome(), IMPLICIT, "{who}");
    }
}

// Organizations user guide: neither SCPs nor RCPs restrict service-linked roles.
#[test]
fn service_linked_roles_are_beyond_scps_and_rcps() {
    let denies = for_principal("Deny", "Principal", r#""*""#);
    for linked in [
        "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForECS/s",
    ] {
        let question = queue(linked).identity(ALLOW_ALL).scp(NOTHING).rcp(&denies);
        assert_eq!(question.outcome(), ALLOWED, "{linked}");
    }
    let role = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    let question = ask("sts:AssumeRole", role).by("ecs.amazonaws.com").rcp(&denies);
    assert_eq!(question.resource(&named("Service", "ecs.amazonaws.com")).outcome(), ALLOWED);
    let retire = ask("kms:RetireGrant", "arn:aws:kms:eu-west-1:111122223333:key/1").by(USER).rcp(&denies);
    assert_eq!(retire.resource(&trusts(USER)).outcome(), ALLOWED, "RCPs have no effect on this action");
}

// Policy evaluation logic, "Session policies".
#[test]
fn a_federated_user_has_no_more_than_its_session_policy() {
    let question = || queue(FEDERATED).identity(ALLOW_ALL);
    assert_eq!(
        question().reason(),
        "a federated user without a session policy may do only what resource allows to itself"
    );
    assert_eq!(question().session(ALLOW_ALL).outcome(), ALLOWED);
    assert_eq!(question().resource(&trusts(FEDERATED)).outcome(), ALLOWED);
    assert_eq!(queue(FEDERATED).resource(&trusts(USER)).outcome(), IMPLICIT, "bound by the session policy");
    assert_eq!(queue(FEDERATED).session(ALLOW_ALL).resource(&trusts(USER)).outcome(), UNKNOWN, "which user it was");
}

// Principal element: ARNs are compared whole, and a wildcard within one means nothing.
#[test]
fn principals_have_no_wildcards_but_a_lone_star() {
    for nobody in
        ["arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:*", "arn:aws:iam::*:root", "AIDAEXAMPLE"]
    {
        assert_eq!(queue(USER).resource(&trusts(nobody)).outcome(), IMPLICIT, "{nobody}");
    }
    assert_eq!(queue(USER).resource(&trusts("arn:aws:iam::111122223333:user/Ann")).outcome(), IMPLICIT, "case counts");
    assert_eq!(queue(SESSION).resource(&trusts("arn:aws:sts::111122223333:assumed-role/app/*")).outcome(), IMPLICIT);
    let with_path = "arn:aws:iam::111122223333:role/team/app";
    assert_eq!(queue(SESSION).resource(&trusts(with_path)).outcome(), ALLOWED, "a session shows no path");
    assert_eq!(queue(with_path).resource(&trusts(with_path)).outcome(), ALLOWED);
    let namesake = "arn:aws:iam::444455556666:role/app";
    assert_eq!(queue(SESSION).resource(&trusts(namesake)).outcome(), IMPLICIT, "a role of another account");
    assert_eq!(queue(ROLE).resource(&trusts(SESSION)).outcome(), UNKNOWN, "which session it is");
}

// NotPrincipal element: its example excepts one user, although the account is named beside it.
#[test]
fn not_principal_excepts_who_is_named_with_all_above_it() {
    let denies = |named: &[&str]| {
        let list = named.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(",");
        for_principal("Deny", "NotPrincipal", &format!(r#"{{"AWS":[{list}]}}"#))
    };
    for (caller, excepted, outcome) in [
        (USER, vec![USER, ROOT], ALLOWED),
        (USER, vec![USER], UNKNOWN),
        (USER, vec![ROOT], EXPLICIT),
        (USER, vec![FOREIGNER], EXPLICIT),
        (USER, vec!["*"], ALLOWED),
        (SESSION, vec![SESSION, ROLE, ACCOUNT], ALLOWED),
        (SESSION, vec![ROLE, ACCOUNT], UNKNOWN),
        (SESSION, vec![SESSION], UNKNOWN),
        (SESSION, vec![SESSION, ACCOUNT], UNKNOWN),
        (SESSION, vec![ACCOUNT], EXPLICIT),
        (ROLE, vec![ROLE, ACCOUNT], ALLOWED),
        (ROLE, vec![ROLE], UNKNOWN),
        (ROOT, vec![ROOT], ALLOWED),
        (ROOT, vec![USER], EXPLICIT),
    ] {
        let question = queue(caller).identity(ALLOW_ALL).resource(&denies(&excepted));
        assert_eq!(question.outcome(), outcome, "{caller} {excepted:?}");
    }
    let question = queue(USER).identity(ALLOW_ALL).resource(&denies(&[USER]));
    assert_eq!(
        question.reason(),
        "`Statement[0].NotPrincipal` of resource: the documentation leaves open what holds when `NotPrincipal` does \
         not name the caller, its role and its account together"
    );
    let service = for_principal("Deny", "NotPrincipal", r#"{"Service":"sns.amazonaws.com"}"#);
    let question = |name: &str| queue(name).resource(&format!("{EVERYBODY},{service}")).outcome();
    assert_eq!(question("sns.amazonaws.com"), ALLOWED);
    assert_eq!(question("s3.amazonaws.com"), EXPLICIT);
    assert_eq!(question("*"), EXPLICIT);
    let allows = for_principal("Allow", "NotPrincipal", &format!(r#"{{"AWS":"{FOREIGNER}"}}"#));
    assert_eq!(queue(USER).resource(&allows).outcome(), ALLOWED);
}

#[test]
fn a_caller_without_a_name_is_somebody_of_the_resources_account() {
    let question = || ask("sqs:SendMessage", QUEUE);
    assert_eq!(question().identity(ALLOW_ALL).outcome(), ALLOWED);
    assert_eq!(question().resource(EVERYBODY).outcome(), ALLOWED);
    assert_eq!(question().resource(&trusts(ACCOUNT)).outcome(), IMPLICIT, "the account delegates");
    assert_eq!(question().resource(&trusts(USER)).outcome(), UNKNOWN);
    assert_eq!(
        question().resource(&trusts(USER)).reason(),
        "`Statement[0].Principal` of resource: the caller is not known well enough"
    );
    assert_eq!(question().resource(&trusts(FOREIGNER)).outcome(), IMPLICIT, "an account that it is not of");
    assert_eq!(question().resource(&named("Service", "sns.amazonaws.com")).outcome(), IMPLICIT);
    assert_eq!(question().identity(ALLOW_ALL).resource(&trusts(USER)).outcome(), ALLOWED, "it does not matter");
    let denies = for_principal("Deny", "Principal", &format!(r#"{{"AWS":"{USER}"}}"#));
    assert_eq!(question().identity(ALLOW_ALL).resource(&denies).outcome(), UNKNOWN);
    let object = ask("s3:GetObject", OBJECT).identity(ALLOW_ALL);
    let denies = for_principal("Deny", "Principal", &format!(r#"{{"AWS":"{ACCOUNT}"}}"#));
    assert_eq!(object.clone().resource(&denies).outcome(), UNKNOWN, "whose bucket it is");
    assert_eq!(object.clone().with("aws:ResourceAccount", ACCOUNT).resource(&denies).outcome(), EXPLICIT);
    assert_eq!(object.with("aws:PrincipalAccount", OTHER_ACCOUNT).resource(&denies).outcome(), ALLOWED);
}

// Global condition keys; policy variables, "Principal key values".
#[test]
fn keys_that_follow_from_the_caller_are_known() {
    let holds = |caller: &str, key: &str, value: &str| {
        let condition = format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#);
        queue(caller).session(ALLOW_ALL).identity(&allow_if(&condition)).outcome() == ALLOWED
    };
    for (caller, arn, kind) in [
        (USER, USER, "User"),
        (SESSION, ROLE, "AssumedRole"),
        (ROLE, ROLE, "AssumedRole"),
        (FEDERATED, FEDERATED, "FederatedUser"),
    ] {
        assert!(holds(caller, "aws:PrincipalArn", arn), "{caller}");
        assert!(holds(caller, "AWS:principaltype", kind), "{caller}");
        assert!(holds(caller, "aws:PrincipalAccount", ACCOUNT), "{caller}");
        assert_eq!(holds(caller, "aws:username", "ann"), caller == USER, "{caller}");
        assert!(holds(caller, "aws:ResourceAccount", ACCOUNT), "{caller}");
    }
    let given = queue(USER).with("aws:PrincipalArn", "arn:aws:iam::1:user/x");
    let condition = allow_if(r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::1:user/x"}}"#);
    assert_eq!(given.identity(&condition).outcome(), ALLOWED, "what the request says comes first");
    let unnamed = ask("sqs:SendMessage", QUEUE).identity(&allow_if(r#"{"Null":{"aws:PrincipalArn":"true"}}"#));
    assert_eq!(unnamed.outcome(), ALLOWED);
}

#[test]
fn the_path_of_a_sessions_role_is_not_known_unless_the_request_tells_it() {
    let under = allow_if(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin/*"}}"#);
    let not_under = allow_if(r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin/*"}}"#);
    let full = "arn:aws:iam::111122223333:role/admin/app";
    for (condition, given, outcome) in [(&under, ALLOWED, UNKNOWN), (&not_under, IMPLICIT, UNKNOWN)] {
        assert_eq!(queue(SESSION).identity(condition).outcome(), outcome);
        assert_eq!(queue(SESSION).identity(condition).with("aws:PrincipalArn", full).outcome(), given);
    }
    assert_eq!(queue(ROLE).identity(&under).outcome(), IMPLICIT, "the ARN of a role shows its path");
    assert_eq!(
        queue(SESSION).identity(&under).reason(),
        "`Statement[0].Condition.ArnLike.aws:PrincipalArn` of identity[0]: the ARN of a session does not show the path \
         of its role; the request must give `aws:PrincipalArn`"
    );
    let users = allow_if(r#"{"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#);
    assert_eq!(queue(SESSION).identity(&users).outcome(), ALLOWED);
}
