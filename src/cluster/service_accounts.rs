//! Service accounts: made where they are missing, and annotated for the webhook of EKS.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::ObjectMeta;
use kube::{Api, ResourceExt as _};
use serde::Serialize;

use super::error::{ClusterError, ClusterErrorKind};
use super::kubernetes::bounded;
use super::port::ServiceAccountSeen;
use crate::domain::annotation::{ANNOTATED_BY, Annotations, READ_BY_WEBHOOK};

/// Who owns the annotations that Ambit wrote. Whoever changes one owns it from then on.
const MANAGER: &str = "ambit-annotations";

/// What Ambit applies, and nothing else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
}

/// Makes the service account if it is not there.
pub(super) async fn ensure(api: &Api<ServiceAccount>, name: &str) -> Result<(), ClusterError> {
    if bounded("get serviceaccount", api.get_metadata_opt(name)).await?.is_some() {
        return Ok(());
    }
    let made = ServiceAccount {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    let parameters = PostParams { field_manager: Some("ambit".into()), ..PostParams::default() };
    match bounded("create serviceaccount", api.create(&parameters, &made)).await {
        Err(error) if error.kind == ClusterErrorKind::Conflict => Ok(()),
        other => other.map(drop),
    }
}

/// The service account with those of its annotations that matter.
pub(super) async fn seen(api: &Api<ServiceAccount>, name: &str) -> Result<Option<ServiceAccountSeen>, ClusterError> {
    let found = bounded("get serviceaccount", api.get_metadata_opt(name)).await?;
    Ok(found.map(|found| ServiceAccountSeen {
        uid: found.uid().unwrap_or_default(),
        version: found.resource_version().unwrap_or_default(),
        annotations: found.annotations().iter().filter(|(name, _)| matters(name)).map(cloned).collect(),
    }))
}

fn matters(name: &str) -> bool {
    name == ANNOTATED_BY || READ_BY_WEBHOOK.contains(&name)
}

fn cloned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// Applies the annotations. Server-side apply takes away what Ambit applied before and does not any
/// more, unless somebody else wrote it as well; UID and version keep it off any other state than the
/// one that was judged.
pub(super) async fn annotate(
    api: &Api<ServiceAccount>,
    name: &str,
    seen: &ServiceAccountSeen,
    annotations: &Annotations,
) -> Result<(), ClusterError> {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        uid: Some(seen.uid.clone()),
        resource_version: Some(seen.version.clone()),
        annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        ..ObjectMeta::default()
    };
    let partial = Partial { api_version: "v1", kind: "ServiceAccount", metadata };
    // Forced: that nothing of somebody else is overwritten was judged on this very version, and what
    // was Ambit's and was changed is put right.
    let parameters = PatchParams::apply(MANAGER).force();
    bounded("patch serviceaccount", api.patch_metadata(name, &parameters, &Patch::Apply(&partial))).await.map(drop)
}
