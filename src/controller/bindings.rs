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
    for name in named {
        let key = IdentityKey::new(namespace, name);
        // The cache may not have a new object yet: only the API server's word counts.
        if caches.identity(&key).is_none() && cluster.live(&key).await?.is_none() {
            tracing::info!(identity = %key, "removing the binding of an identity that is gone");
            take_off_annotations(cluster, &key, installation, table).await?;
            cluster.unbind(namespace, name).await?;
        }
    }
    Ok(())
}

/// Takes away what Ambit said on the service accounts of an identity that is gone: those whose pods
/// get their credentials from a webhook.
async fn take_off_annotations(
    cluster: &dyn Cluster,
    key: &IdentityKey,
    installation: &InstallationId,
    table: &BindingTable,
) -> Result<(), ClusterError> {
    let principal = PrincipalName::derive(installation, key);
    let entries = table.spec.service_accounts.iter();
    for (account, _) in entries.filter(|(_, it)| it.identity == key.name && !it.required_env.is_empty()) {
        let seen = cluster.service_account(&key.namespace, account).await?;
        if let Some(seen) = seen.filter(|seen| may_be_of(&key.name, &principal, &seen.annotations)) {
            cluster.annotate(&key.namespace, account, &seen, &Annotations::new()).await?;
        }
    }
    Ok(())
}
