//! A refusal as one sentence: which scope, the request that shows it, the rule
//! that comes nearest, and the smallest change that would do.

use super::super::desired::Declaration;
use super::rules::{Denial, Named, Rules};
use crate::names::{Arn, shortened};
use crate::policy::ceiling::{Beyond, Near, Rule, holds};
use crate::policy::is_pattern;
use crate::policy::{Catalogue, Condition, Grant, Request, Scope, explain};

/// How many resources or policies are named.
const LISTED: usize = 2;

/// A scope that goes beyond the ceiling.
pub(super) struct Told<'a> {
    pub(super) declaration: Declaration<'a>,
    pub(super) index: usize,
    pub(super) scope: &'a Scope,
    pub(super) beyond: &'a Beyond,
}

/// An element of a scope that asks for a request.
struct Element {
    /// Its place in the scope, such as `actions[2]`.
    place: String,
    /// Its text.
    text: String,
}

impl Element {
    fn is_pattern(&self) -> bool {
        is_pattern(&self.text)
    }
}

impl Told<'_> {
    /// The field that is to blame, and the sentence.
    pub(super) fn words(&self, rules: &Rules<'_>, catalogue: &Catalogue) -> (String, String) {
        let asked = self.asked(catalogue);
        let denial = self
            .beyond
            .denied_by
            .and_then(|denied| Some((rules.denies.get(denied)?, rules.ceiling.denies.get(denied)?)));
        let (place, rest) = match (denial, self.beyond.nearest) {
            (Some((denial, rule)), _) => self.denied(denial, rule, catalogue),
            (None, Some(near)) => self.near(near, rules, catalogue),
            (None, None) => self.far(rules, catalogue),
        };
        let field = format!("spec.scopes[{}]{place}", self.index);
        (field, format!("'{}' asks in scope `{}` {asked}, {rest}", self.declaration.key, self.scope.name))
    }

    /// What is asked for, in words and exactly.
    fn asked(&self, catalogue: &Catalogue) -> String {
        let Request { action, resource, .. } = &self.beyond.request;
        let known = catalogue.action(action);
        let pattern = self.action(catalogue).filter(Element::is_pattern);
        if let (None, Some(pattern)) = (known, pattern) {
            return format!("by `{}` also for actions that AWS may add later", pattern.text);
        }
        let spelled =
            known.map_or_else(|| action.clone(), |(service, known)| format!("{}:{}", service.prefix, known.name));
        format!("to {} (`{spelled}` on `{}`)", explain::request(&self.beyond.request, catalogue), shortened(resource))
    }

    /// Denied, whatever is allowed.
    fn denied(&self, denial: &Denial<'_>, rule: &Rule, catalogue: &Catalogue) -> (String, String) {
        let (place, leave) = self.leave_out(rule, catalogue);
        let rest = match denial {
            Denial::Rule(Named { policy, rule: name }) => {
                let when = if rule.conditions.is_empty() {
                    String::new()
                } else {
                    format!(" where {}", all(&rule.conditions))
                };
                format!(
                    "which rule `{name}` of ScopePolicy '{policy}' denies{when}: {leave}, or ask the owners of ScopePolicy '{policy}'"
                )
            }
            Denial::Permissions(Some(policy)) => format!(
                "which is `Permissions` access, and ScopePolicy '{policy}' says `permissionsManagement: Forbid`: {leave}, or ask the owners of ScopePolicy '{policy}'"
            ),
            Denial::Permissions(None) => format!(
                "which is `Permissions` access, and no ScopePolicy says `permissionsManagement: Allow`: {leave}, or ask the platform team"
            ),
            Denial::Floor(why) => format!("which no ScopePolicy can allow, because {why}: {leave}"),
        };
        (place, rest)
    }

    /// How to keep away from what a rule denies: by a condition or a resource where that is what the
    /// rule is about.
    fn leave_out(&self, rule: &Rule, catalogue: &Catalogue) -> (String, String) {
        if !rule.conditions.is_empty() {
            return (String::new(), "give the scope conditions that rule this out".to_owned());
        }
        let resource = self.resource().filter(|_| !rule.resources.iter().any(|text| text == "*"));
        let Some(element) = resource else { return self.without_action(catalogue) };
        let place = format!(".{}", element.place);
        let met: Vec<String> = rule.resources.iter().filter(|text| self.is_on(text)).cloned().collect();
        if !met.iter().any(|text| covers(text, &element.text)) {
            let leave = format!("narrow `{}` so that it leaves out {}", shortened(&element.text), listed(&met));
            return (place, leave);
        }
        if self.scope.resources.len() > 1 {
            return (place, format!("leave `{}` out", shortened(&element.text)));
        }
        self.without_action(catalogue)
    }

    /// Whether the request is on a resource that a pattern names.
    fn is_on(&self, pattern: &str) -> bool {
        holds(&["*".to_owned()], &[pattern.to_owned()], &[], &self.beyond.request)
    }

    /// How to ask for less than the action.
    fn without_action(&self, catalogue: &Catalogue) -> (String, String) {
        let Some(element) = self.action(catalogue) else { return (String::new(), "narrow the scope".to_owned()) };
        let words = match &self.scope.grant {
            Grant::Access(levels) if levels.len() > 1 => format!("leave `{}` out of `access`", element.text),
            Grant::Access(_) => "name the actions that are needed instead of `access`".to_owned(),
            Grant::Actions(_) if element.is_pattern() => {
                format!("name the actions that are needed instead of `{}`", shortened(&element.text))
            }
            Grant::Actions(actions) if actions.len() > 1 => format!("leave `{}` out", shortened(&element.text)),
            Grant::Actions(_) => "leave the scope out".to_owned(),
        };
        (format!(".{}", element.place), words)
    }

    /// Not allowed, but some rule comes near.
    fn near(&self, near: Near, rules: &Rules<'_>, catalogue: &Catalogue) -> (String, String) {
        let (Some(Named { policy, rule: name }), Some(rule)) =
            (rules.allows.get(near.rule), rules.ceiling.allows.get(near.rule))
        else {
            return self.far(rules, catalogue);
        };
        let (place, lack, change) = match (near.action, near.resource) {
            (true, true) => {
                let (place, asked, change) = self.conditions(rule);
                (place, format!("allows it only {asked}"), change)
            }
            (true, false) => {
                let (place, change) = self.apart(catalogue).unwrap_or_else(|| self.narrower(rule));
                (place, format!("is for {}", listed(&rule.resources)), change)
            }
            (false, true) => {
                let (place, change) = self.apart(catalogue).unwrap_or_else(|| self.without_action(catalogue));
                let is_known = catalogue.action(&self.beyond.request.action).is_some();
                (place, if is_known { "does not allow the action" } else { "allows none of those" }.to_owned(), change)
            }
            (false, false) => {
                let (place, change) = self.without_action(catalogue);
                (place, format!("allows other actions, on {}", listed(&rule.resources)), change)
            }
        };
        let rest = format!(
            "which no ScopePolicy allows; nearest is rule `{name}` of ScopePolicy '{policy}', which {lack}: {change}, or ask the owners of ScopePolicy '{policy}'"
        );
        (place, rest)
    }

    /// Not allowed, and no rule comes near.
    fn far(&self, rules: &Rules<'_>, catalogue: &Catalogue) -> (String, String) {
        let (place, change) = self.without_action(catalogue);
        let owners = owners(rules);
        (place, format!("which no rule of ScopePolicy {owners} comes near to allowing: {change}, or ask its owners"))
    }

    /// What the rule asks for and the scope does not, and how to add it.
    fn conditions(&self, rule: &Rule) -> (String, String, String) {
        let any = ["*".to_owned()];
        let lacks = |condition: &&Condition| !holds(&any, &any, std::slice::from_ref(*condition), &self.beyond.request);
        let lacking: Vec<Condition> = rule.conditions.iter().filter(lacks).cloned().collect();
        let (those, condition) = if lacking.len() == 1 { ("that", "condition") } else { ("those", "conditions") };
        let has = |own: &Condition| lacking.iter().any(|lacking| lacking.key.eq_ignore_ascii_case(&own.key));
        let own = self.scope.conditions.iter().enumerate().find(|(_, own)| has(own));
        let (place, change) = match own {
            Some((place, own)) => (
                format!(".conditions[{place}]"),
                format!("put {those} {condition} in place of the scope's own on `{}`", shortened(&own.key)),
            ),
            None => (String::new(), format!("give the scope {those} {condition}")),
        };
        (place, format!("with the {condition} {}", all(&lacking)), change)
    }

    /// Where the action cannot act on the resource, the scope mixes what belongs apart.
    fn apart(&self, catalogue: &Catalogue) -> Option<(String, String)> {
        let (service, action) = catalogue.action(&self.beyond.request.action)?;
        let arn = Arn::parse(&self.beyond.request.resource).ok()?;
        let is_mixed = self.scope.resources.len() > 1 && !action.acts_on(&service.fitting(&arn));
        is_mixed.then(|| {
            let change = "give each kind of resource a scope of its own, with only the actions that act on it";
            (String::new(), change.to_owned())
        })
    }

    /// How to ask for no more than the rule's resources.
    fn narrower(&self, rule: &Rule) -> (String, String) {
        let Some(element) = self.resource() else { return (String::new(), "narrow `resources`".to_owned()) };
        let place = format!(".{}", element.place);
        let begins = |text: &str| text.split(['*', '?']).next().unwrap_or_default().to_owned();
        let own = begins(&element.text);
        let texts = || rule.resources.iter().filter(|_| element.is_pattern());
        let inside = texts().find(|text| covers(&element.text, text));
        let meets = |text: &&String| begins(text).starts_with(&own) || own.starts_with(&begins(text));
        let beside = texts().filter(|text| is_pattern(text)).find(meets);
        let change = match (inside, beside) {
            (Some(inside), _) => format!("narrow `{}` to `{}`", shortened(&element.text), shortened(inside)),
            (None, Some(beside)) => {
                format!("narrow `{}` so that it stays within `{}`", shortened(&element.text), shortened(beside))
            }
            (None, None) if self.scope.resources.len() > 1 => format!("leave `{}` out", shortened(&element.text)),
            (None, None) => "name a resource that it is for".to_owned(),
        };
        (place, change)
    }

    /// The first element that asks for the action.
    fn action(&self, catalogue: &Catalogue) -> Option<Element> {
        let action = &self.beyond.request.action;
        match &self.scope.grant {
            Grant::Access(levels) => {
                let (_, known) = catalogue.action(action)?;
                let place = levels.iter().position(|level| *level == known.level)?;
                Some(Element { place: format!("access[{place}]"), text: known.level.to_string() })
            }
            Grant::Actions(actions) => self.element("actions", actions, |text| (text.clone(), "*".to_owned())),
        }
    }

    /// The first element that asks for the resource.
    fn resource(&self) -> Option<Element> {
        self.element("resources", &self.scope.resources, |text| ("*".to_owned(), text.clone()))
    }

    fn element(&self, list: &str, texts: &[String], alone: impl Fn(&String) -> (String, String)) -> Option<Element> {
        let asks = |text: &String| {
            let (action, resource) = alone(text);
            holds(&[action], &[resource], &[], &self.beyond.request)
        };
        let place = texts.iter().position(asks)?;
        Some(Element { place: format!("{list}[{place}]"), text: texts.get(place)?.clone() })
    }
}

