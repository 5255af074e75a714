//! A request and its decision in words.

use super::who::Who;
use crate::names::Arn;
use crate::policy::catalogue::Catalogue;
use crate::policy::english::things::{Style, Things, every};
use crate::policy::english::verbs;
use crate::policy::english::words::{quoted, series};
use crate::policy::request::{ContextValue, Decision, Matched, Outcome, Request};

/// How many keys of a request are said.
const KEYS: usize = 8;
/// How many values of a key are said.
const VALUES: usize = 3;
/// How many statements are said to have decided.
const STATEMENTS: usize = 3;
const STYLE: Style = Style { listed: VALUES, any: true, denies: false };

/// A request in words that follow `can`: what is done, by whom, and where it matters.
#[must_use]
pub fn request(request: &Request, catalogue: &Catalogue) -> String {
    let caller = match request.principal.as_deref() {
        None => String::new(),
        Some("*") => ", not signed in".to_owned(),
        Some(principal) => format!(" as {}", Who::caller(principal).words()),
    };
    format!("{}{caller}{}", done(request, catalogue), context(request))
}

/// What is done.
pub(super) fn done(request: &Request, catalogue: &Catalogue) -> String {
    let acts_on_none = catalogue.action(&request.action).is_some_and(|(_, action)| action.is_without_resource());
    let verb = verbs::of_action(&request.action);
    let things = match (request.resource.as_str(), verb) {
        ("*", Some(verb)) if !verb.kind.is_empty() => every(verb.kind, STYLE),
        ("*", _) => String::new(),
        (_, Some(verb)) if verb.kind.is_empty() => String::new(),
        (resource, _) => thing(resource, catalogue),
    };
    if let Some(verb) = verb {
        return format!("{} {things}", verb.words).trim_end().to_owned();
    }
    let on = if things.is_empty() || acts_on_none { String::new() } else { format!(" on {things}") };
    format!("use {}{on}", quoted(&spelled(&request.action, catalogue)))
}

/// A resource of a request. It is one thing, so a star in it is only a star.
fn thing(resource: &str, catalogue: &Catalogue) -> String {
    if resource.contains(['*', '?']) {
        return format!("resource {}", quoted(resource));
    }
    // What follows the group is a stream of it.
    let group = resource.split_once(":log-stream:").map_or(resource, |(group, _)| group);
    if Arn::parse(group).is_err() {
        return format!("resource {}", quoted(resource));
    }
    Things::of([group], catalogue).words(STYLE)
}

fn spelled(action: &str, catalogue: &Catalogue) -> String {
    catalogue
        .action(action)
        .map_or_else(|| action.to_owned(), |(service, known)| format!("{}:{}", service.prefix, known.name))
}

/// `, where … is … and … is …`.
pub(super) fn context(request: &Request) -> String {
    let mut said: Vec<String> = request.context.iter().take(KEYS).map(pair).collect();
    let all = request.context.iter().count();
    if all > KEYS {
        said.push(format!("{} more keys have values", all - KEYS));
    }
    if said.is_empty() { String::new() } else { format!(", where {}", series(&said, "and")) }
}

fn pair(value: &ContextValue) -> String {
    let mut shown: Vec<String> = value.values.iter().take(VALUES).map(|value| quoted(value)).collect();
    if value.values.len() > VALUES {
        shown.push(format!("{} more", value.values.len() - VALUES));
    }
    let key = quoted(&value.key);
    match value.values.len() {
        0 => format!("{key} is not given"),
        1 => format!("{key} is {}", series(&shown, "and")),
        _ => format!("{key} has {}", series(&shown, "and")),
    }
}

/// A decision in words, with the statements that made it. Statements are named, or numbered from
/// zero as in answers.
#[must_use]
pub fn decision(request: &Request, decision: &Decision) -> String {
    let statements = statements(&decision.matched);
    let (allow, deny) = if decision.matched.len() == 1 { ("allows", "denies") } else { ("allow", "deny") };
    let reason = decision.reason.as_deref().map(crate::policy::english::words::line);
    let what = format!("{} on {}", quoted(&request.action), quoted(&request.resource));
    let because = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match (decision.outcome, decision.matched.is_empty()) {
        (Outcome::Allowed, false) => format!("allowed: {statements} {allow} it"),
        (Outcome::Allowed, true) => format!("allowed{because}"),
        (Outcome::ExplicitDeny, false) => format!("denied: {statements} {deny} it"),
        (Outcome::ExplicitDeny, true) => format!("denied{because}"),
        (Outcome::ImplicitDeny, true) => match reason {
            Some(reason) => format!("denied: {reason}"),
            None => format!("denied: nothing allows {what}"),
        },
        (Outcome::ImplicitDeny, false) => match reason {
            Some(reason) => format!("denied: {reason}, although {statements} {allow} it"),
            None => format!("denied: {statements} {allow} it, but not every policy that must"),
        },
        (Outcome::Unknown, _) => match reason {
            Some(reason) => format!("not known: {reason}"),
            None => format!("not known whether {what} is allowed"),
        },
    }
}

