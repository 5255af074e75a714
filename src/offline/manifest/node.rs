//! What a text holds, with the place of every key and value.

use serde_json::{Map, Number, Value};

use crate::policy::Position;

/// From the first character to behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub begin: Position,
    pub end: Position,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub what: What,
    pub range: Range,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Nothing: `null`, `~`, or no value behind a key.
    Null,
    /// A boolean, and how it is written: `on` is one too.
    Bool(bool, Box<str>),
    /// A number, and how it is written: `0777` is 511.
    Number(Number, Box<str>),
    Text(String),
    List(Vec<Node>),
    Map(Fields),
}

/// The fields of a mapping, each once, in the order in which they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub entries: Vec<Entry>,
    /// Keys that were there already, and where they stood first.
    pub twice: Vec<(Key, Position)>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: Key,
    pub value: Node,
    /// Whether it was taken over from another mapping with `<<`.
    pub merged: bool,
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub text: String,
    pub range: Range,
}

/// A step on the way to a value: the key that leads to it, if one does.
pub(super) type Found<'a> = (Option<&'a Key>, &'a Node);

impl Range {
    /// A place without extent.
    pub(super) fn at(line: usize, column: usize) -> Self {
        let place = Position { line, column };
        Self { begin: place, end: place }
    }
}

impl Fields {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }
}

impl Node {
    pub(super) fn fields(&self) -> Option<&Fields> {
        match &self.what {
            What::Map(fields) => Some(fields),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.what {
            What::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.what, What::Null)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.fields()?.entry(key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// How many values it is made of.
    pub(super) fn size(&self) -> usize {
        1 + match &self.what {
            What::List(items) => items.iter().map(Self::size).sum(),
            What::Map(fields) => fields.entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }

    /// How many levels it has.
    pub(super) fn depth(&self) -> usize {
        1 + match &self.what {
            What::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            What::Map(fields) => fields.entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The value alone.
    pub(super) fn value(&self) -> Value {
        match &self.what {
            What::Null => Value::Null,
            What::Bool(value, _) => Value::Bool(*value),
            What::Number(value, _) => Value::Number(value.clone()),
            What::Text(value) => Value::String(value.clone()),
            What::List(items) => items.iter().map(Self::value).collect(),
            What::Map(fields) => {
                let pairs = fields.entries.iter().map(|entry| (entry.key.text.clone(), entry.value.value()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// What to point at: the value, or of one that goes over several lines its key, or of one
    /// without a key its first line.
    pub(super) fn mark(&self, key: Option<&Key>) -> Range {
        let range = self.range;
        if range.begin.line == range.end.line && range.begin != range.end {
            return range;
        }
        if let Some(key) = key {
            return key.range;
        }
        match &self.what {
            What::Map(fields) => fields.entries.first().map_or(range, |entry| {
                let value = entry.value.range;
                let end = if value.end.line == entry.key.range.begin.line { value.end } else { entry.key.range.end };
                Range { begin: range.begin, end: end.max(entry.key.range.end) }
            }),
            What::List(items) => items.first().map_or(range, |item| Range { begin: range.begin, ..item.mark(None) }),
            _ => range,
        }
    }

    /// The value at a way such as `spec.scopes[0].actions[2]`, or the nearest around it that is
    /// written. A key may have dots in it: the longest that is there is taken.
    pub(super) fn find(&self, way: &str) -> Found<'_> {
        let (mut key, mut node, mut rest) = (None, self, way);
        loop {
            let next = match &node.what {
                What::Map(fields) => field(fields, rest),
                What::List(items) => item(items, rest),
                _ => None,
            };
            let Some((step, value, behind)) = next else { return (key, node) };
            (key, node, rest) = (step, value, behind);
        }
    }
}

type Step<'a, 'b> = Option<(Option<&'a Key>, &'a Node, &'b str)>;

fn field<'a, 'b>(fields: &'a Fields, way: &'b str) -> Step<'a, 'b> {
    let plain = way.strip_prefix('.').unwrap_or(way);
    let bracketed = way.strip_prefix('[');
    let fits = |entry: &'a Entry| {
        let behind = match bracketed {
            Some(inside) => inside.strip_prefix(entry.key.text.as_str())?.strip_prefix(']')?,
            None => plain.strip_prefix(entry.key.text.as_str())?,
        };
        let whole = !entry.key.text.is_empty() && (behind.is_empty() || behind.starts_with(['.', '[']));
        whole.then_some((Some(&entry.key), &entry.value, behind))
    };
    fields.entries.iter().filter_map(fits).min_by_key(|(_, _, behind)| behind.len())
}

fn item<'a, 'b>(items: &'a [Node], way: &'b str) -> Step<'a, 'b> {
    let (index, behind) = way.strip_prefix('[')?.split_once(']')?;
    Some((None, items.get(index.parse::<usize>().ok()?)?, behind))
}

/// Takes the entries of an object that is a list of objects.
pub(super) fn take_items(node: &mut Node) -> Option<Vec<Node>> {
    let What::Map(fields) = &mut node.what else { return None };
    let entry = fields.entries.iter_mut().find(|entry| entry.key.text == "items")?;
    match &mut entry.value.what {
        What::List(items) => Some(std::mem::take(items)),
        _ => None,
    }
}
