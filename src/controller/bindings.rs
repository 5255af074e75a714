//! Keeping binding tables free of entries whose identity is gone.
//!
//! As a rule an identity's own deletion removes its entry, and what Ambit said for it on the
//! service account. This is for those whose finalizer was taken away by force.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt as _;

use super::caches::Caches;
use super::outcome::{Failure, Outcome};
use crate::api::v1alpha1::BindingTable;
use crate::cluster::{Cluster, ClusterError};
use crate::domain::annotation::Annotations;
use crate::names::{IdentityKey, InstallationId, PrincipalName};
use crate::plan::may_be_of;

/// How often a table is looked over when nothing happens to it.
const INTERVAL: Duration = Duration::from_mins(10);

/// How soon it is looked over when the identities are not all listed yet.
const SOON: Duration = Duration::from_secs(5);

/// Removes entries whose identity is gone.
pub async fn reconcile(
    cluster: &dyn Cluster,
    caches: &Caches,
    installation: &InstallationId,
    table: &BindingTable,
) -> Outcome {
    let Some(namespace) = table.namespace() else { return Outcome::Finished };
    if !caches.claims.is_complete() {
        return Outcome::Waiting(SOON);
    }
    match remove_stale(cluster, caches, installation, table).await {
        Ok(()) => Outcome::Waiting(INTERVAL),
        Err(error) => {
            tracing::warn!(error.type = error.kind.name(), %error, namespace, "a binding table was not cleaned");
            Outcome::Failed(Failure::Cluster(error.kind))
        }
    }
}

async fn remove_stale(
    cluster: &dyn Cluster,
    caches: &Caches,
    installation: &InstallationId,
    table: &BindingTable,
) -> Result<(), ClusterError> {
    let namespace = &table.namespace().unwrap_or_default();
    let named: BTreeSet<&String> = table.spec.service_accounts.values().map(|binding| &binding.identity).collect();
    let mut done = Ok(());
    for name in named {
        let key = IdentityKey::new(namespace, name);
        // One that cannot be removed is no reason to leave the others.
        if let Err(error) = remove_if_stale(cluster, caches, installation, (table, &key)).await {
            done = Err(error);
        }
    }
    done
}

async fn remove_if_stale(
    cluster: &dyn Cluster,
    caches: &Caches,
    installation: &InstallationId,
    (table, key): (&BindingTable, &IdentityKey),
) -> Result<(), ClusterError> {
    // The cache may not have a new object yet: only the API server's word counts.
    if caches.identity(key).is_some() || cluster.live(key).await?.is_some() {
        return Ok(());
    }
    tracing::info!(identity = %key, "removing the binding of an identity that is gone");
    take_off_annotations(cluster, key, installation, table).await?;
    cluster.unbind(&key.namespace, &key.name).await
}

/// Takes away what Ambit said on the service accounts of an identity that is gone: those whose pods
/// get their credentials from a webhook.
async fn take_off_annotations(
    cluster: &dyn Cluster,
    key: &IdentityKey,
    installation: &InstallationId,
    table: &BindingTable,
) -> Result<(), ClusterError> {
    let principal = PrincipalName::role(installation, key);
    let entries = table.spec.service_accounts.iter();
    // Also one that turns pods away: it does not say how they got the role before.
    for (account, _) in entries.filter(|(_, it)| it.identity == key.name) {
        let seen = cluster.service_account(&key.namespace, account).await?;
        if let Some(seen) = seen.filter(|seen| may_be_of(&key.name, &principal, &seen.annotations)) {
            cluster.annotate(&key.namespace, account, &seen, &Annotations::new()).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kube::runtime::reflector;
    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::{Binding, BindingTable, TABLE_NAME};
    use crate::cluster::{BindingEntry, MemoryCluster};
    use crate::domain::annotation::{ANNOTATED_BY, ROLE_ARN};

    /// Nobody is there any more of whom anything could be said.
    #[tokio::test]
    async fn annotations_of_an_identity_that_is_gone_go_with_its_entry() {
        let caches = Caches {
            identities: reflector::store().0,
            accounts: reflector::store().0,
            policies: reflector::store().0,
            namespaces: reflector::store().0,
            claims: Arc::default(),
            changes: Arc::default(),
        };
        caches.claims.complete();
        let installation = InstallationId::parse("sim").unwrap();
        let cluster = MemoryCluster::default();
        let of = |identity: &str, name: &str| -> Annotations {
            let arn = format!("arn:aws:iam::123456789012:role/{name}");
            [(ROLE_ARN.to_owned(), arn), (ANNOTATED_BY.to_owned(), identity.to_owned())].into()
        };
        for (account, identity) in [("orders", "orders"), ("other", "orders"), ("mailer", "mailer")] {
            cluster.ensure_service_account("shop", account).await.unwrap();
            let seen = cluster.service_account("shop", account).await.unwrap().unwrap();
            let whose = if account == "other" { "somebody" } else { identity };
            cluster.annotate("shop", account, &seen, &of(whose, "x")).await.unwrap();
        }
        let binding = Binding {
            identity: "orders".into(),
            ready: true,
            required_env: vec!["AWS_ROLE_ARN".into()],
            ..Binding::default()
        };
        let entry = BindingEntry { service_account: "orders".into(), binding: binding.clone() };
        cluster.bind("shop", entry).await.unwrap();
        // As it is left when the identity was turned away last.
        let shut = Binding { ready: false, required_env: Vec::new(), ..binding.clone() };
        let entries = json!({"orders": shut, "other": binding});
        let table: BindingTable = serde_json::from_value(json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "BindingTable",
            "metadata": {"name": TABLE_NAME, "namespace": "shop"}, "serviceAccounts": entries,
        }))
        .unwrap();
        let outcome = reconcile(&cluster, &caches, &installation, &table).await;
        assert_eq!(outcome, Outcome::Waiting(INTERVAL));
        assert_eq!(cluster.annotations("shop", "orders"), Annotations::new());
        assert_eq!(cluster.annotations("shop", "other"), of("somebody", "x"), "it is not of this identity");
        assert_eq!(cluster.annotations("shop", "mailer"), of("mailer", "x"));
        assert!(cluster.table("shop").service_accounts.is_empty());
    }
}
