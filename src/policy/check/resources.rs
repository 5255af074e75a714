//! Resources: whether they are ARNs, and whether the statement's actions act on
//! them.

use super::actions::{Named, Reach};
use super::code::{Code, Severity};
use super::report::Report;
use super::spot::Step;
use super::spot::Step::{At, In};
use super::wild::{covers, is_star};
use super::{Kind, Subject};
use crate::names::{Arn, shortened};
use crate::policy::catalogue::{ResourceType, Service, either};
use crate::policy::is_pattern;
use crate::policy::pattern::{Pattern, Syntax, Token};
use crate::policy::statement::{Clause, Statement};
use std::collections::BTreeMap;

/// How many ARNs a message shows.
const SHAPES: usize = 3;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// A resource of a statement.
enum Target {
    /// `*`.
    Star,
    Arn(Arn),
    /// Not understood well enough to say what acts on it.
    Odd,
}

/// Reports on the resources of a statement.
pub(super) fn check(
    subject: &Subject<'_>,
    index: usize,
    statement: &Statement,
    reach: &Reach<'_>,
    report: &mut Report<'_>,
) {
    let Some(clause) = &statement.resource else { return };
    let name = if clause.negated { "NotResource" } else { "Resource" };
    let mut targets = Vec::with_capacity(clause.values.len());
    for (at, text) in clause.values.iter().enumerate() {
        let way = [In("Statement"), At(index), In(name), At(at)];
        targets.push(target(subject, text, &way, report));
    }
    let whole = targets.iter().all(|target| matches!(target, Target::Arn(_)));
    if whole && reach.exact && !clause.negated && !targets.is_empty() {
        let named: Vec<_> = reach.known().collect();
        Use { subject, index, clause, named, targets }.check(report);
    }
}

/// Reads a resource, and reports what is wrong with its form.
fn target(subject: &Subject<'_>, text: &str, way: &[Step<'_>], report: &mut Report<'_>) -> Target {
    if is_star(text) {
        return Target::Star;
    }
    let wide = widened(text, subject.has_variables());
    if wide.len() != text.len() && is_star(&wide) {
        return Target::Odd;
    }
    // API Gateway takes paths of its own in its resource policies.
    if subject.kind == Kind::Resource && text.starts_with("execute-api:/") {
        return Target::Odd;
    }
    let parts: Vec<&str> = wide.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, service, region, account, _] => {
            form(text, [partition, service, region, account], &wide, way, report)
        }
        ["arn", rest @ ..] if rest.len() < 5 => {
            incomplete(subject, text, rest.len(), way, report);
            Target::Odd
        }
        _ => {
            let message = format!("`{}` is neither an ARN nor `*`", shortened(text));
            let help = "a resource looks like `arn:partition:service:region:account:resource`";
            report.add(Code::MalformedArn, way, message, help);
            Target::Odd
        }
    }
}

/// The text with `*` for each variable, as what it may become at most.
fn widened(text: &str, variables: bool) -> String {
    let pattern = Pattern::parse(text, Syntax { wildcards: true, variables });
    let sign = |token: &Token| match token {
        Token::Char('*' | '?') | Token::Any => '?',
        Token::Char(character) => *character,
        Token::Star | Token::Variable(_) => '*',
    };
    pattern.tokens.iter().map(sign).collect()
}

