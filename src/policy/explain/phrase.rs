//! Conditions in words.

use super::term::{Term, is_for_all};
use crate::policy::english::words::{number, quoted, quoted_series, series};
use crate::policy::operator::{Comparison, Order, SetOperator};
use std::collections::BTreeSet;

/// How many values of a condition are said.
const VALUES: usize = 8;
/// How many conditions of a sentence are said.
const CONDITIONS: usize = 8;

/// A condition, such that `only`, `except`, `when` or `unless` may stand before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Phrase {
    /// It holds where the words do not.
    negated: bool,
    /// `over TLS` stands alone; `the key is a` wants a `where`.
    clause: bool,
    words: String,
}

/// Conditions of a permission, each with its comma: `, only over TLS, except from address …`.
pub(super) fn of_grant(terms: &[&Term]) -> String {
    let (phrases, more) = phrases(terms);
    let mut said = String::new();
    for phrase in &phrases {
        let link = if phrase.negated { "except" } else { "only" };
        let place = if phrase.clause { " where" } else { "" };
        said.extend([", ", link, place, " ", phrase.words.as_str()]);
    }
    said + &rest(more)
}

/// Conditions of a denial: `, when … and …, unless … or …`.
pub(super) fn of_denial(terms: &[&Term]) -> String {
    let (phrases, more) = phrases(terms);
    let of = |negated: bool| -> Vec<&str> {
        phrases.iter().filter(|phrase| phrase.negated == negated).map(|phrase| phrase.words.as_str()).collect()
    };
    let mut said = String::new();
    for (link, last, words) in [("when", "and", of(false)), ("unless", "or", of(true))] {
        if !words.is_empty() {
            said.extend([", ", link, " ", joined(&words, last).as_str()]);
        }
    }
    said + &rest(more)
}

/// All of them with the word between, since there may be commas within.
fn joined(words: &[&str], last: &str) -> String {
    words.join(&format!(" {last} "))
}

fn rest(more: usize) -> String {
    if more == 0 { String::new() } else { format!(", under {}", number(more, "more condition")) }
}

fn phrases(terms: &[&Term]) -> (BTreeSet<Phrase>, usize) {
    let mut all: BTreeSet<Phrase> = terms.iter().map(|term| phrase(term)).collect();
    let more = all.len().saturating_sub(CONDITIONS);
    while all.len() > CONDITIONS {
        all.pop_last();
    }
    (all, more)
}

fn phrase(term: &Term) -> Phrase {
    if let Some(phrase) = switch(term) {
        return phrase;
    }
    let operator = term.operator;
    let values = values(term);
    if operator.set.is_none()
        && let Some(words) = adverb(&term.key.to_ascii_lowercase(), operator.comparison, &values)
    {
        let absent = if operator.if_exists { " or where it is not given" } else { "" };
        return Phrase { negated: operator.negated, clause: false, words: format!("{words}{absent}") };
    }
    let subject = subject(&term.key);
    let words = match (operator.set, operator.negated) {
        (None, _) if operator.if_exists => format!("{subject} is {values} or is not given"),
        (None, _) => format!("{subject} is {values}"),
        (Some(SetOperator::All), false) => format!("every value of {subject} is {values} or there is none"),
        // All are unlike it exactly when none is like it.
        (Some(SetOperator::All), true) | (Some(SetOperator::Any), false) => {
            format!("a value of {subject} is {values}")
        }
        (Some(SetOperator::Any), true) => format!("a value of {subject} is not {values}"),
    };
    let negated = operator.negated && (operator.set.is_none() || is_for_all(term));
    Phrase { negated, clause: true, words }
}

/// Yes or no: TLS, MFA, and whether a key is there.
fn switch(term: &Term) -> Option<Phrase> {
    let said = |negated: bool, words: &str| Some(Phrase { negated, clause: false, words: words.to_owned() });
    let (yes, no) = (term.is_only("true"), term.is_only("false"));
    match term.operator.comparison {
        Comparison::Null if yes || no => {
            let not = if yes { "not " } else { "" };
            Some(Phrase { negated: false, clause: true, words: format!("{} is {not}given", subject(&term.key)) })
        }
        Comparison::Bool if term.operator.set.is_none() => match term.key.as_str() {
            // Every request has this key.
            "aws:SecureTransport" if yes => said(false, "over TLS"),
            "aws:SecureTransport" if no => said(true, "over TLS"),
            "aws:MultiFactorAuthPresent" if yes && !term.operator.if_exists => said(false, "with MFA"),
            // Requests with long-lived keys lack this key.
            "aws:MultiFactorAuthPresent" if no && term.operator.if_exists => said(true, "with MFA"),
            "aws:ViaAWSService" if yes => said(false, "through an AWS service on the caller's behalf"),
            "aws:ViaAWSService" if no => said(true, "through an AWS service on the caller's behalf"),
            "aws:PrincipalIsAWSService" if yes => said(false, "for AWS services themselves"),
            "aws:PrincipalIsAWSService" if no => said(true, "for AWS services themselves"),
            _ => None,
        },
        _ => None,
    }
}