/// ``statement `Read` of identity[0] and statement 2 of boundary``.
fn statements(matched: &[Matched]) -> String {
    let name = |matched: &Matched| match &matched.sid {
        Some(sid) if !sid.is_empty() => format!("statement {} of {}", quoted(sid), matched.layer),
        _ => format!("statement {} of {}", matched.statement, matched.layer),
    };
    let mut shown: Vec<String> = matched.iter().take(STATEMENTS).map(name).collect();
    if matched.len() > STATEMENTS {
        shown.push(format!("{} more", matched.len() - STATEMENTS));
    }
    series(&shown, "and")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::request::Layer;

    fn made(action: &str, resource: &str, principal: Option<&str>) -> Request {
        Request {
            action: action.into(),
            resource: resource.into(),
            principal: principal.map(str::to_owned),
            ..Request::default()
        }
    }

    fn said(made: &Request) -> String {
        request(made, Catalogue::embedded())
    }

    #[test]
    fn requests_are_words() {
        for (action, resource, principal, text) in [
            ("s3:getobject", "arn:aws:s3:::orders-in/x", None, "read object `orders-in/x`"),
            ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:orders", None, "send messages to queue `orders`"),
            (
                "iam:PassRole",
                "arn:aws:iam::123456789012:role/r",
                Some("arn:aws:iam::123456789012:role/ci"),
                "pass on role `r` as role `ci` of account `123456789012`",
            ),
            ("s3:GetObject", "arn:aws:s3:::b/k", Some("*"), "read object `b/k`, not signed in"),
            ("ec2:DescribeInstances", "*", None, "describe all instances"),
            ("SQS:tagqueue", "arn:aws:sqs:eu-west-1:123456789012:q", None, "use `sqs:TagQueue` on queue `q`"),
            ("nowhere:Do", "*", None, "use `nowhere:Do`"),
            ("s3:GetObject", "arn:aws:s3:::b/*", None, "read resource `arn:aws:s3:::b/*`"),
            ("s3:GetObject", "non\nsense", None, "read resource `non\u{fffd}sense`"),
        ] {
            assert_eq!(said(&made(action, resource, principal)), text);
        }
    }

    #[test]
    fn the_context_of_a_request_is_said() {
        let mut request = made("s3:GetObject", "arn:aws:s3:::b/k", None);
        request.context.set("aws:SourceVpce", "vpce-1");
        request.context.set_list("aws:TagKeys", vec!["a".into(), "b".into()]);
        assert_eq!(
            said(&request),
            "read object `b/k`, where `aws:SourceVpce` is `vpce-1` and `aws:TagKeys` has `a` and `b`"
        );
        for number in 0..20 {
            request.context.set(&format!("x:{number:02}"), "v");
        }
        assert!(said(&request).ends_with("`x:05` is `v` and 14 more keys have values"), "{}", said(&request));
    }

    #[test]
    fn decisions_name_what_decided() {
        let matched = |layer, statement, sid: Option<&str>| Matched { layer, statement, sid: sid.map(str::to_owned) };
        let read = || matched(Layer::Identity(0), 0, Some("Read"));
        let two = || vec![read(), matched(Layer::Boundary, 1, None)];
        for (outcome, matched, reason, text) in [
            (Outcome::Allowed, vec![read()], None, "allowed: statement `Read` of identity[0] allows it"),
            (
                Outcome::Allowed,
                two(),
                None,
                "allowed: statement `Read` of identity[0] and statement 1 of boundary allow it",
            ),
            (
                Outcome::ExplicitDeny,
                vec![matched(Layer::Scp(0, 0), 2, None)],
                None,
                "denied: statement 2 of scps[0][0] denies it",
            ),
            (Outcome::ImplicitDeny, vec![], None, "denied: nothing allows `s3:GetObject` on `arn:aws:s3:::b/k`"),
            (
                Outcome::ImplicitDeny,
                vec![],
                Some("nothing in boundary allows it"),
                "denied: nothing in boundary allows it",
            ),
            (
                Outcome::ImplicitDeny,
                vec![read()],
                Some("nothing in boundary allows it"),
                "denied: nothing in boundary allows it, although statement `Read` of identity[0] allows it",
            ),
            (
                Outcome::ImplicitDeny,
                vec![read()],
                None,
                "denied: statement `Read` of identity[0] allows it, but not every policy that must",
            ),
            (Outcome::Unknown, vec![], Some("a\nb"), "not known: a\u{fffd}b"),
            (Outcome::Unknown, vec![], None, "not known whether `s3:GetObject` on `arn:aws:s3:::b/k` is allowed"),
        ] {
            let reason = reason.map(str::to_owned);
            let request = made("s3:GetObject", "arn:aws:s3:::b/k", None);
            assert_eq!(decision(&request, &Decision { outcome, matched, reason }), text);
        }
        let many = Decision { outcome: Outcome::Allowed, matched: vec![read(); 5], reason: None };
        assert!(decision(&Request::default(), &many).ends_with("and 2 more allow it"));
    }
}