fn form(text: &str, parts: [&str; 4], wide: &str, way: &[Step<'_>], report: &mut Report<'_>) -> Target {
    let [partition, service, region, account] = parts;
    let short = shortened(text);
    let mut wrong = |message: String, help: &str| report.add(Code::MalformedArn, way, message, help);
    if partition.is_empty() || service.is_empty() || wide.ends_with("::") && wide.matches(':').count() == 5 {
        wrong(
            format!("`{short}` is not an ARN: partition, service and resource must not be empty"),
            "an ARN looks like `arn:partition:service:region:account:resource`",
        );
        return Target::Odd;
    }
    if !is_pattern(partition) && !PARTITIONS.contains(&partition) {
        wrong(
            format!("`{short}` has an unknown partition: it must be {}", either(&PARTITIONS)),
            "most accounts are in partition `aws`",
        );
        return Target::Odd;
    }
    let digits = account.bytes().all(|byte| byte.is_ascii_digit());
    if digits && !account.is_empty() && account.len() != 12 {
        wrong(
            format!("`{short}` has no account with 12 digits"),
            "an account id has exactly 12 digits, zeros in front included",
        );
        return Target::Odd;
    }
    if !is_pattern(region)
        && region.bytes().any(|byte| !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'))
    {
        wrong(
            format!("`{short}` has no region where one belongs"),
            "a region looks like `eu-west-1`; leave the part empty for services without regions",
        );
        return Target::Odd;
    }
    if is_pattern(service) {
        let message = format!("`{short}` has a wildcard in its service: AWS refuses that");
        report.add(Code::WildcardService, way, message, "name one service in each resource, or use `*` alone");
        return Target::Odd;
    }
    if let Some(kind) = wildcard_type(text) {
        let message = format!("`{short}` has a wildcard in its resource type `{kind}`");
        report.add(Code::WildcardType, way, message, "name the type in full, as in `user/*`");
    }
    // Parameters that AWS publishes have no account.
    if service == "ssm" && account.is_empty() && wide.contains(":parameter/aws/") {
        return Target::Odd;
    }
    Arn::parse(wide).map_or(Target::Odd, Target::Arn)
}

/// The resource type of an ARN, if it stands before a `/` or `:` and has a wildcard among letters.
fn wildcard_type(text: &str) -> Option<&str> {
    // In these services what stands before the slash is a name, and no type.
    const NAMES: [&str; 6] = ["s3", "execute-api", "sns", "sqs", "codecommit", "s3express"];
    let mut parts = text.splitn(6, ':');
    let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
    let (kind, _) = resource.split_once(['/', ':'])?;
    let letters = kind.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-*?".contains(&byte));
    let partly = is_pattern(kind) && !is_star(kind) && letters;
    (partly && !NAMES.contains(&service)).then_some(kind)
}

fn incomplete(subject: &Subject<'_>, text: &str, parts: usize, way: &[Step<'_>], report: &mut Report<'_>) {
    let short = shortened(text);
    let full = format!("{}{}", shortened(text.trim_end_matches(':')), ":*".repeat(5 - parts));
    if subject.kind.has_principals() {
        let message = format!("`{short}` is not a whole ARN: in {} nothing is filled in", subject.kind.words());
        report.add_as(
            Severity::Error,
            Code::IncompleteArn,
            way,
            message,
            format!("write all six parts, as in `{full}`"),
        );
    } else {
        let message = format!("`{short}` is not a whole ARN: AWS reads it as `{full}`");
        report.add(Code::IncompleteArn, way, message, "write all six parts, so that nobody is surprised");
    }
}

/// Which of the statement's actions act on which of its resources.
struct Use<'s, 'a> {
    subject: &'s Subject<'s>,
    index: usize,
    clause: &'s Clause,
    named: Vec<(usize, &'s Named<'a>)>,
    targets: Vec<Target>,
}

/// For one service: the types that each resource may be, by the number of the resource.
struct Fits<'a> {
    service: &'a Service,
    of: Vec<Vec<&'a ResourceType>>,
    all: Vec<&'a ResourceType>,
    /// The types that some action of the statement acts on.
    used: Vec<&'a ResourceType>,
}

impl<'a> Fits<'a> {
    fn of(service: &'a Service, targets: &[Target], report: &Report<'_>) -> Option<Self> {
        let (mut of, mut all): (Vec<_>, Vec<&'a ResourceType>) = (Vec::with_capacity(targets.len()), Vec::new());
        for target in targets {
            let Target::Arn(arn) = target else { return None };
            let stars = arn.resource().bytes().filter(|byte| *byte == b'*').count();
            if !report.spend(service.resources.len() * (16 + arn.as_str().len() * (1 + stars.min(8)))) {
                return None;
            }
            let types = service.fitting(arn);
            for kind in &types {
                add(&mut all, kind);
            }
            of.push(types);
        }
        Some(Self { service, of, all, used: Vec::new() })
    }
}

fn add<'a>(types: &mut Vec<&'a ResourceType>, kind: &'a ResourceType) {
    if !has(types, kind) {
        types.push(kind);
    }
}

fn has(types: &[&ResourceType], kind: &ResourceType) -> bool {
    types.iter().any(|other| std::ptr::eq(*other, kind))
}

