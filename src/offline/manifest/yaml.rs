//! From YAML, of which JSON is a part, to values with their places.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScanError, Span, StructureStyle};

use super::chunks::Chunk;
use super::node::{Entry, Fields, Key, Node, Range, What};
use super::scalar;
use crate::policy::Position;

/// More values than any object that the API server takes has.
const VALUES: usize = 1_000_000;
/// More levels than any kind has.
const LEVELS: usize = 200;
/// Fields from which on a mapping is searched by an index.
const MANY: usize = 16;

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub range: Range,
    pub message: String,
}

/// Reads one document. Nothing in it is `None`.
pub(super) fn read(chunk: Chunk<'_>) -> Result<Option<Node>, Unreadable> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder { chunk, stack: Vec::new(), anchors: HashMap::new(), values: 0, top: None };
    for event in Parser::new_from_str_with_options(chunk.text, options) {
        let (event, span) = event.map_err(|error| builder.scan_error(&error))?;
        builder.take(&event, span)?;
    }
    Ok(builder.top)
}

struct Builder<'a> {
    chunk: Chunk<'a>,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// How many values were read or copied.
    values: usize,
    top: Option<Node>,
}

/// A list or mapping that has begun.
struct Open {
    begin: Position,
    anchor: usize,
    flow: bool,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map(Building, Option<Before>),
}

/// What stands before the colon.
enum Before {
    Key(Key),
    Merge(Range),
}

