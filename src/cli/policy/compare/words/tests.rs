use super::*;
use crate::cli::policy::engine::NotUnderstood;
use crate::policy::Request;
use crate::policy::compare::{Comparison, Domains};

fn witness() -> Request {
    let mut request =
        Request { action: "s3:DeleteObject".into(), resource: "arn:aws:s3:::b/".into(), ..Request::default() };
    request.context.set("aws:SourceVpce", "vpce-1");
    request.context.set_list("aws:TagKeys", vec!["a".into()]);
    request
}

fn none() -> Direction {
    let domains = Domains { pattern: Answer::None, arn: Answer::None, catalogue: Answer::None };
    Direction { verdict: Verdict::None, domains }
}

fn gained(catalogue: Answer) -> Direction {
    let domains = Domains { pattern: Answer::New, arn: Answer::New, catalogue };
    Direction { verdict: Verdict::New(Box::new(witness())), domains }
}

fn undecided(candidate: Option<Request>) -> Direction {
    let domains = Domains { pattern: Answer::Unknown, arn: Answer::Unknown, catalogue: Answer::None };
    Direction {
        verdict: Verdict::Unknown { reason: "too many wildcards".into(), candidate: candidate.map(Box::new) },
        domains,
    }
}

fn compared(forward: Direction, backward: Direction) -> Compared {
    let english = [&forward, &backward]
        .map(|direction| (direction.verdict.answer() == Answer::New).then(|| "can delete objects in `b`".to_owned()));
    Compared {
        comparison: Comparison { forward, backward },
        english,
        changes: Default::default(),
        micros: 7,
        not_understood: Vec::new(),
    }
}

fn words(forward: Direction, backward: Direction) -> String {
    of(&compared(forward, backward), "a.json", "b.json")
}

#[test]
fn the_same_access_is_said_in_three_lines() {
    let expected = "\
same: no new access, none lost

allowed by `b.json` and not by `a.json`: nothing

allowed by `a.json` and not by `b.json`: nothing
";
    assert_eq!(words(none(), none()), expected);
}

#[test]
fn a_difference_has_english_and_an_example() {
    let expected = "\
wider: new access, none lost

allowed by `b.json` and not by `a.json`:
  can delete objects in `b`
  for example
    action    s3:DeleteObject
    resource  arn:aws:s3:::b/
    context   aws:SourceVpce = vpce-1
              aws:TagKeys = [a]

allowed by `a.json` and not by `b.json`: nothing
";
    assert_eq!(words(gained(Answer::New), none()), expected);
}

#[test]
fn a_difference_of_the_future_says_so() {
    let latent = words(none(), gained(Answer::None));
    assert!(latent.starts_with("narrower: no new access, some lost\n"), "{latent}");
    assert!(
        latent.contains("\n  only for actions or resources that AWS does not have today\n  for example\n"),
        "{latent}"
    );
    let open = words(gained(Answer::Unknown), none());
    let caveat = "\n  not decided for the actions and resources that AWS has today\n  for example\n";
    assert!(open.contains(caveat), "{open}");
}

#[test]
fn what_is_not_decided_gives_its_reason_and_what_is_not_understood_its_place() {
    let mut compared = compared(undecided(None), undecided(Some(witness())));
    let problem = "its operator is not a condition operator";
    let one = |line, column| NotUnderstood {
        policy: "a.json".into(),
        place: "Statement[0].Condition.Odd.k".into(),
        problem,
        line,
        column,
    };
    compared.not_understood = vec![one(Some(3), Some(9)), one(None, None)];
    let expected = "\
undecided: perhaps new access, perhaps some lost

allowed by `b.json` and not by `a.json`: not decided
  too many wildcards

allowed by `a.json` and not by `b.json`: not decided
  too many wildcards
  perhaps
    action    s3:DeleteObject
    resource  arn:aws:s3:::b/
    context   aws:SourceVpce = vpce-1
              aws:TagKeys = [a]

not understood:
  `a.json`, line 3, column 9: `Statement[0].Condition.Odd.k`: its operator is not a condition operator
  `a.json`: `Statement[0].Condition.Odd.k`: its operator is not a condition operator
";
    assert_eq!(of(&compared, "a.json", "b.json"), expected);
}

#[test]
fn every_pair_of_verdicts_has_its_headline() {
    use Answer::{New, None, Unknown};
    for (forward, backward, expected) in [
        (None, None, "same: no new access, none lost"),
        (None, New, "narrower: no new access, some lost"),
        (None, Unknown, "undecided: no new access, perhaps some lost"),
        (New, None, "wider: new access, none lost"),
        (New, New, "changed: new access, some lost"),
        (New, Unknown, "wider: new access, perhaps some lost"),
        (Unknown, None, "undecided: perhaps new access, none lost"),
        (Unknown, New, "undecided: perhaps new access, some lost"),
        (Unknown, Unknown, "undecided: perhaps new access, perhaps some lost"),
    ] {
        assert_eq!(headline(forward, backward), expected);
    }
}

/// The shape that programs read.
#[test]
fn as_json_each_direction_has_what_the_contract_names() {
    let domains = |all: &str| format!(r#"{{"pattern":"{all}","arn":"{all}","catalogue":"{all}"}}"#);
    let written = |forward, backward| serde_json::to_string(&compared(forward, backward)).unwrap();
    let request = r#"{"action":"s3:DeleteObject","resource":"arn:aws:s3:::b/","context":{"aws:SourceVpce":"vpce-1","aws:TagKeys":["a"]}}"#;
    let nothing = format!(r#"{{"verdict":"none","domain":"pattern","domains":{}}}"#, domains("none"));
    let new = format!(
        r#"{{"verdict":"new","witness":{request},"domain":"catalogue","domains":{},"english":"can delete objects in `b`"}}"#,
        domains("new")
    );
    assert_eq!(written(gained(Answer::New), none()), format!(r#"{{"forward":{new},"backward":{nothing},"micros":7}}"#));
    let latent = r#""domain":"arn","domains":{"pattern":"new","arn":"new","catalogue":"none"},"latent":true"#;
    assert!(written(gained(Answer::None), none()).contains(latent));
    let unknown =
        format!(r#"{{"verdict":"unknown","reason":"too many wildcards","candidate":{request},"domain":"pattern","#);
    assert!(written(undecided(Some(witness())), none()).contains(&unknown));
}

#[test]
fn new_access_is_worst_and_whatever_else_differs_is_a_finding() {
    use super::super::exit;
    use crate::cli::Exit;
    let exit = |forward, backward| exit(&Comparison { forward, backward });
    assert_eq!(exit(none(), none()), Exit::Fine);
    assert_eq!(exit(none(), gained(Answer::New)), Exit::Findings);
    assert_eq!(exit(none(), undecided(None)), Exit::Findings);
    assert_eq!(exit(undecided(None), none()), Exit::Findings);
    assert_eq!(exit(gained(Answer::New), none()), Exit::Wider);
    assert_eq!(exit(gained(Answer::None), gained(Answer::New)), Exit::Wider);
}
