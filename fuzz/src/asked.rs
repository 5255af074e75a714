//! What must hold of the engine whatever it is given. Each function takes any
//! bytes and panics where something does not hold.
//!
//! The fuzz targets look for such bytes. The tests of Ambit ask the same of the
//! files in `fuzz/corpus`, so that what was found once stays mended.

use super::names::AccountId;
use super::policy::compare::{self, Answer, Direction, Verdict};
use super::policy::evaluate::{Prepared, alone, decide};
use super::policy::{Catalogue, Document, Layers, Outcome, Policy, PolicyKind, Request, Unreadable, check, explain};

/// What stands between the parts of one input.
const BETWEEN: char = '\0';

/// Reads a policy. What is not understood has a place that is in the text.
pub fn parse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let policy = match Policy::read(&text) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(Document::read(&text).is_err());
            if let Unreadable::Element { position, .. } = &error {
                let position = position.unwrap_or_else(|| panic!("{error} has no position"));
                assert!(position.line <= text.split('\n').count(), "{error} is beyond the text at {position}");
            }
            return assert!(!error.to_string().is_empty());
        }
    };
    let unknown = policy.unknown();
    for unknown in &unknown {
        // Only an element that must be there, and is not, stands nowhere.
        let stands = unknown.place.locate(&text).is_some();
        assert_ne!(stands, unknown.problem.ends_with("must be there"), "`{}`: {}", unknown.place, unknown.problem);
    }
    match Document::read(&text) {
        Err(error) => assert!(!unknown.is_empty(), "{error}"),
        Ok(document) => {
            assert!(unknown.is_empty(), "{unknown:?}");
            assert_eq!(document.text(), text);
            assert!(document.size() <= text.len());
        }
    }
}

/// Compares two policies that stand one after the other.
pub fn compare(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some((old_text, new_text)) = text.split_once(BETWEEN) else { return };
    let read = |text: &str| Policy::read(text).ok();
    let (Some(old), Some(new)) = (read(old_text), read(new_text)) else { return };
    differs_not_from_itself(&old);
    differs_not_from_itself(&new);
    let found = match compare::compare(&old, &new) {
        Ok(found) => found,
        Err(mismatch) => return assert_ne!(mismatch.old, mismatch.new, "{mismatch}"),
    };
    replays(&found.forward, [&old, &new]);
    replays(&found.backward, [&new, &old]);

    // Asked the other way round, nothing may be said that contradicts it.
    let turned = compare::compare(&new, &old).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    for (one, other) in [(&found.forward, &turned.backward), (&found.backward, &turned.forward)] {
        let answers = [one, other].map(|direction| direction.verdict.answer());
        assert!(answers[0] == answers[1] || answers.contains(&Answer::Unknown), "{one:?}\n{other:?}");
    }
    if let (Ok(one), Ok(other)) = (Document::read(old_text), Document::read(new_text))
        && one.same_meaning(&other)
    {
        let is_new = |direction: &Direction| direction.verdict.answer() == Answer::New;
        assert!(!is_new(&found.forward) && !is_new(&found.backward), "both mean the same: {found:?}");
    }
}

fn differs_not_from_itself(policy: &Policy) {
    let found = compare::compare(policy, policy).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    for direction in [found.forward, found.backward] {
        match direction.verdict {
            Verdict::None => {}
            Verdict::New(witness) => panic!("{policy:?} differs from itself: {witness:?}"),
            Verdict::Unknown { reason, .. } => {
                let too_many = reason.starts_with("there are more than ");
                assert!(too_many || !policy.unknown().is_empty(), "{policy:?} may differ from itself: {reason}");
            }
        }
    }
}

