//! `ambit account policy`: the IAM policy that Ambit itself needs.

use clap::{Args, Subcommand};

use super::{Exit, answer, input};
use crate::api::v1alpha1::{CloudAccount, ProviderPolicy};
use crate::cloud::aws::operator_policy;
use crate::controller::aws_account;
use crate::names::InstallationId;
use crate::plan::account::AccountSettings;

/// Prepare a cloud account.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the IAM policy that Ambit itself needs in an account, and nothing more
    Policy(Arguments),
}

/// Which account, for which installation.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A file with the `CloudAccount`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    account: String,
    /// The installation that will work in the account
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse)]
    installation: InstallationId,
}

pub(super) fn main(command: &Command) -> Result<Exit, String> {
    let Command::Policy(arguments) = command;
    let file = &arguments.account;
    let mut accounts = Vec::new();
    for document in input::read(std::slice::from_ref(file))? {
        accounts.extend(document.decode::<CloudAccount>("CloudAccount")?);
    }
    let [account] = accounts.as_slice() else {
        return Err(format!("`{file}` must hold exactly one CloudAccount and holds {}", accounts.len()));
    };
    let settings = AccountSettings::parse(&account.spec, &arguments.installation).map_err(|error| error.to_string())?;
    let makes = |policy| policy == ProviderPolicy::Create;
    let federated = settings.web_identity().into_iter().chain(&settings.pipelines);
    let issuers: Vec<_> = federated.map(|one| (&one.issuer, makes(one.provider))).collect();
    let account = aws_account(&settings, &arguments.installation);
    let policy = operator_policy(&account, &settings.boundary, &issuers);
    answer(&format!("{policy}\n"))?;
    Ok(Exit::Fine)
}
