//! Nouns: the resources that ARNs name, as people call them.

use super::listed;
use crate::names::{Arn, shortened};
use crate::policy::catalogue::{Catalogue, ResourceType};
use std::collections::BTreeMap;

/// Resources, grouped by what they are.
pub(super) struct Things {
    groups: BTreeMap<Noun, Vec<Name>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Noun {
    Kind(String),
    /// Objects of S3, said by where they are.
    ObjectsIn,
    ObjectsUnder,
    /// Of no single known kind: said by the ARN.
    Resource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Every,
    Like(String),
    Exactly(String),
}

impl Things {
    /// The things that ARNs name.
    pub(super) fn of<'a>(resources: impl IntoIterator<Item = &'a str>, catalogue: &Catalogue) -> Self {
        let mut groups: BTreeMap<Noun, Vec<Name>> = BTreeMap::new();
        for resource in resources {
            let (noun, name) = thing(resource, catalogue);
            let names = groups.entry(noun).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self { groups }
    }

    /// Leaves out a bucket whose objects are named: who lists and reads these sees the bucket too.
    pub(super) fn drop_buckets_of_objects(&mut self) {
        let Some(within) = self.groups.get(&Noun::ObjectsIn).cloned() else { return };
        let bucket = Noun::Kind("bucket".into());
        if let Some(buckets) = self.groups.get_mut(&bucket) {
            buckets.retain(|name| !within.contains(name));
            if buckets.is_empty() {
                self.groups.remove(&bucket);
            }
        }
    }
}

impl std::fmt::Display for Things {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said: Vec<String> = self.groups.iter().flat_map(|(noun, names)| noun.with(names)).collect();
        f.write_str(&super::series(&said, "and"))
    }
}

impl Noun {
    fn with(&self, names: &[Name]) -> Vec<String> {
        let mut said = Vec::new();
        let one = self.singular();
        if names.contains(&Name::Every) {
            said.push(match self {
                Self::ObjectsIn | Self::ObjectsUnder => "objects in every bucket".to_owned(),
                _ => format!("every {one}"),
            });
        }
        let exact: Vec<String> = names.iter().filter_map(Name::exact).collect();
        match exact.len() {
            0 => {}
            1 => said.push(format!("{one} {}", listed(&exact))),
            _ => said.push(format!("{} {}", self.plural(), listed(&exact))),
        }
        let like: Vec<String> = names.iter().filter_map(Name::like).collect();
        if !like.is_empty() {
            let links = match self {
                Self::ObjectsIn => "objects in buckets like".to_owned(),
                Self::ObjectsUnder => "objects like".to_owned(),
                _ => format!("{} like", self.plural()),
            };
            said.push(format!("{links} {}", listed(&like)));
        }
        said
    }

    fn singular(&self) -> &str {
        match self {
            Self::Kind(kind) => kind,
            Self::ObjectsIn => "objects in",
            Self::ObjectsUnder => "objects under",
            Self::Resource => "resource",
        }
    }

    fn plural(&self) -> String {
        match self {
            Self::ObjectsIn | Self::ObjectsUnder => self.singular().to_owned(),
            _ => plural(self.singular()),
        }
    }
}

fn plural(noun: &str) -> String {
    let vowel_before_y = noun.ends_with("ay") || noun.ends_with("ey") || noun.ends_with("oy");
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

impl Name {
    fn of(text: &str) -> Self {
        if text.contains('*') && text.chars().all(|character| "*/:".contains(character)) {
            Self::Every
        } else if text.contains(['*', '?']) {
            Self::Like(text.to_owned())
        } else {
            Self::Exactly(text.to_owned())
        }
    }

    fn exact(&self) -> Option<String> {
        if let Self::Exactly(name) = self { Some(shortened(name)) } else { None }
    }

    fn like(&self) -> Option<String> {
        if let Self::Like(name) = self { Some(shortened(name)) } else { None }
    }
}

fn thing(resource: &str, catalogue: &Catalogue) -> (Noun, Name) {
    let unknown = || (Noun::Resource, Name::of(resource));
    // `log-group:a:*` is how IAM wants the log group `a` to be written.
    let text = resource.strip_suffix(":*").filter(|text| text.contains(":log-group:")).unwrap_or(resource);
    let Ok(arn) = Arn::parse(text) else { return unknown() };
    let owners = catalogue.owners(&arn);
    let Some((service, types)) = owners.first() else { return unknown() };
    let [kind] = types.as_slice() else { return unknown() };
    let Some(name) = name(&arn, kind) else { return unknown() };
    if (service.prefix, kind.name) == ("s3", "object") {
        return object(name);
    }
    (Noun::Kind(words(kind.name)), Name::of(name))
}

/// Objects are best said by their bucket or folder.
fn object(path: &str) -> (Noun, Name) {
    match path.split_once('/') {
        Some((bucket, "*")) => (Noun::ObjectsIn, Name::of(bucket)),
        _ => match path.strip_suffix('*') {
            Some(folder) if folder.ends_with('/') && !folder.contains(['*', '?']) => {
                (Noun::ObjectsUnder, Name::of(folder))
            }
            _ if path.contains(['*', '?']) => (Noun::ObjectsUnder, Name::of(path)),
            _ => (Noun::Kind("object".into()), Name::of(path)),
        },
    }
}

/// What an ARN has in place of its template's variables.
fn name<'a>(arn: &'a Arn, kind: &ResourceType) -> Option<&'a str> {
    let template = kind.arn.splitn(6, ':').nth(5)?;
    let literal = template.split("${").next()?;
    arn.resource().strip_prefix(literal).filter(|name| !name.is_empty())
}

/// `stateMachine` and `log-group` as words.
fn words(name: &str) -> String {
    if name == "statemachine" {
        return "state machine".to_owned();
    }
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && after_small {
            words.push(' ');
        }
        after_small = character.is_ascii_lowercase();
        words.push(if matches!(character, '-' | '_') { ' ' } else { character.to_ascii_lowercase() });
    }
    words
}
