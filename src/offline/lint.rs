//! What is valid in a scope policy and is hardly meant.

use super::code::Code;
use super::finding::Finding;
use super::manifest::Manifest;
use crate::api::v1alpha1::{AccessRule, ScopePolicy};
use crate::names::shortened;
use crate::policy::Catalogue;
use crate::policy::catalogue::nearest;
use crate::policy::is_pattern;

/// Looks at a scope policy.
pub(super) fn policy(manifest: &Manifest, policy: &ScopePolicy, catalogue: &Catalogue) -> Vec<Finding> {
    let mut found = Vec::new();
    let lists = [("allow", &policy.spec.allow), ("deny", &policy.spec.deny)];
    for (list, rules) in lists {
        for (index, rule) in rules.iter().enumerate() {
            let field = format!("spec.{list}[{index}]");
            actions(manifest, &field, (list, rule), catalogue, &mut found);
            // Under `deny` a name that runs on denies more than was meant, and opens nothing.
            if list == "allow" {
                resources(manifest, &field, rule, &mut found);
            }
        }
    }
    found
}

// ---- actions ----

fn actions(
    manifest: &Manifest,
    field: &str,
    (list, rule): (&str, &AccessRule),
    catalogue: &Catalogue,
    found: &mut Vec<Finding>,
) {
    let unknown: Vec<(usize, String)> = rule
        .actions
        .iter()
        .enumerate()
        .filter_map(|(index, action)| Some((index, unknown(action, catalogue)?)))
        .collect();
    let verb = if list == "allow" { "allows" } else { "denies" };
    let much = if unknown.len() == rule.actions.len() { "nothing" } else { "less than it says" };
    for (index, what) in unknown {
        let message = format!("{what}: rule `{}` {verb} {much}", rule.name);
        let help = "correct the name; if AWS made it after the catalogue that Ambit carries, there is nothing to do";
        let field = format!("{field}.actions[{index}]");
        found.push(manifest.finding(Code::RuleMatchesNothing, &field, message, Some(help)));
    }
}

/// Why an action matches nothing that is known.
fn unknown(action: &str, catalogue: &Catalogue) -> Option<String> {
    // `*` alone is every action; the API server takes nothing else without a colon.
    let (prefix, name) = action.split_once(':')?;
    let quoted = shortened(action);
    if is_pattern(prefix) {
        let mut services = catalogue.services().filter(|service| matches(prefix, service.prefix));
        let none = !services.any(|service| !service.matching(name).is_empty());
        return none.then(|| format!("`{quoted}` matches no known action"));
    }
    let Some(service) = catalogue.service(prefix) else {
        let near = did_you_mean(catalogue.nearest_services(prefix));
        return Some(format!("`{quoted}` is of no known service{near}"));
    };
    let offered = |name: &str| {
        let near = nearest(name, service.actions.iter().map(|action| action.name));
        did_you_mean(near.into_iter().map(|name| format!("{}:{name}", service.prefix)).collect())
    };
    if is_pattern(name) {
        let literal = name.split(['*', '?']).next().unwrap_or_default();
        let none = service.matching(name).is_empty();
        return none.then(|| format!("`{quoted}` matches no known action of {}{}", service.prefix, offered(literal)));
    }
    let none = service.action(name).is_none();
    none.then(|| format!("`{quoted}` is not a known action of {}{}", service.prefix, offered(name)))
}

fn did_you_mean(names: Vec<String>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; did you mean {only}?"),
        Some((last, rest)) => format!("; did you mean {} or {last}?", rest.join(", ")),
    }
}

