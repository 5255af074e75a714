//! Nouns: the resources that ARNs name, as people call them.

use super::words::{counted, plural, quoted, series};
use crate::names::Arn;
use crate::policy::catalogue::{Catalogue, ResourceType};
use std::collections::BTreeMap;

/// How many names of a kind a summary lists.
const LISTED: usize = 3;

/// Resources, grouped by what they are and where.
pub(in crate::policy) struct Things {
    groups: BTreeMap<(Noun, Location), Vec<Name>>,
}

/// How things are said.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Style {
    /// How many names of a kind are listed.
    pub(in crate::policy) listed: usize,
    /// Whether all things are `any` rather than `every`.
    pub(in crate::policy) any: bool,
    /// Whether the sentence denies: things are then joined by `or`.
    pub(in crate::policy) denies: bool,
}

impl Style {
    /// Every or any.
    pub(in crate::policy) fn every(self) -> &'static str {
        if self.any { "any" } else { "every" }
    }

    /// What joins the last of a series.
    pub(in crate::policy) fn and(self) -> &'static str {
        if self.denies { "or" } else { "and" }
    }
}

/// Whether the regions and accounts of things are said: only where they tell things apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::policy) struct Locations {
    /// Regions are said.
    pub(in crate::policy) regions: bool,
    /// Accounts are said.
    pub(in crate::policy) accounts: bool,
}

/// Region and account as far as they are said; empty where they are not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Location {
    region: String,
    account: String,
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
    pub(in crate::policy) fn of<'a>(resources: impl IntoIterator<Item = &'a str>, catalogue: &Catalogue) -> Self {
        Self::located(resources, catalogue, Locations::default(), "")
    }

    /// The same, with their regions and accounts where these are to be said. Wildcards that match
    /// several kinds are said to be of that kind, if there is one.
    pub(in crate::policy) fn located<'a>(
        resources: impl IntoIterator<Item = &'a str>,
        catalogue: &Catalogue,
        locations: Locations,
        kind: &str,
    ) -> Self {
        let mut groups: BTreeMap<(Noun, Location), Vec<Name>> = BTreeMap::new();
        for resource in resources {
            let (mut noun, name) = thing(resource, catalogue);
            let location = if noun == Noun::Resource { Location::default() } else { Location::of(resource, locations) };
            if noun == Noun::Resource && !kind.is_empty() && matches!(name, Name::Like(_)) {
                noun = Noun::Kind(kind.to_owned());
            }
            let names = groups.entry((noun, location)).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self { groups }
    }

    /// Leaves out a bucket whose objects are named: who lists and reads these sees the bucket too.
    pub(in crate::policy) fn drop_buckets_of_objects(&mut self) {
        let objects = self.groups.iter().filter(|((noun, _), _)| *noun == Noun::ObjectsIn);
        let within: Vec<Name> = objects.flat_map(|(_, names)| names.iter().cloned()).collect();
        self.groups.retain(|(noun, _), names| {
            if *noun == Noun::Kind("bucket".into()) {
                names.retain(|name| !within.contains(name));
            }
            !names.is_empty()
        });
    }

    /// The things in words.
    pub(in crate::policy) fn words(&self, style: Style) -> String {
        let said: Vec<String> =
            self.groups.iter().flat_map(|((noun, location), names)| noun.with(names, location, style)).collect();
        series(&said, style.and())
    }
}

impl std::fmt::Display for Things {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words(Style { listed: LISTED, any: false, denies: false }))
    }
}

impl Location {
    fn of(resource: &str, said: Locations) -> Self {
        let Ok(arn) = Arn::parse(resource) else { return Self::default() };
        let literal = |said: bool, part: &str| {
            if said && !part.contains(['*', '?', '$']) { part.to_owned() } else { String::new() }
        };
        Self { region: literal(said.regions, arn.region()), account: literal(said.accounts, arn.account()) }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.region.is_empty() {
            write!(f, " in region {}", quoted(&self.region))?;
        }
        if !self.account.is_empty() {
            write!(f, " of account {}", quoted(&self.account))?;
        }
        Ok(())
    }
}

impl Noun {
    fn with(&self, names: &[Name], location: &Location, style: Style) -> Vec<String> {
        let mut said = Vec::new();
        let one = self.singular();
        if names.contains(&Name::Every) {
            said.push(every(one, style));
        }
        let listed = |names: &[String]| {
            let shown = names.iter().take(style.listed).map(|name| quoted(name)).collect();
            counted(shown, names.len(), "", style.and())
        };
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
        said.into_iter().map(|said| format!("{said}{location}")).collect()
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

/// All things of a kind: `every queue`; of objects it is their buckets that are counted.
pub(in crate::policy) fn every(kind: &str, style: Style) -> String {
    if kind.starts_with("object") {
        return format!("objects in {} bucket", style.every());
    }
    format!("{} {kind}", style.every())
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
        if let Self::Exactly(name) = self { Some(name.clone()) } else { None }
    }

    fn like(&self) -> Option<String> {
        if let Self::Like(name) = self { Some(name.clone()) } else { None }
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
pub(in crate::policy) fn words(name: &str) -> String {
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
