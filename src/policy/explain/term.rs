//! Conditions in one form: what IAM does not tell apart is equal here.

use crate::policy::catalogue::Catalogue;
use crate::policy::operator::{Comparison, Operator, SetOperator};
use crate::policy::pattern::{Pattern, Syntax, Token};
use crate::policy::statement::Test;
use crate::policy::value::{IpRange, Moment, Number, address};
use std::collections::{BTreeSet, HashMap};

/// How many patterns of one condition are compared with each other.
const MOST_COMPARED: usize = 10_000;
/// How many keys are looked for in the catalogue.
const MOST_KEYS: usize = 100;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    /// In AWS's own spelling where that is known.
    pub(super) key: String,
    pub(super) operator: Operator,
    pub(super) values: BTreeSet<String>,
}

impl Term {
    /// The values as texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// Whether its only value is that word.
    pub(super) fn is_only(&self, word: &str) -> bool {
        self.values.len() == 1 && self.values.contains(word)
    }

    /// Whether it asks that the key be like one of the values, and nothing else.
    pub(super) fn is_plain(&self) -> bool {
        !self.operator.negated && !self.operator.if_exists && self.operator.set.is_none()
    }
}

/// Brings conditions into their form.
pub(super) struct Terms<'a> {
    catalogue: &'a Catalogue,
    variables: bool,
    spelled: HashMap<String, String>,
}

impl<'a> Terms<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, variables: bool) -> Self {
        Self { catalogue, variables, spelled: HashMap::new() }
    }

    /// A condition in its form; nothing if its operator is unknown.
    pub(super) fn of(&mut self, test: &Test) -> Option<Term> {
        let mut operator = Operator::parse(&test.operator)?;
        // An absent key already satisfies a negated operator and `ForAllValues`; `ForAnyValue` it never does.
        operator.if_exists &= !operator.negated && operator.set.is_none();
        let values = test.values.iter().map(|value| canonical(operator.comparison, value)).collect();
        let values = least(operator.comparison, values);
        if operator.comparison == Comparison::StringLike && !values.iter().any(|value| self.is_wild(value)) {
            operator.comparison = Comparison::StringEquals;
        }
        Some(Term { key: self.key(&test.key), operator, values })
    }

    fn syntax(&self) -> Syntax {
        Syntax { wildcards: true, variables: self.variables }
    }

    /// `${*}` is a star only where stars are wild, so a text with it stays `StringLike`.
    fn is_wild(&self, value: &str) -> bool {
        value.contains("${")
            || Pattern::parse(value, self.syntax()).tokens.iter().any(|t| matches!(t, Token::Any | Token::Star))
    }

    /// The key as AWS spells it; what follows a slash is the name of a tag or the path of an issuer.
    fn key(&mut self, key: &str) -> String {
        let (head, tail) = match key.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (key, None),
        };
        let lower = head.to_ascii_lowercase();
        let tagged = tail.is_some();
        let head = match SPELLED.iter().find(|known| known.eq_ignore_ascii_case(&lower)) {
            Some(known) => (*known).to_owned(),
            None if tagged => lower,
            None => self.looked_up(lower),
        };
        tail.map_or(head.clone(), |tail| format!("{head}/{tail}"))
    }

    fn looked_up(&mut self, lower: String) -> String {
        if let Some(known) = self.spelled.get(&lower) {
            return known.clone();
        }
        if self.spelled.len() >= MOST_KEYS {
            return lower;
        }
        let service = lower.split_once(':').and_then(|(prefix, _)| self.catalogue.service(prefix));
        let known = service.and_then(|service| {
            let mut keys = service.actions.iter().flat_map(|action| service.condition_keys(action));
            keys.find(|key| key.name.eq_ignore_ascii_case(&lower))
        });
        let spelled = known.map_or_else(|| lower.clone(), |key| key.name.to_owned());
        self.spelled.insert(lower, spelled.clone());
        spelled
    }
}

/// The values without those that another one covers.
fn least(comparison: Comparison, values: BTreeSet<String>) -> BTreeSet<String> {
    let wide: Vec<&String> = match comparison {
        Comparison::StringLike => values.iter().filter(|value| value.contains('*')).collect(),
        Comparison::IpAddress => values.iter().filter(|value| value.contains('/')).collect(),
        _ => return values,
    };
    if wide.len() * values.len() > MOST_COMPARED {
        return values;
    }
    let covered = |value: &String| wide.iter().any(|other| *other != value && covers(comparison, other, value));
    values.iter().filter(|value| !covered(value)).cloned().collect()
}

fn covers(comparison: Comparison, wide: &str, narrow: &str) -> bool {
    if comparison == Comparison::IpAddress {
        return matches!((IpRange::parse(wide), IpRange::parse(narrow)), (Some(a), Some(b)) if a.contains(b));
    }
    // A literal beginning and one star at the end: what nearly all of them are.
    let Some(beginning) = wide.strip_suffix('*') else { return false };
    !beginning.contains(['*', '?', '$']) && narrow.starts_with(beginning)
}