/// The values, with how they compare.
fn values(term: &Term) -> String {
    if term.values.is_empty() {
        return "none of no values".to_owned();
    }
    let listed = quoted_series(term.texts(), VALUES, "or");
    let wild = term.texts().any(|value| value.contains(['*', '?']));
    match term.operator.comparison {
        Comparison::StringLike | Comparison::ArnLike if wild => format!("like {listed}"),
        Comparison::StringEqualsIgnoreCase => format!("{listed} in any case"),
        Comparison::BinaryEquals => format!("the bytes {listed}"),
        Comparison::IpAddress if term.key.eq_ignore_ascii_case("aws:SourceIp") => listed,
        Comparison::IpAddress => format!("within {listed}"),
        // Of a text with a star that is only a star it must be said.
        Comparison::StringEquals if wild => format!("exactly {listed}"),
        Comparison::Numeric(order) => ordered(order, ["less than", "at most", "more than", "at least"], &listed),
        Comparison::Date(order) => ordered(order, ["before", "at or before", "after", "at or after"], &listed),
        _ => listed,
    }
}

fn ordered(order: Order, words: [&str; 4], listed: &str) -> String {
    let [less, at_most, more, at_least] = words;
    let word = match order {
        Order::Equal => return listed.to_owned(),
        Order::Less => less,
        Order::LessOrEqual => at_most,
        Order::Greater => more,
        Order::GreaterOrEqual => at_least,
    };
    format!("{word} {listed}")
}

/// A key with its values as people say it; nothing for keys that are best named.
fn adverb(key: &str, comparison: Comparison, values: &str) -> Option<String> {
    let text = matches!(
        comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
            | Comparison::IpAddress
    );
    if matches!(key, "aws:currenttime" | "aws:epochtime") && matches!(comparison, Comparison::Date(_)) {
        let at = if matches!(comparison, Comparison::Date(Order::Equal)) { "at " } else { "" };
        return Some(format!("{at}{values}"));
    }
    if !text {
        return None;
    }
    let preposition = match key {
        "aws:sourcevpce" => "through endpoint",
        "aws:sourcevpc" => "from network",
        "aws:sourceip" => "from address",
        "aws:vpcsourceip" => "from private address",
        "aws:requestedregion" => "in region",
        "aws:principalorgid" => "for callers of organisation",
        "aws:principalaccount" => "for callers of account",
        "aws:principalarn" => "for caller",
        "aws:principalservicename" => "for service",
        "aws:sourceaccount" => "on behalf of account",
        "aws:sourcearn" => "on behalf of resource",
        "aws:sourceorgid" => "on behalf of organisation",
        "aws:resourceaccount" => "on resources of account",
        "aws:resourceorgid" => "on resources of organisation",
        "kms:viaservice" => "through service",
        "iam:passedtoservice" => "to service",
        "iam:permissionsboundary" => "with permissions boundary",
        "iam:policyarn" => "with policy",
        "sts:externalid" => "with external id",
        "sts:rolesessionname" => "with session name",
        "s3:prefix" => "under prefix",
        _ => return claim(key).map(|claim| format!("for {claim} {values}")),
    };
    Some(format!("{preposition} {values}"))
}

/// The claims of a token: `issuer:aud` and `issuer:sub`.
fn claim(key: &str) -> Option<&'static str> {
    let (issuer, claim) = key.rsplit_once(':')?;
    match claim {
        "aud" if issuer.contains('.') || issuer == "saml" => Some("audience"),
        "sub" if issuer.contains('.') || issuer == "saml" => Some("subject"),
        _ => None,
    }
}

/// What a key is about.
fn subject(key: &str) -> String {
    const TAGS: [(&str, &str); 7] = [
        ("aws:PrincipalTag", "the caller's tag"),
        ("aws:RequestTag", "the requested tag"),
        ("aws:ResourceTag", "the resource's tag"),
        ("ec2:ResourceTag", "the resource's tag"),
        ("iam:ResourceTag", "the resource's tag"),
        ("s3:ExistingObjectTag", "the object's tag"),
        ("secretsmanager:ResourceTag", "the resource's tag"),
    ];
    let tag = key.split_once('/').and_then(|(head, name)| {
        TAGS.iter().find(|(known, _)| *known == head).map(|(_, words)| format!("{words} {}", quoted(name)))
    });
    tag.unwrap_or_else(|| quoted(key))
}

/// Whether a term names the subject of a token of that issuer, so that it can be said as the caller.
pub(super) fn token_subject(term: &Term, issuer: &str) -> Option<String> {
    let (host, claim) = term.key.rsplit_once(':')?;
    let text = matches!(term.operator.comparison, Comparison::StringEquals | Comparison::StringLike);
    if claim != "sub" || !host.eq_ignore_ascii_case(issuer) || !text || !term.is_plain() || term.values.is_empty() {
        return None;
    }
    let noun = if term.values.len() == 1 && term.operator.comparison == Comparison::StringEquals {
        "subject"
    } else {
        "subjects"
    };
    Some(format!("{noun} {} of issuer {}", values(term), quoted(issuer)))
}

/// Names joined in a sentence about several callers.
pub(super) fn callers(words: &[String]) -> String {
    const CALLERS: usize = 8;
    let mut said: Vec<String> = words.iter().take(CALLERS).cloned().collect();
    if words.len() > CALLERS {
        said.push(format!("{} more", words.len() - CALLERS));
    }
    series(&said, "and")
}
