//! From a line of a batch to the line that answers it.

use std::io::BufReader;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::Exit;
use super::batch::{self, End, LONGEST_LINE, Line, Reply};
use super::fields::{Fields, Kind, Question, kind};

/// How much of standard input is read at once.
const BUFFER: usize = 64 * 1024;

/// An answer under the name of its question.
#[derive(Debug, Serialize)]
pub(super) struct Answered<'a, A> {
    /// As it was given; `null` where none was.
    pub(super) id: Option<&'a RawValue>,
    /// The rest.
    #[serde(flatten)]
    pub(super) answer: A,
}

#[derive(Debug, Serialize)]
struct Refused<'a> {
    id: Option<&'a RawValue>,
    /// Where no name tells which line it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    error: &'a str,
}

/// Answers the questions on standard input, all cores at work.
///
/// That is fine if every line could be answered, whatever the answers say.
pub(super) fn all<A: Serialize>(
    known: &[&str],
    ask: impl Fn(&Fields<'_>) -> Result<A, String> + Sync,
) -> Result<Exit, String> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let input = BufReader::with_capacity(BUFFER, std::io::stdin());
    match batch::run(input, std::io::stdout(), threads, |line| reply(line, known, &ask))? {
        End::Answered => Ok(Exit::Fine),
        End::Refused => Ok(Exit::Trouble),
    }
}

fn reply<A: Serialize>(line: Line<'_>, known: &[&str], ask: impl Fn(&Fields<'_>) -> Result<A, String>) -> Reply {
    let (text, broken) = match std::str::from_utf8(line.bytes) {
        Ok(text) => (text, None),
        // What stands before may hold the name.
        Err(error) => {
            let valid = line.bytes.get(..error.valid_up_to()).unwrap_or_default();
            let problem = format!("the line is not UTF-8 at byte {}", error.valid_up_to() + 1);
            (std::str::from_utf8(valid).unwrap_or_default(), Some(problem))
        }
    };
    let too_long = || format!("the line has more than {} MB: split the question", LONGEST_LINE / 1024 / 1024);
    let Question { id, fields } = Question::read(text, known);
    let answer = match (line.too_long.then(too_long).or(broken), fields) {
        (Some(problem), _) | (None, Err(problem)) => Err(problem),
        // The room of the engine never panics. If it did, one question must not cost all others.
        (None, Ok(fields)) => catch_unwind(AssertUnwindSafe(|| ask(&fields)))
            .unwrap_or_else(|_| Err("the engine failed on this question: please report it".to_owned())),
    };
    let written = answer.and_then(|answer| {
        serde_json::to_string(&Answered { id, answer }).map_err(|error| format!("the answer is no JSON: {error}"))
    });
    written.map_or_else(|error| refusal(id, line.number, &error), |text| Reply { text, refused: false })
}

fn refusal(id: Option<&RawValue>, number: usize, error: &str) -> Reply {
    let id = id.filter(|id| kind(id) != Kind::Null);
    let line = if id.is_none() { Some(number) } else { None };
    // Only texts and what was read as JSON are in it.
    let text = serde_json::to_string(&Refused { id, line, error }).unwrap_or_default();
    Reply { text, refused: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answered(bytes: &[u8], too_long: bool) -> (String, bool) {
        let ask = |fields: &Fields<'_>| {
            let old = fields.need("old", "a number")?.get();
            Ok(std::collections::BTreeMap::from([("twice", format!("{old}{old}"))]))
        };
        let reply = reply(Line { number: 17, bytes, too_long }, &["old"], ask);
        (reply.text, reply.refused)
    }

    #[test]
    fn a_question_is_answered_under_its_name_whatever_that_is() {
        for (id, echoed) in [("1", "1"), ("\"a\\u0062\"", "\"a\\u0062\""), ("1e400", "1e400"), ("null", "null")] {
            let line = format!(r#" {{"old":1, "id" : {id} }} "#);
            assert_eq!(answered(line.as_bytes(), false), (format!(r#"{{"id":{echoed},"twice":"11"}}"#), false));
        }
        assert_eq!(answered(br#"{"id":{"a": [1,  2.0]},"old":1}"#, false).0, r#"{"id":{"a": [1,  2.0]},"twice":"11"}"#);
        assert_eq!(answered(br#"{"old":1}"#, false), (r#"{"id":null,"twice":"11"}"#.to_owned(), false));
    }

    #[test]
    fn a_question_on_which_the_engine_fails_is_refused_under_its_name() {
        let failing = |_: &Fields<'_>| -> Result<(), String> { panic!("on purpose") };
        let reply = reply(Line { number: 1, bytes: br#"{"id":5}"#, too_long: false }, &[], failing);
        let text = r#"{"id":5,"error":"the engine failed on this question: please report it"}"#;
        assert_eq!(reply, Reply { text: text.to_owned(), refused: true });
    }

    #[test]
    fn a_refused_line_is_named_by_its_name_or_else_by_its_number() {
        let cases: [(&[u8], bool, &str); 6] = [
            (br#"{"id":"a"}"#, false, r#"{"id":"a","error":"`old` must be there: a number"}"#),
            (br#"{"id":null}"#, false, r#"{"id":null,"line":17,"error":"`old` must be there: a number"}"#),
            (br#"{"old":null}"#, false, r#"{"id":null,"line":17,"error":"`old` must be there: a number"}"#),
            (b"{\"id\":3,\"old\":\"\xff\"}", false, r#"{"id":3,"error":"the line is not UTF-8 at byte 16"}"#),
            (br#"{"id":4,"old":"xx"#, true, r#"{"id":4,"error":"the line has more than 4 MB: split the question"}"#),
            (
                b"\x00",
                false,
                r#"{"id":null,"line":17,"error":"the question is not valid JSON: expected value at column 1"}"#,
            ),
        ];
        for (line, too_long, answer) in cases {
            assert_eq!(answered(line, too_long), (answer.to_owned(), true));
        }
    }

    proptest! {
        /// Bytes that look like a question, and then do not.
        #[test]
        fn whatever_the_line_its_answer_is_one_line_of_json(
            begin in prop::sample::select(vec!["", "{", r#"{"id":"#, r#"{"id":1,"#, r#"{"id":"a","old":"#]),
            rest in prop::collection::vec(any::<u8>(), 0..40),
            end in prop::sample::select(vec!["", "}", "\"}", "]}", "1}"]),
            too_long: bool,
        ) {
            let bytes = [begin.as_bytes(), &rest, end.as_bytes()].concat();
            let (text, refused) = answered(&bytes, too_long);
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert!(!text.contains('\n') || bytes.contains(&b'\n'));
            prop_assert_eq!(answer["error"].is_string(), refused);
            prop_assert!(!refused || answer["id"].is_null() == answer["line"].is_u64());
        }
    }
}
