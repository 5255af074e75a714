//! The definitions of all kinds, as they are applied to a cluster.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{BindingTable, CloudAccount, MachineIdentity, ScopePolicy};

/// The plural names of all kinds, in the order of [`all`].
pub const KINDS: [&str; 4] = ["cloudaccounts", "scopepolicies", "machineidentities", "bindingtables"];

/// A word in CamelCase, with a domain before it where it is not a common one.
const CONDITION_TYPE: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
/// A word that programs can rely on.
const CONDITION_REASON: &str = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

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
/// Adds the bounds that the library's type of conditions does not carry.
fn finished(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    if crd.spec.names.short_names.as_ref().is_some_and(Vec::is_empty) {
        crd.spec.names.short_names = None;
    }
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            each(schema, &mut |schema| schema.nullable = None);
            each(schema, &mut bound_condition);
        }
    }
    crd
}

/// Visits a schema and all schemas in it. An absent field is absent, and
/// `null` is one spelling too many for it: so nothing is nullable.
fn each(schema: &mut JSONSchemaProps, visit: &mut impl FnMut(&mut JSONSchemaProps)) {
    visit(schema);
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        each(property, visit);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => each(item, visit),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(|item| each(item, visit)),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        each(value, visit);
    }
}

/// Gives a condition the bounds that Kubernetes itself gives its conditions.
fn bound_condition(schema: &mut JSONSchemaProps) {
    let Some(fields) = schema.properties.as_mut().filter(|fields| fields.contains_key("lastTransitionTime")) else {
        return;
    };
    for (name, field) in fields {
        match name.as_str() {
            "type" => bound_word(field, 316, CONDITION_TYPE),
            "reason" => bound_word(field, 1024, CONDITION_REASON),
            "message" => field.max_length = Some(32768),
            "status" => field.enum_ = Some(["True", "False", "Unknown"].map(|word| JSON(word.into())).into()),
            "observedGeneration" => field.minimum = Some(0.0),
            _ => {}
        }
    }
}

fn bound_word(field: &mut JSONSchemaProps, longest: i64, pattern: &str) {
    field.min_length = Some(1);
    field.max_length = Some(longest);
    field.pattern = Some(pattern.to_owned());
}