fn canonical(comparison: Comparison, value: &str) -> String {
    let known = match comparison {
        Comparison::StringEqualsIgnoreCase => Some(value.to_lowercase()),
        Comparison::Bool | Comparison::Null => Some(value.to_ascii_lowercase()),
        Comparison::Numeric(_) => Number::parse(value).map(|number| number.to_string()),
        Comparison::Date(_) => Moment::parse(value).map(|instant| instant.to_string()),
        Comparison::IpAddress => IpRange::parse(value).map(range),
        _ => None,
    };
    known.unwrap_or_else(|| value.to_owned())
}

/// A range as `10.0.0.0/8`, and as an address alone where it has but one.
fn range(range: IpRange) -> String {
    let first = address(range.v6, range.first);
    if range.first == range.last {
        return first;
    }
    let bits = if range.v6 { 128 } else { 32 };
    let host = (range.last - range.first).count_ones();
    format!("{first}/{}", bits - host)
}

/// Whether a condition looks at all values of a key, and holds where there are none.
pub(super) fn is_for_all(term: &Term) -> bool {
    term.operator.set == Some(SetOperator::All)
}

/// Keys of every service, as AWS spells them.
const SPELLED: [&str; 50] = [
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:RequestTag",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:ResourceTag",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpcSourceIp",
    "ec2:ResourceTag",
    "iam:ResourceTag",
    "s3:ExistingObjectTag",
    "s3:RequestObjectTag",
    "secretsmanager:ResourceTag",
    "sts:ExternalId",
    "sts:RoleSessionName",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn term(operator: &str, key: &str, values: &[&str]) -> Term {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let test = Test { operator: operator.into(), key: key.into(), values };
        Terms::new(Catalogue::embedded(), true).of(&test).unwrap()
    }

    #[test]
    fn what_iam_does_not_tell_apart_is_equal() {
        for (left, right) in [
            (term("stringlike", "AWS:sourcevpce", &["a"]), term("StringEquals", "aws:SourceVpce", &["a", "a"])),
            (term("ArnEquals", "aws:SourceArn", &["a*"]), term("ArnLike", "aws:sourcearn", &["a*"])),
            (term("StringLike", "s3:prefix", &["a*", "ab"]), term("StringLike", "S3:PREFIX", &["a*"])),
            (
                term("IpAddress", "aws:SourceIp", &["10.1.2.3/8", "10.9.9.9"]),
                term("IpAddress", "aws:SourceIp", &["10.0.0.0/8"]),
            ),
            (term("NumericLessThan", "s3:TlsVersion", &["1.20"]), term("NumericLessThan", "s3:tlsversion", &["1.2"])),
            (
                term("DateLessThan", "aws:CurrentTime", &["2026-01-01"]),
                term("DateLessThan", "aws:currenttime", &["2026-01-01T00:00:00Z"]),
            ),
            (term("Bool", "aws:SecureTransport", &["True"]), term("Bool", "aws:securetransport", &["true"])),
            (term("StringNotEqualsIfExists", "aws:x", &["a"]), term("StringNotEquals", "aws:X", &["a"])),
            (
                term("ForAllValues:StringEqualsIfExists", "aws:TagKeys", &["a"]),
                term("ForAllValues:StringEquals", "aws:TagKeys", &["a"]),
            ),
        ] {
            assert_eq!(left, right);
        }
    }

    #[test]
    fn what_iam_tells_apart_is_not() {
        for (left, right) in [
            (term("StringLike", "aws:x", &["*"]), term("StringEquals", "aws:x", &["*"])),
            (term("StringEqualsIfExists", "aws:x", &["a"]), term("StringEquals", "aws:x", &["a"])),
            (term("StringEquals", "aws:ResourceTag/a", &["a"]), term("StringEquals", "aws:ResourceTag/A", &["a"])),
            (term("StringLike", "aws:x", &["a${*}"]), term("StringEquals", "aws:x", &["a*"])),
        ] {
            assert_ne!(left, right);
        }
    }

    #[test]
    fn keys_are_spelled_as_aws_does() {
        for (key, spelled) in [
            ("AWS:SOURCEVPC", "aws:SourceVpc"),
            ("s3:tlsversion", "s3:TlsVersion"),
            ("aws:resourcetag/Team", "aws:ResourceTag/Team"),
            ("foo:Bar", "foo:bar"),
            ("oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub", "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub"),
        ] {
            assert_eq!(term("StringEquals", key, &["a"]).key, spelled);
        }
        assert!(SPELLED.is_sorted_by_key(|key| key.to_ascii_lowercase()));
    }

    #[test]
    fn ranges_are_written_as_short_as_they_are() {
        for (text, written) in
            [("10.1.2.3/32", "10.1.2.3"), ("2001:db8::1/32", "2001:db8::/32"), ("::/0", "::/0"), ("x", "x")]
        {
            assert_eq!(canonical(Comparison::IpAddress, text), written);
        }
    }
}
