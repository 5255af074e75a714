//! `ambit policy`: what it prints, how it ends, and how a batch behaves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

/// A folder of one test, with its files. It goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ambit-engine-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.0.join(name), content).unwrap();
        self
    }

    /// Starts `ambit policy` in the folder.
    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_ambit"))
            .arg("policy")
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Exit code, standard output and standard error.
    fn ask(&self, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        // On a thread of its own: whoever answers as he reads may wait for a reader of the answers.
        let input = input.to_owned();
        let writer = thread::spawn(move || {
            // One that ends without reading its input is as good.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// The answer of a command that fails: only its message.
    fn refused(&self, arguments: &[&str], input: &str) -> String {
        let (code, out, err) = self.ask(arguments, input);
        assert_eq!((code, &*out), (Some(2), ""), "{err}");
        err.strip_prefix("ambit: ").and_then(|rest| rest.strip_suffix('\n')).unwrap_or(&err).to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn allow(actions: &[&str]) -> Value {
    let statement =
        json!({"Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": "arn:aws:s3:::orders-in/a"});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn get() -> Value {
    allow(&["s3:GetObject"])
}

fn get_and_delete() -> Value {
    allow(&["s3:GetObject", "s3:DeleteObject"])
}

/// The files that most tests need.
fn folder(test: &str) -> Folder {
    let reordered = allow(&["s3:DeleteObject", "S3:getObject", "s3:GetObject"]);
    Folder::new(test)
        .with("get.json", get().to_string())
        .with("more.json", get_and_delete().to_string())
        .with("same.json", reordered.to_string())
        .with("other.json", allow(&["s3:DeleteObject"]).to_string())
        .with("unknown.json", UNKNOWN)
}

/// A policy with an operator that IAM does not have.
const UNKNOWN: &str = r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
    "Condition": {"StringLikes": {"aws:SourceVpce": "vpce-1"}}
  }
}"#;

const OPERATOR: &str = "its operator is not a condition operator";
const PLACE: &str = "Statement[0].Condition.StringLikes.aws:SourceVpce";

/// An answer without what is measured and what is put in words elsewhere.
fn bare(answer: &str) -> Value {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    assert!(answer["micros"].is_u64(), "{answer}");
    answer.as_object_mut().unwrap().remove("micros");
    for direction in ["forward", "backward"] {
        let direction = answer[direction].as_object_mut().unwrap();
        let english = direction.remove("english").map_or(String::new(), |text| text.as_str().unwrap().to_owned());
        assert_eq!(english.is_empty(), direction["verdict"] == "none", "a difference is said in English");
    }
    answer
}

fn nothing() -> Value {
    json!({"verdict": "none", "domain": "pattern", "domains": {"pattern": "none", "arn": "none", "catalogue": "none"}})
}

fn deletion() -> Value {
    let witness = json!({"action": "s3:DeleteObject", "resource": "arn:aws:s3:::orders-in/a", "context": {}});
    let domains = json!({"pattern": "new", "arn": "new", "catalogue": "new"});
    json!({"verdict": "new", "witness": witness, "domain": "catalogue", "domains": domains})
}

#[test]
fn compare_says_in_words_what_widens() {
    let (code, out, err) = folder("words").ask(&["compare", "get.json", "more.json"], "");
    assert_eq!((code, &*err), (Some(3), ""));
    let expected = "\
wider: new access, none lost

allowed by `more.json` and not by `get.json`:
  wider: can now delete object `orders-in/a`
  for example
    action    s3:DeleteObject
    resource  arn:aws:s3:::orders-in/a

allowed by `get.json` and not by `more.json`: nothing
";
    assert_eq!(out, expected);
}

#[test]
fn compare_answers_as_the_contract_says() {
    let folder = folder("contract");
    let (code, out, err) = folder.ask(&["compare", "get.json", "more.json", "-o", "json"], "");
    assert_eq!((code, &*err), (Some(3), ""));
    let told = |change: &str| {
        let mut direction = deletion();
        direction["changes"] = json!([change]);
        direction
    };
    let gained = told("wider: can now delete object `orders-in/a`");
    assert_eq!(bare(&out), json!({"id": null, "forward": gained, "backward": nothing()}));
    assert!(out.ends_with("}\n"));
    let (code, out, _) = folder.ask(&["compare", "more.json", "get.json", "-o", "json"], "");
    let lost = told("narrower: can no longer delete object `orders-in/a`");
    assert_eq!((code, bare(&out)), (Some(1), json!({"id": null, "forward": nothing(), "backward": lost})));
}

#[test]
fn the_exit_code_says_what_changes() {
    let folder = folder("codes");
    for (old, new, code, first) in [
        ("more.json", "same.json", 0, "same: no new access, none lost"),
        ("more.json", "get.json", 1, "narrower: no new access, some lost"),
        ("get.json", "more.json", 3, "wider: new access, none lost"),
        ("get.json", "other.json", 3, "changed: new access, some lost"),
        ("get.json", "unknown.json", 1, "undecided: perhaps new access, perhaps some lost"),
    ] {
        let (found, out, err) = folder.ask(&["compare", old, new], "");
        assert_eq!((found, out.lines().next(), &*err), (Some(code), Some(first), ""), "{old} to {new}");
    }
}

#[test]
fn one_of_the_two_policies_may_come_from_standard_input() {
    let folder = folder("stdin");
    let (code, out, _) = folder.ask(&["compare", "-", "more.json"], &get().to_string());
    assert_eq!(code, Some(3));
    assert!(out.contains("\nallowed by `standard input` and not by `more.json`: nothing\n"), "{out}");
    assert_eq!(folder.ask(&["compare", "get.json", "-"], &get().to_string()).0, Some(0));
    let both = "only one of the two policies can be standard input: name a file for the other";
    assert_eq!(folder.refused(&["compare", "-", "-"], ""), both);
    let message = "`standard input`, line 2, column 2: the policy cannot be read at `Statement`: it must be an object, not a text";
    assert_eq!(folder.refused(&["compare", "-", "get.json"], "{\"Statement\":\n \"all\"}"), message);
}

#[test]
fn what_is_not_understood_is_named_with_its_place() {
    let folder = folder("unknown");
    let (code, out, _) = folder.ask(&["compare", "get.json", "unknown.json"], "");
    assert_eq!(code, Some(1));
    let told = format!("\nnot understood:\n  `unknown.json`, line 5, column 53: `{PLACE}`: {OPERATOR}\n");
    assert!(out.ends_with(&told), "{out}");

    let (_, out, _) = folder.ask(&["compare", "get.json", "unknown.json", "-o", "json"], "");
    let answer = bare(&out);
    let one = json!({"policy": "unknown.json", "place": PLACE, "problem": OPERATOR, "line": 5, "column": 53});
    assert_eq!(answer["notUnderstood"], json!([one]));
    for direction in ["forward", "backward"] {
        assert_eq!(answer[direction]["verdict"], "unknown");
        assert!(answer[direction]["reason"].is_string());
    }

    let question = json!({"id": 1, "old": get(), "new": UNKNOWN}).to_string();
    let (code, out, _) = folder.ask(&["compare", "--batch"], &question);
    let one = json!({"policy": "new", "place": PLACE, "problem": OPERATOR});
    assert_eq!((code, &bare(&out)["notUnderstood"]), (Some(0), &json!([one])));

    let (code, out, _) = folder.ask(&["explain", "unknown.json"], "");
    assert_eq!(code, Some(0));
    assert!(out.contains(&format!("`{PLACE}`: {OPERATOR}\n")), "{out}");
    let (_, out, _) = folder.ask(&["explain", "unknown.json", "-o", "json"], "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    let one = json!({"policy": "unknown.json", "place": PLACE, "problem": OPERATOR, "line": 5, "column": 53});
    assert_eq!(answer[0]["notUnderstood"], json!([one]));
}

#[test]
fn policies_that_cannot_be_read_are_told_with_their_place() {
    let folder = folder("unreadable")
        .with("broken.json", "{\n  \"Statement\": [,\n")
        .with("effect.json", "{\"Statement\": [\n  {\"Effect\": \"Perhaps\", \"Action\": \"*\"}]}")
        .with("latin.json", b"{\"Version\": \"\xe9\"}")
        .with("list.json", "[]");
    let cases = [
        ("none.json", "`none.json` cannot be read: No such file or directory (os error 2)"),
        (".", "`.` cannot be read: Is a directory (os error 21)"),
        ("broken.json", "`broken.json`: the policy is not valid JSON: expected value at line 2 column 17"),
        (
            "effect.json",
            "`effect.json`, line 2, column 3: the policy cannot be read at `Statement[0].Effect`: it must be `Allow` or `Deny`",
        ),
        ("latin.json", "`latin.json` cannot be read: stream did not contain valid UTF-8"),
        (
            "list.json",
            "`list.json`, line 1, column 1: the policy cannot be read at `policy`: it must be an object, not a list",
        ),
    ];
    for (file, message) in cases {
        assert_eq!(folder.refused(&["compare", file, "get.json"], ""), message);
        assert_eq!(folder.refused(&["compare", "get.json", file], ""), message);
        assert_eq!(folder.refused(&["explain", "get.json", file], ""), message);
    }
}

#[test]
fn documents_of_different_kinds_are_refused() {
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"});
    let trust = json!({"Statement": [statement]});
    let folder = folder("kinds").with("trust.json", trust.to_string());
    let message = folder.refused(&["compare", "get.json", "trust.json"], "");
    assert!(message.starts_with("`get.json` and `trust.json`: "), "{message}");
    assert!(message.contains("the policy of an identity") && message.contains("a trust policy"), "{message}");
    let question = json!({"id": "x", "old": get(), "new": trust}).to_string();
    let (code, out, _) = folder.ask(&["compare", "--batch"], &question);
    let answer: Value = serde_json::from_str(&out).unwrap();
    let rest = message.strip_prefix("`get.json` and `trust.json`: ").unwrap();
    assert_eq!((code, answer), (Some(2), json!({"id": "x", "error": rest})));
}

/// A thousand questions, of which every seventh is spoilt in one of several ways.
#[test]
fn a_batch_answers_every_line_in_its_order() {
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for number in 0..1000_usize {
        let question = json!({"id": {"n": number}, "old": get(), "new": get_and_delete()});
        if number % 7 != 3 {
            input.push(question.to_string());
            expected.push(json!({"id": {"n": number}, "forward": deletion(), "backward": nothing()}));
            continue;
        }
        let (line, id, error) = spoilt(number, &question.to_string());
        input.push(line);
        let mut answer = json!({"id": id, "error": error});
        if id.is_null() {
            answer["line"] = json!(number + 1);
        }
        expected.push(answer);
    }
    let (code, out, err) = Folder::new("order").ask(&["compare", "--batch"], &input.join("\n"));
    assert_eq!((code, &*err), (Some(2), ""));
    assert_eq!(out.lines().count(), expected.len());
    for (line, expected) in out.lines().zip(expected) {
        let found = if expected["error"].is_null() { bare(line) } else { serde_json::from_str(line).unwrap() };
        assert_eq!(found, expected);
    }
}

/// A line, the id that must be found in it, and what must be said of it.
fn spoilt(number: usize, line: &str) -> (String, Value, String) {
    let id = json!({"n": number});
    let cut = format!("{{\"id\":{id},\"old\":");
    let (line, id, error) = match number / 7 % 5 {
        0 => ("nonsense".to_owned(), Value::Null, "the question is not valid JSON: expected ident at column 2"),
        1 => (line.replace("\"new\"", "\"knew\""), id, "`knew` is not a field: it must be `id`, `old` or `new`"),
        2 => (
            line.replace("\"Allow\"", "\"Perhaps\""),
            id,
            "`old`: the policy cannot be read at `Statement[0].Effect`: it must be `Allow` or `Deny`",
        ),
        3 => (line.replace("\"old\"", "\"new\""), id, "`new` stands twice: leave one out"),
        _ => {
            let error = format!("the question is not valid JSON: EOF while parsing a value at column {}", cut.len());
            return (cut, id, error);
        }
    };
    (line, id, error.to_owned())
}

#[test]
fn a_batch_skips_blank_lines_and_refuses_long_ones() {
    let folder = Folder::new("lines");
    assert_eq!(folder.ask(&["compare", "--batch"], "\n \r\n\n"), (Some(0), String::new(), String::new()));
    let question = json!({"old": get(), "new": get().to_string()});
    let long = format!("{{\"id\":1,\"old\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let (code, out, _) = folder.ask(&["compare", "--batch", "-o", "json"], &format!("\n{long}\n{question}"));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(code, Some(2));
    assert_eq!(lines[0], r#"{"id":1,"error":"the line has more than 4 MB: split the question"}"#);
    assert_eq!(bare(lines[1]), json!({"id": null, "forward": nothing(), "backward": nothing()}));
    assert_eq!(lines.len(), 2);
}

/// Whoever waits for each answer before the next question gets it, and the end when he ends.
fn conversation(arguments: &[&str], question: impl Fn(usize) -> Value) {
    let folder = Folder::new(&format!("talk-{}", arguments[0]));
    let mut child = folder.start(arguments);
    let mut ask = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 0..50 {
        writeln!(ask, "{}", question(number)).unwrap();
        ask.flush().unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], number);
        assert_eq!(answer["error"], Value::Null);
    }
    drop(ask);
    assert!(answers.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_answer_comes_before_the_next_question() {
    conversation(&["compare", "--batch"], |number| json!({"id": number, "old": get(), "new": get_and_delete()}));
    conversation(&["simulate", "--batch"], |number| question(&json!(number), "s3:GetObject"));
}

#[test]
fn a_reader_who_goes_away_ends_a_batch_quietly() {
    let folder = Folder::new("pipe");
    let mut child = folder.start(&["compare", "--batch"]);
    let mut ask = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let line = format!("{}\n", json!({"id": 1, "old": get(), "new": get()}));
    ask.write_all(line.as_bytes()).unwrap();
    let mut first = String::new();
    answers.read_line(&mut first).unwrap();
    drop(answers);
    // Until it has noticed and gone, so that nobody reads the questions any more.
    while ask.write_all(line.as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

fn question(id: &Value, action: &str) -> Value {
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}});
    json!({
        "id": id,
        "request": {
            "action": action, "resource": "arn:aws:s3:::orders-in/a",
            "principal": "arn:aws:iam::123456789012:role/orders", "context": {"aws:ResourceAccount": "123456789012"},
        },
        "policies": {"identity": [deny, get().to_string()]},
    })
}

#[test]
fn simulate_decides_one_question() {
    let folder = Folder::new("simulate")
        .with("allowed.json", question(&Value::Null, "s3:GetObject").to_string())
        .with("denied.json", question(&json!("d"), "s3:PutObject").to_string())
        .with("nothing.json", question(&json!("n"), "s3:ListBucket").to_string());
    let (code, out, err) = folder.ask(&["simulate", "allowed.json"], "");
    assert_eq!((code, &*out, &*err), (Some(0), "allowed: statement `Read` of identity[1] allows it\n", ""));
    let (code, out, _) = folder.ask(&["simulate", "denied.json"], "");
    assert_eq!((code, &*out), (Some(1), "denied: statement 0 of identity[0] denies it\n"));
    let (code, out, _) = folder.ask(&["simulate", "nothing.json"], "");
    assert_eq!((code, &*out), (Some(1), "denied: no statement of identity allows it\n"));

    let (code, out, _) = folder.ask(&["simulate", "allowed.json", "-o", "json"], "");
    let matched = json!([{"layer": "identity", "policy": 1, "statement": 0, "sid": "Read"}]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer), (Some(0), json!({"id": null, "decision": "allowed", "matched": matched})));

    for arguments in [&["simulate", "-o", "json"][..], &["simulate", "-", "-o", "json"]] {
        let (code, out, _) = folder.ask(arguments, &question(&json!("d"), "s3:PutObject").to_string());
        let matched = json!([{"layer": "identity", "policy": 0, "statement": 0}]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, answer), (Some(1), json!({"id": "d", "decision": "explicitDeny", "matched": matched})));
    }
}

#[test]
fn a_question_that_cannot_be_read_is_refused() {
    let folder = Folder::new("question").with("typo.json", r#"{"request": {}, "policy": {}}"#);
    let message = "`typo.json`: `policy` is not a field: it must be `id`, `request` or `policies`";
    assert_eq!(folder.refused(&["simulate", "typo.json"], ""), message);
    let message = "`standard input`: the question is not valid JSON: EOF while parsing an object at line 2 column 0";
    assert_eq!(folder.refused(&["simulate"], "{\n"), message);
    let message = "`none.json` cannot be read: No such file or directory (os error 2)";
    assert_eq!(folder.refused(&["simulate", "none.json"], ""), message);
    let mut wrong = question(&Value::Null, "s3:GetObject");
    wrong["policies"]["identity"] = json!([get(), {"Statement": [{"Effect": "Allow", "Resource": "*"}]}]);
    let message = "`standard input`: `policies.identity[1]`: the policy cannot be read at `Statement[0].Action`: it or `NotAction` must be there";
    assert_eq!(folder.refused(&["simulate"], &wrong.to_string()), message);
}

#[test]
fn a_batch_of_requests_is_decided_in_its_order() {
    let mut typo = question(&json!(3), "s3:GetObject");
    typo["policies"]["boundry"] = get();
    let mut empty = question(&json!(4), "s3:GetObject");
    empty["request"]["principal"] = json!("");
    let lines = [
        question(&json!(1), "s3:GetObject").to_string(),
        question(&json!("two"), "s3:PutObject").to_string(),
        typo.to_string(),
        empty.to_string(),
        question(&json!(5), "s3:ListBucket").to_string(),
    ];
    let (code, out, err) = Folder::new("requests").ask(&["simulate", "--batch"], &lines.join("\n"));
    assert_eq!((code, &*err), (Some(2), ""));
    let answers: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let matched = json!([{"layer": "identity", "policy": 1, "statement": 0, "sid": "Read"}]);
    assert_eq!(answers[0], json!({"id": 1, "decision": "allowed", "matched": matched}));
    let matched = json!([{"layer": "identity", "policy": 0, "statement": 0}]);
    assert_eq!(answers[1], json!({"id": "two", "decision": "explicitDeny", "matched": matched}));
    let fields = "`identity`, `boundary`, `session`, `resource`, `scps`, `rcps` or `managementAccount`";
    let error = format!("`policies.boundry` is not a field: it must be {fields}");
    assert_eq!(answers[2], json!({"id": 3, "error": error}));
    assert_eq!(answers[3], json!({"id": 4, "error": "`request.principal`: it must not be empty"}));
    assert_eq!((&answers[4]["id"], &answers[4]["decision"]), (&json!(5), &json!("implicitDeny")));
    assert_eq!(answers.len(), 5);
}

#[test]
fn explain_says_each_policy_in_english() {
    let folder = folder("explain");
    let (code, one, err) = folder.ask(&["explain", "get.json"], "");
    assert_eq!((code, &*err), (Some(0), ""));
    let (_, other, _) = folder.ask(&["explain", "-"], &get_and_delete().to_string());
    let (code, both, _) = folder.ask(&["explain", "get.json", "more.json"], "");
    assert_eq!((code, both), (Some(0), format!("get.json:\n{one}\nmore.json:\n{other}")));
    assert_eq!(folder.ask(&["explain", "same.json"], "").1, other, "the same access in the same words");

    let (code, out, _) = folder.ask(&["explain", "-o", "json", "get.json", "more.json"], "");
    let said = |text: &str, sensitivity: &str| json!({"text": text, "sensitivity": sensitivity, "service": "s3", "denial": false});
    let (read, delete) = ("can read object `orders-in/a`", "can delete object `orders-in/a`");
    let expected = json!([
        {"file": "get.json", "summary": read, "sensitivity": "dataReading", "sentences": [said(read, "dataReading")]},
        {"file": "more.json", "summary": format!("{read}; {delete}"), "sensitivity": "dataReading",
            "sentences": [said(read, "dataReading"), said(delete, "deletion")]},
    ]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (Some(0), expected));
    assert_eq!((one, other), (format!("{read}\n"), format!("{read}\n{delete}\n")));
    let twice = "standard input can be read once only: name `-` once";
    assert_eq!(folder.refused(&["explain", "-", "-"], ""), twice);
}

#[test]
fn check_tells_findings_by_its_exit_code() {
    let folder = folder("check").with(
        "odd.json",
        "{\"Statement\": {\"Effect\": \"Allow\",\n \"Action\": \"s3:GetObjekt\", \"Resource\": \"*\"}}",
    );
    assert_eq!(folder.ask(&["check", "get.json"], ""), (Some(0), "no findings in 1 file\n".into(), String::new()));
    let (code, out, err) = folder.ask(&["check", "odd.json"], "");
    assert_eq!((code, &*err), (Some(1), ""));
    let found =
        "odd.json:2:12: warning AMB0211: `s3:GetObjekt` is not a known action of s3; did you mean `s3:GetObject`?\n";
    assert!(out.contains(found), "{out}");
    let (code, _, err) = folder.ask(&["check", "none.json"], "");
    assert_eq!((code, &*err), (Some(2), "ambit: `none.json` cannot be read: No such file or directory (os error 2)\n"));
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = folder("usage");
    let table = "with --batch every answer is a line of JSON: leave `-o table` out";
    assert_eq!(folder.refused(&["compare", "--batch", "-o", "table"], ""), table);
    assert_eq!(folder.refused(&["simulate", "--batch", "-o", "table"], ""), table);
    for arguments in [
        &["compare"][..],
        &["compare", "get.json"],
        &["compare", "--batch", "get.json", "more.json"],
        &["compare", "get.json", "more.json", "-o", "yaml"],
        &["simulate", "--batch", "get.json"],
        &["explain"],
    ] {
        let (code, out, err) = folder.ask(arguments, "");
        assert_eq!((code, &*out), (Some(2), ""), "{arguments:?}");
        assert!(err.starts_with("error: "), "{err}");
    }
}

#[test]
fn help_shows_an_example_and_the_exit_codes() {
    let folder = Folder::new("help");
    let (_, all, _) = folder.ask(&["--help"], "");
    for command in ["compare", "simulate", "explain", "check"] {
        assert!(all.contains(&format!("\n  $ ambit policy {command} ")), "{all}");
        let (code, out, _) = folder.ask(&[command, "--help"], "");
        assert_eq!(code, Some(0));
        for text in [format!("$ ambit policy {command} "), "\nExit code:\n  0  ".to_owned()] {
            assert!(out.contains(&text), "`{text}` is not in:\n{out}");
        }
    }
}

#[test]
fn what_an_error_quotes_cannot_move_the_cursor() {
    let folder = folder("escapes");
    let question = "{\"\\u001b[2Jx\":1}";
    let said = folder.refused(&["simulate"], question);
    assert!(said.contains('\u{fffd}') && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_caller_that_is_none_is_refused() {
    let folder = folder("callers");
    for (principal, action) in
        [("bob", "s3:GetObject"), (" arn:aws:iam::123456789012:role/x", "s3:GetObject"), ("*", "GetObject")]
    {
        let request = json!({"action": action, "resource": "*", "principal": principal});
        let said = folder.refused(&["simulate"], &json!({"request": request, "policies": {}}).to_string());
        assert!(said.contains("must"), "{said}");
    }
}

/// The commands of README with what it says that they print.
fn shown_in_readme() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = readme.split("\n```\n").filter_map(|block| block.strip_prefix("$ ambit "));
    blocks.filter_map(|block| block.split_once('\n')).map(|(command, out)| (command.into(), out.into())).collect()
}

#[test]
fn readme_shows_what_the_commands_print() {
    let shown = shown_in_readme();
    assert_eq!(shown.len(), 9, "{shown:?}");
    for (command, expected) in shown {
        let output = Command::new(env!("CARGO_BIN_EXE_ambit"))
            .args(command.split(' '))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), expected.trim_end(), "{command}");
        assert!(output.stderr.is_empty() && output.status.code() != Some(2), "{command}");
    }
}
