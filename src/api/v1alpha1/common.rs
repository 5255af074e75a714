//! Types that several kinds share.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names an object of a fixed kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct NameRef {
    /// The object's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub name: String,
}

/// Selects namespaces by their labels. Empty selects all; absent selects none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceSelector {
    /// Labels that the namespace must have, with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 20, "x-kubernetes-map-type" = "granular"))]
    pub match_labels: BTreeMap<String, LabelValue>,
    /// Further requirements, all of which must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// The value of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LabelValue(#[schemars(length(max = 63))] pub String);

/// One requirement on a namespace's labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
#[x_kube(validation = Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)")
    .message("must list `values` with operator 'In' or 'NotIn', and only then"))]
pub struct SelectorRequirement {
    /// The label's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How the label's value relates to `values`.
    pub operator: SelectorOperator,
    /// The values, with `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub values: Vec<String>,
}

/// How a label relates to the values of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SelectorOperator {
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

impl NamespaceSelector {
    /// Whether a namespace with these labels is selected.
    #[must_use]
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(&value.0))
            && self.match_expressions.iter().all(|requirement| requirement.holds(labels))
    }
}

impl SelectorRequirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            SelectorOperator::In => value.is_some_and(|value| self.values.contains(value)),
            SelectorOperator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            SelectorOperator::Exists => value.is_some(),
            SelectorOperator::DoesNotExist => value.is_none(),
        }
    }
}

/// A level of access as AWS documents it for each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AccessName {
    /// See which resources there are.
    List,
    /// Read their content and attributes.
    Read,
    /// Create, change and delete.
    Write,
    /// Change tags only.
    Tagging,
    /// Change who has access ("Permissions management").
    Permissions,
}

/// A condition that a request must meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeCondition {
    /// The condition key, such as `aws:SourceVpce`.
    #[schemars(length(min = 3, max = 128))]
    #[x_kube(validation = Rule::new("self.contains(':') && !self.contains('*') && !self.contains('$')")
        .message("must be a condition key such as 'aws:SourceVpce', without wildcards or variables"))]
    pub key: String,
    /// The operator, such as `StringEquals`.
    #[schemars(length(min = 2, max = 64), regex(pattern = "^[A-Za-z:]+$"))]
    pub operator: String,
    /// The values, any of which may match.
    #[schemars(length(min = 1, max = 20), inner(length(max = 256)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new(r"self.all(v, v.matches(r'^[ -~\x{a0}-\x{ff}]*$'))")
            .message("must be made of printable characters of Latin-1: the cloud takes no others")
    )]
    pub values: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn requirement(operator: SelectorOperator, values: &[&str]) -> NamespaceSelector {
        NamespaceSelector {
            match_labels: BTreeMap::new(),
            match_expressions: vec![SelectorRequirement {
                key: "team".into(),
                operator,
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
        }
    }

    #[test]
    fn an_empty_selector_selects_all() {
        assert!(NamespaceSelector::default().selects(&labels(&[])));
    }

    #[test]
    fn labels_must_all_match() {
        let selector = NamespaceSelector {
            match_labels: [("team".to_owned(), LabelValue("shop".into()))].into(),
            match_expressions: vec![],
        };
        assert!(selector.selects(&labels(&[("team", "shop"), ("x", "y")])));
        assert!(!selector.selects(&labels(&[("team", "bank")])));
        assert!(!selector.selects(&labels(&[])));
    }

    #[test]
    fn each_operator_is_as_kubernetes_has_it() {
        use SelectorOperator::{DoesNotExist, Exists, In, NotIn};
        for (operator, values, shop, bank, none) in [
            (In, &["shop"][..], true, false, false),
            (NotIn, &["shop"][..], false, true, true),
            (Exists, &[][..], true, true, false),
            (DoesNotExist, &[][..], false, false, true),
        ] {
            let selector = requirement(operator, values);
            assert_eq!(selector.selects(&labels(&[("team", "shop")])), shop, "{operator:?}");
            assert_eq!(selector.selects(&labels(&[("team", "bank")])), bank, "{operator:?}");
            assert_eq!(selector.selects(&labels(&[])), none, "{operator:?}");
        }
    }
}
