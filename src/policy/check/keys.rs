//! Condition keys: whether they exist, whether an action of the statement has
//! them, and whether the operator fits their type.

use super::Subject;
use super::actions::Reach;
use super::code::Code;
use super::report::Report;
use super::spot::Step;
use super::spot::Step::{At, In};
use crate::names::shortened;
use crate::policy::catalogue::{Catalogue, ConditionKey, GLOBALS, both, did_you_mean, global, nearest};
use crate::policy::operator::{Comparison, Operator};
use crate::policy::statement::{Statement, Test};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is known of condition keys, looked up once for each service.
pub(super) struct Keys<'a> {
    catalogue: &'a Catalogue,
    services: BTreeMap<String, Vec<&'a ConditionKey>>,
}

/// A condition key as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Any request may have it; the type; whether every request has it.
    Global(&'static str, bool),
    /// Requests to some service have it; the type.
    Service(&'static str),
    /// A claim of an identity provider.
    Claim,
    /// Not known.
    Nothing,
}

impl Known {
    /// Its type as the catalogue writes it; empty where that is not known.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Global(kind, _) | Self::Service(kind) => kind,
            Self::Claim | Self::Nothing => "",
        }
    }

    /// Whether requests have several values under it.
    pub(super) fn has_several(self) -> bool {
        self.kind().starts_with("Array")
    }

    /// Whether every request has it.
    pub(super) fn is_always_there(self) -> bool {
        matches!(self, Self::Global(_, true))
    }
}

impl<'a> Keys<'a> {
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        Self { catalogue, services: BTreeMap::new() }
    }

    /// What is known of a key.
    pub(super) fn get(&mut self, key: &str) -> Known {
        let key = key.to_ascii_lowercase();
        if let Some(global) = global(&key) {
            return Known::Global(global.kind, global.always);
        }
        let Some((prefix, _)) = key.split_once(':') else { return Known::Nothing };
        // How somebody was authenticated is a list, whatever the catalogue says.
        if prefix.contains('.') && key.ends_with(":amr") {
            return Known::Service("ArrayOfString");
        }
        // The claims of well-known identity providers stand with `sts`.
        for service in [prefix, "sts"] {
            if let Some(found) = self.of(service).iter().find(|known| is(known.name, &key)) {
                return Known::Service(found.kind);
            }
        }
        // Many services know the tags of a resource under their own name as well.
        if key.contains(":resourcetag/") && self.catalogue.service(prefix).is_some() {
            return Known::Global("String", false);
        }
        // An identity provider is named by its host, and its host may be anybody's.
        if prefix.contains('.') { Known::Claim } else { Known::Nothing }
    }

    /// The keys that stand under a service's name.
    fn of(&mut self, prefix: &str) -> &[&'a ConditionKey] {
        if !self.services.contains_key(prefix) {
            let catalogue = self.catalogue;
            let service = catalogue.service(prefix);
            let actions = service.iter().flat_map(|service| &service.actions);
            let all = actions.flat_map(|action| service.iter().flat_map(|service| service.condition_keys(action)));
            let mut seen = HashSet::new();
            let keys = all.filter(|key| seen.insert(key.name)).collect();
            self.services.insert(prefix.to_owned(), keys);
        }
        self.services.get(prefix).map_or(&[], Vec::as_slice)
    }

    /// The known keys that are nearest to a misspelt one.
    pub(super) fn names_like(&mut self, key: &str) -> Vec<String> {
        let prefix = key.split_once(':').map_or("", |(prefix, _)| prefix).to_ascii_lowercase();
        let own: Vec<&str> = self.of(&prefix).iter().map(|key| key.name).collect();
        nearest(key, GLOBALS.iter().map(|global| global.spelling).chain(own))
    }
}

/// Whether a key, in lower case, is the one that a name with `${…}` or `<…>` stands for.
fn is(name: &str, key: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.find(['$', '<']).or_else(|| name.find("tag-key")) {
        Some(at) => name.get(..at).is_some_and(|head| key.len() > head.len() && key.starts_with(head)),
        None => name == key,
    }
}

/// Reports on the keys of a statement's conditions.
pub(super) fn check(
    subject: &Subject<'_>,
    index: usize,
    statement: &Statement,
    reach: &Reach<'_>,
    keys: &mut Keys<'_>,
    report: &mut Report<'_>,
) {
    let mut having = None;
    for test in &statement.conditions {
        let way = [In("Statement"), At(index), In("Condition"), In(&test.operator), In(&test.key)];
        let known = keys.get(&test.key);
        match known {
            Known::Nothing => unknown(&test.key, keys, &way, report),
            Known::Service(_) if reach.exact && subject.kind != super::Kind::Trust => {
                let having = having.get_or_insert_with(|| names_of(reach, report));
                not_of_action(&test.key, having.as_ref(), &way, report);
            }
            _ => {}
        }
        if let Some(operator) = Operator::parse(&test.operator) {
            fit(test, operator, known, &way, report);
        }
    }
}

