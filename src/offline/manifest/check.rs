//! Whether a value has the shape that a schema demands: what the API server looks
//! at before it asks the rules of a kind.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Entry, Fields, Found, Key, Node, What};
use super::report::{Report, Way};
use super::schema::{Bounds, Others, Schema, Shape, Unique};
use super::words;
use crate::names::shortened;

/// How closely a value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    Whole,
    /// Only whether there are fields of these names: the value is dropped.
    Names,
    /// As a type of Kubernetes' own is read, to which `null` is nothing.
    Typed,
}

/// Checks a value, and everything in it.
pub(super) fn check(schema: &Schema, found: Found<'_>, way: &mut Way, depth: Depth, report: &mut Report) {
    let node = found.1;
    if depth == Depth::Typed && node.is_null() {
        return;
    }
    match &node.what {
        What::Map(fields) if depth == Depth::Names || matches!(schema.shape, Shape::Fields | Shape::Any) => {
            mapping(schema, fields, found, way, depth, report);
        }
        What::List(items) if depth == Depth::Names || matches!(schema.shape, Shape::List | Shape::Any) => {
            list(schema, items, found, way, depth, report);
        }
        _ if depth == Depth::Names => {}
        _ if !fits(schema.shape, &node.what) => {
            let message = words::mismatch(schema.shape, node);
            report.block(node.mark(found.0), way.as_str(), message).help = help(schema);
        }
        What::Text(text) => string(schema, text, found, way, report),
        What::Number(number, _) => bounds(schema.size, number.as_f64(), found, way, report),
        _ => {}
    }
}

fn fits(shape: Shape, what: &What) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Text => matches!(what, What::Text(_)),
        Shape::Whole => matches!(what, What::Number(number, _) if !number.is_f64()),
        Shape::Number => matches!(what, What::Number(..)),
        Shape::Boolean => matches!(what, What::Bool(..)),
        Shape::Fields | Shape::List => false,
    }
}

fn help(schema: &Schema) -> Option<String> {
    (!schema.description.is_empty()).then(|| schema.description.clone())
}

fn mapping(schema: &Schema, fields: &Fields, found: Found<'_>, way: &mut Way, depth: Depth, report: &mut Report) {
    for entry in &fields.entries {
        if way.as_str().is_empty() && matches!(entry.key.text.as_str(), "apiVersion" | "kind" | "metadata") {
            continue;
        }
        let Some(inner) = schema.field(&entry.key.text) else {
            if !matches!(schema.others, Others::Any) {
                unknown(schema, entry, way, report);
            }
            continue;
        };
        // A `null` counts as absent.
        if entry.value.is_null() && depth != Depth::Names {
            continue;
        }
        let depth = if inner.dropped { Depth::Names } else { depth };
        way.field(&entry.key.text, |way| check(inner, (Some(&entry.key), &entry.value), way, depth, report));
    }
    if depth == Depth::Whole {
        missing(schema, fields, found, way, report);
        amount(schema.fields, fields.entries.len(), ("field", "fields"), found, way, report);
    }
}

fn unknown(schema: &Schema, entry: &Entry, way: &mut Way, report: &mut Report) {
    let name = &entry.key.text;
    let around = match way.as_str() {
        "" => "an object of this kind".to_owned(),
        way => format!("`{way}`"),
    };
    let known = schema.properties.keys().map(String::as_str);
    let mut message = format!("must not be set: {around} has no field `{}`", shortened(name));
    if let Some(meant) = words::nearest(name, known.clone()) {
        message = format!("{message}; did you mean `{meant}`?");
        report.note_meant(way.as_str(), meant);
    } else if (1..=12).contains(&schema.properties.len()) {
        message = format!("{message}, only {}", words::listed(known, "and"));
    }
    way.field(name, |way| report.refuse(entry.key.range, way.as_str(), message));
}

fn missing(schema: &Schema, fields: &Fields, found: Found<'_>, way: &mut Way, report: &mut Report) {
    for name in &schema.required {
        let entry = fields.entry(name);
        let inner = schema.properties.get(name);
        if entry.is_some_and(|entry| !entry.value.is_null()) || inner.is_some_and(|inner| inner.default.is_some()) {
            continue;
        }
        let (range, why) = match entry {
            Some(entry) => (entry.value.mark(Some(&entry.key)), ": nothing stands behind it"),
            None => (found.1.mark(found.0), ""),
        };
        let message = format!("must set `{name}`{why}");
        way.field(name, |way| {
            report.blocked = true;
            if !report.is_meant(way.as_str()) {
                report.block(range, way.as_str(), message).help = inner.and_then(help);
            }
        });
    }
}

fn list(schema: &Schema, items: &[Node], found: Found<'_>, way: &mut Way, depth: Depth, report: &mut Report) {
    for (index, item) in items.iter().enumerate() {
        let Some(inner) = &schema.items else { break };
        way.item(index, |way| check(inner, (None, item), way, depth, report));
    }
    if depth == Depth::Whole {
        amount(schema.count, items.len(), ("entry", "entries"), found, way, report);
        match &schema.unique {
            Unique::Nothing => {}
            Unique::Items => repeated(items.iter().map(|item| (item.value(), None, item)), way, report),
            Unique::Keys(keys) => {
                let entries = items.iter().map(|item| {
                    let value = keys.iter().map(|key| item.get(key).map(Node::value).unwrap_or_default()).collect();
                    let named = keys.first().and_then(|key| item.entry(key));
                    (value, keys.first(), named.map_or(item, |entry| &entry.value))
                });
                repeated(entries, way, report);
            }
        }
    }
}

