//! `ambit`: arguments to command.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = ambit::cli::Cli::parse();
    // With two providers of cryptography in the tree there is no default.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("ambit: the provider of cryptography was installed twice");
        return ExitCode::from(2);
    }
    ExitCode::from(ambit::cli::main(cli) as u8)
}