fn unknown(key: &str, keys: &mut Keys<'_>, way: &[Step<'_>], report: &mut Report<'_>) {
    if report.is_full() {
        return report.add_name(Code::UnknownKey, way, "", "");
    }
    let near = did_you_mean(&keys.names_like(key));
    let message = format!("`{}` is not a known condition key{near}", shortened(key));
    let help = "a key that no request has is always absent: positive operators never hold, negated ones and `IfExists` always do";
    report.add_name(Code::UnknownKey, way, message, help);
}

/// The names of all keys that actions of a statement have; nothing if there is no time to find out.
fn names_of(reach: &Reach<'_>, report: &Report<'_>) -> Option<BTreeSet<&'static str>> {
    let mut names = BTreeSet::new();
    for (_, named) in reach.known() {
        if !report.spend(named.work() * 4) {
            return None;
        }
        for action in named.actions() {
            names.extend(named.service.condition_keys(action).map(|key| key.name));
        }
    }
    Some(names)
}

fn not_of_action(key: &str, having: Option<&BTreeSet<&str>>, way: &[Step<'_>], report: &mut Report<'_>) {
    let Some(having) = having else { return };
    let lower = key.to_ascii_lowercase();
    if !having.iter().any(|name| is(name, &lower)) {
        let message = format!("no action of the statement has condition key `{}`", shortened(key));
        let help =
            "the key is always absent here: a positive operator never holds, a negated one or `IfExists` always does";
        report.add_name(Code::KeyNotOfAction, way, message, help);
    }
}

/// Whether the operator fits the key.
fn fit(test: &Test, operator: Operator, known: Known, way: &[Step<'_>], report: &mut Report<'_>) {
    let kind = known.kind();
    if kind.is_empty() || operator.comparison == Comparison::Null {
        return;
    }
    let single = kind.trim_start_matches("ArrayOf");
    let (key, name) = (shortened(&test.key), &test.operator);
    if let Some(wanted) = wanted(single, operator.comparison) {
        let message = format!("`{name}` does not fit `{key}`, which is {}", type_words(single));
        report.add_name(Code::WrongOperator, way, message, format!("use {}", both(wanted)));
    }
    if known.has_several() && operator.set.is_none() {
        let message = format!("`{key}` has several values, and `{name}` compares only one");
        let help = format!("write `ForAnyValue:{name}` where one value is to fit, `ForAllValues:{name}` where all are");
        report.add_name(Code::SingleOnMany, way, message, help);
    } else if !known.has_several() && operator.set.is_some() {
        let plain = crate::policy::operator::plain(name);
        let message = format!("`{key}` has one value only: `{name}` is for keys with several");
        report.add_name(Code::SetOnSingle, way, message, format!("write `{plain}`"));
    }
}

/// The operators for a type, where a comparison does not fit it. Texts are compared with texts
/// everywhere but for addresses, whose spelling varies.
fn wanted(kind: &str, comparison: Comparison) -> Option<&'static [&'static str]> {
    use Comparison as C;
    let is_text =
        matches!(comparison, C::StringEquals | C::StringEqualsIgnoreCase | C::StringLike | C::BinaryEquals | C::Null);
    let fits = match kind {
        "String" => is_text || matches!(comparison, C::Bool | C::ArnLike),
        "ARN" => is_text || comparison == C::ArnLike,
        "Bool" => is_text || comparison == C::Bool,
        "Numeric" => is_text || matches!(comparison, C::Numeric(_)),
        "Date" => is_text || matches!(comparison, C::Date(_) | C::Numeric(_)),
        "IP" => comparison == C::IpAddress,
        _ => true,
    };
    let names: &[&str] = match kind {
        "ARN" => &["ArnLike", "ArnNotLike"],
        "Bool" => &["Bool"],
        "Numeric" => &["NumericEquals", "NumericLessThan"],
        "Date" => &["DateLessThan", "DateGreaterThan"],
        "IP" => &["IpAddress", "NotIpAddress"],
        _ => &["StringEquals", "StringLike"],
    };
    (!fits).then_some(names)
}

fn type_words(kind: &str) -> &'static str {
    match kind {
        "ARN" => "an ARN",
        "Bool" => "`true` or `false`",
        "Numeric" => "a number",
        "Date" => "a time",
        "IP" => "an IP address",
        _ => "a text",
    }
}
