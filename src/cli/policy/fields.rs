//! Questions as JSON: strict about their fields, with every policy cut out as it stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::names::shortened;
use crate::policy::Policy;

/// The fields of a JSON object, each of them known.
///
/// A field that nobody knows is refused: a boundary that is spelled wrongly would be no boundary.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: String,
    entries: Vec<(String, &'a RawValue)>,
}

/// A question with its name, which is there even where the question is not understood.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The `id`, if it was found.
    pub(super) id: Option<&'a RawValue>,
    /// The fields.
    pub(super) fields: Result<Fields<'a>, String>,
}

impl<'a> Question<'a> {
    /// Takes a question apart. `known` are the fields that it may have beside its `id`.
    pub(super) fn read(text: &'a str, known: &[&str]) -> Self {
        let mut entries = Vec::new();
        let read = collect(text, &mut entries).map_err(|error| not_json(text, &error));
        let mut ids = entries.iter().filter(|(key, _)| key == "id").map(|(_, value)| *value);
        // Of two names neither is the right one.
        let id = ids.next().filter(|_| ids.next().is_none());
        let known: Vec<&str> = std::iter::once("id").chain(known.iter().copied()).collect();
        let fields = read.and_then(|()| Fields { place: String::new(), entries }.checked(&known));
        Self { id, fields }
    }
}

impl<'a> Fields<'a> {
    /// The fields of an object at that place of a question.
    pub(super) fn of(raw: &'a RawValue, place: &str, known: &[&str]) -> Result<Self, String> {
        Self::any(raw, place)?.checked(known)
    }

    /// The fields of an object that may have any.
    pub(super) fn any(raw: &'a RawValue, place: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        if kind(raw) != Kind::Object {
            return Err(format!("`{place}`: it must be an object, not {}", kind(raw).words()));
        }
        // It was read as JSON before, so only an escape in a name can be wrong.
        collect(raw.get(), &mut entries).map_err(|error| format!("`{place}`: it is not valid JSON: {error}"))?;
        Self { place: place.to_owned(), entries }.single()
    }

    fn checked(self, known: &[&str]) -> Result<Self, String> {
        let fields = self.single()?;
        match fields.entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(fields),
            Some((name, _)) => Err(format!("`{}` is not a field: it must be {}", fields.path(name), either(known))),
        }
    }

    fn single(self) -> Result<Self, String> {
        let mut names: Vec<&str> = self.entries.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.array_windows().find(|[a, b]| a == b) {
            Some([name, _]) => Err(format!("`{}` stands twice: leave one out", self.path(name))),
            None => Ok(self),
        }
    }

    /// The way to a field.
    pub(super) fn path(&self, name: &str) -> String {
        let dot = if self.place.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.place, shortened(name))
    }

    /// The value of a field; `null` is the same as none.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.entries.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
        found.filter(|value| kind(value) != Kind::Null)
    }

    /// The value of a field that must be there.
    pub(super) fn need(&self, name: &str, what: &str) -> Result<&'a RawValue, String> {
        self.get(name).ok_or_else(|| format!("`{}` must be there: {what}", self.path(name)))
    }

    /// Every field in its order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// What a JSON value is.
pub(super) fn kind(raw: &RawValue) -> Kind {
    match raw.get().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::List,
        Some(b'"') => Kind::Text,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

/// A text that is not empty.
pub(super) fn text(raw: &RawValue, place: &str) -> Result<String, String> {
    match kind(raw) {
        Kind::Text => match unescaped(raw, place)? {
            empty if empty.is_empty() => Err(format!("`{place}`: it must not be empty")),
            text => Ok(text),
        },
        other => Err(format!("`{place}`: it must be a text, not {}", other.words())),
    }
}

/// A text, or a number or a boolean as it is written.
pub(super) fn scalar(raw: &RawValue, place: &str) -> Result<String, String> {
    match kind(raw) {
        Kind::Text => unescaped(raw, place),
        Kind::Number | Kind::Bool => Ok(raw.get().to_owned()),
        other => Err(format!("`{place}`: it must be a text, a number or a boolean, not {}", other.words())),
    }
}

/// The items of a list.
pub(super) fn items<'a>(raw: &'a RawValue, place: &str, of: &str) -> Result<Vec<&'a RawValue>, String> {
    match kind(raw) {
        Kind::List => serde_json::from_str(raw.get()).map_err(|error| format!("`{place}`: {error}")),
        other => Err(format!("`{place}`: it must be a list of {of}, not {}", other.words())),
    }
}

