//! Which ARNs look like those of AWS.

use super::glob::{Glob, Sign};
use crate::names::is_account_id;

/// What the ARNs of a resource type look like, segment by segment.
pub(super) fn of_template(template: &str) -> Option<[Glob; 6]> {
    let mut segments: Vec<String> = Vec::new();
    let mut rest = template;
    // A colon within a variable separates nothing, but no template has one.
    while segments.len() < 5 {
        let (segment, after) = rest.split_once(':')?;
        segments.push(segment.to_owned());
        rest = after;
    }
    segments.push(rest.to_owned());
    let [arn, partition, service, region, account, tail] = segments.try_into().ok()?;
    Some([
        Glob::text(&arn),
        part(&partition, &Glob::text("aws")),
        part(&service, &some()),
        part(&region, &some()),
        part(&account, &self::account()),
        names(&tail),
    ])
}

/// The number of an account.
pub(super) fn account() -> Glob {
    Glob::of(vec![Sign::Digit; 12])
}

/// A segment that is a variable looks like `usual`.
fn part(segment: &str, usual: &Glob) -> Glob {
    if segment == "*" || segment.contains("${") { usual.clone() } else { Glob::text(segment) }
}

/// Any text but none.
fn some() -> Glob {
    Glob::of(vec![Sign::Any { bound: false }, Sign::Star { bound: false }])
}

/// The name of a resource, with a text for each variable.
fn names(tail: &str) -> Glob {
    let mut signs = Vec::new();
    let mut rest = tail;
    while let Some(character) = rest.chars().next() {
        if let Some((_, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            signs.extend([Sign::Any { bound: false }, Sign::Star { bound: false }]);
            rest = after;
            continue;
        }
        signs.push(if character == '*' { Sign::Star { bound: false } } else { Sign::Char(character) });
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    Glob::of(signs)
}

/// Whether a resource is `*`, or an ARN whose partition, region and account look like AWS's.
pub(super) fn is_well_formed(resource: &str) -> bool {
    if resource == "*" {
        return true;
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, name] = parts.as_slice() else { return false };
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    (*partition == "aws" || partition.starts_with("aws-") && word(partition))
        && word(service)
        && (region.is_empty() || word(region) && region.contains('-'))
        && (account.is_empty() || *account == "aws" || is_account_id(account))
        && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_frame_the_arns_of_their_type() {
        let frame = of_template("arn:${Partition}:sqs:${Region}:${Account}:${QueueName}").unwrap();
        let fits = |arn: &str| frame.iter().zip(arn.splitn(6, ':')).all(|(glob, part)| glob.matches(part));
        assert!(fits("arn:aws:sqs:eu-west-1:123456789012:q"));
        for wrong in [
            "arn:aws:sqs::123456789012:q",
            "arn:aws:sqs:eu-west-1:1:q",
            "arn:aws:sns:eu-west-1:123456789012:q",
            "arn:aws:sqs:eu-west-1:123456789012:",
        ] {
            assert!(!fits(wrong), "{wrong}");
        }
        assert!(of_template("*").is_none());
    }

    #[test]
    fn what_looks_like_an_arn_of_aws() {
        for good in ["*", "arn:aws:s3:::b/k", "arn:aws-cn:sqs:cn-north-1:123456789012:q", "arn:aws:iam::aws:policy/x"] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in
            ["", "x", "arn:x:s3:::b", "arn:aws:s3:::", "arn:aws:sqs:x:123456789012:q", "arn:aws:sqs:eu-west-1:1:q"]
        {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
