//! `ambit render`: the exact cloud documents that identities compile to.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::files::Files;
use super::{Exit, answer, report};
use crate::domain::annotation::Annotations;
use crate::offline::{Code, Declared, Finding, Judged, World, compiled};
use crate::plan::{Delivery, Fault, Reason, Resolved};
use crate::policy::Catalogue;
use crate::policy::check::Severity;

/// The installation of [`Files`] when none is named.
const DEFAULT_INSTALLATION: &str = "offline";

/// Which files, and how to print what they compile to.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

/// One identity as it will be in the cloud.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rendered {
    identity: String,
    summary: String,
    role_name: String,
    role_arn: String,
    permissions_boundary: String,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_secret: Option<RenderedSecret>,
    trust_policy: serde_json::Value,
    permissions: serde_json::Value,
    /// What its service account says to the webhook of EKS, where the account delivers that way.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    service_account_annotations: Annotations,
}

/// The Secret in which Ambit keeps credentials, without its values.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RenderedSecret {
    name: String,
    keys: &'static [&'static str],
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let files = &arguments.files;
    let loaded = files.load()?;
    tell(&loaded.findings);
    if loaded.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(Exit::Trouble);
    }
    if loaded.world.identities.is_empty() {
        return Err("the files hold no MachineIdentity: name a file that does".to_owned());
    }
    if files.installation.as_str() == DEFAULT_INSTALLATION {
        super::tell(&format!(
            "ambit: roles are named as for an installation `{DEFAULT_INSTALLATION}`: say which with `--installation`"
        ));
    }
    let mut rendered = Vec::new();
    for declared in &loaded.world.identities {
        match compiled(&loaded.world, declared, &files.installation, Catalogue::embedded()) {
            Ok(resolved) => {
                let judged = loaded.world.judge(declared, &files.installation, Catalogue::embedded());
                tell(&objections(&loaded.world, &judged));
                rendered.push(render(declared, &resolved)?);
            }
            Err(faults) => tell(&findings(declared, &faults, Severity::Error)),
        }
    }
    answer(&print(arguments.output, &rendered)?)?;
    Ok(if rendered.len() == loaded.world.identities.len() { Exit::Fine } else { Exit::Findings })
}

/// Why an identity that compiles would not be accepted, as far as the files tell.
fn objections(world: &World, judged: &Judged<'_>) -> Vec<Finding> {
    let refusal = judged.outcome.as_ref().err();
    let about_the_cluster = [Reason::AccountNotFound, Reason::NamespaceNotSelected, Reason::NoScopePolicy];
    // Without any scope policy nobody asks whether the cluster would let it in.
    if !world.has_policies() && refusal.is_some_and(|refusal| about_the_cluster.contains(&refusal.verdict.reason)) {
        return Vec::new();
    }
    if judged.missing.is_empty() {
        return refusal.map_or_else(Vec::new, |refusal| findings(judged.declared, &refusal.faults, Severity::Warning));
    }
    let message = format!(
        "it cannot be said whether it would be accepted: the files do not hold {}; add the file that does with `--with`",
        judged.missing.join(" and ")
    );
    vec![finding(judged.declared, Code::NotJudged, Severity::Warning, "metadata.namespace", message)]
}

fn findings(declared: &Declared, faults: &[Fault], severity: Severity) -> Vec<Finding> {
    let one = |fault: &Fault| {
        let message = match severity {
            Severity::Error => fault.message.clone(),
            _ => format!("it would be refused: {}", fault.message),
        };
        finding(declared, Code::of(fault.reason), severity, &fault.field, message)
    };
    faults.iter().map(one).collect()
}

fn finding(declared: &Declared, code: Code, severity: Severity, field: &str, message: String) -> Finding {
    Finding {
        code,
        severity,
        spot: declared.manifest.spot_of(field),
        object: declared.manifest.title(),
        field: field.to_owned(),
        message,
        help: None,
    }
}

/// Findings beside an answer: a line each, on standard error.
fn tell(findings: &[Finding]) {
    for finding in findings {
        super::tell(&report::line(finding));
    }
}

fn render(declared: &Declared, resolved: &Resolved) -> Result<Rendered, String> {
    let key = &declared.key;
    let document = |text: &str| serde_json::from_str(text).map_err(|error| format!("{key}: {error}"));
    Ok(Rendered {
        identity: key.to_string(),
        summary: resolved.summary.clone(),
        role_name: resolved.desired.name.to_string(),
        role_arn: resolved.role_arn.clone(),
        permissions_boundary: resolved.desired.boundary.to_string(),
        max_session_duration: resolved.desired.session.get(),
        session_secret: resolved
            .secret()
            .map(|target| RenderedSecret { name: target.name.clone(), keys: target.keys() }),
        trust_policy: document(resolved.desired.trust.text())?,
        permissions: document(resolved.desired.permissions.text())?,
        service_account_annotations: resolved
            .delivery()
            .and_then(Delivery::annotated)
            .map(|annotated| annotated.annotations(&key.name))
            .unwrap_or_default(),
    })
}

fn print(format: Format, rendered: &[Rendered]) -> Result<String, String> {
    match format {
        Format::Json => {
            serde_json::to_string_pretty(rendered).map(|text| format!("{text}\n")).map_err(|error| error.to_string())
        }
        Format::Yaml => {
            let mut all = String::new();
            for one in rendered {
                let text = serde_saphyr::to_string(one).map_err(|error| error.to_string())?;
                all.extend(["---\n", &text]);
            }
            Ok(all)
        }
    }
}
