use super::*;
use crate::api::v1alpha1::{SecretFormat, TokenSpec};
use crate::plan::account::AccountError;
use crate::plan::sample;

const ARN: &str = "arn:aws:iam::123456789012:role/ambit/sim/shop-orders-abc";
const OTHER: &str = "arn:aws:iam::123456789012:role/other";

/// The settings of the account with other settings of tokens.
fn settings(method: DeliveryMethod, token: Option<TokenSpec>) -> Result<AccountSettings, AccountError> {
    let mut account = sample::account();
    let web = account.spec.aws.as_mut().and_then(|aws| aws.federation.web_identity.as_mut()).unwrap();
    (web.delivery, web.token) = (method, token);
    AccountSettings::parse(&account.spec, &sample::installation())
}

#[expect(clippy::unnecessary_wraps, reason = "what it is handed to takes none as well")]
fn token(minutes: u64, directory: &str) -> Option<TokenSpec> {
    let expiration = std::time::Duration::from_mins(minutes).into();
    Some(TokenSpec { expiration, directory: directory.to_owned() })
}

fn by(method: DeliveryMethod, token: Option<TokenSpec>) -> Delivery {
    delivery(&pods(), None, &settings(method, token).unwrap(), ARN)
}

fn pods() -> PodsOf {
    PodsOf::new("shop", "orders")
}

/// Where EKS hands it to pods.
fn handed() -> Delivery {
    let settings = AccountSettings::parse(&sample::pod_identity_account().spec, &sample::installation()).unwrap();
    delivery(&pods(), None, &settings, ARN)
}

/// Where Ambit keeps credentials in a Secret.
fn stored(method: DeliveryMethod) -> Delivery {
    let target = SecretTarget {
        holds: crate::plan::credentials::Holds::Session,
        name: "orders-aws".into(),
        format: SecretFormat::Environment,
        profile: None,
    };
    delivery(&pods(), Some(Storing::Session(target)), &settings(method, None).unwrap(), ARN)
}

fn injected(token: Option<TokenSpec>) -> Delivery {
    by(DeliveryMethod::PodAdmission, token)
}

fn annotated(token: Option<TokenSpec>) -> Delivery {
    by(DeliveryMethod::ServiceAccountAnnotation, token)
}

