use kube::runtime::reflector;
use serde_json::{Value, json};

use super::*;

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
    Caches { identities, accounts, policies, namespaces, claims: Arc::default(), changes: Arc::default() }
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

fn installation() -> InstallationId {
    InstallationId::parse("bed").unwrap()
}

/// An identity that is in place, the account that it names, and its entry.
fn bound() -> (Caches, String, Binding) {
    let (identities, mut writer) = reflector::store();
    let (accounts, mut account) = reflector::store();
    writer.apply_watcher_event(&Event::Apply(read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {"name": "orders", "namespace": "shop", "generation": 1},
        "spec": {"accountRef": {"name": "prod"}, "subject": {"serviceAccount": {"name": "a"}}, "scopes": []},
        "status": {"observedGeneration": 1, "conditions": [{
            "type": "Ready", "status": "True", "reason": "Verified", "message": "",
            "lastTransitionTime": "2026-11-22T12:00:00Z",
        }]},
    }))));
    account.apply_watcher_event(&Event::Apply(read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": "prod"},
        "spec": {"aws": {
            "accountId": "123456789012", "region": "eu-west-1",
            "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/b",
            "federation": {"webIdentity": {"issuer": "https://oidc.example.com/id"}},
        }},
    }))));
    let caches = Caches { identities, accounts, ..caches() };
    let identity = caches.identities.state().remove(0);
    let (service_account, entry) = expected_entry(&caches, &installation(), &identity).unwrap();
    (caches, service_account, entry)
}

/// The table of an account whose pods get their credentials from a webhook.
#[test]
fn an_entry_that_no_longer_asks_for_credentials_wakes_its_identity() {
    let (caches, _, _) = bound();
    let mut account = (*caches.accounts.state().remove(0)).clone();
    let web = account.spec.aws.as_mut().and_then(|aws| aws.federation.web_identity.as_mut()).unwrap();
    web.delivery = crate::api::v1alpha1::DeliveryMethod::ServiceAccountAnnotation;
    let (accounts, mut writer) = reflector::store();
    writer.apply_watcher_event(&Event::Apply(account));
    let caches = Caches { accounts, ..caches };
    let identity = caches.identities.state().remove(0);
    let (service_account, written) = expected_entry(&caches, &installation(), &identity).unwrap();
    assert_eq!((written.audience.is_none(), written.required_env.len()), (true, 2));
    let woken = |entry: Binding| {
        let metadata = json!({"name": TABLE_NAME, "namespace": "shop"});
        let entries = json!({&*service_account: entry});
        let table = json!({"apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": metadata, "serviceAccounts": entries});
        names(altered_in(&caches, &installation(), &Event::Apply(read(table))))
    };
    assert_eq!(woken(written.clone()), Vec::<String>::new());
    assert_eq!(woken(Binding { required_env: Vec::new(), ..written }), ["shop/orders"]);
}

#[test]
fn an_entry_that_is_not_as_ambit_wrote_it_wakes_its_identity() {
    let (caches, service_account, written) = bound();
    let table = |entry: Option<Binding>| -> BindingTable {
        let entries: BTreeMap<&str, Binding> =
            entry.into_iter().map(|entry| (service_account.as_str(), entry)).collect();
        let metadata = json!({"name": TABLE_NAME, "namespace": "shop"});
        read(json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable", "metadata": metadata, "serviceAccounts": entries,
        }))
    };
    let woken = |event: &Event<BindingTable>| names(altered_in(&caches, &installation(), event));
    let applied = |change: &dyn Fn(&mut Binding)| {
        let mut entry = written.clone();
        change(&mut entry);
        woken(&Event::Apply(table(Some(entry))))
    };
    assert_eq!(applied(&|_| {}), Vec::<String>::new(), "Ambit's own writing wakes nobody");
    let theirs = "arn:aws:iam::123456789012:role/theirs";
    let endpoint = || read(json!({"name": "AWS_ENDPOINT_URL_STS", "value": "https://example.com"}));
    let changes: [&dyn Fn(&mut Binding); 5] = [
        &|entry| entry.env[0].value = theirs.to_owned(),
        &|entry| entry.env.push(endpoint()),
        &|entry| entry.audience = Some("other".to_owned()),
        &|entry| entry.ready = false,
        &|entry| entry.identity = "mailer".to_owned(),
    ];
    for change in changes {
        assert_eq!(applied(change), ["shop/orders"]);
    }
    assert_eq!(woken(&Event::Apply(table(None))), ["shop/orders"]);
    assert_eq!(woken(&Event::InitApply(table(None))), ["shop/orders"]);
    assert_eq!(woken(&Event::Delete(table(Some(written.clone())))), ["shop/orders"]);
}
