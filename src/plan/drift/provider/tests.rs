use super::*;
use crate::plan::drift::Severity;

const ISSUER: &str = "https://oidc.example.com/id/A";

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn registered(audiences: &[&str], thumbprints: &[&str], installation: Option<&str>) -> Observation<Provider> {
    let installation = installation.map(str::to_owned);
    Observation::Present(Provider { audiences: set(audiences), thumbprints: set(thumbprints), installation })
}

fn sought<'a>(seen: Option<&'a BTreeSet<String>>, others: Option<&'a BTreeSet<String>>) -> ProviderSought<'a> {
    ProviderSought { issuer: ISSUER, audience: "sts.amazonaws.com", others, installation: "sim", thumbprints: seen }
}

fn judged(found: &Observation<Provider>, seen: Option<&BTreeSet<String>>) -> Vec<ProviderDifference> {
    provider(sought(seen, Some(&BTreeSet::new())), found)
}

#[test]
fn the_audiences_of_other_accounts_with_the_same_provider_are_declared() {
    let found = registered(&["sts.amazonaws.com", "theirs", "vault"], &[], Some("sim"));
    let extra = |others: Option<&BTreeSet<String>>| {
        let found = provider(sought(None, others), &found);
        found.into_iter().filter_map(|found| found.difference.subject).collect::<Vec<_>>()
    };
    assert_eq!(extra(Some(&BTreeSet::new())), ["theirs", "vault"]);
    assert_eq!(extra(Some(&set(&["theirs"]))), ["vault"]);
    assert_eq!(extra(None), [] as [&str; 0], "while not all accounts are known, nothing is extra");
}

fn told(found: &ProviderDifference) -> (DriftClass, Severity, &str, Option<&ProviderStep>) {
    let difference = &found.difference;
    assert_eq!(difference.part, Part::Provider);
    (difference.class, difference.severity(), &difference.summary, found.mend.as_ref())
}

#[test]
fn one_that_is_as_sought_differs_in_nothing() {
    for installation in [None, Some("sim"), Some("other")] {
        let found = registered(&["sts.amazonaws.com"], &["aa"], installation);
        assert_eq!(judged(&found, None), []);
        assert_eq!(judged(&found, Some(&set(&["aa"]))), []);
    }
}

#[test]
fn one_that_is_not_there_is_missing() {
    let found = judged(&Observation::Absent, None);
    let create = ProviderStep::Create { audience: "sts.amazonaws.com".into() };
    let summary = "no OIDC provider is registered for `https://oidc.example.com/id/A`";
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        [(DriftClass::Missing, Severity::Warning, summary, Some(&create))]
    );
}

#[test]
fn one_without_our_audience_is_narrowed_and_mended_only_if_it_is_ours() {
    let add = ProviderStep::AddAudience { audience: "sts.amazonaws.com".into() };
    for (installation, mend) in [(Some("sim"), Some(&add)), (Some("other"), None), (None, None)] {
        let found = judged(&registered(&[], &[], installation), None);
        let summary =
            "the provider of `https://oidc.example.com/id/A` does not accept the audience `sts.amazonaws.com`";
        assert_eq!(
            found.iter().map(told).collect::<Vec<_>>(),
            [(DriftClass::Narrowed, Severity::Warning, summary, mend)]
        );
        assert_eq!(found[0].difference.subject.as_deref(), Some("sts.amazonaws.com"));
    }
}

#[test]
fn another_audience_is_foreign_on_ours_and_nobodys_business_elsewhere() {
    let audiences = ["sts.amazonaws.com", "va\u{7}ult"];
    let found = judged(&registered(&audiences, &[], Some("sim")), None);
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let (class, severity, summary, mend) = told(found);
    assert_eq!((class, severity), (DriftClass::Foreign, Severity::Warning));
    assert!(
        summary.contains("also accepts the audience `va") && summary.ends_with("so it opens none of them"),
        "{summary}"
    );
    assert!(!summary.contains('\u{7}'), "{summary:?}");
    assert_eq!(mend, Some(&ProviderStep::RemoveAudience { audience: "va\u{7}ult".into() }), "removed as it is");
    for installation in [None, Some("other")] {
        assert_eq!(judged(&registered(&audiences, &[], installation), None), []);
    }
}

#[test]
fn thumbprints_that_are_not_the_first_ones_are_told_and_left() {
    let seen = set(&["aa", "bb"]);
    let of = |now: &[&str]| judged(&registered(&["sts.amazonaws.com"], now, None), Some(&seen));
    let found = of(&["bb", "cc"]);
    let summary = "the thumbprints of the provider of `https://oidc.example.com/id/A` are not those that were first seen: added `cc`; removed `aa`; if that was meant, any change of the CloudAccount's spec accepts it";
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [(DriftClass::Changed, Severity::Critical, summary, None)]);
    assert_eq!(of(&["aa"])[0].difference.severity(), Severity::Warning, "one fewer lets nobody in");
    assert_eq!(of(&["bb", "aa"]), []);
}
