//! `ambit policy simulate`: what all policies together say about one request.

mod question;

use std::fmt::Write as _;

use clap::Args;
use serde::{Serialize, Serializer};

use super::super::{Exit, answer, input};
use super::engine::{self, NotUnderstood};
use super::fields::Question;
use super::reply::{self, Answered};
use super::{BATCH_IS_JSON, Format, json, name_of};
use crate::names::printable;
use crate::policy::{Decision, Layer, Matched, Outcome};
use question::{Asked, FIELDS};

/// Which question.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A file with the question; `-`, or nothing, for standard input
    #[arg(value_name = "FILE", conflicts_with = "batch")]
    file: Option<String>,
    /// Answer questions from standard input, a line each, in their order
    #[arg(long)]
    batch: bool,
    /// The form of the answer; table unless said otherwise, and always JSON with --batch
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub(super) const HELP: &str = "\
Example:
  $ cat question.json
  {\"request\": {\"action\": \"s3:GetObject\", \"resource\": \"arn:aws:s3:::orders-in/1\",
               \"principal\": \"arn:aws:iam::123456789012:role/orders\",
               \"context\": {\"aws:SourceVpce\": \"vpce-1a2b3c4d\"}},
   \"policies\": {\"identity\": [{…policy…}], \"boundary\": {…policy…}}}
  $ ambit policy simulate question.json
  allowed: statement `Read` of identity[0] allows it

The request:
  action     such as s3:GetObject
  resource   an ARN, or * for an action that has no resource
  principal  an ARN; * is the anonymous caller; nobody named is a caller of the resource's own
             account about whom nothing more is known
  context    condition keys: a text, a number, true or false, or a list of these. aws:ResourceAccount
             names the owner of the resource where its ARN has none
The policies, each an object or a text that holds one:
  identity   a list: those attached to the caller and to its groups
  boundary, session, resource
             one each; the resource's may be the trust policy of a role
  scps, rcps a list of levels from the root of the organisation to the account, each a list
  managementAccount
             the account that the organisation's policies do not reach
A field that is left out, or null, is a layer that is not there. A field that is not known is refused.

The decision is allowed, explicitDeny, implicitDeny or unknown; `matched` are the statements that
decided, counted from zero.

Exit code:
  0  allowed
  1  denied, or unknown
  2  the question cannot be read

With --batch every line of standard input is a question with an \"id\", and every line of standard
output its answer, in the same order, each as soon as it can be given:
  {\"id\":1,\"decision\":\"allowed\",\"matched\":[{\"layer\":\"identity\",\"policy\":0,\"statement\":0,\"sid\":\"Read\"}]}
A line that cannot be answered gets {\"id\":1,\"error\":\"…\"}; where its id cannot be found, `null` and the
number of the line. The rest goes on, and the exit code at the end is 2. It is 0 when every line was
answered, whatever the answers say.";

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    if !arguments.batch {
        return single(arguments.file.as_deref().unwrap_or("-"), arguments.output.unwrap_or_default());
    }
    if arguments.output == Some(Format::Table) {
        return Err(BATCH_IS_JSON.to_owned());
    }
    reply::all(&FIELDS, |question| Ok(ask(&Asked::read(question)?)))
}

fn single(file: &str, format: Format) -> Result<Exit, String> {
    let text = input::text(file)?;
    let Question { id, fields } = Question::read(&text, &FIELDS);
    let asked = fields.and_then(|fields| Asked::read(&fields));
    let asked = asked.map_err(|error| format!("`{}`: {error}", name_of(file)))?;
    let decided = ask(&asked);
    let outcome = decided.decision.outcome;
    answer(&match format {
        Format::Table => words(&engine::say(&asked.request, &decided.decision), &decided),
        Format::Json => json(&Answered { id, answer: decided })?,
    })?;
    Ok(if outcome == Outcome::Allowed { Exit::Fine } else { Exit::Findings })
}

/// A decision with what is not understood in the policies that it stands on.
#[derive(Debug)]
struct Decided {
    decision: Decision,
    not_understood: Vec<NotUnderstood>,
}

fn ask(asked: &Asked) -> Decided {
    let decision = engine::decide(&asked.request, &asked.layers);
    let mut not_understood = Vec::new();
    for (place, policy) in asked.policies() {
        not_understood.extend(NotUnderstood::in_question(policy, &place));
    }
    Decided { decision, not_understood }
}

fn words(english: &str, decided: &Decided) -> String {
    let mut out = format!("{}\n", printable(english));
    // One alone is named in the sentence.
    let several = decided.decision.matched.iter().filter(|_| decided.decision.matched.len() > 1);
    for Matched { layer, statement, sid } in several {
        let sid = sid.as_deref().map(|sid| format!(" (`{}`)", printable(sid))).unwrap_or_default();
        let _ = writeln!(out, "  statement {statement}{sid} of {layer}");
    }
    if !decided.not_understood.is_empty() {
        out.push_str("\nnot understood:\n");
    }
    for one in &decided.not_understood {
        let _ = writeln!(out, "  {}", printable(&one.to_string()));
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    decision: &'static str,
    matched: Vec<One<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_understood: &'a [NotUnderstood],
}

#[derive(Serialize)]
struct One<'a> {
    layer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<usize>,
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

impl Serialize for Decided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = Whole {
            decision: self.decision.outcome.name(),
            matched: self.decision.matched.iter().map(One::of).collect(),
            reason: self.decision.reason.as_deref(),
            not_understood: &self.not_understood,
        };
        whole.serialize(serializer)
    }
}

impl<'a> One<'a> {
    fn of(matched: &'a Matched) -> Self {
        let (level, policy) = match matched.layer {
            Layer::Identity(policy) => (None, Some(policy)),
            Layer::Scp(level, policy) | Layer::Rcp(level, policy) => (Some(level), Some(policy)),
            Layer::Boundary | Layer::Session | Layer::Resource => (None, None),
        };
        let Matched { layer, statement, sid } = matched;
        Self { layer: layer.name(), level, policy, statement: *statement, sid: sid.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided() -> Decided {
        let matched = |layer, statement, sid: Option<&str>| Matched { layer, statement, sid: sid.map(str::to_owned) };
        let matched = vec![
            matched(Layer::Identity(1), 2, Some("Read")),
            matched(Layer::Scp(1, 0), 0, None),
            matched(Layer::Boundary, 3, None),
        ];
        let decision = Decision { outcome: Outcome::Unknown, matched, reason: Some("nobody knows".into()) };
        let not_understood = vec![NotUnderstood {
            policy: "policies.boundary".into(),
            place: "Statement[3].Odd".into(),
            problem: "it is not an element of a policy",
            line: None,
            column: None,
        }];
        Decided { decision, not_understood }
    }

    #[test]
    fn a_decision_in_words() {
        let expected = "\
not known: nobody knows
  statement 2 (`Read`) of identity[1]
  statement 0 of scps[1][0]
  statement 3 of boundary

not understood:
  `policies.boundary`: `Statement[3].Odd`: it is not an element of a policy
";
        assert_eq!(words("not known: nobody knows", &decided()), expected);
        let mut one = decided();
        one.decision.matched.truncate(1);
        one.not_understood.clear();
        assert_eq!(words("denied", &one), "denied\n");
    }

    #[test]
    fn a_decision_as_json() {
        let expected = concat!(
            r#"{"decision":"unknown","matched":[{"layer":"identity","policy":1,"statement":2,"sid":"Read"},"#,
            r#"{"layer":"scps","level":1,"policy":0,"statement":0},{"layer":"boundary","statement":3}],"#,
            r#""reason":"nobody knows","notUnderstood":[{"policy":"policies.boundary","place":"Statement[3].Odd","#,
            r#""problem":"it is not an element of a policy"}]}"#,
        );
        assert_eq!(serde_json::to_string(&decided()).unwrap(), expected);
    }
}
