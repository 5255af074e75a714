//! How the way from pod to principal differs from the declared one.

use std::collections::BTreeSet;

use super::{Difference, DriftClass, Part};
use crate::api::v1alpha1::{Binding, EnvVar, TOKEN_DIRECTORY, TOKEN_SECONDS};

/// What differs between the declared and the live way of a service account's pods to the
/// principal: the service account itself, and its entry in the namespace's table.
///
/// `expected` is the entry as Ambit would write it now. Why one that is not ready waits is
/// not compared: the words change while it waits for the same thing.
#[must_use]
pub fn binding_differences(
    service_account: &str,
    expected: &Binding,
    service_account_exists: bool,
    entry: Option<&Binding>,
) -> Vec<Difference> {
    let lost = (!service_account_exists).then(|| {
        let summary = format!("service account `{service_account}` does not exist, so no pod can use the role");
        Difference::new(Part::ServiceAccount, DriftClass::Missing, summary)
    });
    let entry = match entry {
        Some(entry) => table(service_account, expected, entry),
        None => Some((
            DriftClass::Missing,
            format!(
                "the namespace's BindingTable has no entry for service account `{service_account}`, so new pods start without the role"
            ),
        )),
    };
    let entry = entry.map(|(class, summary)| Difference::new(Part::BindingTable, class, summary));
    lost.into_iter().chain(entry).collect()
}

/// How an entry of the table differs, the gravest first.
fn table(service_account: &str, expected: &Binding, entry: &Binding) -> Option<(DriftClass, String)> {
    let said = |what: String| format!("the BindingTable's entry for service account `{service_account}` {what}");
    if entry.identity != expected.identity {
        let what = format!("is that of identity `{}` instead of `{}`", entry.identity, expected.identity);
        return Some((DriftClass::Changed, said(what)));
    }
    let mut changed = Vec::new();
    match (expected.ready, entry.ready) {
        (false, true) => changed.push("lets pods start, although they must wait".to_owned()),
        (true, false) => {
            let why = entry.reason.as_deref().unwrap_or("it does not say why");
            return Some((DriftClass::Narrowed, said(format!("turns pods away, although they may start: {why}"))));
        }
        // Nobody gets anything while pods are turned away.
        (true, true) => changed.extend(given(expected, entry)),
        (false, false) => {}
    }
    (!changed.is_empty()).then(|| (DriftClass::Changed, said(changed.join(", and "))))
}

/// How that which pods get differs.
fn given(expected: &Binding, entry: &Binding) -> Vec<String> {
    let mut changed = Vec::new();
    match (&expected.audience, &entry.audience) {
        (wanted, found) if wanted == found => {}
        (Some(wanted), Some(found)) => changed.push(format!("asks for tokens for `{found}` instead of `{wanted}`")),
        (Some(wanted), None) => changed.push(format!("asks for no tokens instead of those for `{wanted}`")),
        (None, found) => {
            changed.push(format!("asks for tokens for `{}` and should for none", found.as_deref().unwrap_or_default()));
        }
    }
    let seconds = |binding: &Binding| binding.expiration_seconds.unwrap_or(TOKEN_SECONDS);
    if seconds(expected) != seconds(entry) {
        changed.push(format!("asks for tokens of {} s instead of {} s", seconds(entry), seconds(expected)));
    }
    let directory = |binding: &Binding| binding.directory.clone().unwrap_or_else(|| TOKEN_DIRECTORY.to_owned());
    if directory(expected) != directory(entry) {
        changed.push(format!("mounts tokens in `{}` instead of `{}`", directory(entry), directory(expected)));
    }
    changed.extend(environment(&expected.env, &entry.env));
    let sorted = |binding: &Binding| binding.required_env.iter().cloned().collect::<BTreeSet<String>>();
    if sorted(expected) != sorted(entry) {
        let does = if entry.required_env.is_empty() { "does not look" } else { "looks otherwise" };
        changed.push(format!("{does} whether a webhook gave pods their credentials"));
    }
    changed
}