impl Builder<'_> {
    fn place(&self, marker: &Marker) -> Position {
        let begin = self.chunk.begin;
        match marker.line() {
            0 | 1 => Position { line: begin.line, column: begin.column + marker.col() },
            line => Position { line: begin.line + line - 1, column: marker.col() + 1 },
        }
    }

    fn range(&self, span: &Span) -> Range {
        Range { begin: self.place(&span.start), end: self.place(&span.end) }
    }

    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), Unreadable> {
        let range = self.range(&span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let what = scalar::resolve(text, *style, tag.as_deref());
                let what = what.map_err(|message| Unreadable { range, message })?;
                let merges = text.as_ref() == scalar::MERGE
                    && match tag {
                        None => matches!(style, granit_parser::ScalarStyle::Plain),
                        Some(tag) => tag.suffix_in_namespace(scalar::YAML).as_deref() == Some("merge"),
                    };
                self.done(Node { what, range }, *anchor, merges)
            }
            Event::SequenceStart(style, anchor, _) => self.open(range, *anchor, *style, Inside::List(Vec::new())),
            Event::MappingStart(style, anchor, _) => {
                self.open(range, *anchor, *style, Inside::Map(Building::default(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Alias(id) => self.alias(*id, range),
            Event::DocumentStart(..) if self.top.is_some() => Err(Unreadable {
                range,
                message: "must be set apart with a line `---`: `kubectl` passes over what follows a line `...`"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn open(&mut self, range: Range, anchor: usize, style: StructureStyle, inside: Inside) -> Result<(), Unreadable> {
        if self.stack.len() >= LEVELS {
            return Err(too_deep(range));
        }
        let flow = matches!(style, StructureStyle::Flow);
        self.stack.push(Open { begin: range.begin, anchor, flow, inside });
        Ok(())
    }

    fn close(&mut self, end: Position) -> Result<(), Unreadable> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let (what, last) = match open.inside {
            Inside::List(items) => {
                let last = items.last().map(|item| item.range.end);
                (What::List(items), last)
            }
            Inside::Map(building, _) => {
                let fields = building.fields;
                let written = fields.entries.iter().filter(|entry| !entry.merged);
                let last = written.map(|entry| entry.value.range.end.max(entry.key.range.end)).max();
                (What::Map(fields), last)
            }
        };
        // Without brackets a collection ends with its last value, not with the comments behind it.
        let end = if open.flow { end } else { last.unwrap_or(open.begin) };
        let range = Range { begin: open.begin, end: end.max(open.begin) };
        self.done(Node { what, range }, open.anchor, false)
    }

    fn alias(&mut self, id: usize, range: Range) -> Result<(), Unreadable> {
        let Some(node) = self.anchors.get(&id) else {
            let message = "must not stand within what it stands for: an anchor cannot contain itself";
            return Err(Unreadable { range, message: message.to_owned() });
        };
        self.values += node.size();
        self.few_enough(range)?;
        let Some(node) = self.anchors.get(&id) else { return Ok(()) };
        if self.stack.len() + node.depth() > LEVELS {
            return Err(too_deep(range));
        }
        let node = Node { range, what: node.what.clone() };
        self.done(node, 0, false)
    }

    fn few_enough(&self, range: Range) -> Result<(), Unreadable> {
        if self.values <= VALUES {
            return Ok(());
        }
        let message = format!("must be smaller: it has more than {VALUES} values, counting what aliases repeat");
        Err(Unreadable { range, message })
    }

    /// A value is complete: it goes to what stands around it.
    fn done(&mut self, node: Node, anchor: usize, merges: bool) -> Result<(), Unreadable> {
        self.values += 1;
        if anchor > 0 {
            self.values += node.size();
        }
        self.few_enough(node.range)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.top.get_or_insert(node);
            return Ok(());
        };
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map(building, before) => match before.take() {
                None if merges => *before = Some(Before::Merge(node.range)),
                None => {
                    let range = node.range;
                    let text = scalar::key(&node.what);
                    let text = text.map_err(|message| Unreadable { range, message: message.to_owned() })?;
                    *before = Some(Before::Key(Key { text, range }));
                }
                Some(Before::Key(key)) => building.set(key, node, true),
                Some(Before::Merge(range)) => building.merge(range, node)?,
            },
        }
        Ok(())
    }

    fn scan_error(&self, error: &ScanError) -> Unreadable {
        let place = self.place(error.marker());
        let indent = |line: usize| {
            let line = self.chunk.text.lines().nth(line.checked_sub(self.chunk.begin.line)?)?;
            let width = line.find(|c: char| c != ' ' && c != '\t')?;
            line[..width].chars().position(|c| c == '\t')
        };
        for line in [place.line, place.line.saturating_sub(1)] {
            if let Some(column) = indent(line) {
                let begin = Position { line, column: column + 1 };
                let range = Range { begin, end: Position { line, column: column + 2 } };
                let message = "must be indented with spaces: YAML takes no tab there".to_owned();
                return Unreadable { range, message };
            }
        }
        let message = crate::names::printable(&error.info());
        Unreadable { range: Range { begin: place, end: place }, message: format!("must be YAML: {message}") }
    }
}

fn too_deep(range: Range) -> Unreadable {
    Unreadable { range, message: format!("must be less deep: it has more than {LEVELS} levels") }
}

/// A mapping while it is read.
#[derive(Default)]
struct Building {
    fields: Fields,
    /// Of a mapping with many fields, which key is where.
    index: HashMap<String, usize>,
}

impl Building {
    /// Sets a field; the last value of a key is the one that counts.
    fn set(&mut self, key: Key, value: Node, written: bool) {
        let entries = &mut self.fields.entries;
        let at = if entries.len() < MANY {
            entries.iter().position(|entry| entry.key.text == key.text)
        } else {
            if self.index.is_empty() {
                self.index = entries.iter().enumerate().map(|(at, entry)| (entry.key.text.clone(), at)).collect();
            }
            self.index.get(&key.text).copied()
        };
        match at.and_then(|at| entries.get_mut(at)) {
            None => {
                if !self.index.is_empty() {
                    self.index.insert(key.text.clone(), entries.len());
                }
                entries.push(Entry { key, value, merged: !written });
            }
            Some(entry) => {
                if written && !entry.merged {
                    self.fields.twice.push((key.clone(), entry.key.range.begin));
                }
                *entry = Entry { key, value, merged: !written };
            }
        }
    }

    /// Takes the fields of another mapping over, or of several, of which the first wins.
    fn merge(&mut self, range: Range, node: Node) -> Result<(), Unreadable> {
        let maps = match node.what {
            What::List(items) => items,
            what => vec![Node { what, ..node }],
        };
        for map in maps.into_iter().rev() {
            let What::Map(fields) = map.what else {
                let message = "must take over a mapping or a list of mappings: `<<` stands for nothing else";
                return Err(Unreadable { range, message: message.to_owned() });
            };
            for entry in fields.entries {
                self.set(entry.key, entry.value, false);
            }
        }
        Ok(())
    }
}
