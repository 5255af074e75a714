//! A comparison as JSON. Others build on its shape.

use serde::{Serialize, Serializer};

use super::super::engine::{Compared, NotUnderstood, Shown};
use crate::policy::compare::{Direction, Domains, Verdict};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    forward: OneWay<'a>,
    backward: OneWay<'a>,
    micros: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_understood: &'a [NotUnderstood],
}

#[derive(Serialize)]
struct OneWay<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<Shown<'a>>,
    domain: &'static str,
    domains: Answers,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    latent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    english: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [String],
}

/// The verdict in each domain.
#[derive(Serialize)]
struct Answers {
    pattern: &'static str,
    arn: &'static str,
    catalogue: &'static str,
}

impl Serialize for Compared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [gained, lost] = &self.english;
        let [all_gained, all_lost] = &self.changes;
        let whole = Whole {
            forward: OneWay::of(&self.comparison.forward, gained.as_deref(), all_gained),
            backward: OneWay::of(&self.comparison.backward, lost.as_deref(), all_lost),
            micros: self.micros,
            not_understood: &self.not_understood,
        };
        whole.serialize(serializer)
    }
}

impl<'a> OneWay<'a> {
    fn of(direction: &'a Direction, english: Option<&'a str>, changes: &'a [String]) -> Self {
        let (witness, reason, candidate) = match &direction.verdict {
            Verdict::None => (None, None, None),
            Verdict::New(witness) => (Some(&**witness), None, None),
            Verdict::Unknown { reason, candidate } => (None, Some(reason.as_str()), candidate.as_deref()),
        };
        let Domains { pattern, arn, catalogue } = direction.domains;
        Self {
            verdict: direction.verdict.answer().name(),
            witness: witness.map(Shown::of),
            reason,
            candidate: candidate.map(Shown::of),
            domain: direction.domain().name(),
            domains: Answers { pattern: pattern.name(), arn: arn.name(), catalogue: catalogue.name() },
            latent: direction.is_latent(),
            english,
            changes,
        }
    }
}
