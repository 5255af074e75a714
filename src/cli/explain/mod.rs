//! `ambit explain`: what a code or a reason means, and what identities may do.

mod codes;
mod identities;

use clap::{Args, ValueEnum};

use super::{Exit, answer, files::Files};

/// What to explain.
#[derive(Debug, Args)]
#[command(after_help = HELP, mut_arg("files", |arg| arg.required(false)))]
pub struct Arguments {
    /// Codes of findings, such as `AMB0114`, or reasons of conditions, such as `ScopeDenied`
    #[arg(value_name = "CODE", conflicts_with_all = ["list", "files"])]
    codes: Vec<String>,
    /// List all codes and reasons
    #[arg(long, conflicts_with = "files")]
    list: bool,
    #[command(flatten)]
    files: Files,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Words for people
    Table,
    /// JSON for programs
    Json,
}

const HELP: &str = "\
Examples:
  $ ambit explain AMB0114                          what does this finding mean?
  $ ambit explain ScopeDenied                      what does this reason in a status mean?
  $ ambit explain --list                           which are there?
  $ ambit explain -f deploy --with cluster.yaml    what may the identities in these files do?

Exit code:
  0  everything was explained
  1  an identity in the files cannot be explained: `ambit validate` says why
  2  a code is not known, a file cannot be read, or no file holds an identity";

/// What to say when nothing is asked for.
const WHAT: &str = "name a code such as `AMB0114` or a reason such as `ScopeDenied`, or files with identities with -f; --list has all codes";

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    if arguments.list {
        answer(&codes::list(arguments.output)?)?;
        return Ok(Exit::Fine);
    }
    if !arguments.codes.is_empty() {
        answer(&codes::explain(&arguments.codes, arguments.output)?)?;
        return Ok(Exit::Fine);
    }
    if arguments.files.files.is_empty() {
        return Err(WHAT.to_owned());
    }
    identities::main(&arguments.files, arguments.output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_a_list_or_files_are_asked_for_and_only_one_of_them() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let line = |words: &[&str]| {
            <Line as clap::Parser>::try_parse_from(["explain"].iter().chain(words)).map(|line| line.arguments)
        };
        assert_eq!(line(&["AMB0101", "ScopeDenied"]).unwrap().codes.len(), 2);
        assert!(line(&["--list"]).unwrap().list);
        assert_eq!(line(&["-f", "a", "-f", "b", "--with", "c"]).unwrap().files.files, ["a", "b"]);
        assert_eq!(main(&line(&[]).unwrap()), Err(WHAT.to_owned()));
        for wrong in [&["AMB0101", "--list"][..], &["AMB0101", "-f", "a"], &["--list", "-f", "a"]] {
            assert!(line(wrong).is_err(), "{wrong:?}");
        }
    }
}