/// Which variables pods would get otherwise. Their values may be anything, so only names are said.
fn environment(expected: &[EnvVar], found: &[EnvVar]) -> Option<String> {
    let value = |all: &[EnvVar], name: &str| all.iter().find(|one| one.name == name).map(|one| one.value.clone());
    let mut names: Vec<&str> = expected.iter().chain(found).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| value(expected, name) != value(found, name));
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("gives pods another {}", quoted.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding {
        let env = |name: &str, value: &str| EnvVar { name: name.into(), value: value.into() };
        Binding {
            identity: "orders".into(),
            ready: true,
            reason: None,
            audience: Some("sts.amazonaws.com".into()),
            env: vec![env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/orders"), env("AWS_REGION", "eu-west-1")],
            ..Binding::default()
        }
    }

    /// Part, class and words of what one change of the live entry comes to.
    fn told(exists: bool, change: impl FnOnce(&mut Binding)) -> Vec<(&'static str, &'static str, String)> {
        let mut entry = binding();
        change(&mut entry);
        let found = binding_differences("orders", &binding(), exists, Some(&entry));
        found.into_iter().map(|one| (one.part.name(), one.class.name(), one.summary)).collect()
    }

    fn changed(what: &str) -> Vec<(&'static str, &'static str, String)> {
        let words = format!("the BindingTable's entry for service account `orders` {what}");
        vec![("bindingTable", "Changed", words)]
    }

    #[test]
    fn the_same_way_differs_in_nothing() {
        assert_eq!(told(true, |_| {}), []);
        assert_eq!(told(true, |entry| entry.env.reverse()), [], "the order of variables means nothing");
        let waiting = |why: &str| Binding { ready: false, reason: Some(why.into()), ..binding() };
        let found = binding_differences("orders", &waiting("one"), true, Some(&waiting("another")));
        assert_eq!(found, [], "why it waits is not compared");
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let found = binding_differences("orders", &binding(), false, None);
        let told: Vec<_> = found.iter().map(|one| (one.part, one.class, one.widens, one.summary.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    Part::ServiceAccount,
                    DriftClass::Missing,
                    false,
                    "service account `orders` does not exist, so no pod can use the role"
                ),
                (
                    Part::BindingTable,
                    DriftClass::Missing,
                    false,
                    "the namespace's BindingTable has no entry for service account `orders`, so new pods start without the role"
                ),
            ]
        );
        assert!(found.iter().all(|one| one.mend.is_none()), "nothing at the principal mends it");
    }

    #[test]
    fn an_entry_that_says_otherwise_is_told_in_one_sentence() {
        assert_eq!(
            told(true, |entry| entry.identity = "mailer".into()),
            changed("is that of identity `mailer` instead of `orders`")
        );
        assert_eq!(
            told(true, |entry| entry.audience = Some("other".into())),
            changed("asks for tokens for `other` instead of `sts.amazonaws.com`")
        );
        assert_eq!(
            told(true, |entry| entry.env[0].value = "arn:aws:iam::999999999999:role/theirs".into()),
            changed("gives pods another `AWS_ROLE_ARN`")
        );
        assert_eq!(
            told(true, |entry| {
                entry.env.clear();
                entry.audience = Some("other".into());
            }),
            changed(
                "asks for tokens for `other` instead of `sts.amazonaws.com`, and gives pods another `AWS_REGION`, `AWS_ROLE_ARN`"
            )
        );
    }

    #[test]
    fn how_tokens_are_given_is_told() {
        let set = |change: fn(&mut Binding)| told(true, change);
        assert_eq!(
            set(|it| it.audience = None),
            changed("asks for no tokens instead of those for `sts.amazonaws.com`")
        );
        assert_eq!(set(|it| it.expiration_seconds = Some(600)), changed("asks for tokens of 600 s instead of 3600 s"));
        assert_eq!(set(|it| it.expiration_seconds = Some(3600)), [], "as where nothing is said");
        let words = "mounts tokens in `/var/run/secrets/x` instead of `/var/run/secrets/ambit.dev`";
        assert_eq!(set(|it| it.directory = Some("/var/run/secrets/x".into())), changed(words));
        let words = "looks otherwise whether a webhook gave pods their credentials";
        assert_eq!(set(|it| it.required_env = vec!["AWS_ROLE_ARN".into()]), changed(words));
        let gate = Binding { audience: None, env: Vec::new(), required_env: vec!["AWS_ROLE_ARN".into()], ..binding() };
        let open = Binding { required_env: Vec::new(), audience: Some("x".into()), ..gate.clone() };
        let words = "the BindingTable's entry for service account `orders` asks for tokens for `x` and should for none, and does not look whether a webhook gave pods their credentials";
        assert_eq!(binding_differences("orders", &gate, true, Some(&open))[0].summary, words);
    }

    #[test]
    fn a_gate_that_stands_otherwise_is_told_by_its_direction() {
        let shut = |entry: &mut Binding| {
            entry.ready = false;
            entry.reason = Some("it is being prepared".into());
        };
        let words = "the BindingTable's entry for service account `orders` turns pods away, although they may start: it is being prepared";
        assert_eq!(told(true, shut), [("bindingTable", "Narrowed", words.to_owned())]);
        let expected = Binding { ready: false, reason: Some("revoked".into()), ..binding() };
        let found = binding_differences("orders", &expected, true, Some(&binding()));
        let words = "the BindingTable's entry for service account `orders` lets pods start, although they must wait";
        assert_eq!((found[0].class, found[0].summary.as_str()), (DriftClass::Changed, words));
    }
}
