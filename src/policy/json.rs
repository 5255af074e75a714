//! JSON as policies need it: strict about doubled keys, with the place of every
//! value, read only as deep as somebody asks; and written in one way only.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// A JSON value within a text that is known to be valid JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    text: &'a str,
    offset: usize,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Map,
}

impl Kind {
    /// What it is, for a message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "an object",
        }
    }
}

/// Why an object cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is something else.
    Other(Kind),
    /// A key that stands in it twice.
    Doubled(String),
    /// A string with an escape that stands for no character.
    Text,
}

impl<'a> Node<'a> {
    /// Checks that a text is JSON.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let raw: &'a RawValue = serde_json::from_str(text)?;
        Ok(Self::of(raw, text, 0))
    }

    /// A value within a text which begins at `offset` of the document.
    fn of(raw: &'a RawValue, text: &'a str, offset: usize) -> Self {
        // The value is a piece of the text, so the distance of their beginnings is its place.
        let within = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Self { text: raw.get(), offset: offset + within }
    }

    /// The byte of the document at which it begins.
    pub(super) fn offset(self) -> usize {
        self.offset
    }

    /// Its JSON text.
    pub(super) fn raw(self) -> &'a str {
        self.text
    }

    pub(super) fn kind(self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'{') => Kind::Map,
            Some(b'[') => Kind::List,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The string that it is.
    pub(super) fn text(self) -> Result<String, Broken> {
        match self.kind() {
            Kind::Text => serde_json::from_str(self.text).map_err(|_| Broken::Text),
            other => Err(Broken::Other(other)),
        }
    }

    /// The items of a list; nothing if it is none.
    pub(super) fn items(self) -> Option<Result<Vec<Self>, Broken>> {
        if self.kind() != Kind::List {
            return None;
        }
        let items: Result<Vec<&'a RawValue>, _> = serde_json::from_str(self.text);
        let place = |items: Vec<&'a RawValue>| {
            items.into_iter().map(|item| Self::of(item, self.text, self.offset)).collect::<Vec<_>>()
        };
        Some(items.map(place).map_err(|_| Broken::Text))
    }

    /// The entries of an object in their order.
    pub(super) fn entries(self) -> Result<Vec<(String, Self)>, Broken> {
        if self.kind() != Kind::Map {
            return Err(Broken::Other(self.kind()));
        }
        let entries: Entries<'a> = serde_json::from_str(self.text).map_err(|_| Broken::Text)?;
        if let Some(key) = entries.doubled() {
            return Err(Broken::Doubled(key));
        }
        let place = |(key, value)| (key, Self::of(value, self.text, self.offset));
        Ok(entries.0.into_iter().map(place).collect())
    }
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl Entries<'_> {
    fn doubled(&self) -> Option<String> {
        let mut keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some((*a).to_owned()),
            _ => None,
        })
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.push((key, map.next_value::<&'de RawValue>().map_err(A::Error::custom)?));
        }
        Ok(Entries(entries))
    }
}

/// Writes a string literal.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Writes a list of strings; one alone stands without brackets.
pub(super) fn write_texts(out: &mut String, texts: &[String]) {
    if let [only] = texts {
        return write_text(out, only);
    }
    out.push('[');
    write_separated(out, texts, |out, text| write_text(out, text));
    out.push(']');
}

/// Writes things with commas between them.
pub(super) fn write_separated<T>(
    out: &mut String,
    things: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, thing) in things.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, thing);
    }
}
