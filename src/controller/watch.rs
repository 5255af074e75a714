//! Watches that one broken object cannot stop.

use std::fmt::Debug;
use std::hash::Hash;

use futures::{Stream, StreamExt as _};
use kube::core::DeserializeGuard;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, predicates, watcher as watch};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::api::v1alpha1::RECONCILE;
use crate::telemetry::metrics::Metrics;

/// How many objects one page of a list holds: what is decoded at once is what
/// the memory of a start is made of.
const PAGE: u32 = 100;

/// Watches all objects of a kind. One that cannot be decoded is logged, counted
/// and left out; the others come through.
///
/// An object that turns undecodable keeps its last decodable version in the
/// caches until the next whole list: a change that is not understood is no end.
pub fn all<K>(
    api: Api<DeserializeGuard<K>>,
    metrics: Metrics,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watch::watcher(api, watcher::Config::default().page_size(PAGE))
        .default_backoff()
        .filter_map(move |event| std::future::ready(decoded(event, &metrics)))
}

fn decoded<K>(
    event: Result<Event<DeserializeGuard<K>>, watcher::Error>,
    metrics: &Metrics,
) -> Option<Result<Event<K>, watcher::Error>>
where
    K: Resource<DynamicType = ()>,
{
    let event = match event {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(kind = %K::kind(&()), error = %crate::names::chain(&error), "a watch was interrupted and goes on");
            return None;
        }
    };
    Some(Ok(match event {
        Event::Apply(guarded) => Event::Apply(understood(guarded, metrics)?),
        Event::Delete(guarded) => Event::Delete(understood(guarded, metrics)?),
        Event::InitApply(guarded) => Event::InitApply(understood(guarded, metrics)?),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }))
}

fn understood<K>(guarded: DeserializeGuard<K>, metrics: &Metrics) -> Option<K>
where
    K: Resource<DynamicType = ()>,
{
    match guarded.0 {
        Ok(object) => Some(lean(object)),
        Err(invalid) => {
            metrics.undecodable(&K::kind(&()));
            tracing::error!(
                kind = %K::kind(&()),
                namespace = invalid.metadata.namespace.as_deref().unwrap_or_default(),
                name = invalid.metadata.name.as_deref().unwrap_or_default(),
                error = %invalid.error,
                "an object cannot be decoded and is left as it is; correct or delete it"
            );
            None
        }
    }
}

/// An object without what others keep in its metadata for themselves: as a rule
/// more than half of it, and never looked at here.
pub fn lean<K: Resource>(mut object: K) -> K {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object
}

/// What makes a change worth a reconciliation: another incarnation, another
/// spec, the beginning of a deletion, other finalizers, a request to look. Status is not among
/// them, so that the operator's own writes wake nobody.
#[expect(clippy::unnecessary_wraps, reason = "a predicate may have no opinion; this one always has")]
pub fn material<K: Resource>(object: &K) -> Option<u64> {
    let own = std::hash::BuildHasherDefault::<std::collections::hash_map::DefaultHasher>::default();
    let asked = object.annotations().get(RECONCILE);
    let facts = (object.uid(), object.meta().generation, object.meta().deletion_timestamp.is_some(), asked.cloned());
    let hash = std::hash::BuildHasher::hash_one(&own, Facts(facts));
    Some(hash ^ predicates::finalizers(object).unwrap_or_default().rotate_left(1))
}

#[derive(Hash)]
struct Facts((Option<String>, Option<i64>, bool, Option<String>));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::CloudAccount;

    #[test]
    fn what_is_cached_carries_no_record_of_others() {
        let account: CloudAccount = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "a", "managedFields": [{"manager": "kubectl"}], "annotations":
                {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "shop"}},
            "spec": {"namespaceSelector": {}},
        }))
        .unwrap();
        let account = lean(account);
        assert_eq!(account.metadata.managed_fields, None);
        let annotations = account.metadata.annotations.unwrap_or_default();
        assert_eq!(annotations.into_keys().collect::<Vec<_>>(), ["team"]);
    }
}
