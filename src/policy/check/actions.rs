//! Actions: whether they exist, and whether they can match at all.

use super::code::{Code, Severity};
use super::report::Report;
use super::spot::Step::{At, In};
use super::wild::{is_star, matches};
use crate::names::shortened;
use crate::policy::catalogue::{Action, Catalogue, Service, did_you_mean, nearest};
use crate::policy::is_pattern;
use crate::policy::statement::Statement;

/// What the actions of a statement are.
pub(super) struct Reach<'a> {
    /// One for each value of the statement.
    pub(super) entries: Vec<Entry<'a>>,
    /// Whether the known entries are all that the statement can match.
    pub(super) exact: bool,
}

/// One action of a statement.
pub(super) enum Entry<'a> {
    /// Actions of one service; at least one is known.
    Known(Named<'a>),
    /// `*`, or a pattern over the names of services.
    Wide,
    /// It looks like an action, but none is known.
    Unknown(Unknown<'a>),
    /// It can never match: why.
    Never(&'static str),
}

/// An action or a pattern, within its service.
pub(super) struct Named<'a> {
    pub(super) service: &'a Service,
    /// What follows the colon.
    name: &'a str,
}

/// What is not known of an action.
pub(super) enum Unknown<'a> {
    Service(&'a str),
    Action(&'a Service, &'a str),
    Pattern(&'a Service, &'a str),
    AnyService,
}

impl<'a> Named<'a> {
    /// The known actions that it matches.
    pub(super) fn actions(&self) -> impl Iterator<Item = &'a Action> + use<'a> {
        let (service, name) = (self.service, self.name);
        let (exact, all): (_, &'a [Action]) =
            if is_pattern(name) { (None, &service.actions) } else { (service.action(name), &[]) };
        exact.into_iter().chain(all.iter().filter(move |action| matches(name, action.name, true)))
    }

    /// Its full name, with the service.
    pub(super) fn full(&self) -> String {
        shortened(&format!("{}:{}", self.service.prefix, self.name))
    }

    /// How much work it is to go through them.
    pub(super) fn work(&self) -> usize {
        if is_pattern(self.name) { self.service.actions.len() * 24 + self.name.len() } else { 16 }
    }
}

impl<'a> Reach<'a> {
    /// Looks up what a statement matches.
    pub(super) fn of(statement: &'a Statement, catalogue: &'a Catalogue) -> Self {
        let entries: Vec<Entry<'a>> = statement.action.values.iter().map(|text| entry(text, catalogue)).collect();
        let some = entries.iter().any(|entry| matches!(entry, Entry::Known(_)));
        let all = entries.iter().all(|entry| matches!(entry, Entry::Known(_) | Entry::Never(_)));
        Self { exact: some && all && !statement.action.negated, entries }
    }

    /// The entries whose actions are known, with their numbers.
    pub(super) fn known(&self) -> impl Iterator<Item = (usize, &Named<'a>)> {
        let all = self.entries.iter().enumerate();
        all.filter_map(|(index, entry)| if let Entry::Known(named) = entry { Some((index, named)) } else { None })
    }
}

fn entry<'a>(text: &'a str, catalogue: &'a Catalogue) -> Entry<'a> {
    if is_star(text) {
        return Entry::Wide;
    }
    let foreign = |byte: u8| !(byte.is_ascii_alphanumeric() || b"*?:-_.".contains(&byte));
    let why = match text.split_once(':') {
        _ if text.contains(char::is_whitespace) => "it has a blank, and actions are never trimmed",
        _ if text.contains(',') => "it has a comma: a list needs a text for each action",
        _ if text.contains("${") => "policy variables are not replaced in actions",
        _ if text.bytes().any(foreign) => "it has a character that no action has",
        None => "it has no colon between service and action",
        Some(("", _) | (_, "")) => "service or action is empty",
        Some((_, name)) if name.contains(':') => "it has two colons",
        Some((prefix, name)) => return known(prefix, name, catalogue),
    };
    Entry::Never(why)
}

fn known<'a>(prefix: &'a str, name: &'a str, catalogue: &'a Catalogue) -> Entry<'a> {
    if is_pattern(prefix) {
        let known = is_star(prefix) && is_star(name)
            || catalogue.services().any(|service| matches(prefix, service.prefix, true));
        return if known { Entry::Wide } else { Entry::Unknown(Unknown::AnyService) };
    }
    let Some(service) = catalogue.service(prefix) else { return Entry::Unknown(Unknown::Service(prefix)) };
    let named = Named { service, name };
    let found = named.actions().next();
    match found {
        Some(_) => Entry::Known(named),
        None if is_pattern(name) => Entry::Unknown(Unknown::Pattern(service, name)),
        None => Entry::Unknown(Unknown::Action(service, name)),
    }
}

