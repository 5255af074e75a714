//! What passed through the proxy, by action and by caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Calls since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// All calls.
    pub total: u64,
    /// Calls by `service:Action`.
    pub calls: BTreeMap<String, u64>,
    /// Of these, calls that were answered with an error status, or not at all.
    pub failed: BTreeMap<String, u64>,
    /// Calls by who signed them (`operator`, `root`, `session`, `unsigned`) and action.
    pub callers: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many calls met a fault that was asked for.
    pub faults: u64,
}

impl Counts {
    /// How often an action was called.
    #[must_use]
    pub fn of(&self, action: &str) -> u64 {
        self.calls.get(action).copied().unwrap_or_default()
    }

    /// How many calls a caller made.
    #[must_use]
    pub fn by(&self, caller: &str) -> u64 {
        self.callers.get(caller).map_or(0, |calls| calls.values().sum())
    }

    pub(super) fn add(&mut self, action: &str, caller: &str) {
        self.total += 1;
        bump(&mut self.calls, action);
        if let Some(calls) = self.callers.get_mut(caller) {
            bump(calls, action);
        } else {
            self.callers.insert(caller.to_owned(), BTreeMap::from([(action.to_owned(), 1)]));
        }
    }

    pub(super) fn add_failure(&mut self, action: &str) {
        bump(&mut self.failed, action);
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count += 1;
    } else {
        counts.insert(key.to_owned(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_action_and_by_caller() {
        let mut counts = Counts::default();
        counts.add("iam:GetRole", "operator");
        counts.add("iam:GetRole", "root");
        counts.add("iam:CreateRole", "operator");
        counts.add_failure("iam:CreateRole");
        assert_eq!(counts.total, 3);
        assert_eq!(counts.of("iam:GetRole"), 2);
        assert_eq!(counts.by("operator"), 2);
        assert_eq!(counts.by("nobody"), 0);
        assert_eq!(counts.failed["iam:CreateRole"], 1);
    }
}
