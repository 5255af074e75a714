//! Objects in files, judged as `kubectl apply` and the API server would, with the
//! place of each field.
//!
//! ```text
//! text ── chunks ──▶ documents ── yaml, scalar ──▶ Node ── check, meta ──▶ rules ──▶ Manifest
//!        (as kubectl splits)    (as kubectl reads)       (names, shapes)   (CEL)
//! ```

mod check;
mod chunks;
mod meta;
mod node;
mod report;
mod rules;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::check::Depth;
use self::meta::Naming;
use self::node::{Entry, Node, Range};
use self::report::{Report, Way, spot};
use self::schema::{KINDS, Kind, METADATA, Shape};
use super::code::Code;
use super::finding::{Finding, Spot};
use crate::api::v1alpha1::{CloudAccount, GROUP, MachineIdentity, ScopePolicy};
use crate::names::{printable, shortened};
use crate::policy::Position;

/// The version of the golden cases for `ambit test`.
const CLI_VERSION: &str = "cli.ambit.dev/v1alpha1";
/// The kind of the golden cases.
const TEST: &str = "AccessTest";
/// The kind that only the operator writes.
const TABLE: &str = "BindingTable";
/// More than any set of manifests has, in bytes.
const LONGEST: usize = 64 * 1024 * 1024;

/// One object of a file.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Where it stands.
    pub spot: Spot,
    /// Its namespace, if it names one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is.
    pub content: Content,
    places: Arc<Node>,
}

/// An object of a kind that matters here.
#[derive(Debug, Clone)]
pub enum Content {
    /// An identity.
    Identity(Box<MachineIdentity>),
    /// An account.
    Account(Box<CloudAccount>),
    /// A scope policy.
    Policy(Box<ScopePolicy>),
    /// A namespace with its labels.
    Namespace(BTreeMap<String, String>),
    /// Golden cases for `ambit test`, not yet understood. Where each of their fields stands, the
    /// manifest around them tells.
    Test(Value),
}

/// What a text holds.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// The objects that are valid by themselves.
    pub objects: Vec<Manifest>,
    /// What is wrong with the others, in the order of the text.
    pub findings: Vec<Finding>,
    /// How many objects of other kinds were passed over.
    pub passed_over: usize,
}

impl Manifest {
    /// A finding about a field of it.
    #[must_use]
    pub fn finding(&self, code: Code, field: &str, message: String, help: Option<&str>) -> Finding {
        Finding {
            code,
            severity: code.severity(),
            spot: self.spot_of(field),
            object: self.title(),
            field: field.to_owned(),
            message,
            help: help.map(str::to_owned),
        }
    }

    /// Where a field stands, such as `spec.scopes[0].actions[2]`; the nearest one around it if it
    /// is not written. Of a value of several lines it is the key.
    #[must_use]
    pub fn spot_of(&self, field: &str) -> Spot {
        let (key, node) = self.places.find(field);
        spot(&self.spot.file, node.mark(key))
    }

    /// Where the key of a field stands, for a field that should not be there at all.
    #[must_use]
    pub fn spot_of_key(&self, field: &str) -> Spot {
        let (key, node) = self.places.find(field);
        spot(&self.spot.file, key.map_or_else(|| node.mark(None), |key| key.range))
    }

    /// What people call it, such as `MachineIdentity shop/orders`.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = match self.content {
            Content::Identity(_) => "MachineIdentity",
            Content::Account(_) => "CloudAccount",
            Content::Policy(_) => "ScopePolicy",
            Content::Namespace(_) => "Namespace",
            Content::Test(_) => TEST,
        };
        title(kind, self.namespace.as_deref(), &self.name)
    }
}

