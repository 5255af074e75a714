use kube::runtime::reflector;
use serde_json::{Value, json};

use super::*;
use crate::controller::claims::Claims;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn policy(spec: &Value) -> ScopePolicy {
    read(json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "p"}, "spec": spec}))
}

/// Two namespaces of different teams, and in each an identity for each of two accounts.
fn caches() -> Caches {
    let (identities, mut writer) = reflector::store();
    let (namespaces, mut names) = reflector::store();
    for team in ["shop", "bank"] {
        let labels = json!({"team": team});
        names.apply_watcher_event(&Event::Apply(read(json!({"metadata": {"name": team, "labels": labels}}))));
        for account in ["prod", "test"] {
            writer.apply_watcher_event(&Event::Apply(read(json!({
                "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
                "metadata": {"name": account, "namespace": team},
                "spec": {"accountRef": {"name": account}, "subject": {"serviceAccount": {"name": "a"}}, "scopes": []},
            }))));
        }
    }
    let (accounts, policies) = (reflector::store().0, reflector::store().0);
    Caches { identities, accounts, policies, namespaces, claims: Arc::new(Claims::default()) }
}

fn names(references: Vec<ObjectRef<MachineIdentity>>) -> Vec<String> {
    let mut names: Vec<String> =
        references.into_iter().map(|it| format!("{}/{}", it.namespace.unwrap_or_default(), it.name)).collect();
    names.sort();
    names
}

#[test]
fn a_policy_wakes_only_those_it_speaks_for_or_spoke_for() {
    let (caches, known) = (caches(), Policies::default());
    let woken = |spec: Value| names(judged_by(&known, &caches, &Event::Apply(policy(&spec))));
    let shop = json!({"matchLabels": {"team": "shop"}});
    assert_eq!(woken(json!({"namespaceSelector": shop})), ["shop/prod", "shop/test"]);
    let prod = json!({"namespaceSelector": shop, "accountRefs": [{"name": "prod"}], "maxScopes": 3});
    assert_eq!(woken(prod.clone()), ["shop/prod", "shop/test"], "the older version spoke for both");
    let other = json!({"namespaceSelector": shop, "accountRefs": [{"name": "prod"}], "maxScopes": 2});
    assert_eq!(woken(other.clone()), ["shop/prod"]);
    assert_eq!(woken(other), Vec::<String>::new());
    let bank = json!({"namespaceSelector": {"matchLabels": {"team": "bank"}}});
    assert_eq!(woken(bank.clone()), ["bank/prod", "bank/test", "shop/prod"]);
    assert_eq!(names(judged_by(&known, &caches, &Event::Delete(policy(&bank)))), ["bank/prod", "bank/test"]);
}

#[test]
fn a_namespace_wakes_its_own() {
    let caches = caches();
    let event = Event::Apply(read(json!({"metadata": {"name": "shop"}})));
    assert_eq!(names(in_namespace(&caches, &event)), ["shop/prod", "shop/test"]);
    assert_eq!(in_namespace(&caches, &Event::InitDone).len(), 4);
}
