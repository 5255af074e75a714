//! `ambit render`: the exact cloud documents that identities compile to.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use kube::ResourceExt as _;
use serde::Serialize;

use super::{Exit, answer, input};
use crate::api::v1alpha1::{CloudAccount, MachineIdentity};
use crate::names::{IdentityKey, InstallationId};
use crate::plan::account::AccountSettings;
use crate::plan::{Declaration, compile};
use crate::policy::Catalogue;

/// Which files, and how to print what they compile to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files with `MachineIdentity` and `CloudAccount` objects; `-` for standard
    /// input. Other kinds are passed over
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<String>,
    /// The installation whose roles they would be
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse)]
    installation: InstallationId,
    /// The namespace of identities that name none
    #[arg(short, long, default_value = "default")]
    namespace: String,
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
    trust_policy: serde_json::Value,
    permissions: serde_json::Value,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let documents = input::read(&arguments.files)?;
    let mut accounts = BTreeMap::new();
    let mut identities = Vec::new();
    for document in &documents {
        if let Some(account) = document.decode::<CloudAccount>("CloudAccount")? {
            accounts.insert(account.name_any(), account);
        }
        identities.extend(document.decode::<MachineIdentity>("MachineIdentity")?);
    }
    if identities.is_empty() {
        return Err("the files hold no MachineIdentity: name a file that does".to_owned());
    }
    let mut refused = 0;
    let mut rendered = Vec::new();
    for identity in &identities {
        match render(arguments, &accounts, identity) {
            Ok(one) => rendered.push(one),
            Err(message) => {
                refused += 1;
                eprintln!("{message}");
            }
        }
    }
    answer(&print(arguments.output, &rendered)?)?;
    Ok(if refused == 0 { Exit::Fine } else { Exit::Findings })
}

fn render(
    arguments: &Arguments,
    accounts: &BTreeMap<String, CloudAccount>,
    identity: &MachineIdentity,
) -> Result<Rendered, String> {
    let namespace = identity.namespace().unwrap_or_else(|| arguments.namespace.clone());
    let key = IdentityKey::new(namespace, identity.name_any());
    let name = &identity.spec.account_ref.name;
    let account = accounts
        .get(name)
        .ok_or_else(|| format!("{key}: the files hold no CloudAccount '{name}': add the file that does with -f"))?;
    let settings = AccountSettings::parse(&account.spec, &arguments.installation)
        .map_err(|error| format!("{key}: CloudAccount '{name}': {error}"))?;
    let declaration = Declaration { identity, key: &key };
    let resolved = compile(declaration, settings, &arguments.installation, Catalogue::embedded())
        .map_err(|refusal| format!("{key}: {}: {}", refusal.0.reason.name(), refusal.0.message))?;
    let document = |text: &str| serde_json::from_str(text).map_err(|error| format!("{key}: {error}"));
    Ok(Rendered {
        identity: key.to_string(),
        summary: resolved.summary.clone(),
        role_name: resolved.desired.name.to_string(),
        role_arn: resolved.role_arn.clone(),
        permissions_boundary: resolved.desired.boundary.to_string(),
        max_session_duration: resolved.desired.session.get(),
        trust_policy: document(resolved.desired.trust.text())?,
        permissions: document(resolved.desired.permissions.text())?,
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
