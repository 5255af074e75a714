//! `ambit policy explain`: what policies allow, in English.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::super::{Exit, answer};
use super::engine::{self, NotUnderstood};
use super::{Format, Opened, json};
use crate::names::printable;
use crate::policy::explain::{Sensitivity, Sentence};

/// Which policies.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files with a policy each; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

pub(super) const HELP: &str = "\
Example:
  $ ambit policy explain orders.json
  can list and read objects in `orders-in`
  can send messages to queue `orders`, only through endpoint `vpce-1a2b3c4d`

Two policies that allow the same in another spelling are explained in the same words. With several
files the name of each stands before its sentences. The most sensitive comes first. As JSON the answer
is a list:
  [{\"file\": \"orders.json\", \"summary\": \"…\", \"sensitivity\": \"dataReading\", \"sentences\": [
    {\"text\": \"can read …\", \"sensitivity\": \"dataReading\", \"service\": \"s3\", \"denial\": false}, …]}]

Exit code:
  0  every policy was explained
  2  a policy cannot be read";

/// One policy in English.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    file: String,
    /// All in one line.
    summary: String,
    /// The most sensitive that is allowed; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivity: Option<&'static str>,
    sentences: Vec<Said>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_understood: Vec<NotUnderstood>,
}

#[derive(Debug, Serialize)]
struct Said {
    text: String,
    sensitivity: &'static str,
    /// Absent where it is about several.
    #[serde(skip_serializing_if = "String::is_empty")]
    service: String,
    denial: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    future: Vec<String>,
}

impl Explained {
    fn of(opened: Opened) -> Self {
        let explanation = engine::explain(&opened.policy);
        let said = |sentence: &Sentence| Said {
            text: sentence.text.clone(),
            sensitivity: sentence.sensitivity.name(),
            service: sentence.service.clone(),
            denial: sentence.denial,
            future: sentence.future.clone(),
        };
        Self {
            summary: explanation.summary(),
            sensitivity: explanation.sensitivity().map(Sensitivity::name),
            sentences: explanation.sentences.iter().map(said).collect(),
            not_understood: NotUnderstood::in_file(&opened).collect(),
            file: opened.name,
        }
    }
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    if arguments.files.iter().filter(|file| *file == "-").count() > 1 {
        return Err("standard input can be read once only: name `-` once".to_owned());
    }
    let mut all = Vec::with_capacity(arguments.files.len());
    for file in &arguments.files {
        all.push(Explained::of(Opened::read(file)?));
    }
    answer(&match arguments.output {
        Format::Table => words(&all),
        Format::Json => json(&all)?,
    })?;
    Ok(Exit::Fine)
}

fn words(all: &[Explained]) -> String {
    let mut out = String::new();
    for (index, one) in all.iter().enumerate() {
        if all.len() > 1 {
            let gap = if index == 0 { "" } else { "\n" };
            let _ = writeln!(out, "{gap}{}:", printable(&one.file));
        }
        for sentence in &one.sentences {
            let _ = writeln!(out, "{}", printable(&sentence.text));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_told_apart_and_one_needs_no_name() {
        let said = |text: &&str| Said {
            text: (*text).to_owned(),
            sensitivity: "other",
            service: String::new(),
            denial: false,
            future: Vec::new(),
        };
        let one = |file: &str, sentences: &[&str]| Explained {
            file: file.into(),
            summary: sentences.join("; "),
            sensitivity: None,
            sentences: sentences.iter().map(said).collect(),
            not_understood: Vec::new(),
        };
        let mut all = vec![one("a.json", &["can read", "can write"])];
        assert_eq!(words(&all), "can read\ncan write\n");
        all.push(one("b.json", &["can delete"]));
        assert_eq!(words(&all), "a.json:\ncan read\ncan write\n\nb.json:\ncan delete\n");
    }
}
