//! Rows about what leads to a role: the issuer's provider, the service account and
//! its entry in the namespace's table.

use std::collections::BTreeSet;

use super::*;
use crate::api::v1alpha1::{Binding, EnvVar};
use crate::domain::{Provider, ProviderStep};

const FOREIGN: Expected = (Some(DriftClass::Foreign), false);
const MISSING: Expected = (Some(DriftClass::Missing), false);
const UNEQUAL: Expected = (Some(DriftClass::Changed), false);

const AUDIENCE: &str = "sts.amazonaws.com";

/// What is there instead.
type Replant = fn(Provider) -> Option<Provider>;
type Rebind = fn(Binding) -> Option<Binding>;

#[expect(clippy::unnecessary_wraps, reason = "a provider may also be gone")]
fn with(provider: Provider, change: fn(&mut Provider)) -> Option<Provider> {
    let mut provider = provider;
    change(&mut provider);
    Some(provider)
}

const PROVIDERS: &[(&str, Expected, Replant)] = &[
    ("nothing", NOTHING, Some),
    ("no provider", MISSING, |_| None),
    ("one more audience", FOREIGN, |it| with(it, |it| it.audiences.extend(["other".into()]))),
    ("one more audience in another case", FOREIGN, |it| {
        with(it, |it| it.audiences.extend(["STS.amazonaws.com".into()]))
    }),
    ("no audience", NARROWED, |it| with(it, |it| it.audiences.clear())),
    ("one more thumbprint", CHANGED, |it| with(it, |it| it.thumbprints.extend(["b".repeat(40)]))),
    ("another thumbprint", CHANGED, |it| with(it, |it| it.thumbprints = BTreeSet::from(["b".repeat(40)]))),
    ("no thumbprint", UNEQUAL, |it| with(it, |it| it.thumbprints.clear())),
    // Whoever registered it says what else it accepts.
    ("another's provider with one more audience", NOTHING, |it| {
        with(it, |it| (it.installation, it.audiences) = (None, BTreeSet::from([AUDIENCE.into(), "other".into()])))
    }),
];

const BINDINGS: &[(&str, Expected, Rebind)] = &[
    ("nothing", NOTHING, Some),
    ("variables in another order", NOTHING, |mut it| {
        it.env.reverse();
        Some(it)
    }),
    ("no entry", MISSING, |_| None),
    ("another identity", UNEQUAL, |it| Some(Binding { identity: "mailer".into(), ..it })),
    ("another audience", UNEQUAL, |it| Some(Binding { audience: Some("other".into()), ..it })),
    ("no audience", UNEQUAL, |it| Some(Binding { audience: None, ..it })),
    ("tokens that last longer", UNEQUAL, |it| Some(Binding { expiration_seconds: Some(7200), ..it })),
    ("the usual time, written out", NOTHING, |it| Some(Binding { expiration_seconds: Some(3600), ..it })),
    ("another directory", UNEQUAL, |it| Some(Binding { directory: Some("/var/run/secrets/x".into()), ..it })),
    ("a webhook that is waited for", UNEQUAL, |it| Some(Binding { required_env: vec!["AWS_ROLE_ARN".into()], ..it })),
    ("another role", UNEQUAL, |mut it| {
        it.env[0].value = "arn:aws:iam::999999999999:role/theirs".into();
        Some(it)
    }),
    ("a variable less", UNEQUAL, |mut it| {
        it.env.pop();
        Some(it)
    }),
    ("a gate that was shut", NARROWED, |it| Some(Binding { ready: false, reason: Some("by hand".into()), ..it })),
];

fn provider() -> Provider {
    Provider {
        audiences: BTreeSet::from([AUDIENCE.to_owned()]),
        thumbprints: BTreeSet::from(["a".repeat(40)]),
        installation: Some("sim".into()),
    }
}

fn binding() -> Binding {
    let env = |name: &str, value: &str| EnvVar { name: name.into(), value: value.into() };
    Binding {
        identity: "orders".into(),
        ready: true,
        audience: Some(AUDIENCE.into()),
        env: vec![env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/orders"), env("AWS_REGION", "eu-west-1")],
        ..Binding::default()
    }
}

fn observation(provider: Option<Provider>) -> Observation<Provider> {
    provider.map_or(Observation::Absent, Observation::Present)
}

/// What a step does to a provider.
fn stepped(provider: Option<Provider>, step: &ProviderStep) -> Provider {
    let mut after = provider.unwrap_or_else(|| Provider { audiences: BTreeSet::new(), ..self::provider() });
    match step {
        ProviderStep::Create { audience } | ProviderStep::AddAudience { audience } => {
            after.audiences.insert(audience.clone());
        }
        ProviderStep::RemoveAudience { audience } => {
            after.audiences.remove(audience);
        }
    }
    after
}

fn said<'a>(found: impl IntoIterator<Item = &'a Difference>) -> Vec<Expected> {
    found.into_iter().map(|found| (Some(found.class), found.widens)).collect()
}

fn one(expected: Expected) -> Vec<Expected> {
    Some(expected).filter(|(class, _)| class.is_some()).into_iter().collect()
}

#[test]
fn every_drift_of_a_provider_is_judged_right_and_mended() {
    let before = provider().thumbprints;
    let none = BTreeSet::new();
    let sought = ProviderSought {
        issuer: sample::ISSUER,
        audience: AUDIENCE,
        others: Some(&none),
        installation: "sim",
        thumbprints: Some(&before),
    };
    for (name, expected, plant) in PROVIDERS {
        let live = plant(provider());
        let found = super::super::provider(sought, &observation(live.clone()));
        assert_eq!(said(found.iter().map(|found| &found.difference)), one(*expected), "{name}");
        assert!(found.iter().all(|found| found.difference.part == Part::Provider), "{name}");
        let mended =
            found.iter().filter_map(|found| found.mend.as_ref()).fold(live, |live, step| Some(stepped(live, step)));
        let after = super::super::provider(sought, &observation(mended));
        // No step undoes a change of thumbprints: AWS may have made it, and people accept it.
        let left = found.iter().filter(|found| found.mend.is_none()).count();
        assert_eq!(after.len(), left, "{name}");
    }
}

#[test]
fn every_drift_of_a_binding_is_judged_right() {
    for (name, expected, rebind) in BINDINGS {
        let found = binding_differences("orders", &binding(), true, rebind(binding()).as_ref());
        assert_eq!(said(&found), one(*expected), "{name}");
        assert!(found.iter().all(|found| found.part == Part::BindingTable), "{name}");
    }
    let waiting = Binding { ready: false, ..binding() };
    let opened = binding_differences("orders", &waiting, true, Some(&binding()));
    assert_eq!(said(&opened), [UNEQUAL], "a gate that was opened");
    let gone = binding_differences("orders", &binding(), false, Some(&binding()));
    assert_eq!((said(&gone), gone[0].part), (vec![MISSING], Part::ServiceAccount));
}