/// A witness is refused by one policy and allowed by the other, and a `none` is not only of some domain.
fn replays(direction: &Direction, [less, more]: [&Policy; 2]) {
    let domains = [direction.domains.pattern, direction.domains.arn, direction.domains.catalogue];
    match &direction.verdict {
        Verdict::None => assert_eq!(domains, [Answer::None; 3]),
        Verdict::Unknown { reason, .. } => assert!(!reason.is_empty() && domains[0] == Answer::Unknown),
        Verdict::New(witness) => {
            assert_eq!(domains[0], Answer::New);
            let refused = alone(&Prepared::new(less), witness).outcome;
            let allowed = alone(&Prepared::new(more), witness).outcome;
            assert!(refused.denies() && allowed == Outcome::Allowed, "{witness:?}: {refused:?}, {allowed:?}");
        }
    }
}

/// Decides a request over all layers. The input begins with the request, a line for each of action,
/// resource, caller (empty: nobody in particular) and condition key; then follow the policies, each
/// with a letter that says which layer it is of.
pub fn evaluate(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(BETWEEN);
    let request = request(parts.next().unwrap_or_default());
    let mut layers = Layers::default();
    parts.for_each(|part| add(&mut layers, part));
    let prepared = layers.map(Prepared::new);

    let decision = decide(&prepared, &request);
    assert_eq!(decision, decide(&prepared, &request), "the same question has the same answer");
    // Who is nobody in particular has an identity, and what a policy of it denies nothing else allows.
    let is_plain = |policy: &&Policy| policy.kind() == Some(PolicyKind::Identity);
    for policy in layers.identity.iter().chain(&layers.boundary).filter(is_plain) {
        let denies = alone(&Prepared::new(policy), &request).outcome == Outcome::ExplicitDeny;
        if denies && request.principal.is_none() {
            assert_eq!(decision.outcome, Outcome::ExplicitDeny, "{policy:?} denies {request:?}: {decision:?}");
        }
    }
    let found = compare::compare_layers(&layers, &layers);
    for direction in [found.forward, found.backward] {
        assert_ne!(direction.verdict.answer(), Answer::New, "{layers:?} differs from itself: {direction:?}");
    }
}

fn request(text: &str) -> Request {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let mut request = Request { action: next(), resource: next(), ..Request::default() };
    request.principal = Some(next()).filter(|caller| !caller.is_empty());
    for (key, value) in lines.filter_map(|line| line.split_once('=')) {
        match value.strip_prefix('[') {
            None => request.context.set(key, value),
            Some(list) => request.context.set_list(key, list.split('|').map(str::to_owned).collect()),
        }
    }
    request
}

/// Puts a policy into its layer: `i`dentity, `b`oundary, `s`ession, `r`esource, a new level of `c`
/// SCPs or `p` RCPs, or (`C`, `P`) one more in the last. `m` is the management account.
fn add(layers: &mut Layers<Policy>, part: &str) {
    let mut rest = part.chars();
    let layer = rest.next();
    if layer == Some('m') {
        layers.management_account = AccountId::parse(rest.as_str()).ok();
    }
    let Ok(policy) = Policy::read(rest.as_str()) else { return };
    match layer {
        Some('b') => layers.boundary = Some(policy),
        Some('s') => layers.session = Some(policy),
        Some('r') => layers.resource = Some(policy),
        Some('c') => layers.scps.push(vec![policy]),
        Some('p') => layers.rcps.push(vec![policy]),
        Some('C') => layers.scps.last_mut().into_iter().for_each(|level| level.push(policy.clone())),
        Some('P') => layers.rcps.last_mut().into_iter().for_each(|level| level.push(policy.clone())),
        _ => layers.identity.push(policy),
    }
}

/// Says a policy in words, and what should be known about it.
pub fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let catalogue = Catalogue::embedded();
    let findings = check::findings(&text, None, catalogue);
    assert!(findings.iter().all(|finding| finding.position <= finding.end), "{findings:?}");
    let Ok(policy) = Policy::read(&text) else {
        return assert!(!findings.is_empty(), "what cannot be read is an error");
    };
    let explained = explain::document(&policy, catalogue);
    assert!(explained.sentences.iter().all(|sentence| !sentence.text.contains('\n')), "{explained}");
    assert!(explained.summary().chars().count() <= 1024);
}
