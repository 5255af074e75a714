use super::*;
use crate::plan::Standing;
use crate::plan::sample::{self, installation};
use crate::policy::deny_all;

fn settings() -> AccountSettings {
    AccountSettings::parse(&sample::account().spec, &installation()).unwrap()
}

/// An account whose provider is somebody else's.
fn existing() -> AccountSettings {
    let mut account = sample::account();
    let federation = &mut account.spec.aws.as_mut().unwrap().federation;
    federation.web_identity.as_mut().unwrap().provider = ProviderPolicy::Existing;
    AccountSettings::parse(&account.spec, &installation()).unwrap()
}

fn provider(audience: &str, installation: Option<&str>) -> Provider {
    let audiences = BTreeSet::from([audience.to_owned()]);
    Provider { audiences, installation: installation.map(str::to_owned), ..Provider::default() }
}

fn answers() -> Answers {
    Answers {
        caller: "123456789012".into(),
        boundary: Observation::Present(Reading::Document(deny_all())),
        proof: Proof::Provider(Observation::Present(provider("sts.amazonaws.com", Some("sim")))),
        usage: Ok(Usage { roles: Some(10), roles_quota: Some(1000) }),
    }
}

fn judge(answers: &Answers, pinned: Option<&str>) -> Judgement {
    let installation = installation();
    let others = BTreeSet::new();
    let base =
        Baseline { installation: &installation, pinned, boundary: None, thumbprints: None, others: Some(&others) };
    judge_account(&settings(), base, answers)
}

fn said(judged: &Judgement) -> (Reason, Standing, Hinders) {
    (judged.verdict.reason, judged.verdict.standing, judged.hinders)
}

#[test]
fn all_in_order_is_good() {
    let judged = judge(&answers(), Some(&deny_all().meaning().to_string()));
    assert_eq!(said(&judged), (Reason::Verified, Standing::Good, Hinders::Nothing));
    assert_eq!(
        judged.verdict.message,
        "credentials, boundary and OIDC provider are in order; roles are made under `/ambit/sim/`"
    );
    assert_eq!((judged.drift.len(), judged.needed, judged.repairs), (0, None, Vec::new()));
}

/// What is spoilt, and what must be said of it.
type Case = (fn(&mut Answers), Reason, Hinders);

#[test]
fn each_trouble_has_its_reason_and_keeps_from_as_much_as_it_must() {
    let cases: [Case; 4] = [
        (|a| a.caller = "999999999999".into(), Reason::CloudDenied, Hinders::Everything),
        (|a| a.boundary = Observation::Absent, Reason::BoundaryMissing, Hinders::Everything),
        (
            |a| a.proof = Proof::Provider(Observation::Present(provider("other", None))),
            Reason::ProviderMissing,
            Hinders::Binding,
        ),
        (
            |a| a.usage = Ok(Usage { roles: Some(1000), roles_quota: Some(1000) }),
            Reason::LimitExceeded,
            Hinders::Nothing,
        ),
    ];
    for (spoil, reason, hinders) in cases {
        let mut answers = answers();
        spoil(&mut answers);
        assert_eq!(said(&judge(&answers, None)), (reason, Standing::Terminal, hinders));
    }
    let judged = judge(&answers(), Some("sha256:00000000000000000000000000000000"));
    assert_eq!(said(&judged), (Reason::BoundaryChanged, Standing::Terminal, Hinders::NewRoles));
    assert!(judged.verdict.message.ends_with(
        "; no role is made under it: set it back, or set `spec.aws.permissionsBoundaryDigest` to what it means now"
    ));
    assert_eq!(judged.drift.len(), 1);
}

#[test]
fn a_quota_is_told_when_nine_tenths_are_used() {
    let used =
        |roles| judge(&Answers { usage: Ok(Usage { roles: Some(roles), roles_quota: Some(1000) }), ..answers() }, None);
    assert_eq!(said(&used(899)), (Reason::Verified, Standing::Good, Hinders::Nothing));
    assert_eq!(said(&used(900)), (Reason::QuotaNear, Standing::Good, Hinders::Nothing));
    assert_eq!(
        used(900).verdict.message,
        "all is in order, but 900 of the 1000 roles that the account may have are used up: raise the quota in time, or remove roles that nobody uses"
    );
    assert_eq!(said(&used(1001)).0, Reason::LimitExceeded);
}

#[test]
fn quotas_that_cannot_be_read_hinder_nothing() {
    let judged = judge(&Answers { usage: Err("iam:GetAccountSummary failed".into()), ..answers() }, None);
    assert_eq!(said(&judged), (Reason::Verified, Standing::Good, Hinders::Nothing));
    assert!(judged.verdict.message.ends_with("; its quotas are not known: iam:GetAccountSummary failed"));
}

#[test]
fn a_provider_is_made_at_once_and_that_is_no_drift() {
    let judged = judge(&Answers { proof: Proof::Provider(Observation::Absent), ..answers() }, None);
    assert_eq!(judged.needed, Some(ProviderStep::Create { audience: "sts.amazonaws.com".into() }));
    assert_eq!((said(&judged).0, judged.drift.len()), (Reason::Verified, 0));
}

#[test]
fn another_audience_is_told_and_then_taken_off() {
    let mut found = provider("sts.amazonaws.com", Some("sim"));
    found.audiences.insert("vault".into());
    let judged = judge(&Answers { proof: Proof::Provider(Observation::Present(found)), ..answers() }, None);
    assert_eq!(said(&judged), (Reason::Verified, Standing::Good, Hinders::Nothing));
    assert_eq!(judged.repairs, [ProviderStep::RemoveAudience { audience: "vault".into() }]);
    assert_eq!((judged.drift.len(), judged.needed), (1, None));
}

