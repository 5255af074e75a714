//! Calls that shall fail, and how.

use serde::{Deserialize, Serialize};

/// How a call fails. The `…After` kinds take effect in the cloud first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Answered with an error and not passed on.
    Refuse,
    /// Passed on, then answered with an error.
    RefuseAfter,
    /// The connection breaks before the call is passed on.
    Drop,
    /// The reply is lost.
    DropAfter,
    /// No answer, not passed on; the caller waits until it gives up or is killed.
    Hold,
    /// Passed on, then no answer.
    HoldAfter,
}

impl FaultKind {
    /// Whether the call reaches the cloud.
    #[must_use]
    pub fn passes_on(self) -> bool {
        matches!(self, Self::RefuseAfter | Self::DropAfter | Self::HoldAfter)
    }
}

/// One order to fail calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls: `iam:CreateRole`, or `*` for every call.
    pub action: String,
    /// Which of these calls is the first to fail, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many fail from there on.
    #[serde(default = "one")]
    pub times: u64,
    /// How they fail.
    pub kind: FaultKind,
    /// HTTP status of the refusing kinds.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Error code of the refusing kinds.
    #[serde(default = "unavailable_code")]
    pub code: String,
}

fn one() -> u64 {
    1
}
fn unavailable() -> u16 {
    503
}
fn unavailable_code() -> String {
    "ServiceUnavailable".to_owned()
}

impl Fault {
    /// Fails the nth call of an action, once.
    #[must_use]
    pub fn nth(action: &str, nth: u64, kind: FaultKind) -> Self {
        Self { action: action.to_owned(), nth, times: 1, kind, status: unavailable(), code: unavailable_code() }
    }

    /// Goes on failing for this many calls.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// Answers with this status and error code where the kind refuses.
    #[must_use]
    pub fn answering(self, status: u16, code: &str) -> Self {
        Self { status, code: code.to_owned(), ..self }
    }

    /// Lets a call go by; whether it is one that fails.
    fn meets(&mut self, action: &str) -> bool {
        if (self.action != "*" && self.action != action) || self.times == 0 {
            return false;
        }
        self.nth = self.nth.saturating_sub(1);
        if self.nth > 0 {
            return false;
        }
        self.times -= 1;
        true
    }
}

/// The first order that this call meets; orders are asked in turn.
pub(super) fn meet(faults: &mut Vec<Fault>, action: &str) -> Option<Fault> {
    let mut met = None;
    for fault in faults.iter_mut() {
        if met.is_none() && fault.meets(action) {
            met = Some(fault.clone());
        }
    }
    faults.retain(|fault| fault.times > 0);
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nth_call_of_the_action_fails_and_only_so_often() {
        let mut faults = vec![Fault::nth("iam:CreateRole", 2, FaultKind::Refuse).times(2)];
        let met = ["iam:CreateRole", "iam:GetRole", "iam:CreateRole", "iam:CreateRole", "iam:CreateRole"]
            .map(|action| meet(&mut faults, action).is_some());
        assert_eq!(met, [false, false, true, true, false]);
        assert!(faults.is_empty(), "a spent order is gone");
    }

    #[test]
    fn a_star_counts_every_call() {
        let mut faults = vec![Fault::nth("*", 3, FaultKind::DropAfter)];
        let met = ["a:B", "c:D", "e:F"].map(|action| meet(&mut faults, action).map(|fault| fault.kind));
        assert_eq!(met, [None, None, Some(FaultKind::DropAfter)]);
    }

    #[test]
    fn an_order_needs_only_action_and_kind() {
        let fault: Fault = serde_json::from_str(r#"{"action":"*","kind":"hold-after"}"#).unwrap();
        assert_eq!(fault, Fault::nth("*", 1, FaultKind::HoldAfter));
        assert!(serde_json::from_str::<Fault>(r#"{"action":"*","kind":"hold","nht":2}"#).is_err());
    }
}
