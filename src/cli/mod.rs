//! The commands, a file each.

mod account;
mod cluster;
mod columns;
mod crds;
mod diff;
mod explain;
mod files;
mod input;
mod plan;
mod policy;
mod render;
mod report;
mod run;
mod sweep;
mod test;
mod validate;

use clap::{Parser, Subcommand};

/// How a command ended. The numbers are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Fine, or no change.
    Fine = 0,
    /// Differences or findings.
    Findings = 1,
    /// Wrong usage, or an error of input, output or an API.
    Trouble = 2,
    /// Access widens.
    Wider = 3,
    /// Time was up before it was done.
    TimedOut = 4,
}

/// Gives every machine one cloud identity with exactly the access that it was declared to need
#[derive(Debug, Parser)]
#[command(name = "ambit", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator
    Run(Box<crate::config::RunConfig>),
    /// Print the definitions of Ambit's kinds
    Crds(crds::Arguments),
    /// Prepare a cloud account
    #[command(subcommand)]
    Account(account::Command),
    /// Show what is declared beside what is live, for identities of a cluster
    Diff(Box<diff::Arguments>),
    /// Read a whole cloud account and say which of its roles are not as declared
    Sweep(Box<sweep::Arguments>),
    /// Judge objects in files as the API server and the operator would
    Validate(validate::Arguments),
    /// Say what a change of files means for access
    Plan(plan::Arguments),
    /// Decide golden cases: what identities may and may not do
    Test(test::Arguments),
    /// Say in English what identities may do, or what a code means
    Explain(explain::Arguments),
    /// Print the exact cloud documents that identities in files compile to
    Render(render::Arguments),
    /// Ask what policies allow: compare two, decide a request, say one in English, check one
    #[command(subcommand)]
    Policy(policy::Command),
}

/// Carries out the command of the process. What goes wrong is one line on
/// standard error.
#[must_use]
pub fn main(cli: Cli) -> Exit {
    let outcome = match cli.command {
        Command::Run(config) => run::main(*config),
        Command::Crds(arguments) => crds::main(&arguments),
        Command::Account(command) => account::main(&command),
        Command::Diff(arguments) => diff::main(&arguments),
        Command::Sweep(arguments) => sweep::main(&arguments),
        Command::Validate(arguments) => validate::main(&arguments),
        Command::Plan(arguments) => plan::main(&arguments),
        Command::Test(arguments) => test::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
        Command::Render(arguments) => render::main(&arguments),
        Command::Policy(command) => policy::main(&command),
    };
    outcome.unwrap_or_else(|error| {
        // What is quoted may hold signs that a terminal would obey.
        let lines: Vec<String> = error.lines().map(crate::names::printable).collect();
        tell(&format!("ambit: {}", lines.join("\n")));
        Exit::Trouble
    })
}

/// Writes a line to standard error. Where nobody can read it, the exit code still tells.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes an answer to standard output. A reader that went away is no error.
fn answer(text: &str) -> Result<(), String> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| format!("standard output cannot be written: {error}")),
    }
}
