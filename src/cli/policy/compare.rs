//! `ambit policy compare`: what one policy allows and another does not.

mod shape;
mod words;

use clap::Args;

use super::super::{Exit, answer};
use super::engine::{self, Compared, NotUnderstood};
use super::fields::{self, Fields};
use super::reply::{self, Answered};
use super::{BATCH_IS_JSON, Format, Opened, json};
use crate::policy::compare::{Answer, Comparison};

/// Which policies.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A file with the policy as it was; `-` for standard input
    #[arg(value_name = "OLD", required_unless_present = "batch", conflicts_with = "batch")]
    old: Option<String>,
    /// A file with the policy as it will be; `-` for standard input
    #[arg(value_name = "NEW", required_unless_present = "batch", conflicts_with = "batch")]
    new: Option<String>,
    /// Answer questions from standard input, a line each, in their order
    #[arg(long)]
    batch: bool,
    /// The form of the answer; table unless said otherwise, and always JSON with --batch
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub(super) const HELP: &str = "\
Example:
  $ ambit policy compare live.json wanted.json
  wider: new access, none lost

  allowed by `wanted.json` and not by `live.json`:
    wider: can now delete object `orders-in/x`
    for example
      action    s3:DeleteObject
      resource  arn:aws:s3:::orders-in/x

  allowed by `live.json` and not by `wanted.json`: nothing

As JSON the answer has the shape of an answer of a batch, with `id` null. `forward` is what NEW allows
and OLD does not, `backward` what OLD allows and NEW does not. The verdict of each is
  none     nothing: every possibility was looked at
  new      something: the witness is a request that one allows and the other denies
  unknown  not decided: the reason says why, and a candidate is a request that may be one
`domains` has the answer over everything that can be written (pattern), over well-formed ARNs (arn) and
over the actions and resources that AWS has (catalogue); `domain` is, of `new`, the narrowest in
which it holds, else pattern. `latent` says that only actions or resources that AWS does not have today differ.
`changes` says in English each kind of access that differs, the most sensitive first; batches leave it out.
`notUnderstood` lists what is not understood in the policies, with its place.

Exit code:
  0  both allow the same
  1  NEW allows less, or whether it allows more or less could not be decided
  2  a policy cannot be read, or the two are of different kinds
  3  access widens: NEW allows something that OLD does not

With --batch every line of standard input is a question and every line of standard output its
answer, in the same order, each as soon as it can be given:
  in   {\"id\": 1, \"old\": {…policy…}, \"new\": {…policy…}}
  out  {\"id\":1,\"forward\":{\"verdict\":\"new\",\"witness\":{…},…},\"backward\":{…},\"micros\":74}
A policy is an object or a text that holds one. The id is any JSON value, and comes back as it is.
A line that cannot be answered gets {\"id\":1,\"error\":\"…\"}; where its id cannot be found, `null` and the
number of the line. The rest goes on, and the exit code at the end is 2. It is 0 when every line was
answered, whatever the answers say.";

/// The fields of a question beside its `id`.
const FIELDS: [&str; 2] = ["old", "new"];

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    match (&arguments.old, &arguments.new) {
        (Some(old), Some(new)) => single(old, new, arguments.output.unwrap_or_default()),
        _ if arguments.output == Some(Format::Table) => Err(BATCH_IS_JSON.to_owned()),
        _ => reply::all(&FIELDS, ask),
    }
}

fn single(old: &str, new: &str, format: Format) -> Result<Exit, String> {
    if (old, new) == ("-", "-") {
        return Err("only one of the two policies can be standard input: name a file for the other".to_owned());
    }
    let (old, new) = (Opened::read(old)?, Opened::read(new)?);
    let mut compared = engine::compare(&old.policy, &new.policy)
        .map_err(|mismatch| format!("`{}` and `{}`: {mismatch}", old.name, new.name))?;
    compared.changes = engine::changes(&old.policy, &new.policy)?;
    compared.not_understood = NotUnderstood::in_file(&old).chain(NotUnderstood::in_file(&new)).collect();
    let text = match format {
        Format::Table => words::of(&compared, &old.name, &new.name),
        Format::Json => json(&Answered { id: None, answer: &compared })?,
    };
    answer(&text)?;
    Ok(exit(&compared.comparison))
}

/// New access is worst; whatever else is not the same is a finding.
fn exit(comparison: &Comparison) -> Exit {
    match (comparison.forward.verdict.answer(), comparison.backward.verdict.answer()) {
        (Answer::New, _) => Exit::Wider,
        (Answer::None, Answer::None) => Exit::Fine,
        _ => Exit::Findings,
    }
}

fn ask(question: &Fields<'_>) -> Result<Compared, String> {
    let policy = |name| fields::policy(question.need(name, "a policy, as an object or as a text")?, name);
    let (old, new) = (policy("old")?, policy("new")?);
    let mut compared = engine::compare(&old, &new)?;
    let not_understood = NotUnderstood::in_question(&old, "old").chain(NotUnderstood::in_question(&new, "new"));
    compared.not_understood = not_understood.collect();
    Ok(compared)
}