fn pairs(found: &[(&str, &str)]) -> Annotations {
    found.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What Ambit says on the service account.
fn said() -> Annotations {
    annotated(None).annotated().unwrap().annotations("orders")
}

fn changed(change: impl FnOnce(&mut Annotations)) -> Annotations {
    let mut found = said();
    change(&mut found);
    found
}

fn claim(found: &Annotations) -> Claim {
    annotated(None).annotated().unwrap().claim("orders", found)
}

fn difference(found: &Annotations) -> Option<(DriftClass, String)> {
    let annotated = annotated(None);
    let found = annotated.annotated().unwrap().difference("orders", "orders", found)?;
    assert_eq!(found.part, Part::ServiceAccount);
    Some((found.class, found.summary))
}

#[test]
fn with_a_secret_pods_get_the_region_at_most() {
    let injecting = stored(DeliveryMethod::PodAdmission);
    let binding = injecting.binding("orders", None);
    let env: Vec<(&str, &str)> = binding.env.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
    assert_eq!(env, [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-west-1")]);
    assert_eq!(Binding { env: Vec::new(), ..binding }, handed().binding("orders", None), "else it only gates");
    // Where nothing of Ambit's gives pods an environment, the gate must not ask for one.
    let annotating = stored(DeliveryMethod::ServiceAccountAnnotation);
    assert_eq!(annotating.binding("orders", None), handed().binding("orders", None));
    for delivery in [injecting, annotating] {
        assert_eq!((delivery.annotated(), delivery.handed_to()), (None, None));
        assert_eq!(delivery.secret().unwrap().name, "orders-aws");
        assert_eq!(delivery.audience(), Some("sts.amazonaws.com"), "of the token that Ambit exchanges");
        assert_eq!(delivery.status().method, DeliveredBy::SessionSecret);
        assert!(!delivery.is_told(None) && delivery.is_told(Some(&delivery.status())));
    }
}

/// Upgrades must write nothing: entries and statuses of older versions say nothing of these settings.
#[test]
fn what_is_as_it_always_was_is_written_as_it_always_was() {
    let binding = injected(None).binding("orders", None);
    let text = serde_json::to_value(&binding).unwrap();
    let fields: Vec<&String> = text.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["audience", "env", "identity", "ready"]);
    assert_eq!(injected(None).status(), DeliveryStatus::default());
    assert!(injected(None).is_told(None));
    assert!(injected(token(60, TOKEN_DIRECTORY)).is_told(None));
}

#[test]
fn settings_of_tokens_reach_the_table_and_the_environment() {
    let delivery = injected(token(30, "/var/run/secrets/cloud/aws"));
    let binding = delivery.binding("orders", Some("it is being prepared".into()));
    assert_eq!((binding.ready, binding.reason.as_deref()), (false, Some("it is being prepared")));
    assert_eq!(binding.expiration_seconds, Some(1800));
    assert_eq!(binding.directory.as_deref(), Some("/var/run/secrets/cloud/aws"));
    let file = binding.env.iter().find(|one| one.name == "AWS_WEB_IDENTITY_TOKEN_FILE").unwrap();
    assert_eq!(file.value, "/var/run/secrets/cloud/aws/token");
    assert!(!delivery.is_told(None), "pods do not get it this way yet");
    assert!(delivery.is_told(Some(&delivery.status())));
    assert!(!injected(None).is_told(Some(&delivery.status())));
}

#[test]
fn tokens_have_bounds_also_where_the_rules_of_the_api_server_are_older() {
    let refused = |token: Option<TokenSpec>| match settings(DeliveryMethod::PodAdmission, token) {
        Err(AccountError::Value { field, .. }) => field.rsplit_once('.').unwrap().1,
        other => panic!("{other:?}"),
    };
    assert_eq!([token(9, TOKEN_DIRECTORY), token(1441, TOKEN_DIRECTORY)].map(refused), ["expiration"; 2]);
    for directory in [
        "",
        "token",
        "/",
        "/var/run/secrets",
        "/var/run/secrets/",
        "/var/run/secrets/x/",
        "/var/run/secrets//x",
        "/var/run/secrets/../x",
        "/var/run/secrets/x/..",
        "/var/run/secrets/.x",
        "/var/run/secrets/x y",
        "/var/run/secretsx",
        "/etc/x",
        "/var/run/secrets/kubernetes.io",
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "/var/run/secrets/eks.amazonaws.com/serviceaccount",
        "/var/run/secrets/pods.eks.amazonaws.com",
    ] {
        assert_eq!(refused(token(60, directory)), "directory", "{directory}");
    }
    let error = settings(DeliveryMethod::PodAdmission, token(9, TOKEN_DIRECTORY)).unwrap_err();
    let said = "`spec.aws.federation.webIdentity.token.expiration` must be a duration from '10m' to '24h'";
    assert_eq!(error.to_string(), said);
    for (minutes, directory) in [(10, "/var/run/secrets/x"), (1440, "/var/run/secrets/kubernetes.io.mine/a_b-c.d")] {
        assert!(settings(DeliveryMethod::PodAdmission, token(minutes, directory)).is_ok(), "{directory}");
    }
}

#[test]
fn with_annotations_the_table_only_holds_pods_back() {
    let delivery = annotated(token(30, TOKEN_DIRECTORY));
    let binding = delivery.binding("orders", None);
    assert!(binding.ready && binding.audience.is_none() && binding.env.is_empty());
    assert_eq!(binding.required_env, ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]);
    assert_eq!((binding.expiration_seconds, binding.directory), (None, None));
    let expected = pairs(&[
        ("ambit.dev/annotated-by", "orders"),
        ("eks.amazonaws.com/audience", "sts.amazonaws.com"),
        ("eks.amazonaws.com/role-arn", ARN),
        ("eks.amazonaws.com/sts-regional-endpoints", "true"),
        ("eks.amazonaws.com/token-expiration", "1800"),
    ]);
    assert_eq!(delivery.annotated().unwrap().annotations("orders"), expected);
}

/// A switch from tokens is not done while status says that pods get them still.
#[test]
fn that_eks_hands_it_to_pods_is_told_as_a_way_of_its_own() {
    let status = handed().status();
    assert_eq!(serde_json::to_value(&status).unwrap(), serde_json::json!({"method": "PodIdentity"}));
    assert!(handed().is_told(Some(&status)));
    for before in [injected(None), annotated(None)] {
        assert!(!handed().is_told(Some(&before.status())));
        assert!(!before.is_told(Some(&status)));
    }
    assert!(!handed().is_told(None));
    let left = DeliveryStatus { annotated_service_accounts: vec!["orders".into()], ..status };
    assert!(!handed().is_told(Some(&left)), "an annotation may be left");
    assert_eq!((handed().annotated(), handed().handed_to().is_some()), (None, true));
}

/// A switch that was broken off must be gone on with, whichever way the account went meanwhile.
#[test]
fn nothing_is_told_while_the_other_way_is_there_too() {
    let begun = DeliveryStatus { annotated_service_accounts: vec!["orders".into()], ..DeliveryStatus::default() };
    assert!(!annotated(None).is_told(Some(&begun)));
    assert!(!injected(None).is_told(Some(&begun)), "an annotation may be left");
    let moved = DeliveryStatus { annotated_service_accounts: vec!["old".into()], ..annotated(None).status() };
    assert!(!annotated(None).is_told(Some(&moved)));
    assert!(annotated(None).is_told(Some(&annotated(None).status())));
    assert!(!annotated(None).is_told(None));
    assert!(!annotated(token(30, TOKEN_DIRECTORY)).is_told(Some(&annotated(None).status())));
}

#[test]
fn annotations_of_somebody_else_are_never_taken_over() {
    assert_eq!(claim(&Annotations::new()), Claim::Free);
    assert_eq!(claim(&said()), Claim::InPlace);
    // Its own, changed by somebody: it is put right.
    assert_eq!(claim(&changed(|it| drop(it.insert(ROLE_ARN.into(), OTHER.into())))), Claim::Free);
    assert_eq!(claim(&changed(|it| drop(it.remove(AUDIENCE)))), Claim::Free);
    // Somebody else says the same.
    assert_eq!(claim(&changed(|it| drop(it.remove(ANNOTATED_BY)))), Claim::Free);
    assert_eq!(claim(&pairs(&[(ROLE_ARN, ARN)])), Claim::Free);
    assert_eq!(claim(&pairs(&[(REGIONAL_ENDPOINTS, "true")])), Claim::Free);
    // Somebody else says something else.
    let foreign = |found: &[(&str, &str)]| match claim(&pairs(found)) {
        Claim::Foreign(what) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(foreign(&[(ROLE_ARN, OTHER)]), format!("`{ROLE_ARN}: {OTHER}`"));
    assert_eq!(foreign(&[(ROLE_ARN, ARN), (AUDIENCE, "other")]), format!("`{AUDIENCE}: other`"));
    assert_eq!(foreign(&[(TOKEN_EXPIRATION, "86400")]), format!("`{TOKEN_EXPIRATION}: 86400`"));
    assert_eq!(
        foreign(&[(ROLE_ARN, OTHER), (ANNOTATED_BY, "mailer")]),
        format!("`{ROLE_ARN}: {OTHER}` of MachineIdentity 'mailer'")
    );
    // The mark of another alone says nothing to the webhook.
    assert_eq!(claim(&pairs(&[(ANNOTATED_BY, "mailer")])), Claim::Free);
}

#[test]
fn what_is_ambits_own_is_told_by_its_mark_or_its_role() {
    let principal = PrincipalName::role(&sample::installation(), &sample::key());
    let own = format!("arn:aws:iam::123456789012:role/ambit/sim/{principal}");
    let may_be = |found: &[(&str, &str)]| may_be_of("orders", &principal, &pairs(found));
    assert!(may_be(&[(ANNOTATED_BY, "orders")]));
    assert!(may_be(&[(ROLE_ARN, &own)]));
    assert!(!may_be(&[(ANNOTATED_BY, "mailer"), (ROLE_ARN, OTHER)]));
    assert!(!may_be(&[(ROLE_ARN, &format!("{own}x")), (AUDIENCE, "sts.amazonaws.com")]));
    assert!(!may_be(&[]));
}

#[test]
fn only_what_ambit_wrote_can_drift() {
    assert_eq!(difference(&said()), None);
    let lost = "service account `orders` has no annotation `eks.amazonaws.com/role-arn`, so the webhook of EKS gives its new pods nothing";
    assert_eq!(difference(&Annotations::new()), Some((DriftClass::Missing, lost.to_owned())));
    let other = "service account `orders` has another annotation `eks.amazonaws.com/role-arn` and has no annotation `eks.amazonaws.com/token-expiration`";
    let found = changed(|it| {
        it.insert(ROLE_ARN.into(), OTHER.into());
        it.remove(TOKEN_EXPIRATION);
    });
    assert_eq!(difference(&found), Some((DriftClass::Changed, other.to_owned())));
    let unmarked = changed(|it| drop(it.remove(ANNOTATED_BY)));
    let words = "service account `orders` has no annotation `ambit.dev/annotated-by`";
    assert_eq!(difference(&unmarked), Some((DriftClass::Changed, words.to_owned())));
    assert_eq!(difference(&pairs(&[(ROLE_ARN, OTHER)])), None, "it is somebody else's");
}
