//! Answers with their reasons.

use super::super::request::{Decision, Layers, Matched, Outcome};
use super::Heard;
use super::caller::Caller;
use super::facts::Facts;
use super::layers::{Answer, Hit, Survey, Where};
use super::statement::Prepared;
use super::tri::Tri;

const BOUNDED: &str = "`NotPrincipal` with `Deny` hits every caller that has a permissions boundary";
const ROOT: &str = "the root user may do everything in its account";

/// The decision: an explicit deny, or else what is granted.
pub(super) fn decision<'p>(
    survey: &Survey<'p>,
    granted: Answer<'p>,
    counts: impl Fn(&Hit<'p>) -> bool,
    missing: impl FnOnce() -> String,
) -> Decision {
    if survey.denies.is_yes() {
        let reason = survey.bounded.then(|| BOUNDED.to_owned());
        return Decision { outcome: Outcome::ExplicitDeny, matched: matched(survey.denying.iter()), reason };
    }
    let without = |outcome, reason| Decision { outcome, matched: Vec::new(), reason: Some(reason) };
    match (granted, survey.denies) {
        (Tri::No, _) => without(Outcome::ImplicitDeny, missing()),
        (_, Tri::Unknown(place)) | (Tri::Unknown(place), _) => without(Outcome::Unknown, words(&place)),
        (Tri::Yes, _) => {
            let matched = matched(survey.allowing.iter().filter(|hit| counts(hit)));
            let reason = matched.is_empty().then(|| ROOT.to_owned());
            Decision { outcome: Outcome::Allowed, matched, reason }
        }
    }
}

fn matched<'h, 'p: 'h>(hits: impl Iterator<Item = &'h Hit<'p>>) -> Vec<Matched> {
    hits.map(|hit| Matched { layer: hit.layer, statement: hit.index, sid: hit.statement.sid.clone() }).collect()
}

fn words(place: &Where<'_>) -> String {
    format!("`{}` of {}: {}", place.statement.place(place.doubt.part), place.layer, place.doubt.why)
}

/// Which layer did not allow the request.
pub(super) fn missing(layers: &Layers<Prepared>, heard: &Heard<'_>, facts: &Facts<'_>) -> String {
    let no = |layer: &str| format!("no statement of {layer} allows it");
    if !heard.source(facts).is_no() {
        let level = |levels: &[Answer<'_>]| levels.iter().position(Tri::is_no);
        return match (level(&heard.scps), level(&heard.rcps)) {
            (Some(level), _) => no(&format!("scps[{level}]")),
            (None, Some(level)) => no(&format!("rcps[{level}]")),
            (None, None) => "no statement allows it".to_owned(),
        };
    }
    let by_account = !heard.resource.account.is_no();
    if !facts.caller.is_identity() {
        return no("resource");
    }
    if !heard.same_account && heard.resource.any().is_no() {
        return format!("{}, as it must for a caller of another account", no("resource"));
    }
    if heard.needs_resource_policy && heard.resource.any().is_no() {
        return format!("{}, as it must for this action", no("resource"));
    }
    if heard.own(facts).is_no() && (!heard.same_account || heard.resource.behind.is_no()) {
        return match layers.resource {
            Some(_) if heard.same_account && by_account => {
                format!("resource leaves it to the account, and {}", no("identity"))
            }
            Some(_) if heard.same_account => no("identity or resource"),
            _ => no("identity"),
        };
    }
    if heard.boundary.is_no() {
        return no("boundary");
    }
    if layers.session.is_none() && matches!(facts.caller, Caller::FederatedUser { .. }) {
        return "a federated user without a session policy may do only what resource allows to itself".to_owned();
    }
    no("session")
}
