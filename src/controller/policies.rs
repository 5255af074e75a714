//! The policies as they were seen last, so that a change wakes only the
//! identities that the old or the new version speaks for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;
use kube::runtime::watcher::Event;

use crate::api::v1alpha1::{ScopePolicy, ScopePolicySpec};

/// The policies as they were seen last.
#[derive(Debug, Default)]
pub struct Policies {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: BTreeMap<String, ScopePolicySpec>,
    /// The new list, while one comes in.
    listed: BTreeMap<String, ScopePolicySpec>,
}

impl Policies {
    /// Notes an event. Returns the versions whose identities may be judged
    /// otherwise from now on: none where the rules stayed as they were.
    pub fn note(&self, event: &Event<ScopePolicy>) -> Vec<ScopePolicySpec> {
        let mut state = self.lock();
        match event {
            Event::Apply(policy) => {
                let before = state.known.insert(policy.name_any(), policy.spec.clone());
                changed(before, Some(policy.spec.clone()))
            }
            Event::Delete(policy) => {
                let before = state.known.remove(&policy.name_any());
                changed(before.or_else(|| Some(policy.spec.clone())), None)
            }
            Event::Init => {
                state.listed.clear();
                Vec::new()
            }
            Event::InitApply(policy) => {
                state.listed.insert(policy.name_any(), policy.spec.clone());
                Vec::new()
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut state.listed);
                let mut before = std::mem::replace(&mut state.known, listed);
                let mut versions: Vec<ScopePolicySpec> = Vec::new();
                for (name, after) in &state.known {
                    versions.extend(changed(before.remove(name), Some(after.clone())));
                }
                versions.extend(before.into_values());
                versions
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both versions of a policy, unless they are the same.
fn changed(before: Option<ScopePolicySpec>, after: Option<ScopePolicySpec>) -> Vec<ScopePolicySpec> {
    if before == after { Vec::new() } else { before.into_iter().chain(after).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(name: &str, team: &str) -> ScopePolicy {
        let spec = json!({"namespaceSelector": {"matchLabels": {"team": team}}});
        serde_json::from_value(json!({
            "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": name}, "spec": spec,
        }))
        .unwrap()
    }

    fn teams(versions: Vec<ScopePolicySpec>) -> Vec<String> {
        let labels = versions.into_iter().map(|spec| json!(spec)["namespaceSelector"]["matchLabels"]["team"].clone());
        labels.map(|team| team.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_change_concerns_the_old_and_the_new_version() {
        let policies = Policies::default();
        let note = |event| teams(policies.note(&event));
        assert_eq!(note(Event::Apply(policy("a", "shop"))), ["shop"]);
        let nothing: [&str; 0] = [];
        assert_eq!(note(Event::Apply(policy("a", "shop"))), nothing, "the rules stayed as they were");
        assert_eq!(note(Event::Apply(policy("a", "bank"))), ["shop", "bank"]);
        assert_eq!(note(Event::Delete(policy("a", "bank"))), ["bank"]);
        assert_eq!(note(Event::Delete(policy("never-seen", "shop"))), ["shop"]);
    }

    /// A watch that was interrupted begins with a whole list.
    #[test]
    fn a_list_concerns_what_changed_meanwhile() {
        let policies = Policies::default();
        let list = |all: &[ScopePolicy]| {
            let events = all.iter().cloned().map(Event::InitApply);
            let events = std::iter::once(Event::Init).chain(events).chain([Event::InitDone]);
            teams(events.flat_map(|event| policies.note(&event)).collect())
        };
        assert_eq!(list(&[policy("a", "shop"), policy("b", "bank"), policy("c", "post")]), ["shop", "bank", "post"]);
        assert_eq!(list(&[policy("a", "shop"), policy("b", "mail")]), ["bank", "mail", "post"]);
    }
}
