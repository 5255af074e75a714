//! The program `bed`: see its `--help`.

use std::io::Write;
use std::process::ExitCode;

use ambit_bed::cli::{Cli, run};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bed: {}", ambit_bed::chain(&error));
            ExitCode::from(2)
        }
    }
}