impl<'a> Use<'_, 'a> {
    fn check(&self, report: &mut Report<'_>) {
        let mut services: BTreeMap<&str, Fits<'a>> = BTreeMap::new();
        for (_, named) in &self.named {
            let service = named.service;
            if !services.contains_key(service.prefix) {
                let Some(fits) = Fits::of(service, &self.targets, report) else { return };
                services.insert(service.prefix, fits);
            }
        }
        let mut whole = true;
        for (at, named) in &self.named {
            let Some(fits) = services.get_mut(named.service.prefix) else { return };
            if !report.spend(named.work()) {
                return;
            }
            let mut idle = true;
            for action in named.actions().filter(|action| action.acts_on(&fits.all)) {
                idle = false;
                for (kind, _) in fits.service.resources_of(action) {
                    add(&mut fits.used, kind);
                }
            }
            if idle {
                whole = false;
                self.idle(*at, named, report);
            }
        }
        self.unused(&services, whole, report);
    }

    /// An action that acts on none of the resources.
    fn idle(&self, at: usize, named: &Named<'_>, report: &mut Report<'_>) {
        let way = [In("Statement"), At(self.index), In("Action"), At(at)];
        if report.is_full() {
            return report.add(Code::ActionWithoutResource, &way, "", "");
        }
        let text = named.full();
        let severity = if self.is_served(&text, report) { Severity::Note } else { Severity::Warning };
        match named.actions().find(|action| !action.is_without_resource()) {
            None => {
                let message = format!("`{text}` acts on no particular resource: only resource `*` fits it");
                report.add_as(
                    severity,
                    Code::ActionNeedsStar,
                    &way,
                    message,
                    "give it a statement of its own with resource `*`",
                );
            }
            Some(action) => {
                let shapes = self.shapes(named.service.resources_of(action).map(|(kind, _)| kind), 0);
                let message = format!("`{text}` acts on none of the statement's resources");
                let help = format!("it acts on resources that look like {}", either(&shapes));
                report.add_as(severity, Code::ActionWithoutResource, &way, message, help);
            }
        }
    }

    /// The ARNs of some types, those first that are nearest to a resource.
    fn shapes<'k>(&self, kinds: impl Iterator<Item = &'k ResourceType>, at: usize) -> Vec<String> {
        let resource = self.clause.values.get(at).map(|text| shortened(text)).unwrap_or_default();
        let mut shapes: Vec<String> = kinds.map(shape).collect();
        shapes.sort_by_cached_key(|shape| (strsim::osa_distance(shape, &resource), shape.clone()));
        shapes.dedup();
        shapes.truncate(SHAPES);
        shapes
    }

    /// Whether another statement of the same effect has the action too: then nothing is missing.
    fn is_served(&self, text: &str, report: &Report<'_>) -> bool {
        let allows = self.subject.policy.statements.get(self.index).map(|statement| statement.allows);
        self.subject.statements().any(|(index, other)| {
            index != self.index
                && Some(other.allows) == allows
                && !other.action.negated
                && report.spend(other.action.values.len() * 8)
                && other.action.values.iter().any(|value| covers(value, text, true))
        })
    }

    /// Resources that no action acts on. Where an action lacks its resource, they are told only if
    /// another action has found its own: else one mistake would be told twice.
    fn unused(&self, services: &BTreeMap<&str, Fits<'_>>, whole: bool, report: &mut Report<'_>) {
        let any_used = services.values().any(|fits| !fits.used.is_empty());
        if !whole && !any_used {
            return;
        }
        for (at, text) in self.clause.values.iter().enumerate() {
            let used = services
                .values()
                .any(|fits| fits.of.get(at).is_some_and(|types| types.iter().any(|kind| has(&fits.used, kind))));
            if !used && report.is_full() {
                report.add(Code::ResourceUnused, &[], "", "");
            } else if !used {
                let way = [In("Statement"), At(self.index), In("Resource"), At(at)];
                let message = format!("no action of the statement acts on `{}`", shortened(text));
                let shapes = self.shapes(services.values().flat_map(|fits| fits.used.iter().copied()), at);
                let help = format!("they act on resources that look like {}", either(&shapes));
                report.add(Code::ResourceUnused, &way, message, help);
            }
        }
    }
}

/// The ARNs of a type as people would write them: `<Name>` is to be filled in.
fn shape(kind: &ResourceType) -> String {
    kind.arn.replace("${Partition}", "aws").replace("${", "<").replace('}', ">")
}
