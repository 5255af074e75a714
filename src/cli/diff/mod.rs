//! `ambit diff`: what is declared beside what is live, part by part.

mod compare;
mod gather;
mod parts;
mod side;
mod table;
#[cfg(test)]
mod tests;

use clap::Args;

use super::cluster::{self, Asking, Connection, Format, Stage};
use super::{Exit, answer, report, tell};
use compare::{Compared, State};
pub(super) use compare::{Witness, absent};
use serde::Serialize;
pub(super) use table::example;

/// Which identities, and how to say what differs.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Identities: `orders`, or `shop/orders` for one in another namespace
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// The namespace of those that name none; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    namespace: Option<String>,
    /// Every identity of the namespace
    #[arg(long)]
    all: bool,
    /// With --all, of every namespace
    #[arg(short = 'A', long, requires = "all", conflicts_with = "names")]
    all_namespaces: bool,
    /// Show parts that do not differ as well
    #[arg(long)]
    full: bool,
    /// The form of the answer. As JSON it is whole, whatever `--full` says
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    connection: Connection,
}

const HELP: &str = "\
It only reads. The account is asked with your own AWS credentials, as any AWS program finds them
(AWS_PROFILE, the environment, a pod's); with --assume, under the role that the CloudAccount names.
You need the role `view` in the namespace, the right to read the CloudAccount, and in AWS
iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy and iam:ListAttachedRolePolicies; with EKS
Pod Identity also eks:ListPodIdentityAssociations and eks:DescribePodIdentityAssociation.

Examples:
  $ ambit diff orders -n shop               what differs?
  $ ambit diff shop/orders --full           what is as declared as well
  $ ambit diff --all -A -o json             everything, for a program

Exit code:
  0  live is as declared, perhaps written in another way
  1  something differs
  2  something could not be compared, and what was is printed
  3  live allows more than was declared, or may
  4  time was up";

/// What no look at a role can tell. It stands under every answer.
const NOT_LOOKED_AT: [&str; 4] = [
    "policies of the resources themselves, which can give more or deny",
    "policies of the organisation, which can deny",
    "what the boundary and attached managed policies hold: only whether they are the declared ones",
    "the account's OIDC provider or EKS cluster: `kubectl describe cloudaccount NAME` shows it",
];

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    identities: Vec<Compared>,
    not_compared: Vec<NotCompared>,
    not_looked_at: [&'static str; 4],
}

/// An identity of which nothing could be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NotCompared {
    identity: String,
    why: String,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let stage = Stage::new();
    cluster::run(arguments.connection.timeout, &stage, async {
        let kubernetes = cluster::connect(&arguments.connection).await?;
        let clouds = cluster::caller_clouds(arguments.asking.assume);
        let namespace = arguments.namespace.clone().unwrap_or_else(|| kubernetes.namespace.clone());
        let report = gather::report(arguments, &namespace, &kubernetes, &clouds, &stage).await?;
        print(arguments, &report)
    })
}

fn print(arguments: &Arguments, report: &Report) -> Result<Exit, String> {
    for NotCompared { identity, why } in &report.not_compared {
        tell(&format!("ambit: {}", crate::names::printable(&format!("`{identity}` was not compared: {why}"))));
    }
    match arguments.output {
        Format::Json => answer(&self::report::json(report)?)?,
        Format::Table if report.identities.is_empty() => {}
        Format::Table => answer(&table::words(report, arguments.full))?,
    }
    Ok(report.exit())
}

impl Report {
    /// An answer that is not whole is trouble, whatever else it says.
    fn exit(&self) -> Exit {
        let any = |is: fn(&Compared) -> bool| self.identities.iter().any(is);
        if !self.not_compared.is_empty() {
            Exit::Trouble
        } else if any(|one| one.widens) {
            Exit::Wider
        } else if any(|one| !matches!(one.state, State::InSync | State::Cosmetic)) {
            Exit::Findings
        } else {
            Exit::Fine
        }
    }
}
