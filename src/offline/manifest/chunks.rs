//! Where one object ends and the next begins, as `kubectl` sees it: JSON one
//! behind the other, or YAML with lines of `---` between.

use serde::de::IgnoredAny;

use super::node::Range;
use crate::policy::Position;

/// A part of a text, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub text: &'a str,
    pub begin: Position,
}

/// Parts of a text, and what is wrong between them.
#[derive(Debug, Default)]
pub(super) struct Chunks<'a> {
    pub parts: Vec<Chunk<'a>>,
    pub wrong: Vec<(Range, String)>,
    /// Why a text that begins like JSON is none.
    pub not_json: Option<(Range, String)>,
}

/// Takes a text apart.
pub(super) fn split(text: &str) -> Chunks<'_> {
    let mut chunks = Chunks::default();
    if text.trim_start().starts_with('{') {
        match json(text) {
            Ok(values) => return Chunks { parts: values, ..chunks },
            Err(error) => {
                let place = Range::at(error.line().max(1), error.column().max(1));
                let message = error.to_string();
                let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
                chunks.not_json = Some((place, format!("must be JSON: {message}")));
            }
        }
    }
    chunks.wrong.extend(strange_breaks(text));
    yaml(text, &mut chunks);
    chunks
}

/// The first sign of those that end a line to `kubectl`, as in YAML 1.1, and to others do not: what
/// stands behind it could be a comment here and an order there.
fn strange_breaks(text: &str) -> Option<(Range, String)> {
    let breaks = ['\u{85}', '\u{2028}', '\u{2029}'];
    let at = text.find(breaks)?;
    let (before, rest) = text.split_at_checked(at)?;
    let sign = u32::from(rest.chars().next()?);
    let message = format!(
        "must not hold the sign U+{sign:04X}: `kubectl` takes it for the end of a line, and others do not; leave it away, or write it as \\u{sign:04x} in double quotes"
    );
    let place = behind(Position { line: 1, column: 1 }, before);
    Some((Range::at(place.line, place.column), message))
}

fn json(text: &str) -> Result<Vec<Chunk<'_>>, serde_json::Error> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut chunks, mut begin, mut place) = (Vec::new(), 0, Position { line: 1, column: 1 });
    while let Some(value) = stream.next() {
        value?;
        let end = stream.byte_offset();
        let part = text.get(begin..end).unwrap_or_default();
        chunks.push(Chunk { text: part, begin: place });
        place = behind(place, part);
        begin = end;
    }
    Ok(chunks)
}

/// The place behind a text that begins at a place.
fn behind(begin: Position, text: &str) -> Position {
    match text.rsplit_once('\n') {
        None => Position { column: begin.column + text.chars().count(), ..begin },
        Some((before, last)) => Position {
            line: begin.line + before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: last.chars().count() + 1,
        },
    }
}

fn yaml<'a>(text: &'a str, chunks: &mut Chunks<'a>) {
    let (mut begin, mut at, mut first) = (0, 0, 1);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if let Some(rest) = line.strip_prefix("---") {
            chunks.push(text, begin..at, first);
            (begin, first) = (at + line.len(), number + 1);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let end = line.trim_end().chars().count() + 1;
                let range =
                    Range { begin: Position { line: number, column: 1 }, end: Position { line: number, column: end } };
                let message = "must stand alone on its line: `kubectl` takes nothing but a comment behind `---`";
                chunks.wrong.push((range, message.to_owned()));
            }
        }
        at += line.len();
    }
    chunks.push(text, begin..at, first);
}

impl<'a> Chunks<'a> {
    fn push(&mut self, text: &'a str, range: std::ops::Range<usize>, line: usize) {
        if let Some(text) = text.get(range).filter(|text| !text.trim().is_empty()) {
            self.parts.push(Chunk { text, begin: Position { line, column: 1 } });
        }
    }
}