/// Tells of the second of those that are the same.
fn repeated<'a>(
    items: impl Iterator<Item = (Value, Option<&'a String>, &'a Node)>,
    way: &mut Way,
    report: &mut Report,
) {
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (index, (value, key, node)) in items.enumerate() {
        let (first, times) = seen.entry(value.to_string()).or_insert((index, 0));
        *times += 1;
        if *times != 2 {
            continue;
        }
        let word = shortened(node.text().unwrap_or_default());
        let first = format!("{}[{first}]", way.as_str());
        let message = match key {
            Some(key) => format!("must have a `{key}` of its own: `{word}` is that of `{first}` already"),
            None => format!("must not be there twice: `{word}` is `{first}` already"),
        };
        way.item(index, |way| report.refuse(node.mark(None), way.as_str(), message));
    }
}

/// How many there are of something. Too many end the matter, too few do not.
fn amount(
    bounds: Bounds<u64>,
    number: usize,
    (one, many): (&str, &str),
    found: Found<'_>,
    way: &mut Way,
    report: &mut Report,
) {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    let has = if number == 0 { "none".to_owned() } else { number.to_string() };
    let range = found.1.mark(found.0);
    if let Some(most) = bounds.most.filter(|most| number > *most) {
        let message = format!("must have at most {}: it has {has}", words::counted(most, one, many));
        report.block(range, way.as_str(), message);
    }
    if let Some(least) = bounds.least.filter(|least| number < *least) {
        let message = format!("must have at least {}: it has {has}", words::counted(least, one, many));
        report.refuse(range, way.as_str(), message);
    }
}

fn string(schema: &Schema, text: &str, found: Found<'_>, way: &mut Way, report: &mut Report) {
    let range = found.1.mark(found.0);
    if !schema.one_of.is_empty() && !schema.one_of.iter().any(|word| word == text) {
        let known = schema.one_of.iter().map(String::as_str);
        let meant = words::nearest(text, known.clone()).filter(|_| schema.one_of.len() > 1);
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let choice = words::listed(known, "or");
        report.block(range, way.as_str(), format!("must be {choice}, not `{}`{meant}", shortened(text)));
        return;
    }
    let told = report.findings.len();
    amount(schema.length, text.chars().count(), ("character", "characters"), found, way, report);
    let fine = report.findings.len() == told;
    if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| fine && !pattern.matches(text)) {
        let message = format!("{}: it is `{}`", words::pattern(&pattern.text), shortened(text));
        report.refuse(range, way.as_str(), message).help = help(schema);
    }
    if schema.format == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
        let message = format!("must be a time such as '2026-01-31T12:00:00Z': it is `{}`", shortened(text));
        report.block(range, way.as_str(), message);
    }
}

fn bounds(bounds: Bounds<f64>, number: Option<f64>, found: Found<'_>, way: &mut Way, report: &mut Report) {
    let Some(number) = number else { return };
    let range = found.1.mark(found.0);
    if let Some(least) = bounds.least.filter(|least| number < *least) {
        report.refuse(range, way.as_str(), format!("must be at least {least}: it is {number}"));
    }
    if let Some(most) = bounds.most.filter(|most| number > *most) {
        report.refuse(range, way.as_str(), format!("must be at most {most}: it is {number}"));
    }
}

/// The value as the API server keeps it: without unknown fields and what is `null`, with defaults.
pub(super) fn kept(schema: &Schema, node: &Node) -> Value {
    match &node.what {
        What::Map(fields) => {
            let mut object = Map::new();
            for Entry { key, value, .. } in &fields.entries {
                let inner = schema.field(&key.text);
                if let Some(inner) = inner.filter(|inner| !value.is_null() && !inner.dropped) {
                    object.insert(key.text.clone(), kept(inner, value));
                } else if inner.is_none() && matches!(schema.others, Others::Any) {
                    object.insert(key.text.clone(), value.value());
                }
            }
            for (name, field) in &schema.properties {
                if let Some(default) = field.default.as_ref().filter(|_| !object.contains_key(name)) {
                    object.insert(name.clone(), default.clone());
                }
            }
            Value::Object(object)
        }
        What::List(items) => match &schema.items {
            Some(inner) => items.iter().map(|item| kept(inner, item)).collect(),
            None => node.value(),
        },
        _ => node.value(),
    }
}

/// Tells of keys that stand twice, in a value and everything in it.
pub(super) fn twice(node: &Node, way: &mut Way, tell: &mut impl FnMut(&Key, &Way, String)) {
    match &node.what {
        What::Map(fields) => {
            for (key, first) in &fields.twice {
                let message = format!(
                    "must be there once: `{}` stands at line {}, column {} already",
                    shortened(&key.text),
                    first.line,
                    first.column
                );
                way.field(&key.text, |way| tell(key, way, message));
            }
            for entry in &fields.entries {
                way.field(&entry.key.text, |way| twice(&entry.value, way, tell));
            }
        }
        What::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.item(index, |way| twice(item, way, tell));
            }
        }
        _ => {}
    }
}
