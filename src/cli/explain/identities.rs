//! What the identities of files may do, in English.

use std::fmt::Write as _;

use serde::Serialize;

use super::Format;
use crate::api::v1alpha1::{DeliveredBy, ManagementPolicy};
use crate::cli::files::Files;
use crate::cli::report;
use crate::cli::{Exit, answer};
use crate::names::printable;
use crate::offline::{self, Declared, World};
use crate::plan::pipeline::pipeline;
use crate::plan::{Delivery, Resolved, Storing, Verdict};
use crate::policy::explain::{Sensitivity, document};
use crate::policy::{Catalogue, Policy};

/// What no look at files can tell. It stands under every answer.
const NOT_EVALUATED: [&str; 3] = [
    "policies of the resources themselves, which can give more or deny",
    "policies of the organisation, which can deny",
    "what the boundary holds, which can only take away",
];

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    identities: Vec<Explained>,
    not_explained: Vec<NotExplained>,
    not_evaluated: [&'static str; 3],
}

/// One identity in English.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    identity: String,
    /// The name of its account.
    account: String,
    /// The service account whose pods may become it.
    service_account: String,
    /// The pipeline that uses it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<String>,
    /// What follows from the account; absent where the files do not hold it.
    #[serde(flatten)]
    place: Option<Place>,
    session_seconds: u64,
    /// The Secret in which Ambit keeps credentials for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_secret: Option<String>,
    /// Whether Ambit makes it so, or only looks.
    enforced: bool,
    /// Why the cluster would refuse it as it stands; absent where nothing is against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    /// What the files do not hold, so that it is not known whether it would be accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// The most sensitive that is allowed; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivity: Option<&'static str>,
    may: Vec<Said>,
}

/// What follows from the account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    account_id: String,
    role_arn: String,
    /// Where tokens open the role: their issuer and audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    /// Where EKS hands the role to pods: the ARN of their cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    /// How pods get it, where that is not by Ambit's admission policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveredBy>,
    permissions_boundary: String,
}

#[derive(Debug, Serialize)]
struct Said {
    text: String,
    sensitivity: &'static str,
}

#[derive(Debug, Serialize)]
struct Refused {
    reason: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct NotExplained {
    identity: String,
    #[serde(flatten)]
    refused: Refused,
}

pub(super) fn main(files: &Files, format: Format) -> Result<Exit, String> {
    let loaded = files.load()?;
    for finding in &loaded.findings {
        let at = &finding.spot.begin;
        let text =
            format!("{}:{}:{}: {}: {}", finding.spot.file, at.line, at.column, finding.code.id(), finding.message);
        crate::cli::tell(&printable(&text));
    }
    if loaded.world.identities.is_empty() && loaded.findings.is_empty() {
        return Err("the files hold no MachineIdentity: name a file that does".to_owned());
    }
    let answered = Answer::of(&loaded.world, files)?;
    answer(&match format {
        Format::Json => report::json(&answered)?,
        Format::Table => answered.words(),
    })?;
    let whole = answered.not_explained.is_empty() && loaded.findings.is_empty();
    Ok(if whole { Exit::Fine } else { Exit::Findings })
}

impl Answer {
    fn of(world: &World, files: &Files) -> Result<Self, String> {
        let catalogue = Catalogue::embedded();
        let mut answer = Self { identities: Vec::new(), not_explained: Vec::new(), not_evaluated: NOT_EVALUATED };
        for declared in &world.identities {
            let judged = world.judge(declared, &files.installation, catalogue);
            let (resolved, verdict) = match judged.outcome {
                Ok(resolved) => (Some(resolved), None),
                // What it would be is known where only the guardrails are against it.
                Err(refusal) => (refusal.objection.map(|objection| objection.resolved), Some(refusal.verdict)),
            };
            let permissions = match &resolved {
                Some(resolved) => Some(resolved.desired.permissions.clone()),
                None if judged.missing.is_empty() => None,
                None => offline::permissions(declared, &files.installation, catalogue),
            };
            let refused = verdict.map(Refused::of);
            match (permissions, refused) {
                (None, Some(refused)) => {
                    answer.not_explained.push(NotExplained { identity: declared.key.to_string(), refused });
                }
                (None, None) => {}
                (Some(permissions), refused) => {
                    let mut explained = Explained::of(declared, resolved.as_ref(), permissions.text(), catalogue)?;
                    explained.refused = refused.filter(|_| judged.missing.is_empty());
                    explained.missing = judged.missing;
                    answer.identities.push(explained);
                }
            }
        }
        Ok(answer)
    }

