//! The definitions of all kinds, as they are applied to a cluster.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{BindingTable, CloudAccount, MachineIdentity, ScopePolicy};

/// The plural names of all kinds, in the order of [`all`].
pub const KINDS: [&str; 4] = ["cloudaccounts", "scopepolicies", "machineidentities", "bindingtables"];

/// The definitions of all kinds.
#[must_use]
pub fn all() -> [CustomResourceDefinition; 4] {
    [CloudAccount::crd(), ScopePolicy::crd(), MachineIdentity::crd(), BindingTable::crd()].map(finished)
}

/// One definition as YAML, as it stands in `crds/`.
pub fn yaml(crd: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(crd)
}

/// Drops what the generator adds and a cluster would answer differently or
/// API conventions advise against: empty lists of short names, and `nullable`.
fn finished(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    if crd.spec.names.short_names.as_ref().is_some_and(Vec::is_empty) {
        crd.spec.names.short_names = None;
    }
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            never_null(schema);
        }
    }
    crd
}

/// An absent field is absent: `null` is one spelling too many for it.
fn never_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(never_null);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => never_null(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(never_null),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        never_null(value);
    }
}