#[test]
fn an_existing_provider_is_never_changed() {
    let settings = existing();
    let installation = installation();
    let others = BTreeSet::new();
    let base = Baseline {
        installation: &installation,
        pinned: None,
        boundary: None,
        thumbprints: None,
        others: Some(&others),
    };
    let mut found = provider("vault", Some("sim"));
    for observation in [Observation::Absent, Observation::Present(found.clone())] {
        let judged = judge_account(&settings, base, &Answers { proof: Proof::Provider(observation), ..answers() });
        assert_eq!((said(&judged).0, judged.needed, judged.repairs.len()), (Reason::ProviderMissing, None, 0));
    }
    found.audiences.insert("sts.amazonaws.com".into());
    let judged =
        judge_account(&settings, base, &Answers { proof: Proof::Provider(Observation::Present(found)), ..answers() });
    assert_eq!((said(&judged).0, judged.drift.len(), judged.repairs.len()), (Reason::ProviderChanged, 1, 0));
}

#[test]
fn another_installations_provider_is_named() {
    let judged = judge(
        &Answers { proof: Proof::Provider(Observation::Present(provider("vault", Some("prod")))), ..answers() },
        None,
    );
    assert_eq!(said(&judged).0, Reason::ProviderMissing);
    assert!(judged.verdict.message.ends_with(
        "; it belongs to installation `prod`, which takes other audiences off again unless its CloudAccount says `provider: Existing`"
    ), "{}", judged.verdict.message);
}

/// Whoever reads `Ready` must not be told that all is in order while the provider is changed.
#[test]
fn a_provider_that_stays_changed_is_told_in_ready_and_hinders_nothing() {
    let installation = installation();
    let (before, others) = (BTreeSet::from(["aa".to_owned()]), BTreeSet::new());
    let base = Baseline {
        installation: &installation,
        pinned: None,
        boundary: None,
        thumbprints: Some(&before),
        others: Some(&others),
    };
    let mut found = provider("sts.amazonaws.com", Some("sim"));
    found.thumbprints = BTreeSet::from(["bb".to_owned()]);
    let usage = Ok(Usage { roles: Some(950), roles_quota: Some(1000) });
    let mut changed = Answers { proof: Proof::Provider(Observation::Present(found.clone())), usage, ..answers() };
    let judged = judge_account(&settings(), base, &changed);
    assert_eq!(said(&judged), (Reason::ProviderChanged, Standing::Good, Hinders::Nothing));
    assert_eq!(
        judged.verdict.message,
        "identities can be made, but the thumbprints of the provider of `https://oidc.example.com/id/A` are not those that were first seen: added `bb`; removed `aa`; if that was meant, any change of the CloudAccount's spec accepts it"
    );
    changed.usage = Ok(Usage { roles: Some(1000), roles_quota: Some(1000) });
    assert_eq!(said(&judge_account(&settings(), base, &changed)).0, Reason::LimitExceeded, "that is graver");

    found.thumbprints = before.clone();
    found.audiences.insert("vault".into());
    let extra = Answers { proof: Proof::Provider(Observation::Present(found)), ..answers() };
    let existing = existing();
    assert_eq!(said(&judge_account(&existing, base, &extra)).0, Reason::ProviderChanged, "nobody takes it off");
    assert_eq!(said(&judge_account(&settings(), base, &extra)).0, Reason::Verified, "it is taken off at once");
}

/// What an account with EKS Pod Identity says of its cluster.
fn of_cluster(found: Observation<Cluster>) -> Judgement {
    let installation = installation();
    let settings = AccountSettings::parse(&sample::pod_identity_account().spec, &installation).unwrap();
    let base = Baseline { installation: &installation, pinned: None, boundary: None, thumbprints: None, others: None };
    judge_account(&settings, base, &Answers { proof: Proof::Cluster(found), ..answers() })
}

#[test]
fn the_cluster_must_be_the_one_that_every_trust_names() {
    let cluster = |arn: &str| Observation::Present(Cluster { arn: arn.to_owned() });
    let judged = of_cluster(cluster(sample::CLUSTER));
    assert_eq!(said(&judged), (Reason::Verified, Standing::Good, Hinders::Nothing));
    assert_eq!(
        judged.verdict.message,
        "credentials, boundary and EKS cluster are in order; roles are made under `/ambit/sim/`"
    );
    assert_eq!((judged.drift, judged.needed, judged.repairs), (Vec::new(), None, Vec::new()));
    let mend = ": correct `spec.aws.accountId`, `spec.aws.region` and `spec.aws.federation.podIdentity.clusterName`";
    let elsewhere = "arn:aws:eks:us-east-1:123456789012:cluster/prod-eu";
    for (found, words) in [
        (
            Observation::Absent,
            format!("there is no EKS cluster `{}`, so EKS hands no role to its pods", sample::CLUSTER),
        ),
        (cluster(elsewhere), format!("the EKS cluster `prod-eu` is `{elsewhere}`, and not `{}`", sample::CLUSTER)),
    ] {
        let judged = of_cluster(found);
        assert_eq!(said(&judged), (Reason::ClusterMissing, Standing::Terminal, Hinders::Binding));
        assert_eq!(judged.verdict.message, format!("{words}{mend}"));
    }
}