    fn words(&self) -> String {
        let mut out = String::new();
        for one in &self.identities {
            one.words(&mut out);
            out.push('\n');
        }
        for NotExplained { identity, refused } in &self.not_explained {
            let text = format!("{identity}: cannot be explained: {}: {}", refused.reason, refused.message);
            let _ = writeln!(out, "{}\n", printable(&text));
        }
        if self.identities.iter().any(|one| !one.missing.is_empty()) {
            let _ = writeln!(out, "{}\n", offline::HOW_TO_GET);
        }
        out.push_str("not evaluated:\n");
        for what in self.not_evaluated {
            let _ = writeln!(out, "  {what}");
        }
        out
    }
}

impl Refused {
    fn of(verdict: Verdict) -> Self {
        Self { reason: verdict.reason.name(), message: verdict.message }
    }
}

impl Explained {
    fn of(
        declared: &Declared,
        resolved: Option<&Resolved>,
        permissions: &str,
        catalogue: &Catalogue,
    ) -> Result<Self, String> {
        let policy = Policy::read(permissions).map_err(|error| format!("{}: {error}", declared.key))?;
        let explanation = document(&policy, catalogue);
        let said = explanation.sentences.iter();
        let said = said.map(|one| Said { text: one.text.clone(), sensitivity: one.sensitivity.name() });
        let spec = &declared.identity.spec;
        Ok(Self {
            identity: declared.key.to_string(),
            account: spec.account_ref.name.clone(),
            service_account: spec.subject.service_account.as_ref().map(|one| one.name.clone()).unwrap_or_default(),
            pipeline: spec.subject.pipeline.as_ref().and_then(|subject| pipeline(subject).ok()).map(|it| it.words),
            place: resolved.map(Place::of),
            session_seconds: std::time::Duration::from(spec.session_duration).as_secs(),
            session_secret: Storing::of(spec).map(|stored| stored.words()),
            enforced: spec.management_policy == ManagementPolicy::Enforce,
            refused: None,
            missing: Vec::new(),
            sensitivity: explanation.sensitivity().map(Sensitivity::name),
            may: said.collect(),
        })
    }

    fn words(&self, out: &mut String) {
        let mut line = |text: &str| {
            let _ = writeln!(out, "{}", printable(text));
        };
        let namespace = self.identity.split('/').next().unwrap_or_default();
        let id = self.place.as_ref().map(|place| format!(" ({})", place.account_id)).unwrap_or_default();
        line(&format!("{}: in account `{}`{id}", self.identity, self.account));
        for said in &self.may {
            line(&format!("  {}", said.text));
        }
        match &self.pipeline {
            Some(pipeline) => line(&format!("  who       {pipeline}")),
            None => {
                line(&format!(
                    "  who       pods of service account `{}` in namespace `{namespace}`",
                    self.service_account
                ));
            }
        }
        match &self.place {
            Some(Place { issuer: Some(issuer), audience: Some(audience), delivery, .. }) => {
                line(&format!("            with a token of {issuer} for `{audience}`"));
                if *delivery == Some(DeliveredBy::ServiceAccountAnnotation) {
                    line("            which the webhook of EKS gives them, by annotations of the service account");
                }
            }
            Some(Place { cluster: Some(cluster), .. }) => line(&format!("            of the EKS cluster {cluster}")),
            _ => {}
        }
        line(&format!("  sessions  of at most {}", duration(self.session_seconds)));
        if let Some(secret) = &self.session_secret {
            line(&format!("  kept      as {secret}, for whoever can read it"));
        }
        if let Some(Place { role_arn, permissions_boundary, .. }) = &self.place {
            line(&format!("  role      {role_arn}"));
            line(&format!("  bounded   by {permissions_boundary}"));
        }
        if !self.enforced {
            line("  as it is declared, which Ambit does not enforce: see `managementPolicy`");
        }
        if let Some(Refused { reason, message }) = &self.refused {
            line(&format!("  it would be refused as it stands: {reason}: {message}"));
        }
        if !self.missing.is_empty() {
            let missing = offline::listed(&self.missing);
            line(&format!("  not known: whether it would be accepted, because the files do not hold {missing}"));
        }
    }
}

impl Place {
    fn of(resolved: &Resolved) -> Self {
        let (account, desired) = (&resolved.account, &resolved.desired);
        let tokens = resolved.tokens();
        let delivery = resolved.delivery();
        Self {
            account_id: account.account.to_string(),
            role_arn: resolved.role_arn.clone(),
            issuer: tokens.map(|(issuer, _)| issuer.to_string()),
            audience: tokens.map(|(_, audience)| audience.to_owned()),
            cluster: delivery.and_then(Delivery::handed_to).map(|handed_to| handed_to.cluster.to_string()),
            delivery: delivery.map(|delivery| delivery.status().method).filter(|it| *it != DeliveredBy::default()),
            permissions_boundary: desired.boundary.to_string(),
        }
    }
}

/// Seconds as people say them.
fn duration(seconds: u64) -> String {
    let parts = [(seconds / 3600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| report::number(usize::try_from(count).unwrap_or(usize::MAX), word))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_say_them() {
        assert_eq!(duration(3600), "1 hour");
        assert_eq!(duration(9030), "2 hours 30 minutes 30 seconds");
    }
}
