//! `ambit test`: golden cases, decided by the engine.

mod junit;
mod load;
mod print;

use clap::{Args, ValueEnum};

use super::{Exit, answer};
use crate::names::{InstallationId, printable};
use crate::offline::Spot;
use crate::offline::cases::{Answer, Case, Setting, run};
use crate::policy::Catalogue;
use load::Suite;

/// Which cases, and how to print what became of them.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub struct Arguments {
    /// Folders or files with `AccessTest`s and the objects that they are about; `-` for standard
    /// input. Other kinds are passed over
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<String>,
    /// Files or folders with what the cluster has beside them: accounts, scope policies, namespaces
    #[arg(long, value_name = "FILE")]
    with: Vec<String>,
    /// The namespace of identities that name none
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The installation whose roles they would be
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse, default_value = "offline")]
    installation: InstallationId,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A line for each case; what does not hold with what was expected and what is.
    #[default]
    Table,
    Json,
    Junit,
}

const HELP: &str = "\
Example:
  apiVersion: cli.ambit.dev/v1alpha1
  kind: AccessTest
  metadata:
    name: orders
  files: [../identities]            # what else to read, relative to this file
  identity: shop/orders
  boundary: boundary.json           # a policy that bounds the role
  may:
  - name: reads what came in
    action: s3:GetObject
    resource: arn:aws:s3:::orders-in/1.json
    context: {aws:SourceVpce: vpce-1a2b3c4d}
  mayNot:
  - actions: [s3:DeleteObject, s3:PutObject]
    resources: [\"arn:aws:s3:::orders-in/1.json\", \"arn:aws:s3:::orders-out/1.json\"]
  ---
  apiVersion: cli.ambit.dev/v1alpha1
  kind: AccessTest
  metadata:
    name: greedy
  identity: shop/greedy
  accepted: false                   # the guardrails must refuse it
  reason: ScopeDenied
  says: [no-iam]                    # texts that the refusal must hold

A case is one request: one action on one resource, with the condition keys that the request has. What
`context` does not name, the request does not have. Decided is what the identity itself may do, within
its boundary: policies of resources and of the organisation are not in the files.

Where the files hold scope policies, an identity must be accepted to have any access. Where they hold
none, it has what it asks for.

Exit code:
  0  every case holds
  1  some do not, or cannot be decided
  2  a file cannot be read, a test makes no sense, or there is no case";

/// One case with what became of it.
#[derive(Debug)]
struct Line<'a> {
    test: &'a str,
    identity: String,
    case: &'a Case,
    answer: Answer,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let suites = load::suites(arguments)?;
    let mut lines = Vec::new();
    let mut mistakes = Vec::new();
    for suite in &suites {
        match decide(suite, arguments) {
            Ok(decided) => lines.extend(decided),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes.join("\n"));
    }
    answer(&match arguments.output {
        Format::Table => print::table(&lines),
        Format::Json => print::json(&lines)?,
        Format::Junit => junit::text(&lines),
    })?;
    Ok(if lines.iter().all(|line| line.answer.holds) { Exit::Fine } else { Exit::Findings })
}

fn decide<'a>(suite: &'a Suite, arguments: &Arguments) -> Result<Vec<Line<'a>>, String> {
    let setting = Setting {
        world: &suite.world,
        installation: &arguments.installation,
        catalogue: Catalogue::embedded(),
        boundary: suite.boundary.as_ref(),
    };
    let answers = run(&suite.test, setting).map_err(|mistake| told(&mistake.spot, &mistake.message))?;
    let identity = suite.test.identity.0.to_string();
    let lines = suite.test.cases.iter().zip(answers);
    let line = |(case, answer)| Line { test: &suite.test.name, identity: identity.clone(), case, answer };
    Ok(lines.map(line).collect())
}

/// A place as editors and terminals open it.
fn place(spot: &Spot) -> String {
    format!("{}:{}:{}", printable(&spot.file), spot.begin.line, spot.begin.column)
}

fn told(spot: &Spot, message: &str) -> String {
    format!("{}: {}", place(spot), printable(message))
}
