//! Values of a test, read strictly, with the place of each mistake.

use serde_json::{Map, Value};

use super::super::finding::Spot;
use super::super::manifest::Manifest;
use super::Mistake;
use crate::names::{printable, shortened};
use crate::policy::catalogue::nearest;

/// Reads the fields of one object in a file, and collects what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) mistakes: Vec<Mistake>,
}

/// An object of known fields, with the way to it.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    pub(super) path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The value of a field; `null` is the same as none.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// The way to a field.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Every field.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.map.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Reader<'_> {
    /// Notes a mistake at a field.
    pub(super) fn wrong(&mut self, path: &str, message: impl AsRef<str>) {
        self.note(path, self.manifest.spot_of(path), message.as_ref());
    }

    fn note(&mut self, path: &str, spot: Spot, message: &str) {
        let message =
            if path.is_empty() { message.to_owned() } else { format!("`{}`: {message}", shortened(&printable(path))) };
        self.mistakes.push(Mistake { spot, message });
    }

    /// An object that has no fields but these; `what` is it with its article.
    pub(super) fn object<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'v>> {
        let fields = self.open(path, value, what)?;
        for (name, _) in fields.iter().filter(|(name, _)| !known.contains(name)) {
            let meant = nearest(name, known.iter().copied());
            let hint = match meant.first() {
                Some(first) => format!("did you mean `{first}`?"),
                None => format!("it has {}", list(known)),
            };
            let path = fields.at(name);
            let spot = self.manifest.spot_of_key(&path);
            self.note(&path, spot, &format!("it is not a field of {what}; {hint}"));
        }
        Some(fields)
    }

    /// An object of whatever fields.
    pub(super) fn open<'v>(&mut self, path: &str, value: &'v Value, what: &str) -> Option<Fields<'v>> {
        if let Some(map) = value.as_object() {
            return Some(Fields { path: path.to_owned(), map });
        }
        self.wrong(path, format!("{what} must be an object with fields, not {}", kind(value)));
        None
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, path: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) if !text.is_empty() => return Some(text.clone()),
            Value::String(_) => self.wrong(path, "it must not be empty"),
            other => self.wrong(path, format!("it must be a text, not {}", kind(other))),
        }
        None
    }

    /// The items of a list that is not empty, each with the way to it.
    pub(super) fn items<'v>(&mut self, path: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
        match value {
            Value::Array(items) if items.is_empty() => self.wrong(path, "it must not be empty: leave it out"),
            Value::Array(items) => {
                return items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect();
            }
            other => self.wrong(path, format!("it must be a list, not {}", kind(other))),
        }
        Vec::new()
    }

    /// A list of texts, each with the way to it.
    pub(super) fn texts(&mut self, path: &str, value: &Value) -> Vec<(String, String)> {
        let items = self.items(path, value);
        items.into_iter().filter_map(|(path, item)| Some((self.text(&path, item)?, path))).map(swap).collect()
    }

    /// What stands under `name` as one text, or under `names` as several; both at once are a mistake.
    pub(super) fn one_or_several(&mut self, fields: &Fields<'_>, name: &str, names: &str) -> Vec<(String, String)> {
        let (path, paths) = (fields.at(name), fields.at(names));
        match (fields.get(name), fields.get(names)) {
            (Some(_), Some(_)) => {
                self.wrong(&paths, format!("set either `{name}` or `{names}`, not both"));
                Vec::new()
            }
            (Some(Value::Array(_)), None) => {
                self.wrong(&path, format!("it must be one text: several go into `{names}`"));
                Vec::new()
            }
            (Some(value), None) => self.text(&path, value).map(|text| (path, text)).into_iter().collect(),
            (None, Some(Value::String(_))) => {
                self.wrong(&paths, format!("it must be a list: one alone goes into `{name}`"));
                Vec::new()
            }
            (None, Some(value)) => self.texts(&paths, value),
            (None, None) => Vec::new(),
        }
    }
}

fn swap((left, right): (String, String)) -> (String, String) {
    (right, left)
}

/// What a value is, for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names for a message: `a`, `b` and `c`.
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before @ [_, ..])) => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}
