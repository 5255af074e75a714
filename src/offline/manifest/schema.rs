//! What a kind's definition demands, made ready to judge by. Nothing is restated
//! here: it is read from the definitions that are applied to a cluster.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use regex::Regex;
use serde_json::Value;

use super::rules::Rule;
use crate::api::v1alpha1::crds;

/// A kind of Ambit's group.
pub(super) struct Kind {
    pub name: String,
    pub api_version: String,
    pub namespaced: bool,
    pub schema: Schema,
}

/// What must hold of a value.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub shape: Shape,
    pub properties: BTreeMap<String, Schema>,
    pub required: Vec<String>,
    pub others: Others,
    pub items: Option<Box<Schema>>,
    pub one_of: Vec<String>,
    pub pattern: Option<Pattern>,
    pub length: Bounds<u64>,
    pub count: Bounds<u64>,
    pub fields: Bounds<u64>,
    pub size: Bounds<f64>,
    pub unique: Unique,
    pub default: Option<Value>,
    pub format: String,
    /// Whether the API server drops the value from a manifest: it belongs to the operator.
    pub dropped: bool,
    /// The first paragraph of what the field is.
    pub description: String,
    pub rules: Vec<Rule>,
    /// Whether it or anything in it has rules.
    pub ruled: bool,
}

/// What a value is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Fields,
    List,
    Text,
    Whole,
    Number,
    Boolean,
    /// Whatever.
    #[default]
    Any,
}

/// What fields there may be beside those that are named.
#[derive(Debug, Default)]
pub(super) enum Others {
    #[default]
    None,
    Any,
    Each(Box<Schema>),
}

/// What of a list may be there only once.
#[derive(Debug, Default)]
pub(super) enum Unique {
    #[default]
    Nothing,
    Items,
    Keys(Vec<String>),
}

/// The least and the most, where there is one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Bounds<T> {
    pub least: Option<T>,
    pub most: Option<T>,
}

/// A pattern, compiled when it is first asked for.
#[derive(Debug)]
pub(super) struct Pattern {
    pub text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Whether it is found in a text. One that cannot be compiled is in none: a test compiles all.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Schema {
    pub(super) fn of(props: &JSONSchemaProps) -> Self {
        let each = props.properties.iter().flatten().map(|(name, field)| (name.clone(), Self::of(field)));
        let (shape, open) = (shape(props), props.x_kubernetes_preserve_unknown_fields == Some(true));
        let description = props.description.clone().unwrap_or_default();
        let mut made = Self {
            shape,
            properties: each.collect(),
            required: props.required.clone().unwrap_or_default(),
            others: match &props.additional_properties {
                Some(JSONSchemaPropsOrBool::Schema(value)) => Others::Each(Box::new(Self::of(value))),
                Some(JSONSchemaPropsOrBool::Bool(true)) => Others::Any,
                None if open => Others::Any,
                _ => Others::None,
            },
            items: match &props.items {
                Some(JSONSchemaPropsOrArray::Schema(item)) => Some(Box::new(Self::of(item))),
                _ => None,
            },
            one_of: props.enum_.iter().flatten().filter_map(|value| value.0.as_str().map(str::to_owned)).collect(),
            pattern: props.pattern.clone().map(Pattern::new),
            length: Bounds::of(props.min_length, props.max_length),
            count: Bounds::of(props.min_items, props.max_items),
            fields: Bounds::of(props.min_properties, props.max_properties),
            size: Bounds { least: props.minimum, most: props.maximum },
            unique: match props.x_kubernetes_list_type.as_deref() {
                Some("set") => Unique::Items,
                Some("map") => Unique::Keys(props.x_kubernetes_list_map_keys.clone().unwrap_or_default()),
                _ => Unique::Nothing,
            },
            default: props.default.as_ref().map(|value| value.0.clone()),
            format: props.format.clone().unwrap_or_default(),
            dropped: false,
            description: description.split("\n\n").next().unwrap_or_default().replace('\n', " "),
            rules: props.x_kubernetes_validations.iter().flatten().map(rule).collect(),
            ruled: false,
        };
        let others = if let Others::Each(others) = &made.others { others.ruled } else { false };
        let items = made.items.as_ref().is_some_and(|items| items.ruled);
        let fields = made.properties.values().any(|field| field.ruled);
        made.ruled = !made.rules.is_empty() || others || items || fields;
        made
    }

    /// What must hold of a field, if there may be one of that name.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        match (self.properties.get(name), &self.others) {
            (Some(field), _) => Some(field),
            (None, Others::Each(field)) => Some(field),
            _ => None,
        }
    }

    /// Makes a type of Kubernetes' own, which describes objects that are taken as they are as
    /// objects without fields. Its long descriptions help nobody here.
    fn foreign(mut self) -> Self {
        self.description.clear();
        if self.shape == Shape::Fields && self.properties.is_empty() && matches!(self.others, Others::None) {
            self.others = Others::Any;
        }
        self.properties = self.properties.into_iter().map(|(name, field)| (name, field.foreign())).collect();
        self.items = self.items.map(|item| Box::new(item.foreign()));
        self
    }
}

impl Bounds<u64> {
    fn of(least: Option<i64>, most: Option<i64>) -> Self {
        let number = |bound: Option<i64>| bound.and_then(|bound| u64::try_from(bound).ok());
        Self { least: number(least), most: number(most) }
    }
}

fn rule(rule: &ValidationRule) -> Rule {
    Rule::new(&rule.rule, rule.message.as_deref())
}

fn shape(props: &JSONSchemaProps) -> Shape {
    match props.type_.as_deref() {
        Some("object") => Shape::Fields,
        Some("array") => Shape::List,
        Some("string") => Shape::Text,
        Some("integer") => Shape::Whole,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Boolean,
        _ => Shape::Any,
    }
}

/// The kinds of Ambit's group, as this version of it has them.
pub(super) static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| crds().iter().filter_map(kind).collect());

/// What the API server demands of the metadata of every object.
pub(super) static METADATA: LazyLock<Schema> = LazyLock::new(|| {
    let settings = schemars::generate::SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<ObjectMeta>();
    let props: Option<JSONSchemaProps> = serde_json::from_value(schema.to_value()).ok();
    props.map(|props| Schema::of(&props).foreign()).unwrap_or_default()
});

fn kind(crd: &CustomResourceDefinition) -> Option<Kind> {
    let version = crd.spec.versions.iter().find(|version| version.served)?;
    let props = version.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    let mut schema = Schema::of(props);
    if version.subresources.as_ref().is_some_and(|all| all.status.is_some())
        && let Some(status) = schema.properties.get_mut("status")
    {
        status.dropped = true;
    }
    Some(Kind {
        name: crd.spec.names.kind.clone(),
        api_version: format!("{}/{}", crd.spec.group, version.name),
        namespaced: crd.spec.scope == "Namespaced",
        schema,
    })
}
