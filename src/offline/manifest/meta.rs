//! What the API server demands of the metadata of an object.

use super::check::{Depth, check};
use super::node::{Found, Node, Range};
use super::report::{Report, Way};
use super::schema::METADATA;
use crate::names::shortened;

/// How names of a kind are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// As those of most objects, with dots.
    Subdomain,
    /// As those of namespaces, without.
    Label,
}

const LABEL: &str = "must be made of lower-case letters, digits and '-', with a letter or digit at both ends";
const SUBDOMAIN: &str =
    "must be made of lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside each dot";
const QUALIFIED: &str = "must have keys of letters, digits, '-', '_' and '.', 63 at most, with a letter or digit at \
                         both ends, and before them a domain and '/' if wanted";
/// The most that all annotations of an object may have, keys and values, in bytes.
const ANNOTATIONS: usize = 256 * 1024;

/// Checks the metadata of an object.
pub(super) fn metadata(object: &Node, naming: Naming, report: &mut Report) {
    let mut way = Way::default();
    let entry = object.entry("metadata").filter(|entry| !entry.value.is_null());
    let Some(entry) = entry else {
        unnamed((None, object), report);
        return;
    };
    let found: Found<'_> = (Some(&entry.key), &entry.value);
    way.field("metadata", |way| check(&METADATA, found, way, Depth::Typed, report));
    let metadata = &entry.value;
    if metadata.fields().is_none() {
        return;
    }
    name(found, naming, report);
    if let Some((range, namespace)) = word(metadata, "namespace")
        && !namespace.is_empty()
    {
        dns(namespace, Naming::Label, range, "metadata.namespace", report);
    }
    labels(metadata, report);
    annotations(metadata, report);
    for finalizer in metadata.get("finalizers").and_then(Node::items).into_iter().flatten() {
        if let Some(text) = finalizer.text().filter(|text| !is_qualified(text)) {
            let message = format!("must be a name such as 'ambit.dev/principal': it is `{}`", shortened(text));
            report.refuse(finalizer.mark(None), "metadata.finalizers", message);
        }
    }
    for (index, owner) in metadata.get("ownerReferences").and_then(Node::items).into_iter().flatten().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner.fields().is_some() && owner.get(field).is_none_or(|value| value.is_null() || empty(value)) {
                let way = format!("metadata.ownerReferences[{index}].{field}");
                report.refuse(owner.mark(None), &way, format!("must set `{field}`"));
            }
        }
    }
}

fn empty(node: &Node) -> bool {
    node.text().is_some_and(str::is_empty)
}

fn word<'a>(metadata: &'a Node, field: &str) -> Option<(Range, &'a str)> {
    let entry = metadata.entry(field)?;
    Some((entry.value.mark(Some(&entry.key)), entry.value.text()?))
}

fn name(metadata: Found<'_>, naming: Naming, report: &mut Report) {
    match metadata.1.get("name") {
        None => unnamed(metadata, report),
        Some(name) if name.is_null() || empty(name) => unnamed(metadata, report),
        Some(_) => {
            if let Some((range, name)) = word(metadata.1, "name") {
                dns(name, naming, range, "metadata.name", report);
            }
            if let Some((range, prefix)) = word(metadata.1, "generateName")
                && !prefix.is_empty()
            {
                dns(prefix.trim_end_matches('-'), naming, range, "metadata.generateName", report);
            }
        }
    }
}

fn unnamed(around: Found<'_>, report: &mut Report) {
    if let Some(entry) = around.1.entry("generateName").filter(|entry| !entry.value.is_null()) {
        let message = "must not stand in place of `name`: an object that is applied again and again needs one name; \
                       set `metadata.name`";
        report.block(entry.key.range, "metadata.generateName", message.to_owned());
        return;
    }
    let (range, message) = match around.1.entry("name") {
        Some(entry) => (entry.value.mark(Some(&entry.key)), "must set `name`: nothing stands behind it"),
        None => (around.1.mark(around.0), "must set `name`"),
    };
    report.block(range, "metadata.name", message.to_owned());
}

fn dns(text: &str, naming: Naming, range: Range, field: &str, report: &mut Report) {
    let (longest, fine, must) = match naming {
        Naming::Subdomain => (253, is_subdomain(text), SUBDOMAIN),
        Naming::Label => (63, is_label(text), LABEL),
    };
    if text.len() > longest {
        report.refuse(range, field, format!("must have at most {longest} characters: it has {}", text.len()));
    }
    if !fine {
        report.refuse(range, field, format!("{must}: it is `{}`", shortened(text)));
    }
}

fn labels(metadata: &Node, report: &mut Report) {
    let entries = metadata.get("labels").and_then(Node::fields).into_iter().flat_map(|fields| &fields.entries);
    for entry in entries {
        if !is_qualified(&entry.key.text) {
            let message = format!("{QUALIFIED}: it is `{}`", shortened(&entry.key.text));
            report.refuse(entry.key.range, "metadata.labels", message);
        }
        let range = entry.value.mark(Some(&entry.key));
        let Some(text) = entry.value.text().filter(|text| !text.is_empty()) else { continue };
        if text.len() > 63 {
            let message = format!("must have values of at most 63 characters: it has {}", text.len());
            report.refuse(range, "metadata.labels", message);
        } else if !is_name(text) {
            let message = format!(
                "must have values of letters, digits, '-', '_' and '.', with a letter or digit at both ends: it is `{}`",
                shortened(text)
            );
            report.refuse(range, "metadata.labels", message);
        }
    }
}

fn annotations(metadata: &Node, report: &mut Report) {
    let Some(entry) = metadata.entry("annotations") else { return };
    let mut size = 0;
    for annotation in entry.value.fields().into_iter().flat_map(|fields| &fields.entries) {
        size += annotation.key.text.len() + annotation.value.text().map_or(0, str::len);
        if !is_qualified(&annotation.key.text) {
            let message = format!("{QUALIFIED}: it is `{}`", shortened(&annotation.key.text));
            report.refuse(annotation.key.range, "metadata.annotations", message);
        }
    }
    if size > ANNOTATIONS {
        let message = format!("must have at most {ANNOTATIONS} bytes together: they have {size}");
        report.block(entry.value.mark(Some(&entry.key)), "metadata.annotations", message);
    }
}

fn is_label(text: &str) -> bool {
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    ends(text, edge) && text.bytes().all(|c| edge(c) || c == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A word of a label: both ends are letters or digits.
fn is_name(text: &str) -> bool {
    let edge = |c: u8| c.is_ascii_alphanumeric();
    ends(text, edge) && text.bytes().all(|c| edge(c) || matches!(c, b'-' | b'_' | b'.'))
}

fn is_qualified(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    domain.is_none_or(|domain| domain.len() <= 253 && is_subdomain(&domain.to_lowercase()))
        && name.len() <= 63
        && is_name(name)
}

fn ends(text: &str, edge: impl Fn(u8) -> bool) -> bool {
    text.bytes().next().is_some_and(&edge) && text.bytes().next_back().is_some_and(edge)
}