fn title(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        _ if name.is_empty() => kind.to_owned(),
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// Reads the objects of one text, YAML or JSON.
#[must_use]
pub fn read(file: &str, text: &str) -> Manifests {
    let mut reader = Reader { file: Arc::from(file), found: Manifests::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LONGEST {
        let message = format!("must have at most {LONGEST} bytes: it has {}", text.len());
        reader.unreadable(Range::at(1, 1), &message);
        return reader.found;
    }
    let mut chunks = chunks::split(text);
    for (range, message) in chunks.wrong {
        reader.unreadable(range, &message);
    }
    for chunk in chunks.parts {
        match yaml::read(chunk) {
            Ok(None) => {}
            Ok(Some(node)) => reader.object(node, None),
            // Of what looks like JSON, what is wrong with it as JSON says more.
            Err(error) => match chunks.not_json.take() {
                Some((range, message)) => reader.unreadable(range, &message),
                None => reader.unreadable(error.range, &error.message),
            },
        }
    }
    let order = |position: Position| (position.line, position.column);
    reader.found.findings.sort_by_key(|finding| order(finding.spot.begin));
    reader.found
}

struct Reader {
    file: Arc<str>,
    found: Manifests,
}

/// What an object says it is.
enum Said<'a> {
    Ours(&'a Kind),
    Namespace,
    Test,
    Other,
    /// It is meant to be ours, and is not.
    Wrong(Range, &'static str, String),
}

impl Reader {
    fn unreadable(&mut self, range: Range, message: &str) {
        let mut report = Report::new(&self.file, String::new());
        report.tell(Code::Unreadable, range, "", message.to_owned());
        self.found.findings.append(&mut report.findings);
    }

    /// One object, or each of a list of them. `list` is what the list says of its entries.
    fn object(&mut self, mut node: Node, list: Option<(&str, &str)>) {
        if node.is_null() {
            return;
        }
        let word = |field: &str| node.get(field).and_then(Node::text).unwrap_or_default().to_owned();
        let (mut version, mut kind) = (word("apiVersion"), word("kind"));
        if let Some((list_version, list_kind)) = list {
            // Entries that do not say what they are, are what the list says.
            if kind.is_empty() {
                list_kind.clone_into(&mut kind);
            }
            if version.is_empty() {
                list_version.clone_into(&mut version);
            }
        }
        // `kubectl` takes whatever has `items` for a list, of any kind.
        if let Some(entries) = node::take_items(&mut node) {
            let inner = kind.strip_suffix("List").unwrap_or_default();
            for entry in entries {
                self.object(entry, Some((version.as_str(), inner)));
            }
            return;
        }
        match said(&node, &version, &kind) {
            Said::Other => self.found.passed_over += 1,
            Said::Wrong(range, field, message) => {
                let mut report = Report::new(&self.file, title(&printable(&kind), None, ""));
                report.refuse(range, field, message);
                self.found.findings.append(&mut report.findings);
            }
            Said::Ours(kind) => self.judge(node, kind),
            Said::Namespace => self.namespace(node),
            Said::Test => self.test(node),
        }
    }

    fn judge(&mut self, node: Node, kind: &Kind) {
        let head = Head::of(&node, kind.namespaced);
        let mut report = self.report(&kind.name, &head);
        duplicates(&node, &mut report);
        check::check(&kind.schema, (None, &node), &mut Way::default(), Depth::Whole, &mut report);
        meta::metadata(&node, Naming::Subdomain, &mut report);
        let value = if report.blocked { Value::Null } else { kept(kind, &node) };
        if !report.blocked {
            rules::check(&kind.schema, &value, &node, &mut report);
        }
        if report.findings.is_empty() {
            let content = match kind.name.as_str() {
                "MachineIdentity" => decode(value).map(Content::Identity),
                "CloudAccount" => decode(value).map(Content::Account),
                "ScopePolicy" => decode(value).map(Content::Policy),
                _ => return,
            };
            match content {
                Ok(content) => self.keep(node, head, content),
                Err(error) => drop(report.refuse(node.mark(None), "", format!("must be readable: {error}"))),
            }
        }
        self.found.findings.append(&mut report.findings);
    }

    fn namespace(&mut self, node: Node) {
        let head = Head::of(&node, false);
        let mut report = self.report("Namespace", &head);
        duplicates(&node, &mut report);
        meta::metadata(&node, Naming::Label, &mut report);
        if report.findings.is_empty() {
            let labels = labels(&node);
            self.keep(node, head, Content::Namespace(labels));
        }
        self.found.findings.append(&mut report.findings);
    }

    fn test(&mut self, node: Node) {
        let head = Head::of(&node, false);
        let mut report = self.report(TEST, &head);
        duplicates(&node, &mut report);
        if report.findings.is_empty() {
            let value = node.value();
            self.keep(node, head, Content::Test(value));
        }
        self.found.findings.append(&mut report.findings);
    }

    fn report(&self, kind: &str, head: &Head) -> Report {
        Report::new(&self.file, printable(&title(kind, head.namespace.as_deref(), &head.name)))
    }

    fn keep(&mut self, node: Node, head: Head, content: Content) {
        let spot = spot(&self.file, node.mark(None));
        let Head { namespace, name } = head;
        self.found.objects.push(Manifest { spot, namespace, name, content, places: Arc::new(node) });
    }
}

/// What an object is called.
struct Head {
    namespace: Option<String>,
    name: String,
}

impl Head {
    /// The API server forgets the namespace of an object that can have none.
    fn of(node: &Node, namespaced: bool) -> Self {
        let word = |field: &str| {
            let word = node.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Node::text);
            word.filter(|word| !word.is_empty()).map(str::to_owned)
        };
        Self { namespace: word("namespace").filter(|_| namespaced), name: word("name").unwrap_or_default() }
    }
}

fn duplicates(node: &Node, report: &mut Report) {
    check::twice(node, &mut Way::default(), &mut |key, way, message| {
        report.tell(Code::Unreadable, key.range, way.as_str(), message);
    });
}

/// The labels of an object. One that is `null` is empty.
fn labels(node: &Node) -> BTreeMap<String, String> {
    let labels = node.get("metadata").and_then(|metadata| metadata.get("labels")).and_then(Node::fields);
    let entries = labels.into_iter().flat_map(|fields| &fields.entries);
    let pair = |Entry { key, value, .. }: &Entry| (key.text.clone(), value.text().unwrap_or_default().to_owned());
    entries.map(pair).collect()
}

/// The object as the API server keeps it.
fn kept(kind: &Kind, node: &Node) -> Value {
    let mut value = check::kept(&kind.schema, node);
    if let Some(object) = value.as_object_mut() {
        object.insert("apiVersion".to_owned(), kind.api_version.clone().into());
        object.insert("kind".to_owned(), kind.name.clone().into());
        let mut metadata = node.get("metadata").map(|metadata| check::kept(&METADATA, metadata)).unwrap_or_default();
        if !kind.namespaced
            && let Some(fields) = metadata.as_object_mut()
        {
            fields.remove("namespace");
        }
        object.insert("metadata".to_owned(), metadata);
    }
    value
}

fn decode<T: DeserializeOwned>(value: Value) -> Result<Box<T>, serde_json::Error> {
    serde_json::from_value(value).map(Box::new)
}

/// What an object is, by what it says.
fn said<'a>(node: &Node, version: &str, kind: &str) -> Said<'a> {
    let Some(fields) = node.fields() else { return Said::Other };
    let place = |field: &str| match fields.entry(field) {
        Some(entry) => entry.value.mark(Some(&entry.key)),
        None => node.mark(None),
    };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let ours = KINDS.iter().find(|ours| ours.name == kind);
    match (group, kind) {
        ("", "Namespace") if version == "v1" => Said::Namespace,
        (GROUP, "") => Said::Wrong(place("kind"), "kind", unsaid(node, "kind", &listed_kinds())),
        (GROUP, _) => match ours {
            Some(ours) if ours.api_version != version => {
                let message = format!("must be `{}`, not `{}`", ours.api_version, shortened(version));
                Said::Wrong(place("apiVersion"), "apiVersion", message)
            }
            Some(ours) if ours.name == TABLE => Said::Other,
            Some(ours) => Said::Ours(ours),
            None => Said::Wrong(place("kind"), "kind", unknown_kind(kind)),
        },
        ("cli.ambit.dev", TEST) if version == CLI_VERSION => Said::Test,
        ("cli.ambit.dev", TEST) => Said::Wrong(place("apiVersion"), "apiVersion", format!("must be `{CLI_VERSION}`")),
        ("cli.ambit.dev", _) => Said::Wrong(place("kind"), "kind", format!("must be `{TEST}`")),
        _ => match ours {
            Some(ours) if version.is_empty() => Said::Wrong(
                place("apiVersion"),
                "apiVersion",
                unsaid(node, "apiVersion", &format!("`{}`", ours.api_version)),
            ),
            Some(ours) if group.is_empty() || strsim::damerau_levenshtein(group, GROUP) <= 3 => {
                let message = format!("must be `{}`, not `{}`", ours.api_version, shortened(version));
                Said::Wrong(place("apiVersion"), "apiVersion", message)
            }
            _ => Said::Other,
        },
    }
}

fn unsaid(node: &Node, field: &str, wanted: &str) -> String {
    match node.get(field).filter(|value| !value.is_null() && value.text() != Some("")) {
        Some(value) => words::mismatch(Shape::Text, value),
        None => format!("must set `{field}` to {wanted}"),
    }
}

/// The kinds that people write.
fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name.as_str()).filter(|kind| *kind != TABLE)
}

fn listed_kinds() -> String {
    words::listed(kinds(), "or")
}

fn unknown_kind(kind: &str) -> String {
    let meant = words::nearest(kind, kinds()).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!("must be {}, not `{}`{meant}", listed_kinds(), shortened(kind))
}