/// A policy, which may stand as an object or as a text that holds one.
pub(super) fn policy(raw: &RawValue, place: &str) -> Result<Policy, String> {
    let read = |text: &str| Policy::read(text).map_err(|error| format!("`{place}`: {error}"));
    match kind(raw) {
        Kind::Object => read(raw.get()),
        Kind::Text => read(&unescaped(raw, place)?),
        other => Err(format!("`{place}`: it must be a policy, as an object or as a text, not {}", other.words())),
    }
}

fn unescaped(raw: &RawValue, place: &str) -> Result<String, String> {
    let broken = |_| format!("`{place}`: it has an escape that stands for no character");
    serde_json::from_str(raw.get()).map_err(broken)
}

/// Collects the entries of an object. What was read before an error stays.
fn collect<'a>(text: &'a str, entries: &mut Vec<(String, &'a RawValue)>) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Entries(entries).deserialize(&mut reader)?;
    reader.end()
}

fn not_json(text: &str, error: &serde_json::Error) -> String {
    if let Ok(whole) = serde_json::from_str::<&RawValue>(text)
        && kind(whole) != Kind::Object
    {
        return format!("a question must be an object, not {}", kind(whole).words());
    }
    let whole = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    // In a batch the number of the line would be that of another line.
    let place = if error.line() == 1 { format!(" at column {}", error.column()) } else { at.clone() };
    format!("the question is not valid JSON: {}{place}", whole.strip_suffix(&at).unwrap_or(&whole))
}

/// Names for a message: `a`, `b` or `c`.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

struct Entries<'v, 'a>(&'v mut Vec<(String, &'a RawValue)>);

impl<'a> DeserializeSeed<'a> for Entries<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Entries<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.0.push((key, map.next_value::<&'a RawValue>().map_err(A::Error::custom)?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (Option<&str>, String) {
        let question = Question::read(text, &["old", "new"]);
        (question.id.map(RawValue::get), question.fields.err().unwrap_or_default())
    }

    #[test]
    fn a_question_that_is_refused_keeps_its_name() {
        let fields = "it must be `id`, `old` or `new`";
        let cases = [
            (r#"{"id":7,"odl":{}}"#, Some("7"), format!("`odl` is not a field: {fields}")),
            (r#"{"id":{"a":[1, 2]},"":1}"#, Some(r#"{"a":[1, 2]}"#), format!("`` is not a field: {fields}")),
            (r#"{"id":7,"old":1,"old":2}"#, Some("7"), "`old` stands twice: leave one out".into()),
            (r#"{"id":7,"old":1,"\u006fld":2}"#, Some("7"), "`old` stands twice: leave one out".into()),
            (r#"{"id":7,"id":8}"#, None, "`id` stands twice: leave one out".into()),
            (
                r#"{"id":7,"old":{"#,
                Some("7"),
                "the question is not valid JSON: EOF while parsing an object at column 15".into(),
            ),
            (r#"{"id":7} x"#, Some("7"), "the question is not valid JSON: trailing characters at column 10".into()),
            (
                "{\"id\":7,\n\"old\" 1}",
                Some("7"),
                "the question is not valid JSON: expected `:` at line 2 column 7".into(),
            ),
            ("[]", None, "a question must be an object, not a list".into()),
            ("7", None, "a question must be an object, not a number".into()),
            ("nonsense", None, "the question is not valid JSON: expected ident at column 2".into()),
        ];
        for (text, id, message) in cases {
            assert_eq!(refusal(text), (id, message), "{text}");
        }
    }

    #[test]
    fn policies_may_be_objects_and_texts() {
        let text = r#"{"Statement":[]}"#;
        let as_text = serde_json::to_string(text).unwrap();
        let read = |json: &str| {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            policy(raw, "old")
        };
        assert_eq!(read(text).unwrap(), read(&as_text).unwrap());
        let cases = [
            ("[]", "`old`: it must be a policy, as an object or as a text, not a list"),
            ("null", "`old`: it must be a policy, as an object or as a text, not null"),
            ("{}", "`old`: the policy cannot be read at `Statement`: it must be there"),
            (r#""{""#, "`old`: the policy is not valid JSON: EOF while parsing an object at line 1 column 1"),
            (r#""\ud800""#, "`old`: it has an escape that stands for no character"),
        ];
        for (json, message) in cases {
            assert_eq!(read(json).unwrap_err(), message);
        }
    }

    #[test]
    fn no_depth_is_too_deep() {
        let deep = format!(r#"{{"id":{}{},"old":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let question = Question::read(&deep, &["old"]);
        assert!(question.id.is_some());
        assert!(question.fields.is_ok());
    }
}
