use serde_json::json;

use super::*;
use crate::plan::reason::Standing;
use crate::plan::sample::{self, account, declaration, grounds, identity, installation, key, scope_policy};

/// The reason and the sentence with which a declaration is refused.
fn refused(change: impl FnOnce(&mut MachineIdentity), on: impl for<'a> FnOnce(&mut Grounds<'a>)) -> (Reason, String) {
    let (installation, key, mut identity) = (installation(), key(), identity());
    let mut grounds = grounds(&installation);
    change(&mut identity);
    on(&mut grounds);
    let Refusal { verdict, .. } = resolve(declaration(&identity, &key), &grounds, Catalogue::embedded()).unwrap_err();
    assert_eq!(verdict.standing, Standing::Terminal);
    (verdict.reason, verdict.message)
}

fn as_it_is(_: &mut MachineIdentity) {}

fn accepted() -> Resolved {
    let (installation, key, identity) = (installation(), key(), identity());
    resolve(declaration(&identity, &key), &grounds(&installation), Catalogue::embedded()).unwrap()
}

#[test]
fn an_accepted_declaration_has_all_that_follows() {
    let resolved = accepted();
    let name = resolved.desired.name.to_string();
    assert_eq!(resolved.role_arn, format!("arn:aws:iam::123456789012:role/ambit/sim/{name}"));
    assert_eq!(resolved.desired.owner, sample::owner());
    assert!(resolved.desired.trust.same_meaning(&sample::trust("orders")));
    assert!(resolved.desired.permissions.text().contains(r#""sqs:SendMessage""#));
    assert_eq!((resolved.desired.session.get(), resolved.enforce), (3600, true));
    let delivery = resolved.delivery().unwrap();
    let binding = delivery.binding("orders", None);
    assert_eq!((delivery.service_account.as_str(), binding.audience.as_deref()), ("orders", Some("sts.amazonaws.com")));
    let env: Vec<(&str, &str)> =
        binding.env.iter().map(|variable| (variable.name.as_str(), variable.value.as_str())).collect();
    let expected = [
        ("AWS_ROLE_ARN", resolved.role_arn.as_str()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/ambit.dev/token"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ];
    assert_eq!(env, expected);
    assert_eq!(resolved.summary, "can send messages to queue `orders`");
}

#[test]
fn where_eks_hands_roles_to_pods_the_table_only_gates() {
    let (installation, key, identity) = (installation(), key(), identity());
    let grounds = Grounds { account: Some(Arc::new(sample::pod_identity_account())), ..grounds(&installation) };
    let resolved = resolve(declaration(&identity, &key), &grounds, Catalogue::embedded()).unwrap();
    let delivery = resolved.delivery().unwrap();
    let handed_to = delivery.handed_to().unwrap();
    assert_eq!((handed_to.cluster.as_str(), handed_to.pods.to_string()), (sample::CLUSTER, "shop/orders".to_owned()));
    assert!(handed_to.are_admitted_by(&resolved.desired.trust, &resolved.role_arn), "{}", resolved.desired.trust);
    let binding = delivery.binding("orders", None);
    let gate = crate::api::v1alpha1::Binding { identity: "orders".into(), ready: true, ..Default::default() };
    assert_eq!(binding, gate);
    assert_eq!(resolved.tokens(), None);
    // Clusters of one name in two regions, or in two accounts, stay apart.
    let elsewhere = |change: fn(&mut crate::api::v1alpha1::AwsAccountSpec)| {
        let mut account = sample::pod_identity_account();
        change(account.spec.aws.as_mut().unwrap());
        let settings = AccountSettings::parse(&account.spec, &installation).unwrap();
        compile(declaration(&identity, &key), settings, &installation, Catalogue::embedded()).unwrap().desired.trust
    };
    let changes: [fn(&mut crate::api::v1alpha1::AwsAccountSpec); 2] = [
        |aws| aws.region = "us-east-1".into(),
        |aws| aws.federation.pod_identity.as_mut().unwrap().cluster_name = "prod-us".into(),
    ];
    for change in changes {
        assert!(!handed_to.are_admitted_by(&elsewhere(change), &resolved.role_arn));
    }
    assert!(elsewhere(|_| {}).same_meaning(&resolved.desired.trust));
}

#[test]
fn with_a_secret_pods_need_no_token() {
    let (installation, key, mut identity) = (installation(), key(), identity());
    identity.spec.credentials = serde_json::from_value(json!({"sessionSecret": {"secretName": "orders-aws"}})).unwrap();
    let account = AccountSettings::parse(&account().spec, &installation).unwrap();
    let resolved = compile(declaration(&identity, &key), account, &installation, Catalogue::embedded()).unwrap();
    assert_eq!(resolved.secret().unwrap().name, "orders-aws");
    let binding = resolved.delivery().unwrap().binding("orders", None);
    assert_eq!((binding.ready, binding.audience), (true, None));
    let env: Vec<(&str, &str)> = binding.env.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
    assert_eq!(env, [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-west-1")]);
    assert!(resolved.desired.trust.same_meaning(&accepted().desired.trust), "the role is the same");
    let federated = accepted().delivery().unwrap().binding("orders", Some("it waits".into()));
    assert_eq!((federated.ready, federated.reason.as_deref()), (false, Some("it waits")));
    assert_eq!((federated.audience.as_deref(), federated.env.len()), (Some("sts.amazonaws.com"), 5));
}

#[test]
fn where_eks_hands_roles_to_pods_there_is_no_secret() {
    let secret = |identity: &mut MachineIdentity| {
        identity.spec.credentials =
            serde_json::from_value(json!({"sessionSecret": {"secretName": "orders-aws"}})).unwrap();
    };
    let by_eks = |grounds: &mut Grounds<'_>| grounds.account = Some(Arc::new(sample::pod_identity_account()));
    let (reason, message) = refused(secret, by_eks);
    assert_eq!(reason, Reason::InvalidScope);
    assert_eq!(
        message,
        "`spec.credentials.sessionSecret` does not go with CloudAccount 'prod', whose federation is `podIdentity`: there EKS gives the role to pods alone, and Ambit can get no credentials for a Secret; name a CloudAccount with `webIdentity`, or remove `spec.credentials`"
    );
}

#[test]
fn a_pipeline_has_no_secret() {
    let secret = |identity: &mut MachineIdentity| {
        let github = json!({"github": {"repository": "acme/shop", "branch": "main"}});
        identity.spec.subject = serde_json::from_value(json!({ "pipeline": github })).unwrap();
        identity.spec.credentials =
            serde_json::from_value(json!({"sessionSecret": {"secretName": "orders-aws"}})).unwrap();
    };
    let (reason, message) = refused(secret, |_| {});
    assert_eq!(reason, Reason::InvalidScope);
    assert_eq!(
        message,
        "`spec.credentials` of a pipeline must be by federation: it exchanges its own token; a Secret must go with `spec.subject.serviceAccount`"
    );
}

#[test]
fn there_must_be_such_an_account() {
    let (reason, message) = refused(as_it_is, |grounds| grounds.account = None);
    assert_eq!(reason, Reason::AccountNotFound);
    assert_eq!(
        message,
        "`spec.accountRef` names 'prod', and there is no such CloudAccount: create it, or name one of `kubectl get cloudaccounts`"
    );
}

#[test]
fn the_account_must_select_the_namespace() {
    let message = "CloudAccount 'prod' does not select namespace 'shop': ask its owners to, or label the namespace as `spec.namespaceSelector` of the account says";
    let selects_nobody = || {
        let mut account = account();
        account.spec.namespace_selector = None;
        Some(Arc::new(account))
    };
    let expected = (Reason::NamespaceNotSelected, message.to_owned());
    assert_eq!(refused(as_it_is, |grounds| grounds.namespace_labels.clear()), expected);
    assert_eq!(refused(as_it_is, |grounds| grounds.account = selects_nobody()), expected);
}

#[test]
fn the_account_must_be_usable() {
    let broken = |change: fn(&mut crate::api::v1alpha1::AwsAccountSpec)| {
        let mut account = account();
        account.spec.aws.as_mut().map(change).unwrap();
        refused(as_it_is, |grounds| grounds.account = Some(Arc::new(account)))
    };
    assert_eq!(
        broken(|aws| aws.account_id = "12".into()),
        (
            Reason::AccountNotFound,
            "CloudAccount 'prod' cannot be used: `spec.aws.accountId`: `12` is not an account id: it must have exactly 12 digits"
                .to_owned()
        )
    );
    assert_eq!(
        broken(|aws| aws.federation.web_identity = None),
        (
            Reason::AccountNotFound,
            "CloudAccount 'prod' cannot be used: `spec.aws.federation` must set exactly one of `webIdentity` and `podIdentity`"
                .to_owned()
        )
    );
}

#[test]
fn a_scope_policy_must_select_namespace_and_account() {
    let message = "no ScopePolicy selects namespace 'shop' for account 'prod', so nothing may be asked for: ask the platform team for a ScopePolicy";
    let expected = (Reason::NoScopePolicy, message.to_owned());
    assert_eq!(refused(as_it_is, |grounds| grounds.policies.clear()), expected);
    let for_another = |change: fn(&mut ScopePolicy)| {
        let mut policy = scope_policy();
        change(&mut policy);
        refused(as_it_is, |grounds| grounds.policies = vec![Arc::new(policy)])
    };
    assert_eq!(for_another(|policy| policy.spec.account_refs[0].name = "dev".into()), expected);
    assert_eq!(
        for_another(|policy| {
            let team = policy.spec.namespace_selector.match_labels.get_mut("team").unwrap();
            team.0 = "payments".into();
        }),
        expected
    );
}

#[test]
fn a_service_account_has_one_identity() {
    let (reason, message) = refused(as_it_is, |grounds| grounds.earlier_claim = Some("elder".into()));
    assert_eq!(reason, Reason::SubjectTaken);
    assert_eq!(
        message,
        "service account 'orders' is already that of MachineIdentity 'elder', and a shared identity would tell nobody who acted: name another service account, or delete 'elder'"
    );
}

/// Older API servers may let through what today's rules refuse.
#[test]
fn what_the_api_server_should_have_refused_is_refused_here() {
    let nothing = |_: &mut Grounds<'_>| {};
    assert_eq!(
        refused(|identity| identity.spec.subject.service_account = None, nothing),
        (Reason::InvalidScope, "`spec.subject` must set exactly one of `serviceAccount` and `pipeline`".to_owned())
    );
    let exactly_one = "scope `publish` must set exactly one of `access` and `actions`".to_owned();
    assert_eq!(
        refused(|identity| identity.spec.scopes[0].actions.clear(), nothing),
        (Reason::InvalidScope, exactly_one.clone())
    );
    assert_eq!(
        refused(|identity| identity.spec.scopes[0].access.push(AccessName::Read), nothing),
        (Reason::InvalidScope, exactly_one)
    );
    for seconds in [0, 3599, 43_201] {
        let duration = std::time::Duration::from_secs(seconds);
        assert_eq!(
            refused(|identity| identity.spec.session_duration = duration.into(), nothing),
            (Reason::InvalidScope, "`spec.sessionDuration` must be a duration from '1h' to '12h'".to_owned())
        );
    }
}

#[test]
fn scopes_are_refused_with_field_and_fix() {
    let with_actions = |actions: &[&str]| {
        let actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
        refused(|identity| identity.spec.scopes[0].actions = actions, |_| {})
    };
    let (reason, message) = with_actions(&["sqs:SendMesage"]);
    assert_eq!(reason, Reason::UnknownAction);
    assert_eq!(
        message,
        "`spec.scopes[0].actions[0]`: scope `publish`: `sqs:SendMesage` is not an action of sqs; did you mean `sqs:SendMessage`?"
    );
    let (reason, message) = with_actions(&["sqs:A1", "sqs:B1", "sqs:C1", "sqs:D1", "sqs:E1"]);
    assert_eq!(reason, Reason::UnknownAction);
    assert!(message.ends_with("; and 2 more"), "{message}");
    assert_eq!(message.matches("`spec.scopes[0].actions[").count(), 3, "{message}");
}

#[test]
fn too_much_is_refused_with_the_numbers() {
    let (reason, message) = refused(
        |identity| {
            let queue = |number| format!("arn:aws:sqs:eu-west-1:123456789012:{}{number}", "q".repeat(70));
            let mut scope = identity.spec.scopes[0].clone();
            scope.resources = (10..60).map(queue).collect();
            identity.spec.scopes = (0..3)
                .map(|number| crate::api::v1alpha1::ScopeSpec {
                    name: format!("scope-{number}"),
                    conditions: vec![crate::api::v1alpha1::ScopeCondition {
                        key: "aws:SourceVpce".into(),
                        operator: "StringEquals".into(),
                        values: vec![format!("vpce-{number}")],
                    }],
                    ..scope.clone()
                })
                .collect();
        },
        |_| {},
    );
    assert_eq!(reason, Reason::TooLarge);
    assert!(message.contains("9840 are allowed"), "{message}");
    assert!(message.contains("scope-0"), "says which scopes weigh most: {message}");
}

/// The first thing that somebody must change is the one that is named.
#[test]
fn the_account_is_judged_before_the_scopes() {
    let (reason, _) = refused(|identity| identity.spec.scopes[0].actions.clear(), |grounds| grounds.account = None);
    assert_eq!(reason, Reason::AccountNotFound);
    let (reason, _) = refused(|identity| identity.spec.scopes[0].actions.clear(), |grounds| grounds.policies.clear());
    assert_eq!(reason, Reason::NoScopePolicy);
}
