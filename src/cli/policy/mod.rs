//! `ambit policy`: the policy engine alone, over files and over streams of questions.

mod batch;
mod check;
mod compare;
mod engine;
mod explain;
mod fields;
mod reply;
mod simulate;
mod table;

use clap::{Subcommand, ValueEnum};

use super::{Exit, input};
use crate::names::shortened;
use crate::policy::{Policy, Unreadable};

/// Questions to the policy engine. None of them needs a cluster or a cloud.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum Command {
    /// Say what one policy allows and another does not, with a request that shows it
    #[command(after_help = compare::HELP)]
    Compare(compare::Arguments),
    /// Decide one request over all policies that have a say in it
    #[command(after_help = simulate::HELP)]
    Simulate(simulate::Arguments),
    /// Say in English what policies allow
    #[command(after_help = explain::HELP)]
    Explain(explain::Arguments),
    /// Find what is wrong or dangerous in policies
    #[command(after_help = CHECK_HELP)]
    Check(check::Arguments),
}

const HELP: &str = "\
Examples:
  $ ambit policy compare live.json wanted.json     what does the second allow that the first does not?
  $ ambit policy simulate question.json            is this request allowed, and by which statement?
  $ ambit policy explain orders.json               what does it allow, in English?
  $ ambit policy check orders.json                 what is wrong or dangerous in it?

compare and simulate answer streams of questions with --batch. `ambit policy compare --help` has the
shape of questions and answers, and the exit codes.";

const CHECK_HELP: &str = "\
Example:
  $ ambit policy check orders.json
  orders.json:4:17: warning AMB0211: `s3:GetObjekt` is not a known action of s3; did you mean `s3:GetObject`?
    help: correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do
  1 warning in 1 file

Exit code:
  0  nothing was found, or nothing as grave as --fail-on says
  1  something was found
  2  a file cannot be read";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// Words for people
    #[default]
    Table,
    /// JSON for programs
    Json,
}

pub(super) fn main(command: &Command) -> Result<Exit, String> {
    match command {
        Command::Compare(arguments) => compare::main(arguments),
        Command::Simulate(arguments) => simulate::main(arguments),
        Command::Explain(arguments) => explain::main(arguments),
        Command::Check(arguments) => check::main(arguments),
    }
}

/// Why `-o table` cannot stand beside `--batch`.
const BATCH_IS_JSON: &str = "with --batch every answer is a line of JSON: leave `-o table` out";

/// How messages call a file.
fn name_of(file: &str) -> String {
    if file == "-" { "standard input".to_owned() } else { shortened(file) }
}

/// A policy from a file, with the text in which its places are found.
#[derive(Debug)]
struct Opened {
    /// The name for messages.
    name: String,
    text: String,
    policy: Policy,
}

impl Opened {
    /// Reads a policy from a file; `-` is standard input.
    fn read(file: &str) -> Result<Self, String> {
        let name = name_of(file);
        let text = input::text(file)?;
        match Policy::read(&text) {
            Ok(policy) => Ok(Self { name, text, policy }),
            Err(error) => {
                let position = match &error {
                    Unreadable::Element { position: Some(position), .. } => format!(", {position}"),
                    _ => String::new(),
                };
                Err(format!("`{name}`{position}: {error}"))
            }
        }
    }
}

/// JSON as a program or a person gets it when there is one answer only.
fn json(answer: &impl serde::Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(answer).map_err(|error| format!("the answer is no JSON: {error}"))?;
    Ok(format!("{text}\n"))
}