/// Whether a pattern with `*` and `?` matches a text, case ignored.
fn matches(pattern: &str, text: &str) -> bool {
    // Which lengths of the pattern match what was read of the text.
    let pattern = pattern.to_ascii_lowercase();
    let mut reached: Vec<bool> = std::iter::once(true)
        .chain(pattern.chars().scan(true, |all, sign| {
            *all &= sign == '*';
            Some(*all)
        }))
        .collect();
    for letter in text.to_ascii_lowercase().chars() {
        let mut next = vec![false];
        for (sign, pair) in pattern.chars().zip(reached.windows(2)) {
            let [before, here] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push(match sign {
                '*' => left || *here,
                '?' => *before,
                sign => *before && sign == letter,
            });
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

// ---- resources ----

/// A piece of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Namespace,
    Name,
    Sign(char),
}

impl Piece {
    fn is_variable(self) -> bool {
        matches!(self, Self::Namespace | Self::Name)
    }

    /// Whether it can stand for text that what the variable stands for may hold too.
    fn may_be_in(self, variable: Self) -> bool {
        match self {
            Self::Namespace | Self::Name | Self::Sign('*' | '?') => true,
            // Names of identities have dots, names of namespaces have none.
            Self::Sign('.') => variable == Self::Name,
            Self::Sign(sign) => sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-',
        }
    }

    fn words(self) -> String {
        match self {
            Self::Namespace => "${namespace}".to_owned(),
            Self::Name => "${name}".to_owned(),
            Self::Sign(sign) => sign.to_string(),
        }
    }
}

fn pieces(mut text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix("${namespace}") {
            pieces.push(Piece::Namespace);
            text = rest;
        } else if let Some(rest) = text.strip_prefix("${name}") {
            pieces.push(Piece::Name);
            text = rest;
        } else if let Some(sign) = text.chars().next() {
            pieces.push(Piece::Sign(sign));
            text = text.get(sign.len_utf8()..).unwrap_or_default();
        } else {
            return pieces;
        }
    }
}

fn resources(manifest: &Manifest, field: &str, rule: &AccessRule, found: &mut Vec<Finding>) {
    for (index, resource) in rule.resources.iter().enumerate() {
        if let Some(why) = runs_on(resource) {
            let message = format!("in `{}` {why}", shortened(resource));
            let help = "put a `/`, or another sign that no name can hold, between the two, or list the names";
            let field = format!("{field}.resources[{index}]");
            found.push(manifest.finding(Code::OpenPrefix, &field, message, Some(help)));
        } else if resource.contains("${name}") && !resource.contains("${namespace}") {
            let message = format!(
                "`{}` has `${{name}}` and no `${{namespace}}`: whoever may declare identities in any selected namespace chooses the name, and so reaches what belongs to an identity of that name elsewhere",
                shortened(resource)
            );
            let help = "put `${namespace}/` before `${name}`, unless the policy selects one namespace only";
            let field = format!("{field}.resources[{index}]");
            found.push(manifest.finding(Code::OpenPrefix, &field, message, Some(help)));
        }
    }
}

/// Why what a variable stands for runs on into what a longer name stands for: between it and a
/// wildcard or another variable is nothing that a name could not hold.
fn runs_on(resource: &str) -> Option<String> {
    let pieces = pieces(resource);
    let open = |piece: &&Piece| piece.is_variable() || matches!(piece, Piece::Sign('*' | '?'));
    let mut before: &[Piece] = &[];
    for (index, variable) in pieces.iter().enumerate().filter(|(_, piece)| piece.is_variable()) {
        let behind = pieces.get(index + 1..).unwrap_or_default();
        if let Some(next) = behind.iter().take_while(|piece| piece.may_be_in(*variable)).find(open) {
            return Some(told(*variable, *next, false));
        }
        before = pieces.get(..index).unwrap_or(before);
        // A variable in front was found from its own side.
        let wildcard = |piece: &&Piece| open(piece) && !piece.is_variable();
        if let Some(last) = before.iter().rev().take_while(|piece| piece.may_be_in(*variable)).find(wildcard) {
            return Some(told(*variable, *last, true));
        }
    }
    None
}

fn told(variable: Piece, other: Piece, in_front: bool) -> String {
    let (kind, short, long) = match (variable, in_front) {
        (Piece::Namespace, false) => ("namespace", "shop", "shop-eu"),
        (Piece::Namespace, true) => ("namespace", "shop", "eu-shop"),
        (_, false) => ("identity", "orders", "orders-eu"),
        (_, true) => ("identity", "orders", "eu-orders"),
    };
    let (variable, words) = (variable.words(), other.words());
    if other.is_variable() {
        return format!(
            "nothing divides `{variable}` from `{words}`: `a` and `b-c` together read the same as `a-b` and `c`, which are others"
        );
    }
    let side = if in_front { "in front of" } else { "behind" };
    format!(
        "nothing divides `{variable}` from the `{words}` {side} it: {kind} `{short}` reaches what belongs to `{long}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_runs_on_where_nothing_divides_it_from_a_wildcard_or_another_name() {
        for open in [
            "arn:aws:s3:::${namespace}-*",
            "arn:aws:s3:::${namespace}*",
            "arn:aws:s3:::${namespace}-data-?",
            "arn:aws:s3:::${namespace}-data*/x",
            "arn:aws:s3:::${name}.*",
            "arn:aws:s3:::a/${namespace}-${name}",
            "arn:aws:s3:::${namespace}${name}/*",
            "arn:aws:s3:::*-${namespace}",
            "arn:aws:s3:::${namespace}/*${name}",
        ] {
            assert!(runs_on(open).is_some(), "{open}");
        }
        for closed in [
            "arn:aws:s3:::${namespace}",
            "arn:aws:s3:::${namespace}/*",
            "arn:aws:s3:::${namespace}-data",
            "arn:aws:s3:::${namespace}-data/*",
            "arn:aws:s3:::${namespace}_*",
            "arn:aws:s3:::${namespace}.*",
            "arn:aws:s3:::a-${namespace}/${name}/*",
            "arn:aws:sqs:*:*:${namespace}",
            "arn:aws:s3:::*",
            "*",
        ] {
            assert_eq!(runs_on(closed), None, "{closed}");
        }
    }

    #[test]
    fn it_is_said_who_would_reach_what() {
        assert_eq!(
            runs_on("arn:aws:s3:::${namespace}-*").unwrap(),
            "nothing divides `${namespace}` from the `*` behind it: namespace `shop` reaches what belongs to `shop-eu`"
        );
        assert_eq!(
            runs_on("arn:aws:s3:::*${name}").unwrap(),
            "nothing divides `${name}` from the `*` in front of it: identity `orders` reaches what belongs to `eu-orders`"
        );
        assert_eq!(
            runs_on("arn:aws:s3:::${namespace}-${name}").unwrap(),
            "nothing divides `${namespace}` from `${name}`: `a` and `b-c` together read the same as `a-b` and `c`, which are others"
        );
    }

    #[test]
    fn an_action_that_nobody_knows_is_told_with_the_nearest() {
        let catalogue = Catalogue::embedded();
        for known in ["*", "*:*", "s3:*", "S3:getobject", "s3:Get*", "s3*:Get*", "?3:GetObject", "*:GetObject"] {
            assert_eq!(unknown(known, catalogue), None, "{known}");
        }
        for (action, told) in [
            ("iam:CreateUsr", "`iam:CreateUsr` is not a known action of iam; did you mean `iam:CreateUser`?"),
            ("st:AssumeRole", "`st:AssumeRole` is of no known service; did you mean `s3` or `sts`?"),
            ("s3:Frobnicate*", "`s3:Frobnicate*` matches no known action of s3"),
            ("x*:Frobnicate", "`x*:Frobnicate` matches no known action"),
        ] {
            let found = unknown(action, catalogue).unwrap();
            assert!(
                found == told
                    || action.starts_with("st:")
                        && found.starts_with("`st:AssumeRole` is of no known service; did you mean"),
                "{found}"
            );
        }
    }

    #[test]
    fn patterns_match_as_people_write_them() {
        for (pattern, text, expected) in [
            ("*", "s3", true),
            ("s3*", "s3", true),
            ("S?", "s3", true),
            ("?", "s3", false),
            ("*3*", "s3", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2000)));
    }
}
