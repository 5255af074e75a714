//! `ambit sweep`: a whole account read in bulk, and three questions about it:
//! what is not as declared, who trusts an issuer, who reaches a resource.

mod engine;
mod judge;
mod reaching;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod trusting;

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::cluster::{self, Asking, Clouds, Connection, Format, Objects, Stage, near, role_names};
use super::{Exit, answer, report, tell};
use crate::names::{Arn, InstallationId, IssuerUrl, printable};
use crate::plan::account::AccountSettings;

/// Which account, and what to ask about it.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The name of the `CloudAccount`
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Instead of comparing: which roles of the account, of whomever, does a token of this issuer
    /// open, and what may they do together by their inline policies?
    #[arg(long, value_name = "ISSUER", value_parser = IssuerUrl::parse, conflicts_with = "reaching")]
    trusting: Option<IssuerUrl>,
    /// Instead of comparing: which identities reach this resource, or what lies in it?
    #[arg(long, value_name = "ARN", value_parser = Arn::parse)]
    reaching: Option<Arn>,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    connection: Connection,
}

const HELP: &str = "\
It only reads: pages of iam:GetAccountAuthorizationDetails, with your own AWS credentials as any AWS
program finds them, or with --assume under the role that the CloudAccount names. You need the right to
read the CloudAccount and to list MachineIdentities in the whole cluster, and in AWS
iam:GetAccountAuthorizationDetails.

Examples:
  $ ambit sweep prod                                          what is not as declared?
  $ ambit sweep prod --trusting https://oidc.example.com/eu   which roles does this issuer open?
  $ ambit sweep prod --reaching arn:aws:s3:::orders-in        who reaches this bucket?

Exit code:
  0  every identity is as declared; with a question: no role is open to the issuer, nobody reaches it
  1  something differs, or a declaration cannot be made into a role, or there is an orphan or a
     stray; with a question: some role is, somebody does, or may
  2  something could not be read: what was seen is printed, and nothing is concluded about the rest
  3  live allows more than was declared, or may
  4  time was up";

/// What was asked about an account, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    account: String,
    account_id: String,
    installation: String,
    role_path: String,
    /// Whether the last page was reached. If not, nothing is known of what was not seen.
    complete: bool,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    pages: usize,
    /// Calls by operation.
    calls: BTreeMap<String, u64>,
    /// All roles that were seen.
    roles: usize,
    /// Those among them on the installation's path.
    ours: usize,
    #[serde(flatten)]
    answer: Answer,
    not_looked_at: Vec<&'static str>,
}

/// The answer to one of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    /// What is not as declared.
    Compared(judge::Compared),
    /// Who trusts an issuer.
    Trusting(trusting::Trusting),
    /// Who reaches a resource.
    Reaching(reaching::Reaching),
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let stage = Stage::new();
    cluster::run(arguments.connection.timeout, &stage, async {
        let kubernetes = cluster::connect(&arguments.connection).await?;
        let clouds = cluster::caller_clouds(arguments.asking.assume);
        let report = report(arguments, &kubernetes, &clouds, &stage).await?;
        if let Some(problem) = &report.problem {
            tell(&format!("ambit: {}", printable(&format!("the account was not read to its end: {problem}"))));
        }
        answer(&match arguments.output {
            Format::Json => report::json(&report)?,
            Format::Table => table::words(&report),
        })?;
        Ok(report.exit())
    })
}

async fn report(
    arguments: &Arguments,
    objects: &dyn Objects,
    clouds: &dyn Clouds,
    stage: &Stage,
) -> Result<Report, String> {
    stage.enter(format!("reading CloudAccount `{}` and the identities", arguments.account));
    let account = account(&arguments.account, objects).await?;
    let mut identities = read::identities(objects).await?;
    let all = identities.clone();
    identities.retain(|identity| identity.spec.account_ref.name == arguments.account);
    let installation = match &arguments.asking.installation {
        Some(installation) => installation.clone(),
        None => cluster::learned(&identities)?,
    };
    let settings = AccountSettings::parse(&account.spec, &installation)
        .map_err(|error| format!("CloudAccount `{}` cannot be used: {error}", arguments.account))?;
    let reach = clouds.connect(&settings, &installation).await;
    stage.enter(format!("reaching account `{}`", arguments.account));
    cluster::own_account(reach.cloud.as_ref(), &arguments.account, &settings).await?;
    let seen = read::account(arguments, &settings, &identities, &installation, reach.cloud.as_ref(), stage).await;
    stage.enter("comparing");
    let (answer, not_looked_at) = match (&arguments.trusting, &arguments.reaching) {
        (Some(_), _) => (Answer::Trusting(seen.trusting.clone().finish()), trusting::NOT_LOOKED_AT.to_vec()),
        (None, Some(arn)) => {
            let reaching = reaching::answer(arn, &seen, &identities, &installation);
            (Answer::Reaching(reaching), reaching::NOT_LOOKED_AT.to_vec())
        }
        (None, None) => {
            let taken = role_names(&all, &installation);
            let mut compared = judge::compared(&seen, &identities, &taken, &settings, &installation);
            drop_newcomers(&mut compared, objects, &installation).await?;
            (Answer::Compared(compared), judge::NOT_LOOKED_AT.to_vec())
        }
    };
    Ok(Report {
        account: arguments.account.clone(),
        account_id: settings.account.to_string(),
        installation: installation.to_string(),
        role_path: settings.path.to_string(),
        complete: seen.problem.is_none(),
        problem: seen.problem,
        pages: seen.pages,
        calls: reach.calls.counts(),
        roles: seen.roles,
        ours: seen.ours,
        answer,
        not_looked_at,
    })
}

/// A role without an identity may be that of one declared while the account was read.
async fn drop_newcomers(
    compared: &mut judge::Compared,
    objects: &dyn Objects,
    installation: &InstallationId,
) -> Result<(), String> {
    if !compared.orphans.is_empty() {
        let names = role_names(&read::identities(objects).await?, installation);
        compared.orphans.retain(|orphan| !names.contains(&orphan.role));
    }
    Ok(())
}

async fn account(name: &str, objects: &dyn Objects) -> Result<crate::api::v1alpha1::CloudAccount, String> {
    if let Some(account) = objects.account(name).await.map_err(|trouble| trouble.message)? {
        return Ok(account);
    }
    let known = objects.accounts().await.unwrap_or_default();
    Err(format!("there is no CloudAccount `{name}`: {}", near(name, &known)))
}

impl Report {
    fn exit(&self) -> Exit {
        if !self.complete {
            return Exit::Trouble;
        }
        let (wider, found) = match &self.answer {
            Answer::Compared(compared) => (compared.widens(), compared.differs()),
            Answer::Trusting(trusting) => (false, trusting.is_open()),
            Answer::Reaching(reaching) => (false, !reaching.paths.is_empty()),
        };
        match (wider, found) {
            (true, _) => Exit::Wider,
            (false, true) => Exit::Findings,
            (false, false) => Exit::Fine,
        }
    }
}