/// Reports on the actions of a statement.
pub(super) fn check(
    index: usize,
    statement: &Statement,
    reach: &Reach<'_>,
    catalogue: &Catalogue,
    report: &mut Report<'_>,
) {
    let name = if statement.action.negated { "NotAction" } else { "Action" };
    for (at, (text, entry)) in statement.action.values.iter().zip(&reach.entries).enumerate() {
        let way = [In("Statement"), At(index), In(name), At(at)];
        match entry {
            Entry::Known(_) | Entry::Wide => {}
            // What was meant is dear to find out.
            Entry::Unknown(_) if report.is_full() => report.add(Code::UnknownAction, &way, "", ""),
            Entry::Never(why) => {
                let (message, help) = never(text, why, statement.action.negated);
                report.add(Code::MalformedAction, &way, message, help);
            }
            Entry::Unknown(unknown) => {
                let (code, message) = not_known(text, unknown, catalogue);
                report.add(code, &way, message, UNKNOWN_HELP);
            }
        }
    }
    denies_nothing(index, statement, reach, report);
}

const UNKNOWN_HELP: &str =
    "correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do";

fn never(text: &str, why: &str, negated: bool) -> (String, &'static str) {
    let text = shortened(text);
    if negated {
        let message =
            format!("`{text}` excludes nothing, because {why}: the statement reaches what it was to leave out");
        return (message, "under `NotAction` a misspelt action is the most dangerous: write it as `s3:GetObject`");
    }
    (format!("`{text}` never matches: {why}"), "write one action for each text, as in `s3:GetObject` or `s3:Get*`")
}

fn not_known(text: &str, unknown: &Unknown<'_>, catalogue: &Catalogue) -> (Code, String) {
    let offered = |service: &Service, name: &str| {
        let near = nearest(name, service.actions.iter().map(|action| action.name));
        did_you_mean(&near.iter().map(|name| format!("{}:{name}", service.prefix)).collect::<Vec<_>>())
    };
    match unknown {
        Unknown::Service(prefix) => {
            let near = did_you_mean(&catalogue.nearest_services(prefix));
            (Code::UnknownService, format!("`{}` is not a known service{near}", shortened(prefix)))
        }
        Unknown::Action(service, name) => {
            let near = offered(service, name);
            (Code::UnknownAction, format!("`{}` is not a known action of {}{near}", shortened(text), service.prefix))
        }
        Unknown::Pattern(service, name) => {
            let near = offered(service, name.split(['*', '?']).next().unwrap_or_default());
            (Code::NoSuchActions, format!("`{}` matches no known action of {}{near}", shortened(text), service.prefix))
        }
        Unknown::AnyService => {
            (Code::NoSuchActions, format!("`{}` matches no known action of any service", shortened(text)))
        }
    }
}

/// A Deny none of whose actions exists protects from nothing.
fn denies_nothing(index: usize, statement: &Statement, reach: &Reach<'_>, report: &mut Report<'_>) {
    let idle = |entry: &Entry<'_>| matches!(entry, Entry::Unknown(_) | Entry::Never(_));
    if statement.allows || statement.action.negated || reach.entries.is_empty() || !reach.entries.iter().all(idle) {
        return;
    }
    let certain = reach.entries.iter().all(|entry| matches!(entry, Entry::Never(_)));
    let (severity, message) = if certain {
        (Severity::Error, "this Deny denies nothing: none of its actions can match")
    } else {
        (Severity::Warning, "this Deny denies nothing that is known: none of its actions exists")
    };
    report.add_as(severity, Code::DeniesNothing, &[In("Statement"), At(index)], message, "correct its actions");
}