/// That it could not be decided, and what would help.
pub(super) fn undecided(
    declaration: Declaration<'_>,
    scope: Option<&Scope>,
    reason: &str,
    candidate: Option<&Request>,
    rules: &Rules<'_>,
    catalogue: &Catalogue,
) -> String {
    let what =
        scope.map_or_else(|| "with all scopes together".to_owned(), |scope| format!("in scope `{}`", scope.name));
    let perhaps = candidate
        .map(|request| format!("; perhaps it may {}", explain::request(request, catalogue)))
        .unwrap_or_default();
    format!(
        "'{}' asks {what} for more than can be judged, and so it is refused: {reason}{perhaps}; name actions and resources with fewer wildcards, or ask the owners of ScopePolicy {} for simpler rules",
        declaration.key,
        owners(rules)
    )
}

/// The policies whose owners may help.
fn owners(rules: &Rules<'_>) -> String {
    let mut owners: Vec<String> = rules.policies.iter().take(LISTED).map(|name| format!("'{name}'")).collect();
    if let Some(more @ 1..) = rules.policies.len().checked_sub(LISTED) {
        owners.push(format!("{more} more"));
    }
    owners.join(" or ")
}

/// Whether a pattern matches all that another one does; `false` if that is not plain to see.
fn covers(pattern: &str, other: &str) -> bool {
    // What a `?` stands for is one character, and a wildcard of the other may be none or many.
    let is_plain = !pattern.contains('?') || !is_pattern(other);
    let request = Request { resource: other.to_owned(), ..Request::default() };
    is_plain && holds(&["*".to_owned()], &[pattern.to_owned()], &[], &request)
}

/// Conditions, all of which must hold.
fn all(conditions: &[Condition]) -> String {
    conditions.iter().map(condition).collect::<Vec<_>>().join(" and ")
}

fn condition(condition: &Condition) -> String {
    format!("`{}` {} {}", condition.key, condition.operator, listed(&condition.values))
}

/// The first texts of a list.
fn listed(texts: &[String]) -> String {
    let mut shown: Vec<String> = texts.iter().take(LISTED).map(|text| format!("`{}`", shortened(text))).collect();
    if let Some(more @ 1..) = texts.len().checked_sub(LISTED) {
        shown.push(format!("{more} more"));
    }
    shown.join(" or ")
}
